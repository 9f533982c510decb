"""Typing slips.

Belongs here: whether two words may be one. Does not belong here: what the words mean.

Distances: package `rapidfuzz` (MIT), some hundred times faster than the same in Python.
"""

from __future__ import annotations


def is_near(one: str, other: str) -> bool:
    """Whether two words differ by typing slips only: one in six letters, at least one in words of four or more."""
    from rapidfuzz.distance import OSA

    shorter = min(len(one), len(other))
    allowed = max(1, round(max(len(one), len(other)) / 6)) if shorter >= 4 else 0
    return allowed > 0 and OSA.distance(one, other, score_cutoff=allowed) <= allowed
