"""What a source's mapping means, as SQL over the columns of its file.

Belongs here: pure building of select statements. Does not belong here: running them (warehouse/landing/landing.py).

One bad cell never loses a file: a bad value in the key or the time rejects its row, any other bad value becomes null,
and both are kept in raw.rejected_rows with the reason. What becomes of a cell is said in value_sql.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from leadflow.errors import SourceError, listed
from leadflow.ingest.http.source import NO_MATTER
from leadflow.ingest.source_values import (
    Attribute,
    Backdated,
    ColumnMapping,
    Constant,
    Expression,
    FromColumn,
    KeyOf,
    KnownAt,
)
from leadflow.ingest.sources import Source, SourceFiles, nearest
from leadflow.ingest.value_sql import Reading, given_sql, key_sql, may_be_unfit, value_sql
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.landing.landing_plan import Landing, LandingAttribute, LandingColumn
from leadflow.warehouse.landing.mapped import DELETED

BACKDATED_KNOWN_AT = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC throughout
"""known_at of facts that are declared as known since ever."""

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
    history: str | None = None,
) -> Landing:
    """How one file of a source is landed.

    Args:
        files: the sources.yaml, for messages with lines.
        source: the source.
        column_types: type of every column of the raw table, in the table's order.
        natural_key: columns that identify a row of the raw table.
        file: the file.
        file_columns: DuckDB's type of every column that the file has, by name.
        as_of: when facts are known that are known by landing.
        history: table that earlier versions of the raw table's rows are kept in; None where rows are events.

    Raises:
        SourceError: the mapping names a column the file does not have, or leaves the natural key empty.
    """
    for name in natural_key:
        if name not in source.columns or isinstance(source.columns[name], Constant):
            raise SourceError(
                f"{files.where(source, 'columns', name)} source '{source.name}' does not fill {name}, by which raw.{source.table} tells rows apart",
                f"map {name} to a column or expression that is different in every row, or to {{key_of: [...]}} with columns that are so together",
            )
    cells = _Cells(files, source, file, file_columns)
    columns = [
        cells.column(
            name, data_type, source.columns[name], ("columns", name), is_required=name in natural_key
        )
        for name, data_type in column_types.items()
        if name in source.columns
    ]
    occurred = known = None
    if source.occurred_at is not None:
        occurred = cells.column("occurred_at", "timestamp", source.occurred_at, ("occurred_at",))
    if source.known_at == "occurred_at" and occurred is not None:
        known = replace(occurred, name="known_at", where=files.where(source, "known_at"))
    else:
        known = cells.moment_known("known_at", source.known_at, as_of, ("known_at",))
    occurred = occurred or replace(known, name="occurred_at", where=files.where(source, "occurred_at"))
    return Landing(
        source=source.name,
        file_name=files.name_of(source, file),
        table=f"raw.{source.table}",
        as_of=as_of,
        columns=(*columns, occurred, known),
        natural_key=tuple(natural_key),
        attributes=tuple(
            _attribute(cells, name, attribute, as_of) for name, attribute in source.attributes.items()
        ),
        max_rejected_share=source.max_rejected_share,
        mapping_hash=mapping_hash(source, column_types),
        history=history,
        deleted=_deleted(cells),
        are_absent_deleted=source.deleted == "absent",
        max_absent_share=source.max_absent_share,
        landed_moments=_landed_moments(source),
    )


def _deleted(cells: _Cells) -> LandingColumn | None:
    """Whether a row says that it is deleted."""
    how = cells.source.deleted
    if how is None or isinstance(how, str):
        return None
    return cells.column(DELETED, "boolean", how, ("deleted",), is_required=False)


def _landed_moments(source: Source) -> tuple[str, ...]:
    """The stamps of a row that hold the moment it landed and say nothing of the row itself."""
    if source.known_at == "landed":
        return ("known_at",) if source.occurred_at is not None else ("known_at", "occurred_at")
    return ()


@dataclass(frozen=True)
class _Cells:
    """The cells of one file, as the settings of its source read them."""

    files: SourceFiles
    source: Source
    file: Path
    file_columns: Mapping[str, str]

    def column(
        self,
        name: str,
        data_type: str,
        mapping: ColumnMapping,
        setting: tuple[str, ...],
        *,
        is_required: bool = True,
    ) -> LandingColumn:
        """A column of the raw table and what fills it."""
        where = self.files.where(self.source, *setting)
        if isinstance(mapping, KeyOf):
            given = key_sql([self._cell(one, *setting, "key_of") for one in mapping.key_of])
            return LandingColumn(name, data_type, given, given, is_required, where, may_be_unfit=False)
        kind: str | None = None
        reading = Reading()
        if isinstance(mapping, Constant):
            cell = literal(str(mapping.constant))
        else:
            reading = _reading_of(self.source)
            if isinstance(mapping, Expression):
                reading = replace(reading, is_computed=True)
                cell = f"({mapping.expression}\n)"  # on a line of its own, as the expression may end in a comment
            elif isinstance(mapping, FromColumn):
                reading = reading.with_own(mapping)
                cell, kind = self._cell(mapping.column, *setting, "column"), self.file_columns[mapping.column]
            else:
                cell, kind = self._cell(mapping, *setting), self.file_columns[mapping]
        return LandingColumn(
            name,
            data_type,
            value_sql(cell, data_type, kind, reading),
            given_sql(cell, kind, reading),
            is_required,
            where,
            may_be_unfit=may_be_unfit(data_type, reading),
        )

    def moment_known(
        self, name: str, known_at: KnownAt, as_of: datetime, setting: tuple[str, ...]
    ) -> LandingColumn:
        """When facts became known that do not go by when they occurred."""
        if isinstance(known_at, FromColumn):
            return self.column(name, "timestamp", known_at, setting)
        moment = BACKDATED_KNOWN_AT if isinstance(known_at, Backdated) else as_of
        sql, where = literal(moment), self.files.where(self.source, *setting)
        return LandingColumn(name, "timestamp", sql, sql, True, where, may_be_unfit=False)

    def _cell(self, column: str, *setting: str) -> str:
        if column not in self.file_columns:
            near = nearest(column, self.file_columns)
            raise SourceError(
                f"{self.files.where(self.source, *setting)} source '{self.source.name}' reads the column '{column}', which {self.file} does not "
                f"have (it has {listed(tuple(self.file_columns), near)})",
                f"did you mean '{near}'" if near else "mend the mapping",
            )
        return identifier(column)


def _attribute(cells: _Cells, name: str, attribute: Attribute, as_of: datetime) -> LandingAttribute:
    """An extra column; a value without the moment it became known is not landed, since no moment may see it."""
    data_type = _ATTRIBUTE_TYPES[attribute.type]
    column = cells.column(f"attribute {name}", data_type, attribute, ("attributes", name), is_required=False)
    if attribute.known_at is None:
        return LandingAttribute(name, attribute.type, column)
    setting, own = ("attributes", name, "known_at"), f"attribute {name} known_at"
    if attribute.known_at == "occurred_at":
        source = cells.source
        known = (
            cells.moment_known(own, source.known_at, as_of, setting)
            if source.occurred_at is None
            else cells.column(own, "timestamp", source.occurred_at, setting)
        )
    else:
        known = cells.moment_known(own, attribute.known_at, as_of, setting)
    known = replace(known, is_required=False)
    if known.may_be_unfit:
        column = replace(
            column, value=f"case when ({known.value}) is not null then {column.value} end", may_be_unfit=True
        )
    return LandingAttribute(name, attribute.type, column, known)


def _reading_of(source: Source) -> Reading:
    """How the source's cells are read where a column does not say otherwise."""
    return Reading(
        formats=source.date_formats or (),
        time_zone=source.time_zone,
        null_values=source.null_values,
        numbers=source.numbers,
    )


def mapping_hash(source: Source, column_types: Mapping[str, str]) -> str:
    """What changes when a source's files are to be landed anew: its mapping, or the columns of the raw table."""
    # Without what is as it is by default, so that a setting that is new in leadflow changes nothing.
    meaning = source.model_dump(
        mode="json",
        exclude={"path": True, "max_rejected_share": True, "max_absent_share": True, **NO_MATTER},
        exclude_defaults=True,
    )
    meaning = {name: value for name, value in meaning.items() if value != {}}
    told = json.dumps([meaning, dict(column_types)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def named_columns(source: Source) -> set[str]:
    """Columns of the file that a mapping or an attribute names directly, and not within an expression."""
    named: set[str] = set()
    for mapping in _mappings(source):
        if isinstance(mapping, KeyOf):
            named |= set(mapping.key_of)
        elif isinstance(mapping, str | FromColumn):
            named.add(mapping if isinstance(mapping, str) else mapping.column)
    return named


def unused_columns(source: Source, file_columns: Sequence[str]) -> list[str]:
    """Columns of the file that neither a mapping nor an attribute names directly.

    An expression may use them all the same: its SQL is searched for their names.
    """
    named = named_columns(source)
    expressions = " ".join(
        mapping.expression for mapping in _mappings(source) if isinstance(mapping, Expression)
    )
    return [column for column in file_columns if column not in named and column not in expressions]


def absent_columns(sources: Sequence[Source], fillable: Sequence[str]) -> list[str]:
    """Columns of a raw table that none of its sources fills, so that they are null in every row."""
    filled = {name for source in sources for name in source.columns}
    return [name for name in fillable if name not in filled]


def _mappings(source: Source) -> list[ColumnMapping]:
    """Everything of the source that is read from the file."""
    known = [source.known_at, *(attribute.known_at for attribute in source.attributes.values())]
    return [
        *source.columns.values(),
        *([] if source.occurred_at is None else [source.occurred_at]),
        *source.attributes.values(),
        *([] if source.deleted is None or isinstance(source.deleted, str) else [source.deleted]),
        *(each for each in known if isinstance(each, FromColumn)),
    ]
