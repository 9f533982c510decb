"""How files of a source become rows of a raw table, as values.

Belongs here: what ingest hands to the warehouse, and what it gets back. Does not belong here: making a plan
(ingest/mapping.py) or carrying it out (landing.py).
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    name: str
    data_type: str
    value: str
    given: str
    is_required: bool
    where: str


@dataclass(frozen=True)
class LandingAttribute:
    """An extra column, which goes to raw.attributes.

    Attributes:
        name: as declared in sources.yaml.
        value_type: text, number, boolean or timestamp.
        column: how it is read; its name is unlike that of any column of a raw table.
    """

    name: str
    value_type: str
    column: LandingColumn


@dataclass(frozen=True)
class Landing:
    """How files of one source become rows of one raw table.

    Attributes:
        source: name of the source.
        table: 'raw.name'.
        columns: what is filled; among them the natural key, occurred_at and known_at.
        natural_key: columns that identify a row.
        attributes: extra columns.
        max_rejected_share: share of rows that may be rejected before the whole file is refused.
        mapping_hash: changes when the mapping does, so that a changed mapping lands its files anew.
    """

    source: str
    table: str
    columns: tuple[LandingColumn, ...]
    natural_key: tuple[str, ...]
    attributes: tuple[LandingAttribute, ...]
    max_rejected_share: float
    mapping_hash: str

    @property
    def read_columns(self) -> tuple[LandingColumn, ...]:
        """Everything that is read from the file."""
        return (*self.columns, *(attribute.column for attribute in self.attributes))


@dataclass(frozen=True)
class Landed:
    """What came of one file: rows landed, rows rejected, values that were set to null."""

    source: str
    file: Path
    is_new: bool
    row_count: int
    rejected_rows: int
    rejected_values: int
