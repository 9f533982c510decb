"""When facts were known: what is later than the moment it is used at, and what was written once the outcome was there.

Belongs here: comparisons of moments. Does not belong here: how closely values follow the outcome
(leakage_measures.py), verdicts (leakage.py).
"""

from __future__ import annotations

import polars as pl

FACTS = pl.Schema(
    [
        ("account_id", pl.String),
        ("feature", pl.String),
        ("known_at", pl.Datetime("us")),
        ("is_backdated", pl.Boolean),
    ]
)
"""When facts about accounts became known."""
MANY_AFTER = 0.95
"""Share of closed leads whose value came at or after the close, from which on a column is written after the outcome."""
LEAST_LEADS = 20
"""Closed leads with a value below which that share says nothing."""


def later_rows(moments: pl.Series, as_of: pl.Series) -> int:
    """Rows whose moment is later than their as_of; by whole days where either has no clock times."""
    pairs = pl.DataFrame({"moment": moments.cast(pl.Datetime("us")), "as_of": as_of.cast(pl.Datetime("us"))})
    pairs = pairs.drop_nulls()
    if any((pairs[name] == pairs[name].dt.truncate("1d")).all() for name in pairs.columns):
        pairs = pairs.with_columns(pl.all().dt.truncate("1d"))
    return int((pairs["moment"] > pairs["as_of"]).sum())


def known_too_late(examples: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Examples that hold a value before it was known, and those that hold one that was declared backdated.

    Args:
        examples: account_id, as_of, and the features that `facts` tells of; rows are left out where a column
            NAME_is_imputed or is_NAME_imputed says that the value is none that was ever known.
        facts: rows of FACTS: account, feature, when a value became known, and whether that was declared earlier than
            it was.

    Returns:
        feature, examples (with a value), late (of them, with none known by as_of), backdated (of them, with one that was
        backdated); sorted by feature.
    """
    found = []
    for feature in facts["feature"].unique().sort():
        if feature not in examples.columns:
            continue
        own = facts.filter(pl.col("feature") == feature)
        first = own.group_by("account_id").agg(
            pl.col("known_at").min(), pl.col("is_backdated").sort_by("known_at").first()
        )
        imputed = [f"{feature}_is_imputed", f"is_{feature}_imputed"]
        is_given = [~pl.col(name).fill_null(False) for name in imputed if name in examples.columns]
        filled = examples.filter(pl.col(feature).is_not_null(), *is_given).select("account_id", "as_of")
        filled = filled.join(first, on="account_id", how="left")
        is_late = pl.col("known_at").is_null() | (pl.col("known_at") > pl.col("as_of"))
        found.append(
            {
                "feature": feature,
                "examples": filled.height,
                "late": filled.filter(is_late).height,
                "backdated": filled.filter(~is_late, "is_backdated").height,
            }
        )
    schema = {"feature": pl.String, "examples": pl.Int64, "late": pl.Int64, "backdated": pl.Int64}
    return pl.DataFrame(found, schema=schema)


def written_after_outcome(values: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """How many closed leads got their value of a feature only when, or after, they were closed.

    Leads that were closed before the feature's first value became known are not counted: when a source is first
    loaded, all its values become known at once, and when they were written is not known.

    Args:
        values: lead_id, feature, known_at: when each value became known.
        closed: lead_id, closed_at.

    Returns:
        feature, leads (closed, with a value), after (of them, with none before the close); sorted by feature.
    """
    first = values.group_by("feature", "lead_id").agg(pl.col("known_at").min())
    since = first.group_by("feature").agg(pl.col("known_at").min().alias("since"))
    return (
        first.join(closed.drop_nulls("closed_at"), on="lead_id", how="inner")
        .join(since, on="feature", how="inner")
        .filter(pl.col("closed_at") > pl.col("since"))
        .group_by("feature")
        .agg(
            leads=pl.len().cast(pl.Int64),
            after=(pl.col("known_at") >= pl.col("closed_at")).sum().cast(pl.Int64),
        )
        .sort("feature")
    )
