-- grain: one row per stage of the funnel
{{ config(materialized='table') }}

{#- Cohort view: of all leads ever, how many got how far. A lead that skipped a stage counts in the later one only. -#}
with records as (
    select
        count(*) as lead_records,
        (select count(*) from {{ source('clean', 'rejected_leads') }}) as rejected_records
    from {{ ref('lead_records') }}
),

leads as (
    select
        count(*) as leads,
        count(*) filter (where features.is_sql) as sales_leads,
        count(*) filter (where outcomes.opportunity_count > 0) as leads_with_opportunity,
        count(*) filter (where outcomes.won_count > 0) as won_leads
    from {{ ref('lead_features') }} as features
    left join {{ ref('lead_outcomes') }} as outcomes on outcomes.lead_id = features.lead_id
)

select 1 as stage_order, 'lead_records' as stage, lead_records as value from records
union all
select 2, 'rejected_records', rejected_records from records
union all
select 3, 'leads', leads from leads
union all
select 4, 'sales_leads', sales_leads from leads
union all
select 5, 'leads_with_opportunity', leads_with_opportunity from leads
union all
select 6, 'won_leads', won_leads from leads
order by 1
