"""What each column adds to grown trees: by hand, against XGBoost's own account, and by any number of threads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xgboost

from leadflow.modelling.tree_shares import TreeShares

ROWS, COLUMNS = 20_000, 9


def booster(*trees: dict[str, Any]) -> str:
    return json.dumps({"learner": {"gradient_booster": {"model": {"trees": trees}}}})


def tree(
    left: list[int], right: list[int], column: list[int], value: list[float], cover: list[float]
) -> dict[str, Any]:
    nodes = len(left)
    return {
        "left_children": left,
        "right_children": right,
        "split_indices": column,
        "split_conditions": value,
        "sum_hessian": cover,
        "default_left": [1] * nodes,
        "split_type": [0] * nodes,
    }  # fmt: skip


BOTH = tree(
    [1, -1, 3, -1, -1], [2, -1, 4, -1, -1], [0, 0, 1, 0, 0], [0.5, 0.0, 0.5, 0.0, 1.0], [4, 2, 2, 1, 1]
)
"""1 where both columns are above a half: half of the rows of training had the first, half of those the second."""


@pytest.mark.parametrize(
    ("row", "added"),
    [
        # Nothing asked: 1/4. The first alone asked and met: 1/2; the second alone: 1/2; both: 1.
        ((1, 1), (3 / 8, 3 / 8)),
        # The second alone asked and not met: 0; the first alone: 1/2; both: 0.
        ((1, 0), (1 / 8, -3 / 8)),
        # The first not met: 0 by itself; the second alone: 1/2.
        ((0, 1), (-3 / 8, 1 / 8)),
        ((0, 0), (-1 / 8, -1 / 8)),
        # What is missing goes to the left, as if it were below.
        ((np.nan, 1), (-3 / 8, 1 / 8)),
    ],
)
def test_two_columns_by_hand(row, added):
    shares = TreeShares.of(booster(BOTH))
    assert shares.baseline == 0.25
    assert shares.told(np.array([row], dtype=np.float32)).tolist() == [list(added)]


def test_a_tree_that_asks_nothing_adds_nothing():
    shares = TreeShares.of(booster(tree([-1], [-1], [0], [0.7], [5]), BOTH))
    assert shares.baseline == 0.7 + 0.25
    assert shares.told(np.ones((1, 2), dtype=np.float32)).tolist() == [[3 / 8, 3 / 8]]


@pytest.fixture(scope="module")
def design() -> np.ndarray[Any, np.dtype[np.float32]]:
    generator = np.random.default_rng(3)
    values = (
        generator.normal(size=(ROWS, COLUMNS)).astype(np.float32).round(1)
    )  # many rows lie on a threshold
    values[generator.random(values.shape) < 0.1] = np.nan
    return values


@pytest.mark.parametrize(
    "grown",
    [
        pytest.param({"max_depth": 3, "learning_rate": 0.3}, id="boosting"),
        pytest.param({"max_depth": 6, "learning_rate": 1.0, "num_parallel_tree": 12, "subsample": 0.6}, id="forest"),
        pytest.param({"max_depth": 7, "learning_rate": 0.5, "colsample_bynode": 0.3}, id="deep"),
    ],
)  # fmt: skip
def test_it_tells_what_xgboost_tells(design, grown):
    filled = np.nan_to_num(design)
    won = filled[:, 0] * filled[:, 1] + np.isnan(design[:, 2]) - filled[:, 3] > 0.4
    rows = xgboost.DMatrix(design, label=won)
    rounds = 1 if "num_parallel_tree" in grown else 8
    model = xgboost.train({"seed": 1, "base_score": 0.5, "min_child_weight": 2, **grown}, rows, rounds)
    told = model.predict(rows, pred_contribs=True)

    shares = TreeShares.of(model.save_raw("json").decode())
    added = shares.told(design)
    assert np.abs(added[:, :4]).max(axis=0).min() > 0.1, "what decides is told"
    np.testing.assert_allclose(added, told[:, :-1], atol=2e-6)
    np.testing.assert_allclose(0.5 + shares.baseline, told[0, -1], atol=2e-6)
    sums = 0.5 + shares.baseline + added.sum(axis=1)
    np.testing.assert_allclose(sums, model.predict(rows, output_margin=True), atol=2e-6)


def test_rows_are_told_alike_in_any_company(design):
    model = xgboost.train({"max_depth": 3}, xgboost.DMatrix(design, label=design[:, 0] > 0), 5)
    shares = TreeShares.of(model.save_raw("json").decode())
    together = shares.told(design)
    assert np.array_equal(shares.told(design, threads=3), together)
    alone = np.concatenate([shares.told(design[row : row + 1]) for row in range(0, ROWS, 997)])
    assert np.array_equal(alone, together[::997])
    assert shares.told(design[:0]).shape == (0, COLUMNS)


def test_what_cannot_be_solved_is_refused():
    deep = tree([*range(1, 9), -1, *[-1] * 8], [*range(9, 17), *[-1] * 9], [0] * 17, [0.0] * 17, [1.0] * 17)
    with pytest.raises(ValueError, match="more than 7 levels"):
        TreeShares.of(booster(deep))
    sets = BOTH | {"split_type": [1, 0, 0, 0, 0]}
    with pytest.raises(ValueError, match="sets of categories"):
        TreeShares.of(booster(sets))
