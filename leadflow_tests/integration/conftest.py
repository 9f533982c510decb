"""Fixtures of the tests that need a warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from homes import Home, table_of
from landing_yard import Yard, open_yard
from later_facts import without_later_facts

POLICY_THEN = {"tiers": {"hot_above": 70.0, "warm_from": 30.0}, "maturity_pass_mark": 40.0}
"""Of the home that was refreshed twice: the policy of its first refresh; of the second it is the default."""


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """A warehouse with raw.mql, and a folder of files to land into it."""
    with open_yard(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def then() -> datetime:
    """A moment within a day, a month before a simulated company ends."""
    return datetime(2026, 5, 31, 11, 30)  # noqa: DTZ001 - instants are naive UTC throughout


@pytest.fixture(scope="session")
def stored_then(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of what the first of two refreshes stored, as Parquet files."""
    return tmp_path_factory.mktemp("stored")


@pytest.fixture(scope="session")
def later_home(then: datetime, stored_then: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was refreshed then, on what was known then, and now, on all facts, under another policy. Read it.

    Large enough for a model to be trained and used at either moment.
    """
    from leadflow.demo.simulate import simulate

    folder = tmp_path_factory.mktemp("later")
    company = simulate(folder / "company", leads=3000, events_per_lead=8, seed=7)
    home = Home(folder / "home", without_later_facts(company.sources, folder / "cut", then))
    home.path.mkdir()
    policy = home.path / "policy.yaml"
    policy.write_text(yaml.safe_dump(POLICY_THEN), encoding="utf-8")
    assert home.make(as_of=then.isoformat()).success
    for table in ("scored_leads", "score_reasons", "ml_scores"):
        table_of(home, f"scoring.{table}").write_parquet(stored_then / f"{table}.parquet")
    policy.unlink()
    later = Home(home.path, company.sources)
    assert later.make(as_of=(then + timedelta(days=30)).isoformat()).success
    return later
