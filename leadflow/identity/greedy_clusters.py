"""Clusters formed pair by pair, where not all that is connected may come together.

Belongs here: taking pairs in their order and refusing some. Does not belong here: which components need it, and the
order of pairs (clusters.py). Everything here is about places 0, 1, 2... in lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NEVER_SAME = "never_same"
PINNED_APART = "pinned_apart"
CLUSTER_LIMIT = "cluster_limit"


class Tie(NamedTuple):
    """A pair: its own number, the places of both records, and whether a person pinned it."""

    pair: int
    one: int
    other: int
    is_pin: bool


@dataclass(frozen=True)
class Limits:
    """What must not come together.

    Attributes:
        profiles: profile of each place.
        never: two places and why they are never the same.
        sides: side by pin, of the places that a pin keeps apart from others.
        max_profiles: distinct profiles in a cluster.
    """

    profiles: Sequence[object]
    never: Sequence[tuple[int, int, str]]
    sides: Mapping[int, Mapping[str, int]]
    max_profiles: int


class DisjointSets:
    """Sets of places that are joined; each has a root, which is one of its places."""

    def __init__(self, size: int) -> None:
        """Every place by itself."""
        self._parents = list(range(size))

    def root(self, place: int) -> int:
        """The root of the place's set."""
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def join(self, kept: int, gone: int) -> None:
        """Join two sets, given by their roots; the first stays the root."""
        self._parents[gone] = kept


def form_clusters(ties: Iterable[Tie], limits: Limits) -> tuple[list[int], dict[int, str]]:
    """First place of each place's cluster, and by pair why it was refused.

    Two kinds of sets grow side by side: what the evidence joins, for which never-pairs and the limit hold, and what
    evidence and pins join, for which the sides of pins hold. So a pin joins whole clusters, whatever the rules say.
    What is merged of two sets is always the smaller into the larger: pairs x log(pairs), beside the limit.
    """
    evidence = _Evidence(limits)
    whole = _Whole(len(limits.profiles), limits.sides)
    refused: dict[int, str] = {}
    for pair, one, other, is_pin in ties:
        because = None
        if is_pin or not evidence.is_joined(one, other):
            because = whole.conflict(one, other)
            if because is None and not is_pin:
                because = evidence.join_unless_refused(one, other)
        if because is None:
            whole.join(one, other)
        else:
            refused[pair] = because
    return whole.first_places(), refused


class _Evidence:
    """What pairs other than pins join, with the profiles and never-pairs of each set at its root."""

    def __init__(self, limits: Limits) -> None:
        self._sets = DisjointSets(len(limits.profiles))
        self._profiles: list[set[object]] = [{profile} for profile in limits.profiles]
        self._never: dict[int, dict[int, str]] = {}
        self._max_profiles = limits.max_profiles
        for one, other, why in limits.never:
            self._forbid(one, other, why)

    def is_joined(self, one: int, other: int) -> bool:
        return self._sets.root(one) == self._sets.root(other)

    def join_unless_refused(self, one: int, other: int) -> str | None:
        """Why the two sets must not be one; None where they now are."""
        first, second = self._sets.root(one), self._sets.root(other)
        why = self._never.get(first, {}).get(second)
        if why is not None:
            return why
        small, large = sorted((first, second), key=lambda root: len(self._profiles[root]))
        if self._is_too_large(self._profiles[small], self._profiles[large]):
            return CLUSTER_LIMIT
        self._profiles[large] |= self._profiles[small]
        together = self._profiles[large]
        kept, gone = sorted((first, second), key=lambda root: -len(self._never.get(root, ())))
        self._profiles[gone], self._profiles[kept] = set(), together
        for neighbour, reason in self._never.pop(gone, {}).items():
            del self._never[neighbour][gone]
            self._forbid(kept, neighbour, reason)
        self._sets.join(kept, gone)
        return None

    def _forbid(self, one: int, other: int, why: str) -> None:
        for place, neighbour in ((one, other), (other, one)):
            known = self._never.setdefault(place, {})
            known[neighbour] = min(why, known.get(neighbour, why))

    def _is_too_large(self, small: set[object], large: set[object]) -> bool:
        if len(small) + len(large) <= self._max_profiles:
            return False
        return len(large) + len(small - large) > self._max_profiles


class _Whole:
    """What pairs and pins join, with the sides of pins of each set at its root."""

    def __init__(self, size: int, sides: Mapping[int, Mapping[str, int]]) -> None:
        self._sets = DisjointSets(size)
        self._size = size
        self._sides = {place: dict(pins) for place, pins in sides.items()}

    def conflict(self, one: int, other: int) -> str | None:
        """Why the two sets must not be one, as far as pins go."""
        first, second = self._sets.root(one), self._sets.root(other)
        if first == second:
            return None
        small, large = sorted((self._sides.get(first, {}), self._sides.get(second, {})), key=len)
        is_against = any(large.get(pin, side) != side for pin, side in small.items())
        return PINNED_APART if is_against else None

    def join(self, one: int, other: int) -> None:
        first, second = self._sets.root(one), self._sets.root(other)
        if first == second:
            return
        kept, gone = sorted((first, second), key=lambda root: -len(self._sides.get(root, ())))
        if moved := self._sides.pop(gone, None):
            self._sides[kept].update(moved)
        self._sets.join(kept, gone)

    def first_places(self) -> list[int]:
        """The lowest place of each place's set."""
        firsts: dict[int, int] = {}
        return [firsts.setdefault(self._sets.root(place), place) for place in range(self._size)]
