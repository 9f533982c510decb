-- grain: one row per version of a paying account that belongs to an account of leads
{{ config(materialized='table') }}

{#- By web domain, else by a company name that only one account has. -#}
with names as (
    select lower(company_name) as company_name, min(account_id) as account_id
    from {{ source('identity', 'accounts') }}
    where company_name is not null
    group by lower(company_name)
    having count(*) = 1
)

select
    versions.product_account_id,
    versions.known_at,
    versions.known_until,
    coalesce(by_domain.account_id, names.account_id) as account_id,
    versions.occurred_at as contract_began_at,
    versions.trial_started_at,
    versions.trial_ends_at,
    versions.renewal_at,
    versions.churned_at,
    versions.nps_score,
    versions.nps_at,
    versions.open_service_tickets
from {{ ref('stg_product_account_versions') }} as versions
left join {{ source('identity', 'accounts') }} as by_domain on by_domain.domain = versions.domain
left join names on by_domain.account_id is null and names.company_name = lower(versions.company_name)
where coalesce(by_domain.account_id, names.account_id) is not null
qualify row_number() over (
    partition by versions.product_account_id, versions.known_at order by coalesce(by_domain.account_id, names.account_id)
) = 1
