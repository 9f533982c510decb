-- grain: one row per lead, day something happened, day it became known and day it turned out to be no fact
{{ config(materialized='table') }}

select
    lead_id,
    cast(occurred_at as date) as event_date,
    cast(known_at as date) as known_date,
    cast(known_until as date) as known_until_date,
    -- what sales does with a lead is not the lead's own doing
    max(occurred_at) filter (where sales_activities = 0) as last_event_at
    {%- for measure in var('activity_windows') %},
    round(sum({{ measure }}), 6) as {{ measure }}
    {%- endfor %}
from {{ ref('lead_events') }}
group by lead_id, event_date, known_date, known_until_date
