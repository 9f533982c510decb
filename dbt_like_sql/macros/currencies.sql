{#- A contract value in the policy's currency, and the currency it is then in: converted where icp.exchange_rates has a
    rate, else as it is. A value that is not above zero, or no number, is no value.

    value, currency: expressions; the currency may be null. -#}
{% macro contract_value(value, currency) %}
case
    when not isfinite({{ value }}) or {{ value }} <= 0 then null
    {%- for code, rate in var('icp')['exchange_rates'].items() %}
    when {{ currency }} = '{{ code }}' then {{ value }} * {{ rate }}
    {%- endfor %}
    else {{ value }}
end
{%- endmacro %}

{% macro contract_currency(currency) %}
{%- set rates = var('icp')['exchange_rates'] -%}
{%- if rates -%}
case when {{ currency }} in ('{{ rates.keys() | join("', '") }}') then '{{ var("icp")["currency"] }}' else {{ currency }} end
{%- else -%}
{{ currency }}
{%- endif -%}
{%- endmacro %}
