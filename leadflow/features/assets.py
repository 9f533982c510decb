"""features: the Dagster shell of the leakage firewall; the features themselves are SQL models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.quality.contracts import Contracts, Table
from leadflow.warehouse.models.column_lineage import LineageError, table_lineage
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = "features.training_examples"
REPORT = "features.leakage_report"
_ROWS_SHOWN = 60


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """features/leakage_report: what tells the outcome, before any model learns from it."""
    inputs = [
        EXAMPLES,
        "features.lead_outcomes",
        "staging.stg_attributes",
        "identity.identity_map",
        *(table.full_name for table in contracts.values() if _tells_when_known(table)),
    ]

    @table_asset(contracts, outputs=[REPORT], inputs=inputs)
    def leakage_report(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.features.leakage_rows import as_markdown, kept_from_models

        report = report_of(run)
        kept = kept_from_models(report)
        run.tell(
            REPORT,
            leakage=dg.MetadataValue.md(as_markdown(report, _ROWS_SHOWN)),
            kept_from_models=", ".join(kept) or "none",
        )
        return run.write({REPORT: report}, inputs=inputs)

    return [leakage_report]


def report_of(run: StageRun) -> pl.DataFrame:
    """The leakage report on the examples of this refresh."""
    import polars as pl

    from leadflow.features.leakage import leakage_report
    from leadflow.features.leakage_facts import known_too_late, written_after_outcome
    from leadflow.modelling.attributes import (
        ATTRIBUTE_PREFIX,
        declared_types,
        feature_spec,
        with_attributes,
    )

    declared = declared_types(run.read("staging.stg_attributes", ["attribute", "value_type"]))
    examples = with_attributes(run.read(EXAMPLES), declared)
    spec = feature_spec(run.contracts["features.lead_features"].feature_roles, examples)
    moments = [name for name, kind in examples.schema.items() if kind == pl.Datetime and name != "as_of"]
    values = run.warehouse.read(
        "select members.lead_id, attributes.attribute as feature, min(attributes.known_at) as known_at "
        "from staging.stg_attributes as attributes "
        "inner join identity.identity_map as members "
        "on members.record_key = attributes.raw_table || ':' || attributes.record_id and members.known_to is null "
        "where attributes.value is not null group by all"
    )
    closed = run.read("features.lead_outcomes", ["lead_id", "first_closed_at"])
    return leakage_report(
        examples,
        [*spec.numeric, *spec.categorical],
        run.policy.leakage,
        run.policy.training,
        moments=moments,
        facts=known_too_late(examples, _facts_of_accounts(run)),
        written=written_after_outcome(
            values.with_columns(pl.format(ATTRIBUTE_PREFIX + "{}", "feature").alias("feature")),
            closed.rename({"first_closed_at": "closed_at"}),
        ),
    )


def _tells_when_known(table: Table) -> bool:
    """Whether a table of enrich says of each account since when facts about it were known."""
    columns = {column.name for column in table.columns}
    return (
        table.schema == "enrich"
        and "account_id" in columns
        and ({"field", "known_from"} <= columns or any(name.endswith("_known_at") for name in columns))
    )


def _facts_of_accounts(run: StageRun) -> pl.DataFrame:
    """When facts about accounts became known, as `known_too_late` takes it: a row per account, feature and moment.

    A feature is one of those where the SQL of its column reads a table of enrich: either a field with a moment beside
    it (NAME_known_at, and NAME_is_backdated), or a table of facts in rows (field, known_from, is_backdated), of which
    those count whose field is called as the feature, or as `meta: {fact: ...}` of its column says.
    """
    import polars as pl

    from leadflow.features.leakage_facts import FACTS

    try:
        origins = table_lineage(
            run.room,
            run.contracts,
            run.contracts[EXAMPLES],
            kept_in=run.settings.cache_file("column_lineage"),
        )
    except LineageError as error:
        run.tell(
            REPORT,
            not_checked=f"When facts about accounts were known was not held against their use: {error}",
        )
        origins = {}
    fact_of = {
        column.name: column.meta.get("fact", column.name) for column in run.contracts[EXAMPLES].columns
    }
    tables: dict[str, pl.DataFrame] = {}
    rows = [pl.DataFrame(schema=FACTS)]
    for feature, origin in origins.items():
        for table in sorted(
            {name.rsplit(".", 1)[0] for name in origin.columns if name.startswith("enrich.")}
        ):
            if not _tells_when_known(run.contracts[table]):
                continue
            if table not in tables:
                tables[table] = run.read(table)
            columns = tables[table].columns
            fields = [name.rsplit(".", 1)[1] for name in origin.columns if name.startswith(table + ".")]
            if "known_from" in columns:
                facts = tables[table].filter(pl.col("field") == fact_of[feature])
                rows.append(_facts(facts, feature, "known_from", "is_backdated"))
            rows += [
                _facts(tables[table], feature, f"{field}_known_at", f"{field}_is_backdated")
                for field in fields
                if f"{field}_known_at" in columns
            ]
    return pl.concat(rows)


def _facts(rows: pl.DataFrame, feature: str, known_at: str, is_backdated: str) -> pl.DataFrame:
    import polars as pl

    backdated = pl.col(is_backdated) if is_backdated in rows.columns else pl.lit(False)
    return rows.select(
        "account_id",
        pl.lit(feature).alias("feature"),
        pl.col(known_at).cast(pl.Datetime("us")).alias("known_at"),
        backdated.cast(pl.Boolean).fill_null(False).alias("is_backdated"),
    ).drop_nulls("known_at")
