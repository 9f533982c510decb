"""The line on data without a signal: Maven's CRM sales opportunities, by the example that is written for them."""

import csv
import os
from collections import Counter
from pathlib import Path

import pytest
from homes import REPOSITORY, Home, leadflow

DATA = Path(os.environ.get("LEADFLOW_TEST_DATA", "LEADFLOW_TEST_DATA")) / "maven_crm"
EXAMPLE = REPOSITORY / "examples" / "maven_crm"

EXPORTED_ON = "2017-12-31"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not DATA.is_dir(),
        reason=f"{DATA} does not exist: set LEADFLOW_TEST_DATA to the folder that holds maven_crm/ (examples/maven_crm/README.md)",
    ),
]


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home refreshed from the example's sources and policy."""
    home = Home(tmp_path_factory.mktemp("maven") / "home", EXAMPLE / "sources.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAVEN_DIR", str(DATA))
        run = leadflow(home.path, "run", "--sources", home.sources, "--policy", EXAMPLE / "policy.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    return home


@pytest.fixture(scope="module")
def deals() -> list[dict[str, str]]:
    """The rows of the file as Python reads them."""
    return _rows("sales_pipeline.csv")


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_deal_is_a_lead_and_none_is_lost(maven, deals):
    stages = Counter(deal["deal_stage"] for deal in deals)
    assert len(deals) == sum(stages.values()) == 8_800
    funnel = dict(maven.rows("select stage, value from lead_funnel", of=maven.marts))
    assert funnel["leads"] == len(deals)
    assert funnel["rejected_records"] == 0
    assert funnel["won_leads"] == stages["Won"]
    assert maven.rows("select * from raw.rejected_rows") == []
    assert dict(
        maven.rows("select coalesce(outcome, 'open'), count(*) from raw.opportunities group by 1")
    ) == {
        "won": stages["Won"],
        "lost": stages["Lost"],
        "open": stages["Engaging"] + stages["Prospecting"],
    }


def test_a_deal_without_a_date_counts_from_the_export(maven, deals):
    undated = {deal["opportunity_id"] for deal in deals if not deal["engage_date"]}
    assert len(undated) == 500
    on_that_day = maven.rows(f"select mql_id from raw.mql where occurred_at = timestamp '{EXPORTED_ON}'")
    assert {key for (key,) in on_that_day} == undated
    assert str(maven.value("select as_of from published", of=maven.marts)) == f"{EXPORTED_ON} 00:00:00"


def test_values_and_companies_are_the_files(maven, deals):
    value = sum(int(deal["close_value"]) for deal in deals if deal["deal_stage"] == "Won")
    assert maven.value("select sum(contract_value) from raw.opportunities where outcome = 'won'") == value
    with_company = sum(1 for deal in deals if deal["account"])
    assert maven.value("select count(*) from raw.sql_leads where company_name is not null") == with_company


def test_every_account_and_rep_is_there(maven):
    accounts, reps = _rows("accounts.csv"), _rows("sales_teams.csv")
    assert maven.value("select count(*) from raw.company_reference") == len(accounts)
    sectors = Counter(account["sector"].replace("technolgy", "technology") for account in accounts)
    assert dict(maven.rows("select industry, count(*) from raw.company_reference group by 1")) == sectors
    assert sorted(maven.rows("select rep_id, team, region from raw.sales_reps")) == sorted(
        (rep["sales_agent"], rep["manager"], rep["regional_office"]) for rep in reps
    )


def test_firmographics_of_every_account_are_found(maven, deals):
    """Also that of companies whose names agree in all but their legal form."""
    size = {account["account"]: int(account["employees"]) for account in _rows("accounts.csv")}
    expected = Counter(size[deal["account"]] for deal in deals if deal["account"])
    found = maven.rows(
        "select company_size, count(*) from features.lead_features where company_size is not null group by 1"
    )
    assert dict(found) == expected


def test_the_model_claims_no_skill_and_the_rules_score_alone(maven):
    ((status, reason, auc, low, high, version),) = maven.rows(
        "select status, status_reason, auc, auc_low, auc_high, model_version from model_card", of=maven.marts
    )
    assert (status, version) == ("rules_only", None)
    assert reason.startswith("no skill: AUC 0.")
    assert low < 0.5 < high
    assert 0.45 < auc < 0.55
    assert (
        maven.value(
            "select count(*) from scored_leads where score is distinct from rule_score", of=maven.marts
        )
        == 0
    )
    assert maven.value("select max(score) from scored_leads", of=maven.marts) > 0


def test_nothing_of_the_outcome_or_the_company_is_learned_from(maven):
    """The file names a company for each closed deal and for a third of the open ones: it would tell which is which."""
    assert maven.rows(
        "select distinct account_id, company_size, industry, is_sql from features.training_examples where not is_censored"
    ) == [(None, None, None, False)]
    assert str(maven.value("select min(as_of) from features.training_examples")) >= "2017-03-01"
    assert set(maven.rows("select distinct attribute from raw.attributes")) == {
        ("product",),
        ("sales_agent",),
    }
