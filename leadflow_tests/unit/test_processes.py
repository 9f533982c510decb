"""Work on parts in processes of their own: order, errors, and workers that are killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadflow.errors import LeadflowError
from leadflow.processes import beside, part_map


def _process_of(part: int) -> tuple[int, int]:
    return part, os.getpid()


def _divided(part: int) -> float:
    return 1 / part


def _killed(part: int) -> int:
    if part == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def test_results_come_in_order_from_other_processes_and_parts_are_taken_as_needed() -> None:
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for part in range(6):
            taken.append(part)
            yield part

    with part_map(2) as mapped:
        results = mapped(_process_of, parts())
        assert next(results)[0] == 0
        assert len(taken) == 3
        rest = list(results)
    assert [part for part, _ in rest] == [1, 2, 3, 4, 5]
    assert os.getpid() not in {process for _, process in rest}


def test_one_worker_is_this_process() -> None:
    with part_map(1) as mapped:
        assert list(mapped(_process_of, [7])) == [(7, os.getpid())]


def test_what_a_part_raises_is_raised_here() -> None:
    with part_map(2) as mapped, pytest.raises(ZeroDivisionError):
        list(mapped(_divided, [1, 0, 2]))


def test_a_killed_worker_is_told_and_waited_for_by_nobody() -> None:
    with (
        part_map(2) as mapped,
        pytest.raises(LeadflowError, match=r"worker process was killed.*LEADFLOW_THREADS=1"),
    ):
        list(mapped(_killed, range(20)))


@pytest.mark.parametrize("workers", [1, 2])
def test_work_beside_is_done_in_a_process_of_its_own_or_later(workers: int) -> None:
    with beside(workers) as begin:
        part, process = begin(_process_of, 7)()
    assert part == 7
    assert (process == os.getpid()) is (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_work_beside_raises_is_raised_where_it_is_asked_for(workers: int) -> None:
    with beside(workers) as begin:
        result = begin(_divided, 0)
        with pytest.raises(ZeroDivisionError):
            result()


def test_a_process_killed_beside_is_told() -> None:
    with beside(2) as begin, pytest.raises(LeadflowError, match=r"worker process was killed"):
        begin(_killed, 2)()


def _main_name(_part: int) -> str | None:
    return getattr(sys.modules["__main__"], "__file__", None)


def test_workers_do_not_import_the_programs_main_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = sys.modules["__main__"]
    program = tmp_path / "program.py"
    program.write_text("raise RuntimeError('a worker imported the program')\n", encoding="utf-8")
    monkeypatch.setattr(main, "__file__", str(program), raising=False)
    with part_map(2) as mapped:
        assert set(mapped(_main_name, [1, 2])) == {None}
    with beside(2) as aside:
        assert aside(_main_name, 1)() is None
    assert sys.modules["__main__"] is main
