"""What teams write beside a test, really run in DuckDB: thresholds, limits, comparisons of tables, freshness, queries."""

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from leadflow.quality.checking.results import CheckResult
from leadflow.quality.checking.runner import check_table
from leadflow.quality.contracts import Table, load_contracts
from leadflow.warehouse.connection import Warehouse

DATA = """
create schema clean;
create table clean.deals as select
    i as deal_id, i % 5 as pair_id, case when i <= 12 then null else 'x' end as owner,
    case when i <= 50 then 'DE' else 'FR' end as country, 'ann' || i || '@example.com' as email,
    10.0::double as amount, timestamp '2026-01-01 00:00' + interval 1 hour * i as known_at
from range(1, 101) rows (i);
create table clean.totals as select * from (values ('DE', 500.0::double, 50), ('FR', 505.0, 25)) totals (country, amount, deals);
create table clean.nothing as select * from clean.deals where false
"""
COLUMNS = """
          - {name: deal_id, data_type: bigint, description: Key}
          - {name: pair_id, data_type: bigint, description: Pair}
          - {name: owner, data_type: varchar, description: Who%s}
          - {name: country, data_type: varchar, description: Where}
          - {name: email, data_type: varchar, description: Mail, meta: {pii: true}}
          - {name: amount, data_type: double, description: Money}
          - {name: known_at, data_type: timestamp, description: When}
"""
TOTALS = """
      - name: totals
        description: Totals
        meta: {grain: one row per country}
        columns:
          - {name: country, data_type: varchar, description: Where}
          - {name: amount, data_type: double, description: Money}
          - {name: deals, data_type: integer, description: Deals}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """A read-only engine on a file with the tables above: 100 deals, 12 of them without an owner."""
    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb", threads=1)
    with warehouse.connect() as connection:
        connection.execute(DATA)
    with warehouse.sqlalchemy_engine() as made:
        yield made


def contract(
    folder: Path,
    *,
    at_table: str = "[]",
    at_owner: str = "[]",
    beside: str = "",
    name: str = "deals",
    queries: dict[str, str] | None = None,
) -> Table:
    """The contract of clean.deals (or a table of its columns) with these tests."""
    (folder / "clean").mkdir()
    (folder / "clean" / "schema.yml").write_text(
        f"version: 2\nsources:\n  - name: clean\n    tables:{TOTALS}      - name: {name}\n        description: Deals\n"
        f"        meta: {{grain: one row per deal, natural_key: [deal_id]}}\n{beside}"
        f"        data_tests: {at_table}\n        columns:{COLUMNS % f', data_tests: {at_owner}'}"
    )
    for query_name, sql in (queries or {}).items():
        (folder / "tests").mkdir(exist_ok=True)
        (folder / "tests" / f"{query_name}.sql").write_text(sql)
    return load_contracts(folder)[f"clean.{name}"]


def check(engine: sa.Engine, table: Table, as_of: str | None = None) -> CheckResult:
    """The result of the only test beside columns_match_contract."""
    variables = {} if as_of is None else {"as_of": as_of}
    _, result = check_table(engine, table, variables=variables)
    return result


# Config of a test that 12 of 100 rows fail: passed, severity, blocking, failing rows and share, and the end of the sentence.
THRESHOLDS = [
    ("", False, "error", True, 12, 0.12, "owner is null in 12 of 100 rows"),
    ("severity: warn", False, "warn", False, 12, 0.12, "12 of 100 rows"),
    ("error_if: '> 12'", False, "warn", False, 12, 0.12, "in 12 of 100 rows, warn_if != 0"),
    ("error_if: '> 11'", False, "error", True, 12, 0.12, "in 12 of 100 rows, error_if > 11"),
    ("error_if: '> 20', warn_if: '> 10'", False, "warn", False, 12, 0.12, ", warn_if > 10"),
    ("error_if: '> 20', warn_if: '> 12'", True, "error", True, 12, 0.12, ", not warn_if > 12 and not error_if > 20"),
    ("warn_if: '> 20'", False, "error", True, 12, 0.12, ", error_if != 0"),
    ("severity: warn, warn_if: '> 20'", True, "warn", False, 12, 0.12, ", not warn_if > 20"),
    ("severity: warn, error_if: '> 1'", False, "warn", False, 12, 0.12, ", warn_if != 0"),
    ("meta: {error_if: '> 12%', warn_if: '> 11.5%'}", False, "warn", False, 12, 0.12, ", warn_if > 11.5%"),
    ("error_if: '> 500', meta: {error_if: '>= 12%'}", False, "error", True, 12, 0.12, ", error_if >= 12%"),
    ("error_if: 'between 1 and 11', warn_if: '> 20'", True, "error", True, 12, 0.12, "12 of 100 rows, not warn_if"),
    ("limit: 5", False, "error", True, 5, None, "owner is null in at least 5 of 100 rows"),
    ("limit: 5, error_if: '> 4', warn_if: '> 1'", False, "error", True, 5, None, "at least 5 of 100 rows, error_if > 4"),
    ("limit: 50", False, "error", True, 12, 0.12, "owner is null in 12 of 100 rows"),
    ("where: deal_id > 10, error_if: '> 2'", False, "warn", False, 2, 2 / 90, "in 2 of 90 rows where deal_id > 10, warn_if"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "is_passed", "severity", "is_blocking", "failing", "share", "told"), THRESHOLDS
)
@pytest.mark.parametrize("test", ["not_null", "dbt_expectations.expect_column_values_to_not_be_null"])
def test_thresholds(engine, tmp_path, test, config, is_passed, severity, is_blocking, failing, share, told):
    result = check(engine, contract(tmp_path, at_owner=f"[{test}: {{config: {{{config}}}}}]"))
    assert (result.is_passed, result.severity, result.is_blocking) == (is_passed, severity, is_blocking)
    assert result.failing_rows == failing
    assert result.failing_share == (None if share is None else pytest.approx(share))
    assert told in result.message


@pytest.mark.parametrize(
    ("test", "is_passed", "severity"),
    [
        (
            "expect_table_row_count_to_equal: {arguments: {value: 5}, config: {error_if: '> 1'}}",
            False,
            "warn",
        ),
        (
            "expect_table_row_count_to_equal: {arguments: {value: 5}, config: {error_if: '>= 1'}}",
            False,
            "error",
        ),
        (
            "expect_table_row_count_to_equal: {arguments: {value: 100}, config: {error_if: '>= 1'}}",
            True,
            "error",
        ),
    ],
)
def test_a_test_that_no_single_row_fails_is_one_failing_result(engine, tmp_path, test, is_passed, severity):
    result = check(engine, contract(tmp_path, at_table=f"[{test}]"))
    assert (result.is_passed, result.severity, result.failing_rows) == (is_passed, severity, None)


def test_what_could_not_run_blocks_whatever_its_thresholds(engine, tmp_path):
    config = "config: {severity: warn, error_if: '> 999', warn_if: '> 999', where: no_such_column > 1}"
    result = check(engine, contract(tmp_path, at_owner=f"[not_null: {{{config}}}]"))
    assert (result.is_passed, result.is_blocking) == (False, True)
    assert "no_such_column" in (result.error or "")


def test_a_query_that_fails_on_a_late_row_blocks_alone(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(DATA)
        connection.execute("update clean.deals set country = '1'")
        connection.execute("insert into clean.deals select deals.* from clean.deals, range(9999)")
        connection.execute(
            "insert into clean.deals select * replace ('one' as country) from clean.deals limit 1"
        )
    query = "select * from {batch} where cast(country as integer) = 1"
    test = f'{{unexpected_rows_expectation: {{arguments: {{unexpected_rows_query: "{query}"}}}}}}'
    table = contract(tmp_path, at_table=f"[{test}]", at_owner="[not_null]")
    with Warehouse(path, threads=1).sqlalchemy_engine() as engine:
        results = {result.test: result for result in check_table(engine, table)}
    assert "Could not convert string 'one'" in results["unexpected_rows_expectation"].message.replace(
        "***", "one"
    )
    assert results["unexpected_rows_expectation"].is_blocking
    assert results["not_null"].error is None


def test_days_are_utcs_in_checks_too(tmp_path, monkeypatch):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(DATA)
    query = (
        "select * from {batch} where cast(timestamptz '2026-01-01 01:00:00+00' as date) <> date '2026-01-01'"
    )
    test = f'{{unexpected_rows_expectation: {{arguments: {{unexpected_rows_query: "{query}"}}}}}}'
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        with Warehouse(path, threads=1).sqlalchemy_engine() as engine:
            result = check(engine, contract(tmp_path, at_table=f"[{test}]"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert result.is_passed


OTHER = "compare_model: \"source('clean', 'totals')\""
# A test of the table, whether it passes, and what is told.
COMPARISONS = [
    ("dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [deal_id, pair_id]}}", True, "0 of 100 rows"),
    ("dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [pair_id, country]}}", False,
     "pair_id and country together are not unique in 100 of 100 rows"),
    ("unique_combination_of_columns: {arguments: {combination_of_columns: [owner, country]}, config: {where: deal_id <= 2}}", False,
     "in 2 of 2 rows"),
    (f"expect_table_row_count_to_equal_other_table: {{arguments: {{{OTHER}}}}}", False, "value 100, other_value 2"),
    (f"expect_table_row_count_to_equal_other_table: {{arguments: {{{OTHER}, factor: 50}}}}", True, "passes"),
    (f"expect_table_row_count_to_equal_other_table: {{arguments: {{{OTHER}, factor: 25, row_condition: country = 'DE'}}}}", True, "passes"),
    (f"expect_table_row_count_to_equal_other_table: {{arguments: {{{OTHER}, factor: 50, group_by: [country]}}}}", True, "passes"),
    (f"expect_table_row_count_to_equal_other_table: {{arguments: {{{OTHER}, group_by: [country], factor: 49}}}}", False,
     "country DE, value 50, other_value 49"),
    (f"expect_table_row_count_to_equal_other_table_times_factor: {{arguments: {{{OTHER}, factor: 50}}}}", True, "passes"),
    (f"expect_table_row_count_to_equal_other_table_times_factor: {{arguments: {{{OTHER}, factor: 2}}}}", False, "value 100, other_value 4"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: sum(amount), {OTHER}}}}}", False,
     "value 1000.0, other_value 1005.0"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: sum(amount), {OTHER}, tolerance: 5}}}}", True, "passes"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: sum(amount), {OTHER}, tolerance_percent: 0.1}}}}", False, "fails"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: sum(amount), {OTHER}, tolerance_percent: 1}}}}", True, "passes"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: count(*), compare_expression: sum(deals), {OTHER}, "
     "group_by: [country]}}", False, "country FR, value 50, other_value 25"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: count(*), {OTHER}, group_by: [upper(country)], "
     "compare_group_by: [lower(country)]}}", False, "group_1 ***, value"),
    (f"expect_table_aggregation_to_equal_other_table: {{arguments: {{expression: sum(amount), {OTHER}, "
     "row_condition: country = 'DE', compare_row_condition: country = 'DE'}}", True, "passes"),
    ("expect_query_results_to_match_comparison: {arguments: {base_query: 'select country, count(*) from {batch} group by 1', "
     "comparison_query: \"select country, 50 from {{ source('clean', 'totals') }}\"}}", True, "passes"),
    ("expect_query_results_to_match_comparison: {arguments: {base_query: 'select country, count(*) from {batch} group by 1', "
     "comparison_query: \"select country, deals from {{ source('clean', 'totals') }}\"}}", False, "country FR, "),
    ("unexpected_rows_expectation: {arguments: {unexpected_rows_query: \"select * from {batch} where country not in "
     "(select country from {{ source('clean', 'totals') }})\"}}", True, "0 of 100 rows"),
]  # fmt: skip


@pytest.mark.parametrize(("test", "is_passed", "told"), COMPARISONS)
def test_comparisons(engine, tmp_path, test, is_passed, told):
    table = contract(tmp_path, at_table=f"[{test}]")
    result = check(engine, table)
    assert result.error is None
    assert result.is_passed is is_passed
    assert told in result.message
    is_of_two_tables = "clean', 'totals" in test
    assert table.checks[1].other_tables == (("clean.totals",) if is_of_two_tables else ())


# The newest row is of 2026-01-05 04:00. Thresholds, the moment, and what is said of it.
FRESHNESS = [
    ("{warn_after: {count: 12, period: hour}}", "2026-01-05 16:00", True, "warn", False, "is fresh: its newest row is no more than 12 hours"),
    ("{warn_after: {count: 12, period: hour}}", "2026-01-05 16:00:01", False, "warn", False, "2026-01-05 04:00:00, 12 hours before as_of, more than 12 hours"),
    ("{warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}", "2026-01-05 10:00", False, "warn", False, "more than 1 hour"),
    ("{warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}", "2026-01-07", False, "error", True, "44 hours before as_of, more than 1 day"),
    ("{warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}", "2026-01-05 04:30", True, "error", True, "is fresh"),
    ("{error_after: {count: 90, period: minute}}", "2026-01-05 05:31", False, "error", True, "more than 90 minutes"),
    ("{error_after: {count: 1, period: day}, filter: deal_id < 10}", "2026-01-05 05:00", False, "error", True, "2026-01-01 09:00:00, 92 hours"),
    ("{error_after: {count: 1, period: day}}", "2025-01-01", True, "error", True, "is fresh"),
]  # fmt: skip


@pytest.mark.parametrize(("freshness", "as_of", "is_passed", "severity", "is_blocking", "told"), FRESHNESS)
def test_freshness_is_measured_at_the_refreshs_moment(
    engine, tmp_path, freshness, as_of, is_passed, severity, is_blocking, told
):
    beside = f"        freshness: {freshness}\n        loaded_at_field: known_at\n"
    result = check(engine, contract(tmp_path, beside=beside), as_of)
    assert result.error is None
    assert (result.is_passed, result.severity, result.is_blocking) == (is_passed, severity, is_blocking)
    assert told in result.message
    assert result.failing_rows is None


@pytest.mark.parametrize(("threshold", "severity"), [("warn_after", "warn"), ("error_after", "error")])
def test_an_empty_table_is_stale(engine, tmp_path, threshold, severity):
    beside = f"        config: {{freshness: {{{threshold}: {{count: 99, period: day}}}}, loaded_at_field: known_at}}\n"
    result = check(engine, contract(tmp_path, beside=beside, name="nothing"), "2026-01-01")
    assert (result.is_passed, result.severity) == (False, severity)
    assert result.message == "clean.nothing is stale: it has no row to tell its age by"


def test_age_by_an_expression_and_age_without_a_moment(engine, tmp_path):
    beside = "        freshness: {warn_after: {count: 1, period: day}}\n        loaded_at_field: 'known_at - interval 1 day'\n"
    table = contract(tmp_path, beside=beside)
    assert "2026-01-04 04:00:00" in check(engine, table, "2026-01-05 05:00").message
    without = check(engine, table)
    assert (without.is_passed, without.is_blocking) == (False, True)
    assert "no refresh says which moment" in (without.error or "")


# A query, its config, passed, severity, failing rows, and the sentence.
QUERIES = [
    ("select * from {{ source('clean', 'deals') }} where amount < 0", True, "error", 0, "one returns no row"),
    ("select * from {{ source('clean', 'deals') }} where owner is null -- a comment", False, "error", 12, "one returns 12 rows"),
    ("{{ config(severity='warn') }} select 1 as a from {{ source('clean', 'deals') }} limit 1", False, "warn", 1, "one returns 1 row"),
    ("{{ config(error_if='> 20') }} select * from {{ source('clean', 'deals') }} where owner is null", False, "warn", 12,
     "one returns 12 rows, warn_if != 0"),
    ("{{ config(limit=3) }} select * from {{ source('clean', 'deals') }}", False, "error", 3, "one returns at least 3 rows"),
    ("select * from {{ source('clean', 'deals') }} where known_at > cast('{{ var('as_of', '1999-01-01') }}' as timestamp)",
     False, "error", 4, "one returns 4 rows"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "is_passed", "severity", "failing", "told"), QUERIES)
def test_a_query_returns_the_rows_that_are_wrong(engine, tmp_path, query, is_passed, severity, failing, told):
    result = check(engine, contract(tmp_path, queries={"one": query}), "2026-01-05 00:00:00")
    assert result.error is None
    assert (result.is_passed, result.severity, result.failing_rows) == (is_passed, severity, failing)
    assert (result.message, result.failing_share) == (told, None)


def test_a_query_shows_no_personal_data(engine, tmp_path):
    query = (
        "select deal_id, country, email, upper(email) as loud, amount * 2 as twice "
        "from {{ source('clean', 'deals') }} where deal_id = 7"
    )
    (row,) = check(engine, contract(tmp_path, queries={"one": query})).sample
    assert row == {"deal_id": 7, "country": "DE", "email": "a***@example.com", "loud": "***", "twice": 20.0}


@pytest.mark.parametrize(
    "test",
    [
        'unexpected_rows_expectation: {arguments: {unexpected_rows_query: "select country, contact, upper(contact) as loud '
        "from {{ source('clean', 'totals') }} where exists (from {batch})\"}}",
        "expect_query_results_to_match_comparison: {arguments: {base_query: 'select country from {batch} where false', "
        "comparison_query: \"select contact from {{ source('clean', 'totals') }}\"}}",
        "lists: {arguments: {other: \"source('clean', 'totals')\"}}",
    ],
)
def test_no_test_shows_another_tables_personal_data(tmp_path, test):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            DATA
            + "; create or replace table clean.totals as select *, 'ann@example.com' as contact from clean.totals"
        )
        connection.execute("alter table clean.deals drop email")
    (tmp_path / "macros").mkdir()
    (tmp_path / "macros" / "lists.sql").write_text(
        "{% test lists(model, other) %}select contact, contact as loud from {{ other }}{% endtest %}"
    )
    contract(tmp_path, at_table=f"[{test}]")
    schema = tmp_path / "clean" / "schema.yml"
    mail = "          - {name: email, data_type: varchar, description: Mail, meta: {pii: true}}\n"
    text = schema.read_text().replace(mail, "")
    schema.write_text(text.replace("Deals}\n", "Deals}\n" + mail.replace("email", "contact"), 1))
    table = load_contracts(tmp_path)["clean.deals"]
    assert table.checks[1].other_tables == ("clean.totals",)
    with Warehouse(path, threads=1).sqlalchemy_engine() as engine:
        result = check(engine, table)
    assert not result.is_passed
    assert result.error is None
    assert result.sample
    assert "ann@" not in f"{result.message} {result.sample}".lower()


def test_what_a_test_computes_of_personal_data_is_hidden(engine, tmp_path):
    table = contract(
        tmp_path,
        at_table="[expect_column_values_to_be_decreasing: {arguments: {column: known_at, sort_column: deal_id}}]",
    )
    assert check(engine, table).sample[0]["previous_value"] == "2026-01-01T01:00:00"
    schema = tmp_path / "clean" / "schema.yml"
    schema.write_text(
        schema.read_text().replace("description: When}", "description: When, meta: {pii: true}}")
    )
    assert check(engine, load_contracts(tmp_path)["clean.deals"]).sample[0] == {
        "deal_id": 2,
        "known_at": "***",
        "previous_value": "***",
    }


def test_a_query_that_duckdb_refuses_blocks(engine, tmp_path):
    query = "select nowhere from {{ source('clean', 'deals') }}"
    result = check(engine, contract(tmp_path, queries={"one": query}))
    assert (result.is_passed, result.is_blocking) == (False, True)
    assert "nowhere" in (result.error or "")
