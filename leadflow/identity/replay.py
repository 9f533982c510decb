"""Timelines: under which label something stood since when and until when.

Belongs here: joining records in the order of time, and laying one timeline over another. Does not belong here: what the
labels mean (memberships.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from leadflow.identity.greedy_clusters import DisjointSets

Interval = tuple[datetime, datetime | None, Any]
"""Since, until (None: still) and the label."""


def replayed(
    known_at: Mapping[int, datetime],
    ties: Iterable[tuple[int, int, datetime]],
    anchors: set[int],
) -> dict[int, list[Interval]]:
    """The label of each record over time: the anchor of what it was tied to, or else the earliest record there.

    Args:
        known_at: since when each record is known; smaller numbers are earlier records.
        ties: two records and since when they are tied, in the order of time; not before both are known.
        anchors: numbers of records whose label goes before an earlier record's; one in what is tied in the end.
    """
    places = {code: place for place, code in enumerate(known_at)}
    sets = DisjointSets(len(places))
    tied: dict[int, list[int]] = {place: [code] for code, place in places.items()}
    labels = {place: code for code, place in places.items()}
    steps: dict[int, list[tuple[datetime, int]]] = {code: [(since, code)] for code, since in known_at.items()}
    for one, other, since in ties:
        kept, gone = sets.root(places[one]), sets.root(places[other])
        if kept == gone:
            continue
        if (labels[gone] not in anchors, labels[gone]) < (labels[kept] not in anchors, labels[kept]):
            kept, gone = gone, kept
        label = labels[kept]
        for code in tied[gone]:
            if steps[code][-1][0] == since:
                steps[code].pop()
            steps[code].append((since, label))
        small, large = sorted((tied.pop(kept), tied.pop(gone)), key=len)
        large.extend(small)
        tied[kept] = large
        sets.join(kept, gone)
    return {code: _intervals(timeline) for code, timeline in steps.items()}


def _intervals(steps: Sequence[tuple[datetime, int]]) -> list[Interval]:
    ends = [*(since for since, _ in steps[1:]), None]
    return [(since, until, label) for (since, label), until in zip(steps, ends, strict=True)]


def overlaid(timeline: Sequence[Interval], over: Sequence[tuple[datetime, datetime, Any]]) -> list[Interval]:
    """A timeline with other intervals laid over it, later ones over earlier ones; what touches under one label is joined.

    Labels are pairs of a name and what goes with it; the name decides whether two are one label.
    """
    result = list(timeline)
    for since, until, label in over:
        if since >= until:
            continue
        before = [
            (start, since if end is None or end > since else end, name)
            for start, end, name in result
            if start < since
        ]
        after = [(max(start, until), end, name) for start, end, name in result if end is None or end > until]
        result = [*before, (since, until, label), *after]
    joined: list[Interval] = []
    for start, end, label in result:
        if joined and joined[-1][2][0] == label[0] and joined[-1][1] == start:
            start, _, _ = joined.pop()
        joined.append((start, end, label))
    return joined
