"""How well scores rank and estimate wins, in numbers with their uncertainty.

Belongs here: metrics of (label, score) rows, in numpy alone. Does not belong here: what is split, fitted or
published on the strength of them (scoring/model.py, scoring/card.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]

ROWS_RESAMPLED = 20_000_000
"""Rows that all resamples together hold at most, but FEWEST_RESAMPLES are drawn always."""
FEWEST_RESAMPLES = 200
"""Enough for the bounds of an interval that many rows make narrow anyway."""


def roc_auc(labels: Labels, scores: Floats, weights: Floats | None = None) -> float:
    """Chance that a random win scores above a random non-win, ties counting half (Mann-Whitney).

    Returns NaN where there are only wins, or none.
    """
    order, last_of_tie = _in_ties(scores)
    weights = np.ones(len(labels)) if weights is None else weights
    return _ordered_auc(labels[order], weights[order], last_of_tie)


def bootstrap_auc(
    labels: Labels, scores: Floats, groups: NDArray[Any], samples: int, seed: int, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the AUC, by resampling whole groups (leads) with replacement.

    A lead's rows are alike; resampling them one by one would make the interval too narrow. Resamples without both a
    win and a non-win are left out. Of many rows fewer resamples are drawn than asked for (see ROWS_RESAMPLED).

    Args:
        groups: one value per row, equal for the rows of one lead.

    Returns:
        Lower and upper bound; NaN where no resample had both.
    """
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    count = int(codes.max()) + 1 if len(codes) else 0
    order, last_of_tie = _in_ties(scores)
    ordered_labels, ordered_codes = labels[order], codes[order]
    generator = np.random.default_rng(seed)
    samples = _affordable(samples, len(labels))
    aucs = np.full(samples, np.nan)
    for sample in range(samples if count else 0):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count).astype(np.float64)
        aucs[sample] = _ordered_auc(ordered_labels, drawn[ordered_codes], last_of_tie)
    aucs = aucs[~np.isnan(aucs)]
    if not len(aucs):
        return float("nan"), float("nan")
    low, high = np.quantile(aucs, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_difference(
    labels: Labels,
    scores: Floats,
    others: Floats,
    groups: NDArray[Any],
    samples: int,
    seed: int,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of the AUC of one score less that of another on the same rows, by resampling whole groups.

    Returns:
        Lower and upper bound; NaN where no resample had both a win and a non-win.
    """
    differences = _differences(labels, scores, others, groups, samples, seed)
    if not len(differences):
        return float("nan"), float("nan")
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_standard_error(
    labels: Labels, scores: Floats, others: Floats, groups: NDArray[Any], samples: int, seed: int
) -> float:
    """Standard error of the AUC of one score less that of another on the same rows, by resampling whole groups.

    Returns NaN where fewer than two resamples had both a win and a non-win.
    """
    differences = _differences(labels, scores, others, groups, samples, seed)
    return float(differences.std(ddof=1)) if len(differences) > 1 else float("nan")


def _differences(
    labels: Labels, scores: Floats, others: Floats, groups: NDArray[Any], samples: int, seed: int
) -> Floats:
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    count = int(codes.max()) + 1 if len(codes) else 0
    orders = [_in_ties(scores), _in_ties(others)]
    generator = np.random.default_rng(seed)
    samples = _affordable(samples, len(labels))
    differences = np.full(samples, np.nan)
    for sample in range(samples if count else 0):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count).astype(np.float64)[codes]
        one, other = (_ordered_auc(labels[order], drawn[order], ends) for order, ends in orders)
        differences[sample] = one - other
    seen: Floats = differences[~np.isnan(differences)]
    return seen


def one_of_each(groups: NDArray[Any], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Positions of one row of each group, ascending: the one that comes first in an order of the rows, such as a drawn one."""
    _, first = np.unique(groups[order], return_index=True)
    return np.sort(order[first])


def _affordable(samples: int, rows: int) -> int:
    return min(samples, max(FEWEST_RESAMPLES, ROWS_RESAMPLED // max(rows, 1)))


def average_precision(labels: Labels, scores: Floats) -> float:
    """Precision averaged over the wins, from the highest score down; tied rows share one threshold. NaN without wins."""
    if not labels.any():
        return float("nan")
    taken, wins = _from_the_top(labels, scores)
    gained = np.diff(wins, prepend=0.0)
    return float((wins / taken * gained).sum() / wins[-1])


def log_loss(labels: Labels, probabilities: Floats) -> float:
    """Mean negative log-likelihood, in nats; probabilities are kept off 0 and 1 by 1e-15. NaN without rows."""
    if not len(labels):
        return float("nan")
    kept_off = np.clip(probabilities, 1e-15, 1 - 1e-15)
    return float(-np.where(labels, np.log(kept_off), np.log1p(-kept_off)).mean())


def brier(labels: Labels, probabilities: Floats) -> float:
    """Mean squared difference of probability and outcome. NaN without rows."""
    return float(((probabilities - labels) ** 2).mean()) if len(labels) else float("nan")


def gains(labels: Labels, scores: Floats, share: float) -> float:
    """Share of all wins that the best-scored `share` of rows holds; a tie cut through counts in proportion.

    Returns NaN without wins.
    """
    if not labels.any():
        return float("nan")
    taken, wins = _from_the_top(labels, scores)
    at = np.interp(share * len(labels), np.concatenate([[0.0], taken]), np.concatenate([[0.0], wins]))
    return float(at / wins[-1])


def _in_ties(scores: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows by ascending score, and where each run of equal scores ends."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else order
    return order, ends


def _ordered_auc(labels: Labels, weights: Floats, last_of_tie: NDArray[np.intp]) -> float:
    if not len(labels):
        return float("nan")
    wins = np.cumsum(np.where(labels, weights, 0.0))[last_of_tie]
    others = np.cumsum(np.where(labels, 0.0, weights))[last_of_tie]
    if wins[-1] <= 0 or others[-1] <= 0:
        return float("nan")
    wins_here = np.diff(wins, prepend=0.0)
    others_here = np.diff(others, prepend=0.0)
    below = others - others_here
    return float((wins_here * (below + others_here / 2)).sum() / (wins[-1] * others[-1]))


def _from_the_top(labels: Labels, scores: Floats) -> tuple[Floats, Floats]:
    """Rows taken and wins among them, after each run of equal scores from the highest down."""
    order, ends = _in_ties(-scores)
    return (ends + 1).astype(np.float64), np.cumsum(labels[order])[ends].astype(np.float64)
