"""Features and labels once more, as slow loops over the facts: what the SQL room is held against.

Written from the contracts' descriptions and from the rule that a fact exists at as_of when it is known by then, not
from the SQL. Rows are dictionaries as the warehouse holds them.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leadflow.text.emails import normalise_email

Row = Mapping[str, Any]

WINDOW_DAYS = (7, 30, 90)
WEB: Mapping[str, Callable[[Row], bool]] = {
    "page_views": lambda row: row["event_type"] in ("page_view", "pricing_page_view"),
    "pricing_page_views": lambda row: row["event_type"] == "pricing_page_view",
    "content_downloads": lambda row: row["event_type"] == "content_download",
    "white_paper_downloads": lambda row: (
        row["event_type"] == "content_download" and row["content_kind"] == "white_paper"
    ),
    "webinars_attended": lambda row: row["event_type"] == "webinar_attended",
}
EMAIL = {
    "open": "email_opens",
    "click": "email_clicks",
    "reply": "email_replies",
    "spam_report": "spam_reports",
}
MEASURES = (*WEB, *EMAIL.values(), "product_minutes", "sales_activities")


@dataclass(frozen=True)
class Deed:
    """Something a lead did: when, since when it is known whose it is, what it counts for, and until when it counts."""

    occurred_at: datetime
    known_at: datetime
    counts: Mapping[str, float]
    known_until: datetime | None = None


@dataclass
class Facts:
    """All facts by lead, whatever moment they became known.

    Attributes:
        records: lead records with the moment the membership became known; intent_degree and attributes beside them.
        deeds: what the leads did.
        firmographics: by account.
        deals: opportunities.
    """

    records: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    deeds: dict[str, list[Deed]] = field(default_factory=lambda: defaultdict(list))
    firmographics: dict[str, Row] = field(default_factory=dict)
    deals: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


def gather(tables: Mapping[str, Sequence[Row]], left_out_from: Mapping[str, datetime]) -> Facts:
    """Tie every fact to its lead.

    Args:
        tables: rows of the raw tables, of clean.clean_leads, identity.identity_map, identity.lead_emails and
            enrich.firmographics, by full name.
        left_out_from: when a web event turned out to be a robot's or an outlier, by event_id.
    """
    facts = Facts()
    members = {row["record_key"]: row for row in tables["identity.identity_map"] if row["known_to"] is None}
    by_email = {row["email"]: row for row in tables["identity.lead_emails"]}
    crm = {row["sql_lead_id"]: row for row in tables["raw.sql_leads"]}
    attributes: dict[str, dict[str, str]] = defaultdict(dict)
    for row in tables["raw.attributes"]:
        attributes[f"{row['raw_table']}:{row['record_id']}"][row["attribute"]] = row["value"]
    for row in tables["clean.clean_leads"]:
        member = members[row["record_key"]]
        intent = crm[row["sql_lead_id"]]["intent_degree"] if row["raw_table"] == "sql_leads" else None
        facts.records[member["lead_id"]].append(
            dict(row)
            | {
                "account_id": member["account_id"],
                "account_known_from": member["account_known_from"],
                "visible_at": max(row["occurred_at"], row["known_at"], member["known_from"]),
                "intent_degree": None if intent is None else intent.strip().lower(),
                "attributes": attributes[row["record_key"]],
            }
        )

    def owner(row: Row) -> Row | None:
        """The membership or key that tells whose a fact is: the CRM lead, else the submission, else the address."""
        for table, key in (("sql_leads", row.get("sql_lead_id")), ("mql", row.get("mql_id"))):
            if key is not None and f"{table}:{key}" in members:
                return members[f"{table}:{key}"]
        return by_email.get(normalise_email(row.get("email")))

    ties: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for form in tables["raw.mql"]:
        if f"mql:{form['mql_id']}" in members:
            member = members[f"mql:{form['mql_id']}"]
            known_from = max(form["known_at"], member["known_from"])
            ties[form["visitor_id"]].append((form["occurred_at"], known_from, member["lead_id"]))
    for event in tables["raw.web_events"]:
        if (login := by_email.get(normalise_email(event["email"]))) is not None:
            known_from = max(event["known_at"], login["known_from"])
            ties[event["visitor_id"]].append((event["occurred_at"], known_from, login["lead_id"]))

    def visitor(row: Row) -> Row | None:
        """Who the visitor of an event without form and address was known to be: last before it, else first after."""
        known = sorted(ties[row["visitor_id"]]) if row["visitor_id"] is not None else []
        earlier = [tie for tie in known if tie[0] <= row["occurred_at"]]
        if earlier:
            chosen = min(tie for tie in earlier if tie[0] == earlier[-1][0])
        elif known:
            chosen = known[0]
        else:
            return None
        return {"known_from": chosen[1], "lead_id": chosen[2]}

    def add(row: Row, counts: Mapping[str, float], known_until: datetime | None = None) -> None:
        is_anonymous = "visitor_id" in row and row["mql_id"] is None and row["email"] is None
        tied = visitor(row) if is_anonymous else owner(row)
        if tied is not None:
            known_at = max(row["known_at"], tied["known_from"])
            facts.deeds[tied["lead_id"]].append(Deed(row["occurred_at"], known_at, counts, known_until))

    for row in tables["raw.web_events"]:
        counts = {measure: float(is_counted(row)) for measure, is_counted in WEB.items()}
        add(row, counts, left_out_from.get(row["event_id"]))
    for row in tables["raw.email_events"]:
        if row["event_type"] in EMAIL:
            add(row, {EMAIL[row["event_type"]]: 1.0})
    for row in tables["raw.product_usage"]:
        add(row, {"product_minutes": row["usage_minutes"] or 0.0})
    for row in tables["raw.sales_activities"]:
        add(row, {"sales_activities": 1.0})
    for row in tables["enrich.firmographics"]:
        facts.firmographics[row["account_id"]] = row
    for row in tables["raw.opportunities"]:
        tied = owner({key: row[key] for key in ("sql_lead_id", "mql_id")})
        if tied is not None:
            facts.deals[tied["lead_id"]].append(row)
    return facts


def features(facts: Facts, lead_id: str, as_of: datetime) -> dict[str, Any] | None:
    """Every feature of a lead at a moment, by name; None where no record of it was known yet."""
    records = [row for row in facts.records[lead_id] if row["visible_at"] <= as_of]
    if not records:
        return None
    deeds = [
        deed
        for deed in facts.deeds[lead_id]
        if max(deed.occurred_at, deed.known_at) <= as_of
        and (deed.known_until is None or as_of < deed.known_until)
    ]
    newest_first = sorted(
        records, key=lambda row: (row["known_at"], row["occurred_at"], row["record_key"]), reverse=True
    )
    first = min(records, key=lambda row: (row["occurred_at"], row["known_at"], row["record_key"]))

    def newest(column: str) -> Any:
        return next((row[column] for row in newest_first if row[column] is not None), None)

    accounts = (row["account_id"] for row in newest_first if (row["account_known_from"] or as_of) <= as_of)
    account_id = next((account for account in accounts if account is not None), None)
    firm = facts.firmographics.get(account_id, {})

    def firmographic(name: str) -> Any:
        known_at = firm.get(f"{name}_known_at")
        return firm[name] if known_at is not None and known_at <= as_of else None

    attributes: dict[str, str] = {}
    for row in reversed(newest_first):
        attributes |= row["attributes"]
    created_at = min(row["occurred_at"] for row in records)
    own_deeds = [deed for deed in deeds if not deed.counts.get("sales_activities")]
    last_activity_at = max([row["occurred_at"] for row in records] + [deed.occurred_at for deed in own_deeds])
    expected = {
        "account_id": account_id,
        **{name: newest(name) for name in ("email_domain", "is_free_mail", "is_disposable_mail", "title")},
        "seniority": next((row["seniority"] for row in newest_first if row["title"] is not None), None),
        "country": newest("country"),
        **{name: first[name] for name in ("channel", "campaign", "landing_page")},
        "has_email": any(row["email"] is not None for row in records),
        "has_phone": any(row["phone"] is not None for row in records),
        **{
            feature: any(row[since] is not None and row[since] <= as_of for row in records)
            for feature, since in (
                ("is_competitor", "competitor_known_at"),
                ("has_suspect_contact", "suspect_known_at"),
            )
        },
        "is_sql": any(row["raw_table"] == "sql_leads" for row in records),
        "intent_degree": newest("intent_degree"),
        "record_count": len(records),
        **{name: firmographic(name) for name in ("company_size", "industry", "is_listed")},
        "created_at": created_at,
        "lead_age_days": (as_of.date() - created_at.date()).days,
        "last_activity_at": last_activity_at,
        "days_since_last_activity": (as_of.date() - last_activity_at.date()).days,
        "attributes": attributes or None,
    }
    for measure in MEASURES:
        counted = [
            ((as_of.date() - deed.occurred_at.date()).days, deed.counts.get(measure, 0)) for deed in deeds
        ]
        for days in WINDOW_DAYS:
            expected[f"{measure}_{days}d"] = sum(count for days_ago, count in counted if days_ago <= days)
        expected[f"{measure}_ever"] = sum(count for _, count in counted)
    return expected


def examples(
    facts: Facts, leads: Sequence[Row], as_of: datetime, *, moments_days: tuple[int, ...], horizon_days: int
) -> dict[tuple[str, datetime], tuple[bool | None, bool]]:
    """Label and is_censored of every training example, by lead and moment.

    A lead is looked at while it is neither won nor lost; it counts as won when that happened within the horizon.
    """
    found: dict[tuple[str, datetime], tuple[bool | None, bool]] = {}
    for lead in leads:
        closed = [
            (deal["closed_at"] or deal["occurred_at"], deal["outcome"])
            for deal in facts.deals[lead["lead_id"]]
            if deal["known_at"] <= as_of and deal["outcome"] is not None
        ]
        for days in moments_days:
            moment = lead["known_from"] + timedelta(days=days)
            horizon_ends_at = moment + timedelta(days=horizon_days)
            if moment > as_of or any(at <= moment for at, _ in closed):
                continue
            if not any(row["visible_at"] <= moment for row in facts.records[lead["lead_id"]]):
                continue
            is_censored = horizon_ends_at > as_of
            is_won = any(outcome == "won" and at <= horizon_ends_at for at, outcome in closed)
            found[lead["lead_id"], moment] = (None if is_censored else is_won, is_censored)
    return found


def differences(expected: Mapping[str, Any], actual: Row) -> list[str]:
    """Features whose two values are not equal, with both; minutes are rounded day by day, so only nearly equal."""
    given = dict(actual) | {"attributes": json.loads(actual["attributes"]) if actual["attributes"] else None}
    return [
        f"{name}: {value!r}, the SQL says {given[name]!r}"
        for name, value in expected.items()
        if not (abs(value - given[name]) < 1e-4 if isinstance(value, float) else value == given[name])
    ]
