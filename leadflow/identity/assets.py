"""identity: the Dagster shell of resolving lead records to leads and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion, table_exists

if TYPE_CHECKING:
    import polars as pl


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """identity/identity_map, lead_keys and accounts in one step, identity/leads in another."""
    outputs = ["identity.identity_map", "identity.lead_keys", "identity.accounts"]
    records = ["clean.clean_leads"]

    @table_asset(contracts, outputs=outputs, inputs=records)
    def identity_map(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.identity.resolution import resolve

        resolution = resolve(run.read("clean.clean_leads"), known_keys(run))
        return run.write(
            {
                "identity.lead_keys": resolution.lead_keys,
                "identity.identity_map": resolution.identity_map,
                "identity.accounts": resolution.accounts,
            },
            inputs=records,
            merged=["identity.lead_keys"],
        )

    members = ["clean.clean_leads", "identity.identity_map"]

    @table_asset(contracts, outputs=["identity.leads"], inputs=members)
    def leads(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.identity.golden import golden_records

        golden = golden_records(run.read("clean.clean_leads"), run.read("identity.identity_map"))
        return run.write({"identity.leads": golden}, inputs=members)

    return [identity_map, leads]


def known_keys(run: StageRun) -> pl.DataFrame:
    """The lead ids given out so far, by match key; empty before the first refresh."""
    import polars as pl

    from leadflow.identity.resolution import LEAD_KEY_COLUMNS

    with run.connect(read_only=True) as connection:
        is_there = table_exists(connection, "identity.lead_keys")
    return run.read("identity.lead_keys") if is_there else pl.DataFrame(schema=LEAD_KEY_COLUMNS)
