"""Features against bare DuckDB: `python -m bench.features prepare|build|floor|hour|day FOLDER [LEADS EVENTS_PER_LEAD]`.

Belongs here: a warehouse of many leads with many web events, the feature tables over it, made whole, an hour later and on
the next day, after new events of a few leads; and the floor that they are held against: the sums of each lead and day,
and one aggregate over them, by DuckDB alone. Each is a process of its own, so that peaks of memory are not mixed. Prints
a JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from bench.measure import measure
from bench.steps import step_seconds
from leadflow.automation import REFRESH_JOB, refresh_config
from leadflow.cli.refresh import prepare_instance
from leadflow.definitions import build_defs
from leadflow.settings import Settings, load_settings
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.refreshes import current_refresh, open_refresh

_AS_OF = datetime(2026, 7, 1, 15, 0)  # noqa: DTZ001 - instants are naive UTC throughout
MEASURED = ("lead_digests", "lead_events", "lead_activity_daily", "lead_features")
"""What makes the features of now, from staged facts and memberships."""
TOUCHED_PERCENT = 3
"""Leads that have new events when features are made again."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_NO_SOURCES = "version: 1\nsources:\n  - {name: forms, table: mql, path: forms.csv, columns: {mql_id: id, email: mail}, occurred_at: sent}\n"


def prepare(folder: Path, leads: int, events_per_lead: int, *, born_days: int = 365) -> None:
    """A home whose lead records, memberships and web events are written by SQL: landing them is another case.

    Leads come within `born_days` from 2025-07-01 on, events within a year.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.yaml").write_text(_NO_SOURCES, encoding="utf-8")
    (folder / "forms.csv").write_text("id,mail,sent\nM0,one@company.example,2026-01-02\n", encoding="utf-8")
    settings = load_settings(home=folder / "home", sources=folder / "sources.yaml")
    prepare_instance(settings)
    make(settings, ("raw", "staging", "clean", "identity", "enrich", "features"))
    born, happened = (
        f"timestamp '2025-07-01' + to_seconds(cast(hash('{seed}', n) % {days * 86400} as integer))"
        for seed, days in (("born", born_days), ("event", 365))
    )
    with Warehouse.from_settings(settings).connect() as connection:
        connection.execute(
            f"create temp table born as select n, {born} as moment from range({leads}) as r(n)"
        )
        for table, columns in {
            "identity.leads": "'L' || n as lead_id, moment as known_from",
            "identity.identity_map": "'mql:M' || n as record_key, 'L' || n as lead_id, 'A' || n // 4 as account_id, "
            "moment as known_from, moment as account_known_from",
            "clean.clean_leads": "'mql:M' || n as record_key, 'mql' as raw_table, 'M' || n as record_id, "
            "'M' || n as mql_id, 'lead' || n || '@company' || n // 4 || '.example' as email, 'Head of IT' as title, "
            "'director' as seniority, ['ads', 'fair', 'search', 'email'][n % 4 + 1] as channel, "
            "'DE' as country, moment as occurred_at, moment as known_at",
        }.items():
            connection.execute(f"delete from {table}")
            connection.execute(f"insert into {table} by name select {columns} from born")
        connection.execute("delete from raw.web_events")
        kinds = "['page_view', 'page_view', 'page_view', 'page_view', 'page_view', 'pricing_page_view', 'content_download', 'webinar_attended']"
        connection.execute(
            f"insert into raw.web_events by name "
            f"select 'E' || n as event_id, 'M' || hash('lead', n) % {leads} as mql_id, "
            f"{kinds}[cast(hash('kind', n) % 8 as integer) + 1] as event_type, "
            "['/', '/product', '/blog', '/docs', '/careers'][cast(hash('page', n) % 5 as integer) + 1] as page_url, "
            "case when hash('content', n) % 2 = 0 then 'white_paper' else 'case_study' end as content_kind, "
            f"{happened} as occurred_at, {happened} as known_at, "
            "'bench' as source_name, 'bench' as source_file "
            f"from range({leads * events_per_lead}) as r(n)"
        )


def build(folder: Path) -> dict[str, Any]:
    """Seconds of every step of the stage features, all rows made; checks are not run."""
    settings = load_settings(home=folder / "home", sources=folder / "sources.yaml")
    started = time.perf_counter()
    make(settings, ("features",), is_full=True)
    made = _measured(settings)
    rows = Warehouse.from_settings(settings).read("select count(*) from features.lead_features").item()
    return {**made, "leads": rows, "whole": time.perf_counter() - started}


def hour(folder: Path) -> dict[str, Any]:
    """Seconds of the same steps an hour later, after two new events of some leads."""
    return _again(folder, timedelta(hours=1))


def day(folder: Path) -> dict[str, Any]:
    """Seconds of the same steps on the next day, after two new events of some leads."""
    return _again(folder, timedelta(days=1))


def _again(folder: Path, later: timedelta) -> dict[str, Any]:
    settings = load_settings(home=folder / "home", sources=folder / "sources.yaml")
    with Warehouse.from_settings(settings).connect() as connection:
        as_of = current_refresh(connection).as_of + later
        connection.execute(
            "insert into raw.web_events by name select 'N' || epoch($as_of) || n || lead_id as event_id, "
            "substr(record_key, 5) as mql_id, 'page_view' as event_type, '/product' as page_url, "
            "$as_of - to_minutes(n) as occurred_at, $as_of - to_minutes(n) as known_at, "
            "'bench' as source_name, 'bench' as source_file "
            f"from identity.identity_map, range(10, 12) as r(n) where hash(lead_id, $as_of) % 100 < {TOUCHED_PERCENT}",
            {"as_of": as_of},
        )
        open_refresh(connection, as_of=as_of, as_of_from="given", run_id="bench", code_version="bench")
    make(settings, ("features",), tables=(*MEASURED, "account_contracts", "account_wins"))
    return _measured(settings)


def _measured(settings: Settings) -> dict[str, Any]:
    """Seconds by step of the newest run, and of those that make the features of now."""
    steps = {
        name: seconds
        for name, seconds in step_seconds(settings.home).items()
        if name.startswith("features__")
    }
    return {"steps": steps, "seconds": sum(steps.get(f"features__{table}", 0) for table in MEASURED)}


def floor(folder: Path) -> dict[str, Any]:
    """Seconds of the sums of each lead and day and of one aggregate over them, by DuckDB alone."""
    warehouse = Warehouse.from_settings(load_settings(home=folder / "home"))
    measures = {
        "page_views": "event_type in ('page_view', 'pricing_page_view')",
        "pricing_page_views": "event_type = 'pricing_page_view'",
        "content_downloads": "event_type = 'content_download'",
        "white_paper_downloads": "event_type = 'content_download' and content_kind = 'white_paper'",
        "webinars_attended": "event_type = 'webinar_attended'",
    }
    sums = ", ".join(f"count(*) filter (where {condition}) as {name}" for name, condition in measures.items())
    windows = ", ".join(
        f"sum({name}) filter (where event_date >= date '2026-07-01' - {days}) as {name}_{days}d"
        for name in measures
        for days in (7, 30, 90)
    )
    with warehouse.scratch() as connection:
        connection.execute(f"attach '{warehouse.path}' as warehouse (read_only)")
        started = time.perf_counter()
        connection.execute(
            f"create table daily as select mql_id, cast(occurred_at as date) as event_date, "
            f"max(occurred_at) as last_event_at, {sums} from warehouse.raw.web_events group by all"
        )
        daily = time.perf_counter()
        connection.execute(
            f"create table leads as select mql_id, max(last_event_at) as last_event_at, {windows} from daily group by mql_id"
        )
        done = time.perf_counter()
    return {"daily": daily - started, "leads": done - daily, "seconds": done - started}


PARTS = {"build": build, "floor": floor, "hour": hour, "day": day}
"""What is measured, in this order."""


def features_case(leads: int, events_per_lead: int, runs: int) -> Iterator[dict[str, Any]]:
    """The feature tables made whole, the floor, and the tables again an hour and a day later, in turns."""
    result: dict[str, Any] = {
        "feature_leads": leads, "facts": leads * events_per_lead, **{name: [] for name in PARTS},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "company"
        prepare(folder, leads, events_per_lead)
        for _ in range(runs):
            for name in PARTS:
                run = measure([sys.executable, "-m", "bench.features", name, str(folder)])
                plain = {key: value for key, value in asdict(run).items() if key != "output"}
                result[name].append({**plain, **json.loads(run.output.splitlines()[-1])})
            yield result


def make(
    settings: Settings, stages: tuple[str, ...], *, tables: tuple[str, ...] = (), is_full: bool = False
) -> None:
    """Materialize the stages' tables, or some of them, without their checks."""
    job = build_defs(**settings.model_dump()).resolve_job_def(REFRESH_JOB)
    keys = [
        key
        for key in job.asset_layer.executable_asset_keys
        if key.path[0] in stages and (not tables or key.path[1] in tables)
    ]
    config: dict[str, Any] = {**_QUIET, "resources": {"run": {"config": {"is_full": is_full}}}}
    if "raw" in stages:
        config |= refresh_config(as_of=_AS_OF.isoformat())
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        done = job.execute_in_process(
            run_config=config, instance=instance, asset_selection=keys, raise_on_error=True
        )
        assert done.success


def main() -> None:
    """One part, over the home in a folder."""
    part, folder, *sizes = sys.argv[1:]
    if part == "prepare":
        leads, events_per_lead = map(int, sizes)
        prepare(Path(folder), leads, events_per_lead)
        print(json.dumps({"leads": leads, "events": leads * events_per_lead}))
    else:
        print(json.dumps(PARTS[part](Path(folder))))


if __name__ == "__main__":
    main()
