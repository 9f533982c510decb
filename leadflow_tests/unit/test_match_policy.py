"""The matching policy: its defaults, and that a wrong setting is refused with its line."""

from __future__ import annotations

import itertools

import pytest

from leadflow.errors import ConfigError
from leadflow.matching_policy import DEFAULT_MATCH_RULES, PERSON_LEVELS_OF, Matching
from leadflow.policy import Policy, load_policy
from leadflow.text.person_matching import PERSON_LEVELS

RULE = "matching:\n  rules:\n    - {name: %s, keys: [%s], probability: %s%s}\n"


def load(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path)


def test_the_default_rules_are_the_fields_strongest_first():
    assert [rule.name for rule in DEFAULT_MATCH_RULES] == [
        *("mql_id", "wechat_id", "email", "phone", "domain_person", "company_person", "company_phone")
    ]
    strengths = [rule.probability for rule in DEFAULT_MATCH_RULES]
    assert strengths == sorted(strengths, reverse=True)
    assert Policy().matching == Matching()
    assert Matching().active_rules == DEFAULT_MATCH_RULES


def test_each_setting_of_person_lets_pass_what_the_stricter_one_does():
    levels = list(PERSON_LEVELS_OF.values())
    assert all(stricter <= wider for stricter, wider in itertools.pairwise(levels))
    assert levels[-1] == set(PERSON_LEVELS)


def test_rules_of_ones_own_replace_the_defaults(tmp_path):
    text = RULE % ("ours", "email", 0.9, ", window_days: 90, effect: off") + "  model: off\n"
    matching = load(tmp_path, text).matching
    assert [rule.name for rule in matching.rules] == ["ours"]
    assert matching.active_rules == ()
    assert (matching.rules[0].window_days, matching.rules[0].effect, matching.model) == (90, "off", "off")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (RULE % ("x", "company", 0.9, ""), 3, "rule x would merge strangers"),
        (RULE % ("x", "person", 0.9, ""), 3, "rule x would merge strangers"),
        (RULE % ("x", "company, domain", 0.9, ""), 3, "rule x would merge strangers"),
        (RULE % ("x", "", 0.9, ""), 3, "rule x would merge strangers"),
        (RULE % ("x", "email, email", 0.9, ""), 3, "rule x names a key twice"),
        (RULE % ("x", "company, person", 0.9, ", person: any"), 3, "'person' must be same or alike"),
        (RULE % ("x", "address", 0.9, ""), 3, "'mql_id', 'email'"),
        (RULE % ("x", "email", 0, ""), 3, "greater than 0"),
        (RULE % ("x", "email", 1.1, ""), 3, "less than or equal to 1"),
        (RULE % ("x", "email", 0.9, ", window_days: 0"), 3, "greater than or equal to 1"),
        (RULE % ("x", "email", 0.9, ", effect: merge"), 3, "'match', 'review' or 'off'"),
        (RULE % ("model", "email", 0.9, ""), 3, "'model' is what leadflow calls something else"),
        (RULE % ("My rule", "email", 0.9, ""), 3, "match pattern"),
        (RULE % ("x", "email", 0.9, "") + "    - {name: x, keys: [phone], probability: 0.9}\n", 2, "several rules are named x"),
        ("matching:\n  never_same: {different_mail: true}\n", 2, "is not a known setting"),
        ("matching:\n  never_same: {different_person: maybe}\n", 2, "valid boolean"),
        ("matching:\n  max_names_per_key: 1\n", 2, "greater than or equal to 2"),
        ("matching:\n  max_cluster_profiles: 5000\n", 2, "less than or equal to 1000"),
        ("matching:\n  match_from: 0.4\n", 1, "review_from (0.5) must not be above match_from (0.4)"),
        ("matching:\n  model: 'my model'\n", 2, "match pattern"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_its_line(tmp_path, text, line, says):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert f"policy.yaml:{line} " in str(refused.value)
    assert says in str(refused.value)


def test_the_fingerprint_names_the_settings():
    assert Matching().fingerprint == Matching(rules=tuple(DEFAULT_MATCH_RULES)).fingerprint
    others = [Matching(model="off"), Matching(rules=DEFAULT_MATCH_RULES[:3]), Matching(max_names_per_key=21)]
    assert len({Matching().fingerprint, *(other.fingerprint for other in others)}) == 4
    assert Policy(matching=others[0]).version != Policy().version
