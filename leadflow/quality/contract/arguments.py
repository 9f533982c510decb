"""The arguments of a test: which it takes, and whether the given ones fit.

Belongs here: argument specifications (from the catalogue, or from a function's signature), dbt-expectations'
spellings, and checking. Does not belong here: finding the test (declared_tests.py).

A specification is a plain dict, as the catalogue's JSON holds it: `types` (of any, string, number, integer,
boolean, array, object, date), `required`, and where they apply `items`, `enum`, `minimum`, `maximum`, `default`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

from leadflow.quality.checking.plans import Plan

Specification = dict[str, Any]

# dbt-expectations' and dbt_utils' names by Great Expectations' name, where they differ.
SPELLINGS = {
    "type_": "column_type",
    "type_list": "column_type_list",
    "column_set": "column_list",
    "column_list": "combination_of_columns",
    "other_table_name": "compare_model",
}
# They say how dbt-expectations quotes SQL; values and names are always quoted here.
IGNORED = {"quote_values", "quote_columns", "is_raw"}
# RE2, DuckDB's engine for regular expressions, has neither look-around nor back references.
_NOT_IN_RE2 = re.compile(r"\(\?(?:<?[=!]|P=)|\\[1-9]")


@functools.cache
def signature_specifications(function: Callable[..., Plan]) -> dict[str, Specification]:
    """Specifications of a function's keyword-only parameters, from their annotations and defaults."""
    hints = typing.get_type_hints(function)
    return {
        name: with_default(
            specification(hints[name], is_required=parameter.default is inspect.Parameter.empty),
            None if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def with_default(found: Specification, default: Any) -> Specification:
    """The specification with the value that holds where the argument is left out; null, or none to write down, is none."""
    is_told = isinstance(default, bool | int | float | str) and not found["required"]
    return found | {"default": default} if is_told else found


def specification(annotation: Any, *, is_required: bool) -> Specification:
    """The specification that a type annotation amounts to."""
    found: Specification = {"types": []}
    _add_annotation(found, annotation)
    found["types"] = sorted(set(found["types"]))
    if "any" in found["types"]:
        found = {"types": ["any"]}
    found["required"] = is_required
    return found


def _add_annotation(found: Specification, annotation: Any) -> None:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        found["types"].append("any")
    elif origin is typing.Annotated:
        _add_annotation(found, parts[0])
    elif origin is typing.Literal:
        found["types"].append("string")
        found["enum"] = list(parts)
    elif origin is not None and _is_union(origin):
        # Beside another type, Great Expectations' dict is a reference to a run-time parameter: not ours.
        for part in parts:
            if part is not NoneType and not (part is dict and len(parts) > 1):
                _add_annotation(found, part)
    elif _is_array(origin or annotation):
        found["types"].append("array")
        if origin is not tuple and parts and parts[0] is not Any:
            items = specification(parts[0], is_required=True)
            del items["required"]
            if items["types"] != ["any"]:
                found["items"] = items
    elif isinstance(annotation, type):
        _add_class(found, annotation)
    else:
        found["types"].append("any")


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or getattr(origin, "__name__", "") == "UnionType"


def _is_array(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Sequence | set) and not issubclass(kind, str)


def _add_class(found: Specification, kind: type) -> None:
    names = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (dt.date, "date"))
    name = next((name for parent, name in names if issubclass(kind, parent)), "object")
    found["types"].append(name)
    for bound, key in (("ge", "minimum"), ("le", "maximum")):
        if name == "number" and getattr(kind, bound, None) is not None:
            found[key] = getattr(kind, bound)


def in_own_spelling(given: Mapping[str, Any], known: Mapping[str, Specification]) -> dict[str, Any]:
    """The arguments under the names and shapes that Great Expectations gives them.

    Accepts other letter case, dbt-expectations' names (`column_type`, `compare_model`, ...), `strictly` for both
    `strict_min` and `strict_max`, `flags` beside a regex, and `quantile` with `min_value` and `max_value`.
    """
    by_lower = {name.lower(): name for name in known}
    by_lower |= {other: name for name, other in SPELLINGS.items() if name in known and other not in known}
    arguments = {by_lower.get(name.lower(), name): value for name, value in given.items()}
    for name in IGNORED - known.keys():
        arguments.pop(name, None)
    if "strictly" in arguments and "strictly" not in known and "strict_min" in known:
        is_strict = arguments.pop("strictly")
        arguments |= {"strict_min": is_strict, "strict_max": is_strict}
    if "quantile_ranges" in known and "quantile" in arguments:
        limits = [arguments.pop("min_value", None), arguments.pop("max_value", None)]
        arguments["quantile_ranges"] = {"quantiles": [arguments.pop("quantile")], "value_ranges": [limits]}
    flags = arguments.get("flags")
    if isinstance(flags, str) and "flags" not in known and isinstance(arguments.get("regex"), str):
        arguments["regex"] = f"(?{flags}){arguments['regex']}"
        del arguments["flags"]
    return arguments


def argument_problems(
    arguments: Mapping[str, Any], known: Mapping[str, Specification]
) -> Iterator[tuple[str | None, str, str]]:
    """What is wrong with a test's arguments: (argument or None, problem, remedy) each."""
    meant: set[str] = set()
    takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
    for name, value in arguments.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant.update(near)
            yield (
                name,
                f"has no argument '{name}'",
                f"write '{near[0]}'" if near else f"leave it out; {takes}",
            )
        elif value is not None or known[name]["required"]:
            problem = _misfit(value, known[name])
            if problem:
                yield name, f"argument '{name}' {problem}", "give a value that fits"
    for name, wanted in known.items():
        if wanted["required"] and name not in arguments and name not in meant:
            yield None, f"needs the argument '{name}'", f"add it under `arguments:`; {takes}"
    yield from _range_problems(arguments, known)
    for name in ("regex", "regex_list"):
        for regex in _as_list(arguments.get(name)):
            if isinstance(regex, str) and (problem := _regex_problem(regex)):
                yield name, f"argument '{name}' {problem}", "mend the regular expression (RE2 syntax)"


def _range_problems(
    arguments: Mapping[str, Any], known: Mapping[str, Specification]
) -> Iterator[tuple[str | None, str, str]]:
    if not {"min_value", "max_value", "strict_min"} <= known.keys():
        return
    low, high = arguments.get("min_value"), arguments.get("max_value")
    is_misspelled = any(
        name not in known and difflib.get_close_matches(name, ("min_value", "max_value"))
        for name in arguments
    )
    if low is None and high is None and not is_misspelled:
        yield None, "has neither min_value nor max_value", "give at least one"
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield "min_value", f"has min_value {low} above max_value {high}", "swap them"


def _misfit(value: Any, wanted: Specification) -> str:
    """Why the value does not fit, or an empty text."""
    kinds = wanted["types"]
    if "any" not in kinds and not any(_fits(value, kind) for kind in kinds):
        return f"is {value!r}, not {' or '.join(kinds)}"
    if "enum" in wanted and value not in wanted["enum"]:
        return f"is {value!r}, not one of {', '.join(map(str, wanted['enum']))}"
    if isinstance(value, int | float):
        for key, is_outside in (("minimum", value < wanted.get("minimum", value)),
                                ("maximum", value > wanted.get("maximum", value))):  # fmt: skip
            if is_outside:
                return f"is {value!r}, beyond the {key} of {wanted[key]:g}"
    if isinstance(value, list):
        if not value:
            return "is an empty list"
        if "items" in wanted:
            return next(
                (f"holds an item that {why}" for item in value if (why := _misfit(item, wanted["items"]))), ""
            )
    return ""


def _fits(value: Any, kind: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "string": isinstance(value, str),
        "number": is_number,
        "integer": is_number and isinstance(value, int),
        "boolean": isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
        "date": isinstance(value, dt.date) or (isinstance(value, str) and _is_iso_moment(value)),
    }[kind]


def _is_iso_moment(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _regex_problem(regex: str) -> str:
    if _NOT_IN_RE2.search(regex):
        return f"{regex!r} uses look-around or a back reference, which DuckDB cannot run"
    try:
        re.compile(regex)
    except re.error as error:
        return f"{regex!r} is not a regular expression ({error})"
    return ""


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
