"""clean: the Dagster shell of the bot rules; most of them are SQL models.

Belongs here: the list of agents, and what is told of clean.clean_web_events. Does not belong here: the rules
(web_agents.py, dbt_like_sql/clean/web_*.sql).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """clean/web_agents: every distinct browser, and whether it is a robot."""
    inputs = ["staging.stg_web_events"]

    @table_asset(contracts, outputs=["clean.web_agents"], inputs=inputs)
    def web_agents(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.clean.web_agents import judge_agents

        agents = run.warehouse.read(
            "select distinct user_agent from staging.stg_web_events where user_agent is not null order by 1"
        )
        judged = judge_agents(agents["user_agent"], run.policy.bots)
        return run.write({"clean.web_agents": judged}, inputs=inputs)

    return [web_agents]


def tell_web_events(run: StageRun) -> Mapping[str, Any]:
    """What the UI tells of clean.clean_web_events: how many events each rule flagged by the refresh's moment."""
    as_of = run.refresh().as_of
    return {
        what: run.count_values(
            f"select {rule} from clean.clean_web_events where {known_at} <= timestamp '{as_of}'"
        )
        for what, rule, known_at in (
            ("events of robots", "bot_rule", "bot_known_at"),
            ("outlying events", "outlier_rule", "outlier_known_at"),
        )
    }


MODEL_TELLS: Mapping[str, Callable[[StageRun], Mapping[str, Any]]] = {
    "clean.clean_web_events": tell_web_events
}
"""What is told of tables made by SQL, beside rows and version."""
