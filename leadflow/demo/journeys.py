"""What leads do that the web site and the mailing tool see.

Belongs here: behaviour driven by latent intent. Does not belong here: what they do in the product (product.py), what
robots do (bots.py) and what sales does (sales.py).

Behaviour is a Poisson process after each submission whose rate and mix depend on the person's intent and on noise
of the submission's own, never on the outcome: winners and others with the same intent act alike, before and after.
The process is cut at the end of the data only, by drawing its count and its moments up to then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import (
    SECONDS_PER_DAY,
    Bools,
    Floats,
    Ints,
    blank,
    choose,
    frame,
    ids,
    instants,
    ip_addresses,
    logit,
    sigmoid,
    words,
)
from leadflow.demo.fakes import NETWORK_PREFIXES
from leadflow.demo.pace import Pace, draw_days, later, share_before, whole_seconds
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions

WEB_SHARE = 0.65
ANONYMOUS_SHARE = 0.1
FORM_SHARE = 0.05
BOT_SHARE = 0.01
ANONYMOUS_DAYS = 14.0
_WEB_PACE: Pace = ((0.6, 4.0), (0.4, 35.0))
_EMAIL_PACE: Pace = ((0.5, 10.0), (0.5, 60.0))
_WEB_EVENT_TYPES = (
    "page_view",
    "pricing_page_view",
    "content_download",
    "webinar_attended",
    "form_submitted",
)
_EMAIL_EVENT_TYPES = ("sent", "open", "click", "reply", "spam_report", "bounce")


@dataclass(frozen=True)
class Activity:
    """How active each submission is expected to be; arrays with one item per submission.

    Attributes:
        web_events, anonymous_views, emails_sent: expected numbers until the end of the data.
        form_share: share of forms that the web tracker sees.
        web_mix: cumulative shares of pricing views, downloads and webinars among web events; one row for each.
        open_share, click_share, reply_share, spam_share: of e-mails sent (open, spam) and of those opened.
        days_left: from the submission to the end of the data.
    """

    web_events: Floats
    anonymous_views: Floats
    emails_sent: Floats
    form_share: float
    web_mix: Floats
    open_share: Floats
    click_share: Floats
    reply_share: Floats
    spam_share: Floats
    days_left: Floats


def make_activity(
    rng: np.random.Generator, submissions: Submissions, people: People, events_per_lead: float, end: int
) -> Activity:
    """Expected activity, scaled so that web and e-mail events number `events_per_lead` a submission in the mean."""
    count = len(submissions)
    intent = people.intent[submissions.person]
    days_left = (end - submissions.created_at) / SECONDS_PER_DAY
    own = rng.normal(size=(5, count))
    total = events_per_lead * count
    form_share = min(1.0, FORM_SHARE * events_per_lead)
    anonymous = np.exp(0.15 * intent)
    anonymous *= ANONYMOUS_SHARE * total / anonymous.sum()
    # The slopes on intent, against the noise, are set so that a model on what can be observed in the first weeks
    # reaches an AUC of about 0.75 at 20 events a lead, where the true probability reaches 0.82.
    web = np.exp(0.4 * intent + 0.5 * own[0]) * share_before(_WEB_PACE, days_left)
    web *= (WEB_SHARE * total - anonymous.sum() - form_share * count) / web.sum()
    shares = np.stack(
        [
            sigmoid(logit(0.06) + 0.6 * intent + 0.4 * own[1]),
            sigmoid(logit(0.06) + 0.35 * intent + 0.4 * own[2]),
            sigmoid(logit(0.03) + 0.4 * intent + 0.4 * own[3]),
        ]
    )
    opened = sigmoid(-0.7 + 0.4 * intent + 0.6 * own[4])
    clicked, replied = sigmoid(-1.5 + 0.3 * intent), sigmoid(-3.0 + 0.6 * intent)
    spam = sigmoid(-5.5 - 0.6 * intent)
    sent = share_before(_EMAIL_PACE, days_left) * submissions.has_valid_email
    events_per_email = 1.0 + opened * (1.0 + clicked + replied) + spam
    sent *= (1.0 - WEB_SHARE) * total / max(float((sent * events_per_email).sum()), 1e-9)
    return Activity(
        web_events=web,
        anonymous_views=anonymous,
        emails_sent=sent,
        form_share=form_share,
        web_mix=np.cumsum(shares, axis=0),
        open_share=opened,
        click_share=clicked,
        reply_share=replied,
        spam_share=spam,
        days_left=days_left,
    )


def web_event_rows(
    rng: np.random.Generator,
    rows: Ints,
    submissions: Submissions,
    people: People,
    activity: Activity,
    end: int,
) -> pl.DataFrame:
    """The web tracker's events around the submissions at `rows`, in time order, bots among them."""
    after = np.repeat(rows, rng.poisson(activity.web_events[rows]))
    before = np.repeat(rows, rng.poisson(activity.anonymous_views[rows]))
    forms = rows[rng.random(len(rows)) < activity.form_share]
    bots = rng.choice(rows, rng.poisson(BOT_SHARE * (len(after) + len(before) + len(forms))))
    lead = np.concatenate([after, before, forms, bots])
    created_at = submissions.created_at
    # Below all three cumulative shares is type 1, below the last alone type 3, below none an ordinary page view.
    below = (rng.random(len(after)) < activity.web_mix[:, after]).sum(axis=0)
    kind = np.where(below == 0, 0, 4 - below)
    event_type = np.concatenate(
        [kind, np.zeros(len(before)), np.full(len(forms), 4), np.zeros(len(bots))]
    ).astype(np.int64)
    before_limit = np.full(len(before), ANONYMOUS_DAYS)
    seconds = np.concatenate(
        [
            created_at[after] + whole_seconds(draw_days(rng, _WEB_PACE, activity.days_left[after])),
            created_at[before] - 1 - whole_seconds(draw_days(rng, ((1.0, 4.0),), before_limit) * 0.999),
            created_at[forms],
            created_at[bots] - rng.integers(0, SECONDS_PER_DAY, len(bots)),
        ]
    )
    is_bot = np.arange(len(lead)) >= len(lead) - len(bots)
    order = np.argsort(seconds, kind="stable")
    return _web_frame(
        rng, lead[order], seconds[order], event_type[order], is_bot[order], submissions, people, end
    )


def _web_frame(
    rng: np.random.Generator,
    lead: Ints,
    seconds: Ints,
    event_type: Ints,
    is_bot: Bools,
    submissions: Submissions,
    people: People,
    end: int,
) -> pl.DataFrame:
    count = len(lead)
    person = submissions.person[lead]
    page = choose(rng, 1.0 / np.arange(1.0, len(w.PAGES) + 1.0), count)
    download = choose(rng, (0.5, 0.2, 0.2, 0.1), count)
    is_download, is_webinar = event_type == 2, event_type == 3
    fixed = len(w.PAGES) + len(w.DOWNLOADS)
    url = np.where(
        event_type == 0,
        page,
        np.where(is_download, len(w.PAGES) + download, fixed + np.array([0, 0, 0, 1, 2])[event_type]),
    )
    pages = (*w.PAGES, *(page for _, page in w.DOWNLOADS), "/pricing", "/webinars/live", "/form/thank-you")
    content = np.where(is_download, download, len(w.DOWNLOADS))
    median_seconds = np.array([35.0, 60.0, 20.0, 1_800.0, 5.0])[event_type]
    duration = median_seconds * np.exp(0.8 * rng.normal(size=count) + 0.1 * people.intent[person])
    # A tab left open over the weekend; a robot gone in a moment.
    duration = np.where(rng.random(count) < 0.001, duration * 2_000.0, np.where(is_bot, 0.3, duration))
    is_logged_in = (rng.random(count) < 0.03) & (seconds > submissions.created_at[lead])
    is_elsewhere = rng.random(count) < 0.15
    ip = np.where(is_elsewhere | is_bot, rng.integers(0, 2**32, count, dtype=np.uint32), submissions.ip[lead])
    network = np.where(is_elsewhere | is_bot, 0, submissions.network[lead])
    browsers = (*w.USER_AGENTS, *w.BOT_USER_AGENTS)
    browser = np.where(is_bot, len(w.USER_AGENTS) + lead % len(w.BOT_USER_AGENTS), lead % len(w.USER_AGENTS))
    visitor = ids("v", submissions.visitor[lead])
    # Before the form is sent the tracker knows a visitor and nobody's name.
    is_unknown_yet = seconds < submissions.created_at[lead]
    return frame(
        {
            "anonymous_id": pl.select(
                pl.when(pl.Series(is_bot)).then(pl.lit("crawler")).otherwise(visitor)
            ).to_series(),
            "form_id": ids("F", lead, missing=is_bot | is_unknown_yet),
            "login": blank(
                people.email.gather(person), ~is_logged_in | is_bot | ~submissions.has_valid_email[lead]
            ),
            "event": words(_WEB_EVENT_TYPES, event_type),
            "url": words(pages, url),
            "asset_kind": words(
                [*(kind for kind, _ in w.DOWNLOADS), "webinar"], content, ~is_download & ~is_webinar
            ),
            "seconds_on_page": np.round(duration, 1),
            "user_agent": words(browsers, browser),
            "ip": ip_addresses(ip.astype(np.uint32), network, NETWORK_PREFIXES),
            "timestamp": instants(np.minimum(seconds, end)),
        }
    )


def email_event_rows(
    rng: np.random.Generator,
    rows: Ints,
    submissions: Submissions,
    people: People,
    activity: Activity,
    end: int,
    recipients: pl.Series | None = None,
    is_dead: Bools | None = None,
) -> pl.DataFrame:
    """The mailing tool's events for the submissions at `rows`, in time order; an open never precedes its sending.

    `recipients` are the addresses of the submissions at `rows`, the people's own where left out; what goes to one that
    `is_dead` bounces.
    """
    is_dead = np.zeros(len(rows), dtype=np.bool_) if is_dead is None else is_dead
    recipients = people.email.gather(submissions.person[rows]) if recipients is None else recipients
    place = np.repeat(np.arange(len(rows)), rng.poisson(activity.emails_sent[rows]))
    lead, is_bounced = rows[place], is_dead[place]
    sent_at = submissions.created_at[lead] + whole_seconds(
        draw_days(rng, _EMAIL_PACE, activity.days_left[lead])
    )
    campaign = rng.integers(0, len(w.EMAIL_CAMPAIGNS), len(lead))
    opened = np.flatnonzero((rng.random(len(lead)) < activity.open_share[lead]) & ~is_bounced)
    opened_at = sent_at[opened] + later(rng, len(opened), hours=8.0)
    clicks = rng.random(len(opened)) < activity.click_share[lead[opened]]
    replies = rng.random(len(opened)) < activity.reply_share[lead[opened]]
    spam = np.flatnonzero((rng.random(len(lead)) < activity.spam_share[lead]) & ~is_bounced)
    bounced = np.flatnonzero(is_bounced)
    parts = [np.arange(len(lead)), opened, opened[clicks], opened[replies], spam, bounced]
    email = np.concatenate(parts)
    seconds = np.concatenate(
        [
            sent_at,
            opened_at,
            opened_at[clicks] + later(rng, int(clicks.sum()), hours=0.3),
            opened_at[replies] + later(rng, int(replies.sum()), hours=6.0),
            sent_at[spam] + later(rng, len(spam), hours=12.0),
            sent_at[bounced] + 2,
        ]
    )
    event_type = np.repeat(np.arange(len(_EMAIL_EVENT_TYPES)), [len(part) for part in parts])
    order = np.argsort(seconds, kind="stable")
    order = order[seconds[order] <= end]
    campaign = campaign[email[order]]
    return frame(
        {
            "form_id": ids("F", lead[email[order]]),
            "recipient": recipients.gather(place[email[order]]),
            "event": words(_EMAIL_EVENT_TYPES, event_type[order]),
            "mailing": words(w.EMAIL_CAMPAIGNS, campaign),
            "timestamp": instants(seconds[order]),
        }
    )
