"""enrich: the Dagster shell of what is known about accounts from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from leadflow.enrich.asking import ACCOUNT_READ, ACCOUNTS, ANSWERS, ASKING_READS, REFERENCE_TABLE, VERSIONS
from leadflow.quality.contracts import Contracts
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

FIRMOGRAPHICS = "enrich.firmographics"
FACTS = "enrich.firmographic_facts"


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """enrich/provider_answers, which is state, and firmographics with their history, which are made of it."""

    @table_asset(contracts, outputs=[ANSWERS], inputs=list(ASKING_READS))
    def provider_answers(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.enrich.asking import ask_providers

        return ask_providers(run)

    inputs = [*ASKING_READS, ANSWERS]

    @table_asset(contracts, outputs=[FIRMOGRAPHICS, FACTS], inputs=inputs)
    def firmographics(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.enrich import facts as made
        from leadflow.enrich.asking import kept_answers
        from leadflow.enrich.told import REFERENCE_READ, together, told_by_answers, told_by_reference

        as_of, enrichment = run.refresh().as_of, run.policy.enrichment
        accounts = run.read(ACCOUNTS, ACCOUNT_READ)
        reference = run.read(REFERENCE_TABLE, REFERENCE_READ)
        versions = run.read(VERSIONS, [*REFERENCE_READ, "is_in_force"])
        told = together(
            [
                told_by_reference(accounts, reference, versions, enrichment, as_of),
                told_by_answers(accounts, kept_answers(run), enrichment, as_of),
            ]
        )
        facts = made.firmographic_facts(told, enrichment)
        table = made.firmographics(facts, told.matches)
        run.tell(
            FIRMOGRAPHICS,
            coverage=made.coverage(table, accounts.height),
            matched=dict(sorted(told.matches["provider"].value_counts().iter_rows())),
            backdated=dict(sorted(enrichment.backdated.items())),
        )
        return run.write({FIRMOGRAPHICS: table, FACTS: facts}, inputs=inputs)

    return [provider_answers, firmographics]
