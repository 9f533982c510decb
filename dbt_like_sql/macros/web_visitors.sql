{#- Whose doing a web event is, for the bot rules: the visitor, or else the form or address that the event names.

    What trackers write where they know no visitor is not one visitor: else all of those would look like one robot. -#}
{% macro visitor_key() -%}
coalesce(
    case
        when lower(trim(visitor_id)) not in
            ('', '-', '0', 'null', 'none', 'undefined', 'unknown', 'anonymous', '(not set)', 'n/a')
            then visitor_id
    end,
    'mql:' || mql_id,
    'email:' || lower(email)
)
{%- endmacro %}

{#- Web events with a visitor that were known at the refresh's moment; seen_at is when an event had happened and was known.

    has_clock_time: whether the source gave more than the day: of a day alone, pace tells nothing. -#}
{% macro seen_web_events() -%}
select
    event_id,
    {{ visitor_key() }} as visitor_key,
    ip_address,
    user_agent,
    page_url,
    source_name,
    mql_id is not null or email is not null as is_identified,
    coalesce(contains(user_agent, 'Mobi'), false) as is_mobile,
    occurred_at,
    cast(occurred_at as date) as event_date,
    cast(occurred_at as time) <> time '00:00:00' as has_clock_time,
    greatest(occurred_at, known_at) as seen_at
from {{ ref('stg_web_events') }}
where greatest(occurred_at, known_at) <= timestamp '{{ var("as_of") }}'
{%- endmacro %}

{#- Whether an IPv4 address, as a text, is in one of the ranges, each first and last address as a number. -#}
{% macro is_in_ranges(address, ranges) -%}
{%- if ranges -%}
{%- set octet = "coalesce(try_cast(split_part(" ~ address ~ ", '.', PLACE) as bigint), -1)" -%}
coalesce(
    regexp_full_match({{ address }}, '[0-9]{1,3}([.][0-9]{1,3}){3}')
    and (
        {%- for first, last in ranges %}
        {{ 'or ' if not loop.first }}(({{ octet | replace('PLACE', '1') }} * 256 + {{ octet | replace('PLACE', '2') }}) * 256
            + {{ octet | replace('PLACE', '3') }}) * 256 + {{ octet | replace('PLACE', '4') }} between {{ first }} and {{ last }}
        {%- endfor %}
    ),
    false
)
{%- else -%}
false
{%- endif -%}
{%- endmacro %}
