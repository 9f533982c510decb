"""The data dictionary over a small made-up project: what it says, its Markdown, its page and its diagram."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from leadflow.quality.contracts import load_contracts
from leadflow.quality.pages.dictionary import Dictionary, Made, build_dictionary, words_of_test
from leadflow.quality.pages.dictionary_markdown import markdown_dictionary
from leadflow.quality.pages.dictionary_page import page_dictionary
from leadflow.quality.pages.table_diagram import BOX_HEIGHT, Box, lay_out
from leadflow.warehouse.models.column_lineage import Lineage, Origin

CONTRACTS = {
    "raw": """\
version: 2
sources:
  - name: raw
    tables:
      - name: mql
        description: "Submissions <script>alert(1)</script> | with marks"
        meta: {grain: one row per submission, natural_key: [mql_id]}
        columns:
          - {name: mql_id, data_type: varchar, description: Key, data_tests: [not_null, unique]}
          - {name: email, data_type: varchar, description: "Address & more", meta: {pii: true}}
          - {name: minutes, data_type: double, description: Time, meta: {unit: minutes}}
""",
    "kpi": """\
version: 2
models:
  - name: counts
    description: Counts
    meta: {grain: one row}
    data_tests:
      - expect_table_row_count_to_be_between: {arguments: {min_value: 1}, config: {severity: warn}}
    columns:
      - {name: leads, data_type: bigint, description: Leads}
      - {name: first_key, data_type: varchar, description: Smallest key, data_tests: [{accepted_values: {arguments: {values: [a, b, c, d, e]}}}]}
""",
    "publish": """\
version: 2
sources:
  - name: publish
    tables:
      - name: published
        description: About the mart
        meta: {grain: one row, is_mart_only: true}
        columns: [{name: keys, data_type: varchar, description: Keys, meta: {from: [kpi.counts.first_key]}}]
""",
    "extra": """\
version: 2
sources:
  - name: extra
    tables:
      - name: log
        description: Log
        meta: {grain: one row per line}
        columns: [{name: line, data_type: varchar, description: Line}]
""",
}


@pytest.fixture
def dictionary(tmp_path: Path) -> Dictionary:
    for stage, text in CONTRACTS.items():
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "schema.yml").write_text(text, encoding="utf-8")
    (tmp_path / "macros").mkdir()
    lineage = Lineage(
        {
            "kpi.counts": {
                "leads": Origin(tables=("raw.mql",)),
                "first_key": Origin(("raw.mql.mql_id",), is_unchanged=True),
            },
            "publish.published": {"keys": Origin(("kpi.counts.first_key",))},
            "extra.log": {},
        },
        {"extra.log": "the <b>SQL</b> is strange"},
    )
    contracts = load_contracts(tmp_path)
    return build_dictionary(
        contracts,
        {"raw.mql": [], "kpi.counts": ["raw.mql"], "publish.marts": ["kpi.counts"]},
        lineage,
        {name: Made("SQL" if name == "kpi.counts" else "Python", f"code/{name}.sql") for name in contracts},
        ["kpi.counts"],
    )


def test_tables_come_in_the_order_that_data_flows(dictionary: Dictionary) -> None:
    assert list(dictionary.stages) == ["raw", "kpi", "extra", "publish"]
    raw, counts, log, published = dictionary.tables

    assert (raw.comes_from, raw.goes_to, raw.is_published) == ((), ("kpi.counts",), False)
    assert raw.whole_goes_to == ("kpi.counts.leads",)
    assert [column.goes_to for column in raw.columns] == [("kpi.counts.first_key",), (), ()]
    assert (counts.comes_from, counts.is_published) == (("raw.mql",), True)
    assert counts.goes_to == ("publish.published", "publish.marts")
    assert counts.columns[1].origin == Origin(("raw.mql.mql_id",), is_unchanged=True)
    assert (log.comes_from, log.problem) == ((), "the <b>SQL</b> is strange")
    assert (published.comes_from, published.goes_to) == (("kpi.counts",), ("publish.marts",))
    assert dictionary.published == ("kpi.counts", "publish.published")
    assert dictionary.problems == (log,)


def test_the_markdown(dictionary: Dictionary) -> None:
    text = markdown_dictionary(dictionary)

    for line in (
        "| email | varchar |  | Address & more | yes |  |  |  |",
        "| minutes | double | minutes | Time |  |  |  |  |",
        "| mql_id | varchar |  | Key |  | `not_null`, `unique` |  | kpi.counts.first_key |",
        "| leads | bigint |  | Leads |  |  | raw.mql as a whole |  |",
        "| first_key | varchar |  | Smallest key |  | `accepted_values: 5 values` | raw.mql.mql_id (unchanged) | publish.published.keys |",
        "- As a whole, rows or all columns, goes to: kpi.counts.leads",
        "- Made by: SQL, [code/kpi.counts.sql](../code/kpi.counts.sql)",
        "- Comes from: [raw.mql](#rawmql)",
        "- Tests of the table: `columns_match_contract`, `expect_table_row_count_to_be_between: from 1` (warn)",
        "- extra.log: the <b>SQL</b> is strange",
        '        raw__mql["mql"]',
        "    raw__mql --> kpi__counts",
        "    publish__published --> publish__marts",
    ):
        assert line in text.splitlines(), line
    ids = set(re.findall(r"^        (\w+)\[", text, re.MULTILINE))
    assert {
        name for arrow in re.findall(r"^    (\w+) --> (\w+)$", text, re.MULTILINE) for name in arrow
    } <= ids


class Page(HTMLParser):
    """What a page refers to, and what can be referred to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            elif name == "href" and value:
                self.links.append(value)
            elif name in ("src", "srcset", "data", "action", "poster") or name.startswith("on"):
                self.loads.append(f"{tag} {name}={value}")


def test_the_page_needs_nothing_beside_itself(dictionary: Dictionary) -> None:
    text = page_dictionary(dictionary)
    page = Page(text)

    assert page.loads == []
    assert not {"link", "img", "iframe", "object", "base"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)|@import|https?://", text)
    assert {link for link in page.links if not link.startswith("#")} == {
        f"../code/{entry.name}.sql" for entry in dictionary.tables
    }


def test_every_link_of_the_page_leads_somewhere(dictionary: Dictionary) -> None:
    page = Page(page_dictionary(dictionary))

    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert {"raw.mql", "raw.mql.email", "kpi.counts.leads", "publish.marts"} <= set(page.ids)


def test_what_contracts_say_is_text_on_the_page_and_not_markup(dictionary: Dictionary) -> None:
    text = page_dictionary(dictionary)

    assert Page(text).tags.count("script") == 1
    assert "Submissions &lt;script&gt;alert(1)&lt;/script&gt; | with marks" in text
    assert "the &lt;b&gt;SQL&lt;/b&gt; is strange" in text


def test_tests_are_told_with_what_they_are_called_with(dictionary: Dictionary) -> None:
    raw, counts, *_ = dictionary.tables

    assert [words_of_test(test) for test in raw.columns[0].column.tests] == ["not_null", "unique"]
    assert [words_of_test(test) for test in counts.table.tests] == [
        "columns_match_contract",
        "expect_table_row_count_to_be_between: from 1",
    ]


STAGES = {"one": ["a", "b", "c"], "two": ["d", "e"], "three": ["f"], "empty": []}
EDGES = [("a", "c"), ("b", "c"), ("b", "d"), ("a", "e"), ("c", "f"), ("f", "f")]


def test_boxes_lie_stage_below_stage_and_below_what_they_are_made_from() -> None:
    labels = {name: name * 9 for name in "abcdef"}
    drawn = lay_out(STAGES, EDGES, labels)
    boxes = {box.name: box for box in drawn.boxes}

    for source, target in EDGES:
        assert source == target or boxes[source].y + BOX_HEIGHT < boxes[target].y
    for band in drawn.bands:
        assert all(
            band.y <= boxes[name].y and boxes[name].y + BOX_HEIGHT <= band.y + band.height
            for name in STAGES[band.name]
        )
    assert all(box.x >= 0 and box.x + box.width <= drawn.width for box in drawn.boxes)
    assert [
        (one.name, other.name) for one in drawn.boxes for other in drawn.boxes if overlap(one, other)
    ] == []
    assert {(arrow.source, arrow.target) for arrow in drawn.arrows} == {*EDGES} - {("f", "f")}
    assert lay_out(STAGES, reversed(EDGES), labels) == drawn


def overlap(one: Box, other: Box) -> bool:
    is_beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return one != other and one.y == other.y and not is_beside


def test_a_diagram_of_nothing_is_empty() -> None:
    drawn = lay_out({}, [], {})

    assert (drawn.boxes, drawn.arrows, drawn.bands) == ((), (), ())
