"""What leadflow leans on in DuckDB, filelock, Dagster and the system: an upgrade that changes it is told by name.

Belongs here: behaviour of others' code, tried alone. Does not belong here: leadflow's own.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
from filelock import FileLock, Timeout

TEN_IN_THE_EVENING = dt.datetime(2025, 12, 31, 22)  # noqa: DTZ001 - instants are naive UTC throughout


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = duckdb.connect()
    opened.execute("set timezone = 'UTC'")
    yield opened
    opened.close()


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process that has begun to do its work: it printed a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]


# DuckDB: connections and files


def test_a_writer_shuts_out_every_other_process_and_says_who_it_is(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('ready', flush=True); sys.stdin.readline()"
    writer = python(code, path)
    try:
        for is_read_only in (False, True):
            with pytest.raises(duckdb.IOException) as caught:
                duckdb.connect(str(path), read_only=is_read_only)
            assert "Could not set lock on file" in str(caught.value)
            assert f"Conflicting lock is held in {Path(sys.executable).resolve()} (PID {writer.pid})" in str(
                caught.value
            )
    finally:
        writer.kill()
        writer.communicate()
    duckdb.connect(str(path)).close()


def test_a_reader_shuts_out_writers_and_no_readers(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    duckdb.connect(str(path)).close()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('ready', flush=True); sys.stdin.readline()"
    reader = python(code, path)
    try:
        duckdb.connect(str(path), read_only=True).close()
        with pytest.raises(duckdb.IOException, match="Could not set lock"):
            duckdb.connect(str(path))
    finally:
        reader.kill()
        reader.communicate()


def test_one_process_cannot_read_and_write_by_two_kinds_of_connection(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    writer = duckdb.connect(path)
    with pytest.raises(duckdb.ConnectionException, match="different configuration"):
        duckdb.connect(path, read_only=True)
    again = duckdb.connect(path)
    again.close()
    writer.close()


def test_a_killed_writers_commit_is_there_for_a_reader(tmp_path: Path) -> None:
    """A read-only connection replays the log; otherwise every read after a kill would have to write first."""
    path = tmp_path / "w.duckdb"
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table t as select 1 as id'); "
        "c.execute('begin'); c.execute('insert into t values (2)'); print('ready', flush=True); sys.stdin.readline()"
    )
    writer = python(code, path)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert path.with_name("w.duckdb.wal").exists()
    reader = duckdb.connect(str(path), read_only=True)
    assert reader.execute("select id from t").fetchall() == [(1,)]
    reader.close()


def test_a_file_renamed_over_an_open_one_is_seen_by_new_processes_only(tmp_path: Path) -> None:
    old, new = tmp_path / "m.duckdb", tmp_path / "new.duckdb"
    for path, number in ((old, 1), (new, 2)):
        made = duckdb.connect(str(path))
        made.execute(f"create table t as select {number} as id")
        made.close()
    code = """
import duckdb, sys
c = duckdb.connect(sys.argv[1], read_only=True)
print("ready", flush=True)
sys.stdin.readline()
second = duckdb.connect(sys.argv[1], read_only=True)
print(c.execute("select id from t").fetchall(), second.execute("select id from t").fetchall())
c.close(); second.close()
print(duckdb.connect(sys.argv[1], read_only=True).execute("select id from t").fetchall())
"""
    reader = python(code, old)
    new.replace(old)
    fresh = duckdb.connect(str(old), read_only=True)
    assert fresh.execute("select id from t").fetchall() == [(2,)]
    fresh.close()
    out, _ = reader.communicate("\n", timeout=60)
    assert out.splitlines() == ["[(1,)] [(1,)]", "[(2,)]"], (
        "a process has the old one until its last connection closes"
    )


def test_a_log_of_another_file_makes_a_database_unreadable(tmp_path: Path) -> None:
    """Why publishing deletes the log beside the mart."""
    path, new = tmp_path / "m.duckdb", tmp_path / "new.duckdb"
    for each in (path, new):
        made = duckdb.connect(str(each))
        made.execute("create table t as select 1 as id")
        made.close()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table x (id int)'); print('ready', flush=True); sys.stdin.readline()"
    writer = python(code, path)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    new.replace(path)
    with pytest.raises(duckdb.IOException, match="WAL does not match database file"):
        duckdb.connect(str(path), read_only=True)


# DuckDB: results and transactions


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.sql("select 2").fetchall(),
        lambda c: c.register("rows", pl.DataFrame({"a": [1]})),
    ],
)
def test_an_unread_result_is_in_the_way(
    connection: duckdb.DuckDBPyConnection, use: Callable[[Any], object]
) -> None:
    connection.execute("select 1").fetchone()
    with pytest.raises(Exception, match="unfinished result"):
        use(connection)
    connection.execute("select 1").fetchall()
    use(connection)


def test_relations_give_polars_and_cursors_do_not(connection: duckdb.DuckDBPyConnection) -> None:
    frame = connection.sql("select 1::bigint as a, 'x' as b, timestamp '2026-01-01' as c").pl()
    assert frame.schema == {"a": pl.Int64, "b": pl.String, "c": pl.Datetime("us")}
    assert connection.sql("select ? + 1 as a", params=[2]).pl().item() == 3


def test_an_aborted_transaction_refuses_everything_but_a_rollback(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("begin")
    connection.register("rows", pl.DataFrame({"a": [1]}))
    with pytest.raises(duckdb.ConversionException):
        connection.execute("select cast('x' as integer)").fetchall()
    with pytest.raises(duckdb.TransactionException, match="aborted"):
        connection.unregister("rows")
    connection.execute("rollback")
    with pytest.raises(duckdb.CatalogException):
        connection.execute("select * from rows")


def test_tables_are_made_and_dropped_within_a_transaction(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table t as select 1 as id")
    connection.execute("begin")
    connection.execute("create or replace table t as select 'a' as name")
    connection.execute("drop table t")
    connection.execute("create view t as select 3 as id")
    connection.execute("rollback")
    assert one(connection, "select id from t") == 1


def test_create_or_replace_does_not_turn_a_table_into_a_view(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table t as select 1 as id")
    with pytest.raises(duckdb.CatalogException):
        connection.execute("create or replace view t as select 1 as id")


def test_merge_into(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table t as select * from (values (1, 'a', 5), (2, 'b', 5)) as t(id, name, known)"
    )
    connection.execute(
        "merge into t using (select * from (values (1, 'A', 6), (2, 'B', 4), (3, 'C', 1)) as s(id, name, known)) as s "
        "on t.id = s.id when matched and s.known >= t.known then update set name = s.name, known = s.known "
        "when not matched then insert (id, name, known) values (s.id, s.name, s.known)"
    )
    assert connection.execute("select id, name from t order by id").fetchall() == [
        (1, "A"),
        (2, "b"),
        (3, "C"),
    ]


def test_merge_into_without_a_clause_for_matches(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table t as select 1 as id")
    connection.execute(
        "merge into t using (select unnest([1, 2]) as id) as s on t.id = s.id when not matched then insert (id) values (s.id)"
    )
    assert connection.execute("select id from t order by id").fetchall() == [(1,), (2,)]


def test_a_null_key_never_matches(connection: duckdb.DuckDBPyConnection) -> None:
    """Why an upsert refuses keys that are null: they would be inserted again and again."""
    connection.execute("create table t (id integer)")
    for _ in range(2):
        connection.execute(
            "merge into t using (select null::integer as id) as s on t.id = s.id when not matched then insert (id) values (s.id)"
        )
    assert one(connection, "select count(*) from t") == 2


def test_arg_max_passes_over_nulls(connection: duckdb.DuckDBPyConnection) -> None:
    """Why the newest version is found by row_number()."""
    assert one(connection, "select arg_max(a, v) from (values (null, 2), (1, 1)) as t(a, v)") == 1
    assert one(connection, "select arg_max_null(a, v) from (values (null, 2), (1, 1)) as t(a, v)") is None


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("try_cast('x' as integer)", None),
        ("try_cast('3.7' as integer)", 4),
        ("try_cast('0000-00-00' as timestamp)", None),
        ("try_cast('2026-02-30' as timestamp)", None),
        ("cast(try_cast('20226-01-01' as timestamptz) as timestamp) > timestamp '2200-01-01'", True),
        ("cast(try_cast('infinity' as timestamptz) as timestamp) > timestamp '2200-01-01'", True),
        # An offset counts on the way over timestamptz only.
        ("cast(try_cast('2026-01-01T00:00:00+02:00' as timestamptz) as timestamp)", TEN_IN_THE_EVENING),
        ("try_cast('2026-01-01T00:00:00+02:00' as timestamp)", TEN_IN_THE_EVENING + dt.timedelta(hours=2)),
        ("try(cast('x' as integer) * 60)", None),
        ("try_cast('yes' as boolean)", True),
        ("try_cast('on' as boolean)", None),
        ("nullif(trim('  '), '')", None),
    ],
)
def test_casts(connection: duckdb.DuckDBPyConnection, sql: str, value: object) -> None:
    assert one(connection, f"select {sql}") == value


def test_row_number_over_nothing_counts_in_the_order_of_the_file(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text("id\n" + "".join(f"{number}\n" for number in range(300_000)))
    connection.execute(
        f"create table t as select *, row_number() over () as place from read_csv('{tmp_path}/x.csv')"
    )
    assert one(connection, "select count(*) from t where id + 1 <> place") == 0


# DuckDB: CSV


def test_the_sniffer_takes_late_quotes_for_data(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Why files.py says the dialect itself. Where this fails, DuckDB has mended it, and files.py could be shorter."""
    (tmp_path / "x.csv").write_text(
        "id,name\n" + "".join(f"{n},x\n" for n in range(25_000)) + '25000,"a,b"\n'
    )
    with pytest.raises(duckdb.InvalidInputException, match="Expected Number of Columns"):
        connection.execute(
            f"select count(*) from read_csv('{tmp_path}/x.csv', header = true, all_varchar = true)"
        ).fetchall()


def test_a_path_is_a_pattern_unless_its_brackets_are_in_brackets(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "a [1].csv").write_text("id\nright\n")
    (tmp_path / "a 1.csv").write_text("id\nwrong\n")
    assert one(connection, f"select id from read_csv('{tmp_path}/a [1].csv', header = true)") == "wrong"
    assert one(connection, f"select id from read_csv('{tmp_path}/a [[]1].csv', header = true)") == "right"


def test_rejected_lines_are_kept_with_their_place(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Lines are counted with the header, rejected and blank ones, but a line break within quotes begins no new one."""
    (tmp_path / "x.csv").write_text('id,a,b\n1,"x\ny",z\n2,short\n\n3,too,many,fields,here\n4,x,y\n')
    connection.execute(
        f"create table t as select * from read_csv('{tmp_path}/x.csv', auto_detect = false, header = true, delim = ',', "
        "quote = '\"', escape = '\"', columns = {'id': 'VARCHAR', 'a': 'VARCHAR', 'b': 'VARCHAR'}, store_rejects = true, "
        "rejects_table = 'errors', rejects_scan = 'scans', rejects_limit = 0)"
    )
    assert connection.execute("select id, a from t").fetchall() == [("1", "x\ny"), ("4", "x")]
    errors = connection.execute(
        "select line, column_name, column_idx, error_type, error_message, csv_line from errors order by line, column_idx"
    ).fetchall()
    assert errors == [
        (3, "b", 2, "MISSING COLUMNS", "Expected Number of Columns: 3 Found: 2", "2,short"),
        (
            5,
            None,
            4,
            "TOO MANY COLUMNS",
            "Expected Number of Columns: 3 Found: 4",
            "\n3,too,many,fields,here",
        ),
        (
            5,
            None,
            5,
            "TOO MANY COLUMNS",
            "Expected Number of Columns: 3 Found: 5",
            "\n3,too,many,fields,here",
        ),
    ]


def test_encodings_without_an_extension(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """What read_options.encoding may be without a copy, and why UTF-16 is copied: of its two byte orders one is lost."""
    (tmp_path / "x.csv").write_bytes(b"\xfe\xff" + "id\nü\n".encode("utf-16-be"))
    read = f"select id from read_csv('{tmp_path}/x.csv', columns = {{id: 'VARCHAR'}}, header = true, encoding = 'utf-16')"
    assert connection.execute(read).fetchall() == []
    for encoding in ("utf-8", "utf-16", "latin-1"):
        (tmp_path / "x.csv").write_bytes("id\nü\n".encode(encoding))
        assert (
            one(
                connection,
                f"select id from read_csv('{tmp_path}/x.csv', header = true, encoding = '{encoding}')",
            )
            == "ü"
        )
    with pytest.raises(duckdb.Error, match="cp1252"):
        connection.execute(f"select id from read_csv('{tmp_path}/x.csv', encoding = 'cp1252')").fetchall()


def test_no_extension_is_fetched(tmp_path: Path) -> None:
    offline = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    with pytest.raises(duckdb.Error):
        offline.execute("select * from read_csv('https://example.invalid/x.csv')")
    assert (
        one(offline, "select count(*) from duckdb_extensions() where loaded and extension_name = 'httpfs'")
        == 0
    )
    offline.close()


# filelock


def test_a_lock_is_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    code = "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print('ready', flush=True); sys.stdin.readline()"
    first = python(code, path)
    lock = FileLock(path)
    with pytest.raises(Timeout):
        lock.acquire(timeout=0)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert path.exists(), "the file stays; what is locked is not its being there"
    started = time.monotonic()
    lock.acquire(timeout=5)
    assert time.monotonic() - started < 2
    lock.release()
    assert path.exists(), "unlinking it would let two processes lock two files of one name"


def test_two_locks_of_one_process_shut_each_other_out(tmp_path: Path) -> None:
    with FileLock(tmp_path / "x.lock"), pytest.raises(Timeout):
        FileLock(tmp_path / "x.lock").acquire(timeout=0)


# Dagster


def test_a_resource_lives_from_before_the_first_step_to_after_the_last_check() -> None:
    """What holds the refresh lock for a whole run with the in-process executor."""
    seen: list[str] = []

    @dg.resource
    def held(_: dg.InitResourceContext) -> Iterator[str]:
        seen.append("taken")
        yield "held"
        seen.append("freed")

    def asset_of(name: str, *deps: dg.AssetsDefinition) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps, required_resource_keys={"held"})
        def made() -> None:
            seen.append(name)

        return made

    a = asset_of("a")
    b = asset_of("b", a)

    @dg.asset_check(asset=b, required_resource_keys={"held"})
    def check() -> dg.AssetCheckResult:
        seen.append("check")
        return dg.AssetCheckResult(passed=True)

    definitions = dg.Definitions(
        assets=[a, b], asset_checks=[check], resources={"held": held}, executor=dg.in_process_executor
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process().success
    assert seen == ["taken", "a", "b", "check", "freed"]


@pytest.mark.parametrize(
    ("severity", "is_blocking", "is_downstream_run"),
    [("ERROR", True, False), ("WARN", True, True), ("ERROR", False, True)],
)
def test_only_a_blocking_error_stops_what_is_downstream(
    severity: str, is_blocking: bool, is_downstream_run: bool
) -> None:
    ran: list[str] = []

    @dg.asset
    def up() -> None:
        ran.append("up")

    @dg.asset(deps=[up])
    def down() -> None:
        ran.append("down")

    @dg.multi_asset_check(specs=[dg.AssetCheckSpec("fits", asset=up, blocking=is_blocking)])
    def fits() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(
            check_name="fits", asset_key="up", passed=False, severity=dg.AssetCheckSeverity[severity]
        )

    definitions = dg.Definitions(assets=[up, down], asset_checks=[fits], executor=dg.in_process_executor)
    job = definitions.resolve_implicit_global_asset_job_def()
    job.execute_in_process(raise_on_error=False)
    assert ("down" in ran) == is_downstream_run
    # A later run of what is downstream alone goes ahead: the gate has to read the results for itself.
    ran.clear()
    assert dg.materialize([up, down], selection=["down"]).success
    assert ran == ["down"]


# The system


def test_a_file_is_replaced_while_it_is_open(tmp_path: Path) -> None:
    old, new = tmp_path / "a", tmp_path / "b"
    old.write_text("old")
    new.write_text("new")
    with old.open() as reader:
        os.replace(new, old)  # noqa: PTH105 - what publish leans on, by its name
        assert (reader.read(), old.read_text()) == ("old", "new")
