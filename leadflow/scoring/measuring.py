"""How a model did on the newest leads, which it had not learned from.

Belongs here: the measures of one evaluation. Does not belong here: each metric (modelling/), which model is measured
(training.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling import evaluate
from leadflow.modelling.calibration import (
    calibration_band,
    calibration_curve,
    expected_calibration_error,
)
from leadflow.modelling.columns import Floats, significant
from leadflow.modelling.evaluate import Labels
from leadflow.modelling.fit import lead_weights
from leadflow.policy import Training
from leadflow.scoring.model import CandidateResult, Evaluation

TOP_SHARE = 0.3


@dataclass(frozen=True)
class Told:
    """Examples, in their order, and what a model that had not learned from them said of each."""

    rows: pl.DataFrame
    probabilities: Floats

    @property
    def labels(self) -> Labels:
        """Whether each row won."""
        return self.rows["label"].to_numpy()

    @property
    def leads(self) -> NDArray[np.object_]:
        """Lead of each row."""
        return self.rows["lead_id"].to_numpy()

    @property
    def judged(self) -> tuple[Labels, Floats, Floats]:
        """Labels, probabilities and weights, by which a lead counts once: what calibrations are fitted and judged on."""
        return self.labels, self.probabilities, lead_weights(self.rows)


def pooled(parts: list[Told]) -> Told:
    """All rows of some parts, one after the other; at least one part."""
    if len(parts) == 1:
        return parts[0]
    return Told(
        pl.concat([part.rows for part in parts]), np.concatenate([part.probabilities for part in parts])
    )


def evaluate_newest(
    before: pl.DataFrame,
    newest: Told,
    mixed: Floats | None,
    settings: Training,
    compared: tuple[CandidateResult, ...],
) -> Evaluation:
    """All measures of what a model fitted on `before` said of the newest leads.

    Args:
        mixed: the 0-100 score of the newest rows; None where there were no rule scores.
        compared: how all candidates did.
    """
    after, labels, scores = newest.rows, newest.labels, newest.probabilities
    train_rate = float(before["label"].cast(pl.Float64).to_numpy().mean())
    low, high = evaluate.bootstrap_auc(
        labels, scores, newest.leads, settings.bootstrap_samples, settings.seed
    )
    trained_from, trained_to = span(before)
    test_from, test_to = span(after)
    overlap = trained_to + timedelta(days=settings.horizon_days) - test_from
    # One example a lead, drawn: a lead's examples share their outcome, and the band is of independent ones.
    drawn = evaluate.one_of_each(newest.leads, np.random.default_rng(settings.seed).permutation(after.height))
    within = _within_months(newest)
    return Evaluation(
        trained_from=trained_from,
        trained_to=trained_to,
        test_from=test_from,
        test_to=test_to,
        train_examples=before.height,
        train_leads=before["lead_id"].n_unique(),
        train_wins=won(before),
        test_examples=after.height,
        test_leads=after["lead_id"].n_unique(),
        test_wins=won(after),
        base_rate_train=significant(train_rate),
        base_rate_test=significant(float(labels.mean())),
        auc=significant(evaluate.roc_auc(labels, scores)),
        auc_low=significant(low),
        auc_high=significant(high),
        auc_within_months=None if within is None else significant(within),
        average_precision=significant(evaluate.average_precision(labels, scores)),
        log_loss=significant(evaluate.log_loss(labels, scores)),
        log_loss_constant=significant(evaluate.log_loss(labels, np.full(len(labels), train_rate))),
        brier=significant(evaluate.brier(labels, scores)),
        wins_in_top_30_percent=significant(evaluate.gains(labels, scores, TOP_SHARE)),
        rule_auc=significant(evaluate.roc_auc(labels, after["rule_score"].to_numpy()))
        if "rule_score" in after.columns
        else None,
        score_auc=None if mixed is None else significant(evaluate.roc_auc(labels, mixed)),
        calibration_error=significant(expected_calibration_error(labels[drawn], scores[drawn])),
        calibration_band=significant(
            calibration_band(scores[drawn], settings.bootstrap_samples, settings.seed)
        ),
        calibration_curve=tuple(
            (significant(said), significant(share), rows)
            for said, share, rows in calibration_curve(labels[drawn], scores[drawn])
        ),
        label_overlap_days=max(0, -(-overlap // timedelta(days=1))),
        candidates=compared,
    )


def _within_months(newest: Told) -> float | None:
    months = newest.rows["as_of"].dt.truncate("1mo").to_numpy()
    aucs, sizes = [], []
    for month in np.unique(months):
        here = months == month
        auc = evaluate.roc_auc(newest.labels[here], newest.probabilities[here])
        if not np.isnan(auc):
            aucs.append(auc)
            sizes.append(int(here.sum()))
    return float(np.average(aucs, weights=sizes)) if aucs else None


def span(examples: pl.DataFrame) -> tuple[datetime, datetime]:
    """First and last moment of examples; at least one."""
    moments = examples["as_of"].cast(pl.Datetime("us"))
    first, last = moments.min(), moments.max()
    assert isinstance(first, datetime) and isinstance(last, datetime)  # noqa: PT018
    return first, last


def won(examples: pl.DataFrame) -> int:
    """Leads that won in any of their examples."""
    return examples.filter("label")["lead_id"].n_unique()
