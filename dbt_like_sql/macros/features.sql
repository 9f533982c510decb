{#- Every feature of every (lead_id, as_of) row of a spine, from facts known at as_of and from nothing else.

    Scoring, training, backtest and explanation differ in their spine only. A window of n days is the last n whole
    UTC days and the as_of day so far. Closed days come from lead_activity_daily; the as_of day, where the clock time
    matters at which something happened, became known or turned out to be no fact, comes from lead_events.

    spine: a select of lead_id and as_of (timestamp). -#}
{% macro features(spine) %}
with spine as (
    select lead_id, as_of, cast(as_of as date) as as_of_date
    from ({{ spine }})
),

known_records as (
    select
        spine.lead_id,
        spine.as_of,
        case when members.account_known_from <= spine.as_of then members.account_id end as account_id,
        (records.known_at, records.occurred_at, records.record_key) as recency,
        (records.occurred_at, records.known_at, records.record_key) as sequence,
        records.record_key,
        records.raw_table,
        records.sql_lead_id,
        records.email,
        records.email_domain,
        records.is_free_mail,
        records.is_disposable_mail,
        records.phone,
        records.title,
        records.seniority,
        records.country,
        records.channel,
        records.campaign,
        records.landing_page,
        records.competitor_known_at,
        records.suspect_known_at,
        records.occurred_at
    from spine
    inner join {{ source('identity', 'identity_map') }} as members
        on members.lead_id = spine.lead_id
        and members.known_from <= spine.as_of
        and (members.known_to is null or members.known_to > spine.as_of)
    inner join {{ source('clean', 'clean_leads') }} as records
        on records.record_key = members.record_key
        and records.known_at <= spine.as_of
),

lead_facts as (
    select
        lead_id,
        as_of,
        arg_max(account_id, recency) filter (where account_id is not null) as account_id,
        arg_max(email_domain, recency) filter (where email_domain is not null) as email_domain,
        arg_max(is_free_mail, recency) filter (where is_free_mail is not null) as is_free_mail,
        arg_max(is_disposable_mail, recency) filter (where is_disposable_mail is not null) as is_disposable_mail,
        arg_max(title, recency) filter (where title is not null) as title,
        arg_max_null(seniority, recency) filter (where title is not null) as seniority,
        arg_max(country, recency) filter (where country is not null) as country,
        arg_min_null(channel, sequence) as channel,
        arg_min_null(campaign, sequence) as campaign,
        arg_min_null(landing_page, sequence) as landing_page,
        bool_or(email is not null) as has_email,
        bool_or(phone is not null) as has_phone,
        bool_or(coalesce(competitor_known_at <= as_of, false)) as is_competitor,
        bool_or(coalesce(suspect_known_at <= as_of, false)) as has_suspect_contact,
        bool_or(raw_table = 'sql_leads') as is_sql,
        count(*) as record_count,
        min(occurred_at) as created_at,
        max(occurred_at) as last_record_at
    from known_records
    group by lead_id, as_of
),

crm_facts as (
    select
        known_records.lead_id,
        known_records.as_of,
        arg_max(crm.intent_degree, known_records.recency) filter (where crm.intent_degree is not null) as intent_degree
    from known_records
    inner join {{ ref('stg_sql_leads') }} as crm
        on crm.sql_lead_id = known_records.sql_lead_id and crm.known_at <= known_records.as_of
    group by known_records.lead_id, known_records.as_of
),

attribute_values as (
    select
        known_records.lead_id,
        known_records.as_of,
        attributes.attribute,
        arg_max(attributes.value, known_records.recency) as value
    from known_records
    inner join {{ ref('stg_attributes') }} as attributes
        on attributes.raw_table || ':' || attributes.record_id = known_records.record_key
        and attributes.known_at <= known_records.as_of
    where attributes.value is not null
    group by known_records.lead_id, known_records.as_of, attributes.attribute
),

attribute_maps as (
    select
        lead_id,
        as_of,
        cast(to_json(map_from_entries(list((attribute, value) order by attribute))) as varchar) as attributes
    from attribute_values
    group by lead_id, as_of
),

activity as (
    select
        spine.lead_id,
        spine.as_of,
        date_diff('day', daily.event_date, spine.as_of_date) as days_ago,
        daily.last_event_at
        {%- for measure in var('activity_measures') %},
        daily.{{ measure }}
        {%- endfor %}
    from spine
    inner join {{ ref('lead_activity_daily') }} as daily
        on daily.lead_id = spine.lead_id
        and daily.event_date < spine.as_of_date
        and daily.known_date < spine.as_of_date
        and (daily.known_until_date is null or daily.known_until_date > spine.as_of_date)

    union all

    select
        spine.lead_id,
        spine.as_of,
        date_diff('day', cast(events.occurred_at as date), spine.as_of_date) as days_ago,
        case when events.sales_activities = 0 then events.occurred_at end as last_event_at
        {%- for measure in var('activity_measures') %},
        events.{{ measure }}
        {%- endfor %}
    from spine
    inner join {{ ref('lead_events') }} as events
        on events.lead_id = spine.lead_id
        and greatest(cast(events.occurred_at as date), cast(events.known_at as date)) = spine.as_of_date
        and events.occurred_at <= spine.as_of
        and events.known_at <= spine.as_of
        and (events.known_until is null or events.known_until > spine.as_of)

    union all

    select
        spine.lead_id,
        spine.as_of,
        date_diff('day', cast(events.occurred_at as date), spine.as_of_date) as days_ago,
        case when events.sales_activities = 0 then events.occurred_at end as last_event_at
        {%- for measure in var('activity_measures') %},
        events.{{ measure }}
        {%- endfor %}
    from spine
    inner join {{ ref('lead_events') }} as events
        on events.lead_id = spine.lead_id
        and cast(events.known_until as date) = spine.as_of_date
        and events.known_until > spine.as_of
        and events.occurred_at < spine.as_of_date
        and events.known_at < spine.as_of_date
),

activity_windows as (
    select
        lead_id,
        as_of,
        max(last_event_at) as last_event_at
        {%- for measure in var('activity_measures') %}
        {%- set number_type = 'double' if measure == 'product_minutes' else 'bigint' %}
        {%- for days in var('activity_window_days') %},
        cast(round(coalesce(sum({{ measure }}) filter (where days_ago <= {{ days }}), 0), 6) as {{ number_type }}) as {{ measure }}_{{ days }}d
        {%- endfor %},
        cast(round(sum({{ measure }}), 6) as {{ number_type }}) as {{ measure }}_ever
        {%- endfor %}
    from activity
    group by lead_id, as_of
)

select
    facts.lead_id,
    facts.as_of,
    facts.account_id,
    facts.email_domain,
    facts.is_free_mail,
    facts.is_disposable_mail,
    facts.title,
    facts.seniority,
    facts.country,
    facts.channel,
    facts.campaign,
    facts.landing_page,
    facts.has_email,
    facts.has_phone,
    facts.is_competitor,
    facts.has_suspect_contact,
    facts.is_sql,
    crm_facts.intent_degree,
    facts.record_count,
    case when firmographics.company_size_known_at <= facts.as_of then firmographics.company_size end as company_size,
    case when firmographics.industry_known_at <= facts.as_of then firmographics.industry end as industry,
    case when firmographics.is_listed_known_at <= facts.as_of then firmographics.is_listed end as is_listed,
    facts.created_at,
    date_diff('day', cast(facts.created_at as date), cast(facts.as_of as date)) as lead_age_days,
    greatest(facts.last_record_at, windows.last_event_at) as last_activity_at,
    date_diff(
        'day', cast(greatest(facts.last_record_at, windows.last_event_at) as date), cast(facts.as_of as date)
    ) as days_since_last_activity
    {%- for measure in var('activity_measures') %}
    {%- for window in var('activity_window_days') %},
    coalesce(windows.{{ measure }}_{{ window }}d, 0) as {{ measure }}_{{ window }}d
    {%- endfor %},
    coalesce(windows.{{ measure }}_ever, 0) as {{ measure }}_ever
    {%- endfor %},
    attribute_maps.attributes
from lead_facts as facts
left join crm_facts on crm_facts.lead_id = facts.lead_id and crm_facts.as_of = facts.as_of
left join attribute_maps on attribute_maps.lead_id = facts.lead_id and attribute_maps.as_of = facts.as_of
left join {{ source('enrich', 'firmographics') }} as firmographics on firmographics.account_id = facts.account_id
left join activity_windows as windows on windows.lead_id = facts.lead_id and windows.as_of = facts.as_of
{% endmacro %}
