"""When the facts of a proposed source occurred and became known.

Belongs here: choosing the columns, and saying so where there is none or where day and month cannot be told apart.
Does not belong here: dates that fill fields of their own, such as closed_at (field_matches.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from leadflow.ingest.field_matches import name_fit, synonyms
from leadflow.ingest.field_words import DATE_WORDS, FIELD_WORDS, readings_of
from leadflow.ingest.proposal_values import DateReading, as_timestamp, date_reading
from leadflow.ingest.proposed_fills import Fill
from leadflow.ingest.source_values import ColumnMapping, Constant, Expression, FromColumn, KnownAt
from leadflow.ingest.value_sql import Reading, value_sql
from leadflow.quality.sql_text import identifier, literals
from leadflow.warehouse.landing.column_profiles import ColumnProfile

_CHANGING = ("sql_leads", "opportunities", "product_accounts")
"""Tables whose rows an export shows as they were last changed."""

_MOST_WITHOUT = 0.5
_NOT_OCCURRED = frozenset(
    synonyms(
        "synced; deleted; birth; birthday; dob; expected; next; due; end; ends; expires; expiry; renewal; viewed; referenced; "
        "bounced; modstamp; updated; modified; obsoleted; reminder; closing; close; closed; won; merged"
    )
)
_DEFAULT_REJECTED = 0.1
_SURE = 0.4


@dataclass(frozen=True)
class Times:
    """When facts occurred and became known.

    Attributes:
        occurred_at: column or expression; None where the file has no date.
        known_at: as in sources.yaml.
        confidence: of occurred_at, from 0 to 1.
        reason: of occurred_at, in words.
        known_reason: of known_at, in words.
        columns: columns of the file that are used.
        doubts: what a person has to decide.
        newest: newest occurred_at that was seen.
        max_rejected_share: what it has to be for the rows without a date to be rejected one by one, where it is more
            than the default.
    """

    occurred_at: ColumnMapping | None
    known_at: KnownAt
    confidence: float
    reason: str
    known_reason: str
    columns: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    newest: datetime | None = None
    max_rejected_share: float | None = None


def times(table: str, fills: Mapping[str, Fill], columns: tuple[ColumnProfile, ...]) -> Times:
    """When a file's facts occurred and became known.

    Args:
        table: raw table the file is for.
        fills: what its fields are filled with.
        columns: the file's columns.
    """
    dates = {
        column.name: (column, reading)
        for column in columns
        if column.value_count and (reading := date_reading(column, columns)) is not None
    }
    ranked = sorted(dates.values(), key=lambda one: _as_occurred(one[0]), reverse=True)
    best = [one for one in ranked if _as_occurred(one[0]) > 0]
    chosen = _of_deal(fills, dates) if table == "opportunities" else None
    if chosen is None:
        chosen = _first(best)
    if chosen is None:
        return _without_date(columns)
    used, sql, confidence, reason = chosen
    filled = max(column.filled for column, _ in used)
    if filled < 1 - _MOST_WITHOUT:
        return _without_date(columns, used[0][0])
    doubts = [_exchangeable(column) for column, reading in used if reading.is_ambiguous]
    if confidence < _SURE:
        doubts.append(
            f"occurred_at: {_shown(used[0][0])} is the likeliest date, and its name does not say that the fact happened then"
        )
    share = None
    if filled < 1:
        doubts.append(
            f"occurred_at: {1 - filled:.1%} of the rows have no date and will be rejected, with their line and reason in raw.rejected_rows"
        )
    if 1 - filled > _DEFAULT_REJECTED * 0.7:
        share = min(1.0, round(1 - filled + 0.1, 2))
    known_at, known_reason, known_columns = _known(table, dates)
    newest = [column.dates[reading.way][1] for column, reading in used if reading.way in column.dates]
    return Times(
        sql,
        known_at,
        confidence,
        reason,
        known_reason,
        (*(column.name for column, _ in used), *known_columns),
        tuple(doubts),
        max(newest, default=None),
        share,
    )


_Dated = tuple[ColumnProfile, DateReading]
_Chosen = tuple[list[_Dated], ColumnMapping, float, str]


def _as_occurred(column: ColumnProfile) -> float:
    """How likely a column of dates is the time of the row's fact."""
    fit, _ = name_fit(column.name, synonyms(DATE_WORDS["occurred"]))
    words = set(readings_of(column.name)[0].split())
    if words & _NOT_OCCURRED:
        fit = min(fit, 0.2)
    modified, _ = name_fit(column.name, synonyms(DATE_WORDS["modified"]))
    if modified >= 0.7:
        fit = 0.1
    renewal, _ = name_fit(column.name, synonyms(FIELD_WORDS["renewal_at"]))
    if renewal >= 0.8 or words & {"birth", "birthday", "dob"}:
        return 0.0
    return max(fit, 0.15) * (0.5 + 0.5 * column.filled)


def _first(best: list[_Dated]) -> _Chosen | None:
    if not best:
        return None
    column, reading = best[0]
    fit, how = name_fit(column.name, synonyms(DATE_WORDS["occurred"]))
    others = f"; {len(best) - 1} other columns hold dates" if len(best) > 1 else "; the only column of dates"
    value = as_timestamp(column, reading)
    note = f"; {value.note}" if value.note else ""
    return (
        [best[0]],
        value.mapping,
        max(min(fit, _as_occurred(column)), 0.2),
        f"{how or 'it holds dates'}{others}{note}",
    )


def _of_deal(fills: Mapping[str, Fill], dates: Mapping[str, _Dated]) -> _Chosen | None:
    """A deal's newest fact: its end where it has an outcome, else its beginning.

    The close date of an open deal is a hope for the future, and no fact.
    """
    opened, closed, outcome = (fills.get(name) for name in ("opened_at", "closed_at", "outcome"))
    if closed is None or (opened is None and outcome is None):
        return None
    end = _sql(closed.mapping)
    if opened is None:
        return (
            [dates[closed.columns[0]]],
            closed.mapping,
            0.6,
            "the deal's end, as nothing says when it began",
        )
    begin = _sql(opened.mapping)
    used = [dates[opened.columns[0]], dates[closed.columns[0]]]
    if outcome is None or isinstance(outcome.mapping, str | Constant):
        return used[:1], opened.mapping, 0.7, "the deal's beginning"
    ended = f"case when {_has_outcome(outcome.mapping)} then {_instant(end)} end"
    mapping = Expression(expression=f"coalesce({ended}, {_instant(begin)})")
    return used, mapping, 0.8, "the deal's end where it has an outcome, else its beginning"


def _sql(mapping: ColumnMapping) -> str:
    """SQL of a date."""
    if isinstance(mapping, Expression):
        return mapping.expression
    if isinstance(mapping, FromColumn):
        cell = identifier(mapping.column)
        if mapping.format is not None and all("%" in layout for layout in mapping.format):
            return f"try_strptime(trim(cast({cell} as varchar)), [{literals(mapping.format)}])"
        return value_sql(cell, "timestamp", None, Reading().with_own(mapping))
    return identifier(str(mapping))


def _has_outcome(mapping: ColumnMapping) -> str:
    """SQL of whether a deal has ended."""
    if isinstance(mapping, FromColumn):
        return f"trim(cast({identifier(mapping.column)} as varchar)) in ({literals(mapping.values)})"
    return f"({_sql(mapping)}) is not null"


def _instant(sql: str) -> str:
    return f"cast(try_cast(cast({sql} as varchar) as timestamptz) as timestamp)"


def _known(table: str, dates: Mapping[str, _Dated]) -> tuple[KnownAt, str, tuple[str, ...]]:
    if table in _CHANGING:
        for column, reading in dates.values():
            fit, _ = name_fit(column.name, synonyms(DATE_WORDS["modified"]))
            if fit >= 0.7 and column.filled == 1 and not reading.is_ambiguous:
                mapping = as_timestamp(column, reading).mapping
                return (
                    mapping if isinstance(mapping, FromColumn) else FromColumn(column=column.name),
                    "the row shows the state after its last change, and nothing earlier may use it",
                    (column.name,),
                )
        return (
            "occurred_at",
            "an assumption: each fact was known when it happened; nothing says when rows were last changed",
            (),
        )
    return "occurred_at", "an assumption: each fact was known when it happened", ()


def _without_date(columns: tuple[ColumnProfile, ...], nearly: ColumnProfile | None = None) -> Times:
    why = "no column of the file holds dates"
    if nearly is not None:
        why = f"column {_shown(nearly)} is the best date there is, and only {nearly.filled:.0%} of the rows have one"
    doubt = f"occurred_at: {why}, so every row counts as having happened when it is landed; with a date, leads have an age and the model can learn"
    return Times(
        None,
        "landed",
        0.0,
        why,
        "there is no date: known from the refresh that first lands the row",
        (),
        (doubt,),
    )


def _exchangeable(column: ColumnProfile) -> str:
    return f"dates of {_shown(column)} can be read with the day first and with the month first; the day is taken for the first: if 03/04 is March 4th, put %d and %m the other way round in its `format`"


def _shown(column: ColumnProfile) -> str:
    return "'" + " ".join(column.name.split()) + "'"
