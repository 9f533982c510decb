"""pin, unpin, undo and merges on a home: what they write, what they say, and what they refuse."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from leadflow.cli.main import cli
from leadflow.errors import LeadflowError, WarehouseLockedError
from leadflow.identity.identity_log import LOG_COLUMNS, REDIRECT_COLUMNS
from leadflow.identity.memberships import MEMBERSHIP_COLUMNS
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.lock import refresh_lock
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.tables import put_rows, transaction

AS_OF = datetime(2026, 1, 9)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
LEADS = {"mql:1": "L1", "mql:2": "L1", "mql:3": "L3", "mql:4": "L4"}
MERGE = ("E1", "merged", AS_OF, "L1", "L2", ["mql:2"], [AS_OF], ["mql:1"], None, "email")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of which identity is there: L2 was merged into L1."""
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("LEADFLOW_LOCK_WAIT_SECONDS", "0")
    tables = {
        "identity.identity_map": pl.DataFrame(
            [(key, lead, "email", AS_OF, None) for key, lead in LEADS.items()],
            schema=MEMBERSHIP_COLUMNS,
            orient="row",
        ),
        "identity.lead_redirects": pl.DataFrame([("L2", "L1", AS_OF)], schema=REDIRECT_COLUMNS, orient="row"),
        "identity.identity_log": pl.DataFrame([MERGE], schema=LOG_COLUMNS, orient="row"),
        "clean.clean_leads": pl.DataFrame(
            {"record_key": list(LEADS), "email": ["a@a.com", None, "c@c.com", None]}
        ),
    }
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        open_refresh(connection, as_of=AS_OF, as_of_from="given", run_id="test", code_version="test")
        with transaction(connection):
            for table, rows in tables.items():
                put_rows(connection, table, rows)
    return tmp_path


def said(*arguments: str) -> str:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False).output


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    return Warehouse(home / "warehouse.duckdb").read(sql).rows()


def test_pinning_and_taking_it_back(home: Path) -> None:
    out = said("pin", "L2", "c@c.com", "--together", "--reason", "same person")
    assert "P1 pins mql:1, mql:2 and mql:3 together." in out
    assert "make one lead of L1 and L3" in out
    assert "`leadflow unpin P1` takes it back." in out
    sql = "select kind, record_keys_1, record_keys_2, made_at, reason, withdrawn_at from identity.pins"
    assert rows(home, sql) == [("together", ["mql:1", "mql:2"], ["mql:3"], AS_OF, "same person", None)]
    with pytest.raises(LeadflowError, match="contradicts P1"):
        said("pin", "L1", "L3", "--apart")
    assert "P1 is withdrawn." in said("unpin", "P1")
    assert rows(home, "select withdrawn_at from identity.pins") == [(AS_OF,)]
    assert "P2 pins mql:1, mql:2 and mql:3 apart." in said("pin", "L1", "L3", "--apart")
    versions = (
        "select distinct table_name from quality.table_versions where table_name like 'identity%' order by 1"
    )
    assert rows(home, versions) == [("identity.identity_log",), ("identity.pins",)]


def test_undoing_a_merge_and_undoing_that(home: Path) -> None:
    assert "part L1" in said("undo", "E1")
    (kept,) = rows(home, "select event_id, pin_id, cause from identity.identity_log where event = 'undone'")
    assert kept[1:] == ("P1", "E1")
    with pytest.raises(LeadflowError, match="E1 is undone by P1 already"):
        said("undo", "E1")
    assert "P1 is withdrawn" in said("undo", str(kept[0]))
    listed = said("merges").splitlines()
    assert len(listed) == 3
    assert "E1  2026-01-09 00:00  merged    L2 into L1, 1 record: email" in listed
    assert said("merges", "--lead", "L4").strip() == "Nothing happened to L4 yet."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pin", "L1", "L9", "--apart"), "no lead, lead record or e-mail address 'L9' is known"),
        (("pin", "L1", "L2", "--together"), "are the same lead"),
        (("unpin", "P1"), "there is no pin 'P1'"),
        (("undo", "E9"), "there is no event 'E9'"),
    ],
)
def test_what_is_refused(home: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(LeadflowError, match=words):
        said(*arguments)
    assert rows(home, "select count(*) from information_schema.tables where table_name = 'pins'") == [(0,)]


def test_together_or_apart_has_to_be_said(home: Path) -> None:
    assert "say --together or --apart" in said("pin", "L1", "L3")


def test_a_refresh_is_waited_for(home: Path) -> None:
    with (
        refresh_lock(home / "refresh.lock", purpose="a refresh", wait_seconds=0),
        pytest.raises(WarehouseLockedError, match="a refresh"),
    ):
        said("pin", "L1", "L3", "--apart")


def test_without_a_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    for arguments in (("pin", "L1", "L3", "--apart"), ("merges",)):
        with pytest.raises(LeadflowError, match="does not exist"):
            said(*arguments)
