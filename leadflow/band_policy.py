"""The bands of policy.yaml: fit grades, engagement levels, tiers, and the matrix of grades and levels.

Belongs here: where each band begins, and that a better lead never comes later. Does not belong here: the points behind the
scores (rule_policy.py), finding a lead's band (scoring/).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from leadflow.rule_policy import Percent, Section

Priority = Annotated[int, Field(strict=True, ge=1, le=4)]
GRADES = ("A", "B", "C", "D")
LEVELS = (1, 2, 3, 4)


class Grades(Section):
    """Lowest static_score of each fit grade; below c_from it is D.

    Attributes:
        a_from: lowest static_score, 0 to 100, of grade A.
        b_from: lowest static_score of grade B, below a_from.
        c_from: lowest static_score of grade C, below b_from.
    """

    a_from: Percent = 75.0
    b_from: Percent = 50.0
    c_from: Percent = 25.0

    @model_validator(mode="after")
    def _descend(self) -> Grades:
        if not self.a_from > self.b_from > self.c_from:
            raise ValueError("grades must descend: a_from above b_from above c_from")
        return self


class Levels(Section):
    """Lowest dynamic_score of each engagement level; below level_3_from it is level 4.

    Attributes:
        level_1_from: lowest dynamic_score, 0 to 100, of level 1.
        level_2_from: lowest dynamic_score of level 2, below level_1_from.
        level_3_from: lowest dynamic_score of level 3, below level_2_from.
    """

    level_1_from: Percent = 75.0
    level_2_from: Percent = 50.0
    level_3_from: Percent = 25.0

    @model_validator(mode="after")
    def _descend(self) -> Levels:
        if not self.level_1_from > self.level_2_from > self.level_3_from:
            raise ValueError("levels must descend: level_1_from above level_2_from above level_3_from")
        return self


class Tiers(Section):
    """HOT is a score above hot_above, WARM from warm_from up to and with hot_above, COLD below.

    Attributes:
        hot_above: score, 0 to 100, above which a lead is HOT.
        warm_from: lowest score of a lead that is WARM, below hot_above.
    """

    hot_above: Percent = 80.0
    warm_from: Percent = 40.0

    @model_validator(mode="after")
    def _leave_room(self) -> Tiers:
        if self.warm_from >= self.hot_above:
            raise ValueError(
                f"warm_from ({self.warm_from:g}) must be below hot_above ({self.hot_above:g}), or WARM and HOT overlap"
            )
        return self


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
