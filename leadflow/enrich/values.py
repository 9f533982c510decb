"""What providers tell, in one spelling: numbers, sectors, codes, bands.

Belongs here: from a provider's texts to values that can be compared. Does not belong here: reading one size, industry or
revenue (text/), and whose value counts (facts.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from leadflow.text.industries import industry_sector
from leadflow.text.phones import country_code
from leadflow.text.revenues import revenue_band
from leadflow.text.sizes import company_size
from leadflow.text.values import is_absent, tidy, word_set
from leadflow.text.vectors import map_distinct

if TYPE_CHECKING:
    from leadflow.enrichment_policy import EnrichedField, Enrichment

FACT_FIELDS: dict[str, EnrichedField] = {
    "company_size": "company_size",
    "industry": "industry",
    "industry_as_given": "industry",
    "is_listed": "is_listed",
    "country": "country",
    "tech_stack": "tech_stack",
    "uses_competitor": "tech_stack",
    "uses_complement": "tech_stack",
    "revenue_band": "revenue_band",
}
"""Fields of an account, and the field of a provider that each follows from."""

_LISTED = word_set("true yes y t 1 1.0 public listed traded 上市 上市公司 已上市 是") | {
    "public company", "publicly traded", "publicly held", "publicly listed",
}  # fmt: skip
_UNLISTED = word_set("false no n f 0 0.0 private unlisted 未上市 非上市 非上市公司 否") | {
    "private company", "privately held", "privately owned", "not listed",
}  # fmt: skip
_BETWEEN_TECHNOLOGIES = re.compile(r"[,;|、，；]")


def fact_values(told: pl.DataFrame, enrichment: Enrichment) -> pl.DataFrame:
    """The frame with `FACT_FIELDS` as texts in place of what a provider told; null where it tells nothing that is known.

    Args:
        told: the fields of a provider as texts (String), null where not told, and other columns, which stay.
        enrichment: own words for industries, and technologies that matter.
    """
    sectors = enrichment.sector_of
    stacks = map_distinct(told["tech_stack"], technologies, pl.String())
    technology = enrichment.technologies

    def mapped(name: str, function: Callable[[str], str | bool | None]) -> pl.Series:
        return map_distinct(told[name], function, pl.String()).alias(name)

    return told.with_columns(
        mapped("company_size", _size),
        mapped("industry", lambda text: industry_sector(text, sectors)),
        mapped("industry", _as_given).alias("industry_as_given"),
        mapped("is_listed", _listed),
        mapped("country", country_code),
        stacks.alias("tech_stack"),
        _uses(stacks, technology.competitors).alias("uses_competitor"),
        _uses(stacks, technology.complements).alias("uses_complement"),
        mapped("revenue_band", revenue_band),
    )


def technologies(text: str) -> str | None:
    """A company's technologies as a JSON list in alphabetical order, each once whatever its case; None where there is none.

    Separated by lines where there are several, else by commas, semicolons or bars.
    """
    parts = text.split("\n") if "\n" in text else _BETWEEN_TECHNOLOGIES.split(text)
    found: dict[str, str] = {}
    for part in parts:
        name = " ".join(tidy(part).split())
        if not is_absent(name):
            found.setdefault(name.casefold(), name)
    return json.dumps([found[key] for key in sorted(found)], ensure_ascii=False) if found else None


def _uses(stacks: pl.Series, products: tuple[str, ...]) -> pl.Series:
    """'true' where a stack holds one of the products, 'false' where it does not, null where it is not known."""
    wanted = {" ".join(tidy(product).split()).casefold() for product in products}
    return map_distinct(
        stacks, lambda stack: _flag(any(name.casefold() in wanted for name in json.loads(stack))), pl.String()
    )


def _size(text: str) -> str | None:
    size = company_size(text)
    return None if size is None else str(size)


def _as_given(text: str) -> str | None:
    given = " ".join(tidy(text).split())
    return None if is_absent(given) or "<" in given else given[:200]


def _listed(text: str) -> str | None:
    word = tidy(text).casefold().replace("_", " ")
    return _flag(word in _LISTED) if word in _LISTED | _UNLISTED else None


def _flag(is_so: bool) -> str:
    return "true" if is_so else "false"
