"""Why a lead has its score: the account that was stored with it.

Belongs here: reading and wording the stored rows. Does not belong here: computing anything anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from leadflow.errors import LeadflowError
from leadflow.settings import Settings
from leadflow.warehouse.connection import Warehouse


def explain_lead(settings: Settings, lead_id: str) -> Iterator[str]:
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
    lead = scored.row(0, named=True)
    reasons = mart.read("select * from score_reasons where lead_id = ? order by rank", [lead_id])
    yield f"{lead_id}: score {lead['score']:.1f}, {lead['tier']}, {lead['fit_grade']}{lead['engagement_level']}, as of {lead['as_of']} UTC"
    yield f"  {lead['title'] or 'no title'} at {lead['company_name'] or 'no company'}, {lead['country'] or 'no country'}, through {lead['channel'] or 'no channel'}"
    yield f"  rule score {lead['rule_score']:.1f} (fit {lead['static_score']:.1f}, engagement {lead['dynamic_score']:.1f})"
    if lead["ml_probability"] is not None:
        yield f"  model: probability {lead['ml_probability']:.3f}, on the 0-100 scale {lead['ml_score']:.1f}"
    for reason in reasons.iter_rows(named=True):
        size = (
            f"{reason['points']:+g} points"
            if reason["points"] is not None
            else f"{reason['contribution']:+.2f} log-odds"
        )
        yield f"  {reason['rank']:>2}. {reason['reason']} ({reason['source']}, {size})"
    yield f"  policy {lead['policy_version']}, model {lead['model_version'] or 'none'}"
