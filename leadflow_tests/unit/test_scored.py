"""Scored leads and their reasons: what the tables hold with a model and without one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from leadflow.errors import LeadflowError
from leadflow.modelling.calibration import Calibration
from leadflow.modelling.columns import CategoricalColumn, NumericColumn
from leadflow.modelling.linear import LinearModel
from leadflow.policy import Policy
from leadflow.scoring.card import CARD_SCHEMA
from leadflow.scoring.champion import NEWEST_SCHEMA, TRAININGS_SCHEMA
from leadflow.scoring.gains import GAINS_TABLE_SCHEMA
from leadflow.scoring.history import HISTORY_SCHEMA
from leadflow.scoring.model import Evaluation, TrainedModel
from leadflow.scoring.rules import SCORES_SCHEMA, score_rules
from leadflow.scoring.scored import ML_SCHEMA, REASONS_SCHEMA, SCORED_SCHEMA, Scored, assemble

AS_OF = datetime.fromisoformat("2024-06-01T12:00")
POLICY = Policy.model_validate(
    {
        "rules": [
            {"name": "large", "group": "static", "when": {"feature": "company_size", "op": "gt", "value": 500},
             "points": 30, "reason": "Company is large"},
            {"name": "viewed", "group": "dynamic", "when": {"feature": "page_views_ever", "op": "gt", "value": 0},
             "points": 20, "reason": "Looked around"},
            {"name": "free", "group": "contact", "when": {"feature": "is_free_mail", "op": "is_true"},
             "points": -10, "reason": "Uses a personal e-mail address"},
        ],
        "blend": {"model_weight": 0.5, "wins_for_full_weight": 100},
    }
)  # fmt: skip
CONTRACT = Path(__file__).parents[2] / "dbt_like_sql" / "scoring" / "schema.yml"

EVALUATION = Evaluation(
    trained_from=datetime.fromisoformat("2023-01-01"), trained_to=datetime.fromisoformat("2023-09-30"), test_from=datetime.fromisoformat("2023-10-01"),
    test_to=datetime.fromisoformat("2023-12-31"), train_examples=900, train_leads=800, train_wins=90, test_examples=200, test_leads=200,
    test_wins=25, base_rate_train=0.1, base_rate_test=0.125, auc=0.7, auc_low=0.6, auc_high=0.8, auc_within_months=0.69, average_precision=0.3, log_loss=0.35,
    log_loss_constant=0.38, brier=0.1, wins_in_top_30_percent=0.55, rule_auc=None, score_auc=None,
    calibration_error=0.02, calibration_band=0.04, calibration_curve=((0.1, 0.12, 200),), label_overlap_days=89,
)  # fmt: skip
MODEL = TrainedModel(
    estimator=LinearModel(
        columns=(
            NumericColumn(
                "page_views_ever", False, 0.0, 100.0, 2.0, centre=2.0, missing_centre=0.0, weight=0.2
            ),
            CategoricalColumn(
                "landing_page", {"88740e65d5d6b056e0cda098e1ea6313": 0.5}, None, 0.1, centre=-2.0, weight=1.0
            ),
        ),
        baseline=-2.0,
    ),
    calibration=Calibration(),
    wins=120,
    leads=1000,
    examples=1100,
    horizon_days=90,
    label_settled_at=datetime.fromisoformat("2024-03-30"),
    probability_quantiles=tuple(percent / 100 for percent in range(101)),
    rule_quantiles=tuple(float(percent) for percent in range(101)),
    evaluation=EVALUATION,
)


def inputs(*facts: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    ids = [f"L{number}" for number in range(len(facts))]
    leads = pl.DataFrame(
        {
            "lead_id": ids, "account_id": ids, "company_name": ids, "title": ids, "seniority": ids, "country": ids,
            "channel": ids, "created_at": [datetime.fromisoformat("2024-05-01")] * len(ids),
        },
        schema={**dict.fromkeys(SCORED_SCHEMA.names()[:5], pl.String), "country": pl.String, "channel": pl.String,
                "created_at": pl.Datetime("us")},
    )  # fmt: skip
    features = pl.DataFrame(
        [{"lead_id": lead_id, "last_activity_at": datetime.fromisoformat("2024-05-02"), **fact} for lead_id, fact in zip(ids, facts, strict=True)],
        schema={
            "lead_id": pl.String, "industry": pl.String, "company_size": pl.Int64, "last_activity_at": pl.Datetime("us"),
            "page_views_ever": pl.Int64, "is_free_mail": pl.Boolean, "landing_page": pl.String,
        },
    )  # fmt: skip
    return leads.select(
        "lead_id", "account_id", "company_name", "title", "seniority", "country", "channel", "created_at"
    ), features


def score(model: TrainedModel | None, *facts: dict[str, Any]) -> Scored:
    leads, features = inputs(*facts)
    rules = score_rules(features, POLICY)
    return assemble(leads.reverse(), features, rules.scores, rules.points, model, POLICY, AS_OF)


def test_by_rules_alone_the_score_is_the_rule_score():
    scored = score(
        None, {"company_size": 900, "page_views_ever": 3, "is_free_mail": True}, {"company_size": 900}, {}
    )
    table = scored.scored_leads
    assert table["lead_id"].to_list() == ["L0", "L1", "L2"]
    assert table["score"].to_list() == table["rule_score"].to_list() == [40.0, 30.0, 0.0]
    assert table["tier"].to_list() == ["WARM", "COLD", "COLD"]
    assert table["top_reason_1"].to_list() == ["Company is large", "Company is large", None]
    assert table["top_reason_2"].to_list() == ["Looked around", None, None]
    assert table["top_reason_3"].to_list() == ["Uses a personal e-mail address", None, None]
    assert table["scored_at"].to_list() == table["as_of"].to_list() == [AS_OF] * 3
    assert table["policy_version"].unique().to_list() == [POLICY.version]
    absent = ["ml_probability", "ml_score", "expected_revenue", "owner", "next_action", "model_version"]
    assert table.select(pl.col(absent).is_null().all()).row(0) == (True,) * len(absent)
    assert scored.ml_scores.is_empty()
    assert scored.score_reasons["effect"].to_list()[:3] == [30.0, 20.0, -10.0]


def test_with_a_model_both_are_put_on_one_scale_and_mixed():
    page = "88740e65d5d6b056e0cda098e1ea6313"
    scored = score(
        MODEL, {"company_size": 900, "page_views_ever": 7, "landing_page": page}, {"page_views_ever": 2}
    )
    table = scored.scored_leads
    assert table["ml_probability"][0] == pytest.approx(1 / (1 + 2.718281828459045 ** -(-2 + 0.2 * 5 + 2)))
    assert table["ml_score"].to_list() == pytest.approx([p * 100 for p in table["ml_probability"]])
    expected = [(rule + ml) / 2 for rule, ml in zip(table["rule_score"], table["ml_score"], strict=True)]
    assert table["score"].to_list() == pytest.approx(expected)
    assert table["model_version"].unique().to_list() == [MODEL.version]
    assert scored.ml_scores.select("lead_id", "ml_score").equals(table.select("lead_id", "ml_score"))
    assert table["tier"].to_list() == ["WARM", "COLD"]

    first = scored.score_reasons.filter(pl.col("lead_id") == "L0")
    assert first["rank"].to_list() == [1, 2, 3, 4]
    assert first["reason"].to_list() == [
        "Landing page 88740e65…: raises the chance of winning",
        "Company is large",
        "Viewed 7 web pages so far: raises the chance of winning",
        "Looked around",
    ]
    assert first["source"].to_list() == ["model", "rule", "model", "rule"]
    assert first["fact"].to_list()[:2] == [f"landing_page = {page}", "company_size = 900"]
    assert first["points"].to_list() == [None, 30.0, None, 20.0]
    assert first["contribution"].to_list() == pytest.approx([2.0, None, 1.0, None])


def test_effect_is_what_the_score_would_lose_without_the_reason():
    scored = score(MODEL, {"company_size": 900, "page_views_ever": 7})
    effect = {
        row["name"]: row["effect"] for row in scored.score_reasons.to_dicts() if row["source"] == "rule"
    }
    whole = scored.scored_leads["rule_score"].item()
    without = score(MODEL, {"company_size": 1, "page_views_ever": 7}).scored_leads["rule_score"].item()
    assert effect["large"] == pytest.approx(0.5 * (whole - without))


def test_what_is_stored_is_what_the_model_says_of_the_lead_whatever_the_order_of_rows():
    leads, features = inputs(
        *({"company_size": 100 * size, "page_views_ever": 9 - size} for size in range(9))
    )
    rules = score_rules(features, POLICY)
    scored = assemble(leads, features, rules.scores, rules.points, MODEL, POLICY, AS_OF)
    assert scored.scored_leads["ml_probability"].equals(MODEL.predict(features))
    shuffled = [
        frame.sample(fraction=1, shuffle=True, seed=3)
        for frame in (leads, features, rules.scores, rules.points)
    ]
    again = assemble(*shuffled, MODEL, POLICY, AS_OF)
    for one, other in zip(vars(scored).values(), vars(again).values(), strict=True):
        assert one.equals(other)
    few = assemble(leads[3:5], features, rules.scores, rules.points, MODEL, POLICY, AS_OF)
    assert few.scored_leads.equals(scored.scored_leads[3:5])
    assert few.score_reasons.equals(scored.score_reasons.filter(pl.col("lead_id").is_in(["L3", "L4"])))


def test_the_policy_says_in_which_language_the_main_reasons_are():
    chinese = Policy.model_validate({**POLICY.model_dump(by_alias=True), "reasons": {"language": "zh"}})
    leads, features = inputs({"company_size": 900, "page_views_ever": 7})
    rules = score_rules(features, POLICY)
    told = assemble(leads, features, rules.scores, rules.points, MODEL, chinese, AS_OF)
    lead = told.scored_leads.row(0, named=True)
    # A rule without Chinese words is told in its own.
    assert [lead[f"top_reason_{at}"] for at in (1, 2, 3)] == [
        "Company is large", "Looked around", "至今浏览网页 7 个：提高赢单概率",
    ]  # fmt: skip
    worded = rules.points.with_columns(
        reason_zh=pl.lit("公司规模大"), fact_date=pl.lit(AS_OF.date()), more=pl.lit(1)
    )
    told = assemble(leads, features, rules.scores, worded, MODEL, chinese, AS_OF)
    assert told.scored_leads["top_reason_1"].item() == "公司规模大"
    rule = told.score_reasons.filter(pl.col("name") == "large").row(0, named=True)
    assert (rule["reason"], rule["reason_zh"], rule["fact_date"]) == (
        "Company is large",
        "公司规模大",
        AS_OF.date(),
    )


GATES = [
    {"name": "private", "when": {"feature": "is_free_mail", "op": "is_true"}, "max_score": 30, "reason": "Private", "reason_zh": "私人"},
    {"name": "busy", "when": {"feature": "page_views_ever", "op": "gt", "value": 0}, "max_score": 79.9, "reason": "Busy"},
]  # fmt: skip


def gated(model: TrainedModel | None, *facts: dict[str, Any], points: float = 90) -> Scored:
    leads, features = inputs(*facts)
    rule = {"name": "large", "group": "static", "when": {"feature": "company_size", "op": "gt", "value": 0}, "points": points,
            "reason": "Company"}  # fmt: skip
    policy = Policy.model_validate({"rules": [rule], "gates": GATES, "blend": POLICY.blend.model_dump()})
    rules = score_rules(features, policy)
    return assemble(leads, features, rules.scores, rules.points, model, policy, AS_OF)


def test_a_gate_holds_the_score_down_and_the_tier_follows():
    scored = gated(
        None,
        {"company_size": 1},
        {"company_size": 1, "page_views_ever": 1},
        {"company_size": 1, "page_views_ever": 1, "is_free_mail": True},
        {"is_free_mail": True},
    )
    table = scored.scored_leads
    assert table["score"].to_list() == pytest.approx([90, 79.9, 30, 0])
    assert table["tier"].to_list() == ["HOT", "WARM", "COLD", "COLD"]
    assert table["rule_score"].to_list() == [90, 90, 90, 0]  # gates are no points
    reasons = scored.score_reasons.filter(pl.col("lead_id") == "L2")
    assert reasons.select("source", "name", "rank").rows() == [
        ("rule", "large", 1),
        ("gate", "private", 2),
        ("gate", "busy", 3),
    ]
    assert reasons["effect"].to_list() == pytest.approx([90, -60, -10.1])
    assert reasons["points"].to_list() == [90, None, None]
    assert reasons["reason_zh"].to_list() == [None, "私人", None]
    assert reasons["fact"].to_list()[1] == "is_free_mail = true"
    idle = scored.score_reasons.filter(pl.col("lead_id") == "L3")
    assert idle["effect"].to_list() == [0.0]  # it holds, and takes nothing


def test_a_gate_holds_the_blended_score():
    facts = {"company_size": 1, "page_views_ever": 40}
    with_model = gated(MODEL, facts, points=100).scored_leads
    assert with_model["ml_score"].item() > 90
    assert with_model["score"].item() == pytest.approx(79.9)


@pytest.mark.parametrize(
    ("points", "tier"),
    [(39.99, "COLD"), (40.0, "WARM"), (40.01, "WARM"), (80.0, "WARM"), (80.01, "HOT"), (0.0, "COLD"), (130.0, "HOT")],
)  # fmt: skip
def test_tiers_at_their_boundaries(points, tier):
    assert gated(None, {"company_size": 1}, points=points).scored_leads["tier"].item() == tier


def test_expected_revenue_is_probability_times_value():
    leads, features = inputs({"page_views_ever": 2}, {"page_views_ever": 9})
    rules = score_rules(features, POLICY)
    value = pl.Series("expected_value", [1000.0, None])
    for model, is_there in ((MODEL, True), (None, False)):
        table = assemble(
            leads.reverse(), features, rules.scores, rules.points, model, POLICY, AS_OF, value
        ).scored_leads
        first = 1000 * table["ml_probability"][0] if is_there else None
        assert table["expected_revenue"].to_list() == [first, None]


def test_effects_under_a_cap_are_what_is_lost_after_it():
    leads, features = inputs({"company_size": 900, "page_views_ever": 3})
    policy = Policy.model_validate({**POLICY.model_dump(by_alias=True), "caps": {"total": 40}})
    rules = score_rules(features, policy)
    scored = assemble(leads, features, rules.scores, rules.points, None, policy, AS_OF)
    effects = dict(scored.score_reasons.select("name", "effect").iter_rows())
    assert scored.scored_leads["score"].item() == 40
    assert effects == {"large": 20.0, "viewed": 10.0, "cap_total": -10.0}


def test_tables_have_the_contracts_columns_and_types_also_when_empty():
    types = {
        "varchar": pl.String,
        "bigint": pl.Int64,
        "double": pl.Float64,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "timestamp": pl.Datetime("us"),
    }
    tables = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["sources"][0]["tables"]
    contract = {
        table["name"]: pl.Schema(
            [(column["name"], types[column["data_type"]]) for column in table["columns"]]
        )
        for table in tables
    }
    assert contract == {
        "rule_scores": SCORES_SCHEMA,
        "ml_scores": ML_SCHEMA,
        "scored_leads": SCORED_SCHEMA,
        "score_reasons": REASONS_SCHEMA,
        "model_card": CARD_SCHEMA,
        "score_gains": GAINS_TABLE_SCHEMA,
        "score_history": HISTORY_SCHEMA,
        "trainings": TRAININGS_SCHEMA,
        "newest_scores": NEWEST_SCHEMA,
    }
    for model in (None, MODEL):
        for facts in ((), ({},), ({"company_size": 900, "page_views_ever": 1},)):
            scored = score(model, *facts)
            assert scored.scored_leads.schema == SCORED_SCHEMA
            assert scored.score_reasons.schema == REASONS_SCHEMA
            assert scored.ml_scores.schema == ML_SCHEMA
            assert scored.scored_leads.height == len(facts)


def test_a_lead_without_features_is_named():
    leads, features = inputs({}, {})
    rules = score_rules(features, POLICY)
    with pytest.raises(LeadflowError, match="1 leads have no features, such as lead L1"):
        assemble(leads, features[:1], rules.scores, rules.points, None, POLICY, AS_OF)
    with pytest.raises(LeadflowError, match="2 leads have no rule score, such as lead L0"):
        assemble(leads, features, rules.scores.clear(), rules.points, None, POLICY, AS_OF)
