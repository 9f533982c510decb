"""Training: which past leads are learned from, which candidate is chosen, and how it is measured on later ones.

The candidates compete on slices of the training period, each on leads later than those it was fitted on. The chosen one is
fitted on all leads before the newest and measured on the newest, which no choice has looked at; then it is fitted again
on all for use (docs/adr/0014-how-a-model-is-chosen.md).

Belongs here: gates, the order of these steps, measuring. Does not belong here: the candidates (modelling/), the file
(model.py), when a model is trained (champion.py).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from leadflow.modelling import evaluate
from leadflow.modelling.calibration import choose_calibration
from leadflow.modelling.candidates import SIMPLEST_FIRST, Candidate, Result, candidates, choose, race
from leadflow.modelling.columns import FeatureSpec, Floats, significant
from leadflow.modelling.fit import Examples
from leadflow.modelling.splits import forward_slices, settled, split_forward
from leadflow.policy import Blend, Training
from leadflow.scoring.blend import Scale, model_weight
from leadflow.scoring.measuring import Told, evaluate_newest, pooled, span, won
from leadflow.scoring.model import CandidateResult, Fallback, TrainedModel

QUANTILES = 101
"""The reference scale has one point per percent."""
_LEAST_FOR_REFERENCE = 200
"""Examples below which the reference scale is taken from the fitted examples themselves."""


def train(
    examples: pl.DataFrame, features: FeatureSpec, settings: Training, blend: Blend | None = None
) -> TrainedModel | Fallback:
    """A model of winning, or why there is none: `train_measured` without the rows it was measured on."""
    return train_measured(examples, features, settings, blend)[0]


def train_measured(
    examples: pl.DataFrame, features: FeatureSpec, settings: Training, blend: Blend | None = None
) -> tuple[TrainedModel | Fallback, pl.DataFrame | None]:
    """A model of winning, or why there is none, and what was said of the newest leads.

    The newest `test_share` of leads, by their first moment, are the test; leads of one moment stay together. What a
    training lead was at or after the first test moment is not learned from when measuring. Each lead weighs the same,
    however many moments it was seen at.

    Args:
        examples: lead_id, as_of, label (null: not known yet, left out), the features, and optionally `rule_score`
            at that moment (a column that is then measured and scaled too).
        blend: how rules and model are mixed, for measuring the mixed score.

    Returns:
        The model, and the newest examples: lead_id, as_of, label, `challenger` (the probability by the model fitted before
        them) and `score` (0-100, mixed; null without rule scores); None where nothing was measured.

    Raises:
        LeadflowError: a feature is missing or of the wrong type.
    """
    known = labelled(examples, features, settings)
    refusal = too_little(known, settings)
    if refusal is not None:
        return Fallback(refusal, wins=won(known)), None
    before, after = split_forward(known, settings)
    for part, name in ((before, "before the test period"), (after, "in the test period")):
        if part["label"].n_unique() < 2:
            return Fallback(
                f"too little to measure by: {won(part)} won leads and {_not_won(part)} others {name}; both are needed",
                wins=won(known),
            ), None
    entered = candidates(features, settings, won(before))
    slices = forward_slices(before, settings)
    results = [race(earlier, later, features, settings, entered) for earlier, later in slices]
    chosen = _chosen(slices, results, entered, settings)
    estimator = chosen.fit(Examples(before, features, settings))
    if estimator is None:
        return Fallback(
            "nothing to learn from: every feature has one value for all leads before the test period",
            wins=won(known),
        ), None
    told = [
        Told(later, result.probabilities)
        for (_, later), of_slice in zip(slices, results, strict=True)
        for result in of_slice
        if result.candidate == chosen
    ]
    calibration = choose_calibration([part.judged for part in told])
    newest = Told(after, calibration.apply(estimator.probability(estimator.log_odds(after))))

    final = chosen.fit(Examples(known, features, settings))
    if final is None:
        return Fallback(
            "nothing to learn from: every feature has one value for all leads", wins=won(known)
        ), None
    reference = pooled([*(Told(part.rows, calibration.apply(part.probabilities)) for part in told), newest])
    if reference.rows.height < _LEAST_FOR_REFERENCE:
        reference = Told(known, calibration.apply(final.probability(final.log_odds(known))))
    quantiles = reference_quantiles(reference.probabilities)
    has_rules = "rule_score" in known.columns
    rule_quantiles = reference_quantiles(known["rule_score"].to_numpy()) if has_rules else None

    mixed = None
    if has_rules and rule_quantiles is not None:
        scale = Scale(model_weight(won(before), blend or Blend()), rule_quantiles, quantiles)
        mixed = scale.mixed(after["rule_score"].to_numpy(), newest.probabilities)
    evaluation = evaluate_newest(
        before,
        newest,
        mixed,
        settings,
        _compared(before, newest, results, entered, chosen, features, settings),
    )
    if not evaluation.auc_low > 0.5:
        return Fallback(
            f"no skill: AUC {evaluation.auc:.3f} on the newest leads, 95 % interval {evaluation.auc_low:.3f} to "
            f"{evaluation.auc_high:.3f}, does no better than chance (0.5)",
            evaluation,
            wins=won(known),
        ), None
    added = estimator.contributions(after)
    sizes = {name: significant(float(added[name].abs().mean()), 6) for name in added.columns}  # type: ignore[arg-type]
    model = TrainedModel(
        estimator=final,
        calibration=calibration,
        wins=won(known),
        leads=known["lead_id"].n_unique(),
        examples=known.height,
        horizon_days=settings.horizon_days,
        label_settled_at=span(known)[1] + timedelta(days=settings.horizon_days),
        probability_quantiles=quantiles,
        rule_quantiles=rule_quantiles,
        evaluation=evaluation,
        importance=sizes,
    )
    held_out = after.select(
        "lead_id",
        "as_of",
        "label",
        challenger=pl.Series(newest.probabilities),
        score=pl.lit(None, dtype=pl.Float64) if mixed is None else pl.Series(mixed),
    )
    return model, held_out


def labelled(examples: pl.DataFrame, features: FeatureSpec, settings: Training) -> pl.DataFrame:
    """Examples whose label is known, in an order that does not depend on how they came."""
    chosen = settled(examples, settings)
    kept = ["lead_id", "as_of", "label", *dict.fromkeys([*features.numeric, *features.categorical])]
    kept += ["rule_score"] if "rule_score" in examples.columns and "rule_score" not in kept else []
    present = [name for name in kept if name in chosen.columns]
    return chosen.select(present).sort("as_of", "lead_id", "label", maintain_order=True)


def _not_won(examples: pl.DataFrame) -> int:
    return examples["lead_id"].n_unique() - won(examples)


def too_little(known: pl.DataFrame, settings: Training) -> str | None:
    """What is missing for a training, or None; of labelled examples."""
    if known.is_empty():
        return (
            f"no labelled examples: no lead is {settings.horizon_days} days old yet, or none has an outcome"
        )
    wins, others = won(known), _not_won(known)
    if wins < settings.minimum_wins:
        return f"too few won leads: {wins}, where the policy asks for {settings.minimum_wins}"
    if others < settings.minimum_not_won:
        return (
            f"too few leads that were not won: {others}, where the policy asks for {settings.minimum_not_won}"
        )
    return None


def _chosen(
    slices: list[tuple[pl.DataFrame, pl.DataFrame]],
    results: list[list[Result]],
    entered: tuple[Candidate, ...],
    settings: Training,
) -> Candidate:
    """The candidate that wins on the slices; the simplest where there is nothing to tell them apart by."""
    if len(entered) == 1 or not results or any(len(of_slice) != len(entered) for of_slice in results):
        return entered[0]
    outcomes = [(later["label"].to_numpy(), later["lead_id"].to_numpy()) for _, later in slices]
    return choose(results, outcomes, settings)


def _compared(
    before: pl.DataFrame,
    newest: Told,
    results: list[list[Result]],
    entered: tuple[Candidate, ...],
    chosen: Candidate,
    features: FeatureSpec,
    settings: Training,
) -> tuple[CandidateResult, ...]:
    """All candidates on the newest leads; the chosen one as it is used, calibrated and fitted on all before."""
    labels, leads = newest.labels, newest.leads
    others = race(before, newest.rows, features, settings, [one for one in entered if one != chosen])
    told = {result.candidate: result.probabilities for result in others} | {chosen: newest.probabilities}
    rows = []
    for candidate in (one for one in SIMPLEST_FIRST if one in told):
        slices = [result.auc for of_slice in results for result in of_slice if result.candidate == candidate]
        low, high = evaluate.bootstrap_auc(
            labels, told[candidate], leads, settings.bootstrap_samples, settings.seed
        )
        rows.append(
            CandidateResult(
                candidate.family,
                candidate.encoding,
                candidate.name,
                candidate == chosen,
                significant(float(np.mean(slices))) if slices else None,
                significant(evaluate.roc_auc(labels, told[candidate])),
                significant(low),
                significant(high),
                significant(evaluate.average_precision(labels, told[candidate])),
                significant(evaluate.log_loss(labels, told[candidate])),
            )
        )
    return tuple(rows)


def reference_quantiles(values: Floats) -> tuple[float, ...]:
    """The QUANTILES evenly spaced quantiles that scores are put on the common scale by."""
    return tuple(significant(value) for value in np.quantile(values, np.linspace(0, 1, QUANTILES)).tolist())
