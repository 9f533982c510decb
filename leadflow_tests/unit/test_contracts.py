"""Reading contracts: what is understood, and what is refused with its line."""

import subprocess
import sys
from pathlib import Path

import pytest

from leadflow.errors import ContractError
from leadflow.quality.contracts import Contracts, load_contracts

HEAD = """\
version: 2
models:
  - name: leads
    description: Leads
    meta: {grain: one row per lead, natural_key: [lead_id]}
"""
COLUMNS = """\
    columns:
      - {name: lead_id, data_type: bigint, description: Key}
      - {name: status, data_type: varchar, description: Status}
      - {name: amount, data_type: "decimal(18, 3)", description: Money, meta: {unit: currency}}
      - {name: is_open, data_type: boolean, description: Open}
"""
SOURCES = """\
sources:
  - name: raw
    tables:
      - name: mql
        description: Submissions
        config: {meta: {grain: one row per submission}}
        columns: [{name: mql_id, data_type: varchar, description: Key, config: {meta: {pii: true}}}]
"""


def load(tmp_path: Path, *, macros: str = "", **files: str) -> Contracts:
    """Contracts of schema.yml files by stage."""
    for stage, text in files.items():
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "schema.yml").write_text(text)
    (tmp_path / "macros").mkdir()
    (tmp_path / "macros" / "tests.sql").write_text(macros)
    return load_contracts(tmp_path)


def test_a_whole_contract(tmp_path):
    text = (
        HEAD
        + """\
    docs: {show: true}
    owners: [sales]
    data_tests:
      - dbt_expectations.expect_column_pair_values_A_to_be_greater_than_B: {column_A: amount, column_B: lead_id, or_equal: true}
      - unique: {column_name: status}
      - expect_table_row_count_to_equal_other_table: {compare_model: "source('raw', 'mql')", severity: WARN}
    columns:
      - name: lead_id
        data_type: bigint
        description: Key
        quote: true
        tests:
          - not_null
          - unique: {config: {severity: warn, where: "status = 'a'"}}
          - not_null: {name: really there!, description: Because}
          - not_null: {enabled: false}
          - relationships: {arguments: {to: "{{ ref('leads') }}", field: lead_id}}
      - name: status
        data_type: varchar
        description: Status
        data_tests:
          - accepted_values: {arguments: {values: [a, b], quote: true}}
          - expect_column_values_to_match_regex: {regex: a, row_condition: lead_id > 1, config: {where: is_open}}
          - is_short: {longest: 5}
      - {name: amount, data_type: double, description: Money, meta: {unit: currency}}
      - {name: is_open, data_type: bool, description: Open}
"""
        + SOURCES
    )
    macros = "{% test is_short(model, column_name, longest) %}select 1{% endtest %}"
    contracts = load(tmp_path, clean=text, macros=macros)
    assert list(contracts) == ["clean.leads", "raw.mql"]
    table = contracts["clean.leads"]
    assert contracts.by_model_name("leads") is table
    assert contracts.by_model_name("mql") is None
    assert (table.kind, contracts["raw.mql"].kind) == ("model", "source")
    assert (table.grain, table.natural_key, table.line) == ("one row per lead", ("lead_id",), 3)
    assert [(column.name, column.unit, column.is_pii) for column in table.columns][2] == (
        "amount",
        "currency",
        False,
    )
    assert contracts["raw.mql"].pii_columns == {"mql_id"}
    told = [
        (test.check_name, test.test, test.column, test.severity, test.where, test.line)
        for test in table.checks
    ]
    assert told == [
        ("columns_match_contract", "columns_match_contract", None, "error", None, 3),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            "expect_column_pair_values_a_to_be_greater_than_b",
            None,
            "error",
            None,
            9,
        ),
        ("unique__status", "unique", "status", "error", None, 10),
        (
            "expect_table_row_count_to_equal_other_table",
            "expect_table_row_count_to_equal_other_table",
            None,
            "warn",
            None,
            11,
        ),
        ("not_null__lead_id", "not_null", "lead_id", "error", None, 18),
        ("unique__lead_id", "unique", "lead_id", "warn", "status = 'a'", 19),
        ("really_there", "not_null", "lead_id", "error", None, 20),
        ("relationships__lead_id", "relationships", "lead_id", "error", None, 22),
        ("accepted_values__status", "accepted_values", "status", "error", None, 27),
        (
            "expect_column_values_to_match_regex__status",
            "expect_column_values_to_match_regex",
            "status",
            "error",
            "(is_open) and (lead_id > 1)",
            28,
        ),
        ("is_short__status", "is_short", "status", "error", None, 29),
    ]
    assert {test.check_name for test in table.checks} - {
        test.check_name for test in table.blocking_checks
    } == {
        "unique__lead_id",
        "expect_table_row_count_to_equal_other_table",
    }
    by_name = {test.check_name: test for test in table.checks}
    assert by_name["relationships__lead_id"].arguments == {"to": "clean.leads", "field": "lead_id"}
    assert by_name["expect_table_row_count_to_equal_other_table"].other_tables == ("raw.mql",)
    assert by_name["expect_column_pair_values_a_to_be_greater_than_b"].columns == ("amount", "lead_id")
    assert by_name["is_short__status"].macro is not None


def test_check_names_differ_and_stay(tmp_path):
    between = "{expect_column_values_to_be_between: {min_value: %d}}"
    columns = COLUMNS.replace(
        "description: Key", f"description: Key, data_tests: [{between % 1}, {between % 2}, {between % 3}]"
    )
    table = load(tmp_path, clean=HEAD + columns)["clean.leads"]
    stem = "expect_column_values_to_be_between__lead_id"
    assert [test.check_name for test in table.checks[1:]] == [stem, f"{stem}__2", f"{stem}__3"]
    assert [test.arguments["min_value"] for test in table.checks[1:]] == [1, 2, 3]


# A test below the table, and what is said of it at line 7.
AT_TABLE = [
    ("not_nul: {column_name: status}", "clean.leads names the unknown test 'not_nul': write 'not_null'."),
    ("expect_column_values_to_be_betwen", "write 'expect_column_values_to_be_between'."),
    ("my_package.odd", "clean.leads names the unknown test 'my_package.odd': define it under dbt_like_sql/macros."),
    (
        "expect_column_values_to_match_json_schema: {column_name: status, json_schema: {}}",
        "clean.leads names expect_column_values_to_match_json_schema, which cannot run on DuckDB (No provider found",
    ),
    ("not_null", "clean.leads names not_null without a column: move it below the column, or add column_name."),
    ("unique: {column_name: statsu}", "tests the column 'statsu' with unique, which the table does not have: write 'status'."),
    (
        "expect_compound_columns_to_be_unique: {column_list: [lead_id, nope]}",
        "tests the column 'nope' with expect_compound_columns_to_be_unique, which the table does not have",
    ),
    (
        "expect_column_pair_values_to_be_equal: {column_A: lead_id, column_B: nope}",
        "tests the column 'nope' with expect_column_pair_values_to_be_equal, which the table does not have",
    ),
    (
        "expect_column_values_to_be_increasing: {column_name: lead_id, sort_column: nope}",
        "tests the column 'nope' with expect_column_values_to_be_increasing",
    ),
    (
        "expect_compound_columns_to_be_unique",
        "test expect_compound_columns_to_be_unique needs the argument 'column_list': add it under `arguments:`",
    ),
    ("expect_table_row_count_to_equal: {value: many}", "test expect_table_row_count_to_equal argument 'value' is 'many', not integer"),
    ("expect_table_row_count_to_equal: {values: 3}", "has no argument 'values': write 'value'."),
    ("expect_table_row_count_to_equal: {value: 3, config: {severity: fatal}}", "the severity 'fatal': write error or warn."),
    ("expect_table_row_count_to_equal: {value: 3, config: {serverity: warn}}", "the unknown 'serverity': write 'severity'."),
    ("expect_table_row_count_to_equal: {value: 3, config: {warn_if: 'many'}}", "`warn_if: many`, which says nothing of a number"),
    ("expect_table_row_count_to_equal: {value: 3, where: 1}", "a where that is no SQL condition: write it as text."),
    ("expect_table_row_count_to_equal: 3", "gives expect_table_row_count_to_equal settings that are no mapping"),
    ("{unique: , column_name: status}", "holds a test that is neither a name nor one name with its settings"),
    (
        "relationships: {column_name: lead_id, to: ref('laeds'), field: lead_id}",
        "refers relationships to ref('laeds'), which no contract describes: write leads.",
    ),
    (
        "relationships: {column_name: lead_id, to: ref('mql'), field: lead_id}",
        "refers relationships to ref('mql'), which no contract describes: write source('raw', 'mql'), as Python makes it.",
    ),
    (
        "relationships: {column_name: lead_id, to: \"source('raw', 'mql')\", field: lead_id}",
        "refers to the column 'lead_id', which raw.mql does not have: mend the name.",
    ),
    ("relationships: {column_name: lead_id, to: raw.mq, field: mql_id}", "refers to 'raw.mq', which no contract describes"),
    ("accepted_values: {column_name: status, values: [a, 1]}", "lists 1, which a varchar column cannot hold: put it in quotes: '1'."),
    ("accepted_values: {column_name: amount, values: ['1']}", "lists '1', which a decimal(18, 3) column cannot hold"),
    ("expect_column_values_to_be_in_set: {column_name: is_open, value_set: [yes, 1]}", "lists 1, which a boolean column"),
    ("is_short: {longest: 3}", "clean.leads names is_short without a column"),
    ("is_short: {column_name: status}", "test is_short needs the argument 'longest'"),
]  # fmt: skip


@pytest.mark.parametrize(("test", "told"), AT_TABLE)
def test_a_wrong_test_is_refused_with_its_line(tmp_path, test, told):
    text = HEAD + f"    data_tests:\n      - {test}\n" + COLUMNS + SOURCES
    macros = "{% test is_short(model, column_name, longest) %}select 1{% endtest %}"
    with pytest.raises(ContractError) as caught:
        load(tmp_path, clean=text, macros=macros)
    assert str(caught.value).startswith(f"{tmp_path}/clean/schema.yml:7 ")
    assert told in str(caught.value)


# A replacement within a good file, the line of what it breaks, and what is said.
BROKEN = [
    ("version: 2", "version: 1", 1, "is of version 1: write `version: 2`."),
    ("models:", "model:", 2, "the file has the unknown key 'model': write 'models'."),
    ("    description: Leads\n", "", 3, "clean.leads has no description: add `description:`."),
    ("description: Leads", "description: 5", 4, "clean.leads has the description 5, which is no text: put it in quotes."),
    ("grain: one row per lead", "grane: one row", 5, "meta of clean.leads has the unknown key 'grane': write 'grain'."),
    ("grain: one row per lead, ", "", 3, "clean.leads has no grain: add `meta: {grain: one row per ...}`."),
    ("natural_key: [lead_id]", "natural_key: [id]", 3, "clean.leads has the natural_key 'id', which is no column of it"),
    ("natural_key: [lead_id]", "natural_key: lead_id", 3, "a natural_key that is no list of columns"),
    ("data_type: bigint", "datatype: bigint", 7, "clean.leads.lead_id has the unknown key 'datatype': write 'data_type'."),
    ("data_type: bigint, ", "", 7, "clean.leads.lead_id has no data_type: add `data_type:`."),
    ("data_type: bigint", "data_type: bigimt", 7, "the data_type 'bigimt', which DuckDB does not know: write 'bigint'."),
    (", description: Status", "", 8, "clean.leads.status has no description: add `description:`."),
    ("name: status", "name: LEAD_ID", 8, "clean.leads has the column LEAD_ID twice: remove one."),
    ("meta: {unit: currency}", "meta: {unit: 5}", 9, "the unit 5, which is no text"),
    ("meta: {unit: currency}", "meta: {pii: maybe}", 9, "clean.leads.amount has `pii: maybe`: write true or false."),
    ("meta: {unit: currency}", "meta: yes", 9, "clean.leads.amount has a meta that is no mapping"),
    ("description: Money", "description: Money, data_tests: not_null", 9, "data_tests of amount is not a list"),
    ("description: Money", "description: Money, data_tests: [expect_table_row_count_to_equal: {value: 1}]", 9,
     "clean.leads.amount names expect_table_row_count_to_equal, a test of the table"),
    ("name: leads", "name: top leads", 3, "clean.top leads is no table name: use letters, digits and underscores."),
    ("  - name: leads", "  - leads\n  - name: leads", 3, "models holds an item that is no mapping"),
    ("description: Key}", "description: Key", 8, "is not valid YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "line", "told"), BROKEN)
def test_a_wrong_table_is_refused_with_its_line(tmp_path, good, bad, line, told):
    text = HEAD + COLUMNS
    assert good in text
    with pytest.raises(ContractError) as caught:
        load(tmp_path, clean=text.replace(good, bad, 1))
    assert f"{tmp_path}/clean/schema.yml:{line} " in str(caught.value)
    assert told in str(caught.value)


def test_all_problems_of_all_files_are_told_together(tmp_path):
    broken = HEAD.replace("    description: Leads\n", "") + COLUMNS.replace("bigint", "bigimt")
    with pytest.raises(ContractError) as caught:
        load(tmp_path, clean=broken, kpi="models: [", raw="version: 3\n" + SOURCES)
    message = str(caught.value)
    assert message.startswith("4 things are wrong in the contracts\n")
    for part in ("clean/schema.yml:3 ", "clean/schema.yml:6 ", "kpi/schema.yml:", "raw/schema.yml:1 "):
        assert part in message


@pytest.mark.parametrize(
    ("other_stage", "text"), [("kpi", HEAD + COLUMNS), ("raw", HEAD + COLUMNS + SOURCES + SOURCES[9:])]
)
def test_a_table_or_model_name_is_taken_once(tmp_path, other_stage, text):
    with pytest.raises(ContractError, match=r"described a second time, after .*clean/schema.yml:3"):
        load(tmp_path, clean=HEAD + COLUMNS, **{other_stage: text})


def test_a_broken_macro_is_refused_with_its_line(tmp_path):
    with pytest.raises(ContractError, match=r"tests.sql:2 is not valid Jinja"):
        load(tmp_path, clean=HEAD + COLUMNS, macros="{% test a(model) %}\n{% if %}\n{% endtest %}")


def test_the_projects_own_contracts_load_without_heavy_imports():
    program = (
        "import sys, pathlib\n"
        "from leadflow.quality.contracts import load_contracts\n"
        "print(len(load_contracts(pathlib.Path('dbt_like_sql'))))\n"
        "heavy = {'great_expectations', 'polars', 'pandas', 'numpy', 'duckdb', 'sqlalchemy', 'dagster', 'sklearn'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    tables, heavy = done.stdout.splitlines()
    assert int(tables) > 10
    assert heavy == "[]"


def test_a_file_that_is_no_yaml_is_told_and_not_every_reference_into_it(tmp_path):
    refers = SOURCES.replace(
        "description: Key,",
        "description: Key, data_tests: [{relationships: {arguments: {to: \"ref('leads')\", field: lead_id}}}],",
    )
    with pytest.raises(ContractError, match=r"clean.schema\.yml:\d+ is not valid YAML") as told:
        load(tmp_path, clean=HEAD + COLUMNS + "\t- x\n", raw=refers)
    assert "raw" not in str(told.value).replace(str(tmp_path), "")
