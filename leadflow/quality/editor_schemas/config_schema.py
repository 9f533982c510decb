"""JSON schema of a test's config: how hard a failure is, which rows count, and to whom it belongs.

Belongs here: the keys of contract/declared_config.py, which reads them. Does not belong here: a test's arguments
(entry_schema.py).
"""

from __future__ import annotations

import typing

from leadflow.quality.contract.declared_config import CONFIG_KEYS, META_KEYS
from leadflow.quality.contract.tables import MAX_QUARANTINED_SHARE, OnFail, Severity
from leadflow.quality.editor_schemas.schema_parts import (
    Schema,
    any_letter_case,
    mapping,
    no_slips,
    nullable_text,
    texts,
)

_NUMBER = r"\d+(?:\.\d+)?"


def config_definitions() -> dict[str, Schema]:
    """What entries refer to: `config` and its `config_meta`, the same keys beside a test's name, and quarantine refused."""
    return {
        "config": _config(),
        "config_meta": _config_meta(),
        "config_beside": {"properties": _config_values()},
        "sets_nothing_aside": _sets_nothing_aside(),
    }


def _sets_nothing_aside() -> Schema:
    """No quarantine, of a test whose failing rows cannot be told."""
    blocks = {"on_fail": {"not": {"type": "string", "pattern": f"^{any_letter_case('quarantine')}$"}}}
    below = {**blocks, "meta": {"properties": blocks}}
    return {"properties": {**below, "config": {"properties": below}}}


def _threshold(description: str, *, shares: bool) -> Schema:
    number = rf"{_NUMBER}\s*%" if shares else _NUMBER
    one = _NUMBER + (r"\s*%?" if shares else "")
    words = any_letter_case("between")
    return {
        "type": ["string", "null"],
        "pattern": rf"^\s*(?:(?:==|=|!=|<>|>=|<=|>|<)\s*{one}|(?:{any_letter_case('not')}\s+)?{words}\s+"
        rf"(?:{_NUMBER}\s+{any_letter_case('and')}\s+{_NUMBER}|{number}\s+{any_letter_case('and')}\s+{number}))\s*$",
        "description": description,
    }


def _one_of(words: tuple[str, ...], default: str, description: str) -> Schema:
    return {
        "anyOf": [
            {"enum": [*words]},
            {"type": "string", "pattern": f"^(?:{'|'.join(map(any_letter_case, words))})$"},
            {"type": "null"},
        ],
        "default": default,
        "description": description,
    }


def _config_values() -> dict[str, Schema]:
    """Schemas by key of a test's config."""
    count = r"\s*".join(any_letter_case(sign) for sign in "count(*)")
    values: dict[str, Schema] = {
        "severity": _one_of(
            typing.get_args(Severity), "error", "error blocks what depends on the table; warn only tells."
        ),
        "where": nullable_text("SQL condition of the rows that count, without Jinja.", r"^(?![\s\S]*\{[{%])[\s\S]*\S"),
        "enabled": {"type": ["boolean", "null"], "default": True, "description": "false switches it off."},
        "warn_if": _threshold("Failing rows that make a warning, such as '> 10'.", shares=False),
        "error_if": _threshold("Failing rows that make a failure, such as '> 100'.", shares=False),
        "limit": {"type": ["integer", "null"], "minimum": 1, "description": "Failing rows are counted no further."},
        "fail_calc": {"pattern": rf"^\s*{count}\s*$", "description": "count(*) alone."},
        "tags": texts("Tags of the check."),
        "owners": texts("Whom the check concerns."),
        "group": {"type": ["string", "null"], "description": "A group of `groups:`, whose owner it then has."},
        "meta": {"$ref": "#/definitions/config_meta"},
        "on_fail": _one_of(
            typing.get_args(OnFail),
            "block",
            "quarantine sets failing rows aside while the table is written; for dbt, below meta.",
        ),
        "max_quarantined_share": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "default": MAX_QUARANTINED_SHARE,
            "description": "Share of the table's rows that may be set aside.",
        },
    }  # fmt: skip
    return values | {
        key: {"description": "dbt's; leadflow passes it over."} for key in sorted(CONFIG_KEYS - values.keys())
    }


def _config() -> Schema:
    schema = mapping(_config_values(), "How hard a failure is, and which rows count.", may_be_null=True)
    return schema | no_slips(CONFIG_KEYS)


def _config_meta() -> Schema:
    values = _config_values()
    properties = {
        key: values.get(key, texts("Whom the check concerns."))
        for key in META_KEYS
        if key not in ("warn_if", "error_if")
    }
    properties |= {
        "warn_if": _threshold("Failing rows, or a share such as '> 1%', that make a warning.", shares=True),
        "error_if": _threshold("Failing rows, or a share such as '> 5%', that make a failure.", shares=True),
    }
    return mapping(properties, "What leadflow reads and dbt passes over.", may_be_null=True) | no_slips(
        META_KEYS
    )
