"""One clock: every table of a refresh looks from one moment, and nothing known later changes what it sees."""

from datetime import datetime, timedelta

import dagster as dg
import pytest
from homes import OPERATIONAL, REFRESHES, Home, differing_tables
from later_facts import without_later_facts

SEES_EVERYTHING = ("raw", "staging", "quality")
"""Schemas that keep all that was landed. Whoever reads them asks for what was known at the moment."""

SERVES_ANY_MOMENT = (
    "features.lead_events",
    "features.lead_activity_daily",
    "features.lead_digests",
    "clean.clean_web_events",
)
"""Facts with the day they became known, which the features of past moments are made from, and digests of them."""


@pytest.fixture(scope="module")
def newest_as_of(shared_home: Home) -> datetime:
    """The moment of the shared home: its newest fact."""
    return shared_home.value("select max(as_of) from raw.refreshes")


@pytest.fixture(scope="module")
def earlier_as_of(newest_as_of: datetime) -> datetime:
    """A moment in the middle of a day, two months before the newest fact."""
    return (newest_as_of - timedelta(days=60)).replace(hour=11, minute=30, second=0, microsecond=0)


@pytest.fixture(scope="module")
def earlier_home(
    shared_home: Home, earlier_as_of: datetime, tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """A home of its own that looks from the earlier moment, with all files there are."""
    home = Home(tmp_path_factory.mktemp("earlier") / "home", shared_home.sources)
    assert home.make(as_of=earlier_as_of.isoformat()).success
    return home


def test_every_table_of_a_refresh_has_its_one_moment(shared_home, newest_as_of):
    rows = shared_home.rows("select table_name, refresh_id, as_of from quality.table_versions")
    assert {(refresh_id, as_of) for _, refresh_id, as_of in rows} == {(1, newest_as_of)}
    made = shared_home.rows(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_schema <> 'quality'"
    )
    assert {table for table, _, _ in rows} == {table for (table,) in made}


@pytest.mark.parametrize("table", ["scoring.scored_leads", "features.lead_features"])
def test_the_rows_say_the_moment_too(shared_home, newest_as_of, table):
    assert shared_home.rows(f"select distinct as_of from {table}") == [(newest_as_of,)]


def test_the_mart_says_the_moment(shared_home, newest_as_of):
    assert shared_home.rows("select as_of, refresh_id from published", of=shared_home.marts) == [
        (newest_as_of, 1)
    ]


def test_without_a_moment_given_it_is_the_newest_fact(shared_home, newest_as_of):
    assert shared_home.rows("select as_of_from from raw.refreshes") == [("newest_fact",)]
    facts = (
        "mql",
        "web_events",
        "email_events",
        "sql_leads",
        "opportunities",
        "sales_activities",
        "product_usage",
    )
    newest = " union all ".join(f"select max(known_at) as known_at from raw.{table}" for table in facts)
    assert shared_home.value(f"select max(known_at) from ({newest})") == newest_as_of


def test_an_earlier_moment_sees_fewer_leads(shared_home, earlier_home, earlier_as_of):
    for table in ("clean.lead_records", "identity.leads", "scoring.scored_leads"):
        count = f"select count(*) from {table}"
        assert 0 < earlier_home.value(count) < shared_home.value(count), table
    assert earlier_home.value("select max(created_at) from scoring.scored_leads") <= earlier_as_of
    assert earlier_home.value("select max(last_activity_at) from scoring.scored_leads") <= earlier_as_of
    assert earlier_home.rows("select distinct as_of, as_of_from from raw.refreshes") == [
        (earlier_as_of, "given")
    ]


def test_nothing_known_later_changes_what_an_earlier_moment_sees(
    shared_home, earlier_home, earlier_as_of, tmp_path
):
    cut = without_later_facts(shared_home.sources, tmp_path / "company", earlier_as_of)
    home = Home(tmp_path / "home", cut)
    assert home.make(as_of=earlier_as_of.isoformat()).success
    differing = differing_tables(
        earlier_home.warehouse, home.warehouse, except_for=(*OPERATIONAL, *SERVES_ANY_MOMENT)
    )
    assert [line for line in differing if line.partition(".")[0] not in SEES_EVERYTHING] == []
    assert any(line.startswith("raw.mql") for line in differing), "the two homes landed the same facts"


def test_the_same_refresh_twice_gives_equal_tables(shared_home, own_home, newest_as_of):
    assert own_home.make().success
    assert own_home.rows("select refresh_id, as_of from raw.refreshes order by 1") == [
        (1, newest_as_of),
        (2, newest_as_of),
    ]
    assert differing_tables(shared_home.warehouse, own_home.warehouse) == []


def test_an_asset_materialized_alone_looks_from_the_newest_refresh(own_home, newest_as_of):
    table = dg.AssetKey(["kpi", "lead_funnel"])
    before = own_home.value("select max(version) from quality.table_versions")
    result = own_home.run([table])
    assert result.success
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["as_of"].value == str(newest_as_of)
    newer = own_home.rows(
        "select table_name, refresh_id, as_of from quality.table_versions where version > ?", [before]
    )
    assert newer == [("kpi.lead_funnel", 1, newest_as_of)]


def test_after_a_new_refresh_an_asset_materialized_alone_looks_from_that(own_home, earlier_as_of):
    assert own_home.run([REFRESHES], as_of=earlier_as_of.isoformat()).success
    assert own_home.run([dg.AssetKey(["clean", "lead_records"])]).success
    newest = "select refresh_id, as_of from quality.table_versions order by version desc limit 1"
    assert own_home.rows(newest) == [(2, earlier_as_of)]
    assert own_home.value("select max(known_at) from clean.lead_records") <= earlier_as_of


def test_without_any_refresh_an_asset_alone_says_what_to_do(shared_home, tmp_path):
    home = Home(tmp_path / "home", shared_home.sources)
    result = home.run([dg.AssetKey(["clean", "lead_records"])])
    assert not result.success
    failure = next(event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert failure.user_failure_data is not None
    assert "no refresh was opened in this warehouse yet" in str(failure.user_failure_data.description)
