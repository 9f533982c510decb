"""A REST API that sources.yaml describes, in every way of paging, from the last change on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from api_server import SWIFT, Answer, ApiServer, Asked, serving
from pydantic import ValidationError

from leadflow.errors import SourceError
from leadflow.http.api import Api
from leadflow.http.auth import NoAuth
from leadflow.ingest.http import rest
from leadflow.ingest.http.pages import Record, instant, written
from leadflow.ingest.http.settings import Limits, RestSettings

NOT_AFTER = datetime(2026, 6, 30, tzinfo=UTC)
ROWS: list[Record] = [{"id": number, "changed": f"2026-05-01T00:00:{number:02d}Z"} for number in range(1, 24)]


def _fetch(
    server: ApiServer, state: Mapping[str, Any] | None = None, **settings: Any
) -> tuple[list[Record], Mapping[str, Any]]:
    made = RestSettings(**{"url": f"{server.url}/v2/leads", "limits": SWIFT, **settings})
    api = Api("here", made.url, NoAuth(), Limits(**SWIFT))
    records: list[Record] = []
    kept: Mapping[str, Any] = state or {}
    for page in rest.fetch(api, made, kept, NOT_AFTER):
        records += page.records
        kept = page.state if page.state is not None else kept
    return records, kept


def _by_offset(asked: Asked) -> Answer:
    start, limit = int(asked.query["offset"]), int(asked.query["limit"])
    return Answer({"data": {"items": ROWS[start : start + limit]}, "total": len(ROWS)})


def _by_page(asked: Asked) -> Answer:
    number = int(asked.query["p"])
    return Answer({"items": ROWS[(number - 1) * 5 : number * 5], "pages": 5})


def _by_cursor(asked: Asked) -> Answer:
    start = int((asked.body or {}).get("page", {}).get("after") or asked.query.get("after", 0))
    following = {"next": {"after": str(start + 5)}} if start + 5 < len(ROWS) else {}
    return Answer({"items": ROWS[start : start + 5], "paging": following, "more": bool(following)})


def _by_url(asked: Asked) -> Answer:
    start = int(asked.path.rsplit("-", 1)[1]) if "-" in asked.path else 0
    assert start == 0 or asked.query == {}, "the next page's address is taken as it is"
    following = {"nextRecordsUrl": f"/v2/query/01g-{start + 5}"} if start + 5 < len(ROWS) else {}
    return Answer({"records": ROWS[start : start + 5], "done": not following, **following})


def _by_link(asked: Asked) -> Answer:
    start = int(asked.query.get("from", 0))
    more = start + 5 < len(ROWS)
    link = {"Link": f'</v2/leads?from={start + 5}>; rel="next", </v2/leads>; rel="first"'} if more else {}
    return Answer(ROWS[start : start + 5], headers=link)


@pytest.mark.parametrize(
    ("answers", "settings", "requests"),
    [
        (_by_offset, {"records": "data.items", "paging": {"type": "offset", "limit": 5}}, 6),
        (_by_offset, {"records": "data.items", "paging": {"type": "offset", "limit": 5, "total": "total"}}, 5),
        (_by_page, {"records": "items", "paging": {"type": "page", "param": "p"}}, 6),
        (_by_page, {"records": "items", "paging": {"type": "page", "param": "p", "total_pages": "pages"}}, 5),
        (_by_cursor, {"records": "items", "paging": {"type": "cursor", "path": "paging.next.after", "param": "after"}}, 5),
        (
            _by_cursor,
            {
                "records": "items",
                "method": "POST",
                "body": {"x": 1},
                "paging": {
                    "type": "cursor",
                    "path": "paging.next.after",
                    "body_path": "page.after",
                    "has_more": "more",
                },
            },
            5,
        ),
        (_by_url, {"records": "records", "query": {"q": "select"}, "paging": {"type": "next_url", "path": "nextRecordsUrl"}}, 5),
        (_by_link, {"paging": {"type": "link_header"}}, 5),
        (lambda asked: Answer(ROWS), {}, 1),
        (lambda asked: Answer([]), {}, 1),
        (lambda asked: Answer(status=204), {}, 1),
    ],
    ids=[
        "offset", "offset-total", "page", "page-total", "cursor", "cursor-in-body", "next-url", "link", "single", "none", "204",
    ],
)  # fmt: skip
def test_every_way_of_paging(answers: Any, settings: dict[str, Any], requests: int) -> None:
    with serving(answers) as server:
        records, state = _fetch(server, **settings)
        assert records == ROWS[: len(records)]
        assert len(records) in (0, len(ROWS))
        assert len(records) or requests == 1
        assert len(server.asked) == requests
        assert state == {"since": None, "is_complete": True}


def _since(asked: Asked) -> Answer:
    low = asked.query.get("since", "")
    return Answer([row for row in ROWS if row["changed"][:19] >= low[:19]])


CURSOR = {"field": "changed", "param": "since", "lookback_minutes": 0}


def test_only_what_has_changed_is_asked_for() -> None:
    with serving(_since) as server:
        records, state = _fetch(server, cursor=CURSOR)
        assert len(records) == len(ROWS)
        assert "since" not in server.asked[0].query
        assert state == {"since": "2026-05-01T00:00:23+00:00", "is_complete": True}
        again, after = _fetch(server, state, cursor=CURSOR)
        assert [row["id"] for row in again] == [23]
        assert server.asked[1].query["since"] == "2026-05-01T00:00:23.000Z"
        assert after == state


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"lookback_minutes": 1.5}, "2026-04-30T23:58:53.000Z"),
        ({"format": "epoch_seconds"}, "1777593623"),
        ({"format": "epoch_milliseconds"}, "1777593623000"),
        ({"format": "date"}, "2026-05-01"),
        ({"format": "%d.%m.%Y %H:%M"}, "01.05.2026 00:00"),
    ],
)
def test_how_the_moment_is_sent(settings: dict[str, Any], sent: str) -> None:
    state = {"since": "2026-05-01T00:00:23+00:00", "is_complete": True}
    with serving(lambda asked: Answer([])) as server:
        _, after = _fetch(server, state, cursor={**CURSOR, **settings})
        assert server.asked[0].query["since"] == sent
        assert after == state  # nothing came: where it was it stays


def test_the_moment_within_a_query() -> None:
    query = {"q": "select Id from Lead where SystemModstamp >= {cursor} order by SystemModstamp"}
    cursor = {"field": "changed", "initial": "2020-01-01", "lookback_minutes": 0}
    with serving(lambda asked: Answer(ROWS)) as server:
        _, state = _fetch(server, query=query, cursor=cursor)
        _fetch(server, state, query=query, cursor=cursor)
        assert [one.query["q"].split(">= ")[1].split()[0] for one in server.asked] == [
            "2020-01-01T00:00:00.000Z",
            "2026-05-01T00:00:23.000Z",
        ]


def test_an_unordered_fetch_moves_the_cursor_at_its_end_only() -> None:
    with serving(_by_cursor) as server:
        made = RestSettings(
            url=server.url,
            records="items",
            paging={"type": "cursor", "path": "paging.next.after", "param": "after"},
            cursor=CURSOR,
        )
        states = [
            page.state for page in rest.fetch(Api("x", server.url, NoAuth(), Limits()), made, {}, NOT_AFTER)
        ]
    assert states[:-1] == [None] * 5
    assert states[-1] == {"since": "2026-05-01T00:00:23+00:00", "is_complete": True}


@pytest.mark.parametrize("order", ["ascending", "unordered"])
def test_a_record_that_changes_in_the_future_does_not_shut_out_the_others(order: str) -> None:
    rows = [*ROWS, {"id": 99, "changed": "2099-01-01T00:00:00Z"}]
    cursor = {**CURSOR, "order": order}
    with serving(lambda asked: Answer(rows)) as server:
        _, state = _fetch(server, cursor=cursor)
        assert state == {"since": "2026-06-30T00:00:00+00:00", "is_complete": True}
        _fetch(server, state, cursor=cursor)
        assert server.asked[1].query["since"] == "2026-06-30T00:00:00.000Z"


def test_an_ascending_fetch_goes_on_where_it_was_broken_off() -> None:
    def answers(asked: Asked) -> Answer:
        low = asked.query.get("since", "")
        found = [row for row in ROWS if row["changed"][:19] >= low[:19]]
        start = int(asked.query.get("after", 0))
        more = {"after": start + 5} if start + 5 < len(found) else {}
        return Answer({"items": found[start : start + 5], **more})

    settings: dict[str, Any] = {
        "records": "items",
        "paging": {"type": "cursor", "path": "after", "param": "after"},
        "cursor": {**CURSOR, "order": "ascending", "lookback_minutes": 60},
    }
    with serving(answers) as server:
        made = RestSettings(url=server.url, **settings)
        pages = rest.fetch(Api("x", server.url, NoAuth(), Limits()), made, {}, NOT_AFTER)
        first, second = next(pages), next(pages)
        assert second.state == {"since": "2026-05-01T00:00:10+00:00", "is_complete": False}
        rest_of_it, end = _fetch(server, second.state, **settings)
        assert {row["id"] for row in (*first.records, *second.records, *rest_of_it)} == set(range(1, 24))
        assert rest_of_it[0]["id"] == 10  # no lookback in the middle of a fetch
        assert end["is_complete"]


def test_descending_records_where_ascending_ones_are_said() -> None:
    with (
        serving(lambda asked: Answer(ROWS[::-1])) as server,
        pytest.raises(SourceError, match="do not come in ascending order of 'changed'"),
    ):
        _fetch(server, cursor={**CURSOR, "order": "ascending"})


@pytest.mark.parametrize(
    ("body", "settings", "said"),
    [
        ({"items": []}, {"records": "data.items"}, r"no list of records at 'data.items' \(it has items\)"),
        ({"items": {}}, {"records": "items"}, "no list of records"),
        ({"error": "x"}, {}, "no list of records"),
        ([1, 2], {}, "a record of the answer is no object"),
        ([{"id": 1}], {"cursor": CURSOR}, "no moment at cursor.field 'changed'"),
        ([{"changed": "soon"}], {"cursor": CURSOR}, "no moment at cursor.field 'changed'"),
        ({"items": [{}]}, {"records": "items", "paging": {"type": "offset", "total": "n"}}, "whether there is a next page"),
    ],
)  # fmt: skip
def test_answers_that_do_not_fit(body: Any, settings: dict[str, Any], said: str) -> None:
    with serving(lambda asked: Answer(body)) as server, pytest.raises(SourceError, match=said):
        _fetch(server, **settings)


def test_paging_in_a_circle_ends() -> None:
    numbers = count()

    def answers(asked: Asked) -> Answer:
        return Answer({"items": [{"id": next(numbers)}], "after": "same"})

    paging = {"type": "cursor", "path": "after", "param": "after"}
    with serving(answers) as server, pytest.raises(SourceError, match="fetched before, without end"):
        _fetch(server, records="items", paging=paging)


def test_an_api_that_does_not_know_how_it_is_paged_gives_the_same_page_for_ever() -> None:
    with (
        serving(lambda asked: Answer({"items": ROWS[:5]})) as server,
        pytest.raises(SourceError, match=r"hold the same records.*mend rest\.paging"),
    ):
        _fetch(server, records="items", paging={"type": "offset", "limit": 5})
    assert len(server.asked) == 2


def test_paging_without_end_ends() -> None:
    numbers = count()

    def answers(asked: Asked) -> Answer:
        return Answer({"items": [{"id": next(numbers)}]})

    with serving(answers) as server, pytest.raises(SourceError, match="more than 20 pages"):
        _fetch(server, records="items", paging={"type": "page"}, limits={**SWIFT, "max_pages": 20})


def test_a_next_page_elsewhere_is_not_asked() -> None:
    with serving(lambda asked: Answer([])) as elsewhere:

        def answers(asked: Asked) -> Answer:
            return Answer({"items": [{"id": 1}], "next": f"{elsewhere.url}/steal"})

        with serving(answers) as server, pytest.raises(SourceError, match="is another place"):
            _fetch(server, records="items", paging={"type": "next_url", "path": "next"})
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://x"}, "no address of http"),
        ({"body": {}}, "set method: POST"),
        ({"headers": {"Authorization": "Bearer x"}}, "would hold a secret"),
        ({"cursor": {"field": "x"}}, "sent nowhere"),
        ({"cursor": {**CURSOR, "format": "iso8601"}}, "strftime's letters"),
        ({"auth": {"type": "bearer", "token_env": "eyJhbGci.x-y"}}, "should match pattern"),
        ({"auth": {"token_env": "X"}}, "needs type: bearer, header or basic"),
        ({"paging": {"type": "cursor", "path": "x"}}, "either param or body_path"),
        ({"paging": {"type": "keyset"}}, "needs type: single"),
        ({"limits": {"attempts": 0}}, "greater than or equal to 1"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RestSettings(**{"url": "https://a.example", **settings})


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-05-01T02:00:00+02:00", "2026-05-01T00:00:00+00:00"),
        ("2026-05-01T00:00:00.000+0000", "2026-05-01T00:00:00+00:00"),
        ("2026-05-01 00:00:00", "2026-05-01T00:00:00+00:00"),
        ("2026-05-01", "2026-05-01T00:00:00+00:00"),
        (1777593600, "2026-05-01T00:00:00+00:00"),
        (1777593600123, "2026-05-01T00:00:00.123000+00:00"),
        ("1777593600123", "2026-05-01T00:00:00.123000+00:00"),
        ("soon", None),
        (None, None),
        (True, None),
        (10**30, None),
        ({}, None),
    ],
)
def test_moments_as_apis_write_them(given: object, moment: str | None) -> None:
    found = instant(given)
    assert (found.isoformat() if found else None) == moment


def test_moments_are_rounded_down() -> None:
    moment = datetime(2026, 5, 1, 23, 59, 59, 999_999, UTC)
    assert written(moment, "iso") == "2026-05-01T23:59:59.999Z"
    assert written(moment, "epoch_seconds") == int(datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC).timestamp())
    assert written(moment, "date") == "2026-05-01"
