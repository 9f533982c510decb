"""What a check found.

Belongs here: the result of one test and the rows of `quality.results`. Does not belong here: running tests
(runner.py) and writing tables (warehouse/).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadflow.quality.contract.tables import Severity, Test

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class CheckResult:
    """The result of one test on one table.

    Attributes:
        check_name: as in the contract.
        test: the test's name.
        column: the tested column, or None.
        severity: error or warn: of the test, or warn where an error test found no more than its warn_if.
        is_blocking: whether this result, where it is a failure, stops what depends on the table; not where only warn_if
            holds, and always where the test could not run.
        is_passed: whether the data fits.
        checked_rows: rows that were judged; rows outside `where`, and for tests of values nulls, are not.
        failing_rows: rows that do not fit; None where the column or table as a whole was judged.
        failing_share: failing_rows as a share of checked_rows, 0 to 1; None where that says nothing.
        sample: a few failing rows, personal data masked, values that JSON can hold.
        message: one sentence for a person.
        quarantined_rows: rows that stand aside for failing the test; None where the test sets none aside.
        error: why the test could not run, or None.
    """

    check_name: str
    test: str
    column: str | None
    severity: Severity
    is_blocking: bool
    is_passed: bool
    checked_rows: int
    failing_rows: int | None
    failing_share: float | None
    sample: list[Mapping[str, Any]]
    message: str
    error: str | None = None
    quarantined_rows: int | None = None


def told_of_quarantine(result: CheckResult, test: Test, quarantined_rows: int) -> CheckResult:
    """The result of a test that sets rows aside, with how many stand aside; of any other test as it was.

    Args:
        quarantined_rows: rows of the table that stand aside for failing this test.
    """
    if test.on_fail != "quarantine":
        return result
    message = result.message
    if result.is_passed and quarantined_rows:
        message += f"; {quarantined_rows} {'row was' if quarantined_rows == 1 else 'rows were'} set aside"
    elif not result.is_passed and result.error is None:
        message += (
            f"; {quarantined_rows} stand aside already"
            if quarantined_rows
            else f"; more than the share of {test.max_quarantined_share:g} that may be set aside, so none was"
        )
    return replace(result, message=message, quarantined_rows=quarantined_rows)


def results_frame(
    results: Iterable[CheckResult],
    *,
    table_name: str,
    fingerprints: Mapping[str, str],
    version: int,
    refresh_id: int,
    run_id: str,
    checked_at: dt.datetime,
) -> pl.DataFrame:
    """The rows of `quality.results` for one table's results, in the order of its contract.

    Args:
        results: of one `check_table`.
        table_name: schema.name.
        fingerprints: of what each check promised, by its name (Table.fingerprint).
        version: version of the table that was checked (quality.table_versions).
        refresh_id: refresh that the version belongs to.
        run_id: run that checked.
        checked_at: moment of the check, UTC without zone.
    """
    import polars as pl

    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "table_name": pl.String,
        "version": pl.Int64,
        "refresh_id": pl.Int64,
        "check_name": pl.String,
        "fingerprint": pl.String,
        "test": pl.String,
        "column_name": pl.String,
        "severity": pl.String,
        "is_blocking": pl.Boolean,
        "is_passed": pl.Boolean,
        "checked_rows": pl.Int64,
        "failing_rows": pl.Int64,
        "failing_share": pl.Float64,
        "sample": pl.String,
        "message": pl.String,
        "run_id": pl.String,
        "checked_at": pl.Datetime("us"),
        "quarantined_rows": pl.Int64,
    }
    rows = [
        {
            "table_name": table_name,
            "version": version,
            "refresh_id": refresh_id,
            "check_name": result.check_name,
            "fingerprint": fingerprints[result.check_name],
            "test": result.test,
            "column_name": result.column,
            "severity": result.severity,
            "is_blocking": result.is_blocking,
            "is_passed": result.is_passed,
            "checked_rows": result.checked_rows,
            "failing_rows": result.failing_rows,
            "failing_share": result.failing_share,
            "sample": json.dumps(result.sample, ensure_ascii=False),
            "message": result.message,
            "run_id": run_id,
            "checked_at": checked_at,
            "quarantined_rows": result.quarantined_rows,
        }
        for result in results
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")
