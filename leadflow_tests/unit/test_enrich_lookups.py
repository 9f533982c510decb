"""Whom to ask about which account, and what it may cost."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from leadflow.enrich.lookups import Tally, calls_left, expiry, plan, unanswered, warned
from leadflow.enrich.providers import PROVIDER_ANSWER_COLUMNS, Answer, Question, answer_row
from leadflow.enrich.reference import MATCH_COLUMNS
from leadflow.enrich.told import TOLD_COLUMNS, Told
from leadflow.enrichment_policy import Enrichment, HttpProvider

_NOON = dt.datetime(2025, 6, 15, 12)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
_DAY = dt.timedelta(days=1)
_BOTH = {
    "name": "vendor",
    "kind": "http",
    "url": "https://vendor.example/",
    "by_domain": {"query": {"q": "{domain}"}},
    "by_company_name": {"query": {"q": "{company_name}"}},
    "identity": {"domain": "d", "company_name": "n"},
    "fields": {"company_size": "s", "tech_stack": "t"},
}


def _provider(**changes: Any) -> HttpProvider:
    return HttpProvider.model_validate({**_BOTH, **changes})


def _accounts(*rows: tuple[str, str | None, str | None, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"account_id": one, "domain": domain, "company_name": name, "company_key": name and name.lower(), "lead_record_count": count}
            for one, domain, name, count in rows
        ],
        schema={
            "account_id": pl.String, "domain": pl.String, "company_name": pl.String, "company_key": pl.String,
            "lead_record_count": pl.Int64,
        },
    )  # fmt: skip


def _kept(*rows: tuple[str, str, dt.datetime, dt.datetime | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "provider": "vendor", "key_kind": key.split(":")[0], "key": key.split(":")[1], "asked_at": at, "known_at": at,
                "status": status, "expires_at": expires, "call_count": 1,
            }
            for key, status, at, expires in rows
        ],
        schema=PROVIDER_ANSWER_COLUMNS,
    )  # fmt: skip


_ACME = ("A1", "acme.com", "Acme", 1)
_FRESH, _STALE = _NOON + _DAY, _NOON
_BEFORE = _NOON - 30 * _DAY


@pytest.mark.parametrize(
    ("kept", "questions", "hits"),
    [
        ((), [Question("A1", "acme.com", "Acme", "acme")], 0),
        ((("domain:acme.com", "found", _BEFORE, _FRESH),), [], 1),
        ((("domain:acme.com", "found", _BEFORE, _STALE),), [Question("A1", "acme.com", "Acme", "acme")], 0),
        ((("domain:acme.com", "not_found", _BEFORE, _FRESH),), [Question("A1", None, "Acme", "acme")], 0),
        ((("domain:acme.com", "refused", _BEFORE, _FRESH),), [Question("A1", None, "Acme", "acme")], 0),
        (
            (
                ("domain:acme.com", "not_found", _BEFORE, _FRESH),
                ("company_name:acme", "not_found", _BEFORE, _FRESH),
            ),
            [],
            1,
        ),
        ((("domain:acme.com", "failed", _NOON, None),), [Question("A1", "acme.com", "Acme", "acme")], 0),
        # A failure does not make a fresh answer stale.
        (
            (("domain:acme.com", "found", _BEFORE, _FRESH), ("domain:acme.com", "failed", _NOON, None)),
            [],
            1,
        ),
        ((("company_name:acme", "found", _BEFORE, _FRESH),), [Question("A1", "acme.com")], 0),
    ],
)
def test_what_is_fresh_is_not_asked_again(
    kept: tuple[Any, ...], questions: list[Question], hits: int
) -> None:
    made = plan(_accounts(_ACME), _kept(*kept), _provider(), _NOON, 10)
    assert (list(made.questions), made.cache_hits) == (questions, hits)


@pytest.mark.parametrize(
    ("account", "changes", "questions"),
    [
        (("A1", None, "Acme", 1), {}, [Question("A1", None, "Acme", "acme")]),
        (("A1", None, None, 1), {}, []),
        (("A1", None, "Acme", 1), {"by_company_name": None}, []),
        (("A1", "acme.com", "Acme", 1), {"by_company_name": None}, [Question("A1", "acme.com")]),
        (("A1", "acme.com", "Acme", 1), {"by_domain": None}, [Question("A1", None, "Acme", "acme")]),
    ],
)
def test_an_account_is_asked_by_what_it_has(
    account: Any, changes: dict[str, Any], questions: list[Question]
) -> None:
    assert list(plan(_accounts(account), _kept(), _provider(**changes), _NOON, 10).questions) == questions


def test_new_accounts_go_first_and_failures_last() -> None:
    accounts = _accounts(
        ("A1", "failed.com", None, 9), ("A2", "old.com", None, 9), ("A3", "older.com", None, 1), ("A4", "new.com", None, 1),
        ("A5", "busy.com", None, 5), ("A6", "fresh.com", None, 9),
    )  # fmt: skip
    kept = _kept(
        ("domain:failed.com", "failed", _BEFORE, None),
        ("domain:old.com", "found", _NOON - 100 * _DAY, _STALE),
        ("domain:older.com", "found", _NOON - 200 * _DAY, _STALE),
        ("domain:fresh.com", "found", _BEFORE, _FRESH),
    )
    made = plan(accounts, kept, _provider(), _NOON, 10)
    assert [question.account_id for question in made.questions] == ["A5", "A4", "A3", "A2", "A1"]
    assert (made.waiting, made.cache_hits) == (5, 1)
    few = plan(accounts, kept, _provider(), _NOON, 2)
    assert [question.account_id for question in few.questions] == ["A5", "A4"]
    assert few.waiting == 5


def test_the_budget_is_of_the_run_and_of_the_utc_day() -> None:
    enrichment = Enrichment.model_validate({"budget": {"calls_per_run": 10, "calls_per_day": 12}})
    yesterday, today = _NOON - _DAY, _NOON.replace(hour=0)
    kept = _kept(
        *((f"domain:{number}.com", "found", at, None) for number, at in enumerate([yesterday, *[today] * 5]))
    )
    assert calls_left(enrichment, kept.clear(), _NOON, 0) == 10
    assert calls_left(enrichment, kept, _NOON, 0) == 7
    assert calls_left(enrichment, kept, _NOON, 8) == 2
    assert calls_left(enrichment, kept, _NOON, 11) == 0
    assert calls_left(enrichment, kept, _NOON + _DAY, 0) == 10


def test_who_is_known_better_is_not_asked_about() -> None:
    settings = {**_BOTH, "fields": {"company_size": "s", "country": "c"}}
    accounts = _accounts(("A1", "a.com", None, 1), ("A2", "b.com", None, 1), ("A3", "c.com", None, 1))
    told = Told(
        pl.DataFrame(
            [("A1", "reference", "r1", "domain", 1.0), ("A2", "reference", "r2", "domain", 1.0)],
            schema=MATCH_COLUMNS,
            orient="row",
        ),
        pl.DataFrame(
            [
                {"provider": "reference", "subject": subject, "field": field, "value": "x"}
                for subject, field in (("r1", "company_size"), ("r1", "country"), ("r2", "country"))
            ],
            schema=TOLD_COLUMNS,
        ),
    )
    after = Enrichment.model_validate({"providers": [{"name": "reference", "kind": "reference"}, settings]})
    first = Enrichment.model_validate({"providers": [settings]})
    provider = HttpProvider.model_validate(settings)
    assert unanswered(accounts, told, provider, after)["account_id"].sort().to_list() == ["A2", "A3"]
    assert unanswered(accounts, told, provider, first)["account_id"].sort().to_list() == ["A1", "A2", "A3"]


@pytest.mark.parametrize(
    ("status", "changes", "days"),
    [
        ("found", {}, 90),
        ("found", {"found_days": 7}, 7),
        ("not_found", {}, 30),
        ("refused", {}, 30),
        ("not_found", {"not_found_days": 1}, 1),
        ("failed", {}, None),
    ],
)
def test_how_long_an_answer_is_fresh(status: Any, changes: dict[str, Any], days: int | None) -> None:
    until = expiry(_provider(**changes), Enrichment(), Answer("domain", "acme.com", status), _NOON)
    assert until == (None if days is None else _NOON + days * _DAY)


def test_what_became_of_lookups_is_told() -> None:
    tally = Tally(cache_hits=3)
    tally.count(Answer("domain", "a.com", "found", call_count=1))
    tally.count(Answer("domain", "b.com", "failed", problem="answers 500", call_count=3))
    assert tally.told() == {
        "calls": 4, "cache_hits": 3, "found": 1, "not_found": 0, "refused": 0, "failed": 1, "waiting": 0,
        "problems": ["failed: answers 500"],
    }  # fmt: skip
    quiet = Tally()
    quiet.count(Answer("domain", "b.com", "refused", problem="tells of another"))
    assert list(warned({"vendor": tally, "quiet": quiet})) == [
        "vendor: failed: answers 500; what it told before stays"
    ]


def test_only_what_was_found_has_an_answer() -> None:
    found = answer_row("vendor", Answer("domain", "a.com", "found", {"industry": "软件"}), _NOON, _FRESH)
    assert found["answer"] == '{"industry": "软件"}'
    refused = answer_row("vendor", Answer("domain", "a.com", "refused", {"industry": "x"}), _NOON, None)
    assert (refused["answer"], refused["known_at"], refused["asked_at"]) == (None, _NOON, _NOON)
