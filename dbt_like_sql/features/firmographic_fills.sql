-- grain: one row per firmographic field and segment, and one per field over all segments
{{ config(materialized='table') }}

{#- Fitted on what a model is fitted on: labelled past moments of leads, the newest of them left out, since those measure it.
    A lead counts once, as of its last moment. -#}
with moments as (
    select
        lead_id,
        as_of,
        company_size,
        industry,
        is_listed,
        revenue_band,
        company_country,
        min(as_of) over (partition by lead_id) as first_at
    from {{ ref('training_examples') }}
    where not is_censored
),

test_period as (
    select min(first_at) as test_from
    from (
        select
            first_at,
            row_number() over (order by first_at desc, lead_id desc) as place,
            count(*) over () as lead_count
        from (select distinct lead_id, first_at from moments)
    )
    where place <= greatest(1, round(lead_count * {{ var('test_share') }}))
),

learned as (
    select moments.*
    from moments
    cross join test_period
    where moments.first_at < test_period.test_from and moments.as_of < test_period.test_from
    qualify row_number() over (partition by moments.lead_id order by moments.as_of desc) = 1
)

{{ fills_of('company_size', 'industry', is_number=true) }}

    union all
{{ fills_of('industry', 'company_country') }}

    union all
{{ fills_of('is_listed', 'industry') }}

    union all
{{ fills_of('revenue_band', 'industry') }}
