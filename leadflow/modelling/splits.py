"""Which labelled rows a model is fitted on and which it is measured on; one lead is never on both sides.

Belongs here: splits forward in time and into folds. Does not belong here: fitting (fit.py) and measuring (evaluate.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.policy import Training

FOLDS = 5
"""Folds that cross-fitted figures are made in, scikit-learn's default."""


def settled(examples: pl.DataFrame, settings: Training) -> pl.DataFrame:
    """Examples whose label is known, from the first day on that the policy learns from; in their order."""
    known = examples.filter(pl.col("label").is_not_null())
    return known if settings.from_date is None else known.filter(pl.col("as_of") >= settings.from_date)


def split_forward(known: pl.DataFrame, settings: Training) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows to fit on and rows to measure on: whole leads, the newest by first moment to the latter.

    What a lead of the first part was at or after the first moment of the second is in neither. Leads of one moment
    stay together.

    Args:
        known: lead_id, as_of, and any other columns; at least one row.
    """
    first = known.group_by("lead_id").agg(pl.col("as_of").min().alias("first_at")).sort("first_at", "lead_id")
    position = first.height - max(1, round(first.height * settings.test_share))
    test_from: datetime = first["first_at"][position]
    newest = first.filter(pl.col("first_at") >= test_from)["lead_id"].implode()
    is_test = pl.col("lead_id").is_in(newest)
    return known.filter(~is_test & _is_before(test_from, settings)), known.filter(is_test)


SLICES = 3
"""Slices that candidates compete on."""
_SLICES_FROM = 0.4
"""Share of leads that come before the first slice: the first model has to learn from something."""


def forward_slices(
    known: pl.DataFrame, settings: Training, count: int = SLICES
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Earlier rows to fit on and the later rows of a slice to measure on, for each of `count` slices, oldest first.

    Slices follow each other in time and hold about as many leads each, whole, by first moment; leads of one moment stay
    together. A slice is left out where it, or what comes before it, has no win or nothing but wins.

    Args:
        known: lead_id, as_of, label without nulls, and any other columns.
    """
    first = known.group_by("lead_id").agg(pl.col("as_of").min().alias("first_at")).sort("first_at", "lead_id")
    shares = np.linspace(_SLICES_FROM, 1.0, count + 1)
    edges = [first["first_at"][min(round(share * first.height), first.height - 1)] for share in shares[:-1]]
    known = known.join(first, on="lead_id", how="left", maintain_order="left")
    slices = []
    for edge, until in zip(edges, [*edges[1:], None], strict=True):
        is_later = pl.col("first_at") >= edge
        is_later = is_later if until is None else is_later & (pl.col("first_at") < until)
        is_before = _is_before(edge, settings) & (pl.col("first_at") < edge)
        earlier, later = (known.filter(part).drop("first_at") for part in (is_before, is_later))
        if earlier["label"].n_unique() == 2 and later["label"].n_unique() == 2:
            slices.append((earlier, later))
    return slices


def _is_before(moment: datetime, settings: Training) -> pl.Expr:
    """Rows that look from before the moment; with purge, whose label was settled by then."""
    if settings.purge:
        return pl.col("as_of") + timedelta(days=settings.horizon_days) <= moment
    return pl.col("as_of") < moment


def lead_folds(known: pl.DataFrame, folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold of each row: whole leads, dealt out in turn, winners and others apart, so that every fold has both.

    Args:
        known: lead_id and label, without nulls.
    """
    leads = known.group_by("lead_id").agg(pl.col("label").any()).sort("label", "lead_id")
    leads = leads.with_columns(fold=pl.int_range(pl.len(), dtype=pl.Int64) % folds)
    return (
        known.select("lead_id")
        .join(leads, on="lead_id", how="left", maintain_order="left")["fold"]
        .to_numpy()
    )


def sampled_leads(frame: pl.DataFrame, most_rows: int) -> pl.DataFrame:
    """The rows of so many leads as make about most_rows: every n-th by first moment, so evenly over time."""
    if frame.height <= most_rows:
        return frame
    order = ["first_at", "lead_id"] if "as_of" in frame.columns else ["lead_id"]
    moment = pl.col("as_of").min() if "as_of" in frame.columns else pl.len()
    leads = frame.group_by("lead_id").agg(moment.alias("first_at")).sort(order)
    kept = max(1, round(leads.height * most_rows / frame.height))
    rows = np.unique(np.linspace(0, leads.height - 1, kept).astype(np.int64))
    return frame.filter(pl.col("lead_id").is_in(leads["lead_id"].gather(rows).implode()))
