"""What is to be written of a table that holds most of its rows already.

Belongs here: comparing two frames of one table. Does not belong here: writing them (tables.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_SEED = 20261124


@dataclass(frozen=True)
class Differences:
    """Rows to write.

    Attributes:
        rows: those of touched keys, as they are to be.
        touched: distinct keys of rows that came, went or changed.
    """

    rows: pl.DataFrame
    touched: pl.DataFrame


def differing(held: pl.DataFrame | None, rows: pl.DataFrame, key: Sequence[str]) -> Differences | None:
    """What has to be written for a table to hold `rows`; None where it is to be written as a whole.

    Args:
        held: its rows now; None, or without rows, where it is to be made.
        rows: as they are to be.
        key: columns of its natural key; without one it is written as a whole.

    So it is where more than half of the rows differ, or the columns do. Rows are told apart by a 64-bit hash: that one of n
    changed rows goes unnoticed has a chance of n times the table's rows in 2^64.
    """
    import polars as pl

    if held is None or held.is_empty() or not key or set(held.columns) != set(rows.columns):
        return None
    before, now = (frame.select(sorted(held.columns)).hash_rows(_SEED) for frame in (held, rows))
    new, gone = rows.filter(~now.is_in(before.implode())), held.filter(~before.is_in(now.implode()))
    touched = pl.concat([part.select(key) for part in (new, gone)]).unique()
    if 2 * touched.height > rows.height:
        return None
    return Differences(rows.join(touched, on=list(key), how="semi", nulls_equal=True), touched)


def is_in_order(rows: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether rows are in the order of their key already, which spares the engine sorting them; nulls are in none."""
    import polars as pl

    if not key or rows.height < 2:
        return True
    goes_on = pl.lit(value=True)
    for name in reversed(key):
        here, before = pl.col(name), pl.col(name).shift(1)
        goes_on = (here > before) | ((here == before) & goes_on)
    return bool(rows.lazy().select(goes_on.slice(1).fill_null(value=False).all()).collect().item())
