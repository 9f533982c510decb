"""The contact checks: what there is to find about one lead record, by rules that policy.yaml names.

Belongs here: rules on one normalised record. Does not belong here: what raw landing already refuses (a row without a
key or a moment), what follows from a finding (records.py), and a bot's clicks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_

import polars as pl

from leadflow.clean.lists import ContactLists, Entry
from leadflow.contact_policy import CHECKS
from leadflow.policy import Policy
from leadflow.text.emails import email_problem
from leadflow.text.made_up import (
    is_made_up_address,
    is_made_up_company,
    is_role_address,
    meant_domain,
)
from leadflow.text.persons import NAME_PROBLEMS, name_problem
from leadflow.text.phones import PHONE_PROBLEMS, normalise_phone, phone_problem
from leadflow.text.sensitive import word_finder
from leadflow.text.vectors import map_distinct

_TIMESTAMP = pl.Datetime("us")

FINDING_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "check": pl.String(),
    "severity": pl.Int64(),
    "effect": pl.String(),
    "reason": pl.String(),
    "known_at": _TIMESTAMP,
}

_LISTED = {
    "blocklisted_email": ("email", "email", "e-mail address"),
    "blocklisted_phone": ("phone", "phone_e164", "phone number"),
    "blocklisted_domain": ("domain", "email_domain", "e-mail domain"),
    "blocklisted_company": ("company", "company_key", "company"),
    "blocklisted_ip": ("ip_range", "ip_address", "IP address"),
    "competitor_domain": ("domain", "email_domain", "e-mail domain"),
    "competitor_ip": ("ip_range", "ip_address", "IP address"),
}
_SEARCHED = ("full_name", "company_name", "title")
_FIELDS = {"full_name": "name", "company_name": "company", "title": "title"}
_MADE_UP = {
    "name": ("name_implausible",),
    "e-mail": ("email_implausible", "disposable_mail"),
    "phone": ("phone_fake", "phone_invalid"),
    "company": ("company_implausible",),
}
"""Checks by the field that they speak of; two of one field are one sign."""

_WECHAT = re.compile(r"(?:wx|vx|wechat|weixin|微信号?|v信)\s*[:：号]?\s*(?P<id>.*)", re.IGNORECASE)
_WECHAT_ID = re.compile(r"[a-z][a-z0-9_.-]{2,19}|1[3-9]\d{9}|\d{5,11}", re.IGNORECASE)
_PHONE_CHECKS = {
    "phone_fake": ("fake",),
    "phone_invalid": ("not_a_number", "too_short", "too_long", "wechat"),
    "phone_unassigned": ("invalid",),
}
_SEPARATOR = "\x1f"  # between phone and country, where the two are one text; in neither of them
_HARMLESS = {None, "no_country"}
"""Of a number without country nobody can tell whether it is right."""

Reasons = pl.Series
"""One text per record, String: what was found, as a sentence that does not repeat the value; null where nothing was."""


def find_in_records(records: pl.DataFrame, policy: Policy, lists: ContactLists) -> pl.DataFrame:
    """`FINDING_COLUMNS`: everything that the checks find, by record and severity (0 is the most severe).

    Args:
        records: record_key, email, phone, full_name, company_name, title, country, ip_address, known_at and, derived,
            email_domain, is_free_mail, is_disposable_mail, company_key; normalised, one row per record_key.
        policy: says which checks there are and what they do; one that is off finds nothing.
        lists: as known at the refresh's moment.

    known_at is when the finding could be known: for a list's entry its own moment or the record's, whichever is later.
    """
    numbers = with_numbers(records)
    reasons = _reasons(numbers, policy)
    found = [
        numbers.select("record_key", "known_at", reason=each)
        .drop_nulls("reason")
        .with_columns(check=pl.lit(check))
        for check, each in reasons.items()
    ]
    found += _listed(numbers, lists)
    effects = {check: policy.contact_checks.effect(check) for check in CHECKS}
    order = {check: severity for severity, check in enumerate(CHECKS)}
    empty = pl.DataFrame(schema=FINDING_COLUMNS)
    if not found:
        return empty
    return (
        pl.concat([each.select("record_key", "check", "reason", "known_at") for each in found])
        .with_columns(
            severity=pl.col("check").replace_strict(order, return_dtype=pl.Int64),
            effect=pl.col("check").replace_strict(effects, return_dtype=pl.String),
        )
        .filter(pl.col("effect") != "off")
        .select(*FINDING_COLUMNS)
        .sort("record_key", "severity")
    )


def with_numbers(records: pl.DataFrame) -> pl.DataFrame:
    """The records with phone_e164 and phone_problem; each number is read once per country it is given with."""
    numbers = records.select(
        pl.when(pl.col("phone").is_not_null()).then(
            pl.concat_str("phone", pl.col("country").fill_null(""), separator=_SEPARATOR)
        )
    ).to_series()
    return records.with_columns(
        map_distinct(numbers, _e164, pl.String()).alias("phone_e164"),
        map_distinct(numbers, _phone_problem, pl.String()).alias("phone_problem"),
    )


def _e164(number: str) -> str | None:
    phone, _, country = number.partition(_SEPARATOR)
    return normalise_phone(phone, country or None)


def _phone_problem(number: str) -> str | None:
    phone, _, country = number.partition(_SEPARATOR)
    if (wechat := _WECHAT.fullmatch(phone.strip())) is not None:
        return None if _WECHAT_ID.fullmatch(wechat["id"].strip()) else "wechat"
    problem = phone_problem(phone, country or None)
    return None if problem in _HARMLESS else problem


def _reasons(records: pl.DataFrame, policy: Policy) -> dict[str, Reasons]:
    """What each check finds that asks no list, by check."""
    problems = PHONE_PROBLEMS | {"wechat": "It names a WeChat id that nobody can have."}
    email_wrong = map_distinct(records["email"], email_problem, pl.String())
    address = records.select(pl.when(email_wrong.is_null()).then("email")).to_series()
    # Some throw-away services live on misspelt names, and so do people who mistype.
    misspelt = map_distinct(records["email_domain"], _misspelt, pl.String())
    phone = records["phone_problem"]
    found = {
        "email_invalid": email_wrong,
        "sensitive_words": _sensitive(records, policy),
        "disposable_mail": _if_true(
            records["is_disposable_mail"] & email_wrong.is_null() & misspelt.is_null(),
            "Its e-mail address is thrown away after use.",
        ),
        "email_implausible": _if(address, is_made_up_address, "Its e-mail address is nobody's."),
        "email_misspelt": misspelt,
        **{
            check: phone.replace_strict(
                {name: problems[name] for name in several}, default=None, return_dtype=pl.String
            )
            for check, several in _PHONE_CHECKS.items()
        },
        "name_implausible": map_distinct(records["full_name"], _name_wrong, pl.String()),
        "company_implausible": _if(records["company_name"], is_made_up_company, "Its company is none."),
        "role_mail": _if(address, is_role_address, "Its e-mail address is a function's, not a person's."),
        "free_mail": _if_true(records["is_free_mail"], "Its e-mail address is a personal one."),
    }  # fmt: skip
    return found | {"made_up_contact": _made_up(found, policy.contact_checks.made_up_from)}


def _if(texts: pl.Series, is_so: Callable[[str], bool], reason: str) -> Reasons:
    return map_distinct(texts, lambda text: reason if is_so(text) else None, pl.String())


def _if_true(marks: pl.Series, reason: str) -> Reasons:
    return marks.to_frame("mark").select(pl.when("mark").then(pl.lit(reason))).to_series()


def _name_wrong(name: str) -> str | None:
    problem = name_problem(name)
    return None if problem in {None, "absent"} else NAME_PROBLEMS[problem]


def _misspelt(domain: str) -> str | None:
    meant = meant_domain(domain)
    return None if meant is None else f"Its e-mail domain is a misspelling of {meant}."


def _sensitive(records: pl.DataFrame, policy: Policy) -> Reasons:
    words = policy.sensitive_words
    finder = word_finder(words.words, words.allowed)
    told = [
        pl.format(
            "Its {} holds the sensitive word '{}'.", pl.lit(_FIELDS[name]), finder.find_all(records[name])
        )
        for name in _SEARCHED
    ]
    return records.select(pl.coalesce(told)).to_series()


def _made_up(found: dict[str, Reasons], minimum: int) -> Reasons:
    """Of each record the fields that look made up, where there are enough of them."""
    signs = pl.DataFrame(
        {
            field: reduce(or_, (found[check].is_not_null() for check in checks))
            for field, checks in _MADE_UP.items()
        }
    )
    names = pl.concat_str(
        [pl.when(field).then(pl.lit(field)) for field in _MADE_UP], separator=", ", ignore_nulls=True
    )
    return signs.select(
        pl.when(pl.sum_horizontal(*_MADE_UP) >= minimum).then(pl.format("Its {} look made up.", names))
    ).to_series()


def _listed(records: pl.DataFrame, lists: ContactLists) -> Iterator[pl.DataFrame]:
    """record_key, check, reason and known_at of what stands on a list."""
    for check, (kind, column, what) in _LISTED.items():
        values = lists.competitors if check.startswith("competitor") else lists.blocked
        entries = values.find(kind, records[column])
        if entries:
            yield (
                records.select("record_key", pl.col(column).alias("text"), record_known_at="known_at")
                .join(_entry_frame(entries, what), on="text", how="inner")
                .with_columns(
                    check=pl.lit(check), known_at=pl.max_horizontal("record_known_at", "entry_known_at")
                )
            )


def _entry_frame(entries: dict[str, Entry], what: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "text": list(entries),
            "reason": [f"Its {what} is on {entry.told}." for entry in entries.values()],
            "entry_known_at": [entry.known_at for entry in entries.values()],
        },
        schema={"text": pl.String, "reason": pl.String, "entry_known_at": _TIMESTAMP},
    )
