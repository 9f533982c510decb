"""The model: what it learns, when it is refused, and that what is stored predicts and explains the same."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.modelling.columns import FeatureSpec, log_odds, smoothed_rates
from leadflow.modelling.fit import fit, predict
from leadflow.modelling.linear import LinearModel
from leadflow.modelling.splits import split_forward
from leadflow.policy import Training
from leadflow.scoring.model import Fallback, ModelFileError, TrainedModel
from leadflow.scoring.training import train

SPEC = FeatureSpec(numeric=["views", "size", "is_free"], categorical=["channel"])
START = datetime.fromisoformat("2024-01-01")


def settings(**changes: Any) -> Training:
    return Training.model_validate({"bootstrap_samples": 200, "candidates": ["logistic"], **changes})


def history(
    leads: int = 600, moments: tuple[int, ...] = (0, 7), effect: float = 1.2, seed: int = 1
) -> pl.DataFrame:
    """One lead a day or more, seen at some moments; wins follow views and channel where effect is not 0."""
    generator = np.random.default_rng(seed)
    views = generator.poisson(2, leads)
    channel = generator.choice(["ads", "event", "web"], leads)
    size = generator.lognormal(4, 1, leads)
    lift = np.select([channel == "event", channel == "ads"], [1.0, -1.0], 0.0)
    chance = 1 / (1 + np.exp(-(-1.5 + effect * (np.log1p(views) - 1 + lift))))
    won = generator.random(leads) < chance
    created = [START + timedelta(hours=8 * lead) for lead in range(leads)]
    rows = pl.DataFrame(
        {
            "lead_id": [f"L{lead:05d}" for lead in range(leads)],
            "created_at": created,
            "label": won,
            "views": views,
            "size": [None if lead % 9 == 0 else float(value) for lead, value in enumerate(size)],
            "is_free": generator.random(leads) < 0.4,
            "channel": [None if lead % 11 == 0 else str(value) for lead, value in enumerate(channel)],
        }
    )
    at = pl.DataFrame({"days": moments})
    return rows.join(at, how="cross").with_columns(as_of=pl.col("created_at") + pl.duration(days="days"))


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    outcome = train(history(), SPEC, settings())
    assert isinstance(outcome, TrainedModel)
    return outcome


def test_it_finds_what_is_there_and_is_measured_on_later_leads(trained):
    measured = trained.evaluation
    assert 0.6 < measured.auc_low < measured.auc < measured.auc_high < 0.95
    assert measured.log_loss < measured.log_loss_constant
    assert measured.average_precision > 1.5 * measured.base_rate_test
    assert measured.wins_in_top_30_percent > 0.4
    assert measured.trained_to < measured.test_from
    assert measured.test_examples == 2 * 120
    assert measured.train_wins + measured.test_wins == trained.wins
    assert (trained.leads, trained.examples) == (600, 1200)
    assert trained.feature_names == ("views", "size", "is_free", "channel")


def test_leads_stay_on_one_side_and_the_past_is_not_told_the_future():
    before, after = split_forward(history(moments=(0, 7, 30)), settings())
    assert not set(before["lead_id"]) & set(after["lead_id"])
    assert before["as_of"].max() < after["as_of"].min()
    assert after["lead_id"].n_unique() == 120


def test_leads_of_one_moment_are_not_torn_apart():
    examples = history(moments=(0,)).with_columns(as_of=pl.col("as_of").dt.truncate("30d"))
    before, after = split_forward(examples, settings())
    assert before["as_of"].max() < after["as_of"].min()
    assert after["lead_id"].n_unique() >= 120


def test_purging_leaves_out_labels_that_reach_into_the_test():
    kept, purged = train(history(), SPEC, settings()), train(history(), SPEC, settings(purge=True))
    assert isinstance(kept, TrainedModel)
    assert isinstance(purged, TrainedModel)
    assert kept.evaluation.label_overlap_days == 90
    assert purged.evaluation.label_overlap_days == 0
    assert purged.evaluation.trained_to + timedelta(days=90) <= purged.evaluation.test_from
    assert purged.evaluation.train_examples < kept.evaluation.train_examples
    assert (purged.leads, purged.examples) == (kept.leads, kept.examples)  # the model in use learns from all


def test_the_same_data_in_any_order_give_the_same_bytes(trained):
    shuffled = train(history().sample(fraction=1, shuffle=True, seed=5), SPEC, settings())
    assert isinstance(shuffled, TrainedModel)
    assert shuffled.to_json() == trained.to_json()


def test_json_brings_the_model_back(trained):
    again = TrainedModel.from_json(trained.to_json())
    assert again == trained
    assert again.version == trained.version
    assert again.predict(history()).equals(trained.predict(history()))
    other = train(history(seed=2), SPEC, settings())
    assert isinstance(other, TrainedModel)
    assert other.version != trained.version


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace('"baseline":', '"baseline":-9,"was":', 1), "was changed since it was written"),
        (lambda text: text.replace('"auc":0.', '"auc":0.9', 1), "was changed since it was written"),
        (lambda text: text.replace('"format":2', '"format":1'), "another release"),
        (lambda text: "[]", "another release"),
        (lambda text: text[:-20], "no JSON"),
        (lambda text: "", "no JSON"),
    ],
)  # fmt: skip
def test_a_changed_file_is_refused(trained, change, says):
    changed = change(trained.to_json())
    assert changed != trained.to_json()
    with pytest.raises(ModelFileError, match=says):
        TrainedModel.from_json(changed)


def test_a_stored_model_predicts_without_scikit_learn(trained, tmp_path):
    stored = tmp_path / "model.json"
    stored.write_text(trained.to_json(), encoding="utf-8")
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import polars as pl; from leadflow.scoring.model import TrainedModel\n"
        f"model = TrainedModel.from_json(open({str(stored)!r}, encoding='utf-8').read())\n"
        "row = pl.DataFrame({'views': [2], 'size': [50.0], 'is_free': [False], 'channel': ['web']})\n"
        "print(repr(model.predict(row).item()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    row = pl.DataFrame({"views": [2], "size": [50.0], "is_free": [False], "channel": ["web"]})
    assert float(done.stdout) == trained.predict(row).item()


def test_contributions_are_exact_and_centred_on_training(trained):
    examples = history()
    contributions = trained.contributions(examples)
    assert contributions.columns == list(trained.feature_names)
    total = trained.baseline + contributions.sum_horizontal().to_numpy()
    assert trained.log_odds(examples) == pytest.approx(total, abs=1e-9)
    assert trained.predict(examples).to_numpy() == pytest.approx(trained.calibrated(total), abs=1e-12)
    assert [abs(mean) < 1e-6 for mean in contributions.mean().row(0)] == [True] * 4
    by_channel = (
        examples.with_columns(contributions["channel"].alias("added"))
        .group_by("channel")
        .agg(pl.col("added").mean())
    )
    added = dict(by_channel.iter_rows())
    assert added["event"] > 0 > added["ads"]


def test_it_predicts_the_base_rate_on_average(trained):
    examples = history()
    uncorrected = trained.estimator.probability(trained.log_odds(examples))
    assert uncorrected.mean() == pytest.approx(examples["label"].mean(), abs=0.01)


def test_scoring_survives_what_training_never_saw(trained):
    usual = {"views": 2, "size": 50.0, "is_free": False, "channel": "web"}
    odd = [
        usual,
        {**usual, "channel": "billboard"},
        {**usual, "channel": None},
        {**usual, "size": float("inf")},
        {**usual, "size": float("nan")},
        {**usual, "size": None},
        {**usual, "size": -5.0},
        {**usual, "size": 1e300},
        {"views": None, "size": None, "is_free": None, "channel": None},
    ]
    features = pl.DataFrame(
        odd, schema={"views": pl.Int64, "size": pl.Float64, "is_free": pl.Boolean, "channel": pl.String}
    )
    chances = trained.predict(features)
    assert chances.is_between(0, 1, closed="none").all()
    assert chances[3] == chances[4] == chances[5]  # not a real number is unknown
    assert trained.contributions(features[7:8])["size"].item() == pytest.approx(
        trained.contributions(features[0:1].with_columns(size=history()["size"].max()))["size"].item()
    )
    assert isinstance(trained.estimator, LinearModel)
    channel = trained.estimator.columns[3]
    unseen = trained.contributions(features)["channel"][1]
    assert unseen == pytest.approx(channel.weight * (log_odds(np.array([channel.prior]))[0] - channel.centre))


def test_no_leads_to_score(trained):
    none = history().clear()
    assert trained.predict(none).len() == 0
    assert trained.contributions(none).schema == dict.fromkeys(trained.feature_names, pl.Float64)


def test_a_missing_or_wrong_feature_is_named(trained):
    with pytest.raises(LeadflowError, match="lack column 'views'"):
        trained.predict(history().drop("views"))
    with pytest.raises(LeadflowError, match="'channel' is String, not a number"):
        train(history(), FeatureSpec(["channel"], []), settings())
    with pytest.raises(LeadflowError, match="listed twice: views"):
        FeatureSpec(["views"], ["views"])


def test_what_never_varies_is_left_out():
    examples = history().with_columns(
        one=pl.lit(1), nothing=pl.lit(None), same=pl.lit("x"), none=pl.lit(None, pl.String)
    )
    outcome = train(
        examples, FeatureSpec(["views", "one", "nothing"], ["channel", "same", "none"]), settings()
    )
    assert isinstance(outcome, TrainedModel)
    assert outcome.feature_names == ("views", "channel")


def test_being_unknown_can_itself_be_told():
    examples = history().with_columns(
        hint=pl.when(pl.col("label") & (pl.col("views") > 0)).then(None).otherwise(7.0)
    )
    outcome = train(examples, FeatureSpec(["hint"], []), settings())
    assert isinstance(outcome, TrainedModel)
    added = outcome.contributions(pl.DataFrame({"hint": [None, 7.0]}, schema={"hint": pl.Float64}))["hint"]
    assert added[0] > 0 > added[1]


@pytest.mark.parametrize(
    ("examples", "changes", "says"),
    [
        (history().clear(), {}, "no labelled examples"),
        (history().with_columns(label=pl.lit(None, pl.Boolean)), {}, "no labelled examples"),
        (history().with_columns(label=pl.lit(False)), {}, "too few won leads: 0, where the policy asks for 40"),
        (history().with_columns(label=pl.lit(True)), {}, "too few leads that were not won: 0"),
        (history().with_columns(label=pl.col("lead_id") < "L00010"), {}, "too few won leads: 10"),
        (history().with_columns(label=pl.col("lead_id") < "L00100"), {}, "0 won leads and 120 others in the test period"),
        (history().with_columns(as_of=pl.lit(START)), {}, "0 won leads and 0 others before the test period"),
        (history(leads=200), {"purge": True, "minimum_wins": 20}, "0 won leads and 0 others before the test period"),
        (history().with_columns(views=pl.lit(1), size=None, is_free=None, channel=pl.lit("x")), {}, "nothing to learn from"),
        (history(), {"from": date(2030, 1, 1), "from_reason": "test"}, "no labelled examples"),
    ],
)  # fmt: skip
def test_too_little_to_learn_from_is_said_in_words(examples, changes, says):
    outcome = train(examples, SPEC, settings(**changes))
    assert isinstance(outcome, Fallback)
    assert says in outcome.reason
    assert outcome.evaluation is None


def test_wins_are_counted_by_lead_and_not_by_moment():
    examples = history(moments=(0, 1, 2, 3)).with_columns(label=pl.col("lead_id") < "L00039")
    outcome = train(examples, SPEC, settings())
    assert isinstance(outcome, Fallback)
    assert "too few won leads: 39" in outcome.reason


def test_no_skill_is_refused_but_the_measures_are_kept():
    outcome = train(history(effect=0.0), SPEC, settings())
    assert isinstance(outcome, Fallback)
    assert outcome.reason.startswith("no skill")
    assert outcome.evaluation is not None
    assert outcome.evaluation.auc_low <= 0.5


def test_many_rare_categories_do_not_pass_for_skill():
    """Without cross fitting each lead's own outcome would leak through its category of one."""
    examples = history(effect=0.0).with_columns(page=pl.col("lead_id"))
    outcome = train(examples, FeatureSpec([], ["page"]), settings())
    assert isinstance(outcome, Fallback)
    fitted = fit(examples.sort("as_of", "lead_id"), FeatureSpec([], ["page"]), settings())
    assert fitted is not None
    chances = predict(*fitted, examples)
    assert np.ptp(chances) < 0.2  # a page seen for one lead says next to nothing


def test_the_rule_score_is_measured_and_scaled_where_given(trained):
    assert trained.rule_quantiles is None
    assert trained.evaluation.rule_auc is None
    with_rules = train(history().with_columns(rule_score=pl.col("views") * 10.0), SPEC, settings())
    assert isinstance(with_rules, TrainedModel)
    assert with_rules.evaluation.rule_auc is not None
    assert 0.5 < with_rules.evaluation.rule_auc < with_rules.evaluation.auc
    assert with_rules.rule_quantiles is not None
    assert len(with_rules.rule_quantiles) == len(with_rules.probability_quantiles) == 101
    assert with_rules.rule_quantiles[0] == 0.0


def test_smoothed_rates_draw_rare_categories_in():
    codes = np.array([0] * 1 + [1] * 100 + [2] * 99)
    labels = np.array([1.0] + [1.0] * 30 + [0.0] * 70 + [1.0] * 10 + [0.0] * 89)
    rates, prior = smoothed_rates(codes, labels, np.ones(200), 4, smoothing=10.0)
    assert prior == pytest.approx(41.5 / 201)
    assert rates[0] == pytest.approx((1 + 10 * prior) / 11)
    assert rates[3] == pytest.approx(prior)  # a category without rows
    automatic, _ = smoothed_rates(codes, labels, np.ones(200), 4, smoothing="auto")
    assert abs(automatic[0] - prior) < 0.15
    assert automatic[1] == pytest.approx(0.3, abs=0.04)
    alike, _ = smoothed_rates(
        np.arange(200) % 2, np.tile([1.0, 1.0, 0.0, 0.0], 50), np.ones(200), 2, smoothing="auto"
    )
    assert alike == pytest.approx([0.5, 0.5], abs=1e-6)  # categories that do not differ are not told apart


@pytest.mark.real_data
def test_real_leads_of_a_marketplace():
    """Landing page and origin alone rank later leads of Olist's real funnel about as well as they can."""
    folder = os.environ.get("LEADFLOW_TEST_DATA")
    if not folder or not (Path(folder) / "olist_funnel").is_dir():
        pytest.skip("LEADFLOW_TEST_DATA names no folder with olist_funnel/: real leads are not at hand")
    source = Path(folder) / "olist_funnel"
    leads = pl.read_csv(source / "olist_marketing_qualified_leads_dataset.csv", try_parse_dates=True)
    deals = pl.read_csv(source / "olist_closed_deals_dataset.csv", try_parse_dates=True).select(
        "mql_id", "won_date"
    )
    days_to_win = pl.col("won_date") - pl.col("as_of")
    examples = (
        leads.join(deals, on="mql_id", how="left", validate="1:1")
        .with_columns(pl.col("first_contact_date").cast(pl.Datetime("us")).alias("as_of"))
        .select(
            pl.col("mql_id").alias("lead_id"),
            "as_of",
            (days_to_win <= pl.duration(days=90)).fill_null(False).alias("label"),
            "landing_page_id",
            "origin",
        )
    )
    since_2018 = Training.model_validate({"from": date(2018, 1, 1), "from_reason": "deals begin then"})
    outcome = train(examples, FeatureSpec([], ["landing_page_id", "origin"]), since_2018)
    assert isinstance(outcome, TrainedModel)
    assert outcome.leads == 5998
    assert 0.62 < outcome.evaluation.auc < 0.75
    assert outcome.evaluation.auc_low > 0.6
    assert outcome.evaluation.log_loss < outcome.evaluation.log_loss_constant
    assert outcome.evaluation.wins_in_top_30_percent > 0.5
