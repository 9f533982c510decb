"""What leads do in the product: on trial, and once they have bought.

Belongs here: the product's usage log. Does not belong here: the web site and e-mails (journeys.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import SECONDS_PER_DAY, Ints, choose, frame, ids, instants, logit, sigmoid, words
from leadflow.demo.pace import Pace, draw_days, later, share_before, whole_seconds
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions

TRIAL_SHARE = 0.15
TRIAL_DAYS = 14.0
_PAID_PACE: Pace = ((1.0, 40.0),)


def product_usage_rows(
    rng: np.random.Generator,
    rows: Ints,
    submissions: Submissions,
    people: People,
    converted_at: Ints,
    end: int,
) -> pl.DataFrame:
    """The product's usage log: trials (about 15 % of the people, the keener more often), and use after a purchase.

    `converted_at` (seconds, per person) is beyond `end` for those who have not bought by then; paid use begins there.
    """
    first = rows[~submissions.is_repeat[rows]]
    person = submissions.person[first]
    intent = people.intent[person]
    is_trial = (rng.random(len(first)) < sigmoid(logit(TRIAL_SHARE) - 0.05 + 0.8 * intent)) & (
        submissions.has_valid_email[first]
    )
    starts_at = submissions.created_at[first] + later(rng, len(first), hours=48.0)
    trial_uses = np.where(is_trial, rng.poisson(6.0 * np.exp(0.3 * intent)), 0)
    days_paid = np.maximum(end - converted_at[person], 0) / SECONDS_PER_DAY
    paid_uses = rng.poisson(8.0 * share_before(_PAID_PACE, days_paid))
    trial, paid = np.repeat(np.arange(len(first)), trial_uses), np.repeat(np.arange(len(first)), paid_uses)
    seconds = np.concatenate(
        [
            starts_at[trial] + whole_seconds(rng.random(len(trial)) * TRIAL_DAYS),
            converted_at[person[paid]] + whole_seconds(draw_days(rng, _PAID_PACE, days_paid[paid])),
        ]
    )
    use = np.concatenate([trial, paid])
    minutes = 10.0 * np.exp(0.35 * intent[use] + 0.7 * rng.normal(size=len(use)))
    order = np.argsort(seconds, kind="stable")
    order = order[seconds[order] <= end]
    use_person = person[use[order]]
    return frame(
        {
            "form_id": ids("F", first[use[order]]),
            "login": people.email.gather(use_person),
            "feature": words(w.FEATURES, choose(rng, (0.3, 0.2, 0.2, 0.15, 0.1, 0.05), len(order))),
            "plan": words(("trial", "paid"), (order >= len(trial)).astype(np.int64)),
            "minutes": np.round(minutes[order], 1),
            "timestamp": instants(seconds[order]),
        }
    )
