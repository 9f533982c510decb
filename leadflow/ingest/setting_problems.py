"""What is wrong with a source's time zones, date formats and expressions, which only the engine can tell.

Belongs here: going through the settings of one source. Does not belong here: the types of the settings
(source_values.py) and asking DuckDB (warehouse/landing/engine_checks.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from leadflow.ingest.source_values import (
    NAMED_FORMATS,
    ColumnMapping,
    Expression,
    FromColumn,
    ValueOptions,
)
from leadflow.warehouse.landing.engine_checks import (
    date_format_problem,
    expression_problem,
    time_zone_problem,
)

if TYPE_CHECKING:
    from leadflow.ingest.sources import Source

Problem = tuple[tuple[str, ...], str]


def setting_problems(source: Source) -> Iterator[Problem]:
    """Path of every setting that is wrong below the source, and what is wrong with it."""
    yield from _zone((), source.time_zone)
    yield from _formats(("date_formats",), source.date_formats or ())
    mappings: list[tuple[tuple[str, ...], ColumnMapping | None]] = [
        *((("columns", name), mapping) for name, mapping in source.columns.items()),
        (("occurred_at",), source.occurred_at),
    ]
    for name, attribute in source.attributes.items():
        mappings.append((("attributes", name), attribute))
        if isinstance(attribute.known_at, FromColumn):
            mappings.append((("attributes", name, "known_at"), attribute.known_at))
    if isinstance(source.known_at, FromColumn):
        mappings.append((("known_at",), source.known_at))
    if isinstance(source.deleted, FromColumn | Expression):
        mappings.append((("deleted",), source.deleted))
    for setting, mapping in mappings:
        if isinstance(mapping, Expression) and (problem := expression_problem(mapping.expression)):
            yield (*setting, "expression"), f"fills {setting[-1]} by an expression that {problem}"
        if isinstance(mapping, ValueOptions):
            yield from _zone(setting, mapping.time_zone)
            yield from _formats((*setting, "format"), mapping.format or ())


def _zone(setting: tuple[str, ...], name: str | None) -> Iterator[Problem]:
    if name is not None and (problem := time_zone_problem(name)):
        yield (*setting, "time_zone"), f"has a time zone it cannot read: {problem}"


def _formats(setting: tuple[str, ...], layouts: Iterable[str]) -> Iterator[Problem]:
    for layout in layouts:
        if layout not in NAMED_FORMATS and (problem := date_format_problem(layout)):
            yield setting, f"has a date format it cannot read: {problem}"
