"""Fixtures of all tests: a small simulated company and one refreshed home, made once a session.

Belongs here: what is dear to make. Does not belong here: helpers that cost nothing (homes.py).
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from homes import REPOSITORY, Home, leadflow, lean_project, made_once

LEADS = 600
EVENTS_PER_LEAD = 6
SEED = 2
"""With it, the few leads are won clearly enough for a model to be trained and used."""

TEST_SETTINGS = (
    "LEADFLOW_TEST_DATA",
    "LEADFLOW_RENEW_SNAPSHOTS",
    "LEADFLOW_KILLS",
    "LEADFLOW_KILL_SEED",
    "LEADFLOW_DBT",
)
"""Variables that the tests themselves read; every other LEADFLOW_ variable would change what is tested."""


@dataclass(frozen=True)
class RefreshedHome:
    """A home that the command line refreshed, and what it printed. Read it; copy it before changing it.

    Attributes:
        home: a copy of the home.
        made_in: the home's folder when it was refreshed, which is what the output tells.
        simulated: output of `leadflow simulate`.
        refreshed: output of `leadflow run`.
    """

    home: Home
    made_in: Path
    simulated: str
    refreshed: str


def pytest_configure(config: pytest.Config) -> None:
    """Tests see none of the settings of the shell they are started from, and send no usage statistics.

    Before anything is collected, because importing leadflow.definitions already uses the home that is in force.
    """
    beside = REPOSITORY.parent / "shared" / "data"
    if "LEADFLOW_TEST_DATA" not in os.environ and beside.is_dir():
        os.environ["LEADFLOW_TEST_DATA"] = str(beside)
    nowhere = tempfile.TemporaryDirectory(prefix="leadflow-tests-")
    config.add_cleanup(nowhere.cleanup)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in list(os.environ):
        if (name.startswith("LEADFLOW_") and name not in TEST_SETTINGS) or name == "DAGSTER_HOME":
            patch.delenv(name)
    patch.setenv("LEADFLOW_HOME", str(Path(nowhere.name) / "home"))
    patch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> RefreshedHome:
    """A small company, simulated and refreshed once with every check, by the commands that a person types."""

    def make(folder: Path) -> None:
        size = ("--leads", LEADS, "--events-per-lead", EVENTS_PER_LEAD, "--seed", SEED)
        simulated = leadflow(folder / "home", "simulate", *size, "--out", folder / "company")
        assert simulated.returncode == 0, simulated.stderr
        (folder / "simulated.txt").write_text(simulated.stdout, encoding="utf-8")
        run = leadflow(folder / "home", "run", "--sources", folder / "company" / "sources.yaml")
        assert run.returncode == 0, run.stdout + run.stderr
        (folder / "refreshed.txt").write_text(run.stdout, encoding="utf-8")

    folder = made_once(tmp_path_factory, "refreshed", make)
    made = Home(folder / "home", folder / "company" / "sources.yaml")
    simulated, refreshed = (
        (folder / f"{name}.txt").read_text(encoding="utf-8") for name in ("simulated", "refreshed")
    )
    own = made.copy_to(tmp_path_factory.mktemp("refreshed") / "home")
    return RefreshedHome(own, made.path, simulated, refreshed)


@pytest.fixture(scope="session")
def shared_home(refreshed: RefreshedHome) -> Home:
    """The refreshed home, to be read only."""
    return refreshed.home


@pytest.fixture
def own_home(shared_home: Home, tmp_path: Path) -> Home:
    """A copy of the refreshed home, to do with as the test likes."""
    return shared_home.copy_to(tmp_path / "home")


@pytest.fixture(scope="session")
def lean_project_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQL room with contracts that only promise columns."""
    return lean_project(tmp_path_factory.mktemp("lean"))
