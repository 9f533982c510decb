"""Robots on the web site: sessions of a hundred hours, rates no hand can click at, visitors out of a data centre.

Belongs here: their events and which visitors they are. Does not belong here: the single hits of crawlers among
people's events (journeys.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import mess_words as mess
from leadflow.demo import words as w
from leadflow.demo.columns import SECONDS_PER_DAY, Bools, frame, ids, instants, ip_addresses, words
from leadflow.demo.fakes import NETWORK_PREFIXES
from leadflow.demo.submissions import Submissions

BOT_KINDS = ("marathon", "sprinter", "data_centre")
"""A page every quarter of an hour for a hundred hours; several pages a second; a steady script on a rented server."""
EVENTS_EACH = (400, 150, 30)
SECONDS_BETWEEN = (900.0, 0.4, 10.0)
BOT_EVENT_SHARE = 0.015
"""Of the web events of people."""
_KIND_SHARES = (0.5, 0.3, 0.2)
_TIED_SHARE = 0.5


def bot_event_rows(
    rng: np.random.Generator, submissions: Submissions, is_junk: Bools, web_events: float, end: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The robots' web events in time order, as many as go with `web_events` of people; and the robots.

    Half of the robots filled in a form before: their visitor is that of a submission that `is_junk` (per submission).

    The robots' columns: visitor_id, bot_kind, mql_id (null where no form), event_count.
    """
    numbers = [
        round(BOT_EVENT_SHARE * web_events * share / each)
        for share, each in zip(_KIND_SHARES, EVENTS_EACH, strict=True)
    ]
    kind = np.repeat(np.arange(len(BOT_KINDS)), numbers)
    count = len(kind)
    lasting = (np.array(EVENTS_EACH) * np.array(SECONDS_BETWEEN) * 1.1).astype(np.int64)[kind]
    starts_at = end - lasting - rng.integers(0, 300 * SECONDS_PER_DAY, count)
    form = np.full(count, -1)
    junk = rng.permutation(np.flatnonzero(is_junk & (submissions.created_at < end - 6 * SECONDS_PER_DAY)))
    # Spread over the kinds, so that robots of each kind have left a form.
    tied = rng.permutation(count)[: min(len(junk), round(count * _TIED_SHARE))]
    form[tied] = junk[: len(tied)]
    is_tied = form >= 0
    starts_at = np.where(is_tied, submissions.created_at[np.maximum(form, 0)] + 1, starts_at)

    each = np.array(EVENTS_EACH, dtype=np.int64)[kind]
    bot = np.repeat(np.arange(count), each)
    step = np.arange(len(bot)) - np.repeat(np.cumsum(each) - each, each)
    pause = np.array(SECONDS_BETWEEN)[kind][bot]
    seconds = starts_at[bot] + ((step + 0.2 * rng.random(len(bot))) * pause).astype(np.int64)
    network = np.where(kind == BOT_KINDS.index("data_centre"), 2, 0)[bot]
    address = rng.integers(0, 2**32, count, dtype=np.uint32)[bot]
    # A marathon runs in an ordinary browser; the others say what they are, or every third does not.
    is_disguised = (kind == BOT_KINDS.index("marathon")) | (rng.random(count) < 0.33)
    agents = (*w.USER_AGENTS, *mess.HEADLESS_USER_AGENTS)
    robots = len(mess.HEADLESS_USER_AGENTS)
    agent = np.where(
        is_disguised, np.arange(count) % len(w.USER_AGENTS), len(w.USER_AGENTS) + np.arange(count) % robots
    )
    is_pricing = step % 7 == 3
    order = np.argsort(seconds, kind="stable")
    order = order[seconds[order] <= end]
    bot = bot[order]
    visitor = pl.select(
        pl.when(pl.Series(is_tied))
        .then(ids("v", submissions.visitor[np.maximum(form, 0)]))
        .otherwise(ids("b", np.arange(count)))
    ).to_series()
    events = frame(
        {
            "anonymous_id": visitor.gather(bot),
            "form_id": ids("F", form[bot], missing=~is_tied[bot]),
            "login": pl.repeat(None, len(bot), dtype=pl.String, eager=True),
            "event": words(("page_view", "pricing_page_view"), is_pricing[order].astype(np.int64)),
            "url": words((*w.PAGES, "/pricing"), np.where(is_pricing, len(w.PAGES), step % len(w.PAGES))[order]),
            "asset_kind": pl.repeat(None, len(bot), dtype=pl.String, eager=True),
            "seconds_on_page": np.round(pause[order] * (0.8 + 0.2 * rng.random(len(bot))), 1),
            "user_agent": words(agents, agent[bot]),
            "ip": ip_addresses(address[order], network[order], NETWORK_PREFIXES),
            "timestamp": instants(seconds[order]),
        }
    )  # fmt: skip
    robots_seen = frame(
        {
            "visitor_id": visitor,
            "bot_kind": words(BOT_KINDS, kind),
            "mql_id": ids("F", form, missing=~is_tied),
            "event_count": np.bincount(bot, minlength=count),
        }
    )
    return events, robots_seen
