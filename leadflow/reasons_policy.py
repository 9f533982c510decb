"""The policy of reasons: how many of the model's are told, and in which language.

Belongs here: the section `reasons` of policy.yaml. Does not belong here: what reasons are (scoring/reasons.py) and their
words (scoring/feature_words.yaml).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Told = Annotated[int, Field(strict=True, ge=0, le=50)]


class Reasons(BaseModel):
    """What is told of why a lead has its score.

    Attributes:
        language: of top_reason_1 to 3 in scored_leads; score_reasons has both.
        positive: of what raises the model's chance of winning, so many reasons are told at most.
        negative: of what lowers it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Literal["en", "zh"] = "en"
    positive: _Told = 3
    negative: _Told = 3
