"""publish: the mart as an asset.

Belongs here: the Dagster shell around publish.py. Does not belong here: which tables are published (stages.py) and when
(publish.py).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from leadflow.errors import LeadflowError
from leadflow.quality.contracts import Contracts, Table
from leadflow.quality.sql_text import identifier
from leadflow.stages import OWNERS, PUBLISHED_TABLES
from leadflow.version import code_version
from leadflow.warehouse.connection import scalar
from leadflow.warehouse.publish import MartColumn, MartTable, blocking_fingerprints, publish
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import RESOURCE, asset_key
from leadflow.warehouse.tables import table_exists, utc_now

MART_KEY = dg.AssetKey(["publish", "marts"])

STALE_AFTER = timedelta(hours=3)
"""The mart is due every hour; three hours without one is a missed refresh and not a slow one."""


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """publish/marts."""

    @dg.asset(
        key=MART_KEY,
        deps=[asset_key(table) for table in PUBLISHED_TABLES],
        group_name="publish",
        description="marts.duckdb, the file BI tools read: replaced as a whole, and only while every blocking check on "
        "every table behind it has passed on the version there is.",
        kinds={"duckdb"},
        owners=[OWNERS["publish"]],
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
        required_resource_keys={RESOURCE},
    )
    def marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        run: StageRun = getattr(context.resources, RESOURCE)
        report = dg.MetadataValue.path(str(run.settings.quality_report_path))
        try:
            rows, published = publish_marts(run, contracts)
        except LeadflowError as error:
            raise dg.Failure(
                description=str(error), metadata={"quality_report": report}, allow_retries=False
            ) from error
        lines = ["table | rows", "--- | ---", *(f"{name} | {count}" for name, count in rows.items())]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows["scored_leads"],
                "path": dg.MetadataValue.path(str(run.settings.marts_path)),
                "quality_report": report,
                "tables": dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines)),
                **{name: str(value) for name, value in published.items()},
            }
        )

    return [marts]


def publish_marts(run: StageRun, contracts: Contracts) -> tuple[dict[str, int], dict[str, Any]]:
    """Publish the home's mart; returns rows per table and the row of `published`."""
    with run.connect() as connection:
        refresh = run.refresh(connection)
        published = {
            "published_at": utc_now(),
            "as_of": refresh.as_of,
            "refresh_id": refresh.refresh_id,
            "run_id": run.run_id,
            "code_version": code_version(),
            "policy_version": run.policy.version,
            "model_version": _model_version(run),
        }
        rows = publish(
            connection,
            run.settings.marts_path,
            [
                mart_table(contracts[table], is_masked=run.policy.publish.mask_pii)
                for table in PUBLISHED_TABLES
            ],
            blocking_checks=blocking_fingerprints(contracts),
            published=published,
            descriptions={table.name: mart_table(table, is_masked=False) for table in mart_only(contracts)},
        )
    return rows, published


def mart_only(contracts: Contracts) -> Sequence[Table]:
    """Tables that publishing itself makes, in the mart only."""
    return [table for table in contracts.values() if table.meta.get("is_mart_only")]


def mart_table(table: Table, *, is_masked: bool) -> MartTable:
    """How a table of the warehouse appears in the mart; PII columns are masked where the policy says so."""
    from leadflow.quality.masking import mask_sql

    return MartTable(
        name=table.name,
        source=table.full_name,
        columns=tuple(
            MartColumn(
                column.name,
                mask_sql(column.name) if column.is_pii and is_masked else identifier(column.name),
                column.description + (f" [{column.unit}]" if column.unit else ""),
            )
            for column in table.columns
        ),
        description=f"{table.description} Grain: {table.grain}.",
        order_by=tuple(table.natural_key),
    )


def _model_version(run: StageRun) -> str | None:
    with run.connect() as connection:
        if not table_exists(connection, "scoring.model_card"):
            return None  # the publish gate says so
        version: str | None = scalar(connection, "select model_version from scoring.model_card")
    return version
