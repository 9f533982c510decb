"""Fitting the columns of the model and their weights to labelled rows.

Belongs here: one fit on given rows. Does not belong here: which rows (splits.py), one feature's transform (columns.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling.columns import (
    Column,
    FeatureSpec,
    Floats,
    NumericColumn,
    fit_categorical,
    fit_numeric,
    significant,
)
from leadflow.modelling.splits import lead_folds
from leadflow.policy import Training


def probability(odds_log: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of given log-odds, without overflow."""
    return np.exp(-np.logaddexp(0.0, -odds_log))


def fit(
    known: pl.DataFrame, features: FeatureSpec, settings: Training
) -> tuple[tuple[Column, ...], float] | None:
    """Fitted columns and baseline log-odds; None where no feature varies.

    Args:
        known: lead_id, label without nulls, and the features, in an order that does not change between runs.
    """
    labels = known["label"].cast(pl.Float64).to_numpy()
    row_weights = known.select(1 / pl.len().over("lead_id")).to_series().to_numpy()
    folds = lead_folds(known)
    drafts: list[tuple[Column, Floats]] = []
    for name in features.numeric:
        numeric = fit_numeric(known, name)
        drafts += [] if numeric is None else [numeric]
    for name in features.categorical:
        categorical = fit_categorical(known, name, labels, row_weights, folds, settings.smoothing)
        drafts += [] if categorical is None else [categorical]
    if not drafts:
        return None

    design = np.concatenate([values for _, values in drafts], axis=1)
    mean, spread = design.mean(axis=0), design.std(axis=0)
    spread[spread < 1e-12] = np.inf  # a part that does not vary gets no weight
    weights, intercept = _regress((design - mean) / spread, labels, row_weights, settings.threads)
    weights = weights / spread

    columns: list[Column] = []
    baseline = intercept
    at = 0
    for draft, values in drafts:
        own = weights[at : at + values.shape[1]]
        if isinstance(draft, NumericColumn):
            column: Column = replace(draft, weight=significant(own[0]), missing_weight=significant(own[1]))
            centres = np.array([draft.centre, draft.missing_centre])
        else:
            column = replace(draft, weight=significant(own[0]))
            centres = np.array([draft.centre])
        baseline += float((own * (centres - mean[at : at + values.shape[1]])).sum())
        columns.append(column)
        at += values.shape[1]
    return tuple(columns), significant(baseline)


def _regress(design: Floats, labels: Floats, row_weights: Floats, threads: int) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # Newton's steps: far more rows than columns, and many columns alike (windows within windows), over which lbfgs
    # creeps for hundreds of rounds; measured on 300,000 rows by 90 columns.
    regression = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-8, max_iter=1000)
    with threadpool_limits(limits=threads):
        regression.fit(design, labels, sample_weight=row_weights)
    return regression.coef_[0], float(regression.intercept_[0])


def predict(columns: tuple[Column, ...], baseline: float, rows: pl.DataFrame) -> Floats:
    """Probability of winning, row by row."""
    return probability(
        baseline + sum((column.contribution(rows) for column in columns), np.zeros(rows.height))
    )
