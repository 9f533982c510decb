"""What an asset of a stage works with: the home, the moment, the policy, and reading and writing tables.

Belongs here: the one object that thin asset shells use. Does not belong here: Dagster (table_assets.py) and any
stage's logic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadflow.config_files import read_yaml
from leadflow.policy import Policy, load_policy
from leadflow.processes import part_map, usable_processors
from leadflow.quality.sql_text import identifier
from leadflow.rule_conflicts import refuse_wrong_features
from leadflow.rule_measures import rule_variables
from leadflow.settings import Settings
from leadflow.version import code_version
from leadflow.warehouse.connection import Warehouse, query, quote
from leadflow.warehouse.differences import differing, is_in_order
from leadflow.warehouse.models.remade import run_remade
from leadflow.warehouse.models.sql_models import SqlModel, SqlRoom, run_model
from leadflow.warehouse.quarantine import forget_rows, quarantining, set_aside
from leadflow.warehouse.refreshes import Refresh, current_refresh
from leadflow.warehouse.tables import (
    Stamp,
    TableVersion,
    add_rows,
    columns_of,
    ensure_system_tables,
    key_ranges,
    merge_rows,
    put_rows,
    read_range,
    record_version,
    replace_rows,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection

    from leadflow.quality.contracts import Contracts

ROWS_PER_PART = 100_000
"""Rows that are held in memory at a time where a step works in parts: some hundred MB of features."""
_MOST_WORKERS = 4
"""Processes that parts are worked on in at most: each takes some hundred MB."""


@dataclass
class StageRun:
    """One run over one home.

    Attributes:
        settings: where the home is and how large the machine.
        contracts: what every table is promised to be.
        room: the SQL models.
        run_id: the Dagster run.
        is_full: rebuild incremental tables from nothing.
        is_retraining: train a model, whether one is due or not.
        told: what a step has to tell of its tables beside rows and version, by table and name.
    """

    settings: Settings
    contracts: Contracts
    room: SqlRoom
    run_id: str
    is_full: bool = False
    is_retraining: bool = False
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The home's warehouse."""
        return Warehouse.from_settings(self.settings)

    @cached_property
    def policy(self) -> Policy:
        """The policy in force, read once a run."""
        return load_home_policy(self.settings, self.contracts)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A short connection to the warehouse."""
        with self.warehouse.connect(read_only=read_only) as connection:
            yield connection

    @property
    def workers(self) -> int:
        """Processes that a step may work on parts in: as many as threads, four at most."""
        return min(self.settings.threads or usable_processors(), _MOST_WORKERS)

    def tell(self, table: str, **metadata: Any) -> None:
        """Say something of a table that this step writes, for the UI."""
        self.told.setdefault(table, {}).update(metadata)

    def refresh(self, connection: DuckDBPyConnection | None = None) -> Refresh:
        """The refresh that tables written now belong to; asked anew each time, because ingest may open one."""
        if connection is not None:
            return current_refresh(connection)
        with self.connect(read_only=True) as own:
            return current_refresh(own)

    def stamp(self, connection: DuckDBPyConnection) -> Stamp:
        """What a write is recorded with."""
        return self.refresh(connection).stamp(
            run_id=self.run_id, code_version=code_version(), policy_version=self.policy.version
        )

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A whole table, or some of its columns, as a polars frame."""
        chosen = "*" if columns is None else ", ".join(map(identifier, columns))
        with self.connect(read_only=True) as connection:
            return query(connection, f"select {chosen} from {quote(table)}")

    def read_promised(self, table: str) -> pl.DataFrame | None:
        """A whole table; None where it is not there, or with other columns than its contract's."""
        with self.connect(read_only=True) as connection:
            if not self.holds_promised(connection, table):
                return None
            return query(connection, f"select * from {quote(table)}")

    def holds_promised(self, connection: DuckDBPyConnection, table: str) -> bool:
        """Whether a table is there with the columns of its contract, and not a former release's with others."""
        promised = {column.name for column in self.contracts[table].columns}
        return table_exists(connection, table) and set(columns_of(connection, quote(table))) == promised

    def count_values(self, sql: str) -> dict[str, int]:
        """How often each value of a query's only column comes, by value; null left out."""
        with self.connect(read_only=True) as connection:
            rows = connection.execute(
                f"select cast(value as varchar), count(*) from ({sql}) as counted (value) where value is not null "
                "group by 1 order by 1"
            ).fetchall()
        return dict(rows)

    def write(
        self,
        tables: Mapping[str, pl.DataFrame],
        *,
        inputs: Sequence[str],
        merged: Collection[str] = (),
        held: Mapping[str, pl.DataFrame] | None = None,
    ) -> dict[str, TableVersion]:
        """Write tables that belong together in one transaction: all of them, or none.

        Args:
            tables: rows by table; each replaces its table, in the order of its contract's natural key.
            inputs: tables the rows were made from.
            merged: tables that are upserted by their natural key and not replaced.
            held: what tables hold now, all rows and columns: of these only what differs is written, where that is less
                than half. The rows are the same then, in another order.
        """
        with self.connect() as connection:
            ensure_system_tables(connection)
            stamp = self.stamp(connection)
            with transaction(connection):
                versions = {}
                for table, rows in tables.items():
                    key = self.contracts[table].natural_key
                    changed = differing((held or {}).get(table), rows, key)
                    if table in merged:
                        merge_rows(connection, table, rows, key=key)
                    elif changed is None:
                        put_rows(connection, table, rows, order_by=() if is_in_order(rows, key) else key)
                    else:
                        forget_rows(connection, table, changed.touched)
                        replace_rows(connection, table, changed.rows, touched=changed.touched, order_by=key)
                    is_replaced = table not in merged and changed is None
                    self.set_aside(connection, table, stamp=stamp, is_replaced=is_replaced)
                    versions[table] = record_version(connection, table, stamp=stamp, inputs=inputs)
            return versions

    def write_in_parts(
        self,
        read: Sequence[str],
        compute: Callable[[Mapping[str, pl.DataFrame]], Mapping[str, pl.DataFrame]],
        *,
        by: str,
        inputs: Sequence[str],
        rows: int = ROWS_PER_PART,
        workers: int = 1,
        beside: Mapping[str, str] | None = None,
    ) -> dict[str, TableVersion]:
        """Replace tables by what is computed of others part by part, in one transaction: memory does not grow with rows.

        Args:
            read: tables with the column `by`, of which each part gets the rows of one range of its values; the first
                decides how long the ranges are.
            compute: from the rows by table to the rows by output table; a row must depend on rows of its own range
                alone. Called at least once, with empty frames where there are no rows.
            by: first column of every output's natural key, too.
            inputs: tables the rows were made from.
            rows: rows of the first table in a part.
            workers: processes that parts are computed in; `compute` is then sent to them, and has to be picklable.
            beside: select statements by further table that is replaced along with the others.
        """
        with self.connect() as connection:
            ensure_system_tables(connection)
            stamp = self.stamp(connection)
            with transaction(connection):
                written: list[str] = []
                ranges = key_ranges(connection, read[0], by, rows=rows)
                parts = (
                    {table: read_range(connection, table, by, after, until) for table in read}
                    for after, until in ranges
                )
                with part_map(min(workers, len(ranges))) as mapped:
                    for part in mapped(compute, parts):
                        for table, frame in part.items():
                            write = add_rows if table in written else put_rows
                            key = self.contracts[table].natural_key
                            write(connection, table, frame, order_by=() if is_in_order(frame, key) else key)
                        written = list(part)
                for table, select in (beside or {}).items():
                    put_rows(connection, table, select, order_by=self.contracts[table].natural_key)
                    written.append(table)
                versions = {}
                for table in written:
                    self.set_aside(connection, table, stamp=stamp, is_replaced=True)
                    versions[table] = record_version(connection, table, stamp=stamp, inputs=inputs)
            return versions

    def write_changes(
        self,
        tables: Mapping[str, pl.DataFrame],
        *,
        touched: pl.DataFrame,
        inputs: Sequence[str],
    ) -> dict[str, TableVersion]:
        """Write what changed of tables that belong together, in one transaction: all of them, or none.

        The tables hold the same rows as if they were made anew, in another order. Where `touched` is empty they are not
        touched, and get a version all the same.

        Args:
            tables: new rows by table, with the columns of the table.
            touched: distinct keys, in columns that every table has; its rows with such a key go, and so do those that
                stand in quarantine.
            inputs: tables the rows were made from.
        """
        with self.connect() as connection:
            ensure_system_tables(connection)
            stamp = self.stamp(connection)
            with transaction(connection):
                versions = {}
                for table, rows in tables.items():
                    forget_rows(connection, table, touched)
                    replace_rows(
                        connection, table, rows, touched=touched, order_by=self.contracts[table].natural_key
                    )
                    self.set_aside(connection, table, stamp=stamp, is_replaced=False)
                    versions[table] = record_version(connection, table, stamp=stamp, inputs=inputs)
            return versions

    def set_aside(
        self, connection: DuckDBPyConnection, table: str, *, stamp: Stamp, is_replaced: bool
    ) -> None:
        """Move the table's rows that fail a quarantining test, in the transaction that writes it."""
        set_aside(
            connection,
            self.contracts[table],
            stamp=stamp,
            is_replaced=is_replaced,
            history=self.contracts.history_of(table),
        )

    def run_sql_model(self, model: SqlModel) -> TableVersion:
        """Make a SQL model's table."""
        is_replaced = model.materialized != "incremental" or self.is_full
        contract = self.contracts[model.table]
        with self.connect() as connection:
            stamp = self.stamp(connection)
            given: dict[str, Any] = {
                "variables": self.variables(self.refresh(connection)),
                "stamp": stamp,
                "order_by": tuple(contract.natural_key),
                "before_recording": lambda used: self.set_aside(
                    used, model.table, stamp=stamp, is_replaced=is_replaced
                ),
            }
            if not model.remade_by:
                return run_model(connection, self.room, model, is_full=self.is_full, **given)
            # Rows that stand aside would have to be judged anew with those that are not remade.
            is_full = self.is_full or bool(quarantining(contract))
            version, touched = run_remade(connection, self.room, model, is_full=is_full, **given)
            self.tell(model.table, remade_leads="all" if touched is None else touched)
            return version

    def variables(self, refresh: Refresh) -> Mapping[str, Any]:
        """What var() answers in the SQL room: the moment, and the policy's numbers that SQL needs."""
        training = self.policy.training
        return {
            "as_of": refresh.as_of.isoformat(sep=" "),
            "training_from": "1900-01-01" if training.from_date is None else training.from_date.isoformat(),
            "horizon_days": training.horizon_days,
            "moments_days": list(training.moments_days),
            "training_max_leads": training.max_leads,
            "test_share": training.test_share,
            **rule_variables(self.policy),
            "bots": self.policy.bots.sql_variables(),
            "icp": self.policy.icp.sql_variables(),
        }


def load_home_policy(settings: Settings, contracts: Contracts | None = None) -> Policy:
    """The policy.yaml in force, or the default policy where the home has none.

    Args:
        contracts: what its rules and gates are held against: features that do not exist are refused here with their line.

    Raises:
        ConfigError: the file is wrong, or one was named that does not exist.
    """
    path = settings.policy_path
    if not path.exists() and settings.policy is None:
        return load_policy(None)
    policy = load_policy(path)
    if contracts is not None and "features.lead_features" in contracts:
        features = contracts["features.lead_features"].columns
        types = {column.name: column.data_type or "" for column in features}
        refuse_wrong_features(policy, read_yaml(path), types)
    return policy
