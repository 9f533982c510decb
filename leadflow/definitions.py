"""The one place that assembles Dagster definitions.

Belongs here: putting rooms together. Does not belong here: any asset, check or schedule itself. Nothing heavy is
imported here or by what is imported here: every run is a process of its own and would pay for it.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from leadflow.automation import (
    build_hourly_schedule,
    build_refresh_job,
    build_retrain_job,
    build_retrain_schedule,
)
from leadflow.clean import assets as clean
from leadflow.clean import web_assets as web
from leadflow.enrich import assets as enrich
from leadflow.features import assets as features
from leadflow.icp import assets as icp
from leadflow.identity import assets as identity
from leadflow.ingest import assets as ingest
from leadflow.quality.checks import build_checks
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.scoring import assets as scoring
from leadflow.settings import Settings, load_settings
from leadflow.warehouse import assets as publish
from leadflow.warehouse.models.sql_models import SqlRoom, home_room
from leadflow.warehouse.table_assets import RESOURCE, model_asset, run_resource
from leadflow.warehouse.whole_graph import (
    refuse_checks_ahead,
    refuse_circles,
    refuse_gaps,
    refuse_impossible_quarantines,
)


def build_room(settings: Settings, contracts: Contracts) -> SqlRoom:
    """The SQL models of the project, with the Python-made tables of the contracts as their sources."""
    room = home_room(settings, contracts)
    refuse_gaps(contracts, room)
    return room


def build_defs(**overrides: Any) -> dg.Definitions:
    """All of leadflow as Dagster definitions.

    Args:
        overrides: fields of Settings, such as home=..., that hold instead of the environment's.
    """
    settings = load_settings(**overrides)
    contracts = load_contracts(settings.sql_dir, cache_file=settings.cache_file("singular_tests.json"))
    room = build_room(settings, contracts)
    tells = {**web.MODEL_TELLS, **icp.MODEL_TELLS}
    assets = [
        *ingest.build_assets(contracts),
        *clean.build_assets(contracts),
        *web.build_assets(contracts),
        *identity.build_assets(contracts),
        *enrich.build_assets(contracts),
        *features.build_assets(contracts),
        *icp.build_assets(contracts),
        *scoring.build_assets(contracts),
        *(model_asset(contracts, model, tells.get(model.table)) for model in room.models.values()),
        *publish.build_assets(contracts),
    ]
    refuse_circles(assets, room)
    refuse_checks_ahead(assets, contracts)
    refuse_impossible_quarantines(assets, contracts, room)
    job, retrain = build_refresh_job(), build_retrain_job()
    return dg.Definitions(
        assets=assets,
        asset_checks=build_checks(contracts),
        jobs=[job, retrain],
        schedules=[build_hourly_schedule(settings, job), build_retrain_schedule(settings, retrain)],
        resources={RESOURCE: run_resource(settings, contracts, room)},
        executor=dg.in_process_executor,
    )


defs = build_defs()
