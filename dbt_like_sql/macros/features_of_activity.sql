{#- Common table expressions of features(spine): what the lead did, over windows of whole days.

    activity: what was known, see known_activity. activity_of_kinds: its sums by kinds, of which a lead has a few, so that
    the many rows are gone through once for all measures. activity_windows and trial_features: one row per lead and
    moment. -#}
{% macro features_of_activity() -%}
{%- set window_days = [] -%}
{%- for windows in var('activity_windows').values() -%}
    {%- for days in windows if days not in window_days -%}{{ window_days.append(days) or '' }}{%- endfor -%}
{%- endfor -%}
activity as (
    {{ known_activity() }}
),

activity_of_kinds as (
    select
        lead_id,
        as_of,
        kinds,
        max(last_event_at) as last_event_at,
        min(days_ago) filter (where minutes > 0) as days_ago_with_minutes,
        min(days_ago) as days_ago,
        -- one bit a day, the as_of day the lowest
        bit_or(case when days_ago <= 120 and {{ is_of(['page_views']) }} then cast(1 as hugeint) << cast(days_ago as integer) end) as visit_days
        {%- for days in window_days %},
        cast(sum(events) filter (where days_ago <= {{ days }}) as integer) as events_{{ days }}d,
        sum(minutes) filter (where days_ago <= {{ days }}) as minutes_{{ days }}d
        {%- endfor %},
        cast(sum(events) as integer) as events_ever,
        sum(minutes) as minutes_ever
    from activity
    group by lead_id, as_of, kinds
),

activity_windows as (
    select
        lead_id,
        as_of,
        max(last_event_at) as last_event_at,
        bit_or(visit_days) as visit_days
        {%- for feature, measure in var('recency').items() %},
        min({{ 'days_ago_with_minutes' if measure in var('minute_measures') else 'days_ago' }}) filter (where {{ is_of([measure]) }}) as {{ feature }}
        {%- endfor %}
        {%- for measure, windows in var('activity_windows').items() %}
        {%- for days in windows %},
        {{ sum_of(measure, '_' ~ days ~ 'd') }} as {{ measure }}_{{ days }}d
        {%- endfor %},
        {{ sum_of(measure, '_ever') }} as {{ measure }}_ever
        {%- endfor %}
    from activity_of_kinds
    group by lead_id, as_of
),

trial_features as (
    select
        spine.lead_id,
        spine.as_of,
        count(distinct events.trial_feature) as trial_features_activated
    from spine
    inner join {{ ref('lead_events') }} as events
        on events.lead_id = spine.lead_id
        and events.trial_feature is not null
        and events.occurred_at <= spine.as_of
        and events.known_at <= spine.as_of
    group by spine.lead_id, spine.as_of
)
{%- endmacro %}

{#- The columns of activity_windows as features, for a select that left joins it as `windows`; nothing counted is 0. -#}
{% macro activity_columns() -%}
    {%- for feature in var('recency') %}
    windows.{{ feature }},
    {%- endfor %}
    {%- for days in var('visit_day_windows') %}
    cast(coalesce(bit_count(windows.visit_days & ((cast(1 as hugeint) << {{ days + 1 }}) - 1)), 0) as bigint) as visit_days_{{ days }}d,
    {%- endfor %}
    {%- set touches_7d = touches('windows', '_7d') %}
    {%- set touches_30d = touches('windows', '_30d') %}
    -- 8 days against the 23 before them; one touch is added to both, so that a first one is no infinite rise
    coalesce(round(ln(({{ touches_7d }} + 1) / (({{ touches_30d }} - {{ touches_7d }}) * 8 / 23 + 1)), 6), 0) as touch_trend_30d,
    {%- set topics = ['pricing_page_views'] + (var('page_topics') | list) %}
    case
        when windows.page_views_30d > 0
            then round(greatest(
                {%- for topic in topics %}windows.{{ topic }}_30d, {% endfor %}
                windows.page_views_30d {%- for topic in topics %} - windows.{{ topic }}_30d{% endfor %}
            ) / windows.page_views_30d, 6)
    end as topic_share_30d,
    coalesce(trial_features.trial_features_activated, 0) as trial_features_activated
    {%- for measure, windows in var('activity_windows').items() %}
    {%- for days in windows %},
    coalesce(windows.{{ measure }}_{{ days }}d, 0) as {{ measure }}_{{ days }}d
    {%- endfor %},
    coalesce(windows.{{ measure }}_ever, 0) as {{ measure }}_ever
    {%- endfor %}
{%- endmacro %}

{#- The lead's own touches: the sum of their windows, columns of a relation whose names end so. -#}
{% macro touches(relation, ending) -%}
({% for measure in var('touch_measures') %}{% if not loop.first %} + {% endif %}{{ relation }}.{{ measure }}{{ ending }}{% endfor %})
{%- endmacro %}
