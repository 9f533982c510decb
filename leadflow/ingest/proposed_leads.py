"""Leads out of a file of deals: whom each deal is with, as a second source over the same rows.

Belongs here: which fields such a lead has, and when they were known. Does not belong here: the deals' own source
(propose.py).

A deal is no lead, and only leads are scored. What a deal became must not be told of its lead, so that no stage, status
or amount goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadflow.ingest.proposed_fills import Fill
from leadflow.ingest.proposed_times import Times
from leadflow.ingest.source_values import KeyOf
from leadflow.warehouse.landing.column_profiles import ColumnProfile

_WHO = ("email", "phone", "full_name", "company_name")
_KNOWN_BEFORE = (*_WHO, "title", "country", "channel", "owner")
_DEFAULT_REJECTED = 0.1


def lead_fills(fills: Mapping[str, Fill], deal: Fill) -> dict[str, Fill]:
    """What a lead's columns are filled with, its key that of the deal; nothing where a deal names nobody.

    Args:
        fills: what fills the columns of sql_leads.
        deal: what fills opportunity_id.
    """
    kept = {name: fill for name, fill in fills.items() if name in _KNOWN_BEFORE}
    if not any(name in kept for name in _WHO):
        return {}
    key = replace(deal, column="sql_lead_id", reason="one lead a deal, by the deal's key", doubt="")
    return {"sql_lead_id": key, **kept}


def lead_times(
    deals: Times,
    fills: Mapping[str, Fill],
    columns: tuple[ColumnProfile, ...],
    of_leads: Mapping[str, Fill],
) -> tuple[Times, str]:
    """When such leads came and were known, and what a person has to know of it.

    Args:
        deals: the times of the deals.
        fills: what fills the columns of opportunities.
        columns: the file's columns.
        of_leads: what fills the columns of sql_leads.
    """
    by_name = {column.name: column for column in columns}
    opened = fills.get("opened_at")
    when = deals
    if opened is not None:
        without = 1 - by_name[opened.columns[0]].filled
        share = min(1.0, round(without + 0.1, 2)) if without > 0.7 * _DEFAULT_REJECTED else None
        when = replace(
            deals,
            occurred_at=opened.mapping,
            confidence=opened.confidence,
            reason="the deal's beginning",
            max_rejected_share=share,
        )
    patchy = [
        name
        for fill in of_leads.values()
        if not isinstance(fill.mapping, KeyOf)
        for name in fill.columns
        if by_name[name].filled < 1
    ]
    told = (
        "leads: these are deals, and only leads are scored, so a second source makes a lead of each deal; if you have a "
        "file of your leads, take that instead and map its id as sql_lead_id of the deals"
    )
    if patchy and when.occurred_at is not None:
        named = ", ".join("'" + " ".join(name.split()) + "'" for name in dict.fromkeys(patchy))
        return (
            replace(
                when,
                known_at="landed",
                known_reason="not all rows have every value, and one that is filled in only when a deal ends would tell its outcome",
            ),
            f"{told}. Not every row has {named}: were it filled in at a deal's end, a model would learn the outcome from it, so "
            "the leads count as known from the first refresh and the rules score alone; set known_at: occurred_at if it is known from the beginning",
        )
    return when, told
