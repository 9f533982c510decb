-- grain: one row per activity
{{ config(materialized='view') }}

select
    activity_id,
    sql_lead_id,
    mql_id,
    opportunity_id,
    lower(trim(activity_type)) as activity_type,
    duration_seconds,
    trim(result) as result,
    quote_value,
    upper(trim(currency)) as currency,
    lead_rating,
    trim(feedback) as feedback,
    trim(owner) as owner,
    occurred_at,
    known_at,
    source_name
from {{ as_known('sales_activities', 'activity_id') }}
