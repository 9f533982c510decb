"""Words that no lead's name or company holds, however they are dressed up.

Belongs here: finding the words of a list. Does not belong here: which words (policy.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import polars as pl

from leadflow.text.values import tidy

_BETWEEN = r"[\W_]*"
_APART = r"[\W_]+"
_NO_LETTER_OR_DIGIT = r"[^\p{L}\p{N}]+"
_LONGEST_TEXT = 2_000  # characters that are looked at; names and companies are shorter


class WordFinder:
    """Finds the words of a list in texts.

    Case, full width and invisible characters make no difference. Words of Latin letters and digits count where they
    stand as words, closed up (casino) or taken apart letter by letter (c a s i n o, c.a.s.i.n.o): 'sex' is not found
    in Essex. Words of other scripts count anywhere, also taken apart (代 开 发 票).
    """

    def __init__(self, words: Iterable[str], allowed: Iterable[str] = ()) -> None:
        """Words and phrases to find, and phrases that hold one and are all right."""
        plain = dict.fromkeys(filter(None, (tidy(word).casefold() for word in words)))
        self._patterns = {word: re.compile(_pattern(word)) for word in plain if _squeezed(word)}
        self._squeezed = [_squeezed(word) for word in self._patterns]
        self._allowed = [re.compile(_pattern(tidy(each).casefold())) for each in allowed if _squeezed(each)]

    def find(self, text: str) -> str | None:
        """The first word of the list that the text holds, or None."""
        plain = tidy(text[:_LONGEST_TEXT]).casefold()
        for allowed in self._allowed:
            plain = allowed.sub(" \ufffc ", plain)
        return next((word for word, pattern in self._patterns.items() if pattern.search(plain)), None)

    def find_all(self, texts: pl.Series) -> pl.Series:
        """`find` of every text, String; looks closely only where a word's letters follow each other at all."""
        distinct = texts.drop_nulls().unique()
        if not self._patterns or distinct.is_empty():
            return pl.Series(texts.name, [None] * len(texts), dtype=pl.String)
        is_candidate = (
            distinct.str.slice(0, _LONGEST_TEXT)
            .str.normalize("NFKC")
            .str.to_lowercase()
            .str.replace_all(_NO_LETTER_OR_DIGIT, "")
            .to_frame("text")
            .select(pl.col("text").str.contains_any(self._squeezed))
            .to_series()
        )
        found = {text: self.find(text) for text in distinct.filter(is_candidate)}
        hits = {text: word for text, word in found.items() if word is not None}
        return texts.replace_strict(list(hits), list(hits.values()), default=None, return_dtype=pl.String)


@lru_cache(maxsize=8)
def word_finder(words: tuple[str, ...], allowed: tuple[str, ...] = ()) -> WordFinder:
    """The finder of a list, made once for the parts of one table."""
    return WordFinder(words, allowed)


def _squeezed(word: str) -> str:
    return "".join(filter(str.isalnum, tidy(word).casefold()))


def _pattern(word: str) -> str:
    letters = list(map(re.escape, _squeezed(word)))
    if not _squeezed(word).isascii():
        return _BETWEEN.join(letters)
    closed_up = _APART.join(re.escape(part) for part in re.findall(r"[a-z0-9]+", word))
    return rf"(?<![a-z0-9])(?:{closed_up}|{''.join(letters)}|{_APART.join(letters)})(?![a-z0-9])"
