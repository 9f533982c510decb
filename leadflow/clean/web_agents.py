"""Which browsers name themselves as robots.

Belongs here: judging an agent by its text. Does not belong here: what visitors do (dbt_like_sql/clean/web_*.sql).

The list is the package crawler-user-agents (MIT): crawlers, libraries, tools and headless browsers, some 600 patterns
that are kept up to date. It is data of the package and asks nobody.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from leadflow.bot_policy import Bots

if TYPE_CHECKING:
    import polars as pl

_EMPTY = ("", "-", '""')
"""What web servers write where a request named no agent."""

_LONGEST = 1000
"""Characters of an agent that are looked at: no browser says more, and a longer text would only cost time."""


def judge_agents(agents: pl.Series, policy: Bots) -> pl.DataFrame:
    """What each agent is.

    Args:
        agents: distinct texts, none null.
        policy: lists of the user's own.

    Returns:
        user_agent, bot_rule (known_agent, no_agent or null), bot_reason, in the order of `agents`.
    """
    import polars as pl

    more = [text.lower() for text in policy.more_agents]
    allowed = [text.lower() for text in policy.allowed_agents]
    rows = [(agent, *_judge(agent, more, allowed)) for agent in agents]
    schema = {"user_agent": pl.String, "bot_rule": pl.String, "bot_reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _judge(agent: str, more: list[str], allowed: list[str]) -> tuple[str | None, str | None]:
    """Rule and reason, or null twice."""
    text = agent.strip()
    if text in _EMPTY:
        return "no_agent", "Names no browser"
    lower = text.lower()
    if any(part in lower for part in allowed):
        return None, None
    found = next((part for part in more if part in lower), None)
    if found is None:
        match = _known_robots().search(text[:_LONGEST])
        found = match.group() if match else None
    return (None, None) if found is None else ("known_agent", f"Calls itself {found[:60]}")


@lru_cache(maxsize=1)
def _known_robots() -> re.Pattern[str]:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    return re.compile("|".join(f"(?:{robot['pattern']})" for robot in CRAWLER_USER_AGENTS_DATA))
