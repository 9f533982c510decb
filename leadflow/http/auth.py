"""Who asks, and where: secrets and addresses from the environment, and what may be told of an address.

Belongs here: reading both, and refusing what is none. Does not belong here: sending them (api.py).
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from leadflow.errors import SourceError
from leadflow.http.settings import Auth, Basic, HeaderKey, http_url

_HEADER_WORD = re.compile(r"[\x21-\x7e]+")


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


def auth_of(auth: Auth | None, where: str) -> tuple[AuthBase, tuple[str, ...]]:
    """What tells who asks, and the secrets in it, from the environment.

    Raises:
        SourceError: a variable is not set, or holds what cannot stand in a header.
    """
    if auth is None:
        return NoAuth(), ()
    if isinstance(auth, Basic):
        user, password = _secret(auth.user_env, where), _secret(auth.password_env, where)
        coded = requests.auth._basic_auth_str(user, password).removeprefix("Basic ")
        return HTTPBasicAuth(user, password), _as_written(password, coded)
    if isinstance(auth, HeaderKey):
        key = _secret(auth.value_env, where)
        return HeaderAuth(auth.header, key), _as_written(key)
    token = _secret(auth.token_env, where)
    return HeaderAuth("Authorization", f"Bearer {token}"), _as_written(token)


def _as_written(*secrets: str) -> tuple[str, ...]:
    """The secrets, also as they stand in an address."""
    return tuple(dict.fromkeys((*secrets, *(quote(secret, safe="") for secret in secrets))))


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
        if "${" in url:
            raise ValueError("holds a variable within a variable")
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
