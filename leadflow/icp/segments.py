"""Won accounts in groups: how many, how sure, and where their centres are.

Belongs here: K-Means, the choice of k, merging small groups. Does not belong here: what coordinates mean (coding.py),
how often accounts of a group win (profile.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leadflow.icp.coding import Floats
from leadflow.icp_policy import IdealCustomer

Labels = npt.NDArray[np.int64]

_MOST_POINTS = 3_000
"""Won accounts that groups are looked for in; of more, so many are drawn. Centres hardly move beyond."""
_SILHOUETTE_POINTS = 2_000
_RESAMPLES = 10
_RESAMPLED_POINTS = 1_500
_LEAST_OF_BEST = 2 / 3
"""Of the best silhouette, that a number of groups has to come up to. Two halves of one long cloud are further apart than
the groups that it is made of, so the best alone is mostly 2, which says little about anybody."""
_LEAST_RADIUS = 1e-6


@dataclass(frozen=True)
class Trial:
    """One number of groups: mean silhouette (-1 to 1) and stability (adjusted Rand index, 1 is the same every time)."""

    k: int
    silhouette: float
    stability: float


@dataclass(frozen=True)
class Grouping:
    """Groups of won accounts.

    Attributes:
        centres: one row per group.
        radii: distance from the centre that takes in the policy's share of the group's won accounts.
        trials: what was tried; empty where there is nothing to group.
        merged: groups that were too small and went into their neighbours.
    """

    centres: Floats
    radii: Floats
    trials: tuple[Trial, ...]
    merged: int

    @property
    def chosen(self) -> Trial | None:
        """The trial that the groups come from, before merging; None where no number of groups was stable."""
        before = len(self.centres) + self.merged
        return next((trial for trial in self.trials if trial.k == before), None)


def find_segments(points: Floats, policy: IdealCustomer) -> Grouping:
    """Groups of won accounts by K-Means.

    The number of groups is the largest that resampling finds again and whose silhouette is two thirds of the best of
    these at least (`choose_k`). Found again: the mean adjusted Rand index (Hubert and Arabie, 1985) of ten bootstrap samples' groupings with the
    grouping of all (after Hennig, Cluster-wise assessment of cluster stability, 2007) is minimum_stability at least.
    Where none is stable there is one group.

    Args:
        points: coordinates, one row per won account; at least one.
        policy: numbers and seed.
    """
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(policy.seed)
    if len(points) > _MOST_POINTS:
        points = points[np.sort(rng.choice(len(points), _MOST_POINTS, replace=False))]
    with threadpool_limits(limits=1):  # sums that several threads share differ in their last digits
        trials = _trials(points, rng, policy)
        k = choose_k(trials, policy.minimum_stability)
        labels = _k_means(points, k, policy.seed)[0] if k > 1 else np.zeros(len(points), dtype=np.int64)
    labels = merge_small(points, labels, policy.minimum_segment_accounts)
    groups = np.unique(labels)
    centres = np.vstack([points[labels == group].mean(axis=0) for group in groups])
    radii = np.array(
        [
            np.quantile(np.linalg.norm(points[labels == group] - centre, axis=1), policy.radius_share)
            for group, centre in zip(groups, centres, strict=True)
        ]
    )
    return Grouping(centres, np.maximum(radii, _LEAST_RADIUS), trials, k - len(groups))


def choose_k(trials: Sequence[Trial], minimum_stability: float) -> int:
    """The largest stable number of groups that is nearly as good as the best; 1 where none is stable and parted."""
    stable = [trial for trial in trials if trial.stability >= minimum_stability and trial.silhouette > 0]
    if not stable:
        return 1
    best = max(trial.silhouette for trial in stable)
    return max(trial.k for trial in stable if trial.silhouette >= best * _LEAST_OF_BEST)


def merge_small(points: Floats, labels: Labels, minimum: int) -> Labels:
    """Labels after every group with fewer than `minimum` points went into the group with the nearest centre, the
    smallest first; one group is left alone, however small."""
    labels = labels.copy()
    while True:
        groups, counts = np.unique(labels, return_counts=True)
        smallest = int(np.argmin(counts))
        if len(groups) == 1 or counts[smallest] >= minimum:
            return labels
        centres = np.vstack([points[labels == group].mean(axis=0) for group in groups])
        distances = np.linalg.norm(centres - centres[smallest], axis=1)
        distances[smallest] = np.inf
        labels[labels == groups[smallest]] = groups[int(np.argmin(distances))]


def _trials(points: Floats, rng: np.random.Generator, policy: IdealCustomer) -> tuple[Trial, ...]:
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    distinct = len(np.unique(points.round(9), axis=0))
    most = min(policy.most_segments, distinct, len(points) // policy.minimum_segment_accounts)
    sample = np.sort(rng.choice(len(points), min(_SILHOUETTE_POINTS, len(points)), replace=False))
    drawn = [rng.integers(0, len(points), min(len(points), _RESAMPLED_POINTS)) for _ in range(_RESAMPLES)]
    trials = []
    for k in range(2, most + 1):
        labels = _k_means(points, k, policy.seed)[0]
        in_sample = labels[sample]
        # Two groups at least have to be in the sample, and none of them may be all of it.
        is_split = 2 <= len(np.unique(in_sample)) < len(sample)
        silhouette = float(silhouette_score(points[sample], in_sample)) if is_split else -1.0
        agreements = [
            adjusted_rand_score(
                labels, _k_means(points[draw], k, policy.seed + 1, starts=5)[1].predict(points)
            )
            for draw in drawn
            if len(np.unique(points[draw].round(9), axis=0)) >= k
        ]
        trials.append(Trial(k, silhouette, float(np.mean(agreements)) if agreements else 0.0))
    return tuple(trials)


def _k_means(points: Floats, k: int, seed: int, starts: int = 10) -> tuple[Labels, Any]:
    """Labels of the points, and the fitted model."""
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters=k, n_init=starts, random_state=seed).fit(points)
    return model.labels_.astype(np.int64), model
