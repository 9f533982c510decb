"""Metrics, against definitions spelt out by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.modelling import evaluate


def rows(wins: list[int], scores: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(wins, dtype=bool), np.array(scores, dtype=float)


@pytest.mark.parametrize(
    ("wins", "scores", "auc"),
    [
        ([0, 1], [0.1, 0.9], 1.0),
        ([1, 0], [0.1, 0.9], 0.0),
        ([0, 1], [0.5, 0.5], 0.5),
        ([1, 0, 1, 0], [0.8, 0.7, 0.7, 0.1], 0.875),  # pairs: 1, 1, a tie, 1
    ],
)
def test_auc_counts_pairs_and_halves_ties(wins, scores, auc):
    assert evaluate.roc_auc(*rows(wins, scores)) == auc


@pytest.mark.parametrize("wins", [[], [1, 1], [0, 0]])
def test_auc_of_one_class_does_not_exist(wins):
    labels, scores = rows(wins, [0.5] * len(wins))
    assert math.isnan(evaluate.roc_auc(labels, scores))
    assert all(
        math.isnan(end) for end in evaluate.bootstrap_auc(labels, scores, np.arange(len(wins)), 100, 1)
    )


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_equal_to_scikit_learn(pairs):
    from sklearn import metrics

    labels = np.array([won for won, _ in pairs])
    scores = np.array([score / 10 for _, score in pairs])
    assert evaluate.log_loss(labels, scores) == pytest.approx(
        metrics.log_loss(labels, scores, labels=[False, True])
    )
    assert evaluate.brier(labels, scores) == pytest.approx(metrics.brier_score_loss(labels, scores))
    if labels.any():
        assert evaluate.average_precision(labels, scores) == pytest.approx(
            metrics.average_precision_score(labels, scores)
        )
    if labels.any() and not labels.all():
        assert evaluate.roc_auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores))


def test_the_interval_is_seeded_holds_the_auc_and_widens_when_leads_repeat():
    generator = np.random.default_rng(0)
    labels = generator.random(150) < 0.3
    scores = generator.random(150) + labels * 0.3
    once = evaluate.bootstrap_auc(labels, scores, np.arange(150), 400, seed=1)
    assert once == evaluate.bootstrap_auc(labels, scores, np.arange(150), 400, seed=1)
    assert once != evaluate.bootstrap_auc(labels, scores, np.arange(150), 400, seed=2)
    assert once[0] < evaluate.roc_auc(labels, scores) < once[1]

    four_times = np.tile(np.arange(150), 4)
    by_lead = evaluate.bootstrap_auc(np.tile(labels, 4), np.tile(scores, 4), four_times, 400, seed=1)
    by_row = evaluate.bootstrap_auc(np.tile(labels, 4), np.tile(scores, 4), np.arange(600), 400, seed=1)
    assert by_lead == pytest.approx(once)
    assert by_row[1] - by_row[0] < 0.7 * (by_lead[1] - by_lead[0])


@pytest.mark.parametrize(
    ("wins", "scores", "share", "gained"),
    [
        ([1, 0, 0, 1, 0, 0, 0, 0, 0, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.3, 0.5),
        ([1, 0, 0, 1, 0, 0, 0, 0, 0, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.4, 1.0),
        ([1, 0, 0, 1, 0, 0, 0, 0, 0, 0], [1] * 10, 0.3, 0.3),  # no order: what chance gives
        ([1, 1], [1, 0], 1.0, 1.0),
    ],
)
def test_gains(wins, scores, share, gained):
    assert evaluate.gains(*rows(wins, scores), share) == pytest.approx(gained)


def test_without_wins_there_are_no_gains():
    assert math.isnan(evaluate.gains(*rows([0, 0], [1, 2]), 0.3))
    assert math.isnan(evaluate.average_precision(*rows([0, 0], [1, 2])))


def test_certain_and_wrong_is_costly_but_finite():
    assert evaluate.log_loss(*rows([1], [0.0])) == pytest.approx(-math.log(1e-15))
