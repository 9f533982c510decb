"""Accounts and the segments they are near to.

Belongs here: distances to centres, in parts of bounded size. Does not belong here: what a distance is worth
(account_fit.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.icp.coding import AccountCoding, Floats
from leadflow.icp.segments import Labels

ROWS_AT_A_TIME = 50_000
"""Accounts whose coordinates are held in memory at a time: 25 MB at sixty columns."""


@dataclass(frozen=True)
class Assignment:
    """Where accounts lie.

    Attributes:
        nearest: index of the nearest centre; distance: to it.
        is_within: whether that is within the centre's radius.
    """

    nearest: Labels
    distance: Floats
    is_within: np.ndarray[tuple[int], np.dtype[np.bool_]]


def parts(accounts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The accounts in order, some at a time."""
    yield from accounts.iter_slices(ROWS_AT_A_TIME)


def assign(accounts: pl.DataFrame, coding: AccountCoding, centres: Floats, radii: Floats) -> Assignment:
    """The nearest of the centres for each account, of `readable_facts`; a tie goes to the first."""
    nearest, distance = [], []
    for part in parts(accounts):
        squares = squared_distances(coding.matrix(part), centres)
        nearest.append(squares.argmin(axis=1))
        distance.append(np.sqrt(squares.min(axis=1)))
    index = np.concatenate(nearest) if nearest else np.zeros(0, dtype=np.int64)
    apart = np.concatenate(distance) if distance else np.zeros(0)
    # A last digit may differ between one order of sums and another.
    return Assignment(index, apart, apart <= radii[index] * (1 + 1e-9) if len(index) else np.zeros(0, bool))


def squared_distances(points: Floats, centres: Floats) -> Floats:
    """One row per point, one column per centre."""
    return np.column_stack([((points - centre) ** 2).sum(axis=1) for centre in centres])
