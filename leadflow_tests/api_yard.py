"""A warehouse that sources are fetched into, for the tests of connectors.

Belongs here: what several test modules of connectors share. Does not belong here: the servers (api_server.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from homes import REPOSITORY

from leadflow.ingest.assets import SHARED, fillable_columns
from leadflow.ingest.land import Landings, land_sources
from leadflow.ingest.sources import load_sources
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.landing.landing import ensure_raw_table
from leadflow.warehouse.tables import Stamp

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AS_OF = dt.datetime(2026, 6, 30)  # noqa: DTZ001 - instants are naive UTC throughout


@dataclass
class ApiYard:
    """A home's warehouse and its sources.yaml.

    Attributes:
        folder: the home.
        connection: connection to its warehouse.
        contracts: leadflow's own.
    """

    folder: Path
    connection: DuckDBPyConnection
    contracts: Contracts

    def land(self, *sources: dict[str, Any]) -> Landings:
        """Land the sources of all tables they fill."""
        path = self.folder / "sources.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "sources": list(sources)}, sort_keys=False))
        files = load_sources(path, fillable_columns(self.contracts))
        done = Landings()
        for table in dict.fromkeys(f"raw.{source.table}" for source in files.config.sources):
            for name in (table, *SHARED):
                ensure_raw_table(
                    self.connection,
                    name,
                    {column.name: column.data_type for column in self.contracts[name].columns},
                )
            history = self.contracts.history_of(table)
            if history is not None:
                ensure_raw_table(
                    self.connection,
                    history,
                    {column.name: column.data_type for column in self.contracts[history].columns},
                )
            landed = land_sources(self.connection, self.contracts, files, table, stamp(), [])
            done.landed += landed.landed
            done.failed |= landed.failed
            done.drift |= landed.drift
            done.unused |= landed.unused
        return done

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        ((value,),) = self.rows(sql)
        return value


@contextmanager
def api_yard(folder: Path) -> Iterator[ApiYard]:
    """A yard in a folder."""
    warehouse = Warehouse(folder / "warehouse.duckdb", temp_directory=folder / "tmp")
    with warehouse.connect() as connection:
        yield ApiYard(folder, connection, load_contracts(REPOSITORY / "dbt_like_sql"))


def stamp() -> Stamp:
    """What the writes of a test are recorded with."""
    return Stamp(refresh_id=1, as_of=AS_OF, run_id="run", code_version="1")
