"""Who is who after a refresh: evidence, clusters, ids and memberships, of what changed and of nothing else.

Belongs here: the order of the steps, and what each hands to the next. Does not belong here: any step's own logic, reading and
writing tables (assets.py).

A refresh begins with what the last one left (`Former`). Records that are new, changed or gone touch blocks; touched blocks give
pairs anew; records of pairs that came or went touch clusters; touched clusters are formed anew as wholes. With nothing left
before, everything is touched: that is a full rebuild, and it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from leadflow.identity.accounts import RECORDS_READ, Accounts, CompanyRecords, accounts_of
from leadflow.identity.clusters import REFUSED, cluster_records, touched_records
from leadflow.identity.emails import lead_emails
from leadflow.identity.identity_log import (
    departures,
    lead_id_rows,
    lead_redirects,
    log_rows,
    retired_ids,
)
from leadflow.identity.match_blocks import shared_keys
from leadflow.identity.match_conflicts import NEVER_SAME_COLUMNS, never_same_pairs
from leadflow.identity.match_index import Changes, changes, index_rows
from leadflow.identity.match_rules import PAIR_COLUMNS, updated_pairs
from leadflow.identity.memberships import MEMBERSHIP_COLUMNS, memberships
from leadflow.identity.pins import apart_sides, pin_edges, pinned_records
from leadflow.identity.stable_ids import assign_ids, birth_ids, sharing_ids
from leadflow.matching_policy import Matching
from leadflow.policy import Policy
from leadflow.processes import Beside, later

MATCH = "match"
MODEL = "model"

HEAD_COLUMNS: dict[str, pl.DataType] = {"unique_id": pl.String(), "digest": pl.UInt64()}
IDENTITY_MAP_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "lead_id": pl.String(),
    "account_id": pl.String(),
    "match_rule": pl.String(),
    "known_from": pl.Datetime("us"),
    "known_to": pl.Datetime("us"),
    "account_known_from": pl.Datetime("us"),
}
_PAIR_KEY = ("record_key_1", "record_key_2", "rule", "block")
_ENDS = ("record_key_1", "record_key_2")

ModelPairs = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""From new heads and all heads to the pairs that the model finds, `PAIR_COLUMNS`."""


@dataclass(frozen=True)
class Former:
    """What the last refresh left; all empty before the first.

    Attributes:
        index: `match_index.INDEX_COLUMNS`.
        pairs: `match_rules.PAIR_COLUMNS`.
        heads: `HEAD_COLUMNS`.
        identity_map: `IDENTITY_MAP_COLUMNS`.
        lead_ids: `identity_log.LEAD_ID_COLUMNS`.
        log: `identity_log.LOG_COLUMNS`.
        account_ids: `accounts.ACCOUNT_ID_COLUMNS`.
        company_pairs: `accounts.COMPANY_PAIR_COLUMNS`.
    """

    index: pl.DataFrame
    pairs: pl.DataFrame
    heads: pl.DataFrame
    identity_map: pl.DataFrame
    lead_ids: pl.DataFrame
    log: pl.DataFrame
    account_ids: pl.DataFrame
    company_pairs: pl.DataFrame


@dataclass(frozen=True)
class Resolution:
    """Who is who now: the tables of `Former` after this refresh, and what follows from them.

    Attributes:
        index, pairs, heads, identity_map: as in `Former`.
        lead_ids, log: the rows that this refresh adds or changes.
        redirects: `identity_log.REDIRECT_COLUMNS`.
        emails: `emails.LEAD_EMAIL_COLUMNS`.
        accounts: accounts, their ids and the evidence for them.
        told: counts for the refresh's metadata.
    """

    index: pl.DataFrame
    pairs: pl.DataFrame
    heads: pl.DataFrame
    identity_map: pl.DataFrame
    lead_ids: pl.DataFrame
    log: pl.DataFrame
    redirects: pl.DataFrame
    emails: pl.DataFrame
    accounts: Accounts
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """The probabilistic layer of a refresh.

    Attributes:
        version: of its parameters, part of what tells whether pairs must be found anew.
        heads: from an index to the rows that are compared.
        changed: from former and present heads to those to compare, and the keys of those whose pairs fall.
        pairs: see `ModelPairs`.
    """

    version: str
    heads: Callable[[pl.DataFrame], pl.DataFrame]
    changed: Callable[[pl.DataFrame, pl.DataFrame], tuple[pl.DataFrame, pl.Series]]
    pairs: ModelPairs


def resolve(
    clean: pl.DataFrame,
    former: Former,
    pins: pl.DataFrame,
    policy: Policy,
    fingerprint: str,
    model: Model | None,
    *,
    at: datetime,
    beside: Beside = later,
) -> Resolution:
    """Say of every lead record which person and which company it is.

    Args:
        clean: `clean.clean_leads`, whole rows, one per record_key.
        former: what the last refresh left.
        pins: `pins.PIN_COLUMNS`.
        policy: its sections matching and companies.
        fingerprint: `match_index.matcher_fingerprint`; another than the former one matches everything anew.
        model: None where the policy has none.
        at: the refresh's moment.
        beside: for the companies, which nothing of the rest waits for.

    Every record gets exactly one lead. The result does not depend on the order of rows, nor, ids aside, on what former holds.
    """
    matching = policy.matching
    index = index_rows(clean, fingerprint)
    given = CompanyRecords(
        index.select(*RECORDS_READ), former.account_ids, former.company_pairs, policy.companies, at
    )
    companies = beside(accounts_of, given)
    changed = changes(index, former.index)
    before = _as_found(former.pairs)
    heads, by_model = _model_pairs(index, before, former.heads, changed, model)
    by_rules = updated_pairs(before, former.index, index, changed, matching)
    pairs = pl.concat([by_rules, by_model]).sort(*_PAIR_KEY)
    touched = _touched(index, former, pairs, before, changed, pins)
    records = _records(index, touched)
    order = tuple(rule.name for rule in matching.active_rules)
    edges, clusters = _clustered(records, index, pairs, pins, matching, order)
    refused = pl.concat(
        [
            part.filter(pl.col("decision") == REFUSED).select(*_PAIR_KEY, "refused_because")
            for part in (
                former.pairs.join(touched, left_on=_ENDS[0], right_on="record_key", how="anti"),
                edges.filter(pl.col("block").is_not_null()),
            )
        ]
    )
    born = birth_ids("L", records["record_key"])
    ids = assign_ids(
        clusters.select(member="record_key", group="cluster"),
        records.select(member="record_key", known_at="known_at"),
        former.lead_ids.select(member="record_key", id="lead_id", id_given_at="lead_given_at"),
        born,
        at=at,
        retired=retired_ids(former.log),
    )
    log = log_rows(ids.events, edges, former.identity_map, rule_order=order)
    now = _memberships(records, ids.ids, born, edges, pl.concat([former.log, log]), order)
    kept = former.identity_map.join(touched, on="record_key", how="anti").select(*MEMBERSHIP_COLUMNS)
    accounts = companies()
    identity_map = (
        pl.concat([kept, now])
        .join(accounts.of_records, on="record_key", how="left")
        .select(*IDENTITY_MAP_COLUMNS)
        .sort("record_key", "known_from")
    )
    current = identity_map.filter(pl.col("known_to").is_null())
    return Resolution(
        index=index,
        pairs=_decided(pairs, refused),
        heads=heads,
        identity_map=identity_map,
        lead_ids=lead_id_rows(ids.ids, former.lead_ids, at),
        log=log,
        redirects=lead_redirects(pl.concat([former.log, log]), current["lead_id"].unique()),
        emails=lead_emails(clean, current),
        accounts=accounts,
        told=_told(changed, index, touched, log, matching, current, accounts),
    )


def _as_found(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs as they were found, before clusters refused any."""
    return pairs.with_columns(
        decision=pl.when(pl.col("decision") == REFUSED).then(pl.lit(MATCH)).otherwise("decision"),
        refused_because=pl.lit(None, pl.String),
    )


def _decided(pairs: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """The pairs with what became of them."""
    return (
        pairs.drop("refused_because")
        .join(refused, on=_PAIR_KEY, how="left", maintain_order="left")
        .with_columns(
            decision=pl.when(pl.col("refused_because").is_null()).then("decision").otherwise(pl.lit(REFUSED))
        )
        .select(*PAIR_COLUMNS)
    )


def _model_pairs(
    index: pl.DataFrame,
    before: pl.DataFrame,
    former_heads: pl.DataFrame,
    changed: Changes,
    model: Model | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The heads that there are, and the model's pairs among them."""
    if model is None:
        return pl.DataFrame(schema=HEAD_COLUMNS), pl.DataFrame(schema=PAIR_COLUMNS)
    heads = model.heads(index)
    known = former_heads.clear() if changed.is_rebuild else former_heads
    new, dropped = model.changed(known, heads)
    gone = dropped.rename("record_key").to_frame()
    kept = before.filter((pl.col("rule") == MODEL) & (not changed.is_rebuild))
    for end in _ENDS:
        kept = kept.join(gone, left_on=end, right_on="record_key", how="anti")
    found = model.pairs(new, heads) if new.height else pl.DataFrame(schema=PAIR_COLUMNS)
    both = pl.concat(
        [part.select(pl.col(c).cast(t) for c, t in PAIR_COLUMNS.items()) for part in (kept, found)]
    )
    return heads.select(pl.col(name).cast(dtype) for name, dtype in HEAD_COLUMNS.items()), both


def _touched(
    index: pl.DataFrame,
    former: Former,
    pairs: pl.DataFrame,
    before: pl.DataFrame,
    changed: Changes,
    pins: pl.DataFrame,
) -> pl.DataFrame:
    """record_key of every record, also of those gone, whose cluster has to be formed anew."""
    if changed.is_rebuild:
        every = pl.concat([index["record_key"], former.identity_map["record_key"]])
        return every.unique().to_frame("record_key")
    told = [*_PAIR_KEY, "probability", "decision", "known_from"]
    differing = [
        one.join(other, on=told, how="anti", nulls_equal=True).select(*_ENDS)
        for one, other in ((pairs, before), (before, pairs))
    ]
    seeds = pl.concat(
        [changed.touched, pinned_records(pins), *(part[end] for part in differing for end in _ENDS)]
    ).unique()
    clusters = former.identity_map.filter(pl.col("known_to").is_null()).select(
        "record_key", cluster="lead_id"
    )
    ids = former.lead_ids.select(member="record_key", id="lead_id")
    touched = touched_records(clusters, former.pairs, seeds)
    touched = touched_records(clusters, former.pairs, sharing_ids(ids, touched))
    return touched.to_frame("record_key")


def _records(index: pl.DataFrame, touched: pl.DataFrame) -> pl.DataFrame:
    """record_key, known_at, profile of the touched records that there are."""
    profile = pl.struct("mailbox", "person_key", "full_name", "phones", "wechat_id").hash(seed=1)
    return index.join(touched, on="record_key", how="semi").select("record_key", "known_at", profile=profile)


def _clustered(
    records: pl.DataFrame,
    index: pl.DataFrame,
    pairs: pl.DataFrame,
    pins: pl.DataFrame,
    matching: Matching,
    order: tuple[str, ...],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The pairs among the records with what became of them, and the cluster of each record."""
    matched = pairs.filter(pl.col("decision") == MATCH).drop("decision", "refused_because")
    among = matched.join(records, left_on=_ENDS[0], right_on="record_key", how="semi")
    edges = pl.concat([among, pin_edges(pins, index)], how="diagonal")
    most = matching.max_cluster_profiles
    none = pl.DataFrame(schema=NEVER_SAME_COLUMNS)
    loose = cluster_records(records, edges, none, records.height + 1, rule_order=order).of
    components = loose.rename({"cluster": "component"})
    never = never_same_pairs(index.join(records, on="record_key", how="semi"), components, matching)
    formed = cluster_records(records, edges, never, most, apart=apart_sides(pins), rule_order=order)
    return formed.edges, formed.of


def _memberships(
    records: pl.DataFrame,
    ids: pl.DataFrame,
    born: pl.DataFrame,
    edges: pl.DataFrame,
    log: pl.DataFrame,
    order: tuple[str, ...],
) -> pl.DataFrame:
    members = (
        records.select("record_key", "known_at")
        .join(ids.select(record_key="member", lead_id="id"), on="record_key", how="inner")
        .join(born.rename({"member": "record_key"}), on="record_key", how="inner")
    )
    ended = departures(log).join(records, on="record_key", how="semi")
    used = edges.filter(pl.col("decision") != REFUSED)
    return memberships(members, used, ended, rule_order=order)


def _told(
    changed: Changes,
    index: pl.DataFrame,
    touched: pl.DataFrame,
    log: pl.DataFrame,
    matching: Matching,
    current: pl.DataFrame,
    accounts: Accounts,
) -> dict[str, Any]:
    """Counts for the refresh's metadata."""
    shared = shared_keys(index, matching)
    return {
        "records": index.height,
        "leads": current["lead_id"].n_unique(),
        "matched anew": index.height if changed.is_rebuild else changed.touched.len(),
        "clustered anew": touched.height,
        "records by rule": dict(sorted(current["match_rule"].value_counts().iter_rows())),
        "events": dict(sorted(log["event"].value_counts().iter_rows())),
        "shared keys": dict(sorted(shared["rule"].value_counts().iter_rows())),
        "records of shared keys": int(shared["records"].sum()),
        "shared mail domains": ", ".join(accounts.shared_domains[:20]),
    }
