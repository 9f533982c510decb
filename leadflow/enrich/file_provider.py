"""A CSV or Parquet file of companies, as policy.yaml describes it.

Belongs here: reading the file and what it tells of accounts. Does not belong here: which row an account is (reference.py).

A file costs nothing to ask, so all accounts are looked up at each refresh and only what is new is kept: when it became
known is so kept, too, which the file does not say.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from leadflow.enrich.providers import PROVIDER_ANSWER_COLUMNS
from leadflow.enrich.reference import match_companies
from leadflow.enrichment_policy import ENRICHED_FIELDS, CompanyFile, ConstantColumn


def read_companies(path: Path, settings: CompanyFile) -> pl.DataFrame:
    """subject (number of the row), domain, company_name and the enriched fields, all as texts.

    Raises:
        OSError, polars.exceptions.PolarsError: the file cannot be read, or lacks a column.
    """
    if path.suffix.lower() == ".parquet":
        rows = pl.read_parquet(path)
    else:
        rows = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    columns = settings.columns
    return rows.select(
        pl.int_range(pl.len()).cast(pl.String).alias("subject"),
        *(
            _column(getattr(columns, name)).alias(name)
            for name in ("domain", "company_name", *ENRICHED_FIELDS)
        ),
    )


def file_answers(
    accounts: pl.DataFrame, companies: pl.DataFrame, provider: str, former: pl.DataFrame, as_of: datetime
) -> pl.DataFrame:
    """`PROVIDER_ANSWER_COLUMNS` of accounts of which the file tells something else than it did before.

    Args:
        accounts: account_id, domain, company_key.
        companies: as `read_companies` gives them.
        provider: its name.
        former: `PROVIDER_ANSWER_COLUMNS`, known by as_of.
        as_of: the refresh's moment.
    """
    found = (
        match_companies(accounts, companies, provider)
        .join(accounts.select("account_id", "domain", "company_key"), on="account_id")
        .join(companies.select("subject", *ENRICHED_FIELDS), on="subject")
    )
    now = found.select(
        key_kind="matched_by",
        key=pl.when(pl.col("matched_by") == "domain").then("domain").otherwise("company_key"),
        answer=pl.struct(*ENRICHED_FIELDS).struct.json_encode(),
    ).unique(["key_kind", "key"], keep="first", maintain_order=True)
    last = (
        former.filter(pl.col("provider") == provider, pl.col("status") == "found")
        .sort("asked_at")
        .unique(["key_kind", "key"], keep="last")
        .select("key_kind", "key", "answer")
    )
    return (
        now.join(last, on=["key_kind", "key", "answer"], how="anti")
        .with_columns(
            provider=pl.lit(provider),
            asked_at=pl.lit(as_of),
            known_at=pl.lit(as_of),
            expires_at=pl.lit(None),
            status=pl.lit("found"),
            problem=pl.lit(None),
            call_count=pl.lit(0),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in PROVIDER_ANSWER_COLUMNS.items())
        .sort("key_kind", "key")
    )


def _column(column: str | ConstantColumn | None) -> pl.Expr:
    if isinstance(column, ConstantColumn):
        constant = column.constant
        return pl.lit(str(constant).lower() if isinstance(constant, bool) else str(constant))
    return pl.lit(None, dtype=pl.String) if column is None else pl.col(column).cast(pl.String)
