"""What a lead record's fields tell: each field read once per distinct value, for the checks and for finding a person again.

Belongs here: one record's own fields. Does not belong here: what follows from what is wrong with them (rules.py), and which
records are the same person (identity/).
"""

from __future__ import annotations

import re

import polars as pl

from leadflow.text.company_columns import are_made_up_companies, company_keys
from leadflow.text.company_matching import company_core_keys
from leadflow.text.email_columns import read_addresses
from leadflow.text.person_columns import read_names
from leadflow.text.phone_columns import plain_numbers
from leadflow.text.phones import phone_of, plain_phone, read_phones
from leadflow.text.titles import job_function
from leadflow.text.values import tidy
from leadflow.text.vectors import map_distinct, map_distinct_columns
from leadflow.text.wechat import normalise_wechat, wechat_in_phone, wechat_problem, without_wechat

IDENTITY_COLUMNS: dict[str, pl.DataType] = {
    "phones": pl.List(pl.String()),
    "wechat_id": pl.String(),
    "mailbox": pl.String(),
    "is_role_mail": pl.Boolean(),
    "given_name": pl.String(),
    "family_name": pl.String(),
    "person_key": pl.String(),
    "company_core_key": pl.String(),
    "job_function": pl.String(),
}
"""What records are compared and found by."""

_OF_PHONE: dict[str, pl.DataType] = {
    "phone_e164": pl.String(),
    "phone_problem": pl.String(),
    "phones": pl.String(),
    "phone_wechat_id": pl.String(),
}
_OF_WECHAT: dict[str, pl.DataType] = {"wechat_id": pl.String(), "wechat_problem": pl.String()}

_SEPARATOR = "\x1f"  # between phone and country, where the two are one text; in neither of them
_WECHAT = re.compile(r"(?:wx|vx|wechat|weixin|微信号?|v信)\s*[:：号]?\s*(?P<id>.*)", re.IGNORECASE)
# Of a field for phones little is asked: ids older than WeChat's rule and the number of one's QQ account are let pass.
_WECHAT_ID = re.compile(r"[a-z][a-z0-9_.-]{2,19}|1[3-9]\d{9}|\d{5,11}", re.IGNORECASE)
_HARMLESS = frozenset({None, "no_country"})
"""Of a number without country nobody can tell whether it is right."""


def identity_columns(records: pl.DataFrame) -> pl.DataFrame:
    """The records with `IDENTITY_COLUMNS`; rows and their order stay.

    Args:
        records: email (normalised), phone, full_name, company_name, title, country and, where there is one, wechat_id as
            given; other columns are kept.
    """
    facts = read_fields(records)
    return records.select(pl.all().exclude(list(IDENTITY_COLUMNS))).hstack(facts.select(*IDENTITY_COLUMNS))


def read_fields(records: pl.DataFrame) -> pl.DataFrame:
    """`IDENTITY_COLUMNS` and what the checks ask: email_problem, is_made_up_mail, phone_e164, phone_problem, name_problem, company_key, is_made_up_company, wechat_problem.

    Args:
        records: as of `identity_columns`.

    One row a record, in their order. phone_problem is one of `PHONE_PROBLEMS` or 'wechat'; null where nothing is wrong.
    """
    of_email = read_addresses(records["email"])
    of_phone = _of_phones(records)
    of_name = read_names(records["full_name"])
    is_made_up = are_made_up_companies(records["company_name"])
    keys = company_keys(records["company_name"])
    # A name in plain letters is found by its key, which is dear enough to be made only once.
    is_plain = pl.col("company_name").str.len_bytes() == pl.col("company_name").str.len_chars()
    others = records.select(pl.when(~is_plain).then("company_name")).to_series()
    cores = records.select(pl.when(is_plain).then(keys).otherwise(company_core_keys(others))).to_series()
    own = (
        records["wechat_id"]
        if "wechat_id" in records.columns
        else pl.Series([None] * len(records), dtype=pl.String)
    )
    of_wechat = map_distinct_columns(own, _of_wechat, _OF_WECHAT)
    return pl.concat([of_email, of_phone, of_name, of_wechat], how="horizontal").with_columns(
        phones=pl.col("phones").str.split(_SEPARATOR),
        is_made_up_company=is_made_up,
        wechat_id=pl.coalesce("wechat_id", "phone_wechat_id"),
        company_key=keys,
        company_core_key=pl.when(~is_made_up).then(cores),
        job_function=map_distinct(records["title"], job_function, pl.String()),
    )


def _of_phones(records: pl.DataFrame) -> pl.DataFrame:
    """`_OF_PHONE` of each record's phone: plain ones as columns, others each with its country, which says how it is read."""
    plain = plain_numbers(records["phone"])
    others = records.select(
        pl.when(pl.col("phone").is_not_null() & plain.is_null()).then(
            pl.concat_str("phone", pl.col("country").fill_null(""), separator=_SEPARATOR)
        )
    ).to_series()
    told = map_distinct_columns(others, _of_phone, _OF_PHONE)
    return told.with_columns(pl.coalesce(plain, name).alias(name) for name in ("phone_e164", "phones"))


def _of_phone(number: str) -> tuple[str | None, str | None, str | None, str | None]:
    """What `_OF_PHONE` says of a phone and its country; several phones are one text, as lists of texts are slow to make."""
    phone, _, country = number.partition(_SEPARATOR)
    plain = plain_phone(phone)
    if plain is not None:
        return plain.e164, None, plain.e164, None
    reading = read_phones(phone, country or None)
    wechat_id = wechat_in_phone(phone)
    named = _WECHAT.fullmatch(phone.strip())
    is_right = wechat_id is not None or any(each.is_valid for each in reading.numbers)
    if named is not None:
        problem = None if is_right or _WECHAT_ID.fullmatch(named["id"].strip()) else "wechat"
    else:
        problem = None if is_right or reading.problem in _HARMLESS else reading.problem
    # Where an id is all that stands there, the figures in it are no number.
    alone = phone if named is None else named["id"]
    is_id_alone = wechat_id is not None and tidy(alone).lower() == wechat_id
    if wechat_id is not None and not is_id_alone and not any(each.is_valid for each in reading.numbers):
        reading = read_phones(without_wechat(phone), country or None)
    valid = [] if is_id_alone else [each.e164 for each in reading.numbers if each.is_valid]
    return phone_of(reading), problem, _SEPARATOR.join(valid) or None, wechat_id


def _of_wechat(text: str) -> tuple[str | None, str | None]:
    wechat_id = normalise_wechat(text)
    return wechat_id, None if wechat_id is not None else wechat_problem(text)
