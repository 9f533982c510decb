"""The benchmarks, and docs/benchmarks.md from them.

Belongs here: the cases. Does not belong here: how a process is measured (measure.py).

Commands that are compared take turns, so that a change of the machine's mood meets both.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import tempfile
from pathlib import Path

from bench.measure import Measure, measure, median, spread

REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
LEADFLOW = [sys.executable, "-c", "from leadflow.cli import main; main()"]
_PARTS = re.compile(
    r"Imports ([\d.]+) s, Dagster ([\d.]+) s, work\s+([\d.]+)\s+s\s+\(of\s+it\s+checks\s+([\d.]+)\s+s\)"
)


def imports(repetitions: int) -> list[str]:
    """What `import leadflow.definitions` costs beyond `import dagster`."""
    alone: list[Measure] = []
    ours: list[Measure] = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(repetitions):
            alone.append(measure([sys.executable, "-c", "import dagster"]))
            ours.append(
                measure([sys.executable, "-c", "import leadflow.definitions"], {"LEADFLOW_HOME": home})
            )
    beyond = median(ours, "wall_seconds") - median(alone, "wall_seconds")
    ratio = median(ours, "wall_seconds") / median(alone, "wall_seconds")
    return [
        "## Imports",
        "",
        "Every run is a process of its own and pays for what the definitions import. Whole processes, in turn.",
        "",
        "| process | wall seconds, median (lowest to highest) | peak memory, GB |",
        "| --- | --- | --- |",
        f"| `import dagster` | {spread(alone, 'wall_seconds')} | {median(alone, 'peak_gb'):.2f} |",
        f"| `import leadflow.definitions` | {spread(ours, 'wall_seconds')} | {median(ours, 'peak_gb'):.2f} |",
        "",
        f"The definitions cost {beyond:.2f} s beyond Dagster itself, {ratio:.2f} times `import dagster`; the bound is 1.5 s.",
    ]


def demo(repetitions: int) -> list[str]:
    """`leadflow demo`: 10,000 leads, from nothing to a published mart."""
    runs: list[Measure] = []
    parts: list[tuple[float, ...]] = []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as home:
            run = measure([*LEADFLOW, "demo"], {"LEADFLOW_HOME": home})
        found = _PARTS.search(run.output)
        if found is None:
            raise RuntimeError(f"leadflow demo printed no times:\n{run.output}")
        runs.append(run)
        parts.append(tuple(map(float, found.groups())))
    middle = [sorted(column)[len(column) // 2] for column in zip(*parts, strict=True)]
    names = ("imports", "Dagster", "work in steps", "of it checks")
    return [
        "## `leadflow demo`: 10,000 leads with 20 events each",
        "",
        "Simulation, landing, every stage, every check and publishing, in a fresh home; the bound is 60 s.",
        "",
        "| wall seconds, median (lowest to highest) | CPU seconds | peak memory, GB |",
        "| --- | --- | --- |",
        f"| {spread(runs, 'wall_seconds')} | {spread(runs, 'cpu_seconds')} | {median(runs, 'peak_gb'):.2f} |",
        "",
        "| part | seconds, median |",
        "| --- | --- |",
        *(f"| {name} | {seconds:.1f} |" for name, seconds in zip(names, middle, strict=True)),
    ]


def main() -> None:
    """Run every case and write the report."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repetitions", type=int, default=5, help="counted runs of each command")
    repetitions = arguments.parse_args().repetitions
    sections = [imports(repetitions), demo(repetitions)]
    text = [
        "# Benchmarks",
        "",
        f"Measured by `make bench` on {platform.machine()}, {len(_processors())} processors, Python "
        f"{platform.python_version()}, {repetitions} runs of each command. Shared machines are noisy: read medians and "
        "ratios, not single times.",
    ]
    for section in sections:
        text += ["", *section]
    REPORT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


def _processors() -> set[int]:
    import os

    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


if __name__ == "__main__":
    main()
