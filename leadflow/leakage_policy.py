"""The policy of the leakage firewall: from where on a feature is taken for an outcome in disguise, and what is let pass.

Belongs here: the setting leakage of policy.yaml. Does not belong here: the checks (features/leakage.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_SETTINGS = ConfigDict(extra="forbid", frozen=True)
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Flag = Annotated[bool, Field(strict=True)]
_AboveChance = Annotated[float, Field(strict=True, gt=0.5, le=1)]
_Share = Annotated[float, Field(strict=True, gt=0, le=1)]


class AllowedFeature(BaseModel):
    """A feature that models may use whatever the checks find.

    Attributes:
        feature: its name in features.leakage_report; of a declared attribute its bare name does, too.
        reason: how it is known that its values were there before the outcome; stands in the report.
    """

    model_config = _SETTINGS

    feature: _Name
    reason: _Name


class Leakage(BaseModel):
    """Which features are kept from the model as leaks.

    Attributes:
        is_enabled: false looks at nothing and lets every feature pass but the excluded.
        on_blocked: leave_out trains without the features that are blocked, and warns; stop ends the refresh before
            training, until each is allowed or excluded by name.
        association: association with the label, 0 to 1, from which a feature alone is blocked.
        null_pattern_auc: AUC from which a feature is blocked by whether it is empty.
        auc_alone: AUC from which a feature alone is blocked where all others together have less.
        gap: how much better than on newer leads a model may look on leads drawn at random before it is warned of.
        allow: features that pass whatever is found, each with its reason.
        exclude: features that no model may use.
    """

    model_config = _SETTINGS

    is_enabled: _Flag = True
    on_blocked: Literal["leave_out", "stop"] = "leave_out"
    association: _Share = 0.95
    null_pattern_auc: _AboveChance = 0.8
    auc_alone: _AboveChance = 0.8
    gap: _Share = 0.05
    allow: tuple[AllowedFeature, ...] = ()
    exclude: tuple[_Name, ...] = ()

    @model_validator(mode="after")
    def _name_once(self) -> Leakage:
        names = [allowed.feature for allowed in self.allow] + list(self.exclude)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"{', '.join(twice)} is named twice in allow and exclude: name each feature once"
            )
        return self

    def names(self) -> tuple[str, ...]:
        """All features that are named."""
        return tuple(allowed.feature for allowed in self.allow) + self.exclude
