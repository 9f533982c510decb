"""Counts of pairs decided right and wrong.

Belongs here: what the reports of accuracy share. Does not belong here: what is decided.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Counts of pairs, and what follows from them."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Right among the pairs taken for one company."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Found among the pairs that are one company."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)
