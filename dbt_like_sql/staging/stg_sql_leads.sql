-- grain: one row per CRM lead
{{ config(materialized='view') }}

select
    sql_lead_id,
    mql_id,
    trim(email) as email,
    trim(phone) as phone,
    trim(wechat_id) as wechat_id,
    trim(full_name) as full_name,
    trim(company_name) as company_name,
    trim(title) as title,
    trim(country) as country,
    lower(trim(channel)) as channel,
    trim(owner) as owner,
    trim(status) as status,
    trim(stage) as stage,
    is_accepted,
    accepted_at,
    rejected_at,
    trim(rejection_reason) as rejection_reason,
    lower(trim(intent_degree)) as intent_degree,
    trim(budget) as budget,
    budget_amount,
    upper(trim(currency)) as currency,
    trim(authority) as authority,
    trim(need) as need,
    trim(timeline) as timeline,
    trim(decision_process) as decision_process,
    occurred_at,
    known_at,
    source_name
from {{ as_known('sql_leads', 'sql_lead_id') }}
