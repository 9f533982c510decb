"""The stages of the line, in the one direction that data flows, and what is the same for all tables of a stage.

Belongs here: names and owners. Does not belong here: anything a stage does.
"""

from __future__ import annotations

from typing import Final

STAGES: Final = (
    "raw",
    "staging",
    "clean",
    "identity",
    "enrich",
    "features",
    "icp",
    "scoring",
    "kpi",
    "publish",
)

OWNERS: Final[dict[str, str]] = {
    "raw": "team:data-engineering",
    "staging": "team:data-engineering",
    "clean": "team:data-engineering",
    "identity": "team:data-engineering",
    "enrich": "team:data-engineering",
    "features": "team:data-science",
    "icp": "team:data-science",
    "scoring": "team:data-science",
    "kpi": "team:revenue-operations",
    "publish": "team:data-engineering",
}

PUBLISHED_TABLES: Final = (
    "scoring.scored_leads",
    "scoring.score_reasons",
    "scoring.model_card",
    "scoring.score_gains",
    "icp.icp_segments",
    "kpi.kpi_mart",
    "kpi.lead_funnel",
)
"""Tables that the mart is made of; the publish gate guards them and all that they are made from."""

STATE_TABLES: Final = (
    "raw.refreshes",
    "quality.landed_files",
    "quality.known_files",
    "quality.source_columns",
    "quality.source_cursors",
    "identity.lead_ids",
    "identity.identity_log",
    "identity.pins",
    "identity.account_ids",
    "enrich.provider_answers",
    "scoring.trainings",
    "scoring.newest_scores",
    "scoring.score_history",
    "quality.table_versions",
    "quality.results",
    "quality.quarantined_rows",
)
"""Tables that are not derived from others: a full rebuild keeps them. Beside them the raw
tables themselves are state, since a source may no longer have what was landed."""
