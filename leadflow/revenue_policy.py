"""The section `revenue` of policy.yaml: when a contract's value is predicted at all.

Belongs here: the settings. Does not belong here: how the value is predicted (scoring/revenue.py), what currency it is told
in (icp_policy.py).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from leadflow.rule_policy import Section


class Revenue(Section):
    """When the value of a contract is predicted, and with it expected_revenue.

    Attributes:
        minimum_deals: leads won with a contract value, all in one currency, below which no value is predicted and
            expected_revenue stays empty.
    """

    minimum_deals: Annotated[int, Field(strict=True, ge=5, le=1_000_000)] = 30
