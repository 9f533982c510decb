-- grain: one row per submission
{{ config(materialized='view') }}

select
    mql_id,
    visitor_id,
    trim(email) as email,
    trim(phone) as phone,
    trim(wechat_id) as wechat_id,
    trim(full_name) as full_name,
    trim(company_name) as company_name,
    trim(title) as title,
    trim(country) as country,
    lower(trim(channel)) as channel,
    trim(campaign) as campaign,
    trim(landing_page) as landing_page,
    trim(form_name) as form_name,
    trim(content_requested) as content_requested,
    pages_viewed,
    downloads,
    lower(trim(first_touch_channel)) as first_touch_channel,
    first_touch_at,
    trim(ip_address) as ip_address,
    occurred_at,
    known_at,
    source_name
from {{ as_known('mql', 'mql_id') }}
