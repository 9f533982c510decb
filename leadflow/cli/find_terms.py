"""What a person may have meant by the text they look for: an address, a number, a name, a company, an id.

Belongs here: reading the text. Does not belong here: looking it up (find_queries.py).

Everything is imported where it is needed: the command has a second, and each library takes its share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadflow.text.company_matching import CompanyAliases

_LONGEST = 300  # characters; beyond, it is no name, address or number
_MOST_DIGITS = 15  # of a phone number, ITU-T E.164
_FEWEST_DIGITS = 5
_ONLY_PHONE = re.compile(r"[\d\s+().,/\-–—:;#*转]*(?:ext|x|tel|phone|fon|mob|mobile|fax)?[\d\s+().,/\-–—:;#*转]*", re.IGNORECASE)  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9][\w.:#-]*")
_ONLY_ID = re.compile(r"[LA][0-9a-f]{16}|(?:mql|sql_leads):.+")


@dataclass(frozen=True)
class Terms:
    """A text as each thing that it may be; None or empty where it cannot be that.

    Attributes:
        text: as given, in one spelling.
        id: a lead id, account id, record key or record id.
        email: the whole address, normalised.
        mailbox: the mailbox it reaches.
        domain: of the address or web address, as its owner registered it.
        is_free_mail: whether anyone can have a mailbox at the domain, so that it stands for no company.
        phones: valid numbers, E.164.
        digits: what a number ends with, without country code or the zero before an area code.
        wechat_id: lower case.
        person_key: as of `text.persons`.
        company_keys: core keys, with that of the name an alias stands for.
    """

    text: str
    id: str | None = None
    email: str | None = None
    mailbox: str | None = None
    domain: str | None = None
    is_free_mail: bool = False
    phones: tuple[str, ...] = ()
    digits: str | None = None
    wechat_id: str | None = None
    person_key: str | None = None
    company_keys: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be looked for."""
        return not (self.id or self.mailbox or self.domain or self.digits or self.wechat_id or self.person_key or self.company_keys)  # fmt: skip


def read_terms(text: str, aliases: CompanyAliases | None = None) -> Terms:
    """What the text may be.

    Args:
        text: as typed.
        aliases: other names of companies.
    """
    from leadflow.text.values import is_absent, tidy

    written = tidy(text)[:_LONGEST]
    if is_absent(written):
        return Terms(written)
    if _ONLY_ID.fullmatch(written):
        return Terms(written, id=written)
    if "@" in written:
        return _address(written)
    digits = re.sub(r"\D", "", written)
    is_id = bool(digits) and _ID.fullmatch(written) is not None
    if len(digits) >= _FEWEST_DIGITS and _ONLY_PHONE.fullmatch(written):
        return _number(written, digits, is_id)
    return _name(written, aliases, is_id)


def _address(text: str) -> Terms:
    from leadflow.text.domains import registrable_domain
    from leadflow.text.emails import (
        email_domain,
        is_disposable_domain,
        is_free_mail_domain,
        mailbox,
        normalise_email,
    )

    email = normalise_email(text)
    domain = email_domain(email)
    is_free = domain is not None and (is_free_mail_domain(domain) or is_disposable_domain(domain))
    return Terms(
        text,
        email=email,
        mailbox=mailbox(email) or email,
        domain=None if domain is None else registrable_domain(domain) or domain,
        is_free_mail=is_free,
    )


def _number(text: str, digits: str, is_id: bool) -> Terms:
    from leadflow.text.phones import read_phones

    valid = tuple(number.e164 for number in read_phones(text).numbers if number.is_valid)
    national = digits.removeprefix("00").lstrip("0")[-_MOST_DIGITS:]
    return Terms(
        text,
        id=text if is_id else None,
        phones=valid,
        digits=national if len(national) >= _FEWEST_DIGITS else None,
    )


def _name(text: str, aliases: CompanyAliases | None, is_id: bool) -> Terms:
    from leadflow.text.company_matching import company_core_key
    from leadflow.text.domains import registrable_domain, web_domain
    from leadflow.text.persons import person_key
    from leadflow.text.wechat import normalise_wechat

    domain = None if " " in text else web_domain(text)
    if domain is not None:
        return Terms(
            text,
            id=text if is_id else None,
            domain=registrable_domain(domain) or domain,
            company_keys=_keys(company_core_key(text)),
        )
    meant = aliases.canonical(text) if aliases else text
    return Terms(
        text,
        id=text if is_id else None,
        wechat_id=normalise_wechat(text),
        person_key=person_key(text),
        company_keys=_keys(company_core_key(text), company_core_key(meant)),
    )


def _keys(*keys: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in keys if key))
