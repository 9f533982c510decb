"""Deliveries: whatever the order, repeated, late or overlapping, they end in the plain files."""

import random
from datetime import datetime

import polars as pl
import pytest
import yaml

from leadflow.demo.simulate import SimulationSummary, simulate
from leadflow.demo.versions import CHANGING

END = datetime.fromisoformat("2026-06-30T18:00:00")
COUNT = 15
APPENDED = {
    "mql": "Form ID",
    "sales_activities": "Activity Id",
    "marketing_spend": "Row",
    "web_events": "id",
    "email_events": "id",
    "product_usage": "id",
    "ab_events": "event_id",
}


@pytest.fixture(scope="module")
def summary(tmp_path_factory) -> SimulationSummary:
    folder = tmp_path_factory.mktemp("delivered")
    return simulate(folder, leads=1_500, events_per_lead=6, seed=3, end=END, deliveries=COUNT)


def _read(path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False) if path.suffix == ".csv" else pl.read_parquet(path)


def _delivered(summary, table: str, seed: int) -> pl.DataFrame:
    files = sorted((summary.out_dir / "deliveries" / table).iterdir())
    random.Random(seed).shuffle(files)
    return pl.concat([_read(file) for file in files])


def _plain(summary, table: str) -> pl.DataFrame:
    return _read(next(summary.out_dir.glob(f"{table}.*")))


@pytest.mark.parametrize("table", APPENDED)
@pytest.mark.parametrize("seed", [1, 2])
def test_appended_rows_are_all_there_and_equal(summary, table, seed):
    delivered = _delivered(summary, table, seed)
    plain = _plain(summary, table)
    assert delivered.height > plain.height
    key = APPENDED[table]
    assert delivered.unique().sort(key).equals(plain.sort(key))


@pytest.mark.parametrize("table", CHANGING)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_last_versions_that_are_not_deleted_are_the_plain_rows(summary, table, seed):
    changing = CHANGING[table]
    delivered = _delivered(summary, table, seed).unique()
    moment = pl.col(changing.changed_at).str.to_datetime()
    last = delivered.filter(moment == moment.max().over(changing.key))
    left = last.filter(pl.col("Is Deleted") == "false").drop("Is Deleted").sort(changing.key)
    assert left.equals(_plain(summary, table).sort(changing.key))


@pytest.mark.parametrize("table", CHANGING)
def test_the_versions_of_the_truth_are_those_delivered(summary, table):
    changing = CHANGING[table]
    versions = pl.read_parquet(summary.out_dir / "truth" / f"versions_{table}.parquet")
    told = versions.drop("known_at", "version", "is_final")
    delivered = _delivered(summary, table, 1).unique()
    assert told.sort(told.columns).equals(delivered.select(told.columns).sort(told.columns))
    assert versions.select(changing.key, changing.changed_at).is_duplicated().sum() == 0
    assert versions["version"].max() > 1
    assert versions.group_by(changing.key).agg(pl.col("is_final").sum())["is_final"].unique().to_list() == [1]
    assert versions["known_at"].max() <= END
    assert (versions["known_at"] >= versions[changing.made_at].str.to_datetime()).all()


def test_rows_are_deleted_for_good_and_restored(summary):
    versions = pl.read_parquet(summary.out_dir / "truth" / "versions_sql_leads.parquet")
    gone = versions.filter("is_final", pl.col("Is Deleted") == "true")["Lead Id"]
    restored = versions.filter(~pl.col("is_final"), pl.col("Is Deleted") == "true")["Lead Id"]
    assert len(gone) > 0
    assert len(restored) > 0
    assert not set(gone) & set(restored)
    owners = versions.group_by("Lead Id").agg(pl.col("Lead Owner").n_unique())
    assert owners["Lead Owner"].max() == 2


def test_the_truth_tells_every_file(summary):
    told = pl.read_parquet(summary.out_dir / "truth" / "deliveries.parquet")
    folder = summary.out_dir / "deliveries"
    files = {(path.parent.name, path.name) for path in folder.glob("*/*")}
    assert files == set(told.select("source", "file").iter_rows())
    for row in told.iter_rows(named=True):
        path = folder / row["source"] / row["file"]
        assert _read(path).height == row["row_count"], path
        if row["repeat_of"] is not None:
            assert path.read_bytes() == (path.parent / row["repeat_of"]).read_bytes()
    once = told.filter(pl.col("repeat_of").is_null())
    assert told.height > once.height
    assert once["late_count"].sum() > 0
    assert once["overlap_count"].sum() > 0
    in_order = once.filter(pl.col("source") == "mql").sort("file")["slot"].to_list()
    assert in_order != sorted(in_order)
    assert sorted(in_order) == list(range(COUNT))


def test_the_mapping_is_that_of_the_plain_files_with_folders(summary):
    plain = {source["name"]: source for source in yaml.safe_load(summary.sources.read_text())["sources"]}
    delivered = yaml.safe_load(summary.deliveries.read_text())["sources"]
    assert {source["name"] for source in delivered} == set(plain)
    for source in delivered:
        stem, _, suffix = plain[source["name"]]["path"].partition(".")
        assert source["path"] == f"{stem}/*.{suffix}"
        assert ("deleted" in source) == (stem in CHANGING)
        rest = {key: value for key, value in source.items() if key not in ("path", "deleted")}
        assert rest == {key: value for key, value in plain[source["name"]].items() if key != "path"}


def test_fewer_deliveries_leave_none_of_the_many_behind(tmp_path):
    for count in (9, 2):
        simulate(tmp_path, leads=60, events_per_lead=2, seed=3, end=END, deliveries=count)
    told = pl.read_parquet(tmp_path / "truth" / "deliveries.parquet")
    files = {(path.parent.name, path.name) for path in (tmp_path / "deliveries").glob("*/*")}
    assert files == set(told.select("source", "file").iter_rows())
