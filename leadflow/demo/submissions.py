"""When leads arrive, and when they come again.

Belongs here: arrival times and repeat submissions. Does not belong here: who the people are (people.py), what they type
(forms.py) and what they do before and after (journeys.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadflow.demo import words as w
from leadflow.demo.columns import SECONDS_PER_DAY, SECONDS_PER_HOUR, Bools, Ints, choose

HISTORY_DAYS = 365
REPEAT_SHARE = 0.06
MESSY_REPEAT_SHARE = 0.12
INVALID_EMAIL_SHARE = 0.026
NO_EMAIL_SHARE = 0.032
_YEARLY_GROWTH = 0.6
_WEEKDAY_WEIGHTS = np.array([1.05, 1.2, 1.15, 1.1, 0.85, 0.3, 0.35])  # Monday first
_HOUR_WEIGHTS = np.array(
    [2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 10, 9, 10, 11, 10, 9, 7, 6, 5, 4, 4, 3, 3], dtype=float
)


@dataclass(frozen=True)
class Submissions:
    """Arrays with one item per form submission, in the order of their time.

    Attributes:
        person: index of the person; visitor: number of the web visitor (a repeat may come on another device).
        created_at: seconds since 1970; channel: index into words.CHANNELS.
        is_repeat: the person has sent a form before.
        has_email, has_valid_email: an address was given; and it is syntactically valid.
        ip: 32-bit address; network: index into fakes.NETWORKS.
    """

    person: Ints
    visitor: Ints
    created_at: Ints
    channel: Ints
    is_repeat: Bools
    has_email: Bools
    has_valid_email: Bools
    ip: npt.NDArray[np.uint32]
    network: Ints

    def __len__(self) -> int:
        """Number of submissions."""
        return len(self.person)


def arrival_times(rng: np.random.Generator, count: int, end: int) -> Ints:
    """`count` moments, sorted, in the year before `end` (both in seconds since 1970).

    Arrivals grow by 60 % over the year, follow the working week and the working day (UTC), and stop five minutes
    before `end`.
    """
    hours = np.arange(HISTORY_DAYS * 24)
    starts = end - HISTORY_DAYS * SECONDS_PER_DAY + hours * SECONDS_PER_HOUR
    weekday = (starts // SECONDS_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday
    growth = 1.0 + _YEARLY_GROWTH * hours / hours[-1]
    weight = growth * _WEEKDAY_WEIGHTS[weekday] * _HOUR_WEIGHTS[starts // SECONDS_PER_HOUR % 24]
    moments = starts[choose(rng, weight, count)] + rng.integers(0, SECONDS_PER_HOUR, count)
    return np.sort(np.minimum(moments, end - 300))


def make_submissions(
    rng: np.random.Generator, count: int, end: int, repeat_share: float = REPEAT_SHARE
) -> Submissions:
    """`count` submissions in the year before `end`; people are numbered in the order of their first one.

    The last arrives between five minutes and an hour before `end`, so that the newest fact is always fresh. A
    channel of -1 stands for the person's own channel.
    """
    created_at = arrival_times(rng, count, end)
    created_at[-1] = max(created_at[-1], end - rng.integers(300, 3_300))
    kind = choose(
        rng, (INVALID_EMAIL_SHARE, NO_EMAIL_SHARE, 1.0 - INVALID_EMAIL_SHARE - NO_EMAIL_SHARE), count
    )
    wants_repeat = rng.random(count) < repeat_share
    # A repeat goes back to the submission that was the newest some time ago, and needs its address to be told by.
    candidates = np.flatnonzero(~wants_repeat & (kind == 2))
    looks_back_to = created_at - (rng.exponential(30.0, count) * SECONDS_PER_DAY).astype(np.int64)
    position = np.searchsorted(created_at[candidates], looks_back_to, side="right") - 1
    is_repeat = wants_repeat & (position >= 0)
    first = candidates[np.maximum(position, 0)] if len(candidates) else np.zeros(count, dtype=np.int64)
    own = np.cumsum(~is_repeat) - 1
    has_same_device = rng.random(count) < 0.7
    index = np.arange(count, dtype=np.int64)
    return Submissions(
        person=np.where(is_repeat, own[first], own),
        visitor=np.where(is_repeat & has_same_device, first, index),
        created_at=created_at,
        channel=np.where(is_repeat, choose(rng, w.CHANNEL_WEIGHTS, count), -1),
        is_repeat=is_repeat,
        has_email=is_repeat | (kind != 1),
        has_valid_email=is_repeat | (kind == 2),
        ip=rng.integers(0, 2**32, count, dtype=np.uint32),
        network=np.zeros(count, dtype=np.int64),
    )
