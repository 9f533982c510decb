"""Homes of leadflow for tests: making, copying, refreshing and comparing them.

Belongs here: what integration and e2e tests share. Does not belong here: fixtures (conftest.py) and assertions.

A whole refresh with its checks costs half a minute, so tests share one refreshed home and copy its folder to change
it. A test that needs no checks makes tables alone (`Home.make`), one that needs a whole refresh but not every check
uses `lean_project`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import yaml
from filelock import FileLock

from leadflow.automation import refresh_config, retrain_config

if TYPE_CHECKING:
    import polars as pl
    import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-c", "from leadflow.cli import main; main()")
COMMAND_SECONDS = 900

REFRESHES = dg.AssetKey(["raw", "refreshes"])
MARTS = dg.AssetKey(["publish", "marts"])

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration that keeps Dagster's log out of the output of a failing test."""

OPERATIONAL = (
    "quality.table_versions",
    "quality.results",
    "quality.remade_tables",
    "quality.known_files",
    "raw.refreshes",
)
"""Tables that say when and by whom, and so differ from run to run; files that changed moments ago are not known yet."""


def environment(home: Path, **settings: object) -> dict[str, str]:
    """The environment of a leadflow process: this home, no other LEADFLOW_ setting but the given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")}
    kept.pop("DAGSTER_HOME", None)
    given = {f"LEADFLOW_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "LEADFLOW_HOME": str(home), "COLUMNS": "200", **given}


def leadflow(home: Path, *arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run the leadflow command in a process of its own, to its end."""
    with start(home, *arguments, **settings) as process:
        out, err = process.communicate(timeout=COMMAND_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def start(home: Path, *arguments: object, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """The leadflow command as a running process, which does not outlive the block."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def lean_project(folder: Path) -> Path:
    """A copy of the SQL room in which contracts keep their columns and lose their tests: a refresh in half the time."""
    shutil.copytree(REPOSITORY / "dbt_like_sql", folder / "dbt_like_sql")
    shutil.rmtree(folder / "dbt_like_sql" / "tests")
    shutil.copyfile(REPOSITORY / "dagster.yaml", folder / "dagster.yaml")
    for contract in folder.glob("dbt_like_sql/*/schema.yml"):
        content = yaml.safe_load(contract.read_text(encoding="utf-8"))
        contract.write_text(yaml.safe_dump(_without_tests(content), sort_keys=False), encoding="utf-8")
    return folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills, once for all processes of a test run: the others wait for the first.

    What lies in it is shared: copy a home out of it before opening it, since a writer shuts out readers.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with FileLock(root / f"{name}.lock"):
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


def _without_tests(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_tests(value) for key, value in node.items() if key != "data_tests"}
    return [_without_tests(item) for item in node] if isinstance(node, list) else node


@dataclass(frozen=True)
class Home:
    """A home and the sources it is refreshed from.

    Attributes:
        path: LEADFLOW_HOME.
        sources: sources.yaml.
        project_dir: folder that holds the SQL room, or None for the repository's own.
    """

    path: Path
    sources: Path
    project_dir: Path | None = None

    @property
    def warehouse(self) -> Path:
        """The private warehouse."""
        return self.path / "warehouse.duckdb"

    @property
    def marts(self) -> Path:
        """The published mart."""
        return self.path / "marts.duckdb"

    def copy_to(self, path: Path, **changes: Any) -> Home:
        """A home with the same content in another folder; changes are attributes that are to differ."""
        shutil.copytree(self.path, path)
        return replace(self, path=path, **changes)

    def defs(self) -> dg.Definitions:
        """leadflow's definitions for this home."""
        from leadflow.definitions import build_defs

        return build_defs(home=self.path, sources=self.sources, project_dir=self.project_dir)

    def run(self, assets: Iterable[dg.AssetKey], *, as_of: str = "") -> dg.ExecuteInProcessResult:
        """Materialize some assets with their checks, as a person would select them in the UI."""
        job = self.defs().resolve_implicit_global_asset_job_def()
        chosen = list(assets)
        config = QUIET | (refresh_config(as_of=as_of) if REFRESHES in chosen else {})
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(
                run_config=config, instance=instance, asset_selection=chosen, raise_on_error=False
            )

    def make(
        self, *, as_of: str = "", stages: Sequence[str] = (), is_full: bool = False
    ) -> dg.ExecuteInProcessResult:
        """A refresh of every table, or of those of some stages, without checks, and therefore without publishing."""
        defs = self.defs()
        chosen = dg.AssetSelection.groups(*stages) if stages else dg.AssetSelection.all()
        opens = not stages or "raw" in stages
        with dg.DagsterInstance.ephemeral() as instance:
            return dg.materialize(
                list(defs.assets or ()),  # type: ignore[arg-type]
                selection=chosen - dg.AssetSelection.assets(MARTS),
                resources=defs.resources,
                run_config=QUIET | (refresh_config(as_of=as_of, is_full=is_full) if opens else {}),
                instance=instance,
            )

    def retrain(self) -> dg.ExecuteInProcessResult:
        """A training that somebody asks for, and what hangs on the model, without checks and publishing."""
        defs = self.defs()
        chosen = dg.AssetSelection.assets("scoring/trainings").required_multi_asset_neighbors().downstream()
        with dg.DagsterInstance.ephemeral() as instance:
            return dg.materialize(
                list(defs.assets or ()),  # type: ignore[arg-type]
                selection=chosen - dg.AssetSelection.assets(MARTS),
                resources=defs.resources,
                run_config=QUIET | retrain_config(),
                instance=instance,
            )

    def rows(
        self, sql: str, parameters: Sequence[Any] = (), *, of: Path | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a query on the warehouse, or on another database of the home."""
        with duckdb.connect(str(of or self.warehouse), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = (), *, of: Path | None = None) -> Any:
        """The one value of a query."""
        ((value,),) = self.rows(sql, parameters, of=of)
        return value


_ORDERS = {
    "score_reasons": "lead_id, rank",
    "score_history": "lead_id, as_of",
    "newest_scores": "lead_id, as_of",
    "trainings": "training",
    "model_card": "as_of",
    "score_gains": "cut_number",
}
"""Keys of tables that do not have one row per lead."""


def table_of(home: Home, table: str) -> pl.DataFrame:
    """A table of the warehouse in the order of its key, as polars has it."""

    order = _ORDERS.get(table.split(".")[1], "lead_id")
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        rows: pl.DataFrame = connection.sql(f"select * from {table} order by {order}").pl()
    return rows


def table_names(database: Path) -> list[str]:
    """Tables and views of a database file as schema.name, sorted."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return [
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select table_schema, table_name from information_schema.tables order by 1, 2"
            ).fetchall()
        ]


def differing_tables(left: Path, right: Path, *, except_for: Sequence[str] = OPERATIONAL) -> list[str]:
    """Names of tables that do not hold the same rows in both database files, with how many rows differ."""
    names = sorted((set(table_names(left)) | set(table_names(right))) - set(except_for))
    differing = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as l (read_only)")
        connection.execute(f"attach '{right}' as r (read_only)")
        for name in names:
            try:
                # Views name their tables without the database, so they are read from where they are at home.
                found = [_rows(connection, database, name) for database in ("l", "r")]
            except duckdb.CatalogException:
                differing.append(f"{name}: only in one of the two")
                continue
            if found[0] != found[1]:
                count = len(set(found[0]) ^ set(found[1]))
                differing.append(f"{name}: {len(found[0])} and {len(found[1])} rows, {count} of them differ")
    return differing


def _rows(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> list[str]:
    connection.execute(f"use {database}")
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    return [str(columns), *sorted(map(str, connection.execute(f"select * from {table}").fetchall()))]
