"""docs/benchmarks.md and its plot from the results of the cases.

Belongs here: telling measurements in tables, ratios and one picture. Does not belong here: measuring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from statistics import median
from typing import Any

from bench.features import TOUCHED_PERCENT
from bench.refreshes import median_of, model_steps, stage_seconds
from leadflow.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
REPORT = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "benchmarks.svg"
GROWTH_PLOT = ROOT / "docs" / "benchmarks_identity.svg"

PEAK_BOUND_GB = 8.0
CHECKS_BOUND = 0.15


def load_results() -> dict[str, dict[str, Any]]:
    """What was measured last, by case."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))
    }


def write_report() -> None:
    """Write docs/benchmarks.md and docs/benchmarks.svg from all results there are."""
    results = load_results()
    refreshes = sorted(
        (result for result in results.values() if "leads" in result["result"]),
        key=lambda result: int(result["result"]["leads"]),
    )
    lines = [
        "# Benchmarks",
        "",
        "Whole processes, measured by the operating system: wall time, processor time of all threads, largest resident "
        "memory. Shared machines are noisy: read medians and ratios, not single times. Each case says where and how "
        "often it was measured; its numbers lie in `bench/results/`.",
        "",
        "    make bench                                             # every case; an hour and more",
        "    make bench CASES='imports demo refresh-10000' RUNS=5   # some",
    ]
    if "imports" in results:
        lines += ["", *_imports(results["imports"])]
    if "demo" in results:
        lines += ["", *_demo(results["demo"])]
    identities = [result for result in results.values() if "splink" in result["result"]]
    if identities:
        lines += ["", *_identities(sorted(identities, key=lambda case: case["result"]["records"]))]
    features = [result for result in results.values() if "hour" in result["result"]]
    if features:
        lines += ["", *_features(sorted(features, key=lambda case: case["result"]["facts"]))]
    backtests = [result for result in results.values() if "backtest_leads" in result["result"]]
    if backtests:
        lines += ["", *_backtests(sorted(backtests, key=lambda case: case["result"]["backtest_leads"]))]
    scorings = [result for result in results.values() if "scored_leads" in result["result"]]
    if scorings:
        lines += ["", *_scorings(sorted(scorings, key=lambda case: case["result"]["scored_leads"]))]
    trainings = [result for result in results.values() if "training_rows" in result["result"]]
    if trainings:
        lines += ["", *_trainings(sorted(trainings, key=lambda case: case["result"]["training_rows"]))]
    landings = [result for result in results.values() if "events" in result["result"]]
    if landings:
        lines += ["", *_landings(sorted(landings, key=lambda case: case["result"]["events"]))]
    if refreshes:
        lines += ["", *_refreshes(refreshes)]
        _draw([result["result"] for result in refreshes])
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _where(case: Mapping[str, Any]) -> str:
    return (
        f"Measured on {case['machine']}, {case['processors']} processors, {case['memory_gb']:.0f} GB, Python "
        f"{case['python']}, {case['repetitions']} {'run' if case['repetitions'] == 1 else 'runs each'}."
    )


def _imports(case: Mapping[str, Any]) -> list[str]:
    alone, ours = case["result"]["dagster"], case["result"]["leadflow"]
    beyond = median_of(ours, "wall_seconds") - median_of(alone, "wall_seconds")
    return [
        "## Imports",
        "",
        f"Every run is a process of its own and pays for what the definitions import. {_where(case)}",
        "",
        "| process | wall seconds, median (lowest to highest) | peak memory, GB |",
        "| --- | --- | --- |",
        f"| `import dagster` | {_spread(alone)} | {median_of(alone, 'peak_gb'):.2f} |",
        f"| `import leadflow.definitions` | {_spread(ours)} | {median_of(ours, 'peak_gb'):.2f} |",
        "",
        f"The definitions cost {beyond:.2f} s beyond Dagster itself; the bound is 1.5 s.",
    ]


def _demo(case: Mapping[str, Any]) -> list[str]:
    runs = case["result"]["runs"]
    return [
        "## `leadflow demo`",
        "",
        "10,000 leads with 20 events each: simulation, landing, every stage, every check and publishing, in a fresh "
        f"home; the bound is 60 s. {_where(case)}",
        "",
        "| wall seconds, median (lowest to highest) | CPU seconds | peak memory, GB | imports | Dagster | work | of it checks |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| {_spread(runs)} | {median_of(runs, 'cpu_seconds'):.1f} | {median_of(runs, 'peak_gb'):.2f} | {_parts(runs)} |",
    ]


def _landings(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## Landing events",
        "",
        "One file of web events into raw.web_events: hashed, mapped, looked at for unreadable values and repeated ids, "
        "recorded; against `create table as select` of the same file by DuckDB alone, in turns, with the same limits of "
        "memory (4 GB) and threads. Landing is to be no slower than half that rate. However large the file, memory stays near "
        f"DuckDB's limit; the bound is {PEAK_BOUND_GB:g} GB. Again: a refresh that finds the file as it was.",
        "",
        *(f"- {_told(case)}: {_where(case)}" for case in cases),
        "",
        "| file | GB | landing, seconds | bare DuckDB, seconds | ratio | peak memory, GB (bare) | again, seconds | share of the first |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        result = case["result"]
        ours, floor = result["land"], result["bare"]
        ratio = median(one["land"] / other["bare"] for one, other in zip(ours, floor, strict=True))
        again = median_of(ours, "again")
        lines.append(
            f"| {_told(case)} | {result['file_gb']:.2f} | {median_of(ours, 'land'):.1f} | {median_of(floor, 'bare'):.1f} | "
            f"{ratio:.2f} | {median_of(ours, 'peak_gb'):.2f} ({median_of(floor, 'peak_gb'):.2f}) | {again:.3f} | "
            f"{again / median_of(ours, 'land'):.2%} |"
        )
    return lines


def _identities(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Clean and identity against Splink alone."""
    lines = [
        "## Who is who",
        "",
        "All steps of the stages clean and identity over a messy simulated company's lead records, without checks, against "
        "Splink's predict and clustering alone over the same records, normalised already, with leadflow's model and keys. "
        f"Wanted are at most 1.5 times Splink's seconds, and 8 GB. Then the newest records that were held back (10,000, a fifth "
        f"where there are few), for which a twentieth of all anew is wanted. "
        f"`make bench CASES='{' '.join('identity-' + str(case['result']['records']) for case in cases)}'`.",
        "",
        "Seconds are wall time; processor seconds, of all threads and processes, tell more where the machine had other work: "
        "its load while each case ran (two processors) stands beside. Memory is that of the largest process.",
        "",
        "| records | load | clean and identity | Splink | ratio | in processor seconds | ratio | peak memory, GB (Splink) | new ones | share of all anew | in processor seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        result = case["result"]
        full, alone, new = (
            median(run["seconds"] for run in result[part]) for part in ("full", "splink", "new")
        )
        ours, floor, few = (median(run["cpu"] for run in result[part]) for part in ("full", "splink", "new"))
        peaks = [max(run["peak_gb"] for run in result[part]) for part in ("full", "splink")]
        load = max(run["load"] for part in ("full", "splink", "new") for run in result[part])
        lines.append(
            f"| {result['records']:,} | {load:.0f} | {full:.1f} | {alone:.1f} | {full / alone:.1f} | {ours:.1f} to {floor:.1f} | "
            f"{ours / floor:.1f} | {peaks[0]:.1f} ({peaks[1]:.1f}) | {new:.1f} | {new / full:.0%} | {few:.1f}, {few / ours:.0%} |"
        )
    _draw_growth(cases)
    lines += ["", f"![Growth of processor time with the records]({GROWTH_PLOT.name})"]
    steps = cases[-1]["result"]
    dearest = sorted(steps["full"][-1]["steps"].items(), key=lambda step: -step[1])[:6]
    lines += [
        "",
        f"Dearest steps of {steps['records']:,} records, seconds: "
        + ", ".join(
            f"{name.replace('__', '.')} {seconds:.1f} (new ones {steps['new'][-1]['steps'].get(name, 0):.1f})"
            for name, seconds in dearest
        )
        + ".",
    ]
    return lines


def _features(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """The feature tables against the bare aggregates."""
    lines = [
        "## Features",
        "",
        "Digests of what leads are made from, their facts, the counts of each day and every feature of every lead as of now "
        "(lead_digests, lead_events, lead_activity_daily, lead_features), made whole, against DuckDB alone: five counts of each "
        "lead and day, and fifteen windows over them. Wanted are at most 1.5 times its seconds, and 8 GB. Then the same an hour "
        f"later and on the next day, each after two new events of {TOUCHED_PERCENT} % of the leads; wanted are 10 % and 40 % of the "
        "seconds of all rows. Training examples, four moments of up to 100,000 leads, stand beside. "
        f"`make bench CASES='{' '.join('features-' + str(case['result']['feature_leads']) for case in cases)}'`.",
        "",
        *(f"- {case['result']['facts']:,} events: {_where(case)}" for case in cases),
        "",
        "| leads | events | made | digests, seconds | events tied | days counted | features | together | DuckDB alone | ratio | training examples | peak memory, GB (alone) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        result = case["result"]
        whole, alone = (median(run["seconds"] for run in result[part]) for part in ("build", "floor"))
        peak = max(run["peak_gb"] for run in result["floor"])
        for part, made in (("build", "all rows"), ("hour", "an hour later"), ("day", "the next day")):
            steps = [
                median(run["steps"].get(f"features__{name}", 0) for run in result[part])
                for name in ("lead_digests", "lead_events", "lead_activity_daily", "lead_features")
            ]
            together = median(run["seconds"] for run in result[part])
            compared = (
                f"{alone:.1f} | {whole / alone:.1f} times"
                if part == "build"
                else f"| {together / whole:.0%} of all"
            )
            examples = median(run["steps"].get("features__training_examples", 0) for run in result[part])
            lines.append(
                f"| {result['feature_leads']:,} | {result['facts']:,} | {made} | "
                f"{' | '.join(f'{seconds:.1f}' for seconds in steps)} | {together:.1f} | {compared} | "
                f"{f'{examples:.1f}' if examples else ''} | "
                f"{max(run['peak_gb'] for run in result[part]):.1f}{f' ({peak:.1f})' if part == 'build' else ''} |"
            )
    return lines


def _backtests(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Twelve weekly moments replayed under two policies."""
    lines = [
        "## Backtest",
        "",
        "`leadflow backtest` of twelve weekly moments under two policies, with a model trained on what was known before, as a "
        "process of its own, from its start to the files it writes. Wanted are minutes at 200,000 leads, and 8 GB. "
        f"`make bench CASES='{' '.join('backtest-' + str(case['result']['backtest_leads']) for case in cases)}'`.",
        "",
        *(f"- {case['result']['backtest_leads']:,} leads: {_where(case)}" for case in cases),
        "",
        "| leads | events | moments | leads of all moments | wall seconds, median | CPU seconds | peak memory, GB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        result = case["result"]
        wall, cpu = (median(run[part] for run in result["runs"]) for part in ("wall_seconds", "cpu_seconds"))
        lines.append(
            f"| {result['backtest_leads']:,} | {result['backtest_events']:,} | {result['runs'][0]['moments']} | "
            f"{result['runs'][0]['rows']:,} | {wall:.0f} | {cpu:.0f} | {max(run['peak_gb'] for run in result['runs']):.1f} |"
        )
    return lines


def _trainings(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Training and scoring beside the usual notebook."""
    lines = [
        "## Training",
        "",
        "Made-up leads of 20 columns in a Parquet file: read, learned from, the newest fifth ranked, and a probability for every one. "
        "The notebook: pandas, a column for each value of a category, a random forest of 100 trees on all processors. leadflow: all six "
        "candidates, with intervals, by the default policy, on one. Each is a process of its own, in turns. Wanted are a seventh of the "
        "time and half the memory, at equal AUC or better. "
        f"`make bench CASES='{' '.join('training-' + str(case['result']['training_rows']) for case in cases)}'`.",
        "",
        *(f"- {case['result']['training_rows']:,} leads: {_where(case)}" for case in cases),
        "",
        "| leads | way | wall seconds, median | processor seconds | peak memory, GB | AUC on the newest | notebook's time over leadflow's | memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        ours, other = case["result"]["leadflow"], case["result"]["notebook"]
        for way, runs in (("leadflow", ours), ("notebook", other)):
            ratios = ("", "")
            if way == "leadflow":
                ratios = tuple(
                    f"{median_of(other, key) / median_of(ours, key):.1f}"
                    for key in ("wall_seconds", "peak_gb")
                )
            lines.append(
                f"| {case['result']['training_rows']:,} | {way} | {median_of(runs, 'wall_seconds'):.0f} | {median_of(runs, 'cpu_seconds'):.0f} | "
                f"{median_of(runs, 'peak_gb'):.2f} | {median_of(runs, 'auc'):.4f} | {ratios[0]} | {ratios[1]} |"
            )
    return lines


def _scorings(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Scoring with reasons, beside the bare model's predict."""
    lines = [
        "## Scoring",
        "",
        "Rules, model, the one score and its reasons in words (scoring.rule_scores, scored_leads, score_reasons, ml_scores), read to "
        "written, without checks. A simulated company is refreshed once with its model, and its leads are taken over and over under "
        "new ids: each lead is scored by itself. Beside it, in turns, the same features read at once and the bare model's predict on "
        f"them. Wanted are 60 seconds for 1,000,000 leads, and {PEAK_BOUND_GB:g} GB. "
        f"`make bench CASES='{' '.join('scoring-' + str(case['result']['scored_leads']) for case in cases)}'`.",
        "",
        *(f"- {case['result']['scored_leads']:,} leads: {_where(case)}" for case in cases),
        "",
        "| leads | features | reasons | rule scores, seconds | scores and reasons | together (lowest to highest) | processor seconds | features read | bare predict | peak memory, GB (bare) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        scored, bare = case["result"]["score"], case["result"]["predict"]
        together = [run["seconds"] for run in scored]
        peaks = [max(run["peak_gb"] for run in runs) for runs in (scored, bare)]
        lines.append(
            f"| {case['result']['scored_leads']:,} | {bare[0]['features']} | {scored[0]['reasons']:,} | "
            f"{median_of(scored, 'steps', 'scoring__rule_scores'):.1f} | {median_of(scored, 'steps', 'scoring__scored_leads'):.1f} | "
            f"{median(together):.1f} ({min(together):.1f} to {max(together):.1f}) | {median_of(scored, 'cpu'):.0f} | "
            f"{median_of(bare, 'read'):.1f} | {median_of(bare, 'predict'):.1f} | {peaks[0]:.1f} ({peaks[1]:.1f}) |"
        )
    return lines


def _draw_growth(cases: Sequence[Mapping[str, Any]]) -> None:
    """Processor time by records, on both axes by powers of ten, beside what records times their logarithm would give."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "leadflow"  # so that equal numbers give an equal file
    import matplotlib.pyplot as plt

    records = [int(case["result"]["records"]) for case in cases]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for part, label in (
        ("full", "clean and identity"),
        ("new", "the newest records"),
        ("splink", "Splink alone"),
    ):
        spent = [median(run["cpu"] for run in case["result"][part]) for case in cases]
        axes.plot(records, spent, marker="o", label=label)
        if part == "full":
            bound = [spent[0] * count * log(count) / (records[0] * log(records[0])) for count in records]
            axes.plot(records, bound, linestyle=":", color="grey", label="records x log records")
    axes.set(xscale="log", yscale="log", xlabel="lead records", ylabel="processor seconds")
    axes.legend()
    figure.savefig(GROWTH_PLOT, metadata={"Date": None})
    plt.close(figure)


def _told(case: Mapping[str, Any]) -> str:
    result = case["result"]
    return f"{result['events']:,} events, {result['format']}"


def _refreshes(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## Whole refreshes",
        "",
        "Simulated companies with 20 events per lead. First: a fresh home, every file is landed. Again: the same home and "
        "files, so nothing is landed and all else is made and checked anew, which is what an hour without news costs. The "
        f"bounds at 1,000,000 leads are {PEAK_BOUND_GB:g} GB of peak memory, and checks at most {CHECKS_BOUND:.0%} of the wall time.",
        "",
        *(f"- {case['result']['leads']:,} leads: {_where(case)}" for case in cases),
        "",
        "| leads | refresh | wall seconds, median (lowest to highest) | CPU seconds | peak memory, GB | imports | Dagster | work | of it checks | checks' share of wall |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        result = case["result"]
        for name in ("first", "again"):
            runs = result[name]
            share = median(run["parts"]["checks"] / run["wall_seconds"] for run in runs)
            lines.append(
                f"| {result['leads']:,} | {name} | {_spread(runs, 1)} | {median_of(runs, 'cpu_seconds'):.0f} | "
                f"{median_of(runs, 'peak_gb'):.2f} | {_parts(runs)} | {share:.1%} |"
            )
    lines += ["", "![Growth of wall time by stage, and of memory](benchmarks.svg)", ""]
    lines += [
        "### Stage by stage",
        "",
        "Median seconds of the first refresh: making the tables + checking them.",
        "",
    ]
    lines += [
        "| stage | " + " | ".join(f"{case['result']['leads']:,} leads" for case in cases) + " |",
        "| --- |" + " --- |" * len(cases),
    ]
    for stage in STAGES:
        cells = []
        for case in cases:
            per_run = [stage_seconds(run)[stage] for run in case["result"]["first"]]
            cells.append(
                f"{median(made for made, _ in per_run):.1f} + {median(checked for _, checked in per_run):.1f}"
            )
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "### Against bare DuckDB",
        "",
        "The SQL models that are tables: leadflow's steps (render, run, write in key order, record the version, show a "
        "sample) against the same SQL run by DuckDB alone in a process of its own, with the same limits, as `create table "
        "as` in another file. Median of the ratios of runs side by side.",
        "",
        "| leads | leadflow, seconds | bare DuckDB, seconds | ratio |",
        "| --- | --- | --- | --- |",
    ]
    for case in cases:
        result = case["result"]
        pairs = [
            (model_steps(again, list(bare)), sum(bare.values()))
            for again, bare in zip(result["again"], result["bare"], strict=True)
        ]
        lines.append(
            f"| {result['leads']:,} | {median(ours for ours, _ in pairs):.1f} | {median(bare for _, bare in pairs):.1f} | "
            f"{median(ours / bare for ours, bare in pairs):.2f} |"
        )
    return lines


def _parts(runs: Sequence[Mapping[str, Any]]) -> str:
    return " | ".join(
        f"{median_of(runs, 'parts', name):.1f}" for name in ("imports", "dagster", "work", "checks")
    )


def _spread(runs: Sequence[Mapping[str, Any]], digits: int = 2) -> str:
    values = [float(run["wall_seconds"]) for run in runs]
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _draw(results: Sequence[Mapping[str, Any]]) -> None:
    """Median wall seconds by stage, and the peak of memory, over the number of leads."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "leadflow"  # so that equal numbers give an equal file
    import matplotlib.pyplot as plt

    figure, (time_axes, memory_axes) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    leads = [result["leads"] for result in results]
    series = {
        stage: [median(stage_seconds(run)[stage][0] for run in result["first"]) for result in results]
        for stage in STAGES
    }
    series["checks"] = [median_of(result["first"], "parts", "checks") for result in results]
    series["whole process"] = [median_of(result["first"], "wall_seconds") for result in results]
    for label, values in series.items():
        is_whole = label in ("checks", "whole process")
        color = "black" if label == "whole process" else None
        time_axes.plot(leads, values, marker="o", linewidth=2.5 if is_whole else 1, label=label, color=color)
    time_axes.set(
        title="First refresh: wall time by stage",
        xlabel="leads",
        ylabel="seconds",
        xscale="log",
        yscale="log",
    )
    time_axes.legend(fontsize="x-small", ncols=3, loc="lower right")
    peaks = [median_of(result["first"], "peak_gb") for result in results]
    memory_axes.plot(leads, peaks, marker="o", label="peak")
    memory_axes.axhline(PEAK_BOUND_GB, linestyle="--", color="grey", label="bound")
    memory_axes.set(title="Peak memory", xlabel="leads", ylabel="GB", xscale="log", ylim=(0, None))
    memory_axes.legend(fontsize="small")
    figure.savefig(PLOT, metadata={"Date": None})
    plt.close(figure)
