"""Industries: one taxonomy for what registers, forms and data vendors call them, in English and Chinese.

Belongs here: which sector a text names. Does not belong here: a company's own words for its industries (policy.yaml), and
what a sector is worth (policy.yaml).

The taxonomy is the eleven sectors of the Global Industry Classification Standard (GICS, MSCI and S&P, structure of 2023),
since that is what listed companies are classified by, and two more for those who have no shares and so no sector in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from leadflow.text.industry_words import SECTOR_WORDS
from leadflow.text.scripts import simplified
from leadflow.text.values import is_absent, tidy

GICS_SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
SECTORS = (*GICS_SECTORS, "Government", "Non-Profit")
"""What an industry is mapped to."""

_LONGEST_TEXT = 300
_PARTS = re.compile(r"[/|;>,，、；]|\s[-–—:]\s|->")
_AND = re.compile(r"&|\+|\band\b")
_NOT_WORD = re.compile(r"[\W_]+")
_END = re.compile("(?:行业|产业|领域|类|业)$")


def industry_sector(text: str | None, aliases: Mapping[str, str] | None = None) -> str | None:
    """One of SECTORS, or None where the text names none that is known.

    Case, width, punctuation, '&' for 'and' and traditional characters make no difference. A text of several parts
    ('Software / SaaS', 'Financials > Banks') has the sector of those that are known, where they agree. A word within a
    longer text does not count: 'Biotechnology' is no technology.

    Args:
        text: as a source gives it.
        aliases: further words, as `industry_key` writes them, and the sector of each; they go before the known ones.
    """
    if text is None or is_absent(text) or len(text) > _LONGEST_TEXT or "<" in text:
        return None  # what holds a "<" is a page and no name
    own = aliases or {}
    if (whole := _sector(text, own)) is not None:
        return whole
    parts = {_sector(part, own) for part in _PARTS.split(text)} - {None}
    return parts.pop() if len(parts) == 1 else None


def industry_key(text: str) -> str:
    """One spelling of an industry's name: case folded, full width made plain, simplified, words joined by one space."""
    folded = simplified(tidy(text).casefold())
    return " ".join(_NOT_WORD.sub(" ", _AND.sub(" and ", folded.replace("_", " "))).split())


def _sector(text: str, own: Mapping[str, str]) -> str | None:
    key = industry_key(text)
    found = own.get(key) or _known().get(key)
    if found is None and (shorter := _END.sub("", key)) != key:
        found = own.get(shorter) or _known().get(shorter)
    return found


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    known = {industry_key(sector): sector for sector in SECTORS}
    for sector, words in SECTOR_WORDS.items():
        for word in words.split(";"):
            known.setdefault(industry_key(word), sector)
    for key, sector in list(known.items()):
        known.setdefault(key.replace(" and ", " "), sector)  # HubSpot writes OIL_ENERGY for Oil & Energy
    known.pop("", None)
    return known
