"""What a lead is known by: whose value survives, why, and that it depends on the lead's own records alone."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from leadflow.identity.golden import LEAD_COLUMNS, PROVENANCE_COLUMNS, WON_BY, GoldenRecords, golden_records
from leadflow.survivorship_policy import Duplicates, Survivorship

_TIMESTAMP = pl.Datetime("us")
_TEXTS = (
    *("record_key", "raw_table", "source_name", "full_name", "email", "phone", "wechat_id", "company_name", "title"),
    *("country", "company_core_key", "seniority", "job_function", "channel", "campaign", "landing_page"),
)  # fmt: skip
_RECORDS = {
    **dict.fromkeys(_TEXTS, pl.String()),
    "occurred_at": _TIMESTAMP,
    "known_at": _TIMESTAMP,
    "contact_flags": pl.List(pl.String()),
    "phones": pl.List(pl.String()),
}
_MAP = {
    "record_key": pl.String(),
    "lead_id": pl.String(),
    "account_id": pl.String(),
    "known_to": _TIMESTAMP,
}


def _day(day: int) -> dt.datetime:
    return dt.datetime(2025, 1, day)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse


def _record(key: str, day: int = 1, **fields: object) -> dict[str, object]:
    table = key.partition(":")[0]
    moment = {"occurred_at": _day(day), "known_at": _day(day), "contact_flags": []}
    return {"record_key": key, "raw_table": table, "source_name": f"{table}_source", **moment, **fields}


def _golden(
    *records: dict[str, object],
    leads: dict[str, str] | None = None,
    accounts: dict[str, str] | None = None,
    survivorship: Survivorship | None = None,
    **more_columns: pl.DataType,
) -> GoldenRecords:
    frame = pl.DataFrame(list(records), schema={**_RECORDS, **more_columns})
    keys = [str(record["record_key"]) for record in records]
    rows = [
        {
            "record_key": key,
            "lead_id": (leads or {}).get(key, "L1"),
            "account_id": (accounts or {}).get(key),
            "known_to": None,
        }
        for key in keys
    ]
    return golden_records(frame, pl.DataFrame(rows, schema=_MAP), survivorship)


def _lead(golden: GoldenRecords) -> dict[str, object]:
    return golden.leads.row(0, named=True)


def _won(golden: GoldenRecords, field: str) -> tuple[str, str]:
    """The record that gave a field, and why it did."""
    rows = golden.provenance.filter(pl.col(f"{field}_won_by").is_not_null())
    (row,) = rows.select("record_key", f"{field}_won_by").rows()
    return row


def test_newest_facts_and_the_earliest_touch():
    golden = _golden(
        _record("mql:1", 1, campaign="spring", title="CTO", seniority="c_level", phone="1"),
        _record("mql:2", 2, channel="ads", full_name="Jane", title="VP", seniority="director"),
        _record("mql:3", 3, channel="web", company_name="Acme"),
    )
    lead = _lead(golden)
    assert (lead["title"], lead["seniority"]) == ("VP", "director")
    assert (lead["full_name"], lead["phone"], lead["company_name"]) == ("Jane", "1", "Acme")
    assert (lead["channel"], lead["campaign"], lead["landing_page"]) == (None, "spring", None)
    assert (lead["created_at"], lead["known_from"], lead["record_count"]) == (_day(1), _day(1), 3)
    assert _won(golden, "title") == ("mql:2", "newest")
    assert _won(golden, "phone") == ("mql:1", "only")
    assert _won(golden, "first_touch") == ("mql:1", "earliest")


_CRM_FIRST = Survivorship(trust=("sql_leads",))


@pytest.mark.parametrize(
    ("older", "newer", "survivorship", "winner", "why"),
    [
        ({}, {}, None, "newer", "newest"),
        ({"record_key": "sql_leads:1"}, {}, None, "newer", "newest"),
        ({"record_key": "sql_leads:1"}, {}, _CRM_FIRST, "older", "most_trusted"),
        ({"source_name": "crm"}, {}, Survivorship(trust=("crm", "mql")), "older", "most_trusted"),
        ({"source_name": "crm"}, {"source_name": "fair"}, Survivorship(trust=("fair", "crm")), "newer", "most_trusted"),
        ({"source_name": "crm"}, {}, Survivorship(fields={"title": {"trust": ("crm",)}}), "newer", "newest"),
        ({"source_name": "crm"}, {}, Survivorship(fields={"company_name": {"trust": ("crm",)}}), "older", "most_trusted"),
        ({"record_key": "sql_leads:1"}, {}, Survivorship(trust=("sql_leads",), fields={"company_name": {"trust": ()}}), "newer", "newest"),
        ({}, {"contact_flags": ["company_implausible"]}, None, "older", "not_doubted"),
        ({}, {"contact_flags": ["phone_fake", "free_mail"]}, None, "newer", "newest"),
        ({"record_key": "sql_leads:1", "contact_flags": ["company_implausible"]}, {}, _CRM_FIRST, "newer", "not_doubted"),
        ({"contact_flags": ["company_implausible"]}, {"contact_flags": ["company_implausible"]}, None, "newer", "newest"),
        ({}, {"contact_flags": ["free_mail"]}, Survivorship(fields={"company_name": {"doubted_by": ("free_mail",)}}), "older", "not_doubted"),
        ({}, {"contact_flags": ["company_implausible"]}, Survivorship(fields={"company_name": {"doubted_by": ()}}), "newer", "newest"),
        ({"known_at": _day(9)}, {"known_at": _day(9)}, None, "newer", "newest"),
        ({"known_at": _day(9)}, {"known_at": _day(8)}, None, "older", "newest"),
        ({"occurred_at": _day(2), "known_at": _day(2), "country": "DE"}, {}, None, "older", "fullest"),
        ({"occurred_at": _day(2), "known_at": _day(2)}, {"country": "DE"}, None, "newer", "fullest"),
        ({"record_key": "mql:9", "occurred_at": _day(2), "known_at": _day(2)}, {}, None, "older", "record_key"),
        ({"company_name": None}, {}, None, "newer", "only"),
        ({}, {"company_name": None}, None, "older", "only"),
        ({"company_name": "newer"}, {}, None, "newer", "only"),
    ],
)  # fmt: skip
def test_which_of_two_values_survives_and_why(older, newer, survivorship, winner, why):
    records = [
        _record(str(fields.get("record_key", key)), day) | {"company_name": name} | fields
        for key, day, name, fields in (("mql:1", 1, "older", older), ("mql:2", 2, "newer", newer))
    ]
    golden = _golden(*records, survivorship=survivorship)
    assert _lead(golden)["company_name"] == winner
    record = records[0] if winner == "older" else records[1]
    assert _won(golden, "company_name") == (record["record_key"], why)


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("phone", "phone_fake"), ("phone", "phone_invalid"), ("phone", "phone_unassigned"), ("email", "email_misspelt"),
        ("email", "role_mail"), ("email", "disposable_mail"), ("email", "email_implausible"), ("full_name", "name_implausible"),
        ("company_name", "company_implausible"),
    ],
)  # fmt: skip
def test_a_value_that_a_check_doubts_loses_whatever_its_age(field, flag):
    golden = _golden(
        _record("mql:1", 1, **{field: "real", "phones": ["real"]}),
        _record("mql:2", 2, **{field: "not", "phones": ["not"]}, contact_flags=[flag, "free_mail"]),
    )
    assert _lead(golden)[field] == "real"
    assert _won(golden, field) == ("mql:1", "not_doubted")


def test_a_doubted_value_is_better_than_none():
    golden = _golden(
        _record("mql:1", email="info@acme.com", contact_flags=["role_mail"]), _record("mql:2", 2)
    )
    assert _lead(golden)["email"] == "info@acme.com"


@pytest.mark.parametrize(
    ("fields", "phone"),
    [
        ({"phone": "030 901820 / 0171 1", "phones": ["+4930901820", "+491711"]}, "+4930901820"),
        ({"phone": "ext. 12"}, "ext. 12"),
        ({"phone": "wx: Zhang_Wei", "wechat_id": "zhang_wei"}, None),
        ({"phone": "ext. 12", "wechat_id": "zhang_wei"}, "ext. 12"),
        ({}, None),
    ],
)
def test_the_phone_is_e164_where_it_is_valid(fields, phone):
    lead = _lead(_golden(_record("mql:1", **fields)))
    assert (lead["phone"], lead["wechat_id"]) == (phone, fields.get("wechat_id"))


def test_a_number_that_cannot_be_dialled_loses_against_one_that_can():
    golden = _golden(
        _record("mql:1", 1, phone="030 901820", phones=["+4930901820"]), _record("mql:2", 2, phone="ext. 12")
    )
    assert _lead(golden)["phone"] == "+4930901820"


@pytest.mark.parametrize(
    ("newer", "accounts", "expected"),
    [
        ({"company_name": "Acme Inc", "company_core_key": "acme"}, {}, ("CTO", "c_level", "it")),
        ({"company_name": "Other", "company_core_key": "other"}, {}, ("CTO", "c_level", "it")),  # no account on either
        ({"company_name": "Other", "company_core_key": "other"}, {"mql:1": "A1", "mql:2": "A2"}, (None, None, None)),
        ({"company_name": "Acmee", "company_core_key": "acmee"}, {"mql:1": "A1", "mql:2": "A1"}, ("CTO", "c_level", "it")),
        ({"company_name": "Other", "company_core_key": "other", "title": "CEO"}, {"mql:1": "A1", "mql:2": "A2"}, ("CEO", None, None)),
        ({"full_name": "Jane"}, {"mql:1": "A1"}, ("CTO", "c_level", "it")),
    ],
)  # fmt: skip
def test_a_title_stays_at_its_company(newer, accounts, expected):
    cto = {
        "title": "CTO",
        "seniority": "c_level",
        "job_function": "it",
        "company_name": "Acme",
        "company_core_key": "acme",
    }
    lead = _lead(_golden(_record("mql:1", 1, **cto), _record("mql:2", 2, **newer), accounts=accounts))
    assert (lead["title"], lead["seniority"], lead["job_function"]) == expected


_ADDRESS = {"city": pl.String(), "postcode": pl.String()}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([{"country": "DE", "city": "Bonn", "postcode": "53111"}, {"country": "FR"}], ("FR", None, None)),
        ([{"country": "DE", "city": "Bonn"}, {"full_name": "Jane"}], ("DE", "Bonn", None)),
        # equally new: the record that fills more of the block, though another says more in all
        ([{"country": "DE", "city": "Bonn", "known_at": _day(9), "occurred_at": _day(9)},
          {"country": "FR", "full_name": "Jane", "title": "CTO", "email": "a@b.c", "known_at": _day(9), "occurred_at": _day(9)}],
         ("DE", "Bonn", None)),
    ],
)  # fmt: skip
def test_fields_of_a_block_come_from_one_record(records, expected):
    golden = _golden(
        *(_record(f"mql:{number}", number, **fields) for number, fields in enumerate(records, 1)), **_ADDRESS
    )
    lead = _lead(golden)
    assert (lead["country"], lead["city"], lead["postcode"]) == expected
    assert _won(golden, "country")[0] == ("mql:2" if expected[0] == "FR" else "mql:1")
    assert golden.provenance["postcode_won_by"].null_count() == golden.provenance.height


def test_a_block_of_the_policy_keeps_company_and_title_together():
    records = [
        _record("mql:1", 1, company_name="Acme", title="CTO", seniority="c_level"),
        _record("mql:2", 2, company_name="Acme"),
    ]
    together = Survivorship(blocks=(("company_name", "title"),))
    lead = _lead(_golden(*records, survivorship=together))
    assert (lead["company_name"], lead["title"], lead["seniority"]) == ("Acme", None, None)
    assert _lead(_golden(*records))["title"] == "CTO"


def test_the_account_is_that_of_the_newest_record_that_shows_one():
    records = [_record(f"mql:{day}", day) for day in (1, 2, 3)]
    golden = _golden(*records, accounts={"mql:1": "A1", "mql:2": "A2"})
    assert _lead(golden)["account_id"] == "A2"
    assert _won(golden, "account_id") == ("mql:2", "newest")


def test_former_memberships_give_nothing():
    records = pl.DataFrame(
        [_record("mql:1", 1, title="CTO"), _record("mql:2", 2, title="VP")], schema=_RECORDS
    )
    memberships = pl.DataFrame(
        [("mql:1", "L1", None, None), ("mql:2", "L1", None, _day(5)), ("mql:2", "L2", None, None)],
        schema=_MAP,
        orient="row",
    )
    leads = golden_records(records, memberships).leads
    assert leads.select("lead_id", "title", "record_count").rows() == [("L1", "CTO", 1), ("L2", "VP", 1)]


def test_no_records_give_no_leads():
    golden = _golden()
    assert golden.leads.schema == pl.Schema(LEAD_COLUMNS)
    assert golden.provenance.schema == pl.Schema(PROVENANCE_COLUMNS)
    assert golden.leads.is_empty()
    assert golden.provenance.is_empty()


_values = st.sampled_from([None, "a", "b", "c"])
_drawn = st.lists(
    st.fixed_dictionaries(
        {
            "lead": st.sampled_from(["L1", "L2", "L3"]),
            "day": st.integers(1, 3),
            "table": st.sampled_from(["mql", "sql_leads"]),
            "flags": st.lists(st.sampled_from(["phone_fake", "role_mail", "free_mail"]), max_size=2),
            "fields": st.fixed_dictionaries(
                dict.fromkeys(("full_name", "email", "phone", "company_name", "title", "country", "channel"), _values)
            ),
        }
    ),
    max_size=9,
)  # fmt: skip


def _of(drawn: list[dict[str, object]]) -> tuple[list[dict[str, object]], dict[str, str]]:
    records, leads = [], {}
    for number, each in enumerate(drawn):
        key = f"{each['table']}:{number}"
        fields = dict(each["fields"])  # type: ignore[call-overload]
        core = {"company_core_key": fields["company_name"]}
        records.append(_record(key, int(str(each["day"])), contact_flags=each["flags"], **fields, **core))
        leads[key] = str(each["lead"])
    return records, leads


@settings(max_examples=80, deadline=None)
@given(_drawn, st.integers(0, 99), st.sampled_from([None, _CRM_FIRST]))
def test_order_of_rows_and_other_leads_change_nothing(drawn, seed, survivorship):
    records, leads = _of(drawn)
    everything = _golden(*records, leads=leads, survivorship=survivorship)
    shuffled = random.Random(seed).sample(records, len(records))
    again = _golden(*shuffled, leads=leads, survivorship=survivorship)
    assert_frame_equal(again.leads, everything.leads)
    assert_frame_equal(again.provenance, everything.provenance)
    touched = [record for record in records if leads[str(record["record_key"])] == "L2"]
    alone = _golden(*touched, leads=leads, survivorship=survivorship)
    assert_frame_equal(alone.leads, everything.leads.filter(lead_id="L2"))
    assert_frame_equal(alone.provenance, everything.provenance.filter(lead_id="L2"))


@settings(max_examples=80, deadline=None)
@given(_drawn, st.sampled_from([None, _CRM_FIRST]))
def test_every_value_is_that_of_the_record_its_provenance_names(drawn, survivorship):
    records, leads = _of(drawn)
    golden = _golden(*records, leads=leads, survivorship=survivorship)
    by_key = {record["record_key"]: record for record in records}
    for lead in golden.leads.iter_rows(named=True):
        of_lead = golden.provenance.filter(lead_id=lead["lead_id"])
        for field in ("full_name", "email", "phone", "company_name", "title", "country"):
            given_by = of_lead.filter(pl.col(f"{field}_won_by").is_not_null())
            assert given_by.height == (lead[field] is not None)
            for row in given_by.iter_rows(named=True):
                record = by_key[row["record_key"]]
                assert record[field] == lead[field]
                assert (row["source_name"], row["known_at"]) == (record["source_name"], record["known_at"])
                assert row[f"{field}_won_by"] in WON_BY


@pytest.mark.parametrize(
    ("section", "content", "says"),
    [
        (Survivorship, {"trust": ["crm", "crm"]}, "crm is listed twice"),
        (Survivorship, {"fields": {"phon": {}}}, "phon"),
        (Survivorship, {"fields": {"phone": {"doubted_by": ["nonsense"]}}}, "nonsense is no contact check"),
        (Survivorship, {"blocks": [["country"]]}, "two fields or more"),
        (Survivorship, {"blocks": [["country", "city"], ["city", "street"]]}, "city is listed twice"),
        (Duplicates, {"order": ["route", "route"]}, "route is listed twice"),
        (Duplicates, {"order": ["delete"]}, "tag_only"),
        (Duplicates, {"key_facts": ["phone", "phone"]}, "phone is listed twice"),
        (Duplicates, {"repeat_days": -1}, "greater than or equal to 0"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(section, content, says):
    with pytest.raises(ValidationError, match=says):
        section.model_validate(content)
