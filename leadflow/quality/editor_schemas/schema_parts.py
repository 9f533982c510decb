"""Pieces of JSON schema that the editors' schemas are put together from.

Belongs here: small functions over plain dicts. Does not belong here: what any one file may say (contract_schema.py,
entry_schema.py, cli/editor_schemas.py).

The schemas keep to draft-07, the newest that the YAML language servers of editors know whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
WORDS = r"\S"
"""Pattern of a text that is more than blanks."""

# Below these lengths one slip makes a word too unlike for the loader (difflib's ratio of 0.8) to take it for the key.
_SHORTEST_WITH_OTHER_LETTER = 5
_SHORTEST_WITH_MISSING_LETTER = 3


def text(description: str = "", **more: Any) -> Schema:
    """A text that is more than blanks."""
    return _described({"type": "string", "pattern": WORDS, **more}, description)


def nullable_text(description: str = "", pattern: str = WORDS) -> Schema:
    """A text that is more than blanks, or nothing."""
    return _described({"type": ["string", "null"], "pattern": pattern}, description)


def texts(description: str = "") -> Schema:
    """A text, or a list of them, or nothing."""
    return _described({"anyOf": [text(), {"type": "array", "items": text()}, {"type": "null"}]}, description)


def mapping(
    properties: Mapping[str, Any],
    description: str = "",
    *,
    required: Sequence[str] = (),
    is_open: bool = True,
    may_be_null: bool = False,
) -> Schema:
    """A mapping with these keys; open to others where they are dbt's or a package's."""
    schema: Schema = {"type": ["object", "null"] if may_be_null else "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if not is_open:
        schema["additionalProperties"] = False
    return _described(schema, description)


def listed(items: Any, description: str = "", *, may_be_null: bool = True, at_least: int = 0) -> Schema:
    """A list."""
    schema: Schema = {"type": ["array", "null"] if may_be_null else "array", "items": items}
    if at_least:
        schema["minItems"] = at_least
    return _described(schema, description)


def any_letter_case(word: str) -> str:
    """A pattern, without anchors, of the word in any letter case; JSON schema has no flag for it."""
    return "".join(
        f"[{sign.lower()}{sign.upper()}]" if sign.isalpha() else sign if sign in "_ " else re.escape(sign)
        for sign in word
    )


def no_slips(keys: Iterable[str]) -> Schema:
    """Refuses a key that is one slip away from one of `keys`, as the loader does."""
    return {"patternProperties": {_slips_of(key, sorted(keys)): False for key in sorted(keys)}}


def no_slips_of_missing(keys: Iterable[str]) -> list[Schema]:
    """The same, each as long as the key itself is not there: then another may well be a package's."""
    known = sorted(keys)
    return [
        {"if": {"not": {"required": [key]}}, "then": {"patternProperties": {_slips_of(key, known): False}}}
        for key in known
    ]


def _slips_of(key: str, known: Sequence[str]) -> str:
    """A pattern of the words one letter away from the key, none of them a key itself."""
    cut = [(key[:index], key[index:]) for index in range(len(key) + 1)]
    slips = {f"{before}.{after}" for before, after in cut}
    if len(key) >= _SHORTEST_WITH_MISSING_LETTER:
        slips |= {before + after[1:] for before, after in cut if after}
    if len(key) >= _SHORTEST_WITH_OTHER_LETTER:
        slips |= {f"{before}.{after[1:]}" for before, after in cut if after}
        slips |= {f"{before}{after[1]}{after[0]}{after[2:]}" for before, after in cut if len(after) > 1}
    return f"^(?!(?:{'|'.join(known)})$)(?:{'|'.join(sorted(slips - {key}))})$"


def _described(schema: Schema, description: str) -> Schema:
    return schema | ({"description": description} if description else {})
