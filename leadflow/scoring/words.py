"""What the model saw in a lead, in words for a salesperson, in English and Chinese.

Belongs here: the sentence about one value of one feature, and which group people know the feature by. Does not belong here:
the words themselves (feature_words.yaml), and which reasons are told (reasons.py). Rules bring their own sentences.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from leadflow.config_files import Strict, read_yaml, validate
from leadflow.modelling.attributes import ATTRIBUTE_PREFIX, is_attribute

Language = Literal["en", "zh"]
Value = str | float | bool | None
"""A feature's value; None where nothing is known of it."""

LONGEST_IDENTIFIER = 16  # characters; a longer single word is a technical id, whose beginning is enough
WORDS_FILE = Path(__file__).with_name("feature_words.yaml")

_WINDOW = re.compile(r"^(?P<stem>.+)_(?P<window>\d+d|ever)$")
_PLACE = re.compile(r"\{(\w+)(?::([^|}]*)\|([^}]*))?\}")
_NEW: Mapping[Language, str] = {"en": " (new to the model)", "zh": "（模型未见过）"}
_TIMES: Mapping[float, str] = {1: "once", 2: "twice"}
_DIRECTIONS: Mapping[tuple[Language, bool], str] = {
    ("en", True): ": raises the chance of winning",
    ("en", False): ": lowers the chance of winning",
    ("zh", True): "：提高赢单概率",
    ("zh", False): "：降低赢单概率",
}


class InBoth(Strict):
    """A text in both languages."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.en if language == "en" else self.zh


class Forms(Strict):
    """Sentences about a feature; feature_words.yaml says which is for which value."""

    some: InBoth | None = None
    none: InBoth | None = None
    negative: InBoth | None = None
    unknown: InBoth | None = None
    values: dict[str, InBoth] = Field(default_factory=dict)


class Group(Strict):
    """Features about one thing."""

    label: InBoth
    since: str | None = None
    features: dict[str, Forms]


class _File(Strict):
    groups: dict[str, Group]


_TEXT = InBoth(en="{label} {value}", zh="{label}为{value}")
_NUMBER = InBoth(en="{label} {n}", zh="{label}为 {n}")
_YES = InBoth(en="{label} yes", zh="{label}为是")
_NO = InBoth(en="{label} no", zh="{label}为否")
_UNKNOWN = InBoth(en="{label} not known", zh="{label}未知")
_ATTRIBUTE = InBoth(en='Attribute "{label}"', zh="属性“{label}”")


@dataclass(frozen=True)
class FeatureWords:
    """The words there are."""

    groups: Mapping[str, Group]
    by_feature: Mapping[str, tuple[str, Forms]]

    def group_of(self, feature: str) -> str:
        """The group that people know the feature by; the feature itself where it is in none, as declared attributes are."""
        found = self._find(feature)
        return feature if found is None else found[0]

    def since(self, group: str) -> str | None:
        """The feature that tells how many days ago the group's last fact was."""
        return self.groups[group].since if group in self.groups else None

    def has(self, feature: str) -> bool:
        """Whether the feature has words of its own."""
        return self._find(feature) is not None

    def fact(self, feature: str, value: Value, language: Language) -> str:
        """What is known of the feature, without what it does to the chance of winning.

        An attribute's value is not told: what a company keeps in columns of its own may be personal.
        """
        if is_attribute(feature):
            name = feature.removeprefix(ATTRIBUTE_PREFIX)
            return _filled(_ATTRIBUTE.of(language), language, value, name, "")
        group, forms = self._find(feature) or ("", Forms())
        label = self.groups[group].label.of(language) if group else feature_label(feature)
        window = _WINDOW.match(feature)
        if isinstance(value, str):
            value = value.strip() or None
        if isinstance(value, str) and value in forms.values:
            value = forms.values[value].of(language)
        form = _form(forms, value).of(language)
        return _filled(form, language, value, label, window["window"] if window else "")

    def reason(
        self, feature: str, value: Value, is_raising: bool, language: Language, *, is_new: bool = False
    ) -> str:
        """The whole sentence: what is known, and whether it raises or lowers the chance of winning.

        A text that is new to the model is said to be: what it adds is what the average text would.
        """
        new = _NEW[language] if is_new and not is_attribute(feature) else ""
        return self.fact(feature, value, language) + new + _DIRECTIONS[language, is_raising]

    def _find(self, feature: str) -> tuple[str, Forms] | None:
        found = self.by_feature.get(feature)
        if found is None and (window := _WINDOW.match(feature)):
            found = self.by_feature.get(window["stem"] + "_*")
        return found


@cache
def feature_words() -> FeatureWords:
    """The words of feature_words.yaml.

    Raises:
        ConfigError: the file is not as it says.
    """
    groups = validate(_File, read_yaml(WORDS_FILE)).groups
    by_feature = {
        feature: (name, forms) for name, group in groups.items() for feature, forms in group.features.items()
    }
    return FeatureWords(groups, by_feature)


def feature_label(feature: str) -> str:
    """A name in words, for a feature that has none of its own: `some_views_30d` is "Some views in 30 days"."""
    words = re.sub(r"_ever$", "", feature)
    words = re.sub(r"_(\d+)d$", r" in \1 days", words)
    words = re.sub(r"^(is|has)_", "", words)
    words = re.sub(r"_id$", "", words).replace("_", " ")
    return words[:1].upper() + words[1:]


def _form(forms: Forms, value: Value) -> InBoth:
    if value is None:
        return forms.unknown or _UNKNOWN
    if isinstance(value, str):
        return forms.some or _TEXT
    if isinstance(value, bool):
        return (forms.some or _YES) if value else (forms.none or _NO)
    if value == 0:
        return forms.none or forms.some or _NUMBER
    return (forms.negative if value < 0 else None) or forms.some or _NUMBER


def _filled(form: str, language: Language, value: Value, label: str, window: str) -> str:
    def fill(place: re.Match[str]) -> str:
        name, one, many = place.groups()
        if name == "label":
            return label
        if name == "window":
            return _window(window, language)
        if isinstance(value, str):
            return _text(value, language)
        number = 0.0 if value is None else value
        if name == "percent":
            return f"{number * 100:.0f} %"
        if name == "ago":
            return _ago(number, language)
        if name == "times":
            return _TIMES.get(number, f"{_number(number)} times")
        return _number(number) + (f" {one if number == 1 else many}" if many else "")

    return _PLACE.sub(fill, form)


def _window(window: str, language: Language) -> str:
    if window == "ever":
        return " so far" if language == "en" else "至今"
    days = window.removesuffix("d")
    return f" in {days} days" if language == "en" else f"{days} 天内"


def _ago(days: float, language: Language) -> str:
    near: Mapping[tuple[Language, float], str] = {
        ("en", 0): "today", ("en", 1): "yesterday", ("zh", 0): "今天", ("zh", 1): "昨天",
    }  # fmt: skip
    later = f"{_number(days)} days ago" if language == "en" else f" {_number(days)} 天前"
    return near.get((language, days), later)


def _number(number: float) -> str:
    return f"{number:,}".removesuffix(".0")


def _text(value: str, language: Language) -> str:
    is_identifier = len(value) > LONGEST_IDENTIFIER and not re.search(r"[\s/._-]", value)
    shown = value[:8] + "…" if is_identifier else value
    # Chinese sets Latin letters off by a space, and its own characters not.
    return f" {shown}" if language == "zh" and shown[0].isascii() else shown
