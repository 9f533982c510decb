{#- What the leads of a spine had done and was known at its moments: one row per lead, moment and sum of a day and of
    kinds, or event of the as_of day, with the days since.

    Closed days come from lead_activity_daily; the as_of day, where the clock time matters at which something happened,
    became known or turned out to be no fact, comes from lead_events. Reads a common table expression `spine` of lead_id,
    as_of and as_of_date.

    done: measures; rows in which none of them happened are left out. None given, all rows are there. -#}
{% macro known_activity(done=none) -%}
{%- set events_of_leads -%}
select
        spine.lead_id,
        spine.as_of,
        cast(events.occurred_at as date) as event_date,
        date_diff('day', cast(events.occurred_at as date), spine.as_of_date) as days_ago,
        case when not {{ is_of(['sales_activities'], 'events.') }} then events.occurred_at end as last_event_at,
        events.kinds,
        1 as events,
        events.minutes
    from spine
    inner join {{ ref('lead_events') }} as events
        on events.lead_id = spine.lead_id
        {%- if done is not none %}
        and {{ is_done(done, 'events.') }}
        {%- endif %}
{%- endset -%}
select
        spine.lead_id,
        spine.as_of,
        daily.event_date,
        date_diff('day', daily.event_date, spine.as_of_date) as days_ago,
        daily.last_event_at,
        daily.kinds,
        daily.events,
        daily.minutes
    from spine
    inner join {{ ref('lead_activity_daily') }} as daily
        on daily.lead_id = spine.lead_id
        and daily.event_date < spine.as_of_date
        and daily.known_date < spine.as_of_date
        and (daily.known_until_date is null or daily.known_until_date > spine.as_of_date)
        {%- if done is not none %}
        and {{ is_done(done, 'daily.') }}
        {%- endif %}

    union all

    {{ events_of_leads }}
        and greatest(cast(events.occurred_at as date), cast(events.known_at as date)) = spine.as_of_date
        and events.occurred_at <= spine.as_of
        and events.known_at <= spine.as_of
        and (events.known_until is null or events.known_until > spine.as_of)

    union all

    {{ events_of_leads }}
        and cast(events.known_until as date) = spine.as_of_date
        and events.known_until > spine.as_of
        and events.occurred_at < spine.as_of_date
        and events.known_at < spine.as_of_date
{%- endmacro %}

{#- What leads did by day, one row per lead, moment, measure and day on which it was done at all, from what was known at the
    moment; see known_activity.

    spine: a select of lead_id and as_of (timestamp). measures: the days back that are wanted, by measure; null wants all.
    Without any measure the relation is empty, and has its columns. -#}
{% macro activity_days(spine, measures) -%}
with spine as (
    select lead_id, as_of, cast(as_of as date) as as_of_date
    from ({{ spine }})
),

done as (
    {{ known_activity(measures) }}
)

{% for measure, days in measures.items() -%}
select
    lead_id,
    as_of,
    '{{ measure }}' as measure,
    event_date,
    cast(days_ago as bigint) as days_ago,
    cast({{ sum_of(measure) }} as double) as occurrences
from done
where {{ is_done([measure]) }}
    {%- if days is not none %}
    and days_ago <= {{ days }}
    {%- endif %}
group by lead_id, as_of, event_date, days_ago
{{ 'union all' if not loop.last }}
{% else -%}
select
    lead_id,
    as_of,
    cast(null as varchar) as measure,
    event_date,
    cast(days_ago as bigint) as days_ago,
    cast(null as double) as occurrences
from done
{%- endfor %}
{%- endmacro %}
