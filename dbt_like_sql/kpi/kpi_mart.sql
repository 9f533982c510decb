-- grain: one row per metric, period, period_start and segment
{{ config(materialized='table') }}

{#- Leads are counted in the month they were created in, whenever they were won: a cohort, which a later win changes.
    Rates are null where their denominator is 0. -#}
with leads as (
    select
        scored.lead_id,
        cast(date_trunc('month', scored.created_at) as date) as month,
        coalesce(scored.channel, 'unknown') as channel,
        scored.tier,
        features.is_sql,
        coalesce(outcomes.opportunity_count, 0) > 0 as has_opportunity,
        coalesce(outcomes.won_count, 0) > 0 as is_won,
        outcomes.won_contract_value,
        outcomes.won_currency
    from {{ source('scoring', 'scored_leads') }} as scored
    inner join {{ ref('lead_features') }} as features on features.lead_id = scored.lead_id
    left join {{ ref('lead_outcomes') }} as outcomes on outcomes.lead_id = scored.lead_id
),

first_month as (
    select coalesce(min(month), cast(date_trunc('month', timestamp '{{ var("as_of") }}') as date)) as month from leads
),

slices as (
    select 'all' as period, (select month from first_month) as period_start, 'all' as segment, leads.* exclude (month) from leads
    union all
    select 'month', month, 'all', leads.* exclude (month) from leads
    union all
    select 'all', (select month from first_month), 'channel=' || channel, leads.* exclude (month) from leads
    union all
    select 'all', (select month from first_month), 'tier=' || tier, leads.* exclude (month) from leads
),

-- a company without a lead has the figures too
segments as (
    select distinct period, period_start, segment from slices
    union
    select 'all', month, 'all' from first_month
),

counts as (
    select
        segments.period,
        segments.period_start,
        segments.segment,
        count(slices.lead_id) as leads,
        count(slices.lead_id) filter (where is_sql) as sales_leads,
        count(slices.lead_id) filter (where has_opportunity) as leads_with_opportunity,
        count(slices.lead_id) filter (where is_won) as won_leads
    from segments
    left join slices
        on slices.period = segments.period
        and slices.period_start = segments.period_start
        and slices.segment = segments.segment
    group by segments.period, segments.period_start, segments.segment
),

-- a figure for each currency, since amounts in several have no sum
money as (
    select
        'won_contract_value' || coalesce('_' || lower(won_currency), '') as metric,
        period,
        period_start,
        segment,
        round(sum(won_contract_value), 2) as won_contract_value
    from slices
    where won_contract_value is not null
    group by metric, period, period_start, segment
),

records as (
    select
        'all' as period,
        (select month from first_month) as period_start,
        'all' as segment,
        (select count(*) from {{ ref('lead_records') }}) as lead_records,
        (select count(*) from {{ source('clean', 'rejected_leads') }}) as rejected_records
),

rejections as (
    select
        'all' as period,
        (select month from first_month) as period_start,
        'rule=' || rule as segment,
        count(*) as rejected_records,
        (select count(*) from {{ ref('lead_records') }}) as lead_records
    from {{ source('clean', 'rejected_leads') }}
    group by rule
),

metrics as (
    select 'leads' as metric, period, period_start, segment, leads as numerator, null as denominator from counts
    union all
    select 'sales_leads', period, period_start, segment, sales_leads, null from counts
    union all
    select 'leads_with_opportunity', period, period_start, segment, leads_with_opportunity, null from counts
    union all
    select 'won_leads', period, period_start, segment, won_leads, null from counts
    union all
    select metric, period, period_start, segment, won_contract_value, null from money
    union all
    select 'sales_lead_rate', period, period_start, segment, sales_leads, leads from counts
    union all
    select 'opportunity_rate', period, period_start, segment, leads_with_opportunity, leads from counts
    union all
    select 'conversion_rate', period, period_start, segment, won_leads, leads from counts
    union all
    select 'lead_records', period, period_start, segment, lead_records, null from records
    union all
    select 'rejected_records', period, period_start, segment, rejected_records, null from records
    union all
    select 'rejection_rate', period, period_start, segment, rejected_records, lead_records from records
    union all
    select 'rejected_records', period, period_start, segment, rejected_records, null from rejections
    union all
    select 'rejection_rate', period, period_start, segment, rejected_records, lead_records from rejections
)

select
    metric,
    period,
    period_start,
    segment,
    cast(case when denominator is null then numerator when denominator > 0 then numerator / denominator end as double) as value,
    cast(numerator as double) as numerator,
    cast(denominator as double) as denominator
from metrics
order by metric, period, period_start, segment
