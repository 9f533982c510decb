"""Which files were landed, so that none is landed twice, and none is read again to find out.

Belongs here: quality.landed_files and quality.known_files. Does not belong here: landing a file (landing.py).

A file's content is told by its SHA-256. Reading gigabytes for it at every refresh is spared where what the file system
says of the file is what it said of one whose hash is known, as version control systems do it (git's index). Size and
moment of modification alone do not tell: `cp -p`, `tar -x` and rsync set the moment back. The moment of the last change
of any kind cannot be set, and a file that was put in another's place has another inode. A file that was changed within
moments of being hashed could change again without any of them telling: such a one is hashed anew.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import astuple, dataclass
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
    path varchar primary key, size_bytes bigint, modified_ns bigint, changed_ns bigint, inode ubigint, content_hash varchar
);
"""
_HASH_BLOCK_BYTES = 1 << 20
_SETTLED_AFTER_NS = 10 * 1_000_000_000
"""Age of a file's last change from which on a further one is sure to have another moment."""


@dataclass(frozen=True)
class Signature:
    """What a file system says of a file.

    Attributes:
        size_bytes: its size.
        modified_ns: when it was last modified, in nanoseconds since 1970; who writes the file can set it.
        changed_ns: when it, its name or its permissions were last changed, as the file system itself has it; where
            that is not kept (Windows), when the file was made.
        inode: its number within the file system.
    """

    size_bytes: int
    modified_ns: int
    changed_ns: int
    inode: int

    @property
    def is_settled(self) -> bool:
        """Whether the last change is long enough ago that another one would show."""
        return time.time_ns() - max(self.modified_ns, self.changed_ns) > _SETTLED_AFTER_NS


def signature(path: Path) -> Signature:
    """What the file system says of a file now."""
    found = path.stat()
    return Signature(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


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
        "select content_hash from quality.known_files "
        "where path = ? and size_bytes = ? and modified_ns = ? and changed_ns = ? and inode = ?",
        [name, *astuple(found)],
    )
    if known is not None:
        return str(known[0])
    digest = content_hash(path)
    if found.is_settled and signature(path) == found:
        connection.execute(
            "insert or replace into quality.known_files values (?, ?, ?, ?, ?, ?)",
            [name, *astuple(found), digest],
        )
    return digest


def has_changed(path: Path, since: Signature, digest: str) -> bool:
    """Whether a file is gone, or another than the one that had this signature and content hash."""
    try:
        return signature(path) != since or (not since.is_settled and content_hash(path) != digest)
    except OSError:
        return True


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


def was_mapped_otherwise(connection: DuckDBPyConnection, source: str, file: str, mapping_hash: str) -> bool:
    """Whether what was landed last under a file's name was mapped otherwise."""
    last = _last_landing(connection, source, file)
    return last is not None and last[1] != mapping_hash


def newest_file(connection: DuckDBPyConnection, source: str) -> str | None:
    """Name of the last of a source's landed files in the order of their names, or None.

    Whatever it was mapped by: while files land anew with a mended mapping the newest is still to come, and without it
    every row but those of the first file would be absent meanwhile.
    """
    newest: str | None = scalar(
        connection, "select max(source_file) from quality.landed_files where source_name = ?", [source]
    )
    return newest


def moment_of_landing(
    connection: DuckDBPyConnection, source: str, file: str, digest: str, as_of: datetime
) -> datetime:
    """When a content became known by landing: as of this refresh, or of the one in which it landed under this name.

    So a mended mapping, which lands a file anew, does not make what was known long ago look new.
    """
    connection.execute(_CREATE)
    last = _last_landing(connection, source, file)
    return min(as_of, last[2]) if last is not None and last[0] == digest else as_of


def _last_landing(connection: DuckDBPyConnection, source: str, file: str) -> tuple[str, str, datetime] | None:
    """Content hash, mapping hash and moment of what was landed last under a file's name, or None."""
    row = first_row(
        connection,
        "select content_hash, mapping_hash, as_of from quality.landed_files "
        "where source_name = ? and source_file = ? order by rowid desc limit 1",
        [source, file],
    )
    return None if row is None else (row[0], row[1], row[2])


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
