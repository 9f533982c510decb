"""The model card: of a model, of none, and what it warns of."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from leadflow.modelling.calibration import Calibration
from leadflow.modelling.columns import NumericColumn
from leadflow.modelling.linear import LinearModel
from leadflow.policy import Policy
from leadflow.scoring.card import CARD_SCHEMA, calibration_verdict, model_card
from leadflow.scoring.card_page import card_page
from leadflow.scoring.champion import TRAININGS_SCHEMA
from leadflow.scoring.model import CandidateResult, Evaluation, TrainedModel, evaluation_json

AS_OF = datetime.fromisoformat("2024-06-01T12:00")
POLICY = Policy()
CHOSEN = CandidateResult(
    "logistic", "rates", "logistic regression on win rates", True, 0.71, 0.7, 0.6, 0.8, 0.3, 0.35
)
EVALUATION = Evaluation(
    trained_from=datetime.fromisoformat("2023-01-01"), trained_to=datetime.fromisoformat("2023-09-30"),
    test_from=datetime.fromisoformat("2023-10-01"), test_to=datetime.fromisoformat("2023-12-31"),
    train_examples=900, train_leads=800, train_wins=90, test_examples=200, test_leads=200, test_wins=25,
    base_rate_train=0.1, base_rate_test=0.125, auc=0.7, auc_low=0.6, auc_high=0.8, auc_within_months=0.69,
    average_precision=0.3, log_loss=0.35, log_loss_constant=0.38, brier=0.1, wins_in_top_30_percent=0.55,
    rule_auc=None, score_auc=None, calibration_error=0.02, calibration_band=0.04,
    calibration_curve=((0.1, 0.12, 200),), label_overlap_days=89, candidates=(CHOSEN,),
)  # fmt: skip
MODEL = TrainedModel(
    estimator=LinearModel((NumericColumn("views", False, 0.0, 9.0, 2.0, 2.0, 0.0, weight=0.2),), -2.0),
    calibration=Calibration("platt", 1.1, 0.2),
    wins=120,
    leads=1000,
    examples=1100,
    horizon_days=90,
    label_settled_at=datetime.fromisoformat("2024-03-30"),
    probability_quantiles=tuple(percent / 100 for percent in range(101)),
    rule_quantiles=None,
    evaluation=EVALUATION,
    importance={"views": 0.31},
)


def trainings(**columns: Any) -> pl.DataFrame:
    """One training at AS_OF."""
    row = {"training": 1, "as_of": AS_OF, "reason": "a reason", "wins": 120, **columns}
    return pl.DataFrame([row], schema=TRAININGS_SCHEMA)


def card_of(
    model: TrainedModel | None, log: pl.DataFrame, policy: Policy = POLICY, *left_out: str
) -> dict[str, Any]:
    card = model_card(model, log, policy, AS_OF, left_out)
    assert card.schema == CARD_SCHEMA
    return card.row(0, named=True)


def test_the_card_of_a_model():
    log = trainings(
        model_version=MODEL.version, champion_version=MODEL.version, policy_version="p", code_version="c"
    )
    row = card_of(MODEL, log, POLICY, "attribute secret")
    assert (row["status"], row["model_version"], row["blend_weight"]) == ("model", MODEL.version, 0.7)
    assert (row["auc"], row["train_wins"], row["rule_auc"]) == (0.7, 90, None)
    assert (row["family"], row["encoding"], row["calibration"]) == ("logistic", "rates", "platt")
    assert (row["trained_at"], row["policy_version"], row["code_version"]) == (AS_OF, "p", "c")
    assert (row["status_reason"], row["feature_names"]) == ("a reason", "views")
    assert (json.loads(row["importance"]), row["kept_from_model"]) == ({"views": 0.31}, "secret")
    assert json.loads(row["candidates"])[0]["name"] == "logistic regression on win rates"
    assert "fitted on leads before 2023-10-01" in row["limits"]
    assert "again on all 1100 examples of 1000 leads, 120 of which won" in row["limits"]
    assert "89 days into the test period" in row["limits"]
    assert "Kept from the model by the leakage checks or the policy: secret" in row["limits"]


@pytest.mark.parametrize(
    ("log", "auc", "says", "reason"),
    [
        (TRAININGS_SCHEMA.to_frame(), None, "nothing was measured", "no model was trained yet"),
        (trainings(), None, "nothing was measured", "a reason"),
        (trainings(evaluation=evaluation_json(EVALUATION)), 0.7, "of the model that was refused", "a reason"),
        (
            trainings().with_columns(as_of=AS_OF + timedelta(days=1)),
            None,
            "nothing",
            "no model was trained yet",
        ),
    ],
)
def test_the_card_of_no_model(log, auc, says, reason):
    row = card_of(None, log)
    assert (row["status"], row["model_version"], row["feature_names"]) == ("rules_only", None, None)
    assert (row["status_reason"], row["auc"], row["blend_weight"]) == (reason, auc, 0.0)
    assert says in row["limits"]


def test_the_card_says_that_training_is_off():
    policy = Policy.model_validate({"training": {"is_enabled": False}})
    assert "training.is_enabled" in card_of(None, trainings(), policy)["status_reason"]


def test_a_changed_horizon_is_told():
    policy = Policy.model_validate({"training": {"horizon_days": 30}})
    row = card_of(MODEL, trainings(model_version=MODEL.version), policy)
    assert row["horizon_days"] == 90
    assert "within 90 days, where the policy now asks for 30" in row["limits"]


@pytest.mark.parametrize(
    ("changes", "verdict", "says"),
    [
        ({}, "within_band", "The measures are"),
        ({"calibration_error": 0.05}, "off", "calibration error 0.050, where a perfectly calibrated model would stay below 0.040"),
        ({"calibration_error": 0.05, "base_rate_test": 0.2}, "base_rate_moved", "moved from 10.0% in training to 20.0%"),
        ({"base_rate_test": 0.02}, "base_rate_moved", "moved from 10.0% in training to 2.0%"),
        ({"log_loss": 0.39}, "within_band", "no better than the win rate of past leads"),
        ({"rule_auc": 0.75}, "within_band", "The rules alone ranked the newest leads better"),
    ],
)  # fmt: skip
def test_what_the_card_warns_of(changes, verdict, says):
    measured = replace(EVALUATION, **changes)
    assert calibration_verdict(measured) == verdict
    row = card_of(replace(MODEL, evaluation=measured), trainings(model_version=MODEL.version))
    assert row["calibration_verdict"] == verdict
    assert says in row["limits"]


def test_the_page_of_a_card_shows_what_it_holds():
    card = model_card(MODEL, trainings(model_version=MODEL.version), POLICY, AS_OF)
    page = card_page(card, MODEL.probability_quantiles)
    assert f"**Model {MODEL.version}**: a reason" in page
    assert "| **logistic regression on win rates** | 0.710 | 0.700 (0.600 to 0.800) |" in page
    assert "| learned from | 2023-01-01 | 2023-09-30 | 900 | 90 | 10.0% |" in page
    assert "**Limits.** The measures are of a model fitted on leads before 2023-10-01" in page
    assert "Not for decisions about persons" in page
    assert page.count("data:image/png;base64,iVBOR") == 3  # calibration, importance, scale


def test_the_page_of_no_model_says_so_and_draws_nothing():
    page = card_page(model_card(None, TRAININGS_SCHEMA.to_frame(), POLICY, AS_OF))
    assert "**Rules alone**: no model was trained yet" in page
    assert "image/png" not in page
