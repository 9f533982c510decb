"""JSON schema of one entry of `data_tests:`: the tests there are, their arguments and their config.

Belongs here: what an editor can know of an entry. Does not belong here: the file around it (contract_schema.py). What
hangs on other parts of the contract, such as whether a column is there, is the loader's (contract/declared_tests.py).

The schema never refuses what the loader takes: a name or argument in other letter case, which the loader knows, is left
to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadflow.quality.checking.supported_tests import SupportedTest
from leadflow.quality.contract.arguments import IGNORED, SPELLINGS, Specification, argument_problems
from leadflow.quality.contract.declared_config import CONFIG_KEYS
from leadflow.quality.editor_schemas.config_schema import config_definitions
from leadflow.quality.editor_schemas.schema_parts import Schema, any_letter_case, listed, nullable_text, text

# The loader reads dates as Python does; this is how all of them begin.
_DAY = r"^\d{4}-?(?:\d{2}|W\d{2})"
_PACKAGE = "(?:dbt|dbt_utils|dbt_expectations)"
_ELSE_NOTHING: Schema = {"additionalProperties": False, "patternProperties": {"[A-Z]": {}}}
"""No other keys; one in other letter case is the loader's to judge, as it is a known argument all the same."""
_NO_COLUMN = {"column_name": False, "column": False}
_HAS_CAPITAL: Schema = {"not": {"propertyNames": {"pattern": "^[^A-Z]*$"}}}
"""Some key has a capital letter, which only the loader can tell the meaning of."""


def entry_definitions(tests: Iterable[SupportedTest]) -> dict[str, Schema]:
    """Definitions that `data_tests` of the file refer to: `column_tests`, `table_tests`, and what they are made of."""
    known = list(tests)
    definitions = {
        **config_definitions(),
        "has_capital": {
            "anyOf": [
                _HAS_CAPITAL,
                {"required": ["arguments"], "properties": {"arguments": _HAS_CAPITAL}},
            ]
        },
        "names_column": _has_argument(("column_name", "column")),
        "names_no_column": {
            "properties": {**_NO_COLUMN, "arguments": {"properties": _NO_COLUMN}},
        },
    }
    for test in known:
        definitions[f"arguments_{test.name}"] = {"properties": _arguments(test)}
        definitions[f"test_{test.name}"] = _settings(test)
    definitions["column_tests"] = listed(
        _entry([test for test in known if test.about == "column"], at_table=False),
        "Tests of the column. Each blocks what depends on the table unless its severity is warn.",
    )
    definitions["table_tests"] = listed(
        _entry(known, at_table=True),
        "Tests of the table, or with column_name of one column. Each blocks unless its severity is warn.",
    )
    return definitions


def _entry(tests: list[SupportedTest], *, at_table: bool) -> Schema:
    """A name, or a mapping of one name to its settings."""
    bare = [test for test in tests if _may_stand_bare(test, at_table=at_table)]
    properties = {test.name: _named(test, at_table=at_table) for test in tests}
    packaged = {
        rf"^{_PACKAGE}\.(?:{test.name}|{_dbt_spelling(test.name)})$": properties[test.name]
        for test in tests
        if test.origin != "this project"
    }
    # Expectations in any other letter case: the loader knows them.
    capitals = "|".join(any_letter_case(test.name) for test in tests if test.origin == "Great Expectations")
    bare_spellings = "|".join(
        any_letter_case(test.name) if test.origin == "Great Expectations" else test.name for test in bare
    )
    return {
        "anyOf": [
            {"type": "string", "enum": [test.name for test in bare]},
            {"type": "string", "pattern": rf"^(?:{_PACKAGE}\.)?(?:{bare_spellings})$"},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "properties": properties,
                "patternProperties": packaged
                | {rf"^(?:{_PACKAGE}\.)?(?=.*[A-Z])(?:{capitals})$": {"type": ["object", "null"]}},
                "additionalProperties": False,
            },
        ]
    }


def _named(test: SupportedTest, *, at_table: bool) -> Schema:
    """What stands below a test's name: at a column the column is not named, at the table it is."""
    reference: Schema = {"$ref": f"#/definitions/test_{test.name}"}
    if test.about != "column":
        return reference
    where = "names_column" if at_table else "names_no_column"
    return {"allOf": [reference, {"$ref": f"#/definitions/{where}"}]}


def _dbt_spelling(name: str) -> str:
    """dbt-expectations' spelling, which has capitals in one place."""
    return name.replace("_a_to_be_greater_than_b", "_A_to_be_greater_than_B")


def _may_stand_bare(test: SupportedTest, *, at_table: bool) -> bool:
    """Whether the name alone is an entry."""
    is_without_column = test.about == "column" and at_table
    return not is_without_column and not list(argument_problems({}, test.arguments))


def _settings(test: SupportedTest) -> Schema:
    """What stands below a test's name: its arguments, below `arguments:` or beside it, and its config.

    The keys are listed here and described once elsewhere: the file is read anew by the editor at every start.
    """
    names: dict[str, Any] = dict.fromkeys(sorted(_arguments(test)), True)
    of_arguments: Schema = {"$ref": f"#/definitions/arguments_{test.name}"}
    needed = [
        (name, *_spellings(name, test.arguments)) for name, spec in test.arguments.items() if spec["required"]
    ]
    if {"min_value", "max_value", "strict_min"} <= test.arguments.keys():
        needed.append(("min_value", "max_value"))
    arguments = {
        "description": "What the test is called with.",
        "type": ["object", "null"],
        "properties": names,
        "allOf": [of_arguments],
        **_ELSE_NOTHING,
    }
    config = sorted(CONFIG_KEYS - test.arguments.keys())
    return {
        "description": f"{test.description} ({_told(test)})",
        "type": ["object", "null"],
        "properties": {
            "arguments": arguments,
            "config": {"$ref": "#/definitions/config"},
            "name": {"description": "Name of the check, where the test's own does not do."},
            "description": {"description": "What the test promises."},
            **dict.fromkeys(config, True),
            **names,
        },
        "allOf": [
            *([of_arguments] if names else []),
            *([] if CONFIG_KEYS & test.arguments.keys() else [{"$ref": "#/definitions/config_beside"}]),
            *([{"$ref": "#/definitions/sets_nothing_aside"}] if test.no_quarantine is not None else []),
            *map(_has_argument, needed),
        ],
        **_ELSE_NOTHING,
    }


def _told(test: SupportedTest) -> str:
    judged = {"column": "of a column", "pair": "of two columns", "multi": "of several columns"}
    rows = "row by row" if test.is_row_wise else "as a whole"
    return f"A test {judged.get(test.about, 'of the table')}, {rows}."


def _has_argument(names: Iterable[str]) -> Schema:
    """One of the names is given, beside the test's name or below `arguments:`."""
    return {
        "type": "object",
        "anyOf": [
            *({"required": [name]} for name in names),
            *(
                {"required": ["arguments"], "properties": {"arguments": {"required": [name]}}}
                for name in names
            ),
            {"$ref": "#/definitions/has_capital"},
        ],
    }


def _arguments(test: SupportedTest) -> dict[str, Schema]:
    """Schemas by argument, under each spelling that the loader knows."""
    known = test.arguments
    found: dict[str, Schema] = {}
    for name, spec in known.items():
        schema = (
            argument_schema(spec)
            if name != "row_condition"
            else nullable_text("SQL condition of the rows that count.")
        )
        for spelling in (name, *_spellings(name, known)):
            found[spelling] = schema
    if test.about == "column":
        for name in ("column_name", "column"):
            found[name] = text("The column, where the test stands at the table.")
    if "strict_min" in known and "strictly" not in known:
        found["strictly"] = {"type": "boolean", "description": "Both strict_min and strict_max."}
    if "regex" in known and "flags" not in known:
        found["flags"] = {"type": "string", "description": "Flags of the regular expression, such as i."}
    if "quantile_ranges" in known:
        found["quantile"] = {"type": "number", "minimum": 0, "maximum": 1}
        found |= {name: {"type": ["number", "null"]} for name in ("min_value", "max_value")}
    for name in sorted(IGNORED - known.keys()):
        found[name] = {}  # dbt-expectations' ways of quoting, of which leadflow has no need
    return found


def _spellings(name: str, known: Mapping[str, Specification]) -> list[str]:
    """Other names of an argument that the loader knows."""
    others = [name.lower()] if name != name.lower() else []
    other = SPELLINGS.get(name)
    if other is not None and other not in known:
        others.append(other)
    if name == "quantile_ranges":
        others.append("quantile")
    return others


def argument_schema(spec: Specification) -> Schema:
    """The schema of values that an argument's specification (see arguments.py) takes."""
    found: Schema = {}
    if "any" not in spec["types"]:
        kinds = [_kind(kind, spec) for kind in spec["types"]]
        kinds += [] if spec.get("required", True) else [{"type": "null"}]
        found = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if "default" in spec:
        found = found | {"default": spec["default"]}
    return found


def _kind(kind: str, spec: Specification) -> Schema:
    if kind == "date":
        return {"type": "string", "pattern": _DAY}
    if kind == "array":
        return {
            "type": "array",
            "minItems": 1,
            **({"items": argument_schema(spec["items"])} if "items" in spec else {}),
        }
    if kind == "string" and "enum" in spec:
        return {"enum": spec["enum"]}
    limits = ("minimum", "maximum") if kind in ("number", "integer") else ()
    return {"type": kind} | {key: spec[key] for key in limits if key in spec}
