"""One score from rules and model: the common 0-100 scale, the mix, the tier.

Belongs here: arithmetic on scores. Does not belong here: where the scores come from (rules.py, model.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.modelling.columns import Floats
from leadflow.policy import Blend, Tiers


def on_scale(values: Floats, reference_quantiles: Sequence[float]) -> Floats:
    """Where values stand among the reference, 0 to 100: the mid-rank, linear between the quantiles.

    Monotone; a value that several quantiles share gets the middle of their ranks; below the lowest is 0 and above the
    highest 100. The reference is fixed at training, so that a lead's score does not move because others came.

    Args:
        values: without nulls.
        reference_quantiles: at evenly spaced probabilities from 0 to 1, ascending.
    """
    reference = np.asarray(reference_quantiles, dtype=np.float64)
    distinct = np.unique(reference)
    first = np.searchsorted(reference, distinct, side="left")
    last = np.searchsorted(reference, distinct, side="right") - 1
    ranks = (first + last) / 2 * 100 / max(len(reference) - 1, 1)
    if len(reference) == 1:
        ranks = np.array([50.0])
    # Interpolation may leave the scale, or step back, by the last digit of a float.
    scaled: Floats = np.interp(values, distinct, ranks, left=0.0, right=100.0).clip(0.0, 100.0).round(9)
    return scaled


@dataclass(frozen=True)
class Scale:
    """How the two scores become one.

    Attributes:
        weight: the model's share.
        rule_quantiles, probability_quantiles: the reference of either, fixed at training; without one a score stays as it is.
    """

    weight: float = 0.0
    rule_quantiles: Sequence[float] | None = None
    probability_quantiles: Sequence[float] | None = None

    def rule(self, rule_score: Floats) -> Floats:
        """Rule scores on the common scale."""
        return rule_score if self.rule_quantiles is None else on_scale(rule_score, self.rule_quantiles)

    def ml(self, probability: Floats) -> Floats:
        """Probabilities on the common scale."""
        reference = self.probability_quantiles
        return probability if reference is None else on_scale(probability, reference)

    def mixed(self, rule_score: Floats, probability: Floats) -> Floats:
        """The one score, 0 to 100, of either's scores; before gates."""
        return combine(self.rule(rule_score), self.ml(probability), self.weight)


def model_weight(wins: int, settings: Blend) -> float:
    """The model's share of the score, 0 to settings.model_weight, in proportion to the won leads it learned from."""
    return settings.model_weight * min(1.0, wins / settings.wins_for_full_weight)


def combine(rule_scaled: Floats, model_scaled: Floats, weight: float) -> Floats:
    """The weighted mean of both scores, 0 to 100; weight is the model's share."""
    return np.clip((1 - weight) * rule_scaled + weight * model_scaled, 0.0, 100.0)


def tier(score: pl.Expr, tiers: Tiers) -> pl.Expr:
    """HOT above tiers.hot_above, WARM from tiers.warm_from, else COLD, of the unrounded score; null stays null."""
    return (
        pl.when(score > tiers.hot_above).then(pl.lit("HOT"))
        .when(score >= tiers.warm_from).then(pl.lit("WARM"))
        .when(score.is_not_null()).then(pl.lit("COLD"))
    )  # fmt: skip
