"""How fields are compared, and which records are compared at all: levels and blocking rules, in DuckDB's SQL.

Belongs here: the levels of each kind of field, from the surest down, and the keys by which pairs of records are found. Does not
belong here: how much a level weighs (learned, linkage_training.py).

Every level is symmetric and a function of the two records alone. Columns are those of `linkage_fields.prepare`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from leadflow.identity.linkage_fields import Field

Comparison = dict[str, Any]
"""One comparison in Splink's own vocabulary: output_column_name, comparison_levels."""


def comparison(name: str, null: str, levels: Sequence[tuple[str, str]]) -> Comparison:
    """A comparison of levels (label, SQL condition), the surest first; anything else is 'different'."""
    return {
        "output_column_name": name,
        "comparison_levels": [
            {"sql_condition": null, "label_for_charts": "not known", "is_null_level": True},
            *({"sql_condition": sql, "label_for_charts": label} for label, sql in levels),
            {"sql_condition": "ELSE", "label_for_charts": "different"},
        ],
    }


def either_null(*columns: str) -> str:
    """SQL: one of the columns is null on either side."""
    return " or ".join(f'"{column}_l" is null or "{column}_r" is null' for column in columns)


def equal(column: str, other: str | None = None) -> str:
    """SQL: the same value on both sides; with another column, crosswise, one way at least."""
    if other is None:
        return f'"{column}_l" = "{column}_r"'
    return f'("{column}_l" = "{other}_r" or "{other}_l" = "{column}_r")'


def slips(column: str, most: int, shortest: int = 0) -> str:
    """SQL: at most so many letters added, lost, changed or turned; values of fewer letters than the shortest never are."""
    near = f'damerau_levenshtein("{column}_l", "{column}_r") <= {most}'
    return f'{near} and least(length("{column}_l"), length("{column}_r")) >= {shortest}' if shortest else near


def alike(column: str, least: float) -> str:
    """SQL: Jaro-Winkler similarity of at least so much, either way round."""
    left, right = f'"{column}_l"', f'"{column}_r"'
    return f"greatest(jaro_winkler_similarity({left}, {right}), jaro_winkler_similarity({right}, {left})) >= {least}"


def comparisons_of(fields: Sequence[Field]) -> list[Comparison]:
    """One comparison for each field, in the fields' order."""
    return [_compared(field, fields) for field in fields]


def _compared(field: Field, fields: Sequence[Field]) -> Comparison:
    name = field.name
    others = [other.name for other in fields if other.kind == field.kind and other.name != name]
    match field.kind:
        case "given_name" | "family_name":
            levels = _name_levels(field, fields)
        case "date":
            levels = _date_levels(name)
        case "email":
            levels = [
                ("same", equal(name)),
                ("same before the @", equal(f"{name}_local")),
                ("one or two slips", f"({slips(name, 2)}) or ({alike(f'{name}_local', 0.96)})"),
                ("alike", f"({alike(name, 0.9)}) or ({alike(f'{name}_local', 0.88)})"),
            ]
        case "street" | "place":
            levels = [
                ("same", equal(name)),
                *(("same, in the other field", equal(name, other)) for other in others),
                ("same letters", equal(f"{name}_letters")),
                ("one or two slips", f"({slips(name, 2, 5)}) or ({alike(name, 0.94)})"),
                ("alike", alike(name, 0.85)),
            ]
        case "postcode" | "phone" | "house_number" | "number":
            levels = [("same", equal(name)), ("one slip", slips(name, 1, 2))]
            if field.kind in ("postcode", "number"):
                levels.append(("two slips", slips(name, 2, 4)))
        case "company":
            levels = [("same", equal(name)), ("alike", alike(name, 0.92))]
        case _:
            levels = [("same", equal(name))]
    return comparison(name, either_null(name), levels)


def _name_levels(field: Field, fields: Sequence[Field]) -> list[tuple[str, str]]:
    name = field.name
    levels = [("same", equal(name))]
    if field.kind == "given_name":
        levels += [
            ("given and family name turned", equal(name, other.name))
            for other in fields
            if other.kind == "family_name"
        ]
        levels.append(("nickname", f'list_has_any("{name}_formal_l", "{name}_formal_r")'))
    else:
        levels += [
            (
                "given and family name turned",
                f'"{name}_l" = "{other.name}_r" and "{other.name}_l" = "{name}_r"',
            )
            for other in fields
            if other.kind == "given_name"
        ]
    return [
        *levels,
        ("one slip", slips(name, 1, 3)),
        ("two slips", f"({slips(name, 2, 5)}) or ({alike(name, 0.92)})"),
        ("alike", alike(name, 0.8)),
    ]


def _date_levels(name: str) -> list[tuple[str, str]]:
    year, month, day = (
        [f'substr("{name}_{side}", {start}, {length})' for side in "lr"]
        for start, length in ((1, 4), (5, 2), (7, 2))
    )
    turned = f"{year[0]} = {year[1]} and {month[0]} = {day[1]} and {day[0]} = {month[1]}"
    two_parts = " or ".join(
        f"({one[0]} = {one[1]} and {other[0]} = {other[1]})"
        for one, other in combinations((year, month, day), 2)
    )
    return [
        ("same", equal(name)),
        ("one slip, or day and month turned", f"({slips(name, 1)}) or ({turned})"),
        ("two of day, month and year the same", two_parts),
        ("two slips", slips(name, 2)),
        ("same year", f"{year[0]} = {year[1]}"),
    ]


def blocking_keys(fields: Sequence[Field]) -> list[tuple[str, ...]]:
    """Columns that together find pairs: each strong field alone, and weak ones two by two. Wide, as missed pairs stay missed."""
    strong: list[str] = []
    weak: list[tuple[str, str]] = []  # (column, field it comes from)
    for field in fields:
        name = field.name
        match field.kind:
            case "date" | "phone" | "number":
                strong.append(name)
                weak += [(f"{name}_year", name)] if field.kind == "date" else []
            case "email":
                strong += [name, f"{name}_local"]
                weak.append((f"{name}_domain", name))
            case "given_name" | "family_name":
                weak += [(name, name), (f"{name}_start", name)]
            case "street":
                strong.append(f"{name}_letters")
                weak.append((name, name))
            case "place" | "postcode" | "company" | "domain" | "house_number":
                weak.append((name, name))
            case _:
                pass
    pairs = [(one, other) for (one, of), (other, at) in combinations(weak, 2) if of != at]
    return [*((column,) for column in strong), *pairs]
