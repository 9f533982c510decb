"""Whom sales would have called in a past period under a policy, and how many of them then won.

Belongs here: choosing calls, and comparing two choices. Does not belong here: how scores rank (backtest_measures.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from leadflow.scoring.backtest_measures import Estimate, Floats, interval, wilson

CALLS_SCHEMA = pl.Schema([("lead_id", pl.String), ("as_of", pl.Datetime("us")), ("won", pl.Boolean)])
_DAYS_OF_WEEK = 7


@dataclass(frozen=True)
class Calls:
    """The calls of one policy over the period; a lead is called once.

    Attributes:
        calls: leads called.
        per_week: calls a week, on average.
        wins: leads called that were won within the horizon after the call.
        wins_per_call: their share of the calls.
    """

    calls: int
    per_week: float
    wins: int
    wins_per_call: Estimate


@dataclass(frozen=True)
class ComparedCalls:
    """The calls of two policies.

    Attributes:
        wins_per_call: of the candidate less that in force, by resampling leads.
        gained, lost: won leads that only the candidate called, and that only the policy in force did.
    """

    candidate: Calls
    in_force: Calls
    wins_per_call: Estimate
    gained: list[str]
    lost: list[str]


def calls_to_hot(rows: pl.DataFrame, hot_before: pl.Series) -> pl.DataFrame:
    """A call to each lead at the first moment at which it is HOT: CALLS_SCHEMA, by as_of and lead_id.

    Args:
        rows: lead_id, as_of, tier, won.
        hot_before: lead_id of those that were HOT when the period began, and were called before it.
    """
    hot = rows.filter((pl.col("tier") == "HOT") & ~pl.col("lead_id").is_in(hot_before.implode()))
    first = hot.sort("as_of").unique("lead_id", keep="first", maintain_order=True)
    return first.select(CALLS_SCHEMA.names()).sort("as_of", "lead_id").cast(CALLS_SCHEMA)


def calls_to_best(rows: pl.DataFrame, per_moment: int) -> pl.DataFrame:
    """At each moment a call to the best-scored leads that were not called before: CALLS_SCHEMA, by as_of and lead_id.

    Args:
        rows: lead_id, as_of, score, won; of equal scores the smaller lead_id goes first.
    """
    chosen = [CALLS_SCHEMA.to_frame()]
    called = pl.Series("lead_id", [], dtype=pl.String)
    for (_,), moment in rows.sort("as_of").group_by("as_of", maintain_order=True):
        best = (
            moment.filter(~pl.col("lead_id").is_in(called.implode()))
            .sort("score", "lead_id", descending=[True, False])
            .head(per_moment)
        )
        called = pl.concat([called, best["lead_id"]])
        chosen.append(best.select(CALLS_SCHEMA.names()).cast(CALLS_SCHEMA))
    return pl.concat(chosen).sort("as_of", "lead_id")


def compare_calls(
    candidate: pl.DataFrame, in_force: pl.DataFrame, period: timedelta, *, samples: int, seed: int
) -> ComparedCalls:
    """Two policies' calls beside each other.

    Args:
        candidate, in_force: CALLS_SCHEMA.
        period: that the calls were made in.
    """
    won = [set(calls.filter("won")["lead_id"]) for calls in (candidate, in_force)]
    leads = pl.concat([candidate["lead_id"], in_force["lead_id"]]).unique().sort()
    counts = np.column_stack([*_of_leads(candidate, leads), *_of_leads(in_force, leads)])
    generator = np.random.default_rng(seed)
    differences = np.full(samples + 1, np.nan)
    for sample in range(samples + 1 if len(leads) else 0):
        drawn = slice(None) if sample == 0 else generator.integers(0, len(leads), len(leads))
        calls, wins, other_calls, other_wins = counts[drawn].sum(axis=0)
        if calls and other_calls:
            differences[sample] = wins / calls - other_wins / other_calls
    return ComparedCalls(
        _told(candidate, period),
        _told(in_force, period),
        interval(differences),
        gained=sorted(won[0] - won[1]),
        lost=sorted(won[1] - won[0]),
    )


def _of_leads(calls: pl.DataFrame, leads: pl.Series) -> tuple[Floats, Floats]:
    """1 for each lead that was called, and for each that was called and won."""
    won = leads.to_frame().join(
        calls.select("lead_id", "won"), on="lead_id", how="left", maintain_order="left"
    )["won"]
    is_won = won.fill_null(value=False)
    return won.is_not_null().cast(pl.Float64).to_numpy(), is_won.cast(pl.Float64).to_numpy()


def _told(calls: pl.DataFrame, period: timedelta) -> Calls:
    wins = int(calls["won"].sum())
    weeks = max(period / timedelta(days=_DAYS_OF_WEEK), 1e-9)
    return Calls(calls.height, calls.height / weeks, wins, wilson(wins, calls.height))
