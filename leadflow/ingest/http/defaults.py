"""What HubSpot's fields are in leadflow: the mapping of a source that gives none, and the properties to fetch for one.

Belongs here: HubSpot's names beside leadflow's. Does not belong here: asking HubSpot (hubspot.py).

HubSpot's internal names of properties are the same in every account; what an account has made itself is mapped in
sources.yaml, by `properties.its_name`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TABLES = {
    "contacts": "mql",
    "companies": "company_reference",
    "deals": "opportunities",
    "calls": "sales_activities",
    "meetings": "sales_activities",
    "emails": "sales_activities",
    "tasks": "sales_activities",
    "notes": "sales_activities",
    "email_events": "email_events",
}
"""The raw table that an object fills unless the source names another."""

_PERSON = {
    "email": "properties.email",
    "phone": "properties.phone",
    "full_name": {
        "expression": "nullif(concat_ws(' ', \"properties.firstname\", \"properties.lastname\"), '')"
    },
    "company_name": "properties.company",
    "title": "properties.jobtitle",
    "country": "properties.country",
    "channel": "properties.hs_analytics_source",
}


def _activity(kind: str, **columns: object) -> dict[str, Any]:
    return {
        # Ids are told apart within one kind of object only.
        "columns": {
            "activity_id": {"expression": f"'{kind}-' || id"},
            "mql_id": "contact_id",
            "activity_type": {"constant": kind},
            "owner": "properties.hubspot_owner_id",
            **columns,
        },
        "occurred_at": "properties.hs_timestamp",
        # It was known when it was last changed: what came of a meeting is written after it.
        "known_at": {"column": "changed_at"},
    }


_MAPPINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("contacts", "mql"): {
        "columns": {
            "mql_id": "id",
            **_PERSON,
            "campaign": "properties.hs_analytics_source_data_1",
            "landing_page": "properties.hs_analytics_first_url",
            "form_name": "properties.first_conversion_event_name",
            "first_touch_at": "properties.hs_analytics_first_timestamp",
        },
        "occurred_at": "createdAt",
        # Taken as known since the contact was there: who it is and where from changes seldom. Only what is gone is
        # known to be gone from then on.
        "known_at": {"column": "known_since"},
    },
    ("contacts", "sql_leads"): {
        "columns": {
            "sql_lead_id": "id",
            "mql_id": "id",
            **_PERSON,
            "owner": "properties.hubspot_owner_id",
            "status": "properties.hs_lead_status",
            "stage": "properties.lifecyclestage",
        },
        "occurred_at": "createdAt",
        "known_at": {"column": "changed_at"},
    },
    ("companies", "company_reference"): {
        "columns": {
            "company_reference_id": "id",
            "domain": "properties.domain",
            "company_name": "properties.name",
            "industry": "properties.industry",
            "company_size": "properties.numberofemployees",
            "is_listed": "properties.is_public",
            "country": "properties.country",
        },
        "occurred_at": "createdAt",
        "known_at": {"column": "changed_at"},
    },
    ("deals", "opportunities"): {
        "columns": {
            "opportunity_id": "id",
            "mql_id": "contact_id",
            "owner": "properties.hubspot_owner_id",
            "stage": {"expression": 'coalesce(stage_label, "properties.dealstage")'},
            "outcome": "outcome",
            "loss_reason": "properties.closed_lost_reason",
            "contract_value": "properties.amount",
            "currency": "properties.deal_currency_code",
            "opened_at": {"expression": 'coalesce("properties.createdate", "createdAt")'},
            # Of an open deal it is only when it is hoped to close.
            "closed_at": {"expression": "case when is_closed = 'true' then \"properties.closedate\" end"},
        },
        "occurred_at": {
            "expression": "coalesce(case when is_closed = 'true' then \"properties.closedate\" end, "
            '"properties.createdate", "createdAt")'
        },
        "known_at": {"column": "changed_at"},
    },
    ("calls", "sales_activities"): _activity(
        "call",
        duration_seconds={"expression": 'try_cast("properties.hs_call_duration" as double) / 1000'},
        result="properties.hs_call_disposition",
    ),
    ("meetings", "sales_activities"): _activity(
        "meeting",
        duration_seconds={
            "expression": "date_diff('millisecond', try_cast(\"properties.hs_meeting_start_time\" as timestamptz), "
            'try_cast("properties.hs_meeting_end_time" as timestamptz)) / 1000'
        },
        result="properties.hs_meeting_outcome",
    ),
    ("emails", "sales_activities"): _activity("email", result="properties.hs_email_status"),
    ("tasks", "sales_activities"): _activity("task", result="properties.hs_task_status"),
    ("notes", "sales_activities"): _activity("note"),
    ("email_events", "email_events"): {
        "columns": {
            "event_id": "id",
            "email": "recipient",
            "event_type": {
                "expression": "case type when 'SPAMREPORT' then 'spam_report' when 'STATUSCHANGE' then 'unsubscribe' "
                "else lower(type) end"
            },
            "campaign": "emailCampaignId",
        },
        "occurred_at": {"expression": "epoch_ms(try_cast(created as bigint))"},
    },
}

_ALWAYS = {"deals": ("pipeline", "dealstage", "hs_is_closed", "hs_is_closed_won")}
"""Properties that are needed for the keys which are added to a record."""

ADDED_KEYS = (
    "id", "archived", "createdAt", "updatedAt", "archivedAt", "changed_at", "known_since", "merged_into",
    "contact_id", "contact_ids", "company_id", "company_ids", "deal_id", "deal_ids", "pipeline_label", "stage_label",
    "is_closed", "outcome",
)  # fmt: skip
"""Keys beside the properties that an expression may read though no record of a fetch has them."""

EVENT_KEYS = (
    "id", "type", "created", "recipient", "emailCampaignId", "appId", "appName", "sentBy.id", "sentBy.created",
    "causedBy.id", "causedBy.created", "url", "duration", "filteredEvent", "userAgent", "subject",
)  # fmt: skip
"""The same of e-mail events."""

_PROPERTY = re.compile(r"properties\.([A-Za-z0-9_$-]+)")


def with_defaults(source: Mapping[str, Any]) -> dict[str, Any]:
    """A HubSpot source as sources.yaml gives it, filled with the mapping that its object has; what is given stays.

    With `deleted: null` what is archived or merged is not asked for.
    """
    kind = source.get("object")
    table = source.get("table") or TABLES.get(str(kind), "")
    default = _MAPPINGS.get((str(kind), str(table).removeprefix("raw.")), {})
    if default and kind != "email_events":
        default = {**default, "deleted": {"column": "archived"}}
    given = source.get("columns")
    columns = {**default.get("columns", {}), **given} if isinstance(given, Mapping) else given
    if given is None:
        columns = dict(default.get("columns", {}))
    filled = {"table": table, **{key: default[key] for key in default if key != "columns"}, **source}
    return {**filled, "columns": columns}


def properties_named(mapping: object) -> tuple[str, ...]:
    """Names of the properties that a mapping, as plain data, reads anywhere, also within expressions."""
    return tuple(sorted(set(_PROPERTY.findall(str(mapping)))))


def properties_asked(
    kind: str, mapping: object, more: tuple[str, ...], *, has_deletions: bool
) -> tuple[str, ...]:
    """Properties to fetch for a mapping.

    Args:
        kind: the object.
        mapping: columns, times and attributes as plain data.
        more: further ones that the source names.
        has_deletions: whether what was merged is wanted.
    """
    merged = ("hs_merged_object_ids",) if has_deletions else ()
    return tuple(dict.fromkeys((*properties_named(mapping), *more, *_ALWAYS.get(kind, ()), *merged)))


def mapping_of(source: Any) -> dict[str, Any]:
    """What a source's mapping reads, as plain data."""
    mapping: dict[str, Any] = source.model_dump(
        mode="json", include={"columns", "occurred_at", "known_at", "attributes", "deleted"}
    )
    return mapping


def expected_columns(source: Any) -> set[str]:
    """Columns that an expression may read though no record that was fetched has them."""
    if source.connector != "hubspot":
        return set()
    if source.object == "email_events":
        return set(EVENT_KEYS)
    named = (*properties_named(mapping_of(source)), *source.hubspot.properties)
    return {*ADDED_KEYS, *(f"properties.{name}" for name in named)}
