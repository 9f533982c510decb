"""How a person shows up in one lead record: which kind of mess each of its fields has.

Belongs here: the kinds, how often each comes, and who changes company. Does not belong here: the texts that follow from
a kind (faces.py). The kinds are kept apart from the texts, so that the truth files can say them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadflow.demo.columns import SECONDS_PER_DAY, Bools, Ints, choose
from leadflow.demo.fakes import FAKES
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions

NAME_KINDS = (
    "as_is",
    "lower_case",
    "upper_case",
    "family_name_first",
    "nickname",
    "initial",
    "other_script",
    "misspelt",
    "not_a_name",
    "sensitive",
)
EMAIL_KINDS = (
    "own",
    "untidy",
    "other",
    "misspelt",
    "role",
    "disposable",
    "tagged",
    "invalid",
    "missing",
    "nonsense",
)
PHONE_KINDS = ("own", "missing", "other", "switchboard", "fake", "invalid", "wechat_id")
COMPANY_KINDS = (
    "short",
    "full",
    "missing",
    "upper_case",
    "brand",
    "core",
    "with_place",
    "other_legal_form",
    "misspelt",
    "not_a_company",
    "sensitive",
)
FIELDS = {"name": NAME_KINDS, "email": EMAIL_KINDS, "phone": PHONE_KINDS, "company": COMPANY_KINDS}

SHARES: dict[str, dict[str, tuple[float, ...]]] = {
    # By the occasion: a tidy company's forms and CRM; a messy one's first forms, further forms, CRM rows made of a
    # form, and CRM rows that a rep typed.
    "tidy_first": {
        "name": (0.85, 0.05, 0.05, 0.05),
        "email": (0.95, 0.05),
        "phone": (0.67, 0.33),
        "company": (0.5, 0.4, 0.05, 0.05),
    },
    "tidy_again": {
        "name": (0.85, 0.05, 0.05, 0.05),
        "email": (0.4, 0.6),
        "phone": (0.67, 0.33),
        "company": (0.5, 0.4, 0.05, 0.05),
    },
    "tidy_crm": {
        "name": (1.0,),
        "email": (0.96, 0, 0, 0, 0, 0, 0, 0, 0.04),
        "phone": (0.75, 0.25),
        "company": (0.0, 1.0),
    },
    "first": {
        "name": (0.83, 0.05, 0.04, 0.04, 0.012, 0.008, 0.01, 0.01),
        "email": (0.927, 0.045, 0, 0.006, 0.01, 0.007, 0.005),
        "phone": (0.6, 0.3, 0.03, 0.02, 0.015, 0.015, 0.02),
        "company": (0.4, 0.3, 0.05, 0.04, 0.06, 0.05, 0.03, 0.04, 0.03),
    },
    "again": {
        "name": (0.42, 0.06, 0.05, 0.1, 0.13, 0.06, 0.06, 0.12),
        "email": (0.3, 0.28, 0.24, 0.06, 0.03, 0.04, 0.05),
        "phone": (0.42, 0.3, 0.12, 0.08, 0.02, 0.02, 0.04),
        "company": (0.27, 0.22, 0.05, 0.04, 0.12, 0.1, 0.06, 0.08, 0.06),
    },
    "crm": {
        "name": (0.93, 0, 0, 0.01, 0.01, 0.005, 0.015, 0.03),
        "email": (0.9, 0, 0.03, 0.01, 0.01, 0, 0, 0, 0.05),
        "phone": (0.62, 0.22, 0.1, 0.06),
        "company": (0.12, 0.6, 0, 0, 0.05, 0.04, 0.04, 0.1, 0.05),
    },
    "crm_again": {
        "name": (0.5, 0, 0, 0.08, 0.14, 0.06, 0.08, 0.14),
        "email": (0.4, 0, 0.25, 0.06, 0.04, 0, 0, 0, 0.25),
        "phone": (0.5, 0.2, 0.2, 0.1),
        "company": (0.25, 0.3, 0, 0, 0.13, 0.1, 0.06, 0.1, 0.06),
    },
}
MOVE_SHARE = 0.1
"""Of the further forms of a messy company: sent after the person has changed company."""


@dataclass(frozen=True)
class Movers:
    """Who changes company, arrays with one item per person.

    Attributes:
        moved_at: seconds since 1970; beyond the end of the data for who stays.
        company: index of the company they go to; their own for who stays.
    """

    moved_at: Ints
    company: Ints


@dataclass(frozen=True)
class Guises:
    """Arrays with one item per lead record.

    Attributes:
        person: index of the person; is_moved: at the company they went to.
        kinds: by field, index into the field's kinds in FIELDS.
    """

    person: Ints
    is_moved: Bools
    kinds: dict[str, npt.NDArray[np.int8]]


def draw_movers(
    rng: np.random.Generator, submissions: Submissions, people: People, is_messy: bool = True
) -> Movers:
    """Who moves: before some of the further forms; where not `is_messy`, nobody."""
    moved_at = np.full(len(people), np.iinfo(np.int64).max // 4)
    again = np.flatnonzero(submissions.is_repeat)
    last = again[rng.random(len(again)) < (MOVE_SHARE if is_messy else 0.0)]
    before = submissions.created_at[last] - rng.integers(1, 5 * SECONDS_PER_DAY, len(last))
    np.minimum.at(moved_at, submissions.person[last], before)
    moves = np.unique(submissions.person[last])
    company = people.company.copy()
    # They go where somebody else in their country works: the larger a company, the likelier.
    for country in np.unique(people.country[moves]):
        compatriots = np.flatnonzero(people.country == country)
        leavers = moves[people.country[moves] == country]
        company[leavers] = people.company[compatriots[rng.integers(0, len(compatriots), len(leavers))]]
    return Movers(moved_at, company)


def form_guises(
    rng: np.random.Generator,
    submissions: Submissions,
    people: People,
    movers: Movers,
    is_messy: bool = True,
) -> Guises:
    """The guises of all form submissions."""
    occasions = ("first", "again") if is_messy else ("tidy_first", "tidy_again")
    guises = _draw(rng, submissions.person, submissions.created_at, submissions.is_repeat, movers, occasions)
    kinds = guises.kinds
    _put_on_fakes(rng, guises, people)
    kinds["email"][~submissions.has_valid_email] = EMAIL_KINDS.index("invalid")
    kinds["email"][~submissions.has_email] = EMAIL_KINDS.index("missing")
    return guises


def crm_guises(
    rng: np.random.Generator,
    person: Ints,
    created_at: Ints,
    is_typed: Bools,
    movers: Movers,
    is_messy: bool = True,
) -> Guises:
    """The guises of the CRM's leads; `is_typed` where a rep entered the lead and no form stands behind it."""
    occasions = ("crm", "crm_again") if is_messy else ("tidy_crm", "tidy_crm")
    return _draw(rng, person, created_at, is_typed, movers, occasions)


def _draw(
    rng: np.random.Generator,
    person: Ints,
    at: Ints,
    is_second: Bools,
    movers: Movers,
    occasions: tuple[str, str],
) -> Guises:
    first, second = occasions
    kinds = {
        field: np.where(
            is_second,
            choose(rng, SHARES[second][field], len(person)),
            choose(rng, SHARES[first][field], len(person)),
        ).astype(np.int8)
        for field in FIELDS
    }
    return Guises(person, at >= movers.moved_at[person], kinds)


def _put_on_fakes(rng: np.random.Generator, guises: Guises, people: People) -> None:
    """Give fakes the signs they are known by; changes `guises` in place."""
    fake = people.fake[guises.person]
    chance = rng.random((4, len(fake)))

    def put(field: str, rows: Bools, *choices: str) -> None:
        picked = (chance[list(FIELDS).index(field)] * len(choices)).astype(np.int64)
        codes = np.array([FIELDS[field].index(choice) for choice in choices], dtype=np.int8)
        guises.kinds[field][rows] = codes[picked[rows]]

    is_junk, is_spam = fake == FAKES.index("junk"), fake == FAKES.index("sensitive")
    put("name", is_junk, "not_a_name")
    put("email", is_junk, "disposable", "nonsense", "role")
    put("phone", is_junk, "fake", "invalid")
    put("company", is_junk, "not_a_company", "not_a_company", "short")
    put("name", is_spam & (chance[3] < 0.5), "sensitive")
    put("company", is_spam & (chance[3] >= 0.5), "sensitive")
    put("email", fake == FAKES.index("blocklisted_by_email"), "own")
    put("phone", fake == FAKES.index("blocklisted_by_phone"), "own")
