"""Each duplicate gets exactly one of the five actions, and says why."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.identity.duplicate_actions import DUPLICATE_COLUMNS, duplicate_actions
from leadflow.identity.ownership import OWNERSHIP_COLUMNS, ownership_facts
from leadflow.survivorship_policy import ACTIONS, Duplicates

_TIMESTAMP = pl.Datetime("us")
_RECORDS = {
    **dict.fromkeys(("record_key", "raw_table", "mql_id", "company_core_key", "seniority", "email_domain"), pl.String()),
    "phones": pl.List(pl.String()),
    "is_free_mail": pl.Boolean(),
    "is_disposable_mail": pl.Boolean(),
    "occurred_at": _TIMESTAMP,
    "known_at": _TIMESTAMP,
}  # fmt: skip
_MAP = {
    **dict.fromkeys(("record_key", "lead_id", "account_id"), pl.String()),
    "known_from": _TIMESTAMP,
    "known_to": _TIMESTAMP,
}


def _day(day: int) -> dt.datetime:
    return dt.datetime(2025, 1, day)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse


class Company:
    """Records, memberships and owners of a small company, added one by one."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.records: list[dict[str, object]] = []
        self.memberships: list[dict[str, object]] = []
        self.owners: list[dict[str, object]] = []

    def record(
        self,
        key: str,
        day: int,
        lead: str,
        account: str | None = None,
        owner: str | None = None,
        **fields: object,
    ) -> Company:
        """One lead record, with its lead and account, and the owner that the CRM gives it."""
        table, _, number = key.partition(":")
        mql_id = number if table == "mql" else None
        moment = {"occurred_at": _day(day), "known_at": _day(day)}
        plain = {"is_free_mail": False, "is_disposable_mail": False}
        self.records.append(
            {"record_key": key, "raw_table": table, "mql_id": mql_id, **plain, **moment, **fields}
        )
        self.member(key, lead, account, day)
        if owner is not None:
            self.owners.append({"record_key": key, "owner": owner, "said_by": key, **moment})
        return self

    def member(self, key: str, lead: str, account: str | None, day: int, until: int | None = None) -> Company:
        """A membership, former where it has an end."""
        ends = None if until is None else _day(until)
        row = {
            "record_key": key,
            "lead_id": lead,
            "account_id": account,
            "known_from": _day(day),
            "known_to": ends,
        }
        self.memberships.append(row)
        return self

    def actions(self, settings: Duplicates | None = None) -> pl.DataFrame:
        """What is done with the duplicates."""
        return duplicate_actions(
            pl.DataFrame(self.records, schema=_RECORDS),
            pl.DataFrame(self.memberships, schema=_MAP),
            pl.DataFrame(self.owners, schema=OWNERSHIP_COLUMNS),
            settings,
        )

    def action(self, key: str, settings: Duplicates | None = None) -> dict[str, object]:
        """What is done with one duplicate."""
        return self.actions(settings).row(by_predicate=pl.col("record_key") == key, named=True)


def _owned(**newest: object) -> Company:
    """A lead of Ann's, in an account where Bob has another lead, and its newest record."""
    return (
        Company()
        .record("sql_leads:1", 1, "L1", "A1", owner="Ann", company_core_key="acme", seniority="manager")
        .record("sql_leads:2", 2, "L2", "A2", owner="Bob", company_core_key="other")
        .record("mql:3", 9, "L1", **{"account": "A1", "company_core_key": "acme", **newest})  # type: ignore[arg-type]
    )


def test_an_owned_lead_goes_to_its_owner():
    row = _owned().action("mql:3")
    assert (row["action"], row["owner"], row["former_owner"], row["joined"]) == (
        "assign_to_owner",
        "Ann",
        None,
        "lead",
    )
    assert row["reason"] == "The lead has an owner."
    assert (row["lead_id"], row["account_id"], row["known_at"]) == ("L1", "A1", _day(9))


def test_a_lead_without_owner_in_an_owned_account_goes_to_the_accounts():
    company = Company().record("sql_leads:1", 1, "L1", "A1", owner="Ann").record("mql:2", 5, "L2", "A1")
    row = company.action("mql:2")
    assert (row["action"], row["owner"], row["joined"]) == ("assign_to_owner", "Ann", "account")
    assert row["reason"] == "The lead has no owner, its account has."


def test_a_lead_that_nobody_owns_goes_to_routing():
    row = Company().record("mql:1", 1, "L1", "A1").record("mql:2", 5, "L1", "A1").action("mql:2")
    assert (row["action"], row["owner"], row["joined"]) == ("route", None, "lead")
    assert row["reason"] == "No active sales rep owns the lead or its account."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"account": "A2", "company_core_key": "other"}, "company"),
        ({"account": "A2", "seniority": "c_level"}, "band of title"),
        ({"account": "A2", "company_core_key": "other", "seniority": "c_level"}, "company, band of title"),
    ],
)
def test_changed_key_facts_hand_the_lead_to_the_accounts_owner(changed, words):
    row = _owned(**changed).action("mql:3")
    assert (row["action"], row["owner"], row["former_owner"]) == ("account_owner_takes_over", "Bob", "Ann")
    assert (
        row["reason"]
        == f"Other than in the lead's last record: {words}. The owner of its account takes over."
    )


@pytest.mark.parametrize(
    ("first", "then", "is_changed"),
    [
        ({"phones": ["+491"]}, {"phones": ["+492"]}, True),
        ({"phones": ["+491"]}, {"phones": ["+491"]}, False),
        ({"phones": ["+491"]}, {}, False),
        ({}, {"phones": ["+491"]}, False),
        ({"email_domain": "a.com"}, {"email_domain": "b.com"}, True),
        ({"email_domain": "a.com"}, {"email_domain": "gmail.com", "is_free_mail": True}, False),
        ({"email_domain": "a.com"}, {"email_domain": "x.com", "is_disposable_mail": True}, False),
        ({"company_core_key": "acme"}, {"company_core_key": "acmee"}, False),  # the same account
        ({"seniority": "manager"}, {"seniority": "director"}, True),
    ],
)
def test_what_counts_as_a_changed_key_fact(first, then, is_changed):
    company = (
        Company()
        .record("sql_leads:1", 1, "L1", "A1", owner="Ann", **first)
        .record("sql_leads:2", 2, "L2", "A1", owner="Bob")
        .record("mql:3", 5, "L1", "A1")  # says nothing, so that the record before it is the last that does
        .record("mql:4", 9, "L1", "A1", **then)
    )
    expected = "account_owner_takes_over" if is_changed else "assign_to_owner"
    assert company.action("mql:4")["action"] == expected


def test_nobody_takes_over_where_the_account_has_no_other_owner():
    assert _owned(account="A3", company_core_key="third").action("mql:3")["action"] == "assign_to_owner"
    same = _owned(account="A2", company_core_key="other")
    same.owners[1]["owner"] = "Ann"
    assert same.action("mql:3")["action"] == "assign_to_owner"


def test_a_crm_lead_is_linked_to_the_form_it_was_made_from():
    row = (
        Company()
        .record("mql:7", 1, "L1")
        .record("sql_leads:1", 5, "L1", owner="Ann", mql_id="7")
        .action("sql_leads:1")
    )
    assert (row["action"], row["source_record_key"], row["source_lead_id"]) == (
        "link_to_source",
        "mql:7",
        "L1",
    )
    assert row["owner"] == "Ann"


def test_a_record_of_a_merged_lead_is_linked_to_it():
    company = (
        Company()
        .record("mql:1", 1, "L1").record("mql:2", 3, "L1").member("mql:2", "L9", None, 3, until=8)
    )  # fmt: skip
    company.memberships[1]["known_from"] = _day(8)
    row = company.action("mql:2")
    assert (row["action"], row["source_lead_id"], row["source_record_key"]) == ("link_to_source", "L9", None)
    assert row["known_at"] == _day(8)


def test_a_merged_record_counts_though_it_is_the_leads_earliest():
    company = (
        Company().record("mql:1", 1, "L1").record("mql:2", 3, "L1").member("mql:1", "L9", None, 1, until=8)
    )
    assert company.action("mql:1")["action"] == "link_to_source"


def test_a_record_that_left_a_living_lead_was_not_merged():
    company = Company().record("mql:1", 1, "L1").record("mql:2", 5, "L1").record("mql:3", 2, "L9")
    company.member("mql:2", "L9", None, 5, until=8)
    assert company.action("mql:2")["action"] == "route"


@pytest.mark.parametrize(
    ("days", "day", "action"),
    [(1, 2, "tag_only"), (1, 3, "route"), (2, 3, "tag_only"), (0, 1, "route")],
)
def test_who_comes_again_at_once_is_tagged_only(days, day, action):
    company = Company().record("mql:1", 1, "L1").record("mql:2", day, "L1")
    row = company.action("mql:2", Duplicates(repeat_days=days))
    assert row["action"] == action
    if action == "tag_only":
        assert row["reason"] == f"The person came again within {'a day' if days == 1 else '2 days'}."


@pytest.mark.parametrize(
    ("happened", "action"),
    [
        (20, "tag_only"),
        (19, "tag_only"),
        (21, "tag_only"),
        (22, "route"),
        (18, "route"),
        (3, "route"),
        (1, "route"),
    ],
)
def test_when_a_record_happened_says_whether_it_is_a_repeat(happened, action):
    company = Company().record("mql:1", 2, "L1").record("mql:2", 20, "L1").record("mql:3", 22, "L1")
    company.records[2]["occurred_at"] = _day(happened)  # known later than both
    company.records[0]["occurred_at"] = _day(2)
    assert company.action("mql:3")["action"] == action


def test_a_crm_lead_with_its_owner_is_tagged_only():
    company = Company().record("mql:1", 1, "L1", "A1").record("sql_leads:2", 5, "L1", "A1", owner="Ann")
    row = company.action("sql_leads:2")
    assert (row["action"], row["owner"]) == ("tag_only", "Ann")


def test_first_records_are_no_duplicates_and_every_other_has_one_row():
    company = _owned().record("mql:4", 10, "L4").record("mql:5", 11, "L5", "A2")
    actions = company.actions()
    assert actions.schema == pl.Schema(DUPLICATE_COLUMNS)
    assert actions["record_key"].to_list() == ["mql:3", "mql:5"]


def _everything() -> Company:
    """One record to which all actions but routing would apply."""
    return (
        Company()
        .record("sql_leads:0", 1, "L2", "A2", owner="Bob")
        .record("mql:7", 2, "L1", "A1", company_core_key="acme", owner="Ann")
        .record("sql_leads:1", 3, "L1", "A2", owner="Cy", mql_id="7", company_core_key="other")
    )


@pytest.mark.parametrize(
    ("order", "action", "owner"),
    [
        (ACTIONS, "account_owner_takes_over", "Bob"),
        (ACTIONS[1:], "link_to_source", "Ann"),
        (ACTIONS[2:], "tag_only", "Ann"),
        (ACTIONS[3:], "assign_to_owner", "Ann"),
        (ACTIONS[4:], "tag_only", "Ann"),  # routing does not fit, so that nothing does
        (("assign_to_owner", "link_to_source"), "assign_to_owner", "Ann"),
        ((), "tag_only", "Ann"),
    ],
)
def test_the_first_action_of_the_order_that_fits_is_the_one(order, action, owner):
    row = _everything().action("sql_leads:1", Duplicates(order=order))
    assert (row["action"], row["owner"]) == (action, owner)


def test_key_facts_are_the_policys():
    settings = Duplicates(key_facts=("phone",))
    assert _everything().action("sql_leads:1", settings)["action"] == "link_to_source"
    assert _everything().action("sql_leads:1", Duplicates(key_facts=()))["action"] == "link_to_source"


def test_the_order_of_rows_changes_nothing():
    company = _everything().record("mql:8", 3, "L1", "A1").record("mql:9", 4, "L2", "A2")
    before = company.actions()
    for rows in (company.records, company.memberships, company.owners):
        random.Random(3).shuffle(rows)
    assert_frame_equal(company.actions(), before)


def test_no_reason_names_anybody():
    told = " ".join(_everything().actions()["reason"])
    assert not {"Ann", "Bob", "Cy"} & set(told.split())


def _crm(day: int = 1, **row: object) -> dict[str, object]:
    return {"known_at": _day(day), "occurred_at": _day(day), **row}


def test_owners_are_those_known_by_then_of_reps_who_are_there():
    leads = pl.DataFrame(
        [_crm(sql_lead_id="1", owner="Ann"), _crm(sql_lead_id="2", owner="Gone"), _crm(9, sql_lead_id="3", owner="Ann"),
         _crm(sql_lead_id="4", owner=None), _crm(sql_lead_id="5", owner="Nobody's")]
    )  # fmt: skip
    deals = pl.DataFrame(
        [_crm(opportunity_id="a", sql_lead_id="2", mql_id="7", owner="Ann"), _crm(opportunity_id="b", sql_lead_id=None, mql_id="7", owner="Bob")]
    )  # fmt: skip
    reps = pl.DataFrame([{"rep_id": "Gone", "is_active": False, "known_at": _day(2)}, {"rep_id": "Ann", "is_active": True, "known_at": _day(1)}])  # fmt: skip
    facts = ownership_facts(leads, deals, reps, _day(5))
    assert facts.select("record_key", "owner").rows() == [
        ("mql:7", "Bob"), ("sql_leads:1", "Ann"), ("sql_leads:2", "Ann"), ("sql_leads:5", "Nobody's"),
    ]  # fmt: skip
    earlier = ownership_facts(leads, deals, reps, _day(1))
    assert ("sql_leads:2", "Gone") in earlier.select("record_key", "owner").rows()


def test_the_newest_word_on_an_owner_counts():
    company = (
        Company()
        .record("sql_leads:1", 1, "L1", owner="Ann")
        .record("mql:2", 3, "L1")
        .record("mql:3", 9, "L1")
    )
    company.owners.append({"record_key": "mql:2", "owner": "Bob", "said_by": "opportunities:a", "known_at": _day(4), "occurred_at": _day(4)})  # fmt: skip
    assert company.action("mql:3")["owner"] == "Bob"
    company.owners[1]["known_at"] = _day(1)
    company.owners[0]["known_at"] = _day(2)
    assert company.action("mql:3")["owner"] == "Ann"
