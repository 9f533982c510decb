"""How alike two company names are: a score between 0 and 1, and why.

Belongs here: comparing what the names say. Does not belong here: other evidence (domain, phone, address; identity/), choosing which
names to compare.

The scores are set by what agrees and what is left over, in steps that say how often names in such a relation are of one company;
they are judgements, not learned from any list of pairs. 0.5 is where one company is as likely as two: `SAME_COMPANY`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from leadflow.text.chinese_companies import (
    ChineseCompany,
    are_trades,
    read_chinese_company,
    same_region,
    without_trades,
)
from leadflow.text.companies import company_key
from leadflow.text.latin_companies import compare_latin_companies, own_words
from leadflow.text.scripts import has_han, pinyin, simplified

if TYPE_CHECKING:
    import polars as pl

SAME_COMPANY = 0.5
"""From this score on one company is likelier than two."""

_LONGEST_NAME = 300  # characters; beyond, only equal names agree, so that long texts cost nothing


@dataclass(frozen=True)
class CompanyComparison:
    """How alike two names are.

    Attributes:
        score: 0 (other companies) to 1 (one company).
        reasons: which parts agree and which are left over.
    """

    score: float
    reasons: tuple[str, ...]


class CompanyAliases:
    """Other names of companies, as a user lists them: brand, former name, name in another script.

    'Alphabet' for 'Google' holds for every spelling of both that `company_key` sees as one; a Chinese alias also for names that differ in
    place and trade words. An alias of an alias leads to the last name; a circle is refused.
    """

    def __init__(self, canonical_of: Mapping[str, str]) -> None:
        """Take a mapping of alias to canonical name; ValueError where a name is none or aliases go in a circle."""
        self._names: dict[str, str] = {}
        for alias, canonical in canonical_of.items():
            if (key := alias_key(alias)) is None or alias_key(canonical) is None:
                raise ValueError(f"Company alias {alias!r}: {canonical!r}: one of them is no company name.")
            self._names[key] = canonical
        for alias in canonical_of:
            self._follow(alias, alias_key(alias), set())
        self.names: tuple[str, ...] = tuple(canonical_of)
        """The aliases as given."""

    def canonical(self, name: str) -> str:
        """The canonical name of an alias, any other name as it is."""
        return self._follow(name, alias_key(name), set())

    def _follow(self, name: str, key: str | None, seen: set[str]) -> str:
        if key is None or key not in self._names:
            return name
        canonical = self._names[key]
        following = alias_key(canonical)
        if following == key:
            return canonical
        if key in seen:
            raise ValueError(f"Company aliases go in a circle at {name!r}: name one of them canonical.")
        return self._follow(canonical, following, seen | {key})


@lru_cache(maxsize=200_000)
def alias_key(name: str) -> str | None:
    """By what an alias is looked up: the company key; of Chinese names in simplified characters, without places."""
    if not has_han(name):
        return company_key(name)
    read = read_chinese_company(name)
    return read.rest if read else None


@lru_cache(maxsize=100_000)
def compare_companies(
    one: str | None, other: str | None, aliases: CompanyAliases | None = None
) -> CompanyComparison:
    """How alike two company names are, as given; symmetric. What is no company name is like nothing.

    - Latin and other alphabets: equal but for spelling and legal form, parted otherwise, in other order, initials, a word spelt
      otherwise; then by what is left over on one side or both (latin_companies.py).
    - Chinese: core, trades and places apart. A full name and its brand agree where the brand is the core, with or without trades.
    - One of each: the sound of the core. Names that are translated need an alias.
    """
    if one is None or other is None:
        return CompanyComparison(0.0, ("no name",))
    first, second = (aliases.canonical(name) if aliases else name for name in (one, other))
    key, other_key = company_key(first), company_key(second)
    if key is None or other_key is None:
        return CompanyComparison(0.0, ("no name",))
    is_alias = first != one or second != other
    if key == other_key or simplified(key) == simplified(other_key):
        return CompanyComparison(0.99, ("alias",) if is_alias else ("same but for spelling and legal form",))
    if len(first) > _LONGEST_NAME or len(second) > _LONGEST_NAME:
        return CompanyComparison(0.0, ("longer than any name",))
    first, second = sorted((first, second))
    if has_han(first) or has_han(second):
        score, reasons = _compared_chinese(first, second)
    else:
        score, reasons = compare_latin_companies(first, second)
    return CompanyComparison(score, ("alias", *reasons) if is_alias else reasons)


def company_scores(ones: pl.Series, others: pl.Series, aliases: CompanyAliases | None = None) -> pl.Series:
    """Scores of `compare_companies`, pair by pair, each distinct pair once.

    Args:
        ones, others: String, of the same length; null scores 0.
        aliases: other names of companies.

    Returns a Float64 Series named 'company_score'.
    """
    import polars as pl

    pairs = pl.DataFrame({"one": ones, "other": others})
    distinct = pairs.unique(maintain_order=True)
    compare = compare_companies.__wrapped__  # each pair is seen once: a cache of pairs would only cost memory
    scores = [compare(one, other, aliases).score for one, other in distinct.iter_rows()]
    scored = distinct.with_columns(company_score=pl.Series(scores, dtype=pl.Float64))
    return pairs.join(scored, on=["one", "other"], how="left", nulls_equal=True, maintain_order="left")[
        "company_score"
    ]


def company_core_keys(names: pl.Series) -> pl.Series:
    """What candidates are found by: of Chinese names the core, of others the company key; String, null for no name."""
    import polars as pl

    from leadflow.text.vectors import map_distinct

    return map_distinct(names, company_core_key, pl.String())


def company_core_key(name: str) -> str | None:
    """Of a Chinese name the core, of any other the company key; None for no name."""
    if not has_han(name):
        return company_key(name)
    read = read_chinese_company(name)
    return read.core if read else None


def _compared_chinese(one: str, other: str) -> tuple[float, tuple[str, ...]]:
    first, second = read_chinese_company(one), read_chinese_company(other)
    if first is None or second is None:
        return 0.0, ("no name",)
    if not has_han(one) or not has_han(other):
        found = _compared_by_sound(first, other) if has_han(one) else _compared_by_sound(second, one)
        if found[0] > 0:
            return found
    score, reasons = _compared_parts(first, second)
    if first.places and second.places and not same_region(first.places, second.places):
        return score * 0.4, (*reasons, "other places")
    return score, reasons


def _compared_by_sound(han: ChineseCompany, latin: str) -> tuple[float, tuple[str, ...]]:
    sound, words = "".join(pinyin(han.core)), own_words(latin)
    if len(han.core) < 2 or not has_han(han.core) or not "".join(words).startswith(sound):
        return 0.0, ()
    if "".join(words) == sound:
        return 0.8, ("the core sounds the same",)
    return 0.4, ("the core sounds like its beginning",)


def _compared_parts(one: ChineseCompany, other: ChineseCompany) -> tuple[float, tuple[str, ...]]:
    if one.core == other.core:
        return _compared_trades(one.trades, other.trades, len(one.core))
    longer, shorter = sorted((one, other), key=lambda name: len(name.rest), reverse=True)
    whole = "".join(longer.places) + longer.rest
    for text, where in (
        (longer.rest, "begins"),
        (longer.places[-1] + longer.rest if longer.places else "", "begins with its place"),
    ):
        for part in (shorter.rest, "".join(shorter.places) + shorter.rest):
            if text.startswith(part):
                return _left_over(text.removeprefix(part), where)
    if (
        len(shorter.core) >= 2
        and longer.core.endswith(shorter.rest)
        and are_trades(longer.core.removesuffix(shorter.rest))
    ):
        return 0.85, ("same core after a place or trade",)
    if longer.core.startswith(shorter.core):
        return 0.3, ("one core begins with the other, trades differ",)
    if _is_abbreviation(shorter.rest, longer, whole):
        return (0.65 if len(shorter.rest) > 2 else 0.4), ("characters that begin the other's words",)
    return 0.05, ("other cores",)


def _left_over(rest: str, where: str) -> tuple[float, tuple[str, ...]]:
    rest = without_trades(rest)
    if not rest:
        return 0.9, (f"the longer name {where} with the other", "trades left over")
    # Chinese words have two characters as a rule: one more character makes another word, two or more add a word.
    return (0.6 if len(rest) > 1 else 0.3), (f"the longer name {where} with the other", f"'{rest}' left over")


def _compared_trades(
    one: tuple[str, ...], other: tuple[str, ...], core_length: int
) -> tuple[float, tuple[str, ...]]:
    ones, others = "".join(one), "".join(other)
    if ones == others:
        return 0.98, ("same core and trades",)
    if not ones or not others:
        return 0.93, ("same core", "trades on one side")
    if ones in others or others in ones:
        return 0.9, ("same core", "further trades on one side")
    shares = bool({part[:2] for part in one} & {part[:2] for part in other})
    if shares:
        return 0.75, ("same core", "some trades agree")
    return (0.55 if core_length > 2 else 0.4), ("same core", "other trades")


def _is_abbreviation(short: str, longer: ChineseCompany, whole: str) -> bool:
    """Whether a name's characters begin words of the other in their order, the first or second of them its place or core."""
    if len(short) < 2 or short[0] not in {whole[0], longer.core[0]}:
        return False
    starts = "".join(place[0] for place in longer.places)
    core = "".join(longer.core[at] for at in range(0, len(longer.core), 2))
    trades = "".join(trade[at] for trade in longer.trades for at in range(0, len(trade), 2))
    found = iter(starts + core + trades)
    return len(longer.rest) > len(short) and all(character in found for character in short)
