{#- None of several columns is null: one test for a wide table, in place of a not_null on every column. -#}
{% test no_nulls(model, column_list) %}
select *
from {{ model }}
where {% for column in column_list %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
