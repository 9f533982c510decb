"""The validation report as values: what every check of every table found, now and over the last refreshes.

Belongs here: judging stored results by the contracts there are. Does not belong here: what a report is made of
(report_values.py), reading the warehouse and the publish gate (warehouse/quality_report.py), and how the report looks
(report_page.py, cli/quality.py).

Every result is judged as the publish gate judges it: a result counts for the version it was found on, and for the
promise it was found under.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from leadflow.quality.contract.tables import Contracts, Table, Test
from leadflow.quality.masking import HIDDEN, mask
from leadflow.quality.pages.report_values import (
    CheckReport,
    Past,
    RefreshReport,
    Report,
    SetAside,
    Status,
    StoredResult,
    StoredVersion,
    TableReport,
)
from leadflow.stages import STAGES

REFRESHES: Final = 30
"""Refreshes that the history looks back on."""

# A masked phone number is the one masked value that masking again would change.
_MASKED = re.compile(re.escape(HIDDEN) + r"\d{0,2}")


def build_report(
    contracts: Contracts,
    versions: Iterable[StoredVersion],
    results: Iterable[StoredResult],
    *,
    gate_reasons: Sequence[str],
    made_at: datetime,
    set_aside: Iterable[SetAside] = (),
    refreshes: int = REFRESHES,
) -> Report:
    """Judge stored results by the contracts.

    Args:
        contracts: all contracts; tables of the mart alone have no checks and are left out.
        versions: of the refreshes to look back on, and the newest of every table, in any order.
        results: on those versions, one per check and version.
        gate_reasons: what warehouse/publish.reasons_not_to_publish said.
        made_at: moment of the report, UTC.
        set_aside: samples of quarantined rows, by table and check.
        refreshes: how many refreshes the history looks back on.
    """
    past = _PastVersions(versions, refreshes)
    by_check: dict[tuple[str, str], dict[int, StoredResult]] = {}
    for result in results:
        past.checked.add(result.version)
        by_check.setdefault((result.table_name, result.check_name), {})[result.version] = result
    aside = {(rows.table_name, rows.check_name): rows.rows for rows in set_aside}
    tables = tuple(
        _table_report(table, contracts.fingerprints[table.full_name], past, by_check, aside)
        for table in sorted(contracts.values(), key=lambda table: _stage_order(table.schema))
        if table.is_checked
    )
    checks = [check for table in tables for check in table.checks]
    return Report(
        made_at=made_at,
        tables=tables,
        refreshes=tuple(
            RefreshReport(
                refresh_id=refresh_id,
                as_of=past.opened[refresh_id].as_of,
                written_at=past.opened[refresh_id].written_at,
                counts=Counter(check.history[place].status for check in checks),
            )
            for place, refresh_id in enumerate(past.refresh_ids)
        ),
        gate_reasons=tuple(gate_reasons),
    )


class _PastVersions:
    """The versions of every table by refresh, oldest first, and which of them were checked."""

    def __init__(self, versions: Iterable[StoredVersion], refreshes: int) -> None:
        self.opened: dict[int, StoredVersion] = {}
        self.newest: dict[str, StoredVersion] = {}
        self.written: dict[tuple[str, int], list[int]] = {}
        self.checked: set[int] = set()
        for version in sorted(versions, key=lambda version: version.version):
            self.opened.setdefault(version.refresh_id, version)
            self.newest[version.table_name] = version
            self.written.setdefault((version.table_name, version.refresh_id), []).append(version.version)
        self.refresh_ids = sorted(self.opened)[-refreshes:]


def _table_report(
    table: Table,
    fingerprints: Mapping[str, str],
    past: _PastVersions,
    results: Mapping[tuple[str, str], Mapping[int, StoredResult]],
    aside: Mapping[tuple[str, str], Sequence[str]],
) -> TableReport:
    name = table.full_name
    version = past.newest.get(name)
    checks = []
    for test in table.checks:
        found = results.get((name, test.check_name), {})
        rows = aside.get((name, test.check_name), ())
        history = _history(name, past, found)
        checks.append(
            _check_report(table, test, fingerprints[test.check_name], version, found, rows, history)
        )
    promised = {test.check_name for test in table.checks}
    for (owner, check_name), found in results.items():
        if owner == name and check_name not in promised and version is not None:
            last = found.get(version.version)
            # The gate refuses a table for it until the table is written again, whatever the contract says by now.
            if last is not None and not last.is_passed and last.is_blocking:
                checks.append(_unpromised(last, table, _history(name, past, found)))
    return TableReport(
        name=name,
        stage=table.schema,
        description=table.description,
        version=version,
        checks=tuple(checks),
        history=tuple(
            _together([check.history[place] for check in checks]) for place in range(len(past.refresh_ids))
        ),
    )


def _check_report(
    table: Table,
    test: Test,
    fingerprint: str,
    version: StoredVersion | None,
    found: Mapping[int, StoredResult],
    rows: Sequence[str],
    history: tuple[Past, ...],
) -> CheckReport:
    result = found.get(version.version) if version is not None else None
    status = _status(fingerprint, result)
    sentence = f"{table.full_name} was never made"
    if result is not None:
        sentence = result.message or ""
        if result.fingerprint != fingerprint:
            sentence = f"the contract changed since it was found that {sentence}"
    elif version is not None:
        sentence = f"{table.full_name} was not checked since it was last written"
    return CheckReport(
        table_name=table.full_name,
        name=test.check_name,
        test=test.test,
        column=test.column,
        described=test.description,
        severity=test.severity,
        is_blocking=test.is_blocking,
        status=status,
        sentence=sentence,
        checked_rows=result.checked_rows if result else None,
        failing_rows=result.failing_rows if result else None,
        failing_share=result.failing_share if result else None,
        quarantined_rows=result.quarantined_rows if result else None,
        sample=_masked_rows(_stored(result), table) if result else (),
        set_aside=_masked_rows(map(json.loads, rows), table, is_clear=True),
        checked_at=result.checked_at if result else None,
        promised_in=f"{test.file.parent.name}/{test.file.name}:{test.line}",
        history=history,
    )


def _unpromised(result: StoredResult, table: Table, history: tuple[Past, ...]) -> CheckReport:
    """A failed check that the contract has no more."""
    return CheckReport(
        table_name=result.table_name,
        name=result.check_name,
        test=result.test,
        column=result.column_name,
        described="The contract no longer has this check; it counts until the table is written again.",
        severity=result.severity,
        is_blocking=True,
        status="failed",
        sentence=result.message or "",
        checked_rows=result.checked_rows,
        failing_rows=result.failing_rows,
        failing_share=result.failing_share,
        quarantined_rows=result.quarantined_rows,
        sample=_masked_rows(_stored(result), table),
        set_aside=(),
        checked_at=result.checked_at,
        promised_in=None,
        history=history,
    )


def _status(fingerprint: str, result: StoredResult | None) -> Status:
    """As the gate judges the result on the newest version: one that blocks counts under whatever promise."""
    if result is None:
        return "not_run"
    if not result.is_passed and result.is_blocking:
        return "failed"
    if result.fingerprint != fingerprint:
        return "outdated"
    return "passed" if result.is_passed else "warned"


def _history(table_name: str, past: _PastVersions, found: Mapping[int, StoredResult]) -> tuple[Past, ...]:
    history = []
    promise: str | None = None
    for refresh_id in past.refresh_ids:
        written = past.written.get((table_name, refresh_id))
        if written is None:
            history.append(Past("not_made"))
            continue
        result = found.get(written[-1])
        earlier = [found[version] for version in written[:-1] if version in found]
        failures = sum(not each.is_passed for each in earlier)
        if result is None:
            # The results of a version are stored all at once: where there are others, this one was not asked for.
            is_asked = written[-1] not in past.checked
            history.append(Past("not_run" if is_asked else "not_promised", earlier_failures=failures))
            continue
        history.append(
            Past(
                status="passed" if result.is_passed else "failed" if result.is_blocking else "warned",
                at=result.checked_at,
                failing_rows=result.failing_rows,
                failing_share=result.failing_share,
                earlier_failures=failures,
                is_new_promise=promise not in (None, result.fingerprint),
            )
        )
        promise = result.fingerprint
    return tuple(history)


def _together(checks: Sequence[Past]) -> Past:
    """What a table's checks came to in one refresh: the worst of them, and how many were that."""
    for status in ("failed", "warned", "not_run", "passed"):
        alike = [past for past in checks if past.status == status]
        if alike:
            moments = [past.at for past in checks if past.at is not None]
            return Past(status, at=max(moments, default=None), failing_rows=len(alike))
    return Past("not_made")


def _stored(result: StoredResult) -> list[Any]:
    return json.loads(result.sample) if result.sample else []


def _masked_rows(
    rows: Iterable[Any], table: Table, *, is_clear: bool = False
) -> tuple[Mapping[str, Any], ...]:
    """Rows masked by the contract as it is now: since they were stored, a column may have become personal data.

    Args:
        rows: as stored.
        table: their table's contract.
        is_clear: whether they were stored in clear, so that values of no column of the contract are hidden too.
    """
    return tuple(
        {name: _masked_value(name, value, table, is_clear) for name, value in row.items()}
        for row in rows
        if isinstance(row, Mapping)
    )


def _masked_value(name: str, value: Any, table: Table, is_clear: bool) -> Any:
    column = table.column(name)
    if column is None:
        is_told = value is None or isinstance(value, bool | int | float)
        return HIDDEN if is_clear and table.pii_columns and not is_told else value
    if not column.is_pii or (isinstance(value, str) and _MASKED.fullmatch(value)):
        return value
    return mask(value, name)


def _stage_order(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else len(STAGES)
