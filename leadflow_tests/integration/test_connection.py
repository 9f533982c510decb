"""Connections: short, always closed, and with errors that name the file and what to do."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from leadflow.errors import WarehouseError, WarehouseLockedError
from leadflow.settings import Settings
from leadflow.warehouse.connection import Warehouse, query, quote, scalar

HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


@contextmanager
def held_by_another_process(path: Path, *, how: str = "write", seconds: float = 60) -> Iterator[int]:
    """Another process has the file open; gives its process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), how, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse that exists."""
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        connection.execute("create table t as select 1 as id")
    return tmp_path / "warehouse.duckdb"


@pytest.mark.parametrize("is_read_only", [False, True])
@pytest.mark.parametrize("how", ["write", "read"])
def test_another_program_that_holds_the_warehouse_is_named(path: Path, how: str, is_read_only: bool) -> None:
    warehouse = Warehouse(path, connect_wait_seconds=0.3)
    with held_by_another_process(path, how=how) as pid:
        if how == "read" and is_read_only:
            with warehouse.connect(read_only=True) as connection:
                assert scalar(connection, "select id from t") == 1
            return
        with pytest.raises(WarehouseLockedError) as caught, warehouse.connect(read_only=is_read_only):
            pass
    assert caught.value.problem.startswith(f"{path} is locked by ")
    assert "python" in caught.value.problem
    assert caught.value.problem.endswith(f"(PID {pid})")
    assert caught.value.remedy.startswith(
        "close the other program's connection; BI tools belong on marts.duckdb"
    )
    with warehouse.connect() as connection:
        assert scalar(connection, "select id from t") == 1, "free once the other has gone"


def test_a_program_that_lets_go_in_time_is_waited_for(path: Path) -> None:
    with held_by_another_process(path, seconds=1.0):
        started = time.monotonic()
        with Warehouse(path, connect_wait_seconds=30).connect() as connection:
            assert scalar(connection, "select id from t") == 1
        assert time.monotonic() - started > 0.2


def test_the_wait_is_bounded(path: Path) -> None:
    with held_by_another_process(path):
        started = time.monotonic()
        with pytest.raises(WarehouseLockedError), Warehouse(path, connect_wait_seconds=0).connect():
            pass
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_file_that_is_no_database(tmp_path: Path, is_read_only: bool) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("id,name\n1,a\n" * 1000)
    with pytest.raises(WarehouseError) as caught, Warehouse(path).connect(read_only=is_read_only):
        pass
    assert caught.value.problem.startswith(f"{path} cannot be opened (")
    assert "not a valid DuckDB database file" in caught.value.problem
    assert caught.value.remedy == (
        "check that the file is a DuckDB database and its folder is writable, or move it away to start anew"
    )
    assert path.read_text().startswith("id,name"), "it is left as it was"


def test_a_database_cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])
    with (
        pytest.raises(WarehouseError, match=r"warehouse.duckdb cannot be opened \("),
        Warehouse(path).connect(),
    ):
        pass


def test_no_warehouse_yet(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with pytest.raises(WarehouseError) as caught, Warehouse(path).connect(read_only=True):
        pass
    assert str(caught.value) == f"{path} does not exist: run `leadflow run` or `leadflow demo` first."
    assert not path.exists()


@pytest.mark.parametrize("place", ["nowhere/warehouse.duckdb", "file/warehouse.duckdb", "folder"])
def test_a_place_where_no_file_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WarehouseError, match=r"cannot be opened \("), Warehouse(tmp_path / place).connect():
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(WarehouseError, match="cannot be opened"),
            Warehouse(tmp_path / "w.duckdb").connect(),
        ):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_connection_is_closed_whatever_happens(path: Path) -> None:
    warehouse = Warehouse(path)
    with pytest.raises(ZeroDivisionError), warehouse.connect() as connection:
        1 / 0  # noqa: B018
    with pytest.raises(Exception, match="closed"):
        connection.execute("select 1")
    with warehouse.connect(read_only=True) as reader:  # impossible while a writer of this process is open
        assert scalar(reader, "select 1") == 1


def test_a_reader_cannot_write(path: Path) -> None:
    with Warehouse(path).connect(read_only=True) as connection, pytest.raises(Exception, match="read-only"):
        connection.execute("insert into t values (2)")


def test_the_limits_are_duckdbs(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        threads=1,
        memory_limit="200MiB",
        temp_directory=tmp_path / "spill",
        connect_wait_seconds=1,
    )
    warehouse = Warehouse.from_settings(settings)
    assert warehouse.path == tmp_path / "warehouse.duckdb"
    assert warehouse.connect_wait_seconds == 1
    with warehouse.connect() as connection:
        limits = connection.execute(
            "select current_setting('threads'), current_setting('memory_limit'), current_setting('temp_directory'), "
            "current_setting('autoinstall_known_extensions'), current_setting('timezone')"
        ).fetchone()
    assert limits == (1, "200.0 MiB", str(tmp_path / "spill"), False, "UTC")


def test_what_does_not_fit_in_memory_spills_to_the_homes_own_folder(tmp_path: Path) -> None:
    warehouse = Warehouse.from_settings(Settings(home=tmp_path, threads=1, memory_limit="60MB"))
    spilled: set[Path] = set()
    with warehouse.connect() as connection:
        connection.execute(
            "create table big as select md5(range::varchar) as a, range as b from range(1000000)"
        )
        rows = connection.execute("select a, b from big order by a")
        while rows.fetchmany(100_000):
            spilled.update((tmp_path / "tmp").glob("*"))
    assert spilled


@contextmanager
def counted_openings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the files that are opened within the block, in order."""
    opened: list[str] = []
    connect = duckdb.connect

    def counted(database: str, **named: Any) -> duckdb.DuckDBPyConnection:
        if database != ":memory:":
            opened.append(Path(database).name)
        return connect(database, **named)

    with monkeypatch.context() as patch:
        patch.setattr(duckdb, "connect", counted)
        yield opened


def is_free(path: Path) -> bool:
    """Whether another process could open the file now."""
    done = subprocess.run([sys.executable, "-c", HOLD, str(path), "write", "0"], capture_output=True, check=False)  # fmt: skip
    return done.returncode == 0


def test_a_lingering_file_is_opened_once_and_let_go_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(path)
    with counted_openings(monkeypatch) as opened, warehouse.lingering():
        assert not opened, "not before somebody needs it"
        for number in range(2, 12):
            with warehouse.connect() as connection:
                connection.execute("create temp table own as select 1")
                connection.execute("insert into t values (?)", [number])
            same = Warehouse(path, connect_wait_seconds=0)
            assert same.read("select max(id) from t").item() == number
            with same.sqlalchemy_engine() as engine, engine.connect() as read:
                assert read.exec_driver_sql("select count(*) from t").scalar() == number
    assert opened == ["warehouse.duckdb"]
    assert is_free(path)
    with warehouse.connect(read_only=True) as reader, pytest.raises(Exception, match="read-only"):
        reader.execute("insert into t values (0)")


def test_a_lingering_file_that_nobody_uses_is_closed(path: Path) -> None:
    with Warehouse(path).lingering():
        with Warehouse(path).connect() as connection:
            connection.execute("insert into t values (2)")
        assert not is_free(path)
        time.sleep(1)
        assert is_free(path), "half a second after the last connection"
        with Warehouse(path).connect() as connection:
            assert scalar(connection, "select count(*) from t") == 2


def test_who_waits_for_a_busy_lingering_file_is_let_in(path: Path) -> None:
    read = "from leadflow.warehouse.connection import *; print(Warehouse(Path(sys.argv[1])).read('select 7 from t').item())"
    with Warehouse(path).lingering():
        with Warehouse(path).connect():
            reader = subprocess.Popen(
                [sys.executable, "-c", f"import sys; {read}", str(path)], stdout=subprocess.PIPE, text=True
            )
        started = time.monotonic()
        while reader.poll() is None and time.monotonic() - started < 30:
            with Warehouse(path).connect() as connection:
                scalar(connection, "select 1")
        assert reader.communicate(timeout=1)[0].strip() == "7"


def test_a_large_file_does_not_linger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadflow.warehouse.lingering._LARGEST_BYTES", 1000)
    with counted_openings(monkeypatch) as opened, Warehouse(path).lingering():
        for _ in range(3):
            with Warehouse(path).connect() as connection:
                assert scalar(connection, "select id from t") == 1
            assert is_free(path)
        with (
            Warehouse(path).connect(read_only=True) as reader,
            held_by_another_process(path, how="read"),
            pytest.raises(Exception, match="read-only"),
        ):
            reader.execute("insert into t values (2)")
    assert len(opened) == 4


def test_a_file_that_was_removed_does_not_linger(path: Path) -> None:
    with Warehouse(path).lingering():
        with Warehouse(path).connect() as connection:
            path.unlink()
            assert scalar(connection, "select id from t") == 1
        with Warehouse(path).connect() as connection:
            connection.execute("create table t as select 2 as id")
    with Warehouse(path).connect() as connection:
        assert scalar(connection, "select id from t") == 2


def test_a_file_that_is_not_there_yet_is_not_made_by_reading(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.lingering():
        with pytest.raises(WarehouseError, match="does not exist"), warehouse.connect(read_only=True):
            pass
        assert not warehouse.path.exists()


def test_a_file_that_cannot_be_opened_does_not_linger(path: Path) -> None:
    warehouse = Warehouse(path, connect_wait_seconds=0.1)
    with warehouse.lingering():
        with held_by_another_process(path), pytest.raises(WarehouseLockedError), warehouse.connect():
            pass
        with warehouse.connect() as connection:
            assert scalar(connection, "select id from t") == 1


def test_reading(path: Path) -> None:
    warehouse = Warehouse(path)
    frame = warehouse.read("select id, ? as word from t", ["a"])
    assert frame.equals(pl.DataFrame({"id": [1], "word": ["a"]}, schema={"id": pl.Int32, "word": pl.String}))
    assert warehouse.read_arrow("select id from t").to_pydict() == {"id": [1]}
    with warehouse.connect() as connection:
        assert query(connection, "select * from t where false").height == 0
        assert scalar(connection, "select id from t where false") is None
        assert scalar(connection, "select ? + 1", [2]) == 3
        assert query(connection, "select 1 as one").height == 1, (
            "nothing is left unread that would be in the way"
        )


def test_instants_are_utc_and_naive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        with Warehouse(path).connect() as connection:
            instant = scalar(connection, "select cast(timestamptz '2026-01-05 10:00:00+02' as timestamp)")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert instant == dt.datetime(2026, 1, 5, 8)  # noqa: DTZ001 - instants are naive UTC throughout


def test_an_engine_for_libraries(path: Path) -> None:
    import sqlalchemy

    with Warehouse(path).sqlalchemy_engine() as engine, engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select id from t")).scalar() == 1
    with Warehouse(path).connect() as writer:
        writer.execute("insert into t values (2)")


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("raw.mql", '"raw"."mql"'),
        ("mql", '"mql"'),
        ('raw.m"; drop table x; --', '"raw"."m""; drop table x; --"'),
    ],
)
def test_quote(name: str, quoted: str) -> None:
    assert quote(name) == quoted
