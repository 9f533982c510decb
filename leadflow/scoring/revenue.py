"""What a contract would be worth if the lead were won: predicted from the deals that were won before.

Belongs here: which deals are learned from, the prediction, and whether it beats the plain mean. Does not belong here: the
probability to win (model.py), and multiplying the two (scored.py).

Values are learned on the log scale, where they are spread evenly, and brought back by Duan's smearing estimate: the mean of the
exponentials of the residuals, which assumes no distribution (N. Duan, Smearing Estimate: A Nonparametric Retransformation
Method, Journal of the American Statistical Association 78, 1983). A prediction is used only where it beats the mean on newer
deals by the gamma deviance, which is least in expectation for the true mean (T. Gneiting, Making and Evaluating Point
Forecasts, Journal of the American Statistical Association 106, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.errors import LeadflowError
from leadflow.revenue_policy import Revenue

Floats = NDArray[np.float64]

SIZE = "company_size"
CATEGORIES = ("industry", "company_country", "revenue_band", "is_listed")
"""Firmographics that a value is predicted from: few, known early, and of the company rather than the deal."""

TEST_SHARE = 0.3  # newest deals, on which the prediction has to beat the mean
SMOOTHING_DEALS = 10.0  # deals' worth of the mean that every effect is drawn towards
LEAST_CATEGORY_DEALS = 3
OUTLIER_SCORE = 3.5
"""Modified z-score of the log value beyond which it is drawn in (B. Iglewicz, D. Hoaglin, How to Detect and Handle Outliers,
1993): of a million among ten thousands as much counts as a large deal."""


@dataclass(frozen=True)
class ValueModel:
    """Predicts the contract value of a lead, if won.

    Attributes:
        currency: of the deals and of every prediction; None where the CRM gives none.
        deals: leads won with a value in it.
        left_out: deals in other currencies, by currency.
        mean_value: of these deals, outliers drawn in.
        is_used: whether the prediction beat the mean on the newest deals; else every prediction is the mean.
        test_deals: newest deals that decided.
        gain: mean deviance by which it was better there, below 0 where worse.
        gain_error: standard error of gain; the prediction is used where gain is above it.
        log_mean: mean log value.
        smearing: Duan's factor from the log scale back.
        low, high: range of the deals' values, outliers drawn in, which no prediction leaves.
        size_mean, size_scale, size_effect: mean and standard deviation of the log of company_size + 1, and what one
            standard deviation adds to the log value.
        effects: what a category adds to the log value, by feature and category.
    """

    currency: str | None
    deals: int
    left_out: Mapping[str, int]
    mean_value: float
    is_used: bool
    test_deals: int
    gain: float
    gain_error: float
    log_mean: float
    smearing: float
    low: float
    high: float
    size_mean: float
    size_scale: float
    size_effect: float
    effects: Mapping[str, Mapping[str, float]]

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """`expected_value`, one above zero for each row of features, in `currency`; what is unknown adds nothing.

        Raises:
            LeadflowError: the features lack a column.
        """
        _refuse_lacking(features)
        if not self.is_used:
            return pl.Series("expected_value", np.full(features.height, self.mean_value))
        log = self.log_mean + self.size_effect * (_log_sizes(features) - self.size_mean) / self.size_scale
        log = np.where(np.isnan(log), self.log_mean, log)
        for feature, effects in self.effects.items():
            added = _texts(features, feature).replace_strict(
                dict(effects), default=0.0, return_dtype=pl.Float64
            )
            log = log + added.fill_null(0.0).to_numpy()
        return pl.Series("expected_value", np.clip(np.exp(log) * self.smearing, self.low, self.high))

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ValueModel:
        """What to_dict gave.

        Raises:
            LeadflowError: it is of another version, or was changed to what no deals can give.
        """
        try:
            model = cls(**stored)
            numbers = [
                model.mean_value, model.log_mean, model.smearing, model.low, model.high, model.size_mean, model.size_scale,
                model.size_effect, *(effect for effects in model.effects.values() for effect in effects.values()),
            ]  # fmt: skip
            is_sound = all(math.isfinite(number) for number in numbers) and (
                0 < model.low <= model.mean_value <= model.high
                and model.smearing > 0
                and model.size_scale > 0
            )
        except (TypeError, AttributeError) as error:
            raise LeadflowError(f"the value model cannot be read ({error})", "train it again") from None
        if not is_sound:
            raise LeadflowError("the value model holds values that no deals can give", "train it again")
        return model


def deals_by_currency(examples: pl.DataFrame) -> dict[str, int]:
    """Leads won with a value, by currency; '' where the CRM gives none. What settings.minimum_deals is held against."""
    counted = _deals(examples).group_by("won_currency").len().sort("won_currency")
    return dict(zip(counted["won_currency"].to_list(), counted["len"].to_list(), strict=True))


def fit_values(examples: pl.DataFrame, settings: Revenue, currency: str | None = None) -> ValueModel | None:
    """Learn what contracts are worth, or None where too few deals in one currency were won.

    Of each lead the last moment before it was won is learned from. The newest TEST_SHARE of the deals decide whether the
    prediction or the mean is used; then either is fitted on all of them.

    Args:
        examples: lead_id, as_of, won_value (null where not won), won_currency, SIZE and CATEGORIES; rows of
            features.training_examples, where values in other currencies were converted that the policy has a rate for.
        currency: what values are to be told in; None takes the currency of most deals.

    Raises:
        LeadflowError: the examples lack a column.
    """
    _refuse_lacking(examples, ("lead_id", "as_of", "won_value", "won_currency"))
    deals, by_currency = _deals(examples), deals_by_currency(examples)
    if currency is None:
        currency = min(by_currency, key=lambda code: (-by_currency[code], code), default="")
    deals = deals.filter(pl.col("won_currency") == currency)
    if deals.height < settings.minimum_deals:
        return None
    newest = max(1, round(deals.height * TEST_SHARE))
    earlier = deals.head(deals.height - newest)
    gains = _gains(_fit(earlier), deals.tail(newest), _drawn_in(deals["won_value"].to_numpy())[-newest:])
    gain = float(gains.mean())
    error = float(gains.std(ddof=1) / math.sqrt(newest)) if newest > 1 else math.inf
    return ValueModel(
        currency=currency or None,
        deals=deals.height,
        left_out={code: count for code, count in by_currency.items() if code != currency},
        is_used=gain > error,
        test_deals=newest,
        gain=gain,
        gain_error=error if math.isfinite(error) else 0.0,
        **_fit(deals),
    )


def _refuse_lacking(frame: pl.DataFrame, more: tuple[str, ...] = ()) -> None:
    lacking = [name for name in (*more, SIZE, *CATEGORIES) if name not in frame.columns]
    if lacking:
        raise LeadflowError(
            f"contract values cannot be predicted without {', '.join(lacking)}",
            "refresh features and scoring together",
        )


def _deals(examples: pl.DataFrame) -> pl.DataFrame:
    """One row per lead won with a value, its last moment, from the oldest to the newest."""
    return (
        examples.filter(pl.col("won_value").is_finite() & (pl.col("won_value") > 0))
        .sort("lead_id", "as_of")
        .unique("lead_id", keep="last", maintain_order=True)
        .with_columns(pl.col("won_currency").fill_null(""), pl.col("won_value").cast(pl.Float64))
        .sort("as_of", "lead_id")
    )


def _drawn_in(values: Floats) -> Floats:
    """Values whose logarithms lie within OUTLIER_SCORE robust standard deviations of the median; beyond, those bounds."""
    logs = np.log(values)
    median = np.median(logs)
    apart = np.abs(logs - median)
    # 1.4826 and 1.2533 make either a standard deviation where values are normal; half of equal values leave none apart
    spread = 1.4826 * np.median(apart) or 1.2533 * apart.mean()
    low, high = median - OUTLIER_SCORE * spread, median + OUTLIER_SCORE * spread
    # what lies within stays as it is, to the last digit
    return np.where(logs < low, np.exp(low), np.where(logs > high, np.exp(high), values))


def _log_sizes(features: pl.DataFrame) -> Floats:
    sizes = features[SIZE].cast(pl.Float64).fill_null(math.nan).to_numpy()
    with np.errstate(invalid="ignore"):
        known = np.isfinite(sizes) & (sizes >= 0)
        return np.where(known, np.log1p(np.where(known, sizes, 0.0)), math.nan)


def _texts(features: pl.DataFrame, feature: str) -> pl.Series:
    return features[feature].cast(pl.String)


def _fit(deals: pl.DataFrame) -> dict[str, Any]:
    """The numbers of a ValueModel: ridge regression of the log value, in which the mean is not drawn anywhere.

    A column is centred on the deals that have a value for it, and 0 for the others: what is unknown adds nothing.
    """
    values = _drawn_in(deals["won_value"].to_numpy())
    logs = np.log(values)
    sizes = _log_sizes(deals)
    known = sizes[~np.isnan(sizes)]
    size_mean = float(known.mean()) if known.size else 0.0
    size_scale = float(known.std()) if known.size and known.std() > 0 else 1.0
    columns = [np.where(np.isnan(sizes), 0.0, (sizes - size_mean) / size_scale)]
    names: list[tuple[str, str]] = []
    shares: list[float] = []
    for feature in CATEGORIES:
        texts = _texts(deals, feature)
        counts = texts.drop_nulls().value_counts(sort=False).filter(pl.col("count") >= LEAST_CATEGORY_DEALS)
        kept = counts[feature].sort().to_list()
        coded = texts.is_in(kept).fill_null(False).to_numpy()
        for category in kept:
            own = (texts == category).fill_null(False).to_numpy().astype(np.float64)
            share = float(own[coded].mean())
            columns.append(np.where(coded, own - share, 0.0))
            names.append((feature, category))
            shares.append(share)
    matrix = np.column_stack(columns)
    log_mean = float(logs.mean())
    gram = matrix.T @ matrix + SMOOTHING_DEALS * np.eye(matrix.shape[1])
    weights = np.linalg.solve(gram, matrix.T @ (logs - log_mean))
    effects: dict[str, dict[str, float]] = {feature: {} for feature in CATEGORIES}
    centre = dict.fromkeys(CATEGORIES, 0.0)
    for (feature, _), share, weight in zip(names, shares, weights[1:], strict=True):
        centre[feature] += share * float(weight)
    for (feature, category), weight in zip(names, weights[1:], strict=True):
        effects[feature][category] = float(weight) - centre[feature]
    return {
        "mean_value": float(np.clip(values.mean(), values.min(), values.max())),
        "log_mean": log_mean,
        "smearing": float(np.exp(logs - log_mean - matrix @ weights).mean()),
        "low": float(values.min()),
        "high": float(values.max()),
        "size_mean": size_mean,
        "size_scale": size_scale,
        "size_effect": float(weights[0]),
        "effects": effects,
    }


def _gains(fitted: Mapping[str, Any], newer: pl.DataFrame, values: Floats) -> Floats:
    """How much less gamma deviance each newer deal has from its prediction than from the mean."""
    model = ValueModel(
        currency=None, deals=0, left_out={}, is_used=True, test_deals=0, gain=0.0, gain_error=0.0, **fitted
    )
    predicted = model.predict(newer).to_numpy()
    return np.asarray(
        _deviance(values, np.full_like(values, model.mean_value)) - _deviance(values, predicted)
    )


def _deviance(values: Floats, means: Floats) -> Floats:
    ratio = values / means
    return np.asarray(2 * (ratio - 1 - np.log(ratio)))
