"""Whom to ask about which account: what is fresh is not asked again, and what is known better is not asked at all.

Belongs here: choosing questions and counting calls, over frames. Does not belong here: asking (http_provider.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from leadflow.enrich.providers import Answer, Question
from leadflow.enrich.values import FACT_FIELDS

if TYPE_CHECKING:
    from leadflow.enrich.told import Told
    from leadflow.enrichment_policy import Enrichment, HttpProvider

_NEVER, _AGAIN, _FAILED = 0, 1, 2
"""Who is asked first: accounts never asked about, then those whose answer is stale, then those that failed."""


@dataclass
class Tally:
    """What became of a provider's lookups in one refresh.

    Attributes:
        cache_hits: accounts whose answer was fresh.
        calls: requests that were sent.
        statuses: answers by status.
        waiting: accounts that are still to be asked about.
        problems: what went wrong, in sentences, each once.
    """

    cache_hits: int = 0
    calls: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    problems: dict[str, None] = field(default_factory=dict)

    def count(self, answer: Answer) -> None:
        """One more answer."""
        self.calls += answer.call_count
        self.statuses[answer.status] += 1
        if answer.problem is not None:
            self.problems[f"{answer.status}: {answer.problem}"] = None

    def told(self, most_problems: int = 10) -> dict[str, object]:
        """For the UI."""
        return {
            "calls": self.calls,
            "cache_hits": self.cache_hits,
            **{status: self.statuses[status] for status in ("found", "not_found", "refused", "failed")},
            "waiting": self.waiting,
            "problems": list(self.problems)[:most_problems],
        }


@dataclass(frozen=True)
class Plan:
    """What to ask a provider.

    Attributes:
        questions: in their order, as many as calls are left.
        cache_hits: accounts whose answer is fresh.
        waiting: accounts to be asked about, those of `questions` among them.
    """

    questions: tuple[Question, ...]
    cache_hits: int
    waiting: int


def calls_left(enrichment: Enrichment, answers: pl.DataFrame, as_of: datetime, called: int) -> int:
    """Requests that may still be sent in this refresh.

    Args:
        enrichment: the policy.
        answers: `providers.PROVIDER_ANSWER_COLUMNS`, those of this refresh among them.
        as_of: the refresh's moment; its UTC day is the one whose calls count.
        called: requests that this refresh has sent.
    """
    today = answers.filter(pl.col("asked_at").dt.date() == as_of.date())["call_count"].sum()
    budget = enrichment.budget
    return max(0, min(budget.calls_per_run - called, budget.calls_per_day - int(today or 0)))


def unanswered(
    accounts: pl.DataFrame, told: Told, provider: HttpProvider, enrichment: Enrichment
) -> pl.DataFrame:
    """Accounts of which the provider may tell something that nobody whose word counts more has told."""
    known = told.matches.select("account_id", "provider", "subject").join(
        told.facts.select("provider", "subject", "field").unique(), on=["provider", "subject"]
    )
    complete = accounts.select("account_id")
    for name in sorted(provider.fields):
        before = enrichment.order(name)
        stronger = before[: before.index(provider.name)]
        of_field = [fact for fact, of in FACT_FIELDS.items() if of == name]
        has_it = known.filter(pl.col("provider").is_in(list(stronger)), pl.col("field").is_in(of_field))
        complete = complete.join(has_it.select("account_id").unique(), on="account_id", how="semi")
    return accounts.join(complete, on="account_id", how="anti")


def plan(
    accounts: pl.DataFrame, answers: pl.DataFrame, provider: HttpProvider, as_of: datetime, most: int
) -> Plan:
    """Whom to ask the provider about.

    Args:
        accounts: account_id, domain, company_name, company_key, lead_record_count; those worth asking about.
        answers: `providers.PROVIDER_ANSWER_COLUMNS`, known by as_of.
        provider: the provider.
        as_of: an answer that expires later is fresh.
        most: questions at most.

    Never asked ones go first, those with the most lead records among them; then those whose answer is stale, the oldest
    first; then those that failed. A name is asked for where the account has no domain, or that is not found.
    """
    own = answers.filter(pl.col("provider") == provider.name)
    lasting = (
        own.filter(pl.col("status") != "failed").sort("asked_at").unique(["key_kind", "key"], keep="last")
    )
    last = own.group_by("key_kind", "key").agg(
        asked_at=pl.col("asked_at").max(),
        has_failed=pl.col("status").sort_by("asked_at").last() == "failed",
    )
    keys = last.join(
        lasting.select("key_kind", "key", "status", "expires_at"), on=["key_kind", "key"], how="left"
    )
    keys = keys.with_columns(is_fresh=(pl.col("expires_at") > as_of).fill_null(value=False))
    frame = accounts.select("account_id", "domain", "company_name", "company_key", "lead_record_count")
    for kind, column, lookup in (
        ("domain", "domain", provider.by_domain),
        ("company_name", "company_key", provider.by_company_name),
    ):
        frame = frame.join(
            keys.filter(pl.col("key_kind") == kind).select(
                pl.col("key").alias(column),
                *(
                    pl.col(part).alias(f"{kind}_{part}")
                    for part in ("asked_at", "has_failed", "status", "is_fresh")
                ),
            ),
            on=column,
            how="left",
        ).with_columns(
            pl.lit(lookup is not None).and_(pl.col(column).is_not_null()).alias(f"{kind}_can"),
            pl.col(f"{kind}_is_fresh").fill_null(value=False),
            pl.col(f"{kind}_has_failed").fill_null(value=False),
        )
    is_found = (pl.col("domain_is_fresh") & (pl.col("domain_status") == "found")).fill_null(value=False)
    asks_domain = pl.col("domain_can") & ~pl.col("domain_is_fresh")
    may_ask_name = pl.col("company_name_can") & ~pl.col("company_name_is_fresh") & ~is_found
    frame = frame.with_columns(
        asks_domain=asks_domain,
        asks_name=may_ask_name,
        was_asked=pl.max_horizontal("domain_asked_at", "company_name_asked_at"),
        is_wanted=asks_domain | may_ask_name,
    )
    wanted = frame.filter("is_wanted").with_columns(
        turn=pl.when(pl.col("domain_has_failed") | pl.col("company_name_has_failed"))
        .then(_FAILED)
        .when(pl.col("was_asked").is_null())
        .then(_NEVER)
        .otherwise(_AGAIN)
    )
    chosen = wanted.sort(
        "turn", "was_asked", "lead_record_count", "account_id", descending=[False, False, True, False]
    ).head(most)
    is_hit = (~pl.col("is_wanted")) & (pl.col("domain_is_fresh") | pl.col("company_name_is_fresh"))
    return Plan(
        tuple(_question(row) for row in chosen.iter_rows(named=True)),
        frame.filter(is_hit).height,
        wanted.height,
    )


def _question(row: Mapping[str, object]) -> Question:
    domain = str(row["domain"]) if row["asks_domain"] else None
    if not row["asks_name"]:
        return Question(str(row["account_id"]), domain)
    return Question(str(row["account_id"]), domain, str(row["company_name"]), str(row["company_key"]))


def expiry(
    provider: HttpProvider, enrichment: Enrichment, answer: Answer, as_of: datetime
) -> datetime | None:
    """Until when an answer is fresh; None where it failed, and is asked again at once."""
    if answer.status == "failed":
        return None
    cache = enrichment.cache
    if answer.status == "found":
        return as_of + timedelta(days=provider.found_days or cache.found_days)
    return as_of + timedelta(days=provider.not_found_days or cache.not_found_days)


def warned(tallies: Mapping[str, Tally]) -> Iterable[str]:
    """A sentence for each provider that failed."""
    for name, tally in tallies.items():
        failed = [problem for problem in tally.problems if not problem.startswith(("found", "refused"))]
        if failed:
            yield f"{name}: {failed[-1]}; what it told before stays"
