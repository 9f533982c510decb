"""Replay: a past moment scored anew, after later facts have landed, is what was stored then, byte by byte."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from homes import Home, leadflow, table_of

from leadflow.cli.explain_past import explain_past
from leadflow.cli.past import known_then, one_lead, open_past
from leadflow.errors import LeadflowError
from leadflow.scoring.in_force import policy_version_in_force, stored_model
from leadflow.scoring.kept_policies import kept_policy
from leadflow.scoring.retraining import model_in_force
from leadflow.settings import Settings, load_settings

TABLES = ("scored_leads", "score_reasons", "ml_scores")


def _settings(home: Home) -> Settings:
    return load_settings(home=home.path, sources=home.sources)


def _bytes(frame: pl.DataFrame, path: Path) -> bytes:
    frame.write_parquet(path)
    return path.read_bytes()


def test_later_facts_have_landed(later_home: Home, then: datetime):
    for table in ("mql", "web_events", "opportunities"):
        assert later_home.value(f"select count(*) from raw.{table} where known_at > ?", [then]) > 0, table
    same_person = (
        "select count(*) from identity.identity_map as later where known_to is null and known_from > ? and exists ("
        "select 1 from identity.identity_map as m where m.lead_id = later.lead_id and m.known_from <= ? and m.known_to is null)"
    )
    assert later_home.value(same_person, [then, then]) > 0
    assert later_home.value("select count(distinct as_of) from raw.refreshes") == 2


def test_scores_and_reasons_of_then_are_byte_identical(
    later_home: Home, then: datetime, stored_then: Path, tmp_path: Path
):
    stored = {table: pl.read_parquet(stored_then / f"{table}.parquet") for table in TABLES}
    with open_past(_settings(later_home), "test", tell=print) as past:
        policy_version = policy_version_in_force(past.connection, then)
        assert policy_version == stored["scored_leads"]["policy_version"][0] != past.run.policy.version
        policy = kept_policy(past.run.settings.policies_dir, policy_version)
        assert policy is not None
        model = model_in_force(past.run, then, policy)
        assert model is not None, "no model scored then, so that the replay of one is not tested"
        in_force = model_in_force(past.run, past.refresh.as_of)
        assert in_force is not None
        assert model.version == stored["scored_leads"]["model_version"][0] != in_force.version
        scored = past.scored(then, known_then(then), policy, model)
    moved = _of_another_company(stored["scored_leads"], scored.scored_leads)
    assert len(moved) < 0.02 * stored["scored_leads"].height
    for table in TABLES:
        replayed, kept = (
            frame.filter(~pl.col("lead_id").is_in(moved)) for frame in (getattr(scored, table), stored[table])
        )
        assert replayed.equals(kept), f"{table}: {_differing(replayed, kept)}"
        assert _bytes(replayed, tmp_path / "one") == _bytes(kept, tmp_path / "other"), table


def test_what_was_stored_then_has_something_of_everything(stored_then: Path):
    leads, reasons = (pl.read_parquet(stored_then / f"{table}.parquet") for table in TABLES[:2])
    assert leads["tier"].n_unique() == 3
    assert leads["expected_revenue"].n_unique() > 50
    counts = {
        "rules that count": pl.col("name").is_in(["visits", "replies", "spam"]),
        "decayed points": pl.col("points") % 1 != 0,
        "points at a rule's cap": (pl.col("name") == "visits") & (pl.col("points") == 15),
        "caps": pl.col("name").str.starts_with("cap_"),
        "gates that take": (pl.col("source") == "gate") & (pl.col("effect") < 0),
        "Chinese": pl.col("reason_zh").is_not_null(),
        "days of counted facts": (pl.col("name") == "visits") & pl.col("fact_date").is_not_null(),
        "days of a last doing": (pl.col("name") == "papers") & pl.col("fact_date").is_not_null(),
        "days of records": (pl.col("name") == "need") & pl.col("fact_date").is_not_null(),
        "days of the last activity": (pl.col("name") == "lately") & pl.col("fact_date").is_not_null(),
        "reasons of the model": pl.col("source") == "model",
    }
    found = reasons.select(is_one.sum().alias(what) for what, is_one in counts.items()).row(0, named=True)
    assert {what: count for what, count in found.items() if count < 10} == {}


def _of_another_company(stored: pl.DataFrame, replayed: pl.DataFrame) -> list[str]:
    """Leads of accounts whose evidence is another since, which identity takes for unknown before, and their colleagues."""
    both = stored.select("lead_id", "account_id").join(
        replayed.select("lead_id", replayed_account="account_id"), on="lead_id", how="full", coalesce=True
    )
    other = both.filter(pl.col("account_id").ne_missing(pl.col("replayed_account")))
    accounts = pl.concat([other["account_id"], other["replayed_account"]]).drop_nulls().unique().implode()
    is_touched = pl.col("account_id").is_in(accounts) | pl.col("replayed_account").is_in(accounts)
    return both.filter(is_touched)["lead_id"].sort().to_list()


def _differing(one: pl.DataFrame, other: pl.DataFrame) -> str:
    if one.shape != other.shape:
        return f"{one.shape} and {other.shape}"
    return str([name for name in one.columns if not one[name].equals(other[name])])


def test_scores_without_reasons_are_the_same_scores(later_home: Home, then: datetime, stored_then: Path):
    from leadflow.scoring.replay import SCORES_READ, scores_at

    stored = pl.read_parquet(stored_then / "scored_leads.parquet")
    with open_past(_settings(later_home), "test", tell=print) as past:
        policy = kept_policy(past.run.settings.policies_dir, stored["policy_version"][0])
        assert policy is not None
        model = stored_model(past.run.settings.models_dir, stored["model_version"][0])
        whole = past.scored(then, known_then(then), policy, model)
        parts = list(past.features_in_parts(then, stored.select("lead_id"), [policy], rows=200))
        assert len(parts) > 1
        told = pl.concat(
            scores_at(features, policy, model, past.declared, activity) for features, activity in parts
        )
    same = set(stored["lead_id"]) - set(_of_another_company(stored, whole.scored_leads))
    kept = [frame.select(SCORES_READ).filter(pl.col("lead_id").is_in(same)) for frame in (told, stored)]
    assert kept[0].equals(kept[1])
    assert told.equals(whole.scored_leads.select(SCORES_READ))


def test_a_lead_that_was_not_known_yet_is_not_there(later_home: Home, then: datetime, stored_then: Path):
    stored = set(pl.read_parquet(stored_then / "scored_leads.parquet")["lead_id"])
    now = set(table_of(later_home, "scoring.scored_leads")["lead_id"])
    assert now - stored
    with open_past(_settings(later_home), "test", tell=print) as past:
        newer = sorted(now - stored)[0]
        scored = past.scored(then, one_lead(newer), past.run.policy, None)
        assert scored.scored_leads.is_empty()
        assert scored.score_reasons.is_empty()


def test_history_tells_what_moved_a_score(later_home: Home, then: datetime, stored_then: Path):
    history = table_of(later_home, "scoring.score_history")
    stored = pl.read_parquet(stored_then / "scored_leads.parquet")
    first = history.filter(pl.col("as_of") == then)
    assert first["cause"].unique().to_list() == ["first_score"]
    assert first.select("lead_id", "score", "tier").equals(stored.select("lead_id", "score", "tier"))
    moved = history.filter((pl.col("as_of") > then) & (pl.col("cause") != "first_score"))
    assert set(moved["cause"]) <= {"model", "policy"}, (
        "policy and model are others now, and go before facts and time"
    )
    assert moved.filter(pl.col("other_causes").str.contains("new_fact")).height > 0
    assert ((moved["score"] - moved["previous_score"]).abs() >= 1).any()


def test_history_is_kept_by_full_earlier_and_repeated_refreshes(
    later_home: Home, then: datetime, tmp_path: Path
):
    home = later_home.copy_to(tmp_path / "home")
    before = table_of(home, "scoring.score_history")
    assert home.make(as_of=(then + timedelta(days=3)).isoformat()).success
    assert table_of(home, "scoring.score_history").equals(before)
    now = later_home.value("select max(as_of) from raw.refreshes")
    assert home.make(as_of=now.isoformat(), is_full=True).success
    assert table_of(home, "scoring.score_history").equals(before)


def _told(home: Home, lead_id: str, moment: str, language: str = "en") -> list[str]:
    return list(explain_past(_settings(home), lead_id, moment, language, tell=print))


def test_explain_tells_what_was_stored_and_the_replay(later_home: Home, then: datetime, stored_then: Path):
    stored = (
        pl.read_parquet(stored_then / "scored_leads.parquet")
        .sort("score", descending=True)
        .row(0, named=True)
    )
    reasons = pl.read_parquet(stored_then / "score_reasons.parquet").filter(
        pl.col("lead_id") == stored["lead_id"]
    )
    told = _told(later_home, stored["lead_id"], then.isoformat())
    assert told[0].startswith(
        f"Stored: score {stored['score']:.1f}, {stored['tier']}, since {then} UTC (first_score)"
    )
    assert told[1] == "Replayed:"
    assert told[2].startswith(f"{stored['lead_id']}: score ")
    assert told[2].endswith(f"as of {then} UTC")
    rules = [line for line in told if " (rule, " in line]
    assert len(rules) == reasons.filter(pl.col("source") == "rule").height
    assert any(f"policy {stored['policy_version']}, " in line for line in told[3:])
    between = (then + timedelta(days=2)).isoformat()
    assert _told(later_home, stored["lead_id"], between)[0] == told[0]


def test_explain_of_a_moment_before_the_first_refresh_says_so(later_home: Home, then: datetime):
    lead_id = later_home.value(
        "select min(lead_id) from identity.leads where known_from < ?", [then - timedelta(days=20)]
    )
    told = _told(later_home, lead_id, (then - timedelta(days=10)).isoformat())
    assert told[0].startswith("Stored: nothing; no refresh had scored the lead by ")
    assert any("by the policy in force now" in line for line in told)


def test_explain_in_chinese_says_where_there_is_none(later_home: Home, then: datetime):
    lead_id = later_home.value("select min(lead_id) from identity.leads where known_from < ?", [then])
    told = _told(later_home, lead_id, then.isoformat(), "zh")
    has_chinese = "reason_zh" in table_of(later_home, "scoring.score_reasons").columns
    assert any("The reasons are in English" in line for line in told) is not has_chinese


@pytest.mark.parametrize(
    ("lead_id", "moment", "problem"),
    [
        ("nobody", "", "there is no lead 'nobody': take a lead_id from scored_leads"),
        ("", "2001-01-01", "was not known at 2001-01-01 00:00:00 UTC: its first record became known at "),
        ("", "2099-01-01", "2099-01-01 00:00:00 UTC is after the last refresh, which looked from "),
        ("", "yesterday", "as_of 'yesterday' is not a moment: write it as "),
    ],
)
def test_explain_refuses_in_one_sentence(later_home: Home, then: datetime, lead_id, moment, problem):
    lead_id = lead_id or later_home.value(
        "select min(lead_id) from identity.leads where known_from < ?", [then]
    )
    with pytest.raises(LeadflowError) as error:
        _told(later_home, lead_id, moment or then.isoformat())
    assert problem in str(error.value)


def test_explain_of_a_merged_lead_names_the_other(later_home: Home, then: datetime, tmp_path: Path):
    import duckdb

    home = later_home.copy_to(tmp_path / "home")
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("insert into identity.lead_redirects values ('Lgone', 'Lkept', ?)", [then])
        connection.execute(
            "insert into scoring.score_history by name select 'Lgone' as lead_id, * exclude (lead_id) "
            "from scoring.score_history where as_of = ? limit 1",
            [then],
        )
    told = _told(home, "Lgone", then.isoformat())
    assert told[0].startswith("Stored: score ")
    assert told[1].startswith("Not replayed: the lead was merged into Lkept since")
    with pytest.raises(LeadflowError, match="was merged into Lkept, and no refresh had scored it"):
        _told(home, "Lgone", (then - timedelta(days=1)).isoformat())


def test_explain_command_takes_a_moment(later_home: Home, then: datetime):
    lead_id = later_home.value("select min(lead_id) from identity.leads where known_from < ?", [then])
    told = leadflow(later_home.path, "explain", lead_id, "--as-of", then.isoformat())
    assert (told.returncode, told.stderr) == (0, "")
    assert "Replayed:" in told.stdout
    refused = leadflow(later_home.path, "explain", lead_id, "--as-of", "2099-01-01")
    assert refused.returncode == 1
    assert refused.stderr.startswith("leadflow: 2099-01-01 00:00:00 UTC is after the last refresh")


def test_a_past_without_a_scored_refresh_is_refused(tmp_path: Path):
    settings = load_settings(home=tmp_path)
    with (
        pytest.raises(LeadflowError, match=r"warehouse\.duckdb does not exist"),
        open_past(settings, "test", tell=print),
    ):
        pass


def test_the_last_refresh_is_the_last_that_scored(later_home: Home):
    newest = later_home.value("select max(as_of) from scoring.scored_leads")
    with open_past(_settings(later_home), "test", tell=print) as past:
        assert past.refresh.as_of == newest
