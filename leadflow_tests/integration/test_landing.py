"""Landing files: what becomes of good rows, bad rows, bad files and files that come again, in a warehouse."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landing_yard import (
    AS_OF,
    COLUMNS,
    HEADER,
    STAMPED,
    TYPES,
    Yard,
    row,
)

from leadflow.errors import SourceError
from leadflow.ingest.value_sql import Reading, value_sql
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.landing.files import DELIMITERS, header, scan
from leadflow.warehouse.landing.landing import ensure_raw_table
from leadflow.warehouse.tables import latest_versions


def test_rows_land_typed(yard: Yard) -> None:
    landed = yard.land_text(
        row(1, mail=" a@b.co ", score="2.5", ok="no", seen="2026-01-05T10:00:00+02:00") + row(2)
    )
    assert (landed.is_new, landed.row_count, landed.rejected_rows, landed.rejected_values) == (True, 2, 0, 0)
    assert yard.rows("*") == [
        ("1", "a@b.co", 2.5, False, at(2026, 1, 5, 8), at(2026, 1, 1), at(2026, 1, 1), "forms", "x.csv"),
        ("2", "m", 1.0, True, None, at(2026, 1, 1), at(2026, 1, 1), "forms", "x.csv"),
    ]
    assert yard.rejects() == []


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # noqa: DTZ001 - instants are naive UTC throughout


# How files are written


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("id,mail,made\n1,\"a, b\",2026-01-01\n", {}),
        ("id;mail;made\r\n1;\"a, b\";2026-01-01\r\n", {}),
        ("id\tmail\tmade\n1\ta, b\t2026-01-01\n", {}),
        ("id|mail|made\n1|a, b|2026-01-01\n", {}),
        ("id,mail,made\r1,\"a, b\",2026-01-01\r", {}),
        ("id,mail,made\n1,\"a, b\",2026-01-01", {}),
        ("\n\nid,mail,made\n\n1,\"a, b\",2026-01-01\n\n", {}),
        ("\ufeffid,mail,made\n1,\"a, b\",2026-01-01\n", {}),
        ("\ufeff\"id\",\"mail\",\"made\"\n\"1\",\"a, b\",\"2026-01-01\"\n", {}),
        (" id , mail , made \n1,\"a, b\",2026-01-01\n", {}),
        ("made,id,unused,mail\n2026-01-01,1,x,\"a, b\"\n", {}),
        ("id,mail,made\n1,'a, b',2026-01-01\n", {"quote": "'"}),
        ("id#mail#made\n1#a, b#2026-01-01\n", {"delim": "#"}),
        ("id;a,b;mail;made\n1;;a, b;2026-01-01\n", {"delim": ";"}),
    ],
)  # fmt: skip
def test_dialects(yard: Yard, content: str, options: dict[str, str]) -> None:
    yard.write("x.csv", content)
    yard.land(columns={"mql_id": "id", "email": "mail"}, read_options=options)
    assert yard.rows() == [("1", "a, b")]
    assert yard.rejects() == []


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"line\nbreak"', "line\nbreak"),
        ('"line\r\nbreak"', "line\r\nbreak"),
        ('"say ""hi"""', 'say "hi"'),
        ('"a,b;c|d"', "a,b;c|d"),
        ("it's", "it's"),
        ("'; drop table raw.mql; --", "'; drop table raw.mql; --"),
        ('"\'); delete from raw.mql; --"', "'); delete from raw.mql; --"),
        ("#1", "#1"),
        ("腾讯🙂", "腾讯🙂"),
        ("NULL", "NULL"),
        ('""', None),
        ("a\0b", "a\0b"),
        ("=cmd|'/c calc'!A0", "=cmd|'/c calc'!A0"),
    ],
)
def test_cells_come_through_as_they_are(yard: Yard, cell: str, value: str | None) -> None:
    yard.land_text(row(1, mail=cell) + row(2))
    assert yard.rows() == [("1", value), ("2", "m")]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("latin-1", "id,mail,Größe,made\n1,Müller,x,2026-01-01\n"),
        ("utf-16", "id,mail,Größe,made\n1,Müller,x,2026-01-01\n"),
    ],
)
def test_encodings(yard: Yard, encoding: str, content: str) -> None:
    yard.write("x.csv", content.encode(encoding))
    yard.land(columns={"mql_id": "id", "email": "mail"}, read_options={"encoding": encoding})
    assert yard.rows() == [("1", "Müller")]


def test_packed_files(yard: Yard) -> None:
    yard.write("x.csv.gz", gzip.compress((HEADER + row(1)).encode()))
    yard.land("x.csv.gz")
    assert yard.rows("mql_id, source_file") == [("1", "x.csv.gz")]


def test_a_quote_far_into_the_file_is_a_quote(yard: Yard) -> None:
    """DuckDB's own sniffer looks at 20,480 lines; beyond, it would tear the field at its comma and line break."""
    many = "".join(row(key) for key in range(25_000))
    landed = yard.land_text(many + row("last", mail='"a, b\nc"') + row("end"))
    assert landed.row_count == 25_002
    assert yard.rows("email", "raw.mql where mql_id = 'last'") == [("a, b\nc",)]


def test_names_that_look_like_sql(yard: Yard) -> None:
    name = "it's; drop table raw.mql; -- [1].csv"
    evil = 'a"; drop table raw.mql; --'
    content = f'"{evil.replace(chr(34), chr(34) * 2)}",No.,made\n1,7,2026-01-01\n'
    yard.write(name, content)
    yard.land(
        name,
        columns={"mql_id": evil, "email": {"constant": "x'); drop table raw.mql; --"}, "score": "No."},
        attributes={"it's; drop table raw.mql; --": {"column": evil}},
    )
    assert yard.rows("mql_id, email, score, source_file") == [("1", "x'); drop table raw.mql; --", 7.0, name)]
    assert yard.rows("attribute, value", "raw.attributes") == [("it's; drop table raw.mql; --", "1")]


def test_a_name_with_brackets_is_that_file_and_no_pattern(yard: Yard) -> None:
    yard.write("leads 1.csv", HEADER + row("wrong"))
    yard.write("leads [1].csv", HEADER + row("right"))
    yard.land("leads [1].csv")
    assert yard.rows("mql_id") == [("right",)]


def test_a_header_alone_is_no_rows(yard: Yard) -> None:
    landed = yard.land_text("")
    assert (landed.is_new, landed.row_count) == (True, 0)
    assert not yard.land().is_new


def test_columns_of_one_name_and_of_none(yard: Yard) -> None:
    yard.write("x.csv", "id,mail,Mail,,made\n1,a,b,c,2026-01-01\n")
    yard.land(columns={"mql_id": "id", "email": {"expression": 'concat(mail, "Mail_1", "column3")'}})
    assert yard.rows() == [("1", "abc")]


@pytest.mark.parametrize(
    ("text", "options", "blank_lines", "delimiter", "columns"),
    [
        ("", {}, 0, ",", []),
        ("\n \n", {}, 2, ",", []),
        ("a", {}, 0, ",", ["a"]),
        ("a;b,c;d", {}, 0, ";", ["a", "b,c", "d"]),
        ('"a;b;c",d', {}, 0, ",", ["a;b;c", "d"]),
        ('"a\nb",c\n1,2', {}, 0, ",", ["a\nb", "c"]),
        ("a,a,A,a_1", {}, 0, ",", ["a", "a_1", "A_2", "a_1_1"]),
        ("a,,b,", {}, 0, ",", ["a", "column1", "b", "column3"]),
        ("\ufeffa,b", {}, 0, ",", ["a", "b"]),
        ('"a\tb', {"quote": "", "escape": ""}, 0, "\t", ['"a', "b"]),
        ('"a\\"b",c', {"escape": "\\"}, 0, ",", ['a"b', "c"]),
    ],
)
def test_header(
    text: str, options: dict[str, str], blank_lines: int, delimiter: str, columns: list[str]
) -> None:
    found = header(text, options)
    assert (found.blank_lines, found.delimiter, found.columns) == (blank_lines, delimiter, columns)


CELL = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), delimiter=st.sampled_from(DELIMITERS))
def test_what_pythons_csv_writes_is_read_as_it_was(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    """Quotes, delimiters, line breaks and whatever else within fields, by any delimiter that is looked for."""
    text = io.StringIO()
    written = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    written.writerows([("first", "second", "third"), *rows])
    with tempfile.TemporaryDirectory() as folder, Warehouse(Path(":memory:")).connect() as connection:
        path = Path(folder) / "x.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        with scan(connection, path, "csv", {}) as file:
            read = connection.execute(f"select * from {file.relation}").fetchall()
    assert [tuple(cell or "" for cell in row) for row in read] == rows


@pytest.mark.real_data
@pytest.mark.skipif(
    "LEADFLOW_TEST_DATA" not in os.environ, reason="LEADFLOW_TEST_DATA names no folder of real data"
)
def test_real_files_are_read_as_python_reads_them(yard: Yard) -> None:
    paths = sorted(Path(os.environ["LEADFLOW_TEST_DATA"]).rglob("*.csv"))
    assert paths
    for path in paths:
        with scan(yard.connection, path, "csv", {}) as file:
            (count,) = yard.connection.execute(f"select count(*) from {file.relation}").fetchall()[0]
            (rejected,) = yard.connection.execute(f"select count(*) from {file.rejects}").fetchall()[0]
        with path.open(newline="", encoding="utf-8-sig") as opened:
            lines = sum(1 for line in csv.reader(opened) if line)
        assert (path.name, count, rejected) == (path.name, lines - 1, 0)


# Files that are refused


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "", "x.csv is empty: put a file with a header there, or take the source out of sources.yaml"),
        ("x.csv", "\n\n", "x.csv is empty"),
        ("x.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "x.csv is not a CSV file in utf-8: its first line is not text: save it as CSV in UTF-8"),
        ("x.csv", b"PK\x03\x04" + bytes(64), "x.csv is not a CSV file in utf-8"),
        ("x.csv", gzip.compress(b"id,made\n1,2026-01-01\n", mtime=0), "x.csv is not a CSV file in utf-8"),
        ("x.csv", "id,mail,made\n1,a,2026-01-01\n".encode("utf-16"), "x.csv is not a CSV file in utf-8"),
        ("x.csv", "id,größe,made\n1,a,2026-01-01\n".encode("latin-1"), "x.csv is not a CSV file in utf-8"),
        ("x.csv", "Dear all,\n\nplease find attached, as promised, the file.\n", "sources.yaml:7 source 'forms' reads the column 'id', which x.csv does not have (it has Dear all, column1): mend the mapping"),
        ("x.csv", "<html><body>503 Service Unavailable</body></html>\n", "sources.yaml:7 source 'forms' reads the column 'id', which x.csv does not have"),
        ("x.csv", "ID,mail,score,ok,seen,made\n", "sources.yaml:7 source 'forms' reads the column 'id', which x.csv does not have (it has ID, mail, score, ok, seen, made): did you mean 'ID'"),
        ("x.csv.gz", b"id,made\n1,2026-01-01\n", "x.csv.gz cannot be read as csv ("),
        ("x.parquet", "id,made\n1,2026-01-01\n", "x.parquet cannot be read as parquet ("),
        ("x.parquet", b"", "x.parquet is empty"),
    ],
)  # fmt: skip
def test_files_that_are_no_such_files(yard: Yard, name: str, content: str | bytes, said: str) -> None:
    yard.write(name, content)
    assert yard.refused(name).startswith(said)


def test_a_file_that_went_away(yard: Yard) -> None:
    with (
        pytest.raises(SourceError, match=r"gone.csv cannot be read as csv \(.*No such file"),
        scan(yard.connection, yard.folder / "gone.csv", "csv", {}),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_that_may_not_be_read(yard: Yard) -> None:
    yard.write("x.csv", HEADER + row(1)).chmod(0)
    assert "x.csv cannot be read as csv (" in yard.refused()


def test_a_packed_file_cut_short(yard: Yard) -> None:
    noise = "".join(row(key, mail=os.urandom(30).hex()) for key in range(20_000))
    packed = gzip.compress((HEADER + noise).encode())
    yard.write("x.csv.gz", packed[: len(packed) // 2])
    said = yard.refused("x.csv.gz")
    assert said.startswith(
        "source 'forms': x.csv.gz cannot be read to its end (IO Error: Unexpected end of GZIP stream"
    )
    assert said.endswith("get the file anew; it is damaged or incomplete.")


def parquet(yard: Yard, select: str, name: str = "x.parquet") -> Path:
    yard.connection.execute(f"copy ({select}) to '{yard.folder / name}' (format parquet)")
    return yard.folder / name


def test_a_parquet_file_cut_short(yard: Yard) -> None:
    path = parquet(yard, "select range as id, 'm' as mail, date '2026-01-01' as made from range(10000)")
    path.write_bytes(path.read_bytes()[:1000])
    assert yard.refused("x.parquet", columns={"mql_id": "id"}).startswith(
        "x.parquet cannot be read as parquet ("
    )


def test_a_parquet_file_damaged_within(yard: Yard) -> None:
    path = parquet(yard, "select md5(range::varchar) as id, date '2026-01-01' as made from range(20000)")
    content = bytearray(path.read_bytes())
    content[2000:6000] = bytes(4000)
    path.write_bytes(content)
    said = yard.refused("x.parquet", columns={"mql_id": "id"})
    assert said.startswith("source 'forms': x.parquet cannot be read to its end (")
    assert said.endswith("get the file anew; it is damaged or incomplete.")


# Lines, values and rows that are rejected


def test_lines_that_are_no_rows(yard: Yard) -> None:
    good = [row(key) for key in range(10)]
    text = (
        "".join(good[:2])
        + "short,line\n"
        + good[2]
        + "too,many,1,yes,,2026-01-01,fields,here\n"
        + good[3]
        + '"quote,after"x,1,yes,,2026-01-01\n'
        + "".join(good[4:])
    )
    landed = yard.land_text(text)
    assert (landed.row_count, landed.rejected_rows) == (10, 3)
    rejects = yard.rejects("line, reason, row, source_name, source_file, length(content_hash)")
    assert [reject[0] for reject in rejects] == [4, 6, 8]
    assert rejects[0][1:] == ("Expected Number of Columns: 6 Found: 2", "short,line", "forms", "x.csv", 64)
    assert rejects[1][1] == "Expected Number of Columns: 6 Found: 8"
    assert rejects[2][1] == "Value with unterminated quote found."


def test_blank_lines_count_as_lines_and_are_nothing_else(yard: Yard) -> None:
    landed = yard.land_text("\n" + row(1) + "\n\n" + "no row\n" + row(2))
    assert (landed.row_count, landed.rejected_rows) == (2, 1)
    assert yard.rejects("line, row") == [(6, "no row")]


def test_an_open_quote_costs_what_it_encloses_and_no_more(yard: Yard) -> None:
    landed = yard.land_text("".join(row(key) for key in range(9)) + '9,"open,1,yes,,2026-01-01\n' + row(10))
    assert (landed.row_count, landed.rejected_rows) == (9, 1)
    assert "10,m,1,yes" in yard.rejects("row")[0][0], "it is kept with the line that opened the quote"


def test_lines_that_are_not_utf_8(yard: Yard) -> None:
    yard.write("x.csv", (HEADER + row(1) + row(2, mail="Müller") + row(3)).encode("latin-1"))
    yard.land()
    assert yard.rows("mql_id") == [("1",), ("3",)]
    ((line, column, reason),) = yard.rejects()
    assert (line, column) == (3, "mail")
    assert "not utf-8 encoded" in reason


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"score": "n/a"}, "score"),
        ({"score": "1,5"}, "score"),
        ({"ok": "perhaps"}, "is_ok"),
        ({"seen": "0000-00-00"}, "seen_at"),
        ({"seen": "20226-01-01"}, "seen_at"),
        ({"seen": "31/12/2026"}, "seen_at"),
        ({"seen": "1767600000"}, "seen_at"),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_told(yard: Yard, cells: dict[str, str], column: str) -> None:
    quoted = {name: f'"{value}"' for name, value in cells.items()}
    landed = yard.land_text(row(1, seen="2026-01-05") + row(2, **quoted) + row(3))
    assert (landed.row_count, landed.rejected_rows, landed.rejected_values) == (3, 0, 1)
    assert yard.rows(f"mql_id, {column} is null", "raw.mql where mql_id = '2'") == [("2", True)]
    assert yard.rejects() == [(3, column, "row kept, value set to null: the value is not readable")]
    assert json.loads(yard.rejects("row")[0][0])["id"] == "2", "the row as it stood in the file"


def test_two_bad_values_of_a_row_are_told_apart(yard: Yard) -> None:
    landed = yard.land_text(row(1) + row(2, score="?", ok="?"))
    assert landed.rejected_values == 2
    assert [(line, column) for line, column, _ in yard.rejects()] == [(3, "is_ok"), (3, "score")]


@pytest.mark.parametrize(
    ("bad", "column", "reason"),
    [
        (row(""), "mql_id", "row rejected: a required value is missing"),
        (row("  "), "mql_id", "row rejected: a required value is missing"),
        (row(2, at=""), "occurred_at", "row rejected: a required value is missing"),
        (row(2, at="20226-01-01"), "occurred_at", "row rejected: the value is not readable"),
        (row(2, at="0000-00-00"), "occurred_at", "row rejected: the value is not readable"),
        (row(2, at="1066-10-14"), "occurred_at", "row rejected: the value is not readable"),
    ],
)
def test_a_row_without_key_or_time_is_rejected(yard: Yard, bad: str, column: str, reason: str) -> None:
    landed = yard.land_text(row(1) + bad + row(3))
    assert (landed.row_count, landed.rejected_rows, landed.rejected_values) == (2, 1, 0)
    assert yard.rows("mql_id") == [("1",), ("3",)]
    assert (3, column, reason) in yard.rejects()


def test_known_at_of_its_own_is_required_too(yard: Yard) -> None:
    landed = yard.land_text(row(1, seen="2026-02-01") + row(2), known_at={"column": "seen"})
    assert (landed.row_count, landed.rejected_rows) == (1, 1)
    assert yard.rows("mql_id, occurred_at, known_at") == [("1", at(2026, 1, 1), at(2026, 2, 1))]
    assert yard.rejects() == [(3, "known_at", "row rejected: a required value is missing")]


def test_lines_are_the_files_also_after_lines_that_are_no_rows(yard: Yard) -> None:
    text = (
        "no row\n"
        + row(1)
        + "no row\nno row\n"
        + row(2, score="?")
        + row(3)
        + "no row\n"
        + row("")
        + row(4)
        + row(5)
    )
    yard.land_text(text, max_rejected_share=0.9)
    told = {(line, column) for line, column, _ in yard.rejects() if column in ("score", "mql_id")}
    assert told == {(6, "score"), (9, "mql_id")}


def test_a_parquet_file_has_no_header_line(yard: Yard) -> None:
    parquet(
        yard, "select * from (values ('1', 'a'), ('2', '2026-01-01'), ('3', '2026-01-01')) as t(id, made)"
    )
    yard.land("x.parquet", columns={"mql_id": "id"})
    assert {line for line, _, _ in yard.rejects()} == {1}


# Files that are bad as a whole


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (row(1) + "a,b\n" * 3, "source 'forms': 3 of 4 lines of x.csv cannot be read, first line 3 (Expected Number of Columns: 6 Found: 2): check that the file is CSV in UTF-8, set the source's read_options, or raise its max_rejected_share"),
        (row(1) + row("") * 3, "sources.yaml:7 source 'forms': 3 of 4 rows of x.csv would be rejected, first line 3 (column mql_id): mend the file or the mapping, or raise the source's max_rejected_share"),
        (row(1) + row(2, at="") * 3, "sources.yaml:12 source 'forms': 3 of 4 rows of x.csv would be rejected, first line 3 (column occurred_at)"),
        ("a,b\n" + row(1) + row(2) + row("") * 2, "sources.yaml:7 source 'forms': 3 of 5 rows of x.csv would be rejected, first line 5 (column mql_id)"),
        (row(1, score="low") + row(2, score="high") + row(3, score=""), "sources.yaml:9 source 'forms': no value of x.csv for score is a double, for example 'low' in line 2: mend the mapping"),
        ("".join(row(key, at="12/31/2026") for key in range(5)), "sources.yaml:12 source 'forms': no value of x.csv for occurred_at is a timestamp, for example '12/31/2026' in line 2: mend"),
    ],
)  # fmt: skip
def test_too_much_that_is_bad_refuses_the_file(yard: Yard, rows: str, said: str) -> None:
    yard.write("x.csv", HEADER + rows)
    assert yard.refused().startswith(said)


def test_an_error_shows_no_more_of_a_person_than_the_value_at_fault(yard: Yard) -> None:
    yard.write("x.csv", HEADER + "".join(row(key, mail="wang@example.com", score="low") for key in range(5)))
    assert "wang" not in yard.refused()


def test_the_permitted_share_is_the_sources(yard: Yard) -> None:
    yard.write("x.csv", HEADER + "".join(row(key) for key in range(9)) + row(""))
    assert yard.refused(max_rejected_share=0.05).startswith("sources.yaml:7 source 'forms': 1 of 10 rows")
    assert yard.land(max_rejected_share=0.1).rejected_rows == 1


def test_a_few_bad_values_of_a_seldom_column_cost_those_values_only(yard: Yard) -> None:
    """Nobody's file is refused for the one cell of a column that is filled, and filled with 'n/a'."""
    yard.land_text(row(1, score="n/a"))
    assert yard.rows("mql_id, score") == [("1", None)]
    yard.land_text(
        "".join(row(key, score="") for key in range(10, 30)) + row(30, score="?") + row(31, score="?")
    )
    assert len(yard.rows()) == 23


def test_a_refused_file_lands_once_it_is_mended(yard: Yard) -> None:
    yard.write("x.csv", HEADER + row("") * 3)
    yard.refused()
    assert yard.land_text(row(1)).is_new
    assert yard.rejects() == []


# Expressions


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("lower(mail)", "m"),
        ('upper("mail") -- a comment at the end', "M"),
        ("case when score = '1' then 'one' end", "one"),
        ("mail || ');' || id", "m);1"),
    ],
)
def test_expressions(yard: Yard, expression: str, value: str) -> None:
    yard.land_text(row(1), columns={"mql_id": "id", "email": {"expression": expression}})
    assert yard.rows("email") == [(value,)]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("lower(nothing)", "sources.yaml:8 source 'forms': email cannot be read from x.csv (Binder Error: Referenced column \"nothing\" not found"),
        ("no_such_function(mail)", "sources.yaml:8 source 'forms': email cannot be read from x.csv (Catalog Error"),
        ("cast(mail as integer) * 60", "sources.yaml:8 source 'forms': the mapping of email fails on a value of x.csv (Conversion Error"),
        ("strptime(mail, '%Y')", "sources.yaml:8 source 'forms': the mapping of email fails on a value of x.csv ("),
    ],
)  # fmt: skip
def test_an_expression_that_fails_has_its_line(yard: Yard, expression: str, said: str) -> None:
    yard.write("x.csv", HEADER + row(1))
    assert yard.refused(columns={"mql_id": "id", "email": {"expression": expression}}).startswith(said)


def test_an_expression_for_the_time_that_fails_has_its_line(yard: Yard) -> None:
    yard.write("x.csv", HEADER + row(1, at="soon"))
    said = yard.refused(occurred_at={"expression": "cast(made as timestamp)"})
    assert said.startswith(
        "sources.yaml:12 source 'forms': the mapping of occurred_at fails on a value of x.csv (Conversion"
    )
    assert "try_cast" in said


# The same again


def test_the_same_content_lands_once(yard: Yard) -> None:
    text = row(1) + row(2, score="?") + row("")
    assert yard.land_text(text).is_new
    before = yard.rows("*"), yard.rejects("*")
    again = yard.land()
    assert (again.is_new, again.row_count, again.rejected_rows) == (False, 0, 0)
    assert not yard.land(max_rejected_share=0.9).is_new, "nor where only more were permitted"
    assert (yard.rows("*"), yard.rejects("*")) == before
    yard.land_text(text, name="copy.csv")
    assert (yard.rows("*"), yard.history()) == (before[0], []), "nothing twice under another name"


def test_a_changed_mapping_lands_again_and_doubles_nothing(yard: Yard) -> None:
    yard.land_text(row(1) + row(2, score="?") + row("") + "no row\n" + row(3) + row(4))
    before = yard.rejects()
    landed = yard.land(columns=COLUMNS | {"email": {"expression": "upper(mail)"}})
    assert (landed.is_new, landed.row_count) == (True, 4)
    assert yard.rows() == [(key, "M") for key in "1234"]
    assert yard.rejects() == before


def test_a_changed_mapping_may_mend_rejects(yard: Yard) -> None:
    yard.land_text(row(1, score="1.0") + row(2, score='"1,5"'))
    assert len(yard.rejects()) == 1
    yard.land(columns=COLUMNS | {"score": {"expression": "replace(score, ',', '.')"}})
    assert yard.rejects() == []
    assert yard.rows("mql_id, score") == [("1", 1.0), ("2", 1.5)]


def test_more_rows_in_the_file_are_added(yard: Yard) -> None:
    yard.land_text(row(1) + row(2))
    yard.land_text(row(1) + row(2) + row(3))
    assert yard.rows("mql_id") == [("1",), ("2",), ("3",)]


def test_a_newer_version_of_a_row_replaces_the_older_and_never_the_other_way(yard: Yard) -> None:
    known = {"known_at": {"column": "seen"}}
    yard.land_text(row(1, mail="first", seen="2026-01-01"), **known)
    yard.land_text(row(1, mail="third", seen="2026-03-01"), **known)
    yard.land_text(row(1, mail="second", seen="2026-02-01"), **known)
    assert yard.rows("mql_id, email, known_at") == [("1", "third", at(2026, 3, 1))]


def test_of_two_versions_known_at_once_the_one_that_lands_last_holds(yard: Yard) -> None:
    yard.land_text(row(1, mail="first"))
    yard.land_text(row(1, mail="corrected"))
    assert yard.rows("email") == [("corrected",)]


def test_a_version_replaces_the_row_as_a_whole(yard: Yard) -> None:
    yard.land_text(row(1, mail="first", score="5"))
    yard.land_text(row(1, mail="second", score=""))
    assert yard.rows("email, score") == [("second", None)]


def test_two_rows_of_one_key_in_a_file(yard: Yard) -> None:
    rows = [
        row(1, mail="old", seen="2026-01-01"),
        row(1, mail="newest", seen="2026-03-01"),
        row(2, seen="2026-01-01"),
        row(1, mail="newer", seen="2026-02-01"),
    ]
    landed = yard.land_text("no row\n" + "".join(rows), known_at={"column": "seen"}, max_rejected_share=0.5)
    assert (landed.row_count, landed.rejected_rows) == (4, 1)
    assert yard.rows() == [("1", "newest"), ("2", "m")]
    assert yard.history() == [("1", "newer"), ("1", "old")]


def test_two_rows_of_one_key_and_moment_in_a_file(yard: Yard) -> None:
    landed = yard.land_text("no row\n" + row(1, mail="old") + row(2) + row(1, mail="new"))
    assert (landed.row_count, landed.rejected_rows) == (2, 2)
    assert (yard.rows(), yard.history()) == ([("1", "new"), ("2", "m")], [])
    line, reason, kept = yard.rejects("line, reason, row")[1]
    assert (line, reason) == (3, "row superseded by a later row of the same file with the same key")
    assert json.loads(kept)["email"] == "old"


def test_of_two_rows_of_one_key_known_at_once_the_later_line_holds(yard: Yard) -> None:
    yard.land_text(row(1, mail="first") + row(1, mail="last"))
    assert yard.rows("email") == [("last",)]


def test_facts_known_when_they_land(yard: Yard) -> None:
    yard.land_text(row(1), known_at="landed")
    assert yard.rows("occurred_at, known_at") == [(at(2026, 1, 1), AS_OF)]
    yard.land(as_of=AS_OF + dt.timedelta(days=1), known_at="landed")
    assert yard.rows("known_at") == [(AS_OF,)], "the same content is not known anew"


# Attributes


ATTRIBUTE_COLUMNS = {
    "heard": {"column": "mail"},
    "budget": {"column": "score", "type": "number"},
    "again": {"column": "seen", "type": "timestamp"},
    "email": {"column": "ok", "type": "boolean"},
}


def attributes(yard: Yard) -> list[tuple[Any, ...]]:
    return yard.rows("record_id, attribute, value_type, value", "raw.attributes")


def test_attributes_land_by_declared_type(yard: Yard) -> None:
    landed = yard.land_text(
        row(1, mail="fair", score="10", ok="Y", seen="2026-01-05T01:00:00+02")
        + row(2, mail="", score="?", ok=""),
        attributes=ATTRIBUTE_COLUMNS,
    )
    assert attributes(yard) == [
        ("1", "again", "timestamp", "2026-01-04 23:00:00"),
        ("1", "budget", "number", "10.0"),
        ("1", "email", "boolean", "true"),
        ("1", "heard", "text", "fair"),
    ]
    assert landed.rejected_values == 2, "the column score and the attribute that is read from it"
    assert {column for _, column, _ in yard.rejects()} == {"score", "attribute budget"}
    assert yard.rows("distinct raw_table, source_name", "raw.attributes") == [("mql", "forms")]


def test_a_whole_attribute_of_the_wrong_type_refuses_the_file(yard: Yard) -> None:
    yard.write("x.csv", HEADER + row(1, mail="a") + row(2, mail="b"))
    said = yard.refused(attributes={"size": {"column": "mail", "type": "number"}})
    assert "no value of x.csv for attribute size is a double, for example 'a' in line 2: " in said


def test_attributes_follow_their_row(yard: Yard) -> None:
    source = {
        "known_at": {"column": "seen"},
        "attributes": {"heard": {"column": "mail"}, "more": {"column": "ok"}},
    }
    yard.land_text(
        row(1, mail="fair", ok="x", seen="2026-01-01") + row(2, mail="ad", ok="", seen="2026-01-01"), **source
    )
    yard.land_text(row(1, mail="", ok="y", seen="2026-03-01"), **source)
    assert attributes(yard) == [("1", "more", "text", "y"), ("2", "heard", "text", "ad")], (
        "emptied with its row"
    )
    yard.land_text(row(1, mail="late news", ok="z", seen="2026-02-01"), **source)
    assert attributes(yard) == [("1", "more", "text", "y"), ("2", "heard", "text", "ad")], (
        "never by an older row"
    )


def test_an_attribute_that_is_declared_no_more_goes(yard: Yard) -> None:
    yard.land_text(row(1), attributes={"heard": {"column": "mail"}})
    yard.land(attributes={"said": {"column": "mail"}})
    assert attributes(yard) == [("1", "said", "text", "m")]
    yard.land()
    assert attributes(yard) == []


# Parquet


def test_parquet_with_typed_columns(yard: Yard) -> None:
    parquet(
        yard,
        "select 7::bigint as id, 'a@b.co' as mail, 1.25::decimal(9, 2) as score, true as ok, "
        "timestamptz '2026-01-05 10:00:00+02' as seen, date '2026-01-01' as made, [1, 2] as list, {'a': 1} as struct",
    )
    yard.land("x.parquet")
    assert yard.rows("mql_id, email, score, is_ok, seen_at, occurred_at") == [
        ("7", "a@b.co", 1.25, True, at(2026, 1, 5, 8), at(2026, 1, 1))
    ]


def test_parquet_is_read_by_its_declared_format(yard: Yard) -> None:
    parquet(yard, "select '1' as id, date '2026-01-01' as made", name="export")
    yard.land("export", columns={"mql_id": "id"}, format="parquet")
    assert yard.rows("mql_id") == [("1",)]


# All or nothing, and the tables themselves


def test_what_fails_midway_leaves_nothing(yard: Yard) -> None:
    yard.land_text(row(1, mail="a"))
    yard.connection.execute("alter table raw.attributes drop column value_type")
    yard.write("x.csv", HEADER + row(1, mail="b") + row(2))
    said = yard.refused(attributes={"heard": {"column": "mail"}})
    assert "x.csv cannot be landed (" in said
    assert yard.rows() == [("1", "a")]


def test_a_raw_table_gains_columns_and_keeps_its_rows(yard: Yard) -> None:
    yard.land_text(row(1))
    ensure_raw_table(yard.connection, "raw.mql", TYPES | STAMPED | {"new one": "integer"})
    ensure_raw_table(yard.connection, "raw.mql", TYPES | STAMPED | {"new one": "integer"})
    assert yard.rows('mql_id, "new one"') == [("1", None)]


def test_reading_leaves_no_tables_behind(yard: Yard) -> None:
    def temporary() -> int:
        found = yard.connection.execute(
            "select count(*) from duckdb_tables() where temporary and table_name like 'reject%'"
        ).fetchone()
        assert found is not None
        return int(found[0])

    yard.land_text(row(1) + "no row\n")
    yard.write("x.csv", HEADER + "no row\n" * 9)
    yard.refused()
    assert temporary() == 0


def test_a_file_that_changes_while_it_is_read_is_not_landed(yard: Yard) -> None:
    yard.write("x.csv", HEADER + row(1) + row(2))
    with pytest.raises(SourceError, match=r"x\.csv was changed while it was read"):
        yard.land(digest="of a half-written file")
    assert yard.rows() == []
    assert yard.land().row_count == 2


def test_a_file_lands_together_with_its_version(yard: Yard) -> None:
    yard.land_text(row(1) + row(2, score="?"))
    versions = {table: version.row_count for table, version in latest_versions(yard.connection).items()}
    assert versions == {"raw.mql": 2, "raw.mql_history": 0, "raw.rejected_rows": 1}


def test_typed_columns_of_parquet_land_as_their_texts_would(tmp_path):
    """A file that has the wanted types already is read without the way through text, and means the same."""
    moments = (
        "timestamp '2026-01-02 03:04:05.000006'",
        "timestamp '0026-01-01'",
        "'infinity'::timestamp",
        "null",
    )
    with Warehouse(Path(":memory:")).connect() as connection:
        rows = " union all ".join(f"select {moment}::timestamp as t, {at}.5 as d, {at} % 2 = 0 as b"
                                   for at, moment in enumerate(moments))  # fmt: skip
        connection.execute(f"copy ({rows}) to '{tmp_path / 'typed.parquet'}'")
        connection.execute(
            f"copy (select t::varchar as t, d::varchar as d, b::varchar as b from ({rows})) to '{tmp_path / 'texts.parquet'}'"
        )
        landed = {}
        for name in ("typed", "texts"):
            with scan(connection, tmp_path / f"{name}.parquet", "parquet", {}) as file:
                types = {"t": "timestamp", "d": "double", "b": "boolean"}
                read = ", ".join(
                    f"{value_sql(column, data_type, file.column_types[column], Reading())} as {column}"
                    for column, data_type in types.items()
                )
                landed[name] = connection.execute(f"select {read} from {file.relation}").fetchall()
    assert landed["typed"] == landed["texts"]
    assert [row[0] is None for row in landed["typed"]] == [False, True, True, True]
