"""Small vectorised helpers that turn arrays of numbers into columns of a file.

Belongs here: choosing, expanding, formatting, without a loop per row. Does not belong here: anything about leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600


def choose(rng: np.random.Generator, weights: Sequence[float] | Floats, count: int) -> Ints:
    """`count` indexes into `weights`, each drawn with a probability in proportion to its weight."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    result: Ints = np.minimum(drawn, len(cumulative) - 1).astype(np.int64)
    return result


def sigmoid(logit: Floats) -> Floats:
    """Probability of a logit."""
    result: Floats = 1.0 / (1.0 + np.exp(-logit))
    return result


def logit(probability: float) -> float:
    """Logit of a probability."""
    return float(np.log(probability / (1.0 - probability)))


def words(choices: Sequence[str], index: Ints, missing: Bools | None = None) -> pl.Series:
    """The word at each index; null where `missing`."""
    return blank(pl.Series("words", list(choices), dtype=pl.String).gather(index), missing)


def nested_words(choices: Sequence[Sequence[str]], outer: Ints, fraction: Floats) -> pl.Series:
    """From the list at each `outer` index, the word that `fraction` (0 to 1) points at."""
    lengths = np.array([len(group) for group in choices], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    inner = np.minimum((fraction * lengths[outer]).astype(np.int64), lengths[outer] - 1)
    return words([word for group in choices for word in group], starts[outer] + inner)


def blank(column: pl.Series, missing: Bools | None) -> pl.Series:
    """The column with nulls where `missing`."""
    if missing is None:
        return column
    return pl.select(pl.when(pl.Series(~missing)).then(column)).to_series()


def ids(prefix: str, numbers: Ints, width: int = 8, missing: Bools | None = None) -> pl.Series:
    """Identifiers such as F00000042."""
    return blank(prefix + pl.Series(numbers).cast(pl.String).str.zfill(width), missing)


def instants(seconds: Ints, missing: Bools | None = None) -> pl.Series:
    """UTC instants, without a zone, from whole seconds since 1970."""
    return blank(pl.Series(seconds * 1_000_000).cast(pl.Datetime("us")), missing)


def ip_addresses(
    numbers: npt.NDArray[np.uint32], network: Ints | None = None, prefixes: Sequence[str] = ("",)
) -> pl.Series:
    """Dotted addresses of 32-bit numbers; the first part is kept within 11 to 218, never private or multicast.

    Where `network` is not 0 the address begins with that one of the `prefixes`, such as "192.0.2.".
    """
    first = 11 + (numbers >> 24) % 208
    first = np.where((first == 127) | (first == 172) | (first == 192), first + 1, first)
    frame = pl.DataFrame(
        {
            "a": first,
            "b": (numbers >> 16) & 255,
            "c": (numbers >> 8) & 255,
            "d": (1 + (numbers & 255) % 254).astype(np.uint32),
        }
    )
    anywhere = frame.select(pl.concat_str(pl.all(), separator="."))
    if network is None or not network.any():
        return anywhere.to_series()
    of_network = words(prefixes, network) + frame["d"].cast(pl.String)
    return anywhere.select(
        pl.when(pl.Series(network == 0)).then(pl.first()).otherwise(of_network)
    ).to_series()


def number_repeats(stem: pl.Series) -> pl.Series:
    """The stem, with 2, 3, ... after its second, third, ... occurrence; unique where no stem ends in a digit."""
    rank = pl.col("stem").cum_count().over("stem")
    suffixed = pl.when(rank > 1).then(pl.format("{}{}", "stem", rank)).otherwise("stem")
    return pl.DataFrame({"stem": stem}).select(suffixed.alias("stem")).to_series()


def frame(columns: dict[str, Any]) -> pl.DataFrame:
    """A frame of columns, named by the keys whatever the series themselves are called."""
    return pl.DataFrame([pl.Series(name, values) for name, values in columns.items()])
