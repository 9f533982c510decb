"""The queries for failing rows find as many rows as Great Expectations counts on the same data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from leadflow.quality.checking import row_queries
from leadflow.quality.checking.expectations import Session, open_session
from leadflow.quality.checking.plans import FailingRowsQuery, NativeExpectation, plan_makers

if TYPE_CHECKING:
    import sqlalchemy as sa

ROWS = (
    "select * from (values (1, 1, 'x'), (1, 1, 'xx'), (2, null, 'xxx'), (2, null, null), (null, null, 'y'), "
    "(null, null, 'y'), (null, 3, 'é'), (3, 2, ''), (2, 3, '')) facts (a, b, text)"
)
PAIRS: list[dict[str, Any]] = [
    {},
    {"ignore_row_if": "both_values_are_missing"},
    {"ignore_row_if": "either_value_is_missing"},
    {"ignore_row_if": "neither"},
]
COMPOUNDS: list[dict[str, Any]] = [
    {},
    {"ignore_row_if": "all_values_are_missing"},
    {"ignore_row_if": "any_value_is_missing"},
    {"ignore_row_if": "never"},
]
CASES: dict[str, list[dict[str, Any]]] = {
    "expect_column_values_to_not_be_null": [{"column": "a"}, {"column": "text"}],
    "expect_column_values_to_be_null": [{"column": "a"}],
    "expect_column_values_to_be_unique": [{"column": "a"}, {"column": "text"}],
    "expect_column_values_to_be_in_set": [
        {"column": "a", "value_set": [1, 2]},
        {"column": "text", "value_set": ["x", None]},
        {"column": "a", "value_set": []},
    ],
    "expect_column_values_to_not_be_in_set": [
        {"column": "a", "value_set": [1, 2]},
        {"column": "text", "value_set": ["x"]},
        {"column": "text", "value_set": []},
    ],
    "expect_column_values_to_be_between": [
        {"column": "a", "min_value": 2},
        {"column": "a", "max_value": 2, "strict_max": True},
        {"column": "a", "min_value": 1, "max_value": 2, "strict_min": True},
    ],
    "expect_column_value_lengths_to_be_between": [
        {"column": "text", "min_value": 2},
        {"column": "text", "max_value": 2, "strict_max": True},
    ],
    "expect_column_value_lengths_to_equal": [{"column": "text", "value": 1}],
    "expect_column_pair_values_to_be_equal": [{"column_A": "a", "column_B": "b", **pair} for pair in PAIRS],
    "expect_column_pair_values_a_to_be_greater_than_b": [
        {"column_A": "a", "column_B": "b", "or_equal": or_equal, **pair}
        for or_equal in (None, True, False)
        for pair in PAIRS
    ],
    "expect_compound_columns_to_be_unique": [
        {"column_list": ["a", "b"], **compound} for compound in COMPOUNDS
    ],
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """A session on a table whose columns hold duplicates, nulls and empty texts."""
    import sqlalchemy as sa

    engine: sa.Engine = sa.create_engine("duckdb:///:memory:", poolclass=sa.pool.StaticPool)
    with open_session(engine) as opened:
        yield opened
    engine.dispose()


def test_every_query_has_cases():
    assert CASES.keys() == plan_makers(row_queries).keys()


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, case) for name, cases in CASES.items() for case in cases]
)
def test_as_many_rows_fail_as_great_expectations_counts(session, name, arguments):
    view = session.view(ROWS)
    outcome = session.validate(view, {name: NativeExpectation(name, arguments)}, {"result_format": "BASIC"})[
        name
    ]
    given = dict(arguments)
    subject = (view, given.pop("column")) if "column" in given else (view,)
    plan = plan_makers(row_queries)[name](*subject, **given)
    assert isinstance(plan, FailingRowsQuery)
    assert outcome.error is None
    assert session.counts(f"({plan.sql})", [])[None] == outcome.details["unexpected_count"]
