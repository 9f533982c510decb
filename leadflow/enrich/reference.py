"""Accounts looked up in a table of companies.

Belongs here: which row of a table an account is. Does not belong here: the accounts themselves (identity/), and what the
row tells (facts.py).
"""

from __future__ import annotations

import polars as pl

from leadflow.enrich.providers import CONFIDENCE, KeyKind
from leadflow.text.companies import company_key
from leadflow.text.domains import web_domain
from leadflow.text.vectors import map_distinct

MATCH_COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "provider": pl.String(),
    "subject": pl.String(),
    "matched_by": pl.String(),
    "confidence": pl.Float64(),
}
"""Which of a provider's companies (subject) an account is, one row per account and provider."""


def match_companies(
    accounts: pl.DataFrame, companies: pl.DataFrame, provider: str, factor: float = 1.0
) -> pl.DataFrame:
    """`MATCH_COLUMNS`, one row per account that the table knows, by account_id.

    Args:
        accounts: account_id, domain, company_key; one row per account_id.
        companies: subject, domain (any spelling of a web address), company_name; one row per subject.
        provider: its name.
        factor: on how sure a match is.

    An account is matched by its domain, else by its company key. A domain or a key that several companies share is
    ambiguous and matches nothing by itself: a wrong company is worse than none.
    """
    keyed = companies.select(
        "subject",
        map_distinct(companies["domain"], web_domain, pl.String()).alias("domain"),
        map_distinct(companies["company_name"], company_key, pl.String()).alias("company_key"),
    )
    return (
        pl.concat(
            [
                _matched(accounts, keyed, "domain", "domain"),
                _matched(accounts, keyed, "company_key", "company_name"),
            ]
        )
        .unique("account_id", keep="first", maintain_order=True)
        .with_columns(provider=pl.lit(provider), confidence=pl.col("confidence") * factor)
        .select(pl.col(name).cast(dtype) for name, dtype in MATCH_COLUMNS.items())
        .sort("account_id")
    )


def _matched(accounts: pl.DataFrame, companies: pl.DataFrame, key: str, matched_by: KeyKind) -> pl.DataFrame:
    """account_id, subject, matched_by, confidence; by equal `key` where one company has it."""
    unambiguous = companies.drop_nulls(key).filter(pl.len().over(key) == 1)
    return accounts.join(unambiguous, on=key, how="inner").select(
        "account_id",
        "subject",
        matched_by=pl.lit(matched_by),
        confidence=pl.lit(CONFIDENCE[matched_by], dtype=pl.Float64),
    )
