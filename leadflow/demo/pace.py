"""How fast activity comes and fades: draws from a mixture of exponentials that is cut at a limit.

Belongs here: waiting times. Does not belong here: what happens when the wait is over (journeys.py, sales.py).
"""

from __future__ import annotations

import numpy as np

from leadflow.demo.columns import SECONDS_PER_DAY, SECONDS_PER_HOUR, Floats, Ints

Pace = tuple[tuple[float, float], ...]
"""How activity fades: a mixture of exponentials, each (weight, mean in days)."""


def share_before(pace: Pace, days: Floats) -> Floats:
    """Share of the activity that falls within `days` of the start."""
    return np.sum([weight * -np.expm1(-days / mean) for weight, mean in pace], axis=0)  # type: ignore[no-any-return]


def draw_days(rng: np.random.Generator, pace: Pace, limit: Floats) -> Floats:
    """Days after the start, one draw per item, each below its `limit` (inverse of the truncated distribution)."""
    weights = np.array([weight * -np.expm1(-limit / mean) for weight, mean in pace])
    means = np.array([mean for _, mean in pace])
    pick = rng.random(len(limit)) * weights.sum(axis=0)
    chosen = np.minimum((pick > np.cumsum(weights, axis=0)).sum(axis=0), len(pace) - 1)
    mean = means[chosen]
    days: Floats = -mean * np.log1p(rng.random(len(limit)) * np.expm1(-limit / mean))
    return np.minimum(days, limit)


def whole_seconds(days: Floats) -> Ints:
    """Days as whole seconds, rounded down."""
    seconds: Ints = (days * SECONDS_PER_DAY).astype(np.int64)
    return seconds


def later(rng: np.random.Generator, count: int, *, hours: float) -> Ints:
    """Whole seconds, at least one, exponential with a mean of `hours`."""
    seconds: Ints = 1 + rng.exponential(hours * SECONDS_PER_HOUR, count).astype(np.int64)
    return seconds
