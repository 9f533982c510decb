"""scoring/score_history: the Dagster shell of the history of scores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.connection import query, quote, scalar
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion, table_exists

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection

HISTORY = "scoring.score_history"
_SCORED = "scoring.scored_leads"
_NEWEST = "features.lead_newest_facts"


def history_asset(contracts: Contracts) -> dg.AssetsDefinition:
    """scoring/score_history, written after scored_leads."""
    inputs = [_SCORED, _NEWEST]

    @table_asset(contracts, outputs=[HISTORY], inputs=inputs)
    def score_history(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.scoring.history import SCORED_READ, history_rows
        from leadflow.scoring.kept_policies import keep_policy

        keep_policy(run.settings.policies_dir, run.policy)
        with run.connect(read_only=True) as connection:
            last, written_until = last_rows(connection), _written_until(connection)
        rows = history_rows(run.read(_SCORED, SCORED_READ), last, run.read(_NEWEST), written_until)
        run.tell(HISTORY, added=rows.height, causes=dict(sorted(rows["cause"].value_counts().iter_rows())))
        return run.write({HISTORY: rows}, inputs=inputs, merged=[HISTORY])

    return score_history


def last_rows(connection: DuckDBPyConnection, until: datetime | None = None) -> pl.DataFrame:
    """Of each lead the last row of its history, or the last one that is not later than a moment: history.SCORED_READ."""
    import polars as pl

    from leadflow.scoring.history import HISTORY_SCHEMA, SCORED_READ

    if not table_exists(connection, HISTORY):
        return pl.DataFrame(schema={name: HISTORY_SCHEMA[name] for name in SCORED_READ})
    values = [name for name in SCORED_READ if name != "lead_id"]
    packed = ", ".join(f"{name} := {name}" for name in values)
    return query(
        connection,
        f"select lead_id, {', '.join(f'newest.{name} as {name}' for name in values)} from ("
        f"select lead_id, arg_max(struct_pack({packed}), as_of) as newest from {quote(HISTORY)} "
        "where $until is null or as_of <= $until group by lead_id) order by lead_id",
        {"until": until},
    )


def _written_until(connection: DuckDBPyConnection) -> datetime | None:
    """The latest moment that history was written for, also where that added no row."""
    found: datetime | None = scalar(
        connection, "select max(as_of) from quality.table_versions where table_name = ?", [HISTORY]
    )
    return found
