"""clean: the Dagster shell of the contact checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl

    from leadflow.clean.lists import ContactLists


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """clean/clean_leads and clean/rejected_leads, in one step: every lead record goes to one of the two."""
    records = ["clean.lead_records"]
    inputs = [*records, "staging.stg_blocklist"]

    @table_asset(
        contracts, outputs=["clean.clean_leads", "clean.rejected_leads"], inputs=inputs, tells=check_counts
    )
    def clean_leads(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.clean.records import check_lead_records

        lists = lists_of(run)

        def checked_part(part: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
            checked = check_lead_records(part["clean.lead_records"], run.policy, lists)
            return {"clean.clean_leads": checked.clean, "clean.rejected_leads": checked.rejected}

        return run.write_in_parts(records, checked_part, by="record_key", inputs=inputs)

    return [clean_leads]


def lists_of(run: StageRun) -> ContactLists:
    """Blocklist, competitors and released records as known at the refresh's moment."""
    from leadflow.clean.lists import BLOCKLIST_COLUMNS, contact_lists

    blocklist = run.read("staging.stg_blocklist", list(BLOCKLIST_COLUMNS))
    return contact_lists(run.policy, blocklist, run.refresh().as_of)


def check_counts(run: StageRun) -> Mapping[str, Mapping[str, Any]]:
    """What the UI tells of the two tables: how many records each check flagged or rejected, and what list entries are no use."""
    flags = run.count_values("select unnest(contact_flags) from clean.clean_leads")
    rules = run.count_values("select rule from clean.rejected_leads")
    released = run.count_values("select is_released from clean.clean_leads where is_released")
    unusable = lists_of(run).unusable
    return {
        "clean.clean_leads": {"flagged": dict(flags), "released": sum(released.values())},
        "clean.rejected_leads": {
            "rejected": dict(rules),
            **({"unusable blocklist entries": ", ".join(unusable[:50])} if unusable else {}),
        },
    }
