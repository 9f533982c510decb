"""HubSpot fetched without gap or repetition, whatever happens to its records meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from api_server import SWIFT, Answer, ApiServer, Asked, HubSpot, iso, serving

from leadflow.errors import SourceError
from leadflow.http.api import Api
from leadflow.http.auth import HeaderAuth
from leadflow.ingest.http import hubspot
from leadflow.ingest.http.pages import Page, Record
from leadflow.ingest.http.settings import HubSpotSettings, Limits

T0 = 1_700_000_000_000


@pytest.fixture
def account() -> HubSpot:
    return HubSpot()


@pytest.fixture
def server(account: HubSpot) -> Iterator[ApiServer]:
    with serving(account.answer) as running:
        yield running


def _pages(
    server: ApiServer,
    kind: Any = "contacts",
    state: Mapping[str, Any] | None = None,
    *,
    properties: tuple[str, ...] = ("email",),
    has_deletions: bool = False,
    **settings: Any,
) -> Iterator[Page]:
    from api_server import TOKEN

    api = Api("here", server.url, HeaderAuth("Authorization", f"Bearer {TOKEN}"), Limits(**SWIFT))
    made = HubSpotSettings(url=server.url, **{"lookback_minutes": 0, "limits": SWIFT, **settings})
    return hubspot.fetch(api, made, kind, properties, state or {}, has_deletions=has_deletions)


def _all(pages: Iterator[Page]) -> tuple[list[Record], dict[str, Any]]:
    records: list[Record] = []
    state: dict[str, Any] = {}
    for page in pages:
        records += page.records
        state = dict(page.state) if page.state is not None else state
    return records, state


def _ids(records: list[Record]) -> list[int]:
    return [int(record["id"]) for record in records]


@pytest.mark.parametrize("size", [1, 7, 200])
def test_all_pages_come_once(account: HubSpot, server: ApiServer, size: int) -> None:
    for number in range(1, 24):
        account.add("contacts", number, T0 + number // 3, email=f"{number}@x.example")
    records, state = _all(_pages(server, page_size=size))
    assert sorted(_ids(records)) == list(range(1, 24))
    assert state["is_complete"]
    assert state["modified_ms"] in (T0 + 7, T0 + 8)  # on after the moment that was walked through


def test_more_than_ten_thousand_records(account: HubSpot, server: ApiServer) -> None:
    for number in range(1, 10_452):
        account.add("deals", number, T0 + number) if number < 3 else account.objects["deals"].append(
            {
                "id": str(number),
                "properties": {"hs_object_id": str(number), "hs_lastmodifieddate": iso(T0 + number)},
                "createdAt": iso(T0),
                "updatedAt": iso(T0 + number),
                "archived": False,
            }
        )
    records, _ = _all(_pages(server, "deals", associations=()))
    assert _ids(records) == list(range(1, 10_452))


def test_many_records_of_one_moment(account: HubSpot, server: ApiServer) -> None:
    """An import changes thousands at once; they are walked through by id."""
    account.add("companies", 1, T0 - 1)
    for number in range(2, 60):
        account.add("companies", number, T0)
    account.add("companies", 60, T0 + 1)
    records, state = _all(_pages(server, "companies", page_size=10))
    assert sorted(_ids(records)) == list(range(1, 61))
    assert state["modified_ms"] == T0 + 1


def test_the_documented_paging_would_leave_a_gap(account: HubSpot, server: ApiServer) -> None:
    """A record that is changed while it is paged goes to the end, and comes again; none is left out."""
    for number in range(1, 31):
        account.add("contacts", number, T0 + number, email="before")

    def change(request: int) -> None:
        if request == 2:  # of the first page, so that all others move up by one
            account.add("contacts", 3, T0 + 1000, email="after")
        if request == 3:
            account.add("contacts", 31, T0 + 1001, email="new")

    server.before = change
    records, _ = _all(_pages(server, page_size=10))
    assert set(_ids(records)) == set(range(1, 32))
    assert [r["properties"]["email"] for r in records if r["id"] == "3"] == ["before", "after"]


def test_the_next_fetch_begins_where_the_last_ended(account: HubSpot, server: ApiServer) -> None:
    for number in range(1, 6):
        account.add("contacts", number, T0 + number)
    _, state = _all(_pages(server))
    account.add("contacts", 2, T0 + 50)
    account.add("contacts", 9, T0 + 60)
    records, state = _all(_pages(server, state=state))
    assert _ids(records) == [5, 2, 9]  # the one at the border comes again
    assert state["modified_ms"] == T0 + 60


def test_lookback_finds_what_the_search_showed_late(account: HubSpot, server: ApiServer) -> None:
    account.add("contacts", 1, T0 + 60_000)
    _, state = _all(_pages(server))
    account.add("contacts", 2, T0 + 30_000)  # changed before, in the index only now
    assert _ids(_all(_pages(server, state=state))[0]) == [1]
    records, after = _all(_pages(server, state=state, lookback_minutes=1))
    assert _ids(records) == [2, 1]
    assert after["modified_ms"] == T0 + 60_000


@pytest.mark.parametrize("size", [3, 10])
def test_a_fetch_that_is_broken_off_goes_on_with_the_very_next_record(
    account: HubSpot, server: ApiServer, size: int
) -> None:
    for number in range(1, 41):
        account.add("contacts", number, T0 + number // 9)
    whole, end = _all(_pages(server, page_size=size))
    for stop in range(1, 40 // size):
        before: list[Record] = []
        state: Any = {}
        for place, page in enumerate(_pages(server, page_size=size)):
            before += page.records
            state = page.state
            if place == stop:
                break
        rest, end_after = _all(_pages(server, state=state, page_size=size))
        assert _ids(before + rest) == _ids(whole)
        assert end_after == end


def test_what_a_stage_means_comes_with_a_deal(account: HubSpot, server: ApiServer) -> None:
    stages = [("s1", "Demo", "false", "0.4"), ("s2", "Signed", "true", "1.0"), ("s3", "Gone", "true", "0.0")]
    account.pipelines = [
        {
            "id": "p",
            "label": "New business",
            "stages": [
                {"id": key, "label": label, "metadata": {"isClosed": closed, "probability": probability}}
                for key, label, closed, probability in stages
            ],
        }
    ]
    for number, stage in enumerate(("s1", "s2", "s3", "deleted"), 1):
        account.add(
            "deals",
            number,
            T0 + number,
            pipeline="p",
            dealstage=stage,
            hs_is_closed="true",
            hs_is_closed_won="true",
        )
    asked = ("pipeline", "dealstage", "hs_is_closed", "hs_is_closed_won")
    records, _ = _all(_pages(server, "deals", properties=asked))
    assert [(r["stage_label"], r["is_closed"], r["outcome"]) for r in records] == [
        ("Demo", False, None),
        ("Signed", True, "won"),
        ("Gone", True, "lost"),
        (None, True, "won"),  # of a stage that is no more the deal itself says it
    ]
    assert sum(one.path.startswith("/crm/v3/pipelines") for one in server.asked) == 1


def test_associations_come_with_the_primary_one_first(account: HubSpot, server: ApiServer) -> None:
    account.add("deals", 7, T0)
    account.add("deals", 8, T0 + 1)
    account.associations = {("deals", "contacts"): {"7": ["90", "12", "31"]}}
    records, _ = _all(_pages(server, "deals"))
    assert [(r["contact_id"], r["contact_ids"], r["company_id"]) for r in records] == [
        ("90", ["90", "12", "31"], None),
        (None, [], None),
    ]


def test_deletions_and_merges_come_where_they_are_wanted(account: HubSpot, server: ApiServer) -> None:
    account.add("contacts", 5, T0, email="e", hs_merged_object_ids="11;12")
    gone = account.add("contacts", 6, T0)
    account.objects["contacts"].remove(gone)
    account.archived["contacts"] = [{**gone, "archived": True, "archivedAt": iso(T0 + 500)}]
    assert _ids(_all(_pages(server))[0]) == [5]
    asked = ("email", "hs_merged_object_ids")
    records, state = _all(_pages(server, has_deletions=True, properties=asked))
    assert [(r["id"], r["archived"], r["merged_into"], r["changed_at"]) for r in records] == [
        ("5", False, None, iso(T0)),
        ("11", True, "5", iso(T0)),
        ("12", True, "5", iso(T0)),
        ("6", True, None, iso(T0 + 500)),
    ]
    assert records[1]["properties"]["email"] is None
    account.archived["contacts"].append({**gone, "id": "7", "archived": True, "archivedAt": iso(T0 + 900)})
    later, _ = _all(_pages(server, state=state, has_deletions=True, properties=asked))
    assert [r["id"] for r in later if r["merged_into"] is None and r["archived"]] == ["6", "7"]


def test_many_archived_records(account: HubSpot, server: ApiServer) -> None:
    record = account.add("contacts", 1, T0)
    account.archived["contacts"] = [
        {**record, "id": str(number), "archived": True, "archivedAt": iso(T0)} for number in range(2, 253)
    ]
    records, _ = _all(_pages(server, has_deletions=True))
    assert sorted(_ids(records)) == list(range(1, 253))


def _event(number: int, created: int) -> dict[str, Any]:
    return {"id": f"e{number}", "type": "OPEN", "created": created, "recipient": "a@x.example"}


def test_email_events_newest_first(account: HubSpot, server: ApiServer) -> None:
    account.event_page_size = 10
    account.events = [_event(number, T0 + number // 2) for number in range(35)]
    records, state = _all(_pages(server, "email_events"))
    assert sorted(r["id"] for r in records) == sorted(event["id"] for event in account.events)
    assert state == {"after_ms": T0 + 17}
    account.events.append(_event(99, T0 + 40))
    later, state = _all(_pages(server, "email_events", state))
    assert {r["id"] for r in later} == {"e34", "e99"}
    assert state == {"after_ms": T0 + 40}


@pytest.mark.parametrize("stop", range(4))
def test_email_events_broken_off(account: HubSpot, server: ApiServer, stop: int) -> None:
    """They come newest first: what is older than the last one that landed is fetched next, then what is newer."""
    account.event_page_size = 10
    account.events = [_event(number, T0 + number // 2) for number in range(35)]
    found: set[str] = set()
    state: Any = {}
    for place, page in enumerate(_pages(server, "email_events")):
        found |= {r["id"] for r in page.records}
        state = page.state
        if place == stop:
            break
    account.events.append(_event(99, T0 + 40))
    for _ in range(2):
        records, state = _all(_pages(server, "email_events", state))
        found |= {r["id"] for r in records}
    assert found == {event["id"] for event in account.events}
    assert state == {"after_ms": T0 + 40}


def test_no_events_at_all(account: HubSpot, server: ApiServer) -> None:
    assert _all(_pages(server, "email_events")) == ([], {"after_ms": None})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "no list of records"),
        ({"results": [{"id": 5, "properties": {}}]}, "no list of records"),
        ({"results": [{"id": "5", "properties": "x"}]}, "no list of records"),
        ({"results": [{"id": "5", "properties": {}}]}, "does not say when it was changed"),
        ([], "no list of records"),
    ],
)
def test_answers_of_another_shape_are_an_error_and_not_an_end(body: Any, said: str) -> None:
    with serving(lambda asked: Answer(body)) as server, pytest.raises(SourceError, match=said):
        _all(_pages(server))


def test_a_search_that_knows_no_filter_is_an_error_and_no_end(account: HubSpot) -> None:
    for number in range(1, 31):
        account.add("contacts", number, T0 + number)

    def same(asked: Asked) -> Answer:
        body = {**asked.body, "filterGroups": []} if asked.path.endswith("search") else asked.body
        return account.answer(replace(asked, body=body))

    with serving(same) as server, pytest.raises(SourceError, match="in order, from the moment asked for"):
        _all(_pages(server, page_size=10))


def test_records_of_one_moment_that_are_not_walked_through_are_an_error(account: HubSpot) -> None:
    for number in range(1, 31):
        account.add("contacts", number, T0)

    def same(asked: Asked) -> Answer:
        groups = [
            {"filters": [one for one in group["filters"] if one["propertyName"] != "hs_object_id"]}
            for group in asked.body["filterGroups"]
        ]
        return account.answer(replace(asked, body={**asked.body, "filterGroups": groups}))

    with serving(same) as server, pytest.raises(SourceError, match="again and again"):
        _all(_pages(server, page_size=10))


def test_associations_without_end_are_an_error(account: HubSpot) -> None:
    account.add("deals", 7, T0)

    def endless(asked: Asked) -> Answer:
        if "associations" not in asked.path:
            return account.answer(asked)
        page = {"from": {"id": "7"}, "to": [], "paging": {"next": {"after": "x"}}}
        return Answer({"results": [page]})

    with serving(endless) as server, pytest.raises(SourceError, match="without end"):
        _all(_pages(server, "deals"))


def test_events_without_end_are_an_error(account: HubSpot) -> None:
    endless = {"hasMore": True, "offset": "x", "events": [_event(1, T0)]}
    with serving(lambda asked: Answer(endless)) as server, pytest.raises(SourceError, match="without end"):
        _all(_pages(server, "email_events"))


def test_a_property_the_account_has_not_is_null(account: HubSpot, server: ApiServer) -> None:
    account.add("contacts", 1, T0)
    records, _ = _all(_pages(server, properties=("nobody_has_it",)))
    assert records[0]["properties"]["nobody_has_it"] is None


def test_too_many_properties_are_told(server: ApiServer) -> None:
    many = tuple(f"property_number_{number}" for number in range(200))
    with pytest.raises(SourceError, match="201 properties of contacts, more than HubSpot's search takes"):
        _all(_pages(server, properties=many))
