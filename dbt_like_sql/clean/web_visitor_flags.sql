-- grain: one row per visitor that a bot rule found
{{ config(materialized='table') }}

{#- A rule looks at events in the order in which they were seen, and finds a visitor at the event that makes it so. What
    comes later, or is known later, can therefore not change what was known before.

    The variation of gaps is squared and multiplied out, over whole milliseconds, so that no rounding decides. -#}
{%- set bots = var('bots') -%}
with events as not materialized (
    {{ seen_web_events() }}
),

suspects as (
    select distinct visitor_key
    from {{ ref('web_busy_days') }}
),

suspect_events as (
    select
        events.visitor_key,
        events.event_id,
        events.occurred_at,
        events.seen_at,
        epoch_ms(events.occurred_at) - lag(epoch_ms(events.occurred_at)) over seen_order as gap_ms
    from events
    inner join suspects on suspects.visitor_key = events.visitor_key
    where events.has_clock_time
    window seen_order as (
        partition by events.visitor_key order by events.seen_at, events.occurred_at, events.event_id
    )
),

paces as (
    select
        visitor_key,
        seen_at,
        {%- for unit, length in [('minute', 60000), ('hour', 3600000), ('day', 86400000)] %}
        count(*) over per_{{ unit }} = {{ bots['events_per_' ~ unit] }}
            and epoch_ms(max(occurred_at) over per_{{ unit }}) - epoch_ms(min(occurred_at) over per_{{ unit }}) <= {{ length }}
            as is_over_{{ unit }},
        {%- endfor %}
        count(gap_ms) over regular as gaps,
        min(gap_ms) over regular as least_gap_ms,
        max(gap_ms) over regular as most_gap_ms,
        cast(sum(gap_ms) over regular as double) as gap_sum,
        cast(sum(cast(gap_ms as hugeint) * gap_ms) over regular as double) as squared_gap_sum
    from suspect_events
    window
        {%- for unit in ('minute', 'hour', 'day') %}
        per_{{ unit }} as (
            partition by visitor_key order by seen_at, occurred_at, event_id
            rows between {{ bots['events_per_' ~ unit] - 1 }} preceding and current row
        ),
        {%- endfor %}
        regular as (
            partition by visitor_key order by seen_at, occurred_at, event_id
            rows between {{ bots['regular_events'] - 2 }} preceding and current row
        )
),

active_hours as (
    select visitor_key, date_trunc('hour', occurred_at) as active_hour, min(seen_at) as seen_at
    from suspect_events
    group by visitor_key, active_hour
),

sessions as (
    select
        visitor_key,
        max(seen_at) over session_hours as known_at,
        min(active_hour) over session_hours = active_hour - to_hours({{ bots['session_hours'] - 1 }})
            and count(*) over session_hours = {{ bots['session_hours'] }} as is_unbroken
    from active_hours
    window session_hours as (
        partition by visitor_key order by active_hour rows between {{ bots['session_hours'] - 1 }} preceding and current row
    )
),

{#- A trap is no page or field that a person sees. -#}
trapped as (
    select visitor_key, seen_at as known_at
    from events
    where
        false
        {%- for page in bots['honeypot_pages'] %}
        or contains(lower(page_url), {{ page }})
        {%- endfor %}

    union all

    select
        unnest([forms.visitor_id, 'mql:' || forms.mql_id]) as visitor_key,
        greatest(attributes.known_at, forms.known_at, forms.occurred_at) as known_at
    from {{ ref('stg_attributes') }} as attributes
    inner join {{ ref('stg_mql') }} as forms on forms.mql_id = attributes.record_id
    where attributes.raw_table = 'mql'
        and attributes.attribute in ({{ bots['honeypot_fields'] }})
        and trim(attributes.value) <> ''
        and greatest(attributes.known_at, forms.known_at, forms.occurred_at) <= timestamp '{{ var("as_of") }}'
),

found as (
    select visitor_key, 'honeypot' as rule, 1 as place, 'Went where no person sees anything' as reason, known_at
    from trapped

    union all

    select visitor_key, 'session_length', 2, '{{ bots['session_hours'] }} hours without a pause', known_at
    from sessions
    where is_unbroken
    {%- for unit in ('minute', 'hour', 'day') %}

    union all

    select visitor_key, '{{ unit }}_rate', {{ loop.index + 2 }}, '{{ bots['events_per_' ~ unit] }} events within a {{ unit }}', seen_at
    from paces
    where is_over_{{ unit }}
    {%- endfor %}

    union all

    select visitor_key, 'regular_timing', 6, '{{ bots['regular_events'] }} events in even steps', seen_at
    from paces
    where gaps = {{ bots['regular_events'] - 1 }}
        and least_gap_ms >= 0
        and most_gap_ms <= 3600000
        and gap_sum > 0
        and gaps * squared_gap_sum - gap_sum * gap_sum
            < {{ bots['regular_variation'] }} * {{ bots['regular_variation'] }} * gap_sum * gap_sum
)

select
    visitor_key,
    arg_min(rule, (known_at, place)) as bot_rule,
    arg_min(reason, (known_at, place)) as bot_reason,
    min(known_at) as bot_known_at
from found
where visitor_key is not null and rule in ({{ bots['rules_in_force'] }})
group by visitor_key
