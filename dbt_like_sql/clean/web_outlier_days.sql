-- grain: one row per visitor and UTC day that holds far more than its segment's days do
{{ config(materialized='table') }}

{#- A day is known to be outlying from the event on that reaches its segment's bound. -#}
with events as not materialized (
    {{ seen_web_events() }}
),

counted as (
    select
        events.visitor_key,
        events.event_date,
        events.source_name,
        events.is_identified,
        events.is_mobile,
        events.seen_at,
        row_number() over (
            partition by events.visitor_key, events.event_date, events.source_name, events.is_identified, events.is_mobile
            order by events.seen_at
        ) as value
    from events
    inner join {{ ref('web_busy_days') }} as busy
        on busy.visitor_key = events.visitor_key and busy.event_date = events.event_date
),

hours as (
    select
        events.visitor_key,
        events.event_date,
        events.source_name,
        events.is_identified,
        events.is_mobile,
        min(events.seen_at) as seen_at
    from events
    inner join {{ ref('web_busy_days') }} as busy
        on busy.visitor_key = events.visitor_key and busy.event_date = events.event_date
    group by
        events.visitor_key, events.event_date, events.source_name, events.is_identified, events.is_mobile,
        hour(events.occurred_at)
),

counted_hours as (
    select
        *,
        row_number() over (
            partition by visitor_key, event_date, source_name, is_identified, is_mobile order by seen_at
        ) as value
    from hours
),

measured as (
    select *, 'events' as measure from counted
    union all by name
    select *, 'hours' as measure from counted_hours
),

found as (
    select
        measured.visitor_key,
        measured.event_date,
        'unusual_' || measured.measure as rule,
        measured.value || ' ' || measured.measure || ' in a day, where ' || bounds.median_value || ' is usual' as reason,
        measured.seen_at
    from measured
    inner join {{ ref('web_segment_bounds') }} as bounds
        on bounds.source_name = measured.source_name
        and bounds.is_identified = measured.is_identified
        and bounds.is_mobile = measured.is_mobile
        and bounds.month_start = date_trunc('month', measured.event_date)
        and bounds.measure = measured.measure
        and bounds.outlying_from = measured.value
)

select
    visitor_key,
    event_date,
    arg_min(rule, (seen_at, rule, reason)) as outlier_rule,
    arg_min(reason, (seen_at, rule, reason)) as outlier_reason,
    min(seen_at) as outlier_known_at
from found
where rule in ({{ var('bots')['rules_in_force'] }})
group by visitor_key, event_date
