"""Annual revenue: the band that an amount is in.

Belongs here: reading one amount in US dollars. Does not belong here: rates of exchange; an amount in another currency has
no band.
"""

from __future__ import annotations

import math
import re

from leadflow.text.values import is_absent, tidy

_BOUNDS = (1e6, 10e6, 50e6, 100e6, 500e6, 1e9, 10e9)
REVENUE_BANDS = (
    "under 1M", "1M to 10M", "10M to 50M", "50M to 100M", "100M to 500M", "500M to 1B", "1B to 10B", "10B and over",
)  # fmt: skip
"""Bands of annual revenue in US dollars, ascending; a bound belongs to the band above it."""

MOST_USD = 2e12
_LONGEST_TEXT = 100
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_UNIT_WORDS = {"thousand": "k", "million": "m", "mio": "m", "mil": "m", "mn": "m", "mm": "m", "billion": "b", "bn": "b", "trillion": "t", "tn": "t"}  # fmt: skip
_WORD = re.compile(rf"\s*({'|'.join(_UNIT_WORDS)})\b\.?")
_AMOUNT = r"(\d+(?:\.\d+)?)([kmbt]?)"
_ONE = re.compile(rf"{_AMOUNT}(\+|or more|and over|and above)?")
_RANGE = re.compile(rf"{_AMOUNT}-{_AMOUNT}")
_FEWER = re.compile(r"^(?:less than|under|below|up to|<=?)\s*")
_MORE = re.compile(r"^(?:more than|over|above|>=?)\s*")
_DOLLARS = re.compile(r"us\s?\$|\$|\busd?\b|\b(?:in )?annual(?:ly)?\b|\brevenue\b|\bdollars?\b|\bper year\b")
_GROUPS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def revenue_band(text: str | None) -> str | None:
    """One of REVENUE_BANDS, or None where the text tells no amount in US dollars.

    '12500000', '$12.5M', 'USD 12.5 million' and '10M-50M' give '10M to 50M'. A range has the band of its geometric middle,
    an open one that of its end. None: other currencies, negative amounts, any other words, and amounts that no company has.
    """
    if text is None or is_absent(text) or len(text) > _LONGEST_TEXT:
        return None
    plain = _GROUPS.sub("", _DOLLARS.sub(" ", tidy(text).casefold()))
    plain = _WORD.sub(lambda word: _UNIT_WORDS[word[1]], plain)
    plain = re.sub(r"\s*(?:-|–|—|~|\bto\b)\s*", "-", plain.strip()).strip()
    is_fewer = _FEWER.search(plain) is not None
    bare = re.sub(r"(?<=\d)\s+(?=[kmbt]\b)", "", _MORE.sub("", _FEWER.sub("", plain))).strip()
    if (both := _RANGE.fullmatch(bare)) is not None:
        low, high = float(both[1]) * _UNITS[both[2] or both[4]], float(both[3]) * _UNITS[both[4]]
        amount = math.sqrt(max(low, 1.0) * high) if low <= high else -1.0
    elif (one := _ONE.fullmatch(bare)) is not None:
        amount = float(one[1]) * _UNITS[one[2]]
        amount = amount * (1 - 1e-9) if is_fewer else amount
    else:
        return None
    if not 0 < amount <= MOST_USD:
        return None
    return REVENUE_BANDS[sum(amount >= bound for bound in _BOUNDS)]
