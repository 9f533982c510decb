"""A source that fails: the others land, what does not rest on it is made, and nothing that does is published."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from homes import MARTS, Home

from leadflow.errors import SourceError

SOURCES = """
version: 1
clock: newest_fact
sources:
  - {name: forms, table: mql, path: "forms*.csv", columns: {mql_id: id, email: mail, title: title}, occurred_at: sent}
  - {name: fairs, table: mql, path: "fairs*.jsonl", columns: {mql_id: id, email: who.mail}, occurred_at: sent}
  - {name: spend, table: marketing_spend, path: spend.csv, columns: {spend_id: id, amount: cost, channel: channel}, occurred_at: day}
"""
FORMS = "id,mail,title,sent\n1,ann@example.com,CEO,2026-05-04 10:00\n"
FAIRS = {"id": "f1", "who": {"mail": "bo@example.com"}, "sent": "2026-05-04 11:00"}
SPEND = "id,cost,channel,day\ns1,10,ads,2026-05-01\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "forms.csv").write_text(FORMS, encoding="utf-8")
    (tmp_path / "fairs.jsonl").write_text(json.dumps(FAIRS) + "\n", encoding="utf-8")
    (tmp_path / "spend.csv").write_text(SPEND, encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    return Home(tmp_path / "home", tmp_path / "sources.yaml")


def make(home: Home, *, raw_only: bool = True) -> dg.ExecuteInProcessResult:
    """A refresh without checks that says what failed instead of raising it."""
    defs = home.defs()
    raw = dg.AssetSelection.groups("raw")
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            list(defs.assets or ()),  # type: ignore[arg-type]
            selection=raw if raw_only else dg.AssetSelection.all() - dg.AssetSelection.assets(MARTS),
            resources=defs.resources,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            raise_on_error=False,
        )


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Why each step failed, by name."""
    failed = (event for event in result.all_events if event.is_step_failure)
    return {
        str(event.step_key): str(event.step_failure_data.user_failure_data.description) for event in failed
    }  # type: ignore[union-attr]


def metadata(result: dg.ExecuteInProcessResult, table: str, name: str) -> Any:
    events = result.asset_materializations_for_node(table.replace(".", "__"))
    (event,) = (one for one in events if one.asset_key.path == table.split("."))
    return event.metadata[name].value


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("forms.csv", "id,e-mail,title,sent\n9,x,y,2026-05-05\n", "reads the column 'mail', which forms.csv does not have"),
        ("forms.csv", "id,mail,title,sent\n9,x,y,soon\n8,x,y,later\n", "no value of forms.csv for"),
        ("forms.csv", None, "forms*.csv does not exist"),
        ("fairs.jsonl", '{"id": "f9", "mail": "x", "sent": "2026-05-05"}\n', "reads the column 'who.mail', which no file of it has had so far (they had id, mail, sent)"),
    ],
    ids=["a column that vanished", "a column of another type", "no file", "a key that no object ever had"],
)  # fmt: skip
def test_the_other_sources_land(
    home: Home, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content, encoding="utf-8")
    result = make(home)
    assert not result.success
    (why,) = failures(result).values()
    assert why.startswith("1 of 2 sources of raw.mql failed, the others landed: ")
    assert said in why.replace(f"{tmp_path}/", "")
    broken, sound = ("forms", "f1") if name == "forms.csv" else ("fairs", "1")
    assert list(metadata(result, "raw.mql", "failed_sources")) == [broken]
    assert (sound,) in home.rows("select mql_id from raw.mql")
    assert home.rows("select spend_id from raw.marketing_spend") == [("s1",)]


def test_what_does_not_rest_on_it_is_made_and_the_rest_is_not(home: Home, tmp_path: Path) -> None:
    (tmp_path / "spend.csv").write_text("id,day\ns1,2026-05-01\n", encoding="utf-8")
    result = make(home, raw_only=False)
    assert list(failures(result)) == ["raw__marketing_spend"]
    assert home.value("select count(*) from staging.stg_mql") == 2
    started = {event.step_key for event in result.all_events if event.event_type_value == "STEP_START"}
    assert "staging__stg_marketing_spend" not in started
    (tmp_path / "spend.csv").write_text(SPEND, encoding="utf-8")
    assert make(home).success
    assert home.rows("select spend_id from raw.marketing_spend") == [("s1",)]


def test_nothing_is_published_until_it_is_mended(home: Home, tmp_path: Path) -> None:
    """The gate reads the warehouse: publishing alone, in a run of its own, is refused as well."""
    (tmp_path / "fairs.jsonl").write_text("[]\n", encoding="utf-8")
    keys = set(home.defs().resolve_asset_graph().get_all_asset_keys())
    assert not home.run(keys).success
    assert not home.run([MARTS]).success
    assert not home.marts.exists()


def test_columns_that_come_and_go_are_told_and_kept(home: Home, tmp_path: Path) -> None:
    assert make(home).success
    (tmp_path / "forms2.csv").write_text("id,mail,title,sent,phone\n2,m,t,2026-05-05,1\n", encoding="utf-8")
    (tmp_path / "fairs2.jsonl").write_text(
        '{"id": "f2", "sent": "2026-05-05", "stand": {"hall": 3}}\n', encoding="utf-8"
    )
    result = make(home)
    assert result.success
    assert metadata(result, "raw.mql", "changed_columns") == {
        "forms": ["forms2.csv: new column 'phone'"],
        "fairs": ["fairs2.jsonl: new column 'stand.hall'", "fairs2.jsonl: column 'who.mail' is gone"],
    }
    assert home.rows("select mql_id, email from raw.mql where mql_id = 'f2'") == [("f2", None)]
    again = make(home)
    assert metadata(again, "raw.mql", "changed_columns") == {}
    assert metadata(again, "raw.mql", "unmapped_columns") == {"forms": ["phone"], "fairs": ["stand.hall"]}
    assert home.value("select count(*) from quality.source_columns where source_name = 'forms'") == 5


def test_the_columns_of_a_file_are_kept_with_its_rows(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh that ends right after a file's rows were committed: the next does not look into that file again."""
    from leadflow.ingest import land

    land_file = land.landing.land_file

    def land_and_end(*args: Any, **settings: Any) -> None:
        land_file(*args, **settings)
        raise SourceError("killed", "refresh again")

    with monkeypatch.context() as ended:
        ended.setattr(land.landing, "land_file", land_and_end)
        assert not make(home).success
    assert home.rows("select source_name from raw.mql order by all") == [("fairs",), ("forms",)]
    (tmp_path / "fairs2.jsonl").write_text('{"id": "f2", "sent": "2026-05-05"}\n', encoding="utf-8")
    assert make(home).success


def test_files_that_landed_before_are_not_looked_into_again(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make(home).success
    from leadflow.ingest import land

    monkeypatch.setattr(land, "scan", lambda *_: pytest.fail("a file was read again"))
    assert make(home).success


@pytest.mark.parametrize("name", ["forms9.csv.part", "forms9.csv.tmp", "~$forms9.csv"])
def test_a_file_that_is_being_written_is_left_alone(home: Home, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("id,ma", encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(SOURCES.replace("forms*.csv", "*forms*"), encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(
        (tmp_path / "sources.yaml")
        .read_text(encoding="utf-8")
        .replace("- {name: forms,", "- {name: forms, format: csv,"),
        encoding="utf-8",
    )
    assert make(home).success


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_that_may_not_be_read(home: Home, tmp_path: Path) -> None:
    (tmp_path / "forms.csv").chmod(0)
    assert "forms.csv cannot be read" in str(failures(make(home)))
