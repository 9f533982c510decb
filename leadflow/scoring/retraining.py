"""Training in a home: the examples it is given, the log of trainings, and the files of models.

Belongs here: what reads and writes around a training. Does not belong here: Dagster (assets.py), the decisions
(champion.py), training (training.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError, WarehouseError
from leadflow.scoring.in_force import stored_model
from leadflow.version import code_version
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.tables import TableVersion, latest_versions

if TYPE_CHECKING:
    import polars as pl

    from leadflow.modelling.columns import FeatureSpec
    from leadflow.policy import Policy
    from leadflow.scoring.model import Fallback, TrainedModel

TRAININGS = "scoring.trainings"
NEWEST = "scoring.newest_scores"
EXAMPLES = "features.training_examples"
ACTIVITY = "features.training_rule_activity"
TRAINING_READS = (
    EXAMPLES,
    ACTIVITY,
    "features.leakage_report",
    "staging.stg_attributes",
    "features.lead_features",
)


def train_where_due(run: StageRun) -> Mapping[str, TableVersion]:
    """Train a model where one is due, keep it, and note what came of it; mostly nothing is due."""
    import polars as pl

    from leadflow.scoring.champion import champion_at, why_train

    as_of, former = run.refresh().as_of, trainings(run)
    left_out = kept_from_models(run)
    if not run.policy.training.is_enabled:
        return _noted(run, None, None)
    version = champion_at(former, as_of)
    unusable = None if version is None else _unusable(run, version, left_out)
    asked_by = why_train(former, as_of, _settled_wins(run), is_asked=run.is_retraining, unusable=unusable)
    if asked_by is None:
        return _noted(run, None, None)
    champion = (
        stored_model(run.settings.models_dir, version) if version is not None and unusable is None else None
    )
    outcome, held_out = _trained(run, left_out)
    row = _decided(run, outcome, champion, held_out, as_of) | {
        "training": former.height + 1,
        "as_of": as_of,
        "asked_by": asked_by,
        "policy_version": run.policy.version,
        "code_version": code_version(),
    }
    if unusable is not None:
        row["reason"] = f"{unusable}, so it was trained anew; {row['reason']}"
    run.tell(TRAININGS, outcome=row["outcome"], reason=row["reason"], asked_by=asked_by)
    newest = None
    if row["outcome"] == "champion" and held_out is not None:
        newest = held_out.rename({"challenger": "ml_probability"}).with_columns(
            model_version=pl.lit(row["model_version"])
        )
    return _noted(run, row, newest)


def _noted(
    run: StageRun, row: dict[str, object] | None, newest: pl.DataFrame | None
) -> Mapping[str, TableVersion]:
    """Add a training to the log, and what its champion said of the newest leads; without one nothing changes."""
    import polars as pl

    from leadflow.scoring.champion import NEWEST_SCHEMA, TRAININGS_SCHEMA

    return run.write(
        {
            TRAININGS: pl.DataFrame([] if row is None else [row], schema=TRAININGS_SCHEMA),
            NEWEST: NEWEST_SCHEMA.to_frame()
            if newest is None
            else newest.select(NEWEST_SCHEMA.names()).cast(NEWEST_SCHEMA),
        },
        inputs=list(TRAINING_READS),
        merged=[TRAININGS, NEWEST],
    )


def trainings(run: StageRun) -> pl.DataFrame:
    """The log of trainings; empty before the first."""
    from leadflow.scoring.champion import TRAININGS_SCHEMA

    with run.connect(read_only=True) as connection:
        if not run.holds_promised(connection, TRAININGS):
            return TRAININGS_SCHEMA.to_frame()
    return run.read(TRAININGS, TRAININGS_SCHEMA.names())


def model_in_force(run: StageRun, as_of: datetime, policy: Policy | None = None) -> TrainedModel | None:
    """The champion at a moment, or None where rules scored alone.

    Args:
        policy: that of the moment, which may have no model used; None takes the one in force now.

    Raises:
        WarehouseError: the model's file is gone or does not hold what it should.
    """
    from leadflow.scoring.champion import champion_at

    if not (policy or run.policy).training.is_enabled:
        return None
    version = champion_at(trainings(run), as_of)
    return None if version is None else stored_model(run.settings.models_dir, version)


def _unusable(run: StageRun, version: str, left_out: Collection[str]) -> str | None:
    """Why the champion cannot score today's leads; a file that does not hold it is an error unless a training is asked for."""
    from leadflow.modelling.attributes import ATTRIBUTE_PREFIX

    try:
        model = stored_model(run.settings.models_dir, version)
    except LeadflowError:
        if run.is_retraining:
            return f"the file of the champion {version} could not be read"
        raise
    if blocked := sorted(set(model.feature_names) & set(left_out)):
        return f"the champion {version} uses {', '.join(blocked)}, now kept from models"
    there_are = {column.name for column in run.contracts["features.lead_features"].columns}
    there_are |= {ATTRIBUTE_PREFIX + name for name in declared(run)}
    if gone := sorted(set(model.feature_names) - there_are):
        return f"the champion {version} uses {', '.join(gone)}, which leads no longer have"
    return None


def _settled_wins(run: StageRun) -> int:
    with run.connect(read_only=True) as connection:
        rows = connection.execute(f"select count(distinct lead_id) from {EXAMPLES} where label").fetchall()
    return int(rows[0][0])


def _trained(run: StageRun, left_out: Collection[str]) -> tuple[TrainedModel | Fallback, pl.DataFrame | None]:
    """What a training gives, with what contracts are worth, and the newest examples with what the measured model says of them."""
    from dataclasses import replace

    from leadflow.scoring.model import TrainedModel
    from leadflow.scoring.revenue import fit_values
    from leadflow.scoring.training import train_measured

    examples, spec = training_examples(run, left_out)
    outcome, held_out = train_measured(examples, spec, run.policy.training, run.policy.blend)
    if isinstance(outcome, TrainedModel):
        values = fit_values(examples, run.policy.revenue, run.policy.icp.currency or None)
        outcome = replace(outcome, values=None if values is None else values.to_dict())
    if held_out is not None:
        held_out = held_out.join(
            examples.drop("label"), on=["lead_id", "as_of"], how="left", maintain_order="left"
        )
    return outcome, held_out


def training_examples(run: StageRun, left_out: Collection[str]) -> tuple[pl.DataFrame, FeatureSpec]:
    """The examples with the rule score of their moment, attributes in columns, and what a model may use of them."""
    from leadflow.modelling.attributes import feature_spec, with_attributes

    examples = with_attributes(with_rule_scores(run, run.read(EXAMPLES)), declared(run))
    spec = feature_spec(run.contracts["features.lead_features"].feature_roles, examples, left_out)
    return examples, spec


def with_rule_scores(run: StageRun, examples: pl.DataFrame) -> pl.DataFrame:
    """The examples with `rule_score`, by the policy in force, from what was known at each one's moment."""
    from leadflow.scoring.rules import score_examples

    refuse_days_of_other_rules(run, ACTIVITY)
    return examples.with_columns(rule_score=score_examples(examples, run.policy, run.read(ACTIVITY)))


def _decided(
    run: StageRun,
    outcome: TrainedModel | Fallback,
    champion: TrainedModel | None,
    held_out: pl.DataFrame | None,
    as_of: datetime,
) -> dict[str, object]:
    """The row of the training, but for its moment; the file of a new champion is there before the row is."""
    from leadflow.scoring.champion import decide
    from leadflow.scoring.model import Fallback, Made, evaluation_json

    decision = decide(outcome, champion, held_out, run.policy.training)
    measured = outcome.evaluation
    row: dict[str, object] = {
        "outcome": decision.outcome,
        "reason": decision.reason,
        "model_version": None,
        "champion_version": None if champion is None else champion.version,
        "wins": outcome.wins,
        "evaluation": None if measured is None else evaluation_json(measured),
        "difference_low": None if decision.difference is None else decision.difference[0],
        "difference_high": None if decision.difference is None else decision.difference[1],
    }
    if isinstance(outcome, Fallback):
        return row
    made = outcome.with_made(Made(as_of, run.policy.version, code_version()))
    _keep(run, outcome.version, made.to_json())
    row["model_version"] = outcome.version
    if decision.outcome == "champion":
        row["champion_version"] = outcome.version
    return row


def _keep(run: StageRun, name: str, text: str) -> None:
    path = run.settings.models_dir / f"{name}.json"
    staged = path.with_suffix(".tmp")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)


def declared(run: StageRun) -> dict[str, str]:
    """Type by name of the attributes that leads have."""
    from leadflow.modelling.attributes import declared_types

    return declared_types(run.read("staging.stg_attributes", ["attribute", "value_type"]))


def kept_from_models(run: StageRun) -> list[str]:
    """Features that the leakage report blocks or the policy excludes.

    Raises:
        LeadflowError: the report says that no model is to be trained. Its check stops a refresh; a later run of the model
            alone would go ahead in spite of it.
    """
    report = run.read("features.leakage_report", ["feature", "reason", "is_kept_from_models", "is_stopping"])
    stopping = report.filter("is_stopping")
    if stopping.height:
        raise LeadflowError(
            f"no model is trained: {stopping['feature'][0]}: {stopping['reason'][0]}",
            "features.leakage_report says all that was found",
        )
    return report.filter("is_kept_from_models")["feature"].unique().sort().to_list()


def refuse_days_of_other_rules(run: StageRun, table: str) -> None:
    """Refuse what leads did by day where it was made for another policy: what that one does not count would be missing.

    Raises:
        WarehouseError: rules count times, and the table is of another policy.
    """
    if not any(rule.is_counted for rule in run.policy.rules):
        return
    with run.connect(read_only=True) as connection:
        made = latest_versions(connection).get(table)
    if made is None or made.policy_version != run.policy.version:
        raise WarehouseError(
            f"{table} was made under another policy than {run.policy.version}, which counts what leads did",
            f"materialize {table.replace('.', '/')} again, or run `leadflow run`",
        )
