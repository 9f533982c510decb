"""Reading one entry of `data_tests:` into a Test.

Belongs here: the forms an entry may take in dbt, finding the test by its name, and refusing what cannot run. Does not
belong here: tables and columns (contracts.py), and what arguments a test takes (arguments.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadflow.config_files import Document, KeyPath
from leadflow.quality import generic_tests
from leadflow.quality.arguments import (
    Specification,
    argument_problems,
    in_own_spelling,
    signature_specifications,
)
from leadflow.quality.catalogue import Expectation, load_catalogue
from leadflow.quality.contract_reading import Names, Problems
from leadflow.quality.duckdb_types import family_of, is_value_of
from leadflow.quality.macro_tests import MacroTest
from leadflow.quality.plans import plan_makers
from leadflow.quality.tables import COLUMNS_MATCH_CONTRACT, Severity, Test

# Beside a test's name; dbt's newer place for the first five is below `config:`.
_CONFIG_KEYS = {
    "severity",
    "where",
    "enabled",
    "tags",
    "meta",
    "limit",
    "store_failures",
    "store_failures_as",
    "alias",
}
_ENTRY_KEYS = _CONFIG_KEYS | {"arguments", "config", "name", "description"}
# dbt would judge by them, and leadflow does not: passing over them would change what passes.
_REFUSED_CONFIG = {"warn_if", "error_if", "fail_calc"}
_REFERENCE = re.compile(
    r"(?:\{\{\s*)?(?:ref\(\s*['\"](?P<model>[^'\"]+)['\"]\s*\)"
    r"|source\(\s*['\"](?P<source>[^'\"]+)['\"]\s*,\s*['\"](?P<table>[^'\"]+)['\"]\s*\))(?:\s*\}\})?"
)


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
) -> list[Test]:
    """The tests of one `data_tests:` list; what cannot be read goes to `problems`.

    Args:
        at: the list's place in the document.
        raw: the list.
        table: schema.name of the table.
        column: the column that the list stands at, or None at the table.
    """
    if not isinstance(raw, list):
        problems.add(
            document, at, f"data_tests of {column or table} is not a list", "begin each test with a dash"
        )
        return []
    reader = _Reader(document, table, column, names, problems)
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
        renamed.append(Test(**(vars(test) | {"check_name": name})))
    return renamed


@dataclass(frozen=True)
class _Reader:
    document: Document
    table: str
    column: str | None
    names: Names
    problems: Problems

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
        known = self.find(at, str(raw_name))
        config = self.config(at, known, settings) if known else None
        if known is None or config is None:
            return None
        arguments = self.arguments(at, known, settings)
        column = self.column
        if column is None and known.about == "column":
            column = arguments.pop("column_name", None) or arguments.pop("column", None)
        before = len(self.problems.found)
        conditions = [config.get("where")]
        if "row_condition" in known.arguments:
            conditions.append(arguments.pop("row_condition", None))
        self.check(at, known, arguments, column, conditions)
        severity: Severity = "warn" if str(config.get("severity", "error")).lower() == "warn" else "error"
        if len(self.problems.found) > before or config.get("enabled") is False:
            return None
        stated = [condition for condition in conditions if condition]
        return Test(
            check_name=_check_name(str(settings.get("name") or _default_name(known, column))),
            test=known.name,
            column=column,
            arguments={name: value for name, value in arguments.items() if value is not None},
            severity=severity,
            where=" and ".join(f"({condition})" for condition in stated)
            if len(stated) > 1
            else (stated or [None])[0],
            file=self.document.path,
            line=self.document.line(*at),
            description=str(settings.get("description") or ""),
            macro=known.macro,
        )

    def refuse(self, at: KeyPath, problem: str, remedy: str) -> None:
        self.problems.add(self.document, at, f"{self.subject} {problem}", remedy)

    def find(self, at: KeyPath, raw_name: str) -> _Known | None:
        """The test of that name: the project's own, dbt's, or an expectation."""
        name = raw_name.rpartition(".")[2] if raw_name.startswith(("dbt_expectations.", "dbt.")) else raw_name
        macro = self.names.macros.get(name)
        if macro is not None:
            return _Known(name, "column" if macro.is_about_column else "table", macro.arguments, macro)
        generic = plan_makers(generic_tests).get(name)
        if generic is not None:
            return _Known(name, "column", signature_specifications(generic))
        expectation = load_catalogue().get(name.lower())
        if expectation is None:
            candidates = [*plan_makers(generic_tests), *self.names.macros, *_runnable()]
            near = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=0.5)
            self.refuse(at, f"names the unknown test '{raw_name}'",
                        f"write '{near[0]}'" if near else "define it under dbt_like_sql/macros")  # fmt: skip
            return None
        if expectation.runs == "unsupported":
            self.refuse(at, f"names {expectation.name}, which cannot run on DuckDB ({expectation.reason})",
                        "take another expectation, or write a test under dbt_like_sql/macros")  # fmt: skip
            return None
        return _Known(expectation.name, expectation.domain, expectation.arguments)

    def config(self, at: KeyPath, known: _Known, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The test's config, from `config:` and from beside it; None where it is wrong."""
        below = settings.get("config") or {}
        if not isinstance(below, dict):
            self.refuse(at, f"gives {known.name} a config that is no mapping", "write `name: value` lines")
            return None
        config = {
            key: settings[key] for key in _CONFIG_KEYS & settings.keys() - known.arguments.keys()
        } | below
        before = len(self.problems.found)
        for key in (settings.keys() | below.keys()) & _REFUSED_CONFIG - known.arguments.keys():
            self.refuse(at, f"configures {known.name} with {key}, which leadflow does not honour",
                        "use `mostly`, `where` or `severity`")  # fmt: skip
        for key in below:
            near = difflib.get_close_matches(str(key), _CONFIG_KEYS, n=1, cutoff=0.8)
            if key not in _CONFIG_KEYS and near:
                self.refuse(at, f"configures {known.name} with the unknown '{key}'", f"write '{near[0]}'")
        if str(config.get("severity", "error")).lower() not in ("error", "warn"):
            self.refuse(at, f"gives {known.name} the severity '{config['severity']}'", "write error or warn")
        if not isinstance(config.get("enabled", True), bool):
            self.refuse(at, f"gives {known.name} `enabled: {config['enabled']}`", "write true or false")
        return config if len(self.problems.found) == before else None

    def arguments(self, at: KeyPath, known: _Known, settings: dict[str, Any]) -> dict[str, Any]:
        """The arguments, from `arguments:` and from beside it, in Great Expectations' spelling."""
        below = settings.get("arguments") or {}
        if not isinstance(below, dict):
            self.refuse(at, f"gives {known.name} arguments that are no mapping", "write `name: value` lines")
            below = {}
        beside = {
            key: value
            for key, value in settings.items()
            if key not in _ENTRY_KEYS - known.arguments.keys() and key not in _REFUSED_CONFIG
        }
        own = in_own_spelling(beside | below, known.arguments)
        return {name: self.resolved(at, known, value) for name, value in own.items()}

    def resolved(self, at: KeyPath, known: _Known, value: Any) -> Any:
        """The value, a ref() or source() turned into schema.name where it is known."""
        match = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            return value
        if match["model"]:
            found, candidates = self.names.models.get(match["model"]), list(self.names.models)
        else:
            found = self.names.sources.get((match["source"], match["table"]))
            candidates = [f"{source}.{table}" for source, table in self.names.sources]
        if found is None:
            wanted = match["model"] or f"{match['source']}.{match['table']}"
            near = difflib.get_close_matches(wanted, candidates, n=1)
            made_by_python = [pair for pair in self.names.sources if match["model"] == pair[1]]
            remedy = (
                f"write source('{made_by_python[0][0]}', '{match['model']}'), as Python makes it"
                if made_by_python
                else f"write {near[0]}" if near else "give the table a contract"
            )  # fmt: skip
            self.refuse(at, f"refers {known.name} to {value}, which no contract describes", remedy)
            return value
        return found

    def check(
        self, at: KeyPath, known: _Known, arguments: dict[str, Any], column: Any, conditions: list[Any]
    ) -> None:
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
        for condition in conditions:
            if condition is not None and not (isinstance(condition, str) and condition.strip()):
                self.refuse(at, f"gives {known.name} a where that is no SQL condition", "write it as text")
        for problem, remedy in self.value_problems(known, arguments, column):
            self.refuse(at, f"test {known.name} {problem}", remedy)

    def named_columns(self, known: _Known, arguments: dict[str, Any], column: Any) -> Iterator[str]:
        """The columns of the table that the test names."""
        listed = arguments.get("column_list") if known.about == "multi" else None
        for name in (
            column,
            arguments.get("column_A"),
            arguments.get("column_B"),
            arguments.get("sort_column"),
        ):
            if isinstance(name, str):
                yield name
        for name in listed if isinstance(listed, list) else ():
            if isinstance(name, str):
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
        to, target_field = arguments.get("to"), arguments.get("field")
        if known.name == "relationships" and isinstance(to, str) and isinstance(target_field, str):
            if _REFERENCE.fullmatch(to.strip()):
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
