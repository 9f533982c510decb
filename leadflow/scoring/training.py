"""Training: which past leads are learned from, which candidate is chosen, and how it is measured on later ones.

The candidates compete on slices of the training period, each on leads later than those it was fitted on. The chosen one is
fitted on all leads before the newest and measured on the newest, which no choice has looked at; then it is fitted again
on all for use (docs/adr/0014-how-a-model-is-chosen.md).

Belongs here: gates, the order of these steps, measuring. Does not belong here: the candidates (modelling/), the file
(model.py), when a model is trained (champion.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling import evaluate
from leadflow.modelling.calibration import (
    calibration_band,
    calibration_curve,
    choose_calibration,
    expected_calibration_error,
)
from leadflow.modelling.candidates import SIMPLEST_FIRST, Candidate, Result, candidates, choose, race
from leadflow.modelling.columns import FeatureSpec, Floats, significant
from leadflow.modelling.evaluate import Labels
from leadflow.modelling.fit import lead_weights
from leadflow.modelling.splits import forward_slices, split_forward
from leadflow.policy import Blend, Training
from leadflow.scoring.blend import combine, model_weight, on_scale
from leadflow.scoring.model import CandidateResult, Evaluation, Fallback, TrainedModel

QUANTILES = 101
"""The reference scale has one point per percent."""
TOP_SHARE = 0.3
_LEAST_FOR_REFERENCE = 200
"""Examples below which the reference scale is taken from the fitted examples themselves."""


@dataclass(frozen=True)
class _Told:
    """Examples, in their order, and what a model that had not learned from them said of each."""

    rows: pl.DataFrame
    probabilities: Floats

    @property
    def labels(self) -> Labels:
        return self.rows["label"].to_numpy()

    @property
    def leads(self) -> NDArray[np.object_]:
        return self.rows["lead_id"].to_numpy()

    @property
    def judged(self) -> tuple[Labels, Floats, Floats]:
        return self.labels, self.probabilities, lead_weights(self.rows)


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
    estimator = chosen.fit(before, features, settings)
    if estimator is None:
        return Fallback(
            "nothing to learn from: every feature has one value for all leads before the test period",
            wins=won(known),
        ), None
    told = [
        _Told(later, result.probabilities)
        for (_, later), of_slice in zip(slices, results, strict=True)
        for result in of_slice
        if result.candidate == chosen
    ]
    calibration = choose_calibration([part.judged for part in told])
    newest = _Told(after, calibration.apply(estimator.probability(estimator.log_odds(after))))

    final = chosen.fit(known, features, settings)
    if final is None:
        return Fallback(
            "nothing to learn from: every feature has one value for all leads", wins=won(known)
        ), None
    reference = _pooled([*(_Told(part.rows, calibration.apply(part.probabilities)) for part in told), newest])
    if reference.rows.height < _LEAST_FOR_REFERENCE:
        reference = _Told(known, calibration.apply(final.probability(final.log_odds(known))))
    quantiles = _quantiles(reference.probabilities)
    has_rules = "rule_score" in known.columns
    rule_quantiles = _quantiles(known["rule_score"].to_numpy()) if has_rules else None

    mixed = None
    if has_rules and rule_quantiles is not None:
        mixed = combine(
            on_scale(after["rule_score"].to_numpy(), rule_quantiles),
            on_scale(newest.probabilities, quantiles),
            model_weight(won(before), blend or Blend()),
        )
    evaluation = _evaluate(
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
        label_settled_at=_span(known)[1] + timedelta(days=settings.horizon_days),
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
    chosen = examples.filter(pl.col("label").is_not_null())
    if settings.from_date is not None:
        chosen = chosen.filter(pl.col("as_of") >= settings.from_date)
    kept = ["lead_id", "as_of", "label", *dict.fromkeys([*features.numeric, *features.categorical])]
    kept += ["rule_score"] if "rule_score" in examples.columns and "rule_score" not in kept else []
    present = [name for name in kept if name in chosen.columns]
    return chosen.select(present).sort("as_of", "lead_id", "label", maintain_order=True)


def won(examples: pl.DataFrame) -> int:
    """Leads that won in any of their examples."""
    return examples.filter("label")["lead_id"].n_unique()


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


def _pooled(parts: list[_Told]) -> _Told:
    if len(parts) == 1:
        return parts[0]
    return _Told(
        pl.concat([part.rows for part in parts]), np.concatenate([part.probabilities for part in parts])
    )


def _compared(
    before: pl.DataFrame,
    newest: _Told,
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


def _evaluate(
    before: pl.DataFrame,
    newest: _Told,
    mixed: Floats | None,
    settings: Training,
    compared: tuple[CandidateResult, ...],
) -> Evaluation:
    after, labels, scores = newest.rows, newest.labels, newest.probabilities
    train_rate = float(before["label"].cast(pl.Float64).to_numpy().mean())
    low, high = evaluate.bootstrap_auc(
        labels, scores, newest.leads, settings.bootstrap_samples, settings.seed
    )
    trained_from, trained_to = _span(before)
    test_from, test_to = _span(after)
    overlap = trained_to + timedelta(days=settings.horizon_days) - test_from
    # One example a lead, drawn: a lead's examples share their outcome, and the band is of independent ones.
    drawn = _one_a_lead(after, settings.seed)
    within = _within_months(newest)
    return Evaluation(
        trained_from=trained_from,
        trained_to=trained_to,
        test_from=test_from,
        test_to=test_to,
        train_examples=before.height,
        train_leads=before["lead_id"].n_unique(),
        train_wins=won(before),
        test_examples=after.height,
        test_leads=after["lead_id"].n_unique(),
        test_wins=won(after),
        base_rate_train=significant(train_rate),
        base_rate_test=significant(float(labels.mean())),
        auc=significant(evaluate.roc_auc(labels, scores)),
        auc_low=significant(low),
        auc_high=significant(high),
        auc_within_months=None if within is None else significant(within),
        average_precision=significant(evaluate.average_precision(labels, scores)),
        log_loss=significant(evaluate.log_loss(labels, scores)),
        log_loss_constant=significant(evaluate.log_loss(labels, np.full(len(labels), train_rate))),
        brier=significant(evaluate.brier(labels, scores)),
        wins_in_top_30_percent=significant(evaluate.gains(labels, scores, TOP_SHARE)),
        rule_auc=significant(evaluate.roc_auc(labels, after["rule_score"].to_numpy()))
        if "rule_score" in after.columns
        else None,
        score_auc=None if mixed is None else significant(evaluate.roc_auc(labels, mixed)),
        calibration_error=significant(expected_calibration_error(labels[drawn], scores[drawn])),
        calibration_band=significant(
            calibration_band(scores[drawn], settings.bootstrap_samples, settings.seed)
        ),
        calibration_curve=tuple(
            (significant(said), significant(share), rows)
            for said, share, rows in calibration_curve(labels[drawn], scores[drawn])
        ),
        label_overlap_days=max(0, -(-overlap // timedelta(days=1))),
        candidates=compared,
    )


def _one_a_lead(rows: pl.DataFrame, seed: int) -> NDArray[np.intp]:
    """Position of one row of each lead, drawn."""
    order = np.random.default_rng(seed).permutation(rows.height)
    _, first = np.unique(rows["lead_id"].to_numpy()[order], return_index=True)
    return np.sort(order[first])


def _within_months(newest: _Told) -> float | None:
    months = newest.rows["as_of"].dt.truncate("1mo").to_numpy()
    aucs, sizes = [], []
    for month in np.unique(months):
        here = months == month
        auc = evaluate.roc_auc(newest.labels[here], newest.probabilities[here])
        if not np.isnan(auc):
            aucs.append(auc)
            sizes.append(int(here.sum()))
    return float(np.average(aucs, weights=sizes)) if aucs else None


def _span(examples: pl.DataFrame) -> tuple[datetime, datetime]:
    moments = examples["as_of"].cast(pl.Datetime("us"))
    first, last = moments.min(), moments.max()
    assert isinstance(first, datetime) and isinstance(last, datetime)  # noqa: PT018
    return first, last


def _quantiles(values: Floats) -> tuple[float, ...]:
    return tuple(significant(value) for value in np.quantile(values, np.linspace(0, 1, QUANTILES)).tolist())
