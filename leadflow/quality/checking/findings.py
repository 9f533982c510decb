"""What a run found, for a person: counts, a sentence, and a few failing rows with personal data masked.

Belongs here: turning a finding into a CheckResult. Does not belong here: finding it (runner.py), and how a value is
masked (quality/masking.py).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadflow.quality.checking.freshness import SOURCE_FRESHNESS, freshness_message, freshness_verdict
from leadflow.quality.checking.results import CheckResult
from leadflow.quality.contract.catalogue import load_catalogue
from leadflow.quality.contract.own_tests import own_tests
from leadflow.quality.contract.singular_tests import SingularTest
from leadflow.quality.contract.tables import COLUMNS_MATCH_CONTRACT, Table, Test
from leadflow.quality.contract.thresholds import ANY_ROW, Verdict, judge
from leadflow.quality.masking import HIDDEN, mask

_LONGEST_ERROR = 500
_MOST_NAMED_DIFFERENCES = 5
# It stacks rows of two queries, under the names of the first.
_MIXING = {"expect_query_results_to_match_comparison"}
# Great Expectations and SQLAlchemy wrap DuckDB's own sentence in these.
_WRAPPING = re.compile(r"\(_?duckdb\.\w+\) |\n\s*\[SQL:.*|\n\s*\(Background on.*", re.DOTALL)
_QUOTED_VALUE = re.compile(r"'[^']*'")


@dataclass(frozen=True)
class Finding:
    """What running one test gave.

    Attributes:
        is_passed: Great Expectations' verdict.
        checked_rows: rows that were judged.
        failing_rows: rows that do not fit, tolerated ones too; None where no number of rows says it.
        rows: some of them as they are, personal data in clear.
        observed: what was observed of the column or table as a whole.
        error: why the test could not run.
    """

    is_passed: bool
    checked_rows: int
    failing_rows: int | None
    rows: list[Mapping[str, Any]]
    observed: Any = None
    error: str | None = None


def is_row_wise(test: Test) -> bool:
    """Whether single rows of the table fail the test, rather than its column, the table or several tables as a whole."""
    if test.singular is not None or test.test == SOURCE_FRESHNESS:
        return False
    own = own_tests().get(test.test)
    if own is not None and test.macro is None:
        return own.is_row_wise
    expectation = load_catalogue().get(test.test)
    return test.macro is not None or expectation is None or expectation.is_row_wise


def counts_rows(test: Test) -> bool:
    """Whether a failure has a number: of the table's rows, or of those that a query of its own returns."""
    return is_row_wise(test) or test.singular is not None


def error_result(test: Test, table: Table, error: str) -> CheckResult:
    """The result of a test that could not run; it blocks whatever its severity: nothing is known of the data."""
    reason = _told_error(error, table)
    return CheckResult(
        check_name=test.check_name,
        test=test.test,
        column=test.column,
        severity=test.severity,
        is_blocking=True,
        is_passed=False,
        checked_rows=0,
        failing_rows=None,
        failing_share=None,
        sample=[],
        message=f"{test.check_name} of {table.full_name} could not run: {reason}",
        error=reason,
    )


def found_result(test: Test, table: Table, finding: Finding) -> CheckResult:
    """The result of a test that ran, or tried to."""
    if finding.error is not None:
        return error_result(test, table, finding.error)
    failing, checked = finding.failing_rows, finding.checked_rows
    if test.test == COLUMNS_MATCH_CONTRACT:
        added = sum(1 for row in finding.rows if row["expected_type"] is None)
        checked = len(table.columns) + added
    is_cut = test.limit is not None and failing is not None and failing >= test.limit
    if is_cut:
        failing = test.limit
    verdict = _verdict(test, finding, failing, checked)
    is_share_known = failing is not None and checked > 0 and is_row_wise(test) and not is_cut
    return CheckResult(
        check_name=test.check_name,
        test=test.test,
        column=test.column,
        severity="warn" if verdict == "warn" else test.severity,
        is_blocking=test.is_blocking and verdict != "warn",
        is_passed=verdict == "pass",
        checked_rows=checked,
        failing_rows=failing,
        failing_share=min(1.0, (failing or 0) / checked) if is_share_known else None,
        sample=[_sample_row(row, test, table) for row in finding.rows],
        message=_message(test, table, finding, failing, checked, verdict),
    )


def _verdict(test: Test, finding: Finding, failing: int | None, checked: int) -> Verdict:
    """What the test says: by its thresholds where it has any, else by whether it passed."""
    if test.test == SOURCE_FRESHNESS and not finding.is_passed:
        return freshness_verdict(finding.rows[0])
    if test.warn_if is None and test.error_if is None:
        return "pass" if finding.is_passed else test.severity
    # A test that no single row fails is one failing result for dbt, or none.
    counted = failing if failing is not None else int(not finding.is_passed)
    return judge(counted, checked, severity=test.severity, warn_if=test.warn_if, error_if=test.error_if)


def _message(
    test: Test, table: Table, finding: Finding, failing: int | None, checked: int, verdict: Verdict
) -> str:
    subject = " and ".join(test.columns) or table.full_name
    scope = f" where {test.where}" if test.where else ""
    if test.test == COLUMNS_MATCH_CONTRACT:
        return _columns_message(table, finding)
    if test.test == SOURCE_FRESHNESS:
        row = None if finding.is_passed else finding.rows[0]
        return freshness_message(table.full_name, test.column, test.arguments, row)
    judged = _judged(test, verdict, failing if failing is not None else int(not finding.is_passed))
    at_least = "at least " if failing is not None and failing == test.limit else ""
    if test.singular is not None:
        returned = f"{at_least}{failing} {'row' if failing == 1 else 'rows'}" if failing else "no row"
        return f"{test.test} returns {returned}{judged}"
    if failing is None:
        passes = "passes" if finding.is_passed else "fails"
        observed = (
            "" if finding.observed is None else f": observed {_told_value(finding.observed, test, table)}"
        )
        if not observed and finding.rows:
            row = _sample_row(finding.rows[0], test, table)
            observed = f": {', '.join(f'{name} {value}' for name, value in row.items())}"
        return f"{subject} {passes} {_called(test)}{scope}{observed}{judged}"
    rows = f"{at_least}{failing} of {checked} {'row' if checked == 1 else 'rows'}{scope}"
    tolerated = f", within mostly {test.arguments['mostly']}" if finding.is_passed and failing else ""
    return f"{subject} {_failing_phrase(test)} in {rows}{tolerated}{judged}"


def _judged(test: Test, verdict: Verdict, failing: int) -> str:
    """By which threshold the verdict is, where the test has any and there is something to judge."""
    if test.warn_if is None and test.error_if is None:
        return ""
    if verdict == "error":
        return f", error_if {(test.error_if or ANY_ROW).text}"
    if verdict == "warn":
        return f", warn_if {(test.warn_if or ANY_ROW).text}"
    named = (("warn_if", test.warn_if), ("error_if", test.error_if))
    given = [f"{name} {threshold.text}" for name, threshold in named if threshold is not None]
    return f", not {' and not '.join(given)}" if failing else ""


def _failing_phrase(test: Test) -> str:
    if test.test in ("not_null", "expect_column_values_to_not_be_null"):
        return "is null"
    if test.test in ("unique", "expect_column_values_to_be_unique"):
        return "is not unique"
    if test.test == "accepted_values":
        return f"is none of {', '.join(map(str, test.arguments['values']))}"
    if test.test == "relationships":
        return f"is missing from {test.arguments['to']}.{test.arguments['field']}"
    if test.test in ("expect_compound_columns_to_be_unique", "unique_combination_of_columns"):
        return "together are not unique"
    return f"fails {_called(test)}"


def _called(test: Test) -> str:
    """The test's name with those of its arguments that are not columns."""
    told = {
        name: value
        for name, value in test.arguments.items()
        if name not in ("column_A", "column_B", "column_list", "sort_column")
    }
    return test.test + (f" ({', '.join(f'{name} {value}' for name, value in told.items())})" if told else "")


def _columns_message(table: Table, finding: Finding) -> str:
    if finding.is_passed:
        return f"{table.full_name} has the {len(table.columns)} columns of its contract"
    told = [
        f"{row['column_name']} is {row['actual_type'] or 'missing'}, not {row['expected_type'] or 'expected'}"
        for row in finding.rows[:_MOST_NAMED_DIFFERENCES]
    ]
    more = (finding.failing_rows or 0) - len(told)
    return f"{table.full_name} differs from its contract: {'; '.join(told)}{f' and {more} more' if more > 0 else ''}"


def _told_value(value: Any, test: Test, table: Table) -> str:
    """An observed value, hidden where it may show personal data."""
    is_number = isinstance(value, int | float)
    if not is_number and any(name.lower() in table.pii_columns for name in test.columns):
        return HIDDEN
    return str(plain(value))


def _told_error(error: str, table: Table) -> str:
    """The first paragraph of an error, without the values it may quote from a table with personal data."""
    text = " ".join(_WRAPPING.sub("", error).strip().split("\n\n")[0].split())
    if table.pii_columns:
        text = _QUOTED_VALUE.sub(f"'{HIDDEN}'", text)
    return text[:_LONGEST_ERROR]


def _sample_row(row: Mapping[str, Any], test: Test, table: Table) -> dict[str, Any]:
    """A failing row: its natural key, the tested columns, and what the test itself computed."""
    if test.singular is not None:
        return {name: _singular_value(name, value, test.singular) for name, value in row.items()}
    if test.test in (COLUMNS_MATCH_CONTRACT, SOURCE_FRESHNESS) or (test.column and not is_row_wise(test)):
        return {name: plain(value) for name, value in row.items()}  # about types or moments, not about values
    if not is_row_wise(test):
        return {name: _shown_value(name, value, test, table) for name, value in row.items()}
    wanted = {name.lower() for name in (*table.natural_key, *test.columns)}
    shown = {
        name: value for name, value in row.items() if name.lower() in wanted or table.column(name) is None
    }
    return {name: _shown_value(name, value, test, table) for name, value in (shown or row).items()}


def _singular_value(name: str, value: Any, singular: SingularTest) -> Any:
    """A value of a query of its own: by the name of the column it may come from in any table that is read."""
    if name.lower() in singular.pii_columns:
        return mask(value, name)
    is_known = name.lower() in singular.shown_columns or not isinstance(value, str)
    return plain(value) if is_known or not singular.pii_columns else HIDDEN


def _shown_value(name: str, value: Any, test: Test, table: Table) -> Any:
    column = table.column(name)
    is_own = is_row_wise(test)  # else a column of that name may hold another table's values
    if (column is not None and column.is_pii) or (not is_own and name.lower() in test.pii_elsewhere):
        return mask(value, name)
    if column is not None and (is_own or not test.pii_elsewhere or test.test not in _MIXING):
        return plain(value)
    # A value the test computed may have been made from personal data.
    is_about_pii = any(tested.lower() in table.pii_columns for tested in test.columns)
    is_told = value is None or isinstance(value, bool) or not (is_about_pii or isinstance(value, str))
    return plain(value) if is_told or not (table.pii_columns or test.pii_elsewhere) else HIDDEN


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return plain(value.item()) if hasattr(value, "item") else str(value)
