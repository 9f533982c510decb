"""Who owns a lead or an account, as the CRM says.

Belongs here: whose word on an owner counts. Does not belong here: what follows for a duplicate (duplicate_actions.py),
handing out leads that nobody owns.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

_TIMESTAMP = pl.Datetime("us")

OWNERSHIP_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "owner": pl.String(),
    "said_by": pl.String(),
    "known_at": _TIMESTAMP,
    "occurred_at": _TIMESTAMP,
}


def ownership_facts(
    crm_leads: pl.DataFrame, opportunities: pl.DataFrame, reps: pl.DataFrame, as_of: datetime
) -> pl.DataFrame:
    """`OWNERSHIP_COLUMNS`, one row per CRM row that names an owner, by record_key and said_by.

    Args:
        crm_leads: of `staging.stg_sql_leads`: sql_lead_id, owner, known_at, occurred_at.
        opportunities: of `staging.stg_opportunities`: opportunity_id, sql_lead_id, mql_id, owner, known_at, occurred_at.
        reps: of `staging.stg_sales_reps`: rep_id, is_active, known_at.
        as_of: what became known later is not looked at.

    An opportunity speaks for the CRM lead that it names, or else for the form. A rep who is no longer active owns
    nothing; one whom no table of reps knows does.
    """
    of_leads = crm_leads.select(
        "owner",
        "known_at",
        "occurred_at",
        record_key="sql_leads:" + pl.col("sql_lead_id"),
        said_by="sql_leads:" + pl.col("sql_lead_id"),
    )
    of_opportunities = opportunities.select(
        "owner",
        "known_at",
        "occurred_at",
        record_key=pl.coalesce("sql_leads:" + pl.col("sql_lead_id"), "mql:" + pl.col("mql_id")),
        said_by="opportunities:" + pl.col("opportunity_id"),
    )
    gone = reps.filter(~pl.col("is_active") & (pl.col("known_at") <= as_of)).select(owner="rep_id")
    return (
        pl.concat(
            each.select(pl.col(name).cast(dtype) for name, dtype in OWNERSHIP_COLUMNS.items())
            for each in (of_leads, of_opportunities)
        )
        .drop_nulls(["owner", "record_key"])
        .filter(pl.col("known_at") <= as_of)
        .join(gone, on="owner", how="anti")
        .sort("record_key", "said_by")
    )


def owners_by(facts: pl.DataFrame, group: str, part: str) -> pl.DataFrame:
    """The owner of each group: group, owner and the part that says so, and other_owner, whom the other parts say.

    Args:
        facts: `OWNERSHIP_COLUMNS` with the columns group and part.
        group: what is owned, such as lead_id; nulls are left out.
        part: what a group is made of, such as record_key.

    The newest fact counts: by known_at, then occurred_at, then said_by.
    """
    newest_of_part = (
        facts.drop_nulls([group, part])
        .sort("known_at", "occurred_at", "said_by", descending=True)
        .unique([group, part], keep="first", maintain_order=True)
    )
    return newest_of_part.group_by(group, maintain_order=True).agg(
        pl.col("owner").first(),
        pl.col(part).first(),
        other_owner=pl.col("owner").slice(1, 1).first(),
    )
