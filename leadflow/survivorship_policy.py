"""The policy of golden records and duplicates: whose word counts, and who works a lead that was known already.

Belongs here: the settings survivorship and duplicates of policy.yaml. Does not belong here: choosing the values
(identity/golden.py) and the actions (identity/duplicate_actions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema, field_validator

from leadflow.contact_policy import CHECKS

GoldenField = Literal[
    "full_name", "email", "phone", "wechat_id", "company_name", "title", "country", "region", "city", "postcode", "street"
]  # fmt: skip
GOLDEN_FIELDS: tuple[GoldenField, ...] = (
    "full_name", "email", "phone", "wechat_id", "company_name", "title", "country", "region", "city", "postcode", "street",
)  # fmt: skip
"""Fields that survivorship chooses. Of the address, lead records have the country; a field they don't have is left out."""

KeyFact = Literal["company", "seniority", "phone", "email_domain"]
Action = Literal["account_owner_takes_over", "link_to_source", "tag_only", "assign_to_owner", "route"]
ACTIONS: tuple[Action, ...] = (
    "account_owner_takes_over", "link_to_source", "tag_only", "assign_to_owner", "route",
)  # fmt: skip
"""What may be done with a duplicate, in the order in which it is asked for."""

_SETTINGS = ConfigDict(extra="forbid", frozen=True)
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Check = Annotated[str, WithJsonSchema({"enum": [*CHECKS]})]


def _once(values: tuple[str, ...], what: str) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{what} {', '.join(twice)} is listed twice")


class FieldRule(BaseModel):
    """What is otherwise for one field.

    Attributes:
        trust: sources or raw tables, most trusted first; null for those of `survivorship.trust`.
        doubted_by: contact checks that make the field's value lose to any that they found nothing about; null for the
            field's own (`DOUBTS`).
    """

    model_config = _SETTINGS

    trust: tuple[_Name, ...] | None = None
    doubted_by: tuple[_Check, ...] | None = None

    @field_validator("trust")
    @classmethod
    def _rank_once(cls, trust: tuple[str, ...] | None) -> tuple[str, ...] | None:
        _once(trust or (), "source")
        return trust

    @field_validator("doubted_by")
    @classmethod
    def _are_checks(cls, checks: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = sorted(set(checks or ()) - set(CHECKS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no contact check: take some of {', '.join(CHECKS)}")
        return checks


DOUBTS: Mapping[GoldenField, tuple[str, ...]] = {
    "full_name": ("name_implausible",),
    "email": ("blocklisted_email", "blocklisted_domain", "email_invalid", "disposable_mail", "email_implausible", "email_misspelt", "role_mail"),
    "phone": ("blocklisted_phone", "phone_fake", "phone_invalid", "phone_unassigned"),
    "company_name": ("blocklisted_company", "company_implausible"),
}  # fmt: skip
"""Contact checks that cast doubt on a field. Free mail is none: it reaches the person; a team that would rather keep the
older work address adds free_mail to the e-mail's."""


class Survivorship(BaseModel):
    """Which record's value a lead keeps: not doubted, then most trusted, then newest, then fullest, lastly by record_key.

    Attributes:
        trust: names of sources or raw tables (mql, sql_leads), most trusted first; those not named rank last together.
        fields: what is otherwise for one field.
        blocks: fields that come from one record together, as an address does; of equally new records the one that
            fills most of the block.
    """

    model_config = _SETTINGS

    trust: tuple[_Name, ...] = ()
    fields: dict[GoldenField, FieldRule] = Field(default_factory=dict)
    blocks: tuple[tuple[GoldenField, ...], ...] = (("country", "region", "city", "postcode", "street"),)

    @field_validator("trust")
    @classmethod
    def _rank_once(cls, trust: tuple[str, ...]) -> tuple[str, ...]:
        _once(trust, "source")
        return trust

    @field_validator("blocks")
    @classmethod
    def _do_not_overlap(
        cls, blocks: tuple[tuple[GoldenField, ...], ...]
    ) -> tuple[tuple[GoldenField, ...], ...]:
        for block in blocks:
            if len(block) < 2:
                raise ValueError(f"a block needs two fields or more: [{', '.join(block)}] is none")
        _once(tuple(field for block in blocks for field in block), "field")
        return blocks

    def trust_of(self, field: GoldenField) -> tuple[str, ...]:
        """Sources and raw tables, most trusted first, for a field."""
        rule = self.fields.get(field)
        return self.trust if rule is None or rule.trust is None else rule.trust

    def doubts_of(self, field: GoldenField) -> tuple[str, ...]:
        """Contact checks that make a field's value lose."""
        rule = self.fields.get(field)
        return DOUBTS.get(field, ()) if rule is None or rule.doubted_by is None else rule.doubted_by


class Duplicates(BaseModel):
    """What is done with a lead record that joins a lead or account that was known already.

    Attributes:
        order: actions that are asked for in turn; the first that fits is the one. What is left out is never done, and
            a duplicate that nothing fits is tagged only.
        key_facts: facts whose change hands a lead to the account's owner.
        repeat_days: a person who comes again within so many days is tagged only; 0 for never.
    """

    model_config = _SETTINGS

    order: tuple[Action, ...] = ACTIONS
    key_facts: tuple[KeyFact, ...] = ("company", "seniority", "phone", "email_domain")
    repeat_days: Annotated[int, Field(strict=True, ge=0)] = 1

    @field_validator("order")
    @classmethod
    def _ask_once(cls, order: tuple[Action, ...]) -> tuple[Action, ...]:
        _once(order, "action")
        return order

    @field_validator("key_facts")
    @classmethod
    def _name_once(cls, facts: tuple[KeyFact, ...]) -> tuple[KeyFact, ...]:
        _once(facts, "fact")
        return facts
