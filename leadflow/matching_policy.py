"""The policy of matching: which records are one person, by which keys, and what keeps records apart.

Belongs here: the setting `matching` of policy.yaml. Does not belong here: finding the pairs (identity/match_rules.py), the
probabilistic model, forming clusters.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from leadflow.config_files import unquoted_off

MatchKey = Literal["mql_id", "email", "phone", "wechat_id", "company", "domain", "person"]
MATCH_KEYS: tuple[MatchKey, ...] = ("mql_id", "email", "phone", "wechat_id", "company", "domain", "person")
"""What records are found by. mql_id: the form that a CRM lead names. email: the mailbox, unless it is a function's. company: the
core of the company's name. domain: the mail domain, neither free nor disposable. person: a word of the name."""

PersonRule = Literal["same", "alike", "alike_or_none", "not_different", "any"]
_SAME = frozenset({"exact", "same"})
_ALIKE = _SAME | {"nickname", "sound", "initial", "typo"}
_NOT_DIFFERENT = _ALIKE | {"family", "given"}
PERSON_LEVELS_OF: dict[PersonRule, frozenset[str]] = {
    "same": _SAME,
    "alike": _ALIKE,
    "alike_or_none": _ALIKE,
    "not_different": _NOT_DIFFERENT,
    "any": _NOT_DIFFERENT | {"different"},
}
"""Levels of text.person_matching that each setting of `person` lets pass between two full names.

not_different is all but two names that have nothing in common: people who share a mailbox are rarer than names misspelt or changed
by a marriage. It and alike_or_none also let a missing name pass. Unless person is a key, all but same let a name pass that is part
of the other ('王经理', 'Anna'): the key is evidence enough, but only with the first known of several that it fits."""

_SINGLE_KEYS = frozenset({"mql_id", "email", "phone", "wechat_id"})
_RESERVED = frozenset({"model", "own_record", "pinned"})
_SETTINGS = ConfigDict(extra="forbid", frozen=True)


Flag = Annotated[bool, Field(strict=True)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]
Count = Annotated[int, Field(strict=True, ge=2, le=1_000)]
Effect = Annotated[
    Literal["match", "review", "off"],
    BeforeValidator(unquoted_off),
    WithJsonSchema({"enum": ["match", "review", "off", False]}),
]
Model = Annotated[
    str,
    BeforeValidator(unquoted_off),
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"const": False}]}),
]


class MatchRule(BaseModel):
    """Two records are one person where all keys agree and the names compare as `person` asks.

    Attributes:
        name: snake_case, unique within the policy; what identity.match_pairs.rule and identity_map.match_rule say.
        keys: some of `MATCH_KEYS`, which must all agree. Names of persons or companies alone are no evidence, so that
            there is one of mql_id, email, phone and wechat_id among them, or person with company or domain.
        person: how the two names must compare (`PERSON_LEVELS_OF`): same, alike (also nickname, initial, one letter in
            six, sound of Chinese characters), alike_or_none (also a missing name), not_different (all but names that
            have nothing in common) or any.
        window_days: days between occurred_at of the two records at most; null for any time. A person who comes again
            and again, each time within the window, stays one.
        probability: that such a pair is one person; a cluster that has to be split is split at its weakest pair.
        unless_mail_and_name_differ: no pair where both have a mailbox of their own, these differ, and the names, too.
        effect: match, review (told, and not merged) or off.
    """

    model_config = _SETTINGS

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    keys: tuple[MatchKey, ...]
    person: PersonRule = "alike"
    window_days: Annotated[int, Field(strict=True, ge=1)] | None = None
    probability: Share
    unless_mail_and_name_differ: Flag = False
    effect: Effect = "match"

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in _RESERVED:
            raise ValueError(f"'{name}' is what leadflow calls something else: take another name")
        return name

    @model_validator(mode="after")
    def _is_evidence(self) -> MatchRule:
        keys = set(self.keys)
        if len(keys) < len(self.keys):
            raise ValueError(f"rule {self.name} names a key twice")
        if not keys & _SINGLE_KEYS and not ("person" in keys and keys & {"company", "domain"}):
            raise ValueError(
                f"rule {self.name} would merge strangers: its keys need one of mql_id, email, phone and wechat_id, "
                "or person together with company or domain"
            )
        if "person" in keys and self.person not in ("same", "alike"):
            raise ValueError(
                f"rule {self.name} has the key person, so that its 'person' must be same or alike"
            )
        return self

    @property
    def is_single_key(self) -> bool:
        """Whether one key alone finds the pair, so that a shared one is told."""
        return len(self.keys) == 1


class NeverSame(BaseModel):
    """What no cluster may hold, whatever ties its records; such a cluster is split at its weakest pairs.

    Attributes:
        different_mail_same_company: two mailboxes of persons at one company's domain, under names that differ or with
            names that differ in a number alone (ann.lee@, ann.lee2@), by which companies tell namesakes apart.
        different_person: two full names that differ, without a mailbox, WeChat id or form in common: what ties them is
            a phone or a record without a name.
    """

    model_config = _SETTINGS

    different_mail_same_company: Flag = True
    different_person: Flag = True


def _rule(name: str, keys: str, person: PersonRule, probability: float, **more: bool) -> MatchRule:
    settings = {
        "name": name,
        "keys": tuple(keys.split()),
        "person": person,
        "probability": probability,
        **more,
    }
    return MatchRule.model_validate(settings)


DEFAULT_MATCH_RULES = (
    _rule("mql_id", "mql_id", "any", 0.999, unless_mail_and_name_differ=True),
    _rule("wechat_id", "wechat_id", "alike_or_none", 0.99),
    _rule("email", "email", "not_different", 0.99),
    _rule("phone", "phone", "alike", 0.98),
    _rule("domain_person", "domain person", "alike", 0.97),
    _rule("company_person", "company person", "alike", 0.96),
    _rule("company_phone", "company phone", "alike_or_none", 0.9),
)
"""Strongest first: the single keys of the field (form, WeChat id, e-mail address, phone), then what it combines."""


class Matching(BaseModel):
    """Which lead records are one person.

    Attributes:
        rules: strongest first.
        never_same: what no cluster may hold.
        max_names_per_key: a mailbox, phone or WeChat id under more distinct names than that is shared, as that of a
            reception: it pairs records of one name only, and is told. Also the distinct names that are compared each
            with each where several keys find them.
        max_cluster_profiles: distinct ways in which the records of one person give their contact data, at most; a
            larger cluster is split.
        model: builtin (the one that comes with leadflow), off, or the version of a model trained on your own records.
        match_from: probability from which the model merges.
        review_from: probability from which it asks a person to look, at most match_from.
    """

    model_config = _SETTINGS

    rules: tuple[MatchRule, ...] = DEFAULT_MATCH_RULES
    never_same: NeverSame = NeverSame()
    max_names_per_key: Count = 20
    max_cluster_profiles: Count = 50
    model: Model = "builtin"
    match_from: Share = 0.99
    review_from: Share = 0.5

    @field_validator("rules")
    @classmethod
    def _have_names_of_their_own(cls, rules: tuple[MatchRule, ...]) -> tuple[MatchRule, ...]:
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"several rules are named {', '.join(twice)}: give each a name of its own")
        return rules

    @model_validator(mode="after")
    def _ascend(self) -> Matching:
        if self.review_from > self.match_from:
            raise ValueError(
                f"review_from ({self.review_from:g}) must not be above match_from ({self.match_from:g})"
            )
        return self

    @property
    def active_rules(self) -> tuple[MatchRule, ...]:
        """The rules that are not off, in their order."""
        return tuple(rule for rule in self.rules if rule.effect != "off")

    @property
    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 of the section as canonical JSON: equal settings, equal fingerprint."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]
