-- grain: one row per event
{{ config(materialized='view') }}

select
    event_id,
    trim(experiment) as experiment,
    trim(variant) as variant,
    lower(trim(event_type)) as event_type,
    visitor_id,
    mql_id,
    trim(email) as email,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'ab_events') }}
