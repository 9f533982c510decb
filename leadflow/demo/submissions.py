"""When leads arrive and what they type into the form.

Belongs here: arrival times, repeat submissions, and the untidiness of forms. Does not belong here: who the people
are (people.py) and what they do before and after (journeys.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import (
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    Bools,
    Floats,
    Ints,
    blank,
    choose,
    frame,
    ids,
    instants,
    ip_addresses,
    nested_words,
    words,
)
from leadflow.demo.companies import Companies
from leadflow.demo.people import People

HISTORY_DAYS = 365
REPEAT_SHARE = 0.06
INVALID_EMAIL_SHARE = 0.026
NO_EMAIL_SHARE = 0.032
_YEARLY_GROWTH = 0.6
_WEEKDAY_WEIGHTS = np.array([1.05, 1.2, 1.15, 1.1, 0.85, 0.3, 0.35])  # Monday first
_HOUR_WEIGHTS = np.array(
    [2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 10, 9, 10, 11, 10, 9, 7, 6, 5, 4, 4, 3, 3], dtype=float
)


@dataclass(frozen=True)
class Submissions:
    """Arrays with one item per form submission, in the order of their time.

    Attributes:
        person: index of the person; visitor: number of the web visitor (a repeat may come on another device).
        created_at: seconds since 1970; channel: index into words.CHANNELS.
        is_repeat: the person has sent a form before.
        has_email, has_valid_email: an address was given; and it is syntactically valid.
        ip: 32-bit address.
    """

    person: Ints
    visitor: Ints
    created_at: Ints
    channel: Ints
    is_repeat: Bools
    has_email: Bools
    has_valid_email: Bools
    ip: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        """Number of submissions."""
        return len(self.person)


def arrival_times(rng: np.random.Generator, count: int, end: int) -> Ints:
    """`count` moments, sorted, in the year before `end` (both in seconds since 1970).

    Arrivals grow by 60 % over the year, follow the working week and the working day (UTC), and stop five minutes
    before `end`.
    """
    hours = np.arange(HISTORY_DAYS * 24)
    starts = end - HISTORY_DAYS * SECONDS_PER_DAY + hours * SECONDS_PER_HOUR
    weekday = (starts // SECONDS_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday
    growth = 1.0 + _YEARLY_GROWTH * hours / hours[-1]
    weight = growth * _WEEKDAY_WEIGHTS[weekday] * _HOUR_WEIGHTS[starts // SECONDS_PER_HOUR % 24]
    moments = starts[choose(rng, weight, count)] + rng.integers(0, SECONDS_PER_HOUR, count)
    return np.sort(np.minimum(moments, end - 300))


def make_submissions(rng: np.random.Generator, count: int, end: int) -> Submissions:
    """`count` submissions in the year before `end`; people are numbered in the order of their first one.

    The last arrives between five minutes and an hour before `end`, so that the newest fact is always fresh. A
    channel of -1 stands for the person's own channel.
    """
    created_at = arrival_times(rng, count, end)
    created_at[-1] = max(created_at[-1], end - rng.integers(300, 3_300))
    kind = choose(
        rng, (INVALID_EMAIL_SHARE, NO_EMAIL_SHARE, 1.0 - INVALID_EMAIL_SHARE - NO_EMAIL_SHARE), count
    )
    wants_repeat = rng.random(count) < REPEAT_SHARE
    # A repeat goes back to the submission that was the newest some time ago, and needs its address to be told by.
    candidates = np.flatnonzero(~wants_repeat & (kind == 2))
    looks_back_to = created_at - (rng.exponential(30.0, count) * SECONDS_PER_DAY).astype(np.int64)
    position = np.searchsorted(created_at[candidates], looks_back_to, side="right") - 1
    is_repeat = wants_repeat & (position >= 0)
    first = candidates[np.maximum(position, 0)] if len(candidates) else np.zeros(count, dtype=np.int64)
    own = np.cumsum(~is_repeat) - 1
    has_same_device = rng.random(count) < 0.7
    index = np.arange(count, dtype=np.int64)
    return Submissions(
        person=np.where(is_repeat, own[first], own),
        visitor=np.where(is_repeat & has_same_device, first, index),
        created_at=created_at,
        channel=np.where(is_repeat, choose(rng, w.CHANNEL_WEIGHTS, count), -1),
        is_repeat=is_repeat,
        has_email=is_repeat | (kind != 1),
        has_valid_email=is_repeat | (kind == 2),
        ip=rng.integers(0, 2**32, count, dtype=np.uint32),
    )


def form_rows(
    rng: np.random.Generator, rows: Ints, submissions: Submissions, people: People, companies: Companies
) -> pl.DataFrame:
    """The form tool's export for the submissions at `rows`, with the form tool's own column names."""
    count = len(rows)
    person = submissions.person[rows]
    company = people.company[person]
    own_channel = people.channel[person]
    channel = np.where(submissions.channel[rows] < 0, own_channel, submissions.channel[rows])
    content = _content(rng, people.intent[person])
    campaign = nested_words(w.CAMPAIGNS, channel, rng.random(count))
    return frame(
        {
            "Form ID": ids("F", rows),
            "Visitor": ids("v", submissions.visitor[rows]),
            "E-mail": _typed_emails(rng, rows, submissions, people),
            "Phone": _typed_phones(rng, people.phone.gather(person)),
            "Name": _typed_names(rng, people.full_name.gather(person)),
            "Company": _typed_companies(rng, companies, company),
            "Job Title": blank(people.title.gather(person), rng.random(count) < 0.07),
            "Country": nested_words(w.COUNTRY_LABELS, people.country[person], rng.random(count) ** 2.5),
            "Source": _typed_channels(rng, channel),
            "Campaign": blank(campaign, channel == 0),
            "Landing Page": words([page for _, page in w.CONTENT], content),
            "Offer": words([name for name, _ in w.CONTENT], content),
            "IP": ip_addresses(submissions.ip[rows]),
            "Created": instants(submissions.created_at[rows]),
            "How did you hear about us": words(
                w.HEARD_ABOUT_US, rng.integers(0, len(w.HEARD_ABOUT_US), count), rng.random(count) < 0.45
            ),
            "Number of employees": _claimed_sizes(rng, companies.company_size[company]),
        }
    )


def _content(rng: np.random.Generator, intent: Floats) -> Ints:
    """What the form gives access to; the keener ask for a demo or a trial (Gumbel-max draw of a softmax)."""
    scores = (
        np.log(w.CONTENT_WEIGHTS)
        + np.outer(intent, w.CONTENT_INTENT_SLOPES)
        + rng.gumbel(size=(len(intent), 7))
    )
    result: Ints = np.argmax(scores, axis=1)
    return result


def _typed_emails(
    rng: np.random.Generator, rows: Ints, submissions: Submissions, people: People
) -> pl.Series:
    """Addresses as typed: mostly clean, more often untidy in repeats, some invalid, some missing."""
    tidy_share = np.where(submissions.is_repeat[rows], 0.4, 0.95)
    columns = frame(
        {
            "email": people.email.gather(submissions.person[rows]),
            "is_given": submissions.has_email[rows],
            "is_valid": submissions.has_valid_email[rows],
            "is_tidy": rng.random(len(rows)) < tidy_share,
            "form": rng.integers(0, 5, len(rows)),
        }
    )
    email, form = pl.col("email"), pl.col("form")
    untidy = (
        pl.when(form == 0)
        .then(email.str.to_uppercase())
        .when(form == 1)
        .then(pl.format(" {}", email))
        .when(form == 2)
        .then(pl.format("{}  ", email))
        .otherwise(email.str.head(1).str.to_uppercase() + email.str.slice(1))
    )
    invalid = (
        pl.when(form == 0)
        .then(email.str.replace("@.*$", "@"))
        .when(form == 1)
        .then(email.str.replace("^(.)", "$1 "))
        .when(form == 2)
        .then(pl.lit("n/a"))
        .when(form == 3)
        .then(email.str.replace("@", ".", literal=True))
        .otherwise(email.str.replace("@", "@@", literal=True))
    )
    typed = pl.when(~pl.col("is_valid")).then(invalid).when("is_tidy").then(email).otherwise(untidy)
    return columns.select(pl.when("is_given").then(typed)).to_series()


def _typed_phones(rng: np.random.Generator, phone: pl.Series) -> pl.Series:
    """Numbers as typed, a third missing."""
    columns = frame({"phone": phone, "form": rng.integers(0, 9, len(phone))})
    number, form = pl.col("phone"), pl.col("form")
    typed = (
        pl.when(form < 3)
        .then(number)
        .when(form == 3)
        .then(number.str.replace_all(" ", "", literal=True))
        .when(form == 4)
        .then(number.str.replace("+", "00", literal=True))
        .when(form == 5)
        .then(number.str.replace_all(" ", "-", literal=True))
    )
    return columns.select(typed).to_series()


def _typed_names(rng: np.random.Generator, name: pl.Series) -> pl.Series:
    """Names as typed: some in capitals, in small letters, or the family name first."""
    columns = frame({"name": name, "form": rng.integers(0, 20, len(name))})
    full, form = pl.col("name"), pl.col("form")
    typed = (
        pl.when(form == 0)
        .then(full.str.to_lowercase())
        .when(form == 1)
        .then(full.str.to_uppercase())
        .when(form == 2)
        .then(full.str.replace(r"^(\S+) (\S+)$", "$2, $1"))
        .otherwise(full)
    )
    return columns.select(typed).to_series()


def _typed_companies(rng: np.random.Generator, companies: Companies, company: Ints) -> pl.Series:
    """Company names as typed: the short form, the legal form, capitals, or nothing."""
    columns = frame(
        {
            "full": companies.company_name.gather(company),
            "short": companies.short_name.gather(company),
            "form": rng.integers(0, 20, len(company)),
        }
    )
    form = pl.col("form")
    typed = (
        pl.when(form == 0)
        .then(pl.lit(None, dtype=pl.String))
        .when(form == 1)
        .then(pl.col("short").str.to_uppercase())
        .when(form < 12)
        .then("short")
        .otherwise("full")
    )
    return columns.select(typed).to_series()


def _typed_channels(rng: np.random.Generator, channel: Ints) -> pl.Series:
    """Channels as several form versions write them."""
    columns = frame({"channel": words(w.CHANNELS, channel), "form": rng.integers(0, 12, len(channel))})
    name, form = pl.col("channel"), pl.col("form")
    typed = (
        pl.when(form == 0)
        .then(name.str.to_lowercase())
        .when(form == 1)
        .then(pl.format("{} ", name))
        .when(form == 2)
        .then(name.str.to_uppercase())
        .otherwise(name)
    )
    return columns.select(typed).to_series()


def _claimed_sizes(rng: np.random.Generator, company_size: Ints) -> pl.Series:
    """Employees as the person claims them: rounded, off by up to a third or so, often left out."""
    claimed = company_size * np.exp(rng.normal(0.0, 0.25, len(company_size)))
    magnitude = 10.0 ** np.maximum(np.floor(np.log10(np.maximum(claimed, 1.0))) - 1.0, 0.0)
    rounded = np.maximum(np.round(claimed / magnitude) * magnitude, 1.0).astype(np.int64)
    return blank(pl.Series(rounded), rng.random(len(company_size)) < 0.35)
