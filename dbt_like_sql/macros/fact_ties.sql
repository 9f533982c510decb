{#- Common table expressions of what ties facts to leads: members, by the record that a fact names; email_keys, by its address;
    visitor_ties, by the forms and logins of its visitor, one row per visitor and moment. -#}
{% macro fact_ties() -%}
members as (
    select record_key, lead_id, known_from
    from {{ source('identity', 'identity_map') }}
    where known_to is null
),

email_keys as (
    select email, lead_id, known_from
    from {{ source('identity', 'lead_emails') }}
),

visitor_ties as (
    select visitor_id, tied_at, lead_id, known_from
    from (
        select
            forms.visitor_id,
            forms.occurred_at as tied_at,
            members.lead_id,
            greatest(forms.known_at, members.known_from) as known_from
        from {{ ref('stg_mql') }} as forms
        inner join members on members.record_key = 'mql:' || forms.mql_id

        union all

        select
            logins.visitor_id,
            logins.occurred_at as tied_at,
            email_keys.lead_id,
            greatest(logins.known_at, email_keys.known_from) as known_from
        from {{ ref('clean_web_events') }} as logins
        inner join email_keys on email_keys.email = lower(logins.email)
    )
    where visitor_id is not null
    qualify row_number() over (partition by visitor_id, tied_at order by known_from, lead_id) = 1
)
{%- endmacro %}
