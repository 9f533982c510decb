"""Fitting the columns of the model and their weights to labelled rows.

Belongs here: one fit on given rows. Does not belong here: which rows (model.py), one feature's transform (columns.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.policy import Training
from leadflow.scoring.columns import (
    Column,
    FeatureSpec,
    Floats,
    NumericColumn,
    fit_categorical,
    fit_numeric,
    significant,
)

FOLDS = 5  # of the cross-fitted category rates, scikit-learn's default


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
    folds = _folds(known)
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


def _folds(known: pl.DataFrame) -> NDArray[np.int64]:
    """Fold of each row: whole leads, dealt out in turn, winners and others apart, so that every fold has both."""
    leads = known.group_by("lead_id").agg(pl.col("label").any()).sort("label", "lead_id")
    leads = leads.with_columns(fold=pl.int_range(pl.len(), dtype=pl.Int64) % FOLDS)
    return (
        known.select("lead_id")
        .join(leads, on="lead_id", how="left", maintain_order="left")["fold"]
        .to_numpy()
    )


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
