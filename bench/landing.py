"""Landing event files against bare DuckDB: `python -m bench.landing make|bare|land ...`.

Belongs here: event files of any size, landing them as a refresh does (without Dagster and without checks), and the
floor it is held against: `create table as select` of the same file by DuckDB alone, with the same limits. Each is a
process of its own, so that peaks of memory are not mixed. Prints a JSON object of seconds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from bench.measure import measure
from leadflow.ingest.assets import fillable_columns
from leadflow.ingest.land import land_sources
from leadflow.ingest.sources import load_sources
from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.landing.landing import ensure_raw_table
from leadflow.warehouse.tables import Stamp, ensure_system_tables

TABLE = "raw.web_events"
AS_OF = datetime(2026, 6, 30, 18)  # noqa: DTZ001 - instants are naive UTC throughout

_SOURCES = """
version: 1
folder: .
sources:
  - name: web_tracker
    table: web_events
    path: "*.{suffix}"
    columns: {{event_id: id, mql_id: form_id, visitor_id: visitor, event_type: event, page_url: url, content_kind: content,
      duration_seconds: duration, user_agent: agent, ip_address: ip}}
    occurred_at: timestamp
"""

_EVENTS = """
select 'W' || lpad(i::varchar, 9, '0') as id,
    case when hash(i) % 3 = 0 then 'F' || lpad((hash(i * 7) % 1000000)::varchar, 8, '0') end as form_id,
    'V' || lpad((hash(i * 3) % 3000000)::varchar, 8, '0') as visitor,
    ['page_view', 'page_view', 'pricing_page_view', 'content_download'][1 + (hash(i * 5) % 4)::int] as event,
    '/' || ['pricing', 'product', 'blog', 'docs'][1 + (hash(i * 11) % 4)::int] || '/' || (hash(i * 13) % 500)::varchar as url,
    case when hash(i) % 7 = 0 then 'white_paper' end as content,
    round((hash(i * 17) % 60000) / 100.0, 1) as duration,
    'Mozilla/5.0 (X11; Linux) ' || (hash(i * 19) % 50)::varchar as agent,
    (hash(i * 23) % 223)::varchar || '.' || (hash(i * 29) % 255)::varchar || '.7.1' as ip,
    timestamp '2025-06-30' + to_seconds((hash(i * 37) % 31000000)::bigint) as timestamp
from range({events}) as r(i)
"""


def make(folder: Path, events: int, suffix: str) -> None:
    """Write event files of 5,000,000 rows each and the sources.yaml that maps them."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(
        config={"memory_limit": "4GB", "temp_directory": str(folder / "spill")}
    ) as connection:
        connection.execute(f"copy ({_EVENTS.format(events=events)}) to '{folder / f'events.{suffix}'}'")
    (folder / "sources.yaml").write_text(_SOURCES.format(suffix=suffix), encoding="utf-8")


def bare(folder: Path, suffix: str) -> dict[str, float]:
    """Seconds of one `create table as select` of the file, with leadflow's limits."""
    warehouse = folder / "bare.duckdb"
    warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(warehouse), config={**Warehouse(warehouse).config()}) as connection:
        connection.execute("set enable_progress_bar = false")
        started = time.perf_counter()
        connection.execute(f"create table web_events as select * from '{folder}/*.{suffix}'")
        return {"bare": time.perf_counter() - started}


def land(folder: Path) -> dict[str, float]:
    """Seconds of landing the file into a fresh warehouse, and of looking at it again."""
    warehouse = folder / "landed.duckdb"
    warehouse.unlink(missing_ok=True)
    contracts = load_contracts(load_settings(home=folder / "home").sql_dir)
    files = load_sources(folder / "sources.yaml", fillable_columns(contracts))
    stamp = Stamp(1, AS_OF, "bench", "bench")
    seconds = {}
    for name in ("land", "again"):
        with Warehouse(warehouse).connect() as connection:
            ensure_system_tables(connection)
            for table in (TABLE, "raw.attributes", "raw.rejected_rows"):
                ensure_raw_table(connection, table, contracts[table].column_types)
            started = time.perf_counter()
            done = land_sources(connection, contracts, files, TABLE, stamp, [])
            seconds[name] = time.perf_counter() - started
            if done.failed:
                raise next(iter(done.failed.values()))
            rows = sum(landed.row_count for landed in done.landed)
            seconds[f"{name}_rows"] = rows
    return seconds


def landing_case(events: int, suffix: str, runs: int) -> Iterator[dict[str, Any]]:
    """Landing and its floor, in turns."""
    result: dict[str, Any] = {"events": events, "format": suffix, "land": [], "bare": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "events"
        make(folder, events, suffix)
        result["file_gb"] = sum(path.stat().st_size for path in folder.glob(f"*.{suffix}")) / 1e9
        # Settled for good: a file that was just written is looked into again, in case it is still being written.
        time.sleep(11)
        for _ in range(runs):
            for name, arguments in (("bare", ["bare", str(folder), suffix]), ("land", ["land", str(folder)])):
                run = measure([sys.executable, "-m", "bench.landing", *arguments])
                plain = {key: value for key, value in asdict(run).items() if key != "output"}
                result[name].append({**plain, **json.loads(run.output.splitlines()[-1])})
            yield result


def main() -> None:
    """Do one of the parts in this process."""
    what, folder, *rest = sys.argv[1:]
    if what == "make":
        make(Path(folder), int(rest[0]), rest[1])
    elif what == "bare":
        print(json.dumps(bare(Path(folder), rest[0])))
    else:
        print(json.dumps(land(Path(folder))))


if __name__ == "__main__":
    main()
