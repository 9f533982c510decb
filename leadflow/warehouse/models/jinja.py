"""Rendering dbt-style SQL: ref, source, config, var, this, is_incremental and macros.

Belongs here: Jinja and what a template may call. Does not belong here: what is done with the SQL (sql_models.py).

A template can reach what is passed in and nothing else, neither files nor the environment, and it cannot run for
ever (bounded_jinja.py).
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
import jinja2.nodes
from jinja2.exceptions import SecurityError

from leadflow.errors import ModelError
from leadflow.warehouse.connection import quote
from leadflow.warehouse.models.bounded_jinja import TooMuchError, bounded_environment

DBT_ONLY = "dbt_only"
"""Folder of macros that only real dbt needs, such as expectations that leadflow runs in Great Expectations."""

_TEST_BLOCK = re.compile(r"{%-?\s*test\s.*?endtest\s*-?%}", re.DOTALL)
_MACROS = "<macros>"
"""File that Jinja believes all macros to stand in."""


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
        ModelError: two macros of one name, or a file that is not valid Jinja or not UTF-8.
    """
    parts: list[str] = []
    files: list[tuple[Path, int]] = []
    owners: dict[str, Path] = {}
    line = 1
    for path in macro_files(folder):
        text = _TEST_BLOCK.sub(lambda match: "\n" * match.group().count("\n"), read_sql(path))
        try:
            macros = list(bounded_environment().parse(text).find_all(jinja2.nodes.Macro))
        except jinja2.TemplateSyntaxError as error:
            raise ModelError(
                f"{path}:{error.lineno} is not valid Jinja ({error.message})", "mend the macro"
            ) from None
        except RecursionError:
            raise ModelError(f"{path}:1 nests too deeply to be read", "take it apart") from None
        for macro in macros:
            if macro.name in owners:
                raise ModelError(
                    f"{path}:{macro.lineno} defines the macro '{macro.name}', which {owners[macro.name]} defines too",
                    "rename one of the two",
                )
            owners[macro.name] = path
        files.append((path, line))
        parts.append(text)
        line += text.count("\n") + 1
    return Macros("\n".join(parts), tuple(files))


def read_sql(path: Path) -> str:
    """The text of a model or macro file.

    Raises:
        ModelError: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ModelError(f"{path}:{line} is not UTF-8 ({error.reason})", "save it as UTF-8") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})", "make it a readable file") from None


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

    def ref(name: str, *in_package: str) -> str:
        name = in_package[-1] if in_package else name
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

    environment = bounded_environment()
    context: dict[str, Any] = {
        **environment.globals,
        "ref": ref,
        "source": source,
        "config": config,
        "var": var,
        "this": quote(this),
        "is_incremental": lambda: is_incremental,
    }
    try:
        if macros.source:
            code = _compiled(macros.source, _MACROS)
            try:
                module = jinja2.Template.from_code(environment, code, context).make_module(context)
            except Exception:  # noqa: BLE001 - the next line raises it anew
                environment.handle_exception()  # turns the traceback's lines into the template's, and raises
            context |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
        code = _compiled(text, str(path))
        outcome.sql = jinja2.Template.from_code(environment, code, context).render(context).strip()
    except Exception as error:  # a template can divide by zero and whatever else
        raise _explain(error, path, macros) from error
    return outcome


@lru_cache(maxsize=512)
def _compiled(text: str, name: str) -> CodeType:
    """A template as Python code: macros are the same for every model, and models are rendered more than once."""
    return bounded_environment().compile(text, name=name, filename=name)


class _Refused(Exception):  # noqa: N818 - becomes a ModelError once its line is known
    """Something a template called that cannot be; carried up to where the line is known."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem)


def _explain(error: Exception, path: Path, macros: Macros) -> ModelError:
    """The error with the place in the model, or in the macro that the model called."""
    places = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in (str(path), _MACROS)
    ]
    line = getattr(error, "lineno", None) or (places[-1].lineno if places else None) or 1
    where = f"{path}:{line}"
    if places and places[-1].filename == _MACROS:
        macro_path, macro_line = macros.locate(line)
        where = f"{macro_path}:{macro_line}"
        if places[0].filename == str(path):
            where += f" (called from {path}:{places[0].lineno})"
    if isinstance(error, _Refused):
        return ModelError(f"{where} {error.problem}", error.remedy or "mend the name")
    if isinstance(error, RecursionError) and not places:
        return ModelError(f"{where} nests too deeply to be read", "take it apart")
    if isinstance(error, RecursionError):
        return ModelError(f"{where} calls macros that call each other without end", "break the circle")
    if isinstance(error, TooMuchError):
        return ModelError(f"{where} {error}", "make the loop end, or the text shorter")
    reason = str(error).rstrip(".")
    if isinstance(error, SecurityError):
        return ModelError(
            f"{where} reaches for what a template may not touch ({reason})",
            "use ref, source, var and macros only",
        )
    return ModelError(f"{where} cannot be rendered ({reason})", "mend the template")
