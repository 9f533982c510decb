"""Pairs after changes are those of the whole, whatever changed."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from leadflow.identity.match_blocks import touched_blocks
from leadflow.identity.match_index import INDEX_COLUMNS, changes
from leadflow.identity.match_rules import rule_pairs, updated_pairs
from leadflow.matching_policy import DEFAULT_MATCH_RULES, Matching
from leadflow_tests.match_records import index_of, lead_record

WITH_WINDOWS = Matching(
    rules=tuple(
        rule.model_copy(update={"window_days": 3, "name": f"{rule.name}_soon"})
        for rule in DEFAULT_MATCH_RULES
    ),
    max_names_per_key=3,
)
NARROW = Matching(max_names_per_key=2)  # crossed again and again by six names at two mailboxes

NAMES = ("Ann Lee", "Anne Lee", "Lee, Ann", "Bob Young", "Ann", None, "王伟", "王经理")
RECORDS = st.builds(
    lambda number, kind, name, mail, phones, company, wechat_id, form, day: lead_record(
        f"{kind}:{number}",
        name,
        mail=mail,
        phones=phones,
        company=company,
        wechat_id=wechat_id,
        form=form,
        day=day,
    ),
    number=st.integers(0, 12),
    kind=st.sampled_from(("mql", "sql_leads")),
    name=st.sampled_from(NAMES),
    mail=st.sampled_from(
        (None, "x@gmail.com", "ann@acme.com", "ann2@acme.com", "bob@globex.com", "info@acme.com")
    ),
    phones=st.lists(st.sampled_from(("+1", "+2", "+3")), max_size=2, unique=True),
    company=st.sampled_from((None, "Acme", "Globex")),
    wechat_id=st.sampled_from((None, "ann_88")),
    form=st.sampled_from((None, "1", "2")),
    day=st.integers(0, 6),
)
STATES = st.lists(RECORDS, max_size=14, unique_by=lambda record: record["record_key"])


@pytest.mark.parametrize("matching", [Matching(), NARROW, WITH_WINDOWS], ids=["default", "narrow", "windows"])
@settings(max_examples=25, deadline=None)
@given(states=st.lists(STATES, min_size=2, max_size=4))
def test_updated_pairs_are_those_of_a_full_run(matching, states):
    index_before = index_of(states[0])
    pairs = rule_pairs(index_before, matching)
    for state in states[1:]:
        # Half of what was there stays as it was, so that there are blocks without a change.
        kept = index_before.filter(pl.col("record_key").str.contains("[02468]$"))
        new = index_of(state).join(kept, on="record_key", how="anti")
        index_now = pl.concat([kept, new]).sort("record_key")
        changed = changes(index_now, index_before)
        pairs = updated_pairs(pairs, index_before, index_now, changed, matching)
        assert_frame_equal(pairs, rule_pairs(index_now, matching))
        index_before = index_now


def test_blocks_without_a_change_are_not_looked_at_again():
    ann = [lead_record(f"mql:{n}", "Ann Lee", mail="a@gmail.com", day=n) for n in range(2)]
    bob = [lead_record(f"mql:{n}", "Bob Young", mail="b@gmail.com", day=n) for n in range(2, 4)]
    before, now = (
        index_of([*ann, *bob]),
        index_of([*ann, *bob, lead_record("mql:9", "Bob Young", mail="b@gmail.com")]),
    )
    changed = changes(now, before)
    marked = rule_pairs(before, Matching()).with_columns(reason=pl.lit("as before"))
    updated = updated_pairs(marked, before, now, changed, Matching())
    of_ann = pl.col("record_key_1") == "mql:0"
    assert updated.filter(of_ann)["reason"].to_list() == ["as before"]
    assert "as before" not in updated.filter(~of_ann)["reason"].to_list()
    touched = touched_blocks(before, now, changed.touched, Matching())
    assert sorted(touched["rule"]) == ["email", "mql_id"]


def test_another_policy_matches_everything_anew():
    records = [lead_record(f"mql:{n}", "Ann Lee", mail="a@acme.com", day=n) for n in range(2)]
    before, now = index_of(records, "old"), index_of(records, "new")
    only_mail = Matching(rules=tuple(rule for rule in DEFAULT_MATCH_RULES if rule.name == "email"))
    pairs = updated_pairs(rule_pairs(before, Matching()), before, now, changes(now, before), only_mail)
    assert_frame_equal(pairs, rule_pairs(now, only_mail))
    assert set(pairs["rule"]) == {"email"}


def test_pairs_of_other_finders_are_left_out():
    records = [lead_record(f"mql:{n}", "Ann Lee", mail="a@acme.com", day=n) for n in range(2)]
    index = index_of(records)
    pairs = rule_pairs(index, Matching())
    with_model = pl.concat([pairs, pairs.head(1).with_columns(rule=pl.lit("model"))])
    same = updated_pairs(with_model, index, index, changes(index, index), Matching())
    assert_frame_equal(same, pairs)


def test_the_first_refresh_has_nothing_before():
    index = index_of([lead_record(f"mql:{n}", "Ann Lee", mail="a@acme.com", day=n) for n in range(2)])
    nothing = pl.DataFrame(schema=INDEX_COLUMNS)
    none = rule_pairs(nothing, Matching())
    first = updated_pairs(none, nothing, index, changes(index, nothing), Matching())
    assert_frame_equal(first, rule_pairs(index, Matching()))
    assert_frame_equal(updated_pairs(first, index, nothing, changes(nothing, index), Matching()), none)
