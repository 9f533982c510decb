"""The SQL room: dbt models as tables of the warehouse.

Belongs here: finding models, putting them in order, and running one. Does not belong here: what one model says of
itself (model_parsing.py), Jinja (jinja.py), Dagster (warehouse/table_assets.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.config_files import read_yaml
from leadflow.errors import ConfigError, ModelError, first_line
from leadflow.warehouse.connection import quote
from leadflow.warehouse.models import jinja
from leadflow.warehouse.models.model_parsing import ParseCache, Surroundings
from leadflow.warehouse.models.model_places import line_of, place_of
from leadflow.warehouse.tables import (
    Stamp,
    TableVersion,
    columns_of,
    ensure_system_tables,
    merge_rows,
    record_version,
    replace_table,
    replace_view,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    import duckdb
    from duckdb import DuckDBPyConnection

    from leadflow.quality.contracts import Contracts
    from leadflow.settings import Settings


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
        remade_by: 'schema.name.column' of the digests by which rows are remade (remade.py), or nothing.
        moment: column that has the refresh's as_of in every row, or nothing.
    """

    table: str
    path: Path
    text: str
    materialized: str
    unique_key: tuple[str, ...]
    inputs: tuple[str, ...]
    remade_by: str = ""
    moment: str = ""

    @property
    def name(self) -> str:
        """Name that ref() knows the model by."""
        return self.table.split(".")[1]

    @property
    def made_from(self) -> tuple[str, ...]:
        """Tables that have to be there before it is made: those it reads, and its digests."""
        digests = {self.remade_by.rpartition(".")[0]} - {""}
        return tuple(sorted({*self.inputs, *digests}))


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

    def render_select(self, text: str, variables: Mapping[str, Any], *, told: Path) -> str:
        """A select that is no model of the room, rendered as if it were one.

        Args:
            text: SQL in which ref(), source(), var() and the room's macros are called.
            told: what messages name as its file.

        Raises:
            ModelError: the template fails.
        """
        return (
            self._surroundings()
            .render(told, text, "scratch.select", is_incremental=False, variables=variables)
            .sql
        )

    def render(self, model: SqlModel, variables: Mapping[str, Any], *, is_incremental: bool) -> str:
        """The model's SQL for one refresh.

        Raises:
            ModelError: the template fails, or reads tables that it did not read when it was loaded.
        """
        surroundings = self._surroundings()
        outcome = surroundings.render(
            model.path, model.text, model.table, is_incremental=is_incremental, variables=variables
        )
        unforeseen = surroundings.inputs(outcome) - {*model.inputs, model.table}
        if unforeseen:
            raise ModelError(
                f"{model.path} reads {', '.join(sorted(unforeseen))} only under some values of its vars",
                "call ref() and source() outside of conditions, so that the graph is the same at every run",
            )
        return outcome.sql

    def _surroundings(self) -> Surroundings:
        names = {other.name: other.table for other in self.models.values()}
        return Surroundings(names, self.sources, self.macros, self.variables)


def home_room(settings: Settings, contracts: Contracts) -> SqlRoom:
    """The SQL models of a home's project, with the Python-made tables of the contracts as their sources; see `load_room`."""
    sources = {
        (table.schema, table.name): table.full_name for table in contracts.values() if table.kind == "source"
    }
    return load_room(settings.sql_dir, sources, cache_file=settings.cache_file("sql_models.json"))


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
        ConfigError: dbt_project.yml is wrong.
    """
    macros = jinja.load_macros(folder / "macros")
    model_paths, variables = _read_project(folder / "dbt_project.yml")
    paths = [path for name in model_paths for path in sorted((folder / name).glob("*.sql"))]
    names: dict[str, str] = {}
    for path in paths:
        if path.stem in names:
            raise ModelError(
                f"{path}:1 has the same name as the model {names[path.stem]}",
                "rename one of the two; ref() knows models by name",
            )
        names[path.stem] = f"{path.parent.name}.{path.stem}"
    cache = ParseCache(cache_file, Surroundings(names, sources, macros, variables))
    models = []
    for path in paths:
        text, table = jinja.read_sql(path), names[path.stem]
        parse = cache.parse(path, text, table)
        models.append(
            SqlModel(
                table,
                path,
                text,
                parse.materialized,
                tuple(parse.unique_key),
                tuple(parse.inputs),
                parse.remade_by,
                parse.moment,
            )
        )
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
    before_recording: Callable[[DuckDBPyConnection], object] | None = None,
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
        before_recording: called in the transaction when the rows are in the table; not for a view.

    Raises:
        ModelError: DuckDB refuses the SQL; names the model and DuckDB's reason.
    """
    import duckdb

    is_incremental = (
        model.materialized == "incremental"
        and not is_full
        and table_exists(connection, model.table, kind="BASE TABLE")
    )
    sql = room.render(model, variables, is_incremental=is_incremental)
    try:
        if model.materialized == "view":
            return replace_view(connection, model.table, sql, stamp=stamp, inputs=model.inputs)
        if not is_incremental:
            return replace_table(
                connection,
                model.table,
                sql,
                stamp=stamp,
                inputs=model.inputs,
                order_by=order_by,
                before_recording=before_recording,
            )
        _compare_columns(connection, model, sql)
        ensure_system_tables(connection)
        with transaction(connection):
            if model.unique_key:
                merge_rows(connection, model.table, sql, key=model.unique_key)
            else:
                connection.execute(f"insert into {quote(model.table)} by name {sql}")
            if before_recording is not None:
                before_recording(connection)
            return record_version(connection, model.table, stamp=stamp, inputs=model.inputs)
    except duckdb.Error as error:
        raise refused_by_duckdb(room, model, sql, error) from error


def refused_by_duckdb(room: SqlRoom, model: SqlModel, sql: str, error: duckdb.Error) -> ModelError:
    """What DuckDB has against a model, with the file and line.

    Args:
        room: the room the model is from.
        model: the model.
        sql: the rendered model, which begins on the first line of the statement that was refused.
        error: DuckDB's refusal.
    """
    found = re.search(r"^LINE (\d+):", str(error), re.MULTILINE)
    where = place_of(model.path, model.text, room.macros, sql, int(found[1])) if found else str(model.path)
    return ModelError(f"{where}: DuckDB refuses the model ({first_line(error)})", "mend the SQL")


def _read_project(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Folders that hold models, and the defaults of var()."""
    document = read_yaml(path)
    project = {} if document.data is None else document.data
    if not isinstance(project, dict):
        raise ConfigError(f"{path}:1 is not a mapping", "write `name: value` lines, as dbt wants them")
    folders, variables = project.get("model-paths") or ["models"], project.get("vars") or {}
    if not isinstance(folders, list):
        raise ConfigError(f"{document.where('model-paths')} model-paths is not a list", "write [folder]")
    if not isinstance(variables, dict):
        raise ConfigError(
            f"{document.where('vars')} vars is not a mapping", "write `name: value` lines below it"
        )
    return [str(folder) for folder in folders], variables


def _compare_columns(connection: DuckDBPyConnection, model: SqlModel, sql: str) -> None:
    """Refuse to add rows of other columns than those that are there.

    Raises:
        ModelError: the model's columns have changed since its table was made.
    """
    there, made = set(columns_of(connection, quote(model.table))), set(columns_of(connection, f"({sql}\n)"))
    if there != made:
        raise ModelError(
            f"{model.path} has gained or lost the columns {', '.join(sorted(there ^ made))} since {model.table} was made",
            "rebuild it with `leadflow run --full`",
        )


def _in_order(models: list[SqlModel]) -> list[SqlModel]:
    """Models such that inputs come first; ties by name.

    Raises:
        ModelError: models refer to each other in a circle.
    """
    from graphlib import CycleError, TopologicalSorter

    by_table = {model.table: model for model in models}
    sorter = TopologicalSorter(
        {model.table: sorted(set(model.made_from) & by_table.keys()) for model in models}
    )
    try:
        return [by_table[table] for table in sorter.static_order()]
    except CycleError as error:
        circle = [by_table[table] for table in error.args[1]]  # each is an input of the next
        last, before = circle[-1], circle[-2]
        raise ModelError(
            f"{last.path}:{line_of(last.text, before.name)} is in a circle of models: {' → '.join(model.table for model in circle)}",
            "break the circle",
        ) from None
