-- grain: one row per person, feature and day or finer
{{ config(materialized='view') }}

select
    usage_id,
    mql_id,
    trim(email) as email,
    trim(feature) as feature,
    is_trial,
    usage_minutes,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'product_usage') }}
