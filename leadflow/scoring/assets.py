"""scoring: the Dagster shell of rules, model and the one score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.scoring.history_asset import history_asset
from leadflow.scoring.retraining import EXAMPLES, NEWEST, TRAINING_READS, TRAININGS
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """All tables of scoring."""
    features = ["features.lead_features", "features.lead_rule_activity"]

    @table_asset(contracts, outputs=["scoring.rule_scores"], inputs=features)
    def rule_scores(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.scoring.retraining import refuse_days_of_other_rules
        from leadflow.scoring.rules import score_rules

        refuse_days_of_other_rules(run, "features.lead_rule_activity")
        return run.write_in_parts(
            features,
            lambda part: {
                "scoring.rule_scores": score_rules(
                    part["features.lead_features"], run.policy, part["features.lead_rule_activity"]
                ).scores
            },
            by="lead_id",
            inputs=features,
        )

    @table_asset(contracts, outputs=[TRAININGS, NEWEST], inputs=list(TRAINING_READS))
    def trainings(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.scoring.retraining import train_where_due

        return train_where_due(run)

    carded = [TRAININGS, "features.leakage_report"]

    @table_asset(contracts, outputs=["scoring.model_card"], inputs=carded)
    def model_card(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.scoring import retraining
        from leadflow.scoring.card import model_card as card_of
        from leadflow.scoring.card_page import card_page

        as_of = run.refresh().as_of
        model = retraining.model_in_force(run, as_of)
        card = card_of(
            model,
            retraining.trainings(run),
            run.policy,
            as_of,
            retraining.kept_from_models(run),
        )
        page = card_page(card, None if model is None else model.probability_quantiles)
        run.tell("scoring.model_card", card=dg.MetadataValue.md(page))
        return run.write({"scoring.model_card": card}, inputs=carded)

    gained = [NEWEST, "scoring.model_card", *TRAINING_READS]

    @table_asset(contracts, outputs=["scoring.score_gains"], inputs=gained)
    def score_gains(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.plotting import picture
        from leadflow.scoring.gains import gains_table
        from leadflow.scoring.gains_plot import plot_gains
        from leadflow.scoring.measured import weeks_of

        rows, version = _measured(run)
        gains = gains_table(
            rows["label"].to_numpy(),
            rows["score"].to_numpy(),
            rows["lead_id"].to_numpy(),
            run.policy,
            weeks=weeks_of(rows),
            as_of=run.refresh().as_of,
            model_version=version,
        )
        plot = dg.MetadataValue.md(picture(plot_gains(gains), "Share of wins by share of leads"))
        run.tell("scoring.score_gains", plot=plot)
        return run.write({"scoring.score_gains": gains}, inputs=gained)

    inputs = [
        "identity.leads",
        "features.lead_features",
        "features.lead_rule_activity",
        "features.lead_fact_dates",
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
        from leadflow.scoring.in_force import stored_model
        from leadflow.scoring.retraining import declared, refuse_days_of_other_rules
        from leadflow.scoring.revenue import ValueModel
        from leadflow.scoring.rules import score_rules
        from leadflow.scoring.scored import assemble

        refuse_days_of_other_rules(run, "features.lead_rule_activity")
        version = run.read("scoring.model_card", ["model_version"])["model_version"][0]
        model = None
        if version is not None:
            model = stored_model(run.settings.models_dir, version).with_threads(run.workers)
        values = None if model is None or model.values is None else ValueModel.from_dict(model.values)
        as_of, attributes = run.refresh().as_of, declared(run)

        def scored_part(part: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
            features = with_attributes(part["features.lead_features"], attributes)
            scored = assemble(
                part["identity.leads"],
                features,
                part["scoring.rule_scores"],
                score_rules(
                    features,
                    run.policy,
                    part["features.lead_rule_activity"],
                    part["features.lead_fact_dates"],
                ).points,
                model,
                run.policy,
                as_of,
                None if values is None else values.predict(features),
            )
            return {
                "scoring.scored_leads": scored.scored_leads,
                "scoring.score_reasons": scored.score_reasons,
                "scoring.ml_scores": scored.ml_scores,
            }

        read = [
            "identity.leads",
            "features.lead_features",
            "features.lead_rule_activity",
            "features.lead_fact_dates",
            "scoring.rule_scores",
        ]
        return run.write_in_parts(read, scored_part, by="lead_id", inputs=inputs)

    return [rule_scores, trainings, model_card, score_gains, scored_leads, history_asset(contracts)]


def _measured(run: StageRun) -> tuple[pl.DataFrame, str | None]:
    """Rows to measure gains on, and the model that scored them, None for rules alone."""
    import polars as pl

    from leadflow.scoring.in_force import stored_model
    from leadflow.scoring.measured import scored_by_model, scored_by_rules
    from leadflow.scoring.retraining import with_rule_scores

    version = run.read("scoring.model_card", ["model_version"])["model_version"][0]
    if version is None:
        examples = with_rule_scores(run, run.read(EXAMPLES))
        return scored_by_rules(examples, run.policy.training), None
    newest = run.read(NEWEST).filter(pl.col("model_version") == version)
    return scored_by_model(newest, stored_model(run.settings.models_dir, version), run.policy), version
