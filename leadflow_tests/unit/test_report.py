"""The validation report: how stored results are judged, what history says, and that no personal data comes through."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.quality.pages.report import build_report
from leadflow.quality.pages.report_values import (
    CheckReport,
    Report,
    SetAside,
    StoredResult,
    StoredVersion,
    TableReport,
)

NOON = dt.datetime(2026, 6, 30, 12)  # noqa: DTZ001 - instants are naive UTC throughout
CONTRACTS = {
    "clean": """
sources:
  - name: clean
    tables:
      - name: leads
        description: Leads.
        meta: {grain: one row per lead, natural_key: [lead_id]}
        columns:
          - {name: lead_id, data_type: bigint, description: Key, data_tests: [unique]}
          - {name: email, data_type: varchar, description: Mail, meta: {pii: true}}
          - {name: phone, data_type: varchar, description: Phone, meta: {pii: true}}
          - name: score
            data_type: double
            description: Score
            data_tests: [{not_null: {config: {severity: warn}}}]
""",
    "raw": """
sources:
  - name: raw
    tables:
      - name: mql
        description: Forms.
        meta: {grain: one row per form}
        columns: [{name: mql_id, data_type: varchar, description: Key}]
""",
    "quality": """
sources:
  - name: quality
    tables:
      - name: results
        description: Results.
        meta: {grain: one row per result}
        columns: [{name: test, data_type: varchar, description: Test}]
""",
    "publish": """
sources:
  - name: publish
    tables:
      - name: published
        description: About the mart.
        meta: {grain: one row, is_mart_only: true}
        columns: [{name: as_of, data_type: timestamp, description: Moment}]
""",
}
LEADS, UNIQUE, NOT_NULL = "clean.leads", "unique__lead_id", "not_null__score"


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    folder: Path = tmp_path_factory.mktemp("contracts")
    for stage, text in CONTRACTS.items():
        (folder / stage).mkdir()
        (folder / stage / "schema.yml").write_text(text, encoding="utf-8")
    return load_contracts(folder)


def version(number: int, refresh_id: int, table: str = LEADS) -> StoredVersion:
    return StoredVersion(table, number, refresh_id, NOON, 10, NOON + dt.timedelta(minutes=number))


def result(number: int, check: str = UNIQUE, **given: Any) -> StoredResult:
    failing = given.get("failing_rows", 0)
    found: dict[str, Any] = {
        "table_name": LEADS,
        "fingerprint": "now",
        "test": check.split("__")[0],
        "column_name": check.split("__")[-1],
        "severity": "error",
        "is_blocking": True,
        "is_passed": failing == 0,
        "checked_rows": 10,
        "failing_rows": failing,
        "failing_share": None if failing is None else failing / 10,
        "quarantined_rows": None,
        "sample": "[]",
        "message": f"{check} found {failing}",
        "checked_at": NOON + dt.timedelta(minutes=number),
    }
    return StoredResult(version=number, check_name=check, **(found | given))


def report_of(
    contracts: Contracts,
    versions: Sequence[StoredVersion],
    results: Sequence[StoredResult],
    **given: Any,
) -> Report:
    """The report, with the word 'now' in place of the fingerprint that the contract gives."""
    table = contracts[LEADS]
    prints = {test.check_name: table.fingerprint(test) for test in table.checks}
    current = [
        StoredResult(**{**vars(each), "fingerprint": prints.get(each.check_name, "gone")})
        if each.fingerprint == "now"
        else each
        for each in results
    ]
    return build_report(contracts, versions, current, **{"gate_reasons": (), "made_at": NOON, **given})


def leads(report: Report) -> TableReport:
    return next(table for table in report.tables if table.name == LEADS)


def check_of(report: Report, name: str = UNIQUE) -> CheckReport:
    return next(check for check in leads(report).checks if check.name == name)


# What a result is worth


@pytest.mark.parametrize(
    ("check", "found", "status", "holds_back"),
    [
        (UNIQUE, {}, "passed", False),
        (UNIQUE, {"failing_rows": 2}, "failed", True),
        (UNIQUE, {"failing_rows": 2, "is_blocking": False, "severity": "warn"}, "warned", False),
        (UNIQUE, {"fingerprint": "older"}, "outdated", True),
        (UNIQUE, {"fingerprint": "older", "failing_rows": 2}, "failed", True),
        (UNIQUE, None, "not_run", True),
        (NOT_NULL, {"is_blocking": False}, "passed", False),
        (NOT_NULL, {"failing_rows": 2, "is_blocking": False}, "warned", False),
        (NOT_NULL, {"failing_rows": None, "is_passed": False}, "failed", True),
        (NOT_NULL, {"fingerprint": "older", "is_blocking": False}, "outdated", False),
        (NOT_NULL, None, "not_run", False),
    ],
    ids=[
        "passed", "failed", "within_its_thresholds", "contract_changed", "failed_and_contract_changed", "missing",
        "warning_passed", "warned", "warning_that_could_not_run", "warning_contract_changed", "warning_missing",
    ],
)  # fmt: skip
def test_the_status_of_a_check(contracts, check, found, status, holds_back):
    results = [] if found is None else [result(1, check, **found)]
    told = check_of(report_of(contracts, [version(1, 1)], results), check)
    assert (told.status, told.holds_back) == (status, holds_back)


def test_a_result_of_an_older_version_does_not_count(contracts):
    report = report_of(contracts, [version(1, 1), version(2, 2)], [result(1)])
    assert check_of(report).status == "not_run"
    assert check_of(report).sentence == "clean.leads was not checked since it was last written"
    assert check_of(report).checked_at is None


def test_a_table_that_was_never_made(contracts):
    report = report_of(contracts, [version(1, 1, "raw.mql")], [])
    assert leads(report).version is None
    assert leads(report).counts == {"not_run": 3}
    assert check_of(report).sentence == "clean.leads was never made"
    assert not report.is_fine


def test_what_the_contract_promises_anew_is_said(contracts):
    report = report_of(contracts, [version(1, 1)], [result(1, fingerprint="older")])
    assert check_of(report).sentence == "the contract changed since it was found that unique__lead_id found 0"


def test_a_failed_check_that_the_contract_has_no_more_still_counts(contracts):
    gone = result(1, "gone", failing_rows=3)
    told = check_of(report_of(contracts, [version(1, 1)], [gone]), "gone")
    assert (told.status, told.holds_back, told.promised_in) == ("failed", True, None)
    for harmless in (result(1, "gone"), result(1, "gone", failing_rows=3, is_blocking=False)):
        names = [check.name for check in leads(report_of(contracts, [version(1, 1)], [harmless])).checks]
        assert names == ["columns_match_contract", UNIQUE, NOT_NULL]
    rewritten = report_of(contracts, [version(1, 1), version(2, 2)], [gone])
    assert [check.name for check in leads(rewritten).checks if check.name == "gone"] == []


def test_tables_stand_in_the_order_that_data_flows(contracts):
    report = report_of(contracts, [version(1, 1)], [])
    assert [table.name for table in report.tables] == ["raw.mql", LEADS]


def test_a_report_is_fine_where_every_blocking_check_passed(contracts):
    small = Contracts([contracts[LEADS]])
    passed = [result(1, name) for name in ("columns_match_contract", UNIQUE)]
    warned = result(1, NOT_NULL, failing_rows=4, is_blocking=False)
    report = report_of(small, [version(1, 1)], [*passed, warned])
    assert report.is_fine
    assert report.counts == {"warned": 1, "passed": 2}
    assert leads(report).worst == "warned"
    assert not report_of(small, [version(1, 1)], [*passed[:1], warned]).is_fine


# History


def test_the_history_of_a_check_by_refresh(contracts):
    versions = [
        version(1, 1, "raw.mql"),
        version(2, 2),
        version(3, 3),
        version(4, 4),
        version(5, 5),
        version(6, 5),
        version(7, 6),
    ]
    results = [
        result(3, "another"),
        result(4, fingerprint="older", failing_rows=1),
        result(5, failing_rows=7),
        result(6),
        result(7, NOT_NULL),
        result(7, failing_rows=2),
    ]
    report = report_of(contracts, versions, results)
    history = check_of(report).history
    assert [past.status for past in history] == [
        "not_made", "not_run", "not_promised", "failed", "passed", "failed",
    ]  # fmt: skip
    assert [past.failing_rows for past in history] == [None, None, None, 1, 0, 2]
    assert [past.earlier_failures for past in history] == [0, 0, 0, 0, 1, 0]
    assert [past.is_new_promise for past in history] == [False, False, False, False, True, False]
    assert history[3].at == NOON + dt.timedelta(minutes=4)
    assert [refresh.refresh_id for refresh in report.refreshes] == [1, 2, 3, 4, 5, 6]
    assert report.refreshes[3].counts["failed"] == 1


def test_the_history_of_a_table_is_the_worst_of_its_checks(contracts):
    results = [
        result(1),
        result(1, NOT_NULL),
        result(2, failing_rows=1),
        result(2, NOT_NULL, failing_rows=1, is_blocking=False),
        result(3),
        result(3, NOT_NULL, failing_rows=1, is_blocking=False),
    ]
    table = leads(report_of(contracts, [version(number, number) for number in (1, 2, 3, 4)], results))
    assert [(past.status, past.failing_rows) for past in table.history] == [
        ("passed", 2), ("failed", 1), ("warned", 1), ("not_run", 3),
    ]  # fmt: skip


def test_only_the_last_refreshes_are_looked_back_on(contracts):
    versions = [version(number, number) for number in range(1, 8)] + [version(8, 1, "raw.mql")]
    report = report_of(contracts, versions, [result(7)], refreshes=3)
    assert [refresh.refresh_id for refresh in report.refreshes] == [5, 6, 7]
    assert all(len(check.history) == 3 for table in report.tables for check in table.checks)


# Personal data


def test_samples_are_masked_by_the_contract_as_it_is_now(contracts):
    stored = [
        {"lead_id": 1, "email": "ann@example.com", "phone": "+49 30 1234567", "score": None},
        {"lead_id": 2, "email": "b***@example.com", "phone": "***67", "score": 0.5},
        {"column_name": "email", "expected_type": "varchar", "actual_type": None},
    ]
    told = check_of(report_of(contracts, [version(1, 1)], [result(1, sample=json.dumps(stored))]))
    assert list(told.sample) == [
        {"lead_id": 1, "email": "a***@example.com", "phone": "***67", "score": None},
        {"lead_id": 2, "email": "b***@example.com", "phone": "***67", "score": 0.5},
        stored[2],
    ]


def test_quarantined_rows_are_masked_and_what_no_column_is_known_for_is_hidden(contracts):
    row = {"lead_id": 1, "EMAIL": "ann@example.com", "note": "call Ann", "parts": ["Ann"], "n": 3, "x": None}
    report = report_of(
        contracts,
        [version(1, 1)],
        [result(1, quarantined_rows=1)],
        set_aside=[SetAside(LEADS, UNIQUE, (json.dumps(row),))],
    )
    (shown,) = check_of(report).set_aside
    assert shown == {
        "lead_id": 1,
        "EMAIL": "a***@example.com",
        "note": "***",
        "parts": "***",
        "n": 3,
        "x": None,
    }
    assert leads(report).quarantined_rows == 1
