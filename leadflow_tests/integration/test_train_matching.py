"""`leadflow train-matching` on a small home: what it keeps, and what a refresh makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from homes import Home

from leadflow.cli.main import cli
from leadflow.demo.simulate import simulate
from leadflow.errors import LeadflowError, WarehouseLockedError
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.lock import refresh_lock
from leadflow.warehouse.tables import put_rows, transaction

COUNTS = "select count(*), count(distinct matched_with), min(matched_with) from identity.match_index"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LEADFLOW_LOCK_WAIT_SECONDS", "0")
    return tmp_path / "home"


def train() -> str:
    return CliRunner().invoke(cli, ["train-matching"], catch_exceptions=False).output


def test_a_model_of_ones_own_matches_everything_anew(tmp_path: Path, empty: Path) -> None:
    simulated = simulate(tmp_path / "company", leads=1_500, events_per_lead=1, seed=3)
    home = Home(empty, simulated.sources)
    assert home.make(stages=("raw", "staging", "clean", "identity")).success
    ((records, _, before),) = home.rows(COUNTS)
    out = train()
    found = re.search(r"Matching model (\w+), trained on ([\d,]+) lead records", out)
    assert found is not None
    assert int(found[2].replace(",", "")) == records
    assert (empty / "models" / "matching" / f"{found[1]}.json").exists()
    assert f"model: {found[1]}" in out
    assert re.search(r"mailbox: same \+\d", out)
    assert train() == out
    (empty / "policy.yaml").write_text(f"matching:\n  model: '{found[1]}'\n", encoding="utf-8")
    assert home.make(stages=("identity",)).success
    ((again, fingerprints, after),) = home.rows(COUNTS)
    assert (again, fingerprints) == (records, 1)
    assert after != before


def test_it_says_what_is_missing(empty: Path) -> None:
    with pytest.raises(LeadflowError, match=r"does not exist; run `leadflow run`|does not exist"):
        train()
    empty.mkdir()
    warehouse = Warehouse(empty / "warehouse.duckdb")
    with warehouse.connect() as connection, transaction(connection):
        put_rows(connection, "clean.clean_leads", pl.DataFrame({"record_key": ["mql:1"]}))
    with pytest.raises(LeadflowError, match=r"holds no identity\.match_index"):
        train()
    with warehouse.connect() as connection, transaction(connection):
        put_rows(connection, "identity.match_index", pl.DataFrame({"record_key": ["mql:1"]}))
    with pytest.raises(LeadflowError, match="1 lead records are too few"):
        train()
    with (
        refresh_lock(empty / "refresh.lock", purpose="a refresh", wait_seconds=0),
        pytest.raises(WarehouseLockedError, match="a refresh"),
    ):
        train()
