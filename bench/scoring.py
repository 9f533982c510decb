"""Scoring many leads with reasons: `python -m bench.scoring prepare|score|predict FOLDER [LEADS]`.

Belongs here: a warehouse of many leads, the steps that score them, read to written, and the bare model's predict on the same
features for scale. Each is a process of its own, so that peaks of memory are not mixed. Prints a JSON object.

The leads are those of one simulated company, refreshed once with its model, and then taken so many times over by SQL, each
time under new ids: leads are scored row by row, so that it costs what as many different leads would, except that fewer
sentences differ.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from bench.measure import measure
from bench.refreshes import LEADFLOW
from bench.steps import step_seconds
from leadflow.automation import REFRESH_JOB
from leadflow.definitions import build_defs
from leadflow.quality.sql_text import identifier
from leadflow.settings import load_settings
from leadflow.warehouse.connection import Warehouse

SIMULATED_LEADS = 20_000
SEED = 1
STEPS = ("scoring__rule_scores", "scoring__scored_leads")
READ = ("identity.leads", "features.lead_features", "features.lead_rule_activity", "features.lead_fact_dates")
"""What the steps read of each lead."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def prepare(folder: Path, leads: int) -> None:
    """A refreshed home whose leads and features are taken so many times over that they are `leads`."""
    company, home = folder / "company", folder / "home"
    home.mkdir(parents=True)
    size = ["--leads", str(SIMULATED_LEADS), "--seed", str(SEED)]
    measure([*LEADFLOW, "simulate", *size, "--out", str(company)])
    measure([*LEADFLOW, "run", "--sources", str(company / "sources.yaml")], {"LEADFLOW_HOME": str(home)})
    multiply(home, leads)


def multiply(home: Path, leads: int) -> None:
    """Take the leads of a refreshed home, and all that is known of each, over and over, until they are so many."""
    new_id = "one.lead_id || '-' || lpad(copy.number::varchar, 6, '0')"
    with Warehouse.from_settings(load_settings(home=home)).connect() as connection:
        found = connection.execute("select count(*) from identity.leads").fetchall()[0][0]
        copies = f"cross join range({-(-leads // found)}) as copy(number)"
        last = connection.execute(
            f"select max(lead_id) from (select {new_id} as lead_id from identity.leads as one {copies} "
            f"order by lead_id limit {int(leads)})"
        ).fetchall()[0][0]
        for table in READ:
            schema, name = map(identifier, table.split("."))
            connection.execute(
                f"create or replace table {schema}.{name} as select one.* replace ({new_id} as lead_id) "
                f"from {schema}.{name} as one {copies} where {new_id} <= '{last}' order by lead_id"
            )


def score(folder: Path) -> dict[str, Any]:
    """Seconds of the steps that score, read to written; checks are not run."""
    settings = load_settings(home=folder / "home", sources=folder / "company" / "sources.yaml")
    job = build_defs(**settings.model_dump()).resolve_job_def(REFRESH_JOB)
    keys = [dg.AssetKey(step.split("__")) for step in STEPS]
    keys += [dg.AssetKey(["scoring", "score_reasons"]), dg.AssetKey(["scoring", "ml_scores"])]
    began = time.process_time()
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        done = job.execute_in_process(
            run_config=_QUIET, instance=instance, asset_selection=keys, raise_on_error=True
        )
        assert done.success
    cpu = time.process_time() - began
    steps = {name: seconds for name, seconds in step_seconds(settings.home).items() if name in STEPS}
    rows = Warehouse.from_settings(settings).read(
        "select (select count(*) from scoring.scored_leads) as leads, (select count(*) from scoring.score_reasons) as reasons"
    )
    return {"steps": steps, "seconds": sum(steps.values()), "cpu": cpu, **rows.row(0, named=True)}


def predict(folder: Path) -> dict[str, Any]:
    """Seconds of reading all features, and of the model's predict on them, by itself."""
    from leadflow.modelling.attributes import declared_types, with_attributes
    from leadflow.scoring.model import TrainedModel

    settings = load_settings(home=folder / "home")
    warehouse = Warehouse.from_settings(settings)
    version = warehouse.read("select model_version from scoring.model_card").item()
    model = TrainedModel.from_json((settings.models_dir / f"{version}.json").read_text(encoding="utf-8"))
    declared = declared_types(warehouse.read("select attribute, value_type from staging.stg_attributes"))
    started = time.perf_counter()
    features = warehouse.read("select * from features.lead_features")
    read = time.perf_counter()
    features = with_attributes(features, declared)
    attributes = time.perf_counter()
    predicted = model.predict(features)
    done = time.perf_counter()
    assert not predicted.has_nulls()
    return {
        "read": read - started, "attributes": attributes - read, "predict": done - attributes,
        "features": len(model.feature_names),
    }  # fmt: skip


def scoring_case(leads: int, runs: int) -> Iterator[dict[str, Any]]:
    """The steps that score and the bare predict, in turns."""
    result: dict[str, Any] = {"scored_leads": leads, "score": [], "predict": []}
    with tempfile.TemporaryDirectory(prefix="leadflow-bench-") as scratch:
        folder = Path(scratch) / "company"
        prepare(folder, leads)
        for _ in range(runs):
            for name in ("score", "predict"):
                run = measure([sys.executable, "-m", "bench.scoring", name, str(folder)])
                plain = {key: value for key, value in asdict(run).items() if key != "output"}
                result[name].append({**plain, **json.loads(run.output.splitlines()[-1])})
            yield result


def main() -> None:
    """One part, over the home in a folder."""
    part, folder, *sizes = sys.argv[1:]
    if part == "prepare":
        prepare(Path(folder), int(sizes[0]))
        print(json.dumps({"leads": int(sizes[0])}))
    else:
        print(json.dumps({"score": score, "predict": predict}[part](Path(folder))))


if __name__ == "__main__":
    main()
