"""What a contract says: tables, columns and tests as values.

Belongs here: the shapes that contracts.py reads and others use. Does not belong here: reading or running them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from leadflow.quality.macro_tests import MacroTest

Severity = Literal["error", "warn"]
COLUMNS_MATCH_CONTRACT = "columns_match_contract"


@dataclass(frozen=True)
class Test:
    """One test of a table or column.

    Attributes:
        check_name: unique within the table; letters, digits and underscores, so that Dagster accepts it.
        test: the test's name without its package, such as not_null or expect_column_values_to_be_between.
        column: the tested column, or None for a test of the table.
        arguments: what the test is called with, in Great Expectations' spelling, tables as schema.name.
        severity: error blocks, warn does not.
        where: SQL condition of the rows that are tested, or None for all.
        file: the schema.yml.
        line: where the test stands in it, from 1.
        description: the test's own description, or an empty text.
        macro: the project's own test that `test` names, where it names one.
    """

    __test__: ClassVar[bool] = False  # pytest would collect a class of this name

    check_name: str
    test: str
    column: str | None
    arguments: Mapping[str, Any]
    severity: Severity
    where: str | None
    file: Path
    line: int
    description: str = ""
    macro: MacroTest | None = field(default=None, repr=False)

    @property
    def is_blocking(self) -> bool:
        """Whether a failure stops what depends on the table."""
        return self.severity == "error"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the test names, the tested one first."""
        named = [self.column, *(self.arguments.get(name) for name in ("column_A", "column_B", "sort_column"))]
        named += self.arguments.get("column_list") or []
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))

    @property
    def other_tables(self) -> tuple[str, ...]:
        """Tables, as schema.name, that the test reads beside its own."""
        return tuple(self.arguments[name] for name in ("to", "other_table_name") if name in self.arguments)


@dataclass(frozen=True)
class Column:
    """One column: name, DuckDB type, what it means, its unit, whether it is personal data, its tests and metadata."""

    name: str
    data_type: str
    description: str
    unit: str | None
    is_pii: bool
    tests: tuple[Test, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One table's contract.

    Attributes:
        schema: DuckDB schema, which is the stage.
        name: table name within it.
        kind: model (made by a SQL model) or source (made by Python).
        description: what it holds.
        grain: what one row is.
        natural_key: columns that identify a row; empty where none are declared.
        columns: in contract order.
        tests: tests of the table as a whole, columns_match_contract first; a column has its own.
        meta: the table's free metadata.
        file: the schema.yml.
        line: where the table stands in it, from 1.
    """

    schema: str
    name: str
    kind: Literal["model", "source"]
    description: str
    grain: str
    natural_key: tuple[str, ...]
    columns: tuple[Column, ...]
    tests: tuple[Test, ...]
    meta: Mapping[str, Any]
    file: Path
    line: int

    @property
    def full_name(self) -> str:
        """schema.name."""
        return f"{self.schema}.{self.name}"

    @property
    def checks(self) -> tuple[Test, ...]:
        """Every test: the table's, then each column's in contract order."""
        return self.tests + tuple(test for column in self.columns for test in column.tests)

    @property
    def blocking_checks(self) -> tuple[Test, ...]:
        """The tests whose failure stops what depends on the table."""
        return tuple(test for test in self.checks if test.is_blocking)

    def fingerprint(self, test: Test) -> str:
        """Changes when what the test promises does, so that a result of the former promise is known as such."""
        promise: list[Any] = [test.test, test.column, dict(test.arguments), test.where]
        if test.test == COLUMNS_MATCH_CONTRACT:
            promise.append([(column.name, column.data_type) for column in self.columns])
        return hashlib.sha256(json.dumps(promise, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @property
    def pii_columns(self) -> frozenset[str]:
        """Names of the columns that hold personal data, in lower case."""
        return frozenset(column.name.lower() for column in self.columns if column.is_pii)

    def column(self, name: str) -> Column | None:
        """The column of that name, letter case apart, or None."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)


class Contracts(Mapping[str, Table]):
    """Every table's contract by schema.name, in the order of the files."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = {table.full_name: table for table in tables}
        self._models = {table.name: table for table in self._tables.values() if table.kind == "model"}

    def __getitem__(self, full_name: str) -> Table:
        return self._tables[full_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def by_model_name(self, name: str) -> Table | None:
        """The SQL-made table that `ref('name')` means, or None."""
        return self._models.get(name)
