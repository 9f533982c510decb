"""Numbers of employees, as registers, forms and data vendors write them.

Belongs here: reading one text. Does not belong here: what a size is worth (policy.yaml), and filling one that is missing.
"""

from __future__ import annotations

import math
import re

from leadflow.text.scripts import simplified
from leadflow.text.values import is_absent, tidy

MOST_EMPLOYEES = 5_000_000
"""No company has more: the largest, Walmart, has some 2.1 million."""

_LONGEST_TEXT = 100

_NUMBER = r"(\d+(?:\.\d+)?)\s*(k|thousand|thsd|tsd|m|mio|million|千|万|百)?(?![a-z\d])"
_UNITS = {
    None: 1, "百": 100, "k": 1_000, "thousand": 1_000, "thsd": 1_000, "tsd": 1_000, "千": 1_000, "万": 10_000,
    "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000,
}  # fmt: skip
_RANGE = re.compile(rf"{_NUMBER}\s*-\s*{_NUMBER}")
_TO = re.compile(r"\s*(?:\b(?:to|bis)\b|至|到)\s*")
_ONE = re.compile(_NUMBER)
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:([,. '’])\d{3})(?:\1\d{3})*(?!\d|[.,]\d)")
_DASHES = re.compile(r"\s*[-‐‑‒–—―~〜∼−]+\s*")
_ABOUT = re.compile(
    r"^(?:about|approx(?:imately)?|around|circa|ca|roughly|some|estimated|est|total|大约|约|近|共|大概)[.: ]*|^(?:[~≈]|c\.)\s*"
)
_WORDS = re.compile(
    r"\b(?:employees?|empl|emps?|people|persons?|staff|headcount|fte|ftes|workers?|mitarbeiter(?:innen)?|ma|size|company|"
    r"full time|fulltime)\b|[()\[\]]|员工(?:人数|数)?|人数|规模|名|人|左右|上下"
)
_MORE = re.compile(
    r"^(?:more than|over|above|at least|from|min|minimum|超过|大于|不少于|>=?|≥)\s*|(?:\+|以上|or more|and more|及以上|and above|多)$"
)
_FEWER = re.compile(
    r"^(?:less than|fewer than|under|below|up to|at most|max|maximum|少于|小于|不足|不超过|<=?|≤)\s*|(?:以下|or less|or fewer|and below|以内)$"
)
_ALONE = frozenset({"self employed", "self-employed", "selfemployed", "just me", "myself only", "only me"})


def company_size(text: str | None) -> int | None:
    """Number of employees that a text tells; None where it tells none.

    - '1,234', '1.234', '1 234', '1234.0', '１２３４', '约500人', '1.5k', '2万人', 'approx. 500 employees': the number.
    - a range ('1,001-5,000', '500-1000人', '50 to 100'): its geometric middle, rounded, since sizes are spread evenly over
      their logarithm and not over themselves: 2,237 of 1,001-5,000, whose arithmetic middle would be 3,001.
    - open at the top ('10k+', '10,000 or more', '500人以上', '> 500'): the number itself, which is the least it can be.
    - open at the bottom ('under 50', '<50', '50人以下'): the geometric middle from 1.
    - 'self-employed': 1.

    None: absent markers, 0 and negative numbers (what an empty field is written as), more than MOST_EMPLOYEES, ranges
    that descend, dates such as '10-Nov' that a spreadsheet made of '11-50', and any other words.
    """
    if text is None or is_absent(text) or len(text) > _LONGEST_TEXT:
        return None
    written = simplified(tidy(text).casefold()).replace("\u00a0", " ")
    if written in _ALONE:
        return 1
    written = _plain(_ABOUT.sub("", written.strip(" .;")))
    is_more, is_fewer = _MORE.search(written) is not None, _FEWER.search(written) is not None
    if is_more and is_fewer:
        return None
    bare = _plain(_FEWER.sub("", _MORE.sub("", written)))
    if (found := _RANGE.fullmatch(bare)) is not None and not (is_more or is_fewer):
        return _middle(*_ends(found))
    if (one := _ONE.fullmatch(bare)) is None:
        return None
    number = _number(one[1], one[2])
    return _middle(1, number) if is_fewer else _sound(number)


def _plain(text: str) -> str:
    """Numbers without what groups their digits, one kind of dash, and no word for who is counted."""
    text = _GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), text)
    text = _DASHES.sub("-", text) if not text.startswith("-") else text
    text = _TO.sub("-", _WORDS.sub(" ", text))
    return " ".join(text.split()).strip(" .:;")


def _ends(found: re.Match[str]) -> tuple[float, float]:
    """Both ends; a unit at the upper one alone counts for both where it has to, as in '1-5k'."""
    low, high = _number(found[1], found[2]), _number(found[3], found[4])
    shared = _number(found[1], found[4])
    return (shared if found[2] is None and found[4] is not None and shared < high else low), high


def _number(digits: str, unit: str | None) -> float:
    return float(digits) * _UNITS[unit]


def _middle(low: float, high: float) -> int | None:
    if low > high:
        return None
    return _sound(math.sqrt(max(low, 1) * high))


def _sound(number: float) -> int | None:
    return round(number) if 1 <= number <= MOST_EMPLOYEES else None
