"""Landing files: rows of a file into a raw table, once, by natural key, all or nothing.

Belongs here: the transaction that lands one file. Does not belong here: how a file is read (files.py), which of its
lines and values are refused (rejects.py), and what sources.yaml means (ingest/, which makes the landing plan).

Idempotent twice over: a file is skipped when its content was landed with the same mapping before (landed_files.py),
and a row that comes again is put in its place among those of its natural key: of events (events.py) the first stands,
of rows that change (versions.py) the last, and whichever order the files come in, the end is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import SourceError, first_line
from leadflow.quality.sql_text import identifier
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.landing.attributes import merge_attributes
from leadflow.warehouse.landing.copies import check_packed
from leadflow.warehouse.landing.events import Added, Events
from leadflow.warehouse.landing.files import FileScan, damage_remedy
from leadflow.warehouse.landing.landed_files import (
    has_changed,
    newest_file,
    note_landed,
    was_landed,
    was_landed_otherwise,
    was_mapped_otherwise,
)
from leadflow.warehouse.landing.landing_plan import Landed, Landing
from leadflow.warehouse.landing.mapped import mapped_select
from leadflow.warehouse.landing.rejects import Rejects
from leadflow.warehouse.landing.versions import Versions
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
    together_with: Callable[[DuckDBPyConnection], None] | None = None,
) -> Landed:
    """Land one file in one transaction, with the new version of every table it changed.

    Args:
        connection: read-write connection.
        landing: the mapping.
        file: the file.
        digest: its content hash.
        stamp: what the write is recorded with.
        inputs: tables that the raw table is recorded as made from.
        together_with: called in the transaction once the rows are in, for what has to be kept with them or not at all.

    Raises:
        SourceError: the file is damaged or was changed meanwhile, too many lines are unreadable, a column is of the
            wrong type throughout, or an expression fails; nothing of the file is landed then.
    """
    import duckdb

    if was_landed(
        connection,
        landing.source,
        landing.file_name,
        digest,
        landing.mapping_hash,
        is_of_events=landing.history is None,
    ):
        if together_with is not None:
            with transaction(connection):
                together_with(connection)
        return Landed(landing.source, file.path, False, 0, 0, 0)
    try:
        check_packed(file.path)
    except OSError as error:
        raise _damaged(landing, file, error) from None
    ensure_system_tables(connection)
    try:
        with transaction(connection):
            added = _add(connection, landing, file, digest)
            merge_attributes(connection, landing)
            note_landed(
                connection,
                source=landing.source,
                file=landing.file_name,
                digest=digest,
                mapping_hash=landing.mapping_hash,
                row_count=added.rows,
                rejected_count=added.rejected_rows,
                as_of=landing.as_of,
            )
            connection.execute("drop table mapped")
            if has_changed(file.path, file.signature, digest):
                raise changed_meanwhile(landing.source, file.path)
            _record(connection, landing, added, stamp, inputs)
            if together_with is not None:
                together_with(connection)
    except duckdb.Error as error:
        raise _unreadable(connection, landing, file, error) from error
    return Landed(
        landing.source,
        file.path,
        True,
        added.rows,
        added.rejected_rows,
        added.rejected_values,
        added.repeated_rows,
    )


def changed_meanwhile(source: str, path: Path) -> SourceError:
    """What is told of a file that is not any more what it was when landing began."""
    return SourceError(
        f"source '{source}': {path} was changed while it was read",
        "run the refresh again once the file is complete; write it beside and rename it",
    )


def _add(connection: DuckDBPyConnection, landing: Landing, file: FileScan, digest: str) -> Added:
    """Put the rows of a file in their place, and keep what cannot be read."""
    is_anew = was_landed_otherwise(
        connection, landing.source, landing.file_name, digest, landing.mapping_hash
    )
    if landing.history is None:
        return Events(connection, landing, file, digest).add(
            is_anew=is_anew,
            is_mended=was_mapped_otherwise(
                connection, landing.source, landing.file_name, landing.mapping_hash
            ),
        )
    connection.execute(f"create or replace temp table mapped as {mapped_select(landing, file)}")
    rejects = Rejects(connection, landing, file, digest)
    rejects.forget()
    rejected_rows = rejects.take_lines()
    rejected_values = rejects.take_values()
    rejected_rows += rejects.take_rows()
    rejected_rows += rejects.take_superseded()
    row_count = int(scalar(connection, "select count(*) from mapped"))
    Versions(connection, landing, str(file.path)).merge(
        is_anew=is_anew, newest_file=newest_file(connection, landing.source)
    )
    return Added(row_count, rejected_rows, rejected_values, 0)


def _record(
    connection: DuckDBPyConnection, landing: Landing, added: Added, stamp: Stamp, inputs: Sequence[str]
) -> None:
    record_version(connection, landing.table, stamp=stamp, inputs=inputs)
    if landing.history is not None:
        record_version(connection, landing.history, stamp=stamp, inputs=inputs)
    if landing.attributes:
        record_version(connection, "raw.attributes", stamp=stamp)
    if added.rejected_rows or added.rejected_values:
        record_version(connection, "raw.rejected_rows", stamp=stamp)


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
        damage_remedy(file.path, file.format, said),
    )
