-- grain: one row per lead
{{ config(materialized='table') }}

{#- Numbers that change with anything that the lead's events or features are made from, so that a refresh makes anew only
    what it touched. One may change without need, when a row changed in what nothing reads; it must never stay the same
    when a feature changes. So whole rows are hashed, and each of their moments a second time as having come by as_of or not.

    Facts are summed by what ties them before they are tied: of many events of a lead that is one row. -#}
{%- set as_of = "timestamp '" ~ var('as_of') ~ "'" -%}
{%- set today = "date '" ~ var('as_of')[:10] ~ "'" -%}
with {{ fact_ties() }},

facts as (
    select
        mql_id,
        email,
        case when mql_id is null and email is null then visitor_id end as visitor_id,
        {{ fact_digests() }}
    from (
        select
            mql_id,
            email,
            visitor_id,
            {{ hashed_fact('event_type, page_url, content_kind, left_out_from', 'left_out_from') }}
        from {{ ref('clean_web_events') }}
    )
    group by all

    union all by name

    select
        mql_id,
        email,
        {{ fact_digests() }}
    from (
        select mql_id, email, {{ hashed_fact('event_type') }}
        from {{ ref('stg_email_events') }}
    )
    group by all

    union all by name

    select
        mql_id,
        email,
        {{ fact_digests() }}
    from (
        select mql_id, email, {{ hashed_fact('usage_minutes, is_trial, feature') }}
        from {{ ref('stg_product_usage') }}
    )
    group by all
),

-- of either record that a sales activity may belong by
sales_facts as (
    select
        sql_lead_id,
        mql_id,
        {{ fact_digests() }}
    from (
        select sql_lead_id, mql_id, {{ hashed_fact('activity_type') }}
        from {{ ref('stg_sales_activities') }}
    )
    group by all
),

visitors as (
    select visitor_id, sum(hash(tied_at, lead_id, known_from, known_from <= {{ as_of }})) as ties_digest
    from visitor_ties
    group by visitor_id
),

tied as (
    select
        coalesce(members.lead_id, email_keys.lead_id) as lead_id,
        hash(coalesce(members.known_from, email_keys.known_from), coalesce(members.known_from, email_keys.known_from) <= {{ as_of }}) as tie_digest,
        facts.facts_digest,
        facts.clock_digest,
        facts.closed_digest
    from facts
    left join members on members.record_key = 'mql:' || facts.mql_id
    left join email_keys on members.lead_id is null and email_keys.email = lower(facts.email)
    where coalesce(members.lead_id, email_keys.lead_id) is not null

    union all

    select
        visitor_leads.lead_id,
        hash(visitors.ties_digest) as tie_digest,
        facts.facts_digest,
        facts.clock_digest,
        facts.closed_digest
    from facts
    inner join visitors on visitors.visitor_id = facts.visitor_id
    inner join (select distinct visitor_id, lead_id from visitor_ties) as visitor_leads
        on visitor_leads.visitor_id = facts.visitor_id

    union all

    select
        members.lead_id,
        hash(members.record_key, members.known_from, facts.other_known_from) as tie_digest,
        facts.facts_digest,
        facts.clock_digest,
        facts.closed_digest
    from (
        select
            unnest(['sql_leads:' || sales_facts.sql_lead_id, 'mql:' || sales_facts.mql_id]) as record_key,
            hash(by_sales.lead_id, by_sales.known_from, by_marketing.lead_id, by_marketing.known_from) as other_known_from,
            sales_facts.facts_digest,
            sales_facts.clock_digest,
            sales_facts.closed_digest
        from sales_facts
        left join members as by_sales on by_sales.record_key = 'sql_leads:' || sales_facts.sql_lead_id
        left join members as by_marketing on by_marketing.record_key = 'mql:' || sales_facts.mql_id
    ) as facts
    inner join members on members.record_key = facts.record_key
),

lead_facts as (
    select
        lead_id,
        sum(hash(facts_digest, tie_digest)) as facts_digest,
        sum(hash(clock_digest, tie_digest)) as clock_digest,
        sum(hash(closed_digest, tie_digest)) as closed_digest
    from tied
    group by lead_id
),

crm as (
    select sql_lead_id, sum(hash(leads, leads.known_at <= {{ as_of }})) as digest
    from {{ ref('stg_sql_leads') }} as leads
    group by sql_lead_id
),

attributes as (
    select told.raw_table || ':' || told.record_id as record_key, sum(hash(told, told.known_at <= {{ as_of }})) as digest
    from {{ ref('stg_attributes') }} as told
    group by told.raw_table || ':' || told.record_id
),

records as (
    select
        leads.record_key,
        hash(
            leads,
            leads.known_at <= {{ as_of }},
            leads.competitor_known_at <= {{ as_of }},
            leads.suspect_known_at <= {{ as_of }},
            crm.digest,
            attributes.digest
        ) as digest
    from {{ source('clean', 'clean_leads') }} as leads
    left join crm on crm.sql_lead_id = leads.sql_lead_id
    left join attributes on attributes.record_key = leads.record_key
),

memberships as (
    select
        memberships.lead_id,
        memberships.account_id,
        hash(
            memberships.record_key,
            memberships.account_id,
            memberships.known_from,
            memberships.known_to,
            memberships.account_known_from,
            memberships.known_from <= {{ as_of }},
            memberships.known_to <= {{ as_of }},
            memberships.account_known_from <= {{ as_of }}
        ) as digest,
        records.digest as record_digest,
        lead_facts.closed_digest
    from {{ source('identity', 'identity_map') }} as memberships
    left join records on records.record_key = memberships.record_key
    left join lead_facts on lead_facts.lead_id = memberships.lead_id
),

account_facts as (
    select account_id, hash(memberships.lead_id, memberships.digest, memberships.closed_digest) as digest
    from memberships

    union all

    select account_id, hash(firm, firm.known_from <= {{ as_of }}, firm.known_until <= {{ as_of }})
    from {{ source('enrich', 'firmographic_facts') }} as firm

    union all

    select
        account_id,
        hash(
            contracts
            {%- for moment in ['known_at', 'known_until', 'contract_began_at', 'trial_started_at', 'trial_ends_at', 'renewal_at', 'churned_at', 'nps_at'] %},
            contracts.{{ moment }} <= {{ as_of }}
            {%- endfor %}
        )
    from {{ ref('account_contracts') }} as contracts

    union all

    select account_id, hash(wins, wins.first_win_known_at < {{ today }})
    from {{ ref('account_wins') }} as wins
),

accounts as (
    select account_id, sum(digest) as digest
    from account_facts
    where account_id is not null
    group by account_id
),

lead_records as (
    select
        memberships.lead_id,
        sum(hash(memberships.digest, memberships.record_digest, accounts.digest)) as digest
    from memberships
    left join accounts on accounts.account_id = memberships.account_id
    group by memberships.lead_id
),

-- who has facts is a lead, and was one where identity has it no longer
leads as (
    select lead_id, bool_or(is_there) as is_there
    from (
        select lead_id, true as is_there
        from {{ source('identity', 'leads') }}

        union all

        select lead_id, false as is_there
        from lead_facts
    )
    group by lead_id
)

select
    leads.lead_id,
    hash(lead_facts.facts_digest) as facts_digest,
    hash(leads.is_there, lead_facts.facts_digest, lead_facts.clock_digest, lead_records.digest) as features_digest
from leads
left join lead_facts on lead_facts.lead_id = leads.lead_id
left join lead_records on lead_records.lead_id = leads.lead_id
