"""DuckDB's type names, as far as a contract needs them.

Belongs here: telling a type from a typing slip, and which values go with it. Does not belong here: comparing types,
which DuckDB does itself (expectation_queries.column_types_query).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

Family = Literal["text", "number", "boolean", "moment", "other"]

_NAMES: dict[Family, tuple[str, ...]] = {
    "text": ("varchar", "text", "string", "char", "bpchar"),
    "number": (
        *(
            "tinyint",
            "smallint",
            "integer",
            "int",
            "bigint",
            "hugeint",
            "int1",
            "int2",
            "int4",
            "int8",
            "long",
        ),
        *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "short", "signed"),
        *("float", "real", "float4", "double", "float8", "double precision", "decimal", "numeric"),
    ),
    "boolean": ("boolean", "bool", "logical"),
    "moment": (
        *("date", "timestamp", "datetime", "timestamptz", "timestamp with time zone"),
        *("timestamp_s", "timestamp_ms", "timestamp_us", "timestamp_ns"),
    ),
    "other": (
        *("time", "timetz", "interval", "uuid", "json", "blob", "bytea", "bit"),
        *("struct", "map", "union", "enum"),
    ),
}
FAMILIES: dict[str, Family] = {name: family for family, names in _NAMES.items() for name in names}
_SHAPE = re.compile(r"(?P<base>[a-z_0-9 ]+?)\s*(?P<parameters>\(.*\))?\s*(?P<arrays>(\[\d*\])*)", re.DOTALL)


def family_of(data_type: str) -> Family | None:
    """What kind of values a DuckDB type holds, or None where it is no type of DuckDB's."""
    shape = _SHAPE.fullmatch(data_type.strip().lower())
    if shape is None or shape["base"] not in FAMILIES:
        return None
    return "other" if shape["arrays"] else FAMILIES[shape["base"]]


def is_value_of(value: object, family: Family) -> bool:
    """Whether a YAML scalar can be compared with values of the family."""
    if family == "text":
        return isinstance(value, str)
    if family == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if family == "boolean":
        return isinstance(value, bool)
    if family == "moment":
        return isinstance(value, str | dt.date)
    return True
