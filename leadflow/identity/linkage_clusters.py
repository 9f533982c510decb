"""Who belongs together, from scored pairs.

Belongs here: forming clusters from the weights of all pairs between them. Does not belong here: rules, pins and ids
(clusters.py, stable_ids.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

Weighted = tuple[str, str, float]
"""Two records and the log2 weight that they are one person (prior included: 0 is even odds)."""

STRONGEST = 12.0
"""Weights are cut here on both sides before they are averaged: past it a pair is as good as sure, and one sure pair shall not outvote
several clear contradictions."""


def refine(members: Iterable[str], pairs: Sequence[Weighted], least: float = 0.0) -> list[tuple[str, ...]]:
    """Groups of records such that records of one group are, on the whole, one person.

    Starting from single records the two groups are joined, again and again, whose scored pairs weigh most on average, while that
    average is above `least`. A pair that the model finds clearly different counts against the joining, so that chains (a like b, b
    like c, a unlike c) are not followed blindly. Pairs without a score say nothing. Pure: the order of pairs and members makes no
    difference. Cost: pairs x log pairs.

    Returns the groups, each sorted, in order of their first member.
    """
    names = sorted(set(members))
    sums: dict[str, dict[str, tuple[float, int]]] = {name: {} for name in names}
    for one, other, weight in sorted(pairs):
        cut = max(-STRONGEST, min(STRONGEST, weight))
        total, count = sums[one].get(other, (0.0, 0))
        sums[one][other] = sums[other][one] = (total + cut, count + 1)
    groups: dict[str, list[str]] = {name: [name] for name in names}
    heap = [
        (-total / count, one, other, count)
        for one, near in sums.items()
        for other, (total, count) in near.items()
        if one < other and total / count > least
    ]
    heapq.heapify(heap)
    while heap:
        negative, one, other, count = heapq.heappop(heap)
        # An entry from before either group grew is stale: the average or the count has changed.
        if one not in groups or other not in groups:
            continue
        total, current = sums[one].get(other, (0.0, 0))
        if current != count or -total / current != negative:
            continue
        groups[one] += groups.pop(other)
        for near, (more, pairs_more) in sums.pop(other).items():
            if near == one:
                continue
            had, pairs_had = sums[one].get(near, (0.0, 0))
            joined = (had + more, pairs_had + pairs_more)
            sums[one][near] = sums[near][one] = joined
            del sums[near][other]
            if joined[0] / joined[1] > least:
                first, second = sorted((one, near))
                heapq.heappush(heap, (-joined[0] / joined[1], first, second, joined[1]))
        del sums[one][other]
    return sorted(tuple(sorted(group)) for group in groups.values())
