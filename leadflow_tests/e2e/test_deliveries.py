"""The same files, landed twice, in halves, in any order, and by a process that is killed: the raw tables are equal.

LEADFLOW_KILLS=n kills n times instead of twice; LEADFLOW_KILL_SEED=s repeats the moments of a failed run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
from homes import COMMAND_SECONDS, REPOSITORY, Home, differing_tables, environment

from leadflow.demo.simulate import simulate

KILLS = int(os.environ.get("LEADFLOW_KILLS") or 2)
SEED = int(os.environ.get("LEADFLOW_KILL_SEED") or random.SystemRandom().randrange(10**6))
AS_OF = "2026-07-01"

LAND = """
import sys
from pathlib import Path
from homes import Home
home = Home(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[4]))
raw = [key for key in home.defs().resolve_asset_graph().get_all_asset_keys() if key.path[0] == "raw"]
print("begins", flush=True)
sys.exit(0 if home.run(raw, as_of=sys.argv[3]).success else 1)
"""
"""Materializes the raw tables, as selected in the UI, in a process that can be killed."""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of deliveries that are late, repeated and out of order, with changed and deleted rows, and sources.yaml."""
    out = tmp_path_factory.mktemp("company")
    simulated = simulate(out, leads=300, deliveries=4)
    assert simulated.deliveries is not None
    return simulated.deliveries.parent


@pytest.fixture(scope="module")
def landed(delivered: Path, lean_project_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which everything was landed at once."""
    home = Home(tmp_path_factory.mktemp("whole"), delivered / "sources.yaml", lean_project_dir)
    land(home)
    return home


def land(home: Home, *, kill_after: float | None = None) -> float:
    """Land what there is in a process of its own; returns the seconds that it worked.

    Args:
        home: the home and its sources.
        kill_after: seconds of work after which the process is killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", LAND, *map(str, (home.path, home.sources, AS_OF, home.project_dir))],
        cwd=REPOSITORY,
        env={**environment(home.path), "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'leadflow_tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        began = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if kill_after is None:
        assert process.returncode == 0, out + err
    else:
        assert process.returncode in (0, -signal.SIGKILL), out + err
    return time.monotonic() - began


def put(files: Iterable[Path], delivered: Path, folder: Path) -> None:
    """Copy some of the delivered files to where a sources.yaml finds them."""
    for file in files:
        target = folder / file.relative_to(delivered)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)


def raw_differences(one: Home, other: Home) -> list[str]:
    """How the raw tables of two homes differ."""
    return [told for told in differing_tables(one.warehouse, other.warehouse) if told.startswith("raw.")]


def files_of(delivered: Path) -> list[Path]:
    return sorted(file for file in delivered.glob("*/*") if file.is_file())


def test_what_was_delivered_is_what_is_in_force(delivered: Path, landed: Home) -> None:
    """By the simulator's own account of every version, which no landing made."""
    truth = delivered.parent / "truth" / "versions_sql_leads.parquet"
    with duckdb.connect(str(landed.warehouse), read_only=True) as connection:
        in_force = "is_final and \"Is Deleted\" = 'false'"
        for versions, table in ((in_force, "raw.sql_leads"), (f"not ({in_force})", "raw.sql_leads_history")):
            expected = connection.execute(
                f'select "Lead Id", known_at, "Lead Status", "Lead Owner" from \'{truth}\' where {versions} order by all'
            ).fetchall()
            assert expected
            found = connection.execute(
                f"select sql_lead_id, known_at, status, owner from {table} order by all"
            ).fetchall()
            assert found == expected
        deletions = connection.execute("select count(*) from raw.sql_leads_history where is_deleted")
        assert deletions.fetchone() != (0,)


def test_landed_twice(landed: Home, tmp_path: Path) -> None:
    again = landed.copy_to(tmp_path / "again")
    land(again)
    assert raw_differences(landed, again) == []
    assert again.value("select count(*) from raw.refreshes") == 2


def test_landed_in_two_halves(landed: Home, delivered: Path, tmp_path: Path) -> None:
    files = files_of(delivered)
    folder = tmp_path / "files"
    # Every other file, but at least one of each source, since a source without files fails.
    put(files[::2], delivered, folder)
    put(
        [next(iter(sorted(source.iterdir()))) for source in delivered.iterdir() if source.is_dir()],
        delivered,
        folder,
    )
    shutil.copy2(delivered / "sources.yaml", folder)
    home = Home(tmp_path / "home", folder / "sources.yaml", landed.project_dir)
    home.path.mkdir()
    land(home)
    assert raw_differences(landed, home) != [], "a half is not the whole"
    put(files, delivered, folder)
    land(home)
    assert raw_differences(landed, home) == []


def test_landed_in_shuffled_order(landed: Home, delivered: Path, tmp_path: Path) -> None:
    """File by file, in an order that the names of a folder's files do not have; by the function that lands a table's sources."""
    from leadflow.ingest.assets import fillable_columns
    from leadflow.ingest.land import land_sources
    from leadflow.ingest.sources import load_sources
    from leadflow.quality.contracts import load_contracts
    from leadflow.settings import load_settings
    from leadflow.warehouse.connection import Warehouse
    from leadflow.warehouse.landing.landing import ensure_raw_table
    from leadflow.warehouse.refreshes import parse_as_of
    from leadflow.warehouse.tables import Stamp, ensure_system_tables

    contracts = load_contracts(load_settings(home=tmp_path / "home").sql_dir)
    files = files_of(delivered)
    random.Random(SEED).shuffle(files)
    folder = tmp_path / "files"
    folder.mkdir()
    shutil.copy2(delivered / "sources.yaml", folder)
    sources = load_sources(folder / "sources.yaml", fillable_columns(contracts))
    home = Home(tmp_path / "home", folder / "sources.yaml")
    home.path.mkdir(exist_ok=True)
    stamp = Stamp(1, parse_as_of(AS_OF), "test", "test")
    with Warehouse(home.warehouse).connect() as connection:
        ensure_system_tables(connection)
        for name, table in contracts.items():
            if name.startswith("raw.") and name != "raw.refreshes":
                ensure_raw_table(
                    connection, name, {column.name: column.data_type for column in table.columns}
                )
        for file in files:
            put([file], delivered, folder)
            table = next(
                f"raw.{one.table}"
                for one in sources.config.sources
                if one.path.startswith(f"{file.parent.name}/")
            )
            assert land_sources(connection, contracts, sources, table, stamp, []).failed.keys() <= {
                one.name for one in sources.config.sources if not (folder / one.path).parent.exists()
            }
    different = [told for told in raw_differences(landed, home) if not told.startswith("raw.refreshes")]
    assert different == []


def test_landed_by_a_process_that_is_killed(landed: Home, delivered: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", delivered / "sources.yaml", landed.project_dir)
    home.path.mkdir()
    seconds = land(landed.copy_to(tmp_path / "timed"))
    hits = 0
    for kill in range(KILLS):
        share = random.Random(SEED + kill).random()
        worked = land(home, kill_after=seconds * share)
        hits += worked < seconds
        print(f"seed {SEED}: killed after {share:.2f} of {seconds:.1f} s")
    land(home)
    assert hits, "every process was done before its kill"
    assert raw_differences(landed, home) == []
