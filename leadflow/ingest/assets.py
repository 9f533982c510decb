"""raw: the Dagster shell of landing. Opens the refresh, lands every source's files, and takes stock of rejects."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from leadflow.errors import ConfigError, LeadflowError
from leadflow.ingest.mapping import landing_of, unused_columns
from leadflow.ingest.sources import Source, SourceFiles, file_format, load_sources
from leadflow.quality.contracts import Contracts
from leadflow.settings import Settings
from leadflow.version import code_version
from leadflow.warehouse.connection import scalar
from leadflow.warehouse.landing import landing
from leadflow.warehouse.landing.files import FileScan, content_hash, scan
from leadflow.warehouse.landing.landing_plan import Landed, Landing
from leadflow.warehouse.refreshes import TABLE as REFRESHES
from leadflow.warehouse.refreshes import open_refresh
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

STAMPED = ("occurred_at", "known_at", "source_name", "source_file")
"""Columns that landing fills itself, not the mapping of a source."""

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
    return [name for name in contracts if name.startswith("raw.") and name not in (REFRESHES, *SHARED)]


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


def describe_sources(settings: Settings) -> Iterator[str]:
    """One line per source: its files, and that their columns fit the mapping.

    Raises:
        LeadflowError: the first source that does not fit.
    """
    from leadflow.quality.contracts import load_contracts
    from leadflow.warehouse.connection import Warehouse

    contracts = load_contracts(settings.sql_dir)
    files = sources_of(settings, contracts)
    with Warehouse(Path(":memory:")).connect() as connection:
        for source in files.config.sources:
            paths = files.files(source)
            for path in paths:
                with _scan(connection, source, path) as file:
                    _plan(connection, contracts, files, source, file, utc_now())
            yield f"source '{source.name}' fills raw.{source.table} from {len(paths)} file(s), {paths[0].name} first"


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
    for source in files.config.sources:
        if source.known_at == "landed":
            continue
        for path in files.files(source):
            with _scan(connection, source, path) as file:
                plan = _plan(connection, run.contracts, files, source, file, now)
                if not landing.is_landed(connection, plan, content_hash(path)):
                    newest.append(landing.newest_known_at(connection, plan, file, not_after=now))
    known = [moment for moment in newest if moment is not None]
    if not known:
        raise ConfigError(
            f"{run.settings.sources_path}: no source holds a fact, so there is no newest fact to look from",
            "give --as-of, or set `clock: now`",
        )
    return max(known), "newest_fact"


def parse_as_of(text: str) -> datetime:
    """A moment as naive UTC.

    Raises:
        ConfigError: the text is not ISO 8601.
    """
    from datetime import UTC

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"as_of '{text}' is not a moment", "write it as 2026-06-30 or 2026-06-30T18:00:00+02:00"
        ) from None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _newest_landed(connection: "DuckDBPyConnection", table: str, not_after: datetime) -> datetime | None:
    if not table_exists(connection, table):
        return None
    newest: datetime | None = scalar(
        connection, f"select max(known_at) from {table} where known_at <= ?", [not_after]
    )
    return newest


def _scan(connection: "DuckDBPyConnection", source: Source, path: Path) -> AbstractContextManager[FileScan]:
    return scan(
        connection, path, file_format(source, path), source.read_options.model_dump(exclude_none=True)
    )


def _plan(
    connection: "DuckDBPyConnection",
    contracts: Contracts,
    files: SourceFiles,
    source: Source,
    file: FileScan,
    as_of: datetime,
) -> Landing:
    table = contracts[f"raw.{source.table}"]
    plan = landing_of(
        files,
        source,
        column_types={
            column.name: column.data_type for column in table.columns if column.name not in STAMPED
        },
        natural_key=table.natural_key,
        file=file.path,
        file_columns=file.column_types,
        as_of=as_of,
    )
    landing.check_mapping(connection, plan, file)
    return plan


def _raw_table(contracts: Contracts, table: str) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=table.replace(".", "__"),
        specs=[asset_spec(contracts[table], [REFRESHES], kinds={"python"})],
        required_resource_keys={RESOURCE},
    )
    def raw_table(context: dg.AssetExecutionContext) -> Any:
        run: StageRun = getattr(context.resources, RESOURCE)
        try:
            landed, unused, version = _land(run, table)
        except LeadflowError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        for name, columns in unused.items():
            context.log.warning(
                "source '%s': columns that nothing is mapped from: %s", name, ", ".join(columns)
            )
        lines = [
            "source | file | rows landed | rows rejected | values set to null",
            "--- | --- | --- | --- | ---",
        ]
        lines += [
            f"{one.source} | {one.file.name} | {one.row_count if one.is_new else 'landed before'} | {one.rejected_rows} | {one.rejected_values}"
            for one in landed
        ]
        return materialized(
            run,
            contracts[table],
            version,
            files=dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines)),
            unmapped_columns=dg.MetadataValue.json(unused),
            rows_landed=sum(one.row_count for one in landed),
            rows_rejected=sum(one.rejected_rows for one in landed),
        )

    return raw_table


def _land(run: StageRun, table: str) -> tuple[list[Landed], dict[str, list[str]], TableVersion]:
    """Land every file of every source of one raw table."""
    files = sources_of(run.settings, run.contracts)
    landed: list[Landed] = []
    unused: dict[str, list[str]] = {}
    with run.connect() as connection:
        stamp = run.stamp(connection)
        for name in (table, *SHARED):
            landing.ensure_raw_table(
                connection, name, {column.name: column.data_type for column in run.contracts[name].columns}
            )
        for source in files.for_table(table.removeprefix("raw.")):
            for path in files.files(source):
                with _scan(connection, source, path) as file:
                    plan = _plan(connection, run.contracts, files, source, file, stamp.as_of)
                    if left_over := unused_columns(source, file.columns):
                        unused[source.name] = left_over
                    landed.append(
                        landing.land_file(
                            connection, plan, file, digest=content_hash(path), stamp=stamp, inputs=[REFRESHES]
                        )
                    )
        ensure_system_tables(connection)
        with transaction(connection):
            run.set_aside(connection, table, is_replaced=False)
            version = record_version(connection, table, stamp=stamp, inputs=[REFRESHES])
    return landed, unused, version


def _shared_table(contracts: Contracts, table: str) -> dg.AssetsDefinition:
    """raw.attributes and raw.rejected_rows: filled while sources land, taken stock of when all have."""
    inputs = raw_tables(contracts)

    @table_asset(contracts, outputs=[table], inputs=inputs)
    def take_stock(run: StageRun) -> Mapping[str, TableVersion]:
        with run.connect() as connection:
            landing.ensure_raw_table(
                connection, table, {column.name: column.data_type for column in run.contracts[table].columns}
            )
            with transaction(connection):
                return {table: record_version(connection, table, stamp=run.stamp(connection), inputs=inputs)}

    return take_stock
