"""The texts of a lead record's fields: name, e-mail, phone and company, as each is given in one guise.

Belongs here: texts that follow from a person, a company and a kind of mess. Does not belong here: how often a kind comes
(guises.py). E-mail addresses use no random stream, since several files have to write the same one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import mess_words as mess
from leadflow.demo import words as w
from leadflow.demo.columns import Floats, Ints, frame, nested_words, words
from leadflow.demo.companies import Companies
from leadflow.demo.guises import COMPANY_KINDS, EMAIL_KINDS, NAME_KINDS, PHONE_KINDS, Guises, Movers
from leadflow.demo.people import People, mobile_numbers
from leadflow.demo.typos import misheard, misspelt

_CHARACTERS, _PINYIN = zip(
    *(pair.split(":") for pair in (*w.CHINESE_SURNAMES, *w.CHINESE_SYLLABLES)), strict=True
)

_PRIME = 9_999_991
"""More than there are people: multiplying by less and taking the rest gives each of them a number of their own."""
_ADDRESS_SALTS = {"at_work": 1_234_567, "at_home": 2_345_678, "anywhere": 3_456_789}


def company_of(guises: Guises, rows: Ints, people: People, movers: Movers) -> Ints:
    """Index of the company that each record's person works at, at that moment."""
    person = guises.person[rows]
    return np.where(guises.is_moved[rows], movers.company[person], people.company[person])


def names(rng: np.random.Generator, guises: Guises, rows: Ints, people: People) -> pl.Series:
    """Names as given in the records at `rows`."""
    person, count = guises.person[rows], len(rows)
    full = people.full_name.gather(person)
    where = rng.random(count)
    columns = frame(
        {
            "kind": guises.kinds["name"][rows],
            "full": full,
            "is_chinese": people.country[person] == w.CHINA,
            "misspelt": misspelt(full, where),
            "misheard": misheard(full),
            "address": words(mess.CHINESE_ADDRESSES, rng.integers(0, len(mess.CHINESE_ADDRESSES), count)),
            "junk": words(mess.JUNK_NAMES, rng.integers(0, len(mess.JUNK_NAMES), count)),
            "sensitive": words(mess.SENSITIVE_WORDS, rng.integers(0, len(mess.SENSITIVE_WORDS), count)),
        }
    ).with_columns(
        first=pl.when("is_chinese").then(pl.col("full").str.slice(1)).otherwise(pl.col("full").str.extract(r"^(\S+)")),
        last=pl.when("is_chinese").then(pl.col("full").str.head(1)).otherwise(pl.col("full").str.extract(r"(\S+)$")),
    )  # fmt: skip
    first, last, full_name, is_chinese = (pl.col(name) for name in ("first", "last", "full", "is_chinese"))
    nickname = first.replace_strict(list(mess.NICKNAMES), list(mess.NICKNAMES.values()), default=None)
    initial = pl.format("{}. {}", first.str.head(1), last)
    called = pl.col("address").str.replace("{}", last, literal=True)
    latin = pl.concat_str(_pinyin(first), _pinyin(last), separator=" ")
    return _by_kind(
        columns,
        NAME_KINDS,
        {
            "as_is": full_name,
            "lower_case": full_name.str.to_lowercase(),
            "upper_case": full_name.str.to_uppercase(),
            "family_name_first": pl.when(is_chinese)
            .then(pl.format("{} {}", first, last))
            .otherwise(pl.format("{}, {}", last, first)),
            "nickname": pl.when(is_chinese)
            .then(called)
            .otherwise(pl.format("{} {}", nickname, last).fill_null(initial)),
            "initial": pl.when(is_chinese).then(called).otherwise(initial),
            "other_script": pl.when(is_chinese).then(latin).otherwise(pl.format("Dr. {}", full_name)),
            "misspelt": pl.when(is_chinese).then("misheard").otherwise("misspelt"),
            "not_a_name": pl.col("junk"),
            "sensitive": pl.col("sensitive"),
        },
    )


def emails(guises: Guises, rows: Ints, people: People, companies: Companies, movers: Movers) -> pl.Series:
    """Addresses as given in the records at `rows`; null where none is. The same on every call."""
    person = guises.person[rows]
    company = company_of(guises, rows, people, movers)
    pick = (rows * 2_654_435_761) % 1_000_003 / 1_000_003
    own = people.email.gather(person)
    providers = (*w.FREE_MAIL_DOMAINS[:4], *w.CHINESE_FREE_MAIL_DOMAINS)
    is_chinese = people.country[person] == w.CHINA
    provider = np.where(is_chinese, 4 + person % 3, person % 4)
    columns = frame(
        {
            "kind": guises.kinds["email"][rows],
            "own": own,
            "number": person,
            "has_free_mail": people.has_free_mail[person],
            "is_moved": guises.is_moved[rows],
            "company_domain": companies.domain.gather(company),
            "provider": words(providers, provider),
            "throw_away": words(mess.DISPOSABLE_DOMAINS, rows % len(mess.DISPOSABLE_DOMAINS)),
            "junk_domain": words(mess.JUNK_DOMAINS, rows % len(mess.JUNK_DOMAINS)),
            "role": words(mess.ROLES, (pick * len(mess.ROLES)).astype(np.int64)),
            "misspelt": misspelt(own.str.extract("^([^@]+)"), pick),
            "form": (pick * 4_999).astype(np.int64) % 5,
        }
    ).with_columns(local=pl.col("own").str.extract("^([^@]+)"), domain=pl.col("own").str.extract("@(.+)$"))
    # An underscore and a number that is the person's alone and another for each address: no other person's address is
    # like it, and nothing but the name connects a person's addresses.
    own_numbers = {name: (person * 7_919 + salt) % _PRIME for name, salt in _ADDRESS_SALTS.items()}
    columns = columns.with_columns(pl.Series(name, numbers) for name, numbers in own_numbers.items())
    work = pl.format("{}_{}@{}", "local", "at_work", "company_domain")
    private = pl.format("{}_{}@{}", "local", "at_home", "provider")
    columns = columns.with_columns(
        own=pl.when(pl.col("is_moved") & ~pl.col("has_free_mail")).then(work).otherwise("own")
    )
    typo_domain = pl.col("domain").replace_strict(
        list(mess.MAIL_DOMAIN_TYPOS), list(mess.MAIL_DOMAIN_TYPOS.values()), default=None
    )
    return _by_kind(
        columns,
        EMAIL_KINDS,
        {
            "own": pl.col("own"),
            "untidy": _untidy(pl.col("own"), pl.col("form")),
            "other": pl.when("has_free_mail").then(work).otherwise(private),
            "misspelt": pl.format("{}@{}", "local", typo_domain).fill_null(
                pl.format("{}@{}", "misspelt", "domain")
            ),
            "role": pl.format("{}@{}", "role", "company_domain"),
            "disposable": pl.format("{}_{}@{}", "local", "anywhere", "throw_away"),
            "tagged": pl.col("own").str.replace("@", "+news@", literal=True),
            "invalid": _invalid(pl.col("own"), pl.col("form")),
            "missing": pl.lit(None, dtype=pl.String),
            "nonsense": pl.format("test{}@{}", "number", "junk_domain"),
        },
    )


def phones(
    rng: np.random.Generator, guises: Guises, rows: Ints, people: People, companies: Companies, movers: Movers
) -> pl.Series:
    """Numbers as given in the records at `rows`, in several ways to write one; null where none is."""
    person, count = guises.person[rows], len(rows)
    company = company_of(guises, rows, people, movers)
    columns = frame(
        {
            "kind": guises.kinds["phone"][rows],
            "own": people.phone.gather(person),
            # The second number is as steady as the first: a person's number decides on it.
            "other": mobile_numbers(people.country[person], _steady(person, 5), _steady(person, 7)),
            "switchboard": mobile_numbers(companies.country[company], _steady(company, 3), _steady(company, 4)),
            "fake": words(mess.FAKE_PHONES, rng.integers(0, len(mess.FAKE_PHONES), count)),
            "invalid": words(mess.INVALID_PHONES, rng.integers(0, len(mess.INVALID_PHONES), count)),
            "letters": people.email.gather(person).str.extract("^([a-z]{1,10})").fill_null("id"),
            "number": person.astype(np.int64) + 100_000,  # WeChat gives an id to one account only
            "form": rng.integers(0, 6, count),
        }
    )  # fmt: skip
    return _by_kind(
        columns,
        PHONE_KINDS,
        {
            "own": _written(pl.col("own"), pl.col("form")),
            "missing": pl.lit(None, dtype=pl.String),
            "other": _written(pl.col("other"), pl.col("form")),
            "switchboard": _written(pl.col("switchboard"), pl.col("form")),
            "fake": pl.col("fake"),
            "invalid": pl.col("invalid"),
            "wechat_id": pl.format("wx: {}{}", "letters", "number"),
        },
    )


def company_names(
    rng: np.random.Generator, guises: Guises, rows: Ints, people: People, companies: Companies, movers: Movers
) -> pl.Series:
    """Companies as given in the records at `rows`; null where none is."""
    company, count = company_of(guises, rows, people, movers), len(rows)
    country = companies.country[company]
    short = companies.short_name.gather(company)
    where = rng.random(count)
    columns = frame(
        {
            "kind": guises.kinds["company"][rows],
            "is_chinese": country == w.CHINA,
            "short": short,
            "full": companies.company_name.gather(company),
            "brand": companies.brand_name.gather(company),
            "core": companies.core_name.gather(company),
            "place": nested_words(mess.PLACES, country, rng.random(count)),
            "form": nested_words(mess.LEGAL_FORM_VARIANTS, country, where),
            "misspelt": misspelt(short, where),
            "misheard": misheard(short),
            "junk": words(mess.JUNK_COMPANIES, rng.integers(0, len(mess.JUNK_COMPANIES), count)),
            "sensitive": words(mess.SENSITIVE_WORDS, rng.integers(0, len(mess.SENSITIVE_WORDS), count)),
        }
    )
    is_chinese = pl.col("is_chinese")
    return _by_kind(
        columns,
        COMPANY_KINDS,
        {
            "short": pl.col("short"),
            "full": pl.col("full"),
            "missing": pl.lit(None, dtype=pl.String),
            "upper_case": pl.col("short").str.to_uppercase(),
            "brand": pl.col("brand"),
            "core": pl.col("core"),
            # A Chinese place goes into brackets behind the core of the name, another one behind it.
            "with_place": pl.when(is_chinese)
            .then(pl.format("{}（{}）有限公司", "core", pl.col("short").str.head(2)))
            .otherwise(pl.format("{} {}", "core", "place")),
            "other_legal_form": pl.when(is_chinese)
            .then(pl.format("{}{}", "short", "form"))
            .otherwise(pl.format("{} {}", "short", "form")),
            "misspelt": pl.when(is_chinese).then("misheard").otherwise("misspelt"),
            "not_a_company": pl.col("junk"),
            "sensitive": pl.format("{} {}", "short", "sensitive"),
        },
    )


def _by_kind(columns: pl.DataFrame, kinds: tuple[str, ...], texts: dict[str, pl.Expr]) -> pl.Series:
    """Of each row the text of its kind."""
    chosen = pl.coalesce(pl.when(pl.col("kind") == code).then(texts[kind]) for code, kind in enumerate(kinds))
    return columns.select(chosen).to_series()


def _steady(number: Ints, salt: int) -> Floats:
    """A fraction that is always the same for a number."""
    result: Floats = (number * 40_503 + salt * 7_919) % 10_007 / 10_007
    return result


def _pinyin(characters: pl.Expr) -> pl.Expr:
    return characters.str.replace_many(list(_CHARACTERS), list(_PINYIN)).str.to_titlecase()


def _untidy(email: pl.Expr, form: pl.Expr) -> pl.Expr:
    return (
        pl.when(form == 0)
        .then(email.str.to_uppercase())
        .when(form == 1)
        .then(pl.format(" {}", email))
        .when(form == 2)
        .then(pl.format("{}  ", email))
        .otherwise(email.str.head(1).str.to_uppercase() + email.str.slice(1))
    )


def _invalid(email: pl.Expr, form: pl.Expr) -> pl.Expr:
    return (
        pl.when(form == 0)
        .then(email.str.replace("@.*$", "@"))
        .when(form == 1)
        .then(email.str.replace("^(.)", "$1 "))
        .when(form == 2)
        .then(pl.lit("n/a"))
        .when(form == 3)
        .then(email.str.replace("@", ".", literal=True))
        .otherwise(email.str.replace("@", "@@", literal=True))
    )


def _written(number: pl.Expr, form: pl.Expr) -> pl.Expr:
    return (
        pl.when(form == 3)
        .then(number.str.replace_all(" ", "", literal=True))
        .when(form == 4)
        .then(number.str.replace("+", "00", literal=True))
        .when(form == 5)
        .then(number.str.replace_all(" ", "-", literal=True))
        .otherwise(number)
    )
