"""What the model saw in a lead, in words for a salesperson.

Belongs here: sentences about one feature's contribution. Does not belong here: which contributions are told
(scored.py); rules bring their own sentences (policy.yaml).
"""

from __future__ import annotations

import re

import polars as pl

from leadflow.modelling.attributes import is_attribute

LONGEST_IDENTIFIER = 16  # characters; a longer single word is a technical id, whose beginning is enough


def feature_label(feature: str) -> str:
    """A feature's name in words: `pricing_page_views_30d` is "Pricing page views in 30 days"."""
    words = re.sub(r"_ever$", "", feature)
    words = re.sub(r"_(\d+)d$", r" in \1 days", words)
    words = re.sub(r"^(is|has)_", "", words)
    words = re.sub(r"_id$", "", words).replace("_", " ")
    return words[:1].upper() + words[1:]


def contribution_reason(feature: str, dtype: pl.DataType, contribution: pl.Expr) -> pl.Expr:
    """A sentence for each row about what the feature adds to the chance of winning.

    A category is said to win more or less often than average; for numbers the direction in which it moves the chance is
    told.

    Args:
        feature: read from the frame.
        dtype: type of the feature in the frame.
        contribution: log-odds that the feature adds.
    """
    label = feature_label(feature)
    value = pl.col(feature)
    if is_attribute(feature):
        # What a company keeps in columns of its own may be personal: the value stays out of what is published.
        towards = pl.when(contribution > 0).then(pl.lit("raises")).otherwise(pl.lit("lowers"))
        return pl.concat_str(pl.lit(f"{label} "), towards, pl.lit(" the chance of winning"))
    if dtype == pl.String:
        effect = (
            pl.when(contribution > 0)
            .then(pl.lit("wins more often than average"))
            .otherwise(pl.lit("wins less often than average"))
        )
        known = pl.concat_str(pl.lit(f"{label} "), _short(value.cast(pl.String)), pl.lit(" "), effect)
        unknown = pl.concat_str(pl.lit(f"{label} unknown: "), effect)
    else:
        effect = (
            pl.when(contribution > 0)
            .then(pl.lit("raises the chance of winning"))
            .otherwise(pl.lit("lowers the chance of winning"))
        )
        if dtype == pl.Boolean:
            shown = pl.when(value).then(pl.lit("yes")).otherwise(pl.lit("no"))
        elif dtype.is_float():
            shown = value.round(2).cast(pl.String).str.strip_suffix(".0")
        else:
            shown = _short(value.cast(pl.String))
        known = pl.concat_str(pl.lit(f"{label}: "), shown, pl.lit(", which "), effect)
        unknown = pl.concat_str(pl.lit(f"{label}: unknown, which "), effect)
    return pl.when(is_known(feature, dtype)).then(known).otherwise(unknown)


def is_known(feature: str, dtype: pl.DataType) -> pl.Expr:
    """Whether the feature has a real value: not null, nor NaN or infinite."""
    value = pl.col(feature)
    return value.is_not_null() & value.is_finite() if dtype.is_float() else value.is_not_null()


def _short(value: pl.Expr) -> pl.Expr:
    is_identifier = (value.str.len_chars() > LONGEST_IDENTIFIER) & ~value.str.contains(r"[\s/._-]")
    return pl.when(is_identifier).then(pl.concat_str(value.str.slice(0, 8), pl.lit("…"))).otherwise(value)
