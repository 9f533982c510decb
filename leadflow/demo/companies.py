"""The companies whose people fill in forms.

Belongs here: firmographics and names of companies. Does not belong here: people (people.py) and what the
companies buy (sales.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import Bools, Floats, Ints, choose, frame, ids, nested_words, number_repeats, words

INDUSTRIES = tuple(sorted({industry for _, industry in w.COMPANY_KINDS}))
_LISTED_FROM = 5_000


@dataclass(frozen=True)
class Companies:
    """Arrays and columns with one item per company.

    Attributes:
        company_name: full legal name; short_name: without the legal form, as people type it.
        domain: unique web domain.
        industry: index into INDUSTRIES; country: index into words.COUNTRY_LABELS.
        company_size: employees; is_listed: shares are traded.
        demand: relative number of leads the company sends.
    """

    company_name: pl.Series
    short_name: pl.Series
    domain: pl.Series
    industry: Ints
    country: Ints
    company_size: Ints
    is_listed: Bools
    demand: Floats

    def __len__(self) -> int:
        """Number of companies."""
        return len(self.company_size)


def make_companies(rng: np.random.Generator, count: int) -> Companies:
    """`count` companies; names do not repeat until the word lists are used up (about 180,000)."""
    country = choose(rng, w.COUNTRY_WEIGHTS, count)
    is_chinese = country == w.CHINA
    western_short, western_slug, western_industry = _western_names(rng, count)
    chinese_short, chinese_slug, chinese_industry = _chinese_names(rng, count)
    suffix = nested_words(w.COUNTRY_SUFFIXES, country, rng.random(count) ** 1.5)
    top_level = words(w.COUNTRY_DOMAINS, np.where(rng.random(count) < 0.4, 0, country))
    columns = frame(
        {
            "is_chinese": is_chinese,
            "western": western_short,
            "chinese": chinese_short,
            "slug": number_repeats(
                pl.select(
                    pl.when(pl.Series(is_chinese)).then(chinese_slug).otherwise(western_slug)
                ).to_series()
            ),
            "suffix": suffix,
            "top_level": top_level,
        }
    ).select(
        pl.when("is_chinese").then("chinese").otherwise("western").alias("short"),
        pl.when("is_chinese")
        .then(pl.format("{}{}", "chinese", "suffix"))
        .otherwise(pl.format("{} {}", "western", "suffix"))
        .alias("name"),
        pl.format("{}.{}", "slug", "top_level").alias("domain"),
    )
    # Heavy-tailed: half of the companies have fewer than 160 employees, a tenth more than 1,200.
    company_size = np.clip(np.exp(rng.normal(5.1, 1.55, count)), 2, 250_000).astype(np.int64)
    return Companies(
        company_name=columns["name"],
        short_name=columns["short"],
        domain=columns["domain"],
        industry=np.where(is_chinese, chinese_industry, western_industry),
        country=country,
        company_size=company_size,
        is_listed=(company_size > _LISTED_FROM) & (rng.random(count) < 0.6),
        demand=rng.gamma(1.5, 1.0, count) * company_size**0.3,
    )


def company_reference(rng: np.random.Generator, companies: Companies) -> pl.DataFrame:
    """The bought reference file: most of the companies (85 %), with few fields missing."""
    kept = np.flatnonzero(rng.random(len(companies)) < 0.85)
    return frame(
        {
            "Reference No": ids("R", kept),
            "Website": companies.domain.gather(kept),
            "Company": companies.company_name.gather(kept),
            "Sector": words(INDUSTRIES, companies.industry[kept], rng.random(len(kept)) < 0.03),
            "Employees": companies.company_size[kept],
            "Ownership": words(("private", "listed"), companies.is_listed[kept].astype(np.int64)),
            "Country of HQ": words([labels[0] for labels in w.COUNTRY_LABELS], companies.country[kept]),
        }
    )


def _distinct(rng: np.random.Generator, combinations: int, count: int) -> tuple[Ints, Ints]:
    """`count` numbers below `combinations` that repeat as late as possible, and how often each came before."""
    position = np.arange(count, dtype=np.int64)
    return rng.permutation(combinations)[position % combinations], position // combinations


def _western_names(rng: np.random.Generator, count: int) -> tuple[pl.Series, pl.Series, Ints]:
    """Short names ("Amberridge Logistics"), slugs for domains, and industries."""
    kinds, tails = len(w.COMPANY_KINDS), len(w.COMPANY_TAILS)
    combination, cycle = _distinct(rng, len(w.COMPANY_HEADS) * tails * kinds, count)
    kind = combination % kinds
    parts = frame(
        {
            "head": words(w.COMPANY_HEADS, combination // (kinds * tails)),
            "tail": words(w.COMPANY_TAILS, combination // kinds % tails),
            "kind": words([name for name, _ in w.COMPANY_KINDS], kind),
            "cycle": ids(" ", cycle + 1, width=1, missing=cycle == 0),
        }
    )
    short = parts.select(pl.format("{}{} {}{}", "head", "tail", "kind", pl.col("cycle").fill_null("")))
    slug = parts.select(pl.format("{}{}-{}", "head", "tail", "kind").str.to_lowercase())
    industry = np.array([INDUSTRIES.index(name) for _, name in w.COMPANY_KINDS], dtype=np.int64)
    return short.to_series(), slug.to_series(), industry[kind]


def _chinese_names(rng: np.random.Generator, count: int) -> tuple[pl.Series, pl.Series, Ints]:
    """Short names ("上海云杉科技"), slugs in pinyin, and industries."""
    kinds, tails, heads = len(w.CHINESE_KINDS), len(w.CHINESE_TAILS), len(w.CHINESE_HEADS)
    combination, _ = _distinct(rng, len(w.CHINESE_CITIES) * heads * tails * kinds, count)
    kind = combination % kinds
    head, tail = combination // (kinds * tails) % heads, combination // kinds % tails
    city = words(w.CHINESE_CITIES, combination // (kinds * tails * heads))
    names, pinyin = zip(*(pair.split(":") for pair in w.CHINESE_HEADS), strict=True)
    tail_names, tail_pinyin = zip(*(pair.split(":") for pair in w.CHINESE_TAILS), strict=True)
    short = city + words(names, head) + words(tail_names, tail) + words([k[0] for k in w.CHINESE_KINDS], kind)
    slug = words(pinyin, head) + words(tail_pinyin, tail) + words([k[1] for k in w.CHINESE_KINDS], kind)
    industry = np.array([INDUSTRIES.index(name) for _, _, name in w.CHINESE_KINDS], dtype=np.int64)
    return short, slug, industry[kind]
