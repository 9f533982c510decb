"""What SQL makes for the rules of a policy: by day what they count, and the last day of what they go by.

Belongs here: which measures a policy needs. Does not belong here: the names themselves (activity_measures.py).
"""

from __future__ import annotations

from typing import Any

from leadflow.activity_measures import measure_of
from leadflow.policy import Policy


def rule_variables(*policies: Policy) -> dict[str, Any]:
    """What var('rule_measures') and var('dated_measures') answer in the SQL room: enough for each of the policies.

    rule_measures: days back that matter by measure that a rule counts, None where every day does. dated_measures: measures
    behind the features that rules and gates compare.
    """
    days_back: dict[str, int | None] = {}
    for rule in (rule for policy in policies for rule in policy.rules):
        if rule.is_counted:
            measure, days = rule.when.feature, rule.days_back
            known = days_back.get(measure, 0)
            days_back[measure] = None if days is None or known is None else max(days, known)
    compared = [rule.when.feature for policy in policies for rule in policy.rules if not rule.is_counted]
    compared += [gate.when.feature for policy in policies for gate in policy.gates]
    return {
        "rule_measures": dict(sorted(days_back.items())),
        "dated_measures": sorted({measure for measure in map(measure_of, compared) if measure}),
    }
