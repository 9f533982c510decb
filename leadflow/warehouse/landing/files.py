"""Files as DuckDB reads them: what columns a file has, and the relation that reads its rows.

Belongs here: looking at one file. Does not belong here: what its columns mean (ingest/), what becomes of its rows
(landing.py), how JSON is read (json_lines.py) and files are copied that DuckDB does not read (copies.py, excel.py).

DuckDB's own sniffer is not used for CSV. It judges by the first 20,480 lines: where the first quoted field comes later
it takes quotes for data and tears the field apart, and one odd quote within the sample makes it give up on the file.
What is read must not depend on where a quote happens to stand, so the dialect is said: the delimiter from the header,
double quotes, and what the source's read_options say instead.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import SourceError, first_line
from leadflow.quality.sql_text import literal
from leadflow.warehouse.landing import copies, excel, json_lines
from leadflow.warehouse.landing.landed_files import Signature, signature

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITERS = (",", ";", "\t", "|")
"""What may part the fields of a CSV file where read_options do not say."""

_HEADER_BYTES = 1 << 16
_DELIMITER_LINE = re.compile('"?sep=(.)"?', re.IGNORECASE)


@dataclass(frozen=True)
class FileScan:
    """A file that DuckDB can read.

    Attributes:
        path: the file.
        relation: SQL that stands for its rows in a from clause.
        column_types: DuckDB's types of its columns, in upper case, by name; of a text file all are VARCHAR.
        format: csv, excel, json or parquet.
        rejects: temporary table of the lines of a text file that a scan could not read.
        header_lines: lines of the file before its first row.
        not_rows: SQL of further lines that are no rows, where there are any: place among the lines that were read,
            reason (null of a blank line), line.
        signature: what the file system said of it before it was looked at.
        absent: columns that were expected and for which no object of a JSON file has a key.
    """

    path: Path
    relation: str
    column_types: Mapping[str, str]
    format: str
    rejects: str
    header_lines: int
    signature: Signature
    not_rows: str = ""
    absent: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(self.column_types)


@contextmanager
def scan(
    connection: DuckDBPyConnection,
    path: Path,
    file_format: str,
    options: Mapping[str, str],
    expected: Collection[str] = (),
) -> Iterator[FileScan]:
    """Look at a file: what columns it has, and how to read it.

    Values of a text file are read as text, so that a value of the wrong type is found row by row and not by the reader.

    Args:
        connection: connection the rows will be read on.
        path: the file.
        file_format: csv, excel, json or parquet.
        options: the source's read_options, where they are given.
        expected: columns that a JSON file is to have though none of its objects does: they are null then.

    Raises:
        SourceError: the file is empty, unreadable, or not of its format.
    """
    import duckdb

    suffix = secrets.token_hex(4)
    rejects, scans = f"reject_errors_{suffix}", f"reject_scans_{suffix}"
    not_rows, header_lines, absent = "", 0, frozenset[str]()
    with ExitStack() as stack:
        try:
            seen = signature(path)
            if seen.size_bytes == 0 and not (file_format == "json" and expected):
                raise _empty(path)
            if file_format == "parquet":
                relation = f"read_parquet({_path_literal(path)})"
            else:
                read, encoding = stack.enter_context(
                    _as_duckdb_reads_it(connection, path, file_format, options)
                )
                if file_format == "json":
                    _refuse_an_array(path, _beginning(read, encoding))
                    lines = json_lines.lines_relation(_path_literal(read), encoding, copies.packing(read))
                    columns, absent = json_lines.paths_of(connection, lines, expected)
                    if not columns:
                        is_text = not any(map(_is_no_text, _beginning(read, encoding)))
                        raise SourceError(
                            f"{path} holds no JSON object with a value",
                            (None if is_text else encoding_remedy(path))
                            or "write one object a line, or set the source's format",
                        )
                    not_rows = json_lines.not_rows(lines)
                    packing = copies.packing(read)
                    lines = json_lines.lines_relation(
                        _path_literal(read), encoding, packing, (rejects, scans)
                    )
                    relation = json_lines.objects_relation(lines, columns)
                else:
                    relation, header_lines = _csv_relation(path, read, encoding, options, rejects, scans)
            described = connection.execute(f"describe select * from {relation}").fetchall()
        except (duckdb.Error, OSError) as error:
            raise SourceError(
                f"{path} cannot be read as {file_format} ({first_line(error)})",
                f"check that it is a complete {file_format} file, or set the source's format and read_options",
            ) from None
        try:
            types = {row[0]: row[1] for row in described}
            yield FileScan(path, relation, types, file_format, rejects, header_lines, seen, not_rows, absent)
        finally:
            for name in (rejects, scans):
                connection.execute(f"drop table if exists temp.{name}")


@contextmanager
def _as_duckdb_reads_it(
    connection: DuckDBPyConnection, path: Path, file_format: str, options: Mapping[str, str]
) -> Iterator[tuple[Path, str]]:
    """The file, or a copy of it that DuckDB can read, and the encoding of which."""
    read, encoding = path, options.get("encoding", "utf-8")
    with ExitStack() as stack:
        if file_format == "excel" or encoding not in copies.READ_BY_DUCKDB:
            read = stack.enter_context(copies.temporary_folder(connection)) / "copy"
            if file_format == "excel":
                excel.copy_sheet(path, options.get("sheet"), int(options.get("header_row", 1)), read)
            else:
                copies.copy_as_utf_8(path, encoding, read)
            encoding = "utf-8"
        if file_format == "csv" and _has_mixed_line_ends(
            _beginning(read, encoding), options.get("quote", '"')
        ):
            unified = stack.enter_context(copies.temporary_folder(connection)) / "copy"
            copies.copy_as_utf_8(read, encoding, unified, has_one_line_end=True)
            read, encoding = unified, "utf-8"
        if copies.packing(read) is None:
            copies.check_lines(read)
        yield read, encoding


def _has_mixed_line_ends(text: str, quote: str) -> bool:
    """Whether lines end in several ways, which DuckDB does not read; within quotes they may."""
    unquoted = (
        re.sub(f"{re.escape(quote)}[^{re.escape(quote)}]*{re.escape(quote)}?", "", text) if quote else text
    )
    return len(set(re.findall("\r\n|\r|\n", unquoted.removesuffix("\r")))) > 1


def _refuse_an_array(path: Path, beginning: str) -> None:
    if beginning.lstrip("\ufeff \t\r\n").startswith("["):
        raise SourceError(
            f"{path} is one JSON array, and not one object a line",
            "write it as JSON lines, for example by `jq -c '.[]'`",
        )


@dataclass(frozen=True)
class Header:
    """How a CSV file begins.

    Attributes:
        blank_lines: lines before the header: blank ones, and the 'sep=;' by which Excel is told the delimiter.
        delimiter: what parts its fields.
        columns: names of its columns; none where the file holds no text.
    """

    blank_lines: int
    delimiter: str
    columns: list[str]


def header(text: str, options: Mapping[str, str]) -> Header:
    """What the text that a CSV file begins with says of it.

    Without options the delimiter is the one of DELIMITERS that the first line has most of. A column without a name is
    called by its place, and the second of one name gets a number, so that every column can be named.
    """
    quote, escape = options.get("quote", '"'), options.get("escape", '"')
    lines = list(io.StringIO(text.lstrip("\ufeff"), newline=""))
    blank_lines = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    lines = lines[blank_lines:]
    said = _DELIMITER_LINE.fullmatch(lines[0].rstrip("\r\n")) if len(lines) > 1 else None
    if said:
        lines, blank_lines = lines[1:], blank_lines + 1
    first = lines[0] if lines else ""
    unquoted = re.sub(f"{re.escape(quote)}.*?{re.escape(quote)}", "", first) if quote else first
    delimiter = options.get("delim") or (said[1] if said else max(DELIMITERS, key=unquoted.count))
    rows = csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape or None,
    )
    names: list[str] = []
    taken: set[str] = set()
    for place, cell in enumerate(next(rows, [])):
        base = name = cell.strip() or f"column{place}"
        number = 0
        while name.casefold() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return Header(blank_lines, delimiter, names)


def _csv_relation(
    path: Path, read: Path, encoding: str, options: Mapping[str, str], rejects: str, scans: str
) -> tuple[str, int]:
    """The relation of a CSV file, of which `read` may be a copy, and the lines before its first row."""
    begins = header(_beginning(read, encoding), options)
    if not begins.columns:
        raise _empty(path)
    if any(_is_no_text(char) for name in begins.columns for char in name):
        said = options.get("encoding", encoding)
        raise SourceError(
            f"{path} is not a CSV file in {said}: its first line is not text",
            encoding_remedy(path)
            or "save it as CSV in UTF-8, or set the source's format or read_options.encoding",
        )
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in begins.columns)
    arguments = {
        "delim": literal(begins.delimiter),
        "quote": literal(options.get("quote", '"')),
        "escape": literal(options.get("escape", '"')),
        "columns": f"{{{columns}}}",
        "header": "true",
        "skip": str(begins.blank_lines),
        "auto_detect": "false",
        "compression": literal(copies.packing(read) or "none"),
        "max_line_size": str(copies.READER_LINE_BYTES),
        "buffer_size": str(copies.READER_LINE_BYTES),
        "store_rejects": "true",
        "rejects_limit": "0",
        "rejects_table": literal(rejects),
        "rejects_scan": literal(scans),
    }
    if "encoding" in options:
        arguments["encoding"] = literal(encoding)
    given = ", ".join(f"{name} = {value}" for name, value in arguments.items())
    return f"read_csv({_path_literal(read)}, {given})", begins.blank_lines + 1


def encoding_remedy(path: Path) -> str | None:
    """What to set for a file that is not UTF-8, where that can be told."""
    likely = copies.likely_encoding(path)
    if likely is None:
        return None
    return f"it looks like {likely}: set read_options: {{encoding: {likely}}}, or save it in UTF-8"


def damage_remedy(path: Path, file_format: str, reason: str) -> str:
    """What to do about a file that could be opened and, for what DuckDB gives as the reason, not be read to its end."""
    if file_format == "csv" and "invalid state" in reason:
        try:
            if copies.has_several_line_ends(path):
                return (
                    "its lines end in several ways, and its first ones do not show it: write it with one kind of line "
                    "end, for example by `dos2unix` and `mac2unix`; or get it anew if it is damaged"
                )
        except OSError:
            pass
    return "get the file anew; it is damaged or incomplete"


def _is_no_text(char: str) -> bool:
    return char == "\ufffd" or (char < " " and char not in "\t\r\n")


def _beginning(path: Path, encoding: str) -> str:
    """The text a file begins with, unpacked by its ending; what is not of the encoding shows as U+FFFD."""
    import codecs

    import pyarrow as pa

    decoder = codecs.getincrementaldecoder(encoding)("replace")
    with pa.input_stream(str(path), compression=copies.packing(path)) as stream:
        return decoder.decode(stream.read(_HEADER_BYTES))


def _path_literal(path: Path) -> str:
    """The path as a SQL literal that names this file only, also where it holds what DuckDB takes for a glob."""
    return literal(re.sub(r"[\[*?]", r"[\g<0>]", str(path)))


def _empty(path: Path) -> SourceError:
    return SourceError(
        f"{path} is empty", "put a file with a header there, or take the source out of sources.yaml"
    )
