-- grain: one row per lead, day something happened, day it became known, day it turned out to be no fact, and kinds
{{ config(materialized='table', meta={'remade_by': 'lead_digests.facts_digest'}) }}

select
    lead_id,
    cast(occurred_at as date) as event_date,
    cast(known_at as date) as known_date,
    cast(known_until as date) as known_until_date,
    kinds,
    cast(count(*) as integer) as events,
    round(sum(minutes), 6) as minutes,
    -- what sales does with a lead is not the lead's own doing
    case when not {{ is_of(['sales_activities']) }} then max(occurred_at) end as last_event_at
from {{ ref('lead_events') }}
where true {{ and_touched('lead_id') }}
group by lead_id, event_date, known_date, known_until_date, kinds
