"""Scripts: Latin letters without marks, simplified Chinese characters, and how Chinese characters sound.

Belongs here: rewriting letters. Does not belong here: what the words mean (persons.py, companies.py).

Simplified characters come from package `opencc-python-reimplemented` (OpenCC's tables, Apache-2.0), sounds from `pypinyin` (MIT);
both are loaded when first needed.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

_KANA = re.compile("[\u3040-\u30ff]")
_HAN = re.compile("[\u3400-\u9fff]")
_FOLDED_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"}
)


def has_han(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return _HAN.search(text) is not None


def fold_latin(text: str) -> str:
    """A case-folded text with its Latin letters reduced to a-z: accents dropped, 'ø' to 'o', 'æ' to 'ae'.

    Other scripts stay: taking the marks off kana or Hangul would change the word.
    """
    return text if text.isascii() else "".join(map(_without_accent, text)).translate(_FOLDED_LETTERS)


def _without_accent(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    if base.isascii() and base.isalpha():
        return base
    return "" if "\u0300" <= letter <= "\u036f" else letter


def simplified(text: str) -> str:
    """The text in simplified Chinese characters, one by one: '漢語' gives '汉语'. Idempotent.

    Text with kana is Japanese and stays; a Japanese name in Chinese characters alone cannot be told from a Chinese one.
    """
    return "".join(map(_simplified, text)) if has_han(text) and not _KANA.search(text) else text


@lru_cache(maxsize=30_000)
def _simplified(character: str) -> str:
    return str(_converter().convert(character)) if _HAN.match(character) else character


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def pinyin(text: str) -> tuple[str, ...]:
    """The sound of each Chinese character, without tones, a-z alone ('吕' gives 'lu', as passports have it)."""
    return tuple(_sound(character) for character in text if _HAN.match(character))


@lru_cache(maxsize=30_000)
def _sound(character: str) -> str:
    return fold_latin(_lazy_pinyin()(character)[0].replace("ü", "u").replace("v", "u"))


@lru_cache(maxsize=1)
def _lazy_pinyin() -> Callable[[str], list[str]]:
    """The package's function, without its phrases: they tell nothing of a single character and take half a second to load."""
    switch = "PYPINYIN_NO_PHRASES"
    before = os.environ.get(switch)
    os.environ[switch] = "true"
    try:
        from pypinyin import lazy_pinyin
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before
    return cast("Callable[[str], list[str]]", lazy_pinyin)
