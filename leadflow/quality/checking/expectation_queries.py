"""Expectations that Great Expectations cannot run on DuckDB, as queries for the failing rows.

Belongs here: one function per expectation, found by its name. The positional parameters are the subject (the batch,
a relation in DuckDB, and the column where the expectation has one); the keyword-only ones are the arguments it
takes here. Nulls pass, as they do in Great Expectations. Does not belong here: `mostly` and `where`, which the
runner adds to every query.
"""

from __future__ import annotations

from typing import Literal

from leadflow.quality.checking.plans import FailingRowsQuery, Plan
from leadflow.quality.checking.table_comparisons import (
    expect_table_row_count_to_equal_other_table_times_factor,
)
from leadflow.quality.sql_text import identifier, literal


def expect_column_values_to_match_regex(batch: str, column: str, *, regex: str) -> Plan:
    """Each text contains a match of `regex` (RE2 syntax)."""
    return _failing(batch, f"not {_matches(column, regex)}")


def expect_column_values_to_not_match_regex(batch: str, column: str, *, regex: str) -> Plan:
    """No text contains a match of `regex` (RE2 syntax)."""
    return _failing(batch, _matches(column, regex))


def expect_column_values_to_match_regex_list(
    batch: str, column: str, *, regex_list: list[str], match_on: Literal["any", "all"] = "any"
) -> Plan:
    """Each text contains a match of any, or of all, of the regular expressions."""
    return _failing(batch, f"not ({_joined([_matches(column, regex) for regex in regex_list], match_on)})")


def expect_column_values_to_not_match_regex_list(
    batch: str, column: str, *, regex_list: list[str], match_on: Literal["any", "all"] = "any"
) -> Plan:
    """No text contains a match of any, or of all, of the regular expressions."""
    return _failing(batch, _joined([_matches(column, regex) for regex in regex_list], match_on))


def expect_column_values_to_match_like_pattern(
    batch: str, column: str, *, like_pattern: str, escape: str | None = None
) -> Plan:
    """Each text is like the pattern."""
    return _failing(batch, f"not ({_like(column, like_pattern, escape)})")


def expect_column_values_to_not_match_like_pattern(
    batch: str, column: str, *, like_pattern: str, escape: str | None = None
) -> Plan:
    """No text is like the pattern."""
    return _failing(batch, _like(column, like_pattern, escape))


def expect_column_values_to_match_like_pattern_list(
    batch: str,
    column: str,
    *,
    like_pattern_list: list[str],
    match_on: Literal["any", "all"] = "any",
    escape: str | None = None,
) -> Plan:
    """Each text is like any, or like all, of the patterns."""
    patterns = [_like(column, pattern, escape) for pattern in like_pattern_list]
    return _failing(batch, f"not ({_joined(patterns, match_on)})")


def expect_column_values_to_not_match_like_pattern_list(
    batch: str,
    column: str,
    *,
    like_pattern_list: list[str],
    match_on: Literal["any", "all"] = "any",
    escape: str | None = None,
) -> Plan:
    """No text is like any, or like all, of the patterns."""
    return _failing(
        batch, _joined([_like(column, pattern, escape) for pattern in like_pattern_list], match_on)
    )


def expect_column_values_to_match_strftime_format(batch: str, column: str, *, strftime_format: str) -> Plan:
    """Each text is a moment in the strftime format."""
    parsed = f"try_strptime(cast({identifier(column)} as varchar), {literal(strftime_format)})"
    return _failing(batch, f"{identifier(column)} is not null and {parsed} is null")


def expect_column_values_to_be_json_parseable(batch: str, column: str) -> Plan:
    """Each text is valid JSON."""
    return _failing(batch, f"not json_valid(cast({identifier(column)} as varchar))")


def expect_column_values_to_be_increasing(
    batch: str, column: str, *, sort_column: str, strictly: bool = False
) -> Plan:
    """Each value is at least (strictly: more than) the one before it in the order of `sort_column`."""
    return _failing_steps(batch, column, sort_column, "<=" if strictly else "<")


def expect_column_values_to_be_decreasing(
    batch: str, column: str, *, sort_column: str, strictly: bool = False
) -> Plan:
    """Each value is at most (strictly: less than) the one before it in the order of `sort_column`."""
    return _failing_steps(batch, column, sort_column, ">=" if strictly else ">")


def expect_column_values_to_not_be_outliers(
    batch: str, column: str, *, method: Literal["iqr", "std"] = "iqr", multiplier: float = 1.5
) -> Plan:
    """Each value lies within `multiplier` interquartile ranges of the quartiles, or deviations of the mean."""
    name, times = identifier(column), literal(multiplier)
    if method == "std":
        # As in Great Expectations a value at the threshold is an outlier, unless nothing varies.
        moments = f"select avg({name}) as mean, {times} * stddev_samp({name}) as width from {batch}"
        outside = f"abs({name} - mean) >= width and not ({name} = mean and width = 0)"
    else:
        # Tukey's fences: a value on the fence is inside.
        quartiles = (
            f"select quantile_cont({name}, 0.25) as low, quantile_cont({name}, 0.75) as high from {batch}"
        )
        moments = f"select low, high, {times} * (high - low) as width from ({quartiles})"
        outside = f"{name} < low - width or {name} > high + width"
    return FailingRowsQuery(f"select batch.* from {batch} as batch, ({moments}) as spread where {outside}")


def expect_column_values_to_be_of_type(batch: str, column: str, *, type_: str) -> Plan:
    """The column has the DuckDB type."""
    return _failing_type(batch, column, [type_])


def expect_column_type_to_be(batch: str, column: str, *, type_: str) -> Plan:
    """The column has the DuckDB type."""
    return _failing_type(batch, column, [type_])


def expect_column_values_to_be_in_type_list(batch: str, column: str, *, type_list: list[str]) -> Plan:
    """The column has one of the DuckDB types."""
    return _failing_type(batch, column, type_list)


def expect_table_row_count_to_equal_other_table(
    batch: str,
    *,
    other_table_name: str,
    factor: float = 1.0,
    group_by: list[str] | None = None,
    compare_group_by: list[str] | None = None,
    compare_row_condition: str | None = None,
) -> Plan:
    """The table has `factor` times as many rows as the other table (as schema.name), in each group where it is grouped."""
    return expect_table_row_count_to_equal_other_table_times_factor(
        batch,
        other_table_name=other_table_name,
        factor=factor,
        group_by=group_by,
        compare_group_by=compare_group_by,
        compare_row_condition=compare_row_condition,
    )


def unexpected_rows_expectation(batch: str, *, unexpected_rows_query: str) -> Plan:
    """The query, in which {batch} stands for the table, returns no rows."""
    return FailingRowsQuery(unexpected_rows_query.strip().rstrip(";").replace("{batch}", batch))


def column_types_query(batch: str, expected: dict[str, str]) -> FailingRowsQuery:
    """One row (column_name, expected_type, actual_type) per column whose presence or type is not as expected.

    Args:
        batch: name of the view over it.
        expected: DuckDB type, in any spelling, by column name.
    """
    declared = ", ".join(
        f"({literal(name)}, typeof(cast(null as {kind})))" for name, kind in expected.items()
    )
    return FailingRowsQuery(
        f"with expected (column_name, expected_type) as (values {declared}), "
        f"actual as (select column_name, data_type as actual_type from duckdb_columns() "
        f"where table_name = {literal(batch)}) "
        f"select coalesce(expected.column_name, actual.column_name) as column_name, expected_type, actual_type "
        f"from expected full join actual on lower(expected.column_name) = lower(actual.column_name) "
        f"where expected_type is distinct from actual_type order by column_name"
    )


def _failing(batch: str, condition: str) -> FailingRowsQuery:
    return FailingRowsQuery(f"select * from {batch} where {condition}")


def _failing_steps(batch: str, column: str, sort_column: str, wrong: str) -> FailingRowsQuery:
    name = identifier(column)
    steps = (
        f"select *, lag({name}) over (order by {identifier(sort_column)}) as previous_value "
        f"from {batch} where {name} is not null"
    )
    return FailingRowsQuery(f"select * from ({steps}) where {name} {wrong} previous_value")


def _failing_type(batch: str, column: str, types: list[str]) -> FailingRowsQuery:
    allowed = ", ".join(f"typeof(cast(null as {kind}))" for kind in types)
    return FailingRowsQuery(
        f"select column_name, {literal(' or '.join(types))} as expected_type, data_type as actual_type "
        f"from duckdb_columns() where table_name = {literal(batch)} "
        f"and lower(column_name) = lower({literal(column)}) and data_type not in ({allowed})"
    )


def _matches(column: str, regex: str) -> str:
    return f"regexp_matches(cast({identifier(column)} as varchar), {literal(regex)})"


def _like(column: str, pattern: str, escape: str | None) -> str:
    suffix = "" if escape is None else f" escape {literal(escape)}"
    return f"cast({identifier(column)} as varchar) like {literal(pattern)}{suffix}"


def _joined(conditions: list[str], match_on: str) -> str:
    return (" or " if match_on == "any" else " and ").join(f"({condition})" for condition in conditions)
