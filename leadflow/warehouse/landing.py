"""Landing files: rows of a file into a raw table, once, by natural key, all or nothing.

Belongs here: reading CSV and Parquet with DuckDB, and the transaction that lands one file. Does not belong here:
what sources.yaml means (ingest/).

Idempotent twice over: a file is skipped when its content was landed with the same mapping before
(raw.landed_files), and a row that comes again replaces the one with its natural key unless that one is newer.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import SourceError
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.tables import table_exists, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HASH_BLOCK_BYTES = 1 << 20

_CREATE_LANDED_FILES = """
create schema if not exists raw;
create table if not exists raw.landed_files (
    source_name varchar, source_file varchar, content_hash varchar, mapping_hash varchar, row_count bigint,
    rejected_count bigint, as_of timestamp
);
"""


@dataclass(frozen=True)
class LandingColumn:
    """One column of the raw table.

    Attributes:
        name: its name.
        data_type: its DuckDB type.
        value: SQL of the typed value, null where it cannot be read.
        given: SQL of what the file holds, to tell 'absent' from 'unreadable'.
        is_required: whether a row without it is rejected.
    """

    name: str
    data_type: str
    value: str
    given: str
    is_required: bool


@dataclass(frozen=True)
class Landing:
    """How files of one source become rows of one raw table.

    Attributes:
        source: name of the source.
        table: 'raw.name'.
        columns: what is filled; among them the natural key, occurred_at and known_at.
        natural_key: columns that identify a row.
        attributes: extra columns that go to raw.attributes, each with its declared type.
        max_rejected_share: share of rows that may be rejected before the whole file is refused.
        mapping_hash: changes when the mapping does, so that a changed mapping lands its files anew.
    """

    source: str
    table: str
    columns: tuple[LandingColumn, ...]
    natural_key: tuple[str, ...]
    attributes: tuple[tuple[LandingColumn, str], ...]
    max_rejected_share: float
    mapping_hash: str


@dataclass(frozen=True)
class Landed:
    """What came of one file: rows landed, rows rejected, values that were set to null."""

    source: str
    file: Path
    is_new: bool
    row_count: int
    rejected_rows: int
    rejected_values: int


@dataclass(frozen=True)
class FileScan:
    """A file that DuckDB can read: its relation and columns."""

    path: Path
    relation: str
    columns: tuple[str, ...]
    format: str
    suffix: str


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def scan(
    connection: DuckDBPyConnection, path: Path, file_format: str, options: dict[str, str]
) -> Iterator[FileScan]:
    """Look at a file: what columns it has, and how to read it.

    CSV values are read as text, so that a value of the wrong type is found row by row and not by the reader.

    Raises:
        SourceError: the file is empty, unreadable, or not of its format.
    """
    import duckdb

    if path.stat().st_size == 0:
        raise SourceError(
            f"{path} is empty", "put a file with a header there, or take the source out of sources.yaml"
        )
    suffix = secrets.token_hex(4)
    literal = "'" + str(path).replace("'", "''") + "'"
    if file_format == "parquet":
        relation = f"read_parquet({literal})"
    else:
        extra = "".join(f", {name} = '" + value.replace("'", "''") + "'" for name, value in options.items())
        relation = (
            f"read_csv({literal}, all_varchar = true, header = true, store_rejects = true, rejects_limit = 0, "
            f"rejects_table = 'reject_errors_{suffix}', rejects_scan = 'reject_scans_{suffix}'{extra})"
        )
    try:
        described = connection.execute(f"describe select * from {relation}").fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise SourceError(
            f"{path} cannot be read as {file_format} ({reason})",
            f"check that it is a complete {file_format} file, or set the source's format and read_options",
        ) from None
    try:
        yield FileScan(path, relation, tuple(row[0] for row in described), file_format, suffix)
    finally:
        for name in (f"reject_errors_{suffix}", f"reject_scans_{suffix}"):
            connection.execute(f"drop table if exists temp.{name}")


def ensure_raw_table(connection: DuckDBPyConnection, table: str, column_types: dict[str, str]) -> None:
    """Make a raw table where it is missing, and add columns that its contract gained.

    What was landed is kept: a source may no longer have it.
    """
    connection.execute("create schema if not exists raw")
    if not table_exists(connection, table):
        columns = ", ".join(f"{quote(name)} {data_type}" for name, data_type in column_types.items())
        connection.execute(f"create table {quote(table)} ({columns})")
        return
    present = {row[0] for row in connection.execute(f"describe {quote(table)}").fetchall()}
    for name, data_type in column_types.items():
        if name not in present:
            connection.execute(f"alter table {quote(table)} add column {quote(name)} {data_type}")


def is_landed(connection: DuckDBPyConnection, landing: Landing, digest: str) -> bool:
    """Whether this content was landed with this mapping before."""
    connection.execute(_CREATE_LANDED_FILES)
    found = connection.execute(
        "select count(*) from raw.landed_files where source_name = ? and content_hash = ? and mapping_hash = ?",
        [landing.source, digest, landing.mapping_hash],
    ).fetchone()
    return found is not None and found[0] > 0


def newest_known_at(
    connection: DuckDBPyConnection, landing: Landing, file: FileScan, *, not_after: datetime
) -> datetime | None:
    """The newest known_at of a file that is not later than `not_after`, or None."""
    known = next(column for column in landing.columns if column.name == "known_at")
    row = connection.execute(
        f"select max({known.value}) from {file.relation} where {known.value} <= ?", [not_after]
    ).fetchone()
    return None if row is None else row[0]


def land_file(
    connection: DuckDBPyConnection, landing: Landing, file: FileScan, *, digest: str, as_of: datetime
) -> Landed:
    """Land one file in one transaction.

    Args:
        connection: read-write connection.
        landing: the mapping.
        file: the file.
        digest: its content hash.
        as_of: moment of the refresh.

    Raises:
        SourceError: too many lines are unreadable, a column is of the wrong type throughout, or an expression fails;
            nothing of the file is landed then.
    """
    import duckdb

    if is_landed(connection, landing, digest):
        return Landed(landing.source, file.path, False, 0, 0, 0)
    try:
        with transaction(connection):
            connection.execute(f"create or replace temp table mapped as {_mapped_select(landing, file)}")
            connection.execute(
                "delete from raw.rejected_rows where source_name = ? and content_hash = ?",
                [landing.source, digest],
            )
            unreadable = _reject_unreadable_lines(connection, landing, file, digest)
            rows, rejected_rows, rejected_values = _reject_values(
                connection, landing, file, digest, unreadable
            )
            doubled = _merge(connection, landing, file, digest)
            connection.execute(
                "insert into raw.landed_files values (?, ?, ?, ?, ?, ?, ?)",
                [
                    landing.source,
                    file.path.name,
                    digest,
                    landing.mapping_hash,
                    rows,
                    unreadable + rejected_rows,
                    as_of,
                ],
            )
            connection.execute("drop table mapped")
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise SourceError(
            f"source '{landing.source}': {file.path} cannot be mapped ({reason})",
            "mend the source's expressions",
        ) from error
    return Landed(
        landing.source, file.path, True, rows - doubled, unreadable + rejected_rows + doubled, rejected_values
    )


def _mapped_select(landing: Landing, file: FileScan) -> str:
    """Typed values, the names of columns that could not be read, and for such rows the row itself."""
    values = ", ".join(f"{column.value} as {quote(column.name)}" for column in landing.columns)
    attributes = "".join(
        f", {column.value} as {quote('attribute ' + column.name)}" for column, _ in landing.attributes
    )
    unreadable = ", ".join(
        f"case when ({column.value}) is null and nullif(trim(cast({column.given} as varchar)), '') is not null then '{column.name}' end"
        for column in (*landing.columns, *(column for column, _ in landing.attributes))
    )
    absent = ", ".join(
        f"case when ({column.value}) is null then '{column.name}' end"
        for column in landing.columns
        if column.is_required
    )
    return (
        f"select {values}{attributes}, "
        f"[name for name in [{unreadable}] if name is not null] as unreadable_columns, "
        f"[name for name in [{absent}] if name is not null] as absent_columns, "
        "case when len(unreadable_columns) + len(absent_columns) > 0 then cast(to_json(file_row) as varchar) end as source_row, "
        f"row_number() over () + 1 as line from {file.relation} as file_row"
    )


def _reject_unreadable_lines(
    connection: DuckDBPyConnection, landing: Landing, file: FileScan, digest: str
) -> int:
    if file.format != "csv":
        return 0
    connection.execute(
        f"insert into raw.rejected_rows by name select ? as source_name, ? as source_file, ? as content_hash, line, "
        f"column_name, min(error_message) as reason, any_value(csv_line) as row from reject_errors_{file.suffix} group by line, column_name",
        [landing.source, file.path.name, digest],
    )
    unreadable, readable = connection.execute(
        f"select (select count(distinct line) from reject_errors_{file.suffix}), (select count(*) from mapped)"
    ).fetchone() or (0, 0)
    if unreadable > landing.max_rejected_share * (unreadable + readable):
        first = connection.execute(
            f"select line, error_message from reject_errors_{file.suffix} order by line limit 1"
        ).fetchone()
        line, message = first or (0, "")
        raise SourceError(
            f"source '{landing.source}': {unreadable} of {unreadable + readable} lines of {file.path} cannot be read, first line {line} ({str(message).rstrip('.')})",
            "check that the file is CSV in UTF-8, set the source's read_options, or raise its max_rejected_share",
        )
    return int(unreadable)


def _reject_values(
    connection: DuckDBPyConnection, landing: Landing, file: FileScan, digest: str, unreadable_lines: int
) -> tuple[int, int, int]:
    rows = scalar(connection, "select count(*) from mapped")
    types = {column.name: column.data_type for column in landing.columns} | {
        column.name: kind for column, kind in landing.attributes
    }
    for column in (*landing.columns, *(column for column, _ in landing.attributes)):
        name = column.name
        stored = f"attribute {name}" if any(name == other.name for other, _ in landing.attributes) else name
        bad, good = connection.execute(
            f"select count(*) filter (where list_contains(unreadable_columns, ?)), count({quote(stored)}) from mapped",
            [name],
        ).fetchone() or (0, 0)
        if bad > 0 and good == 0:
            example = connection.execute(
                "select line, source_row from mapped where list_contains(unreadable_columns, ?) order by line limit 1",
                [name],
            ).fetchone()
            raise SourceError(
                f"source '{landing.source}': no value of the column mapped to {name} in {file.path} is a {types[name]}, "
                f"for example line {example[0] if example else '?'}: {example[1] if example else '?'}",
                "mend the mapping, or convert the value with an expression",
            )
    connection.execute(
        "insert into raw.rejected_rows by name select ? as source_name, ? as source_file, ? as content_hash, line, column_name, "
        "case when list_contains(absent_columns, column_name) then "
        "case when list_contains(unreadable_columns, column_name) then 'row rejected: the value is not readable' "
        "else 'row rejected: a required value is missing' end "
        "else 'row kept, value set to null: the value is not readable' end as reason, source_row as row "
        "from (select *, unnest(list_distinct(unreadable_columns || absent_columns)) as column_name from mapped "
        "where len(unreadable_columns) + len(absent_columns) > 0) order by line, column_name",
        [landing.source, file.path.name, digest],
    )
    rejected = scalar(connection, "select count(*) from mapped where len(absent_columns) > 0")
    nulled = scalar(
        connection,
        "select coalesce(sum(len(unreadable_columns)), 0) from mapped where len(absent_columns) = 0",
    )
    total = rows + unreadable_lines
    if rejected + unreadable_lines > landing.max_rejected_share * total and total > 0:
        first = connection.execute(
            "select line, absent_columns[1] from mapped where len(absent_columns) > 0 order by line limit 1"
        ).fetchone() or ("?", "?")
        raise SourceError(
            f"source '{landing.source}': {rejected + unreadable_lines} of {total} rows of {file.path} would be rejected, first line {first[0]} (column {first[1]})",
            "mend the file or the mapping, or raise the source's max_rejected_share",
        )
    connection.execute("delete from mapped where len(absent_columns) > 0")
    return rows - rejected, int(rejected), int(nulled)


def _merge(connection: DuckDBPyConnection, landing: Landing, file: FileScan, digest: str) -> int:
    """Rows into the raw table and their attributes into raw.attributes; returns rows superseded within the file."""
    key = ", ".join(map(quote, landing.natural_key))
    names = [column.name for column in landing.columns]
    stamp = (
        f"'{landing.source}' as source_name, '{file.path.name.replace(chr(39), chr(39) * 2)}' as source_file"
    )
    listed = ", ".join(map(quote, names))
    doubled = scalar(connection, f"select count(*) - count(distinct ({key})) from mapped")
    if doubled:
        connection.execute(
            f"insert into raw.rejected_rows by name select ? as source_name, ? as source_file, ? as content_hash, line, "
            f"'row superseded by a later row of the same file with the same key' as reason, "
            f"cast(to_json({{{', '.join(f'{chr(39)}{name}{chr(39)}: {quote(name)}' for name in names)}}}) as varchar) as row from mapped "
            f"qualify row_number() over (partition by {key} order by known_at desc, line desc) > 1 order by line",
            [landing.source, file.path.name, digest],
        )
        connection.execute(
            f"create or replace temp table mapped as select * from mapped "
            f"qualify row_number() over (partition by {key} order by known_at desc, line desc) = 1 order by line"
        )
    _upsert_newer(
        connection, landing.table, f"select {listed}, {stamp} from mapped order by {key}", landing.natural_key
    )
    record_id = " || '|' || ".join(f"cast({quote(column)} as varchar)" for column in landing.natural_key)
    for column, kind in landing.attributes:
        _upsert_newer(
            connection,
            "raw.attributes",
            f"select '{landing.table.removeprefix('raw.')}' as raw_table, {record_id} as record_id, '{column.name}' as attribute, "
            f"'{kind}' as value_type, {quote('attribute ' + column.name)} as value, occurred_at, known_at, '{landing.source}' as source_name "
            f"from mapped where {quote('attribute ' + column.name)} is not null order by 2",
            ("raw_table", "record_id", "attribute"),
        )
    return int(doubled)


def _upsert_newer(connection: DuckDBPyConnection, table: str, select: str, key: Sequence[str]) -> None:
    """Insert new rows; replace a row of the same key unless the one that is there became known later."""
    columns = [row[0] for row in connection.execute(f"describe {select}").fetchall()]
    listed = ", ".join(map(quote, columns))
    is_empty = scalar(connection, f"select count(*) = 0 from {quote(table)}")
    if is_empty:
        connection.execute(f"insert into {quote(table)} ({listed}) {select}")
        return
    matched = " and ".join(f"t.{quote(column)} = s.{quote(column)}" for column in key)
    present = [row[0] for row in connection.execute(f"describe {quote(table)}").fetchall()]
    assigned = ", ".join(
        f"{quote(column)} = " + (f"s.{quote(column)}" if column in columns else "null")
        for column in present
        if column not in key
    )
    connection.execute(
        f"merge into {quote(table)} as t using ({select}) as s on {matched} "
        f"when matched and s.known_at >= t.known_at then update set {assigned} "
        f"when not matched then insert ({listed}) values ({', '.join('s.' + quote(column) for column in columns)})"
    )
