"""One API asked within bounds: what is tried again, for how long, and what is never told."""

from __future__ import annotations

import base64
import gzip
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
import requests
from api_server import SWIFT, TOKEN, Answer, ApiServer, CutShort, Drip, Reset, Silence, serving

from leadflow.errors import SourceError
from leadflow.http.api import Api
from leadflow.http.auth import auth_of, expanded, place
from leadflow.http.settings import AskLimits as Limits
from leadflow.http.settings import Auth, Basic, Bearer, HeaderKey, http_url

ROWS = [{"id": 1}]
BEARER = Bearer(type="bearer", token_env="CRM_TOKEN")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving(lambda asked: Answer(ROWS)) as running:
        yield running


def _api(server: ApiServer, auth: Auth | None = BEARER, **limits: Any) -> Api:
    who, secrets = auth_of(auth, "s.yaml:1 source 'crm'")
    return Api("s.yaml:1 source 'crm'", server.url, who, Limits(**{**SWIFT, **limits}), secrets)


def _ask(api: Api, path: str = "/x", **params: str) -> Any:
    try:
        return api.answer(requests.Request("GET", f"{api.url}{path}", params=params))[1]
    finally:
        api.close()


@pytest.mark.parametrize(
    "faults",
    [
        [Answer(status=500), Answer(status=502), Answer(status=503)],
        [Answer({}, 429, {"Retry-After": "0"})],
        [Answer({}, 429, {"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"})],
        [Answer(status=423), Answer({}, 477, {"Retry-After": "0"})],
        [CutShort(), CutShort()],
        [Reset()],
        [Silence()],
        [Answer(b"<html>busy</html>"), Answer(b'{"a": 1'), Answer(b"")],
        [Answer(b'[{"a": NaN}]')],
        [Answer(b"[" * 100_000)],
        [Answer(b"not gzip", headers={"Content-Encoding": "gzip"})],
    ],
    ids=[
        "5xx",
        "429",
        "429-odd-date",
        "busy",
        "cut",
        "reset",
        "time-out",
        "no-json",
        "nan",
        "deep",
        "bad-gzip",
    ],
)
def test_what_passes_is_tried_again(server: ApiServer, faults: list[Any]) -> None:
    server.faults.extend(faults)
    assert _ask(_api(server)) == ROWS
    assert len(server.asked) == len(faults) + 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Answer(status=500), "answers 500"),
        (Answer(status=429), "answers 429"),
        (CutShort(), "cut the connection"),
        (Reset(), "cut the connection"),
        (Silence(), "did not answer within 0.5 s"),
        (Answer(b"{"), "answers with what is no JSON"),
    ],
    ids=["500", "429", "cut", "reset", "time-out", "no-json"],
)
def test_what_does_not_pass_is_given_up_after_the_attempts(server: ApiServer, fault: Any, said: str) -> None:
    server.faults.extend([fault] * 9)
    with pytest.raises(SourceError, match=f"{said}.*, 4 times"):
        _ask(_api(server))
    assert len(server.asked) == 4


@pytest.mark.parametrize("style", ["seconds", "date"])
def test_retry_after_is_waited_for(server: ApiServer, style: str) -> None:
    later = "7" if style == "seconds" else formatdate(time.time() + 8, usegmt=True)
    server.faults.append(Answer({}, 429, {"Retry-After": later}))
    api = _api(server, max_wait_seconds=60)
    slept: list[float] = []
    api.sleep = slept.append
    assert _ask(api) == ROWS
    assert len(slept) == 1
    assert 6 <= slept[0] <= 10


def test_a_server_that_asks_for_too_long_is_not_waited_for(server: ApiServer) -> None:
    server.faults.append(Answer({}, 429, {"Retry-After": "3600"}))
    api = _api(server, max_wait_seconds=60)
    slept: list[float] = []
    api.sleep = slept.append
    with pytest.raises(SourceError, match=r"asks to wait 3,600 s.*limits.max_wait_seconds 60"):
        _ask(api)
    assert slept == []


def test_all_waiting_of_a_refresh_together_is_bounded(server: ApiServer) -> None:
    api = _api(server, max_wait_seconds=10)
    slept: list[float] = []
    api.sleep = slept.append
    for _ in range(2):
        server.faults.append(Answer({}, 429, {"Retry-After": "4"}))
        _ask(api)
    server.faults.append(Answer({}, 429, {"Retry-After": "4"}))
    with pytest.raises(SourceError, match="asks to wait 4 s; waited"):
        _ask(api)
    assert 8 <= sum(slept) <= 10


def test_waits_grow_and_have_chance_in_them(server: ApiServer) -> None:
    server.faults.extend([Answer(status=500)] * 19)
    api = _api(server, attempts=20, backoff_seconds=1, max_backoff_seconds=16, max_wait_seconds=600)
    slept: list[float] = []
    api.sleep = slept.append
    assert _ask(api) == ROWS
    assert max(slept) <= 16
    assert max(slept[:1]) <= 2
    assert max(slept[5:]) > 2
    assert len(set(slept)) == len(slept)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
def test_what_will_not_pass_is_not_tried_again(server: ApiServer, status: int) -> None:
    server.faults.append(Answer({"message": f"No {TOKEN}, no entry."}, status))
    with pytest.raises(SourceError, match=f"answers {status}") as caught:
        _ask(_api(server))
    assert TOKEN not in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("start", range(150, 210, 7))
def test_what_the_server_says_is_cut_after_the_secret_is_taken_out(server: ApiServer, start: int) -> None:
    server.faults.append(Answer({"message": f"{'x' * start}{TOKEN}"}, 400))
    with pytest.raises(SourceError) as caught:
        _ask(_api(server))
    assert TOKEN[:4] not in str(caught.value)


def test_a_secret_that_a_server_repeats_is_not_read(server: ApiServer) -> None:
    server.faults.append(Answer([{"id": 1, "headers": {"Authorization": f"Bearer {TOKEN}"}}]))
    assert _ask(_api(server)) == [{"id": 1, "headers": {"Authorization": "Bearer ***"}}]


def test_a_secret_is_taken_out_however_it_is_written(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_USER", "ann")
    monkeypatch.setenv("CRM_TOKEN", "s3cret/with+signs=")
    coded = base64.b64encode(b"ann:s3cret/with+signs=").decode()
    said = ["s3cret/with+signs=", "s3cret%2Fwith%2Bsigns%3D", coded]
    server.faults.append(Answer({"message": " ".join(said)}, 400))
    with pytest.raises(SourceError, match=r"\(\*\*\* \*\*\* \*\*\*\)"):
        _ask(_api(server, Basic(type="basic", user_env="CRM_USER", password_env="CRM_TOKEN")))


def test_what_the_server_says_of_a_wrong_request_is_told(server: ApiServer) -> None:
    server.faults.append(Answer({"message": "Property 'x' does not exist"}, 400))
    with pytest.raises(SourceError, match=r"answers 400 \(bad request\) \(Property 'x' does not exist\)"):
        _ask(_api(server))


def test_no_message_holds_the_query(server: ApiServer) -> None:
    server.faults.extend([Answer(status=500)] * 9)
    with pytest.raises(SourceError) as caught:
        _ask(_api(server), key="hidden-in-query")
    assert "hidden-in-query" not in str(caught.value)
    assert f"{server.url}/x" in str(caught.value)


def test_redirects_are_not_followed() -> None:
    with (
        serving(lambda asked: Answer(ROWS)) as elsewhere,
        serving(lambda asked: Answer(status=302, headers={"Location": f"{elsewhere.url}/y?k=v"})) as server,
    ):
        with pytest.raises(SourceError, match=rf"points to {elsewhere.url}/y; redirects are not followed"):
            _ask(_api(server))
        assert elsewhere.asked == []


def test_what_is_on_this_machine_is_asked_without_a_proxy(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert _ask(_api(server)) == ROWS


def test_a_redirect_to_what_is_no_address(server: ApiServer) -> None:
    server.faults.append(Answer(status=302, headers={"Location": "http://[::"}))
    with pytest.raises(SourceError, match="cannot be asked"):
        _ask(_api(server))


def test_another_host_is_not_asked(server: ApiServer) -> None:
    api = _api(server)
    with (
        serving(lambda asked: Answer(ROWS)) as elsewhere,
        pytest.raises(SourceError, match="is another place"),
    ):
        api.answer(requests.Request("GET", elsewhere.url))
    assert elsewhere.asked == []


def test_a_large_answer_is_refused(server: ApiServer) -> None:
    server.faults.append(Answer(b'"' + b"x" * 1_100_000 + b'"'))
    with pytest.raises(SourceError, match="more than 1 MB"):
        _ask(_api(server, max_answer_megabytes=1))


def test_a_slow_answer_is_given_up(server: ApiServer) -> None:
    """Each byte comes within the time-out, and the whole would take minutes."""
    server.faults.extend([Drip(seconds=0.02)] * 2)
    with pytest.raises(SourceError, match=r"took longer than 0.2 s for one answer, 2 times"):
        _ask(_api(server, answer_seconds=0.2, attempts=2))


def test_an_answer_that_stops_in_the_middle_is_a_time_out(server: ApiServer) -> None:
    server.faults.extend([Drip(seconds=3)] * 2)
    with pytest.raises(SourceError, match=r"did not answer within 0.5 s, 2 times"):
        _ask(_api(server, attempts=2))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(server: ApiServer) -> None:
    bomb = gzip.compress(b" " * 20_000_000, mtime=0)
    server.faults.append(Answer(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceError, match="more than 1 MB"):
        _ask(_api(server, max_answer_megabytes=1))


def test_what_is_packed_is_unpacked(server: ApiServer) -> None:
    server.faults.append(Answer(gzip.compress(b'[{"id": 5}]', mtime=0), headers={"Content-Encoding": "gzip"}))
    assert _ask(_api(server)) == [{"id": 5}]


def test_nobody_there_is_told() -> None:
    with serving(lambda asked: Answer(ROWS)) as server:
        api = _api(server)
    with pytest.raises(SourceError, match="cannot be reached, 4 times"):
        _ask(api)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (BEARER, "Authorization", f"Bearer {TOKEN}"),
        (HeaderKey(type="header", header="X-Api-Key", value_env="CRM_TOKEN"), "X-Api-Key", TOKEN),
        (
            Basic(type="basic", user_env="CRM_USER", password_env="CRM_TOKEN"),
            "Authorization",
            requests.auth._basic_auth_str("ann", TOKEN),
        ),
        (None, "Authorization", None),
    ],
    ids=["bearer", "header", "basic", "none"],
)
def test_who_asks(
    server: ApiServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    auth: Auth | None,
    header: str,
    value: Any,
) -> None:
    monkeypatch.setenv("CRM_USER", "ann")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))  # has no say
    _ask(_api(server, auth))
    assert server.asked[0].headers.get(header) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "CRM_TOKEN, which is not set"),
        ("  ", "CRM_TOKEN, which is not set"),
        ("a\nb", "CRM_TOKEN holds blanks"),
        ("schlüssel", "CRM_TOKEN holds blanks"),
    ],
)
def test_a_token_that_is_none_is_refused_untold(
    monkeypatch: pytest.MonkeyPatch, value: str | None, said: str
) -> None:
    if value is None:
        monkeypatch.delenv("CRM_TOKEN")
    else:
        monkeypatch.setenv("CRM_TOKEN", value)
    with pytest.raises(SourceError, match=said) as caught:
        auth_of(BEARER, "x")
    assert value is None or not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/x?k=v#f", "https://a.example/x"),
        ("https://u:p@a.example:8443/x", "https://a.example:8443/x"),
        ("http://[", "an address that is none"),
    ],
)
def test_an_address_is_told_without_what_may_be_secret(url: str, told: str) -> None:
    assert place(url) == told


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "file:///etc/passwd",
        "a.example",
        "https://",
        "https://u:p@a.example",
        "http://a.example",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no address|holds a name|in the clear"):
        http_url(url)


def test_variables_in_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAIN", "acme.example")
    assert expanded("https://${DOMAIN}/x", "here") == "https://acme.example/x"
    monkeypatch.setenv("DOMAIN", "u:p@acme.example")
    with pytest.raises(SourceError, match="holds a name or password"):
        expanded("https://${DOMAIN}/x", "here")
    monkeypatch.setenv("BASE", "https://acme.example/v1")
    assert expanded("${BASE}/x", "here") == "https://acme.example/v1/x"
    for base in ("http://acme.example", "acme.example", "${BASE}"):
        monkeypatch.setenv("BASE", base)
        with pytest.raises(SourceError, match="here: the url"):
            expanded("${BASE}/x", "here")
    monkeypatch.delenv("DOMAIN")
    with pytest.raises(SourceError, match="DOMAIN, which is not set"):
        expanded("https://${DOMAIN}/x", "here")
