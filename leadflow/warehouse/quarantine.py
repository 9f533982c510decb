"""Quarantine: rows that fail a test which says `on_fail: quarantine` are set aside while their table is written.

    - accepted_values:
        arguments: {values: [won, lost]}
        config: {meta: {on_fail: quarantine, max_quarantined_share: 0.01}}

Belongs here: moving rows from a table into quality.quarantined_rows, and refusing at load what cannot be moved. Does not
belong here: which rows fail (quality/checking/row_queries.py), and the check that is run on what is left (quality/checking/runner.py).

The rows go in the transaction that writes the table, so no reader and no later step ever sees them. Where more than
the allowed share fails, none is set aside: the check then finds them all and blocks, as it would without quarantine. Of
a raw table the share is held for the table and for each file that landed in it, so that one broken delivery is not lost
among years of good ones; a single row of a small file is let through.
Quarantine holds what stands aside now. A table that is written anew each time brings all its rows anew. The rows of
one that is added to (raw tables, incremental models, identity's keys) do not come again by themselves, so those that
stand aside are judged anew with each write: a row is let go once a later one took its place, and returns to its table
once the test was taken back or allows it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.errors import ContractError, first_line
from leadflow.quality.checking.row_queries import failing_rows_query
from leadflow.quality.contract.tables import Contracts, Table, Test
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.tables import Stamp, columns_of, table_exists

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection

TABLE = "quality.quarantined_rows"

_BATCH = "leadflow_quarantine_batch"
_FAILING = "leadflow_quarantine_failing"
_TOUCHED = "leadflow_touched_keys"
_ROW = "leadflow_row"
"""Name under which a row's place in its table goes through a test's query; a test that selects all columns keeps it."""
_FILE = ("source_name", "source_file")
"""Columns by which a raw table tells what file a row landed from."""
_WHOLE = "leadflow_whole"
"""Alias that stands for all columns of a row; a column of the same name would be taken in its place."""


@dataclass(frozen=True)
class _Found:
    """The rows of a table that fail one test: the test and how many they are."""

    test: Test
    rows: int


def set_aside(
    connection: DuckDBPyConnection,
    contract: Table,
    *,
    stamp: Stamp,
    is_replaced: bool,
    history: str | None = None,
) -> dict[str, int]:
    """Move the failing rows of a table, inside the caller's transaction and before its version is recorded.

    Args:
        connection: read-write connection in a transaction; the system tables are there.
        contract: the table's contract; its table is written already.
        stamp: what the write is recorded with.
        is_replaced: the table was written anew as a whole, so what was set aside before is of no more use.
        history: table of the versions of its rows that were replaced or deleted.

    Returns:
        Rows set aside by check name; without the checks for which they were too many.

    Raises:
        ContractError: a test's query does not return rows of the table.
    """
    tests = quarantining(contract)
    are_judged_anew = not is_replaced and bool(contract.natural_key)
    if are_judged_anew:
        bring_back(connection, contract, history)
    if (is_replaced or (are_judged_anew and not tests)) and table_exists(connection, TABLE):
        connection.execute(f"delete from {TABLE} where table_name = ?", [contract.full_name])
    if not tests:
        return {}
    row_count = scalar(connection, f"select count(*) from {quote(contract.full_name)}")
    connection.execute(f"create or replace temp table {_FAILING} (check_name varchar, row_number bigint)")
    found = [_find(connection, contract, test) for test in tests]
    kept = [one.test for one in found if one.rows and _is_too_much(connection, contract, one, row_count)]
    if kept:
        names = ", ".join(literal(test.check_name) for test in kept)
        connection.execute(f"delete from {_FAILING} where check_name in ({names})")
    moved = {one.test.check_name: one.rows for one in found if one.rows and one.test not in kept}
    for test in tests:
        if test.check_name in moved:
            _keep(connection, contract, test, stamp)
    if are_judged_anew:
        _let_go(connection, contract)
    if moved:
        connection.execute(
            f"delete from {quote(contract.full_name)} where rowid in (select row_number from {_FAILING})"
        )
    connection.execute(f"drop table {_FAILING}")
    return moved


def bring_back(connection: DuckDBPyConnection, contract: Table, history: str | None = None) -> int:
    """Put the rows that stand aside back into their table, except those whose natural key is there again.

    Before a raw table's files land: what a row is replaced or deleted by, or stands before, is told by what is there.
    `set_aside` moves those that still fail out again.

    Args:
        connection: read-write connection in a transaction; the system tables are there.
        contract: the table's contract.
        history: table of the versions of its rows that were replaced or deleted; those do not come back.

    Returns:
        How many came back.
    """
    if not quarantined_rows(connection, contract.full_name):
        return 0
    table = quote(contract.full_name)
    types = {name: kind for name, kind, *_ in connection.execute(f"describe {table}").fetchall()}
    key = [identifier(name) for name in contract.natural_key]
    there = " and ".join(f"present.{name} is not distinct from aside.fields.{name}" for name in key)
    replaced = (
        ""
        if history is None
        else f" and not exists (select 1 from {quote(history)} as present where {there} "
        "and (present.known_at, present.source_name, coalesce(present.source_file, '')) >= "
        "(aside.fields.known_at, aside.fields.source_name, coalesce(aside.fields.source_file, '')))"
    )
    inserted: int = scalar(
        connection,
        f"insert into {table} by name select unnest(aside.fields) from ("
        f"select fields from (select from_json(row, {literal(json.dumps(types))}) as fields, refresh_id, row "
        f"from {TABLE} where table_name = ?) qualify row_number() over ("
        f"partition by {', '.join(f'fields.{name}' for name in key)} order by refresh_id desc, row) = 1"
        f") as aside where not exists (select 1 from {table} as present where {there}){replaced}",
        [contract.full_name],
    )
    return inserted


def forget_rows(connection: DuckDBPyConnection, table: str, touched: pl.DataFrame) -> None:
    """Let go of the rows of a table that stand aside and whose key is in `touched`: they are written anew, or are gone.

    Args:
        connection: read-write connection in a transaction; the system tables are there.
        table: 'schema.name'.
        touched: keys, in columns of the table.
    """
    if not len(touched) or not quarantined_rows(connection, table):
        return
    same = " and ".join(
        f"row->>{literal('$.' + json.dumps(name))} is not distinct from cast(touched.{identifier(name)} as varchar)"
        for name in touched.columns
    )
    connection.register(_TOUCHED, touched)
    connection.execute(
        f"delete from {TABLE} where table_name = ? and exists (select 1 from {_TOUCHED} as touched where {same})",
        [table],
    )
    connection.unregister(_TOUCHED)


def quarantining(contract: Table) -> tuple[Test, ...]:
    """The tests of a table whose failing rows are set aside."""
    return tuple(test for test in contract.checks if test.on_fail == "quarantine")


def quarantined_rows(connection: DuckDBPyConnection, table: str) -> dict[str, int]:
    """Rows of a table ('schema.name') that stand aside, by check name."""
    if not table_exists(connection, TABLE):
        return {}
    return dict(
        connection.execute(
            f"select check_name, count(*) from {TABLE} where table_name = ? group by check_name order by check_name",
            [table],
        ).fetchall()
    )


def newest_set_aside(connection: DuckDBPyConnection, table: str, not_after: datetime) -> datetime | None:
    """The newest known_at among the rows of a table ('schema.name') that stand aside, up to a moment; None without any."""
    if not table_exists(connection, TABLE):
        return None
    newest: datetime | None = scalar(
        connection,
        "select max(known_at) from (select try_cast(row->>'known_at' as timestamp) as known_at "
        f"from {TABLE} where table_name = ?) where known_at <= ?",
        [table, not_after],
    )
    return newest


def refuse_impossible(
    contracts: Contracts, views: Iterable[str], behind: Mapping[str, Collection[str]]
) -> None:
    """Refuse quarantines that could not be carried out, before anything runs.

    Args:
        contracts: all contracts.
        views: tables, as schema.name, that are views.
        behind: everything that a table is made from, by table.

    Raises:
        ContractError: a test of a view quarantines, or one that compares with a table which may not be made yet.
    """
    are_views = set(views)
    for table in contracts.values():
        for test in quarantining(table):
            where = f"{test.file}:{test.line} test {test.test} of {table.full_name}"
            if table.full_name in are_views:
                raise ContractError(
                    f"{where} sets rows aside, which a view cannot do as it holds none",
                    "give the model `{{ config(materialized='table') }}`, or move the test to a table made from it",
                )
            if late := [name for name in test.other_tables if name not in behind.get(table.full_name, ())]:
                raise ContractError(
                    f"{where} sets rows aside by comparing with {late[0]}, which the table is not made from, so it may be written later",
                    "leave on_fail out, or read that table in the model",
                )


def _find(connection: DuckDBPyConnection, contract: Table, test: Test) -> _Found:
    import duckdb

    condition = f" where {test.where}" if test.where else ""
    query = failing_rows_query(test, contract, _BATCH)
    where = f"{test.file}:{test.line} test {test.test} of {contract.full_name}"
    try:
        connection.execute(
            f"create or replace temp view {_BATCH} as "
            f"select *, rowid as {_ROW} from {quote(contract.full_name)}{condition}"
        )
        if _ROW not in columns_of(connection, f"({query}\n)"):
            raise ContractError(
                f"{where} sets rows aside, but its query returns something else than the table's rows",
                "select all columns of the failing rows, or leave on_fail out",
            )
        connection.execute(
            f"insert into {_FAILING} select distinct {literal(test.check_name)}, {_ROW} from ({query}\n)"
        )
    except duckdb.Error as error:
        raise ContractError(
            f"{where} cannot run ({first_line(error)})", "mend the test or its where"
        ) from error
    connection.execute(f"drop view {_BATCH}")  # where a query failed, the rollback drops it
    rows = scalar(
        connection, f"select count(*) from {_FAILING} where check_name = {literal(test.check_name)}"
    )
    return _Found(test, rows)


def _is_too_much(connection: DuckDBPyConnection, contract: Table, found: _Found, row_count: int) -> bool:
    """Whether more rows fail than may be set aside: of the whole table, or of one file that landed in it."""
    share = found.test.max_quarantined_share
    if found.rows / row_count > share:
        return True
    if not all(contract.column(name) for name in _FILE):
        return False
    spoilt: bool = scalar(
        connection,
        f"select exists (from (select count(*) as rows, count(*) filter (rowid in ("
        f"select row_number from {_FAILING} where check_name = ?)) as failing "
        f"from {quote(contract.full_name)} group by {', '.join(_FILE)}) "
        "where failing > 1 and failing / rows > ?)",
        [found.test.check_name, share],
    )
    return spoilt


def _let_go(connection: DuckDBPyConnection, contract: Table) -> None:
    """Forget the rows of a table that no longer fail the test they were set aside for."""
    connection.execute(
        f"delete from {TABLE} where table_name = ? and (check_name, row) not in (select failing.check_name, "
        f"cast(to_json({_WHOLE}) as varchar) from {_FAILING} as failing "
        f"inner join {quote(contract.full_name)} as {_WHOLE} on {_WHOLE}.rowid = failing.row_number)",
        [contract.full_name],
    )


def _keep(connection: DuckDBPyConnection, contract: Table, test: Test, stamp: Stamp) -> None:
    """Copy the rows that fail a test into quarantine; a row that stands there already is not doubled."""
    connection.execute(
        f"insert into {TABLE} (table_name, check_name, test, column_name, refresh_id, as_of, row) "
        "select ?, ?, ?, ?, ?, ?, given.row from ("
        f"select cast(to_json({_WHOLE}) as varchar) as row from {quote(contract.full_name)} as {_WHOLE} "
        f"where rowid in (select row_number from {_FAILING} where check_name = ?)) as given "
        f"where not exists (select 1 from {TABLE} as kept where kept.table_name = ? and kept.check_name = ? "
        "and kept.row = given.row) order by given.row",
        [
            contract.full_name,
            test.check_name,
            test.test,
            test.column,
            stamp.refresh_id,
            stamp.as_of,
            test.check_name,
            contract.full_name,
            test.check_name,
        ],
    )
