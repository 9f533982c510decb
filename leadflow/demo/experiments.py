"""A/B tests on the web site, with effects that are known.

Belongs here: who is shown what and what they then do, and the truth of it. Does not belong here: the funnel; what an
experiment changes is an outcome of its own, so that its true effect is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo.columns import SECONDS_PER_DAY, Ints, blank, frame, ids, instants, words
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions

VARIANTS = ("control", "treatment")


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name, outcome: as the file has them.
        days: first and last day of the period it runs on, counted from the end.
        probability: true probability of the outcome, control and treatment.
        treatment_share: of those exposed; other than 0.5 the split is broken, which a fair analysis has to notice.
    """

    name: str
    outcome: str
    days: tuple[int, int]
    probability: tuple[float, float]
    treatment_share: float = 0.5


EXPERIMENTS = (
    Experiment("short_demo_form", "demo_booked", (150, 10), (0.08, 0.11)),
    Experiment("green_button", "pricing_clicked", (120, 20), (0.2, 0.2)),
    Experiment("chat_on_pricing", "chat_started", (90, 5), (0.1, 0.1), treatment_share=0.44),
)
"""One that works, one that does not, and one whose split is broken."""


def ab_event_rows(
    rng: np.random.Generator, rows: Ints, submissions: Submissions, people: People, end: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Exposures and outcomes of the submissions at `rows` in time order, and their counts.

    Counts: experiment, variant, exposed_count, outcome_count; the latter up to `end`, as is everything.
    """
    # Visitors are drawn, and a visitor who comes again is not drawn twice.
    firsts = rows[~submissions.is_repeat[rows]]
    created_at = submissions.created_at[firsts]
    events, counts = [], []
    for number, experiment in enumerate(EXPERIMENTS):
        first_day, last_day = experiment.days
        is_in = (created_at >= end - first_day * SECONDS_PER_DAY) & (
            created_at < end - last_day * SECONDS_PER_DAY
        )
        shown = firsts[is_in]
        variant = (rng.random(len(shown)) < experiment.treatment_share).astype(np.int64)
        does = rng.random(len(shown)) < np.array(experiment.probability)[variant]
        exposed_at = created_at[is_in] - rng.integers(30, 3_600, len(shown))
        done_at = exposed_at + rng.integers(5, 1_800, len(shown))
        does &= done_at <= end
        for kind, members, moments in (
            ("exposed", shown, exposed_at),
            (experiment.outcome, shown[does], done_at[does]),
        ):
            # The form's id is known from the form on; before, the visitor is all there is.
            is_unknown_yet = moments < submissions.created_at[members]
            events.append(
                frame(
                    {
                        "event_id": ids(f"X{number}{kind[0]}", members),
                        "experiment": pl.repeat(experiment.name, len(members), eager=True),
                        "variant": words(VARIANTS, variant if kind == "exposed" else variant[does]),
                        "event": pl.repeat(kind, len(members), eager=True),
                        "visitor": ids("v", submissions.visitor[members]),
                        "form_id": ids("F", members, missing=is_unknown_yet),
                        # Who has left an address is logged in now and then.
                        "login": blank(
                            people.email.gather(submissions.person[members]),
                            is_unknown_yet | (members % 10 > 0),
                        ),
                        "timestamp": instants(moments),
                    }
                )
            )
        counts.append(
            frame(
                {
                    "experiment": pl.repeat(experiment.name, 2, eager=True),
                    "variant": list(VARIANTS),
                    "exposed_count": np.bincount(variant, minlength=2),
                    "outcome_count": np.bincount(variant[does], minlength=2),
                }
            )
        )
    return pl.concat(events).sort("timestamp", "event_id"), pl.concat(counts)


def experiment_truth(counts: pl.DataFrame) -> pl.DataFrame:
    """The truth by experiment and variant: the counts summed, with what they were drawn from.

    Columns: experiment, variant, exposed_count, outcome_count, outcome, true_probability, true_effect (treatment less
    control), has_effect, intended_share, true_share.
    """
    truth = [
        {
            "experiment": experiment.name,
            "variant": variant,
            "outcome": experiment.outcome,
            "true_probability": probability,
            "true_effect": round(experiment.probability[1] - experiment.probability[0], 6),
            "has_effect": experiment.probability[1] != experiment.probability[0],
            "intended_share": 0.5,
            "true_share": share,
        }
        for experiment in EXPERIMENTS
        for variant, probability, share in zip(
            VARIANTS,
            experiment.probability,
            (1 - experiment.treatment_share, experiment.treatment_share),
            strict=True,
        )
    ]
    summed = counts.group_by("experiment", "variant", maintain_order=True).sum()
    return summed.join(pl.DataFrame(truth), on=["experiment", "variant"], how="left", maintain_order="left")
