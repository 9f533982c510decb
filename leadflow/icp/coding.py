"""Facts about accounts as coordinates, in which near means alike.

Belongs here: scaling numbers, coding categories, what is not known. Does not belong here: grouping (segments.py).

Every fact is a block of columns. A number is the logarithm, less the median, over the spread between the quartiles (as
a standard deviation); a category is one column per value. Blocks are then made equally wide, so that a category with
many values counts no more than one number, and weighted by how much the fact has to do with being won: a fact in which
customers are like everybody else says little about who is like a customer. The coordinates of a value come from how
often it is, never from how often it wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
import polars as pl

from leadflow.icp.relevance import association, reason_to_leave_out

Floats = npt.NDArray[np.float64]

FACTS = {"company_size": "number", "industry": "category", "country": "category", "is_listed": "flag"}
"""Facts that any account may have before it buys; nothing that it does, since doing follows from being sold to."""

FLAG_WORDS = {"is_listed": ("not listed", "listed")}

OTHER = "another"
_MOST_VALUES = 30
_SHRINKAGE = 20
"""Accounts' worth of 'another' that every category is drawn towards: rare ones are then alike, not each a kind of its own."""
_WIDEST = 3.0
"""Spreads from the median beyond which a number counts no further."""
_LEAST_VARIANCE = 0.25
"""A flag that one in a hundred has is not blown up to weigh as much as one that halves have."""
_LEAST_WEIGHT = 0.2
_LITTLE = 0.25
"""Of the strongest association, below which a fact has the least weight: a country that tells next to nothing would only
blur what the others tell."""
_TOO_MANY = 1e9
"""No company has so many of anything that is counted here."""
_QUARTILES_OF_NORMAL = 1.349


def readable_facts(accounts: pl.DataFrame) -> pl.DataFrame:
    """The facts as they can be used: numbers above zero and below a billion, texts that say something, flags in words; else null."""
    columns = []
    for fact, kind in FACTS.items():
        if kind == "number":
            number = pl.col(fact).cast(pl.Float64, strict=False)
            columns.append(pl.when((number > 0) & (number < _TOO_MANY)).then(number).alias(fact))
        elif kind == "flag":
            no, yes = FLAG_WORDS[fact]
            columns.append(pl.when(fact).then(pl.lit(yes)).when(~pl.col(fact)).then(pl.lit(no)).alias(fact))
        else:
            text = pl.col(fact).cast(pl.String).str.strip_chars()
            columns.append(pl.when(text != "").then(text).alias(fact))
    return accounts.with_columns(columns)


@dataclass(frozen=True)
class NumberBlock:
    """One number: (log(1 + value) - centre) / spread, times weight."""

    fact: str
    centre: float
    spread: float
    weight: float
    width: int = 1

    def columns(self, values: pl.Series) -> Floats:
        """One column; what is not known lies at the median."""
        logs = np.log1p(values.cast(pl.Float64).fill_null(np.expm1(self.centre)).to_numpy())
        scaled: Floats = np.clip((logs - self.centre) / self.spread, -_WIDEST, _WIDEST) * self.weight
        return scaled[:, None]


@dataclass(frozen=True)
class CategoryBlock:
    """One column per value and one for all others.

    Attributes:
        fact: the column.
        values: those with a column of their own.
        own: by value, how far it is itself and not 'another', 0 to 1.
        average: coordinates of what is not known, before scale and weight: those of all accounts on the average.
        scale: that makes the block as wide as a number's.
        weight: of the fact.
    """

    fact: str
    values: tuple[str, ...]
    own: Floats
    average: Floats
    scale: float
    weight: float

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.values) + 1

    def columns(self, values: pl.Series) -> Floats:
        """`width` columns; what is not known lies where the average account lies."""
        table = np.vstack([_value_coordinates(self.own), self.average])
        last = {None: len(self.values) + 1}
        place = values.replace_strict(
            {**{value: index for index, value in enumerate(self.values)}, **last},
            default=len(self.values),
            return_dtype=pl.Int64,
        )
        coordinates: Floats = table[place.to_numpy()] * (self.scale * self.weight)
        return coordinates


def _value_coordinates(own: Floats) -> Floats:
    """A row per value, and one for what has no column of its own."""
    with_other: Floats = np.vstack(
        [np.column_stack([np.diag(own), 1 - own]), np.append(np.zeros(len(own)), 1.0)]
    )
    return with_other


@dataclass(frozen=True)
class AccountCoding:
    """How facts become coordinates.

    Attributes:
        blocks: in the order of the columns.
        left_out: facts that are not used, and why.
        associations: Cramér's V of each used fact and being won.
    """

    blocks: tuple[NumberBlock | CategoryBlock, ...]
    left_out: Mapping[str, str]
    associations: Mapping[str, float]

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that are used."""
        return tuple(block.fact for block in self.blocks)

    def matrix(self, accounts: pl.DataFrame) -> Floats:
        """One row per account, of `readable_facts`."""
        if not self.blocks:
            return np.zeros((accounts.height, 0))
        return np.hstack([block.columns(accounts[block.fact]) for block in self.blocks])

    def is_known(self, accounts: pl.DataFrame) -> pl.Series:
        """Whether at least one used fact is known of each account."""
        if not self.blocks:
            return pl.repeat(False, accounts.height, dtype=pl.Boolean, eager=True)
        return accounts.select(
            pl.any_horizontal(pl.col(fact).is_not_null() for fact in self.facts)
        ).to_series()

    def parts(self, squares: Floats) -> dict[str, Floats]:
        """Squared differences by column, summed by fact: each fact's part of the squared distance."""
        sums, start = {}, 0
        for block in self.blocks:
            sums[block.fact] = squares[:, start : start + block.width].sum(axis=1)
            start += block.width
        return sums


def fit_coding(accounts: pl.DataFrame, is_won: pl.Series) -> AccountCoding:
    """How the facts of these accounts become coordinates.

    Args:
        accounts: `readable_facts` of all accounts, won or not.
        is_won: whether each was won.
    """
    left_out = {fact: reason_to_leave_out(accounts[fact], is_won) for fact in FACTS}
    used = [fact for fact, reason in left_out.items() if reason is None]
    associations = {fact: association(accounts[fact], is_won) for fact in used}
    strongest = max(associations.values(), default=0.0)
    blocks: list[NumberBlock | CategoryBlock] = []
    for fact in used:
        weight = _weight(associations[fact], strongest)
        known = accounts[fact].drop_nulls()
        blocks.append(
            _number_block(fact, known, weight)
            if FACTS[fact] == "number"
            else _category_block(fact, known, weight)
        )
    return AccountCoding(
        tuple(blocks), {fact: why for fact, why in left_out.items() if why is not None}, associations
    )


def _weight(found: float, strongest: float) -> float:
    """Squared distances go by the association; where nothing has to do with being won, everything counts alike."""
    if strongest <= 0:
        return 1.0
    return sqrt(found / strongest) if found >= _LITTLE * strongest else _LEAST_WEIGHT


def _number_block(fact: str, known: pl.Series, weight: float) -> NumberBlock:
    logs = np.log1p(known.cast(pl.Float64).to_numpy())
    low, middle, high = np.quantile(logs, (0.25, 0.5, 0.75))
    # Half of the accounts may have one value, and then the quartiles have no spread.
    spread = float(high - low) / _QUARTILES_OF_NORMAL or float(logs.std())
    return NumberBlock(fact, float(middle), spread, weight)


def _category_block(fact: str, known: pl.Series, weight: float) -> CategoryBlock:
    counts = (
        known.alias("value")
        .value_counts()
        .sort(["count", "value"], descending=[True, False])
        .head(_MOST_VALUES)
    )
    numbers = counts["count"].to_numpy().astype(np.float64)
    own = numbers / (numbers + _SHRINKAGE)
    shares = np.append(numbers, known.len() - numbers.sum()) / known.len()
    coordinates = _value_coordinates(own)
    average = shares @ coordinates
    variance = float((shares @ coordinates**2 - average**2).sum())
    return CategoryBlock(
        fact, tuple(counts["value"]), own, average, float(1 / np.sqrt(max(variance, _LEAST_VARIANCE))), weight
    )
