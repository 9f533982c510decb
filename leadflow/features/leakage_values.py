"""The checks of one feature's values: how they follow the outcome, and whether it is filled because of it.

Belongs here: each feature by itself, and its findings in words. Does not belong here: what is measured
(leakage_measures.py), features against each other (leakage.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from leadflow.features.leakage_columns import CheckedColumn, Codes, Flags, Floats
from leadflow.features.leakage_measures import (
    Alone,
    OneSided,
    Outcomes,
    measure_alone,
    null_pattern_auc,
    one_sided,
)
from leadflow.features.leakage_rows import Report
from leadflow.leakage_policy import Leakage
from leadflow.modelling.splits import lead_folds

_STRATA = 10


def check_columns(
    report: Report, sample: pl.DataFrame, columns: Sequence[CheckedColumn], policy: Leakage
) -> dict[str, Alone]:
    """Values, null pattern, and being filled with the outcome; what was measured of each feature alone."""
    is_known = sample["label"].is_not_null().to_numpy()
    known = sample.filter(pl.Series(is_known))
    outcomes = Outcomes(known["label"].to_numpy(), _lead_weights(known), lead_folds(known))
    strata = _strata(known)
    overlap = _overlap(sample)
    same_time = sample.filter(pl.Series(overlap))
    weights, strata_of_same_time = _lead_weights(same_time), _strata(same_time)
    measured = {}
    for column in columns:
        own = column.take(is_known)
        alone = None if own.is_constant else measure_alone(own, outcomes)
        association = 0.0 if alone is None else alone.association
        report.add(
            column.name,
            "association",
            value=association,
            threshold=policy.association,
            is_bad=association >= policy.association,
            words="never varies"
            if alone is None
            else f"association with the outcome {association:.3f} ({alone.measure})",
        )
        if alone is not None:
            measured[column.name] = alone
            _check_emptiness(report, own, outcomes, strata, policy)
        _check_filled_with_outcome(
            report, column.take(overlap), is_known[overlap], weights, strata_of_same_time
        )
    return measured


def _check_emptiness(
    report: Report, column: CheckedColumn, outcomes: Outcomes, strata: Codes, policy: Leakage
) -> None:
    auc = null_pattern_auc(column.is_empty, outcomes)
    found: str | None = None
    for side, told in ((~column.is_empty, "filled"), (column.is_empty, "empty")):
        one = one_sided(side, outcomes.labels, outcomes.weights, strata)
        found = found or (None if one is None else _sided(one, told, "wins", "leads that were not won"))
    if found is None:
        usual = column.is_usual()
        one = one_sided(~usual, outcomes.labels, outcomes.weights, strata)
        if one is not None and one.has_wins:
            found = _sided(one, "other than its most common value", "wins", "leads that were not won")
    report.add(
        column.name,
        "null_pattern",
        value=auc,
        threshold=policy.null_pattern_auc,
        is_bad=found is not None or auc >= policy.null_pattern_auc,
        words=found or f"whether it is empty ranks leads with an AUC of {auc:.3f}",
    )


def _check_filled_with_outcome(
    report: Report, column: CheckedColumn, is_known: Flags, weights: Floats, strata: Codes
) -> None:
    """Against leads of the same time whose outcome is open: filled for none of them, or empty for them alone.

    The latter is warned of: it says when the column was filled, by the outcome at the latest, but open leads are not
    learned from; where they count as not won, the null pattern is held against that.
    """
    if is_known.all() or not is_known.any():
        return
    filled = one_sided(~column.is_empty, is_known, weights, strata)
    empty = one_sided(column.is_empty, is_known, weights, strata)
    found = None
    is_only_filled = filled is not None and filled.has_wins
    if filled is not None and filled.has_wins:
        found = _sided(filled, "filled", "leads with an outcome", "open leads of the same time")
    elif empty is not None and not empty.has_wins:
        found = _sided(empty, "empty", "leads with an outcome", "open leads of the same time")
    share = float(weights[~column.is_empty & ~is_known].sum() / weights[~is_known].sum())
    report.add(
        column.name,
        "filled_with_outcome",
        value=share,
        threshold=None,
        is_bad=found is not None,
        words=found or f"filled for {share:.1%} of the open leads of the same time",
        only_warns=not is_only_filled,
    )


def _sided(one: OneSided, told: str, yes: str, no: str) -> str:
    """Rows of one outcome alone in a sentence."""
    alone, missing = (yes, no) if one.has_wins else (no, yes)
    return (
        f"where it is {told} ({one.leads:,.0f} leads) there are {alone} alone: {one.found:,.0f} {missing}, "
        f"where {one.expected:,.0f} would be expected"
    )


def _lead_weights(rows: pl.DataFrame) -> Floats:
    return rows.select(1 / pl.len().over("lead_id")).to_series().to_numpy()


def _strata(rows: pl.DataFrame) -> Codes:
    """Ten groups of rows by moment, of about equal size; rows without a moment are a group of their own."""
    if "as_of" not in rows.columns or rows["as_of"].null_count() == rows.height:
        return np.zeros(rows.height, dtype=np.int64)
    moments = rows["as_of"].dt.epoch("us")
    ends = np.unique(np.quantile(moments.drop_nulls().to_numpy(), np.arange(1, _STRATA) / _STRATA))
    codes = np.searchsorted(ends, moments.fill_null(0).to_numpy(), side="left")
    return np.where(moments.is_null().to_numpy(), len(ends) + 1, codes).astype(np.int64)


def _overlap(sample: pl.DataFrame) -> Flags:
    """Rows of the time in which there are both leads with an outcome and open ones; all where no time is known."""
    if "as_of" not in sample.columns:
        return np.ones(sample.height, dtype=np.bool_)
    spans = [
        sample.filter(chosen)["as_of"]
        for chosen in (pl.col("label").is_null(), pl.col("label").is_not_null())
    ]
    if any(span.null_count() == len(span) for span in spans):
        return np.zeros(sample.height, dtype=np.bool_)
    starts, ends = [span.min() for span in spans], [span.max() for span in spans]
    first, last = max(starts), min(ends)  # type: ignore[type-var]
    return sample["as_of"].is_between(first, last).fill_null(False).to_numpy()
