"""The natural key of a proposed source: the column that tells rows apart, or a hash of several where there is none.

Belongs here: choosing it. Does not belong here: other fields (field_matches.py, proposed_fills.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from leadflow.ingest.field_matches import name_fit, synonyms
from leadflow.ingest.field_words import FIELD_WORDS, KEY_WORDS, words_of
from leadflow.ingest.proposal_values import date_reading
from leadflow.ingest.proposed_fills import Fill
from leadflow.ingest.source_values import KeyOf
from leadflow.warehouse.landing.column_profiles import ColumnProfile, FileProfile

_IDENTIFYING = ("email", "phone", "full_name", "company_name", "visitor_id", "mql_id", "sql_lead_id")
_FEW_ROWS = 20
_MOST_REPEATS = 0.05


def key_fill(
    key: str, rows: FileProfile, fills: Mapping[str, tuple[str, ...]], dates: tuple[str, ...]
) -> Fill:
    """What the natural key is filled with.

    Args:
        key: name of the natural key.
        rows: the file.
        fills: columns of the file by the field they fill.
        dates: columns that the row's time is read from.
    """
    ranked = sorted(
        ((_as_key(key, column), -place, column) for place, column in enumerate(rows.columns)),
        key=lambda one: one[:2],
        reverse=True,
    )
    where = f"all {rows.row_count:,} rows" if rows.is_whole else f"the first {rows.row_count:,} rows"
    for (fit, how), _, column in ranked:
        if fit > 0 and column.is_unique:
            sure = fit if rows.row_count >= _FEW_ROWS else fit * 0.7
            few = f"{_shown(column.name)} is different in {where}, which are few to tell a key by"
            doubt = few if rows.row_count < _FEW_ROWS else ""
            return Fill(key, column.name, sure, f"{how}; different in {where}", (column.name,), doubt)
    (fit, how), _, column = ranked[0]
    if fit >= 0.85 and column.filled == 1 and column.row_count:
        repeats = column.row_count - column.distinct_count
        if repeats <= _MOST_REPEATS * column.row_count:
            doubt = f"{repeats:,} of {where} repeat a value of {_shown(column.name)}; of rows with one key the last one known is kept"
            return Fill(key, column.name, 0.6, f"{how}; nearly different in every row", (column.name,), doubt)
    return _made(key, rows, fills, dates, where)


def _as_key(key: str, column: ColumnProfile) -> tuple[float, str]:
    """How likely a column is the key by its name and kind."""
    if date_reading(column) is not None or column.share("email") > 0.5:
        return 0.0, ""
    if column.numbers is not None and column.share("whole_number") < 1 and column.share("number") == 1:
        return 0.0, ""
    fit, how = name_fit(column.name, synonyms(FIELD_WORDS.get(key, key)))
    if fit >= 0.7:
        return fit, how
    own = words_of(column.name)
    if own in synonyms(KEY_WORDS):
        return 0.9, "by its name"
    last = own.split()[-1:] or [""]
    if last[0] in ("id", "guid", "uuid", "number", "no", "key") or own.endswith(("编号", "id")):
        return 0.6, f"its name ends in '{last[0]}'"
    if column.share("blankless") == 1 and column.share("number") < 0.5 and column.share("domain") < 0.5:
        return 0.5, "it looks like an id"
    return 0.0, ""


def _made(
    key: str, rows: FileProfile, fills: Mapping[str, tuple[str, ...]], dates: tuple[str, ...], where: str
) -> Fill:
    """A key out of what identifies the row: as few columns as tell all rows apart, else all of them."""
    there = [name for field in _IDENTIFYING for name in fills.get(field, ())]
    filled = [column.name for column in rows.columns if column.value_count] or [
        column.name for column in rows.columns
    ]
    # With the time, so that somebody's second form is not taken for a correction of the first.
    tries = [list(dict.fromkeys(some)) for some in ([*there[:1], *dates], [*there, *dates], filled) if some]
    chosen, distinct = tries[-1], 0
    for columns in tries:
        distinct = rows.distinct_rows(columns)
        if distinct == rows.row_count:
            chosen = columns
            break
    which = "every column" if len(chosen) == len(filled) else ", ".join(_shown(name) for name in chosen)
    doubt = f"no column is different in every row, so the key is a hash of {which}"
    if distinct < rows.row_count:
        doubt += (
            f"; {rows.row_count - distinct:,} of {where} repeat another row in all of them and count once"
        )
    doubt += "; export an id with the rows if there is one: a row that is changed later comes in as a new one"
    reason = "no id found; made from what identifies the row"
    return Fill(key, KeyOf(key_of=tuple(chosen)), 0.4, reason, (), doubt)


def _shown(name: str) -> str:
    return "'" + " ".join(name.split()) + "'"
