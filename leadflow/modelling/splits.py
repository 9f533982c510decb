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
    if settings.purge:
        is_before = pl.col("as_of") + timedelta(days=settings.horizon_days) <= test_from
    else:
        is_before = pl.col("as_of") < test_from
    return known.filter(~is_test & is_before), known.filter(is_test)


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
