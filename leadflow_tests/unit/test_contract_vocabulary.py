"""Reading what teams write beside a test: config, tags, owners, freshness, and tests that are queries of their own."""

from pathlib import Path

import pytest
from test_contracts import COLUMNS, HEAD, SOURCES, load

from leadflow.errors import ContractError
from leadflow.quality.contract.macro_tests import macro_query
from leadflow.quality.contract.tables import Test
from leadflow.quality.contracts import Contracts, load_contracts

TEST_LINE = 7
BETWEEN = "expect_column_values_to_be_between: {arguments: {column_name: amount, min_value: 0}"


def load_test(tmp_path: Path, test: str) -> Test:
    """One test of clean.leads."""
    table = load(tmp_path, clean=HEAD + f"    data_tests:\n      - {test}\n" + COLUMNS + SOURCES)[
        "clean.leads"
    ]
    return table.checks[1]


def read_config(tmp_path: Path, config: str) -> Test:
    """A row-wise test of a column with this config."""
    return load_test(tmp_path, f"{BETWEEN}, config: {{{config}}}}}")


# A config, and the attributes that it gives the test.
CONFIGS = [
    ("", {"severity": "error", "warn_if": None, "error_if": None, "limit": None, "on_fail": "block", "tags": ()}),
    ("warn_if: '> 0', error_if: '>=10'", {"warn_if": "> 0", "error_if": ">=10", "severity": "error"}),
    ("severity: warn, warn_if: '!= 0'", {"warn_if": "!= 0", "severity": "warn"}),
    ("error_if: '> 5', meta: {error_if: '> 1%'}", {"error_if": "> 1%"}),
    ("meta: {warn_if: 'between 1% and 3%'}", {"warn_if": "between 1% and 3%"}),
    ("limit: 50", {"limit": 50}),
    ("limit: 50, error_if: '>= 50', warn_if: 'between 1 and 49'", {"limit": 50, "error_if": ">= 50"}),
    ("fail_calc: 'COUNT( * )'", {"severity": "error"}),
    ("where: is_open", {"where": "is_open"}),
    ("tags: nightly", {"tags": ("nightly",)}),
    ("tags: [nightly, pii], meta: {owner: ann@example.com}", {"tags": ("nightly", "pii"), "owners": ("ann@example.com",)}),
    ("meta: {owners: [ann, bob]}", {"owners": ("ann", "bob")}),
    ("meta: {on_fail: quarantine}", {"on_fail": "quarantine", "max_quarantined_share": 0.05}),
    ("on_fail: quarantine, max_quarantined_share: 0", {"on_fail": "quarantine", "max_quarantined_share": 0.0}),
    ("meta: {on_fail: quarantine, max_quarantined_share: 0.02}", {"max_quarantined_share": 0.02}),
    ("store_failures: true, alias: a, schema: b, database: c, sql_header: d, group: finance", {"owners": ("fin@example.com",)}),
]  # fmt: skip
GROUPS = "groups: [{name: finance, owner: {name: Finance, email: fin@example.com}}]\n"


@pytest.mark.parametrize(("config", "wanted"), CONFIGS)
def test_a_config_is_read(tmp_path, config, wanted):
    text = HEAD + f"    data_tests:\n      - {BETWEEN}, config: {{{config}}}}}\n" + COLUMNS + GROUPS
    test = load(tmp_path, clean=text)["clean.leads"].checks[1]
    found = {name: getattr(test, name) for name in wanted}
    assert {name: getattr(value, "text", value) for name, value in found.items()} == wanted


def test_a_config_beside_the_name_counts_too(tmp_path):
    settings = "severity: warn, warn_if: '> 3', limit: 9, tags: [a], on_fail: block, meta: {max_quarantined_share: 1}"
    test = load_test(tmp_path, f"unique: {{column_name: status, {settings}}}")
    assert (test.severity, test.warn_if.text, test.limit, test.tags) == ("warn", "> 3", 9, ("a",))
    assert (test.on_fail, test.max_quarantined_share) == ("block", 1.0)
    assert test.arguments == {}


WRONG_CONFIGS = [
    ("warn_if: '> many'", "gives expect_column_values_to_be_between `warn_if: > many`, which says nothing of a number"),
    ("error_if: 5", "`error_if: 5`, which says nothing of a number of failing rows: write it as text, such as '> 10'"),
    ("error_if: '> 1%'", "`error_if: > 1%`, a share, which dbt would fail on: write `config: {meta: {error_if: '> 1%'}}`"),
    ("limit: 5, meta: {error_if: '> 1%'}", "`error_if: > 1%` and a limit, so that the share would be of too few"),
    ("limit: 50, error_if: '> 100'", "`error_if: > 100` and the limit 50, at which counting ends before it is told: raise the limit"),
    ("limit: 5, warn_if: 'between 1 and 5'", "`warn_if: between 1 and 5` and the limit 5, at which counting ends"),
    ("limit: 0", "`limit: 0`: write a number of rows, from 1."),
    ("limit: true", "`limit: true`: write a number of rows"),
    ("fail_calc: sum(amount)", "with fail_calc 'sum(amount)'; leadflow counts failing rows"),
    ("warn_iff: '> 1'", "with the unknown 'warn_iff': write 'warn_if'."),
    ("meta: {on_fial: quarantine}", "with the unknown 'on_fial': write 'on_fail'."),
    ("meta: {on_fail: drop}", "the on_fail 'drop': write block or quarantine."),
    ("meta: {on_fail: quarantine, max_quarantined_share: 2}", "`max_quarantined_share: 2`: write a share of the table's rows, from 0 to 1."),
    ("max_quarantined_share: many", "`max_quarantined_share: many`: write a share"),
    ("meta: quarantine", "a meta that is no mapping"),
    ("tags: [1]", "has the tags [1], which is neither a text nor a list of texts"),
    ("meta: {owner: {name: ann}}", "has the owner {'name': 'ann'}, which is neither"),
    ("group: finanse", "is of the group 'finanse', which is not declared"),
    ("where: \"amount > {{ var('x') }}\"", "a where with Jinja in it"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "told"), WRONG_CONFIGS)
def test_a_wrong_config_is_refused_with_its_line(tmp_path, config, told):
    with pytest.raises(ContractError) as caught:
        read_config(tmp_path, config)
    assert f"clean/schema.yml:{TEST_LINE} " in str(caught.value)
    assert told in str(caught.value)


WRONG_FOR_THE_TEST = [
    ("expect_table_row_count_to_equal: {arguments: {value: 1}, config: {meta: {on_fail: quarantine}}}",
     "gives expect_table_row_count_to_equal `on_fail: quarantine`, but the test judges the column or table as a whole"),
    ("expect_table_row_count_to_equal: {arguments: {value: 1}, config: {meta: {warn_if: '> 1%'}}}",
     "gives expect_table_row_count_to_equal the share '> 1%', but no single row fails it"),
    ("expect_column_values_to_be_in_set: {arguments: {column_name: status, value_set: [a], mostly: 0.9}, config: {warn_if: '> 3'}}",
     "both mostly and '> 3': keep one of the two"),
    ("dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [lead_id, nope]}}",
     "tests the column 'nope' with unique_combination_of_columns"),
    ("dbt_utils.unique_combination_of_columns: {arguments: {combination_of_column: [lead_id]}}",
     "has no argument 'combination_of_column'"),
    ("unique_combination_of_columns", "needs the argument 'column_list'"),
    ("expect_table_aggregation_to_equal_other_table: {arguments: {expression: sum(amount), compare_model: ref('laeds')}}",
     "refers expect_table_aggregation_to_equal_other_table to ref('laeds'), which no contract describes: write leads."),
    ("expect_table_aggregation_to_equal_other_table: {arguments: {expression: sum(amount), compare_model: leads}}",
     "refers to 'leads', which no contract describes: write ref('model') or source('stage', 'table')."),
    ("expect_table_aggregation_to_equal_other_table: {arguments: {expression: sum(amount), compare_model: ref('leads'), group_by: [statsu]}}",
     "tests the column 'statsu'"),
    ("expect_table_aggregation_to_equal_other_table: {arguments: {expression: sum(amount), compare_model: ref('leads'), group_by: [status], compare_group_by: [status, is_open]}}",
     "groups the two tables by different numbers of columns: pair each of them."),
    ("expect_table_row_count_to_equal_other_table_times_factor: {arguments: {compare_model: ref('leads')}}",
     "needs the argument 'factor'"),
    ("unexpected_rows_expectation: {arguments: {unexpected_rows_query: \"select * from {{ ref('laeds') }}\"}}",
     "to {{ ref('laeds') }}, which no contract describes: write leads."),
]  # fmt: skip


@pytest.mark.parametrize(("test", "told"), WRONG_FOR_THE_TEST)
def test_what_a_test_cannot_take_is_refused_with_its_line(tmp_path, test, told):
    with pytest.raises(ContractError) as caught:
        load_test(tmp_path, test)
    assert f"clean/schema.yml:{TEST_LINE} " in str(caught.value)
    assert told in str(caught.value)


def test_packages_spellings(tmp_path):
    test = load_test(
        tmp_path,
        "dbt_utils.unique_combination_of_columns: {combination_of_columns: [lead_id, status], quote_columns: true}",
    )
    assert (test.test, test.column, test.columns) == (
        "unique_combination_of_columns",
        None,
        ("lead_id", "status"),
    )
    other = tmp_path / "other"
    other.mkdir()
    test = load_test(
        other,
        "dbt_expectations.expect_table_aggregation_to_equal_other_table: {expression: sum(amount), "
        "compare_model: \"source('raw', 'mql')\", compare_expression: count(*), row_condition: is_open}",
    )
    assert (test.where, test.other_tables) == ("is_open", ("raw.mql",))


def test_sql_within_an_argument_refers_to_other_tables(tmp_path):
    query = "select * from {batch} where lead_id not in (select mql_id from {{ source('raw', 'mql') }})"
    test = load_test(tmp_path, f'unexpected_rows_expectation: {{unexpected_rows_query: "{query}"}}')
    assert test.other_tables == ("raw.mql",)
    assert '"raw"."mql"' in test.arguments["unexpected_rows_query"]


@pytest.mark.parametrize(
    "changed",
    [
        "severity: warn",
        "error_if: '> 1'",
        "warn_if: '> 1'",
        "limit: 5",
        "where: is_open",
        "meta: {on_fail: quarantine}",
        "meta: {on_fail: quarantine, max_quarantined_share: 0.5}",
    ],
)
def test_what_a_result_means_is_in_the_fingerprint(tmp_path, changed):
    def fingerprint(name: str, config: str) -> str:
        (tmp_path / name).mkdir()
        text = HEAD + f"    data_tests:\n      - {BETWEEN}, config: {{{config}}}}}\n" + COLUMNS
        table = load(tmp_path / name, clean=text)["clean.leads"]
        return table.fingerprint(table.checks[1])

    plain = fingerprint("plain", "")
    assert fingerprint("changed", changed) != plain
    assert fingerprint("labelled", "tags: [a], meta: {owner: ann}, store_failures: true") == plain


# --- tags and owners -----------------------------------------------------------------------------------------------

LABELLED = """\
version: 2
groups:
  - {name: sales_ops, owner: {name: Sales operations, email: [ops@example.com, ann@example.com]}}
  - {name: science, owner: {name: Science}}
models:
  - name: leads
    description: Leads
    group: sales_ops
    config: {tags: daily, meta: {grain: one row per lead}}
    tags: [core]
    columns:
      - name: lead_id
        data_type: bigint
        description: Key
        tags: [key]
        config: {tags: [joined], meta: {owner: bob}}
        data_tests: [not_null, unique: {config: {tags: slow, meta: {owner: eve}}}]
  - name: scores
    description: Scores
    config: {group: science, meta: {owner: eve@example.com, grain: one row per lead}}
    columns: [{name: lead_id, data_type: bigint, description: Key}]
sources:
  - name: raw
    tags: [landed]
    meta: {owner: data@example.com}
    tables:
      - {name: mql, description: a, meta: {grain: a}, tags: forms, columns: [{name: a, data_type: int, description: a}]}
      - {name: ads, description: a, meta: {grain: a, owner: ads@example.com}, columns: [{name: a, data_type: int, description: a}]}
"""


def test_tags_and_owners(tmp_path):
    contracts = load(tmp_path, clean=LABELLED)
    told = {name: (table.tags, table.owners) for name, table in contracts.items()}
    assert told == {
        "clean.leads": (("core", "daily"), ("ops@example.com", "ann@example.com")),
        "clean.scores": ((), ("eve@example.com", "Science")),
        "raw.mql": (("landed", "forms"), ("data@example.com",)),
        "raw.ads": (("landed",), ("ads@example.com",)),
    }
    column = contracts["clean.leads"].columns[0]
    assert (column.tags, column.owners) == (("key", "joined"), ("bob",))
    assert [(test.tags, test.owners) for test in column.tests] == [
        (("key", "joined"), ("bob",)),
        (("key", "joined", "slow"), ("eve",)),
    ]


WRONG_LABELS = [
    ("group: sales_ops", "group: sales_op", 6, "clean.leads is of the group 'sales_op', which is not declared: write 'sales_ops'."),
    ("tags: [core]", "tags: {core: 1}", 6, "clean.leads has the tags {'core': 1}, which is neither a text nor a list of texts"),
    ("tags: [landed]", "tags: [5]", 23, "source raw has the tags [5]"),
    ("owner: bob", "owner: 5", 12, "clean.leads.lead_id has the owner 5, which is neither"),
    ("owner: {name: Science}", "owner: {}", 4, "holds the group science without an owner"),
    ("{name: science, owner", "{nome: science, owner", 4, "holds a group without a name"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "line", "told"), WRONG_LABELS)
def test_wrong_labels_are_refused_with_their_line(tmp_path, good, bad, line, told):
    assert good in LABELLED
    with pytest.raises(ContractError) as caught:
        load(tmp_path, clean=LABELLED.replace(good, bad, 1))
    assert f"schema.yml:{line} " in str(caught.value)
    assert told in str(caught.value)


# --- freshness -----------------------------------------------------------------------------------------------------

FRESH = """\
version: 2
sources:
  - name: raw%(source)s
    tables:
      - name: mql%(table)s
        description: a
        meta: {grain: a}
        columns:
          - {name: mql_id, data_type: int, description: a}
          - {name: known_at, data_type: timestamp, description: a}
          - {name: seen_on, data_type: varchar, description: a}
"""
HALF_DAY = "{warn_after: {count: 12, period: hour}}"


def load_fresh(tmp_path: Path, source: str = "", table: str = "") -> Contracts:
    """raw.mql with more keys at its source and at itself."""
    filled = FRESH % {
        "source": "".join(f"\n    {line}" for line in source.splitlines()),
        "table": "".join(f"\n        {line}" for line in table.splitlines()),
    }
    return load(tmp_path, raw=filled)


FRESHNESS = [
    (f"freshness: {HALF_DAY}\nloaded_at_field: known_at", "", ("warn", "known_at", {"warn_after": "12 hour"})),
    ("", f"config: {{freshness: {HALF_DAY}, loaded_at_field: known_at}}", ("warn", "known_at", {"warn_after": "12 hour"})),
    (f"config: {{freshness: {HALF_DAY}, loaded_at_field: mql_id}}", "loaded_at_field: known_at",
     ("warn", "known_at", {"warn_after": "12 hour"})),
    (f"freshness: {HALF_DAY}\nloaded_at_field: known_at",
     "freshness: {warn_after: {count: 3}, error_after: {count: 2, period: day}, filter: mql_id > 0}",
     ("error", "known_at", {"warn_after": "3 hour", "error_after": "2 day", "filter": "mql_id > 0"})),
    (f"freshness: {HALF_DAY}\nloaded_at_field: known_at",
     "freshness: {warn_after: null, error_after: {count: 1, period: minute}}",
     ("error", "known_at", {"error_after": "1 minute"})),
    ("", "freshness: {error_after: {count: 1, period: day}}\nloaded_at_field: 'cast(seen_on as timestamp)'",
     ("error", None, {"error_after": "1 day", "loaded_at": "cast(seen_on as timestamp)"})),
]  # fmt: skip


@pytest.mark.parametrize(("source", "table", "wanted"), FRESHNESS)
def test_freshness_is_a_check_of_the_table(tmp_path, source, table, wanted):
    contract = load_fresh(tmp_path, source, table)["raw.mql"]
    (test,) = [test for test in contract.checks if test.check_name == "source_freshness"]
    assert (test.severity, test.column, test.arguments) == wanted
    assert test.is_blocking is (wanted[0] == "error")


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("", ""),
        ("loaded_at_field: known_at", ""),
        (f"freshness: {HALF_DAY}\nloaded_at_field: known_at", "freshness: null"),
        ("freshness: {warn_after: {}}\nloaded_at_field: known_at", ""),
    ],
)
def test_without_a_threshold_there_is_no_check(tmp_path, source, table):
    assert [test.test for test in load_fresh(tmp_path, source, table)["raw.mql"].checks] == [
        "columns_match_contract"
    ]


WRONG_FRESHNESS = [
    (f"freshness: {HALF_DAY}", 6, "raw.mql has a freshness and no loaded_at_field"),
    (f"freshness: {HALF_DAY}\nloaded_at_field: known", 6, "has the loaded_at_field 'known', which is no column of it: write 'known_at'."),
    ("freshness: 5\nloaded_at_field: known_at", 6, "has a freshness that is no mapping"),
    ("freshness: {warn_afer: {count: 1, period: day}}\nloaded_at_field: known_at", 6, "unknown freshness key 'warn_afer': write 'warn_after'."),
    ("freshness: {warn_after: {count: 1, period: week}}\nloaded_at_field: known_at", 6, "by minute or hour or day."),
    ("freshness: {warn_after: {count: 0, period: day}}\nloaded_at_field: known_at", 6, "has the warn_after {'count': 0"),
    ("freshness: {filter: 5, warn_after: {count: 1, period: day}}\nloaded_at_field: known_at", 6, "filter that is no SQL condition"),
    (f"freshness: {HALF_DAY}\nloaded_at_query: select 1", 7, "has a loaded_at_query, which leadflow does not run"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "line", "told"), WRONG_FRESHNESS)
def test_a_wrong_freshness_is_refused_with_its_line(tmp_path, table, line, told):
    with pytest.raises(ContractError) as caught:
        load_fresh(tmp_path, "", table)
    assert f"raw/schema.yml:{line} " in str(caught.value)
    assert told in str(caught.value)


# --- singular tests ------------------------------------------------------------------------------------------------


def load_singular(tmp_path: Path, described: str = "", project: str = "", **queries: str) -> Contracts:
    """clean.leads, clean.later and raw.mql with tests that are queries of their own."""
    later = HEAD.replace("version: 2\nmodels:\n", "").replace("name: leads", "name: later") + COLUMNS
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "schema.yml").write_text(HEAD + COLUMNS + later + SOURCES)
    (tmp_path / "macros").mkdir()
    (tmp_path / "macros" / "positive.sql").write_text(
        "{% macro positive(name) %}{{ name }} > 0{% endmacro %}"
    )
    (tmp_path / "dbt_project.yml").write_text("vars: {as_of: '2026-01-01', least: 3}\n" + project)
    for name, text in queries.items():
        (tmp_path / "tests").mkdir(exist_ok=True)
        (tmp_path / "tests" / f"{name}.sql").write_text(text)
    if described:
        (tmp_path / "tests" / "about.yml").write_text(described)
    return load_contracts(tmp_path, cache_file=tmp_path / "cache.json")


def test_a_query_is_a_check_of_the_last_table_that_it_reads(tmp_path):
    contracts = load_singular(
        tmp_path,
        described="data_tests:\n  - {name: both, description: Both agree., config: {tags: [a], severity: warn, limit: 9}}\n",
        both="{{ config(tags=['b'], warn_if='> 3', meta={'owner': 'ann'}) }}\n"
        "select * from {{ ref('leads') }} join {{ source('raw', 'mql') }} on {{ positive('lead_id') }}",
        of_two="select * from {{ ref('later') }} where lead_id in (select lead_id from {{ ref('leads') }})",
    )
    placed = {
        test.check_name: (name, test)
        for name, table in contracts.items()
        for test in table.checks
        if test.singular
    }
    table, both = placed["both"]
    assert (table, both.reads, both.severity, both.description) == (
        "clean.leads",
        ("raw.mql",),
        "warn",
        "Both agree.",
    )
    assert (both.warn_if.text, both.limit, both.tags, both.owners) == ("> 3", 9, ("b",), ("ann",))
    assert (both.file.name, both.line, both.other_tables) == ("both.sql", 1, ("raw.mql",))
    assert both.singular.pii_columns == {"mql_id"}
    assert "lead_id > 0" in both.singular.rendered().sql
    assert placed["of_two"][0] == "clean.later"


def test_a_query_that_is_switched_off_or_generic_is_no_check(tmp_path):
    (tmp_path / "tests" / "generic").mkdir(parents=True)
    (tmp_path / "tests" / "generic" / "blocks.sql").write_text("{% test a(model) %}select 1{% endtest %}")
    contracts = load_singular(tmp_path, off="{{ config(enabled=false) }} select * from {{ ref('leads') }}")
    assert [test for table in contracts.values() for test in table.checks if test.singular] == []


def test_a_block_beside_the_queries_is_a_test_like_those_among_the_macros(tmp_path):
    (tmp_path / "tests" / "generic").mkdir(parents=True)
    block = "{% test is_positive(model, column_name) %}select * from {{ model }} where not {{ positive(column_name) }}{% endtest %}"
    (tmp_path / "tests" / "generic" / "blocks.sql").write_text(block)
    (tmp_path / "clean").mkdir()
    (tmp_path / "macros").mkdir()
    (tmp_path / "macros" / "positive.sql").write_text(
        "{% macro positive(name) %}{{ name }} > 0{% endmacro %}"
    )
    tested = COLUMNS.replace("description: Key", "description: Key, data_tests: [is_positive]")
    (tmp_path / "clean" / "schema.yml").write_text(HEAD + tested)
    _, test = load_contracts(tmp_path)["clean.leads"].checks
    assert (
        macro_query(test.macro, "batch", "lead_id", {}).sql == 'select * from batch where not "lead_id" > 0'
    )


def test_test_paths_are_those_of_the_project(tmp_path):
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "mine.sql").write_text("select * from {{ ref('leads') }} where false")
    contracts = load_singular(tmp_path, project="test-paths: [checks]\n", elsewhere="nonsense")
    assert [test.check_name for test in contracts["clean.leads"].checks if test.singular] == ["mine"]


def test_names_of_checks_differ(tmp_path):
    contracts = load_singular(tmp_path, columns_match_contract="select * from {{ ref('leads') }}")
    names = [test.check_name for test in contracts["clean.leads"].checks]
    assert names == ["columns_match_contract", "columns_match_contract__singular"]


def test_a_macro_that_changes_is_another_promise(tmp_path):
    query = "select * from {{ ref('leads') }} where {{ positive('lead_id') }}"
    table = load_singular(tmp_path, one=query)["clean.leads"]
    (tmp_path / "macros" / "positive.sql").write_text(
        "{% macro positive(name) %}{{ name }} > 1{% endmacro %}"
    )
    changed = load_contracts(tmp_path, cache_file=tmp_path / "cache.json")["clean.leads"]
    assert table.fingerprint(table.checks[1]) != changed.fingerprint(changed.checks[1])


def test_a_block_that_changes_is_another_promise(tmp_path):
    (tmp_path / "clean").mkdir()
    (tmp_path / "macros").mkdir()
    tested = COLUMNS.replace("description: Key", "description: Key, data_tests: [is_positive]")
    (tmp_path / "clean" / "schema.yml").write_text(HEAD + tested)

    def fingerprint(condition: str) -> str:
        block = f"{{% test is_positive(model, column_name) %}}select * from {{{{ model }}}} where {condition}{{% endtest %}}"
        (tmp_path / "macros" / "positive.sql").write_text(block)
        table = load_contracts(tmp_path)["clean.leads"]
        return table.fingerprint(table.checks[1])

    assert fingerprint("{{ column_name }} > 0") == fingerprint("{{ column_name }} > 0")
    assert fingerprint("{{ column_name }} > 0") != fingerprint("{{ column_name }} > 1")


WRONG_QUERIES = [
    ("select\n{{ ref('laeds') }}", "tests/one.sql:2 ref('laeds') names no model: did you mean 'leads'."),
    ("select * from {{ source('raw', 'mqls') }}", "tests/one.sql:1 source('raw', 'mqls') names no table of a schema.yml"),
    ("select 1\n{% if %}", "tests/one.sql:2 "),
    ("select {{ var('nope') }} from {{ ref('leads') }}", "tests/one.sql:1 var('nope') has no value"),
    ("select * fro\n{{ ref('leads') }} whre", "does not parse as SQL"),
    ("select 1", "tests/one.sql:1 reads no table that a refresh makes: read one by ref() or source()."),
    ("select * from clean.leads", "reads the table clean.leads without ref() or source()"),
    ("{{ config(severity='fatal') }} select * from {{ ref('leads') }}", "tests/one.sql:1 gives one the severity 'fatal'"),
    ("\n{{ config(error_if='many') }} select * from {{ ref('leads') }}", "tests/one.sql:2 gives one `error_if: many`"),
    ("{{ config(where='x') }} select * from {{ ref('leads') }}", "gives one a where: write the condition into its SQL."),
    ("{{ config(meta={'error_if': '> 1%'}) }} select * from {{ ref('leads') }}", "gives one a share of rows"),
    ("{{ config(meta={'on_fail': 'quarantine'}) }} select * from {{ ref('leads') }}", "gives one `on_fail: quarantine`"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "told"), WRONG_QUERIES)
def test_a_wrong_query_is_refused_with_its_line(tmp_path, query, told):
    with pytest.raises(ContractError) as caught:
        load_singular(tmp_path, one=query)
    assert str(caught.value).startswith(f"{tmp_path}/tests/one.sql")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ("data_tests: [{name: other}]", "about.yml:1 describes the test other, which is no file"),
        ("data_tests: [{description: a}]", "about.yml:1 describes a test without its name"),
        ("data_tests:\n  - {name: one}\n  - {name: one}", "about.yml:3 describes the test one again"),
        ("data_tests: {name: one}", "about.yml:1 data_tests is no list"),
        (
            "data_tests:\n  - {name: one, config: {severity: fatal}}",
            "about.yml:2 gives one the severity 'fatal'",
        ),
    ],
)
def test_what_is_wrongly_said_of_a_query_is_refused_with_its_line(tmp_path, described, told):
    with pytest.raises(ContractError) as caught:
        load_singular(tmp_path, described=described, one="select * from {{ ref('leads') }} where false")
    assert told in str(caught.value)
