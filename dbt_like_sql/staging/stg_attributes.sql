-- grain: one row per source row and attribute
{{ config(materialized='view') }}

select
    raw_table,
    record_id,
    attribute,
    value_type,
    trim(value) as value,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'attributes') }}
