"""Files as no one wants them: what lands of each, what is told of the rest, and that no row is lost without a word.

What test_landing.py and test_landing_formats.py hold is not repeated: damaged packed and Parquet files, lines that are no
rows, other encodings, values that do not fit.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from landing_yard import HEADER, Yard, row

from leadflow.errors import SourceError
from leadflow.warehouse.landing import copies
from leadflow.warehouse.landing.files import header

ID_AND_MAIL = {"mql_id": "id", "email": "mail"}


def lines(*keys: int) -> str:
    return "".join(row(key) for key in keys)


def an_object(key: int, mail: str = '"m"') -> str:
    return f'{{"id": {key}, "mail": {mail}, "made": "2026-01-01"}}\n'


# Line ends


@pytest.mark.parametrize(
    ("text", "mails"),
    [
        ("id,mail,made\r\n1,a,2026-01-01\n2,b,2026-01-01\n", ["a", "b"]),
        ("id,mail,made\n1,a,2026-01-01\r\n2,b,2026-01-01\n", ["a", "b"]),
        ("id,mail,made\r\n1,a,2026-01-01\n2,b,2026-01-01\r3,c,2026-01-01\r\n", ["a", "b", "c"]),
        ('id,mail,made\n1,"a\r\nb",2026-01-01\r\n2,c,2026-01-01', ["a\nb", "c"]),
        ('id,mail,made\r\n1,"a\nb",2026-01-01\r\n', ["a\nb"]),
        ('id,mail,made\n1,"a\r\nb",2026-01-01\n', ["a\r\nb"]),
    ],
    ids=[
        "header only",
        "one line only",
        "three kinds",
        "mixed, also quoted",
        "as Excel writes",
        "quoted ones are kept",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16"])
def test_lines_that_end_in_several_ways(yard: Yard, text: str, mails: list[str], encoding: str) -> None:
    yard.write("x.csv", text.encode(encoding))
    landed = yard.land(columns=ID_AND_MAIL, read_options={"encoding": encoding})
    assert (landed.row_count, landed.rejected_rows) == (len(mails), 0)
    assert [mail for _, mail in yard.rows()] == mails


@pytest.mark.parametrize(("first", "later"), [("\r\n", "\n"), ("\n", "\r\n"), ("\n", "\r")])
def test_line_ends_that_change_far_down_are_told_as_what_they_are(yard: Yard, first: str, later: str) -> None:
    text = HEADER + lines(*range(4000))
    yard.write("x.csv", text.replace("\n", first) + lines(*range(4000, 8000)).replace("\n", later))
    assert "its lines end in several ways, and its first ones do not show it" in yard.refused()


def test_a_header_that_comes_twice(yard: Yard) -> None:
    """Files are put together by hand: the second header is a row that is none, and costs nothing but itself."""
    yard.write("x.csv", HEADER + HEADER + lines(1, 2) + HEADER + lines(3))
    landed = yard.land()
    assert (landed.row_count, landed.rejected_rows) == (3, 2)
    assert yard.rejects("distinct line") == [(2,), (5,)]


def test_a_header_that_comes_twice_of_texts_alone(yard: Yard) -> None:
    yard.write("x.csv", "id,mail,made\n1,a,2026-01-01\nid,mail,made\n2,b,2026-01-01\n")
    assert yard.land(columns=ID_AND_MAIL).rejected_rows == 1
    assert yard.rows() == [("1", "a"), ("2", "b")]


# What Excel writes first


@pytest.mark.parametrize(
    ("text", "lines_before", "delimiter", "columns"),
    [
        ("sep=;\r\na;b,c\r\n", 1, ";", ["a", "b,c"]),
        ('\ufeff"sep=|"\na,b|c\n', 1, "|", ["a,b", "c"]),
        ("\nSEP=,\n\na,b\n", 2, ",", []),
        ("sep=;\n", 0, ";", ["sep=", "column1"]),
        ("separator,b\n", 0, ",", ["separator", "b"]),
    ],
)
def test_a_line_that_says_the_delimiter(
    text: str, lines_before: int, delimiter: str, columns: list[str]
) -> None:
    begins = header(text, {})
    assert (begins.blank_lines, begins.delimiter, begins.columns) == (lines_before, delimiter, columns)


def test_rows_below_such_a_line_land(yard: Yard) -> None:
    yard.write("x.csv", "sep=;\r\nid;mail;made\r\n1;a,b;2026-01-01\r\n2;c;never\r\n")
    yard.land(columns=ID_AND_MAIL)
    assert yard.rows() == [("1", "a,b")]
    assert yard.rejects("distinct line") == [(4,)]


# UTF-16


@pytest.mark.parametrize("mark", [b"", b"\xff\xfe", b"\xfe\xff"], ids=["none", "little-endian", "big-endian"])
def test_utf_16_by_its_byte_order_mark(yard: Yard, mark: bytes) -> None:
    """DuckDB takes big-endian text for no rows at all."""
    text = HEADER + row(1, mail="Müller 北京 🙂")
    yard.write("x.csv", mark + text.encode("utf-16-be" if mark == b"\xfe\xff" else "utf-16-le"))
    said = yard.refused()
    assert said.endswith("it looks like utf-16: set read_options: {encoding: utf-16}, or save it in UTF-8.")
    yard.land(read_options={"encoding": "utf-16"})
    assert yard.rows() == [("1", "Müller 北京 🙂")]


def test_utf_16_cut_within_a_character_and_half_a_character(yard: Yard) -> None:
    text = (HEADER + row(1) + "2,").encode("utf-16") + b"\x00\xd8" + row(3)[1:].encode("utf-16-le")
    yard.write("x.csv", text + row(4).encode("utf-16-le") + b"5")
    yard.land(read_options={"encoding": "utf-16"})
    assert yard.rows("mql_id") == [("1",), ("4",)]
    assert yard.rejects("distinct line") == [(3,), (5,)]


@pytest.mark.parametrize(
    "content",
    [(HEADER + lines(1)).encode("utf-32"), b"id\0,mail,made\n1,m,2026-01-01\n"],
    ids=["utf-32", "a zero in the header"],
)
def test_no_encoding_is_proposed_where_none_fits(yard: Yard, content: bytes) -> None:
    yard.write("x.csv", content)
    assert yard.refused().endswith(
        "save it as CSV in UTF-8, or set the source's format or read_options.encoding."
    )


# Large cells and long lines


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl"])
def test_a_cell_of_many_megabytes_lands_and_so_do_its_neighbours(yard: Yard, name: str) -> None:
    """DuckDB's own bound is 2 MB, and beyond its buffer it leaves out the line without a word."""
    cell = "x" * (50 << 20)
    if "json" in name:
        text = an_object(1) + an_object(2, f'"{cell}"') + an_object(3)
    else:
        text = HEADER + row(1) + row(2, mail=cell) + row(3)
    yard.write(name, gzip.compress(text.encode(), 1, mtime=0) if name.endswith(".gz") else text)
    landed = yard.land(name, columns=ID_AND_MAIL)
    assert (landed.row_count, landed.rejected_rows) == (3, 0)
    assert yard.rows("mql_id, length(email)") == [("1", 1), ("2", len(cell)), ("3", 1)]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl"])
@pytest.mark.parametrize("before", [0, 500, 1400])
def test_a_line_that_is_too_long_refuses_the_file(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, name: str, before: int
) -> None:
    monkeypatch.setattr(copies, "MAX_LINE_BYTES", 1 << 20)
    monkeypatch.setattr(copies, "_BLOCK_BYTES", 1 << 17)
    cell = "x" * ((1 << 20) + 5000)
    neighbours = "".join((an_object if "json" in name else row)(key) for key in range(10, 10 + before))
    if "json" in name:
        text = neighbours + an_object(2, f'"{cell}"') + an_object(3)
    else:
        text = HEADER + neighbours + row(2, mail=cell) + row(3)
    yard.write(name, gzip.compress(text.encode(), 1, mtime=0) if name.endswith(".gz") else text)
    assert yard.refused(name, columns=ID_AND_MAIL).startswith(f"{name} holds a line of more than 1 MB: ")


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_a_line_that_only_duckdb_finds_too_long_is_kept_with_its_reason(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It names no column with it, as it does with all else."""
    monkeypatch.setattr(copies, "READER_LINE_BYTES", 1 << 16)
    text = HEADER + row(1) + row(2, mail="x" * 66_000) + "\n" + row(3)
    yard.write(name, gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text)
    landed = yard.land(name)
    assert (landed.row_count, landed.rejected_rows) == (2, 1)
    assert yard.rows("mql_id") == [("1",), ("3",)]
    ((line, reason),) = yard.rejects("line, reason")
    assert line == 3
    assert reason.startswith("Maximum line size of 65536 bytes exceeded")


def test_a_cell_too_long_over_many_lines_refuses_the_file(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "READER_LINE_BYTES", 1 << 16)
    yard.write("x.csv", HEADER + row(1) + row(2, mail='"' + "x\n" * (1 << 16) + '"') + row(3))
    assert "lines of x.csv cannot be read, first line 3 (" in yard.refused()


@pytest.mark.parametrize("line_bytes", [100, 600_000, (1 << 20) - 20])
def test_lines_that_are_not_too_long_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line_bytes: int
) -> None:
    monkeypatch.setattr(copies, "MAX_LINE_BYTES", 1 << 20)
    path = tmp_path / "x.csv"
    path.write_bytes((b"x" * line_bytes + b"\n") * (3_000_000 // line_bytes))
    copies.check_lines(path)


def test_thousands_of_columns(yard: Yard) -> None:
    names = [f"c{number}" for number in range(2_000)]
    yard.write(
        "x.csv", ",".join(["id", "mail", "made", *names]) + "\n" + "1,m,2026-01-01" + ",v" * 2_000 + "\n"
    )
    yard.land(columns=ID_AND_MAIL, attributes={"last": {"column": "c1999"}})
    assert yard.rows("attribute, value", "raw.attributes") == [("last", "v")]


# Packed files


def test_endings_in_capitals(yard: Yard) -> None:
    yard.write("X.CSV.GZ", gzip.compress((HEADER + lines(1)).encode()))
    assert yard.land("X.CSV.GZ").row_count == 1
    yard.write("Y.JSONL.GZ", gzip.compress(an_object(2).encode()))
    assert yard.land("Y.JSONL.GZ", columns=ID_AND_MAIL).row_count == 1


def test_packed_parts_one_behind_the_other_are_one_file(yard: Yard) -> None:
    yard.write("x.csv.gz", gzip.compress((HEADER + lines(1)).encode()) + gzip.compress(lines(2).encode()))
    assert yard.land("x.csv.gz").row_count == 2


def test_something_behind_a_packed_file(yard: Yard) -> None:
    yard.write("x.csv.gz", gzip.compress((HEADER + lines(1)).encode()) + b"garbage")
    assert "x.csv.gz cannot be read" in yard.refused("x.csv.gz")


# Moments and numbers


@pytest.mark.parametrize(
    "moment", ["0000-00-00", "0000-00-00 00:00:00", "20226-01-01", "2026-02-30", "infinity", "1-1-1"]
)
def test_moments_that_are_none(yard: Yard, moment: str) -> None:
    yard.land_text(lines(1, 2, 3) + row(4, at=moment) + row(5, seen=moment))
    assert yard.rows("mql_id") == [("1",), ("2",), ("3",), ("5",)]
    assert {(line, column) for line, column, _ in yard.rejects()} == {
        (5, "occurred_at"),
        (5, "known_at"),
        (6, "seen_at"),
    }


@pytest.mark.parametrize(
    "number",
    [
        '"1,234.50"',
        "1 234",
        "€5",
        "12%",
        "1.234.567",
        "=1+1",
        "Infinity",
        "-inf",
        "NaN",
        "0x10",
        "0b11",
        "1e400",
    ],
)
def test_numbers_that_are_written_otherwise_are_told_and_not_guessed(yard: Yard, number: str) -> None:
    yard.land_text(lines(1, 2, 3) + row(4, score=number))
    assert yard.rows("score") == [(1.0,), (1.0,), (1.0,), (None,)]
    assert yard.rejects("line, column_name") == [(5, "score")]


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16"])
def test_json_in_another_encoding_is_told_by_its_name(yard: Yard, encoding: str) -> None:
    yard.write("x.jsonl", "".join(an_object(key, '"Müller Straße"') for key in range(5)).encode(encoding))
    said = yard.refused("x.jsonl", columns=ID_AND_MAIL)
    assert said.endswith(
        f"it looks like {encoding}: set read_options: {{encoding: {encoding}}}, or save it in UTF-8."
    )


def test_of_many_columns_the_nearest_are_told(yard: Yard) -> None:
    names = [f"c{number}" for number in range(2_000)]
    yard.write("x.csv", ",".join(["id", *names, "made", "e_mail"]) + "\n")
    said = yard.refused(columns={"mql_id": "id", "email": "e-mail"})
    assert "c18, e_mail and 1,982 more): did you mean 'e_mail'." in said


# SQL, formulas and templates in names and cells


HOSTILE = [
    "'; drop table raw.mql; --",
    '"); drop table raw.mql; --',
    "=cmd|' /C calc'!A0",
    "=1+1",
    "@SUM(1)",
    "{{ 1 + 1 }}",
    "{% raw %}",
    "${HOME}",
    "$(touch pwned)",
    "%s%n",
    "[red]x[/red]",
    "<script>alert(1)</script>",
    "../../x",
    "\\",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts_wherever_they_stand(yard: Yard, text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    name = text.replace("/", "_").replace("$", "S") + ".csv"  # a path may name variables
    yard.write(name, f"id,{quoted},made\n1,{quoted},2026-01-01\n2,{quoted},{quoted}\n")
    yard.land(name, columns={"mql_id": "id", "email": text}, attributes={text: {"column": text}})
    assert yard.rows("mql_id, email, source_file") == [("1", text, name)]
    assert yard.rows("attribute, value", "raw.attributes") == [(text, text)]
    assert [json.loads(kept)[text] for (kept,) in yard.rejects("distinct row")] == [text]
    assert not Path("pwned").exists()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_keys_of_json_are_texts(yard: Yard, text: str) -> None:
    yard.write("x.jsonl", json.dumps({"id": 1, "made": "2026-01-01", text: text}) + "\n")
    yard.land("x.jsonl", columns={"mql_id": "id", "email": text})
    assert yard.rows() == [("1", text)]


@pytest.mark.parametrize(
    "name", ["a\nb.csv", "a b (1).csv", "a%20b#c?.csv", "北京 ü.csv", "x'y.csv", "a\\b.csv", "-x.csv"]
)
def test_odd_names_of_files(yard: Yard, name: str) -> None:
    yard.write(name, HEADER + lines(1))
    yard.land(name)
    assert yard.rows("mql_id, source_file") == [("1", name)]


# What is no file


def test_what_is_there_and_no_file(yard: Yard) -> None:
    (yard.folder / "folder.csv").mkdir()
    (yard.folder / "loop.csv").symlink_to(yard.folder / "loop.csv")
    (yard.folder / "gone.csv").symlink_to(yard.folder / "nothing.csv")
    os.mkfifo(yard.folder / "pipe.csv")  # reading it would wait for ever
    assert "source 'forms': folder.csv is a folder: name its files" in yard.refused("folder.csv")
    for name in ("loop.csv", "gone.csv", "pipe.csv"):
        assert f"source 'forms': {name} does not exist" in yard.refused(name)


# Parquet


def test_parquet_of_all_kinds_of_types(yard: Yard) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    nanoseconds = pa.array([1_767_225_600_000_000_001] * 2, pa.timestamp("ns"))
    here = dt.timezone(dt.timedelta(hours=2))
    columns = {
        "id": pa.array([2**64 - 1, 7], pa.uint64()),
        "mail": pa.array([{"a": 1, "b": [1, 2]}, None]),
        "score": pa.array([Decimal("12.50"), None]),
        "ok": pa.array([1, 0], pa.int8()),
        "seen": pa.array([dt.datetime(2026, 1, 5, 10, tzinfo=here)] * 2, pa.timestamp("ms", "Europe/Berlin")),
        "made": nanoseconds,
        "list": pa.array([["x", None], []]),
        "bytes": pa.array([b"\xff\x00", None]),
        "day": pa.array([dt.date(2026, 1, 2)] * 2),
        "word": pa.array(["w", None]).dictionary_encode(),
        "half": pa.array([0.5, None], pa.float32()),
    }
    pq.write_table(pa.table(columns), yard.folder / "x.parquet")
    extra = {name: {"column": name} for name in ("list", "bytes", "day", "word", "half")}
    landed = yard.land("x.parquet", attributes=extra)
    assert (landed.row_count, landed.rejected_rows, landed.rejected_values) == (2, 0, 0)
    assert yard.rows("mql_id, score, is_ok, seen_at, occurred_at") == [
        ("18446744073709551615", 12.5, True, dt.datetime(2026, 1, 5, 8), dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - instants are naive UTC throughout
        ("7", None, False, dt.datetime(2026, 1, 5, 8), dt.datetime(2026, 1, 1)),  # noqa: DTZ001
    ]
    assert yard.rows("attribute, value", "raw.attributes where record_id <> '7'") == [
        ("bytes", "\\xFF\\x00"),
        ("day", "2026-01-02"),
        ("half", "0.5"),
        ("list", "[x, NULL]"),
        ("word", "w"),
    ]


def test_parquet_without_its_footer(yard: Yard) -> None:
    """As it stands while it is being written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = yard.folder / "whole.parquet"
    pq.write_table(pa.table({"id": ["1"], "mail": ["m"], "made": ["2026-01-01"]}), whole)
    yard.write("x.parquet", whole.read_bytes()[:-12])
    said = yard.refused("x.parquet", columns=ID_AND_MAIL)
    assert said.startswith("x.parquet cannot be read as parquet (")
    assert "check that it is a complete parquet file" in said


# JSON


@pytest.mark.parametrize("depth", [100, 119, 126, 127, 128, 2_000, 50_000])
@pytest.mark.parametrize(("opens", "closes"), [('{"a":', "}"), ("[", "]")], ids=["objects", "lists"])
def test_json_however_deep_costs_nothing(yard: Yard, depth: int, opens: str, closes: str) -> None:
    """DuckDB's json_group_structure dies of it, and takes the database with it."""
    deep = opens * depth + "1" + closes * depth
    yard.write("x.jsonl", an_object(1) + an_object(2, deep) + an_object(3))
    landed = yard.land("x.jsonl", columns=ID_AND_MAIL)
    assert (landed.row_count, landed.rejected_rows) == (3, 0)
    assert yard.rows("mql_id") == [("1",), ("2",), ("3",)]


@pytest.mark.parametrize(
    ("mail", "lands"),
    [
        ("-0", "0"),
        ("1e999", "1e999"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ('"\\u0000x"', "\0x"),
        ('"a", "mail": "b"', "a"),
    ],
    ids=["minus zero", "a huge number", "a long number", "a zero character", "a key twice"],
)
def test_odd_values_of_json(yard: Yard, mail: str, lands: str) -> None:
    yard.write("x.jsonl", an_object(1, mail))
    yard.land("x.jsonl", columns=ID_AND_MAIL)
    assert yard.rows() == [("1", lands)]


def test_a_line_of_json_cut_short_is_kept_and_told(yard: Yard) -> None:
    yard.write("x.jsonl", an_object(1) + an_object(2) + '{"id": 3, "ma')
    assert yard.land("x.jsonl", columns=ID_AND_MAIL).rejected_rows == 1
    assert yard.rejects("line, reason, row") == [(3, "the line is no JSON", '{"id": 3, "ma')]


# Files that are being written


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_file_that_grows_while_it_is_read_is_not_landed(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from leadflow.warehouse.landing import rejects

    text = an_object(1) if "json" in name else "id,mail,made\n1,m,2026-01-01\n"
    path = yard.write(name, text)
    take_lines = rejects.Rejects.take_lines

    def grow(self: rejects.Rejects) -> int:
        with path.open("a") as file:
            file.write(text)
        return take_lines(self)

    monkeypatch.setattr(rejects.Rejects, "take_lines", grow)
    with pytest.raises(SourceError, match="was changed while it was read"):
        yard.land(name, columns=ID_AND_MAIL)
    assert yard.rows() == []
    monkeypatch.undo()
    yard.write(name, text)
    assert yard.land(name, columns=ID_AND_MAIL).row_count == 1
