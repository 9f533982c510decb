"""Where in a JSON answer a value stands.

Belongs here: following a path. Does not belong here: what the value means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def value_at(record: object, path: str) -> Any:
    """The value at a path such as `a.b` (a number chooses from a list), or None where there is none."""
    for key in path.split("."):
        if isinstance(record, Mapping):
            record = record.get(key)
        elif isinstance(record, list) and key.isdigit() and int(key) < len(record):
            record = record[int(key)]
        else:
            return None
    return record


def values_at(record: object, path: str) -> Any:
    """As `value_at`; a `*` in the path stands for every item of a list, and then the values found are a list.

    `technologies.*.name` gives all names, `tags` the list itself. Items without the rest of the path are left out.
    """
    before, star, rest = path.partition("*")
    if not star:
        return value_at(record, path)
    items = value_at(record, before.rstrip(".")) if before else record
    if not isinstance(items, list):
        return None
    rest = rest.lstrip(".")
    found = [values_at(item, rest) if rest else item for item in items]
    return [value for value in found if value is not None]
