"""The data dictionary: every table and column, where it comes from and where it goes, as values to be shown.

Belongs here: bringing contracts, the asset graph and the lineage of columns together, and words for them. Does not
belong here: how it looks (dictionary_markdown.py, dictionary_page.py) and where it is written to (cli/docs.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadflow.quality.contract.tables import Column, Contracts, Table, Test
from leadflow.stages import STAGES
from leadflow.warehouse.models.column_lineage import Lineage, Origin

MART = "publish.marts"
"""The file that publishing makes: an asset, and no table with a contract."""

_LONGEST_LIST = 4  # values or columns of a test that are told one by one


@dataclass(frozen=True)
class Made:
    """What makes a table.

    Attributes:
        by: SQL, Python or, for tables of the mart alone, publishing.
        file: the file to open, relative to the project.
    """

    by: str
    file: str


@dataclass(frozen=True)
class ColumnEntry:
    """A column, and the columns it is tied to as 'schema.table.column'."""

    column: Column
    origin: Origin
    goes_to: tuple[str, ...]


@dataclass(frozen=True)
class TableEntry:
    """A table of the dictionary.

    Attributes:
        table: its contract.
        made: what makes it.
        comes_from: tables it is made from, in order of the stages.
        goes_to: tables that are made from it, in order of the stages.
        whole_goes_to: columns computed from the table as a whole, as 'schema.table.column'.
        columns: in contract order.
        is_published: whether the mart holds it.
        problem: why the lineage of its columns is not known, or None.
    """

    table: Table
    made: Made
    comes_from: tuple[str, ...]
    goes_to: tuple[str, ...]
    whole_goes_to: tuple[str, ...]
    columns: tuple[ColumnEntry, ...]
    is_published: bool
    problem: str | None

    @property
    def name(self) -> str:
        """schema.name."""
        return self.table.full_name


@dataclass(frozen=True)
class Dictionary:
    """All tables by stage, in the order that data flows; what belongs to no stage comes before publish."""

    stages: Mapping[str, tuple[TableEntry, ...]]
    published: tuple[str, ...]

    @property
    def tables(self) -> tuple[TableEntry, ...]:
        """Every table, stage after stage."""
        return tuple(entry for entries in self.stages.values() for entry in entries)

    @property
    def problems(self) -> tuple[TableEntry, ...]:
        """The tables whose lineage is not known."""
        return tuple(entry for entry in self.tables if entry.problem)


def build_dictionary(
    contracts: Contracts,
    inputs: Mapping[str, Collection[str]],
    lineage: Lineage,
    made: Mapping[str, Made],
    published: Sequence[str],
) -> Dictionary:
    """Everything there is to say about every table.

    Args:
        contracts: all contracts.
        inputs: tables that a table is made from, by table, from the asset graph; a table that is no asset, such as
            those of the mart alone, is made from what its columns are.
        lineage: where columns come from.
        made: what makes each table.
        published: tables that the mart holds a copy of.
    """
    places = stage_order(table.schema for table in contracts.values())
    order = {name: (places.index(table.schema), at) for at, (name, table) in enumerate(contracts.items())}
    made_from = {
        name: sorted(
            {*(inputs[name] if name in inputs else _behind(lineage.origins.get(name, {})))} & order.keys(),
            key=order.__getitem__,
        )
        for name in contracts
    }
    goes_to: dict[str, list[str]] = {}
    for name in sorted(contracts, key=order.__getitem__):
        for source in made_from[name]:
            goes_to.setdefault(source, []).append(name)
    in_mart = {*published, *(name for name, table in contracts.items() if table.meta.get("is_mart_only"))}
    columns_go_to: dict[str, list[str]] = {}
    whole_goes_to: dict[str, list[str]] = {}
    for name in sorted(contracts, key=order.__getitem__):
        for column, origin in lineage.origins.get(name, {}).items():
            for source in origin.columns:
                columns_go_to.setdefault(source, []).append(f"{name}.{column}")
            for source in origin.tables:
                whole_goes_to.setdefault(source, []).append(f"{name}.{column}")

    def entry(table: Table) -> TableEntry:
        name = table.full_name
        origins = lineage.origins.get(name, {})
        return TableEntry(
            table=table,
            made=made[name],
            comes_from=tuple(made_from[name]),
            goes_to=(*goes_to.get(name, ()), *([MART] if name in in_mart else [])),
            whole_goes_to=tuple(whole_goes_to.get(name, ())),
            columns=tuple(
                ColumnEntry(
                    column,
                    origins.get(column.name, Origin()),
                    tuple(columns_go_to.get(f"{name}.{column.name}", ())),
                )
                for column in table.columns
            ),
            is_published=name in in_mart,
            problem=lineage.problems.get(name),
        )

    by_stage = {
        place: tuple(entry(table) for table in contracts.values() if table.schema == place)
        for place in places
    }
    return Dictionary(
        {place: entries for place, entries in by_stage.items() if entries}, tuple(sorted(in_mart))
    )


def stage_order(schemas: Iterable[str]) -> list[str]:
    """The stages in the order that data flows, with schemas that are no stage before publish."""
    return [*STAGES[:-1], *sorted(set(schemas) - set(STAGES)), STAGES[-1]]


def by_table(columns: Iterable[str]) -> dict[str, list[str]]:
    """Names of columns by 'schema.table', of columns given as 'schema.table.column'."""
    found: dict[str, list[str]] = {}
    for column in columns:
        table, _, name = column.rpartition(".")
        found.setdefault(table, []).append(name)
    return found


def words_of_test(test: Test) -> str:
    """A test with what it is called with, as far as that is short."""
    arguments = test.arguments
    told = ""
    if isinstance(values := arguments.get("value_set", arguments.get("values")), list):
        told = _listed([str(value) for value in values], "values")
    elif "to" in arguments and "field" in arguments:
        told = f"{arguments['to']}.{arguments['field']}"
    elif isinstance(columns := arguments.get("column_list"), list):
        told = _listed([str(column) for column in columns], "columns")
    elif "column_A" in arguments and "column_B" in arguments:
        told = f"{arguments['column_A']}, {arguments['column_B']}"
    elif arguments.get("min_value") is not None or arguments.get("max_value") is not None:
        told = " ".join(
            f"{word} {arguments[key]}"
            for word, key in (("from", "min_value"), ("to", "max_value"))
            if arguments.get(key) is not None
        )
    elif "value" in arguments:
        told = str(arguments["value"])
    return f"{test.test}: {told}" if told else test.test


def _listed(values: Sequence[str], word: str) -> str:
    return ", ".join(values) if len(values) <= _LONGEST_LIST else f"{len(values)} {word}"


def _behind(origins: Mapping[str, Origin]) -> set[str]:
    """The tables that columns come from."""
    return {table for origin in origins.values() for table in (*by_table(origin.columns), *origin.tables)}
