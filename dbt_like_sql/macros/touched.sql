{#- What keeps a model to the leads that a refresh touched, where only those are made anew; nothing where all are.

    leadflow gives var('touched'), a table of lead_id, to models whose config says by which digest of lead_digests their
    rows are remade; dbt makes them whole. column: the lead of a row. -#}
{% macro and_touched(column) -%}
{%- if var('touched') %}and {{ column }} in (select lead_id from {{ var('touched') }}){% endif -%}
{%- endmacro %}

{#- Facts that may belong to the touched leads, by the common table expressions of fact_ties: a condition on the fact alone, so
    that the many others need not be tied. -#}
{% macro where_of_touched() -%}
{%- if var('touched') -%}
where mql_id in (select substr(record_key, 5) from members where starts_with(record_key, 'mql:') {{ and_touched('lead_id') }})
        or lower(email) in (select email from email_keys where true {{ and_touched('lead_id') }})
        or visitor_id in (select visitor_id from visitor_ties where true {{ and_touched('lead_id') }})
{%- endif -%}
{%- endmacro %}
