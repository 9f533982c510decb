"""A proposal for sources.yaml, made from what a file's columns are called and hold.

Belongs here: which raw table the rows are for, and which column fills which of its fields. Does not belong here: how
one column fits one field (field_matches.py), the SQL of a value (proposal_values.py), the text of the file
(proposal_text.py) and looking at the file (warehouse/).

Nothing is guessed in silence: every choice has its confidence and its reason, and what a person has to decide is
listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as having
from datetime import datetime

from leadflow.ingest.field_matches import Match, match, name_fit, synonyms
from leadflow.ingest.field_words import DATE_WORDS, NAME_PARTS, TABLE_WORDS, words_of
from leadflow.ingest.proposed_attributes import Extra, attributes
from leadflow.ingest.proposed_fills import Fill, derived
from leadflow.ingest.proposed_keys import key_fill
from leadflow.ingest.proposed_leads import lead_fills, lead_times
from leadflow.ingest.proposed_times import Times, times
from leadflow.ingest.sources import LEAD_TABLES
from leadflow.warehouse.landing.column_profiles import ColumnProfile, FileProfile

SURE_ENOUGH = 0.5
"""Confidence from which a column is mapped; below it is an extra column."""

_MOSTLY = 0.5
"""Share of addresses among a column's values below which it does not fill `email`."""

_NO_LEADS = "no source fills mql or sql_leads, so there are no leads to score; "
_SAME = 0.9
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
class Proposal:
    """What sources.yaml should say of a file.

    Attributes:
        table: raw table, without its schema.
        table_reason: why this one.
        fills: what the table's columns are filled with, in the table's order.
        times: when the facts occurred and became known.
        extras: columns that fit nothing and may be attributes.
        others: names of the further columns that hold something.
        empty: columns without any value, by name.
        null_values: what stands in columns where there is no value.
        decisions: what a person has to decide or know, a sentence each.
        newest: newest instant of occurred_at that was seen, or None.
        left_out: why a field is not filled by the column that is called like it, by field and column.
        leads: what makes leads of the same rows, where they are deals and nothing else gives leads.
    """

    table: str
    table_reason: str
    fills: tuple[Fill, ...]
    times: Times
    extras: tuple[Extra, ...]
    others: tuple[str, ...]
    empty: tuple[str, ...]
    null_values: tuple[str, ...]
    decisions: tuple[str, ...]
    newest: datetime | None
    left_out: Mapping[tuple[str, str], str] = having(default_factory=dict)
    leads: Proposal | None = None


def propose(
    rows: FileProfile,
    tables: Mapping[str, RawTable],
    file_stem: str,
    *,
    table: str | None = None,
    has_leads: bool = False,
) -> Proposal:
    """Propose a source for a file.

    Args:
        rows: its columns.
        tables: the raw tables there are, by name without schema.
        file_stem: name of the file, which may tell what its rows are.
        table: the raw table, where a person has said it.
        has_leads: whether another source gives leads already.
    """
    matches = {name: _assigned(rows.columns, shape) for name, shape in tables.items()}
    chosen, table_reason, is_recognised = _table(matches, tables, file_stem, table)
    shape, found = tables[chosen], matches[chosen]
    left_out: dict[tuple[str, str], str] = {}
    if "email" in found and found["email"].column.value_count:
        given = found["email"].column
        if given.share("email") < _MOSTLY:
            left_out["email", given.name] = (
                f"{given.share('email'):.0%} of its values look like e-mail addresses, and a lead with an address that is "
                "none is rejected: left out, so that the leads are kept; hashed or masked addresses are no use"
            )
            found = {name: one for name, one in found.items() if name != "email"}
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
    used |= {name for _, name in left_out} | _told_already(fills, rows.columns)
    left = [column for column in rows.columns if column.name not in used]
    decisions = [f"{fill.column}: {fill.doubt}" for fill in fills.values() if fill.doubt] + list(when.doubts)
    decisions += [f"{name}: of {_quoted(column)} {why}" for (name, column), why in left_out.items()]
    if rows.passed_over:
        decisions.append(
            f"columns: {rows.passed_over:,} more columns hold something and were not looked at, as they are too many"
        )
    if not is_recognised:
        decisions.insert(0, f"table: {table_reason}")
    extras, others = attributes([column for column in left if column.value_count], shape.columns)
    proposal = Proposal(
        chosen,
        table_reason,
        tuple(fills[name] for name in shape.columns if name in fills),
        when,
        extras,
        others,
        tuple(column.name for column in left if not column.value_count),
        tuple({marker.casefold(): marker for column in rows.columns for marker in column.markers}.values()),
        tuple(decisions),
        when.newest,
        left_out,
    )
    if has_leads or chosen in LEAD_TABLES:
        return proposal
    if chosen == "opportunities":
        return _with_leads(proposal, rows.columns, tables, matches, file_stem)
    return replace(proposal, decisions=(f"leads: {_NO_LEADS}add a source of leads", *proposal.decisions))


def _with_leads(
    deals: Proposal,
    columns: tuple[ColumnProfile, ...],
    tables: Mapping[str, RawTable],
    matches: Mapping[str, Mapping[str, Match]],
    file_stem: str,
) -> Proposal:
    """Deals, and the people or companies that they are with as leads, which alone are scored."""
    fills = {fill.column: fill for fill in deals.fills}
    named = next((fills[name] for name in ("sql_lead_id", "mql_id") if name in fills), None)
    nothing = f"leads: these are deals, and {_NO_LEADS}"
    if named is not None:
        told = f"{nothing}add the file of the leads that {', '.join(map(_quoted, named.columns))} names"
        return replace(deals, decisions=(told, *deals.decisions))
    found = {
        name: Fill(name, one.value.mapping, one.confidence, _told(one), (one.column.name,), one.doubt)
        for name, one in matches["sql_leads"].items()
    }
    shape = tables["sql_leads"].columns
    of_leads = lead_fills(
        {**found, **derived("sql_leads", found, columns, shape, file_stem)}, fills["opportunity_id"]
    )
    if not of_leads:
        told = f"{nothing}add a file of leads, since these rows name neither a person nor a company"
        return replace(deals, decisions=(told, *deals.decisions))
    when, told = lead_times(deals.times, fills, columns, of_leads)
    leads = replace(
        deals,
        table="sql_leads",
        table_reason="the same rows once more: whom a deal is with is a lead, as it stood when the deal began",
        fills=tuple(of_leads[name] for name in shape if name in of_leads),
        times=when,
    )
    tie = replace(of_leads["sql_lead_id"], reason="the lead made of the same row, below")
    order = tables["opportunities"].columns
    fills["sql_lead_id"] = tie
    return replace(
        deals,
        fills=tuple(fills[name] for name in order if name in fills),
        extras=(),
        others=(),
        empty=(),
        decisions=(told, *deals.decisions),
        leads=leads,
    )


def _told_already(fills: Mapping[str, Fill], columns: tuple[ColumnProfile, ...]) -> set[str]:
    """Columns of first and last names, where the full name is there."""
    if "full_name" not in fills:
        return set()
    known = [synonyms(words) for first, last, _ in NAME_PARTS for words in (first, last)]
    return {
        column.name for column in columns if any(name_fit(column.name, words)[0] >= _SAME for words in known)
    }


def _quoted(name: str) -> str:
    return "'" + " ".join(name.split()) + "'"


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
            if one.column.value_count and not (field == "opened_at" and _is_any_date(one.column.name))
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


def _is_any_date(name: str) -> bool:
    """Whether rows of every kind have a date of this name: when one was created says nothing of what it is."""
    return name_fit(name, synonyms(DATE_WORDS["occurred"]))[0] >= _SAME


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
