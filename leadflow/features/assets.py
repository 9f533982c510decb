"""features: the Dagster shell of the leakage firewall; the features themselves are SQL models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.models.column_lineage import LineageError, table_lineage
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = "features.training_examples"
REPORT = "features.leakage_report"
_ROWS_SHOWN = 60
_KNOWN_AT = "_known_at"


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """features/leakage_report: what tells the outcome, before any model learns from it."""
    inputs = [
        EXAMPLES,
        "features.lead_outcomes",
        "staging.stg_attributes",
        "identity.identity_map",
        "enrich.firmographics",
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


def _facts_of_accounts(run: StageRun) -> pl.DataFrame:
    """When facts about accounts became known, as `known_too_late` takes it: a row per account, feature and moment.

    A feature is one of those where the SQL of its column reads a field of a table of enrich with a moment beside it,
    NAME_known_at, and, where it may be declared backdated, the reason for that, NAME_backdated_reason.
    """
    import polars as pl

    schema = pl.Schema(
        [
            ("account_id", pl.String),
            ("feature", pl.String),
            ("known_at", pl.Datetime("us")),
            ("backdated_reason", pl.String),
        ]
    )
    rows = [pl.DataFrame(schema=schema)]
    try:
        origins = table_lineage(run.room, run.contracts, run.contracts[EXAMPLES])
    except LineageError as error:
        run.tell(
            REPORT,
            not_checked=f"When facts about accounts were known was not held against their use: {error}",
        )
        origins = {}
    for feature, origin in origins.items():
        for table, field in (name.rsplit(".", 1) for name in origin.columns if name.startswith("enrich.")):
            columns = {column.name for column in run.contracts[table].columns}
            if field + _KNOWN_AT not in columns:
                continue
            reason = f"{field}_backdated_reason"
            facts = run.read(table, ["account_id", field + _KNOWN_AT, *({reason} & columns)])
            rows.append(
                facts.select(
                    "account_id",
                    pl.lit(feature).alias("feature"),
                    pl.col(field + _KNOWN_AT).alias("known_at"),
                    (pl.col(reason) if reason in columns else pl.lit(None))
                    .cast(pl.String)
                    .alias("backdated_reason"),
                ).drop_nulls("known_at")
            )
    return pl.concat(rows)
