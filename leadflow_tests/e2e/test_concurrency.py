"""Refreshes that are started at once go one after the other, and readers of the mart notice nothing."""

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest
from homes import COMMAND_SECONDS, differing_tables, start

REFRESHES = 3

READER = """
import json, select, sys, duckdb
path, opened, seen, errors = sys.argv[1], 0, [], []
while not select.select([sys.stdin], [], [], 0.05)[0]:  # until the test closes our input
    try:
        with duckdb.connect(path, read_only=True) as mart:
            published = mart.execute("select refresh_id from published").fetchall()
            scored, = mart.execute("select count(*) from scored_leads").fetchone()
            funnel, = mart.execute("select value from lead_funnel where stage = 'leads'").fetchone()
        opened += 1
        if len(published) != 1 or scored != funnel:
            errors.append(f"half a refresh: {published}, {scored} leads scored, {funnel} in the funnel")
        if not seen or seen[-1] != published[0][0]:
            seen.append(published[0][0])
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}")
print(json.dumps({"opened": opened, "seen": seen, "errors": errors}))
"""


@contextmanager
def reading(mart):
    """A process that opens the mart every 50 ms, as a BI tool might; yields a function that ends it and tells."""
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(mart)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield lambda: json.loads(reader.communicate(timeout=30)[0])
    finally:
        if reader.poll() is None:
            reader.kill()
            reader.communicate()


@pytest.fixture(scope="module")
def raced(shared_home, lean_project_dir, tmp_path_factory):
    """A home that was refreshed by several processes at once, with what they and a reader of its mart said."""
    home = shared_home.copy_to(tmp_path_factory.mktemp("raced") / "home")
    shutil.rmtree(home.path / "dagster")  # the first to come has to make it, under everyone's eyes
    with reading(home.marts) as stop_reading, ExitStack() as stack:
        processes = [
            stack.enter_context(
                start(home.path, "run", "--sources", home.sources, project_dir=lean_project_dir, threads=1)
            )
            for _ in range(REFRESHES)
        ]
        outputs = [process.communicate(timeout=REFRESHES * COMMAND_SECONDS) for process in processes]
        statuses = [process.returncode for process in processes]
        read = stop_reading()
    assert statuses == [0] * REFRESHES, outputs
    return home, read


def test_refreshes_go_one_after_the_other(raced):
    home, _ = raced
    refreshes = home.rows("select refresh_id, run_id from raw.refreshes order by 1")
    assert [refresh_id for refresh_id, _ in refreshes] == list(range(1, REFRESHES + 2))
    assert len({run_id for _, run_id in refreshes}) == REFRESHES + 1
    spans = home.rows(
        "select run_id, min(version), max(version), count(*), count(distinct table_name) from quality.table_versions "
        "group by run_id order by 2"
    )
    assert [run_id for run_id, *_ in spans] == [run_id for _, run_id in refreshes]
    for _, first, last, written, _ in spans:
        assert last - first + 1 == written, "another refresh wrote in between"
    assert len({tables for *_, tables in spans}) == 1, "a refresh left tables out"


def test_readers_never_see_an_error_or_half_a_refresh(raced):
    home, read = raced
    assert read["errors"] == []
    assert read["opened"] > 50
    assert read["seen"] == sorted(read["seen"])
    assert read["seen"][0] == 1
    assert read["seen"][-1] == REFRESHES + 1
    assert home.rows("select refresh_id from published", of=home.marts) == [(REFRESHES + 1,)]


def test_the_tables_are_those_of_one_refresh(raced, shared_home):
    assert differing_tables(shared_home.warehouse, raced[0].warehouse) == []
