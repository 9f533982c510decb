"""Lead records, field by field: one spelling, what the fields tell by themselves, and what is wrong with them.

Belongs here: what one record says. Does not belong here: which records are the same person (identity/), or facts
that come from elsewhere (enrich/).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from leadflow.clean.derived import IDENTITY_COLUMNS, read_fields
from leadflow.clean.lists import ContactLists, contact_lists
from leadflow.clean.rules import find_in_records
from leadflow.policy import Policy
from leadflow.text.email_columns import email_domains, normalised_emails
from leadflow.text.emails import (
    MAILBOX_OWNERS,
    is_disposable_domain,
    is_free_mail_domain,
    is_owner_of,
)
from leadflow.text.titles import seniority
from leadflow.text.values import ABSENT_MARKERS
from leadflow.text.vectors import map_distinct

_TIMESTAMP = pl.Datetime("us")

RECORD_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "raw_table": pl.String(),
    "record_id": pl.String(),
    "mql_id": pl.String(),
    "sql_lead_id": pl.String(),
    "email": pl.String(),
    "phone": pl.String(),
    "wechat_id": pl.String(),
    "full_name": pl.String(),
    "company_name": pl.String(),
    "title": pl.String(),
    "country": pl.String(),
    "channel": pl.String(),
    "campaign": pl.String(),
    "landing_page": pl.String(),
    "ip_address": pl.String(),
    "occurred_at": _TIMESTAMP,
    "known_at": _TIMESTAMP,
    "source_name": pl.String(),
}
CLEAN_COLUMNS: dict[str, pl.DataType] = {
    **{name: dtype for name, dtype in RECORD_COLUMNS.items() if name not in IDENTITY_COLUMNS},
    "email_domain": pl.String(),
    "is_free_mail": pl.Boolean(),
    "is_disposable_mail": pl.Boolean(),
    "company_key": pl.String(),
    "seniority": pl.String(),
    "contact_flags": pl.List(pl.String()),
    "competitor_known_at": _TIMESTAMP,
    "suspect_known_at": _TIMESTAMP,
    "is_released": pl.Boolean(),
    **IDENTITY_COLUMNS,
}
REJECTED_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "raw_table": pl.String(),
    "record_id": pl.String(),
    "rule": pl.String(),
    "reason": pl.String(),
    "row": pl.String(),
    "occurred_at": _TIMESTAMP,
    "known_at": _TIMESTAMP,
    "source_name": pl.String(),
}

# In these an 'n/a' is no value. Not in country, where NA is Namibia, nor in channel, campaign and landing_page,
# whose values are labels that the user's reports know by name ('none', 'unknown').
_MARKED_ABSENT = ("phone", "wechat_id", "full_name", "company_name", "title")
_TRIMMED = (*_MARKED_ABSENT, "country", "channel", "campaign", "landing_page", "ip_address")

_COMPETITOR = ("competitor_domain", "competitor_ip")
_SCORED_BY_THEMSELVES = (*_COMPETITOR, "free_mail")
"""Checks whose points are another rule's than those of suspect contact data."""


@dataclass(frozen=True)
class CheckedRecords:
    """Lead records, parted by whether they may be used.

    Attributes:
        clean: `CLEAN_COLUMNS`, one row per accepted record, by record_key.
        rejected: `REJECTED_COLUMNS`, one row per rejected record with the most severe check that rejects it, by
            record_key.
    """

    clean: pl.DataFrame
    rejected: pl.DataFrame


def check_lead_records(
    records: pl.DataFrame, policy: Policy | None = None, lists: ContactLists | None = None
) -> CheckedRecords:
    """Normalise lead records, derive what their fields tell, and do with each what the checks (rules.py) are to do.

    Args:
        records: `RECORD_COLUMNS`, one row per record_key; other columns are left out.
        policy: what each check does; the default policy unless given.
        lists: as known at the refresh's moment; those of the policy unless given.

    Every record lands in exactly one of the two tables. A rejected row keeps its fields as they were given, as JSON.
    Python runs once per distinct value, so that a million records stay a matter of seconds.
    """
    policy = policy or Policy()
    lists = lists or contact_lists(policy)
    given = records.select(pl.col(name).cast(dtype) for name, dtype in RECORD_COLUMNS.items())
    derived = _derived(_normalised(given))
    findings = find_in_records(derived, policy, lists)
    rejecting = findings.filter(pl.col("effect") == "reject").select("record_key").unique()
    released = (
        derived.select("record_key", "email")
        .join(rejecting, on="record_key", how="semi")
        .filter(
            pl.col("record_key").is_in(list(lists.released)) | pl.col("email").is_in(list(lists.released))
        )
        .select("record_key", is_released=pl.lit(value=True))
    )
    broken = rejecting.join(released, on="record_key", how="anti")
    clean = (
        derived.join(broken, on="record_key", how="anti")
        .join(_flags(findings), on="record_key", how="left")
        .join(released, on="record_key", how="left")
        .with_columns(
            pl.col("contact_flags").fill_null(pl.lit([], dtype=pl.List(pl.String))),
            pl.col("is_released").fill_null(value=False),
        )
    )
    rejected = _reasons(findings.join(broken, on="record_key", how="semi")).join(
        given.with_columns(row=pl.struct(pl.all()).struct.json_encode()), on="record_key", how="inner"
    )
    return CheckedRecords(
        _without_wrong_addresses(clean).select(*CLEAN_COLUMNS).sort("record_key"),
        rejected.select(*REJECTED_COLUMNS).sort("record_key"),
    )


def _flags(findings: pl.DataFrame) -> pl.DataFrame:
    """record_key, contact_flags, competitor_known_at and suspect_known_at of the records with findings."""
    scores_down = pl.col("effect") == "score_down"
    return findings.group_by("record_key").agg(
        contact_flags=pl.col("check").sort_by("severity"),
        competitor_known_at=pl.col("known_at").filter(scores_down & pl.col("check").is_in(_COMPETITOR)).min(),
        suspect_known_at=pl.col("known_at")
        .filter(scores_down & ~pl.col("check").is_in(_SCORED_BY_THEMSELVES))
        .min(),
    )


def _reasons(findings: pl.DataFrame) -> pl.DataFrame:
    """record_key, rule and reason of the rejected records: the most severe check, and the names of all others."""
    is_rejecting = pl.col("effect") == "reject"
    first = findings.filter(is_rejecting).unique("record_key", keep="first", maintain_order=True)
    others = (
        findings.join(first, on=["record_key", "check"], how="anti")
        .group_by("record_key")
        .agg(also=pl.col("check").sort_by("severity").str.join(", "))
    )
    return first.join(others, on="record_key", how="left").select(
        "record_key",
        rule="check",
        reason=pl.concat_str("reason", pl.format(" Found as well: {}.", "also"), ignore_nulls=True),
    )


def _without_wrong_addresses(records: pl.DataFrame) -> pl.DataFrame:
    """A record that goes on in spite of a wrong address goes without it: no lead is known by what is no address."""
    of_address = ("email", "email_domain", "is_free_mail", "is_disposable_mail")
    return records.with_columns(
        pl.when(pl.col("email_problem").is_null()).then(name).alias(name) for name in of_address
    )


def _normalised(records: pl.DataFrame) -> pl.DataFrame:
    """The records with e-mails in one spelling, other texts trimmed, and null for what says nothing."""
    trimmed = records.with_columns(pl.col(name).str.strip_chars() for name in _TRIMMED)
    return trimmed.with_columns(
        normalised_emails(trimmed["email"]),
        *(_present(name, ABSENT_MARKERS if name in _MARKED_ABSENT else {""}) for name in _TRIMMED),
    )


def _present(name: str, absent: Collection[str]) -> pl.Expr:
    return pl.when(~pl.col(name).str.to_lowercase().is_in(sorted(absent))).then(name).alias(name)


def _derived(records: pl.DataFrame) -> pl.DataFrame:
    """The records with what their fields tell: for `CLEAN_COLUMNS`, and for the checks."""
    fields = read_fields(records)
    records = records.drop("wechat_id").hstack(fields)
    domains = email_domains(records["email"])
    derived = records.with_columns(
        domains,
        map_distinct(domains, is_free_mail_domain, pl.Boolean()).alias("is_free_mail"),
        map_distinct(domains, is_disposable_domain, pl.Boolean()).alias("is_disposable_mail"),
        map_distinct(records["title"], seniority, pl.String()).alias("seniority"),
    )
    return derived.with_columns(is_free_mail=pl.col("is_free_mail") & ~_is_owners_mail(derived))


def _is_owners_mail(records: pl.DataFrame) -> pl.Series:
    """Whether a record at a mailbox provider's domain comes from the provider's own people; false elsewhere."""
    rows = records.select("email_domain", "company_key")
    candidates = rows.filter(pl.col("email_domain").is_in(sorted(MAILBOX_OWNERS))).unique()
    owners = candidates.filter(
        pl.Series([is_owner_of(domain, key) for domain, key in candidates.iter_rows()], dtype=pl.Boolean)
    ).drop_nulls()
    marked = rows.join(
        owners.with_columns(is_owner=True),
        on=["email_domain", "company_key"],
        how="left",
        maintain_order="left",
    )
    return marked["is_owner"].fill_null(False)
