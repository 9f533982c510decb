"""A backtest's measures: against slow ones written plainly, and on outcomes whose truth is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.modelling import evaluate
from leadflow.scoring import backtest_measures
from leadflow.scoring.backtest import CANDIDATE, IN_FORCE, ROWS_SCHEMA, Backtest, backtest, judge
from leadflow.scoring.backtest_calibration import calibration
from leadflow.scoring.backtest_calls import CALLS_SCHEMA, calls_to_best, calls_to_hot, compare_calls
from leadflow.scoring.backtest_measures import SHARES, Estimate, auc_by_moment, compare, wilson

START = datetime(2026, 1, 1)  # noqa: DTZ001 - instants are naive UTC throughout
LEADS, MOMENTS = 400, 6


def _rows(seed: int, candidate: float, in_force: float, *, shuffled: bool = False) -> pl.DataFrame:
    """Leads at moments; each lead's quality decides its outcome, and a score is the quality and noise against it."""
    generator = np.random.default_rng(seed)
    quality = generator.normal(size=LEADS)
    won = generator.random(LEADS) < 1 / (1 + np.exp(2.5 - 1.5 * quality))
    if shuffled:
        generator.shuffle(won)
    frames = []
    for moment in range(MOMENTS):
        scores = {
            side: np.clip(50 + 15 * (share * quality + (1 - share) * generator.normal(size=LEADS)), 0, 100)
            for side, share in ((CANDIDATE, candidate), (IN_FORCE, in_force))
        }
        frames.append(
            pl.DataFrame(
                {
                    "lead_id": [f"L{lead:04}" for lead in range(LEADS)],
                    "as_of": [START + timedelta(days=7 * moment)] * LEADS,
                    "won": won,
                    **{f"score_{side}": values for side, values in scores.items()},
                    **{
                        f"tier_{side}": np.where(values > 65, "HOT", np.where(values < 40, "COLD", "WARM"))
                        for side, values in scores.items()
                    },
                    **{f"probability_{side}": [None] * LEADS for side in scores},
                }
            )
        )
    return pl.concat(frames).select(ROWS_SCHEMA.names()).cast(ROWS_SCHEMA)


def _backtest(rows: pl.DataFrame, **changes: Any) -> Backtest:
    nobody = pl.Series("lead_id", [], dtype=pl.String)
    arguments: dict[str, Any] = {
        "every_days": 7,
        "horizon_days": 90,
        "calls_per_week": None,
        "samples": 300,
        "seed": 1,
    }
    return backtest(rows, {CANDIDATE: nobody, IN_FORCE: nobody}, **(arguments | changes))


@pytest.mark.parametrize(
    ("candidate", "in_force", "verdict"),
    [(0.8, 0.2, "better"), (0.2, 0.8, "worse"), (0.6, 0.6, "no difference")],
)
def test_a_better_and_a_worse_score_are_told_apart(candidate, in_force, verdict):
    found = _backtest(_rows(3, candidate, in_force))
    assert found.verdict == verdict
    assert found.ranking is not None
    assert (
        len(found.calls.gained) - len(found.calls.lost)
        == found.calls.candidate.wins - found.calls.in_force.wins
    )


def test_the_same_score_twice_differs_by_nothing():
    rows = _rows(5, 0.5, 0.5).with_columns(score_candidate="score_in_force", tier_candidate="tier_in_force")
    found = _backtest(rows)
    assert found.ranking is not None
    assert found.ranking.difference.auc_within == Estimate(0.0, 0.0, 0.0)
    assert (found.verdict, found.movers.height, found.calls.gained, found.calls.lost) == (
        "no difference",
        0,
        [],
        [],
    )


def test_on_shuffled_outcomes_hardly_any_of_twenty_has_a_winner():
    """5 % would be 1; more than 4 of 20 has a chance below 0.3 %."""
    verdicts = [_backtest(_rows(seed, 0.9, 0.1, shuffled=True), samples=200).verdict for seed in range(20)]
    assert sum(verdict != "no difference" for verdict in verdicts) <= 4


@pytest.mark.parametrize("won", [False, True])
def test_where_nothing_or_everything_was_won_nothing_can_be_told(won):
    found = _backtest(_rows(3, 0.8, 0.2).with_columns(won=pl.lit(won)))
    assert (found.ranking, found.verdict) == (None, "cannot be told")
    assert "Nothing can be told" in found.sentence
    assert found.moments["auc_candidate"].null_count() == MOMENTS


def test_wins_at_other_moments_than_the_rest_tell_nothing_within_a_moment():
    """Every win at the one moment, everything else at the other: pooled they rank perfectly, within a moment not at all."""
    frame = _rows(3, 0.5, 0.5).filter(pl.col("as_of") <= START + timedelta(days=7))
    is_first = pl.col("as_of") == START
    frame = frame.with_columns(won=is_first, score_candidate=is_first.cast(pl.Float64))
    found = _backtest(frame)
    assert found.ranking is not None
    assert found.ranking.candidate.auc_pooled.value == 1.0
    assert np.isnan(found.ranking.candidate.auc_within.value)
    assert found.verdict == "cannot be told"


def _arrays(seed: int, rows: int = 900) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    labels = generator.random(rows) < 0.2
    return {
        "candidate": np.round(labels * 0.6 + generator.normal(size=rows), 1),
        "in_force": generator.normal(size=rows),
        "labels": labels,
        "moments": generator.integers(0, 5, rows),
        "leads": generator.integers(0, 200, rows),
    }


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_those_of_each_moment_put_together(seed):
    arrays = _arrays(seed)
    found = compare(**arrays, samples=200, seed=1)
    labels, scores, moments = arrays["labels"], arrays["candidate"], arrays["moments"]
    aucs, pairs, wins = [], [], dict.fromkeys(SHARES, 0.0)
    for moment in range(5):
        here = moments == moment
        aucs.append(evaluate.roc_auc(labels[here], scores[here]))
        pairs.append(labels[here].sum() * (~labels[here]).sum())
        for share in SHARES:
            wins[share] += evaluate.gains(labels[here], scores[here], share) * labels[here].sum()
    assert auc_by_moment(scores, labels, moments) == pytest.approx(aucs)
    assert found.candidate.auc_within.value == pytest.approx(np.average(aucs, weights=pairs))
    assert found.candidate.auc_pooled.value == pytest.approx(evaluate.roc_auc(labels, scores))
    for share in SHARES:
        assert found.candidate.gains[share].value == pytest.approx(wins[share] / labels.sum())
    assert found.difference.auc_within.value == pytest.approx(
        found.candidate.auc_within.value - found.in_force.auc_within.value
    )
    other = evaluate.bootstrap_auc(labels, scores, arrays["leads"], 1000, 2)
    assert (found.candidate.auc_pooled.low, found.candidate.auc_pooled.high) == pytest.approx(other, abs=0.02)


def test_of_very_many_rows_runs_of_scores_stand_for_scores(monkeypatch):
    arrays = _arrays(1)
    exact = compare(**arrays, samples=200, seed=1)
    monkeypatch.setattr(backtest_measures, "_FEW_ROWS", 10)
    monkeypatch.setattr(backtest_measures, "_RUNS", 100)
    coarse = compare(**arrays, samples=200, seed=1)
    assert coarse.difference.auc_within.value == exact.difference.auc_within.value
    assert coarse.difference.auc_within.low == pytest.approx(exact.difference.auc_within.low, abs=0.005)
    assert coarse.in_force.gains[0.1].high == pytest.approx(exact.in_force.gains[0.1].high, abs=0.01)


def test_an_interval_knows_that_a_lead_comes_often():
    arrays = _arrays(1, 200)
    arrays |= {"leads": np.arange(200), "moments": np.zeros(200, dtype=np.intp)}
    once = compare(**arrays, samples=300, seed=1).candidate.auc_within
    often = {name: np.tile(values, 8) for name, values in arrays.items()}
    often["moments"] = np.repeat(np.arange(8), 200)
    eight_times = compare(**often, samples=300, seed=1).candidate.auc_within
    assert eight_times.value == pytest.approx(once.value)
    assert eight_times.high - eight_times.low == pytest.approx(once.high - once.low, rel=0.05)


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        (None, "cannot be told"),
        (Estimate(float("nan"), float("nan"), float("nan")), "cannot be told"),
        (Estimate(0.02, 0.001, 0.04), "better"),
        (Estimate(-0.02, -0.04, -0.001), "worse"),
        (Estimate(0.02, 0.0, 0.04), "no difference"),
        (Estimate(-0.02, -0.04, 0.0), "no difference"),
    ],
)
def test_the_verdict_goes_by_the_interval(difference, verdict):
    assert judge(difference, 90)[0] == verdict


@pytest.mark.parametrize(
    ("found", "calls", "low", "high"),
    [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0)],
)
def test_the_share_of_few_calls_has_a_wide_interval(found, calls, low, high):
    told = wilson(found, calls)
    assert (told.low, told.high) == pytest.approx((low, high), abs=0.001)


def test_without_calls_there_is_no_share():
    assert np.isnan(wilson(0, 0).value)


def _week(week: int, **tiers: tuple[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "lead_id": lead,
                "as_of": START + timedelta(days=7 * week),
                "tier": tier,
                "score": score,
                "won": lead == "L2",
            }
            for lead, (tier, score) in tiers.items()
        ]
    )


WEEKS = pl.concat(
    [
        _week(0, L1=("HOT", 90.0), L2=("WARM", 70.0), L3=("COLD", 10.0), L4=("HOT", 85.0)),
        _week(1, L1=("HOT", 91.0), L2=("HOT", 81.0), L3=("WARM", 50.0), L4=("WARM", 60.0)),
        _week(2, L1=("WARM", 70.0), L2=("HOT", 82.0), L3=("HOT", 99.0), L4=("HOT", 86.0)),
    ]
)


def _listed(calls: pl.DataFrame) -> list[tuple[str, int]]:
    assert calls.schema == CALLS_SCHEMA
    return [(lead, (as_of - START).days // 7) for lead, as_of, _ in calls.iter_rows()]


def test_who_becomes_hot_is_called_once_and_who_was_is_not():
    before = pl.Series("lead_id", ["L1", "L9"])
    assert _listed(calls_to_hot(WEEKS, before)) == [("L4", 0), ("L2", 1), ("L3", 2)]


def test_the_best_who_were_not_called_yet_are_called():
    assert _listed(calls_to_best(WEEKS, 1)) == [("L1", 0), ("L2", 1), ("L3", 2)]
    assert _listed(calls_to_best(WEEKS, 3)) == [("L1", 0), ("L2", 0), ("L4", 0), ("L3", 1)]


def test_of_equal_scores_the_smaller_id_is_called():
    equal = _week(0, L3=("HOT", 90.0), L1=("HOT", 90.0), L2=("HOT", 90.0))
    assert _listed(calls_to_best(equal, 2)) == [("L1", 0), ("L2", 0)]


def test_calls_beside_each_other():
    one, other = calls_to_best(WEEKS, 1), calls_to_hot(WEEKS, pl.Series("lead_id", ["L2"]))
    found = compare_calls(one, other, timedelta(days=21), samples=200, seed=1)
    assert (found.candidate.calls, found.candidate.per_week, found.candidate.wins) == (3, 1.0, 1)
    assert (found.in_force.calls, found.in_force.wins) == (3, 0)
    assert (found.gained, found.lost) == (["L2"], [])
    assert found.wins_per_call.value == pytest.approx(1 / 3)
    assert found.wins_per_call.low <= 1 / 3 <= found.wins_per_call.high


def test_no_calls_at_all():
    none = CALLS_SCHEMA.to_frame()
    found = compare_calls(none, none, timedelta(days=7), samples=200, seed=1)
    assert (found.candidate.calls, found.gained) == (0, [])
    assert np.isnan(found.wins_per_call.value)


def test_moves_are_those_of_the_last_moment():
    rows = _rows(3, 0.5, 0.5)
    found = _backtest(rows)
    last = rows.filter(pl.col("as_of") == START + timedelta(days=7 * (MOMENTS - 1)))
    assert found.moves["leads"].sum() == LEADS
    assert found.movers.height == last.filter(pl.col("tier_candidate") != pl.col("tier_in_force")).height > 0
    assert found.movers["as_of"].unique().to_list() == [START + timedelta(days=7 * (MOMENTS - 1))]


@pytest.mark.parametrize("leads", [1000, 4500])
def test_a_perfect_model_is_within_its_band_and_an_overconfident_one_is_not(leads):
    """The band of 1,000 rows ends near 0.034, of 4,500 near 0.016."""
    generator = np.random.default_rng(7)
    probabilities = generator.uniform(0.02, 0.6, leads)
    labels = generator.random(leads) < probabilities
    once = np.arange(leads)
    perfect = calibration(probabilities, labels, once, 1)
    assert perfect.is_within
    assert perfect.leads == leads
    assert not calibration(np.clip(probabilities * 1.5, 0, 1), labels, once, 1).is_within
    assert np.average(perfect.won) == pytest.approx(labels.mean(), abs=1e-9)


def test_calibration_counts_a_lead_once():
    probabilities, labels = np.full(300, 0.5), np.repeat([True, False, True], 100)
    assert calibration(probabilities, labels, np.repeat([0, 1, 2], 100), 1).leads == 3
