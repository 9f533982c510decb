-- grain: one row per channel, campaign and day
{{ config(materialized='view') }}

select
    spend_id,
    lower(trim(channel)) as channel,
    trim(campaign) as campaign,
    amount,
    upper(trim(currency)) as currency,
    impressions,
    clicks,
    occurred_at,
    known_at,
    source_name
from {{ as_known('marketing_spend', 'spend_id') }}
