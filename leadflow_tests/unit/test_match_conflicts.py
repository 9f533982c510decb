"""What no cluster may hold."""

from __future__ import annotations

import polars as pl
import pytest

from leadflow.identity.match_conflicts import NEVER_SAME_COLUMNS, are_numbered_apart, never_same_pairs
from leadflow.matching_policy import Matching, NeverSame
from leadflow_tests.match_records import index_of, lead_record

MAIL_RULE, PERSON_RULE = "different_mail_same_company", "different_person"


def conflicts(*records, matching=None, component=1):
    index = index_of(records)
    components = index.select("record_key", component=pl.lit(component))
    pairs = never_same_pairs(index, components, matching or Matching())
    assert dict(pairs.schema) == NEVER_SAME_COLUMNS
    return set(pairs.rows())


def two(one, other):
    found = conflicts(lead_record("mql:1", **one), lead_record("mql:2", **{"day": 1, **other}))
    return {rule for _, _, rule in found}


@pytest.mark.parametrize(
    ("one", "other", "rules"),
    [
        ({"name": "王伟", "mail": "w@acme.cn"}, {"name": "王芳", "mail": "f@acme.cn"}, {MAIL_RULE}),
        ({"name": "Ann Lee", "mail": "a@acme.com"}, {"name": "Bob Young", "mail": "b@acme.com"}, {MAIL_RULE, PERSON_RULE}),
        ({"name": "Ann Lee", "mail": "ann.lee@acme.com"}, {"name": "Ann Lee", "mail": "ann.lee2@acme.com"}, {MAIL_RULE}),
        ({"name": "Ann Lee", "mail": "ann.lee@acme.com"}, {"name": None, "mail": "ann.lee2@acme.com"}, {MAIL_RULE}),
        ({"name": "Ann Lee", "mail": "ann@acme.com"}, {"name": "Ann Lee", "mail": "a.lee@acme.com"}, set()),
        ({"name": "Ann Lee", "mail": "ann1@gmail.com"}, {"name": "Ann Lee", "mail": "ann2@gmail.com"}, set()),
        ({"name": "Ann Lee", "mail": "ann@acme.com"}, {"name": "Tom Lee", "mail": "info@acme.com"}, set()),
        ({"name": "Ann Lee"}, {"name": "Bob Young"}, {PERSON_RULE}),
        ({"name": "Ann Lee"}, {"name": "Bob"}, set()),
        ({"name": "Ann Lee"}, {"name": None}, set()),
        ({"name": "Ann Lee"}, {"name": "Ann Young"}, set()),
        ({"name": "Ann Lee", "mail": "x@gmail.com"}, {"name": "Bob Young", "mail": "x@gmail.com"}, set()),
        ({"name": "Ann Lee", "wechat_id": "x"}, {"name": "Bob Young", "wechat_id": "x"}, set()),
        ({"name": "Ann Lee", "mail": "info@acme.com"}, {"name": "Bob Young", "mail": "info@acme.com"}, {PERSON_RULE}),
    ],
)  # fmt: skip
def test_two_records_of_one_cluster(one, other, rules):
    assert two(one, other) == rules


def test_a_crm_lead_and_the_form_it_names_may_have_two_names():
    assert not conflicts(lead_record("mql:1", "Ann Lee"), lead_record("sql_leads:2", "Bob Young", form="1"))


def test_a_rule_that_is_off_finds_nothing():
    records = [
        lead_record("mql:1", "Ann Lee", mail="a@acme.com"),
        lead_record("mql:2", "Bob Young", mail="b@acme.com"),
    ]
    settings = {(True, True): {MAIL_RULE, PERSON_RULE}, (True, False): {MAIL_RULE}, (False, True): {PERSON_RULE}, (False, False): set()}  # fmt: skip
    for (mail, person), rules in settings.items():
        never = NeverSame(different_mail_same_company=mail, different_person=person)
        found = conflicts(*records, matching=Matching(never_same=never))
        assert {rule for _, _, rule in found} == rules


def test_records_of_other_clusters_and_records_alone_are_no_conflict():
    index = index_of(
        [lead_record("mql:1", "Ann Lee"), lead_record("mql:2", "Bob Young"), lead_record("mql:3", "Cy Kim")]
    )
    components = pl.DataFrame({"record_key": ["mql:1", "mql:2"], "component": [1, 2]})
    assert never_same_pairs(index, components, Matching()).is_empty()
    assert never_same_pairs(index.clear(), components.clear(), Matching()).is_empty()


def test_the_first_known_of_a_profile_stands_for_it_and_the_order_of_rows_does_not_matter():
    records = [
        lead_record(f"mql:{n}", name, day=9 - n)
        for n, name in enumerate(["Ann Lee", "Ann Lee", "Bob Young", "Bob Young"])
    ]
    assert conflicts(*records) == conflicts(*records[::-1]) == {("mql:1", "mql:3", PERSON_RULE)}


def test_a_cluster_without_end_is_looked_at_in_part():
    names = [
        f"{given} {family}" for given in ("Ann", "Bob", "Cyril", "Dora") for family in ("Lee", "Young", "Kim")
    ]
    records = [lead_record(f"mql:{n:02}", name, day=n) for n, name in enumerate(names)]
    few = conflicts(*records, matching=Matching(max_cluster_profiles=5))
    assert few
    assert max(record_key for _, record_key, _ in few) == "mql:04"


@pytest.mark.parametrize(
    ("one", "other", "is_apart"),
    [
        ("ann.lee@acme.com", "ann.lee2@acme.com", True),
        ("ann.lee_7439359@acme.com", "ann.lee@acme.com", True),
        ("ann3@acme.com", "ann2@acme.com", True),
        ("ann@acme.com", "ann@acme.com", False),
        ("ann@acme.com", "anm@acme.com", False),
        ("ann@acme.com", "ann2@globex.com", False),
    ],
)
def test_namesakes_are_numbered(one, other, is_apart):
    table = pl.DataFrame({"mailbox": [one], "other_mailbox": [other]})
    assert table.select(are_numbered_apart()).item() is is_apart
