"""Freshness of sources: `freshness:` and `loaded_at_field:` of a Python-made table, read into a test.

Belongs here: dbt's keys for it, at the source or the table, beside or below `config:`, the nearer one going before. Does
not belong here: how the age is measured (checking/freshness.py).

The age is measured at the refresh's as_of, leadflow's one clock, and not at the wall clock as `dbt source freshness`
does: a data set of the past is as fresh as it was at its moment, and a refresh gives the same answer twice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadflow.config_files import KeyPath
from leadflow.quality.checking.freshness import SOURCE_FRESHNESS
from leadflow.quality.contract.contract_reading import Problems
from leadflow.quality.contract.drafts import Draft
from leadflow.quality.contract.tables import Test

KEYS = ("warn_after", "error_after", "filter")
PERIODS = ("minute", "hour", "day")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class _Place:
    """A mapping that may hold the keys, and where it stands."""

    at: KeyPath
    raw: Mapping[str, Any]


def read_freshness(draft: Draft, problems: Problems) -> Test | None:
    """The freshness test of a table, or None where none is declared or it is wrong."""
    if draft.kind == "model":  # dbt's freshness of a model says when to build it
        return None
    reader = _Reader(draft, problems)
    before = len(problems.found)
    declared, at = reader.declared()
    if not declared:
        return None
    warn_after = reader.period(at, declared, "warn_after")
    error_after = reader.period(at, declared, "error_after")
    condition = declared.get("filter")
    if condition is not None and not (isinstance(condition, str) and condition.strip()):
        reader.refuse(at, "has a freshness filter that is no SQL condition", "write it as text")
    loaded_at = reader.loaded_at(at)
    if len(problems.found) > before or not (warn_after or error_after):
        return None
    is_column = _PLAIN_NAME.fullmatch(loaded_at) is not None
    given = {
        "loaded_at": None if is_column else loaded_at,
        "warn_after": warn_after,
        "error_after": error_after,
        "filter": condition,
    }
    return Test(
        check_name=SOURCE_FRESHNESS,
        test=SOURCE_FRESHNESS,
        column=loaded_at if is_column else None,
        arguments={name: value for name, value in given.items() if value is not None},
        severity="error" if error_after else "warn",
        where=None,
        file=draft.document.path,
        line=draft.document.line(*at),
        description="How old the newest row is at the refresh's moment, as_of.",
    )


@dataclass(frozen=True)
class _Reader:
    draft: Draft
    problems: Problems

    def places(self) -> list[_Place]:
        """Where the keys may stand, the nearest last."""
        found = []
        for at, raw in ((self.draft.source_at, self.draft.source_raw), (self.draft.at, self.draft.raw)):
            found.append(_Place(at, raw))
            if isinstance(raw.get("config"), dict):
                found.append(_Place((*at, "config"), raw["config"]))
        return found

    def declared(self) -> tuple[dict[str, Any], KeyPath]:
        """The thresholds in force, and where the nearest of them stands; `freshness: null` switches it off."""
        declared: dict[str, Any] = {}
        at = self.draft.at
        for place in self.places():
            if "freshness" not in place.raw:
                continue
            freshness = place.raw["freshness"]
            at = (*place.at, "freshness")
            if freshness is None:
                declared = {}
            elif not isinstance(freshness, dict):
                self.refuse(at, "has a freshness that is no mapping",
                            "write `freshness: {warn_after: {count: 12, period: hour}}`")  # fmt: skip
            else:
                self.refuse_slips(at, freshness)
                for key in KEYS & freshness.keys():
                    is_merged = isinstance(declared.get(key), dict) and isinstance(freshness[key], dict)
                    declared[key] = (declared[key] | freshness[key]) if is_merged else freshness[key]
        return declared, at

    def refuse_slips(self, at: KeyPath, freshness: Mapping[str, Any]) -> None:
        for key in freshness:
            if key not in KEYS:
                near = difflib.get_close_matches(str(key), KEYS, n=1)
                self.refuse((*at, key), f"has the unknown freshness key '{key}'",
                            f"write '{near[0]}'" if near else f"it takes {', '.join(KEYS)}")  # fmt: skip

    def period(self, at: KeyPath, declared: Mapping[str, Any], key: str) -> str | None:
        """`{count: 12, period: hour}` as '12 hour', which DuckDB reads as an interval."""
        raw = declared.get(key)
        if raw is None or raw == {}:
            return None
        count = raw.get("count") if isinstance(raw, dict) else None
        period = raw.get("period") if isinstance(raw, dict) else None
        is_count = isinstance(count, int) and not isinstance(count, bool) and count > 0
        if not is_count or period not in PERIODS:
            self.refuse(at, f"has the {key} {raw!r}",
                        f"write `{key}: {{count: 12, period: hour}}`, by {' or '.join(PERIODS)}")  # fmt: skip
            return None
        return f"{count} {period}"

    def loaded_at(self, at: KeyPath) -> str:
        """The column, or SQL expression, that says when a row was loaded."""
        named = None
        for place in self.places():
            if place.raw.get("loaded_at_query") is not None:
                self.refuse((*place.at, "loaded_at_query"), "has a loaded_at_query, which leadflow does not run",
                            "name the column in `loaded_at_field`, and a condition in the freshness' `filter`")  # fmt: skip
            if place.raw.get("loaded_at_field") is not None:
                named = place.raw["loaded_at_field"]
        if not (isinstance(named, str) and named.strip()):
            self.refuse(
                at, "has a freshness and no loaded_at_field", "name the column that says when a row came"
            )
            return ""
        own = self.draft.column_types
        if _PLAIN_NAME.fullmatch(named) and named.lower() not in own:
            near = difflib.get_close_matches(named.lower(), own, n=1)
            self.refuse(at, f"has the loaded_at_field '{named}', which is no column of it",
                        f"write '{near[0]}'" if near else "mend the name")  # fmt: skip
        return named.strip()

    def refuse(self, at: KeyPath, problem: str, remedy: str) -> None:
        self.problems.add(self.draft.document, at, f"{self.draft.full_name} {problem}", remedy)
