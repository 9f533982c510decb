"""Points by rule: boundaries of every rule, attainable points, grades and levels, unknown facts."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.errors import ConfigError
from leadflow.policy import Policy
from leadflow.rule_points import attainable_points
from leadflow.scoring.rules import (
    POINTS_SCHEMA,
    SCORES_SCHEMA,
    engagement_level,
    fit_grade,
    score_rules,
)

FEATURES = {
    "lead_id": pl.String,
    "company_size": pl.Int64,
    "industry": pl.String,
    "seniority": pl.String,
    "pricing_page_views_ever": pl.Int64,
    "white_paper_downloads_ever": pl.Int64,
    "webinars_attended_ever": pl.Int64,
    "email_replies_ever": pl.Int64,
    "spam_reports_ever": pl.Int64,
    "days_since_last_activity": pl.Int64,
    "is_free_mail": pl.Boolean,
    "is_competitor": pl.Boolean,
    "has_suspect_contact": pl.Boolean,
    "email_domain": pl.String,
}
POLICY = Policy.model_validate({"competitors": {"domains": ["rival.com"]}})


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"lead_id": f"L{n}", **row} for n, row in enumerate(rows)], schema=FEATURES)


def policy(*rules: dict[str, Any], **rest: Any) -> Policy:
    named = [
        {"name": f"r{n}", "group": "static", "reason": "Because", **rule} for n, rule in enumerate(rules)
    ]
    return Policy.model_validate({"rules": named, **rest})


def test_the_fields_own_example_is_55():
    facts = {
        "company_size": 501,
        "industry": "Technology",
        "pricing_page_views_ever": 1,
        "seniority": "director",
    }
    result = score_rules(frame(facts), POLICY)
    assert result.scores["rule_score"].to_list() == [55.0]
    assert result.points["points"].to_list() == [20.0, 10.0, 15.0, 10.0]
    assert result.points["fact"].to_list()[0] == "company_size = 501"
    assert result.scores["is_mature"].to_list() == [True]


@pytest.mark.parametrize(
    ("facts", "fires"),
    [
        ({"company_size": 500}, None),
        ({"company_size": 501}, "large_company"),
        ({"industry": "Technology"}, "technology_industry"),
        ({"industry": " software "}, "technology_industry"),
        ({"industry": "Technology Retail"}, None),
        ({"industry": "Biotechnology"}, None),
        ({"seniority": "c_level"}, "c_level_title"),
        ({"seniority": "director"}, "director_title"),
        ({"seniority": "manager"}, "manager_title"),
        ({"seniority": "individual"}, None),
        ({"pricing_page_views_ever": 0}, None),
        ({"pricing_page_views_ever": 1}, "pricing_page"),
        ({"white_paper_downloads_ever": 0}, None),
        ({"white_paper_downloads_ever": 7}, "white_paper"),
        ({"webinars_attended_ever": 0}, None),
        ({"webinars_attended_ever": 1}, "webinar"),
        ({"email_replies_ever": 0}, None),
        ({"email_replies_ever": 1}, "email_reply"),
        ({"spam_reports_ever": 0}, None),
        ({"spam_reports_ever": 1}, "spam_report"),
        ({"days_since_last_activity": 30}, None),
        ({"days_since_last_activity": 31}, "idle"),
        ({"is_free_mail": False}, None),
        ({"is_free_mail": True}, "personal_mail"),
        ({"is_competitor": True}, "competitor"),
        ({"is_competitor": False}, None),
        ({"has_suspect_contact": True}, "suspect_contact"),
        ({"has_suspect_contact": False}, None),
        ({}, None),
    ],
)
def test_each_rule_at_its_boundary(facts, fires):
    result = score_rules(frame(facts), POLICY)
    expected = {rule.name: rule.points for rule in POLICY.rules}
    assert result.points["rule"].to_list() == ([fires] if fires else [])
    total = sum(result.scores[f"{group}_points"].item() for group in ("static", "dynamic", "contact"))
    assert total == (expected[fires] if fires else 0.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf"), None])
@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte", "equals"])
def test_what_is_not_a_real_number_never_fires(bad, op):
    rules = policy({"when": {"feature": "x", "op": op, "value": 0}, "points": 5})
    features = pl.DataFrame({"lead_id": ["a"], "x": [bad]}, schema={"lead_id": pl.String, "x": pl.Float64})
    assert score_rules(features, rules).points.is_empty()


@pytest.mark.parametrize(
    ("op", "value", "fires_at"),
    [
        ("gt", 2, [3]),
        ("gte", 2, [2, 3]),
        ("lt", 2, [1]),
        ("lte", 2, [1, 2]),
        ("equals", 2, [2]),
        ("in", [1, 3], [1, 3]),
    ],
)
def test_comparisons(op, value, fires_at):
    rules = policy({"when": {"feature": "x", "op": op, "value": value}, "points": 5})
    features = pl.DataFrame({"lead_id": ["1", "2", "3", "-"], "x": [1, 2, 3, None]})
    assert score_rules(features, rules).points["lead_id"].to_list() == [str(at) for at in fires_at]


def test_the_sum_stays_within_0_and_100():
    rules = policy(
        {"when": {"feature": "x", "op": "gt", "value": 0}, "points": 130},
        {"when": {"feature": "x", "op": "lt", "value": 0}, "points": -30, "group": "contact"},
    )
    features = pl.DataFrame({"lead_id": ["high", "low"], "x": [1, -1]})
    assert score_rules(features, rules).scores["rule_score"].to_list() == [100.0, 0.0]


def test_group_scores_are_shares_of_what_one_lead_can_get():
    assert attainable_points(POLICY, "static") == 55  # 20 + 10 + the highest of the three seniorities
    assert attainable_points(POLICY, "dynamic") == 40
    assert attainable_points(POLICY, "contact") == 0
    result = score_rules(
        frame(
            {"company_size": 501, "industry": "Technology", "seniority": "c_level"},
            {"company_size": 501, "pricing_page_views_ever": 1, "webinars_attended_ever": 1},
            {"spam_reports_ever": 1},
        ),
        POLICY,
    )
    assert result.scores["static_score"].to_list() == pytest.approx([100.0, 2000 / 55, 0.0])
    assert result.scores["dynamic_score"].to_list() == [0.0, 62.5, 0.0]
    assert result.scores["fit_grade"].to_list() == ["A", "C", "D"]
    assert result.scores["engagement_level"].to_list() == [4, 2, 4]


@pytest.mark.parametrize(
    ("conditions", "attainable"),
    [
        ([("x", "gt", 100, 10), ("x", "gt", 500, 20)], 30),  # both hold above 500
        ([("x", "lt", 10, 5), ("x", "gt", 500, 20)], 20),  # never both
        ([("x", "gt", 10, 5), ("x", "lt", 10.5, 5)], 10),  # both in between
        ([("x", "gte", 10, 5), ("x", "lte", 10, 5)], 10),  # both at 10 itself
        ([("s", "equals", "a", 5), ("s", "equals", "A ", 7)], 12),  # one and the same value
        ([("s", "equals", "a", 5), ("s", "in", ["a", "b"], -3)], 2),
        ([("x", "gt", 0, -5)], 0),
        ([("x", "gt", 0, 5), ("y", "gt", 0, 5)], 10),  # features are taken as independent
    ],
)
def test_attainable_points(conditions, attainable):
    rules = policy(
        *(
            {"when": {"feature": f, "op": op, "value": value}, "points": points}
            for f, op, value, points in conditions
        )
    )
    assert attainable_points(rules, "static") == attainable


@given(
    thresholds=st.lists(
        st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-3, 3), st.integers(-9, 9)),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=40, deadline=None)
def test_no_value_gets_more_than_the_attainable_points_and_one_gets_them(thresholds):
    rules = policy(
        *(
            {"when": {"feature": "x", "op": op, "value": at}, "points": points}
            for op, at, points in thresholds
        )
    )
    grid = [value / 4 for value in range(-20, 21)]
    features = pl.DataFrame({"lead_id": [str(value) for value in grid], "x": grid})
    best = max(0.0, *score_rules(features, rules).scores["static_points"])
    assert attainable_points(rules, "static") == best


@pytest.mark.parametrize(
    ("score", "grade", "level"),
    [
        (100.0, "A", 1), (85.0, "A", 1), (75.0, "A", 1), (74.999, "B", 2), (67.3, "B", 2), (50.0, "B", 2),
        (49.999, "C", 3), (25.0, "C", 3), (24.999, "D", 4), (0.0, "D", 4), (None, None, None),
    ],
)  # fmt: skip
def test_grades_and_levels(score, grade, level):
    one = pl.DataFrame({"s": [score]}, schema={"s": pl.Float64})
    assert one.select(fit_grade(pl.col("s"), POLICY)).item() == grade
    assert one.select(engagement_level(pl.col("s"), POLICY)).item() == level


def test_a_group_without_positive_rules_has_no_score():
    rules = policy({"when": {"feature": "x", "op": "gt", "value": 0}, "points": -5, "group": "dynamic"})
    scores = score_rules(pl.DataFrame({"lead_id": ["a"], "x": [1]}), rules).scores
    assert (
        scores.select("static_score", "dynamic_score", "fit_grade", "engagement_level").row(0) == (None,) * 4
    )
    assert scores["dynamic_points"].to_list() == [-5.0]


@pytest.mark.parametrize(("rule_score", "mature"), [(49, False), (50, True)])
def test_maturity(rule_score, mature):
    rules = policy({"when": {"feature": "x", "op": "gt", "value": 0}, "points": rule_score})
    assert score_rules(pl.DataFrame({"lead_id": ["a"], "x": [1]}), rules).scores["is_mature"].item() is mature


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"feature": "size", "op": "gt", "value": 1}, "feature 'size', which does not exist"),
        ({"feature": "s", "op": "gt", "value": 1}, "compares feature 's' with a number"),
        ({"feature": "x", "op": "equals", "value": "a"}, "compares feature 'x' with text"),
        ({"feature": "x", "op": "is_true"}, "compares feature 'x' with true or false"),
    ],
)
def test_a_rule_that_does_not_fit_the_features_is_named(condition, says):
    with pytest.raises(ConfigError, match="rule 'r0'") as refused:
        score_rules(
            pl.DataFrame({"lead_id": ["a"], "x": [1], "s": ["a"]}), policy({"when": condition, "points": 1})
        )
    assert says in str(refused.value)


def test_no_leads_and_no_facts():
    empty = score_rules(frame(), POLICY)
    assert empty.scores.schema == SCORES_SCHEMA
    assert empty.points.schema == POINTS_SCHEMA
    assert empty.scores.is_empty()
    nothing_known = frame({}).with_columns(pl.lit(None).alias(name) for name in FEATURES if name != "lead_id")
    assert score_rules(nothing_known, POLICY).points.is_empty()
    assert score_rules(frame({}), policy()).scores.schema == SCORES_SCHEMA


def test_rows_keep_the_order_of_the_features():
    features = frame({"company_size": 1}, {"company_size": 900}).reverse()
    result = score_rules(features, POLICY)
    assert result.scores["lead_id"].to_list() == ["L1", "L0"]
    assert result.scores["static_points"].to_list() == [20.0, 0.0]
