-- grain: one row per lead, as of the refresh's moment
{{ config(materialized='table') }}

{% set spine %}
    select
        leads.lead_id,
        timestamp '{{ var("as_of") }}' as as_of,
        features.account_id,
        features.last_activity_at
    from {{ source('identity', 'leads') }} as leads
    inner join {{ ref('lead_features') }} as features on features.lead_id = leads.lead_id
{% endset %}

{{ fact_dates(spine, var('dated_measures')) }}
