-- Features because of which no model is trained, and what to do about each.
select
    feature,
    check_name,
    value,
    reason
from {{ source('features', 'leakage_report') }}
where is_stopping
order by feature, check_name
