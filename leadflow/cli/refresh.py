"""One refresh from the command line: the same job as in the UI, with a progress bar and a summary.

Belongs here: running the job in this process and telling a person what came of it. Does not belong here: what the
job consists of (definitions.py).
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from leadflow.cli.event_log import keep_engines
from leadflow.cli.told_leaks import blocked_features
from leadflow.errors import LeadflowError
from leadflow.settings import ENV_PREFIX, Settings

if TYPE_CHECKING:
    import dagster as dg

    from leadflow.ingest.sources import SourceFiles
    from leadflow.quality.contracts import Contracts

_STARTED = time.perf_counter()
_TOP_RULES = 3


@dataclass
class Outcome:
    """What a run did, gathered from its events.

    Attributes:
        steps: seconds by step that succeeded.
        failures: one sentence by step that failed.
        failed_checks: message by 'table check' of every failed check, with its severity.
        checks: number of checks that were evaluated.
        quarantined_rows: rows that stand aside, added up over the tests that they fail.
        run_failure: one sentence where the run failed as a whole.
    """

    steps: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    failed_checks: dict[str, tuple[str, str]] = field(default_factory=dict)
    checks: int = 0
    quarantined_rows: int = 0
    run_failure: str | None = None

    def note(self, event: dg.DagsterEvent) -> None:
        """Take in one event."""
        if event.is_step_success:
            self.steps[event.step_key or ""] = event.step_success_data.duration_ms / 1000
        elif event.is_step_failure:
            self.failures[event.step_key or ""] = _sentence(event)
        elif event.is_failure:  # of the run as a whole, such as a lock that was not to be had
            self.run_failure = _run_sentence(event)
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            self.checks += 1
            aside = evaluation.metadata.get("quarantined_rows")
            self.quarantined_rows += int(str(aside.value)) if aside is not None else 0
            if not evaluation.passed:
                name = f"{'.'.join(evaluation.asset_key.path)} {evaluation.check_name}"
                self.failed_checks[name] = (evaluation.severity.value.lower(), evaluation.description or "")


def prepare_instance(settings: Settings) -> None:
    """Make the home and its Dagster instance, one process at a time: first starts at once would trip over each other."""
    import dagster as dg
    from filelock import FileLock

    settings.ensure_home()
    with FileLock(settings.home / "instance.lock"):
        target = settings.dagster_home / "dagster.yaml"
        if not target.exists():
            shutil.copyfile(settings.project_dir / "dagster.yaml", target)
        os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
        with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
            instance.get_runs_count()


def refresh(settings: Settings, *, as_of: str = "", is_full: bool = False) -> None:
    """Run one refresh and print its summary.

    Raises:
        LeadflowError: anything was not done; the mart published before stays.
    """
    from leadflow.automation import REFRESH_JOB, refresh_config

    _run_job(settings, REFRESH_JOB, refresh_config(as_of=as_of, is_full=is_full), as_of)


def retrain(settings: Settings) -> None:
    """Train a challenger on the last refresh's examples, make and publish what hangs on it, and tell what came of it.

    Raises:
        LeadflowError: there was no refresh yet, or anything was not done; the mart published before stays.
    """
    from leadflow.automation import RETRAIN_JOB, retrain_config
    from leadflow.warehouse.connection import Warehouse

    if not settings.warehouse_path.exists():
        raise LeadflowError(f"{settings.home} has nothing to learn from yet", "run `leadflow run` first")
    _run_job(settings, RETRAIN_JOB, retrain_config())
    last = Warehouse.from_settings(settings).read(
        "select outcome, reason from scoring.trainings order by training desc limit 1"
    )
    for outcome, reason in last.iter_rows():
        Console(highlight=False).print(f"Training: {outcome}: {reason}", soft_wrap=True, markup=False)


def _run_job(settings: Settings, name: str, config: dict[str, Any], as_of: str = "") -> None:
    console = Console(highlight=False)
    job, contracts, import_seconds = _load(settings, name, as_of)
    prepare_instance(settings)
    outcome, job_seconds = _execute(settings, job, config, console)
    _report(settings, contracts, outcome, import_seconds, job_seconds, console)


def _load(settings: Settings, name: str, as_of: str) -> tuple[dg.JobDefinition, Contracts, float]:
    """The job, the contracts, and how long all imports took; what the steps import is imported here, so that it is told apart."""
    from leadflow.definitions import build_defs
    from leadflow.ingest.assets import sources_of
    from leadflow.quality.checking.expectations import import_great_expectations
    from leadflow.quality.contracts import load_contracts
    from leadflow.warehouse.conditions import refuse_wrong_conditions
    from leadflow.warehouse.refreshes import parse_as_of
    from leadflow.warehouse.stage_run import load_home_policy

    # What is wrong in a file is said before a refresh is opened, which would make every table one of an older refresh.
    if as_of:
        parse_as_of(as_of)
    contracts = load_contracts(settings.sql_dir)
    load_home_policy(settings, contracts)
    sources_of(settings, contracts)
    refuse_wrong_conditions(contracts)
    job = build_defs(**settings.model_dump()).resolve_job_def(name)
    import_great_expectations()
    import polars  # noqa: F401
    import sklearn.linear_model
    import sklearn.preprocessing  # noqa: F401

    return job, contracts, time.perf_counter() - _STARTED


def _execute(
    settings: Settings, job: dg.JobDefinition, config: dict[str, Any], console: Console
) -> tuple[Outcome, float]:
    import dagster as dg

    outcome = Outcome()
    steps = len(job.graph.node_dict)
    run_id = str(uuid.uuid4())
    columns = (TextColumn("{task.description:<42}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    started = time.perf_counter()
    with (
        dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance,
        Progress(*columns, console=console, disable=not sys.stdout.isatty()) as progress,
    ):
        keep_engines(instance)
        task = progress.add_task(job.name, total=steps)

        def listen(entry: Any) -> None:
            event = entry.dagster_event
            if event is None:
                return
            outcome.note(event)
            if event.event_type_value == "STEP_START":
                progress.update(task, description=str(event.step_key).replace("__", "."))
            if event.is_step_success or event.is_step_failure or event.event_type_value == "STEP_SKIPPED":
                progress.advance(task)

        instance.add_event_listener(run_id, listen)
        config = dict(config)
        config["loggers"] = {"console": {"config": {"log_level": "CRITICAL"}}}
        try:
            result = job.execute_in_process(
                run_config=config, instance=instance, run_id=run_id, raise_on_error=False
            )
        except dg.DagsterError as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, LeadflowError):
                raise cause from None
            raise
    if not result.success and not outcome.failures:
        raise LeadflowError(
            "the refresh did not run", outcome.run_failure or "see the run in `leadflow dev` for why"
        )
    return outcome, time.perf_counter() - started


def _report(
    settings: Settings,
    contracts: Contracts,
    outcome: Outcome,
    import_seconds: float,
    job_seconds: float,
    console: Console,
) -> None:
    for name, (severity, message) in sorted(outcome.failed_checks.items()):
        console.print(
            # A message may quote a regular expression, which rich would take for its markup.
            Text.assemble(
                (f"{severity:>5}", "red" if severity == "error" else "yellow"), f" {name}: {message}"
            ),
            soft_wrap=True,
        )
    if any(name.startswith("features.leakage_report ") for name in outcome.failed_checks):
        for sentence in blocked_features(settings):
            console.print(Text(sentence, "bold yellow"), soft_wrap=True)
    work = sum(outcome.steps.values())
    warned = sum(severity == "warn" for severity, _ in outcome.failed_checks.values())
    told = f", {warned} warned" if warned else ""
    if outcome.quarantined_rows:
        told += f", {_rows(outcome.quarantined_rows)} quarantined"
    console.print(
        f"{len(outcome.steps)} steps, {outcome.checks} checks, {len(outcome.failed_checks) - warned} of them failed{told}. "
        f"Imports {import_seconds:.1f} s, Dagster {max(job_seconds - work, 0):.1f} s, work {work:.1f} s "
        f"(of it checks {_seconds(outcome, 'check_'):.1f} s).",
        soft_wrap=True,
    )
    if outcome.failures:
        blocking = [name for name, (severity, _) in outcome.failed_checks.items() if severity == "error"]
        reasons = [text for step, text in outcome.failures.items() if not step.startswith("check_")]
        if blocking:
            reasons.insert(0, f"{blocking[0]} failed ({outcome.failed_checks[blocking[0]][1]})")
        if not reasons:
            reasons = list(outcome.failures.values())
        reasons = list(dict.fromkeys(reasons))
        kept = (
            f"{settings.marts_path} stays as it was"
            if settings.marts_path.exists()
            else "nothing was published"
        )
        raise LeadflowError(
            f"the refresh did not finish: {'; '.join(reason.rstrip('.') for reason in reasons)}",
            f"{kept}; `leadflow quality` and {settings.quality_report_path} show what every check found, "
            "`leadflow dev` each step",
        )
    _print_tiers(settings, contracts, console)


def _left_null(contracts: Contracts, files: SourceFiles) -> str:
    """How many optional columns no source fills, by raw table."""
    from leadflow.ingest.assets import raw_tables
    from leadflow.ingest.land import columns_left_null

    counts = {table: len(columns_left_null(contracts, files, table)) for table in raw_tables(contracts)}
    return ", ".join(f"{count} of {table}" for table, count in counts.items() if count)


def _leads_missing(settings: Settings, files: SourceFiles) -> Iterator[str]:
    """Why leads are missing: no source gives any, or cleaning rejected them; a sentence each."""
    from leadflow.ingest.sources import no_leads
    from leadflow.warehouse.connection import Warehouse

    told = no_leads(files)
    if told is not None:
        yield f"{told[0].upper()}{told[1:]}."
    with Warehouse.from_settings(settings).connect(read_only=True) as connection:
        kept = connection.execute("select count(*) from clean.clean_leads").fetchall()[0][0]
        rules = connection.execute(
            "select rule, split_part(reason, ' Found as well: ', 1) as reason, count(*) as records "
            "from clean.rejected_leads group by all order by records desc, rule, reason"
        ).fetchall()
    if rejected := sum(count for _, _, count in rules):
        top = "; ".join(
            f"{count:,} x {rule} ({str(reason).rstrip('.')})" for rule, reason, count in rules[:_TOP_RULES]
        )
        more = f" and {len(rules) - _TOP_RULES} more reasons" if len(rules) > _TOP_RULES else ""
        share = f"{rejected:,} of {kept + rejected:,}" if kept else f"No lead is scored: all {rejected:,}"
        yield f"{share} lead records were rejected by cleaning: {top}{more}. Look at clean.rejected_leads in {settings.warehouse_path}."


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _seconds(outcome: Outcome, prefix: str) -> float:
    return sum(seconds for step, seconds in outcome.steps.items() if step.startswith(prefix))


def _print_tiers(settings: Settings, contracts: Contracts, console: Console) -> None:
    """What was published, read from the mart as a BI tool would."""
    from leadflow.ingest.assets import sources_of
    from leadflow.warehouse.connection import Warehouse

    with Warehouse(settings.marts_path).connect(read_only=True) as mart:
        tiers = mart.execute(
            "select tier, count(*), avg(score) from scored_leads group by tier order by avg(score) desc"
        ).fetchall()
        as_of, version = mart.execute("select as_of, model_version from published").fetchall()[0]
        status, reason = mart.execute("select status, status_reason from model_card").fetchall()[0]
    for tier, count, score in tiers:
        console.print(f"  {tier:<5} {count:>9,} leads, mean score {score:.1f}")
    console.print(
        f"As of {as_of} UTC. Scored by {'rules and model ' + version if status == 'model' else 'rules alone'}: {reason}.",
        soft_wrap=True,
    )
    files = sources_of(settings, contracts)
    for warning in _leads_missing(settings, files):
        console.print(Text(warning, "bold yellow"), soft_wrap=True)
    if absent := _left_null(contracts, files):
        console.print(
            f"Columns that no source fills, and are null: {absent}; `leadflow doctor` names them.",
            soft_wrap=True,
        )
    console.print(f"Mart: {settings.marts_path}", soft_wrap=True)
    console.print(f"Page: {settings.quality_report_path} (what every check found)", soft_wrap=True)
    console.print(f"UI:   {_command(settings)} dev", soft_wrap=True)


def _command(settings: Settings) -> str:
    """How this very leadflow is called from where the person stands, on the same home."""
    program = "leadflow" if shutil.which("leadflow") else sys.argv[0]
    return f"{ENV_PREFIX}HOME={settings.home} {program}" if f"{ENV_PREFIX}HOME" in os.environ else program


def _run_sentence(event: dg.DagsterEvent) -> str:
    """Why a run failed as a whole: the innermost cause, which is leadflow's own sentence where it has one."""
    error = event.job_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip().split(": ", 1)[-1].rstrip(".") if error is not None else "no reason is given"


def _sentence(event: dg.DagsterEvent) -> str:
    """Why a step failed, in one sentence where leadflow gave one."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    if data.error is None:
        return f"{event.step_key} failed"
    error = data.error.cause or data.error
    return f"{event.step_key}: {error.message.strip().splitlines()[0]}"
