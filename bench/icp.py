"""What the ideal customer profile finds, and what it cannot: `python -m bench.icp [LEADS]`.

Belongs here: a simulated company, in which an ideal customer is planted, and Olist's funnel, in which hardly anything is
known of accounts; wins drawn by chance; seconds and memory. Prints Markdown, which docs/icp.md quotes.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from leadflow.automation import REFRESH_JOB, refresh_config
from leadflow.cli.refresh import prepare_instance
from leadflow.definitions import build_defs
from leadflow.demo.simulate import simulate
from leadflow.icp.account_fit import fit_by_segments
from leadflow.icp.profile import find_profile, in_words
from leadflow.icp_policy import IdealCustomer
from leadflow.settings import Settings, load_settings
from leadflow.warehouse.connection import Warehouse, query

ROOT = Path(__file__).parent.parent
STAGES = {"raw", "staging", "clean", "identity", "enrich", "features", "icp"}
LEADS = 10_000
EVENTS_PER_LEAD = 10
SEED = 1
CHANCE_DRAWS = 40
MANY_ACCOUNTS = 200_000
_AS_OF = datetime.fromisoformat("2026-07-01")
_BEFORE = datetime.fromisoformat("2025-01-01")


def main(leads: int) -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory(prefix="leadflow-bench-") as folder:
        facts = print_lines(_simulated(Path(folder), leads))
        print_lines(_olist(Path(folder)))
    print_lines(_by_chance(facts))
    print_lines(_speed())


def print_lines(lines: Iterator[Any]) -> Any:
    """Print what comes; returns what is given back at the end."""
    while True:
        try:
            print(next(lines), flush=True)
        except StopIteration as end:
            return end.value


def refreshed(home: Path, **settings: Any) -> Settings:
    """A home whose tables are made up to icp, without checks."""
    loaded = load_settings(home=home, **settings)
    prepare_instance(loaded)
    job = build_defs(**loaded.model_dump()).resolve_job_def(REFRESH_JOB)
    keys = [key for key in job.asset_layer.executable_asset_keys if key.path[0] in STAGES]
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.from_config(str(loaded.dagster_home)) as instance:
        job.execute_in_process(
            run_config={**refresh_config(), **quiet},
            instance=instance,
            asset_selection=keys,
            raise_on_error=True,
        )
    return loaded


def read(settings: Settings, sql: str) -> pl.DataFrame:
    """The rows of a query on the home's warehouse."""
    with Warehouse.from_settings(settings).connect(read_only=True) as connection:
        return query(connection, sql)


def _simulated(folder: Path, leads: int) -> Iterator[str]:
    company = folder / "company"
    simulate(company, leads=leads, events_per_lead=EVENTS_PER_LEAD, seed=SEED)
    settings = refreshed(folder / "simulated", sources=company / "sources.yaml")
    facts = read(settings, "select * from icp.account_facts order by account_id")
    as_of = read(settings, "select max(as_of) as as_of from raw.refreshes")["as_of"][0]
    truth = pl.read_parquet(company / "truth" / "companies.parquet").select("domain", "is_ideal")
    ideal = (
        read(settings, "select account_id, domain from identity.accounts")
        .join(truth, on="domain")
        .select("account_id", "is_ideal")
    )
    profile = find_profile(facts, IdealCustomer(), as_of)
    yield f"## Simulated: {leads:,} leads, {facts.height:,} accounts, {facts['won_at'].count():,} of them won\n"
    yield "\n".join(f"- {sentence}" for sentence in in_words(profile)) + "\n"
    fit = read(settings, "select * from icp.account_fit")
    judged = fit.join(ideal, on="account_id").drop_nulls("account_fit").join(facts, on="account_id")
    inside = (
        judged.filter("is_in_segment")
        .group_by("segment_id")
        .agg(planted=pl.col("is_ideal").mean(), planted_count=pl.col("is_ideal").sum())
    )
    segments = read(settings, "select * from icp.icp_segments order by segment_id")
    shown = segments.join(inside, on="segment_id", how="left", maintain_order="left").select(
        "segment_name",
        pl.col("is_icp").alias("ICP"),
        pl.col("account_count").alias("accounts"),
        pl.col("won_account_count").alias("won"),
        pl.col("win_rate").round(2),
        pl.col("lift").round(2),
        pl.format("{} to {}", pl.col("lift_low").round(2), pl.col("lift_high").round(2)).alias("interval"),
        pl.format(
            "{} {}", pl.col("average_contract_value").round(0).cast(pl.Int64), "contract_currency"
        ).alias("contract"),
        pl.col("median_cycle_days").round(0).cast(pl.Int64).alias("days"),
        (pl.col("planted") * 100).round(0).cast(pl.Int64).alias("planted kind, %"),
    )
    yield table(shown)
    of_kind, others = judged.filter("is_ideal"), judged.filter(~pl.col("is_ideal"))
    yield (
        f"The planted kind is {of_kind.height} of {judged.height:,} accounts with a fit; {_rate(of_kind):.0%} of them were won, of "
        f"the others {_rate(others):.0%}. Median account_fit: {_median(of_kind):.0f} of the planted kind, "
        f"{_median(others):.0f} of the others; a planted account has the higher one in "
        f"{_auc(of_kind['account_fit'], others['account_fit']):.0%} of all pairs.\n"
    )
    named = read(
        settings,
        "select segment, count(*) filter (where subject_type = 'lead') as leads, "
        "count(*) filter (where subject_type = 'account') as customers from icp.rfm group by all order by leads desc",
    )
    yield table(named)
    return facts.filter(pl.col("known_from") <= as_of)


def _olist(folder: Path) -> Iterator[str]:
    data = Path(os.environ.get("LEADFLOW_TEST_DATA", "")) / "olist_funnel"
    if not data.is_dir():
        yield "## Olist: left out, since LEADFLOW_TEST_DATA names no folder with olist_funnel in it\n"
        return
    os.environ["OLIST_DIR"] = str(data)
    example = ROOT / "examples" / "olist"
    settings = refreshed(folder / "olist", sources=example / "sources.yaml", policy=example / "policy.yaml")
    facts = read(settings, "select * from icp.account_facts")
    counts = read(
        settings,
        "select (select count(*) from identity.leads) as leads, "
        "(select count(*) from features.lead_outcomes where won_count > 0) as won, (select count(*) from icp.rfm) as rfm",
    ).row(0, named=True)
    as_of = read(settings, "select max(as_of) as as_of from raw.refreshes")["as_of"][0]
    yield f"## Olist: {counts['leads']:,} leads, {counts['won']:,} of them won, {facts.height:,} accounts\n"
    yield "\n".join(f"- {sentence}" for sentence in in_words(find_profile(facts, IdealCustomer(), as_of)))
    yield f"- Leads and customers with RFM: {counts['rfm']:,}.\n"
    yield "Were each lead an account, and the closed deals' business segment its industry:\n"
    supposed = _olist_with_hindsight(data)
    profile = find_profile(supposed, IdealCustomer(), supposed["won_at"].max())  # type: ignore[arg-type]
    yield "\n".join(f"- {sentence}" for sentence in in_words(profile)) + "\n"


def _olist_with_hindsight(data: Path) -> pl.DataFrame:
    """Facts as somebody would make them who takes what was written at closing for what is known of a company."""
    leads = pl.read_csv(data / "olist_marketing_qualified_leads_dataset.csv")
    deals = pl.read_csv(data / "olist_closed_deals_dataset.csv", infer_schema_length=None)
    return leads.join(deals, on="mql_id", how="left").select(
        pl.col("mql_id").alias("account_id"),
        pl.col("first_contact_date").str.to_datetime("%Y-%m-%d").dt.cast_time_unit("us").alias("known_from"),
        pl.lit(None, dtype=pl.Int64).alias("company_size"),
        pl.col("business_segment").alias("industry"),
        pl.lit(None, dtype=pl.String).alias("country"),
        pl.lit(None, dtype=pl.Boolean).alias("is_listed"),
        pl.col("won_date")
        .str.slice(0, 10)
        .str.to_datetime("%Y-%m-%d")
        .dt.cast_time_unit("us")
        .alias("won_at"),
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in ("cycle_days", "contract_value")),
        pl.lit(None, dtype=pl.String).alias("contract_currency"),
    )


def _by_chance(facts: pl.DataFrame) -> Iterator[str]:
    share = float(facts["won_at"].is_not_null().mean() or 0.0)  # type: ignore[arg-type]
    alarms = 0
    for seed in range(CHANCE_DRAWS):
        is_won = pl.Series(np.random.default_rng(seed).random(facts.height) < share)
        drawn = facts.with_columns(won_at=pl.when(is_won).then(pl.lit(_AS_OF)), known_from=pl.lit(_BEFORE))
        alarms += find_profile(drawn, IdealCustomer(refit="refresh"), _AS_OF).method == "segments"
    yield "## Wins drawn by chance\n"
    yield (
        f"The same accounts, of which so many win whatever they are: an ideal customer was named in {alarms} of "
        f"{CHANCE_DRAWS} draws.\n"
    )


def _speed() -> Iterator[str]:
    facts = _many_accounts()
    started, cpu = time.perf_counter(), time.process_time()
    profile = find_profile(facts, IdealCustomer(), _AS_OF)
    found, found_cpu = time.perf_counter(), time.process_time()
    fit = fit_by_segments(facts, profile, _AS_OF) if profile.method == "segments" else None
    done, done_cpu = time.perf_counter(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    yield f"## Speed: {facts.height:,} accounts, {facts['won_at'].count():,} of them won\n"
    yield (
        f"Segments in {found - started:.1f} s ({found_cpu - cpu:.1f} s of processor), account_fit of all in "
        f"{done - found:.1f} s ({done_cpu - found_cpu:.1f} s); {0 if fit is None else fit.height:,} rows; the process took "
        f"{peak:.1f} GB at most."
    )


def _many_accounts() -> pl.DataFrame:
    rng = np.random.default_rng(SEED)
    size = np.exp(rng.normal(5.1, 1.55, MANY_ACCOUNTS)).astype(np.int64)
    industry, country = rng.integers(0, 40, MANY_ACCOUNTS), rng.integers(0, 60, MANY_ACCOUNTS)
    is_ideal = (industry < 4) & (size > 200) & (size < 2_000)
    is_won = rng.random(MANY_ACCOUNTS) < np.where(is_ideal, 0.3, 0.06)
    return pl.DataFrame(
        {
            "account_id": [f"A{number:07d}" for number in range(MANY_ACCOUNTS)],
            "company_size": size,
            "industry": [f"Industry {number}" for number in industry],
            "country": [f"Country {number}" for number in country],
            "is_listed": size > 5_000,
            "is_won": is_won,
        }
    ).with_columns(
        known_from=pl.lit(_BEFORE),
        won_at=pl.when("is_won").then(pl.lit(_BEFORE)),
        cycle_days=pl.lit(20.0),
        contract_value=pl.lit(1000.0),
        contract_currency=pl.lit("EUR"),
    )


def table(rows: pl.DataFrame) -> str:
    """A frame as a Markdown table."""
    lines: Sequence[str] = [" | ".join(rows.columns), " | ".join("---" for _ in rows.columns)]
    cells = [" | ".join(_cell(value) for value in row) for row in rows.iter_rows()]
    return "\n".join(f"| {line} |" for line in [*lines, *cells]) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rate(accounts: pl.DataFrame) -> float:
    return accounts["won_at"].count() / max(accounts.height, 1)


def _median(accounts: pl.DataFrame) -> float:
    return float(np.median(accounts["account_fit"].to_numpy()))


def _auc(positive: pl.Series, negative: pl.Series) -> float:
    """Share of pairs in which the first is higher, equal ones counted half."""
    both = pl.concat([positive, negative]).rank("average")
    count, others = positive.len(), negative.len()
    return float((both.head(count).sum() - count * (count + 1) / 2) / (count * others))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS)
