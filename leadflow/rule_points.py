"""Whether a rule of the policy fires, and what a group of rules can give at most.

Belongs here: reading a rule's condition, which scoring does for leads and icp for accounts. Does not belong here: counting
what a lead did (scoring/counted.py), the scores that follow from points (scoring/rules.py, icp/rule_fit.py).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise

import polars as pl

from leadflow.policy import Gate, Group, Policy, Rule

_NUMBER_OPS = ("gt", "gte", "lt", "lte")

_FADED_DAYS = 200_000
_FADED_POINTS = 1e-9
"""Days and points from which on nothing more is added up of what fades for ever."""

DIGITS = 4
"""Decimals that the points of counted times are rounded to, so that every sum of them can be told exactly."""


def attainable_points(policy: Policy, group: Group, features: Collection[str] | None = None) -> float:
    """The most points that one lead can get from a group's rules, or from those of them on some features.

    Rules on one feature are weighed together: the feature can have one value only, so of three rules that each want
    another seniority the highest counts. It is found by trying every value at which a rule of the feature changes
    its mind, and no value at all. Features are taken as independent of each other, and so is every rule that counts
    times: it gives most where the thing was done as often and as lately as counts. The group's cap bounds the sum.
    """
    by_feature: dict[str, list[Rule]] = {}
    counted = 0.0
    for rule in policy.rules:
        if rule.group != group or not (features is None or rule.when.feature in features):
            continue
        if rule.is_counted:
            counted += max(0.0, most_points(rule, policy.points_of(rule)))
        else:
            by_feature.setdefault(rule.when.feature, []).append(rule)
    attainable = counted + sum(_best_value(feature, rules, policy) for feature, rules in by_feature.items())
    cap = policy.caps.of(group)
    return float(attainable if cap is None else min(attainable, cap))


def most_points(rule: Rule, points: float) -> float:
    """What a rule that counts times gives, or takes, at most: where the thing was done as often and as lately as counts.

    Args:
        points: of one time, before any decay.

    Returns:
        Infinity, of the sign of points, where times are counted without end.
    """
    most = _most_uncapped(rule, points)
    if rule.cap is not None:
        most = max(-rule.cap, min(rule.cap, most))
    return round(most, DIGITS) if math.isfinite(most) else most


def _most_uncapped(rule: Rule, points: float) -> float:
    count, days_back = rule.frequency, rule.days_back
    if points == 0:
        return 0.0
    if count.times is None and (count.per_day is None or (days_back is None and rule.decay is None)):
        return math.copysign(math.inf, points)
    if count.per_day is None:
        return points * (count.times or 0)
    most, left = 0.0, math.inf if count.times is None else count.times
    for days_ago in range((_FADED_DAYS if days_back is None else days_back) + 1):
        taken = min(count.per_day, left)
        given = points * taken * (rule.decay.share_left(days_ago) if rule.decay else 1.0)
        if abs(given) < _FADED_POINTS:
            break
        most, left = most + given, left - taken
    return most


def _best_value(feature: str, rules: Sequence[Rule], policy: Policy) -> float:
    numbers: set[float] = set()
    texts: set[str] = set()
    for rule in rules:
        for value in _compared_with(rule, policy):
            if isinstance(value, str):
                texts.add(value)
            elif not isinstance(value, bool):
                numbers.add(float(value))
    edges = sorted(numbers)
    between = [(low + high) / 2 for low, high in pairwise(edges)]
    beyond = [edges[0] - 1, edges[-1] + 1] if edges else []
    candidates: tuple[pl.Series, ...] = (
        pl.Series(feature, [*edges, *between, *beyond], dtype=pl.Float64),
        pl.Series(feature, sorted(texts), dtype=pl.String),
        pl.Series(feature, [True, False], dtype=pl.Boolean),
    )
    best = 0.0
    for series in candidates:
        frame = series.to_frame()
        fitting = [rule for rule in rules if mismatch(rule, series.dtype) is None]
        if fitting and frame.height:
            points = pl.sum_horizontal(
                *(fires(rule, policy) * pl.lit(policy.points_of(rule)) for rule in fitting)
            )
            best = max(best, *frame.select(points).to_series().to_list())
    return best


def _compared_with(rule: Rule | Gate, policy: Policy) -> tuple[str | float | bool, ...]:
    if rule.when.op == "in_list":
        return policy.named_list(rule.when.list_name or "")
    if rule.when.op == "is_true":
        return (True,)
    value = rule.when.value
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def fires(rule: Rule | Gate, policy: Policy) -> pl.Expr:
    """Whether the rule fires or the gate holds, never null; not of a rule that counts times; on a frame that has its feature, in a type that `mismatch` finds nothing about."""
    feature = pl.col(rule.when.feature)
    values = _compared_with(rule, policy)
    match rule.when.op:
        case "gt":
            holds = feature > values[0]
        case "gte":
            holds = feature >= values[0]
        case "lt":
            holds = feature < values[0]
        case "lte":
            holds = feature <= values[0]
        case "is_true":
            holds = feature
        case _ if not values:
            return pl.lit(False)
        case _ if isinstance(values[0], str):
            texts = pl.Series([str(value).strip().lower() for value in values])
            holds = feature.cast(pl.String).str.strip_chars().str.to_lowercase().is_in(texts.implode())
        case _:
            holds = pl.any_horizontal(*(feature == value for value in values))
    return holds.cast(pl.Boolean).fill_null(False)


def mismatch(rule: Rule | Gate, dtype: pl.DataType) -> str | None:
    """What is wrong with comparing a column of this type, or None."""
    if dtype == pl.Null:
        return None
    if rule.when.op in _NUMBER_OPS:
        return None if dtype.is_numeric() else "a number"
    if rule.when.op == "is_true":
        return None if dtype == pl.Boolean else "true or false"
    example = "" if rule.when.op == "in_list" else rule.when.value
    if isinstance(example, list | tuple):
        example = example[0]
    if isinstance(example, bool):
        return None if dtype == pl.Boolean else "true or false"
    if isinstance(example, str):
        return None if dtype in (pl.String, pl.Categorical, pl.Enum) else "text"
    return None if dtype.is_numeric() else "a number"
