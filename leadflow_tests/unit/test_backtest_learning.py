"""The models of a backtest: fitted once, each policy with a rule scale of its own, and none that has seen the period."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.modelling.columns import FeatureSpec
from leadflow.policy import Policy
from leadflow.scoring.backtest_learning import refuse_seen, trained_before
from leadflow.scoring.model import Fallback, TrainedModel
from leadflow.scoring.rules import score_rules
from leadflow.scoring.training import train

START = datetime(2024, 1, 1)  # noqa: DTZ001 - instants are naive UTC throughout
ROLES = {"page_views_30d": "numeric", "channel": "categorical", "company_size": "numeric"}


def _policy(points: float, **training: Any) -> Policy:
    rule = {
        "name": "looks",
        "group": "dynamic",
        "when": {"feature": "page_views_30d", "op": "gt", "value": 1},
        "points": points,
        "reason": "Looks around",
    }
    return Policy.model_validate({"rules": [rule], "training": {"bootstrap_samples": 200, **training}})


def _examples() -> pl.DataFrame:
    generator = np.random.default_rng(1)
    leads = 500
    views = generator.poisson(2, leads)
    return pl.DataFrame(
        {
            "lead_id": [f"L{lead:04}" for lead in range(leads)],
            "as_of": [START + timedelta(hours=9 * lead) for lead in range(leads)],
            "label": [
                None if lead % 50 == 7 else bool(won)
                for lead, won in enumerate(generator.random(leads) < 1 / (1 + np.exp(2.5 - views)))
            ],
            "page_views_30d": views,
            "company_size": generator.integers(1, 900, leads),
            "channel": generator.choice(["ads", "web"], leads),
            "attributes": [None] * leads,
        },
        schema_overrides={"attributes": pl.String},
    )


@pytest.mark.parametrize(
    "training", [{}, {"from": "2024-02-01", "from_reason": "Another market before"}], ids=str
)
def test_each_policy_has_the_model_that_training_under_it_alone_gives(training):
    examples, policies = _examples(), [_policy(30, **training), _policy(80, **training)]
    models = trained_before(examples, None, policies, ROLES, {}, ["company_size"])
    spec = FeatureSpec(numeric=["page_views_30d"], categorical=["channel"])
    for policy, model in zip(policies, models, strict=True):
        scores = score_rules(examples, policy).scores["rule_score"]
        alone = train(examples.with_columns(rule_score=scores), spec, policy.training)
        assert isinstance(model, TrainedModel)
        assert isinstance(alone, TrainedModel)
        assert model.rule_quantiles == alone.rule_quantiles
        assert model.version == alone.version
    assert models[0] != models[1]


def test_what_rules_count_of_an_example_is_what_was_done_until_its_moment():
    """Two moments of each lead: the days of either belong to it alone."""
    earlier = _examples()
    examples = pl.concat([earlier, earlier.with_columns(pl.col("as_of") + timedelta(days=1))])
    moments = examples.select("lead_id", "as_of", place=pl.int_range(pl.len()))
    activity = moments.filter(pl.col("place") % 3 == 0).select(
        "lead_id",
        "as_of",
        measure=pl.lit("meetings"),
        days_ago=pl.col("place") % 5,
        occurrences=pl.lit(1.0),
    )
    rule = {
        "name": "meets",
        "group": "dynamic",
        "when": {"feature": "meetings", "op": "happened"},
        "points": 40,
        "decay": {"half_life_days": 2},
        "reason": "Meets",
    }
    policy = Policy.model_validate({"rules": [rule], "training": {"bootstrap_samples": 200}})
    (model,) = trained_before(examples, activity, [policy], ROLES, {}, [])
    assert isinstance(model, TrainedModel)
    expected = [40 * 0.5 ** (place % 5 / 2) if place % 3 == 0 else 0.0 for place in range(examples.height)]
    labelled = examples["label"].is_not_null().to_numpy()
    quantiles = np.quantile(np.array(expected)[labelled], np.linspace(0, 1, 101))
    assert model.rule_quantiles == pytest.approx(quantiles, abs=1e-3)


def test_where_training_is_switched_off_rules_score_alone():
    off, on = trained_before(_examples(), None, [_policy(30, is_enabled=False), _policy(30)], ROLES, {}, [])
    assert isinstance(off, Fallback)
    assert isinstance(on, TrainedModel)


def test_without_examples_rules_score_alone():
    (model,) = trained_before(_examples().clear(), None, [_policy(30)], ROLES, {}, [])
    assert isinstance(model, Fallback)
    assert "no labelled examples" in model.reason


def test_a_model_is_refused_from_the_day_its_last_outcome_was_settled_after_the_period_began():
    (model,) = trained_before(_examples(), None, [_policy(30)], ROLES, {}, [])
    assert isinstance(model, TrainedModel)
    settled = model.label_settled_at
    assert settled == model.evaluation.test_to + timedelta(days=90)
    refuse_seen(model, settled)
    with pytest.raises(LeadflowError, match="has learned from outcomes until"):
        refuse_seen(model, settled - timedelta(seconds=1))
