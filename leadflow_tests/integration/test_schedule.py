"""When leadflow runs by itself: off until switched on, as of the tick, and never two at once."""

from datetime import UTC, datetime, timedelta, timezone

import dagster as dg
import pytest
from homes import REFRESHES

from leadflow.definitions import build_defs
from leadflow.warehouse.lock import refresh_lock

TICK = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    """A home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def defs(home) -> dg.Definitions:
    """Its definitions."""
    return build_defs(home=home)


def tick(defs: dg.Definitions, at: datetime = TICK):
    """What the schedule does at a tick."""
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
        )
        return defs.resolve_schedule_def("hourly_refresh").evaluate_tick(context)


def test_the_schedule_is_hourly_and_off_until_switched_on(defs):
    schedule = defs.resolve_schedule_def("hourly_refresh")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "0 * * * *"
    assert schedule.execution_timezone == "UTC"
    assert schedule.job_name == "refresh"


@pytest.mark.parametrize("at", [TICK, TICK.astimezone(timezone(timedelta(hours=8)))], ids=["utc", "shanghai"])
def test_a_tick_asks_for_a_refresh_as_of_the_tick(defs, at):
    (request,) = tick(defs, at).run_requests
    assert request.run_key == "2026-03-01T14:00:00"
    assert request.run_config["ops"]["raw__refreshes"]["config"] == {
        "as_of": "2026-03-01T14:00:00",
        "as_of_from": "schedule",
    }


def test_the_same_tick_has_the_same_run_key(defs):
    keys = {tick(defs).run_requests[0].run_key for _ in range(2)}
    assert len(keys) == 1
    later = tick(defs, TICK + timedelta(hours=1)).run_requests[0]
    assert later.run_key not in keys


def test_a_tick_during_a_refresh_is_skipped_and_says_who_runs(defs, home):
    with refresh_lock(home / "refresh.lock", purpose="run 4711", wait_seconds=0):
        skipped = tick(defs)
    assert not skipped.run_requests
    assert "run 4711" in skipped.skip_message
    assert str(home) in skipped.skip_message
    assert tick(defs).run_requests


def test_the_requested_run_config_is_one_the_job_takes(defs):
    (request,) = tick(defs).run_requests
    job = defs.resolve_job_def("refresh")
    assert dg.validate_run_config(job, request.run_config)


def test_a_refresh_by_the_schedule_is_recorded_as_such(shared_home, tmp_path):
    home = shared_home.copy_to(tmp_path / "copy")
    defs = home.defs()
    (request,) = tick(defs, datetime(2026, 6, 1, 8, 0, tzinfo=UTC)).run_requests
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config=request.run_config, instance=instance, asset_selection=[REFRESHES]
        )
    assert result.success
    newest = "select as_of, as_of_from from raw.refreshes order by refresh_id desc limit 1"
    assert home.rows(newest) == [(datetime(2026, 6, 1, 8, 0), "schedule")]  # noqa: DTZ001 - instants are naive UTC
