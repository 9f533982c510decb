"""Which company a lead record belongs to.

Belongs here: accounts as the records themselves show them. Does not belong here: facts about the company (enrich/).
"""

from __future__ import annotations

from hashlib import sha256

import polars as pl

ACCOUNT_COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "account_key": pl.String(),
    "domain": pl.String(),
    "company_key": pl.String(),
    "company_name": pl.String(),
    "known_from": pl.Datetime("us"),
    "lead_record_count": pl.Int64(),
}

_DOMAIN = "domain:"
_COMPANY = "company:"


def account_keys(records: pl.DataFrame) -> pl.DataFrame:
    """The account of each record: record_key, account_id, account_key; both null where no company shows.

    Args:
        records: record_key, email_domain, is_free_mail, is_disposable_mail, company_key, known_at.

    The account key is the mail domain, unless mailboxes there are free or thrown away; else the company key. A
    record with a company key alone joins the domain that was known first for this company key (of several at once, the
    first by alphabet), where it was known by then, so that 'Acme' typed beside a personal address is not a second
    account. Free mail never stands for a company. What becomes known later never moves a record: its features as of a
    past moment hang on its account.
    """
    own_domain = pl.when(~pl.col("is_free_mail") & ~pl.col("is_disposable_mail")).then("email_domain")
    keyed = records.select("record_key", "company_key", "known_at", domain=own_domain)
    domain_of_company = (
        keyed.drop_nulls(["company_key", "domain"])
        .sort("company_key", "known_at", "domain")
        .unique("company_key", keep="first", maintain_order=True)
        .select("company_key", company_domain="domain", domain_known_at="known_at")
    )
    is_known_by_then = pl.col("domain_known_at") <= pl.col("known_at")
    account_key = pl.coalesce(
        _DOMAIN + pl.col("domain"),
        pl.when(is_known_by_then).then(_DOMAIN + pl.col("company_domain")),
        _COMPANY + pl.col("company_key"),
    )
    with_key = keyed.join(domain_of_company, on="company_key", how="left").with_columns(
        account_key=account_key
    )
    ids = with_key.select("account_key").drop_nulls().unique().sort("account_key")
    ids = ids.with_columns(account_id=pl.Series(map(_account_id, ids["account_key"]), dtype=pl.String))
    return with_key.join(ids, on="account_key", how="left").select("record_key", "account_id", "account_key")


def _account_id(account_key: str) -> str:
    return "A" + sha256(account_key.encode()).hexdigest()[:16]


def summarise_accounts(records: pl.DataFrame, accounts_of_records: pl.DataFrame) -> pl.DataFrame:
    """`ACCOUNT_COLUMNS`, one row per account, by account_id.

    Args:
        records: record_key, company_name, company_key, known_at.
        accounts_of_records: as `account_keys` gives them.

    company_name is the spelling that most of the account's records give, names that have a company key before names
    that have none, the first by alphabet of several; company_key is its key.
    """
    members = accounts_of_records.drop_nulls("account_id").join(
        records.select("record_key", "company_name", "company_key", "known_at"), on="record_key", how="left"
    )
    account = ["account_id", "account_key"]
    names = (
        members.drop_nulls("company_name")
        .group_by("account_id", "company_name", "company_key")
        .len()
        .with_columns(has_key=pl.col("company_key").is_not_null())
        .sort("account_id", "has_key", "len", "company_name", descending=[False, True, True, False])
        .unique("account_id", keep="first", maintain_order=True)
        .select("account_id", "company_name", "company_key")
    )
    return (
        members.group_by(account)
        .agg(known_from=pl.col("known_at").min(), lead_record_count=pl.len().cast(pl.Int64))
        .join(names, on="account_id", how="left")
        .with_columns(
            domain=pl.when(pl.col("account_key").str.starts_with(_DOMAIN)).then(
                pl.col("account_key").str.strip_prefix(_DOMAIN)
            )
        )
        .select(*ACCOUNT_COLUMNS)
        .sort("account_id")
    )
