"""Which nodes, mail domains and company names, are one account, and which record goes with which node.

Belongs here: from evidence to groups. Does not belong here: the evidence (company_evidence.py), weighing candidates
(account_ties.py), ids and what an account is called (accounts.py).

A group is called by its first node: 'domain:acme.com', or 'company:acme' where no domain shows. Everything here is computed
anew from all records, whatever was new, so that a refresh gives what a rebuild gives; names alone are not compared anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from leadflow.company_policy import Companies
from leadflow.identity.account_order import first_of, ranked
from leadflow.identity.account_ties import (
    NEAR,
    compared_candidates,
    direct_candidates,
    merged_domains,
    ties_of_names,
)
from leadflow.identity.company_blocks import is_short
from leadflow.identity.company_evidence import (
    company_pairs,
    domain_names,
    keyed_records,
    names_of,
    shared_domains,
)

DOMAIN = "domain:"
COMPANY = "company:"

_TIMESTAMP = pl.Datetime("us")


@dataclass(frozen=True)
class AccountGroups:
    """Records and nodes in their groups.

    Attributes:
        records: record_key, account_key (null where no company shows), account_known_from, node (the domain or name that
            ties the record), name, known_at; one row per record.
        nodes: node, account_key; of every node that ties a record.
        names: name, spelling, core, record_count, known_from of each company name.
        pairs: `company_evidence.COMPANY_PAIR_COLUMNS`.
        shared_domains: mail domains that are nobody's own.
    """

    records: pl.DataFrame
    nodes: pl.DataFrame
    names: pl.DataFrame
    pairs: pl.DataFrame
    shared_domains: tuple[str, ...]


def group_records(records: pl.DataFrame, former_pairs: pl.DataFrame, companies: Companies) -> AccountGroups:
    """The groups of all records; arguments as of `accounts.resolve_accounts`."""
    keyed = keyed_records(records, companies)
    shared = shared_domains(keyed)
    keyed = keyed.with_columns(domain=pl.when(~pl.col("domain").is_in(shared.implode())).then("domain"))
    names = names_of(keyed)
    at_domains = domain_names(keyed)
    merged = merged_domains(at_domains)
    domains = _domains(keyed, merged)
    countries = _countries(keyed, domains)
    direct = direct_candidates(at_domains, merged)
    as_such = names.select("name", country=pl.lit(None, dtype=pl.String))
    settled = ties_of_names(as_such, direct, countries, companies).join(
        names.select("name", "record_count"), on="name", how="inner"
    )
    homes = settled.select("name", "target", "record_count", known_from="tied_from")
    nameless = keyed.filter(pl.col("domain").is_null()).drop_nulls("name")
    sought = _sought(nameless, homes)
    compared = company_pairs(names, sought, former_pairs)
    alike = compared_candidates(compared, homes, sought).join(direct, on=["name", "target"], how="anti")
    candidates = pl.concat([direct, alike])
    wanted = pl.concat([as_such, nameless.select("name", "country").drop_nulls().unique()])
    ties = ties_of_names(wanted, candidates, countries, companies)
    of_names = _groups_of_names(names, ties, compared, companies)
    tied = _records(keyed, domains, ties, of_names)
    return AccountGroups(tied, _nodes(tied, domains, of_names), names, compared, tuple(shared))


def _domains(keyed: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """domain, target, tied_from of every domain, also of those whose records name no company."""
    domains = keyed.select("domain").drop_nulls().unique()
    return domains.join(merged, on="domain", how="left").with_columns(target=pl.coalesce("target", "domain"))


def _countries(keyed: pl.DataFrame, domains: pl.DataFrame) -> pl.DataFrame:
    """target, country: the country that goes first among a target's records."""
    counted = (
        keyed.drop_nulls(["domain", "country"])
        .join(domains.select("domain", "target"), on="domain", how="inner")
        .group_by("target", "country")
        .agg(record_count=pl.len(), known_from=pl.col("known_at").min())
    )
    return first_of(counted, ["target"], "country").select("target", "country")


def _sought(nameless: pl.DataFrame, homes: pl.DataFrame) -> pl.Series:
    """Names of records without a domain that are not settled by the domains of equal names: unknown there, or short."""
    names = nameless.select("name").unique()
    settled = names.join(homes, on="name", how="semi").filter(~is_short(pl.col("name")))
    return names.join(settled, on="name", how="anti")["name"].sort()


def _groups_of_names(
    names: pl.DataFrame, ties: pl.DataFrame, compared: pl.DataFrame, companies: Companies
) -> pl.DataFrame:
    """name, account_key, tied_from of every name."""
    as_such = ties.filter(pl.col("country").is_null())
    lone = _lone_groups(names.join(as_such, on="name", how="anti"), compared, companies)
    return pl.concat([
        as_such.select("name", account_key=DOMAIN + pl.col("target"), tied_from="tied_from"),
        lone.select("name", account_key=COMPANY + pl.col("leader"), tied_from="tied_from"),
    ])  # fmt: skip


def _lone_groups(untied: pl.DataFrame, compared: pl.DataFrame, companies: Companies) -> pl.DataFrame:
    """name, leader, tied_from of names that go with no domain: each follows the leader that it is most like, or leads.

    Names are taken in order, long ones before short ones, then as in `account_order`. Followers lead nobody, so that no
    chain forms; a short name that is like several leaders follows none.
    """
    is_brief = is_short(pl.col("name"))
    longest = pl.concat([ranked(untied.filter(kind), [], "name") for kind in (~is_brief, is_brief)])
    order = {name: at for at, name in enumerate(longest["name"])}
    short = set(untied.filter(is_brief)["name"])
    is_among = [pl.col(key).is_in(list(order)) for key in ("company_key_1", "company_key_2")]
    alike = compared.filter((pl.col("score") >= companies.same_from) & is_among[0] & is_among[1])
    ahead: dict[str, list[tuple[float, int, str, datetime]]] = {}
    for one, other, score, since in alike.select(
        "company_key_1", "company_key_2", "score", "known_from"
    ).iter_rows():
        later, earlier = (one, other) if order[one] > order[other] else (other, one)
        ahead.setdefault(later, []).append((-score, order[earlier], earlier, since))
    followed: dict[str, tuple[str, datetime]] = {}
    for name in sorted(ahead, key=order.__getitem__):
        found = sorted(each for each in ahead[name] if each[2] not in followed)
        is_clear = len(found) == 1 or (len(found) > 1 and found[1][0] - found[0][0] >= NEAR)
        if found and (is_clear or name not in short):
            followed[name] = (found[0][2], found[0][3])
    told = pl.DataFrame(
        [(name, leader, since) for name, (leader, since) in followed.items()],
        schema={"name": pl.String, "leader": pl.String, "tied_from": _TIMESTAMP},
        orient="row",
    )
    return (
        untied.select("name")
        .join(told, on="name", how="left")
        .with_columns(leader=pl.coalesce("leader", "name"))
    )


def _records(
    keyed: pl.DataFrame, domains: pl.DataFrame, ties: pl.DataFrame, of_names: pl.DataFrame
) -> pl.DataFrame:
    """record_key, account_key, account_known_from, node, name, known_at: by domain first, then by name and country."""
    by_domain = domains.select("domain", domain_key=DOMAIN + pl.col("target"), domain_from="tied_from")
    by_country = ties.drop_nulls("country").select(
        "name", "country", country_key=DOMAIN + pl.col("target"), country_from="tied_from"
    )
    by_name = of_names.select("name", name_key="account_key", name_from="tied_from")
    has_domain, has_country = pl.col("domain").is_not_null(), pl.col("country_key").is_not_null()
    tied_from = (
        pl.when(has_domain).then("domain_from").when(has_country).then("country_from").otherwise("name_from")
    )
    return (
        keyed.join(by_domain, on="domain", how="left")
        .join(by_country, on=["name", "country"], how="left")
        .join(by_name, on="name", how="left")
        .with_columns(account_key=pl.coalesce("domain_key", "country_key", "name_key"))
        .select(
            "record_key",
            "account_key",
            "name",
            "known_at",
            account_known_from=pl.when(pl.col("account_key").is_not_null()).then(
                pl.max_horizontal("known_at", tied_from)
            ),
            node=pl.coalesce(DOMAIN + pl.col("domain"), COMPANY + pl.col("name")),
        )
    )


def _nodes(tied: pl.DataFrame, domains: pl.DataFrame, of_names: pl.DataFrame) -> pl.DataFrame:
    """node, account_key of what ties records, and of what their groups are called by.

    A name that only ever stands beside a domain is no node: it is one person's slip as often as the company's name.
    """
    every = pl.concat([
        domains.select(node=DOMAIN + pl.col("domain"), account_key=DOMAIN + pl.col("target")),
        of_names.select(node=COMPANY + pl.col("name"), account_key="account_key"),
    ])  # fmt: skip
    used = pl.concat([tied["node"], tied["account_key"]]).drop_nulls().unique()
    groups = tied["account_key"].drop_nulls().unique()
    return every.filter(
        pl.col("node").is_in(used.implode()) & pl.col("account_key").is_in(groups.implode())
    ).sort("node")
