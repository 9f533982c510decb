"""How the market changes over the period: what a model learned at its beginning is a little wrong at its end.

Belongs here: the change of the base rate and of effects. Does not belong here: the effects themselves (people.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import Bools, Floats, Ints, frame, instants

# Logit points from the beginning to the end of the period, centred, so that the middle is as people.py says.
BASE_CHANGE = -0.3
SIZE_CHANGE = 0.3
"""Of ten times as many employees: large companies matter more at the end."""
CHANNEL_CHANGES = (0.0, -0.3, -0.6, 0.0, 0.0, 0.5, 0.0, 0.0)
"""By channel in the order of words.CHANNELS: paid social wears out, events come back."""


def drift_points(moment: Floats, channel: Ints, company_size: Ints) -> Floats:
    """Logit points that come on top of fit_logit's at `moment` (0 at the beginning of the period, 1 at its end)."""
    size = np.clip(np.log10(company_size), 1.0, 4.0) - 2.2
    change = BASE_CHANGE + SIZE_CHANGE * size + np.array(CHANNEL_CHANGES)[channel]
    result: Floats = (moment - 0.5) * change
    return result


def drift_rows(
    first_contact_at: Ints, probability: Floats, is_converted: Bools, starts_at: int, end: int
) -> pl.DataFrame:
    """The truth by twelfth of the period: effects in force at its middle, and what became of those who came in it.

    Columns: starts_at (UTC), base_points and size_points (logit), one `points_<channel>` each, people,
    true_conversion_rate (mean of the probabilities), conversion_rate (share that converts, be it after the end).
    """
    parts = 12
    part = np.clip((first_contact_at - starts_at) * parts // (end - starts_at), 0, parts - 1)
    middle = (np.arange(parts) + 0.5) / parts - 0.5
    people = np.bincount(part, minlength=parts)
    share = 1.0 / np.maximum(people, 1)
    return frame(
        {
            "starts_at": instants(
                starts_at + np.arange(parts, dtype=np.int64) * ((end - starts_at) // parts)
            ),
            "base_points": BASE_CHANGE * middle,
            "size_points": SIZE_CHANGE * middle,
            **{
                f"points_{name.lower().replace(' ', '_').replace('-', '')}": change * middle
                for name, change in zip(w.CHANNELS, CHANNEL_CHANGES, strict=True)
            },
            "people": people,
            "true_conversion_rate": np.bincount(part, probability, parts) * share,
            "conversion_rate": np.bincount(part, is_converted.astype(np.float64), parts) * share,
        }
    )
