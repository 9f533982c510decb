{#- What the contracts' expectations mean, for real dbt without any package. leadflow itself runs the expectations of
    Great Expectations by these names and does not read this folder. Each returns the rows that break the promise. -#}

{% test expect_column_values_to_be_between(model, column_name, min_value=none, max_value=none, strict_min=false, strict_max=false) %}
select *
from {{ model }}
where false
    {%- if min_value is not none %}
    or {{ column_name }} {{ '<=' if strict_min else '<' }} {{ min_value }}
    {%- endif %}
    {%- if max_value is not none %}
    or {{ column_name }} {{ '>=' if strict_max else '>' }} {{ max_value }}
    {%- endif %}
{% endtest %}

{% test expect_column_values_to_be_json_parseable(model, column_name) %}
select *
from {{ model }}
where {{ column_name }} is not null and not json_valid({{ column_name }})
{% endtest %}

{#- A row in which a value is missing breaks no promise here, which is what ignore_row_if asks for where it is given. -#}
{% test expect_column_pair_values_a_to_be_greater_than_b(model, column_A, column_B, or_equal=false, ignore_row_if=none) %}
select *
from {{ model }}
where not ({{ column_A }} {{ '>=' if or_equal else '>' }} {{ column_B }})
{% endtest %}

{% test expect_compound_columns_to_be_unique(model, column_list) %}
select {{ column_list | join(', ') }}
from {{ model }}
group by {{ column_list | join(', ') }}
having count(*) > 1
{% endtest %}

{% test expect_table_row_count_to_be_between(model, min_value=none, max_value=none) %}
select row_count
from (select count(*) as row_count from {{ model }})
where row_count < {{ min_value if min_value is not none else 'row_count' }}
    or row_count > {{ max_value if max_value is not none else 'row_count' }}
{% endtest %}

{% test expect_table_row_count_to_equal(model, value) %}
select row_count
from (select count(*) as row_count from {{ model }})
where row_count <> {{ value }}
{% endtest %}

{% test unique_combination_of_columns(model, combination_of_columns) %}
select {{ combination_of_columns | join(', ') }}
from {{ model }}
group by {{ combination_of_columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test expect_table_row_count_to_equal_other_table(model, compare_model) %}
select counted.row_count, compared.row_count as other_row_count
from (select count(*) as row_count from {{ model }}) as counted
cross join (select count(*) as row_count from {{ compare_model }}) as compared
where counted.row_count <> compared.row_count
{% endtest %}
