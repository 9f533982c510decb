-- grain: one row per account
{{ config(materialized='table') }}

{#- What is known of accounts, and what became of them. An account is won once a deal of one of its leads was won, or once
    it pays: the product's accounts are tied by domain, else by an equal name that one account alone has. -#}
with members as (
    select lead_id, account_id
    from {{ source('identity', 'leads') }}
    where account_id is not null
),

outcomes as (
    select
        members.account_id,
        outcomes.lead_id,
        outcomes.first_opened_at,
        outcomes.first_won_at,
        {{ contract_value('outcomes.won_contract_value', 'outcomes.won_currency') }} as contract_value,
        {{ contract_currency('outcomes.won_currency') }} as currency
    from {{ ref('lead_outcomes') }} as outcomes
    inner join members on members.lead_id = outcomes.lead_id
    where outcomes.won_count > 0 and outcomes.first_won_at <= timestamp '{{ var("as_of") }}'
),

deals as (
    select
        account_id,
        count(*) as won_lead_count,
        min(first_won_at) as first_won_at,
        arg_min_null(
            case when first_opened_at <= first_won_at then date_diff('second', first_opened_at, first_won_at) / 86400.0 end,
            (first_won_at, lead_id)
        ) as cycle_days,
        sum(contract_value) as contract_value,
        list_sort(list(distinct coalesce(currency, '')) filter (where contract_value is not null)) as currencies
    from outcomes
    group by account_id
),

paying as (
    select
        product_account_id,
        regexp_replace(domain, '^www\.', '') as domain,
        lower(company_name) as company_name,
        {{ contract_value('contract_value', 'currency') }} as contract_value,
        {{ contract_currency('currency') }} as currency,
        renewal_state,
        case when nps_at is null or nps_at <= timestamp '{{ var("as_of") }}' then nps_score end as nps_score,
        nps_at,
        occurred_at
    from {{ ref('stg_product_accounts') }}
    where known_at <= timestamp '{{ var("as_of") }}' and occurred_at <= timestamp '{{ var("as_of") }}'
),

{{ accounts_by_company() }},

tied as (
    select
        coalesce(domains.account_id, names.account_id) as account_id,
        paying.product_account_id,
        paying.contract_value,
        paying.currency,
        paying.renewal_state,
        paying.nps_score,
        paying.nps_at,
        paying.occurred_at
    from paying
    left join domains on domains.domain = paying.domain
    left join names on names.company_name = paying.company_name
    where coalesce(domains.account_id, names.account_id) is not null
),

customers as (
    select
        account_id,
        min(occurred_at) as customer_since,
        sum(contract_value) as contract_value,
        list_sort(list(distinct coalesce(currency, '')) filter (where contract_value is not null)) as currencies,
        arg_max(nps_score, (nps_at, product_account_id)) filter (where nps_score is not null) as nps_score,
        arg_max_null(renewal_state, (occurred_at, product_account_id)) as renewal_state
    from tied
    group by account_id
),

sizes as (
    select account_id, count(*) as lead_count
    from members
    group by account_id
)

select
    accounts.account_id,
    accounts.known_from,
    coalesce(sizes.lead_count, 0) as lead_count,
    case when firmographics.company_size_known_at <= timestamp '{{ var("as_of") }}' then firmographics.company_size end as company_size,
    case when firmographics.industry_known_at <= timestamp '{{ var("as_of") }}' then firmographics.industry end as industry,
    case when firmographics.country_known_at <= timestamp '{{ var("as_of") }}' then firmographics.country end as country,
    case when firmographics.is_listed_known_at <= timestamp '{{ var("as_of") }}' then firmographics.is_listed end as is_listed,
    coalesce(deals.won_lead_count, 0) as won_lead_count,
    least(deals.first_won_at, customers.customer_since) as won_at,
    deals.cycle_days,
    -- Amounts in several currencies have no sum. Won deals go before what the product bills, which they led to.
    round(case
        when len(deals.currencies) >= 1 then case when len(deals.currencies) = 1 then deals.contract_value end
        when len(customers.currencies) = 1 then customers.contract_value
    end, 2) as contract_value,
    case
        when len(deals.currencies) >= 1 then case when len(deals.currencies) = 1 then nullif(deals.currencies[1], '') end
        when len(customers.currencies) = 1 then nullif(customers.currencies[1], '')
    end as contract_currency,
    customers.nps_score,
    customers.renewal_state
from {{ source('identity', 'accounts') }} as accounts
left join sizes on sizes.account_id = accounts.account_id
left join deals on deals.account_id = accounts.account_id
left join customers on customers.account_id = accounts.account_id
left join {{ source('enrich', 'firmographics') }} as firmographics on firmographics.account_id = accounts.account_id
