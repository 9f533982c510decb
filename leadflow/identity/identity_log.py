"""How leads came together and apart: the rows of identity.identity_log, and what is read from it.

Belongs here: events with their cause, former ids and where they went, memberships that ended. Does not belong here: when
an event happens (stable_ids.py), a person's decisions (pins.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

import polars as pl

from leadflow.identity.clusters import REFUSED, USED, by_strength
from leadflow.identity.stable_ids import MERGED, MOVED, SPLIT, TIMESTAMP

PINNED = "pinned"
UNDONE = "undone"
UNPINNED = "unpinned"
EVENTS = (MERGED, SPLIT, MOVED, PINNED, UNDONE, UNPINNED)
NO_TIE_LEFT = "no_tie_left"
"""Cause of a split where no pair ties the records any more."""

LOG_COLUMNS: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "event": pl.String(),
    "happened_at": TIMESTAMP,
    "lead_id": pl.String(),
    "other_lead_id": pl.String(),
    "record_keys": pl.List(pl.String()),
    "record_known_from": pl.List(TIMESTAMP),
    "stayed_record_keys": pl.List(pl.String()),
    "pin_id": pl.String(),
    "cause": pl.String(),
}
LEAD_ID_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "lead_id": pl.String(),
    "given_at": TIMESTAMP,
    "lead_given_at": TIMESTAMP,
}
REDIRECT_COLUMNS: dict[str, pl.DataType] = {
    "former_lead_id": pl.String(),
    "lead_id": pl.String(),
    "since": TIMESTAMP,
}


def event_id(event: str, at: datetime, *parts: str) -> str:
    """'E' and 10 hexadecimal digits of the SHA-256 of what happened, when and to whom."""
    return "E" + sha256("|".join([event, at.isoformat(), *parts]).encode()).hexdigest()[:10]


def log_rows(
    events: pl.DataFrame, edges: pl.DataFrame, former_map: pl.DataFrame, *, rule_order: Sequence[str] = ()
) -> pl.DataFrame:
    """`LOG_COLUMNS` of what happened in a refresh, by event_id.

    Args:
        events: `stable_ids.EVENT_COLUMNS`, as `stable_ids.assign_ids` gave them for lead records.
        edges: record_key_1, record_key_2, probability, rule, decision, refused_because of this refresh.
        former_map: record_key, known_from, known_to of `identity.identity_map` as the last refresh left it.
        rule_order: names of the rules, strongest first.

    cause is the rule of the strongest pair that ties the records to their lead; of a split why the strongest refused
    pair between the records and those they left was refused, or 'no_tie_left'.
    """
    if not events.height:
        return pl.DataFrame(schema=LOG_COLUMNS)
    numbered = events.with_row_index("number")
    causes = _causes(numbered, edges, rule_order)
    since = dict(
        former_map.filter(pl.col("known_to").is_null())
        .join(numbered.select(record_key="members").explode("record_key"), on="record_key", how="semi")
        .select("record_key", "known_from")
        .iter_rows()
    )
    rows = [
        (
            event_id(event, at, lead_id, other_id, *keys),
            event,
            at,
            lead_id,
            other_id,
            keys,
            [since.get(key) for key in keys],
            stayed,
            None,
            causes.get(number, NO_TIE_LEFT),
        )
        for number, event, at, lead_id, other_id, keys, stayed in numbered.iter_rows()
    ]
    return pl.DataFrame(rows, schema=LOG_COLUMNS, orient="row").sort("event_id")


def _causes(numbered: pl.DataFrame, edges: pl.DataFrame, rule_order: Sequence[str]) -> Mapping[int, str]:
    """The cause of each event by its number, where a pair tells it."""
    left = numbered.select("number", "event", key="members").explode("key")
    stayed = numbered.select("number", key="stayed_members").explode("key").drop_nulls()
    ends = ("record_key_1", "record_key_2")
    both = pl.concat(
        [
            edges.select("probability", "rule", "decision", "refused_because", key=one, far=other)
            for one, other in (ends, ends[::-1])
        ]
    )
    outward = left.join(both, on="key", how="inner").join(
        left, left_on=["number", "far"], right_on=["number", "key"], how="anti"
    )
    ties = outward.filter((pl.col("event") != SPLIT) & (pl.col("decision") == USED))
    refusals = outward.filter((pl.col("event") == SPLIT) & (pl.col("decision") == REFUSED)).join(
        stayed, left_on=["number", "far"], right_on=["number", "key"], how="semi"
    )
    strongest = (
        pl.concat([ties, refusals])
        .sort(*by_strength(rule_order), "refused_because", "key", "far")
        .unique("number", keep="first", maintain_order=True)
    )
    return dict(strongest.select("number", pl.coalesce("refused_because", "rule")).iter_rows())


def lead_id_rows(ids: pl.DataFrame, state: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """`LEAD_ID_COLUMNS` of the records whose lead id is new or another than before, by record_key.

    Args:
        ids: `stable_ids.ID_COLUMNS`.
        state: `LEAD_ID_COLUMNS`, as the last refresh left them.
        at: as_of of this refresh.
    """
    named = ids.select(record_key="member", lead_id="id", lead_given_at="id_given_at")
    known = state.select("record_key", former_id="lead_id")
    changed = named.join(known, on="record_key", how="left").filter(
        pl.col("former_id").is_null() | (pl.col("former_id") != pl.col("lead_id"))
    )
    stamped = changed.with_columns(given_at=pl.lit(at, dtype=TIMESTAMP))
    return stamped.select(*LEAD_ID_COLUMNS).sort("record_key")


def departures(log: pl.DataFrame) -> pl.DataFrame:
    """record_key, lead_id, known_from, known_to of the memberships that splits and moves ended."""
    return (
        log.filter(pl.col("event").is_in([SPLIT, MOVED]))
        .select(
            "record_keys", lead_id="other_lead_id", known_from="record_known_from", known_to="happened_at"
        )
        .explode("record_keys", "known_from")
        .rename({"record_keys": "record_key"})
        .drop_nulls("known_from")
        .select("record_key", "lead_id", "known_from", "known_to")
    )


def retired_ids(log: pl.DataFrame) -> pl.DataFrame:
    """member, id of the lead ids that records had before a merge, for `stable_ids.assign_ids`."""
    merged = log.filter(pl.col("event") == MERGED)
    return merged.select(member="record_keys", id="other_lead_id").explode("member").unique()


def lead_redirects(log: pl.DataFrame, current_ids: pl.Series) -> pl.DataFrame:
    """`REDIRECT_COLUMNS`, by former_lead_id: where to find a lead that was merged into another.

    Args:
        log: `LOG_COLUMNS`.
        current_ids: the lead ids in use.

    Chains are followed to a lead in use; an id that is in use again is no redirect, and one whose lead has no records
    left leads nowhere. since is when the id itself went out of use.
    """
    newest = log.filter(pl.col("event") == MERGED).sort("happened_at", "event_id")
    told = pl.concat([newest["other_lead_id"], newest["lead_id"]]).unique()
    current = set(
        told.filter(told.is_in(current_ids.implode()))
    )  # of all leads the few that the log tells of
    went = {
        former: (lead_id, at)
        for former, lead_id, at in newest.select("other_lead_id", "lead_id", "happened_at").iter_rows()
    }
    rows = []
    for former in sorted(set(went) - current):
        seen = {former}
        target, since = went[former]
        while target not in current and target in went and target not in seen:
            seen.add(target)
            target = went[target][0]
        if target in current:
            rows.append((former, target, since))
    return pl.DataFrame(rows, schema=REDIRECT_COLUMNS, orient="row")
