"""The model of winning: which past leads it learns from, how it is measured, and what is kept of it.

A logistic regression on few transformed columns: on sparse leads with many categories it beats boosting, its
contributions are exact, and it is a page of JSON. It is fitted on leads before a moment, measured on the leads after
it, then fitted again on all for use.

Belongs here: gates, storing, predicting. Does not belong here: splitting, transforming, one fit and metrics
(modelling/), the 0-100 scale (blend.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from leadflow.modelling import evaluate
from leadflow.modelling.columns import (
    CategoricalColumn,
    Column,
    FeatureSpec,
    Floats,
    column_from_dict,
    column_to_dict,
    significant,
)
from leadflow.modelling.fit import fit, predict, probability
from leadflow.modelling.splits import split_forward
from leadflow.policy import Training

__all__ = ["Evaluation", "Fallback", "FeatureSpec", "TrainedModel", "train"]

QUANTILES = 101  # the reference scale has one point per percent
TOP_SHARE = 0.3


@dataclass(frozen=True)
class Evaluation:
    """How the model fitted before `test_from` did on the leads from then on.

    Attributes:
        trained_from, trained_to, test_from, test_to: first and last as_of of the examples of either part.
        train_wins, test_wins: leads (not examples) that won.
        base_rate_test: share of test examples that won.
        auc_low, auc_high: 95 % interval by resampling leads.
        log_loss_constant: log loss of saying the training win rate to every lead, in nats.
        wins_in_top_30_percent: share (0-1) of test wins among the 30 % of examples that the model scored best.
        rule_auc: AUC of the rule score on the same examples; null where none was given.
        label_overlap_days: days into the test period at which the last training label was settled.
    """

    trained_from: datetime
    trained_to: datetime
    test_from: datetime
    test_to: datetime
    train_examples: int
    train_wins: int
    test_examples: int
    test_wins: int
    base_rate_test: float
    auc: float
    auc_low: float
    auc_high: float
    average_precision: float
    log_loss: float
    log_loss_constant: float
    brier: float
    wins_in_top_30_percent: float
    rule_auc: float | None
    label_overlap_days: int


@dataclass(frozen=True)
class Fallback:
    """No model, and why: the score is the rule score. Carries the measurement where one was made."""

    reason: str
    evaluation: Evaluation | None = None


@dataclass(frozen=True)
class TrainedModel:
    """A fitted model: all that prediction and explanation need, without scikit-learn.

    Attributes:
        baseline: log-odds of the average training row; a prediction is this plus the columns' contributions.
        wins, leads, examples: what the model in use was fitted on; wins and leads count leads.
        probability_quantiles: 101 quantiles of its probabilities on the examples, the reference of the 0-100 scale.
        rule_quantiles: the same of the rule score at the examples' moments; None where none was given.
    """

    columns: tuple[Column, ...]
    baseline: float
    wins: int
    leads: int
    examples: int
    probability_quantiles: tuple[float, ...]
    rule_quantiles: tuple[float, ...] | None
    evaluation: Evaluation

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features that the model uses, in its order; those that never varied in training are gone."""
        return tuple(column.feature for column in self.columns)

    @property
    def version(self) -> str:
        """First 12 hex digits of the SHA-256 of all but the evaluation: equal models, equal version."""
        return hashlib.sha256(_canonical(self._fitted()).encode()).hexdigest()[:12]

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """Log-odds that each feature adds against the average training row: a column per feature, row by row.

        They and the baseline add up to `log_odds`.
        """
        added = [pl.Series(column.feature, column.contribution(features)) for column in self.columns]
        return pl.DataFrame(added, schema=dict.fromkeys(self.feature_names, pl.Float64))

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """What the features add up to, in log-odds before calibration, row by row."""
        total = np.full(features.height, self.baseline)
        for column in self.columns:
            total = total + column.contribution(features)
        return total

    def seen_values(self) -> dict[str, frozenset[str]]:
        """Texts of training by categorical feature; what is not among them is new to the model."""
        return {
            column.feature: frozenset(column.rates)
            for column in self.columns
            if isinstance(column, CategoricalColumn)
        }

    def calibrated(self, log_odds: Floats) -> Floats:
        """The probability of winning within the horizon that given log-odds stand for; never falls as they rise."""
        return probability(log_odds)

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Probability of winning within the horizon, row by row."""
        return pl.Series("ml_probability", self.calibrated(self.log_odds(features)), dtype=pl.Float64)

    def to_json(self) -> str:
        """The model as canonical JSON: the same model gives the same bytes."""
        evaluation = {
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in asdict(self.evaluation).items()
        }
        return _canonical({**self._fitted(), "evaluation": evaluation})

    @classmethod
    def from_json(cls, text: str) -> TrainedModel:
        """The model that `to_json` wrote."""
        content = json.loads(text)
        for key in ("trained_from", "trained_to", "test_from", "test_to"):
            content["evaluation"][key] = datetime.fromisoformat(content["evaluation"][key])
        rule_quantiles = content["rule_quantiles"]
        return cls(
            columns=tuple(column_from_dict(column) for column in content["columns"]),
            baseline=content["baseline"],
            wins=content["wins"],
            leads=content["leads"],
            examples=content["examples"],
            probability_quantiles=tuple(content["probability_quantiles"]),
            rule_quantiles=None if rule_quantiles is None else tuple(rule_quantiles),
            evaluation=Evaluation(**content["evaluation"]),
        )

    def _fitted(self) -> dict[str, Any]:
        return {
            "columns": [column_to_dict(column) for column in self.columns],
            "baseline": self.baseline,
            "wins": self.wins,
            "leads": self.leads,
            "examples": self.examples,
            "probability_quantiles": list(self.probability_quantiles),
            "rule_quantiles": None if self.rule_quantiles is None else list(self.rule_quantiles),
        }


def train(examples: pl.DataFrame, features: FeatureSpec, settings: Training) -> TrainedModel | Fallback:
    """A model of winning, or why there is none.

    The newest `test_share` of leads, by their first moment, are the test; leads of one moment stay together. What a
    training lead was at or after the first test moment is not learned from when measuring. Each lead weighs the same,
    however many moments it was seen at.

    Args:
        examples: lead_id, as_of, label (null: not known yet, left out), the features, and optionally `rule_score`
            at that moment (a column that is then measured and scaled too).

    Raises:
        LeadflowError: a feature is missing or of the wrong type.
    """
    known = _labelled(examples, features, settings)
    refusal = _too_little(known, settings)
    if refusal is not None:
        return Fallback(refusal)
    before, after = split_forward(known, settings)
    for part, name in ((before, "before the test period"), (after, "in the test period")):
        if part["label"].n_unique() < 2:
            return Fallback(
                f"too little to measure by: {_won(part)} won leads and {_not_won(part)} others {name}; both are needed"
            )
    fitted = fit(before, features, settings)
    if fitted is None:
        return Fallback(
            "nothing to learn from: every feature has one value for all leads before the test period"
        )
    evaluation = _evaluate(before, after, *fitted, settings)
    if not evaluation.auc_low > 0.5:
        return Fallback(
            f"no skill: AUC {evaluation.auc:.3f} on the newest leads, 95 % interval {evaluation.auc_low:.3f} to "
            f"{evaluation.auc_high:.3f}, does no better than chance (0.5)",
            evaluation,
        )
    refitted = fit(known, features, settings)
    if refitted is None:
        return Fallback("nothing to learn from: every feature has one value for all leads", evaluation)
    columns, baseline = refitted
    rule_scores = known["rule_score"] if "rule_score" in known.columns else None
    return TrainedModel(
        columns=columns,
        baseline=baseline,
        wins=_won(known),
        leads=known["lead_id"].n_unique(),
        examples=known.height,
        probability_quantiles=_quantiles(predict(columns, baseline, known)),
        rule_quantiles=None if rule_scores is None else _quantiles(rule_scores.to_numpy()),
        evaluation=evaluation,
    )


def _labelled(examples: pl.DataFrame, features: FeatureSpec, settings: Training) -> pl.DataFrame:
    """Examples whose label is known, in an order that does not depend on how they came."""
    chosen = examples.filter(pl.col("label").is_not_null())
    if settings.from_date is not None:
        chosen = chosen.filter(pl.col("as_of") >= settings.from_date)
    kept = ["lead_id", "as_of", "label", *dict.fromkeys([*features.numeric, *features.categorical])]
    kept += ["rule_score"] if "rule_score" in examples.columns and "rule_score" not in kept else []
    present = [name for name in kept if name in chosen.columns]
    return chosen.select(present).sort("as_of", "lead_id", "label", maintain_order=True)


def _won(examples: pl.DataFrame) -> int:
    return examples.filter("label")["lead_id"].n_unique()


def _not_won(examples: pl.DataFrame) -> int:
    return examples["lead_id"].n_unique() - _won(examples)


def _too_little(known: pl.DataFrame, settings: Training) -> str | None:
    if known.is_empty():
        return (
            f"no labelled examples: no lead is {settings.horizon_days} days old yet, or none has an outcome"
        )
    won, not_won = _won(known), _not_won(known)
    if won < settings.minimum_wins:
        return f"too few won leads: {won}, where the policy asks for {settings.minimum_wins}"
    if not_won < settings.minimum_not_won:
        return f"too few leads that were not won: {not_won}, where the policy asks for {settings.minimum_not_won}"
    return None


def _evaluate(
    before: pl.DataFrame,
    after: pl.DataFrame,
    columns: tuple[Column, ...],
    baseline: float,
    settings: Training,
) -> Evaluation:
    labels = after["label"].to_numpy()
    scores = predict(columns, baseline, after)
    rule_scores = after["rule_score"].to_numpy() if "rule_score" in after.columns else None
    train_rate = float(before["label"].cast(pl.Float64).to_numpy().mean())
    low, high = evaluate.bootstrap_auc(
        labels, scores, after["lead_id"].to_numpy(), settings.bootstrap_samples, settings.seed
    )
    trained_from, trained_to = _span(before)
    test_from, test_to = _span(after)
    overlap = trained_to + timedelta(days=settings.horizon_days) - test_from
    return Evaluation(
        trained_from=trained_from,
        trained_to=trained_to,
        test_from=test_from,
        test_to=test_to,
        train_examples=before.height,
        train_wins=_won(before),
        test_examples=after.height,
        test_wins=_won(after),
        base_rate_test=significant(float(labels.mean())),
        auc=significant(evaluate.roc_auc(labels, scores)),
        auc_low=significant(low),
        auc_high=significant(high),
        average_precision=significant(evaluate.average_precision(labels, scores)),
        log_loss=significant(evaluate.log_loss(labels, scores)),
        log_loss_constant=significant(evaluate.log_loss(labels, np.full(len(labels), train_rate))),
        brier=significant(evaluate.brier(labels, scores)),
        wins_in_top_30_percent=significant(evaluate.gains(labels, scores, TOP_SHARE)),
        rule_auc=None if rule_scores is None else significant(evaluate.roc_auc(labels, rule_scores)),
        label_overlap_days=max(0, -(-overlap // timedelta(days=1))),
    )


def _span(examples: pl.DataFrame) -> tuple[datetime, datetime]:
    moments = examples["as_of"].cast(pl.Datetime("us"))
    first, last = moments.min(), moments.max()
    assert isinstance(first, datetime) and isinstance(last, datetime)  # noqa: PT018
    return first, last


def _quantiles(values: Floats) -> tuple[float, ...]:
    return tuple(significant(value) for value in np.quantile(values, np.linspace(0, 1, QUANTILES)).tolist())


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
