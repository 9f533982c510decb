"""A warehouse and a folder of files to land into it, for the tests of landing.

Belongs here: what several test modules of landing share. Does not belong here: fixtures (conftest.py) and assertions
about what landed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from leadflow.errors import SourceError
from leadflow.ingest.mapping import landing_of, named_columns
from leadflow.ingest.sources import file_format, load_sources
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.landing.files import scan
from leadflow.warehouse.landing.landed_files import content_hash, moment_of_landing
from leadflow.warehouse.landing.landing import ensure_raw_table, land_file, newest_known_at
from leadflow.warehouse.landing.landing_plan import Landed
from leadflow.warehouse.landing.mapped import DELETED, check_mapping
from leadflow.warehouse.tables import Stamp

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TYPES = {
    "mql_id": "varchar",
    "email": "varchar",
    "score": "double",
    "is_ok": "boolean",
    "seen_at": "timestamp",
}
STAMPED = {
    "occurred_at": "timestamp",
    "known_at": "timestamp",
    "source_name": "varchar",
    "source_file": "varchar",
}
ATTRIBUTES = {
    "raw_table": "varchar",
    "record_id": "varchar",
    "attribute": "varchar",
    "value_type": "varchar",
    "value": "varchar",
    "occurred_at": "timestamp",
    "known_at": "timestamp",
    "source_name": "varchar",
}
REJECTED = {
    "source_name": "varchar",
    "source_file": "varchar",
    "content_hash": "varchar",
    "line": "bigint",
    "column_name": "varchar",
    "reason": "varchar",
    "row": "varchar",
}
COLUMNS = {"mql_id": "id", "email": "mail", "score": "score", "is_ok": "ok", "seen_at": "seen"}
HEADER = "id,mail,score,ok,seen,made\n"
AS_OF = dt.datetime(2026, 6, 30)  # noqa: DTZ001 - instants are naive UTC throughout


@dataclass
class Yard:
    """A warehouse with raw.mql, and a folder of files to land into it.

    Attributes:
        folder: where the files and sources.yaml are.
        connection: connection to the warehouse.
        source: the source as sources.yaml says it.
        keeps_history: whether rows of the table change; otherwise they are events.
    """

    folder: Path
    connection: DuckDBPyConnection
    source: dict[str, Any] = field(default_factory=dict)
    keeps_history: bool = True

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def land(
        self,
        name: str = "x.csv",
        *,
        as_of: dt.datetime = AS_OF,
        digest: str | None = None,
        file: Path | None = None,
        **source: Any,
    ) -> Landed:
        """Land one file, the source's settings overridden by `source`; `file` is one of several that its path matches."""
        settings = {
            "name": "forms",
            "table": "mql",
            "path": name,
            "columns": COLUMNS,
            "occurred_at": "made",
            "max_rejected_share": 0.5,
            **self.source,
            **source,
        }
        path = self.folder / "sources.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "sources": [settings]}, sort_keys=False))
        files = load_sources(path, {"mql": list(TYPES)})
        (one,) = files.config.sources
        found = files.files(one)
        file_path = file or found[0]
        assert file_path in found
        assert file is not None or len(found) == 1
        landing_digest = digest or content_hash(file_path)
        options = one.read_options.model_dump(exclude_none=True)
        expected = named_columns(one)
        with scan(self.connection, file_path, file_format(one, file_path), options, expected) as seen:
            plan = landing_of(
                files,
                one,
                column_types=TYPES,
                natural_key=("mql_id",),
                file=file_path,
                file_columns=seen.column_types,
                as_of=moment_of_landing(
                    self.connection, one.name, files.name_of(one, file_path), landing_digest, as_of
                ),
                history="raw.mql_history" if self.keeps_history else None,
            )
            check_mapping(self.connection, plan, seen)
            newest_known_at(self.connection, plan, seen, not_after=as_of)
        # As in a refresh: the newest fact is looked for in an earlier scan than the one that lands.
        with scan(self.connection, file_path, file_format(one, file_path), options, expected) as seen:
            return land_file(
                self.connection,
                plan,
                seen,
                digest=landing_digest,
                stamp=Stamp(1, as_of, "run", "1.0"),
            )

    def land_text(self, rows: str, *, head: str = HEADER, name: str = "x.csv", **source: Any) -> Landed:
        self.write(name, head + rows)
        return self.land(name, **source)

    def rows(self, columns: str = "mql_id, email", table: str = "raw.mql") -> list[tuple[Any, ...]]:
        return self.connection.execute(f"select {columns} from {table} order by all").fetchall()

    def rejects(self, columns: str = "line, column_name, reason") -> list[tuple[Any, ...]]:
        return self.rows(columns, "raw.rejected_rows")

    def history(self, columns: str = "mql_id, email") -> list[tuple[Any, ...]]:
        return self.rows(columns, "raw.mql_history")

    def refused(self, name: str = "x.csv", **source: Any) -> str:
        """The message of the error, with the folder's name left out; nothing may have been landed."""
        before = [self.rows("*"), self.rejects("*"), self.rows("*", "raw.attributes")]
        with pytest.raises(SourceError) as caught:
            self.land(name, **source)
        assert [self.rows("*"), self.rejects("*"), self.rows("*", "raw.attributes")] == before
        return str(caught.value).replace(f"{self.folder}/", "")


@contextmanager
def open_yard(folder: Path) -> Iterator[Yard]:
    """A yard whose raw tables are there and empty."""
    with Warehouse(folder / "warehouse.duckdb", threads=2).connect() as connection:
        ensure_raw_table(connection, "raw.mql", TYPES | STAMPED)
        ensure_raw_table(connection, "raw.mql_history", TYPES | STAMPED | {DELETED: "boolean"})
        ensure_raw_table(connection, "raw.attributes", ATTRIBUTES)
        ensure_raw_table(connection, "raw.rejected_rows", REJECTED)
        yield Yard(folder, connection)


def row(
    key: object, *, mail: str = "m", score: str = "1", ok: str = "yes", seen: str = "", at: str = "2026-01-01"
) -> str:
    return f"{key},{mail},{score},{ok},{seen},{at}\n"
