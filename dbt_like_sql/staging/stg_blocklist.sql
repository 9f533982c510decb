-- grain: one row per blocked value
{{ config(materialized='view') }}

select
    blocklist_id,
    lower(trim(kind)) as kind,
    trim(value) as value,
    trim(reason) as reason,
    occurred_at,
    known_at,
    source_name
from {{ as_known('blocklist', 'blocklist_id') }}
