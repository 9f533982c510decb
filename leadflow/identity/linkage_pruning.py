"""Pairs that cannot reach a weight, left out before Splink copies all that is compared of them.

Belongs here: a model's weights as SQL, quick enough for pairs of which most weigh too little. Does not belong here: what a pair
weighs in the end, which is Splink's to say of those that are left (linkage.py).

Most of the time goes into edit distances of long texts. rapidfuzz counts the same ones, byte by byte as DuckDB does, in a tenth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log2
from typing import TYPE_CHECKING

from leadflow.identity.linkage_comparisons import Comparison

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from leadflow.identity.linkage import LinkageModel

_SLACK = 1e-6
"""Log2 weight by which a sum taken in another order may differ, with a wide margin."""
_DISTANCE = "leadflow_near"
_SLIPS = re.compile(r"damerau_levenshtein\((\"\w+\", \"\w+\")\) <= (\d+)")


def leave_promising(
    connection: DuckDBPyConnection,
    pairs: str,
    columns: Sequence[str],
    model: LinkageModel,
    least_weight: float,
) -> None:
    """Leave of a table of pairs (match_key, join_key_l, join_key_r) those that weigh enough.

    Args:
        connection: lent; DuckDB, with the records that a linker is lent for.
        pairs: name of the table; replaced.
        columns: of the records.
        model: frozen.
        least_weight: log2, prior included.
    """
    from leadflow.identity.linkage import RECORDS

    weights = " + ".join(_weight_sql(comparison) for comparison in model.comparisons)
    most_slips = max((int(most) for _, most in _SLIPS.findall(weights)), default=0)
    quick = _SLIPS.sub(rf"{_DISTANCE}(\1) <= \2", weights)
    compared = [name for name in columns if f"{name}_l" in weights]
    named = ", ".join(f'{side}."{name}" as "{name}_{side}"' for side in ("l", "r") for name in compared)
    prior = log2(model.prior / (1 - model.prior))
    with _distance(connection, most_slips):
        connection.execute(
            f"create or replace temp table {pairs} as select match_key, join_key_l, join_key_r from ("
            f"select pairs.*, {named} from {pairs} as pairs "
            f"inner join {RECORDS} as l on l.unique_id = pairs.join_key_l "
            f"inner join {RECORDS} as r on r.unique_id = pairs.join_key_r) "
            f"where {prior!r} + {quick} >= {least_weight - _SLACK!r}"
        )


def _weight_sql(comparison: Comparison) -> str:
    """SQL for the log2 weight that a comparison gives a pair, 0 where it is not known."""
    cases = []
    otherwise = 0.0
    for level in comparison["comparison_levels"]:
        condition = level["sql_condition"]
        is_known = not level.get("is_null_level")
        weight = log2(level["m_probability"] / level["u_probability"]) if is_known else 0.0
        if condition.strip().upper() == "ELSE":
            otherwise = weight
        else:
            cases.append(f"when {condition} then {weight!r}::double")
    return f"(case {' '.join(cases)} else {otherwise!r}::double end)"


@contextmanager
def _distance(connection: DuckDBPyConnection, most: int) -> Iterator[None]:
    """Lend the connection a function that is `damerau_levenshtein`, except that all beyond `most` are `most` + 1."""
    connection.create_function(  # type: ignore[call-overload]  # the stub knows no name of the kind, only an enum of the engine's
        _DISTANCE,
        lambda ones, others: _distances(ones, others, most),
        ["varchar", "varchar"],
        "bigint",
        type="arrow",
    )
    try:
        yield
    finally:
        connection.remove_function(_DISTANCE)


def _distances(ones: pa.ChunkedArray, others: pa.ChunkedArray, most: int) -> pa.Array:
    import pyarrow as pa
    from rapidfuzz.distance import DamerauLevenshtein
    from rapidfuzz.process import cpdist

    texts = [side.cast(pa.binary()).to_pylist() for side in (ones, others)]
    return pa.array(cpdist(*texts, scorer=DamerauLevenshtein.distance, score_cutoff=most), type=pa.int64())
