"""Refreshes that ask a provider which answers well, late, wrong, about somebody else, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from api_server import Answer, ApiServer, Asked, serving
from homes import QUIET, Home, refresh_config

from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.table_assets import RESOURCE

BEFORE = ("raw", "staging", "clean", "identity")
REFERENCE = (
    dg.AssetKey(["staging", "stg_company_reference"]),
    dg.AssetKey(["staging", "stg_company_reference_versions"]),
)
FIRST = datetime(2025, 3, 1, 9)  # noqa: DTZ001 -- instants are naive UTC throughout
DAY = timedelta(days=1)
DOMAINS = ("acme.com", "beta.com", "busy.com", "down.com", "huge.com", "other.com", "page.com", "slow.com")
SOURCES = """
version: 1
clock: newest_fact
sources:
  - name: forms
    table: mql
    path: forms.csv
    columns: {mql_id: id, email: email, company_name: company, full_name: name}
    occurred_at: sent
    known_at: occurred_at
  - name: register
    table: company_reference
    path: register.csv
    columns: {company_reference_id: id, domain: web, company_name: company, company_size_as_given: staff, industry: branch}
    occurred_at: since
    known_at: occurred_at
"""
POLICY = """
enrichment:
  providers:
    - name: vendor
      kind: http
      url: URL/companies
      by_domain: {query: {domain: "{domain}"}}
      by_company_name: {query: {name: "{company_name}"}}
      identity: {domain: domain, company_name: name}
      fields: {company_size: employees, industry: industry, is_listed: is_public, country: country, tech_stack: tech}
      calls_per_minute: 60000
      give_up_after: 20
      limits: {attempts: 2, timeout_seconds: 2, answer_seconds: 4, backoff_seconds: 0.001, max_backoff_seconds: 0.005}
    - {name: own_list, kind: file, path: own.csv, columns: {domain: web, country: land}}
  technologies: {competitors: [HubSpot]}
  MORE
"""


@dataclass
class Vendor:
    """What the provider knows, and how it behaves."""

    employees: str = "1,001-5,000"
    seen: dict[str, int] = field(default_factory=dict)
    is_down: bool = False

    def answer(self, asked: Asked) -> Answer:
        if self.is_down:
            return Answer(b"<html>maintenance</html>", 503)
        if "name" in asked.query:
            return Answer({"error": "not found"}, 404)
        domain = asked.query["domain"]
        self.seen[domain] = self.seen.get(domain, 0) + 1
        good = {
            "domain": domain, "name": "Somebody", "employees": self.employees, "industry": "INFORMATION_TECHNOLOGY_AND_SERVICES",
            "is_public": True, "country": "中国", "tech": ["SAP", "HubSpot"],
        }  # fmt: skip
        answers = {
            "beta.com": Answer({"error": "not found"}, 404),
            "down.com": Answer({}, 500),
            "huge.com": Answer({**good, "about": "x" * 10_000_000}),
            "other.com": Answer({**good, "domain": "another.com"}),
            "page.com": Answer(b"<!doctype html><title>Log in</title>"),
        }
        if domain == "busy.com" and self.seen[domain] == 1:
            return Answer({}, 429, {"Retry-After": "0"})
        return answers.get(domain, Answer(good))


@dataclass
class Company:
    """A home with eight leads at eight companies."""

    home: Home
    server: ApiServer
    vendor: Vendor

    def refresh(
        self, at: datetime, *, given: bool = False, is_full: bool = False
    ) -> dg.ExecuteInProcessResult:
        """A refresh that looks from `at`, of what enrichment makes and reads beside the accounts."""
        with Warehouse(self.home.warehouse).connect() as connection:
            origin = "given" if given else "newest_fact"
            open_refresh(connection, as_of=at, as_of_from=origin, run_id="test", code_version="test")
        defs = self.home.defs()
        config: dict[str, Any] = QUIET | {"resources": {RESOURCE: {"config": {"is_full": is_full}}}}
        with dg.DagsterInstance.ephemeral() as instance:
            return dg.materialize(
                list(defs.assets or ()),  # type: ignore[arg-type]
                selection=dg.AssetSelection.groups("enrich") | dg.AssetSelection.assets(*REFERENCE),
                resources=defs.resources,
                run_config=config,
                instance=instance,
                raise_on_error=False,
            )

    def policy(self, more: str = "") -> None:
        text = POLICY.replace("URL", self.server.url).replace("MORE", more)
        (self.home.path / "policy.yaml").write_text(text, encoding="utf-8")

    def statuses(self, at: datetime) -> dict[str, str]:
        return dict(
            self.home.rows(
                "select key, status from enrich.provider_answers where provider = 'vendor' and key_kind = 'domain' "
                "and asked_at = ?",
                [at],
            )
        )

    def known(self) -> dict[str, tuple[Any, ...]]:
        """Size, its source and moment, sector and country, by domain."""
        found = self.home.rows(
            "select domain, company_size, company_size_source, company_size_known_at, industry, f.country "
            "from enrich.firmographics as f join identity.accounts using (account_id)"
        )
        return {domain: tuple(row) for domain, *row in found}


@pytest.fixture(scope="module")
def identified(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The eight companies' leads and the reference, up to accounts."""
    files, home = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("identified")
    (files / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    forms = [f"{number},ann@{domain},,Ann Lee,{FIRST}" for number, domain in enumerate(DOMAINS)]
    (files / "forms.csv").write_text("\n".join(["id,email,company,name,sent", *forms]), encoding="utf-8")
    (files / "register.csv").write_text(
        "id,web,company,staff,branch,since\n"
        f"R1,beta.com,Beta,约500人,銀行,{FIRST:%Y-%m-%d}\nR2,slow.com,Slow,12,Basket weaving,{FIRST:%Y-%m-%d}\n",
        encoding="utf-8",
    )
    made = Home(home, files / "sources.yaml")
    defs = made.defs()
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            list(defs.assets or ()),  # type: ignore[arg-type]
            selection=dg.AssetSelection.groups(*BEFORE),
            resources=defs.resources,
            run_config=QUIET | refresh_config(as_of=""),
            instance=instance,
        )
    return made


@pytest.fixture
def company(identified: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    home = identified.copy_to(tmp_path / "home")
    (home.path / "own.csv").write_text(
        "web,land\nhttps://beta.com,Deutschland\nslow.com,France\n", encoding="utf-8"
    )
    vendor = Vendor()
    with serving(vendor.answer) as server:
        made = Company(home, server, vendor)
        made.policy()
        yield made


def _told(result: dg.ExecuteInProcessResult, table: str) -> dict[str, Any]:
    (event,) = [
        one
        for one in result.get_asset_materialization_events()
        if one.asset_key == dg.AssetKey(table.split("."))
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_each_account_is_asked_once_and_no_answer_stops_the_refresh(company: Company) -> None:
    first = company.refresh(FIRST)
    assert first.success
    assert company.statuses(FIRST) == {
        "acme.com": "found", "busy.com": "found", "slow.com": "found", "beta.com": "not_found", "other.com": "refused",
        "down.com": "failed", "huge.com": "failed", "page.com": "failed",
    }  # fmt: skip
    found = (2237, "vendor", FIRST, "Information Technology", "CN")
    assert company.known() == {
        "acme.com": found,
        "busy.com": found,
        "slow.com": found,
        "beta.com": (500, "register", FIRST.replace(hour=0), "Financials", "DE"),
    }
    told = _told(first, "enrich.provider_answers")
    vendor = told["providers"]["vendor"]
    assert {name: vendor[name] for name in ("found", "not_found", "refused", "failed", "cache_hits")} == {
        "found": 3, "not_found": 1, "refused": 1, "failed": 3, "cache_hits": 0,
    }  # fmt: skip
    assert vendor["calls"] == len(company.server.asked) == 11  # three were tried twice
    assert told["providers"]["own_list"]["found"] == 2
    assert told["calls_left"] == 1000 - 11
    assert len(told["warnings"]) == 1
    assert _told(first, "enrich.firmographics")["coverage"]["company_size"] == 0.5
    assert (
        company.home.rows(
            "select uses_competitor, uses_complement, tech_stack from enrich.firmographics where tech_stack is not null"
        )
        == [(True, False, '["HubSpot", "SAP"]')] * 3
    )

    before, asked = company.known(), len(company.server.asked)
    company.vendor.is_down = True
    second = company.refresh(FIRST + DAY)
    assert second.success
    assert {call.query["domain"] for call in company.server.asked[asked:]} == {
        "down.com",
        "huge.com",
        "page.com",
    }
    assert company.known() == before
    assert _told(second, "enrich.provider_answers")["providers"]["vendor"]["cache_hits"] == 5


def test_a_stale_answer_is_asked_for_anew_and_the_past_keeps_what_it_knew(company: Company) -> None:
    company.refresh(FIRST)
    company.vendor.employees = "10k+"
    later = FIRST + 100 * DAY
    assert company.refresh(later).success
    history = company.home.rows(
        "select value, f.known_from, known_until from enrich.firmographic_facts as f join identity.accounts using (account_id) "
        "where domain = 'acme.com' and field = 'company_size' order by 2"
    )
    assert history == [("2237", FIRST, later), ("10000", later, None)]
    answers = "select * from enrich.provider_answers order by all"
    kept, known, asked = company.home.rows(answers), company.known(), len(company.server.asked)
    assert company.refresh(later, is_full=True).success
    assert company.known() == known
    failed = {call.query["domain"] for call in company.server.asked[asked:]}
    assert failed == {"down.com", "huge.com", "page.com"}
    assert len(company.home.rows(answers)) == len(kept)

    # A look back neither asks nor sees what was answered later.
    asked, kept = len(company.server.asked), company.home.rows(answers)
    replay = company.refresh(FIRST + DAY, given=True)
    assert replay.success
    assert len(company.server.asked) == asked
    assert company.home.rows(answers) == kept
    assert company.known()["acme.com"][:3] == (2237, "vendor", FIRST)
    (problem,) = _told(replay, "enrich.provider_answers")["providers"]["vendor"]["problems"]
    assert "looks from before a former one" in problem


def test_a_first_look_at_the_past_asks_nobody(company: Company) -> None:
    assert company.refresh(FIRST, given=True).success
    assert company.server.asked == []
    assert set(company.known()) == {"beta.com", "slow.com"}


def test_the_budget_is_kept_and_what_waits_is_asked_in_the_next_refresh(company: Company) -> None:
    company.policy("budget: {calls_per_run: 3, calls_per_day: 5}")
    counts = []
    for hours in (0, 1, 2, 24):
        assert company.refresh(FIRST + timedelta(hours=hours)).success
        counts.append(len(company.server.asked))
    assert counts == [3, 5, 5, 8]


def test_what_was_answered_is_kept_where_a_later_call_breaks(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadflow.enrich.http_provider import HttpLookup

    look_up = HttpLookup.look_up

    def broken(self: HttpLookup, questions: Any) -> Iterator[Any]:
        for number, answer in enumerate(look_up(self, questions)):
            if number == 4:
                raise RuntimeError("the machine lost its power")
            yield answer

    monkeypatch.setattr(HttpLookup, "look_up", broken)
    assert not company.refresh(FIRST).success
    kept = company.statuses(FIRST)
    assert len(kept) == 4
    answered = {domain for domain, status in kept.items() if status != "failed"}
    assert answered
    monkeypatch.setattr(HttpLookup, "look_up", look_up)
    asked = len(company.server.asked)
    assert company.refresh(FIRST).success
    assert not answered & {call.query.get("domain") for call in company.server.asked[asked:]}


def test_a_backdated_field_is_known_to_all_history(company: Company) -> None:
    company.policy("backdated: {is_listed: listings last for decades}")
    assert company.refresh(FIRST).success
    assert company.home.rows(
        "select distinct is_listed, is_listed_known_at, is_listed_is_backdated, company_size_is_backdated "
        "from enrich.firmographics where is_listed is not null"
    ) == [(True, datetime(1900, 1, 1), True, False)]  # noqa: DTZ001


def test_a_secret_that_is_missing_and_a_file_that_breaks_are_told(company: Company) -> None:
    company.policy()
    path = company.home.path / "policy.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("kind: http\n", "kind: http\n      auth: {type: bearer, token_env: NO_SUCH_KEY}\n")
    )
    (company.home.path / "own.csv").write_bytes(b"web,land\n\xff\xfe\x00broken\n")
    result = company.refresh(FIRST)
    assert result.success
    assert company.server.asked == []
    told = _told(result, "enrich.provider_answers")
    assert any("NO_SUCH_KEY" in warning for warning in told["warnings"])
    assert company.known()["beta.com"][:2] == (500, "register")
