"""The policy of gains: what calling leads costs, what a win is worth, and how many calls can be made.

Belongs here: the section `gains` of policy.yaml. Does not belong here: how gains are measured (scoring/gains.py).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Calls = Annotated[int, Field(strict=True, ge=1)]
_Amount = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class Gains(BaseModel):
    """What a recommendation of how far down the list to call is made from; without a setting there is none of its kind.

    Attributes:
        calls_per_week: leads that sales can call in a week.
        cost_per_call: what calling one lead costs; goes with value_per_win, in the same currency.
        value_per_win: what a lead that is won brings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls_per_week: _Calls | None = None
    cost_per_call: _Amount | None = None
    value_per_win: _Amount | None = None

    @model_validator(mode="after")
    def _weigh_both(self) -> Gains:
        if (self.cost_per_call is None) != (self.value_per_win is None):
            raise ValueError("cost_per_call and value_per_win go together: set both, or neither")
        return self
