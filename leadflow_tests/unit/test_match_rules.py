"""The rules of the policy: which records they pair, and that a large block costs no more than sorting it."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.identity.match_blocks import rule_keys, shared_keys
from leadflow.identity.match_rules import PAIR_COLUMNS, rule_pairs
from leadflow.matching_policy import DEFAULT_MATCH_RULES, Matching, MatchRule
from leadflow_tests.match_records import index_of, lead_record

PHONE, OTHER_PHONE = "+4930901820", "+4940123456"


def found(*records: dict[str, object], matching: Matching | None = None) -> set[tuple[str, str, str]]:
    """Rule and the last letters of both record keys of every pair."""
    pairs = rule_pairs(index_of(records), matching or Matching())
    letters = [pl.col(f"record_key_{side}").str.split(":").list.last() for side in (1, 2)]
    return set(pairs.select("rule", *letters).rows())


def one_rule(*keys: str, **settings: object) -> Matching:
    rule = MatchRule.model_validate({"name": "rule", "keys": keys, "probability": 0.9, **settings})
    return Matching(rules=(rule,))


def two(one: dict[str, object], other: dict[str, object]) -> set[str]:
    """The rules that pair two records."""
    records = [lead_record("mql:A", **one), lead_record("mql:B", **{"day": 1, **other})]
    return {rule for rule, _, _ in found(*records)}


ANN = {"name": "Ann Lee"}


@pytest.mark.parametrize(
    ("one", "other", "rules"),
    [
        ({**ANN, "mail": "a@acme.com"}, {**ANN, "mail": "a@acme.com"}, {"email", "domain_person"}),
        ({**ANN, "mail": "a@gmail.com"}, {"name": None, "mail": "a@gmail.com"}, {"email"}),
        ({**ANN, "mail": "a@gmail.com"}, {"name": "Ann Smith", "mail": "a@gmail.com"}, {"email"}),
        ({**ANN, "mail": "a@gmail.com"}, {"name": "Bob Young", "mail": "a@gmail.com"}, set()),
        ({**ANN, "mail": "info@acme.com"}, {**ANN, "mail": "info@acme.com"}, {"domain_person"}),
        ({**ANN, "mail": "info@acme.com"}, {"name": None, "mail": "info@acme.com"}, set()),
        ({**ANN, "phones": [PHONE]}, {"name": "Lee, Ann", "phones": [OTHER_PHONE, PHONE]}, {"phone"}),
        ({**ANN, "phones": [PHONE]}, {"name": "Bob Young", "phones": [PHONE]}, set()),
        ({**ANN, "phones": [PHONE]}, {"name": None, "phones": [PHONE]}, set()),
        ({**ANN, "phones": [PHONE]}, {"name": "Tom Lee", "phones": [PHONE]}, set()),
        ({"name": "王伟", "phones": [PHONE]}, {"name": "王经理", "phones": [PHONE]}, {"phone"}),
        ({"name": "王伟", "phones": [PHONE]}, {"name": "王芳", "phones": [PHONE]}, set()),
        ({**ANN, "phones": [PHONE], "company": "Acme"}, {"name": None, "phones": [PHONE], "company": "Acme Inc."}, {"company_phone"}),
        ({**ANN, "company": "Acme"}, {**ANN, "company": "Acme Inc."}, {"company_person"}),
        ({"name": "Robert Lee", "company": "Acme"}, {"name": "Bob Lee", "company": "Acme"}, {"company_person"}),
        ({"name": "王伟", "company": "Acme"}, {"name": "Wang Wei", "company": "Acme"}, {"company_person"}),
        ({"name": "王伟", "company": "Acme"}, {"name": "李伟", "company": "Acme"}, set()),
        ({"name": "王经理", "company": "Acme"}, {"name": "王经理", "company": "Acme"}, set()),
        ({"name": "王经理", "company": "Acme"}, {"name": "王伟", "company": "Acme"}, set()),
        ({**ANN, "company": "Acme"}, {**ANN, "company": "Globex"}, set()),
        ({**ANN, "mail": "ann.lee@acme.com"}, {**ANN, "mail": "ann.lee2@acme.com"}, set()),
        ({**ANN, "mail": "ann.lee@acme.com"}, {**ANN, "mail": "a.lee@acme.com"}, {"domain_person"}),
        ({**ANN, "company": "Acme", "mail": "lee1@gmail.com"}, {**ANN, "company": "Acme", "mail": "lee2@gmail.com"}, {"company_person"}),
        ({**ANN, "company": "恒图机械", "mail": "a@a.cn"}, {**ANN, "company": "恒图物流", "mail": "a@b.cn"}, set()),
        ({"name": "Bob Young", "wechat_id": "ann_88"}, {"name": None, "wechat_id": "ann_88"}, {"wechat_id"}),
        ({**ANN, "company": "公司"}, {**ANN, "company": "公司"}, set()),
        ({**ANN}, {**ANN}, set()),
        ({**ANN, "mail": "", "wechat_id": "", "company": ""}, {**ANN, "mail": "", "wechat_id": "", "company": ""}, set()),
    ],
)  # fmt: skip
def test_two_records_are_paired_by_these_rules(one, other, rules):
    assert two(one, other) == rules


def test_a_crm_lead_goes_with_the_form_it_names_unless_mailbox_and_name_both_differ():
    form = lead_record("mql:1", "Ann Lee", mail="ann@acme.com")
    cases = {
        "A": lead_record("sql_leads:A", form="1"),
        "B": lead_record("sql_leads:B", "Bob Young", form="1"),
        "C": lead_record("sql_leads:C", "Ann Lee", mail="ann@globex.com", form="1"),
        "D": lead_record("sql_leads:D", "Bob Young", mail="bob@globex.com", form="1"),
    }
    paired = {letter for letter, crm in cases.items() if ("mql_id", "1", letter) in found(form, crm)}
    assert paired == {"A", "B", "C"}


def test_crm_leads_that_name_one_form_are_paired_also_where_the_form_is_not_there():
    assert found(lead_record("sql_leads:A", form="9"), lead_record("sql_leads:B", form="9", day=1)) == {
        ("mql_id", "A", "B")
    }


def test_a_name_that_is_part_of_several_goes_with_the_first_known_only():
    records = [
        lead_record("mql:A", "王伟", phones=[PHONE], day=2),
        lead_record("mql:B", "王芳", phones=[PHONE], day=1),
        lead_record("mql:C", "王经理", phones=[PHONE], day=0),
    ]
    assert found(*records) == {("phone", "B", "C")}


def test_records_without_a_name_go_with_the_first_known_name_and_do_not_tie_two_names():
    matching = one_rule("email", person="not_different")
    records = [
        lead_record("mql:A", "Ann Lee", mail="x@gmail.com", day=2),
        lead_record("mql:B", "Bob Young", mail="x@gmail.com", day=1),
        lead_record("mql:C", None, mail="x@gmail.com", day=0),
        lead_record("mql:D", None, mail="x@gmail.com", day=3),
    ]
    assert found(*records, matching=matching) == {("rule", "B", "C"), ("rule", "C", "D")}


@pytest.mark.parametrize(
    ("days", "window_days", "pairs"),
    [
        ((0, 90, 180), 90, {("A", "B"), ("B", "C")}),
        ((0, 90, 181), 90, {("A", "B")}),
        ((0, 91, 182), 90, set()),
        ((0, 91, 182), None, {("A", "B"), ("A", "C")}),
    ],
)
def test_with_a_window_records_are_chained_in_time(days, window_days, pairs):
    matching = one_rule("email", window_days=window_days)
    records = [
        lead_record(f"mql:{letter}", "Ann Lee", mail="a@gmail.com", day=day)
        for letter, day in zip("ABC", days, strict=True)
    ]
    assert {pair[1:] for pair in found(*records, matching=matching)} == pairs


def test_with_a_window_two_names_are_tied_where_they_meet_in_time():
    records = [
        lead_record("mql:A", "Robert Lee", mail="a@gmail.com", day=0),
        lead_record("mql:B", "Robert Lee", mail="a@gmail.com", day=200),
        lead_record("mql:C", "Bob Lee", mail="a@gmail.com", day=210),
    ]
    assert found(*records, matching=one_rule("email", window_days=30)) == {("rule", "B", "C")}


def test_any_name_ties_all_records_of_a_key_to_the_first_known():
    records = [
        lead_record(f"mql:{n}", f"{name} Lee", mail="a@gmail.com", day=n)
        for n, name in enumerate(["Ann", "Bob", "Cy"])
    ]
    assert found(*records, matching=one_rule("email", person="any")) == {
        ("rule", "0", "1"),
        ("rule", "0", "2"),
    }


@pytest.mark.parametrize("person", ["same", "alike", "alike_or_none", "not_different", "any"])
def test_a_key_of_too_many_names_pairs_equal_names_alone_and_is_told(person):
    names = ["Ann Lee", "Bob Young", "Cy Kim", "Ann Lee", None, "Anne Lee"]
    records = [lead_record(f"mql:{n}", name, mail="a@gmail.com", day=n) for n, name in enumerate(names)]
    matching = one_rule("email", person=person).model_copy(update={"max_names_per_key": 3})
    index = index_of(records)
    assert found(*records, matching=matching) == {("rule", "0", "3")}
    block = rule_keys(index, matching.rules[0])["block"][0]
    assert shared_keys(index, matching).rows() == [("rule", block, 4, 6)]
    wider = matching.model_copy(update={"max_names_per_key": 4})
    assert shared_keys(index, wider).is_empty()
    assert len(found(*records, matching=wider)) > (0 if person == "same" else 1)


def test_a_mailbox_of_50_000_records_gives_fewer_pairs_than_records():
    names = ["ann" + "abcdefghijklmnopqrst"[n % 20] for n in range(50_000)]
    few = index_of([lead_record("mql:0", "Ann Lee", mail="sales@gmail.com")])
    many = few[[0] * 50_000].with_columns(
        record_key="mql:" + pl.int_range(50_000).cast(pl.String),
        given_name=pl.Series(names),
    )
    pairs = rule_pairs(many, Matching())
    assert 0 < pairs.height < 50_000 + 200
    assert pairs.select("record_key_1", "record_key_2").is_duplicated().sum() == 0


def test_the_order_of_rows_does_not_matter_and_ties_of_known_at_go_by_the_record_key():
    records = [lead_record(f"mql:{n}", "Ann Lee", mail="a@acme.com", company="Acme") for n in range(5)]
    index = index_of(records)
    pairs = rule_pairs(index, Matching())
    assert_frame_equal(rule_pairs(index.reverse(), Matching()), pairs)
    assert set(pairs["record_key_1"]) == {"mql:0"}


def test_a_pair_tells_rule_strength_reason_and_since_when():
    crm = lead_record("sql_leads:1", "Bob Lee", mail="b@gmail.com", day=5)
    form = lead_record("mql:2", "Robert Lee", mail="b@gmail.com", day=7)
    pair = rule_pairs(index_of([crm, form]), Matching()).row(0, named=True)
    assert dict(rule_pairs(index_of([crm, form]), Matching()).schema) == PAIR_COLUMNS
    assert (pair["record_key_1"], pair["record_key_2"]) == ("mql:2", "sql_leads:1")
    assert (pair["rule"], pair["probability"], pair["decision"]) == ("email", 0.99, "match")
    assert pair["reason"] == "same mailbox, one name short for the other"
    assert pair["known_from"] == form["known_at"]
    assert pair["weights"] is None
    assert pair["refused_because"] is None


def test_a_rule_for_review_says_so_and_one_that_is_off_finds_nothing():
    records = [lead_record(f"mql:{n}", "Ann Lee", mail="a@acme.com", day=n) for n in range(2)]
    index = index_of(records)
    assert set(rule_pairs(index, one_rule("email", effect="review"))["decision"]) == {"review"}
    assert rule_pairs(index, one_rule("email", effect="off")).is_empty()
    assert rule_pairs(index, Matching(rules=())).is_empty()
    assert rule_pairs(index.clear(), Matching()).is_empty()


def test_each_rule_has_blocks_of_its_own():
    index = index_of([lead_record("mql:1", "Ann Lee", mail="x@acme.com", wechat_id="x@acme.com")])
    blocks = [block for rule in DEFAULT_MATCH_RULES for block in rule_keys(index, rule)["block"]]
    assert (
        len(blocks) == len(set(blocks)) == 5
    )  # form, WeChat id, mailbox, two words of the name at the domain
