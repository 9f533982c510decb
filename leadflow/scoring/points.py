"""A lead's points, one row for each: what every rule gave on which fact of which day, what caps took, which gates hold.

Belongs here: the frame of points, and what the rule score would be without each. Does not belong here: which rules fire and
the scores (rules.py), the order of reasons (scored.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from leadflow.policy import GROUPS, Gate, Group, Policy, Rule
from leadflow.rule_points import fires
from leadflow.scoring.counted import counted_fact
from leadflow.scoring.fact_dates import fact_date

POINTS_SCHEMA = pl.Schema(
    {
        "lead_id": pl.String,
        "source": pl.String,
        "rule": pl.String,
        "points": pl.Float64,
        "max_score": pl.Float64,
        "fact": pl.String,
        "fact_date": pl.Date,
        "reason": pl.String,
        "reason_zh": pl.String,
        "rule_score_without": pl.Float64,
    }
)
_AT_MOST = {
    "static": ("Points for fit count as {cap} at most", "匹配度得分最多计{cap}分"),
    "dynamic": ("Points for engagement count as {cap} at most", "互动得分最多计{cap}分"),
    "contact": ("Points for the kind of address count as {cap} at most", "联系方式得分最多计{cap}分"),
    "total": ("All points together count as {cap} at most", "总得分最多计{cap}分"),
}
_AT_LEAST = {
    "static": ("Points for fit count as -{cap} at least", "匹配度扣分最多计{cap}分"),
    "dynamic": ("Points for engagement count as -{cap} at least", "互动扣分最多计{cap}分"),
    "contact": ("Points for the kind of address count as -{cap} at least", "联系方式扣分最多计{cap}分"),
}
_SCALE = 100.0
_DIGITS = 6  # a difference of floats is told without its dust


def capped(group: Group, policy: Policy, points: pl.Expr) -> pl.Expr:
    """A group's points kept within its cap, on both sides of 0."""
    cap = policy.caps.of(group)
    return points if cap is None else points.clip(-cap, cap)


def rule_score(points: pl.Expr, policy: Policy) -> pl.Expr:
    """All points together, no more than caps.total, no less than 0."""
    return points.clip(0, policy.caps.total)


def points_frame(rows: pl.DataFrame, counted: Mapping[int, pl.DataFrame], policy: Policy) -> pl.DataFrame:
    """POINTS_SCHEMA, by row, then rules in the policy's order, caps, and gates.

    Source is rule, also of what caps took away, or gate, which has max_score in place of points. rule_score_without is what the
    rule score would be without this row: caps are then applied to what is left.

    Args:
        rows: `_row`, lead_id, the features that rules and gates name, what there is of the columns of
            features.lead_fact_dates, `as_of_date` (null where no moment is known), `rule_<place>`, the points that each rule gave, and
            `raw_<group>`, their sum.
        counted: COUNTED_SCHEMA by the place of each rule that counts times.
    """
    parts = [_empty(rows)]
    for place, rule in enumerate(policy.rules):
        fired = (
            rows.join(counted[place], on="lead_id", how="inner", maintain_order="left")
            if rule.is_counted
            else rows.filter(fires(rule, policy))
        )
        parts.append(_of_rule(fired, rule, place, policy))
    parts += [_of_group_cap(rows, group, policy) for group in GROUPS]
    parts.append(_of_total_cap(rows, policy))
    parts += [
        _of_gate(rows.filter(fires(gate, policy)), gate, place, policy)
        for place, gate in enumerate(policy.gates)
    ]
    together = pl.concat(parts, how="diagonal")
    return together.sort("_row", "_place").select(POINTS_SCHEMA.names()).cast(POINTS_SCHEMA)


def _empty(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(schema={"_row": rows.schema["_row"], "_place": pl.Int32, **POINTS_SCHEMA})


def _told(place: int, name: str, reason: str, reason_zh: str | None, **values: pl.Expr) -> list[pl.Expr]:
    """The columns of one row of points; `values` are those that have any."""
    texts = {"rule": name, "reason": reason, "reason_zh": reason_zh}
    return [
        pl.col("_row"),
        pl.lit(place, dtype=pl.Int32).alias("_place"),
        pl.col("lead_id"),
        *(pl.lit(text, dtype=pl.String).alias(column) for column, text in texts.items()),
        *(value.cast(POINTS_SCHEMA[column]).alias(column) for column, value in values.items()),
    ]


def _score_with(group: Group, kept: pl.Expr, policy: Policy) -> pl.Expr:
    """The rule score with these points in place of a group's own."""
    parts = [kept if each == group else capped(each, policy, pl.col(f"raw_{each}")) for each in GROUPS]
    return rule_score(pl.sum_horizontal(parts), policy)


def _of_rule(fired: pl.DataFrame, rule: Rule, place: int, policy: Policy) -> pl.DataFrame:
    if rule.is_counted:
        fact = counted_fact(rule)
        date = (pl.col("as_of_date") - pl.duration(days=pl.col("days_ago"))).cast(pl.Date)
    else:
        fact, date = _fact(rule), fact_date(rule.when.feature, fired.columns)
    points = pl.col(f"rule_{place}")
    left = capped(rule.group, policy, pl.col(f"raw_{rule.group}") - points)
    return fired.select(
        _told(
            place,
            rule.name,
            rule.reason,
            rule.reason_zh,
            source=pl.lit("rule"),
            points=points,
            fact=fact,
            fact_date=date,
            rule_score_without=_score_with(rule.group, left, policy),
        )
    )


def _of_group_cap(rows: pl.DataFrame, group: Group, policy: Policy) -> pl.DataFrame:
    cap, raw = policy.caps.of(group), pl.col(f"raw_{group}")
    if cap is None:
        return _empty(rows)
    changed = (capped(group, policy, raw) - raw).round(_DIGITS)
    return pl.concat(
        rows.filter(changed * sign > 0).select(
            _told(
                len(policy.rules) + GROUPS.index(group),
                f"cap_{group}",
                *(text.format(cap=f"{cap:g}") for text in texts[group]),
                source=pl.lit("rule"),
                points=changed,
                fact=pl.format("{} points = {}", pl.lit(group), raw.round(2)),
                rule_score_without=_score_with(group, raw, policy),
            )
        )
        for sign, texts in ((-1, _AT_MOST), (1, _AT_LEAST))
    )


def _of_total_cap(rows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    cap = policy.caps.total
    if cap == _SCALE:
        return _empty(rows)
    total = pl.sum_horizontal(capped(group, policy, pl.col(f"raw_{group}")) for group in GROUPS)
    return rows.filter((total - cap).round(_DIGITS) > 0).select(
        _told(
            len(policy.rules) + len(GROUPS),
            "cap_total",
            *(text.format(cap=f"{cap:g}") for text in _AT_MOST["total"]),
            source=pl.lit("rule"),
            points=(cap - total).round(_DIGITS),
            fact=pl.format("points = {}", total.round(2)),
            rule_score_without=total.clip(0, _SCALE),
        )
    )


def _of_gate(held: pl.DataFrame, gate: Gate, place: int, policy: Policy) -> pl.DataFrame:
    return held.select(
        _told(
            len(policy.rules) + len(GROUPS) + 1 + place,
            gate.name,
            gate.reason,
            gate.reason_zh,
            source=pl.lit("gate"),
            max_score=pl.lit(gate.max_score),
            fact=_fact(gate),
            fact_date=fact_date(gate.when.feature, held.columns),
        )
    )


def _fact(rule: Rule | Gate) -> pl.Expr:
    return pl.concat_str(pl.lit(f"{rule.when.feature} = "), pl.col(rule.when.feature).cast(pl.String))
