"""Lead records checked part by part, also in other processes.

Belongs here: what a worker process is sent. It imports no Dagster, which each worker would pay seconds for. Does not belong here:
which records are checked (assets.py) and the checks (rules.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from leadflow.clean.lists import ContactLists
    from leadflow.policy import Policy

RECORDS = "clean.lead_records"
CLEAN = "clean.clean_leads"
REJECTED = "clean.rejected_leads"


def check_part(
    part: Mapping[str, pl.DataFrame], policy: Policy, lists: ContactLists
) -> Mapping[str, pl.DataFrame]:
    """Rows of clean_leads and rejected_leads of some lead records."""
    from leadflow.clean.records import check_lead_records

    checked = check_lead_records(part[RECORDS], policy, lists)
    return {CLEAN: checked.clean, REJECTED: checked.rejected}
