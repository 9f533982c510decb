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
        coalesce(outcomes.won_contract_value, 0) as won_contract_value
    from {{ source('scoring', 'scored_leads') }} as scored
    inner join {{ ref('lead_features') }} as features on features.lead_id = scored.lead_id
    left join {{ ref('lead_outcomes') }} as outcomes on outcomes.lead_id = scored.lead_id
),

first_month as (
    select coalesce(min(month), cast(timestamp '{{ var("as_of") }}' as date)) as month from leads
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

counts as (
    select
        period,
        period_start,
        segment,
        count(*) as leads,
        count(*) filter (where is_sql) as sales_leads,
        count(*) filter (where has_opportunity) as leads_with_opportunity,
        count(*) filter (where is_won) as won_leads,
        round(sum(won_contract_value), 2) as won_contract_value
    from slices
    group by period, period_start, segment
),

records as (
    select
        'all' as period,
        (select month from first_month) as period_start,
        'all' as segment,
        (select count(*) from {{ ref('lead_records') }}) as lead_records,
        (select count(*) from {{ source('clean', 'rejected_leads') }}) as rejected_records
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
    select 'won_contract_value', period, period_start, segment, won_contract_value, null from counts
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
