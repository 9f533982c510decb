"""A proposal for sources.yaml, made from what a file's columns are called and hold.

Belongs here: which raw table the rows are for, and which column fills which of its fields. Does not belong here: how
one column fits one field (field_matches.py), the SQL of a value (proposal_values.py), the text of the file
(proposal_text.py) and looking at the file (warehouse/).

Nothing is guessed in silence: every choice has its confidence and its reason, and what a person has to decide is
listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from leadflow.ingest.field_matches import Match, match, synonyms
from leadflow.ingest.field_words import TABLE_WORDS, readings_of, words_of
from leadflow.ingest.proposal_values import (
    Value,
    as_boolean,
    as_number,
    as_text,
    as_timestamp,
    date_reading,
)
from leadflow.ingest.proposed_fills import Fill, derived
from leadflow.ingest.proposed_keys import key_fill
from leadflow.ingest.proposed_times import Times, times
from leadflow.ingest.source_values import Attribute, FromColumn
from leadflow.warehouse.landing.column_profiles import ColumnProfile, FileProfile

SURE_ENOUGH = 0.5
"""Confidence from which a column is mapped; below it is an extra column."""

_FITS_NOTHING = 1.6
"""Points below which no table is recognised; the rows are then taken for leads, which need the least."""

_HINT_POINTS = 1.5
_ABSENT_POINTS = 2.0
_LEAD_POINTS = 0.4


@dataclass(frozen=True)
class RawTable:
    """A raw table as its contract describes it.

    Attributes:
        columns: types of the columns that a source may fill, by name.
        key: the natural key.
        required: other columns that must not be null.
    """

    columns: Mapping[str, str]
    key: str
    required: tuple[str, ...]


@dataclass(frozen=True)
class Extra:
    """A column that fits no field.

    Attributes:
        name: proposed name of the attribute.
        attribute: how it would be declared.
        reason: what it looks like, in words.
    """

    name: str
    attribute: Attribute
    reason: str


@dataclass(frozen=True)
class Proposal:
    """What sources.yaml should say of a file.

    Attributes:
        table: raw table, without its schema.
        table_reason: why this one.
        fills: what the table's columns are filled with, in the table's order.
        times: when the facts occurred and became known.
        extras: columns that fit nothing.
        empty: columns without any value, by name.
        null_values: what stands in columns where there is no value.
        decisions: what a person has to decide or know, a sentence each.
        newest: newest instant of occurred_at that was seen, or None.
    """

    table: str
    table_reason: str
    fills: tuple[Fill, ...]
    times: Times
    extras: tuple[Extra, ...]
    empty: tuple[str, ...]
    null_values: tuple[str, ...]
    decisions: tuple[str, ...]
    newest: datetime | None


def propose(
    rows: FileProfile, tables: Mapping[str, RawTable], file_stem: str, *, table: str | None = None
) -> Proposal:
    """Propose a source for a file.

    Args:
        rows: its columns.
        tables: the raw tables there are, by name without schema.
        file_stem: name of the file, which may tell what its rows are.
        table: the raw table, where a person has said it.
    """
    matches = {name: _assigned(rows.columns, shape) for name, shape in tables.items()}
    chosen, table_reason, is_recognised = _table(matches, tables, file_stem, table)
    shape, found = tables[chosen], matches[chosen]
    fills: dict[str, Fill] = {
        name: Fill(name, one.value.mapping, one.confidence, _told(one), (one.column.name,), one.doubt)
        for name, one in found.items()
        if name != shape.key
    }
    fills.update(derived(chosen, fills, rows.columns, shape.columns, file_stem))
    when = times(chosen, fills, rows.columns)
    key = key_fill(shape.key, rows, {name: fill.columns for name, fill in fills.items()}, when.columns)
    fills[shape.key] = key
    used = {name for fill in fills.values() for name in fill.columns} | set(when.columns)
    left = [column for column in rows.columns if column.name not in used]
    decisions = [f"{fill.column}: {fill.doubt}" for fill in fills.values() if fill.doubt] + list(when.doubts)
    if not is_recognised:
        decisions.insert(0, f"table: {table_reason}")
    return Proposal(
        chosen,
        table_reason,
        tuple(fills[name] for name in shape.columns if name in fills),
        when,
        _extras([column for column in left if column.value_count], shape.columns),
        tuple(column.name for column in left if not column.value_count),
        tuple({marker.casefold(): marker for column in rows.columns for marker in column.markers}.values()),
        tuple(decisions),
        when.newest,
    )


def _assigned(columns: tuple[ColumnProfile, ...], shape: RawTable) -> dict[str, Match]:
    """The best column for every field of a table, none of them twice, the surest first."""
    candidates = [
        (found.confidence * (0.6 + 0.4 * column.filled if column.value_count else 1), -place, field, found)
        for field, data_type in shape.columns.items()
        for place, column in enumerate(columns)
        if (found := match(field, data_type, column, columns)) is not None and found.confidence >= SURE_ENOUGH
    ]
    assigned: dict[str, Match] = {}
    taken: set[str] = set()
    for _, _, field, found in sorted(candidates, key=lambda one: (one[0], one[1], one[2]), reverse=True):
        if field not in assigned and (found.column.name not in taken or field == shape.key):
            assigned[field] = found
            if field != shape.key:
                taken.add(found.column.name)
    return assigned


def _table(
    matches: Mapping[str, Mapping[str, Match]],
    tables: Mapping[str, RawTable],
    file_stem: str,
    wanted: str | None,
) -> tuple[str, str, bool]:
    """The raw table whose fields the columns fit best, why, and whether it was recognised at all."""
    if wanted is not None:
        return wanted, "as it was asked for", True
    homes = {
        field: sum(field in shape.columns for shape in tables.values())
        for shape in tables.values()
        for field in shape.columns
    }
    points: dict[str, float] = {}
    for name, found in matches.items():
        shape = tables[name]
        telling = [
            one.confidence * (0.4 + 1.6 / homes[field])
            for field, one in found.items()
            if one.column.value_count
        ]
        # A type of event may be told by the file's name instead of a column.
        absent = 0 if _hint(name, file_stem) else sum(field not in found for field in shape.required)
        points[name] = (
            sum(telling)
            - _ABSENT_POINTS * absent
            + _HINT_POINTS * _hint(name, file_stem)
            + _LEAD_POINTS * (name == "mql")
        )
    ranked = sorted(points, key=lambda name: points[name], reverse=True)
    best = ranked[0]
    if points[best] < _FITS_NOTHING:
        return (
            "mql",
            f"no raw table is recognised (nearest is {best} with {points[best]:.1f} points, {_FITS_NOTHING} are needed); mql needs least. Say --table if the rows are something else",
            False,
        )
    fits = ", ".join(field for field in tables[best].columns if field in matches[best])
    hint = " and the file's name" if _hint(best, file_stem) else ""
    reason = f"its fields fit best: {fits or 'none'}{hint} ({points[best]:.1f} points; next {ranked[1]} with {points[ranked[1]]:.1f})"
    return best, reason, True


def _hint(table: str, file_stem: str) -> float:
    """How much the file's name speaks for a table: a name of several words, or a Chinese one, twice as much as one."""
    words = f" {words_of(file_stem)} "
    known = synonyms(TABLE_WORDS.get(table, ""))
    found = [one for one in known if (f" {one} " in words if one.isascii() else one in words)]
    if any(" " in one or not one.isascii() for one in found):
        return 2.0
    return 1.0 if found else 0.0


def _told(found: Match) -> str:
    return f"{found.reason}; {found.value.note}" if found.value.note else found.reason


def _extras(columns: Sequence[ColumnProfile], fields: Mapping[str, str]) -> tuple[Extra, ...]:
    taken = set(fields)
    extras = []
    for column in columns:
        base = name = readings_of(column.name)[0].replace(" ", "_") or "attribute"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        value, kind, looks = _looks(column)
        own = value.mapping if isinstance(value.mapping, FromColumn) else FromColumn(column=column.name)
        attribute = Attribute(type=kind, **own.model_dump())
        rare = "" if column.filled == 1 else f", {column.filled:.0%} filled"
        extras.append(Extra(name, attribute, f"{looks}{rare}, {column.distinct_count} different values"))
    return tuple(extras)


def _looks(column: ColumnProfile) -> tuple[Value, Literal["text", "number", "boolean", "timestamp"], str]:
    """How the column is read as an attribute, its type, and what it looks like."""
    reading = date_reading(column)
    if reading is not None:
        if reading.is_ambiguous:
            return as_text(column), "text", "dates (day or month first, which cannot be told)"
        how = "" if reading.way == "iso" else f" ({reading.reason})"
        return as_timestamp(column, reading), "timestamp", f"dates{how}"
    boolean = as_boolean(column)
    if boolean is not None and (column.distinct_count == 2 or column.share("number") == 0):
        return boolean, "boolean", "yes or no"
    number = as_number(column)
    if number is not None:
        return number, "number", f"numbers ({number.note})" if number.note else "numbers"
    text = as_text(column)
    for shape, looks in (
        ("email", "e-mail addresses"),
        ("url", "URLs or paths"),
        ("ip_address", "IP addresses"),
    ):
        if column.share(shape) >= SURE_ENOUGH:
            return text, "text", looks
    return text, "text", "an id, different in every row" if column.is_unique else "text"
