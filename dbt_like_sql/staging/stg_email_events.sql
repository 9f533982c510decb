-- grain: one row per event
{{ config(materialized='view') }}

select
    event_id,
    mql_id,
    trim(email) as email,
    lower(trim(event_type)) as event_type,
    trim(campaign) as campaign,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'email_events') }}
