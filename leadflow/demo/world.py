"""The simulated company as a whole: everybody and everything behind the files, in arrays.

Belongs here: the order in which it is made, and the random streams. Does not belong here: the files (simulate.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from leadflow.demo import journeys, sales
from leadflow.demo.columns import SECONDS_PER_DAY, Ints
from leadflow.demo.companies import Companies, make_companies
from leadflow.demo.fakes import draw_fakes, draw_networks
from leadflow.demo.guises import Guises, Movers, crm_guises, draw_movers, form_guises
from leadflow.demo.people import People, make_people
from leadflow.demo.submissions import (
    HISTORY_DAYS,
    MESSY_REPEAT_SHARE,
    REPEAT_SHARE,
    Submissions,
    arrival_times,
    make_submissions,
)

_LEADS_PER_COMPANY = 4.5
# A step's place is part of its random stream: new steps go to the end, so that the others stay as they are.
_STEPS = (
    *(
        "companies",
        "people",
        "submissions",
        "arrivals",
        "activity",
        "funnel",
        "sales",
        "forms",
        "web",
        "email",
    ),
    *("product", "fakes", "networks", "movers", "guises", "crm_guises", "opportunities", "sales_activities"),
    *("accounts", "spend", "reference", "bots", "experiments", "reps", "blocklist", "deliveries"),
)


@dataclass(frozen=True)
class Streams:
    """Independent random generators by step and block, all from one seed."""

    seed: int

    def __call__(self, step: str, block: int = 0) -> np.random.Generator:
        """The generator of a step; each call gives a new one that begins at the beginning."""
        return np.random.default_rng((self.seed, _STEPS.index(step), block))


@dataclass(frozen=True)
class World:
    """Everything behind the files.

    Attributes:
        companies, people, movers: who there is; submissions, funnel, activity: what happens.
        form_guises, crm_guises: how people show up in the records of forms and CRM.
        first_contact_at: per person, seconds since 1970.
        starts_at, end: the period, seconds since 1970.
    """

    companies: Companies
    people: People
    movers: Movers
    submissions: Submissions
    funnel: sales.Funnel
    activity: journeys.Activity
    form_guises: Guises
    crm_guises: Guises
    first_contact_at: Ints
    starts_at: int
    end: int


def make_world(streams: Streams, leads: int, events_per_lead: int, end: int, is_messy: bool) -> World:
    """A company with `leads` form submissions in the year before `end` (seconds since 1970)."""
    starts_at = end - HISTORY_DAYS * SECONDS_PER_DAY
    companies = make_companies(streams("companies"), int(leads / _LEADS_PER_COMPANY) + 20, is_messy)
    repeat_share = MESSY_REPEAT_SHARE if is_messy else REPEAT_SHARE
    submissions = make_submissions(streams("submissions"), leads, end, repeat_share)
    firsts = np.flatnonzero(~submissions.is_repeat)
    sales_made = arrival_times(streams("arrivals"), round(leads * sales.SALES_MADE_SHARE * 2 / 3), end)
    first_contact_at = np.concatenate([submissions.created_at[firsts], sales_made])
    fake, moment = None, None
    if is_messy:
        # Nobody whom sales found by itself is a fake.
        fake = np.concatenate([draw_fakes(streams("fakes"), len(firsts)), np.zeros_like(sales_made)])
        moment = (first_contact_at - starts_at) / (end - starts_at)
    people = make_people(streams("people"), len(first_contact_at), companies, fake, moment)
    if is_messy:
        network = draw_networks(streams("networks"), submissions, people, companies)
        submissions = replace(submissions, network=network)
    first_form = np.concatenate([firsts, np.full(len(sales_made), -1)])
    funnel = sales.make_funnel(streams("funnel"), people, companies, first_form, first_contact_at, end)
    movers = draw_movers(streams("movers"), submissions, people, is_messy)
    return World(
        companies=companies,
        people=people,
        movers=movers,
        submissions=submissions,
        funnel=funnel,
        activity=journeys.make_activity(streams("activity"), submissions, people, events_per_lead, end),
        form_guises=form_guises(streams("guises"), submissions, people, movers, is_messy),
        crm_guises=crm_guises(
            streams("crm_guises"), funnel.person, funnel.created_at, funnel.form < 0, movers, is_messy
        ),
        first_contact_at=first_contact_at,
        starts_at=starts_at,
        end=end,
    )
