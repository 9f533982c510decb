"""Rows of real CRMs, served as their APIs serve them, land with types and keys right."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api_server import SWIFT, TOKEN, Answer, ApiServer, Asked, HubSpot, serving
from api_yard import ApiYard, api_yard

FOLDER = Path(os.environ.get("LEADFLOW_TEST_DATA", "")) / "crm_shapes"
SECRET = {"type": "bearer", "token_env": "CRM_TOKEN"}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not os.environ.get("LEADFLOW_TEST_DATA") or not FOLDER.is_dir(),
        reason="the folder named by LEADFLOW_TEST_DATA holds no crm_shapes",
    ),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[ApiYard]:
    with api_yard(tmp_path) as made:
        yield made


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        # The copies write an hour as 3 or 03.
        return [
            {
                key.lower(): re.sub(r"^(\d{4}-\d\d-\d\d) (\d):", r"\1 0\2:", value)
                for key, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _iso(text: str) -> str | None:
    return f"{text[:10]}T{text[11:] or '00:00:00'}Z" if text else None


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _properties(row: dict[str, str]) -> dict[str, str | None]:
    """The columns of a warehouse's copy as the properties they were; moments in ISO 8601, nothing as null."""
    found = {
        key.removeprefix("property_"): value or None
        for key, value in row.items()
        if key.startswith("property_")
    }
    return {key: _iso(value) if value and key.endswith("date") else value for key, value in found.items()}


@pytest.fixture
def hubspot() -> Iterator[tuple[HubSpot, ApiServer]]:
    account = HubSpot(event_page_size=30)
    for kind, name, key in (
        ("contacts", "contact_data", "id"),
        ("companies", "company_data", "id"),
        ("deals", "deal_data", "deal_id"),
    ):
        for row in _read(f"hubspot/{name}"):
            properties: dict[str, Any] = _properties(row)
            if kind == "deals":
                properties |= {
                    "pipeline": row["deal_pipeline_id"] or None,
                    "dealstage": row["deal_pipeline_stage_id"] or None,
                    "hubspot_owner_id": row["owner_id"] or None,
                }
            account.add(
                kind, row[key], _ms(row.get("_fivetran_synced") or "2020-12-30 03:15:52"), **properties
            )
    for row in _read("hubspot/engagement_meeting_data"):
        account.add(
            "meetings",
            row["engagement_id"],
            _ms(row["_fivetran_synced"]),
            hs_timestamp=_iso(row["start_time"]),
            hs_meeting_start_time=_iso(row["start_time"]),
            hs_meeting_end_time=_iso(row["end_time"]),
            hs_meeting_outcome=row["meeting_outcome"] or None,
        )
    account.events = [
        {
            "id": row["id"],
            "type": row["type"],
            "created": _ms(row["created"]),
            "recipient": row["recipient"],
            "emailCampaignId": int(row["email_campaign_id"]) if row["email_campaign_id"] else None,
            "sentBy": {"id": row["sent_by_id"], "created": _ms(row["sent_by_created"])}
            if row["sent_by_id"]
            else None,
        }
        for row in _read("hubspot/email_event_data")
    ]
    pairs = _read("hubspot/deal_contact_data")
    account.associations[("deals", "contacts")] = {row["deal_id"]: [row["contact_id"]] for row in pairs}
    with serving(account.answer) as server:
        yield account, server


def _source(server: ApiServer, kind: str, **settings: Any) -> dict[str, Any]:
    made = {"url": server.url, "limits": {**SWIFT, "batch_rows": 20}, "page_size": 10}
    return {"name": kind, "connector": "hubspot", "object": kind, "hubspot": made, **settings}


def test_hubspot_contacts(yard: ApiYard, hubspot: tuple[HubSpot, ApiServer]) -> None:
    attributes = {"revenue": {"column": "properties.annualrevenue", "type": "number"}}
    done = yard.land(_source(hubspot[1], "contacts", attributes=attributes))
    assert done.failed == {}
    given = {row["id"]: row for row in _read("hubspot/contact_data")}
    merged = {"76340251", "46897301", "76226001"}  # into 78971951, as it says itself
    found = yard.rows("select mql_id, email, company_name, full_name, occurred_at, known_at from raw.mql")
    assert {row[0] for row in found} == given.keys() - merged
    for mql_id, email, company, name, occurred_at, known_at in found:
        row = given[mql_id]
        assert (email, company or "") == (row["property_email"], row["property_company"])
        assert name == f"{row['property_firstname']} {row['property_lastname']}".strip()
        assert occurred_at == known_at == _moment(row["property_createdate"])
    revenues = dict(yard.rows("select record_id, value from raw.attributes"))
    assert {key: float(value) for key, value in revenues.items() if key == "78971951"} == {
        "78971951": 111111.0
    }
    gone = yard.rows("select mql_id, known_at from raw.mql_history where is_deleted order by 1")
    assert gone == [(one, _moment("2021-04-02 11:16:05")) for one in sorted(merged)]


def test_hubspot_companies_with_an_odd_property(yard: ApiYard, hubspot: tuple[HubSpot, ApiServer]) -> None:
    odd = {"odd": {"column": "properties.hs_all-funky-a9384-syntax", "type": "number"}}
    done = yard.land(_source(hubspot[1], "companies", attributes=odd))
    assert done.failed == {}
    given = {row["id"]: row for row in _read("hubspot/company_data")}
    found = yard.rows(
        "select company_reference_id, company_name, industry, country, occurred_at from raw.company_reference"
    )
    assert len(found) == len(given) == 24
    for key, *values in found:
        row = given[key]
        texts = [row[f"property_{name}"] or None for name in ("name", "industry", "country")]
        assert values == [*texts, _moment(row["property_createdate"])]
    assert yard.value("select count(*) from raw.attributes where attribute = 'odd' and value = '23.0'") > 0


def test_hubspot_deals_know_their_contact(yard: ApiYard, hubspot: tuple[HubSpot, ApiServer]) -> None:
    account, server = hubspot
    given = {row["deal_id"]: row for row in _read("hubspot/deal_data")}
    stages = sorted({row["deal_pipeline_stage_id"] for row in given.values()} - {""})
    account.pipelines = [
        {
            "id": pipeline,
            "label": "Sales",
            "stages": [
                {
                    "id": stage,
                    "label": f"Stage {place}",
                    "metadata": {"isClosed": "true", "probability": str(place % 2)},
                }
                for place, stage in enumerate(stages)
            ],
        }
        for pipeline in {row["deal_pipeline_id"] for row in given.values()} - {""}
    ]
    some = [*given][:5]
    account.associations[("deals", "contacts")] = {deal: ["78971951"] for deal in some}
    assert yard.land(_source(server, "deals")).failed == {}
    found = yard.rows(
        "select opportunity_id, mql_id, owner, outcome, contract_value, opened_at, closed_at from raw.opportunities"
    )
    assert {row[0] for row in found} == given.keys()
    for key, mql_id, owner, outcome, value, opened_at, closed_at in found:
        row = given[key]
        stage, at = row["deal_pipeline_stage_id"], row["property_closedate"]
        assert outcome == (("lost", "won")[stages.index(stage) % 2] if stage else None)
        assert (owner or "", opened_at) == (row["owner_id"], _moment(row["property_createdate"]))
        assert value == (float(row["property_amount"]) if row["property_amount"] else None)
        assert closed_at == (_moment(at) if stage else None)
        assert mql_id == ("78971951" if key in some else None)


def test_hubspot_meetings(yard: ApiYard, hubspot: tuple[HubSpot, ApiServer]) -> None:
    assert yard.land(_source(hubspot[1], "meetings")).failed == {}
    given = {f"meeting-{row['engagement_id']}": row for row in _read("hubspot/engagement_meeting_data")}
    found = yard.rows(
        "select activity_id, activity_type, duration_seconds, occurred_at from raw.sales_activities"
    )
    assert {row[0] for row in found} == given.keys()
    for key, kind, seconds, occurred_at in found:
        start, end = _moment(given[key]["start_time"]), _moment(given[key]["end_time"])
        assert (kind, occurred_at) == ("meeting", start)
        assert start is not None
        assert seconds == (None if end is None else (end - start).total_seconds())


def test_hubspot_email_events(yard: ApiYard, hubspot: tuple[HubSpot, ApiServer]) -> None:
    assert yard.land(_source(hubspot[1], "email_events")).failed == {}
    given = {row["id"]: row for row in _read("hubspot/email_event_data")}
    found = yard.rows("select event_id, email, event_type, campaign, occurred_at from raw.email_events")
    assert len(found) == 100
    for key, email, kind, campaign, occurred_at in found:
        row = given[key]
        assert (email, kind, campaign) == (row["recipient"], row["type"].lower(), row["email_campaign_id"])
        assert occurred_at == _moment(row["created"])
    yard.land(_source(hubspot[1], "email_events"))
    assert yard.value("select count(*) from raw.email_events") == 100


_BOOLEANS = {"true": True, "false": False}


def _salesforce(row: dict[str, str]) -> dict[str, Any]:
    """A row as Salesforce's API gives it: names in camel case, booleans and moments in its own way."""
    found: dict[str, Any] = {
        "attributes": {"type": "X", "url": f"/services/data/v60.0/sobjects/X/{row['id']}"}
    }
    for key, value in row.items():
        name = "".join(part.capitalize() for part in key.split("_"))
        is_moment = bool(value) and key.endswith(("date", "stamp", "date_time")) and value[4:5] == "-"
        found[name] = (
            _BOOLEANS[value.lower()]
            if value.lower() in _BOOLEANS
            else f"{value[:10]}T{value[11:]}.000+0000"
            if is_moment
            else value or None
        )
    return found


def _serving(name: str, page_size: int = 4) -> Any:
    """Salesforce's queryAll, which gives deleted rows too: a page, and the address of the next."""
    rows = [_salesforce(row) for row in _read(f"salesforce/sf_{name}_data")]

    def answers(asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)
        start = int(asked.path.rsplit("-", 1)[1]) if "-" in asked.path else 0
        end = start + page_size
        more = {"nextRecordsUrl": f"/services/data/v60.0/query/01g-{end}"} if end < len(rows) else {}
        return Answer({"totalSize": len(rows), "done": not more, "records": rows[start:end], **more})

    return serving(answers)


def _rest(
    server: ApiServer, name: str, table: str, columns: dict[str, Any], **settings: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "table": table,
        "connector": "rest",
        "columns": columns,
        "occurred_at": "CreatedDate",
        "rest": {
            "url": f"{server.url}/services/data/v60.0/queryAll",
            "query": {"q": f"select FIELDS(ALL) from {name}"},
            "auth": SECRET,
            "records": "records",
            "paging": {"type": "next_url", "path": "nextRecordsUrl"},
            "limits": SWIFT,
        },
        **settings,
    }


def test_salesforce_leads(yard: ApiYard) -> None:
    columns = {
        "sql_lead_id": "Id",
        "email": "Email",
        "full_name": "Name",
        "company_name": "Company",
        "status": "Status",
        "is_accepted": "IsConverted",
        "channel": "LeadSource",
    }
    with _serving("lead") as server:
        source = _rest(server, "lead", "sql_leads", columns, known_at={"column": "SystemModstamp"})
        assert yard.land({**source, "deleted": {"column": "IsDeleted"}}).failed == {}
    assert yard.rows("select sql_lead_id, email, full_name, company_name, status, is_accepted, channel, known_at from raw.sql_leads") == [
        ("00Q1G00000nDnM5UAK", "h@gmail.com", "h", "Z", "Converted", True, None, _moment("2019-11-11 17:23:34"))
    ]  # fmt: skip


@pytest.mark.parametrize("has_deletions", [False, True])
def test_salesforce_opportunities(yard: ApiYard, has_deletions: bool) -> None:
    columns: dict[str, Any] = {
        "opportunity_id": "Id",
        "company_name": "AccountId",
        "stage": "StageName",
        "contract_value": "Amount",
        "opened_at": "CreatedDate",
        "closed_at": {"expression": "case when IsClosed = 'true' then CloseDate end"},
        "outcome": {"expression": "case when IsClosed = 'true' then if(IsWon = 'true', 'won', 'lost') end"},
    }
    given = {row["id"]: row for row in _read("salesforce/sf_opportunity_data")}
    with _serving("opportunity") as server:
        source = _rest(server, "opportunity", "opportunities", columns)
        source |= {"deleted": {"column": "IsDeleted"}} if has_deletions else {}
        assert yard.land(source).failed == {}
    if has_deletions:  # all ten are
        assert yard.value("select count(*) from raw.opportunities") == 0
        assert yard.value("select count(*) from raw.opportunities_history where is_deleted") == 10
        return
    found = yard.rows("select opportunity_id, contract_value, outcome, closed_at from raw.opportunities")
    assert {row[0] for row in found} == given.keys()
    for key, value, outcome, closed_at in found:
        row = given[key]
        assert value == (float(row["amount"]) if row["amount"] else None)
        is_closed = row["is_closed"].lower() == "true"
        assert outcome == (("won" if row["is_won"].lower() == "true" else "lost") if is_closed else None)
        assert closed_at == (_moment(row["close_date"]) if is_closed else None)


def test_salesforce_tasks_and_events(yard: ApiYard) -> None:
    task = {
        "activity_id": "Id",
        "sql_lead_id": "WhoId",
        "activity_type": {"constant": "call"},
        "duration_seconds": "CallDurationInSeconds",
        "owner": "OwnerId",
    }
    meeting = {
        **task,
        "activity_type": {"constant": "meeting"},
        "duration_seconds": {"expression": "cast(DurationInMinutes as double) * 60"},
    }
    with _serving("task") as tasks, _serving("event") as events:
        done = yard.land(
            _rest(tasks, "task", "sales_activities", task),
            _rest(events, "event", "sales_activities", meeting),
        )
    assert done.failed == {}
    given = {
        row["id"]: row for row in (*_read("salesforce/sf_task_data"), *_read("salesforce/sf_event_data"))
    }
    found = yard.rows(
        "select activity_id, sql_lead_id, duration_seconds, owner, occurred_at from raw.sales_activities"
    )
    assert {row[0] for row in found} == given.keys()
    assert len(found) == 20
    for key, lead, seconds, owner, occurred_at in found:
        row = given[key]
        assert (lead or "", owner) == (row["who_id"], row["owner_id"])
        assert occurred_at == _moment(row["created_date"])
        minutes = row.get("duration_in_minutes")
        assert seconds == (float(minutes) * 60 if minutes else None)


def test_salesforce_accounts_that_are_deleted(yard: ApiYard) -> None:
    columns = {
        "company_reference_id": "Id",
        "company_name": "Name",
        "industry": "Industry",
        "company_size": "NumberOfEmployees",
        "country": "BillingCountry",
    }
    given = _read("salesforce/sf_account_data")
    with _serving("account") as server:
        source = _rest(server, "account", "company_reference", columns, deleted={"column": "IsDeleted"})
        source |= {"occurred_at": "FivetranSynced"}
        assert yard.land(source).failed == {}
    kept = {row["id"]: row for row in given if row["is_deleted"] == "false"}
    found = yard.rows("select company_reference_id, company_name, company_size from raw.company_reference")
    assert {row[0] for row in found} == kept.keys()
    assert 0 < len(found) < 10
    for key, name, size in found:
        row = kept[key]
        assert (name, size) == (
            row["name"],
            int(row["number_of_employees"]) if row["number_of_employees"] else None,
        )
    gone = {
        key
        for (key,) in yard.rows(
            "select company_reference_id from raw.company_reference_history where is_deleted"
        )
    }
    assert gone == {row["id"] for row in given} - kept.keys()
