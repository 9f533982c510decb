-- grain: one row per version of a paying account that belongs to an account of leads
{{ config(materialized='table') }}

{#- By web domain, else by company name. -#}
with {{ accounts_by_company() }}

select
    versions.product_account_id,
    versions.known_at,
    versions.known_until,
    coalesce(domains.account_id, names.account_id) as account_id,
    versions.occurred_at as contract_began_at,
    versions.trial_started_at,
    versions.trial_ends_at,
    versions.renewal_at,
    versions.churned_at,
    versions.nps_score,
    versions.nps_at,
    versions.open_service_tickets
from {{ ref('stg_product_account_versions') }} as versions
left join domains on domains.domain = versions.domain
left join names on domains.account_id is null and names.company_name = lower(versions.company_name)
where coalesce(domains.account_id, names.account_id) is not null
