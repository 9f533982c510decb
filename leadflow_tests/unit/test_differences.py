"""What is written of a table that holds most of its rows: enough to make it what it is to be, and no more."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.warehouse.differences import differing, is_in_order

_SCHEMA = {"key": pl.String, "part": pl.Int64, "told": pl.List(pl.String)}
_HELD = [
    ("a", 1, ["x"]),
    ("a", 2, None),
    ("b", 1, []),
    ("c", 1, ["x", "y"]),
    ("d", 1, [None]),
    ("e", None, None),
]


def _rows(*rows: tuple[str, int | None, list[str] | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("now", "touched"),
    [
        (_HELD, []),
        (_HELD[:-1], [("e", None)]),
        ([*_HELD, ("f", 1, ["z"])], [("f", 1)]),
        ([("a", 1, ["other"]), *_HELD[1:]], [("a", 1)]),
        ([*_HELD[:5], ("e", None, [])], [("e", None)]),
    ],
)
def test_only_what_differs_is_written(
    now: list[tuple[str, int | None, list[str] | None]], touched: list[tuple[str, int | None]]
) -> None:
    found = differing(_rows(*_HELD), _rows(*now).select("told", "key", "part"), ["key", "part"])
    assert found is not None
    assert found.touched.rows() == touched
    kept = _rows(*_HELD).join(found.touched, on=["key", "part"], how="anti", nulls_equal=True)
    written = pl.concat([kept, found.rows.select(kept.columns)])
    assert_frame_equal(written, _rows(*now), check_row_order=False)


@pytest.mark.parametrize(
    ("held", "now", "key"),
    [
        (None, _rows(*_HELD), ["key"]),
        (_rows(), _rows(*_HELD), ["key"]),
        (_rows(*_HELD), _rows(*_HELD), []),
        (_rows(*_HELD).drop("told"), _rows(*_HELD), ["key"]),
        (_rows(*_HELD), _rows(("x", 1, None), ("y", 1, None)), ["key"]),
    ],
)
def test_a_table_that_is_mostly_another_is_written_whole(
    held: pl.DataFrame | None, now: pl.DataFrame, key: list[str]
) -> None:
    assert differing(held, now, key) is None


@pytest.mark.parametrize(
    ("rows", "key", "is_ordered"),
    [
        ([], ["key"], True),
        ([("b", 1), ("a", 1)], [], True),
        ([("a", 2), ("a", 10), ("b", 1)], ["key", "part"], True),
        ([("a", 2), ("a", 1)], ["key", "part"], False),
        ([("b", 1), ("a", 2)], ["key", "part"], False),
        ([("Z", 1), ("a", 1), ("é", 1), ("王", 1)], ["key"], True),  # by bytes, as DuckDB has it
        ([("a", 1), (None, 1)], ["key"], False),
    ],
)
def test_rows_in_order(rows: list[tuple[str | None, int]], key: list[str], is_ordered: bool) -> None:
    frame = pl.DataFrame(rows, schema={"key": pl.String, "part": pl.Int64}, orient="row")
    assert is_in_order(frame, key) is is_ordered
