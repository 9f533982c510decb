-- grain: one row per activity
{{ config(materialized='view') }}

select
    activity_id,
    sql_lead_id,
    mql_id,
    lower(trim(activity_type)) as activity_type,
    duration_seconds,
    trim(result) as result,
    trim(owner) as owner,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'sales_activities') }}
