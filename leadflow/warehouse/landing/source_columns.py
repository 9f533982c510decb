"""Which columns each source's files were seen to have, kept from refresh to refresh.

Belongs here: quality.source_columns, and what is told of a file that has other columns than those before it. Does not
belong here: whether a column that is gone is needed (ingest/mapping.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.warehouse.connection import scalar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leadflow.warehouse.landing.files import FileScan

_CREATE = """
create schema if not exists quality;
create table if not exists quality.source_columns (
    source_name varchar, column_name varchar, data_type varchar, first_as_of timestamp, last_as_of timestamp,
    primary key (source_name, column_name)
);
"""


def seen_columns(connection: DuckDBPyConnection, source: str) -> list[str]:
    """Columns that files of a source had so far, those that were there first before the others."""
    connection.execute(_CREATE)
    rows = connection.execute(
        "select column_name from quality.source_columns where source_name = ? order by first_as_of, rowid",
        [source],
    ).fetchall()
    return [name for (name,) in rows]


def note_columns(connection: DuckDBPyConnection, source: str, file: FileScan, as_of: datetime) -> list[str]:
    """Keep which columns a file has; returns, as phrases, how they differ from those of the source's files before.

    A column that goes is told once, by the first file without it. In JSON a key is left out where it is null, so that
    only one that the mapping names is told.
    """
    connection.execute(_CREATE)
    before = {
        name: (data_type, last)
        for name, data_type, last in connection.execute(
            "select column_name, data_type, last_as_of from quality.source_columns where source_name = ?",
            [source],
        ).fetchall()
    }
    newest = scalar(
        connection, "select max(last_as_of) from quality.source_columns where source_name = ?", [source]
    )
    present = {name: kind for name, kind in file.column_types.items() if name not in file.absent}
    told = []
    if before:
        told += [f"new column '{name}'" for name in present if name not in before]
        told += [
            f"column '{name}' is gone"
            for name, (_, last) in before.items()
            if name not in present and last == newest and (file.format != "json" or name in file.absent)
        ]
        told += [
            f"column '{name}' was {before[name][0]} and is {kind}"
            for name, kind in present.items()
            if name in before and before[name][0] != kind
        ]
    if present:
        connection.executemany(
            "insert into quality.source_columns values (?, ?, ?, ?, ?) on conflict (source_name, column_name) "
            "do update set data_type = excluded.data_type, last_as_of = greatest(last_as_of, excluded.last_as_of)",
            [[source, name, kind, as_of, as_of] for name, kind in present.items()],
        )
    return told
