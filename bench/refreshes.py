"""Whole refreshes of simulated companies of growing size.

Belongs here: what is run and measured for one size. Does not belong here: how it is told (report.py).
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.measure import Measure, measure
from leadflow.stages import STAGES

LEADFLOW = [sys.executable, "-c", "from leadflow.cli import main; main()"]
EVENTS_PER_LEAD = 20
SEED = 1

_PARTS = re.compile(
    r"Imports ([\d.]+) s, Dagster ([\d.]+) s, work\s+([\d.]+)\s+s\s+\(of\s+it\s+checks\s+([\d.]+)\s+s\)"
)
PART_NAMES = ("imports", "dagster", "work", "checks")


def parts_of(run: Measure) -> dict[str, float]:
    """Seconds by part, as the command prints them.

    Raises:
        RuntimeError: it printed none.
    """
    found = _PARTS.search(run.output)
    if found is None:
        raise RuntimeError(f"the refresh printed no times:\n{run.output}")
    return dict(zip(PART_NAMES, map(float, found.groups()), strict=True))


def refresh_case(leads: int, repetitions: int) -> Iterator[dict[str, Any]]:
    """A first refresh in a fresh home and one more on the same files, so often, and the same SQL in bare DuckDB.

    Yields:
        After each repetition all that was measured so far, as JSON values: `first` and `again` as lists of runs
        (wall_seconds, cpu_seconds, peak_gb, parts, steps), and `bare` as a list of seconds by model.
    """
    first: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    bare: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="leadflow-bench-") as folder:
        company = Path(folder) / "company"
        simulate = ["simulate", "--leads", str(leads), "--events-per-lead", str(EVENTS_PER_LEAD)]
        measure([*LEADFLOW, *simulate, "--seed", str(SEED), "--out", str(company)])
        for repetition in range(repetitions):
            home = Path(folder) / f"home{repetition}"
            home.mkdir()
            first.append(_refresh(home, company))
            again.append(_refresh(home, company))
            scratch = home / "bare.duckdb"
            bare.append(json.loads(_module("bench.bare", home, scratch)))
            shutil.rmtree(home)
            yield {"leads": leads, "first": first, "again": again, "bare": bare}


def _refresh(home: Path, company: Path) -> dict[str, Any]:
    environment = {"LEADFLOW_HOME": str(home)}
    run = measure([*LEADFLOW, "run", "--sources", str(company / "sources.yaml")], environment)
    return {
        "wall_seconds": run.wall_seconds,
        "cpu_seconds": run.cpu_seconds,
        "peak_gb": run.peak_gb,
        "parts": parts_of(run),
        "steps": json.loads(_module("bench.steps", home)),
    }


def _module(name: str, *arguments: Path) -> str:
    """The last line that a module of the benchmarks prints, run in a process of its own."""
    return measure([sys.executable, "-m", name, *map(str, arguments)]).output.strip().splitlines()[-1]


def median_of(runs: Sequence[Mapping[str, Any]], *path: str) -> float:
    """Median over runs of the value that lies under the keys."""
    values = []
    for run in runs:
        value: Any = run
        for key in path:
            value = value[key]
        values.append(float(value))
    return float(statistics.median(values))


def stage_seconds(run: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Seconds of making and of checking tables, by stage."""
    made = dict.fromkeys(STAGES, 0.0)
    checked = dict.fromkeys(STAGES, 0.0)
    for step, seconds in run["steps"].items():
        stage = step.removeprefix("check_").split("__")[0]
        (checked if step.startswith("check_") else made)[stage] += seconds
    return {stage: (made[stage], checked[stage]) for stage in STAGES}


def model_steps(run: Mapping[str, Any], models: Sequence[str]) -> float:
    """Seconds of the steps that made the given tables."""
    return sum(float(run["steps"][table.replace(".", "__")]) for table in models)
