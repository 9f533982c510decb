"""A backtest told: tables for a terminal, JSON and CSV for whatever comes after.

Belongs here: wording and writing. Does not belong here: measuring (scoring/backtest.py) and reading (backtest.py).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadflow.scoring.backtest import CANDIDATE, IN_FORCE, TIERS, Backtest
from leadflow.scoring.backtest_calibration import Calibration
from leadflow.scoring.backtest_measures import SHARES, Estimate

if TYPE_CHECKING:
    from leadflow.cli.backtest import Outcome

_STYLES = {"better": "bold green", "worse": "bold red"}
_LISTED = 5
_WIDTH = 120


def show(outcome: Outcome, console: Console | None = None) -> None:
    """Print what a backtest found."""
    # Beside a terminal there is no width to keep to, and the tables are easier to read unfolded.
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    found, wanted = outcome.backtest, outcome.asked
    first, last = found.moments["as_of"][0], found.moments["as_of"][-1]
    console.print(
        f"{found.moments.height} moments every {found.every_days} days from {first} to {last} UTC: {found.leads:,} leads that "
        f"were known and open, {found.wins:,} of them won within {found.horizon_days} days after one of the moments.",
        soft_wrap=True,
    )
    for name, version, model in zip(
        (str(wanted.policy_file), "the policy in force"), outcome.versions, outcome.models, strict=True
    ):
        console.print(Text(f"  {name} ({version}), {model}"), soft_wrap=True)
    for note in outcome.notes:
        console.print(Text(f"  {note}", "yellow"), soft_wrap=True)
    console.print(_ranking(found))
    console.print(_by_moment(found))
    console.print(_calls(found))
    console.print(_moves(found))
    for sentence in _won(found):
        console.print(Text(sentence), soft_wrap=True)
    console.print(Text(found.sentence, _STYLES.get(found.verdict, "bold")), soft_wrap=True)


def write_files(outcome: Outcome, folder: Path) -> Iterator[Path]:
    """Write backtest.json, moments.csv, tier_moves.csv and movers.csv into a folder; their paths."""
    found = outcome.backtest
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "backtest.json"
    path.write_text(
        json.dumps(_plain(as_json(outcome)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    yield path
    frames = {"moments": found.moments, "tier_moves": found.moves, "movers": found.movers}
    for name, frame in frames.items():
        path = folder / f"{name}.csv"
        frame.write_csv(path)
        yield path


def as_json(outcome: Outcome) -> dict[str, Any]:
    """All that a backtest found but the leads that move tier, as plain values."""
    found, wanted = outcome.backtest, outcome.asked
    return {
        "policy": str(wanted.policy_file),
        "policy_version": outcome.versions[0],
        "policy_version_in_force": outcome.versions[1],
        "from": wanted.start,
        "to": wanted.end,
        "every_days": found.every_days,
        "horizon_days": found.horizon_days,
        "calls_per_week": found.calls_per_week,
        "model": {CANDIDATE: outcome.models[0], IN_FORCE: outcome.models[1]},
        "notes": outcome.notes,
        "leads": found.leads,
        "wins": found.wins,
        "verdict": found.verdict,
        "sentence": found.sentence,
        "ranking": None if found.ranking is None else asdict(found.ranking),
        "moments": found.moments.to_dicts(),
        "calibration": {
            side: None if told is None else {**asdict(told), "is_within": told.is_within}
            for side, told in found.calibration.items()
        },
        "calls": asdict(found.calls),
        "tier_moves": found.moves.to_dicts(),
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: moments as text, what is no number as null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _ranking(found: Backtest) -> Table:
    table = Table(title="How well it ranks (95 % intervals, by resampling leads)")
    for name in ("", "the policy", "in force", "difference"):
        table.add_column(name, justify="left" if not name else "right")
    compared = found.ranking
    if compared is not None:
        sides = (compared.candidate, compared.in_force, compared.difference)
        table.add_row("AUC within a moment", *_estimates([side.auc_within for side in sides]))
        table.add_row("AUC pooled over moments", *_estimates([side.auc_pooled for side in sides]))
        for share in SHARES:
            gains = [side.gains[share] for side in sides]
            table.add_row(f"wins in the top {share:.0%}", *_estimates(gains, percent=True))
            table.add_row(
                f"  lift at {share:.0%}", *(f"{gain.value / share:.2f}" for gain in gains[:2]),
                f"{gains[2].value / share:+.2f}",
            )  # fmt: skip
    calibrated = [_calibrated(found.calibration[side]) for side in (CANDIDATE, IN_FORCE)]
    table.add_row("calibration error (bound)", *calibrated, "")
    return table


def _calibrated(told: Calibration | None) -> str:
    if told is None:
        return "no model"
    word = "within" if told.is_within else "ALARM: beyond"
    return f"{told.error:.3f} ({word} {told.band_high:.3f})"


def _by_moment(found: Backtest) -> Table:
    table = Table(title="Moment by moment")
    for name in ("moment", "leads open", "won after", "AUC of the policy", "AUC in force"):
        table.add_column(name, justify="left" if name == "moment" else "right")
    for row in found.moments.iter_rows(named=True):
        aucs = (
            "-" if row[name] is None else f"{row[name]:.3f}" for name in ("auc_candidate", "auc_in_force")
        )
        table.add_row(f"{row['as_of']:%Y-%m-%d}", f"{row['leads']:,}", f"{row['wins']:,}", *aucs)
    return table


def _calls(found: Backtest) -> Table:
    whom = (
        "calls go to leads that become HOT"
        if found.calls_per_week is None
        else f"calls go to the best {found.calls_per_week} a week"
    )
    table = Table(title=f"Calls ({whom}; each lead once)")
    for name in ("", "the policy", "in force", "difference"):
        table.add_column(name, justify="left" if not name else "right")
    one, other = found.calls.candidate, found.calls.in_force
    table.add_row(
        "calls a week",
        f"{one.per_week:.1f}",
        f"{other.per_week:.1f}",
        f"{one.per_week - other.per_week:+.1f}",
    )
    table.add_row("wins found", f"{one.wins:,}", f"{other.wins:,}", f"{one.wins - other.wins:+,}")
    rates = [one.wins_per_call, other.wins_per_call, found.calls.wins_per_call]
    table.add_row("wins found per call", *_estimates(rates, percent=True))
    return table


def _moves(found: Backtest) -> Table:
    table = Table(
        title=f"Tiers at {found.moments['as_of'][-1]:%Y-%m-%d}: {found.movers.height:,} leads would move"
    )
    table.add_column("in force")
    for tier in TIERS:
        table.add_column(f"{tier} by the policy", justify="right")
    counts = {(row["tier_in_force"], row["tier_candidate"]): row["leads"] for row in found.moves.to_dicts()}
    for tier in TIERS:
        table.add_row(tier, *(f"{counts[tier, other]:,}" for other in TIERS))
    return table


def _won(found: Backtest) -> Iterator[str]:
    for word, leads in (("gained", found.calls.gained), ("lost", found.calls.lost)):
        more = f" and {len(leads) - _LISTED:,} more" if len(leads) > _LISTED else ""
        named = f": {', '.join(leads[:_LISTED])}{more}" if leads else ""
        yield f"Wins {word} by the policy's calls: {len(leads):,}{named}"


def _estimates(values: list[Estimate], *, percent: bool = False) -> list[str]:
    """Estimates in words, the last one, a difference, with its sign."""
    return [
        _estimate(value, percent=percent, sign="+" if at == len(values) - 1 else "")
        for at, value in enumerate(values)
    ]


def _estimate(value: Estimate, *, percent: bool, sign: str) -> str:
    if math.isnan(value.value):
        return "-"
    form = f"{sign}.1%" if percent else f"{sign}.3f"
    return f"{value.value:{form}} ({value.low:{form}} to {value.high:{form}})"
