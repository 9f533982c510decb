"""Reading one entry of `data_tests:` into a Test.

Belongs here: the forms an entry may take in dbt, finding the test by its name, and refusing what cannot run. Does not
belong here: tables and columns (quality/contracts.py), and what arguments a test takes (arguments.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leadflow.config_files import Document, KeyPath
from leadflow.errors import ContractError
from leadflow.quality.checking.findings import is_row_wise
from leadflow.quality.checking.row_queries import cannot_quarantine
from leadflow.quality.contract.arguments import Specification, argument_problems, in_own_spelling
from leadflow.quality.contract.catalogue import Expectation, load_catalogue
from leadflow.quality.contract.contract_reading import Names, Problems
from leadflow.quality.contract.declared_config import CONFIG_KEYS, TestConfig, read_config
from leadflow.quality.contract.duckdb_types import family_of, is_value_of
from leadflow.quality.contract.labels import NO_LABELS, Labels
from leadflow.quality.contract.macro_tests import MacroTest, macro_query
from leadflow.quality.contract.own_tests import own_tests
from leadflow.quality.contract.references import is_reference, resolved
from leadflow.quality.contract.tables import COLUMNS_MATCH_CONTRACT, Test

_ENTRY_KEYS = CONFIG_KEYS | {"arguments", "config", "name", "description"}
_PACKAGES = ("dbt.", "dbt_expectations.", "dbt_utils.")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class _Known:
    """A test as found by its name."""

    name: str
    about: str  # column, pair, multi or table
    arguments: Mapping[str, Specification]
    macro: MacroTest | None = None


def read_tests(
    document: Document,
    at: KeyPath,
    raw: Any,
    table: str,
    column: str | None,
    names: Names,
    problems: Problems,
    labels: Labels = NO_LABELS,
) -> list[Test]:
    """The tests of one `data_tests:` list; what cannot be read goes to `problems`.

    Args:
        at: the list's place in the document.
        raw: the list.
        table: schema.name of the table.
        column: the column that the list stands at, or None at the table.
        labels: the column's, which its tests have too.
    """
    if not isinstance(raw, list):
        problems.add(
            document, at, f"data_tests of {column or table} is not a list", "begin each test with a dash"
        )
        return []
    reader = _Reader(document, table, column, names, problems, labels)
    tests = [reader.read((*at, index), entry) for index, entry in enumerate(raw)]
    return [test for test in tests if test is not None]


def with_unique_names(tests: Sequence[Test]) -> list[Test]:
    """The same tests with check names that differ: the second of a name gets the suffix __2, and so on."""
    taken: set[str] = {COLUMNS_MATCH_CONTRACT}
    renamed = []
    for test in tests:
        name, number = test.check_name, 1
        while name in taken:
            number += 1
            name = f"{test.check_name}__{number}"
        taken.add(name)
        renamed.append(replace(test, check_name=name))
    return renamed


@dataclass(frozen=True)
class _Reader:
    document: Document
    table: str
    column: str | None
    names: Names
    problems: Problems
    labels: Labels

    @property
    def subject(self) -> str:
        return f"{self.table}.{self.column}" if self.column else self.table

    def read(self, at: KeyPath, entry: Any) -> Test | None:
        """The test, or None where it is switched off or wrong."""
        if isinstance(entry, str):
            entry = {entry: {}}
        if not (isinstance(entry, dict) and len(entry) == 1):
            self.refuse(at, "holds a test that is neither a name nor one name with its settings",
                        "indent the settings below the name")  # fmt: skip
            return None
        [(raw_name, settings)] = entry.items()
        settings = {} if settings is None else settings
        if not isinstance(settings, dict):
            self.refuse(at, f"gives {raw_name} settings that are no mapping", "write `name: value` lines")
            return None
        before = len(self.problems.found)
        known = self.find(at, str(raw_name))
        if known is None:
            return None
        config = read_config(
            known.name,
            settings,
            self.names.groups,
            lambda problem, remedy: self.refuse(at, problem, remedy),
            taken=known.arguments.keys(),
        )
        reads: list[str] = []
        arguments = self.arguments(at, known, settings, reads)
        column = self.column
        if column is None and known.about == "column":
            column = arguments.pop("column_name", None) or arguments.pop("column", None)
        row_condition = arguments.pop("row_condition", None) if "row_condition" in known.arguments else None
        if row_condition is not None and not (isinstance(row_condition, str) and row_condition.strip()):
            self.refuse(
                at, f"gives {known.name} a row_condition that is no SQL condition", "write it as text"
            )
        self.check(at, known, arguments, column)
        if len(self.problems.found) > before or not config.is_enabled:
            return None
        stated = [condition for condition in (config.where, row_condition) if condition]
        labels = self.labels.joined(config.labels)
        test = Test(
            check_name=_check_name(str(settings.get("name") or _default_name(known, column))),
            test=known.name,
            column=column,
            arguments={name: value for name, value in arguments.items() if value is not None},
            severity=config.severity,
            where=" and ".join(f"({condition})" for condition in stated)
            if len(stated) > 1
            else (stated or [None])[0],
            file=self.document.path,
            line=self.document.line(*at),
            description=str(settings.get("description") or ""),
            macro=known.macro,
            reads=tuple(reads),
            warn_if=config.warn_if,
            error_if=config.error_if,
            limit=config.limit,
            tags=labels.tags,
            owners=labels.owners,
            on_fail=config.on_fail,
            max_quarantined_share=config.max_quarantined_share,
        )
        self.check_config(at, test, config)
        self.check_macro(at, test)
        return test if len(self.problems.found) == before else None

    def check_config(self, at: KeyPath, test: Test, config: TestConfig) -> None:
        """Note settings that say nothing of such a test, or two different things."""
        if test.on_fail == "quarantine" and (reason := cannot_quarantine(test)):
            self.refuse(at, f"gives {test.test} `on_fail: quarantine`, but the test {reason}",
                        "leave one of the two out")  # fmt: skip
        if test.on_fail == "quarantine" and config.thresholds:
            self.refuse(at, f"gives {test.test} both `on_fail: quarantine` and {config.thresholds[0].text!r}",
                        "say by max_quarantined_share how many rows may fail")  # fmt: skip
        if config.thresholds and test.arguments.get("mostly", 1) != 1:
            self.refuse(at, f"gives {test.test} both mostly and {config.thresholds[0].text!r}",
                        "keep one of the two; each says how many rows may fail")  # fmt: skip
        shares = [threshold.text for threshold in config.thresholds if threshold.is_share]
        if shares and not is_row_wise(test):
            self.refuse(at, f"gives {test.test} the share {shares[0]!r}, but no single row fails it",
                        "use `severity` alone")  # fmt: skip

    def check_macro(self, at: KeyPath, test: Test) -> None:
        """Note a test of the project's own that cannot be rendered with these arguments."""
        if test.macro is not None:
            try:
                macro_query(test.macro, "batch", test.column, test.arguments)
            except ContractError as error:
                self.refuse(at, f"names {test.test}: {error.problem}", error.remedy)

    def refuse(self, at: KeyPath, problem: str, remedy: str) -> None:
        self.problems.add(self.document, at, f"{self.subject} {problem}", remedy)

    def find(self, at: KeyPath, raw_name: str) -> _Known | None:
        """The test of that name: the project's own, dbt's, or an expectation."""
        name = raw_name.rpartition(".")[2] if raw_name.startswith(_PACKAGES) else raw_name
        macro = self.names.macros.get(name)
        if macro is not None:
            return _Known(name, "column" if macro.is_about_column else "table", macro.arguments, macro)
        own = own_tests().get(name)
        if own is not None:
            return _Known(name, own.about, own.arguments)
        expectation = load_catalogue().get(name.lower())
        if expectation is None:
            candidates = [*own_tests(), *self.names.macros, *_runnable()]
            near = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=0.5)
            self.refuse(at, f"names the unknown test '{raw_name}'",
                        f"write '{near[0]}'" if near else "define it under dbt_like_sql/macros")  # fmt: skip
            return None
        if expectation.runs == "unsupported":
            self.refuse(at, f"names {expectation.name}, which cannot run on DuckDB ({expectation.reason})",
                        "take another expectation, or write a test under dbt_like_sql/macros")  # fmt: skip
            return None
        return _Known(expectation.name, expectation.domain, expectation.arguments)

    def arguments(
        self, at: KeyPath, known: _Known, settings: dict[str, Any], reads: list[str]
    ) -> dict[str, Any]:
        """The arguments, from `arguments:` and from beside it, in Great Expectations' spelling.

        Tables that they refer to are added to `reads`.
        """
        below = settings.get("arguments") or {}
        if not isinstance(below, dict):
            self.refuse(at, f"gives {known.name} arguments that are no mapping", "write `name: value` lines")
            below = {}
        beside = {
            key: value for key, value in settings.items() if key not in _ENTRY_KEYS - known.arguments.keys()
        }
        own = in_own_spelling(beside | below, known.arguments)

        def refuse(problem: str, remedy: str) -> None:
            self.refuse(at, f"refers {known.name} to {problem}", remedy)

        return {name: resolved(value, self.names, refuse, reads) for name, value in own.items()}

    def check(self, at: KeyPath, known: _Known, arguments: dict[str, Any], column: Any) -> None:
        """Note everything that keeps the test from running."""
        columns = self.names.columns[self.table]
        if known.about == "column" and column is None:
            self.refuse(
                at, f"names {known.name} without a column", "move it below the column, or add column_name"
            )
        if known.about != "column" and self.column is not None:
            self.refuse(at, f"names {known.name}, a test of the table", "move it to the table's data_tests")
        takes_column = known.name != "expect_column_to_exist"
        for name in self.named_columns(known, arguments, column if takes_column else None):
            if name.lower() not in columns:
                near = difflib.get_close_matches(name.lower(), columns, n=1)
                self.refuse(at, f"tests the column '{name}' with {known.name}, which the table does not have",
                            f"write '{near[0]}'" if near else "add the column, or mend the name")  # fmt: skip
        for _, problem, remedy in argument_problems(arguments, known.arguments):
            self.refuse(at, f"test {known.name} {problem}", remedy)
        for problem, remedy in self.value_problems(known, arguments, column):
            self.refuse(at, f"test {known.name} {problem}", remedy)

    def named_columns(self, known: _Known, arguments: dict[str, Any], column: Any) -> Iterator[str]:
        """The columns of the table that the test names."""
        listed = arguments.get("column_list") if known.about == "multi" else arguments.get("group_by")
        for name in (
            column,
            arguments.get("column_A"),
            arguments.get("column_B"),
            arguments.get("sort_column"),
        ):
            if isinstance(name, str):
                yield name
        for name in listed if isinstance(listed, list) else ():
            if isinstance(name, str) and (known.about == "multi" or _PLAIN_NAME.fullmatch(name)):
                yield name

    def value_problems(
        self, known: _Known, arguments: dict[str, Any], column: Any
    ) -> Iterator[tuple[str, str]]:
        """Values that cannot be compared with the column, and relationships to a column that is not there."""
        own_type = self.names.columns[self.table].get(str(column).lower(), "json")
        family = family_of(own_type) or "other"
        for name in ("values", "value_set"):
            values = arguments.get(name)
            for value in values if isinstance(values, list) and known.macro is None else ():
                if not is_value_of(value, family):
                    remedy = (
                        f"put it in quotes: '{value}'" if family == "text" else f"write a {own_type} value"
                    )
                    yield f"lists {value!r}, which a {own_type} column cannot hold", remedy
        other = arguments.get("other_table_name")
        groups, other_groups = arguments.get("group_by"), arguments.get("compare_group_by")
        if isinstance(other_groups, list) and len(other_groups) != len(groups or ()):
            yield "groups the two tables by different numbers of columns", "pair each of them"
        # One that is a reference was refused where it was resolved.
        if (
            isinstance(other, str)
            and known.macro is None
            and other not in self.names.columns
            and not is_reference(other)
        ):
            yield (
                f"refers to '{other}', which no contract describes",
                "write ref('model') or source('stage', 'table')",
            )
        to, target_field = arguments.get("to"), arguments.get("field")
        if known.name == "relationships" and isinstance(to, str) and isinstance(target_field, str):
            if is_reference(to):
                return  # refused where it was resolved
            if to not in self.names.columns:
                yield (
                    f"refers to '{to}', which no contract describes",
                    "write ref('model') or source('stage', 'table')",
                )
            elif target_field.lower() not in self.names.columns[to]:
                yield f"refers to the column '{target_field}', which {to} does not have", "mend the name"


def _runnable() -> list[str]:
    catalogue: Mapping[str, Expectation] = load_catalogue()
    return [name for name, expectation in catalogue.items() if expectation.runs != "unsupported"]


def _default_name(known: _Known, column: str | None) -> str:
    return f"{known.name}__{column}" if column else known.name


def _check_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "test"
