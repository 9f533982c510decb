"""Typing slips.

Belongs here: whether two words may be one. Does not belong here: what the words mean.

Distances: package `rapidfuzz` (MIT), some hundred times faster than the same in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache


def is_near(one: str, other: str) -> bool:
    """Whether two words differ by typing slips only: one in six letters, at least one in words of four or more."""
    shorter, longer = sorted((len(one), len(other)))
    allowed = max(1, round(longer / 6)) if shorter >= 4 else 0
    if longer - shorter > allowed or not allowed:  # letters left over are slips, too
        return False
    return _distance()(one, other, score_cutoff=allowed) <= allowed


@lru_cache(maxsize=1)
def _distance() -> Callable[..., int]:
    """The package's function, imported once and not with each of a million pairs."""
    from rapidfuzz.distance import OSA

    return OSA.distance
