"""When leadflow runs by itself: the refresh job, its hourly schedule, and what a tick does during a refresh.

Belongs here: jobs and schedules. Does not belong here: assets (each stage's assets.py) and what they are made of.
"""

from datetime import UTC
from typing import Any

import dagster as dg

from leadflow.settings import Settings
from leadflow.warehouse.lock import holder

REFRESH_JOB = "refresh"
RETRAIN_JOB = "retrain"


def build_refresh_job() -> Any:
    """One refresh: every asset and every check, one after the other in one process."""
    return dg.define_asset_job(
        REFRESH_JOB,
        selection=dg.AssetSelection.all(),
        description="One refresh: sources land, every stage is made and checked, the mart is published.",
        executor_def=dg.in_process_executor,
    )


def refresh_config(*, as_of: str = "", as_of_from: str = "given", is_full: bool = False) -> dict[str, Any]:
    """Run configuration of a refresh."""
    return {
        "ops": {"raw__refreshes": {"config": {"as_of": as_of, "as_of_from": as_of_from}}},
        "resources": {"run": {"config": {"is_full": is_full}}},
    }


def build_retrain_job() -> Any:
    """A challenger is trained on the examples of the last refresh; what hangs on the model is made and published anew."""
    return dg.define_asset_job(
        RETRAIN_JOB,
        selection=dg.AssetSelection.assets("scoring/trainings").required_multi_asset_neighbors().downstream(),
        description="A challenger of the model in use is trained and takes over unless it is worse beyond noise on the newest "
        "leads; scores, KPIs and the mart follow.",
        executor_def=dg.in_process_executor,
        config=retrain_config(),
    )


def retrain_config() -> dict[str, Any]:
    """Run configuration of a training."""
    return {"resources": {"run": {"config": {"is_full": False, "is_retraining": True}}}}


def _while_running(settings: Settings) -> dg.SkipReason | None:
    """Why a tick is skipped: a run is going on in the home; None where there is none."""
    settings.ensure_home()
    running = holder(settings.lock_path)
    return None if running is None else dg.SkipReason(f"{running} is still running on {settings.home}")


def build_retrain_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """The first night of each quarter, off until it is switched on; skipped, with the reason, while a refresh runs."""

    @dg.schedule(
        name="quarterly_retrain",
        job=job,
        cron_schedule="30 2 1 1,4,7,10 *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="A challenger every quarter, on the examples of the last refresh.",
    )
    def quarterly_retrain(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _while_running(settings) or dg.RunRequest(
            run_key=context.scheduled_execution_time.isoformat(), run_config=retrain_config()
        )

    return quarterly_retrain


def build_hourly_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """The hourly refresh, off until it is switched on.

    A tick that finds a refresh running is skipped, with the reason: the next tick will see the same facts and more.
    """

    @dg.schedule(
        name="hourly_refresh",
        job=job,
        cron_schedule="0 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="A refresh every hour on the hour, as of the hour.",
    )
    def hourly_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        tick = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None)
        return _while_running(settings) or dg.RunRequest(
            run_key=tick.isoformat(), run_config=refresh_config(as_of=tick.isoformat(), as_of_from="schedule")
        )

    return hourly_refresh
