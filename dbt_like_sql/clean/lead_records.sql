-- grain: one row per lead record (a marketing submission or a CRM lead) known at the refresh's moment
{{ config(materialized='table') }}

with marketing as (
    select
        'mql:' || mql_id as record_key,
        'mql' as raw_table,
        mql_id as record_id,
        mql_id,
        cast(null as varchar) as sql_lead_id,
        email,
        phone,
        wechat_id,
        full_name,
        company_name,
        title,
        country,
        channel,
        campaign,
        landing_page,
        ip_address,
        occurred_at,
        known_at,
        source_name
    from {{ ref('stg_mql') }}
),

sales as (
    select
        'sql_leads:' || sql_lead_id as record_key,
        'sql_leads' as raw_table,
        sql_lead_id as record_id,
        mql_id,
        sql_lead_id,
        email,
        phone,
        wechat_id,
        full_name,
        company_name,
        title,
        country,
        channel,
        cast(null as varchar) as campaign,
        cast(null as varchar) as landing_page,
        cast(null as varchar) as ip_address,
        occurred_at,
        known_at,
        source_name
    from {{ ref('stg_sql_leads') }}
),

all_records as (
    select * from marketing
    union all by name
    select * from sales
)

select
    record_key,
    raw_table,
    record_id,
    mql_id,
    sql_lead_id,
    email,
    phone,
    wechat_id,
    full_name,
    company_name,
    title,
    country,
    channel,
    campaign,
    landing_page,
    ip_address,
    occurred_at,
    -- what has not happened yet is no fact, even where it is known already (a date to come, a clock that is ahead)
    greatest(known_at, occurred_at) as known_at,
    source_name
from all_records
where greatest(known_at, occurred_at) <= timestamp '{{ var("as_of") }}'
