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
    trim(loss_reason) as loss_reason,
    contract_value,
    upper(trim(currency)) as currency,
    opened_at,
    accepted_at,
    rejected_at,
    closed_at,
    occurred_at,
    known_at,
    source_name
from {{ as_known('opportunities', 'opportunity_id') }}
