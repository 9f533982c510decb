"""The golden record: what is known of a lead, chosen from its records, and which record each value came from.

Belongs here: survivorship, field by field. Does not belong here: how records are ranked (golden_ranking.py), which
records are one lead, what the settings are (survivorship_policy.py).

A lead's rows depend on its own records alone, so that leads that nothing touched need not be made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from leadflow.identity.golden_ranking import Ranking, blocks_of, rank, with_order, won_by
from leadflow.survivorship_policy import GOLDEN_FIELDS, Survivorship

_TIMESTAMP = pl.Datetime("us")

LEAD_COLUMNS: dict[str, pl.DataType] = {
    "lead_id": pl.String(),
    "account_id": pl.String(),
    "full_name": pl.String(),
    "email": pl.String(),
    "phone": pl.String(),
    "wechat_id": pl.String(),
    "company_name": pl.String(),
    "title": pl.String(),
    "seniority": pl.String(),
    "job_function": pl.String(),
    "country": pl.String(),
    "channel": pl.String(),
    "campaign": pl.String(),
    "landing_page": pl.String(),
    "created_at": _TIMESTAMP,
    "record_count": pl.Int64(),
    "known_from": _TIMESTAMP,
}
PROVENANCE_COLUMNS: dict[str, pl.DataType] = {
    "lead_id": pl.String(),
    "record_key": pl.String(),
    "source_name": pl.String(),
    "known_at": _TIMESTAMP,
    "account_id_won_by": pl.String(),
    "full_name_won_by": pl.String(),
    "email_won_by": pl.String(),
    "phone_won_by": pl.String(),
    "wechat_id_won_by": pl.String(),
    "company_name_won_by": pl.String(),
    "title_won_by": pl.String(),
    "country_won_by": pl.String(),
    "first_touch_won_by": pl.String(),
}
WON_BY = ("only", "not_doubted", "most_trusted", "newest", "fullest", "record_key", "earliest")
"""Why a value won: no other record says otherwise, or by what it went before the next one; earliest is the first touch's."""

_NEEDED = (
    "record_key", "raw_table", "source_name", "occurred_at", "known_at", "contact_flags", "company_core_key",
    "seniority", "job_function",
)  # fmt: skip
_FIRST_TOUCH = ("channel", "campaign", "landing_page")


def columns_read(columns: Sequence[str]) -> list[str]:
    """Those of the records' columns that golden records are made of."""
    read = {*_NEEDED, *GOLDEN_FIELDS, *_FIRST_TOUCH, "phones"}
    return [name for name in columns if name in read]


@dataclass(frozen=True)
class GoldenRecords:
    """What is known of leads, and from where.

    Attributes:
        leads: `LEAD_COLUMNS`, one row per lead, by lead_id; address fields that the records have beside the country
            follow.
        provenance: `PROVENANCE_COLUMNS`, one row per lead and record that gave it a value, by lead_id and record_key;
            <field>_won_by, one of `WON_BY`, says why the field's value was taken from this record, and is null where it
            was not. Further address fields follow.
    """

    leads: pl.DataFrame
    provenance: pl.DataFrame


def golden_records(
    records: pl.DataFrame, identity_map: pl.DataFrame, survivorship: Survivorship | None = None
) -> GoldenRecords:
    """The golden records of the leads that the records belong to, with their provenance.

    Args:
        records: of `clean.clean_leads`, one row per record_key; of each lead all records.
        identity_map: record_key, lead_id, account_id, known_to; rows with a known_to are former memberships, which give
            nothing.
        survivorship: the policy's; its defaults unless given.

    Of each field, or block of fields, the record wins that contact checks cast no doubt on, then that of the most
    trusted source, then the newest, then the fullest, lastly the greatest record_key. Newest goes by known_at, then
    occurred_at (a file that lands makes many records known at once). Seniority and job function go with the title they
    were read from. A title that was given at another company than the one that won is not carried over: nobody is
    known to have it there. The account is that of the newest record that shows one. What brought the lead in is told by
    the earliest record alone, all three fields from the same one, also where it has none; earliest goes by occurred_at,
    then known_at, then record_key. The phone is E.164 where the record holds a valid number, else as given.
    """
    members = _members(records, identity_map)
    blocks = blocks_of(survivorship or Survivorship(), members.columns)
    members = with_order(members, blocks)
    rankings: list[Ranking] = []
    company: Ranking | None = None
    for block in blocks:  # the company's comes before the title's
        given = _at_the_company(members, company) if block.name == "title" and company else members
        rankings.append(rank(given, block))
        company = rankings[-1] if "company_name" in block.fields else company
    first_touch = _earliest(members)
    return GoldenRecords(_leads(members, rankings, first_touch), _provenance(members, rankings, first_touch))


def _members(records: pl.DataFrame, identity_map: pl.DataFrame) -> pl.DataFrame:
    """The records with their current lead and account, `row` and `lead` (numbers from 0 on, leads by lead_id)."""
    current = identity_map.filter(pl.col("known_to").is_null()).select("record_key", "lead_id", "account_id")
    leads = current.select(pl.col("lead_id").unique().sort()).with_row_index("lead")
    wechat = pl.col("wechat_id")
    names_wechat = (
        pl.col("phone").str.to_lowercase().str.contains(wechat, literal=True).fill_null(value=False)
    )
    chosen = records.select(
        *_NEEDED,
        *(
            field
            for field in (*GOLDEN_FIELDS, *_FIRST_TOUCH)
            if field in records.columns and field != "phone"
        ),
        # What is no number and holds a WeChat id is that id, and no phone.
        phone=pl.coalesce(pl.col("phones").list.first(), pl.when(~names_wechat).then("phone")),
        is_number=pl.col("phones").list.first().is_not_null(),
    )
    members = chosen.join(current.join(leads, on="lead_id", how="left"), on="record_key", how="inner")
    # Leads without a record here leave no gap: a lead's number is where its row lies.
    return members.sort("lead").with_columns(lead=pl.col("lead").rle_id()).with_row_index("row")


def _at_the_company(members: pl.DataFrame, company: Ranking) -> pl.DataFrame:
    """The members, without titles that were given at another company than the lead's."""
    won = company.winners.gather(members["lead"])
    compared = members.select(
        "title",
        key="company_core_key",
        account="account_id",
        won_key=members["company_core_key"].gather(won),
        won_account=members["account_id"].gather(won),
    )
    is_elsewhere = (pl.col("key") != pl.col("won_key")) & pl.col("account").ne_missing(pl.col("won_account"))
    title = compared.select(pl.when(~is_elsewhere.fill_null(value=False)).then("title").alias("title"))
    return members.with_columns(title.to_series())


def _earliest(members: pl.DataFrame) -> pl.Series:
    """Row of each lead's earliest record, by lead."""
    ordered = members.select("row", "lead", "occurred_at", "known_at", "record_key").sort(
        "lead", "occurred_at", "known_at", "record_key"
    )
    return ordered.unique("lead", keep="first", maintain_order=True)["row"]


def _leads(members: pl.DataFrame, rankings: list[Ranking], first_touch: pl.Series) -> pl.DataFrame:
    summary = (
        members.group_by("lead")
        .agg(
            pl.col("lead_id").first(),
            created_at=pl.col("occurred_at").min(),
            record_count=pl.len().cast(pl.Int64),
            known_from=pl.col("known_at").min(),
        )
        .sort("lead")
    )
    values = {
        field: members[field].gather(ranking.winners)
        for ranking in rankings
        for field in (*ranking.block.fields, *ranking.block.carried)
    }
    touch = {field: members[field].gather(first_touch) for field in _FIRST_TOUCH}
    more = [field for field in values if field not in LEAD_COLUMNS]
    return summary.with_columns(**values, **touch).select(*LEAD_COLUMNS, *more)


def _provenance(members: pl.DataFrame, rankings: list[Ranking], first_touch: pl.Series) -> pl.DataFrame:
    says_touch = pl.any_horizontal(pl.col(field).is_not_null() for field in _FIRST_TOUCH)
    is_first = members["row"] == first_touch.gather(members["lead"])
    told = members.select(
        "lead_id",
        "record_key",
        "source_name",
        "known_at",
        *_FIRST_TOUCH,
        *(field for ranking in rankings for field in ranking.block.fields),
        first_touch_won_by=pl.when(is_first & says_touch).then(pl.lit("earliest")),
    ).with_columns(won_by(ranking, members).alias(f"{ranking.block.name} won_by") for ranking in rankings)
    reasons = {
        f"{field}_won_by": pl.when(pl.col(field).is_not_null()).then(f"{ranking.block.name} won_by")
        for ranking in rankings
        for field in ranking.block.fields
    }
    more = [name for name in reasons if name not in PROVENANCE_COLUMNS]
    columns = (*PROVENANCE_COLUMNS, *more)
    has_given = pl.any_horizontal(pl.col(name).is_not_null() for name in columns if name.endswith("_won_by"))
    return told.with_columns(**reasons).select(columns).filter(has_given).sort("lead_id", "record_key")
