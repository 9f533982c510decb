{#- The days that the facts about each (lead_id, as_of) row of a spine are of, from what was known at as_of: the newest record,
    the lead's last activity, the day on which each fact about the account became known, and the last day on which a thing
    was done.

    spine: a select of lead_id, as_of (timestamp), account_id and last_activity_at, the latter two as features has them.
    measures: those that rules and gates name; looking for the last day of all of them would take as long as counting. The
    others have a column, too, without any day. -#}
{% macro fact_dates(spine, measures) -%}
{#- What a source or the policy declares as known since ever stands at the beginning of 1970, and became known on no day. -#}
{%- set fields = ['company_size', 'industry', 'is_listed', 'country', 'revenue_band', 'uses_competitor', 'uses_complement'] -%}
with spine as (
    select lead_id, as_of, cast(as_of as date) as as_of_date, account_id, last_activity_at
    from ({{ spine }})
),

done as (
    {{ known_activity(measures) }}
),

last_done as (
    select
        lead_id,
        as_of
        {%- for measure in measures %},
        max(event_date) filter (where {{ is_done([measure]) }}) as {{ measure }}_date
        {%- endfor %}
    from done
    group by lead_id, as_of
),

newest_records as (
    select spine.lead_id, spine.as_of, max(cast(records.occurred_at as date)) as record_date
    from spine
    inner join {{ source('identity', 'identity_map') }} as members
        on members.lead_id = spine.lead_id
        and members.known_from <= spine.as_of
        and (members.known_to is null or members.known_to > spine.as_of)
    inner join {{ source('clean', 'clean_leads') }} as records
        on records.record_key = members.record_key
        and records.known_at <= spine.as_of
    group by spine.lead_id, spine.as_of
),

account_moments as (
    select distinct account_id, as_of
    from spine
    where account_id is not null
),

account_dates as (
    select
        account_moments.account_id,
        account_moments.as_of
        {%- for field in fields %},
        max(cast(firm.known_from as date)) filter (where firm.field = '{{ field }}') as {{ field }}_known_date
        {%- endfor %}
    from account_moments
    inner join {{ source('enrich', 'firmographic_facts') }} as firm
        on firm.account_id = account_moments.account_id
        and firm.known_from > timestamp '1970-01-01'
        and firm.known_from <= account_moments.as_of
        and (firm.known_until is null or firm.known_until > account_moments.as_of)
    group by account_moments.account_id, account_moments.as_of
)

select
    spine.lead_id,
    spine.as_of,
    newest_records.record_date,
    cast(spine.last_activity_at as date) as last_activity_date
    {%- for field in fields %},
    account_dates.{{ field }}_known_date
    {%- endfor %}
    {%- for measure in var('activity_windows') %},
    {{ 'last_done.' ~ measure ~ '_date' if measure in measures else 'cast(null as date)' }} as {{ measure }}_date
    {%- endfor %}
from spine
left join newest_records on newest_records.lead_id = spine.lead_id and newest_records.as_of = spine.as_of
left join account_dates on account_dates.account_id = spine.account_id and account_dates.as_of = spine.as_of
left join last_done on last_done.lead_id = spine.lead_id and last_done.as_of = spine.as_of
{%- endmacro %}
