"""Tests as Great Expectations runs them inside DuckDB: what a result tells, counts, shows and hides.

Every supported test, each way, is in test_supported_tests.py.
"""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlalchemy as sa

from leadflow.quality.checking.results import CheckResult, results_frame
from leadflow.quality.checking.runner import check_table
from leadflow.quality.contract.catalogue import PATH, catalogue_text, load_catalogue
from leadflow.quality.contracts import Table, load_contracts

PEOPLE = """
create schema clean;
create table clean.countries as select unnest(['DE', 'FR']) as code;
create table clean.people as select * from (values
  (1, 'ann@example.com', 'Ann Lee', 'DE', 10.0::double, timestamp '2024-01-01', 'open'),
  (2, 'bob@example.com', 'Bob Ray', 'FR', 20.0, timestamp '2024-01-02', 'won'),
  (3, 'bob@example.com', 'Cat Fox', 'XX', -5.0, timestamp '2024-01-03', 'lost?'),
  (4, null, 'Dan Poe', null, null, timestamp '2024-01-04', null)
) people (person_id, email, full_name, country, amount, seen_at, status);
create table clean.nobody as select * from clean.people where false
"""
COLUMNS = """
          - {name: person_id, data_type: int, description: Key%(person_id)s}
          - {name: email, data_type: text, description: Mail, meta: {pii: true}%(email)s}
          - {name: full_name, data_type: varchar, description: Name, config: {meta: {pii: true}}%(full_name)s}
          - {name: country, data_type: varchar, description: Country%(country)s}
          - {name: amount, data_type: double, description: Money%(amount)s}
          - {name: seen_at, data_type: timestamp, description: When%(seen_at)s}
          - {name: status, data_type: varchar, description: Status%(status)s}
"""
MACROS = """
{% macro bound(limit) %}{{ limit }}{% endmacro %}

{% test is_below(model, column_name, limit, or_equal=false) %}
select *, upper(email) as loud_email from {{ model }}
where {{ column_name }} {{ '>' if or_equal else '>=' }} {{ bound(limit) }}
{% endtest %}
{%- test has_rows(model) -%} select 'no rows' as problem where not exists (select 1 from {{ model }}) {%- endtest -%}
"""


def make_contract(
    folder: Path, name: str = "people", table_tests: str = "", columns: str = COLUMNS, **tests: str
) -> Table:
    """The contract of a clean.* table with tests (in YAML) at the named columns or at the table."""
    stage = folder / "clean"
    stage.mkdir(exist_ok=True)
    (folder / "macros").mkdir(exist_ok=True)
    (folder / "macros" / "tests.sql").write_text(MACROS)
    names = ("person_id", "email", "full_name", "country", "amount", "seen_at", "status")
    filled = columns % {each: f", data_tests: {tests[each]}" if each in tests else "" for each in names}
    at_table = f"        data_tests: {table_tests}\n" if table_tests else ""
    (stage / "schema.yml").write_text(
        "version: 2\nsources:\n  - name: clean\n    tables:\n"
        "      - name: countries\n        description: Countries\n        meta: {grain: one row per country}\n"
        "        columns: [{name: code, data_type: varchar, description: Code}]\n"
        f"      - name: {name}\n        description: People\n"
        "        meta: {grain: one row per person, natural_key: [person_id]}\n"
        f"{at_table}        columns:{filled}"
    )
    return load_contracts(folder)[f"clean.{name}"]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory):
    """A read-only engine, as the warehouse lends it, on a file with the tables above and the probe tables."""
    path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(PEOPLE)
    engine = sa.create_engine(
        f"duckdb:///{path}",
        connect_args={"read_only": True, "config": {"threads": 1}},
        poolclass=sa.pool.StaticPool,
    )
    yield engine
    engine.dispose()


def run(warehouse: sa.Engine, table: Table, **settings: int) -> dict[str, CheckResult]:
    return {result.check_name: result for result in check_table(warehouse, table, **settings)}


# Where the test stands, the test in YAML, failing and checked rows, and the sentence; people fails each as told.
FAILING = [
    ("email", "[not_null]", "not_null__email", 1, 4, "email is null in 1 of 4 rows"),
    ("email", "[unique]", "unique__email", 2, 3, "email is not unique in 2 of 3 rows"),
    (
        "status",
        "[accepted_values: {arguments: {values: [open, won, lost]}}]",
        "accepted_values__status",
        1,
        3,
        "status is none of open, won, lost in 1 of 3 rows",
    ),
    (
        "country",
        "[relationships: {arguments: {to: \"source('clean', 'countries')\", field: code}}]",
        "relationships__country",
        1,
        3,
        "country is missing from clean.countries.code in 1 of 3 rows",
    ),
    (
        "amount",
        "[is_below: {arguments: {limit: 20}}]",
        "is_below__amount",
        1,
        4,
        "amount fails is_below (limit 20) in 1 of 4 rows",
    ),
    (
        "amount",
        "[dbt_expectations.expect_column_values_to_be_between: {min_value: 0, strictly: true}]",
        "expect_column_values_to_be_between__amount",
        1,
        3,
        "amount fails expect_column_values_to_be_between (min_value 0, strict_min True, strict_max True) in 1 of 3 rows",
    ),
    (
        "status",
        "[expect_column_values_to_match_regex: {regex: '^[a-z:%$]{3,4}$', row_condition: person_id > 1}]",
        "expect_column_values_to_match_regex__status",
        1,
        2,
        "status fails expect_column_values_to_match_regex (regex ^[a-z:%$]{3,4}$) in 1 of 2 rows where person_id > 1",
    ),
]
PASSING = [
    ("person_id", "[not_null]", "person_id is null in 0 of 4 rows"),
    ("person_id", "[unique]", "person_id is not unique in 0 of 4 rows"),
    ("status", "[accepted_values: {values: [open, won, 'lost?']}]", "status is none of open, won, lost? in 0 of 3 rows"),
    (
        "country",
        "[relationships: {to: \"source('clean', 'countries')\", field: code, where: \"country <> 'XX'\"}]",
        "country is missing from clean.countries.code in 0 of 2 rows where country <> 'XX'",
    ),
    ("amount", "[is_below: {arguments: {limit: 20, or_equal: true}}]", "amount fails is_below (limit 20, or_equal True) in 0 of 4 rows"),
    (
        "amount",
        "[expect_column_values_to_be_between: {min_value: 0, mostly: 0.6}]",
        "amount fails expect_column_values_to_be_between (min_value 0, mostly 0.6) in 1 of 3 rows, within mostly 0.6",
    ),
    (
        "status",
        "[expect_column_values_to_match_regex: {regex: '^[a-z]+$', mostly: 0.6}]",
        "status fails expect_column_values_to_match_regex (regex ^[a-z]+$, mostly 0.6) in 1 of 3 rows, within mostly 0.6",
    ),
    (
        "seen_at",
        "[expect_column_values_to_be_between: {min_value: 2024-01-01, max_value: '2024-01-04'}]",
        "seen_at fails expect_column_values_to_be_between (min_value 2024-01-01, max_value 2024-01-04) in 0 of 4 rows",
    ),
    ("amount", "[expect_column_max_to_be_between: {max_value: 20}]", "amount passes expect_column_max_to_be_between (max_value 20)"),
    (
        "amount",
        "[expect_column_quantile_values_to_be_between: {quantile: 0.5, min_value: 10, max_value: 10}]",
        "amount passes expect_column_quantile_values_to_be_between "
        "(quantile_ranges {'quantiles': [0.5], 'value_ranges': [[10, 10]]})",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("column", "tests", "check_name", "failing", "checked", "message"), FAILING)
def test_a_failing_test_tells_how_many_rows_and_shows_some(
    warehouse, tmp_path, column, tests, check_name, failing, checked, message
):
    result = run(warehouse, make_contract(tmp_path, **{column: tests}))[check_name]
    assert (result.error, result.is_passed, result.is_blocking) == (None, False, True)
    assert (result.failing_rows, result.checked_rows) == (failing, checked)
    assert result.failing_share == pytest.approx(failing / checked)
    assert result.message == message
    assert len(result.sample) == failing
    assert {"person_id", column} <= result.sample[0].keys()
    assert "full_name" not in result.sample[0]


@pytest.mark.parametrize(("column", "tests", "message"), PASSING)
def test_a_passing_test_says_so(warehouse, tmp_path, column, tests, message):
    results = run(warehouse, make_contract(tmp_path, **{column: tests}))
    assert len(results) == 2
    for result in results.values():
        assert (result.error, result.is_passed) == (None, True)
    assert list(results.values())[1].message == message


def test_catalogue_is_current():
    assert catalogue_text() == PATH.read_text(encoding="utf-8"), (
        "the catalogue is not that of the installed Great Expectations: run `python -m leadflow.quality.contract.catalogue`"
    )


def test_every_query_is_needed():
    queried = {name for name, each in load_catalogue().items() if each.runs == "as_query" and not each.reason}
    # Great Expectations can run this one, but would fetch 200 rows of it.
    assert queried == {"unexpected_rows_expectation"}


def test_personal_data_is_masked_everywhere(warehouse, tmp_path):
    table = make_contract(
        tmp_path,
        email="[not_null, unique, is_below: {limit: \"'a'\"}, expect_column_max_to_be_between: {max_value: 1}]",
        full_name="[expect_column_values_to_match_regex: {regex: '^[AB]'}, "
        "expect_column_most_common_value_to_be_in_set: {value_set: [Zoe]}]",
    )
    results = run(warehouse, table)
    assert all(not result.is_passed for name, result in results.items() if name != "columns_match_contract")
    assert results["unique__email"].sample == [
        {"person_id": 2, "email": "b***@example.com"},
        {"person_id": 3, "email": "b***@example.com"},
    ]
    assert results["is_below__email"].sample[0] == {
        "person_id": 1,
        "email": "a***@example.com",
        "loud_email": "***",
    }
    assert results["expect_column_values_to_match_regex__full_name"].sample[0]["full_name"] == "C***"
    told = json.dumps([(result.message, result.error, result.sample) for result in results.values()]).lower()
    for secret in ("ann@", "bob@", "cat fox", "dan poe"):
        assert secret not in told


def test_sample_is_bounded_and_count_is_true(warehouse, tmp_path):
    table = make_contract(
        tmp_path,
        person_id="[expect_column_values_to_be_between: {max_value: 0}, expect_column_values_to_match_regex: {regex: x}]",
    )
    for result in check_table(warehouse, table, sample_rows=2)[1:]:
        assert (result.failing_rows, len(result.sample)) == (4, 2)


@pytest.mark.parametrize(("severity", "is_blocking"), [("warn", False), ("error", True)])
def test_severity_decides_what_blocks(warehouse, tmp_path, severity, is_blocking):
    tests = f"[not_null: {{config: {{severity: {severity}}}}}]"
    result = run(warehouse, make_contract(tmp_path, email=tests))["not_null__email"]
    assert (result.severity, result.is_blocking, result.is_passed) == (severity, is_blocking, False)


@pytest.mark.parametrize(
    ("where", "failing", "checked"),
    [("person_id < 4", 0, 3), ("person_id > 3 and '{x}: %' <> ':y $1'", 1, 1)],
)
def test_where_limits_the_rows_of_every_kind_of_test(warehouse, tmp_path, where, failing, checked):
    config = f'config: {{where: "{where}"}}'
    table = make_contract(
        tmp_path,
        email=f"[not_null: {{{config}}}]",
        amount=f'[expect_column_values_to_be_json_parseable: {{where: "{where}"}}]',
        table_tests=f"[has_rows: {{{config}}}, expect_table_row_count_to_equal: {{value: {checked}, {config}}}]",
    )
    results = run(warehouse, table)
    assert (results["not_null__email"].failing_rows, results["not_null__email"].checked_rows) == (
        failing,
        checked,
    )
    assert results["expect_column_values_to_be_json_parseable__amount"].is_passed
    assert results["has_rows"].is_passed
    assert results["expect_table_row_count_to_equal"].is_passed


def test_empty_table_passes_row_wise_tests(warehouse, tmp_path):
    table = make_contract(
        tmp_path,
        name="nobody",
        email="[not_null, unique, expect_column_values_to_match_regex: {regex: x, mostly: 0.9}]",
        country="[relationships: {to: \"source('clean', 'countries')\", field: code}]",
        table_tests="[has_rows, expect_compound_columns_to_be_unique: {column_list: [person_id, email]}]",
    )
    results = run(warehouse, table)
    assert not results.pop("has_rows").is_passed
    assert results.pop("columns_match_contract").is_passed
    for result in results.values():
        assert (result.error, result.is_passed, result.failing_rows, result.checked_rows) == (
            None,
            True,
            0,
            0,
        )
        assert result.failing_share is None


def test_columns_have_to_match_the_contract(warehouse, tmp_path):
    columns = COLUMNS.replace("name: amount, data_type: double", "name: amount, data_type: bigint").replace(
        "name: status", "name: state"
    )
    result = run(warehouse, make_contract(tmp_path, columns=columns))["columns_match_contract"]
    assert (result.is_passed, result.is_blocking, result.failing_rows, result.checked_rows) == (
        False,
        True,
        3,
        8,
    )
    assert result.sample == [
        {"column_name": "amount", "expected_type": "BIGINT", "actual_type": "DOUBLE"},
        {"column_name": "state", "expected_type": "VARCHAR", "actual_type": None},
        {"column_name": "status", "expected_type": None, "actual_type": "VARCHAR"},
    ]
    assert result.message == (
        "clean.people differs from its contract: amount is DOUBLE, not BIGINT; state is missing, not VARCHAR; "
        "status is VARCHAR, not expected"
    )


def test_a_test_that_cannot_run_blocks_alone(warehouse, tmp_path):
    columns = COLUMNS.replace("name: status", "name: state")
    table = make_contract(
        tmp_path,
        columns=columns,
        status="[not_null: {config: {severity: warn}}]",
        email="[not_null: {where: no_such_column = 1}, unique]",
        country="[expect_column_mean_to_be_between: {min_value: 1}]",
        person_id="[not_null, is_below: {limit: nowhere}]",
        table_tests="[unexpected_rows_expectation: {unexpected_rows_query: selec * from {batch}}]".replace(
            "selec * from {batch}", '"selec * from {batch}"'
        ),
    )
    results = run(warehouse, table)
    errors = {name: result.error for name, result in results.items() if result.error}
    assert errors.keys() == {
        "not_null__state",
        "not_null__email",
        "expect_column_mean_to_be_between__country",
        "is_below__person_id",
        "unexpected_rows_expectation",
    }
    assert errors["not_null__state"] == "clean.people has no column state"
    assert "no_such_column" in errors["not_null__email"]
    assert "nowhere" in errors["is_below__person_id"]
    for name in errors:
        assert (results[name].is_passed, results[name].is_blocking) == (False, True)
        assert results[name].message.startswith(f"{name} of clean.people could not run: ")
    assert results["not_null__person_id"].is_passed
    assert results["unique__email"].failing_rows == 2


def test_a_missing_table_fails_every_check(warehouse, tmp_path):
    results = run(warehouse, make_contract(tmp_path, name="absent", email="[not_null]"))
    assert len(results) == 2
    for result in results.values():
        assert not result.is_passed
        assert "absent" in (result.error or "")


def test_results_frame_fits_the_contract_of_quality_results(warehouse, tmp_path):
    table = make_contract(tmp_path, email="[not_null, unique]")
    results = check_table(warehouse, table)
    fingerprints = {test.check_name: table.fingerprint(test) for test in table.checks}
    assert len(set(fingerprints.values())) == len(results) == 3
    checked_at = dt.datetime.fromisoformat("2024-01-05 12:00")
    frame = results_frame(
        results,
        table_name="clean.people",
        fingerprints=fingerprints,
        version=7,
        refresh_id=3,
        run_id="r",
        checked_at=checked_at,
    )
    contract = load_contracts(Path("dbt_like_sql"))["quality.results"]
    assert frame.columns == [column.name for column in contract.columns]
    with duckdb.connect() as connection:
        connection.execute("create schema quality")
        connection.register("frame", frame)
        connection.execute("create table quality.results as select * from frame")
        actual = connection.execute(
            "select data_type from duckdb_columns() where table_name = 'results'"
        ).fetchall()
    assert [kind.lower() for (kind,) in actual] == [column.data_type for column in contract.columns]
    assert json.loads(frame["sample"][2])[0] == {"person_id": 2, "email": "b***@example.com"}
    assert frame.filter(pl.col("check_name") == "not_null__email")["failing_share"].item() == 0.25


def test_a_program_that_checks_leaves_stderr_empty():
    program = (
        "from leadflow.quality.checking.probing import probe_engine\n"
        "from leadflow.quality.checking.expectations import open_session\n"
        "from leadflow.quality.checking.plans import NativeExpectation\n"
        "with probe_engine() as engine, open_session(engine) as session:\n"
        "    view = session.view('select * from probes.facts')\n"
        "    one = {'a': NativeExpectation('expect_column_values_to_be_unique', {'column': 'next_id'})}\n"
        "    print(session.validate(view, one, {'result_format': 'BASIC'})['a'].is_passed)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
