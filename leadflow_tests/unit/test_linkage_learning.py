import numpy as np
import pytest

from leadflow.identity.linkage_learning import Learned, Patterns, learn, probabilities, typical_matches

MATCH, NAMESAKE, OTHER = (2, 2, 2), (2, 2, 0), (0, 0, 0)


def _patterns(
    rows: dict[tuple[int, ...], float], shared: tuple[bool, ...] = (False, False, False)
) -> Patterns:
    gammas = np.array(list(rows), dtype=np.int64)
    counts = np.array(list(rows.values()), dtype=np.float64)
    columns = [
        np.bincount(column[column >= 0], weights=counts[column >= 0], minlength=3).astype(np.float64)
        for column in gammas.T
    ]
    return Patterns(gammas, counts, tuple(columns), float(counts.sum()), shared)


def _chance(learned: Learned, *gammas: int) -> float:
    return float(probabilities(np.array([gammas], dtype=np.int64), learned)[0])


def test_namesakes_who_are_more_than_the_matches_are_not_taken_for_them():
    seen = {
        MATCH: 200.0,
        NAMESAKE: 600.0,
        OTHER: 70_000.0,
        (2, 0, 0): 5_000.0,
        (0, 2, 0): 5_000.0,
        (0, 0, 2): 20.0,
    }
    learned = learn(_patterns(seen), start=1 / 400)
    assert _chance(learned, *MATCH) > 0.95
    assert _chance(learned, *NAMESAKE) < 0.2
    assert 100 < learned.prior * sum(seen.values()) < 300


def test_what_a_household_shares_counts_less_where_pairs_agree_in_nothing_else():
    near = (0, 2, 2)
    seen = {MATCH: 200.0, near: 2_000.0, OTHER: 90_000.0, (0, 2, 0): 300.0, (0, 0, 2): 300.0, (2, 0, 0): 60.0}
    household = learn(_patterns(seen, (False, True, True)), start=1 / 400)
    assert household.strength[1] < household.strength[0] == 1
    assert _chance(household, *MATCH) > _chance(household, *near)
    alone = seen | {near: 1.0}
    assert learn(_patterns(alone, (False, True, True)), start=1 / 400).strength[1] > 0.9


@pytest.mark.parametrize(
    "rows",
    [
        {MATCH: 100.0},
        {OTHER: 100.0},
        {(-1, -1, -1): 100.0},
        {(-1, -1, 2): 99.0, (-1, -1, 0): 1.0},
        {(2, -1, 0): 1.0},
    ],
    ids=["all the same", "all different", "nothing known", "a constant column and empty ones", "one pair"],
)
def test_any_records_give_finite_weights_that_never_rise_with_disagreement(rows):
    learned = learn(_patterns(rows), start=0.01)
    assert 0 < learned.prior <= 0.5
    for weights in learned.weights():
        assert np.isfinite(weights).all()
        assert (np.diff(weights) > -1e-9).all()


@pytest.mark.parametrize("levels", [2, 3, 6])
def test_most_pairs_of_one_person_say_the_same(levels):
    shares = typical_matches(levels)
    assert shares.sum() == pytest.approx(1)
    assert shares[-1] > 0.7
