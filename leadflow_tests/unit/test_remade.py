"""Which rows a refresh makes anew of a model that is remade by digests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leadflow.errors import ModelError
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.models.remade import run_remade
from leadflow.warehouse.models.sql_models import SqlRoom, load_room
from leadflow.warehouse.tables import Stamp, TableVersion, record_version, replace_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MODEL = """
{{ config(materialized='table', meta={'remade_by': 'digests.digest', 'moment': 'as_of'}) }}
select lead_id, value, timestamp '{{ var("as_of") }}' as as_of from {{ source('raw', 'facts') }}
{% if var('touched') %}where lead_id in (select lead_id from {{ var('touched') }}){% endif %}
"""
DIGESTS = "select lead_id, sum(hash(seen)) as digest from {{ source('raw', 'facts') }} group by lead_id"
FACTS = {"A": (1, 10), "B": (2, 20), "C": (3, 30), "D": (4, 40), "E": (5, 50), "F": (6, 60), "G": (7, 70)}
"""By lead, what its digest is made of and what its row shows: apart, so that a row tells whether it was remade."""
_MADE = ("raw.facts", "features.digests")


class Remade:
    """A model over facts that a test changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = dict(FACTS)
        self.warehouse = Warehouse(folder / "w.duckdb")

    def room(self, model: str) -> SqlRoom:
        files = {
            "dbt_project.yml": "model-paths: [features]\nvars: {as_of: '2026-01-01 00:00:00', touched: ''}\n",
            "features/digests.sql": DIGESTS,
            "features/rows.sql": model,
        }
        for name, text in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        (self.folder / "macros").mkdir(exist_ok=True)
        return load_room(self.folder, {("raw", "facts"): "raw.facts"})

    def make(
        self,
        at: str,
        *,
        model: str = MODEL,
        is_full: bool = False,
        refresh: int = 1,
        made: Sequence[str] = _MADE,
    ) -> tuple[int | None, TableVersion]:
        """A refresh in which these tables are made before; how many leads it remade, or None for all."""
        room, as_of = self.room(model), dt.datetime.fromisoformat(f"2026-06-{at}")
        stamp = Stamp(refresh, as_of, "run", "1")
        variables = {"as_of": as_of.isoformat(sep=" ")}
        with self.warehouse.connect() as connection:
            self._put(connection, room, stamp, made)
            version, touched = run_remade(
                connection,
                room,
                room.models["features.rows"],
                variables=variables,
                stamp=stamp,
                order_by=("lead_id",),
                is_full=is_full,
            )
        return touched, version

    def _put(self, connection: DuckDBPyConnection, room: SqlRoom, stamp: Stamp, made: Sequence[str]) -> None:
        values = ", ".join(f"('{lead}', {seen}, {value})" for lead, (seen, value) in self.facts.items())
        facts = f"select * from (values {values}) as t(lead_id, seen, value)"
        if "raw.facts" in made:
            replace_table(connection, "raw.facts", facts, stamp=stamp)
        digests = room.render(room.models["features.digests"], {}, is_incremental=False)
        if "features.digests" in made:
            replace_table(connection, "features.digests", digests, stamp=stamp)

    def rows(self) -> dict[str, int]:
        """What the table holds, all as of one moment."""
        found = self.warehouse.read("select lead_id, value, as_of from features.rows order by lead_id")
        assert found["as_of"].n_unique() <= 1
        return dict(found.select("lead_id", "value").iter_rows())


@pytest.fixture
def remade(tmp_path: Path) -> Remade:
    remade = Remade(tmp_path)
    assert remade.make("10 08:00")[0] is None
    # Shown from now on where a row is made anew, and the digest says nothing of it.
    remade.facts = {lead: (seen, value + 1) for lead, (seen, value) in remade.facts.items()}
    return remade


def test_a_lead_whose_digest_changed_is_remade_and_all_rows_have_the_moment(remade: Remade) -> None:
    remade.facts["B"] = (22, 21)
    touched, version = remade.make("10 09:00")
    assert touched == 1
    assert remade.rows() == {"A": 10, "B": 21, "C": 30, "D": 40, "E": 50, "F": 60, "G": 70}
    assert (version.row_count, set(version.inputs)) == (7, {"raw.facts", "features.digests"})
    assert remade.warehouse.read("select distinct as_of from features.rows").item().hour == 9


def test_leads_come_and_go(remade: Remade) -> None:
    del remade.facts["C"]
    remade.facts["H"] = (8, 80)
    assert remade.make("10 09:00")[0] == 2
    assert remade.rows() == {"A": 10, "B": 20, "D": 40, "E": 50, "F": 60, "G": 70, "H": 80}


def test_what_was_touched_once_is_not_touched_again(remade: Remade) -> None:
    remade.facts["B"] = (22, 21)
    assert [remade.make(f"10 {hour}:00")[0] for hour in ("09", "10", "11")] == [1, 0, 0]


def test_changes_are_told_from_what_the_table_was_made_of_and_not_from_the_last_digests(
    remade: Remade,
) -> None:
    remade.facts["B"] = (22, 21)
    with pytest.raises(ModelError, match=r"rows\.sql"):
        remade.make("10 09:00", model=MODEL.replace("value,", "cast('x' as integer) as value,"))
    assert remade.rows()["B"] == 20
    assert remade.make("10 10:00")[0] == 1
    assert remade.rows()["B"] == 21


@pytest.mark.parametrize(
    ("at", "model", "is_full"),
    [
        ("10 09:00", MODEL, True),
        ("11 00:00", MODEL, False),
        ("10 09:00", MODEL.replace("value,", "value + 0 as value,"), False),
    ],
    ids=["asked for", "another day", "other SQL"],
)
def test_all_rows_are_made(remade: Remade, at: str, model: str, *, is_full: bool) -> None:
    assert remade.make(at, model=model, is_full=is_full)[0] is None
    assert remade.rows() == {lead: value + 1 for lead, (_, value) in FACTS.items()}


def test_all_rows_are_made_where_many_leads_were_touched(remade: Remade) -> None:
    for lead in "ABC":
        remade.facts[lead] = (99, 0)
    assert remade.make("10 09:00")[0] is None
    assert remade.rows() == {"A": 0, "B": 0, "C": 0, "D": 41, "E": 51, "F": 61, "G": 71}


def test_all_rows_are_made_where_something_else_wrote_the_table(remade: Remade) -> None:
    with remade.warehouse.connect() as connection:
        connection.execute("delete from features.rows where lead_id = 'A'")
        record_version(
            connection, "features.rows", stamp=Stamp(1, dt.datetime(2026, 6, 10), "run", "1")  # noqa: DTZ001
        )  # fmt: skip
    assert remade.make("10 09:00")[0] is None
    assert len(remade.rows()) == 7


@pytest.mark.parametrize(
    ("refresh", "made"),
    [(1, ("raw.facts",)), (2, ())],
    ids=["facts are newer than digests", "digests are of another refresh"],
)
def test_where_digests_were_left_out_all_rows_are_made_until_they_are_there(
    remade: Remade, refresh: int, made: Sequence[str]
) -> None:
    remade.make("10 09:00")
    remade.facts["B"] = (22, 99)
    assert remade.make("10 10:00", refresh=refresh, made=made)[0] is None
    assert remade.make("10 11:00", refresh=refresh)[0] is None
    assert remade.rows()["B"] == 99
    assert remade.make("10 12:00", refresh=refresh)[0] == 0


def test_all_rows_are_made_in_order_once_as_many_were_remade(remade: Remade) -> None:
    made = []
    for hour in range(9, 18):
        remade.facts["B"] = (hour, hour)
        remade.facts["C"] = (hour, hour)
        made.append(remade.make(f"10 {hour:02}:00")[0])
    assert made == [2, 2, 2, None, 2, 2, 2, None, 2]
    assert remade.rows()["B"] == 17
