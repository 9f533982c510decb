"""The catalogue of expectations, and the arguments that tests take."""

import datetime as dt
from typing import Any, Literal

import pytest

from leadflow.quality.checking.expectation_queries import __name__ as queries_module
from leadflow.quality.checking.generic_tests import accepted_values
from leadflow.quality.checking.plans import NativeExpectation
from leadflow.quality.contract.arguments import argument_problems, in_own_spelling, specification
from leadflow.quality.contract.catalogue import load_catalogue

BETWEEN = "expect_column_values_to_be_between"


def test_catalogue_tells_how_each_expectation_runs():
    runs = {name: expectation.runs for name, expectation in load_catalogue().items()}
    assert len(runs) == 59
    assert runs[BETWEEN] == "native"
    assert runs["expect_column_values_to_match_regex"] == "as_query"
    unsupported = {name for name, how in runs.items() if how == "unsupported"}
    assert unsupported == {
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_match_json_schema",
        "expect_query_results_to_match_comparison",
    }
    for name in unsupported:
        assert load_catalogue()[name].reason


@pytest.mark.parametrize(
    ("name", "domain", "is_row_wise"),
    [
        (BETWEEN, "column", True),
        ("expect_column_mean_to_be_between", "column", False),
        ("expect_column_values_to_be_of_type", "column", False),
        ("expect_column_pair_values_to_be_equal", "pair", True),
        ("expect_compound_columns_to_be_unique", "multi", True),
        ("expect_table_row_count_to_equal", "table", False),
    ],
)
def test_catalogue_tells_what_is_judged(name, domain, is_row_wise):
    expectation = load_catalogue()[name]
    assert (expectation.domain, expectation.is_row_wise) == (domain, is_row_wise)
    assert expectation.description.endswith(".")


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"types": ["string"]}),
        (float | None, {"types": ["number"]}),
        (bool | dict, {"types": ["boolean"]}),
        (dict, {"types": ["object"]}),
        (list[str], {"types": ["array"], "items": {"types": ["string"]}}),
        (list[tuple[Any, Any]], {"types": ["array"], "items": {"types": ["array"]}}),
        (Literal["a", "b"] | dict, {"types": ["string"], "enum": ["a", "b"]}),
        (float | dt.date | dt.datetime, {"types": ["date", "number"]}),
        (Any, {"types": ["any"]}),
    ],
)
def test_specification_of_an_annotation(annotation, expected):
    assert specification(annotation, is_required=True) == expected | {"required": True}


@pytest.mark.parametrize(
    ("name", "given", "own"),
    [
        (
            BETWEEN,
            {"strictly": True, "min_value": 1},
            {"strict_min": True, "strict_max": True, "min_value": 1},
        ),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_a": "x", "COLUMN_B": "y"},
            {"column_A": "x", "column_B": "y"},
        ),
        ("expect_column_values_to_be_in_set", {"value_set": [1], "quote_values": False}, {"value_set": [1]}),
        ("expect_column_values_to_be_of_type", {"column_type": "date"}, {"type_": "date"}),
        ("expect_table_columns_to_match_set", {"column_list": ["a"]}, {"column_set": ["a"]}),
        ("expect_table_columns_to_match_ordered_list", {"column_list": ["a"]}, {"column_list": ["a"]}),
        (
            "expect_column_values_to_match_regex",
            {"regex": "a", "flags": "i", "is_raw": True},
            {"regex": "(?i)a"},
        ),
        (
            "expect_column_quantile_values_to_be_between",
            {"quantile": 0.9, "max_value": 5},
            {"quantile_ranges": {"quantiles": [0.9], "value_ranges": [[None, 5]]}},
        ),
    ],
)
def test_spelling_of_dbt_expectations(name, given, own):
    assert in_own_spelling(given, load_catalogue()[name].arguments) == own


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        (BETWEEN, {"min_value": 1}, None),
        (BETWEEN, {"min_value": "2024-01-01"}, None),
        (BETWEEN, {"max_value": dt.date(2024, 1, 1), "mostly": 1}, None),
        (BETWEEN, {"min_value": None, "max_value": 3}, None),
        (BETWEEN, {}, "has neither min_value nor max_value"),
        (BETWEEN, {"min_value": 3, "max_value": 1}, "has min_value 3 above max_value 1"),
        (BETWEEN, {"min_value": "low"}, "argument 'min_value' is 'low', not date or number"),
        (BETWEEN, {"min_value": True}, "argument 'min_value' is True, not date or number"),
        (BETWEEN, {"min_value": 1, "mostly": 95}, "argument 'mostly' is 95, beyond the maximum of 1"),
        (BETWEEN, {"min_value": 1, "mostly": -0.1}, "argument 'mostly' is -0.1, beyond the minimum of 0"),
        (BETWEEN, {"minvalue": 1, "max_value": 2}, "has no argument 'minvalue'"),
        ("expect_column_values_to_be_in_set", {}, "needs the argument 'value_set'"),
        ("expect_column_values_to_be_in_set", {"value_set": 1}, "argument 'value_set' is 1, not array"),
        ("expect_column_values_to_be_in_set", {"value_set": []}, "argument 'value_set' is an empty list"),
        (
            "expect_column_values_to_match_like_pattern_list",
            {"like_pattern_list": ["a", 1]},
            "argument 'like_pattern_list' holds an item that is 1, not string",
        ),
        (
            "expect_column_values_to_match_regex_list",
            {"regex_list": ["a"], "match_on": "some"},
            "argument 'match_on' is 'some', not one of any, all",
        ),
        (
            "expect_column_values_to_match_regex",
            {"regex": "a(?!b)"},
            "argument 'regex' 'a(?!b)' uses look-around or a back reference, which DuckDB cannot run",
        ),
        (
            "expect_column_values_to_not_match_regex",
            {"regex": "(a"},
            "argument 'regex' '(a' is not a regular expression (missing ), unterminated subpattern at position 0)",
        ),
        ("expect_table_row_count_to_equal", {"value": 1.5}, "argument 'value' is 1.5, not integer"),
    ],
)
def test_argument_problems(name, arguments, problem):
    found = [problem for _, problem, _ in argument_problems(arguments, load_catalogue()[name].arguments)]
    assert found == ([problem] if problem else [])


def test_every_as_query_expectation_has_its_function():
    import importlib

    functions = vars(importlib.import_module(queries_module))
    for name, expectation in load_catalogue().items():
        assert (name in functions) == (expectation.runs == "as_query")


def test_a_generic_test_is_an_expectation():
    assert accepted_values("batch", "status", values=["a"]) == NativeExpectation(
        "expect_column_values_to_be_in_set", {"column": "status", "value_set": ["a"]}
    )
