"""clean: the Dagster shell of the contact checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """clean/clean_leads and clean/rejected_leads, in one step: every lead record goes to one of the two."""
    inputs = ["clean.lead_records"]

    @table_asset(contracts, outputs=["clean.clean_leads", "clean.rejected_leads"], inputs=inputs)
    def clean_leads(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.clean.records import check_lead_records

        def checked_part(part: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
            checked = check_lead_records(part["clean.lead_records"])
            return {"clean.clean_leads": checked.clean, "clean.rejected_leads": checked.rejected}

        return run.write_in_parts(inputs, checked_part, by="record_key", inputs=inputs)

    return [clean_leads]
