"""What people type into the forms, as the form tool exports it.

Belongs here: the columns of the forms' file. Does not belong here: when forms are sent (submissions.py) and the texts of
a person's own fields (faces.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import faces
from leadflow.demo import words as w
from leadflow.demo.columns import (
    SECONDS_PER_DAY,
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
from leadflow.demo.fakes import NETWORK_PREFIXES
from leadflow.demo.guises import Guises, Movers
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions


def form_rows(
    rng: np.random.Generator,
    rows: Ints,
    submissions: Submissions,
    people: People,
    companies: Companies,
    guises: Guises,
    movers: Movers,
) -> pl.DataFrame:
    """The form tool's export for the submissions at `rows`, with the form tool's own column names."""
    count = len(rows)
    person = submissions.person[rows]
    intent = people.intent[person]
    company = faces.company_of(guises, rows, people, movers)
    own_channel = people.channel[person]
    channel = np.where(submissions.channel[rows] < 0, own_channel, submissions.channel[rows])
    content = _content(rng, intent)
    campaign = nested_words(w.CAMPAIGNS, channel, rng.random(count))
    # Who did not come for the first time today came by any way before.
    days_before = np.where(rng.random(count) < 0.6, 0.0, rng.exponential(9.0, count))
    first_channel = np.where(days_before > 0, choose(rng, w.CHANNEL_WEIGHTS, count), channel)
    form = words([name for name, _ in w.CONTENT], content)
    return frame(
        {
            "Form ID": ids("F", rows),
            "Visitor": ids("v", submissions.visitor[rows]),
            "E-mail": faces.emails(guises, rows, people, companies, movers),
            "Phone": faces.phones(rng, guises, rows, people, companies, movers),
            "Name": faces.names(rng, guises, rows, people),
            "Company": faces.company_names(rng, guises, rows, people, companies, movers),
            "Job Title": blank(people.title.gather(person), rng.random(count) < 0.07),
            "Country": nested_words(w.COUNTRY_LABELS, people.country[person], rng.random(count) ** 2.5),
            "Source": _typed_channels(rng, channel),
            "Campaign": blank(campaign, channel == 0),
            "Form": form + words((" form", " (pop-up)", " form v2"), choose(rng, (0.7, 0.2, 0.1), count)),
            "Landing Page": words([page for _, page in w.CONTENT], content),
            "Offer": form,
            "IP": ip_addresses(submissions.ip[rows], submissions.network[rows], NETWORK_PREFIXES),
            "First Touch Source": words(w.CHANNELS, first_channel, rng.random(count) < 0.1),
            "First Touch": instants(
                submissions.created_at[rows] - (days_before * SECONDS_PER_DAY).astype(np.int64) - 60
            ),
            "Pages Viewed": 1 + rng.poisson(2.0 * np.exp(0.2 * intent)),
            "Downloads": rng.poisson(0.3 * np.exp(0.2 * intent)),
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
