"""Leads are made anew where something about them changed: what stands there then is what making all gives."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest
from bare_steps import bare_run, rows_of

from leadflow.identity.assets import state
from leadflow.identity.golden_changes import DIGESTS, LEADS, MAP, PROVENANCE, RECORDS, write_leads
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.tables import replace_table

_START = dt.datetime(2026, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse
_MADE = (LEADS, PROVENANCE, DIGESTS)
_TEXT = pl.String()
_RECORD: dict[str, pl.DataType] = {
    **dict.fromkeys(("record_key", "raw_table", "source_name", "full_name", "email", "phone", "wechat_id"), _TEXT),
    **dict.fromkeys(("company_name", "company_core_key", "title", "seniority", "job_function", "country"), _TEXT),
    **dict.fromkeys(("channel", "campaign", "landing_page"), _TEXT),
    "occurred_at": pl.Datetime("us"),
    "known_at": pl.Datetime("us"),
    "contact_flags": pl.List(pl.String()),
    "phones": pl.List(pl.String()),
}  # fmt: skip
_MEMBERSHIP = {
    **dict.fromkeys(("record_key", "lead_id", "account_id"), _TEXT),
    "known_from": pl.Datetime("us"),
    "known_to": pl.Datetime("us"),
}
_VALUES: dict[str, list[object]] = {
    "full_name": ["Ann", "Bo", None],
    "email": ["a@north.example", "info@north.example", None],
    "phone": ["030 1", "wx: ann", None],
    "wechat_id": ["ann", None],
    "company_name": ["North AG", "South", None],
    "company_core_key": ["north", "south", None],
    "title": ["CEO", "Sales Manager", None],
    "country": ["DE", None],
    "campaign": ["spring", None],
    "contact_flags": [["role_mail"], ["name_implausible"], [], None],
    "phones": [["+49301"], [], None],
}


class Company:
    """Records and memberships that change from refresh to refresh."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.records: dict[str, dict[str, object]] = {}
        self.memberships: dict[str, tuple[str, str | None]] = {}
        self.former: list[tuple[str, str]] = []
        self.settings: dict[str, object] = {}
        for _ in range(60):
            self.put_record(f"mql:{self.chance.randrange(10**6)}")

    def put_record(self, key: str) -> None:
        """A record that is new, or says something else."""
        moments = {name: _START - dt.timedelta(hours=self.chance.randrange(3)) for name in ("occurred_at", "known_at")}  # fmt: skip
        given: dict[str, object] = {name: self.chance.choice(several) for name, several in _VALUES.items()}
        source = self.chance.choice(("forms", "crm"))
        self.records[key] = {"record_key": key, "raw_table": "mql", "source_name": source, **moments, **given}
        if key not in self.memberships:
            self.move(key)

    def move(self, key: str) -> None:
        """Another lead and account for a record."""
        if key in self.memberships:
            self.former.append((key, self.memberships[key][0]))
        self.memberships[key] = (f"L{self.chance.randrange(40)}", self.chance.choice(("A1", "A2", None)))

    def change(self) -> list[str]:
        """One each: a record comes, one changes, one goes, one moves, one changes its account."""
        changed, gone, moved, other = self.chance.sample(sorted(self.records), 4)
        self.put_record(f"mql:{self.chance.randrange(10**6)}")
        self.put_record(changed)
        self.move(moved)
        self.memberships[other] = (self.memberships[other][0], "A3")
        del self.records[gone], self.memberships[gone]
        return [changed, gone, moved, other]

    def write(self, run: StageRun, hour: int) -> None:
        """What stands there before the step, in the refresh of that hour."""
        as_of = _START + dt.timedelta(hours=hour)
        current = [(key, lead, account, _START, None) for key, (lead, account) in self.memberships.items()]
        former = [(key, lead, None, _START, as_of) for key, lead in self.former]
        with run.connect() as connection:
            open_refresh(connection, as_of=as_of, as_of_from="given", run_id="run", code_version="1")
            stamp = run.stamp(connection)
            records = pl.DataFrame(list(self.records.values()), schema=_RECORD)
            replace_table(connection, RECORDS, records, stamp=stamp)
            memberships = pl.DataFrame([*current, *former], schema=_MEMBERSHIP, orient="row")
            replace_table(connection, MAP, memberships, stamp=stamp)


def _run(folder: Path, company: Company, *, is_full: bool = False) -> StageRun:
    return bare_run(folder, company.settings, is_full=is_full)


def _rows(run: StageRun) -> dict[str, list[tuple[object, ...]]]:
    return rows_of(run, _MADE)


@pytest.mark.parametrize("seed", range(3))
def test_step_by_step_equals_all_at_once(tmp_path: Path, seed: int) -> None:
    company = Company(seed)
    for hour in range(8):
        company.settings = {"survivorship": {"trust": ["crm"]}} if hour >= 5 else {}
        own, anew = (_run(tmp_path / name, company, is_full=name != "own") for name in ("own", f"anew{hour}"))
        for run in (own, anew):
            company.write(run, hour)
            assert set(write_leads(run)) == set(_MADE)
        assert _rows(own) == _rows(anew)
        made, kept = own.told[LEADS]["made"], own.told[LEADS]["kept"]
        if hour in (0, 5):  # the first, and another policy
            assert kept == 0
        else:
            assert 1 <= made <= 6  # a record that moves touches two leads
            assert kept > 20
        company.change()


def test_a_refresh_without_news_makes_no_lead_and_records_versions(tmp_path: Path) -> None:
    company = Company(1)
    run = _run(tmp_path, company)
    company.write(run, 0)
    first, second = write_leads(run), write_leads(run)
    assert run.told[LEADS]["made"] == 0
    for table in _MADE:
        assert second[table].row_count == first[table].row_count
        assert second[table].version > first[table].version


@pytest.mark.parametrize("column", ["contact_flags", "phones", "campaign", "source_name", "job_function", "seniority"])  # fmt: skip
def test_every_column_that_counts_is_looked_at(tmp_path: Path, column: str) -> None:
    company = Company(2)
    run = _run(tmp_path, company)
    company.write(run, 0)
    write_leads(run)
    key = min(company.records)
    value = ["disposable_mail"] if column in ("contact_flags", "phones") else "another"
    company.records[key][column] = value
    company.write(run, 1)
    write_leads(run)
    assert run.told[LEADS]["made"] == 1


def test_tables_of_another_release_are_made_anew(tmp_path: Path) -> None:
    company = Company(1)
    run = _run(tmp_path, company)
    company.write(run, 0)
    write_leads(run)
    expected = _rows(run)
    with run.connect() as connection:
        connection.execute(f"alter table {LEADS} drop column job_function")
        connection.execute(f"delete from {PROVENANCE}")
    write_leads(run)
    assert run.told[LEADS]["kept"] == 0
    assert _rows(run) == expected


def test_memberships_that_a_former_release_left_with_other_columns_are_not_read(tmp_path: Path) -> None:
    run = _run(tmp_path, Company(1))
    with run.connect() as connection:
        connection.execute("create schema identity")
        connection.execute(f"create table {MAP} as select 'mql:1' as record_key, 'L1' as lead_id")
    assert state(run, MAP).is_empty()
