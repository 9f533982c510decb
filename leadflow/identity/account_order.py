"""Which of several goes first: the one tie-break of accounts.

Belongs here: the order of names, domains and nodes of accounts. Does not belong here: what is chosen by it (accounts.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def first_of(frame: pl.DataFrame, of: Sequence[str], text: str) -> pl.DataFrame:
    """The one row for each `of` that goes first: most records, then known earliest, then first by alphabet.

    Args:
        frame: the columns `of`, `text`, record_count and known_from.
        of: what one row is wanted for.
        text: the column whose alphabet decides at last; unique within `of`, so that no two rows are equal.

    Used wherever accounts have to choose: the spelling of a name, the name of an account, the domain of a name, the node
    that a group is called by. Most records first, since one person's slip is outvoted; then the earliest, since it stays
    the earliest whatever comes later; the alphabet only so that the order of rows never decides.
    """
    return ranked(frame, of, text).unique(list(of), keep="first", maintain_order=True)


def ranked(frame: pl.DataFrame, of: Sequence[str], text: str) -> pl.DataFrame:
    """The rows in the order of `first_of`, those of one `of` together."""
    keys = [*of, "record_count", "known_from", text]
    return frame.sort(keys, descending=[name == "record_count" for name in keys], nulls_last=True)
