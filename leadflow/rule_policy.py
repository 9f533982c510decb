"""The rules of policy.yaml: points, event classes, counting, decay, caps and gates.

Belongs here: what one setting may be, by itself. Does not belong here: the rules that hold unless a policy has its own
(default_rules.py), the bands of scores (band_policy.py), settings that contradict each other (rule_conflicts.py), and what is done with them (scoring/).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from leadflow.activity_measures import WINDOWS, unknown_window

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
Count = Annotated[int, Field(strict=True, ge=1)]
Days = Annotated[int, Field(strict=True, ge=0)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
HalvingDays = Annotated[int, Field(strict=True, ge=1, le=3_650)]
Group = Literal["static", "dynamic", "contact"]
GROUPS: tuple[Group, ...] = ("static", "dynamic", "contact")
LIST_NAMES = ("competitors.domains",)

_NUMBER_OPS = ("gt", "gte", "lt", "lte")


class Section(BaseModel):
    """A part of the policy: unknown settings are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Condition(Section):
    """When a rule fires: one feature of features.lead_features compared with a value or a named list, or a thing done.

    Text is compared without regard to case. An unknown (null) feature never fires a rule.

    Attributes:
        feature: column of features.lead_features; with op happened what leads do, such as webinars_attended.
        op: gt, gte, lt, lte (a number), equals (one value), in (several values), is_true, in_list (a named list),
            happened (each time it was done counts, as the rule's `count` says).
        value: what the feature is compared with; none with is_true, in_list and happened.
        list_name: (`list` in the file) the list that in_list looks the feature up in.
    """

    feature: Sentence
    op: Literal["gt", "gte", "lt", "lte", "equals", "in", "is_true", "in_list", "happened"]
    value: Any = None
    list_name: str | None = Field(default=None, alias="list")

    @model_validator(mode="after")
    def _fits_the_operator(self) -> Condition:
        if self.op != "in_list" and self.list_name is not None:
            raise ValueError(f"'list' goes with op in_list, not with {self.op}")
        if self.op in ("is_true", "in_list", "happened") and self.value is not None:
            raise ValueError(f"op {self.op} takes no 'value'")
        if self.op == "in_list" and self.list_name not in LIST_NAMES:
            raise ValueError(f"op in_list needs a 'list' that exists: {', '.join(LIST_NAMES)}")
        if self.op in _NUMBER_OPS and not _is_number(self.value):
            raise ValueError(f"op {self.op} needs a number as 'value'")
        if self.op == "equals" and not (isinstance(self.value, str | bool) or _is_number(self.value)):
            raise ValueError("op equals needs a text, a number, true or false as 'value'")
        if self.op == "in":
            values = self.value if isinstance(self.value, list | tuple) else ()
            if not values or not (
                all(isinstance(item, str) for item in values) or all(_is_number(item) for item in values)
            ):
                raise ValueError("op in needs a list of texts, or of numbers, as 'value'")
        return self

    @model_validator(mode="after")
    def _knows_what_leads_do(self) -> Condition:
        if self.op == "happened" and self.feature not in WINDOWS:
            raise ValueError(
                f"op happened counts what leads do, and '{self.feature}' is nothing of the kind: "
                f"use one of {', '.join(WINDOWS)}"
            )
        if self.op != "happened" and self.feature in WINDOWS:
            raise ValueError(
                f"'{self.feature}' has no value of its own to compare: use {self.feature}_ever, or op happened, "
                "which takes no value and counts each time"
            )
        wrong = unknown_window(self.feature)
        if wrong:
            raise ValueError(wrong)
        return self


class Frequency(Section):
    """How often a thing that was done counts, the newest first; what is left out sets no limit.

    Attributes:
        per_day: times at most of one UTC day.
        times: times at most in all.
        window_days: only what was done within so many whole days back, and on the as_of day so far.
    """

    per_day: Count | None = None
    times: Count | None = None
    window_days: Days | None = None

    @model_validator(mode="after")
    def _limits(self) -> Frequency:
        if self.per_day is None and self.times is None and self.window_days is None:
            raise ValueError(
                "'count' says nothing: give per_day, times or window_days, or leave it out to count once"
            )
        if self.per_day is not None and self.times is not None and self.per_day > self.times:
            raise ValueError(
                f"per_day ({self.per_day}) is above times ({self.times}) and limits nothing: lower it or leave it out"
            )
        return self


ONCE = Frequency(times=1)
"""How often a thing that was done counts where the rule does not say."""


class Decay(Section):
    """How points fade with the whole UTC days since the thing was done; on the as_of day nothing is lost.

    Attributes:
        half_life_days: days after which half of the points is left, a quarter after twice as many.
        linear_days: days after which nothing is left, the same part lost each day.
    """

    half_life_days: HalvingDays | None = None
    linear_days: HalvingDays | None = None

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Decay:
        if (self.half_life_days is None) == (self.linear_days is None):
            raise ValueError("give either half_life_days or linear_days, and only one of them")
        return self

    def share_left(self, days_ago: int) -> float:
        """The share of the points, 0 to 1, that is left after so many whole days."""
        if self.half_life_days is not None:
            return float(0.5 ** (days_ago / self.half_life_days))
        return max(0.0, 1.0 - days_ago / (self.linear_days or 1))


class EventClasses(Section):
    """Points that rules give by class instead of a number of their own.

    Attributes:
        strong: of what tells most, such as asking for a demo.
        medium: of what tells something.
        weak: of what tells little.
    """

    strong: Positive = 15.0
    medium: Positive = 10.0
    weak: Positive = 5.0

    @model_validator(mode="after")
    def _descend(self) -> EventClasses:
        if not self.strong >= self.medium >= self.weak:
            raise ValueError("event_classes must not ascend: strong at least medium, medium at least weak")
        return self


class Rule(Section):
    """Points for one observable fact about a lead.

    Attributes:
        name: snake_case, unique within the policy.
        group: static (fit), dynamic (engagement) or contact (what kind of address it is).
        when: the fact.
        points: may be negative; of one time where times are counted.
        event_class: (`class` in the file) strong, medium or weak, in place of points.
        count: how often a thing that was done counts; once where left out. Goes with op happened.
        decay: how its points fade with the days since. Goes with op happened.
        cap: most points that the rule takes or gives, all times together.
        reason: a sentence that a salesperson reads beside the score.
        reason_zh: the same in Chinese.
    """

    name: Name
    group: Group
    when: Condition
    points: Number | None = None
    event_class: Literal["strong", "medium", "weak"] | None = Field(default=None, alias="class")
    count: Frequency | None = None
    decay: Decay | None = None
    cap: Positive | None = None
    reason: Sentence
    reason_zh: Sentence | None = None

    @field_validator("event_class")
    @classmethod
    def _is_in_place_of_points(cls, event_class: str | None, info: ValidationInfo) -> str | None:
        if event_class is not None and info.data.get("points") is not None:
            raise ValueError("'points' and 'class' both say what the rule gives: keep one of them")
        return event_class

    @field_validator("count", "decay")
    @classmethod
    def _goes_with_happened(
        cls, setting: Frequency | Decay | None, info: ValidationInfo
    ) -> Frequency | Decay | None:
        when = info.data.get("when")
        if setting is not None and when is not None and when.op != "happened":
            raise ValueError(
                f"'{info.field_name}' needs op happened over what leads do, such as webinars_attended; "
                f"op {when.op} on {when.feature} holds or not, and has no days since"
            )
        return setting

    @field_validator("decay")
    @classmethod
    def _lasts_as_long_as_the_window(cls, decay: Decay | None, info: ValidationInfo) -> Decay | None:
        window_days = getattr(info.data.get("count"), "window_days", None)
        if decay and decay.linear_days and window_days is not None and window_days > decay.linear_days:
            raise ValueError(
                f"nothing is left after linear_days ({decay.linear_days}), yet count.window_days ({window_days}) "
                "looks further back: lower window_days, or leave it out"
            )
        return decay

    @model_validator(mode="after")
    def _gives_points(self) -> Rule:
        if self.points is None and self.event_class is None:
            raise ValueError("needs 'points', or 'class': strong, medium or weak")
        return self

    @property
    def is_counted(self) -> bool:
        """Whether it counts times that a thing was done, and not whether a feature fits."""
        return self.when.op == "happened"

    @property
    def frequency(self) -> Frequency:
        """How often a thing that was done counts."""
        return self.count or ONCE

    @property
    def days_back(self) -> int | None:
        """Whole days back beyond which nothing that was done gives points, or None where there is no such day."""
        if self.frequency.window_days is not None or self.decay is None or self.decay.linear_days is None:
            return self.frequency.window_days
        return self.decay.linear_days - 1


class Caps(Section):
    """Bounds of what a group's points come to, on both sides of 0; null sets none.

    Attributes:
        static: of the fit points of a lead: with 30 they count as 30 where they are more, and as -30 where they are less.
        dynamic: of its engagement points.
        contact: of the points for its kind of address.
        total: most of all points together, at most 100; the least is always 0.
    """

    static: Positive | None = None
    dynamic: Positive | None = None
    contact: Positive | None = None
    total: Annotated[float, Field(strict=True, gt=0, le=100)] = 100.0

    def of(self, group: Group) -> float | None:
        """The cap of a group, or None."""
        cap: float | None = getattr(self, group)
        return cap


class Gate(Section):
    """A fact that holds the score down whatever the points: no points, and no way past it.

    Attributes:
        name: snake_case, unique among the gates.
        when: the fact.
        max_score: the highest score, 0 to 100, of a lead that the fact holds of.
        reason: a sentence that a salesperson reads beside the score.
        reason_zh: the same in Chinese.
    """

    name: Name
    when: Condition
    max_score: Percent
    reason: Sentence
    reason_zh: Sentence | None = None

    @field_validator("when")
    @classmethod
    def _compares(cls, when: Condition) -> Condition:
        if when.op == "happened":
            raise ValueError(
                f"a gate counts nothing: compare a feature, such as {{feature: {when.feature}_ever, op: gt, value: 0}}"
            )
        return when
