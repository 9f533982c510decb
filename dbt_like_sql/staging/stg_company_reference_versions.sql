-- grain: one row per version of a company that was known at the refresh's moment
{{ config(materialized='view') }}

with versions as (
    select * exclude (is_deleted), false as is_in_force
    from {{ source('raw', 'company_reference_history') }}
    where not is_deleted

    union all by name

    select *, true as is_in_force
    from {{ source('raw', 'company_reference') }}
)

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
    source_name,
    is_in_force
from versions
where known_at <= timestamp '{{ var("as_of") }}'
