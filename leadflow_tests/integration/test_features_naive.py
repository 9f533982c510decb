"""The SQL room's features and labels against slow loops over the same facts, on cases made to tell them apart."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import crafted_company as company
import naive_bots
import naive_features as naive
import pytest
from staged_home import StagedHome

DERIVED = ("staging", "clean", "identity", "enrich", "features")
FACT_TABLES = (
    "raw.mql", "raw.sql_leads", "raw.opportunities", "raw.web_events", "raw.email_events", "raw.product_usage",
    "raw.sales_activities", "raw.attributes", "clean.clean_leads", "identity.identity_map", "identity.lead_emails",
    "enrich.firmographic_facts", "identity.accounts", "raw.product_accounts", "raw.product_accounts_history",
)  # fmt: skip
RANDOM_MOMENTS = 1500


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> StagedHome:
    """The company's files, landed and no more."""
    folder = tmp_path_factory.mktemp("company")
    sources = company.make_company(folder, leads=400, events_per_lead=8)
    home = StagedHome(tmp_path_factory.mktemp("landed"), sources, as_of=company.AS_OF)
    home.make("raw")
    return home


@pytest.fixture(scope="module")
def plain(landed: StagedHome, tmp_path_factory: pytest.TempPathFactory) -> StagedHome:
    """The company up to its features."""
    home = landed.copy(tmp_path_factory.mktemp("plain"))
    home.make(*DERIVED)
    return home


@pytest.fixture(scope="module")
def home(plain: StagedHome, tmp_path_factory: pytest.TempPathFactory) -> StagedHome:
    """The same, with some memberships that became known days after their record."""
    home = plain.copy(tmp_path_factory.mktemp("home"))
    home.change(
        "update identity.identity_map set known_from = known_from + interval 5 days "
        "where record_key like 'mql:F%' and hash(record_key) % 5 = 0 or record_key in ('sql_leads:S3', 'mql:X9')"
    )
    home.make("features")
    return home


@pytest.fixture(scope="module")
def facts(home: StagedHome) -> naive.Facts:
    tables = {table: home.rows(table) for table in FACT_TABLES}
    return naive.gather(tables, naive_bots.left_out_from(tables["raw.web_events"], home.run.policy.bots))


def crafted_leads(home: StagedHome) -> set[str]:
    """Leads of the crafted forms and CRM leads, whose facts change at many moments."""
    records = {f"mql:{row[0]}" for row in company.FORMS} | {
        f"sql_leads:{row[0]}" for row in company.CRM_LEADS
    }
    return {row["lead_id"] for row in home.rows("identity.identity_map") if row["record_key"] in records}


def telling_moments(home: StagedHome, facts: naive.Facts) -> list[tuple[str, datetime]]:
    """Moments around which a feature of a crafted lead may change, and random ones of all leads."""
    chance = random.Random(5)
    days_after = (0, 1, 7, 8, 30, 31, 90, 91)
    telling: list[tuple[str, datetime]] = []
    for lead_id in sorted(crafted_leads(home)):
        instants = {row["visible_at"] for row in facts.records[lead_id]} | {
            row["occurred_at"] for row in facts.records[lead_id]
        }
        instants |= {
            moment
            for deed in facts.deeds[lead_id]
            for moment in (deed.occurred_at, deed.known_at, deed.known_until)
            if moment is not None
        }
        around = {instant + timedelta(seconds=seconds) for instant in instants for seconds in (-1, 0, 1)}
        around |= {
            datetime.combine(instant.date() + timedelta(days=days), datetime.min.time())
            for instant in instants
            for days in days_after
        }
        usable = sorted(moment for moment in around if moment <= company.AS_OF)
        telling += [(lead_id, moment) for moment in chance.sample(usable, min(len(usable), 200))]
    leads = [row["lead_id"] for row in home.rows("identity.leads")]
    start = company.AS_OF - timedelta(days=370)
    telling += [
        (chance.choice(leads), start + timedelta(seconds=chance.randrange(370 * 86_400)))
        for _ in range(RANDOM_MOMENTS)
    ]
    return telling


def test_events_are_left_out_from_the_moment_that_the_loops_say(plain: StagedHome) -> None:
    """As of the refresh: what only later facts tell is in no flag."""
    known = [
        row
        for row in plain.rows("raw.web_events")
        if max(row["occurred_at"], row["known_at"]) <= company.AS_OF
    ]
    expected = naive_bots.left_out_from(known, plain.run.policy.bots)
    found = {row["event_id"]: row for row in plain.rows("clean.clean_web_events")}
    wrong = {
        row["event_id"]: (expected.get(row["event_id"]), found[row["event_id"]]["left_out_from"])
        for row in known
        if expected.get(row["event_id"]) != found[row["event_id"]]["left_out_from"]
    }
    assert not wrong
    rules = {row[name] for row in found.values() for name in ("bot_rule", "outlier_rule")}
    assert rules >= {"known_agent", "honeypot", "minute_rate", "unusual_events"}
    late = [
        row
        for row in known
        if expected.get(row["event_id"], row["known_at"]) > max(row["occurred_at"], row["known_at"])
    ]
    assert len(late) > 50, "hardly any event was a fact before it was flagged"


def test_features_of_now_are_those_of_the_loops(home: StagedHome, facts: naive.Facts) -> None:
    actual = {row["lead_id"]: row for row in home.rows("features.lead_features")}
    expected = {lead_id: naive.features(facts, lead_id, company.AS_OF) for lead_id in facts.records}
    assert actual.keys() == {lead_id for lead_id, row in expected.items() if row is not None}
    wrong = {lead_id: naive.differences(expected[lead_id] or {}, row) for lead_id, row in actual.items()}
    assert not {lead_id: found for lead_id, found in wrong.items() if found}


def test_features_at_any_moment_are_those_of_the_loops(home: StagedHome, facts: naive.Facts) -> None:
    moments = telling_moments(home, facts)
    actual = home.features_at(moments)
    expected = {moment: naive.features(facts, *moment) for moment in moments}
    assert actual.keys() == {moment for moment, row in expected.items() if row is not None}
    wrong = {moment: naive.differences(expected[moment] or {}, row) for moment, row in actual.items()}
    assert not {moment: found for moment, found in wrong.items() if found}
    values: dict[str, set[Any]] = {name: set() for name in next(iter(actual.values()))}
    for row in actual.values():
        for name, value in row.items():
            values[name].add(value)
    # What never differs shows nothing here: no crafted fact is disposable, of a competitor or suspect, has a WeChat id, and
    # who downloads an e-book is a robot here.
    assert {name for name, seen in values.items() if len(seen) < 2} <= {
        "is_disposable_mail", "is_competitor", "has_suspect_contact", "has_wechat", "e_book_downloads_90d",
        "e_book_downloads_ever",
    }  # fmt: skip


def test_training_examples_are_those_of_the_loops(home: StagedHome, facts: naive.Facts) -> None:
    policy = home.run.policy.training
    expected = naive.examples(
        facts,
        home.rows("identity.leads"),
        company.AS_OF,
        moments_days=policy.moments_days,
        horizon_days=policy.horizon_days,
    )
    rows = home.rows("features.training_examples")
    assert {(row["lead_id"], row["as_of"]): (row["label"], row["is_censored"]) for row in rows} == expected
    wrong = {
        (row["lead_id"], row["as_of"]): naive.differences(
            naive.features(facts, row["lead_id"], row["as_of"]) or {}, row
        )
        for row in rows
    }
    assert not {moment: found for moment, found in wrong.items() if found}


def test_labels(home: StagedHome) -> None:
    """The crafted deals' labels, written out: the loops above could be wrong in the same way as the SQL."""
    members = {
        row["lead_id"]: row["record_key"].removeprefix("mql:") for row in home.rows("identity.identity_map")
    }
    known_from = {row["lead_id"]: row["known_from"] for row in home.rows("identity.leads")}
    found: dict[str, dict[int, bool | None]] = {name: {} for name, *_ in company.DEALS}
    for row in home.rows("features.training_examples"):
        if members[row["lead_id"]] in found:
            days = (row["as_of"] - known_from[row["lead_id"]]).days
            found[members[row["lead_id"]]][days] = row["label"]
    assert found == {
        "won_in_time": {0: True, 7: True, 30: True},
        "won_at_the_end": {0: True, 7: True, 30: True},
        "won_too_late": {0: False, 7: True, 30: True, 90: None},
        "won_before_contact": {},
        "won_at_a_moment": {0: True},
        "won_but_not_known": {0: False, 7: False, 30: None, 90: None},
        "won_while_censored": {0: None, 7: None},
        "censored_by_a_second": {0: None, 7: None, 30: None},
        "just_not_censored": {0: False, 7: None, 30: None, 90: None},
        "lost_then_won": {0: True},
        "open_then_lost": {0: False, 7: False, 30: False},
        "won_without_a_day": {0: True, 7: True, 30: True},
        "two_currencies": {},
        "two_amounts": {},
    }


def test_outcomes_of_crafted_deals(home: StagedHome) -> None:
    """Amounts are summed within one currency; what is not known yet does not count."""
    members = {
        row["lead_id"]: row["record_key"].removeprefix("mql:") for row in home.rows("identity.identity_map")
    }
    found = {
        members[row["lead_id"]]: (
            row["won_count"],
            row["lost_count"],
            row["won_contract_value"],
            row["won_currency"],
        )
        for row in home.rows("features.lead_outcomes")
    }
    assert found["two_currencies"] == (2, 0, None, None)
    assert found["two_amounts"] == (2, 0, 30.0, "EUR")
    assert found["lost_then_won"] == (1, 1, None, None)
    assert "won_but_not_known" not in found


def test_lead_records_are_those_known_and_happened(plain: StagedHome) -> None:
    expected = {
        f"{table}:{row[key]}": max(row["known_at"], row["occurred_at"])
        for table, key in (("mql", "mql_id"), ("sql_leads", "sql_lead_id"))
        for row in plain.rows(f"raw.{table}")
        if max(row["known_at"], row["occurred_at"]) <= company.AS_OF
    }
    assert {row["record_key"]: row["known_at"] for row in plain.rows("clean.lead_records")} == expected


def test_facts_known_later_change_nothing(landed: StagedHome, plain: StagedHome, tmp_path: Path) -> None:
    """A refresh on the same facts without those that became known after as_of gives equal tables."""
    without = landed.copy(tmp_path)
    for table in ("mql", "web_events", "email_events", "sql_leads", "opportunities", "sales_activities",
                  "product_usage", "company_reference", "attributes"):  # fmt: skip
        later = f"from raw.{table} where known_at > timestamp '{company.AS_OF}'"
        assert without.run.warehouse.read(f"select count(*) {later}").item() > 0, table
        without.change(f"delete {later}")
    without.make(*DERIVED)
    for table in (
        "identity.leads",
        "features.lead_features",
        "features.lead_outcomes",
        "features.training_examples",
    ):
        assert without.run.read(table).equals(plain.run.read(table)), table


def is_of_company(feature: str) -> bool:
    """Whether a feature tells of the lead's account and not of the lead."""
    return feature.startswith(("account_", "company_")) or feature in (
        "company_size", "industry", "is_listed", "revenue_band", "uses_competitor", "uses_complement", "is_customer", "has_churned", "is_on_trial", "nps_score",
        "days_to_renewal", "open_service_tickets",
    )  # fmt: skip


def test_a_past_moment_looks_as_it_did_then(landed: StagedHome, plain: StagedHome, tmp_path: Path) -> None:
    """Training sees a past moment as the refresh of that moment saw it, but for companies that were mistaken for others then."""
    past = datetime(2026, 4, 3, 11, 0)  # noqa: DTZ001 - instants are naive UTC throughout
    then = landed.copy(tmp_path)
    then.change(f"update raw.refreshes set as_of = timestamp '{past}'")
    then.make(*DERIVED)
    rows_then = {(row["lead_id"], past): row for row in then.rows("features.lead_features")}
    rows_now = plain.features_at([(row["lead_id"], past) for row in plain.rows("identity.leads")])
    assert rows_now.keys() == rows_then.keys()
    of_company = [name for name in next(iter(rows_now.values())) if is_of_company(name)]
    elsewhere = 0
    for moment, row in rows_then.items():
        now = rows_now[moment]
        # What ties a record, or a colleague's, to another company may become known later; it then has the company that
        # was known before, or none.
        if any(now[name] != row[name] for name in of_company):
            elsewhere += 1
            row, now = ({k: v for k, v in each.items() if k not in of_company} for each in (row, now))
        assert row == now
    assert elsewhere <= len(rows_then) // 20
    assert any(now["account_id"] for now in rows_now.values())
