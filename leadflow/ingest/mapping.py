"""What a source's mapping means, as SQL over the columns of its file.

Belongs here: pure building of select statements. Does not belong here: running them (warehouse/landing/landing.py).

Values are cast with try_cast, so that one bad cell never loses a file: a bad value in the key or the time rejects
its row, any other bad value becomes null, and both are kept in raw.rejected_rows with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from leadflow.errors import SourceError
from leadflow.ingest.sources import (
    Backdated,
    ColumnMapping,
    Constant,
    Expression,
    FromColumn,
    Source,
    SourceFiles,
    nearest,
)
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.landing.landing_plan import Landing, LandingAttribute, LandingColumn

BACKDATED_KNOWN_AT = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC throughout
"""known_at of facts that are declared as known since ever."""

EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001
"""Instants outside of these are typing errors such as the year 20226, not facts."""

_TAKEN_AS_GIVEN = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"}
"""Types that a Parquet file may have for a column of the same type, so that no way through text is needed."""

_ATTRIBUTE_TYPES = {"text": "varchar", "number": "double", "boolean": "boolean", "timestamp": "timestamp"}


def landing_of(
    files: SourceFiles,
    source: Source,
    *,
    column_types: Mapping[str, str],
    natural_key: Sequence[str],
    file: Path,
    file_columns: Mapping[str, str],
    as_of: datetime,
) -> Landing:
    """How one file of a source is landed.

    Args:
        files: the sources.yaml, for messages with lines.
        source: the source.
        column_types: type of every column of the raw table, in the table's order.
        natural_key: columns that identify a row of the raw table.
        file: the file, for messages.
        file_columns: DuckDB's type of every column that the file has, by name.
        as_of: moment of the refresh, for facts that are known when they land.

    Raises:
        SourceError: the mapping names a column the file does not have, or leaves the natural key empty.
    """

    def sql_of(mapping: ColumnMapping, *setting: str) -> str:
        if isinstance(mapping, Expression):
            return f"({mapping.expression}\n)"  # on a line of its own, as the expression may end in a comment
        if isinstance(mapping, Constant):
            return literal(str(mapping.constant))
        if mapping not in file_columns:
            near = nearest(mapping, file_columns)
            raise SourceError(
                f"{files.where(source, *setting)} source '{source.name}' reads the column '{mapping}', which {file} does not "
                f"have (it has {', '.join(file_columns)})",
                f"did you mean '{near}'" if near else "mend the mapping",
            )
        return identifier(mapping)

    types = {identifier(name): kind for name, kind in file_columns.items()}

    def column(name: str, data_type: str, given: str, *setting: str, is_required: bool) -> LandingColumn:
        where = files.where(source, *setting)
        return LandingColumn(
            name, data_type, cast_sql(given, data_type, types.get(given)), given, is_required, where
        )

    for name in natural_key:
        if name not in source.columns or isinstance(source.columns[name], Constant):
            raise SourceError(
                f"{files.where(source, 'columns', name)} source '{source.name}' does not fill {name}, by which raw.{source.table} tells rows apart",
                f"map {name} to a column or expression that is different in every row",
            )
    columns = [
        column(
            name,
            data_type,
            sql_of(source.columns[name], "columns", name),
            "columns",
            name,
            is_required=name in natural_key,
        )
        for name, data_type in column_types.items()
        if name in source.columns
    ]
    occurred = None if source.occurred_at is None else sql_of(source.occurred_at, "occurred_at")
    if isinstance(source.known_at, FromColumn):
        known = sql_of(source.known_at.column, "known_at", "column")
    elif isinstance(source.known_at, Backdated):
        known = literal(BACKDATED_KNOWN_AT)
    elif source.known_at == "landed" or occurred is None:
        known = literal(as_of)
    else:
        known = occurred
    columns.append(column("occurred_at", "timestamp", occurred or known, "occurred_at", is_required=True))
    columns.append(column("known_at", "timestamp", known, "known_at", is_required=True))
    return Landing(
        source=source.name,
        table=f"raw.{source.table}",
        columns=tuple(columns),
        natural_key=tuple(natural_key),
        attributes=tuple(
            LandingAttribute(
                name,
                attribute.type,
                column(
                    f"attribute {name}",
                    _ATTRIBUTE_TYPES[attribute.type],
                    sql_of(attribute.column, "attributes", name, "column"),
                    "attributes",
                    name,
                    is_required=False,
                ),
            )
            for name, attribute in source.attributes.items()
        ),
        max_rejected_share=source.max_rejected_share,
        mapping_hash=mapping_hash(source, column_types),
    )


def mapping_hash(source: Source, column_types: Mapping[str, str]) -> str:
    """What changes when a source's files are to be landed anew: its mapping, or the columns of the raw table."""
    meaning = source.model_dump(mode="json", exclude={"path", "max_rejected_share"})
    told = json.dumps([meaning, dict(column_types)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def named_columns(source: Source) -> set[str]:
    """Columns of the file that a mapping or an attribute names directly, and not within an expression."""
    mappings = [*source.columns.values(), *([] if source.occurred_at is None else [source.occurred_at])]
    named = {mapping for mapping in mappings if isinstance(mapping, str)}
    named |= {attribute.column for attribute in source.attributes.values()}
    return named | ({source.known_at.column} if isinstance(source.known_at, FromColumn) else set())


def unused_columns(source: Source, file_columns: Sequence[str]) -> list[str]:
    """Columns of the file that neither a mapping nor an attribute names directly.

    An expression may use them all the same: its SQL is searched for their names.
    """
    named = named_columns(source)
    mappings = [*source.columns.values(), *([] if source.occurred_at is None else [source.occurred_at])]
    expressions = " ".join(mapping.expression for mapping in mappings if isinstance(mapping, Expression))
    return [column for column in file_columns if column not in named and column not in expressions]


def cast_sql(expression: str, data_type: str, given_type: str | None) -> str:
    """`expression` as `data_type`, null where it does not fit; blanks are null.

    Args:
        given_type: DuckDB's type of the expression where it is a column of the file, else None.
    """
    if given_type == "TIMESTAMP" and data_type == "timestamp":
        return (
            f"case when {expression} between {literal(EARLIEST)} and {literal(LATEST)} then {expression} end"
        )
    if given_type == data_type.upper() and given_type in _TAKEN_AS_GIVEN:
        return expression
    text = f"nullif(trim(cast({expression} as varchar)), '')"
    if data_type == "varchar":
        return text
    if data_type == "timestamp":
        # By way of timestamptz, so that an offset in the text is honoured; the session's time zone is UTC.
        instant = f"cast(try_cast({text} as timestamptz) as timestamp)"
        return f"case when {instant} between {literal(EARLIEST)} and {literal(LATEST)} then {instant} end"
    return f"try_cast({text} as {data_type})"
