{#- What keeps a model to the leads that a refresh touched, where only those are made anew; nothing where all are.

    leadflow gives var('touched'), a table of lead_id, to models whose config says by which digest of lead_digests their
    rows are remade; dbt makes them whole. column: the lead of a row. -#}
{% macro and_touched(column) -%}
{%- if var('touched') %}and {{ column }} in (select lead_id from {{ var('touched') }}){% endif -%}
{%- endmacro %}
