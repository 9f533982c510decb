"""account_fit without segments: what the static rules say of an account.

Belongs here: the share of firmographic points. Does not belong here: leads' rule scores (scoring/rules.py).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from leadflow.icp.account_fit import FIT_COLUMNS, REASONS
from leadflow.icp.coding import FACTS, readable_facts
from leadflow.icp.profile import Profile
from leadflow.policy import Policy
from leadflow.rule_points import attainable_points, fires, mismatch


def fit_by_rules(facts: pl.DataFrame, policy: Policy, profile: Profile, as_of: datetime) -> pl.DataFrame:
    """FIT_COLUMNS, one row per account, by account_id.

    account_fit is the sum of points of the static rules on facts about the company, as a share of what they can give at
    most, 0 to 100. It is null where none of these facts is known of the account, or no such rule gives points.

    Args:
        facts: rows of icp.account_facts.
        policy: whose rules.
        profile: for its moment.
        as_of: the refresh's moment, from which the fit is known.
    """
    readable = readable_facts(facts)
    accounts = facts.with_columns(
        readable["company_size"],
        readable["industry"],
        readable["country"],
    ).sort("account_id")
    rules = [
        rule
        for rule in policy.rules
        if rule.group == "static"
        and rule.when.feature in FACTS
        and mismatch(rule, accounts.schema[rule.when.feature]) is None
    ]
    used = sorted({rule.when.feature for rule in rules})
    attainable = attainable_points(policy, "static", used)
    if not rules or attainable <= 0:
        made = accounts.select("account_id").with_columns(
            pl.lit(None, dtype=pl.Float64).alias("account_fit"),
            pl.lit(0).alias("known_facts"),
            **_no_reasons(),
        )
    else:
        points = pl.sum_horizontal(fires(rule, policy) * pl.lit(policy.points_of(rule)) for rule in rules)
        known = pl.sum_horizontal(pl.col(fact).is_not_null().cast(pl.Int64) for fact in used)
        told = pl.concat_list(
            pl.when(fires(rule, policy)).then(pl.lit(rule.reason))
            for rule in sorted(rules, key=lambda rule: -abs(policy.points_of(rule)))
        ).list.drop_nulls()
        made = accounts.select(
            "account_id",
            pl.when(known > 0).then((points * 100 / attainable).clip(0, 100).round(2)).alias("account_fit"),
            known.alias("known_facts"),
            *(
                told.list.get(place, null_on_oob=True).alias(f"reason_{place + 1}")
                for place in range(REASONS)
            ),
        )
    return made.with_columns(
        method=pl.lit("rules"),
        segment_id=pl.lit(None, dtype=pl.String),
        is_in_segment=pl.lit(None, dtype=pl.Boolean),
        ideal_distance=pl.lit(None, dtype=pl.Float64),
        fitted_as_of=pl.lit(profile.fitted_as_of),
        known_at=pl.lit(as_of),
    ).select(pl.col(name).cast(dtype) for name, dtype in FIT_COLUMNS.items())


def _no_reasons() -> dict[str, pl.Expr]:
    return {f"reason_{place + 1}": pl.lit(None, dtype=pl.String) for place in range(REASONS)}
