from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from leadflow.identity.linkage_clusters import refine

MEMBERS = "abcdef"
PAIRS = st.lists(
    st.tuples(st.sampled_from(list(combinations(MEMBERS, 2))), st.floats(-30, 30)),
    max_size=12,
    unique_by=lambda pair: pair[0],
).map(lambda found: [(one, other, weight) for (one, other), weight in found])


def test_a_clear_contradiction_stops_a_chain():
    assert refine("abc", [("a", "b", 8.0), ("b", "c", 7.0), ("a", "c", -20.0)]) == [("a", "b"), ("c",)]


def test_an_unscored_pair_says_nothing():
    assert refine("abc", [("a", "b", 8.0), ("b", "c", 7.0)]) == [("a", "b", "c")]


def test_a_mild_doubt_does_not_part_what_much_else_ties():
    pairs = [("a", "b", 9.0), ("b", "c", 9.0), ("a", "c", -3.0)]
    assert refine("abc", pairs) == [("a", "b", "c")]


def test_two_groups_with_one_bridge_stay_apart_where_all_else_speaks_against_it():
    inside = [("a", "b", 15.0), ("c", "d", 15.0)]
    across = [("b", "c", 5.0), ("a", "c", -10.0), ("a", "d", -10.0), ("b", "d", -10.0)]
    assert refine("abcd", inside + across) == [("a", "b"), ("c", "d")]


def test_even_odds_and_less_join_nothing():
    assert refine("ab", [("a", "b", 0.0)]) == [("a",), ("b",)]
    assert refine("ab", [("a", "b", 3.0)], least=4.0) == [("a",), ("b",)]


@given(PAIRS, st.randoms())
def test_every_member_is_in_one_group_whatever_the_order(pairs, random):
    groups = refine(MEMBERS, pairs)
    assert sorted(member for group in groups for member in group) == list(MEMBERS)
    shuffled = [
        (other, one, weight) if random.random() < 0.5 else (one, other, weight)
        for one, other, weight in pairs
    ]
    random.shuffle(shuffled)
    assert refine(reversed(MEMBERS), shuffled) == groups
