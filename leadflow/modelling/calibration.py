"""Whether probabilities are what they say, and a correction where they are not.

Belongs here: fitting, applying and judging a calibration. Does not belong here: which predictions it is fitted on
(scoring/training.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from leadflow.modelling.columns import Floats, log_odds, significant
from leadflow.modelling.evaluate import Labels
from leadflow.modelling.fit import probability

Told = tuple[Labels, Floats, Floats]
"""Label, probability and weight of each row."""

BINS = 10
"""Bins of equal mass that expected calibration error is taken over, as is common."""
BEYOND_NOISE = 1.96
"""Standard errors that a correction has to be better by."""
_LEAST_FOR_ISOTONIC = 100
"""Wins, and others, below which no step function is fitted: it would follow single leads."""


@dataclass(frozen=True)
class Calibration:
    """A map of probabilities that never turns their order round.

    Attributes:
        kind: none; platt, a straight line in log-odds (Platt 1999); isotonic, steps joined by straight lines (Zadrozny and
            Elkan 2002).
        slope, intercept: of platt.
        knots_from, knots_to: of isotonic, ascending.
    """

    kind: Literal["none", "platt", "isotonic"] = "none"
    slope: float = 1.0
    intercept: float = 0.0
    knots_from: tuple[float, ...] = ()
    knots_to: tuple[float, ...] = ()

    def apply(self, probabilities: Floats) -> Floats:
        """Corrected probabilities, row by row."""
        if self.kind == "platt":
            return probability(self.intercept + self.slope * log_odds(probabilities))
        if self.kind == "isotonic":
            return np.interp(probabilities, self.knots_from, self.knots_to)
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Calibration:
        """The calibration that `to_dict` wrote."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
        }
        return cls(**fields)


def fit_platt(labels: Labels, probabilities: Floats, weights: Floats) -> Calibration:
    """The line in log-odds that tells the outcomes best; none where it would turn the order round."""
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=1e6, solver="newton-cholesky", max_iter=200)
    regression.fit(log_odds(probabilities).reshape(-1, 1), labels, sample_weight=weights)
    slope = significant(float(regression.coef_[0][0]))
    if not slope > 0:
        return Calibration()
    return Calibration("platt", slope, significant(float(regression.intercept_[0])))


def fit_isotonic(labels: Labels, probabilities: Floats, weights: Floats) -> Calibration:
    """The best map that never falls; none where there are too few outcomes of either kind.

    Flat stretches are kept as such; the ends are held off 0 and 1, which no outcomes prove.
    """
    from sklearn.isotonic import IsotonicRegression

    wins = float(labels.sum())
    if min(wins, len(labels) - wins) < _LEAST_FOR_ISOTONIC:
        return Calibration()
    regression = IsotonicRegression(y_min=0.5 / (wins + 1) / 100, y_max=1 - 1e-3, out_of_bounds="clip")
    regression.fit(probabilities, labels, sample_weight=weights)
    return Calibration(
        "isotonic",
        knots_from=tuple(significant(float(knot)) for knot in regression.X_thresholds_),
        knots_to=tuple(significant(float(knot)) for knot in regression.y_thresholds_),
    )


def choose_calibration(slices: Sequence[Told]) -> Calibration:
    """The correction that wins on leads later than those it was fitted on; none unless it does, beyond noise.

    Each slice but the first judges corrections fitted on those before it, by log loss. One is kept that is better on every
    slice, by more than chance over all of them, while the share of wins did not move between slices: a correction repairs a
    model that is too sure of itself, but where the share of wins moves it only learns the last move, and harms the next
    leads. What is kept is fitted again on all slices.

    Args:
        slices: labels, probabilities and weights (a lead's add up to 1) of rows that the model was not fitted on, oldest
            first.
    """
    if (
        len(slices) < 2
        or any(not labels.any() or labels.all() for labels, _, _ in slices)
        or _has_moved(slices)
    ):
        return Calibration()
    best, least = Calibration(), 0.0
    for fit in (fit_platt, fit_isotonic):
        gained = []
        for at in range(1, len(slices)):
            labels, probabilities, weights = slices[at]
            corrected = fit(*_together(slices[:at])).apply(probabilities)
            gained.append(
                ((_losses(labels, corrected) - _losses(labels, probabilities)) * weights, weights.sum())
            )
        per_row = np.concatenate([rows for rows, _ in gained])
        leads = sum(leads for _, leads in gained)
        mean, error = per_row.sum() / leads, np.sqrt(np.square(per_row - per_row.mean()).sum()) / leads
        is_better = all(rows.sum() < 0 for rows, _ in gained) and mean < -BEYOND_NOISE * error
        if is_better and mean < least:
            best, least = fit(*_together(slices)), float(mean)
    return best


def _has_moved(slices: Sequence[Told]) -> bool:
    """Whether the share of won leads differs between slices by more than chance (chi-square test of homogeneity, 5 %)."""
    from scipy.stats import chi2_contingency

    wins = np.array([float((labels * weights).sum()) for labels, _, weights in slices])
    leads = np.array([float(weights.sum()) for _, _, weights in slices])
    return bool(chi2_contingency(np.array([wins, leads - wins])).pvalue < 0.05)


def _together(slices: Sequence[Told]) -> Told:
    labels, probabilities, weights = (np.concatenate(parts) for parts in zip(*slices, strict=True))
    return labels, probabilities, weights


def _losses(labels: Labels, probabilities: Floats) -> Floats:
    kept_off = np.clip(probabilities, 1e-15, 1 - 1e-15)
    return -np.where(labels, np.log(kept_off), np.log1p(-kept_off))


def expected_calibration_error(labels: Labels, probabilities: Floats, bins: int = BINS) -> float:
    """Mean distance of the share of wins from the mean probability, over bins of equal mass. NaN without rows."""
    if not len(labels):
        return float("nan")
    order = np.argsort(probabilities, kind="stable")
    distances = [
        abs(labels[rows].mean() - probabilities[rows].mean()) * len(rows)
        for rows in np.array_split(order, min(bins, len(order)))
    ]
    return float(sum(distances) / len(labels))


def calibration_band(
    probabilities: Floats, samples: int, seed: int, bins: int = BINS, level: float = 0.95
) -> float:
    """The expected calibration error that a perfectly calibrated model of these probabilities stays below.

    Outcomes are drawn from the probabilities themselves: even where they are right, so many rows show an error. Returns the
    quantile at (1 + level) / 2; NaN without rows.
    """
    if not len(probabilities):
        return float("nan")
    generator = np.random.default_rng(seed)
    ordered = np.sort(probabilities, kind="stable")
    parts = np.array_split(np.arange(len(ordered)), min(bins, len(ordered)))
    starts = [part[0] for part in parts]
    expected = np.add.reduceat(ordered, starts)
    errors = np.empty(samples)
    for sample in range(samples):
        drawn = (generator.random(len(ordered)) < ordered).astype(np.float64)
        errors[sample] = np.abs(np.add.reduceat(drawn, starts) - expected).sum() / len(ordered)
    return float(np.quantile(errors, (1 + level) / 2))


def calibration_curve(
    labels: Labels, probabilities: Floats, bins: int = BINS
) -> list[tuple[float, float, int]]:
    """Mean probability, share of wins and rows of each bin of equal mass, ascending."""
    order = np.argsort(probabilities, kind="stable")
    return [
        (float(probabilities[rows].mean()), float(labels[rows].mean()), len(rows))
        for rows in np.array_split(order, min(bins, max(len(order), 1)))
        if len(rows)
    ]
