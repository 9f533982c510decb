"""Why a lead has its score: the account that was stored with it.

Belongs here: reading and wording stored rows, and rows that are worded like them. Does not belong here: computing anything
anew (explain_past.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from leadflow.errors import LeadflowError
from leadflow.settings import Settings
from leadflow.warehouse.connection import Warehouse

if TYPE_CHECKING:
    import polars as pl

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)


def explain_lead(settings: Settings, lead_id: str, language: str = ENGLISH) -> Iterator[str]:
    """The lead's score and its reasons, line by line, from the published mart.

    Raises:
        LeadflowError: nothing is published, or there is no such lead.
    """
    mart = Warehouse(settings.marts_path)
    scored = mart.read("select * from scored_leads where lead_id = ?", [lead_id])
    if scored.height == 0:
        raise LeadflowError(
            f"{settings.marts_path} holds no lead '{lead_id}'", "take a lead_id from its table scored_leads"
        )
    reasons = mart.read("select * from score_reasons where lead_id = ? order by rank", [lead_id])
    yield from account(scored.row(0, named=True), reasons, language)


def account(lead: Mapping[str, Any], reasons: pl.DataFrame, language: str = ENGLISH) -> Iterator[str]:
    """A row of scored_leads with its rows of score_reasons in words, line by line."""
    grade = f"{lead['fit_grade'] or '-'}{lead['engagement_level'] or '-'}"
    yield f"{lead['lead_id']}: score {lead['score']:.1f}, {lead['tier']}, {grade}, as of {lead['as_of']} UTC"
    yield f"  {lead['title'] or 'no title'} at {lead['company_name'] or 'no company'}, {lead['country'] or 'no country'}, through {lead['channel'] or 'no channel'}"
    fit, engagement = (_number(lead[name]) for name in ("static_score", "dynamic_score"))
    yield f"  rule score {lead['rule_score']:.1f} (fit {fit}, engagement {engagement})"
    if lead["ml_probability"] is not None:
        yield f"  model: probability {lead['ml_probability']:.3f}, on the 0-100 scale {lead['ml_score']:.1f}"
    if language == CHINESE and "reason_zh" not in reasons.columns:
        yield "  The reasons are in English: score_reasons has no column reason_zh."
    for reason in reasons.iter_rows(named=True):
        yield f"  {reason['rank']:>2}. {_in_words(reason, language)} ({', '.join(_particulars(reason))})"
    yield f"  policy {lead['policy_version']}, model {lead['model_version'] or 'none'}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def _in_words(reason: Mapping[str, Any], language: str) -> str:
    chinese = reason.get("reason_zh") if language == CHINESE else None
    return str(chinese or reason["reason"])


def _particulars(reason: Mapping[str, Any]) -> Iterator[str]:
    """What the reason is from, what it gives, what that does to the score, and the fact behind it with its day."""
    yield reason["source"]
    if reason["points"] is not None:
        yield f"{reason['points']:+g} points"
    if reason["contribution"] is not None:
        yield f"{reason['contribution']:+.2f} log-odds"
    yield f"{reason['effect']:+.1f} of the score"
    day = reason.get("fact_date")
    yield f"{reason['fact']}" + ("" if day is None else f" on {day:%Y-%m-%d}")
