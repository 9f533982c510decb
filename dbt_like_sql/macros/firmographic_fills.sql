{#- What is put in the place of an unknown firmographic field, within the leads of a segment and over all of them.

    learned: a common table expression with one row per lead. segment: the feature whose values are the segments.
    The median of a number, the most frequent value of all else, of equally many the first by alphabet; only where enough
    leads of the segment have one. -#}
{% macro fills_of(field, segment, is_number=false) -%}
{%- for by in [segment, none] %}
    {%- set group = by if by else 'cast(null as varchar)' %}
    {%- if not loop.first %}

    union all
    {% endif %}
    {%- if is_number %}
    select
        '{{ field }}' as field,
        '{{ segment }}' as segment_feature,
        {{ group }} as segment,
        cast(cast(round(median({{ field }})) as bigint) as varchar) as value,
        count({{ field }}) as lead_count
    from learned
    where {{ field }} is not null {%- if by %} and {{ by }} is not null {%- endif %}
    group by {{ group }}
    having count({{ field }}) >= {{ var('fill_leads') }}
    {%- else %}
    select field, segment_feature, segment, value, lead_count
    from (
        select
            '{{ field }}' as field,
            '{{ segment }}' as segment_feature,
            {{ group }} as segment,
            cast({{ field }} as varchar) as value,
            count(*) as value_count,
            cast(sum(count(*)) over (partition by {{ group }}) as bigint) as lead_count
        from learned
        where {{ field }} is not null {%- if by %} and {{ by }} is not null {%- endif %}
        group by {{ group }}, cast({{ field }} as varchar)
    )
    where lead_count >= {{ var('fill_leads') }}
    qualify row_number() over (partition by segment order by value_count desc, value) = 1
    {%- endif %}
{%- endfor %}
{%- endmacro %}
