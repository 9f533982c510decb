"""raw: the Dagster shell of landing. Opens the refresh, lands every source's files, and takes stock of rejects."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from leadflow.errors import ConfigError, LeadflowError, SourceError
from leadflow.ingest.land import STAMPED, Landings, land_sources, newest_facts
from leadflow.ingest.sources import SourceFiles, load_sources
from leadflow.quality.contracts import Contracts
from leadflow.settings import Settings
from leadflow.version import code_version
from leadflow.warehouse.connection import scalar
from leadflow.warehouse.landing import landing
from leadflow.warehouse.quarantine import bring_back, newest_set_aside
from leadflow.warehouse.refreshes import TABLE as REFRESHES
from leadflow.warehouse.refreshes import open_refresh, parse_as_of
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import RESOURCE, asset_spec, materialized, table_asset
from leadflow.warehouse.tables import (
    TableVersion,
    ensure_system_tables,
    record_version,
    table_exists,
    transaction,
    utc_now,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHARED = ("raw.attributes", "raw.rejected_rows")
"""Raw tables that every source may add to."""


REFRESH_CONFIG = {
    "as_of": dg.Field(
        str,
        default_value="",
        description="The moment to look from, ISO 8601, UTC where it has no offset; empty leaves it to sources.yaml's clock.",
    ),
    "as_of_from": dg.Field(
        str, default_value="given", description="Where as_of came from: given or schedule."
    ),
}
"""What a refresh may be given."""


def raw_tables(contracts: Contracts) -> list[str]:
    """Raw tables that sources fill, by their contracts."""
    return [
        name
        for name, table in contracts.items()
        if name.startswith("raw.") and name not in (REFRESHES, *SHARED) and "history_of" not in table.meta
    ]


def fillable_columns(contracts: Contracts) -> dict[str, list[str]]:
    """Columns that a source may fill, by raw table without its schema."""
    return {
        name.removeprefix("raw."): [
            column.name for column in contracts[name].columns if column.name not in STAMPED
        ]
        for name in raw_tables(contracts)
    }


def sources_of(settings: Settings, contracts: Contracts) -> SourceFiles:
    """The sources.yaml in force, validated."""
    return load_sources(settings.sources_path, fillable_columns(contracts))


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """raw/refreshes, one asset per raw table, raw/attributes and raw/rejected_rows."""
    return [
        _refreshes(contracts),
        *(_raw_table(contracts, table) for table in raw_tables(contracts)),
        *(_shared_table(contracts, table) for table in SHARED),
    ]


def _refreshes(contracts: Contracts) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="raw__refreshes",
        specs=[asset_spec(contracts[REFRESHES], [], kinds={"python"})],
        required_resource_keys={RESOURCE},
        config_schema=REFRESH_CONFIG,
    )
    def refreshes(context: dg.AssetExecutionContext) -> Any:
        run: StageRun = getattr(context.resources, RESOURCE)
        config = context.op_execution_context.op_config
        try:
            with run.connect() as connection:
                as_of, as_of_from = _choose_as_of(run, connection, config["as_of"], config["as_of_from"])
                _, version = open_refresh(
                    connection,
                    as_of=as_of,
                    as_of_from=as_of_from,
                    run_id=run.run_id,
                    code_version=code_version(),
                )
        except LeadflowError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        return materialized(run, contracts[REFRESHES], version)

    return refreshes


def _choose_as_of(
    run: StageRun, connection: "DuckDBPyConnection", given: str, given_from: str
) -> tuple[datetime, str]:
    """The moment of the refresh: the given one, or what the clock of sources.yaml says."""
    if given:
        return parse_as_of(given), given_from
    files = sources_of(run.settings, run.contracts)
    now = utc_now().replace(microsecond=0)
    if files.config.clock == "now":
        return now, "clock"
    newest = [_newest_landed(connection, table, now) for table in raw_tables(run.contracts)]
    # A fact that stands aside was known none the less: without it the next refresh would look from an earlier moment.
    newest += [newest_set_aside(connection, table, now) for table in raw_tables(run.contracts)]
    failed: list[SourceError] = []
    for source in files.config.sources:
        if source.known_at == "landed":
            continue
        try:
            newest += newest_facts(connection, run.contracts, files, source, now)
        except SourceError as error:  # its own step says so, after the other sources have landed
            failed.append(error)
    known = [moment for moment in newest if moment is not None]
    if failed and not known:
        raise failed[0]
    if not known:
        raise ConfigError(
            f"{run.settings.sources_path}: no source holds a fact, so there is no newest fact to look from",
            "give --as-of, or set `clock: now`",
        )
    return max(known), "newest_fact"


def _newest_landed(connection: "DuckDBPyConnection", table: str, not_after: datetime) -> datetime | None:
    if not table_exists(connection, table):
        return None
    newest: datetime | None = scalar(
        connection, f"select max(known_at) from {table} where known_at <= ?", [not_after]
    )
    return newest


def _raw_table(contracts: Contracts, table: str) -> dg.AssetsDefinition:
    history = contracts.history_of(table)

    @dg.multi_asset(
        name=table.replace(".", "__"),
        specs=[
            asset_spec(contracts[name], [REFRESHES], kinds={"python"})
            for name in (table, history)
            if name is not None
        ],
        required_resource_keys={RESOURCE},
    )
    def raw_table(context: dg.AssetExecutionContext) -> Any:
        run: StageRun = getattr(context.resources, RESOURCE)
        try:
            done, version, history_version = _land(run, table)
        except LeadflowError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        for name, columns in done.unused.items():
            context.log.warning(
                "source '%s': columns that nothing is mapped from: %s", name, ", ".join(columns)
            )
        for name, told in done.drift.items():
            context.log.warning("source '%s' has changed: %s", name, "; ".join(told))
        lines = [
            "source | file | rows landed | rows rejected | values set to null",
            "--- | --- | --- | --- | ---",
        ]
        lines += [
            f"{one.source} | {one.file.name} | {one.row_count if one.is_new else 'landed before'} | {one.rejected_rows} | {one.rejected_values}"
            for one in done.landed
        ]
        lines += [f"{name} | failed | | | " for name in done.failed]
        yield materialized(
            run,
            contracts[table],
            version,
            files=dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines)),
            unmapped_columns=dg.MetadataValue.json(done.unused),
            columns_left_null=dg.MetadataValue.json(done.absent),
            changed_columns=dg.MetadataValue.json(done.drift),
            failed_sources=dg.MetadataValue.json({name: str(why) for name, why in done.failed.items()}),
            rows_landed=sum(one.row_count for one in done.landed),
            rows_rejected=sum(one.rejected_rows for one in done.landed),
            rows_repeated=sum(one.repeated_rows for one in done.landed),
        )
        if history is not None and history_version is not None:
            yield materialized(run, contracts[history], history_version)
        if done.failed:
            raise _failure(table, done)

    return raw_table


def _land(run: StageRun, table: str) -> tuple[Landings, TableVersion, TableVersion | None]:
    """Land the sources of one raw table; its version and its history's are recorded also where some of them failed."""
    files = sources_of(run.settings, run.contracts)
    with run.connect() as connection:
        stamp = run.stamp(connection)
        history = run.contracts.history_of(table)
        for name in (table, *([] if history is None else [history]), *SHARED):
            landing.ensure_raw_table(connection, name, run.contracts[name].column_types)
        ensure_system_tables(connection)
        with transaction(connection):
            if bring_back(connection, run.contracts[table], history):
                record_version(connection, table, stamp=stamp, inputs=[REFRESHES])
        done = land_sources(connection, run.contracts, files, table, stamp, [REFRESHES])
        with transaction(connection):
            run.set_aside(connection, table, stamp=stamp, is_replaced=False)
            version = record_version(connection, table, stamp=stamp, inputs=[REFRESHES])
            history_version = (
                None
                if history is None
                else record_version(connection, history, stamp=stamp, inputs=[REFRESHES])
            )
    return done, version, history_version


def _failure(table: str, done: Landings) -> dg.Failure:
    """Which sources failed and why; raised once the others have landed."""
    sources = {one.source for one in done.landed} | done.failed.keys()
    said = " ".join(map(str, done.failed.values()))
    if len(sources) > 1:
        said = f"{len(done.failed)} of {len(sources)} sources of {table} failed, the others landed: {said}"
    return dg.Failure(
        description=said,
        metadata={
            "failed_sources": dg.MetadataValue.json({name: str(why) for name, why in done.failed.items()})
        },
        allow_retries=False,
    )


def _shared_table(contracts: Contracts, table: str) -> dg.AssetsDefinition:
    """raw.attributes and raw.rejected_rows: filled while sources land, taken stock of when all have."""
    inputs = raw_tables(contracts)

    @table_asset(contracts, outputs=[table], inputs=inputs)
    def take_stock(run: StageRun) -> Mapping[str, TableVersion]:
        with run.connect() as connection:
            landing.ensure_raw_table(connection, table, run.contracts[table].column_types)
            stamp = run.stamp(connection)
            with transaction(connection):
                run.set_aside(connection, table, stamp=stamp, is_replaced=False)
                return {table: record_version(connection, table, stamp=stamp, inputs=inputs)}

    return take_stock
