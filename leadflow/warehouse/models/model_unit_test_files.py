"""Finding what is declared below `unit_tests:`, in any yml of a stage's folder, by custom unit_tests.yml.

Belongs here: the shape of a declaration. Does not belong here: whether its model, inputs, columns and values are right
(model_unit_tests.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from leadflow.config_files import Document, KeyPath, read_yaml, validate
from leadflow.errors import ConfigError
from leadflow.quality.contract.contract_reading import Problems
from leadflow.warehouse.models.model_unit_test_rows import Format

UNIT_TESTS_FILE = "unit_tests.yml"

_KEY = "unit_tests"


class _Strict(BaseModel):
    """Part of a declaration; a key that is not read is a slip."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Given(_Strict):
    """Rows of one table that the model reads: `ref('...')`, `source('...', '...')`, or `this`."""

    input: str
    rows: list[dict[str, Any]] | str
    format: Format = "dict"


class Expected(_Strict):
    """Rows that the model is to make; only the columns they name are compared."""

    rows: list[dict[str, Any]] | str
    format: Format = "dict"


class Overrides(_Strict):
    """What the model is rendered with instead of the project's own: values of var(), and of is_incremental()."""

    vars: dict[str, Any] = Field(default_factory=dict)
    macros: dict[str, Any] = Field(default_factory=dict)


class TestConfig(_Strict):
    """dbt's config of a unit test."""

    __test__ = False  # pytest would collect a class of this name

    enabled: bool = True
    tags: list[str] | str = Field(default_factory=list)
    meta: dict[str, Any] = Field(default_factory=dict)


class Declared(_Strict):
    """One item below `unit_tests:`, its names and rows not looked at yet."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    description: str = ""
    model: str
    given: list[Given]
    expect: Expected
    overrides: Overrides = Field(default_factory=Overrides)
    config: TestConfig = Field(default_factory=TestConfig)


@dataclass(frozen=True)
class Declaration:
    """A declared unit test and where it stands."""

    declared: Declared
    document: Document
    at: KeyPath

    @property
    def id(self) -> str:
        """model::name, as dbt calls it."""
        return f"{self.declared.model}::{self.declared.name}"


def find_declarations(folder: Path) -> list[Declaration]:
    """Every unit test declared below `folder`, in the order of the files.

    Raises:
        ConfigError: everything that is malformed, each with its file and line.
    """
    problems, found = Problems(), []
    for path in sorted([*folder.glob("*/*.yml"), *folder.glob("*/*.yaml")]):
        try:
            document = read_yaml(path)
        except ConfigError as error:
            problems.found.append((error.problem, error.remedy))
            continue
        data = document.data if isinstance(document.data, dict) else {}
        if path.name == UNIT_TESTS_FILE:
            for key in sorted(data.keys() - {"version", _KEY}, key=str):
                problems.add(
                    document,
                    (key,),
                    f"has the key '{key}' beside {_KEY}",
                    "describe tables in the schema.yml beside it, where leadflow reads them",
                )
        items = data.get(_KEY) or []
        if not isinstance(items, list):
            problems.add(document, (_KEY,), f"{_KEY} is no list", "begin each unit test with a dash")
            continue
        for index in range(len(items)):
            try:
                declared = validate(Declared, document, _KEY, index)
            except ConfigError as error:
                problems.found.append((error.problem, error.remedy))
            else:
                found.append(Declaration(declared, document, (_KEY, index)))
    _refuse_repeated(found, problems)
    problems.raise_if_any("the unit tests")
    return found


def _refuse_repeated(declarations: Iterable[Declaration], problems: Problems) -> None:
    first: dict[str, Declaration] = {}
    for each in declarations:
        earlier = first.setdefault(each.id, each)
        if earlier is not each:
            problems.add(
                each.document,
                each.at,
                f"{each.id} is declared a second time, after {earlier.document.where(*earlier.at)}",
                "rename one of the two",
            )
