"""Any REST API that answers in JSON, as sources.yaml describes it.

Belongs here: from settings to pages of records. Does not belong here: sending a request (api.py).

How the next page is asked for is dlt's business: its paginators alone are used, so that nothing of dlt's configuration,
pipelines or telemetry comes along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import requests
from dlt.sources.helpers.rest_client import paginators as dlt

from leadflow.http.api import Api
from leadflow.http.json_paths import value_at
from leadflow.ingest.http.pages import Page, Record, State, instant, written
from leadflow.ingest.http.settings import (
    LinkHeader,
    ModifiedSince,
    NextUrl,
    Offset,
    PageCursor,
    PageNumber,
    Paging,
    RestSettings,
)


def fetch(api: Api, settings: RestSettings, state: State, not_after: datetime) -> Iterator[Page]:
    """Everything that has changed since `state`, page by page; the last page holds no records.

    Args:
        api: the API; its address is the one to ask.
        settings: how to ask.
        state: {since: instant, is_complete: whether the fetch that came that far came to its end}; empty the first time.
        not_after: no later moment is asked from the next time. What changed on a page behind while later ones were
            fetched is so fetched the next time, and a record that says it was changed in the year 2099 does not shut
            out all others until then.

    Raises:
        SourceError: the API refuses, fails for longer than the limits, or answers what does not fit the settings.
    """
    cursor = settings.cursor
    since = instant(state.get("since")) or (cursor.initial if cursor else None)
    asked_from = since
    if cursor is not None and since is not None and state.get("is_complete"):
        asked_from = since - timedelta(minutes=cursor.lookback_minutes)
    newest: datetime | None = None
    for records in _pages(api, settings, asked_from):
        if cursor is None:
            yield Page(records, None)
            continue
        for record in records:
            newest = _newest(api, cursor, record, newest)
        # Not a word of `since` yet: where the lookback is broken off, the rest of it is to be fetched all the same.
        is_ascending = cursor.order == "ascending" and newest is not None
        yield Page(records, _state(newest, is_complete=False) if is_ascending else None)
    last = max((moment for moment in (since, newest) if moment is not None), default=None)
    yield Page([], _state(None if last is None else min(last, not_after), is_complete=True))


def _newest(api: Api, cursor: ModifiedSince, record: Record, newest: datetime | None) -> datetime:
    """When the newest record so far was changed.

    Raises:
        SourceError: it does not say when, or comes after one that was changed later though they should ascend.
    """
    changed = instant(value_at(record, cursor.field))
    if changed is None:
        raise api.error(
            f"a record has no moment at cursor.field '{cursor.field}', by which what has changed is known",
            "mend cursor.field, or leave the cursor out and fetch everything each time",
        )
    if newest is None or changed >= newest:
        return changed
    if cursor.order == "ascending":
        raise api.error(
            f"its records do not come in ascending order of '{cursor.field}'",
            "sort them in the query, or leave `order: ascending` out",
        )
    return newest


def _state(since: datetime | None, *, is_complete: bool) -> State:
    return {"since": None if since is None else since.isoformat(), "is_complete": is_complete}


def _pages(api: Api, settings: RestSettings, asked_from: datetime | None) -> Iterator[list[Record]]:
    request = _request(api, settings, asked_from)
    paginator = paginator_of(settings.paging)
    paginator.init_request(request)
    asked: set[str] = set()
    before = b""
    for _ in range(settings.limits.max_pages):
        this = f"{request.url} {request.params} {request.json}"
        if this in asked:
            raise api.error(
                "the answer asks for a page that was fetched before, without end", "mend its paging"
            )
        asked.add(this)
        response, body = api.answer(request)
        records = [] if response.status_code == 204 else _records(api, settings, body)
        digest = _digest(records)
        if records and digest == before:
            raise api.error(
                "two pages one after the other hold the same records, as if the API did not know how the next one is "
                "asked for",
                "mend rest.paging",
            )
        before = digest
        problem = False
        try:
            paginator.update_state(response, records)
            if paginator.has_next_page:
                paginator.update_request(request)
        except (ValueError, TypeError, KeyError, AttributeError):
            problem = True
        if problem:  # outside of the handler: what the paginator says holds the whole answer
            raise api.error(
                "the answer does not say in the way that `paging` describes whether there is a next page",
                "mend rest.paging",
            )
        yield records
        if not paginator.has_next_page:
            return
    raise api.error(
        f"has more than {settings.limits.max_pages:,} pages",
        "raise limits.max_pages, or ask for larger pages",
    )


def _digest(records: list[Record]) -> bytes:
    """What the records are known by, without keeping them."""
    found = hashlib.blake2b()
    for record in records:
        found.update(repr(record).encode("utf-8", "replace"))
    return found.digest()


def _request(api: Api, settings: RestSettings, asked_from: datetime | None) -> requests.Request:
    cursor = settings.cursor
    query: dict[str, Any] = dict(settings.query)
    body: Any = settings.body
    if cursor is not None:
        if settings.has_placeholder and asked_from is None:
            raise api.error(
                "has {cursor} in its query or body, and no moment to ask from the first time",
                "set cursor.initial, such as 2015-01-01",
            )
        if asked_from is not None:
            value = written(asked_from, cursor.format)
            if cursor.param is not None:
                query[cursor.param] = value
            query, body = _filled(query, str(value)), _filled(body, str(value))
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    return requests.Request(settings.method, api.url, params=query, json=body, headers=dict(settings.headers))


def _filled(value: Any, cursor: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, cursor) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, cursor) for item in value]
    return value.replace("{cursor}", cursor) if isinstance(value, str) else value


def paginator_of(paging: Paging) -> dlt.BasePaginator:
    """dlt's paginator of a setting."""
    if isinstance(paging, NextUrl):
        return dlt.JSONLinkPaginator(next_url_path=paging.path)
    if isinstance(paging, LinkHeader):
        return dlt.HeaderLinkPaginator()
    if isinstance(paging, PageCursor):
        return dlt.JSONResponseCursorPaginator(
            cursor_path=paging.path,
            cursor_param=paging.param,
            cursor_body_path=paging.body_path,
            has_more_path=paging.has_more,
        )
    if isinstance(paging, Offset):
        return dlt.OffsetPaginator(
            limit=paging.limit,
            offset_param=paging.offset_param,
            limit_param=paging.limit_param,
            total_path=paging.total,
        )
    if isinstance(paging, PageNumber):
        return dlt.PageNumberPaginator(
            base_page=paging.first, page_param=paging.param, total_path=paging.total_pages
        )
    return dlt.SinglePagePaginator()


def _records(api: Api, settings: RestSettings, body: Any) -> list[Record]:
    """The records of an answer; one that has no such list is an error and not an end."""
    found = value_at(body, settings.records) if settings.records else body
    if not isinstance(found, list):
        keys = f"it has {', '.join(sorted(map(str, body)))}" if isinstance(body, dict) else "it is no object"
        raise api.error(
            f"the answer holds no list of records at '{settings.records or ''}' ({keys})",
            "mend rest.records, which says where the list stands",
        )
    if any(not isinstance(record, dict) for record in found):
        raise api.error("a record of the answer is no object", "mend rest.records")
    return found
