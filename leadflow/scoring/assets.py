"""scoring: the Dagster shell of rules, model and the one score."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.errors import LeadflowError, WarehouseError
from leadflow.quality.contracts import Contracts
from leadflow.scoring.history_asset import history_asset
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl

    from leadflow.scoring.model import Fallback, TrainedModel


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """scoring/rule_scores; scoring/model_card; scoring/scored_leads with its reasons and the model's scores; scoring/score_history."""
    features = ["features.lead_features"]

    @table_asset(contracts, outputs=["scoring.rule_scores"], inputs=features)
    def rule_scores(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.scoring.rules import score_rules

        return run.write_in_parts(
            features,
            lambda part: {
                "scoring.rule_scores": score_rules(part["features.lead_features"], run.policy).scores
            },
            by="lead_id",
            inputs=features,
        )

    examples = ["features.training_examples", "features.leakage_report", "staging.stg_attributes"]

    @table_asset(contracts, outputs=["scoring.model_card"], inputs=examples)
    def model_card(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.scoring.card import model_card as card_of

        left_out = _kept_from_models(run)
        outcome = train_model(run, left_out)
        card = card_of(outcome, run.policy, run.refresh().as_of, left_out)
        return run.write({"scoring.model_card": card}, inputs=examples)

    inputs = [
        "identity.leads",
        "features.lead_features",
        "staging.stg_attributes",
        "scoring.rule_scores",
        "scoring.model_card",
    ]

    @table_asset(
        contracts,
        outputs=["scoring.scored_leads", "scoring.score_reasons", "scoring.ml_scores"],
        inputs=inputs,
    )
    def scored_leads(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.modelling.attributes import with_attributes
        from leadflow.scoring.rules import score_rules
        from leadflow.scoring.scored import assemble

        model, as_of, attributes = champion(run), run.refresh().as_of, _declared(run)

        def scored_part(part: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
            features = with_attributes(part["features.lead_features"], attributes)
            scored = assemble(
                part["identity.leads"],
                features,
                part["scoring.rule_scores"],
                score_rules(features, run.policy).points,
                model,
                run.policy,
                as_of,
            )
            return {
                "scoring.scored_leads": scored.scored_leads,
                "scoring.score_reasons": scored.score_reasons,
                "scoring.ml_scores": scored.ml_scores,
            }

        read = ["identity.leads", "features.lead_features", "scoring.rule_scores"]
        return run.write_in_parts(read, scored_part, by="lead_id", inputs=inputs)

    return [rule_scores, model_card, scored_leads, history_asset(contracts)]


def train_model(run: StageRun, left_out: Collection[str]) -> TrainedModel | Fallback:
    """Train on the examples of this refresh and keep the model by its version in the home's models/.

    Args:
        left_out: features that the leakage firewall keeps from models.
    """
    import polars as pl

    from leadflow.modelling.attributes import feature_spec, with_attributes
    from leadflow.scoring.model import Fallback, train
    from leadflow.scoring.rules import score_rules

    if not run.policy.training.is_enabled:
        return Fallback("training is switched off in the policy (training.is_enabled)")
    examples = with_attributes(run.read("features.training_examples"), _declared(run))
    by_row = examples.with_columns(lead_id=pl.format("{} {}", "lead_id", "as_of"))
    rule_score = score_rules(by_row, run.policy).scores.select("lead_id", "rule_score")
    scored = by_row.select("lead_id").join(rule_score, on="lead_id", how="left", maintain_order="left")
    outcome = train(
        examples.with_columns(rule_score=scored["rule_score"]),
        feature_spec(run.contracts["features.lead_features"].feature_roles, examples, left_out),
        run.policy.training,
    )
    if not isinstance(outcome, Fallback):
        path = run.settings.models_dir / f"{outcome.version}.json"
        staged = path.with_suffix(".tmp")
        staged.write_text(outcome.to_json(), encoding="utf-8")
        staged.replace(path)
    return outcome


def champion(run: StageRun) -> TrainedModel | None:
    """The model that the card names, or None where rules score alone.

    Raises:
        WarehouseError: the model's file is gone or does not hold what the card says.
    """
    from leadflow.scoring.model import TrainedModel

    version = run.read("scoring.model_card", ["model_version"])["model_version"][0]
    if version is None:
        return None
    path = run.settings.models_dir / f"{version}.json"
    try:
        model = TrainedModel.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"the model {version} cannot be read from {path} ({error})",
            "materialize scoring/model_card again",
        ) from error
    if model.version != version:
        raise WarehouseError(
            f"{path} holds the model {model.version}, not {version}", "materialize scoring/model_card again"
        )
    return model


def _declared(run: StageRun) -> dict[str, str]:
    """Type by name of the attributes that leads have."""
    from leadflow.modelling.attributes import declared_types

    return declared_types(run.read("staging.stg_attributes", ["attribute", "value_type"]))


def _kept_from_models(run: StageRun) -> list[str]:
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
