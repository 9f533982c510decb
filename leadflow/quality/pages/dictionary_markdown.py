"""The data dictionary as Markdown, for reading in the repository.

Belongs here: turning a Dictionary into Markdown and a Mermaid diagram, which code hosts draw. Does not belong here: what
it says (dictionary.py), and the page with a search (dictionary_page.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from leadflow.quality.contract.tables import Test
from leadflow.quality.pages.dictionary import (
    MART,
    ColumnEntry,
    Dictionary,
    TableEntry,
    by_table,
    words_of_test,
)
from leadflow.warehouse.models.column_lineage import Origin

_MOST_COLUMNS = 4  # of one table that are told one by one


def markdown_dictionary(dictionary: Dictionary) -> str:
    """The whole dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "",
        "Every table of the warehouse and the mart, made from the contracts in `dbt_like_sql/` and the SQL itself by "
        "`make docs`; [data_dictionary.html](data_dictionary.html) is the same with a search, to be opened in a browser. "
        "Columns marked PII are masked in the mart. A test marked (warn) is reported and does not block. A column comes "
        "from the columns that its expression names; conditions that only choose rows are not counted. Where SQL hands a "
        "column on as it is, it says (unchanged).",
        "",
        *_mermaid(dictionary),
        "",
        "| stage | tables |",
        "| --- | --- |",
        *(
            f"| {stage} | {', '.join(f'[{entry.table.name}](#{_anchor(entry.name)})' for entry in entries)} |"
            for stage, entries in dictionary.stages.items()
        ),
    ]
    if dictionary.problems:
        parts += ["", "## Lineage that could not be found", ""]
        parts += [f"- {entry.name}: {entry.problem}" for entry in dictionary.problems]
    for entry in dictionary.tables:
        parts += _table(entry)
    parts += [
        "",
        f"## {MART}",
        "",
        "The file marts.duckdb that BI tools open, replaced as a whole by publishing: "
        f"{_links(dictionary.published)}.",
    ]
    return "\n".join(parts) + "\n"


def _mermaid(dictionary: Dictionary) -> list[str]:
    lines = ["```mermaid", "flowchart LR"]
    for stage, entries in dictionary.stages.items():
        lines.append(f'    subgraph {stage}_stage ["{stage}"]')
        lines += [f'        {_node(entry.name)}["{entry.table.name}"]' for entry in entries]
        if stage == MART.split(".")[0]:
            lines.append(f'        {_node(MART)}[("marts.duckdb")]')
        lines.append("    end")
    for entry in dictionary.tables:
        lines += [f"    {_node(entry.name)} --> {_node(target)}" for target in entry.goes_to]
    return [*lines, "```"]


def _node(table: str) -> str:
    return table.replace(".", "__")


def _anchor(table: str) -> str:
    return table.replace(".", "").lower()


def _links(tables: Iterable[str]) -> str:
    return ", ".join(f"[{table}](#{_anchor(table)})" for table in tables)


def _table(entry: TableEntry) -> list[str]:
    table = entry.table
    lines = ["", f"## {entry.name}", "", table.description, "", f"- Grain: {table.grain}"]
    if table.natural_key:
        lines.append(f"- Natural key: {', '.join(table.natural_key)}")
    lines.append(f"- Made by: {entry.made.by}, [{entry.made.file}](../{entry.made.file})")
    if entry.comes_from:
        lines.append(f"- Comes from: {_links(entry.comes_from)}")
    if entry.goes_to:
        lines.append(f"- Goes to: {_links(entry.goes_to)}")
    if entry.whole_goes_to:
        lines.append(f"- As a whole, rows or all columns, goes to: {_columns(entry.whole_goes_to)}")
    if table.tests:
        lines.append(f"- Tests of the table: {', '.join(_test(test) for test in table.tests)}")
    lines += [
        "",
        "| column | type | unit | meaning | PII | tests | comes from | goes to |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return lines + [_column(column) for column in entry.columns]


def _column(entry: ColumnEntry) -> str:
    column = entry.column
    cells = (
        column.name,
        column.data_type,
        column.unit or "",
        column.description,
        "yes" if column.is_pii else "",
        ", ".join(_test(test) for test in column.tests),
        _origin(entry.origin),
        _columns(entry.goes_to),
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _origin(origin: Origin) -> str:
    parts = [_columns(origin.columns)] if origin.columns else []
    parts += [f"{table} as a whole" for table in origin.tables]
    return ", ".join(parts) + (" (unchanged)" if origin.is_unchanged else "")


def _columns(columns: Iterable[str]) -> str:
    return ", ".join(
        f"{table} ({len(names)} columns)"
        if len(names) > _MOST_COLUMNS
        else ", ".join(f"{table}.{name}" for name in names)
        for table, names in by_table(columns).items()
    )


def _test(test: Test) -> str:
    marks = [mark for mark, holds in _marks(test) if holds]
    return f"`{words_of_test(test)}`" + (f" ({', '.join(marks)})" if marks else "")


def _marks(test: Test) -> tuple[tuple[str, bool], ...]:
    return (("warn", not test.is_blocking), ("quarantine", test.on_fail == "quarantine"))
