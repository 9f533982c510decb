"""Reasons of the model once more, lead by lead and as plainly as can be: what scoring/reasons.py is held against."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import polars as pl

from leadflow.modelling.attributes import is_attribute
from leadflow.reasons_policy import Reasons
from leadflow.scoring.reasons import SMALLEST_CONTRIBUTION
from leadflow.scoring.words import feature_words


def naive_reasons(
    features: pl.DataFrame, contributions: pl.DataFrame, settings: Reasons, as_of: date
) -> list[list[dict[str, Any]]]:
    """By lead, in the order of the features: name, contribution, fact, fact_date, reason, reason_zh; raising ones first."""
    told = []
    for row, shares in zip(features.iter_rows(named=True), contributions.iter_rows(named=True), strict=True):
        groups: dict[str, list[str]] = {}
        for feature in contributions.columns:
            groups.setdefault(feature_words().group_of(feature), []).append(feature)
        sums = {group: sum(shares[feature] for feature in members) for group, members in groups.items()}
        lead = []
        for sign, most in ((1, settings.positive), (-1, settings.negative)):
            strongest = sorted(sums, key=lambda group: -sign * sums[group])[:most]
            lead += [
                _reason(group, groups[group], sums[group], row, shares, as_of)
                for group in strongest
                if sign * sums[group] >= SMALLEST_CONTRIBUTION
            ]
        told.append(lead)
    return told


def _reason(
    group: str, members: list[str], added: float, row: dict[str, Any], shares: dict[str, float], as_of: date
) -> dict[str, Any]:
    sign = 1 if added > 0 else -1
    feature = max(members, key=lambda member: sign * shares[member])
    value = row[feature]
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    shown = value
    if isinstance(value, float):
        shown = float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
    words = feature_words()
    if is_attribute(feature):
        fact = f"{feature} = not shown"
    elif value is None:
        fact = f"{feature} = unknown"
    else:
        fact = f"{feature} = {str(value).lower() if isinstance(value, bool) else value}"
    since = words.since(group)
    days = row.get(since) if since else None
    there_was = days is not None and (since == feature or (value is not None and value > 0))
    return {
        "name": group,
        "contribution": added,
        "fact": fact,
        "fact_date": as_of - timedelta(days=days) if there_was and days is not None else None,
        "reason": words.reason(feature, shown, added > 0, "en"),
        "reason_zh": words.reason(feature, shown, added > 0, "zh"),
    }
