-- grain: one row per drawn lead and sampled past moment of its life
{{ config(materialized='table') }}

{#- A moment is used when the lead was not won or lost yet. Its label is whether the lead was won within the
    horizon after it; a moment whose horizon has not passed yet is censored, not lost. -#}
with leads as (
    select lead_id, known_from
    from {{ source('identity', 'leads') }}
    where known_from >= timestamp '{{ var("training_from") }}'
        and known_from <= timestamp '{{ var("as_of") }}'
    -- drawn by a hash of the id: evenly over time and outcome, and the same leads at every refresh
    qualify row_number() over (order by md5(lead_id), lead_id) <= {{ var('training_max_leads') }}
),

moments as (
    select
        leads.lead_id,
        leads.known_from + to_days(cast(moment.days as integer)) as as_of
    from leads
    cross join (select unnest([{{ var('moments_days') | join(', ') }}]) as days) as moment
),

examples as (
    select
        moments.lead_id,
        moments.as_of,
        outcomes.first_won_at,
        outcomes.first_won_value,
        outcomes.first_won_currency,
        moments.as_of + to_days({{ var('horizon_days') }}) as horizon_ends_at
    from moments
    left join {{ ref('lead_outcomes') }} as outcomes on outcomes.lead_id = moments.lead_id
    where moments.as_of <= timestamp '{{ var("as_of") }}'
        and (outcomes.first_closed_at is null or outcomes.first_closed_at > moments.as_of)
),

labels as (
    select
        lead_id,
        as_of,
        horizon_ends_at > timestamp '{{ var("as_of") }}' as is_censored,
        case
            when horizon_ends_at <= timestamp '{{ var("as_of") }}'
                then coalesce(first_won_at <= horizon_ends_at, false)
        end as label,
        first_won_value,
        first_won_currency
    from examples
),

{% set spine %}select lead_id, as_of from labels{% endset %}

example_features as (
    {{ features(spine) }}
)

select
    labels.label,
    labels.is_censored,
    case when labels.label then labels.first_won_value end as won_value,
    case when labels.label then labels.first_won_currency end as won_currency,
    example_features.*
from labels
inner join example_features on example_features.lead_id = labels.lead_id and example_features.as_of = labels.as_of
