"""Rendering dbt-style SQL: ref, source, config, var, this, is_incremental and macros.

Belongs here: Jinja and what a template may call. Does not belong here: what is done with the SQL (sql_models.py).

A sandboxed environment without loaders: a template can reach what is passed in and nothing else, neither files
nor the environment.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from leadflow.errors import ModelError
from leadflow.warehouse.connection import quote

DBT_ONLY = "dbt_only"
"""Folder of macros that only real dbt needs, such as expectations that leadflow runs in Great Expectations."""

_TEST_BLOCK = re.compile(r"{%-?\s*test\s.*?endtest\s*-?%}", re.DOTALL)
_MACRO_NAME = re.compile(r"{%-?\s*macro\s+(\w+)")


@dataclass(frozen=True)
class Macros:
    """All macro files as one template source, so that macros can call each other whatever file they are in.

    Attributes:
        source: the files' text, one after the other.
        files: the files, with the line of `source` each begins at.
    """

    source: str
    files: tuple[tuple[Path, int], ...]

    def locate(self, line: int) -> tuple[Path, int]:
        """File and line that a line of `source` came from."""
        path, start = max(
            ((path, start) for path, start in self.files if start <= line), key=lambda item: item[1]
        )
        return path, line - start + 1


def macro_files(folder: Path) -> list[Path]:
    """The files macros are read from; those below dbt_only/ serve real dbt alone."""
    return [path for path in sorted(folder.rglob("*.sql")) if DBT_ONLY not in path.relative_to(folder).parts]


def load_macros(folder: Path) -> Macros:
    """Every macro below `folder`; dbt's `{% test %}` blocks belong to the contracts and are blanked out.

    Raises:
        ModelError: two macros of one name.
    """
    parts: list[str] = []
    files: list[tuple[Path, int]] = []
    owners: dict[str, Path] = {}
    line = 1
    for path in macro_files(folder):
        text = _TEST_BLOCK.sub(
            lambda match: "\n" * match.group().count("\n"), path.read_text(encoding="utf-8")
        )
        for name in _MACRO_NAME.findall(text):
            if name in owners:
                raise ModelError(
                    f"macro '{name}' is defined in {owners[name]} and in {path}", "rename one of the two"
                )
            owners[name] = path
        files.append((path, line))
        parts.append(text)
        line += text.count("\n") + 1
    return Macros("\n".join(parts), tuple(files))


@dataclass
class Rendered:
    """A template's outcome: SQL, and what was called on the way.

    Attributes:
        sql: the text.
        config: what config() was called with.
        refs: names given to ref(), in order of the first call.
        sources: (source, table) pairs given to source().
        vars: names given to var().
    """

    sql: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    refs: list[str] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    vars: list[str] = field(default_factory=list)


_MISSING = object()


def render(
    path: Path,
    text: str,
    *,
    macros: Macros,
    this: str,
    resolve_ref: Callable[[str], str],
    resolve_source: Callable[[str, str], str],
    variables: Mapping[str, Any],
    is_incremental: bool,
) -> Rendered:
    """Render one model.

    Args:
        path: the model's file, for messages.
        text: its content.
        macros: macros it may call.
        this: 'schema.name' of the table it makes.
        resolve_ref: 'schema.name' of a model by its name; KeyError where there is none.
        resolve_source: 'schema.name' of a source table; KeyError where there is none.
        variables: values for var().
        is_incremental: what is_incremental() answers.

    Raises:
        ModelError: with file and line.
    """
    outcome = Rendered()

    def ref(*names: str) -> str:
        name = names[-1]
        try:
            table = resolve_ref(name)
        except KeyError as error:
            raise _Refused(
                f"ref('{name}') names no model", str(error.args[0]) if error.args else ""
            ) from None
        if name not in outcome.refs:
            outcome.refs.append(name)
        return quote(table)

    def source(source_name: str, table_name: str) -> str:
        try:
            table = resolve_source(source_name, table_name)
        except KeyError:
            raise _Refused(
                f"source('{source_name}', '{table_name}') names no table of a schema.yml",
                "add the table to the contract, or mend the name",
            ) from None
        if (source_name, table_name) not in outcome.sources:
            outcome.sources.append((source_name, table_name))
        return quote(table)

    def config(**settings: Any) -> str:
        outcome.config.update(settings)
        return ""

    def var(name: str, default: Any = _MISSING) -> Any:
        if name not in outcome.vars:
            outcome.vars.append(name)
        if name in variables:
            return variables[name]
        if default is _MISSING:
            raise _Refused(f"var('{name}') has no value", "declare it under vars in dbt_project.yml")
        return default

    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, extensions=["jinja2.ext.do"]
    )
    context: dict[str, Any] = {
        "ref": ref,
        "source": source,
        "config": config,
        "var": var,
        "this": quote(this),
        "is_incremental": lambda: is_incremental,
    }
    try:
        if macros.source:
            macro_file = "<macros>"
            code = environment.compile(macros.source, name=macro_file, filename=macro_file)
            module = jinja2.Template.from_code(environment, code, context).make_module(context)
            context |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
        code = environment.compile(text, name=str(path), filename=str(path))
        outcome.sql = jinja2.Template.from_code(environment, code, context).render(context).strip()
    except (jinja2.TemplateError, SecurityError, _Refused, TypeError, RecursionError) as error:
        raise _explain(error, path, macros) from error
    return outcome


class _Refused(Exception):  # noqa: N818 - becomes a ModelError once its line is known
    """Something a template called that cannot be; carried up to where the line is known."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem)


def _explain(error: Exception, path: Path, macros: Macros) -> ModelError:
    line = getattr(error, "lineno", None)
    in_macros = getattr(error, "filename", None) == "<macros>"
    if line is None:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(path):
                line, in_macros = frame.lineno, False
            elif frame.filename == "<macros>" and line is None:
                line, in_macros = frame.lineno, True
    where = f"{path}:{line or 1}"
    if in_macros and line is not None:
        macro_path, macro_line = macros.locate(line)
        where = f"{macro_path}:{macro_line}"
    if isinstance(error, _Refused):
        return ModelError(f"{where} {error.problem}", error.remedy or "mend the name")
    if isinstance(error, RecursionError):
        return ModelError(f"{where} calls macros that call each other without end", "break the circle")
    if isinstance(error, SecurityError):
        return ModelError(
            f"{where} reaches for what a template may not touch ({error})",
            "use ref, source, var and macros only",
        )
    return ModelError(f"{where} cannot be rendered ({error})", "mend the template")
