"""Company names in letters, word by word: what agrees, and what is left over.

Belongs here: comparing names whose words are parted by spaces. Does not belong here: Chinese names (chinese_companies.py), aliases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from leadflow.text.chinese_companies import place_sounds
from leadflow.text.companies import company_key
from leadflow.text.company_words import ABBREVIATIONS, PLACE_WORDS, TRADE_WORDS, TWO_WORD_PLACES
from leadflow.text.spelling import is_near
from leadflow.text.values import tidy, word_set

WordKind = Literal["name", "trade", "place", "number", "filler"]

_FILLERS = word_set(
    "and of the for de la le les du des der die das und et y e i da do dos das di del della van von den co company"
)
# A legal form within a name: 'Acme Ltd London', 'Siemens AG Austria'.
_FORMS_WITHIN = word_set(
    "inc ltd llc gmbh ag corp plc bv nv pvt pty limited incorporated corporation spa srl sarl sas ab oy as sa kg pte bhd sdn"
)
_BRACKETED = re.compile(r"\s*[(\[][^)\]]*(?:[)\]]|$)")
_SITE = re.compile(r"(?<=\S)\s+[-–—]\s+(.*)$")
_ITEM_CODE = re.compile(r"[a-z]{1,3}\d{2,}[a-z]?")
_TRADING_AS = re.compile(
    r"\s*\b(?:d/?b/?a\.?|t/a|trading as|doing business as|formerly(?: known as)?|f/?k/?a|a/?k/?a|c/o)\b\s*",
    re.IGNORECASE,
)

_LONG_WORD = 6  # letters

Finding = tuple[float, tuple[str, ...]]


@dataclass(frozen=True)
class _Left:
    """Words of one name that the other does not have, by kind."""

    name: int
    trade: int
    place: int
    number: int


@dataclass(frozen=True)
class _Agreement:
    """What two names share: words of their own (number of), words spelt otherwise, the first word, a place."""

    own_words: int
    misspelt: tuple[str, ...]
    same_start: bool
    has_place: bool


def compare_latin_companies(one: str, other: str) -> Finding:
    """Score and reasons for two names as given, neither of them in Chinese; symmetric.

    Where brackets or 'trading as' part a name, its parts are tried too, and the best counts a little less.
    """
    sites = _site_words(one) | _site_words(other)
    best = _compared(_words(one), _words(other), sites)
    for first in _variants(one):
        for second in _variants(other):
            if (first, second) != (one, other):
                score, reasons = _compared(_words(first), _words(second), sites)
                if score * 0.93 > best[0]:
                    best = (score * 0.93, (*reasons, "without what stands in brackets or after 'trading as'"))
    return best


@lru_cache(maxsize=200_000)
def _variants(name: str) -> tuple[str, ...]:
    text = tidy(name)
    parts = [part for part in _TRADING_AS.split(text) if company_key(part)]
    bare = _BRACKETED.sub("", text)
    return tuple(
        dict.fromkeys([name, *([bare] if company_key(bare) else []), *(parts if len(parts) > 1 else [])])
    )


@lru_cache(maxsize=200_000)
def _words(name: str) -> tuple[str, ...]:
    """Words of the company key, abbreviations written out, without legal forms in the middle."""
    words = (company_key(name) or "").split()
    code = next((at for at, word in enumerate(words) if at > 1 and _ITEM_CODE.fullmatch(word)), None)
    if code and all(any(map(str.isdigit, word)) for word in words[code:]):
        words = (
            company_key(" ".join(words[:code])) or ""
        ).split()  # 'TX003-519': the buyer's number for the supplier
    words = _with_joined_places(words)
    kept = [word for at, word in enumerate(words) if at == 0 or word not in _FORMS_WITHIN]
    return tuple(ABBREVIATIONS.get(word, word) for word in kept)


def _with_joined_places(words: list[str]) -> list[str]:
    """The words with 'new york' as one."""
    joined: list[str] = []
    for word in words:
        if joined and f"{joined[-1]}{word}" in TWO_WORD_PLACES:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def own_words(name: str) -> tuple[str, ...]:
    """The words of a name that are neither trade nor place nor filler; all where there are no others."""
    words = _words(name)
    return tuple(word for word in words if word_kind(word) in {"name", "number"}) or words


@lru_cache(maxsize=200_000)
def _site_words(name: str) -> frozenset[str]:
    """What stands behind a dash: 'Acme Packaging - Timisoara' names a site."""
    site = _SITE.search(tidy(name))
    return frozenset(_words(site[1])) if site and company_key(site[1]) else frozenset()


@lru_cache(maxsize=200_000)
def word_kind(word: str) -> WordKind:
    """What a word of a company name is: its own name, a trade, a place, a number, or filler such as 'and'."""
    if word in _FILLERS:
        return "filler"
    if any(character.isdigit() for character in word):
        return "number"
    if word in TRADE_WORDS or ABBREVIATIONS.get(word) in TRADE_WORDS:
        return "trade"
    return "place" if word in PLACE_WORDS or word in TWO_WORD_PLACES or word in place_sounds() else "name"


def _compared(one: tuple[str, ...], other: tuple[str, ...], sites: frozenset[str]) -> Finding:
    if not one or not other:
        return 0.0, ("no name",)
    if one == other:
        return 0.98, ("same but for abbreviations and legal form",)
    joined, other_joined = "".join(one), "".join(other)
    if joined == other_joined:
        return 0.97, ("same letters, parted otherwise",)
    if sorted(one) == sorted(other):
        return 0.94, ("same words in another order",)
    without, other_without = _without_fillers(one), _without_fillers(other)
    if without and "".join(without) == "".join(other_without):
        return 0.95, ("same but for filler words",)
    if _is_acronym(one, other) or _is_acronym(other, one):
        return 0.7, ("one is the other's initials",)
    return _aligned(without or list(one), other_without or list(other), sites)


def _without_fillers(words: tuple[str, ...]) -> list[str]:
    return [word for word in words if word not in _FILLERS]


def _is_acronym(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether a single word of three to six letters is made of the other's initials, with or without fillers."""
    if len(short) != 1 or not 3 <= len(short[0]) <= 6 or len(long) < 3:
        return False
    initials = "".join(word[0] for word in long)
    return short[0] in {initials, "".join(word[0] for word in _without_fillers(long))}


def _aligned(one: list[str], other: list[str], sites: frozenset[str]) -> Finding:
    left, right = list(one), list(other)
    agreeing: list[str] = []
    misspelt: list[str] = []
    for word in list(left):
        if word in right:
            left.remove(word)
            right.remove(word)
            agreeing.append(word)
    _take_compounds(left, right, agreeing)
    _take_compounds(right, left, agreeing)
    for word in list(left):
        near = next((candidate for candidate in right if _is_same_word(word, candidate)), None)
        if near is not None:
            left.remove(word)
            right.remove(near)
            misspelt.append(near if word_kind(word) == "name" else word)  # the one that is known, if any
    agreed = [*agreeing, *misspelt]
    weight = sum(word_kind(word) == "name" for word in agreed)
    if not weight and not any(word_kind(word) in {"number", "place"} for word in agreed):
        return 0.03, ("no word of their own agrees",)
    agrees = _Agreement(
        weight, tuple(misspelt), one[0] == other[0], any(word_kind(word) == "place" for word in agreed)
    )
    return _left_over(_left(left, sites), _left(right, sites), agrees)


def _take_compounds(words: list[str], others: list[str], agreeing: list[str]) -> None:
    """Two neighbours on one side that are one word on the other: 'wal mart' and 'walmart'."""
    for at in range(len(words) - 2, -1, -1):
        joined = words[at] + words[at + 1]
        if joined in others:
            others.remove(joined)
            del words[at : at + 2]
            agreeing.append(joined)


def _is_same_word(one: str, other: str) -> bool:
    """Spelt otherwise, cut short, or in singular and plural."""
    if any(character.isdigit() for character in one + other):
        return False
    short, long = sorted((one, other), key=len)
    if long.startswith(short) and (len(short) >= 4 or (len(short) == 3 and word_kind(long) == "trade")):
        return len(long) - len(short) <= 2 or word_kind(long) == "trade"
    return is_near(one, other) and one[0] == other[0]


def _left(words: list[str], sites: frozenset[str]) -> _Left:
    kinds = ["place" if word in sites else word_kind(word) for word in words]
    return _Left(kinds.count("name"), kinds.count("trade"), kinds.count("place"), kinds.count("number"))


def _left_over(one: _Left, other: _Left, agrees: _Agreement) -> Finding:
    """The score by what neither side shares."""
    spelling = 0.97 ** len(agrees.misspelt)
    if agrees.own_words == 1 and any(word_kind(word) == "name" for word in agrees.misspelt):
        # Nothing else of its own agrees: short words lie close to each other, and two differences are one too many.
        is_short = any(len(word) < _LONG_WORD for word in agrees.misspelt)
        spelling = 0.45 if is_short else 0.6 if one.trade or other.trade else spelling
    told = tuple(f"'{word}' spelt otherwise" for word in agrees.misspelt)
    score, reason = _by_left_over(one, other, agrees)
    return score * spelling, (reason, *told)


def _by_left_over(one: _Left, other: _Left, agrees: _Agreement) -> tuple[float, str]:
    trade_sides = bool(one.trade) + bool(other.trade)
    name, place, number = one.name + other.name, one.place + other.place, one.number + other.number
    if one.number and other.number:
        return 0.05, "other numbers"
    if one.name and other.name:
        return (0.3 if agrees.own_words > 1 else 0.1), "other words of their own"
    if one.place and other.place:
        return 0.15, "other places"
    if name:
        likely = (
            (0.6 if agrees.own_words + agrees.has_place > name else 0.45)
            if agrees.same_start and not number
            else 0.25
        )
        further = 0.7 if place or trade_sides == 2 else 0.8 if trade_sides else 1.0
        return likely * further, "words of its own on one side"
    if number:
        return 0.35, "a number on one side"
    if place and agrees.has_place:
        return 0.6, "a further place beside one that agrees"
    if place and trade_sides:
        return (0.2 if trade_sides == 2 else 0.35), "a place on one side, and other trades"
    if place:
        return (0.45 if agrees.same_start else 0.4), "a place on one side: perhaps a site"
    if trade_sides == 2:
        return (0.55 if agrees.has_place else 0.4), "other trades"
    if trade_sides:
        return (0.8 if agrees.same_start else 0.7), "trades on one side"
    return 0.95, "all words agree"
