"""Reasons of the model: they add up, they are what a plain loop tells, and no sentence is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from naive_reasons import naive_reasons

from leadflow.modelling.columns import FeatureSpec
from leadflow.modelling.fit import Examples
from leadflow.modelling.linear import fit_linear
from leadflow.modelling.trees import fit_trees
from leadflow.policy import Training
from leadflow.quality.contracts import load_contracts
from leadflow.reasons_policy import Reasons
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.reasons import (
    TOLD_SCHEMA,
    Grouped,
    Told,
    group_contributions,
    told_groups,
    told_reasons,
)
from leadflow.scoring.training import train
from leadflow.scoring.words import WORDS_FILE, feature_label, feature_words

AS_OF = date(2024, 6, 1)
ROOM = Path(__file__).parents[2] / "dbt_like_sql"
NUMERIC = {
    "pricing_page_views_7d": pl.Int64, "pricing_page_views_30d": pl.Int64, "pricing_page_views_ever": pl.Int64,
    "days_since_pricing_page_view": pl.Int64, "product_minutes_30d": pl.Float64, "company_size": pl.Int64,
    "is_free_mail": pl.Boolean, "touch_trend_30d": pl.Float64, "open_service_tickets": pl.Int64,
    "attribute employees": pl.Float64,
}  # fmt: skip
CATEGORICAL = {"industry": pl.String, "landing_page": pl.String, "attribute heard of us": pl.String}
SCHEMA = {**NUMERIC, **CATEGORICAL}


def leads(count: int, seed: int) -> pl.DataFrame:
    """Features with much that is unknown, not a number, or infinite."""
    draw = np.random.default_rng(seed)

    def sparse(values: Any, share: float = 0.3) -> list[Any]:
        return [
            None if gone else value for value, gone in zip(values, draw.random(count) < share, strict=True)
        ]

    views = draw.poisson(1, count)
    minutes = draw.gamma(1, 700, count) * (draw.random(count) < 0.7)
    minutes[:3] = [float("nan"), float("inf"), 0.004]
    return pl.DataFrame(
        {
            "pricing_page_views_7d": views,
            "pricing_page_views_30d": views + draw.poisson(1, count),
            "pricing_page_views_ever": views + draw.poisson(3, count),
            "days_since_pricing_page_view": sparse(draw.integers(0, 90, count).tolist()),
            "product_minutes_30d": minutes,
            "company_size": sparse(draw.integers(1, 5000, count).tolist()),
            "is_free_mail": sparse((draw.random(count) < 0.4).tolist(), 0.1),
            "touch_trend_30d": draw.normal(0, 1, count),
            "open_service_tickets": [None] * count,
            "attribute employees": sparse(draw.random(count).tolist()),
            "industry": sparse(draw.choice(["Energy", "Software", "Health Care"], count).tolist()),
            "landing_page": draw.choice(["/", "/spring", "88740e65d5d6b056e0cda098e1ea6313"], count),
            "attribute heard of us": sparse(draw.choice(["ads", "a friend"], count).tolist()),
        },
        schema=SCHEMA,
        strict=False,
    )


SPEC = FeatureSpec(numeric=list(NUMERIC), categorical=list(CATEGORICAL))
SETTINGS = Training.model_validate({"bootstrap_samples": 100})


def examples() -> pl.DataFrame:
    """Leads whose wins follow some of their features."""
    features = leads(1500, seed=1)
    draw = np.random.default_rng(2)
    pull = (
        features["pricing_page_views_ever"].to_numpy() / 2
        + features["is_free_mail"].fill_null(value=False).to_numpy()
        - features["industry"].eq("Energy").fill_null(value=False).to_numpy()
    )
    moments = pl.datetime_range(
        pl.datetime(2023, 1, 1), pl.datetime(2023, 12, 31), interval="5h", eager=True, time_unit="us"
    )
    return features.with_columns(
        lead_id=pl.int_range(pl.len()).cast(pl.String),
        as_of=moments[:1500],
        label=pl.Series(draw.random(1500) < 1 / (1 + np.exp(2 - pull))),
    )


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    estimator = fit_linear(Examples(examples(), SPEC, SETTINGS), "rates")
    trained = train(examples(), SPEC, SETTINGS)
    assert estimator is not None
    assert isinstance(trained, TrainedModel)
    return replace(trained, estimator=estimator)


@pytest.mark.parametrize("encoding", ["rates", "one_hot"])
@pytest.mark.parametrize("family", ["logistic", "forest", "boosting"])
def test_groups_add_up_to_the_log_odds_whatever_model_is_behind_them(family, encoding):
    estimator = (
        fit_linear(Examples(examples(), SPEC, SETTINGS), encoding)
        if family == "logistic"
        else fit_trees(Examples(examples(), SPEC, SETTINGS), encoding, family)
    )
    assert estimator is not None
    features = leads(200, seed=42)
    grouped = group_contributions(estimator.contributions(features))
    apart = np.abs(estimator.baseline + grouped.added.sum(axis=1) - estimator.log_odds(features)).max()
    assert apart < 1e-9
    # The last part of a table may be without rows.
    assert estimator.log_odds(features[:0]).shape == (0,)
    nothing = group_contributions(estimator.contributions(features[:0]))
    assert nothing.added.shape == (0, len(nothing.names))
    assert not len(told_groups(nothing, Reasons()).lead)


def told(
    model: TrainedModel, features: pl.DataFrame, settings: Reasons | None = None
) -> tuple[Grouped, Told, pl.DataFrame]:
    grouped = group_contributions(model.contributions(features))
    chosen = told_groups(grouped, settings or Reasons())
    effect = np.arange(len(chosen.lead), dtype=np.float64)
    return grouped, chosen, told_reasons(chosen, grouped, features, effect, AS_OF, model.seen_values())


@pytest.mark.parametrize("seed", range(5))
def test_the_groups_of_random_leads_add_up_to_their_log_odds(model, seed):
    features = leads(200, seed=100 + seed)
    grouped, _, _ = told(model, features)
    rest = model.log_odds(features) - grouped.added.sum(axis=1)
    baseline = rest[0]
    assert np.abs(rest - baseline).max() < 1e-9
    average = model.log_odds(features) - model.contributions(features).to_numpy().sum(axis=1)
    assert np.abs(rest - average).max() < 1e-9
    assert sorted(member for group in grouped.members for member in group) == list(
        range(len(model.feature_names))
    )


@pytest.mark.parametrize(
    ("settings", "seed"),
    [(Reasons(), 7), (Reasons(positive=1, negative=0), 8), (Reasons(positive=50, negative=50), 9)],
)
def test_reasons_are_what_a_plain_loop_tells(model, settings, seed):
    features = leads(150, seed=seed)
    _, chosen, table = told(model, features, settings)
    assert table.schema == TOLD_SCHEMA
    plain = naive_reasons(features, model.contributions(features), settings, AS_OF)
    for lead, expected in enumerate(plain):
        rows = table.filter(pl.col("lead") == lead).sort(
            pl.col("contribution") < 0, pl.col("contribution").abs(), descending=[False, True]
        )
        found = rows.select(list(expected[0]) if expected else ["name"]).to_dicts()
        assert [row["contribution"] for row in found] == pytest.approx(
            [row["contribution"] for row in expected]
        )
        for row in (*found, *expected):
            row.pop("contribution", None)
        assert found == expected
    # An effect stays with the row that it was given for.
    by_effect = table.sort("effect")
    assert by_effect["lead"].to_list() == chosen.lead.tolist()
    assert by_effect["contribution"].to_list() == chosen.added.tolist()


def test_each_direction_has_its_own_number_of_reasons(model):
    _, _, table = told(model, leads(300, seed=11), Reasons(positive=2, negative=1))
    counts = table.group_by("lead").agg(
        up=(pl.col("contribution") > 0).sum(), down=(pl.col("contribution") < 0).sum()
    )
    assert counts["up"].max() == 2
    assert counts["down"].max() == 1
    assert told(model, leads(300, seed=11), Reasons(positive=0, negative=0))[2].is_empty()


def grouped_of(**shares: list[float]) -> Grouped:
    return group_contributions(pl.DataFrame(shares, schema=dict.fromkeys(shares, pl.Float64)))


def words_of(
    shares: dict[str, list[float]], features: pl.DataFrame, seen: dict[str, set[str]] | None = None
) -> list[dict[str, Any]]:
    grouped = grouped_of(**shares)
    chosen = told_groups(grouped, Reasons())
    return (
        told_reasons(chosen, grouped, features, np.zeros(len(chosen.lead)), AS_OF, seen or {})
        .sort("lead")
        .to_dicts()
    )


def test_a_group_tells_the_feature_that_weighs_most_in_its_direction():
    features = pl.DataFrame(
        {
            "pricing_page_views_7d": [0, 0],
            "pricing_page_views_30d": [3, 3],
            "days_since_pricing_page_view": [12, 12],
        }
    )
    up, down = words_of(
        {
            "pricing_page_views_7d": [-1.0, -1.0],
            "pricing_page_views_30d": [1.5, 0.2],
            "days_since_pricing_page_view": [0.5, 0.1],
        },
        features,
    )
    assert (up["name"], up["contribution"]) == ("pricing_page_views", 1.0)
    assert up["reason"] == "Viewed the pricing page 3 times in 30 days: raises the chance of winning"
    assert up["reason_zh"] == "30 天内访问定价页 3 次：提高赢单概率"
    assert (up["fact"], up["fact_date"]) == ("pricing_page_views_30d = 3", date(2024, 5, 20))
    assert down["contribution"] == pytest.approx(-0.7)
    assert down["reason"] == "Pricing page not viewed in 7 days: lowers the chance of winning"
    assert (down["fact"], down["fact_date"]) == ("pricing_page_views_7d = 0", None)


@pytest.mark.parametrize(
    ("feature", "value", "dtype", "fact", "en", "zh", "day"),
    [
        ("pricing_page_views_ever", 1, pl.Int64, "1", "Viewed the pricing page once so far", "至今访问定价页 1 次", None),
        ("days_since_pricing_page_view", 0, pl.Int64, "0", "Last viewed the pricing page today", "最近一次访问定价页是在今天", AS_OF),
        ("days_since_pricing_page_view", None, pl.Int64, "unknown", "Pricing page not viewed so far", "至今未访问定价页", None),
        ("lead_age_days", 31, pl.Int64, "31", "Came in 31 days ago", "线索创建于 31 天前", date(2024, 5, 1)),
        ("product_minutes_30d", 12.348, pl.Float64, "12.348", "Spent 12.3 minutes in the product in 30 days", "30 天内使用产品 12.3 分钟", None),
        ("product_minutes_30d", 0.004, pl.Float64, "0.004", "Spent 0.004 minutes in the product in 30 days", "30 天内使用产品 0.004 分钟", None),
        ("product_minutes_30d", 23456.7, pl.Float64, "23456.7", "Spent 23,457 minutes in the product in 30 days", "30 天内使用产品 23,457 分钟", None),
        ("product_minutes_30d", 0.0, pl.Float64, "0.0", "No time in the product in 30 days", "30 天内未使用产品", None),
        ("product_minutes_30d", float("nan"), pl.Float64, "unknown", "Use of the product not known", "产品使用未知", None),
        ("product_minutes_30d", float("inf"), pl.Float64, "unknown", "Use of the product not known", "产品使用未知", None),
        ("touch_trend_30d", -0.5, pl.Float64, "-0.5", "Less active in the last 7 days than in the 23 before", "最近 7 天不如之前 23 天活跃", None),
        ("topic_share_30d", 0.456, pl.Float64, "0.456", "46 % of the pages viewed in 30 days are about one topic", "30 天内浏览的网页有 46 % 属于同一主题", None),
        ("company_size", 1200, pl.Int64, "1200", "Company has 1,200 employees", "公司有 1,200 名员工", None),
        ("company_size", 1, pl.Int64, "1", "Company has 1 employee", "公司有 1 名员工", None),
        ("company_size", None, pl.Int64, "unknown", "Company size not known", "公司规模未知", None),
        ("company_size", None, pl.Null, "unknown", "Company size not known", "公司规模未知", None),
        ("is_free_mail", True, pl.Boolean, "true", "Uses a personal e-mail address", "使用个人邮箱", None),
        ("is_free_mail", False, pl.Boolean, "false", "Uses no personal e-mail address", "未使用个人邮箱", None),
        ("is_free_mail", None, pl.Boolean, "unknown", "No e-mail address known", "邮箱未知", None),
        ("industry", "Information Technology", pl.String, "Information Technology", "Industry Information Technology", "行业为信息技术", None),
        ("industry", "Basket weaving", pl.String, "Basket weaving", "Industry Basket weaving", "行业为 Basket weaving", None),
        ("industry", "  ", pl.String, "  ", "Industry not known", "行业未知", None),
        ("channel", "展会", pl.String, "展会", "Channel 展会", "渠道为展会", None),
        ("landing_page", "88740e65d5d6b056e0cda098e1ea6313", pl.String, "88740e65d5d6b056e0cda098e1ea6313", "Landing page 88740e65…", "落地页为 88740e65…", None),
        ("seniority", None, pl.String, "unknown", "Seniority not known", "职级未知", None),
        ("attribute salary", 99.0, pl.Float64, "not shown", 'Attribute "salary"', "属性“salary”", None),
        ("attribute salary", None, pl.Float64, "not shown", 'Attribute "salary"', "属性“salary”", None),
        ("attribute hobby", "chess", pl.String, "not shown", 'Attribute "hobby"', "属性“hobby”", None),
        ("some_new_feature_30d", 3, pl.Int64, "3", "Some new feature in 30 days 3", "Some new feature in 30 days为 3", None),
        ("is_new", True, pl.Boolean, "true", "New yes", "New为是", None),
    ],
)  # fmt: skip
def test_what_is_told_of_a_value(feature, value, dtype, fact, en, zh, day):
    for share, end, chinese_end in ((0.5, "raises", "提高"), (-0.5, "lowers", "降低")):
        (told_one,) = words_of(
            {feature: [share]}, pl.DataFrame({feature: [value]}, schema={feature: dtype}, strict=False)
        )
        assert told_one["fact"] == f"{feature} = {fact}"
        assert told_one["reason"] == f"{en}: {end} the chance of winning"
        assert told_one["reason_zh"] == f"{zh}：{chinese_end}赢单概率"
        assert told_one["fact_date"] == day


def test_a_text_that_is_new_to_the_model_is_said_to_be(model):
    assert model.seen_values()["industry"] == {"Energy", "Software", "Health Care"}
    pages = pl.DataFrame({"landing_page": ["/spring", "/autumn", None], "attribute hobby": ["chess"] * 3})
    seen = {"landing_page": {"/spring"}, "attribute hobby": set()}
    told_of_pages = words_of({"landing_page": [0.5] * 3}, pages, seen)
    assert [row["reason"] for row in told_of_pages] == [
        "Landing page /spring: raises the chance of winning",
        "Landing page /autumn (new to the model): raises the chance of winning",
        "Landing page not known: raises the chance of winning",
    ]
    assert told_of_pages[1]["reason_zh"] == "落地页为 /autumn（模型未见过）：提高赢单概率"
    told_of_hobbies = words_of({"attribute hobby": [0.5] * 3}, pages, seen)
    assert {row["reason"] for row in told_of_hobbies} == {'Attribute "hobby": raises the chance of winning'}


def test_what_weighs_nothing_is_not_told():
    features = pl.DataFrame({"company_size": [5, 5], "industry": ["Energy", "Energy"]})
    assert words_of({"company_size": [0.0, 0.049], "industry": [-0.049, 0.0]}, features) == []
    assert words_of({}, pl.DataFrame({"company_size": [5]})) == []


def contract_features() -> dict[str, str]:
    return {
        name: role
        for name, role in load_contracts(ROOM)["features.lead_features"].feature_roles.items()
        if role is not None
    }


def test_every_feature_has_words_in_both_languages():
    words = feature_words()
    lacking = [feature for feature in contract_features() if not words.has(feature)]
    assert not lacking, f"{WORDS_FILE.name} has no words for {', '.join(lacking)}"
    for feature, role in contract_features().items():
        values = (None, "Somewhere") if role == "categorical" else (None, True, False, 0, 1, 2, 2.5, -2.5)
        for value in values:
            english, chinese = (words.fact(feature, value, language) for language in ("en", "zh"))
            assert english.isascii(), english
            assert re.search("[\u4e00-\u9fff]", chinese), chinese
            for sentence in (english, chinese):
                assert not re.search(r"[{}:：]|  |_", sentence), sentence
                assert sentence == sentence.strip()


def test_no_words_are_left_over_and_dates_come_from_features_that_exist():
    words, features = feature_words(), contract_features()
    stems = {re.sub(r"_(\d+d|ever)$", "_*", feature) for feature in features}
    assert set(words.by_feature) <= set(features) | stems
    assert {group.since for group in words.groups.values()} - {None} <= set(features)
    named = [feature for group in words.groups.values() for feature in group.features]
    assert len(named) == len(set(named)), "a feature is in two groups"


@pytest.mark.parametrize(
    ("feature", "label"),
    [
        ("pricing_page_views_30d", "Pricing page views in 30 days"),
        ("email_replies_ever", "Email replies"),
        ("is_free_mail", "Free mail"),
        ("landing_page_id", "Landing page"),
        ("channel", "Channel"),
    ],
)
def test_feature_labels(feature, label):
    assert feature_label(feature) == label
