"""One API, asked politely and within bounds: who asks, where to, how often, how long.

Belongs here: sending one request until it is answered or given up, and what may be told of it. Does not belong here: which
requests are sent (rest.py, hubspot.py).

A secret goes into a header of requests to the host of the source's own address, and nowhere else: redirects are not
followed, an address of another host that an answer names is refused, and no message holds an address's query or what a
refusal says.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import tenacity
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from leadflow.errors import SourceError
from leadflow.ingest.http.settings import Auth, Basic, HeaderKey, Limits, http_url

_BLOCK_BYTES = 1 << 16
_TOLD_CHARACTERS = 200
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})
"""Answers that may be another one a moment later."""

_HEADER_WORD = re.compile(r"[\x21-\x7e]+")


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


class HeaderAuth(AuthBase):
    """Puts a secret into a header; an authentication of its own, so that a .netrc of the machine has no say."""

    def __init__(self, header: str, value: str) -> None:
        self._header, self._value = header, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the header."""
        request.headers[self._header] = self._value
        return request


class NoAuth(AuthBase):
    """Nothing tells who asks, also where the machine's .netrc would."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request as it is."""
        return request


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
    """

    where: str
    url: str
    auth: AuthBase
    limits: Limits
    secrets: tuple[str, ...] = ()
    sleep: Callable[[float], None] = time.sleep
    waited_seconds: float = field(default=0.0, init=False)
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
                f"{place(str(prepared.url))} {outcome.reason}, {outcome.attempts} times{self._why_no_more(outcome)}",
                "run the refresh again later; what was landed stays, and it goes on from there",
            )
        response, body = outcome
        return response, body

    def _once(self, prepared: requests.PreparedRequest) -> tuple[requests.Response, Any]:
        url = str(prepared.url)
        reason: str | None = None
        try:
            settings = self._session.merge_environment_settings(url, {}, True, None, None)
            response = self._session.send(
                prepared, timeout=self.limits.timeout_seconds, allow_redirects=False, **settings
            )
            with response:
                content = self._content(response, url)
        except requests.exceptions.SSLError:
            reason = "ssl"
        except requests.Timeout:
            reason = f"did not answer within {self.limits.timeout_seconds:g} s"
        except (
            requests.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            is_cut = isinstance(error, requests.exceptions.ChunkedEncodingError) or "Remote" in str(error)
            reason = "cut the connection" if is_cut or "reset" in str(error) else "cannot be reached"
        except requests.RequestException as error:
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
        response._content = content  # what paginators read the answer from, once more
        return self._judged(response, url, content)

    def _content(self, response: requests.Response, url: str) -> bytes:
        """The body, as long as it is neither too large nor too slow: time-outs of the library are between two bytes."""
        until = time.monotonic() + self.limits.answer_seconds
        most = self.limits.max_answer_megabytes * 1_000_000
        blocks, size = [], 0
        for block in response.iter_content(_BLOCK_BYTES):
            blocks.append(block)
            size += len(block)
            if size > most:
                raise self.error(
                    f"{place(url)} answers with more than {most / 1e6:g} MB",
                    "ask for smaller pages, or raise limits.max_answer_megabytes",
                )
            if time.monotonic() > until:
                raise _PassingError(f"took longer than {self.limits.answer_seconds:g} s for one answer")
        return b"".join(blocks)

    def _judged(self, response: requests.Response, url: str, content: bytes) -> tuple[requests.Response, Any]:
        status = response.status_code
        if status in _PASSING:
            raise _PassingError(f"answers {_status(response)}", _retry_after(response))
        if status in (401, 403):
            raise self.error(
                f"{place(url)} answers {_status(response)}",
                "see that the token in the environment is the right one, has not expired, and may read this",
            )
        if 300 <= status < 400:
            to = place(requests.compat.urljoin(url, response.headers.get("Location", "")))
            raise self.error(
                f"{place(url)} answers {_status(response)} and points to {to}; redirects are not followed, since "
                "they would take the token along",
                "set the address that it points to, if it is to be trusted",
            )
        if status >= 400:
            raise self.error(f"{place(url)} answers {_status(response)}{_said(content)}", "mend the source")
        if status == 204:
            return response, None
        try:
            # NaN and Infinity are no JSON, though Python would read them.
            return response, json.loads(content, parse_constant=_refuse_constant)
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
        self.sleep(seconds)

    def _why_no_more(self, failed: _Failed) -> str:
        if failed.attempts >= self.limits.attempts:
            return ""
        asked = failed.retry_after_seconds
        wish = "" if asked is None else f" and asks to wait {asked:,.0f} s"
        return f"{wish}; waited {self.waited_seconds:,.0f} s, of limits.max_wait_seconds {self.limits.max_wait_seconds:g}"

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


def _last(state: tenacity.RetryCallState) -> _Failed:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, _PassingError)  # what is retried
    return _Failed(error.reason, state.attempt_number, error.retry_after_seconds)


def auth_of(auth: Auth | None, where: str) -> tuple[AuthBase, tuple[str, ...]]:
    """What tells who asks, and the secrets in it, from the environment.

    Raises:
        SourceError: a variable is not set, or holds what cannot stand in a header.
    """
    if auth is None:
        return NoAuth(), ()
    if isinstance(auth, Basic):
        user, password = _secret(auth.user_env, where), _secret(auth.password_env, where)
        return HTTPBasicAuth(user, password), (password, requests.auth._basic_auth_str(user, password))
    if isinstance(auth, HeaderKey):
        key = _secret(auth.value_env, where)
        return HeaderAuth(auth.header, key), (key,)
    token = _secret(auth.token_env, where)
    return HeaderAuth("Authorization", f"Bearer {token}"), (token,)


def _secret(name: str, where: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise SourceError(
            f"{where} needs the environment variable {name}, which is not set",
            f"set {name} where leadflow runs; it is written nowhere",
        )
    if not _HEADER_WORD.fullmatch(value):
        raise SourceError(
            f"{where}: the environment variable {name} holds blanks, line breaks or other letters that no token has",
            f"set {name} to the token alone",
        )
    return value


def expanded(url: str, where: str) -> str:
    """The address with ${VARIABLES} of the environment in it.

    Raises:
        SourceError: a variable is not set, or makes an address that is none.
    """
    for name in re.findall(r"\$\{(\w+)\}", url):
        if not os.environ.get(name):
            raise SourceError(
                f"{where} needs the environment variable {name}, which is not set",
                f"set {name}, or write the url out",
            )
        url = url.replace(f"${{{name}}}", os.environ[name])
    try:
        return http_url(url)
    except ValueError as error:
        raise SourceError(f"{where}: the url {error}", "mend the variables in it") from None


def place(url: str) -> str:
    """The address without what may be secret: no query, no fragment, no name and password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    except ValueError:
        return "an address that is none"


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
    """What the server says of a request that is wrong, cut short."""
    try:
        body = json.loads(content)
        said = body.get("message") or body.get("error_description") or body.get("error")
    except (ValueError, RecursionError, AttributeError):
        try:
            said = body[0]["message"]  # as Salesforce says it
        except (NameError, LookupError, TypeError):
            return ""
    if not isinstance(said, str):
        return ""
    return f" ({' '.join(said.split())[:_TOLD_CHARACTERS].rstrip('.')})"


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait, which it may write as a number or as a date."""
    header = response.headers.get("Retry-After")
    if header is None:
        return None
    try:
        return Retry(retry_after_max=10**9).parse_retry_after(header)
    except InvalidHeader:
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
