"""Simulate a B2B company: write its raw files, a sources.yaml that maps them, and the truth to judge by.

Belongs here: the order of the steps, the seeds and the files. Does not belong here: what any file holds.

Every step has a random stream of its own, named by the seed, the step and the block of leads, so that the same
arguments give the same bytes. The event files are written by blocks of leads, which bounds the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from leadflow.demo import journeys, sales
from leadflow.demo.columns import SECONDS_PER_DAY, Ints, frame, ids
from leadflow.demo.companies import company_reference, make_companies
from leadflow.demo.people import People, make_people
from leadflow.demo.submissions import HISTORY_DAYS, Submissions, arrival_times, form_rows, make_submissions
from leadflow.errors import LeadflowError

BLOCK_LEADS = 100_000
"""Leads simulated at once; part of what a seed means, since every block has its own random streams."""
_LEADS_PER_COMPANY = 4.5
_STEPS = (
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
    "product",
)


@dataclass(frozen=True)
class SimulationSummary:
    """What was written.

    Attributes:
        out_dir: the folder; sources: the sources.yaml in it; truth: the truth.parquet in it.
        rows: rows written, by file name.
        people, companies: numbers of them behind the leads.
        conversion_rate: share of people that convert, be it after the end; won_share: that had by the end.
        starts_at, ends_at: the period that leads arrive in, UTC.
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


def simulate(
    out_dir: Path,
    *,
    leads: int = 10_000,
    events_per_lead: int = 20,
    seed: int = 7,
    end: datetime = datetime(2026, 6, 30, 18, 0),  # noqa: DTZ001 (instants are naive UTC throughout)
) -> SimulationSummary:
    """Write a simulated company's raw files, sources.yaml and truth.parquet into `out_dir`.

    The same arguments give byte-identical files; what stood in `out_dir` under the same names is replaced.

    Args:
        out_dir: folder, made if missing.
        leads: number of form submissions, repeats among them.
        events_per_lead: mean number of web and e-mail events per submission.
        seed: of all randomness.
        end: the moment that the files are exported, naive UTC; no fact is later.

    Raises:
        LeadflowError: a number is out of range, `end` has a time zone or the folder cannot be made.
    """
    _check(leads, events_per_lead, seed, end)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LeadflowError(
            f"the folder {out_dir} cannot be made ({error.strerror})", "name another folder"
        ) from None
    end_seconds = int(end.replace(tzinfo=UTC).timestamp())
    streams = _Streams(seed)

    companies = make_companies(streams("companies"), int(leads / _LEADS_PER_COMPANY) + 20)
    submissions = make_submissions(streams("submissions"), leads, end_seconds)
    firsts = np.flatnonzero(~submissions.is_repeat)
    sales_made = arrival_times(
        streams("arrivals"), round(leads * sales.SALES_MADE_SHARE * 2 / 3), end_seconds
    )
    people = make_people(streams("people"), len(firsts) + len(sales_made), companies)
    funnel = sales.make_funnel(
        streams("funnel"),
        people,
        companies,
        first_form=np.concatenate([firsts, np.full(len(sales_made), -1)]),
        first_contact_at=np.concatenate([submissions.created_at[firsts], sales_made]),
        end=end_seconds,
    )
    activity = journeys.make_activity(streams("activity"), submissions, people, events_per_lead, end_seconds)

    rows: dict[str, int] = {}
    rng = streams("sales")
    tables: dict[str, Callable[[], pl.DataFrame]] = {
        "sql_leads.csv": lambda: sales.crm_lead_rows(rng, funnel, people, companies, end_seconds),
        "opportunities.csv": lambda: sales.opportunity_rows(rng, funnel, people, companies, end_seconds),
        "sales_activities.csv": lambda: sales.activity_rows(rng, funnel, people, end_seconds),
        "product_accounts.csv": lambda: sales.account_rows(rng, funnel, people, companies, end_seconds),
        "marketing_spend.csv": lambda: sales.spend_rows(rng, leads, end_seconds),
        "company_reference.csv": lambda: company_reference(rng, companies),
        "truth.parquet": lambda: _truth(submissions, people),
    }
    for name, make in tables.items():
        rows[name] = _write(out_dir / name, make())
    blocks: dict[str, Callable[[int, Ints], pl.DataFrame]] = {
        "mql.csv": lambda part, at: form_rows(streams("forms", part), at, submissions, people, companies),
        "web_events.parquet": lambda part, at: journeys.web_event_rows(
            streams("web", part), at, submissions, people, activity, end_seconds
        ),
        "email_events.parquet": lambda part, at: journeys.email_event_rows(
            streams("email", part), at, submissions, people, activity, end_seconds
        ),
        "product_usage.parquet": lambda part, at: journeys.product_usage_rows(
            streams("product", part), at, submissions, people, activity, funnel.converted_at, end_seconds
        ),
    }
    for name, make_block in blocks.items():
        rows[name] = _write_blocks(out_dir / name, leads, make_block)
    starts_at = datetime.fromtimestamp(end_seconds - HISTORY_DAYS * SECONDS_PER_DAY, tz=UTC).replace(
        tzinfo=None
    )
    sources = out_dir / "sources.yaml"
    template = files("leadflow.demo").joinpath("sources.yaml").read_text(encoding="utf-8")
    sources.write_text(template.replace("REFERENCE_DATE", f"{starts_at:%Y-%m-%d}"), encoding="utf-8")
    return SimulationSummary(
        out_dir=out_dir,
        sources=sources,
        truth=out_dir / "truth.parquet",
        rows=rows,
        people=len(people),
        companies=len(companies),
        conversion_rate=float(people.is_converted.mean()),
        won_share=float((funnel.converted_at <= end_seconds).mean()),
        starts_at=starts_at,
        ends_at=end,
    )


class _Streams:
    """Independent random generators by step and block."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, step: str, block: int = 0) -> np.random.Generator:
        return np.random.default_rng((self._seed, _STEPS.index(step), block))


def _check(leads: int, events_per_lead: int, seed: int, end: datetime) -> None:
    if leads < 1:
        raise LeadflowError(f"the number of leads is {leads}", "ask for at least 1")
    if events_per_lead < 0:
        raise LeadflowError(f"the number of events per lead is {events_per_lead}", "ask for 0 or more")
    if seed < 0:
        raise LeadflowError(f"the seed is {seed}", "use a whole number from 0")
    if end.tzinfo is not None:
        raise LeadflowError(f"the end {end} has a time zone", "give it in UTC without a zone")


def _truth(submissions: Submissions, people: People) -> pl.DataFrame:
    """What no company knows, per form submission: who it was, at which company, with which chance, and the draw."""
    person = submissions.person
    return frame(
        {
            "mql_id": ids("F", np.arange(len(submissions))),
            "true_person_id": ids("P", person),
            "true_company_id": ids("C", people.company[person]),
            "true_conversion_probability": people.probability[person],
            "is_converted": people.is_converted[person],
        }
    )


def _write(path: Path, table: pl.DataFrame) -> int:
    if path.suffix == ".csv":
        table.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
    else:
        _write_blocks(path, 1, lambda part, at: table)
    return table.height


def _write_blocks(path: Path, leads: int, make_block: Callable[[int, Ints], pl.DataFrame]) -> int:
    """Write one file block by block; event files get a running number as their key. Returns the rows written."""
    import pyarrow.parquet as pq

    written = 0
    with ExitStack() as stack:
        writer = None
        handle = stack.enter_context(path.open("wb"))
        for part, start in enumerate(range(0, leads, BLOCK_LEADS)):
            table = make_block(part, np.arange(start, min(start + BLOCK_LEADS, leads), dtype=np.int64))
            if path.suffix == ".csv":
                table.write_csv(handle, include_header=part == 0, datetime_format="%Y-%m-%d %H:%M:%S")
            else:
                if "timestamp" in table.columns:
                    numbers = np.arange(written, written + table.height, dtype=np.int64)
                    table.insert_column(0, ids(path.name[0].upper(), numbers, width=9).alias("id"))
                arrow = table.to_arrow()
                if writer is None:
                    writer = stack.enter_context(pq.ParquetWriter(handle, arrow.schema, compression="zstd"))
                writer.write_table(arrow)
            written += table.height
    return written
