"""Contract values: a planted relation is found, the mean is kept where there is none, and too few deals give nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.revenue_policy import Revenue
from leadflow.scoring.revenue import ValueModel, deals_by_currency, fit_values

SETTINGS = Revenue()
START = datetime.fromisoformat("2026-01-01")
INDUSTRIES = ("Energy", "Software", "Retail")
ADDED = {"Energy": 0.8, "Software": 0.0, "Retail": -0.8}


def examples(deals: int, *, seed: int = 1, noise: float = 0.5, planted: bool = True) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(5, 1.5, deals))
    industry = random.choice(INDUSTRIES, deals)
    log = np.log(20_000) + random.normal(0, noise, deals)
    if planted:
        log = log + 0.4 * (np.log1p(size) - 5) + np.array([ADDED[name] for name in industry])
    return pl.DataFrame(
        {
            "lead_id": [f"L{at:05}" for at in range(deals)],
            "as_of": [START + timedelta(hours=at) for at in range(deals)],
            "won_value": np.exp(log),
            "won_currency": ["EUR"] * deals,
            "company_size": size.astype(int),
            "industry": industry,
            "company_country": random.choice(["DE", "CN"], deals),
            "revenue_band": [None] * deals,
            "is_listed": random.choice([True, False], deals),
        },
        schema_overrides={"revenue_band": pl.String},
    )


def fitted(frame: pl.DataFrame, **more: Any) -> ValueModel:
    model = fit_values(frame, SETTINGS, **more)
    assert model is not None
    return model


def test_a_planted_relation_is_recovered():
    model = fitted(examples(1500))
    assert model.is_used
    assert model.size_effect / model.size_scale == pytest.approx(0.4, abs=0.05)
    effects = model.effects["industry"]
    assert effects["Energy"] - effects["Retail"] == pytest.approx(1.6, abs=0.15)
    assert model.smearing == pytest.approx(np.exp(0.5**2 / 2), rel=0.05)  # what normal residuals would give


def test_predictions_are_right_on_average_and_not_only_on_the_log_scale():
    model, new = fitted(examples(3000)), examples(3000, seed=2)
    assert model.predict(new).mean() == pytest.approx(new["won_value"].mean(), rel=0.06)
    large = new["company_size"] > 400
    assert model.predict(new.filter(large)).mean() == pytest.approx(
        new.filter(large)["won_value"].mean(), rel=0.12
    )


def test_without_a_relation_the_mean_is_told():
    used = [fitted(examples(200, seed=seed, planted=False)).is_used for seed in range(20)]
    assert sum(used) <= 2
    model = next(
        fitted(examples(200, seed=seed, planted=False)) for seed, is_used in enumerate(used) if not is_used
    )
    assert set(model.predict(examples(5)).to_list()) == {model.mean_value}


@pytest.mark.parametrize(("deals", "is_told"), [(0, False), (29, False), (30, True)])
def test_too_few_deals_give_no_value(deals, is_told):
    frame = examples(40).with_columns(won_value=pl.when(pl.int_range(pl.len()) < deals).then("won_value"))
    assert (fit_values(frame, SETTINGS) is not None) == is_told


@pytest.mark.parametrize("bad", [0.0, -5.0, float("nan"), float("inf"), None])
def test_what_is_no_value_counts_as_none(bad):
    frame = examples(30).with_columns(
        won_value=pl.when(pl.col("lead_id") == "L00003")
        .then(pl.lit(bad, dtype=pl.Float64))
        .otherwise("won_value")
    )
    assert fit_values(frame, SETTINGS) is None


def test_a_lead_counts_once_whatever_its_moments():
    frame = examples(29)
    again = frame.with_columns(as_of=pl.col("as_of") + timedelta(days=7))
    assert fit_values(pl.concat([frame, again]), SETTINGS) is None


def test_one_deal_of_a_million_does_not_rule():
    frame = examples(100, planted=False)
    outlier = frame.with_columns(
        won_value=pl.when(pl.col("lead_id") == "L00050").then(1_000_000.0 * 50).otherwise("won_value")
    )
    before, after = fitted(frame), fitted(outlier)
    assert after.mean_value < before.mean_value * 1.15
    assert after.predict(frame).max() < 5 * before.predict(frame).max()


def test_equal_values_stay_what_they_are():
    same = examples(50).with_columns(won_value=pl.lit(12_000.0))
    model = fitted(same)
    assert model.predict(same).to_list() == pytest.approx([12_000.0] * 50)
    assert ValueModel.from_dict(model.to_dict()) == model
    one_more = same.with_columns(
        won_value=pl.when(pl.col("lead_id") == "L00050").then(1e6).otherwise("won_value")
    )
    assert fitted(one_more).mean_value == pytest.approx(12_000, rel=0.05)


def test_other_currencies_are_left_out_and_told():
    mixed = examples(100).with_columns(
        won_currency=pl.when(pl.int_range(pl.len()) < 60).then(pl.lit("EUR")).when(pl.int_range(pl.len()) < 95)
        .then(pl.lit("USD"))
    )  # fmt: skip
    assert deals_by_currency(mixed) == {"": 5, "EUR": 60, "USD": 35}
    model = fitted(mixed)
    assert (model.currency, model.deals, model.left_out) == ("EUR", 60, {"": 5, "USD": 35})
    assert fitted(mixed, currency="USD").currency == "USD"
    assert fit_values(mixed, SETTINGS, currency="CNY") is None
    nameless = examples(30).with_columns(won_currency=pl.lit(None, dtype=pl.String))
    assert fitted(nameless).currency is None


def test_what_is_unknown_or_strange_at_scoring_is_survived():
    model = fitted(examples(500))
    strange = examples(6).with_columns(
        company_size=pl.Series([None, -3.0, float("nan"), float("inf"), 1e12, 10.0]),
        industry=pl.Series([None, "Whaling", "Energy", "Energy", "Energy", None]),
        is_listed=pl.lit(None, dtype=pl.Boolean),
    )
    told = model.predict(strange)
    assert told.is_finite().all()
    assert told.min() >= model.low
    assert told.max() <= model.high
    assert model.predict(strange.clear()).to_list() == []


def test_it_is_kept_as_json_and_gives_the_same():
    model, new = fitted(examples(500)), examples(50, seed=3)
    again = ValueModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.predict(new).to_list() == model.predict(new).to_list()
    shuffled = examples(500).sample(fraction=1.0, shuffle=True, seed=5)
    assert fitted(shuffled) == model


@pytest.mark.parametrize(
    "change",
    [{"smearing": float("nan")}, {"low": -1.0}, {"mean_value": 1e12}, {"extra": 1}, {"effects": [1]}, {"size_scale": 0.0}],
)  # fmt: skip
def test_a_stored_model_that_was_changed_is_refused(change):
    stored = {**fitted(examples(100)).to_dict(), **change}
    with pytest.raises(LeadflowError, match="value model"):
        ValueModel.from_dict(stored)


def test_missing_columns_are_named():
    with pytest.raises(LeadflowError, match="without industry"):
        fit_values(examples(50).drop("industry"), SETTINGS)
    with pytest.raises(LeadflowError, match="without company_size"):
        fitted(examples(50)).predict(examples(5).drop("company_size"))
