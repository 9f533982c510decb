"""Contact checks: what each finds, what its effect does, and which lists are in force when."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.clean.lists import BLOCKLIST_COLUMNS, Entry, ListedValues, contact_lists
from leadflow.clean.records import RECORD_COLUMNS, CheckedRecords, check_lead_records
from leadflow.contact_policy import CHECKS
from leadflow.policy import Policy
from leadflow.scoring.rules import score_rules
from leadflow.text.made_up import is_made_up_address, is_made_up_company, is_role_address, meant_domain
from leadflow.text.sensitive import WordFinder

_NOON = dt.datetime(2025, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse
_DAY = dt.timedelta(days=1)
_LEAD = {
    "raw_table": "mql", "record_id": "1", "occurred_at": _NOON, "known_at": _NOON, "source_name": "forms",
    "email": "ann.lee@north.example", "full_name": "Ann Lee", "company_name": "North AG", "phone": "+49 30 901820",
    "country": "Germany", "title": "CEO", "ip_address": "203.0.113.9",
}  # fmt: skip


def _records(*rows: dict[str, object]) -> pl.DataFrame:
    numbered = ({**_LEAD, "record_key": f"mql:{at}", **row} for at, row in enumerate(rows, 1))
    return pl.DataFrame(list(numbered), schema=RECORD_COLUMNS)


def _blocklist(*rows: dict[str, object]) -> pl.DataFrame:
    basis = {"occurred_at": _NOON, "known_at": _NOON, "reason": None}
    numbered = ({**basis, "blocklist_id": f"B{at}", **row} for at, row in enumerate(rows, 1))
    return pl.DataFrame(list(numbered), schema=BLOCKLIST_COLUMNS)


def _policy(**settings: object) -> Policy:
    return Policy.model_validate(settings)


def _checked(
    policy: Policy, *rows: dict[str, object], blocklist: pl.DataFrame | None = None
) -> CheckedRecords:
    return check_lead_records(_records(*rows), policy, contact_lists(policy, blocklist, _NOON))


def _found(policy: Policy | None = None, blocklist: pl.DataFrame | None = None, **row: object) -> list[str]:
    """Everything that is found about one record, where no check rejects."""
    flags = {"contact_checks": dict.fromkeys(CHECKS, "flag")}
    settings = (policy or Policy()).model_dump(by_alias=True)
    policy = Policy.model_validate(
        settings | {"contact_checks": settings["contact_checks"] | flags["contact_checks"]}
    )
    return list(_checked(policy, row, blocklist=blocklist).clean["contact_flags"][0])


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({}, []),
        ({"email": None, "phone": None, "full_name": None, "company_name": None, "ip_address": None}, []),
        ({"email": "ann@@north"}, ["email_invalid"]),
        ({"email": "x@mailinator.com"}, ["disposable_mail", "email_implausible"]),
        ({"email": "ann.lee@mailinator.com"}, ["disposable_mail"]),
        ({"email": "ann.lee@gmail.com"}, ["free_mail"]),
        ({"email": "张伟@qq.com"}, ["free_mail"]),
        ({"email": "1348233@qq.com"}, ["free_mail"]),
        ({"email": "123456@qq.com"}, ["email_implausible", "free_mail"]),
        ({"email": "ann.lee@gmial.com"}, ["email_misspelt"]),
        ({"email": "ann.lee@qq.con"}, ["email_misspelt"]),
        ({"email": "info@north.example"}, ["role_mail"]),
        ({"email": "ＩＮＦＯ@north.example"}, ["role_mail"]),
        ({"email": "kefu@north.example"}, ["role_mail"]),
        ({"email": "asdf@north.example"}, ["email_implausible"]),
        ({"phone": "12345678901", "country": "中国"}, ["phone_fake"]),
        ({"phone": "１２３４５６７８９０１", "country": "中国"}, ["phone_fake"]),
        ({"phone": "00000000"}, ["phone_fake"]),
        ({"phone": "12"}, ["phone_invalid"]),
        ({"phone": "电话"}, ["phone_invalid"]),
        ({"phone": "138 1234 9876", "country": "中国"}, []),
        ({"phone": "138 1234 9876", "country": None}, []),
        ({"phone": "030 901820", "country": None}, []),  # of which country, nobody can tell
        ({"phone": "wx: ann_lee"}, []),
        ({"phone": "微信：annlee2024"}, []),
        ({"phone": "wx: ?"}, ["phone_invalid"]),
        ({"phone": "+44 7700 299597"}, ["phone_unassigned"]),
        ({"phone": "annlee2024"}, []),
        ({"wechat_id": "Ann_Lee24"}, []),
        ({"wechat_id": "n/a"}, []),
        ({"wechat_id": "ann lee!"}, ["wechat_invalid"]),
        ({"full_name": "asdf"}, ["name_implausible"]),
        ({"full_name": "测试"}, ["name_implausible"]),
        ({"full_name": "张伟"}, []),
        ({"full_name": "张先生"}, []),
        ({"company_name": "公司"}, ["company_implausible"]),
        ({"company_name": "AAA"}, []),
        ({"company_name": "代.开.发.票 公司"}, ["sensitive_words"]),
        ({"full_name": "ｃａｓｉｎｏ"}, ["sensitive_words"]),
        ({"title": "online c a s i n o"}, ["sensitive_words"]),
        ({"email": "asdf@north.example", "full_name": "测试"},
         ["made_up_contact", "email_implausible", "name_implausible"]),
        ({"email": "asdf@mailinator.com"}, ["disposable_mail", "email_implausible"]),  # two signs of one field
    ],
)  # fmt: skip
def test_what_is_found_in_a_record(row: dict[str, object], found: list[str]) -> None:
    assert _found(**row) == found


_LISTS = {
    "email": {"email": "Ann.Lee@North.example "},
    "domain": {"email": "ann@mail.north.example"},
    "phone": {"phone": "0049-30-901820", "country": None},
    "company": {"company_name": "NORTH, A.G."},
    "ip_range": {"ip_address": "198.51.100.255"},
}
_VALUES = {
    "email": "ann.lee@north.example", "domain": "North.example", "phone": "+49 30 901820", "company": "north",
    "ip_range": "198.51.100.0/24",
}  # fmt: skip
_CHECK_OF = {kind: f"blocklisted_{kind.removesuffix('_range')}" for kind in _VALUES}


@pytest.mark.parametrize("kind", list(_VALUES))
def test_a_listed_value_is_rejected_by_the_source_and_by_the_policy(kind: str) -> None:
    other = {
        "email": "joe@south.example",
        "phone": None,
        "company_name": "South",
        "ip_address": "198.51.101.0",
    }
    listed = {**other, **_LISTS[kind]}
    of_source = _checked(Policy(), listed, other, blocklist=_blocklist({"kind": kind, "value": _VALUES[kind], "reason": "fraud"}))  # fmt: skip
    lists = {"emails" if kind == "email" else {"company": "companies"}.get(kind, f"{kind}s"): [_VALUES[kind]]}
    of_policy = _checked(_policy(blocklist=lists), listed, other)
    for checked in (of_source, of_policy):
        assert checked.rejected.select("record_key", "rule").rows() == [("mql:1", _CHECK_OF[kind])]
        assert checked.clean["record_key"].to_list() == ["mql:2"]
    assert "(entry B1: fraud)" in of_source.rejected["reason"][0]
    assert "blocklist of policy.yaml" in of_policy.rejected["reason"][0]
    assert "ann" not in of_source.rejected["reason"][0].lower()


@pytest.mark.parametrize(
    ("ranges", "address", "is_in"),
    [
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.1 - 198.51.100.9", "198.51.100.9", True),
        ("198.51.100.1-198.51.100.9", "198.51.100.10", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("198.51.100.0/24", "::ffff:198.51.100.1", True),
        ("198.51.100.0/24", "no address", False),
        ("0.0.0.0/0", "2001:db8::1", False),
    ],
)
def test_ip_ranges(ranges: str, address: str, is_in: bool) -> None:
    found = _found(blocklist=_blocklist({"kind": "ip_range", "value": ranges}), ip_address=address)
    assert found == (["blocklisted_ip"] if is_in else [])


@pytest.mark.parametrize("moment", ["occurred_at", "known_at"])
def test_an_entry_of_later_rejects_nothing_before(moment: str) -> None:
    late = _blocklist({"kind": "email", "value": _VALUES["email"], moment: _NOON + _DAY})
    record = _records({})
    before, after = (
        check_lead_records(record, Policy(), contact_lists(Policy(), late, as_of))
        for as_of in (_NOON + _DAY - dt.timedelta(microseconds=1), _NOON + _DAY)
    )
    assert (before.rejected.height, after.rejected.height) == (0, 1)


def test_competitors_are_scored_down_since_when_they_were_known() -> None:
    entries = _blocklist(
        {"kind": "domain", "value": "rival.example", "reason": "Competitor", "known_at": _NOON + _DAY},
        {"kind": "email", "value": "bob@rival.example", "reason": "competitor", "known_at": _NOON + _DAY},
    )
    policy = _policy(competitors={"ip_ranges": ["203.0.113.0/28"], "domains": ["foe.example"]})
    checked = check_lead_records(
        _records(
            {"email": "eve@eu.rival.example", "ip_address": None},
            {"email": "eve@foe.example", "ip_address": None},
            {},
            {"ip_address": None},
            {"email": "bob@rival.example"},
        ),
        policy,
        contact_lists(policy, entries, _NOON + _DAY),
    )
    assert checked.clean.select("record_key", "contact_flags", "competitor_known_at").rows() == [
        ("mql:1", ["competitor_domain"], _NOON + _DAY),
        ("mql:2", ["competitor_domain"], _NOON),
        ("mql:3", ["competitor_ip"], _NOON),
        ("mql:4", [], None),
    ]
    assert checked.rejected["rule"].to_list() == ["blocklisted_email"]  # a person, and no competitor's domain
    assert checked.clean["suspect_known_at"].is_null().all()


def test_the_most_severe_check_that_rejects_is_the_rule_and_all_are_named() -> None:
    rejected = _checked(
        _policy(contact_checks={"blocklisted_ip": "flag", "role_mail": "reject"}, blocklist={"ip_ranges": ["203.0.113.9"]}),
        {"email": "info@north.example", "company_name": "博 彩", "full_name": "asdf"},
    ).rejected.row(0, named=True)  # fmt: skip
    assert rejected["rule"] == "sensitive_words"
    assert rejected["reason"] == (
        "Its company holds the sensitive word '博彩'. Found as well: blocklisted_ip, name_implausible, role_mail."
    )
    assert json.loads(str(rejected["row"]))["ip_address"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("effect", "is_rejected", "flags", "is_suspect"),
    [
        ("reject", True, [], False),
        ("flag", False, ["role_mail"], False),
        ("score_down", False, ["role_mail"], True),
        ("off", False, [], False),
    ],
)
def test_effects(effect: str, is_rejected: bool, flags: list[str], is_suspect: bool) -> None:
    checked = _checked(_policy(contact_checks={"role_mail": effect}), {"email": "info@north.example"})
    assert checked.rejected.height == is_rejected
    if not is_rejected:
        row = checked.clean.row(0, named=True)
        assert (row["contact_flags"], row["suspect_known_at"]) == (flags, _NOON if is_suspect else None)


@pytest.mark.parametrize("effect", ["flag", "score_down", "off"])
def test_a_wrong_address_is_left_out_where_the_record_goes_on(effect: str) -> None:
    row = _checked(_policy(contact_checks={"email_invalid": effect}), {"email": "ann@@north"}).clean.row(0, named=True)  # fmt: skip
    assert [row[name] for name in ("email", "email_domain", "is_free_mail", "is_disposable_mail")] == [
        None
    ] * 4


@pytest.mark.parametrize("released", ["mql:1", "Bob@Casino.example"])
def test_a_released_record_goes_on_with_its_flags(released: str) -> None:
    row = {"email": "bob@casino.example", "company_name": "Casino Bad"}
    checked = _checked(_policy(release=[released]), row, {**row, "email": "eve@casino.example"}, {})
    assert checked.clean.select("record_key", "contact_flags", "is_released").rows() == [
        ("mql:1", ["sensitive_words"], True),
        ("mql:3", [], False),
    ]
    assert checked.rejected["record_key"].to_list() == ["mql:2"]


def test_entries_that_match_nobody_are_told() -> None:
    entries = _blocklist(
        {"kind": "ip_range", "value": "198.51.100"}, {"kind": "company", "value": "GmbH"},
        {"kind": "phone", "value": "none"}, {"kind": "domain", "value": "rival"}, {"kind": "email", "value": "a@b.example"},
        {"kind": "email", "value": None}, {"kind": "other", "value": "x"},
    )  # fmt: skip
    assert contact_lists(Policy(), entries).unusable == ("B1", "B2", "B3", "B4", "B7")


def test_free_mail_that_is_not_scored_down_gives_no_points() -> None:
    features = {rule.when.feature: None for rule in Policy().rules} | {"is_free_mail": True}
    frame = pl.DataFrame([{"lead_id": "a", **features}])
    points = {
        effect: score_rules(frame, _policy(contact_checks={"free_mail": effect})).points["rule"].to_list()
        for effect in ("score_down", "flag", "off")
    }
    assert points == {"score_down": ["personal_mail"], "flag": [], "off": []}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Casino bonus", "casino"),
        ("c.a.s.i.n.o", "casino"),
        ("ＣＡＳＩＮＯ", "casino"),
        ("ca\u200bsi\u200bno", "casino"),
        ("Casinova GmbH", None),
        ("Groupe Casino", None),
        ("Groupe Casino, casino bonus", "casino"),
        ("free   iPhone!", "free iphone"),
        ("freeiphone", "free iphone"),
        ("Essex Ltd", None),
        ("s.e.x", "sex"),
        ("代 开 发 票", "代开发票"),
        ("上海代－开－发－票公司", "代开发票"),
        ("江西文博彩印有限公司", None),
        ("网上博 彩", "博彩"),
        ("", None),
    ],
)
def test_sensitive_words(text: str, word: str | None) -> None:
    finder = WordFinder(["casino", "free iphone", "sex", "代开发票", "博彩"], ["groupe casino", "文博彩印"])
    assert finder.find(text) == word
    assert finder.find_all(pl.Series([text, None])).to_list() == [word, None]


@pytest.mark.parametrize(
    ("name", "is_none"),
    [("test", True), ("Test GmbH", True), ("xx", True), ("My Company", True), ("测试公司", True), ("某公司", True), ("---", True),
     ("abc", False), ("AAA", False), ("Testa Rossa", False), ("测试技术有限公司", False), ("Exxon", False), ("3M", False),
     ("中国石油", False)],
)  # fmt: skip
def test_companies_that_are_none(name: str, is_none: bool) -> None:
    assert is_made_up_company(name) == is_none


@pytest.mark.parametrize(
    ("address", "is_made_up", "is_role"),
    [
        ("test12@north.example", True, False),
        ("jane@test.com", True, False),
        ("test.test@north.example", True, False),
        ("aaaa@north.example", True, False),
        ("test.rossi@north.example", False, False),
        ("testa@north.example", False, False),
        ("1234567@qq.com", True, False),
        ("2837465@qq.com", False, False),
        ("sales-de@north.example", False, True),
        ("info2@north.example", False, True),
        ("no-reply@north.example", False, True),
        ("sales.smith@north.example", False, False),
        ("it@north.example", False, True),
    ],
)
def test_addresses(address: str, is_made_up: bool, is_role: bool) -> None:
    assert (is_made_up_address(address), is_role_address(address)) == (is_made_up, is_role)


@pytest.mark.parametrize(
    ("domain", "meant"),
    [("gmial.com", "gmail.com"), ("gmai.com", "gmail.com"), ("gmail.con", "gmail.com"), ("163.con", "163.com"),
     ("outlok.com", "outlook.com"), ("gmail.com", None), ("mail.com", None), ("ymail.com", None), ("acme.com", None)],
)  # fmt: skip
def test_misspelt_mail_domains(domain: str, meant: str | None) -> None:
    assert meant_domain(domain) == meant


_LONG_AGO = _NOON - 1000 * _DAY
_SMALL = st.integers(0, 40).map(lambda at: str(ipaddress.ip_address(0xC6336400 + 7 * at)))
_ODD = st.sampled_from(
    [
        "",
        "198.51.100",
        "198.51.100.07",
        "198.51.100.256",
        "::ffff:198.51.100.7",
        "2001:db8::1",
        "x",
        " 198.51.100.14 ",
    ]
)


@given(
    st.lists(st.tuples(_SMALL, _SMALL, st.none() | st.integers(1, 3)), max_size=5),
    st.lists(_SMALL | _ODD, max_size=12),
    st.booleans(),
)
def test_addresses_are_found_in_columns_as_one_by_one(
    ranges: list[tuple[str, str, int | None]], texts: list[str], with_version_6: bool
) -> None:
    listed = ListedValues()
    bounds = []
    for number, (one, other, days) in enumerate(ranges):
        low, high = sorted((one, other), key=ipaddress.ip_address)
        known_at = None if days is None else _NOON + days * _DAY
        entry = Entry(f"entry {number}", known_at)
        assert listed.add("ip_range", f"{low}-{high}", entry)
        bounds.append((int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high)), entry))
    if with_version_6:
        listed.add("ip_range", "2001:db8::/32", Entry("entry 6", None))
    found = listed.find("ip_range", pl.Series(texts, dtype=pl.String))
    for text in texts:
        try:
            address = ipaddress.ip_address(text.strip())
        except ValueError:
            assert text not in found
            continue
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is None:
                assert (text in found) == with_version_6
                continue
            address = address.ipv4_mapped
        over = [entry for low, high, entry in bounds if low <= int(address) <= high]
        earliest = min((entry.known_at or _LONG_AGO for entry in over), default=None)
        assert (found[text].known_at or _LONG_AGO) == earliest if over else text not in found
