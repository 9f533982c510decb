"""What the validation report is made of: stored rows that go in, and the values that come out.

Belongs here: shapes. Does not belong here: making them (report.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from leadflow.quality.contract.tables import Severity

Status = Literal["passed", "warned", "failed", "outdated", "not_run"]
STATUSES: Final[dict[Status, str]] = {
    "failed": "failed",
    "warned": "warned",
    "outdated": "outdated",
    "not_run": "not run",
    "passed": "passed",
}
"""What can be said of a check, in words, worst first. Outdated: passed or warned, and the contract changed since. Not
run: no result on the version there is."""


@dataclass(frozen=True)
class StoredVersion:
    """A row of quality.table_versions; row_count in rows, moments UTC."""

    table_name: str
    version: int
    refresh_id: int
    as_of: datetime | None
    row_count: int
    written_at: datetime


@dataclass(frozen=True)
class StoredResult:
    """A row of quality.results, the last one of its table, check and version.

    Attributes are named as its columns; quarantined_rows is None where the warehouse does not know of it yet.
    """

    table_name: str
    version: int
    check_name: str
    fingerprint: str
    test: str
    column_name: str | None
    severity: Severity
    is_blocking: bool
    is_passed: bool
    checked_rows: int | None
    failing_rows: int | None
    failing_share: float | None
    quarantined_rows: int | None
    sample: str | None
    message: str | None
    checked_at: datetime


@dataclass(frozen=True)
class SetAside:
    """Rows that a check set aside from the newest version of a table: some of them, as JSON objects in clear."""

    table_name: str
    check_name: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Past:
    """What a check, or a table's checks as a whole, came to in one refresh.

    Attributes:
        status: of the last version that the refresh wrote; not_made where it wrote none, not_promised where its checks
            ran and the contract did not have this one.
        at: when it was checked, UTC, or None.
        failing_rows: as stored; of a table its failing checks.
        failing_share: as stored, 0 to 1.
        earlier_failures: versions of the same refresh on which it had failed before.
        is_new_promise: whether the contract had changed since the refresh before.
    """

    status: Literal["passed", "warned", "failed", "not_run", "not_made", "not_promised"]
    at: datetime | None = None
    failing_rows: int | None = None
    failing_share: float | None = None
    earlier_failures: int = 0
    is_new_promise: bool = False


@dataclass(frozen=True)
class CheckReport:
    """One check.

    Attributes:
        table_name: schema.name.
        name: of the check, unique within the table.
        test: name of the test.
        column: tested column, or None.
        described: the test's own description, or an empty text.
        severity: error or warn.
        is_blocking: whether publishing waits for its result.
        status: see STATUSES.
        sentence: what was found, or why nothing is known.
        checked_rows: rows that were judged.
        failing_rows: rows that do not fit; None where no single row is to blame.
        failing_share: of checked_rows, 0 to 1.
        quarantined_rows: rows that were set aside while the table was written.
        sample: a few failing rows, personal data masked.
        set_aside: a few rows that were set aside, personal data masked.
        checked_at: UTC, or None.
        promised_in: where the contract states it, such as clean/schema.yml:12; None where it no longer does.
        history: one per refresh of Report.refreshes.
    """

    table_name: str
    name: str
    test: str
    column: str | None
    described: str
    severity: Severity
    is_blocking: bool
    status: Status
    sentence: str
    checked_rows: int | None
    failing_rows: int | None
    failing_share: float | None
    quarantined_rows: int | None
    sample: tuple[Mapping[str, Any], ...]
    set_aside: tuple[Mapping[str, Any], ...]
    checked_at: datetime | None
    promised_in: str | None
    history: tuple[Past, ...]

    @property
    def holds_back(self) -> bool:
        """Whether it failed, or blocks and was not run as the contract has it now, on the version there is.

        A check that blocks may warn all the same, where it found no more rows than its warn_if and error_if allow.
        """
        return self.status == "failed" or (self.is_blocking and self.status in ("outdated", "not_run"))


@dataclass(frozen=True)
class TableReport:
    """One table and its checks; version is None where it was never made."""

    name: str
    stage: str
    description: str
    version: StoredVersion | None
    checks: tuple[CheckReport, ...]
    history: tuple[Past, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """Checks by status, worst first, statuses that no check has left out."""
        return _counts(self.checks)

    @property
    def worst(self) -> Status:
        """The worst status of its checks."""
        return next(iter(self.counts), "passed")

    @property
    def checked_at(self) -> datetime | None:
        """When the newest of its results was found, UTC."""
        return max((check.checked_at for check in self.checks if check.checked_at), default=None)

    @property
    def quarantined_rows(self) -> int:
        """Rows that its checks set aside; a row that two of them set aside counts twice."""
        return sum(check.quarantined_rows or 0 for check in self.checks)


@dataclass(frozen=True)
class RefreshReport:
    """One refresh and how many checks came to what in it; moments are UTC."""

    refresh_id: int
    as_of: datetime | None
    written_at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """Every table's checks, and whether the publish gate would open.

    Attributes:
        made_at: UTC.
        tables: in the order that data flows.
        refreshes: the last ones, oldest first.
        gate_reasons: why the publish gate is shut, in its own words; empty where it would open.
    """

    made_at: datetime
    tables: tuple[TableReport, ...]
    refreshes: tuple[RefreshReport, ...]
    gate_reasons: tuple[str, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """Checks of all tables by status, worst first."""
        return _counts(check for table in self.tables for check in table.checks)

    @property
    def is_fine(self) -> bool:
        """Whether every blocking check of every table passed as the contract has it now, on the version there is."""
        return not any(check.holds_back for table in self.tables for check in table.checks)


def _counts(checks: Iterable[CheckReport]) -> dict[Status, int]:
    counted = Counter(check.status for check in checks)
    return {status: counted[status] for status in STATUSES if counted[status]}
