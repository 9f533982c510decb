-- grain: one row per company
{{ config(materialized='view') }}

select
    company_reference_id,
    lower(trim(domain)) as domain,
    trim(company_name) as company_name,
    trim(industry) as industry,
    company_size,
    is_listed,
    trim(country) as country,
    occurred_at,
    known_at,
    source_name
from {{ as_known('company_reference', 'company_reference_id') }}
