"""The policy of contact checks: what each check does, and the lists that they look values up in.

Belongs here: the settings contact_checks, sensitive_words, blocklist, competitors and release of policy.yaml. Does not
belong here: the checks themselves (clean/), and points for what they find (policy.py).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
)

from leadflow.config_files import Document, unquoted_off
from leadflow.errors import ConfigError

_EFFECTS = ("reject", "flag", "score_down", "off")
Effect = Annotated[
    Literal["reject", "flag", "score_down", "off"],
    BeforeValidator(unquoted_off),
    WithJsonSchema({"enum": [*_EFFECTS, False]}),
]
Entry = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

_SETTINGS = ConfigDict(extra="forbid", frozen=True)


class ContactChecks(BaseModel):
    """What each contact check does with a lead record that it finds something about; most severe first.

    reject: the record goes to clean.rejected_leads and no further. flag: it is named in clean_leads.contact_flags.
    score_down: flagged, and the scoring rules take points: personal_mail for free_mail, competitor for the two
    competitor checks, suspect_contact for every other. off: not looked at.

    Attributes:
        blocklisted_email: the e-mail address is on the blocklist.
        blocklisted_phone: the phone number is.
        blocklisted_domain: the domain of the e-mail address is, or one it is a subdomain of.
        blocklisted_company: the company is, by its key.
        blocklisted_ip: the form was sent from a blocked range of addresses.
        email_invalid: the text is no e-mail address by its syntax; it is left out where the record goes on.
        sensitive_words: name, company or title hold one of sensitive_words.
        made_up_contact: at least `made_up_from` of name, e-mail, phone and company look made up.
        competitor_domain: the e-mail address is a competitor's.
        competitor_ip: the form was sent from a competitor's addresses.
        disposable_mail: mailboxes at the domain are thrown away after use.
        email_implausible: right by its syntax and nobody's, as test@test.com.
        email_misspelt: the domain is a common misspelling of a mail provider's, as gmial.com.
        phone_fake: digits typed for the form's sake, as 12345678901.
        phone_invalid: no phone number of its country.
        phone_unassigned: right in length, in a range that is not given out.
        wechat_invalid: the WeChat field holds no id that WeChat allows, nor a number in its place.
        name_implausible: no person's name, as asdf or 测试.
        company_implausible: no company's name, as test or 公司.
        role_mail: the mailbox is a function's and no person's, as info@.
        free_mail: anyone can have a mailbox at the domain.
        made_up_from: fields, 1 to 4, that have to look made up for made_up_contact.
    """

    model_config = _SETTINGS

    blocklisted_email: Effect = "reject"
    blocklisted_phone: Effect = "reject"
    blocklisted_domain: Effect = "reject"
    blocklisted_company: Effect = "reject"
    blocklisted_ip: Effect = "reject"
    email_invalid: Effect = "reject"
    sensitive_words: Effect = "reject"
    made_up_contact: Effect = "reject"
    competitor_domain: Effect = "score_down"
    competitor_ip: Effect = "score_down"
    disposable_mail: Effect = "flag"
    email_implausible: Effect = "flag"
    email_misspelt: Effect = "flag"
    phone_fake: Effect = "flag"
    phone_invalid: Effect = "flag"
    phone_unassigned: Effect = "flag"
    wechat_invalid: Effect = "flag"
    name_implausible: Effect = "flag"
    company_implausible: Effect = "flag"
    role_mail: Effect = "flag"
    free_mail: Effect = "score_down"
    made_up_from: Annotated[int, Field(strict=True, ge=1, le=4)] = 2

    def effect(self, check: str) -> str:
        """What the check of this name does, one of reject, flag, score_down and off."""
        return str(getattr(self, check))


CHECKS = tuple(name for name in ContactChecks.model_fields if name != "made_up_from")
"""Names of the contact checks, most severe first."""


class SensitiveWords(BaseModel):
    """What no lead's name, company or title holds; found in any case, full width, spaced or dotted.

    Attributes:
        words: words or phrases. Latin letters and digits are found as whole words, Chinese anywhere.
        files: more words, one a line, `#` begins a comment; UTF-8, looked for beside policy.yaml.
        allowed: phrases that hold such a word and are all right, such as 文博彩印 for 博彩.
    """

    model_config = _SETTINGS

    words: tuple[Entry, ...] = (
        *("casino", "viagra", "cialis", "porn", "escort service", "free iphone", "payday loan", "replica watches"),
        *("代开发票", "代開發票", "开发票", "办证", "辦證", "博彩", "赌博", "賭博", "娱乐城", "娛樂城", "六合彩", "时时彩"),
        *("裸聊", "约炮", "色情", "刷单", "套现", "高利贷", "代孕", "迷药", "枪支"),
    )  # fmt: skip
    files: tuple[Entry, ...] = ()
    allowed: tuple[Entry, ...] = (
        *("groupe casino", "casino guichard", "文博彩印", "博彩印", "博彩虹", "办证券", "代开发票据软件"),
    )

    @field_validator("words")
    @classmethod
    def _hold_letters(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            if sum(map(str.isalnum, word)) < 2:
                raise ValueError(f"'{word}' is too short: it would be found nearly everywhere")
        return words


def _domains(values: Iterable[str]) -> tuple[str, ...]:
    tidy = tuple(domain.strip().lower() for domain in values)
    for domain in tidy:
        if "." not in domain.strip(".") or "@" in domain or "/" in domain or " " in domain:
            raise ValueError(f"'{domain}' is not a domain such as rival.com")
    return _once(tidy, "domain")


def _once(values: tuple[str, ...], what: str) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"a {what} is listed twice")
    return values


def ip_range(text: str) -> tuple[int, int, int]:
    """IP version, first and last address, as numbers, of '198.51.100.7', '198.51.100.0/24' or '198.51.100.1-198.51.100.9'.

    Raises:
        ValueError: the text is no such range.
    """
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if dash:
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        else:
            network = ipaddress.ip_network(first, strict=False)
            low, high = network.network_address, network.broadcast_address
        if low.version == high.version and int(low) <= int(high):
            return low.version, int(low), int(high)
    except ValueError:
        pass
    raise ValueError(f"'{text}' is not an IP address or range such as 198.51.100.0/24")


def _ip_ranges(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        ip_range(value)
    return _once(values, "range")


class Blocklist(BaseModel):
    """What is never worked as a lead, beside the source table blocklist; in force at any moment.

    Attributes:
        emails: e-mail addresses.
        domains: of e-mail addresses; subdomains are meant too.
        phones: phone numbers, with country code: '+49 30 901820'.
        companies: by any spelling of their name.
        ip_ranges: addresses that forms are sent from: 198.51.100.7, 198.51.100.0/24 or 198.51.100.1-198.51.100.9.
    """

    model_config = _SETTINGS

    emails: tuple[Entry, ...] = ()
    domains: tuple[Entry, ...] = ()
    phones: tuple[Entry, ...] = ()
    companies: tuple[Entry, ...] = ()
    ip_ranges: tuple[Entry, ...] = ()

    @field_validator("emails")
    @classmethod
    def _are_emails(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        for email in emails:
            if not all(email.partition("@")):
                raise ValueError(f"'{email}' is not an e-mail address")
        return _once(emails, "e-mail address")

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return _domains(domains)

    @field_validator("phones")
    @classmethod
    def _are_international(cls, phones: tuple[str, ...]) -> tuple[str, ...]:
        for phone in phones:
            if not phone.startswith(("+", "00")) or sum(map(str.isdigit, phone)) < 7:
                raise ValueError(
                    f"'{phone}' is not a phone number with country code, in quotes: '+49 30 901820'"
                )
        return _once(phones, "phone number")

    @field_validator("ip_ranges")
    @classmethod
    def _are_ranges(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        return _ip_ranges(ranges)


class Competitors(BaseModel):
    """Companies whose people are not leads.

    Attributes:
        domains: their e-mail domains, such as rival.com; subdomains are meant too.
        ip_ranges: addresses of their offices: 198.51.100.7, 198.51.100.0/24 or 198.51.100.1-198.51.100.9.
        blocklist_reasons: an entry of the source table blocklist with one of these reasons, a domain or range, names a
            competitor and blocks nobody.
    """

    model_config = _SETTINGS

    domains: tuple[str, ...] = ()
    ip_ranges: tuple[Entry, ...] = ()
    blocklist_reasons: tuple[Entry, ...] = ("competitor", "竞争对手", "竞品")

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return _domains(domains)

    @field_validator("ip_ranges")
    @classmethod
    def _are_ranges(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        return _ip_ranges(ranges)


def is_release(entry: str) -> bool:
    """Whether an entry of `release` names a lead record (mql:123, sql_leads:123) or an e-mail address."""
    return entry.startswith(("mql:", "sql_leads:")) or all(entry.partition("@"))


def with_files(words: SensitiveWords, document: Document) -> SensitiveWords:
    """The words with those of their files, so that a policy's version tells what is looked for.

    Raises:
        ConfigError: a file cannot be read, or holds a word that is none; the message names the line.
    """
    found = list(words.words)
    for index, name in enumerate(words.files):
        path = document.path.parent / Path(name)
        where = document.where("sensitive_words", "files", index)
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{where} names the file {path}, which cannot be read ({error})",
                "mend the name, or save the list as UTF-8, one word a line",
            ) from None
        for number, line in enumerate(lines, 1):
            word = line.partition("#")[0].strip()
            if word and sum(map(str.isalnum, word)) < 2:
                raise ConfigError(
                    f"{path}:{number} holds '{word}', which would be found nearly everywhere",
                    "use words of two letters or more",
                )
            found += [word] if word else []
    return words.model_copy(update={"words": tuple(dict.fromkeys(found))})
