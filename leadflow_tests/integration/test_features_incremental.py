"""Leads that a refresh did not touch keep their rows: what stands there then is what making all rows gives."""

from __future__ import annotations

from datetime import timedelta

import crafted_company as company
import pytest
from staged_home import StagedHome

from leadflow.warehouse.refreshes import open_refresh

REMADE = ("features.lead_events", "features.lead_activity_daily", "features.lead_features")
MODELS = ("features.account_contracts", "features.account_wins", "features.lead_digests", *REMADE)
HOURS = 20

# Every step: events of now, of long ago, known before they happen, and landed late with a moment of knowledge that went by.
EVENTS = """
    insert into raw.web_events by name
    select * replace (event_id || '-{step}' as event_id, {occurred} as occurred_at, {known} as known_at)
    from raw.web_events where hash(event_id, {step}, '{kind}') % 900 = 0 and not contains(event_id, '-')
"""
MOMENTS = {
    "now": ("$now - interval 20 minutes", "$now - interval 10 minutes"),
    "late": ("occurred_at", "$now - interval 10 minutes"),
    "landed late": ("occurred_at", "known_at"),
    "to come": ("$now + interval 90 minutes", "$now - interval 10 minutes"),
    "unknown yet": ("occurred_at", "$now + interval 70 minutes"),
}
# In turns: what else may change of a lead. Moments lie ahead, so that the clock alone brings them in a later step.
CHANGES = (
    "delete from raw.web_events where hash(event_id, $step) % 900 = 0",
    "update raw.product_usage set usage_minutes = coalesce(usage_minutes, 0) + 1.25 where hash(mql_id, $step) % 30 = 0",
    "update raw.sales_activities set activity_type = 'quote', known_at = $now where hash(mql_id, $step) % 30 = 0",
    "delete from raw.email_events where hash(event_id, $step) % 500 = 0",
    # a lead gives a record away, and with it what names the record
    "update identity.identity_map set lead_id = (select min(lead_id) from identity.leads), known_from = $now "
    "where hash(record_key, $step) % 200 = 0",
    "update identity.identity_map set known_to = $now + interval 30 minutes where hash(record_key, $step) % 200 = 0",
    "update identity.identity_map set account_id = (select max(account_id) from identity.accounts), "
    "account_known_from = $now + interval 30 minutes where hash(record_key, $step) % 200 = 0",
    "update identity.lead_emails set lead_id = (select max(lead_id) from identity.leads) where hash(email, $step) % 80 = 0",
    "update clean.clean_leads set title = 'CEO', seniority = 'c_level', suspect_known_at = $now + interval 30 minutes "
    "where hash(record_key, $step) % 50 = 0",
    "update raw.sql_leads set intent_degree = 'low', budget = null where hash(sql_lead_id, $step) % 5 = 0",
    "update raw.attributes set value = 'a bird', known_at = $now + interval 30 minutes where hash(record_id, $step) % 50 = 0",
    "update enrich.firmographic_facts set known_until = $now + interval 30 minutes where hash(account_id, $step) % 300 = 0",
    "update raw.product_accounts set nps_score = 3, nps_at = $now + interval 30 minutes, churned_at = $now + interval 30 minutes "
    "where hash(product_account_id, $step) % 3 = 0",
    "update raw.opportunities set outcome = 'won', closed_at = $now where hash(opportunity_id, $step) % 10 = 0",
    "update raw.mql set visitor_id = (select min(visitor_id) from raw.web_events) where hash(mql_id, $step) % 100 = 0",
    # a lead goes, and comes again
    "create or replace table main.gone as select * from identity.leads where hash(lead_id) % 50 = 0; "
    "delete from identity.leads where hash(lead_id) % 50 = 0",
    "insert into identity.leads from main.gone",
    "select 1",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> StagedHome:
    """A small company up to its features."""
    sources = company.make_company(tmp_path_factory.mktemp("company"), leads=200, events_per_lead=8)
    home = StagedHome(tmp_path_factory.mktemp("home"), sources, as_of=company.AS_OF)
    home.make("raw", "staging", "clean", "identity", "enrich")
    return home


def _refresh(home: StagedHome, hours: float) -> list[str]:
    """The next refresh of the SQL models, as of so many hours after the first; the tables that were made in part."""
    models = home.run.room.models
    needed = set(MODELS)
    for table in reversed(models):
        needed |= {name for name in models[table].made_from if table in needed}
    as_of = company.AS_OF + timedelta(hours=hours)
    home.run.told.clear()
    with home.run.connect() as connection:  # held, so that the file is not closed and opened for each model
        open_refresh(connection, as_of=as_of, as_of_from="given", run_id="test", code_version="1")
        for table, model in models.items():
            if table in needed:
                home.run.run_sql_model(model)
    return [table for table in REMADE if home.run.told[table]["remade_leads"] != "all"]


def _differing(home: StagedHome) -> dict[str, int]:
    """How many rows of each table are not those that its whole SQL gives."""
    variables = home.run.variables(home.run.refresh())
    found = {}
    with home.run.connect() as connection:
        for table in REMADE:
            sql = home.run.room.render(home.run.room.models[table], variables, is_incremental=False)
            connection.execute(f"create or replace temp table anew as {sql}")
            ((count,),) = connection.execute(
                f"select (select count(*) from (from anew except all from {table})) + "
                f"(select count(*) from (from {table} except all from anew))"
            ).fetchall()
            found[table] = count
    return found


def test_hour_by_hour_equals_all_at_once(home: StagedHome) -> None:
    same = dict.fromkeys(REMADE, 0)
    assert _refresh(home, 0) == []
    in_part = dict.fromkeys(REMADE, 0)
    for step in range(1, HOURS + 1):
        hours = step - 2.5 if step == 12 else step  # once, an earlier moment is asked for
        now = f"timestamp '{company.AS_OF + timedelta(hours=hours)}'"
        for kind, (occurred, known) in MOMENTS.items():
            home.change(
                EVENTS.format(step=step, kind=kind, occurred=occurred, known=known).replace("$now", now)
            )
        home.change(CHANGES[(step - 1) % len(CHANGES)].replace("$now", now).replace("$step", str(step)))
        for table in _refresh(home, hours):
            in_part[table] += 1
        assert _differing(home) == same, (step, CHANGES[(step - 1) % len(CHANGES)])
    # all are made now and then; of features also on another day, and after an account of many leads changed
    assert in_part["features.lead_events"] >= HOURS - 3, in_part
    assert in_part["features.lead_features"] >= HOURS - 7, in_part
    home.run.is_full = True
    assert _refresh(home, HOURS) == []
    home.run.is_full = False


def test_where_nothing_came_no_lead_is_remade(home: StagedHome) -> None:
    _refresh(home, HOURS)
    assert _refresh(home, HOURS) == list(REMADE)
    assert {table: home.run.told[table]["remade_leads"] for table in REMADE} == dict.fromkeys(REMADE, 0)


def test_a_table_that_something_else_wrote_is_made_whole(home: StagedHome) -> None:
    _refresh(home, HOURS)
    with home.run.connect() as connection:
        connection.execute("drop table features.lead_events")
    assert _refresh(home, HOURS) == list(REMADE[1:])
    assert _differing(home) == dict.fromkeys(REMADE, 0)


def test_digests_look_at_all_that_features_are_made_from(home: StagedHome) -> None:
    read = {table for model in REMADE for table in home.run.room.models[model].inputs}
    assert read - set(REMADE) <= set(home.run.room.models["features.lead_digests"].inputs)
