"""How alike two names of persons are, in levels.

Belongs here: comparing what the names say. Does not belong here: whether two records are one person (identity/): many people share a
name.

English nicknames: package `nicknames` (Apache-2.0, a dataset made by hand); short forms of other languages: a short list of our own
(name_words.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from leadflow.text.name_words import SHORT_FORMS
from leadflow.text.persons import PersonName, family_sound, given_sound, read_person
from leadflow.text.spelling import is_near

if TYPE_CHECKING:
    from nicknames import NickNamer

PersonLevel = Literal["exact", "same", "nickname", "sound", "initial", "typo", "family", "given", "different"]
PERSON_LEVELS: tuple[PersonLevel, ...] = (
    "exact", "same", "nickname", "sound", "initial", "typo", "family", "given", "different",
)  # fmt: skip
"""From the surest down. exact: equal but for case, accents, titles and script variants. same: the same parts in another order,
with a middle name or second family name left out, or in another script (王伟, Wang Wei). nickname: one given name is the short form
of the other. sound: Chinese names that sound alike (陈, 程 do not; 伟, 玮 do). initial: one has initials for given names.
typo: one letter in six differs at most. family, given: that part alone agrees or is given. different: neither."""

# How much rather one person than two who happen to be alike, as a share; an order of trust more than a measurement, and no
# threshold of its own. A layer that learns its weights should learn them by level.
_LEVEL_SCORES: dict[PersonLevel, float] = {
    "exact": 1.0, "same": 0.97, "nickname": 0.93, "sound": 0.75, "initial": 0.85, "typo": 0.9, "family": 0.3, "given": 0.2,
    "different": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class PersonComparison:
    """How alike two names are: a level of `PERSON_LEVELS`, its score (0 to 1) and what agrees or differs."""

    level: PersonLevel
    score: float
    reasons: tuple[str, ...]


@lru_cache(maxsize=100_000)
def compare_persons(one: str | None, other: str | None) -> PersonComparison:
    """How alike two names are. Symmetric; no name on either side is 'different' with the reason 'no name'."""
    first, second = read_person(one), read_person(other)
    if first is None or second is None:
        return PersonComparison("different", 0.0, ("no name",))
    return compare_read_persons(first, second)


def compare_read_persons(one: PersonName, other: PersonName) -> PersonComparison:
    """How alike two names are that were read already; symmetric."""
    level, reasons = _compared(one, other)
    return PersonComparison(level, _LEVEL_SCORES[level], reasons)


def _compared(one: PersonName, other: PersonName) -> tuple[PersonLevel, tuple[str, ...]]:
    if (one.given, one.family) == (other.given, other.family):
        return (
            ("exact", ("same name",)) if one.given or one.titles == () else ("family", ("same family name",))
        )
    if one.is_han or other.is_han:
        return _compared_han(one, other)
    return _compared_latin(one, other)


def _compared_han(one: PersonName, other: PersonName) -> tuple[PersonLevel, tuple[str, ...]]:
    if one.is_han != other.is_han:
        han, latin = (one, other) if one.is_han else (other, one)
        words = [word for part in latin.parts for word in part.split()]
        family, given = "".join(family_sound(han)), "".join(given_sound(han.given))
        if given and sorted("".join(words)) == sorted(family + given) and family in words:
            rest = "".join(word for word in words if word != family)
            if rest in {given, "".join(reversed(given_sound(han.given)))} or family == given:
                return "same", ("the same in Chinese and Latin script",)
        if family in words:
            return "family", ("the family name sounds the same",)
        return "different", ()
    if one.family != other.family:
        same_sound = family_sound(one) == family_sound(other)
        if not (same_sound and one.given and given_sound(one.given) == given_sound(other.given)):
            return (
                ("given", ("same given name",))
                if one.given and one.given == other.given
                else ("different", ())
            )
        return "sound", ("family and given name sound the same",)
    if not one.given or not other.given:
        return "family", ("same family name, one without given name",)
    if given_sound(one.given) == given_sound(other.given):
        return "sound", ("same family name, given names sound the same",)
    return "family", ("same family name, other given name",)


def _compared_latin(one: PersonName, other: PersonName) -> tuple[PersonLevel, tuple[str, ...]]:
    words, others = (_flat(one), _flat(other))
    if sorted(words) == sorted(others) or "".join(sorted(words)) == "".join(sorted(others)):
        return "same", ("same words in another order",)
    if "".join(words) == "".join(others):
        return "same", ("same letters, parted otherwise",)
    if len(words) > 1 and len(others) > 1 and (set(words) < set(others) or set(others) < set(words)):
        return "same", ("same name, a further name on one side",)
    pairs = [(one, other)]
    if one.family and other.family:  # either may have its family name first
        pairs += [(one, _turned(other)), (_turned(one), other)]
    return min(
        (_by_parts(*pair) for pair in pairs), key=lambda found: (PERSON_LEVELS.index(found[0]), found[1])
    )


def _flat(name: PersonName) -> list[str]:
    return [word for part in name.parts for word in part.split()]


def _turned(name: PersonName) -> PersonName:
    """The name with its family name first, as some write it without a comma."""
    if not name.family or len(name.given) != 1:
        return name
    return PersonName((name.family,), name.given[0], name.titles, name.is_han)


def _by_parts(one: PersonName, other: PersonName) -> tuple[PersonLevel, tuple[str, ...]]:
    if not one.family or not other.family:
        single, full = (one, other) if not one.family else (other, one)
        if full.family == single.given[0]:
            return "family", ("the one word is the other's family name",)
        if full.given and _given_level(single.given[0], full.given[0]) in {"exact", "nickname"}:
            return "given", ("the one word is the other's given name",)
        if not full.family and is_near(one.given[0], other.given[0]):
            return "typo", ("the one word is spelt otherwise",)
        return "different", ()
    family_alike = one.family == other.family
    family_near = family_alike or is_near(one.family, other.family)
    level = _given_level(one.given[0], other.given[0]) if one.given and other.given else "different"
    if not family_near:
        return (
            ("given", ("same given name, other family name",))
            if level in {"exact", "nickname"}
            else ("different", ())
        )
    if level == "different":
        return ("family", ("same family name, other given name",)) if family_alike else ("different", ())
    if level == "exact" and family_alike:
        return "same", ("same first and family name",)
    if not family_alike and level in {"exact", "typo"}:
        return "typo", ("names spelt otherwise",)
    if not family_alike:
        return "family", ("family name spelt otherwise, given name short",)
    words = {"nickname": "one given name is short for the other", "initial": "given name by its initial", "typo": "given name spelt otherwise"}  # fmt: skip
    return level, ("same family name", words[level])


def _given_level(one: str, other: str) -> PersonLevel:
    if one == other:
        return "exact"
    if len(one) == 1 or len(other) == 1:
        return "initial" if one[0] == other[0] else "different"
    if are_nicknames(one, other):
        return "nickname"
    return "typo" if is_near(one, other) else "different"


@lru_cache(maxsize=200_000)
def are_nicknames(one: str, other: str) -> bool:
    """Whether two given names stand for each other: 'bob' and 'robert', 'bob' and 'rob', 'gus' and 'gustav'."""
    return other in _called(one) or one in _called(other) or bool(_formal(one) & _formal(other))


def formal_names(name: str) -> frozenset[str]:
    """What a given name is short for: 'bob' → {'robert', ...}; empty for a name that is short for none."""
    return _formal(name)


@lru_cache(maxsize=100_000)
def _called(name: str) -> frozenset[str]:
    return frozenset(_nicknamer().nicknames_of(name)) | SHORT_FORMS.get(name, frozenset())


@lru_cache(maxsize=100_000)
def _formal(name: str) -> frozenset[str]:
    # Only what the name is surely short for, else 'alex' would tie 'alexander' to 'alice' by a chain of rare uses.
    own = frozenset(formal for formal, short in SHORT_FORMS.items() if name in short)
    return own | frozenset(_nicknamer().canonicals_of(name))


@lru_cache(maxsize=1)
def _nicknamer() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()
