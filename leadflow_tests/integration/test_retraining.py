"""Which model is in force: that a refresh keeps it, a retraining may replace it, and a changed file is refused by name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import dagster as dg
from homes import Home, leadflow, table_of

TRAINING = [dg.AssetKey(["scoring", "trainings"]), dg.AssetKey(["scoring", "newest_scores"])]


def _error(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    error = failed.step_failure_data.error
    return str(error.cause or error)


def test_a_refresh_trains_the_first_model_and_the_next_one_keeps_it(later_home: Home):
    trainings = table_of(later_home, "scoring.trainings").sort("training")
    assert trainings["asked_by"].to_list() == ["first", "retrain"]  # and none by the second refresh
    assert trainings["as_of"].to_list() == later_home_moments(later_home)
    assert trainings["outcome"][0] == "champion"
    version = trainings["champion_version"][1]
    assert table_of(later_home, "scoring.scored_leads")["model_version"].unique().to_list() == [version]
    assert table_of(later_home, "scoring.model_card")["model_version"].to_list() == [version]
    unscored = "select count(*) from scoring.scored_leads where ml_probability is null or ml_score is null"
    assert later_home.value(unscored) == 0
    sources = later_home.rows("select distinct source from scoring.score_reasons order by 1")
    assert sources == [("model",), ("rule",)]
    newest = table_of(later_home, "scoring.newest_scores")
    assert set(newest["model_version"]) == set(trainings["champion_version"])
    assert newest["label"].n_unique() == 2
    gains = table_of(later_home, "scoring.score_gains")
    assert gains.filter(kind="share").height == 20
    assert gains["model_version"].unique().to_list() == [version]


def later_home_moments(home: Home) -> list[datetime]:
    """The moments of its refreshes."""
    return [as_of for (as_of,) in home.rows("select as_of from raw.refreshes order by as_of")]


def test_a_changed_model_is_refused_by_name_and_a_retraining_mends_it(later_home: Home, tmp_path: Path):
    home = later_home.copy_to(tmp_path / "home")
    (version,) = table_of(home, "scoring.model_card")["model_version"].to_list()
    file = home.path / "models" / f"{version}.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace('"baseline":', '"baseline":9,"was":', 1), encoding="utf-8")
    scored = table_of(home, "scoring.scored_leads")

    result = home.run(TRAINING)
    assert not result.success
    said = _error(result)
    assert str(file) in said
    assert "changed since it was written" in said
    assert "leadflow retrain" in said
    assert table_of(home, "scoring.scored_leads").equals(scored)

    assert home.retrain().success
    trainings = table_of(home, "scoring.trainings")
    assert trainings["asked_by"].to_list() == ["first", "retrain", "retrain"]
    assert trainings["reason"][2].startswith(f"the file of the champion {version} could not be read")
    assert table_of(home, "scoring.scored_leads").equals(scored)  # the same data give the same model


def test_retraining_an_empty_home_says_what_to_do(tmp_path: Path):
    done = leadflow(tmp_path / "home", "retrain")
    assert done.returncode != 0
    assert "leadflow run" in done.stderr
