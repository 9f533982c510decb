"""The people behind the leads: who they are, how much they want to buy, and whether they will.

Belongs here: identity, latent intent, the true probability of converting and the one draw that decides. Does not
belong here: what they do (journeys.py) and how sales handles them (sales.py).

A person's chance is logistic in fit (company size, industry, seniority, channel, country, private mail, whether the
company is of the planted ideal kind) plus a latent intent that nobody sees. One uniform number per person decides the whole funnel: the person becomes a CRM
lead if it is below p^0.4, gets an opportunity if below p^0.55 and converts if below p, so that conversion is one
Bernoulli draw with exactly p. Behaviour depends on intent only, never on the draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import Bools, Floats, Ints, blank, choose, frame, nested_words, sigmoid, words
from leadflow.demo.companies import INDUSTRIES, Companies
from leadflow.demo.drift import drift_points

# Logit points. The sizes are chosen so that the true probability separates converters with an AUC of 0.80-0.85
# while about 11 % convert, which is what a healthy B2B funnel with an informative form looks like.
BASE_LOGIT = -3.2
INTENT_WEIGHT = 1.15
SIZE_WEIGHT = 0.55
INDUSTRY_POINTS = {
    "Technology": 0.45,
    "Finance": 0.35,
    "Manufacturing": 0.1,
    "Logistics": 0.1,
    "Healthcare": 0.0,
    "Energy": -0.1,
    "Media": -0.2,
    "Retail": -0.35,
    "Education": -0.6,
    "Government": -0.5,
}
SENIORITY_POINTS = (0.55, 0.5, 0.15, -0.25, -1.6)
CHANNEL_POINTS = (0.1, 0.15, -0.45, 0.35, -0.65, 0.2, 0.7, -0.1)
COUNTRY_POINTS = (0.2, 0.15, 0.1, 0.0, 0.0, -0.3, 0.1, 0.1, -0.3)
FREE_MAIL_POINTS = -0.45
IDEAL_POINTS = 1.8
"""People of companies that are the ideal customer (companies.py): their odds are six times those of the others."""
CRM_EXPONENT = 0.4
OPPORTUNITY_EXPONENT = 0.55
MEDIAN_DAYS_TO_CLOSE = 25.0
_SPREAD_OF_DAYS_TO_CLOSE = 0.7  # standard deviation of the logarithm
_MOBILE_PREFIXES = (
    ("212", "312", "415", "617", "713"),
    ("1511", "1522", "1573", "1601", "1709"),
    ("7400", "7500", "7700", "7911"),
    ("138", "139", "150", "186", "188"),
    ("61", "62", "66", "68"),
    ("98", "99", "97", "88"),
    ("416", "514", "604", "403"),
    ("61", "62", "63", "65"),
    ("119", "219", "319", "519"),
)
"""First digits of mobile numbers, by country; in North America area codes."""
_SUBSCRIBER_DIGITS = (7, 7, 6, 8, 7, 8, 7, 7, 8)
"""Digits that follow the prefix, by country."""


@dataclass(frozen=True)
class People:
    """Arrays and columns with one item per person.

    Attributes:
        company: index of the company; seniority, country, channel: indexes into the lists of words.py.
        full_name, title, phone: as the person writes them at their best; email: unique and valid.
        has_free_mail: the address is of a free-mail provider.
        intent: latent, standard normal; probability: of converting.
        is_crm_lead, is_opportunity, is_converted: how far the one draw carries the person, time permitting.
        days_to_close: from the first contact to a won deal, were there one.
        fake: index into fakes.FAKES, 0 where the person is what they seem; nobody else ever converts.
    """

    company: Ints
    seniority: Ints
    country: Ints
    channel: Ints
    full_name: pl.Series
    email: pl.Series
    phone: pl.Series
    title: pl.Series
    has_free_mail: Bools
    intent: Floats
    probability: Floats
    is_crm_lead: Bools
    is_opportunity: Bools
    is_converted: Bools
    days_to_close: Floats
    fake: Ints

    def __len__(self) -> int:
        """Number of people."""
        return len(self.company)


def make_people(
    rng: np.random.Generator,
    count: int,
    companies: Companies,
    fake: Ints | None = None,
    moment: Floats | None = None,
) -> People:
    """`count` people at the companies, large companies sending more of them.

    Args:
        rng: of this step.
        count: of people.
        companies: where they work.
        fake: per person, index into fakes.FAKES; none where left out. Who is fake, works for a competitor or for a
            blocklisted company never converts.
        moment: per person, when in the period the first contact is, 0 to 1, where what converts drifts (drift.py).
    """
    fake = np.zeros(count, dtype=np.int64) if fake is None else fake
    company = choose(rng, companies.demand, count)
    country = companies.country[company]
    seniority = choose(rng, w.SENIORITY_WEIGHTS, count)
    channel = choose(rng, w.CHANNEL_WEIGHTS, count)
    has_free_mail = rng.random(count) < 0.25
    intent = rng.normal(size=count)
    drifted = 0.0 if moment is None else drift_points(moment, channel, companies.company_size[company])
    is_in_play = (fake == 0) & (companies.standing[company] == 0)
    probability = is_in_play * sigmoid(
        fit_logit(
            companies.company_size[company],
            companies.industry[company],
            seniority,
            channel,
            country,
            has_free_mail,
        )
        + IDEAL_POINTS * companies.is_ideal[company]
        + INTENT_WEIGHT * intent
        + drifted
    )
    draw = rng.random(count)
    full_name, local_part = _names(rng, company, country == w.CHINA)
    return People(
        company=company,
        seniority=seniority,
        country=country,
        channel=channel,
        full_name=full_name,
        email=_emails(rng, local_part, companies.domain.gather(company), has_free_mail, country == w.CHINA),
        phone=mobile_numbers(country, rng.random(count), rng.random(count)),
        title=_titles(rng, seniority, country == w.CHINA),
        has_free_mail=has_free_mail,
        intent=intent,
        probability=probability,
        is_crm_lead=draw < probability**CRM_EXPONENT,
        is_opportunity=draw < probability**OPPORTUNITY_EXPONENT,
        is_converted=draw < probability,
        days_to_close=MEDIAN_DAYS_TO_CLOSE * np.exp(_SPREAD_OF_DAYS_TO_CLOSE * rng.normal(size=count)),
        fake=fake,
    )


def fit_logit(
    company_size: Ints, industry: Ints, seniority: Ints, channel: Ints, country: Ints, has_free_mail: Bools
) -> Floats:
    """Logit of converting at average intent, less what an ideal company is worth; company_size in employees, the rest
    indexes and flags."""
    industry_points = np.array([INDUSTRY_POINTS[name] for name in INDUSTRIES])
    # Ten times as many employees are worth SIZE_WEIGHT points, from 10 to 10,000 employees.
    size_points = SIZE_WEIGHT * (np.clip(np.log10(company_size), 1.0, 4.0) - 2.2)
    result: Floats = (
        BASE_LOGIT
        + size_points
        + industry_points[industry]
        + np.array(SENIORITY_POINTS)[seniority]
        + np.array(CHANNEL_POINTS)[channel]
        + np.array(COUNTRY_POINTS)[country]
        + FREE_MAIL_POINTS * has_free_mail
    )
    return result


def _names(rng: np.random.Generator, company: Ints, is_chinese: Bools) -> tuple[pl.Series, pl.Series]:
    """Full names, and the local parts of e-mail addresses in the company's own pattern."""
    count = len(company)
    surnames, surname_pinyin = zip(*(pair.split(":") for pair in w.CHINESE_SURNAMES), strict=True)
    syllables, pinyin = zip(*(pair.split(":") for pair in w.CHINESE_SYLLABLES), strict=True)
    surname = choose(rng, np.arange(1.0, len(surnames) + 1.0) ** -0.5, count)
    one, two = (rng.integers(0, len(syllables), count) for _ in range(2))
    has_two = rng.random(count) < 0.7
    first, last = rng.integers(0, len(w.FIRST_NAMES), count), rng.integers(0, len(w.LAST_NAMES), count)
    parts = frame(
        {
            "is_chinese": is_chinese,
            "pattern": company % 3,
            "first": words(w.FIRST_NAMES, first),
            "last": words(w.LAST_NAMES, last),
            "surname": words(surnames, surname),
            "given": words(syllables, one) + words(("", *syllables), np.where(has_two, two + 1, 0)),
            "surname_pinyin": words(surname_pinyin, surname),
            "given_pinyin": words(pinyin, one) + words(("", *pinyin), np.where(has_two, two + 1, 0)),
        }
    ).with_columns(
        full_name=pl.when("is_chinese")
        .then(pl.col("surname") + pl.col("given"))
        .otherwise(pl.format("{} {}", "first", "last")),
        given_latin=pl.when("is_chinese").then("given_pinyin").otherwise(pl.col("first").str.to_lowercase()),
        family_latin=pl.when("is_chinese")
        .then("surname_pinyin")
        .otherwise(pl.col("last").str.to_lowercase()),
    )
    local_part = parts.select(
        pl.when(pl.col("pattern") == 0)
        .then(pl.format("{}.{}", "given_latin", "family_latin"))
        .when(pl.col("pattern") == 1)
        .then(pl.format("{}{}", pl.col("given_latin").str.head(1), "family_latin"))
        .otherwise(pl.format("{}_{}", "family_latin", "given_latin"))
    ).to_series()
    return parts["full_name"], local_part


def _emails(
    rng: np.random.Generator,
    local_part: pl.Series,
    domain: pl.Series,
    has_free_mail: Bools,
    is_chinese: Bools,
) -> pl.Series:
    """Unique addresses: at the company, or at a free-mail provider."""
    count = len(local_part)
    western = choose(rng, w.FREE_MAIL_WEIGHTS, count)
    chinese = len(w.FREE_MAIL_DOMAINS) + rng.integers(0, len(w.CHINESE_FREE_MAIL_DOMAINS), count)
    provider = words(
        w.FREE_MAIL_DOMAINS + w.CHINESE_FREE_MAIL_DOMAINS,
        np.where(is_chinese, chinese, western),
        ~has_free_mail,
    )
    domain = provider.fill_null(domain)
    # Numbering goes by the whole address, so that only true namesakes at one domain get a number.
    rank = frame({"address": local_part + "@" + domain}).select(pl.col("address").cum_count().over("address"))
    number = pl.when(rank.to_series() > 1).then(rank.to_series().cast(pl.String)).otherwise(pl.lit(""))
    return local_part + pl.select(number).to_series() + "@" + domain


def mobile_numbers(country: Ints, prefix: Floats, subscriber: Floats) -> pl.Series:
    """Numbers such as +49 1511 2207781, in their countries' plans; `prefix` and `subscriber` (0 to 1) decide on the digits."""
    digits = np.array(_SUBSCRIBER_DIGITS)[country]
    number = (10 ** (digits - 1) * (2 + 7.999 * subscriber)).astype(np.int64)
    parts = {
        "code": words(w.COUNTRY_DIAL_CODES, country),
        "prefix": nested_words(_MOBILE_PREFIXES, country, prefix),
        "number": number,
    }
    return frame(parts).select(pl.format("+{} {} {}", "code", "prefix", "number")).to_series()


def _titles(rng: np.random.Generator, seniority: Ints, is_chinese: Bools) -> pl.Series:
    """Job titles of each seniority band; a tenth of Chinese leads write theirs in English."""
    count = len(seniority)
    english = nested_words(w.TITLES, seniority, rng.random(count))
    chinese = nested_words(w.CHINESE_TITLES, seniority, rng.random(count))
    return blank(chinese, ~is_chinese | (rng.random(count) < 0.1)).fill_null(english)
