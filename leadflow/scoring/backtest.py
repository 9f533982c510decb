"""A policy and its model held against those in force over a past period, by what then happened.

Belongs here: putting the measures of scored past moments together, and the verdict. Does not belong here: single measures
(backtest_measures.py, backtest_calibration.py, backtest_calls.py), reading and scoring the moments (the command backtest).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np
import polars as pl

from leadflow.scoring.backtest_calibration import Calibration, calibration
from leadflow.scoring.backtest_calls import ComparedCalls, calls_to_best, calls_to_hot, compare_calls
from leadflow.scoring.backtest_measures import (
    Codes,
    Comparison,
    Estimate,
    Floats,
    Labels,
    auc_by_moment,
    compare,
)

TIERS = ("HOT", "WARM", "COLD")
CANDIDATE, IN_FORCE = "candidate", "in_force"
SIDES = (CANDIDATE, IN_FORCE)
"""The policy that is tried, and the one in force: endings of the columns score_, tier_ and probability_."""

ROWS_SCHEMA = pl.Schema(
    [
        ("lead_id", pl.String),
        ("as_of", pl.Datetime("us")),
        ("won", pl.Boolean),
        *(
            (f"{name}_{side}", dtype)
            for side in SIDES
            for name, dtype in (("score", pl.Float64), ("tier", pl.String), ("probability", pl.Float64))
        ),
    ]
)
MOMENTS_SCHEMA = pl.Schema(
    [
        ("as_of", pl.Datetime("us")),
        ("leads", pl.Int64),
        ("wins", pl.Int64),
        ("auc_candidate", pl.Float64),
        ("auc_in_force", pl.Float64),
    ]
)

Verdict = Literal["better", "worse", "no difference", "cannot be told"]


@dataclass(frozen=True)
class Backtest:
    """What a backtest found.

    Attributes:
        every_days, horizon_days: days from moment to moment, and within which a win counts.
        leads, wins: leads that were measured, and those of them that were won after one of their moments.
        ranking: how either ranked, and the difference; None where nothing was won, or everything.
        moments: MOMENTS_SCHEMA, one row per moment; AUC null where it cannot be told.
        calibration: by side; None where it scores by rules alone.
        calls: whom either would have had called.
        moves: tier_in_force, tier_candidate, leads at the last moment; every pair of tiers.
        movers: leads whose tier is another at the last moment: lead_id, as_of, tiers, scores, won.
        verdict, sentence: what to make of the difference within a moment.
    """

    every_days: int
    horizon_days: int
    leads: int
    wins: int
    ranking: Comparison | None
    moments: pl.DataFrame
    calibration: dict[str, Calibration | None]
    calls: ComparedCalls
    calls_per_week: int | None
    moves: pl.DataFrame
    movers: pl.DataFrame
    verdict: Verdict
    sentence: str


def backtest(
    rows: pl.DataFrame,
    hot_before: dict[str, pl.Series],
    *,
    every_days: int,
    horizon_days: int,
    calls_per_week: int | None,
    samples: int,
    seed: int,
) -> Backtest:
    """Hold two policies against each other on leads that were open at past moments.

    The verdict goes by pairs of leads of one moment: a team chooses among the leads of today, and leads of different
    moments are told apart by what tells the moments apart.

    Args:
        rows: ROWS_SCHEMA, one per lead and moment; a lead comes at every moment at which it was known and open.
        hot_before: by side the lead_id of those that were HOT one step before the first moment.
        calls_per_week: calls go to so many of the best a week; to those who become HOT where it is None.
        samples: resamples of leads for intervals.
    """
    rows = rows.sort("as_of", "lead_id")
    leads = rows["lead_id"].rank("dense").cast(pl.Int64).to_numpy().astype(np.intp) - 1
    moments = rows["as_of"].rank("dense").cast(pl.Int64).to_numpy().astype(np.intp) - 1
    won = rows["won"].to_numpy().astype(bool)
    scores = [rows[f"score_{side}"].to_numpy() for side in SIDES]
    ranking = None
    if won.any() and not won.all():
        ranking = compare(scores[0], scores[1], won, moments, leads, samples=samples, seed=seed)
    calls = [
        _calls(rows, side, hot_before.get(side), every_days=every_days, calls_per_week=calls_per_week)
        for side in SIDES
    ]
    moves, movers = _moves(rows)
    verdict, sentence = judge(None if ranking is None else ranking.difference.auc_within, horizon_days)
    period = timedelta(days=every_days) * rows["as_of"].n_unique()
    return Backtest(
        every_days=every_days,
        horizon_days=horizon_days,
        leads=rows["lead_id"].n_unique(),
        wins=rows.filter("won")["lead_id"].n_unique(),
        ranking=ranking,
        moments=_by_moment(rows, scores, won, moments),
        calibration={side: _calibration(rows, side, won, leads, seed) for side in SIDES},
        calls=compare_calls(calls[0], calls[1], period, samples=samples, seed=seed),
        calls_per_week=calls_per_week,
        moves=moves,
        movers=movers,
        verdict=verdict,
        sentence=sentence,
    )


def judge(difference: Estimate | None, horizon_days: int) -> tuple[Verdict, str]:
    """What a difference of AUC within a moment means, as a word and as a sentence."""
    if difference is None or math.isnan(difference.value) or math.isnan(difference.low):
        return "cannot be told", (
            "Nothing can be told: at no moment were there leads that were won within "
            f"{horizon_days} days beside leads that were not."
        )
    told = f"95 % interval {difference.low:+.3f} to {difference.high:+.3f}"
    if difference.low > 0:
        return "better", (
            f"The policy ranks better than the one in force: its AUC within a moment is {difference.value:.3f} higher, {told}."
        )
    if difference.high < 0:
        return "worse", (
            f"The policy ranks worse than the one in force: its AUC within a moment is {-difference.value:.3f} lower, {told}."
        )
    return "no difference", (
        f"No difference beyond noise: the AUC within a moment differs by {difference.value:+.3f}, {told}."
    )


def _calls(
    rows: pl.DataFrame,
    side: str,
    hot_before: pl.Series | None,
    *,
    every_days: int,
    calls_per_week: int | None,
) -> pl.DataFrame:
    of_side = rows.select("lead_id", "as_of", "won", score=f"score_{side}", tier=f"tier_{side}")
    if calls_per_week is not None:
        return calls_to_best(of_side, max(1, round(calls_per_week * every_days / 7)))
    return calls_to_hot(of_side, pl.Series(dtype=pl.String) if hot_before is None else hot_before)


def _by_moment(
    rows: pl.DataFrame,
    scores: Sequence[Floats],
    won: Labels,
    moments: Codes,
) -> pl.DataFrame:
    told = rows.group_by("as_of").agg(leads=pl.len(), wins=pl.col("won").sum()).sort("as_of")
    aucs = {
        f"auc_{side}": pl.Series(auc_by_moment(values, won, moments), dtype=pl.Float64).fill_nan(None)
        for side, values in zip(SIDES, scores, strict=True)
    }
    return told.with_columns(**aucs).cast(MOMENTS_SCHEMA)


def _calibration(
    rows: pl.DataFrame,
    side: str,
    won: Labels,
    leads: Codes,
    seed: int,
) -> Calibration | None:
    probabilities = rows[f"probability_{side}"]
    if not len(probabilities) or probabilities.null_count():
        return None
    return calibration(probabilities.to_numpy(), won, leads, seed)


def _moves(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leads by both tiers at the last moment, and those whose tiers differ."""
    last = rows.filter(pl.col("as_of") == pl.col("as_of").max())
    names = ["tier_in_force", "tier_candidate"]
    every = pl.DataFrame({names[0]: TIERS}).join(pl.DataFrame({names[1]: TIERS}), how="cross")
    counted = last.group_by(names).agg(leads=pl.len().cast(pl.Int64))
    moves = every.join(counted, on=names, how="left", maintain_order="left").with_columns(
        pl.col("leads").fill_null(0)
    )
    columns = ["lead_id", "as_of", *names, "score_in_force", "score_candidate", "won"]
    return moves, last.filter(pl.col(names[0]) != pl.col(names[1])).select(columns).sort("lead_id")
