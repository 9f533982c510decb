"""Functions on one text, brought to a whole column.

Belongs here: helpers that take a polars Series. Does not belong here: what the functions mean.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl


def map_distinct(
    texts: pl.Series, function: Callable[[str], str | bool | None], dtype: pl.DataType
) -> pl.Series:
    """`function` of every text, called once per distinct text, so that a million rows stay fast.

    Args:
        texts: String; null stays null and is not passed on.
        function: pure; equal texts must give equal results.
        dtype: of the results, String or Boolean.

    Returns a Series of the same length, order and name.
    """
    distinct = texts.drop_nulls().unique()
    results = pl.Series("result", [function(text) for text in distinct], dtype=dtype)
    lookup = pl.DataFrame({"text": distinct, "result": results})
    mapped = texts.to_frame("text").join(lookup, on="text", how="left", maintain_order="left")
    return mapped["result"].alias(texts.name)
