-- Leads whose rule score is not what the rules named as its reasons add up to.
with reasons as (
    select lead_id, sum(points) as points
    from {{ source('scoring', 'score_reasons') }}
    where source = 'rule'
    group by lead_id
)

select
    scored.lead_id,
    scored.rule_score,
    reasons.points
from {{ source('scoring', 'scored_leads') }} as scored
left join reasons on reasons.lead_id = scored.lead_id
where abs(scored.rule_score - least(100, greatest(0, coalesce(reasons.points, 0)))) > 0.001
