"""Running a command and taking its measure.

Belongs here: wall time, processor time and peak memory of a whole process, as the operating system accounts them. Does
not belong here: what is measured (run.py, refreshes.py).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One run of a command.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: user and system time.
        peak_gb: largest resident memory, in GB of 10^9 bytes.
        output: what it printed.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_gb: float
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measure:
    """Run a command once.

    Raises:
        RuntimeError: it failed; the message holds what it printed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}:\n{output}")
    return Measure(
        wall_seconds=time.perf_counter() - started,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_gb=usage.ru_maxrss * 1024 / 1e9,
        output=output,
    )
