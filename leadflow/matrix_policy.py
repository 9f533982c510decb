"""The matrix of policy.yaml: in which order leads are called, by fit grade and engagement level.

Belongs here: the 16 cells, and that a better lead never comes later. Does not belong here: how grade and level are
found (rule_policy.py, scoring/rules.py).
"""

from __future__ import annotations

from itertools import pairwise

from pydantic import model_validator

from leadflow.rule_policy import Priority, Section

GRADES = ("A", "B", "C", "D")
LEVELS = (1, 2, 3, 4)


class Matrix(Section):
    """Priority, 1 (call first) to 4, of each fit grade (A to D) and engagement level (1 to 4).

    Attributes:
        A1, A2, A3, A4: priority of grade A with levels 1 to 4.
        B1, B2, B3, B4: of grade B.
        C1, C2, C3, C4: of grade C.
        D1, D2, D3, D4: of grade D.
    """

    A1: Priority
    A2: Priority
    A3: Priority
    A4: Priority
    B1: Priority
    B2: Priority
    B3: Priority
    B4: Priority
    C1: Priority
    C2: Priority
    C3: Priority
    C4: Priority
    D1: Priority
    D2: Priority
    D3: Priority
    D4: Priority

    @property
    def priorities(self) -> dict[str, int]:
        """Priority by cell, such as B1."""
        return {f"{grade}{level}": getattr(self, f"{grade}{level}") for grade in GRADES for level in LEVELS}

    @model_validator(mode="after")
    def _puts_the_better_first(self) -> Matrix:
        priorities = self.priorities
        better_and_worse = [
            *((f"{grade}{level}", f"{grade}{level + 1}") for grade in GRADES for level in LEVELS[:-1]),
            *((f"{a}{level}", f"{b}{level}") for a, b in pairwise(GRADES) for level in LEVELS),
        ]
        for better, worse in better_and_worse:
            if priorities[better] > priorities[worse]:
                raise ValueError(
                    f"{better} (priority {priorities[better]}) comes after {worse} (priority {priorities[worse]}), "
                    f"which is the worse lead: 1 is called first, so give {better} at most {priorities[worse]}"
                )
        return self


DEFAULT_MATRIX = Matrix(
    A1=1, A2=1, A3=2, A4=3,
    B1=1, B2=2, B3=3, B4=4,
    C1=2, C2=3, C3=4, C4=4,
    D1=3, D2=4, D3=4, D4=4,
)  # fmt: skip
