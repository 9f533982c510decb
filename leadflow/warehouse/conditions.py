"""Whether the SQL that contracts hold can be read by DuckDB, told without a row of data.

Belongs here: conditions (`where`), the project's own tests and singular tests over empty tables of the contracts. Does
not belong here: the SQL models (models/model_columns.py) and running a test (quality/checking/).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from leadflow.errors import ContractError, first_line
from leadflow.quality.contract.tables import Contracts, Table, Test
from leadflow.quality.sql_text import identifier, relation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def refuse_wrong_conditions(contracts: Contracts) -> None:
    """Have DuckDB run every condition and query of a test on tables without rows.

    Raises:
        ContractError: one names a column that is not there or is no SQL, by file and line; all of them in one.
    """
    import duckdb

    tested = [(table, test) for table in contracts.values() for test in table.checks if _holds_sql(test)]
    if not tested:
        return
    with duckdb.connect(":memory:") as connection:
        make_empty_tables(connection, contracts)
        problems = [problem for table, test in tested for problem in _problems(connection, table, test)]
    if problems:
        raise ContractError("; ".join(problems), "mend the SQL; it reads the columns of the table's contract")


def make_empty_tables(connection: DuckDBPyConnection, contracts: Contracts) -> None:
    """Every table with the columns and types of its contract, and no rows."""
    for schema in sorted({table.schema for table in contracts.values()}):
        connection.execute(f"create schema if not exists {identifier(schema)}")
    for table in contracts.values():
        columns = ", ".join(f"{identifier(column.name)} {column.data_type}" for column in table.columns)
        connection.execute(f"create table {relation(table.full_name)} ({columns})")


def _holds_sql(test: Test) -> bool:
    return test.where is not None or test.macro is not None or test.singular is not None


def _problems(connection: DuckDBPyConnection, table: Table, test: Test) -> Iterator[str]:
    """One sentence where DuckDB refuses the test's condition or query."""
    import duckdb

    from leadflow.quality.checking.plans import FailingRowsQuery
    from leadflow.quality.checking.runner import plan_of

    batch = relation(table.full_name)
    told = f"{test.file}:{test.line} test {test.test} of {table.full_name}"
    try:
        if test.where is not None:
            connection.execute(f"select * from {batch} where ({test.where}\n)").fetchall()
        plan = plan_of(test, table, batch)
        if isinstance(plan, FailingRowsQuery) and (test.macro is not None or test.singular is not None):
            connection.execute(f"select * from ({plan.sql}\n)").fetchall()
    except duckdb.Error as error:
        yield f"{told} cannot be read by DuckDB ({first_line(error)})"
