"""Who asks an API and within which bounds, as settings files say it, typed and validated.

Belongs here: the settings that whatever is asked over HTTP shares, each validated by itself. Does not belong here: asking
(api.py), and what is asked for (ingest/http/settings.py of sources, enrichment_policy.py of providers). No secret stands in
a setting: settings name the environment variables that hold them.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, Tag

from leadflow.config_files import Strict

EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable; what looks like the secret itself is refused by its characters."""

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


class AskLimits(Strict):
    """How long an API may be asked and waited for.

    Attributes:
        attempts: times that one request is tried at most.
        timeout_seconds: how long to wait for a connection, and for the next bytes of an answer.
        answer_seconds: how long one answer may take from its first byte to its last.
        max_answer_megabytes: an answer that is larger is refused.
        backoff_seconds: mean first wait before a request is tried again; it doubles each time, with chance in it.
        max_backoff_seconds: longest of these waits.
        max_wait_seconds: all waiting between tries together, in one refresh; a server that asks for more (Retry-After) is
            not waited for.
    """

    attempts: int = Field(default=6, ge=1, le=20, strict=True)
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    answer_seconds: float = Field(default=300, gt=0, le=3600)
    max_answer_megabytes: int = Field(default=64, ge=1, le=2048, strict=True)
    backoff_seconds: float = Field(default=1, ge=0, le=60)
    max_backoff_seconds: float = Field(default=60, ge=0, le=600)
    max_wait_seconds: float = Field(default=900, ge=0, le=7200)


class Bearer(Strict):
    """A token in the header Authorization.

    Attributes:
        type: bearer.
        token_env: environment variable that holds the token.
    """

    type: Literal["bearer"]
    token_env: EnvironmentName


class HeaderKey(Strict):
    """A key in a header of its own.

    Attributes:
        type: header.
        header: name of the header, such as X-Api-Key.
        value_env: environment variable that holds the key.
    """

    type: Literal["header"]
    header: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    value_env: EnvironmentName


class Basic(Strict):
    """A name and a password.

    Attributes:
        type: basic.
        user_env: environment variable that holds the name.
        password_env: environment variable that holds the password.
    """

    type: Literal["basic"]
    user_env: EnvironmentName
    password_env: EnvironmentName


def type_of(value: object) -> str:
    """The word at `type`, by which one of several kinds of settings is chosen."""
    return str(value.get("type", "") if isinstance(value, dict) else getattr(value, "type", ""))


Auth = Annotated[
    Annotated[Bearer, Tag("bearer")] | Annotated[HeaderKey, Tag("header")] | Annotated[Basic, Tag("basic")],
    Discriminator(
        type_of,
        custom_error_type="auth_type",
        custom_error_message="needs type: bearer, header or basic",
    ),
]


def without_secrets(headers: dict[str, str]) -> dict[str, str]:
    """The headers as they are.

    Raises:
        ValueError: one of them would hold a secret.
    """
    for name in headers:
        if name.lower() in ("authorization", "proxy-authorization", "cookie"):
            raise ValueError(f"{name} would hold a secret in the file; name its environment variable in auth")
    return headers


def http_url(url: str) -> str:
    """The address as it is, if it is one of http or https without a name or password in it.

    One that begins with a ${VARIABLE} is judged once that is read.

    Raises:
        ValueError: it is not.
    """
    if re.match(r"\$\{\w+\}", url):
        return url
    plain = re.sub(r"\$\{\w+\}", "x", url)  # told once the variable is read
    try:
        parts = urlsplit(plain)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ValueError("is no address of http or https")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a name or password; name their environment variables in auth")
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS and "${" not in url.split("/")[2]:
        raise ValueError("would send what it asks and gets in the clear; use https")
    return url
