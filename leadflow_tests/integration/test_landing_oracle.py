"""Random deliveries land as plain dictionaries say they should: every version in its place, none lost, none twice."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from landing_yard import AS_OF, COLUMNS, STAMPED, TYPES, Yard, open_yard, row

from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.warehouse.landing.landed_files import digest_of
from leadflow.warehouse.quarantine import bring_back, set_aside
from leadflow.warehouse.tables import Stamp, ensure_system_tables, transaction

KNOWN = {"known_at": {"column": "seen"}}
FLAG = {"deleted": {"column": "ok"}, **KNOWN}
ABSENT = {"deleted": "absent", "max_absent_share": 1.0, **KNOWN}
Row = dict[str, str]
Delivery = tuple[str, str, list[Row]]
"""Source, file and rows."""


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # noqa: DTZ001 - instants are naive UTC throughout


# The oracle


def versions(deliveries: list[Delivery]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What was delivered, by key, moment, source and file: the last row of a file, the last content of a file."""
    said: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for source, file, rows in deliveries:
        for one in rows:
            place = (one["key"], dt.datetime.fromisoformat(one["seen"]), source, file)
            said[place] = (one["mail"] or None, float(one["score"]) if one["score"] else None, one["ok"])
    last_file: dict[tuple[Any, ...], str] = {}
    for (key, known_at, source, file), content in said.items():
        same = (key, known_at, source, content)
        last_file[same] = max(last_file.get(same, ""), file)
    return {
        (key, known_at, source, file): content for (key, known_at, source, content), file in last_file.items()
    }


def in_force(deliveries: list[Delivery], kind: str) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """Versions in force, and all others, each as (key, known_at, source, file, email, score)."""
    said = versions(deliveries)
    newest = {
        source: max(file for name, file, _ in deliveries if name == source)
        for source in {source for source, *_ in deliveries}
    }
    held = {(source, file): {one["key"] for one in rows} for source, file, rows in deliveries}
    standing, others = set(), set()
    for key in {place[0] for place in said}:
        places = sorted(place for place in said if place[0] == key)
        if kind == "absent":
            able = [place for place in places if key in held[place[2], newest[place[2]]]]
        else:
            able = places
        last = able[-1] if able else None
        if last is not None and kind == "flag" and said[last][2] == "yes":
            last = None
        for place in places:
            (standing if place == last else others).add((*place, *said[place][:2]))
    return standing, others


def random_deliveries(seed: int) -> list[Delivery]:
    """Files of one or two sources, in any order; now and then the same content twice, or a file written anew."""
    rng = random.Random(seed)

    def rows() -> list[Row]:
        return [
            {
                "key": str(rng.randrange(4)),
                "mail": rng.choice(["a", "b", ""]),
                "score": rng.choice(["1", "2", ""]),
                "ok": rng.choice(["yes", "no", "no"]),
                "seen": f"2026-0{rng.randrange(1, 5)}-01",
            }
            for _ in range(rng.randrange(1, 6))
        ]

    sources = ["one", "two"][: rng.choice([1, 2, 2])]
    made = [(source, f"{number}.csv", rows()) for source in sources for number in range(rng.randrange(1, 4))]
    rng.shuffle(made)
    if len(made) > 1:
        made[-1] = (*made[-1][:2], made[0][2])
    return made if rng.random() < 0.5 else [*made, (*rng.choice(made)[:2], rows())]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["plain", "flag", "absent"])
def test_random_deliveries(yard: Yard, kind: str, seed: int) -> None:
    deliveries = random_deliveries(seed)
    settings: dict[str, Any] = {"plain": KNOWN, "flag": FLAG, "absent": ABSENT}[kind]
    for source, file, rows in deliveries:
        yard.source = {"name": source}
        text = "".join(
            row(one["key"], mail=one["mail"], score=one["score"], ok=one["ok"], seen=one["seen"])
            for one in rows
        )
        yard.land_text(text, name=file, max_rejected_share=1.0, **settings)
    standing, others = in_force(deliveries, kind)
    columns = "mql_id, known_at, source_name, source_file, email, score"
    assert set(yard.rows(columns)) == standing
    history = yard.rows(columns, "(from raw.mql_history where source_file is not null)")
    assert set(history) == others
    assert len(history) == len(others), "none twice"


# Files


def test_files_of_one_name_in_several_folders_are_several(yard: Yard) -> None:
    for folder, mail in (("b", "late"), ("a", "early")):
        yard.write(f"{folder}/x.csv", "id,mail,score,ok,seen,made\n" + row(1, mail=mail))
    settings: dict[str, Any] = {"path": str(yard.folder / "*" / "x.csv")}
    for _ in range(2):
        landed = [
            yard.land(file=path, **settings) for path in sorted(yard.folder.glob("*/x.csv"), reverse=True)
        ]
        assert yard.rows("email, source_file") == [("late", "b/x.csv")]
        assert yard.history("email, source_file") == [("early", "a/x.csv")]
    assert [one.is_new for one in landed] == [False, False]


def test_a_file_put_in_anothers_place_is_looked_at_whatever_its_moment_and_size(yard: Yard) -> None:
    path = yard.write("x.csv", "one")
    before = time.time_ns() - 3600 * 10**9
    os.utime(path, ns=(before, before))
    first = digest_of(yard.connection, path)
    other = yard.write("y.csv", "two")
    os.utime(other, ns=(before, before))
    other.replace(path)
    assert digest_of(yard.connection, path) != first


# Known by landing


def land(yard: Yard, hour: int, name: str, rows: str, **settings: Any) -> None:
    yard.land_text(rows, name=name, as_of=at(2026, 7, 1, hour), **{"known_at": "landed", **settings})


def test_a_mended_mapping_leaves_moments_of_landing_as_they_were(yard: Yard) -> None:
    land(yard, 1, "a.csv", row(1, mail="open"))
    land(yard, 2, "b.csv", row(1, mail="won"))
    mended = COLUMNS | {"email": {"expression": "upper(mail)"}}
    for name in ("a.csv", "b.csv"):
        yard.land(name, as_of=at(2026, 7, 9), known_at="landed", columns=mended)
    assert yard.rows("email, known_at") == [("WON", at(2026, 7, 1, 2))]
    assert yard.history("email, known_at") == [("OPEN", at(2026, 7, 1, 1))]


def test_a_row_that_stays_marked_as_deleted_is_deleted_once(yard: Yard) -> None:
    settings = {"deleted": {"column": "ok"}, "columns": {"mql_id": "id", "email": "mail"}}
    for hour in range(1, 5):
        land(yard, hour, f"{hour}.csv", row(1, ok="no" if hour == 1 else "yes"), **settings)
    assert yard.rows() == []
    assert yard.history("known_at, is_deleted") == [(at(2026, 7, 1, 1), False), (at(2026, 7, 1, 2), True)]


def test_attributes_follow_the_last_export_whatever_it_is_called(yard: Yard) -> None:
    settings = {"attributes": {"size": {"column": "score", "type": "number"}}}
    columns = {"columns": {"mql_id": "id", "email": "mail"}}
    land(yard, 1, "monday.csv", row(1, score="1"), **settings, **columns)
    land(yard, 2, "friday.csv", row(1, score="2"), **settings, **columns)
    assert yard.rows("value, known_at", "raw.attributes") == [("2.0", at(2026, 7, 1, 2))]
    assert yard.history() == []


# Absence


@pytest.mark.parametrize("rows", ["", row(0)])
def test_an_export_that_lacks_too_much_is_refused(yard: Yard, rows: str) -> None:
    every = "".join(row(number) for number in range(30))
    yard.land_text(every, name="1.csv", deleted="absent")
    yard.write("2.csv", "id,mail,score,ok,seen,made\n" + rows)
    assert "2.csv lacks" in yard.refused("2.csv", deleted="absent")
    yard.land("2.csv", deleted="absent", max_absent_share=1.0)
    assert len(yard.rows()) == len(rows.splitlines())


def test_a_row_that_moves_from_one_full_export_to_another_stays(yard: Yard) -> None:
    for source, file, rows in (
        ("north", "1.csv", row(1) + row(2)),
        ("north", "2.csv", row(2)),
        ("south", "1.csv", row(1, mail="moved", at="2025-12-01")),
    ):
        yard.source = {"name": source}
        yard.land_text(rows, name=file, deleted="absent")
    assert yard.rows() == [("1", "moved"), ("2", "m")]


# Quarantine


def contracts(folder: Path, values: str) -> Contracts:
    """raw.mql and its history; e-mails other than `values` stand aside."""
    columns = "".join(
        f"          - {{name: {name}, data_type: {kind}, description: d{test}}}\n"
        for name, kind in (TYPES | STAMPED).items()
        for test in [
            f", data_tests: [{{accepted_values: {{arguments: {{values: [{values}]}}, config: {{meta: {{on_fail: quarantine, max_quarantined_share: 1.0}}}}}}}}]"
            if name == "email"
            else ""
        ]
    )
    path = folder / "room" / "raw" / "schema.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "version: 2\nsources:\n  - name: raw\n    tables:\n      - name: mql\n        description: d\n"
        f"        meta: {{grain: g, natural_key: [mql_id]}}\n        columns:\n{columns}"
        "      - name: mql_history\n        description: d\n"
        "        meta: {grain: g, natural_key: [mql_id, known_at], history_of: mql}\n",
        encoding="utf-8",
    )
    return load_contracts(folder / "room")


@pytest.mark.parametrize(
    ("later", "left", "history"),
    [
        (row(1, mail="a", seen="2026-01-15"), [("1", "bad")], ["a", "a"]),
        (row(1, mail="a", ok="yes", seen="2026-03-01"), [], ["a", "bad", "a"]),
        (row(1, mail="b", seen="2026-03-01"), [("1", "b")], ["a", "bad"]),
    ],
    ids=["an older version", "a deletion", "a right version"],
)
def test_a_row_that_stands_aside_keeps_its_place_among_the_versions(
    yard: Yard, later: str, left: list[tuple[str, str]], history: list[str]
) -> None:
    settings: dict[str, Any] = {**FLAG, "columns": {"mql_id": "id", "email": "mail"}}
    ensure_system_tables(yard.connection)

    def refresh(name: str, rows: str, values: str = "a, b") -> None:
        made = contracts(yard.folder, values)
        bring_back(yard.connection, made["raw.mql"], "raw.mql_history")
        yard.land_text(rows, name=name, **settings)
        stamp = Stamp(1, AS_OF, "run", "1.0")
        with transaction(yard.connection):
            set_aside(
                yard.connection, made["raw.mql"], stamp=stamp, is_replaced=False, history="raw.mql_history"
            )

    refresh("1.csv", row(1, mail="a", ok="no", seen="2026-01-01"))
    refresh("2.csv", row(1, mail="bad", ok="no", seen="2026-02-01"))
    assert yard.rows() == []
    refresh("3.csv", later.replace(",yes,", ",no,") if left else later)
    refresh("4.csv", row(2, mail="bad", ok="yes", seen="2026-01-01"), values="a, b, bad")
    assert yard.rows() == left
    versions = yard.rows("email", "(from raw.mql_history where mql_id = '1' order by known_at)")
    assert sorted(versions) == sorted((mail,) for mail in history)


# Events


def test_a_mended_mapping_of_an_events_file_that_grew(tmp_path: Path) -> None:
    with open_yard(tmp_path) as yard:
        yard.keeps_history = False
        yard.land_text(row(1), name="log.csv")
        yard.land_text(row(1) + row(2), name="log.csv")
        yard.land("log.csv", columns=COLUMNS | {"email": {"expression": "upper(mail)"}})
        assert yard.rows() == [("1", "M"), ("2", "M")]
        assert yard.rejects() == []


@pytest.mark.parametrize("seed", range(6))
def test_random_events(yard: Yard, seed: int) -> None:
    """Of the rows of one key that which goes first by moment, source, file and line."""
    yard.keeps_history = False
    rng = random.Random(seed)
    first: dict[str, tuple[Any, ...]] = {}
    made = [
        (
            source,
            f"{number}.csv",
            [(rng.randrange(6), rng.choice("ab"), rng.randrange(1, 4)) for _ in range(6)],
        )
        for source in ("one", "two")
        for number in range(3)
    ]
    rng.shuffle(made)
    for source, file, rows in made:
        yard.source = {"name": source}
        yard.land_text(
            "".join(row(key, mail=mail, at=f"2026-01-0{day}") for key, mail, day in rows), name=file
        )
        for line, (key, mail, day) in enumerate(rows):
            said = (at(2026, 1, day), source, file, line, mail)
            first[str(key)] = min(first.get(str(key), said), said)
    assert yard.rows("mql_id, known_at, source_name, source_file, email") == [
        (key, *said[:3], said[4]) for key, said in sorted(first.items())
    ]
