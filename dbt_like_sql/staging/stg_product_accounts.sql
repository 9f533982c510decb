-- grain: one row per paying account
{{ config(materialized='view') }}

select
    product_account_id,
    trim(company_name) as company_name,
    lower(trim(domain)) as domain,
    contract_value,
    upper(trim(currency)) as currency,
    trial_started_at,
    trial_ends_at,
    renewal_at,
    lower(trim(renewal_state)) as renewal_state,
    renewed_at,
    churned_at,
    nps_score,
    nps_at,
    open_service_tickets,
    occurred_at,
    known_at,
    source_name
from {{ as_known('product_accounts', 'product_account_id') }}
