"""What leads do, as a policy may name it: the measures, the features that are made of them, and how to tell which.

Belongs here: names that policy.yaml is held against before anything runs; a test holds them against dbt_project.yml, where
the SQL models read theirs. Does not belong here: what a measure counts (dbt_like_sql/features/lead_events.sql).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

WINDOWS: Mapping[str, tuple[int, ...]] = {
    "page_views": (7, 30, 90),
    "pricing_page_views": (7, 30, 90),
    "product_page_views": (30,),
    "career_page_views": (30,),
    "form_submissions": (30,),
    "content_downloads": (7, 30, 90),
    "white_paper_downloads": (7, 30, 90),
    "case_study_downloads": (90,),
    "data_sheet_downloads": (90,),
    "e_book_downloads": (90,),
    "webinars_attended": (7, 30, 90),
    "email_opens": (7, 30, 90),
    "email_clicks": (7, 30, 90),
    "email_replies": (7, 30, 90),
    "spam_reports": (7, 30, 90),
    "product_minutes": (7, 30, 90),
    "trial_minutes": (30,),
    "sales_activities": (7, 30, 90),
    "calls": (30,),
    "meetings": (30,),
    "quotes": (90,),
}
"""The windows, in whole days, that each measure is a feature over, beside all time (activity_windows of dbt_project.yml)."""

RECENCY: Mapping[str, str] = {
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
"""The measure behind each feature of days since (recency of dbt_project.yml)."""

_WINDOWED = re.compile(r"(?P<measure>[a-z_]+)_(?P<window>\d+d|ever)")


def measure_of(feature: str) -> str | None:
    """The measure that a feature is made of alone, or None: of webinars_attended_90d it is webinars_attended."""
    if feature in RECENCY:
        return RECENCY[feature]
    if feature.startswith("visit_days_"):
        return "page_views"
    found = _WINDOWED.fullmatch(feature)
    return found["measure"] if found and found["measure"] in WINDOWS else None


def is_count(feature: str) -> bool:
    """Whether the feature counts what a lead did: a number of every lead, never below 0."""
    return measure_of(feature) is not None and feature not in RECENCY


def unknown_window(feature: str) -> str | None:
    """What is wrong with a feature that is made of a measure over days that none is made over, or None."""
    found = _WINDOWED.fullmatch(feature)
    if found is None or found["measure"] not in WINDOWS or found["window"] == "ever":
        return None
    windows = WINDOWS[found["measure"]]
    if int(found["window"].removesuffix("d")) in windows:
        return None
    there = ", ".join([*(f"{found['measure']}_{days}d" for days in windows), f"{found['measure']}_ever"])
    return (
        f"there is no feature {feature}, but {there}; or count {found['measure']} by op happened "
        "with count: {window_days: ...}"
    )
