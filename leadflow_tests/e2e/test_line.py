"""The whole line as a person starts it: simulate a company, run, and read the mart as a BI tool would."""

import re

import duckdb
import pytest

from leadflow.policy import load_policy
from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings
from leadflow.stages import PUBLISHED_TABLES

PII = {
    "raw.mql": ("email", "phone", "full_name", "ip_address"),
    "raw.sql_leads": ("email", "phone", "full_name"),
    "raw.web_events": ("email", "ip_address"),
    "raw.email_events": ("email",),
}


@pytest.fixture(scope="module")
def mart(shared_home):
    """The published mart, opened as a BI tool does."""
    with duckdb.connect(str(shared_home.marts), read_only=True) as connection:
        yield connection


def test_the_commands_say_what_they_did(refreshed, mart):
    assert refreshed.simulated.startswith("Simulated 600 submissions of ")
    assert re.search(r"\d+ steps, \d+ checks, 0 of them failed\.", refreshed.refreshed)
    told = {
        tier: int(count.replace(",", ""))
        for tier, count in re.findall(
            r"^\s+(HOT|WARM|COLD)\s+([\d,]+) leads", refreshed.refreshed, re.MULTILINE
        )
    }
    assert told == dict(mart.execute("select tier, count(*) from scored_leads group by tier").fetchall())
    assert f"Mart: {refreshed.made_in / 'marts.duckdb'}" in refreshed.refreshed


def test_the_mart_holds_its_tables_with_the_columns_of_their_contracts(mart):
    contracts = load_contracts(load_settings().sql_dir)
    promised = [*PUBLISHED_TABLES, "publish.published", "publish.data_quality"]
    listed = mart.execute("select table_name from information_schema.tables order by 1").fetchall()
    assert [name for (name,) in listed] == sorted(name.partition(".")[2] for name in promised)
    for name in promised:
        columns = mart.execute(f"describe {name.partition('.')[2]}").fetchall()
        expected = [(column.name, column.data_type.upper()) for column in contracts[name].columns]
        assert [(column[0], column[1]) for column in columns] == expected, name


def test_the_mart_explains_itself(mart):
    comments = "select table_name, comment from duckdb_tables() where coalesce(comment, '') = ''"
    assert mart.execute(comments).fetchall() == []
    undescribed = "select table_name, column_name from duckdb_columns() where coalesce(comment, '') = '' and not internal"
    assert mart.execute(undescribed).fetchall() == []


def test_every_table_that_is_published_has_rows(mart, shared_home):
    # Too few accounts of so small a company were won to be grouped.
    assert shared_home.rows("select distinct method from icp.account_fit") == [("rules",)]
    for name in set(PUBLISHED_TABLES) - {"icp.icp_segments"}:
        (rows,) = mart.execute(f"select count(*) from {name.partition('.')[2]}").fetchone()
        assert rows > 0, name


def test_every_lead_record_is_accounted_for(shared_home):
    count = shared_home.value
    given = count("select (select count(*) from raw.mql) + (select count(*) from raw.sql_leads)")
    members = "select record_key from identity.identity_map where known_to is null"
    rejected = "select distinct raw_table || ':' || record_id as record_key from clean.rejected_leads"
    assert given > 600
    assert count(f"select count(*) from ({members})") + count(f"select count(*) from ({rejected})") == given
    assert count(f"select count(*) from ({members} intersect {rejected})") == 0
    assert (
        count(
            f"select count(*) from (select record_key from clean.lead_records except ({members} union all {rejected}))"
        )
        == 0
    )


def test_every_lead_is_scored_once(shared_home, mart):
    scored = [
        lead_id for (lead_id,) in mart.execute("select lead_id from scored_leads order by 1").fetchall()
    ]
    known = [
        lead_id
        for (lead_id,) in shared_home.rows("select distinct lead_id from identity.identity_map order by 1")
    ]
    assert scored == known
    assert 0 < len(scored) < shared_home.value("select count(*) from clean.lead_records")


def test_scores_and_tiers_keep_the_policy(mart):
    tiers = load_policy(None).tiers
    low, high = mart.execute("select min(score), max(score) from scored_leads").fetchone()
    assert 0 <= low < high <= 100
    wrong = mart.execute(
        "select lead_id, score, tier from scored_leads where tier is distinct from "
        "case when score > ? then 'HOT' when score >= ? then 'WARM' else 'COLD' end",
        [tiers.hot_above, tiers.warm_from],
    ).fetchall()
    assert wrong == []
    out_of_scale = "select count(*) from scored_leads where not (rule_score between 0 and 100 and static_score between 0 and 100 and dynamic_score between 0 and 100)"
    assert mart.execute(out_of_scale).fetchone() == (0,)


def test_leads_that_were_won_score_higher(shared_home, mart):
    won = "select lead_id from features.lead_outcomes where won_count > 0"
    ids = [lead_id for (lead_id,) in shared_home.rows(won)]
    means = mart.execute(
        "select avg(score) filter (where list_contains(?, lead_id)), avg(score) filter (where not list_contains(?, lead_id)) "
        "from scored_leads",
        [ids, ids],
    ).fetchone()
    assert len(ids) > 20
    assert means[0] > means[1]


def test_the_funnel_only_narrows(mart):
    funnel = dict(mart.execute("select stage, value from lead_funnel").fetchall())
    assert (
        funnel["lead_records"]
        >= funnel["leads"]
        >= funnel["leads_with_opportunity"]
        >= funnel["won_leads"]
        > 0
    )
    assert funnel["leads"] == mart.execute("select count(*) from scored_leads").fetchone()[0]
    kpi = "select value from kpi_mart where metric = 'leads' and period = 'all' and segment = 'all'"
    assert mart.execute(kpi).fetchall() == [(funnel["leads"],)]


def test_the_main_reasons_are_among_those_told_and_in_their_order(mart):
    leads = mart.execute(
        "select lead_id, [top_reason_1, top_reason_2, top_reason_3] from scored_leads"
    ).fetchall()
    told: dict[str, list[str]] = {}
    for lead_id, reason in mart.execute(
        "select lead_id, reason from score_reasons order by lead_id, rank"
    ).fetchall():
        told.setdefault(lead_id, []).append(reason)
    assert sum(reasons[0] is not None for _, reasons in leads) > len(leads) / 2
    for lead_id, reasons in leads:
        ranks = [told[lead_id].index(reason) for reason in reasons if reason is not None]
        assert ranks == sorted(ranks), lead_id


def test_five_later_wins_show_no_skill_and_rules_score_alone(mart, shared_home):
    """Of the 41 wins of so small a company five are later than what is learned from: too few to show anything by."""
    ((status, reason, low, version, wins),) = mart.execute(
        "select status, status_reason, auc_low, model_version, test_wins from model_card"
    ).fetchall()
    assert (status, version, wins) == ("rules_only", None, 5)
    assert reason.startswith("no skill: AUC 0.")
    assert low <= 0.5
    assert list((shared_home.path / "models").glob("*.json")) == []
    told = "select count(*) from scored_leads where score <> rule_score or ml_probability is not null or model_version is not null"
    assert mart.execute(told).fetchone() == (0,)
    assert mart.execute("select distinct source from score_reasons").fetchall() == [("rule",)]


def test_no_personal_data_is_in_the_mart(shared_home, mart):
    given: set[str] = set()
    for table, columns in PII.items():
        for column in columns:
            rows = shared_home.rows(
                f"select distinct trim({column}) from {table} where length(trim({column})) > 5"
            )
            given |= {value.lower() for (value,) in rows}
    assert len(given) > 1000
    texts = mart.execute(
        "select table_name, column_name from information_schema.columns where data_type = 'VARCHAR'"
    ).fetchall()
    assert len(texts) > 20
    for table, column in texts:
        for (shown,) in mart.execute(
            f'select distinct lower("{column}") from {table} where "{column}" is not null'
        ).fetchall():
            assert shown not in given, f"{table}.{column}"
            assert "@" not in shown, f"{table}.{column} holds an address: {shown}"


def test_every_blocking_check_behind_the_mart_passed(mart):
    failed = (
        "select table_name, check_name, message from data_quality where severity = 'error' and not is_passed"
    )
    assert mart.execute(failed).fetchall() == []
    stages = {
        table.partition(".")[0]
        for (table,) in mart.execute("select distinct table_name from data_quality").fetchall()
    }
    assert {"raw", "staging", "clean", "identity", "enrich", "features", "scoring", "kpi"} <= stages


def test_the_mart_says_where_it_came_from(mart, shared_home):
    rows = mart.execute(
        "select refresh_id, run_id, code_version, policy_version, model_version from published"
    ).fetchall()
    ((refresh_id, run_id, code_version, policy_version, model_version),) = rows
    assert [(refresh_id, run_id)] == shared_home.rows("select refresh_id, run_id from raw.refreshes")
    assert re.match(r"\d+\.\d+\.\d+", code_version)
    versions = mart.execute("select distinct policy_version, model_version from scored_leads").fetchall()
    assert versions == [(policy_version, model_version)]
    assert policy_version == load_policy(None).version


def test_nothing_half_written_is_left_in_the_home(shared_home):
    assert [path.name for path in shared_home.path.iterdir() if path.name.startswith(".")] == []
    assert list((shared_home.path / "models").glob("*.tmp")) == []
