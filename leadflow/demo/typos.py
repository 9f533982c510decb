"""Slips of the finger: one wrong letter in a text.

Belongs here: how a text comes to differ from what was meant by one keystroke. Does not belong here: which texts do.
"""

from __future__ import annotations

import polars as pl

from leadflow.demo.columns import Floats, frame
from leadflow.demo.mess_words import HOMOPHONES


def misspelt(text: pl.Series, where: Floats) -> pl.Series:
    """The texts with two neighbouring letters swapped, or one left out or doubled.

    `where` (0 to 1, one per text) decides on the place and the kind, so that equal arguments give equal slips. The first
    letter stays, and a text of fewer than three letters as it is. What would stay equal by swapping is doubled.
    """
    columns = frame({"text": text, "where": where}).with_columns(size=pl.col("text").str.len_chars())
    place = 1 + (pl.col("where") * (pl.col("size").cast(pl.Int64) - 2)).cast(pl.Int64)
    parts = columns.with_columns(place=place, kind=(pl.col("where") * 997.0).cast(pl.Int64) % 3).with_columns(
        head=pl.col("text").str.slice(0, pl.col("place")),
        one=pl.col("text").str.slice(pl.col("place"), 1),
        two=pl.col("text").str.slice(pl.col("place") + 1, 1),
        tail=pl.col("text").str.slice(pl.col("place") + 2),
    )
    doubled = pl.format("{}{}{}{}{}", "head", "one", "one", "two", "tail")
    slip = (
        pl.when(pl.col("size") < 3)
        .then("text")
        .when((pl.col("kind") == 0) & (pl.col("one") != pl.col("two")))
        .then(pl.format("{}{}{}{}", "head", "two", "one", "tail"))
        .when(pl.col("kind") == 1)
        .then(pl.format("{}{}{}", "head", "two", "tail"))
        .otherwise(doubled)
    )
    return parts.select(slip).to_series()


def misheard(text: pl.Series) -> pl.Series:
    """Chinese texts with the characters that an input method offers in their place; the first character stays."""
    columns = frame({"text": text})
    swapped = pl.col("text").str.slice(1).str.replace_many(list(HOMOPHONES), list(HOMOPHONES.values()))
    return columns.select(pl.col("text").str.head(1) + swapped).to_series()
