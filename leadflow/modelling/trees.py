"""Forests and boosted trees as models that predict and explain.

Both are grown by XGBoost: it keeps them as JSON, so that nothing has to be unpickled, and reads missing values as such.

Belongs here: growing trees, and the grown ones. Does not belong here: one feature's transform (columns.py), what each column
adds (tree_shares.py), which kind is used (candidates.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from leadflow.modelling.columns import (
    Column,
    Encoding,
    Floats,
    NumericColumn,
    column_from_dict,
    column_to_dict,
    numbers,
    significant,
)
from leadflow.modelling.fit import Examples, labels_of, lead_weights, probability
from leadflow.modelling.tree_shares import TreeShares
from leadflow.policy import Training

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

Family = Literal["forest", "boosting"]
MOST_ROUNDS = 600
PATIENCE = 30
"""Rounds of boosting at most, and how many may pass without the newest examples being told better."""
ROUNDS_UNTUNED = 100
BOOSTING = {
    "objective": "binary:logistic",
    "learning_rate": 0.05,
    "max_depth": 3,
    "min_child_weight": 1.0,
    "subsample": 0.8,
    "colsample_bynode": 0.5,
    "reg_lambda": 1.0,
}
"""Shallow trees and a slow rate: on the few thousand leads that most companies have, deep ones learn them by heart."""
FOREST_TREES = 100
FOREST = {
    "objective": "reg:squarederror",  # a leaf then holds the share of wins among its rows, as in Breiman's forests
    "learning_rate": 1.0,
    "max_depth": 6,  # deeper ones rank no better on the real data of docs/scoring.md, and take thirty times as long to explain
    "min_child_weight": 5.0,
    "subsample": 0.632,  # the share of distinct rows that a bootstrap draws
    "reg_lambda": 0.0,
}
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class TreeModel:
    """Grown trees, and how features become their columns.

    A forest's trees vote in probabilities. So that its contributions are log-odds as those of the other families are,
    and still exact, its sum is told on the straight line that touches the log-odds at the win rate of training.

    Attributes:
        columns: features, without weights; a number is read as it is, missing where it is unknown.
        family: forest or boosting.
        prior: win rate of training, that the trees begin from.
        booster: the trees as XGBoost's JSON.
        baseline: log-odds of the average training row.
        threads: that rows are told by; each row's numbers are the same by any number of them.
    """

    columns: tuple[Column, ...]
    family: Family
    prior: float
    booster: str
    baseline: float
    threads: int = field(default=1, compare=False)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features that it may use, in its order; those that never varied in training are gone."""
        return tuple(column.feature for column in self.columns)

    @cached_property
    def _grown(self) -> Booster:
        from xgboost import Booster

        grown = Booster({"nthread": self.threads})
        grown.load_model(bytearray(self.booster, "utf-8"))
        return grown

    @cached_property
    def _shares(self) -> TreeShares:
        return TreeShares.of(self.booster)

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """What the features add up to, row by row."""
        return self._margins(self._design(features))

    def probability(self, log_odds: Floats) -> Floats:
        """The probability that given log-odds stand for."""
        if self.family == "boosting":
            return probability(log_odds)
        slope = self.prior * (1 - self.prior)
        return np.clip(self.prior + (log_odds - _log_odds(self.prior)) * slope, 1e-6, 1 - 1e-6)

    def explained(self, features: pl.DataFrame) -> tuple[Floats, pl.DataFrame]:
        """`log_odds` and what of them each feature adds against the average training row: a column per feature, row by row.

        XGBoost adds trees up in single precision; what the features lack of the log-odds by its rounding goes to the one that
        weighs most.
        """
        design = self._design(features)
        told = self._shares.told(design.astype(np.float32), self.threads)
        if self.family == "forest":
            told = told / (self.prior * (1 - self.prior))
        added, at = np.empty((features.height, len(self.columns))), 0
        for place, column in enumerate(self.columns):
            width = _width(column)
            added[:, place] = told[:, at : at + width].sum(axis=1)
            at += width
        total = self._margins(design)
        lacking = total - self.baseline - added.sum(axis=1)
        added[np.arange(len(added)), np.abs(added).argmax(axis=1)] += lacking
        return total, pl.DataFrame(added, schema=dict.fromkeys(self.feature_names, pl.Float64))

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """What each feature adds, as `explained` tells it."""
        return self.explained(features)[1]

    def to_dict(self) -> dict[str, Any]:
        """The model as plain values."""
        return {
            "kind": "trees",
            "family": self.family,
            "columns": [column_to_dict(column) for column in self.columns],
            "prior": self.prior,
            "baseline": self.baseline,
            "booster": self.booster,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> TreeModel:
        """The model that `to_dict` wrote."""
        return cls(
            tuple(column_from_dict(column) for column in content["columns"]),
            content["family"],
            content["prior"],
            content["booster"],
            content["baseline"],
        )

    def _design(self, features: pl.DataFrame) -> Floats:
        return np.concatenate([_parts(column, features) for column in self.columns], axis=1)

    def _margins(self, design: Floats) -> Floats:
        margins = self._grown.predict(_matrix(design), output_margin=True)
        return self._told(margins.astype(np.float64))

    def _told(self, margins: Floats) -> Floats:
        if self.family == "boosting":
            return margins
        return _log_odds(self.prior) + (margins - self.prior) / (self.prior * (1 - self.prior))


def fit_trees(
    examples: Examples, encoding: Encoding, family: Family, *, explains: bool = True
) -> TreeModel | None:
    """Trees grown on all examples; None where no feature varies.

    Boosting goes on for as many rounds as were best, by log loss, for the newest part of the examples when only the
    earlier ones were learned from.

    Args:
        explains: whether it will be asked what each feature adds. What the average row has is solved for that alone, and
            takes a sixth of the time; without, baseline is NaN.
    """
    drafts = examples.columns(encoding)
    if not drafts:
        return None
    columns = tuple(column for column, _ in drafts)
    rounds = _best_rounds(examples, encoding) if family == "boosting" else 1
    design = _fit_design(drafts, examples.known)
    labels, weights = examples.labels, examples.weights
    prior = significant(float((labels * weights).sum() / weights.sum()))
    grown = _grow(design, labels, weights, prior, family, rounds, examples.settings)
    booster = _plain(grown)
    if not explains:
        return TreeModel(columns, family, prior, booster, float("nan"))
    begun = _log_odds(prior) if family == "boosting" else prior
    model = TreeModel(columns, family, prior, booster, 0.0)
    baseline = model._told(np.array([begun + TreeShares.of(booster).baseline]))
    return TreeModel(columns, family, prior, booster, float(baseline[0]))


def _best_rounds(examples: Examples, encoding: Encoding) -> int:
    earlier, later = examples.split()
    if earlier.known["label"].n_unique() < 2 or later["label"].n_unique() < 2:
        return ROUNDS_UNTUNED
    drafts = earlier.columns(encoding)
    if not drafts:
        return ROUNDS_UNTUNED
    labels, weights = earlier.labels, earlier.weights
    held = np.concatenate([_parts(column, later) for column, _ in drafts], axis=1)
    stopped = _grow(
        _fit_design(drafts, earlier.known),
        labels,
        weights,
        float((labels * weights).sum() / weights.sum()),
        "boosting",
        MOST_ROUNDS,
        examples.settings,
        watched=_matrix(held, labels_of(later), lead_weights(later)),
    )
    return int(stopped.best_iteration) + 1


def _grow(
    design: Floats,
    labels: Floats,
    weights: Floats,
    prior: float,
    family: Family,
    rounds: int,
    settings: Training,
    watched: DMatrix | None = None,
) -> Booster:
    import xgboost

    parameters: dict[str, Any] = {
        "base_score": prior,
        "nthread": settings.threads,
        "seed": settings.seed,
        "tree_method": "hist",
        "eval_metric": "logloss" if family == "boosting" else "rmse",
        "verbosity": 0,
    }
    if family == "boosting":
        parameters |= BOOSTING
    else:
        # The share of columns that each split may look at: the square root of their number, as in Breiman's forests.
        share = max(np.sqrt(design.shape[1]), 2) / design.shape[1]
        parameters |= FOREST | {"num_parallel_tree": FOREST_TREES, "colsample_bynode": min(1.0, share)}
    return xgboost.train(
        parameters,
        _matrix(design, labels, weights),
        num_boost_round=rounds,
        evals=[] if watched is None else [(watched, "newest")],
        early_stopping_rounds=None if watched is None else PATIENCE,
        verbose_eval=False,
    )


def _matrix(design: Floats, labels: Floats | None = None, weights: Floats | None = None) -> DMatrix:
    import xgboost

    return xgboost.DMatrix(design, label=labels, weight=weights, missing=np.nan, nthread=1)


def _parts(column: Column, features: pl.DataFrame) -> Floats:
    if isinstance(column, NumericColumn):
        # Beyond the range of training nothing was learned, and single precision may hold no such number.
        low, high = max(column.low, -_LARGEST), min(column.high, _LARGEST)
        return np.clip(numbers(features, column.feature), low, high).reshape(-1, 1)
    return np.column_stack(column.parts(features))


def _fit_design(drafts: list[tuple[Column, Floats]], known: pl.DataFrame) -> Floats:
    """Values of the training rows: numbers as they are, and of categories what was fitted out of fold."""
    return np.concatenate(
        [_parts(column, known) if isinstance(column, NumericColumn) else values for column, values in drafts],
        axis=1,
    )


def _width(column: Column) -> int:
    values = getattr(column, "values", None)
    return 1 if values is None else len(values) + 2


def _log_odds(rate: float) -> float:
    return float(np.log(rate) - np.log1p(-rate))


def _plain(grown: Booster) -> str:
    """The trees as JSON in canonical order."""
    raw = json.loads(bytes(grown.save_raw("json")))
    return json.dumps(raw, sort_keys=True, separators=(",", ":"))
