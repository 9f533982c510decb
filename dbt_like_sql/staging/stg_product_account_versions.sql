-- grain: one row per version of a paying account that was ever known
{{ config(materialized='view') }}

{#- Which version was in force when: from its known_at to the next version's, a deletion's included. What a source's
    newest file no longer holds is gone since that file, whatever moments its versions claim. -#}
with versions as (
    select *, false as is_deleted
    from {{ source('raw', 'product_accounts') }}

    union all by name

    select *
    from {{ source('raw', 'product_accounts_history') }}
),

dated as (
    select
        *,
        lead(known_at) over (
            partition by product_account_id order by known_at, source_name, coalesce(source_file, '')
        ) as replaced_at,
        min(known_at) filter (where is_deleted and source_file is null) over (
            partition by product_account_id, source_name
        ) as absent_from
    from versions
    where known_at <= timestamp '{{ var("as_of") }}'
)

select
    product_account_id,
    trim(company_name) as company_name,
    regexp_replace(lower(trim(domain)), '^www\.', '') as domain,
    trial_started_at,
    trial_ends_at,
    renewal_at,
    churned_at,
    nps_score,
    nps_at,
    open_service_tickets,
    occurred_at,
    known_at,
    least(replaced_at, absent_from) as known_until
from dated
where not is_deleted
    and coalesce(known_at < least(replaced_at, absent_from), true)
