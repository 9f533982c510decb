-- grain: one row per lead with at least one opportunity known at the refresh's moment
{{ config(materialized='table') }}

with members as (
    select record_key, lead_id
    from {{ source('identity', 'identity_map') }}
    where known_to is null
),

opportunities as (
    select
        coalesce(by_sales.lead_id, by_marketing.lead_id) as lead_id,
        o.opportunity_id,
        o.outcome,
        o.contract_value,
        o.currency,
        coalesce(o.opened_at, o.occurred_at) as opened_at,
        case when o.outcome is not null then coalesce(o.closed_at, o.occurred_at) end as closed_at
    from {{ ref('stg_opportunities') }} as o
    left join members as by_sales on by_sales.record_key = 'sql_leads:' || o.sql_lead_id
    left join members as by_marketing on by_marketing.record_key = 'mql:' || o.mql_id
    where o.known_at <= timestamp '{{ var("as_of") }}'
),

leads as (
    select
        lead_id,
        count(*) as opportunity_count,
        count(*) filter (where outcome = 'won') as won_count,
        count(*) filter (where outcome = 'lost') as lost_count,
        min(opened_at) as first_opened_at,
        min(closed_at) filter (where outcome = 'won') as first_won_at,
        min(closed_at) as first_closed_at,
        round(sum(contract_value) filter (where outcome = 'won'), 2) as won_contract_value,
        arg_min_null({{ contract_value('contract_value', 'currency') }}, (closed_at, opportunity_id)) filter (where outcome = 'won') as first_won_value,
        arg_min_null({{ contract_currency('currency') }}, (closed_at, opportunity_id)) filter (where outcome = 'won') as first_won_currency,
        list_sort(list(distinct coalesce(currency, '')) filter (where outcome = 'won' and contract_value is not null)) as won_currencies
    from opportunities
    where lead_id is not null
    group by lead_id
)

select
    lead_id,
    opportunity_count,
    won_count,
    lost_count,
    first_opened_at,
    first_won_at,
    first_closed_at,
    -- amounts in several currencies have no sum
    case when len(won_currencies) = 1 then won_contract_value end as won_contract_value,
    case when len(won_currencies) = 1 then nullif(won_currencies[1], '') end as won_currency,
    first_won_value,
    case when first_won_value is not null then first_won_currency end as first_won_currency
from leads
