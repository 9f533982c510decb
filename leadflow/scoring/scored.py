"""The scored leads: rules and model put together, one row per lead, with the reasons in order.

Belongs here: joining, mixing. Does not belong here: the order of reasons (ranked.py), who gets the lead and what is done next
whose columns stay null here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from leadflow.errors import LeadflowError
from leadflow.modelling.columns import Floats
from leadflow.policy import Policy
from leadflow.scoring.blend import Scale, combine, model_weight, tier
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.ranked import REASONS_SCHEMA, main_reasons, model_reasons, ranked_reasons, rule_reasons

__all__ = ["ML_SCHEMA", "REASONS_SCHEMA", "SCORED_SCHEMA", "Scored", "assemble", "blended"]

_VALUE = "expected contract value"
SCORED_SCHEMA = pl.Schema(
    [
        ("lead_id", pl.String),
        ("account_id", pl.String),
        ("company_name", pl.String),
        ("title", pl.String),
        ("seniority", pl.String),
        ("industry", pl.String),
        ("company_size", pl.Int64),
        ("country", pl.String),
        ("channel", pl.String),
        ("created_at", pl.Datetime("us")),
        ("last_activity_at", pl.Datetime("us")),
        ("static_score", pl.Float64),
        ("dynamic_score", pl.Float64),
        ("rule_score", pl.Float64),
        ("fit_grade", pl.String),
        ("engagement_level", pl.Int64),
        ("matrix_cell", pl.String),
        ("matrix_priority", pl.Int64),
        ("ml_probability", pl.Float64),
        ("ml_score", pl.Float64),
        ("score", pl.Float64),
        ("tier", pl.String),
        ("is_mature", pl.Boolean),
        ("expected_revenue", pl.Float64),
        ("top_reason_1", pl.String),
        ("top_reason_2", pl.String),
        ("top_reason_3", pl.String),
        ("owner", pl.String),
        ("next_action", pl.String),
        ("as_of", pl.Datetime("us")),
        ("scored_at", pl.Datetime("us")),
        ("policy_version", pl.String),
        ("model_version", pl.String),
    ]
)
ML_SCHEMA = pl.Schema(
    [
        ("lead_id", pl.String),
        ("ml_probability", pl.Float64),
        ("ml_score", pl.Float64),
        ("model_version", pl.String),
    ]
)


@dataclass(frozen=True)
class Scored:
    """The three tables of a scoring: SCORED_SCHEMA by lead_id, REASONS_SCHEMA by lead_id and rank, ML_SCHEMA."""

    scored_leads: pl.DataFrame
    score_reasons: pl.DataFrame
    ml_scores: pl.DataFrame


def assemble(
    leads: pl.DataFrame,
    features: pl.DataFrame,
    rule_scores: pl.DataFrame,
    rule_points: pl.DataFrame,
    model: TrainedModel | None,
    policy: Policy,
    as_of: datetime,
    expected_value: pl.Series | None = None,
) -> Scored:
    """Every lead scored, with its reasons.

    Without a model the score is the rule score and what the model would give is null. With one, both scores are put
    on the scale that was fixed at training and mixed; gates hold the result down to their max_score, and the tier is
    taken from what is left, unrounded.

    Reasons of rules and model share one ranking, by `effect`: how many points (of 0-100) the score would lose without
    that one reason, before any gate; a gate's is what it alone takes from the score. Where effects are equal, as at the ends of the scale, more rule points come first, then larger
    contributions, then the name. A lead has all of its rules, and of the model as many as policy.reasons says.

    Args:
        leads: lead_id, account_id, company_name, title, seniority, country, channel, created_at; one row per lead.
        features: lead_id, industry, company_size, last_activity_at and what the model uses; one row per lead.
        rule_scores, rule_points: RuleScores of these features.
        as_of: the refresh's moment, UTC without time zone.
        expected_value: contract value that each row of features is expected to have if won; None where it is not known.

    Raises:
        LeadflowError: a lead has no features or no rule score.
    """
    leads = leads if leads["lead_id"].is_sorted() else leads.sort("lead_id")
    if expected_value is not None:
        features = features.with_columns(expected_value.alias(_VALUE))
    features = _of(leads, features, "features")
    rule_scores = _of(leads, rule_scores, "rule score")
    scale = scale_of(model, policy)
    explained = None if model is None else model.explained(features)
    scores = blended(features, rule_scores, model, policy, None if explained is None else explained[0])
    reasons = rule_reasons(scores, rule_points, scale)
    if model is not None and explained is not None:
        seen = model_reasons(model, features, explained, scale, policy.reasons, as_of.date())
        reasons = pl.concat([reasons, seen])
    reasons = ranked_reasons(leads["lead_id"], reasons)
    value = (
        features[_VALUE].cast(pl.Float64) if expected_value is not None else pl.lit(None, dtype=pl.Float64)
    )
    scored = (
        leads.with_columns(
            *features.select("industry", "company_size", "last_activity_at"),
            *scores.drop("lead_id"),
            *main_reasons(reasons, leads.height, policy.reasons.language),
        )
        .with_columns(
            expected_revenue=pl.col("ml_probability") * value,
            owner=None,
            next_action=None,
            as_of=pl.lit(as_of),
            scored_at=pl.lit(as_of),
            policy_version=pl.lit(policy.version),
            model_version=pl.lit(None if model is None else model.version),
        )
        .select(SCORED_SCHEMA.names())
        .cast(SCORED_SCHEMA)
    )
    ml_scores = ML_SCHEMA.to_frame() if model is None else scored.select(ML_SCHEMA.names())
    return Scored(scored, reasons.select(REASONS_SCHEMA.names()).cast(REASONS_SCHEMA), ml_scores)


def blended(
    features: pl.DataFrame,
    rule_scores: pl.DataFrame,
    model: TrainedModel | None,
    policy: Policy,
    log_odds: Floats | None = None,
) -> pl.DataFrame:
    """The one score of each lead, without its reasons: what a backtest needs of very many leads.

    Args:
        features, rule_scores: one row per lead, both in the same order.
        log_odds: that the model gives these features, where they are known already.

    Returns:
        rule_scores with rule_scaled, ml_probability, ml_score (null without a model), ungated, score and tier.
    """
    scale = scale_of(model, policy)
    rule_scaled = scale.rule(rule_scores["rule_score"].to_numpy())
    told = {"rule_scaled": rule_scaled, "ungated": rule_scaled}
    if model is not None:
        probability = model.calibrated(model.log_odds(features) if log_odds is None else log_odds)
        ml_score = scale.ml(probability)
        told |= {"ml_probability": probability, "ml_score": ml_score}
        told["ungated"] = combine(rule_scaled, ml_score, scale.weight)
    unknown = [name for name in ("ml_probability", "ml_score") if name not in told]
    scores = rule_scores.with_columns(
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in told.items()),
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in unknown),
    )
    # Gates hold the score down after rules and model were mixed.
    scores = scores.with_columns(score=pl.min_horizontal("ungated", "max_score"))
    return scores.with_columns(tier(pl.col("score"), policy.tiers).alias("tier"))


def scale_of(model: TrainedModel | None, policy: Policy) -> Scale:
    """How a model's and the rules' scores become one under a policy; without a model rule scores stay as they are."""
    if model is None:
        return Scale()
    return Scale(model_weight(model.wins, policy.blend), model.rule_quantiles, model.probability_quantiles)


def _of(leads: pl.DataFrame, part: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of these leads, in their order."""
    if part["lead_id"].equals(leads["lead_id"]):
        return part
    lacking = leads.join(part, on="lead_id", how="anti")
    if lacking.height:
        raise LeadflowError(
            f"{lacking.height} leads have no {name}, such as lead {lacking['lead_id'].sort()[0]}",
            "refresh features and scoring together",
        )
    return part.join(leads.select("lead_id"), on="lead_id", how="semi").sort("lead_id")
