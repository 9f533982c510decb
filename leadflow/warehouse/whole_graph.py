"""Whether contracts, SQL models and Python's assets make one graph: nothing missing, and no circle.

Belongs here: what only shows once all of them are put together (definitions.py). Does not belong here: what is wrong in
one model or one contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from leadflow.errors import ContractError, ModelError
from leadflow.stages import OWNERS
from leadflow.warehouse.models.model_places import line_of
from leadflow.warehouse.quarantine import refuse_impossible

if TYPE_CHECKING:
    import dagster as dg

    from leadflow.quality.contracts import Contracts
    from leadflow.warehouse.models.sql_models import SqlRoom


def refuse_gaps(contracts: Contracts, room: SqlRoom) -> None:
    """Refuse a model without a contract or of no stage, and a contract whose model is not there.

    Raises:
        ModelError: names the model's file.
        ContractError: names the contract's line.
    """
    for model in room.models.values():
        stage = model.table.split(".")[0]
        if stage not in OWNERS:
            raise ModelError(
                f"{model.path}:1 lies in '{stage}', which is no stage",
                f"move it into one of {', '.join(OWNERS)}",
            )
        table = contracts.get(model.table)
        if table is None or table.kind != "model":
            raise ModelError(
                f"{model.path}:1 makes {model.table}, which no schema.yml describes under `models:`",
                f"describe it in {model.path.parent / 'schema.yml'}",
            )
    for table in contracts.values():
        if table.kind == "model" and table.full_name not in room.models:
            raise ContractError(
                f"{table.file}:{table.line} describes {table.full_name} under `models:`, which no SQL file makes",
                f"add {table.schema}/{table.name}.sql, or describe it under `sources:` where Python makes it",
            )


def refuse_circles(assets: Iterable[dg.AssetsDefinition], room: SqlRoom) -> None:
    """Refuse a model that reads what is made from it by way of Python-made tables.

    Circles of SQL models alone are refused when the room is loaded; Dagster would notice the others only at the
    first run, and without a word of where.

    Raises:
        ModelError: names a model in the circle, and its line.
    """
    inputs = _inputs(assets)
    try:
        TopologicalSorter(inputs).prepare()
    except CycleError as error:
        raise _circle(error.args[1], inputs, room) from None


def refuse_checks_ahead(assets: Iterable[dg.AssetsDefinition], contracts: Contracts) -> None:
    """Refuse a test that reads a table made from the one it is a check of: each would wait for the other.

    Raises:
        ContractError: names the test's line.
    """
    inputs = _inputs(assets)
    for table in contracts.values():
        for test in table.checks if table.is_checked else ():
            for other in test.other_tables:
                if table.full_name in _behind(other, inputs):
                    raise ContractError(
                        f"{test.file}:{test.line} is a check of {table.full_name} and reads {other}, which is made from it",
                        f"describe {other} after {table.full_name} in its schema.yml"
                        if test.singular is not None
                        else f"make it a test of {other}, or a query in dbt_like_sql/tests",
                    )


def refuse_impossible_quarantines(
    assets: Iterable[dg.AssetsDefinition], contracts: Contracts, room: SqlRoom
) -> None:
    """Refuse tests that set rows aside of a view, or by comparing with a table that may not be made by then.

    Raises:
        ContractError: names the test's line.
    """
    inputs = _inputs(assets)
    views = [model.table for model in room.models.values() if model.materialized == "view"]
    refuse_impossible(contracts, views, {table: _behind(table, inputs) for table in inputs})


def _inputs(assets: Iterable[dg.AssetsDefinition]) -> dict[str, set[str]]:
    """What each table is made from."""
    return {
        ".".join(spec.key.path): {".".join(each.asset_key.path) for each in spec.deps}
        for definition in assets
        for spec in definition.specs
    }


def _behind(table: str, inputs: Mapping[str, set[str]]) -> set[str]:
    """Everything that a table is made from."""
    found: set[str] = set()
    waiting = [table]
    while waiting:
        for name in inputs.get(waiting.pop(), set()) - found:
            found.add(name)
            waiting.append(name)
    return found


def _circle(circle: list[str], inputs: Mapping[str, set[str]], room: SqlRoom) -> ModelError:
    """The refusal, at the model of the circle that reads a table which Python makes."""
    models = [room.models[table] for table in circle if table in room.models]
    reader, read = next(
        (model, table)
        for model in models
        for table in sorted(inputs[model.table] & set(circle))
        if table not in room.models
    )
    told = " → ".join(reversed(circle))
    return ModelError(
        f"{reader.path}:{line_of(reader.text, read.split('.')[1])} reads {read}, which is made from it: {told} is a circle",
        "break the circle",
    )
