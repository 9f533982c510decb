"""The refresh lock: one refresh at a time on a home, whoever starts it.

Belongs here: the lock and who holds it. Does not belong here: what is done under it.

An operating-system file lock (filelock, which uses flock on POSIX) and not a table or a Dagster pool: the system
frees it when the process dies, however it dies.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from leadflow.errors import WarehouseLockedError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: its process id and what it is doing, in words."""

    pid: int
    purpose: str

    def __str__(self) -> str:
        """For messages; process 0 stands for one that did not say who it is."""
        return f"{self.purpose} (process {self.pid})" if self.pid else self.purpose


def holder(lock_path: Path) -> Holder | None:
    """Who holds the lock now, or None when it is free.

    The lock itself is the truth; the note beside it only adds the name.
    """
    lock = FileLock(lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _read_note(lock_path)
    lock.release()
    return None


@contextmanager
def refresh_lock(
    lock_path: Path, *, purpose: str, wait_seconds: float, log: logging.Logger = _log
) -> Iterator[None]:
    """Hold the lock for the block.

    Args:
        lock_path: file in the home that is locked.
        purpose: what the lock is held for, told to those who wait.
        wait_seconds: bound on waiting.
        log: where waiting is told.

    Raises:
        WarehouseLockedError: another refresh held the lock for longer than `wait_seconds`.
    """
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting_for = _read_note(lock_path)
        log.warning("%s waits for %s to end, for at most %.0f seconds", purpose, waiting_for, wait_seconds)
        try:
            lock.acquire(timeout=wait_seconds, poll_interval=0.1)
        except Timeout:
            current = _read_note(lock_path)
            raise WarehouseLockedError(
                f"{current} still holds {lock_path} after {wait_seconds:.0f} seconds",
                "wait for it to end, or raise LEADFLOW_LOCK_WAIT_SECONDS",
            ) from None
    try:
        _note_path(lock_path).write_text(json.dumps(asdict(Holder(os.getpid(), purpose))), encoding="utf-8")
        yield
    finally:
        lock.release()


def _note_path(lock_path: Path) -> Path:
    return lock_path.with_suffix(".holder.json")


def _read_note(lock_path: Path) -> Holder:
    """What the holder wrote about itself; a note of a process that is gone is not the holder's."""
    nobody_known = Holder(0, "another program")
    try:
        note = Holder(**json.loads(_note_path(lock_path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return nobody_known
    try:
        os.kill(note.pid, 0)
    except PermissionError:
        return note  # it lives, and belongs to another account
    except (OSError, OverflowError, TypeError):
        return nobody_known
    return note
