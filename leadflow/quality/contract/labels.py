"""Tags and owners: what a contract says of whom and what a table, column or test concerns.

Belongs here: the forms dbt gives them in schema.yml (`tags:`, `meta: {owner: ...}`, `group:` and `groups:`), beside and
below `config:`. Does not belong here: how Dagster wants them (warehouse/table_assets.py).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Refuse = Callable[[str, str], None]
"""Notes a problem and its remedy at a place that the caller knows."""


@dataclass(frozen=True)
class Labels:
    """Tags, and owners as written: e-mail addresses or names of people and teams, each once, in the given order."""

    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    def joined(self, more: Labels) -> Labels:
        """These tags and those, as dbt adds them up; the owners are the nearest ones: those, or else these."""
        return Labels(unique([*self.tags, *more.tags]), more.owners or self.owners)


NO_LABELS = Labels()


def read_labels(raw: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]], refuse: Refuse) -> Labels:
    """The labels of a table, column, source or test.

    Args:
        raw: its mapping in schema.yml; `config:` below it is read too.
        groups: owners by group.
        refuse: notes what is wrong.
    """
    config = raw.get("config")
    places = [raw, config] if isinstance(config, dict) else [raw]
    tags: list[str] = []
    owners: list[str] = []
    for place in places:
        tags += _texts(place.get("tags"), "tags", refuse)
        owners += _texts(place.get("owners"), "owners", refuse)
        meta = place.get("meta")
        if isinstance(meta, dict):  # one that is not is refused by whoever reads the rest of it
            owners += _texts(meta.get("owner"), "owner", refuse) + _texts(
                meta.get("owners"), "owners", refuse
            )
    for place in places:
        group = place.get("group")
        if isinstance(group, str) and group in groups:
            owners += groups[group]
        elif group is not None:
            near = difflib.get_close_matches(str(group), groups, n=1)
            refuse(f"is of the group {group!r}, which is not declared",
                   f"write '{near[0]}'" if near else "declare it under `groups:` with its owner")  # fmt: skip
    return Labels(unique(tags), unique(owners))


def read_group(raw: Mapping[str, Any], refuse: Refuse) -> tuple[str, tuple[str, ...]] | None:
    """Name and owners of one item of `groups:`, or None where it is wrong.

    The owners are the addresses where dbt's `owner:` has any, else its name.
    """
    name, owner = raw.get("name"), raw.get("owner")
    if not (isinstance(name, str) and name.strip()):
        refuse("holds a group without a name", "add `name:`")
        return None
    told = owner if isinstance(owner, dict) else {}
    owners = _texts(told.get("email"), "email", refuse) or _texts(told.get("name"), "name", refuse)
    if not owners:
        refuse(f"holds the group {name} without an owner", "add `owner: {name: ..., email: ...}`")
        return None
    return name, unique(owners)


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once, in the order of its first place."""
    return tuple(dict.fromkeys(texts))


def _texts(raw: Any, key: str, refuse: Refuse) -> list[str]:
    """A text or a list of them as a list."""
    given = raw if isinstance(raw, list) else [] if raw is None else [raw]
    if not all(isinstance(one, str) and one.strip() for one in given):
        refuse(f"has the {key} {raw!r}, which is neither a text nor a list of texts", "put each in quotes")
        return []
    return [one.strip() for one in given]
