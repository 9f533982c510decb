"""Features as columns of a linear model: what is fitted on training rows, and the same transform at scoring.

Belongs here: making numbers of features, and what each adds to the log-odds. Does not belong here: choosing rows (splits.py),
fitting the weights (fit.py), measuring (evaluate.py), reading declared attributes (attributes.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.errors import LeadflowError

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class FeatureSpec:
    """The features a model may use: numeric ones (booleans too) and categorical ones."""

    numeric: list[str]
    categorical: list[str]

    def __post_init__(self) -> None:
        """Refuse a feature that is listed twice."""
        names = [*self.numeric, *self.categorical]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise LeadflowError(
                f"features are listed twice: {', '.join(twice)}", "list each once, numeric or categorical"
            )


@dataclass(frozen=True)
class NumericColumn:
    """A number, as log(1 + x) where it was never negative in training, kept within its range of training.

    Attributes:
        low, high: range in training; values beyond are taken as its ends, so that no outlier runs away.
        fill: median in training, for what is unknown; missing_weight is what being unknown adds on top.
        weight: log-odds per unit of the transformed value; centre and missing_centre: means in training.
    """

    feature: str
    is_log: bool
    low: float
    high: float
    fill: float
    centre: float
    missing_centre: float
    weight: float = 0.0
    missing_weight: float = 0.0

    def parts(self, features: pl.DataFrame) -> list[Floats]:
        """The transformed value, and 1 where it is unknown."""
        return self.parts_of(numbers(features, self.feature))

    def parts_of(self, values: Floats) -> list[Floats]:
        """`parts` of the feature's numbers."""
        is_missing = np.isnan(values)
        values = np.clip(np.where(is_missing, self.fill, values), self.low, self.high)
        return [np.log1p(values) if self.is_log else values, is_missing.astype(np.float64)]

    def contribution(self, features: pl.DataFrame) -> Floats:
        """Log-odds that the feature adds, against the average training row."""
        value, is_missing = self.parts(features)
        return self.weight * (value - self.centre) + self.missing_weight * (is_missing - self.missing_centre)


@dataclass(frozen=True)
class CategoricalColumn:
    """A category, as the log-odds of its smoothed win rate in training.

    Attributes:
        rates: smoothed win rate by category; null_rate that of rows without one, where training had any.
        prior: win rate of all, for categories that training did not have.
        weight: log-odds per log-odds of the rate; centre: mean of the transformed value in training.
    """

    feature: str
    rates: Mapping[str, float]
    null_rate: float | None
    prior: float
    centre: float
    weight: float = 0.0

    def parts(self, features: pl.DataFrame) -> list[Floats]:
        """The log-odds of each row's category."""
        values = texts(features, self.feature)
        null_rate = self.prior if self.null_rate is None else self.null_rate
        known = pl.DataFrame(
            {"value": list(self.rates), "rate": list(self.rates.values())},
            schema={"value": pl.String, "rate": pl.Float64},
        )
        rates = values.to_frame("value").join(known, on="value", how="left", maintain_order="left")["rate"]
        filled = np.where(values.is_null().to_numpy(), null_rate, rates.fill_null(self.prior).to_numpy())
        return [log_odds(filled)]

    def contribution(self, features: pl.DataFrame) -> Floats:
        """Log-odds that the feature adds, against the average training row."""
        return self.weight * (self.parts(features)[0] - self.centre)


@dataclass(frozen=True)
class OneHotColumn:
    """A category, as one indicator for each of its common values, for being unknown, and for any other value.

    Attributes:
        values: the common values in training, in order.
        weights: log-odds of each, then of unknown, then of any other; empty before the fit.
        centres: shares of the training rows that have each of them.
    """

    feature: str
    values: tuple[str, ...]
    centres: tuple[float, ...]
    weights: tuple[float, ...] = ()

    def codes(self, features: pl.DataFrame) -> Codes:
        """Position of each row's indicator."""
        values = texts(features, self.feature)
        known = pl.DataFrame(
            {"value": list(self.values), "code": range(len(self.values))},
            schema={"value": pl.String, "code": pl.Int64},
        )
        codes = values.to_frame("value").join(known, on="value", how="left", maintain_order="left")["code"]
        other = (
            pl.Series(values.is_null())
            .cast(pl.Int64)
            .replace_strict({1: len(self.values), 0: len(self.values) + 1})
        )
        return codes.fill_null(other).to_numpy()

    def parts(self, features: pl.DataFrame) -> list[Floats]:
        """1 where the row has the value, 0 elsewhere, one array for each indicator."""
        codes = self.codes(features)
        return [(codes == code).astype(np.float64) for code in range(len(self.values) + 2)]

    def contribution(self, features: pl.DataFrame) -> Floats:
        """Log-odds that the feature adds, against the average training row."""
        weights = np.asarray(self.weights)
        return weights[self.codes(features)] - float(weights @ np.asarray(self.centres))


Column = NumericColumn | CategoricalColumn | OneHotColumn
Encoding = Literal["rates", "one_hot"]
"""How categories become numbers: by their smoothed win rates, or by an indicator for each common one."""

MOST_VALUES = 20
"""Values of a feature that get an indicator of their own."""
LEAST_LEADS = 5
"""Leads that a value needs for it; in one-hot encoders of notebooks a common `min_frequency`."""


def log_odds(rates: Floats) -> Floats:
    """log(p / (1 - p)), with p kept off 0 and 1 by 1e-12."""
    kept_off = np.clip(rates, 1e-12, 1 - 1e-12)
    return np.log(kept_off) - np.log1p(-kept_off)


def numbers(features: pl.DataFrame, name: str) -> Floats:
    """A numeric or boolean feature; NaN where it is null, not a number or infinite.

    Raises:
        LeadflowError: the feature is missing, or is neither.
    """
    series = _series(features, name)
    if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise LeadflowError(
            f"feature '{name}' is {series.dtype}, not a number", "list it as categorical, or leave it out"
        )
    values = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def texts(features: pl.DataFrame, name: str) -> pl.Series:
    """A categorical feature as text."""
    return _series(features, name).cast(pl.String)


def _series(features: pl.DataFrame, name: str) -> pl.Series:
    if name not in features.columns:
        raise LeadflowError(
            f"the features lack column '{name}'", "make the features anew, or train the model anew"
        )
    return features[name]


def fit_numeric(features: pl.DataFrame, name: str) -> tuple[NumericColumn, Floats] | None:
    """The column fitted on training rows, and its fit-time values (rows, 2); None where it never varies."""
    values = numbers(features, name)
    known = values[~np.isnan(values)]
    if not len(known) or (len(known) == len(values) and known.min() == known.max()):
        return None
    low, high = float(known.min()), float(known.max())
    draft = NumericColumn(name, low >= 0, low, high, float(np.median(known)), centre=0.0, missing_centre=0.0)
    parts = np.column_stack(draft.parts_of(values))
    centre, missing_centre = (significant(float(mean)) for mean in parts.mean(axis=0))
    return NumericColumn(name, low >= 0, low, high, draft.fill, centre, missing_centre), parts


def fit_categorical(
    features: pl.DataFrame,
    name: str,
    labels: Floats,
    row_weights: Floats,
    folds: Codes,
    smoothing: float | Literal["auto"],
) -> tuple[CategoricalColumn, Floats] | None:
    """The column fitted on training rows, and its fit-time values (rows, 1); None where it never varies.

    The fit-time values are cross-fitted: each row's rate comes from the folds that it is not in. Otherwise a rare
    category would tell the regression its own outcome.

    Args:
        row_weights: 1 / number of the lead's rows, so that a rate counts leads and not moments.
        folds: fold of each row; rows of one lead share one.
    """
    values = texts(features, name)
    categories = values.unique().sort(nulls_last=True)
    if len(categories) < 2:
        return None
    lookup = categories.to_frame("value").with_row_index("code")
    codes = (
        values.to_frame("value")
        .join(lookup, on="value", how="left", nulls_equal=True, maintain_order="left")["code"]
        .cast(pl.Int64)
        .to_numpy()
    )
    out_of_fold = np.empty(len(codes))
    for fold in np.unique(folds):
        rest, here = folds != fold, folds == fold
        rates, _ = smoothed_rates(codes[rest], labels[rest], row_weights[rest], len(categories), smoothing)
        out_of_fold[here] = rates[codes[here]]
    rates, prior = smoothed_rates(codes, labels, row_weights, len(categories), smoothing)
    named = zip(categories.to_list(), (significant(rate) for rate in rates.tolist()), strict=True)
    by_name = dict(named)
    null_rate = by_name.pop(None, None)
    centre = significant(float(log_odds(rates)[codes].mean()))
    column = CategoricalColumn(name, by_name, null_rate, significant(prior), centre)
    return column, log_odds(out_of_fold).reshape(-1, 1)


def fit_one_hot(features: pl.DataFrame, name: str, row_weights: Floats) -> tuple[OneHotColumn, Floats] | None:
    """The column fitted on training rows, and its indicators there (rows, values + 2); None where it never varies."""
    values = texts(features, name)
    if values.n_unique() < 2:
        return None
    counted = (
        pl.DataFrame({"value": values, "leads": row_weights})
        .drop_nulls("value")
        .group_by("value")
        .agg(pl.col("leads").sum().round(6))
        .filter(pl.col("leads") >= LEAST_LEADS)
        .sort("leads", "value", descending=[True, False])
        .head(MOST_VALUES)
    )
    draft = OneHotColumn(name, tuple(sorted(counted["value"])), ())
    parts = np.column_stack(draft.parts(features))
    return replace(draft, centres=tuple(significant(share) for share in parts.mean(axis=0).tolist())), parts


def smoothed_rates(
    codes: Codes, labels: Floats, row_weights: Floats, count: int, smoothing: float | Literal["auto"]
) -> tuple[Floats, float]:
    """Win rate by category, drawn towards the rate of all as if `smoothing` more leads had been average.

    With 'auto' the smoothing is p(1-p) / t, where t is the variance of the true rates between categories, estimated
    by moments (DerSimonian and Laird 1986). scikit-learn's TargetEncoder is not used: its 'auto' takes the spread
    within each category, which is zero for a category seen once, and so hardly draws rare categories in at all.

    Returns:
        Rates (count,), the prior for categories without rows; and the prior.
    """
    sizes = np.bincount(codes, weights=row_weights, minlength=count)
    wins = np.bincount(codes, weights=row_weights * labels, minlength=count)
    total = sizes.sum()
    prior = float((wins.sum() + 0.5) / (total + 1))  # half a win and half a loss keep it off 0 and 1
    if smoothing == "auto":
        within = prior * (1 - prior)
        seen = sizes > 0
        spread = (sizes[seen] * (wins[seen] / sizes[seen] - prior) ** 2).sum()
        between = (spread - (seen.sum() - 1) * within) / max(total - (sizes**2).sum() / total, 1e-12)
        added = within / max(between, 1e-9)
    else:
        added = smoothing
    return (wins + added * prior) / (sizes + added), prior


def significant(value: float, digits: int = 10) -> float:
    """The value to so many significant digits: the last ones may differ between machines, a model should not."""
    return float(f"{value:.{digits}g}")


_KINDS: dict[str, type[Column]] = {
    "numeric": NumericColumn,
    "categorical": CategoricalColumn,
    "one_hot": OneHotColumn,
}


def column_to_dict(column: Column) -> dict[str, Any]:
    """The column as plain values, with its kind."""
    kind = next(kind for kind, made in _KINDS.items() if isinstance(column, made))
    return {"kind": kind, **asdict(column)}


def column_from_dict(content: dict[str, Any]) -> Column:
    """The column that `column_to_dict` wrote."""
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in content.items()
        if key != "kind"
    }
    return _KINDS[content["kind"]](**fields)
