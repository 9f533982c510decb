"""Scoring as of any moment: what a refresh of that moment would have written, from features of that moment.

Belongs here: putting rules, model and reasons together as the asset scored_leads does. Does not belong here: where features
of a past moment come from (cli/past.py), what is made of the scores (backtest.py, the command explain).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from leadflow.modelling.attributes import with_attributes
from leadflow.policy import Policy
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.revenue import ValueModel
from leadflow.scoring.rules import score_rules
from leadflow.scoring.scored import Scored, assemble, blended

SCORES_READ = ("lead_id", "rule_score", "ml_probability", "score", "tier")
"""What is kept of a lead's score where its reasons are not asked for."""


def scored_at(
    leads: pl.DataFrame,
    features: pl.DataFrame,
    policy: Policy,
    model: TrainedModel | None,
    declared: Mapping[str, str],
    as_of: datetime,
    activity: pl.DataFrame | None = None,
    fact_dates: pl.DataFrame | None = None,
) -> Scored:
    """Leads scored with their reasons, as of a moment.

    Args:
        leads: golden records as of the moment, columns as of identity.leads; leads without features at the moment were
            not known then and are left out.
        features: features(spine) of the moment, attributes as a JSON object.
        declared: type by name of the declared attributes.
        as_of: the moment, UTC without time zone.
        activity: what the leads did by day, at least of the measures that rules count; see `score_rules`.
        fact_dates: the days of the facts of the moment; without them only what counts has a day.
    """
    known = leads.join(features.select("lead_id"), on="lead_id", how="semi")
    wide = with_attributes(features, declared)
    rules = score_rules(wide, policy, activity, fact_dates)
    values = None if model is None or model.values is None else ValueModel.from_dict(model.values)
    expected = None if values is None else values.predict(wide)
    return assemble(known, wide, rules.scores, rules.points, model, policy, as_of, expected)


def scores_at(
    features: pl.DataFrame,
    policy: Policy,
    model: TrainedModel | None,
    declared: Mapping[str, str],
    activity: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Leads scored without reasons: SCORES_READ, by lead_id. Arguments as of `scored_at`."""
    wide = with_attributes(features, declared).sort("lead_id")
    return blended(wide, score_rules(wide, policy, activity).scores, model, policy).select(SCORES_READ)
