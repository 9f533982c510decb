"""What sales does with the leads, and what becomes of them.

Belongs here: CRM leads, opportunities, sales activities. Does not belong here: whether a person converts (people.py
decides), what the person does (journeys.py), paying accounts and spend (ledgers.py).

How far a person gets is fixed by the one draw in people.py; this module gives each step its moment and leaves out
what would happen after the end of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leadflow.demo import faces
from leadflow.demo import mess_words as mess
from leadflow.demo import words as w
from leadflow.demo.columns import (
    SECONDS_PER_DAY,
    Bools,
    Floats,
    Ints,
    blank,
    frame,
    ids,
    instants,
    nested_words,
    words,
)
from leadflow.demo.companies import Companies
from leadflow.demo.guises import Guises, Movers
from leadflow.demo.pace import Pace, draw_days, share_before, whole_seconds
from leadflow.demo.people import People
from leadflow.demo.reps import feedback_columns

SALES_MADE_SHARE = 0.03
NEVER = np.iinfo(np.int64).max // 4
_ACTIVITY_PACE: Pace = ((1.0, 12.0),)
_ACTIVITY_TYPES = ("call", "meeting", "email", "quote")


@dataclass(frozen=True)
class Funnel:
    """The CRM's leads, arrays with one item each in the order of their creation, and moments per person.

    Attributes:
        person: index of the person; form: number of the submission it was made from, -1 where sales made it.
        created_at, judged_at, opened_at, closed_at: seconds since 1970; NEVER where the step is not reached, and
            possibly after the end of the data.
        is_won: what closing brings; is_accepted: what judging brings.
        converted_at: per person, when the deal is won; NEVER where it is not.
        contract_value: per person, yearly value of the deal, in the currency of the person's country.
    """

    person: Ints
    form: Ints
    created_at: Ints
    judged_at: Ints
    opened_at: Ints
    closed_at: Ints
    is_won: Bools
    is_accepted: Bools
    converted_at: Ints
    contract_value: Floats


def make_funnel(
    rng: np.random.Generator,
    people: People,
    companies: Companies,
    first_form: Ints,
    first_contact_at: Ints,
    end: int,
) -> Funnel:
    """The way of every person through the CRM, up to what was created by `end`.

    `first_form` (-1 for people whom sales found) and `first_contact_at` (seconds) are per person. A third of the
    leads that sales makes itself are people whom marketing knows already.
    """
    count = len(people)
    fractions = rng.random((3, count))
    days = people.days_to_close
    is_sales_made = first_form < 0
    crm_days = np.where(is_sales_made, 0.0, days * (0.01 + 0.1 * fractions[0]))
    judged_days = crm_days + days * (0.01 + 0.14 * fractions[1])
    opened_days = judged_days + days * (0.05 + 0.15 * fractions[2])
    lost_days = days * rng.uniform(1.0, 1.8, count)
    is_opportunity = people.is_opportunity
    closed_days = np.where(people.is_converted, days, lost_days)
    closed_at = np.where(is_opportunity, _moment(first_contact_at, closed_days), NEVER)
    is_in_crm = people.is_crm_lead | is_sales_made
    known = np.flatnonzero(is_in_crm)
    # Known to marketing, yet entered once more by hand: duplicates that identity resolution has to find.
    formed = np.flatnonzero(~is_sales_made)
    again = rng.choice(formed, round(len(formed) * SALES_MADE_SHARE / 3), replace=False)
    person = np.concatenate([known, again])
    is_again = np.arange(len(person)) >= len(known)
    again_at = _moment(first_contact_at[person], rng.exponential(20.0, len(person)))
    created_at = np.where(is_again, again_at, _moment(first_contact_at, crm_days)[person])
    judged_at = np.where(is_again, NEVER, _moment(first_contact_at, judged_days)[person])
    opened_at = np.where(
        is_again | ~is_opportunity[person], NEVER, _moment(first_contact_at, opened_days)[person]
    )
    is_accepted = (is_opportunity | (rng.random(count) < 0.35))[person]
    order = np.argsort(created_at, kind="stable")
    order = order[created_at[order] <= end]
    person = person[order]
    return Funnel(
        person=person,
        form=np.where(is_again[order], -1, first_form[person]),
        created_at=created_at[order],
        judged_at=judged_at[order],
        opened_at=opened_at[order],
        closed_at=np.where(is_again[order], NEVER, closed_at[person]),
        is_won=people.is_converted[person],
        is_accepted=is_accepted[order],
        converted_at=np.where(people.is_converted, closed_at, NEVER),
        contract_value=_contract_values(rng, companies.company_size[people.company]),
    )


def crm_lead_rows(
    rng: np.random.Generator,
    rows: Ints,
    funnel: Funnel,
    people: People,
    companies: Companies,
    guises: Guises,
    movers: Movers,
    end: int,
) -> pl.DataFrame:
    """The CRM's leads at `rows` as they stand at `end`; "Last Modified" is when sales judged the lead, or made it."""
    person, count = funnel.person[rows], len(rows)
    form, judged_at, created_at = funnel.form[rows], funnel.judged_at[rows], funnel.created_at[rows]
    is_judged = judged_at <= end
    is_accepted = is_judged & funnel.is_accepted[rows]
    is_rejected = is_judged & ~funnel.is_accepted[rows]
    # A rep's impression of the intent: informative, far from exact.
    impression = people.intent[person] + 1.2 * rng.normal(size=count)
    level = np.digitize(impression, (-0.5, 1.0))
    status = np.where(is_judged, np.where(is_accepted, 1, 2), 0)
    given = (guises, rows, people)
    budget = _qualification(rng, w.BUDGETS, impression, is_judged)
    amount = np.round(funnel.contract_value[person] * np.exp(0.3 * rng.normal(size=count)), -3)
    has_no_amount = (budget.fill_null("none") == "none").to_numpy() | (rng.random(count) < 0.4)
    return frame(
        {
            "Lead Id": ids("L", rows),
            "Form Reference": ids("F", form, missing=form < 0),
            "Email Address": faces.emails(*given, companies, movers),
            "Phone Number": faces.phones(rng, *given, companies, movers),
            "Contact": faces.names(rng, *given),
            "Account Name": faces.company_names(rng, *given, companies, movers),
            "Position": blank(people.title.gather(person), rng.random(count) < 0.1),
            "Country": words([labels[0] for labels in w.COUNTRY_LABELS], people.country[person]),
            "Lead Source": words(
                (*w.CHANNELS, "Sales"), np.where(form < 0, len(w.CHANNELS), people.channel[person])
            ),
            "Lead Owner": words(w.REPS, people.company[person] % len(w.REPS)),
            "Lead Status": words(("Open", "Qualified", "Unqualified"), status),
            "Stage": words(("New", "Accepted", "Rejected"), status),
            "Accepted": instants(np.where(is_accepted, judged_at, 0), ~is_accepted),
            "Rejected": instants(np.where(is_rejected, judged_at, 0), ~is_rejected),
            "Disqualified Because": words(
                w.REJECTION_REASONS, rng.integers(0, len(w.REJECTION_REASONS), count), ~is_rejected
            ),
            "Intent": words(("low", "medium", "high"), level, ~is_judged),
            "Budget": budget,
            "Budget Amount": blank(pl.Series(np.maximum(amount, 1_000.0)), has_no_amount),
            "Currency": words(w.COUNTRY_CURRENCIES, people.country[person], has_no_amount),
            "Authority": words(
                w.AUTHORITIES,
                np.clip(2 - people.seniority[person] // 2, 0, 2),
                ~is_judged | (rng.random(count) < 0.3),
            ),
            "Need": _qualification(rng, w.NEEDS, impression, is_judged),
            "Timeline": _qualification(rng, w.TIMELINES, impression, is_judged),
            "Decision Process": _qualification(rng, w.DECISION_PROCESSES, 0.0 * impression, is_judged),
            "Created Date": instants(created_at),
            "Last Modified": instants(np.where(is_judged, judged_at, created_at)),
        }
    )


def opportunity_rows(
    rng: np.random.Generator, rows: Ints, funnel: Funnel, people: People, companies: Companies, end: int
) -> pl.DataFrame:
    """The CRM's opportunities of the leads at `rows` as they stand at `end`; what would close later is open."""
    lead = rows[funnel.opened_at[rows] <= end]
    person, count = funnel.person[lead], len(lead)
    opened_at, form = funnel.opened_at[lead], funnel.form[lead]
    is_closed = funnel.closed_at[lead] <= end
    is_lost = is_closed & ~funnel.is_won[lead]
    open_stage = rng.integers(0, 3, count)
    stage = np.where(is_closed, np.where(funnel.is_won[lead], 3, 4), open_stage)
    # An open deal was last touched when it came to its stage, a third of three weeks each, or of the time there was.
    touched_at = opened_at + open_stage * np.minimum(end - opened_at, 21 * SECONDS_PER_DAY) // 3
    modified_at = np.where(is_closed, funnel.closed_at[lead], touched_at)
    accepted_at = opened_at + rng.integers(600, SECONDS_PER_DAY, count)
    is_rejected = is_lost & (rng.random(count) < 0.1)
    return frame(
        {
            "Opportunity Id": ids("O", lead),
            "Lead Id": ids("L", lead),
            "Form Reference": ids("F", form, missing=form < 0),
            "Account Name": companies.company_name.gather(people.company[person]),
            "Opportunity Owner": words(w.REPS, people.company[person] % len(w.REPS)),
            "Stage": words(("Discovery", "Proposal", "Negotiation", "Closed Won", "Closed Lost"), stage),
            "Loss Reason": words(mess.LOSS_REASONS, rng.integers(0, len(mess.LOSS_REASONS), count), ~is_lost),
            "Amount": funnel.contract_value[person],
            "Currency": words(w.COUNTRY_CURRENCIES, people.country[person]),
            "Accepted": instants(accepted_at, (accepted_at > modified_at) | is_rejected),
            "Rejected": instants(np.where(is_rejected, funnel.closed_at[lead], 0), ~is_rejected),
            "Created Date": instants(opened_at),
            "Close Date": instants(np.where(is_closed, funnel.closed_at[lead], 0), ~is_closed),
            "Last Modified": instants(modified_at),
        }
    )


def activity_rows(
    rng: np.random.Generator, rows: Ints, funnel: Funnel, people: People, end: int
) -> pl.DataFrame:
    """Calls, meetings and e-mails while the leads at `rows` are worked, and the quote of each opportunity, in time order."""
    until = np.minimum(funnel.closed_at[rows], end)
    created_at, opened_at = funnel.created_at[rows], funnel.opened_at[rows]
    days_worked = np.maximum(until - created_at, 0) / SECONDS_PER_DAY
    eagerness = np.exp(0.2 * people.intent[funnel.person[rows]])
    worked = np.repeat(
        np.arange(len(rows)), rng.poisson(4.0 * eagerness * share_before(_ACTIVITY_PACE, days_worked))
    )
    quoted_at = opened_at + rng.integers(3_600, 2 * SECONDS_PER_DAY, len(rows))
    quoted = np.flatnonzero(quoted_at <= until)
    place = np.concatenate([worked, quoted])
    days = draw_days(rng, _ACTIVITY_PACE, days_worked[worked])
    seconds = np.concatenate([_moment(created_at[worked], days), quoted_at[quoted]])
    kind = np.concatenate([rng.choice(3, len(worked), p=(0.5, 0.15, 0.35)), np.full(len(quoted), 3)])
    order = np.argsort(seconds, kind="stable")
    place, seconds, kind = place[order], seconds[order], kind[order]
    lead, person = rows[place], funnel.person[rows[place]]
    minutes = np.array([4.0, 35.0, 0.0, 0.0])[kind] * np.exp(0.7 * rng.normal(size=len(lead)))
    value = np.round(funnel.contract_value[person] * (0.9 + 0.25 * rng.random(len(lead))), -1)
    form = funnel.form[lead]
    return frame(
        {
            "Lead Id": ids("L", lead),
            "Form Reference": ids("F", form, missing=form < 0),
            "Opportunity Id": ids("O", lead, missing=seconds < opened_at[place]),
            "Type": words(_ACTIVITY_TYPES, kind),
            "Minutes": blank(pl.Series(np.round(minutes, 1)), kind > 1),
            "Outcome": nested_words(w.ACTIVITY_RESULTS, kind, rng.random(len(lead))),
            "Quote Value": blank(pl.Series(value), kind != 3),
            "Currency": words(w.COUNTRY_CURRENCIES, people.country[person], kind != 3),
            **feedback_columns(rng, people.intent[person], kind < 2),
            "Assigned To": words(w.REPS, people.company[person] % len(w.REPS)),
            "Date": instants(seconds),
        }
    )


def _contract_values(rng: np.random.Generator, company_size: Ints) -> Floats:
    """Yearly contract values in full hundreds, growing with the root of the number of employees."""
    values = 900.0 * company_size**0.45 * np.exp(0.45 * rng.normal(size=len(company_size)))
    return np.maximum(np.round(values, -2), 100.0)


def _qualification(
    rng: np.random.Generator, choices: tuple[str, ...], impression: Floats, is_judged: Bools
) -> pl.Series:
    """What a rep found out: the later choices where the impression is better; a third stays unknown."""
    noisy = impression / 2.0 + rng.normal(size=len(impression))
    level = np.digitize(noisy, np.linspace(-0.7, 0.9, len(choices) - 1))
    return words(choices, level, ~is_judged | (rng.random(len(impression)) < 0.33))


def _moment(start: Ints, days: Floats) -> Ints:
    """Seconds since 1970 of the moment that is `days` after `start`."""
    return start + whole_seconds(days)
