"""What each column is computed from: by sqlglot for SQL models, by the contract's `from` for Python-made tables.

Belongs here: columns and the columns they come from. Does not belong here: which tables a model reads (model_parsing.py)
and how lineage is shown (warehouse/table_assets.py, quality/pages/dictionary.py).

Lineage is for people: nothing is refused for the lack of it. It is found when it is asked for, never at import.
A column comes from the columns that its expression names, with the filters and the order inside of it; the conditions
of joins, of where and of qualify choose rows and are not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError
from leadflow.quality.contract.declared_sources import KEY, WHOLE_TABLE
from leadflow.quality.contract.tables import Contracts, Table

if TYPE_CHECKING:
    from leadflow.warehouse.models.sql_models import SqlModel, SqlRoom


@dataclass(frozen=True)
class Origin:
    """What one column is computed from.

    Attributes:
        columns: 'schema.table.column', sorted.
        tables: tables used as a whole, sorted: their rows are counted, or every column of them is read.
        is_unchanged: SQL hands the values of `columns` on as they are; false where that cannot be told.
    """

    columns: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    is_unchanged: bool = False


@dataclass(frozen=True)
class Lineage:
    """Where the columns of all tables come from.

    Attributes:
        origins: by 'schema.table', then by column as the contract spells it; a column without an input has none.
        problems: why the lineage of a table could not be found, in one sentence, by 'schema.table'.
    """

    origins: Mapping[str, Mapping[str, Origin]]
    problems: Mapping[str, str]


class LineageError(LeadflowError):
    """The lineage of a model cannot be found; a reason to warn and never to stop."""


def find_lineage(room: SqlRoom, contracts: Contracts) -> Lineage:
    """The lineage of every table that has a contract."""
    origins: dict[str, Mapping[str, Origin]] = {}
    problems: dict[str, str] = {}
    for name, table in contracts.items():
        try:
            origins[name] = table_lineage(room, contracts, table)
        except LineageError as error:
            origins[name] = {}
            problems[name] = error.problem
    return Lineage(origins, problems)


def table_lineage(
    room: SqlRoom, contracts: Contracts, table: Table, *, kept_in: Path | None = None
) -> dict[str, Origin]:
    """What each column of a table comes from; columns that come from none are left out.

    Args:
        kept_in: folder that remembers what was found; None for this process alone.

    Raises:
        LineageError: sqlglot cannot tell it from the model's SQL.
    """
    model = room.models.get(table.full_name)
    if model is None:
        return declared_origins(table)
    return _model_origins(room, contracts, model, table, kept_in)


def declared_origins(table: Table) -> dict[str, Origin]:
    """What the contract of a Python-made table says of its columns, below `meta: {from: [...]}`."""
    whole = f".{WHOLE_TABLE}"
    return {
        column.name: Origin(
            tuple(sorted(name for name in said if not name.endswith(whole))),
            tuple(sorted(name.removesuffix(whole) for name in said if name.endswith(whole))),
        )
        for column in table.columns
        if (said := column.meta.get(KEY))
    }


def _model_origins(
    room: SqlRoom, contracts: Contracts, model: SqlModel, table: Table, kept_in: Path | None
) -> dict[str, Origin]:
    from leadflow.warehouse.models.lineage_cache import remembered_origins

    known = {name: contracts[name].column_types for name in (*model.inputs, model.table) if name in contracts}
    found: dict[str, Origin] = {}
    for is_incremental in sorted({False, model.materialized == "incremental"}):
        file = kept_in and kept_in / f"{table.full_name}{'.increment' if is_incremental else ''}.json"
        try:
            sql = room.render(model, {}, is_incremental=is_incremental)
        except LeadflowError as error:
            raise LineageError(error.problem, error.remedy) from error
        try:
            origins = remembered_origins(sql, known, file)
        except LineageError as error:
            raise LineageError(f"{table.full_name}: {error.problem}", error.remedy) from error
        for column in table.columns:
            if column.name.lower() not in origins:
                raise LineageError(
                    f"{table.full_name}: the SQL shows no column {column.name}",
                    "name the column in the select, or mend the contract",
                )
            first = found.get(column.name)
            found[column.name] = _together(first, origins[column.name.lower()], model.table)
    return {name: origin for name, origin in found.items() if origin.columns or origin.tables}


def _together(first: Origin | None, second: Origin, own: str) -> Origin:
    """The origins of first load and increment as one; what an increment keeps of its own table is no input."""
    parts = [second] if first is None else [first, second]
    return Origin(
        tuple(sorted({name for one in parts for name in one.columns if not name.startswith(f"{own}.")})),
        tuple(sorted({name for one in parts for name in one.tables if name != own})),
        all(one.is_unchanged for one in parts),
    )
