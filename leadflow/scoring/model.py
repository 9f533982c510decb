"""The trained model: what it predicts, how it explains, how well it did, and its file.

Belongs here: a model as it is used and kept. Does not belong here: how it is trained (training.py), which one is in
force (champion.py), the families of models (modelling/), the 0-100 scale (blend.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import polars as pl

from leadflow.modelling.calibration import Calibration
from leadflow.modelling.candidates import Estimator, estimator_from_dict
from leadflow.modelling.columns import CategoricalColumn, FeatureSpec, Floats
from leadflow.modelling.trees import TreeModel

__all__ = [
    "CandidateResult",
    "Evaluation",
    "Fallback",
    "FeatureSpec",
    "Made",
    "ModelFileError",
    "TrainedModel",
]

FORMAT = 2
"""Of the file: a file of another format was written by another release."""


class ModelFileError(ValueError):
    """A model's file does not hold what it should; the message says what is wrong with it."""


@dataclass(frozen=True)
class CandidateResult:
    """How a candidate did beside the others.

    Attributes:
        slice_auc: mean AUC over the forward slices of the training period, by which it was chosen or not.
        auc, auc_low, auc_high, average_precision, log_loss: on the newest leads, fitted on leads before them (a sample of
            them, where there are many).
    """

    family: str
    encoding: str
    name: str
    is_chosen: bool
    slice_auc: float | None
    auc: float
    auc_low: float
    auc_high: float
    average_precision: float
    log_loss: float


@dataclass(frozen=True)
class Evaluation:
    """How the model fitted before `test_from` did on the leads from then on.

    Attributes:
        trained_from, trained_to, test_from, test_to: first and last as_of of the examples of either part.
        train_leads, train_wins, test_leads, test_wins: leads (not examples) of either part, and those of them that won.
        base_rate_train, base_rate_test: share of examples of either part that won.
        auc_low, auc_high: 95 % interval by resampling leads.
        auc_within_months: mean AUC within the calendar months of the test, by examples; what telling months apart does not
            help with. Null where no month has both outcomes.
        log_loss_constant: log loss of saying the training win rate to every lead, in nats.
        wins_in_top_30_percent: share (0-1) of test wins among the 30 % of examples that the model scored best.
        rule_auc: AUC of the rule score on the same examples; null where none was given.
        score_auc: the same of the 0-100 score, mixed of both.
        calibration_error: expected calibration error over 10 bins of equal mass, of one example a lead.
        calibration_band: what a perfectly calibrated model of those probabilities stays below, 97.5 times in 100.
        calibration_curve: mean probability, share of wins and leads of each bin.
        label_overlap_days: days into the test period at which the last training label was settled.
        candidates: how all candidates did, the chosen one among them.
    """

    trained_from: datetime
    trained_to: datetime
    test_from: datetime
    test_to: datetime
    train_examples: int
    train_leads: int
    train_wins: int
    test_examples: int
    test_leads: int
    test_wins: int
    base_rate_train: float
    base_rate_test: float
    auc: float
    auc_low: float
    auc_high: float
    auc_within_months: float | None
    average_precision: float
    log_loss: float
    log_loss_constant: float
    brier: float
    wins_in_top_30_percent: float
    rule_auc: float | None
    score_auc: float | None
    calibration_error: float
    calibration_band: float
    calibration_curve: tuple[tuple[float, float, int], ...]
    label_overlap_days: int
    candidates: tuple[CandidateResult, ...] = ()


@dataclass(frozen=True)
class Fallback:
    """No model, and why: the score is the rule score. Carries the measurement where one was made.

    Attributes:
        wins: won leads that there were to learn from.
    """

    reason: str
    evaluation: Evaluation | None = None
    wins: int = 0


@dataclass(frozen=True)
class Made:
    """When and by what a model was trained; tells nothing of what it predicts."""

    as_of: datetime | None = None
    policy_version: str = ""
    code_version: str = ""


@dataclass(frozen=True)
class TrainedModel:
    """A trained model: all that prediction and explanation need, without a pickle.

    Attributes:
        estimator: the fitted family.
        calibration: what corrects its probabilities; none where no correction won on later leads.
        wins, leads, examples: what the model in use was fitted on; wins and leads count leads.
        horizon_days: it predicts winning within so many days.
        label_settled_at: when the last label it learned from was settled; before it nothing it says is a forecast.
        probability_quantiles: 101 quantiles of its probabilities for leads that it, fitted without them, was asked about: the
            reference of the 0-100 scale.
        rule_quantiles: the same of the rule score at all examples, which nothing was fitted to; None where none was given.
        importance: mean size of what each feature adds, in log-odds, on the newest leads.
        values: what predicts the contract value; None where there were too few.
    """

    estimator: Estimator
    calibration: Calibration
    wins: int
    leads: int
    examples: int
    horizon_days: int
    label_settled_at: datetime
    probability_quantiles: tuple[float, ...]
    rule_quantiles: tuple[float, ...] | None
    evaluation: Evaluation
    importance: dict[str, float] = field(default_factory=dict)
    values: dict[str, Any] | None = None
    made: Made = Made()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features that the model uses, in its order; those that never varied in training are gone."""
        return self.estimator.feature_names

    @property
    def version(self) -> str:
        """First 12 hex digits of the SHA-256 of what it predicts by: equal models, equal version."""
        return _digest(self._fitted())[:12]

    def explained(self, features: pl.DataFrame) -> tuple[Floats, pl.DataFrame]:
        """`log_odds` and `contributions`, for the price of one of them."""
        return self.estimator.explained(features)

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """Log-odds that each feature adds against the average training row: a column per feature, row by row.

        They and the baseline add up to `log_odds`.
        """
        return self.estimator.contributions(features)

    @property
    def baseline(self) -> float:
        """Log-odds of the average training row."""
        return self.estimator.baseline

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """What the features add up to, in log-odds before calibration, row by row."""
        return self.estimator.log_odds(features)

    def seen_values(self) -> dict[str, frozenset[str]]:
        """Texts of training by categorical feature; what is not among them is new to the model.

        Features read by indicators are not among them: of their rare values nothing is kept.
        """
        return {
            column.feature: frozenset(column.rates)
            for column in self.estimator.columns
            if isinstance(column, CategoricalColumn)
        }

    def calibrated(self, log_odds: Floats) -> Floats:
        """The probability of winning within the horizon that given log-odds stand for; never falls as they rise."""
        return self.calibration.apply(self.estimator.probability(log_odds))

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Probability of winning within the horizon, row by row."""
        return pl.Series("ml_probability", self.calibrated(self.log_odds(features)), dtype=pl.Float64)

    def to_json(self) -> str:
        """The model as canonical JSON: the same model, made by the same code and policy, gives the same bytes."""
        told = {
            "evaluation": _plain(asdict(self.evaluation)),
            "importance": self.importance,
            "made": _plain(asdict(self.made)),
        }
        content = {"format": FORMAT, "fitted": self._fitted(), "told": told}
        return _canonical({**content, "sha256": _digest(content)})

    @classmethod
    def from_json(cls, text: str) -> TrainedModel:
        """The model that `to_json` wrote.

        Raises:
            ModelFileError: the text is no such model, of another release, or was changed since.
        """
        try:
            content = json.loads(text)
        except ValueError as error:
            raise ModelFileError(f"it is no JSON: {error}") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ModelFileError("it was written by another release of leadflow")
        stored = content.pop("sha256", None)
        if stored != _digest(content):
            raise ModelFileError("it was changed since it was written: its checksum is another")
        fitted, told = content["fitted"], content["told"]
        return cls(
            estimator=estimator_from_dict(fitted["estimator"]),
            calibration=Calibration.from_dict(fitted["calibration"]),
            **{name: fitted[name] for name in ("wins", "leads", "examples", "horizon_days", "values")},
            label_settled_at=datetime.fromisoformat(fitted["label_settled_at"]),
            probability_quantiles=tuple(fitted["probability_quantiles"]),
            rule_quantiles=None if fitted["rule_quantiles"] is None else tuple(fitted["rule_quantiles"]),
            evaluation=_evaluation(told["evaluation"]),
            importance=told["importance"],
            made=Made(**{**told["made"], "as_of": _moment(told["made"]["as_of"])}),
        )

    def _fitted(self) -> dict[str, Any]:
        return {
            "estimator": self.estimator.to_dict(),
            "calibration": self.calibration.to_dict(),
            "wins": self.wins,
            "leads": self.leads,
            "examples": self.examples,
            "horizon_days": self.horizon_days,
            "label_settled_at": self.label_settled_at.isoformat(),
            "probability_quantiles": list(self.probability_quantiles),
            "rule_quantiles": None if self.rule_quantiles is None else list(self.rule_quantiles),
            "values": self.values,
        }

    def with_threads(self, threads: int) -> TrainedModel:
        """The same model, telling rows by so many threads where it can."""
        if isinstance(self.estimator, TreeModel):
            return replace(self, estimator=replace(self.estimator, threads=threads))
        return self

    def with_made(self, made: Made) -> TrainedModel:
        """The same model with a note of when and by what it was trained."""
        return replace(self, made=made)


def evaluation_json(evaluation: Evaluation) -> str:
    """An evaluation as canonical JSON."""
    return _canonical(_plain(asdict(evaluation)))


def evaluation_from_json(text: str) -> Evaluation:
    """The evaluation that `evaluation_json` wrote."""
    return _evaluation(json.loads(text))


def _evaluation(content: dict[str, Any]) -> Evaluation:
    moments = {
        name: _moment(content[name]) for name in ("trained_from", "trained_to", "test_from", "test_to")
    }
    known = {item.name for item in fields(CandidateResult)}
    candidates = tuple(
        CandidateResult(**{name: value for name, value in row.items() if name in known})
        for row in content["candidates"]
    )
    curve = tuple((float(said), float(won), int(leads)) for said, won, leads in content["calibration_curve"])
    return Evaluation(**{**content, **moments, "candidates": candidates, "calibration_curve": curve})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value for key, value in content.items()
    }


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
