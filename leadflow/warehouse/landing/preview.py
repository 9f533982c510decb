"""What landing would make of a file, seen in its first rows and without changing anything.

Belongs here: mapping a bounded number of rows with landing's own SQL and rejects, and counting. Does not belong here:
what the counts are worth to a person (cli/doctor.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadflow.errors import SourceError, first_line
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import scalar
from leadflow.warehouse.landing.files import FileScan, damage_remedy
from leadflow.warehouse.landing.landing import ensure_raw_table
from leadflow.warehouse.landing.landing_plan import Landing
from leadflow.warehouse.landing.mapped import mapped_select
from leadflow.warehouse.landing.rejects import TABLE as REJECTED
from leadflow.warehouse.landing.rejects import Rejects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from duckdb import DuckDBPyConnection

ROWS_LOOKED_AT = 100_000
"""Rows from a file's beginning that are mapped, so that a file of any size costs seconds."""

FIRST_ROWS = 3
_DIGEST = "preview"


@dataclass(frozen=True)
class MappedColumn:
    """One column as it would be landed.

    Attributes:
        name: the raw table's column, or 'attribute x'.
        data_type: its DuckDB type.
        null_share: share of the rows without a value.
        distinct_count: different values, about.
        least: least value of a number, an instant or a boolean; None of a text.
        greatest: greatest value.
        unreadable_count: values that are there and do not fit the type.
    """

    name: str
    data_type: str
    null_share: float
    distinct_count: int
    least: Any
    greatest: Any
    unreadable_count: int


@dataclass(frozen=True)
class Preview:
    """The first rows of a file as they would be landed.

    Attributes:
        row_count: rows that were mapped.
        is_whole: whether the file has no more.
        columns: the mapped columns.
        first_rows: the first rows as they would be landed, in clear.
        repeated_keys: rows whose key an earlier row of these has.
        rejected: lines and rows that would be rejected, by reason with the column.
        future_share: share of the rows that occurred later than now.
    """

    row_count: int
    is_whole: bool
    columns: tuple[MappedColumn, ...]
    first_rows: tuple[dict[str, Any], ...]
    repeated_keys: int
    rejected: dict[str, int]
    future_share: float


def preview(
    connection: DuckDBPyConnection,
    landing: Landing,
    file: FileScan,
    *,
    rejected_columns: Mapping[str, str],
    now: datetime,
    row_limit: int = ROWS_LOOKED_AT,
) -> Preview:
    """Map the first rows of a file.

    Args:
        connection: connection to a database in memory, which is written to.
        landing: the mapping.
        file: the file.
        rejected_columns: types of the columns of raw.rejected_rows.
        now: the moment after which everything is the future.
        row_limit: rows to look at.

    Raises:
        SourceError: these rows could not be landed, and why, as a refresh would say it.
    """
    import duckdb

    ensure_raw_table(connection, REJECTED, rejected_columns)
    first = replace(file, relation=f"(select * from {file.relation} limit {row_limit})")
    if file.not_rows:
        first = replace(first, not_rows=f"select * from ({file.not_rows}) where place <= {row_limit}")
    rejects = Rejects(connection, landing, first, _DIGEST)
    try:
        connection.execute(f"create or replace temp table mapped as {mapped_select(landing, first)}")
        mapped = int(scalar(connection, "select count(*) from mapped"))
        if file.format != "parquet":
            # DuckDB reads ahead of the limit, and what it finds there is not of these rows.
            connection.execute(f"delete from {file.rejects} where line > {row_limit + file.header_lines}")
        rejects.forget()
        # Before the rows without a key or a time are dropped: the shares are of what the file holds.
        columns = tuple(
            _column(connection, column.name, column.data_type, mapped) for column in landing.read_columns
        )
        rejects.take_lines()
        rejects.take_values()
        rejects.take_rows()
        key = ", ".join(map(identifier, landing.natural_key))
        kept = int(scalar(connection, "select count(*) from mapped"))
        result = Preview(
            mapped,
            mapped < row_limit,
            columns,
            _first_rows(connection, [column.name for column in landing.read_columns]),
            int(scalar(connection, f"select count(*) - count(distinct ({key})) from mapped")),
            _reasons(connection, landing.source),
            int(scalar(connection, "select count(*) from mapped where occurred_at > ?", [now]))
            / max(kept, 1),
        )
        connection.execute("drop table mapped")
    except duckdb.Error as error:
        raise SourceError(
            f"source '{landing.source}': {file.path} cannot be mapped ({first_line(error)})",
            f"{damage_remedy(file.path, file.format, str(error))}; else mend the mapping, where try_cast, or try() around an expression, makes null of what does not fit",
        ) from None
    return result


def _column(connection: DuckDBPyConnection, name: str, data_type: str, rows: int) -> MappedColumn:
    quoted = identifier(name)
    ranged = data_type != "varchar"
    nulls, distinct, least, greatest, unreadable = connection.execute(
        f"select count(*) - count({quoted}), approx_count_distinct({quoted}), "
        f"{f'min({quoted}), max({quoted})' if ranged else 'null, null'}, "
        f"count(*) filter (list_contains(unreadable_columns, {literal(name)})) from mapped"
    ).fetchall()[0]
    return MappedColumn(
        name,
        data_type,
        nulls / rows if rows else 0.0,
        min(distinct, rows - nulls),
        least,
        greatest,
        unreadable,
    )


def _first_rows(connection: DuckDBPyConnection, names: list[str]) -> tuple[dict[str, Any], ...]:
    listed = ", ".join(map(identifier, names))
    rows = connection.execute(f"select {listed} from mapped order by line limit {FIRST_ROWS}").fetchall()
    return tuple(dict(zip(names, row, strict=True)) for row in rows)


def _reasons(connection: DuckDBPyConnection, source: str) -> dict[str, int]:
    found = connection.execute(
        f"select concat_ws(': ', column_name, reason), count(*) from {REJECTED} where source_name = ? and content_hash = ? "
        "group by all order by 2 desc, 1",
        [source, _DIGEST],
    ).fetchall()
    return dict(found)
