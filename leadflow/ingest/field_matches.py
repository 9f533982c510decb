"""How well a column of a file fits a field of a raw table, by its name and by what it holds.

Belongs here: one column against one field. Does not belong here: choosing among them (propose.py).
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass

from leadflow.ingest.field_words import FIELD_WORDS, readings_of
from leadflow.ingest.proposal_values import (
    NEARLY_ALL,
    Value,
    as_boolean,
    as_number,
    as_text,
    as_timestamp,
    as_whole_number,
    date_reading,
)
from leadflow.warehouse.landing.column_profiles import ColumnProfile


@functools.cache
def synonyms(words: str) -> tuple[str, ...]:
    """The names in one text of field_words, apart."""
    return tuple(word.strip() for word in words.split(";"))


_ALONE_TOO_VAGUE = frozenset(
    synonyms(
        "name; type; source; value; title; status; result; action; number; page; content; form; url; path; "
        "need; person; created; closed; usage; minutes; revenue; id; origin; role; position; state; activity; "
        "event; asset; action; module; function; web; account; agent; rep; stage; outcome; amount; cost; "
        "spend; duration; seconds; download; offer; resource; mail; trial"
    )
)
"""Words that mean a field where they are the whole name, and anything as the last word of a longer one."""

BY_NAME = "by its name"
"""Reason of a column whose whole name is a field's."""

_CLOSE_SPELLING = 0.88
_BY_CONTENT = {
    "email": ("email", 0.75, "e-mail addresses"),
    "phone": ("sure_phone", 0.6, "phone numbers"),
    "domain": ("domain", 0.6, "web domains"),
    "page_url": ("url", 0.55, "URLs or paths"),
    "ip_address": ("ip_address", 0.8, "IP addresses"),
}
_CURRENCIES = frozenset(
    synonyms(
        "AUD; BRL; CAD; CHF; CNY; CZK; DKK; EUR; GBP; HKD; INR; JPY; KRW; MXN; NOK; NZD; PLN; RMB; SEK; SGD; "
        "TRY; TWD; USD; ZAR"
    )
)
_NO_NUMBERS = frozenset(
    synonyms(
        "full_name; company_name; title; country; channel; event_type; activity_type; domain; feature; "
        "industry; currency; status"
    )
)
_TO_SECONDS = {
    "minutes": 60.0,
    "minute": 60.0,
    "mins": 60.0,
    "min": 60.0,
    "hours": 3600.0,
    "ms": 0.001,
    "milliseconds": 0.001,
    "分钟": 60.0,
}


@dataclass(frozen=True)
class Match:
    """A column that may fill a field.

    Attributes:
        column: the column.
        value: how it is read.
        confidence: from 0 to 1.
        reason: why, in words.
        doubt: what a person should decide or know; empty where nothing.
    """

    column: ColumnProfile
    value: Value
    confidence: float
    reason: str
    doubt: str = ""


def name_fit(name: str, known: tuple[str, ...]) -> tuple[float, str]:
    """How well a column's name fits known names, from 0 to 1, and how it was found."""
    readings = readings_of(name)
    for less, reading in enumerate(readings):
        if reading in known:
            return 1 - 0.02 * min(known.index(reading), 10) - 0.05 * less, BY_NAME
    best = (0.0, "")
    for reading in readings:
        words = reading.split()
        for other in known:
            parts = other.split()
            if not other.isascii():
                if len(other) > 1 and reading.endswith(other):
                    best = max(best, (0.72 + 0.02 * min(len(other), 6), f"its name ends in '{other}'"))
            elif len(parts) == 1 and other in _ALONE_TOO_VAGUE:
                continue
            elif len(words) > len(parts) and words[-len(parts) :] == parts:
                best = max(best, (0.55 + 0.25 * len(parts) / len(words), f"its name ends in '{other}'"))
        close = difflib.get_close_matches(
            reading, [other for other in known if len(other) > 5], n=1, cutoff=_CLOSE_SPELLING
        )
        if close:
            best = max(best, (0.6, f"its name is nearly '{close[0]}'"))
    return best


def match(
    field: str, data_type: str, column: ColumnProfile, siblings: tuple[ColumnProfile, ...]
) -> Match | None:
    """How a column would fill a field, or None where it does not fit."""
    fit, reason = name_fit(column.name, synonyms(FIELD_WORDS[field])) if field in FIELD_WORDS else (0.0, "")
    if column.value_count == 0:
        if fit < 0.8 or data_type != "varchar":
            return None
        return Match(column, as_text(column), 0.5, f"{reason}; empty in the rows looked at")
    if fit == 0:
        return _by_content(field, column)
    read = _read(field, data_type, column, siblings)
    if read is None:
        return None
    value, doubt = read
    if field in _NO_NUMBERS and max(column.share("number"), column.share("boolean")) > 0.5:
        return None
    if field.endswith("_id") and reason != BY_NAME:
        return None  # the id of something else: a converted contact's, a parent's
    if field == "email" and (looks := column.share("email")) < 0.7:
        return Match(
            column,
            value,
            fit * 0.6,
            reason,
            f"only {looks:.0%} of the values of '{' '.join(column.name.split())}' look like e-mail addresses, and a lead with an address that is none is rejected",
        )
    if field == "nps_score" and not _is_within(column, 0, 10):
        return None
    if field == "amount" and not _is_within(column, 0, float("inf")):
        return None
    if field == "email":
        reason += " and its values"
    return Match(column, value, fit, reason, doubt)


def _read(
    field: str, data_type: str, column: ColumnProfile, siblings: tuple[ColumnProfile, ...]
) -> tuple[Value, str] | None:
    value: Value | None
    if data_type == "timestamp":
        reading = date_reading(column, siblings)
        if reading is None:
            return None
        return as_timestamp(column, reading), reading.reason if reading.is_ambiguous else ""
    if data_type == "double":
        value = as_number(column, factor=_factor(field, column.name))
    elif data_type in ("bigint", "integer"):
        value = as_whole_number(column)
    elif data_type == "boolean":
        value = as_boolean(column)
    else:
        value = as_text(column)
    return None if value is None else (value, "")


def _factor(field: str, name: str) -> float:
    words = readings_of(name)[0].split()
    if field == "duration_seconds":
        return next((factor for word, factor in _TO_SECONDS.items() if word in words), 1)
    if field == "usage_minutes":
        if "seconds" in words:
            return 1 / 60
        return 60 if "hours" in words else 1
    return 1


def _by_content(field: str, column: ColumnProfile) -> Match | None:
    if field == "currency" and column.few_values and set(column.few_values) <= _CURRENCIES:
        return Match(column, as_text(column), 0.7, "its values are codes of currencies")
    if field not in _BY_CONTENT:
        return None
    shape, confidence, what = _BY_CONTENT[field]
    if (
        column.share(shape) < NEARLY_ALL
        or (column.share("number") > 0.5 and field != "phone")
        or date_reading(column) is not None
    ):
        return None
    if shape == "domain" and column.share("email") > 0:
        return None
    return Match(column, as_text(column), confidence, f"{column.share(shape):.0%} of its values are {what}")


def _is_within(column: ColumnProfile, least: float, greatest: float) -> bool:
    return column.numbers is not None and least <= column.numbers[0] and column.numbers[1] <= greatest
