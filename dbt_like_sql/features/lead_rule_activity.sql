-- grain: one row per lead, thing done and day, of what rules of the policy count, as of the refresh's moment
{{ config(materialized='table') }}

{% set spine %}
    select lead_id, timestamp '{{ var("as_of") }}' as as_of
    from {{ source('identity', 'leads') }}
{% endset %}

{{ activity_days(spine, var('rule_measures')) }}
