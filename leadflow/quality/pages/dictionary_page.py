"""The data dictionary as one HTML page that needs nothing beside itself.

Belongs here: what the page shows of a Dictionary. Does not belong here: what it says (dictionary.py), where the boxes of
the diagram lie (table_diagram.py) and how it looks (templates/data_dictionary.html, .css and .js).

The page reads without its script, which adds the search and the highlighting. Its content security policy lets nothing
load, and nothing run but the one script that this module put into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadflow.quality.contract.tables import Test
from leadflow.quality.pages.dictionary import (
    MART,
    ColumnEntry,
    Dictionary,
    TableEntry,
    by_table,
    words_of_test,
)
from leadflow.quality.pages.inline_page import part, policy_hash, template
from leadflow.quality.pages.table_diagram import BOX_HEIGHT, lay_out

_MOST_COLUMNS = 3  # of one table that stand in the open; more are folded away


def page_dictionary(dictionary: Dictionary) -> str:
    """The page as HTML."""
    from markupsafe import Markup

    # Squeezed before they are hashed, since the whole page is squeezed in the end.
    style = _squeezed(part("data_dictionary.css"))
    script = _squeezed(part("data_dictionary.js"))
    text = template("data_dictionary.html").render(
        stages=[
            {"name": stage, "tables": [_table(entry) for entry in entries]}
            for stage, entries in dictionary.stages.items()
        ],
        problems=[{"name": entry.name, "reason": entry.problem} for entry in dictionary.problems],
        mart={"name": MART, "tables": dictionary.published},
        counts={
            "tables": len(dictionary.tables),
            "columns": sum(len(entry.columns) for entry in dictionary.tables),
        },
        diagram=_diagram(dictionary),
        style=Markup(style),
        script=Markup(script),
        style_hash=policy_hash(style),
        script_hash=policy_hash(script),
    )
    return _squeezed(text) + "\n"


def _squeezed(text: str) -> str:
    """The text without indentation and empty lines, a third of a page of many small rows."""
    return "\n".join(line for line in map(str.strip, text.splitlines()) if line)


def _table(entry: TableEntry) -> Mapping[str, Any]:
    table = entry.table
    return {
        "name": entry.name,
        "label": table.name,
        "schema": table.schema,
        "description": table.description,
        "grain": table.grain,
        "natural_key": ", ".join(table.natural_key),
        "made": entry.made,
        "comes_from": entry.comes_from,
        "goes_to": entry.goes_to,
        "whole_goes_to": _groups(entry.whole_goes_to),
        "tests": [_test(test) for test in table.tests],
        "is_published": entry.is_published,
        "problem": entry.problem,
        "columns": [_column(entry.name, column) for column in entry.columns],
    }


def _column(table: str, entry: ColumnEntry) -> Mapping[str, Any]:
    column, origin = entry.column, entry.origin
    return {
        "id": f"{table}.{column.name}",
        "name": column.name,
        "data_type": column.data_type,
        "unit": column.unit,
        "description": column.description,
        "is_pii": column.is_pii,
        "tests": [_test(test) for test in column.tests],
        "comes_from": _groups(origin.columns),
        "tables": origin.tables,
        "is_unchanged": origin.is_unchanged,
        "goes_to": _groups(entry.goes_to),
    }


def _groups(columns: Iterable[str]) -> list[Mapping[str, Any]]:
    return [
        {"table": table, "columns": names, "is_folded": len(names) > _MOST_COLUMNS}
        for table, names in by_table(columns).items()
    ]


def _test(test: Test) -> Mapping[str, Any]:
    return {
        "told": words_of_test(test),
        "is_blocking": test.is_blocking,
        "is_quarantine": test.on_fail == "quarantine",
    }


def _diagram(dictionary: Dictionary) -> Mapping[str, Any]:
    stages = {stage: [entry.name for entry in entries] for stage, entries in dictionary.stages.items()}
    stages.setdefault(MART.split(".")[0], []).append(MART)
    labels = {entry.name: entry.table.name for entry in dictionary.tables} | {MART: "marts.duckdb"}
    made_by = {entry.name: entry.made.by for entry in dictionary.tables}
    edges = [(entry.name, target) for entry in dictionary.tables for target in entry.goes_to]
    return {
        "drawn": lay_out(stages, edges, labels),
        "box_height": BOX_HEIGHT,
        "made_by": made_by,
    }
