"""Column lineage kept from refresh to refresh: it hangs on a model's SQL alone, and sqlglot takes seconds to find it for all.

Belongs here: remembering what query_lineage.py found, in this process and in a folder. Does not belong here: finding it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from leadflow.warehouse.models.column_lineage import Origin

_SEEN_HERE: dict[str, dict[str, Origin]] = {}


def remembered_origins(
    sql: str, columns: Mapping[str, Mapping[str, str]], file: Path | None
) -> dict[str, Origin]:
    """What `query_origins` finds, found anew only where the SQL, the columns it reads or the way of finding changed.

    Args:
        sql, columns: as `query_origins` takes them.
        file: where it is kept, or None for this process alone.

    Raises:
        LineageError: a column cannot be traced; that is not kept.
    """
    key = hashlib.sha256(json.dumps([_way(), sql, columns]).encode()).hexdigest()
    if key not in _SEEN_HERE:
        _SEEN_HERE[key] = _kept(file, key) or _found(sql, columns, file, key)
    return _SEEN_HERE[key]


def _found(
    sql: str, columns: Mapping[str, Mapping[str, str]], file: Path | None, key: str
) -> dict[str, Origin]:
    from leadflow.warehouse.models.query_lineage import query_origins

    origins = query_origins(sql, columns)
    if file is not None:
        content = {"key": key, "origins": {name: asdict(origin) for name, origin in origins.items()}}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            staged = file.with_suffix(f".{os.getpid()}.tmp")
            staged.write_text(json.dumps(content), encoding="utf-8")
            staged.replace(file)
        except OSError:
            return origins  # the home may be read-only for whoever only looks at it
    return origins


def _kept(file: Path | None, key: str) -> dict[str, Origin] | None:
    if file is None:
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["key"] != key:
            return None
        return {
            name: Origin(tuple(told["columns"]), tuple(told["tables"]), told["is_unchanged"])
            for name, told in content["origins"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # a file that is missing or torn only costs the search


@cache
def _way() -> str:
    """Changes with what lineage is found by."""
    code = Path(__file__).with_name("query_lineage.py").read_bytes()
    return f"{version('sqlglot')} {hashlib.sha256(code).hexdigest()}"
