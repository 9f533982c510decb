"""What agreement and disagreement weigh, learned from how often they are seen.

Belongs here: expectation maximisation on counts of agreement patterns, pure numpy. Does not belong here: records, SQL, Splink
(linkage_training.py).

A comparison's levels are its gammas: 0 is 'different', the highest is 'same', -1 is 'not known' and says nothing. Plain expectation
maximisation looks for two groups of pairs, and takes whichever two it finds: where names are few, the larger group is namesakes, not
matches. Three things hold it to matches: it starts from how persons differ (`typical_matches`), m is learned from pairs that are all but
sure, and fields that a whole household shares count less where pairs are seen that agree in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Gammas = NDArray[np.int64]

SURE = 0.95
"""Probability from which a pair teaches m. Below it namesakes and relatives would teach that persons change names and birth dates."""
_SAME, _DIFFERENT = 0.75, 0.07
_PSEUDO_PAIRS = 0.5
"""Pairs that each level is taken to have been seen in beforehand, so that no weight is infinite."""
_LEAST = 1e-6
_LEAST_COINCIDENCE = 0.02
"""Share of the agreements among random pairs that is coincidence at the least, however many of them matches account for."""
_ROUNDS = 200
_SETTLED = 1e-7


@dataclass(frozen=True)
class Patterns:
    """How often pairs agree in what way.

    Attributes:
        gammas: one row per distinct agreement pattern of candidate pairs, one column per comparison.
        counts: candidate pairs of each pattern.
        coincidences: per comparison, by gamma, how many random pairs were seen there.
        possible: pairs that the records can form.
        is_shared: per comparison, whether it is of what a household shares (street, place, phone).
    """

    gammas: Gammas
    counts: Floats
    coincidences: tuple[Floats, ...]
    possible: float
    is_shared: tuple[bool, ...]


@dataclass(frozen=True)
class Learned:
    """Parameters by gamma.

    Attributes:
        prior: probability that two random records are of one person.
        m, u: per comparison, share of pairs of one person, and of two, at each gamma.
        strength: per comparison, what its weights are multiplied by: below 1 where it repeats what others say.
    """

    prior: float
    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    strength: tuple[float, ...]

    def weights(self) -> tuple[Floats, ...]:
        """Per comparison, by gamma, the natural logarithm of the Bayes factor."""
        return tuple(
            strength * np.log(m / u) for m, u, strength in zip(self.m, self.u, self.strength, strict=True)
        )


def typical_matches(levels: int) -> Floats:
    """m by gamma before anything is learned: most pairs of one person say the same, some differ a little, few in everything."""
    shares = np.full(levels, (1 - _SAME - _DIFFERENT) / max(levels - 2, 1))
    shares[0], shares[-1] = _DIFFERENT, _SAME
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def learn(patterns: Patterns, start: float) -> Learned:
    """Parameters from patterns; start is the prior to begin with. Pure and without chance.

    Learned with household fields at their least strength first; how many of the pairs that these fields alone would match are none by
    all fields then says how far the strength must really go down.
    """
    shared = sum(patterns.is_shared)
    least = shared**-0.5 if shared > 1 else 1.0
    learned = _learned(patterns, start, least)
    if least < 1:
        share = _share_of_households(patterns, learned)
        learned = _learned(patterns, start, 1 - (1 - least) * min(1.0, 2 * share))
    return _ordered(learned)


def _learned(patterns: Patterns, start: float, strength: float) -> Learned:
    seen = tuple(
        (counts + _PSEUDO_PAIRS) / (counts + _PSEUDO_PAIRS).sum() for counts in patterns.coincidences
    )
    typical = tuple(typical_matches(len(shares)) for shares in seen)
    strengths = tuple(strength if is_shared else 1.0 for is_shared in patterns.is_shared)
    now = Learned(start, typical, seen, strengths)
    for _ in range(_ROUNDS):
        chances = probabilities(patterns.gammas, now)
        expected = float((patterns.counts * chances).sum())
        prior = float(np.clip(expected / patterns.possible, 1 / patterns.possible, 0.5))
        sure = patterns.counts * np.where(chances > SURE, chances, 0.0)
        m = tuple(
            _shares(patterns.gammas[:, at], sure, _PSEUDO_PAIRS * len(usual) * usual)
            for at, usual in enumerate(typical)
        )
        u = tuple(_coincidences(shares, prior * own) for shares, own in zip(seen, m, strict=True))
        settled = abs(np.log(prior / now.prior)) < _SETTLED
        now = replace(now, prior=prior, m=m, u=u)
        if settled:
            break
    return now


def probabilities(gammas: Gammas, learned: Learned) -> Floats:
    """Probability of each pattern's pairs to be of one person."""
    weights = np.full(len(gammas), np.log(learned.prior / (1 - learned.prior)))
    for at, by_gamma in enumerate(learned.weights()):
        weights += np.append(by_gamma, 0.0)[gammas[:, at]]  # gamma -1 takes the last: not known, 0
    return np.asarray(1 / (1 + np.exp(-np.clip(weights, -500, 500))), dtype=np.float64)


def _shares(gammas: Gammas, pairs: Floats, before: Floats) -> Floats:
    known = gammas >= 0
    sums = np.bincount(gammas[known], weights=pairs[known], minlength=len(before)) + before
    return np.asarray(sums / sums.sum(), dtype=np.float64)


def _coincidences(seen: Floats, of_matches: Floats) -> Floats:
    """What was seen in random pairs less what matches account for."""
    left = np.maximum(seen - of_matches, np.maximum(seen * _LEAST_COINCIDENCE, _LEAST))
    return np.asarray(left / left.sum(), dtype=np.float64)


def _share_of_households(patterns: Patterns, learned: Learned) -> float:
    """Of the pairs that household fields at full strength would match by themselves, the share that is none by all fields."""
    alone = np.zeros(len(patterns.gammas))
    for at, (m, u) in enumerate(zip(learned.m, learned.u, strict=True)):
        if patterns.is_shared[at]:
            alone += np.append(np.log(m / u), 0.0)[patterns.gammas[:, at]]
    vouched = patterns.counts * (alone > -np.log(learned.prior))
    if not vouched.sum():
        return 0.0
    return float((vouched * (1 - probabilities(patterns.gammas, learned))).sum() / vouched.sum())


def _ordered(learned: Learned) -> Learned:
    """A surer level never weighs less than one below it: levels that say otherwise, as those no pair showed may, are given one weight."""
    return replace(
        learned, m=tuple(_rising(m, u) for m, u in zip(learned.m, learned.u, strict=True))
    )  # fmt: skip


def _rising(m: Floats, u: Floats) -> Floats:
    groups: list[tuple[float, float, int]] = []
    for one, other in zip(m.tolist(), u.tolist(), strict=True):
        group = (one, other, 1)
        while groups and groups[-1][0] / groups[-1][1] > group[0] / group[1]:
            before = groups.pop()
            group = (before[0] + group[0], before[1] + group[1], before[2] + group[2])
        groups.append(group)
    ratios: Sequence[float] = [one / other for one, other, size in groups for _ in range(size)]
    return np.asarray(u * np.array(ratios), dtype=np.float64)
