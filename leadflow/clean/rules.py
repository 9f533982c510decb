"""The rules that a lead record must keep to be used at all.

Belongs here: rules on one normalised record. Does not belong here: what raw landing already refuses (a row without a
key or a moment), or marks that a record may carry and still be used (personal mail, a bot's clicks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from leadflow.text.emails import email_problem
from leadflow.text.vectors import map_distinct

VIOLATION_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "rule": pl.String(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class Rule:
    """What the value of one column must not be; an absent value breaks no rule.

    Attributes:
        name: as written to `rejected_leads.rule`.
        column: whose values the rule looks at.
        problem: a value's problem as a sentence that does not repeat the value; None where there is none.
    """

    name: str
    column: str
    problem: Callable[[str], str | None]


RULES: tuple[Rule, ...] = (Rule("email_invalid", "email", email_problem),)


def first_violation(records: pl.DataFrame, rules: tuple[Rule, ...] = RULES) -> pl.DataFrame:
    """The first rule that each record breaks: `VIOLATION_COLUMNS`, no row for a record that breaks none.

    Args:
        records: record_key and the rules' columns, normalised.
        rules: in the order they are asked in.
    """
    found = [
        records.select(
            "record_key",
            rule=pl.lit(rule.name),
            reason=map_distinct(records[rule.column], rule.problem, pl.String()),
        ).drop_nulls("reason")
        for rule in rules
    ]
    violations = pl.concat([pl.DataFrame(schema=VIOLATION_COLUMNS), *found])
    return violations.unique("record_key", keep="first", maintain_order=True)
