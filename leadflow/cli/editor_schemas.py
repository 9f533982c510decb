"""Schemas by which editors complete and check the YAML files: schema.yml, sources.yaml, policy.yaml.

Belongs here: gathering what they are made from, and writing them. Does not belong here: the schema of schema.yml
(quality/editor_schemas/contract_schema.py), and what the settings of the other two are (ingest/sources.py, policy.py): their schemas
are pydantic's, with the descriptions of the models' docstrings and those rules that can be said in JSON schema.

An editor finds a schema by the line `# yaml-language-server: $schema=...` at the top of a file. So the schema of schema.yml
lies in the SQL room, whose own tests it knows, and the other two lie beside the templates, in the package, from where
`leadflow init` copies them into the home.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadflow.cli.model_schemas import model_schema
from leadflow.quality.editor_schemas.schema_parts import Schema
from leadflow.settings import Settings

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SCHEMAS = "schemas"
"""Folder of the schemas beside the templates, and in a home."""

CONTRACT_SCHEMA = "contract.schema.json"
"""File in the SQL room."""


def copy_schemas(home: Path) -> None:
    """Put the schemas of sources.yaml and policy.yaml into the home, in place of an older version's."""
    shutil.copytree(TEMPLATES / SCHEMAS, home / SCHEMAS, dirs_exist_ok=True)


def schema_files(settings: Settings) -> dict[Path, str]:
    """Every schema as it should be now, by its file."""
    from leadflow.ingest.assets import fillable_columns
    from leadflow.quality.contracts import load_contracts

    contracts = load_contracts(settings.sql_dir)
    columns = {
        table: {name: contracts[f"raw.{table}"].column(name) for name in names}
        for table, names in fillable_columns(contracts).items()
    }
    described = {
        table: {name: column.description if column else "" for name, column in known.items()}
        for table, known in columns.items()
    }
    features = [column.name for column in contracts["features.lead_features"].columns]
    schemas = {
        settings.sql_dir / CONTRACT_SCHEMA: contract_schema_of(settings.sql_dir),
        TEMPLATES / SCHEMAS / "sources.schema.json": sources_schema(described),
        TEMPLATES / SCHEMAS / "policy.schema.json": policy_schema(features),
    }
    return {path: schema_text(schema) for path, schema in schemas.items()}


def contract_schema_of(folder: Path) -> Schema:
    """The schema of the schema.yml files of a SQL room, which knows its own tests."""
    from leadflow.quality.checking.supported_tests import supported_tests
    from leadflow.quality.contracts import macro_tests_of
    from leadflow.quality.editor_schemas.contract_schema import contract_schema
    from leadflow.warehouse.models.model_unit_test_files import Declared

    unit_test = model_schema(Declared)
    unit_test.pop("$schema")
    return contract_schema(supported_tests(macro_tests_of(folder)), unit_test)


def reference_files(settings: Settings) -> dict[Path, str]:
    """What is generated for whoever writes the YAML files, by its file: the schemas, and the list of tests."""
    from leadflow.quality.checking.supported_tests import refused_tests, supported_tests
    from leadflow.quality.contracts import macro_tests_of
    from leadflow.quality.pages.data_tests_page import data_tests_page

    tests = supported_tests(macro_tests_of(settings.sql_dir))
    page = settings.project_dir / "docs" / "data_tests.md"
    return {**schema_files(settings), page: data_tests_page(tests, refused_tests())}


def write_reference_files(settings: Settings) -> None:
    """Write them anew."""
    for path, text in reference_files(settings).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"Wrote {path}")


def schema_text(schema: Schema) -> str:
    """A schema as its file holds it: one line for each property and definition, so that a change can be read."""
    lines = []
    for key, value in schema.items():
        if key in ("properties", "definitions"):
            inner = ",\n".join(f" {json.dumps(name)}: {_compact(part)}" for name, part in value.items())
            lines.append(f"{json.dumps(key)}: {{\n{inner}\n}}")
        else:
            lines.append(f"{json.dumps(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sources_schema(columns: Mapping[str, Mapping[str, str]]) -> Schema:
    """The schema of sources.yaml.

    Args:
        columns: descriptions of the columns that a source may fill, by raw table.
    """
    from leadflow.ingest.sources import Sources

    schema = model_schema(Sources)
    schema["title"] = "Where leadflow's facts come from (sources.yaml)"
    # A file that lists none yet, as `leadflow init` writes it, is refused when it is run and not while it is written.
    schema["required"] = ["sources"]
    schema["properties"]["sources"] |= {"type": ["array", "null"], "minItems": 1}
    schema["properties"]["sources"].pop("default", None)
    definitions = schema["definitions"]
    # A tab may be written as people write it.
    definitions["ReadOptions"]["properties"]["delim"]["anyOf"].append({"const": "\\t"})
    source = definitions["Source"]
    mapping = source["properties"]["columns"]["additionalProperties"]
    definitions["Mapping"] = mapping
    reference = {"$ref": "#/definitions/Mapping"}
    source["properties"]["columns"]["additionalProperties"] = reference
    source["properties"]["table"] |= {
        "anyOf": [{"enum": sorted(columns)}, {"enum": [f"raw.{name}" for name in sorted(columns)]}]
    }
    of_tables = [
        {
            "if": {"required": ["table"], "properties": {"table": {"enum": [table, f"raw.{table}"]}}},
            "then": {
                "properties": {
                    "columns": {
                        "properties": {
                            name: {"allOf": [reference], "description": description}
                            for name, description in known.items()
                        },
                        "additionalProperties": False,
                    }
                }
            },
        }
        for table, known in columns.items()
    ]
    knows_when: Schema = {
        "required": ["known_at"],
        "properties": {"known_at": {"anyOf": [{"const": "landed"}, {"required": ["backdated"]}]}},
    }
    knows_when["properties"]["known_at"]["anyOf"][1]["type"] = "object"
    occurred: Schema = {"required": ["occurred_at"], "properties": {"occurred_at": {"not": {"type": "null"}}}}
    # What HubSpot's objects are filled with is known, and so is when their facts occurred.
    is_hubspot: Schema = {"required": ["connector"], "properties": {"connector": {"const": "hubspot"}}}
    says_when: Schema = {"if": {"not": {"anyOf": [knows_when, is_hubspot]}}, "then": occurred}
    source["allOf"] = [says_when, *of_tables]
    return schema


def policy_schema(features: list[str]) -> Schema:
    """The schema of policy.yaml.

    Args:
        features: columns that a rule may look at, for completion; a name is held against them when a refresh scores.
    """
    from leadflow.activity_measures import WINDOWS
    from leadflow.policy import LIST_NAMES, Policy

    schema = model_schema(Policy)
    schema["title"] = "leadflow's scoring policy (policy.yaml)"
    schema["type"] = ["object", "null"]
    definitions = schema["definitions"]
    schema["properties"].get("rules", {}).pop("default", None)  # the template shows them, with comments
    condition = definitions["Condition"]
    condition["properties"]["feature"] = {
        "description": condition["properties"]["feature"].get("description", ""),
        "anyOf": [{"enum": [*features, *WINDOWS]}, {"type": "string", "minLength": 1}],
    }
    measure: Schema = {"enum": list(WINDOWS)}
    number: Schema = {"type": "number"}
    value_of = {
        ("gt", "gte", "lt", "lte"): number,
        ("equals",): {"type": ["string", "boolean", "number"]},
        ("in",): {
            "type": "array",
            "minItems": 1,
            "anyOf": [{"items": {"type": "string"}}, {"items": number}],
        },
    }
    condition["allOf"] = [
        *(
            {
                "if": _op_is(*ops),
                "then": {
                    "required": ["value"],
                    "properties": {"value": value, "list": {"type": "null"}},
                },
            }
            for ops, value in value_of.items()
        ),
        {
            "if": _op_is("is_true"),
            "then": {"properties": {"value": {"type": "null"}, "list": {"type": "null"}}},
        },
        {
            "if": _op_is("in_list"),
            "then": {
                "required": ["list"],
                "properties": {"value": {"type": "null"}, "list": {"enum": list(LIST_NAMES)}},
            },
        },
        {
            "if": _op_is("happened"),
            "then": {"properties": {"feature": measure, "value": {"type": "null"}, "list": {"type": "null"}}},
            "else": {"properties": {"feature": {"not": measure}}},
        },
    ]
    counts: Schema = {"properties": {"when": _op_is("happened")}}
    given: dict[str, Schema] = {
        name: {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
        for name in ("points", "class", "count", "decay", "half_life_days", "linear_days")
    }
    definitions["Rule"]["oneOf"] = [given["points"], given["class"]]
    definitions["Rule"]["allOf"] = [{"if": given[name], "then": counts} for name in ("count", "decay")]
    definitions["Decay"]["oneOf"] = [given["half_life_days"], given["linear_days"]]
    definitions["Frequency"]["minProperties"] = 1
    definitions["Gate"]["not"] = {"required": ["when"], **counts}
    domains = definitions["Competitors"]["properties"]["domains"]
    domains["items"] = {
        "type": "string",
        "pattern": r"^\s*\.*[^.@/ ][^@/ ]*\.[^@/ ]*[^.@/ ]\.*\s*$",
    }
    domains["uniqueItems"] = True
    training = definitions["Training"]
    training["properties"]["moments_days"] |= {"minItems": 1, "uniqueItems": True}
    says: dict[str, Schema] = {
        name: {"required": [name], "properties": {name: {"type": "string"}}}
        for name in ("from", "from_reason")
    }
    training["allOf"] = [
        {"if": says["from"], "then": says["from_reason"]},
        {"if": says["from_reason"], "then": says["from"]},
    ]
    return schema


def _op_is(*ops: str) -> Schema:
    return {"required": ["op"], "properties": {"op": {"enum": list(ops)}}}
