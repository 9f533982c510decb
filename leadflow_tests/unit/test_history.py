"""The history of scores: which rows a refresh adds, and what it says moved them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from leadflow.policy import Policy
from leadflow.scoring.history import HISTORY_SCHEMA, SCORED_READ, history_rows
from leadflow.scoring.kept_policies import keep_policy, kept_policy

BEFORE = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - instants are naive UTC throughout
NOW = datetime(2026, 6, 2, 12)  # noqa: DTZ001


def _scored(**changes: Any) -> pl.DataFrame:
    row = {
        "lead_id": "L1",
        "as_of": NOW,
        "score": 50.0,
        "tier": "WARM",
        "policy_version": "p1",
        "model_version": "m1",
    }
    return pl.DataFrame([row | changes], schema={name: HISTORY_SCHEMA[name] for name in SCORED_READ})


def _newest(known_at: datetime | None = None) -> pl.DataFrame:
    schema = {"lead_id": pl.String, "newest_known_at": pl.Datetime("us")}
    return pl.DataFrame([{"lead_id": "L1", "newest_known_at": known_at}], schema=schema)


NONE = _scored().clear()
LAST = _scored(as_of=BEFORE)


@pytest.mark.parametrize(
    ("now", "newest", "cause", "others"),
    [
        pytest.param({"score": 51.0}, None, "decay", None, id="a point up and nothing new is time"),
        pytest.param({"score": 49.0}, None, "decay", None, id="a point down too"),
        pytest.param({"score": 40.3 + 10.7}, None, "decay", None, id="a point but for the last digit"),
        pytest.param({"score": 51.0}, NOW, "new_fact", None, id="something became known since"),
        pytest.param({"score": 51.0}, BEFORE + timedelta(microseconds=1), "new_fact", None, id="just since"),
        pytest.param({"score": 51.0}, BEFORE, "decay", None, id="what was known at the last row is not new"),
        pytest.param({"score": 51.0, "policy_version": "p2"}, None, "policy", None, id="another policy"),
        pytest.param(
            {"score": 51.0, "policy_version": "p2"}, NOW, "policy", "new_fact", id="policy before fact"
        ),
        pytest.param({"score": 51.0, "model_version": "m2"}, None, "model", None, id="another model"),
        pytest.param({"score": 51.0, "model_version": None}, None, "model", None, id="no model any more"),
        pytest.param(
            {"score": 51.0, "model_version": "m2", "policy_version": "p2"},
            NOW,
            "model",
            "policy, new_fact",
            id="model before all",
        ),
        pytest.param({"score": 50.5, "tier": "HOT"}, None, "decay", None, id="another tier by a hair"),
    ],
)
def test_a_move_has_a_row_and_its_cause(now, newest, cause, others):
    rows = history_rows(_scored(**now), LAST, _newest(newest), BEFORE)
    assert rows.schema == HISTORY_SCHEMA
    (row,) = rows.to_dicts()
    assert (row["cause"], row["other_causes"]) == (cause, others)
    assert (row["as_of"], row["previous_score"], row["previous_tier"]) == (NOW, 50.0, "WARM")
    assert row["score"] == now["score"]


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"score": 50.99},
        {"score": 49.01},
        {"policy_version": "p2", "model_version": "m2", "score": 50.9},
    ],
    ids=str,
)
def test_less_than_a_point_in_the_same_tier_has_none(now):
    assert history_rows(_scored(**now), LAST, _newest(NOW), BEFORE).is_empty()


def test_small_moves_add_up_against_the_last_row_and_not_the_last_refresh():
    last = _scored(as_of=BEFORE - timedelta(days=30))
    assert history_rows(_scored(score=50.6), last, _newest(), BEFORE).is_empty()
    assert history_rows(_scored(score=51.2), last, _newest(), BEFORE)["previous_score"].to_list() == [50.0]


@pytest.mark.parametrize("written_until", [None, BEFORE, NOW], ids=str)
def test_a_lead_without_history_has_its_first_score(written_until):
    (row,) = history_rows(_scored(), NONE, _newest(NOW), written_until).to_dicts()
    assert (row["cause"], row["other_causes"]) == ("first_score", None)
    assert (row["previous_score"], row["previous_tier"]) == (None, None)


def test_the_same_moment_again_moves_nothing():
    """Another policy at the same as_of: the next later refresh tells it."""
    assert history_rows(_scored(score=90.0, tier="HOT"), LAST, _newest(), NOW).is_empty()


def test_an_earlier_moment_adds_nothing_not_even_a_first_score():
    later = NOW + timedelta(hours=1)
    assert history_rows(_scored(score=90.0, tier="HOT"), LAST, _newest(), later).is_empty()
    assert history_rows(_scored(), NONE, _newest(), later).is_empty()


def test_leads_that_are_gone_have_no_row_and_no_leads_no_rows():
    gone = _scored(lead_id="L0", as_of=BEFORE)
    assert history_rows(_scored(), pl.concat([LAST, gone]), _newest(), BEFORE).is_empty()
    assert history_rows(NONE, LAST, _newest(), BEFORE).schema == HISTORY_SCHEMA


def test_a_policy_is_kept_by_its_version(tmp_path):
    policy = Policy.model_validate({"tiers": {"hot_above": 70.0}, "release": ["mql:1"]})
    path = keep_policy(tmp_path / "policies", policy)
    assert kept_policy(path.parent, policy.version) == policy
    assert kept_policy(path.parent, "another") is None


def test_a_kept_policy_that_is_not_what_its_name_says_is_none(tmp_path):
    path = keep_policy(tmp_path, Policy())
    path.write_text(path.read_text(encoding="utf-8").replace("80.0", "81.0"), encoding="utf-8")
    assert kept_policy(tmp_path, Policy().version) is None
    path.write_text("{", encoding="utf-8")
    assert kept_policy(tmp_path, Policy().version) is None
