"""What DuckDB itself says of a setting of a source before any file is read.

Belongs here: whether a text is a time zone, a date format, an expression that keeps to its own row. Does not belong
here: what sources.yaml does with them (ingest/), and whether an expression fits a file (landing.py, check_mapping).

DuckDB is asked rather than a list kept here, so that what is taken at load is what landing can do.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_READS_THE_CLOCK = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
)
"""Written without brackets, so that the parser takes them for columns."""

_LOOKS_ELSEWHERE = ("pg_", "current_", "has_", "inet_")
_LOOKS_ELSEWHERE_BY_NAME = frozenset({"ago", "getenv", "session_user", "user", "unnest"})


@functools.cache
def time_zone_problem(name: str) -> str | None:
    """Why a text is no time zone, in words; None where it is one."""
    known = _time_zones()
    if name in known:
        return None
    by_fold = {zone.casefold(): zone for zone in sorted(known)}
    near = by_fold.get(name.casefold()) or next(
        (by_fold[one] for one in difflib.get_close_matches(name.casefold(), by_fold, n=1)), None
    )
    hint = f"; did you mean {near}" if near else ""
    return f"'{name}' is no time zone, which is written as Asia/Shanghai{hint}"


@functools.cache
def date_format_problem(layout: str) -> str | None:
    """Why landing could not read dates written so, in words; None where it can.

    A format without a year would make a moment of 1900 out of every value.
    """
    import duckdb

    with _engine() as connection:
        try:
            connection.execute("select try_strptime('', ?)", [layout]).fetchall()
        except duckdb.Error as error:
            said = str(error).split("\n")[0].split("specifier", 1)[-1].strip(" :")
            return f"'{layout}' is no format of dates ({said}); write it as %d/%m/%Y %H:%M"
    parts = set(layout.replace("%%", "").replace("%-", "%").split("%")[1:])
    if not any(part[:1] in "YyGcx" for part in parts if part):
        return f"'{layout}' has no year (%Y, or %y for two digits)"
    return None


@functools.cache
def expression_problem(expression: str) -> str | None:
    """Why an expression may not fill a column, in words; None where it may.

    It is SQL over the row's own columns: no other table or file, no setting of the machine, no clock and no chance, since
    the same file has to land as the same rows.
    """
    if not expression.strip():
        return "is empty"
    with _engine() as connection:
        # As it is put into landing's query: on a line of its own, since it may end in a comment.
        query = f"select ({expression}\n)"
        tree = json.loads(connection.execute("select json_serialize_sql(?)", [query]).fetchall()[0][0])
    if tree["error"]:
        return f"is no SQL expression ({tree['error_message']})"
    statements = tree["statements"]
    if len(statements) != 1 or len(statements[0]["node"].get("select_list", [])) != 1:
        return "is not one SQL expression"
    problems = (_node_problem(node) for node in _nodes(statements[0]["node"]))
    return next((problem for problem in problems if problem is not None), None)


def _node_problem(node: dict[str, Any]) -> str | None:
    kind = node.get("class") or node.get("type")
    if kind == "SUBQUERY":
        return "holds a subquery; it may only use columns of its own row"
    if kind == "STAR":
        return "holds a star; name the columns"
    if kind == "PARAMETER":
        return "holds a parameter, which nothing would fill"
    if kind == "COLUMN_REF" and node["column_names"][0].lower() in _READS_THE_CLOCK:
        return f"reads the clock by {node['column_names'][0]}; a row lands the same whenever it lands"
    name = str(node.get("function_name", "")).lower() if kind in ("FUNCTION", "WINDOW") else ""
    if name.startswith(_LOOKS_ELSEWHERE) or name in _LOOKS_ELSEWHERE_BY_NAME | _not_of_values_alone():
        return (
            f"calls {name}(), which does not go by the row's values alone; a file, a setting, the clock "
            "or chance may not fill a column"
        )
    return None


@functools.cache
def _not_of_values_alone() -> frozenset[str]:
    """Functions that read tables, or give another value the next time."""
    with _engine() as connection:
        found = connection.execute(
            "select function_name from duckdb_functions() where function_name <> 'error' group by function_name "
            "having (bool_or(function_type in ('table', 'table_macro')) "
            "or bool_or(function_type = 'scalar' and stability <> 'CONSISTENT')) and not "
            "bool_or(function_type in ('aggregate', 'window', 'macro') or coalesce(stability, '') = 'CONSISTENT')"
        ).fetchall()
    return frozenset(row[0].lower() for row in found)


def _nodes(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from _nodes(value)
    elif isinstance(part, list):
        for value in part:
            yield from _nodes(value)


@functools.cache
def _time_zones() -> frozenset[str]:
    with _engine() as connection:
        return frozenset(
            row[0] for row in connection.execute("select name from pg_timezone_names()").fetchall()
        )


@contextmanager
def _engine() -> Iterator[DuckDBPyConnection]:
    import duckdb

    connection = duckdb.connect()
    try:
        yield connection
    finally:
        connection.close()
