"""Landing files: rows of a file into a raw table, once, by natural key, all or nothing.

Belongs here: the transaction that lands one file. Does not belong here: how a file is read (files.py), which of its
lines and values are refused (rejects.py), and what sources.yaml means (ingest/, which makes the landing plan).

Idempotent twice over: a file is skipped when its content was landed with the same mapping before
(quality.landed_files), and a row that comes again replaces the one with its natural key unless that one is newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.errors import SourceError
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.landing.copies import check_packed
from leadflow.warehouse.landing.files import FileScan, content_hash, first_line
from leadflow.warehouse.landing.landing_plan import Landed, Landing
from leadflow.warehouse.landing.rejects import Rejects
from leadflow.warehouse.tables import (
    Stamp,
    columns_of,
    ensure_system_tables,
    record_version,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CREATE_LANDED_FILES = """
create schema if not exists quality;
create table if not exists quality.landed_files (
    source_name varchar, source_file varchar, content_hash varchar, mapping_hash varchar, row_count bigint,
    rejected_count bigint, as_of timestamp
);
"""


def ensure_raw_table(connection: DuckDBPyConnection, table: str, column_types: Mapping[str, str]) -> None:
    """Make a raw table where it is missing, and add columns that its contract gained.

    What was landed is kept: a source may no longer have it.
    """
    connection.execute("create schema if not exists raw")
    if not table_exists(connection, table):
        columns = ", ".join(f"{identifier(name)} {data_type}" for name, data_type in column_types.items())
        connection.execute(f"create table {quote(table)} ({columns})")
        return
    present = columns_of(connection, quote(table))
    for name, data_type in column_types.items():
        if name not in present:
            connection.execute(f"alter table {quote(table)} add column {identifier(name)} {data_type}")


def check_mapping(connection: DuckDBPyConnection, landing: Landing, file: FileScan) -> None:
    """Have DuckDB read the mapping without running it, so that a wrong expression is told by its line.

    Raises:
        SourceError: an expression is not SQL, or names a column that the file does not have.
    """
    import duckdb

    for column in landing.read_columns:
        try:
            connection.execute(f"describe select {column.value} from {file.relation}").fetchall()
        except duckdb.Error as error:
            raise SourceError(
                f"{column.where} source '{landing.source}': {column.name} cannot be read from {file.path} ({first_line(error)})",
                f"mend the expression; it is SQL over the columns {', '.join(map(identifier, file.columns))}",
            ) from None


def is_landed(connection: DuckDBPyConnection, landing: Landing, digest: str) -> bool:
    """Whether this content was landed with this mapping before."""
    return was_landed(connection, landing.source, digest, landing.mapping_hash)


def was_landed(connection: DuckDBPyConnection, source: str, digest: str, mapping_hash: str) -> bool:
    """Whether a content was landed by a source with the mapping of this hash before: then it need not be looked at."""
    connection.execute(_CREATE_LANDED_FILES)
    found = scalar(
        connection,
        "select count(*) from quality.landed_files where source_name = ? and content_hash = ? and mapping_hash = ?",
        [source, digest, mapping_hash],
    )
    return bool(found)


def newest_known_at(
    connection: DuckDBPyConnection, landing: Landing, file: FileScan, *, not_after: datetime
) -> datetime | None:
    """The newest known_at of a file that is not later than `not_after`, or None.

    Raises:
        SourceError: the file is damaged, or the expression for known_at fails on a value.
    """
    import duckdb

    known = next(column for column in landing.columns if column.name == "known_at")
    try:
        newest: datetime | None = scalar(
            connection,
            f"select max({known.value}) from {file.relation} where {known.value} <= ?",
            [not_after],
        )
    except duckdb.Error as error:
        raise _unreadable(connection, landing, file, error) from None
    return newest


def land_file(
    connection: DuckDBPyConnection,
    landing: Landing,
    file: FileScan,
    *,
    digest: str,
    stamp: Stamp,
    inputs: Sequence[str] = (),
) -> Landed:
    """Land one file in one transaction, with the new version of every table it changed.

    Args:
        connection: read-write connection.
        landing: the mapping.
        file: the file.
        digest: its content hash.
        stamp: what the write is recorded with.
        inputs: tables that the raw table is recorded as made from.

    Raises:
        SourceError: the file is damaged or was changed meanwhile, too many lines are unreadable, a column is of the wrong type throughout, or
            an expression fails; nothing of the file is landed then.
    """
    import duckdb

    if is_landed(connection, landing, digest):
        return Landed(landing.source, file.path, False, 0, 0, 0)
    try:
        check_packed(file.path)
    except OSError as error:
        raise _damaged(landing, file, error) from None
    ensure_system_tables(connection)
    rejects = Rejects(connection, landing, file, digest)
    try:
        with transaction(connection):
            connection.execute(f"create or replace temp table mapped as {mapped_select(landing, file)}")
            rejects.forget()
            rejected_rows = rejects.take_lines()
            rejected_values = rejects.take_values()
            rejected_rows += rejects.take_rows()
            rejected_rows += rejects.take_superseded()
            row_count = scalar(connection, "select count(*) from mapped")
            _merge(connection, landing, file)
            connection.execute(
                "insert into quality.landed_files values (?, ?, ?, ?, ?, ?, ?)",
                [
                    landing.source,
                    file.path.name,
                    digest,
                    landing.mapping_hash,
                    row_count,
                    rejected_rows,
                    stamp.as_of,
                ],
            )
            connection.execute("drop table mapped")
            if content_hash(file.path) != digest:
                raise SourceError(
                    f"source '{landing.source}': {file.path} was changed while it was read",
                    "run the refresh again once the file is complete; write it beside and rename it",
                )
            record_version(connection, landing.table, stamp=stamp, inputs=inputs)
            if landing.attributes:
                record_version(connection, "raw.attributes", stamp=stamp)
            if rejected_rows or rejected_values:
                record_version(connection, "raw.rejected_rows", stamp=stamp)
    except duckdb.Error as error:
        raise _unreadable(connection, landing, file, error) from error
    return Landed(landing.source, file.path, True, row_count, rejected_rows, rejected_values)


def mapped_select(landing: Landing, file: FileScan) -> str:
    """Typed values, the names of columns that could not be read, and for such rows the row itself.

    `line` is the row's place among the rows that could be read, counted as lines of the file.
    """
    values = ", ".join(f"{column.value} as {identifier(column.name)}" for column in landing.read_columns)
    unreadable = ", ".join(
        f"case when ({column.value}) is null and nullif(trim(cast({column.given} as varchar)), '') is not null "
        f"then {literal(column.name)} end"
        for column in landing.read_columns
        if column.data_type != "varchar"  # any value can be read as text
    )
    absent = ", ".join(
        f"case when ({column.value}) is null then {literal(column.name)} end"
        for column in landing.columns
        if column.is_required
    )
    return (
        f"select {values}, "
        f"[name for name in [{unreadable}] if name is not null] as unreadable_columns, "
        f"[name for name in [{absent}] if name is not null] as absent_columns, "
        "case when len(unreadable_columns) + len(absent_columns) > 0 then cast(to_json(file_row) as varchar) end as source_row, "
        f"row_number() over () + {file.header_lines} as line from {file.relation} as file_row"
    )


def _merge(connection: DuckDBPyConnection, landing: Landing, file: FileScan) -> None:
    """Rows into the raw table, and the attributes of those that are now in force into raw.attributes."""
    listed = _list(column.name for column in landing.columns)
    # In the order of the file: sorting tens of millions of events by a random key costs more than all else.
    _upsert_newer(
        connection,
        landing.table,
        f"select {listed}, {literal(landing.source)} as source_name, {literal(file.path.name)} as source_file from mapped",
        landing.natural_key,
    )
    raw_table = literal(landing.table.removeprefix("raw."))
    record_id = " || '|' || ".join(
        f"cast(mapped.{identifier(column)} as varchar)" for column in landing.natural_key
    )
    same_row = " and ".join(
        f"mapped.{identifier(column)} = landed.{identifier(column)}"
        for column in (*landing.natural_key, "known_at")
    )
    in_force = f"mapped semi join {quote(landing.table)} as landed on {same_row}"
    if scalar(connection, f"select exists (from raw.attributes where raw_table = {raw_table})"):
        connection.execute(
            f"delete from raw.attributes where raw_table = {raw_table} and record_id in (select {record_id} from {in_force})"
        )
    for attribute in landing.attributes:
        value = f"mapped.{identifier(attribute.column.name)}"
        connection.execute(
            "insert into raw.attributes by name "
            f"select {raw_table} as raw_table, {record_id} as record_id, {literal(attribute.name)} as attribute, "
            f"{literal(attribute.value_type)} as value_type, {value} as value, mapped.occurred_at, mapped.known_at, "
            f"{literal(landing.source)} as source_name from {in_force} where {value} is not null order by record_id"
        )


def _upsert_newer(connection: DuckDBPyConnection, table: str, select: str, key: Sequence[str]) -> None:
    """Insert new rows; replace a row of the same key unless the one that is there became known later."""
    columns = columns_of(connection, f"({select})")
    listed = _list(columns)
    if scalar(connection, f"select count(*) = 0 from {quote(table)}"):
        connection.execute(f"insert into {quote(table)} ({listed}) {select}")
        return
    matched = " and ".join(f"t.{identifier(column)} = s.{identifier(column)}" for column in key)
    assigned = ", ".join(
        f"{identifier(column)} = " + (f"s.{identifier(column)}" if column in columns else "null")
        for column in columns_of(connection, quote(table))
        if column not in key
    )
    connection.execute(
        f"merge into {quote(table)} as t using ({select}) as s on {matched} "
        f"when matched and s.known_at >= t.known_at then update set {assigned} "
        f"when not matched then insert ({listed}) values ({', '.join('s.' + identifier(column) for column in columns)})"
    )


def _unreadable(
    connection: DuckDBPyConnection, landing: Landing, file: FileScan, error: Exception
) -> SourceError:
    """Why DuckDB could not map a file: because of the file itself, or because of one column's mapping."""
    import duckdb

    def failure(select: str) -> str | None:
        try:
            connection.execute(f"select {select} from {file.relation}").fetchall()
        except duckdb.Error as again:
            return first_line(again)
        return None

    if reason := failure("bit_xor(hash(columns(*)))"):
        return _damaged(landing, file, reason)
    for column in landing.read_columns:
        if reason := failure(f"count({column.value})"):
            return SourceError(
                f"{column.where} source '{landing.source}': the mapping of {column.name} fails on a value of {file.path} ({reason})",
                "mend the expression; with try_cast, or try() around it, a value that does not fit becomes null",
            )
    return SourceError(
        f"source '{landing.source}': {file.path} cannot be landed ({first_line(error)})",
        "mend the source's mapping",
    )


def _damaged(landing: Landing, file: FileScan, reason: str | Exception) -> SourceError:
    said = reason if isinstance(reason, str) else first_line(reason)
    return SourceError(
        f"source '{landing.source}': {file.path} cannot be read to its end ({said})",
        "get the file anew; it is damaged or incomplete",
    )


def _list(columns: Iterable[str]) -> str:
    return ", ".join(map(identifier, columns))
