"""The simulator: files that fit the contract, truth that holds, behaviour that tells and does not leak."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml

from leadflow.demo import journeys
from leadflow.demo.companies import make_companies
from leadflow.demo.pace import draw_days, share_before
from leadflow.demo.people import make_people
from leadflow.demo.product import product_usage_rows
from leadflow.demo.sales import NEVER
from leadflow.demo.simulate import SimulationSummary, simulate
from leadflow.demo.submissions import make_submissions
from leadflow.errors import LeadflowError

LEADS = 3_000
END = datetime.fromisoformat("2026-06-30T18:00:00")
SCHEMA = Path(__file__).parents[2] / "dbt_like_sql" / "raw" / "schema.yml"
SIMULATED_TABLES = {
    "mql",
    "web_events",
    "email_events",
    "sql_leads",
    "opportunities",
    "sales_activities",
    "product_usage",
    "product_accounts",
    "marketing_spend",
    "company_reference",
    "sales_reps",
    "blocklist",
    "ab_events",
}
# These are filled by leadflow itself, or mapped outside `columns`.
# wechat_id: the simulated forms have no field of their own for it; people write it where a phone is asked for.
NOT_MAPPED = {"occurred_at", "known_at", "source_name", "source_file", "wechat_id"}


@pytest.fixture(scope="module")
def summary(tmp_path_factory) -> SimulationSummary:
    """A tidy company; the mess on top of it has tests of its own (test_simulated_mess.py)."""
    return simulate(tmp_path_factory.mktemp("company"), leads=LEADS, seed=11, end=END, messy=False)


@pytest.fixture(scope="module")
def landed(summary) -> dict[str, pl.DataFrame]:
    """Every raw table as sources.yaml maps it, evaluated by DuckDB, with occurred_at and known_at."""
    document = yaml.safe_load(summary.sources.read_text())
    tables = {}
    with duckdb.connect() as con:
        for source in document["sources"]:
            path = summary.out_dir / source["path"]
            reader = "read_csv" if path.suffix == ".csv" else "read_parquet"
            columns = {**source["columns"], "occurred_at": source["occurred_at"]}
            columns |= {name: spec["column"] for name, spec in source.get("attributes", {}).items()}
            known_at = source["known_at"]
            if isinstance(known_at, dict) and "column" in known_at:
                columns["known_at"] = known_at
            select = ", ".join(f"{_expression(spec)} as {name}" for name, spec in columns.items())
            tables[source["table"]] = con.sql(f"select {select} from {reader}('{path}')").pl()
    return tables


def _expression(spec) -> str:
    if isinstance(spec, str):
        return f'"{spec}"'
    if "column" in spec:
        return f'"{spec["column"]}"'
    return spec["expression"] if "expression" in spec else f"'{spec['constant']}'"


def _auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Share of (positive, negative) pairs that the score puts in the right order, ties half."""
    ranks = pl.Series(score).rank("average").to_numpy()
    hits = int(positive.sum())
    return (ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(positive) - hits))


def test_every_column_of_every_simulated_raw_table_is_mapped(summary):
    document = yaml.safe_load(summary.sources.read_text())
    contract = yaml.safe_load(SCHEMA.read_text())["sources"][0]["tables"]
    columns = {table["name"]: {column["name"] for column in table.get("columns", [])} for table in contract}
    sources = {source["table"]: source for source in document["sources"]}
    assert set(sources) == SIMULATED_TABLES
    assert len({source["name"] for source in document["sources"]}) == len(sources)
    for table, source in sources.items():
        missing = columns[table] - NOT_MAPPED - set(source["columns"])
        assert not missing, f"{table} lacks {missing}"
        assert set(source["columns"]) <= columns[table], table


def test_natural_keys_are_unique_and_references_meet(landed):
    keys = {
        table["name"]: table["meta"]["natural_key"][0]
        for table in yaml.safe_load(SCHEMA.read_text())["sources"][0]["tables"]
        if table["name"] in SIMULATED_TABLES
    }
    for table, key in keys.items():
        assert landed[table][key].is_unique().all(), table
        assert landed[table][key].null_count() == 0, table
    forms = landed["mql"].select("mql_id")
    for table in (
        "web_events",
        "email_events",
        "product_usage",
        "sql_leads",
        "opportunities",
        "sales_activities",
    ):
        referring = landed[table].drop_nulls("mql_id")
        assert referring.height > 0, table
        assert referring.join(forms, on="mql_id", how="anti").is_empty(), table
    leads = landed["sql_leads"].select("sql_lead_id")
    for table in ("opportunities", "sales_activities"):
        assert landed[table].join(leads, on="sql_lead_id", how="anti").is_empty(), table


def test_values_fit_the_vocabulary_of_the_contract(landed):
    assert set(landed["web_events"]["event_type"]) == {
        "page_view",
        "pricing_page_view",
        "content_download",
        "webinar_attended",
        "form_submitted",
    }
    assert {"sent", "open", "click", "reply", "spam_report"} >= set(landed["email_events"]["event_type"])
    assert {"sent", "open", "click", "reply"} <= set(landed["email_events"]["event_type"])
    assert "white_paper" in set(landed["web_events"]["content_kind"])
    assert set(landed["sql_leads"]["intent_degree"].drop_nulls()) == {"low", "medium", "high"}
    assert set(landed["sales_activities"]["activity_type"]) == {"call", "meeting", "email", "quote"}
    assert set(landed["opportunities"]["outcome"]) == {"won", "lost", None}
    assert landed["mql"]["channel"].n_unique() == 8


@pytest.mark.parametrize("seed", [3, 4])
def test_same_seed_same_bytes(tmp_path, seed):
    size = {"leads": 400, "events_per_lead": 6, "seed": seed, "end": END, "deliveries": 4}
    once = simulate(tmp_path / "once", **size)
    again = simulate(tmp_path / "again", **size)
    written = {str(path.relative_to(once.out_dir)) for path in once.out_dir.rglob("*") if path.is_file()}
    assert written >= {*once.rows, "sources.yaml", "deliveries/sources.yaml"}
    assert written == {
        str(path.relative_to(again.out_dir)) for path in again.out_dir.rglob("*") if path.is_file()
    }
    for name in written:
        assert (once.out_dir / name).read_bytes() == (again.out_dir / name).read_bytes(), name


def test_another_seed_gives_another_company(tmp_path):
    one = simulate(tmp_path / "one", leads=200, events_per_lead=4, seed=1, end=END)
    two = simulate(tmp_path / "two", leads=200, events_per_lead=4, seed=2, end=END)
    for name in (name for name in one.rows if not name.startswith("truth/")):
        assert (one.out_dir / name).read_bytes() != (two.out_dir / name).read_bytes(), name


def test_no_fact_is_later_than_the_end_and_the_newest_is_fresh(landed):
    newest = {table: frame["occurred_at"].max() for table, frame in landed.items()}
    assert max(newest.values()) <= END
    assert max(newest.values()) >= END - timedelta(hours=1)
    for table in ("sql_leads", "product_accounts"):
        assert landed[table]["known_at"].max() <= END
        assert (landed[table]["known_at"] >= landed[table]["occurred_at"]).all()
    assert landed["opportunities"]["opened_at"].max() <= END


def test_only_anonymous_page_views_come_before_the_form(landed):
    sent = landed["mql"].select("mql_id", sent_at="occurred_at")
    named = landed["web_events"].join(sent, on="mql_id")
    assert (named["occurred_at"] >= named["sent_at"]).all()
    visitors = landed["mql"].group_by("visitor_id").agg(sent_at=pl.col("occurred_at").max())
    early = landed["web_events"].filter(pl.col("mql_id").is_null()).join(visitors, on="visitor_id")
    assert early.height > LEADS
    assert set(early["event_type"]) == {"page_view"}
    assert early["email"].null_count() == early.height
    assert (early["occurred_at"] < early["sent_at"]).all()
    for table in ("email_events", "product_usage", "sql_leads", "sales_activities"):
        joined = landed[table].join(sent, on="mql_id")
        assert (joined["occurred_at"] >= joined["sent_at"]).all(), table


def test_events_per_lead_is_the_mean_of_web_and_email_events(summary):
    events = summary.rows["web_events.parquet"] + summary.rows["email_events.parquet"]
    assert events / LEADS == pytest.approx(20, rel=0.05)


def test_forms_are_as_untidy_as_promised(landed, summary):
    email = landed["mql"]["email"]
    valid = email.str.strip_chars().str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    assert email.null_count() / LEADS == pytest.approx(0.03, abs=0.012)
    assert (~valid).sum() / LEADS == pytest.approx(0.025, abs=0.012)
    free = email.str.to_lowercase().str.contains(
        r"@(gmail|outlook|yahoo|hotmail|mailinator|qq|163|126)\.com\s*$"
    )
    assert free.sum() / LEADS == pytest.approx(0.235, abs=0.04)

    truth = pl.read_parquet(summary.truth)
    repeats = landed["mql"].join(truth, on="mql_id", maintain_order="left")
    assert 1 - truth["true_person_id"].n_unique() / LEADS == pytest.approx(0.06, abs=0.015)
    tidy = pl.col("email").str.strip_chars().str.to_lowercase()
    per_person = repeats.group_by("true_person_id").agg(typed=tidy.n_unique(), raw=pl.col("email").n_unique())
    assert per_person["typed"].max() == 1
    assert per_person["raw"].max() > 1
    shared = repeats.filter(valid).group_by(tidy.alias("email")).agg(pl.col("true_person_id").n_unique())
    assert shared["true_person_id"].max() == 1, "an address belongs to one person only"


def test_the_funnel_has_a_believable_shape(landed, summary):
    assert summary.rows["mql.csv"] == LEADS
    assert landed["sql_leads"].height / LEADS == pytest.approx(0.38, abs=0.05)
    assert 0.01 < landed["sql_leads"]["mql_id"].null_count() / LEADS < 0.06
    opportunities = landed["opportunities"]
    won = opportunities.filter(pl.col("outcome") == "won")
    assert won.height / summary.people == summary.won_share
    assert 0.08 <= summary.won_share <= 0.12
    assert (opportunities["closed_at"].is_null() == opportunities["outcome"].is_null()).all()
    closed = opportunities.drop_nulls("closed_at")
    assert (closed["closed_at"] > closed["opened_at"]).all()
    days = won.join(landed["mql"].select("mql_id", sent_at="occurred_at"), on="mql_id").select(
        (pl.col("closed_at") - pl.col("sent_at")).dt.total_seconds() / 86_400
    )
    assert days.to_series().median() == pytest.approx(25, abs=5)
    trials = landed["product_usage"].filter("is_trial")["mql_id"].n_unique()
    assert trials / LEADS == pytest.approx(0.15, abs=0.03)


def test_leads_come_on_working_days_and_ever_more_of_them(landed):
    created = landed["mql"]["occurred_at"]
    assert (created.dt.weekday() > 5).mean() < 0.2
    assert (created > END - timedelta(days=182)).mean() > 0.52
    assert created.min() >= END - timedelta(days=366)


def test_the_true_probability_is_the_one_that_was_drawn_with(tmp_path):
    truth = pl.read_parquet(simulate(tmp_path, leads=20_000, events_per_lead=0, seed=5).truth)
    people = truth.unique("true_person_id", maintain_order=True)
    probability, converted = (
        people["true_conversion_probability"].to_numpy(),
        people["is_converted"].to_numpy(),
    )
    assert 0.80 <= _auc(converted, probability) <= 0.85
    tenths = np.array_split(np.argsort(probability), 10)
    expected = np.array([probability[tenth].sum() for tenth in tenths])
    spread = np.sqrt([(probability[tenth] * (1 - probability[tenth])).sum() for tenth in tenths])
    observed = np.array([converted[tenth].sum() for tenth in tenths])
    # Ten standard scores, squared: chi-squared of 10 degrees, beyond 29.6 once in a thousand seeds.
    assert (((observed - expected) / spread) ** 2).sum() < 29.6


def test_won_deals_are_those_of_people_who_convert(landed, summary):
    truth = pl.read_parquet(summary.truth)
    outcomes = landed["opportunities"].join(truth, on="mql_id")
    assert outcomes.filter(pl.col("outcome") == "won")["is_converted"].all()
    assert not outcomes.filter(pl.col("outcome") == "lost")["is_converted"].any()


def test_early_behaviour_and_fit_tell_who_converts(landed, summary):
    """Within 14 days of the form, among leads not decided by then: the setting that a model works in."""
    truth = pl.read_parquet(summary.truth).select("mql_id", "is_converted")
    moment = pl.col("sent_at") + timedelta(days=14)
    decided = landed["opportunities"].drop_nulls("closed_at").select("mql_id", "closed_at")
    leads = (
        landed["mql"]
        .select("mql_id", sent_at="occurred_at")
        .join(truth, on="mql_id")
        .join(decided, on="mql_id", how="left")
        .filter(pl.col("closed_at").is_null() | (pl.col("closed_at") > moment))
    )

    def early(table: str, condition: pl.Expr) -> pl.Series:
        counts = (
            landed[table]
            .filter(condition)
            .join(leads.select("mql_id", "sent_at"), on="mql_id")
            .filter(pl.col("occurred_at") <= moment)
            .group_by("mql_id")
            .len()
        )
        return leads.join(counts, on="mql_id", how="left", maintain_order="left")["len"].fill_null(0)

    converted = leads["is_converted"].to_numpy()
    for table, condition in [
        ("web_events", pl.col("event_type") == "pricing_page_view"),
        ("email_events", pl.col("event_type") == "open"),
        ("product_usage", pl.col("is_trial")),
    ]:
        assert _auc(converted, early(table, condition).to_numpy()) > 0.53, table
    seniority = leads.join(landed["mql"], on="mql_id", maintain_order="left")["title"]
    is_student = (
        seniority.str.contains("(?i)student|intern|trainee|实习|学生|研究生").fill_null(False).to_numpy()
    )
    assert converted[is_student].mean() < converted[~is_student].mean() / 2


def test_winners_and_losers_have_the_same_kinds_of_activity_before_the_end_of_the_deal(landed):
    deals = landed["opportunities"].drop_nulls("closed_at").select("sql_lead_id", "closed_at", "outcome")
    worked = landed["sales_activities"].join(deals, on="sql_lead_id")
    assert (worked["occurred_at"] <= worked["closed_at"]).all()
    kinds = {outcome: set(group["activity_type"]) for (outcome,), group in worked.group_by("outcome")}
    assert kinds["won"] == kinds["lost"]
    paid = landed["product_usage"].filter(~pl.col("is_trial")).join(landed["opportunities"], on="mql_id")
    assert (paid["occurred_at"] >= paid["closed_at"]).all()


def test_behaviour_does_not_know_the_outcome():
    """The same people with every outcome turned round do exactly the same things."""
    end = int(END.replace(tzinfo=UTC).timestamp())
    companies = make_companies(np.random.default_rng(1), 50)
    submissions = make_submissions(np.random.default_rng(2), 300, end)
    people = make_people(np.random.default_rng(3), 300, companies)
    turned = replace(people, is_converted=~people.is_converted, is_opportunity=~people.is_opportunity)
    rows = np.arange(300)

    def behaviour(who):
        activity = journeys.make_activity(np.random.default_rng(4), submissions, who, 20, end)
        given = (rows, submissions, who, activity)
        never = np.full(300, NEVER)
        return (
            journeys.web_event_rows(np.random.default_rng(5), *given, end),
            journeys.email_event_rows(np.random.default_rng(6), *given, end),
            product_usage_rows(np.random.default_rng(7), rows, submissions, who, never, end),
        )

    for one, other in zip(behaviour(people), behaviour(turned), strict=True):
        assert one.height > 0
        assert one.equals(other)


def test_blocks_write_one_file_with_unique_keys(tmp_path, monkeypatch):
    monkeypatch.setattr("leadflow.demo.simulate.BLOCK_LEADS", 100)
    summary = simulate(tmp_path, leads=250, events_per_lead=5, seed=8, end=END)
    assert pl.read_csv(tmp_path / "mql.csv")["Form ID"].n_unique() == 250
    for name in ("web_events.parquet", "email_events.parquet", "product_usage.parquet"):
        events = pl.read_parquet(tmp_path / name)
        assert events["id"].n_unique() == events.height == summary.rows[name]


@pytest.mark.parametrize("leads", [1, 2, 17])
@pytest.mark.parametrize("events_per_lead", [0, 1])
def test_tiny_companies_work(tmp_path, leads, events_per_lead):
    summary = simulate(tmp_path, leads=leads, events_per_lead=events_per_lead, seed=0, end=END)
    assert summary.rows["mql.csv"] == summary.rows["truth.parquet"] == leads
    created = pl.read_csv(tmp_path / "mql.csv", try_parse_dates=True)["Created"]
    assert END - timedelta(hours=1) <= created.max() <= END


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"leads": 0}, "number of leads is 0"),
        ({"events_per_lead": -1}, "events per lead is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"deliveries": 367}, "number of deliveries is 367: ask for 0 to 366"),
        ({"leads": 300_000, "deliveries": 2}, "deliveries of 6,000,000 events"),
        ({"end": datetime.fromisoformat("2026-01-01T00:00:00+00:00")}, "time zone"),
    ],
)
def test_wrong_settings_are_named(tmp_path, settings, named):
    with pytest.raises(LeadflowError, match=named):
        simulate(tmp_path, **settings)


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(LeadflowError, match="taken cannot be made"):
        simulate(tmp_path / "taken", leads=1)


@pytest.mark.parametrize("limit", [0.5, 20.0, 400.0])
def test_truncated_waiting_times_follow_their_distribution(limit):
    pace = ((0.6, 4.0), (0.4, 35.0))
    days = draw_days(np.random.default_rng(9), pace, np.full(40_000, limit))
    assert days.min() >= 0
    assert days.max() <= limit
    for share in (0.25, 0.5, 0.75):
        at = limit * share
        expected = share_before(pace, np.array([at]))[0] / share_before(pace, np.array([limit]))[0]
        assert (days <= at).mean() == pytest.approx(expected, abs=0.012)
