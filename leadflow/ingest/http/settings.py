"""What sources.yaml may say of a source that is fetched over HTTP, typed and validated.

Belongs here: the settings, each validated by itself. Does not belong here: asking for anything (rest.py, hubspot.py) and
what every API shares (leadflow/http/). No secret stands in a setting: settings name the environment variables that hold them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from leadflow.config_files import Strict
from leadflow.http.settings import AskLimits, Auth, EnvironmentName, http_url, type_of, without_secrets

HubSpotObject = Literal[
    "contacts", "companies", "deals", "calls", "meetings", "emails", "tasks", "notes", "email_events"
]

HUBSPOT_URL = "https://api.hubapi.com"


class Limits(AskLimits):
    """How long a source may be asked and waited for, and how much at a time.

    Attributes:
        max_pages: pages that one refresh fetches at most, against an API that never ends.
        batch_rows: records that land together, in one transaction with the cursor; a page is never parted.
    """

    max_pages: int = Field(default=100_000, ge=1, strict=True)
    batch_rows: int = Field(default=20_000, ge=1, le=1_000_000, strict=True)


class SinglePage(Strict):
    """Everything comes in one answer.

    Attributes:
        type: single.
    """

    type: Literal["single"]


class NextUrl(Strict):
    """The answer holds the address of the next page.

    Attributes:
        type: next_url.
        path: where in the answer it stands, such as nextRecordsUrl.
    """

    type: Literal["next_url"]
    path: str


class LinkHeader(Strict):
    """The answer's header Link holds the address of the next page.

    Attributes:
        type: link_header.
    """

    type: Literal["link_header"]


class PageCursor(Strict):
    """The answer holds a word that asks for the next page.

    Attributes:
        type: cursor.
        path: where in the answer it stands, such as paging.next.after.
        param: query parameter it goes into.
        body_path: where in the request's body it goes, instead of a query parameter.
        has_more: where in the answer stands whether there are more, if it says so.
    """

    type: Literal["cursor"]
    path: str
    param: str | None = None
    body_path: str | None = None
    has_more: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> PageCursor:
        if (self.param is None) == (self.body_path is None):
            raise ValueError("needs either param or body_path, which say where the cursor goes")
        return self


class Offset(Strict):
    """Pages are asked for by how many records went before; it ends with an empty page, or at the total.

    Attributes:
        type: offset.
        limit: records a page.
        offset_param: query parameter of the records before.
        limit_param: query parameter of the records a page.
        total: where in the answer the number of all records stands, if it does.
    """

    type: Literal["offset"]
    limit: int = Field(default=100, ge=1, strict=True)
    offset_param: str = "offset"
    limit_param: str = "limit"
    total: str | None = None


class PageNumber(Strict):
    """Pages are asked for by number; it ends with an empty page, or at the number of pages.

    Attributes:
        type: page.
        param: query parameter of the number.
        first: number of the first page.
        total_pages: where in the answer the number of pages stands, if it does.
    """

    type: Literal["page"]
    param: str = "page"
    first: int = Field(default=1, ge=0, strict=True)
    total_pages: str | None = None


Paging = Annotated[
    Annotated[SinglePage, Tag("single")]
    | Annotated[NextUrl, Tag("next_url")]
    | Annotated[LinkHeader, Tag("link_header")]
    | Annotated[PageCursor, Tag("cursor")]
    | Annotated[Offset, Tag("offset")]
    | Annotated[PageNumber, Tag("page")],
    Discriminator(
        type_of,
        custom_error_type="paging_type",
        custom_error_message="needs type: single, next_url, link_header, cursor, offset or page",
    ),
]


class ModifiedSince(Strict):
    """Asking only for what has changed since the last time.

    Attributes:
        field: where in a record stands when it was last changed: ISO 8601, or a number of seconds or milliseconds.
        param: query parameter of the moment to ask from; without it {cursor} stands for the moment somewhere in the
            query or body.
        format: how the moment is written: iso, date, epoch_seconds, epoch_milliseconds, or strftime's letters.
        initial: moment to ask from the first time; everything where it is left out.
        lookback_minutes: how far before the last moment to ask again, for what the API shows late.
        order: ascending where the API gives what was changed first first, so that the cursor can move with each batch;
            else it moves when all is fetched.
    """

    field: str
    param: str | None = None
    format: str = "iso"
    initial: datetime | None = None
    lookback_minutes: float = Field(default=15, ge=0, le=100_000)
    order: Literal["ascending", "unordered"] = "unordered"

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ("iso", "date", "epoch_seconds", "epoch_milliseconds") and "%" not in value:
            raise ValueError(
                "is iso, date, epoch_seconds, epoch_milliseconds, or strftime's letters such as %Y-%m-%d %H:%M"
            )
        return value

    @field_validator("initial", mode="before")
    @classmethod
    def _utc(cls, value: object) -> object:
        """YAML reads 2024-01-01 as a date; an instant without an offset is UTC."""
        moment = datetime.fromisoformat(str(value)) if value is not None else None
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


class RestSettings(Strict):
    """A REST API that answers in JSON.

    Attributes:
        url: what to ask; ${VARIABLES} of the environment are expanded. What tells who asks goes nowhere but to its host.
        method: GET, or POST where the API is searched by a body.
        query: query parameters.
        body: JSON body of a POST.
        headers: further headers; no secrets, which belong into auth.
        auth: what tells who asks.
        records: where in the answer the list of records stands, such as data.items; left out, the answer is the list.
        paging: how the next page is asked for.
        cursor: asking only for what has changed; left out, everything is fetched each time.
        limits: how long it may be asked and waited for.
    """

    url: str
    method: Literal["GET", "POST"] = "GET"
    query: dict[str, str | int | float | bool] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    records: str | None = None
    paging: Paging = SinglePage(type="single")
    cursor: ModifiedSince | None = None
    limits: Limits = Limits()

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        return http_url(url)

    @field_validator("headers")
    @classmethod
    def _no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        return without_secrets(headers)

    @model_validator(mode="after")
    def _cursor_goes_somewhere(self) -> RestSettings:
        if self.body is not None and self.method == "GET":
            raise ValueError("has a body, which a GET does not take; set method: POST")
        if self.cursor is not None and self.cursor.param is None and not self.has_placeholder:
            raise ValueError(
                "has a cursor that is sent nowhere: set cursor.param, or write {cursor} in query or body"
            )
        return self

    @property
    def has_placeholder(self) -> bool:
        """Whether {cursor} stands in the query or body."""
        return "{cursor}" in f"{self.query} {self.body}"


class HubSpotSettings(Strict):
    """How HubSpot is asked.

    Attributes:
        token_env: environment variable that holds the access token of a private app.
        url: address of the API.
        properties: properties to fetch beside those that the mapping names, for expressions over them.
        associations: objects whose ids are to come with each record, as contact_id and contact_ids, and so on; left out,
            contacts and companies of a deal, contacts of an activity.
        page_size: records a page; HubSpot gives 200 at most.
        lookback_minutes: how far before the last change to ask again: its search shows changes late.
        limits: how long it may be asked and waited for.
    """

    token_env: EnvironmentName = "HUBSPOT_TOKEN"
    url: str = HUBSPOT_URL
    properties: tuple[str, ...] = ()
    associations: tuple[Literal["contacts", "companies", "deals"], ...] | None = None
    page_size: int = Field(default=200, ge=1, le=200, strict=True)
    lookback_minutes: float = Field(default=15, ge=0, le=100_000)
    limits: Limits = Limits()

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        return http_url(url).rstrip("/")
