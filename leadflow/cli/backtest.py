"""A backtest from the command line: past moments scored under two policies, held against what then happened.

Belongs here: choosing moments, reading and scoring them, keeping the outcome in files. Does not belong here: the measures
(scoring/backtest.py), features of a past moment (past.py), telling the outcome (backtest_told.py). The warehouse is not
changed, and no refresh changes it meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from leadflow.cli.past import Past, known_then, moments, open_past
from leadflow.errors import ConfigError, LeadflowError
from leadflow.policy import Policy, load_policy
from leadflow.quality.sql_text import literal
from leadflow.settings import Settings
from leadflow.warehouse.connection import query
from leadflow.warehouse.lock import refresh_lock
from leadflow.warehouse.refreshes import parse_as_of

if TYPE_CHECKING:
    import polars as pl

    from leadflow.scoring.backtest import Backtest
    from leadflow.scoring.model import Fallback, TrainedModel

TRAIN, NONE = "train", "none"
COMMAND = "leadflow backtest"
_EXAMPLES = "features.training_examples"
_UPSTREAM = (
    "contact_checks", "sensitive_words", "blocklist", "competitors", "release", "bots", "icp", "matching", "companies",
    "survivorship", "duplicates", "enrichment", "leakage",
)  # fmt: skip
"""Sections of a policy that decide what the facts are; a replay takes the facts as the last refresh left them."""


@dataclass(frozen=True)
class Asked:
    """What a person asks for.

    Attributes:
        policy_file: the policy that is tried.
        start, end: first and last moment, UTC without time zone.
        every_days: days from moment to moment.
        model: 'train' for one learned from what was known before the period, 'none', or a version.
        calls_per_week: calls go to so many of the best a week; None calls those who become HOT.
    """

    policy_file: Path
    start: datetime
    end: datetime
    every_days: int = 7
    model: str = TRAIN
    calls_per_week: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        asked: what was asked for.
        versions: versions of the candidate policy and the one in force.
        models: what either policy's model is, in words.
        notes: what was left out or is to be kept in mind, a sentence each.
        backtest: the measures.
    """

    asked: Asked
    versions: tuple[str, str]
    models: tuple[str, str]
    notes: list[str]
    backtest: Backtest


def asked(
    policy_file: Path, start: str, end: str, every_days: int, model: str, calls_per_week: int | None
) -> Asked:
    """The arguments of the command, read.

    Raises:
        ConfigError: a moment cannot be read, or the period ends before it begins.
    """
    begins, ends = parse_as_of(start, "--from"), parse_as_of(end, "--to")
    if begins > ends:
        raise ConfigError(f"--from {begins} is after --to {ends}", "give the earlier moment as --from")
    return Asked(policy_file, begins, ends, every_days, model, calls_per_week)


def run_backtest(settings: Settings, wanted: Asked, *, tell: Callable[[str], None]) -> Outcome:
    """Replay the period under both policies and measure them.

    Args:
        tell: is told where the warehouse has to be waited for.

    Raises:
        ConfigError: the policy cannot be read.
        LeadflowError: there is nothing to measure in the period, or the model has seen it.
        WarehouseLockedError: a refresh held the home for too long.
    """
    if not wanted.policy_file.exists():
        raise ConfigError(f"the policy {wanted.policy_file} does not exist", "name one that does as --policy")
    candidate = load_policy(wanted.policy_file)
    if not settings.warehouse_path.exists():
        raise LeadflowError(f"{settings.warehouse_path} does not exist", "run `leadflow run` first")
    with (
        refresh_lock(settings.lock_path, purpose=COMMAND, wait_seconds=settings.lock_wait_seconds),
        open_past(settings, COMMAND, tell=tell) as past,
    ):
        policies = (candidate, past.run.policy)
        notes = _notes(*policies)
        measured = _measured(past, wanted, policies, notes)
        models = _models(past, wanted, policies)
        rows, hot_before = _scored(past, wanted, policies, models, measured, notes)
        return Outcome(
            wanted,
            (candidate.version, past.run.policy.version),
            (_described(models[0]), _described(models[1])),
            notes,
            _measures(past, wanted, rows, hot_before),
        )


def _measures(past: Past, wanted: Asked, rows: pl.DataFrame, hot_before: dict[str, pl.Series]) -> Backtest:
    from leadflow.scoring.backtest import backtest

    training = past.run.policy.training
    return backtest(
        rows,
        hot_before,
        every_days=wanted.every_days,
        horizon_days=training.horizon_days,
        calls_per_week=wanted.calls_per_week,
        samples=training.bootstrap_samples,
        seed=training.seed,
    )


def _notes(candidate: Policy, in_force: Policy) -> list[str]:
    """What is to be said of the two policies beside each other.

    Raises:
        ConfigError: what counts as a win would be two things.
    """
    if candidate.training.horizon_days != in_force.training.horizon_days:
        raise ConfigError(
            f"training.horizon_days is {candidate.training.horizon_days} in the policy and {in_force.training.horizon_days} "
            "in the one in force, so that a win would be two things",
            "set both alike, refresh, and backtest the rest",
        )
    if candidate.version == in_force.version:
        return ["The policy is the one in force."]
    other = [name for name in _UPSTREAM if getattr(candidate, name) != getattr(in_force, name)]
    if not other:
        return []
    return [
        f"What the policy says of {', '.join(other)} decides what the facts are and shows only after a refresh: "
        "facts are taken as the last refresh left them."
    ]


def _measured(past: Past, wanted: Asked, policies: Sequence[Policy], notes: list[str]) -> list[datetime]:
    """The moments whose horizon has passed.

    Raises:
        LeadflowError: there is none.
    """
    horizon = timedelta(days=policies[0].training.horizon_days)
    every = moments(wanted.start, wanted.end, wanted.every_days)
    last = past.refresh.as_of - horizon
    measured = [moment for moment in every if moment <= last]
    if not measured:
        raise LeadflowError(
            f"nothing of the period from {wanted.start} can be judged yet: a lead may still be won within {horizon.days} days, "
            f"and the last refresh looked from {past.refresh.as_of} UTC",
            f"take moments until {last} UTC",
        )
    if len(measured) < len(every):
        notes.append(
            f"{len(every) - len(measured)} of {len(every)} moments are left out: their {horizon.days} days had not passed at the "
            f"last refresh, {past.refresh.as_of} UTC."
        )
    return measured


def _models(past: Past, wanted: Asked, policies: Sequence[Policy]) -> list[TrainedModel | Fallback]:
    from leadflow.scoring.backtest_learning import refuse_seen, trained_before
    from leadflow.scoring.in_force import stored_model
    from leadflow.scoring.model import Fallback

    horizon_days = policies[0].training.horizon_days
    if wanted.model == NONE:
        return [Fallback("--model none") for _ in policies]
    if wanted.model != TRAIN:
        model = stored_model(past.run.settings.models_dir, wanted.model)
        refuse_seen(model, wanted.start)
        return [model for _ in policies]
    settled = f"from {_EXAMPLES} where not is_censored and as_of + to_days({horizon_days}) <= {literal(wanted.start)}"
    examples = query(past.connection, f"select * {settled} order by lead_id, as_of")
    blocked = query(
        past.connection,
        "select distinct feature from features.leakage_report where is_kept_from_models order by 1",
    )
    return trained_before(
        examples,
        past.activity(f"select lead_id, as_of {settled}", policies),
        policies,
        past.run.contracts["features.lead_features"].feature_roles,
        past.declared,
        blocked["feature"].to_list(),
    )


def _scored(
    past: Past,
    wanted: Asked,
    policies: Sequence[Policy],
    models: Sequence[TrainedModel | Fallback],
    measured: Sequence[datetime],
    notes: list[str],
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Every lead that was known and open at each moment, scored by either side, and who was HOT one step before."""
    import polars as pl

    from leadflow.scoring.backtest import ROWS_SCHEMA, SIDES

    before = measured[0] - timedelta(days=wanted.every_days)
    frames = []
    hot_before: dict[str, pl.Series] = {}
    unknown = 0
    columns = (TextColumn("{task.description:<42}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task("backtest", total=len(measured) + 1)
        for moment in (before, *measured):
            progress.update(task, description=f"{moment:%Y-%m-%d %H:%M}")
            rows, missing = _moment(past, moment, policies, models)
            if moment == before:
                hot_before = {side: rows.filter(pl.col(f"tier_{side}") == "HOT")["lead_id"] for side in SIDES}
            else:
                frames.append(rows)
                unknown += missing
            progress.advance(task)
    together = pl.concat(frames).select(ROWS_SCHEMA.names()).cast(ROWS_SCHEMA)
    if together.is_empty():
        raise LeadflowError(
            f"no lead was known and open at any moment from {measured[0]} to {measured[-1]} UTC",
            "take a later period",
        )
    if unknown:
        notes.append(
            f"{unknown:,} leads of a moment are left out: their records were changed since, and what they said then cannot be told."
        )
    return together, hot_before


def _moment(
    past: Past, as_of: datetime, policies: Sequence[Policy], models: Sequence[TrainedModel | Fallback]
) -> tuple[pl.DataFrame, int]:
    """ROWS_SCHEMA of one moment, and how many leads that were known have no features there."""
    import polars as pl

    from leadflow.scoring.backtest import SIDES
    from leadflow.scoring.model import TrainedModel
    from leadflow.scoring.replay import scores_at

    horizon_days = policies[0].training.horizon_days
    until = literal(as_of + timedelta(days=horizon_days))
    leads = query(
        past.connection,
        f"select known.lead_id, coalesce(outcomes.first_won_at <= {until}, false) as won from ({known_then(as_of)}) "
        "as known left join features.lead_outcomes as outcomes using (lead_id) "
        f"where outcomes.first_closed_at is null or outcomes.first_closed_at > {literal(as_of)} order by lead_id",
    )
    parts = []
    for features, activity in past.features_in_parts(as_of, leads, policies):
        part = features.select("lead_id")
        for side, policy, model in zip(SIDES, policies, models, strict=True):
            used = model if isinstance(model, TrainedModel) else None
            scores = scores_at(features, policy, used, past.declared, activity)
            part = part.join(
                scores.select(
                    "lead_id",
                    pl.col("score").alias(f"score_{side}"),
                    pl.col("tier").alias(f"tier_{side}"),
                    pl.col("ml_probability").alias(f"probability_{side}"),
                ),
                on="lead_id",
            )
        parts.append(part)
    rows = (
        pl.concat(parts).join(leads, on="lead_id").with_columns(as_of=pl.lit(as_of).cast(pl.Datetime("us")))
    )
    return rows, leads.height - rows.height


def _described(model: TrainedModel | Fallback) -> str:
    from leadflow.scoring.model import TrainedModel

    if isinstance(model, TrainedModel):
        return f"model {model.version}, learned from {model.examples:,} examples of {model.leads:,} leads, {model.wins:,} won"
    return f"rules alone: {model.reason}"
