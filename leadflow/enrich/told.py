"""What each provider is known to have told, in one shape, whether it was asked, read from a file or landed.

Belongs here: from the reference and from the kept answers to matches and facts. Does not belong here: asking, and whose
word counts (facts.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from leadflow.enrich.providers import CONFIDENCE, KeyKind
from leadflow.enrich.reference import MATCH_COLUMNS, match_companies
from leadflow.enrich.values import FACT_FIELDS, fact_values
from leadflow.enrichment_policy import ENRICHED_FIELDS, REFERENCE

if TYPE_CHECKING:
    from leadflow.enrichment_policy import Enrichment

BACKDATED_TO = datetime(1900, 1, 1)  # noqa: DTZ001 -- instants are naive UTC throughout
"""known_at of a field that the policy declares known since ever."""

_MOMENT = pl.Datetime("us")
TOLD_COLUMNS: dict[str, pl.DataType] = {
    "provider": pl.String(),
    "subject": pl.String(),
    "field": pl.String(),
    "value": pl.String(),
    "source": pl.String(),
    "known_at": _MOMENT,
    "fetched_at": _MOMENT,
    "sequence": pl.Int64(),
}
"""One value that a provider told of one of its companies; of equal known_at the greater sequence holds."""

REFERENCE_READ = (
    "company_reference_id", "domain", "company_name", "industry", "company_size", "company_size_as_given", "is_listed",
    "country", "tech_stack", "revenue_as_given", "occurred_at", "known_at", "source_name",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What providers are known to have told.

    Attributes:
        matches: `reference.MATCH_COLUMNS`.
        facts: `TOLD_COLUMNS`, none known after the refresh's as_of.
    """

    matches: pl.DataFrame
    facts: pl.DataFrame


def told_by_reference(
    accounts: pl.DataFrame,
    reference: pl.DataFrame,
    versions: pl.DataFrame,
    enrichment: Enrichment,
    as_of: datetime,
) -> Told:
    """What the company reference tells of accounts.

    Args:
        accounts: account_id, domain, company_key.
        reference: `REFERENCE_READ`, one row per company, as it stands.
        versions: `REFERENCE_READ` and is_in_force, one row per version of a company, former ones too.
        enrichment: the policy.
        as_of: what is known later is left out.
    """
    known = reference.filter(pl.col("known_at") <= as_of)
    (factor,) = (each.confidence for each in enrichment.chain if each.kind == REFERENCE)
    companies = known.select("domain", "company_name", subject="company_reference_id")
    matches = match_companies(accounts, companies, REFERENCE, factor)
    of_matched = versions.filter(pl.col("known_at") <= as_of).join(
        matches.select(company_reference_id="subject").unique(), on="company_reference_id", how="semi"
    )
    texts = of_matched.select(
        provider=pl.lit(REFERENCE),
        subject="company_reference_id",
        company_size=pl.coalesce(pl.col("company_size").cast(pl.String), "company_size_as_given"),
        industry="industry",
        is_listed=pl.col("is_listed").cast(pl.String),
        country="country",
        tech_stack="tech_stack",
        revenue_band="revenue_as_given",
        source="source_name",
        known_at="known_at",
        fetched_at="occurred_at",
        sequence=pl.col("is_in_force").cast(pl.Int64),
    )
    return Told(matches, _long(texts, enrichment))


def told_by_answers(
    accounts: pl.DataFrame, answers: pl.DataFrame, enrichment: Enrichment, as_of: datetime
) -> Told:
    """What the providers that are asked have told of accounts, as it was kept.

    Args:
        accounts: account_id, domain, company_key.
        answers: `providers.PROVIDER_ANSWER_COLUMNS`.
        enrichment: the policy; answers of providers that it does not name are left out.
        as_of: what is known later is left out.
    """
    factors = {each.name: each.confidence for each in enrichment.chain if each.kind != REFERENCE}
    found = answers.filter(
        pl.col("provider").is_in(list(factors)), pl.col("status") == "found", pl.col("known_at") <= as_of
    ).with_columns(subject=pl.concat_str("key_kind", pl.lit(":"), "key"))
    keys = found.select("provider", "key_kind", "key", "subject").unique()
    columns: tuple[tuple[KeyKind, str], ...] = (("domain", "domain"), ("company_name", "company_key"))
    matches = (
        pl.concat(
            [
                accounts.select("account_id", key=column)
                .drop_nulls("key")
                .join(keys.filter(pl.col("key_kind") == kind), on="key")
                .select(
                    "account_id",
                    "provider",
                    "subject",
                    matched_by="key_kind",
                    confidence=pl.lit(CONFIDENCE[kind])
                    * pl.col("provider").replace_strict(factors, default=1.0),
                )
                for kind, column in columns
            ]
        )
        .unique(["account_id", "provider"], keep="first", maintain_order=True)
        .select(pl.col(name).cast(dtype) for name, dtype in MATCH_COLUMNS.items())
        .sort("account_id", "provider")
    )
    decoded = found["answer"].str.json_decode(pl.Struct({field: pl.String() for field in ENRICHED_FIELDS}))
    texts = found.select(
        "provider",
        "subject",
        source="provider",
        known_at="known_at",
        fetched_at="asked_at",
        sequence=pl.lit(0, dtype=pl.Int64),
    ).hstack(decoded.struct.unnest())
    return Told(matches, _long(texts, enrichment))


def together(several: list[Told]) -> Told:
    """What all of them told."""
    return Told(
        pl.concat([each.matches for each in several]).sort("account_id", "provider"),
        pl.concat([each.facts for each in several]),
    )


def _long(texts: pl.DataFrame, enrichment: Enrichment) -> pl.DataFrame:
    """`TOLD_COLUMNS` of what is told in columns, backdated where the policy says so."""
    backdated = [field for field, of in FACT_FIELDS.items() if of in enrichment.backdated]
    return (
        fact_values(texts, enrichment)
        .unpivot(
            on=list(FACT_FIELDS),
            index=["provider", "subject", "source", "known_at", "fetched_at", "sequence"],
            variable_name="field",
            value_name="value",
        )
        .drop_nulls("value")
        # Where the policy backdates, all versions are known since ever, and the order in which they came decides.
        .sort("provider", "subject", "field", "known_at", "sequence", "fetched_at", "source", "value")
        .with_columns(
            sequence=pl.int_range(pl.len()),
            known_at=pl.when(pl.col("field").is_in(backdated))
            .then(pl.lit(BACKDATED_TO, dtype=_MOMENT))
            .otherwise("known_at"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in TOLD_COLUMNS.items())
    )
