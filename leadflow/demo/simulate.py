"""Simulate a B2B company: write its raw files, a sources.yaml that maps them, and the truth to judge by.

Belongs here: which files there are and what goes into each. Does not belong here: what happens in the company (world.py
and the modules it calls).

Every step has a random stream of its own, named by the seed, the step and the block of leads, so that the same
arguments give the same bytes. Whatever grows with leads and events is written by blocks, which bounds the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from leadflow.demo import experiments, faces, journeys, ledgers, sales, truth
from leadflow.demo.bots import bot_event_rows
from leadflow.demo.columns import Ints
from leadflow.demo.companies import company_reference
from leadflow.demo.deliveries import MOST_DELIVERIES, MOST_EVENTS, write_deliveries
from leadflow.demo.drift import drift_rows
from leadflow.demo.fakes import FAKES, blocklist_rows
from leadflow.demo.files import write_parts
from leadflow.demo.forms import form_rows
from leadflow.demo.guises import EMAIL_KINDS
from leadflow.demo.product import product_usage_rows
from leadflow.demo.reps import rep_rows
from leadflow.demo.world import Streams, World, make_world
from leadflow.errors import LeadflowError

BLOCK_LEADS = 10_000
"""Leads simulated at once; part of what a seed means, since every block has its own random streams."""
TRUTH_FOLDER = "truth"
_DEAD_MAIL = ("misspelt", "nonsense")

Part = Callable[[int, Ints], pl.DataFrame]


@dataclass(frozen=True)
class SimulationSummary:
    """What was written.

    Attributes:
        out_dir: the folder; sources: the sources.yaml in it; truth: the truth.parquet in it.
        rows: rows written, by file name.
        people, companies: numbers of them behind the leads.
        conversion_rate: share of people that convert, be it after the end; won_share: that had by the end.
        starts_at, ends_at: the period that leads arrive in, UTC.
        deliveries: sources.yaml of the same facts as a sequence of files; None where none was asked for.
    """

    out_dir: Path
    sources: Path
    truth: Path
    rows: dict[str, int]
    people: int
    companies: int
    conversion_rate: float
    won_share: float
    starts_at: datetime
    ends_at: datetime
    deliveries: Path | None = None


def simulate(
    out_dir: Path,
    *,
    leads: int = 10_000,
    events_per_lead: int = 20,
    seed: int = 7,
    end: datetime = datetime(2026, 6, 30, 18, 0),  # noqa: DTZ001 (instants are naive UTC throughout)
    messy: bool = True,
    deliveries: int = 0,
) -> SimulationSummary:
    """Write a simulated company's raw files, sources.yaml and the truth into `out_dir`.

    The same arguments give byte-identical files; what stood in `out_dir` under the same names is replaced.

    Args:
        out_dir: folder, made if missing.
        leads: number of form submissions, repeats among them.
        events_per_lead: mean number of web and e-mail events of people per submission; robots come on top.
        seed: of all randomness.
        end: the moment that the files are exported, naive UTC; no fact is later.
        messy: with the mess that the package's docstring lists; without it the company is tidy and its market steady.
        deliveries: also write the facts as this many files per source, in `deliveries/`; 0 for none.

    Raises:
        LeadflowError: a number is out of range, `end` has a time zone or the folder cannot be made.
    """
    _check(leads, events_per_lead, seed, end)
    _check_deliveries(deliveries, leads * events_per_lead)
    try:
        (out_dir / TRUTH_FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LeadflowError(
            f"the folder {out_dir} cannot be made ({error.strerror})", "name another folder"
        ) from None
    streams = Streams(seed)
    end_seconds = int(end.replace(tzinfo=UTC).timestamp())
    world = make_world(streams, leads, events_per_lead, end_seconds, messy)
    people = world.people
    rows = {
        **_write_small_files(out_dir, world, streams, leads, messy),
        **_write_records(out_dir, world, streams),
        **_write_events(out_dir, world, streams, leads * events_per_lead * messy),
        **_write_truth(out_dir, world),
    }
    starts_at = datetime.fromtimestamp(world.starts_at, tz=UTC).replace(tzinfo=None)
    sources = out_dir / "sources.yaml"
    template = files("leadflow.demo").joinpath("sources.yaml").read_text(encoding="utf-8")
    sources.write_text(template.replace("REFERENCE_DATE", f"{starts_at:%Y-%m-%d}"), encoding="utf-8")
    return SimulationSummary(
        out_dir=out_dir,
        sources=sources,
        truth=out_dir / "truth.parquet",
        rows=rows,
        people=len(people),
        companies=len(world.companies),
        conversion_rate=float(people.is_converted.mean()),
        won_share=float((world.funnel.converted_at <= end_seconds).mean()),
        starts_at=starts_at,
        ends_at=end,
        deliveries=write_deliveries(out_dir, streams, deliveries, world.starts_at, end_seconds)
        if deliveries
        else None,
    )


def _check(leads: int, events_per_lead: int, seed: int, end: datetime) -> None:
    if leads < 1:
        raise LeadflowError(f"the number of leads is {leads}", "ask for at least 1")
    if events_per_lead < 0:
        raise LeadflowError(f"the number of events per lead is {events_per_lead}", "ask for 0 or more")
    if seed < 0:
        raise LeadflowError(f"the seed is {seed}", "use a whole number from 0")
    if end.tzinfo is not None:
        raise LeadflowError(f"the end {end} has a time zone", "give it in UTC without a zone")


def _check_deliveries(count: int, events: int) -> None:
    if not 0 <= count <= MOST_DELIVERIES:
        raise LeadflowError(f"the number of deliveries is {count}", f"ask for 0 to {MOST_DELIVERIES}")
    if count and events > MOST_EVENTS:
        raise LeadflowError(
            f"deliveries of {events:,} events are asked for, and at most {MOST_EVENTS:,} are made",
            "ask for fewer leads or events, or leave the deliveries out",
        )


def _blocks(count: int) -> Iterator[tuple[int, Ints]]:
    """Numbers from 0 to `count`, parted into blocks, each with its own number; one empty block where there are none."""
    for part, start in enumerate(range(0, max(count, 1), BLOCK_LEADS)):
        yield part, np.arange(start, min(start + BLOCK_LEADS, count), dtype=np.int64)


def _write_small_files(
    out_dir: Path, world: World, streams: Streams, leads: int, messy: bool
) -> dict[str, int]:
    """Files that stay small: they grow with companies, campaigns or reps at most."""
    people, companies, end = world.people, world.companies, world.end
    tables: dict[str, Callable[[], pl.DataFrame]] = {
        "product_accounts.csv": lambda: ledgers.account_rows(
            streams("accounts"), world.funnel, people, companies, end
        ),
        "marketing_spend.csv": lambda: ledgers.spend_rows(streams("spend"), leads, end),
        "company_reference.csv": lambda: company_reference(streams("reference"), companies, messy),
        "sales_reps.csv": lambda: rep_rows(streams("reps"), world.starts_at),
        "blocklist.csv": lambda: blocklist_rows(streams("blocklist"), people, companies, world.starts_at),
    }
    return {name: write_parts(out_dir / name, [make()]) for name, make in tables.items()}


def _write_records(out_dir: Path, world: World, streams: Streams) -> dict[str, int]:
    """Lead records and what sales does with them."""
    people, companies, movers, funnel, end = (
        *(world.people, world.companies, world.movers, world.funnel),
        world.end,
    )
    forms = (world.submissions, people, companies, world.form_guises, movers)
    leads = (funnel, people, companies, world.crm_guises, movers, end)
    files_of: dict[str, tuple[int, Part, str | None]] = {
        "mql.csv": (
            len(world.submissions),
            lambda part, at: form_rows(streams("forms", part), at, *forms),
            None,
        ),
        "sql_leads.csv": (
            len(funnel.person),
            lambda part, at: sales.crm_lead_rows(streams("sales", part), at, *leads),
            None,
        ),
        "opportunities.csv": (
            len(funnel.person),
            lambda part, at: sales.opportunity_rows(
                streams("opportunities", part), at, funnel, people, companies, end
            ),
            None,
        ),
        "sales_activities.csv": (
            len(funnel.person),
            lambda part, at: sales.activity_rows(streams("sales_activities", part), at, funnel, people, end),
            "Activity Id",
        ),
    }
    return {
        name: write_parts(out_dir / name, (make(*block) for block in _blocks(count)), number, "A")
        for name, (count, make, number) in files_of.items()
    }


def _write_events(out_dir: Path, world: World, streams: Streams, events: int) -> dict[str, int]:
    """Event files; robots that go with `events` come last among the web events. And the truth of both."""
    people, companies, submissions, end = world.people, world.companies, world.submissions, world.end
    guises, activity = world.form_guises, world.activity
    rows, count = {}, len(submissions)
    robot_events, robots = bot_event_rows(
        streams("bots"),
        submissions,
        people.fake[submissions.person] == FAKES.index("junk"),
        events * journeys.WEB_SHARE,
        end,
    )
    dead = np.isin(guises.kinds["email"], [EMAIL_KINDS.index(kind) for kind in _DEAD_MAIL])

    def web() -> Iterator[pl.DataFrame]:
        for part, at in _blocks(count):
            yield journeys.web_event_rows(streams("web", part), at, submissions, people, activity, end)
        yield robot_events

    def email() -> Iterator[pl.DataFrame]:
        for part, at in _blocks(count):
            given = faces.emails(guises, at, people, companies, world.movers)
            recipients = given.str.strip_chars().str.to_lowercase()
            rng = streams("email", part)
            yield journeys.email_event_rows(rng, at, submissions, people, activity, end, recipients, dead[at])

    def product() -> Iterator[pl.DataFrame]:
        for part, at in _blocks(count):
            yield product_usage_rows(
                streams("product", part), at, submissions, people, world.funnel.converted_at, end
            )

    counts = []

    def ab() -> Iterator[pl.DataFrame]:
        for part, at in _blocks(count):
            table, counted = experiments.ab_event_rows(
                streams("experiments", part), at, submissions, people, end
            )
            counts.append(counted)
            yield table

    for name, make in (("web_events", web), ("email_events", email), ("product_usage", product)):
        rows[f"{name}.parquet"] = write_parts(out_dir / f"{name}.parquet", make(), "id", name[0].upper())
    rows["ab_events.parquet"] = write_parts(out_dir / "ab_events.parquet", ab())
    truths = {
        "robots.parquet": truth.robot_rows(robots),
        "experiments.parquet": experiments.experiment_truth(pl.concat(counts)),
    }
    return rows | {
        f"{TRUTH_FOLDER}/{name}": write_parts(out_dir / TRUTH_FOLDER / name, [table])
        for name, table in truths.items()
    }


def _write_truth(out_dir: Path, world: World) -> dict[str, int]:
    """The truth of people, companies, lead records and drift."""
    people, companies, movers, submissions = world.people, world.companies, world.movers, world.submissions

    def records() -> Iterator[pl.DataFrame]:
        given = (people, companies, movers)
        for _, at in _blocks(len(submissions)):
            yield truth.record_rows(world.form_guises, at, *given, submissions.network)
        for _, at in _blocks(len(world.funnel.person)):
            yield truth.record_rows(world.crm_guises, at, *given)

    drift = drift_rows(
        world.first_contact_at, people.probability, people.is_converted, world.starts_at, world.end
    )
    parts: dict[str, Iterator[pl.DataFrame]] = {
        "truth.parquet": (truth.outcome_rows(submissions, people, at) for _, at in _blocks(len(submissions))),
        f"{TRUTH_FOLDER}/lead_records.parquet": records(),
        f"{TRUTH_FOLDER}/people.parquet": (
            truth.person_rows(people, movers, world.first_contact_at, at, world.end)
            for _, at in _blocks(len(people))
        ),
        f"{TRUTH_FOLDER}/companies.parquet": (
            truth.company_rows(companies, at) for _, at in _blocks(len(companies))
        ),
        f"{TRUTH_FOLDER}/drift.parquet": iter([drift]),
    }
    return {name: write_parts(out_dir / name, tables) for name, tables in parts.items()}
