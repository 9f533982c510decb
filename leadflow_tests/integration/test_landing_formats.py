"""Landing JSON lines, Excel sheets, packed files and other encodings: what becomes of good and bad ones."""

from __future__ import annotations

import gzip
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from landing_yard import HEADER, Yard, row

from leadflow.errors import SourceError
from leadflow.warehouse.landing import copies, excel
from leadflow.warehouse.landing.files import scan

JSON_COLUMNS = {"mql_id": "id", "email": "who.mail"}


def objects(*rows: object) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)


def one(key: object, mail: object = "m", **more: object) -> dict[str, object]:
    return {"id": key, "who": {"mail": mail}, "made": "2026-01-01", **more}


def columns_of(yard: Yard, name: str, expected: tuple[str, ...] = ()) -> list[str]:
    with scan(yard.connection, yard.folder / name, "json", {}, expected) as file:
        return list(file.columns)


# JSON lines


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.json", "x.jsonl.gz", "x.jsonl.zst"])
def test_objects_land_as_rows(yard: Yard, name: str) -> None:
    text = objects(one(1, "ä@b.co", score=2.5, ok=True), one("2", None, score="3"), one(3)).encode()
    yard.write(
        name,
        gzip.compress(text, mtime=0)
        if name.endswith(".gz")
        else zstd(yard, text)
        if ".zst" in name
        else text,
    )
    landed = yard.land(name, columns={**JSON_COLUMNS, "score": "score", "is_ok": "ok"})
    assert (landed.row_count, landed.rejected_rows, landed.rejected_values) == (3, 0, 0)
    assert yard.rows("mql_id, email, score, is_ok, source_file") == [
        ("1", "ä@b.co", 2.5, True, name),
        ("2", None, 3.0, None, name),
        ("3", "m", None, None, name),
    ]


def zstd(yard: Yard, text: bytes) -> bytes:
    import pyarrow as pa

    path = yard.folder / "packed.zst"
    with pa.output_stream(str(path), compression="zstd") as stream:
        stream.write(text)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (
            [{"b": 1, "a": {"y": 1, "x": {"k": 2}}}, {"c": 1, "a": {"w": 1}}],
            ["b", "a.y", "a.x.k", "a.w", "c"],
        ),
        ([{"Id": 1, "id": 2, "ID": 3}], ["Id", "id_1", "ID_2"]),
        ([{"a.b": 1, "a": {"b": 2}}], ["a.b", "a.b_1"]),
        ([{'q"': 1, "s/t": 1, "~": 1, "it's": 1, "": 1}], ['q"', "s/t", "~", "it's", "column4"]),
        ([{"a": None, "b": [1, {"c": 2}], "d": {}}], ["b", "d"]),
        ([{"a": {"b": 1}}, {"a": "text"}], ["a"]),
        ([{"m": {f"k{i}": 1 for i in range(300)}}], ["m"]),
    ],
)
def test_columns_are_the_keys_of_all_objects(yard: Yard, rows: list[Any], columns: list[str]) -> None:
    yard.write("x.jsonl", objects(*rows))
    assert columns_of(yard, "x.jsonl") == columns


def test_a_key_far_into_the_file_is_found(yard: Yard) -> None:
    yard.write("x.jsonl", objects(*({"id": key} for key in range(30_000)), {"id": 0, "late": 1}))
    assert columns_of(yard, "x.jsonl") == ["id", "late"]


def test_values_come_as_their_texts(yard: Yard) -> None:
    """A type taken from the values would make 007 a number in one file and a text in the next."""
    values = {
        "a": "007",
        "b": 12345678901234567890123,
        "c": [1, {"x": "y"}],
        "d": "",
        "e": False,
        "f": "a\nb",
    }
    yard.write("x.jsonl", objects({"id": 1, "made": "2026-01-01", **values}))
    yard.land("x.jsonl", columns={"mql_id": "id"}, attributes={name: {"column": name} for name in values})
    assert yard.rows("attribute, value", "raw.attributes") == [
        ("a", "007"),
        ("b", "12345678901234567890123"),
        ("c", '[1,{"x":"y"}]'),
        ("e", "false"),
        ("f", "a\nb"),
    ]


def test_an_expression_reads_what_is_nested(yard: Yard) -> None:
    yard.write("x.jsonl", objects(one(1, tags=["x", "y"]), one(2)))
    yard.land(
        "x.jsonl", columns={"mql_id": "id", "email": {"expression": "\"who.mail\" || (tags ->> '$[1]')"}}
    )
    assert yard.rows() == [("1", "my"), ("2", None)]


def test_an_object_is_to_be_had_as_its_json(yard: Yard) -> None:
    yard.write("x.jsonl", objects(one(1)))
    yard.land("x.jsonl", columns={"mql_id": "id", "email": "who"})
    assert yard.rows() == [("1", '{"mail":"m"}')]


def test_what_no_object_of_a_file_has_is_null(yard: Yard) -> None:
    """Writers of JSON leave out what is null, and a quiet hour's file may hold none of a seldom key."""
    yard.write(
        "x.jsonl", objects({"id": 1, "made": "2026-01-01"}, {"id": 2, "made": "2026-01-01", "is": None})
    )
    yard.land("x.jsonl", columns=JSON_COLUMNS)
    assert yard.rows() == [("1", None), ("2", None)]
    with scan(yard.connection, yard.folder / "x.jsonl", "json", {}, {"id", "who.mail", "is"}) as file:
        assert file.absent == {"who.mail"}


def test_an_empty_file_of_json_is_no_rows(yard: Yard) -> None:
    yard.write("x.jsonl", "")
    assert yard.land("x.jsonl", columns=JSON_COLUMNS).row_count == 0


def test_lines_that_are_no_objects(yard: Yard) -> None:
    good = [objects(one(key)) for key in range(10)]
    text = (
        (
            good[0]
            + "\n"
            + '{"id": 5, "who"\n'
            + good[1]
            + "[1, 2]\n"
            + "   \n"
            + '{"id": 6} {"id": 7}\n'
            + "".join(good[2:])
        ).encode()
        + b'{"id": "\xfc"}\n'
        + objects({"id": 8, "made": "not a day"}).encode()
    )
    yard.write("x.jsonl", text)
    landed = yard.land("x.jsonl", columns=JSON_COLUMNS)
    assert (landed.row_count, landed.rejected_rows) == (10, 5)
    rejects = yard.rejects("line, column_name, reason, row")
    assert rejects[:3] == [
        (3, None, "the line is no JSON", '{"id": 5, "who"'),
        (5, None, "the line is JSON, but no object", "[1, 2]"),
        (7, None, "the line is no JSON", '{"id": 6} {"id": 7}'),
    ]
    assert rejects[3][0] == 16
    assert "not utf-8 encoded" in rejects[3][2]
    assert [reject[:3] for reject in rejects[4:]] == [
        (17, "known_at", "row rejected: the value is not readable"),
        (17, "occurred_at", "row rejected: the value is not readable"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\n", "x.json holds no JSON object with a value: write one object a line, or set the source's format."),
        ('[\n{"id": 1}\n]\n', "x.json is one JSON array, and not one object a line: write it as JSON lines"),
        ("<html></html>\n" * 3, "x.json holds no JSON object with a value"),
        (objects(one(1)) + "{\n}\n]\n", "source 'forms': 3 of 4 lines of x.json cannot be read, first line 2 (the line is no JSON)"),
    ],
)  # fmt: skip
def test_files_that_are_no_json_lines(yard: Yard, text: str, said: str) -> None:
    yard.write("x.json", text)
    columns = JSON_COLUMNS if "id" in text else {"mql_id": {"expression": "1"}}
    assert yard.refused("x.json", columns=columns, occurred_at={"constant": "2026-01-01"}).startswith(said)


# Packed files


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst", "x.jsonl.gz"])
def test_a_packed_file_that_is_damaged(yard: Yard, name: str) -> None:
    """DuckDB looks at no check sum, and takes a .zst that is cut short for whole."""
    noise = [os.urandom(30).hex() for _ in range(9999)]  # more than what a look at its beginning unpacks
    rows = [row(key, mail=mail) for key, mail in enumerate(noise)]
    lines = [objects(one(key, mail)) for key, mail in enumerate(noise)]
    text = ("".join(lines) if "jsonl" in name else HEADER + "".join(rows)).encode()
    packed = gzip.compress(text, mtime=0) if name.endswith(".gz") else zstd(yard, text)
    columns = {"columns": {"mql_id": "id"}}
    damaged = packed[:-8] + bytes(4) + packed[-4:] if name.endswith(".gz") else packed[:-3]
    yard.write(name, damaged)
    said = yard.refused(name, **columns)
    assert said.startswith(f"source 'forms': {name} cannot be read to its end (")
    assert said.endswith("get the file anew; it is damaged or incomplete.")
    yard.write(name, packed)
    assert yard.land(name, **columns).row_count == 9999


# Encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1252", "Müller – „Söhne“ €"),
        ("windows-1251", "Иван"),
        ("gb18030", "北京小米科技有限公司 𠀀"),
        ("big5", "台積電"),
        ("shift_jis", "ソニー"),
        ("euc-kr", "삼성전자"),
        ("utf-16", "Müller 北京"),
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl"])
def test_encodings(yard: Yard, encoding: str, text: str, name: str) -> None:
    rows = f"1,{text}|\\,2026-01-01\n"
    content = objects(one(1, text + "|\\")) if "json" in name else "id,who.mail,made\n" + rows
    packed = content.encode(encoding)
    yard.write(name, gzip.compress(packed, mtime=0) if name.endswith(".gz") else packed)
    yard.land(name, columns=JSON_COLUMNS, read_options={"encoding": encoding})
    assert yard.rows() == [("1", text + "|\\")]


def test_a_long_file_is_copied_part_by_part_without_a_seam(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_BLOCK_BYTES", 7)
    yard.write("x.csv", (HEADER + "".join(row(key, mail="公司") for key in range(50))).encode("gb18030"))
    assert yard.land(read_options={"encoding": "gb18030"}).row_count == 50
    assert yard.rows("distinct email") == [("公司",)]


def test_bytes_that_are_not_of_the_encoding_cost_their_line(yard: Yard) -> None:
    yard.write(
        "x.csv",
        (HEADER + row(1, mail="公") + "2,?").encode("gb18030")
        + b"\xff,1,yes,,2026-01-01\n"
        + row(3).encode(),
    )
    yard.land(read_options={"encoding": "gb18030"})
    assert yard.rows() == [("1", "公"), ("3", "m")]
    assert yard.rejects("line, column_name") == [(3, "mail")]


def test_a_copy_is_gone_afterwards(yard: Yard) -> None:
    yard.write("x.csv", (HEADER + row(1)).encode())
    yard.land(read_options={"encoding": "gb18030"})
    assert list(yard.folder.rglob("leadflow_copy_*")) == []


@pytest.mark.parametrize(
    ("encoding", "head", "cells"),
    [
        ("windows-1252", HEADER, "Jürgen Müller, Größe"),
        ("gb18030", HEADER, "北京小米科技有限公司"),
        ("windows-1252", "id,mail,score,ok,seen,made,Straße und Hausnummer\n", "x"),
        ("utf-16", HEADER, "x"),
    ],
)
def test_an_encoding_is_proposed(yard: Yard, encoding: str, head: str, cells: str) -> None:
    tail = ",x" if "Haus" in head else ""
    rows = "".join(row(key, mail=f'"{cells}"').rstrip() + tail + "\n" for key in range(20))
    yard.write("x.csv", (head + rows).encode(encoding))
    said = yard.refused()
    assert (
        f"it looks like {encoding}: set read_options: {{encoding: {encoding}}}, or save it in UTF-8." in said
    )


# Excel


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    """A workbook as Excel writes it, as far as cells go; a `date` is a number with the format of a day."""
    import datetime as dt

    def cell(place: str, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        if isinstance(value, dt.datetime):
            days = (value - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)  # noqa: DTZ001 - Excel knows no zones
            return f'<c r="{place}" s="1"><v>{days!r}</v></c>'
        if isinstance(value, int | float):
            return f'<c r="{place}"><v>{value!r}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    listed = range(1, len(sheets) + 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{types}.worksheet+xml"/>'
            for n in listed
        )
        packed.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{types}.styles+xml"/>{overrides}</Types>',
        )
        packed.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{packages}"><Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{packages}">'
            + "".join(
                f'<Relationship Id="rId{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                for n in listed
            )
            + f'<Relationship Id="rId99" Type="{relations}/styles" Target="styles.xml"/></Relationships>',
        )
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
            + "".join(
                f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>'
                for n, name in zip(listed, sheets, strict=True)
            )
            + "</sheets></workbook>",
        )
        packed.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>',
        )
        for n, rows in zip(listed, sheets.values(), strict=True):
            lines = "".join(
                f'<row r="{number}">'
                + "".join(cell(f"{chr(65 + place)}{number}", value) for place, value in enumerate(cells))
                + "</row>"
                for number, cells in enumerate(rows, 1)
                if cells
            )
            packed.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
            )
    return path


def moment(*parts: int) -> Any:
    import datetime as dt

    return dt.datetime(*parts)  # noqa: DTZ001 - instants are naive UTC throughout


HEAD: list[object] = ["id", "mail", "score", "ok", "seen", "made"]
FIRST: list[object] = [7.0, 'a,"b" Müller', 2.5, True, moment(2026, 1, 2, 3, 4, 5), moment(2026, 1, 1)]


def test_a_sheet_lands(yard: Yard) -> None:
    pytest.importorskip("python_calamine")
    workbook(yard.folder / "x.xlsx", {"Leads": [HEAD, FIRST, [8, None, None, None, None, "2026-01-03"]]})
    yard.land("x.xlsx")
    assert yard.rows("mql_id, email, score, is_ok, seen_at, occurred_at, source_file") == [
        ("7", 'a,"b" Müller', 2.5, True, moment(2026, 1, 2, 3, 4, 5), moment(2026, 1, 1), "x.xlsx"),
        ("8", None, None, None, None, moment(2026, 1, 3), "x.xlsx"),
    ]


def test_a_header_further_down_a_sheet_of_several(yard: Yard) -> None:
    pytest.importorskip("python_calamine")
    rows: list[list[object]] = [
        ["Leads of 2026"],
        [],
        HEAD,
        FIRST,
        ["no time"],
        [None, None, None, None, None, None, "a remark"],
    ]
    workbook(yard.folder / "x.xlsx", {"Notes": [["none"]], "Leads": rows})
    options = {"sheet": "Leads", "header_row": 3}
    yard.land("x.xlsx", read_options=options)
    assert yard.rows("mql_id") == [("7",)]
    assert yard.rejects("distinct line") == [(5,)], "a line is the sheet's row"
    said = yard.refused("x.xlsx")
    assert (
        said
        == "x.xlsx holds the sheets 'Notes', 'Leads', and the source does not say which: set read_options.sheet."
    )
    said = yard.refused("x.xlsx", read_options={"sheet": "leads"})
    assert said == "x.xlsx has no sheet 'leads'; it holds 'Notes', 'Leads': mend read_options.sheet."


def test_a_workbook_that_is_none(yard: Yard) -> None:
    pytest.importorskip("python_calamine")
    yard.write("x.xlsx", b"PK\x03\x04 and no more")
    assert yard.refused("x.xlsx").startswith("x.xlsx cannot be read as an Excel workbook (")


def test_a_workbook_too_large_is_refused_unread(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("python_calamine")
    workbook(yard.folder / "x.xlsx", {"Leads": [HEAD, *([FIRST] * 50)]})
    monkeypatch.setattr(excel, "MAX_UNPACKED_BYTES", 5000)
    said = yard.refused("x.xlsx")
    assert "a sheet has to fit into memory as a whole" in said
    assert said.endswith("save the sheet as CSV in UTF-8 or as Parquet.")


def test_without_the_extra_it_is_named(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    yard.write("x.xlsx", b"x")
    with pytest.raises(SourceError, match=r"install leadflow\[excel\], or save the sheet as CSV in UTF-8"):
        yard.land("x.xlsx")
