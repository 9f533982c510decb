-- grain: one row per rep
{{ config(materialized='view') }}

select
    rep_id,
    trim(full_name) as full_name,
    trim(email) as email,
    trim(team) as team,
    trim(region) as region,
    capacity_leads,
    is_active,
    occurred_at,
    known_at,
    source_name
from {{ as_known('sales_reps', 'rep_id') }}
