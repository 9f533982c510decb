"""Why a lead had its score at a past moment: what was stored then, and the moment replayed with all its reasons.

Belongs here: which of the two there is, and wording it. Does not belong here: how a moment is replayed (past.py,
scoring/replay.py), wording an account (explain.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadflow.cli.explain import ENGLISH, account
from leadflow.cli.past import Past, one_lead, open_past
from leadflow.errors import LeadflowError
from leadflow.settings import Settings
from leadflow.warehouse.connection import first_row, query
from leadflow.warehouse.refreshes import parse_as_of
from leadflow.warehouse.tables import table_exists

if TYPE_CHECKING:
    from leadflow.policy import Policy
    from leadflow.scoring.model import TrainedModel

_HISTORY = "scoring.score_history"


def explain_past(
    settings: Settings, lead_id: str, moment: str, language: str = ENGLISH, *, tell: Callable[[str], None]
) -> Iterator[str]:
    """What was stored of a lead's score at a moment, and the moment replayed, line by line.

    Args:
        moment: ISO 8601, UTC where it has no offset.
        tell: is told where the warehouse has to be waited for.

    Raises:
        LeadflowError: there is no such lead, it was not known then, or the moment is after the last refresh.
        ConfigError: the moment is none.
    """
    as_of = parse_as_of(moment)
    with open_past(settings, "leadflow explain", tell=tell) as past:
        past.refuse_later(as_of)
        stored = _stored(past, lead_id, as_of)
        into = _merged_into(past, lead_id)
        if into is not None:
            yield from _of_former(lead_id, into, as_of, stored)
            return
        _refuse_unknown(past, lead_id, as_of)
        policy, model, told = _scored_by(past, as_of)
        scored = past.scored(as_of, one_lead(lead_id), policy, model)
        if scored.scored_leads.is_empty():
            raise LeadflowError(
                f"what was known of lead '{lead_id}' at {as_of} UTC cannot be told any more: its records were changed since",
                "take a later moment; scoring.score_history has what was stored",
            )
        yield _told(stored, as_of)
        yield "Replayed:"
        lead = scored.scored_leads.row(0, named=True)
        yield from account(lead, scored.score_reasons.sort("rank"), language)
        yield from told
        yield from _other_versions(stored, lead)


def _stored(past: Past, lead_id: str, as_of: datetime) -> dict[str, Any] | None:
    """The row of history that covers the moment."""
    if not table_exists(past.connection, _HISTORY):
        return None
    rows = query(
        past.connection,
        f"select * from {_HISTORY} where lead_id = $lead_id and as_of <= $as_of order by as_of desc limit 1",
        {"lead_id": lead_id, "as_of": as_of},
    )
    return None if rows.is_empty() else rows.row(0, named=True)


def _told(stored: dict[str, Any] | None, as_of: datetime) -> str:
    if stored is None:
        return f"Stored: nothing; no refresh had scored the lead by {as_of} UTC."
    moved = stored["cause"] + (f", beside {stored['other_causes']}" if stored["other_causes"] else "")
    if stored["previous_score"] is not None:
        moved += f"; before {stored['previous_score']:.1f}, {stored['previous_tier']}"
    return (
        f"Stored: score {stored['score']:.1f}, {stored['tier']}, since {stored['as_of']} UTC ({moved}), "
        f"policy {stored['policy_version']}, model {stored['model_version'] or 'none'}; at the moment itself it was less than a point away, in the same tier."
    )


def _merged_into(past: Past, lead_id: str) -> str | None:
    row = first_row(
        past.connection, "select lead_id from identity.lead_redirects where former_lead_id = ?", [lead_id]
    )
    return None if row is None else str(row[0])


def _of_former(lead_id: str, into: str, as_of: datetime, stored: dict[str, Any] | None) -> Iterator[str]:
    """A lead that was merged has its history; its moments cannot be replayed, since its facts are another's now."""
    if stored is None:
        raise LeadflowError(
            f"lead '{lead_id}' was merged into {into}, and no refresh had scored it by {as_of} UTC",
            f"explain {into} instead",
        )
    yield _told(stored, as_of)
    yield f"Not replayed: the lead was merged into {into} since; `leadflow explain {into}` tells of it."


def _refuse_unknown(past: Past, lead_id: str, as_of: datetime) -> None:
    row = first_row(past.connection, "select known_from from identity.leads where lead_id = ?", [lead_id])
    if row is None:
        raise LeadflowError(
            f"there is no lead '{lead_id}'",
            "take a lead_id from scored_leads, or look it up by `leadflow find`",
        )
    if row[0] > as_of:
        raise LeadflowError(
            f"lead '{lead_id}' was not known at {as_of} UTC: its first record became known at {row[0]} UTC",
            "take a moment from then on",
        )


def _scored_by(past: Past, as_of: datetime) -> tuple[Policy, TrainedModel | None, list[str]]:
    """Policy and model of the moment, and what is to be said of them: where they are not those of then."""
    from leadflow.scoring.in_force import policy_version_in_force
    from leadflow.scoring.kept_policies import kept_policy
    from leadflow.scoring.retraining import model_in_force

    version = policy_version_in_force(past.connection, as_of)
    kept = None if version is None else kept_policy(past.run.settings.policies_dir, version)
    model = model_in_force(past.run, as_of, kept)
    told = []
    if version is None:
        told.append("  No refresh had looked from that moment or before: this is by the policy in force now.")
    elif kept is None:
        told.append(f"  This is by the policy in force now: that of then, {version}, was not kept.")
    if model is not None and model.evaluation.test_to > as_of:
        told.append(
            f"  The model has learned from leads as of up to {model.evaluation.test_to} UTC, after this moment: "
            "a score that it could not have given then."
        )
    return kept or past.run.policy, model, told


def _other_versions(stored: dict[str, Any] | None, lead: dict[str, Any]) -> Iterator[str]:
    if stored is not None and stored["model_version"] != lead["model_version"]:
        yield f"  The stored score is by model {stored['model_version'] or 'none'}, the replay by {lead['model_version'] or 'none'}."
