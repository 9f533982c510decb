"""The contact checks: what there is to find about one lead record, by rules that policy.yaml names.

Belongs here: rules on one normalised record. Does not belong here: what raw landing already refuses (a row without a
key or a moment), what follows from a finding (records.py), and a bot's clicks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_

import polars as pl

from leadflow.clean.lists import ContactLists, Entry
from leadflow.contact_policy import CHECKS
from leadflow.policy import Policy
from leadflow.text.made_up import meant_domain
from leadflow.text.persons import NAME_PROBLEMS
from leadflow.text.phones import PHONE_PROBLEMS
from leadflow.text.sensitive import word_finder
from leadflow.text.vectors import map_distinct
from leadflow.text.wechat import WECHAT_PROBLEM

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

_PHONE_CHECKS = {
    "phone_fake": ("fake",),
    "phone_invalid": ("not_a_number", "too_short", "too_long", "wechat"),
    "phone_unassigned": ("invalid",),
}
Reasons = pl.Series
"""One text per record, String: what was found, as a sentence that does not repeat the value; null where nothing was."""


def find_in_records(records: pl.DataFrame, policy: Policy, lists: ContactLists) -> pl.DataFrame:
    """`FINDING_COLUMNS`: everything that the checks find, by record and severity (0 is the most severe).

    Args:
        records: record_key, email, full_name, company_name, title, ip_address, known_at, normalised, and, derived,
            email_domain, is_free_mail, is_disposable_mail, company_key and what `derived.read_fields` gives; one row
            per record_key.
        policy: says which checks there are and what they do; one that is off finds nothing.
        lists: as known at the refresh's moment.

    known_at is when the finding could be known: for a list's entry its own moment or the record's, whichever is later.
    """
    reasons = _reasons(records, policy)
    found = [
        records.select("record_key", "known_at", reason=each)
        .drop_nulls("reason")
        .with_columns(check=pl.lit(check))
        for check, each in reasons.items()
    ]
    found += _listed(records, lists)
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


def _reasons(records: pl.DataFrame, policy: Policy) -> dict[str, Reasons]:
    """What each check finds that asks no list, by check."""
    phone_problems = {str(name): told for name, told in PHONE_PROBLEMS.items()} | {"wechat": WECHAT_PROBLEM}
    name_problems = {str(name): told for name, told in NAME_PROBLEMS.items() if name != "absent"}
    is_right = records["email_problem"].is_null()
    # Some throw-away services live on misspelt names, and so do people who mistype.
    misspelt = map_distinct(records["email_domain"], _misspelt, pl.String())
    found = {
        "email_invalid": records["email_problem"],
        "sensitive_words": _sensitive(records, policy),
        "disposable_mail": _if_true(
            records["is_disposable_mail"] & is_right & misspelt.is_null(),
            "Its e-mail address is thrown away after use.",
        ),
        "email_implausible": _if_true(records["is_made_up_mail"], "Its e-mail address is nobody's."),
        "email_misspelt": misspelt,
        **{
            check: _told(records["phone_problem"], {name: phone_problems[name] for name in several})
            for check, several in _PHONE_CHECKS.items()
        },
        "wechat_invalid": records["wechat_problem"],
        "name_implausible": _told(records["name_problem"], name_problems),
        "company_implausible": _if_true(records["is_made_up_company"], "Its company is none."),
        "role_mail": _if_true(records["is_role_mail"], "Its e-mail address is a function's, not a person's."),
        "free_mail": _if_true(records["is_free_mail"], "Its e-mail address is a personal one."),
    }
    return found | {"made_up_contact": _made_up(found, policy.contact_checks.made_up_from)}


def _told(problems: pl.Series, sentences: Mapping[str, str]) -> Reasons:
    return problems.replace_strict(sentences, default=None, return_dtype=pl.String)


def _if_true(marks: pl.Series, reason: str) -> Reasons:
    return marks.to_frame("mark").select(pl.when("mark").then(pl.lit(reason))).to_series()


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
