"""Settings of policy.yaml that are right by themselves and contradict each other, told with their lines.

Belongs here: what is known to be wrong before any lead is looked at. Does not belong here: what one setting may be
(rule_policy.py).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from leadflow.activity_measures import is_count, measure_of
from leadflow.config_files import Document, KeyPath
from leadflow.errors import ConfigError
from leadflow.rule_policy import GROUPS, Condition, Gate, Rule

if TYPE_CHECKING:
    from leadflow.policy import Policy

CAP_ROWS = tuple(f"cap_{name}" for name in (*GROUPS, "total"))
"""Names by which caps stand among a lead's points."""

SENIORITIES = ("c_level", "director", "manager", "individual")
"""Values of the feature seniority."""


def refuse_contradictions(policy: Policy, document: Document) -> None:
    """Refuse a policy whose settings contradict each other.

    Raises:
        ConfigError: every contradiction, each with its line, in one message.
    """
    problems = [
        f"{document.where(*at)} {'.'.join(map(str, at))}: {problem}" for at, problem in contradictions(policy)
    ]
    if problems:
        raise ConfigError("; ".join(problems), "mend what each line names")


def refuse_wrong_features(policy: Policy, document: Document, types: Mapping[str, str]) -> None:
    """Refuse rules and gates that look at features which do not exist, or compare them with what they never are.

    Args:
        types: data type by column of features.lead_features, as its contract has it.

    Raises:
        ConfigError: every such rule and gate, each with its line, in one message.
    """
    named: list[tuple[str, int, Rule | Gate]] = [
        ("rules", place, rule) for place, rule in enumerate(policy.rules)
    ]
    named += [("gates", place, gate) for place, gate in enumerate(policy.gates)]
    problems = [
        f"{document.where(section, place, 'when', 'feature')} {section}.{place}.when.feature: {problem}"
        for section, place, entry in named
        if entry.when.op != "happened" and (problem := _wrong_feature(entry.when, types))
    ]
    if problems:
        raise ConfigError("; ".join(problems), "mend what each line names")


def _wrong_feature(when: Condition, types: Mapping[str, str]) -> str | None:
    if when.feature not in types:
        near = difflib.get_close_matches(when.feature, types, n=1)
        return f"there is no feature '{when.feature}'" + (
            f", but {near[0]}" if near else " in features.lead_features"
        )
    example = when.value[0] if isinstance(when.value, list | tuple) else when.value
    wanted, fitting = "a number", {"bigint", "integer", "double"}
    if when.op == "in_list" or isinstance(example, str):
        wanted, fitting = "text", {"varchar"}
    elif when.op == "is_true" or isinstance(example, bool):
        wanted, fitting = "true or false", {"boolean"}
    data_type = types[when.feature]
    return (
        None if data_type in fitting else f"{when.feature} is compared with {wanted}, but it is {data_type}"
    )


def contradictions(policy: Policy) -> Iterator[tuple[KeyPath, str]]:
    """Where each contradiction stands, as keys and indexes, and what it is."""
    for place, rule in enumerate(policy.rules):
        at: KeyPath = ("rules", place)
        if rule.name in CAP_ROWS:
            yield (
                (*at, "name"),
                f"{rule.name} is what the cap of that name is called among the points: take another name",
            )
        yield from _of_points(policy, rule, at)
        problem = _without_use(rule.when)
        if problem:
            yield (*at, "when"), problem
    yield from _of_caps(policy)
    for place, gate in enumerate(policy.gates):
        if gate.max_score > policy.tiers.hot_above:
            yield (
                ("gates", place, "max_score"),
                (
                    f"{gate.max_score:g} is above tiers.hot_above ({policy.tiers.hot_above:g}), so the gate lets leads be HOT: "
                    f"give at most {policy.tiers.hot_above:g}"
                ),
            )
        problem = _without_use(gate.when)
        if problem:
            yield ("gates", place, "when"), problem


def _of_points(policy: Policy, rule: Rule, at: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    points = policy.points_of(rule)
    if rule.cap is not None and rule.cap < abs(points):
        yield (
            (*at, "cap"),
            (
                f"cap {rule.cap:g} is below what the rule gives for one time ({points:g}), so its points never count: "
                "raise the cap, or give that many points"
            ),
        )
    if rule.is_counted and points > 0 and rule.cap is None and not _has_an_end(rule):
        yield (
            (*at, "count"),
            (
                "times are counted without end, so that nobody could reach a full score: set count.times, a cap, or "
                "count.per_day with window_days or a decay"
            ),
        )


def _has_an_end(rule: Rule) -> bool:
    count = rule.frequency
    return count.times is not None or (
        count.per_day is not None and (rule.decay is not None or count.window_days is not None)
    )


def _of_caps(policy: Policy) -> Iterator[tuple[KeyPath, str]]:
    for group in GROUPS:
        cap = policy.caps.of(group)
        sizes = {abs(policy.points_of(rule)): rule.name for rule in policy.rules if rule.group == group}
        if cap is not None and not sizes:
            yield ("caps", group), f"no rule is of the group {group}: leave the cap out"
        elif cap is not None and cap < min(sizes):
            yield (
                ("caps", group),
                (
                    f"{cap:g} is below the points of its smallest rule ({sizes[min(sizes)]}, {min(sizes):g}), so no {group} "
                    "rule ever counts for what it says: raise the cap, or lower the points"
                ),
            )
    if policy.caps.total < policy.maturity_pass_mark:
        yield (
            ("caps", "total"),
            (
                f"{policy.caps.total:g} is below maturity_pass_mark ({policy.maturity_pass_mark:g}), so no lead is ever "
                "handed to sales: raise the cap, or lower the mark"
            ),
        )


def _without_use(when: Condition) -> str | None:
    """Why a condition holds of no lead or of every lead, or None."""
    feature, op, value = when.feature, when.op, when.value
    if measure_of(feature) is not None and isinstance(value, int | float):
        if (op == "lt" and value <= 0) or (op in ("lte", "equals") and value < 0):
            return f"{feature} is never below 0, so this holds of no lead: compare with a number above"
        if is_count(feature) and ((op == "gte" and value <= 0) or (op == "gt" and value < 0)):
            return (
                f"{feature} is 0 where nothing was done, so this holds of every lead: write op: gt, value: 0"
            )
    if feature == "seniority" and op in ("equals", "in"):
        wanted = value if isinstance(value, list | tuple) else [value]
        strange = [str(one) for one in wanted if str(one).strip().lower() not in SENIORITIES]
        if strange:
            return f"seniority is one of {', '.join(SENIORITIES)}, and never {', '.join(strange)}"
    return None
