"""What the leakage firewall says of real data and of a clean simulated company: `python -m bench.leakage`.

Belongs here: the reports of three public data sets with their leaks left in, of one that has none, and the part of
docs/leakage.md that shows them. Does not belong here: the checks (leadflow/features/leakage.py).

Reads online_shoppers/, olist_funnel/ and maven_crm/ from the folder named by LEADFLOW_TEST_DATA. Every column of the files is a
feature but the outcome itself, as if somebody had mapped them all.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from bench.measure import measure
from leadflow.errors import LeadflowError
from leadflow.features.leakage import leakage_report
from leadflow.features.leakage_rows import ALL_FEATURES, as_markdown, kept_from_models, worst_first
from leadflow.leakage_policy import Leakage
from leadflow.policy import Training

REPORT = Path(__file__).parent.parent / "docs" / "leakage.md"
HERE = "## What it says of data with known leaks"
"""Heading in docs/leakage.md from which on the text is written by this command."""
LEADFLOW = [sys.executable, "-c", "from leadflow.cli import main; main()"]
LEADS = 10_000
SEED = 31
SHOWN = 14
"""Features shown of each data set."""


@dataclass(frozen=True)
class Example:
    """A data set as the firewall takes it.

    Attributes:
        name: folder in LEADFLOW_TEST_DATA.
        told: what it is and which column is the label, in a sentence.
        rows: a row per lead, with lead_id, as_of, label and the features.
        horizon_days: until when a lead counts as won, for `training`.
    """

    name: str
    told: str
    rows: pl.DataFrame
    horizon_days: int = 90

    @property
    def features(self) -> list[str]:
        """All columns but those that say which lead, when, and what came of it."""
        return [name for name in self.rows.columns if name not in ("lead_id", "as_of", "label")]

    def report(self, policy: Leakage | None = None) -> pl.DataFrame:
        """The leakage report with the default policy, or another."""
        training = Training(moments_days=(0,), horizon_days=self.horizon_days)
        return leakage_report(self.rows, self.features, policy or Leakage(), training)


def online_shoppers(folder: Path) -> Example:
    """Sessions of a web shop; won where Revenue is true."""
    path = folder / "online_shoppers" / "online_shoppers_intention.csv"
    separator = ";" if ";" in path.open(encoding="utf-8").readline() else ","
    rows = pl.read_csv(path, separator=separator, infer_schema_length=None).with_row_index("lead_id")
    month = pl.format("2017-{}-01", pl.col("Month").str.slice(0, 3)).str.to_datetime("%Y-%b-%d")
    bought = pl.col("Revenue").cast(pl.String).str.to_lowercase() == "true"
    return Example(
        "online_shoppers",
        "12,330 sessions, all columns; won: `Revenue`. `PageValues` holds the session's own purchase.",
        rows.with_columns(as_of=month, label=bought).drop("Revenue"),
        horizon_days=1,
    )


def olist_funnel(folder: Path) -> Example:
    """Marketing leads with the columns of closed deals beside them; won where there is a deal."""
    folder = folder / "olist_funnel"
    leads = pl.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv")
    deals = pl.read_csv(folder / "olist_closed_deals_dataset.csv", infer_schema_length=None)
    rows = leads.join(deals.with_columns(label=True), on="mql_id", how="left").with_columns(
        pl.col("label").fill_null(False),
        lead_id=pl.col("mql_id"),
        as_of=pl.col("first_contact_date").str.to_date(),
    )
    return Example(
        "olist_funnel",
        "8,000 leads, the columns of the closed deals joined on; won: there is a deal. All of those columns exist for won leads only; "
        "`landing_page_id` and `origin` are known at first contact.",
        rows.drop("first_contact_date"),
    )


def maven_crm(folder: Path) -> Example:
    """Deals of a CRM, open ones without outcome; won where the stage says so."""
    rows = pl.read_csv(folder / "maven_crm" / "sales_pipeline.csv", infer_schema_length=None)
    is_won = {"Won": True, "Lost": False}
    label = pl.col("deal_stage").replace_strict(is_won, default=None, return_dtype=pl.Boolean)
    rows = rows.with_columns(
        label=label, lead_id=pl.col("opportunity_id"), as_of=pl.col("engage_date").str.to_date()
    )
    return Example(
        "maven_crm",
        "8,800 deals, all columns; won: `deal_stage` is Won, lost: Lost, else open. `close_value` and `close_date` are written at the close.",
        rows.drop("deal_stage", "engage_date"),
    )


EXAMPLES: tuple[Callable[[Path], Example], ...] = (online_shoppers, olist_funnel, maven_crm)


def simulated_report(leads: int = LEADS, seed: int = SEED) -> pl.DataFrame:
    """features.leakage_report of a company that is simulated, refreshed by the real command, and thrown away."""
    with tempfile.TemporaryDirectory(prefix="leadflow-leakage-") as folder:
        company, home = Path(folder) / "company", Path(folder) / "home"
        home.mkdir()
        measure([*LEADFLOW, "simulate", "--leads", str(leads), "--seed", str(seed), "--out", str(company)])
        measure(
            [*LEADFLOW, "run", "--sources", str(company / "sources.yaml")],
            environment={"LEADFLOW_HOME": str(home)},
        )
        return home_report(home)


def home_report(home: Path) -> pl.DataFrame:
    """features.leakage_report of a home."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.sql("select * from features.leakage_report").pl()


def data_folder() -> Path:
    """The folder of real data; LeadflowError where LEADFLOW_TEST_DATA names none."""
    folder = Path(os.environ.get("LEADFLOW_TEST_DATA", ""))
    if not os.environ.get("LEADFLOW_TEST_DATA") or not (folder / "online_shoppers").is_dir():
        raise LeadflowError(
            "LEADFLOW_TEST_DATA names no folder with online_shoppers/, olist_funnel/ and maven_crm/",
            "set it to where they are",
        )
    return folder


def lines_of(title: str, told: str, report: pl.DataFrame) -> list[str]:
    """A section: what is kept from models, the worst finding of each feature, and how a random split flatters."""
    worst = worst_first(report).unique("feature", keep="first", maintain_order=True)
    worst = worst.with_columns(pl.col("reason").str.replace(r"\. If it is known before the outcome.*", ""))
    of_all = pl.col("feature") == ALL_FEATURES
    shown = pl.concat([worst.filter(~of_all).head(SHOWN), worst.filter(of_all)])
    kept = ", ".join(f"`{name}`" for name in kept_from_models(report)) or "nothing"
    return [f"### {title}", "", told, "", f"Kept from models: {kept}.", "", as_markdown(shown), ""]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the reports, and write them into docs/leakage.md."""
    parser = argparse.ArgumentParser(description="What the leakage firewall says of data with known leaks.")
    parser.add_argument("--home", type=Path, help="print the report of this home, and nothing else")
    parser.add_argument("--leads", type=int, default=LEADS, help="submissions of the simulated company")
    given = parser.parse_args(arguments)
    if given.home is not None:
        print(as_markdown(home_report(given.home)))
        return
    folder = data_folder()
    lines = [
        HERE,
        "",
        "Written by `LEADFLOW_TEST_DATA=FOLDER python -m bench.leakage`, with the default policy. Of each feature the worst "
        "finding, without what to do about it.",
        "",
    ]
    for read in EXAMPLES:
        example = read(folder)
        lines += lines_of(example.name, example.told, example.report())
    told = f"{given.leads:,} submissions, seed {SEED}, refreshed as they are: nothing in them was written after an outcome."
    lines += lines_of("A clean simulated company", told, simulated_report(given.leads))
    before = REPORT.read_text(encoding="utf-8").split(HERE)[0]
    REPORT.write_text(before + "\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))
    print(f"Written: {REPORT}")


if __name__ == "__main__":
    main()
