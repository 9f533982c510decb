"""A policy that counts, fades, caps and gates, from the events of a simulated company to its scores and reasons."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from homes import Home, leadflow

POLICY = """
rules:
  - {name: webinars, group: dynamic, when: {feature: webinars_attended, op: happened}, class: strong,
     count: {per_day: 1, times: 3, window_days: 90}, decay: {half_life_days: 30}, reason: Attends, reason_zh: 参加}
  - {name: pages, group: dynamic, when: {feature: page_views, op: happened}, points: 2, count: {per_day: 5},
     decay: {linear_days: 60}, cap: 40, reason: Reads}
  - {name: big, group: static, when: {feature: company_size, op: gt, value: 500}, points: 20, reason: Big}
  - {name: manager, group: static, when: {feature: seniority, op: equals, value: manager}, points: 15, reason: Manager}
  - {name: papers, group: dynamic, when: {feature: white_paper_downloads_ever, op: gt, value: 0}, points: 5, reason: Paper}
  - {name: spam, group: contact, when: {feature: spam_reports, op: happened}, points: -20, count: {per_day: 1}, reason: Spam}
caps: {static: 30, dynamic: 20, contact: 30, total: 50}
gates:
  - {name: private, when: {feature: is_free_mail, op: is_true}, max_score: 25, reason: Private, reason_zh: 私人邮箱}
"""
STEPS = [
    dg.AssetKey(name.split("."))
    for name in (
        "features.lead_rule_activity", "features.training_rule_activity", "features.lead_fact_dates", "scoring.rule_scores",
        "scoring.model_card", "scoring.scored_leads", "scoring.score_reasons", "scoring.ml_scores",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def counted(shared_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = shared_home.copy_to(tmp_path_factory.mktemp("counting") / "home")
    (home.path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    assert home.run(STEPS).success, "a step or one of its checks failed"
    return home


@pytest.mark.parametrize("spine", ["lead", "training"])
def test_the_days_add_up_to_the_features(counted: Home, spine: str) -> None:
    features = "features.lead_features" if spine == "lead" else "features.training_examples"
    differing = counted.rows(
        f"""
        select features.lead_id, features.as_of, features.webinars_attended_90d, features.spam_reports_ever, days.*
        from {features} as features
        left join (
            select lead_id, as_of,
                sum(occurrences) filter (where measure = 'webinars_attended') as webinars,
                sum(occurrences) filter (where measure = 'spam_reports') as spam
            from features.{spine}_rule_activity group by all
        ) as days on days.lead_id = features.lead_id and days.as_of = features.as_of
        where features.webinars_attended_90d <> coalesce(days.webinars, 0)
            or features.spam_reports_ever <> coalesce(days.spam, 0)
        """
    )
    assert differing == []
    assert (
        counted.value(f"select count(*) from features.{spine}_rule_activity where measure = 'spam_reports'")
        > 0
    )


def test_points_are_those_of_a_plain_query(counted: Home) -> None:
    differing = counted.rows(
        """
        with days as (
            select lead_id, days_ago,
                row_number() over (partition by lead_id order by days_ago) as place
            from features.lead_rule_activity where measure = 'webinars_attended' and days_ago <= 90
        ),
        expected as (
            select lead_id, round(sum(15 * 0.5 ** (days_ago / 30)), 4) as points from days where place <= 3 group by lead_id
        )
        select * from expected
        full join (select lead_id, points from scoring.score_reasons where name = 'webinars') as told using (lead_id)
        where abs(coalesce(expected.points, 0) - coalesce(told.points, 0)) > 0.0002
        """
    )
    assert differing == []
    assert counted.value("select count(*) from scoring.score_reasons where name = 'webinars'") > 10


def test_points_add_up_and_caps_are_told(counted: Home) -> None:
    caps = dict(
        counted.rows("select name, count(*) from scoring.score_reasons where name like 'cap_%' group by name")
    )
    assert caps.keys() >= {"cap_static", "cap_dynamic"}
    assert counted.value("select max(rule_score) from scoring.scored_leads") <= 50
    assert counted.value("select max(dynamic_points) from scoring.rule_scores") == 20


def test_the_gate_holds_and_says_so(counted: Home) -> None:
    private = "lead_id in (select lead_id from features.lead_features where is_free_mail)"
    assert counted.value(f"select max(score) from scoring.scored_leads where {private}") == 25
    assert counted.value(f"select max(score) from scoring.scored_leads where not {private}") > 25
    told = "select lead_id from scoring.score_reasons where source = 'gate' and reason_zh = '私人邮箱'"
    assert (
        counted.value(f"select count(*) from scoring.scored_leads where {private} <> (lead_id in ({told}))")
        == 0
    )
    assert (
        counted.value("select count(*) from scoring.score_reasons where effect < 0 and source = 'gate'") > 0
    )


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("webinars", "cast(features.as_of as date) - cast(features.days_since_webinar as integer)"),
        ("pages", "cast(features.as_of as date) - cast(features.days_since_last_visit as integer)"),
        (
            "papers",
            "(select max(event_date) from features.lead_activity_daily as d where d.lead_id = features.lead_id "
            "and kinds & 64 <> 0 and event_date < cast(features.as_of as date))",
        ),
    ],
)
def test_a_point_has_the_day_of_its_fact(counted: Home, name: str, day: str) -> None:
    rows = counted.rows(
        f"""
        select reasons.fact_date, {day} from scoring.score_reasons as reasons
        inner join features.lead_features as features using (lead_id) where reasons.name = '{name}'
        """
    )
    assert rows
    assert [row for row in rows if row[0] != row[1]] == []


def test_records_have_days_and_cells_have_priorities(counted: Home) -> None:
    assert (
        counted.value(
            "select count(*) from scoring.score_reasons where name = 'manager' and fact_date is null"
        )
        == 0
    )
    cells = dict(counted.rows("select distinct matrix_cell, matrix_priority from scoring.scored_leads"))
    assert len(cells) > 4
    assert cells["D4"] == 4
    wrong = "select count(*) from scoring.scored_leads where matrix_cell <> fit_grade || engagement_level"
    assert counted.value(wrong) == 0


def test_a_policy_that_asks_for_what_is_no_measure_stops_before_anything_runs(
    own_home: Home,
) -> None:
    (own_home.path / "policy.yaml").write_text(
        POLICY.replace("feature: page_views,", "feature: page_visits,"), encoding="utf-8"
    )
    refused = leadflow(own_home.path, "run", sources=own_home.sources)
    assert refused.returncode != 0
    assert "policy.yaml:5" in refused.stderr
    assert "'page_visits' is nothing of the kind" in " ".join(refused.stderr.split())


def test_days_that_another_policy_asked_for_are_not_taken(counted: Home, tmp_path: Path) -> None:
    other = counted.copy_to(tmp_path / "home")
    policy = other.path / "policy.yaml"
    policy.write_text(POLICY.replace("feature: spam_reports,", "feature: email_replies,"), encoding="utf-8")
    scores = dg.AssetKey(["scoring", "rule_scores"])
    assert not other.run([scores]).success
    assert other.run([dg.AssetKey(["features", "lead_rule_activity"]), scores]).success
