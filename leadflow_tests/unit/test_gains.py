"""Gains: against a plain loop, on curves that are known, and on input there is little to say of."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from leadflow.errors import LeadflowError
from leadflow.gains_policy import Gains
from leadflow.modelling import evaluate
from leadflow.policy import Policy, Tiers
from leadflow.scoring.gains import (
    GAINS_SCHEMA,
    GAINS_TABLE_SCHEMA,
    SHARES,
    GainsSettings,
    gains_table,
    score_gains,
)
from leadflow.scoring.gains_plot import plot_gains

PNG = b"\x89PNG\r\n\x1a\n"


def settings(weeks: float | None = None, **gains: Any) -> GainsSettings:
    return GainsSettings(Tiers(), Gains.model_validate(gains), weeks=weeks, samples=200)


def drawn(rows: int, seed: int, *, skill: float = 1.0, digits: int = 0) -> tuple[Any, Any, Any]:
    """Labels that follow scores with many ties, and about two rows a lead."""
    draw = np.random.default_rng(seed)
    scores = draw.uniform(0, 100, rows).round(digits)
    chance = 1 / (1 + np.exp(-skill * (scores - 70) / 15))
    return draw.random(rows) < chance * 0.5, scores, draw.integers(0, rows // 2 + 1, rows)


def expected_wins(labels: Any, scores: Any, leads: int) -> float:
    """Wins among the best `leads` rows, row by row; of the last score's ties a fair share."""
    wins, left = 0.0, leads
    for score in sorted(set(scores), reverse=True):
        here = [label for label, other in zip(labels, scores, strict=True) if other == score]
        take = min(left, len(here))
        wins += sum(here) * take / len(here)
        left -= take
    return wins


@pytest.mark.parametrize(("rows", "seed"), [(1, 1), (3, 6), (7, 2), (19, 3), (40, 4), (333, 5)])
def test_every_cut_is_what_a_plain_loop_counts(rows, seed):
    labels, scores, ids = drawn(rows, seed)
    labels[0] = True
    table = score_gains(labels, scores, ids, settings(weeks=2.0, cost_per_call=1.0, value_per_win=4.0))
    assert table.schema == GAINS_SCHEMA
    assert table.filter(pl.col("kind") == "share").height == len(SHARES)
    for row in table.iter_rows(named=True):
        wins = expected_wins(labels, scores, row["leads"])
        assert row["wins"] == pytest.approx(wins)
        assert row["share_of_leads"] == row["leads"] / rows
        assert row["share_of_wins"] == pytest.approx(wins / labels.sum())
        assert row["share_of_wins"] == pytest.approx(evaluate.gains(labels, scores, row["leads"] / rows))
        assert row["leads_per_week"] == row["leads"] / 2
        assert row["profit"] == pytest.approx(4 * wins - row["leads"])
        if row["leads"]:
            assert row["win_rate"] == pytest.approx(wins / row["leads"])
            assert row["lift"] == pytest.approx(row["win_rate"] / labels.mean())
        else:
            assert (row["win_rate"], row["lift"]) == (None, None)
    of_share = table.filter(pl.col("kind") == "share")
    for share, leads, threshold in zip(SHARES, of_share["leads"], of_share["threshold_score"], strict=True):
        assert leads == math.ceil(round(share * rows, 6))
        assert threshold == sorted(scores, reverse=True)[leads - 1]
    last = of_share.row(-1, named=True)
    assert (last["leads"], last["share_of_wins"], last["lift"]) == (rows, 1.0, pytest.approx(1.0))
    assert (last["share_of_wins_low"], last["share_of_wins_high"]) == (1.0, 1.0)


def test_tiers_are_cut_as_scores_are():
    scores = np.array([81.0, 80.0, 80.0, 40.0, 39.9, 5.0])
    labels = np.array([True, True, False, True, False, False])
    table = score_gains(labels, scores, np.arange(6), settings()).filter(pl.col("kind") == "tier")
    assert table.select("cut", "threshold_score", "leads", "wins").rows() == [
        ("HOT", 80.0, 1, 1.0),
        ("HOT and WARM", 40.0, 4, 3.0),
    ]


def test_the_curve_flattens_where_it_is_furthest_from_chance():
    for seed in range(20):
        labels, scores, ids = drawn(400, seed, skill=3)
        knee = score_gains(labels, scores, ids, settings()).filter(pl.col("kind") == "recommendation")
        assert knee["cut"].to_list() == ["where the curve flattens"]
        distances = {
            score: labels[scores >= score].sum() / labels.sum() - (scores >= score).mean()
            for score in set(scores)
        }
        best = max(distances.values())
        assert knee["threshold_score"].item() == max(
            score for score, distance in distances.items() if distance > best - 1e-9
        )
        below = labels[scores < knee["threshold_score"].item()]
        assert below.mean() < labels.mean() < labels[scores >= knee["threshold_score"].item()].mean()


def test_nothing_is_recommended_where_scores_tell_no_more_than_chance():
    found = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        # Three rows a lead, alike in label and score.
        rows = [
            np.repeat(part, 3) for part in (draw.random(150) < 0.1, draw.random(150) * 100, np.arange(150))
        ]
        found += score_gains(*rows, replace(settings(), samples=2))["is_recommended"].sum()
    assert found <= 10
    constant = score_gains(np.arange(50) % 5 == 0, np.full(50, 50.0), np.arange(50), settings())
    assert not constant["is_recommended"].any()
    assert constant.filter(pl.col("kind") == "share")["share_of_wins"].to_list() == pytest.approx(
        [math.ceil(round(share * 50, 6)) / 50 for share in SHARES]
    )


def test_capacity_reaches_as_far_as_calls_do():
    labels, scores, ids = drawn(100, seed=3)

    def capacity(calls: int, weeks: float) -> dict[str, Any]:
        table = score_gains(labels, scores, ids, settings(weeks, calls_per_week=calls))
        return table.filter(pl.col("cut") == "call capacity").row(0, named=True)

    assert capacity(10, 3.0)["leads"] == 30
    assert capacity(10, 3.0)["leads_per_week"] == 10
    assert capacity(10, 3.0)["threshold_score"] == np.sort(scores)[::-1][29]
    assert capacity(1000, 3.0)["leads"] == 100
    for weeks in (None, 0.0):  # over no time a capacity says nothing
        table = score_gains(labels, scores, ids, settings(weeks, calls_per_week=5))
        assert "call capacity" not in table["cut"]
        assert table["leads_per_week"].null_count() == table.height
    none = capacity(1, 0.5)
    assert (none["leads"], none["threshold_score"], none["win_rate"]) == (0, None, None)


@pytest.mark.parametrize(("cost", "value"), [(1.0, 5.0), (1.0, 2.2), (1.0, 100.0), (3.0, 3.1)])
def test_profit_is_greatest_where_it_is_recommended(cost, value):
    labels, scores, ids = drawn(250, seed=8, skill=2)
    table = score_gains(labels, scores, ids, settings(cost_per_call=cost, value_per_win=value))
    best = table.filter(pl.col("cut") == "most profit").row(0, named=True)
    by_score = [0.0] + [
        value * labels[scores >= score].sum() - cost * (scores >= score).sum() for score in set(scores)
    ]
    assert best["profit"] == pytest.approx(max(by_score))


def test_where_no_call_pays_none_is_recommended():
    labels, scores, ids = drawn(250, seed=8)
    table = score_gains(labels, scores, ids, settings(cost_per_call=5.0, value_per_win=5.0))
    best = table.filter(pl.col("cut") == "most profit").row(0, named=True)
    assert (best["leads"], best["threshold_score"], best["profit"]) == (0, None, 0.0)
    assert "no score brings enough wins" in best["reason"]


def test_the_interval_resamples_leads_and_not_rows():
    draw = np.random.default_rng(5)
    scores = draw.random(200) * 100
    labels = draw.random(200) < scores / 200
    single = score_gains(labels, scores, np.arange(200), settings())
    # Every row ten times over: as ten moments of one lead it says no more than once.
    many = [np.repeat(part, 10) for part in (labels, scores, np.arange(200))]
    grouped = score_gains(*many, settings())
    careless = score_gains(many[0], many[1], np.arange(2000), settings())

    def width(table: pl.DataFrame) -> float:
        row = table.filter(pl.col("cut") == "top 30 %").row(0, named=True)
        assert row["share_of_wins_low"] < row["share_of_wins"] < row["share_of_wins_high"]
        return row["share_of_wins_high"] - row["share_of_wins_low"]

    assert width(grouped) == pytest.approx(width(single), rel=0.15)
    assert width(careless) < 0.6 * width(single)


def test_the_order_of_rows_does_not_matter():
    labels, scores, ids = drawn(120, seed=9)
    shuffled = np.random.default_rng(1).permutation(120)
    one = score_gains(labels, scores, ids, settings())
    other = score_gains(labels[shuffled], scores[shuffled], ids[shuffled], settings())
    assert one.equals(other)


def test_without_wins_there_is_no_share_of_them():
    table = score_gains(np.zeros(10, dtype=bool), np.arange(10.0), np.arange(10), settings())
    assert table["win_rate"].drop_nulls().unique().to_list() == [0.0]
    columns = ["share_of_wins", "share_of_wins_low", "share_of_wins_high", "lift"]
    assert table.select(pl.col(columns).is_null().all()).row(0) == (True,) * 4
    assert not table["is_recommended"].any()
    assert plot_gains(table).startswith(PNG)


def test_where_all_are_won_every_share_holds_its_own():
    table = score_gains(np.ones(20, dtype=bool), np.arange(20.0) * 5, np.arange(20), settings())
    assert table["share_of_wins"].to_list() == pytest.approx(table["share_of_leads"].to_list())
    assert table["lift"].drop_nulls().to_list() == pytest.approx([1.0] * table["lift"].drop_nulls().len())
    assert not table["is_recommended"].any()


@pytest.mark.parametrize(
    ("labels", "scores", "ids", "message"),
    [
        ([True, False], [1.0, float("nan")], [1, 2], "1 of 2 scores are not numbers"),
        ([True, False], [1.0, float("inf")], [1, 2], "1 of 2 scores are not numbers"),
        ([True, False], [1.0], [1, 2], "a label, a score and a lead for every row, not 2, 1 and 2"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels, scores, ids, message):
    with pytest.raises(LeadflowError, match=message):
        score_gains(np.array(labels), np.array(scores), np.array(ids), settings())


def test_cost_and_value_go_together():
    for alone in ({"cost_per_call": 1.0}, {"value_per_win": 1.0}):
        with pytest.raises(ValidationError, match="set both, or neither"):
            Gains(**alone)
    for wrong in ({"calls_per_week": 0}, {"cost_per_call": 0.0, "value_per_win": 1.0}, {"calls": 3}):
        with pytest.raises(ValidationError):
            Gains.model_validate(wrong)


def test_the_table_is_what_its_contract_says():
    as_of = datetime.fromisoformat("2024-06-01")
    policy = Policy.model_validate({"training": {"bootstrap_samples": 100}, "gains": {"calls_per_week": 7}})
    given = {"weeks": 2.0, "as_of": as_of, "model_version": None}
    table = gains_table(*drawn(60, seed=1), policy, **given)
    assert table.schema == GAINS_TABLE_SCHEMA
    assert table["cut_number"].to_list() == list(range(1, table.height + 1))
    assert table["cut"].is_unique().all()
    assert "call capacity" in table["cut"]
    nothing = gains_table(np.array([], dtype=bool), np.array([]), np.array([]), policy, **given)
    assert (nothing.schema, nothing.height) == (GAINS_TABLE_SCHEMA, 0)
    assert plot_gains(nothing).startswith(PNG)
    assert plot_gains(table) == plot_gains(table)
