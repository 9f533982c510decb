"""Dagster's event log with kept engines: it holds what Dagster's own way of writing would, and is read by any process."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import sqlalchemy

from leadflow.cli.event_log import keep_engines

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset
def leads() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.multi_asset_check(specs=[dg.AssetCheckSpec(name, asset="leads") for name in ("not_null", "unique")])
def checks():
    for name in ("not_null", "unique"):
        yield dg.AssetCheckResult(passed=name == "unique", check_name=name, asset_key="leads")


def logged(folder: Path, *, is_kept: bool) -> tuple[list[str], list[tuple[str, str]]]:
    """Kinds of events, and the last results of checks, as another instance on the same folder reads them."""
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    defs = dg.Definitions(assets=[leads], asset_checks=[checks])
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        if is_kept:
            keep_engines(instance)
        runs = [
            defs.resolve_implicit_global_asset_job_def().execute_in_process(
                run_config=QUIET, instance=instance, raise_on_error=False
            )
            for _ in range(2)
        ]
    with dg.DagsterInstance.from_config(str(folder)) as reader:
        kinds = [
            entry.dagster_event.event_type_value
            for run in runs
            for entry in reader.all_logs(run.run_id)
            if entry.dagster_event is not None
        ]
        keys = [dg.AssetCheckKey(leads.key, name) for name in ("not_null", "unique")]
        records = reader.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        newest = reader.get_latest_materialization_event(leads.key)
        assert newest is not None
        assert newest.run_id == runs[-1].run_id
        return kinds, sorted((key.name, record.status.value) for key, record in records.items())


def test_it_holds_what_dagster_would_write_itself(tmp_path, monkeypatch):
    made = 0
    make = sqlalchemy.create_engine

    def counted(*given, **named):
        nonlocal made
        made += 1
        return make(*given, **named)

    monkeypatch.setattr("dagster._core.storage.event_log.sqlite.sqlite_event_log.create_engine", counted)
    told, engines = {}, {}
    for is_kept in (True, False):
        folder = tmp_path / str(is_kept)
        folder.mkdir()
        made = 0
        told[is_kept] = logged(folder, is_kept=is_kept)
        engines[is_kept] = made
    assert told[True] == told[False]
    assert told[True][0].count("ASSET_CHECK_EVALUATION") == 4
    assert told[True][1] == [("not_null", "FAILED"), ("unique", "SUCCEEDED")]
    assert engines[True] < engines[False] / 3


def test_a_log_that_lies_elsewhere_stays_as_it_is():
    with dg.DagsterInstance.ephemeral() as instance:
        before = dict(vars(instance.event_log_storage))
        keep_engines(instance)
        assert vars(instance.event_log_storage) == before
