"""Who can be asked about accounts: what a question and an answer are, whoever is asked.

Belongs here: the interface that every provider keeps, and the tables of what providers told. Does not belong here: asking
(http_provider.py, file_provider.py), whom to ask (lookups.py), and what is made of the answers (facts.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

import polars as pl

if TYPE_CHECKING:
    from leadflow.enrichment_policy import EnrichedField

KeyKind = Literal["domain", "company_name"]
Status = Literal["found", "not_found", "refused", "failed"]
STATUSES: tuple[Status, ...] = ("found", "not_found", "refused", "failed")

# A domain has one owner, so a match by it is certain. Names that agree after their legal forms are taken off are
# mostly, not always, one company (a brand has namesakes in other countries); 0.8 says so and is no measurement.
CONFIDENCE: Mapping[KeyKind, float] = {"domain": 1.0, "company_name": 0.8}

_MOMENT = pl.Datetime("us")
PROVIDER_ANSWER_COLUMNS: dict[str, pl.DataType] = {
    "provider": pl.String(),
    "key_kind": pl.String(),
    "key": pl.String(),
    "asked_at": _MOMENT,
    "known_at": _MOMENT,
    "expires_at": _MOMENT,
    "status": pl.String(),
    "answer": pl.String(),
    "problem": pl.String(),
    "call_count": pl.Int64(),
}
"""What providers answered, one row per provider, key and moment asked at."""


@dataclass(frozen=True)
class Question:
    """An account that is asked about: by its domain, and by its name where the domain is none or is not found.

    Attributes:
        account_id: the account.
        domain: its web domain, where it is to be asked by that.
        company_name: its name as written, where it may be asked by that; goes with company_key.
        company_key: the name's key (text/companies.py).
    """

    account_id: str
    domain: str | None = None
    company_name: str | None = None
    company_key: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a provider told of one account by one key.

    Attributes:
        matched_by: whether it was asked by domain or by name.
        key: the domain, or the name's key.
        status: found; not_found: the provider does not know it; refused: it told of somebody else; failed: it did not
            answer, or not with what an answer is.
        fields: what it told, as it wrote it.
        problem: why it was refused or failed, or what of it could not be used.
        confidence: how sure it is the account's.
        call_count: requests that were sent for it.
    """

    matched_by: KeyKind
    key: str
    status: Status
    fields: Mapping[EnrichedField, str] = field(default_factory=dict)
    problem: str | None = None
    confidence: float = 1.0
    call_count: int = 0


class Provider(Protocol):
    """Somebody who knows about companies."""

    @property
    def name(self) -> str:
        """What the facts' source is called."""

    def look_up(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """Answers one by one, so that what was answered can be kept whatever comes after; one or two a question.

        Never raises for what a provider does: a question that it does not answer has an answer of status failed, and
        after too many of them the rest is left out.
        """


def answer_row(
    provider: str, answer: Answer, as_of: datetime, expires_at: datetime | None
) -> dict[str, object]:
    """A row of PROVIDER_ANSWER_COLUMNS."""
    told = (
        json.dumps(dict(answer.fields), ensure_ascii=False, sort_keys=True)
        if answer.status == "found"
        else None
    )
    return {
        "provider": provider,
        "key_kind": answer.matched_by,
        "key": answer.key,
        "asked_at": as_of,
        "known_at": as_of,
        "expires_at": expires_at,
        "status": answer.status,
        "answer": told,
        "problem": answer.problem,
        "call_count": answer.call_count,
    }
