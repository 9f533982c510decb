"""Publishing: the gate's every reason, and a mart that is replaced whole or not at all."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import leadflow
from leadflow.errors import PublishRefusedError, WarehouseError
from leadflow.quality.masking import mask_sql
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.publish import MartColumn, MartTable, lineage, publish, reasons_not_to_publish
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.tables import Stamp, TableVersion, append_results, latest_versions, replace_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AS_OF = dt.datetime(2026, 6, 30)  # noqa: DTZ001 - instants are naive UTC throughout
CHECKS = {
    "raw.mql": {"not_null_id": "a1"},
    "clean.leads": {"unique_id": "b1"},
    "kpi.mart": {"has_rows": "c1", "in_range": "d1"},
}
"""Fingerprint of each blocking check by table and name."""
"""Blocking checks; staging.stg has a contract without any."""

LEADS = MartTable(
    name="scored_leads",
    source="kpi.mart",
    columns=(
        MartColumn("lead_id", '"lead_id"', "Who it is; a person's key"),
        MartColumn("email", mask_sql("email"), "Where to write"),
        MartColumn('odd "name"', '"lead_id" * 10', "A name that needs quoting"),
    ),
    description="Leads. Grain: one row per lead.",
    order_by=("lead_id",),
)
MART_ONLY = {
    "published": MartTable(
        "published", "", (MartColumn("as_of", "", "Moment, UTC"),), "About this mart.", ()
    ),
    "data_quality": MartTable("data_quality", "", (MartColumn("message", "", "In words"),), "Checks.", ()),
}

NO_REFRESH = Stamp(0, AS_OF, "run", "1.0")


@dataclass
class Line:
    """A small line raw.mql → staging.stg → clean.leads → kpi.mart, made and checked step by step.

    Attributes:
        connection: connection to its warehouse.
        marts_path: where its mart is.
        stamp: of the present refresh.
    """

    connection: DuckDBPyConnection
    marts_path: Path
    stamp: Stamp = NO_REFRESH

    def refresh(self) -> None:
        opened, _ = open_refresh(
            self.connection, as_of=AS_OF, as_of_from="given", run_id="run", code_version="1.0"
        )
        self.stamp = opened.stamp(run_id="run", code_version="1.0")

    def make(self, table: str) -> None:
        inputs = {"raw.mql": ["raw.refreshes"], "staging.stg": ["raw.mql"], "clean.leads": ["staging.stg"], "kpi.mart": ["clean.leads"]}  # fmt: skip
        select = f"select 2 as lead_id, 'wang@example.com' as email, {self.stamp.refresh_id} as refresh union all select 1, null, 0"
        replace_table(self.connection, table, select, stamp=self.stamp, inputs=inputs[table])

    def check(self, table: str) -> None:
        """Every blocking check of the table passes."""
        for name in CHECKS[table]:
            self.result(table, name, latest_versions(self.connection)[table].version, is_passed=True)

    def result(
        self,
        table: str,
        check: str,
        version: int,
        *,
        is_passed: bool,
        second: int = 0,
        severity: str = "error",
    ) -> None:
        row = {
            "table_name": table,
            "version": version,
            "refresh_id": self.stamp.refresh_id,
            "check_name": check,
            "fingerprint": CHECKS.get(table, {}).get(check, "x"),
            "test": check,
            "column_name": "lead_id",
            "severity": severity,
            "is_blocking": severity == "error",
            "is_passed": is_passed,
            "message": "fine" if is_passed else "2 of 2 rows do not fit",
            "checked_at": AS_OF + dt.timedelta(seconds=second),
        }
        append_results(self.connection, pl.DataFrame([row]))

    def whole(self) -> None:
        """One refresh in which everything passes."""
        self.refresh()
        for table in ("raw.mql", "staging.stg", "clean.leads", "kpi.mart"):
            self.make(table)
            if table in CHECKS:
                self.check(table)

    def reasons(self) -> list[str]:
        return reasons_not_to_publish(self.connection, ["kpi.mart"], CHECKS)

    def publish(self, table: MartTable = LEADS, **published: Any) -> dict[str, int]:
        row = {
            "as_of": AS_OF,
            "refresh_id": self.stamp.refresh_id,
            "model_version": None,
            "is_first": True,
        } | published
        return publish(
            self.connection,
            self.marts_path,
            [table],
            blocking_checks=CHECKS,
            published=row,
            descriptions=MART_ONLY,
        )

    def fingerprint(self) -> str:
        return hashlib.sha256(self.marts_path.read_bytes()).hexdigest()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        yield Line(connection, tmp_path / "marts.duckdb")


def in_mart(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse(path).connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


# The mart


def test_what_is_published(line: Line) -> None:
    line.whole()
    assert line.publish() == {"data_quality": 4, "published": 1, "scored_leads": 2}
    assert in_mart(line.marts_path, "select * from scored_leads") == [
        (1, None, 10),
        (2, "w***@example.com", 20),
    ]
    assert in_mart(line.marts_path, "select * from published") == [(AS_OF, 1, None, 1)]
    assert in_mart(line.marts_path, "select table_name, check_name, is_passed from data_quality") == [
        ("clean.leads", "unique_id", True),
        ("kpi.mart", "has_rows", True),
        ("kpi.mart", "in_range", True),
        ("raw.mql", "not_null_id", True),
    ]
    assert [path.name for path in line.marts_path.parent.glob("*marts*")] == ["marts.duckdb"]


def test_a_check_that_the_contract_has_no_more_is_gone_from_the_mart(line: Line) -> None:
    line.whole()
    line.result("kpi.mart", "gone", latest_versions(line.connection)["kpi.mart"].version, is_passed=True)
    line.whole()
    assert line.publish()["data_quality"] == 4
    assert in_mart(line.marts_path, "select count(*) from data_quality where check_name = 'gone'") == [(0,)]


def test_no_personal_data_is_in_the_file(line: Line) -> None:
    line.whole()
    line.publish()
    assert b"wang@example.com" not in line.marts_path.read_bytes()


def test_tables_and_columns_say_what_they_mean(line: Line) -> None:
    line.whole()
    line.publish()
    comments = dict(in_mart(line.marts_path, "select table_name, comment from duckdb_tables()"))
    assert comments == {
        "scored_leads": "Leads. Grain: one row per lead.",
        "published": "About this mart.",
        "data_quality": "Checks.",
    }
    columns = dict(
        in_mart(
            line.marts_path, "select column_name, comment from duckdb_columns() where comment is not null"
        )
    )
    assert columns == {
        "lead_id": "Who it is; a person's key",
        "email": "Where to write",
        'odd "name"': "A name that needs quoting",
        "as_of": "Moment, UTC",
        "message": "In words",
    }


def test_the_warehouse_is_left_as_it_was(line: Line) -> None:
    line.whole()
    before = latest_versions(line.connection)
    line.publish()
    assert latest_versions(line.connection) == before
    attached = line.connection.execute(
        "select database_name from duckdb_databases() where not internal"
    ).fetchall()
    assert attached == [("warehouse",)]


# The gate


def remade(table: str) -> str:
    return f"{table} was not checked by {next(iter(CHECKS[table]))} since it was last written"


def failed(line: Line) -> None:
    version = latest_versions(line.connection)["kpi.mart"].version
    line.result("kpi.mart", "in_range", version, is_passed=False, second=9)


def ancestor_failed(line: Line) -> None:
    line.result(
        "raw.mql",
        "not_null_id",
        latest_versions(line.connection)["raw.mql"].version,
        is_passed=False,
        second=9,
    )


def remade_without_check(line: Line) -> None:
    line.make("kpi.mart")


def input_remade(line: Line) -> None:
    line.make("clean.leads")
    line.check("clean.leads")


def ancestor_remade(line: Line) -> None:
    line.make("raw.mql")
    line.check("raw.mql")


def new_refresh(line: Line) -> None:
    line.refresh()


def unchecked(line: Line) -> None:
    line.connection.execute("delete from quality.results where table_name = 'clean.leads'")


def no_results_at_all(line: Line) -> None:
    line.connection.execute("drop table quality.results")


def contract_changed(line: Line) -> None:
    line.connection.execute("update quality.results set fingerprint = 'former' where check_name = 'in_range'")


def other_policy(line: Line) -> None:
    line.stamp = replace(line.stamp, policy_version="former")
    line.make("kpi.mart")
    line.check("kpi.mart")


def warning_that_could_not_run(line: Line) -> None:
    version = latest_versions(line.connection)["kpi.mart"].version
    line.result("kpi.mart", "only_warns", version, is_passed=False)
    line.connection.execute("update quality.results set severity = 'warn' where check_name = 'only_warns'")


def blocking_check_could_not_run(line: Line) -> None:
    blocking_check_found_no_more_than_its_warn_if(line)
    line.connection.execute("update quality.results set is_blocking = true where severity = 'warn'")


def warned_and_the_contract_changed(line: Line) -> None:
    blocking_check_found_no_more_than_its_warn_if(line)
    contract_changed(line)


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (blocking_check_could_not_run, ["kpi.mart failed in_range: 2 of 2 rows do not fit"]),
        (warned_and_the_contract_changed, ["kpi.mart was not checked by in_range since the contract changed"]),
        (contract_changed, ["kpi.mart was not checked by in_range since the contract changed"]),
        (other_policy, ["kpi.mart was made under another policy (former) than the one in force"]),
        (warning_that_could_not_run, ["kpi.mart failed only_warns: 2 of 2 rows do not fit"]),
        (failed, ["kpi.mart failed in_range: 2 of 2 rows do not fit"]),
        (ancestor_failed, ["raw.mql failed not_null_id: 2 of 2 rows do not fit"]),
        (remade_without_check, ["kpi.mart was not checked by has_rows since it was last written", "kpi.mart was not checked by in_range since it was last written"]),
        (input_remade, ["kpi.mart is older than clean.leads, which it is made from"]),
        (ancestor_remade, ["staging.stg is older than raw.mql, which it is made from"]),
        (unchecked, [remade("clean.leads")]),
        (no_results_at_all, [remade("clean.leads"), remade("kpi.mart"), "kpi.mart was not checked by in_range since it was last written", remade("raw.mql")]),
        (new_refresh, ["clean.leads is of refresh 1, the newest is refresh 2", "kpi.mart is of refresh 1, the newest is refresh 2", "raw.mql is of refresh 1, the newest is refresh 2", "raw.mql is older than raw.refreshes, which it is made from", "staging.stg is of refresh 1, the newest is refresh 2"]),
    ],
)  # fmt: skip
def test_the_gate_refuses_and_the_mart_stays(line: Line, change: Any, reasons: list[str]) -> None:
    line.whole()
    line.publish()
    before = line.fingerprint()
    change(line)
    assert line.reasons() == reasons
    with pytest.raises(PublishRefusedError) as caught:
        line.publish()
    assert str(caught.value).startswith(f"{line.marts_path} stays as it was, because {reasons[0]}")
    assert str(caught.value).endswith("mend the data or the contract and run the refresh again.")
    assert line.fingerprint() == before
    assert [path.name for path in line.marts_path.parent.glob("*marts*")] == ["marts.duckdb"]


def test_nothing_was_ever_made(line: Line) -> None:
    assert line.reasons() == ["kpi.mart was never made"]
    with pytest.raises(PublishRefusedError, match=r"kpi\.mart was never made"):
        line.publish()
    assert not line.marts_path.exists()


def test_many_reasons_are_counted(line: Line) -> None:
    line.whole()
    line.refresh()
    line.connection.execute("drop table quality.results")
    with pytest.raises(PublishRefusedError) as caught:
        line.publish()
    assert len(line.reasons()) == 9
    assert caught.value.problem.count(";") == 5
    assert caught.value.problem.endswith("; and 4 more")


def mended_and_remade(line: Line) -> None:
    failed(line)
    line.make("kpi.mart")
    line.check("kpi.mart")


def checked_again(line: Line) -> None:
    failed(line)
    line.result(
        "kpi.mart",
        "in_range",
        latest_versions(line.connection)["kpi.mart"].version,
        is_passed=True,
        second=10,
    )


def only_warned(line: Line) -> None:
    version = latest_versions(line.connection)["kpi.mart"].version
    line.result("kpi.mart", "unusual", version, is_passed=False, second=10, severity="warn")


def blocking_check_found_no_more_than_its_warn_if(line: Line) -> None:
    version = latest_versions(line.connection)["kpi.mart"].version
    line.result("kpi.mart", "in_range", version, is_passed=False, second=10, severity="warn")


def unrelated_failed(line: Line) -> None:
    replace_table(line.connection, "kpi.other", "select 1 as id", stamp=line.stamp, inputs=["clean.leads"])
    line.result(
        "kpi.other", "has_rows", latest_versions(line.connection)["kpi.other"].version, is_passed=False
    )


def whole_again(line: Line) -> None:
    line.whole()


@pytest.mark.parametrize(
    "change",
    [
        mended_and_remade,
        checked_again,
        only_warned,
        blocking_check_found_no_more_than_its_warn_if,
        unrelated_failed,
        whole_again,
    ],
)
def test_the_gate_lets_through(line: Line, change: Any) -> None:
    line.whole()
    line.publish()
    change(line)
    assert line.reasons() == []
    line.publish()
    assert in_mart(line.marts_path, "select refresh_id from published") == [(line.stamp.refresh_id,)]


def test_passed_then_failed_at_one_moment_is_failed(line: Line) -> None:
    line.whole()
    version = latest_versions(line.connection)["kpi.mart"].version
    line.result("kpi.mart", "in_range", version, is_passed=False, second=9)
    line.result("kpi.mart", "in_range", version, is_passed=True, second=9)
    assert line.reasons() == ["kpi.mart failed in_range: 2 of 2 rows do not fit"]


def test_an_old_pass_does_not_stand_for_a_new_table(line: Line) -> None:
    """As when a run is killed between a write and its checks."""
    line.whole()
    line.make("kpi.mart")
    line.result("kpi.mart", "has_rows", 1, is_passed=True, second=99)
    assert "kpi.mart was not checked by has_rows since it was last written" in line.reasons()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, ["a.z"]),
        ({"a.z": {"a.y": 1}, "a.y": {"a.x": 1}, "b.b": {}}, ["a.x", "a.y", "a.z"]),
        ({"a.z": {"a.y": 1, "a.x": 1}, "a.y": {"a.x": 1}}, ["a.x", "a.y", "a.z"]),
        ({"a.z": {"a.z": 1}}, ["a.z"]),
    ],
)
def test_lineage(inputs: dict[str, dict[str, int]], expected: list[str]) -> None:
    versions = {name: TableVersion(name, 1, 1, AS_OF, 0, made_from) for name, made_from in inputs.items()}
    assert lineage(versions, ["a.z"]) == expected


# Replacing the file

READER = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print(connection.execute("select refresh_id from published").fetchall(), flush=True)
sys.stdin.readline()
print(connection.execute("select refresh_id, (select count(*) from scored_leads) from published").fetchall(), flush=True)
"""


def test_a_reader_keeps_the_mart_it_opened(line: Line) -> None:
    line.whole()
    line.publish()
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(line.marts_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    try:
        assert reader.stdout.readline() == "[(1,)]\n"
        line.whole()
        line.publish()
        assert in_mart(line.marts_path, "select refresh_id from published") == [(2,)]
        out, _ = reader.communicate("\n", timeout=60)
        assert out == "[(1, 2)]\n", "the reader still sees the mart that it opened, whole"
    finally:
        reader.kill()
        reader.communicate()


SCRIBBLER = """
import os, sys
import duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table scratch as select 1 as id")
os.kill(os.getpid(), 9)
"""


def test_a_log_that_a_bi_tool_left_does_not_spoil_the_next_mart(line: Line) -> None:
    line.whole()
    line.publish()
    subprocess.run([sys.executable, "-c", SCRIBBLER, str(line.marts_path)], check=False)
    assert line.marts_path.with_name("marts.duckdb.wal").exists(), "what this test is about"
    line.whole()
    line.publish()
    assert in_mart(line.marts_path, "select refresh_id from published") == [(2,)]
    assert (
        in_mart(line.marts_path, "select table_name from duckdb_tables() where table_name = 'scratch'") == []
    )


def test_what_a_killed_publish_left_is_cleared_away(line: Line) -> None:
    line.whole()
    for name in (".marts.duckdb.123.new", ".marts.duckdb.123.new.wal", ".marts.duckdb.new"):
        (line.marts_path.parent / name).write_text("left over")
    line.publish()
    assert sorted(path.name for path in line.marts_path.parent.glob(".marts*")) == [".marts.duckdb.new"]


def test_a_mart_that_cannot_be_written_leaves_the_old_one(line: Line) -> None:
    line.whole()
    line.publish()
    before = line.fingerprint()
    broken = replace(LEADS, columns=(*LEADS.columns, MartColumn("gone", '"no_such_column"', "")))
    with pytest.raises(WarehouseError) as caught:
        line.publish(broken)
    assert caught.value.problem.startswith(
        f"{line.marts_path} stays as it was, because the new mart cannot be written (Binder Error"
    )
    assert line.fingerprint() == before
    assert list(line.marts_path.parent.glob(".marts*")) == []
    line.publish()  # the connection is as good as new


def test_a_folder_in_the_marts_place(line: Line) -> None:
    line.whole()
    line.marts_path.mkdir()
    with pytest.raises(WarehouseError, match=r"the new mart cannot be written \(.*directory"):
        line.publish()
    assert list(line.marts_path.parent.glob(".marts*")) == []


def test_a_folder_that_is_not_there(line: Line) -> None:
    line.whole()
    line.marts_path = line.marts_path.parent / "nowhere" / "marts.duckdb"
    with pytest.raises(WarehouseError, match="the new mart cannot be written"):
        line.publish()


def test_a_path_that_looks_like_sql(line: Line) -> None:
    folder = line.marts_path.parent / "it's; drop table raw.mql; --"
    folder.mkdir()
    line.marts_path = folder / "marts.duckdb"
    line.whole()
    line.publish()
    assert in_mart(line.marts_path, "select count(*) from scored_leads") == [(2,)]


KILLED = """
import os, sys
from pathlib import Path
from leadflow.warehouse import publish as module
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.publish import MartColumn, MartTable, publish
module._flush = lambda path: os.kill(os.getpid(), 9)
table = MartTable("scored_leads", "kpi.mart", (MartColumn("lead_id", "lead_id + 100", ""),), "", ())
with Warehouse(Path(sys.argv[1])).connect() as connection:
    publish(connection, Path(sys.argv[2]), [table], blocking_checks={}, published={"refresh_id": 9}, descriptions={})
"""


def test_a_publish_killed_midway_leaves_the_old_mart(tmp_path: Path) -> None:
    marts_path = tmp_path / "marts.duckdb"
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        line = Line(connection, marts_path)
        line.whole()
        line.publish()
        before = line.fingerprint()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(warehouse.path), str(marts_path)],
        env=os.environ | {"PYTHONPATH": str(Path(leadflow.__file__).parent.parent)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".marts*.new"))) == 1, "it was written, and not yet renamed"
    assert hashlib.sha256(marts_path.read_bytes()).hexdigest() == before
    with warehouse.connect() as connection:
        line = Line(connection, marts_path)
        line.whole()
        line.publish()
    assert list(tmp_path.glob(".marts*")) == []
    assert in_mart(marts_path, "select refresh_id from published") == [(2,)]
