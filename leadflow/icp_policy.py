"""The policy of the ideal customer profile: when segments are believed, and what amounts are compared in.

Belongs here: the section `icp` of policy.yaml, and what the SQL models need of it. Does not belong here: how segments
are found (icp/), what the points of a rule are (policy.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Accounts = Annotated[int, Field(strict=True, ge=2, le=1_000_000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Rate = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class IdealCustomer(BaseModel):
    """How the ideal customer is found among the accounts that were won.

    Attributes:
        minimum_won_accounts: won accounts of which something is known, below which there are no segments and
            account_fit is made from the rules.
        minimum_segment_accounts: won accounts of a segment; smaller groups are merged into the nearest.
        most_segments: of the numbers of segments that are tried, the highest.
        minimum_stability: mean adjusted Rand index of groupings of resampled accounts, below which a number of
            segments is not chosen; 1 is the same groups every time, 0 is chance.
        radius_share: of a segment's won accounts, the share nearest to its centre that its radius takes in; whoever
            lies further out is of no segment.
        confidence: of the intervals of win rates, all segments together; higher than is customary, since segments are
            measured on the accounts that they were found among.
        refit: when segments are found anew: from what was won until the last midnight of such a kind (UTC), so that
            between two of them account_fit changes only where an account does. `refresh` finds them every time.
        currency: ISO 4217 code that contract values are told in; null leaves each in its own.
        exchange_rates: what one unit of another currency is worth in `currency`; a currency without a rate stays
            apart.
        active_days_window: days back from the as_of day in which active days are counted for RFM.
        seed: of whatever is drawn at random.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_won_accounts: Accounts = 50
    minimum_segment_accounts: Accounts = 20
    most_segments: Annotated[int, Field(strict=True, ge=2, le=20)] = 8
    minimum_stability: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.6
    radius_share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.9
    confidence: Annotated[float, Field(strict=True, ge=0.5, le=0.999)] = 0.99
    refit: Literal["refresh", "day", "week", "month"] = "week"
    currency: Currency | None = None
    exchange_rates: dict[Currency, Rate] = {}
    active_days_window: Annotated[int, Field(strict=True, ge=1, le=3_650)] = 90
    seed: Annotated[int, Field(strict=True, ge=0, le=4_294_967_295)] = 20240501

    @model_validator(mode="after")
    def _rates_lead_somewhere(self) -> IdealCustomer:
        if self.exchange_rates and self.currency is None:
            raise ValueError("exchange_rates need 'currency', the one they lead to")
        if self.currency in self.exchange_rates:
            raise ValueError(f"{self.currency} is the currency itself: leave it out of exchange_rates")
        return self

    def sql_variables(self) -> Mapping[str, Any]:
        """What var('icp') answers in the SQL room."""
        return {
            "currency": self.currency or "",
            "exchange_rates": dict(sorted(self.exchange_rates.items())),
            "active_days_window": self.active_days_window,
        }
