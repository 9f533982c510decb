"""The model card: what is used for scoring, how well it did, and where not to trust it.

Belongs here: one row about the present model, or about why there is none. Does not belong here: measuring
(training.py), the card as a page (card_page.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from leadflow.modelling.attributes import ATTRIBUTE_PREFIX
from leadflow.policy import Policy
from leadflow.scoring.blend import model_weight
from leadflow.scoring.model import Evaluation, TrainedModel, evaluation_from_json

CARD_SCHEMA = pl.Schema(
    [
        ("model_version", pl.String),
        ("status", pl.String),
        ("status_reason", pl.String),
        ("as_of", pl.Datetime("us")),
        ("trained_at", pl.Datetime("us")),
        ("family", pl.String),
        ("encoding", pl.String),
        ("calibration", pl.String),
        ("trained_from", pl.Datetime("us")),
        ("trained_to", pl.Datetime("us")),
        ("test_from", pl.Datetime("us")),
        ("test_to", pl.Datetime("us")),
        ("horizon_days", pl.Int64),
        ("train_examples", pl.Int64),
        ("train_wins", pl.Int64),
        ("test_examples", pl.Int64),
        ("test_wins", pl.Int64),
        ("base_rate_train", pl.Float64),
        ("base_rate_test", pl.Float64),
        ("auc", pl.Float64),
        ("auc_low", pl.Float64),
        ("auc_high", pl.Float64),
        ("auc_within_months", pl.Float64),
        ("average_precision", pl.Float64),
        ("log_loss", pl.Float64),
        ("log_loss_constant", pl.Float64),
        ("brier", pl.Float64),
        ("wins_in_top_30_percent", pl.Float64),
        ("rule_auc", pl.Float64),
        ("score_auc", pl.Float64),
        ("calibration_error", pl.Float64),
        ("calibration_band", pl.Float64),
        ("calibration_verdict", pl.String),
        ("blend_weight", pl.Float64),
        ("label_overlap_days", pl.Int64),
        ("feature_names", pl.String),
        ("importance", pl.String),
        ("candidates", pl.String),
        ("calibration_curve", pl.String),
        ("kept_from_model", pl.String),
        ("limits", pl.String),
        ("intended_use", pl.String),
        ("policy_version", pl.String),
        ("code_version", pl.String),
    ]
)
INTENDED_USE = (
    "For marketing and sales of this company, to decide which leads to call first and which to nurture. Not for decisions about "
    "persons beyond that, such as credit, employment or prices, and not for leads of another company."
)
MOVED = 1.96
"""Standard errors that the share of wins may differ by between training and test before it counts as moved (95 %)."""


def model_card(
    model: TrainedModel | None,
    trainings: pl.DataFrame,
    policy: Policy,
    as_of: datetime,
    left_out: Sequence[str] = (),
) -> pl.DataFrame:
    """The card of the model in force, or of why there is none: one row of CARD_SCHEMA.

    Measures are of the model fitted before the test period, and null where nothing was measured.

    Args:
        model: the champion; None while rules score alone.
        trainings: the log of trainings (champion.TRAININGS_SCHEMA).
        as_of: the refresh's moment, UTC without time zone.
        left_out: features that the leakage firewall keeps from models.
    """
    made = _made(model, trainings.filter(pl.col("as_of") <= as_of).sort("as_of", "training"))
    measured = model.evaluation if model else _refused(made)
    settings = policy.training
    row = {
        "model_version": model.version if model else None,
        "status": "model" if model else "rules_only",
        "status_reason": _reason(model, made, policy),
        "as_of": as_of,
        "trained_at": None if made is None else made["as_of"],
        "family": _chosen(measured, "family"),
        "encoding": _chosen(measured, "encoding"),
        "calibration": model.calibration.kind if model else None,
        "horizon_days": model.horizon_days if model else settings.horizon_days,
        "calibration_verdict": None if measured is None else calibration_verdict(measured),
        "blend_weight": model_weight(model.wins, policy.blend) if model else 0.0,
        "feature_names": ", ".join(model.feature_names) if model else None,
        "importance": _importance(model) if model else None,
        "candidates": None if measured is None else _candidates(measured),
        "calibration_curve": None if measured is None else json.dumps(measured.calibration_curve),
        "kept_from_model": ", ".join(name.removeprefix(ATTRIBUTE_PREFIX) for name in left_out) or None,
        "limits": " ".join([*_limits(model, measured, policy), *_left_out(left_out)]),
        "intended_use": INTENDED_USE,
        "policy_version": None if made is None else made["policy_version"],
        "code_version": None if made is None else made["code_version"],
    }
    measures = {name: getattr(measured, name, None) for name in CARD_SCHEMA.names() if name not in row}
    return pl.DataFrame([row | measures], schema=CARD_SCHEMA)


def calibration_verdict(measured: Evaluation) -> str:
    """Whether the probabilities are what they say: within_band, off, or base_rate_moved.

    Where the share of wins moved between training and test, probabilities learned before are off for that reason alone: that
    is an alarm, and no statement about the model.
    """
    # By leads: the examples of one lead say the same.
    trained, tested = measured.train_leads, measured.test_leads
    pooled = (measured.base_rate_train * trained + measured.base_rate_test * tested) / (trained + tested)
    error = (pooled * (1 - pooled) * (1 / trained + 1 / tested)) ** 0.5
    if abs(measured.base_rate_test - measured.base_rate_train) > MOVED * error:
        return "base_rate_moved"
    is_within = measured.calibration_error <= measured.calibration_band
    return "within_band" if is_within else "off"


def _made(model: TrainedModel | None, trainings: pl.DataFrame) -> dict[str, object] | None:
    """The training that the champion came from, or the last one where there is no champion."""
    rows = trainings if model is None else trainings.filter(pl.col("model_version") == model.version)
    return rows.row(-1, named=True) if rows.height else None


def _refused(made: dict[str, object] | None) -> Evaluation | None:
    text = None if made is None else made["evaluation"]
    return evaluation_from_json(text) if isinstance(text, str) else None


def _reason(model: TrainedModel | None, made: dict[str, object] | None, policy: Policy) -> str:
    if not policy.training.is_enabled:
        return "training is switched off in the policy (training.is_enabled)"
    if made is None:
        return "no model was trained yet" if model is None else "its training is not on record"
    return str(made["reason"])


def _chosen(measured: Evaluation | None, name: str) -> str | None:
    chosen = [one for one in measured.candidates if one.is_chosen] if measured else []
    return str(getattr(chosen[0], name)) if chosen else None


def _importance(model: TrainedModel) -> str:
    """What weighs most first."""
    return json.dumps(dict(sorted(model.importance.items(), key=lambda item: (-item[1], item[0]))))


def _candidates(measured: Evaluation) -> str:
    return json.dumps(
        [
            {name: value for name, value in vars(one).items() if name != "family" and name != "encoding"}
            for one in measured.candidates
        ]
    )


def _limits(model: TrainedModel | None, measured: Evaluation | None, policy: Policy) -> list[str]:
    if measured is None:
        return ["Scores are points by rule; no chance of winning is estimated and nothing was measured."]
    limits = []
    if model is None:
        limits.append("The measures are of the model that was refused; scores are points by rule.")
    else:
        limits.append(
            f"The measures are of a model fitted on leads before {measured.test_from:%Y-%m-%d}; the model in use was "
            f"fitted again on all {model.examples} examples of {model.leads} leads, {model.wins} of which won."
        )
        if model.horizon_days != policy.training.horizon_days:
            limits.append(
                f"It predicts winning within {model.horizon_days} days, where the policy now asks for "
                f"{policy.training.horizon_days}; the next training will."
            )
    if measured.label_overlap_days:
        limits.append(
            f"Labels of training leads settled up to {measured.label_overlap_days} days into the test period, so the "
            "measured model knew something of that period; training.purge leaves such leads out."
        )
    if not measured.log_loss < measured.log_loss_constant:
        limits.append(
            "Its probabilities are no better than the win rate of past leads; use them to rank only."
        )
    match calibration_verdict(measured):
        case "base_rate_moved":
            limits.append(
                f"The share of wins moved from {measured.base_rate_train:.1%} in training to {measured.base_rate_test:.1%} in "
                "the test: probabilities are off by about that much until the model has learned from the change."
            )
        case "off":
            limits.append(
                f"Its probabilities are off: calibration error {measured.calibration_error:.3f}, where a perfectly "
                f"calibrated model would stay below {measured.calibration_band:.3f}."
            )
        case _:
            pass
    if measured.rule_auc is not None and measured.rule_auc > measured.auc:
        limits.append("The rules alone ranked the newest leads better than the model.")
    limits.append(
        "It tells what went with winning in the past, not what causes it; a change of market shows in it only after "
        f"{policy.training.horizon_days} days."
    )
    return limits


def _left_out(features: Sequence[str]) -> list[str]:
    if not features:
        return []
    named = ", ".join(feature.removeprefix(ATTRIBUTE_PREFIX) for feature in features)
    return [
        f"Kept from the model by the leakage checks or the policy: {named}; features.leakage_report says why."
    ]
