"""The part of a source that says it is fetched over HTTP, and what does not go together in it.

Belongs here: the settings beside `path`, and what is wrong with them as a whole. Does not belong here: each setting by
itself (settings.py) and the source as a whole (ingest/sources.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from leadflow.config_files import Strict
from leadflow.ingest.http.defaults import with_defaults
from leadflow.ingest.http.settings import HubSpotObject, HubSpotSettings, Limits, RestSettings

_OF_FILES = ("path", "format", "read_options")

NO_MATTER: dict[str, Any] = {
    "hubspot": {"token_env": True, "page_size": True, "lookback_minutes": True, "limits": True},
    "rest": {"auth": True, "limits": True, "cursor": {"lookback_minutes": True, "order": True}},
}
"""Settings that change nothing about what is fetched: after changing one a source goes on where it was."""


def _for_editors(schema: dict[str, Any]) -> None:
    """A source names its files, or a connector; of HubSpot's objects table and columns are known."""
    required = [name for name in schema.get("required", []) if name != "name"]
    if required:
        of_rest = ["rest", *(name for name in required if name != "path")]
        schema["required"] = ["name"]
        schema["anyOf"] = [
            {"required": required, "properties": {"connector": {"type": "null"}}},
            {"required": ["connector", "object"], "properties": {"connector": {"const": "hubspot"}}},
            {"required": ["connector", *of_rest], "properties": {"connector": {"const": "rest"}}},
        ]


class FetchedSource(Strict):
    """What a source says where it is fetched over HTTP instead of read from files.

    Attributes:
        connector: hubspot or rest, instead of a path.
        object: what of HubSpot: contacts, companies, deals, calls, meetings, emails, tasks, notes or email_events. It
            brings a mapping, which columns given here go before.
        hubspot: how HubSpot is asked.
        rest: how a REST API is asked.
    """

    model_config = ConfigDict(json_schema_extra=_for_editors)

    connector: Literal["hubspot", "rest"] | None = None
    object: HubSpotObject | None = None
    hubspot: HubSpotSettings = HubSpotSettings()
    rest: RestSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, source: Any) -> Any:
        """A connector needs no path, and HubSpot's objects bring their table and mapping."""
        if not isinstance(source, Mapping) or source.get("connector") is None:
            return source
        if source["connector"] == "hubspot" and source.get("object") is None:
            raise ValueError("has connector: hubspot, and no object; add object: contacts, for example")
        filled = with_defaults(source) if source["connector"] == "hubspot" else source
        return {"path": "", **filled}

    @property
    def limits(self) -> Limits:
        """How long it may be asked and waited for."""
        return self.rest.limits if self.rest is not None else self.hubspot.limits


def fetching_problems(source: Any, clock: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path of every setting that does not go with another, and why.

    Args:
        source: the source (ingest/sources.py knows it whole).
        clock: of sources.yaml.
    """
    given = source.model_fields_set
    if source.connector is None:
        for name in ("object", "hubspot", "rest"):
            if name in given:
                connector = "rest" if name == "rest" else "hubspot"
                yield (name,), f"has {name}: and no connector; add connector: {connector}, or delete it"
        return
    for name in _OF_FILES:
        if name in given and (name != "path" or source.path):
            yield (name,), f"has {name}:, which belongs to files, beside a connector; keep one of the two"
    if clock == "newest_fact":
        yield (
            ("connector",),
            "is fetched, and `clock: newest_fact` looks for the newest fact before anything is; set clock: now",
        )
    if source.connector == "rest":
        yield from _rest_problems(source, given)
    else:
        yield from _hubspot_problems(source, given)


def _rest_problems(source: Any, given: set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    if source.rest is None:
        yield ("connector",), "has connector: rest, and does not say what to ask; add rest: with its url"
    for name in ("object", "hubspot"):
        if name in given:
            yield (name,), f"has {name}:, which belongs to connector: hubspot"
    if _deletes_absent(source) and source.rest is not None and source.rest.cursor is not None:
        yield (
            ("deleted",),
            "has deleted: absent, and a cursor, by which what has not changed is absent; keep one of the two",
        )


def _hubspot_problems(source: Any, given: set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    if "rest" in given:
        yield ("rest",), "has rest:, which belongs to connector: rest"
    if not source.columns:
        yield (
            ("object",),
            f"has no columns, and leadflow knows none of {source.object} in raw.{source.table}; write them",
        )
    if _deletes_absent(source):
        yield (
            ("deleted",),
            "has deleted: absent, but only what has changed is fetched from HubSpot; write deleted: {column: archived}",
        )


def _deletes_absent(source: Any) -> bool:
    return bool(source.deleted == "absent")
