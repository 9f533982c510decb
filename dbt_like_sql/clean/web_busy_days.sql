-- grain: one row per visitor and UTC day with so many events that a rule looks closer
{{ config(materialized='table') }}

{#- Every rule of pace needs at least so many events on one of its days, so that sorting is for the few. -#}
with events as (
    {{ seen_web_events() }}
)

select
    visitor_key,
    event_date,
    count(*) as event_count
from events
where visitor_key is not null
group by visitor_key, event_date
having count(*) >= {{ var('bots')['closer_look_events'] }}
