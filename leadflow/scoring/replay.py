"""Scoring as of any moment: what a refresh of that moment would have written, from features of that moment.

Belongs here: putting rules, model and reasons together as the asset scored_leads does. Does not belong here: where features
of a past moment come from (replay_inputs.py), what is made of the scores (backtest.py, the command explain).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from leadflow.modelling.attributes import with_attributes
from leadflow.policy import Policy
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.rules import RuleScores, score_rules
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
) -> Scored:
    """Leads scored with their reasons, as of a moment.

    Args:
        leads: golden records as of the moment, columns as of identity.leads; leads without features at the moment were
            not known then and are left out.
        features: features(spine) of the moment, attributes as a JSON object.
        declared: type by name of the declared attributes.
        as_of: the moment, UTC without time zone.
        activity: daily activity of the leads by counted rule; see `rule_scores`.
    """
    known = leads.join(features.select("lead_id"), on="lead_id", how="semi")
    wide = with_attributes(features, declared)
    rules = rule_scores(wide, policy, activity)
    return assemble(known, wide, rules.scores, rules.points, model, policy, as_of)


def scores_at(
    features: pl.DataFrame,
    policy: Policy,
    model: TrainedModel | None,
    declared: Mapping[str, str],
    activity: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Leads scored without reasons: SCORES_READ, by lead_id. Arguments as of `scored_at`."""
    wide = with_attributes(features, declared).sort("lead_id")
    return blended(wide, rule_scores(wide, policy, activity).scores, model, policy).select(SCORES_READ)


def rule_scores(features: pl.DataFrame, policy: Policy, activity: pl.DataFrame | None = None) -> RuleScores:
    """The one place where a replay asks the rules; `activity` is what rules that count need beside features."""
    del activity  # no rule counts yet
    return score_rules(features, policy)
