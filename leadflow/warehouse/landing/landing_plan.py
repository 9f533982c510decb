"""How files of a source become rows of a raw table, as values.

Belongs here: what ingest hands to the warehouse, and what it gets back. Does not belong here: making a plan
(ingest/mapping.py) or carrying it out (landing.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class LandingColumn:
    """One column of the raw table.

    Attributes:
        name: its name.
        data_type: its DuckDB type.
        value: SQL of the typed value, null where it cannot be read.
        given: SQL of what the file holds, to tell 'absent' from 'unreadable'.
        is_required: whether a row without it is rejected.
        where: file:line of the mapping, for messages.
        may_be_unfit: whether what the file holds can be no value of the type.
    """

    name: str
    data_type: str
    value: str
    given: str
    is_required: bool
    where: str
    may_be_unfit: bool = True


@dataclass(frozen=True)
class LandingAttribute:
    """An extra column, which goes to raw.attributes.

    Attributes:
        name: as declared in sources.yaml.
        value_type: text, number, boolean or timestamp.
        column: how it is read; its name is unlike that of any column of a raw table.
        known_at: how the moment it became known is read, where that is not the row's known_at.
    """

    name: str
    value_type: str
    column: LandingColumn
    known_at: LandingColumn | None = None


@dataclass(frozen=True)
class Landing:
    """How one file of a source becomes rows of one raw table.

    Attributes:
        source: name of the source.
        file_name: the file's name among those of the source, with the folders that the source's path leaves open.
        table: 'raw.name'.
        as_of: when what is known by landing is known: the refresh's moment, or that of the one in which this content
            landed first.
        columns: what is filled; among them the natural key, occurred_at and known_at.
        natural_key: columns that identify a row.
        attributes: extra columns.
        max_rejected_share: share of rows that may be rejected before the whole file is refused.
        mapping_hash: changes when the mapping does, so that a changed mapping lands its files anew.
        history: table of the versions that a later one replaced ('raw.name_history'); None where rows are events, which
            never change and are only added.
        deleted: whether the row says that it is deleted; None where rows do not say so.
        are_absent_deleted: every file is all there is, so that a row which the newest file lacks is deleted.
        max_absent_share: share of the source's rows that a file may lack before it is refused.
        landed_moments: columns that hold the moment of landing and so do not make a row another one.
    """

    source: str
    file_name: str
    table: str
    as_of: datetime
    columns: tuple[LandingColumn, ...]
    natural_key: tuple[str, ...]
    attributes: tuple[LandingAttribute, ...]
    max_rejected_share: float
    mapping_hash: str
    history: str | None = None
    deleted: LandingColumn | None = None
    are_absent_deleted: bool = False
    max_absent_share: float = 0.5
    landed_moments: tuple[str, ...] = ()

    @property
    def read_columns(self) -> tuple[LandingColumn, ...]:
        """Everything that is read from the file."""
        of_attributes = [one for each in self.attributes for one in (each.column, each.known_at)]
        return tuple(one for one in (*self.columns, *of_attributes, self.deleted) if one is not None)


@dataclass(frozen=True)
class Landed:
    """What came of one file.

    Attributes:
        source: name of the source.
        file: the file.
        is_new: False where its content was landed before.
        row_count: rows landed.
        rejected_rows: rows kept in raw.rejected_rows and not landed.
        rejected_values: values that were set to null.
        repeated_rows: events that were there already, or twice in the file, and so were dropped.
    """

    source: str
    file: Path
    is_new: bool
    row_count: int
    rejected_rows: int
    rejected_values: int
    repeated_rows: int = 0
