"""What a contract says a Python-made column is computed from: `meta: {from: [schema.table.column, ...]}`.

Belongs here: holding what is said against the tables there are. Does not belong here: reading the columns (drafts.py),
and what SQL says of itself (warehouse/models/column_lineage.py).

`schema.table.*` stands for the table as a whole: every column of it is read, or its rows are counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from leadflow.config_files import KeyPath
from leadflow.quality.contract.contract_reading import Problems
from leadflow.quality.contract.drafts import Draft, DraftColumn

KEY = "from"
WHOLE_TABLE = "*"


def refuse_unknown_sources(drafts: Sequence[Draft], problems: Problems) -> None:
    """Note every `from` that names no column of a contract, or stands where SQL says it already."""
    columns = {draft.full_name: {column.name for column in draft.columns} for draft in drafts}
    for draft in drafts:
        for column in draft.columns:
            if KEY in column.meta:
                _refuse_unknown(draft, column, columns, problems)


def _refuse_unknown(
    draft: Draft, column: DraftColumn, columns: Mapping[str, set[str]], problems: Problems
) -> None:
    called, at, said = f"{draft.full_name}.{column.name}", _place(column), column.meta[KEY]
    if draft.kind == "model":
        problems.add(draft.document, at, f"{called} says what it is made `from`, which its SQL says already",
                     "leave it out; the lineage of a SQL model is read off its SQL")  # fmt: skip
        return
    if not (isinstance(said, list) and all(isinstance(name, str) for name in said)):
        problems.add(draft.document, at, f"{called} has a `from` that is no list of columns",
                     "write `from: [schema.table.column]`")  # fmt: skip
        return
    for index, name in enumerate(said):
        table, _, wanted = name.rpartition(".")
        if table in columns and wanted in {*columns[table], WHOLE_TABLE}:
            continue
        known = [f"{table}.{own}" for own in columns[table]] if table in columns else sorted(columns)
        near = difflib.get_close_matches(name if table in columns else table, known, n=1)
        what = "no column of a contract"
        remedy = f"write '{near[0]}{'' if table in columns else '.' + wanted}'" if near else "mend the name"
        problems.add(draft.document, (*at, index), f"{called} is made from '{name}', which is {what}", remedy)


def _place(column: DraftColumn) -> KeyPath:
    meta = column.raw.get("meta")
    is_beside = isinstance(meta, dict) and KEY in meta
    return (*column.at, "meta", KEY) if is_beside else (*column.at, "config", "meta", KEY)
