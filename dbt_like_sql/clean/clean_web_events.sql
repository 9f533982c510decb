-- grain: one row per event
{{ config(materialized='view') }}

{#- Every event, with what the bot rules found. A flag counts from the moment on at which it could be known: before, the
    event was a fact like any other, so that a past moment is seen as it was then. -#}
{%- set bots = var('bots') -%}
with events as (
    select
        *,
        {{ visitor_key() }} as visitor_key,
        cast(occurred_at as date) as event_date,
        greatest(occurred_at, known_at) as seen_at,
        {{ is_in_ranges('ip_address', bots['data_centre_ranges']) }} as is_in_data_centre,
        coalesce(duration_seconds > {{ bots['stay_hours'] }} * 3600, false) as is_long_stay
    from {{ ref('stg_web_events') }}
),

bot_agents as (
    select user_agent, bot_rule, bot_reason
    from {{ source('clean', 'web_agents') }}
    where bot_rule in ({{ bots['rules_in_force'] }})
),

found as (
    select
        events.*,
        case when bot_agents.bot_rule is not null then events.seen_at end as agent_known_at,
        case
            when events.is_in_data_centre and 'data_centre_range' in ({{ bots['rules_in_force'] }}) then events.seen_at
        end as data_centre_known_at,
        case
            when visitors.bot_known_at is not null then greatest(visitors.bot_known_at, events.seen_at)
        end as visitor_known_at,
        case
            when addresses.bot_known_at is not null then greatest(addresses.bot_known_at, events.seen_at)
        end as address_known_at,
        case
            when days.outlier_known_at is not null then greatest(days.outlier_known_at, events.seen_at)
        end as day_known_at,
        case
            when events.is_long_stay and 'long_stay' in ({{ bots['rules_in_force'] }}) then events.seen_at
        end as stay_known_at,
        bot_agents.bot_rule as agent_rule,
        bot_agents.bot_reason as agent_reason,
        visitors.bot_rule as visitor_rule,
        visitors.bot_reason as visitor_reason,
        addresses.bot_reason as address_reason,
        days.outlier_rule as day_rule,
        days.outlier_reason as day_reason
    from events
    left join bot_agents on bot_agents.user_agent = events.user_agent
    left join {{ ref('web_visitor_flags') }} as visitors on visitors.visitor_key = events.visitor_key
    left join {{ ref('web_address_flags') }} as addresses
        on addresses.ip_address = events.ip_address and addresses.event_date = events.event_date
    left join {{ ref('web_outlier_days') }} as days
        on days.visitor_key = events.visitor_key and days.event_date = events.event_date
),

dated as (
    select
        found.*,
        -- least leaves nulls out
        least(agent_known_at, data_centre_known_at, visitor_known_at, address_known_at) as bot_known_at,
        least(stay_known_at, day_known_at) as outlier_known_at
    from found
)

select
    event_id,
    visitor_id,
    mql_id,
    email,
    event_type,
    page_url,
    content_kind,
    duration_seconds,
    user_agent,
    ip_address,
    occurred_at,
    known_at,
    source_name,
    bot_known_at is not null as is_bot,
    case bot_known_at
        when agent_known_at then agent_rule
        when data_centre_known_at then 'data_centre_range'
        when visitor_known_at then visitor_rule
        when address_known_at then 'address_pattern'
    end as bot_rule,
    case bot_known_at
        when agent_known_at then agent_reason
        when data_centre_known_at then 'Sent from an address of a data centre'
        when visitor_known_at then visitor_reason
        when address_known_at then address_reason
    end as bot_reason,
    bot_known_at,
    outlier_known_at is not null as is_outlier,
    case outlier_known_at when stay_known_at then 'long_stay' when day_known_at then day_rule end as outlier_rule,
    case outlier_known_at
        when stay_known_at then 'Stayed longer than {{ bots['stay_hours'] }} hours on a page'
        when day_known_at then day_reason
    end as outlier_reason,
    outlier_known_at,
    least(bot_known_at, outlier_known_at) as left_out_from
from dated
