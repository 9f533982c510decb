"""The SQL room: dbt models as tables of the warehouse.

Belongs here: finding models, their dependencies and their order, and running one. Does not belong here: Jinja
(jinja.py), Dagster (table_assets.py).

Dependencies are the refs and sources that were rendered, held against what sqlglot finds in the SQL: a table that
is read without ref() would be missing from the graph, and a ref() that is not read would be a false edge.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.config_files import read_yaml
from leadflow.errors import ModelError
from leadflow.warehouse import jinja
from leadflow.warehouse.connection import quote
from leadflow.warehouse.tables import (
    Stamp,
    TableVersion,
    ensure_system_tables,
    merge_rows,
    record_version,
    replace_table,
    replace_view,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MATERIALIZATIONS = ("table", "view", "incremental")

_PARSER_VERSION = 1
"""Part of the cache's key: raise it when what is read from a model changes."""


@dataclass(frozen=True)
class SqlModel:
    """One model: a select statement and the table it makes.

    Attributes:
        table: 'schema.name'; the schema is the stage, the folder the file lies in.
        path: the file.
        text: its content, unrendered.
        materialized: table, view or incremental.
        unique_key: columns an incremental model is merged by.
        inputs: tables it reads, sorted.
    """

    table: str
    path: Path
    text: str
    materialized: str
    unique_key: tuple[str, ...]
    inputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name that ref() knows the model by."""
        return self.table.split(".")[1]


@dataclass(frozen=True)
class SqlRoom:
    """All models, with what they are rendered with.

    Attributes:
        models: by 'schema.name', in an order in which inputs come first.
        macros: the macros.
        sources: 'schema.name' of Python-made tables by (source, table).
        variables: defaults for var(), from dbt_project.yml.
    """

    models: Mapping[str, SqlModel]
    macros: jinja.Macros
    sources: Mapping[tuple[str, str], str]
    variables: Mapping[str, Any]

    def render(self, model: SqlModel, variables: Mapping[str, Any], *, is_incremental: bool) -> str:
        """The model's SQL for one refresh.

        Raises:
            ModelError: the template fails, or reads tables that it did not read when it was loaded.
        """
        names = {other.name: other.table for other in self.models.values()}
        outcome = _render(
            model.path,
            model.text,
            model.table,
            names,
            self.sources,
            self.macros,
            {**self.variables, **variables},
            is_incremental,
        )
        unforeseen = set(_inputs(outcome, names, self.sources)) - set(model.inputs)
        if unforeseen:
            raise ModelError(
                f"{model.path} reads {', '.join(sorted(unforeseen))} only under some values of its vars",
                "call ref() and source() outside of conditions, so that the graph is the same at every run",
            )
        return outcome.sql


def load_room(
    folder: Path, sources: Mapping[tuple[str, str], str], *, cache_file: Path | None = None
) -> SqlRoom:
    """Every model below `folder`, parsed and checked.

    Args:
        folder: dbt_like_sql/, with one folder a stage (model-paths in dbt_project.yml) and macros/.
        sources: 'schema.name' of Python-made tables by (source, table), from the contracts.
        cache_file: where parses are kept by content, so that an unchanged model is not parsed again.

    Raises:
        ModelError: two models of one name, a circle, or a model that cannot be rendered, parsed or trusted.
    """
    macros = jinja.load_macros(folder / "macros")
    project = read_yaml(folder / "dbt_project.yml").data or {}
    variables = dict(project.get("vars", {}))
    paths = [
        path
        for name in project.get("model-paths", ["models"])
        for path in sorted((folder / name).glob("*.sql"))
    ]
    names: dict[str, str] = {}
    for path in paths:
        if path.stem in names:
            raise ModelError(
                f"{path} has the same name as the model {names[path.stem]}",
                "rename one of the two; ref() knows models by name",
            )
        names[path.stem] = f"{path.parent.name}.{path.stem}"
    cache = _ParseCache(cache_file, macros, names, sources, variables)
    models = [cache.parse(path) for path in paths]
    cache.save()
    return SqlRoom({model.table: model for model in _in_order(models)}, macros, sources, variables)


def run_model(
    connection: DuckDBPyConnection,
    room: SqlRoom,
    model: SqlModel,
    *,
    variables: Mapping[str, Any],
    stamp: Stamp,
    order_by: tuple[str, ...] = (),
    is_full: bool = False,
) -> TableVersion:
    """Make the model's table.

    Args:
        connection: read-write connection.
        room: the room the model is from.
        model: the model.
        variables: values for var().
        stamp: what the write is recorded with.
        order_by: columns the rows are written in the order of.
        is_full: rebuild an incremental model from nothing.

    Raises:
        ModelError: DuckDB refuses the SQL; names the model and DuckDB's reason.
    """
    import duckdb

    is_incremental = (
        model.materialized == "incremental" and not is_full and table_exists(connection, model.table)
    )
    sql = room.render(model, variables, is_incremental=is_incremental)
    try:
        if model.materialized == "view":
            return replace_view(connection, model.table, sql, stamp=stamp, inputs=model.inputs)
        if not is_incremental:
            return replace_table(
                connection, model.table, sql, stamp=stamp, inputs=model.inputs, order_by=order_by
            )
        ensure_system_tables(connection)
        with transaction(connection):
            if model.unique_key:
                merge_rows(connection, model.table, sql, key=model.unique_key)
            else:
                connection.execute(f"insert into {quote(model.table)} by name {sql}")
            return record_version(connection, model.table, stamp=stamp, inputs=model.inputs)
    except duckdb.Error as error:
        raise ModelError(
            f"{model.path}: DuckDB refuses the model ({_first_line(error)})", "mend the SQL"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _render(
    path: Path,
    text: str,
    this: str,
    names: Mapping[str, str],
    sources: Mapping[tuple[str, str], str],
    macros: jinja.Macros,
    variables: Mapping[str, Any],
    is_incremental: bool,
) -> jinja.Rendered:
    def resolve_ref(name: str) -> str:
        if name in names:
            return names[name]
        near = difflib.get_close_matches(name, names, n=1)
        raise KeyError(
            f"did you mean '{near[0]}'" if near else "make the model, or use source() for a Python-made table"
        )

    return jinja.render(
        path,
        text,
        macros=macros,
        this=this,
        resolve_ref=resolve_ref,
        resolve_source=lambda source, table: sources[(source, table)],
        variables=variables,
        is_incremental=is_incremental,
    )


def _inputs(
    outcome: jinja.Rendered, names: Mapping[str, str], sources: Mapping[tuple[str, str], str]
) -> list[str]:
    return sorted({names[name] for name in outcome.refs} | {sources[pair] for pair in outcome.sources})


class _ParseCache:
    """Parses of models, kept by the content of everything they depend on."""

    def __init__(
        self,
        file: Path | None,
        macros: jinja.Macros,
        names: Mapping[str, str],
        sources: Mapping[tuple[str, str], str],
        variables: Mapping[str, Any],
    ) -> None:
        self._file, self._macros, self._names, self._sources, self._variables = (
            file,
            macros,
            names,
            sources,
            variables,
        )
        surroundings = json.dumps(
            [
                _PARSER_VERSION,
                macros.source,
                sorted(names.items()),
                sorted(map(str, sources.items())),
                sorted(variables.items()),
            ],
            default=str,
        )
        self._surroundings = hashlib.sha256(surroundings.encode()).hexdigest()
        self._known: dict[str, dict[str, Any]] = {}
        self._used: dict[str, dict[str, Any]] = {}
        if file is not None and file.exists():
            try:
                self._known = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                self._known = {}  # a cache that cannot be read is only a slower start

    def parse(self, path: Path) -> SqlModel:
        text = path.read_text(encoding="utf-8")
        key = hashlib.sha256(f"{self._surroundings}\n{path}\n{text}".encode()).hexdigest()
        entry = self._known.get(key)
        if entry is None:
            entry = self._parse(path, text)
        self._used[key] = entry
        return SqlModel(
            table=entry["table"],
            path=path,
            text=text,
            materialized=entry["materialized"],
            unique_key=tuple(entry["unique_key"]),
            inputs=tuple(entry["inputs"]),
        )

    def save(self) -> None:
        if self._file is None or self._used.keys() == self._known.keys():
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            staged = self._file.with_suffix(".tmp")
            staged.write_text(json.dumps(self._used), encoding="utf-8")
            staged.replace(self._file)
        except OSError:
            return  # the home may be read-only for whoever only looks at the definitions

    def _parse(self, path: Path, text: str) -> dict[str, Any]:
        table = f"{path.parent.name}.{path.stem}"
        inputs: set[str] = set()
        config: dict[str, Any] = {}
        for is_incremental in (False, True):
            outcome = _render(
                path, text, table, self._names, self._sources, self._macros, self._variables, is_incremental
            )
            config = outcome.config
            rendered = set(_inputs(outcome, self._names, self._sources))
            _compare_with_sql(path, text, table, outcome.sql, rendered, is_incremental)
            inputs |= rendered
        materialized = config.get("materialized", "table")
        if materialized not in MATERIALIZATIONS:
            raise ModelError(
                f"{path}:{_line_of(text, 'materialized')} materialized='{materialized}' is not known",
                f"use one of {', '.join(MATERIALIZATIONS)}",
            )
        unique_key = config.get("unique_key", [])
        return asdict(
            _Parse(
                table,
                materialized,
                [unique_key] if isinstance(unique_key, str) else list(unique_key),
                sorted(inputs - {table}),
            )
        )


@dataclass(frozen=True)
class _Parse:
    table: str
    materialized: str
    unique_key: list[str]
    inputs: list[str]


def _compare_with_sql(
    path: Path, text: str, this: str, sql: str, rendered: set[str], is_incremental: bool
) -> None:
    """Hold the refs that were rendered against the tables that the SQL reads."""
    import sqlglot
    from sqlglot.errors import ParseError, TokenError

    try:
        statements = [
            statement for statement in sqlglot.parse(sql, dialect="duckdb") if statement is not None
        ]
    except ParseError as error:
        details = error.errors[0] if error.errors else {}
        highlight = str(details.get("highlight", ""))
        raise ModelError(
            f"{path}:{_line_of(text, highlight)} does not parse as SQL near '{highlight}' ({details.get('description', error)})".replace(
                ".)", ")"
            ),
            "mend the SQL",
        ) from None
    except TokenError as error:
        raise ModelError(f"{path}:1 does not parse as SQL ({_first_line(error)})", "mend the SQL") from None
    if len(statements) != 1:
        raise ModelError(
            f"{path}:1 holds {len(statements)} statements", "make a model of one select statement"
        )
    read = _tables_read(statements[0])
    if this in read and not is_incremental:
        raise ModelError(
            f"{path}:{_line_of(text, 'this')} reads its own table outside of is_incremental()",
            "refer to other models only",
        )
    read.discard(this)
    rendered = rendered - {this}
    for table in sorted(read - rendered):
        name = table.split(".")[-1]
        raise ModelError(
            f"{path}:{_line_of(text, name)} reads the table {table} without ref() or source()",
            f"write {{{{ ref('{name}') }}}}, or source() for a Python-made table, so that the graph knows of it",
        )
    for table in sorted(rendered - read):
        name = table.split(".")[-1]
        raise ModelError(
            f"{path}:{_line_of(text, name)} refers to {table} but its SQL does not read it",
            "drop the ref, or read the table",
        )


def _tables_read(statement: Any) -> set[str]:
    """Physical tables of a statement; names of CTEs in scope are not tables."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    tables: set[str] = set()
    for scope in traverse_scope(statement):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                tables.add(f"{source.db}.{source.name}" if source.db else source.name)
    return tables


def _line_of(text: str, needle: str) -> int:
    """First line of the template that holds `needle` as a whole word, or 1."""
    if needle:
        found = re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text)
        if found:
            return text.count("\n", 0, found.start()) + 1
    return 1


def _in_order(models: list[SqlModel]) -> list[SqlModel]:
    """Models such that inputs come first; ties by name.

    Raises:
        ModelError: models refer to each other in a circle.
    """
    from graphlib import CycleError, TopologicalSorter

    by_table = {model.table: model for model in models}
    sorter = TopologicalSorter({model.table: sorted(set(model.inputs) & by_table.keys()) for model in models})
    try:
        return [by_table[table] for table in sorter.static_order()]
    except CycleError as error:
        circle = list(error.args[1])
        raise ModelError(
            f"{by_table[circle[0]].path}:1 is in a circle of models: {' → '.join(circle)}", "break the circle"
        ) from None
