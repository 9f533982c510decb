"""Accounts: which company a record belongs to, since when that is known, and under which id."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from leadflow.company_policy import Companies
from leadflow.identity.account_order import first_of
from leadflow.identity.accounts import (
    ACCOUNT_COLUMNS,
    ACCOUNT_ID_COLUMNS,
    COMPANY_PAIR_COLUMNS,
    Accounts,
    resolve_accounts,
)
from leadflow.text.companies import company_key
from leadflow.text.company_matching import company_core_keys
from leadflow.text.emails import is_disposable_domain, is_free_mail_domain

_RECORD = {
    "record_key": pl.String(),
    "own_domain": pl.String(),
    "company_name": pl.String(),
    "country": pl.String(),
    "known_at": pl.Datetime("us"),
}
_NO_IDS = pl.DataFrame(schema=ACCOUNT_ID_COLUMNS)
_NO_PAIRS = pl.DataFrame(schema=COMPANY_PAIR_COLUMNS)
_AT = dt.datetime.fromisoformat("2026-06-01")

Row = tuple[str | None, str | None]


def _day(day: int) -> dt.datetime:
    return dt.datetime.fromisoformat("2026-01-01") + dt.timedelta(days=day)


def _frame(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Records r1, r2, ... of (domain, company[, country[, day]]); known on day 1, 2, ... unless said."""
    filled = []
    for number, row in enumerate(rows, 1):
        domain, company, country, day = (*row, *(None,) * (4 - len(row)))
        assert domain is None or isinstance(domain, str)
        is_private = domain is not None and (is_free_mail_domain(domain) or is_disposable_domain(domain))
        assert day is None or isinstance(day, int)
        known_at = _day(number if day is None else day)
        filled.append((f"r{number:03}", None if is_private else domain, company, country, known_at))
    frame = pl.DataFrame(filled, schema=_RECORD, orient="row")
    return frame.with_columns(
        company_key=pl.Series([company_key(name) for name in frame["company_name"]], dtype=pl.String),
        company_core_key=company_core_keys(frame["company_name"]),
    )


def _resolve(
    records: pl.DataFrame, before: Accounts | None = None, at: dt.datetime = _AT, **settings_: object
) -> Accounts:
    ids, pairs = (before.ids, before.pairs) if before else (_NO_IDS, _NO_PAIRS)
    return resolve_accounts(records, ids, pairs, Companies.model_validate(settings_), at=at)


def _keys(accounts: Accounts) -> list[str | None]:
    """The account key of each record, in their order."""
    joined = accounts.of_records.join(accounts.accounts, on="account_id", how="left").sort("record_key")
    return joined["account_key"].to_list()


_ACME = [("acme.com", "Acme Foods Ltd"), ("acme.com", "Acme Foods")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # by domain
        ([("acme.com", None)], "domain:acme.com"),
        ([("mail.de.acme.co.uk", "Acme")], "domain:acme.co.uk"),
        ([("acme.blogspot.com", "Acme")], "domain:acme.blogspot.com"),
        ([("acme.com", "n/a")], "domain:acme.com"),
        ([*_ACME, ("acme.com", "Globex")], "domain:acme.com"),
        # no company
        ([(None, None)], None),
        ([("gmail.com", None)], None),
        ([("co.uk", None)], None),
        ([("gmial.com", None)], None),
        ([(None, "公司")], None),
        ([("gmail.com", "n/a")], None),
        ([(None, "test")], None),
        ([(None, "self-employed")], None),
        ([(None, "🙂")], None),
        ([(None, "")], None),
        # by name
        ([(None, "Acme Foods Ltd")], "company:acme foods"),
        ([*_ACME, ("gmail.com", "ACME FOODS, Inc.")], "domain:acme.com"),
        ([*_ACME, ("gmial.com", "Acme Foods")], "domain:acme.com"),
        ([*_ACME, (None, "Acmee Foods")], "domain:acme.com"),
        ([*_ACME, *[("acmes.com", "Acmes Foods")] * 2, (None, "Acmee Foods")], "company:acmee foods"),
        ([("acmecorp.com", "Acmecorp Foods")] * 2 + [(None, "Acmecopr Foods")], "domain:acmecorp.com"),
        ([*_ACME, (None, "Acme Foods Leeds")], "domain:acme.com"),
        ([*_ACME, (None, "Acme Motors")], "company:acme motors"),
        ([*_ACME, ("gmail.com", "Acme")], "domain:acme.com"),
        ([("tiantong.cn", "宁波天通商贸股份有限公司"), (None, "天通商贸")], "domain:tiantong.cn"),
        ([("tiantong.cn", "宁波天通商贸股份有限公司"), (None, "天通")], "domain:tiantong.cn"),
        ([("tiantong.cn", "宁波天通商贸"), (None, "宁波天通商贸Co., Ltd.")], "domain:tiantong.cn"),
        # one person's slip at a large company is no evidence
        ([("acme.com", "Acme Foods")] * 20 + [("acme.com", "Globex Motors"), (None, "Globex Motors")],
         "company:globex motors"),
    ],
)  # fmt: skip
def test_the_account_of_the_last_record(rows: list[Row], expected: str | None) -> None:
    assert _keys(_resolve(_frame(*rows)))[-1] == expected


_NORDWIN = [
    *[("nordwin-foods.com", "Nordwin Foods", "US")] * 2,
    *[("nordwin-motors.de", "Nordwin Motors GmbH", "DE")] * 2,
    ("nordwin-foods.com", "Nordwin", "US"),
    ("nordwin-motors.de", "Nordwin", "DE"),
]


@pytest.mark.parametrize(
    ("name", "country", "expected"),
    [
        ("Nordwin", "Germany", "domain:nordwin-motors.de"),
        ("Nordwin", "USA", "domain:nordwin-foods.com"),
        ("Nordwin", "France", "company:nordwin"),
        ("Nordwin", None, "company:nordwin"),
        ("Nordwin Foods", "Germany", "domain:nordwin-foods.com"),
        ("Nordwin Tools", "Germany", "company:nordwin tools"),
    ],
)
def test_of_two_companies_with_one_brand_the_country_tells(
    name: str, country: str | None, expected: str
) -> None:
    assert _keys(_resolve(_frame(*_NORDWIN, (None, name, country))))[-1] == expected


def test_a_domain_of_many_companies_is_nobodys() -> None:
    firms = ["Alpha Foods", "Beta Motors", "Gamma Tools", "Delta Cloud", "Epsilon Solar", "Zeta Labs"]
    accounts = _resolve(_frame(*[("provider.net", firm) for firm in firms], ("provider.net", None)))
    assert accounts.shared_domains == ("provider.net",)
    assert _keys(accounts) == [*[f"company:{firm.lower()}" for firm in firms], None]


@pytest.mark.parametrize(
    ("rows", "is_one"),
    [
        ([("acme.com", "Acme"), ("acme.de", "Acme GmbH")], True),
        ([("acme-foods.com", "Acme Foods")] * 2 + [("acmegroup.net", "Acme Foods Ltd")] * 2, True),
        ([("acme-foods.com", "Acme Foods"), ("private-site.net", "Acme Foods Ltd")], False),
        ([("acme-foods.com", "Acme")] * 2 + [("acme-motors.com", "Acme")] * 2, False),
        ([("acme.com", "Acme"), ("acme.de", "Globex")], False),
    ],
)
def test_domains_of_one_company(rows: list[Row], is_one: bool) -> None:
    keys = _keys(_resolve(_frame(*rows)))
    assert (len(set(keys)) == 1) == is_one


def test_four_names_of_one_company_are_one_account_with_the_alias() -> None:
    names = ["北京纷扬科技有限公司", "北京纷扬", "纷扬科技", "纷享销客"]
    records = _frame(*[(None, name) for name in names])
    assert len(set(_keys(_resolve(records)))) == 2
    accounts = _resolve(records, aliases={"纷享销客": "北京纷扬科技有限公司"})
    assert accounts.accounts["lead_record_count"].to_list() == [4]
    assert accounts.accounts["company_name"].to_list() == ["北京纷扬科技有限公司"]


def test_a_parent_is_named_by_the_policy_and_stays_an_account_of_its_own() -> None:
    records = _frame(("meta.com", "Meta"), ("instagram.com", "Instagram"), ("else.com", "Else"))
    parents = {"Instagram": "Meta Inc", "Nobody": "Meta"}
    accounts = _resolve(records, parents=parents).accounts
    by_domain = {row["domain"]: row for row in accounts.iter_rows(named=True)}
    assert by_domain["instagram.com"]["parent_account_id"] == by_domain["meta.com"]["account_id"]
    assert by_domain["meta.com"]["parent_account_id"] is None
    assert by_domain["else.com"]["parent_account_id"] is None


@pytest.mark.parametrize(
    ("rows", "record", "expected"),
    [
        ([("acme.com", "Acme", None, 5)], "r001", 5),
        ([("acme.com", "Acme", None, 1), (None, "Acme", None, 5)], "r002", 5),
        ([("acme.com", "Acme", None, 9), (None, "Acme", None, 5)], "r002", 9),
        ([("acme.com", "Acme", None, 1), ("acme.de", "Acme", None, 7)], "r001", 1),
        (
            [("acme.com", "Acme", None, 1), ("acme.de", None, None, 2), ("acme.de", "Acme", None, 7)],
            "r002",
            7,
        ),
        ([("acmecorp.com", "Acmecorp Foods", None, 9), (None, "Acmecopr Foods", None, 5)], "r002", 9),
        ([(None, "Acmecorp Foods", None, 9), (None, "Acmecopr Foods", None, 5)], "r001", 9),
        ([(None, None, None, 5)], "r001", None),
    ],
)
def test_an_account_is_known_when_record_and_evidence_are(
    rows: list[tuple[object, ...]], record: str, expected: int | None
) -> None:
    known = dict(_resolve(_frame(*rows)).of_records.select("record_key", "account_known_from").iter_rows())
    assert known[record] == (None if expected is None else _day(expected))


def test_summary() -> None:
    records = _frame(
        ("acme.com", "Acme Ltd", None, 3),
        ("acme.com", "ACME", None, 2),
        ("acme.com", "Acme Ltd", None, 4),
        *[("acme.com", "Ltd", None, 5)] * 3,
    )
    accounts = _resolve(records).accounts
    assert accounts.drop("account_id").rows() == [
        ("domain:acme.com", "acme.com", "acme", "Acme Ltd", None, _day(2), 6)
    ]
    assert accounts["account_id"].item() == "A" + sha256(b"domain:acme.com").hexdigest()[:16]
    assert dict(accounts.schema) == ACCOUNT_COLUMNS


def test_what_goes_first_has_most_records_then_is_earliest_then_first_by_alphabet() -> None:
    frame = pl.DataFrame(
        [("a", "x", 1, 1), ("a", "y", 2, 9), ("b", "x", 2, 9), ("b", "y", 2, 1), ("c", "y", 1, 1), ("c", "x", 1, 1)],
        schema=["of", "text", "record_count", "known_from"],
        orient="row",
    )  # fmt: skip
    assert dict(first_of(frame, ["of"], "text").select("of", "text").iter_rows()) == {
        "a": "y",
        "b": "y",
        "c": "x",
    }


def test_a_company_keeps_its_id_when_a_domain_comes_to_light() -> None:
    first = _resolve(_frame((None, "Acme Foods")))
    second = _resolve(_frame((None, "Acme Foods"), *_ACME), first, _AT + dt.timedelta(hours=1))
    assert first.accounts["account_id"].to_list() == second.accounts["account_id"].to_list()
    assert second.accounts["account_key"].to_list() == ["domain:acme.com"]
    assert second.ids["given_at"].unique().to_list() == [_AT]
    assert second.events.height == 0


def test_accounts_that_turn_out_to_be_one_merge_with_a_word() -> None:
    apart = _frame(("acme.com", "Acme"), ("acme.de", None))
    first = _resolve(apart)
    second = _resolve(_frame(("acme.com", "Acme"), ("acme.de", None), ("acme.de", "Acme")), first)
    assert first.accounts.height == 2
    assert second.accounts.height == 1
    assert second.events.select("event", "id").rows() == [("merged", second.accounts["account_id"].item())]


def test_a_node_without_records_keeps_its_id_for_its_return() -> None:
    first = _resolve(_frame((None, "Acme Foods"), *_ACME))
    gone = _resolve(_frame(("else.com", "Else")), first)
    assert set(first.ids["node"]) < set(gone.ids["node"])
    assert (
        _resolve(_frame(*_ACME), gone).accounts["account_id"].to_list()
        == first.accounts["account_id"].to_list()
    )


def test_a_pair_is_compared_again_only_where_the_comparison_changed() -> None:
    records = _frame(*_ACME, (None, "Acme Foods Leeds"))
    first = _resolve(records)
    assert first.pairs.height > 0
    kept = dataclasses.replace(first, pairs=first.pairs.with_columns(reason=pl.lit("kept")))
    assert _resolve(records, kept).pairs["reason"].unique().to_list() == ["kept"]
    stale = dataclasses.replace(kept, pairs=kept.pairs.with_columns(compared_with=pl.lit("before")))
    assert_frame_equal(_resolve(records, stale).pairs, first.pairs)


def test_hard_input_costs_little() -> None:
    rows = (
        [(None, "公司")] * 500
        + [("info.net", "n/a")] * 500
        + [(None, "A" * 10_000), (None, "\u200b"), ("", "")]
    )
    accounts = _resolve(_frame(*rows))
    assert accounts.accounts["account_key"].to_list() == ["domain:info.net"]
    many = [(None, f"Global {number} Trading") for number in range(400)]
    assert _resolve(_frame(*many)).pairs.height == 0


_drawn_rows = st.lists(
    st.tuples(
        st.sampled_from([None, None, "acme.com", "acme.de", "north-foods.com", "beta.net", "gmail.com"]),
        st.sampled_from([None, "Acme", "Acme Foods Ltd", "Acmee Foods", "North Foods", "North", "Acme Leeds", "北京天通", "天通商贸", "n/a"]),
        st.sampled_from([None, "DE", "US"]),
        st.integers(1, 9),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(_drawn_rows, st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[object, ...]], seed: int) -> None:
    records = _frame(*rows)
    order = list(range(records.height))
    random.Random(seed).shuffle(order)
    one, other = _resolve(records), _resolve(records[order])
    for name in ("of_records", "accounts", "ids", "pairs"):
        assert_frame_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=25, deadline=None)
@given(_drawn_rows, st.integers(0, 25))
def test_with_kept_comparisons_it_is_as_all_anew(rows: list[tuple[object, ...]], already: int) -> None:
    records = _frame(*rows)
    before = _resolve(records.head(already))
    later = _resolve(records, before, _AT + dt.timedelta(hours=1))
    anew = resolve_accounts(records, before.ids, _NO_PAIRS, Companies(), at=_AT + dt.timedelta(hours=1))
    for name in ("of_records", "accounts", "ids", "pairs", "events"):
        assert_frame_equal(getattr(later, name), getattr(anew, name))
    fresh = _resolve(records)
    assert _keys(later) == _keys(fresh)
    assert_frame_equal(
        later.of_records.select("record_key", "account_known_from"),
        fresh.of_records.select("record_key", "account_known_from"),
    )


@settings(max_examples=25, deadline=None)
@given(_drawn_rows)
def test_every_record_is_told_once_and_nothing_is_known_before_its_record(
    rows: list[tuple[object, ...]],
) -> None:
    records = _frame(*rows)
    accounts = _resolve(records)
    assert accounts.of_records["record_key"].to_list() == records["record_key"].sort().to_list()
    joined = accounts.of_records.join(records, on="record_key")
    assert joined.filter(pl.col("account_known_from") < pl.col("known_at")).height == 0
    assert joined.filter(pl.col("account_id").is_null() != pl.col("account_known_from").is_null()).height == 0
    assert set(accounts.of_records["account_id"].drop_nulls()) == set(accounts.accounts["account_id"])
    assert (
        accounts.accounts["lead_record_count"].sum() == accounts.of_records["account_id"].drop_nulls().len()
    )
