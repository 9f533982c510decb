"""Functions on one text, brought to a whole column.

Belongs here: helpers that take a polars Series. Does not belong here: what the functions mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

_TEXT = "leadflow_text"
"""Name that no result column has."""


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
    mapped = map_distinct_columns(texts, lambda text: (function(text),), {"result": dtype})
    return mapped["result"].alias(texts.name)


def map_distinct_columns(
    texts: pl.Series, function: Callable[[str], Sequence[object]], columns: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Several results of every text, one column each; `function` is called once per distinct text.

    Args:
        texts: String; null stays null in every column and is not passed on.
        function: pure; gives one value a column, in their order.
        columns: types of the results by name.

    Returns a frame of the same length and order.
    """
    distinct = texts.drop_nulls().unique()
    results = [function(text) for text in distinct]
    lookup = pl.DataFrame(
        {
            _TEXT: distinct,
            **{
                name: pl.Series([result[at] for result in results], dtype=dtype)
                for at, (name, dtype) in enumerate(columns.items())
            },
        }
    )
    return texts.to_frame(_TEXT).join(lookup, on=_TEXT, how="left", maintain_order="left").drop(_TEXT)


def where(condition: pl.Series, values: pl.Series) -> pl.Series:
    """The values where the condition holds, else null; under the values' name."""
    return pl.select(pl.when(condition).then(values)).to_series().alias(values.name)
