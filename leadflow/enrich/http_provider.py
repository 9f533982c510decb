"""A service that tells about one company a call, as policy.yaml describes it.

Belongs here: from a question to an answer that is known to be the account's. Does not belong here: sending a request
(leadflow/http/), whom to ask (lookups.py), and reading sizes and industries (values.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from leadflow.enrich.providers import CONFIDENCE, Answer, KeyKind, Question
from leadflow.enrichment_policy import EnrichedField, HttpProvider, Lookup
from leadflow.errors import LeadflowError
from leadflow.http.api import Api
from leadflow.http.auth import auth_of, expanded
from leadflow.http.json_paths import values_at
from leadflow.text.companies import company_key
from leadflow.text.domains import registrable_domain, web_domain

_LONGEST_TEXT = 1_000
_LONGEST_LIST = 1_000
_STILL_LOOKING = 202
_REMEDY = "what is known stays; it is asked again with the next refresh"


class _OtherCompanyError(Exception):
    """The answer is not about who was asked for; the message says why, for a person."""


@dataclass
class HttpLookup:
    """A provider over HTTP, for one refresh.

    Attributes:
        settings: how it is asked.
        api: the API.
        calls_left: requests that may be sent, tries included.
        sleep: waits a number of seconds.
        clock: seconds that only go forward.
        given_up: why it is not asked any more in this refresh, or None.
    """

    settings: HttpProvider
    api: Api
    calls_left: int
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    given_up: str | None = field(default=None, init=False)
    _last_call: float | None = field(default=None, init=False)
    _asked: set[tuple[str, str]] = field(default_factory=set, init=False)

    @property
    def name(self) -> str:
        """What the facts' source is called."""
        return self.settings.name

    def look_up(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """Answers until the budget, the time or the provider's chances are used up."""
        until = self.clock() + self.settings.max_run_seconds
        failures = 0
        for question in questions:
            if self.clock() > until:
                self.given_up = f"took longer than max_run_seconds {self.settings.max_run_seconds}"
                return
            for answer in self._answers(question):
                yield answer
                failures = failures + 1 if answer.status == "failed" else 0
                if failures >= self.settings.give_up_after:
                    self.given_up = (
                        f"failed {failures} times one after another, the last time: {answer.problem}"
                    )
                    return
            if self.calls_left <= 0:
                return

    def _answers(self, question: Question) -> Iterator[Answer]:
        """By domain, and by name where that finds nothing; what was asked for another account is not asked again."""
        keys: tuple[tuple[KeyKind, str | None, str | None, Lookup | None], ...] = (
            ("domain", question.domain, question.domain, self.settings.by_domain),
            ("company_name", question.company_key, question.company_name, self.settings.by_company_name),
        )
        for kind, key, text, lookup in keys:
            if key is None or text is None or lookup is None or (kind, key) in self._asked:
                continue
            if self.calls_left <= 0:
                return
            self._asked.add((kind, key))
            answer = self._asked_by(kind, key, text, lookup)
            yield answer
            if answer.status in ("found", "failed"):
                return

    def _asked_by(self, kind: KeyKind, key: str, text: str, lookup: Lookup) -> Answer:
        before = self.api.sent_count
        attempts = min(self.settings.limits.attempts, self.calls_left)
        self.api.limits = self.settings.limits.model_copy(update={"attempts": attempts})
        self._keep_the_pace()
        try:
            response, body = self.api.answer(self._request(lookup, kind, text))
            answer = self._judged(kind, key, response.status_code, body)
        except LeadflowError as error:
            answer = Answer(kind, key, "failed", problem=error.problem.removeprefix(f"{self.api.where}: "))
        sent = self.api.sent_count - before
        self.calls_left -= sent
        return Answer(
            kind,
            key,
            answer.status,
            answer.fields,
            answer.problem,
            CONFIDENCE[kind] * self.settings.confidence,
            sent,
        )

    def _keep_the_pace(self) -> None:
        if self._last_call is not None:
            due = self._last_call + 60 / self.settings.calls_per_minute
            if (wait := due - self.clock()) > 0:
                self.sleep(wait)
        self._last_call = self.clock()

    def _request(self, lookup: Lookup, kind: KeyKind, text: str) -> requests.Request:
        placeholder = f"{{{kind}}}"
        url = (lookup.url or self.api.url).replace(placeholder, quote(text, safe=""))
        query = {
            name: str(value).lower() if isinstance(value, bool) else str(value).replace(placeholder, text)
            for name, value in lookup.query.items()
        }
        return requests.Request(
            self.settings.method,
            url,
            params=query,
            json=_filled(lookup.body, placeholder, text),
            headers=dict(self.settings.headers),
        )

    def _judged(self, kind: KeyKind, key: str, status_code: int, body: Any) -> Answer:
        not_found = self.settings.not_found
        if status_code in not_found.statuses or status_code == 204:
            return Answer(kind, key, "not_found")
        if status_code == _STILL_LOOKING:
            return Answer(kind, key, "failed", problem="is still looking it up (202)")
        if not_found.where is not None and values_at(body, not_found.where) == not_found.equals:
            return Answer(kind, key, "not_found")
        company = values_at(body, self.settings.company) if self.settings.company else body
        if company is None or company in ({}, []):
            return Answer(kind, key, "not_found")
        if not isinstance(company, Mapping):
            return Answer(kind, key, "refused", problem=f"the company is no object but {_kind(company)}")
        try:
            self._hold_against(kind, key, company)
        except _OtherCompanyError as other:
            return Answer(kind, key, "refused", problem=str(other))
        fields, problems = self._picked(company)
        return Answer(kind, key, "found", fields, "; ".join(problems) or None)

    def _hold_against(self, kind: KeyKind, key: str, company: Mapping[str, Any]) -> None:
        """Refuse the answer unless it says that it is about the company that was asked for.

        Raises:
            _OtherCompanyError: it is about another one, or does not say.
        """
        identity = self.settings.identity
        domains = _texts(company, identity.domain)
        names = _texts(company, identity.company_name)
        if kind == "domain" and domains:
            told = {_owned(each) for each in domains}
            if _owned(key) in told:
                return
            raise _OtherCompanyError(f"was asked for {key} and tells of {_short(domains[0])}")
        if kind == "company_name" and names:
            if key in {company_key(each) for each in names}:
                return
            raise _OtherCompanyError(f"was asked for '{_short(key)}' and tells of '{_short(names[0])}'")
        raise _OtherCompanyError(
            f"does not say which {'domain' if kind == 'domain' else 'company'} it tells of"
        )

    def _picked(self, company: Mapping[str, Any]) -> tuple[dict[EnrichedField, str], list[str]]:
        """The fields that are told, as texts, and what is wrong with others."""
        fields: dict[EnrichedField, str] = {}
        problems: list[str] = []
        for name, path in sorted(self.settings.fields.items()):
            value = values_at(company, path)
            if value is None or value in ("", []):
                continue
            text = _joined(value) if name == "tech_stack" else _text(value, can_be_flag=name == "is_listed")
            if text is None:
                problems.append(f"{name} is {_kind(value)}")
            else:
                fields[name] = text
        return fields, problems


def http_lookup(settings: HttpProvider, where: str, calls_left: int) -> HttpLookup:
    """The provider, ready to be asked.

    Raises:
        SourceError: its secret is not in the environment.
    """
    auth, secrets = auth_of(settings.auth, where)
    api = Api(
        where,
        expanded(settings.url, where) if "${" in settings.url else settings.url,
        auth,
        settings.limits,
        secrets,
        expected_statuses=frozenset(settings.not_found.statuses),
        remedy=_REMEDY,
    )
    return HttpLookup(settings, api, calls_left)


def _owned(text: str) -> str | None:
    domain = web_domain(text)
    return None if domain is None else registrable_domain(domain) or domain


def _texts(company: Mapping[str, Any], path: str | None) -> list[str]:
    """The texts at a path: one, or a list of them."""
    value = None if path is None else values_at(company, path)
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, str) and each.strip() and len(each) <= _LONGEST_TEXT]


def _text(value: object, *, can_be_flag: bool) -> str | None:
    if isinstance(value, bool):
        return str(value).lower() if can_be_flag else None
    if isinstance(value, int | float):
        return f"{value:.15g}"
    return value if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None


def _joined(value: object) -> str | None:
    """A list of technologies as lines; a text as it is."""
    if not isinstance(value, list):
        return _text(value, can_be_flag=False)
    lines = [each for each in value[:_LONGEST_LIST] if isinstance(each, str) and len(each) <= _LONGEST_TEXT]
    return "".join(f"{' '.join(line.split())}\n" for line in lines) or None


def _kind(value: object) -> str:
    """What a value is, for a person."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return f"a text of {len(value):,} characters"
    return {dict: "an object", list: "a list", int: "a number", float: "a number"}.get(
        type(value), "something else"
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:80]


def _filled(value: Any, placeholder: str, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, placeholder, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, placeholder, text) for item in value]
    return value.replace(placeholder, text) if isinstance(value, str) else value
