"""Features as the checks for leaks read them: what kind each is, numbers, codes of values, and where it is empty.

Belongs here: reading columns of any type. Does not belong here: what is measured of them (leakage_measures.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.errors import LeadflowError

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

BINS = 20
"""Groups of equal mass that a number's values are put in where it has more values."""
_LOOKED_AT = 200
"""Texts of a column that are tried first for being dates."""
_DATES_SHARE = 0.95
"""Share of the texts that must be dates for the column to be one of moments."""
_DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y/%m/%d",
)


@dataclass(frozen=True)
class CheckedColumn:
    """One feature.

    Attributes:
        name: as in the frame.
        kind: number (booleans too), category, or moment.
        values: of numbers and moments (seconds since 1970); NaN where empty or infinite. None of categories.
        codes: a small whole number by value, or by group of values; the highest, `empty_code`, where empty.
        empty_code: number of values or groups.
    """

    name: str
    kind: Literal["number", "category", "moment"]
    values: Floats | None
    codes: Codes
    empty_code: int

    @cached_property
    def is_empty(self) -> Flags:
        """Where there is no value."""
        return np.asarray(self.codes == self.empty_code)

    @cached_property
    def is_constant(self) -> bool:
        """Whether all rows have the same value, or none has one."""
        if not len(self.codes):
            return True
        if self.values is not None and not self.is_empty.any():
            return bool((self.values == self.values[0]).all())
        return bool((self.codes == self.codes[0]).all())

    def take(self, rows: Flags) -> CheckedColumn:
        """The same column of some of the rows."""
        values = None if self.values is None else self.values[rows]
        return CheckedColumn(self.name, self.kind, values, self.codes[rows], self.empty_code)

    def is_usual(self) -> Flags:
        """Where it has its most common value, or none: a number written in place of nothing, such as 0."""
        filled = self.codes[~self.is_empty]
        if not len(filled):
            return np.ones(len(self.codes), dtype=np.bool_)
        most_common = int(np.bincount(filled, minlength=self.empty_code).argmax())
        if self.values is None:
            return np.asarray(self.is_empty | (self.codes == most_common))
        within = self.values[self.codes == most_common]
        distinct, counts = np.unique(within, return_counts=True)
        return np.asarray(self.is_empty | (self.values == distinct[counts.argmax()]))


def read_column(frame: pl.DataFrame, name: str) -> CheckedColumn:
    """The feature in a form that can be measured.

    Raises:
        LeadflowError: there is no such column, or its values are lists or records.
    """
    if name not in frame.columns:
        raise LeadflowError(f"the examples lack the feature '{name}'", "make features.training_examples anew")
    series = frame[name]
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise LeadflowError(
            f"feature '{name}' holds {series.dtype}, which is neither a number, a text nor a moment",
            "declare each of its parts as an attribute of its own",
        )
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return _number(name, series.cast(pl.Float64))
    moments = as_moments(series)
    if moments is not None:
        return _number(name, moments.dt.epoch("us").cast(pl.Float64) / 1e6, kind="moment")
    return _category(name, series.cast(pl.String))


def as_moments(series: pl.Series) -> pl.Series | None:
    """The column as timestamps in UTC without zone; None where it holds neither dates nor texts that are dates."""
    if isinstance(series.dtype, pl.Datetime):
        utc = (
            series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            if series.dtype.time_zone
            else series
        )
        return utc.cast(pl.Datetime("us"))
    if series.dtype == pl.Date:
        return series.cast(pl.Datetime("us"))
    if series.dtype != pl.String:
        return None
    stripped = series.str.strip_chars()
    filled = stripped.filter(stripped.str.len_chars() > 0)
    first = filled.head(_LOOKED_AT)
    if not len(first) or _parsed(first).null_count() > (1 - _DATES_SHARE) * len(first):
        return None
    moments = _parsed(stripped)
    if len(moments) - moments.null_count() < _DATES_SHARE * len(filled):
        return None
    return moments


def _parsed(texts: pl.Series) -> pl.Series:
    tried = [texts.str.to_datetime(form, strict=False, time_unit="us") for form in _DATE_FORMATS]
    return pl.select(pl.coalesce(tried)).to_series()


def _number(name: str, series: pl.Series, kind: Literal["number", "moment"] = "number") -> CheckedColumn:
    values = series.fill_null(float("nan")).to_numpy()
    values = np.where(np.isfinite(values), values, np.nan)
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    # Ends of groups, of which each holds its upper end.
    ends = distinct if len(distinct) <= BINS else np.unique(np.quantile(known, np.arange(1, BINS + 1) / BINS))
    codes = np.searchsorted(ends, values).astype(np.int64)  # NaN sorts behind every number
    return CheckedColumn(name, kind, values, codes, len(ends))


def _category(name: str, series: pl.Series) -> CheckedColumn:
    stripped = series.str.strip_chars()
    ranks = stripped.set(stripped.str.len_chars() == 0, None).rank("dense")
    count = int(ranks.drop_nulls().n_unique())
    codes = (ranks.cast(pl.Int64) - 1).fill_null(count).to_numpy()
    return CheckedColumn(name, "category", None, codes, count)
