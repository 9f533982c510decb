"""A mapping as SQL: what it refuses, and what its casts make of every kind of value, in DuckDB itself."""

from __future__ import annotations

import datetime as dt
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.config_files import Document
from leadflow.errors import SourceError
from leadflow.ingest.mapping import absent_columns, landing_of, mapping_hash, named_columns, unused_columns
from leadflow.ingest.sources import Source, SourceFiles, Sources, load_sources
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import Warehouse, scalar
from leadflow.warehouse.landing.landing_plan import Landing

COLUMN_TYPES = {
    "mql_id": "varchar",
    "email": "varchar",
    "score": "double",
    "size": "integer",
    "is_ok": "boolean",
    "at": "timestamp",
}
AS_OF = dt.datetime(2026, 6, 30, 12)  # noqa: DTZ001 - instants are naive UTC throughout


def source_of(
    folder: Path, columns: str, rest: str = "    occurred_at: Created\n"
) -> tuple[SourceFiles, Source]:
    path = folder / "sources.yaml"
    path.write_text(
        f"version: 1\nsources:\n  - name: forms\n    table: mql\n    path: x.csv\n    columns:\n{columns}{rest}"
    )
    files = load_sources(path, {"mql": list(COLUMN_TYPES)})
    return files, files.config.sources[0]


def plan(
    folder: Path,
    columns: str = "      mql_id: id\n",
    rest: str = "    occurred_at: Created\n",
    file_columns: tuple[str, ...] = ("id", "E-mail addr.", "Created", "Updated"),
) -> Landing:
    files, source = source_of(folder, columns, rest)
    return landing_of(
        files,
        source,
        column_types=COLUMN_TYPES,
        natural_key=("mql_id",),
        file=Path("x.csv"),
        file_columns=dict.fromkeys(file_columns, "VARCHAR"),
        as_of=AS_OF,
    )


def given_sql(landing: Landing) -> dict[str, str]:
    return {column.name: column.given for column in landing.columns}


def test_columns_constants_and_expressions(tmp_path: Path) -> None:
    landing = plan(
        tmp_path,
        "      mql_id: id\n      email: E-mail addr.\n      score: {constant: 1.5}\n"
        '      at: {expression: "coalesce(Updated, Created) -- the later"}\n',
    )
    assert given_sql(landing) == {
        "mql_id": '"id"',
        "email": '"E-mail addr."',
        "score": "'1.5'",
        "at": "(coalesce(Updated, Created) -- the later\n)",
        "occurred_at": '"Created"',
        "known_at": '"Created"',
    }
    assert [column.name for column in landing.columns if column.is_required] == [
        "mql_id",
        "occurred_at",
        "known_at",
    ]
    assert landing.table == "raw.mql"


@pytest.mark.parametrize(
    ("rest", "occurred", "known"),
    [
        ("    occurred_at: Created\n", '"Created"', '"Created"'),
        ("    occurred_at: Created\n    known_at: {column: Updated}\n", '"Created"', '"Updated"'),
        ("    occurred_at: Created\n    known_at: landed\n", '"Created"', "timestamp '2026-06-30 12:00:00'"),
        ("    known_at: landed\n", "timestamp '2026-06-30 12:00:00'", "timestamp '2026-06-30 12:00:00'"),
        (
            "    occurred_at: Created\n    known_at: {backdated: old}\n",
            '"Created"',
            "timestamp '1970-01-01 00:00:00'",
        ),
        (
            "    known_at: {backdated: old}\n",
            "timestamp '1970-01-01 00:00:00'",
            "timestamp '1970-01-01 00:00:00'",
        ),
        ("    occurred_at: {constant: 2026-01-01}\n", None, None),
        ("    occurred_at: {constant: '2026-01-01'}\n", "'2026-01-01'", "'2026-01-01'"),
    ],
)
def test_when_facts_occurred_and_were_known(
    tmp_path: Path, rest: str, occurred: str | None, known: str | None
) -> None:
    if occurred is None:  # YAML takes the bare day for a date, and a constant is text, number or boolean
        with pytest.raises(Exception, match=r"sources.yaml:8 sources\.0\.occurred_at\.constant"):
            plan(tmp_path, rest=rest)
        return
    sql = given_sql(plan(tmp_path, rest=rest))
    assert (sql["occurred_at"], sql["known_at"]) == (occurred, known)


@pytest.mark.parametrize(
    ("columns", "rest", "line", "problem", "remedy"),
    [
        ("      mql_id: ID\n", "    occurred_at: Created\n", 7, "reads the column 'ID', which x.csv does not have (it has id, E-mail addr., Created, Updated)", "did you mean 'id'"),
        ("      mql_id: id\n      email: E-mail adr.\n", "    occurred_at: Created\n", 8, "reads the column 'E-mail adr.'", "did you mean 'E-mail addr.'"),
        ("      mql_id: id\n      email: Q\n", "    occurred_at: Created\n", 8, "reads the column 'Q'", "mend the mapping"),
        ("      mql_id: id\n", "    occurred_at: created\n", 8, "reads the column 'created'", "did you mean 'Created'"),
        ("      mql_id: id\n", "    occurred_at: Created\n    known_at: {column: Update}\n", 9, "reads the column 'Update'", "did you mean 'Updated'"),
        ("      mql_id: id\n", "    occurred_at: Created\n    attributes:\n      size: {column: Size}\n", 10, "reads the column 'Size'", "mend the mapping"),
        ("      email: id\n", "    occurred_at: Created\n", 6, "does not fill mql_id, by which raw.mql tells rows apart", "map mql_id to a column or expression that is different in every row"),
        ("      mql_id: {constant: 1}\n", "    occurred_at: Created\n", 7, "does not fill mql_id", "different in every row"),
    ],
)  # fmt: skip
def test_refuses_with_the_line(
    tmp_path: Path, columns: str, rest: str, line: int, problem: str, remedy: str
) -> None:
    with pytest.raises(SourceError) as caught:
        plan(tmp_path, columns, rest)
    assert caught.value.problem.startswith(f"{tmp_path}/sources.yaml:{line} source 'forms' {problem}")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        "      mql_id: id\n      email: E-mail addr.\n",
        "      mql_id: {expression: upper(id)}\n",
    ],
)
def test_the_hash_changes_with_the_mapping(tmp_path: Path, change: str) -> None:
    assert plan(tmp_path).mapping_hash == plan(tmp_path).mapping_hash
    assert plan(tmp_path).mapping_hash != plan(tmp_path, change).mapping_hash


def test_the_hash_does_not_change_with_the_moment(tmp_path: Path) -> None:
    rest = "    known_at: landed\n"
    files, source = source_of(tmp_path, "      mql_id: id\n", rest)
    later = landing_of(
        files,
        source,
        column_types=COLUMN_TYPES,
        natural_key=("mql_id",),
        file=Path("other.csv"),
        file_columns={"id": "VARCHAR", "more": "VARCHAR"},
        as_of=AS_OF + dt.timedelta(days=1),
    )
    assert later.mapping_hash == plan(tmp_path, rest=rest).mapping_hash


def test_names_are_quoted_wherever_they_come_from(tmp_path: Path) -> None:
    evil = 'a"; drop table raw.mql; --'
    landing = plan(
        tmp_path,
        f"      mql_id: '{evil}'\n      email: {{constant: \"x'); drop table raw.mql; --\"}}\n",
        f"    occurred_at: Created\n    attributes:\n      \"it's; drop\": {{column: '{evil}'}}\n",
        file_columns={evil: "VARCHAR", "Created": "VARCHAR"},
    )
    assert given_sql(landing)["mql_id"] == '"a""; drop table raw.mql; --"'
    assert given_sql(landing)["email"] == "'x''); drop table raw.mql; --'"
    assert landing.attributes[0].column.given == '"a""; drop table raw.mql; --"'
    assert landing.attributes[0].column.name == "attribute it's; drop"


def test_an_attribute_may_have_the_name_of_a_column(tmp_path: Path) -> None:
    landing = plan(
        tmp_path, rest="    occurred_at: Created\n    attributes:\n      email: {column: Updated}\n"
    )
    names = [column.name for column in landing.read_columns]
    assert len(names) == len(set(names))


# What the casts make of values, in DuckDB itself.


def instant(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # noqa: DTZ001 - instants are naive UTC throughout


def value_of(folder: Path, name: str, sql: str) -> Any:
    landing = plan(
        folder, f"      mql_id: id\n      {name}: value\n", file_columns=("id", "value", "Created")
    )
    column = next(column for column in landing.columns if column.name == name)
    with Warehouse(Path(":memory:")).connect() as connection:
        return scalar(connection, f"select {column.value} from (select {sql} as value)")


@pytest.mark.parametrize(
    ("name", "given_text", "expected"),
    [
        ("email", "a@b.co", "a@b.co"),
        ("email", "  a@b.co\t", "a@b.co\t"),  # blanks go; what else is space, clean decides
        ("email", "", None),
        ("email", "   ", None),
        ("email", "\u3000腾讯\xa0", "腾讯"),
        ("email", "'; drop table raw.mql; --", "'; drop table raw.mql; --"),
        ("email", "腾讯🙂", "腾讯🙂"),
        ("score", "1.5", 1.5),
        ("score", "1e3", 1000.0),
        ("score", "-0", 0.0),
        ("score", "1,5", None),
        ("score", "1.000,50", None),
        ("score", "12 EUR", None),
        ("size", "7", 7),
        ("size", " 7 ", 7),
        ("size", "1,000", None),
        ("size", "99999999999", None),
        ("size", "abc", None),
        ("is_ok", "true", True),
        ("is_ok", "YES", True),
        ("is_ok", "0", False),
        ("is_ok", "N", False),
        ("is_ok", "maybe", None),
        ("is_ok", "2", None),
    ],
)
def test_text_as_a_type(tmp_path: Path, name: str, given_text: str, expected: object) -> None:
    assert value_of(tmp_path, name, literal(given_text)) == expected


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("2026-01-05", "2026-01-05 00:00:00"),
        ("2026-1-5", "2026-01-05 00:00:00"),
        ("2026-01-05 10:30", "2026-01-05 10:30:00"),
        ("2026-01-05T10:30:00Z", "2026-01-05 10:30:00"),
        ("2026-01-05T10:30:00+02:00", "2026-01-05 08:30:00"),
        ("2026-01-05 23:30:00-0530", "2026-01-06 05:00:00"),
        ("2026-07-05 10:30:00 Europe/Berlin", "2026-07-05 08:30:00"),
        ("1900-01-01", "1900-01-01 00:00:00"),
        ("2200-01-01", "2200-01-01 00:00:00"),
        ("", None),
        ("20226-01-05", None),
        ("1899-12-31", None),
        ("0000-00-00", None),
        ("0000-00-00 00:00:00", None),
        ("2026-02-30", None),
        ("2026-13-01", None),
        ("12/31/2026", None),
        ("31.12.2026", None),
        ("1767600000", None),
        ("infinity", None),
        ("yesterday", None),
    ],
)
def test_text_as_an_instant(tmp_path: Path, given_text: str, expected: str | None) -> None:
    value = value_of(tmp_path, "at", literal(given_text))
    assert (None if value is None else str(value)) == expected


@pytest.mark.parametrize(
    ("name", "sql", "expected"),
    [
        ("email", "5", "5"),
        ("email", "cast(0.1 as float)", "0.1"),
        ("email", "uuid '6b1e6a3e-0000-0000-0000-000000000001'", "6b1e6a3e-0000-0000-0000-000000000001"),
        ("email", "{'a': 1}", "{'a': 1}"),
        ("score", "cast(0.1 as double)", 0.1),
        ("score", "1e308::double", 1e308),
        ("score", "cast(12.345 as decimal(18, 3))", 12.345),
        ("size", "cast(7 as bigint)", 7),
        ("size", "cast(8e9 as bigint)", None),
        ("is_ok", "true", True),
        ("at", "date '2026-01-05'", instant(2026, 1, 5)),
        ("at", "timestamp '2026-01-05 10:30:00.123456'", instant(2026, 1, 5, 10, 30, 0, 123456)),
        ("at", "timestamptz '2026-01-05 10:30:00+02'", instant(2026, 1, 5, 8, 30)),
        ("at", "timestamp_ns '2026-01-05 10:30:00.123456789'", instant(2026, 1, 5, 10, 30, 0, 123456)),
        ("at", "null", None),
    ],
)  # fmt: skip
def test_typed_values_come_through(tmp_path: Path, name: str, sql: str, expected: object) -> None:
    assert value_of(tmp_path, name, sql) == expected


SPACES = "".join(char for char in map(chr, range(sys.maxunicode)) if unicodedata.category(char) == "Zs")
"""What DuckDB's trim takes off: spaces of every width, and neither tabs nor line breaks."""

TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)


@settings(max_examples=60, deadline=None)
@given(column=TEXT, constant=TEXT, attribute=TEXT, value=TEXT)
def test_no_text_is_taken_for_sql(column: str, constant: str, attribute: str, value: str) -> None:
    """Whatever a column, a constant or an attribute is called: the SQL has one meaning, and the text comes through."""
    source = Source.model_validate(
        {
            "name": "forms",
            "table": "mql",
            "path": "x.csv",
            "columns": {"mql_id": column, "email": {"constant": constant}},
            "known_at": "landed",
            "attributes": {attribute: {"column": column}},
        }
    )
    landing = landing_of(
        SourceFiles(Document(Path("sources.yaml"), {}, {}), Sources(sources=[source])),
        source,
        column_types=COLUMN_TYPES,
        natural_key=("mql_id",),
        file=Path("x.csv"),
        file_columns={column: "VARCHAR"},
        as_of=AS_OF,
    )
    read = ", ".join(f"{one.value} as {identifier(one.name)}" for one in landing.read_columns)
    with Warehouse(Path(":memory:")).connect() as connection:
        row = connection.execute(
            f"select {read} from (select {literal(value)} as {identifier(column)})"
        ).fetchone()
    kept = value.strip(SPACES) or None
    assert row == (kept, constant.strip(SPACES) or None, AS_OF, AS_OF, kept)


def test_unused_columns(tmp_path: Path) -> None:
    _, source = source_of(
        tmp_path,
        '      mql_id: id\n      email: {expression: "lower(mail)"}\n      score: {constant: 1}\n',
        "    occurred_at: Created\n    known_at: {column: Updated}\n    attributes:\n      a: {column: Size}\n",
    )
    columns = ["id", "mail", "Created", "Updated", "Size", "Budget", "Note"]
    assert unused_columns(source, columns) == ["Budget", "Note"]


MIXED = """\
      mql_id: {key_of: [id, Created]}
      email: {column: E-mail addr., null_values: ["-"]}
"""
REST = """\
    occurred_at: {column: Created, format: "%d/%m/%Y"}
    known_at: {column: Updated}
    attributes:
      vip: {column: vip, known_at: {column: told}}
"""


def test_what_a_mapping_names_is_used_and_what_it_leaves_out_stays_null(tmp_path: Path) -> None:
    _, source = source_of(tmp_path, MIXED, REST)
    assert named_columns(source) == {"id", "Created", "E-mail addr.", "Updated", "vip", "told"}
    assert unused_columns(source, ["id", "told", "Phone"]) == ["Phone"]
    assert absent_columns([source], list(COLUMN_TYPES)) == ["score", "size", "is_ok", "at"]
    _, other = source_of(tmp_path, "      mql_id: id\n      at: Updated\n")
    assert absent_columns([source, other], list(COLUMN_TYPES)) == ["score", "size", "is_ok"]


@pytest.mark.parametrize(
    ("columns", "rest", "column", "line"),
    [
        ("      mql_id: {key_of: [id, Day]}\n", "    occurred_at: Created\n", "Day", 7),
        ("      mql_id: id\n      email: {column: mail, format: iso}\n", "    occurred_at: Created\n", "mail", 8),
        ("      mql_id: id\n", "    occurred_at: {column: Made, format: iso}\n", "Made", 8),
        ("      mql_id: id\n", "    occurred_at: Created\n    known_at: {column: Told}\n", "Told", 9),
        ("      mql_id: id\n", "    occurred_at: Created\n    attributes: {a: {column: id, known_at: {column: Told}}}\n", "Told", 9),
    ],
)  # fmt: skip
def test_a_column_that_the_file_does_not_have_has_its_line(
    tmp_path: Path, columns: str, rest: str, column: str, line: int
) -> None:
    with pytest.raises(SourceError, match=f"sources.yaml:{line} source 'forms' reads the column '{column}'"):
        plan(tmp_path, columns, rest)


def test_a_file_lands_anew_when_its_cells_are_read_another_way_and_only_then(tmp_path: Path) -> None:
    def hash_of(columns: str, rest: str) -> str:
        return mapping_hash(source_of(tmp_path, columns, rest)[1], COLUMN_TYPES)

    plain, same = "      mql_id: id\n", "    occurred_at: Created\n"
    base = hash_of(plain, same)
    for rest in ("time_zone: UTC", "date_formats: iso", "null_values: ['-']", "numbers: {thousands: ','}"):
        assert hash_of(plain, f"{same}    {rest}\n") != base, rest
    assert hash_of(plain, f"{same}    null_values: []\n    max_rejected_share: 0.3\n") == base
