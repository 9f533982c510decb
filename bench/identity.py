"""Clean and identity against Splink alone: `python -m bench.identity prepare|refresh|splink FOLDER ...`.

Belongs here: lead records of a messy simulated company, the steps of the stages clean and identity over them, all anew and with
10,000 new ones, and the floor they are held against: Splink's predict and clustering of the same records, normalised already, by
the same model and keys. Each is a process of its own, so that peaks of memory are not mixed. Prints a JSON object.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from bench.measure import measure
from bench.steps import step_seconds
from leadflow.automation import REFRESH_JOB, refresh_config
from leadflow.cli.refresh import prepare_instance
from leadflow.definitions import build_defs
from leadflow.demo.simulate import simulate
from leadflow.settings import load_settings
from leadflow.warehouse.connection import Warehouse

NEW_RECORDS = 10_000
_RECORDS_PER_LEAD = 4 / 3  # a form each, and every third one a CRM lead beside it
_FILES = {"mql.csv": 3 / 4, "sql_leads.csv": 1 / 4}
_MEASURED = ("clean", "identity")
_AS_OF = "2026-07-01T00:00:00"


def prepare(folder: Path, records: int) -> None:
    """A company's lead files with the newest 10,000 records (a fifth, where there are few) in files of their own, aside."""
    simulate(folder, leads=round(records / _RECORDS_PER_LEAD), events_per_lead=1, seed=20261122)
    (folder / "later").mkdir()
    held_back = min(NEW_RECORDS, records // 5)
    for name, share in _FILES.items():
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        parts = rows[: -round(held_back * share)], rows[-round(held_back * share) :]
        for path, part in zip((folder / name, folder / "later" / f"late_{name}"), parts, strict=True):
            with path.open("w", encoding="utf-8", newline="") as lines:
                csv.writer(lines).writerows([header, *part])
    sources = (folder / "sources.yaml").read_text(encoding="utf-8")
    for name in _FILES:
        sources = sources.replace(f"path: {name}", f"path: '*{name}'")
    (folder / "sources.yaml").write_text(sources, encoding="utf-8")


def refresh(folder: Path) -> dict[str, Any]:
    """Seconds of every step of the two stages, what they need made before them, and the processor time; checks are not run."""
    settings = load_settings(home=folder / "home", sources=folder / "sources.yaml")
    prepare_instance(settings)
    job = build_defs(**settings.model_dump()).resolve_job_def(REFRESH_JOB)
    every = list(job.asset_layer.executable_asset_keys)
    config: dict[str, Any] = {
        **refresh_config(as_of=_AS_OF),
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        # In a run of their own, so that processor time is told of the measured stages alone.
        for stages in (("raw", "staging"), _MEASURED):
            chosen = {key for key in every if key.path[0] in stages}
            part = job.get_subset(asset_selection=chosen, asset_check_selection=set())
            before = _cpu_seconds()
            told = config if "raw" in stages else {**config, "ops": {}}  # the moment is the landed refresh's
            done = part.execute_in_process(run_config=told, instance=instance, raise_on_error=True)
            assert done.success
    steps = step_seconds(settings.home)
    return {
        "steps": steps,
        "seconds": sum(steps.values()),
        "cpu": _cpu_seconds() - before,
        "load": os.getloadavg()[0],
    }


def _cpu_seconds() -> float:
    """Processor time of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def splink(folder: Path) -> dict[str, Any]:
    """Seconds and processor time of Splink's predict and clustering over every record, with leadflow's model and keys."""
    import polars as pl

    from leadflow.identity.linkage import lent_linker, settings_of
    from leadflow.identity.linkage_heads import PROFILE, heads_of
    from leadflow.identity.linkage_leads import builtin_lead_model

    warehouse = Warehouse.from_settings(load_settings(home=folder / "home"))
    index = warehouse.read("select * from identity.match_index")
    heads = heads_of(index)
    profiles = index.select("record_key", *PROFILE)
    of_profile = profiles.join(
        heads.select(record_key="unique_id", head="unique_id"), on="record_key", how="inner"
    ).drop("record_key")
    records = (
        profiles.join(of_profile, on=list(PROFILE), how="inner", nulls_equal=True)
        .select("record_key", "head")
        .join(heads.drop("digest", "known_at"), left_on="head", right_on="unique_id", how="inner")
        .drop("head")
        .rename({"record_key": "unique_id"})
    )
    del index, profiles, of_profile, heads
    model = builtin_lead_model()
    settings = settings_of(model)
    settings["blocking_rules_to_generate_predictions"] = [
        {
            "blocking_rule": " and ".join(f'l."{column}" = r."{column}"' for column in columns),
            "sql_dialect": "duckdb",
        }
        for columns in model.blocking
    ]
    with warehouse.scratch() as connection, lent_linker(connection, records, settings) as linker:
        started, before = time.perf_counter(), _cpu_seconds()
        pairs = linker.inference.predict(threshold_match_probability=0.5)
        predicted = time.perf_counter()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            pairs, threshold_match_probability=0.9
        )
        clustered, cpu = time.perf_counter(), _cpu_seconds() - before
        found = [
            connection.sql(f"select count(*) from {table.physical_name}").pl().item()
            for table in (pairs, clusters)
        ]
    return {
        "records": records.select(pl.len()).item(),
        "pairs": found[0],
        "clustered": found[1],
        "predict": predicted - started,
        "cluster": clustered - predicted,
        "seconds": clustered - started,
        "cpu": cpu,
        "load": os.getloadavg()[0],
    }


def identity_case(records: int, runs: int) -> Iterator[dict[str, Any]]:
    """All anew, Splink over the same records, and 10,000 new ones, in turns."""
    result: dict[str, Any] = {"records": records, "full": [], "splink": [], "new": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "company"
            prepare(folder, records)
            for name in ("full", "splink", "new"):
                if name == "new":
                    for late in (folder / "later").iterdir():
                        late.rename(folder / late.name)
                part = "splink" if name == "splink" else "refresh"
                run = measure([sys.executable, "-m", "bench.identity", part, str(folder)])
                plain = {key: value for key, value in asdict(run).items() if key != "output"}
                result[name].append({**plain, **json.loads(run.output.splitlines()[-1])})
        yield result


def main() -> None:
    """Do one of the parts in this process."""
    what, folder, *rest = sys.argv[1:]
    if what == "prepare":
        prepare(Path(folder), int(rest[0]))
    else:
        print(json.dumps(refresh(Path(folder)) if what == "refresh" else splink(Path(folder))))


if __name__ == "__main__":
    main()
