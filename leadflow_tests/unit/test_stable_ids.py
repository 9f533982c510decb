"""Ids that stay: merges, splits, moves, and members that go and come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.identity.stable_ids import ID_COLUMNS, StableIds, assign_ids, birth_id, sharing_ids

START = datetime(2026, 1, 1)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
MEMBERS = "abcdefgh"
NO_FORMER = pl.DataFrame(schema=ID_COLUMNS)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def assign(
    groups: str,
    former: pl.DataFrame | Mapping[str, str] = NO_FORMER,
    *,
    at: int = 10,
    retired: Mapping[str, str] | None = None,
    known: str = MEMBERS,
    given_on: Mapping[str, int] | None = None,
) -> StableIds:
    """Groups such as 'ab c'; members are known in the order of `known`; the birth id of a is A."""
    if not isinstance(former, pl.DataFrame):
        days = given_on or {}
        rows = [(member, own, day(days.get(own, 0))) for member, own in former.items()]
        former = pl.DataFrame(rows, schema=ID_COLUMNS, orient="row")
    grouped = [(member, group) for group in groups.split() for member in group]
    string = {"member": pl.String, "group": pl.String}
    once = pl.DataFrame(
        list((retired or {}).items()), schema={"member": pl.String, "id": pl.String}, orient="row"
    )
    return assign_ids(
        pl.DataFrame(grouped, schema=string, orient="row"),
        pl.DataFrame(
            [(member, day(place)) for place, member in enumerate(known)],
            schema={"member": pl.String, "known_at": pl.Datetime("us")},
            orient="row",
        ),
        former,
        pl.DataFrame([(m, m.upper()) for m in MEMBERS], schema=["member", "birth_id"], orient="row"),
        at=day(at),
        retired=once,
    )


def ids_of(assigned: StableIds) -> str:
    """Such as 'A:ab C:c'."""
    by_id: dict[str, str] = {}
    for member, own, _ in assigned.ids.iter_rows():
        by_id[own] = by_id.get(own, "") + member
    return " ".join(f"{own}:{members}" for own, members in sorted(by_id.items()))


def told(assigned: StableIds) -> list[str]:
    """Such as 'merged B->A: b beside a'."""
    return [
        f"{event} {other}->{own}: {''.join(members)} beside {''.join(stayed)}"
        for event, _, own, other, members, stayed in assigned.events.iter_rows()
    ]


@pytest.mark.parametrize(
    ("groups", "former", "expected", "events"),
    [
        # New groups have the birth id of their earliest member, and new members the id of their group.
        ("ab c", {}, "A:ab C:c", []),
        ("abc", {"b": "B"}, "B:abc", []),
        # The oldest id survives; of equally old ones that of the earliest member.
        ("ab", {"a": "A", "b": "B"}, "A:ab", ["merged B->A: b beside a"]),
        ("abc", {"b": "B", "c": "C"}, "B:abc", ["merged C->B: c beside b"]),
        ("abcd", {"a": "A", "b": "B", "c": "C"}, "A:abcd", ["merged B->A: b beside a", "merged C->A: c beside a"]),
        # The group with the birth member keeps the id, else the one with the earliest member.
        ("a b", {"a": "A", "b": "A"}, "A:a B:b", ["split A->B: b beside a"]),
        ("a bc", {"a": "B", "b": "B", "c": "B"}, "A:a B:bc", ["split B->A: a beside bc"]),
        ("b cd", {"b": "A", "c": "A", "d": "A"}, "A:b C:cd", ["split A->C: cd beside b"]),
        ("a b c", {"a": "A", "b": "A", "c": "A"}, "A:a B:b C:c", ["split A->B: b beside a", "split A->C: c beside a"]),
        # From one group to another, and both go on.
        ("ab cd", {"a": "A", "b": "C", "c": "C", "d": "C"}, "A:ab C:cd", ["moved C->A: b beside a"]),
        ("ac d", {"a": "A", "c": "C", "d": "C"}, "A:ac C:d", ["moved C->A: c beside a"]),
        # Two groups swap a part of their members.
        ("ad bc", {"a": "A", "b": "A", "c": "B", "d": "B"}, "A:ad B:bc", ["moved A->B: b beside c", "moved B->A: d beside a"]),
        # What is divided among two others is merged into one of them, and the rest moved.
        ("ac bd", {"a": "A", "b": "B", "c": "C", "d": "C"}, "A:ac B:bd", ["merged C->A: c beside a", "moved C->B: d beside b"]),
        # The id of a member that is gone stays its own, so another must not be born under it.
        ("b", {"a": "A", "b": "B"}, "B:b", []),
        ("c", {"b": "C"}, "#:c", []),
    ],
)  # fmt: skip
def test_ids(groups: str, former: dict[str, str], expected: str, events: list[str]) -> None:
    assigned = assign(groups, former)
    numbered = birth_id("C", "c#2")
    assert ids_of(assigned).replace(numbered, "#") == expected
    assert told(assigned) == events


def test_the_oldest_id_is_the_one_given_first() -> None:
    assigned = assign("ab", {"a": "A", "b": "B"}, given_on={"A": 5, "B": 3})
    assert ids_of(assigned) == "B:ab"
    assert told(assigned) == ["merged A->B: a beside b"]
    assert assigned.ids["id_given_at"].to_list() == [day(3)] * 2


def test_a_late_member_that_is_earlier_changes_no_id() -> None:
    first = assign("bc", at=1)
    assert ids_of(assign("abc", first.ids, at=2)) == "B:abc"
    assert told(assign("abc", first.ids, at=2)) == []


def test_undoing_a_merge_gives_the_former_ids_back() -> None:
    # c was there before its earlier b came: the lead is C, and its birth id would be B.
    former = assign("a c", at=1)
    former = assign("a bc", former.ids, at=2)
    merged = assign("abc", former.ids, at=3)
    assert told(merged) == ["merged C->A: bc beside a"]
    undone = assign("a bc", merged.ids, at=4, retired={"b": "C", "c": "C"})
    assert ids_of(undone) == "A:a C:bc"
    assert told(undone) == ["split A->C: bc beside a"]
    again = assign("abc", undone.ids, at=5, retired={"b": "C", "c": "C"})
    assert told(again) == ["merged C->A: bc beside a"]


def test_a_former_id_goes_to_the_group_with_its_birth_member() -> None:
    former = {"a": "A", "b": "A", "c": "A", "d": "A"}
    assert ids_of(assign("a b cd", former, retired={"b": "C", "c": "C", "d": "C"})) == "A:a B:b C:cd"
    assert ids_of(assign("a b d", former, retired={"b": "C", "d": "C"})) == "A:a C:b D:d"


def test_a_member_that_comes_back_has_its_id() -> None:
    both = assign("ab c", at=1).ids
    alone = assign("a", both, at=2)
    assert ids_of(alone) == "A:a"
    state = pl.concat([alone.ids, both.join(alone.ids, on="member", how="anti")])
    back = assign("a c b", state, at=3)
    assert ids_of(back) == "A:a B:b C:c"
    assert told(back) == ["split A->B: b beside a"]
    assert told(assign("ab c", state, at=3)) == []


@st.composite
def partitions(draw: st.DrawFn) -> str:
    """Some members in groups, as `assign` takes them."""
    places = draw(st.lists(st.integers(0, 4), min_size=len(MEMBERS), max_size=len(MEMBERS)))
    groups: dict[int, str] = {}
    for member, place in zip(MEMBERS, places, strict=True):
        if place:
            groups[place] = groups.get(place, "") + member
    return " ".join(groups.values())


def state_after(state: pl.DataFrame, assigned: StableIds) -> pl.DataFrame:
    return pl.concat([assigned.ids, state.join(assigned.ids, on="member", how="anti")])


@settings(max_examples=80, deadline=None)
@given(st.lists(partitions(), min_size=2, max_size=6), st.permutations(MEMBERS))
def test_any_sequence_of_groupings(sequence: list[str], known: list[str]) -> None:
    state = NO_FORMER
    former_groups: set[str] = set()
    retired: dict[str, str] = {}
    for at, groups in enumerate(sequence):
        assigned = assign(groups, state, at=at, retired=retired, known="".join(known))
        given_ids = dict(zip(assigned.ids["member"], assigned.ids["id"], strict=True))
        of_groups = [{given_ids[member] for member in group} for group in groups.split()]
        assert all(len(ids) == 1 for ids in of_groups)
        assert len(set().union(*of_groups)) == len(of_groups)
        had = dict(zip(state["member"], state["id"], strict=True))
        changes = {(m, had[m], own) for m, own in given_ids.items() if had.get(m, own) != own}
        logged = {
            (member, other, own)
            for _, _, own, other, members, _ in assigned.events.iter_rows()
            for member in members
        }
        assert logged == changes
        idempotent = assign(
            groups, state_after(state, assigned), at=at + 1, retired=retired, known="".join(known)
        )
        assert idempotent.ids.equals(assigned.ids)
        assert idempotent.events.height == 0
        # Those groups alone that changed, with all that share an id with them.
        changed = {group for group in groups.split() if group not in former_groups}
        touched = pl.Series("member", sorted("".join(changed)), dtype=pl.String)
        shared = set(sharing_ids(state, touched))
        some = " ".join(group for group in groups.split() if group in changed or shared & set(group))
        part = assign(some, state, at=at, retired=retired, known="".join(known))
        assert state_after(state, part).sort("member").equals(state_after(state, assigned).sort("member"))
        assert part.events.equals(assigned.events)
        for event, _, _, other, members, _ in assigned.events.iter_rows():
            retired |= dict.fromkeys(members, other) if event == "merged" else {}
        state, former_groups = state_after(state, assigned), set(groups.split())
