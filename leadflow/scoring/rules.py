"""Rule scores: which rules fire for a lead, and the scores, grade, level and priority that follow from the points alone.

Belongs here: evaluating policy.rules on features and on what leads did. Does not belong here: whether one rule fires
(leadflow/rule_points.py), counting times (counted.py), the account of every point (points.py), the model (model.py), mixing the
two (blend.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from leadflow.errors import ConfigError, LeadflowError
from leadflow.policy import GROUPS, Gate, Group, Policy, Rule
from leadflow.rule_points import attainable_points, fires, mismatch
from leadflow.scoring.counted import COUNTED_SCHEMA, counted_points
from leadflow.scoring.points import POINTS_SCHEMA, capped, points_frame, rule_score

__all__ = ["POINTS_SCHEMA", "SCORES_SCHEMA", "RuleScores", "engagement_level", "fit_grade", "score_rules"]

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
        "matrix_cell": pl.String,
        "matrix_priority": pl.Int64,
        "max_score": pl.Float64,
        "is_mature": pl.Boolean,
    }
)


@dataclass(frozen=True)
class RuleScores:
    """What the rules say.

    Attributes:
        scores: SCORES_SCHEMA, one row per row of the features and in their order. static_score and dynamic_score
            are null where no rule of the group gives points, and so are the grade or level taken from them. max_score
            is the lowest of the gates that hold, null where none does.
        points: POINTS_SCHEMA, one row per lead and rule that fired, cap that took points and gate that holds, in the order
            of the features and the policy.
    """

    scores: pl.DataFrame
    points: pl.DataFrame


def score_rules(
    features: pl.DataFrame,
    policy: Policy,
    activity: pl.DataFrame | None = None,
    fact_dates: pl.DataFrame | None = None,
) -> RuleScores:
    """Points and rule scores of leads.

    A rule whose feature is unknown for a lead (null, not a number, or infinite) does not fire, and such a gate does not
    hold. A group's points are kept within its cap. rule_score is the sum of the groups', not below 0 nor above caps.total.
    static_score and dynamic_score are the group's points as a share of what the group can give at most (see
    `attainable_points`), 0 to 100.

    Args:
        features: `lead_id`, every column that a rule or gate names, and `as_of`, without which nothing counted has a day.
        activity: lead_id as in features, measure, days_ago, occurrences: what leads did by day, at least of the measures
            that rules count; rows of features.lead_rule_activity.
        fact_dates: lead_id and columns of features.lead_fact_dates; without it points that do not count have no day.

    Raises:
        ConfigError: a rule names a feature that does not exist, or compares it with the wrong type of value.
        LeadflowError: a rule counts times, and no activity is given.
    """
    policy = policy.scoring()
    plain: list[Rule | Gate] = [rule for rule in policy.rules if not rule.is_counted]
    plain += policy.gates
    features = _known_facts(features, plain)
    for rule in plain:
        _check_type(rule, features.schema)
    counted = _counted(policy, activity)
    rows = _with_points(_rows(features, plain, fact_dates), counted, policy)
    rows = rows.with_columns(
        pl.sum_horizontal(
            pl.lit(0.0), *(f"rule_{place}" for place, rule in enumerate(policy.rules) if rule.group == group)
        ).alias(f"raw_{group}")
        for group in GROUPS
    )
    scores = rows.select(
        "lead_id",
        *(capped(group, policy, pl.col(f"raw_{group}")).alias(f"{group}_points") for group in GROUPS),
        pl.min_horizontal(
            pl.lit(None, dtype=pl.Float64),
            *(pl.when(fires(gate, policy)).then(pl.lit(gate.max_score)) for gate in policy.gates),
        ).alias("max_score"),
    ).with_columns(
        static_score=_share_of("static", policy),
        dynamic_score=_share_of("dynamic", policy),
        rule_score=rule_score(pl.sum_horizontal(f"{group}_points" for group in GROUPS), policy),
    ).with_columns(
        fit_grade=fit_grade(pl.col("static_score"), policy),
        engagement_level=engagement_level(pl.col("dynamic_score"), policy),
        is_mature=pl.col("rule_score") >= policy.maturity_pass_mark,
    ).with_columns(matrix_cell=pl.format("{}{}", "fit_grade", "engagement_level")).with_columns(
        matrix_priority=pl.col("matrix_cell").replace_strict(
            policy.matrix.priorities, default=None, return_dtype=pl.Int64
        )
    )  # fmt: skip
    return RuleScores(
        scores=scores.select(SCORES_SCHEMA.names()).cast(SCORES_SCHEMA),
        points=points_frame(rows, counted, policy),
    )


def _with_points(rows: pl.DataFrame, counted: Mapping[int, pl.DataFrame], policy: Policy) -> pl.DataFrame:
    """The rows with what each rule gave, `rule_<place>`, 0 where it did not fire."""
    for place, rule in enumerate(policy.rules):
        name = f"rule_{place}"
        if rule.is_counted:
            given = counted[place].select("lead_id", pl.col("points").alias(name))
            rows = rows.join(given, on="lead_id", how="left", maintain_order="left")
            points = pl.col(name).fill_null(0.0)
        else:
            points = pl.when(fires(rule, policy)).then(pl.lit(policy.points_of(rule))).otherwise(0.0)
        rows = rows.with_columns(points.cast(pl.Float64).alias(name))
    return rows


def _counted(policy: Policy, activity: pl.DataFrame | None) -> dict[int, pl.DataFrame]:
    """COUNTED_SCHEMA by the place of each rule that counts times."""
    counted = {place: rule for place, rule in enumerate(policy.rules) if rule.is_counted}
    if counted and activity is None:
        names = ", ".join(rule.name for rule in counted.values())
        raise LeadflowError(
            f"the rules {names} count what leads did, and it is not known by day",
            "score with features.lead_rule_activity",
        )
    return {
        place: COUNTED_SCHEMA.to_frame()
        if activity is None
        else counted_points(activity, rule, policy.points_of(rule))
        for place, rule in counted.items()
    }


def _rows(
    features: pl.DataFrame, plain: Sequence[Rule | Gate], fact_dates: pl.DataFrame | None
) -> pl.DataFrame:
    """What points are made of: the facts that rules name, and the days that they are of."""
    named = sorted({rule.when.feature for rule in plain})
    as_of = pl.col("as_of") if "as_of" in features.columns else pl.lit(None)
    rows = features.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("_row"),
        pl.col("lead_id").cast(pl.String),
        *(name for name in named if name != "lead_id"),
        as_of.cast(pl.Date).alias("as_of_date"),
    )
    if fact_dates is None:
        return rows
    dates = fact_dates.select(
        "lead_id",
        *(name for name in fact_dates.columns if name.endswith("_date") and name not in rows.columns),
    )
    return rows.join(dates, on="lead_id", how="left", maintain_order="left")


def score_examples(examples: pl.DataFrame, policy: Policy, activity: pl.DataFrame | None = None) -> pl.Series:
    """rule_score of examples, row by row: a lead has one for each of its moments.

    Args:
        examples: lead_id, as_of and what `score_rules` takes of features.
        activity: what `score_rules` takes, with the as_of of the example beside lead_id.
    """
    moment = pl.format("{} {}", "lead_id", "as_of")
    days = None if activity is None else activity.with_columns(lead_id=moment)
    return score_rules(examples.with_columns(lead_id=moment), policy, days).scores["rule_score"]


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


def _known_facts(features: pl.DataFrame, rules: Sequence[Rule | Gate]) -> pl.DataFrame:
    """The features, with what is not a real number as null: polars holds NaN and infinity greater than any number."""
    named = {rule.when.feature for rule in rules}
    for rule in rules:
        if rule.when.feature not in features.columns:
            raise ConfigError(
                f"{_kind(rule)} '{rule.name}' of the policy asks for feature '{rule.when.feature}', which does not exist",
                "use a column of features.lead_features",
            )
    floats = [name for name in features.columns if name in named and features.schema[name].is_float()]
    return features.with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in floats
    )


def _kind(rule: Rule | Gate) -> str:
    return "gate" if isinstance(rule, Gate) else "rule"


def _check_type(rule: Rule | Gate, schema: pl.Schema) -> None:
    dtype = schema[rule.when.feature]
    wanted = mismatch(rule, dtype)
    if wanted is not None:
        raise ConfigError(
            f"{_kind(rule)} '{rule.name}' of the policy compares feature '{rule.when.feature}' with {wanted}, "
            f"but the feature is {dtype}",
            "compare it with a value of the feature's own type",
        )


def _share_of(group: Group, policy: Policy) -> pl.Expr:
    attainable = attainable_points(policy, group)
    if attainable <= 0:
        return pl.lit(None, dtype=pl.Float64)
    return (pl.col(f"{group}_points") * 100 / attainable).clip(0, 100)
