"""The validation report as a page: nothing that data holds is markup, nothing is loaded, every link leads somewhere."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from leadflow.quality.pages.report_page import percent, render_page, sentence_of_gate
from leadflow.quality.pages.report_values import (
    CheckReport,
    Past,
    RefreshReport,
    Report,
    StoredVersion,
    TableReport,
)

NOON = dt.datetime(2026, 6, 30, 12)  # noqa: DTZ001 - instants are naive UTC throughout
SCRIPT = "<script>alert('ann')</script>"
IMAGE = '"><img src=x onerror=alert(1)>'

HISTORY = (
    Past("not_made"),
    Past("passed", NOON, 0, 0.0),
    Past("not_run"),
    Past("passed", NOON, 0, 0.0),
    Past("failed", NOON, 5, 0.5, earlier_failures=1, is_new_promise=True),
)


def check(**given: Any) -> CheckReport:
    found: dict[str, Any] = {
        "table_name": "clean.leads",
        "name": "unique__lead_id",
        "test": "unique",
        "column": "lead_id",
        "described": "",
        "severity": "error",
        "is_blocking": True,
        "status": "failed",
        "sentence": "lead_id is not unique in 5 of 10 rows",
        "checked_rows": 10,
        "failing_rows": 5,
        "failing_share": 0.5,
        "quarantined_rows": None,
        "sample": ({"lead_id": 1, "note": None},),
        "set_aside": (),
        "checked_at": NOON,
        "promised_in": "clean/schema.yml:8",
        "history": HISTORY,
    }
    return CheckReport(**(found | given))


def report(*checks: CheckReport, **given: Any) -> Report:
    shown = checks or (check(),)
    history = shown[0].history
    table = TableReport(
        "clean.leads", "clean", "Leads.", StoredVersion("clean.leads", 7, 5, NOON, 10, NOON), shown, history
    )
    refreshes = tuple(
        RefreshReport(number, NOON, NOON, {"passed": 1}) for number in range(1, len(history) + 1)
    )
    return replace(Report(NOON, (table,), refreshes, ()), **given)


class Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, attribute: str) -> list[str]:
        """Every value of an attribute."""
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]


def rendered(shown: Report, **given: Any) -> Seen:
    return Seen(render_page(shown, home="/srv/leadflow", **given))


@pytest.mark.parametrize("evil", [SCRIPT, IMAGE])
def test_what_data_holds_is_shown_as_text(evil):
    wild = check(
        sentence=evil,
        described=evil,
        name=evil,
        sample=({"note": evil, evil: 1},),
        set_aside=({"note": evil},),
        quarantined_rows=1,
    )
    base = report(wild, gate_reasons=(evil,))
    table = replace(base.tables[0], description=evil, name=evil)
    seen = rendered(replace(base, tables=(table,)), running=evil)
    assert [attrs for tag, attrs in seen.tags if tag == "img"] == []
    assert len([tag for tag, _ in seen.tags if tag == "script"]) == 1
    assert [name for _, attrs in seen.tags for name in attrs if name.startswith("on")] == []
    assert "".join(seen.text).count(evil) >= 8


def test_the_page_loads_nothing():
    page = render_page(report(), home="/srv/leadflow")
    assert re.findall(r"https?:|//\w|@import|url\(", page.replace("// The page reads", "")) == []
    assert [
        name for _, attrs in Seen(page).tags for name in attrs if name in ("src", "srcset", "action")
    ] == []


def test_only_the_pages_own_style_and_script_are_let_through():
    page = render_page(report(), home="/srv/leadflow")
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_every_check_and_table_can_be_linked_to():
    seen = rendered(report(check(), check(name="another", status="passed")))
    ids = seen.all("id")
    assert len(ids) == len(set(ids))
    assert {"clean.leads", "clean.leads.unique__lead_id", "clean.leads.another"} <= set(ids)
    assert [link for link in seen.all("href") if link.removeprefix("#") not in ids] == []


def test_what_did_not_pass_comes_first_and_is_named_at_the_top():
    warned = check(name="b", status="warned", sentence="some are null")
    stale = check(name="c", status="not_run", sample=(), checked_at=None)
    page = render_page(report(check(name="a", status="passed"), stale, warned, check()), home="h")
    order = re.findall(r'<li class="check (\w+)"', page)
    assert order == ["failed", "warned", "not_run", "passed"]
    top = page[: page.index("<main>")]
    assert 'href="#clean.leads.unique__lead_id"' in top
    assert 'href="#clean.leads.b"' in top
    assert "1 not run since" in top
    assert 'href="#clean.leads.a"' not in top


def test_the_history_says_when_and_how_many():
    titles = [title for title in rendered(report()).all("title") if title.startswith("refresh")]
    assert titles[:5] == [f"refresh {n}, as of 2026-06-30 12:00, begun at 2026-06-30 12:00: 1 passed" for n in range(1, 6)]  # fmt: skip
    assert titles[10:] == [
        "refresh 1: not made",
        "refresh 2, 2026-06-30 12:00: passed",
        "refresh 3: not checked",
        "refresh 4, 2026-06-30 12:00: passed",
        "refresh 5, 2026-06-30 12:00: failed, 5 failing rows (50.0 %), after 1 failed before in this refresh, "
        "the contract had changed",
    ]


def test_the_line_of_failing_shares_has_a_gap_where_nothing_was_checked():
    seen = rendered(report())
    lines = [attrs["points"] for tag, attrs in seen.tags if tag == "polyline"]
    assert lines == ["67.5,17.0 90.0,1.0"]
    assert "up to 50.0 %" in seen.text


def test_a_check_that_never_failed_has_no_line():
    seen = rendered(report(check(status="passed", history=HISTORY[:4])))
    assert "svg" not in [tag for tag, _ in seen.tags]


def test_a_sample_is_a_table_with_nulls_told_apart():
    page = render_page(report(check(sample=({"a": 1}, {"a": "null", "b": None}))), home="h")
    assert "2 of 5 failing rows, personal data masked" in page
    cells = re.findall(r"<td( class=\"null\")?>([^<]*)</td>", page)
    assert cells == [("", "1"), (' class="null"', "null"), ("", "null"), (' class="null"', "null")]


def test_a_table_of_an_older_refresh_says_so():
    old = replace(report().tables[0], version=StoredVersion("clean.leads", 2, 4, NOON, 1, NOON))
    assert "1 failed, of refresh 4" in rendered(report(tables=(old,))).text


def test_a_home_before_its_first_refresh():
    table = TableReport(
        "clean.leads", "clean", "", None, (check(status="not_run", checked_at=None, history=()),), ()
    )
    seen = rendered(Report(NOON, (table,), (), ("clean.leads was never made",)))
    assert "never made" in seen.text


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.0, "0.0 %"), (0.0001, "< 0.1 %"), (0.5, "50.0 %"), (0.99999, "> 99.9 %"), (1.0, "100.0 %")],
)
def test_a_share_is_never_rounded_away(share, told):
    assert percent(share) == told


def test_the_gate_in_one_sentence():
    assert sentence_of_gate(report()).startswith("The publish gate is open")
    shut = sentence_of_gate(report(gate_reasons=("a", "b", "c")), named=2)
    assert shut == "The publish gate is shut, because a; b; and 1 more."
