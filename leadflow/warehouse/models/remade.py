"""Models of which a refresh makes anew only the rows of the leads that it touched.

    {{ config(materialized='table', meta={'remade_by': 'lead_digests.facts_digest', 'moment': 'as_of'}) }}

Belongs here: finding which leads a refresh touched, and putting their rows in the place of the former ones. Does not belong
here: what a digest is made of (the model that it is a column of).

Beside the table stands what it was made from: the digest of each lead, written in the same transaction, so that it does
not matter what happened between two writes, in what order, or as of which moment. A lead whose digest is another one now,
that is new or that went is touched. All rows are made where `--full` asks for it, where the SQL or the day is another one,
where the table was written by anything else, where the digests are older than what the model reads, where so many leads were
touched that it is cheaper, and once as many were remade as there are, so that the table's rows stand in order again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from leadflow.quality.sql_text import identifier
from leadflow.warehouse.connection import first_row, quote, scalar
from leadflow.warehouse.models.sql_models import refused_by_duckdb
from leadflow.warehouse.tables import (
    Stamp,
    TableVersion,
    ensure_system_tables,
    latest_versions,
    put_rows,
    record_version,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leadflow.warehouse.models.sql_models import SqlModel, SqlRoom

KEY = "lead_id"
"""Column that digests, and the tables made by them, have a row or several of."""
_MOST_TOUCHED = 0.3
"""Share of leads from which on all rows are made: reading for a few costs as much as for all, and writing is in order."""
_TOUCHED = "temp.leadflow_touched"
_STATE = "quality.remade_tables"


def run_remade(
    connection: DuckDBPyConnection,
    room: SqlRoom,
    model: SqlModel,
    *,
    variables: Mapping[str, Any],
    stamp: Stamp,
    order_by: tuple[str, ...],
    is_full: bool,
    before_recording: Callable[[DuckDBPyConnection], object] | None = None,
) -> tuple[TableVersion, int | None]:
    """Make the model's table, or those of its rows that need it.

    Args:
        connection: read-write connection.
        room: the room the model is from.
        model: one with `remade_by`.
        variables: values for var().
        stamp: what the write is recorded with.
        order_by: columns the rows are written in the order of; rows that are remade stand behind the others.
        is_full: make all rows.
        before_recording: called in the transaction when the rows are in the table.

    Returns:
        The version written, and how many leads were remade; None where all were.

    Raises:
        ModelError: DuckDB refuses the SQL; names the model and DuckDB's reason.
    """
    import duckdb

    ensure_system_tables(connection)
    connection.execute(
        f"create table if not exists {_STATE} (table_name varchar primary key, fingerprint varchar not null, "
        "version bigint not null, leads_remade bigint not null)"
    )
    fingerprint = _fingerprint(connection, room, model, variables)
    is_current = _is_current(connection, room, model, stamp)
    touched = _touched(connection, model, fingerprint) if is_current and not is_full else None
    given = variables if touched is None else {**variables, "touched": _TOUCHED}
    sql = room.render(model, given, is_incremental=False)
    try:
        with transaction(connection):
            if touched is None:
                put_rows(connection, model.table, sql, order_by=order_by)
                _remember_all(connection, model)
            else:
                _remake(connection, model, sql, stamp, order_by)
            if before_recording is not None:
                before_recording(connection)
            version = record_version(connection, model.table, stamp=stamp, inputs=model.made_from)
            connection.execute(
                f"insert or replace into {_STATE} select ?, ?, ?, coalesce(? + (select max(leads_remade) from {_STATE} "
                "where table_name = ?), 0)",
                [model.table, fingerprint if is_current else "", version.version, touched, model.table],
            )
    except duckdb.Error as error:
        raise refused_by_duckdb(room, model, sql, error) from error
    return version, touched


def _fingerprint(
    connection: DuckDBPyConnection, room: SqlRoom, model: SqlModel, variables: Mapping[str, Any]
) -> str:
    """Changes with the SQL, the day that it looks from, and the engine."""
    midnight = f"{str(variables['as_of'])[:10]} 00:00:00"
    sql = room.render(model, {**variables, "as_of": midnight}, is_incremental=False)
    return hashlib.sha256(f"{scalar(connection, 'select version()')}\n{sql}".encode()).hexdigest()


def _is_current(connection: DuckDBPyConnection, room: SqlRoom, model: SqlModel, stamp: Stamp) -> bool:
    """Whether the digests tell what the model reads: they are of this refresh, newer than what they were made from, and those
    that the tables which it reads were remade by. In a refresh they are; not where somebody makes one table alone.
    """
    digests = model.remade_by.rpartition(".")[0]
    versions = latest_versions(connection)
    made = versions.get(digests)
    if made is None or made.refresh_id != stamp.refresh_id:
        return False
    newer = [name for name, version in versions.items() if version.version > made.version]
    remade = [name for name in model.inputs if name in room.models and room.models[name].remade_by]
    return not set(newer) & set(room.models[digests].inputs) and all(
        name in versions and versions[name].inputs.get(digests) == made.version for name in remade
    )


def _touched(connection: DuckDBPyConnection, model: SqlModel, fingerprint: str) -> int | None:
    """How many leads were touched, whose ids are in a temporary table then; or None where all rows are to be made."""
    made = _made(model)
    digests, _, digest = model.remade_by.rpartition(".")
    former = first_row(connection, f"select fingerprint, version, leads_remade from {_STATE} where table_name = ?", [model.table])  # fmt: skip
    newest = latest_versions(connection).get(model.table)
    if former is None or newest is None or former[:2] != (fingerprint, newest.version):
        return None
    if not all(table_exists(connection, table) for table in (model.table, made)):
        return None
    connection.execute(
        f"create or replace temp table {_TOUCHED.split('.')[1]} as "
        f"select {KEY} from {quote(digests)} as now full join {quote(made)} as made using ({KEY}) "
        f"where now.{identifier(digest)} is distinct from made.digest"
    )
    count: int = scalar(connection, f"select count(*) from {_TOUCHED}")
    leads = scalar(connection, f"select count(*) from {quote(digests)}")
    return count if count <= min(_MOST_TOUCHED * leads, leads - former[2]) else None


def _remake(
    connection: DuckDBPyConnection, model: SqlModel, sql: str, stamp: Stamp, order_by: tuple[str, ...]
) -> None:
    table, made = quote(model.table), quote(_made(model))
    digests, _, digest = model.remade_by.rpartition(".")
    of_touched = f"where {KEY} in (select {KEY} from {_TOUCHED})"
    order = f" order by {', '.join(map(identifier, order_by))}" if order_by else ""
    connection.execute(f"delete from {table} {of_touched}")
    if model.moment:
        connection.execute(
            f"update {table} set {identifier(model.moment)} = ? where {identifier(model.moment)} <> ?",
            [stamp.as_of, stamp.as_of],
        )
    connection.execute(f"insert into {table} by name select * from ({sql}\n){order}")
    connection.execute(f"delete from {made} {of_touched}")
    connection.execute(
        f"insert into {made} select {KEY}, {identifier(digest)} from {quote(digests)} {of_touched}"
    )


def _remember_all(connection: DuckDBPyConnection, model: SqlModel) -> None:
    digests, _, digest = model.remade_by.rpartition(".")
    connection.execute(
        f"create or replace table {quote(_made(model))} as "
        f"select {KEY}, {identifier(digest)} as digest from {quote(digests)} order by {KEY}"
    )


def _made(model: SqlModel) -> str:
    """Table of the digests that the model's table was made by."""
    return f"quality.made_{model.name}"
