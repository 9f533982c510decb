"""Which lead records are one person: pairs joined to clusters, and chains split at their weakest link.

Belongs here: clusters out of pairs, what a cluster must not hold, and which clusters a change touches. Does not belong
here: finding pairs (match_rules.py, linkage.py), the ids of clusters (stable_ids.py), since when a record belongs to
its lead (memberships.py).

A cluster is a pure function of the pairs, never-pairs and pins among its own records. So what a change does not touch
need not be formed anew, and the result is the same as if it were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from leadflow.identity.greedy_clusters import NEVER_SAME, Limits, Tie, form_clusters

if TYPE_CHECKING:
    import numpy as np

USED = "used"
REFUSED = "refused"
PIN = "pin"
"""Rule of a pair that a person pinned together."""

_ENDS = ("record_key_1", "record_key_2")


@dataclass(frozen=True)
class Clusters:
    """Clusters and what became of each pair.

    Attributes:
        of: record_key, cluster (the record key of its earliest record); one row per record, by record_key.
        edges: the pairs as given, of which both records are there, with decision ('used' or 'refused') and
            refused_because ('never_same:<rule>', 'pinned_apart', 'cluster_limit', or null).
    """

    of: pl.DataFrame
    edges: pl.DataFrame


def cluster_records(
    records: pl.DataFrame,
    edges: pl.DataFrame,
    never: pl.DataFrame,
    max_profiles: int,
    *,
    apart: pl.DataFrame | None = None,
    rule_order: Sequence[str] = (),
) -> Clusters:
    """Join records by pairs to clusters.

    Args:
        records: record_key, known_at, profile; one row per record_key. A profile is what a person's records have in
            common when they were merely submitted again, as a text or hash: only distinct ones count for the limit.
        edges: record_key_1, record_key_2, probability (0-1), rule; other columns are kept, but what a
            former decision said.
        never: record_key_1, record_key_2, rule: pairs that a rule says are never the same.
        max_profiles: distinct profiles that a cluster may hold.
        apart: pin_id, record_key, side (1 or 2), as `pins.apart_sides` gives them.
        rule_order: names of the rules, strongest first, which decides among equal probabilities; others follow.

    Everything that is connected is one cluster, unless that would hold too many profiles, a never-pair, or both sides
    of a pin: those are formed by taking pairs one by one, pins first, then the strongest (probability, order of
    the rule, keys), and leaving out each that would bring together what must not be. A pin of two together joins
    the whole clusters of both; it stands above never-pairs and the limit, which hold for what the other pairs join,
    but not above a pin apart. The result does not depend on the order of rows.
    """
    edges = edges.drop("decision", "refused_because", strict=False)
    ordered = records.select("record_key", "known_at", "profile").sort("known_at", "record_key")
    codes = ordered.select("record_key").with_row_index("code")
    pairs = _coded(edges, codes)
    forbidden = _coded(never.select(*_ENDS, "rule"), codes).filter(pl.col("code_1") != pl.col("code_2"))
    sides = _empty_sides() if apart is None else apart
    sides = sides.select("pin_id", "record_key", "side").join(codes, on="record_key", how="inner")
    component = pl.Series("component", _components(codes.height, pairs))
    coded = ordered.select("profile", component).with_row_index("code")
    doubtful = _doubtful(coded, forbidden, sides, max_profiles)
    first = coded.select(first=pl.col("code").min().over("component"))["first"]
    refused = pl.DataFrame(schema={"pair": pl.UInt32, "refused_because": pl.String})
    pairs = pairs.with_row_index("pair")
    if doubtful.len():
        chosen = coded.filter(pl.col("component").is_in(doubtful.implode()))
        first, refused = _form_anew(chosen, first, pairs, forbidden, sides, max_profiles, rule_order)
    told = (
        pairs.join(refused, on="pair", how="left", maintain_order="left")
        .with_columns(
            decision=pl.when(pl.col("refused_because").is_null())
            .then(pl.lit(USED))
            .otherwise(pl.lit(REFUSED))
        )
        .select(*edges.columns, "decision", "refused_because")
    )
    of = codes.select("record_key", cluster=codes["record_key"].gather(first)).sort("record_key")
    return Clusters(of, told)


def touched_records(former: pl.DataFrame, former_edges: pl.DataFrame, changed: pl.Series) -> pl.Series:
    """Record keys that must be clustered anew after a change, sorted; clustering them alone gives what all anew would.

    Args:
        former: record_key, cluster, as `Clusters.of` had them.
        former_edges: record_key_1, record_key_2, decision, as `Clusters.edges` had them; the refused ones do.
        changed: keys of records that came, went or changed, and of every record of a pair, never-pair or pin that
            came, went or changed.

    These are the former clusters of what changed and those that a refused pair ties to them, whole, since a pair that
    was refused may be possible now; and what is new. Keys of records that are gone are among them.
    """
    clusters = former.select("record_key", "cluster")
    seeds = changed.rename("record_key").to_frame().unique()
    touched = set(clusters.join(seeds, on="record_key", how="semi")["cluster"].unique())
    between = former_edges.filter(pl.col("decision") == REFUSED).select(*_ENDS).unique()
    for side, end in enumerate(_ENDS, start=1):
        between = between.join(
            clusters.rename({"record_key": end, "cluster": f"c{side}"}), on=end, how="inner"
        )
    touched |= _reached(touched, between.select("c1", "c2").iter_rows())
    labels = pl.Series("cluster", sorted(touched), dtype=clusters.schema["cluster"]).to_frame()
    members = clusters.join(labels, on="cluster", how="semi").select("record_key")
    return pl.concat([members, seeds]).unique()["record_key"].sort()


def by_strength(rule_order: Sequence[str]) -> list[pl.Expr]:
    """Sort keys that put the strongest pair first: pins, then probability, then the rule's place."""
    places = {rule: place for place, rule in enumerate(rule_order)}
    place = pl.col("rule").replace_strict(places, default=len(places), return_dtype=pl.Int64)
    return [pl.col("rule") != PIN, -pl.col("probability"), place, pl.col("rule")]


def _empty_sides() -> pl.DataFrame:
    return pl.DataFrame(schema={"pin_id": pl.String, "record_key": pl.String, "side": pl.Int64})


def _coded(pairs: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """The pairs of which both records are there, with their numbers code_1 and code_2."""
    for side, end in enumerate(_ENDS, start=1):
        named = codes.select(pl.col("record_key").alias(end), pl.col("code").alias(f"code_{side}"))
        pairs = pairs.join(named, on=end, how="inner", maintain_order="left")
    return pairs


_FEW_PAIRS = 200_000
"""Up to so many pairs are joined faster than scipy is imported."""


def _components(size: int, pairs: pl.DataFrame) -> np.ndarray:
    """Number of the connected component of each code."""
    import numpy as np

    if pairs.height <= _FEW_PAIRS:
        return np.asarray(_joined(size, pairs), dtype=np.int32)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = (pairs["code_1"].to_numpy(), pairs["code_2"].to_numpy())
    graph = coo_matrix((np.ones(pairs.height, dtype=np.int32), ends), shape=(size, size))
    labels: np.ndarray = (
        connected_components(graph, directed=False)[1] if size else np.empty(0, dtype=np.int32)
    )
    return labels


def _joined(size: int, pairs: pl.DataFrame) -> list[int]:
    """Of each code the first of its component, by union and find."""
    first = list(range(size))

    def found(code: int) -> int:
        while first[code] != code:
            first[code] = code = first[first[code]]
        return code

    for one, other in pairs.select("code_1", "code_2").iter_rows():
        low, high = sorted((found(one), found(other)))
        first[high] = low
    return [found(code) for code in range(size)]


def _doubtful(
    coded: pl.DataFrame, forbidden: pl.DataFrame, sides: pl.DataFrame, max_profiles: int
) -> pl.Series:
    """Components that hold too many profiles, a never-pair, or both sides of a pin."""
    component = coded["component"]
    large = (
        coded.filter(pl.len().over("component") > max_profiles)
        .group_by("component")
        .agg(pl.col("profile").n_unique())
        .filter(pl.col("profile") > max_profiles)["component"]
    )
    first, second = component.gather(forbidden["code_1"]), component.gather(forbidden["code_2"])
    pinned = (
        sides.select("pin_id", "side", component.gather(sides["code"]))
        .group_by("component", "pin_id")
        .agg(pl.col("side").n_unique())
        .filter(pl.col("side") > 1)["component"]
    )
    return pl.concat([large, first.filter(first == second), pinned]).unique()


def _form_anew(
    chosen: pl.DataFrame,
    first: pl.Series,
    pairs: pl.DataFrame,
    forbidden: pl.DataFrame,
    sides: pl.DataFrame,
    max_profiles: int,
    rule_order: Sequence[str],
) -> tuple[pl.Series, pl.DataFrame]:
    """The earliest record of each record's cluster, with the chosen components formed pair by pair; and what was refused."""
    local = chosen.select("code").with_row_index("place")
    places = dict(zip(local["code"], local["place"], strict=True))
    near = pairs.join(local.rename({"code": "code_1"}), on="code_1", how="semi").sort(
        *by_strength(rule_order), *_ENDS, "pair"
    )
    kept_apart = forbidden.filter(pl.col("code_1").is_in(local["code"].implode()))
    kept_apart = kept_apart.filter(pl.col("code_2").is_in(local["code"].implode()))
    pinned: dict[int, dict[str, int]] = {}
    for code, pin_id, side in sides.select("code", "pin_id", "side").iter_rows():
        if code in places:
            pinned.setdefault(places[code], {})[pin_id] = side
    limits = Limits(
        profiles=chosen["profile"].to_list(),
        never=[
            (places[one], places[other], f"{NEVER_SAME}:{rule}")
            for one, other, rule in kept_apart.select("code_1", "code_2", "rule").iter_rows()
        ],
        sides=pinned,
        max_profiles=max_profiles,
    )
    ties = near.select("pair", "code_1", "code_2", pl.col("rule") == PIN).iter_rows()
    clusters, reasons = form_clusters(
        (Tie(pair, places[one], places[other], is_pin) for pair, one, other, is_pin in ties), limits
    )
    codes = local["code"]
    first = first.scatter(codes, codes.gather(clusters))
    refused = pl.DataFrame(
        {"pair": list(reasons), "refused_because": list(reasons.values())},
        schema={"pair": pl.UInt32, "refused_because": pl.String},
    )
    return first, refused


def _reached(start: Iterable[str], between: Iterable[tuple[str, str]]) -> set[str]:
    """What can be reached from the start over the given neighbours."""
    neighbours: dict[str, list[str]] = {}
    for one, other in between:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    reached = set(start)
    waiting = [name for name in reached if name in neighbours]
    while waiting:
        for name in neighbours[waiting.pop()]:
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached
