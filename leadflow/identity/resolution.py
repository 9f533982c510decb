"""Which lead records are the same person, under an id that stays.

Belongs here: the keys people are known by, and the ids given to them. Does not belong here: companies (accounts.py),
what is known of a lead (golden.py).

Lead ids are state: the first refresh that sees a key gives it an id, and every later one finds that id again in
`identity.lead_keys`, whatever members the lead gains or loses. An id is made of the key of the lead's earliest record,
never of personal data, so that it can be published and cannot be reversed into an e-mail address.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, count

import polars as pl

from leadflow.identity.accounts import account_keys, summarise_accounts

_TIMESTAMP = pl.Datetime("us")

IDENTITY_MAP_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "lead_id": pl.String(),
    "account_id": pl.String(),
    "match_rule": pl.String(),
    "known_from": _TIMESTAMP,
    "known_to": _TIMESTAMP,
}
LEAD_KEY_COLUMNS: dict[str, pl.DataType] = {
    "match_key": pl.String(),
    "email": pl.String(),
    "lead_id": pl.String(),
    "known_from": _TIMESTAMP,
}

_EMAIL = "email"
_OWN_RECORD = "own_record"
_MQL_ID = "mql_id"


@dataclass(frozen=True)
class Resolution:
    """Who is who.

    Attributes:
        identity_map: `IDENTITY_MAP_COLUMNS`, one row per record, by record_key.
        lead_keys: `LEAD_KEY_COLUMNS`, the state after this refresh: every key that was known and every new one, by
            match_key.
        accounts: `accounts.ACCOUNT_COLUMNS`, one row per account, by account_id.
    """

    identity_map: pl.DataFrame
    lead_keys: pl.DataFrame
    accounts: pl.DataFrame


def resolve(records: pl.DataFrame, known_keys: pl.DataFrame) -> Resolution:
    """Group lead records into leads by e-mail address, and into accounts by company.

    Args:
        records: of `clean.clean_leads`: record_key, raw_table, mql_id, email, email_domain, is_free_mail,
            is_disposable_mail, company_name, company_key, known_at; one row per record_key.
        known_keys: `LEAD_KEY_COLUMNS`, as the last refresh left them; empty at first.

    Records with the same e-mail address are one lead (match_rule 'email'). Of a CRM lead and the form it names, one
    without an address goes with the other ('mql_id'), from when both were known; two with addresses of their own stay
    apart. Any other record without an address is a lead of its own ('own_record'). A record that gains an address
    later keeps its lead id, unless another record had that address before. The result does not depend on the order of
    rows.
    """
    keyed = _match_keys(records)
    known_keys = known_keys.select(pl.col(name).cast(dtype) for name, dtype in LEAD_KEY_COLUMNS.items())
    lead_keys = _since_earliest(pl.concat([known_keys, _new_keys(keyed, known_keys)]), keyed)
    accounts_of_records = account_keys(records)
    identity_map = (
        keyed.join(lead_keys.select("match_key", "lead_id"), on="match_key", how="left")
        .join(accounts_of_records, on="record_key", how="left")
        .with_columns(known_to=pl.lit(None, dtype=_TIMESTAMP))
        .select(*IDENTITY_MAP_COLUMNS)
        .sort("record_key")
    )
    return Resolution(identity_map, lead_keys, summarise_accounts(records, accounts_of_records))


def _match_keys(records: pl.DataFrame) -> pl.DataFrame:
    """record_key, email, known_at of each record, with its match_key, match_rule and the known_from of its membership."""
    own = records.select(
        "record_key",
        "raw_table",
        "email",
        "known_at",
        form_key="mql:" + pl.col("mql_id"),
        own_match_key=pl.coalesce("email:" + pl.col("email"), _own_key("record_key")),
    )
    forms = own.filter(pl.col("raw_table") == "mql").select(
        form_key="record_key", form_email="email", form_match_key="own_match_key", form_known_at="known_at"
    )
    pairs = own.filter(pl.col("raw_table") == "sql_leads").join(forms, on="form_key", how="inner")
    since = pl.max_horizontal("known_at", "form_known_at")
    crm_goes = pairs.filter(pl.col("email").is_null()).select(
        "record_key", linked_key="form_match_key", linked_from=since
    )
    form_goes = pairs.filter(pl.col("email").is_not_null() & pl.col("form_email").is_null()).select(
        record_key="form_key", linked_key="own_match_key", linked_from=since
    )
    links = (
        pl.concat([crm_goes, form_goes])
        .sort("record_key", "linked_from", "linked_key")
        .unique("record_key", keep="first", maintain_order=True)
    )
    is_linked = pl.col("linked_key").is_not_null()
    return own.join(links, on="record_key", how="left").select(
        "record_key",
        "email",
        "known_at",
        match_rule=pl.when(is_linked)
        .then(pl.lit(_MQL_ID))
        .when(pl.col("email").is_null())
        .then(pl.lit(_OWN_RECORD))
        .otherwise(pl.lit(_EMAIL)),
        match_key=pl.coalesce("linked_key", "own_match_key"),
        known_from=pl.coalesce("linked_from", "known_at"),
    )


def _own_key(column: str) -> pl.Expr:
    return "record:" + pl.col(column)


def _new_keys(keyed: pl.DataFrame, known_keys: pl.DataFrame) -> pl.DataFrame:
    """`LEAD_KEY_COLUMNS` of the keys met for the first time."""
    earliest = (
        keyed.join(known_keys.select("match_key"), on="match_key", how="anti")
        .sort("known_at", "record_key")
        .unique("match_key", keep="first", maintain_order=True)
    )
    # The lead of a record that had no address until now, as long as it has not gone to another address meanwhile.
    own_leads = known_keys.filter(pl.len().over("lead_id") == 1).select(
        own_key="match_key", own_lead_id="lead_id"
    )
    earliest = earliest.with_columns(own_key=_own_key("record_key")).join(
        own_leads, on="own_key", how="left", maintain_order="left"
    )
    taken = set(known_keys["lead_id"])
    lead_ids = []
    for record_key, own_lead_id in earliest.select("record_key", "own_lead_id").iter_rows():
        lead_ids.append(own_lead_id or _free_lead_id(record_key, taken))
        taken.add(lead_ids[-1])
    return earliest.select(
        "match_key",
        email=pl.when(pl.col("match_key").str.starts_with("email:")).then(
            pl.col("match_key").str.strip_prefix("email:")
        ),
        lead_id=pl.Series(lead_ids, dtype=pl.String),
        known_from="known_at",
    )


def _since_earliest(lead_keys: pl.DataFrame, keyed: pl.DataFrame) -> pl.DataFrame:
    """The keys, by match_key, known from their earliest record on, also where an earlier one came in later."""
    earliest = keyed.group_by("match_key").agg(earliest_known_at=pl.col("known_at").min())
    return (
        lead_keys.join(earliest, on="match_key", how="left")
        .with_columns(known_from=pl.min_horizontal("known_from", "earliest_known_at"))
        .select(*LEAD_KEY_COLUMNS)
        .sort("match_key")
    )


def _free_lead_id(record_key: str, taken: set[str]) -> str:
    """'L' and the first 16 hexadecimal digits of the record key's SHA-256.

    That id is taken where the record began a lead and then came under another address: the lead stays with the first
    address, and a running number is hashed along.
    """
    numbered = (f"{record_key}#{number}" for number in count(2))
    ids = ("L" + sha256(text.encode()).hexdigest()[:16] for text in chain([record_key], numbered))
    return next(lead_id for lead_id in ids if lead_id not in taken)
