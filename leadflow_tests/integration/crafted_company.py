"""A simulated company with the cases that simulation seldom makes: late, future, doubled and orphaned facts.

Every file says when its facts happened and when they became known, so that a case can set the two apart.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from leadflow.demo.simulate import simulate

AS_OF = datetime(2026, 6, 30, 15, 30)  # noqa: DTZ001 - instants are naive UTC throughout
CRAFTED = "north.example"
"""Every crafted lead with an address has it in this domain or in one below it."""


def at(text: str) -> datetime:
    """A moment such as '06-30 15:30:01' of 2026."""
    return datetime.fromisoformat(f"2026-{text}")


# id, e-mail, title, company, channel, heard_about_us, occurred, known
FORMS: list[tuple[Any, ...]] = [
    ("X1", f"twice@{CRAFTED}", "CEO", "North", "webinar", "a friend", "05-01 10:00", "05-01 10:00"),
    # An older form that came in later: it brings the lead's first channel with it, and a title without a band.
    ("X2", " Twice@North.Example", "12345", None, "email", None, "04-01 09:00", "06-10 08:00"),
    ("X3", f"twice@{CRAFTED}", "CTO", None, "email", "the news", "06-30 15:30:01", "06-30 15:30:01"),
    ("X4", f"twice@{CRAFTED}", "CFO", None, "email", "a fair", "07-02 09:00", "07-02 09:00"),
    ("X5", f"early@{CRAFTED}", "Manager", "North", "ads", None, "06-20 12:00", "06-20 12:00"),
    # Known before it happened, as a registration is: it has not happened yet for any moment before.
    ("X6", f"early@{CRAFTED}", "Director", None, "ads", None, "07-05 09:00", "06-01 09:00"),
    ("X7", None, None, None, "fair", "a fair", "05-05 09:00", "05-05 09:00"),
    ("X8", "broken@", "CEO", None, "fair", None, "05-06 09:00", "05-06 09:00"),
    ("X9", f"late.firm@late.{CRAFTED}", "Head of IT", "Late Firm", "ads", None, "05-07 09:00", "05-07 09:00"),
    ("X10", f"no.firm@future.{CRAFTED}", "Analyst", "Future Firm", "ads", None, "05-08 09:00", "05-08 09:00"),
    ("X11", "someone.at.north@gmail.com", "Owner", "North", "ads", None, "05-09 09:00", "05-09 09:00"),
    # What brought the lead in is not known; the second form did not.
    ("X13", f"unknown.way@{CRAFTED}", None, None, None, None, "05-09 09:00", "05-09 09:00"),
    ("X14", f"unknown.way@{CRAFTED}", None, None, "ads", None, "05-10 09:00", "05-10 09:00"),
    ("X12", f"landed.late@{CRAFTED}", "Manager", "North", "ads", "n/a", "03-01 09:00", "06-28 23:59:59"),
]
# id, form, e-mail, intent, occurred, known, budget, budget amount, authority, need, timeline, decision process
CRM_LEADS: list[tuple[Any, ...]] = [
    (
        "S1",
        "X1",
        f"twice@{CRAFTED}",
        "High ",
        "05-03 10:00",
        "06-20 10:00",
        None,
        9.5,
        None,
        "reports",
        None,
        "board",
    ),
    (
        "S2",
        "X7",
        None,
        "low",
        "05-06 10:00",
        "05-06 10:00",
        "some",
        None,
        "the boss",
        "all",
        "soon",
        "tender",
    ),
    ("S3", None, f"twice@{CRAFTED}", None, "05-04 10:00", "06-25 10:00", None, None, "CEO", None, "Q4", None),
    (
        "S4",
        None,
        f"twice@{CRAFTED}",
        "low",
        "05-05 10:00",
        "07-03 10:00",
        "none",
        None,
        None,
        None,
        None,
        "alone",
    ),
]
# id, domain, name, contract began, known, trial from, trial until, renewal, left, NPS, asked, tickets; a version each
CONTRACTS: list[tuple[Any, ...]] = [
    (
        "P1",
        f"www.{CRAFTED}",
        None,
        "06-01 00:00",
        "05-20 08:00",
        "05-20 08:00",
        "06-01 00:00",
        "06-30 12:00",
        None,
        None,
        None,
        0,
    ),
    (
        "P1",
        CRAFTED,
        None,
        "06-01 00:00",
        "06-10 12:00",
        "05-20 08:00",
        "06-01 00:00",
        "07-30 12:00",
        None,
        9,
        "06-12 09:00",
        2,
    ),
    ("P1", CRAFTED, None, "06-01 00:00", "06-25 12:00", None, None, None, "06-27 00:00", 3, "06-24 09:00", 1),
    ("P1", CRAFTED, None, "06-01 00:00", "07-01 12:00", None, None, None, None, 1, "06-30 09:00", 7),
    ("P2", CRAFTED, "North", "06-15 00:00", "06-15 00:00", None, None, "07-10 12:00", None, 5, None, 4),
    (
        "P3",
        None,
        "late firm ",
        "05-10 00:00",
        "05-10 00:00",
        "06-20 00:00",
        None,
        None,
        None,
        0,
        "05-11 00:00",
        None,
    ),
    (
        "P4",
        "nobody.example",
        "Nobody",
        "05-10 00:00",
        "05-10 00:00",
        None,
        None,
        None,
        None,
        8,
        "05-11 00:00",
        3,
    ),
]
PAGES = [
    "/pricing",
    "/product/one",
    "https://north.example/careers?x=1",
    None,
    "/blog/product",
    "/",
    "/docs/jobs",
]
KINDS = ["white_paper", "guide", "case_study", "data_sheet", "e_book", None]
# Deals, each on a form of its own name: name, form known, outcome, closed, deal known.
DEALS: list[tuple[Any, ...]] = [
    ("won_in_time", "01-10 12:00", "won", "03-11 09:00", "03-11 09:00"),
    ("won_at_the_end", "01-10 12:00", "won", "04-10 12:00", "04-10 12:00"),
    ("won_too_late", "01-10 12:00", "won", "04-10 12:00:01", "04-10 12:00:01"),
    ("won_before_contact", "01-10 12:00", "won", "01-09 12:00", "01-09 12:00"),
    ("won_at_a_moment", "01-10 12:00", "won", "01-17 12:00", "01-17 12:00"),
    ("won_but_not_known", "03-20 12:00", "won", "06-10 12:00", "07-01 12:00"),
    ("won_while_censored", "05-15 12:00", "won", "06-10 12:00", "06-10 12:00"),
    ("censored_by_a_second", "04-01 15:30:01", None, None, "05-01 12:00"),
    ("just_not_censored", "04-01 15:30:00", None, None, "05-01 12:00"),
    ("lost_then_won", "01-10 12:00", "lost", "01-15 12:00", "01-15 12:00"),
    ("lost_then_won", "01-10 12:00", "won", "02-20 12:00", "02-20 12:00"),
    ("open_then_lost", "01-10 12:00", None, None, "01-20 12:00"),
    ("open_then_lost", "01-10 12:00", "lost", "03-20 12:00", "03-20 12:00"),
    ("won_without_a_day", "01-10 12:00", "won", None, "03-01 12:00"),
    ("two_currencies", "06-20 12:00", "won", "06-20 11:00", "06-20 12:00", 10, "EUR"),
    ("two_currencies", "06-20 12:00", "won", "06-20 11:00", "06-20 12:00", 20, "USD"),
    ("two_amounts", "06-20 12:00", "won", "06-20 11:00", "06-20 12:00", 10, "EUR"),
    ("two_amounts", "06-20 12:00", "won", "06-20 11:00", "06-20 12:00", 20, "EUR"),
]
# Around the ends of the windows, midnights, the moment itself, and after it.
HAPPENED = [
    "03-31 23:59:59", "04-01 00:00", "04-02 00:00", "05-30 23:59:59", "05-31 00:00", "06-22 23:59:59", "06-23 00:00",
    "06-29 23:59:59", "06-30 00:00", "06-30 10:00", "06-30 15:30", "06-30 15:30:01", "06-30 23:00", "07-01 00:00",
]  # fmt: skip
DELAYS = [
    timedelta(days=days, seconds=seconds)
    for days, seconds in ((0, 0), (0, 1), (0, 20_000), (1, 0), (3, 4_000), (40, 0), (-1, 0))
]
WEB = ["page_view", "pricing_page_view", "content_download", "webinar_attended", "form_submitted"]
EMAIL = ["sent", "open", "click", "reply", "bounce", "unsubscribe", "spam_report"]
# form, e-mail, CRM lead: whose an event is; the form X8 was rejected and X404 and S404 were never landed.
OWNERS = [
    ("X1", None, "S1"), (None, f"TWICE@{CRAFTED} ", None), ("X8", f"twice@{CRAFTED}", "S404"), ("X404", f"early@{CRAFTED}", None),
    ("X5", None, "S404"), ("X404", "nobody@nowhere.example", "S404"), ("X12", f"twice@{CRAFTED}", None), ("X9", None, "S2"),
]  # fmt: skip

# Visitors of the forms: two people on one device, one whose form came in late, one whose form was rejected.
VISITORS = {"X1": "shared", "X5": "shared", "X12": "late", "X8": "rejected"}


def make_company(folder: Path, *, leads: int, events_per_lead: int) -> Path:
    """Write the files; returns their sources.yaml."""
    simulated = simulate(folder, leads=leads, events_per_lead=events_per_lead, seed=11)
    spec = yaml.safe_load(simulated.sources.read_text(encoding="utf-8"))
    for table, rows in _crafted().items():
        pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / f"crafted_{table}.csv")
        columns = [name for name in rows[0] if name not in ("occurred_at", "known_at", "heard_about_us")]
        spec["sources"].append(
            {
                "name": f"crafted_{table}",
                "table": table,
                "path": f"crafted_{table}.csv",
                "columns": {name: name for name in columns},
                "occurred_at": "occurred_at",
                "known_at": {"column": "known_at"},
                "attributes": {"heard_about_us": {"column": "heard_about_us"}} if table == "mql" else {},
            }
        )
    simulated.sources.write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    return simulated.sources


def _crafted() -> dict[str, list[dict[str, Any]]]:
    """Rows by raw table."""
    names = ("mql_id", "email", "title", "company_name", "channel", "heard_about_us")
    forms = [
        dict(zip(names, row, strict=False))
        | {
            "phone": None if row[0] == "X1" else "+49 30 1",
            "visitor_id": VISITORS.get(row[0]),
            **_when(row[6], row[7]),
        }
        for row in FORMS
    ]
    forms += [
        dict.fromkeys(names)
        | {
            "mql_id": name,
            "email": f"{name}@{CRAFTED}",
            "phone": None,
            "visitor_id": None,
            **_when(known, known),
        }
        for name, known in {row[0]: row[1] for row in DEALS}.items()
    ]
    crm = [
        dict(zip(("sql_lead_id", "mql_id", "email", "intent_degree"), row, strict=False))
        | _when(row[4], row[5])
        | dict(
            zip(
                ("budget", "budget_amount", "authority", "need", "timeline", "decision_process"),
                row[6:],
                strict=True,
            )
        )
        for row in CRM_LEADS
    ]
    moments = ("trial_started_at", "trial_ends_at", "renewal_at", "churned_at")
    contracts = [
        dict(zip(("product_account_id", "domain", "company_name"), row, strict=False))
        | _when(row[3], row[4])
        | {name: None if text is None else at(text) for name, text in zip(moments, row[5:9], strict=True)}
        | {
            "nps_score": row[9],
            "nps_at": None if row[10] is None else at(row[10]),
            "open_service_tickets": row[11],
        }
        for row in CONTRACTS
    ]
    deals = [
        {
            "opportunity_id": f"D{number}",
            "sql_lead_id": "S404" if number % 2 else None,
            "mql_id": name,
            "outcome": outcome,
            "closed_at": None if closed is None else at(closed),
            "contract_value": amount[0] if amount else None,
            "currency": amount[1] if amount else None,
            **_when(closed or known, known),
        }
        for number, (name, _, outcome, closed, known, *amount) in enumerate(DEALS)
    ]
    reference = [
        {"company_reference_id": f"C{size}", "domain": domain, "company_size": size, "industry": "Software", **_when(known, known)}
        for domain, size, known in (
            (CRAFTED, 900, "02-01 09:00"), (f"late.{CRAFTED}", 901, "06-15 09:00"), (f"future.{CRAFTED}", 902, "07-10 09:00"),
        )
    ]  # fmt: skip
    events = list(_events())
    return {
        "mql": forms,
        "sql_leads": crm,
        "opportunities": deals,
        "company_reference": reference,
        "product_accounts": contracts,
        "web_events": [
            event | {"event_id": f"W{number}", "event_type": WEB[(number + number // 7) % 5], "content_kind": KINDS[number % 6], "page_url": PAGES[number // 3 % 7]}
            for number, event in enumerate(_visits(events))
        ],
        "email_events": [
            _event(event) | {"event_id": f"E{number}", "event_type": EMAIL[number % 7]} for number, event in enumerate(events)
        ],
        "product_usage": [
            _event(event) | {"usage_id": f"U{number}", "usage_minutes": None if number % 9 == 0 else number / 7,
                "feature": None if number % 11 == 0 else f"F{number % 4}", "is_trial": (True, False, None)[number % 3]}
            for number, event in enumerate(events)
        ],
        "sales_activities": [
            {
                "activity_id": f"A{number}",
                "activity_type": ("call", " Meeting", "quote", "email")[number % 4],
                "mql_id": event[0],
                "sql_lead_id": event[2],
                "occurred_at": event[3],
                "known_at": event[4],
            }
            for number, event in enumerate(events)
        ],
    }  # fmt: skip


def _when(occurred: str, known: str) -> dict[str, datetime]:
    return {"occurred_at": at(occurred), "known_at": at(known)}


def _events() -> Iterable[tuple[str | None, str | None, str | None, datetime, datetime]]:
    """Form, e-mail, CRM lead, when it happened and when it became known, of every combination."""
    for form, email, crm in OWNERS:
        for happened in HAPPENED:
            for delay in DELAYS:
                yield form, email, crm, at(happened), at(happened) + delay


def _event(event: tuple[str | None, str | None, str | None, datetime, datetime]) -> dict[str, Any]:
    return {"mql_id": event[0], "email": event[1], "occurred_at": event[3], "known_at": event[4]}


def _visits(
    events: Iterable[tuple[str | None, str | None, str | None, datetime, datetime]],
) -> Iterable[dict[str, Any]]:
    """The events as web events; who logs in does so on the late visitor's device. Then those of visitors alone."""
    for event in events:
        is_login = event[0] is None and event[3].day % 2 == 0
        yield _event(event) | {"visitor_id": "late" if is_login else None}
    for visitor in ("shared", "late", "rejected", "nobody"):
        for happened in HAPPENED:
            for delay in DELAYS:
                row = _event((None, None, None, at(happened), at(happened) + delay))
                yield row | {"visitor_id": visitor}
