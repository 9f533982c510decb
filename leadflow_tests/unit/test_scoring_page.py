"""docs/scoring.md: the lead that it walks through has the points that the page says."""

from __future__ import annotations

import re
from datetime import datetime

import polars as pl
import yaml
from homes import REPOSITORY

from leadflow.policy import Policy
from leadflow.rule_points import most_points
from leadflow.scoring.rules import score_rules

PAGE = (REPOSITORY / "docs" / "scoring.md").read_text(encoding="utf-8")


def test_the_page_says_what_the_code_gives():
    (example,) = (
        block
        for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
        if block.startswith("# the example")
    )
    policy = Policy.model_validate(yaml.safe_load(example))
    lead = {"lead_id": ["L"], "as_of": [datetime.fromisoformat("2026-06-30T15:00")], "company_size": [845], "seniority": ["director"],
            "is_free_mail": [True]}  # fmt: skip
    done = pl.DataFrame(
        [
            ("L", "webinars_attended", day, times)
            for day, times in ((0, 1.0), (30, 2.0), (60, 1.0), (100, 1.0))
        ]
        + [("L", "pricing_page_views", day, times) for day, times in ((5, 3.0), (15, 1.0))],
        schema=["lead_id", "measure", "days_ago", "occurrences"],
        orient="row",
    )
    result = score_rules(pl.DataFrame(lead), policy, done)
    told = [
        f"| {row['rule']} | {row['points']:g} | {row['fact']} |"
        for row in result.points.iter_rows(named=True)
    ]
    assert [row for row in told if row not in PAGE] == []
    assert len(re.findall(r"^\| \w+ \| -?[\d.]+ \|", PAGE, re.MULTILINE)) == len(told)
    scores = result.scores.row(0, named=True)
    most = {rule.name: most_points(rule, policy.points_of(rule)) for rule in policy.rules if rule.is_counted}
    flat = " ".join(PAGE.split())
    for sentence in (
        f"The points are {scores['static_points']:g} for fit, {scores['dynamic_points']:g} for engagement",
        f"and {scores['contact_points']:g} for the kind of address: a `rule_score` of {scores['rule_score']:g}",
        f"`static_score` is {scores['static_score']} and the grade {scores['fit_grade']}",
        f"Engagement could give {most['webinars']:g} for webinars",
        f"and {most['pricing_page']:g} for pricing pages",
        f"`dynamic_score` is {scores['dynamic_score']:g} and the level {scores['engagement_level']}",
        f"The cell is {scores['matrix_cell']}, priority {scores['matrix_priority']}.",
    ):
        assert sentence in flat
