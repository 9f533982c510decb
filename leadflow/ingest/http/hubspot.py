"""HubSpot's API: what has changed of an object, with what belongs to it.

Belongs here: from settings to pages of records. Does not belong here: sending a request (api.py), what HubSpot's fields
mean in leadflow (defaults.py).

Objects come from the search endpoint, sorted by when they were changed. Its own paging is not used: it is by number of
records before, so that a record that is changed meanwhile goes to the end and pushes one across the border of two pages,
which no one sees; and it ends at 10,000 records. Each page is asked for anew instead, from the last moment of the page
before. Where more records than a page were changed in one and the same moment, they are walked through by id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from leadflow.http.api import Api
from leadflow.http.json_paths import value_at
from leadflow.ingest.http.hubspot_extras import Extras
from leadflow.ingest.http.pages import Page, Record, State, instant, milliseconds
from leadflow.ingest.http.settings import HubSpotObject, HubSpotSettings

_LIST_PAGE_SIZE = 100
_MAX_SEARCH_CHARACTERS = 3000
_EVENT_PAGE_SIZE = 1000


def fetch(
    api: Api,
    settings: HubSpotSettings,
    kind: HubSpotObject,
    properties: tuple[str, ...],
    state: State,
    *,
    has_deletions: bool,
) -> Iterator[Page]:
    """Everything of an object that has changed since `state`, page by page; the last page holds no records.

    Args:
        api: the API.
        settings: how to ask.
        kind: contacts, companies, deals, an activity, or email_events.
        properties: properties to fetch.
        state: as this function gave it; empty the first time.
        has_deletions: whether records in the recycle bin, and those that were merged into another, are to come as well.

    Raises:
        SourceError: HubSpot refuses, fails for longer than the limits, or answers in another way than it documents.
    """
    if kind == "email_events":
        yield from _events(api, settings, state)
        return
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    asked = tuple(dict.fromkeys((modified, *properties)))
    extras = Extras(api, settings, kind)
    for page in _changed(api, settings, kind, modified, asked, state):
        records = extras.added_to(page.records)
        if has_deletions:
            records = [*records, *(gone for record in records for gone in extras.merged_into(record))]
        yield Page(records, {**state, **page.state} if page.state is not None else None)
        state = {**state, **(page.state or {})}
    if has_deletions:
        yield from _archived(api, settings, kind, asked, extras, state)


def _changed(
    api: Api,
    settings: HubSpotSettings,
    kind: str,
    modified: str,
    properties: tuple[str, ...],
    state: State,
) -> Iterator[Page]:
    """What was changed since the state's `modified_ms`, what was changed first first."""
    given: int | None = state.get("modified_ms")
    is_complete = bool(state.get("is_complete"))
    from_ms = given
    if given is not None and is_complete:
        from_ms = given - milliseconds_of(settings.lookback_minutes)
    seen: set[str] = set() if is_complete else set(state.get("seen", ()))
    after_id: str | None = None if is_complete else state.get("after_id")
    for _ in range(settings.limits.max_pages):
        found = _search(api, settings, kind, modified, properties, from_ms, after_id)
        stamped = [(_changed_ms(api, record, modified), record) for record in found]
        times = [at for at, _ in stamped]
        if times != sorted(times) or any(from_ms is not None and at < from_ms for at in times):
            raise api.error(
                f"HubSpot does not give {kind} by {modified} in order, from the moment asked for",
                "see whether the API has changed",
            )
        new = [record for _, record in stamped if record["id"] not in seen]
        is_last = len(found) < settings.page_size
        if after_id is not None:
            # Within one moment, by id; when it is through, on with the next millisecond.
            if not is_last and found[-1]["id"] == after_id:
                raise api.error(
                    f"HubSpot gives the same {kind} again and again", "see whether the API has changed"
                )
            after_id = None if is_last else found[-1]["id"]
            if is_last and from_ms is not None:
                from_ms, seen, is_last = from_ms + 1, set(), False
        elif times and not is_last and times[-1] == from_ms:
            after_id = "0"
            new = []  # they come again, by id
        elif times:
            seen = {record["id"] for at, record in stamped if at == times[-1]} | (
                seen if times[-1] == from_ms else set()
            )
            from_ms = times[-1]
        yield Page(new, _position(from_ms, seen, after_id, is_complete=False))
        if is_last:
            newest = max((at for at in (given, from_ms) if at is not None), default=None)
            yield Page([], _position(newest, set(), None, is_complete=True))
            return
    raise api.error(f"has more than {settings.limits.max_pages:,} pages", "raise limits.max_pages")


def _position(modified_ms: int | None, seen: set[str], after_id: str | None, *, is_complete: bool) -> State:
    return {
        "modified_ms": modified_ms,
        "seen": sorted(seen),
        "after_id": after_id,
        "is_complete": is_complete,
    }


def _search(
    api: Api,
    settings: HubSpotSettings,
    kind: str,
    modified: str,
    properties: tuple[str, ...],
    from_ms: int | None,
    after_id: str | None,
) -> list[Record]:
    """One page of the search endpoint: from a moment on, or of exactly that moment beyond an id."""
    filters: list[dict[str, Any]] = []
    sort_by = modified
    if from_ms is not None:
        operator = "GTE" if after_id is None else "EQ"
        filters.append({"propertyName": modified, "operator": operator, "value": str(from_ms)})
    if after_id is not None:
        sort_by = "hs_object_id"
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": after_id})
    body = {
        "filterGroups": [{"filters": filters}] if filters else [],
        "sorts": [{"propertyName": sort_by, "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": settings.page_size,
    }
    if len(json.dumps(body)) > _MAX_SEARCH_CHARACTERS:
        raise api.error(
            f"asks for {len(properties)} properties of {kind}, more than HubSpot's search takes "
            f"({_MAX_SEARCH_CHARACTERS:,} characters in all)",
            "map fewer of them",
        )
    request = requests.Request("POST", f"{api.url}/crm/v3/objects/{kind}/search", json=body)
    _, answer = api.answer(request)
    return _objects(api, answer, properties)


def _archived(
    api: Api, settings: HubSpotSettings, kind: str, properties: tuple[str, ...], extras: Extras, state: State
) -> Iterator[Page]:
    """What lies in the recycle bin and came there since the state's `archived_ms`.

    HubSpot cannot be asked since when: all pages are gone through, and only what is new is passed on.
    """
    since: int | None = state.get("archived_ms")
    newest = since
    request = requests.Request(
        "GET",
        f"{api.url}/crm/v3/objects/{kind}",
        params={"archived": "true", "limit": _LIST_PAGE_SIZE, "properties": ",".join(properties)},
    )
    paginator = JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after")
    for answer in _through(api, settings, request, paginator):
        records = []
        for record in _objects(api, answer, properties):
            gone = instant(record.get("archivedAt"))
            gone_ms = None if gone is None else milliseconds(gone)
            if since is None or gone_ms is None or gone_ms >= since - _lookback(settings):
                records.append(extras.archived(record))
            newest = max((at for at in (newest, gone_ms) if at is not None), default=None)
        yield Page(records, None)
    yield Page([], {**state, "archived_ms": newest})


def _events(api: Api, settings: HubSpotSettings, state: State) -> Iterator[Page]:
    """E-mail events since the state's `after_ms`.

    They come newest first. So that a fetch that is broken off goes on where it was, the state says down to which moment
    it came (`before_ms`) and what the newest was, from which the next fetch starts.
    """
    after: int | None = state.get("after_ms")
    before: int | None = state.get("before_ms")
    newest: int | None = state.get("newest_ms", after)
    params: dict[str, Any] = {"limit": _EVENT_PAGE_SIZE}
    if after is not None:
        params["startTimestamp"] = after - _lookback(settings)
    if before is not None:
        params["endTimestamp"] = before + 1  # whether it is part of the range HubSpot does not say
    request = requests.Request("GET", f"{api.url}/email/public/v1/events", params=params)
    paginator = JSONResponseCursorPaginator(
        cursor_path="offset", cursor_param="offset", has_more_path="hasMore"
    )
    for answer in _through(api, settings, request, paginator):
        events = value_at(answer, "events")
        if not isinstance(events, list) or any(not isinstance(value_at(e, "created"), int) for e in events):
            raise api.error(
                "HubSpot answers with no list of events that say when they were created",
                "see whether the API has changed",
            )
        times = [event["created"] for event in events]
        newest = max((at for at in (newest, *times) if at is not None), default=None)
        before = min((at for at in (before, *times) if at is not None), default=None)
        yield Page(events, {"after_ms": after, "before_ms": before, "newest_ms": newest})
    yield Page([], {"after_ms": newest})


def _through(
    api: Api, settings: HubSpotSettings, request: requests.Request, paginator: JSONResponseCursorPaginator
) -> Iterator[Any]:
    """The answers of all pages."""
    paginator.init_request(request)
    asked: set[str] = set()
    for _ in range(settings.limits.max_pages):
        if str(request.params) in asked:
            raise api.error(
                "HubSpot asks for a page that was fetched before, without end",
                "see whether the API has changed",
            )
        asked.add(str(request.params))
        response, answer = api.answer(request)
        is_told = True
        try:
            paginator.update_state(response)
            paginator.update_request(request)
        except (ValueError, TypeError, AttributeError):
            is_told = False
        if not is_told:
            raise api.error("HubSpot does not say whether there are more", "see whether the API has changed")
        yield answer
        if not paginator.has_next_page:
            return
    raise api.error(f"has more than {settings.limits.max_pages:,} pages", "raise limits.max_pages")


def _objects(api: Api, answer: Any, properties: tuple[str, ...]) -> list[Record]:
    """The records of an answer, each with an id and its properties.

    A property that HubSpot leaves out is null: it does so where the account has none of that name.
    """
    results = value_at(answer, "results")
    if not isinstance(results, list) or any(
        not isinstance(value_at(record, "id"), str) or not isinstance(value_at(record, "properties"), dict)
        for record in results
    ):
        raise api.error(
            "HubSpot answers with no list of records that have an id and properties",
            "see whether the API has changed",
        )
    for record in results:
        record["properties"] = dict.fromkeys(properties) | record["properties"]
    return results


def _changed_ms(api: Api, record: Record, modified: str) -> int:
    moment = instant(record["properties"].get(modified)) or instant(record.get("updatedAt"))
    if moment is None:
        raise api.error(
            f"the record {record['id']} does not say when it was changed", "see whether the API has changed"
        )
    return milliseconds(moment)


def _lookback(settings: HubSpotSettings) -> int:
    return milliseconds_of(settings.lookback_minutes)


def milliseconds_of(minutes: float) -> int:
    """A number of minutes in whole milliseconds."""
    return timedelta(minutes=minutes) // timedelta(milliseconds=1)
