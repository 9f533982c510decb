"""Which files were landed, so that none is landed twice, and none is read again to find out.

Belongs here: quality.landed_files and quality.known_files. Does not belong here: landing a file (landing.py).

A file's content is told by its SHA-256. Reading gigabytes for it at every refresh is spared where path, size and moment
of modification are those of a file whose hash is known, as version control systems do it (git's index). A file that was
modified within moments of being hashed could change again without any of the three telling: such a one is hashed anew.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.warehouse.connection import first_row, scalar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CREATE = """
create schema if not exists quality;
create table if not exists quality.landed_files (
    source_name varchar, source_file varchar, content_hash varchar, mapping_hash varchar, row_count bigint,
    rejected_count bigint, as_of timestamp
);
create table if not exists quality.known_files (
    path varchar primary key, size_bytes bigint, modified_ns bigint, content_hash varchar
);
"""
_HASH_BLOCK_BYTES = 1 << 20
_SETTLED_AFTER_NS = 10 * 1_000_000_000
"""Age of a file's last modification from which on a further one is sure to have another moment."""


@dataclass(frozen=True)
class Signature:
    """What a file system says of a file: its size and when it was last modified, in nanoseconds since 1970."""

    size_bytes: int
    modified_ns: int

    @property
    def is_settled(self) -> bool:
        """Whether the last modification is long enough ago that another one would show."""
        return time.time_ns() - self.modified_ns > _SETTLED_AFTER_NS


def signature(path: Path) -> Signature:
    """What the file system says of a file now."""
    found = path.stat()
    return Signature(found.st_size, found.st_mtime_ns)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def digest_of(connection: DuckDBPyConnection, path: Path) -> str:
    """SHA-256 of a file's content, taken only where the file is not known to be as it was.

    Raises:
        OSError: the file cannot be read.
    """
    connection.execute(_CREATE)
    found = signature(path)
    name = str(path.resolve())
    known = first_row(
        connection,
        "select content_hash from quality.known_files where path = ? and size_bytes = ? and modified_ns = ?",
        [name, found.size_bytes, found.modified_ns],
    )
    if known is not None:
        return str(known[0])
    digest = content_hash(path)
    if found.is_settled and signature(path) == found:
        connection.execute(
            "insert or replace into quality.known_files values (?, ?, ?, ?)",
            [name, found.size_bytes, found.modified_ns, digest],
        )
    return digest


def has_changed(path: Path, since: Signature, digest: str) -> bool:
    """Whether a file is another than the one that had this signature and content hash."""
    return signature(path) != since or (not since.is_settled and content_hash(path) != digest)


def was_landed(
    connection: DuckDBPyConnection,
    source: str,
    file: str,
    digest: str,
    mapping_hash: str,
    *,
    is_of_events: bool,
) -> bool:
    """Whether a file need not be looked at, as its content was landed with the mapping of this hash before.

    Of events any file may have brought it whose name goes before. Rows that change may change back: there it has to be
    the newest content of a file of this name.
    """
    connection.execute(_CREATE)
    which = (
        "and source_file <= $file"
        if is_of_events
        else "and source_file = $file qualify row_number() over (order by rowid desc) = 1"
    )
    return bool(
        scalar(
            connection,
            "select coalesce(bool_or(content_hash = $digest), false) from (select content_hash from quality.landed_files "
            f"where source_name = $source and mapping_hash = $mapping {which})",
            {"source": source, "file": file, "digest": digest, "mapping": mapping_hash},
        )
    )


def was_landed_otherwise(
    connection: DuckDBPyConnection, source: str, file: str, digest: str, mapping_hash: str
) -> bool:
    """Whether this content, and no other of the file's name, was landed by a source, but mapped otherwise.

    Then what the file brought is known to be all that stands under its name.
    """
    return bool(
        scalar(
            connection,
            "select count(*) > 0 and bool_and(content_hash = ? and mapping_hash <> ?) from quality.landed_files "
            "where source_name = ? and source_file = ?",
            [digest, mapping_hash, source, file],
        )
    )


def newest_file(connection: DuckDBPyConnection, source: str, mapping_hash: str) -> str | None:
    """Name of the last of a source's landed files in the order of their names, or None."""
    newest: str | None = scalar(
        connection,
        "select max(source_file) from quality.landed_files where source_name = ? and mapping_hash = ?",
        [source, mapping_hash],
    )
    return newest


def note_landed(
    connection: DuckDBPyConnection,
    *,
    source: str,
    file: str,
    digest: str,
    mapping_hash: str,
    row_count: int,
    rejected_count: int,
    as_of: datetime,
) -> None:
    """Keep that a file was landed, in the caller's transaction; a content that comes again is the newest again."""
    connection.execute(
        "delete from quality.landed_files "
        "where source_name = ? and source_file = ? and content_hash = ? and mapping_hash = ?",
        [source, file, digest, mapping_hash],
    )
    connection.execute(
        "insert into quality.landed_files values (?, ?, ?, ?, ?, ?, ?)",
        [source, file, digest, mapping_hash, row_count, rejected_count, as_of],
    )
