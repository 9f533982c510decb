"""A logistic regression as a model that predicts and explains.

Belongs here: the fitted regression. Does not belong here: its fit (fit.py), one feature's transform (columns.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from leadflow.modelling.columns import (
    Column,
    Encoding,
    Floats,
    column_from_dict,
    column_to_dict,
)
from leadflow.modelling.evaluate import log_loss
from leadflow.modelling.fit import Examples, fit_examples, predict, probability

PENALTIES = (1.0, 10.0, 100.0)
"""Penalties that are tried, in leads: scikit-learn's default and two stronger ones, for few wins and many features."""


@dataclass(frozen=True)
class LinearModel:
    """A fitted logistic regression: all that prediction and explanation need, without scikit-learn.

    Attributes:
        baseline: log-odds of the average training row; a prediction is this plus the columns' contributions.
    """

    columns: tuple[Column, ...]
    baseline: float

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features that it uses, in its order; those that never varied in training are gone."""
        return tuple(column.feature for column in self.columns)

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """What the features add up to, row by row."""
        total = np.full(features.height, self.baseline)
        for column in self.columns:
            total = total + column.contribution(features)
        return total

    def probability(self, log_odds: Floats) -> Floats:
        """The probability that given log-odds stand for."""
        return probability(log_odds)

    def explained(self, features: pl.DataFrame) -> tuple[Floats, pl.DataFrame]:
        """`log_odds` and what of them each feature adds against the average training row: a column per feature, row by row."""
        total = np.full(features.height, self.baseline)
        added = []
        for column in self.columns:
            contribution = column.contribution(features)
            added.append(pl.Series(column.feature, contribution))
            total = total + contribution
        return total, pl.DataFrame(added, schema=dict.fromkeys(self.feature_names, pl.Float64))

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """What each feature adds, as `explained` tells it."""
        return self.explained(features)[1]

    def to_dict(self) -> dict[str, Any]:
        """The model as plain values."""
        return {
            "kind": "linear",
            "columns": [column_to_dict(column) for column in self.columns],
            "baseline": self.baseline,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> LinearModel:
        """The model that `to_dict` wrote."""
        return cls(tuple(column_from_dict(column) for column in content["columns"]), content["baseline"])


def fit_linear(examples: Examples, encoding: Encoding) -> LinearModel | None:
    """A regression whose penalty is the best, by log loss, on the newest part of the examples, fitted on all of them."""
    fitted = fit_examples(examples, encoding, _penalty(examples, encoding))
    return None if fitted is None else LinearModel(*fitted)


def _penalty(examples: Examples, encoding: Encoding) -> float:
    # Of many rows a sample tells the same: a penalty of some leads weighs little beside many.
    earlier, later = examples.split(examples.settings.race_examples)
    if earlier.known["label"].n_unique() < 2 or later["label"].n_unique() < 2:
        return PENALTIES[0]
    losses = []
    for penalty in PENALTIES:
        fitted = fit_examples(earlier, encoding, penalty)
        if fitted is None:
            return PENALTIES[0]
        losses.append(log_loss(later["label"].to_numpy(), predict(*fitted, later)))
    return PENALTIES[int(np.argmin(np.round(losses, 9)))]
