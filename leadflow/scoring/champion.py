"""Champion and challenger: when a model is trained, and which one is in force.

Belongs here: decisions on the log of trainings, scoring.trainings. Does not belong here: training itself (training.py), reading
and writing tables and files (retraining.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl

from leadflow.modelling.evaluate import bootstrap_difference
from leadflow.policy import Training
from leadflow.scoring.model import Fallback, TrainedModel

TRAININGS_SCHEMA = pl.Schema(
    [
        ("training", pl.Int64),
        ("as_of", pl.Datetime("us")),
        ("asked_by", pl.String),
        ("outcome", pl.String),
        ("reason", pl.String),
        ("model_version", pl.String),
        ("champion_version", pl.String),
        ("wins", pl.Int64),
        ("evaluation", pl.String),
        ("difference_low", pl.Float64),
        ("difference_high", pl.Float64),
        ("policy_version", pl.String),
        ("code_version", pl.String),
    ]
)
NEWEST_SCHEMA = pl.Schema(
    [
        ("model_version", pl.String),
        ("lead_id", pl.String),
        ("as_of", pl.Datetime("us")),
        ("label", pl.Boolean),
        ("ml_probability", pl.Float64),
        ("rule_score", pl.Float64),
    ]
)
MORE_WINS = 1.5
"""Growth of won leads after which a training that gave no model is tried again by itself."""
_LEAST_TO_COMPARE = 20
"""Wins, and others, that the champion has not learned from, below which both are compared on all newest leads."""

AskedBy = Literal["retrain", "first", "more_wins", "champion_gone"]


@dataclass(frozen=True)
class Decision:
    """What came of a training.

    Attributes:
        outcome: champion (in force from now on), kept_out (the old champion stays), no_model (none was good enough).
        difference: 95 % interval of the challenger's AUC less the champion's; None where nothing was compared.
    """

    outcome: Literal["champion", "kept_out", "no_model"]
    reason: str
    difference: tuple[float, float] | None = None


def champion_at(trainings: pl.DataFrame, as_of: datetime) -> str | None:
    """Version of the model in force at a moment; None while rules score alone.

    Args:
        trainings: TRAININGS_SCHEMA.
    """
    known = trainings.filter(pl.col("as_of") <= as_of).sort("as_of", "training")
    return known["champion_version"][-1] if known.height else None


def why_train(
    trainings: pl.DataFrame, as_of: datetime, wins: int, *, is_asked: bool, unusable: str | None
) -> AskedBy | None:
    """Why a model is to be trained now, or None.

    A refresh scores with the champion. It trains by itself only where there is none: the first time, where the champion can
    no longer be used, and again after a training that gave no model once half as many wins again are known.

    Args:
        wins: won leads with a settled label.
        unusable: why the champion cannot be used; None where it can, or where there is none.
    """
    if is_asked:
        return "retrain"
    if unusable is not None:
        return "champion_gone"
    known = trainings.filter(pl.col("as_of") <= as_of).sort("as_of", "training")
    if not known.height:
        return "first"
    if known["champion_version"][-1] is None and wins >= max(known["wins"][-1] * MORE_WINS, 1):
        return "more_wins"
    return None


def decide(
    challenger: TrainedModel | Fallback,
    champion: TrainedModel | None,
    held_out: pl.DataFrame | None,
    settings: Training,
) -> Decision:
    """Whether a challenger takes over: unless it is worse than the champion beyond noise on the newest leads.

    Both rank the same examples: the newest leads at moments that the champion has not learned from, or, where these hold
    too few wins, all newest leads, which flatters the champion. The challenger is the one fitted before them.

    Args:
        champion: None where rules score alone, or where it cannot be used.
        held_out: the newest examples: label, lead_id, as_of, the champion's features, and `challenger`, what the measured
            challenger says of each.
    """
    if isinstance(challenger, Fallback):
        if champion is None:
            return Decision("no_model", challenger.reason)
        return Decision("kept_out", f"the champion {champion.version} stays: {challenger.reason}")
    if champion is None or held_out is None:
        return Decision("champion", _standing(challenger))
    if challenger.version == champion.version:
        return Decision("champion", "the same model again")
    learned_to = champion.label_settled_at - timedelta(days=champion.horizon_days)
    fresh = held_out.filter(pl.col("as_of") > learned_to)
    rows = fresh if _is_enough(fresh) else held_out
    labels = rows["label"].to_numpy()
    low, high = bootstrap_difference(
        labels,
        rows["challenger"].to_numpy(),
        np.asarray(champion.predict(rows).to_numpy()),
        rows["lead_id"].to_numpy(),
        settings.bootstrap_samples,
        settings.seed,
    )
    where = "leads since its training" if rows is fresh else "the newest leads, some of which it learned from"
    told = f"AUC {low:+.3f} to {high:+.3f} against the champion {champion.version} on {where}"
    if high < 0:
        return Decision("kept_out", f"worse beyond noise: {told}", (low, high))
    return Decision("champion", f"{_standing(challenger)}; {told}", (low, high))


def _is_enough(rows: pl.DataFrame) -> bool:
    wins = int(rows["label"].sum())
    return min(wins, rows.height - wins) >= _LEAST_TO_COMPARE


def _standing(model: TrainedModel) -> str:
    measured = model.evaluation
    return (
        f"better than chance on the newest leads: AUC {measured.auc:.3f}, "
        f"95 % interval {measured.auc_low:.3f} to {measured.auc_high:.3f}"
    )
