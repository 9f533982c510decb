"""What Dagster is given: every asset and check, the same from every way of loading, at a cheap import."""

import difflib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_dg_core.context import DgContext
from homes import MARTS, REPOSITORY, environment

from leadflow.definitions import build_defs, build_room
from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings
from leadflow.stages import OWNERS, STAGES

SNAPSHOT = Path(__file__).with_name("asset_specs.txt")
RENEW = "LEADFLOW_RENEW_SNAPSHOTS"
HEAVY = (
    "polars",
    "pandas",
    "numpy",
    "great_expectations",
    "sklearn",
    "xgboost",
    "splink",
    "duckdb",
    "pyarrow",
    "sqlalchemy",
)
ORIGINS = """
import json, sys
from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module
(target,) = loadable_targets_from_python_module(sys.argv[1], working_directory=None)
print(json.dumps(sorted(key.to_user_string() for key in target.target_definition.resolve_all_asset_keys())))
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory):
    """Settings of a home that holds nothing."""
    return load_settings(home=tmp_path_factory.mktemp("definitions") / "home")


@pytest.fixture(scope="module")
def defs(settings) -> dg.Definitions:
    """The definitions of that home."""
    return build_defs(home=settings.home)


def asset_nodes(defs: dg.Definitions):
    """Every asset of the graph with its key."""
    graph = defs.resolve_asset_graph()
    return [(key, graph.get(key)) for key in sorted(graph.get_all_asset_keys())]


def specs_text(defs: dg.Definitions) -> str:
    """Every asset's spec and its checks, one fact a line, so that a change reads as a diff."""
    graph = defs.resolve_asset_graph()
    checks: dict[dg.AssetKey, list[str]] = {}
    for key in sorted(graph.asset_check_keys, key=lambda key: (key.asset_key, key.name)):
        spec = graph.get_check_spec(key)
        checks.setdefault(key.asset_key, []).append(f"{key.name} {'blocks' if spec.blocking else 'warns'}")
    lines = []
    for key, node in asset_nodes(defs):
        lines += [
            key.to_user_string(),
            f"  group: {node.group_name}",
            f"  kinds: {', '.join(sorted(node.kinds))}",
            f"  owners: {', '.join(node.owners)}",
            f"  described: {'yes' if node.description else 'no'}",
            *(f"  from: {parent.to_user_string()}" for parent in sorted(node.parent_keys)),
            *(f"  check: {check}" for check in checks.get(key, [])),
        ]
    return "\n".join(lines) + "\n"


def test_asset_specs_are_as_committed(defs):
    text = specs_text(defs)
    if os.environ.get(RENEW) == "1":
        SNAPSHOT.write_text(text, encoding="utf-8")
    committed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    change = "\n".join(
        difflib.unified_diff(committed, text.splitlines(), "committed", "now", lineterm="", n=1)
    )
    assert not change, (
        f"the assets changed; where that is meant, renew {SNAPSHOT.name} with {RENEW}=1 pytest {__file__}\n{change}"
    )


def test_every_asset_tells_who_owns_it_and_what_it_holds(defs):
    for key, node in asset_nodes(defs):
        stage = key.path[0]
        assert node.group_name == stage
        assert list(node.owners) == [OWNERS[stage]], key
        assert node.description, key
        assert "duckdb" in node.kinds, key
        if key == MARTS:  # a file, not a table
            continue
        columns = node.metadata["dagster/column_schema"].columns
        assert columns, key
        assert all(column.description and column.type for column in columns), key
        assert node.metadata["dagster/table_name"] == ".".join(key.path)


def test_groups_are_the_stages(defs):
    assert {node.group_name for _, node in asset_nodes(defs)} == set(STAGES)


def test_data_flows_in_one_direction(defs):
    for key, node in asset_nodes(defs):
        for parent in node.parent_keys:
            assert STAGES.index(parent.path[0]) <= STAGES.index(key.path[0]), f"{parent} → {key}"


def test_every_asset_has_a_contract_and_every_contract_an_asset(defs, settings):
    contracts = load_contracts(settings.sql_dir)
    promised = {
        table.full_name
        for table in contracts.values()
        if table.schema != "quality" and not table.meta.get("is_mart_only")
    }
    made = {".".join(key.path) for key, _ in asset_nodes(defs) if key != MARTS}
    assert made == promised
    models = build_room(settings, contracts).models.values()
    assert {model.table for model in models} == {
        table.full_name for table in contracts.values() if table.kind == "model"
    }


def test_every_blocking_test_of_a_contract_is_a_blocking_check(defs, settings):
    graph = defs.resolve_asset_graph()
    checks = {
        (".".join(key.asset_key.path), key.name, graph.get_check_spec(key).blocking)
        for key in graph.asset_check_keys
    }
    contracts = load_contracts(settings.sql_dir)
    promised = {
        (table.full_name, test.check_name, test.is_blocking)
        for table in contracts.values()
        if table.schema != "quality" and not table.meta.get("is_mart_only")
        for test in table.checks
    }
    assert checks == promised


def test_checks_are_one_step_a_table(defs):
    steps = Counter(next(iter(checks.check_keys)).asset_key for checks in defs.asset_checks or ())
    assert set(steps.values()) == {1}
    assert set(steps) == {key for key, _ in asset_nodes(defs)} - {MARTS}


def test_overrides_take_the_place_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path / "of_the_environment"))
    defs = build_defs(home=tmp_path / "given", lock_wait_seconds=0)
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        asset_selection=[dg.AssetKey(["kpi", "lead_funnel"])],
        raise_on_error=False,
    )
    assert not result.success  # the given home holds nothing to make it from
    assert (tmp_path / "given").is_dir()
    assert not (tmp_path / "of_the_environment").exists()


def test_a_wrong_override_is_refused_by_name(tmp_path):
    with pytest.raises(Exception, match="LEADFLOW_THREADS"):
        build_defs(home=tmp_path, threads=0)


def test_both_ways_of_loading_find_the_same_assets(defs, tmp_path):
    (origin,) = WorkspaceFileTarget([str(REPOSITORY / "workspace.yaml")]).create_origins()
    project = DgContext.from_file_discovery_and_command_line_config(REPOSITORY, {})
    assert project.is_project
    modules = {origin.loadable_target_origin.module_name, project.code_location_target_module_name}
    expected = sorted(key.to_user_string() for key, _ in asset_nodes(defs))
    for module in modules:
        loaded = subprocess.run(
            [sys.executable, "-c", ORIGINS, module],
            cwd=REPOSITORY,
            env=environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert json.loads(loaded.stdout) == expected, module


def test_dg_check_defs_passes(tmp_path):
    dg_command = Path(sys.executable).with_name("dg")
    checked = subprocess.run(
        [str(dg_command), "check", "defs"],
        cwd=REPOSITORY,
        env=environment(tmp_path / "home") | {"DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "All definitions loaded successfully" in checked.stdout + checked.stderr


def test_importing_the_definitions_brings_in_nothing_heavy(tmp_path):
    code = f"import leadflow.definitions, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    imported = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert imported.stdout.strip() == "[]"
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()
