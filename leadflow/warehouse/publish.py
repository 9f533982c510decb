"""Publishing: the gate that says whether, and the mart that BI tools read.

Belongs here: the gate's reading of the warehouse and the atomic replacement of marts.duckdb. Does not belong here:
making any of the tables.

The gate reads the warehouse and not Dagster's log, so it holds across runs: also when only the publish step is run
later, or when a run was killed between a write and its checks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import PublishRefusedError, WarehouseError, first_line
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.tables import TableVersion, latest_versions, table_exists

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leadflow.quality.contract.tables import Contracts

_NAMED_PROBLEMS = 5
"""How many reasons a refusal names before it only counts the rest."""


@dataclass(frozen=True)
class MartColumn:
    """A column of the mart: its name, its SQL over the warehouse's table, and what it means."""

    name: str
    expression: str
    description: str


@dataclass(frozen=True)
class MartTable:
    """A table of the mart, made from one of the warehouse."""

    name: str
    source: str
    columns: tuple[MartColumn, ...]
    description: str
    order_by: tuple[str, ...]


def lineage(versions: Mapping[str, TableVersion], tables: Sequence[str]) -> list[str]:
    """The tables and everything they were made from, sorted."""
    found: set[str] = set()
    waiting = list(tables)
    while waiting:
        table = waiting.pop()
        if table not in found:
            found.add(table)
            waiting.extend(versions[table].inputs if table in versions else ())
    return sorted(found)


def blocking_fingerprints(contracts: Contracts) -> dict[str, dict[str, str]]:
    """What the gate expects: the fingerprint of each blocking check by its name, of every table with a contract."""
    return {
        name: {
            test.check_name: contracts.fingerprints[name][test.check_name] for test in table.blocking_checks
        }
        for name, table in contracts.items()
    }


def reasons_not_to_publish(
    connection: DuckDBPyConnection,
    tables: Sequence[str],
    blocking_checks: Mapping[str, Mapping[str, str]],
    policy_version: str | None = None,
) -> list[str]:
    """Why `tables` may not be published, in sentences; empty where they may.

    Refused is, for a table or any ancestor of it: one that was never made, that is of another refresh than the
    newest, that was made under another policy than the one in force, that is older than a table it was made from, or
    whose blocking check failed or was not run, as the contract has it now, on the version there is.

    Args:
        connection: connection to the warehouse.
        tables: tables to be published.
        blocking_checks: of every table that has a contract, the fingerprint of each blocking check by its name.
        policy_version: the policy in force.
    """
    versions = latest_versions(connection)
    newest_refresh = max((version.refresh_id or 0 for version in versions.values()), default=0)
    guarded = lineage(versions, tables)
    results = _results(connection, [versions[table].version for table in guarded if table in versions])
    failures: list[str] = []  # told first: much of the rest often follows from them
    reasons: list[str] = []
    for table in guarded:
        version = versions.get(table)
        if version is None:
            reasons.append(f"{table} was never made")
            continue
        if version.refresh_id != newest_refresh:
            reasons.append(
                f"{table} is of refresh {version.refresh_id}, the newest is refresh {newest_refresh}"
            )
        if version.policy_version not in (None, policy_version):
            reasons.append(
                f"{table} was made under another policy ({version.policy_version}) than the one in force"
            )
        for name, used in version.inputs.items():
            if name in versions and versions[name].version > used:
                reasons.append(f"{table} is older than {name}, which it is made from")
        expected = blocking_checks.get(table, {})
        for check, fingerprint in expected.items():
            result = results.get((table, check))
            if result is None or result.version < version.version:
                reasons.append(f"{table} was not checked by {check} since it was last written")
            elif result.fingerprint != fingerprint:
                reasons.append(f"{table} was not checked by {check} since the contract changed")
        for (checked, check), result in results.items():
            is_current = checked == table and result.version == version.version
            if is_current and not result.is_passed and result.is_blocking:
                failures.append(f"{table} failed {check}: {result.message}")
    return failures + reasons


@dataclass(frozen=True)
class _Result:
    """The newest result of a check.

    `is_blocking` is of the outcome: a test that could not run blocks whatever its severity, and one that blocks does not
    where it found no more than its warn_if. A severity or threshold that has changed since changes the fingerprint.
    """

    version: int
    is_passed: bool
    is_blocking: bool
    fingerprint: str
    message: str


def _results(connection: DuckDBPyConnection, versions: Sequence[int]) -> dict[tuple[str, str], _Result]:
    """The newest result of every check, by table and name; none that is older than all of the versions, so that a
    refresh does not read the results of years."""
    if not versions or not table_exists(connection, "quality.results"):
        return {}
    rows = connection.execute(
        "select table_name, check_name, version, is_passed, is_blocking, fingerprint, message from quality.results "
        f"where version >= {min(versions)} "
        "qualify row_number() over (partition by table_name, check_name order by version desc, checked_at desc, is_passed) = 1 "
        "order by table_name, check_name"
    ).fetchall()
    return {(row[0], row[1]): _Result(*row[2:]) for row in rows}


def publish(
    connection: DuckDBPyConnection,
    marts_path: Path,
    tables: Sequence[MartTable],
    *,
    blocking_checks: Mapping[str, Mapping[str, str]],
    published: Mapping[str, Any],
    descriptions: Mapping[str, MartTable],
) -> dict[str, int]:
    """Replace the mart by a new one, or leave it as it is.

    The new file is written beside the old one, flushed to disk and renamed over it: a reader sees the old mart or
    the new one, never anything between.

    Args:
        connection: connection to the warehouse.
        marts_path: the mart.
        tables: what to publish.
        blocking_checks: see `reasons_not_to_publish`.
        published: the one row of the mart's `published` table.
        descriptions: comments for the mart's own tables, `published` and `data_quality`.

    Returns:
        Rows per table of the mart.

    Raises:
        PublishRefusedError: the gate found reasons; the mart stays as it was.
        WarehouseError: the new mart cannot be written; the mart stays as it was.
    """
    import duckdb

    sources = [table.source for table in tables]
    reasons = reasons_not_to_publish(connection, sources, blocking_checks, published.get("policy_version"))
    if reasons:
        named = "; ".join(reasons[:_NAMED_PROBLEMS])
        more = f"; and {len(reasons) - _NAMED_PROBLEMS} more" if len(reasons) > _NAMED_PROBLEMS else ""
        raise PublishRefusedError(
            f"{marts_path} stays as it was, because {named}{more}",
            "mend the data or the contract and run the refresh again",
        )
    staged = marts_path.with_name(f".{marts_path.name}.{os.getpid()}.new")
    try:
        for left_over in marts_path.parent.glob(f".{marts_path.name}.*.new*"):
            left_over.unlink()  # of a publish that was killed; one refresh at a time, so nobody is writing it
        rows = _write(connection, staged, tables, published, descriptions)
        _flush(staged)
        # A BI tool that opened the mart for writing may have left a log beside it, which DuckDB would refuse to
        # replay on the new file; nothing of ours is in it.
        _log_of(marts_path).unlink(missing_ok=True)
        staged.replace(marts_path)
        _flush(marts_path.parent)
    except (duckdb.Error, OSError) as error:
        raise WarehouseError(
            f"{marts_path} stays as it was, because the new mart cannot be written ({first_line(error)})",
            "see that its folder is writable and has room, and run the refresh again",
        ) from error
    finally:
        staged.unlink(missing_ok=True)
        _log_of(staged).unlink(missing_ok=True)
    return rows


def _write(
    connection: DuckDBPyConnection,
    staged: Path,
    tables: Sequence[MartTable],
    published: Mapping[str, Any],
    descriptions: Mapping[str, MartTable],
) -> dict[str, int]:
    rows: dict[str, int] = {}
    connection.execute(f"attach {literal(str(staged))} as mart")
    try:
        for table in tables:
            columns = ", ".join(
                f"{column.expression} as {identifier(column.name)}" for column in table.columns
            )
            order = f" order by {', '.join(map(identifier, table.order_by))}" if table.order_by else ""
            connection.execute(
                f"create table mart.{identifier(table.name)} as select {columns} from {quote(table.source)}{order}"
            )
            _comment(connection, table)
        _write_data_quality(connection, [table.source for table in tables])
        places = ", ".join(
            f"cast(? as {_sql_type(value)}) as {identifier(name)}" for name, value in published.items()
        )
        connection.execute(f"create table mart.published as select {places}", list(published.values()))
        for table in descriptions.values():
            _comment(connection, table)
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'mart' order by 1"
        ).fetchall():
            rows[name] = scalar(connection, f"select count(*) from mart.{identifier(name)}")
        connection.execute("checkpoint mart")
    finally:
        connection.execute("detach mart")
    return rows


def _write_data_quality(connection: DuckDBPyConnection, sources: Sequence[str]) -> None:
    """The last result of every check on what the mart was made from: on the versions there are, so that a check that
    the contract has no more is gone from here too."""
    versions = latest_versions(connection)
    behind = [versions[table].version for table in lineage(versions, sources)]
    connection.execute(
        "create table mart.data_quality as select table_name, check_name, column_name, severity, is_passed, checked_rows, "
        "failing_rows, failing_share, quarantined_rows, message, checked_at from quality.results "
        f"where version in ({', '.join(map(str, behind))}) "
        "qualify row_number() over (partition by table_name, check_name order by version desc, checked_at desc, is_passed) = 1 "
        "order by table_name, check_name"
    )


def _comment(connection: DuckDBPyConnection, table: MartTable) -> None:
    connection.execute(f"comment on table mart.{identifier(table.name)} is {literal(table.description)}")
    for column in table.columns:
        connection.execute(
            f"comment on column mart.{identifier(table.name)}.{identifier(column.name)} is {literal(column.description)}"
        )


def _sql_type(value: Any) -> str:
    if isinstance(value, datetime):
        return "timestamp"
    return "bigint" if isinstance(value, int) else "varchar"


def _flush(path: Path) -> None:
    """Make sure that what was written, or a folder's entry, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _log_of(path: Path) -> Path:
    """DuckDB's write-ahead log of a database file."""
    return path.with_name(path.name + ".wal")
