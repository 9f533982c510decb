"""A DuckDB file that stays open between connections which follow each other at once.

Belongs here: when the file is let go of. Does not belong here: opening it and what an error means (connection.py).

Opening a warehouse of a hundred tables costs some 20 ms of processor time, a connection to one that is open half a
millisecond, and a refresh makes hundreds of them: docs/adr/0016. Who waits for the file is let in all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

POLL_SECONDS = 0.05
"""How often who waits for the file tries to open it."""
_IDLE_SECONDS = 0.5
"""How long the file stays open with no connection to it: the next step of a refresh comes sooner than that."""
_LONGEST_SECONDS = 2.0
"""How long it stays open under connections that follow each other at once."""
_PAUSE_SECONDS = 1.2 * POLL_SECONDS
"""How long it stays closed then at least, so that who waits finds it closed."""
_LARGEST_BYTES = 256 * 2**20
"""Larger files are not kept open: DuckDB would keep what it read of them in memory, and they are not opened for moments."""


class Lingering:
    """One file, opened where it is closed, and closed once nobody needs it.

    Args:
        path: the file.
        open_file: opens it to be written, with whatever wait and errors.
    """

    def __init__(self, path: Path, open_file: Callable[[], DuckDBPyConnection]) -> None:
        self._path = path
        self._open_file = open_file
        self._lock = threading.Lock()
        self._file: DuckDBPyConnection | None = None
        self._opened = 0.0
        self._closed_after_long = 0.0
        self._connections = 0
        self._timer: threading.Timer | None = None

    @property
    def is_useful(self) -> bool:
        """Whether the file is open already, or would stay so; if not, it is better opened in the way that is asked for."""
        with self._lock:
            return self._file is not None or self._may_stay_open()

    def connection(self) -> DuckDBPyConnection:
        """A connection of its own to the file; `let_go` is to be called once it is closed."""
        with self._lock:
            self._stop_timer()
            if self._file is None:
                time.sleep(max(0.0, self._closed_after_long + _PAUSE_SECONDS - time.monotonic()))
                self._file = self._open_file()
                self._opened = time.monotonic()
            self._connections += 1
            return self._file.cursor()

    def let_go(self) -> None:
        """A connection was closed: close the file where it was open for long or is large, else in a moment."""
        with self._lock:
            self._connections -= 1
            if self._connections or self._file is None:
                return
            is_long = time.monotonic() - self._opened > _LONGEST_SECONDS
            if is_long or not self._may_stay_open():
                self._close()
                self._closed_after_long = time.monotonic() if is_long else 0.0
                return
            self._timer = threading.Timer(_IDLE_SECONDS, self._close_if_idle)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Close the file, if it is open."""
        with self._lock:
            self._stop_timer()
            self._close()

    def _may_stay_open(self) -> bool:
        """Whether the file is there, and not too large."""
        return self._path.exists() and self._path.stat().st_size <= _LARGEST_BYTES

    def _close_if_idle(self) -> None:
        with self._lock:
            if not self._connections:
                self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
