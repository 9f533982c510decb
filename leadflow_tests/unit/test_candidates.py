"""Which model is chosen: that the better one wins when it is shown, and the simpler one when it is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.modelling.calibration import (
    Calibration,
    calibration_band,
    choose_calibration,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
)
from leadflow.modelling.candidates import SIMPLEST_FIRST, Candidate, candidates
from leadflow.modelling.columns import Encoding, FeatureSpec, log_odds
from leadflow.modelling.evaluate import roc_auc
from leadflow.modelling.fit import Examples
from leadflow.modelling.splits import forward_slices
from leadflow.modelling.trees import Family, TreeModel, fit_trees
from leadflow.policy import Training
from leadflow.scoring.blend import on_scale
from leadflow.scoring.model import Fallback, TrainedModel
from leadflow.scoring.training import train

START = datetime.fromisoformat("2024-01-01")
SPEC = FeatureSpec(numeric=["one", "two"], categorical=["kind"])


def settings(**changes: Any) -> Training:
    return Training.model_validate({"bootstrap_samples": 100, "moments_days": [0], **changes})


def leads(chance: str, count: int = 2000, seed: int = 1) -> pl.DataFrame:
    """One lead every two hours; wins follow `linear`, `crossed` (no single feature tells anything) or nothing."""
    generator = np.random.default_rng(seed)
    one, two = generator.normal(size=count), generator.normal(size=count)
    kind = generator.integers(0, 5, count)
    log_odds = {
        "linear": one + two + 0.5 * kind - 3,
        "crossed": 3 * np.sign(one * two) - 1.5,
        "nothing": np.full(count, -1.0),
    }[chance]
    return pl.DataFrame(
        {
            "lead_id": [f"L{lead:05d}" for lead in range(count)],
            "as_of": [START + timedelta(hours=2 * lead) for lead in range(count)],
            "label": generator.random(count) < 1 / (1 + np.exp(-log_odds)),
            "one": one,
            "two": [None if lead % 17 == 0 else value for lead, value in enumerate(two)],
            "kind": [f"kind {value}" for value in kind],
        }
    )


def test_a_simple_truth_is_told_by_the_simplest_model():
    outcome = train(leads("linear"), SPEC, settings())
    assert isinstance(outcome, TrainedModel)
    (chosen,) = [one for one in outcome.evaluation.candidates if one.is_chosen]
    assert (chosen.family, chosen.encoding) == ("logistic", "rates")
    assert len(outcome.evaluation.candidates) == len(SIMPLEST_FIRST)
    assert chosen.auc == outcome.evaluation.auc


def test_trees_are_chosen_where_only_they_can_tell():
    outcome = train(leads("crossed"), SPEC, settings())
    assert isinstance(outcome, TrainedModel)
    by_family = {one.family: one for one in outcome.evaluation.candidates}
    assert by_family["logistic"].auc < 0.6
    (chosen,) = [one for one in outcome.evaluation.candidates if one.is_chosen]
    assert chosen.family in ("boosting", "forest")
    assert outcome.evaluation.auc > 0.85
    again = TrainedModel.from_json(outcome.to_json())
    assert again.version == outcome.version
    rows = leads("crossed", seed=2)
    assert again.predict(rows).equals(outcome.predict(rows))


def test_the_same_trees_grow_from_the_same_leads_in_any_order():
    rows = leads("crossed")
    once, again = (
        train(rows, SPEC, settings()),
        train(rows.sample(fraction=1, shuffle=True, seed=3), SPEC, settings()),
    )
    assert isinstance(once, TrainedModel)
    assert isinstance(again, TrainedModel)
    assert once.to_json() == again.to_json()


@pytest.mark.parametrize("family", ["forest", "boosting"])
@pytest.mark.parametrize("encoding", ["rates", "one_hot"])
def test_what_trees_add_is_exact(family: Family, encoding: Encoding):
    model = fit_trees(Examples(leads("linear"), SPEC, settings()), encoding, family)
    assert model is not None
    rows = leads("linear", count=300, seed=9)
    added = model.contributions(rows)
    assert added.columns == ["one", "two", "kind"]
    total = model.baseline + added.sum_horizontal().to_numpy()
    assert total == pytest.approx(model.log_odds(rows), abs=1e-4)  # the trees count in single precision
    assert roc_auc(rows["label"].to_numpy(), model.log_odds(rows)) > 0.75
    again = TreeModel.from_dict(model.to_dict())
    assert np.array_equal(again.log_odds(rows), model.log_odds(rows))
    chances = model.probability(model.log_odds(rows))
    assert ((chances > 0) & (chances < 1)).all()
    assert (np.diff(chances[np.argsort(model.log_odds(rows))]) >= 0).all()


@pytest.mark.parametrize("family", ["forest", "boosting"])
def test_trees_survive_what_training_never_saw(family: Family):
    model = fit_trees(Examples(leads("linear"), SPEC, settings()), "one_hot", family)
    assert model is not None
    odd = pl.DataFrame(
        {
            "one": [0.0, float("inf"), float("nan"), None, 1e300],
            "two": [None, None, 0.0, 0.0, 0.0],
            "kind": ["kind 1", "never seen", None, "kind 2", ""],
        }
    )
    told = model.log_odds(odd)
    assert np.isfinite(told).all()
    assert model.contributions(odd).null_count().sum_horizontal().item() == 0


def test_trees_compete_only_where_wins_suffice():
    assert {one.family for one in candidates(SPEC, settings(), 119)} == {"logistic"}
    assert {one.family for one in candidates(SPEC, settings(), 120)} == {"logistic", "boosting", "forest"}
    assert candidates(SPEC, settings(candidates=["boosting"]), 10) == (Candidate("logistic", "rates"),)
    without = FeatureSpec(numeric=["one"], categorical=[])
    assert {one.encoding for one in candidates(without, settings(), 500)} == {"rates"}


def test_slices_lie_behind_each_other_and_share_no_lead():
    rows = pl.concat(
        [leads("linear"), leads("linear").with_columns(as_of=pl.col("as_of") + pl.duration(days=7))]
    )
    slices = forward_slices(rows, settings())
    assert len(slices) == 3
    for earlier, later in slices:
        assert not set(earlier["lead_id"]) & set(later["lead_id"])
        first_seen = later.group_by("lead_id").agg(pl.col("as_of").min())["as_of"].min()
        assert earlier["as_of"].max() < first_seen
    seen = pl.concat([later["lead_id"].unique() for _, later in slices])
    assert seen.n_unique() == len(seen)


def test_chance_passes_for_skill_in_one_of_twenty_at_most():
    """After the choice among the candidates, too."""
    claimed = [
        seed
        for seed in range(20)
        if isinstance(
            train(
                leads("nothing", count=700, seed=seed), SPEC, settings(candidates=["logistic", "boosting"])
            ),
            TrainedModel,
        )
    ]
    assert len(claimed) <= 1


@pytest.mark.parametrize("wins", [0, 10])
def test_one_kind_of_outcome_or_ten_wins_give_no_model(wins: int):
    rows = leads("linear").with_columns(label=pl.int_range(pl.len()) % 200 < wins / 10)
    outcome = train(rows, SPEC, settings())
    assert isinstance(outcome, Fallback)
    assert f"too few won leads: {10 if wins else 0}" in outcome.reason


def _drawn(chances: np.ndarray, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).random(len(chances)) < chances


def test_calibration_repairs_a_model_that_is_too_sure_and_only_then():
    true = np.random.default_rng(1).uniform(0.02, 0.6, 6000)
    labels, weights = _drawn(true), np.ones(6000)
    too_sure = 1 / (1 + np.exp(-2.5 * log_odds(true)))
    thirds = [slice(at, at + 2000) for at in (0, 2000, 4000)]
    chosen = choose_calibration([(labels[part], too_sure[part], weights[part]) for part in thirds])
    assert chosen.kind in ("platt", "isotonic")
    later = np.random.default_rng(8).uniform(0.02, 0.6, 4000)
    outcomes, told = _drawn(later, 9), 1 / (1 + np.exp(-2.5 * log_odds(later)))
    corrected = chosen.apply(told)
    assert expected_calibration_error(outcomes, corrected) < 0.5 * expected_calibration_error(outcomes, told)
    assert roc_auc(outcomes, corrected) == pytest.approx(roc_auc(outcomes, told), abs=0.01)
    as_it_should_be = choose_calibration([(labels[part], true[part], weights[part]) for part in thirds])
    assert as_it_should_be.kind == "none"
    assert Calibration.from_dict(chosen.to_dict()) == chosen


def test_no_correction_is_learned_from_a_base_rate_that_moves():
    """Twice as many win as the model says, after none too few: a correction would only chase the last move."""
    chances = [np.random.default_rng(seed).uniform(0.1, 0.3, 3000) for seed in range(3)]
    moved = [
        (_drawn(np.clip(chance * times, 0, 1), seed), chance, np.ones(3000))
        for seed, (chance, times) in enumerate(zip(chances, (1.4, 1.8, 2.4), strict=True))
    ]
    assert choose_calibration(moved).kind == "none"
    steady = [(_drawn(chance * 2, seed), chance, np.ones(3000)) for seed, chance in enumerate(chances)]
    assert choose_calibration(steady).kind != "none"
    assert choose_calibration(steady[:1]).kind == "none"  # nothing later to judge by


def test_a_correction_that_turns_the_order_round_is_none():
    chances = np.linspace(0.1, 0.9, 500)
    labels = _drawn(1 - chances)
    assert fit_platt(labels, chances, np.ones(500)).kind == "none"
    assert fit_isotonic(labels[:50], chances[:50], np.ones(50)).kind == "none"  # too few


def test_the_band_is_what_a_calibrated_model_stays_below():
    """Of 1,000 and 4,500 rows at a win rate of a tenth or so: medians 0.023 and 0.011, and the band above them."""
    chances = np.random.default_rng(3).beta(1.2, 8, 4500)
    errors = [expected_calibration_error(_drawn(chances, seed), chances) for seed in range(200)]
    band = calibration_band(chances, 1000, seed=1)
    assert np.mean(np.array(errors) <= band) == pytest.approx(0.975, abs=0.03)
    assert band < calibration_band(chances[:1000], 1000, seed=1)
    assert expected_calibration_error(_drawn(np.clip(chances * 2, 0, 1)), chances) > band


def test_tiers_keep_their_shares_when_a_model_is_trained_again_after_wins_became_frequent():
    """The scale is made of places among past leads: a new model with other probabilities moves few leads to another tier."""
    rows = leads("linear", seed=21)
    often = rows.with_columns(label=pl.col("label") | (pl.Series(_drawn(np.full(len(rows), 0.25), 5))))
    asked = leads("linear", count=1500, seed=22)
    shares, means = [], []
    for examples in (rows, often):
        model = train(examples, SPEC, settings(candidates=["logistic"]))
        assert isinstance(model, TrainedModel)
        told = model.predict(asked).to_numpy()
        scores = on_scale(told, model.probability_quantiles)
        shares.append([(scores > 80).mean(), (scores < 40).mean()])
        means.append(told.mean())
    assert means[1] > means[0] + 0.1
    assert shares[1] == pytest.approx(shares[0], abs=0.04)
    assert shares[0] == pytest.approx([0.2, 0.4], abs=0.05)
