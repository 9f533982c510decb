"""Leads that are none: nonsense, spam, competitors, and who stands on the blocklist.

Belongs here: who is fake, the signs they bear, and the blocklist as a file. Does not belong here: what they type
(guises.py, faces.py) and robots on the web site (bots.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import mess_words as mess
from leadflow.demo.columns import SECONDS_PER_DAY, Ints, choose, frame, ids, instants, words
from leadflow.demo.companies import STANDINGS, Companies
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions

FAKES = (
    "none",
    "junk",
    "sensitive",
    "blocklisted_by_email",
    "blocklisted_by_phone",
    "blocklisted_by_ip_range",
)
"""What a person is: themselves, nonsense, a spammer with sensitive words, or blocklisted by one sign."""
FAKE_SHARES = (0.974, 0.015, 0.004, 0.003, 0.002, 0.002)
NETWORKS = ("own", "competitor", "data_centre", "blocklisted")
"""Where a form is sent from: any address, or one of the ranges of mess_words.py."""
NETWORK_PREFIXES = ("", mess.COMPETITOR_RANGE, mess.DATA_CENTRE_RANGE, mess.BLOCKED_RANGE)
_COMPETITOR_OFFICE_SHARE = 0.6
_JUNK_DATA_CENTRE_SHARE = 0.3
_DECOYS = 25


def draw_fakes(rng: np.random.Generator, count: int) -> Ints:
    """Index into FAKES for each of `count` people."""
    return choose(rng, FAKE_SHARES, count)


def draw_networks(
    rng: np.random.Generator, submissions: Submissions, people: People, companies: Companies
) -> Ints:
    """Index into NETWORKS for each submission."""
    person = submissions.person
    chance = rng.random(len(person))
    is_competitor = companies.standing[people.company[person]] == STANDINGS.index("competitor")
    is_junk = people.fake[person] == FAKES.index("junk")
    result: Ints = np.select(
        [
            people.fake[person] == FAKES.index("blocklisted_by_ip_range"),
            is_competitor & (chance < _COMPETITOR_OFFICE_SHARE),
            is_junk & (chance < _JUNK_DATA_CENTRE_SHARE),
        ],
        [3, 1, 2],
        0,
    ).astype(np.int64)
    return result


def blocklist_rows(
    rng: np.random.Generator, people: People, companies: Companies, starts_at: int
) -> pl.DataFrame:
    """The company's own blocklist, made before the period: what blocklisted people and companies are known by.

    Competitors are listed by domain and by address range with the reason 'competitor'. Some entries match nobody.
    """

    def of_people(fake: str, column: pl.Series) -> pl.Series:
        return column.gather(np.flatnonzero(people.fake == FAKES.index(fake)))

    def of_companies(standing: str, column: pl.Series) -> pl.Series:
        return column.gather(np.flatnonzero(companies.standing == STANDINGS.index(standing)))

    nobody = rng.integers(10_000, 99_999, _DECOYS)
    parts = [
        ("email", of_people("blocklisted_by_email", people.email), None),
        ("phone", of_people("blocklisted_by_phone", people.phone), None),
        ("domain", of_companies("blocklisted_by_domain", companies.domain), None),
        ("company", of_companies("blocklisted_by_company", companies.company_name), None),
        ("domain", of_companies("competitor", companies.domain), "competitor"),
        ("ip_range", pl.Series([f"{mess.COMPETITOR_RANGE}0/24"]), "competitor"),
        ("ip_range", pl.Series([f"{mess.BLOCKED_RANGE}0/24"]), None),
        ("email", ids("nobody", nobody, width=5) + "@nowhere.example", None),
    ]
    kinds = [kind for kind, values, _ in parts for _ in range(len(values))]
    given = [reason for _, values, reason in parts for _ in range(len(values))]
    own = words(mess.BLOCK_REASONS, rng.integers(0, len(mess.BLOCK_REASONS), len(kinds)))
    return frame(
        {
            "Entry": ids("B", np.arange(len(kinds)), width=6),
            "Kind": kinds,
            "Value": pl.concat([values.alias("value") for _, values, _ in parts]),
            "Reason": pl.Series(given, dtype=pl.String).fill_null(own),
            "Added": instants(starts_at - rng.integers(1, 700, len(kinds)) * SECONDS_PER_DAY),
        }
    )
