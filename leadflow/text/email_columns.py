"""E-mail addresses by the column: usual ones in polars, all others by emails.py and made_up.py.

Belongs here: saying of a million addresses what those modules say of one, at a fraction of the cost. Does not belong here: what
an address tells. Where a column's shortcut answers, those modules give the same.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from leadflow.text.emails import (
    ADDRESS_MAX,
    GMAIL,
    SPECIAL_TOPS,
    email_problem,
    mailbox_of,
    normalise_email,
)
from leadflow.text.made_up import (
    MADE_UP_DOMAINS,
    MADE_UP_MAILBOXES,
    ROLES,
    is_made_up_address,
    is_role_address,
    may_begin_made_up_company,
)
from leadflow.text.values import ABSENT_MARKERS
from leadflow.text.vectors import map_distinct, map_distinct_columns, where

ADDRESS_COLUMNS: dict[str, pl.DataType] = {
    "email_problem": pl.String(),
    "mailbox": pl.String(),
    "is_role_mail": pl.Boolean(),
    "is_made_up_mail": pl.Boolean(),
}

_PRINTABLE = "^[!-~]+$"
"""No letter that a normal form changes, and no space that would be trimmed."""
_PLAIN = r"^[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9.-]+$"
_PLAIN_DOMAIN = r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
_ENCODED_LABEL = r"(?:^|\.)..--"
_SHORTEST_DOMAIN, _LONGEST_DOMAIN = 4, 252


def normalised_emails(texts: pl.Series) -> pl.Series:
    """`emails.normalise_email` of every text, String, in their order."""
    is_usual = texts.str.contains(_PRINTABLE)
    others = map_distinct(where(~is_usual, texts), normalise_email, pl.String())
    lowered = texts.str.to_lowercase()
    usual = where(is_usual & ~lowered.is_in(sorted(ABSENT_MARKERS)), lowered)
    return pl.select(pl.coalesce(usual, others)).to_series().alias(texts.name)


def email_domains(addresses: pl.Series) -> pl.Series:
    """`emails.email_domain` of every normalised address, String, in their order."""
    return addresses.str.extract("@([^@]+)$").alias("email_domain")


def read_addresses(addresses: pl.Series) -> pl.DataFrame:
    """`ADDRESS_COLUMNS` of normalised addresses, in their order.

    All null without an address; of one that cannot be, all but the problem.
    """
    domains = email_domains(addresses)
    is_usual = (_are_plain(addresses) & _are_right(domains)).fill_null(value=False)
    others = map_distinct_columns(where(~is_usual, addresses), _read_address, ADDRESS_COLUMNS)
    parts = (
        pl.DataFrame({"address": where(is_usual, addresses), "domain": domains})
        .with_columns(local=pl.col("address").str.extract("^([^@]*)"))
        .with_columns(bare=pl.col("local").str.extract("^([^+]*)"))
        .with_columns(letters=pl.col("bare").str.strip_chars_end("0123456789"))
    )
    usual = parts.select(mailbox=_mailbox(), is_role_mail=_is_role(parts), is_made_up_mail=_is_made_up(parts))
    return others.select(
        "email_problem", *(pl.coalesce(pl.lit(usual[name]), name).alias(name) for name in usual.columns)
    )


def _read_address(address: str) -> tuple[str | None, str | None, bool | None, bool | None]:
    """`ADDRESS_COLUMNS` of one address."""
    problem = email_problem(address)
    if problem is not None:
        return problem, None, None, None
    return None, mailbox_of(address), is_role_address(address), is_made_up_address(address)


def _are_plain(addresses: pl.Series) -> pl.Series:
    """Whether an address has a local part that is right beyond doubt, and nothing but ASCII behind it."""
    return addresses.str.contains(_PLAIN) & (addresses.str.len_chars() <= ADDRESS_MAX)


def _are_right(domains: pl.Series) -> pl.Series:
    """Whether a domain is one without asking the library, as `emails.email_problem` decides it."""
    length = domains.str.len_chars()
    return (
        domains.str.contains(_PLAIN_DOMAIN)
        & ~domains.str.contains(_ENCODED_LABEL)
        & (length >= _SHORTEST_DOMAIN)
        & (length <= _LONGEST_DOMAIN)
        & ~domains.str.extract(r"([^.]*)$").is_in(sorted(SPECIAL_TOPS))
    )


def _mailbox() -> pl.Expr:
    """`emails.mailbox_of`, of the parts of usual addresses."""
    local = pl.when(pl.col("bare") == "").then("local").otherwise("bare")
    is_gmail = pl.col("domain").is_in(sorted(GMAIL))
    without_dots = local.str.replace_all(".", "", literal=True) + "@gmail.com"
    return pl.when(is_gmail).then(without_dots).otherwise(local + "@" + pl.col("domain"))


def _is_role(parts: pl.DataFrame) -> pl.Series:
    """`made_up.is_role_address`, which is asked only where the local part or its first word is a function's."""
    roles = sorted(ROLES)
    first = pl.col("letters").str.extract("^([^._-]*)")
    return _asked(parts, pl.col("letters").is_in(roles) | first.is_in(roles), is_role_address)


def _is_made_up(parts: pl.DataFrame) -> pl.Series:
    """`made_up.is_made_up_address`, which is asked only where domain, local part or its first word may be."""
    words = parts["letters"].str.extract("([^._-]+)")
    may_begin = map_distinct(words, may_begin_made_up_company, pl.Boolean()).fill_null(value=False)
    may_be = pl.col("domain").is_in(sorted(MADE_UP_DOMAINS)) | pl.col("letters").is_in(
        ["", *sorted(MADE_UP_MAILBOXES)]
    )
    return _asked(parts, may_be | pl.lit(may_begin), is_made_up_address)


def _asked(parts: pl.DataFrame, may_be: pl.Expr, function: Callable[[str], bool]) -> pl.Series:
    """`function` of the addresses that may be, false of the others, null where there is none."""
    asked = parts.select(pl.when(may_be).then("address")).to_series()
    found = map_distinct(asked, function, pl.Boolean())
    return parts.select(
        pl.when(pl.col("address").is_not_null()).then(found.fill_null(value=False))
    ).to_series()
