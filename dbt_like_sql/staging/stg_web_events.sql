-- grain: one row per event
{{ config(materialized='view') }}

select
    event_id,
    visitor_id,
    mql_id,
    trim(email) as email,
    lower(trim(event_type)) as event_type,
    trim(page_url) as page_url,
    lower(trim(content_kind)) as content_kind,
    duration_seconds,
    trim(user_agent) as user_agent,
    trim(ip_address) as ip_address,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'web_events') }}
