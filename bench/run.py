"""The benchmarks: `python -m bench.run [--cases NAME ...] [--runs N]`.

Belongs here: the names of the cases, and keeping what they measure. Does not belong here: how a process is measured
(measure.py), whole refreshes (refreshes.py), how it is told (report.py).

Commands that are compared take turns, so that a change of the machine's mood meets both. A case that was measured is
kept in bench/results/ until it is measured again, so that one of them can be renewed alone; a run that is stopped keeps
the repetitions that it finished.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from bench.backtest import backtest_case
from bench.features import features_case
from bench.identity import identity_case
from bench.landing import landing_case
from bench.measure import Measure, measure
from bench.refreshes import LEADFLOW, parts_of, refresh_case
from bench.report import REPORT, RESULTS, write_report
from bench.scoring import scoring_case

SIZES = (10_000, 100_000, 1_000_000)
BACKTEST_SIZES = (20_000, 200_000)
FEATURE_SIZES = (20_000, 200_000, 1_000_000)
SCORING_SIZES = (100_000, 1_000_000)
EVENTS_PER_LEAD = 50
LANDINGS = ((10, "csv"), (10, "parquet"), (50, "parquet"))
"""Event files: millions of rows, and the format."""


def imports(runs: int) -> Iterator[dict[str, Any]]:
    """What `import leadflow.definitions` costs beside `import dagster`."""
    alone: list[Measure] = []
    ours: list[Measure] = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs):
            alone.append(measure([sys.executable, "-c", "import dagster"]))
            ours.append(
                measure([sys.executable, "-c", "import leadflow.definitions"], {"LEADFLOW_HOME": home})
            )
            yield {"dagster": [_plain(run) for run in alone], "leadflow": [_plain(run) for run in ours]}


def demo(runs: int) -> Iterator[dict[str, Any]]:
    """`leadflow demo`: 10,000 leads, from nothing to a published mart."""
    measured = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as home:
            run = measure([*LEADFLOW, "demo"], {"LEADFLOW_HOME": home})
        measured.append({**_plain(run), "parts": parts_of(run)})
        yield {"runs": measured}


def _refresh(leads: int) -> Callable[[int], Iterator[dict[str, Any]]]:
    return lambda runs: refresh_case(leads, runs)


def _landing(events: int, suffix: str) -> Callable[[int], Iterator[dict[str, Any]]]:
    return lambda runs: landing_case(events, suffix, runs)


def _identity(records: int) -> Callable[[int], Iterator[dict[str, Any]]]:
    return lambda runs: identity_case(records, runs)


def _features(leads: int) -> Callable[[int], Iterator[dict[str, Any]]]:
    return lambda runs: features_case(leads, EVENTS_PER_LEAD, runs)


def _backtest(leads: int) -> Callable[[int], Iterator[dict[str, Any]]]:
    return lambda runs: backtest_case(leads, EVENTS_PER_LEAD, runs)


def _scoring(leads: int) -> Callable[[int], Iterator[dict[str, Any]]]:
    return lambda runs: scoring_case(leads, runs)


CASES: dict[str, Callable[[int], Iterator[dict[str, Any]]]] = {
    "imports": imports,
    "demo": demo,
    **{f"landing-{suffix}-{events}m": _landing(events * 1_000_000, suffix) for events, suffix in LANDINGS},
    **{f"identity-{records}": _identity(records) for records in SIZES},
    **{f"features-{leads}": _features(leads) for leads in FEATURE_SIZES},
    **{f"backtest-{leads}": _backtest(leads) for leads in BACKTEST_SIZES},
    **{f"scoring-{leads}": _scoring(leads) for leads in SCORING_SIZES},
    **{f"refresh-{leads}": _refresh(leads) for leads in SIZES},
}


def main() -> None:
    """Run the cases that were asked for, keep their results, and write the report from all there are."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--cases", nargs="*", default=list(CASES), choices=list(CASES), help="all by default"
    )
    arguments.add_argument("--runs", type=int, default=3, help="counted runs of each command")
    arguments.add_argument(
        "--report-only", action="store_true", help="write the report from the results there are"
    )
    given = arguments.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in [] if given.report_only else given.cases:
        print(f"{name}: {given.runs} runs", flush=True)
        for repetition, result in enumerate(CASES[name](given.runs), start=1):
            case = {**_machine(), "repetitions": repetition, "result": result}
            (RESULTS / f"{name}.json").write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")
            write_report()
    write_report()
    print(f"Wrote {REPORT}")


def _plain(run: Measure) -> dict[str, float]:
    """The measure without what was printed."""
    return {name: value for name, value in asdict(run).items() if name != "output"}


def _machine() -> dict[str, Any]:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "machine": platform.machine(),
        "processors": processors,
        "memory_gb": memory,
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
