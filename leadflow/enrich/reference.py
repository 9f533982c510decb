"""Accounts looked up in a reference of companies.

Belongs here: which reference row an account is, and what it then tells. Does not belong here: the accounts
themselves (identity/), or how sure a score should be of a fact.
"""

from __future__ import annotations

import polars as pl

from leadflow.text.companies import company_key
from leadflow.text.domains import web_domain
from leadflow.text.vectors import map_distinct

_FACTS: dict[str, pl.DataType] = {
    "company_size": pl.Int64(),
    "industry": pl.String(),
    "is_listed": pl.Boolean(),
    "country": pl.String(),
}

FIRMOGRAPHIC_COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "matched_by": pl.String(),
    "company_reference_id": pl.String(),
    **{
        column: dtype
        for fact, fact_dtype in _FACTS.items()
        for column, dtype in {
            fact: fact_dtype,
            f"{fact}_source": pl.String(),
            f"{fact}_confidence": pl.Float64(),
            f"{fact}_known_at": pl.Datetime("us"),
        }.items()
    },
}

# A domain has one owner, so a match by it is certain. Names that agree after their legal forms are taken off are
# mostly, not always, one company (a brand has namesakes in other countries); 0.8 says so and is no measurement.
CONFIDENCE_BY_DOMAIN = 1.0
CONFIDENCE_BY_NAME = 0.8


def match_reference(accounts: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """`FIRMOGRAPHIC_COLUMNS`, one row per account that the reference knows, by account_id.

    Args:
        accounts: account_id, domain, company_key; one row per account_id.
        reference: company_reference_id, domain, company_name, industry, company_size (employees), is_listed,
            country, known_at, source_name; one row per company_reference_id, only rows known by the refresh's as_of.

    An account is matched by its domain, else by its company key. A domain or a key that several reference rows share
    is ambiguous and matches nothing by itself: a wrong company is worse than none. A fact's source, confidence and
    known_at are null where the reference does not have the fact.
    """
    keyed = reference.with_columns(
        map_distinct(reference["domain"], web_domain, pl.String()).alias("domain"),
        map_distinct(reference["company_name"], company_key, pl.String()).alias("company_key"),
    )
    matches = pl.concat(
        [
            _matched(accounts, keyed, "domain", "domain", CONFIDENCE_BY_DOMAIN),
            _matched(accounts, keyed, "company_key", "company_name", CONFIDENCE_BY_NAME),
        ]
    ).unique("account_id", keep="first", maintain_order=True)
    facts = keyed.select("company_reference_id", "known_at", "source_name", *_FACTS)
    return (
        matches.join(facts, on="company_reference_id", how="left")
        .with_columns(*(column for fact in _FACTS for column in _provenance(fact)))
        .select(pl.col(name).cast(dtype) for name, dtype in FIRMOGRAPHIC_COLUMNS.items())
        .sort("account_id")
    )


def _matched(
    accounts: pl.DataFrame, reference: pl.DataFrame, key: str, matched_by: str, confidence: float
) -> pl.DataFrame:
    """account_id, company_reference_id, matched_by, confidence; by equal `key` where one reference row has it."""
    unambiguous = reference.drop_nulls(key).filter(pl.len().over(key) == 1)
    return accounts.join(unambiguous, on=key, how="inner").select(
        "account_id",
        "company_reference_id",
        matched_by=pl.lit(matched_by),
        confidence=pl.lit(confidence, dtype=pl.Float64),
    )


def _provenance(fact: str) -> list[pl.Expr]:
    is_known = pl.col(fact).is_not_null()
    return [
        pl.when(is_known).then("source_name").alias(f"{fact}_source"),
        pl.when(is_known).then("confidence").alias(f"{fact}_confidence"),
        pl.when(is_known).then("known_at").alias(f"{fact}_known_at"),
    ]
