"""Fields that no single column fills as it is: names in two parts, outcomes out of stages, required constants.

Belongs here: fields made out of several columns or of the meaning of a column's values. Does not belong here: fields
that a column fills (field_matches.py), the key (proposed_keys.py) and times (proposed_times.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadflow.ingest.field_matches import name_fit, synonyms
from leadflow.ingest.field_words import NAME_PARTS, words_of
from leadflow.ingest.proposal_values import as_boolean, is_true, text_of
from leadflow.ingest.source_values import ColumnMapping, Constant, Expression, FromColumn
from leadflow.quality.sql_text import literal
from leadflow.warehouse.landing.column_profiles import ColumnProfile

_WON = ("won", "win", "赢", "成交", "签约")
_LOST = ("lost", "lose", "输", "丢单", "流失", "失败")
_ACCEPTED = ("qualified", "accepted", "converted", "sql", "有效", "已转化", "接受")
_REFUSED = ("unqualified", "disqualified", "rejected", "junk", "无效", "拒绝", "退回")

_WHAT_HAPPENED = {
    "web_events": ("page_view", "page_view"),
    "email_events": ("sent", "sent"),
    "sales_activities": ("activity", "meeting"),
}


@dataclass(frozen=True)
class Fill:
    """What a field is filled with.

    Attributes:
        column: the field.
        mapping: column, expression or constant.
        confidence: from 0 to 1.
        reason: why, in words.
        columns: columns of the file that it is made from.
        doubt: what a person has to decide; empty where nothing.
    """

    column: str
    mapping: ColumnMapping
    confidence: float
    reason: str
    columns: tuple[str, ...]
    doubt: str = ""


def derived(
    table: str,
    fills: Mapping[str, Fill],
    columns: tuple[ColumnProfile, ...],
    fields: Mapping[str, str],
    file_stem: str,
) -> dict[str, Fill]:
    """Fields that are made, by name; they stand in place of what filled them so far."""
    made: list[Fill | None] = []
    if "full_name" in fields and ("full_name" not in fills or fills["full_name"].confidence < 0.9):
        made.append(_full_name(columns))
    if "outcome" in fields:
        made.append(_outcome(fills, columns))
    if "is_accepted" in fields and "is_accepted" not in fills:
        made.append(_by_words("is_accepted", fills.get("status"), columns, _ACCEPTED, _REFUSED, True, False))
    if table in _WHAT_HAPPENED:
        made.append(_what_happened(table, fills, columns, file_stem))
    return {fill.column: fill for fill in made if fill is not None}


def _full_name(columns: tuple[ColumnProfile, ...]) -> Fill | None:
    for first_words, last_words, has_blank in NAME_PARTS:
        first, last = (
            max(columns, key=lambda column: name_fit(column.name, synonyms(words))[0], default=None)
            for words in (first_words, last_words)
        )
        if first is None or last is None or first is last:
            continue
        fit = min(
            name_fit(first.name, synonyms(first_words))[0], name_fit(last.name, synonyms(last_words))[0]
        )
        if fit >= 0.7:
            joined = f"concat_ws({literal(' ' if has_blank else '')}, {text_of(first)}, {text_of(last)})"
            reason = "put together of two columns, by their names"
            return Fill("full_name", Expression(expression=joined), fit, reason, (first.name, last.name))
    return None


def _outcome(fills: Mapping[str, Fill], columns: tuple[ColumnProfile, ...]) -> Fill | None:
    """won, lost or null: by an is_won column, by the words of the stage, or by a date of winning."""
    by_words = {words_of(column.name): column for column in columns if column.value_count}
    won = by_words.get("is won") or by_words.get("是否赢单")
    closed = by_words.get("is closed")
    if won is not None and as_boolean(won) is not None:
        lost = f" when {is_true(closed)} then 'lost'" if closed is not None else ""
        sql = f"case when {is_true(won)} then 'won'{lost} end"
        used = (won.name, *([closed.name] if closed is not None else []))
        return Fill("outcome", Expression(expression=sql), 0.9, "by its name and its values", used)
    for source in (fills.get("outcome"), fills.get("stage")):
        found = _by_words("outcome", source, columns, _WON, _LOST, "won", "lost")
        if found is not None:
            return found
    closing = fills.get("closed_at")
    if closing is not None and "won" in words_of(closing.columns[0]).split():
        column = by_words[words_of(closing.columns[0])]
        sql = f"case when {text_of(column)} is not null then 'won' end"
        return Fill("outcome", Expression(expression=sql), 0.7, "there is a date of winning", closing.columns)
    if "outcome" not in fills:
        return None
    unread = "its values do not say in known words what is won and what is lost; write {column: ..., values: {...}, other: null}"
    return Fill(
        "outcome",
        Expression(expression="cast(null as varchar)"),
        0.3,
        "no word for won or lost found",
        (),
        unread,
    )


def _by_words(
    field: str,
    source: Fill | None,
    columns: tuple[ColumnProfile, ...],
    yes: tuple[str, ...],
    no: tuple[str, ...],
    yes_value: str | bool,
    no_value: str | bool,
) -> Fill | None:
    """A field by whole words in the few values that another column has."""
    if source is None or len(source.columns) != 1:
        return None
    column = next(column for column in columns if column.name == source.columns[0])
    by_value = {value: words_of(value) for value in column.few_values}

    def says(words: str, known: tuple[str, ...]) -> bool:
        return any(one in (words.split() if one.isascii() else words) for one in known)

    nos = [value for value, words in by_value.items() if says(words, no) or _is_negated(words, yes)]
    yeses = [value for value, words in by_value.items() if value not in nos and says(words, yes)]
    if not yeses and not nos:
        return None
    others = len(by_value) - len(yeses) - len(nos)
    reason = f"by words among the values of {source.column}; null for the {others} other values"
    # Letter case makes no difference to landing.
    meant = {
        value.casefold(): (value, means)
        for values, means in ((yeses, yes_value), (nos, no_value))
        for value in values
    }
    mapping = FromColumn(column=column.name, values=dict(meant.values()), other="null")
    return Fill(field, mapping, 0.8, reason, (column.name,))


def _is_negated(words: str, yes: tuple[str, ...]) -> bool:
    parts = words.split()
    return "not" in parts and any(one in parts for one in yes)


def _what_happened(
    table: str, fills: Mapping[str, Fill], columns: tuple[ColumnProfile, ...], file_stem: str
) -> Fill | None:
    """A required type in every row: known words in lower case, and one for rows that have none."""
    field = "activity_type" if table == "sales_activities" else "event_type"
    words = words_of(file_stem).split()
    known = next(
        (
            one
            for one in ("open", "click", "bounce", "reply", "call", "meeting", "quote")
            if one in words or f"{one}s" in words
        ),
        None,
    )
    fallback = known or _WHAT_HAPPENED[table][1]
    there = fills.get(field)
    if there is None:
        doubt = f"no column says what happened, so every row is taken for '{fallback}'"
        return Fill(
            field, Constant(constant=fallback), 0.3, "no column for it, and it must not be empty", (), doubt
        )
    column = next(column for column in columns if column.name == there.columns[0])
    sql = f"lower({text_of(column)})"
    if column.filled < 1 or column.markers:
        sql = f"coalesce({sql}, 'unknown')"
    return Fill(
        field,
        Expression(expression=sql),
        there.confidence,
        f"{there.reason}; in lower case",
        there.columns,
        there.doubt,
    )
