"""Since when each lead record belongs to its lead, told from the records alone, so that any past moment can be replayed.

Belongs here: memberships with known_from and known_to. Does not belong here: which records are one lead (clusters.py)
and under which id (stable_ids.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from leadflow.identity.clusters import by_strength
from leadflow.identity.replay import Interval, overlaid, replayed

OWN_RECORD = "own_record"
"""match_rule of a record that no pair ties to another."""
FORMER = "former"
"""match_rule of a membership that a split ended: what tied the record then may be gone."""

_TIMESTAMP = pl.Datetime("us")

MEMBERSHIP_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "lead_id": pl.String(),
    "match_rule": pl.String(),
    "known_from": _TIMESTAMP,
    "known_to": _TIMESTAMP,
}


def memberships(
    members: pl.DataFrame,
    edges: pl.DataFrame,
    departures: pl.DataFrame | None = None,
    *,
    rule_order: Sequence[str] = (),
) -> pl.DataFrame:
    """`MEMBERSHIP_COLUMNS`, by record_key and known_from: one open row per record, and closed ones before it.

    Args:
        members: record_key, known_at, lead_id (as it is now), birth_id (of the record); whole leads.
        edges: record_key_1, record_key_2, probability, rule, known_from of the pairs used; those of other leads do no
            harm.
        departures: record_key, lead_id, known_from, known_to of memberships that a split, an undo or a move ended, as
            `identity_log.departures` gives them.
        rule_order: names of the rules, strongest first.

    A record belongs to its lead since it is tied to the lead's anchor by pairs known by then: the record whose birth id
    the lead's is, else the earliest. Before, it belonged to what it was tied to at that time, under the birth id
    of the earliest record there: closed rows. Memberships that ended otherwise lie over that: the one that
    followed begins when the former ended. match_rule is the rule of the strongest pair that ties the record (for closed
    rows of those known when they began), or 'own_record'.
    """
    ordered = _ordered(members)
    ends = _ends(edges, ordered)
    strongest = _strongest(ends, rule_order)
    rooted = ordered.with_columns(root=_roots(ordered, ends)).with_columns(
        is_plain=pl.col("root").n_unique().over("lead_id") == 1
    )
    told = rooted.join(strongest, on="code", how="left", maintain_order="left").with_columns(
        match_rule=pl.col("rule").fill_null(OWN_RECORD), known_to=pl.lit(None, dtype=_TIMESTAMP)
    )
    plain = told.filter("is_plain").select(
        "record_key", "lead_id", "match_rule", "known_to", known_from="known_at"
    )
    rows = [plain.select(*MEMBERSHIP_COLUMNS)]
    if plain.height < told.height:
        rows.append(_replayed(told.filter(~pl.col("is_plain")), ends, rule_order))
    every = pl.concat(rows)
    if departures is not None and departures.height:
        every = _over(every, departures)
    return every.sort("record_key", "known_from")


def _ordered(members: pl.DataFrame) -> pl.DataFrame:
    """The members numbered by time, with their lead's anchor."""
    ordered = (
        members.select("record_key", "known_at", "lead_id", "birth_id")
        .sort("known_at", "record_key")
        .with_row_index("code")
    )
    own = ordered.filter(pl.col("birth_id") == pl.col("lead_id")).select("lead_id", anchor="code")
    first = pl.col("code").min().over("lead_id")
    return ordered.join(own, on="lead_id", how="left", maintain_order="left").with_columns(
        anchor=pl.coalesce("anchor", first)
    )


def _ends(edges: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
    """earlier, later (numbers), known_from, probability, rule of the pairs within one lead."""
    named = ordered.select("record_key", "code", "lead_id", "known_at")
    pairs = edges.select("record_key_1", "record_key_2", "known_from", "probability", "rule")
    for side in (1, 2):
        one = named.rename(
            {"record_key": f"record_key_{side}", "code": f"code_{side}", "lead_id": f"lead_{side}"}
        )
        one = one.rename({"known_at": f"known_at_{side}"})
        pairs = pairs.join(one, on=f"record_key_{side}", how="inner")
    return pairs.filter(pl.col("lead_1") == pl.col("lead_2")).select(
        earlier=pl.min_horizontal("code_1", "code_2"),
        later=pl.max_horizontal("code_1", "code_2"),
        # Never before both records, whatever the pair says: a record has no membership before it is known.
        known_from=pl.max_horizontal("known_from", "known_at_1", "known_at_2"),
        later_known_at=pl.max_horizontal("known_at_1", "known_at_2"),
        probability="probability",
        rule="rule",
    )


def _strongest(ends: pl.DataFrame, rule_order: Sequence[str]) -> pl.DataFrame:
    """code, rule: of each record the rule of the strongest pair that it is in."""
    both = ["earlier", "later"]
    ranked = ends.select(*both, "rule", "probability").sort(*by_strength(rule_order))
    numbered = ranked.with_row_index("rank")
    of_records = pl.concat([numbered.select("rank", code=end) for end in both])
    best = of_records.group_by("code").agg(pl.col("rank").min())
    return best.select("code", rule=ranked["rule"].gather(best["rank"]))


def _roots(ordered: pl.DataFrame, ends: pl.DataFrame) -> pl.Series:
    """Of each record the one that stands for it over time: an earlier one that it was tied to since it is known.

    Such a record has at any moment the label that its root has, so that only roots need to be replayed: most leads
    have a single one. An anchor is its own root, since its label is not its root's.
    """
    import numpy as np

    anchors = ordered.filter(pl.col("code") == pl.col("anchor")).select(later="code")
    tied = (
        ends.filter(pl.col("known_from") == pl.col("later_known_at"))
        .join(anchors, on="later", how="anti")
        .group_by("later")
        .agg(pl.col("earlier").min())
    )
    roots = np.arange(ordered.height, dtype=np.uint32)
    roots[tied["later"].to_numpy()] = tied["earlier"].to_numpy()
    while not np.array_equal(further := roots[roots], roots):
        roots = further
    return pl.Series("root", roots)


def _replayed(told: pl.DataFrame, ends: pl.DataFrame, rule_order: Sequence[str]) -> pl.DataFrame:
    """The rows of leads with several roots, by joining these pair by pair in the order of time."""
    births = dict(told.select("code", "birth_id").iter_rows())
    leads = dict(told.select("anchor", "lead_id").unique().iter_rows())
    near = ends
    for end in ("earlier", "later"):
        near = near.join(told.select(pl.col("code").alias(end), pl.col("root").alias(f"{end}_root")), on=end)
    between = (
        near.filter(pl.col("earlier_root") != pl.col("later_root"))
        .select("earlier_root", "later_root", "known_from")
        .sort("known_from", "earlier_root", "later_root")
    )
    known_at = told.filter(pl.col("code") == pl.col("root")).select("code", "known_at")
    timelines = replayed(dict(known_at.iter_rows()), between.iter_rows(), set(leads))
    rows = [
        (code, leads.get(label) or births[label], since, until)
        for code, timeline in timelines.items()
        for since, until, label in timeline
    ]
    columns: dict[str, pl.DataType] = {
        "root": pl.UInt32(),
        "lead_id": pl.String(),
        "known_from": _TIMESTAMP,
        "known_to": _TIMESTAMP,
    }
    frame = (
        pl.DataFrame(rows, schema=columns, orient="row")
        .join(told.select("root", "code", "record_key", "known_at", "match_rule"), on="root", how="inner")
        .filter(pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_at")))
        .with_columns(known_from=pl.max_horizontal("known_from", "known_at"))
        .with_row_index("row")
    )
    by_then = (
        pl.concat([near.rename({"earlier": "code"}), near.rename({"later": "code"})], how="diagonal")
        .select("code", "probability", "rule", since="known_from")
        .join(frame.filter(pl.col("known_to").is_not_null()), on="code", how="inner")
        .filter(pl.col("since") <= pl.col("known_from"))
        .sort(*by_strength(rule_order))
        .unique("row", keep="first", maintain_order=True)
        .select("row", rule_then="rule")
    )
    now = pl.when(pl.col("known_to").is_null()).then("match_rule")
    return (
        frame.join(by_then, on="row", how="left")
        .with_columns(match_rule=pl.coalesce(now, "rule_then", pl.lit(OWN_RECORD)))
        .select(*MEMBERSHIP_COLUMNS)
    )


def _over(rows: pl.DataFrame, departures: pl.DataFrame) -> pl.DataFrame:
    """The rows with what the departures say in the place of what they lie over."""
    ended: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for key, lead_id, since, until in (
        departures.select("record_key", "lead_id", "known_from", "known_to")
        .sort("record_key", "known_to", "known_from")
        .iter_rows()
    ):
        ended.setdefault(key, []).append((since, until, lead_id))
    keys = departures.select("record_key").unique()
    concerned = rows.join(keys, on="record_key", how="semi").sort("record_key", "known_from")
    timelines: dict[str, list[Interval]] = {}
    for key, lead_id, rule, since, until in concerned.select(*MEMBERSHIP_COLUMNS).iter_rows():
        timelines.setdefault(key, []).append((since, until, (lead_id, rule)))
    mended = [
        (key, lead_id, rule, since, until)
        for key, timeline in timelines.items()
        for since, until, (lead_id, rule) in overlaid(
            timeline, [(since, until, (lead_id, FORMER)) for since, until, lead_id in ended[key]]
        )
    ]
    changed = pl.DataFrame(mended, schema=MEMBERSHIP_COLUMNS, orient="row")
    return pl.concat([rows.join(keys, on="record_key", how="anti"), changed])
