"""What is added to HubSpot's records so that a mapping can use it: associations, what a deal's stage means, what is gone.

Belongs here: the further questions to HubSpot, and the keys that the answers become. Does not belong here: finding the
records (hubspot.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import requests

from leadflow.http.api import Api
from leadflow.http.json_paths import value_at
from leadflow.ingest.http.pages import Record
from leadflow.ingest.http.settings import HubSpotObject, HubSpotSettings

ASSOCIATED: dict[str, tuple[str, ...]] = {
    "contacts": (),
    "companies": (),
    "deals": ("contacts", "companies"),
}
"""Objects whose ids come with a record unless the source says others; of an activity it is contacts."""

_SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal"}
_BATCH = 1000


class Extras:
    """The keys added to the records of one object.

    Beside HubSpot's own keys a record gets: changed_at (when it was archived, else when it was changed), known_since
    (when it was archived, else when it was created), contact_id and contact_ids and so on of what it is associated with,
    merged_into; a deal pipeline_label, stage_label, is_closed and outcome (won, lost, or null while open).
    """

    def __init__(self, api: Api, settings: HubSpotSettings, kind: HubSpotObject) -> None:
        self._api, self._kind = api, kind
        self._associated = (
            settings.associations
            if settings.associations is not None
            else ASSOCIATED.get(kind, ("contacts",))
        )

    def added_to(self, records: Sequence[Record]) -> list[Record]:
        """The records with their further keys."""
        found = [
            {
                **record,
                "archived": bool(record.get("archived")),
                "merged_into": None,
                "changed_at": record.get("updatedAt"),
                "known_since": record.get("createdAt"),
                **self._stage(record),
            }
            for record in records
        ]
        for other in self._associated:
            ids = self._ids(other, [record["id"] for record in found])
            name = _SINGULAR[other]
            for record in found:
                record[f"{name}_ids"] = ids.get(record["id"], [])
                record[f"{name}_id"] = next(iter(record[f"{name}_ids"]), None)
        return found

    def archived(self, record: Record) -> Record:
        """A record from the recycle bin; it has no associations any more."""
        (found,) = self._without_associations([record])
        gone_at = record.get("archivedAt") or record.get("updatedAt")
        return {**found, "archived": True, "changed_at": gone_at, "known_since": gone_at}

    def merged_into(self, record: Record) -> Iterator[Record]:
        """For each record that was merged into this one, a record that says it is gone."""
        merged = str(record["properties"].get("hs_merged_object_ids") or "")
        for gone in sorted({part.strip() for part in merged.replace(",", ";").split(";")} - {""}):
            at = record.get("updatedAt")
            empty = {
                **record,
                "id": gone,
                "properties": dict.fromkeys(record["properties"]),
                **dict.fromkeys(key for key in record if key.endswith(("_id", "_ids"))),
            }
            yield {
                **empty,
                "archived": True,
                "merged_into": record["id"],
                "changed_at": at,
                "known_since": at,
            }

    def _without_associations(self, records: Sequence[Record]) -> list[Record]:
        empty = {f"{_SINGULAR[other]}{end}": None for other in self._associated for end in ("_id", "_ids")}
        return [
            {
                **record,
                **empty,
                "merged_into": None,
                **self._stage(record),
            }
            for record in records
        ]

    def _ids(self, other: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Ids of what each record is associated with, the primary one first, then by id."""
        found: dict[str, list[tuple[bool, int, str]]] = {}
        asked: list[dict[str, str]] = [{"id": one} for one in ids]
        were_asked: set[str] = set()
        while asked:
            now, asked = asked[:_BATCH], asked[_BATCH:]
            if str(now) in were_asked:
                raise self._api.error(
                    "HubSpot asks for associations that were fetched before, without end",
                    "see whether the API has changed",
                )
            were_asked.add(str(now))
            url = f"{self._api.url}/crm/v4/associations/{self._kind}/{other}/batch/read"
            _, answer = self._api.answer(requests.Request("POST", url, json={"inputs": now}))
            results = value_at(answer, "results")
            if not isinstance(results, list):
                raise self._api.error(
                    "HubSpot answers with no list of associations", "see whether the API has changed"
                )
            for result in results:
                one = str(value_at(result, "from.id"))
                for to in value_at(result, "to") or []:
                    other_id = str(value_at(to, "toObjectId"))
                    is_primary = any(
                        str(value_at(kind, "label")).lower().startswith("primary")
                        for kind in value_at(to, "associationTypes") or []
                    )
                    number = int(other_id) if other_id.isdigit() else 0
                    found.setdefault(one, []).append((not is_primary, number, other_id))
                if after := value_at(result, "paging.next.after"):
                    asked.append({"id": one, "after": str(after)})
        return {one: list(dict.fromkeys(to for _, _, to in sorted(tos))) for one, tos in found.items()}

    def _stage(self, record: Record) -> Record:
        """What a deal's stage means; of other objects nothing."""
        if self._kind != "deals":
            return {}
        properties = record["properties"]
        pipeline = str(properties.get("pipeline"))
        label, stages = self._pipelines.get(pipeline, (None, {}))
        stage = stages.get(str(properties.get("dealstage")))
        if stage is None:  # of a pipeline that was deleted since
            is_closed = properties.get("hs_is_closed") == "true"
            is_won, is_lost = properties.get("hs_is_closed_won") == "true", is_closed
            stage_label = None
        else:
            stage_label, is_closed, probability = stage
            is_won, is_lost = is_closed and probability == 1, is_closed and probability == 0
        return {
            "pipeline_label": label,
            "stage_label": stage_label,
            "is_closed": is_closed,
            "outcome": "won" if is_won else "lost" if is_lost else None,
        }

    @cached_property
    def _pipelines(self) -> dict[str, tuple[str | None, dict[str, tuple[str | None, bool, float | None]]]]:
        """Label of each pipeline, and of each of its stages label, whether it is closed, and the probability to win."""
        _, answer = self._api.answer(requests.Request("GET", f"{self._api.url}/crm/v3/pipelines/deals"))
        results = value_at(answer, "results")
        if not isinstance(results, list):
            raise self._api.error(
                "HubSpot answers with no list of pipelines", "see whether the API has changed"
            )
        return {
            str(value_at(pipeline, "id")): (
                value_at(pipeline, "label"),
                {str(value_at(stage, "id")): _meaning(stage) for stage in value_at(pipeline, "stages") or []},
            )
            for pipeline in results
        }


def _meaning(stage: Any) -> tuple[str | None, bool, float | None]:
    probability = value_at(stage, "metadata.probability")
    try:
        number = None if probability is None else float(probability)
    except (TypeError, ValueError):
        number = None
    is_closed = str(value_at(stage, "metadata.isClosed")).lower() == "true"
    return value_at(stage, "label"), is_closed, number
