"""The data dictionary: every table and column, in words, from the contracts.

Belongs here: turning contracts into Markdown. Does not belong here: where the text is written to (cli/docs.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadflow.quality.tables import Column, Contracts, Table, Test
from leadflow.stages import STAGES


def data_dictionary(contracts: Contracts, inputs: Mapping[str, Sequence[str]]) -> str:
    """The whole dictionary as Markdown, stage by stage in the order that data flows.

    Args:
        contracts: all contracts.
        inputs: tables that a table is made from, by table.
    """
    parts = [
        "# Data dictionary",
        "",
        "Every table of the warehouse and the mart, made from the contracts in `dbt_like_sql/` by `make docs`. "
        "Columns marked PII are masked in the mart. A test marked (warn) is reported and does not block.",
        "",
        "| stage | tables |",
        "| --- | --- |",
    ]
    schemas = [*STAGES, *sorted({table.schema for table in contracts.values()} - set(STAGES))]
    by_schema = {
        schema: [table for table in contracts.values() if table.schema == schema] for schema in schemas
    }
    parts += [
        f"| {schema} | {', '.join(f'[{table.name}](#{_anchor(table)})' for table in tables)} |"
        for schema, tables in by_schema.items()
        if tables
    ]
    outputs: dict[str, list[str]] = {}
    for made, made_from in inputs.items():
        for name in made_from:
            outputs.setdefault(name, []).append(made)
    for tables in by_schema.values():
        for table in tables:
            parts += _table(table, inputs.get(table.full_name, ()), outputs.get(table.full_name, ()))
    return "\n".join(parts) + "\n"


def _anchor(table: Table) -> str:
    return table.full_name.replace(".", "").lower()


def _table(table: Table, made_from: Sequence[str], used_by: Sequence[str]) -> list[str]:
    lines = ["", f"## {table.full_name}", "", table.description, "", f"- Grain: {table.grain}"]
    if table.natural_key:
        lines.append(f"- Natural key: {', '.join(table.natural_key)}")
    if made_from:
        lines.append(f"- Made from: {', '.join(sorted(made_from))}")
    if used_by:
        lines.append(f"- Goes to: {', '.join(sorted(used_by))}")
    tests = [_test(test) for test in table.tests]
    if tests:
        lines.append(f"- Tests of the table: {', '.join(tests)}")
    lines += ["", "| column | type | meaning | unit | PII | tests |", "| --- | --- | --- | --- | --- | --- |"]
    return lines + [_column(column) for column in table.columns]


def _column(column: Column) -> str:
    cells = (
        column.name,
        column.data_type,
        column.description,
        column.unit or "",
        "yes" if column.is_pii else "",
        ", ".join(_test(test) for test in column.tests),
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _test(test: Test) -> str:
    return f"`{test.test}`" + ("" if test.is_blocking else " (warn)")
