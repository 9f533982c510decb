-- grain: one row per lead, as of the refresh's moment
{{ config(materialized='table') }}

{% set spine %}
    select lead_id, timestamp '{{ var("as_of") }}' as as_of
    from {{ source('identity', 'leads') }}
{% endset %}

{{ features(spine) }}
