"""What the cells of a column become, as SQL: value maps, null values, dates in their zones, numbers, types.

Belongs here: one column's values. Does not belong here: which column fills what (mapping.py), and running the SQL
(warehouse/landing/).

Every value is cast with try_cast or try_strptime, so that one bad cell never loses a file: what does not fit is null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from leadflow.ingest.source_values import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    EXCEL,
    ISO,
    Numbers,
    ValueOptions,
)
from leadflow.quality.sql_text import literal

EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001
"""Instants outside of these are typing errors such as the year 20226, not facts."""

_TAKEN_AS_GIVEN = {"BOOLEAN", "INTEGER", "BIGINT"}
"""Types that a Parquet file may have for a column of the same type, so that no way through text is needed."""

_MOMENTS = ("TIMESTAMP", "DATE")
_NUMBERS = (
    "DOUBLE",
    "FLOAT",
    "DECIMAL",
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "TINYINT",
    "HUGEINT",
    "UBIGINT",
    "UINTEGER",
)

_ZONED = r"[0-9]:[0-9]{2}(:[0-9]{2})?([.,][0-9]+)?\s*(Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2}){0,2}|[A-Za-z]+/[A-Za-z0-9_+/-]+)$"
"""How a text ends that says its zone or offset: behind a time, since a day ends like an offset, too."""

_FIRST_DAY_OF_EXCEL = datetime(1899, 12, 30)  # noqa: DTZ001
"""Day 0, counted back from today: Excel takes 1900 for a leap year, so days before March 1900 are one off."""


@dataclass(frozen=True)
class Reading:
    """How the cells of one column are read; what its settings and those of its source come to.

    Attributes:
        values: what cells stand for, by their text.
        other: what becomes of a cell that is not among them: keep, null or reject.
        formats: of moments; ISO 8601 where empty.
        time_zone: of moments that carry none; UTC where None.
        null_values: cells that stand for no value.
        numbers: how numbers are written; as 1234.5 where None.
        is_computed: whether the cell is an expression's result, of a type that only DuckDB knows.
    """

    values: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    other: Literal["keep", "null", "reject"] = "keep"
    formats: tuple[str, ...] = ()
    time_zone: str | None = None
    null_values: tuple[str, ...] = ()
    numbers: Numbers | None = None
    is_computed: bool = False

    def with_own(self, own: ValueOptions) -> Reading:
        """The source's reading with what one column says of itself."""
        return Reading(
            own.values,
            own.other,
            self.formats if own.format is None else own.format,
            self.time_zone if own.time_zone is None else own.time_zone,
            self.null_values if own.null_values is None else own.null_values,
            self.numbers if own.numbers is None else own.numbers,
        )


def given_sql(cell: str, given_type: str | None, reading: Reading) -> str:
    """The cell as the file holds it, null where it stands for no value."""
    if given_type in ("DOUBLE", "FLOAT"):
        cell = (
            f"case when not isnan({cell}) then {cell} end"  # how some writers put a number that is not there
        )
    nothing = _null_values(given_type, reading)
    nothing += [key for key, meant in reading.values.items() if meant is None]
    conditions = [f"({_text(cell)} is null or not {_is_one_of(cell, nothing)})"] if nothing else []
    if reading.values and reading.other == "null":
        conditions.append(_is_one_of(cell, list(reading.values)))
    return f"case when {' and '.join(conditions)} then {cell} end" if conditions else cell


def value_sql(cell: str, data_type: str, given_type: str | None, reading: Reading) -> str:
    """The cell as `data_type`, null where it does not fit; blanks are null.

    Args:
        cell: SQL of the cell.
        data_type: varchar, timestamp, double, integer, bigint or boolean.
        given_type: DuckDB's type of the cell, in upper case; None where only DuckDB knows.
        reading: how it is read.
    """
    given = given_sql(cell, given_type, reading)
    if reading.values:
        return _cast(_mapped(cell, given, reading), data_type, None, reading)
    return _cast(given, data_type, given_type, reading)


def key_sql(cells: list[str]) -> str:
    """A key of several cells: the MD5 of their texts as a JSON list, null where all are blank."""
    texts = ", ".join(map(_text, cells))
    return f"case when coalesce({texts}) is not null then md5(cast(to_json([{texts}]) as varchar)) end"


def may_be_unfit(data_type: str, reading: Reading) -> bool:
    """Whether a cell can hold something that is no value of the type: any text is one, unless only some are allowed."""
    return data_type != "varchar" or reading.other == "reject"


def _text(sql: str) -> str:
    return f"nullif(trim(cast({sql} as varchar)), '')"


def _null_values(given_type: str | None, reading: Reading) -> list[str]:
    """The null values that a column of the type can hold at all, so that millions of numbers are not made texts in vain."""
    if given_type is not None and given_type.startswith(_MOMENTS):
        return []
    if given_type is not None and given_type.startswith(_NUMBERS):
        return [text for text in reading.null_values if re.fullmatch(r"[-+]?[0-9.]+", text.strip())]
    return list(reading.null_values)


def _is_one_of(cell: str, texts: list[str]) -> str:
    # lower() on both sides, so that DuckDB's rules of letter case hold for both.
    return f"lower(trim(cast({cell} as varchar))) in ({', '.join(f'lower({literal(text.strip())})' for text in texts)})"


def _mapped(cell: str, given: str, reading: Reading) -> str:
    """The text that a cell stands for."""
    branches = " ".join(
        f"when lower({literal(key.strip())}) then {'null' if meant is None else literal(_as_text(meant))}"
        for key, meant in reading.values.items()
    )
    others = _text(given) if reading.other == "keep" else "null"
    mapped = f"case lower({_text(cell)}) {branches} else {others} end"
    if not reading.null_values:
        return mapped
    return f"case when ({given}) is not null then {mapped} end"


def _as_text(meant: str | int | float | bool) -> str:
    return str(meant).lower() if isinstance(meant, bool) else str(meant)


def _cast(sql: str, data_type: str, given_type: str | None, reading: Reading) -> str:
    if data_type == "timestamp":
        return _moment(sql, given_type, reading)
    if given_type == data_type.upper() and given_type in _TAKEN_AS_GIVEN:
        return sql
    text = _text(sql)
    if data_type == "varchar":
        return text
    is_text = given_type is None or given_type == "VARCHAR"
    if data_type in ("double", "integer", "bigint") and reading.numbers is not None and is_text:
        text = _number_text(text, reading.numbers)
    if data_type in ("integer", "bigint") and is_text:
        # DuckDB would read 0x10 as 16 and 0b11 as 3 in a column of whole numbers.
        return f"case when not regexp_matches({text}, '^[-+]?0[A-Za-z]') then try_cast({text} as {data_type}) end"
    if data_type != "double":
        return f"try_cast({text} as {data_type})"
    number = sql if given_type == "DOUBLE" else f"try_cast({text} as double)"
    return f"case when isfinite({number}) then {number} end"


def _moment(sql: str, given_type: str | None, reading: Reading) -> str:
    zone = reading.time_zone
    if given_type in ("TIMESTAMP", "DATE"):
        return _within_bounds(
            _as_utc(sql if given_type == "TIMESTAMP" else f"cast({sql} as timestamp)", zone)
        )
    text = _text(sql)
    if not reading.formats or (given_type is not None and given_type.startswith(_MOMENTS)):
        return _within_bounds(_iso(text, zone))
    # Each by itself, so that the year 26 of one format leaves the value to the next.
    tries = [_within_bounds(_by_format(text, layout, zone)) for layout in reading.formats]
    instant = tries[0] if len(tries) == 1 else f"coalesce({', '.join(tries)})"
    if not reading.is_computed:
        return instant
    # An expression may have made a moment of the text by itself.
    return f"case when typeof({sql}) = 'VARCHAR' then {instant} else {_within_bounds(_iso(text, zone))} end"


def _within_bounds(instant: str) -> str:
    return f"case when {instant} between {literal(EARLIEST)} and {literal(LATEST)} then {instant} end"


def _as_utc(local: str, time_zone: str | None) -> str:
    """A moment without zone as UTC.

    Of an hour that a clock shows twice the second is meant, and of one that it leaps over the one after the leap.
    """
    return local if time_zone is None else f"cast(timezone({literal(time_zone)}, {local}) as timestamp)"


def _iso(text: str, time_zone: str | None) -> str:
    # By way of timestamptz, so that an offset in the text is honoured; the session's time zone is UTC.
    instant = f"cast(try_cast({text} as timestamptz) as timestamp)"
    no_moment = f"lower({text}) = 'epoch'"  # which DuckDB takes for the first moment of 1970
    if time_zone is None:
        return f"case when {no_moment} then null else {instant} end"
    local = _as_utc(f"try_cast({text} as timestamp)", time_zone)
    is_zoned = f"regexp_matches({text}, {literal(_ZONED)})"
    return f"case when {no_moment} then null when {is_zoned} then {instant} else {local} end"


def _by_format(text: str, layout: str, time_zone: str | None) -> str:
    number = f"try_cast({text} as double)"
    if layout == ISO:
        return _iso(text, time_zone)
    if layout == EXCEL:
        day = f"case when {number} between 1 and 100000 then {number} end"
        seconds = (
            f"to_seconds(cast(round(({day}) * 86400) as bigint))"  # its fractions of a day are never exact
        )
        return _as_utc(f"{literal(_FIRST_DAY_OF_EXCEL)} + {seconds}", time_zone)
    if layout in (EPOCH_SECONDS, EPOCH_MILLISECONDS):
        factor = 1_000_000 if layout == EPOCH_SECONDS else 1_000
        return f"make_timestamp(try_cast(round({number} * {factor}) as bigint))"
    # Some words, such as infinity, would be the first moment of 1900.
    parsed = f"case when regexp_matches({text}, '[0-9]') then try_strptime({text}, {literal(layout)}) end"
    if re.search(r"(?<!%)(%%)*%[zZ]", layout):
        return f"cast({parsed} as timestamp)"
    return _as_utc(parsed, time_zone)


def _number_text(text: str, numbers: Numbers) -> str:
    """A number as 1234.5, null where it is not written as the file writes numbers."""
    blanks = r"[\s\x{00A0}\x{202F}]"
    affix = "|".join(re.escape(one.strip()) for one in numbers.affixes)
    aside = f"(?:{affix}|{blanks})*" if affix else f"{blanks}*"
    whole = "[0-9]+"
    if numbers.thousands is not None:
        parted = {" ": blanks, "'": "['’]"}.get(numbers.thousands, f"\\{numbers.thousands}")
        whole = f"[0-9]{{1,3}}(?:{parted}[0-9]{{2,3}})*{parted}[0-9]{{3}}|{whole}"
    fraction = f"(?:\\{numbers.decimal}([0-9]*))?"
    pattern = literal(f"^{aside}([(]?){aside}([-+−]?){aside}({whole})?{fraction}{aside}([)]?){aside}$")

    def part(number: int) -> str:
        return f"regexp_extract({text}, {pattern}, {number})"

    is_negative = f"{part(1)} <> '' or {part(2)} in ('-', '−')"
    digits = f"regexp_replace({part(3)}, '[^0-9]', '', 'g')"
    number = f"concat(if({is_negative}, '-', ''), {digits}, '.', {part(4)})"
    fits = f"regexp_matches({text}, {pattern}) and ({part(1)} = '') = ({part(5)} = '')"
    return f"case when {fits} then {number} end"
