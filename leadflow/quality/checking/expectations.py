"""Great Expectations running inside DuckDB.

Belongs here: everything that touches Great Expectations or the SQL connection it runs on. Does not belong here: what is
tested and what a result means (runner.py).

Great Expectations has no data source for DuckDB. Its SQL engine works through duckdb-engine with three changes:

- one connection is kept, because duckdb-engine's results die with the connection that Great Expectations would close
  before reading them;
- every batch is a temporary view, because column reflection through duckdb-engine loses the schema of a table;
- a failed query is rolled back, because DuckDB refuses every later query of a broken transaction.

So a table is never brought over: metrics are computed by DuckDB, and rows come back by a bounded few.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow.quality.checking.plans import NativeExpectation
from leadflow.quality.sql_text import identifier

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True)
class Outcome:
    """What Great Expectations says of one expectation: passed or not, its result's details, or why it did not run."""

    is_passed: bool
    details: Mapping[str, Any]
    error: str | None = None


class QueryFailedError(Exception):
    """DuckDB refused a query; the message is DuckDB's."""


@contextmanager
def open_session(engine: sa.Engine) -> Generator[Session]:
    """A session on one connection of `engine`, closed at the end; its temporary views go with it."""
    session = Session(engine)
    try:
        yield session
    finally:
        session.close()


class Session:
    """One connection to the warehouse, as Great Expectations and leadflow's own queries use it together."""

    def __init__(self, engine: sa.Engine) -> None:
        self._gx_engine = _engine_class()(engine=engine, create_temp_table=False)
        self._connection: sa.Connection = self._gx_engine.kept_connection()
        self._views: list[str] = []
        self._validators: dict[str, Any] = {}

    def close(self) -> None:
        """Drop the views and give the connection back."""
        self._connection.rollback()
        for view in reversed(self._views):
            self._connection.exec_driver_sql(f"drop view if exists {view}")
        self._connection.commit()
        self._connection.close()
        _dialects.add(self._connection.dialect)

    def view(self, sql: str) -> str:
        """Name of a new temporary view over a query.

        Raises:
            QueryFailedError: the query is not valid.
        """
        name = f"leadflow_view_{len(self._views)}"
        self._views.append(name)
        self._execute(f"create or replace temp view {name} as {sql}").close()
        self._connection.commit()
        return name

    def columns(self, view: str) -> list[str]:
        """Column names of a view."""
        cursor = self._execute(f"select * from {view} limit 0")
        names = list(cursor.keys())
        cursor.close()
        return names

    def counts(self, view: str, columns: list[str]) -> dict[str | None, int]:
        """Rows of a view under None, and its values that are not null by column."""
        counted = "".join(f", count({identifier(column)})" for column in columns)
        row = self._execute(f"select count(*){counted} from {view}").fetchone()
        return dict(zip([None, *columns], (int(value) for value in row or ()), strict=True))

    def _execute(self, sql: str) -> sa.CursorResult[Any]:
        from sqlalchemy.exc import DBAPIError

        try:
            return self._connection.exec_driver_sql(sql)
        except DBAPIError as error:
            self._connection.rollback()
            raise QueryFailedError(str(error.orig)) from None

    def validate(
        self, view: str, expectations: Mapping[str, NativeExpectation], result_format: Mapping[str, Any]
    ) -> dict[str, Outcome]:
        """Outcomes of expectations on a view, by the keys they are given under.

        Metrics of all of them are computed in shared queries; when such a query fails, nobody knows whose fault it
        is, so each expectation without an outcome is then run alone.
        """
        outcomes = self._validate_together(view, expectations, result_format)
        for key, expectation in expectations.items() if len(expectations) > 1 else ():
            if outcomes[key].error is not None:
                outcomes |= self._validate_together(view, {key: expectation}, result_format)
        return outcomes

    def _validate_together(
        self, view: str, expectations: Mapping[str, NativeExpectation], result_format: Mapping[str, Any]
    ) -> dict[str, Outcome]:
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        outcomes: dict[str, Outcome] = {}
        configurations = []
        for key, one in expectations.items():
            configuration = ExpectationConfiguration(
                type=one.name, kwargs=dict(one.arguments), meta={"key": key}
            )
            try:
                configuration.to_domain_obj()  # graph_validate would raise for all of them
            except ValueError as error:
                outcomes[key] = Outcome(False, {}, str(error))
                continue
            configurations.append(configuration)
        if not configurations:
            return outcomes
        results = self._validator(view).graph_validate(
            configurations=configurations,
            runtime_configuration={"result_format": dict(result_format), "catch_exceptions": True},
        )
        for result in results:
            raised = _raised(result.exception_info)
            key = result.expectation_config.meta["key"]
            outcomes[key] = Outcome(raised is None and bool(result.success), result.result or {}, raised)
        return outcomes

    def _validator(self, view: str) -> Any:
        from great_expectations.core.batch import Batch
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
        from great_expectations.validator.validator import Validator

        if view not in self._validators:
            data: Any = SqlAlchemyBatchData(self._gx_engine, table_name=view, create_temp_table=False)
            self._validators[view] = Validator(
                execution_engine=self._gx_engine, batches=[Batch(data=data)], data_context=_context()
            )
        return self._validators[view]


def _raised(exception_info: Mapping[str, Any] | None) -> str | None:
    """The message of the exception an expectation ended in, which stands flat or below the failed metrics' ids."""
    info = exception_info or {}
    for entry in [info, *(value for value in info.values() if isinstance(value, Mapping))]:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message") or "it raised an exception")
    return None


@functools.cache
def import_great_expectations() -> Any:
    """The package, imported so that it sends no usage statistics and is quiet in logs and at exit."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations

    atexit.register(_release_duckdb_types)
    # What goes wrong arrives as a result; the log would repeat it with a traceback and the values concerned.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    return great_expectations


# Dialects of the engines that sessions worked on; SQLAlchemy keeps them beyond their engines.
_dialects: weakref.WeakSet[Any] = weakref.WeakSet()


def _release_duckdb_types() -> None:
    """Let go of DuckDB's type objects: its modules' constants, and those SQLAlchemy remembers from results.

    Once Great Expectations is imported, Python does not unload these modules at exit, and DuckDB's binding then reports
    every type object on stderr as leaked ("nanobind: leaked 27 instances!"). Harmless, but it reads like a crash.
    """
    for dialect in _dialects:
        getattr(dialect, "_type_memos", {}).clear()
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("duckdb", "_duckdb"):
            constants = [key for key, value in vars(module).items() if type(value).__name__ == "DuckDBPyType"]
            for key in constants:
                delattr(module, key)


@functools.cache
def _context() -> Any:
    """One context for the process, in memory, without progress bars."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = import_great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


@functools.cache
def _engine_class() -> Any:
    _context()
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

    class KeptConnectionEngine(SqlAlchemyExecutionEngine):
        """Great Expectations' SQL engine on one connection that stays open between queries."""

        def kept_connection(self) -> Any:
            if not self._connection:
                self._connection = self.engine.connect()
            return self._connection

        @contextmanager
        def get_connection(self) -> Generator[Any]:
            connection = self.kept_connection()
            try:
                yield connection
            except Exception:
                connection.rollback()
                raise

        def close(self) -> None:
            """Leave the engine to whoever lent it; it would be disposed of whenever this object is collected."""

    return KeptConnectionEngine
