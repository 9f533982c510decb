"""Features and labels once more, as slow loops over the facts: what the SQL room is held against.

Written from the contracts' descriptions and from the rule that a fact exists at as_of when it is known by then, not
from the SQL. Rows are dictionaries as the warehouse holds them.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leadflow.text.emails import normalise_email

Row = Mapping[str, Any]

TOPICS = {
    "product_page_views": ("/product", "/feature", "/solution", "/integration", "/docs", "/security", "/customers", "/demo"),
    "career_page_views": ("/career", "/jobs", "/join-us", "/recruit"),
}  # fmt: skip


def is_about(topic: str, row: Row) -> bool:
    """Whether an event is a view of a page on the topic."""
    url = row["page_url"] or ""
    return row["event_type"] == "page_view" and any(text in url for text in TOPICS[topic])


def downloads(row: Row, kind: str) -> bool:
    """Whether an event is a download of a kind of content."""
    return bool(row["event_type"] == "content_download" and row["content_kind"] == kind)


WEB: Mapping[str, Callable[[Row], bool]] = {
    "page_views": lambda row: row["event_type"] in ("page_view", "pricing_page_view"),
    "pricing_page_views": lambda row: row["event_type"] == "pricing_page_view",
    "content_downloads": lambda row: row["event_type"] == "content_download",
    "product_page_views": lambda row: is_about("product_page_views", row),
    "career_page_views": lambda row: is_about("career_page_views", row),
    "form_submissions": lambda row: row["event_type"] == "form_submitted",
    "white_paper_downloads": lambda row: downloads(row, "white_paper"),
    "case_study_downloads": lambda row: downloads(row, "case_study"),
    "data_sheet_downloads": lambda row: downloads(row, "data_sheet"),
    "e_book_downloads": lambda row: downloads(row, "e_book"),
    "webinars_attended": lambda row: row["event_type"] == "webinar_attended",
}
EMAIL = {
    "open": "email_opens",
    "click": "email_clicks",
    "reply": "email_replies",
    "spam_report": "spam_reports",
}
SALES = {"call": "calls", "meeting": "meetings", "quote": "quotes"}
EVERY_WINDOW = (
    "page_views", "pricing_page_views", "content_downloads", "white_paper_downloads", "webinars_attended",
    "email_opens", "email_clicks", "email_replies", "spam_reports", "product_minutes", "sales_activities",
)  # fmt: skip
MONTH = ("product_page_views", "career_page_views", "form_submissions", "trial_minutes", "calls", "meetings")
QUARTER = ("case_study_downloads", "data_sheet_downloads", "e_book_downloads", "quotes")
WINDOWS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(EVERY_WINDOW, (7, 30, 90)),
    **dict.fromkeys(MONTH, (30,)),
    **dict.fromkeys(QUARTER, (90,)),
}
TOUCHES = (
    "page_views",
    "content_downloads",
    "webinars_attended",
    "email_opens",
    "email_clicks",
    "email_replies",
)
RECENCY = {
    "days_since_last_visit": "page_views",
    "days_since_pricing_page_view": "pricing_page_views",
    "days_since_content_download": "content_downloads",
    "days_since_webinar": "webinars_attended",
    "days_since_email_open": "email_opens",
    "days_since_email_click": "email_clicks",
    "days_since_email_reply": "email_replies",
    "days_since_product_use": "product_minutes",
    "days_since_sales_activity": "sales_activities",
    "days_since_quote": "quotes",
}


@dataclass(frozen=True)
class Deed:
    """Something a lead did: when, since when it is known whose it is, what it counts for, and until when it counts."""

    occurred_at: datetime
    known_at: datetime
    counts: Mapping[str, float]
    known_until: datetime | None = None
    trial_feature: str | None = None


@dataclass
class Facts:
    """All facts by lead, whatever moment they became known.

    Attributes:
        records: lead records with the moment the membership became known; what the CRM says and attributes beside them.
        deeds: what the leads did.
        firmographics: by account.
        deals: opportunities.
        contracts: versions of paying accounts, by account.
        wins: when it was known that a deal of the account was won, by account.
    """

    records: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    deeds: dict[str, list[Deed]] = field(default_factory=lambda: defaultdict(list))
    firmographics: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    deals: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    contracts: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    wins: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))


def gather(tables: Mapping[str, Sequence[Row]], left_out_from: Mapping[str, datetime]) -> Facts:
    """Tie every fact to its lead.

    Args:
        tables: rows of the raw tables, of clean.clean_leads, identity.identity_map, identity.lead_emails and
            enrich.firmographic_facts, by full name.
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
        said = crm[row["sql_lead_id"]] if row["raw_table"] == "sql_leads" else None
        facts.records[member["lead_id"]].append(
            dict(row)
            | {
                "account_id": member["account_id"],
                "account_known_from": member["account_known_from"],
                "member_known_from": member["known_from"],
                "visible_at": max(row["occurred_at"], row["known_at"], member["known_from"]),
                "crm": said,
                "attributes": attributes[row["record_key"]],
            }
        )

    def owner(row: Row) -> Row | None:
        """The membership or key that tells whose a fact is: the CRM lead, else the submission, else the address."""
        for table, key in (("sql_leads", row.get("sql_lead_id")), ("mql", row.get("mql_id"))):
            if key is not None and f"{table}:{key}" in members:
                return members[f"{table}:{key}"]
        return by_email.get(normalise_email(row.get("email")))

    def earlier_owner(row: Row) -> Row | None:
        """The owner, by the submission where that told the same lead before the CRM lead was known."""
        tied, form = owner(row), members.get(f"mql:{row['mql_id']}")
        is_same = tied is not None and form is not None and form["lead_id"] == tied["lead_id"]
        return form if is_same and form["known_from"] < tied["known_from"] else tied

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

    def add(
        row: Row,
        counts: Mapping[str, float],
        known_until: datetime | None = None,
        trial_feature: str | None = None,
        whose: Callable[[Row], Row | None] = owner,
    ) -> None:
        is_anonymous = "visitor_id" in row and row["mql_id"] is None and row["email"] is None
        tied = visitor(row) if is_anonymous else whose(row)
        if tied is not None:
            known_at = max(row["known_at"], tied["known_from"])
            deed = Deed(row["occurred_at"], known_at, counts, known_until, trial_feature)
            facts.deeds[tied["lead_id"]].append(deed)

    for row in tables["raw.web_events"]:
        counts = {measure: float(is_counted(row)) for measure, is_counted in WEB.items()}
        add(row, counts, left_out_from.get(row["event_id"]))
    for row in tables["raw.email_events"]:
        if row["event_type"] in EMAIL:
            add(row, {EMAIL[row["event_type"]]: 1.0})
    for row in tables["raw.product_usage"]:
        minutes = row["usage_minutes"] or 0.0
        on_trial = row["is_trial"] or False
        counts = {"product_minutes": minutes, "trial_minutes": minutes if on_trial else 0.0}
        add(row, counts, trial_feature=row["feature"] if on_trial else None)
    for row in tables["raw.sales_activities"]:
        kind = SALES.get((row["activity_type"] or "").strip().lower())
        add(row, {"sales_activities": 1.0} | ({kind: 1.0} if kind else {}), whose=earlier_owner)
    for row in tables["enrich.firmographic_facts"]:
        facts.firmographics[row["account_id"]].append(row)
    for row in tables["raw.opportunities"]:
        tied = owner({key: row[key] for key in ("sql_lead_id", "mql_id")})
        if tied is not None:
            facts.deals[tied["lead_id"]].append(row)
            if row["outcome"] == "won" and tied["account_id"] is not None:
                closed_at = row["closed_at"] or row["occurred_at"]
                known_at = max(row["known_at"], tied["known_from"], tied["account_known_from"])
                facts.wins[tied["account_id"]].append(max(closed_at, known_at))
    accounts = tables["identity.accounts"]
    by_domain = {row["domain"]: row["account_id"] for row in accounts if row["domain"]}
    by_name: dict[str, set[str]] = defaultdict(set)
    for row in accounts:
        by_name[(row["company_name"] or "").lower()].add(row["account_id"])
    for row in versions([*tables["raw.product_accounts"], *tables["raw.product_accounts_history"]]):
        named = by_name[(row["company_name"] or "").strip().lower()] if row["company_name"] else set()
        domain = (row["domain"] or "").strip().lower().removeprefix("www.")
        account_id = by_domain.get(domain) or (next(iter(named)) if len(named) == 1 else None)
        if account_id is not None:
            facts.contracts[account_id].append(row)
    return facts


def versions(rows: Sequence[Row]) -> list[Row]:
    """Versions of paying accounts that were in force at some moment, each with the moment known_until, or None."""
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row["product_account_id"]].append(row)
    found: list[Row] = []
    for group in by_key.values():
        ordered = sorted(
            group, key=lambda row: (row["known_at"], row["source_name"], row["source_file"] or "")
        )
        for row, later in zip(ordered, [*ordered[1:], None], strict=True):
            ends = [later["known_at"]] if later else []
            ends += [
                other["known_at"]
                for other in group
                if other.get("is_deleted")
                and other["source_file"] is None
                and other["source_name"] == row["source_name"]
            ]
            until = min(ends, default=None)
            if not row.get("is_deleted") and (until is None or row["known_at"] < until):
                found.append({**row, "known_until": until})
    return found


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

    said = [row["crm"] for row in newest_first if row["crm"] is not None]

    def newest_said(column: str) -> Any:
        return next((row[column] for row in said if row[column] is not None), None)

    bant = {
        "has_budget": any(row["budget"] is not None or row["budget_amount"] is not None for row in said),
        **{
            f"has_{name}": any(row[name] is not None for row in said)
            for name in ("authority", "need", "timeline")
        },
    }
    intent = newest_said("intent_degree")

    accounts = (row["account_id"] for row in newest_first if (row["account_known_from"] or as_of) <= as_of)
    account_id = next((account for account in accounts if account is not None), None)
    told = {
        row["field"]: row["value"]
        for row in facts.firmographics.get(account_id or "", [])
        if row["known_from"] <= as_of and (row["known_until"] is None or as_of < row["known_until"])
    }
    size = told.get("company_size")
    flags = {name: told.get(name) for name in ("is_listed", "uses_competitor", "uses_complement")}

    attributes: dict[str, str] = {}
    for row in reversed(newest_first):
        attributes |= row["attributes"]
    created_at = min(row["occurred_at"] for row in records)
    own_deeds = [deed for deed in deeds if not deed.counts.get("sales_activities")]
    last_activity_at = max([row["occurred_at"] for row in records] + [deed.occurred_at for deed in own_deeds])
    expected = {
        "account_id": account_id,
        **{name: newest(name) for name in ("email_domain", "is_free_mail", "is_disposable_mail", "title")},
        **{
            name: next((row[name] for row in newest_first if row["title"] is not None), None)
            for name in ("seniority", "job_function")
        },
        "country": newest("country"),
        **{name: first[name] for name in ("channel", "campaign", "landing_page")},
        "has_email": any(row["email"] is not None for row in records),
        "has_phone": any(row["phone"] is not None for row in records),
        "has_wechat": any(row["wechat_id"] is not None for row in records),
        **{
            feature: any(row[since] is not None and row[since] <= as_of for row in records)
            for feature, since in (
                ("is_competitor", "competitor_known_at"),
                ("has_suspect_contact", "suspect_known_at"),
            )
        },
        "is_sql": any(row["raw_table"] == "sql_leads" for row in records),
        "intent_degree": None if intent is None else intent.strip().lower(),
        "decision_process": newest_said("decision_process"),
        **bant,
        "bant_known": sum(bant.values()),
        "record_count": len(records),
        "company_size": None if size is None else int(size),
        "industry": told.get("industry"),
        "company_country": told.get("country"),
        "revenue_band": told.get("revenue_band"),
        **{name: None if value is None else value == "true" for name, value in flags.items()},
        "created_at": created_at,
        "lead_age_days": (as_of.date() - created_at.date()).days,
        "last_activity_at": last_activity_at,
        "days_since_last_activity": (as_of.date() - last_activity_at.date()).days,
        "attributes": attributes or None,
    }
    dated = [((as_of.date() - deed.occurred_at.date()).days, deed) for deed in deeds]
    for measure, windows in WINDOWS.items():
        counted = [(days_ago, deed.counts.get(measure, 0)) for days_ago, deed in dated]
        for days in windows:
            expected[f"{measure}_{days}d"] = sum(count for days_ago, count in counted if days_ago <= days)
        expected[f"{measure}_ever"] = sum(count for _, count in counted)
    for name, measure in RECENCY.items():
        expected[name] = min((ago for ago, deed in dated if deed.counts.get(measure, 0) > 0), default=None)
    for days in (7, 30, 90):
        visits = {ago for ago, deed in dated if deed.counts.get("page_views", 0) > 0 and ago <= days}
        expected[f"visit_days_{days}d"] = len(visits)
    week, month = (sum(expected[f"{measure}_{days}d"] for measure in TOUCHES) for days in (7, 30))
    expected["touch_trend_30d"] = math.log((week + 1) / ((month - week) * 8 / 23 + 1))
    views = expected["page_views_30d"]
    topics = [expected[f"{topic}_30d"] for topic in ("pricing_page_views", *TOPICS)]
    expected["topic_share_30d"] = max(*topics, views - sum(topics)) / views if views else None
    expected["trial_features_activated"] = len({deed.trial_feature for deed in deeds} - {None})
    return expected | account_features(facts, account_id, as_of)


def account_features(facts: Facts, account_id: str | None, as_of: datetime) -> dict[str, Any]:
    """What is known of an account: sums over its leads when the day began, its contracts at the moment."""
    midnight = datetime.combine(as_of.date(), datetime.min.time())
    leads = {
        lead_id
        for lead_id, records in facts.records.items()
        for row in records
        if account_id is not None
        and row["account_id"] == account_id
        and max(row["member_known_from"], row["account_known_from"]) < midnight
    }
    touches = {
        lead_id: sum(
            deed.counts.get(measure, 0)
            for deed in facts.deeds[lead_id]
            for measure in TOUCHES
            if midnight - timedelta(days=30) <= deed.occurred_at < midnight
            and deed.known_at < midnight
            and (deed.known_until is None or deed.known_until >= midnight)
        )
        for lead_id in leads
    }
    contracts = [
        row
        for row in facts.contracts.get(account_id or "", [])
        if row["known_at"] <= as_of and (row["known_until"] is None or as_of < row["known_until"])
    ]
    answered = [
        row
        for row in contracts
        if row["nps_score"] is not None and row["nps_at"] is not None and row["nps_at"] <= as_of
    ]
    newest = max(answered, key=lambda row: (row["nps_at"], row["product_account_id"]), default=None)
    renewals = [row["renewal_at"] for row in contracts if row["renewal_at"] and row["renewal_at"] > as_of]
    tickets = [row["open_service_tickets"] for row in contracts if row["open_service_tickets"] is not None]
    return {
        "account_lead_count": len(leads),
        "account_active_leads_30d": sum(count > 0 for count in touches.values()),
        "account_touches_30d": sum(touches.values()),
        "account_has_won": any(known_at < midnight for known_at in facts.wins.get(account_id or "", [])),
        "is_customer": any(
            row["occurred_at"] <= as_of and (row["churned_at"] is None or row["churned_at"] > as_of)
            for row in contracts
        ),
        "has_churned": any(row["churned_at"] is not None and row["churned_at"] <= as_of for row in contracts),
        "is_on_trial": any(
            row["trial_started_at"] is not None
            and row["trial_started_at"] <= as_of
            and (row["trial_ends_at"] is None or row["trial_ends_at"] > as_of)
            for row in contracts
        ),
        "nps_score": None if newest is None else newest["nps_score"],
        "days_to_renewal": min(((day.date() - as_of.date()).days for day in renewals), default=None),
        "open_service_tickets": sum(tickets) if tickets else None,
    }


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
