"""The common scale, the mix and the tiers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.policy import Blend, Policy, Tiers
from leadflow.scoring.blend import combine, model_weight, on_scale, tier


@pytest.mark.parametrize(
    ("value", "reference", "scaled"),
    [
        (-1.0, [0.0, 1.0, 2.0], 0.0),
        (0.0, [0.0, 1.0, 2.0], 0.0),
        (0.5, [0.0, 1.0, 2.0], 25.0),
        (1.0, [0.0, 1.0, 2.0], 50.0),
        (9.0, [0.0, 1.0, 2.0], 100.0),
        (0.0, [0.0, 0.0, 0.0, 1.0, 2.0], 25.0),  # the middle of the ranks that share it
        (-0.1, [0.0, 0.0, 0.0, 1.0, 2.0], 0.0),
        (5.0, [5.0, 5.0, 5.0], 50.0),
        (5.1, [5.0, 5.0, 5.0], 100.0),
        (5.0, [5.0], 50.0),
    ],
)
def test_on_scale(value, reference, scaled):
    assert on_scale(np.array([value]), reference).tolist() == [scaled]


floats = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(floats, min_size=1, max_size=40), st.lists(floats, min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_scale_is_monotone_and_within_0_and_100(values, reference):
    scaled = on_scale(np.sort(np.array(values)), sorted(reference))
    assert (np.diff(scaled) >= 0).all()
    assert ((scaled >= 0) & (scaled <= 100)).all()


@given(st.lists(st.integers(0, 20), min_size=101, max_size=400))
@settings(max_examples=30, deadline=None)
def test_the_reference_itself_is_spread_evenly(reference):
    quantiles = np.quantile(reference, np.linspace(0, 1, 101))
    assert on_scale(quantiles, quantiles.tolist()).mean() == pytest.approx(50.0)


@pytest.mark.parametrize(("wins", "weight"), [(0, 0.0), (60, 0.35), (120, 0.7), (5000, 0.7)])
def test_the_model_weighs_more_the_more_wins_it_has_seen(wins, weight):
    assert model_weight(wins, Blend()) == pytest.approx(weight)


def test_combine():
    rule, model = np.array([0.0, 100.0, 50.0]), np.array([100.0, 100.0, 0.0])
    assert combine(rule, model, 0.7) == pytest.approx([70.0, 100.0, 15.0])
    assert combine(rule, model, 0.0).tolist() == rule.tolist()
    assert combine(rule, model, 1.0).tolist() == model.tolist()


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (100.0, "HOT"), (80.0000001, "HOT"), (80.0, "WARM"), (60.0, "WARM"), (40.0, "WARM"),
        (39.9999999, "COLD"), (0.0, "COLD"), (None, None),
    ],
)  # fmt: skip
def test_tiers_at_their_bounds(score, expected):
    one = pl.DataFrame({"score": [score]}, schema={"score": pl.Float64})
    assert one.select(tier(pl.col("score"), Policy().tiers)).item() == expected


def test_tiers_are_the_policys():
    one = pl.DataFrame({"score": [50.0]})
    assert one.select(tier(pl.col("score"), Tiers(hot_above=45, warm_from=10))).item() == "HOT"
