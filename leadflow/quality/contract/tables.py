"""What a contract says: tables, columns and tests as values.

Belongs here: the shapes that quality/contracts.py reads and others use. Does not belong here: reading or running them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from leadflow.quality.contract.macro_tests import MacroTest, macro_query
from leadflow.quality.contract.thresholds import Threshold

if TYPE_CHECKING:
    from leadflow.quality.contract.singular_tests import SingularTest

Severity = Literal["error", "warn"]
OnFail = Literal["block", "quarantine"]
MAX_QUARANTINED_SHARE = 0.05
"""Share of a table's rows, 0 to 1, that a test may set aside at most, unless it says otherwise."""
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
        singular: the query of its own that `test` names, where it names one.
        reads: tables, as schema.name, that its SQL or its arguments name beside its own.
        pii_elsewhere: columns, in lower case, of the other tables it reads that hold personal data.
        warn_if: how many failing rows make a warning; None where any do.
        error_if: how many failing rows make a failure of a test whose severity is error; None where any do.
        limit: failing rows are counted no further than this.
        tags: its own and those of its column.
        owners: e-mail addresses or names, where the test names any.
        on_fail: what becomes of failing rows: block stops what depends on the table, quarantine sets them aside while
            the table is written (warehouse/quarantine reads this and the next field) and lets the others through.
        max_quarantined_share: share of the table's rows, 0 to 1, that may be set aside; more of them block.
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
    singular: SingularTest | None = field(default=None, repr=False)
    reads: tuple[str, ...] = ()
    pii_elsewhere: frozenset[str] = frozenset()
    warn_if: Threshold | None = None
    error_if: Threshold | None = None
    limit: int | None = None
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    on_fail: OnFail = "block"
    max_quarantined_share: float = MAX_QUARANTINED_SHARE

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
        named = [self.arguments[name] for name in ("to", "other_table_name") if name in self.arguments]
        return tuple(dict.fromkeys([*named, *self.reads]))


@dataclass(frozen=True)
class Column:
    """One column: name, DuckDB type, what it means, its unit, whether it is personal data, its tests and metadata.

    `tags` and `owners` (e-mail addresses or names) are its own; a table's hold for its columns without being repeated.
    """

    name: str
    data_type: str
    description: str
    unit: str | None
    is_pii: bool
    tests: tuple[Test, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


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
        tags: its own and those of the source it belongs to.
        owners: e-mail addresses or names of those who answer for it; empty where the contract names nobody.
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
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

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

    @property
    def feature_roles(self) -> dict[str, str | None]:
        """What `meta: {feature: ...}` says of each column: numeric, categorical, or null for no feature."""
        return {column.name: column.meta.get("feature") for column in self.columns}

    @property
    def is_checked(self) -> bool:
        """Whether its tests run at every refresh: the warehouse's own records and the mart's are held by tests of leadflow."""
        return bool(self.checks) and self.schema != "quality" and not self.meta.get("is_mart_only")

    def fingerprint(self, test: Test) -> str:
        """Changes when what the test promises does, so that a result of the former promise is known as such.

        What every test has unless it says otherwise is left out, so that a setting that is new to leadflow does not make
        all results ones of another promise.
        """
        promise: list[Any] = [test.test, test.column, dict(test.arguments), test.where]
        if test.test == COLUMNS_MATCH_CONTRACT:
            promise.append([(column.name, column.data_type) for column in self.columns])
        thresholds = [threshold and threshold.text for threshold in (test.warn_if, test.error_if)]
        judged = [test.severity, *thresholds, test.limit]
        if judged != ["error", None, None, None]:
            promise.append(judged)
        if test.singular is not None:
            promise.append(test.singular.fingerprint())
        if test.macro is not None:
            promise.append(macro_query(test.macro, "batch", test.column, test.arguments).sql)
        if test.on_fail == "quarantine":
            promise.append([test.on_fail, test.max_quarantined_share])
        return hashlib.sha256(json.dumps(promise, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @property
    def pii_columns(self) -> frozenset[str]:
        """Names of the columns that hold personal data, in lower case."""
        return frozenset(column.name.lower() for column in self.columns if column.is_pii)

    @property
    def column_types(self) -> dict[str, str]:
        """DuckDB type by column name, in the table's order."""
        return {column.name: column.data_type for column in self.columns}

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

    @cached_property
    def fingerprints(self) -> Mapping[str, Mapping[str, str]]:
        """Table.fingerprint of every check, by table and check name; made once, as it takes rendering a test's SQL."""
        return {
            name: {test.check_name: table.fingerprint(test) for test in table.checks}
            for name, table in self._tables.items()
        }

    def history_of(self, table: str) -> str | None:
        """The table ('schema.name') that keeps the versions which were replaced in another one, or None."""
        schema, name = table.split(".")
        found = (other for other in self._tables.values() if other.meta.get("history_of") == name)
        return next((other.full_name for other in found if other.schema == schema), None)

    def by_model_name(self, name: str) -> Table | None:
        """The SQL-made table that `ref('name')` means, or None."""
        return self._models.get(name)
