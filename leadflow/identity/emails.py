"""Whose an e-mail address is, for facts that name nothing else.

Belongs here: one lead per address. Does not belong here: matching records by address (match_rules.py).
"""

from __future__ import annotations

import polars as pl

LEAD_EMAIL_COLUMNS: dict[str, pl.DataType] = {
    "email": pl.String(),
    "lead_id": pl.String(),
    "record_key": pl.String(),
    "known_from": pl.Datetime("us"),
}


def lead_emails(clean: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """`LEAD_EMAIL_COLUMNS`, one row per address, by address.

    Args:
        clean: record_key, email, is_role_mail, known_at of clean.clean_leads.
        current: record_key, lead_id, known_from of the memberships in force.

    An address is the lead's whose record gave it first, so that who comes later takes nothing away. A function's address
    (info@) is nobody's.
    """
    given = clean.filter(pl.col("email").is_not_null() & ~pl.col("is_role_mail").fill_null(value=False))
    return (
        given.select("record_key", "email", "known_at")
        .join(current.select("record_key", "lead_id", "known_from"), on="record_key", how="inner")
        .sort("email", "known_at", "record_key")
        .unique("email", keep="first", maintain_order=True)
        .select(*LEAD_EMAIL_COLUMNS)
    )
