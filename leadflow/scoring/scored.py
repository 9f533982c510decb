"""The scored leads: rules and model put together, one row per lead, with the reasons in order.

Belongs here: joining, mixing, ranking reasons. Does not belong here: who gets the lead and what is done next
whose columns stay null here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from leadflow.errors import LeadflowError
from leadflow.modelling.columns import Floats
from leadflow.policy import Policy
from leadflow.reasons_policy import Reasons
from leadflow.scoring.blend import combine, model_weight, on_scale, tier
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.reasons import Places, group_contributions, told_groups, told_reasons
from leadflow.scoring.words import Language

_VALUE = "expected contract value"
SMALLEST_EFFECT = 1e-9
"""Points (of 0-100) below which a reason changed nothing."""

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
_UNRANKED = pl.Schema(
    {"lead": pl.Int64}
    | {name: kind for name, kind in REASONS_SCHEMA.items() if name not in ("lead_id", "rank")}
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
    features = _of(
        leads,
        features.with_columns(
            expected_value.alias(_VALUE) if expected_value is not None else pl.lit(None).alias(_VALUE)
        ),
        "features",
    )
    rule_scores = _of(leads, rule_scores, "rule score")
    scale = _Scale(0.0 if model is None else model_weight(model.wins, policy.blend), model)
    rule_scaled = scale.rule(rule_scores["rule_score"].to_numpy())
    saw = None if model is None else _Saw(model, features, scale)
    ungated = rule_scaled if saw is None else combine(rule_scaled, saw.ml_score, scale.weight)
    rule_scores = rule_scores.with_columns(
        rule_scaled=pl.Series(rule_scaled), ungated=pl.Series(ungated, dtype=pl.Float64)
    ).with_columns(score=pl.min_horizontal("ungated", "max_score"))
    reasons = _ranked(
        leads["lead_id"],
        _rule_reasons(rule_scores, rule_points, scale),
        _UNRANKED.to_frame() if saw is None else saw.reasons(policy.reasons, as_of.date()),
    )
    scored = (
        leads.with_columns(
            *features.select("industry", "company_size", "last_activity_at"),
            *rule_scores.drop("lead_id"),
            *_top(reasons, leads.height, policy.reasons.language),
            ml_probability=None if saw is None else pl.Series(saw.ml_probability),
            ml_score=None if saw is None else pl.Series(saw.ml_score),
        )
        .with_columns(
            tier(pl.col("score"), policy.tiers).alias("tier"),
            expected_revenue=pl.col("ml_probability") * features[_VALUE].cast(pl.Float64),
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


class _Saw:
    """What the model makes of the leads: log-odds once, from which all else follows."""

    def __init__(self, model: TrainedModel, features: pl.DataFrame, scale: _Scale) -> None:
        """Score the leads."""
        self._model, self._features, self._scale = model, features, scale
        self._log_odds = model.log_odds(features)
        self.ml_probability = model.calibrated(self._log_odds)
        self.ml_score = scale.ml(self.ml_probability)

    def reasons(self, settings: Reasons, as_of: date) -> pl.DataFrame:
        """_UNRANKED of what the policy has told; an effect is what the score would lose without that one group."""
        grouped = group_contributions(self._model.contributions(self._features))
        told = told_groups(grouped, settings)
        without = self._scale.ml(self._model.calibrated(self._log_odds[told.lead] - told.added))
        effect = self._scale.weight * (self.ml_score[told.lead] - without)
        return (
            told_reasons(told, grouped, self._features, effect, as_of, self._model.seen_values())
            .with_columns(source=pl.lit("model"), points=pl.lit(None, dtype=pl.Float64))
            .select(_UNRANKED.names())
        )


def _rule_reasons(rule_scores: pl.DataFrame, rule_points: pl.DataFrame, scale: _Scale) -> pl.DataFrame:
    """_UNRANKED of every rule that fired, what caps took, and gates that hold.

    Args:
        rule_scores: with rule_scaled, ungated and score.
    """
    fired = rule_points.join(
        rule_scores.select("lead_id", "rule_scaled", "ungated").with_row_index("lead"),
        on="lead_id",
        how="inner",
        maintain_order="left",
    )
    without = fired["rule_score_without"].fill_null(0.0).to_numpy()
    added = (1 - scale.weight) * (fired["rule_scaled"].to_numpy() - scale.rule(without))
    taken = pl.min_horizontal("ungated", "max_score") - pl.col("ungated")
    return (
        fired.rename({"rule": "name"})
        .with_columns(
            effect=pl.when(pl.col("source") == "gate").then(taken).otherwise(pl.Series(added)),
            contribution=pl.lit(None, dtype=pl.Float64),
        )
        .select(_UNRANKED.names())
        .cast(_UNRANKED)
    )


def _ranked(lead_ids: pl.Series, *parts: pl.DataFrame) -> pl.DataFrame:
    """All reasons by lead and rank, with their lead_id."""
    ranked = pl.concat(parts).sort(
        "lead",
        pl.col("effect").abs().round(9),  # so that the last digits of equal effects do not decide
        pl.col("points").abs().fill_null(0.0),
        pl.col("contribution").abs().fill_null(0.0),
        "name",
        descending=[False, True, True, True, False],
    )
    lead = ranked["lead"].to_numpy()
    return ranked.with_columns(
        lead_ids.gather(lead).alias("lead_id"),
        pl.Series("rank", _place_in_run(lead) + 1, dtype=pl.Int64),
    )


def _top(reasons: pl.DataFrame, leads: int, language: Language) -> list[pl.Series]:
    """The first three reasons of each lead, in columns and in the policy's language where they are told in it.

    Negative points that changed nothing, since the score is at its lower end without them, are no main reason.
    """
    is_idle = (pl.col("points").fill_null(0) < 0) & (pl.col("effect").abs() < SMALLEST_EFFECT)
    main = reasons.filter(~is_idle)
    sentence = main["reason"]
    if language == "zh":
        sentence = main.select(pl.coalesce("reason_zh", "reason")).to_series()
    lead = main["lead"].to_numpy()
    place = _place_in_run(lead)
    columns = []
    for at in range(3):
        rows = np.full(leads, -1)
        rows[lead[place == at]] = np.flatnonzero(place == at)
        chosen = pl.Series(rows).replace(-1, None)
        columns.append(sentence.gather(chosen).alias(f"top_reason_{at + 1}"))
    return columns


def _place_in_run(values: Places) -> Places:
    """How many equal values stand before each, in values whose equals stand together."""
    places = np.arange(len(values))
    begins = np.append(True, values[1:] != values[:-1])[: len(values)]
    return places - np.maximum.accumulate(np.where(begins, places, 0))
