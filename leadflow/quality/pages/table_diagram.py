"""Tables and the arrows between them laid out for a drawing, stage below stage.

Belongs here: where everything goes, as numbers. Does not belong here: colours and marks (templates/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BOX_HEIGHT = 26
_LETTER_WIDTH, _BOX_PADDING = 7.1, 18
_GAP_X, _GAP_Y = 12, 30
_BAND_PADDING, _BAND_GAP, _LABEL_WIDTH = 14, 10, 84


@dataclass(frozen=True)
class Box:
    """A table: its name, what is written on it, its upper left corner and its width, in pixels of the drawing."""

    name: str
    label: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        """Where its middle lies from left to right."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Band:
    """A stage: its name, its upper edge and its height."""

    name: str
    y: float
    height: float


@dataclass(frozen=True)
class Arrow:
    """From a table to one that is made from it; `path` is SVG's."""

    source: str
    target: str
    path: str


@dataclass(frozen=True)
class Diagram:
    """A laid out drawing; sizes in pixels."""

    width: float
    height: float
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def lay_out(
    stages: Mapping[str, Sequence[str]], edges: Iterable[tuple[str, str]], labels: Mapping[str, str]
) -> Diagram:
    """Stages from top to bottom; within one, every table below those of the stage that it is made from.

    Args:
        stages: tables by stage, in order.
        edges: (source, target) pairs; none leads to an earlier stage.
        labels: what is written on a table, by table.
    """
    edges = sorted(set(edges))
    parents: dict[str, list[str]] = {}
    for source, target in edges:
        parents.setdefault(target, []).append(source)
    widths = {table: len(label) * _LETTER_WIDTH + _BOX_PADDING for table, label in labels.items()}
    rows = {stage: _rows(tables, parents) for stage, tables in stages.items()}
    inner = max((_width(row, widths) for stage in rows.values() for row in stage), default=0.0)
    bands: list[Band] = []
    boxes: dict[str, Box] = {}
    top = 0.0
    for stage, stage_rows in rows.items():
        height = 2 * _BAND_PADDING + len(stage_rows) * (BOX_HEIGHT + _GAP_Y) - _GAP_Y
        bands.append(Band(stage, top, height))
        for number, row in enumerate(stage_rows):
            y = top + _BAND_PADDING + number * (BOX_HEIGHT + _GAP_Y)
            for table, x in _placed(row, parents, boxes, widths, inner):
                boxes[table] = Box(table, labels[table], x, y, widths[table])
        top += height + _BAND_GAP
    return Diagram(
        width=_LABEL_WIDTH + inner + _BAND_PADDING,
        height=max(top - _BAND_GAP, 0.0),
        bands=tuple(bands),
        boxes=tuple(boxes.values()),
        arrows=tuple(_arrows(edges, boxes)),
    )


def _width(row: Sequence[str], widths: Mapping[str, float]) -> float:
    return sum(widths[table] + _GAP_X for table in row) - _GAP_X


def _rows(tables: Sequence[str], parents: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The tables of a stage by how many of its own tables they hang below."""
    depth: dict[str, int] = {}

    def depth_of(table: str) -> int:
        if table not in depth:
            depth[table] = 0  # a table that reads itself
            own = [
                depth_of(parent) + 1
                for parent in parents.get(table, ())
                if parent in tables and parent != table
            ]
            depth[table] = max(own, default=0)
        return depth[table]

    rows: list[list[str]] = []
    for table in tables:
        while len(rows) <= depth_of(table):
            rows.append([])
        rows[depth_of(table)].append(table)
    return [row for row in rows if row]


def _placed(
    row: Sequence[str],
    parents: Mapping[str, Sequence[str]],
    above: Mapping[str, Box],
    widths: Mapping[str, float],
    inner: float,
) -> list[tuple[str, float]]:
    """Left edges of a row's boxes: each below the middle of those it is made from, as far as its neighbours let it.

    That keeps arrows short and mostly from crossing. Boxes made from nothing stand in the middle, in the given order.
    """
    wanted = {}
    for table in row:
        middles = [above[parent].middle for parent in parents.get(table, ()) if parent in above]
        wanted[table] = sum(middles) / len(middles) if middles else _LABEL_WIDTH + inner / 2
    ordered = sorted(row, key=wanted.__getitem__)
    # Neighbours that would overlap stand side by side around the middle of what they want together.
    groups: list[list[str]] = []
    for table in ordered:
        groups.append([table])
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], wanted, widths, inner):
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = []
    for group in groups:
        x = _left(group, wanted, widths, inner)
        for table in group:
            placed.append((table, x))
            x += widths[table] + _GAP_X
    return placed


def _overlap(
    one: Sequence[str],
    other: Sequence[str],
    wanted: Mapping[str, float],
    widths: Mapping[str, float],
    inner: float,
) -> bool:
    end = _left(one, wanted, widths, inner) + _width(one, widths) + _GAP_X
    return end > _left(other, wanted, widths, inner)


def _left(
    group: Sequence[str], wanted: Mapping[str, float], widths: Mapping[str, float], inner: float
) -> float:
    """Left edge of boxes that stand side by side, within the drawing."""
    width = _width(group, widths)
    middle = sum(wanted[table] for table in group) / len(group)
    return min(max(middle - width / 2, _LABEL_WIDTH), _LABEL_WIDTH + inner - width)


def _arrows(edges: Sequence[tuple[str, str]], boxes: Mapping[str, Box]) -> list[Arrow]:
    """Curves from the lower edge of a box to the upper edge of another, spread along the edges."""
    known = [edge for edge in edges if edge[0] != edge[1] and {*edge} <= boxes.keys()]
    leaving: dict[str, list[str]] = {}
    arriving: dict[str, list[str]] = {}
    for source, target in known:
        leaving.setdefault(source, []).append(target)
        arriving.setdefault(target, []).append(source)
    arrows = []
    for source, target in known:
        x1 = _port(boxes[source], target, leaving[source], boxes)
        x2 = _port(boxes[target], source, arriving[target], boxes)
        y1, y2 = boxes[source].y + BOX_HEIGHT, boxes[target].y
        bend = min(max((y2 - y1) / 2, 14), 60)
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2 - 1:.0f}"
        arrows.append(Arrow(source, target, path))
    return arrows


def _port(own: Box, other: str, others: Sequence[str], boxes: Mapping[str, Box]) -> float:
    """Where on its edge a box lets an arrow go or come, in the order of the boxes at the other end."""
    place = sorted(others, key=lambda name: (boxes[name].middle, boxes[name].y, name)).index(other)
    return own.middle + own.width * ((place + 1) / (len(others) + 1) - 0.5) * 0.8
