"""How far each source that is fetched has come, kept from refresh to refresh.

Belongs here: quality.source_cursors, written in the transaction that lands the rows up to there. Does not belong here: what
a position means, which the connector knows (ingest/http/).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadflow.warehouse.connection import first_row
from leadflow.warehouse.tables import ensure_system_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class SourceCursor:
    """How far a source has come.

    Attributes:
        position: where to go on, as its connector wrote it; empty where it is to begin anew.
        batch_count: batches that were landed so far, ever.
        content_hashes: of the batches of the last fetch, in their order.
    """

    position: Mapping[str, Any] = field(default_factory=dict)
    batch_count: int = 0
    content_hashes: tuple[str, ...] = ()


def read_cursor(connection: DuckDBPyConnection, source: str, mapping_hash: str) -> SourceCursor:
    """How far a source has come; with another mapping than before it begins anew, as its old rows lack something."""
    ensure_system_tables(connection)
    found = first_row(
        connection,
        "select mapping_hash, position, batch_count, content_hashes from quality.source_cursors where source_name = ?",
        [source],
    )
    if found is None:
        return SourceCursor()
    before, position, batch_count, hashes = found
    if before != mapping_hash:
        return SourceCursor(batch_count=batch_count)
    return SourceCursor(json.loads(position), batch_count, tuple(json.loads(hashes)))


def write_cursor(
    connection: DuckDBPyConnection, source: str, mapping_hash: str, cursor: SourceCursor, as_of: datetime
) -> None:
    """Keep how far a source has come; to be called in the transaction that lands the rows."""
    connection.execute(
        "insert or replace into quality.source_cursors values (?, ?, ?, ?, ?, ?)",
        [
            source,
            mapping_hash,
            json.dumps(cursor.position, sort_keys=True),
            cursor.batch_count,
            json.dumps(cursor.content_hashes),
            as_of,
        ],
    )
