"""Whether the SQL models make the columns that their contracts promise, told without a row of data.

Belongs here: every model over empty tables of its inputs' contracts, and what DuckDB says its columns are. Does not
belong here: the check columns_match_contract, which holds a written table against its contract (quality/checking/).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from leadflow.errors import ModelError
from leadflow.quality.contract.tables import Contracts, Table
from leadflow.warehouse.conditions import make_empty_tables
from leadflow.warehouse.connection import quote
from leadflow.warehouse.models.sql_models import SqlRoom, refused_by_duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def refuse_other_columns(connection: DuckDBPyConnection, room: SqlRoom, contracts: Contracts) -> None:
    """Compare the columns of every model with its contract; the database is left as it was.

    Args:
        connection: an empty in-memory database.
        room: the models.
        contracts: every table by 'schema.table'.

    Raises:
        ModelError: DuckDB refuses a model, or a model makes other columns or types; all of them in one.
    """
    connection.execute("begin transaction")
    try:
        make_empty_tables(connection, contracts)
        problems = list(_differences(connection, room, contracts))
    finally:
        connection.execute("rollback")
    if problems:
        raise ModelError(
            "; ".join(problems), "mend the select or the contract, until columns and types agree"
        )


def _differences(connection: DuckDBPyConnection, room: SqlRoom, contracts: Contracts) -> Iterator[str]:
    """One sentence for each model that differs."""
    import duckdb

    for name, model in room.models.items():
        sql = room.render(model, {}, is_incremental=False)
        try:
            made = connection.execute(f"describe select * from ({sql}\n)").fetchall()
        except duckdb.Error as error:
            raise refused_by_duckdb(room, model, sql, error) from error
        wrong = _wrong(connection, contracts[name], {row[0].lower(): row[1] for row in made})
        if wrong:
            yield f"{model.path} and the contract of {name} differ: {', '.join(wrong)}"


def _wrong(connection: DuckDBPyConnection, table: Table, made: dict[str, str]) -> list[str]:
    described = connection.execute(f"describe {quote(table.full_name)}").fetchall()
    promised = {row[0].lower(): row[1] for row in described}  # as DuckDB spells the types
    return [
        *(f"{name} is not in the contract" for name in made if name not in promised),
        *(f"{name} is not in the select" for name in promised if name not in made),
        *(f"{name} is {made[name]}, not {promised[name]}" for name in promised
          if name in made and made[name] != promised[name]),
    ]  # fmt: skip
