"""Writing values and names into DuckDB SQL.

Belongs here: quoting. Does not belong here: queries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def relation(full_name: str) -> str:
    """A table's `schema.name` as quoted SQL."""
    return ".".join(identifier(part) for part in full_name.split("."))


def literal(value: object) -> str:
    """A scalar as a SQL literal.

    Raises:
        TypeError: the value is neither null, boolean, number, text, day nor moment.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dt.datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"{value!r} cannot be written as a SQL literal")


def literals(values: Iterable[object]) -> str:
    """Scalars as a comma-separated list of SQL literals."""
    return ", ".join(literal(value) for value in values)
