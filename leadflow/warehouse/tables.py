"""Writing tables: whole replacement and upsert, each in one transaction with its version.

Belongs here: how rows get into a table and how a write is recorded. Does not belong here: what the rows are.

A table is never half-written: the rows and the row in quality.table_versions that describes them are committed
together. Versions are one running number over all tables, so a table is older than its input exactly when its
version is smaller.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadflow.errors import WarehouseError
from leadflow.quality.sql_text import identifier
from leadflow.warehouse.connection import first_row, query, quote, scalar

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

SYSTEM_TABLES_SQL = """
create schema if not exists quality;
create table if not exists quality.table_versions (
    table_name varchar not null, version bigint not null, refresh_id bigint, as_of timestamp,
    row_count bigint not null, inputs varchar not null, code_version varchar not null, policy_version varchar,
    run_id varchar, written_at timestamp not null
);
create table if not exists quality.results (
    table_name varchar not null, version bigint not null, refresh_id bigint, check_name varchar not null,
    fingerprint varchar not null, test varchar not null, column_name varchar, severity varchar not null, is_blocking boolean not null,
    is_passed boolean not null, checked_rows bigint, failing_rows bigint, failing_share double,
    sample varchar, message varchar, run_id varchar, checked_at timestamp not null
);
alter table quality.results add column if not exists quarantined_rows bigint;
create table if not exists quality.quarantined_rows (
    table_name varchar not null, check_name varchar not null, test varchar not null, column_name varchar,
    refresh_id bigint not null, as_of timestamp not null, row varchar not null
);
create table if not exists quality.source_cursors (
    source_name varchar primary key, mapping_hash varchar not null, position varchar not null,
    batch_count bigint not null, content_hashes varchar not null, as_of timestamp not null
);
"""


@dataclass(frozen=True)
class Stamp:
    """What a write is recorded with: the refresh it belongs to and who wrote it."""

    refresh_id: int
    as_of: datetime
    run_id: str
    code_version: str
    policy_version: str | None = None


@dataclass(frozen=True)
class TableVersion:
    """One recorded write of a table."""

    table: str
    version: int
    refresh_id: int | None
    as_of: datetime | None
    row_count: int
    inputs: dict[str, int]
    policy_version: str | None = None


def utc_now() -> datetime:
    """The wall clock, UTC and naive as DuckDB's timestamps are: for operational stamps only, never for a transform."""
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """Everything in the block is committed together, or nothing is."""
    connection.execute("begin transaction")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def ensure_system_tables(connection: DuckDBPyConnection) -> None:
    """Make leadflow's own tables in the schema quality where they are missing, and the columns that they gained."""
    connection.execute(SYSTEM_TABLES_SQL)


def table_exists(connection: DuckDBPyConnection, table: str, *, kind: str | None = None) -> bool:
    """Whether the table or view is there; with `kind` only where it is that, BASE TABLE or VIEW."""
    found = _kind_of(connection, table)
    return found is not None and kind in (None, found)


def columns_of(connection: DuckDBPyConnection, relation: str) -> list[str]:
    """Names of the columns of a table or select, given as SQL for a from clause."""
    return [row[0] for row in connection.execute(f"describe select * from {relation}").fetchall()]


def _kind_of(connection: DuckDBPyConnection, table: str) -> str | None:
    schema, name = table.split(".")
    kind: str | None = scalar(
        connection,
        "select table_type from information_schema.tables where table_catalog = current_database() "
        "and table_schema = ? and table_name = ?",
        [schema, name],
    )
    return kind


def replace_table(
    connection: DuckDBPyConnection,
    table: str,
    rows: str | pl.DataFrame | pa.Table,
    *,
    stamp: Stamp,
    inputs: Sequence[str] = (),
    order_by: Sequence[str] = (),
    before_recording: Callable[[DuckDBPyConnection], object] | None = None,
) -> TableVersion:
    """Put `rows` in place of whatever the table held.

    Args:
        connection: read-write connection.
        table: 'schema.name'.
        rows: a select statement, a polars frame or an Arrow table.
        stamp: what the write is recorded with.
        inputs: tables the rows were made from; their versions are recorded beside this one's.
        order_by: columns the rows are written in the order of, so that equal rows give equal files.
        before_recording: called in the transaction when the rows are in the table.
    """
    ensure_system_tables(connection)
    with transaction(connection):
        put_rows(connection, table, rows, order_by=order_by)
        if before_recording is not None:
            before_recording(connection)
        return record_version(connection, table, stamp=stamp, inputs=inputs)


def put_rows(
    connection: DuckDBPyConnection,
    table: str,
    rows: str | pl.DataFrame | pa.Table,
    *,
    order_by: Sequence[str] = (),
) -> None:
    """The replacement itself, inside the caller's transaction and without a version."""
    with _as_relation(connection, rows) as relation:
        _prepare(connection, table, keep="table")
        connection.execute(
            f"create or replace table {quote(table)} as select * from {relation}{_order(order_by)}"
        )


def add_rows(
    connection: DuckDBPyConnection, table: str, rows: pl.DataFrame, *, order_by: Sequence[str] = ()
) -> None:
    """Append rows to a table that is there, inside the caller's transaction and without a version."""
    with _as_relation(connection, rows) as relation:
        connection.execute(f"insert into {quote(table)} by name select * from {relation}{_order(order_by)}")


def replace_rows(
    connection: DuckDBPyConnection,
    table: str,
    rows: pl.DataFrame,
    *,
    touched: pl.DataFrame,
    order_by: Sequence[str] = (),
) -> None:
    """Put `rows` in place of those whose key is in `touched`, inside the caller's transaction and without a version.

    Args:
        connection: read-write connection in a transaction.
        table: 'schema.name'; it is there.
        rows: the table's columns, in any order.
        touched: keys, in columns of the table.
        order_by: columns the new rows are written in the order of.
    """
    if len(touched):
        same = " and ".join(f"kept.{name} = gone.{name}" for name in map(identifier, touched.columns))
        with _as_relation(connection, touched) as relation:
            connection.execute(
                f"delete from {quote(table)} as kept where exists (select 1 from {relation} as gone where {same})"
            )
    if len(rows):
        add_rows(connection, table, rows, order_by=order_by)


def key_ranges(
    connection: DuckDBPyConnection, table: str, column: str, *, rows: int
) -> list[tuple[object, object]]:
    """Ranges of a column's values, first excluded and last included, that hold `rows` rows of the table each.

    The first begins with None and the last ends with it: a range without end, which has the rows without a value too.
    Rows of one value are never parted, so that a range may hold more. An empty table has one range.
    """
    name = identifier(column)
    ends = connection.execute(
        f"select distinct {name} from (select {name}, row_number() over (order by {name}) as place from {quote(table)} "
        f"where {name} is not null) where place % {int(rows)} = 0 order by 1"
    ).fetchall()
    bounds = [None, *(end for (end,) in ends), None]
    return list(itertools.pairwise(bounds))


def read_range(
    connection: DuckDBPyConnection, table: str, column: str, after: object, until: object
) -> pl.DataFrame:
    """The rows of a table whose column lies in one of the `key_ranges`."""
    name = identifier(column)
    return query(
        connection,
        f"select * from {quote(table)} where ($after is null or {name} > $after or ($until is null and {name} is null)) "
        f"and ($until is null or {name} <= $until)",
        {"after": after, "until": until},
    )


def replace_view(
    connection: DuckDBPyConnection, table: str, select: str, *, stamp: Stamp, inputs: Sequence[str] = ()
) -> TableVersion:
    """Define the view anew and record it as a version, as if it were a table."""
    ensure_system_tables(connection)
    with transaction(connection):
        _prepare(connection, table, keep="view")
        connection.execute(f"create or replace view {quote(table)} as {select}")
        return record_version(connection, table, stamp=stamp, inputs=inputs)


def upsert(
    connection: DuckDBPyConnection,
    table: str,
    rows: str | pl.DataFrame | pa.Table,
    *,
    key: Sequence[str],
    stamp: Stamp,
    inputs: Sequence[str] = (),
) -> TableVersion:
    """Update the rows whose key is there and insert the others; make the table where it is missing.

    Raises:
        WarehouseError: two of the new rows have one key.
    """
    ensure_system_tables(connection)
    with transaction(connection):
        merge_rows(connection, table, rows, key=key)
        return record_version(connection, table, stamp=stamp, inputs=inputs)


def merge_rows(
    connection: DuckDBPyConnection, table: str, rows: str | pl.DataFrame | pa.Table, *, key: Sequence[str]
) -> None:
    """The upsert itself, inside the caller's transaction and without a version.

    Raises:
        WarehouseError: two of the new rows have one key, or a key column is null.
    """
    with _as_relation(connection, rows) as relation:
        if not table_exists(connection, table):
            _prepare(connection, table, keep="table")
            connection.execute(f"create table {quote(table)} as select * from {relation} limit 0")
        keys = ", ".join(map(identifier, key))
        doubled = first_row(
            connection,
            f"select {keys}, count(*) from {relation} group by all having count(*) > 1 order by {keys} limit 1",
        )
        if doubled is not None:
            raise WarehouseError(
                f"{table}: {doubled[-1]} new rows have the key {dict(zip(key, doubled[:-1], strict=True))}",
                "make the key unique, or choose the columns of the key anew",
            )
        for column in key:
            empty = scalar(connection, f"select count(*) from {relation} where {identifier(column)} is null")
            if empty:
                raise WarehouseError(
                    f"{table}: {empty} of the new rows have no {column}, which is in the key",
                    "fill the column, or choose the columns of the key anew",
                )
        columns = columns_of(connection, relation)
        matched = " and ".join(f"t.{identifier(column)} = s.{identifier(column)}" for column in key)
        assigned = ", ".join(
            f"{identifier(column)} = s.{identifier(column)}" for column in columns if column not in key
        )
        update = f"when matched then update set {assigned}" if assigned else ""
        connection.execute(
            f"merge into {quote(table)} as t using {relation} as s on {matched} {update} "
            f"when not matched then insert ({', '.join(map(identifier, columns))}) "
            f"values ({', '.join('s.' + identifier(column) for column in columns)})"
        )


def record_version(
    connection: DuckDBPyConnection, table: str, *, stamp: Stamp, inputs: Sequence[str] = ()
) -> TableVersion:
    """Record the table's present content as its newest version, inside the caller's transaction.

    Raises:
        WarehouseError: an input has no version, so what the rows were made from cannot be told.
    """
    current = latest_versions(connection)
    missing = sorted(set(inputs) - set(current))
    if missing:
        raise WarehouseError(
            f"{table} is made from {', '.join(missing)}, which the warehouse does not hold yet",
            "materialize the stages before it first, or run the whole refresh",
        )
    input_versions = {name: current[name].version for name in sorted(inputs)}
    row_count = scalar(connection, f"select count(*) from {quote(table)}")
    version = scalar(connection, "select coalesce(max(version), 0) + 1 from quality.table_versions")
    connection.execute(
        "insert into quality.table_versions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            table,
            version,
            stamp.refresh_id,
            stamp.as_of,
            row_count,
            json.dumps(input_versions),
            stamp.code_version,
            stamp.policy_version,
            stamp.run_id,
            utc_now(),
        ],
    )
    return TableVersion(
        table, version, stamp.refresh_id, stamp.as_of, row_count, input_versions, stamp.policy_version
    )


def latest_versions(connection: DuckDBPyConnection) -> dict[str, TableVersion]:
    """The newest version of every table, by 'schema.name'."""
    if not table_exists(connection, "quality.table_versions"):
        return {}
    rows = connection.execute(
        "select table_name, version, refresh_id, as_of, row_count, inputs, policy_version from quality.table_versions "
        "qualify row_number() over (partition by table_name order by version desc) = 1 order by table_name"
    ).fetchall()
    return {
        table: TableVersion(table, version, refresh_id, as_of, row_count, json.loads(inputs), policy_version)
        for table, version, refresh_id, as_of, row_count, inputs, policy_version in rows
    }


def append_results(connection: DuckDBPyConnection, results: pl.DataFrame) -> None:
    """Append rows to quality.results, all or none."""
    ensure_system_tables(connection)
    with transaction(connection), _as_relation(connection, results) as relation:
        connection.execute(f"insert into quality.results by name select * from {relation}")


def sample(connection: DuckDBPyConnection, table: str, *, rows: int = 5) -> pl.DataFrame:
    """The first rows of a table, for a person to look at."""
    return query(connection, f"select * from {quote(table)} limit {int(rows)}")


def _prepare(connection: DuckDBPyConnection, table: str, *, keep: str) -> None:
    """Make the schema, and drop what stands under the name where it is of the other kind."""
    connection.execute(f"create schema if not exists {identifier(table.split('.')[0])}")
    found = _kind_of(connection, table)
    if found is not None and (found == "VIEW") != (keep == "view"):
        connection.execute(f"drop {'view' if found == 'VIEW' else 'table'} {quote(table)}")


def _order(columns: Sequence[str]) -> str:
    return f" order by {', '.join(map(identifier, columns))}" if columns else ""


@contextmanager
def _as_relation(connection: DuckDBPyConnection, rows: str | pl.DataFrame | pa.Table) -> Iterator[str]:
    """A name or parenthesised select that stands for `rows` in a from clause."""
    if isinstance(rows, str):
        yield f"({rows}\n)"  # on a line of its own, as the select may end in a comment
        return
    connection.register("leadflow_rows", rows)
    yield "leadflow_rows"
    # Not where the block failed: DuckDB refuses it in a transaction that is to be rolled back, and the rollback does it.
    connection.unregister("leadflow_rows")
