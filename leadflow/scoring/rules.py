"""Points by rule: which rules fire for a lead, on what fact, and the scores that follow from the points alone.

Belongs here: evaluating policy.rules on features. Does not belong here: whether one rule fires (leadflow/rule_points.py),
the model (model.py), mixing the two (blend.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from leadflow.errors import ConfigError
from leadflow.policy import GROUPS, Group, Policy, Rule
from leadflow.rule_points import attainable_points, fires, mismatch

SCORES_SCHEMA = pl.Schema(
    {
        "lead_id": pl.String,
        "static_points": pl.Float64,
        "dynamic_points": pl.Float64,
        "contact_points": pl.Float64,
        "static_score": pl.Float64,
        "dynamic_score": pl.Float64,
        "rule_score": pl.Float64,
        "fit_grade": pl.String,
        "engagement_level": pl.Int64,
        "is_mature": pl.Boolean,
    }
)
POINTS_SCHEMA = pl.Schema(
    {"lead_id": pl.String, "rule": pl.String, "points": pl.Float64, "fact": pl.String, "reason": pl.String}
)


@dataclass(frozen=True)
class RuleScores:
    """What the rules say.

    Attributes:
        scores: SCORES_SCHEMA, one row per row of the features and in their order. static_score and dynamic_score
            are null where no rule of the group gives points, and so are the grade or level taken from them.
        points: POINTS_SCHEMA, one row per lead and rule that fired, in the order of the features and the policy.
    """

    scores: pl.DataFrame
    points: pl.DataFrame


def score_rules(features: pl.DataFrame, policy: Policy) -> RuleScores:
    """Points and rule scores of leads.

    A rule whose feature is unknown for a lead (null, not a number, or infinite) does not fire. rule_score is the sum
    of all points, not below 0 nor above 100. static_score and dynamic_score are the group's points as a share of
    what the group can give at most (see `attainable_points`), 0 to 100.

    Args:
        features: `lead_id` and every column that a rule names.

    Raises:
        ConfigError: a rule names a feature that does not exist, or compares it with the wrong type of value.
    """
    policy = policy.scoring()
    features = _known_facts(features, policy.rules)
    for rule in policy.rules:
        _check_type(rule, features.schema)
    features = features.with_row_index("_row")
    fired = features.select(
        "_row",
        pl.col("lead_id").cast(pl.String),
        *(fires(rule, policy).alias(f"rule_{position}") for position, rule in enumerate(policy.rules)),
    )

    given = [
        pl.when(f"rule_{position}").then(pl.lit(rule.points)).otherwise(0.0).alias(f"rule_{position}")
        for position, rule in enumerate(policy.rules)
    ]
    scores = fired.with_columns(given).select(
        "lead_id",
        *(
            pl.sum_horizontal(
                pl.lit(0.0),
                *(f"rule_{position}" for position, rule in enumerate(policy.rules) if rule.group == group),
            ).alias(f"{group}_points")
            for group in GROUPS
        ),
    )
    scores = scores.with_columns(
        static_score=_share_of("static", policy),
        dynamic_score=_share_of("dynamic", policy),
        rule_score=pl.sum_horizontal(*(f"{group}_points" for group in GROUPS)).clip(0, 100),
    ).with_columns(
        fit_grade=fit_grade(pl.col("static_score"), policy),
        engagement_level=engagement_level(pl.col("dynamic_score"), policy),
        is_mature=pl.col("rule_score") >= policy.maturity_pass_mark,
    )
    return RuleScores(scores=scores.cast(SCORES_SCHEMA), points=_points(features, fired, policy))


def fit_grade(static_score: pl.Expr, policy: Policy) -> pl.Expr:
    """A, B, C or D by the lower bounds of policy.grades; null stays null."""
    bounds = policy.grades
    return (
        pl.when(static_score >= bounds.a_from).then(pl.lit("A"))
        .when(static_score >= bounds.b_from).then(pl.lit("B"))
        .when(static_score >= bounds.c_from).then(pl.lit("C"))
        .when(static_score.is_not_null()).then(pl.lit("D"))
    )  # fmt: skip


def engagement_level(dynamic_score: pl.Expr, policy: Policy) -> pl.Expr:
    """1 (most engaged) to 4 by the lower bounds of policy.levels; null stays null."""
    bounds = policy.levels
    return (
        pl.when(dynamic_score >= bounds.level_1_from).then(1)
        .when(dynamic_score >= bounds.level_2_from).then(2)
        .when(dynamic_score >= bounds.level_3_from).then(3)
        .when(dynamic_score.is_not_null()).then(4)
        .cast(pl.Int64)
    )  # fmt: skip


def _known_facts(features: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The features, with what is not a real number as null: polars holds NaN and infinity greater than any number."""
    named = {rule.when.feature for rule in rules}
    for rule in rules:
        if rule.when.feature not in features.columns:
            raise ConfigError(
                f"rule '{rule.name}' of the policy asks for feature '{rule.when.feature}', which does not exist",
                "use a column of features.lead_features",
            )
    floats = [name for name in features.columns if name in named and features.schema[name].is_float()]
    return features.with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in floats
    )


def _check_type(rule: Rule, schema: pl.Schema) -> None:
    dtype = schema[rule.when.feature]
    wanted = mismatch(rule, dtype)
    if wanted is not None:
        raise ConfigError(
            f"rule '{rule.name}' of the policy compares feature '{rule.when.feature}' with {wanted}, "
            f"but the feature is {dtype}",
            "compare it with a value of the feature's own type",
        )


def _share_of(group: Group, policy: Policy) -> pl.Expr:
    attainable = attainable_points(policy, group)
    if attainable <= 0:
        return pl.lit(None, dtype=pl.Float64)
    return (pl.col(f"{group}_points") * 100 / attainable).clip(0, 100)


def _points(features: pl.DataFrame, fired: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    parts = [
        features.filter(fired[f"rule_{position}"]).select(
            "_row",
            pl.lit(position).alias("_rule"),
            pl.col("lead_id").cast(pl.String),
            pl.lit(rule.name).alias("rule"),
            pl.lit(rule.points).alias("points"),
            pl.concat_str(pl.lit(f"{rule.when.feature} = "), pl.col(rule.when.feature).cast(pl.String)).alias(
                "fact"
            ),
            pl.lit(rule.reason).alias("reason"),
        )
        for position, rule in enumerate(policy.rules)
    ]
    if not parts:
        return POINTS_SCHEMA.to_frame()
    together = pl.concat(parts, how="vertical").sort("_row", "_rule")
    return together.select(POINTS_SCHEMA.names()).cast(POINTS_SCHEMA)
