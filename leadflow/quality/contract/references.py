"""ref() and source() among the arguments of a test.

Belongs here: finding the table that is meant, and refusing one that is not there. Does not belong here: the same calls in
SQL files, which are rendered (warehouse/models/jinja.py).
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from leadflow.quality.contract.contract_reading import Names
from leadflow.quality.contract.labels import Refuse
from leadflow.quality.sql_text import relation

_REFERENCE = re.compile(
    r"(?:\{\{\s*)?(?:ref\(\s*['\"](?P<model>[^'\"]+)['\"]\s*\)"
    r"|source\(\s*['\"](?P<source>[^'\"]+)['\"]\s*,\s*['\"](?P<table>[^'\"]+)['\"]\s*\))(?:\s*\}\})?"
)
_REFERENCE_IN_SQL = re.compile(r"\{\{[^{}]*\}\}")


def is_reference(text: str) -> bool:
    """Whether the text as a whole is a ref() or source(), with or without braces."""
    return _REFERENCE.fullmatch(text.strip()) is not None


def resolved(value: Any, names: Names, refuse: Refuse, reads: list[str]) -> Any:
    """The value: a ref() or source() as schema.name, and within SQL as the quoted table; any other as it is.

    Args:
        value: an argument's value.
        names: what there is.
        refuse: notes a reference to what is not there.
        reads: gets the tables that are referred to.
    """
    if not isinstance(value, str):
        return value
    match = _REFERENCE.fullmatch(value.strip())
    if match is not None:
        table = _table(value, match, names, refuse)
        if table is None:
            return value
        reads.append(table)
        return table

    def replaced(found: re.Match[str]) -> str:
        inner = _REFERENCE.fullmatch(found[0])
        table = _table(found[0], inner, names, refuse) if inner is not None else None
        if table is None:
            return found[0]
        reads.append(table)
        return relation(table)

    return _REFERENCE_IN_SQL.sub(replaced, value)


def _table(value: str, match: re.Match[str], names: Names, refuse: Refuse) -> str | None:
    """The table, as schema.name, that a reference means, or None where it means none."""
    if match["model"]:
        found, candidates = names.models.get(match["model"]), list(names.models)
    else:
        found = names.sources.get((match["source"], match["table"]))
        candidates = [f"{source}.{table}" for source, table in names.sources]
    if found is None:
        wanted = match["model"] or f"{match['source']}.{match['table']}"
        near = difflib.get_close_matches(wanted, candidates, n=1)
        made_by_python = [pair for pair in names.sources if match["model"] == pair[1]]
        remedy = (
            f"write source('{made_by_python[0][0]}', '{match['model']}'), as Python makes it"
            if made_by_python
            else f"write {near[0]}" if near else "give the table a contract"
        )  # fmt: skip
        refuse(f"{value}, which no contract describes", remedy)
    return found
