"""Points of rules that count times: how often a lead did a thing, how lately, and what that comes to.

Belongs here: frequency caps, decay in whole days and a rule's own cap, over what leads did by day. Does not belong here: which
of it was known (the macro activity_days), caps of groups and the scores (rules.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.policy import Rule
from leadflow.rule_points import DIGITS

COUNTED_SCHEMA = pl.Schema(
    {"lead_id": pl.String, "points": pl.Float64, "times": pl.Int64, "days_ago": pl.Int64}
)
_SLACK = 1e-6  # occurrences are sums of floats, rounded to six decimals where they were written
_NOTHING = 0.5 * 10.0**-DIGITS


def counted_points(activity: pl.DataFrame, rule: Rule, points: float) -> pl.DataFrame:
    """COUNTED_SCHEMA, one row per lead that the rule gives points to or takes some from, by lead_id.

    Of each day the whole occurrences count, per_day of them at most; the newest first, until `times` have counted. Each
    gives `points`, times the share that decay leaves of its day; on the as_of day (days_ago 0) that is all of it. The sum is
    rounded to DIGITS decimals and kept within the rule's cap. What rounds to nothing is no row.

    Args:
        activity: lead_id, measure, days_ago (whole UTC days before the as_of day), occurrences; in any order, and a
            day of a lead may come in several rows.
        rule: one that counts times.
        points: of one time, before decay.

    Returns:
        lead_id, points, times that counted, and days_ago of the newest of them.
    """
    count = rule.frequency
    is_within = (pl.col("measure") == rule.when.feature) & (pl.col("days_ago") >= 0)
    if rule.days_back is not None:
        is_within &= pl.col("days_ago") <= rule.days_back
    whole = (pl.col("occurrences").sum() + _SLACK).floor()
    days = (
        activity.filter(is_within & pl.col("occurrences").is_finite())
        .group_by(pl.col("lead_id").cast(pl.String), pl.col("days_ago").cast(pl.Int64))
        .agg((whole if count.per_day is None else whole.clip(upper_bound=count.per_day)).alias("occurred"))
        .filter(pl.col("occurred") > 0)
        .sort("lead_id", "days_ago")
    )
    before = pl.col("occurred").cum_sum().over("lead_id") - pl.col("occurred")
    taken = (
        pl.col("occurred")
        if count.times is None
        else pl.min_horizontal(pl.col("occurred"), (count.times - before).clip(lower_bound=0))
    )
    days = days.with_columns(taken.alias("taken")).filter(pl.col("taken") > 0)
    given = points * days["taken"].to_numpy() * _shares_left(rule, days["days_ago"])
    total = pl.col("given").sum().round(DIGITS)
    return (
        days.with_columns(given=pl.Series(given, dtype=pl.Float64))
        .group_by("lead_id", maintain_order=True)
        .agg(
            (total if rule.cap is None else total.clip(-rule.cap, rule.cap)).alias("points"),
            pl.col("taken").sum().cast(pl.Int64).alias("times"),
            pl.col("days_ago").min().alias("days_ago"),
        )
        .filter(pl.col("points").abs() > _NOTHING)
        .select(COUNTED_SCHEMA.names())
        .cast(COUNTED_SCHEMA)
    )


def _shares_left(rule: Rule, days_ago: pl.Series) -> NDArray[np.float64]:
    """What decay leaves of each day, as Decay.share_left says it of one."""
    if rule.decay is None:
        return np.ones(days_ago.len())
    distinct, places = np.unique(days_ago.to_numpy(), return_inverse=True)
    shares = np.array([rule.decay.share_left(int(day)) for day in distinct], dtype=np.float64)
    return np.asarray(shares[places])


def counted_fact(rule: Rule) -> pl.Expr:
    """What a lead did as a text, of rows of COUNTED_SCHEMA: 'webinars_attended = 3 within 90 days, newest 2 days ago'."""
    window = "" if rule.frequency.window_days is None else f" within {rule.frequency.window_days} days"
    newest = (
        pl.when(pl.col("days_ago") == 0)
        .then(pl.lit("today"))
        .when(pl.col("days_ago") == 1)
        .then(pl.lit("yesterday"))
        .otherwise(pl.format("{} days ago", "days_ago"))
    )
    return pl.format("{} = {}{}, newest {}", pl.lit(rule.when.feature), "times", pl.lit(window), newest)
