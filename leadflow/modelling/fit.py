"""Fitting the columns of the model and their weights to labelled rows.

Belongs here: one fit on given rows. Does not belong here: which rows (splits.py), one feature's transform (columns.py).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling.columns import (
    Column,
    Encoding,
    FeatureSpec,
    Floats,
    NumericColumn,
    OneHotColumn,
    fit_categorical,
    fit_numeric,
    fit_one_hot,
    significant,
)
from leadflow.modelling.splits import lead_folds, sampled_leads, split_forward
from leadflow.policy import Training


def probability(odds_log: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of given log-odds, without overflow."""
    return np.exp(-np.logaddexp(0.0, -odds_log))


class Examples:
    """Examples to learn from, with what several candidates need of them made once.

    Attributes:
        known: lead_id, as_of, label without nulls, and the features, in an order that does not change between runs.
    """

    def __init__(self, known: pl.DataFrame, features: FeatureSpec, settings: Training) -> None:
        self.known = known
        self.features = features
        self.settings = settings
        self._by_encoding: dict[Encoding, list[tuple[Column, Floats]]] = {}
        self._standardized: dict[Encoding, tuple[Floats, Floats, Floats]] = {}
        self._halves: dict[int, tuple[Examples, pl.DataFrame]] = {}

    @cached_property
    def labels(self) -> Floats:
        """1 where the example won, else 0."""
        return labels_of(self.known)

    @cached_property
    def weights(self) -> Floats:
        """Weight of each row, see `lead_weights`."""
        return lead_weights(self.known)

    @cached_property
    def _numeric(self) -> list[tuple[NumericColumn, Floats] | None]:
        return [fit_numeric(self.known, name) for name in self.features.numeric]

    def columns(self, encoding: Encoding) -> list[tuple[Column, Floats]]:
        """The features that vary as columns without weights, each with its values on the examples (rows, parts).

        Win rates are cross-fitted: no row's own outcome is in its rate.
        """
        if encoding not in self._by_encoding:
            drafts: list[tuple[Column, Floats] | None] = [*self._numeric]
            folds = lead_folds(self.known)
            for name in self.features.categorical:
                if encoding == "rates":
                    smoothing = self.settings.smoothing
                    drafts.append(
                        fit_categorical(self.known, name, self.labels, self.weights, folds, smoothing)
                    )
                else:
                    drafts.append(fit_one_hot(self.known, name, self.weights))
            self._by_encoding[encoding] = [draft for draft in drafts if draft is not None]
        return self._by_encoding[encoding]

    def standardized(self, encoding: Encoding) -> tuple[Floats, Floats, Floats]:
        """The columns' values less their means and over their spreads, the means, and the spreads, part by part."""
        if encoding not in self._standardized:
            design = np.concatenate([values for _, values in self.columns(encoding)], axis=1)
            mean, spread = design.mean(axis=0), design.std(axis=0)
            spread[spread < 1e-12] = np.inf  # a part that does not vary gets no weight
            self._standardized[encoding] = (design - mean) / spread, mean, spread
        return self._standardized[encoding]

    def split(self, most_rows: int | None = None) -> tuple[Examples, pl.DataFrame]:
        """The earlier examples, of at most about so many rows, and the newest: `split_forward`."""
        rows = self.known if most_rows is None else sampled_leads(self.known, most_rows)
        # By how many: a sample of as many rows as there are is all of them.
        if rows.height not in self._halves:
            earlier, later = split_forward(rows, self.settings)
            self._halves[rows.height] = Examples(earlier, self.features, self.settings), later
        return self._halves[rows.height]


def fit(
    known: pl.DataFrame,
    features: FeatureSpec,
    settings: Training,
    *,
    encoding: Encoding = "rates",
    penalty: float = 1.0,
) -> tuple[tuple[Column, ...], float] | None:
    """Fitted columns and baseline log-odds of a logistic regression; None where no feature varies.

    Args:
        known: lead_id, label without nulls, and the features, in an order that does not change between runs.
        encoding: how categories become numbers.
        penalty: of the squared weights of standardized parts, in leads; 1 is scikit-learn's default.
    """
    return fit_examples(Examples(known, features, settings), encoding, penalty)


def fit_examples(
    examples: Examples, encoding: Encoding, penalty: float
) -> tuple[tuple[Column, ...], float] | None:
    """`fit` of prepared examples."""
    drafts = examples.columns(encoding)
    if not drafts:
        return None

    standard, mean, spread = examples.standardized(encoding)
    weights, intercept = _regress(
        standard, examples.labels, examples.weights, examples.settings.threads, penalty
    )
    weights = weights / spread

    columns: list[Column] = []
    baseline = intercept
    at = 0
    for draft, values in drafts:
        own = weights[at : at + values.shape[1]]
        if isinstance(draft, NumericColumn):
            column: Column = replace(draft, weight=significant(own[0]), missing_weight=significant(own[1]))
            centres = np.array([draft.centre, draft.missing_centre])
        elif isinstance(draft, OneHotColumn):
            column = replace(draft, weights=tuple(significant(weight) for weight in own.tolist()))
            centres = np.asarray(draft.centres)
        else:
            column = replace(draft, weight=significant(own[0]))
            centres = np.array([draft.centre])
        baseline += float((own * (centres - mean[at : at + values.shape[1]])).sum())
        columns.append(column)
        at += values.shape[1]
    return tuple(columns), significant(baseline)


def labels_of(known: pl.DataFrame) -> Floats:
    """1 where the example won, else 0."""
    return known["label"].cast(pl.Float64).to_numpy()


def lead_weights(known: pl.DataFrame) -> Floats:
    """Weight of each row: a lead weighs the same however many moments it was seen at."""
    return known.select(1 / pl.len().over("lead_id")).to_series().to_numpy()


def _regress(
    design: Floats, labels: Floats, row_weights: Floats, threads: int, penalty: float
) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # Newton's steps: far more rows than columns, and many columns alike (windows within windows), over which lbfgs
    # creeps for hundreds of rounds; measured on 300,000 rows by 90 columns.
    regression = LogisticRegression(C=1.0 / penalty, solver="newton-cholesky", tol=1e-8, max_iter=1000)
    with threadpool_limits(limits=threads):
        regression.fit(design, labels, sample_weight=row_weights)
    return regression.coef_[0], float(regression.intercept_[0])


def predict(columns: tuple[Column, ...], baseline: float, rows: pl.DataFrame) -> Floats:
    """Probability of winning, row by row."""
    return probability(
        baseline + sum((column.contribution(rows) for column in columns), np.zeros(rows.height))
    )
