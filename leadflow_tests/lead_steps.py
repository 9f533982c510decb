"""The steps from pairs to leads, composed at their simplest, for tests of how they play together.

Belongs here: the order of the steps, without finding pairs (identity/resolution.py does both). Does not belong here: the steps (clusters.py,
stable_ids.py, memberships.py, identity_log.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from leadflow.identity.clusters import USED, cluster_records, touched_records
from leadflow.identity.identity_log import departures, lead_id_rows, log_rows, retired_ids
from leadflow.identity.memberships import memberships
from leadflow.identity.pins import apart_sides, pin_edges, pinned_records
from leadflow.identity.stable_ids import assign_ids, birth_ids, sharing_ids

LEAD_PREFIX = "L"


@dataclass(frozen=True)
class Former:
    """What the last refresh left, empty before the first.

    Attributes:
        lead_ids: `identity_log.LEAD_ID_COLUMNS`, state.
        log: `identity_log.LOG_COLUMNS`, state.
        pins: `pins.PIN_COLUMNS`, state, as a person left it.
        edges: record_key_1, record_key_2, decision of the last refresh; the refused ones do.
        identity_map: `memberships.MEMBERSHIP_COLUMNS` of the last refresh.
    """

    lead_ids: pl.DataFrame
    log: pl.DataFrame
    pins: pl.DataFrame
    edges: pl.DataFrame
    identity_map: pl.DataFrame


@dataclass(frozen=True)
class ResolvedLeads:
    """What a refresh makes anew; rows of other records stay as they were.

    Attributes:
        touched: keys of the records that were resolved anew, also of those that are gone: what there was of them in
            identity_map, and the decisions on their pairs, is to be replaced.
        memberships: `memberships.MEMBERSHIP_COLUMNS` of touched records.
        edges: pairs of touched records, pins among them (rule 'pin'), with decision and refused_because.
        lead_ids: `identity_log.LEAD_ID_COLUMNS` of the records whose id is new or changed.
        events: `identity_log.LOG_COLUMNS` of what happened in this refresh.
    """

    touched: pl.Series
    memberships: pl.DataFrame
    edges: pl.DataFrame
    lead_ids: pl.DataFrame
    events: pl.DataFrame


def resolve_leads(
    former: Former,
    records: pl.DataFrame,
    edges: pl.DataFrame,
    never: pl.DataFrame,
    *,
    max_profiles: int,
    at: datetime,
    rule_order: Sequence[str] = (),
    changed: pl.Series | None = None,
) -> ResolvedLeads:
    """Form clusters, give them ids, and tell since when each record belongs to its lead.

    Args:
        former: what the last refresh left.
        records: record_key, known_at, profile of all records.
        edges: record_key_1, record_key_2, probability, rule, known_from of accepted pairs: of all, or at least of those
            that are touched.
        never: record_key_1, record_key_2, rule of the pairs that are never the same, as far.
        max_profiles: distinct profiles that a lead may have.
        at: as_of of the refresh.
        rule_order: names of the rules, strongest first.
        changed: keys of the records that came, went or changed, and of both records of every pair and never-pair that
            did; None for everything. What pins are about is always among it.

    The result for the touched records is what resolving everything gives.
    """
    touched = _touched(former, records, changed)
    wanted = touched.to_frame()
    here = records.join(wanted, on="record_key", how="semi")
    pinned = pin_edges(former.pins, here)
    evidence = edges.select(pinned.columns)
    clusters = cluster_records(
        here,
        pl.concat([evidence, pinned]),
        never,
        max_profiles,
        apart=apart_sides(former.pins),
        rule_order=rule_order,
    )
    born = birth_ids(LEAD_PREFIX, here["record_key"])
    assigned = assign_ids(
        clusters.of.rename({"record_key": "member", "cluster": "group"}),
        here.select(member="record_key", known_at="known_at"),
        former.lead_ids.select(member="record_key", id="lead_id", id_given_at="lead_given_at"),
        born,
        at=at,
        retired=retired_ids(former.log),
    )
    events = log_rows(assigned.events, clusters.edges, former.identity_map, rule_order=rule_order)
    members = (
        here.select("record_key", "known_at")
        .join(assigned.ids.select(record_key="member", lead_id="id"), on="record_key", how="inner")
        .join(born.select("birth_id", record_key="member"), on="record_key", how="inner")
    )
    return ResolvedLeads(
        touched=touched,
        memberships=memberships(
            members,
            clusters.edges.filter(pl.col("decision") == USED),
            departures(pl.concat([former.log, events])),
            rule_order=rule_order,
        ),
        edges=clusters.edges,
        lead_ids=lead_id_rows(assigned.ids, former.lead_ids, at),
        events=events,
    )


def _touched(former: Former, records: pl.DataFrame, changed: pl.Series | None) -> pl.Series:
    """Keys to resolve anew: whole former leads, with those that a refused pair or a common id ties to them."""
    current = former.identity_map.filter(pl.col("known_to").is_null())
    if changed is None:
        return pl.concat([records["record_key"], current["record_key"]]).unique().sort()
    of = current.select("record_key", cluster="lead_id")
    seeds = pl.concat([changed.rename("record_key"), pinned_records(former.pins)])
    touched = touched_records(of, former.edges, seeds)
    ids = former.lead_ids.select(member="record_key", id="lead_id")
    return touched_records(of, former.edges, sharing_ids(ids, touched))
