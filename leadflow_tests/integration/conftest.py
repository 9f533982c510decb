"""Fixtures of the tests that need a warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from homes import Home, made_once, table_of
from landing_yard import Yard, open_yard
from later_facts import without_later_facts

POLICY_THEN = """
tiers: {hot_above: 70, warm_from: 30}
maturity_pass_mark: 40
rules:
  - {name: visits, group: dynamic, when: {feature: page_views, op: happened}, points: 3, count: {per_day: 4},
     decay: {half_life_days: 14}, cap: 15, reason: Reads the pages, reason_zh: 浏览网页}
  - {name: replies, group: dynamic, when: {feature: email_replies, op: happened}, class: strong,
     count: {per_day: 1, times: 4, window_days: 60}, decay: {linear_days: 90}, reason: Replies, reason_zh: 回复邮件}
  - {name: meetings, group: dynamic, when: {feature: meetings_30d, op: gt, value: 0}, points: 15, reason: Meets, reason_zh: 会面}
  - {name: papers, group: dynamic, when: {feature: white_paper_downloads_ever, op: gt, value: 0}, points: 5, reason: Papers}
  - {name: lately, group: dynamic, when: {feature: days_since_last_activity, op: lte, value: 7}, points: 5, reason: Lately}
  - {name: big, group: static, when: {feature: company_size, op: gt, value: 500}, points: 20, reason: Big, reason_zh: 大公司}
  - {name: listed, group: static, when: {feature: is_listed, op: is_true}, points: 5, reason: Listed, reason_zh: 上市公司}
  - {name: need, group: static, when: {feature: has_need, op: is_true}, points: 10, reason: Need}
  - {name: spam, group: contact, when: {feature: spam_reports, op: happened}, points: -20, count: {per_day: 1},
     reason: Spam, reason_zh: 垃圾邮件举报}
caps: {static: 30, dynamic: 30, total: 50}
gates:
  - {name: private, when: {feature: is_free_mail, op: is_true}, max_score: 60, reason: Private, reason_zh: 私人邮箱}
"""
"""Of the home that was refreshed twice: the policy of its first refresh; of the second it is the default, which counts nothing."""


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """A warehouse with raw.mql, and a folder of files to land into it."""
    with open_yard(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def then() -> datetime:
    """A moment within a day, a month before a simulated company ends."""
    return datetime(2026, 5, 31, 11, 30)  # noqa: DTZ001 - instants are naive UTC throughout


@pytest.fixture(scope="session")
def stored_then(refreshed_twice: Path) -> Path:
    """Folder of what the first of two refreshes stored, as Parquet files."""
    return refreshed_twice / "stored"


@pytest.fixture(scope="session")
def later_home(refreshed_twice: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was refreshed then, on what was known then, and now, on all facts, under another policy and model. Read it.

    Large enough for a model to be trained and used at either moment; the second is asked for by a retrain.
    """
    later = Home(refreshed_twice / "home", refreshed_twice / "company" / "sources.yaml")
    return later.copy_to(tmp_path_factory.mktemp("later") / "home")


@pytest.fixture(scope="session")
def refreshed_twice(then: datetime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the company and the home of `later_home`, and what was stored of its first refresh."""
    from leadflow.demo.simulate import simulate

    def make(folder: Path) -> None:
        company = simulate(folder / "company", leads=3000, events_per_lead=8, seed=7)
        home = Home(folder / "home", without_later_facts(company.sources, folder / "cut", then))
        home.path.mkdir()
        policy = home.path / "policy.yaml"
        policy.write_text(POLICY_THEN, encoding="utf-8")
        assert home.make(as_of=then.isoformat()).success
        (folder / "stored").mkdir()
        for table in ("scored_leads", "score_reasons", "ml_scores"):
            table_of(home, f"scoring.{table}").write_parquet(folder / "stored" / f"{table}.parquet")
        policy.unlink()
        later = Home(home.path, company.sources)
        assert later.make(as_of=(then + timedelta(days=30)).isoformat()).success
        assert later.retrain().success

    return made_once(tmp_path_factory, "refreshed_twice", make)
