-- grain: one row per account with a deal won, known at the refresh's moment
{{ config(materialized='table') }}

with members as (
    select record_key, account_id, greatest(known_from, account_known_from) as account_known_from
    from {{ source('identity', 'identity_map') }}
    where known_to is null and account_id is not null
)

select
    coalesce(by_sales.account_id, by_marketing.account_id) as account_id,
    min(greatest(
        coalesce(deals.closed_at, deals.occurred_at),
        deals.known_at,
        coalesce(by_sales.account_known_from, by_marketing.account_known_from)
    )) as first_win_known_at
from {{ ref('stg_opportunities') }} as deals
left join members as by_sales on by_sales.record_key = 'sql_leads:' || deals.sql_lead_id
left join members as by_marketing on by_marketing.record_key = 'mql:' || deals.mql_id
where deals.outcome = 'won'
    and deals.known_at <= timestamp '{{ var("as_of") }}'
    and coalesce(by_sales.account_id, by_marketing.account_id) is not null
group by coalesce(by_sales.account_id, by_marketing.account_id)
