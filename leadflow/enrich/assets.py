"""enrich: the Dagster shell of looking accounts up in the company reference."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """enrich/firmographics."""
    inputs = ["identity.accounts", "staging.stg_company_reference"]

    @table_asset(contracts, outputs=["enrich.firmographics"], inputs=inputs)
    def firmographics(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.enrich.reference import match_reference

        reference = run.read("staging.stg_company_reference")
        known = reference.filter(reference["known_at"] <= run.refresh().as_of)
        matched = match_reference(run.read("identity.accounts"), known)
        return run.write({"enrich.firmographics": matched}, inputs=inputs)

    return [firmographics]
