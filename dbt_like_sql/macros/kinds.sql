{#- What an event counts as: its `kinds`, one bit for each measure of var('activity_windows'), in their order.

    Models name measures; which bit is whose is known here alone. An event counts once for each measure whose bit it has;
    measures of var('minute_measures') count its minutes. -#}

{#- The bits of one measure or several, as a number. -#}
{% macro kind_bits(measures) -%}
{%- set bits = namespace(sum=0) -%}
{%- for measure in var('activity_windows') -%}
    {%- if measure in measures -%}{%- set bits.sum = bits.sum + 2 ** loop.index0 -%}{%- endif -%}
{%- endfor -%}
{{ bits.sum }}
{%- endmacro %}

{#- Whether rows have a bit of one of the measures. relation: ends in a dot, or is empty. -#}
{% macro is_of(measures, relation='') -%}
({{ relation }}kinds & {{ kind_bits(measures) }}) <> 0
{%- endmacro %}

{#- Whether one of the measures is more than nothing in a row: of minutes there may be none. -#}
{% macro is_done(measures, relation='') -%}
{%- set counts, minutes = [], [] -%}
{%- for measure in measures -%}{{ '' if (minutes if measure in var('minute_measures') else counts).append(measure) else '' }}{%- endfor -%}
(
    {%- if counts %}{{ is_of(counts, relation) }}{% endif -%}
    {%- if counts and minutes %} or {% endif -%}
    {%- if minutes %}({{ is_of(minutes, relation) }} and {{ relation }}minutes > 0){% endif -%}
    {%- if not counts and not minutes %}false{% endif -%}
)
{%- endmacro %}

{#- A sum of one measure over rows of `kinds`, of how often (events) and of how long (minutes); the names of the two may
    have an ending. In the measure's type: events are whole numbers; sums of minutes are rounded, so that their order does
    not show. -#}
{% macro sum_of(measure, ending='') -%}
{%- if measure in var('minute_measures') -%}
cast(round(coalesce(sum(minutes{{ ending }}) filter (where {{ is_of([measure]) }}), 0), 6) as double)
{%- else -%}
cast(coalesce(sum(events{{ ending }}) filter (where {{ is_of([measure]) }}), 0) as bigint)
{%- endif -%}
{%- endmacro %}
