"""The companies whose people fill in forms.

Belongs here: firmographics and names of companies. Does not belong here: people (people.py) and what the
companies buy (sales.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import (
    Bools,
    Floats,
    Ints,
    blank,
    choose,
    frame,
    ids,
    nested_words,
    number_repeats,
    words,
)
from leadflow.demo.mess_words import BRAND_ENDS, CHINESE_BRAND_ENDS

INDUSTRIES = tuple(sorted({industry for _, industry in w.COMPANY_KINDS}))
STANDINGS = ("ordinary", "competitor", "blocklisted_by_domain", "blocklisted_by_company")
"""What a company is to the one that sells; all but the first only where the simulation is messy."""
_SPECIAL_SHARES = (0.004, 0.002, 0.002)
_LISTED_FROM = 5_000
IDEAL_INDUSTRY = "Manufacturing"
IDEAL_SIZES = (200, 2_000)
"""Of the ideal customer, planted for the ideal customer profile to find: employees from, and below. What it is worth
stands in people.py; neither the industry alone nor the size alone is worth as much."""


@dataclass(frozen=True)
class Companies:
    """Arrays and columns with one item per company.

    Attributes:
        company_name: full legal name; short_name: without the legal form, as people type it; brand_name: what it
            calls itself on its products; core_name: the short name without a place.
        domain: unique web domain.
        industry: index into INDUSTRIES; country: index into words.COUNTRY_LABELS.
        company_size: employees; is_listed: shares are traded.
        demand: relative number of leads the company sends.
        standing: index into STANDINGS, ordinary where the company is nothing else.
    """

    company_name: pl.Series
    short_name: pl.Series
    brand_name: pl.Series
    core_name: pl.Series
    domain: pl.Series
    industry: Ints
    country: Ints
    company_size: Ints
    is_listed: Bools
    demand: Floats
    standing: Ints

    def __len__(self) -> int:
        """Number of companies."""
        return len(self.company_size)

    @property
    def is_ideal(self) -> Bools:
        """Whether each is of the kind that buys most readily."""
        least, below = IDEAL_SIZES
        is_of_size = (self.company_size >= least) & (self.company_size < below)
        ideal: Bools = is_of_size & (self.industry == INDUSTRIES.index(IDEAL_INDUSTRY))
        return ideal


def make_companies(rng: np.random.Generator, count: int, is_messy: bool = True) -> Companies:
    """`count` companies; names do not repeat until the word lists are used up (about 180,000).

    Where `is_messy`, some are competitors or on the blocklist, at least one of each.
    """
    country = choose(rng, w.COUNTRY_WEIGHTS, count)
    is_chinese = country == w.CHINA
    western_names, western_slug, western_industry = _western_names(rng, count)
    chinese_names, chinese_slug, chinese_industry = _chinese_names(rng, count)
    suffix = nested_words(w.COUNTRY_SUFFIXES, country, rng.random(count) ** 1.5)
    top_level = words(w.COUNTRY_DOMAINS, np.where(rng.random(count) < 0.4, 0, country))
    columns = frame(
        {
            "is_chinese": is_chinese,
            **{f"western_{kind}": names for kind, names in western_names.items()},
            **{f"chinese_{kind}": names for kind, names in chinese_names.items()},
            "slug": number_repeats(
                pl.select(
                    pl.when(pl.Series(is_chinese)).then(chinese_slug).otherwise(western_slug)
                ).to_series()
            ),
            "suffix": suffix,
            "top_level": top_level,
        }
    ).select(
        *(
            pl.when("is_chinese").then(f"chinese_{kind}").otherwise(f"western_{kind}").alias(kind)
            for kind in western_names
        ),
        pl.when("is_chinese")
        .then(pl.format("{}{}", "chinese_short", "suffix"))
        .otherwise(pl.format("{} {}", "western_short", "suffix"))
        .alias("name"),
        pl.format("{}.{}", "slug", "top_level").alias("domain"),
    )
    # Heavy-tailed: half of the companies have fewer than 160 employees, a tenth more than 1,200.
    company_size = np.clip(np.exp(rng.normal(5.1, 1.55, count)), 2, 250_000).astype(np.int64)
    return Companies(
        company_name=columns["name"],
        short_name=columns["short"],
        brand_name=columns["brand"],
        core_name=columns["core"],
        domain=columns["domain"],
        industry=np.where(is_chinese, chinese_industry, western_industry),
        country=country,
        company_size=company_size,
        is_listed=(company_size > _LISTED_FROM) & (rng.random(count) < 0.6),
        demand=rng.gamma(1.5, 1.0, count) * company_size**0.3,
        standing=_standings(rng, count) if is_messy else np.zeros(count, dtype=np.int64),
    )


def _standings(rng: np.random.Generator, count: int) -> Ints:
    """A few of the companies are competitors or on the blocklist: at least one of each, where there are five."""
    numbers = [max(1, round(share * count)) for share in _SPECIAL_SHARES]
    standing = np.zeros(count, dtype=np.int64)
    if count >= 5:
        chosen = rng.choice(count, sum(numbers), replace=False)
        standing[chosen] = np.repeat(np.arange(1, len(STANDINGS)), numbers)
    return standing


def company_reference(rng: np.random.Generator, companies: Companies, is_messy: bool = True) -> pl.DataFrame:
    """The bought reference file: most of the companies (85 %), with few fields missing.

    Where `is_messy`, three quarters of the companies, a tenth of them without a number of employees or a sector, which a
    size class then tells all the same, and a third of the sectors in other words.
    """
    covered, empty = (0.75, 0.1) if is_messy else (0.85, 0.0)
    kept = np.flatnonzero(rng.random(len(companies)) < covered)
    sector = words(INDUSTRIES, companies.industry[kept], rng.random(len(kept)) < 0.03 + empty)
    size = companies.company_size[kept]
    employees = blank(pl.Series(size), rng.random(len(kept)) < empty)
    in_other_words = pl.Series(rng.random(len(kept)) < (0.33 if is_messy else 0.0))
    other_words = nested_words(w.SECTOR_SPELLINGS, companies.industry[kept], rng.random(len(kept)))
    return frame(
        {
            "Reference No": ids("R", kept),
            "Website": companies.domain.gather(kept),
            "Company": companies.company_name.gather(kept),
            "Sector": pl.select(
                pl.when(in_other_words & sector.is_not_null()).then(other_words).otherwise(sector)
            ).to_series(),
            "Employees": employees,
            "Size class": words(w.SIZE_CLASSES, np.searchsorted(w.SIZE_CLASS_ENDS, size)),
            "Ownership": words(("private", "listed"), companies.is_listed[kept].astype(np.int64)),
            "Country of HQ": words([labels[0] for labels in w.COUNTRY_LABELS], companies.country[kept]),
            "Technologies": _technologies(rng, len(kept)),
            "Revenue USD": pl.Series(
                np.round(size * 10 ** rng.normal(5.1, 0.25, len(kept)), -4).astype(np.int64)
            ),
        }
    )


def _technologies(rng: np.random.Generator, count: int) -> pl.Series:
    """What each company is said to use, separated by semicolons; nothing is said of a third. They tell nothing else."""
    uses = rng.random((count, len(w.TECHNOLOGIES))) < 0.3
    columns = [
        pl.when(pl.Series(uses[:, place])).then(pl.lit(name)) for place, name in enumerate(w.TECHNOLOGIES)
    ]
    told = pl.select(pl.concat_str(columns, separator="; ", ignore_nulls=True)).to_series()
    return blank(told, rng.random(count) < 0.33)


def _distinct(rng: np.random.Generator, combinations: int, count: int) -> tuple[Ints, Ints]:
    """`count` numbers below `combinations` that repeat as late as possible, and how often each came before."""
    position = np.arange(count, dtype=np.int64)
    return rng.permutation(combinations)[position % combinations], position // combinations


def _western_names(rng: np.random.Generator, count: int) -> tuple[dict[str, pl.Series], pl.Series, Ints]:
    """Names by kind (short: "Amberridge Logistics"), slugs for domains, and industries."""
    kinds, tails = len(w.COMPANY_KINDS), len(w.COMPANY_TAILS)
    combination, cycle = _distinct(rng, len(w.COMPANY_HEADS) * tails * kinds, count)
    kind = combination % kinds
    parts = frame(
        {
            "head": words(w.COMPANY_HEADS, combination // (kinds * tails)),
            "tail": words(w.COMPANY_TAILS, combination // kinds % tails),
            "kind": words([name for name, _ in w.COMPANY_KINDS], kind),
            "end": words(BRAND_ENDS, combination % len(BRAND_ENDS)),
            "has_own_brand": combination % 4 == 0,
            "cycle": ids(" ", cycle + 1, width=1, missing=cycle == 0),
        }
    ).with_columns(pl.col("cycle").fill_null(""))
    slug = parts.select(pl.format("{}{}-{}", "head", "tail", "kind").str.to_lowercase())
    industry = np.array([INDUSTRIES.index(name) for _, name in w.COMPANY_KINDS], dtype=np.int64)
    brand = pl.format("{}{}{}", "head", "tail", pl.when("has_own_brand").then("end").otherwise(pl.lit("")))
    names = parts.select(
        short=pl.format("{}{} {}{}", "head", "tail", "kind", "cycle"),
        core=pl.format("{}{} {}{}", "head", "tail", "kind", "cycle"),
        brand=brand + pl.col("cycle"),
    )
    return names.to_dict(), slug.to_series(), industry[kind]


def _chinese_names(rng: np.random.Generator, count: int) -> tuple[dict[str, pl.Series], pl.Series, Ints]:
    """Names by kind (short: "上海云杉科技"), slugs in pinyin, and industries."""
    kinds, tails, heads = len(w.CHINESE_KINDS), len(w.CHINESE_TAILS), len(w.CHINESE_HEADS)
    combination, _ = _distinct(rng, len(w.CHINESE_CITIES) * heads * tails * kinds, count)
    kind = combination % kinds
    head, tail = combination // (kinds * tails) % heads, combination // kinds % tails
    city = words(w.CHINESE_CITIES, combination // (kinds * tails * heads))
    names, pinyin = zip(*(pair.split(":") for pair in w.CHINESE_HEADS), strict=True)
    tail_names, tail_pinyin = zip(*(pair.split(":") for pair in w.CHINESE_TAILS), strict=True)
    stem = words(names, head) + words(tail_names, tail)
    core = stem + words([k[0] for k in w.CHINESE_KINDS], kind)
    brand = stem + words(
        ("", *CHINESE_BRAND_ENDS),
        np.where(combination % 4 == 0, 1 + combination % len(CHINESE_BRAND_ENDS), 0),
    )
    slug = words(pinyin, head) + words(tail_pinyin, tail) + words([k[1] for k in w.CHINESE_KINDS], kind)
    industry = np.array([INDUSTRIES.index(name) for _, _, name in w.CHINESE_KINDS], dtype=np.int64)
    return {"short": city + core, "core": core, "brand": brand}, slug, industry[kind]
