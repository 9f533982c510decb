-- grain: one row per lead that did something, and per account that was won
{{ config(materialized='table') }}

{#- Recency, frequency, and monetary value or, of leads, potential. A quintile is by the share of subjects with a lower
    value, those with an equal one counted half: equal values are in one quintile, and where all are equal, in the third.

    The names of segments are those that marketing tools commonly give, over recency (R) and the mean of frequency and
    money (FM, rounded half up; frequency alone where no amount is known); the table of them is below. -#}
with segments (recency_from, recency_to, fm_from, fm_to, segment) as (
    values
        (5, 5, 4, 5, 'champions'),
        (3, 4, 4, 5, 'loyal'),
        (4, 5, 2, 3, 'potential loyalists'),
        (5, 5, 1, 1, 'new'),
        (4, 4, 1, 1, 'promising'),
        (3, 3, 3, 3, 'need attention'),
        (3, 3, 1, 2, 'about to sleep'),
        (1, 2, 5, 5, 'cannot lose them'),
        (1, 2, 3, 4, 'at risk'),
        (1, 2, 1, 2, 'hibernating')
),

-- Days on which the lead itself did something, as known: closed days from the daily table, the as_of day from events.
closed_days as (
    select lead_id, event_date as active_date
    from {{ ref('lead_activity_daily') }}
    where last_event_at is not null
        and event_date < date '{{ var("as_of")[:10] }}'
        and known_date < date '{{ var("as_of")[:10] }}'
        and (known_until_date is null or known_until_date > date '{{ var("as_of")[:10] }}')
),

-- Of the days before the window only the newest is asked for.
active_days as (
    select lead_id, active_date
    from closed_days
    where active_date >= date '{{ var("as_of")[:10] }}' - {{ var('icp')['active_days_window'] }}

    union

    select lead_id, max(active_date) as active_date
    from closed_days
    group by lead_id

    union

    select lead_id, cast(occurred_at as date) as active_date
    from {{ ref('lead_events') }}
    where not {{ is_of(['sales_activities']) }}
        and occurred_at <= timestamp '{{ var("as_of") }}'
        and known_at <= timestamp '{{ var("as_of") }}'
        and (known_until is null or known_until > timestamp '{{ var("as_of") }}')
        and (
            greatest(cast(occurred_at as date), cast(known_at as date)) = date '{{ var("as_of")[:10] }}'
            or cast(known_until as date) = date '{{ var("as_of")[:10] }}'
        )
),

leads as (
    select
        'lead' as subject_type,
        active_days.lead_id as subject_id,
        members.account_id,
        date_diff('day', max(active_days.active_date), date '{{ var("as_of")[:10] }}') as recency_days,
        count(*) filter (where active_days.active_date >= date '{{ var("as_of")[:10] }}' - {{ var('icp')['active_days_window'] }}) as active_days,
        -- what buying would be worth is not known; how like the ideal customer its company is stands for it
        any_value(fit.account_fit) as monetary_value,
        case when any_value(fit.account_fit) is not null then 'account_fit' end as monetary_unit
    from active_days
    inner join {{ source('identity', 'leads') }} as members on members.lead_id = active_days.lead_id
    left join {{ source('icp', 'account_fit') }} as fit on fit.account_id = members.account_id
    group by active_days.lead_id, members.account_id
),

account_days as (
    select distinct members.account_id, active_days.active_date
    from active_days
    inner join {{ source('identity', 'leads') }} as members on members.lead_id = active_days.lead_id
),

customers as (
    select
        'account' as subject_type,
        facts.account_id as subject_id,
        facts.account_id,
        date_diff('day', greatest(cast(facts.won_at as date), max(days.active_date)), date '{{ var("as_of")[:10] }}') as recency_days,
        count(days.active_date) filter (where days.active_date >= date '{{ var("as_of")[:10] }}' - {{ var('icp')['active_days_window'] }}) as active_days,
        facts.contract_value as monetary_value,
        case when facts.contract_value is not null then coalesce(facts.contract_currency, 'unknown currency') end as monetary_unit
    from {{ ref('account_facts') }} as facts
    left join account_days as days on days.account_id = facts.account_id
    where facts.won_at is not null
    group by facts.account_id, facts.won_at, facts.contract_value, facts.contract_currency
),

subjects as (
    select subject_type, subject_id, account_id, recency_days, active_days, monetary_value, monetary_unit
    from leads

    union all

    select subject_type, subject_id, account_id, recency_days, active_days, monetary_value, monetary_unit
    from customers
),

-- Values of different units are never compared: amounts are ranked within their currency.
quintiles as (
    select
        subject_type,
        subject_id,
        account_id,
        recency_days,
        active_days,
        monetary_value,
        monetary_unit,
        least(5, 1 + floor(5 * (
            rank() over (partition by subject_type order by recency_days desc) - 1
            + count(*) over (partition by subject_type, recency_days) / 2
        ) / count(*) over (partition by subject_type))) as recency_score,
        least(5, 1 + floor(5 * (
            rank() over (partition by subject_type order by active_days) - 1
            + count(*) over (partition by subject_type, active_days) / 2
        ) / count(*) over (partition by subject_type))) as frequency_score,
        case when monetary_unit is not null then least(5, 1 + floor(5 * (
            rank() over (partition by subject_type, monetary_unit order by monetary_value) - 1
            + count(*) over (partition by subject_type, monetary_unit, monetary_value) / 2
        ) / count(*) over (partition by subject_type, monetary_unit))) end as monetary_score
    from subjects
)

select
    quintiles.subject_type,
    quintiles.subject_id,
    quintiles.account_id,
    quintiles.recency_days,
    quintiles.active_days,
    quintiles.monetary_value,
    quintiles.monetary_unit,
    cast(quintiles.recency_score as integer) as recency_score,
    cast(quintiles.frequency_score as integer) as frequency_score,
    cast(quintiles.monetary_score as integer) as monetary_score,
    segments.segment
from quintiles
left join segments
    on quintiles.recency_score between segments.recency_from and segments.recency_to
    and floor((quintiles.frequency_score + coalesce(quintiles.monetary_score, quintiles.frequency_score)) / 2 + 0.5)
        between segments.fm_from and segments.fm_to
