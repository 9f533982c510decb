"""Unit tests of SQL models, as dbt declares them: given rows, expected rows.

The vocabulary is dbt's (https://docs.getdbt.com/reference/resource-properties/unit-tests). Real dbt runs the same files
unchanged, so nothing is accepted here that it would refuse, and what it would overlook is refused here.

Belongs here: holding declared unit tests against models and contracts, and refusing the wrong ones. Does not belong
here: the files (model_unit_test_files.py), rows (model_unit_test_rows.py) and running (model_unit_test_runs.py). A
refresh does not read unit tests: the test suite and `leadflow doctor` do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadflow.config_files import KeyPath
from leadflow.quality.contract.contract_reading import Problems
from leadflow.quality.contract.tables import Contracts
from leadflow.warehouse.models.model_unit_test_files import Declaration, find_declarations
from leadflow.warehouse.models.model_unit_test_rows import Fixture, FixtureReader
from leadflow.warehouse.models.sql_models import SqlModel, SqlRoom

_REF = re.compile(r"ref\(\s*(?P<quote>['\"])(?P<name>[^'\"]+)(?P=quote)\s*\)")
_SOURCE = re.compile(
    r"source\(\s*(?P<q>['\"])(?P<source>[^'\"]+)(?P=q)\s*,\s*(?P<r>['\"])(?P<table>[^'\"]+)(?P=r)\s*\)"
)
_ASKS_IS_INCREMENTAL = re.compile(r"\bis_incremental\s*\(")


@dataclass(frozen=True)
class UnitTest:
    """A unit test that can be run.

    Attributes:
        id: model::name.
        description: what it pins down, or an empty text.
        model: the model.
        given: rows of each table it reads, in the order they are declared.
        expect: rows it is to make.
        variables: values of var() that go before the project's.
        is_incremental: what is_incremental() answers.
        is_enabled: whether it is to be run.
        tags: dbt's tags.
        at: file:line.
    """

    id: str
    description: str
    model: SqlModel
    given: tuple[Fixture, ...]
    expect: Fixture
    variables: Mapping[str, Any]
    is_incremental: bool
    is_enabled: bool
    tags: tuple[str, ...]
    at: str


def load_unit_tests(folder: Path, contracts: Contracts, room: SqlRoom) -> list[UnitTest]:
    """Every unit test below `folder`, checked against the models and the contracts.

    Args:
        folder: the SQL room's folder.
        contracts: columns and types of every table.
        room: the models.

    Raises:
        ConfigError: everything that is wrong, each with its file, line and remedy.
    """
    problems = Problems()
    tests = []
    for declaration in find_declarations(folder):
        test = _Reader(declaration, contracts, room, problems).read()
        if test is not None:
            tests.append(test)
    problems.raise_if_any("the unit tests")
    return tests


@dataclass(frozen=True)
class _Reader:
    """Reads one declaration; what is wrong goes to `problems`."""

    declaration: Declaration
    contracts: Contracts
    room: SqlRoom
    problems: Problems

    def read(self) -> UnitTest | None:
        """The unit test, or None where its model is not known."""
        declared, at = self.declaration.declared, self.declaration.at
        model = next((each for each in self.room.models.values() if each.name == declared.model), None)
        if model is None:
            names = [each.name for each in self.room.models.values()]
            near = difflib.get_close_matches(declared.model, names, n=1)
            self._refuse(
                ("model",), f"names the model '{declared.model}', which there is not",
                f"write '{near[0]}'" if near else "name a SQL model; a table that Python makes has tests in Python",
            )  # fmt: skip
            return None
        contract = self.contracts.get(model.table)
        if contract is None:
            self._refuse(
                ("model",), f"is of {model.table}, which has no contract", "describe it in schema.yml"
            )
            return None
        is_incremental = self._is_incremental(model)
        self._refuse_unknown_vars()
        rows = FixtureReader(self.declaration.document, self.problems)
        return UnitTest(
            id=self.declaration.id,
            description=declared.description.strip(),
            model=model,
            given=self._given(model, rows, is_incremental=is_incremental),
            expect=rows.read(
                (*at, "expect"), declared.expect.rows, declared.expect.format, contract, is_expected=True
            ),
            variables=declared.overrides.vars,
            is_incremental=is_incremental,
            is_enabled=declared.config.enabled,
            tags=tuple(
                [declared.config.tags] if isinstance(declared.config.tags, str) else declared.config.tags
            ),
            at=self.declaration.document.where(*at),
        )

    def _given(self, model: SqlModel, rows: FixtureReader, *, is_incremental: bool) -> tuple[Fixture, ...]:
        """The rows of each input; the model's inputs have to be given all, as dbt demands it, and no others."""
        wanted = {*model.inputs, *([model.table] if is_incremental else [])}
        given: dict[str, Fixture] = {}
        for index, each in enumerate(self.declaration.declared.given):
            key: KeyPath = ("given", index, "input")
            table = self._table_of(each.input, model)
            if table is None:
                self._refuse(
                    key, f"gives {each.input}, which is no table",
                    "write ref('model'), source('name', 'table') or this, as the model does",
                )  # fmt: skip
            elif table not in wanted:
                self._refuse(
                    key, f"gives {each.input}, which {model.name} does not read", f"drop it; {self._reads(wanted, model)}"
                )  # fmt: skip
            elif table in given:
                self._refuse(key, f"gives {each.input} twice", "put the rows together")
            elif table not in self.contracts:
                self._refuse(key, f"gives {each.input}, which has no contract", "describe it in schema.yml")
            else:
                at = (*self.declaration.at, "given", index)
                given[table] = rows.read(at, each.rows, each.format, self.contracts[table])
        for table in sorted(wanted - given.keys()):
            if self._is_named(table, model):
                continue
            self._refuse(
                ("given",), f"{self.declaration.id} does not give {self._as_input(table, model)}",
                "give it, with `rows: []` where it is to be empty; dbt wants every input",
            )  # fmt: skip
        return tuple(given.values())

    def _is_named(self, table: str, model: SqlModel) -> bool:
        """Whether the table stands below `given:`, be it with a mistake that is refused already."""
        return any(self._table_of(each.input, model) == table for each in self.declaration.declared.given)

    def _is_incremental(self, model: SqlModel) -> bool:
        """What is_incremental() answers: the override, which dbt demands of a model that asks."""
        macros = self.declaration.declared.overrides.macros
        for name in sorted(macros.keys() - {"is_incremental"}):
            self._refuse(
                ("overrides", "macros", name), f"overrides the macro '{name}'",
                "override is_incremental alone; what a macro makes of its arguments is part of the test",
            )  # fmt: skip
        answer, asks = macros.get("is_incremental"), _ASKS_IS_INCREMENTAL.search(model.text) is not None
        if not isinstance(answer, bool | None):
            self._refuse(
                ("overrides", "macros", "is_incremental"), f"overrides is_incremental with {answer!r}", "write true or false"
            )  # fmt: skip
        elif answer is not None and not asks and model.materialized != "incremental":
            self._refuse(
                ("overrides", "macros", "is_incremental"), f"overrides is_incremental, which {model.name} does not ask",
                "drop the override",
            )  # fmt: skip
        elif answer is None and asks:
            self._refuse(
                (), f"does not say what is_incremental() answers, which {model.name} asks",
                "add `overrides: {macros: {is_incremental: true}}`, or false",
            )  # fmt: skip
        return answer is True and (asks or model.materialized == "incremental")

    def _refuse_unknown_vars(self) -> None:
        for name in sorted(self.declaration.declared.overrides.vars.keys() - self.room.variables.keys()):
            near = difflib.get_close_matches(name, self.room.variables, n=1)
            self._refuse(
                ("overrides", "vars", name), f"overrides the var '{name}', which the project does not declare",
                f"write '{near[0]}'" if near else "declare it under vars in dbt_project.yml",
            )  # fmt: skip

    def _table_of(self, written: str, model: SqlModel) -> str | None:
        """schema.name behind an input, or None."""
        written = written.strip()
        if written == "this":
            return model.table
        if found := _REF.fullmatch(written):
            return next(
                (each.table for each in self.room.models.values() if each.name == found["name"]), None
            )
        if found := _SOURCE.fullmatch(written):
            return self.room.sources.get((found["source"], found["table"]))
        return None

    def _as_input(self, table: str, model: SqlModel) -> str:
        if table == model.table:
            return "this"
        if table in self.room.models:
            return f"ref('{self.room.models[table].name}')"
        return next(
            f"source('{pair[0]}', '{pair[1]}')" for pair, name in self.room.sources.items() if name == table
        )

    def _reads(self, tables: Iterable[str], model: SqlModel) -> str:
        return f"it reads {', '.join(self._as_input(table, model) for table in sorted(tables)) or 'no table'}"

    def _refuse(self, key: KeyPath, problem: str, remedy: str) -> None:
        self.problems.add(self.declaration.document, (*self.declaration.at, *key), problem, remedy)
