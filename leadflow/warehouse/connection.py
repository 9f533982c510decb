"""Connections to DuckDB files: short, always closed, and with errors a person can act on.

Belongs here: opening and closing, limits, reading results. Does not belong here: writing tables (tables.py).

A resource of our own, because dagster-duckdb's closes without try/finally, is always read-write, and its polars
companion cannot load inputs on DuckDB 2.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import WarehouseError, WarehouseLockedError, first_line
from leadflow.quality.sql_text import identifier
from leadflow.warehouse.lingering import POLL_SECONDS, Lingering

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import pyarrow as pa
    import sqlalchemy
    from duckdb import DuckDBPyConnection

    from leadflow.settings import Settings

_lingering: dict[Path, Lingering] = {}
"""Files of this process that stay open between connections."""

_SESSION = "set timezone = 'UTC'; set enable_progress_bar = false"
"""Days and hours are UTC's, on whatever machine; and DuckDB would draw a bar of its own over leadflow's."""

_MOST_MEMORY_GIB = 3.7
"""What DuckDB may take unless told otherwise, 4 GB: a refresh of a million leads spills little beyond it, and the
machine keeps room for the rest of the process and for its other work. DuckDB's own default is 80 % of the machine."""


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file and the limits it is opened with.

    Attributes:
        path: the file; made on the first write.
        threads: threads DuckDB may use, or None for all cores.
        memory_limit: such as '4GB', or None for leadflow's default, which is DuckDB's but 4 GB at most.
        temp_directory: where DuckDB spills to.
        connect_wait_seconds: how long to wait for another program to let go of the file.
    """

    path: Path
    threads: int | None = None
    memory_limit: str | None = None
    temp_directory: Path | None = None
    connect_wait_seconds: float = 30.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Warehouse:
        """The warehouse of a home."""
        return cls(
            path=settings.warehouse_path,
            threads=settings.threads,
            memory_limit=settings.memory_limit,
            temp_directory=settings.temp_directory or settings.home / "tmp",
            connect_wait_seconds=settings.connect_wait_seconds,
        )

    def config(self) -> dict[str, str]:
        """DuckDB's settings; no extension is ever fetched from the network."""
        config = {"autoinstall_known_extensions": "false"}
        if self.threads is not None:
            config["threads"] = str(self.threads)
        if limit := self.memory_limit or _default_memory_limit():
            config["memory_limit"] = limit
        if self.temp_directory is not None:
            config["temp_directory"] = str(self.temp_directory)
        return config

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A connection for the block, closed at its end whatever happens.

        Raises:
            WarehouseLockedError: another program holds the file and kept it beyond `connect_wait_seconds`.
            WarehouseError: the file cannot be opened or made, or is not a DuckDB database.
        """
        lingering = _lingering.get(self.path)
        if lingering and not lingering.is_useful:
            lingering = None
        connection = lingering.connection() if lingering else self._open(read_only=read_only)
        try:
            connection.execute(_SESSION)
            yield connection
        finally:
            connection.close()
            if lingering:
                lingering.let_go()

    @contextmanager
    def lingering(self) -> Iterator[None]:
        """Within the block the file stays open between connections of this process that follow each other at once.

        All of them may write then, those to read by, too: one process cannot open a file in both ways. A file that is not
        there yet, or too large to stay open, is opened as outside of the block.
        """
        lingering = _lingering[self.path] = Lingering(
            self.path, functools.partial(self._open, read_only=False)
        )
        try:
            yield
        finally:
            del _lingering[self.path]
            lingering.close()

    @contextmanager
    def reading(self, tell: Callable[[str], None]) -> Iterator[DuckDBPyConnection]:
        """A connection to read by; a refresh that holds the warehouse is waited for, and that is told.

        Raises:
            WarehouseLockedError: it held the warehouse for longer than `connect_wait_seconds`.
        """
        try:
            with replace(self, connect_wait_seconds=0).connect(read_only=True) as connection:
                yield connection
                return
        except WarehouseLockedError:
            tell(f"Waiting for a refresh to let go of {self.path}, for at most {self.connect_wait_seconds:g} seconds.")  # fmt: skip
        with self.connect(read_only=True) as connection:
            yield connection

    @contextmanager
    def scratch(self) -> Iterator[DuckDBPyConnection]:
        """A DuckDB in memory under the same limits, to be lent to a library that needs one; the warehouse stays closed."""
        import duckdb

        connection = duckdb.connect(":memory:", config={**self.config()})
        try:
            connection.execute(_SESSION)
            yield connection
        finally:
            connection.close()

    def _open(self, *, read_only: bool) -> DuckDBPyConnection:
        import duckdb
        import tenacity

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_lock_conflict),
            wait=tenacity.wait_fixed(POLL_SECONDS),
            stop=tenacity.stop_after_delay(self.connect_wait_seconds),
            reraise=True,
        )
        try:
            return attempts(duckdb.connect, str(self.path), read_only=read_only, config=self.config())
        except duckdb.Error as error:
            raise self._explain(error, read_only=read_only) from error

    def _explain(self, error: duckdb.Error, *, read_only: bool) -> WarehouseError:
        text = str(error)
        if _is_lock_conflict(error):
            who = re.search(r"Conflicting lock is held in (.+?)(?: by user .*?)?\.(?:\s|$)", text)
            program = who.group(1) if who else "another program"
            return WarehouseLockedError(
                f"{self.path} is locked by {program}",
                "close the other program's connection; BI tools belong on marts.duckdb, not on the warehouse",
            )
        if read_only and not self.path.exists():
            return WarehouseError(
                f"{self.path} does not exist", "run `leadflow run` or `leadflow demo` first"
            )
        return WarehouseError(
            f"{self.path} cannot be opened ({first_line(error)})",
            "check that the file is a DuckDB database and its folder is writable, or move it away to start anew",
        )

    def read(self, sql: str, parameters: Sequence[Any] | None = None) -> pl.DataFrame:
        """The rows of a query as a polars frame, over Arrow and without pandas."""
        import duckdb

        with self.connect(read_only=True) as connection:
            try:
                return query(connection, sql, parameters)
            except duckdb.Error as error:
                raise WarehouseError(
                    f"{self.path} cannot be read ({first_line(error)})",
                    "check that leadflow wrote the file; a refresh writes it anew",
                ) from error

    def read_arrow(self, sql: str, parameters: Sequence[Any] | None = None) -> pa.Table:
        """The rows of a query as an Arrow table."""
        with self.connect(read_only=True) as connection:
            return connection.sql(sql, params=parameters).to_arrow_table()

    @contextmanager
    def sqlalchemy_engine(self) -> Iterator[sqlalchemy.Engine]:
        """A SQLAlchemy engine on one kept connection to read by, for libraries that speak nothing else."""
        import duckdb_engine
        import sqlalchemy

        with self.connect(read_only=True) as lent:
            engine = sqlalchemy.create_engine(
                f"duckdb:///{self.path}",
                creator=lambda: duckdb_engine.ConnectionWrapper(lent),
                poolclass=sqlalchemy.pool.StaticPool,
            )
            try:
                yield engine
            finally:
                engine.dispose()


@functools.cache
def _default_memory_limit() -> str | None:
    """4 GB where DuckDB would take more, else None, which leaves it to DuckDB: it knows a container's limits."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        number, unit = str(scalar(connection, "select current_setting('memory_limit')")).split()
    gib = float(number) * {"TiB": 1024.0, "GiB": 1.0, "MiB": 1 / 1024}.get(unit, 0.0)
    return f"{_MOST_MEMORY_GIB}GiB" if gib > _MOST_MEMORY_GIB else None


def _is_lock_conflict(error: BaseException) -> bool:
    return "Could not set lock on file" in str(error)


def query(
    connection: DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """The rows of a query on an open connection as a polars frame."""
    frame: pl.DataFrame = connection.sql(sql, params=parameters).pl()
    return frame


def scalar(
    connection: DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> Any:
    """The first value of the first row of a query, or None where there is no row."""
    row = first_row(connection, sql, parameters)
    return None if row is None else row[0]


def first_row(
    connection: DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> tuple[Any, ...] | None:
    """The first row of a query that gives few, or None where there is none.

    All rows are fetched: after fetchone() DuckDB takes the result for unfinished, and the next sql() or register() on
    the connection fails.
    """
    rows = connection.execute(sql, parameters).fetchall()
    return rows[0] if rows else None


def quote(name: str) -> str:
    """`schema.table` as quoted SQL identifiers, so that no name is ever taken for SQL.

    A column's name may hold a dot that parts nothing: that is what sql_text.identifier is for.
    """
    return ".".join(map(identifier, name.split(".")))
