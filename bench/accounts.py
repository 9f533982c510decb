"""How well lead records are tied to companies, on simulated data with truth: `python -m bench.accounts HOME SIMULATED`.

Belongs here: accounts against the simulator's truth, beside simple ways, by kind of mess. Does not belong here: comparing two names
(accuracy.py), persons (persons.py), speed (run.py).

HOME has refreshed on SIMULATED, a folder that `leadflow simulate` wrote; of it clean.clean_leads is read. Counted are pairs of records:
a pair is right where both have one account and one true company. Junk records, whose company is made up, are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from bench.scores import Score
from leadflow.company_policy import Companies
from leadflow.identity.accounts import (
    ACCOUNT_ID_COLUMNS,
    COMPANY_PAIR_COLUMNS,
    company_facts,
    resolve_accounts,
)

_AT = datetime.fromisoformat("2026-01-01")


def clean_leads(home: Path) -> pl.DataFrame:
    """clean.clean_leads of a home."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        table: pl.DataFrame = connection.sql("select * from clean.clean_leads").pl()
    return table


def true_companies(simulated: Path) -> pl.DataFrame:
    """record_key, true_company_id, company_kind of the simulated records that are no junk."""
    truth = pl.read_parquet(simulated / "truth" / "lead_records.parquet").filter(
        pl.col("fake_kind") != "junk"
    )
    return truth.select(
        pl.format("{}:{}", "raw_table", "record_id").alias("record_key"), "true_company_id", "company_kind"
    )


def pair_score(found: pl.DataFrame, account: str) -> Score:
    """Pairs of records with one account and one true_company_id, counted; a record without account is by itself."""
    alone = found.with_columns(pl.col(account).fill_null("record " + pl.col("record_key")))

    def pairs(*by: str) -> int:
        size = pl.len().cast(pl.Int64)
        return int(
            alone.group_by(by)
            .agg(size=size)
            .select((pl.col("size") * (pl.col("size") - 1) // 2).sum())
            .item()
        )

    right = pairs(account, "true_company_id")
    return Score(right, pairs(account) - right, pairs("true_company_id") - right)


def accounts_report(clean: pl.DataFrame, truth: pl.DataFrame) -> list[str]:
    """The section of docs/accuracy.md on accounts, as lines.

    Args:
        clean: clean.clean_leads of a refresh.
        truth: as `true_companies` gives it.
    """
    facts = company_facts(clean)
    ids, pairs = pl.DataFrame(schema=ACCOUNT_ID_COLUMNS), pl.DataFrame(schema=COMPANY_PAIR_COLUMNS)
    accounts = resolve_accounts(facts, ids, pairs, Companies(), at=_AT)
    told = (
        facts.join(truth, on="record_key", how="inner")
        .join(accounts.of_records, on="record_key", how="left")
        .with_columns(by_equal=pl.coalesce("own_domain", "company_key"))
    )
    shown = told.filter(pl.col("own_domain").is_not_null() | pl.col("company_key").is_not_null())
    rows = [
        ("leadflow, records that show a company", shown, "account_id"),
        ("leadflow, all records", told, "account_id"),
        ("equal mail domain, else equal company key; records that show a company", shown, "by_equal"),
    ]
    return [
        "## Accounts, simulated", "",
        f"{told.height:,} lead records of {told['true_company_id'].n_unique():,} companies, in pairs. {told.height - shown.height:,} have "
        "neither a company's mail domain nor its name: nothing can tie them, and in 'all records' they count as missed.", "",
        "| way | F1 | precision | recall |",
        "| --- | --- | --- | --- |",
        *(_row(name, pair_score(frame, column)) for name, frame, column in rows), "",
        "Records without a company's mail domain, by what the company's name was made into. In its company: the most frequent true "
        "company of the record's account is its own. In the main account: its account is the one that most of its company's records have.", "",
        "| name | records | in its company | in the main account |",
        "| --- | --- | --- | --- |",
        *_kinds(shown), "",
    ]  # fmt: skip


def _row(name: str, score: Score) -> str:
    return f"| {name} | {score.f1:.3f} | {score.precision:.3f} | {score.recall:.3f} |"


def _kinds(shown: pl.DataFrame) -> Sequence[str]:
    def main_of(one: str, other: str) -> pl.DataFrame:
        counted = shown.group_by(one, other).len().sort(one, "len", other, descending=[False, True, False])
        return counted.unique(one, keep="first", maintain_order=True).select(
            one, pl.col(other).alias(f"main_{other}")
        )

    kinds = (
        shown.filter(pl.col("own_domain").is_null())
        .join(main_of("account_id", "true_company_id"), on="account_id", how="left")
        .join(main_of("true_company_id", "account_id"), on="true_company_id", how="left")
        .group_by("company_kind")
        .agg(
            records=pl.len(),
            in_company=(pl.col("main_true_company_id") == pl.col("true_company_id")).mean(),
            in_main=(pl.col("main_account_id") == pl.col("account_id")).mean(),
        )
        .sort("records", descending=True)
    )
    return [
        f"| {kind.replace('_', ' ')} | {records:,} | {in_company:.3f} | {in_main:.3f} |"
        for kind, records, in_company, in_main in kinds.iter_rows()
    ]


def main() -> None:
    """Measure, and print the section."""
    parser = argparse.ArgumentParser(description="Accounts against the simulator's truth.")
    parser.add_argument("home", type=Path, help="a home that has refreshed on the simulated files")
    parser.add_argument("simulated", type=Path, help="the folder that `leadflow simulate` wrote")
    given = parser.parse_args()
    print("\n".join(accounts_report(clean_leads(given.home), true_companies(given.simulated))))


if __name__ == "__main__":
    main()
