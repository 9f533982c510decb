"""Which company a lead record belongs to, under an id that stays, and what the company is called.

Belongs here: accounts as the records themselves show them. Does not belong here: which records are one account
(account_groups.py), facts about the company (enrich/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from leadflow.company_policy import Companies
from leadflow.identity.account_groups import DOMAIN, AccountGroups, group_records
from leadflow.identity.account_order import first_of
from leadflow.identity.company_evidence import COMPANY_PAIR_COLUMNS
from leadflow.identity.stable_ids import assign_ids, birth_ids

_TIMESTAMP = pl.Datetime("us")

ACCOUNT_OF_RECORD_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "account_id": pl.String(),
    "account_known_from": _TIMESTAMP,
}
ACCOUNT_COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "account_key": pl.String(),
    "domain": pl.String(),
    "company_key": pl.String(),
    "company_name": pl.String(),
    "parent_account_id": pl.String(),
    "known_from": _TIMESTAMP,
    "lead_record_count": pl.Int64(),
}
ACCOUNT_ID_COLUMNS: dict[str, pl.DataType] = {
    "node": pl.String(),
    "account_id": pl.String(),
    "given_at": _TIMESTAMP,
}

RECORDS_READ = (
    "record_key", "own_domain", "company_name", "company_key", "company_core_key", "country", "known_at",
)  # fmt: skip
"""What `resolve_accounts` asks of records, of the match index."""

__all__ = [
    "ACCOUNT_COLUMNS",
    "ACCOUNT_ID_COLUMNS",
    "COMPANY_PAIR_COLUMNS",
    "RECORDS_READ",
    "Accounts",
    "CompanyRecords",
    "accounts_of",
    "company_facts",
    "resolve_accounts",
]


@dataclass(frozen=True)
class Accounts:
    """Which company is whose.

    Attributes:
        of_records: `ACCOUNT_OF_RECORD_COLUMNS`, one row per record, by record_key; null where no company shows.
        accounts: `ACCOUNT_COLUMNS`, one row per account, by account_id.
        ids: `ACCOUNT_ID_COLUMNS`, the state after this refresh: every node there ever was, by node.
        pairs: `company_evidence.COMPANY_PAIR_COLUMNS`, the names that were compared.
        events: `stable_ids.EVENT_COLUMNS`: accounts that merged or split.
        shared_domains: mail domains that are nobody's own, for the refresh's metadata.
    """

    of_records: pl.DataFrame
    accounts: pl.DataFrame
    ids: pl.DataFrame
    pairs: pl.DataFrame
    events: pl.DataFrame
    shared_domains: tuple[str, ...]


@dataclass(frozen=True)
class CompanyRecords:
    """What accounts are made of: the arguments of `resolve_accounts` as one, so that they can go to another process."""

    records: pl.DataFrame
    former_ids: pl.DataFrame
    former_pairs: pl.DataFrame
    companies: Companies
    at: datetime


def accounts_of(given: CompanyRecords) -> Accounts:
    """`resolve_accounts`, also called in another process."""
    return resolve_accounts(given.records, given.former_ids, given.former_pairs, given.companies, at=given.at)


def company_facts(clean_leads: pl.DataFrame) -> pl.DataFrame:
    """What `resolve_accounts` asks of records, from `clean.clean_leads`.

    own_domain is the mail domain, null where mailboxes there are free or thrown away.
    """
    is_own = ~pl.col("is_free_mail") & ~pl.col("is_disposable_mail")
    return clean_leads.select(
        "record_key",
        "company_name",
        "company_key",
        "company_core_key",
        "country",
        "known_at",
        own_domain=pl.when(is_own).then("email_domain"),
    )


def resolve_accounts(
    records: pl.DataFrame,
    former_ids: pl.DataFrame,
    former_pairs: pl.DataFrame,
    companies: Companies,
    *,
    at: datetime,
) -> Accounts:
    """Tie each record to a company: by its mail domain, else by its company name.

    Args:
        records: record_key, own_domain (of the mail address; null where mailboxes are free or thrown away), company_name,
            company_key, company_core_key, country, known_at; one row per record_key.
        former_ids: `ACCOUNT_ID_COLUMNS`, the state after the last refresh; empty at first.
        former_pairs: `company_evidence.COMPANY_PAIR_COLUMNS` of the last refresh; empty compares all names anew, with
            the same result.
        companies: aliases and thresholds.
        at: the refresh's moment; new ids are given then.

    - A domain counts as registered (mail.acme.co.uk is acme.co.uk's), unless it is a misspelt mail provider's or many
      names are at home there.
    - A name goes with the domain whose records give that name, or else one alike; where several domains come into
      question, with that of the record's country; where that does not tell either, with no domain.
    - Names that go with no domain are accounts of their own, alike ones together.
    - account_known_from is when record and evidence for its account were both known. What becomes known later may move a
      record to another account, but never pretends to have been known: before, its company is unknown.

    The result does not depend on the order of rows.
    """
    groups = group_records(records, former_pairs, companies)
    nodes = groups.nodes
    since = groups.records.drop_nulls("node").group_by("node").agg(known_at=pl.col("known_at").min())
    # A group's first node may tie no record itself, where all its records name it otherwise.
    first_known = (
        groups.records.drop_nulls("account_key").group_by("account_key").agg(pl.col("known_at").min())
    )
    members = (
        nodes.join(since, on="node", how="left")
        .join(first_known, on="account_key", how="left", suffix="_group")
        .select(member="node", known_at=pl.coalesce("known_at", "known_at_group"))
    )
    former = former_ids.select(
        member="node", id="account_id", id_given_at=pl.col("given_at").cast(_TIMESTAMP)
    )
    stable = assign_ids(
        nodes.select(member="node", group="account_key"),
        members,
        former,
        birth_ids("A", nodes["node"]),
        at=at,
    )
    id_of_key = (
        nodes.join(stable.ids, left_on="node", right_on="member", how="inner")
        .select("account_key", account_id="id")
        .unique()
    )
    of_records = groups.records.join(id_of_key, on="account_key", how="left")
    ids = pl.concat([former.join(stable.ids, on="member", how="anti"), stable.ids]).select(
        node="member", account_id="id", given_at="id_given_at"
    )
    return Accounts(
        of_records=of_records.select(*ACCOUNT_OF_RECORD_COLUMNS).sort("record_key"),
        accounts=_summary(of_records, groups, companies),
        ids=ids.sort("node"),
        pairs=groups.pairs,
        events=stable.events,
        shared_domains=groups.shared_domains,
    )


def _summary(of_records: pl.DataFrame, groups: AccountGroups, companies: Companies) -> pl.DataFrame:
    """`ACCOUNT_COLUMNS`: of each account its first domain and its first name, in that name's first spelling."""
    members = of_records.drop_nulls("account_id")
    named = (
        members.drop_nulls("name")
        .group_by("account_id", "name")
        .agg(record_count=pl.len(), known_from=pl.col("known_at").min())
    )
    names = (
        first_of(named, ["account_id"], "name")
        .select("account_id", "name")
        .join(groups.names.select("name", "spelling"), on="name", how="left")
        .select("account_id", company_key="name", company_name="spelling")
    )
    is_domain = pl.col("account_key").str.starts_with(DOMAIN)
    accounts = (
        members.group_by("account_id", "account_key")
        .agg(known_from=pl.col("known_at").min(), lead_record_count=pl.len().cast(pl.Int64))
        .join(names, on="account_id", how="left")
        .with_columns(domain=pl.when(is_domain).then(pl.col("account_key").str.strip_prefix(DOMAIN)))
    )
    parents = _parents(members, companies)
    return accounts.join(parents, on="account_id", how="left").select(*ACCOUNT_COLUMNS).sort("account_id")


def _parents(members: pl.DataFrame, companies: Companies) -> pl.DataFrame:
    """account_id, parent_account_id of accounts whose parent the policy names and the records show."""
    from leadflow.text.companies import company_key

    if not companies.parents:
        return pl.DataFrame(schema={"account_id": pl.String, "parent_account_id": pl.String})
    first = first_of(
        members.drop_nulls("name")
        .group_by("name", "account_id")
        .agg(record_count=pl.len(), known_from=pl.col("known_at").min()),
        ["name"],
        "account_id",
    ).select("name", "account_id")
    named = pl.DataFrame(
        [(company_key(name), company_key(parent)) for name, parent in sorted(companies.parents.items())],
        schema={"name": pl.String, "parent": pl.String},
        orient="row",
    )
    told = named.join(first, on="name", how="inner").join(
        first.select(parent="name", parent_account_id="account_id"), on="parent", how="inner"
    )
    return (
        told.filter(pl.col("account_id") != pl.col("parent_account_id"))
        .sort("account_id", "parent_account_id")
        .unique("account_id", keep="first", maintain_order=True)
        .select("account_id", "parent_account_id")
    )
