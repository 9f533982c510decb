"""Clusters out of pairs: what is joined, what is refused and why, and what a change touches."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from leadflow.identity import clusters
from leadflow.identity.clusters import Clusters, cluster_records, touched_records

START = datetime(2026, 1, 1)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
NO_NEVER = pl.DataFrame(schema={"record_key_1": pl.String, "record_key_2": pl.String, "rule": pl.String})
EDGE_SCHEMA = {
    "record_key_1": pl.String,
    "record_key_2": pl.String,
    "probability": pl.Float64,
    "rule": pl.String,
}


def records_of(keys: str, profiles: str | None = None) -> pl.DataFrame:
    """One record a letter, each known a day after the last; profiles are letters too, or all differ."""
    return pl.DataFrame(
        {
            "record_key": list(keys),
            "known_at": [START + timedelta(days=day) for day in range(len(keys))],
            "profile": list(profiles or keys),
        },
        schema={"record_key": pl.String, "known_at": pl.Datetime("us"), "profile": pl.String},
    )


def edges_of(*edges: tuple[str, float, str]) -> pl.DataFrame:
    """('ab', probability, rule) as pairs."""
    rows = [(ends[0], ends[1], probability, rule) for ends, probability, rule in edges]
    return pl.DataFrame(rows, schema=EDGE_SCHEMA, orient="row")


def never_of(*pairs: str) -> pl.DataFrame:
    return pl.DataFrame([(a, b, "names") for a, b in pairs], schema=NO_NEVER.schema, orient="row")


def apart_of(one: str, other: str, pin_id: str = "P1") -> pl.DataFrame:
    rows = [(pin_id, key, side) for side, keys in ((1, one), (2, other)) for key in keys]
    return pl.DataFrame(
        rows, schema={"pin_id": pl.String, "record_key": pl.String, "side": pl.Int64}, orient="row"
    )


def grouped(clusters: Clusters) -> set[str]:
    return {
        "".join(sorted(keys))
        for (keys,) in clusters.of.group_by("cluster").agg("record_key").select("record_key").iter_rows()
    }


def refusals(clusters: Clusters) -> dict[str, str]:
    refused = clusters.edges.filter(pl.col("decision") == "refused")
    return {
        a + b: why
        for a, b, why in refused.select("record_key_1", "record_key_2", "refused_because").iter_rows()
    }


def test_what_is_connected_is_one_cluster_named_by_its_earliest_record() -> None:
    clusters = cluster_records(
        records_of("dcba"), edges_of(("ab", 0.9, "email"), ("bc", 0.8, "phone")), NO_NEVER, 10
    )
    assert dict(clusters.of.iter_rows()) == {"a": "c", "b": "c", "c": "c", "d": "d"}
    assert clusters.of["record_key"].to_list() == ["a", "b", "c", "d"]
    assert clusters.edges["decision"].to_list() == ["used", "used"]
    assert clusters.edges["refused_because"].to_list() == [None, None]


def test_no_records_and_no_pairs() -> None:
    nothing = cluster_records(records_of(""), edges_of(), NO_NEVER, 10)
    assert nothing.of.height == nothing.edges.height == 0
    assert grouped(cluster_records(records_of("ab"), edges_of(), NO_NEVER, 10)) == {"a", "b"}


def test_pairs_of_records_that_are_gone_are_left_out() -> None:
    clusters = cluster_records(
        records_of("ab"), edges_of(("ab", 0.9, "email"), ("ax", 0.9, "email")), NO_NEVER, 10
    )
    assert grouped(clusters) == {"ab"}
    assert clusters.edges.height == 1


CHAIN = (("ab", 0.9, "email"), ("bc", 0.6, "model"), ("cd", 0.95, "email"))


@pytest.mark.parametrize(
    ("edges", "never", "limit", "expected", "refused"),
    [
        (CHAIN, (), 4, {"abcd"}, {}),
        (CHAIN, (), 3, {"ab", "cd"}, {"bc": "cluster_limit"}),
        (CHAIN, ("ad",), 10, {"ab", "cd"}, {"bc": "never_same:names"}),
        (CHAIN, ("ab",), 10, {"a", "bcd"}, {"ab": "never_same:names"}),
        # Equal probabilities: the order of the rules decides, then the keys.
        ((("ab", 0.9, "phone"), ("bc", 0.9, "email")), ("ac",), 10, {"a", "bc"}, {"ab": "never_same:names"}),
        ((("ab", 0.9, "email"), ("bc", 0.9, "email")), ("ac",), 10, {"ab", "c"}, {"bc": "never_same:names"}),
        # A pin joins the whole clusters of both, never-pairs or not.
        ((*CHAIN[::2], ("bc", 1.0, "pin")), ("ad", "bc", "ac"), 2, {"abcd"}, {}),
        # What other pairs say across the pin is still refused, and tells why.
        ((*CHAIN, ("bd", 1.0, "pin")), ("ad",), 10, {"abcd"}, {"bc": "never_same:names"}),
    ],
)
def test_chains_split_at_their_weakest_link(
    edges: tuple[tuple[str, float, str], ...],
    never: tuple[str, ...],
    limit: int,
    expected: set[str],
    refused: dict[str, str],
) -> None:
    for rows in (list(edges), list(edges)[::-1]):
        clusters = cluster_records(
            records_of("abcd" if "cd" in str(edges) else "abc"),
            edges_of(*rows),
            never_of(*never),
            limit,
            rule_order=["email", "phone"],
        )
        assert grouped(clusters) == expected
        assert refusals(clusters) == refused


def test_many_submissions_of_one_profile_are_one_person() -> None:
    keys = "abcdefgh"
    edges = edges_of(*[("a" + key, 1.0, "email") for key in keys[1:]])
    assert grouped(cluster_records(records_of(keys, "ppppppqq"), edges, NO_NEVER, 2)) == {keys}
    split = cluster_records(records_of(keys, "ppppppqr"), edges, NO_NEVER, 2)
    assert grouped(split) == {"abcdefg", "h"}
    assert refusals(split) == {"ah": "cluster_limit"}


@pytest.mark.parametrize(
    ("edges", "one", "other", "expected"),
    [
        (CHAIN, "a", "d", {"ab", "cd"}),
        (CHAIN, "ab", "cd", {"ab", "cd"}),
        (CHAIN, "a", "b", {"a", "bcd"}),
        # A pin together takes the sides of its records along: the pair bc goes, not the pin.
        ((("ab", 1.0, "pin"), ("bc", 0.9, "email")), "a", "c", {"ab", "c", "d"}),
        ((("ab", 1.0, "pin"), ("ac", 0.9, "email"), ("bd", 0.8, "email")), "c", "d", {"abc", "d"}),
        # Two pins that contradict each other never come so far; here the pin apart would win.
        ((("ab", 1.0, "pin"),), "a", "b", {"a", "b", "c", "d"}),
    ],
)
def test_pinned_apart(
    edges: tuple[tuple[str, float, str], ...], one: str, other: str, expected: set[str]
) -> None:
    clusters = cluster_records(records_of("abcd"), edges_of(*edges), NO_NEVER, 10, apart=apart_of(one, other))
    assert grouped(clusters) == expected
    assert set(refusals(clusters).values()) == {"pinned_apart"}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame, int]:
    """Records, pairs, never-pairs, a pin apart and a limit."""
    keys = "abcdefghijkl"
    pairs = st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), max_size=16).map(
        lambda drawn: sorted({(min(pair), max(pair)) for pair in drawn if pair[0] != pair[1]})
    )
    edges = [
        (a + b, draw(st.sampled_from([0.6, 0.8, 0.9])), draw(st.sampled_from(["email", "model", "pin"])))
        for a, b in draw(pairs)
    ]
    never = [a + b for a, b in draw(pairs)[:5]]
    sides = draw(st.lists(st.sampled_from("012"), min_size=len(keys), max_size=len(keys)))
    apart = apart_of(*("".join(k for k, s in zip(keys, sides, strict=True) if s == side) for side in "12"))
    present = draw(st.sets(st.sampled_from(keys), min_size=8))
    records = records_of(keys, draw(st.text(alphabet="pqrst", min_size=12, max_size=12)))
    records = records.filter(pl.col("record_key").is_in(sorted(present)))
    return records, edges_of(*edges), never_of(*never), apart, draw(st.integers(1, 6))


def keys_that_differ(one: pl.DataFrame, other: pl.DataFrame, *columns: str) -> set[str]:
    both = [set(frame.iter_rows()) for frame in (one, other)]
    places = [one.columns.index(column) for column in columns]
    return {row[place] for row in both[0] ^ both[1] for place in places}


def of_present(records: pl.DataFrame, *frames: pl.DataFrame) -> list[pl.DataFrame]:
    """The records, and of the other frames the rows that are about records that are there."""
    there = records["record_key"].implode()
    keys = ("record_key", "record_key_1", "record_key_2")
    return [
        records,
        *(
            f.filter(pl.all_horizontal(pl.col(*(k for k in keys if k in f.columns)).is_in(there)))
            for f in frames
        ),
    ]


@settings(max_examples=80, deadline=None)
@given(worlds(), worlds())
def test_forming_only_what_is_touched_gives_what_all_anew_gives(before: tuple, after: tuple) -> None:  # type: ignore[type-arg]
    *was, _ = before
    *now, limit = after
    former = cluster_records(*was[:3], limit, apart=was[3])
    anew = cluster_records(*now[:3], limit, apart=now[3])
    keys = ("record_key", "record_key_1", "record_key_2")
    changed = {
        key
        for one, other in zip(of_present(*was), of_present(*now), strict=True)
        for key in keys_that_differ(one, other, *(name for name in keys if name in one.columns))
    }
    touched = touched_records(
        former.of, former.edges, pl.Series("record_key", sorted(changed), dtype=pl.String)
    )
    some = touched.to_frame()
    part = cluster_records(now[0].join(some, on="record_key", how="semi"), *now[1:3], limit, apart=now[3])
    kept = former.of.join(some, on="record_key", how="anti")
    assert pl.concat([kept, part.of]).sort("record_key").equals(anew.of)
    told = former.edges.join(some, left_on="record_key_1", right_on="record_key", how="anti")
    assert set(pl.concat([told, part.edges]).iter_rows()) == set(anew.edges.iter_rows())


@settings(max_examples=60, deadline=None)
@given(worlds(), st.randoms())
def test_a_cluster_never_holds_what_it_must_not(world: tuple, random) -> None:  # type: ignore[type-arg, no-untyped-def]
    records, edges, never, apart, limit = world
    clusters = cluster_records(records, edges, never, limit, apart=apart)
    order = list(range(records.height))
    random.shuffle(order)
    assert cluster_records(records[order], edges.reverse(), never.reverse(), limit, apart=apart).of.equals(
        clusters.of
    )
    of = dict(clusters.of.iter_rows())
    sides = {(of[key], side) for _, key, side in apart.iter_rows() if key in of}
    assert len({cluster for cluster, _ in sides}) == len(sides)
    without_pins = cluster_records(records, edges.filter(pl.col("rule") != "pin"), never, limit, apart=apart)
    of = dict(without_pins.of.iter_rows())
    assert not any(a in of and of[a] == of.get(b) for a, b, _ in never.iter_rows())
    profiles = (
        without_pins.of.join(records, on="record_key").group_by("cluster").agg(pl.col("profile").n_unique())
    )
    assert profiles["profile"].max() <= limit
    used = clusters.edges.filter(pl.col("decision") == "used")
    assert cluster_records(records, used, NO_NEVER, 100).of.equals(clusters.of)


def test_few_pairs_are_joined_as_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, keys = random.Random(7), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    edges = edges_of(*(("".join(chance.sample(keys, 2)), 1.0, "rule") for _ in range(40)))
    few = cluster_records(records_of(keys), edges, NO_NEVER, 100).of
    monkeypatch.setattr(clusters, "_FEW_PAIRS", 0)
    assert_frame_equal(cluster_records(records_of(keys), edges, NO_NEVER, 100).of, few)
    assert 5 < few["cluster"].n_unique() < 40
