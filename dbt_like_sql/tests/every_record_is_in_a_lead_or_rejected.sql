-- Lead records that are lost or counted twice: each is in one lead, or among the rejected, and never in both.
with places as (
    select record_key, 'lead' as place
    from {{ source('identity', 'identity_map') }}
    where known_to is null

    union all

    select record_key, 'rejected' as place
    from {{ source('clean', 'rejected_leads') }}
)

select
    coalesce(records.record_key, places.record_key) as record_key,
    count(places.record_key) as place_count,
    string_agg(places.place, ', ' order by places.place) as found_in,
    count(records.record_key) > 0 as is_there
from {{ ref('lead_records') }} as records
full join places on places.record_key = records.record_key
group by 1
having count(places.record_key) <> 1 or count(records.record_key) = 0
