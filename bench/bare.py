"""The SQL models run in bare DuckDB on a copy of a refreshed warehouse: `python -m bench.bare HOME SCRATCH`.

The floor that leadflow's steps are held against: the same rendered SQL, the same limits of memory and threads, tables
created in a database of their own, and nothing else, neither order nor version nor check. Prints seconds by model.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from leadflow.definitions import build_room
from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings
from leadflow.warehouse.stage_run import StageRun


def model_seconds(home: Path, scratch: Path) -> dict[str, float]:
    """Seconds by model that is a table; views cost nothing until they are read."""
    settings = load_settings(home=home)
    contracts = load_contracts(settings.sql_dir)
    run = StageRun(settings, contracts, build_room(settings, contracts), "bench")
    variables = run.variables(run.refresh())
    seconds: dict[str, float] = {}
    with duckdb.connect(str(scratch), config={**run.warehouse.config()}) as connection:
        connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"attach '{settings.warehouse_path}' as warehouse (read_only); use warehouse")
        for model in run.room.models.values():
            if model.materialized == "view":
                continue
            sql = run.room.render(model, variables, is_incremental=False)
            started = time.perf_counter()
            connection.execute(f"create table {scratch.stem}.{model.name} as {sql}")
            seconds[model.table] = time.perf_counter() - started
    return seconds


if __name__ == "__main__":
    print(json.dumps(model_seconds(Path(sys.argv[1]), Path(sys.argv[2]))))
