"""A person's decisions on who is who: records pinned together or apart.

Belongs here: what pins mean for clusters, and which pins can be made. Does not belong here: forming clusters (clusters.py),
reading and writing the state (cli/identity.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from leadflow.errors import LeadflowError
from leadflow.identity.clusters import PIN

TOGETHER = "together"
APART = "apart"
KINDS = (TOGETHER, APART)

_TIMESTAMP = pl.Datetime("us")

PIN_COLUMNS: dict[str, pl.DataType] = {
    "pin_id": pl.String(),
    "kind": pl.String(),
    "record_keys_1": pl.List(pl.String()),
    "record_keys_2": pl.List(pl.String()),
    "made_at": _TIMESTAMP,
    "reason": pl.String(),
    "undone_event_id": pl.String(),
    "withdrawn_at": _TIMESTAMP,
}
EDGE_COLUMNS: dict[str, pl.DataType] = {
    "record_key_1": pl.String(),
    "record_key_2": pl.String(),
    "probability": pl.Float64(),
    "rule": pl.String(),
    "known_from": _TIMESTAMP,
}
_SIDES = ("record_keys_1", "record_keys_2")


@dataclass(frozen=True)
class Named:
    """What a person named: the words and the record keys meant, sorted."""

    name: str
    record_keys: tuple[str, ...]


def active(pins: pl.DataFrame) -> pl.DataFrame:
    """The pins that were not withdrawn."""
    return pins.filter(pl.col("withdrawn_at").is_null())


def pin_edges(pins: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """`EDGE_COLUMNS` of the pins together: one pair each, of the earliest record of either side that is there.

    Args:
        pins: `PIN_COLUMNS`.
        records: record_key, known_at.

    One pair is enough, since a pin joins whole clusters. It is known from when the pin was made and both records were.
    """
    together = active(pins).filter(pl.col("kind") == TOGETHER)
    ends = [
        together.select("pin_id", "made_at", record_key=side)
        .explode("record_key")
        .join(records.select("record_key", "known_at"), on="record_key", how="inner")
        .sort("pin_id", "known_at", "record_key")
        .unique("pin_id", keep="first", maintain_order=True)
        for side in _SIDES
    ]
    both = ends[0].join(ends[1], on="pin_id", how="inner", suffix="_other")
    return both.select(
        record_key_1=pl.min_horizontal("record_key", "record_key_other"),
        record_key_2=pl.max_horizontal("record_key", "record_key_other"),
        probability=pl.lit(1.0),
        rule=pl.lit(PIN),
        known_from=pl.max_horizontal("made_at", "known_at", "known_at_other"),
    ).sort("record_key_1", "record_key_2", "known_from")


def apart_sides(pins: pl.DataFrame) -> pl.DataFrame:
    """pin_id, record_key, side (1 or 2) of the pins apart."""
    apart = active(pins).filter(pl.col("kind") == APART)
    return pl.concat(
        [
            apart.select("pin_id", record_key=side)
            .explode("record_key")
            .with_columns(side=pl.lit(number, dtype=pl.Int64))
            for number, side in enumerate(_SIDES, start=1)
        ]
    ).sort("pin_id", "side", "record_key")


def pinned_records(pins: pl.DataFrame) -> pl.Series:
    """Keys of all records that any pin is about, also of withdrawn ones, sorted: what to cluster anew in every refresh.

    They are few, and it need not be remembered which pins the last refresh knew.
    """
    keys = pl.concat([pins.select(record_key=side).explode("record_key") for side in _SIDES])
    return keys.drop_nulls().unique()["record_key"].sort()


def records_named(
    name: str, identity_map: pl.DataFrame, redirects: pl.DataFrame, emails: pl.DataFrame
) -> Named:
    """The records that a person means by a lead id, also a former one, a record key or an e-mail address.

    Args:
        name: as given.
        identity_map: record_key, lead_id, known_to.
        redirects: former_lead_id, lead_id.
        emails: record_key, email.

    Raises:
        LeadflowError: nothing is known by that name.
    """
    text = name.strip()
    current = identity_map.filter(pl.col("known_to").is_null())
    if current.filter(pl.col("record_key") == text).height:
        return Named(text, (text,))
    lead_id, words = text, text
    if now := redirects.filter(pl.col("former_lead_id") == text)["lead_id"].to_list():
        lead_id, words = now[0], f"{now[0]} (formerly {text})"
    if members := current.filter(pl.col("lead_id") == lead_id)["record_key"].sort().to_list():
        return Named(words, tuple(members))
    written = emails.filter(pl.col("email") == text.lower()).select("record_key")
    if with_email := written.join(current, on="record_key", how="semi")["record_key"].sort().to_list():
        return Named(text, tuple(with_email))
    raise LeadflowError(
        f"no lead, lead record or e-mail address '{text}' is known",
        "take a lead_id or record_key from identity.identity_map, or write the whole address; rejected records belong to no lead",
    )


def new_pin(
    pins: pl.DataFrame,
    kind: str,
    one: Named,
    other: Named,
    *,
    made_at: datetime,
    reason: str | None = None,
    undone_event_id: str | None = None,
) -> pl.DataFrame:
    """The row of a new pin, `PIN_COLUMNS`.

    Args:
        pins: `PIN_COLUMNS`, all that were ever made.
        kind: 'together' or 'apart'.
        one: records of one side.
        other: records of the other side.
        made_at: as_of of the refresh that the person looked at.
        reason: the person's words.
        undone_event_id: event of the identity log that the pin undoes.

    Raises:
        LeadflowError: both sides have a record in common, the pin is there already, or it contradicts others.
    """
    if shared := sorted(set(one.record_keys) & set(other.record_keys)):
        raise LeadflowError(
            f"{one.name} and {other.name} are the same lead (both have the record {shared[0]})",
            "name two leads, or to part one lead two of its records",
        )
    if (same := _same_pin(pins, kind, one, other)) is not None:
        raise LeadflowError(
            f"{same} pins {one.name} and {other.name} {kind} already", "nothing needs to be done"
        )
    candidate = pl.DataFrame(
        [
            (
                f"P{pins.height + 1}",
                kind,
                sorted(one.record_keys),
                sorted(other.record_keys),
                made_at,
                reason,
                undone_event_id,
                None,
            )
        ],
        schema=PIN_COLUMNS,
        orient="row",
    )
    _refuse_contradiction(active(pins), candidate, one, other)
    return candidate


def _same_pin(pins: pl.DataFrame, kind: str, one: Named, other: Named) -> str | None:
    wanted = {frozenset(one.record_keys), frozenset(other.record_keys)}
    for pin_id, *sides in active(pins).filter(pl.col("kind") == kind).select("pin_id", *_SIDES).iter_rows():
        if {frozenset(side) for side in sides} == wanted:
            return str(pin_id)
    return None


def _refuse_contradiction(pins: pl.DataFrame, candidate: pl.DataFrame, one: Named, other: Named) -> None:
    """Refuse a pin with which some pin apart would have a record of either side among records pinned together."""
    every = pl.concat([pins.select(*PIN_COLUMNS), candidate])
    together = _together(every)
    own = candidate["pin_id"][0]
    for pin_id, side_1, side_2 in every.filter(pl.col("kind") == APART).select("pin_id", *_SIDES).iter_rows():
        for members, pin_ids in together:
            if not (members & set(side_1) and members & set(side_2)):
                continue
            against = sorted(({pin_id} | pin_ids) - {own}, key=lambda each: int(each[1:]))
            kind = candidate["kind"][0]
            raise LeadflowError(
                f"{one.name} and {other.name} cannot be pinned {kind}: that contradicts {' and '.join(against)}",
                f"withdraw what holds no more first: `leadflow unpin {against[-1]}`",
            )


def _together(pins: pl.DataFrame) -> list[tuple[set[str], set[str]]]:
    """Records that pins hold together, with the ids of those pins, by group."""
    groups: list[tuple[set[str], set[str]]] = []
    for pin_id, side_1, side_2 in (
        pins.filter(pl.col("kind") == TOGETHER).select("pin_id", *_SIDES).iter_rows()
    ):
        members, pin_ids = {*side_1, *side_2}, {str(pin_id)}
        apart = []
        for group in groups:
            if group[0] & members:
                members |= group[0]
                pin_ids |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (members, pin_ids)]
    return groups


def withdrawn(pins: pl.DataFrame, pin_id: str, at: datetime) -> pl.DataFrame:
    """The pin's row as withdrawn at a moment.

    Raises:
        LeadflowError: there is no such pin, or it was withdrawn before.
    """
    found = pins.filter(pl.col("pin_id") == pin_id).select(*PIN_COLUMNS)
    if not found.height:
        there = ", ".join(active(pins)["pin_id"].to_list()) or "none is in force"
        raise LeadflowError(f"there is no pin '{pin_id}'", f"pins in force: {there}")
    if (when := found["withdrawn_at"][0]) is not None:
        raise LeadflowError(f"{pin_id} was withdrawn at {when} UTC already", "nothing needs to be done")
    return found.with_columns(withdrawn_at=pl.lit(at, dtype=_TIMESTAMP))


def leads_of(keys: Collection[str], identity_map: pl.DataFrame) -> list[str]:
    """Lead ids that records have now, sorted."""
    current = identity_map.filter(pl.col("known_to").is_null() & pl.col("record_key").is_in(sorted(keys)))
    return current["lead_id"].unique().sort().to_list()
