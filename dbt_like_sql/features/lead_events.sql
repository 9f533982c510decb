-- grain: one row per fact that a lead did something
{{ config(materialized='table') }}

{#- A fact tied to a lead is known once both the fact and the membership that ties it are known. -#}
with members as (
    select record_key, lead_id, known_from
    from {{ source('identity', 'identity_map') }}
),

email_keys as (
    select email, min(lead_id) as lead_id, min(known_from) as known_from
    from {{ source('identity', 'lead_keys') }}
    where email is not null
    group by email
),

facts as (
    select
        'mql:' || mql_id as record_key,
        email,
        occurred_at,
        known_at,
        cast(event_type in ('page_view', 'pricing_page_view') as integer) as page_views,
        cast(event_type = 'pricing_page_view' as integer) as pricing_page_views,
        cast(event_type = 'content_download' as integer) as content_downloads,
        cast(event_type = 'content_download' and content_kind = 'white_paper' as integer) as white_paper_downloads,
        cast(event_type = 'webinar_attended' as integer) as webinars_attended
    from {{ ref('stg_web_events') }}

    union all by name

    select
        'mql:' || mql_id as record_key,
        email,
        occurred_at,
        known_at,
        cast(event_type = 'open' as integer) as email_opens,
        cast(event_type = 'click' as integer) as email_clicks,
        cast(event_type = 'reply' as integer) as email_replies,
        cast(event_type = 'spam_report' as integer) as spam_reports
    from {{ ref('stg_email_events') }}
    where event_type in ('open', 'click', 'reply', 'spam_report')

    union all by name

    select
        'mql:' || mql_id as record_key,
        email,
        occurred_at,
        known_at,
        usage_minutes as product_minutes
    from {{ ref('stg_product_usage') }}

    union all by name

    -- by the submission where the CRM lead was rejected or never landed, as lead_outcomes ties opportunities
    select
        coalesce(by_sales.record_key, 'mql:' || activities.mql_id) as record_key,
        activities.occurred_at,
        activities.known_at,
        1 as sales_activities
    from {{ ref('stg_sales_activities') }} as activities
    left join members as by_sales on by_sales.record_key = 'sql_leads:' || activities.sql_lead_id
)

select
    coalesce(members.lead_id, email_keys.lead_id) as lead_id,
    facts.occurred_at,
    greatest(facts.known_at, coalesce(members.known_from, email_keys.known_from)) as known_at
    {%- for measure in var('activity_measures') %},
    cast(coalesce(facts.{{ measure }}, 0) as double) as {{ measure }}
    {%- endfor %}
from facts
left join members on facts.record_key = members.record_key
left join email_keys on members.lead_id is null and lower(facts.email) = email_keys.email
where coalesce(members.lead_id, email_keys.lead_id) is not null
