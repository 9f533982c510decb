"""The models that compete, and which of them is chosen.

Belongs here: the list of candidates, fitting one, and the choice by how they rank leads later than those they learned
from. Does not belong here: how each is fitted (linear.py, trees.py), what the chosen one is then measured on
(scoring/training.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling.columns import Encoding, FeatureSpec, Floats
from leadflow.modelling.evaluate import Labels, bootstrap_standard_error, roc_auc
from leadflow.modelling.fit import Examples
from leadflow.modelling.linear import LinearModel, fit_linear
from leadflow.modelling.splits import sampled_leads
from leadflow.modelling.trees import TreeModel, fit_trees
from leadflow.policy import Training

Estimator = LinearModel | TreeModel
Outcomes = tuple[Labels, NDArray[Any]]
"""Label and lead of each row of a slice."""
Family = Literal["logistic", "forest", "boosting"]


BEYOND_NOISE = 1.96
"""Standard errors that a more complex candidate has to be better by."""


@dataclass(frozen=True)
class Candidate:
    """A family of models, and how it reads categories."""

    family: Family
    encoding: Encoding

    @property
    def name(self) -> str:
        """Such as 'logistic regression on win rates'."""
        families = {
            "logistic": "logistic regression",
            "forest": "random forest",
            "boosting": "gradient boosting",
        }
        how = {"rates": "win rates", "one_hot": "indicators"}
        return f"{families[self.family]} on {how[self.encoding]}"

    def fit(self, examples: Examples, *, explains: bool = True) -> Estimator | None:
        """The candidate fitted on examples; None where no feature varies.

        Args:
            explains: False where it will only rank, and nobody asks it what a feature adds.
        """
        if self.family == "logistic":
            return fit_linear(examples, self.encoding)
        return fit_trees(examples, self.encoding, self.family, explains=explains)


SIMPLEST_FIRST = (
    Candidate("logistic", "rates"),
    Candidate("logistic", "one_hot"),
    Candidate("boosting", "rates"),
    Candidate("boosting", "one_hot"),
    Candidate("forest", "rates"),
    Candidate("forest", "one_hot"),
)
"""Every candidate; of those that rank as well as the best beyond noise the first is chosen."""


@dataclass(frozen=True)
class Result:
    """How a candidate did on one slice of leads that it had not learned from.

    Attributes:
        probabilities: of the slice's rows, in their order.
    """

    candidate: Candidate
    probabilities: Floats
    auc: float


def candidates(features: FeatureSpec, settings: Training, wins: int) -> tuple[Candidate, ...]:
    """The candidates that the policy lets compete; trees only from settings.trees_from_wins won leads on.

    Without categories there is one encoding. Never none: where nothing else may compete the simplest does.
    """
    encodings = ("rates", "one_hot") if features.categorical else ("rates",)
    entered = tuple(
        candidate
        for candidate in SIMPLEST_FIRST
        if candidate.family in settings.candidates
        and candidate.encoding in encodings
        and (candidate.family == "logistic" or wins >= settings.trees_from_wins)
    )
    return entered or SIMPLEST_FIRST[:1]


def race(
    earlier: pl.DataFrame,
    later: pl.DataFrame,
    features: FeatureSpec,
    settings: Training,
    entered: Sequence[Candidate],
) -> list[Result]:
    """How each candidate, fitted on the earlier examples, ranks the later ones; those that find nothing to fit are gone.

    Of more than settings.race_examples earlier examples whole leads, evenly over time, are learned from: what wins there is
    then fitted on all.

    Args:
        earlier, later: lead_id, as_of, label and the features; wins and others in both.
    """
    sample = sampled_leads(earlier, settings.race_examples)
    if sample["label"].n_unique() < 2:
        sample = earlier
    labels = later["label"].to_numpy()
    examples = Examples(sample, features, settings)
    results = []
    for candidate in entered:
        estimator = candidate.fit(examples, explains=False)
        if estimator is not None:
            told = estimator.probability(estimator.log_odds(later))
            results.append(Result(candidate, told, roc_auc(labels, told)))
    return results


def choose(slices: Sequence[Sequence[Result]], outcomes: Sequence[Outcomes], settings: Training) -> Candidate:
    """The simplest candidate that the best, by mean AUC over the slices, does not beat beyond noise.

    Among several candidates the best on few wins is often best by luck. As in the rule of one standard error (Breiman and
    others 1984) the simpler one is kept unless more is shown: here a paired difference, by resampling leads, beyond the 95 %
    that chance would give. The mean over
    slices is a measure within periods: a candidate that only tells periods apart gains nothing.

    Args:
        slices: per slice the results of all candidates, simplest first, at least one.
        outcomes: labels and leads of each slice's rows.
    """
    means = np.mean([[result.auc for result in results] for results in slices], axis=0).round(9)
    best = int(np.argmax(means))
    for at in range(best):
        errors = [
            bootstrap_standard_error(
                labels,
                results[best].probabilities,
                results[at].probabilities,
                leads,
                settings.bootstrap_samples,
                settings.seed,
            )
            for results, (labels, leads) in zip(slices, outcomes, strict=True)
        ]
        if means[best] - means[at] <= BEYOND_NOISE * np.sqrt(np.square(errors).sum()) / len(errors):
            best = at
            break
    return slices[0][best].candidate


def estimator_from_dict(content: dict[str, Any]) -> Estimator:
    """The model that either kind's `to_dict` wrote."""
    return LinearModel.from_dict(content) if content["kind"] == "linear" else TreeModel.from_dict(content)
