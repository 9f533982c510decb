"""Names for segments: what sets their accounts apart from all others, in words.

Belongs here: standardised differences and the words for them. Does not belong here: which accounts a segment has
(assignment.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.icp.coding import FACTS

UNNAMED = "Accounts of all kinds"
_LEAST_DIFFERENCE = 0.5
"""Standardised difference that is worth a word: a medium one (Cohen, Statistical Power Analysis, 1988)."""
_LEAST_SHARE = 0.25
"""Of a segment's accounts, that a value of a category has to have to be named."""
_MOST_VALUES = 2
_MOST_TRAITS = 3
_READING_ORDER = ("industry", "company_size", "country", "is_listed")
_UNITS = {"company_size": "employees"}


@dataclass(frozen=True)
class Trait:
    """One thing that sets a segment apart.

    Attributes:
        fact: the column.
        words: for the name, such as '200-1,900 employees'.
        difference: standardised, not below 0.
        told: the difference in figures.
    """

    fact: str
    words: str
    difference: float
    told: str


def traits(inside: pl.DataFrame, outside: pl.DataFrame, facts: Iterable[str]) -> list[Trait]:
    """The facts in which the accounts inside differ most from those outside, three at most, the largest first.

    Shares are compared by their difference over the standard deviation of their mean; numbers by the difference of their
    logarithms' means over the spread of all, or by how much narrower they lie. Unknown facts are left out of either side.
    """
    found = []
    for fact in facts:
        within, without = inside[fact].drop_nulls(), outside[fact].drop_nulls()
        if within.len() and without.len():
            compare = _number_trait if FACTS[fact] == "number" else _category_trait
            trait = compare(fact, within, without)
            if trait is not None:
                found.append(trait)
    return sorted(found, key=lambda trait: -trait.difference)[:_MOST_TRAITS]


def names(by_segment: Sequence[Sequence[Trait]]) -> list[str]:
    """A name for each segment, no two alike."""
    given: list[str] = []
    for found in by_segment:
        words = ", ".join(
            trait.words for trait in sorted(found, key=lambda trait: _READING_ORDER.index(trait.fact))
        )
        name = words[:1].upper() + words[1:] or UNNAMED
        again = sum(other == name or other.startswith(f"{name} (") for other in given)
        given.append(f"{name} ({again + 1})" if again else name)
    return given


def _number_trait(fact: str, within: pl.Series, without: pl.Series) -> Trait | None:
    logs, other_logs = (np.log1p(values.cast(pl.Float64).to_numpy()) for values in (within, without))
    spread = float(np.concatenate([logs, other_logs]).std())
    if spread == 0:
        return None
    apart = abs(float(logs.mean() - other_logs.mean())) / spread
    narrower = 1 - float(logs.std()) / float(other_logs.std()) if other_logs.std() > 0 else 0.0
    difference = max(apart, narrower)
    if difference < _LEAST_DIFFERENCE:
        return None
    low, high = (_rounded(float(value)) for value in np.quantile(within.to_numpy(), (0.1, 0.9)))
    unit = _UNITS[fact]
    return Trait(
        fact,
        f"{low:,}-{high:,} {unit}" if low < high else f"about {low:,} {unit}",
        difference,
        f"{fact}: median {_rounded(_median(within)):,} {unit} against {_rounded(_median(without)):,}",
    )


def _category_trait(fact: str, within: pl.Series, without: pl.Series) -> Trait | None:
    shares = within.alias("value").value_counts(normalize=True, name="share")
    others = without.alias("value").value_counts(normalize=True, name="other")
    compared = (
        shares.join(others, on="value", how="left")
        .with_columns(pl.col("other").fill_null(0.0))
        .with_columns(mean=(pl.col("share") + pl.col("other")) / 2)
        .with_columns(
            difference=(pl.col("share") - pl.col("other")) / (pl.col("mean") * (1 - pl.col("mean"))).sqrt()
        )
        .filter(
            pl.col("difference").is_finite(),
            pl.col("difference") >= _LEAST_DIFFERENCE,
            pl.col("share") >= _LEAST_SHARE,
        )
        .sort(["share", "value"], descending=[True, False])
        .head(_MOST_VALUES)
    )
    if compared.is_empty():
        return None
    rows = list(compared.iter_rows(named=True))
    return Trait(
        fact,
        " or ".join(row["value"] for row in rows),
        max(row["difference"] for row in rows),
        f"{fact}: "
        + ", ".join(f"{row['value']} {row['share']:.0%} against {row['other']:.0%}" for row in rows),
    )


def _median(values: pl.Series) -> float:
    return float(np.median(values.cast(pl.Float64).to_numpy()))


def _rounded(value: float) -> int:
    """Two significant digits: 1,934 is about 1,900."""
    if value < 1:
        return 0
    step = int(10 ** max(0, len(str(int(value))) - 2))
    return int(round(value / step) * step)
