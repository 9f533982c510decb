"""Rules as policy.yaml may write them: what is taken, what contradicts itself, and what SQL is asked for because of them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import yaml
from homes import REPOSITORY

from leadflow.activity_measures import RECENCY, WINDOWS, measure_of
from leadflow.errors import ConfigError
from leadflow.policy import Policy, load_policy
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.rule_conflicts import SENIORITIES
from leadflow.rule_measures import rule_variables
from leadflow.settings import load_settings
from leadflow.text.titles import Seniority
from leadflow.warehouse.stage_run import load_home_policy

RULE = """rules:
  - name: webinars
    group: dynamic
    when: {feature: webinars_attended, op: happened}
    points: 15
    reason: Attends
"""
SCORED = """rules:
  - name: big
    group: static
    when: {%s}
    points: 20
    reason: Because
"""
GATE = """gates:
  - name: rival
    when: {%s}
    max_score: %s
    reason: Because
"""


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return load_contracts(load_settings().sql_dir)


def write(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (RULE + "    class: strong\n", 7, "keep one of them"),
        (RULE.replace("    points: 15\n", ""), 2, "needs 'points', or 'class'"),
        (RULE.replace("points: 15", "class: huge"), 5, "'strong', 'medium' or 'weak'"),
        (RULE + "    count: {}\n", 7, "'count' says nothing"),
        (RULE + "    count: {times: 0}\n", 7, "greater than or equal to 1"),
        (RULE + "    count: {times: 2, per_day: 5}\n", 7, "per_day (5) is above times (2)"),
        (RULE + "    count: {times: 2, a_week: 5}\n", 7, "is not a known setting"),
        (RULE + "    decay: {}\n", 7, "either half_life_days or linear_days"),
        (RULE + "    decay: {half_life_days: 30, linear_days: 30}\n", 7, "only one of them"),
        (RULE + "    decay: {half_life_days: 0}\n", 7, "greater than or equal to 1"),
        (RULE + "    decay: {half_life_days: 1.5}\n", 7, "valid integer"),
        (RULE + "    count: {window_days: 90, times: 2}\n    decay: {linear_days: 30}\n", 8, "lower window_days"),
        (RULE + "    cap: 0\n", 7, "greater than 0"),
        (RULE.replace("attended, op: happened", "attended, op: gt, value: 0"), 4, "use webinars_attended_ever"),
        (RULE.replace("attended, op: happened", "attended_14d, op: gt, value: 0"), 4, "no feature webinars_attended_14d"),
        (RULE.replace("attended, op: happened", "attended_ever, op: happened"), 4, "nothing of the kind"),
        (RULE.replace("webinars_attended", "company_size"), 4, "op happened counts what leads do, and 'company_size'"),
        (RULE.replace("op: happened", "op: happened, value: 2"), 4, "takes no 'value'"),
        (SCORED % "feature: company_size, op: gt, value: 5" + "    count: {times: 2}\n", 7, "needs op happened"),
        (SCORED % "feature: company_size, op: gt, value: 5" + "    decay: {linear_days: 2}\n", 7, "needs op happened"),
        ("event_classes: {strong: 5, medium: 10}\n", 1, "must not ascend"),
        ("event_classes:\n  weak: -5\n", 2, "greater than 0"),
        ("caps:\n  static: 0\n", 2, "greater than 0"),
        ("caps:\n  total: 120\n", 2, "less than or equal to 100"),
        ("caps:\n  dynamics: 20\n", 2, "is not a known setting"),
        (GATE % ("feature: webinars_attended, op: happened", 20), 3, "a gate counts nothing"),
        (GATE % ("feature: is_competitor, op: is_true", 120), 4, "less than or equal to 100"),
        (GATE % ("feature: is_competitor, op: is_true", 20) + "    points: -5\n", 6, "is not a known setting"),
        ((GATE + GATE.removeprefix("gates:\n")) % (("feature: is_competitor, op: is_true", 20) * 2), 1, "several gates are named rival"),
        ("matrix: {A1: 1}\n", 1, "matrix.D4: Field required"),
        ("matrix: {A1: 2, A2: 1, A3: 2, A4: 3, B1: 2, B2: 2, B3: 3, B4: 4, C1: 2, C2: 3, C3: 4, C4: 4, D1: 3, D2: 4, D3: 4, D4: 4}\n", 1, "A1 (priority 2) comes after A2 (priority 1)"),
        ("matrix: {A1: 1, A2: 2, A3: 2, A4: 3, B1: 1, B2: 1, B3: 3, B4: 4, C1: 2, C2: 3, C3: 4, C4: 4, D1: 3, D2: 4, D3: 4, D4: 4}\n", 1, "A2 (priority 2) comes after B2 (priority 1)"),
        ("matrix:\n  A1: 0\n", 2, "greater than or equal to 1"),
        ("revenue:\n  minimum_deals: 2\n", 2, "greater than or equal to 5"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_with_its_line(tmp_path, text, line, says):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_policy(path)
    assert f"{path}:{line} " in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (RULE + "    cap: 10\n", 7, "cap 10 is below what the rule gives for one time (15)"),
        (RULE.replace("points: 15", "class: strong") + "    cap: 10\n", 7, "below what the rule gives"),
        (RULE.replace("points: 15", "points: -15") + "    cap: 10\n", 7, "(-15)"),
        (RULE + "    count: {window_days: 30}\n", 7, "counted without end"),
        (RULE + "    count: {per_day: 1}\n", 7, "counted without end"),
        (RULE + "    count: {window_days: 30}\n    decay: {half_life_days: 3}\n", 7, "counted without end"),
        (RULE.replace("name: webinars", "name: cap_dynamic"), 2, "take another name"),
        ("caps:\n  static: 9\n", 2, "below the points of its smallest rule (technology_industry, 10)"),
        ("caps:\n  contact: 5\n", 2, "below the points of its smallest rule"),
        (RULE + "caps:\n  static: 50\n", 8, "no rule is of the group static"),
        ("caps:\n  total: 40\n", 2, "below maturity_pass_mark (50)"),
        (GATE % ("feature: is_competitor, op: is_true", 90), 4, "above tiers.hot_above (80)"),
        (GATE % ("feature: is_competitor, op: is_true", 60) + "tiers: {hot_above: 50}\n", 4, "give at most 50"),
        (GATE % ("feature: page_views_ever, op: gte, value: 0", 60), 3, "holds of every lead"),
        (SCORED % "feature: page_views_ever, op: gt, value: -1", 4, "holds of every lead"),
        (SCORED % "feature: page_views_30d, op: lt, value: 0", 4, "holds of no lead"),
        (SCORED % "feature: days_since_last_visit, op: lte, value: -1", 4, "holds of no lead"),
        (SCORED % "feature: seniority, op: equals, value: CTO", 4, "never CTO"),
        (SCORED % "feature: seniority, op: in, value: [manager, vp]", 4, "never vp"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_with_its_line(tmp_path, text, line, says):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_policy(path)
    assert f"{path}:{line} " in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (SCORED % "feature: company_sizes, op: gt, value: 500", 4, "no feature 'company_sizes', but company_size"),
        (SCORED % "feature: zodiac_sign, op: is_true", 4, "no feature 'zodiac_sign' in features.lead_features"),
        (SCORED % "feature: company_size, op: equals, value: large", 4, "compared with text, but it is bigint"),
        (SCORED % "feature: industry, op: gt, value: 3", 4, "compared with a number, but it is varchar"),
        (SCORED % "feature: industry, op: in, value: [3, 4]", 4, "compared with a number, but it is varchar"),
        (SCORED % "feature: industry, op: is_true", 4, "compared with true or false, but it is varchar"),
        (SCORED % "feature: company_size, op: in_list, list: competitors.domains", 4, "compared with text"),
        (SCORED % "feature: is_sql, op: equals, value: true", None, ""),
        (SCORED % "feature: topic_share_30d, op: gte, value: 0.5", None, ""),
        (SCORED % "feature: email_domain, op: in_list, list: competitors.domains", None, ""),
        (GATE % ("feature: is_rival, op: is_true", 20), 3, "no feature 'is_rival'"),
        (RULE, None, ""),
        ("tiers: {warm_from: 41}\n", None, ""),
    ],
)  # fmt: skip
def test_features_are_held_against_their_contract_before_anything_runs(
    tmp_path, monkeypatch, contracts, text, line, says
):
    path = write(tmp_path, text)
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    settings = load_settings()
    if line is None:
        load_home_policy(settings, contracts)
        return
    with pytest.raises(ConfigError) as refused:
        load_home_policy(settings, contracts)
    assert f"{path}:{line} " in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        RULE,
        RULE.replace("points: 15", "class: medium"),
        RULE
        + "    count: {per_day: 1, times: 5, window_days: 90}\n    decay: {half_life_days: 30}\n    cap: 40\n",
        RULE + "    count: {per_day: 1}\n    decay: {half_life_days: 30}\n",
        RULE + "    count: {window_days: 30}\n    cap: 40\n",
        RULE + "    count: {times: 3, window_days: 30}\n    decay: {linear_days: 30}\n",
        RULE.replace("points: 15", "points: -15") + "    count: {per_day: 1}\n",  # without end, downwards
        SCORED % "feature: seniority, op: in, value: [Manager, c_level]",
        SCORED % "feature: days_since_last_visit, op: gte, value: 0",  # who visited at all
        SCORED % "feature: webinars_attended_30d, op: gte, value: 1",
        GATE % ("feature: is_competitor, op: is_true", 80),
        "caps: {static: 40, dynamic: 30, contact: 50, total: 90}\n",
    ],
)
def test_what_makes_sense_is_taken(tmp_path, text):
    assert load_policy(write(tmp_path, text)).version != Policy().version


def test_every_contradiction_is_named_at_once(tmp_path):
    with pytest.raises(ConfigError) as refused:
        load_policy(write(tmp_path, "caps:\n  static: 9\n  total: 40\n"))
    assert "policy.yaml:2 caps.static" in str(refused.value)
    assert "policy.yaml:3 caps.total" in str(refused.value)


def test_the_names_are_those_of_the_sql_room():
    declared = yaml.safe_load((REPOSITORY / "dbt_like_sql" / "dbt_project.yml").read_text(encoding="utf-8"))[
        "vars"
    ]
    assert {measure: tuple(days) for measure, days in declared["activity_windows"].items()} == WINDOWS
    assert declared["recency"] == RECENCY
    assert rule_variables(Policy()) == {name: declared[name] for name in ("rule_measures", "dated_measures")}


def test_the_contract_says_which_bit_of_kinds_is_whose():
    contracts = load_contracts(REPOSITORY / "dbt_like_sql")
    bits = ", ".join(f"{1 << place} {measure}" for place, measure in enumerate(WINDOWS))
    for table in ("features.lead_events", "features.lead_activity_daily"):
        (kinds,) = [column for column in contracts[table].columns if column.name == "kinds"]
        assert bits in kinds.description


def test_seniorities_are_those_that_titles_are_read_as():
    assert get_args(Seniority) == SENIORITIES


@pytest.mark.parametrize(
    ("rules", "measures"),
    [
        ("", {"webinars_attended": None}),
        ("    count: {times: 2, window_days: 30}\n", {"webinars_attended": 30}),
        ("    decay: {linear_days: 30}\n", {"webinars_attended": 29}),
        ("    decay: {half_life_days: 30}\n", {"webinars_attended": None}),
        ("    count: {times: 2, window_days: 0}\n", {"webinars_attended": 0}),
    ],
)
def test_sql_makes_the_days_that_rules_count(tmp_path, rules, measures):
    asked = rule_variables(load_policy(write(tmp_path, RULE + rules)))
    assert asked == {"rule_measures": measures, "dated_measures": []}


def test_of_two_rules_on_one_thing_the_longer_look_counts(tmp_path):
    more = (
        RULE
        + "    count: {times: 1, window_days: 7}\n"
        + RULE.removeprefix("rules:\n").replace("webinars\n", "again\n")
    )
    both = load_policy(write(tmp_path, more + "    count: {times: 1, window_days: 30}\n"))
    assert rule_variables(both)["rule_measures"] == {"webinars_attended": 30}
    ever = load_policy(write(tmp_path, more))
    assert rule_variables(ever)["rule_measures"] == {"webinars_attended": None}


@pytest.mark.parametrize(("windows", "needed"), [((7, 30), 30), ((30, 7), 30), ((7, None), None)])
def test_of_two_policies_the_days_are_enough_for_either(tmp_path, windows, needed):
    policies = [
        load_policy(
            write(tmp_path, RULE + (f"    count: {{times: 1, window_days: {window}}}\n" if window else ""))
        )
        for window in windows
    ]
    assert rule_variables(*policies)["rule_measures"] == {"webinars_attended": needed}
    others = load_policy(write(tmp_path, RULE.replace("webinars_attended", "email_replies")))
    assert set(rule_variables(policies[0], others)["rule_measures"]) == {"webinars_attended", "email_replies"}


def test_what_gates_go_by_is_dated_too(tmp_path):
    gated = load_policy(write(tmp_path, RULE + GATE % ("feature: calls_30d, op: gt, value: 3", 50)))
    assert rule_variables(gated)["dated_measures"] == ["calls"]


@pytest.mark.parametrize(
    ("feature", "measure"),
    [
        ("webinars_attended_90d", "webinars_attended"),
        ("page_views_ever", "page_views"),
        ("pricing_page_views_ever", "pricing_page_views"),
        ("days_since_webinar", "webinars_attended"),
        ("visit_days_30d", "page_views"),
        ("account_touches_30d", None),
        ("touch_trend_30d", None),
        ("company_size", None),
        ("page_views", None),
    ],
)
def test_the_measure_behind_a_feature(feature, measure):
    assert measure_of(feature) == measure
