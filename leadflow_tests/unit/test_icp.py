"""The ideal customer profile: coding, groups, segments, names and fit, on made-up accounts."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from homes import REPOSITORY

from leadflow.config_files import read_yaml
from leadflow.errors import ConfigError
from leadflow.icp.account_fit import FIT_COLUMNS, closeness, fit_by_segments
from leadflow.icp.coding import FACTS, fit_coding, readable_facts
from leadflow.icp.naming import UNNAMED, Trait, names, traits
from leadflow.icp.plots import plot_fit, plot_rfm, plot_segments
from leadflow.icp.profile import Profile, find_profile, fit_moment, in_words, wilson
from leadflow.icp.relevance import association, reason_to_leave_out
from leadflow.icp.rule_fit import fit_by_rules
from leadflow.icp.segments import Trial, choose_k, find_segments, merge_small
from leadflow.icp_policy import IdealCustomer
from leadflow.policy import Policy, load_policy

AS_OF = datetime.fromisoformat("2026-06-30T15:30:00")  # a Tuesday
BEFORE = datetime.fromisoformat("2026-01-05")
POLICY = IdealCustomer()
PNG = b"\x89PNG\r\n\x1a\n"


def facts(count: int = 1200, *, ideal_rate: float = 0.6, rate: float = 0.1, seed: int = 7) -> pl.DataFrame:
    """Accounts of four industries and all sizes; energy companies of 200 to 2,000 employees win at ideal_rate."""
    rng = np.random.default_rng(seed)
    industry = rng.choice(["Energy", "Media", "Retail", "Finance"], count)
    size = np.exp(rng.normal(5.3, 1.4, count)).astype(np.int64) + 1
    is_ideal = (industry == "Energy") & (size >= 200) & (size < 2_000)
    is_won = rng.random(count) < np.where(is_ideal, ideal_rate, rate)
    return pl.DataFrame(
        {
            "account_id": [f"A{number:05d}" for number in range(count)],
            "known_from": [BEFORE] * count,
            "company_size": size,
            "industry": industry,
            "country": rng.choice(["China", "Germany"], count),
            "is_listed": rng.random(count) < 0.3,
            "is_ideal": is_ideal,
            "won_at": [BEFORE if won else None for won in is_won],
            "cycle_days": [12.0 if won else None for won in is_won],
            "contract_value": [100.0 if won else None for won in is_won],
            "contract_currency": ["EUR" if won else None for won in is_won],
        },
        schema_overrides={"won_at": pl.Datetime("us"), "known_from": pl.Datetime("us")},
    )


def changed(frame: pl.DataFrame, **columns: Any) -> pl.DataFrame:
    return frame.with_columns(
        **{name: pl.lit(value).cast(frame.schema[name]) for name, value in columns.items()}
    )


@cache
def planted() -> Profile:
    """The profile of `facts`, which many tests look at."""
    return find_profile(facts(), POLICY, AS_OF)


# --- finding


def test_the_planted_segment_comes_first_and_is_the_ideal_customer() -> None:
    profile = planted()
    best = profile.segments.row(0, named=True)
    assert profile.method == "segments"
    assert best["is_icp"]
    assert best["segment_name"].startswith("Energy, ")
    assert best["lift_low"] > 1.5
    assert best["won_account_count"] / best["account_count"] == pytest.approx(best["win_rate"], abs=1e-6)
    assert (best["average_contract_value"], best["contract_currency"], best["median_cycle_days"]) == (
        100.0,
        "EUR",
        12.0,
    )
    fit = fit_by_segments(facts(), profile, AS_OF).join(facts(), on="account_id")
    assert float(fit.filter("is_ideal")["account_fit"].to_numpy().mean()) > 85
    assert float(fit.filter(~pl.col("is_ideal"))["account_fit"].to_numpy().mean()) < 50


def test_the_win_rate_is_of_all_accounts_of_the_kind() -> None:
    """Every won account is in some group; were they the denominator, every segment would always win."""
    segments = planted().segments
    assert (segments["win_rate"] < 0.8).all()
    assert segments["won_account_count"].sum() >= 0.8 * facts()["won_at"].count()


def test_the_same_facts_in_any_order_give_the_same_profile() -> None:
    one = planted()
    other = find_profile(facts().sample(fraction=1.0, shuffle=True, seed=3), POLICY, AS_OF)
    assert one.segments.equals(other.segments)
    assert fit_by_segments(facts(), one, AS_OF).equals(fit_by_segments(facts().reverse(), other, AS_OF))


def test_what_was_won_after_the_moment_of_fitting_changes_nothing() -> None:
    later = datetime.fromisoformat("2026-06-30T09:00:00")
    with_later = facts().with_columns(won_at=pl.col("won_at").fill_null(pl.lit(later)))
    assert find_profile(with_later, POLICY, AS_OF).segments.equals(planted().segments)
    refreshed = IdealCustomer(refit="refresh")
    assert not find_profile(with_later, refreshed, AS_OF).segments.equals(
        find_profile(facts(), refreshed, AS_OF).segments
    )


@pytest.mark.parametrize(
    ("refit", "expected"),
    [
        ("refresh", "2026-06-30T15:30:00"),
        ("day", "2026-06-30"),
        ("week", "2026-06-29"),
        ("month", "2026-06-01"),
    ],
)
def test_moment_of_fitting(refit: str, expected: str) -> None:
    assert fit_moment(AS_OF, refit) == datetime.fromisoformat(expected)
    assert fit_moment(fit_moment(AS_OF, refit), refit) == datetime.fromisoformat(expected)


def test_where_nothing_tells_rules_are_used() -> None:
    profile = find_profile(facts(ideal_rate=0.2, rate=0.2), POLICY, AS_OF)
    assert profile.method == "rules"
    assert not profile.segments["is_icp"].any()
    assert profile.reason.startswith("no kind of account")


def _with_wins(count: int) -> pl.DataFrame:
    return facts().with_columns(won_at=pl.when(pl.int_range(pl.len()) < count).then(pl.lit(BEFORE)))


EMPTY = facts().head(0)
HARD = {
    "no account": (EMPTY, "0 of 0 accounts were won"),
    "none won": (_with_wins(0), "0 of 1,200 accounts were won"),
    "one won": (_with_wins(1), "1 of 1,200 accounts were won"),
    "too few won": (_with_wins(49), "49 of 1,200 accounts were won"),
    "all won": (_with_wins(1200), "no kind of account"),
    "all equal": (
        changed(facts(), company_size=10, industry="Media", country="China", is_listed=True),
        "the same wherever",
    ),
    "nothing known": (
        changed(facts(), company_size=None, industry=None, country=None, is_listed=None),
        "0% of the won",
    ),
    "nothing to read": (
        changed(facts(), company_size=-1, industry="  ", country="", is_listed=None),
        "0% of the won",
    ),
}


@pytest.mark.parametrize("case", HARD)
def test_hard_input_is_scored_by_rules_and_said(case: str) -> None:
    frame, said = HARD[case]
    profile = find_profile(frame, POLICY, AS_OF)
    fit = fit_by_rules(frame, Policy(), profile, AS_OF)
    assert profile.method == "rules"
    assert said in " ".join(in_words(profile)).lower()
    assert fit.schema == FIT_COLUMNS
    assert fit.height == frame.height
    assert fit["account_fit"].is_between(0, 100).fill_null(value=True).all()
    assert plot_segments(profile.segments).startswith(PNG)
    assert plot_fit(fit, frame["won_at"].is_not_null()).startswith(PNG)


def test_one_stubborn_number_does_not_hide_the_rest() -> None:
    sizes = facts()["company_size"].cast(pl.Float64).to_list()
    sizes[:6] = [float("nan"), float("inf"), float("-inf"), -5.0, 0.0, 1e300]
    frame = facts().with_columns(company_size=pl.Series(sizes))
    profile = find_profile(frame, POLICY, AS_OF)
    fit = fit_by_segments(frame, profile, AS_OF)
    assert profile.method == "segments"
    assert fit["account_fit"].is_finite().all()
    assert fit.head(6)["known_facts"].to_list() == [3] * 6


def test_a_currency_that_is_missing_or_another_is_left_out_of_the_average() -> None:
    frame = (
        facts()
        .with_row_index()
        .with_columns(
            contract_value=pl.when(pl.col("index") % 3 == 0).then(7_000.0).otherwise("contract_value"),
            contract_currency=pl.when(pl.col("index") % 3 == 0)
            .then(pl.lit(None))
            .otherwise("contract_currency"),
        )
    )
    best = find_profile(frame, POLICY, AS_OF).segments.row(0, named=True)
    assert (best["average_contract_value"], best["contract_currency"]) == (100.0, "EUR")
    assert best["valued_account_count"] < best["won_account_count"]


# --- facts as coordinates


def test_facts_written_after_winning_are_left_out() -> None:
    is_won = pl.Series([True] * 50 + [False] * 950)
    hindsight = pl.Series(["a", "b"] * 25 + [None] * 950)
    assert "written after they were won" in (reason_to_leave_out(hindsight, is_won) or "")
    assert "2% of the won accounts only" in (
        reason_to_leave_out(pl.Series(["a"] + [None] * 999), is_won) or ""
    )
    assert reason_to_leave_out(pl.Series(["a", "b"] * 500), is_won) is None


def test_association() -> None:
    is_won = pl.Series([True, False] * 500)
    assert association(pl.Series(["a", "b"] * 500), is_won) == pytest.approx(1.0, abs=0.01)
    assert association(pl.Series(["a", "a", "b", "b"] * 250), is_won) == 0.0
    many = pl.Series([str(number) for number in range(1000)])
    assert association(many, is_won) == 0.0  # each value once tells nothing, whatever it went with
    assert association(pl.Series([1.0, 9.0] * 500), is_won) > 0.9


def test_alike_accounts_are_near_and_what_is_not_known_is_in_the_middle() -> None:
    accounts = readable_facts(facts())
    coding = fit_coding(accounts, accounts["won_at"].is_not_null())
    probe = pl.DataFrame(
        {
            "company_size": [300, 310, 90_000, None],
            "industry": ["Energy", "Energy", "Media", None],
            "country": ["China", "China", "Germany", None],
            "is_listed": [True, True, False, None],
        }
    )
    points = coding.matrix(readable_facts(probe))
    first = ((points - points[0]) ** 2).sum(axis=1)
    assert first[0] == 0
    assert first[1] < 0.01 < first[3] < first[2]
    assert coding.is_known(readable_facts(probe)).to_list() == [True, True, True, False]
    assert sum(part[2] for part in coding.parts((points - points[0]) ** 2).values()) == pytest.approx(
        first[2]
    )


def test_rare_values_are_alike() -> None:
    counts = {"Media": 600, "Retail": 580, "Mining": 10, "Fishing": 10}
    frame = facts().with_columns(
        industry=pl.Series([name for name, count in counts.items() for _ in range(count)])
    )
    coding = fit_coding(
        frame.with_columns(is_listed=pl.lit(None, dtype=pl.String)), frame["won_at"].is_not_null()
    )
    probe = frame.head(5).with_columns(
        industry=pl.Series(["Media", "Retail", "Mining", "Fishing", "never seen"]),
        company_size=1,
        country=pl.lit("China"),
    )
    points = coding.matrix(readable_facts(probe))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert apart[2, 3] < 0.5 * apart[0, 1]
    assert apart[2, 4] < apart[0, 4]


# --- groups


def test_choose_k() -> None:
    trials = [Trial(2, 0.30, 0.95), Trial(3, 0.15, 0.9), Trial(4, 0.25, 0.7), Trial(5, 0.4, 0.5)]
    assert choose_k(trials, 0.6) == 4
    assert choose_k(trials, 0.9) == 2
    assert choose_k(trials, 0.99) == 1
    assert choose_k([Trial(2, -0.1, 1.0)], 0.6) == 1
    assert choose_k([], 0.0) == 1


def test_small_groups_go_to_the_nearest() -> None:
    points = np.array([[0.0]] * 5 + [[10.0]] * 5 + [[9.0]] * 2)
    labels = np.array([0] * 5 + [1] * 5 + [2] * 2)
    assert merge_small(points, labels, 3).tolist() == [0] * 5 + [1] * 7
    assert len(set(merge_small(points, labels, 100).tolist())) == 1


def test_groups_that_are_there_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(1)
    three = np.concatenate([rng.normal(place, 0.1, (60, 2)) for place in (0.0, 3.0, 6.0)])
    policy = IdealCustomer(minimum_segment_accounts=50)
    grouping = find_segments(three, policy)
    assert sorted(np.round(grouping.centres[:, 0]).tolist()) == [0, 3, 6]
    assert (grouping.radii < 0.5).all()
    cloud = find_segments(np.zeros((80, 2)), POLICY)
    assert (len(cloud.centres), cloud.trials) == (1, ())


# --- words and numbers


def test_wilson() -> None:
    low, high = wilson(8, 10, 0.95)  # Newcombe, Statistics in Medicine 17 (1998): 0.4902 to 0.9433
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0, 0.95) == (0.0, 1.0)
    assert wilson(0, 10, 0.95)[0] == 0.0


def test_names_tell_what_sets_apart() -> None:
    accounts = readable_facts(facts())
    is_inside = (pl.col("industry") == "Energy") & pl.col("company_size").is_between(200, 999)
    found = traits(accounts.filter(is_inside), accounts.filter(~is_inside), FACTS)
    (name,) = names([found])
    assert name.startswith("Energy, 2")
    assert name.endswith(" employees")
    assert traits(accounts, accounts.head(0), FACTS) == []
    listed = Trait("is_listed", "listed", 2.0, "")
    assert names([[listed], [listed], []]) == ["Listed", "Listed (2)", UNNAMED]


def test_closeness_falls_with_distance_and_counts_equal_ones_half() -> None:
    reference = np.quantile(np.arange(101.0), np.linspace(0, 1, 1001))
    assert closeness(np.array([0.0, 50.0, 100.0, 500.0]), reference).tolist() == [100.0, 50.0, 0.0, 0.0]
    near = closeness(np.array([1.0, 1.0, 2.0]), np.repeat([1.0, 2.0], 500))
    assert near[0] == near[1] == pytest.approx(75, abs=0.2)
    assert near[2] == pytest.approx(25, abs=0.2)
    falling = closeness(np.linspace(0, 200, 999), reference)
    assert (np.diff(falling) <= 0).all()


def test_fit_is_monotone_in_distance_and_says_why() -> None:
    profile = planted()
    fit = fit_by_segments(facts(), profile, AS_OF).sort("ideal_distance")
    assert (fit["account_fit"].diff().drop_nulls() <= 0).all()
    best, worst = fit.row(0, named=True), fit.row(-1, named=True)
    assert "industry is Energy: closer" in (best["reason_1"], best["reason_2"], best["reason_3"])
    assert any("further away" in worst[f"reason_{place}"] for place in (1, 2, 3))
    assert best["known_at"] == AS_OF
    assert best["fitted_as_of"] == datetime.fromisoformat("2026-06-29")


def test_an_account_of_which_nothing_is_known_has_no_fit() -> None:
    profile = planted()
    unknown = changed(facts().head(1), company_size=None, industry=None, country=None, is_listed=None)
    row = fit_by_segments(unknown, profile, AS_OF).row(0, named=True)
    assert (row["account_fit"], row["segment_id"], row["reason_1"], row["known_facts"]) == (
        None,
        None,
        None,
        0,
    )


def test_rules_give_the_share_of_their_points_on_the_company() -> None:
    frame = facts(4).with_columns(
        company_size=pl.Series([900, 900, 10, None], dtype=pl.Int64),
        industry=pl.Series(["software", "Media", "Media", None]),
    )
    profile = find_profile(frame, POLICY, AS_OF)
    fit = fit_by_rules(frame, Policy(), profile, AS_OF)
    assert fit["account_fit"].to_list() == [100.0, 66.67, 0.0, None]
    assert fit["reason_1"].to_list() == ["Company has more than 500 employees"] * 2 + [None, None]
    assert fit["reason_2"][0] == "Company is in the technology industry"
    assert fit_by_rules(frame, Policy(rules=()), profile, AS_OF)["account_fit"].null_count() == 4


def test_plots_are_drawn_and_the_same_every_time() -> None:
    profile = planted()
    fit = fit_by_segments(facts(), profile, AS_OF)
    is_won = facts()["won_at"].is_not_null()
    grid = pl.DataFrame(
        {"subject_type": ["lead"], "recency_score": [5], "frequency_score": [1], "subjects": [3]}
    )
    for draw in (
        lambda: plot_segments(profile.segments),
        lambda: plot_fit(fit, is_won),
        lambda: plot_rfm(grid),
    ):
        assert draw() == draw()
        assert draw().startswith(PNG)
        assert len(draw()) < 100_000
    assert plot_rfm(grid.head(0)).startswith(PNG)


# --- policy


def test_dbt_takes_the_defaults_of_the_policy() -> None:
    project = yaml.safe_load((REPOSITORY / "dbt_like_sql" / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["icp"] == POLICY.sql_variables()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  exchange_rates: {EUR: 1.1}", "exchange_rates need 'currency'"),
        ("  currency: dollars", "currency"),
        ("  minimum_won_accounts: 1", "minimum_won_accounts"),
        ("  refit: year", "refit"),
        ("  radius_share: 0.0", "radius_share"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "policy.yaml").write_text(f"icp:\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_policy(tmp_path / "policy.yaml")


def test_the_named_segments_cover_every_score_once() -> None:
    model = (REPOSITORY / "dbt_like_sql" / "icp" / "rfm.sql").read_text(encoding="utf-8")
    rows = [
        yaml.safe_load("[" + line.strip().strip(",()") + "]")
        for line in model.splitlines()
        if line.startswith("        (")
    ]
    for recency in range(1, 6):
        for money in range(1, 6):
            assert sum(row[0] <= recency <= row[1] and row[2] <= money <= row[3] for row in rows) == 1
    contract = read_yaml(REPOSITORY / "dbt_like_sql" / "icp" / "schema.yml").data
    (rfm,) = (model for model in contract["models"] if model["name"] == "rfm")
    (column,) = (column for column in rfm["columns"] if column["name"] == "segment")
    assert {row[4] for row in rows} == set(column["data_tests"][1]["accepted_values"]["arguments"]["values"])
