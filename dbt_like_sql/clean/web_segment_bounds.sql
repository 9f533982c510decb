-- grain: one row per segment of web events, month and measure
{{ config(materialized='table') }}

{#- How much a visitor-day of a month may hold, by the visitor-days of the months before it, as known when each of those
    ended: what comes to be known later moves no bound.

    The modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, ASQC 1993): 0.6745 (x - median) / MAD,
    outlying above 3.5, of the logarithm, since counts are skewed. Where more than half of the visitor-days are equal the
    MAD is 0, and 1.253314 times the mean absolute deviation takes the place of MAD / 0.6745: both are the standard
    deviation where x is normal. -#}
{%- set bots = var('bots') -%}
{%- set segment = 'source_name, is_identified, is_mobile, month_start, measure' -%}
with events as (
    {{ seen_web_events() }}
),

visitor_days as (
    select
        source_name,
        is_identified,
        is_mobile,
        cast(date_trunc('month', event_date) as date) as month_start,
        count(*) as event_count,
        bit_count(bit_or(cast(1 as integer) << cast(hour(occurred_at) as integer))) as active_hours
    from events
    where visitor_key is not null and seen_at < date_trunc('month', occurred_at) + interval 1 month
    -- by hash: two of a million visitors that share one by chance move no median
    group by hash(visitor_key), event_date, source_name, is_identified, is_mobile
),

histogram as (
    select source_name, is_identified, is_mobile, month_start, 'events' as measure, cast(event_count as bigint) as value, count(*) as days
    from visitor_days
    group by all

    union all

    select source_name, is_identified, is_mobile, month_start, 'hours' as measure, cast(active_hours as bigint) as value, count(*) as days
    from visitor_days
    group by all
),

reference_days as (
    select
        histogram.source_name,
        histogram.is_identified,
        histogram.is_mobile,
        cast(histogram.month_start + to_months(cast(ahead.months as integer)) as date) as month_start,
        histogram.measure,
        ln(histogram.value) as log_value,
        histogram.days
    from histogram
    cross join (select unnest(range(1, {{ bots['reference_months'] }} + 1)) as months) as ahead
),

pooled as (
    select {{ segment }}, log_value, cast(sum(days) as bigint) as days
    from reference_days
    group by {{ segment }}, log_value
),

cumulated as (
    select
        {{ segment }},
        log_value,
        days,
        sum(days) over (partition by {{ segment }} order by log_value) as days_up_to,
        sum(days) over (partition by {{ segment }}) as all_days
    from pooled
),

medians as (
    select {{ segment }}, avg(log_value) as median_log
    from cumulated
    where 2 * days_up_to >= all_days and 2 * (days_up_to - days) <= all_days
    group by {{ segment }}
),

deviations as (
    select
        cumulated.source_name,
        cumulated.is_identified,
        cumulated.is_mobile,
        cumulated.month_start,
        cumulated.measure,
        cumulated.days,
        cumulated.all_days,
        medians.median_log,
        round(abs(cumulated.log_value - medians.median_log), 12) as deviation
    from cumulated
    inner join medians using (source_name, is_identified, is_mobile, month_start, measure)
),

cumulated_deviations as (
    select
        {{ segment }},
        median_log,
        all_days,
        deviation,
        days,
        sum(days) over (partition by {{ segment }} order by deviation) as days_up_to,
        sum(days) over (partition by {{ segment }}, deviation) as days_alike
    from deviations
),

spreads as (
    select
        {{ segment }},
        any_value(median_log) as median_log,
        any_value(all_days) as all_days,
        avg(deviation) filter (
            where 2 * days_up_to >= all_days and 2 * (days_up_to - days_alike) <= all_days
        ) as mad_log,
        round(sum(deviation * days) / any_value(all_days), 9) as mean_deviation_log
    from cumulated_deviations
    group by {{ segment }}
),

bounds as (
    select
        {{ segment }},
        median_log,
        mad_log,
        all_days,
        median_log + {{ bots['outlier_score'] }}
            * case when mad_log > 0 then mad_log / 0.6745 else 1.253314 * mean_deviation_log end as bound_log
    from spreads
)

select
    source_name,
    is_identified,
    is_mobile,
    month_start,
    measure,
    cast(all_days as bigint) as visitor_days,
    round(exp(median_log), 6) as median_value,
    round(mad_log, 9) as mad_log,
    -- no day holds so much as exp(40)
    greatest(
        cast(floor(exp(least(bound_log, 40)) + 1e-9) as bigint) + 1,
        case measure when 'events' then {{ bots['outlier_events'] }} else {{ bots['outlier_hours'] }} end
    ) as outlying_from
from bounds
where all_days >= {{ bots['segment_visitor_days'] }}
