-- Features that seem to tell the outcome, and what to do about each.
{{ config(severity='warn') }}

select
    feature,
    check_name,
    value,
    reason
from {{ source('features', 'leakage_report') }}
where verdict = 'blocked'
order by feature, check_name
