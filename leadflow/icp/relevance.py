"""How much a fact about accounts has to do with whether they are won.

Belongs here: the measure, and which facts cannot be used. Does not belong here: turning facts into coordinates
(coding.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

_BINS = 5
_LEAST_KNOWN_SHARE = 0.2
"""Of won accounts, below which a fact is not used: most would lie where the average account lies."""
_MOST_KNOWN_GAP = 0.5
"""By which a fact may be known more often of won accounts than of others: beyond it, it was looked up since they won."""


def reason_to_leave_out(values: pl.Series, is_won: pl.Series) -> str | None:
    """Why a fact cannot tell accounts apart, in words, or None.

    Args:
        values: the fact by account, null where it is not known.
        is_won: whether the account was won; never null.
    """
    if not is_won.any():
        return "no account was won"
    is_known = values.is_not_null()
    of_won, of_others = _share(is_known, is_won), _share(is_known, ~is_won)
    if of_won < _LEAST_KNOWN_SHARE:
        return f"known of {of_won:.0%} of the won accounts only"
    if not is_won.all() and of_won - of_others > _MOST_KNOWN_GAP:
        return f"known of {of_won:.0%} of the won accounts and {of_others:.0%} of the others: written after they were won"
    if values.drop_nulls().n_unique() < 2:
        return "the same wherever it is known"
    return None


def _share(holds: pl.Series, among: pl.Series) -> float:
    count = int(among.sum())
    return float((holds & among).sum()) / count if count else 0.0


def association(values: pl.Series, is_won: pl.Series) -> float:
    """Cramér's V of a fact and being won, 0 (nothing to do with each other) to 1, among accounts whose fact is known.

    Numbers are cut into fifths first. Chance is taken off by Bergsma's correction (A bias-correction for Cramér's V and
    Tschuprow's T, 2013), so that a fact with many values does not seem to tell more than one with few.
    """
    frame = pl.DataFrame({"value": values, "is_won": is_won}).drop_nulls()
    if frame.height < 2:
        return 0.0
    if frame["value"].dtype.is_numeric():
        edges = np.unique(np.quantile(frame["value"].to_numpy(), np.arange(1, _BINS) / _BINS))
        frame = frame.with_columns(value=pl.Series(np.searchsorted(edges, frame["value"].to_numpy())))
    counts = frame.group_by("value").agg(all=pl.len(), won=pl.col("is_won").sum()).sort("value")
    total, won = float(frame.height), float(counts["won"].sum())
    if counts.height < 2 or won in (0.0, total):
        return 0.0
    expected = counts["all"].to_numpy() * (won / total)
    chi_square = float((((counts["won"].to_numpy() - expected) ** 2) / (expected * (1 - won / total))).sum())
    rows, columns = float(counts.height), 2.0
    corrected = max(0.0, chi_square / total - (rows - 1) * (columns - 1) / (total - 1))
    rows, columns = (size - (size - 1) ** 2 / (total - 1) for size in (rows, columns))
    least = min(rows, columns) - 1
    return float(np.sqrt(corrected / least)) if least > 0 else 0.0
