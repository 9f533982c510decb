-- grain: one row per training example, thing done and day, of what rules of the policy count
{{ config(materialized='table') }}

{% set spine %}
    select lead_id, as_of
    from {{ ref('training_examples') }}
{% endset %}

{{ activity_days(spine, var('rule_measures')) }}
