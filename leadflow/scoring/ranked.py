"""Reasons of rules and model in one ranking: what each takes from the score, and the first three of every lead.

Belongs here: effects, their order, the main reasons. Does not belong here: which of the model's reasons are told, and their
words (reasons.py), the points of rules (points.py).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from leadflow.modelling.columns import Floats
from leadflow.reasons_policy import Reasons
from leadflow.scoring.blend import Scale
from leadflow.scoring.model import TrainedModel
from leadflow.scoring.reasons import Places, group_contributions, told_groups, told_reasons
from leadflow.scoring.words import Language

SMALLEST_EFFECT = 1e-9
"""Points (of 0-100) below which a reason changed nothing."""
REASONS_SCHEMA = pl.Schema(
    [
        ("lead_id", pl.String),
        ("rank", pl.Int64),
        ("source", pl.String),
        ("name", pl.String),
        ("points", pl.Float64),
        ("contribution", pl.Float64),
        ("effect", pl.Float64),
        ("fact", pl.String),
        ("fact_date", pl.Date),
        ("reason", pl.String),
        ("reason_zh", pl.String),
    ]
)
UNRANKED_SCHEMA = pl.Schema(
    [
        ("lead", pl.Int64),
        *((name, kind) for name, kind in REASONS_SCHEMA.items() if name not in ("lead_id", "rank")),
    ]
)
"""Reasons before they are ranked: `lead` is the place of the lead among those that are scored."""


def model_reasons(
    model: TrainedModel,
    features: pl.DataFrame,
    explained: tuple[Floats, pl.DataFrame],
    scale: Scale,
    settings: Reasons,
    as_of: date,
) -> pl.DataFrame:
    """UNRANKED_SCHEMA of what the model saw; an effect is what the score would lose without that one group.

    Args:
        explained: log-odds and contributions that the model gives these features.
    """
    log_odds, contributions = explained
    grouped = group_contributions(contributions)
    told = told_groups(grouped, settings)
    of_lead = log_odds[told.lead]
    with_it, without = (scale.ml(model.calibrated(odds)) for odds in (of_lead, of_lead - told.added))
    effect = scale.weight * (with_it - without)
    return (
        told_reasons(told, grouped, features, effect, as_of, model.seen_values())
        .with_columns(source=pl.lit("model"), points=pl.lit(None, dtype=pl.Float64))
        .select(UNRANKED_SCHEMA.names())
    )


def rule_reasons(rule_scores: pl.DataFrame, rule_points: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """UNRANKED_SCHEMA of every rule that fired, what caps took, and gates that hold.

    Args:
        rule_scores: with rule_scaled, ungated and max_score.
        rule_points: POINTS_SCHEMA.
    """
    fired = rule_points.join(
        rule_scores.select("lead_id", "rule_scaled", "ungated").with_row_index("lead"),
        on="lead_id",
        how="inner",
        maintain_order="left",
    )
    without = fired["rule_score_without"].fill_null(0.0).to_numpy()
    added = (1 - scale.weight) * (fired["rule_scaled"].to_numpy() - scale.rule(without))
    taken = pl.min_horizontal("ungated", "max_score") - pl.col("ungated")
    return (
        fired.rename({"rule": "name"})
        .with_columns(
            effect=pl.when(pl.col("source") == "gate").then(taken).otherwise(pl.Series(added)),
            contribution=pl.lit(None, dtype=pl.Float64),
        )
        .select(UNRANKED_SCHEMA.names())
        .cast(UNRANKED_SCHEMA)
    )


def ranked_reasons(lead_ids: pl.Series, *parts: pl.DataFrame) -> pl.DataFrame:
    """All reasons by lead and rank: UNRANKED_SCHEMA with lead_id and rank.

    Ranked by the size of their effect; of equal ones by points, then contribution, then name.
    """
    ranked = pl.concat(parts).sort(
        "lead",
        pl.col("effect").abs().round(9),  # so that the last digits of equal effects do not decide
        pl.col("points").abs().fill_null(0.0),
        pl.col("contribution").abs().fill_null(0.0),
        "name",
        descending=[False, True, True, True, False],
    )
    lead = ranked["lead"].to_numpy()
    return ranked.with_columns(
        lead_ids.gather(lead).alias("lead_id"),
        pl.Series("rank", _place_in_run(lead) + 1, dtype=pl.Int64),
    )


def main_reasons(reasons: pl.DataFrame, leads: int, language: Language) -> list[pl.Series]:
    """The first three reasons of each lead, in columns and in the policy's language where they are told in it.

    Negative points that changed nothing, since the score is at its lower end without them, are no main reason.
    """
    is_idle = (pl.col("points").fill_null(0) < 0) & (pl.col("effect").abs() < SMALLEST_EFFECT)
    main = reasons.filter(~is_idle)
    sentence = main["reason"]
    if language == "zh":
        sentence = main.select(pl.coalesce("reason_zh", "reason")).to_series()
    lead = main["lead"].to_numpy()
    place = _place_in_run(lead)
    columns = []
    for at in range(3):
        rows = np.full(leads, -1)
        rows[lead[place == at]] = np.flatnonzero(place == at)
        chosen = pl.Series(rows).replace(-1, None)
        columns.append(sentence.gather(chosen).alias(f"top_reason_{at + 1}"))
    return columns


def _place_in_run(values: Places) -> Places:
    """How many equal values stand before each, in values whose equals stand together."""
    places = np.arange(len(values))
    begins = np.append(True, values[1:] != values[:-1])[: len(values)]
    return places - np.maximum.accumulate(np.where(begins, places, 0))
