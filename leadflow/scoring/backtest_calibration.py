"""Whether probabilities were worth what they said: calibration error against what a perfect model would show.

Belongs here: the expected calibration error and its band. Does not belong here: ranking (backtest_measures.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadflow.modelling.evaluate import one_of_each

Floats = NDArray[np.float64]

BINS = 10
_BAND_SAMPLES = 1000
_LEVEL = 0.95


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error of one moment of each lead, drawn at random: rows of one lead are not independent.

    Attributes:
        error: mean distance of a bin's mean probability from its share of wins, over bins of equal mass.
        band_low, band_high: where the errors of a perfectly calibrated model with these very probabilities lie, 95 %.
        predicted, won: mean probability and share of wins by bin, lowest first.
    """

    leads: int
    error: float
    band_low: float
    band_high: float
    predicted: list[float]
    won: list[float]

    @property
    def is_within(self) -> bool:
        """Whether the error is no larger than chance gives a perfectly calibrated model."""
        return self.error <= self.band_high


def calibration(
    probabilities: Floats, labels: NDArray[np.bool_], leads: NDArray[np.intp], seed: int
) -> Calibration:
    """How well probabilities were calibrated.

    Args:
        leads: a number per row, equal for the rows of one lead; at least one row.
    """
    generator = np.random.default_rng(seed)
    one_each = one_of_each(leads, generator.permutation(len(leads)))
    chosen, won = probabilities[one_each], labels[one_each].astype(np.float64)
    order = np.argsort(chosen, kind="stable")
    chosen, won = chosen[order], won[order]
    edges = np.linspace(0, len(chosen), min(BINS, len(chosen)) + 1).astype(np.intp)
    perfect = np.empty(_BAND_SAMPLES)
    for sample in range(_BAND_SAMPLES):
        perfect[sample] = _error(chosen, generator.random(len(chosen)) < chosen, edges)
    low, high = np.quantile(perfect, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Calibration(
        leads=len(chosen),
        error=_error(chosen, won, edges),
        band_low=float(low),
        band_high=float(high),
        predicted=_means(chosen, edges).tolist(),
        won=_means(won, edges).tolist(),
    )


def _error(
    probabilities: Floats, won: NDArray[np.float64] | NDArray[np.bool_], edges: NDArray[np.intp]
) -> float:
    distance = np.abs(_means(probabilities, edges) - _means(won.astype(np.float64), edges))
    return float((distance * np.diff(edges)).sum() / len(probabilities))


def _means(values: Floats, edges: NDArray[np.intp]) -> Floats:
    means: Floats = np.add.reduceat(values, edges[:-1]) / np.diff(edges)
    return means
