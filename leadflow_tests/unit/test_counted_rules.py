"""Rules that count times: limits, windows, decay by whole days, caps, gates, and a naive loop that must agree."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.errors import LeadflowError
from leadflow.policy import GROUPS, Policy
from leadflow.rule_points import attainable_points
from leadflow.scoring.rules import RuleScores, score_rules

AS_OF = datetime.fromisoformat("2026-06-30T15:30")
WEBINARS = {"feature": "webinars_attended", "op": "happened"}
BIG = {"name": "big", "group": "static", "when": {"feature": "size", "op": "gt", "value": 0}, "points": 20}


def policy(*rules: dict[str, Any], **rest: Any) -> Policy:
    named = [
        {"name": f"r{n}", "group": "dynamic", "reason": "Because", "when": WEBINARS, **rule}
        for n, rule in enumerate(rules)
    ]
    return Policy.model_validate({"rules": named, **rest})


def activity(*days: tuple[int, float], lead: str = "a", measure: str = "webinars_attended") -> pl.DataFrame:
    rows = [(lead, measure, day, occurrences) for day, occurrences in days]
    schema = {
        "lead_id": pl.String,
        "measure": pl.String,
        "days_ago": pl.Int64,
        "occurrences": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def leads(*names: str, **facts: Any) -> pl.DataFrame:
    return pl.DataFrame({"lead_id": list(names), "as_of": [AS_OF] * len(names), **facts})


def scored(rules: Policy, done: pl.DataFrame) -> RuleScores:
    return score_rules(leads("a"), rules, done)


@pytest.mark.parametrize(
    ("rule", "days", "points"),
    [
        # once unless it says otherwise, the newest
        ({"points": 10}, [(3, 1), (9, 4)], 10),
        ({"points": 10, "decay": {"half_life_days": 30}}, [(90, 1), (30, 1)], 5),
        ({"points": -10}, [(3, 1), (9, 1)], -10),
        ({"points": 10}, [], 0),
        # how often
        ({"points": 10, "count": {"times": 3}}, [(3, 1), (9, 1)], 20),
        ({"points": 10, "count": {"times": 3}}, [(3, 1), (9, 4)], 30),
        ({"points": 10, "count": {"times": 5, "per_day": 1}}, [(3, 1), (9, 4)], 20),
        ({"points": 10, "count": {"times": 5, "per_day": 2}}, [(3, 3), (9, 4)], 40),
        ({"points": 10, "count": {"times": 3, "per_day": 2}}, [(3, 3), (9, 4)], 30),
        # the window is whole days and the as_of day
        ({"points": 10, "count": {"times": 9, "window_days": 9}}, [(0, 1), (9, 1), (10, 1)], 20),
        ({"points": 10, "count": {"times": 9, "window_days": 0}}, [(0, 2), (1, 1)], 20),
        # half is left after a half-life, all of it on the as_of day
        ({"points": 16, "count": {"times": 9}, "decay": {"half_life_days": 10}}, [(0, 1)], 16),
        ({"points": 16, "count": {"times": 9}, "decay": {"half_life_days": 10}}, [(10, 1)], 8),
        ({"points": 16, "count": {"times": 9}, "decay": {"half_life_days": 10}}, [(20, 1), (0, 1)], 20),
        ({"points": 16, "decay": {"half_life_days": 10}}, [(5, 1)], round(16 * 0.5**0.5, 4)),
        ({"points": 16, "decay": {"half_life_days": 1}}, [(40, 1)], 0),  # rounds to nothing, and is none
        # nothing is left after so many days
        ({"points": 10, "decay": {"linear_days": 10}}, [(0, 1)], 10),
        ({"points": 10, "decay": {"linear_days": 10}}, [(1, 1)], 9),
        ({"points": 10, "decay": {"linear_days": 10}}, [(9, 1)], 1),
        ({"points": 10, "decay": {"linear_days": 10}}, [(10, 1)], 0),
        ({"points": 10, "decay": {"linear_days": 10}}, [(11, 1)], 0),
        # the newest count first: they are worth most
        ({"points": 10, "count": {"times": 2}, "decay": {"linear_days": 10}}, [(8, 1), (2, 1), (5, 1)], 13),
        ({"points": -10, "count": {"times": 2}, "decay": {"linear_days": 10}}, [(8, 1), (2, 1), (5, 1)], -13),
        # the rule's cap, on both sides
        ({"points": 10, "count": {"times": 9}, "cap": 25}, [(0, 9)], 25),
        ({"points": -10, "count": {"times": 9}, "cap": 25}, [(0, 9)], -25),
        ({"points": 10, "count": {"times": 9}, "cap": 25}, [(0, 2)], 20),
        # classes
        ({"class": "strong"}, [(0, 1)], 15),
        ({"class": "medium"}, [(0, 1)], 10),
        ({"class": "weak"}, [(0, 1)], 5),
        # what is no whole occurrence, no number, or ahead
        ({"points": 10}, [(0, 0.9)], 0),
        ({"points": 10, "count": {"times": 9}}, [(0, 2.9999999)], 30),
        ({"points": 10, "count": {"times": 9}}, [(0, 0.6), (0, 0.6)], 10),
        ({"points": 10}, [(0, math.nan)], 0),
        ({"points": 10}, [(0, math.inf)], 0),
        ({"points": 10}, [(0, -3)], 0),
        ({"points": 10}, [(-1, 1)], 0),
    ],
)  # fmt: skip
def test_points_of_what_was_done(rule, days, points):
    result = scored(policy(rule), activity(*days))
    assert result.scores["dynamic_points"].to_list() == pytest.approx([points])
    assert result.points["points"].to_list() == pytest.approx([points] if points else [])


def test_other_things_and_other_leads_do_not_count():
    done = pl.concat([activity((0, 1), measure="page_views"), activity((0, 1), lead="b")])
    result = score_rules(leads("a", "b", "c"), policy({"points": 10}), done)
    assert result.scores["dynamic_points"].to_list() == [0.0, 10.0, 0.0]
    assert result.points["lead_id"].to_list() == ["b"]


def test_a_point_says_how_often_and_when_last():
    rules = policy({"points": 10, "count": {"times": 3, "window_days": 90}}, {"points": 5})
    result = scored(rules, activity((2, 2), (9, 5)))
    assert result.points["fact"].to_list() == [
        "webinars_attended = 3 within 90 days, newest 2 days ago",
        "webinars_attended = 1, newest 2 days ago",
    ]
    assert result.points["fact_date"].to_list() == [date(2026, 6, 28)] * 2
    assert scored(policy({"points": 5}), activity((0, 1))).points["fact"].item().endswith("newest today")
    assert scored(policy({"points": 5}), activity((1, 1))).points["fact"].item().endswith("newest yesterday")


def test_counting_without_activity_is_refused_and_without_rules_is_not_needed():
    with pytest.raises(LeadflowError, match="rules r0 count what leads did"):
        score_rules(leads("a"), policy({"points": 5}))
    assert score_rules(leads("a", size=[1]), policy(BIG)).scores["rule_score"].to_list() == [20.0]


def test_facts_have_the_days_that_are_given():
    dates = pl.DataFrame({"lead_id": ["a"], "record_date": [date(2026, 3, 1)], "page_views_date": [date(2026, 4, 1)],
                          "company_size_known_date": [date(2026, 5, 1)], "last_activity_date": [date(2026, 6, 1)]})  # fmt: skip
    features = leads("a", seniority=["manager"], page_views_30d=[3], company_size=[9], days_since_last_activity=[29],
                     account_lead_count=[2], days_since_last_visit=[90])  # fmt: skip
    numbers = (
        "page_views_30d",
        "company_size",
        "days_since_last_activity",
        "account_lead_count",
        "days_since_last_visit",
    )
    rules = policy(
        {
            "when": {"feature": "seniority", "op": "equals", "value": "manager"},
            "points": 1,
            "reason_zh": "经理",
        },
        *({"when": {"feature": name, "op": "gt", "value": 0}, "points": 1} for name in numbers),
    )
    points = score_rules(features, rules, None, dates).points
    assert points["fact_date"].to_list() == [
        date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1), None, date(2026, 4, 1),
    ]  # fmt: skip
    assert points["reason_zh"].to_list() == ["经理", None, None, None, None, None]
    assert score_rules(features, rules).points["fact_date"].to_list() == [None] * 6


@pytest.mark.parametrize(
    ("caps", "static", "dynamic", "rows", "rule_score"),
    [
        ({}, 60, 60, {}, 100),  # the scale itself ends at 100, which is no cap
        ({"static": 50}, 60, 20, {"cap_static": -10}, 70),
        ({"static": 60}, 60, 20, {}, 80),
        ({"static": 50, "dynamic": 30}, 60, 60, {"cap_static": -10, "cap_dynamic": -30}, 80),
        ({"dynamic": 30}, 60, -60, {"cap_dynamic": 30}, 30),
        ({"total": 70}, 60, 60, {"cap_total": -50}, 70),
        ({"static": 50, "total": 70}, 60, 60, {"cap_static": -10, "cap_total": -40}, 70),
        ({"total": 70}, 60, 10, {}, 70),
        ({"total": 70}, -60, -10, {}, 0),
    ],
)
def test_what_caps_take_is_told(caps, static, dynamic, rows, rule_score):
    rules = policy(
        {**BIG, "points": static}, {"points": dynamic, "count": {"times": 1}}, caps=caps, maturity_pass_mark=0
    )
    result = score_rules(leads("a", size=[1]), rules, activity((0, 1)))
    told = result.points.filter(pl.col("rule").str.starts_with("cap_"))
    assert dict(zip(told["rule"], told["points"], strict=True)) == rows
    assert result.scores["rule_score"].to_list() == [rule_score]
    assert min(100, max(0, result.points["points"].sum())) == rule_score


def test_a_cap_says_itself_in_words():
    rules = policy({"points": -20, "count": {"times": 9}}, caps={"dynamic": 30})
    row = scored(rules, activity((0, 4))).points.row(-1, named=True)
    assert row["reason"] == "Points for engagement count as -30 at least"
    assert row["fact"] == "dynamic points = -80.0"
    assert row["reason_zh"] == "互动扣分最多计30分"


def test_the_score_without_a_row_is_that_of_a_policy_without_it():
    rules = policy(
        BIG, {"points": 15, "count": {"times": 3}}, {"points": 10}, caps={"dynamic": 40, "total": 55}
    )
    result = score_rules(leads("a", size=[1]), rules, activity((0, 3)))
    without = dict(zip(result.points["rule"], result.points["rule_score_without"], strict=True))
    # 20 fit and 45 + 10 = 55 of engagement, which count as 40, and 60 together, which count as 55
    assert without == {"big": 40.0, "r1": 30.0, "r2": 55.0, "cap_dynamic": 55.0, "cap_total": 60.0}


@pytest.mark.parametrize(
    ("rule", "attainable"),
    [
        ({"points": 10}, 10),
        ({"points": 10, "count": {"times": 3}}, 30),
        ({"points": 10, "count": {"times": 3, "per_day": 1}}, 30),
        ({"points": 10, "count": {"times": 5}, "cap": 35}, 35),
        ({"points": 10, "count": {"per_day": 2, "window_days": 3}}, 80),
        ({"points": 10, "count": {"times": 3, "per_day": 1}, "decay": {"linear_days": 10}}, 10 + 9 + 8),
        ({"points": 10, "count": {"times": 3, "per_day": 3}, "decay": {"linear_days": 10}}, 30),
        ({"points": 10, "count": {"per_day": 1}, "decay": {"linear_days": 4}}, 10 + 7.5 + 5 + 2.5),
        ({"points": 10, "count": {"per_day": 1}, "decay": {"half_life_days": 1}}, 20),
        ({"points": 10, "count": {"per_day": 1, "window_days": 1}, "decay": {"half_life_days": 1}}, 15),
        ({"points": -10, "count": {"per_day": 1}}, 0),
        ({"points": 10, "count": {"window_days": 9}, "cap": 25}, 25),
    ],
)
def test_what_counting_can_give_at_most(rule, attainable):
    assert attainable_points(policy(rule), "dynamic") == pytest.approx(attainable, abs=1e-4)
    assert attainable_points(policy(rule, caps={"dynamic": 12}), "dynamic") == min(12, attainable)
    assert attainable_points(policy(rule), "dynamic", ["company_size"]) == 0


def test_who_did_it_as_often_and_as_lately_as_counts_has_the_full_score():
    rules = policy(
        {"points": 10, "count": {"per_day": 1, "times": 5}, "decay": {"half_life_days": 30}}, {"points": 7}
    )
    full = scored(rules, activity(*((day, 2) for day in range(9))))
    assert full.scores["dynamic_score"].to_list() == pytest.approx([100.0])
    assert full.scores["engagement_level"].to_list() == [1]


def test_the_fields_cells():
    rules = policy(
        {**BIG, "points": 67.3}, {**BIG, "name": "best", "when": {"feature": "best", "op": "gt", "value": 0}, "points": 32.7},
        {"points": 85}, {"when": {"feature": "page_views", "op": "happened"}, "points": 15},
    )  # fmt: skip
    scores = score_rules(leads("a", size=[1], best=[0]), rules, activity((0, 1))).scores
    assert scores.select("static_score", "dynamic_score", "fit_grade", "engagement_level").row(0) == (
        67.3,
        85,
        "B",
        1,
    )
    assert scores.select("matrix_cell", "matrix_priority").row(0) == ("B1", 1)
    no_fit = scored(policy({"points": 5}), activity((0, 1))).scores
    assert no_fit.select("fit_grade", "matrix_cell", "matrix_priority").row(0) == (None, None, None)


def gate(name: str, feature: str, max_score: float, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "when": {"feature": feature, "op": "gt", "value": 0},
        "max_score": max_score,
        "reason": "No",
        **more,
    }


@pytest.mark.parametrize(
    ("size", "rival", "max_score", "gates"),
    [
        (1, 1, 20.0, ["low", "high"]),
        (1, 0, 30.0, ["high"]),
        (0, None, None, []),
        (math.nan, math.inf, None, []),
    ],
)
def test_the_lowest_gate_that_holds_counts(size, rival, max_score, gates):
    rules = policy(BIG, gates=[gate("low", "rival", 20, reason_zh="否"), gate("high", "size", 30)])
    features = leads("a", size=[size], rival=[rival]).cast({"size": pl.Float64, "rival": pl.Float64})
    result = score_rules(features, rules)
    assert result.scores["max_score"].to_list() == [max_score]
    held = result.points.filter(pl.col("source") == "gate")
    assert held["rule"].to_list() == gates
    assert held["points"].null_count() == len(gates)
    assert result.scores["rule_score"].item() == (20.0 if size == 1 else 0.0)  # no points of their own


def test_a_gate_on_a_feature_that_does_not_exist_is_named():
    with pytest.raises(LeadflowError, match="gate 'g' of the policy asks for feature 'rival'"):
        score_rules(leads("a", size=[1]), policy(BIG, gates=[gate("g", "rival", 5)]))


COUNTED = st.fixed_dictionaries(
    {
        "points": st.sampled_from([-20, -3, 1, 2.5, 15]),
        "group": st.sampled_from(GROUPS),
        "when": st.sampled_from(
            [{"feature": name, "op": "happened"} for name in ("webinars_attended", "page_views")]
        ),
        "count": st.fixed_dictionaries(
            {
                "per_day": st.sampled_from([None, 1, 2]),
                "times": st.sampled_from([2, 5]),
                "window_days": st.sampled_from([None, 0, 3, 7]),
            }
        ),
        "decay": st.sampled_from([None, {"half_life_days": 3}, {"linear_days": 8}]),
        "cap": st.sampled_from([None, 25.0]),
    }
)


def naive(rules: Policy, done: list[tuple[str, str, int, float]], lead: str) -> dict[str, float]:
    """Points by group, added up one occurrence after the other."""
    groups = dict.fromkeys(GROUPS, 0.0)
    for rule in rules.rules:
        count, total, counted = rule.frequency, 0.0, 0
        for day in range(20):
            if count.window_days is not None and day > count.window_days:
                break
            happened = sum(
                times
                for name, measure, ago, times in done
                if (name, measure, ago) == (lead, rule.when.feature, day)
            )
            today = 0
            while (
                today < happened
                and (count.per_day is None or today < count.per_day)
                and (count.times is None or counted < count.times)
            ):
                worth = 1.0
                if rule.decay and rule.decay.half_life_days:
                    worth = 2.0 ** (-day / rule.decay.half_life_days)
                elif rule.decay and rule.decay.linear_days:
                    worth = max(0.0, 1 - day / rule.decay.linear_days)
                total += rules.points_of(rule) * worth
                today, counted = today + 1, counted + 1
        if rule.cap is not None:
            total = max(-rule.cap, min(rule.cap, total))
        groups[rule.group] += total
    for group in GROUPS:
        cap = rules.caps.of(group)
        if cap is not None:
            groups[group] = max(-cap, min(cap, groups[group]))
    return groups


@given(
    rules=st.lists(COUNTED, min_size=1, max_size=4),
    done=st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.sampled_from(["webinars_attended", "page_views"]), st.integers(0, 12),
            st.sampled_from([1.0, 2.0, 3.0]),
        ),
        max_size=15,
    ),
    caps=st.sampled_from([{}, {"static": 30, "dynamic": 25, "total": 60}]),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_a_naive_loop_agrees(rules, done, caps):
    made = policy(*rules, caps=caps)
    schema = activity().schema
    result = score_rules(leads("a", "b"), made, pl.DataFrame(done, schema=schema, orient="row"))
    for lead, scores in zip(("a", "b"), result.scores.iter_rows(named=True), strict=True):
        expected = naive(made, done, lead)
        for group in GROUPS:
            assert scores[f"{group}_points"] == pytest.approx(expected[group], abs=1e-3)
            attainable = attainable_points(made, group)
            assert scores[f"{group}_points"] <= attainable + 1e-3
        total = max(0.0, min(made.caps.total, sum(expected.values())))
        assert scores["rule_score"] == pytest.approx(total, abs=1e-3)
        told = result.points.filter(pl.col("lead_id") == lead)["points"].sum()
        assert max(0.0, min(100.0, told)) == pytest.approx(scores["rule_score"], abs=1e-3)
