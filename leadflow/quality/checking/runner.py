"""Checking one table against its contract.

Belongs here: turning tests into plans, running them batch by batch, and what the outcomes mean. Does not belong here:
Great Expectations itself (expectations.py), sentences and samples (findings.py), and storing results.

`check_table` is what the Dagster checks and the command line call; it needs no Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow.errors import LeadflowError
from leadflow.quality.checking import expectation_queries
from leadflow.quality.checking.expectations import Outcome, QueryFailedError, Session, open_session
from leadflow.quality.checking.findings import Finding, counts_rows, error_result, found_result, is_row_wise
from leadflow.quality.checking.freshness import SOURCE_FRESHNESS, freshness_query
from leadflow.quality.checking.plans import FailingRowsQuery, NativeExpectation, Plan, plan_makers
from leadflow.quality.checking.results import CheckResult
from leadflow.quality.contract.catalogue import load_catalogue
from leadflow.quality.contract.macro_tests import macro_query
from leadflow.quality.contract.own_tests import own_tests
from leadflow.quality.contract.tables import COLUMNS_MATCH_CONTRACT, Table, Test
from leadflow.quality.sql_text import relation

if TYPE_CHECKING:
    import sqlalchemy as sa

# They judge the table's columns, so they also run where a column they name is missing.
_ABOUT_COLUMNS = {COLUMNS_MATCH_CONTRACT, "expect_column_to_exist"}


@dataclass(frozen=True)
class _Batch:
    """The rows that tests with the same `where` judge.

    Attributes:
        view: temporary view over them.
        counts: rows under None, values that are not null by column.
    """

    view: str
    counts: Mapping[str | None, int]


def check_table(
    engine: sa.Engine, table: Table, *, variables: Mapping[str, Any] | None = None, sample_rows: int = 5
) -> list[CheckResult]:
    """Run every test of a table's contract.

    Args:
        engine: SQLAlchemy engine on the warehouse, through duckdb-engine; read-only is enough.
        table: its contract.
        variables: what var() answers in a singular test; `as_of` is the moment that freshness is measured at.
        sample_rows: at most this many failing rows are fetched per test.

    Returns:
        One result per test of `table.checks`, in that order. A test that could not run has an error and blocks.
    """
    results: dict[str, CheckResult] = {}
    with open_session(engine) as session:
        for where, tests in _by_where(table.checks).items():
            results |= _check_batch(session, table, where, tests, variables or {}, sample_rows)
    return [results[test.check_name] for test in table.checks]


def _by_where(tests: Iterable[Test]) -> dict[str | None, list[Test]]:
    grouped: dict[str | None, list[Test]] = {}
    for test in tests:
        grouped.setdefault(test.where, []).append(test)
    return grouped


def _check_batch(
    session: Session,
    table: Table,
    where: str | None,
    tests: list[Test],
    variables: Mapping[str, Any],
    sample_rows: int,
) -> dict[str, CheckResult]:
    try:
        batch, runnable, errors = _open_batch(session, table, where, tests)
    except QueryFailedError as error:
        return {test.check_name: error_result(test, table, str(error)) for test in tests}
    results = {test.check_name: error_result(test, table, errors[test.check_name]) for test in tests
               if test.check_name in errors}  # fmt: skip
    native: dict[str, NativeExpectation] = {}
    queries: dict[str, FailingRowsQuery] = {}
    by_name = {test.check_name: test for test in runnable}
    for name, test in by_name.items():
        try:
            plan = plan_of(test, table, batch.view, variables)
        except LeadflowError as error:
            results[name] = error_result(test, table, str(error))
            continue
        if isinstance(plan, NativeExpectation):
            native[name] = plan
        else:
            queries[name] = plan
    found = _run_native(session, batch, native, by_name, sample_rows)
    found |= _run_queries(session, batch, queries, by_name, sample_rows)
    return results | {name: found_result(by_name[name], table, finding) for name, finding in found.items()}


def _open_batch(
    session: Session, table: Table, where: str | None, tests: list[Test]
) -> tuple[_Batch, list[Test], dict[str, str]]:
    """The batch, the tests that can run on it, and by check name why the others cannot."""
    condition = f" where {where}" if where else ""
    view = session.view(f"select * from {relation(table.full_name)}{condition}")
    present = {name.lower() for name in session.columns(view)}
    errors = {}
    for test in tests:
        missing = [name for name in test.columns if name.lower() not in present]
        if missing and test.test not in _ABOUT_COLUMNS:
            errors[test.check_name] = f"{table.full_name} has no column {missing[0]}"
    runnable = [test for test in tests if test.check_name not in errors]
    counted = {test.column for test in runnable if test.column and test.column.lower() in present}
    return _Batch(view, session.counts(view, sorted(counted))), runnable, errors


def plan_of(test: Test, table: Table, batch: str, variables: Mapping[str, Any] | None = None) -> Plan:
    """How a test runs on a batch, found by the test's name.

    Args:
        test: the test.
        table: the contract it is of.
        batch: the rows it judges.
        variables: see `check_table`.

    Raises:
        LeadflowError: its SQL cannot be rendered, or it needs a moment and there is none.
    """
    if test.test == COLUMNS_MATCH_CONTRACT:
        return expectation_queries.column_types_query(
            batch, {each.name: each.data_type for each in table.columns}
        )
    if test.singular is not None:
        return FailingRowsQuery(test.singular.rendered(variables).sql)
    if test.macro is not None:
        return macro_query(test.macro, batch, test.column, test.arguments)
    if test.test == SOURCE_FRESHNESS:
        return freshness_query(batch, test.column, test.arguments, variables or {})
    subject = (batch,) if test.column is None else (batch, test.column)
    own = own_tests().get(test.test)
    if own is not None:
        return own.make_plan(*subject, **test.arguments)
    arguments = dict(test.arguments)
    if load_catalogue()[test.test].runs == "as_query":
        mostly = arguments.pop("mostly", 1.0)
        plan = plan_makers(expectation_queries)[test.test](*subject, **arguments)
        assert isinstance(plan, FailingRowsQuery)
        return FailingRowsQuery(plan.sql, mostly)
    return NativeExpectation(test.test, arguments | ({"column": test.column} if test.column else {}))


def _run_native(
    session: Session,
    batch: _Batch,
    expectations: Mapping[str, NativeExpectation],
    tests: Mapping[str, Test],
    sample_rows: int,
) -> dict[str, Finding]:
    """Findings of expectations that Great Expectations runs itself.

    Passed or not comes first, which costs a few shared queries for all of them. Only what failed, or may hold
    tolerated failures, is asked again for its counts and rows, which costs queries of its own.
    """
    outcomes = session.validate(batch.view, expectations, {"result_format": "BOOLEAN_ONLY"})
    unclear = {
        name: expectation
        for name, expectation in expectations.items()
        if outcomes[name].error is None
        and (not outcomes[name].is_passed or expectation.arguments.get("mostly", 1) < 1)
    }
    detailed = {
        "result_format": "BASIC",
        "include_unexpected_rows": True,
        "partial_unexpected_count": sample_rows,
    }
    outcomes |= session.validate(batch.view, unclear, detailed)
    return {name: _native_finding(outcome, tests[name], batch) for name, outcome in outcomes.items()}


def _native_finding(outcome: Outcome, test: Test, batch: _Batch) -> Finding:
    details = outcome.details
    return Finding(
        is_passed=outcome.is_passed,
        checked_rows=_checked_rows(test, batch),
        failing_rows=int(details.get("unexpected_count") or 0) if is_row_wise(test) else None,
        rows=list(details.get("unexpected_rows") or ()),
        observed=details.get("observed_value"),
        error=outcome.error,
    )


def _run_queries(
    session: Session,
    batch: _Batch,
    queries: Mapping[str, FailingRowsQuery],
    tests: Mapping[str, Test],
    sample_rows: int,
) -> dict[str, Finding]:
    """Findings of queries for failing rows, each judged as an UnexpectedRowsExpectation."""
    views: dict[str, str] = {}
    findings: dict[str, Finding] = {}
    expectations: dict[str, NativeExpectation] = {}
    for name, query in queries.items():
        checked_rows = _checked_rows(tests[name], batch)
        try:
            views[name] = session.view(query.sql)
        except QueryFailedError as error:
            findings[name] = Finding(False, checked_rows, None, [], error=str(error))
            continue
        tolerance = ""
        if query.mostly < 1 and checked_rows:
            share = f"({checked_rows} - (select count(*) from {views[name]})) / {checked_rows}"
            tolerance = f" where {share} < {query.mostly!r}"
        # Great Expectations looks for {batch} in the query; the view stands for it already.
        bounded = (
            f"select * from {views[name]}{tolerance} limit {sample_rows} /* failing rows of {{batch}} */"
        )
        expectations[name] = NativeExpectation(
            "unexpected_rows_expectation", {"unexpected_rows_query": bounded}
        )
    outcomes = session.validate(batch.view, expectations, {"result_format": "COMPLETE"})
    for name, outcome in outcomes.items():
        is_clear = outcome.error is not None or (outcome.is_passed and queries[name].mostly >= 1)
        try:
            failing_rows = 0 if is_clear else session.counts(views[name], [])[None]
        except QueryFailedError as error:  # on a row beyond the few that were fetched
            findings[name] = Finding(False, _checked_rows(tests[name], batch), None, [], error=str(error))
            continue
        rows = (outcome.details.get("details") or {}).get("unexpected_rows") or []
        findings[name] = Finding(
            is_passed=outcome.is_passed,
            checked_rows=_checked_rows(tests[name], batch),
            failing_rows=failing_rows if counts_rows(tests[name]) else None,
            rows=list(rows),
            error=outcome.error,
        )
    return findings


def _checked_rows(test: Test, batch: _Batch) -> int:
    """Rows that a test judges: where it is about a column's values, nulls are not."""
    judges_nulls = test.macro is not None or test.test in {
        "not_null",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_null",
    }
    column = test.column if is_row_wise(test) and not judges_nulls else None
    return batch.counts.get(column, batch.counts[None])
