"""The golden record: what is known of a lead, chosen from its records.

Belongs here: survivorship, field by field. Does not belong here: which records are one lead (resolution.py).
"""

from __future__ import annotations

import polars as pl

LEAD_COLUMNS: dict[str, pl.DataType] = {
    "lead_id": pl.String(),
    "account_id": pl.String(),
    "full_name": pl.String(),
    "email": pl.String(),
    "phone": pl.String(),
    "company_name": pl.String(),
    "title": pl.String(),
    "seniority": pl.String(),
    "country": pl.String(),
    "channel": pl.String(),
    "campaign": pl.String(),
    "landing_page": pl.String(),
    "created_at": pl.Datetime("us"),
    "record_count": pl.Int64(),
    "known_from": pl.Datetime("us"),
}

_NEWEST = ("account_id", "full_name", "email", "phone", "company_name", "title", "country")
_EARLIEST = ("channel", "campaign", "landing_page")


def golden_records(records: pl.DataFrame, identity_map: pl.DataFrame) -> pl.DataFrame:
    """`LEAD_COLUMNS`, one row per lead, by lead_id.

    Args:
        records: of `clean.clean_leads`, one row per record_key.
        identity_map: `resolution.IDENTITY_MAP_COLUMNS`, every record in one lead.

    People change their job, phone and company: of these the newest record that says anything wins. What brought the
    lead in is told by the earliest record alone, all three fields from the same one, also where it has none.
    Seniority goes with the title it was read from. Newest goes by known_at, then occurred_at (a file that lands
    makes many records known at once); earliest by occurred_at, then known_at; both lastly by record_key.
    """
    members = records.join(
        identity_map.select("record_key", "lead_id", "account_id"), on="record_key", how="inner"
    )
    newest = (
        members.sort("known_at", "occurred_at", "record_key")
        .group_by("lead_id", maintain_order=True)
        .agg(
            *(pl.col(name).last(ignore_nulls=True) for name in _NEWEST),
            seniority=pl.col("seniority").filter(pl.col("title").is_not_null()).last(),
            created_at=pl.col("occurred_at").min(),
            record_count=pl.len().cast(pl.Int64),
            known_from=pl.col("known_at").min(),
        )
    )
    earliest = (
        members.sort("occurred_at", "known_at", "record_key")
        .unique("lead_id", keep="first", maintain_order=True)
        .select("lead_id", *_EARLIEST)
    )
    return newest.join(earliest, on="lead_id", how="left").select(*LEAD_COLUMNS).sort("lead_id")
