"""What the model's reasons for a score are: contributions grouped, the strongest chosen, each with its telling fact.

Belongs here: grouping, choosing, facts and their sentences, for many leads at once. Does not belong here: the words (words.py),
the reasons of rules, ranking and storing (scored.py).

Contributions are exact for any model that gives one per feature and they are added up by group, so that the baseline and all
groups of a lead make its log-odds. Sentences are made once for each value that is told and not for each lead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling.attributes import is_attribute
from leadflow.modelling.columns import Floats
from leadflow.reasons_policy import Reasons
from leadflow.scoring.words import Language, Value, feature_words

Places = NDArray[np.int64]
Booleans = NDArray[np.bool_]

SMALLEST_CONTRIBUTION = 0.05  # log-odds, about 5 % of the odds; less is not worth a sentence
NOT_SHOWN = "not shown"
UNKNOWN = "unknown"
TOLD_SCHEMA = pl.Schema(
    [
        ("lead", pl.Int64),
        ("name", pl.String),
        ("contribution", pl.Float64),
        ("effect", pl.Float64),
        ("fact", pl.String),
        ("fact_date", pl.Date),
        ("reason", pl.String),
        ("reason_zh", pl.String),
    ]
)
_LANGUAGES: Mapping[str, Language] = {"reason": "en", "reason_zh": "zh"}


@dataclass(frozen=True)
class Grouped:
    """Contributions of many leads by group.

    Attributes:
        names: of the groups, in the order in which the model first uses one of their features.
        members: for each group the places of its features among the contributions' columns.
        added: log-odds, a row per lead and a column per group; with the baseline they add up to the lead's log-odds.
        features: of the contributions' columns.
        contributions: log-odds, a row per lead and a column per feature.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    added: Floats
    features: tuple[str, ...]
    contributions: Floats


@dataclass(frozen=True)
class Told:
    """The groups that are told, each a row: of which lead, and what it added.

    Attributes:
        lead: place of the lead.
        group: place of the group in `Grouped.names`.
        added: log-odds of the group.
        feature: place of the telling feature, which weighs most in the group's direction.
    """

    lead: Places
    group: Places
    added: Floats
    feature: Places


def group_contributions(contributions: pl.DataFrame) -> Grouped:
    """Sum contributions by the groups that people know features by.

    Args:
        contributions: log-odds, a Float64 column per feature.
    """
    words = feature_words()
    members: dict[str, list[int]] = {}
    for place, feature in enumerate(contributions.columns):
        members.setdefault(words.group_of(feature), []).append(place)
    values = contributions.to_numpy() if contributions.width else np.zeros((contributions.height, 0))
    added = np.empty((len(values), len(members)))
    for group, (first, *others) in enumerate(members.values()):
        total = values[:, first]
        for place in others:
            total = total + values[:, place]
        added[:, group] = total
    places = tuple(map(tuple, members.values()))
    return Grouped(tuple(members), places, added, tuple(contributions.columns), values)


def told_groups(grouped: Grouped, settings: Reasons) -> Told:
    """The strongest groups of each lead, so many of either direction at most, those of no weight left out."""
    leads: list[Places] = []
    groups: list[Places] = []
    for sign, most in ((1, settings.positive), (-1, settings.negative)):
        left = grouped.added * sign
        every = np.arange(len(left))
        for _ in range(min(most, len(grouped.names))):
            strongest = left.argmax(axis=1)
            is_told = left[every, strongest] >= SMALLEST_CONTRIBUTION
            leads.append(every[is_told])
            groups.append(strongest[is_told])
            left[every, strongest] = -np.inf
    lead = np.concatenate([*leads, np.empty(0, dtype=np.int64)])
    group = np.concatenate([*groups, np.empty(0, dtype=np.int64)])
    added = grouped.added[lead, group]
    return Told(lead, group, added, _telling(grouped, lead, group, added))


def told_reasons(
    told: Told,
    grouped: Grouped,
    features: pl.DataFrame,
    effect: Floats,
    as_of: date,
    seen: Mapping[str, Collection[str]],
) -> pl.DataFrame:
    """What is told, in words: a row of TOLD_SCHEMA for each row of `told`, in another order.

    `lead` is the place of the lead, `name` the group. fact_date is the day of the group's newest fact, null where the group
    has no feature that tells it, or the telling fact is that there was none.

    Args:
        grouped: contributions of these features, of which `told` was chosen.
        effect: points (of 0-100) of each row of `told`.
        as_of: day that the features look from.
        seen: texts that the model knows, by categorical feature; any other is said to be new to it.
    """
    words = feature_words()
    parts = [TOLD_SCHEMA.to_frame()]
    order = np.argsort(told.feature, kind="stable")
    ends = np.flatnonzero(np.diff(told.feature[order])) + 1
    for rows in np.split(order, ends) if len(order) else ():
        feature = grouped.features[told.feature[rows[0]]]
        group, lead, added = words.group_of(feature), told.lead[rows], told.added[rows]
        values = features[feature].gather(lead)
        facts = _Facts(feature, values)
        since = words.since(group)
        dates = None
        if since is not None and since in features.columns:
            dates = facts.dates(features[since].gather(lead), as_of, is_since=since == feature)
        parts.append(
            pl.DataFrame({"lead": lead, "contribution": added, "effect": effect[rows], "fact": facts.facts()})
            .with_columns(name=pl.lit(group), fact_date=pl.lit(dates, dtype=pl.Date))
            .with_columns(facts.sentences(added > 0, seen.get(feature)))
            .select(TOLD_SCHEMA.names())
        )
    return pl.concat(parts)


class _Facts:
    """One feature of the leads that it is told of."""

    def __init__(self, feature: str, values: pl.Series) -> None:
        """Take the feature's values, of any type."""
        self.feature = feature
        self.is_shown = not is_attribute(feature)
        self.values = values
        if values.dtype.is_float():
            is_real = values.is_finite().fill_null(value=False)
            self.values = values.zip_with(is_real, pl.Series([None], dtype=values.dtype))

    def facts(self) -> pl.Series:
        """`feature = value`, as text."""
        if not self.is_shown:
            return pl.repeat(f"{self.feature} = {NOT_SHOWN}", len(self.values), eager=True)
        text = pl.col("value").cast(pl.String).fill_null(UNKNOWN)
        return (
            self.values.to_frame("value")
            .select(pl.concat_str(pl.lit(f"{self.feature} = "), text))
            .to_series()
        )

    def dates(self, days_since: pl.Series, as_of: date, *, is_since: bool) -> pl.Series:
        """The day of the newest fact, where the feature tells that there was one."""
        days = days_since.cast(pl.Int64, strict=False)
        told = pl.DataFrame({"days": days, "value": self.values})
        there_was = pl.lit(value=True) if is_since else pl.col("value") > 0
        day = pl.lit(as_of) - pl.duration(days=pl.col("days"))
        return told.select(pl.when(there_was).then(day).cast(pl.Date)).to_series()

    def sentences(self, is_raising: Booleans, seen: Collection[str] | None) -> list[pl.Series]:
        """reason and reason_zh: each sentence is made once, and given to all rows that it is true of."""

        def sentence(value: Value, is_raising: bool, language: Language) -> str:
            is_new = seen is not None and isinstance(value, str) and value not in seen
            return feature_words().reason(self.feature, value, is_raising, language, is_new=is_new)

        value = _rounded(self.values) if self.is_shown else pl.repeat(None, len(self.values), eager=True)
        keys = pl.DataFrame({"value": value, "is_raising": is_raising})
        distinct = keys.unique()
        told = distinct.with_columns(
            pl.Series(
                name,
                [sentence(each, up, language) for each, up in distinct.iter_rows()],
                dtype=pl.String,
            )
            for name, language in _LANGUAGES.items()
        )
        found = keys.join(
            told, on=["value", "is_raising"], how="left", nulls_equal=True, maintain_order="left"
        )
        return [found[name] for name in _LANGUAGES]


def _rounded(values: pl.Series) -> pl.Series:
    """Numbers with a fraction to three significant digits, above 1,000 to whole ones: what differs only beyond is one fact."""
    if not values.dtype.is_float():
        return values
    number = pl.col("number")
    rounded = pl.when(number.abs() < 1000).then(number.round_sig_figs(3)).otherwise(number.round(0))
    return values.to_frame("number").select(rounded).to_series()


def _telling(grouped: Grouped, lead: Places, group: Places, added: Floats) -> Places:
    """For each row the feature of its group that weighs most in the group's direction; of equals the model's first."""
    telling = np.empty(len(lead), dtype=np.int64)
    direction = np.sign(added)
    for place, members in enumerate(grouped.members):
        rows = np.flatnonzero(group == place)
        shares = np.column_stack(
            [grouped.contributions[lead[rows], member] * direction[rows] for member in members]
        )
        telling[rows] = np.asarray(members)[shares.argmax(axis=1)] if len(rows) else 0
    return telling
