"""JSON schema of a schema.yml, by which editors complete and check it: dbt's vocabulary and leadflow's own.

Belongs here: the file, its tables and their columns. Does not belong here: one entry of `data_tests:` (entry_schema.py),
and reading the file (contract/drafts.py, contract/declared_tests.py), whose keys are taken from there.

The schema refuses what can be seen in one file alone, and never what the loader takes. Whether a table, column or group
that is referred to is there, and whether names are taken twice, is left to the loader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leadflow.quality.checking.supported_tests import SupportedTest
from leadflow.quality.contract import drafts
from leadflow.quality.contract.declared_freshness import KEYS as FRESHNESS_KEYS
from leadflow.quality.contract.declared_freshness import PERIODS
from leadflow.quality.contract.duckdb_types import FAMILIES
from leadflow.quality.editor_schemas.entry_schema import entry_definitions
from leadflow.quality.editor_schemas.schema_parts import (
    DRAFT,
    Schema,
    any_letter_case,
    listed,
    mapping,
    no_slips_of_missing,
    text,
    texts,
)

_NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
_COMMON_TYPES = ("varchar", "bigint", "integer", "double", "boolean", "date", "timestamp", "decimal(18, 2)")


def contract_schema(tests: Iterable[SupportedTest], unit_test: Schema) -> Schema:
    """The schema.

    Args:
        tests: every test that an entry may name.
        unit_test: schema of one item of `unit_tests:`; its own definitions are below `definitions`.
    """
    unit_test = dict(unit_test)
    definitions = {
        **entry_definitions(tests),
        **unit_test.pop("definitions", {}),
        "unit_test": unit_test,
        "column": _column(),
        "model": _table("A table that a SQL model of this folder makes.", is_source=False),
        "source_table": _table("A table that Python makes.", is_source=True),
        "source": _source(),
        "freshness": _freshness(),
        "no_slips_of_a_table": {"allOf": no_slips_of_missing(drafts.TABLE_KEYS)},
    }
    known: dict[str, Schema] = {
        "version": {"const": 2, "description": "Version of dbt's vocabulary."},
        "models": listed({"$ref": "#/definitions/model"}, "Tables made by the SQL models of this folder."),
        "sources": listed({"$ref": "#/definitions/source"}, "Tables made by Python, by stage."),
        "data_tests": listed(_described_query(), "What the queries in tests/ promise."),
        "unit_tests": listed(
            {"$ref": "#/definitions/unit_test"}, "Models held to their outcome on given rows."
        ),
        "groups": listed(_group(), "Owners by group; a table or test belongs to one by `group:`."),
    }
    return {
        "$schema": DRAFT,
        "title": "Contracts of leadflow's tables (schema.yml, in dbt's vocabulary)",
        "type": ["object", "null"],
        "properties": _with_the_others(known, drafts.FILE_KEYS),
        "allOf": no_slips_of_missing(drafts.FILE_KEYS),
        "definitions": dict(sorted(definitions.items())),
    }


def _with_the_others(known: Mapping[str, Schema], keys: Sequence[str]) -> dict[str, Schema]:
    """Properties of every key that the loader knows of; of the rest it only knows that they are dbt's."""
    others = {key: {"description": "dbt's; leadflow passes it over."} for key in keys if key not in known}
    return {**known, **others}


def _labels() -> dict[str, Schema]:
    return {
        "tags": texts("Tags in the Dagster UI."),
        "owners": texts("E-mail addresses or names of those who answer for it."),
        "group": {
            "type": ["string", "null"],
            "description": "A group of `groups:`, whose owner it then has.",
        },
    }


def _with_config(properties: Mapping[str, Schema], meta: Schema, more: Mapping[str, Schema]) -> Schema:
    """`meta`, labels and the like may stand beside the name or below `config:`; any other config is dbt's."""
    below = {**_labels(), "meta": meta, **more}
    return {**properties, "meta": meta, **_labels(), **more, "config": {"properties": below}}


def _table(described: str, *, is_source: bool) -> Schema:
    grain = text("What one row is: one row per ...")
    meta = mapping(
        {
            "grain": grain,
            "natural_key": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Columns that identify a row.",
            },
            **(
                {
                    "history_of": text(
                        "Table beside it whose replaced versions this one keeps, with its columns."
                    )
                }
                if is_source
                else {}
            ),
            "owner": texts("Who answers for it."),
            "owners": texts("Who answers for it."),
        },
        "What leadflow reads beside dbt's keys.",
        may_be_null=True,
    ) | {"allOf": no_slips_of_missing(drafts.TABLE_META_KEYS)}
    has_grain: Schema = {"required": ["meta"], "properties": {"meta": {"required": ["grain"]}}}
    is_history: Schema = {"required": ["meta"], "properties": {"meta": {"required": ["history_of"]}}}
    known = {
        "name": text("Name of the table.", **({} if is_source else {"pattern": _NAME})),
        "description": text("What the table holds."),
        "columns": listed(
            {"$ref": "#/definitions/column"},
            "Every column, in order; the table has to have exactly these.",
            may_be_null=False,
            at_least=1,
        ),
        "data_tests": {"$ref": "#/definitions/table_tests"},
        "tests": {"$ref": "#/definitions/table_tests"},
    }
    if is_source:
        known["identifier"] = {"description": "Name of the table in DuckDB, where it is not `name`."}
    properties = _with_config(known, meta, _freshness_keys() if is_source else {})
    return mapping(
        _with_the_others(properties, drafts.TABLE_KEYS),
        described,
        required=("name", "description") if is_source else ("name", "description", "columns"),
    ) | {
        "allOf": [
            *([{"anyOf": [{"required": ["columns"]}, is_history]}] if is_source else []),
            {"anyOf": [has_grain, {"required": ["config"], "properties": {"config": has_grain}}]},
            {"$ref": "#/definitions/no_slips_of_a_table"},
        ]
    }


def _column() -> Schema:
    meta = mapping(
        {
            "pii": {
                "type": "boolean",
                "default": False,
                "description": "Personal data: masked in samples and, unless the policy says otherwise, in the mart.",
            },
            "unit": {"type": ["string", "null"], "description": "Unit of the values, such as seconds."},
            "from": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Of a column that Python makes: what it is computed from, as stage.table.column or "
                "stage.table.* for the table as a whole.",
            },
            "owner": texts("Who answers for it."),
            "owners": texts("Who answers for it."),
        },
        "What leadflow reads beside dbt's keys.",
        may_be_null=True,
    ) | {"allOf": no_slips_of_missing(drafts.COLUMN_META_KEYS)}
    known = {
        "name": text("Name of the column."),
        "data_type": _data_type(),
        "description": text("What the column means."),
        "data_tests": {"$ref": "#/definitions/column_tests"},
        "tests": {"$ref": "#/definitions/column_tests"},
    }
    return mapping(
        _with_the_others(_with_config(known, meta, {}), drafts.COLUMN_KEYS),
        required=("name", "data_type", "description"),
    ) | {"allOf": no_slips_of_missing(drafts.COLUMN_KEYS)}


def _data_type() -> Schema:
    names = "|".join(any_letter_case(name) for name in sorted(FAMILIES))
    return {
        "description": "DuckDB's type of the column.",
        "anyOf": [
            {"enum": list(_COMMON_TYPES)},
            {"type": "string", "pattern": rf"^\s*(?:{names})\s*(?:\([\s\S]*\))?\s*(?:\[\d*\])*\s*$"},
        ],
    }


def _source() -> Schema:
    known = {
        "name": text("Name of the source, which is the stage."),
        "schema": {"description": "Schema in DuckDB, where it is not `name`."},
        "description": {"description": "What the stage's tables hold."},
        "tables": listed({"$ref": "#/definitions/source_table"}, "The tables."),
    }
    properties = _with_config(known, mapping({}, may_be_null=True) | {"type": True}, _freshness_keys())
    properties["meta"] = {
        "description": "Free metadata; `owner` and `owners` say who answers for its tables."
    }
    properties["config"]["properties"].pop("meta")
    return mapping(_with_the_others(properties, drafts.SOURCE_KEYS), required=("name",)) | {
        "allOf": no_slips_of_missing(drafts.SOURCE_KEYS)
    }


def _freshness_keys() -> dict[str, Schema]:
    return {
        "freshness": {"$ref": "#/definitions/freshness"},
        "loaded_at_field": {
            "description": "Column, or SQL expression, that says when a row was loaded; freshness is told by it."
        },
    }


def _freshness() -> Schema:
    period = mapping(
        {
            "count": {"type": "integer", "minimum": 1},
            "period": {"enum": list(PERIODS)},
        },
        "How old the newest row may be at the refresh's moment.",
        may_be_null=True,
    )
    properties: dict[str, Any] = {
        "warn_after": period,
        "error_after": period,
        "filter": {"type": ["string", "null"], "description": "SQL condition of the rows that count."},
    }
    assert properties.keys() == set(FRESHNESS_KEYS)
    return mapping(properties, "Checked at as_of, not at the wall clock.", is_open=False, may_be_null=True)


def _group() -> Schema:
    owner = mapping({"name": texts(), "email": texts("Goes before the name.")}) | {
        "anyOf": [{"required": ["name"]}, {"required": ["email"]}]
    }
    return mapping({"name": text(), "owner": owner}, required=("name", "owner"))


def _described_query() -> Schema:
    return mapping(
        {
            "name": {"type": "string", "description": "Name of the file in tests/, without .sql."},
            "description": {"description": "What the query promises to find no row of."},
            "config": {"$ref": "#/definitions/config"},
        },
        required=("name",),
    )
