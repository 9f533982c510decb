"""The model card: what is used for scoring, how well it did, and where not to trust it.

Belongs here: one row about the present model, or about why there is none. Does not belong here: measuring
(model.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from leadflow.modelling.attributes import ATTRIBUTE_PREFIX
from leadflow.policy import Policy
from leadflow.scoring.blend import model_weight
from leadflow.scoring.model import Evaluation, Fallback, TrainedModel

CARD_SCHEMA = pl.Schema(
    [
        ("model_version", pl.String),
        ("status", pl.String),
        ("status_reason", pl.String),
        ("as_of", pl.Datetime("us")),
        ("trained_from", pl.Datetime("us")),
        ("trained_to", pl.Datetime("us")),
        ("test_from", pl.Datetime("us")),
        ("test_to", pl.Datetime("us")),
        ("horizon_days", pl.Int64),
        ("train_examples", pl.Int64),
        ("train_wins", pl.Int64),
        ("test_examples", pl.Int64),
        ("test_wins", pl.Int64),
        ("base_rate_test", pl.Float64),
        ("auc", pl.Float64),
        ("auc_low", pl.Float64),
        ("auc_high", pl.Float64),
        ("average_precision", pl.Float64),
        ("log_loss", pl.Float64),
        ("log_loss_constant", pl.Float64),
        ("brier", pl.Float64),
        ("wins_in_top_30_percent", pl.Float64),
        ("rule_auc", pl.Float64),
        ("blend_weight", pl.Float64),
        ("label_overlap_days", pl.Int64),
        ("feature_names", pl.String),
        ("limits", pl.String),
    ]
)


def model_card(
    outcome: TrainedModel | Fallback, policy: Policy, as_of: datetime, left_out: Sequence[str] = ()
) -> pl.DataFrame:
    """The card of a training's outcome: one row of CARD_SCHEMA.

    Measures are of the model fitted before the test period, and null where nothing was measured.

    Args:
        outcome: what `train` gave, or Fallback("training is switched off ...") where it was not called.
        as_of: the refresh's moment, UTC without time zone.
        left_out: features that the leakage firewall kept from the model.
    """
    model = outcome if isinstance(outcome, TrainedModel) else None
    measured = outcome.evaluation
    row = {
        "model_version": model.version if model else None,
        "status": "model" if model else "rules_only",
        "status_reason": outcome.reason if isinstance(outcome, Fallback) else _standing(outcome.evaluation),
        "as_of": as_of,
        "horizon_days": policy.training.horizon_days,
        "blend_weight": model_weight(model.wins, policy.blend) if model else 0.0,
        "feature_names": ", ".join(model.feature_names) if model else None,
        "limits": " ".join([*_limits(model, measured, policy), *_left_out(left_out)]),
    }
    measures = {name: getattr(measured, name, None) for name in CARD_SCHEMA.names() if name not in row}
    return pl.DataFrame([row | measures], schema=CARD_SCHEMA)


def _standing(measured: Evaluation) -> str:
    return (
        f"better than chance on the newest leads: AUC {measured.auc:.3f}, "
        f"95 % interval {measured.auc_low:.3f} to {measured.auc_high:.3f}"
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
    if measured.label_overlap_days:
        limits.append(
            f"Labels of training leads settled up to {measured.label_overlap_days} days into the test period, so the "
            "measured model knew something of that period; training.purge leaves such leads out."
        )
    if not measured.log_loss < measured.log_loss_constant:
        limits.append(
            "Its probabilities are no better than the win rate of past leads; use them to rank only."
        )
    limits.append("Probabilities are the regression's own, not calibrated on other leads.")
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
