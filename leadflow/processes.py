"""Work on parts in processes of their own.

Belongs here: starting, feeding and ending worker processes. Does not belong here: what they work on.

Workers are started anew (spawn) and never forked: DuckDB and polars hold threads and locks that a fork would copy half.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context, parent_process
from types import ModuleType
from typing import Protocol, TypeVar

from leadflow.errors import LeadflowError

Part = TypeVar("Part")
Result = TypeVar("Result")


class PartMap(Protocol):
    """Applies a function to parts and gives the results in the order of the parts."""

    def __call__(self, function: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterator[Result]:
        """Results, each as soon as it and those before it are there; parts are taken as they are needed."""
        ...


def usable_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def part_map(workers: int) -> Iterator[PartMap]:
    """A map over that many processes; below two, the ordinary one in this process.

    At most one part more than there are workers is held at a time, so that memory does not grow with the parts. The function
    and the parts have to be picklable. What it raises is raised here; the workers are gone when the block ends, and also
    when this process is killed.

    Raises:
        LeadflowError: a worker was killed, as the operating system does when memory runs out.
    """
    if workers < 2:
        yield map
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield partial(_in_order, pool, workers + 1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Beside(Protocol):
    """Has a function called while this process goes on; what it returns gives the result, or waits for it."""

    def __call__(self, function: Callable[[Part], Result], part: Part, /) -> Callable[[], Result]:
        """Begin now; call what is returned once, inside the block."""
        ...


def later(function: Callable[[Part], Result], part: Part) -> Callable[[], Result]:
    """`Beside` without a process: the function is called here, when its result is asked for."""
    return partial(function, part)


@contextmanager
def beside(workers: int) -> Iterator[Beside]:
    """A process of its own for work that this one need not wait for; below two workers the work is done here, `later`.

    The function and its part have to be picklable. What it raises is raised where the result is asked for; the process is gone
    when the block ends.

    Raises:
        LeadflowError: the process was killed, as the operating system does when memory runs out.
    """
    if workers < 2:
        yield later
        return
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)

    def begin(function: Callable[[Part], Result], part: Part) -> Callable[[], Result]:
        with _without_main():
            future = pool.submit(function, part)

        def result() -> Result:
            with _told_of_killed_worker():
                return future.result()

        return result

    try:
        yield begin
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, at_a_time: int, function: Callable[[Part], Result], parts: Iterable[Part]
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    with _told_of_killed_worker():
        for part in parts:
            with _without_main():
                waiting.append(pool.submit(function, part))
            if len(waiting) >= at_a_time:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _without_main() -> Iterator[None]:
    """Workers that are started in the block begin without the program's main module.

    They need nothing of it, and would each import it anew: Dagster and all definitions, some seconds of a processor.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _told_of_killed_worker() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise LeadflowError(
            "A worker process was killed in the middle of its work, most likely because memory ran out",
            "give the machine more memory, or set LEADFLOW_THREADS=1, which works in one process",
        ) from error


def _begin() -> None:
    """First of all in a worker: one thread for the columns, since there are as many workers as processors."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
