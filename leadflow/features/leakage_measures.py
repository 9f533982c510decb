"""How closely one feature follows the outcome: alone, by its values, and by whether it is empty.

Belongs here: measures of one column. Does not belong here: several columns together (leakage_models.py), verdicts
(leakage.py).

Everything that is learned of values is made out of fold: each row's rate comes from leads of other folds. In sample an
id has a perfect rate for each of its values; out of fold it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadflow.features.leakage_columns import CheckedColumn, Codes, Flags, Floats
from leadflow.modelling.columns import log_odds, smoothed_rates
from leadflow.modelling.evaluate import roc_auc

LEAST_LEADS = 20
"""Leads below which it means nothing that all have one outcome: a few leads of a good kind may all win."""
_HARDLY_ANY = 1 / 20
"""Share of the expected leads of the other outcome that may be there all the same: slips of the keyboard."""
_BY_CHANCE = 1e-7
"""Probability of so few by chance, below which it is not chance; hundreds of columns are looked at four times."""


@dataclass(frozen=True)
class Outcomes:
    """What the rows came to.

    Attributes:
        labels: true where won.
        weights: 1 / number of the lead's rows, so that a lead counts once.
        folds: fold of each row; rows of one lead share one.
    """

    labels: NDArray[np.bool_]
    weights: Floats
    folds: Codes


def cramers_v(column: CheckedColumn, outcomes: Outcomes) -> float:
    """Cramér's V of the feature's values, or groups of values, and the label, corrected for bias; 0 to 1.

    Bergsma, A bias-correction for Cramér's V and Tschuprow's T, J. Korean Stat. Soc. 42 (2013) 323-328. Uncorrected,
    a feature with as many values as leads has V = 1 whatever it says. Leads count once, however many rows they have.
    """
    wins = np.bincount(column.codes, weights=outcomes.weights * outcomes.labels)
    sizes = np.bincount(column.codes, weights=outcomes.weights)
    wins, sizes = wins[sizes > 0], sizes[sizes > 0]
    total, won, rows = float(sizes.sum()), float(wins.sum()), len(sizes)
    if rows < 2 or total <= 1 or not 0 < won < total:
        return 0.0
    rate = won / total
    phi2 = float((sizes * (wins / sizes - rate) ** 2).sum()) / (total * rate * (1 - rate))
    corrected = max(0.0, phi2 - (rows - 1) / (total - 1))
    rows_corrected = rows - (rows - 1) ** 2 / (total - 1)
    columns_corrected = 2 - 1 / (total - 1)
    freedom = min(rows_corrected - 1, columns_corrected - 1)
    return min(1.0, float(np.sqrt(corrected / freedom))) if freedom > 1e-9 else 0.0


def out_of_fold_score(column: CheckedColumn, outcomes: Outcomes) -> Floats:
    """What the feature alone says of each row: log-odds of its value's smoothed win rate against that of all leads.

    Rates are of other folds' leads alone.
    """
    score = np.empty(len(column.codes))
    labels = outcomes.labels.astype(np.float64)
    for fold in np.unique(outcomes.folds):
        rest, here = outcomes.folds != fold, outcomes.folds == fold
        rates, prior = smoothed_rates(
            column.codes[rest], labels[rest], outcomes.weights[rest], column.empty_code + 1, "auto"
        )
        score[here] = (log_odds(rates) - log_odds(np.array([prior])))[column.codes[here]]
    return score


def ordered_score(column: CheckedColumn) -> Floats | None:
    """A number as it is, its median where it is empty; None of categories and where it has no value."""
    if column.values is None or column.is_empty.all():
        return None
    return np.where(column.is_empty, np.nanmedian(column.values), column.values)


@dataclass(frozen=True)
class Alone:
    """How well one feature ranks wins.

    Attributes:
        auc: the better of the rates of its values, out of fold, and, of a number, its size, either way up.
        association: the greater of Cramér's V and 2 AUC - 1 (Somers' D of a label of two values).
        measure: which of them association is.
        score: what ranks with that AUC.
    """

    auc: float
    association: float
    measure: str
    score: Floats


def measure_alone(column: CheckedColumn, outcomes: Outcomes) -> Alone:
    """The feature by itself; there are wins and others among the rows."""
    score = out_of_fold_score(column, outcomes)
    auc = roc_auc(outcomes.labels, score, outcomes.weights)
    ordered = ordered_score(column)
    if ordered is not None:
        by_size = roc_auc(outcomes.labels, ordered, outcomes.weights)
        if max(by_size, 1 - by_size) > auc:
            auc, score = max(by_size, 1 - by_size), ordered if by_size >= 0.5 else -ordered
    v, d = cramers_v(column, outcomes), 2 * auc - 1
    return Alone(auc, max(v, d, 0.0), "Cramér's V" if v >= d else "Somers' D", score)


def null_pattern_auc(is_empty: Flags, outcomes: Outcomes) -> float:
    """AUC of whether the feature is empty, either way up; 0.5 where it always or never is."""
    auc = roc_auc(outcomes.labels, is_empty.astype(np.float64), outcomes.weights)
    return max(auc, 1 - auc)


@dataclass(frozen=True)
class OneSided:
    """Rows of one outcome alone.

    Attributes:
        leads: leads on that side, a lead of several rows counted by its share of them.
        has_wins: whether it is all wins, or none.
        expected: leads of the other outcome that would be there if the side were like all leads.
        found: how many are.
    """

    leads: float
    has_wins: bool
    expected: float
    found: float


def one_sided(side: Flags, labels: Flags, weights: Floats, strata: Codes) -> OneSided | None:
    """Whether the rows of a side hold, beyond any chance, one outcome only.

    The probability of so few of the other outcome is bounded by Chernoff's exp(-n KL(found / n || rate)). What is
    expected is summed over strata of time: a column that is empty before some day is not at fault where nothing was won
    before it.

    Args:
        strata: stratum of each row, small whole numbers.
    """
    leads = float(weights[side].sum())
    if not LEAST_LEADS <= leads < float(weights.sum()):
        return None
    of_side = np.bincount(strata[side], weights=weights[side], minlength=int(strata.max()) + 1)
    of_all = np.bincount(strata, weights=weights)
    for has_wins in (True, False):
        other = ~labels if has_wins else labels
        rates = np.bincount(strata[other], weights=weights[other], minlength=len(of_all)) / np.maximum(
            of_all, 1e-12
        )
        expected = float((of_side * rates).sum())
        found = float(weights[side & other].sum())
        if found <= expected * _HARDLY_ANY and leads * _divergence(
            found / leads, expected / leads
        ) >= -np.log(_BY_CHANCE):
            return OneSided(leads, has_wins, expected, found)
    return None


def _divergence(found: float, expected: float) -> float:
    """Kullback-Leibler divergence of two shares, in nats; large where what was found cannot be."""
    expected = min(max(expected, 1e-12), 1 - 1e-12)
    first = found * np.log(found / expected) if found > 0 else 0.0
    second = (1 - found) * np.log((1 - found) / (1 - expected)) if found < 1 else 0.0
    return float(first + second)
