"""dbt's `warn_if` and `error_if`: how many failing rows make a warning, and how many a failure.

Belongs here: reading such an expression, and what a test that has them says of a count. Does not belong here: where they
are written (declared_config.py) and counting (checking/runner.py).

dbt puts the expression behind `count(*)` in SQL. Here it is parsed, so that a slip is refused when it is read:

    = 3 · == 3 · != 0 · <> 0 · > 10 · >= 5 · < 2 · <= 2 · between 1 and 3 · not between 1 and 3

and each number may be a share of the checked rows, as in `> 1%`, which dbt does not know.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["pass", "warn", "error"]

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NUMBER = r"(\d+(?:\.\d+)?)\s*(%?)"
_COMPARISON = re.compile(rf"(==|=|!=|<>|>=|<=|>|<)\s*{_NUMBER}")
_BETWEEN = re.compile(rf"(not\s+)?between\s+{_NUMBER}\s+and\s+{_NUMBER}", re.IGNORECASE)


@dataclass(frozen=True)
class Threshold:
    """One expression over the count of failing rows.

    Attributes:
        text: as written, runs of blanks made one.
        comparison: =, ==, !=, <>, >, >=, < or <=, or `between` or `not between`.
        numbers: one, or two for between; rows, or percent of the checked rows.
        is_share: whether the numbers are percent.
    """

    text: str
    comparison: str
    numbers: tuple[float, ...]
    is_share: bool

    def holds(self, failing_rows: int, checked_rows: int) -> bool:
        """Whether the expression is true; nothing of nothing is a share of 0."""
        measured: float = failing_rows
        if self.is_share:
            measured = 100 * failing_rows / checked_rows if checked_rows else 0.0
        if self.comparison.endswith("between"):
            is_between = self.numbers[0] <= measured <= self.numbers[1]
            return is_between is (self.comparison == "between")
        return _COMPARED[self.comparison](measured, self.numbers[0])

    def is_told_by(self, limit: object) -> bool:
        """Whether counting no further than `limit` rows gives the same answer as counting all of them."""
        if not isinstance(limit, int) or self.is_share:
            return True
        turns = [count for number in self.numbers for count in (int(number), int(number) + 1)]
        return all(self.holds(count, 0) is self.holds(limit, 0) for count in turns if count > limit)


ANY_ROW = Threshold("!= 0", "!=", (0.0,), is_share=False)
"""What dbt takes for an expression that is not given."""


def read_threshold(text: str) -> Threshold | None:
    """The threshold that `text` says, or None where it says none.

    `between` wants its lower number first; a number of rows and a share do not go together.
    """
    told = " ".join(text.split())
    if match := _COMPARISON.fullmatch(told):
        return Threshold(told, match[1], (float(match[2]),), is_share=match[3] == "%")
    if match := _BETWEEN.fullmatch(told):
        low, high = float(match[2]), float(match[4])
        if match[3] == match[5] and low <= high:
            comparison = "not between" if match[1] else "between"
            return Threshold(told, comparison, (low, high), is_share=match[3] == "%")
    return None


def judge(
    failing_rows: int,
    checked_rows: int,
    *,
    severity: Literal["error", "warn"],
    warn_if: Threshold | None,
    error_if: Threshold | None,
) -> Verdict:
    """What a test says of a count, as dbt does: error_if only where its severity is error, else warn_if."""
    if severity == "error" and (error_if or ANY_ROW).holds(failing_rows, checked_rows):
        return "error"
    return "warn" if (warn_if or ANY_ROW).holds(failing_rows, checked_rows) else "pass"
