"""Writing tables: whole, upserted or as views, each with its version, all or nothing; and the refreshes they belong to."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest

import leadflow
from leadflow.errors import WarehouseError
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.refreshes import Refresh, current_refresh, open_refresh
from leadflow.warehouse.tables import (
    Stamp,
    append_results,
    columns_of,
    ensure_system_tables,
    key_ranges,
    latest_versions,
    merge_rows,
    read_range,
    record_version,
    replace_table,
    replace_view,
    sample,
    table_exists,
    transaction,
    upsert,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AS_OF = dt.datetime(2026, 6, 30)  # noqa: DTZ001 - instants are naive UTC throughout
STAMP = Stamp(1, AS_OF, "run", "1.0")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as opened:
        yield opened


def rows(connection: DuckDBPyConnection, table: str = "clean.t") -> list[tuple[Any, ...]]:
    return connection.execute(f"select * from {table}").fetchall()


@pytest.mark.parametrize(
    "content",
    [
        "select * from (values (2, 'b'), (1, 'a')) as t(id, name) -- the end",
        pl.DataFrame({"id": [2, 1], "name": ["b", "a"]}),
        pa.table({"id": [2, 1], "name": ["b", "a"]}),
    ],
)
def test_a_table_is_replaced_whatever_its_rows_come_as(connection: DuckDBPyConnection, content: Any) -> None:
    replace_table(connection, "clean.t", "select 'other' as other", stamp=STAMP)
    version = replace_table(connection, "clean.t", content, stamp=STAMP, order_by=["id"])
    assert rows(connection) == [(1, "a"), (2, "b")]
    assert (version.version, version.row_count, version.refresh_id, version.as_of) == (2, 2, 1, AS_OF)
    assert latest_versions(connection) == {"clean.t": version}


def test_versions_are_one_running_number_over_all_tables(connection: DuckDBPyConnection) -> None:
    replace_table(connection, "clean.a", "select 1 as id", stamp=STAMP)
    replace_table(connection, "clean.b", "select id from clean.a", stamp=STAMP, inputs=["clean.a"])
    again = replace_table(connection, "clean.a", "select 2 as id", stamp=STAMP)
    versions = latest_versions(connection)
    assert versions["clean.b"].inputs == {"clean.a": 1}
    assert (versions["clean.b"].version, again.version) == (2, 3), "so b is older than its input"
    recorded = connection.execute(
        "select table_name, version, code_version, run_id from quality.table_versions order by version"
    ).fetchall()
    assert recorded == [
        ("clean.a", 1, "1.0", "run"),
        ("clean.b", 2, "1.0", "run"),
        ("clean.a", 3, "1.0", "run"),
    ]


def test_the_newest_version_counts_also_where_it_says_less(connection: DuckDBPyConnection) -> None:
    replace_table(connection, "clean.t", "select 1 as id", stamp=STAMP)
    connection.execute(
        "insert into quality.table_versions values ('clean.t', 9, null, null, 5, '{}', '1.0', null, null, now())"
    )
    newest = latest_versions(connection)["clean.t"]
    assert (newest.version, newest.refresh_id, newest.as_of, newest.row_count) == (9, None, None, 5)


def test_no_versions_yet(connection: DuckDBPyConnection) -> None:
    assert latest_versions(connection) == {}


def test_a_failed_write_leaves_the_table_and_its_version(connection: DuckDBPyConnection) -> None:
    before = replace_table(connection, "clean.t", "select 1 as id", stamp=STAMP)
    with pytest.raises(Exception, match="Conversion"):
        replace_table(connection, "clean.t", "select cast('x' as integer) as id", stamp=STAMP)
    assert rows(connection) == [(1,)]
    assert latest_versions(connection) == {"clean.t": before}
    with pytest.raises(Exception, match="Conversion"):
        upsert(connection, "clean.t", pl.DataFrame({"id": ["x"]}), key=["id"], stamp=STAMP)
    replace_table(connection, "clean.t", pl.DataFrame({"id": [2]}), stamp=STAMP)
    assert rows(connection) == [(2,)], "and the connection goes on"


def test_a_table_made_of_what_is_not_there_is_not_made(connection: DuckDBPyConnection) -> None:
    with pytest.raises(WarehouseError) as caught:
        replace_table(connection, "clean.t", "select 1 as id", stamp=STAMP, inputs=["raw.a", "raw.b"])
    assert str(caught.value) == (
        "clean.t is made from raw.a, raw.b, which the warehouse does not hold yet: "
        "materialize the stages before it first, or run the whole refresh."
    )
    assert not table_exists(connection, "clean.t")


@pytest.mark.parametrize("kinds", [("table", "view", "table"), ("view", "table", "view")])
def test_a_view_takes_a_tables_place_and_the_other_way(
    connection: DuckDBPyConnection, kinds: tuple[str, ...]
) -> None:
    for number, kind in enumerate(kinds):
        write = replace_table if kind == "table" else replace_view
        write(connection, "clean.t", f"select {number} as id", stamp=STAMP)
        assert rows(connection) == [(number,)]
        assert table_exists(connection, "clean.t", kind="VIEW" if kind == "view" else "BASE TABLE")
        assert not table_exists(connection, "clean.t", kind="BASE TABLE" if kind == "view" else "VIEW")


def test_names_are_quoted(connection: DuckDBPyConnection) -> None:
    table = 'clean.order"; drop table x; --'
    frame = pl.DataFrame({"select": [1], "a.b": [2], 'c"d': [3]})
    upsert(connection, table, frame, key=["select", "a.b"], stamp=STAMP)
    upsert(connection, table, frame.with_columns(pl.lit(4).alias('c"d')), key=["select", "a.b"], stamp=STAMP)
    replaced = sample(connection, table)
    assert replaced.rows() == [(1, 2, 4)]
    assert replaced.columns == ["select", "a.b", 'c"d']
    replace_table(connection, table, frame, stamp=STAMP, order_by=["a.b", 'c"d'])
    assert sample(connection, table, rows=0).height == 0


# Upsert


def test_upsert_updates_what_is_there_and_inserts_the_rest(connection: DuckDBPyConnection) -> None:
    upsert(connection, "clean.t", pl.DataFrame({"id": [1, 2], "name": ["a", "b"]}), key=["id"], stamp=STAMP)
    version = upsert(
        connection, "clean.t", pl.DataFrame({"name": ["B", "C"], "id": [2, 3]}), key=["id"], stamp=STAMP
    )
    assert sorted(rows(connection)) == [(1, "a"), (2, "B"), (3, "C")]
    assert (version.version, version.row_count) == (2, 3)


def test_upsert_of_nothing_but_a_key(connection: DuckDBPyConnection) -> None:
    for ids in ([1, 2], [2, 3]):
        upsert(connection, "clean.t", pl.DataFrame({"id": ids}), key=["id"], stamp=STAMP)
    assert sorted(rows(connection)) == [(1,), (2,), (3,)]


def test_upsert_of_no_rows_makes_the_table(connection: DuckDBPyConnection) -> None:
    version = upsert(connection, "clean.t", pl.DataFrame(schema={"id": pl.Int64}), key=["id"], stamp=STAMP)
    assert version.row_count == 0
    assert columns_of(connection, "clean.t") == ["id"]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({"id": [3, 3], "day": [1, 1], "name": ["x", "y"]}, "clean.t: 2 new rows have the key {'id': 3, 'day': 1}: make the key unique"),
        ({"id": [3, None], "day": [1, 1], "name": ["x", "y"]}, "clean.t: 1 of the new rows have no id, which is in the key: fill the column"),
        ({"id": [3, 4], "day": [None, None], "name": ["x", "y"]}, "clean.t: 2 of the new rows have no day, which is in the key"),
    ],
)  # fmt: skip
def test_upsert_refuses_keys_that_are_none(
    connection: DuckDBPyConnection, new: dict[str, list[Any]], said: str
) -> None:
    schema = {"id": pl.Int64, "day": pl.Int64, "name": pl.String}
    first = pl.DataFrame({"id": [1], "day": [1], "name": ["a"]}, schema=schema)
    upsert(connection, "clean.t", first, key=["id", "day"], stamp=STAMP)
    with pytest.raises(WarehouseError) as caught:
        upsert(connection, "clean.t", pl.DataFrame(new, schema=schema), key=["id", "day"], stamp=STAMP)
    assert str(caught.value).startswith(said)
    assert rows(connection) == [(1, 1, "a")]
    assert latest_versions(connection)["clean.t"].version == 1


def test_merged_rows_belong_to_the_callers_transaction(connection: DuckDBPyConnection) -> None:
    with pytest.raises(ZeroDivisionError), transaction(connection):  # noqa: PT012
        merge_rows(connection, "clean.t", "select 1 as id", key=["id"])
        1 / 0  # noqa: B018
    assert not table_exists(connection, "clean.t")


# Transactions


def test_a_transaction_is_all_or_nothing(connection: DuckDBPyConnection) -> None:
    connection.execute("create table t (id integer)")
    with pytest.raises(KeyboardInterrupt), transaction(connection):  # noqa: PT012
        connection.execute("insert into t values (1)")
        raise KeyboardInterrupt
    with transaction(connection):
        connection.execute("insert into t values (2)")
    assert rows(connection, "t") == [(2,)]


def test_a_record_without_a_transaction_of_its_own(connection: DuckDBPyConnection) -> None:
    ensure_system_tables(connection)
    connection.execute("create table main.t as select 1 as id")
    assert record_version(connection, "main.t", stamp=STAMP).row_count == 1


KILLED = """
import os, sys
from datetime import datetime
from pathlib import Path
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.tables import Stamp, replace_table, record_version, transaction
stamp = Stamp(2, datetime(2026, 7, 1), "killed", "1.0")
with Warehouse(Path(sys.argv[1])).connect() as connection:
    replace_table(connection, "clean.committed", "select 2 as id", stamp=stamp)
    with transaction(connection):
        connection.execute("create or replace table clean.open as select range as id from range(100000)")
        record_version(connection, "clean.open", stamp=stamp)
        os.kill(os.getpid(), 9)
"""


def test_a_killed_write_leaves_whole_tables_with_their_versions(tmp_path: Path) -> None:
    """What was committed is there, what was not is as it was before, for the next reader and for the next writer."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        for table in ("clean.committed", "clean.open"):
            replace_table(connection, table, "select 1 as id", stamp=STAMP)
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(warehouse.path)],
        env=os.environ | {"PYTHONPATH": str(Path(leadflow.__file__).parent.parent)},
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    for is_read_only in (True, False):
        with warehouse.connect(read_only=is_read_only) as connection:
            assert rows(connection, "clean.committed") == [(2,)]
            assert rows(connection, "clean.open") == [(1,)]
            versions = latest_versions(connection)
            assert (versions["clean.committed"].refresh_id, versions["clean.open"].refresh_id) == (2, 1)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        ["a"],
        list("abcdefg"),
        ["a"] * 9,
        ["a", "a", "b", "b", "b", "b", "c"],
        ["a", "b", "c", None, None],
        [None] * 7,
    ],
    ids=["none", "one", "distinct", "equal", "runs", "some_null", "all_null"],
)
def test_ranges_of_a_key_hold_every_row_once(connection: DuckDBPyConnection, keys: list[str | None]) -> None:
    connection.execute("create table t as select unnest(cast(? as varchar[])) as k", [keys])
    ranges = key_ranges(connection, "main.t", "k", rows=2)
    parts = [read_range(connection, "main.t", "k", *bounds)["k"].to_list() for bounds in ranges]
    assert sorted(map(str, (key for part in parts for key in part))) == sorted(map(str, keys))
    assert len(parts) == len(set(ranges))


def test_results_are_appended_all_or_none(connection: DuckDBPyConnection) -> None:
    result = {
        "table_name": "clean.t",
        "version": 1,
        "check_name": "not_null",
        "fingerprint": "a1",
        "test": "not_null",
        "severity": "error",
        "is_blocking": True,
        "is_passed": True,
        "checked_at": AS_OF,
    }
    append_results(connection, pl.DataFrame([result]))
    with pytest.raises(Exception, match="NOT NULL"):
        append_results(connection, pl.DataFrame([result, result | {"is_passed": None}]))
    assert connection.execute("select count(*) from quality.results").fetchall() == [(1,)]


# Refreshes


def test_refreshes_are_numbered(connection: DuckDBPyConnection) -> None:
    with pytest.raises(
        WarehouseError, match=r"no refresh was opened in this warehouse yet.*materialize raw/refreshes first"
    ):
        current_refresh(connection)
    first, version = open_refresh(connection, as_of=AS_OF, as_of_from="given", run_id="a", code_version="1.0")
    assert current_refresh(connection) == first == Refresh(1, AS_OF, "given")
    assert (version.table, version.refresh_id, version.as_of) == ("raw.refreshes", 1, AS_OF)
    earlier = AS_OF - dt.timedelta(days=9)
    open_refresh(connection, as_of=earlier, as_of_from="clock", run_id="b", code_version="1.0")
    assert current_refresh(connection) == Refresh(2, earlier, "clock"), (
        "the last opened, whatever it looks from"
    )
    assert current_refresh(connection).stamp(run_id="b", code_version="2") == Stamp(2, earlier, "b", "2")


def test_an_empty_list_of_refreshes_is_none(connection: DuckDBPyConnection) -> None:
    open_refresh(connection, as_of=AS_OF, as_of_from="given", run_id="a", code_version="1.0")
    connection.execute("delete from raw.refreshes")
    with pytest.raises(WarehouseError, match="no refresh was opened"):
        current_refresh(connection)
