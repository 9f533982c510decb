"""The bot rules' policy and the list of agents; what the SQL models find is told by their examples."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from leadflow.bot_policy import BOT_RULES, OUTLIER_RULES, Bots
from leadflow.clean.web_agents import judge_agents
from leadflow.errors import ConfigError
from leadflow.policy import load_policy

REPOSITORY = Path(__file__).resolve().parents[2]

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "rule"),
    [
        (CHROME, None),
        (
            "Mozilla/5.0 (Linux; Android 15; CUBOT X70) AppleWebKit/537.36 Chrome/137.0.0.0 Mobile Safari/537.36",
            None,
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "known_agent"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "known_agent"),
        ("curl/8.14.1", "known_agent"),
        ("python-requests/2.32.3", "known_agent"),
        ("Scrapy/2.13 (+https://scrapy.org)", "known_agent"),
        (f"{CHROME} Acme-Monitor/1", "known_agent"),
        ("curl/8 acme-uptime", None),
        ("", "no_agent"),
        (" - ", "no_agent"),
    ],
)
def test_agents(agent: str, rule: str | None) -> None:
    policy = Bots(more_agents=("acme-monitor",), allowed_agents=("Acme-Uptime",))
    judged = judge_agents(pl.Series([agent], dtype=pl.String), policy)
    assert judged.select("user_agent", "bot_rule").rows() == [(agent, rule)]
    assert (judged["bot_reason"][0] is None) == (rule is None)


def test_no_agents_are_no_rows() -> None:
    judged = judge_agents(pl.Series([], dtype=pl.String), Bots())
    assert judged.rows() == []
    assert judged.schema["bot_rule"] == pl.String


def test_dbt_takes_the_defaults_of_the_policy() -> None:
    project = yaml.safe_load((REPOSITORY / "dbt_like_sql" / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["bots"] == Bots().sql_variables()


def test_every_rule_can_be_switched_off(tmp_path: Path) -> None:
    rules = (*BOT_RULES, *OUTLIER_RULES)
    text = "bots:\n" + "".join(f"  {rule}: off\n" for rule in rules)
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    assert load_policy(tmp_path / "policy.yaml").bots.in_force == ()
    assert set(Bots().in_force) == set(rules) - {"long_stay"}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("203.0.113.7", 3405803783, 3405803783),
        ("203.0.113.0/24", 3405803776, 3405804031),
        ("203.0.113.1 - 203.0.113.9", 3405803777, 3405803785),
    ],
)
def test_ranges(text: str, first: int, last: int) -> None:
    assert Bots(data_centre_ranges=(text,)).sql_variables()["data_centre_ranges"] == [[first, last]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("data_centre_ranges: ['2001:db8::/32']", "not an IPv4 address or range"),
        ("data_centre_ranges: [203.0.113.9-203.0.113.1]", "not an IPv4 address or range"),
        ("minute_rate: reject", "minute_rate"),
        ("events_per_minute: 1", "events_per_minute"),
        ("regular_variation: 0", "regular_variation"),
        ("sessions: 3", "sessions"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"bots:\n  {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_policy(path)
    assert "policy.yaml:2" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({}, 10), ({"events_per_minute": 8}, 4), ({"session_hours": 4}, 2), ({"regular_events": 60}, 12)],
)
def test_a_day_looked_at_closer_has_what_the_least_rule_needs(changed: dict[str, int], expected: int) -> None:
    assert Bots().model_copy(update=changed).sql_variables()["closer_look_events"] == expected


def test_quotes_in_lists_stay_text() -> None:
    variables = Bots(honeypot_pages=("/It's",), honeypot_fields=("o'field",)).sql_variables()
    assert variables["honeypot_pages"] == ["'/it''s'"]
    assert variables["honeypot_fields"] == "'o''field'"
