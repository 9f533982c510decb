-- Leads whose activity is not what had happened and was known at the refresh's moment: a leak, or a loss.
{% set as_of = "cast('" ~ var('as_of') ~ "' as timestamp)" %}
with known as (
    select
        lead_id
        {%- for measure in var('activity_windows') %},
        sum({{ 'minutes' if measure in var('minute_measures') else '1' }}) filter (where {{ is_of([measure]) }}) as {{ measure }}
        {%- endfor %}
    from {{ ref('lead_events') }}
    where known_at <= {{ as_of }}
        and occurred_at <= {{ as_of }}
        and (known_until is null or known_until > {{ as_of }})
    group by lead_id
)

select
    features.lead_id
    {%- for measure in var('activity_windows') %},
    features.{{ measure }}_ever,
    known.{{ measure }}
    {%- endfor %}
from {{ ref('lead_features') }} as features
left join known on known.lead_id = features.lead_id
where
    false
    {%- for measure in var('activity_windows') %}
    or abs(features.{{ measure }}_ever - coalesce(known.{{ measure }}, 0)) > 0.001
    {%- endfor %}
