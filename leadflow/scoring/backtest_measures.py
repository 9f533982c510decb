"""How well two scores rank the same leads at the same past moments, with intervals that know that a lead comes often.

Belongs here: measures of (moment, lead, label, score) rows, and resampling whole leads. Does not belong here: where the rows
come from (the command backtest), calls (backtest_calls.py), what probabilities are worth (backtest_calibration.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Codes = NDArray[np.intp]

SHARES = (0.1, 0.2, 0.3)
"""Shares of the best-scored leads of a moment that gains are told of."""

LEVEL = 0.95
_FEW_ROWS = 100_000
_RUNS = 2_000
"""Of more rows, runs of neighbouring scores that resamples tell apart in each moment; the value itself is always exact."""
_ROWS_RESAMPLED = 500_000_000
FEWEST_SAMPLES = 200
"""Resamples of very many rows; of fewer rows there are as many as the policy asks for."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; all three are NaN where nothing can be told."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Ranking:
    """How one score ranked.

    Attributes:
        auc_within: chance that a lead that won scores above one that did not, both of the same moment; ties half.
        auc_pooled: the same of any two rows, also of different moments.
        gains: by share, what part of the wins the best-scored share of each moment holds.
    """

    auc_within: Estimate
    auc_pooled: Estimate
    gains: dict[float, Estimate]


@dataclass(frozen=True)
class Comparison:
    """Two scores on the same rows, and the first less the second, resampled together.

    Attributes:
        samples: resamples that the intervals are of.
    """

    candidate: Ranking
    in_force: Ranking
    difference: Ranking
    samples: int


class _Arranged:
    """Rows as runs of equal scores within groups, best first, so that any weights of rows are measured by running sums.

    Args:
        most_runs: runs that a group is told apart by at most; beyond it neighbours in rank are taken for equal, which is
            what makes many resamples of very many rows affordable.
    """

    def __init__(self, scores: Floats, labels: Labels, groups: Codes, most_runs: int | None = None) -> None:
        order = np.lexsort((-scores, groups))
        ordered, grouped = scores[order], groups[order]
        is_start = np.ones(len(order), dtype=bool)
        is_start[1:] = grouped[1:] != grouped[:-1]
        first_of_group = np.maximum.accumulate(np.where(is_start, np.arange(len(order)), 0))
        is_start[1:] |= ordered[1:] != ordered[:-1]
        if most_runs is not None:
            start_of_run = np.maximum.accumulate(np.where(is_start, np.arange(len(order)), 0))
            size = np.bincount(groups)[grouped]
            band = (start_of_run - first_of_group) * most_runs // size
            is_start[1:] = (grouped[1:] != grouped[:-1]) | (band[1:] != band[:-1])
        self._run = np.empty(len(order), dtype=np.intp)
        self._run[order] = np.cumsum(is_start) - 1
        self._group = grouped[is_start]
        self._groups = int(groups.max()) + 1 if len(groups) else 0
        self._won = np.flatnonzero(labels)
        self._first = np.flatnonzero(np.diff(self._group, prepend=-1))

    def measure(self, weights: Floats, shares: Sequence[float] = ()) -> list[float]:
        """The AUC within groups, and of each share the part of all wins that the best-scored share of each group holds.

        Args:
            weights: of each row.
        """
        wins, rows = self._counts(weights)
        gains = []
        rows_above, every_win = self._above(rows), wins.sum()
        for share in shares:  # a run that is cut through counts in proportion
            room = share * self._totals(rows)[self._group] - rows_above
            taken = np.clip(np.divide(room, rows, out=np.zeros_like(rows), where=rows > 0), 0.0, 1.0)
            gains.append(float((wins * taken).sum() / every_win) if every_win > 0 else float("nan"))
        right, pairs = self._concordance(wins, rows - wins)
        return [float(right.sum() / pairs.sum()) if pairs.sum() > 0 else float("nan"), *gains]

    def by_group(self) -> Floats:
        """The AUC of each group by itself; NaN where all of its rows won, or none did."""
        wins, rows = self._counts(np.ones(len(self._run)))
        right, pairs = self._concordance(wins, rows - wins)
        aucs: Floats = np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return aucs

    def _counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Wins and all rows of each run."""
        wins = _sums(self._run[self._won], weights[self._won], len(self._group))
        return wins, _sums(self._run, weights, len(self._group))

    def _concordance(self, wins: Floats, others: Floats) -> tuple[Floats, Floats]:
        """Of each group the pairs of a win and another that are ranked right (ties half), and all such pairs."""
        lost = self._totals(others)
        below = lost[self._group] - self._above(others) - others
        return self._totals(wins * (below + others / 2)), self._totals(wins) * lost

    def _totals(self, values: Floats) -> Floats:
        """Sums over each group."""
        return _sums(self._group, values, self._groups)

    def _above(self, values: Floats) -> Floats:
        """Sums over the runs above in the group."""
        before = np.cumsum(values) - values
        above: Floats = before - before[self._first].repeat(np.diff(self._first, append=len(values)))
        return above


def auc_by_moment(scores: Floats, labels: Labels, moments: Codes) -> Floats:
    """The AUC of each moment by itself; NaN where all of its leads won, or none did."""
    return _Arranged(scores, labels, moments).by_group()


def compare(
    candidate: Floats,
    in_force: Floats,
    labels: Labels,
    moments: Codes,
    leads: Codes,
    *,
    samples: int,
    seed: int,
) -> Comparison:
    """Measure two scores of the same rows, and their difference, by resampling leads with all of their moments.

    Args:
        moments, leads: numbers from 0 on, one per row.
        samples: resamples; fewer are drawn of very many rows, but FEWEST_SAMPLES at least.
    """
    order = np.argsort(leads, kind="stable")  # so that the weights of leads are read one after the other
    candidate, in_force, labels = candidate[order], in_force[order], labels[order]
    moments, leads = moments[order], leads[order]
    count = int(leads.max()) + 1 if len(leads) else 0
    samples = min(samples, max(FEWEST_SAMPLES, _ROWS_RESAMPLED // max(len(labels), 1))) if count else 0
    together = np.zeros_like(moments)

    def arranged(most_runs: int | None) -> list[tuple[_Arranged, _Arranged]]:
        return [
            tuple(_Arranged(scores, labels, groups, most_runs) for groups in (moments, together))  # type: ignore[misc]
            for scores in (candidate, in_force)
        ]

    def measured(sides: list[tuple[_Arranged, _Arranged]], weights: Floats) -> list[list[float]]:
        told = []
        for within, pooled in sides:
            auc, *gains = within.measure(weights, SHARES)
            told.append([auc, *pooled.measure(weights), *gains])
        return told

    generator = np.random.default_rng(seed)
    values = np.full((samples + 1, 2, 2 + len(SHARES)), np.nan)
    exact = arranged(None)
    values[0] = measured(exact, np.ones(len(labels)))
    sides = exact if len(labels) <= _FEW_ROWS else arranged(_RUNS)
    for sample in range(1, samples + 1):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count).astype(np.float64)
        values[sample] = measured(sides, drawn[leads])
    return Comparison(
        _ranking(values[:, 0]), _ranking(values[:, 1]), _ranking(values[:, 0] - values[:, 1]), samples
    )


def wilson(found: int, calls: int) -> Estimate:
    """A share with its 95 % interval (Wilson 1927); NaN without calls."""
    if not calls:
        return Estimate(float("nan"), float("nan"), float("nan"))
    z, share = 1.959963984540054, found / calls
    centre = (share + z * z / (2 * calls)) / (1 + z * z / calls)
    half = z * np.sqrt(share * (1 - share) / calls + z * z / (4 * calls * calls)) / (1 + z * z / calls)
    return Estimate(share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def interval(values: Floats) -> Estimate:
    """The first of the values with the 95 % percentile interval of the others; what is NaN is left out."""
    resampled = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not len(resampled):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(values[0]), float(low), float(high))


def _sums(codes: Codes, values: Floats, count: int) -> Floats:
    """Sum of the values of each code from 0 on."""
    sums: Floats = np.bincount(codes, weights=values, minlength=count).astype(np.float64)
    return sums


def _ranking(measured: Floats) -> Ranking:
    within, pooled, *gains = (interval(column) for column in measured.T)
    return Ranking(within, pooled, dict(zip(SHARES, gains, strict=True)))
