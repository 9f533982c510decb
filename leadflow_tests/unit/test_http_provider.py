"""A provider over HTTP: shaped like Clearbit and like ZoomInfo, on good days and on bad ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from api_server import TOKEN, Answer, ApiServer, Asked, CutShort, Drip, Reset, Silence, serving

from leadflow.enrich.http_provider import HttpLookup, http_lookup
from leadflow.enrich.providers import Answer as Told
from leadflow.enrich.providers import Question
from leadflow.enrichment_policy import HttpProvider
from leadflow.errors import SourceError
from leadflow.policy import load_policy

SWIFT = {
    "attempts": 3, "timeout_seconds": 0.5, "answer_seconds": 1, "backoff_seconds": 0.001, "max_backoff_seconds": 0.005,
    "max_wait_seconds": 3,
}  # fmt: skip
ACME = {
    "domain": "acme.com",
    "name": "Acme Inc.",
    "type": "public",
    "metrics": {"employees": 1234, "annualRevenue": 250_000_000},
    "category": {"sector": "Information Technology"},
    "geo": {"countryCode": "US"},
    "tech": ["HubSpot", "SAP"],
}
QUESTION = Question("A1", "acme.com", "Acme", "acme")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARBIT_KEY", TOKEN)
    monkeypatch.setenv("ZOOMINFO_JWT", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving(lambda asked: Answer(ACME)) as running:
        yield running


def _examples(folder: Path) -> dict[str, HttpProvider]:
    """The providers that the template of policy.yaml shows."""
    text = (files("leadflow") / "templates" / "policy.yaml").read_text(encoding="utf-8")
    section = text[text.index("enrichment:\n") : text.index("# Fit grade")]
    pl.DataFrame(schema=["website", "name", "sector", "country"]).write_parquet(
        folder / "listed_companies.parquet"
    )
    (folder / "policy.yaml").write_text(re.sub(r"^    # ", "    ", section, flags=re.M), encoding="utf-8")
    chain = load_policy(folder / "policy.yaml").enrichment.chain
    return {each.name: each for each in chain if isinstance(each, HttpProvider)}


def _lookup(folder: Path, name: str, server: ApiServer, calls_left: int = 100, **changes: Any) -> HttpLookup:
    settings = _examples(folder)[name].model_dump()
    settings |= {"url": server.url + "/find", "limits": SWIFT, "calls_per_minute": 60_000, **changes}
    return http_lookup(HttpProvider.model_validate(settings), f"policy.yaml provider '{name}'", calls_left)


def _ask(lookup: HttpLookup, *questions: Question) -> list[Told]:
    try:
        return list(lookup.look_up(questions or (QUESTION,)))
    finally:
        lookup.api.close()


def test_an_answer_shaped_like_clearbits(tmp_path: Path, server: ApiServer) -> None:
    (answer,) = _ask(_lookup(tmp_path, "clearbit", server))
    assert (answer.matched_by, answer.key, answer.status, answer.problem) == (
        "domain",
        "acme.com",
        "found",
        None,
    )
    assert (answer.confidence, answer.call_count) == (1.0, 1)
    assert answer.fields == {
        "company_size": "1234", "industry": "Information Technology", "is_listed": "public", "country": "US",
        "tech_stack": "HubSpot\nSAP\n", "revenue_band": "250000000",
    }  # fmt: skip
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("GET", "/find", {"domain": "acme.com"})
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


def test_an_answer_shaped_like_zoominfos_by_name_where_the_domain_is_not_known(tmp_path: Path) -> None:
    def answers(asked: Asked) -> Answer:
        (asked_for,) = asked.body["matchCompanyInput"]
        if "companyWebsite" in asked_for:
            return Answer({"success": True, "data": {"result": [{"data": [{}], "matchStatus": "NO_MATCH"}]}})
        company = {
            "name": "ACME, Inc.", "website": "www.acme.io", "employeeCount": 1234, "primaryIndustry": ["Software"],
            "type": "Private", "country": "United States", "revenueRange": "$100 mil. - $250 mil.",
            "techAttributes": [{"tag": "1", "product": "SAP"}, {"tag": "2"}, {"product": "HubSpot"}],
        }  # fmt: skip
        return Answer(
            {"success": True, "data": {"result": [{"data": [company], "matchStatus": "FULL_MATCH"}]}}
        )

    with serving(answers) as server:
        by_domain, by_name = _ask(_lookup(tmp_path, "zoominfo", server))
        assert [asked.method for asked in server.asked] == ["POST", "POST"]
        assert server.asked[1].body["matchCompanyInput"] == [{"companyName": "Acme"}]
    assert (by_domain.matched_by, by_domain.status) == ("domain", "not_found")
    assert (by_name.matched_by, by_name.key, by_name.status, by_name.confidence) == (
        "company_name",
        "acme",
        "found",
        0.8,
    )
    assert by_name.fields["tech_stack"] == "SAP\nHubSpot\n"
    assert by_name.fields["industry"] == "Software"


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (Answer({"error": "none"}, 404), "not_found", None),
        (Answer(None, 204), "not_found", None),
        (Answer(b"null"), "not_found", None),
        (Answer({}), "not_found", None),
        (Answer([]), "not_found", None),
        (Answer({"message": "wait"}, 202), "failed", "still looking it up"),
        (Answer([ACME]), "refused", "no object but a list"),
        (Answer("acme.com"), "refused", "no object but a text"),
        (Answer({**ACME, "domain": "acme-holding.com"}), "refused", "asked for acme.com and tells of acme-holding.com"),
        (Answer({**ACME, "domain": None}), "refused", "does not say which domain"),
        (Answer({**ACME, "domain": {"a": 1}}), "refused", "does not say which domain"),
        (Answer({"message": "quota used up"}), "refused", "does not say which domain"),
        (Answer(b"<html>" + b"busy " * 1000), "failed", "no JSON, 3 times"),
        (Answer(b'"' + b"x" * 10_000_000 + b'"'), "failed", "more than 1 MB"),
        (Answer({"message": "no"}, 400), "failed", "answers 400"),
        (Answer({"message": "no"}, 401), "failed", "answers 401"),
        (Answer({}, 500), "failed", "answers 500 (internal server error), 3 times"),
        (Answer({}, 429, {"Retry-After": "3600"}), "failed", "asks to wait 3,600 s"),
        (Answer({}, 302, {"Location": "http://127.0.0.1:1/"}), "failed", "redirects are not followed"),
        (Silence(), "failed", "did not answer within 0.5 s"),
        (Drip(0.2), "failed", "took longer than 1 s"),
        (CutShort(), "failed", "cut the connection"),
        (Reset(), "failed", "cut the connection"),
    ],
)  # fmt: skip
def test_what_is_no_answer(
    tmp_path: Path, server: ApiServer, answer: Any, status: str, said: str | None
) -> None:
    server.faults.extend([answer] * 3)
    (told,) = _ask(_lookup(tmp_path, "clearbit", server), Question("A1", "acme.com"))
    assert told.status == status
    assert told.fields == {}
    assert (told.problem is None) == (said is None)
    assert (said or "") in (told.problem or "")
    assert TOKEN not in (told.problem or "")


def test_what_passes_is_tried_again_and_every_try_counts(tmp_path: Path, server: ApiServer) -> None:
    server.faults.extend([Answer({}, 429, {"Retry-After": "0"}), Answer({}, 503)])
    lookup = _lookup(tmp_path, "clearbit", server, calls_left=10)
    (told,) = _ask(lookup)
    assert (told.status, told.call_count, lookup.calls_left) == ("found", 3, 7)


@pytest.mark.parametrize(
    ("told", "fields", "problem"),
    [
        ({"metrics": {"employees": "1,001-5,000"}}, {"company_size": "1,001-5,000"}, None),
        ({"metrics": {"employees": 12.5}}, {"company_size": "12.5"}, None),
        ({"metrics": {"employees": {"min": 1}}}, {}, "company_size is an object"),
        ({"metrics": {"employees": True}}, {}, "company_size is true or false"),
        ({"metrics": [5]}, {}, None),
        ({"category": {"sector": ["IT"]}}, {}, "industry is a list"),
        ({"category": {"sector": "x" * 5_000}}, {}, "industry is a text of 5,000 characters"),
        ({"category": {"sector": ""}}, {}, None),
        ({"type": False}, {"is_listed": "false"}, None),
        ({"tech": "SAP, HubSpot"}, {"tech_stack": "SAP, HubSpot"}, None),
        ({"tech": [1, None, "SAP"]}, {"tech_stack": "SAP\n"}, None),
        ({"tech": [1]}, {}, "tech_stack is a list"),
        ({"tech": []}, {}, None),
    ],
)  # fmt: skip
def test_a_field_of_a_wrong_type_is_left_out_and_told(
    tmp_path: Path, server: ApiServer, told: dict[str, Any], fields: dict[str, str], problem: str | None
) -> None:
    server.answers = lambda asked: Answer({"domain": "https://www.ACME.com/en", **told})
    (answer,) = _ask(_lookup(tmp_path, "clearbit", server))
    assert (answer.status, answer.fields, answer.problem) == ("found", fields, problem)


@pytest.mark.parametrize(
    ("asked_for", "told", "is_its"),
    [
        (Question("A1", "acme.co.uk"), {"domain": "shop.acme.co.uk"}, True),
        (Question("A1", "acme.co.uk"), {"domain": "other.co.uk"}, False),
        (Question("A1", "acme.com"), {"domain": ["acme.de", "acme.com"]}, True),
        (Question("A1", None, "Acme GmbH", "acme"), {"name": "ACME Ltd"}, True),
        (Question("A1", None, "Acme GmbH", "acme"), {"name": "Acme Finance"}, False),
        (Question("A1", None, "Acme GmbH", "acme"), {"domain": "acme.com"}, False),
    ],
)
def test_an_answer_is_held_against_who_was_asked_for(
    tmp_path: Path, server: ApiServer, asked_for: Question, told: dict[str, Any], is_its: bool
) -> None:
    server.answers = lambda asked: Answer({"metrics": {"employees": 5}, **told})
    by_name = {"query": {"name": "{company_name}"}}
    (answer,) = _ask(_lookup(tmp_path, "clearbit", server, by_company_name=by_name), asked_for)
    assert (answer.status == "found") is is_its


def test_one_that_is_down_is_given_up(tmp_path: Path, server: ApiServer) -> None:
    server.answers = lambda asked: Answer({}, 500)
    lookup = _lookup(tmp_path, "clearbit", server, give_up_after=2)
    answers = _ask(lookup, *(Question(f"A{number}", f"a{number}.com") for number in range(9)))
    assert [answer.status for answer in answers] == ["failed", "failed"]
    assert (lookup.given_up or "").startswith("failed 2 times one after another")


def test_failures_with_answers_between_them_do_not_give_up(tmp_path: Path, server: ApiServer) -> None:
    server.answers = lambda asked: (
        Answer({"message": "bad"}, 400) if "bad" in asked.query["domain"] else Answer({}, 404)
    )
    lookup = _lookup(tmp_path, "clearbit", server, give_up_after=2)
    answers = _ask(lookup, *(Question("A", domain) for domain in ("bad1.com", "b.com", "bad2.com", "d.com")))
    assert [answer.status for answer in answers] == ["failed", "not_found", "failed", "not_found"]
    assert lookup.given_up is None


@pytest.mark.parametrize(("calls_left", "asked"), [(0, 0), (1, 1), (2, 2), (4, 4)])
def test_the_budget_is_never_overdrawn(
    tmp_path: Path, server: ApiServer, calls_left: int, asked: int
) -> None:
    server.answers = lambda request: Answer({}, 500)
    lookup = _lookup(tmp_path, "clearbit", server, calls_left=calls_left, give_up_after=9)
    _ask(lookup, *(Question("A", f"a{number}.com") for number in range(5)))
    assert (len(server.asked), lookup.calls_left) == (asked, 0)


def test_the_same_name_is_asked_for_once(tmp_path: Path, server: ApiServer) -> None:
    server.answers = lambda asked: Answer({}, 404)
    by_name = {"query": {"name": "{company_name}"}}
    lookup = _lookup(tmp_path, "clearbit", server, by_company_name=by_name)
    _ask(lookup, QUESTION, Question("A2", "acme.de", "ACME", "acme"))
    assert [list(asked.query.values()) for asked in server.asked] == [["acme.com"], ["Acme"], ["acme.de"]]


def _clocked(lookup: HttpLookup, seconds_a_call: float) -> list[float]:
    """Give the lookup a clock that its calls and its sleeping move; the seconds it slept."""
    now, slept = [0.0], []
    answer = lookup.api.answer

    def timed(request: Any) -> Any:
        now[0] += seconds_a_call
        return answer(request)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    lookup.api.answer = timed  # type: ignore[method-assign]
    lookup.sleep, lookup.clock = sleep, lambda: now[0]
    return slept


def test_calls_keep_the_pace(tmp_path: Path, server: ApiServer) -> None:
    server.answers = lambda asked: Answer({}, 404)
    lookup = _lookup(tmp_path, "clearbit", server, calls_per_minute=30)
    slept = _clocked(lookup, seconds_a_call=0.5)
    _ask(lookup, *(Question("A", f"a{number}.com") for number in range(3)))
    assert slept == [1.5, 1.5]


def test_a_slow_provider_does_not_hold_the_refresh_up(tmp_path: Path, server: ApiServer) -> None:
    server.answers = lambda asked: Answer({}, 404)
    lookup = _lookup(tmp_path, "clearbit", server, max_run_seconds=10)
    _clocked(lookup, seconds_a_call=6)
    answers = _ask(lookup, *(Question("A", f"a{number}.com") for number in range(9)))
    assert len(answers) == 2
    assert lookup.given_up == "took longer than max_run_seconds 10"


def test_a_secret_that_is_missing_is_named(
    tmp_path: Path, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARBIT_KEY")
    with pytest.raises(SourceError, match="provider 'clearbit' needs the environment variable CLEARBIT_KEY"):
        _lookup(tmp_path, "clearbit", server)


def test_a_company_in_the_address_cannot_change_it(tmp_path: Path, server: ApiServer) -> None:
    lookup = _lookup(tmp_path, "clearbit", server, by_domain={"url": server.url + "/c/{domain}"})
    _ask(lookup, Question("A1", "acme.com/../../admin?x=1#y"))
    assert server.asked[0].path.startswith("/c/acme.com%2F..%2F..%2Fadmin%3Fx%3D1%23y")
