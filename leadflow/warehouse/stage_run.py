"""What an asset of a stage works with: the home, the moment, the policy, and reading and writing tables.

Belongs here: the one object that thin asset shells use. Does not belong here: Dagster (table_assets.py) and any
stage's logic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadflow.policy import Policy, load_policy
from leadflow.quality.sql_text import identifier
from leadflow.settings import Settings
from leadflow.version import code_version
from leadflow.warehouse.connection import Warehouse, query, quote
from leadflow.warehouse.refreshes import Refresh, current_refresh
from leadflow.warehouse.sql_models import SqlModel, SqlRoom, run_model
from leadflow.warehouse.tables import Stamp, TableVersion, replace_table, upsert

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from leadflow.quality.contracts import Contracts


@dataclass
class StageRun:
    """One run over one home.

    Attributes:
        settings: where the home is and how large the machine.
        contracts: what every table is promised to be.
        room: the SQL models.
        run_id: the Dagster run.
        is_full: rebuild incremental tables from nothing.
    """

    settings: Settings
    contracts: Contracts
    room: SqlRoom
    run_id: str
    is_full: bool = False

    @cached_property
    def warehouse(self) -> Warehouse:
        """The home's warehouse."""
        return Warehouse.from_settings(self.settings)

    @cached_property
    def policy(self) -> Policy:
        """The policy in force, read once a run."""
        return load_home_policy(self.settings)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A short connection to the warehouse."""
        with self.warehouse.connect(read_only=read_only) as connection:
            yield connection

    def refresh(self, connection: DuckDBPyConnection | None = None) -> Refresh:
        """The refresh that tables written now belong to; asked anew each time, because ingest may open one."""
        if connection is not None:
            return current_refresh(connection)
        with self.connect(read_only=True) as own:
            return current_refresh(own)

    def stamp(self, connection: DuckDBPyConnection) -> Stamp:
        """What a write is recorded with."""
        return self.refresh(connection).stamp(run_id=self.run_id, code_version=code_version())

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A whole table, or some of its columns, as a polars frame."""
        chosen = "*" if columns is None else ", ".join(map(identifier, columns))
        with self.connect(read_only=True) as connection:
            return query(connection, f"select {chosen} from {quote(table)}")

    def write(
        self, table: str, rows: pl.DataFrame | pa.Table | str, *, inputs: Sequence[str]
    ) -> TableVersion:
        """Replace a table, rows in the order of its contract's natural key."""
        with self.connect() as connection:
            return replace_table(
                connection,
                table,
                rows,
                stamp=self.stamp(connection),
                inputs=inputs,
                order_by=self.contracts[table].natural_key,
            )

    def merge(self, table: str, rows: pl.DataFrame, *, inputs: Sequence[str]) -> TableVersion:
        """Upsert into a table by its contract's natural key."""
        with self.connect() as connection:
            return upsert(
                connection,
                table,
                rows,
                key=self.contracts[table].natural_key,
                stamp=self.stamp(connection),
                inputs=inputs,
            )

    def run_sql_model(self, model: SqlModel) -> TableVersion:
        """Make a SQL model's table."""
        with self.connect() as connection:
            return run_model(
                connection,
                self.room,
                model,
                variables=self.variables(self.refresh(connection)),
                stamp=self.stamp(connection),
                order_by=tuple(self.contracts[model.table].natural_key),
                is_full=self.is_full,
            )

    def variables(self, refresh: Refresh) -> Mapping[str, Any]:
        """What var() answers in the SQL room: the moment, and the policy's numbers that SQL needs."""
        training = self.policy.training
        return {
            "as_of": refresh.as_of.isoformat(sep=" "),
            "training_from": "1900-01-01" if training.from_date is None else training.from_date.isoformat(),
            "horizon_days": training.horizon_days,
            "moments_days": list(training.moments_days),
        }


def load_home_policy(settings: Settings) -> Policy:
    """The policy.yaml in force, or the default policy where the home has none.

    Raises:
        ConfigError: the file is wrong, or one was named that does not exist.
    """
    path = settings.policy_path
    return load_policy(path if path.exists() or settings.policy is not None else None)
