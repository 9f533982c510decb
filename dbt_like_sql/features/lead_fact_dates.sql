-- grain: one row per lead, as of the refresh's moment
{{ config(materialized='table') }}

{#- Only for the measures that rules and gates name: looking for the last day of all of them would take as long as counting. -#}
{%- set measures = var('dated_measures') -%}
with spine as (
    select
        leads.lead_id,
        timestamp '{{ var("as_of") }}' as as_of,
        cast(timestamp '{{ var("as_of") }}' as date) as as_of_date,
        features.account_id,
        features.last_activity_at
    from {{ source('identity', 'leads') }} as leads
    inner join {{ ref('lead_features') }} as features on features.lead_id = leads.lead_id
),

done as (
    {{ known_activity(measures, only_done=true) }}
),

last_done as (
    select
        lead_id
        {%- for measure in measures %},
        max(event_date) filter (where {{ measure }} > 0) as {{ measure }}_date
        {%- endfor %}
    from done
    group by lead_id
),

newest_records as (
    select spine.lead_id, max(cast(records.occurred_at as date)) as record_date
    from spine
    inner join {{ source('identity', 'identity_map') }} as members
        on members.lead_id = spine.lead_id
        and members.known_from <= spine.as_of
        and (members.known_to is null or members.known_to > spine.as_of)
    inner join {{ source('clean', 'clean_leads') }} as records
        on records.record_key = members.record_key
        and records.known_at <= spine.as_of
    group by spine.lead_id
),

{#- What a source or the policy declares as known since ever stands at the beginning of 1970, and became known on no day. -#}
{%- set fields = ['company_size', 'industry', 'is_listed', 'country', 'revenue_band', 'uses_competitor', 'uses_complement'] %}

account_facts as (
    select
        account_id
        {%- for field in fields %},
        max(cast(known_from as date)) filter (where field = '{{ field }}') as {{ field }}_known_date
        {%- endfor %}
    from {{ source('enrich', 'firmographic_facts') }}
    where known_from > timestamp '1970-01-01'
        and known_from <= timestamp '{{ var("as_of") }}'
        and (known_until is null or known_until > timestamp '{{ var("as_of") }}')
    group by account_id
)

select
    spine.lead_id,
    spine.as_of,
    newest_records.record_date,
    cast(spine.last_activity_at as date) as last_activity_date
    {%- for field in fields %},
    account_facts.{{ field }}_known_date
    {%- endfor %}
    {%- for measure in var('activity_windows') %},
    {{ 'last_done.' ~ measure ~ '_date' if measure in measures else 'cast(null as date)' }} as {{ measure }}_date
    {%- endfor %}
from spine
left join newest_records on newest_records.lead_id = spine.lead_id
left join account_facts on account_facts.account_id = spine.account_id
left join last_done on last_done.lead_id = spine.lead_id
