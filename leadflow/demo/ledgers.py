"""What the billing system and marketing's ledger know: paying accounts, and money spent.

Belongs here: accounts and spend. Does not belong here: the way to a deal (sales.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import words as w
from leadflow.demo.columns import SECONDS_PER_DAY, blank, frame, ids, instants, words
from leadflow.demo.companies import Companies
from leadflow.demo.people import People
from leadflow.demo.sales import Funnel
from leadflow.demo.submissions import HISTORY_DAYS

_COST_PER_LEAD = (8.0, 55.0, 40.0, 60.0, 45.0, 150.0, 15.0, 5.0)
_ADVERTISED = (1, 2, 4)
"""Channels whose ads are counted: paid search, paid social, content syndication."""


def account_rows(
    rng: np.random.Generator, funnel: Funnel, people: People, companies: Companies, end: int
) -> pl.DataFrame:
    """The billing system's accounts: one per company that has bought by `end`, from its first deal on."""
    buyers = np.flatnonzero(funnel.converted_at <= end)
    buyers = buyers[np.argsort(funnel.converted_at[buyers], kind="stable")]
    company, first = np.unique(people.company[buyers], return_index=True)
    started_at = funnel.converted_at[buyers[first]]
    count = len(company)
    age = end - started_at
    updated_at = started_at + (rng.random(count) * np.minimum(age, 90 * SECONDS_PER_DAY)).astype(np.int64)
    # Some pay by the quarter: they have renewed or left already.
    term = np.where(rng.random(count) < 0.3, 91, HISTORY_DAYS) * SECONDS_PER_DAY
    terms = age // term
    leaves = (terms > 0) & (rng.random(count) < 0.12)
    has_renewed = (terms > 0) & ~leaves
    churned_at, renewed_at = started_at + term, started_at + terms * term
    updated_at = np.where(leaves, churned_at, np.where(has_renewed, renewed_at, updated_at))
    trial_days = rng.integers(5, 15, count)
    has_trial = rng.random(count) < 0.6
    trial_starts_at = started_at - (trial_days + rng.integers(0, 10, count)) * SECONDS_PER_DAY
    nps_at = started_at + (rng.random(count) * (updated_at - started_at)).astype(np.int64)
    has_no_nps = rng.random(count) < 0.5
    return frame(
        {
            "Account No": ids("K", company),
            "Account": companies.company_name.gather(company),
            "Domain": companies.domain.gather(company),
            "Contract Value": funnel.contract_value[buyers[first]],
            "Currency": words(w.COUNTRY_CURRENCIES, companies.country[company]),
            "Renewal": instants(started_at + (terms + ~leaves) * term),
            "Renewal State": words(("renewed", "churned"), leaves.astype(np.int64), terms == 0),
            "Renewed": instants(renewed_at, ~has_renewed),
            "Churned": instants(churned_at, ~leaves),
            "Trial From": instants(trial_starts_at, ~has_trial),
            "Trial To": instants(trial_starts_at + trial_days * SECONDS_PER_DAY, ~has_trial),
            "NPS": blank(
                pl.Series(np.clip(np.round(rng.normal(7.5, 2.0, count)), 0, 10).astype(np.int64)), has_no_nps
            ),
            "NPS Answered": instants(nps_at, has_no_nps),
            "Open Tickets": rng.poisson(0.8, count),
            "Started": instants(started_at),
            "Updated": instants(updated_at),
        }
    )


def spend_rows(rng: np.random.Generator, leads: int, end: int) -> pl.DataFrame:
    """The daily marketing spend of every campaign over the year, in USD, sized to the number of leads."""
    first_day = -(-(end - HISTORY_DAYS * SECONDS_PER_DAY) // SECONDS_PER_DAY)
    days = np.arange(first_day, end // SECONDS_PER_DAY + 1, dtype=np.int64)
    channel = np.repeat(np.arange(len(w.CHANNELS)), [len(group) for group in w.CAMPAIGNS])
    campaigns = [name for group in w.CAMPAIGNS for name in group]
    share = np.array(w.CHANNEL_WEIGHTS)[channel] / np.array([len(w.CAMPAIGNS[index]) for index in channel])
    daily = leads / len(days) * share * np.array(_COST_PER_LEAD)[channel]
    campaign = np.tile(np.arange(len(campaigns)), len(days))
    amount = daily[campaign] * np.exp(0.25 * rng.normal(size=len(campaign)))
    clicks = rng.poisson(amount / 3.0)
    is_shown = np.isin(channel[campaign], _ADVERTISED)
    return frame(
        {
            "Row": ids("S", np.arange(len(campaign))),
            "Channel": words(w.CHANNELS, channel[campaign]),
            "Campaign": blank(words(campaigns, campaign), channel[campaign] == 0),
            "Spend (USD)": np.round(amount, 2),
            "Impressions": blank(pl.Series(clicks * 40 + rng.integers(0, 40, len(clicks))), ~is_shown),
            "Clicks": blank(pl.Series(clicks), ~is_shown),
            "Day": instants(np.repeat(days, len(campaigns)) * SECONDS_PER_DAY),
        }
    )
