"""The ideal customer profile: segments of won accounts, what they bring, and which of them are the ideal customer.

Belongs here: from facts about accounts to segments with their figures. Does not belong here: how like a segment one
account is (account_fit.py).

Groups among won accounts alone always won, so a segment is measured on all accounts that lie within its radius, won or
not. Nothing is used that became so after the moment the profile is fitted at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
import polars as pl

from leadflow.icp.assignment import Assignment, assign, parts, squared_distances
from leadflow.icp.coding import AccountCoding, Floats, fit_coding, readable_facts
from leadflow.icp.naming import Trait, names, traits
from leadflow.icp.segments import Grouping, find_segments
from leadflow.icp_policy import IdealCustomer

_SEGMENT_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "segment_id": pl.String,
    "segment_name": pl.String,
    "sets_apart": pl.String,
    "is_icp": pl.Boolean,
    "account_count": pl.Int64,
    "won_account_count": pl.Int64,
    "win_rate": pl.Float64,
    "base_win_rate": pl.Float64,
    "lift": pl.Float64,
    "lift_low": pl.Float64,
    "lift_high": pl.Float64,
    "won_share": pl.Float64,
    "average_contract_value": pl.Float64,
    "contract_currency": pl.String,
    "valued_account_count": pl.Int64,
    "median_cycle_days": pl.Float64,
    "cycle_account_count": pl.Int64,
    "fitted_as_of": pl.Datetime("us"),
}
SEGMENT_COLUMNS = pl.Schema(_SEGMENT_TYPES)
_QUANTILES = 1_001


@dataclass(frozen=True)
class Profile:
    """The ideal customer as found at one moment.

    Attributes:
        method: segments, or rules where they cannot be had.
        reason: in a sentence, what was found, or why rules are used.
        fitted_as_of: the moment; nothing later was used.
        segments: SEGMENT_COLUMNS, by lift, the highest first; empty where none were looked for.
        coding: how facts become coordinates; left_out tells what is not used.
        grouping: how the segments were found; None where none were looked for.
        centres, radii, is_icp: by row of segments.
        reference: quantiles of the distances to the nearest ideal segment, of all accounts at the moment.
        typical: each fact's part of the squared distance, on the average of these accounts.
    """

    method: Literal["segments", "rules"]
    reason: str
    fitted_as_of: datetime
    segments: pl.DataFrame
    coding: AccountCoding
    grouping: Grouping | None
    centres: Floats
    radii: Floats
    is_icp: np.ndarray[tuple[int], np.dtype[np.bool_]]
    reference: Floats
    typical: dict[str, float]

    @property
    def ideal_centres(self) -> Floats:
        """Centres of the segments that are the ideal customer."""
        ideal: Floats = self.centres[self.is_icp]
        return ideal


def fit_moment(as_of: datetime, refit: str) -> datetime:
    """The last midnight, Monday or first of a month (UTC) at or before as_of, or as_of itself for 'refresh'."""
    if refit == "refresh":
        return as_of
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    if refit == "week":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if refit == "month" else midnight


def wilson(wins: int, count: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share (Probable inference, 1927); 0 to 1 where nothing was counted."""
    if count == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, square = wins / count, z * z / count
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * sqrt(share * (1 - share) / count + square / (4 * count))
    # Beside nothing and all a last digit would stand where the interval ends at 0 or 1.
    return (
        0.0 if wins == 0 else max(0.0, middle - half),
        1.0 if wins == count else min(1.0, middle + half),
    )


def find_profile(facts: pl.DataFrame, policy: IdealCustomer, as_of: datetime) -> Profile:
    """The ideal customer among accounts.

    Args:
        facts: rows of icp.account_facts.
        policy: numbers and seed.
        as_of: the refresh's moment; the profile is fitted at `fit_moment` of it.
    """
    moment = fit_moment(as_of, policy.refit)
    accounts = readable_facts(facts.filter(pl.col("known_from") <= moment)).sort("account_id")
    is_won = (accounts["won_at"] <= moment).fill_null(value=False)
    coding = fit_coding(accounts, is_won)
    is_known = coding.is_known(accounts)
    known, is_won_known = accounts.filter(is_known), is_won.filter(is_known)
    won = known.filter(is_won_known)
    if won.height < policy.minimum_won_accounts:
        return _by_rules(_too_few(is_won, won, policy), moment, coding)
    grouping = find_segments(coding.matrix(won), policy)
    assigned = assign(known, coding, grouping.centres, grouping.radii)
    segments, order = _segment_rows(known, is_won_known, assigned, coding, policy, moment)
    centres, radii, is_icp = grouping.centres[order], grouping.radii[order], segments["is_icp"].to_numpy()
    reference: Floats = np.zeros(0)
    typical: dict[str, float] = {}
    if is_icp.any():
        reference, typical = _reference(known, coding, centres[is_icp])
    return Profile(
        method="segments" if is_icp.any() else "rules",
        reason=_found(segments, won.height),
        fitted_as_of=moment,
        segments=segments,
        coding=coding,
        grouping=grouping,
        centres=centres,
        radii=radii,
        is_icp=is_icp,
        reference=reference,
        typical=typical,
    )


def _by_rules(reason: str, moment: datetime, coding: AccountCoding) -> Profile:
    empty = np.zeros(0)
    return Profile(
        method="rules",
        reason=reason,
        fitted_as_of=moment,
        segments=SEGMENT_COLUMNS.to_frame(),
        coding=coding,
        grouping=None,
        centres=np.zeros((0, 0)),
        radii=empty,
        is_icp=np.zeros(0, dtype=bool),
        reference=empty,
        typical={},
    )


def _too_few(is_won: pl.Series, won: pl.DataFrame, policy: IdealCustomer) -> str:
    return (
        f"{int(is_won.sum()):,} of {is_won.len():,} accounts were won, and of {won.height:,} of them something is known that "
        f"can be used; segments need {policy.minimum_won_accounts:,}, so the rules are used"
    )


def _found(segments: pl.DataFrame, won: int) -> str:
    ideal = segments.filter("is_icp")
    if ideal.is_empty():
        return (
            f"no kind of account among {won:,} won ones wins more often than all accounts do, as far as so many can tell, "
            "so the rules are used"
        )
    return f"{ideal.height} of {segments.height} segments of {won:,} won accounts win more often than all accounts do"


def _segment_rows(
    accounts: pl.DataFrame,
    is_won: pl.Series,
    assigned: Assignment,
    coding: AccountCoding,
    policy: IdealCustomer,
    moment: datetime,
) -> tuple[pl.DataFrame, list[int]]:
    """SEGMENT_COLUMNS by lift, and which group each row is."""
    base = float(is_won.sum()) / is_won.len()
    groups = np.unique(assigned.nearest)
    rows: list[dict[str, object]] = []
    found: list[list[Trait]] = []
    # Several segments are looked at, so each interval is the wider (Bonferroni).
    confidence = 1 - (1 - policy.confidence) / len(groups)
    for group in groups:
        is_inside = pl.Series((assigned.nearest == group) & assigned.is_within)
        inside = accounts.filter(is_inside)
        won = accounts.filter(is_inside & is_won)
        low, high = wilson(won.height, inside.height, confidence)
        rate = won.height / inside.height if inside.height else 0.0
        found.append(traits(inside, accounts.filter(~is_inside), coding.facts))
        rows.append(
            {
                "is_icp": won.height >= policy.minimum_segment_accounts and low > base,
                "account_count": inside.height,
                "won_account_count": won.height,
                "win_rate": round(rate, 6),
                "base_win_rate": round(base, 6),
                "lift": round(rate / base, 4),
                "lift_low": round(low / base, 4),
                "lift_high": round(high / base, 4),
                "won_share": round(won.height / int(is_won.sum()), 6),
                **_money(won),
                **_cycle(won),
                "fitted_as_of": moment,
            }
        )
    order = sorted(range(len(groups)), key=lambda place: (-float(str(rows[place]["lift"])), place))
    titles = names([found[place] for place in order])
    table = pl.DataFrame(
        [
            {
                "segment_id": f"S{rank}",
                "segment_name": title,
                "sets_apart": "; ".join(trait.told for trait in found[place]) or None,
                **rows[place],
            }
            for rank, (place, title) in enumerate(zip(order, titles, strict=True), start=1)
        ],
        schema=SEGMENT_COLUMNS,
    )
    return table, [int(groups[place]) for place in order]


def _money(won: pl.DataFrame) -> dict[str, object]:
    """Average contract value in the currency that most of the accounts have; values in others are left out."""
    valued = won.filter(pl.col("contract_value").is_finite() & (pl.col("contract_value") > 0))
    if valued.is_empty():
        return {"average_contract_value": None, "contract_currency": None, "valued_account_count": 0}
    counts = (
        valued["contract_currency"]
        .value_counts()
        .sort(["count", "contract_currency"], descending=[True, False])
    )
    currency = counts["contract_currency"][0]
    values = valued.filter(pl.col("contract_currency").eq_missing(pl.lit(currency)))["contract_value"]
    return {
        "average_contract_value": round(float(np.mean(values.to_numpy())), 2),
        "contract_currency": currency,
        "valued_account_count": values.len(),
    }


def _cycle(won: pl.DataFrame) -> dict[str, object]:
    days = won["cycle_days"].drop_nulls().to_numpy()
    return {
        "median_cycle_days": round(float(np.median(days)), 2) if len(days) else None,
        "cycle_account_count": len(days),
    }


def _reference(
    accounts: pl.DataFrame, coding: AccountCoding, ideal: Floats
) -> tuple[Floats, dict[str, float]]:
    distances: list[Floats] = []
    sums = dict.fromkeys(coding.facts, 0.0)
    for part in parts(accounts):
        points = coding.matrix(part)
        squares = squared_distances(points, ideal)
        distances.append(np.sqrt(squares.min(axis=1)))
        for fact, values in coding.parts((points - ideal[squares.argmin(axis=1)]) ** 2).items():
            sums[fact] += float(values.sum())
    quantiles: Floats = np.quantile(np.concatenate(distances), np.linspace(0, 1, _QUANTILES))
    return quantiles, {fact: total / accounts.height for fact, total in sums.items()}


def in_words(profile: Profile) -> Sequence[str]:
    """What a person should know of how the segments were found, a sentence each."""
    said = [profile.reason[:1].upper() + profile.reason[1:] + "."]
    weights = ", ".join(f"{fact} {value:.2f}" for fact, value in profile.coding.associations.items())
    if weights:
        said.append(f"How much each fact has to do with being won (Cramér's V, 0 to 1): {weights}.")
    said += [f"{fact} is not used: {why}." for fact, why in profile.coding.left_out.items()]
    if profile.grouping is not None:
        chosen = profile.grouping.chosen
        if chosen is None:
            said.append(
                "No number of groups was found again in resampled accounts: the won accounts are one group."
            )
        else:
            merged = profile.grouping.merged
            small = f", {merged} of them too small and merged" if merged else ""
            said.append(
                f"{chosen.k} groups{small}: silhouette {chosen.silhouette:.2f}, stability {chosen.stability:.2f} "
                "(adjusted Rand index of resampled accounts)."
            )
    return said
