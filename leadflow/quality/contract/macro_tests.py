"""Tests that a project defines itself, as dbt does, in `dbt_like_sql/macros/**/*.sql` or `dbt_like_sql/tests/generic/`.

    {% test is_positive(model, column_name, or_zero=false) %}
    select * from {{ model }} where {{ column_name }} {{ '<' if or_zero else '<=' }} 0
    {% endtest %}

Belongs here: finding such blocks by name, and rendering one into the query that returns its failing rows. `model` is
the tested batch, `column_name` the quoted column. Does not belong here: the rendering of SQL models (warehouse/).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadflow.errors import ContractError
from leadflow.quality.checking.plans import FailingRowsQuery
from leadflow.quality.contract.arguments import Specification
from leadflow.quality.sql_text import identifier
from leadflow.warehouse.models.bounded_jinja import BoundedEnvironment, bounded_environment
from leadflow.warehouse.models.jinja import macro_files, read_sql

# dbt's own tag, which plain Jinja does not know; it is read as a macro named test_<name>, as dbt does.
_OPENING = re.compile(r"\{%-?\s*test\s+(\w+)\s*\(")
_START = re.compile(r"(\{%-?\s*)test(\s+)(\w+)(\s*\()")
_END = re.compile(r"(\{%-?\s*)endtest(\s*-?%\})")
# `model` and `column_name` are filled in by the runner, not by schema.yml.
_SUBJECT = ("model", "column_name")


@dataclass(frozen=True)
class MacroTest:
    """One `{% test %}` block.

    Attributes:
        name: as schema.yml names it.
        folders: the folders of macros and tests, whose other macros it may call.
        file: the SQL file it stands in.
        line: where it begins, from 1.
        is_about_column: whether it takes `column_name`.
        arguments: specification (see arguments.py) of its other parameters.
    """

    name: str
    folders: tuple[Path, ...]
    file: Path
    line: int
    is_about_column: bool
    arguments: Mapping[str, Specification]


def find_macro_tests(*folders: Path) -> dict[str, MacroTest]:
    """Every `{% test %}` block below the folders by name; an absent folder has none.

    Raises:
        ContractError: a file is not valid Jinja, or a name is taken twice.
    """
    found: dict[str, MacroTest] = {}
    for file in _files(folders):
        text = read_sql(file)
        lines = {match[1]: text.count("\n", 0, match.start()) + 1 for match in _OPENING.finditer(text)}
        for name, specifications in _signatures(file, text).items() if lines else ():
            if name in found:
                raise ContractError(
                    f"{file}:{lines.get(name, 1)} defines the test {name} again, after {found[name].file}",
                    "rename one",
                )
            about_column = "column_name" in specifications
            own = {key: value for key, value in specifications.items() if key not in _SUBJECT}
            found[name] = MacroTest(name, folders, file, lines.get(name, 1), about_column, own)
    return found


def macro_query(
    macro: MacroTest, batch: str, column: str | None, arguments: Mapping[str, Any]
) -> FailingRowsQuery:
    """The query for the failing rows that the block renders to.

    Raises:
        ContractError: the block cannot be rendered.
    """
    subject = {"model": batch} | ({"column_name": identifier(column)} if column is not None else {})
    files = _files(macro.folders)
    try:
        environment, module = _compiled(tuple((file, file.stat().st_mtime_ns) for file in files))
        environment.start_counting()
        render = getattr(module, f"test_{macro.name}")
        sql = str(render(**subject, **arguments)).strip().rstrip(";")
    except Exception as error:  # a template can divide by zero and whatever else
        raise ContractError(
            f"{macro.file}:{macro.line} test {macro.name} cannot be rendered ({error})",
            "mend the block; it may use its parameters and the project's other macros",
        ) from error
    return FailingRowsQuery(sql)


def _files(folders: tuple[Path, ...]) -> list[Path]:
    return [file for folder in folders for file in macro_files(folder)]


def _as_macros(text: str) -> str:
    return _END.sub(r"\1endmacro\2", _START.sub(r"\1macro\2test_\3\4", text))


def _signatures(file: Path, text: str) -> dict[str, dict[str, Specification]]:
    import jinja2
    from jinja2 import nodes

    try:
        tree = bounded_environment().parse(_as_macros(text))
    except RecursionError:
        raise ContractError(f"{file}:1 nests too deeply to be read", "take it apart") from None
    except jinja2.TemplateSyntaxError as error:
        raise ContractError(
            f"{file}:{error.lineno} is not valid Jinja ({error.message})", "mend the block"
        ) from None
    signatures = {}
    for macro in tree.find_all(nodes.Macro):
        if macro.name.startswith("test_"):
            required = len(macro.args) - len(macro.defaults)
            signatures[macro.name.removeprefix("test_")] = {
                argument.name: {"types": ["any"], "required": index < required}
                for index, argument in enumerate(macro.args)
            }
    return signatures


@functools.cache
def _compiled(files_changed_at_ns: tuple[tuple[Path, int], ...]) -> tuple[BoundedEnvironment, Any]:
    """All macros of the files as one module, and its environment; the moments of change make an edited file compile anew."""
    texts = [_as_macros(read_sql(file)) for file, _ in files_changed_at_ns]
    environment = bounded_environment()
    return environment, environment.from_string("\n".join(texts)).module
