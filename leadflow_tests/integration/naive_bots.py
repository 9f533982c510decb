"""When each web event could be known to be a robot's, as slow loops over the events in the order they were seen.

Written from what policy.yaml says of the rules. What the SQL models find is held against it.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import mean, median, pstdev
from typing import Any

from leadflow.bot_policy import Bots
from leadflow.clean.web_agents import judge_agents

Row = Mapping[str, Any]
Moments = dict[Any, datetime]


def left_out_from(events: Sequence[Row], policy: Bots) -> dict[str, datetime]:
    """The moment from which an event counts no more, by event_id; none where it always counts."""
    import polars as pl

    seen = sorted(
        events,
        key=lambda row: (max(row["occurred_at"], row["known_at"]), row["occurred_at"], row["event_id"]),
    )
    texts = sorted({row["user_agent"] for row in events if row["user_agent"] is not None})
    judged = judge_agents(pl.Series(texts, dtype=pl.String), policy)
    robots = set(judged.filter(pl.col("bot_rule").is_not_null())["user_agent"])
    by_visitor: dict[str, list[Row]] = defaultdict(list)
    by_address: dict[str, list[Row]] = defaultdict(list)
    for row in seen:
        if (visitor := visitor_of(row)) is not None:
            by_visitor[visitor].append(row)
        if row["ip_address"] is not None:
            by_address[row["ip_address"]].append(row)
    visitors: dict[str | None, datetime] = {
        visitor: first
        for visitor, rows in by_visitor.items()
        if (first := first_found(rows, policy)) is not None
    }
    addresses: Moments = {}
    for address, rows in by_address.items():
        for run in regular_runs(rows, policy):
            names = max(
                len({row[name] for row in run if row[name] is not None}) for name in ("visitor", "user_agent")
            )
            if names >= policy.address_visitors:
                earliest(addresses, (address, run[-1]["occurred_at"].date()), seen_at(run[-1]))
    days = outlying_days(by_visitor, policy)
    found: dict[str, datetime] = {}
    for row in events:
        flags = [seen_at(row)] if row["user_agent"] in robots else []
        flags += [
            max(seen_at(row), known_at)
            for known_at in (
                visitors.get(visitor_of(row)),
                addresses.get((row["ip_address"], row["occurred_at"].date())),
                days.get((visitor_of(row), row["occurred_at"].date())),
            )
            if known_at is not None
        ]
        if flags:
            found[row["event_id"]] = min(flags)
    return found


def seen_at(row: Row) -> datetime:
    """When the event had happened and was known."""
    return max(row["occurred_at"], row["known_at"])  # type: ignore[no-any-return]


def visitor_of(row: Row) -> str | None:
    """Visitor, else form, else address."""
    if row["visitor_id"] is not None:
        return str(row["visitor_id"])
    if row["mql_id"] is not None:
        return f"mql:{row['mql_id']}"
    return None if row["email"] is None else f"email:{row['email'].strip().lower()}"


def earliest(moments: Moments, key: Any, moment: datetime) -> None:
    moments[key] = min(moments.get(key, moment), moment)


def timed(rows: Iterable[Row]) -> list[Row]:
    """Those of which more than the day is known, with their visitor."""
    midnight = datetime.min.time()
    return [{**row, "visitor": visitor_of(row)} for row in rows if row["occurred_at"].time() != midnight]


def regular_runs(rows: Iterable[Row], policy: Bots) -> Iterable[list[Row]]:
    """Stretches of events, seen one after another, in even steps."""
    used = timed(rows)
    for end in range(policy.regular_events, len(used) + 1):
        run = used[end - policy.regular_events : end]
        gaps = [
            (after["occurred_at"] - before["occurred_at"]).total_seconds()
            for before, after in itertools.pairwise(run)
        ]
        if min(gaps) >= 0 and 0 < max(gaps) <= 3600 and pstdev(gaps) < policy.regular_variation * mean(gaps):
            yield run


def first_found(rows: Sequence[Row], policy: Bots) -> datetime | None:
    """When a rule first found the visitor whose events these are, in the order they were seen."""
    found = [
        seen_at(row)
        for row in rows
        if any(page in (row["page_url"] or "").lower() for page in policy.honeypot_pages)
    ]
    found += [seen_at(run[-1]) for run in regular_runs(rows, policy)]
    used = timed(rows)
    for count, length in (
        (policy.events_per_minute, timedelta(minutes=1)),
        (policy.events_per_hour, timedelta(hours=1)),
        (policy.events_per_day, timedelta(days=1)),
    ):
        for end in range(count, len(used) + 1):
            times = [row["occurred_at"] for row in used[end - count : end]]
            if max(times) - min(times) <= length:
                found.append(seen_at(used[end - 1]))
    hours: set[datetime] = set()
    for row in used:
        hours.add(row["occurred_at"].replace(minute=0, second=0, microsecond=0))
        if any(
            all(hour + timedelta(hours=ahead) in hours for ahead in range(policy.session_hours))
            for hour in hours
        ):
            found.append(seen_at(row))
            break
    return min(found, default=None)


def outlying_days(by_visitor: Mapping[str, Sequence[Row]], policy: Bots) -> Moments:
    """When a visitor's day could be known to hold far more than the days of its segment before, by visitor and day."""
    per_day: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for visitor, rows in by_visitor.items():
        for row in rows:
            per_day[visitor, row["occurred_at"].date(), segment_of(row)].append(row)
    sizes: dict[tuple[Any, ...], list[tuple[int, int]]] = defaultdict(list)
    for (_, day, segment), rows in per_day.items():
        month = day.year * 12 + day.month - 1
        following = datetime((month + 1) // 12, (month + 1) % 12 + 1, 1)  # noqa: DTZ001 - naive UTC throughout
        in_time = [row for row in rows if seen_at(row) < following]
        if in_time:
            sizes[segment, month].append((len(in_time), len({row["occurred_at"].hour for row in in_time})))
    found: Moments = {}
    for (visitor, day, segment), rows in per_day.items():
        month = day.year * 12 + day.month - 1
        before = [
            size for back in range(1, policy.reference_months + 1) for size in sizes[segment, month - back]
        ]
        if len(before) < policy.segment_visitor_days:
            continue
        least = [bound([size[place] for size in before], policy.outlier_score) for place in (0, 1)]
        hours: set[int] = set()
        for count, row in enumerate(rows, 1):
            hours.add(row["occurred_at"].hour)
            if count >= max(least[0], policy.outlier_events) or len(hours) >= max(
                least[1], policy.outlier_hours
            ):
                earliest(found, (visitor, day), seen_at(row))
                break
    return found


def segment_of(row: Row) -> tuple[Any, ...]:
    """Source, whether somebody is named, and whether on a mobile."""
    is_identified = row["mql_id"] is not None or row["email"] is not None
    return row["source_name"], is_identified, "Mobi" in (row["user_agent"] or "")


def bound(counts: Sequence[int], score: float) -> int:
    """Least count whose modified z-score, of the logarithm, is above `score`."""
    logs = [math.log(count) for count in counts]
    middle = median(logs)
    deviations = [abs(log - middle) for log in logs]
    mad = median(deviations)
    spread = mad / 0.6745 if mad > 1e-12 else 1.253314 * mean(deviations)
    return math.floor(math.exp(middle + score * spread) + 1e-9) + 1
