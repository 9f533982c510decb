"""Seconds of every step of a home's last run, as JSON: `python -m bench.steps HOME`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import dagster as dg


def step_seconds(home: Path) -> dict[str, float]:
    """Seconds by step of the newest run, from Dagster's own event log."""
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs(limit=1)
        events = [entry.dagster_event for entry in instance.all_logs(run.run_id)]
    return {
        str(event.step_key): event.step_success_data.duration_ms / 1000
        for event in events
        if event is not None and event.is_step_success
    }


if __name__ == "__main__":
    print(json.dumps(step_seconds(Path(sys.argv[1]))))
