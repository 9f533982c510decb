"""Reading configuration files so that every error can name its line.

Belongs here: YAML with line numbers, and pydantic validation of it. Does not belong here: what any one file means
(policy.py, ingest/sources.py, quality/contracts.py).

PyYAML's composer is used because it keeps the position of every node and refuses tabs itself; its constructor
forgets positions and lets duplicate keys win silently, so the construction is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from leadflow.errors import ConfigError

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 100
"""Levels of nesting; PyYAML's composer recurses, and in C it ends the process where there are very many."""
_MAX_VALUES = 200_000
"""Values in one file, each alias counted as what it stands for: a few lines of aliases can mean billions."""


class Strict(BaseModel):
    """A part of a settings file: frozen, and a setting it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Document:
    """A YAML file's data, with the line of every key and item.

    Attributes:
        path: the file.
        data: plain dicts, lists and scalars.
        lines: line (from 1) by the path of keys and indexes that leads to a value.
    """

    path: Path
    data: Any
    lines: dict[KeyPath, int] = field(repr=False)

    def line(self, *key_path: str | int) -> int:
        """Line of the value at `key_path`, or of its nearest known parent."""
        for length in range(len(key_path), -1, -1):
            found = self.lines.get(key_path[:length])
            if found is not None:
                return found
        return 1

    def where(self, *key_path: str | int) -> str:
        """`file:line` of the value at `key_path`, for messages."""
        return f"{self.path}:{self.line(*key_path)}"


def read_yaml(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        ConfigError: the file is missing, is not UTF-8 or not YAML, holds a tab as indentation or a duplicate key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", "create it, or run `leadflow init`") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error})", "make it a readable file in UTF-8") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line} cannot be read ({error})", "save the file as UTF-8") from None
    loader = _Loader(text)
    lines: dict[KeyPath, int] = {(): 1}
    try:
        _refuse_depth(text, path)
        node = loader.get_single_node()
        data = None if node is None else _construct(loader, node, (), lines, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(
            f"{at} is not valid YAML ({error.problem})", "mend the line; indent with spaces, not tabs"
        ) from None
    except yaml.reader.ReaderError as error:
        at = f"{path}:{text.count(chr(10), 0, error.position) + 1}"
        raise ConfigError(f"{at} is not valid YAML ({error.reason})", "delete the character") from None
    except RecursionError:
        raise ConfigError(
            f"{path} nests without end", "mend the anchor that holds an alias of itself"
        ) from None
    finally:
        loader.dispose()
    return Document(path, data, lines)


def _refuse_depth(text: str, path: Path) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{path}:{line} nests deeper than {_MAX_DEPTH} levels", "take it apart")


def _construct(loader: Any, node: yaml.Node, at: KeyPath, lines: dict[KeyPath, int], path: Path) -> Any:
    lines.setdefault(at, node.start_mark.line + 1)
    if len(lines) > _MAX_VALUES:
        raise ConfigError(
            f"{path}:{node.start_mark.line + 1} holds more than {_MAX_VALUES:,} values, counting what its aliases stand for",
            "write fewer aliases of aliases",
        )
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
        raise ConfigError(
            f"{path}:{node.start_mark.line + 1} has the tag {node.tag}",
            "delete it; only plain lists and mappings are read",
        )
    if isinstance(node, yaml.MappingNode):
        own_keys = {id(key_node) for key_node, _ in node.value}
        loader.flatten_mapping(node)  # brings in `<<: *anchor`, which the mapping's own keys may override
        mapping: dict[Any, Any] = {}
        seen: set[Any] = set()
        pairs: dict[Any, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(f"{path}:{line} has a key that is not a word", "write `key: value`")
            key = _scalar(loader, key_node, path)
            if id(key_node) in own_keys and key in seen:
                raise ConfigError(f"{path}:{line} repeats the key '{key}'", "keep one of the two")
            if id(key_node) in own_keys:
                seen.add(key)
            lines[(*at, key)] = line
            mapping[key] = _construct(loader, value_node, (*at, key), lines, path)
            pairs[key] = (key_node, value_node)
        node.value = list(
            pairs.values()
        )  # what is merged several times over would double at each further merge
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, (*at, index), lines, path) for index, item in enumerate(node.value)]
    return _scalar(loader, node, path)


def _scalar(loader: Any, node: yaml.Node, path: Path) -> Any:
    """The scalar's value; one that only looks like a date or number, such as 2026-13-45, is refused."""
    try:
        return loader.construct_object(node, deep=True)
    except ValueError as error:
        raise ConfigError(
            f"{path}:{node.start_mark.line + 1} holds the value {node.value}, which cannot be read ({error})",
            "mend the value, or put it in quotes to keep it as text",
        ) from None


def validate(model: type[Model], document: Document, *at: str | int) -> Model:
    """The document's data (or the part below `at`) as a pydantic model.

    Raises:
        ConfigError: every violation, each with its line, in one message.
    """
    data = document.data
    for step in at:
        data = data[step]
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as error:
        messages: dict[str, list[str]] = {}
        for item in error.errors(include_url=False):
            location = _in_document(document, (*at, *item["loc"]), is_missing=item["type"] == "missing")
            dotted = ".".join(map(str, location)) or "the file"
            message = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
            if item["type"] == "extra_forbidden":
                message = "is not a known setting"
            messages.setdefault(f"{document.where(*location)} {dotted}", []).append(message)
        problems = [f"{where}: {' or '.join(dict.fromkeys(several))}" for where, several in messages.items()]
    # Raised outside of the handler: a ValidationError that hangs on another exception is invisible to the garbage
    # collector, and with it every frame below, such as one that has the warehouse open.
    raise ConfigError("; ".join(problems), "mend what each line names")


def _in_document(document: Document, location: KeyPath, *, is_missing: bool) -> KeyPath:
    """Pydantic's location without what it adds for the alternatives of a union, which the file knows nothing of."""
    found: KeyPath = ()
    value = document.data
    for index, step in enumerate(location):
        is_last = index == len(location) - 1
        if (*found, step) in document.lines:
            found = (*found, step)
            value = value[step]
        elif is_last and (is_missing or not found):  # a setting that is not in the file
            found = (*found, step)
    return found


def unquoted_off(value: object) -> object:
    """'off' for false, for settings that may be off: YAML reads a bare off as false."""
    return "off" if value is False else value
