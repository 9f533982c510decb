"""What a source's mapping means, as SQL over the columns of its file.

Belongs here: pure building of select statements. Does not belong here: running them (warehouse/landing.py).

Values are cast with try_cast, so that one bad cell never loses a file: a bad value in the key or the time rejects
its row, any other bad value becomes null, and both are kept in raw.rejected_rows with the reason.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from leadflow.errors import SourceError
from leadflow.ingest.sources import (
    Backdated,
    ColumnMapping,
    Constant,
    Expression,
    FromColumn,
    Source,
    SourceFiles,
)
from leadflow.warehouse.connection import quote
from leadflow.warehouse.landing import Landing, LandingColumn

BACKDATED_KNOWN_AT = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC throughout
"""known_at of facts that are declared as known since ever."""

EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001
"""Instants outside of these are typing errors such as the year 20226, not facts."""

_ATTRIBUTE_TYPES = {"text": "varchar", "number": "double", "boolean": "boolean", "timestamp": "timestamp"}


def landing_of(
    files: SourceFiles,
    source: Source,
    *,
    column_types: dict[str, str],
    natural_key: Sequence[str],
    file_columns: Sequence[str],
    as_of: datetime,
) -> Landing:
    """How one file of a source is landed.

    Args:
        files: the sources.yaml, for messages with lines.
        source: the source.
        column_types: type of every column of the raw table, in the table's order.
        natural_key: columns that identify a row of the raw table.
        file_columns: columns that the file has.
        as_of: moment of the refresh, for facts that are known when they land.

    Raises:
        SourceError: the mapping names a column the file does not have, or leaves the natural key empty.
    """

    def sql_of(mapping: ColumnMapping, *setting: str) -> str:
        if isinstance(mapping, Expression):
            return f"({mapping.expression})"
        if isinstance(mapping, Constant):
            return "'" + str(mapping.constant).replace("'", "''") + "'"
        if mapping not in file_columns:
            near = difflib.get_close_matches(mapping, file_columns, n=1)
            raise SourceError(
                f"{files.where(source, *setting)} source '{source.name}' reads the column '{mapping}', which its file does not have"
                f" (it has {', '.join(file_columns)})",
                f"did you mean '{near[0]}'" if near else "mend the mapping",
            )
        return quote(mapping)

    for column in natural_key:
        if column not in source.columns:
            raise SourceError(
                f"{files.where(source, 'columns')} source '{source.name}' does not fill {column}, by which raw.{source.table} tells rows apart",
                f"map {column} to a column or expression that is different in every row",
            )
    columns: list[LandingColumn] = []
    for name, data_type in column_types.items():
        if name in source.columns:
            expression = sql_of(source.columns[name], "columns", name)
            columns.append(
                LandingColumn(name, data_type, _cast(expression, data_type), expression, name in natural_key)
            )
    occurred = None if source.occurred_at is None else sql_of(source.occurred_at, "occurred_at")
    known = _known_at(files, source, file_columns, occurred, as_of)
    if occurred is None:
        occurred = known
    columns.append(LandingColumn("occurred_at", "timestamp", _cast(occurred, "timestamp"), occurred, True))
    columns.append(LandingColumn("known_at", "timestamp", _cast(known, "timestamp"), known, True))
    attributes = []
    for name, attribute in source.attributes.items():
        expression = sql_of(attribute.column, "attributes", name)
        value = f"cast({_cast(expression, _ATTRIBUTE_TYPES[attribute.type])} as varchar)"
        attributes.append((LandingColumn(name, "varchar", value, expression, False), attribute.type))
    return Landing(
        source=source.name,
        table=f"raw.{source.table}",
        columns=tuple(columns),
        natural_key=tuple(natural_key),
        attributes=tuple(attributes),
        max_rejected_share=source.max_rejected_share,
        mapping_hash=hashlib.sha256(
            json.dumps([source.model_dump(mode="json"), column_types], sort_keys=True).encode()
        ).hexdigest()[:16],
    )


def unused_columns(source: Source, file_columns: Sequence[str]) -> list[str]:
    """Columns of the file that neither a mapping nor an attribute names directly.

    An expression may use them all the same: its SQL is searched for their names.
    """
    mappings = [*source.columns.values(), *([] if source.occurred_at is None else [source.occurred_at])]
    named = {mapping for mapping in mappings if isinstance(mapping, str)} | {
        item.column for item in source.attributes.values()
    }
    if isinstance(source.known_at, FromColumn):
        named.add(source.known_at.column)
    expressions = " ".join(mapping.expression for mapping in mappings if isinstance(mapping, Expression))
    return [column for column in file_columns if column not in named and column not in expressions]


def _known_at(
    files: SourceFiles, source: Source, file_columns: Sequence[str], occurred: str | None, as_of: datetime
) -> str:
    if isinstance(source.known_at, FromColumn):
        column = source.known_at.column
        if column not in file_columns:
            raise SourceError(
                f"{files.where(source, 'known_at')} source '{source.name}' takes known_at from the column '{column}', which its file does not have",
                f"use one of {', '.join(file_columns)}",
            )
        return quote(column)
    if isinstance(source.known_at, Backdated):
        return f"timestamp '{BACKDATED_KNOWN_AT}'"
    if source.known_at == "landed" or occurred is None:
        return f"timestamp '{as_of}'"
    return occurred


def _cast(expression: str, data_type: str) -> str:
    """`expression` as `data_type`, null where it does not fit; blanks are null."""
    text = f"nullif(trim(cast({expression} as varchar)), '')"
    if data_type == "varchar":
        return text
    if data_type == "timestamp":
        # By way of timestamptz, so that an offset in the text is honoured; the session's time zone is UTC.
        instant = f"cast(try_cast({text} as timestamptz) as timestamp)"
        return (
            f"case when {instant} between timestamp '{EARLIEST}' and timestamp '{LATEST}' then {instant} end"
        )
    return f"try_cast({text} as {data_type})"
