"""The probes: for every test that schema.yml may name a case that passes and one that fails.

Belongs here: a small table, and arguments for it. Does not belong here: running them (probing.py, and the tests), and
what else is known of the tests (supported_tests.py).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

PROBE_TABLE = "probes.facts"
PROBE_SQL = """
create schema probes;
create table probes.facts as select * from (values
  (1, 1.0::double, 'a', '2024-01-01', '{"k": 1}', 1, 2, 3, timestamp '2024-01-01', true),
  (2, 2.0, 'ab', '2024-01-02', '{"k": 2}', 2, 2, 6, timestamp '2024-01-02', true),
  (3, 3.0, 'abc', '2024-01-03', '{"k": 3}', 3, 3, 9, timestamp '2024-01-03', false),
  (4, 100.0, null, null, null, null, 4, 12, timestamp '2024-01-04', null)
) facts (id, amount, code, day, payload, copy_id, next_id, triple, seen_at, is_open);
create table probes.same_size as select id from probes.facts;
create table probes.other_size as select id from probes.facts where id < 4
"""
_COLUMNS = ["id", "amount", "code", "day", "payload", "copy_id", "next_id", "triple", "seen_at", "is_open"]

# By expectation: arguments that PROBE_TABLE passes, and arguments that it fails.
PROBES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "expect_column_distinct_values_to_be_in_set": (
        {"column": "is_open", "value_set": [True, False]},
        {"column": "id", "value_set": [1, 2]},
    ),
    "expect_column_distinct_values_to_contain_set": (
        {"column": "id", "value_set": [1, 2]},
        {"column": "id", "value_set": [7]},
    ),
    "expect_column_distinct_values_to_equal_set": (
        {"column": "id", "value_set": [1, 2, 3, 4]},
        {"column": "id", "value_set": [7]},
    ),
    "expect_column_kl_divergence_to_be_less_than": (
        {
            "column": "code",
            "partition_object": {"values": ["a", "ab", "abc"], "weights": [0.33, 0.33, 0.34]},
            "threshold": 0.1,
        },
        {
            "column": "code",
            "partition_object": {"values": ["a", "ab", "abc"], "weights": [0.98, 0.01, 0.01]},
            "threshold": 0.1,
        },
    ),
    "expect_column_max_to_be_between": (
        {"column": "id", "min_value": 4, "max_value": 4},
        {"column": "id", "min_value": 5},
    ),
    "expect_column_mean_to_be_between": (
        {"column": "id", "min_value": 2.5, "max_value": 2.5},
        {"column": "id", "min_value": 5},
    ),
    "expect_column_median_to_be_between": (
        {"column": "id", "min_value": 2.5, "max_value": 2.5},
        {"column": "id", "min_value": 5},
    ),
    "expect_column_min_to_be_between": (
        {"column": "id", "min_value": 1, "max_value": 1},
        {"column": "id", "min_value": 5},
    ),
    "expect_column_most_common_value_to_be_in_set": (
        {"column": "next_id", "value_set": [2]},
        {"column": "next_id", "value_set": [4]},
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "next_id", "column_B": "id", "or_equal": True},
        {"column_A": "next_id", "column_B": "id"},
    ),
    "expect_column_pair_values_to_be_equal": (
        {"column_A": "copy_id", "column_B": "id", "ignore_row_if": "either_value_is_missing"},
        {"column_A": "next_id", "column_B": "id"},
    ),
    "expect_column_pair_values_to_be_in_set": (
        {"column_A": "id", "column_B": "next_id", "value_pairs_set": [[1, 2], [2, 2], [3, 3], [4, 4]]},
        {"column_A": "id", "column_B": "next_id", "value_pairs_set": [[1, 2]]},
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        {"column": "code", "min_value": 0.75, "max_value": 0.75},
        {"column": "code", "min_value": 0.9},
    ),
    "expect_column_proportion_of_unique_values_to_be_between": (
        {"column": "id", "min_value": 1},
        {"column": "next_id", "min_value": 0.9},
    ),
    "expect_column_quantile_values_to_be_between": (
        {"column": "id", "quantile_ranges": {"quantiles": [0.0, 1.0], "value_ranges": [[1, 1], [4, 4]]}},
        {"column": "id", "quantile_ranges": {"quantiles": [0.0, 1.0], "value_ranges": [[1, 1], [5, 6]]}},
    ),
    "expect_column_stdev_to_be_between": (
        {"column": "id", "min_value": 1.29, "max_value": 1.3},
        {"column": "id", "min_value": 5},
    ),
    "expect_column_sum_to_be_between": (
        {"column": "id", "min_value": 10, "max_value": 10},
        {"column": "id", "min_value": 50},
    ),
    "expect_column_to_exist": ({"column": "id"}, {"column": "not_there"}),
    "expect_column_type_to_be": (
        {"column": "id", "type_": "INTEGER"},
        {"column": "id", "type_": "VARCHAR"},
    ),
    "expect_column_unique_value_count_to_be_between": (
        {"column": "id", "min_value": 4, "max_value": 4},
        {"column": "id", "min_value": 5},
    ),
    "expect_column_value_lengths_to_be_between": (
        {"column": "code", "min_value": 1, "max_value": 3},
        {"column": "code", "min_value": 2},
    ),
    "expect_column_value_lengths_to_equal": ({"column": "day", "value": 10}, {"column": "code", "value": 2}),
    "expect_column_value_z_scores_to_be_less_than": (
        {"column": "id", "threshold": 3, "double_sided": True},
        {"column": "amount", "threshold": 1, "double_sided": True},
    ),
    "expect_column_values_to_be_between": (
        {"column": "id", "min_value": 1, "max_value": 4},
        {"column": "seen_at", "min_value": dt.datetime(2024, 1, 2)},  # noqa: DTZ001 - warehouse moments are naive UTC
    ),
    "expect_column_values_to_be_dateutil_parseable": ({"column": "day"}, {"column": "code"}),
    "expect_column_values_to_be_decreasing": (
        {"column": "is_open", "sort_column": "id"},
        {"column": "triple", "sort_column": "id"},
    ),
    "expect_column_values_to_be_in_set": (
        {"column": "is_open", "value_set": [True, False]},
        {"column": "id", "value_set": [1, 2]},
    ),
    "expect_column_values_to_be_in_type_list": (
        {"column": "id", "type_list": ["INTEGER", "BIGINT"]},
        {"column": "id", "type_list": ["VARCHAR"]},
    ),
    "expect_column_values_to_be_increasing": (
        {"column": "next_id", "sort_column": "id"},
        {"column": "next_id", "sort_column": "id", "strictly": True},
    ),
    "expect_column_values_to_be_json_parseable": ({"column": "payload"}, {"column": "code"}),
    "expect_column_values_to_be_null": ({"column": "code", "mostly": 0.25}, {"column": "code"}),
    "expect_column_values_to_be_of_type": (
        {"column": "id", "type_": "INTEGER"},
        {"column": "id", "type_": "VARCHAR"},
    ),
    "expect_column_values_to_be_unique": ({"column": "id"}, {"column": "next_id"}),
    "expect_column_values_to_match_json_schema": (
        {"column": "payload", "json_schema": {"type": "object"}},
        {"column": "payload", "json_schema": {"type": "array"}},
    ),
    "expect_column_values_to_match_like_pattern": (
        {"column": "code", "like_pattern": "a%"},
        {"column": "code", "like_pattern": "%b%"},
    ),
    "expect_column_values_to_match_like_pattern_list": (
        {"column": "code", "like_pattern_list": ["a%", "z%"]},
        {"column": "code", "like_pattern_list": ["a%", "%b%"], "match_on": "all"},
    ),
    "expect_column_values_to_match_regex": (
        {"column": "day", "regex": r"^\d{4}(?:-\d{2}){2}$"},
        {"column": "code", "regex": "b"},
    ),
    "expect_column_values_to_match_regex_list": (
        {"column": "code", "regex_list": ["^a", "^z"]},
        {"column": "code", "regex_list": ["^a", "b"], "match_on": "all"},
    ),
    "expect_column_values_to_match_strftime_format": (
        {"column": "day", "strftime_format": "%Y-%m-%d"},
        {"column": "day", "strftime_format": "%d.%m.%Y"},
    ),
    "expect_column_values_to_not_be_in_set": (
        {"column": "id", "value_set": [9]},
        {"column": "id", "value_set": [1, 2]},
    ),
    "expect_column_values_to_not_be_null": ({"column": "id"}, {"column": "code"}),
    "expect_column_values_to_not_be_outliers": (
        {"column": "id"},
        {"column": "amount", "method": "std", "multiplier": 1},
    ),
    "expect_column_values_to_not_match_like_pattern": (
        {"column": "code", "like_pattern": "z%"},
        {"column": "code", "like_pattern": "%b%"},
    ),
    "expect_column_values_to_not_match_like_pattern_list": (
        {"column": "code", "like_pattern_list": ["z%", "y%"]},
        {"column": "code", "like_pattern_list": ["z%", "%b%"]},
    ),
    "expect_column_values_to_not_match_regex": (
        {"column": "code", "regex": "^z"},
        {"column": "code", "regex": "b"},
    ),
    "expect_column_values_to_not_match_regex_list": (
        {"column": "code", "regex_list": ["^z"]},
        {"column": "code", "regex_list": ["^z", "b"]},
    ),
    "expect_compound_columns_to_be_unique": (
        {"column_list": ["next_id", "id"]},
        {"column_list": ["next_id", "is_open"]},
    ),
    "expect_multicolumn_sum_to_equal": (
        {"column_list": ["id", "next_id", "triple"], "sum_total": 6, "mostly": 0.25},
        {"column_list": ["id", "next_id"], "sum_total": 6},
    ),
    "expect_multicolumn_values_to_be_equal": (
        {"column_list": ["id", "copy_id"], "ignore_row_if": "any_value_is_missing"},
        {"column_list": ["id", "next_id"]},
    ),
    "expect_query_results_to_match_comparison": (
        {"base_query": "select 1", "comparison_data_source_name": "other", "comparison_query": "select 1"},
        {"base_query": "select 1", "comparison_data_source_name": "other", "comparison_query": "select 2"},
    ),
    "expect_select_column_values_to_be_unique_within_record": (
        {"column_list": ["id", "triple"]},
        {"column_list": ["id", "next_id"]},
    ),
    "expect_table_column_count_to_be_between": ({"min_value": 10, "max_value": 10}, {"min_value": 11}),
    "expect_table_column_count_to_equal": ({"value": 10}, {"value": 9}),
    "expect_table_columns_to_match_ordered_list": (
        {"column_list": _COLUMNS},
        {"column_list": _COLUMNS[::-1]},
    ),
    "expect_table_columns_to_match_set": ({"column_set": _COLUMNS[::-1]}, {"column_set": ["id"]}),
    "expect_table_row_count_to_be_between": ({"min_value": 4, "max_value": 4}, {"min_value": 5}),
    "expect_table_row_count_to_equal": ({"value": 4}, {"value": 9}),
    "expect_table_row_count_to_equal_other_table": (
        {"other_table_name": "probes.same_size"},
        {"other_table_name": "probes.other_size"},
    ),
    "unexpected_rows_expectation": (
        {"unexpected_rows_query": "select * from {batch} where id > 4"},
        {"unexpected_rows_query": "select * from {batch} where id > 3"},
    ),
}

# The same, by name, of the tests that are no expectations of Great Expectations' own.
OTHER_PROBES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "not_null": ({"column": "id"}, {"column": "code"}),
    "unique": ({"column": "id"}, {"column": "next_id"}),
    "accepted_values": (
        {"column": "is_open", "values": [True, False]},
        {"column": "id", "values": [1, 2]},
    ),
    "relationships": (
        {"column": "id", "to": "source('probes', 'same_size')", "field": "id"},
        {"column": "id", "to": "source('probes', 'other_size')", "field": "id"},
    ),
    "unique_combination_of_columns": (
        {"combination_of_columns": ["next_id", "id"]},
        {"combination_of_columns": ["next_id", "is_open"]},
    ),
    "expect_table_row_count_to_equal_other_table_times_factor": (
        {"compare_model": "source('probes', 'same_size')", "factor": 1},
        {"compare_model": "source('probes', 'same_size')", "factor": 2},
    ),
    "expect_table_aggregation_to_equal_other_table": (
        {"expression": "sum(id)", "compare_model": "source('probes', 'same_size')"},
        {"expression": "sum(id)", "compare_model": "source('probes', 'other_size')"},
    ),
    "expect_query_results_to_match_comparison": (
        {
            "base_query": "select id from {batch}",
            "comparison_query": "select id from {{ source('probes', 'same_size') }}",
        },
        {
            "base_query": "select id from {batch}",
            "comparison_query": "select id from {{ source('probes', 'other_size') }}",
        },
    ),
    "no_nulls": ({"column_list": ["id", "amount"]}, {"column_list": ["id", "code"]}),
}

# The newest row of PROBE_TABLE is of 4 January 2024; what is declared of it, at PROBE_AS_OF.
PROBE_AS_OF = "2024-01-05 00:00:00"
FRESHNESS_PROBES: tuple[dict[str, Any], dict[str, Any]] = (
    {"loaded_at_field": "seen_at", "freshness": {"error_after": {"count": 2, "period": "day"}}},
    {"loaded_at_field": "seen_at", "freshness": {"error_after": {"count": 2, "period": "hour"}}},
)

# What a query of one's own, in tests/, says of PROBE_TABLE.
SINGULAR_PROBES = (
    "select * from {{ source('probes', 'facts') }} where id > 4",
    "select * from {{ source('probes', 'facts') }} where id > 3",
)
