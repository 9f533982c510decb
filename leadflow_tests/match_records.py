"""Lead records for tests of matching, as clean.clean_leads has them, and the index of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import polars as pl

from leadflow.identity.match_index import index_rows
from leadflow.text.companies import company_key
from leadflow.text.company_matching import company_core_keys
from leadflow.text.persons import key_of_person, read_person

CLEAN = {
    "record_key": pl.String(), "raw_table": pl.String(), "mql_id": pl.String(), "mailbox": pl.String(),
    "email_domain": pl.String(), "is_free_mail": pl.Boolean(), "is_disposable_mail": pl.Boolean(), "is_role_mail": pl.Boolean(),
    "phones": pl.List(pl.String()), "wechat_id": pl.String(), "full_name": pl.String(), "person_key": pl.String(),
    "given_name": pl.String(), "family_name": pl.String(), "company_name": pl.String(), "company_key": pl.String(),
    "company_core_key": pl.String(), "country": pl.String(), "title": pl.String(), "occurred_at": pl.Datetime("us"),
    "known_at": pl.Datetime("us"),
}  # fmt: skip


def lead_record(
    record_key: str,
    name: str | None = None,
    *,
    mail: str | None = None,
    phones: Iterable[str] = (),
    company: str | None = None,
    wechat_id: str | None = None,
    form: str | None = None,
    day: int = 0,
) -> dict[str, object]:
    """One row of clean.clean_leads; day counts from 2025-01-01, form is the mql_id that a CRM lead names."""
    read = read_person(name)
    moment = dt.datetime(2025, 1, 1) + dt.timedelta(days=day)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
    local_part, _, domain = (mail or "").partition("@")
    return {
        "record_key": record_key,
        "raw_table": record_key.partition(":")[0],
        "mql_id": form if record_key.startswith("sql_leads:") else record_key.partition(":")[2],
        "mailbox": mail,
        "email_domain": domain or None,
        "is_free_mail": domain == "gmail.com",
        "is_disposable_mail": False,
        "is_role_mail": local_part == "info",
        "phones": list(phones) or None,
        "wechat_id": wechat_id,
        "full_name": name,
        "person_key": key_of_person(read) if read else None,
        "given_name": " ".join(read.given) or None if read else None,
        "family_name": read.family or None if read else None,
        "company_name": company,
        "company_key": company_key(company),
        "occurred_at": moment,
        "known_at": moment,
    }


def clean_rows(records: Iterable[dict[str, object]]) -> pl.DataFrame:
    """The records as a table."""
    table = pl.DataFrame(list(records), schema=CLEAN)
    return table.with_columns(company_core_keys(table["company_name"]).alias("company_core_key"))


def index_of(records: Iterable[dict[str, object]], matched_with: str = "policy") -> pl.DataFrame:
    """The match index of the records."""
    return index_rows(clean_rows(records), matched_with)
