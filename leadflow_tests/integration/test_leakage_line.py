"""The leakage firewall in the line: what it blocks never reaches the model, and the policy has the last word."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from homes import REPOSITORY, Home

from leadflow.quality.contracts import load_contracts

SOURCES = """
version: 1
clock: newest_fact
sources:
  - name: forms
    table: mql
    path: forms.csv
    columns: {mql_id: id}
    occurred_at: sent
    attributes:
      budget: {column: budget, type: number}
      contract_number: {column: contract_number}
  - name: crm
    table: sql_leads
    path: crm.csv
    columns: {sql_lead_id: id, mql_id: id}
    occurred_at: sent
    known_at: {column: closed}
    attributes:
      handover_note: {column: note}
  - name: deals
    table: opportunities
    path: deals.csv
    columns: {opportunity_id: id, mql_id: id, outcome: outcome, closed_at: closed}
    occurred_at: closed
"""
POLICY = "training: {moments_days: [0], horizon_days: 60}\n"
MODEL = [
    dg.AssetKey(["features", "leakage_report"]),
    dg.AssetKey(["scoring", "trainings"]),
    dg.AssetKey(["scoring", "newest_scores"]),
    dg.AssetKey(["scoring", "model_card"]),
]
LEADS = 600


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """600 leads whose budget tells a little, and whose contract_number is there for the won alone."""
    folder = tmp_path_factory.mktemp("leaks")
    generator = np.random.default_rng(8)
    forms, crm, deals = ["id,sent,budget,contract_number"], ["id,sent,note,closed"], ["id,outcome,closed"]
    for number in range(LEADS):
        sent = datetime.fromisoformat("2024-01-01") + timedelta(days=number)
        budget = generator.normal()
        is_won = generator.random() < 1 / (1 + np.exp(1 - 0.8 * budget))
        closed = sent + timedelta(days=20)
        forms.append(f"{number},{sent},{budget:.3f},{f'C-{number}' if is_won else ''}")
        crm.append(f"{number},{sent},{'a' if number % 3 else 'b'},{closed}")
        deals.append(f"{number},{'won' if is_won else 'lost'},{closed}")
    for name, lines in (("forms", forms), ("crm", crm), ("deals", deals)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    home = Home(folder / "home", folder / "sources.yaml")
    home.path.mkdir()
    (home.path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    assert home.make().success
    return home


def with_policy(home: Home, path: Path, leakage: str) -> Home:
    """A copy of the home under another policy."""
    own = home.copy_to(path)
    (own.path / "policy.yaml").write_text(f"{POLICY}leakage: {leakage}\n", encoding="utf-8")
    return own


def features_of_the_model(home: Home) -> set[str]:
    """Features of the model in use."""
    return set(home.value("select feature_names from scoring.model_card").split(", "))


def test_what_is_blocked_never_reaches_the_model(home):
    blocked = home.rows(
        "select feature, check_name from features.leakage_report where verdict = 'blocked' order by all"
    )
    assert ("attribute contract_number", "null_pattern") in blocked
    assert ("attribute handover_note", "written_after_outcome") in blocked
    assert {feature for feature, _ in blocked} == {"attribute contract_number", "attribute handover_note"}
    assert "attribute budget" in features_of_the_model(home)
    assert not features_of_the_model(home) & {"attribute contract_number", "attribute handover_note"}
    limits = home.value("select limits from scoring.model_card")
    assert "Kept from the model by the leakage checks or the policy: contract_number, handover_note" in limits


def test_the_ui_shows_the_report_and_the_check_warns(home, tmp_path):
    run = home.copy_to(tmp_path / "home").run(MODEL)
    assert run.success
    (made,) = run.asset_materializations_for_node("features__leakage_report")
    table = made.metadata["leakage"].value
    assert "| attribute contract_number | null_pattern | blocked |" in table
    assert table.index("blocked") < table.index("| pass |")
    checks = {check.check_name: check for check in run.get_asset_check_evaluations()}
    told = checks["no_feature_tells_the_outcome"]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "allow 'contract_number' with a reason" in told.metadata["failing_sample"].value
    assert checks["nothing_stops_training"].passed


def test_stop_ends_the_refresh_before_training(home, tmp_path):
    own = with_policy(home, tmp_path / "home", "{on_blocked: stop}")
    run = own.run(MODEL)
    assert not run.success
    checks = {check.check_name: check for check in run.get_asset_check_evaluations()}
    stopped = checks["nothing_stops_training"]
    assert (stopped.passed, stopped.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "contract_number" in stopped.metadata["failing_sample"].value
    assert not run.asset_materializations_for_node("scoring__model_card")
    # The model alone, as somebody might materialize it from the UI later, is held as well.
    alone = own.run(MODEL[1:])
    (failure,) = (event for event in alone.all_events if event.is_step_failure)
    assert "contract_number" in failure.step_failure_data.user_failure_data.description


def test_what_the_policy_allows_is_learned_from_and_what_it_excludes_is_not(home, tmp_path):
    allow = "{feature: contract_number, reason: given out at the first call}"
    own = with_policy(home, tmp_path / "home", f"{{allow: [{allow}], exclude: [budget, handover_note]}}")
    assert own.run(MODEL).success
    assert "attribute contract_number" in features_of_the_model(own)
    assert not features_of_the_model(own) & {"attribute budget", "attribute handover_note"}
    found = own.rows(
        "select distinct feature, verdict, allowed_reason from features.leakage_report "
        "where verdict in ('allowed', 'excluded', 'blocked') order by all"
    )
    assert found == [
        ("attribute budget", "excluded", None),
        ("attribute contract_number", "allowed", "given out at the first call"),
        ("attribute handover_note", "excluded", None),
    ]


def test_a_clean_simulated_company_raises_no_alarm(shared_home):
    verdicts = dict(shared_home.rows("select verdict, count(*) from features.leakage_report group by 1"))
    assert not set(verdicts) & {"blocked", "warn", "excluded"}
    assert verdicts["pass"] > 100
    # The register of companies is declared as known since ever, which the report lists and lets pass.
    listed = shared_home.rows(
        "select distinct check_name from features.leakage_report where verdict = 'allowed'"
    )
    assert listed == [("known_by_then",)]
    checked = {
        name for (name,) in shared_home.rows("select distinct check_name from features.leakage_report")
    }
    assert {
        "association",
        "null_pattern",
        "beats_all_others",
        "known_by_then",
        "written_after_outcome",
    } <= checked
    when = "select feature from features.leakage_report where check_name = 'known_by_then'"
    assert {"company_size", "industry", "is_listed", "created_at", "last_activity_at"} <= {
        name for (name,) in shared_home.rows(when)
    }


def test_every_fact_about_the_company_is_held_against_when_it_became_known(shared_home):
    """Also those of a feature that is called otherwise than the fact: company_country is the fact country."""
    contract = load_contracts(REPOSITORY / "dbt_like_sql")["features.training_examples"]
    fact_of = {
        column.name: column.meta.get("fact", column.name)
        for column in contract.columns
        if column.meta.get("known") == "firmographics" and "feature" in column.meta
    }
    told = {fact for (fact,) in shared_home.rows("select distinct field from enrich.firmographic_facts")}
    checked = shared_home.rows(
        "select feature from features.leakage_report where check_name = 'known_by_then'"
    )
    known = {name for name, fact in fact_of.items() if fact in told}
    assert {"company_size", "company_country"} <= known
    assert known <= {feature for (feature,) in checked}
