"""The leakage firewall on made-up columns: what it stops, what it lets pass, and hard input."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.features.leakage import leakage_report
from leadflow.features.leakage_facts import FACTS, known_too_late, later_rows, written_after_outcome
from leadflow.features.leakage_rows import REPORT_SCHEMA, as_markdown, kept_from_models, worst_first
from leadflow.leakage_policy import AllowedFeature, Leakage
from leadflow.policy import Training

START = datetime.fromisoformat("2024-01-01")
TRAINING = Training()


def leads(count: int = 2000, base: float = 0.2, seed: int = 5) -> pl.DataFrame:
    """Leads of two years, one row each, whose outcome two honest features tell a little of."""
    generator = np.random.default_rng(seed)
    views, fit = generator.poisson(4, count), generator.normal(size=count)
    odds = np.log(base / (1 - base)) + 0.3 * (views - 4) + 0.8 * fit
    return pl.DataFrame(
        {
            "lead_id": [f"L{number:05}" for number in range(count)],
            "as_of": [START + timedelta(days=730 * number / count) for number in range(count)],
            "label": generator.random(count) < 1 / (1 + np.exp(-odds)),
            "views": views,
            "fit": fit,
            "page": generator.choice(["a", "b", "c"], count),
        }
    )


HONEST = ["views", "fit", "page"]


def report(frame: pl.DataFrame, features: list[str], **settings: Any) -> pl.DataFrame:
    return leakage_report(frame, features, Leakage(**settings), TRAINING)


def rows(found: pl.DataFrame, feature: str) -> dict[str, str]:
    """Verdict by check of one feature."""
    return dict(found.filter(pl.col("feature") == feature).select("check_name", "verdict").iter_rows())


def noise(frame: pl.DataFrame, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(frame.height)


def test_honest_features_pass():
    found = report(leads(), HONEST)
    assert found.schema == REPORT_SCHEMA
    assert set(found["verdict"]) == {"pass"}
    assert kept_from_models(found) == []
    assert not found["is_stopping"].any()


WON = pl.col("label")
LEAKS = {
    "stage": pl.when(WON).then(pl.lit("Closed Won")).otherwise(pl.lit("Nurture")),
    "amount": pl.when(WON).then(1000.0 + pl.col("views")).otherwise(0.0),
    "stage_code": pl.when(WON).then(3).otherwise(pl.int_range(pl.len()) % 2 * 4 + 1),  # no order: 1, 5 and 3
    "seller": pl.when(WON).then(pl.format("seller {}", pl.int_range(pl.len()))),
    "has_contract": pl.when(WON).then(True),
    "lost_reason": pl.when(~WON & (pl.col("views") > 3)).then(pl.lit("price")),
    "closed_at": pl.when(WON).then(pl.col("as_of") + pl.duration(days=20)),
    "closed_on": pl.when(WON).then((pl.col("as_of") + pl.duration(days=20)).dt.to_string("%Y-%m-%d")),
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_outcome_in_disguise_is_blocked(name):
    frame = leads().with_columns(LEAKS[name].alias(name))
    found = report(frame, [*HONEST, name])
    assert kept_from_models(found) == [name]
    told = found.filter(pl.col("verdict") == "blocked")["reason"]
    assert all("leakage.allow" in reason and "leakage.exclude" in reason for reason in told)


@pytest.mark.parametrize("share", [0.04, 0.3])
def test_a_column_filled_for_few_of_the_won_and_nobody_else_is_blocked(share):
    frame = leads()
    is_filled = pl.Series(noise(frame) < share)
    frame = frame.with_columns(catalog_size=pl.when(WON & is_filled).then(pl.col("views")))
    found = report(frame, [*HONEST, "catalog_size"])
    assert rows(found, "catalog_size")["null_pattern"] == "blocked"
    assert rows(found, "catalog_size")["association"] == "pass"


def test_a_number_that_only_the_won_have_is_found_among_zeros():
    frame = leads()
    is_filled = pl.Series(noise(frame) < 0.3)
    frame = frame.with_columns(setup_fee=pl.when(WON & is_filled).then(99.0).otherwise(0.0))
    assert rows(report(frame, [*HONEST, "setup_fee"]), "setup_fee")["null_pattern"] == "blocked"


def test_a_rare_bad_sign_is_no_leak():
    frame = leads()
    is_spam = pl.Series(noise(frame) < 0.2)
    frame = frame.with_columns(spam_reports=pl.when(~WON & is_spam).then(1).otherwise(0))
    assert kept_from_models(report(frame, [*HONEST, "spam_reports"])) == []


def test_a_column_that_began_when_wins_began_is_not_at_fault():
    frame = leads().with_columns(label=WON & (pl.col("as_of") >= datetime.fromisoformat("2025-01-01")))
    since = pl.when(pl.col("as_of") >= datetime.fromisoformat("2025-01-01")).then(pl.col("views"))
    found = report(frame.with_columns(new_field=since), [*HONEST, "new_field"])
    assert rows(found, "new_field")["null_pattern"] == "pass"


def strong(frame: pl.DataFrame, auc_like: float = 1.6, seed: int = 3) -> pl.Series:
    """A number that ranks wins well, and better than the honest features."""
    return pl.Series(np.random.default_rng(seed).normal(size=frame.height)) + auc_like * frame["label"].cast(
        int
    )


def test_one_column_that_beats_all_others_is_blocked_until_allowed():
    frame = leads().with_columns(strong(leads()).alias("page_value"))
    features = [*HONEST, "page_value"]
    found = report(frame, features)
    (row,) = found.filter(pl.col("verdict") == "blocked").iter_rows(named=True)
    assert (row["feature"], row["check_name"]) == ("page_value", "beats_all_others")
    assert row["value"] > 0.8 > row["compared_with"] > 0.6
    allowed = report(
        frame, features, allow=[{"feature": "page_value", "reason": "measured at the first visit"}]
    )
    assert rows(allowed, "page_value")["beats_all_others"] == "allowed"
    assert "measured at the first visit" in allowed["allowed_reason"].drop_nulls().to_list()
    assert kept_from_models(allowed) == []
    excluded = report(frame, features, exclude=["page_value"])
    assert rows(excluded, "page_value") == {"policy": "excluded"}
    assert kept_from_models(excluded) == ["page_value"]


def test_a_copy_does_not_hide_a_leak():
    frame = leads().with_columns(strong(leads()).alias("page_value"))
    frame = frame.with_columns(in_cents=100 * pl.col("page_value") + 3)
    found = report(frame, [*HONEST, "page_value", "in_cents"])
    assert kept_from_models(found) == ["in_cents", "page_value"]


def test_a_strong_feature_that_the_others_match_passes():
    frame = leads().with_columns(strong(leads()).alias("one"))
    halves = {f"part_{part}": strong(frame, 1.5, seed=10 + part) for part in range(3)}
    found = report(frame.with_columns(**halves), [*HONEST, "one", *halves])
    assert kept_from_models(found) == []
    (compared,) = found.filter(pl.col("feature") == "one")["compared_with"].drop_nulls()
    assert compared > 0.9


def test_ids_look_perfect_in_sample_and_pass():
    frame = leads()
    frame = frame.with_columns(
        own_id=pl.col("lead_id"),
        shared=pl.format("c{}", pl.int_range(pl.len()) % 700),
        number=pl.int_range(pl.len()),
    )
    found = report(frame, [*HONEST, "own_id", "shared", "number"])
    assert kept_from_models(found) == []
    values = found.filter(
        pl.col("feature").is_in(["own_id", "shared"]), pl.col("check_name") == "association"
    )
    assert values["value"].max() < 0.2


def test_rows_of_one_lead_do_not_vouch_for_each_other():
    frame = pl.concat(
        [leads(600).with_columns(pl.col("as_of") + timedelta(days=days)) for days in range(0, 40, 2)]
    )
    found = report(frame.with_columns(visitor=pl.col("lead_id") + "v"), [*HONEST, "visitor"])
    assert rows(found, "visitor")["association"] == "pass"
    assert kept_from_models(found) == []


def test_what_is_filled_with_the_outcome_is_blocked_and_what_is_filled_by_then_warned_of():
    frame = leads().with_columns(is_open=pl.Series(noise(leads()) < 0.3))
    frame = frame.with_columns(
        label=pl.when(~pl.col("is_open")).then(WON),
        outcome_note=pl.when(~pl.col("is_open")).then(pl.lit("see file")),
        account=pl.when(~pl.col("is_open") | (pl.col("views") > 4)).then(pl.lit("Acme")),
    )
    found = report(frame, [*HONEST, "outcome_note", "account"])
    assert rows(found, "outcome_note")["filled_with_outcome"] == "blocked"
    assert rows(found, "account")["filled_with_outcome"] == "warn"
    assert rows(found, "views")["filled_with_outcome"] == "pass"
    assert kept_from_models(found) == ["outcome_note"]


def test_a_column_given_up_before_the_open_leads_is_no_leak():
    frame = leads()
    is_new = pl.col("as_of") >= datetime.fromisoformat("2025-09-01")
    is_open = pl.Series(noise(frame) < 0.5) & frame.select(is_new).to_series()
    frame = frame.with_columns(label=pl.when(~is_open).then(WON), fax=pl.when(~is_new).then(pl.lit("yes")))
    assert kept_from_models(report(frame, [*HONEST, "fax"])) == []


def test_the_gap_is_told_and_never_blocks():
    generator = np.random.default_rng(2)
    frame = leads(3000)
    month = frame["as_of"].dt.to_string("%Y-%m-%d").str.slice(0, 7)
    rates = dict(zip(month.unique().sort(), generator.permutation(np.linspace(0.1, 0.7, 24)), strict=True))
    label = pl.Series(generator.random(frame.height) < month.replace_strict(rates).to_numpy())
    found = report(frame.with_columns(label=label, week=month), ["week", "fit"])
    (row,) = found.filter(pl.col("check_name") == "random_against_forward").iter_rows(named=True)
    assert row["verdict"] == "warn"
    assert 0 < row["value_low"] < row["value"] < row["value_high"]
    assert kept_from_models(found) == []


def test_stop_is_for_those_who_ask_for_it_and_for_features_that_look_ahead():
    frame = leads().with_columns(
        LEAKS["stage"].alias("stage"), created_at=pl.col("as_of") + pl.duration(hours=1)
    )
    left_out = report(frame, [*HONEST, "stage"])
    assert not left_out["is_stopping"].any()
    stopped = report(frame, [*HONEST, "stage"], on_blocked="stop")
    assert set(stopped.filter("is_stopping")["feature"]) == {"stage"}
    ahead = leakage_report(frame, HONEST, Leakage(), TRAINING, moments=["created_at"])
    assert rows(ahead, "created_at") == {"known_by_then": "blocked"}
    assert set(ahead.filter("is_stopping")["feature"]) == {"created_at"}


def test_names_of_attributes_may_be_bare_and_wrong_names_are_told():
    frame = leads().with_columns(LEAKS["stage"].alias("attribute stage"))
    features = [*HONEST, "attribute stage"]
    excluded = report(frame, features, exclude=["stage", "stagee"])
    assert rows(excluded, "attribute stage") == {"policy": "excluded"}
    assert rows(excluded, "stagee") == {"policy": "warn"}
    assert kept_from_models(excluded) == ["attribute stage"]
    assert "allow 'stage'" in " ".join(report(frame, features)["reason"])


def test_switched_off_it_lets_pass_all_but_the_excluded():
    frame = leads().with_columns(LEAKS["stage"].alias("stage"))
    found = report(frame, [*HONEST, "stage"], is_enabled=False, exclude=["fit"])
    assert kept_from_models(found) == ["fit"]
    assert set(found["verdict"]) == {"excluded", "not_checked"}


HARD = {
    "no rows": leads().head(0),
    "one class": leads().with_columns(label=pl.lit(False)),
    "no outcome": leads().with_columns(label=pl.lit(None, dtype=pl.Boolean)),
    "nine wins": leads().with_columns(label=pl.int_range(pl.len()) < 9),
    "thirty wins": leads().with_columns(label=pl.int_range(pl.len()) % 67 == 0),
}


@pytest.mark.parametrize("name", HARD)
def test_where_there_is_too_little_it_says_so(name):
    found = report(HARD[name], HONEST)
    assert kept_from_models(found) == []
    assert "not_checked" in set(found["verdict"])


def test_columns_of_every_kind_are_read():
    frame = leads()
    infinite = pl.when(pl.int_range(pl.len()) % 7 == 0).then(float("inf")).otherwise(pl.col("fit"))
    frame = frame.with_columns(
        nothing=pl.lit(None),
        null_text=pl.lit(None, dtype=pl.String),
        constant=pl.lit(3),
        blank=pl.lit("  "),
        flag=pl.col("views") > 4,
        born=pl.col("as_of").dt.date() - timedelta(days=9),
        seen=pl.col("as_of").dt.replace_time_zone("Asia/Shanghai"),
        decimal=pl.col("views").cast(pl.Decimal(10, 2)),
        infinite=infinite,
        not_a_number=pl.col("fit") / 0 - pl.col("fit") / 0,
        odd=pl.Series(["№;\n|" * 3] * frame.height),
    )
    features = [name for name in frame.columns if name not in ("lead_id", "as_of", "label")]
    found = report(frame, features)
    assert kept_from_models(found) == []
    assert set(features) <= set(found["feature"])
    assert found["value"].is_finite().all()


def test_lists_and_missing_columns_are_refused_in_a_sentence():
    frame = leads().with_columns(tags=pl.concat_list("page", "page"))
    with pytest.raises(LeadflowError, match="tags"):
        report(frame, ["tags"])
    with pytest.raises(LeadflowError, match="the examples lack absent"):
        report(frame, ["absent"])
    with pytest.raises(LeadflowError, match="label cannot be a feature"):
        report(frame, ["label"])
    with pytest.raises(LeadflowError, match="the label 'views'"):
        leakage_report(frame, ["fit"], Leakage(), TRAINING, label="views")


def test_without_moments_nothing_is_said_of_time():
    found = leakage_report(leads().drop("as_of"), HONEST, Leakage(), TRAINING, moment=None)
    assert "random_against_forward" not in set(found["check_name"])
    assert "beats_all_others" in set(found["check_name"])


def test_the_order_of_rows_changes_nothing():
    frame = leads().with_columns(strong(leads()).alias("page_value"))
    features = [*HONEST, "page_value"]
    assert report(frame, features).equals(report(frame.sample(fraction=1, shuffle=True, seed=4), features))


def test_the_worst_comes_first():
    frame = leads().with_columns(LEAKS["stage"].alias("stage"), LEAKS["amount"].alias("am|ount"))
    found = report(frame, [*HONEST, "stage", "am|ount"], exclude=["fit"])
    verdicts = worst_first(found)["verdict"].to_list()
    assert verdicts[0] == "blocked"
    assert verdicts.index("excluded") < verdicts.index("pass")
    table = as_markdown(found, 2).splitlines()
    assert table[0].startswith("| feature | check |")
    assert "am\\|ount" in table[2]
    assert table[-1] == f"{found.height - 2:,} more rows in features.leakage_report."


@pytest.mark.parametrize(
    ("moment", "as_of", "is_later"),
    [
        ("2024-03-01 10:00", "2024-03-01 09:59", True),
        ("2024-03-01 10:00", "2024-03-01 10:00", False),
        ("2024-03-01 10:00", "2024-03-01 00:00", False),  # the moment is a day
        ("2024-03-02 00:00", "2024-03-01 23:00", True),
        (None, "2024-03-01 23:00", False),
    ],
)
def test_later_by_the_clock_or_by_days(moment, as_of, is_later):
    read = pl.Series([moment], dtype=pl.String).str.to_datetime("%Y-%m-%d %H:%M")
    assert later_rows(read, pl.Series([as_of]).str.to_datetime("%Y-%m-%d %H:%M")) == is_later


def test_facts_used_before_they_were_known():
    day = [START + timedelta(days=number) for number in range(10)]
    examples = pl.DataFrame(
        {
            "account_id": ["a", "a", "b", "c"],
            "as_of": [day[1], day[5], day[5], day[5]],
            "size": [10, 10, 20, None],
            "sector": ["x", "x", "x", "x"],
            "country": ["x", "x", None, None],
            "is_country_imputed": [True, False, False, False],
        }
    )
    facts = pl.DataFrame(
        {
            "account_id": ["a", "a", "b", "a", "b", "c", "a"],
            "feature": ["size", "size", "size", "sector", "sector", "sector", "country"],
            "known_at": [day[3], day[4], day[5], START, START, day[2], day[2]],
            "is_backdated": [False, False, False, True, True, False, False],
        },
        schema=FACTS,
    )
    found = known_too_late(examples, facts)
    assert found.rows() == [("country", 1, 0, 0), ("sector", 4, 0, 3), ("size", 3, 1, 0)]
    told = leakage_report(leads(), HONEST, Leakage(), TRAINING, facts=found)
    assert rows(told, "country") == {"known_by_then": "pass"}
    assert rows(told, "sector") == {"known_by_then": "allowed"}
    assert rows(told, "size") == {"known_by_then": "blocked"}
    assert told.filter("is_stopping")["feature"].to_list() == ["size"]


def test_written_after_the_outcome():
    ids = [f"L{number}" for number in range(60)]
    closed = pl.DataFrame(
        {"lead_id": ids, "closed_at": [START + timedelta(days=number) for number in range(60)]}
    )
    early = closed.select(
        "lead_id", feature=pl.lit("early"), known_at=pl.col("closed_at") - timedelta(days=3)
    )
    late = closed.select("lead_id", feature=pl.lit("late"), known_at=pl.col("closed_at"))
    loaded = closed.select("lead_id", feature=pl.lit("loaded"), known_at=pl.lit(START + timedelta(days=90)))
    found = written_after_outcome(pl.concat([early, late, loaded]), closed)
    assert found.rows() == [("early", 60, 0), ("late", 59, 59)]
    written = found.with_columns(feature=pl.col("feature").replace({"early": "views", "late": "fit"}))
    told = leakage_report(leads(), HONEST, Leakage(), TRAINING, written=written)
    assert rows(told, "views")["written_after_outcome"] == "pass"
    assert rows(told, "fit")["written_after_outcome"] == "blocked"


def test_a_feature_is_named_once_in_the_policy():
    with pytest.raises(ValueError, match="fit is named twice"):
        Leakage(allow=(AllowedFeature(feature="fit", reason="known"),), exclude=("fit",))
    with pytest.raises(ValueError, match="reason"):
        Leakage.model_validate({"allow": [{"feature": "fit"}]})
