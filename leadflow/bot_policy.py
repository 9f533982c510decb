"""The policy of bots and outliers among web events: which rules are in force, and their thresholds.

Belongs here: the section `bots` of policy.yaml, and what the SQL models need of it. Does not belong here: the rules
themselves (dbt_like_sql/clean/web_*.sql, clean/web_agents.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from leadflow.config_files import unquoted_off
from leadflow.contact_policy import Entry, ip_range

BotEffect = Annotated[
    Literal["flag", "off"], BeforeValidator(unquoted_off), WithJsonSchema({"enum": ["flag", "off", False]})
]
Events = Annotated[int, Field(strict=True, ge=3, le=1_000_000)]
Hours = Annotated[int, Field(strict=True, ge=2, le=10_000)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]

BOT_RULES = (
    "known_agent",
    "no_agent",
    "data_centre_range",
    "honeypot",
    "session_length",
    "minute_rate",
    "hour_rate",
    "day_rate",
    "regular_timing",
    "address_pattern",
)
"""Rules that tell a robot; the first five that apply at one moment go before the rest."""

OUTLIER_RULES = ("unusual_events", "unusual_hours", "long_stay")
"""Rules that tell what no visit looks like, whoever it is."""

_MIDNIGHTS = 1
"""That a stretch shorter than a day may touch: so it lies in two days."""


class Bots(BaseModel):
    """Which web events are left out of features, and when; they are flagged and never deleted.

    Attributes:
        known_agent: the browser names itself as a crawler, library or tool (package crawler-user-agents), or as one of
            more_agents.
        no_agent: the agent was given and is empty; where the source has no agents, nothing is flagged.
        data_centre_range: the address is in one of data_centre_ranges.
        honeypot: the visitor saw one of honeypot_pages or filled in one of honeypot_fields.
        session_length: the visitor was there in each of session_hours clock hours on end.
        minute_rate, hour_rate, day_rate: events_per_minute, _hour, _day events or more within so long.
        regular_timing: regular_events events one after another, an hour apart at most, whose gaps vary by less than
            regular_variation (standard deviation over mean).
        address_pattern: the same of all events at one address, by address_visitors visitors or agents or more.
        unusual_events: a visitor-day has far more events than the days of its segment: modified z-score of the logarithm
            above outlier_score, and outlier_events at least.
        unusual_hours: the same of the clock hours a visitor was there on a day, and outlier_hours at least.
        long_stay: one event lasted longer than stay_hours: a tab left open.
        events_per_minute, events_per_hour, events_per_day: of one visitor.
        session_hours: longer than anybody is awake at one stretch.
        regular_events: events looked at for even steps.
        regular_variation: coefficient of variation, 0 to 1; people come at about 1.
        address_visitors: visitors or agents at one address.
        more_agents: texts in an agent, in any case, that tell a robot.
        allowed_agents: texts in an agent that is no robot whatever the package says, such as the own uptime monitor's.
        data_centre_ranges: IPv4 addresses: 203.0.113.7, 203.0.113.0/24 or 203.0.113.1-203.0.113.9.
        honeypot_pages: texts in page_url, in any case, that no link leads to.
        honeypot_fields: attributes of forms that nobody sees.
        outlier_score: modified z-score; 3.5 is Iglewicz' and Hoaglin's.
        outlier_events, outlier_hours: of a day, below which nothing is outlying.
        segment_visitor_days: in the months before, below which a segment has no bound.
        reference_months: months before a month by which its days are judged.
        stay_hours: of one event.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    known_agent: BotEffect = "flag"
    no_agent: BotEffect = "flag"
    data_centre_range: BotEffect = "flag"
    honeypot: BotEffect = "flag"
    session_length: BotEffect = "flag"
    minute_rate: BotEffect = "flag"
    hour_rate: BotEffect = "flag"
    day_rate: BotEffect = "flag"
    regular_timing: BotEffect = "flag"
    address_pattern: BotEffect = "flag"
    unusual_events: BotEffect = "flag"
    unusual_hours: BotEffect = "flag"
    long_stay: BotEffect = "off"
    events_per_minute: Events = 30
    events_per_hour: Events = 240
    events_per_day: Events = 500
    session_hours: Hours = 36
    regular_events: Events = 20
    regular_variation: Share = 0.25
    address_visitors: Annotated[int, Field(strict=True, ge=2)] = 5
    more_agents: tuple[Entry, ...] = ()
    allowed_agents: tuple[Entry, ...] = ()
    data_centre_ranges: tuple[Entry, ...] = ()
    honeypot_pages: tuple[Entry, ...] = ("/.env", "/.git/", "/wp-login.php", "/xmlrpc.php", "/phpmyadmin")
    honeypot_fields: tuple[Entry, ...] = ()
    outlier_score: Annotated[float, Field(strict=True, gt=0, le=100)] = 3.5
    outlier_events: Events = 50
    outlier_hours: Annotated[int, Field(strict=True, ge=2, le=24)] = 22
    segment_visitor_days: Annotated[int, Field(strict=True, ge=10)] = 100
    reference_months: Annotated[int, Field(strict=True, ge=1, le=24)] = 3
    stay_hours: Hours = 100

    @field_validator("data_centre_ranges")
    @classmethod
    def _are_ranges(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        for text in ranges:
            _ipv4_range(text)
        return ranges

    @property
    def in_force(self) -> tuple[str, ...]:
        """Names of the rules that flag."""
        return tuple(rule for rule in (*BOT_RULES, *OUTLIER_RULES) if getattr(self, rule) == "flag")

    def sql_variables(self) -> Mapping[str, Any]:
        """What var('bots') answers in the SQL room: numbers, and lists as SQL writes them."""
        return {
            "rules_in_force": _texts(self.in_force) or "''",
            "closer_look_events": self._closer_look_events(),
            **{
                name: getattr(self, name)
                for name in (
                    "events_per_minute", "events_per_hour", "events_per_day", "session_hours", "regular_events",
                    "regular_variation", "address_visitors", "outlier_score", "outlier_events", "outlier_hours",
                    "segment_visitor_days", "reference_months", "stay_hours",
                )
            },
            "data_centre_ranges": [list(_ipv4_range(text)) for text in self.data_centre_ranges],
            "honeypot_pages": [_texts((page.lower(),)) for page in self.honeypot_pages],
            "honeypot_fields": _texts(self.honeypot_fields) or "''",
        }  # fmt: skip

    def _closer_look_events(self) -> int:
        """Events that every rule of pace needs on at least one of the UTC days that its stretch may touch."""
        least = [
            self.events_per_minute / (1 + _MIDNIGHTS),
            self.events_per_hour / (1 + _MIDNIGHTS),
            self.events_per_day / (1 + _MIDNIGHTS),
            self.session_hours / (math.ceil(self.session_hours / 24) + _MIDNIGHTS),
            self.regular_events / (math.ceil(self.regular_events / 24) + _MIDNIGHTS),
            self.outlier_events,
            self.outlier_hours,
        ]
        return math.ceil(min(least))


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _ipv4_range(text: str) -> tuple[int, int]:
    """First and last address as numbers.

    Raises:
        ValueError: the text is no range of IPv4 addresses.
    """
    try:
        version, low, high = ip_range(text)
        if version == 4:
            return low, high
    except ValueError:
        pass
    raise ValueError(f"'{text}' is not an IPv4 address or range such as 203.0.113.0/24")
