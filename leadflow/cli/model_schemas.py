"""Pydantic models as JSON schema in draft-07, described by their docstrings.

Belongs here: what is the same for every model. Does not belong here: which models, and the rules that pydantic checks in
Python (editor_schemas.py).
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from pydantic import BaseModel

from leadflow.quality.editor_schemas.schema_parts import DRAFT, Schema

_ATTRIBUTE = re.compile(r"^ {4}(\w+(?:, \w+)*): ")


def model_schema(model: type[BaseModel]) -> Schema:
    """A pydantic model's schema in draft-07, with the descriptions that its docstrings give under Attributes."""
    generated = model.model_json_schema()
    by_name = {each.__name__: each for each in _models_of(model)}
    definitions = generated.pop("$defs", {})
    for name, schema in ((model.__name__, generated), *definitions.items()):
        if name in by_name:
            _describe(schema, by_name[name])
    text = json.dumps({"$schema": DRAFT, **generated, "definitions": definitions})
    untitled: Schema = _without_titles(json.loads(text.replace("#/$defs/", "#/definitions/")))
    return untitled


def _models_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and every other that pydantic describes with it."""
    found: list[type[BaseModel]] = [model]
    for each in found:
        for subclass in _named_in(each):
            if subclass not in found:
                found.append(subclass)
    return found


def _named_in(model: type[BaseModel]) -> list[type[BaseModel]]:
    named: list[type[BaseModel]] = []
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            named.append(one)
        waiting += getattr(one, "__args__", ())
    return named


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    """Put the docstring's first paragraph and its Attributes where they belong."""
    summary, attributes = read_docstring(model.__doc__ or "")
    schema["description"] = summary
    for parent in model.__mro__[1:]:  # what a model has of another is told there
        attributes = read_docstring(parent.__doc__ or "")[1] | attributes
    for name, field in model.model_fields.items():
        told = attributes.get(name)
        if told:
            schema["properties"][field.alias or name]["description"] = told


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """What stands before `Attributes:` in one line, and what is said of each attribute."""
    before, _, after = textwrap.dedent(" " * 4 + text).partition("Attributes:\n")
    attributes: dict[str, str] = {}
    names: list[str] = []
    for line in after.splitlines():
        if match := _ATTRIBUTE.match(line):
            names = match[1].split(", ")
            attributes |= dict.fromkeys(names, line[match.end() :].strip())
        elif line.strip():
            attributes |= {name: f"{attributes[name]} {line.strip()}" for name in names}
    return " ".join(before.split()), attributes


def _without_titles(value: Any) -> Any:
    """The same without pydantic's titles, which repeat the names of the keys."""
    if isinstance(value, list):
        return [_without_titles(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_titles(item)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str))
    }
