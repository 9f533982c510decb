"""Leads keep their id; every record is in one lead; accounts and golden records follow from the records."""

from __future__ import annotations

import datetime as dt
import random
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from leadflow.clean.records import CLEAN_COLUMNS
from leadflow.identity.accounts import ACCOUNT_COLUMNS
from leadflow.identity.golden import LEAD_COLUMNS, golden_records
from leadflow.identity.resolution import IDENTITY_MAP_COLUMNS, LEAD_KEY_COLUMNS, Resolution, resolve

_NO_KEYS = pl.DataFrame(schema=LEAD_KEY_COLUMNS)


def _day(day: int) -> dt.datetime:
    return dt.datetime(2025, 1, day)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse


def _record(key: str, email: str | None = None, day: int = 1, **fields: object) -> dict[str, object]:
    domain = email.partition("@")[2] if email else None
    return {
        "record_key": key,
        "email": email,
        "email_domain": domain,
        "is_free_mail": None if domain is None else domain == "gmail.com",
        "is_disposable_mail": None if domain is None else domain == "mailinator.com",
        "occurred_at": _day(day),
        "known_at": _day(day),
        **fields,
    }


def _frame(*records: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(records), schema=CLEAN_COLUMNS)


def _lead_ids(resolution: Resolution) -> dict[str, str]:
    return dict(resolution.identity_map.select("record_key", "lead_id").iter_rows())


def _account_keys(*records: dict[str, object]) -> dict[str, str | None]:
    resolution = resolve(_frame(*records), _NO_KEYS)
    joined = resolution.identity_map.join(resolution.accounts, on="account_id", how="left")
    return dict(joined.select("record_key", "account_key").iter_rows())


def _id_of(record_key: str) -> str:
    return "L" + sha256(record_key.encode()).hexdigest()[:16]


def test_records_with_one_address_are_one_lead_and_others_are_their_own() -> None:
    resolution = resolve(
        _frame(
            _record("mql:1", "a@acme.com", 2),
            _record("sql_leads:9", "a@acme.com", 1),
            _record("mql:2"),
            _record("mql:3"),
        ),
        _NO_KEYS,
    )
    assert _lead_ids(resolution) == {
        "mql:1": _id_of("sql_leads:9"),  # the earliest member gives the id
        "sql_leads:9": _id_of("sql_leads:9"),
        "mql:2": _id_of("mql:2"),
        "mql:3": _id_of("mql:3"),
    }
    rules = dict(resolution.identity_map.select("record_key", "match_rule").iter_rows())
    assert rules == {"mql:1": "email", "sql_leads:9": "email", "mql:2": "own_record", "mql:3": "own_record"}
    known_from = dict(resolution.identity_map.select("record_key", "known_from").iter_rows())
    assert known_from["mql:1"] == _day(2)
    assert resolution.identity_map["known_to"].null_count() == 4


def test_addresses_stay_out_of_the_identity_map_and_the_accounts() -> None:
    resolution = resolve(_frame(_record("mql:1", "jane@acme.com")), _NO_KEYS)
    for frame in (resolution.identity_map, resolution.accounts):
        assert "jane" not in frame.write_json()
    assert resolution.lead_keys.row(0, named=True) == {
        "match_key": "email:jane@acme.com",
        "email": "jane@acme.com",
        "lead_id": _id_of("mql:1"),
        "known_from": _day(1),
    }


def test_an_id_stays_when_an_earlier_member_comes_in_later() -> None:
    first = resolve(_frame(_record("mql:5", "a@acme.com", 5)), _NO_KEYS)
    second = resolve(
        _frame(_record("mql:5", "a@acme.com", 5), _record("mql:1", "a@acme.com", 1)), first.lead_keys
    )
    assert set(_lead_ids(second).values()) == {_id_of("mql:5")}
    assert second.lead_keys["known_from"].to_list() == [_day(1)]


def test_a_key_without_records_stays_known() -> None:
    first = resolve(_frame(_record("mql:5", "a@acme.com")), _NO_KEYS)
    empty = resolve(_frame(), first.lead_keys)
    assert_frame_equal(empty.lead_keys, first.lead_keys)
    assert empty.identity_map.is_empty()


def test_a_record_that_gains_an_address_keeps_its_lead() -> None:
    first = resolve(_frame(_record("mql:1")), _NO_KEYS)
    second = resolve(_frame(_record("mql:1", "a@acme.com")), first.lead_keys)
    assert _lead_ids(second) == _lead_ids(first)


def test_a_record_that_changes_its_address_leaves_the_lead_to_the_others() -> None:
    first = resolve(_frame(_record("mql:1", "a@acme.com", 1), _record("mql:2", "a@acme.com", 2)), _NO_KEYS)
    second = resolve(
        _frame(_record("mql:1", "b@acme.com", 1), _record("mql:2", "a@acme.com", 2)), first.lead_keys
    )
    ids = _lead_ids(second)
    assert ids["mql:2"] == _lead_ids(first)["mql:2"]
    assert ids["mql:1"] != ids["mql:2"]
    assert (
        _lead_ids(resolve(_frame(_record("mql:1", "b@acme.com")), second.lead_keys))["mql:1"] == ids["mql:1"]
    )


def test_two_addresses_of_one_record_are_never_one_lead_by_way_of_its_first_days() -> None:
    alone = resolve(_frame(_record("mql:1")), _NO_KEYS)
    first = resolve(_frame(_record("mql:1", "a@acme.com"), _record("mql:2", "a@acme.com")), alone.lead_keys)
    second = resolve(_frame(_record("mql:1", "b@acme.com"), _record("mql:2", "a@acme.com")), first.lead_keys)
    assert len(set(_lead_ids(second).values())) == 2


_drawn_records = st.lists(
    st.builds(
        lambda number, email, day, company: (number, email, day, company),
        st.integers(1, 12),
        st.sampled_from([None, "a@acme.com", "b@acme.com", "c@gmail.com", "d@acme.de", "e@mailinator.com"]),
        st.integers(1, 5),
        st.sampled_from([None, "acme", "other"]),
    ),
    max_size=10,
    unique_by=lambda drawn: drawn[0],
).map(lambda drawn: [_record(f"mql:{n}", e, d, company_key=c, company_name=c) for n, e, d, c in drawn])


@settings(max_examples=60, deadline=None)
@given(_drawn_records, st.integers(0, 99))
def test_resolving_does_not_depend_on_the_order_of_rows(records: list[dict[str, object]], seed: int) -> None:
    resolution = resolve(_frame(*records), _NO_KEYS)
    leads = golden_records(_frame(*records), resolution.identity_map)
    shuffled = random.Random(seed).sample(records, len(records))
    again = resolve(_frame(*shuffled), _NO_KEYS)
    assert_frame_equal(again.identity_map, resolution.identity_map)
    assert_frame_equal(again.lead_keys, resolution.lead_keys)
    assert_frame_equal(again.accounts, resolution.accounts)
    assert_frame_equal(golden_records(_frame(*shuffled), again.identity_map), leads)


@settings(max_examples=60, deadline=None)
@given(_drawn_records)
def test_every_record_is_in_exactly_one_lead_and_types_hold(records: list[dict[str, object]]) -> None:
    frame = _frame(*records)
    resolution = resolve(frame, _NO_KEYS)
    leads = golden_records(frame, resolution.identity_map)
    assert resolution.identity_map["record_key"].to_list() == sorted(frame["record_key"])
    assert resolution.identity_map["lead_id"].null_count() == 0
    assert set(leads["lead_id"]) == set(resolution.identity_map["lead_id"])
    assert leads["lead_id"].is_unique().all()
    assert leads["record_count"].sum() == frame.height
    by_email = {}
    for record_key, lead_id in _lead_ids(resolution).items():
        email = frame.filter(record_key=record_key)["email"].item()
        assert by_email.setdefault(lead_id, email or record_key) == (email or record_key)
    assert len(set(by_email.values())) == len(by_email)
    assert set(resolution.identity_map["account_id"].drop_nulls()) == set(resolution.accounts["account_id"])
    for given_frame, columns in [
        (resolution.identity_map, IDENTITY_MAP_COLUMNS),
        (resolution.lead_keys, LEAD_KEY_COLUMNS),
        (resolution.accounts, ACCOUNT_COLUMNS),
        (leads, LEAD_COLUMNS),
    ]:
        assert given_frame.schema == pl.Schema(columns)


@settings(max_examples=60, deadline=None)
@given(_drawn_records, st.integers(0, 10))
def test_ids_stay_when_records_are_added(records: list[dict[str, object]], already: int) -> None:
    first = resolve(_frame(*records[:already]), _NO_KEYS)
    second = resolve(_frame(*records), first.lead_keys)
    assert _lead_ids(first).items() <= _lead_ids(second).items()
    assert_frame_equal(resolve(_frame(*records), second.lead_keys).identity_map, second.identity_map)


@pytest.mark.parametrize(
    ("email", "company_key", "expected"),
    [
        ("a@acme.com", "acme", "domain:acme.com"),
        ("a@acme.com", None, "domain:acme.com"),
        ("a@gmail.com", "acme", "company:acme"),
        ("a@mailinator.com", "acme", "company:acme"),
        ("a@gmail.com", None, None),
        (None, "acme", "company:acme"),
        (None, None, None),
    ],
)
def test_account_of_a_record(email: str | None, company_key: str | None, expected: str | None) -> None:
    assert _account_keys(_record("mql:1", email, company_key=company_key)) == {"mql:1": expected}


def test_a_company_named_beside_a_personal_address_joins_its_domain() -> None:
    keys = _account_keys(
        _record("mql:1", "a@acme.com", company_key="acme"),
        _record("mql:2", "b@gmail.com", company_key="acme"),
        _record("mql:3", None, company_key="acme"),
        _record("mql:4", "c@gmail.com", company_key="other"),
    )
    assert keys == {
        "mql:1": "domain:acme.com",
        "mql:2": "domain:acme.com",
        "mql:3": "domain:acme.com",
        "mql:4": "company:other",
    }


@pytest.mark.parametrize(
    ("domains_by_day", "expected"),
    [
        ({1: "b.com", 2: "a.com"}, "domain:b.com"),
        ({2: "b.com", 1: "a.com"}, "domain:a.com"),
        ({4: "b.com"}, "company:acme"),
    ],
)
def test_a_company_alone_joins_the_domain_that_was_known_first_and_by_then(
    domains_by_day: dict[int, str], expected: str
) -> None:
    records = [
        _record(f"mql:{day}", f"p@{domain}", day, company_key="acme")
        for day, domain in domains_by_day.items()
    ]
    keys = _account_keys(*records, _record("sql_leads:1", None, 3, company_key="acme"))
    assert keys["sql_leads:1"] == expected


def test_of_domains_known_at_once_the_alphabet_decides() -> None:
    records = [_record(f"mql:{domain}", f"p@{domain}", company_key="acme") for domain in ("b.com", "a.com")]
    keys = _account_keys(*records, _record("sql_leads:1", company_key="acme"))
    assert keys["sql_leads:1"] == "domain:a.com"


def _crm(key: str, mql_id: str, email: str | None = None, day: int = 1) -> dict[str, object]:
    return _record(key, email, day, raw_table="sql_leads", mql_id=mql_id)


def _form(mql_id: str, email: str | None = None, day: int = 1) -> dict[str, object]:
    return _record(f"mql:{mql_id}", email, day, raw_table="mql", mql_id=mql_id)


@pytest.mark.parametrize(
    ("form_email", "crm_email", "is_one_lead", "rules"),
    [
        ("a@acme.com", "a@acme.com", True, {"mql:1": "email", "sql_leads:9": "email"}),
        ("a@acme.com", None, True, {"mql:1": "email", "sql_leads:9": "mql_id"}),
        (None, "a@acme.com", True, {"mql:1": "mql_id", "sql_leads:9": "email"}),
        (None, None, True, {"mql:1": "own_record", "sql_leads:9": "mql_id"}),
        ("a@acme.com", "b@acme.com", False, {"mql:1": "email", "sql_leads:9": "email"}),
    ],
)
def test_a_crm_lead_and_the_form_it_names(
    form_email: str | None, crm_email: str | None, is_one_lead: bool, rules: dict[str, str]
) -> None:
    records = _frame(_form("1", form_email, 2), _crm("sql_leads:9", "1", crm_email, 5))
    resolution = resolve(records, _NO_KEYS)
    ids = _lead_ids(resolution)
    assert (ids["mql:1"] == ids["sql_leads:9"]) is is_one_lead
    assert dict(resolution.identity_map.select("record_key", "match_rule").iter_rows()) == rules
    linked = resolution.identity_map.filter(pl.col("match_rule") == "mql_id")
    assert linked["known_from"].to_list() == [_day(5)] * linked.height
    if is_one_lead:
        assert set(ids.values()) == {_id_of("mql:1")}


def test_a_form_keeps_its_lead_when_a_crm_lead_brings_its_address() -> None:
    first = resolve(_frame(_form("1", None, 1)), _NO_KEYS)
    records = _frame(
        _form("1", None, 1), _crm("sql_leads:9", "1", "a@acme.com", 3), _form("2", "a@acme.com", 4)
    )
    second = resolve(records, first.lead_keys)
    assert set(_lead_ids(second).values()) == set(_lead_ids(first).values())


def test_a_crm_lead_that_names_no_known_form_stands_alone() -> None:
    resolution = resolve(_frame(_crm("sql_leads:9", "404")), _NO_KEYS)
    assert resolution.identity_map["match_rule"].to_list() == ["own_record"]


def test_account_summary() -> None:
    accounts = resolve(
        _frame(
            _record("mql:1", "a@acme.com", 3, company_name="Acme Ltd", company_key="acme"),
            _record("mql:2", "b@acme.com", 2, company_name="ACME", company_key="acme"),
            _record("mql:3", "c@acme.com", 4, company_name="Acme Ltd", company_key="acme"),
            _record("mql:4", "d@acme.com", 5, company_name="Ltd"),
            _record("mql:5", "e@acme.com", 5, company_name="Ltd"),
            _record("mql:6", "f@acme.com", 5, company_name="Ltd"),
        ),
        _NO_KEYS,
    ).accounts
    assert accounts.drop("account_id").rows() == [
        ("domain:acme.com", "acme.com", "acme", "Acme Ltd", _day(2), 6)
    ]
    assert accounts["account_id"].item() == "A" + sha256(b"domain:acme.com").hexdigest()[:16]


def test_golden_record_takes_newest_facts_and_the_earliest_touch() -> None:
    records = _frame(
        _record(
            "mql:1",
            "a@acme.com",
            1,
            channel=None,
            campaign="spring",
            title="CTO",
            seniority="c_level",
            phone="1",
        ),
        _record("mql:2", "a@acme.com", 2, channel="ads", full_name="Jane", title="VP", seniority="director"),
        _record("mql:3", "a@acme.com", 3, channel="web", title=None, company_name="Acme"),
    )
    lead = golden_records(records, resolve(records, _NO_KEYS).identity_map).row(0, named=True)
    assert (lead["title"], lead["seniority"]) == ("VP", "director")
    assert (lead["full_name"], lead["phone"], lead["company_name"]) == ("Jane", "1", "Acme")
    assert (lead["channel"], lead["campaign"], lead["landing_page"]) == (None, "spring", None)
    assert (lead["created_at"], lead["known_from"], lead["record_count"]) == (_day(1), _day(1), 3)
    assert lead["email"] == "a@acme.com"


def test_newest_is_what_became_known_last_and_within_one_landing_what_happened_last() -> None:
    def landed(key: str, happened: int, title: str, channel: str, known: int = 9) -> dict[str, object]:
        return _record(
            key, "a@acme.com", title=title, channel=channel, occurred_at=_day(happened), known_at=_day(known)
        )

    records = _frame(
        landed("mql:3", 2, "VP", "ads"),
        landed("mql:1", 4, "CTO", "web"),
        landed("mql:2", 6, "CEO", "fair", known=8),
    )
    lead = golden_records(records, resolve(records, _NO_KEYS).identity_map).row(0, named=True)
    assert (lead["title"], lead["channel"]) == ("CTO", "ads")


def test_ties_go_by_record_key() -> None:
    records = _frame(
        _record("mql:2", "a@acme.com", title="B", channel="b"),
        _record("mql:1", "a@acme.com", title="A", channel="a"),
    )
    lead = golden_records(records, resolve(records, _NO_KEYS).identity_map).row(0, named=True)
    assert (lead["title"], lead["channel"]) == ("B", "a")
