"""The scored leads: rules and model put together, one row per lead, with the reasons in order.

Belongs here: joining, mixing, ranking reasons. Does not belong here: who gets the lead and what is done next
whose columns stay null here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from leadflow.errors import LeadflowError
from leadflow.modelling.attributes import is_attribute
from leadflow.modelling.columns import Floats
from leadflow.policy import Policy
from leadflow.scoring.blend import combine, model_weight, on_scale, tier
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.words import contribution_reason, is_known

MODEL_REASONS = 3  # strongest contributions told per lead
SMALLEST_EFFECT = 1e-9
"""Points (of 0-100) below which a reason changed nothing."""

SMALLEST_CONTRIBUTION = 0.05  # log-odds, about 5 % of the odds; less is not worth a sentence

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
REASONS_SCHEMA = pl.Schema(
    [
        ("lead_id", pl.String),
        ("rank", pl.Int64),
        ("source", pl.String),
        ("name", pl.String),
        ("points", pl.Float64),
        ("contribution", pl.Float64),
        ("effect", pl.Float64),
        ("fact", pl.String),
        ("fact_date", pl.Date),
        ("reason", pl.String),
        ("reason_zh", pl.String),
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


@dataclass(frozen=True)
class _Scale:
    """How the two scores become one: the model's share, and the reference of either."""

    weight: float
    model: TrainedModel | None

    def rule(self, rule_score: Floats) -> Floats:
        if self.model is None or self.model.rule_quantiles is None:
            return rule_score
        return on_scale(rule_score, self.model.rule_quantiles)

    def ml(self, ml_probability: Floats) -> Floats:
        return on_scale(ml_probability, self.model.probability_quantiles) if self.model else ml_probability


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
    contributions, then the name. A lead has all of its rules and at most MODEL_REASONS of the model.

    Args:
        leads: lead_id, account_id, company_name, title, seniority, country, channel, created_at; one row per lead.
        features: lead_id, industry, company_size, last_activity_at and what the model uses; one row per lead.
        rule_scores, rule_points: RuleScores of these features.
        as_of: the refresh's moment, UTC without time zone.
        expected_value: contract value that each row of features is expected to have if won; None where it is not known.

    Raises:
        LeadflowError: a lead has no features or no rule score.
    """
    for part, name in ((features, "features"), (rule_scores, "rule score")):
        lacking = leads.join(part, on="lead_id", how="anti")
        if lacking.height:
            raise LeadflowError(
                f"{lacking.height} leads have no {name}, such as lead {lacking['lead_id'].sort()[0]}",
                "refresh features and scoring together",
            )
    values = features.select("lead_id", expected_value=expected_value)
    features = features.join(leads.select("lead_id"), on="lead_id", how="semi").sort("lead_id")
    rule_scores = rule_scores.join(leads.select("lead_id"), on="lead_id", how="semi").sort("lead_id")
    scores = blended(features, rule_scores, model, policy)
    scale = _scale_of(model, policy)
    reasons = _reasons(features, scores, rule_points, scale)
    version = None if model is None else model.version
    scored = (
        leads.join(features.select("lead_id", "industry", "company_size", "last_activity_at"), on="lead_id")
        .join(scores, on="lead_id")
        .join(values, on="lead_id")
        .join(_top(reasons), on="lead_id", how="left")
        .with_columns(
            expected_revenue=pl.col("ml_probability") * pl.col("expected_value").cast(pl.Float64),
            owner=None,
            next_action=None,
            as_of=pl.lit(as_of),
            scored_at=pl.lit(as_of),
            policy_version=pl.lit(policy.version),
            model_version=pl.lit(version),
        )
        .sort("lead_id")
    )
    ml_scores = ML_SCHEMA.to_frame() if model is None else scored.select(ML_SCHEMA.names()).cast(ML_SCHEMA)
    return Scored(scored.select(SCORED_SCHEMA.names()).cast(SCORED_SCHEMA), reasons, ml_scores)


def blended(
    features: pl.DataFrame, rule_scores: pl.DataFrame, model: TrainedModel | None, policy: Policy
) -> pl.DataFrame:
    """The one score of each lead, without its reasons: what a backtest needs of very many leads.

    Args:
        features, rule_scores: one row per lead, both in the same order.

    Returns:
        rule_scores with rule_scaled, ml_probability, ml_score (null without a model), ungated, score and tier.
    """
    scale = _scale_of(model, policy)
    rule_scaled = scale.rule(rule_scores["rule_score"].to_numpy())
    if model is None:
        unknown = pl.lit(None, dtype=pl.Float64)
        scores = rule_scores.with_columns(
            rule_scaled=pl.Series(rule_scaled),
            ml_probability=unknown,
            ml_score=unknown,
            ungated=pl.Series(rule_scaled, dtype=pl.Float64),
        )
    else:
        probability = model.predict(features)
        ml_score = scale.ml(probability.to_numpy())
        scores = rule_scores.with_columns(
            rule_scaled=pl.Series(rule_scaled),
            ml_probability=probability.cast(pl.Float64),
            ml_score=pl.Series(ml_score),
            ungated=pl.Series(combine(rule_scaled, ml_score, scale.weight), dtype=pl.Float64),
        )
    # Gates hold the score down after rules and model were mixed.
    scores = scores.with_columns(score=pl.min_horizontal("ungated", "max_score"))
    return scores.with_columns(tier(pl.col("score"), policy.tiers).alias("tier"))


def _scale_of(model: TrainedModel | None, policy: Policy) -> _Scale:
    return _Scale(0.0 if model is None else model_weight(model.wins, policy.blend), model)


def _reasons(
    features: pl.DataFrame, scores: pl.DataFrame, rule_points: pl.DataFrame, scale: _Scale
) -> pl.DataFrame:
    together = pl.concat([_rule_reasons(scores, rule_points, scale), _model_reasons(features, scores, scale)])
    ranked = together.sort(
        "lead_id",
        pl.col("effect").abs().round(9),  # so that the last digits of equal effects do not decide
        pl.col("points").abs().fill_null(0.0),
        pl.col("contribution").abs().fill_null(0.0),
        "name",
        descending=[False, True, True, True, False],
    )
    return (
        ranked.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("lead_id"))
        .select(REASONS_SCHEMA.names())
        .cast(REASONS_SCHEMA)
    )


def _rule_reasons(scores: pl.DataFrame, rule_points: pl.DataFrame, scale: _Scale) -> pl.DataFrame:
    fired = rule_points.join(
        scores.select("lead_id", "rule_scaled", "ungated"), on="lead_id", how="inner", maintain_order="left"
    )
    without = fired["rule_score_without"].fill_null(0.0).to_numpy()
    added = (1 - scale.weight) * (fired["rule_scaled"].to_numpy() - scale.rule(without))
    taken = pl.min_horizontal("ungated", "max_score") - pl.col("ungated")
    return fired.select(
        "lead_id",
        "source",
        pl.col("rule").alias("name"),
        "points",
        pl.lit(None, dtype=pl.Float64).alias("contribution"),
        pl.when(pl.col("source") == "gate").then(taken).otherwise(pl.Series(added)).alias("effect"),
        "fact",
        "fact_date",
        "reason",
        "reason_zh",
    )


def _model_reasons(features: pl.DataFrame, scores: pl.DataFrame, scale: _Scale) -> pl.DataFrame:
    none = REASONS_SCHEMA.to_frame().drop("rank")
    if scale.model is None:
        return none
    contributions = scale.model.contributions(features).to_numpy()
    strongest = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :MODEL_REASONS]
    is_told = np.zeros(contributions.shape, dtype=bool)
    np.put_along_axis(is_told, strongest, True, axis=1)
    is_told &= np.abs(contributions) >= SMALLEST_CONTRIBUTION

    ml_score, odds_log = scores["ml_score"].to_numpy(), scale.model.log_odds(features)
    parts = [none]
    for at, feature in enumerate(scale.model.feature_names):
        told = is_told[:, at]
        added = contributions[told, at]
        without = scale.ml(scale.model.calibrated(odds_log[told] - added))
        rows = features.filter(pl.Series(told)).with_columns(
            contribution=pl.Series(added), effect=pl.Series(scale.weight * (ml_score[told] - without))
        )
        dtype = features.schema[feature]
        known = pl.when(is_known(feature, dtype)).then(pl.col(feature).cast(pl.String))
        value = pl.lit("not shown") if is_attribute(feature) else known.otherwise(pl.lit("unknown"))
        parts.append(
            rows.select(
                pl.col("lead_id").cast(pl.String),
                pl.lit("model").alias("source"),
                pl.lit(feature).alias("name"),
                pl.lit(None, dtype=pl.Float64).alias("points"),
                "contribution",
                "effect",
                pl.concat_str(pl.lit(f"{feature} = "), value).alias("fact"),
                pl.lit(None, dtype=pl.Date).alias("fact_date"),
                contribution_reason(feature, dtype, pl.col("contribution")).alias("reason"),
                pl.lit(None, dtype=pl.String).alias("reason_zh"),
            )
        )
    return pl.concat(parts)


def _top(reasons: pl.DataFrame) -> pl.DataFrame:
    """The first three reasons of each lead as columns.

    Negative points that changed nothing, since the score is at its lower end without them, are no main reason.
    """
    is_idle = (pl.col("points").fill_null(0) < 0) & (pl.col("effect").abs() < SMALLEST_EFFECT)
    return (
        reasons.filter(~is_idle)
        .group_by("lead_id", maintain_order=True)
        .agg(pl.col("reason").get(at, null_on_oob=True).alias(f"top_reason_{at + 1}") for at in range(3))
    )
