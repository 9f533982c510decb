-- grain: one row per lead, as of the refresh's moment
{{ config(materialized='table', meta={'remade_by': 'lead_digests.features_digest', 'moment': 'as_of'}) }}

{% set spine %}
    select lead_id, timestamp '{{ var("as_of") }}' as as_of
    from {{ source('identity', 'leads') }}
    where true {{ and_touched('lead_id') }}
{% endset %}

{{ features(spine) }}
