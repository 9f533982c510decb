"""The history of scores: a row whenever a lead's tier changes or its score moves by a point, with what moved it.

Belongs here: which rows a refresh adds, and their cause. Does not belong here: the scores (scored.py), what the newest fact
about a lead is (features.lead_newest_facts), reading and writing (assets.py).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

FIRST_SCORE, MODEL, POLICY, NEW_FACT, DECAY = "first_score", "model", "policy", "new_fact", "decay"
CAUSES = (FIRST_SCORE, MODEL, POLICY, NEW_FACT, DECAY)
"""What moves a score; of several the one that comes first is the row's cause, and the others are told beside it."""

SMALLEST_MOVE = 1.0
"""Points (of 0-100) of a move that makes a row without a change of tier."""

HISTORY_SCHEMA = pl.Schema(
    [
        ("lead_id", pl.String),
        ("as_of", pl.Datetime("us")),
        ("score", pl.Float64),
        ("previous_score", pl.Float64),
        ("tier", pl.String),
        ("previous_tier", pl.String),
        ("cause", pl.String),
        ("other_causes", pl.String),
        ("policy_version", pl.String),
        ("model_version", pl.String),
    ]
)
SCORED_READ = ("lead_id", "as_of", "score", "tier", "policy_version", "model_version")
"""Columns of scoring.scored_leads that the history is made of, and of its own last rows that they are held against."""


def history_rows(
    scored: pl.DataFrame, last: pl.DataFrame, newest: pl.DataFrame, written_until: datetime | None
) -> pl.DataFrame:
    """The rows that a refresh adds: HISTORY_SCHEMA, by lead_id.

    A lead without history has its first score. Any other gets a row where its tier is not that of its last row, or its
    score is SMALLEST_MOVE or more away from it. The cause is the model where its version is another, else the policy,
    else a fact that became known after the last row; else nothing but time went by. What else was at work is in
    other_causes; that time went by is not told there.

    History is only ever added to. A refresh that looks from an earlier moment than one before adds nothing; one that
    looks from the same moment again adds leads that have no row yet, and a move is told by the next later refresh.

    Args:
        scored: SCORED_READ of every lead, all of one moment.
        last: SCORED_READ of each lead's last row of history.
        newest: lead_id, newest_known_at.
        written_until: latest moment that history was written for; None where it never was.
    """
    as_of = scored["as_of"].max()
    if not isinstance(as_of, datetime) or (written_until is not None and as_of < written_until):
        return HISTORY_SCHEMA.to_frame()
    is_first = pl.col("last_as_of").is_null()
    is_moved = (pl.col("tier") != pl.col("last_tier")) | (
        (pl.col("score") - pl.col("last_score")).abs().round(9) >= SMALLEST_MOVE
    )
    is_later = pl.lit(written_until is None or as_of > written_until)
    changed = (
        scored.select(SCORED_READ)
        .join(last.select("lead_id", pl.exclude("lead_id").name.prefix("last_")), on="lead_id", how="left")
        .filter(is_first | (is_moved & is_later))
        .join(newest.select("lead_id", "newest_known_at"), on="lead_id", how="left")
    )
    held = {
        MODEL: pl.col("model_version").ne_missing(pl.col("last_model_version")),
        POLICY: pl.col("policy_version").ne_missing(pl.col("last_policy_version")),
        NEW_FACT: (pl.col("newest_known_at") > pl.col("last_as_of")).fill_null(value=False),
    }
    found = pl.concat_list(
        pl.when(is_held).then(pl.lit(cause)) for cause, is_held in held.items()
    ).list.drop_nulls()
    return (
        changed.with_columns(found=pl.when(is_first).then([]).otherwise(found))
        .select(
            "lead_id",
            "as_of",
            "score",
            pl.col("last_score").alias("previous_score"),
            "tier",
            pl.col("last_tier").alias("previous_tier"),
            pl.when(is_first)
            .then(pl.lit(FIRST_SCORE))
            .otherwise(pl.col("found").list.first().fill_null(DECAY))
            .alias("cause"),
            pl.when(pl.col("found").list.len() > 1)
            .then(pl.col("found").list.slice(1).list.join(", "))
            .alias("other_causes"),
            "policy_version",
            "model_version",
        )
        .sort("lead_id")
        .cast(HISTORY_SCHEMA)
    )
