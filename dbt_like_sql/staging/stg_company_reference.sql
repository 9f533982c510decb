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
    trim(company_size_as_given) as company_size_as_given,
    trim(tech_stack) as tech_stack,
    trim(revenue_as_given) as revenue_as_given,
    occurred_at,
    known_at,
    source_name
from {{ as_known('company_reference', 'company_reference_id') }}
