"""Lead ids over many refreshes of a company whose records come late, change and are deleted; undoing; all anew.

LEADFLOW_REFRESHES=n refreshes n times instead of four. A refresh here is every table up to and with identity.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from homes import QUIET, REFRESHES, Home, differing_tables, leadflow

from leadflow.automation import refresh_config
from leadflow.demo.simulate import simulate

COUNT = int(os.environ.get("LEADFLOW_REFRESHES") or 4)
END = datetime(2026, 7, 1)  # noqa: DTZ001 -- instants are naive UTC throughout
STAGES = ("raw", "staging", "clean", "identity")
OPEN = "select record_key, lead_id from identity.identity_map where known_to is null"
WORDS = [f"{letter * 3}ton" for letter in "abcdefghijklmnopqrstuvwxyz"]
# Where each refresh's counts are its own, and in another order than at first.
NOT_DERIVED = (
    "quality.table_versions",
    "quality.results",
    "raw.refreshes",
    "quality.landed_files",
    "quality.known_files",
)


def refresh(home: Home, at: datetime, *, is_full: bool = False) -> None:
    """Make everything up to identity, as of a moment, without checks."""
    job = home.defs().resolve_implicit_global_asset_job_def()
    keys = [key for key in job.asset_layer.executable_asset_keys if key.path[0] in STAGES]
    assert REFRESHES in keys
    config = QUIET | refresh_config(as_of=at.isoformat(), is_full=is_full)
    part = job.get_subset(asset_selection=set(keys), asset_check_selection=set())
    with dg.DagsterInstance.ephemeral() as instance:
        done = part.execute_in_process(run_config=config, instance=instance, raise_on_error=True)
    assert done.success


@dataclass
class Course:
    """What the refreshes did.

    Attributes:
        home: as they left it.
        at: moment of the last one.
        unlogged: records whose lead id changed without an event that says so.
        events: how many of each kind.
    """

    home: Home
    at: datetime
    unlogged: list[str] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def course(lean_project_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A delivery after the other, a refresh after each."""
    folder = tmp_path_factory.mktemp("company")
    simulated = simulate(folder / "all", leads=600, events_per_lead=1, deliveries=COUNT, seed=13)
    assert simulated.deliveries is not None
    delivered = simulated.deliveries.parent
    landing = folder / "landing"
    landing.mkdir()
    shutil.copy2(delivered / "sources.yaml", landing / "sources.yaml")
    home = Home(folder / "home", landing / "sources.yaml", lean_project_dir)
    course = Course(home, END)
    ids: dict[str, str] = {}
    for number, files in enumerate(batches(delivered), start=1):
        for file in files:
            target = landing / file.relative_to(delivered)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        course.at = END - timedelta(days=365) * (COUNT - number) / COUNT
        write_ties(landing, number, course.at - timedelta(hours=1))
        refresh(home, course.at)
        now = dict(home.rows(OPEN))
        moved = {
            key
            for (keys,) in home.rows(
                "select record_keys from identity.identity_log where happened_at = ?", [course.at]
            )
            for key in keys
        }
        course.unlogged += [
            key for key, lead in now.items() if ids.get(key, lead) != lead and key not in moved
        ]
        ids |= now
    course.events = dict(home.rows("select event, count(*) from identity.identity_log group by 1"))
    return course


def write_ties(folder: Path, number: int, at: datetime) -> None:
    """Forms by which two leads turn out to be one: at first two of each person, then in each delivery one that ties two of them."""
    when = at.strftime("%Y-%m-%d %H:%M:%S")
    if number == 1:
        rows = [
            form
            for person in range(COUNT + 1)
            for form in (
                [
                    f"T{person}A",
                    f"ines.moreau{person}@gmail.com",
                    "",
                    "Ines Moreau",
                    f"Quarry {WORDS[person % 26]} Ltd",
                    when,
                ],
                [f"T{person}B", "", f"+4930901{820000 + person}", "I. Moreau", "", when],
            )
        ]
    else:
        address, phone = f"ines.moreau{number}@gmail.com", f"+4930901{820000 + number}"
        rows = [[f"T{number}C", address, phone, "Ines Moreau", "", when]]
    named = ["Form ID", "E-mail", "Phone", "Name", "Company", "Created"]
    with next((folder / "mql").iterdir()).open(encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines))
    with (folder / "mql" / f"ties_{number:03}.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, header)
        writer.writeheader()
        writer.writerows(dict(zip(named, row, strict=True)) for row in rows)


def batches(delivered: Path) -> Iterator[list[Path]]:
    """The files of every source, as many of each as there are refreshes; what is more comes with the last."""
    by_source = [sorted(folder.iterdir()) for folder in sorted(delivered.iterdir()) if folder.is_dir()]
    for number in range(COUNT):
        last = None if number == COUNT - 1 else number + 1
        yield [file for files in by_source for file in files[number:last]]


def test_a_lead_id_changes_by_a_logged_event_and_never_else(course: Course) -> None:
    assert course.events.get("merged", 0) > 0
    assert course.unlogged == []


def test_every_record_is_in_one_lead_or_rejected(course: Course) -> None:
    found = course.home.rows(
        f"""with places as (select record_key from ({OPEN}) union all select record_key from clean.rejected_leads)
        select count(*), count(distinct record_key), (select count(*) from clean.lead_records),
            (select count(*) from clean.lead_records anti join places using (record_key)) from places"""
    )
    (rows, records, given, nowhere) = found[0]
    assert rows == records == given > 0
    assert nowhere == 0


def test_all_anew_is_what_came_bit_by_bit(course: Course, tmp_path: Path) -> None:
    anew = course.home.copy_to(tmp_path / "anew")
    refresh(anew, course.at, is_full=True)
    assert differing_tables(course.home.warehouse, anew.warehouse, except_for=NOT_DERIVED) == []


def test_undoing_a_merge_changes_the_leads_concerned_and_no_other(course: Course, tmp_path: Path) -> None:
    home = course.home.copy_to(tmp_path / "undone")
    before = dict(home.rows(OPEN))
    merges = home.rows(
        "select event_id, lead_id, other_lead_id, record_keys from identity.identity_log as log where event = 'merged' "
        "and other_lead_id in (select former_lead_id from identity.lead_redirects) "
        "and lead_id in (select lead_id from identity.leads) order by happened_at desc, event_id"
    )
    event, lead, other, keys = merges[0]
    undone = leadflow(home.path, "undo", event)
    assert undone.returncode == 0, undone.stdout + undone.stderr
    refresh(home, course.at + timedelta(hours=1))
    after = dict(home.rows(OPEN))
    changed = {key for key in before if before[key] != after.get(key)}
    assert changed
    assert changed <= {key for key, now in before.items() if now == lead}
    assert changed >= {key for key in keys if before.get(key) == lead}
    assert {after[key] for key in keys if key in after} == {other}
    golden = pl.DataFrame(
        home.rows("select lead_id, record_count from identity.leads where lead_id in (?, ?)", [lead, other]),
        schema=["lead_id", "record_count"],
        orient="row",
    )
    assert set(golden["lead_id"]) == {lead, other}
