"""Holding YAML documents against the editors' schemas, for tests.

Belongs here: what a YAML language server does of it: reading the document, and validating it. Does not belong here: making
the schemas (leadflow/cli/editor_schemas.py).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from leadflow.cli.editor_schemas import contract_schema_of, policy_schema, sources_schema
from leadflow.config_files import read_yaml

MOST_TOLD = 3


@functools.cache
def _validator(kind: str, *known: Any) -> Validator:
    """A validator; `known` is what the schema hangs on, such as columns, as tuples."""
    if kind == "sources":
        schema = sources_schema({table: dict.fromkeys(columns, "") for table, columns in known})
    else:
        schema = policy_schema(list(known))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@functools.cache
def _contract_validator(folder: Path, files_changed_at_ns: tuple[tuple[Path, int], ...]) -> Validator:
    schema = contract_schema_of(folder)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def contract_problems(folder: Path) -> list[str]:
    """What the schema of a SQL room finds wrong in its yml files."""
    macros = tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*.sql")))
    validator = _contract_validator(folder, macros)
    return [problem for path in sorted(folder.glob("*/*.yml")) for problem in _problems(validator, path)]


def sources_problems(path: Path, raw_columns: Mapping[str, Sequence[str]]) -> list[str]:
    """What the schema of sources.yaml finds wrong in a file."""
    known = tuple((table, tuple(columns)) for table, columns in raw_columns.items())
    return _problems(_validator("sources", *known), path)


def policy_problems(path: Path | None) -> list[str]:
    """What the schema of policy.yaml finds wrong in a file; no file is the default policy."""
    return [] if path is None else _problems(_validator("policy", "company_size"), path)


def _problems(validator: Validator, path: Path) -> list[str]:
    data = as_an_editor_reads(read_yaml(path).data)
    errors = sorted(validator.iter_errors(data), key=lambda error: list(map(str, error.absolute_path)))
    return [
        f"{path.name} at {'.'.join(map(str, error.absolute_path)) or 'the top'}: {error.message[:300]}"
        for error in errors[:MOST_TOLD]
    ]


def as_an_editor_reads(value: Any) -> Any:
    """A YAML value in JSON's types; days and moments are texts, as in YAML 1.2."""
    if isinstance(value, dict):
        return {str(key): as_an_editor_reads(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_an_editor_reads(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
