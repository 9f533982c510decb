"""The rows that fail a test, as a query, for tests whose rows can be told apart.

Belongs here: queries for the expectations that Great Expectations judges itself, so that their failing rows can be
moved (warehouse/quarantine.py) and not only counted; one function per expectation, found by its name, as in
expectation_queries.py. They judge exactly as Great Expectations does: a test holds them to it on the same rows. Does
not belong here: how a check runs (runner.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from leadflow.quality.checking.findings import is_row_wise
from leadflow.quality.checking.plans import FailingRowsQuery, Plan, plan_makers
from leadflow.quality.contract.catalogue import load_catalogue
from leadflow.quality.contract.tables import Table, Test
from leadflow.quality.sql_text import identifier, literal, literals

PairIgnored = Literal["both_values_are_missing", "either_value_is_missing", "neither"]
RowIgnored = Literal["all_values_are_missing", "any_value_is_missing", "never"]


def failing_rows_query(test: Test, table: Table, batch: str) -> str:
    """SQL that returns the rows of `batch` which fail a test, all their columns and whatever else `batch` has.

    Args:
        test: a test of `table` for which `cannot_quarantine` gives no reason.
        table: its contract.
        batch: a relation in DuckDB with the table's columns, restricted to the rows that the test judges.

    Raises:
        ContractError: a test of the project's own cannot be rendered.
    """
    from leadflow.quality.checking.runner import plan_of

    plan = plan_of(test, table, batch)
    if not isinstance(plan, FailingRowsQuery):
        arguments = {
            name: value for name, value in plan.arguments.items() if name not in ("column", "mostly")
        }
        column = plan.arguments.get("column")
        subject = (batch,) if column is None else (batch, column)
        plan = plan_makers(_own_module())[plan.name](*subject, **arguments)
        assert isinstance(plan, FailingRowsQuery)
    return plan.sql


def cannot_quarantine(test: Test) -> str | None:
    """Why the failing rows of a test cannot be set aside, as the end of a sentence, or None where they can."""
    expectation = load_catalogue().get(test.test)
    if not is_row_wise(test):
        return "judges the column or table as a whole, so no row is to blame"
    if expectation and expectation.runs == "native" and test.test not in plan_makers(_own_module()):
        return "is judged by Great Expectations alone, which cannot tell the rows apart"
    if test.arguments.get("mostly", 1) != 1:
        return "lets rows fail by `mostly`, so none has to be set aside"
    return None


def expect_column_values_to_not_be_null(batch: str, column: str) -> Plan:
    """Rows without a value."""
    return _failing(batch, f"{identifier(column)} is null")


def expect_column_values_to_be_null(batch: str, column: str) -> Plan:
    """Rows with a value."""
    return _failing(batch, f"{identifier(column)} is not null")


def expect_column_values_to_be_unique(batch: str, column: str) -> Plan:
    """Every row whose value another row has too: which of them is right cannot be told."""
    return _doubled(batch, [column], f"{identifier(column)} is not null")


def expect_column_values_to_be_in_set(batch: str, column: str, *, value_set: list[Any]) -> Plan:
    """Rows whose value is none of the set."""
    return _failing(batch, _outside(identifier(column), value_set))


def expect_column_values_to_not_be_in_set(batch: str, column: str, *, value_set: list[Any]) -> Plan:
    """Rows whose value is one of the set."""
    return _failing(batch, f"{identifier(column)} in ({literals(value_set)})" if value_set else "false")


def expect_column_values_to_be_between(
    batch: str,
    column: str,
    *,
    min_value: float | dt.date | str | None = None,
    max_value: float | dt.date | str | None = None,
    strict_min: bool = False,
    strict_max: bool = False,
) -> Plan:
    """Rows whose value is below or above the bounds."""
    return _failing(batch, _beyond(identifier(column), min_value, max_value, strict_min, strict_max))


def expect_column_value_lengths_to_be_between(
    batch: str,
    column: str,
    *,
    min_value: int | None = None,
    max_value: int | None = None,
    strict_min: bool = False,
    strict_max: bool = False,
) -> Plan:
    """Rows whose text is shorter or longer than the bounds."""
    length = f"length({identifier(column)})"
    return _failing(batch, _beyond(length, min_value, max_value, strict_min, strict_max))


def expect_column_value_lengths_to_equal(batch: str, column: str, *, value: int) -> Plan:
    """Rows whose text is of another length."""
    return _failing(batch, f"length({identifier(column)}) <> {literal(value)}")


def expect_column_pair_values_to_be_equal(
    batch: str,
    *,
    column_A: str,  # noqa: N803 - as Great Expectations spells it
    column_B: str,  # noqa: N803 - as Great Expectations spells it
    ignore_row_if: PairIgnored = "both_values_are_missing",
) -> Plan:
    """Rows whose two values differ; one that is missing differs from any."""
    a, b = identifier(column_A), identifier(column_B)
    return _failing(batch, f"{_pair_counts(a, b, ignore_row_if)} and ({a} = {b}) is not true")


def expect_column_pair_values_a_to_be_greater_than_b(
    batch: str,
    *,
    column_A: str,  # noqa: N803 - as Great Expectations spells it
    column_B: str,  # noqa: N803 - as Great Expectations spells it
    or_equal: bool | None = None,
    ignore_row_if: PairIgnored = "both_values_are_missing",
) -> Plan:
    """Rows whose first value is not greater than the second."""
    a, b = identifier(column_A), identifier(column_B)
    return _failing(batch, f"{_pair_counts(a, b, ignore_row_if)} and {a} {'<' if or_equal else '<='} {b}")


def expect_compound_columns_to_be_unique(
    batch: str, *, column_list: list[str], ignore_row_if: RowIgnored = "all_values_are_missing"
) -> Plan:
    """Every row whose values, together, another row has too; with a missing one among them a row is like no other."""
    return _doubled(
        batch, column_list, " and ".join(f"{identifier(name)} is not null" for name in column_list)
    )


def _own_module() -> Any:
    import sys

    return sys.modules[__name__]


def _failing(batch: str, condition: str) -> FailingRowsQuery:
    return FailingRowsQuery(f"select * from {batch} where {condition}")


def _doubled(batch: str, columns: Sequence[str], condition: str) -> FailingRowsQuery:
    keys = ", ".join(map(identifier, columns))
    return FailingRowsQuery(
        f"select * from {batch} where {condition} qualify count(*) over (partition by {keys}) > 1"
    )


def _outside(expression: str, value_set: Sequence[Any]) -> str:
    known = [value for value in value_set if value is not None]
    listed = f"{expression} not in ({literals(known)})" if known else "true"
    return f"{expression} is not null and {listed}"


def _beyond(expression: str, low: Any, high: Any, is_low_out: bool, is_high_out: bool) -> str:
    parts = []
    if low is not None:
        parts.append(f"{expression} {'<=' if is_low_out else '<'} {literal(low)}")
    if high is not None:
        parts.append(f"{expression} {'>=' if is_high_out else '>'} {literal(high)}")
    return f"({' or '.join(parts)})" if parts else "false"


def _pair_counts(a: str, b: str, ignore_row_if: PairIgnored) -> str:
    """Which rows are judged."""
    joined = {"both_values_are_missing": "or", "either_value_is_missing": "and"}.get(ignore_row_if)
    return f"({a} is not null {joined} {b} is not null)" if joined else "true"
