"""What no company knows, written beside the files, so that matching, cleaning and scoring can be judged.

Belongs here: the truth files' columns. Does not belong here: how the truth comes about.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from leadflow.demo import faces
from leadflow.demo import words as w
from leadflow.demo.columns import Bools, Ints, frame, ids, instants, words
from leadflow.demo.companies import INDUSTRIES, STANDINGS, Companies
from leadflow.demo.fakes import FAKES, NETWORKS
from leadflow.demo.guises import FIELDS, Guises, Movers
from leadflow.demo.people import People
from leadflow.demo.submissions import Submissions


def outcome_rows(submissions: Submissions, people: People, rows: Ints) -> pl.DataFrame:
    """Per form submission at `rows`: who it was, at which company first, with which chance, and the draw."""
    person = submissions.person[rows]
    return frame(
        {
            "mql_id": ids("F", rows),
            "true_person_id": ids("P", person),
            "true_company_id": ids("C", people.company[person]),
            "true_conversion_probability": people.probability[person],
            "is_converted": people.is_converted[person],
        }
    )


def record_rows(
    guises: Guises,
    rows: Ints,
    people: People,
    companies: Companies,
    movers: Movers,
    network: Ints | None = None,
) -> pl.DataFrame:
    """Per lead record at `rows`: whose it is, what is wrong with each field, and the signs it bears.

    Form submissions have a `network` (per record of `guises`); the CRM's leads have none.

    Columns: raw_table, record_id, true_person_id, true_company_id (at that moment), is_moved, name_kind, email_kind,
    phone_kind, company_kind (guises.FIELDS), has_disposable_mail, fake_kind (fakes.FAKES), company_standing
    (companies.STANDINGS), network (fakes.NETWORKS), blocklist_sign and competitor_sign (what in this record tells it:
    email, phone, domain, company, ip_range; null where nothing does).
    """
    is_form = network is not None
    person = guises.person[rows]
    company = faces.company_of(guises, rows, people, movers)
    standing, fake = companies.standing[company], people.fake[person]
    of_network = network[rows] if network is not None else np.zeros(len(rows), dtype=np.int64)
    kinds = {
        field: words(choices, guises.kinds[field][rows].astype(np.int64)) for field, choices in FIELDS.items()
    }
    email = faces.emails(guises, rows, people, companies, movers).str.strip_chars().str.to_lowercase()
    domain = email.str.extract("@([^@]+)$")
    is_at_company = (domain == companies.domain.gather(company)).fill_null(value=False).to_numpy()
    is_own_mail = kinds["email"].is_in(["own", "untidy"]).to_numpy() & ~guises.is_moved[rows]
    names_company = ~kinds["company"].is_in(["missing", "not_a_company"]).to_numpy()
    blocked = _first_sign(
        {
            "email": (fake == FAKES.index("blocklisted_by_email")) & is_own_mail,
            "phone": (fake == FAKES.index("blocklisted_by_phone")) & (kinds["phone"] == "own").to_numpy(),
            "domain": (standing == STANDINGS.index("blocklisted_by_domain")) & is_at_company,
            "company": (standing == STANDINGS.index("blocklisted_by_company")) & names_company,
            "ip_range": of_network == NETWORKS.index("blocklisted"),
        }
    )
    competing = _first_sign(
        {
            "domain": (standing == STANDINGS.index("competitor")) & is_at_company,
            "ip_range": of_network == NETWORKS.index("competitor"),
        }
    )
    throw_away = (kinds["email"] == "disposable") | (domain == "mailinator.com").fill_null(value=False)
    return frame(
        {
            "raw_table": pl.repeat("mql" if is_form else "sql_leads", len(rows), eager=True),
            "record_id": ids("F" if is_form else "L", rows),
            "true_person_id": ids("P", person),
            "true_company_id": ids("C", company),
            "is_moved": guises.is_moved[rows],
            **{f"{field}_kind": texts for field, texts in kinds.items()},
            "has_disposable_mail": throw_away,
            "fake_kind": words(FAKES, fake),
            "company_standing": words(STANDINGS, standing),
            "network": words(NETWORKS, of_network, np.full(len(rows), not is_form)),
            "blocklist_sign": blocked,
            "competitor_sign": competing,
        }
    )


def person_rows(people: People, movers: Movers, first_contact_at: Ints, rows: Ints, end: int) -> pl.DataFrame:
    """Per person at `rows`: who it is, where from when on, and what becomes of the person.

    Columns: true_person_id, full_name, email, phone, true_company_id, moved_to_company_id, moved_at, fake_kind,
    first_contact_at, true_conversion_probability, is_converted.
    """
    stays = movers.moved_at[rows] > end
    return frame(
        {
            "true_person_id": ids("P", rows),
            "full_name": people.full_name.gather(rows),
            "email": people.email.gather(rows),
            "phone": people.phone.gather(rows),
            "true_company_id": ids("C", people.company[rows]),
            "moved_to_company_id": ids("C", movers.company[rows], missing=stays),
            "moved_at": instants(np.where(stays, 0, movers.moved_at[rows]), stays),
            "fake_kind": words(FAKES, people.fake[rows]),
            "first_contact_at": instants(first_contact_at[rows]),
            "true_conversion_probability": people.probability[rows],
            "is_converted": people.is_converted[rows],
        }
    )


def company_rows(companies: Companies, rows: Ints) -> pl.DataFrame:
    """Per company at `rows`: its names and facts.

    Columns: true_company_id, canonical_name (legal name), short_name, core_name (without a place), brand_name, domain,
    industry, company_size, country, standing, is_ideal (of the kind that buys most readily).
    """
    return frame(
        {
            "true_company_id": ids("C", rows),
            "canonical_name": companies.company_name.gather(rows),
            "short_name": companies.short_name.gather(rows),
            "core_name": companies.core_name.gather(rows),
            "brand_name": companies.brand_name.gather(rows),
            "domain": companies.domain.gather(rows),
            "industry": words(INDUSTRIES, companies.industry[rows]),
            "company_size": companies.company_size[rows],
            "country": words([labels[0] for labels in w.COUNTRY_LABELS], companies.country[rows]),
            "standing": words(STANDINGS, companies.standing[rows]),
            "is_ideal": companies.is_ideal[rows],
        }
    )


def robot_rows(robots: pl.DataFrame) -> pl.DataFrame:
    """Every web visitor that is a robot: those of bots.py and the crawler of journeys.py."""
    crawler = pl.DataFrame(
        {"visitor_id": ["crawler"], "bot_kind": ["crawler"], "mql_id": [None], "event_count": [None]},
        schema=robots.schema,
    )
    return pl.concat([crawler, robots])


def _first_sign(signs: dict[str, Bools]) -> pl.Series:
    """Of each row the first sign that holds, null where none does."""
    return pl.select(
        pl.coalesce(pl.when(pl.Series(holds)).then(pl.lit(sign)) for sign, holds in signs.items())
    ).to_series()
