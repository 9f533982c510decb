"""What the columns of a file look like: how full they are, how many values they hold, and what those can be read as.

Belongs here: looking at a bounded number of rows and counting. Does not belong here: what a column means, which is
guessed from these counts (ingest/propose.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadflow.errors import SourceError, first_line
from leadflow.quality.sql_text import identifier, literal, literals
from leadflow.warehouse.connection import first_row
from leadflow.warehouse.landing.files import FileScan, damage_remedy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_LOOKED_AT = 50_000
"""Rows from a file's beginning that are looked at, so that a file of any size costs seconds."""

COLUMNS_LOOKED_AT = 1_000
"""Columns that are looked at, of those that hold anything; each costs some 20 ms."""

_PART_COLUMNS = 50
"""Columns of a table that is asked: DuckDB binds all columns of a table for every query on it."""

MARKERS: tuple[str, ...] = (
    "select",
    "-select-",
    "--select--",
    "please select",
    "n/a",
    "#n/a",
    "(none)",
    "null",
    "nil",
    "nan",
    "-",
    "--",
    "?",
    "undefined",
    "(blank)",
    "not provided",
    "未填写",
    "请选择",
    "暂无",
    "无",
)
"""What a form or an export writes where there is no value, in lower case."""

_DATES = {
    "day_slash": (r"\d{1,2}/\d{1,2}/\d{4}\b.*", "%d/%m/%Y"),
    "month_slash": (r"\d{1,2}/\d{1,2}/\d{4}\b.*", "%m/%d/%Y"),
    "day_slash_short": (r"\d{1,2}/\d{1,2}/\d{2}(\s.*)?", "%d/%m/%y"),
    "month_slash_short": (r"\d{1,2}/\d{1,2}/\d{2}(\s.*)?", "%m/%d/%y"),
    "day_dash": (r"\d{1,2}-\d{1,2}-\d{4}\b.*", "%d-%m-%Y"),
    "month_dash": (r"\d{1,2}-\d{1,2}-\d{4}\b.*", "%m-%d-%Y"),
    "day_dot": (r"\d{1,2}\.\d{1,2}\.\d{4}\b.*", "%d.%m.%Y"),
    "year_dot": (r"\d{4}\.\d{1,2}\.\d{1,2}\b.*", "%Y.%m.%d"),
    "chinese": (r"\d{4}年\d{1,2}月\d{1,2}日.*", "%Y年%m月%d日"),
    "day_name": (r"\d{1,2}[ -][A-Za-z]{3}[ -]\d{4}\b.*", "%d %b %Y"),
    "name_day": (r"[A-Za-z]{3} \d{1,2},? \d{4}\b.*", "%b %d, %Y"),
}
_VARIANTS = {"day_name": ("%d %b %Y", "%d-%b-%Y"), "name_day": ("%b %d, %Y", "%b %d %Y")}
_TIMES = (
    "",
    " %H:%M:%S",
    " %H:%M",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %H:%M:%S.%f",
    "T%H:%M:%S",
    ", %H:%M:%S",
    ", %H:%M",
    ", %I:%M %p",
)

DATE_FORMATS: Mapping[str, tuple[str, ...]] = {
    name: tuple(day + time for day in _VARIANTS.get(name, (layout,)) for time in _TIMES)
    for name, (_, layout) in _DATES.items()
}
"""strptime formats by the way of writing dates, beside ISO 8601, which landing reads as it is."""

_SHAPES = {
    "email": r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}",
    "phone": r"(\+|00)?\(?\d[\d ()./-]{5,18}\d(\s*(x|ext\.?)\s*\d{1,6})?",
    "sure_phone": r"\+\d[\d ()./-]{6,18}\d|1[3-9]\d{9}",
    "url": r"(https?://|www\.)\S+|/\S*",
    "domain": r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-zA-Z]{2,}",
    "grouped_number": r"[-+]?[^\w\s.,-]?\s?\d{1,3}(,\d{3})+(\.\d+)?\s?[^\w\s.,-]?|[-+]?[$€£¥]\s?\d+(\.\d+)?",
    "european_number": r"[-+]?[^\w\s.,-]?\s?\d{1,3}(\.\d{3})*,\d+\s?[^\w\s.,-]?",
    "excel_day": r"[2-6]\d{4}(\.\d+)?",
    "day_number": r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    "epoch_seconds": r"1\d{9}",
    "epoch_milliseconds": r"1\d{12}",
    "currency": r"[A-Z]{3}",
    "ip_address": r"(\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]*(:[0-9a-fA-F]*){4,7}",
    "blankless": r"\S+",
}

_BOOLEANS = ("true", "false", "t", "f", "yes", "no", "y", "n", "是", "否", "0", "1", "0.0", "1.0")
_FEW = 30


@dataclass(frozen=True)
class ColumnProfile:
    """One column as it was found in the rows looked at. Shares are of the values that are neither blank nor a marker.

    Attributes:
        name: its name.
        data_type: DuckDB's type of it, in upper case.
        row_count: rows looked at.
        value_count: rows that have a value.
        distinct_count: different values.
        markers: markers for 'no value' that were found, as they are written.
        shares: share of the values that can be read as what the key names.
        numbers: least and greatest of the values that are numbers, or None.
        dates: least and greatest instant, by every way of writing dates that fits a value.
        few_values: the values, most frequent first, where there are no more than 30; else none.
        formats: strptime formats that values are written in, by every way of writing dates that fits most of them.
        signs: what stands beside the digits of numbers, such as a currency's sign.
    """

    name: str
    data_type: str
    row_count: int
    value_count: int
    distinct_count: int
    markers: tuple[str, ...]
    shares: Mapping[str, float]
    numbers: tuple[float, float] | None
    dates: Mapping[str, tuple[datetime, datetime]]
    few_values: tuple[str, ...]
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signs: tuple[str, ...] = ()

    def share(self, shape: str) -> float:
        """Share of the values that can be read as a shape."""
        return self.shares.get(shape, 0.0)

    @property
    def filled(self) -> float:
        """Share of the rows that have a value."""
        return self.value_count / self.row_count if self.row_count else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value and no two the same."""
        return self.row_count > 0 and self.distinct_count == self.value_count == self.row_count


@dataclass(frozen=True)
class FileProfile:
    """The columns of a file, and the rows they were looked at in.

    Attributes:
        columns: in the file's order.
        row_count: rows looked at.
        is_whole: whether the file has no more.
        passed_over: columns that hold something and were not looked at, as they are too many.
    """

    columns: tuple[ColumnProfile, ...]
    row_count: int
    is_whole: bool
    passed_over: int
    _connection: DuckDBPyConnection
    _table: str

    def distinct_rows(self, columns: Sequence[str]) -> int:
        """How many of the rows looked at differ in these columns."""
        listed = ", ".join(f"coalesce(cast({identifier(name)} as varchar), '')" for name in columns)
        return int(one(self._connection, f"select count(distinct row({listed})) from {self._table}"))


@contextmanager
def profile(
    connection: DuckDBPyConnection, file: FileScan, *, row_limit: int = ROWS_LOOKED_AT
) -> Iterator[FileProfile]:
    """Look at the first rows of a file, column by column; what was found can be asked for more within the block.

    Raises:
        SourceError: the file is damaged within these rows.
    """
    import duckdb

    table = f"looked_at_{secrets.token_hex(4)}"
    try:
        connection.execute(
            f"create temp table {table} as select * from {file.relation} limit {row_limit + 1}"
        )
        found = int(one(connection, f"select count(*) from {table}"))
        if found > row_limit:
            connection.execute(
                f"create or replace temp table {table} as select * from {table} limit {row_limit}"
            )
        rows = min(found, row_limit)
        filled = _filled(connection, table, file.columns)
        looked_at = list(filled)[:COLUMNS_LOOKED_AT]
        seen = _columns(connection, table, {name: file.column_types[name] for name in looked_at}, rows)
        columns = tuple(
            seen[name] if name in seen else ColumnProfile(name, kind, rows, 0, 0, (), {}, None, {}, ())
            for name, kind in file.column_types.items()
            if name in seen or name not in filled
        )
        passed_over = len(filled) - len(looked_at)
        yield FileProfile(columns, rows, found <= row_limit, passed_over, connection, table)
    except duckdb.Error as error:
        raise SourceError(
            f"{file.path} cannot be read ({first_line(error)})",
            damage_remedy(file.path, file.format, str(error)),
        ) from None
    finally:
        connection.execute(f"drop table if exists temp.{table}")


def one(connection: DuckDBPyConnection, sql: str) -> float:
    """The one number of a query."""
    return float((first_row(connection, sql) or (0,))[0])


def _columns(
    connection: DuckDBPyConnection, table: str, types: Mapping[str, str], rows: int
) -> dict[str, ColumnProfile]:
    """Profiles by name."""
    seen: dict[str, ColumnProfile] = {}
    names, part = list(types), f"{table}_part"
    for start in range(0, len(names), _PART_COLUMNS):
        some = names[start : start + _PART_COLUMNS]
        connection.execute(
            f"create or replace temp table {part} as select {', '.join(map(identifier, some))} from {table}"
        )
        seen |= {name: _column(connection, part, name, types[name], rows) for name in some}
    connection.execute(f"drop table if exists temp.{part}")
    return seen


def _filled(connection: DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, int]:
    """The columns that hold anything at all: exports of a CRM have hundreds that do not."""
    counts = ", ".join(f"count(nullif(trim(cast({identifier(name)} as varchar)), ''))" for name in columns)
    found = first_row(connection, f"select {counts} from {table}") or ()
    return {name: count for name, count in zip(columns, found, strict=True) if count}


def _column(
    connection: DuckDBPyConnection, table: str, name: str, data_type: str, rows: int
) -> ColumnProfile:
    counts = {
        f"is_{shape}": f"regexp_full_match(value, {literal(pattern)})" for shape, pattern in _SHAPES.items()
    }
    counts["is_number"] = "isfinite(try_cast(value as double))"
    counts["is_whole_number"] = "regexp_full_match(value, '[-+]?[0-9]{1,18}')"
    counts["is_boolean"] = f"lower(value) in ({literals(_BOOLEANS)})"
    counts["is_word_boolean"] = "lower(value) in ('true', 'false')"
    dates = {
        "iso": r"case when regexp_matches(value, '^\d{4}[-/]') then cast(try_cast(value as timestamptz) as timestamp) end"
    }
    for way, (pattern, _) in _DATES.items():
        dates[way] = (
            f"case when regexp_full_match(value, {literal(pattern)}) then try_strptime(value, [{literals(DATE_FORMATS[way])}]) end"
        )
    measures = [
        "sum(times)",
        "count(*)",
        *(f"sum(times) filter ({condition})" for condition in counts.values()),
        "min(number)",
        "max(number)",
    ]
    for way in dates:
        measures += [f"sum(times) filter ({way} is not null)", f"min({way})", f"max({way})"]
    values = f"select trim(cast({identifier(name)} as varchar)) as value, count(*) as times from {table} group by all"
    kept = f"value <> '' and lower(value) not in ({literals(MARKERS)})"
    parsed = ", ".join(f"{sql} as {way}" for way, sql in dates.items())
    found: tuple[Any, ...] = first_row(
        connection,
        f"with kept as (select *, if(isfinite(try_cast(value as double)), try_cast(value as double), null) as number, {parsed} "
        f"from ({values}) where {kept}) select {', '.join(measures)} from kept",
    ) or (0,) * len(measures)
    value_count, distinct, *rest = found
    value_count = int(value_count or 0)
    shapes, rest = rest[: len(counts)], rest[len(counts) :]
    shares = {
        key.removeprefix("is_"): (times or 0) / value_count if value_count else 0.0
        for key, times in zip(counts, shapes, strict=True)
    }
    ranges: dict[str, tuple[datetime, datetime]] = {}
    for place, way in enumerate(dates):
        times, least, greatest = rest[2 + 3 * place : 5 + 3 * place]
        shares[way] = (times or 0) / value_count if value_count else 0.0
        if least is not None:
            ranges[way] = (least, greatest)
    markers = connection.execute(
        f"select value from ({values}) where value <> '' and not ({kept}) order by value"
    ).fetchall()
    few = (
        connection.execute(f"select value from ({values}) where {kept} order by times desc, value").fetchall()
        if 0 < distinct <= _FEW
        else []
    )
    return ColumnProfile(
        name,
        data_type,
        rows,
        value_count,
        int(distinct),
        tuple(row[0] for row in markers),
        shares,
        None if rest[0] is None else (rest[0], rest[1]),
        ranges,
        tuple(row[0] for row in few),
        {
            way: _formats(connection, f"select value from ({values}) where {kept}", way)
            for way in DATE_FORMATS
            if shares[way] > 0.5
        },
        _signs(connection, f"select value from ({values}) where {kept}")
        if shares["grouped_number"] + shares["european_number"] > 0
        else (),
    )


def _signs(connection: DuckDBPyConnection, values: str) -> tuple[str, ...]:
    """What is left of values that are numbers with more than digits in them."""
    shape = " or ".join(
        f"regexp_full_match(value, {literal(_SHAPES[name])})"
        for name in ("grouped_number", "european_number")
    )
    sign = r"regexp_replace(value, '[-+0-9.,\s]', '', 'g')"
    rows = connection.execute(
        f"select distinct {sign} as sign from ({values}) where {shape} order by sign"
    ).fetchall()
    return tuple(row[0] for row in rows if row[0])


def _formats(connection: DuckDBPyConnection, values: str, way: str) -> tuple[str, ...]:
    """Formats of a way of writing dates that fit a value."""
    fits = ", ".join(f"count(try_strptime(value, {literal(layout)}))" for layout in DATE_FORMATS[way])
    counts = first_row(connection, f"select {fits} from ({values})") or ()
    return tuple(layout for layout, count in zip(DATE_FORMATS[way], counts, strict=True) if count)
