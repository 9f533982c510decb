-- grain: one row per address and UTC day on which many visitors there acted in even steps
{{ config(materialized='table') }}

{#- Many people behind one address, as in an office, come at random; a script that changes its visitor or agent does not. -#}
{%- set bots = var('bots') -%}
with events as not materialized (
    {{ seen_web_events() }}
),

busy_addresses as (
    select distinct ip_address
    from events
    where ip_address is not null
    group by ip_address, event_date
    having count(*) >= {{ bots['closer_look_events'] }} and min(visitor_key) <> max(visitor_key)
        or count(*) >= {{ bots['closer_look_events'] }} and min(user_agent) <> max(user_agent)
),

address_events as (
    select
        events.ip_address,
        events.visitor_key,
        events.user_agent,
        events.event_id,
        events.event_date,
        events.occurred_at,
        events.seen_at,
        epoch_ms(events.occurred_at) - lag(epoch_ms(events.occurred_at)) over (
            partition by events.ip_address order by events.seen_at, events.occurred_at, events.event_id
        ) as gap_ms
    from events
    inner join busy_addresses on busy_addresses.ip_address = events.ip_address
    where events.has_clock_time
),

paces as (
    select
        ip_address,
        event_date,
        seen_at,
        count(gap_ms) over gaps_seen as gaps,
        min(gap_ms) over gaps_seen as least_gap_ms,
        max(gap_ms) over gaps_seen as most_gap_ms,
        cast(sum(gap_ms) over gaps_seen as double) as gap_sum,
        cast(sum(cast(gap_ms as hugeint) * gap_ms) over gaps_seen as double) as squared_gap_sum,
        count(distinct visitor_key) over events_seen as visitors,
        count(distinct user_agent) over events_seen as agents
    from address_events
    window
        gaps_seen as (
            partition by ip_address order by seen_at, occurred_at, event_id
            rows between {{ bots['regular_events'] - 2 }} preceding and current row
        ),
        events_seen as (
            partition by ip_address order by seen_at, occurred_at, event_id
            rows between {{ bots['regular_events'] - 1 }} preceding and current row
        )
)

select
    ip_address,
    event_date,
    '{{ bots['regular_events'] }} events of {{ bots['address_visitors'] }} visitors or agents at one address in even steps' as bot_reason,
    min(seen_at) as bot_known_at
from paces
where 'address_pattern' in ({{ bots['rules_in_force'] }})
    and greatest(visitors, agents) >= {{ bots['address_visitors'] }}
    and gaps = {{ bots['regular_events'] - 1 }}
    and least_gap_ms >= 0
    and most_gap_ms <= 3600000
    and gap_sum > 0
    and gaps * squared_gap_sum - gap_sum * gap_sum
        < {{ bots['regular_variation'] }} * {{ bots['regular_variation'] }} * gap_sum * gap_sum
group by ip_address, event_date
