"""The sales reps: who they are, and what they say of the leads they worked.

Belongs here: reps and their feedback. Does not belong here: what becomes of the leads (sales.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import mess_words as mess
from leadflow.demo import words as w
from leadflow.demo.columns import SECONDS_PER_DAY, Bools, Floats, blank, frame, instants, nested_words, words

RATED_SHARE = 0.4
"""Of calls and meetings, those after which the rep rates the lead."""
_RATING_BOUNDS = (-1.2, -0.4, 0.5, 1.4)


def rep_rows(rng: np.random.Generator, starts_at: int) -> pl.DataFrame:
    """The list of reps; a rep's key is the name that owns leads elsewhere. One has left, and still owns leads."""
    count = len(w.REPS)
    number = np.arange(count, dtype=np.int64)
    return frame(
        {
            "Rep": pl.Series(w.REPS),
            "Name": pl.Series(w.REPS),
            "Email": pl.Series([f"rep{index + 1}@vendor.example" for index in range(count)]),
            "Team": words(mess.TEAMS, number % len(mess.TEAMS)),
            "Region": words(mess.REGIONS, number % len(mess.REGIONS)),
            "Capacity": rng.integers(8, 25, count) * 10,
            "Active": words(("yes", "no"), (number == 5).astype(np.int64)),
            "Since": instants(starts_at - rng.integers(30, 2_000, count) * SECONDS_PER_DAY),
        }
    )


def feedback_columns(rng: np.random.Generator, intent: Floats, is_talk: Bools) -> dict[str, pl.Series]:
    """A rating from 1 to 5 after some of the talks, informative and noisy, and now and then words to it."""
    count = len(intent)
    level = np.digitize(intent + 1.1 * rng.normal(size=count), _RATING_BOUNDS)
    is_rated = is_talk & (rng.random(count) < RATED_SHARE)
    said = nested_words(mess.FEEDBACK, level.astype(np.int64), rng.random(count))
    return {
        "Lead Rating": blank(pl.Series(1 + level), ~is_rated),
        "Feedback": blank(said, ~is_rated | (rng.random(count) < 0.5)),
    }
