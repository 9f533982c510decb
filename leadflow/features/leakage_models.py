"""Several features together: whether all others beat one, and how a random split flatters against a later one.

Belongs here: fits of the model family that scoring uses, on samples. Does not belong here: one feature alone
(leakage_measures.py), verdicts (leakage.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.features.leakage_columns import CheckedColumn, Codes, Flags, Floats
from leadflow.modelling.columns import FeatureSpec, smoothed_rates
from leadflow.modelling.evaluate import bootstrap_difference, roc_auc
from leadflow.modelling.fit import fit, predict
from leadflow.modelling.splits import lead_folds, sampled_leads, split_forward
from leadflow.policy import Training

CELLS = 2_000_000
"""Rows times features that a fit is made on at most."""
_LEAST_ROWS = 4_000
_SAMPLES = 300
"""Resamples of an interval; it warns and never blocks."""


@dataclass(frozen=True)
class Gap:
    """How well the newest leads are ranked by a model that knows their time, and by one that does not.

    Attributes:
        random: AUC by models fitted on leads of all times, each lead ranked by one that it was not in.
        forward: AUC by a model fitted on earlier leads alone.
        low, high: 95 % interval of random - forward, by resampling leads.
        leads: leads that were ranked.
    """

    random: float
    forward: float
    low: float
    high: float
    leads: int


def model_frame(frame: pl.DataFrame, columns: list[CheckedColumn]) -> pl.DataFrame:
    """lead_id, as_of (where there is one) and label of the rows, and the columns as a model reads them."""
    read = [
        pl.Series(column.name, column.codes, dtype=pl.Int64).cast(pl.String)
        if column.values is None
        else pl.Series(column.name, column.values).fill_nan(None)
        for column in columns
    ]
    # An empty category stays empty: its code would be a value like any other.
    kept = [
        series.set(pl.Series(column.is_empty), None) if column.values is None else series
        for series, column in zip(read, columns, strict=True)
    ]
    return frame.with_columns(kept)


def spec_of(columns: list[CheckedColumn]) -> FeatureSpec:
    """The columns as features of a model."""
    return FeatureSpec(
        numeric=[column.name for column in columns if column.values is not None],
        categorical=[column.name for column in columns if column.values is None],
    )


def rows_for(features: int) -> int:
    """Rows that a fit on so many features is made on at most."""
    return max(_LEAST_ROWS, CELLS // max(features, 1))


def others_together(
    frame: pl.DataFrame, columns: list[CheckedColumn], settings: Training, *, at_least: float
) -> float:
    """AUC, out of fold, of the features together.

    By logistic regression; where that has less than `at_least`, by boosting too, and the better of them: a feature
    should not look unmatched for want of a model that can bend.

    Args:
        frame: lead_id, label, and the features as `model_frame` gives them.
    """
    if not columns:
        return 0.5
    known = sampled_leads(frame, rows_for(len(columns)))
    labels, folds = known["label"].to_numpy(), lead_folds(known)
    if not labels.any() or labels.all():
        return 0.5
    weights = known.select(1 / pl.len().over("lead_id")).to_series().to_numpy()
    auc = roc_auc(labels, _regressed(known, spec_of(columns), folds, settings), weights)
    if auc < at_least:
        auc = max(auc, roc_auc(labels, _boosted(known, columns, folds, weights, settings), weights))
    return auc


def _regressed(known: pl.DataFrame, spec: FeatureSpec, folds: Codes, settings: Training) -> Floats:
    """Probabilities out of fold, in log-odds of the fold's own win rate where nothing was to be fitted."""
    scores = np.zeros(known.height)
    for fold in np.unique(folds):
        is_here = pl.Series(folds == fold)
        fitted = fit(known.filter(~is_here), spec, settings)
        if fitted is not None:
            scores[is_here.to_numpy()] = predict(*fitted, known.filter(is_here))
    return scores


def _boosted(
    known: pl.DataFrame, columns: list[CheckedColumn], folds: Codes, weights: Floats, settings: Training
) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    labels = known["label"].to_numpy()
    scores = np.zeros(known.height)
    for fold in np.unique(folds):
        rest, here = folds != fold, folds == fold
        design = np.column_stack([_encoded(known, column, folds, here, weights) for column in columns])
        model = HistGradientBoostingClassifier(
            max_iter=100,
            learning_rate=0.1,
            max_leaf_nodes=15,
            early_stopping=False,
            random_state=settings.seed,
        )
        with threadpool_limits(limits=settings.threads):
            model.fit(design[rest], labels[rest], sample_weight=weights[rest])
            scores[here] = model.predict_proba(design[here])[:, 1]
    return scores


def _encoded(
    known: pl.DataFrame, column: CheckedColumn, folds: Codes, here: Flags, weights: Floats
) -> Floats:
    """A number as it is; of a category the smoothed win rate, of leads in neither the row's fold nor the one to rank."""
    if column.values is not None:
        return known[column.name].fill_null(float("nan")).to_numpy()
    codes = known[column.name].cast(pl.Int64).fill_null(column.empty_code).to_numpy()
    labels = known["label"].cast(pl.Float64).to_numpy()
    encoded = np.empty(known.height)
    for fold in np.unique(folds):
        rest = (folds != fold) & ~here
        rates, _ = smoothed_rates(codes[rest], labels[rest], weights[rest], column.empty_code + 1, "auto")
        own = folds == fold
        encoded[own] = rates[codes[own]]
    return encoded


def random_against_forward(
    frame: pl.DataFrame, columns: list[CheckedColumn], settings: Training
) -> Gap | None:
    """How much a random split flatters; None where one of the parts has wins or others only.

    Both models rank the same newest leads, so that the parts do not differ in how hard they are to rank, and learn
    from about as many.

    Args:
        frame: lead_id, as_of, label, and the features as `model_frame` gives them.
    """
    if not columns or frame.is_empty():
        return None
    known = sampled_leads(frame, rows_for(len(columns))).sort("as_of", "lead_id", maintain_order=True)
    before, after = split_forward(known, settings)
    if before["label"].n_unique() < 2 or after["label"].n_unique() < 2:
        return None
    spec = spec_of(columns)
    fitted = fit(before, spec, settings)
    if fitted is None:
        return None
    forward = predict(*fitted, after)
    pooled = _regressed(known, spec, lead_folds(known), settings)
    is_test = known["lead_id"].is_in(after["lead_id"].unique().implode()).to_numpy()
    random = pooled[is_test]
    labels, groups = after["label"].to_numpy(), after["lead_id"].to_numpy()
    low, high = bootstrap_difference(labels, random, forward, groups, _SAMPLES, settings.seed)
    return Gap(roc_auc(labels, random), roc_auc(labels, forward), low, high, after["lead_id"].n_unique())
