"""A home whose stages are made one by one, without checks, and whose tables a test may change in between.

Belongs here: making, reading and changing. Does not belong here: what is in it (crafted_company.py).
"""

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

BOTS = """
bots:
  events_per_minute: 6
  events_per_hour: 9
  events_per_day: 30
  session_hours: 6
  regular_events: 5
  regular_variation: 0.6
  address_visitors: 2
  outlier_events: 3
  outlier_hours: 3
  segment_visitor_days: 10
  honeypot_pages: [/resources/e-book]
"""
"""Thresholds so low that the few events of the company set off every rule, some of them days after the event."""


class StagedHome:
    """A home whose stages are made one by one, without checks."""

    def __init__(self, folder: Path, sources: Path, *, as_of: datetime) -> None:
        from leadflow.definitions import build_defs, build_room
        from leadflow.quality.contracts import load_contracts
        from leadflow.settings import load_settings
        from leadflow.warehouse.stage_run import StageRun

        self.sources = sources
        self.settings = load_settings(home=folder, sources=sources, threads=2)
        self.settings.ensure_home()
        self.settings.policy_path.write_text(BOTS, encoding="utf-8")
        self.as_of = as_of
        contracts = load_contracts(self.settings.sql_dir)
        self.run = StageRun(self.settings, contracts, build_room(self.settings, contracts), "test")
        self.definitions = build_defs(home=folder, sources=sources, threads=2)

    def copy(self, folder: Path) -> "StagedHome":
        """Another home with the same warehouse."""
        other = StagedHome(folder, self.sources, as_of=self.as_of)
        shutil.copy(self.settings.warehouse_path, other.settings.warehouse_path)
        return other

    def make(self, *stages: str) -> None:
        """Materialize the stages' tables."""
        import dagster as dg

        config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        if "raw" in stages:
            config["ops"] = {"raw__refreshes": {"config": {"as_of": self.as_of.isoformat()}}}
        result = dg.materialize(
            [each for each in self.definitions.assets or () if isinstance(each, dg.AssetsDefinition)],
            selection=dg.AssetSelection.groups(*stages),
            resources=self.definitions.resources,
            run_config=config,
        )
        assert result.success

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.run.read(table).iter_rows(named=True))

    def change(self, statement: str) -> None:
        with self.run.connect() as connection:
            connection.execute(statement)

    def features_at(self, moments: list[tuple[str, datetime]]) -> dict[tuple[str, datetime], dict[str, Any]]:
        """What the macro gives for a spine of leads and moments."""
        model = self.run.room.models["features.lead_features"]
        # The spine of the model is left in as a condition, since a model's inputs never change.
        text = (
            "{% set spine %}select lead_id, as_of from main.spine where lead_id in (select lead_id from "
            "{{ source('identity', 'leads') }}){% endset %}{{ features(spine) }}"
        )
        sql = self.run.room.render(
            replace(model, text=text), self.run.variables(self.run.refresh()), is_incremental=False
        )
        with self.run.connect() as connection:
            connection.execute("create or replace table main.spine (lead_id varchar, as_of timestamp)")
            connection.executemany("insert into main.spine values (?, ?)", sorted(set(moments)))
            rows = connection.sql(sql).pl()
            connection.execute("drop table main.spine")
        return {(row["lead_id"], row["as_of"]): row for row in rows.iter_rows(named=True)}
