"""How a column's values become those of a field: the settings and expressions that a proposed sources.yaml holds.

Belongs here: dates, numbers, booleans and markers for 'no value'. Does not belong here: which column fills which field
(propose.py).

Every name is quoted as an identifier and every value as a literal: what a file's header or cells hold is never run.
"""

from __future__ import annotations

from dataclasses import dataclass

from leadflow.ingest.field_words import words_of
from leadflow.ingest.source_values import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    EXCEL,
    ColumnMapping,
    Expression,
    FromColumn,
    Numbers,
)
from leadflow.quality.sql_text import identifier, literals
from leadflow.warehouse.landing.column_profiles import DATE_FORMATS, ColumnProfile

NEARLY_ALL = 0.95
"""Share of a column's values that must be readable as a type before it is taken for that type."""

ORDERS = (("day_slash", "month_slash"), ("day_slash_short", "month_slash_short"), ("day_dash", "month_dash"))
"""Ways of writing dates that differ in nothing but whether the day or the month comes first."""

_TRUE, _FALSE = ("true", "t", "yes", "y", "1", "1.0", "是"), ("false", "f", "no", "n", "0", "0.0", "否")
_READ_AS_THEY_ARE = frozenset(("true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"))
_NUMBERED = {
    "day_number": "%Y%m%d",
    "excel_day": EXCEL,
    "epoch_seconds": EPOCH_SECONDS,
    "epoch_milliseconds": EPOCH_MILLISECONDS,
}
"""Dates that are numbers, by their format."""


@dataclass(frozen=True)
class Value:
    """How a column is read.

    Attributes:
        mapping: the column's name, the column with how its cells are read, or an expression over it.
        note: what is done to the values, in words; empty where nothing is.
    """

    mapping: ColumnMapping
    note: str = ""


@dataclass(frozen=True)
class DateReading:
    """How a column's dates are written.

    Attributes:
        way: 'iso', one of DATE_FORMATS, 'day_number', 'excel_day', 'epoch_seconds' or 'epoch_milliseconds'.
        is_ambiguous: whether every value would be a date with day and month exchanged, too.
        reason: what tells.
    """

    way: str
    is_ambiguous: bool
    reason: str


def date_reading(column: ColumnProfile, siblings: tuple[ColumnProfile, ...] = ()) -> DateReading | None:
    """How the dates of a column are written, or None where they are none.

    Args:
        siblings: columns of the same file: whoever wrote 31/01 in one column means 01/02 the same way in another.
    """
    ways = {way: column.share(way) for way in ("iso", *DATE_FORMATS)}
    way = max(ways, key=lambda name: ways[name])
    if ways[way] >= NEARLY_ALL:
        return _ordered(column, way, siblings)
    is_named_so = bool(
        {"date", "time", "at", "timestamp", "created", "day"} & set(words_of(column.name).split())
    )
    for other in _NUMBERED:
        if is_named_so and column.share(other) >= NEARLY_ALL:
            return DateReading(other, False, f"numbers that are dates ({other.replace('_', ' ')})")
    return None


def _ordered(column: ColumnProfile, way: str, siblings: tuple[ColumnProfile, ...]) -> DateReading:
    for day, month in ORDERS:
        if way not in (day, month):
            continue
        if column.share(day) != column.share(month):
            only, other = ("day", "month") if way == day else ("month", "day")
            return DateReading(
                way,
                False,
                f"{only} first: {1 - column.share(month if way == day else day):.0%} of the values are no dates with the {other} first",
            )
        for sibling in siblings:
            for one, two in ORDERS:
                if max(sibling.share(one), sibling.share(two)) >= NEARLY_ALL and sibling.share(
                    one
                ) != sibling.share(two):
                    first = "day" if sibling.share(one) > sibling.share(two) else "month"
                    chosen = day if first == "day" else month
                    return DateReading(
                        chosen, False, f"{first} first, as in column {words_of(sibling.name)!r}"
                    )
        return DateReading(day, True, "every value is a date with the day first and with the month first")
    return DateReading(way, False, "ISO 8601" if way == "iso" else f"written as {DATE_FORMATS[way][0]}")


def text_of(column: ColumnProfile) -> str:
    """SQL of a column's text; null where a marker says that there is none."""
    text = f"trim(cast({identifier(column.name)} as varchar))"
    if column.markers:
        return f"case when {text} not in ({literals(column.markers)}) then {text} end"
    return text


def as_text(column: ColumnProfile) -> Value:
    """The column's values as they are; the markers for 'no value' are the source's null_values."""
    return Value(column.name, f"{_listed(column.markers)} is null" if column.markers else "")


def as_timestamp(column: ColumnProfile, reading: DateReading) -> Value:
    """The column's values as instants, which landing takes for UTC where they have no offset."""
    if reading.way == "iso":
        return as_text(column)
    formats = (_NUMBERED[reading.way],) if reading.way in _NUMBERED else column.formats[reading.way]
    return Value(FromColumn(column=column.name, format=formats), reading.reason)


def as_number(column: ColumnProfile, *, factor: float = 1) -> Value | None:
    """The column's values as numbers, or None where they are none.

    Args:
        factor: what they are multiplied with, to come to the field's unit.
    """
    text = text_of(column)
    if column.share("number") >= NEARLY_ALL:
        if factor == 1:
            return as_text(column)
        sql, note, numbers = f"try_cast({text} as double)", "", None
    elif column.share("number") + column.share("grouped_number") >= NEARLY_ALL:
        sql = f"try_cast(regexp_replace({text}, '[^0-9.-]', '', 'g') as double)"
        note = "thousands separators and signs such as those of currencies are taken out"
        numbers = Numbers(thousands=",", affixes=column.signs)
    elif column.share("number") + column.share("european_number") >= NEARLY_ALL:
        sql = f"try_cast(replace(regexp_replace({text}, '[^0-9,-]', '', 'g'), ',', '.') as double)"
        note = "the comma is the decimal sign"
        numbers = Numbers(decimal=",", thousands=".", affixes=column.signs)
    else:
        return None
    if factor != 1:
        note = f"{note}{'; ' if note else ''}times {factor:g}"
        return Value(Expression(expression=f"{sql} * {factor:g}"), note)
    return Value(FromColumn(column=column.name, numbers=numbers), note)


def as_whole_number(column: ColumnProfile) -> Value | None:
    """The column's values as whole numbers, or None where they are none."""
    if column.share("whole_number") >= NEARLY_ALL:
        return as_text(column)
    number = as_number(column)
    if number is None or isinstance(number.mapping, FromColumn):
        return number
    return Value(
        Expression(expression=f"try_cast(try_cast({text_of(column)} as double) as bigint)"), "rounded"
    )


def as_boolean(column: ColumnProfile) -> Value | None:
    """The column's values as booleans, or None where they are none."""
    if column.share("boolean") < NEARLY_ALL or column.distinct_count > 4:
        return None
    words = {value: value.lower() for value in column.few_values}
    if set(words.values()) <= _READ_AS_THEY_ARE:
        return as_text(column)
    values = {value: word in _TRUE for value, word in words.items() if word in (*_TRUE, *_FALSE)}
    by_fold = {value.casefold(): value for value in reversed(values)}  # letter case makes no difference
    return Value(
        FromColumn(column=column.name, values={value: values[value] for value in sorted(by_fold.values())}),
        "yes and no in other words",
    )


def is_true(column: ColumnProfile) -> str:
    """SQL that holds where a boolean column says yes."""
    return f"lower(trim(cast({identifier(column.name)} as varchar))) in ({literals(_TRUE)})"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
