"""Since when a record belongs to its lead: replayed from the records, and ended by splits."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.identity.memberships import MEMBERSHIP_COLUMNS, memberships

START = datetime(2026, 1, 1)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
TIME = pl.Datetime("us")


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def members_of(*leads: tuple[str, dict[str, int]]) -> pl.DataFrame:
    """(lead id, day that each record is known on); the birth id of a is A."""
    rows = [(key, day(known), lead, key.upper()) for lead, records in leads for key, known in records.items()]
    schema = {"record_key": pl.String, "known_at": TIME, "lead_id": pl.String, "birth_id": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def edges_of(*edges: tuple[str, str, int]) -> pl.DataFrame:
    """('ab', rule, day from which it is known); of e-mail 0.9, of others 0.8."""
    rows = [(e[0], e[1], 0.9 if rule == "email" else 0.8, rule, day(known)) for e, rule, known in edges]
    schema = {
        "record_key_1": pl.String,
        "record_key_2": pl.String,
        "probability": pl.Float64,
        "rule": pl.String,
        "known_from": TIME,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def departures_of(*ended: tuple[str, str, int, int]) -> pl.DataFrame:
    rows = [(key, lead, day(since), day(until)) for key, lead, since, until in ended]
    schema = {"record_key": pl.String, "lead_id": pl.String, "known_from": TIME, "known_to": TIME}
    return pl.DataFrame(rows, schema=schema, orient="row")


def told(rows: pl.DataFrame) -> list[str]:
    """Such as 'b B own_record 2-5'."""
    days = [
        (key, lead, rule, (since - START).days, "" if until is None else (until - START).days)
        for key, lead, rule, since, until in rows.select(*MEMBERSHIP_COLUMNS).iter_rows()
    ]
    return [f"{key} {lead} {rule} {since}-{until}" for key, lead, rule, since, until in days]


@pytest.mark.parametrize(
    ("members", "edges", "expected"),
    [
        ([("A", {"a": 1})], [], ["a A own_record 1-"]),
        ([("A", {"a": 1, "b": 2})], [("ab", "email", 2)], ["a A email 1-", "b A email 2-"]),
        # The pair is known later than both records, as a pin is.
        ([("A", {"a": 1, "b": 2})], [("ab", "pin", 5)], ["a A pin 1-", "b B own_record 2-5", "b A pin 5-"]),
        # The strongest pair names the rule.
        (
            [("A", {"a": 1, "b": 2, "c": 3})],
            [("ab", "phone", 2), ("ac", "email", 3), ("bc", "phone", 3)],
            ["a A email 1-", "b A phone 2-", "c A email 3-"],
        ),
        # c is what ties a and b.
        (
            [("A", {"a": 1, "b": 2, "c": 3})],
            [("ac", "email", 3), ("bc", "phone", 3)],
            ["a A email 1-", "b B own_record 2-3", "b A phone 3-", "c A email 3-"],
        ),
        # The lead began with b; a came in later and is the earlier one.
        ([("B", {"a": 1, "b": 4})], [("ab", "email", 4)], ["a A own_record 1-4", "a B email 4-", "b B email 4-"]),
        # Two grown leads meet: before, the second had the birth id of its earliest record.
        (
            [("A", {"a": 1, "b": 2, "c": 3, "d": 6})],
            [("bc", "email", 3), ("ad", "email", 6), ("cd", "phone", 6)],
            ["a A email 1-", "b B own_record 2-6", "b A email 6-", "c B email 3-6", "c A email 6-", "d A email 6-"],
        ),
        # The anchor is gone: the earliest stands for it.
        ([("X", {"b": 2, "c": 3})], [("bc", "email", 3)], ["b X email 2-", "c X email 3-"]),
        # A pair cannot be known before its records.
        ([("A", {"a": 1, "b": 3})], [("ab", "email", 0)], ["a A email 1-", "b A email 3-"]),
        # Pairs of other leads tie nothing.
        ([("A", {"a": 1}), ("B", {"b": 2})], [("ab", "email", 2)], ["a A own_record 1-", "b B own_record 2-"]),
    ],
)  # fmt: skip
def test_memberships(
    members: list[tuple[str, dict[str, int]]], edges: list[tuple[str, str, int]], expected: list[str]
) -> None:
    assert told(memberships(members_of(*members), edges_of(*edges))) == expected
    assert told(memberships(members_of(*members[::-1]), edges_of(*edges[::-1]))) == expected


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ([("b", "A", 2, 9)], ["b A former 2-9", "b B own_record 9-"]),
        # It was its own lead before it came to A, and is again.
        ([("b", "A", 4, 9)], ["b B own_record 2-4", "b A former 4-9", "b B own_record 9-"]),
        ([("b", "A", 2, 5), ("b", "C", 5, 9)], ["b A former 2-5", "b C former 5-9", "b B own_record 9-"]),
        # It left B and came back.
        ([("b", "B", 2, 5), ("b", "C", 5, 9)], ["b B former 2-5", "b C former 5-9", "b B own_record 9-"]),
        ([("b", "B", 2, 5)], ["b B own_record 2-"]),
        ([("x", "B", 2, 5)], ["b B own_record 2-"]),
    ],
)
def test_what_a_split_ended_is_a_closed_row_until_then(
    ended: list[tuple[str, str, int, int]], expected: list[str]
) -> None:
    assert told(memberships(members_of(("B", {"b": 2})), edges_of(), departures_of(*ended))) == expected


def test_nothing() -> None:
    assert memberships(members_of(), edges_of(), departures_of()).schema == pl.Schema(MEMBERSHIP_COLUMNS)


@st.composite
def leads(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[str, str, int]], str]:
    """One connected lead: when its records are known, its pairs, and its anchor."""
    keys = "abcdefg"[: draw(st.integers(1, 7))]
    known = {key: draw(st.integers(0, 6)) for key in keys}
    pairs = [(keys[place], keys[draw(st.integers(0, place - 1))]) for place in range(1, len(keys))]
    pairs += draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), max_size=4))
    edges = [
        (
            min(a, b) + max(a, b),
            draw(st.sampled_from(["email", "phone"])),
            max(known[a], known[b]) + draw(st.sampled_from([0, 0, 3])),
        )
        for a, b in pairs
        if a != b
    ]
    return known, edges, draw(st.sampled_from(keys))


def tied_on(moment: int, key: str, known: dict[str, int], edges: list[tuple[str, str, int]]) -> set[str]:
    reached = {key}
    for _ in known:
        reached |= {k for ends, _, since in edges if since <= moment and set(ends) & reached for k in ends}
    return reached


@settings(max_examples=200, deadline=None)
@given(leads(), st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("XY"), st.integers(0, 9), st.integers(0, 9)), max_size=3))  # fmt: skip
def test_every_moment_is_as_the_pairs_known_by_then_say(
    lead: tuple[dict[str, int], list[tuple[str, str, int]], str], ended: list[tuple[str, str, int, int]]
) -> None:
    known, edges, anchor = lead
    members = members_of((anchor.upper(), known))
    rows = memberships(members, edges_of(*edges))
    for key, since in known.items():
        for moment in range(12):
            tied = tied_on(moment, key, known, edges)
            first = min(tied, key=lambda each: (known[each], each))
            label = anchor.upper() if anchor in tied else first.upper()
            valid = rows.filter(
                (pl.col("record_key") == key)
                & (pl.col("known_from") <= day(moment))
                & (pl.col("known_to").is_null() | (pl.col("known_to") > day(moment)))
            )
            assert valid["lead_id"].to_list() == ([label] if moment >= since else [])
    real = [each for each in ended if each[0] in known and known[each[0]] <= each[2]]
    over = memberships(members, edges_of(*edges), departures_of(*real))
    assert over.filter(pl.col("known_to").is_null())["record_key"].to_list() == sorted(known)
    following = over.with_columns(next_from=pl.col("known_from").shift(-1).over("record_key"))
    assert following.filter(pl.col("known_to") <= pl.col("known_from")).height == 0
    assert following.filter(pl.col("known_to") != pl.col("next_from")).height == 0
    assert over.group_by("record_key").agg(pl.col("known_from").min()).sort("record_key").rows() == [
        (key, day(known[key])) for key in sorted(known)
    ]
