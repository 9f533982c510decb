"""Columns that fit no field: which of them say enough to be proposed as attributes, and as what.

Belongs here: choosing and typing them. Does not belong here: fields (field_matches.py) and the text (proposal_text.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from leadflow.ingest.field_words import readings_of
from leadflow.ingest.proposal_values import (
    Value,
    as_boolean,
    as_number,
    as_text,
    as_timestamp,
    date_reading,
)
from leadflow.ingest.source_values import Attribute, FromColumn
from leadflow.warehouse.landing.column_profiles import ColumnProfile

MOST_ATTRIBUTES = 15
"""Attributes that are proposed; a person reads no longer list."""

_MANY_ROWS = 20
"""Rows from which on a column that is the same in all of them says nothing, and one that differs in all is an id."""

_OF_A_TOOL = frozenset(
    ("id", "ids", "guid", "uuid", "key", "url", "link", "synced", "modstamp", "deleted", "hash")
)
"""Words at the end of names of columns that tools keep for themselves."""

_RANK = {"boolean": 0, "number": 0, "text": 0, "timestamp": 1}
_SEEMS = 0.5


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


def attributes(
    columns: Sequence[ColumnProfile], fields: Mapping[str, str]
) -> tuple[tuple[Extra, ...], tuple[str, ...]]:
    """The columns that are proposed as attributes, in the file's order, and the names of the others.

    Args:
        columns: with a value each.
        fields: columns of the raw table, whose names an attribute does not take.
    """
    looks = {column.name: _looks(column) for column in columns}
    telling = [column for column in columns if _says_something(column, looks[column.name][2])]
    best = sorted(telling, key=lambda column: (_RANK[looks[column.name][1]], -round(column.filled, 1)))
    chosen = {column.name for column in best[:MOST_ATTRIBUTES]}
    taken = set(fields)
    extras = []
    for column in columns:
        if column.name not in chosen:
            continue
        base = name = readings_of(column.name)[0].replace(" ", "_") or "attribute"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        value, kind, seems = looks[column.name]
        own = value.mapping if isinstance(value.mapping, FromColumn) else FromColumn(column=column.name)
        rare = "" if column.filled == 1 else f", {column.filled:.0%} filled"
        different = (
            f"{column.distinct_count:,} different values" if column.distinct_count > 1 else "one value"
        )
        extras.append(Extra(name, Attribute(type=kind, **own.model_dump()), f"{seems}{rare}, {different}"))
    return tuple(extras), tuple(column.name for column in columns if column.name not in chosen)


_ID = "an id, different in every row"


def _says_something(column: ColumnProfile, seems: str) -> bool:
    if column.row_count >= _MANY_ROWS and column.distinct_count == 1 and column.filled == 1:
        return False
    last = readings_of(column.name)[0].split()[-1:]
    return seems != _ID and not set(last) & _OF_A_TOOL


def _looks(
    column: ColumnProfile,
) -> tuple[Value, Literal["text", "number", "boolean", "timestamp"], str]:
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
    for shape, seems in (
        ("email", "e-mail addresses"),
        ("url", "URLs or paths"),
        ("ip_address", "IP addresses"),
    ):
        if column.share(shape) >= _SEEMS:
            return text, "text", seems
    is_id = column.is_unique and column.row_count >= _MANY_ROWS and column.share("blankless") == 1
    return text, "text", _ID if is_id else "text"
