"""Dagster assets from table contracts: what is the same for every table is said here once.

Belongs here: specs, the resource that holds the refresh lock, and turning a write into Dagster metadata. Does not
belong here: any one stage's assets (their assets.py) and checks (quality/checks.py).
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from leadflow.errors import LeadflowError
from leadflow.quality.contracts import Contracts, Table
from leadflow.settings import Settings
from leadflow.stages import OWNERS
from leadflow.warehouse.conditions import refuse_wrong_conditions
from leadflow.warehouse.lock import refresh_lock
from leadflow.warehouse.models.column_lineage import LineageError, Origin, table_lineage
from leadflow.warehouse.models.sql_models import SqlModel, SqlRoom
from leadflow.warehouse.quarantine import quarantined_rows, quarantining
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.tables import TableVersion, sample

if TYPE_CHECKING:
    import polars as pl

_LONGEST_TAG = 63
"""Characters that Dagster allows a tag's key and value each."""

_E_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")

RESOURCE = "run"
"""Name that assets and checks ask for their StageRun by."""


def asset_key(table: str) -> dg.AssetKey:
    """'clean.clean_leads' as the asset key clean/clean_leads."""
    return dg.AssetKey(table.split("."))


def run_resource(settings: Settings, contracts: Contracts, room: SqlRoom) -> dg.ResourceDefinition:
    """The resource every asset and check requires.

    With the in-process executor it is made once a run, before the first step, and closed after the last check: so
    the lock that it holds makes refreshes go one after the other, whoever starts them.
    """

    @dg.resource(
        config_schema={
            "is_full": dg.Field(
                bool, default_value=False, description="Rebuild incremental tables from nothing."
            ),
            "is_retraining": dg.Field(
                bool, default_value=False, description="Train a challenger of the model in use."
            ),
        },
        description="One run over this home: its moment, policy and tables, under the refresh lock.",
    )
    def stage_run(context: dg.InitResourceContext) -> Iterator[StageRun]:
        run_id = context.run.run_id if context.run else "unknown"
        refuse_wrong_conditions(contracts)
        settings.ensure_home()
        log = context.log or logging.getLogger(__name__)
        with refresh_lock(
            settings.lock_path, purpose=f"run {run_id}", wait_seconds=settings.lock_wait_seconds, log=log
        ):
            asked = context.resource_config
            run = StageRun(
                settings, contracts, room, run_id, bool(asked["is_full"]), bool(asked["is_retraining"])
            )
            with run.warehouse.lingering():
                yield run
                # Here and not in publishing, which a failed check keeps from running: that is when the report is wanted.
                _leave_report(run, log)

    return stage_run


def _leave_report(run: StageRun, log: logging.Logger) -> None:
    """Write the page of the validation report anew; where that cannot be done, the run is none the worse for it."""
    from leadflow.warehouse.quality_report import write_home_page

    try:
        write_home_page(run)
    except LeadflowError as error:
        log.warning("The validation report was not written: %s", error)


def asset_spec(table: Table, inputs: Sequence[str], *, kinds: set[str]) -> dg.AssetSpec:
    """How a table appears in Dagster: all of it from the contract."""
    return dg.AssetSpec(
        key=asset_key(table.full_name),
        deps=[asset_key(name) for name in inputs],
        group_name=table.schema,
        description=f"{table.description}\n\n**Grain:** {table.grain}",
        kinds={"duckdb", *kinds},
        owners=[_owner(name) for name in table.owners] or [OWNERS[table.schema]],
        tags=dict(map(_tag, table.tags)),
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        name=column.name,
                        type=column.data_type,
                        description=column.description + (f" [{column.unit}]" if column.unit else ""),
                        tags={**dict(map(_tag, column.tags)), **({"pii": ""} if column.is_pii else {})},
                    )
                    for column in table.columns
                ]
            ),
            "dagster/table_name": table.full_name,
            "contract": dg.MetadataValue.path(str(table.file)),
        },
    )


def _owner(named: str) -> str:
    """An e-mail address as it is, a name as Dagster's team."""
    is_dagsters = named.startswith("team:") or _E_MAIL.fullmatch(named) is not None
    return named if is_dagsters else f"team:{named}"


def _tag(tag: str) -> tuple[str, str]:
    """A tag of dbt's, which may be any text, as one of Dagster's: what stands behind a colon is its value."""
    name, _, value = tag.partition(":")
    key, told = (re.sub(r"[^A-Za-z0-9_.-]+", "_", part.strip())[:_LONGEST_TAG] for part in (name, value))
    return key or "tag", told


def table_asset(
    contracts: Contracts,
    *,
    outputs: Sequence[str],
    inputs: Sequence[str],
    kinds: frozenset[str] = frozenset({"python"}),
    tells: Callable[[StageRun], Mapping[str, Mapping[str, Any]]] | None = None,
) -> Callable[[Callable[[StageRun], Mapping[str, TableVersion]]], dg.AssetsDefinition]:
    """Make a function that writes tables into one asset step.

    The function gets the StageRun, writes every table of `outputs` and returns their versions.

    Args:
        contracts: all contracts.
        outputs: tables it writes.
        inputs: tables it reads.
        kinds: Dagster kinds beside duckdb.
        tells: what is told of the tables beside rows and version, by table and name, once they are written.
    """

    def decorate(write: Callable[[StageRun], Mapping[str, TableVersion]]) -> dg.AssetsDefinition:
        @dg.multi_asset(
            name=outputs[0].replace(".", "__"),
            specs=[asset_spec(contracts[table], inputs, kinds=set(kinds)) for table in outputs],
            required_resource_keys={RESOURCE},
        )
        def _asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
            run: StageRun = getattr(context.resources, RESOURCE)
            try:
                versions = write(run)
                told = tells(run) if tells else {}
                by_step = {table: run.told.pop(table, {}) for table in outputs}
            except LeadflowError as error:
                raise dg.Failure(description=str(error), allow_retries=False) from error
            for table in outputs:
                yield materialized(
                    run, contracts[table], versions[table], **by_step[table], **told.get(table, {})
                )

        return _asset

    return decorate


def model_asset(
    contracts: Contracts, model: SqlModel, tells: Callable[[StageRun], Mapping[str, Any]] | None = None
) -> dg.AssetsDefinition:
    """A SQL model as one asset step; `tells` is what is told of its table beside rows and version."""

    @table_asset(
        contracts,
        outputs=[model.table],
        inputs=list(model.made_from),
        kinds=frozenset({"sql"}),
        tells=None if tells is None else lambda run: {model.table: tells(run)},
    )
    def _write(run: StageRun) -> Mapping[str, TableVersion]:
        return {model.table: run.run_sql_model(model)}

    return _write


def materialized(
    run: StageRun, table: Table, version: TableVersion, **metadata: Any
) -> dg.MaterializeResult[Any]:
    """What a person sees of a write in the UI: how many rows, of which moment, and what they look like."""
    with run.connect(read_only=True) as connection:
        first_rows = sample(connection, table.full_name)
        aside = quarantined_rows(connection, table.full_name) if quarantining(table) else None
    return dg.MaterializeResult(
        asset_key=asset_key(table.full_name),
        metadata={
            "dagster/row_count": version.row_count,
            "as_of": str(version.as_of),
            "refresh_id": version.refresh_id,
            "version": version.version,
            "sample": dg.MetadataValue.md(markdown(first_rows, table)),
            **({} if aside is None else {"quarantined_rows": sum(aside.values())}),
            **lineage_metadata(run, table),
            **metadata,
        },
    )


def lineage_metadata(run: StageRun, table: Table) -> dict[str, Any]:
    """Where each column comes from: once as Dagster's own kind of metadata, which its paid UI draws, once to be read."""
    try:
        origins = table_lineage(
            run.room, run.contracts, table, kept_in=run.settings.cache_file("column_lineage")
        )
    except LineageError as error:
        logging.getLogger(__name__).warning("No column lineage of %s: %s", table.full_name, error)
        return {}
    if not origins:
        return {}
    lines = ["column | comes from", "--- | ---"]
    lines += [f"{name} | {_in_words(origin)}" for name, origin in origins.items()]
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            {name: [_dep(source) for source in origin.columns] for name, origin in origins.items()}
        ),
        "column lineage": dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines)),
    }


def _dep(column: str) -> dg.TableColumnDep:
    table, _, name = column.rpartition(".")
    return dg.TableColumnDep(asset_key=asset_key(table), column_name=name)


def _in_words(origin: Origin) -> str:
    parts = [*origin.columns, *(f"{name} as a whole" for name in origin.tables)]
    return ", ".join(parts) + (" (unchanged)" if origin.is_unchanged else "")


def markdown(rows: "pl.DataFrame", table: Table) -> str:
    """A few rows as a Markdown table, PII masked."""
    from leadflow.quality.masking import mask

    names = rows.columns
    pii = {column.name for column in table.columns if column.is_pii}
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    for row in rows.iter_rows(named=True):
        cells = (mask(row[name], name) if name in pii else row[name] for name in names)
        lines.append(
            " | ".join(
                "" if cell is None else str(cell).replace("|", "\\|").replace("\n", " ")[:120]
                for cell in cells
            )
        )
    return "\n".join(f"| {line} |" for line in lines)
