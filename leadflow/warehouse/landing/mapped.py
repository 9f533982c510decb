"""A file's rows as the raw table's, in SQL: typed values, and what of them cannot be read.

Belongs here: the select statements over a file. Does not belong here: what becomes of their rows (landing.py), and what
sources.yaml means (ingest/mapping.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from leadflow.errors import SourceError, first_line, listed
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.landing.files import FileScan
from leadflow.warehouse.landing.landing_plan import Landing, LandingColumn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELETED = "is_deleted"
"""Name under which a row says that it is deleted."""


def check_mapping(connection: DuckDBPyConnection, landing: Landing, file: FileScan) -> None:
    """Have DuckDB read the mapping without running it, so that a wrong expression is told by its line.

    Raises:
        SourceError: an expression is not SQL, or names a column that the file does not have.
    """
    import duckdb

    together = ", ".join(column.value for column in landing.read_columns)
    try:  # at once: of a file of thousands of columns each look at its relation takes its time
        connection.execute(f"describe select {together} from {file.relation}").fetchall()
        return
    except duckdb.Error as error:
        wrong = error
    for column in landing.read_columns:
        try:
            connection.execute(f"describe select {column.value} from {file.relation}").fetchall()
        except duckdb.Error as error:
            raise SourceError(
                f"{column.where} source '{landing.source}': {column.name} cannot be read from {file.path} ({first_line(error)})",
                f"mend the expression; it is SQL over the columns {listed(map(identifier, file.columns))}",
            ) from None
    raise SourceError(
        f"source '{landing.source}': {file.path} cannot be mapped ({first_line(wrong)})",
        "mend the expressions; each by itself is sound",
    )


def mapped_select(landing: Landing, file: FileScan) -> str:
    """Typed values, the names of columns that could not be read, and for such rows the row itself.

    `line` is the row's place among the rows that could be read, counted as lines of the file.
    """
    values = ", ".join(f"{column.value} as {identifier(column.name)}" for column in landing.read_columns)
    unreadable = ", ".join(
        f"case when ({column.value}) is null and {_is_given(column)} then {literal(column.name)} end"
        for column in landing.read_columns
        if column.may_be_unfit
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


def given_counts(columns: Iterable[LandingColumn], file: FileScan) -> str:
    """Select statement of one row: how many values the file gives for each of the columns, whatever they are."""
    return (
        f"select {', '.join(f'count(*) filter ({_is_given(column)})' for column in columns)} "
        f"from {file.relation}"
    )


def _is_given(column: LandingColumn) -> str:
    return f"nullif(trim(cast({column.given} as varchar)), '') is not null"


def names(columns: Iterable[str]) -> str:
    """Quoted names, with commas."""
    return ", ".join(map(identifier, columns))
