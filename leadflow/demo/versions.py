"""How the CRM's and the billing system's rows came to stand as they do: the versions before, and rows that are gone.

Belongs here: earlier versions of changed rows, deletions, and rows that came back. Does not belong here: in which file a
version is delivered (deliveries.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import SECONDS_PER_DAY, Ints, instants
from leadflow.demo.files import CSV_INSTANT

IS_DELETED = "Is Deleted"
GONE_SHARE = 0.01
"""Rows on top that were made by mistake and deleted; as many more are deleted and restored."""


@dataclass(frozen=True)
class Changing:
    """A table whose rows change, as its file names things.

    Attributes:
        key: column with the key; made_at, changed_at: columns with the first and the last moment of a row.
        first: what a row's first version has in place of its last, null for nothing yet.
        middle: the same for a version between the two, which some rows have.
        owner: column with the rep, who is another at first in some rows.
        can_go: rows of it get deleted.
    """

    key: str
    made_at: str
    changed_at: str
    first: dict[str, str | None]
    middle: dict[str, str | None] | None = None
    owner: str | None = None
    can_go: bool = False


_UNJUDGED = dict.fromkeys(
    (
        *("Accepted", "Rejected", "Disqualified Because", "Intent", "Budget", "Budget Amount", "Currency"),
        *("Authority", "Need", "Timeline", "Decision Process"),
    )
)
_UNCLOSED = dict.fromkeys(("Loss Reason", "Accepted", "Rejected", "Close Date"))
CHANGING = {
    "sql_leads": Changing(
        key="Lead Id",
        made_at="Created Date",
        changed_at="Last Modified",
        first={**_UNJUDGED, "Lead Status": "Open", "Stage": "New"},
        middle={**_UNJUDGED, "Lead Status": "Working", "Stage": "New"},
        owner="Lead Owner",
        can_go=True,
    ),
    "opportunities": Changing(
        key="Opportunity Id",
        made_at="Created Date",
        changed_at="Last Modified",
        first={**_UNCLOSED, "Stage": "Discovery"},
        middle={**_UNCLOSED, "Stage": "Proposal"},
        owner="Opportunity Owner",
        can_go=True,
    ),
    "product_accounts": Changing(
        key="Account No",
        made_at="Started",
        changed_at="Updated",
        first={
            **dict.fromkeys(("Renewal State", "Renewed", "Churned", "NPS", "NPS Answered")),
            "Open Tickets": "0",
        },
    ),
}


def versions_of(rng: np.random.Generator, last: pl.DataFrame, table: Changing, end: int) -> pl.DataFrame:
    """Every version of every row, by key and moment; those of rows that are gone among them.

    Args:
        rng: of this step.
        last: the rows as they stand at the end, all columns as text.
        table: what changes.
        end: seconds since 1970; no version is later.

    Returns: the columns of `last` and Is Deleted ("true" or "false"), and for the truth known_at (UTC), version (from 1)
        and is_final. The final version of a row that is not gone is its row of `last`.
    """
    count = last.height
    made_at, changed_at = _seconds(last[table.made_at]), _seconds(last[table.changed_at])
    has_changed = changed_at > made_at
    final = last.with_columns(pl.lit("false").alias(IS_DELETED), known_at=instants(changed_at))
    parts = [
        final,
        _version(final, table, table.first, made_at, has_changed, _other_owners(rng, last, table)),
    ]
    if table.middle is not None:
        between = made_at + ((changed_at - made_at) * rng.uniform(0.2, 0.6, count)).astype(np.int64)
        is_there = (rng.random(count) < 0.5) & (between > made_at) & (between < changed_at)
        parts.append(_version(final, table, table.middle, between, is_there))
    if table.can_go:
        gone = np.flatnonzero((rng.random(count) < GONE_SHARE) & (made_at < end - 2 * SECONDS_PER_DAY))
        parts += _mistakes(rng, final[gone.tolist()], table, made_at[gone], end)
        late = made_at + ((changed_at - made_at) * 0.9).astype(np.int64)
        is_restored = (rng.random(count) < GONE_SHARE) & (late > made_at + 10) & (late < changed_at)
        lost = _version(final, table, table.middle or table.first, late, is_restored)
        parts.append(lost.with_columns(pl.lit("true").alias(IS_DELETED)))
    return (
        pl.concat(parts)
        # Two versions of one moment could not be told apart: of such, the one that is nearer to the last stays.
        .unique([table.key, "known_at"], keep="first", maintain_order=True)
        .sort(table.key, "known_at")
        .with_columns(
            version=pl.col("known_at").cum_count().over(table.key),
            is_final=pl.col("known_at") == pl.col("known_at").max().over(table.key),
        )
    )


def _version(
    final: pl.DataFrame,
    table: Changing,
    values: dict[str, str | None],
    at: Ints,
    is_there: np.typing.NDArray[np.bool_],
    owner: pl.Series | None = None,
) -> pl.DataFrame:
    """The rows for which `is_there`, with other values, as of other moments."""
    moments = instants(at)
    changed = final.with_columns(
        *(pl.lit(value, dtype=pl.String).alias(column) for column, value in values.items()),
        moments.dt.strftime(CSV_INSTANT).alias(table.changed_at),
        moments.alias("known_at"),
    )
    if owner is not None and table.owner is not None:
        changed = changed.with_columns(owner.alias(table.owner))
    return changed.filter(pl.Series(is_there))


def _mistakes(
    rng: np.random.Generator, like: pl.DataFrame, table: Changing, made_at: Ints, end: int
) -> list[pl.DataFrame]:
    """Rows like some others under keys of their own: made, and deleted up to `end`."""
    everywhere = np.ones(like.height, dtype=np.bool_)
    deleted_at = made_at + 1 + (rng.random(like.height) * (end - made_at - 1)).astype(np.int64)
    own = like.with_columns(pl.col(table.key) + "X")
    gone = _version(own, table, table.first, deleted_at, everywhere)
    return [
        _version(own, table, table.first, made_at, everywhere),
        gone.with_columns(pl.lit("true").alias(IS_DELETED)),
    ]


def _other_owners(rng: np.random.Generator, last: pl.DataFrame, table: Changing) -> pl.Series | None:
    """The rep at first: for a quarter of the rows another than at last."""
    if table.owner is None:
        return None
    other = pl.Series(w.REPS).gather(rng.integers(0, len(w.REPS), last.height))
    is_other = pl.Series(rng.random(last.height) < 0.25)
    return pl.select(pl.when(is_other).then(other).otherwise(last[table.owner])).to_series()


def _seconds(column: pl.Series) -> Ints:
    return column.str.to_datetime(CSV_INSTANT).dt.epoch("s").to_numpy()
