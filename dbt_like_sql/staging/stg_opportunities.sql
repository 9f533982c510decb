-- grain: one row per opportunity
{{ config(materialized='view') }}

select
    opportunity_id,
    sql_lead_id,
    mql_id,
    trim(company_name) as company_name,
    trim(owner) as owner,
    trim(stage) as stage,
    lower(trim(outcome)) as outcome,
    contract_value,
    upper(trim(currency)) as currency,
    opened_at,
    closed_at,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'opportunities') }}
