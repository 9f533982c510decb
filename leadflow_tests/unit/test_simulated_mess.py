"""The messy company: each kind of mess is there, about as often as promised, and the truth files tell it rightly."""

from datetime import datetime
from ipaddress import ip_address, ip_network

import numpy as np
import polars as pl
import pytest

from leadflow.demo import mess_words as mess
from leadflow.demo.experiments import EXPERIMENTS
from leadflow.demo.guises import FIELDS
from leadflow.demo.simulate import SimulationSummary, simulate
from leadflow.demo.typos import misheard, misspelt

LEADS = 20_000
END = datetime.fromisoformat("2026-06-30T18:00:00")


@pytest.fixture(scope="module")
def summary(tmp_path_factory) -> SimulationSummary:
    return simulate(tmp_path_factory.mktemp("messy"), leads=LEADS, events_per_lead=8, seed=5, end=END)


@pytest.fixture(scope="module")
def truth(summary):
    """The truth files by name."""
    return {path.stem: pl.read_parquet(path) for path in (summary.out_dir / "truth").glob("*.parquet")}


@pytest.fixture(scope="module")
def forms(summary, truth) -> pl.DataFrame:
    """The forms as typed, with the truth about each."""
    typed = pl.read_csv(summary.out_dir / "mql.csv", infer_schema=False)
    records = truth["lead_records"].filter(pl.col("raw_table") == "mql")
    people = truth["people"].select("true_person_id", "full_name", own_email="email", own_phone="phone")
    return (
        typed.join(records, left_on="Form ID", right_on="record_id", how="inner", maintain_order="left")
        .join(people, on="true_person_id", how="left", maintain_order="left")
        .join(truth["companies"], on="true_company_id", how="left", maintain_order="left")
    )


@pytest.fixture(scope="module")
def visits(summary) -> pl.DataFrame:
    return pl.read_parquet(summary.out_dir / "web_events.parquet")


def test_every_lead_record_has_its_truth_once(summary, truth):
    records = truth["lead_records"]
    assert records.select("raw_table", "record_id").is_duplicated().sum() == 0
    for table, key in (("mql", "Form ID"), ("sql_leads", "Lead Id")):
        given = pl.read_csv(summary.out_dir / f"{table}.csv", infer_schema=False)[key]
        told = records.filter(pl.col("raw_table") == table)["record_id"]
        assert set(given) == set(told), table
    assert records.join(truth["people"], on="true_person_id", how="anti").is_empty()
    assert records.join(truth["companies"], on="true_company_id", how="anti").is_empty()
    of_forms = pl.read_parquet(summary.truth).select("mql_id", "true_person_id")
    assert of_forms.join(records, left_on=["mql_id", "true_person_id"], right_on=["record_id", "true_person_id"], how="anti").is_empty()  # fmt: skip


def test_every_kind_of_mess_occurs(truth):
    for field, kinds in FIELDS.items():
        assert set(truth["lead_records"][f"{field}_kind"]) == set(kinds), field


def test_people_come_again_in_disguise(forms):
    again = forms.filter(pl.len().over("true_person_id") > 1)
    assert 1 - forms["true_person_id"].n_unique() / LEADS == pytest.approx(0.12, abs=0.02)
    first = again.filter(pl.int_range(pl.len()).over("true_person_id") == 0)
    rest = again.filter(pl.int_range(pl.len()).over("true_person_id") > 0)
    pairs = rest.join(first.select("true_person_id", "E-mail", "Name"), on="true_person_id")
    tidy = pl.col("E-mail").str.strip_chars().str.to_lowercase()
    same_address = tidy == pl.col("E-mail_right").str.strip_chars().str.to_lowercase()
    assert 0.35 < pairs.select(same_address.fill_null(value=False).mean()).item() < 0.7
    assert 0.3 < (pairs["Name"] == pairs["Name_right"]).mean() < 0.6


def test_valid_addresses_of_ones_own_belong_to_one_person(forms):
    own = forms.filter(pl.col("email_kind").is_in(["own", "untidy", "other", "tagged"]))
    tidy = own.with_columns(pl.col("E-mail").str.strip_chars().str.to_lowercase())
    assert tidy.group_by("E-mail").agg(pl.col("true_person_id").n_unique())["true_person_id"].max() == 1
    roles = forms.filter(pl.col("email_kind") == "role")
    assert roles.group_by("E-mail").agg(pl.col("true_person_id").n_unique())["true_person_id"].max() > 1


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("as_is", pl.col("Name") == pl.col("full_name")),
        ("nickname", pl.col("Name") != pl.col("full_name")),
        ("misspelt", (pl.col("Name") != pl.col("full_name")) | (pl.col("country") == "China")),
        ("family_name_first", pl.col("Name").str.contains(", ") | (pl.col("country") == "China")),
        ("not_a_name", pl.col("Name").is_in(mess.JUNK_NAMES)),
        ("sensitive", pl.col("Name").is_in(mess.SENSITIVE_WORDS)),
    ],
)
def test_names_are_what_their_kind_says(forms, kind, holds):
    of_kind = forms.filter(pl.col("name_kind") == kind)
    assert of_kind.height > 0
    assert of_kind.select(holds.all()).item()


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("own", (pl.col("E-mail") == pl.col("own_email")) | pl.col("is_moved")),
        ("other", pl.col("E-mail") != pl.col("own_email")),
        ("role", pl.col("E-mail") == pl.col("E-mail").str.extract("^([a-z]+)") + "@" + pl.col("domain")),
        ("disposable", pl.col("E-mail").str.extract("@(.+)$").is_in(mess.DISPOSABLE_DOMAINS)),
        ("missing", pl.col("E-mail").is_null()),
        ("nonsense", pl.col("E-mail").str.extract("@(.+)$").is_in(mess.JUNK_DOMAINS)),
    ],
)
def test_addresses_are_what_their_kind_says(forms, kind, holds):
    of_kind = forms.filter(pl.col("email_kind") == kind)
    assert of_kind.height > 0
    assert of_kind.select(holds.all()).item()


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("full", pl.col("Company") == pl.col("canonical_name")),
        ("short", pl.col("Company") == pl.col("short_name")),
        ("brand", pl.col("Company") == pl.col("brand_name")),
        ("core", pl.col("Company") == pl.col("core_name")),
        ("other_legal_form", pl.col("Company").str.starts_with(pl.col("short_name"))),
        ("with_place", pl.col("Company").str.starts_with(pl.col("core_name"))),
        ("missing", pl.col("Company").is_null()),
        ("not_a_company", pl.col("Company").is_in(mess.JUNK_COMPANIES)),
    ],
)
def test_companies_are_what_their_kind_says(forms, kind, holds):
    of_kind = forms.filter(pl.col("company_kind") == kind)
    assert of_kind.height > 0
    assert of_kind.select(holds.all()).item()


def test_phones_are_what_their_kind_says(forms):
    digits = pl.col("Phone").str.replace("^00", "").str.replace_all(r"\D", "")
    own = forms.filter(pl.col("phone_kind") == "own").with_columns(digits.alias("digits"))
    assert (own["digits"] == own["own_phone"].str.replace_all(r"\D", "")).all()
    shared = forms.filter(pl.col("phone_kind") == "switchboard").with_columns(digits.alias("digits"))
    assert shared.group_by("digits").agg(pl.col("true_company_id").n_unique())["true_company_id"].max() <= 2
    assert shared.group_by("digits").agg(pl.col("true_person_id").n_unique())["true_person_id"].max() > 1
    assert forms.filter(pl.col("phone_kind") == "fake")["Phone"].is_in(mess.FAKE_PHONES).all()
    chat = forms.filter(pl.col("phone_kind") == "wechat_id")
    assert chat.height > 0
    assert chat["Phone"].str.starts_with("wx: ").all()


def test_who_moved_writes_from_the_other_company(forms, truth):
    moved = forms.filter("is_moved").join(
        truth["people"].select("true_person_id", "moved_to_company_id", "moved_at"), on="true_person_id"
    )
    assert moved.height > 100
    assert (moved["true_company_id"] == moved["moved_to_company_id"]).all()
    assert (moved["Created"].str.to_datetime() >= moved["moved_at"]).all()
    at_work = moved.filter((pl.col("email_kind") == "own") & (pl.col("E-mail") != pl.col("own_email")))
    assert at_work.height > 20
    assert (at_work["E-mail"].str.extract("@(.+)$") == at_work["domain"]).all()


def test_fakes_are_few_and_never_buy(summary, truth):
    people = truth["people"]
    fakes = people.filter(pl.col("fake_kind") != "none")
    assert 0.015 < fakes.height / people.height < 0.035
    assert not fakes["is_converted"].any()
    rivals = truth["companies"].filter(pl.col("standing") != "ordinary")
    assert not people.join(rivals, on="true_company_id", how="semi")["is_converted"].any()
    assert 0.085 < summary.conversion_rate < 0.125


def test_the_blocklist_holds_what_the_truth_says_it_tells(summary, forms):
    listed = pl.read_csv(summary.out_dir / "blocklist.csv", infer_schema=False)
    values = {kind: set(group["Value"]) for (kind,), group in listed.group_by("Kind")}
    assert set(values) == {"email", "phone", "domain", "company", "ip_range"}
    competitors = set(listed.filter(pl.col("Reason") == "competitor")["Value"])
    ranges = [ip_network(value) for value in values["ip_range"]]

    def signs(row) -> set[str]:
        """What of the blocklist a record bears, found without the truth."""
        email = (row["E-mail"] or "").strip().lower()
        found = {"email"} if email in values["email"] else set()
        found |= {"domain"} if email.partition("@")[2] in values["domain"] else set()
        found |= {"ip_range"} if any(ip_address(row["IP"]) in network for network in ranges) else set()
        return found | (
            {"phone"} if row["own_phone"] in values["phone"] and row["phone_kind"] == "own" else set()
        )

    told = dict.fromkeys(("email", "domain", "ip_range", "phone", "company"), 0)
    for row in forms.iter_rows(named=True):
        truths = {row["blocklist_sign"], row["competitor_sign"]} - {None}
        for sign in truths - {"company"}:
            assert sign in signs(row), (sign, row["Form ID"])
        for sign in truths:
            told[sign] += 1
        if not truths:
            assert not signs(row), row["Form ID"]
    assert min(told.values()) > 0
    assert forms.filter(pl.col("competitor_sign") == "domain")["domain"].is_in(competitors).all()


def test_robots_are_few_and_known(summary, truth, visits, forms):
    robots = truth["robots"]
    assert set(robots["bot_kind"]) == {"crawler", "marathon", "sprinter", "data_centre"}
    seen = visits.join(robots, left_on="anonymous_id", right_on="visitor_id")
    assert 0.005 < seen.height / visits.height < 0.04
    lasting = seen.group_by("anonymous_id", "bot_kind").agg(
        hours=(pl.col("timestamp").max() - pl.col("timestamp").min()).dt.total_seconds() / 3_600,
        per_minute=pl.len()
        / ((pl.col("timestamp").max() - pl.col("timestamp").min()).dt.total_seconds() / 60),
    )
    own = lasting.filter(pl.col("anonymous_id").str.starts_with("b"))
    assert (own.filter(pl.col("bot_kind") == "marathon")["hours"] > 90).all()
    assert (own.filter(pl.col("bot_kind") == "sprinter")["per_minute"] > 100).all()
    rented = seen.filter(pl.col("bot_kind") == "data_centre", pl.col("anonymous_id").str.starts_with("b"))
    assert rented["ip"].str.starts_with(mess.DATA_CENTRE_RANGE).all()
    tied = robots.drop_nulls("mql_id").join(forms, left_on="mql_id", right_on="Form ID")
    assert tied.height > 0
    assert (tied["fake_kind"] == "junk").all()
    assert (tied["Visitor"] == tied["visitor_id"]).all()


def test_mail_to_dead_addresses_bounces_and_is_never_opened(summary, forms):
    mails = pl.read_parquet(summary.out_dir / "email_events.parquet")
    dead = forms.filter(pl.col("email_kind").is_in(["misspelt", "nonsense"])).select("Form ID")
    to_dead = mails.join(dead, left_on="form_id", right_on="Form ID", how="semi")
    assert set(to_dead["event"]) == {"sent", "bounce"}
    assert set(mails.filter(pl.col("event") == "bounce")["form_id"]) <= set(dead["Form ID"])


def test_experiments_have_the_effects_that_the_truth_says(summary, truth):
    told = truth["experiments"]
    events = pl.read_parquet(summary.out_dir / "ab_events.parquet")
    for experiment in EXPERIMENTS:
        of_one = events.filter(pl.col("experiment") == experiment.name)
        for row in told.filter(pl.col("experiment") == experiment.name).iter_rows(named=True):
            counts = of_one.filter(pl.col("variant") == row["variant"])["event"].value_counts()
            counted = dict(counts.iter_rows())
            assert counted["exposed"] == row["exposed_count"]
            assert counted[experiment.outcome] == row["outcome_count"]
            spread = np.sqrt(row["true_probability"] * (1 - row["true_probability"]) / row["exposed_count"])
            observed = row["outcome_count"] / row["exposed_count"]
            assert abs(observed - row["true_probability"]) < 4 * spread
    assert told.filter("has_effect")["experiment"].unique().to_list() == ["short_demo_form"]
    outcomes = events.filter(pl.col("event") != "exposed")
    exposed = events.filter(pl.col("event") == "exposed")
    both = outcomes.join(exposed, on=["experiment", "variant", "visitor"])
    assert both.height >= outcomes.height
    assert (both["timestamp"] >= both["timestamp_right"]).any()


def test_the_market_drifts(truth):
    drift = truth["drift"]
    assert drift["people"].sum() == truth["people"].height
    assert drift["base_points"][0] > 0 > drift["base_points"][-1]
    assert drift["points_paid_social"][0] > drift["points_paid_social"][-1]
    early, late = drift["true_conversion_rate"][:3].mean(), drift["true_conversion_rate"][-3:].mean()
    assert early > late * 1.1


def test_reps_rate_better_those_who_want_more(summary, truth):
    calls = pl.read_csv(summary.out_dir / "sales_activities.csv", infer_schema_length=None)
    records = truth["lead_records"].filter(pl.col("raw_table") == "sql_leads")
    rated = (
        calls.drop_nulls("Lead Rating")
        .join(records, left_on="Lead Id", right_on="record_id")
        .join(truth["people"], on="true_person_id")
    )
    assert set(rated["Lead Rating"]) == {1, 2, 3, 4, 5}
    assert set(rated["Type"]) == {"call", "meeting"}
    chance = (
        rated.group_by("Lead Rating").agg(pl.col("true_conversion_probability").mean()).sort("Lead Rating")
    )
    assert chance["true_conversion_probability"][0] < chance["true_conversion_probability"][-1] * 0.75


def test_a_tidy_company_has_no_mess(tmp_path):
    tidy = simulate(tmp_path, leads=2_000, events_per_lead=3, seed=5, end=END, messy=False)
    records = pl.read_parquet(tmp_path / "truth" / "lead_records.parquet")
    assert set(records["fake_kind"]) == {"none"}
    assert set(records["company_standing"]) == {"ordinary"}
    assert set(records["name_kind"]) <= {"as_is", "lower_case", "upper_case", "family_name_first"}
    assert set(records["email_kind"]) <= {"own", "untidy", "invalid", "missing"}
    assert not records["is_moved"].any()
    assert pl.read_parquet(tmp_path / "truth" / "robots.parquet")["bot_kind"].to_list() == ["crawler"]
    assert tidy.rows["mql.csv"] == 2_000


@pytest.mark.parametrize("text", ["Ann", "Robert", "aa", "", "王小明", "Müller-Lüdenscheidt"])
@pytest.mark.parametrize("where", [0.0, 0.31, 0.5, 0.999])
def test_a_slip_changes_one_keystroke(text, where):
    (slipped,) = misspelt(pl.Series([text]), np.array([where]))
    assert slipped[:1] == text[:1]
    assert abs(len(slipped) - len(text)) <= 1
    assert (slipped == text) == (len(text) < 3)


def test_the_input_method_offers_other_characters():
    assert misheard(pl.Series(["王伟静"])).to_list() == ["王玮婧"]
