"""The leakage firewall on real data with its leaks left in: it stops them, and lets pass what is known in time."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from bench.leakage import maven_crm, olist_funnel, online_shoppers
from leadflow.features.leakage_rows import kept_from_models

FOLDER = Path(os.environ.get("LEADFLOW_TEST_DATA", ""))

pytestmark = pytest.mark.real_data


def needs(name: str) -> pytest.MarkDecorator:
    """Skip where the data set is not at hand."""
    return pytest.mark.skipif(
        not os.environ.get("LEADFLOW_TEST_DATA") or not (FOLDER / name).is_dir(),
        reason=f"the folder named by LEADFLOW_TEST_DATA holds no {name}",
    )


def row(report: pl.DataFrame, feature: str, check: str) -> dict[str, object]:
    """The one row of a feature and check."""
    (found,) = report.filter(pl.col("feature") == feature, pl.col("check_name") == check).iter_rows(
        named=True
    )
    return found


@needs("online_shoppers")
def test_page_values_are_stopped_and_rates_of_pages_pass():
    report = online_shoppers(FOLDER).report()
    assert kept_from_models(report) == ["PageValues"]
    found = row(report, "PageValues", "beats_all_others")
    assert found["value"] == pytest.approx(0.86, abs=0.01)
    assert found["compared_with"] == pytest.approx(0.78, abs=0.015)


@needs("olist_funnel")
@pytest.mark.parametrize("since", ["2017-06-01", "2018-01-01"])
def test_every_column_of_the_closed_deals_is_stopped_and_the_landing_page_passes(since):
    example = olist_funnel(FOLDER)
    newer = example.rows.filter(pl.col("as_of") >= pl.lit(since).str.to_date())
    report = type(example)(example.name, example.told, newer).report()
    deals = (FOLDER / "olist_funnel" / "olist_closed_deals_dataset.csv").open(encoding="utf-8").readline()
    columns = [name.strip().strip('"') for name in deals.split(",")]
    assert kept_from_models(report) == sorted(set(columns) - {"mql_id"})
    best = report.filter(
        pl.col("check_name") == "beats_all_others",
        pl.col("verdict") == "pass",
    ).sort("value", descending=True)
    assert best["feature"][0] == "landing_page_id"
    assert 0.6 < best["value"][0] < 0.75


@needs("maven_crm")
def test_what_is_written_at_the_close_is_stopped():
    report = maven_crm(FOLDER).report()
    assert kept_from_models(report) == ["close_date", "close_value"]
    assert row(report, "account", "filled_with_outcome")["verdict"] == "warn"


@needs("maven_crm")
def test_what_is_written_at_the_close_is_stopped_among_closed_deals_alone():
    example = maven_crm(FOLDER)
    closed = example.rows.filter(pl.col("label").is_not_null())
    assert kept_from_models(type(example)(example.name, example.told, closed).report()) == [
        "close_date",
        "close_value",
    ]
