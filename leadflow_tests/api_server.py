"""Servers on this machine that answer as an API does, and as it does on a bad day.

Belongs here: one HTTP server, the faults it can be told to have, HubSpot as its public documentation describes it.
Does not belong here: assertions.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "pat-secret-5f0c2b7e9d"

SWIFT = {
    "backoff_seconds": 0.001,
    "max_backoff_seconds": 0.005,
    "max_wait_seconds": 3,
    "attempts": 4,
    "timeout_seconds": 0.5,
}
"""Limits under which a test does not wait."""


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What is answered: a status, headers, and a body that is sent as JSON unless it is bytes already."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class CutShort:
    """The headers promise more than comes."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset without an answer."""


@dataclass(frozen=True)
class Silence:
    """Nothing comes for a while."""

    seconds: float = 1.0


@dataclass(frozen=True)
class Drip:
    """A body that comes byte by byte, so many seconds apart."""

    seconds: float


Fault = Answer | CutShort | Drip | Reset | Silence


@dataclass
class ApiServer:
    """A running server.

    Attributes:
        answers: what answers a request.
        asked: the requests so far.
        faults: what the next requests get instead, one each.
        before: called before each answer, with the number of the request from 1.
    """

    answers: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    before: Callable[[int], None] | None = None
    url: str = ""


@contextmanager
def serving(answers: Callable[[Asked], Answer]) -> Iterator[ApiServer]:
    """A server on a free port of this machine, gone with the block."""
    api = ApiServer(answers)
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20
        disable_nagle_algorithm = True  # else every answer waits for a delayed acknowledgement

        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            asked = Asked(
                self.command, parts.path, dict(parse_qsl(parts.query)), body, dict(self.headers.items())
            )
            api.asked.append(asked)
            if api.before is not None:
                api.before(len(api.asked))
            fault = api.faults.popleft() if api.faults else None
            if isinstance(fault, Silence):
                closing.wait(fault.seconds)
                self.close_connection = True
                return
            if isinstance(fault, Reset):
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                return
            if isinstance(fault, Drip):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(1000):
                    self.wfile.write(b" ")
                    if closing.wait(fault.seconds):
                        break
                self.close_connection = True
                return
            answer = fault if isinstance(fault, Answer) else api.answers(asked)
            content = answer.content
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header(
                "Content-Length", str(len(content) + (100 if isinstance(fault, CutShort) else 0))
            )
            self.end_headers()
            self.wfile.write(content)
            if isinstance(fault, CutShort):
                self.close_connection = True

        do_GET = do_POST = handle_one  # noqa: N815 - as http.server calls them

        def log_message(self, format: str, *args: object) -> None:
            """Silent: what was asked is in `asked`."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Silent: a client that was killed is no error of the server's."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def iso(milliseconds: int) -> str:
    """An instant as HubSpot writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class HubSpot:
    """A HubSpot account: what its objects hold, and the endpoints that leadflow asks.

    The search is what the documentation says of it: at most 200 records a page, none beyond the 10,000th, one order only,
    properties that the account does not have left out, others null where they have no value.

    Attributes:
        objects: records of each object, as its API gives them.
        archived: records in the recycle bin.
        associations: ids of the objects that each record is associated with, by (from, to), the primary one first.
        pipelines: as the pipelines endpoint gives them.
        events: e-mail events.
        token: the only one that is let in.
        event_page_size: most events a page.
    """

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    archived: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    associations: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    token: str = TOKEN
    event_page_size: int = 1000

    def add(self, kind: str, number: int | str, modified_ms: int, **properties: Any) -> dict[str, Any]:
        """Put a record in, or change the one that is there."""
        found = self.objects.setdefault(kind, [])
        found[:] = [record for record in found if record["id"] != str(number)]
        modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        record = {
            "id": str(number),
            "properties": {
                **properties,
                modified: iso(modified_ms),
                "hs_object_id": str(number),
                "createdate": properties.get("createdate") or iso(1_600_000_000_000),
            },
            "createdAt": properties.get("createdate") or iso(1_600_000_000_000),
            "updatedAt": iso(modified_ms),
            "archived": False,
        }
        found.append(record)
        return record

    def answer(self, asked: Asked) -> Answer:
        """What HubSpot answers."""
        if asked.headers.get("Authorization") != f"Bearer {self.token}":
            given = asked.headers.get("Authorization", "")
            return Answer({"status": "error", "message": f"Authentication failed: {given}"}, 401)
        parts = asked.path.strip("/").split("/")
        if parts[:3] == ["crm", "v3", "pipelines"]:
            return Answer({"results": self.pipelines})
        if parts[:3] == ["email", "public", "v1"]:
            return Answer(self._events(asked.query))
        if parts[:3] == ["crm", "v4", "associations"]:
            return Answer(self._associated(parts[3], parts[4], asked.body))
        if parts[:3] == ["crm", "v3", "objects"] and parts[-1] == "search":
            return self._search(parts[3], asked.body)
        if parts[:3] == ["crm", "v3", "objects"] and asked.query.get("archived") == "true":
            return Answer(self._archived(parts[3], asked.query))
        return Answer({"message": "not found"}, 404)

    def _search(self, kind: str, body: dict[str, Any]) -> Answer:
        assert body["limit"] <= 200, "HubSpot gives 200 records a page at most"
        assert len(body["sorts"]) == 1, "HubSpot sorts by one property"
        assert len(json.dumps(body)) <= 3000, "HubSpot takes 3,000 characters"
        start = int(body.get("after", 0))
        if start + body["limit"] > 10_000:
            return Answer({"message": "paging past 10000 is not possible"}, 400)
        found = list(self.objects.get(kind, []))
        for group in body["filterGroups"]:
            for one in group["filters"]:
                found = [record for record in found if _holds(record, one)]
        (sort,) = body["sorts"]
        found.sort(key=lambda record: _number(record["properties"][sort["propertyName"]]))
        page = found[start : start + body["limit"]]
        known = {name for record in self.objects.get(kind, []) for name in record["properties"]}
        names = [name for name in body["properties"] if name in known]
        results = [
            {**record, "properties": {name: record["properties"].get(name) for name in names}}
            for record in page
        ]
        paging = (
            {"paging": {"next": {"after": str(start + len(page))}}} if len(found) > start + len(page) else {}
        )
        return Answer({"total": len(found), "results": results, **paging})

    def _archived(self, kind: str, query: dict[str, str]) -> dict[str, Any]:
        limit = min(int(query["limit"]), 100)
        found = sorted(self.archived.get(kind, []), key=lambda record: int(record["id"]))
        rest = [record for record in found if int(record["id"]) > int(query.get("after", 0))]
        names = query["properties"].split(",")
        results = [
            {**record, "properties": {name: record["properties"].get(name) for name in names}}
            for record in rest[:limit]
        ]
        paging = {"paging": {"next": {"after": results[-1]["id"]}}} if len(rest) > limit else {}
        return {"results": results, **paging}

    def _associated(self, kind: str, other: str, body: dict[str, Any]) -> dict[str, Any]:
        assert len(body["inputs"]) <= 1000
        found = self.associations.get((kind, other), {})
        results = [
            {
                "from": {"id": one["id"]},
                "to": [
                    {
                        "toObjectId": int(to),
                        "associationTypes": [
                            {
                                "category": "HUBSPOT_DEFINED",
                                "typeId": 5,
                                "label": None if place else "Primary",
                            }
                        ],
                    }
                    # by id, as HubSpot lists them
                    for place, to in sorted(enumerate(found[one["id"]]), key=lambda pair: int(pair[1]))
                ],
            }
            for one in body["inputs"]
            if one["id"] in found
        ]
        return {"status": "COMPLETE", "results": results}

    def _events(self, query: dict[str, str]) -> dict[str, Any]:
        low, high = int(query.get("startTimestamp", 0)), int(query.get("endTimestamp", 10**15))
        found = sorted(
            (event for event in self.events if low <= event["created"] <= high),
            key=lambda event: (-event["created"], event["id"]),
        )
        start = int(base64.b64decode(query["offset"])) if "offset" in query else 0
        end = start + min(int(query.get("limit", 10)), self.event_page_size)
        return {
            "hasMore": end < len(found),
            "offset": base64.b64encode(str(end).encode()).decode(),
            "events": found[start:end],
        }


def _holds(record: dict[str, Any], one: dict[str, str]) -> bool:
    value, wanted = _number(record["properties"][one["propertyName"]]), int(one["value"])
    return {"GTE": value >= wanted, "EQ": value == wanted, "GT": value > wanted}[one["operator"]]


def _number(value: str) -> int:
    """An id, or an instant in milliseconds."""
    if value.isdigit():
        return int(value)
    return round(datetime.fromisoformat(value).timestamp() * 1000)
