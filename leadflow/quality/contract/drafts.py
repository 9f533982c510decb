"""Reading the tables and columns of one schema.yml, their tests still raw.

Belongs here: which keys a table and a column have, and refusing what is surely a mistake. Does not belong here: tests
(declared_tests.py), which may refer to tables of other files and so are read after all of these (quality/contracts.py).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from leadflow.config_files import Document, KeyPath
from leadflow.quality.contract.contract_reading import Problems
from leadflow.quality.contract.duckdb_types import FAMILIES, family_of
from leadflow.quality.contract.labels import read_group

# What leadflow reads; a key that is nearly one of these is a typing slip, any other is dbt's or a package's.
FILE_KEYS = (
    "version",
    "models",
    "sources",
    "macros",
    "seeds",
    "exposures",
    "metrics",
    "unit_tests",
    "groups",
    "data_tests",
)
SOURCE_KEYS = ("name", "schema", "description", "tables", "meta", "config", "tags", "database", "loader", "freshness",
               "loaded_at_field", "loaded_at_query", "overrides", "quoting", "owners", "group")  # fmt: skip
TABLE_KEYS = ("name", "description", "columns", "data_tests", "tests", "meta", "config", "docs", "tags", "identifier",
              "constraints", "latest_version", "versions", "access", "group", "freshness", "loaded_at_field",
              "loaded_at_query", "quoting", "external", "loader", "time_spine", "owners", "policy")  # fmt: skip
COLUMN_KEYS = ("name", "data_type", "description", "data_tests", "tests", "meta", "config", "docs", "tags", "quote",
               "constraints", "policy_tags", "granularity", "owners", "policy")  # fmt: skip
TABLE_META_KEYS = ("grain", "natural_key", "history_of")
COLUMN_META_KEYS = ("pii", "unit", "from")
_IS_DELETED = {
    "name": "is_deleted",
    "data_type": "boolean",
    "description": "Whether the version is a deletion: from known_at on there is no such row",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class DraftColumn:
    """A column as read: its place, its mapping, and what was taken from it."""

    at: KeyPath
    raw: dict[str, Any]
    name: str
    data_type: str
    unit: str | None
    is_pii: bool
    meta: dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """A table as read, its tests still raw: they may refer to tables of other files.

    `source_at` and `source_raw` are the place and mapping of the source it belongs to, where it belongs to one.
    """

    document: Document
    at: KeyPath
    raw: dict[str, Any]
    schema: str
    name: str
    dbt_name: str
    kind: Literal["model", "source"]
    source: str | None
    meta: dict[str, Any]
    columns: list[DraftColumn]
    source_at: KeyPath = ()
    source_raw: dict[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """schema.name."""
        return f"{self.schema}.{self.name}"

    @property
    def column_types(self) -> dict[str, str]:
        """Data type by lower-case column name."""
        return {column.name.lower(): column.data_type for column in self.columns}


@dataclass(frozen=True)
class TableReader:
    """Reads one document; what cannot be read goes to `problems`."""

    document: Document
    problems: Problems

    def refuse(self, at: KeyPath, problem: str, remedy: str) -> None:
        """Note a problem at a place of the document."""
        self.problems.add(self.document, at, problem, remedy)

    def tables(self, stage: str) -> list[Draft]:
        """Every table of the file."""
        data = self.document.data or {}
        if not isinstance(data, dict):
            self.refuse((), "is no mapping", "begin with `version: 2` and `models:` or `sources:`")
            return []
        if data.get("version", 2) != 2:
            self.refuse(("version",), f"is of version {data['version']!r}", "write `version: 2`")
        self.refuse_slips((), data, FILE_KEYS, "the file")
        drafts = []
        for at, raw in self.items(("models",), data.get("models")):
            drafts.append(self.table(at, raw, stage, "model", None))
        for source_at, source in self.items(("sources",), data.get("sources")):
            self.refuse_slips(source_at, source, SOURCE_KEYS, "the source")
            source_name = self.text(source_at, source, "name", "the source")
            tables = self.items((*source_at, "tables"), source.get("tables"))
            for at, raw in tables:
                if "columns" not in raw:
                    raw = self.with_columns_of_versions(at, raw, [other for _, other in tables])
                draft = self.table(at, raw, str(source.get("schema") or source_name), "source", source_name)
                drafts.append(replace(draft, source_at=source_at, source_raw=source))
        return [draft for draft in drafts if draft.name]

    def with_columns_of_versions(
        self, at: KeyPath, raw: dict[str, Any], tables: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """A table that keeps another's earlier versions, with that table's columns, untested, and `is_deleted`."""
        meta = raw.get("meta")
        versioned = meta.get("history_of") if isinstance(meta, dict) else None
        if versioned is None:
            return raw
        origin = next((other for other in tables if other.get("name") == versioned), None)
        if origin is None:
            self.refuse(
                (*at, "meta", "history_of"),
                f"{raw.get('name')} is the history of '{versioned}', which the source does not have",
                "name a table that stands beside it",
            )
            return raw
        untested = [
            {key: value for key, value in column.items() if key not in ("data_tests", "tests")}
            for column in origin.get("columns") or []
            if isinstance(column, dict)
        ]
        return raw | {"columns": [*untested, _IS_DELETED]}

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Owners by group, of the groups that the file declares."""
        data = self.document.data if isinstance(self.document.data, dict) else {}
        found = {}
        for at, raw in self.items(("groups",), data.get("groups")):
            group = read_group(raw, partial(self.refuse, at))
            if group is not None:
                found[group[0]] = group[1]
        return found

    def table(
        self,
        at: KeyPath,
        raw: dict[str, Any],
        schema: str,
        kind: Literal["model", "source"],
        source: str | None,
    ) -> Draft:
        """One table; `source` is the dbt source it belongs to."""
        dbt_name = self.text(at, raw, "name", "the table")
        called = f"{schema}.{raw.get('identifier') or dbt_name}"
        self.refuse_slips(at, raw, TABLE_KEYS, called)
        self.text(at, raw, "description", called)
        meta = self.meta(at, raw, TABLE_META_KEYS, called)
        has_grain = isinstance(meta.get("grain"), str) and bool(meta["grain"].strip())
        if not has_grain and not _has_slip(meta, "grain"):
            self.refuse(at, f"{called} has no grain", "add `meta: {grain: one row per ...}`")
        for part in called.split("."):
            if part and not _NAME.fullmatch(part):
                self.refuse(at, f"{called} is no table name", "use letters, digits and underscores")
        columns: list[DraftColumn] = []
        for column_at, raw_column in self.items((*at, "columns"), raw.get("columns")):
            column = self.column(column_at, raw_column, called)
            if any(column.name.lower() == other.name.lower() for other in columns):
                self.refuse(column_at, f"{called} has the column {column.name} twice", "remove one")
            elif column.name:
                columns.append(column)
        if not columns:
            self.refuse(at, f"{called} has no columns", "describe them under `columns:`")
        key = meta.get("natural_key", [])
        if not (isinstance(key, list) and all(isinstance(name, str) for name in key)):
            self.refuse(
                at, f"{called} has a natural_key that is no list of columns", "write `natural_key: [column]`"
            )
            meta = meta | {"natural_key": []}
        for name in meta.get("natural_key", []):
            if name.lower() not in {column.name.lower() for column in columns}:
                self.refuse(
                    at, f"{called} has the natural_key '{name}', which is no column of it", "mend the name"
                )
        name = str(raw.get("identifier") or dbt_name)
        return Draft(self.document, at, raw, schema, name, dbt_name, kind, source, meta, columns)

    def column(self, at: KeyPath, raw: dict[str, Any], table: str) -> DraftColumn:
        """One column of `table`."""
        name = self.text(at, raw, "name", f"a column of {table}")
        called = f"{table}.{name}"
        self.refuse_slips(at, raw, COLUMN_KEYS, called)
        self.text(at, raw, "description", called)
        data_type = self.text(at, raw, "data_type", called)
        if data_type and family_of(data_type) is None:
            near = difflib.get_close_matches(data_type.lower(), FAMILIES, n=1)
            self.refuse(at, f"{called} has the data_type '{data_type}', which DuckDB does not know",
                        f"write '{near[0]}'" if near else "write a type of DuckDB's")  # fmt: skip
        meta = self.meta(at, raw, COLUMN_META_KEYS, called)
        if not isinstance(meta.get("pii", False), bool):
            self.refuse(at, f"{called} has `pii: {meta['pii']}`", "write true or false")
        if not isinstance(meta.get("unit"), str | None):
            self.refuse(at, f"{called} has the unit {meta['unit']!r}, which is no text", "put it in quotes")
        return DraftColumn(at, raw, name, data_type, meta.get("unit"), meta.get("pii") is True, meta)

    def items(self, at: KeyPath, raw: Any) -> list[tuple[KeyPath, dict[str, Any]]]:
        """The mappings of a list, each with its place."""
        if raw is None:
            return []
        if not isinstance(raw, list):
            self.refuse(at, f"{at[-1]} is no list", "begin each item with a dash")
            return []
        for index, item in enumerate(raw):
            if not isinstance(item, dict):
                self.refuse(
                    (*at, index), f"{at[-1]} holds an item that is no mapping", "write `name: value` lines"
                )
        return [((*at, index), item) for index, item in enumerate(raw) if isinstance(item, dict)]

    def text(self, at: KeyPath, raw: dict[str, Any], key: str, called: str) -> str:
        """The text under `key`, which has to be there."""
        value = raw.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is None or value == "":
            if _has_slip(raw, key):
                return ""
            self.refuse(at, f"{called} has no {key}", f"add `{key}:`")
        else:
            self.refuse((*at, key), f"{called} has the {key} {value!r}, which is no text", "put it in quotes")
        return ""

    def meta(self, at: KeyPath, raw: dict[str, Any], keys: tuple[str, ...], called: str) -> dict[str, Any]:
        """`meta:` from beside and below `config:`."""
        config = raw.get("config")
        below = config.get("meta") if isinstance(config, dict) else None
        merged: dict[str, Any] = {}
        for part_at, part in (((*at, "meta"), raw.get("meta")), ((*at, "config", "meta"), below)):
            if isinstance(part, dict):
                merged |= part
                self.refuse_slips(part_at, part, keys, f"meta of {called}")
            elif part is not None:
                self.refuse(part_at, f"{called} has a meta that is no mapping", "write `meta: {name: value}`")
        return merged

    def refuse_slips(self, at: KeyPath, raw: dict[str, Any], keys: tuple[str, ...], called: str) -> None:
        """Refuse a key that is nearly, but not quite, one that is read."""
        for key in raw:
            near = difflib.get_close_matches(str(key), keys, n=1, cutoff=0.8) if key not in keys else []
            if near and near[0] not in raw:
                self.refuse((*at, key), f"{called} has the unknown key '{key}'", f"write '{near[0]}'")


def _has_slip(raw: dict[str, Any], key: str) -> bool:
    """Whether a key is missing because it is misspelled, which is refused already."""
    return key not in raw and bool(
        difflib.get_close_matches(key, [str(each) for each in raw], n=1, cutoff=0.8)
    )
