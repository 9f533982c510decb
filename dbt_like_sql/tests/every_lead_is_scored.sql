-- Leads without a score, and scores without a lead.
select
    leads.lead_id,
    scored.lead_id as scored_lead_id
from {{ source('identity', 'leads') }} as leads
full join {{ source('scoring', 'scored_leads') }} as scored on scored.lead_id = leads.lead_id
where leads.lead_id is null or scored.lead_id is null
