"""Running unit tests of SQL models, and telling expected rows from actual ones.

Belongs here: one in-memory database, the inputs in it, the comparison and its words. Does not belong here: what a unit
test says (model_unit_tests.py). The model is rendered by SqlRoom, as a refresh renders it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import ModelError, first_line
from leadflow.quality.sql_text import identifier
from leadflow.warehouse.connection import Warehouse, quote
from leadflow.warehouse.models.model_unit_test_rows import Fixture
from leadflow.warehouse.models.model_unit_tests import UnitTest
from leadflow.warehouse.models.sql_models import SqlRoom, refused_by_duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ACTUAL = "leadflow_unit_test.actual"
_SHOWN_AS_EXPECTED = 10
_LEGEND = "(→ expected → actual, --- expected but not there, +++ there but not expected)"

Cells = tuple[str | None, ...]


@dataclass(frozen=True)
class ComparedRow:
    """One distinct row, as text, and how often it is there and was expected."""

    cells: Cells
    actual: int
    expected: int


@dataclass(frozen=True)
class Outcome:
    """What became of a unit test.

    Attributes:
        test: the unit test.
        columns: the columns compared.
        rows: every row that was expected or is there, in the order of their values.
    """

    test: UnitTest
    columns: tuple[str, ...]
    rows: tuple[ComparedRow, ...]

    @property
    def is_passed(self) -> bool:
        """Whether the rows are those expected, each as often, whatever their order."""
        return all(row.actual == row.expected for row in self.rows)

    def difference(self) -> str:
        """Expected and actual rows side by side, for a person; empty where they are equal."""
        if self.is_passed:
            return ""
        missing = [row.cells for row in self.rows for _ in range(row.expected - row.actual)]
        unexpected = [row.cells for row in self.rows for _ in range(row.actual - row.expected)]
        equal = [row.cells for row in self.rows for _ in range(min(row.actual, row.expected))]
        lines: list[tuple[str, list[str]]] = [("@@", list(self.columns))]
        lines += [("", list(map(_shown, cells))) for cells in equal[:_SHOWN_AS_EXPECTED]]
        for cells in missing:
            near = _nearest(cells, unexpected)
            if near is None:
                lines.append(("---", list(map(_shown, cells))))
            else:
                unexpected.remove(near)
                lines.append(("→", [_changed(was, now) for was, now in zip(cells, near, strict=True)]))
        lines += [("+++", list(map(_shown, cells))) for cells in unexpected]
        left_out = len(equal) - _SHOWN_AS_EXPECTED
        tail = [f"and {left_out} more rows as expected"] if left_out > 0 else []
        return "\n".join([*_aligned(lines), *tail, _LEGEND])

    def error(self) -> ModelError:
        """The failure as one error for a person."""
        return ModelError(
            f"{self.test.at} {self.test.id}: the model makes other rows than expected\n{self.difference()}\n",
            "Mend the model, or the rows expected of it",
        )


@contextmanager
def unit_test_connection() -> Iterator[DuckDBPyConnection]:
    """An empty in-memory database with the settings of the warehouse, for any number of unit tests."""
    with Warehouse(Path(":memory:"), threads=1).connect() as connection:  # a few rows gain nothing by more
        yield connection


def run_unit_test(connection: DuckDBPyConnection, room: SqlRoom, test: UnitTest) -> Outcome:
    """Run one unit test; the database is left as it was.

    Args:
        connection: from unit_test_connection.
        room: the room the model is from.
        test: the unit test.

    Raises:
        ModelError: the model cannot be rendered or DuckDB refuses it, or the rows of the test.
    """
    import duckdb

    sql = room.render(test.model, test.variables, is_incremental=test.is_incremental)
    connection.execute("begin transaction")
    try:
        for schema in sorted({_ACTUAL.split(".")[0], *(given.table.schema for given in test.given)}):
            connection.execute(f"create schema {identifier(schema)}")
        for given in test.given:
            with _refusals(given, test):
                _make(connection, given, test)
        try:
            connection.execute(f"create table {quote(_ACTUAL)} as select * from ({sql}\n)")
        except duckdb.Error as error:
            raise refused_by_duckdb(room, test.model, sql, error) from error
        with _refusals(test.expect, test):
            return _compared(connection, test)
    finally:
        connection.execute("rollback")


@contextmanager
def _refusals(rows: Fixture, test: UnitTest) -> Iterator[None]:
    """What DuckDB has against rows, with their file and line."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise ModelError(
            f"{rows.at} {test.id}: DuckDB refuses the rows of {rows.table.full_name} ({first_line(error)})",
            "mend the rows",
        ) from error


def _make(connection: DuckDBPyConnection, rows: Fixture, test: UnitTest) -> None:
    """Make the table with all the columns of its contract, null where no row names them."""
    table = quote(rows.table.full_name)
    columns = ", ".join(f"{identifier(column.name)} {column.data_type}" for column in rows.table.columns)
    connection.execute(f"create table {table} ({columns})")
    if rows.sql is not None:
        _refuse_other_columns(connection, rows, test)
    if rows.sql is not None or rows.rows:
        connection.execute(f"insert into {table} by name select * from ({rows.select()}\n)")


def _refuse_other_columns(connection: DuckDBPyConnection, rows: Fixture, test: UnitTest) -> None:
    """Rows given as SQL have the contract's columns and types, as dbt takes them for what the SQL says.

    Raises:
        ModelError: a column is missing, unknown or of another type.
    """
    promised = dict(_columns_of(connection, f"({replace(rows, sql=None, columns=(), rows=()).select()})"))
    given = dict(_columns_of(connection, f"({rows.sql}\n)"))
    wrong = [
        f"{name} is {given.get(name, 'missing')}, not {promised.get(name, 'a column of the contract')}"
        for name in {**promised, **given}
        if given.get(name) != promised.get(name)
    ]
    if wrong:
        raise ModelError(
            f"{rows.at} {test.id}: the SQL for {rows.table.full_name} has other columns than its contract ({'; '.join(wrong)})",
            "select every column of the contract, cast to its type",
        )


def _columns_of(connection: DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Names in lower case, and types."""
    found = connection.execute(f"describe select * from {relation}").fetchall()
    return [(name.lower(), data_type) for name, data_type, *_ in found]


def _compared(connection: DuckDBPyConnection, test: UnitTest) -> Outcome:
    """The rows of both tables, counted.

    Grouping takes null for equal to null and NaN to NaN. Numbers are compared exactly, as dbt does it: a model that
    promises equal tables for equal inputs rounds what may differ.

    Raises:
        ModelError: the model does not make a column that is expected.
    """
    if test.expect.sql is not None:
        _refuse_other_columns(connection, test.expect, test)
    columns = test.expect.columns or tuple(column.name for column in test.expect.table.columns)
    made = {name for name, _ in _columns_of(connection, quote(_ACTUAL))}
    lacking = [name for name in columns if name.lower() not in made]
    if lacking:
        raise ModelError(
            f"{test.model.path} does not make {', '.join(lacking)}, which {test.expect.at} expects",
            "add the column to the model, or drop it from its contract and its unit tests",
        )
    keys = [f"c{index}" for index in range(len(columns))]
    chosen = ", ".join(f"{identifier(name)} as {key}" for name, key in zip(columns, keys, strict=True))
    texts = ", ".join(f"cast({key} as varchar)" for key in keys)
    found = connection.execute(
        f"select {texts}, actual, expected from ("
        f"select {', '.join(keys)}, count(*) filter (where is_actual) as actual, "
        f"count(*) filter (where not is_actual) as expected from ("
        f"select {chosen}, true as is_actual from {quote(_ACTUAL)} union all "
        f"select {chosen}, false from ({test.expect.select()}\n)) group by {', '.join(keys)} order by {', '.join(keys)})"
    ).fetchall()
    rows = tuple(ComparedRow(row[:-2], row[-2], row[-1]) for row in found)
    return Outcome(test, columns, rows)


def _nearest(cells: Cells, others: list[Cells]) -> Cells | None:
    """Of the other rows the one with the most equal cells, at least one; the first of several."""
    best = max(others, key=lambda other: _equal_cells(cells, other), default=None)
    return best if best is not None and _equal_cells(cells, best) > 0 else None


def _equal_cells(left: Cells, right: Cells) -> int:
    return sum(one == other for one, other in zip(left, right, strict=True))


def _changed(expected: str | None, actual: str | None) -> str:
    return _shown(expected) if expected == actual else f"{_shown(expected)} → {_shown(actual)}"


def _shown(cell: str | None) -> str:
    """A cell as a person can tell it from others: null, and text that could be taken for it or for nothing."""
    if cell is None:
        return "null"
    return repr(cell) if cell == "null" or cell != cell.strip() or not cell else cell


def _aligned(lines: list[tuple[str, list[str]]]) -> list[str]:
    widths = [max(len(cells[index]) for _, cells in lines) for index in range(len(lines[0][1]))]
    return [
        f"{mark:<3} | "
        + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for mark, cells in lines
    ]
