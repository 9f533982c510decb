"""When a model is trained, and whether a challenger takes over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.modelling.columns import FeatureSpec
from leadflow.policy import Training
from leadflow.scoring.champion import TRAININGS_SCHEMA, champion_at, decide, why_train
from leadflow.scoring.model import Fallback, TrainedModel
from leadflow.scoring.training import train_measured

START = datetime.fromisoformat("2024-01-01")
SETTINGS = Training.model_validate(
    {"bootstrap_samples": 200, "moments_days": [0], "candidates": ["logistic"]}
)


def log(*rows: tuple[int, str | None, int]) -> pl.DataFrame:
    """A log of trainings from (day, champion from then on, wins)."""
    return pl.DataFrame(
        [
            {"training": number, "as_of": START + timedelta(days=day), "champion_version": version, "wins": wins}
            for number, (day, version, wins) in enumerate(rows, 1)
        ],
        schema_overrides=TRAININGS_SCHEMA,
    ).select(
        pl.col(name) if name in ("training", "as_of", "champion_version", "wins") else pl.lit(None, kind).alias(name)
        for name, kind in TRAININGS_SCHEMA.items()
    ) if rows else TRAININGS_SCHEMA.to_frame()  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "day", "version"),
    [
        ([], 5, None),
        ([(0, "a", 100)], 0, "a"),
        ([(1, "a", 100)], 0, None),
        ([(0, "a", 100), (7, "b", 120)], 6, "a"),
        ([(0, "a", 100), (7, "b", 120)], 7, "b"),
        ([(0, "a", 100), (0, "b", 100)], 3, "b"),
        ([(0, None, 50), (7, "b", 120)], 3, None),
    ],
)
def test_the_champion_is_the_one_of_the_moment(rows, day, version):
    assert champion_at(log(*rows), START + timedelta(days=day)) == version


@pytest.mark.parametrize(
    ("rows", "wins", "is_asked", "unusable", "why"),
    [
        ([], 100, False, None, "first"),
        ([(0, "a", 100)], 1000, False, None, None),
        ([(0, "a", 100)], 1000, True, None, "retrain"),
        ([(0, "a", 100)], 100, False, "it uses a blocked feature", "champion_gone"),
        ([(0, None, 50)], 74, False, None, None),
        ([(0, None, 50)], 75, False, None, "more_wins"),
        ([(0, None, 0)], 0, False, None, None),
        ([(0, None, 0)], 1, False, None, "more_wins"),
        ([(3, "a", 50)], 75, False, None, "first"),  # a moment before the first training
    ],
)
def test_a_refresh_trains_only_where_there_is_no_champion_to_use(rows, wins, is_asked, unusable, why):
    found = why_train(log(*rows), START + timedelta(days=2), wins, is_asked=is_asked, unusable=unusable)
    assert found == why


def _leads(effect: float, seed: int, begin: datetime = START) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    one, two = generator.normal(size=1200), generator.normal(size=1200)
    return pl.DataFrame(
        {
            "lead_id": [f"L{lead:05d}" for lead in range(1200)],
            "as_of": [begin + timedelta(hours=6 * lead) for lead in range(1200)],
            "label": generator.random(1200) < 1 / (1 + np.exp(1 - effect * one)),
            "one": one,
            "two": two,
        }
    )


def _trained(rows: pl.DataFrame, *names: str) -> tuple[TrainedModel | Fallback, Any]:
    outcome, held_out = train_measured(rows, FeatureSpec(list(names), []), SETTINGS)
    if held_out is not None:
        held_out = held_out.join(rows.drop("label"), on=["lead_id", "as_of"], how="left")
    return outcome, held_out


def test_a_challenger_as_good_takes_over_and_a_worse_one_does_not():
    good, held_out = _trained(_leads(1.5, 1), "one", "two")
    assert isinstance(good, TrainedModel)
    older, _ = _trained(_leads(1.5, 2), "one")
    assert isinstance(older, TrainedModel)
    taken = decide(good, older, held_out, SETTINGS)
    assert taken.outcome == "champion"
    assert taken.difference is not None
    assert taken.difference[0] < 0 < taken.difference[1]
    worse = held_out.with_columns(challenger=pl.Series(np.random.default_rng(1).random(held_out.height)))
    kept = decide(good, older, worse, SETTINGS)
    assert kept.outcome == "kept_out"
    assert "worse beyond noise" in kept.reason
    assert decide(good, None, held_out, SETTINGS).outcome == "champion"
    assert "the same model again" in decide(good, good, held_out, SETTINGS).reason


def test_a_training_without_skill_leaves_the_champion_in_force():
    champion, _ = _trained(_leads(1.5, 1), "one")
    nothing, held_out = _trained(_leads(0.0, 3), "one", "two")
    assert isinstance(champion, TrainedModel)
    assert isinstance(nothing, Fallback)
    assert held_out is None
    assert decide(nothing, champion, None, SETTINGS).outcome == "kept_out"
    assert decide(nothing, None, None, SETTINGS).outcome == "no_model"


def test_both_are_compared_on_leads_that_the_champion_has_not_learned_from():
    champion, _ = _trained(_leads(1.5, 2), "one")
    assert isinstance(champion, TrainedModel)
    later = START + timedelta(days=1200 / 4)
    challenger, held_out = _trained(
        pl.concat([_leads(1.5, 2), _leads(1.5, 5, later).with_columns(lead_id="N" + pl.col("lead_id"))]),
        "one",
        "two",
    )
    assert isinstance(challenger, TrainedModel)
    told = decide(challenger, champion, held_out, SETTINGS)
    assert "leads since its training" in told.reason
    knows_all = replace(champion, label_settled_at=datetime.fromisoformat("2030-01-01"))
    assert "some of which it learned from" in decide(challenger, knows_all, held_out, SETTINGS).reason
