"""Real dbt agrees: it builds dbt_like_sql/ unchanged, every test passes, the models' unit tests among them, and its
tables are leadflow's, row for row.

dbt lives in an environment of its own (`make dbt`), because it pins what Dagster and Great Expectations pin otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from homes import REPOSITORY, Home

from leadflow.warehouse.models.model_unit_test_files import find_declarations

DBT = Path(os.environ.get("LEADFLOW_DBT", REPOSITORY / ".venv-dbt" / "bin" / "dbt"))

pytestmark = pytest.mark.skipif(
    not DBT.exists(), reason=f"dbt is not installed at {DBT}; `make dbt` installs it"
)


def test_dbt_builds_the_same_tables_and_its_tests_pass(shared_home: Home, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copyfile(shared_home.warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        (as_of,) = connection.execute("select max_by(as_of, refresh_id) from raw.refreshes").fetchall()[0]
        models = connection.execute(
            "select table_name from quality.table_versions where table_name in "
            "(select schema_name || '.' || table_name from duckdb_tables())"
        ).fetchall()
    made_by_sql = sorted({name for (name,) in models if _is_sql_model(name)})
    assert made_by_sql, "no SQL model is materialized as a table"

    built = _dbt_build(tmp_path, warehouse, as_of.isoformat(sep=" "))

    assert built.returncode == 0, built.stdout[-4000:]
    results = json.loads((tmp_path / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    assert {result["status"] for result in results} <= {"success", "pass"}
    assert sum(result["unique_id"].startswith("test.") for result in results) > len(made_by_sql)
    unit_tests = [
        one.id for one in find_declarations(REPOSITORY / "dbt_like_sql") if one.declared.config.enabled
    ]
    ran = [
        result["unique_id"].split(".") for result in results if result["unique_id"].startswith("unit_test.")
    ]
    assert sorted(f"{model}::{name}" for *_, model, name in ran) == sorted(unit_tests)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{shared_home.warehouse}' as ours (read_only)")
        connection.execute(f"attach '{warehouse}' as dbts (read_only)")
        for table in made_by_sql:
            differing = connection.execute(
                f"select count(*) from ((from ours.{table} except all from dbts.{table}) "
                f"union all (from dbts.{table} except all from ours.{table}))"
            ).fetchall()
            assert differing == [(0,)], table


def _is_sql_model(table: str) -> bool:
    stage, name = table.split(".")
    return (REPOSITORY / "dbt_like_sql" / stage / f"{name}.sql").exists()


def _dbt_build(folder: Path, warehouse: Path, as_of: str) -> subprocess.CompletedProcess[str]:
    """`dbt build` of a copy of the SQL room on a copy of the warehouse."""
    room = folder / "dbt_like_sql"
    shutil.copytree(REPOSITORY / "dbt_like_sql", room)
    profile = {
        "leadflow": {
            "target": "t",
            "outputs": {"t": {"type": "duckdb", "path": str(warehouse), "threads": 1}},
        }
    }
    (folder / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")  # JSON is YAML
    command = [
        DBT,
        "build",
        "--project-dir",
        room,
        "--profiles-dir",
        folder,
        "--target-path",
        folder / "target",
    ]
    options = [
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
        "--vars",
        json.dumps({"as_of": as_of}),
    ]
    return subprocess.run(
        [*map(str, command), *options], cwd=folder, capture_output=True, text=True, check=False
    )
