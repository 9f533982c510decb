"""Accounts looked up in a company reference."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.enrich.reference import FIRMOGRAPHIC_COLUMNS, match_reference
from leadflow.identity.accounts import ACCOUNT_COLUMNS

_NOON = dt.datetime(2025, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse
_REFERENCE_COLUMNS: dict[str, pl.DataType] = {
    "company_reference_id": pl.String(),
    "domain": pl.String(),
    "company_name": pl.String(),
    "industry": pl.String(),
    "company_size": pl.Int64(),
    "is_listed": pl.Boolean(),
    "country": pl.String(),
    "known_at": pl.Datetime("us"),
    "source_name": pl.String(),
}


def _accounts(*accounts: tuple[str, str | None, str | None]) -> pl.DataFrame:
    rows = [{"account_id": name, "domain": domain, "company_key": key} for name, domain, key in accounts]
    return pl.DataFrame(rows, schema=ACCOUNT_COLUMNS)


def _reference(*companies: dict[str, object]) -> pl.DataFrame:
    rows = [{"known_at": _NOON, "source_name": "register", **company} for company in companies]
    return pl.DataFrame(rows, schema=_REFERENCE_COLUMNS)


_ACME = {
    "company_reference_id": "r1",
    "domain": "https://www.acme.com/",
    "company_name": "Acme Ltd.",
    "company_size": 700,
}
_BETA = {
    "company_reference_id": "r2",
    "domain": None,
    "company_name": "Beta 有限公司",
    "industry": "Technology",
    "is_listed": False,
}


def _matches(accounts: pl.DataFrame, reference: pl.DataFrame) -> list[tuple[str, str, str]]:
    return (
        match_reference(accounts, reference).select("account_id", "matched_by", "company_reference_id").rows()
    )


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
    assert _matches(_accounts(("A1", domain, key)), _reference(_ACME, _BETA)) == expected


def test_what_several_companies_share_matches_nothing() -> None:
    same_name = {"company_reference_id": "r3", "domain": "acme.org", "company_name": "ACME GmbH"}
    same_domain = {"company_reference_id": "r4", "domain": "acme.com", "company_name": "Acme Finance"}
    by_name = _accounts(("A1", None, "acme"))
    assert _matches(by_name, _reference(_ACME, same_name)) == []
    by_domain = _accounts(("A1", "acme.com", "acme finance"), ("A2", "acme.com", None))
    assert _matches(by_domain, _reference(_ACME, same_domain)) == [("A1", "company_name", "r4")]


def test_each_fact_has_source_confidence_and_moment_or_none_of_them() -> None:
    found = match_reference(
        _accounts(("A2", None, "beta"), ("A1", "acme.com", None)), _reference(_ACME, _BETA)
    )
    by_domain, by_name = found.rows(named=True)
    assert (by_domain["account_id"], by_name["account_id"]) == ("A1", "A2")
    assert by_domain["company_size"] == 700
    assert by_domain["company_size_source"] == "register"
    assert by_domain["company_size_confidence"] == 1.0
    assert by_domain["company_size_known_at"] == _NOON
    assert [by_domain[f"industry{part}"] for part in ("", "_source", "_confidence", "_known_at")] == [
        None
    ] * 4
    assert (by_name["industry"], by_name["industry_confidence"]) == ("Technology", 0.8)
    # False is a fact, not an absent one.
    assert (by_name["is_listed"], by_name["is_listed_source"]) == (False, "register")


@pytest.mark.parametrize(
    ("accounts", "reference"),
    [
        (_accounts(), _reference()),
        (_accounts(("A1", "acme.com", "acme")), _reference()),
        (_accounts(), _reference(_ACME)),
        (_accounts(("A1", "acme.com", "acme")), _reference(_ACME)),
    ],
)
def test_types_hold_also_when_empty(accounts: pl.DataFrame, reference: pl.DataFrame) -> None:
    assert match_reference(accounts, reference).schema == pl.Schema(FIRMOGRAPHIC_COLUMNS)


def test_the_order_of_rows_does_not_matter() -> None:
    accounts = _accounts(("A3", "x.com", "beta"), ("A1", "acme.com", "acme"), ("A2", None, "acme"))
    reference = _reference(_ACME, _BETA)
    assert_frame_equal(
        match_reference(accounts.reverse(), reference.reverse()), match_reference(accounts, reference)
    )
