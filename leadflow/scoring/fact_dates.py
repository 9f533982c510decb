"""Which day the fact behind a feature is of: a column of features.lead_fact_dates.

Belongs here: which features are made of what. Does not belong here: the days themselves (the macro
fact_dates).
"""

from __future__ import annotations

import polars as pl

from leadflow.activity_measures import measure_of

_OF_RECORDS = (
    "email_domain", "is_free_mail", "is_disposable_mail", "title", "seniority", "job_function", "country", "channel",
    "campaign", "landing_page", "has_email", "has_phone", "has_wechat", "is_competitor", "has_suspect_contact", "is_sql",
    "intent_degree", "decision_process", "has_budget", "has_authority", "has_need", "has_timeline", "bant_known",
    "record_count", "account_id", "attributes",
)  # fmt: skip
_OF_FIRMOGRAPHICS = {
    "company_size": "company_size",
    "industry": "industry",
    "is_listed": "is_listed",
    "company_country": "country",
    "revenue_band": "revenue_band",
    "uses_competitor": "uses_competitor",
    "uses_complement": "uses_complement",
}


def date_column(feature: str) -> str | None:
    """The column of features.lead_fact_dates that a feature's fact is dated by, or None where nothing dates it.

    What a lead did: the last day it did it. What records say: the newest record's day. What is known of the company: the
    day it became known.
    """
    measure = measure_of(feature)
    if measure is not None:
        return f"{measure}_date"
    if feature in ("last_activity_at", "days_since_last_activity"):
        return "last_activity_date"
    if feature in _OF_FIRMOGRAPHICS:
        return f"{_OF_FIRMOGRAPHICS[feature]}_known_date"
    return "record_date" if feature in _OF_RECORDS else None


def fact_date(feature: str, columns: list[str]) -> pl.Expr:
    """The day of a feature's fact, of a frame with some of these columns; null where it has none for the feature."""
    column = date_column(feature)
    if column is None or column not in columns:
        return pl.lit(None, dtype=pl.Date)
    return pl.col(column).cast(pl.Date)
