"""The policy: its defaults, its template, and that a wrong setting is refused with its line."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from leadflow.errors import ConfigError
from leadflow.policy import Policy, load_policy


def write(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_is_exactly_the_defaults():
    template = load_policy(Path(str(files("leadflow") / "templates" / "policy.yaml")))
    assert template == Policy()
    assert template.version == Policy().version


def test_no_file_and_an_empty_file_give_the_defaults(tmp_path):
    assert load_policy(None) == Policy()
    assert load_policy(write(tmp_path, "# nothing set\n")) == Policy()


def test_the_default_points_are_the_fields():
    assert {rule.name: rule.points for rule in Policy().rules} == {
        "large_company": 20,
        "technology_industry": 10,
        "c_level_title": 25,
        "director_title": 15,
        "manager_title": 15,
        "pricing_page": 10,
        "white_paper": 5,
        "webinar": 15,
        "email_reply": 10,
        "spam_report": -20,
        "idle": -5,
        "personal_mail": -10,
        "competitor": -50,
        "suspect_contact": -10,
    }


def test_the_version_names_the_settings_and_not_their_spelling(tmp_path):
    default = Policy().version
    assert len(default) == 12
    assert set(default) <= set("0123456789abcdef")
    assert load_policy(write(tmp_path, "tiers: {warm_from: 40.0, hot_above: 80}\n")).version == default
    assert load_policy(write(tmp_path, "tiers: {warm_from: 41}\n")).version != default
    assert load_policy(write(tmp_path, "competitors: {domains: [rival.com]}\n")).version != default


RULE = "rules:\n  - name: big\n    group: static\n    when: {%s}\n    points: 5\n    reason: Because\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("tiers:\n  hot_above: 80\n  warmfrom: 40\n", 3, "tiers.warmfrom: is not a known setting"),
        ("maturity_pass_mark: 50\nscoring: 1\n", 2, "scoring: is not a known setting"),
        ("tiers:\n  hot_above: 40\n  warm_from: 50\n", 1, "must be below hot_above"),
        ("tiers:\n  hot_above: 40\n  warm_from: 40\n", 1, "must be below hot_above"),
        ("tiers:\n  hot_above: 101\n", 2, "less than or equal to 100"),
        ("grades: {a_from: 50, b_from: 50}\n", 1, "grades must descend"),
        ("levels: {level_3_from: 60}\n", 1, "levels must descend"),
        ("blend:\n  model_weight: 1.1\n", 2, "less than or equal to 1"),
        ("blend:\n  wins_for_full_weight: 0\n", 2, "greater than or equal to 1"),
        ("maturity_pass_mark: yes\n", 1, "valid number"),
        ("contact_checks:\n  role_mail: drop\n", 2, "'reject', 'flag', 'score_down' or 'off'"),
        ("contact_checks:\n  rolemail: flag\n", 2, "is not a known setting"),
        ("contact_checks:\n  made_up_from: 5\n", 2, "less than or equal to 4"),
        ("sensitive_words:\n  words: [casino, 证]\n", 2, "found nearly everywhere"),
        ("sensitive_words:\n  files:\n    - none.txt\n", 3, "cannot be read"),
        ("blocklist:\n  emails: [rival.com]\n", 2, "not an e-mail address"),
        ("blocklist:\n  phones: ['030 901820']\n", 2, "with country code"),
        ("blocklist:\n  ip_ranges: [198.51.100.0/33]\n", 2, "not an IP address or range"),
        ("blocklist:\n  ip_ranges: [198.51.100.9-198.51.100.1]\n", 2, "not an IP address or range"),
        ("competitors:\n  ip_ranges: [198.51.100.7, 198.51.100.7]\n", 2, "listed twice"),
        ("release:\n  - '123'\n", 1, "neither a lead record"),
        ("survivorship:\n  trust: [crm, crm]\n", 2, "crm is listed twice"),
        ("survivorship:\n  fields:\n    phone: {doubted_by: [nonsense]}\n", 3, "no contact check"),
        ("duplicates:\n  repeat_days: -1\n", 2, "greater than or equal to 0"),
        ("training:\n  from: 2023-01-01\n", 1, "'from' and 'from_reason' go together"),
        ("training:\n  moments_days: [7, 0]\n", 2, "ascending"),
        ("training:\n  moments_days: []\n", 2, "at least one"),
        ("training:\n  smoothing: 0\n", 2, "greater than 0"),
        ("training:\n  from_date: 2023-01-01\n", 2, "is not a known setting"),
        ("competitors:\n  domains: [sales@rival.com]\n", 2, "is not a domain"),
        ("competitors:\n  domains: [rival.com, Rival.com]\n", 2, "listed twice"),
        (RULE % "feature: company_size, op: gt, value: many", 4, "op gt needs a number"),
        (RULE % "feature: company_size, op: gt, value: .nan", 4, "op gt needs a number"),
        (RULE % "feature: company_size, op: above, value: 5", 4, "Input should be"),
        (RULE % "feature: company_size, op: in, value: 5", 4, "op in needs a list"),
        (RULE % "feature: industry, op: in, value: [a, 1]", 4, "op in needs a list"),
        (RULE % "feature: industry, op: equals", 4, "op equals needs"),
        (RULE % "feature: is_sql, op: is_true, value: true", 4, "takes no 'value'"),
        (RULE % "feature: email_domain, op: in_list, list: friends", 4, "competitors.domains"),
        (RULE % "feature: industry, op: equals, value: a, list: competitors.domains", 4, "goes with op in_list"),
        (RULE.replace("points: 5", "points: '5'") % "feature: is_sql, op: is_true", 5, "valid number"),
        (RULE.replace("points: 5", "points: .inf") % "feature: is_sql, op: is_true", 5, "finite number"),
        (RULE.replace("Because", "''") % "feature: is_sql, op: is_true", 6, "at least 1 character"),
        (RULE.replace("name: big", "name: Big one") % "feature: is_sql, op: is_true", 2, "match pattern"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_its_line(tmp_path, text, line, says):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_policy(path)
    assert f"{path}:{line} " in str(refused.value)
    assert says in str(refused.value)


def test_two_rules_of_one_name_are_refused(tmp_path):
    rule = RULE % "feature: is_sql, op: is_true"
    with pytest.raises(ConfigError, match="several rules are named big"):
        load_policy(write(tmp_path, rule + rule.removeprefix("rules:\n")))


def test_every_wrong_setting_is_named_at_once(tmp_path):
    with pytest.raises(ConfigError) as refused:
        load_policy(write(tmp_path, "maturity_pass_mark: -1\npublish:\n  mask: true\n"))
    assert "policy.yaml:1 maturity_pass_mark" in str(refused.value)
    assert "policy.yaml:3 publish.mask" in str(refused.value)


def test_a_start_with_its_reason_is_taken(tmp_path):
    training = load_policy(
        write(tmp_path, "training: {from: 2023-01-01, from_reason: new market}\n")
    ).training
    assert str(training.from_date) == "2023-01-01"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match="leadflow init"):
        load_policy(tmp_path / "policy.yaml")


def test_a_bare_off_switches_a_check_off(tmp_path):
    assert (
        load_policy(write(tmp_path, "contact_checks: {role_mail: off}\n")).contact_checks.role_mail == "off"
    )


def test_words_in_files_count_and_change_the_version(tmp_path):
    (tmp_path / "words.txt").write_text("# ours\nponzi  # a scheme\n\n传销\n", encoding="utf-8")
    text = "sensitive_words: {words: [casino], files: [words.txt]}\n"
    policy = load_policy(write(tmp_path, text))
    assert policy.sensitive_words.words == ("casino", "ponzi", "传销")
    (tmp_path / "words.txt").write_text("ponzi\n", encoding="utf-8")
    assert load_policy(write(tmp_path, text)).version != policy.version


def test_a_short_word_in_a_file_is_refused_with_its_line(tmp_path):
    (tmp_path / "words.txt").write_text("ponzi\n证\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"words\.txt:2 holds '证'"):
        load_policy(write(tmp_path, "sensitive_words: {files: [words.txt]}\n"))
