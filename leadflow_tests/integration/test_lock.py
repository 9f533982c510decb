"""The refresh lock: one refresh at a time on a home, whoever starts it and however it ends."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import leadflow
from leadflow.errors import WarehouseLockedError
from leadflow.warehouse.lock import holder, refresh_lock

HOLD = """
import sys, time
from pathlib import Path
from leadflow.warehouse.lock import refresh_lock
with refresh_lock(Path(sys.argv[1]), purpose="run abc", wait_seconds=10):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock until it is sent a line or dies."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(leadflow.__file__).parent.parent)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "refresh.lock"


def test_held_for_the_block(path: Path) -> None:
    with refresh_lock(path, purpose="run 1", wait_seconds=0):
        running = holder(path)
        assert running is not None
        assert (running.pid, running.purpose) == (os.getpid(), "run 1")
    assert holder(path) is None


def test_nobody_holds_a_lock_that_never_was(tmp_path: Path) -> None:
    assert holder(tmp_path / "refresh.lock") is None


def test_freed_when_the_block_fails(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), refresh_lock(path, purpose="run 1", wait_seconds=0):
        1 / 0  # noqa: B018
    with refresh_lock(path, purpose="run 2", wait_seconds=0):
        pass


def test_a_second_refresh_says_who_is_first(path: Path) -> None:
    with held_by_another_process(path) as first:
        running = holder(path)
        assert running is not None
        assert (running.pid, running.purpose) == (first.pid, "run abc")
        with (
            pytest.raises(WarehouseLockedError) as caught,
            refresh_lock(path, purpose="run 2", wait_seconds=0.3),
        ):
            pass
        assert "run abc" in caught.value.problem
        assert f"process {first.pid}" in caught.value.problem
        assert f"still holds {path} after 0 seconds" in caught.value.problem
        assert caught.value.remedy == "wait for it to end, or raise LEADFLOW_LOCK_WAIT_SECONDS"


def test_within_a_process_too(path: Path) -> None:
    with (
        refresh_lock(path, purpose="run 1", wait_seconds=0),
        pytest.raises(WarehouseLockedError, match="run 1"),
        refresh_lock(path, purpose="run 2", wait_seconds=0),
    ):
        pass


def test_waiting_is_logged_and_ends_with_the_first_refresh(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with held_by_another_process(path) as first:
        assert first.stdin is not None
        threading.Timer(0.5, lambda: (first.stdin.write("\n"), first.stdin.flush())).start()
        with (
            caplog.at_level(logging.WARNING),
            refresh_lock(path, purpose="run 2", wait_seconds=30),
        ):
            running = holder(path)
    assert running is not None
    assert running.purpose == "run 2"
    assert any("run 2 waits for run abc" in message for message in caplog.messages)


def test_freed_when_its_holder_is_killed(path: Path) -> None:
    with held_by_another_process(path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert holder(path) is None
        with refresh_lock(path, purpose="run 2", wait_seconds=0):
            running = holder(path)
    assert running is not None
    assert running.purpose == "run 2"


def test_one_after_the_other(path: Path) -> None:
    """Blocks of several threads never overlap."""
    inside: list[int] = []
    most: list[int] = []

    def refresh(number: int) -> None:
        with refresh_lock(path, purpose=f"run {number}", wait_seconds=30):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)

    threads = [threading.Thread(target=refresh, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert most == [1] * 6


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        "5",
        '{"pid": 1}',
        '{"pid": "one", "purpose": "x"}',
        json.dumps({"pid": 2**70, "purpose": "x"}),
        json.dumps({"pid": 2**22 + 1, "purpose": "a process that is gone"}),
    ],
)
def test_a_note_that_says_nothing_does_no_harm(path: Path, note: str) -> None:
    with held_by_another_process(path):
        path.with_suffix(".holder.json").write_text(note)
        running = holder(path)
        assert running is not None, "the lock is the truth, the note only adds the name"
        assert running.purpose == "another program"
        with (
            pytest.raises(WarehouseLockedError, match="another program"),
            refresh_lock(path, purpose="run 2", wait_seconds=0),
        ):
            pass
