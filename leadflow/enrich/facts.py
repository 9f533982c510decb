"""Facts about accounts over time: whose word counted when, and what is known now.

Belongs here: choosing among what providers told. Does not belong here: what they told (told.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from leadflow.enrich.told import Told
from leadflow.enrich.values import FACT_FIELDS
from leadflow.enrichment_policy import REFERENCE

if TYPE_CHECKING:
    from leadflow.enrichment_policy import Enrichment

_MOMENT = pl.Datetime("us")
BACKDATED_UNTIL = datetime(1970, 1, 1)  # noqa: DTZ001 -- instants are naive UTC throughout
"""known_at up to which a fact was declared as known since ever: 1970 by its source, 1900 by the policy."""

FACT_COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "field": pl.String(),
    "value": pl.String(),
    "source": pl.String(),
    "confidence": pl.Float64(),
    "fetched_at": _MOMENT,
    "known_from": _MOMENT,
    "known_until": _MOMENT,
    "is_backdated": pl.Boolean(),
}
"""What was known of an account's field from one moment to another."""

_TYPES: dict[str, pl.DataType] = {
    "company_size": pl.Int64(),
    "industry": pl.String(),
    "is_listed": pl.Boolean(),
    "country": pl.String(),
    "tech_stack": pl.String(),
    "uses_competitor": pl.Boolean(),
    "uses_complement": pl.Boolean(),
    "revenue_band": pl.String(),
}
FIRMOGRAPHIC_COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "matched_by": pl.String(),
    "company_reference_id": pl.String(),
    "industry_as_given": pl.String(),
    **{
        column: dtype
        for fact, fact_dtype in _TYPES.items()
        for column, dtype in {
            fact: fact_dtype,
            f"{fact}_source": pl.String(),
            f"{fact}_confidence": pl.Float64(),
            f"{fact}_fetched_at": _MOMENT,
            f"{fact}_known_at": _MOMENT,
            f"{fact}_is_backdated": pl.Boolean(),
        }.items()
    },
}
"""What is known of an account now, one row per account that a provider knows."""

_OF_FIELD = ["account_id", "field"]
_PARTS = ("source", "confidence", "fetched_at", "known_at", "is_backdated")


def firmographic_facts(told: Told, enrichment: Enrichment) -> pl.DataFrame:
    """`FACT_COLUMNS`, by account, field and known_from; of each field at most one fact at any moment, without gaps.

    From the moment on at which a provider's first word on a field is known, what providers of lower priority say of it does
    not count any more; its own later word takes the place of its former one. A provider that does not repeat a value has
    not taken it back. Facts that follow one another with the same value, source and confidence are one.
    """
    ranks = pl.DataFrame(
        [
            (field, provider, rank)
            for field, of in FACT_FIELDS.items()
            for rank, provider in enumerate(enrichment.order(of))
        ],
        schema={"field": pl.String(), "provider": pl.String(), "rank": pl.Int64()},
        orient="row",
    )
    words = (
        told.matches.select("account_id", "provider", "subject", "confidence")
        .join(told.facts, on=["provider", "subject"])
        .join(ranks, on=["field", "provider"])
    )
    # Most fields have one word of one provider, and nothing to choose: only the others are put in order.
    is_alone = words.select(pl.len().over(_OF_FIELD) == 1).to_series()
    alone, several = words.filter(is_alone), words.filter(~is_alone)
    counting = (
        several.sort(
            "account_id",
            "field",
            "known_at",
            "rank",
            "sequence",
            descending=[False, False, False, True, False],
        )
        .filter(pl.col("rank") == pl.col("rank").cum_min().over(_OF_FIELD))
        .unique([*_OF_FIELD, "known_at"], keep="last", maintain_order=True)
    )
    parts = ("value", "source", "confidence")
    is_new = pl.any_horizontal(
        pl.col(part).ne_missing(pl.col(part).shift(1).over(_OF_FIELD)) for part in parts
    )
    chosen = counting.filter(is_new).with_columns(known_until=pl.col("known_at").shift(-1).over(_OF_FIELD))
    return (
        pl.concat([alone.with_columns(known_until=pl.lit(None, dtype=_MOMENT)), chosen])
        .with_columns(known_from=pl.col("known_at"), is_backdated=pl.col("known_at") <= BACKDATED_UNTIL)
        .select(pl.col(name).cast(dtype) for name, dtype in FACT_COLUMNS.items())
        .sort(*_OF_FIELD, "known_from")
    )


def firmographics(facts: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """`FIRMOGRAPHIC_COLUMNS`, one row per account that a provider knows, by account_id.

    Args:
        facts: as `firmographic_facts` gives them, in that order.
        matches: `reference.MATCH_COLUMNS`.

    known_at of a value is when it became known, whoever said it first: a source that confirms it later changes nothing
    about that. Where no provider told a field, its columns are null.
    """
    # Facts come by account, field and moment: a value is new where the row above is of another field or value.
    is_new = pl.any_horizontal(
        pl.col(part).ne_missing(pl.col(part).shift(1)) for part in (*_OF_FIELD, "value")
    )
    now = (
        facts.with_columns(known_at=pl.when(is_new).then("known_from").forward_fill())
        .with_columns(is_backdated=pl.col("known_at") <= BACKDATED_UNTIL)
        .filter(pl.col("known_until").is_null())
    )
    is_reference = pl.col("provider") == REFERENCE
    wide = matches.group_by("account_id").agg(
        # 'domain' sorts after 'company_name', and is the stronger of the two
        matched_by=pl.col("matched_by").max(),
        company_reference_id=pl.when(is_reference).then("subject").max(),
    )
    # One join a field: aggregates that filter are computed account by account, which takes minutes.
    for field, parts in {"industry_as_given": (), **dict.fromkeys(_TYPES, _PARTS)}.items():
        of_field = now.filter(pl.col("field") == field).select(
            "account_id",
            pl.col("value").alias(field),
            *(pl.col(part).alias(f"{field}_{part}") for part in parts),
        )
        wide = wide.join(of_field, on="account_id", how="left")
    return wide.select(_typed(name, dtype) for name, dtype in FIRMOGRAPHIC_COLUMNS.items()).sort("account_id")


def coverage(table: pl.DataFrame, account_count: int) -> dict[str, float]:
    """Share of accounts whose field is known, by field."""
    return {fact: round(table[fact].count() / account_count, 4) if account_count else 0.0 for fact in _TYPES}


def _typed(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.Boolean() and name in _TYPES:
        return column == "true"
    return column.cast(dtype)
