"""Gains: which share of the wins the best-scored leads hold, and how far down the list it pays to go.

Belongs here: the gains table of (label, score) rows, its intervals and recommendations. Does not belong here: which rows are
measured, drawing (gains_plot.py), the model's own metrics (modelling/evaluate.py).

Rows are taken from the highest score down. A lead that was seen at several moments has a row for each; intervals come from
resampling leads, since the rows of one are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.errors import LeadflowError
from leadflow.gains_policy import Gains
from leadflow.modelling.columns import Floats
from leadflow.modelling.evaluate import Labels
from leadflow.policy import Policy, Tiers

SHARES = tuple(percent / 100 for percent in range(5, 101, 5))
GAINS_SCHEMA = pl.Schema(
    {
        "cut": pl.String,
        "kind": pl.String,
        "share_of_leads": pl.Float64,
        "threshold_score": pl.Float64,
        "leads": pl.Int64,
        "wins": pl.Float64,
        "win_rate": pl.Float64,
        "share_of_wins": pl.Float64,
        "share_of_wins_low": pl.Float64,
        "share_of_wins_high": pl.Float64,
        "lift": pl.Float64,
        "leads_per_week": pl.Float64,
        "profit": pl.Float64,
        "is_recommended": pl.Boolean,
        "reason": pl.String,
    }
)
GAINS_TABLE_SCHEMA = pl.Schema(
    [
        ("cut_number", pl.Int64),
        *GAINS_SCHEMA.items(),
        ("as_of", pl.Datetime("us")),
        ("model_version", pl.String),
    ]
)
_CHANCE = 0.05
"""How often scores without skill may be said to have a curve that flattens."""
_TINY = 1e-9


@dataclass(frozen=True)
class GainsSettings:
    """What a gains table is made by.

    Attributes:
        tiers: whose boundaries have rows of their own.
        gains: capacity, cost and value, where there are any.
        weeks: how long the rows' leads took to come in; None where that is no time, and a capacity cannot be weighed.
        samples, seed: of the resampling.
    """

    tiers: Tiers
    gains: Gains
    weeks: float | None = None
    samples: int = 1000
    seed: int = 20240501


@dataclass(frozen=True)
class _Cut:
    """How far down the list is gone: so many rows, and of the last score's ties as many as are left."""

    name: str
    kind: str
    leads: int
    threshold: float | None
    reason: str | None = None


class _Curve:
    """Rows by descending score, and what is taken and won after each run of equal scores."""

    def __init__(self, labels: Labels, scores: Floats) -> None:
        """Sort once."""
        self.order = np.argsort(-scores, kind="stable")
        self.scores = scores[self.order]
        self.ends = np.flatnonzero(np.append(self.scores[1:] != self.scores[:-1], True)[: len(scores)])
        self.labels = labels[self.order].astype(np.float64)
        self.taken = np.concatenate([[0.0], self.ends + 1.0])
        self.won = np.concatenate([[0.0], np.cumsum(self.labels)[self.ends]])

    def wins(self, leads: float) -> float:
        """Wins among the best rows; a run of ties that is cut through counts in proportion."""
        return float(np.interp(leads, self.taken, self.won))

    def above(self, boundary: float, *, with_boundary: bool) -> int:
        """Rows above a score."""
        return int((self.scores >= boundary if with_boundary else self.scores > boundary).sum())


def score_gains(
    labels: Labels, scores: Floats, lead_ids: NDArray[Any], settings: GainsSettings
) -> pl.DataFrame:
    """Gains at every 5 % of leads, at the tiers' boundaries, and where it is recommended to stop.

    Of `share` of the leads the next whole number is taken. Where that cuts through equal scores, wins are those expected of
    a random choice among them, so that they need not be whole. `lift` is win_rate over the win rate of all.

    Recommended is
    - where the curve flattens: the score at which the wins' share lies furthest above the leads' share, which is the point of
      greatest distance from the diagonal (Kneedle: Satopaa, Albrecht, Irwin and Raghavan, 2011); beyond it leads win less
      often than the average lead. None where scores without skill come as far from it in one of twenty cases (the one-sided
      test of Kolmogorov and Smirnov between leads that won and others, each lead counted once).
    - for a call capacity: as many leads as can be called in settings.weeks. None where they came in over no time.
    - for cost and value: the score at which value_per_win times wins less cost_per_call times leads is greatest.

    Args:
        labels: whether the row was won.
        scores: 0 to 100.
        lead_ids: of the rows; those of one lead are resampled together, for the 95 % interval of its share of wins.

    Returns:
        GAINS_SCHEMA; without rows where nothing is given. What is a share of wins is null where there are none.

    Raises:
        LeadflowError: the three differ in length, or a score is not a number.
    """
    if not len(labels) == len(scores) == len(lead_ids):
        raise LeadflowError(
            f"gains need a label, a score and a lead for every row, not {len(labels)}, {len(scores)} and {len(lead_ids)}",
            "score all examples, and no others",
        )
    wrong = int((~np.isfinite(scores)).sum())
    if wrong:
        raise LeadflowError(
            f"{wrong} of {len(scores)} scores are not numbers",
            "leave out what has no score, or mend the scores",
        )
    if not len(labels):
        return GAINS_SCHEMA.to_frame()
    curve = _Curve(labels, scores)
    cuts = [*_shares(curve), *_tiers(curve, settings.tiers)]
    cuts += [*_flattening(curve, labels, lead_ids), *_paying(curve, settings)]
    low, high = _intervals(curve, cuts, lead_ids, settings)
    rows = [_row(curve, cut, settings, low[place], high[place]) for place, cut in enumerate(cuts)]
    return pl.DataFrame(rows, schema=GAINS_SCHEMA)


def gains_table(
    labels: Labels,
    scores: Floats,
    lead_ids: NDArray[Any],
    policy: Policy,
    *,
    weeks: float | None,
    as_of: datetime,
    model_version: str | None,
) -> pl.DataFrame:
    """Rows of scoring.score_gains (GAINS_TABLE_SCHEMA): `score_gains` by the policy, in order, and what they were made from.

    Args:
        weeks: how long the rows' leads took to come in.
        as_of: the refresh's moment, UTC without time zone.
        model_version: of the model that scored; None where rules scored alone.

    Raises:
        LeadflowError: as `score_gains`.
    """
    training = policy.training
    settings = GainsSettings(policy.tiers, policy.gains, weeks, training.bootstrap_samples, training.seed)
    return (
        score_gains(labels, scores, lead_ids, settings)
        .with_row_index("cut_number", offset=1)
        .with_columns(as_of=pl.lit(as_of), model_version=pl.lit(model_version))
        .cast(GAINS_TABLE_SCHEMA)
    )


def _shares(curve: _Curve) -> Iterator[_Cut]:
    for share in SHARES:
        leads = int(np.ceil(share * len(curve.scores) - _TINY))
        yield _Cut(f"top {share:.0%}".replace("%", " %"), "share", leads, float(curve.scores[leads - 1]))


def _tiers(curve: _Curve, tiers: Tiers) -> Iterator[_Cut]:
    yield _Cut("HOT", "tier", curve.above(tiers.hot_above, with_boundary=False), tiers.hot_above)
    yield _Cut("HOT and WARM", "tier", curve.above(tiers.warm_from, with_boundary=True), tiers.warm_from)


def _flattening(curve: _Curve, labels: Labels, lead_ids: NDArray[Any]) -> Iterator[_Cut]:
    won = len(np.unique(lead_ids[labels]))
    others = len(np.unique(lead_ids)) - won
    if not won or not others:
        return
    distances = curve.won / curve.won[-1] - curve.taken / curve.taken[-1]
    # Of equal distances the one of fewest leads, whatever the last digits say.
    best = int(np.argmax(distances.round(12)))
    between = distances[best] / (1 - labels.mean())  # of the shares of wins and of those that were not won
    if between > np.sqrt(-np.log(_CHANCE) / 2 * (won + others) / (won * others)):
        reason = "leads below this score win less often than the average lead"
        yield _cut_after(curve, best, "where the curve flattens", reason)


def _paying(curve: _Curve, settings: GainsSettings) -> Iterator[_Cut]:
    total, gains = len(curve.scores), settings.gains
    if gains.calls_per_week is not None and settings.weeks:
        leads = min(total, int(np.floor(gains.calls_per_week * settings.weeks + _TINY)))
        reason = f"{gains.calls_per_week:,} calls a week reach so far down the list"
        threshold = float(curve.scores[leads - 1]) if leads else None
        yield _Cut("call capacity", "recommendation", leads, threshold, reason)
    if gains.cost_per_call is not None and gains.value_per_win is not None:
        profit = curve.won * gains.value_per_win - curve.taken * gains.cost_per_call
        best = int(np.argmax(profit.round(9)))
        reason = f"a win's {gains.value_per_win:,g} less {gains.cost_per_call:,g} a call come to most here"
        if best == 0:
            reason = f"no score brings enough wins of {gains.value_per_win:,g} for calls of {gains.cost_per_call:,g}"
        yield _cut_after(curve, best, "most profit", reason)


def _cut_after(curve: _Curve, place: int, name: str, reason: str) -> _Cut:
    leads = int(curve.taken[place])
    return _Cut(name, "recommendation", leads, float(curve.scores[leads - 1]) if leads else None, reason)


def _row(curve: _Curve, cut: _Cut, settings: GainsSettings, low: float, high: float) -> dict[str, Any]:
    total, all_wins, gains = len(curve.scores), curve.won[-1], settings.gains
    wins = curve.wins(cut.leads)
    win_rate = wins / cut.leads if cut.leads else None
    profit = None
    if gains.cost_per_call is not None and gains.value_per_win is not None:
        profit = wins * gains.value_per_win - cut.leads * gains.cost_per_call
    return {
        "cut": cut.name,
        "kind": cut.kind,
        "share_of_leads": cut.leads / total,
        "threshold_score": cut.threshold,
        "leads": cut.leads,
        "wins": wins,
        "win_rate": win_rate,
        "share_of_wins": wins / all_wins if all_wins else None,
        "share_of_wins_low": None if np.isnan(low) else low,
        "share_of_wins_high": None if np.isnan(high) else high,
        "lift": None if win_rate is None or not all_wins else win_rate * total / all_wins,
        "leads_per_week": cut.leads / settings.weeks if settings.weeks else None,
        "profit": profit,
        "is_recommended": cut.kind == "recommendation",
        "reason": cut.reason,
    }


def _intervals(
    curve: _Curve, cuts: list[_Cut], lead_ids: NDArray[Any], settings: GainsSettings, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Percentile interval of each cut's share of wins: tiers keep their score, all others their share of the rows.

    Resamples without a win are left out; NaN where none had one.
    """
    codes = np.unique(lead_ids, return_inverse=True)[1].reshape(-1)[curve.order]
    count = int(codes.max()) + 1
    generator = np.random.default_rng(settings.seed)
    at_score = np.array([cut.kind == "tier" for cut in cuts])
    leads = np.array([cut.leads for cut in cuts], dtype=np.float64)
    held = np.full((settings.samples, len(cuts)), np.nan)
    for sample in range(settings.samples):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count).astype(np.float64)[codes]
        taken = np.concatenate([[0.0], np.cumsum(drawn)[curve.ends]])
        won = np.concatenate([[0.0], np.cumsum(drawn * curve.labels)[curve.ends]])
        if won[-1] > 0:
            by_share = np.interp(leads / len(curve.scores) * taken[-1], taken, won)
            held[sample] = np.where(at_score, np.interp(leads, curve.taken, won), by_share) / won[-1]
    held = held[~np.isnan(held[:, 0])]
    if not len(held):
        return np.full(len(cuts), np.nan), np.full(len(cuts), np.nan)
    low, high = np.quantile(held, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
