-- grain: one row per paying account
{{ config(materialized='view') }}

select
    product_account_id,
    trim(company_name) as company_name,
    lower(trim(domain)) as domain,
    contract_value,
    upper(trim(currency)) as currency,
    renewal_at,
    nps_score,
    open_service_tickets,
    occurred_at,
    known_at,
    source_name
from {{ source('raw', 'product_accounts') }}
