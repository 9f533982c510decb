"""The scores that gains are measured on: of leads that what scored them had not learned from.

Belongs here: choosing and scoring those rows. Does not belong here: the gains (gains.py), training (training.py).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from leadflow.modelling.evaluate import one_of_each
from leadflow.modelling.splits import settled, split_forward
from leadflow.policy import Policy, Training
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.scored import scale_of

MEASURED = ("lead_id", "as_of", "label", "score")


def scored_by_model(newest: pl.DataFrame, model: TrainedModel, policy: Policy) -> pl.DataFrame:
    """MEASURED of the newest leads at the champion's training, one row a lead: mixed as scores are mixed now.

    Args:
        newest: rows of scoring.newest_scores of the champion.
    """
    scale = scale_of(model, policy)
    mixed = scale.mixed(newest["rule_score"].to_numpy(), newest["ml_probability"].to_numpy())
    scored = newest.with_columns(score=pl.Series(mixed, dtype=pl.Float64)).select(MEASURED)
    return _one_a_lead(scored, policy.training.seed)


def scored_by_rules(examples: pl.DataFrame, settings: Training) -> pl.DataFrame:
    """MEASURED of the newest labelled examples, one row a lead, by rules alone, which have learned from nothing.

    Args:
        examples: lead_id, as_of, label and rule_score.
    """
    known = settled(examples, settings).sort("as_of", "lead_id")
    if not known.height:
        return known.select("lead_id", "as_of", "label", score="rule_score")
    newest = split_forward(known, settings)[1].select("lead_id", "as_of", "label", score="rule_score")
    return _one_a_lead(newest, settings.seed)


def _one_a_lead(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One moment of each lead, drawn: a lead is called once, however often it was looked at."""
    ordered = rows.sort("lead_id", "as_of")
    drawn = np.argsort(np.random.default_rng(seed).permutation(ordered.height))
    return ordered[one_of_each(ordered["lead_id"].to_numpy(), drawn)].sort("as_of", "lead_id")


def weeks_of(rows: pl.DataFrame) -> float | None:
    """How long the rows' leads took to come in, by their first moments; None where that is no time."""
    first = rows.group_by("lead_id").agg(pl.col("as_of").min())["as_of"]
    lasted = (first.max() - first.min()) / timedelta(weeks=1) if len(first) else 0.0  # type: ignore[operator]
    return float(lasted) if lasted > 0 else None
