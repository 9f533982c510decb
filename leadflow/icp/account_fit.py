"""How like the ideal customer every account is, 0 to 100, and why.

Belongs here: applying a profile to accounts. Does not belong here: finding it (profile.py), points by rules
(rule_fit.py).

account_fit = 100 · (1 - F(d)), where d is the account's distance to the centre of the nearest ideal segment, and F the
share of accounts at the moment of fitting that were as near or nearer (equal ones counted half). So 90 means: nearer than
90 of 100 accounts were. It falls with the distance alone, and the scale stays until segments are found anew.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from leadflow.icp.assignment import assign, parts, squared_distances
from leadflow.icp.coding import FACTS, Floats, readable_facts
from leadflow.icp.profile import Profile

_FIT_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "account_fit": pl.Float64,
    "method": pl.String,
    "segment_id": pl.String,
    "is_in_segment": pl.Boolean,
    "ideal_distance": pl.Float64,
    "known_facts": pl.Int64,
    "reason_1": pl.String,
    "reason_2": pl.String,
    "reason_3": pl.String,
    "fitted_as_of": pl.Datetime("us"),
    "known_at": pl.Datetime("us"),
}
FIT_COLUMNS = pl.Schema(_FIT_TYPES)
REASONS = 3


def closeness(distance: Floats, reference: Floats) -> Floats:
    """0 to 100, falling with the distance; `reference` are ascending quantiles of distances at even steps."""
    values, first, counts = np.unique(reference, return_index=True, return_counts=True)
    # A distance that many accounts have stands for all its quantiles: it counts half of them.
    nearer = (first + (counts - 1) / 2) / max(len(reference) - 1, 1)
    share = np.interp(distance, values, nearer, left=0.0, right=1.0)
    result: Floats = np.round(100 * (1 - share), 2)
    return result


def fit_by_segments(facts: pl.DataFrame, profile: Profile, as_of: datetime) -> pl.DataFrame:
    """FIT_COLUMNS, one row per account, by account_id.

    An account of which nothing is known that the profile uses has no fit and no segment.

    Args:
        facts: rows of icp.account_facts.
        profile: with ideal segments.
        as_of: the refresh's moment, from which the fit is known.
    """
    accounts = readable_facts(facts).sort("account_id")
    made = [_fit_part(part, profile) for part in parts(accounts)]
    table = pl.concat(made) if made else FIT_COLUMNS.to_frame()
    return table.with_columns(
        method=pl.lit("segments"), fitted_as_of=pl.lit(profile.fitted_as_of), known_at=pl.lit(as_of)
    ).select(pl.col(name).cast(dtype) for name, dtype in FIT_COLUMNS.items())


def _fit_part(accounts: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    coding, ideal = profile.coding, profile.ideal_centres
    points = coding.matrix(accounts)
    squares = squared_distances(points, ideal)
    nearest = squares.argmin(axis=1)
    distance = np.sqrt(squares.min(axis=1))
    differences = coding.parts((points - ideal[nearest]) ** 2)
    assigned = assign(accounts, coding, profile.centres, profile.radii)
    is_known = coding.is_known(accounts)
    segment = pl.Series(profile.segments["segment_id"]).gather(assigned.nearest.tolist())
    return accounts.select("account_id").with_columns(
        account_fit=_where(is_known, pl.Series(closeness(distance, profile.reference))),
        segment_id=_where(is_known, segment),
        is_in_segment=_where(is_known, pl.Series(assigned.is_within)),
        ideal_distance=_where(is_known, pl.Series(np.round(distance, 6))),
        known_facts=accounts.select(
            pl.sum_horizontal(pl.col(fact).is_not_null().cast(pl.Int64) for fact in coding.facts)
        ).to_series(),
        **_reasons(accounts, differences, profile.typical, is_known),
    )


def _where(holds: pl.Series, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(holds).then(values)).to_series()


def _reasons(
    accounts: pl.DataFrame, differences: dict[str, Floats], typical: dict[str, float], is_known: pl.Series
) -> dict[str, pl.Series]:
    """reason_1 to reason_3: the facts that take the account nearer to the ideal, or further from it, than accounts are on
    the average; the strongest first."""
    gains = np.column_stack([typical[fact] - part for fact, part in differences.items()])
    order = np.argsort(-np.abs(gains), axis=1, kind="stable")
    told = np.column_stack(
        [
            _told(accounts[fact], fact, pl.Series(gains[:, place] > 0)).to_numpy()
            for place, fact in enumerate(differences)
        ]
    )
    ranked = np.take_along_axis(told, order, axis=1)
    nothing = pl.repeat(None, accounts.height, dtype=pl.String, eager=True)
    return {
        f"reason_{place + 1}": _where(is_known, pl.Series(ranked[:, place].tolist(), dtype=pl.String))
        if place < ranked.shape[1]
        else nothing
        for place in range(REASONS)
    }


def _told(values: pl.Series, fact: str, is_nearer: pl.Series) -> pl.Series:
    """Such as 'industry is Manufacturing: closer'."""
    name = fact.removeprefix("is_").replace("_", " ")
    number = FACTS[fact] == "number"
    text = values.round(0).cast(pl.Int64, strict=False).cast(pl.String) if number else values
    unit = " employees" if fact == "company_size" else ""
    said = pl.lit("") if FACTS[fact] == "flag" else pl.lit(f"{name} is ")
    return pl.select(
        pl.when(text.is_null())
        .then(pl.lit(f"{name} is not known"))
        .otherwise(
            pl.concat_str(
                said,
                text,
                pl.lit(unit + ": "),
                pl.when(is_nearer).then(pl.lit("closer")).otherwise(pl.lit("further away")),
            )
        )
    ).to_series()
