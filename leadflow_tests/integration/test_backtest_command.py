"""leadflow backtest on a simulated company: deliberately better and worse policies are told apart, and wrong wishes refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from homes import Home, leadflow

from leadflow.cli.backtest import Asked, Outcome, asked, run_backtest
from leadflow.errors import LeadflowError
from leadflow.scoring.in_force import stored_model
from leadflow.settings import load_settings


def _rule(name: str, feature: str, op: str, value: float | None, points: float) -> dict[str, Any]:
    when: dict[str, Any] = {"feature": feature, "op": op}
    when |= {} if value is None else {"value": value}
    return {"name": name, "group": "dynamic", "when": when, "points": points, "reason": name}


BETTER = {
    "rules": [
        _rule("quote", "quotes_90d", "gt", 0, 45),
        _rule("meeting", "meetings_30d", "gt", 0, 25),
        _rule("need", "bant_known", "gte", 3, 20),
        _rule("reply", "email_replies_30d", "gt", 0, 20),
    ]
}
WORSE = {
    "rules": [
        _rule("private", "is_free_mail", "is_true", None, 30),
        _rule("quiet", "days_since_last_activity", "gt", 30, 40),
    ]
}


@pytest.fixture
def policy(tmp_path: Path):
    """Write a policy file."""

    def write(content: Any) -> Path:
        path = tmp_path / "candidate.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _wanted(path: Path, then: datetime, **changes: Any) -> Asked:
    start = (then - timedelta(days=180)).replace(hour=0, minute=0)
    return replace(Asked(path, start, start + timedelta(days=84), 14, "none"), **changes)


def _run(home: Home, wanted: Asked) -> Outcome:
    return run_backtest(load_settings(home=home.path, sources=home.sources), wanted, tell=print)


@pytest.mark.parametrize(
    ("content", "verdict"), [(BETTER, "better"), (WORSE, "worse"), ({}, "no difference")]
)
def test_better_and_worse_policies_are_told_apart(later_home: Home, then, policy, content, verdict):
    found = _run(later_home, _wanted(policy(content), then)).backtest
    assert found.verdict == verdict, found.sentence
    assert found.moments.height == 7
    assert 0 < found.wins < found.leads


def test_the_policy_in_force_against_itself_moves_nobody(later_home: Home, then, policy):
    outcome = _run(later_home, _wanted(policy({}), then))
    assert outcome.notes == ["The policy is the one in force."]
    assert outcome.backtest.movers.is_empty()
    assert outcome.backtest.calls.gained == outcome.backtest.calls.lost == []


def _counting(half_life_days: float) -> dict[str, Any]:
    rule = {
        "name": "visits",
        "group": "dynamic",
        "when": {"feature": "page_views", "op": "happened"},
        "points": 10,
        "count": {"per_day": 2, "times": 8},
        "decay": {"half_life_days": half_life_days},
        "reason": "Reads",
    }
    return {"rules": [rule, _rule("need", "bant_known", "gte", 3, 20)]}


@pytest.mark.parametrize("model", ["none", "train"])
def test_a_policy_that_differs_in_the_decay_of_a_counted_rule_moves_leads(
    later_home: Home, then, policy, tmp_path, model
):
    home = later_home.copy_to(tmp_path / "home")
    (home.path / "policy.yaml").write_text(yaml.safe_dump(_counting(20)), encoding="utf-8")
    start = (then - timedelta(days=75)).replace(hour=9, minute=0)
    wanted = _wanted(
        policy(_counting(2)), then, start=start, end=start + timedelta(days=14), every_days=7, model=model
    )
    outcome = _run(home, wanted)
    found = outcome.backtest
    assert outcome.notes == []
    assert all(told.startswith("model " if model == "train" else "rules alone: ") for told in outcome.models)
    assert found.movers.height > 0
    assert outcome.versions[0] != outcome.versions[1]
    if model == "none":
        assert (found.movers["score_candidate"] < found.movers["score_in_force"]).all(), (
            "what fades faster never gives more"
        )


def test_leads_are_those_known_and_open_and_wins_those_within_the_horizon(later_home: Home, then, policy):
    found = _run(later_home, _wanted(policy({}), then)).backtest
    rows = later_home.rows(
        "select count(*), count(*) filter (where o.first_won_at <= cast($1 as timestamp) + interval 90 day) "
        "from identity.leads as l left join features.lead_outcomes as o using (lead_id) "
        "where l.known_from <= $1 and (o.first_closed_at is null or o.first_closed_at > $1)",
        [found.moments["as_of"][3]],
    )
    assert found.moments.select("leads", "wins").row(3) == rows[0]


def test_a_trained_model_knows_nothing_of_the_period(later_home: Home, then, policy, monkeypatch):
    from leadflow.scoring import backtest_learning

    seen: list[pl.DataFrame] = []
    learn = backtest_learning.train

    def watched(examples, *rest):
        seen.append(examples)
        return learn(examples, *rest)

    monkeypatch.setattr(backtest_learning, "train", watched)
    start = (then - timedelta(days=80)).replace(hour=0, minute=0)
    wanted = _wanted(
        policy(BETTER), then, start=start, end=start + timedelta(days=14), every_days=7, model="train"
    )
    outcome = _run(later_home, wanted)
    (examples,) = seen  # both policies train alike
    assert examples.height > 0
    assert examples["as_of"].max() + timedelta(days=90) <= start
    assert examples["label"].null_count() == 0
    assert all(model.startswith(("model ", "rules alone: ")) for model in outcome.models)


def test_a_named_model_that_has_seen_the_period_is_refused_and_an_older_one_taken(
    later_home: Home, then, policy, tmp_path
):
    settings = load_settings(home=later_home.path)
    version = later_home.value(
        "select max(model_version) from scoring.score_history where as_of = $1", [then]
    )
    with pytest.raises(
        LeadflowError, match=f"the model {version} has learned from outcomes until .* the period begins at"
    ):
        _run(later_home, _wanted(policy({}), then, model=version))
    with pytest.raises(
        LeadflowError, match="there is no model 'm404' in .*: take one of those there: .*" + version
    ):
        _run(later_home, _wanted(policy({}), then, model="m404"))
    home = later_home.copy_to(tmp_path / "home")
    older = replace(stored_model(settings.models_dir, version), label_settled_at=then - timedelta(days=300))
    path = load_settings(home=home.path).models_dir / f"{older.version}.json"
    path.write_text(older.to_json(), encoding="utf-8")
    outcome = _run(home, _wanted(policy({}), then, model=older.version))
    assert outcome.models[0].startswith(f"model {older.version}, learned from ")
    assert outcome.backtest.calibration["candidate"] is not None


def test_where_nothing_was_won_nothing_is_told(later_home: Home, then, policy, tmp_path):
    import duckdb

    home = later_home.copy_to(tmp_path / "home")
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("update features.lead_outcomes set first_won_at = null")
    outcome = _run(home, _wanted(policy(BETTER), then, calls_per_week=3))
    assert (outcome.backtest.verdict, outcome.backtest.wins) == ("cannot be told", 0)
    assert outcome.backtest.calls.candidate.calls == 7 * 6


def test_moments_whose_horizon_has_not_passed_are_left_out_and_said(later_home: Home, then, policy):
    start = then - timedelta(days=70)
    outcome = _run(later_home, _wanted(policy({}), then, start=start, end=start + timedelta(days=56)))
    assert outcome.backtest.moments.height == 1
    assert any("4 of 5 moments are left out: their 90 days had not passed" in note for note in outcome.notes)


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        (400, "nothing of the period from .* can be judged yet: .* the last refresh looked from"),
        (-3000, "no lead was known and open at any moment from"),
    ],
)
def test_a_period_without_anything_to_judge_is_refused(later_home: Home, then, policy, days, problem):
    start = then + timedelta(days=days)
    with pytest.raises(LeadflowError, match=problem):
        _run(later_home, _wanted(policy({}), then, start=start, end=start + timedelta(days=14)))


def test_another_horizon_is_refused(later_home: Home, then, policy):
    with pytest.raises(
        LeadflowError, match=r"training\.horizon_days is 30 in the policy and 90 in the one in force"
    ):
        _run(later_home, _wanted(policy({"training": {"horizon_days": 30}}), then))


def test_what_decides_the_facts_is_said_not_to_be_replayed(later_home: Home, then, policy):
    wanted = _wanted(policy({"bots": {"events_per_minute": 5}}), then)
    assert any(
        note.startswith("What the policy says of bots decides what the facts are")
        for note in _run(later_home, wanted).notes
    )


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(LeadflowError, match="--from 2026-02-01 00:00:00 is after --to 2026-01-01 00:00:00"):
        asked(Path("p.yaml"), "2026-02-01", "2026-01-01", 7, "none", None)
    with pytest.raises(LeadflowError, match="--to 'soon' is not a moment"):
        asked(Path("p.yaml"), "2026-02-01", "soon", 7, "none", None)


def test_the_command_prints_writes_and_changes_nothing(later_home: Home, then, policy, tmp_path):
    home = later_home.copy_to(tmp_path / "home")
    before = home.warehouse.read_bytes()
    out = tmp_path / "out"
    start = (then - timedelta(days=150)).replace(hour=0, minute=0)
    period = ("--from", start.isoformat(), "--to", (start + timedelta(days=14)).isoformat())
    told = leadflow(
        home.path, "backtest", "--policy", policy(BETTER), *period, "--model", "none", "--out", out
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "AUC within a moment" in told.stdout
    assert "The policy ranks better than the one in force" in told.stdout
    assert home.warehouse.read_bytes() == before
    written = json.loads((out / "backtest.json").read_text(encoding="utf-8"))
    assert written["verdict"] == "better"
    assert sum(row["leads"] for row in written["tier_moves"]) == written["moments"][-1]["leads"]
    movers = pl.read_csv(out / "movers.csv")
    assert movers.height == sum(
        row["leads"] for row in written["tier_moves"] if row["tier_in_force"] != row["tier_candidate"]
    )
    assert {path.name for path in out.iterdir()} == {
        "backtest.json",
        "moments.csv",
        "tier_moves.csv",
        "movers.csv",
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [("tiers:\n  hot_abov: 3\n", "candidate.yaml:2"), (None, "the policy missing.yaml does not exist")],
)
def test_a_policy_that_cannot_be_read_is_named_with_its_line(later_home: Home, policy, content, problem):
    path = "missing.yaml" if content is None else policy(content)
    told = leadflow(
        later_home.path, "backtest", "--policy", path, "--from", "2026-01-01", "--to", "2026-02-01"
    )
    assert told.returncode == 1
    assert problem in told.stderr
    assert told.stderr.count("\n") == 1


def test_before_the_first_refresh(tmp_path: Path, policy):
    told = leadflow(
        tmp_path / "home", "backtest", "--policy", policy({}), "--from", "2026-01-01", "--to", "2026-02-01"
    )
    assert told.returncode == 1
    assert "warehouse.duckdb does not exist: run `leadflow run` first" in told.stderr
