"""Unit tests of SQL models: what is read, what is refused with its line, how rows are compared, and how it is told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leadflow.errors import LeadflowError, ModelError
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.warehouse.models.model_unit_test_files import find_declarations
from leadflow.warehouse.models.model_unit_test_runs import Outcome, run_unit_test, unit_test_connection
from leadflow.warehouse.models.model_unit_tests import UnitTest, load_unit_tests
from leadflow.warehouse.models.sql_models import SqlRoom, load_room

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PROJECT = "model-paths: [clean]\nvars: {days: 7, as_of: '2026-01-01'}\n"
CONTRACTS = {
    "raw/schema.yml": """\
version: 2
sources:
  - name: raw
    tables:
      - name: facts
        description: Facts
        meta: {grain: one row per fact}
        columns:
          - {name: id, data_type: bigint, description: Key}
          - {name: label, data_type: varchar, description: Label}
          - {name: amount, data_type: double, description: Amount}
          - {name: price, data_type: "decimal(9, 2)", description: Price}
          - {name: is_open, data_type: boolean, description: Open}
          - {name: seen_at, data_type: timestamp, description: Seen}
          - {name: seen_date, data_type: date, description: Seen}
          - {name: zoned_at, data_type: timestamp with time zone, description: Seen}
          - {name: tags, data_type: "varchar[]", description: Tags}
          - {name: pair, data_type: "struct(a integer, b varchar)", description: Pair}
      - name: others
        description: Others
        meta: {grain: one row per fact}
        columns: [{name: id, data_type: bigint, description: Key}]
""",
    "clean/schema.yml": """\
version: 2
models:
  - name: same
    description: The facts once more
    meta: {grain: one row per fact}
    columns:
      - {name: id, data_type: bigint, description: Key}
      - {name: label, data_type: varchar, description: Label}
      - {name: amount, data_type: double, description: Amount}
      - {name: price, data_type: "decimal(9, 2)", description: Price}
      - {name: is_open, data_type: boolean, description: Open}
      - {name: seen_at, data_type: timestamp, description: Seen}
      - {name: seen_date, data_type: date, description: Seen}
      - {name: zoned_at, data_type: timestamp with time zone, description: Seen}
      - {name: tags, data_type: "varchar[]", description: Tags}
      - {name: pair, data_type: "struct(a integer, b varchar)", description: Pair}
  - name: ratios
    description: Ratios
    meta: {grain: one row per fact}
    columns:
      - {name: id, data_type: bigint, description: Key}
      - {name: ratio, data_type: double, description: Ratio}
      - {name: days, data_type: integer, description: Days}
      - {name: promised, data_type: integer, description: In the contract only}
  - name: joined
    description: Two inputs
    meta: {grain: one row per fact}
    columns: [{name: id, data_type: bigint, description: Key}]
  - name: grown
    description: Incremental
    meta: {grain: one row per fact}
    columns: [{name: id, data_type: bigint, description: Key}]
""",
}
MODELS = {
    "clean/same.sql": "select * from {{ source('raw', 'facts') }}\n",
    "clean/ratios.sql": "select id, amount / id as ratio, {{ var('days') }} as days\nfrom {{ ref('same') }} -- note",
    "clean/joined.sql": "select id from {{ ref('same') }} semi join {{ source('raw', 'others') }} using (id)",
    "clean/grown.sql": "{{ config(materialized='incremental', unique_key='id') }}\n"
    "select id from {{ source('raw', 'others') }}\n"
    "{% if is_incremental() %}where id > (select coalesce(max(id), 0) from {{ this }}){% endif %}\n",
}
GIVEN_FACTS = "given: [{input: \"source('raw', 'facts')\", rows: [{id: 1}]}]"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"dbt_project.yml": PROJECT, **CONTRACTS, **MODELS, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def unit_test(body: str, *, name: str = "t", model: str = "same") -> str:
    """A unit_tests.yml with one unit test; `body` is indented by four and begins on line 5."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"version: 2\nunit_tests:\n  - name: {name}\n    model: {model}\n{lines}"


@cache
def project() -> tuple[Contracts, SqlRoom]:
    """Contracts and models, read once: they are not what these tests change."""
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), {})
        contracts = load_contracts(folder)
        tables = [table for table in contracts.values() if table.kind == "source"]
        return contracts, load_room(folder, {(table.schema, table.name): table.full_name for table in tables})


def load(folder: Path, text: str) -> tuple[SqlRoom, list[UnitTest]]:
    """The models, and the unit tests of a file clean/unit_tests.yml in `folder`."""
    (folder / "clean").mkdir(exist_ok=True)
    (folder / "clean" / "unit_tests.yml").write_text(text, encoding="utf-8")
    contracts, room = project()
    return room, load_unit_tests(folder, contracts, room)


def refused(folder: Path, text: str) -> str:
    """The message, without the folder's name."""
    with pytest.raises(LeadflowError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}/clean/", "")


@pytest.fixture(scope="module")
def connection() -> Iterator[DuckDBPyConnection]:
    with unit_test_connection() as connection:
        yield connection


def run(folder: Path, connection: DuckDBPyConnection, body: str, *, model: str = "same") -> Outcome:
    room, (test,) = load(folder, unit_test(body, model=model))
    return run_unit_test(connection, room, test)


def given_and_expected(given: str, expected: str) -> str:
    return f"given: [{{input: \"source('raw', 'facts')\", rows: [{given}]}}]\nexpect: {{rows: [{expected}]}}"


# --- Reading


@pytest.mark.parametrize(
    ("body", "said"),
    [
        # The shape, by pydantic: one message for each violation.
        (f"{GIVEN_FACTS}", "unit_tests.yml:3 unit_tests.0.expect: Field required"),
        ("expect: {rows: []}", "unit_tests.yml:3 unit_tests.0.given: Field required"),
        (f"{GIVEN_FACTS}\nexpects: {{rows: []}}", "unit_tests.yml:6 unit_tests.0.expects: is not a known setting"),
        (f"{GIVEN_FACTS}\nexpect: {{fixture: f}}", "unit_tests.yml:6 unit_tests.0.expect.fixture: is not a known setting"),
        (f"{GIVEN_FACTS}\nexpect: {{rows: [], format: json}}", "unit_tests.yml:6 unit_tests.0.expect.format"),
        (f"{GIVEN_FACTS}\nexpect: {{rows: []}}\nconfig: {{enabled: maybe}}", "unit_tests.yml:7 unit_tests.0.config.enabled"),
        (f"{GIVEN_FACTS}\nexpect: {{rows: []}}\noverrides: {{env_vars: {{A: b}}}}", "unit_tests.yml:7"),
        # Inputs.
        (
            "given:\n  - input: ref('sane')\n    rows: []\nexpect: {rows: []}",
            "unit_tests.yml:6 gives ref('sane'), which is no table: write ref('model'), source('name', 'table') or this",
        ),
        ("given: [{input: raw.facts, rows: []}]\nexpect: {rows: []}", "unit_tests.yml:5 gives raw.facts, which is no table"),
        (
            "given: [{input: \"source('raw', 'others')\", rows: []}]\nexpect: {rows: []}",
            "unit_tests.yml:5 gives source('raw', 'others'), which same does not read: drop it; it reads source('raw', 'facts')",
        ),
        ("given: []\nexpect: {rows: []}", "unit_tests.yml:5 same::t does not give source('raw', 'facts'): give it, with `rows: []`"),
        (
            f"{GIVEN_FACTS[:-1]}, {{input: \"source('raw','facts')\", rows: []}}]\nexpect: {{rows: []}}",
            "unit_tests.yml:5 gives source('raw','facts') twice: put the rows together.",
        ),
        ("given: [{input: this, rows: []}]\nexpect: {rows: []}", "gives this, which same does not read"),
        # Overrides.
        (f"{GIVEN_FACTS}\nexpect: {{rows: []}}\noverrides: {{vars: {{day: 1}}}}", "unit_tests.yml:7 overrides the var 'day', which the project does not declare: write 'days'."),
        (f"{GIVEN_FACTS}\nexpect: {{rows: []}}\noverrides: {{macros: {{shout: 1}}}}", "unit_tests.yml:7 overrides the macro 'shout': override is_incremental alone"),
        (f"{GIVEN_FACTS}\nexpect: {{rows: []}}\noverrides: {{macros: {{is_incremental: true}}}}", "unit_tests.yml:7 overrides is_incremental, which same does not ask: drop the override."),
        # Columns.
        (f"{GIVEN_FACTS}\nexpect: {{rows: [{{lable: x}}]}}", "unit_tests.yml:6 row 1 names the column 'lable', which clean.same does not have: write 'label'."),
        (f"{GIVEN_FACTS}\nexpect: {{rows: [{{id: 1}}, {{zzz: x}}]}}", "row 2 names the column 'zzz', which clean.same does not have: name a column of its contract in "),
        (f"{GIVEN_FACTS}\nexpect: {{rows: [{{id: 1, label: a}}, {{label: a, id: 1}}]}}", "unit_tests.yml:6 row 2 names other columns than the first, or in another order: name id, label in every expected row"),
        (f"{GIVEN_FACTS}\nexpect: {{rows: [{{id: 1, label: a}}, {{id: 1}}]}}", "row 2 names other columns than the first"),
        (f"{GIVEN_FACTS}\nexpect: {{rows: [{{}}]}}", "row 1 names other columns than the first, or in another order: name at least one column"),
        # Ways to write rows.
        (f"{GIVEN_FACTS}\nexpect: {{rows: 'id,label'}}", "unit_tests.yml:6 rows are a text: write a list of rows, or `format: csv` or `sql`."),
        (f"{GIVEN_FACTS}\nexpect: {{format: csv, rows: []}}", "unit_tests.yml:6 rows are no text: write lines, the first with the columns below `rows: |`, or drop the format."),
        (f"{GIVEN_FACTS}\nexpect: {{format: sql, rows: ''}}", "rows are no text: write a select below"),
        (f"{GIVEN_FACTS}\nexpect:\n  format: csv\n  rows: |\n    id,label\n    1,a\n    2", "unit_tests.yml:8 row 2 has more or fewer values than there are columns: write one for each."),
        (f"{GIVEN_FACTS}\nexpect:\n  format: csv\n  rows: |\n    id,label\n    1,a,b", "row 1 has more or fewer values"),
        (f"{GIVEN_FACTS}\nexpect:\n  format: csv\n  rows: |\n    id, label\n    1,a", "row 1 names the column ' label', which clean.same does not have: write 'label'."),
        (f"{GIVEN_FACTS}\nexpect: {{format: sql, rows: \"select * from {{{{ ref('same') }}}}\"}}", "rows hold Jinja, which dbt would render: write plain values."),
    ],
)  # fmt: skip
def test_refused_with_the_line(tmp_path: Path, body: str, said: str) -> None:
    assert said in refused(tmp_path, unit_test(body))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("label: 7", "7 in label, which is of the type varchar: put it in quotes."),
        ("label: true", "put it in quotes."),
        ("label: 2026-01-01", "put it in quotes."),
        ("label: '{{ x }}'", "write plain text; dbt would render the Jinja."),
        ("id: true", "True in id, which is of the type bigint: write a number."),
        ("id: 1.5", "write a whole number; DuckDB would round it."),
        ("id: '1.5'", "write a whole number; DuckDB would round it."),
        ("id: one", "write a whole number"),
        ("id: 2026-01-01", "write a number."),
        ("amount: much", "'much' in amount, which is of the type double: write a number."),
        ("amount: .nan", "put it in quotes."),
        ("amount: .inf", "put it in quotes."),
        ("is_open: 1", "1 in is_open, which is of the type boolean: write true or false."),
        ("is_open: 'yes'", "write true or false."),
        ("seen_at: 5", "write 'YYYY-MM-DD HH:MM:SS' in UTC, without an offset."),
        ("seen_at: '2026-02-30'", "without an offset; there is no such moment."),
        ("seen_at: '2026-01-01 24:00:01'", "there is no such moment."),
        ("seen_at: 1 May 2026", "write 'YYYY-MM-DD HH:MM:SS' in UTC"),
        # DuckDB drops the offset and the clock time without a word.
        ("seen_at: '2026-01-01 10:00:00+02:00'", "in UTC, without an offset."),
        ("seen_at: 2026-01-01T10:00:00+02:00", "in UTC, without an offset."),
        ("seen_date: '2026-01-01 10:00:00'", "write 'YYYY-MM-DD'."),
        ("seen_date: 2026-01-01 10:00:00", "write 'YYYY-MM-DD'."),
        ("seen_date: '2026-13-01'", "write 'YYYY-MM-DD'; there is no such day."),
    ],
)
def test_a_value_that_does_not_fit_is_refused(tmp_path: Path, value: str, remedy: str) -> None:
    said = refused(tmp_path, unit_test(f"{GIVEN_FACTS}\nexpect:\n  rows:\n    - {{{value}}}"))
    assert said.startswith("unit_tests.yml:8 row 1 has ")
    assert remedy in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (unit_test(f"{GIVEN_FACTS}\nexpect: {{rows: []}}", model="sane"), "unit_tests.yml:4 names the model 'sane', which there is not: write 'same'."),
        (unit_test(f"{GIVEN_FACTS}\nexpect: {{rows: []}}", model="facts"), "a table that Python makes has tests in Python."),
        (unit_test(f"{GIVEN_FACTS}\nexpect: {{rows: []}}", name="no name"), "unit_tests.yml:3 unit_tests.0.name: String should match"),
        ("unit_tests: {name: t}", "unit_tests.yml:1 unit_tests is no list: begin each unit test with a dash."),
        ("models: []\nunit_tests: []", "unit_tests.yml:1 has the key 'models' beside unit_tests: describe tables in the schema.yml"),
        ("unit_tests:\n\t- name: t", "unit_tests.yml:2 is not valid YAML"),
        (
            unit_test("given: []\nexpect: {rows: [{id: a}]}", model="grown"),
            "3 things are wrong in the unit tests\n"
            "  unit_tests.yml:3 does not say what is_incremental() answers, which grown asks: "
            "add `overrides: {macros: {is_incremental: true}}`, or false\n",
        ),
        (
            unit_test(
                "given: [{input: \"source('raw', 'others')\", rows: []}]\nexpect: {rows: []}\noverrides: {macros: {is_incremental: true}}",
                model="grown",
            ),
            "unit_tests.yml:5 grown::t does not give this: give it",
        ),
        (
            unit_test(
                "given: [{input: \"source('raw', 'others')\", rows: []}, {input: this, rows: []}]\nexpect: {rows: []}\n"
                "overrides: {macros: {is_incremental: false}}",
                model="grown",
            ),
            "gives this, which grown does not read",
        ),
        (
            unit_test(
                "given: [{input: \"source('raw', 'others')\", rows: []}]\nexpect: {rows: []}\noverrides: {macros: {is_incremental: 1}}",
                model="grown",
            ),
            "unit_tests.yml:7 overrides is_incremental with 1: write true or false.",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_a_name_is_for_one_unit_test_of_a_model(tmp_path: Path) -> None:
    body = f"{GIVEN_FACTS}\nexpect: {{rows: []}}"
    twice = unit_test(body) + unit_test(body).split("unit_tests:\n")[1]
    assert "unit_tests.yml:7 same::t is declared a second time, after unit_tests.yml:3: rename one of the two." in refused(
        tmp_path, twice
    )  # fmt: skip
    ratios = "given: [{input: ref('same'), rows: []}]\nexpect: {rows: []}"
    both = unit_test(body) + unit_test(ratios, model="ratios").split("unit_tests:\n")[1]
    assert [test.id for test in load(tmp_path, both)[1]] == ["same::t", "ratios::t"]


def test_unit_tests_stand_in_any_yml_of_a_stage_as_dbt_reads_them(tmp_path: Path) -> None:
    body = f"{GIVEN_FACTS}\nexpect: {{rows: []}}"
    folder = write(
        tmp_path,
        {
            "clean/unit_tests.yml": unit_test(body, name="first"),
            "clean/more.yaml": unit_test(body, name="second"),
            "raw/schema.yml": CONTRACTS["raw/schema.yml"] + unit_test(body, name="third").removeprefix("version: 2\n"),
        },
    )  # fmt: skip
    found = {declaration.id for declaration in find_declarations(folder)}
    assert found == {"same::first", "same::second", "same::third"}


def test_what_a_unit_test_says(tmp_path: Path) -> None:
    body = (
        f"description: ' Words '\n{GIVEN_FACTS}\nexpect: {{rows: []}}\nconfig: {{enabled: false, tags: slow}}\n"
        "overrides: {vars: {days: 3}}"
    )
    (test,) = load(tmp_path, unit_test(body))[1]
    assert (test.id, test.description, test.model.table) == ("same::t", "Words", "clean.same")
    assert (test.is_enabled, test.tags, test.variables) == (False, ("slow",), {"days": 3})
    assert test.at == f"{tmp_path}/clean/unit_tests.yml:3"


# --- Running


@pytest.mark.parametrize(
    ("given", "expected", "is_passed"),
    [
        # Rows are a multiset.
        ("{id: 1}, {id: 2}", "{id: 2}, {id: 1}", True),
        ("{id: 1}, {id: 1}", "{id: 1}", False),
        ("{id: 1}", "{id: 1}, {id: 1}", False),
        ("{id: 1}, {id: 1}, {id: 2}", "{id: 1}, {id: 2}, {id: 2}", False),
        ("", "", True),
        ("{id: 1}", "", False),
        # Only the columns named are compared; a column that is not given is null.
        ("{id: 1, label: a}", "{id: 1}", True),
        ("{id: 1}", "{label: null, amount: null, tags: null}", True),
        ("{}", "{id: null}", True),
        ("{ID: 1}", "{Id: 1}", True),
        # Null is null and nothing else.
        ("{label: null}", "{label: ''}", False),
        ("{label: null}", "{label: 'null'}", False),
        ("{amount: 0}", "{amount: null}", False),
        # Text as it is.
        ("{label: it's}", "{label: it's}", True),
        ("{label: ' a'}", "{label: a}", False),
        ('{label: "a\\nb"}', '{label: "a\\nb"}', True),
        ("{label: '1'}", "{label: '1.0'}", False),
        # Numbers to the last bit, whatever their spelling.
        ("{amount: 1}", "{amount: 1.0}", True),
        ("{amount: 0.1}", "{amount: 0.1000000000000001}", False),
        ("{amount: -0.0}", "{amount: 0.0}", True),
        ("{amount: 'nan'}", "{amount: 'nan'}", True),
        ("{amount: 'inf'}", "{amount: '-inf'}", False),
        ("{amount: 1e3}", "{amount: 1000}", True),
        ("{price: 1.10}", "{price: '1.1'}", True),
        ("{id: 9007199254740993}", "{id: 9007199254740992}", False),
        # Moments.
        ("{seen_at: '2026-01-01'}", "{seen_at: '2026-01-01T00:00:00'}", True),
        ("{seen_at: 2026-01-01 10:00:00}", "{seen_at: '2026-01-01 10:00'}", True),
        ("{seen_at: '2026-01-01 00:00:00.000001'}", "{seen_at: '2026-01-01'}", False),
        ("{seen_date: 2026-01-01}", "{seen_date: '2026-01-01'}", True),
        ("{zoned_at: '2026-01-01 10:00:00+02:00'}", "{zoned_at: '2026-01-01 08:00:00Z'}", True),
        ("{zoned_at: '2026-01-01 10:00:00'}", "{zoned_at: '2026-01-01 10:00:00+00:00'}", True),
        # Booleans, lists and structs.
        ("{is_open: true}", "{is_open: 'true'}", True),
        ("{is_open: false}", "{is_open: null}", False),
        ("{tags: [a, b]}", "{tags: '[a, b]'}", True),
        ("{tags: [a, b]}", "{tags: [b, a]}", False),
        ("{tags: []}", "{tags: null}", False),
        ("{tags: [a, null]}", "{tags: [a, null]}", True),
        ("{pair: {a: 1, b: x}}", "{pair: {a: 1, b: x}}", True),
        ("{pair: {a: 1, b: x}}", "{pair: {a: 1, b: y}}", False),
    ],
)  # fmt: skip
def test_comparing(
    tmp_path: Path, connection: DuckDBPyConnection, given: str, expected: str, is_passed: bool
) -> None:
    assert run(tmp_path, connection, given_and_expected(given, expected)).is_passed is is_passed


@pytest.mark.parametrize(
    ("given", "is_passed"),
    [
        ("format: csv\nrows: |\n  id,label,is_open,seen_date\n  1,\"a, b\",true,2026-01-01\n  2,,,", True),
        ("format: csv\nrows: |\n  id,label,is_open,seen_date\n  1,\"a, b\",true,2026-01-01\n  2,x,,", False),
        ("rows: [{id: 1, label: 'a, b', is_open: true, seen_date: '2026-01-01'}, {id: 2}]", True),
        (
            "format: sql\nrows: |\n  select 1::bigint as id, 'a, b' as label, null::double as amount, null::decimal(9, 2) as price,\n"
            "    true as is_open, null::timestamp as seen_at, '2026-01-01'::date as seen_date, null::timestamptz as zoned_at,\n"
            "    ['t'] as tags, {'a': 1, 'b': 'x'} as pair\n"
            "  union all select 2, null, null, null, null, null, null, null, null, null -- in the end",
            True,
        ),
    ],
)  # fmt: skip
def test_three_ways_to_give_rows(
    tmp_path: Path, connection: DuckDBPyConnection, given: str, is_passed: bool
) -> None:
    indented = "\n".join(f"    {line}" for line in given.splitlines())
    body = f"given:\n  - input: source('raw', 'facts')\n{indented}\nexpect:\n  format: csv\n  rows: |\n"
    body += "    id,label,is_open,seen_date\n    2,,,\n    1,\"a, b\",true,2026-01-01"  # fmt: skip
    assert run(tmp_path, connection, body).is_passed is is_passed


def test_rows_expected_as_sql_are_all_columns(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    body = "given: [{input: \"source('raw', 'others')\", rows: [{id: 3}]}, {input: ref('same'), rows: [{id: 3}, {id: 4}]}]\n"
    expected = 'expect: {format: sql, rows: "select 3::bigint as id"}'
    assert run(tmp_path, connection, body + expected, model="joined").is_passed
    assert not run(tmp_path, connection, body + expected.replace("3", "4"), model="joined").is_passed


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select 3 as id", "unit_tests.yml:6 joined::t: the SQL for clean.joined has other columns than its contract (id is INTEGER, not BIGINT)"),
        ("select 3::bigint as id, 1 as x", "(x is INTEGER, not a column of the contract)"),
        ("select 3::bigint as x", "(id is missing, not BIGINT; x is BIGINT, not a column of the contract)"),
        ("selec 3", "unit_tests.yml:6 joined::t: DuckDB refuses the rows of clean.joined (Parser Error"),
    ],
)  # fmt: skip
def test_rows_as_sql_that_do_not_fit(
    tmp_path: Path, connection: DuckDBPyConnection, sql: str, said: str
) -> None:
    body = (
        "given: [{input: \"source('raw', 'others')\", rows: []}, {input: ref('same'), rows: []}]\n"
        f'expect: {{format: sql, rows: "{sql}"}}'
    )
    with pytest.raises(ModelError) as caught:
        run(tmp_path, connection, body, model="joined")
    assert said in str(caught.value)


def test_vars_are_the_projects_or_overridden(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    given = "given: [{input: ref('same'), rows: [{id: 4, amount: 1}]}]\n"
    assert run(
        tmp_path, connection, given + "expect: {rows: [{ratio: 0.25, days: 7}]}", model="ratios"
    ).is_passed
    overridden = "expect: {rows: [{ratio: 0.25, days: 3}]}\noverrides: {vars: {days: 3}}"
    assert run(tmp_path, connection, given + overridden, model="ratios").is_passed


@pytest.mark.parametrize(
    ("answer", "this", "expected"),
    [
        ("false", "", "{id: 1}, {id: 5}"),
        ("true", ", {input: this, rows: [{id: 2}]}", "{id: 5}"),
        ("true", ", {input: this, rows: []}", "{id: 1}, {id: 5}"),
    ],
)
def test_an_incremental_model(
    tmp_path: Path, connection: DuckDBPyConnection, answer: str, this: str, expected: str
) -> None:
    """What is expected is what the model selects, which is what would be merged."""
    body = (
        f"given: [{{input: \"source('raw', 'others')\", rows: [{{id: 1}}, {{id: 5}}]}}{this}]\n"
        f"expect: {{rows: [{expected}]}}\noverrides: {{macros: {{is_incremental: {answer}}}}}"
    )
    assert run(tmp_path, connection, body, model="grown").is_passed


def test_a_unit_test_leaves_nothing_behind(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    assert run(tmp_path, connection, given_and_expected("{id: 1}", "{id: 1}")).is_passed
    with pytest.raises(ModelError):
        run(tmp_path, connection, given_and_expected("{id: 99999999999999999999}", "{id: 1}"))
    assert connection.execute("select count(*) from information_schema.tables").fetchall() == [(0,)]
    assert run(tmp_path, connection, given_and_expected("{id: 2}", "{id: 2}")).is_passed


def test_the_database_is_set_as_the_warehouse_is(connection: DuckDBPyConnection) -> None:
    settings = connection.execute(
        "select current_setting('TimeZone'), current_setting('autoinstall_known_extensions')"
    )
    assert settings.fetchall() == [("UTC", False)]


@pytest.mark.parametrize(
    ("given", "expected", "model", "said"),
    [
        ("{id: 99999999999999999999}", "{id: 1}", "same", "unit_tests.yml:5 same::t: DuckDB refuses the rows of raw.facts (Conversion Error"),
        ("{id: 1}", "{tags: oops}", "same", "unit_tests.yml:6 same::t: DuckDB refuses the rows of clean.same (Conversion Error"),
    ],
)  # fmt: skip
def test_rows_that_duckdb_refuses(
    tmp_path: Path, connection: DuckDBPyConnection, given: str, expected: str, model: str, said: str
) -> None:
    with pytest.raises(ModelError) as caught:
        run(tmp_path, connection, given_and_expected(given, expected), model=model)
    assert said in str(caught.value)


def test_a_model_that_duckdb_refuses_is_told_with_its_line(
    tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    body = "given: [{input: ref('same'), rows: []}]\nexpect: {rows: [{id: 1}]}"
    room, (test,) = load(tmp_path, unit_test(body, model="ratios"))
    broken = replace(test.model, text=test.model.text.replace("amount", "\namont"))
    with pytest.raises(ModelError) as caught:
        run_unit_test(connection, room, replace(test, model=broken))
    assert str(caught.value).startswith(f"{test.model.path}:2: DuckDB refuses the model (Binder Error")


def test_a_column_that_the_model_does_not_make(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    body = "given: [{input: ref('same'), rows: []}]\nexpect: {rows: [{id: 1, promised: 1}]}"
    with pytest.raises(
        ModelError, match=r"ratios\.sql does not make promised, which .*unit_tests\.yml:6 expects"
    ):
        run(tmp_path, connection, body, model="ratios")


# --- Telling the difference


def test_the_difference_shows_what_changed_what_is_missing_and_what_is_too_much(
    tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    outcome = run(
        tmp_path,
        connection,
        given_and_expected(
            "{id: 1, label: a, amount: 1}, {id: 2, label: b, amount: 2.5}, {id: 3, label: ' c'}, {id: 3, label: null}",
            "{id: 1, label: a, amount: 1}, {id: 2, label: b, amount: 3}, {id: 9, label: '', amount: 7}",
        ),
    )
    assert outcome.difference().splitlines() == [
        "@@  | id | label | amount",
        "    | 1  | a     | 1.0",
        "→   | 2  | b     | 3.0 → 2.5",
        "--- | 9  | ''    | 7.0",
        "+++ | 3  | ' c'  | null",
        "+++ | 3  | null  | null",
        "(→ expected → actual, --- expected but not there, +++ there but not expected)",
    ]
    said = str(outcome.error())
    assert said.startswith(
        f"{tmp_path}/clean/unit_tests.yml:3 same::t: the model makes other rows than expected\n@@"
    )
    assert said.endswith(": Mend the model, or the rows expected of it.")


def test_the_difference_counts_equal_rows_and_shows_only_some(
    tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    many = ", ".join(f"{{id: {number}}}" for number in range(1, 14))
    lines = (
        run(tmp_path, connection, given_and_expected(f"{many}, {{id: 1}}", many)).difference().splitlines()
    )
    assert lines[1:3] == ["    | 1", "    | 2"]
    assert lines[11:-1] == ["+++ | 1", "and 3 more rows as expected"]


def test_there_is_no_difference_where_rows_are_equal(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    assert run(tmp_path, connection, given_and_expected("{id: 1}", "{id: 1}")).difference() == ""
