-- grain: one row per lead
{{ config(materialized='table') }}

{#- What the score's history holds against the moment of its last row: a score that moved without a newer fact moved because
    time went by. That an event turned out to be none is a fact, too. -#}
with members as (
    select record_key, lead_id, known_from, account_known_from
    from {{ source('identity', 'identity_map') }}
    where known_to is null
),

account_facts as (
    select account_id, max(known_at) as known_at
    from (
        select account_id, known_from as known_at
        from {{ source('enrich', 'firmographic_facts') }}

        union all

        select account_id, known_at
        from {{ ref('account_contracts') }}
    )
    where known_at <= timestamp '{{ var("as_of") }}'
    group by account_id
),

facts as (
    select members.lead_id, greatest(records.known_at, members.known_from) as known_at
    from members
    inner join {{ source('clean', 'clean_leads') }} as records on records.record_key = members.record_key

    union all

    select lead_id, account_known_from
    from members

    union all

    select members.lead_id, attributes.known_at
    from {{ ref('stg_attributes') }} as attributes
    inner join members on members.record_key = attributes.raw_table || ':' || attributes.record_id

    union all

    select coalesce(by_sales.lead_id, by_marketing.lead_id), deals.known_at
    from {{ ref('stg_opportunities') }} as deals
    left join members as by_sales on by_sales.record_key = 'sql_leads:' || deals.sql_lead_id
    left join members as by_marketing on by_marketing.record_key = 'mql:' || deals.mql_id

    union all

    select lead_id, greatest(occurred_at, known_at)
    from {{ ref('lead_events') }}

    union all

    select lead_id, known_until
    from {{ ref('lead_events') }}
    where known_until is not null

    union all

    select leads.lead_id, account_facts.known_at
    from {{ source('identity', 'leads') }} as leads
    inner join account_facts on account_facts.account_id = leads.account_id
),

newest as (
    select lead_id, max(known_at) as newest_known_at
    from facts
    where known_at <= timestamp '{{ var("as_of") }}'
    group by lead_id
)

select leads.lead_id, newest.newest_known_at
from {{ source('identity', 'leads') }} as leads
left join newest on newest.lead_id = leads.lead_id
