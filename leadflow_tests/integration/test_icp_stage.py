"""The stage icp through Dagster, over tables as the stages before it leave them."""

from __future__ import annotations

import base64
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import pytest
from homes import REPOSITORY, Home

from leadflow.quality.contracts import load_contracts
from leadflow.settings import Settings
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.tables import record_version

AS_OF = datetime.fromisoformat("2026-06-30T15:30:00")
COMPANIES = 900
STEPS = [dg.AssetKey(["icp", name]) for name in ("account_facts", "icp_segments", "account_fit", "rfm")]
"""With their checks, as somebody would select the stage in the UI."""


def _tables() -> dict[str, pl.DataFrame]:
    """Two leads a company; energy companies of 200 to 2,000 employees win six times as often as others."""
    rng = np.random.default_rng(5)
    number = pl.int_range(COMPANIES, eager=True)
    industry = rng.choice(["Energy", "Media", "Retail"], COMPANIES)
    size = np.exp(rng.normal(5.5, 1.3, COMPANIES)).astype(np.int64) + 1
    is_ideal = (industry == "Energy") & (size >= 200) & (size < 2_000)
    is_won = rng.random(COMPANIES) < np.where(is_ideal, 0.6, 0.1)
    begun = AS_OF - timedelta(days=200)
    account = pl.select(pl.format("A{}", number)).to_series()
    lead = pl.select(pl.format("L{}", pl.int_range(2 * COMPANIES))).to_series()
    facts = {
        "company_size": size,
        "industry": industry,
        "country": ["China"] * COMPANIES,
        "is_listed": [False] * COMPANIES,
    }
    day = pl.Series(rng.integers(1, 150, 2 * COMPANIES))
    days = pl.select(pl.lit(AS_OF.date()) - pl.duration(days=day)).to_series()
    won = pl.Series(np.flatnonzero(is_won))
    return {
        "identity.accounts": pl.DataFrame({"account_id": account, "known_from": [begun] * COMPANIES}),
        "identity.leads": pl.DataFrame({"lead_id": lead, "account_id": pl.concat([account, account])}),
        "enrich.firmographics": pl.DataFrame(
            {"account_id": account, **facts, **{f"{fact}_known_at": [begun] * COMPANIES for fact in facts}}
        ),
        "features.lead_outcomes": pl.DataFrame(
            {
                "lead_id": lead.gather(won.to_list()),
                "won_count": [1] * won.len(),
                "first_opened_at": [AS_OF - timedelta(days=40)] * won.len(),
                "first_won_at": [AS_OF - timedelta(days=30)] * won.len(),
                "won_contract_value": [500.0] * won.len(),
                "won_currency": ["EUR"] * won.len(),
            }
        ),
        "features.lead_activity_daily": pl.DataFrame(
            {
                "lead_id": lead,
                "event_date": days,
                "known_date": days,
                "last_event_at": days.cast(pl.Datetime("us")),
            }
        ),
        "features.lead_events": pl.DataFrame(),
        "staging.stg_product_accounts": pl.DataFrame(),
    }


def _put(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame, declared: list[tuple[str, str]]
) -> None:
    """A table with the columns of its contract; those without rows are null."""
    columns = ", ".join(
        f"cast({column if column in rows.columns else 'null'} as {dtype}) as {column}"
        for column, dtype in declared
    )
    connection.register(
        "given", rows.to_arrow() if rows.width else pl.DataFrame({"none": [None]}).head(0).to_arrow()
    )
    connection.execute(f"create schema if not exists {name.split('.')[0]}")
    connection.execute(f"create or replace table {name} as select {columns} from given")
    connection.unregister("given")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dg.ExecuteInProcessResult]:
    """A home of these tables, in which the stage ran once."""
    home = Home(tmp_path_factory.mktemp("icp"), REPOSITORY / "leadflow" / "demo" / "sources.yaml")
    settings = Settings(home=home.path)
    settings.ensure_home()
    contracts = load_contracts(settings.sql_dir)
    with duckdb.connect(str(home.warehouse)) as connection:
        refresh, _ = open_refresh(connection, as_of=AS_OF, as_of_from="given", run_id="run", code_version="1")
        stamp = refresh.stamp(run_id="run", code_version="1")
        for name, rows in _tables().items():
            declared = [(column.name, column.data_type) for column in contracts[name].columns]
            _put(connection, name, rows, declared)
            record_version(connection, name, stamp=stamp)
    return home, home.run(STEPS)


def test_the_ideal_customer_is_found_and_every_account_is_compared(
    ran: tuple[Home, dg.ExecuteInProcessResult],
) -> None:
    home, result = ran
    assert result.success
    name, is_icp, won, currency = home.rows(
        "select segment_name, is_icp, won_account_count, contract_currency from icp.icp_segments where segment_id = 'S1'"
    )[0]
    assert name.startswith("Energy, ")
    assert (is_icp, currency) == (True, "EUR")
    assert won >= 20
    fit = dict(
        home.rows(
            "select industry = 'Energy' and company_size between 200 and 1999, median(account_fit) "
            "from icp.account_fit join icp.account_facts using (account_id) group by 1"
        )
    )
    assert fit[True] > 85 > 60 > fit[False]
    assert home.value("select count(*) from icp.account_fit where method = 'segments'") == COMPANIES


def test_rfm_has_every_lead_and_every_customer(ran: tuple[Home, dg.ExecuteInProcessResult]) -> None:
    home, _ = ran
    counts = dict(home.rows("select subject_type, count(*) from icp.rfm group by 1"))
    assert counts == {
        "lead": 2 * COMPANIES,
        "account": home.value("select count(*) from icp.account_facts where won_at is not null"),
    }
    assert home.value("select count(distinct recency_score) from icp.rfm where subject_type = 'lead'") == 5


@pytest.mark.parametrize("table", ["icp_segments", "account_fit", "rfm"])
def test_each_table_shows_its_plot(ran: tuple[Home, dg.ExecuteInProcessResult], table: str) -> None:
    metadata = _metadata(ran[1], table)
    found = re.search(r"\(data:image/png;base64,([^)]+)\)", str(metadata["plot"].value))
    assert found is not None
    assert base64.b64decode(found[1]).startswith(b"\x89PNG")


def test_how_the_segments_were_found_is_told(ran: tuple[Home, dg.ExecuteInProcessResult]) -> None:
    metadata = _metadata(ran[1], "icp_segments")
    assert "won accounts win more often" in str(metadata["how they were found"].value)
    assert "stability" in str(metadata["numbers of groups tried"].value)


def test_too_few_won_accounts_are_scored_by_rules(
    ran: tuple[Home, dg.ExecuteInProcessResult], tmp_path: Path
) -> None:
    home = ran[0].copy_to(tmp_path / "home")
    (home.path / "policy.yaml").write_text("icp: {minimum_won_accounts: 10000}\n", encoding="utf-8")
    result = home.run(STEPS[1:3])
    assert result.success
    assert home.value("select count(*) from icp.icp_segments") == 0
    assert home.rows("select distinct method from icp.account_fit") == [("rules",)]
    assert "so the rules are used" in str(_metadata(result, "icp_segments")["how they were found"].value)
    shutil.rmtree(home.path)


def _metadata(result: dg.ExecuteInProcessResult, table: str) -> Any:
    (event,) = (
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["icp", table])
    )
    return event.materialization.metadata
