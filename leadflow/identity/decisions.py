"""Undoing events of the identity log, and telling of pins there.

Belongs here: which pin undoes an event, and the log rows of pins. Does not belong here: what pins mean (pins.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from leadflow.errors import LeadflowError
from leadflow.identity.identity_log import LOG_COLUMNS, PINNED, UNDONE, UNPINNED, event_id
from leadflow.identity.pins import APART, TOGETHER, Named, active, leads_of, new_pin
from leadflow.identity.stable_ids import SPLIT


def pin_event(
    pin: pl.DataFrame, event: str, identity_map: pl.DataFrame, *, at: datetime, cause: str | None
) -> pl.DataFrame:
    """The log row, `identity_log.LOG_COLUMNS`, of a pin that is made or withdrawn.

    Args:
        pin: its row, `pins.PIN_COLUMNS`.
        event: 'pinned', 'undone' or 'unpinned'.
        identity_map: record_key, lead_id, known_to.
        at: as_of of the refresh that the person looked at.
        cause: the person's reason, or the id of the event undone.

    lead_id and other_lead_id are the leads that the sides have records in, the first by id; null where none has.
    """
    row = pin.row(0, named=True)
    sides = row["record_keys_1"], row["record_keys_2"]
    leads = [next(iter(leads_of(keys, identity_map)), None) for keys in sides]
    told = (
        event_id(event, at, row["pin_id"]),
        event,
        at,
        *leads,
        sides[0],
        None,
        sides[1],
        row["pin_id"],
        cause,
    )
    return pl.DataFrame([told], schema=LOG_COLUMNS, orient="row")


def withdrawable(log: pl.DataFrame, event: str) -> str | None:
    """The pin that an event made, which undoing it withdraws; None where it made none.

    Raises:
        LeadflowError: there is no such event, or it withdrew a pin itself.
    """
    row = _event(log, event)
    if row["event"] == UNPINNED:
        raise LeadflowError(f"{event} withdrew {row['pin_id']}", "pin the leads again with `leadflow pin`")
    return str(row["pin_id"]) if row["event"] in (PINNED, UNDONE) else None


def undoing(log: pl.DataFrame, event: str, pins: pl.DataFrame, *, made_at: datetime) -> pl.DataFrame:
    """The pin, `pins.PIN_COLUMNS`, that undoes a merge, a move (apart) or a split (together).

    Its sides are the records of both leads as they were at the event, so that exactly these change.

    Raises:
        LeadflowError: there is no such event, it is undone already, one side had no records, or that contradicts pins.
    """
    row = _event(log, event)
    if done := active(pins).filter(pl.col("undone_event_id") == event)["pin_id"].to_list():
        raise LeadflowError(
            f"{event} is undone by {done[0]} already", f"`leadflow unpin {done[0]}` takes that back"
        )
    if not row["stayed_record_keys"]:
        raise LeadflowError(
            f"{event} left no records on one side, so there is nothing to undo it by",
            "name two records with `leadflow pin`",
        )
    other = Named(row["other_lead_id"], tuple(row["record_keys"]))
    stayed = Named(row["lead_id"], tuple(row["stayed_record_keys"]))
    kind = TOGETHER if row["event"] == SPLIT else APART
    return new_pin(pins, kind, other, stayed, made_at=made_at, undone_event_id=event)


def _event(log: pl.DataFrame, event: str) -> dict[str, Any]:
    found = log.filter(pl.col("event_id") == event)
    if not found.height:
        raise LeadflowError(
            f"there is no event '{event}'", "`leadflow merges` lists the newest with their ids"
        )
    return found.row(0, named=True)
