"""Names of persons: their parts, one key, and what is no name.

Belongs here: what the name alone tells. Does not belong here: how alike two names are
(person_matching.py).

Chinese family names: the commonest, of which the first two hundred cover some 96 % of people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from leadflow.text.name_words import (
    CHINESE_ADDRESSES,
    CHINESE_FAMILY_NAMES,
    FAMILY_NAME_SOUNDS,
    KEYBOARD_ROWS,
    NO_NAMES,
    PARTICLES,
    TITLES,
    TITLES_AFTER,
    TWO_CHARACTER_FAMILY_NAMES,
)
from leadflow.text.scripts import fold_latin, has_han, pinyin, simplified
from leadflow.text.values import is_absent, tidy, word_set

NameProblem = Literal["absent", "no_letters", "placeholder", "repeated", "keyboard", "address", "too_long"]
NAME_PROBLEMS: dict[NameProblem, str] = {
    "absent": "It says that there is none.",
    "no_letters": "It holds no letters.",
    "placeholder": "It is a word that stands where a name should: test, no name, a role.",
    "repeated": "It is one letter or word over and over.",
    "keyboard": "Its letters lie side by side on the keyboard.",
    "address": "It is an e-mail or web address.",
    "too_long": "It is longer than any name.",
}

LONGEST_NAME = 100
_ADDRESS = re.compile(r"@|https?:|www\.|\.(?:com|net|org|cn|de|io)\b", re.IGNORECASE)
_BRACKETED = re.compile(r"\([^)]*\)|\[[^]]*]|\"[^\"]*\"|“[^”]*”")
_WORD = re.compile(r"[^\W\d_]+(?:['’`´ʼ][^\W\d_]+)*")
_PLAIN_WORDS = re.compile("[a-z ]*")
_APOSTROPHES = re.compile(r"['’`´ʼ]")
_DOTTED = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")
_REPEATED = re.compile(r"(.{1,4}?)\1{2,}|(.)\2+")


@dataclass(frozen=True)
class PersonName:
    """A name in its parts, case folded, without accents and titles, in simplified characters.

    Attributes:
        given: given names and initials in their order; Chinese given names are one part; () where only the family name is
            known ('王经理').
        family: family name, particles joined to it ('van der berg'); '' where a single word leaves it open.
        titles: 'dr', 'prof' and the like, as they stood.
        is_han: written in Chinese characters.
    """

    given: tuple[str, ...]
    family: str
    titles: tuple[str, ...]
    is_han: bool

    @property
    def parts(self) -> tuple[str, ...]:
        """Given names, then the family name where there is one."""
        return (*self.given, self.family) if self.family else self.given


def name_problem(text: str | None) -> NameProblem | None:
    """Why a text is no name of a person (`NAME_PROBLEMS`); None where it may be one."""
    if text is None or is_absent(text):
        return "absent"
    if len(text) > LONGEST_NAME:
        return "too_long"
    if _ADDRESS.search(text):
        return "address"
    folded = " ".join(_words(text))
    if not folded:
        return "no_letters"
    if (
        folded in NO_NAMES
        or set(folded.split()) <= NO_NAMES
        or simplified(folded).replace(" ", "") in NO_NAMES
    ):
        return "placeholder"
    joined = folded.replace(" ", "")
    if _REPEATED.fullmatch(joined) and not _is_han_name(joined):
        return "repeated"
    is_row = len(joined) > 3 and any(joined in row for row in KEYBOARD_ROWS)
    return "keyboard" if is_row else None


def _is_han_name(text: str) -> bool:
    return has_han(text) and (
        len(text) == 2 or text[0] in CHINESE_FAMILY_NAMES
    )  # '丽丽' is what friends write


def read_person(text: str | None) -> PersonName | None:
    """A name in its parts; None where `name_problem` finds one.

    'Meyer, Dr. Anna' and 'Anna MEYER' are read alike. Of a Latin name without comma the last word is the family name, with the
    particles before it. A Chinese name begins with its family name; one written with a space, family name last ('伟 王'), is turned
    round where only the last word is a family name. '王总', '老王' and '王女士' name a family name alone.
    """
    return None if text is None or name_problem(text) is not None else _read(text)


@lru_cache(maxsize=200_000)
def _read(text: str) -> PersonName | None:
    bare = _BRACKETED.sub(" ", tidy(text))
    words = _words(bare if _words(bare) else text)
    if has_han("".join(words)):
        return _read_han("".join(word for word in words if has_han(word)), words)
    titles = tuple(word for word in words if word in TITLES or word in TITLES_AFTER)
    before, comma, after = bare.partition(",")
    names = [word for word in words if word not in titles]
    if comma:
        family = [word for word in _words(before) if word not in TITLES]
        given = [word for word in _words(after) if word not in TITLES and word not in TITLES_AFTER]
        if family and given:
            return PersonName(tuple(given), " ".join(family), titles, False)
    if not names:
        return PersonName(tuple(words), "", (), False) if words else None
    if len(names) == 1:
        return PersonName((names[0],), "", titles, False)
    start = len(names) - 1
    while start > 1 and names[start - 1] in PARTICLES:
        start -= 1
    return PersonName(tuple(names[:start]), " ".join(names[start:]), titles, False)


def _read_han(joined: str, words: list[str]) -> PersonName | None:
    for family_length in (2, 1):
        family = joined[:family_length]
        known = TWO_CHARACTER_FAMILY_NAMES if family_length == 2 else CHINESE_FAMILY_NAMES
        if family in known and joined[family_length:] in CHINESE_ADDRESSES:
            return PersonName((), family, (joined[family_length:],), True)
    if len(joined) == 2 and joined[0] in "小老阿" and joined[1] in CHINESE_FAMILY_NAMES:
        return PersonName((), joined[1], (joined[0],), True)
    for address in sorted(CHINESE_ADDRESSES, key=len, reverse=True):
        if joined.endswith(address) and len(joined) - len(address) >= 2:
            joined = joined.removesuffix(address)
            break
    if len(words) == 2 and all(map(has_han, words)):
        first, last = words
        if _is_family(last) and not _is_family(first):
            return PersonName((first,), last, (), True)
        if _is_family(first):
            return PersonName((last,), first, (), True)
    if len(joined) > 2 and joined[:2] in TWO_CHARACTER_FAMILY_NAMES:
        return PersonName((joined[2:],), joined[:2], (), True)
    if 2 <= len(joined) <= 4:
        return PersonName((joined[1:],), joined[0], (), True)
    return PersonName((joined,), "", (), True)


def _is_family(word: str) -> bool:
    return word in CHINESE_FAMILY_NAMES or word in TWO_CHARACTER_FAMILY_NAMES


def _words(text: str) -> list[str]:
    """The words of a name, in one spelling."""
    folded = simplified(fold_latin(tidy(text).casefold()))
    if _PLAIN_WORDS.fullmatch(folded):
        return folded.split()
    return [_APOSTROPHES.sub("", word) for word in _WORD.findall(_DOTTED.sub(r"\1 ", folded))]


def person_key(text: str | None) -> str | None:
    """One key for the spellings of a name: its words in alphabetical order; None where there is no name.

    Order, case, accents, titles and hyphens do not matter. A Chinese name is given by its sound, syllables joined, so that
    '王小明', '小明 王', 'Wang Xiaoming' and 'Xiao Ming Wang' are one: as a key to find candidates, not to decide.
    """
    name = read_person(text)
    return None if name is None else key_of_person(name)


def key_of_person(name: PersonName) -> str:
    """`person_key` of a name that was read already."""
    if name.is_han:
        return " ".join(sorted((*family_sound(name), *given_sound(name.given))))
    words = [word for part in name.parts for word in part.split()]
    split = [syllable for word in words for syllable in _split_pinyin(word)]
    return " ".join(sorted(split if _looks_chinese(words) else words))


def family_sound(name: PersonName) -> tuple[str, ...]:
    """The family name of a Chinese name in pinyin, as it sounds in names: '曾' is 'zeng'."""
    sound = FAMILY_NAME_SOUNDS.get(name.family)
    return (sound,) if sound else pinyin(name.family)


def given_sound(parts: Iterable[str]) -> tuple[str, ...]:
    """The given names of a Chinese name in pinyin."""
    return tuple(sound for part in parts for sound in pinyin(part))


def is_in_pinyin(word: str) -> bool:
    """Whether a word in a-z falls into syllables of pinyin."""
    return bool(_fall_apart(word))


def _split_pinyin(word: str) -> tuple[str, ...]:
    """The syllables a word of pinyin falls into, the word itself where it is none."""
    best = _fall_apart(word)
    return best or (word,)


@lru_cache(maxsize=100_000)
def _fall_apart(word: str) -> tuple[str, ...]:
    if not word:
        return ()
    for length in range(min(6, len(word)), 0, -1):
        if word[:length] in _pinyingiven_sound():
            rest = _fall_apart(word[length:])
            if rest or length == len(word):
                return (word[:length], *rest)
    return ()


@lru_cache(maxsize=1)
def _pinyingiven_sound() -> frozenset[str]:
    initials = {"", *word_set("b p m f d t n l g k h j q x zh ch sh r z c s y w")}
    finals = word_set(
        "a o e i u ai ei ui ao ou iu ie ue er an en in un ang eng ing ong ia ua uo iao uai ian uan iang uang iong"
    )
    alone = word_set("a o e ai ei ao ou er an en ang eng")
    return frozenset(initial + final for initial in initials for final in finals if initial or final in alone)


def _looks_chinese(words: list[str]) -> bool:
    return (
        len(words) <= 3
        and all(_fall_apart(word) for word in words)
        and any(word in _family_sounds() for word in words)
    )


@lru_cache(maxsize=1)
def _family_sounds() -> frozenset[str]:
    return frozenset(
        FAMILY_NAME_SOUNDS.get(family) or "".join(pinyin(family))
        for family in CHINESE_FAMILY_NAMES | TWO_CHARACTER_FAMILY_NAMES
    )
