"""What is known about accounts: who a company is, whose word counts, and since when."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.enrich.facts import (
    FACT_COLUMNS,
    FIRMOGRAPHIC_COLUMNS,
    coverage,
    firmographic_facts,
    firmographics,
)
from leadflow.enrich.file_provider import file_answers, read_companies
from leadflow.enrich.providers import PROVIDER_ANSWER_COLUMNS
from leadflow.enrich.reference import MATCH_COLUMNS, match_companies
from leadflow.enrich.told import REFERENCE_READ, Told, together, told_by_answers, told_by_reference
from leadflow.enrich.values import fact_values, technologies
from leadflow.enrichment_policy import CompanyFile, Enrichment
from leadflow.identity.accounts import ACCOUNT_COLUMNS
from leadflow.text.companies import company_key

_DATES = [dt.datetime(2025, month, 1) for month in range(1, 13)]  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
_NOW = _DATES[11]
_EVER = dt.datetime(1970, 1, 1)  # noqa: DTZ001
_LISTED = Path(os.environ.get("LEADFLOW_TEST_DATA", "")) / "listed_companies" / "listed_companies.parquet"
_VENDOR = {
    "kind": "http",
    "url": "https://vendor.example/",
    "by_domain": {"query": {"q": "{domain}"}},
    "identity": {"domain": "d"},
    "fields": {"company_size": "s", "industry": "i", "tech_stack": "t"},
}


def _accounts(*accounts: tuple[str, str | None, str | None]) -> pl.DataFrame:
    rows = [{"account_id": name, "domain": domain, "company_key": key} for name, domain, key in accounts]
    return pl.DataFrame(rows, schema=ACCOUNT_COLUMNS)


def _companies(*companies: tuple[str, str | None, str | None]) -> pl.DataFrame:
    schema = {"subject": pl.String, "domain": pl.String, "company_name": pl.String}
    return pl.DataFrame(list(companies), schema=schema, orient="row")


def _versions(*rows: dict[str, Any]) -> pl.DataFrame:
    types = {name: pl.String() for name in REFERENCE_READ} | {
        "company_size": pl.Int64(),
        "is_listed": pl.Boolean(),
        "occurred_at": pl.Datetime("us"),
        "known_at": pl.Datetime("us"),
        "is_in_force": pl.Boolean(),
    }
    default = {
        "company_reference_id": "r1",
        "domain": "acme.com",
        "source_name": "register",
        "is_in_force": True,
    }
    return pl.DataFrame([{"occurred_at": row["known_at"], **default, **row} for row in rows], schema=types)


def _answers(*rows: tuple[str, str, dt.datetime, dict[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "provider": provider, "key_kind": key.split(":")[0], "key": key.split(":")[1], "asked_at": at, "known_at": at,
                "status": "found", "answer": json.dumps(fields), "call_count": 1,
            }
            for provider, key, at, fields in rows
        ],
        schema=PROVIDER_ANSWER_COLUMNS,
    )  # fmt: skip


def _policy(**settings: Any) -> Enrichment:
    return Enrichment.model_validate(settings)


_ACME = ("r1", "https://www.acme.com/", "Acme Ltd.")
_BETA = ("r2", None, "Beta 有限公司")


@pytest.mark.parametrize(
    ("domain", "key", "expected"),
    [
        ("acme.com", None, [("A1", "domain", "r1")]),
        ("acme.com", "beta", [("A1", "domain", "r1")]),  # the domain goes first
        (None, "acme", [("A1", "company_name", "r1")]),
        ("acme.de", "acme", [("A1", "company_name", "r1")]),
        (None, "beta", [("A1", "company_name", "r2")]),
        ("other.com", "other", []),
        (None, None, []),
    ],
)
def test_domain_then_name(domain: str | None, key: str | None, expected: list[tuple[str, str, str]]) -> None:
    found = match_companies(_accounts(("A1", domain, key)), _companies(_ACME, _BETA), "reference")
    assert found.select("account_id", "matched_by", "subject").rows() == expected


def test_what_several_companies_share_matches_nothing() -> None:
    same_name, same_domain = ("r3", "acme.org", "ACME GmbH"), ("r4", "acme.com", "Acme Finance")
    by_name = _accounts(("A1", None, "acme"))
    assert match_companies(by_name, _companies(_ACME, same_name), "reference").is_empty()
    by_domain = _accounts(("A1", "acme.com", "acme finance"), ("A2", "acme.com", None))
    found = match_companies(by_domain, _companies(_ACME, same_domain), "reference")
    assert found.select("account_id", "matched_by", "subject").rows() == [("A1", "company_name", "r4")]


def test_a_match_is_as_sure_as_what_it_rests_on() -> None:
    accounts = _accounts(("A1", "acme.com", None), ("A2", None, "beta"))
    found = match_companies(accounts, _companies(_ACME, _BETA), "reference", 0.5)
    assert found.schema == pl.Schema(MATCH_COLUMNS)
    assert found["confidence"].to_list() == [0.5, 0.4]


def test_values_come_in_one_spelling() -> None:
    told = pl.DataFrame(
        {
            "company_size": ["1,001-5,000", "-1", None],
            "industry": ["软件", "Basket weaving", "<b>IT</b>"],
            "is_listed": ["Public Company", "非上市", "perhaps"],
            "country": ["中国", "Deutschland", "Atlantis"],
            "tech_stack": ["HubSpot; Salesforce, hubspot", "Microsoft Dynamics, Inc\nSAP\n", None],
            "revenue_band": ["$12.5M", "€5M", None],
        },
        schema=dict.fromkeys(
            ("company_size", "industry", "is_listed", "country", "tech_stack", "revenue_band"), pl.String
        ),
    )
    policy = _policy(technologies={"competitors": ["SALESFORCE"], "complements": ["sap"]})
    assert fact_values(told, policy).rows(named=True) == [
        {
            "company_size": "2237", "industry": "Information Technology", "is_listed": "true", "country": "CN",
            "tech_stack": '["HubSpot", "Salesforce"]', "revenue_band": "10M to 50M", "industry_as_given": "软件",
            "uses_competitor": "true", "uses_complement": "false",
        },
        {
            "company_size": None, "industry": None, "is_listed": "false", "country": "DE",
            "tech_stack": '["Microsoft Dynamics, Inc", "SAP"]', "revenue_band": None, "industry_as_given": "Basket weaving",
            "uses_competitor": "false", "uses_complement": "true",
        },
        {
            "company_size": None, "industry": None, "is_listed": None, "country": None, "tech_stack": None,
            "revenue_band": None, "industry_as_given": None, "uses_competitor": None, "uses_complement": None,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "stack"),
    [
        ("a", '["a"]'),
        ("b,A,a", '["A", "b"]'),
        ("n/a", None),
        (",;", None),
        ("阿里云、用友", '["用友", "阿里云"]'),
    ],
)
def test_technologies(text: str, stack: str | None) -> None:
    assert technologies(text) == stack


def _history(told: Told, policy: Enrichment, field: str) -> list[tuple[Any, ...]]:
    facts = firmographic_facts(told, policy).filter(pl.col("field") == field)
    return facts.select("value", "source", "known_from", "known_until").rows()


_ONE = _accounts(("A1", "acme.com", "acme"))


def _reference_told(policy: Enrichment, *rows: dict[str, Any], as_of: dt.datetime = _NOW) -> Told:
    versions = _versions(*rows)
    return told_by_reference(_ONE, versions.filter("is_in_force"), versions, policy, as_of)


def test_the_past_sees_what_was_known_then() -> None:
    policy = _policy()
    rows = (
        {"known_at": _DATES[0], "company_size": 100, "is_in_force": False},
        {"known_at": _DATES[3], "company_size": 250, "is_in_force": False},
        {"known_at": _DATES[6], "company_size": 250, "industry": "Retail"},
    )
    told = _reference_told(policy, *rows)
    assert _history(told, policy, "company_size") == [
        ("100", "register", _DATES[0], _DATES[3]),
        ("250", "register", _DATES[3], None),
    ]
    now = firmographics(firmographic_facts(told, policy), told.matches).row(0, named=True)
    assert (now["company_size"], now["company_size_known_at"]) == (250, _DATES[3])
    assert (now["industry"], now["industry_known_at"]) == ("Consumer Discretionary", _DATES[6])
    assert (now["is_listed"], now["is_listed_known_at"], now["is_listed_is_backdated"]) == (None, None, None)
    # What became known later is as if it were not there.
    before = _reference_told(
        policy, *(row | {"is_in_force": row is rows[1]} for row in rows[:2]), as_of=_DATES[5]
    )
    earlier = firmographic_facts(before, policy)
    later = firmographic_facts(told, policy).filter(pl.col("known_from") <= _DATES[5])
    assert_frame_equal(earlier.drop("known_until"), later.drop("known_until"))


def test_the_first_provider_counts_from_its_first_word_on() -> None:
    policy = _policy(providers=[{"name": "vendor", **_VENDOR}, {"name": "reference", "kind": "reference"}])
    answers = _answers(
        ("vendor", "domain:acme.com", _DATES[2], {"company_size": "500"}),
        ("vendor", "domain:acme.com", _DATES[8], {"company_size": "600", "industry": "Banking"}),
        ("stranger", "domain:acme.com", _DATES[2], {"company_size": "9"}),
    )
    told = together(
        [
            _reference_told(
                policy,
                {"known_at": _DATES[0], "company_size": 450, "industry": "Retail", "is_in_force": False},
                {"known_at": _DATES[5], "company_size": 470, "industry": "Retail"},
            ),
            told_by_answers(_ONE, answers, policy, _NOW),
        ]
    )
    assert _history(told, policy, "company_size") == [
        ("450", "register", _DATES[0], _DATES[2]),
        ("500", "vendor", _DATES[2], _DATES[8]),
        ("600", "vendor", _DATES[8], None),
    ]
    other_order = _policy(
        providers=[{"name": "vendor", **_VENDOR}],
        priorities={"industry": ["reference"], "company_size": ["vendor"]},
    )
    assert _history(told, other_order, "industry") == [
        ("Consumer Discretionary", "register", _DATES[0], None)
    ]
    assert firmographic_facts(told, policy).schema == pl.Schema(FACT_COLUMNS)


def test_a_value_that_another_source_confirms_was_known_all_the_time() -> None:
    policy = _policy(providers=[{"name": "vendor", **_VENDOR}])
    told = together(
        [
            _reference_told(policy, {"known_at": _DATES[0], "company_size": 500}),
            told_by_answers(_ONE, _answers(("vendor", "domain:acme.com", _DATES[2], {"company_size": "500"})), policy, _NOW),
        ]
    )  # fmt: skip
    assert _history(told, policy, "company_size") == [
        ("500", "register", _DATES[0], _DATES[2]),
        ("500", "vendor", _DATES[2], None),
    ]
    now = firmographics(firmographic_facts(told, policy), told.matches).row(0, named=True)
    assert (now["company_size_source"], now["company_size_known_at"]) == ("vendor", _DATES[0])
    assert (now["company_size_fetched_at"], now["company_size_is_backdated"]) == (_DATES[2], False)


def test_a_backdated_value_stays_backdated_where_another_source_confirms_it() -> None:
    policy = _policy(providers=[{"name": "vendor", **_VENDOR}])
    answers = _answers(("vendor", "domain:acme.com", _DATES[2], {"company_size": "500"}))
    told = together(
        [
            _reference_told(policy, {"known_at": _EVER, "company_size": 500}),
            told_by_answers(_ONE, answers, policy, _NOW),
        ]
    )
    now = firmographics(firmographic_facts(told, policy), told.matches).row(0, named=True)
    assert (now["company_size_known_at"], now["company_size_is_backdated"]) == (_EVER, True)


def test_what_the_policy_backdates_is_known_since_ever_as_it_is_now() -> None:
    policy = _policy(backdated={"company_size": "sizes change slowly"})
    told = _reference_told(
        policy,
        {"known_at": _DATES[0], "company_size": 100, "industry": "Retail", "is_in_force": False},
        {"known_at": _DATES[3], "company_size": 250, "industry": "Retail"},
    )
    ever = dt.datetime(1900, 1, 1)  # noqa: DTZ001
    assert _history(told, policy, "company_size") == [("250", "register", ever, None)]
    now = firmographics(firmographic_facts(told, policy), told.matches).row(0, named=True)
    assert (now["company_size_known_at"], now["company_size_is_backdated"]) == (ever, True)
    assert (now["industry_known_at"], now["industry_is_backdated"]) == (_DATES[0], False)


def test_what_the_source_backdates_is_told_and_of_several_versions_the_one_in_force_holds() -> None:
    policy = _policy()
    told = _reference_told(
        policy,
        {"known_at": _EVER, "company_size": 250},
        {"known_at": _EVER, "company_size": 999, "is_in_force": False},
    )
    assert _history(told, policy, "company_size") == [("250", "register", _EVER, None)]
    assert firmographic_facts(told, policy)["is_backdated"].all()


def test_a_size_in_words_is_read_where_there_is_no_number() -> None:
    policy = _policy()
    told = _reference_told(
        policy, {"known_at": _EVER, "company_size_as_given": "约500人", "tech_stack": "SAP"}
    )
    now = firmographics(firmographic_facts(told, policy), told.matches).row(0, named=True)
    assert (now["company_size"], now["tech_stack"], now["uses_competitor"]) == (500, '["SAP"]', False)


def test_an_answer_by_domain_goes_before_one_by_name() -> None:
    policy = _policy(providers=[{"name": "vendor", **_VENDOR, "confidence": 0.5}])
    answers = _answers(
        ("vendor", "company_name:acme", _DATES[0], {"company_size": "7"}),
        ("vendor", "domain:acme.com", _DATES[1], {"company_size": "8"}),
    )
    accounts = _accounts(("A1", "acme.com", "acme"), ("A2", "acme.de", "acme"), ("A3", None, None))
    told = told_by_answers(accounts, answers, policy, _NOW)
    now = firmographics(firmographic_facts(told, policy), told.matches)
    assert now.select("account_id", "matched_by", "company_size", "company_size_confidence").rows() == [
        ("A1", "domain", 8, 0.5),
        ("A2", "company_name", 7, 0.4),
    ]
    assert coverage(now, 3) == {"company_size": 0.6667} | dict.fromkeys(
        [
            "industry",
            "is_listed",
            "country",
            "tech_stack",
            "uses_competitor",
            "uses_complement",
            "revenue_band",
        ],
        0.0,
    )


def test_types_hold_also_when_nobody_is_known() -> None:
    policy = _policy()
    told = together([_reference_told(policy), told_by_answers(_accounts(), _answers(), policy, _NOW)])
    facts = firmographic_facts(told, policy)
    assert facts.schema == pl.Schema(FACT_COLUMNS)
    assert firmographics(facts, told.matches).schema == pl.Schema(FIRMOGRAPHIC_COLUMNS)
    assert coverage(firmographics(facts, told.matches), 0)["industry"] == 0.0


def test_the_order_of_rows_does_not_matter() -> None:
    policy = _policy(providers=[{"name": "vendor", **_VENDOR}])
    rows = [
        {"known_at": _DATES[month], "company_size": month * 10 + 1, "is_in_force": month == 4}
        for month in range(5)
    ]
    answers = _answers(
        *(("vendor", "domain:acme.com", at, {"company_size": str(at.month)}) for at in _DATES[6:])
    )
    versions = _versions(*rows)

    def made(is_reversed: bool) -> pl.DataFrame:
        turn = (lambda frame: frame.reverse()) if is_reversed else (lambda frame: frame)
        told = together(
            [
                told_by_reference(_ONE, versions.filter("is_in_force"), turn(versions), policy, _NOW),
                told_by_answers(_ONE, turn(answers), policy, _NOW),
            ]
        )
        return firmographic_facts(told, policy)

    assert_frame_equal(made(False), made(True))


def _file(path: Path, **columns: Any) -> CompanyFile:
    return CompanyFile.model_validate(
        {"name": "listed", "kind": "file", "path": path.name, "columns": columns}
    )


def test_a_file_tells_once_and_again_when_it_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "companies.csv"
    settings = _file(
        path, domain="web", company_name="name", company_size="staff", is_listed={"constant": True}
    )
    path.write_text(
        "web,name,staff\nhttps://acme.com/x,Acme,1k\n,Beta Inc,\nx.com,Twin,1\nx.com,Twin2,2\n",
        encoding="utf-8",
    )
    accounts = _accounts(
        ("A1", "acme.com", "acme"), ("A2", None, "beta"), ("A3", "beta.de", "beta"), ("A4", "x.com", None)
    )
    first = file_answers(accounts, read_companies(path, settings), "listed", _answers(), _DATES[0])
    assert first.schema == pl.Schema(PROVIDER_ANSWER_COLUMNS)
    assert first.select("key_kind", "key").rows() == [("company_name", "beta"), ("domain", "acme.com")]
    assert file_answers(accounts, read_companies(path, settings), "listed", first, _DATES[1]).is_empty()
    path.write_text("web,name,staff\nacme.com,Acme,2k\n,Beta Inc,\n", encoding="utf-8")
    second = file_answers(accounts, read_companies(path, settings), "listed", first, _DATES[1])
    assert second["key"].to_list() == ["acme.com"]
    policy = Enrichment(providers=(settings,))
    told = told_by_answers(accounts, pl.concat([first, second]), policy, _NOW)
    assert _history(told, policy, "company_size") == [
        ("1000", "listed", _DATES[0], _DATES[1]),
        ("2000", "listed", _DATES[1], None),
    ]
    now = firmographics(firmographic_facts(told, policy), told.matches)
    assert now.select("account_id", "is_listed", "matched_by").rows() == [
        ("A1", True, "domain"), ("A2", True, "company_name"), ("A3", True, "company_name"),
    ]  # fmt: skip


@pytest.mark.real_data
@pytest.mark.skipif(
    not _LISTED.is_file(), reason="the folder named by LEADFLOW_TEST_DATA holds no listed_companies"
)
def test_listed_companies_are_found_in_their_file() -> None:
    columns = {"domain": "website", "company_name": "name", "industry": "sector", "country": "country"}
    settings = _file(_LISTED, **columns, is_listed={"constant": True})
    accounts = _accounts(
        ("A1", "siemens.com", "siemens"),
        ("A2", "sap.com", None),
        ("A3", None, company_key("Alibaba Group Holding Ltd")),
        ("A4", "kakuzi.co.ke", None),  # two of its rows have this site
        ("A5", "nobody.example", "nobody at all"),
    )
    answers = file_answers(accounts, read_companies(_LISTED, settings), "listed", _answers(), _NOW)
    policy = Enrichment(providers=(settings,))
    told = told_by_answers(accounts, answers, policy, _NOW)
    now = firmographics(firmographic_facts(told, policy), told.matches)
    assert now.select("account_id", "matched_by", "industry", "country", "is_listed").rows() == [
        ("A1", "domain", "Industrials", "DE", True),
        ("A2", "domain", "Information Technology", "DE", True),
        ("A3", "company_name", "Consumer Discretionary", "CN", True),
    ]
