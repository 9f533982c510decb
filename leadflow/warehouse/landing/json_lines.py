"""JSON lines as DuckDB reads them: one object a line, its keys the columns, nested ones by their path (`a.b`).

Belongs here: which columns a file of JSON objects has and the relation that reads them. Does not belong here: keeping
the lines that are no objects (rejects.py).

DuckDB's read_json is not used: it takes a type for every column from the values it happens to see, so that a column
may be a number in one file and a text in the next, and a line that is no object stops the file or becomes a row of
nulls without a word. Lines are read as text instead, every value comes as its text, and whether a column is there is
found out from the whole file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.landing.copies import READER_LINE_BYTES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_KEYS = 200
"""An object of more different keys than this is a map, whose keys are data: it stays one column of JSON text."""

MAX_DEPTH = 120
"""An object nested deeper is not asked for its columns: DuckDB's json_group_structure dies of depth 127."""

IS_OBJECT = "case when json_valid(line) then json_type(line) = 'OBJECT' end"
"""SQL of whether `line` holds a JSON object; a line that is no JSON is not asked for its type, which would fail."""

WHY_NOT = (
    "case when nullif(trim(line), '') is null then null when not json_valid(line) then 'the line is no JSON' "
    "else 'the line is JSON, but no object' end"
)
"""SQL of why a line is no row; null of a blank line, which is nothing."""


_MAY_TELL_COLUMNS = (
    f"{IS_OBJECT} and case when strlen(line) < {2 * MAX_DEPTH} "
    f"or strlen(line) - strlen(replace(replace(line, '[', ''), '{{', '')) < {MAX_DEPTH} then true "
    f"else try(json_structure(repeat('[', {128 - MAX_DEPTH}) || line || repeat(']', {128 - MAX_DEPTH}))) is not null end"
)


def lines_relation(
    path_literal: str, encoding: str, packing: str | None = None, rejects: Sequence[str] = ()
) -> str:
    """SQL that stands for the lines of a file as text, in the column `line`, in the order of the file.

    Args:
        path_literal: the file as a SQL literal.
        encoding: of those that DuckDB reads.
        packing: gzip or zstd, where it is packed.
        rejects: temporary tables for the lines that are no text and for the scans; without them such lines are left out.
    """
    arguments = {
        "columns": "{line: 'VARCHAR'}",
        "delim": "chr(1)",  # which no line of JSON may hold
        "quote": "''",
        "escape": "''",
        "header": "false",
        "auto_detect": "false",
        "strict_mode": "false",  # line ends may be mixed
        "encoding": literal(encoding),
        "compression": literal(packing or "none"),
        "max_line_size": str(READER_LINE_BYTES),
        "buffer_size": str(READER_LINE_BYTES),
    }
    if rejects:
        table, scan = rejects
        arguments |= {
            "store_rejects": "true",
            "rejects_limit": "0",
            "rejects_table": literal(table),
            "rejects_scan": literal(scan),
        }
    else:
        arguments["ignore_errors"] = "true"
    return f"read_csv({path_literal}, {', '.join(f'{name} = {value}' for name, value in arguments.items())})"


def paths_of(
    connection: DuckDBPyConnection, lines: str, expected: Collection[str]
) -> tuple[dict[str, str], frozenset[str]]:
    """JSON pointers of the columns of a file by name, and which of the expected ones no object of it has a key for.

    Every value that is no object is a column; one that is null throughout tells nothing and is none unless it is
    expected. A key is found wherever in the file it stands.

    Args:
        connection: connection the lines are read on.
        lines: SQL of the lines.
        expected: columns that are wanted though the file may not have them, or though they hold an object.
    """
    (structure,) = connection.execute(
        f"select json_group_structure(cast(case when {_MAY_TELL_COLUMNS} then line end as json)) from {lines}"
    ).fetchone() or (None,)
    first = connection.execute(f"select line from {lines} where {_MAY_TELL_COLUMNS} limit 1").fetchone()
    found = json.loads(structure) if structure else {}
    columns: dict[str, str] = {}
    taken: set[str] = set()
    for keys in _leaves(found if isinstance(found, dict) else {}, json.loads(first[0]) if first else {}):
        base = name = ".".join(keys) or f"column{len(columns)}"
        number = 0
        while name.casefold() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.casefold())
        columns[name] = _pointer(keys)
    absent = set()
    for name in sorted(expected):
        if name.casefold() not in taken:
            taken.add(name.casefold())
            columns[name] = _pointer(name.split("."))
            if not _may_be_there(found, name.split(".")):
                absent.add(name)
    return columns, frozenset(absent)


def objects_relation(lines: str, columns: dict[str, str]) -> str:
    """SQL that stands for the objects of a file as rows of texts."""
    values = ", ".join(f"v[{place}] as {identifier(name)}" for place, name in enumerate(columns, 1))
    return f"(select {values} from (select {_values(list(columns.values()))} as v from {lines} where {IS_OBJECT}))"


def not_rows(lines: str) -> str:
    """SQL of the lines that are text and no objects: place among the lines that are text, reason, line."""
    return (
        f"select place, {WHY_NOT} as reason, line from (select row_number() over () as place, line from {lines}) "
        f"where coalesce(not ({IS_OBJECT}), true)"
    )


def _values(pointers: Sequence[str]) -> str:
    return f"json_extract_string(line, [{', '.join(map(literal, pointers))}])"


def _leaves(
    structure: dict[str, Any], example: object, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Paths of what is no object: those of the first object in its order, then the others by name."""
    order = list(example) if isinstance(example, dict) else []
    for key in [*(k for k in order if k in structure), *sorted(structure.keys() - set(order))]:
        inner = structure[key]
        if isinstance(inner, dict) and 0 < len(inner) <= MAX_KEYS:
            below = example.get(key) if isinstance(example, dict) else None
            yield from _leaves(inner, below, (*above, key))
        elif inner != "NULL":
            yield (*above, key)


def _may_be_there(structure: object, keys: Sequence[str]) -> bool:
    """Whether the structure of a file has a path, or something on its way of which it does not tell the inside."""
    for key in keys:
        if not isinstance(structure, dict):
            return True
        if key not in structure:
            return False
        structure = structure[key]
    return True


def _pointer(keys: Sequence[str]) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
