"""One API, asked politely and within bounds: who asks, where to, how often, how long.

Belongs here: sending one request until it is answered or given up, and what may be told of it. Does not belong here: which
requests are sent (ingest/http/, enrich/http_provider.py) and where secrets come from (auth.py).

A secret goes into a header of requests to the host of the source's own address, and nowhere else: redirects are not
followed, an address of another host that an answer names is refused, and no message holds an address's query or what a
refusal says.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
from requests.auth import AuthBase
from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader, ReadTimeoutError
from urllib3.util import Retry

from leadflow.errors import SourceError
from leadflow.http.auth import place
from leadflow.http.settings import LOCAL_HOSTS, AskLimits

_log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 16
_TOLD_CHARACTERS = 200
_SECRET_CHARACTERS = 16
_TOLD_SECONDS = 20
"""A shorter wait is not worth a line."""

_PASSING = frozenset({408, 423, 425, 429, 477, 500, 502, 503, 504, *range(520, 531)})
"""Answers that may be another one a moment later; 423 and 477 are HubSpot's words for being busy with the account."""


class _PassingError(Exception):
    """What may go well the next time.

    Attributes:
        reason: what happened, for a person.
        retry_after_seconds: how long the server asks to be left alone, if it does.
    """

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        super().__init__(reason)


@dataclass
class Api:
    """An API as one source asks it, for one refresh.

    Attributes:
        where: `file:line source 'name'`, which every message begins with.
        url: address of the source; requests go to its host only.
        auth: what tells who asks.
        limits: how long may be asked and waited for.
        secrets: what no message may hold.
        sleep: waits a number of seconds.
        expected_statuses: statuses from 400 on that are an answer and no error, such as 404 where what is asked for may not
            be there; they are returned without a body.
        remedy: what a person can do where it is given up.
        sent_count: requests that were sent so far, also those that were tried again.
    """

    where: str
    url: str
    auth: AuthBase
    limits: AskLimits
    secrets: tuple[str, ...] = ()
    sleep: Callable[[float], None] = time.sleep
    expected_statuses: frozenset[int] = frozenset()
    remedy: str = "run the refresh again later; what was landed stays, and it goes on from there"
    waited_seconds: float = field(default=0.0, init=False)
    sent_count: int = field(default=0, init=False)
    _session: requests.Session = field(default_factory=requests.Session, init=False, repr=False)

    def __post_init__(self) -> None:
        self._session.headers.update({"Accept": "application/json", "User-Agent": "leadflow"})

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def error(self, problem: str, remedy: str) -> SourceError:
        """A SourceError of this source that holds no secret."""
        return SourceError(f"{self.where}: {self._scrubbed(problem)}", remedy)

    def answer(self, request: requests.Request) -> tuple[requests.Response, Any]:
        """Send a request, again where that may help, and return the answer and the JSON it holds.

        Raises:
            SourceError: it was refused, or not answered with JSON within the limits.
        """
        request.auth = self.auth
        problem: str | None = None
        try:
            prepared = self._session.prepare_request(request)
        except (requests.RequestException, ValueError) as error:
            problem = type(error).__name__
        if problem is not None:  # outside of the handler: what the library says may hold the header
            raise self.error(f"the request cannot be sent ({problem})", "mend the url, query and headers")
        self._refuse_another_host(str(prepared.url))
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingError),
            wait=self._wait_seconds,
            stop=self._is_given_up,
            sleep=self._sleep,
            retry_error_callback=_last,
        )
        outcome = tries(self._once, prepared)
        if isinstance(outcome, _Failed):
            raise self.error(
                f"{place(str(prepared.url))} {outcome.reason}, {_times(outcome.attempts)}{self._why_no_more(outcome)}",
                self.remedy,
            )
        response, body = outcome
        return response, body

    def _once(self, prepared: requests.PreparedRequest) -> tuple[requests.Response, Any]:
        url = str(prepared.url)
        reason: str | None = None
        try:
            settings = self._session.merge_environment_settings(url, {}, True, None, None)
            if urlsplit(url).hostname in LOCAL_HOSTS:
                settings["proxies"] = {}  # http is allowed here as it does not leave this machine
            self.sent_count += 1
            response = self._session.send(
                prepared, timeout=self.limits.timeout_seconds, allow_redirects=False, **settings
            )
            with response:
                content = self._content(response, url)
        except requests.exceptions.SSLError:
            reason = "ssl"
        except (requests.Timeout, ReadTimeoutError):
            reason = f"did not answer within {self.limits.timeout_seconds:g} s"
        except DecodeError:
            reason = "answers with what cannot be unpacked"
        except (requests.ConnectionError, HTTPError) as error:
            is_cut = isinstance(error, HTTPError) or "Remote" in str(error) or "reset" in str(error)
            reason = "cut the connection" if is_cut else "cannot be reached"
        except (
            requests.RequestException,
            ValueError,
        ) as error:  # a redirect to what is no address is a ValueError
            raise self.error(
                f"{place(url)} cannot be asked ({type(error).__name__})", "mend the url"
            ) from None
        if reason == "ssl":
            raise self.error(
                f"the certificate of {place(url)} cannot be trusted",
                "mend the certificate, or name your own authority's in REQUESTS_CA_BUNDLE",
            )
        if reason is not None:
            raise _PassingError(reason)
        body = self._judged(response, url, content)
        # What paginators read the answer from; to parse a large one once more would take as much memory again.
        response.json = lambda **_: body  # type: ignore[method-assign]
        return response, body

    def _content(self, response: requests.Response, url: str) -> bytes:
        """The body, as long as it is neither too large nor too slow: time-outs of the library are between two bytes.

        Read as it comes (read1): to wait for a whole block would let a server that drips go on without end.
        """
        until = time.monotonic() + self.limits.answer_seconds
        most = self.limits.max_answer_megabytes * 1_000_000
        blocks, size = [], 0
        while block := response.raw.read1(_BLOCK_BYTES, decode_content=True):
            blocks.append(block)
            size += len(block)
            if size > most:
                raise self.error(
                    f"{place(url)} answers with more than {most / 1e6:g} MB",
                    "ask for smaller pages, or raise limits.max_answer_megabytes",
                )
            if time.monotonic() > until:
                raise _PassingError(f"took longer than {self.limits.answer_seconds:g} s for one answer")
        return self._without_echo(b"".join(blocks))

    def _without_echo(self, content: bytes) -> bytes:
        """What a server repeats of the request must not reach the warehouse; a short secret may be a word of the data."""
        for secret in self.secrets:
            if len(secret) >= _SECRET_CHARACTERS:
                content = content.replace(secret.encode(), b"***")
        return content

    def _judged(self, response: requests.Response, url: str, content: bytes) -> Any:
        status = response.status_code
        if status in self.expected_statuses:
            return None
        if status in _PASSING:
            raise _PassingError(f"answers {_status(response)}", _retry_after(response))
        if status in (401, 403):
            raise self.error(
                f"{place(url)} answers {_status(response)}",
                "see that the token in the environment is the right one, has not expired, and may read this",
            )
        if 300 <= status < 400:
            raise self.error(
                f"{place(url)} answers {_status(response)}{_pointing(response, url)}; redirects are not followed, since "
                "they would take the token along",
                "set the address that it points to, if it is to be trusted",
            )
        if status >= 400:
            raise self.error(
                f"{place(url)} answers {_status(response)}{self._told(content)}", "mend the source"
            )
        if status == 204:
            return None
        try:
            # NaN and Infinity are no JSON, though Python would read them.
            return json.loads(content, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise _PassingError("answers with what is no JSON") from None

    def _refuse_another_host(self, url: str) -> None:
        if _origin(url) != _origin(self.url):
            raise self.error(
                f"the next page is said to be at {place(url)}, which is another place than {place(self.url)}; the token "
                "is not sent there",
                "if that place is to be trusted, make it the source's address",
            )

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        chance = tenacity.wait_random_exponential(
            multiplier=2 * self.limits.backoff_seconds, max=self.limits.max_backoff_seconds
        )(state)
        asked = error.retry_after_seconds if isinstance(error, _PassingError) else None
        # Not before the moment the server named, and not all at once after it.
        return chance if asked is None else asked + min(chance, 1 + asked / 10)

    def _is_given_up(self, state: tenacity.RetryCallState) -> bool:
        is_too_long = self.waited_seconds + state.upcoming_sleep > self.limits.max_wait_seconds
        return state.attempt_number >= self.limits.attempts or is_too_long

    def _sleep(self, seconds: float) -> None:
        self.waited_seconds += seconds
        if seconds >= _TOLD_SECONDS:
            _log.warning("%s is asked again in %.0f s", self.where, seconds)
        self.sleep(seconds)

    def _why_no_more(self, failed: _Failed) -> str:
        if failed.attempts >= self.limits.attempts:
            return ""
        asked = failed.retry_after_seconds
        wish = "" if asked is None else f" and asks to wait {asked:,.0f} s"
        return f"{wish}; waited {self.waited_seconds:,.0f} s, of limits.max_wait_seconds {self.limits.max_wait_seconds:g}"

    def _told(self, content: bytes) -> str:
        """What the server says of a request that is wrong, cut short once no secret is in it."""
        said = self._scrubbed(" ".join(_said(content).split()))
        return f" ({said[:_TOLD_CHARACTERS].rstrip('.')})" if said else ""

    def _scrubbed(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class _Failed:
    """A request that was given up."""

    reason: str
    attempts: int
    retry_after_seconds: float | None


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _last(state: tenacity.RetryCallState) -> _Failed:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, _PassingError)  # what is retried
    return _Failed(error.reason, state.attempt_number, error.retry_after_seconds)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        default = {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.hostname, parts.port or default
    except ValueError:
        return "", None, None


def _status(response: requests.Response) -> str:
    """The number and the standard's words for it; the server's own words may hold anything."""
    words = requests.status_codes._codes.get(response.status_code, ("",))[0].replace("_", " ")  # type: ignore[attr-defined]
    return f"{response.status_code} ({words})" if words else str(response.status_code)


def _said(content: bytes) -> str:
    """What the server says of a request that is wrong, or nothing."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    if isinstance(body, list):
        body = next(iter(body), None)  # as Salesforce says it
    if not isinstance(body, dict):
        return ""
    said = body.get("message") or body.get("error_description") or body.get("error")
    return said if isinstance(said, str) else ""


def _pointing(response: requests.Response, url: str) -> str:
    """Where a redirect points to, if it says so."""
    try:
        to = urljoin(url, response.headers["Location"])
    except (KeyError, ValueError):
        return ""
    return f" and points to {place(to)}"


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait, which it may write as a number or as a date."""
    header = response.headers.get("Retry-After")
    if header is None:
        return None
    try:
        return Retry(retry_after_max=10**9).parse_retry_after(header)
    except (InvalidHeader, ValueError, OverflowError):  # such as a date of the year 99999
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
