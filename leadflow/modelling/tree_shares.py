"""What each column adds to the sum of grown trees: exact Shapley values, told for millions of rows in seconds.

The values are those of Lundberg, Erion and Lee (2018), "Consistent Individualized Feature Attribution for Tree Ensembles":
the game in which columns that are not asked are averaged over the training rows that reached each node. XGBoost tells the
same by walking every path of every tree for every row. Trees that explain leads are shallow, so here the game is solved once
for each block of a few nodes and each way in which a row can answer them, and a row only looks its answers up.

Belongs here: cutting trees into blocks, solving a block, telling rows. Does not belong here: growing trees, and what their
columns stand for (trees.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadflow.modelling.columns import Floats

MOST_NODES = 7
"""Questions of a block at most: a whole tree of three levels. A table of a block has two to this power rows and columns."""
_ROWS_AT_ONCE = 8_192
"""So that what is told of them stays in the processor's cache."""

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Question:
    """What a node asks: is the column below the threshold? A missing value answers `missing`."""

    column: int
    threshold: np.float32
    missing: bool


@dataclass(frozen=True)
class _Block:
    """Some leaves of a tree, by all questions that lie above them.

    Attributes:
        questions: places in TreeShares.questions, the lowest bit of an answer first.
        columns: that the questions are about, each once.
        added: what each of the columns adds, a row per column and a column per answer.
    """

    questions: tuple[int, ...]
    columns: tuple[int, ...]
    added: Floats


@dataclass(frozen=True)
class TreeShares:
    """Trees, solved.

    Attributes:
        questions: of all trees, each once.
        blocks: together all leaves of all trees.
        baseline: the trees' sum for the average training row, without the value that they began from.
    """

    questions: tuple[Question, ...]
    blocks: tuple[_Block, ...]
    baseline: float

    @classmethod
    def of(cls, booster: str) -> TreeShares:
        """Solve the trees of XGBoost's JSON.

        Raises:
            ValueError: a tree asks for sets of categories, or is deeper than MOST_NODES.
        """
        places: dict[Question, int] = {}
        blocks: list[_Block] = []
        baseline = 0.0
        for content in json.loads(booster)["learner"]["gradient_booster"]["model"]["trees"]:
            tree = _Tree(content)
            baseline += tree.mean(0)
            blocks += [tree.solved(top, path, places) for top, path in tree.cut(0, ())]
        return cls(tuple(places), tuple(blocks), baseline)

    def told(self, design: Singles, threads: int = 1) -> Floats:
        """What each column adds: an array like `design`, whose rows and the baseline add up to the trees' sum."""
        added = np.zeros(design.shape)

        def tell(start: int) -> None:
            rows = slice(start, start + _ROWS_AT_ONCE)
            added[rows] = self._told(np.ascontiguousarray(design[rows].T)).T

        with ThreadPoolExecutor(max(threads, 1)) as pool:
            list(pool.map(tell, range(0, len(design), _ROWS_AT_ONCE)))
        return added

    def _told(self, values: Singles) -> Floats:
        """As `told`, columns first."""
        answers = [_answers(question, values[question.column]) for question in self.questions]
        added = np.zeros(values.shape)
        share = np.empty(values.shape[1])
        for block in self.blocks:
            answer = np.zeros(values.shape[1], dtype=np.uint8)
            for bit, question in enumerate(block.questions):
                answer |= answers[question] << np.uint8(bit)
            place = answer.astype(np.intp)
            for column, table in zip(block.columns, block.added, strict=True):
                np.take(table, place, out=share, mode="clip")
                added[column] += share
        return added


def _answers(question: Question, values: Singles) -> NDArray[np.uint8]:
    below = ~(values >= question.threshold) if question.missing else values < question.threshold
    return below.view(np.uint8)


class _Tree:
    """One tree of XGBoost's JSON."""

    def __init__(self, content: dict[str, Any]) -> None:
        """Take its nodes."""
        if any(content["split_type"]):
            raise ValueError("trees that ask for sets of categories are not read")
        self.left: list[int] = content["left_children"]
        self.right: list[int] = content["right_children"]
        self.column: list[int] = content["split_indices"]
        self.value: list[float] = content["split_conditions"]
        self.missing = [bool(each) for each in content["default_left"]]
        self.cover: list[float] = content["sum_hessian"]

    def is_leaf(self, node: int) -> bool:
        """Whether it asks nothing."""
        return self.left[node] < 0

    def mean(self, node: int) -> float:
        """The average of the leaves below, by the training rows that reached them."""
        if self.is_leaf(node):
            return self.value[node]
        left, right = self.left[node], self.right[node]
        return self._share(node, left) * self.mean(left) + self._share(node, right) * self.mean(right)

    def cut(self, node: int, path: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Blocks below a node: the top of each, and the nodes above it from the root on."""
        if len(path) + self._asking(node) <= MOST_NODES:
            yield node, path
        elif len(path) == MOST_NODES:
            raise ValueError(f"trees of more than {MOST_NODES} levels are not read")
        else:
            for child in (self.left[node], self.right[node]):
                yield from self.cut(child, (*path, node))

    def solved(self, top: int, path: tuple[int, ...], places: dict[Question, int]) -> _Block:
        """The block's table; its questions get places where they have none yet."""
        nodes = [*path, *self._nodes(top)]
        asked = [self._question(node) for node in nodes]
        questions = tuple(dict.fromkeys(places.setdefault(question, len(places)) for question in asked))
        bits = [questions.index(places[question]) for question in asked]
        columns = tuple(dict.fromkeys(self.column[node] for node in nodes))
        worth = self._worth(top, path, dict(zip(nodes, bits, strict=True)), len(questions), columns)
        return _Block(questions, columns, _weights(len(columns)) @ worth)

    def _worth(
        self, top: int, path: tuple[int, ...], bits: dict[int, int], width: int, columns: tuple[int, ...]
    ) -> Floats:
        """What the block's leaves give: a row per set of columns that are asked (by bits), a column per answer."""
        answer, asked = np.arange(2**width), np.arange(2 ** len(columns)).reshape(-1, 1)

        def met(node: int, below: Floats | float, above: Floats | float) -> Floats:
            is_below = (answer >> bits[node]) & 1 == 1
            is_asked = (asked >> columns.index(self.column[node])) & 1 == 1
            shares = self._share(node, self.left[node]), self._share(node, self.right[node])
            return np.where(is_asked, np.where(is_below, below, above), shares[0] * below + shares[1] * above)

        def worth(node: int) -> Floats | float:
            if self.is_leaf(node):
                return self.value[node]
            return met(node, worth(self.left[node]), worth(self.right[node]))

        given, child = worth(top), top
        for node in reversed(path):
            given = met(node, given, 0.0) if child == self.left[node] else met(node, 0.0, given)
            child = node
        return np.broadcast_to(given, (len(asked), len(answer)))

    def _nodes(self, node: int) -> list[int]:
        """The asking nodes from this one down."""
        if self.is_leaf(node):
            return []
        return [node, *self._nodes(self.left[node]), *self._nodes(self.right[node])]

    def _asking(self, node: int) -> int:
        return len(self._nodes(node))

    def _question(self, node: int) -> Question:
        return Question(self.column[node], np.float32(self.value[node]), self.missing[node])

    def _share(self, node: int, child: int) -> float:
        return self.cover[child] / self.cover[node]


@cache
def _weights(players: int) -> Floats:
    """Shapley's weights: a row per player and a column per set of players (by bits), to be multiplied with the sets' worth."""
    weights = np.zeros((players, 2**players))
    for others in range(2**players):
        size = others.bit_count()
        for player in range(players):
            if not others >> player & 1:
                weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                weights[player, others] -= weight
                weights[player, others | 1 << player] += weight
    return weights
