"""Lead records are checked when they are new or changed: what stands there then is what checking all gives."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from bare_steps import bare_run, rows_of
from dagster import AssetKey
from homes import REFRESHES, Home

from leadflow.clean.assets import CHECKED, CLEAN, RECORDS, REJECTED, write_checked
from leadflow.clean.lists import BLOCKLIST_COLUMNS
from leadflow.clean.records import RECORD_COLUMNS
from leadflow.settings import Settings
from leadflow.warehouse import stage_run
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.tables import record_version, replace_table

_START = dt.datetime(2026, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse
_MADE = (CLEAN, REJECTED, CHECKED)
_VALUES = {
    "email": [
        "ann@north.example",
        "bo+x@gmail.com",
        "info@south.example",
        "no address",
        "foe@foe.example",
        None,
    ],
    "phone": ["+49 30 901820", "12345678901", "wx: ann_lee", "1", None],
    "wechat_id": ["ann_lee24", "?!", None],
    "full_name": ["Ann Lee", "王小明", "asdf", "x" * 300, None],
    "company_name": ["North AG", "公司", "casino", None],
    "title": ["CEO", "Sales Manager", None],
    "country": ["Germany", None],
    "ip_address": ["198.51.100.7", "203.0.113.9", None],
}


class Company:
    """Lead records and a blocklist that change from refresh to refresh."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.records: dict[str, dict[str, object]] = {}
        self.settings: dict[str, object] = {}
        self.blocklist = [
            ("B1", "domain", "foe.example", "fraud", _START, _START + dt.timedelta(hours=4)),
            ("B2", "ip_range", "198.51.100.0/24", "fraud", _START, _START + dt.timedelta(hours=8)),
        ]
        self.change(30)

    def change(self, new: int) -> None:
        """Some records come, some change, some go."""
        keys = [f"mql:{self.chance.randrange(10**6)}" for _ in range(new)]
        some = self.chance.sample(sorted(self.records), min(len(self.records), 4))
        for key in some[:2]:
            del self.records[key]
        for key in (*keys, *some[2:]):
            values = {name: self.chance.choice(several) for name, several in _VALUES.items()}
            fixed = {"raw_table": "mql", "record_id": key[4:], "mql_id": key[4:], "source_name": "forms"}
            self.records[key] = {
                "record_key": key,
                "occurred_at": _START,
                "known_at": _START,
                **fixed,
                **values,
            }

    def put(self, run: StageRun, hour: int) -> None:
        """What SQL makes before the checks, in the refresh of that hour."""
        with run.connect() as connection:
            open_refresh(
                connection,
                as_of=_START + dt.timedelta(hours=hour),
                as_of_from="given",
                run_id="run",
                code_version="1",
            )
            stamp = run.stamp(connection)
            records = pl.DataFrame(list(self.records.values()), schema=RECORD_COLUMNS)
            replace_table(connection, RECORDS, records, stamp=stamp)
            entries = pl.DataFrame(self.blocklist, schema=BLOCKLIST_COLUMNS, orient="row")
            replace_table(connection, "staging.stg_blocklist", entries, stamp=stamp)


def _run(folder: Path, company: Company, *, is_full: bool = False) -> StageRun:
    return bare_run(folder, company.settings, is_full=is_full)


def _rows(run: StageRun) -> dict[str, list[tuple[object, ...]]]:
    return rows_of(run, _MADE)


@pytest.mark.parametrize("seed", range(2))
def test_step_by_step_equals_all_at_once(tmp_path: Path, seed: int) -> None:
    company = Company(seed)
    settings: dict[int, dict[str, object]] = {
        3: {"contact_checks": {"name_implausible": "reject"}},
        6: {"contact_checks": {"name_implausible": "reject"}, "release": ["ann@north.example"]},
    }
    for hour in range(10):
        company.settings = settings.get(hour, company.settings)
        own, anew = (_run(tmp_path / name, company, is_full=name != "own") for name in ("own", f"anew{hour}"))
        for run in (own, anew):
            company.put(run, hour)
            versions = write_checked(run)
            assert set(versions) == set(_MADE)
        assert _rows(own) == _rows(anew)
        told = own.told[CHECKED]
        if hour in (0, 3, 4, 6, 8):  # the first, another policy, a list's entry that becomes known, a release
            assert told == {"checked": len(company.records), "kept": 0}
        else:
            assert told == {"checked": 5, "kept": len(company.records) - 5}
        company.change(3)


def test_a_refresh_without_news_checks_nothing_and_records_versions(tmp_path: Path) -> None:
    company = Company(1)
    run = _run(tmp_path, company)
    company.put(run, 0)
    first, second = write_checked(run), write_checked(run)
    assert run.told[CHECKED] == {"checked": 0, "kept": 30}
    for table in _MADE:
        assert second[table].row_count == first[table].row_count
        assert second[table].version > first[table].version


def test_tables_of_another_release_are_made_anew(tmp_path: Path) -> None:
    company = Company(1)
    run = _run(tmp_path, company)
    company.put(run, 0)
    write_checked(run)
    expected = _rows(run)
    with run.connect() as connection:
        connection.execute(f"alter table {CLEAN} drop column person_key")
        connection.execute(f"delete from {REJECTED}")
    write_checked(run)
    assert run.told[CHECKED] == {"checked": 30, "kept": 0}
    assert _rows(run) == expected


def test_many_records_are_checked_in_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company(2)
    alone, together = _run(tmp_path / "alone", company), _run(tmp_path / "together", company)
    company.put(alone, 0)
    write_checked(alone)
    company.put(together, 0)
    monkeypatch.setattr(stage_run, "_MOST_WORKERS", 2)
    together.settings = Settings(home=tmp_path / "together", threads=2)
    write = together.write_in_parts
    monkeypatch.setattr(together, "write_in_parts", lambda *given, **named: write(*given, **named, rows=10))
    write_checked(together)
    assert _rows(together) == _rows(alone)


def test_a_row_that_stands_aside_goes_with_its_record(tmp_path: Path) -> None:
    company = Company(3)
    run = _run(tmp_path, company)
    company.put(run, 0)
    write_checked(run)
    gone, kept = run.read(CLEAN)["record_key"].sort().to_list()[:2]
    with run.connect() as connection:
        for key in (gone, kept):
            connection.execute(
                "insert into quality.quarantined_rows select 'clean.clean_leads', 'own', 'own', null, 1, now()::timestamp, "
                f"cast(to_json(t) as varchar) from {CLEAN} as t where record_key = ?",
                [key],
            )
            connection.execute(f"delete from {CLEAN} where record_key = ?", [key])
        record_version(connection, CLEAN, stamp=run.stamp(connection))
    del company.records[gone]
    company.put(run, 1)
    write_checked(run)
    found = set(run.read(CLEAN)["record_key"])
    assert kept in found  # no test sets it aside any longer
    assert gone not in found
    assert run.count_values("select table_name from quality.quarantined_rows") == {}


SOURCES = {
    "version": 1,
    "clock": "newest_fact",
    "sources": [
        {
            "name": "forms",
            "table": "mql",
            "path": "forms*.csv",
            "columns": {"mql_id": "id", "email": "mail"},
            "occurred_at": "sent",
        }
    ],
}
_STEPS = (
    *(
        "raw.mql",
        "raw.mql_history",
        "raw.sql_leads",
        "raw.sql_leads_history",
        "raw.blocklist",
        "raw.blocklist_history",
    ),
    *("staging.stg_mql", "staging.stg_sql_leads", "staging.stg_blocklist", RECORDS, *_MADE),
)


def test_a_home_of_a_former_release_gets_wechat_ids_and_keeps_its_records(tmp_path: Path) -> None:
    (tmp_path / "forms1.csv").write_text(
        "id,mail,sent\n1,ann@north.example,2026-05-04 10:00\n", encoding="utf-8"
    )
    sources = tmp_path / "sources.yaml"
    sources.write_text(yaml.safe_dump(SOURCES), encoding="utf-8")
    home = Home(tmp_path / "home", sources)
    steps = [REFRESHES, *(AssetKey(name.split(".")) for name in _STEPS)]
    assert home.run(steps).success
    with duckdb.connect(str(home.warehouse)) as connection:
        for table in ("raw.mql", "raw.mql_history", "raw.sql_leads", "raw.sql_leads_history"):
            connection.execute(f"alter table {table} drop column wechat_id")
        connection.execute("drop table clean.checked_records")
    SOURCES["sources"][0]["columns"]["wechat_id"] = "wechat"  # type: ignore[index]
    sources.write_text(yaml.safe_dump(SOURCES), encoding="utf-8")
    (tmp_path / "forms1.csv").write_text(
        "id,mail,wechat,sent\n1,ann@north.example,,2026-05-04 10:00\n", encoding="utf-8"
    )
    (tmp_path / "forms2.csv").write_text(
        "id,mail,wechat,sent\n2,bo@north.example,Bo_Lee24,2026-05-04 11:00\n", encoding="utf-8"
    )
    assert home.run(steps).success
    assert home.rows("select record_key, wechat_id from clean.clean_leads order by 1") == [
        ("mql:1", None),
        ("mql:2", "bo_lee24"),
    ]
