"""Rows of a unit test: what a model is given, and what it is expected to make of it.

Belongs here: the three ways to write rows (dict, csv, sql), held against the contract of the table they are of. Does
not belong here: the unit test around them (model_unit_tests.py) and running it (model_unit_test_runs.py).

Rows have to mean the same to leadflow and to dbt, which writes them into SQL by itself. What dbt would stumble over,
or take for something else in silence, is refused.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from leadflow.config_files import Document, KeyPath
from leadflow.quality.contract.contract_reading import Problems
from leadflow.quality.contract.duckdb_types import family_of
from leadflow.quality.contract.tables import Column, Table
from leadflow.quality.sql_text import identifier, literal

Format = Literal["dict", "csv", "sql"]

_JINJA = re.compile(r"{[{%#]")
_INTEGER_TYPE = re.compile(r"u?(tiny|small|big|huge)?int(eger)?|int[1248]|long|short|signed", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d+")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")


@dataclass(frozen=True)
class Fixture:
    """Rows of one table.

    Attributes:
        table: the contract of the table.
        columns: the columns that the rows name, in the contract's spelling.
        rows: values in the order of `columns`; a column that a row does not name is null.
        sql: a select that gives the rows instead, or None.
        at: file:line, for messages.
    """

    table: Table
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    sql: str | None
    at: str

    def select(self) -> str:
        """SQL that gives the rows, each value cast to its column's type as dbt does it.

        Without rows, and so without columns, it gives all columns of the contract and no row.
        """
        if self.sql is not None:
            return self.sql
        columns = [self.table.column(name) for name in self.columns] if self.columns else self.table.columns
        typed = [column for column in columns if column is not None]
        nothing = [None] * len(typed)
        if not self.rows:
            return f"select {_selected(typed, nothing)} limit 0"
        return "\nunion all\n".join(f"select {_selected(typed, row or nothing)}" for row in self.rows)


@dataclass(frozen=True)
class FixtureReader:
    """Reads the rows of one document; what is wrong goes to `problems`."""

    document: Document
    problems: Problems

    def read(
        self,
        at: KeyPath,
        rows: Sequence[Mapping[str, Any]] | str,
        form: Format,
        table: Table,
        *,
        is_expected: bool = False,
    ) -> Fixture:
        """The rows at a place of the document.

        Args:
            at: path of the `input` or `expect` that holds `rows`.
            rows: the rows as they were written.
            form: how they are written.
            table: contract of the table they are of.
            is_expected: whether they are what is expected, of which only the columns named are compared.
        """
        where = self.document.where(*at, "rows")
        if isinstance(rows, str) and _JINJA.search(rows):
            self._refuse((*at, "rows"), "rows hold Jinja, which dbt would render", "write plain values")
            return Fixture(table, (), (), None, where)
        if form == "sql":
            return Fixture(table, (), (), self._text(at, rows, "a select"), where)
        if form == "csv":
            named = self._csv(at, self._text(at, rows, "lines, the first with the columns"))
        elif isinstance(rows, str):
            self._refuse((*at, "rows"), "rows are a text", "write a list of rows, or `format: csv` or `sql`")
            named = []
        else:
            named = list(rows)
        if is_expected:
            self._refuse_uneven(at, named)
        columns = self._columns(at, named, table)
        values = []
        for index, row in enumerate(named):
            spelled = self._checked(at, index, row, table)
            values.append(tuple(spelled.get(name) for name in columns))
        return Fixture(table, columns, tuple(values), None, where)

    def _text(self, at: KeyPath, rows: Sequence[Mapping[str, Any]] | str, wanted: str) -> str:
        if isinstance(rows, str) and rows.strip():
            return rows
        self._refuse((*at, "rows"), "rows are no text", f"write {wanted} below `rows: |`, or drop the format")
        return ""

    def _csv(self, at: KeyPath, text: str) -> list[Mapping[str, Any]]:
        """Rows of texts; what is empty is null."""
        reader = csv.DictReader(io.StringIO(text))
        rows: list[Mapping[str, Any]] = []
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values():
                self._refuse(
                    (*at, "rows"),
                    f"row {number} has more or fewer values than there are columns",
                    "write one for each",
                )
                continue
            rows.append({name: value or None for name, value in row.items()})
        return rows

    def _columns(self, at: KeyPath, rows: Sequence[Mapping[str, Any]], table: Table) -> tuple[str, ...]:
        """The columns that any row names, and that are there."""
        names: dict[str, None] = {}
        for index, row in enumerate(rows):
            for name in row:
                column = table.column(str(name))
                if column is not None:
                    names[column.name] = None
                    continue
                near = difflib.get_close_matches(str(name), [each.name for each in table.columns], n=1)
                self._refuse(
                    (*at, "rows", index, name),
                    f"row {index + 1} names the column '{name}', which {table.full_name} does not have",
                    f"write '{near[0]}'" if near else f"name a column of its contract in {table.file}",
                )
        return tuple(names)

    def _refuse_uneven(self, at: KeyPath, rows: Sequence[Mapping[str, Any]]) -> None:
        """Expected rows have the same columns in the same order: dbt stacks them by position."""
        for index, row in enumerate(rows):
            if not row or list(row) != list(rows[0]):
                named = ", ".join(map(str, rows[0])) or "at least one column"
                self._refuse(
                    (*at, "rows", index),
                    f"row {index + 1} names other columns than the first, or in another order",
                    f"name {named} in every expected row, with null where nothing is expected",
                )

    def _checked(self, at: KeyPath, index: int, row: Mapping[str, Any], table: Table) -> dict[str, Any]:
        """The row by the contract's spelling; moments that YAML has read are text again."""
        spelled: dict[str, Any] = {}
        for name, value in row.items():
            column = table.column(str(name))
            if column is None:
                continue
            remedy = _misfit(value, column.data_type)
            if remedy is not None:
                self._refuse(
                    (*at, "rows", index, name),
                    f"row {index + 1} has {value!r} in {column.name}, which is of the type {column.data_type}",
                    remedy,
                )
            spelled[column.name] = value.isoformat() if isinstance(value, dt.date) else value
        return spelled

    def _refuse(self, at: KeyPath, problem: str, remedy: str) -> None:
        self.problems.add(self.document, at, problem, remedy)


def _misfit(value: object, data_type: str) -> str | None:
    """What to do about a value that is none of the type, or None where it fits."""
    if value is None:
        return None
    if isinstance(value, str) and _JINJA.search(value):
        return "write plain text; dbt would render the Jinja"
    if isinstance(value, float) and not math.isfinite(value):
        return "put it in quotes"
    family = family_of(data_type)
    if family == "text":
        return None if isinstance(value, str) else "put it in quotes"
    if family == "boolean":
        return None if isinstance(value, bool) or value in ("true", "false") else "write true or false"
    if family == "number":
        return _misfit_number(value, data_type)
    if family == "moment":
        return _misfit_moment(value, data_type)
    return None


def _misfit_number(value: object, data_type: str) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return "write a number"
    if _INTEGER_TYPE.fullmatch(data_type.strip()):
        return None if _INTEGER.fullmatch(str(value)) else "write a whole number; DuckDB would round it"
    try:
        float(value)
    except ValueError:
        return "write a number"
    return None


def _misfit_moment(value: object, data_type: str) -> str | None:
    """Of a day, no clock time; of a naive moment, no offset: DuckDB would drop either without a word."""
    is_day = data_type.strip().lower() == "date"
    remedy = "write 'YYYY-MM-DD'" if is_day else "write 'YYYY-MM-DD HH:MM:SS' in UTC, without an offset"
    text = value.isoformat() if isinstance(value, dt.date) else value
    if not isinstance(text, str):
        return remedy
    if "tz" in data_type.lower() or "zone" in data_type.lower():
        return None
    shape = _MOMENT.fullmatch(text)
    if shape is None or (is_day and shape[1]):
        return remedy
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return f"{remedy}; there is no such {'day' if is_day else 'moment'}"
    return None


def _selected(columns: Sequence[Column], values: Sequence[Any]) -> str:
    return ", ".join(
        f"cast({_written(value)} as {column.data_type}) as {identifier(column.name)}"
        for column, value in zip(columns, values, strict=True)
    )


def _written(value: Any) -> str:
    """A value as SQL; lists and structs as DuckDB writes them."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{literal(str(name))}: {_written(item)}" for name, item in value.items()) + "}"
        )
    return literal(value)
