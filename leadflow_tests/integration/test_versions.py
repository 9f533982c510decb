"""Rows that change and rows that do not: whichever order files come in, however often, the raw tables are the same."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from landing_yard import AS_OF, COLUMNS, HEADER, Yard, open_yard, row

KNOWN = {"known_at": {"column": "seen"}}
TABLES = ("raw.mql", "raw.mql_history", "raw.attributes", "raw.rejected_rows")


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # noqa: DTZ001 - instants are naive UTC throughout


def contents(yard: Yard) -> dict[str, list[tuple[Any, ...]]]:
    return {table: yard.rows("*", table) for table in TABLES}


# Versions


def test_what_a_later_version_replaced_is_history(yard: Yard) -> None:
    yard.land_text(row(1, mail="first", seen="2026-01-05"), name="a.csv", **KNOWN)
    yard.land_text(row(1, mail="third", seen="2026-03-05"), name="b.csv", **KNOWN)
    yard.land_text(row(1, mail="second", seen="2026-02-05"), name="c.csv", **KNOWN)
    assert yard.rows("email, known_at, source_file") == [("third", at(2026, 3, 5), "b.csv")]
    assert yard.history("email, known_at, source_file, is_deleted") == [
        ("first", at(2026, 1, 5), "a.csv", False),
        ("second", at(2026, 2, 5), "c.csv", False),
    ]


def test_a_row_that_comes_again_as_it_was_is_no_version(yard: Yard) -> None:
    yard.land_text(row(1, seen="2026-01-05") + row(2, seen="2026-01-06"), name="a.csv", **KNOWN)
    yard.land_text(row(2, seen="2026-01-06") + row(1, seen="2026-01-05"), name="b.csv", **KNOWN)
    assert yard.rows("mql_id, source_file") == [("1", "b.csv"), ("2", "b.csv")]
    assert yard.history() == []


def test_of_versions_known_at_once_that_of_the_last_file_is_in_force(yard: Yard) -> None:
    yard.land_text(row(1, mail="february"), name="2026-02.csv")
    yard.land_text(row(1, mail="january"), name="2026-01.csv")
    assert (yard.rows("email"), yard.history("email")) == ([("february",)], [("january",)])


def test_a_full_export_every_hour_makes_a_version_where_a_row_changed(yard: Yard) -> None:
    def land(hour: int, *rows: str) -> None:
        yard.land_text("".join(rows), name=f"{hour}.csv", as_of=at(2026, 7, 1, hour), known_at="landed")

    land(1, row(1, mail="open"), row(2))
    land(2, row(1, mail="open"), row(2))
    land(3, row(1, mail="won"), row(2))
    land(4, row(1, mail="won"), row(2))
    assert yard.rows("mql_id, email, known_at") == [
        ("1", "won", at(2026, 7, 1, 3)),
        ("2", "m", at(2026, 7, 1, 1)),
    ]
    assert yard.history("mql_id, email, known_at") == [("1", "open", at(2026, 7, 1, 1))]


def test_a_row_that_changes_back(yard: Yard) -> None:
    for hour, mail in enumerate(["open", "won", "open"]):
        yard.land_text(row(1, mail=mail), name="export.csv", as_of=at(2026, 7, 1, hour), known_at="landed")
    assert yard.rows("email, known_at") == [("open", at(2026, 7, 1, 2))]
    assert yard.history("email, known_at") == [("open", at(2026, 7, 1, 0)), ("won", at(2026, 7, 1, 1))]


# Deletions


DELETED = {"deleted": {"column": "ok"}, "columns": {"mql_id": "id", "email": "mail"}, **KNOWN}


def test_a_deleted_row_is_gone_and_kept_in_history(yard: Yard) -> None:
    yard.land_text(
        row(1, ok="no", seen="2026-01-05") + row(2, ok="", seen="2026-01-05"), name="a.csv", **DELETED
    )
    yard.land_text(row(1, ok="true", seen="2026-02-05"), name="b.csv", **DELETED)
    assert yard.rows("mql_id") == [("2",)]
    assert yard.history("mql_id, known_at, is_deleted") == [
        ("1", at(2026, 1, 5), False),
        ("1", at(2026, 2, 5), True),
    ]


def test_an_older_version_that_comes_late_does_not_bring_a_deleted_row_back(yard: Yard) -> None:
    yard.land_text(row(1, ok="true", seen="2026-02-05"), name="b.csv", **DELETED)
    yard.land_text(row(1, ok="false", seen="2026-01-05"), name="a.csv", **DELETED)
    assert yard.rows("mql_id") == []
    yard.land_text(row(1, ok="false", seen="2026-03-05"), name="c.csv", **DELETED)
    assert yard.rows("mql_id, known_at") == [("1", at(2026, 3, 5))], "it was made anew"
    assert yard.history("known_at, is_deleted") == [(at(2026, 1, 5), False), (at(2026, 2, 5), True)]


def test_what_the_newest_full_export_lacks_is_deleted(yard: Yard) -> None:
    exports = {"jan.csv": row(1) + row(2), "mar.csv": row(1) + row(3), "feb.csv": row(1) + row(2) + row(4)}
    names = {"jan.csv": "1.csv", "feb.csv": "2.csv", "mar.csv": "3.csv"}
    for name, rows in exports.items():
        yard.land_text(rows, name=names[name], deleted="absent")
    assert yard.rows("mql_id") == [("1",), ("3",)]
    assert yard.history("mql_id, source_file, is_deleted, known_at") == [
        ("2", "2.csv", False, at(2026, 1, 1)),
        ("2", None, True, AS_OF),
        ("4", "2.csv", False, at(2026, 1, 1)),
        ("4", None, True, AS_OF),
    ]
    yard.land_text(row(1) + row(2), name="4.csv", deleted="absent")
    assert yard.rows("mql_id") == [("1",), ("2",)], "what is there again is deleted no more"


def test_attributes_go_with_a_deleted_row(yard: Yard) -> None:
    settings = DELETED | {"attributes": {"size": {"column": "score", "type": "number"}}}
    yard.land_text(
        row(1, ok="no", seen="2026-01-05") + row(2, ok="no", seen="2026-01-05"), name="a.csv", **settings
    )
    yard.land_text(row(1, ok="yes", seen="2026-02-05"), name="b.csv", **settings)
    assert yard.rows("record_id", "raw.attributes") == [("2",)]


# Changed mappings


def test_a_mended_mapping_takes_back_what_the_former_made(yard: Yard) -> None:
    """The moment was read wrongly: without taking it back the wrong version would stand as the later one."""
    yard.land_text(row(1, seen="2026-03-01") + row(2, seen="2026-03-01"), name="a.csv", **KNOWN)
    yard.land("a.csv", known_at="occurred_at")
    assert yard.rows("mql_id, known_at") == [("1", at(2026, 1, 1)), ("2", at(2026, 1, 1))]
    assert yard.history() == []


def test_a_mended_mapping_loses_nothing_of_earlier_contents_of_the_file(yard: Yard) -> None:
    yard.land_text(row(1), name="export.csv")
    yard.land_text(row(2), name="export.csv")
    yard.land("export.csv", columns=COLUMNS | {"email": {"expression": "upper(mail)"}})
    assert yard.rows() == [("1", "m"), ("2", "M")]


# Events


@pytest.fixture
def events(yard: Yard) -> Yard:
    yard.keeps_history = False
    return yard


def test_an_event_is_added_once(events: Yard) -> None:
    events.land_text(row(1) + row(2) + row(1), name="a.csv")
    landed = events.land_text(row(2) + row(3), name="b.csv")
    assert (landed.row_count, landed.repeated_rows, landed.rejected_rows) == (1, 1, 0)
    assert events.rows("mql_id, source_file") == [("1", "a.csv"), ("2", "a.csv"), ("3", "b.csv")]
    assert events.rejects() == []


def test_of_events_with_one_id_and_other_values_the_first_stands_and_the_others_are_kept_aside(
    events: Yard,
) -> None:
    landed = events.land_text(
        row(1, mail="x", at="2026-01-02") + row(1, mail="y") + row(1, mail="y"), name="b.csv"
    )
    assert (landed.row_count, landed.repeated_rows, landed.rejected_rows) == (1, 1, 1)
    assert events.rows("mql_id, email") == [("1", "y")]
    assert events.rejects("line") == [(2,)]
    events.land_text(row(1, mail="z"), name="a.csv")
    assert events.rows("mql_id, email") == [("1", "z")], "the file's name goes before"
    assert len(events.rejects()) == 2


def test_events_with_bad_values_and_without_a_key(events: Yard) -> None:
    landed = events.land_text(
        row(1) + "no row\n" + row(2, score="?") + row("") + row(4, at="2026-13-01") + row(5), name="a.csv"
    )
    assert (landed.row_count, landed.rejected_rows, landed.rejected_values) == (3, 3, 1)
    assert events.rows("mql_id, score") == [("1", 1.0), ("2", None), ("5", 1.0)]
    assert [(line, column) for line, column, _ in events.rejects()] == [
        (3, None),
        (4, "score"),
        (5, "mql_id"),
        (6, "known_at"),
        (6, "occurred_at"),
    ]


def test_too_many_bad_events_refuse_the_file_and_add_none(events: Yard) -> None:
    events.land_text(row(1), name="a.csv")
    events.write("b.csv", HEADER + row(2) + row("") + row(""))
    assert "2 of 3 rows of b.csv would be rejected, first line 3" in events.refused("b.csv")


def test_events_keep_attributes_too(events: Yard) -> None:
    settings = {"attributes": {"size": {"column": "score", "type": "number"}}}
    events.land_text(row(1, score="5") + row(1, score="5") + row(2, score=""), name="a.csv", **settings)
    events.land_text(row(1, score="5") + row(3, score="7"), name="b.csv", **settings)
    assert events.rows("record_id, value", "raw.attributes") == [("1", "5.0"), ("3", "7.0")]


def test_a_mended_mapping_of_events(events: Yard) -> None:
    events.land_text(row(1) + row(2), name="a.csv")
    events.land_text(row(2) + row(3), name="b.csv")
    for name in ("a.csv", "b.csv"):
        events.land(name, columns=COLUMNS | {"email": {"expression": "upper(mail)"}})
    assert events.rows("mql_id, email, source_file") == [
        ("1", "M", "a.csv"),
        ("2", "M", "a.csv"),
        ("3", "M", "b.csv"),
    ]
    assert events.rejects() == []


# Any order


def deliveries(seed: int) -> dict[str, str]:
    """Files with new, changed, repeated, deleted and unreadable rows of few keys."""
    rng = random.Random(seed)
    files = {}
    for number in range(5):
        rows = [
            row(
                rng.randrange(4),
                mail=rng.choice(["a", "b", "c"]),
                score=rng.choice(["1", "2", "?"]),
                ok=rng.choice(["yes", "no", "no"]),
                seen=f"2026-0{rng.randrange(1, 5)}-01",
            )
            for _ in range(rng.randrange(1, 6))
        ]
        files[f"{number}.csv"] = "".join(rows)
    return files


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["versions", "deletions", "absences", "events"])
def test_the_order_of_files_does_not_matter(tmp_path: Path, kind: str, seed: int) -> None:
    settings: dict[str, Any] = {
        "versions": {**KNOWN, "attributes": {"size": {"column": "score", "type": "number"}}},
        "deletions": DELETED,
        "absences": {"deleted": "absent"},
        "events": {},
    }[kind]
    files = deliveries(seed)
    rng = random.Random(seed)
    orders = [list(files), list(files)[::-1], rng.sample(list(files), 5), [*files, *files]]
    ends = []
    for number, order in enumerate(orders):
        folder = tmp_path / str(number)
        folder.mkdir()
        with open_yard(folder) as yard:
            yard.keeps_history = kind != "events"
            for name in order:
                yard.land_text(files[name], name=name, max_rejected_share=1.0, **settings)
            ends.append(contents(yard))
    for one, other in itertools.pairwise(ends):
        for table in TABLES:
            if kind == "events" and table == "raw.rejected_rows":
                # A loser that came in twice is kept once or twice, by which of the two met the winner.
                assert {r[:2] + r[5:] for r in one[table]} == {r[:2] + r[5:] for r in other[table]}
            else:
                assert one[table] == other[table], table
