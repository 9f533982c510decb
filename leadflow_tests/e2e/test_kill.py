"""A refresh that is killed at any moment leaves a home that the next refresh makes whole.

LEADFLOW_KILLS=n kills n times instead of twice; LEADFLOW_KILL_SEED=s repeats the moments of a failed run, which
prints its seed.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from homes import COMMAND_SECONDS, Home, differing_tables, start

from leadflow.warehouse.lock import holder

KILLS = int(os.environ.get("LEADFLOW_KILLS") or 2)
SEED = int(os.environ.get("LEADFLOW_KILL_SEED") or random.SystemRandom().randrange(10**6))

FIRST_GUESS_SECONDS = 10.0
"""How long a refresh works, until one was seen to its end."""

OF_THE_RUN = ("main.published", "main.data_quality")
"""Tables of the mart that say when and by which checks, and so differ from run to run."""


class Refreshing:
    """A home that is refreshed again and again, and how long the last refresh took from its lock to its end."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.work_seconds = FIRST_GUESS_SECONDS
        self.hits = 0

    def refresh(self, *, kill_after_share: float | None = None) -> int:
        """Run a refresh, or kill it after a share of the time that one takes; returns the exit status."""
        with start(
            self.home.path, "run", "--sources", self.home.sources, project_dir=self.home.project_dir
        ) as process:
            locked_at = self._wait_for_lock(process.pid)
            if kill_after_share is not None:
                time.sleep(self.work_seconds * kill_after_share)
                process.send_signal(signal.SIGKILL)
            out, err = process.communicate(timeout=COMMAND_SECONDS)
        if kill_after_share is None:
            assert process.returncode == 0, out + err
            self.work_seconds = time.monotonic() - locked_at
        return process.returncode

    def _wait_for_lock(self, pid: int) -> float:
        deadline = time.monotonic() + COMMAND_SECONDS
        note = self.home.path / "refresh.holder.json"
        while not (note.exists() and f'"pid": {pid},' in note.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline, "the refresh never began"
            time.sleep(0.02)
        return time.monotonic()


@pytest.fixture(scope="module")
def refreshing(
    shared_home: Home, lean_project_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Refreshing:
    """A home on which nothing was done yet, for the same sources as the shared one."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "home").mkdir()
    # What a process that was killed while it published has left behind.
    (folder / "home" / ".marts.duckdb.1.new").write_bytes(b"half a mart")
    return Refreshing(Home(folder / "home", shared_home.sources, lean_project_dir))


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_refresh_is_made_good_by_the_next(refreshing: Refreshing, shared_home: Home, kill: int):
    share = random.Random(SEED + kill).random()
    home = refreshing.home
    published_before = (
        home.value("select refresh_id from published", of=home.marts) if home.marts.exists() else None
    )

    status = refreshing.refresh(kill_after_share=share)
    print(f"seed {SEED}: killed after {share:.2f} of {refreshing.work_seconds:.1f} s, exit status {status}")
    refreshing.hits += status == -signal.SIGKILL
    assert status in (-signal.SIGKILL, 0)  # 0: it was done before its time
    assert holder(home.path / "refresh.lock") is None, "the system freed the lock"
    if published_before is not None:  # readers have the mart before the kill, or the whole of the new one
        assert home.value("select refresh_id from published", of=home.marts) in (
            published_before,
            published_before + 1,
        )
        assert home.value("select count(*) from scored_leads", of=home.marts) > 0

    refreshing.refresh()
    assert differing_tables(shared_home.warehouse, home.warehouse) == []
    assert differing_tables(shared_home.marts, home.marts, except_for=OF_THE_RUN) == []
    assert [path.name for path in home.path.iterdir() if path.name.startswith(".")] == []


def test_refreshes_were_killed_indeed(refreshing: Refreshing):
    assert refreshing.hits > 0, "every refresh was done before its kill: raise LEADFLOW_KILLS"
