"""Rows that fail a quarantining test are set aside while their table is written; too many of them block after all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from leadflow.errors import ContractError
from leadflow.quality.contract.tables import Contracts
from leadflow.quality.contracts import load_contracts
from leadflow.warehouse.quarantine import newest_set_aside, quarantined_rows, refuse_impossible, set_aside
from leadflow.warehouse.tables import Stamp, ensure_system_tables, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAMP = Stamp(3, dt.datetime(2026, 6, 30), "run", "1.0")  # noqa: DTZ001 - instants are naive UTC throughout

DEALS = """
create schema crm;
create table crm.stages as select * from (values ('new'), ('won')) s (stage);
create table crm.deals as select * from (values
  (1, 'new', 10.0, 'a@x.com'), (2, 'won', -5.0, 'b@x.com'), (3, 'lost?', 7.0, null), (4, 'gone', -1.0, 'c@x.com'),
  (5, 'won', 3.0, 'd@x.com'), (5, 'won', 3.0, 'd@x.com')
) d (deal_id, stage, amount, email)
"""


def contracts(folder: Path, tests: str = "", column_tests: str = "", key: str = "") -> Contracts:
    """The contract of crm.deals with tests of the table and of its column stage, as YAML lines."""
    path = folder / "dbt_like_sql" / "crm" / "schema.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""version: 2
sources:
  - name: crm
    tables:
      - name: stages
        description: Known stages.
        meta: {{grain: one row per stage}}
        columns: [{{name: stage, data_type: varchar, description: Its name}}]
      - name: deals
        description: Deals.
        meta: {{grain: one row per deal, natural_key: [{key}]}}
        data_tests: [{tests}]
        columns:
          - {{name: deal_id, data_type: integer, description: Its key}}
          - {{name: stage, data_type: varchar, description: Its stage, data_tests: [{column_tests}]}}
          - {{name: amount, data_type: decimal, description: Money}}
          - {{name: email, data_type: varchar, description: Contact, meta: {{pii: true}}}}
""",
        encoding="utf-8",
    )
    return load_contracts(folder / "dbt_like_sql")


def entry(test: str, arguments: str = "", share: float = 0.5, where: str = "") -> str:
    """One test that quarantines, as YAML in one line."""
    condition = f'where: "{where}", ' if where else ""
    return (
        f"{{{test}: {{arguments: {{{arguments}}}, "
        f"config: {{{condition}meta: {{on_fail: quarantine, max_quarantined_share: {share}}}}}}}}}"
    )


@pytest.fixture
def connection() -> Iterator[DuckDBPyConnection]:
    """A warehouse in memory with six deals."""
    with duckdb.connect(":memory:") as opened:
        opened.execute(DEALS)
        ensure_system_tables(opened)
        yield opened


def moved(connection: DuckDBPyConnection, made: Contracts, *, is_replaced: bool = True) -> dict[str, int]:
    """Set aside what fails of crm.deals."""
    with transaction(connection):
        return set_aside(connection, made["crm.deals"], stamp=STAMP, is_replaced=is_replaced)


def deal_ids(connection: DuckDBPyConnection) -> list[int]:
    """Keys of the deals that are left, in the table's own order."""
    return [key for (key,) in connection.execute("select deal_id from crm.deals").fetchall()]


@pytest.mark.parametrize(
    ("column_test", "left"),
    [
        (entry("accepted_values", "values: [new, won]"), [1, 2, 5, 5]),
        (entry("relationships", "to: \"source('crm', 'stages')\", field: stage"), [1, 2, 5, 5]),
        (entry("expect_column_values_to_match_regex", "regex: '^[a-z]+$'"), [1, 2, 4, 5, 5]),
        (entry("expect_column_value_lengths_to_equal", "value: 3"), [1, 2, 5, 5]),
        (entry("accepted_values", "values: [new, won]", where="amount > 0"), [1, 2, 4, 5, 5]),
    ],
    ids=["accepted_values", "relationships", "regex", "native", "where"],
)
def test_failing_rows_leave_the_table(connection, tmp_path, column_test, left):
    moved(connection, contracts(tmp_path, column_tests=column_test))
    assert deal_ids(connection) == left


def test_the_rows_are_kept_whole_with_the_test_that_they_fail(connection, tmp_path):
    counts = moved(
        connection, contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]"))
    )
    kept = connection.execute(
        "select table_name, check_name, test, column_name, refresh_id, as_of, row from quality.quarantined_rows order by row"
    ).fetchall()
    assert counts == {"accepted_values__stage": 2} == quarantined_rows(connection, "crm.deals")
    assert [row[:6] for row in kept] == 2 * [
        ("crm.deals", "accepted_values__stage", "accepted_values", "stage", 3, STAMP.as_of)
    ]
    assert [json.loads(row[6]) for row in kept] == [
        {"deal_id": 3, "stage": "lost?", "amount": 7.0, "email": None},
        {"deal_id": 4, "stage": "gone", "amount": -1.0, "email": "c@x.com"},
    ]


def test_a_row_that_fails_two_tests_is_kept_under_both_and_leaves_once(connection, tmp_path):
    both = contracts(
        tmp_path,
        tests=entry("expect_compound_columns_to_be_unique", "column_list: [deal_id, stage]"),
        column_tests=f"{entry('accepted_values', 'values: [new]', share=1)}, {entry('unique', share=1)}",
    )
    assert moved(connection, both) == {
        "expect_compound_columns_to_be_unique": 2,
        "accepted_values__stage": 5,
        "unique__stage": 3,
    }
    assert deal_ids(connection) == [1]


def test_beyond_the_bound_nothing_is_set_aside_by_that_test(connection, tmp_path):
    tight = contracts(
        tmp_path,
        tests=entry("expect_compound_columns_to_be_unique", "column_list: [deal_id, stage]"),
        column_tests=entry("accepted_values", "values: [new, won]", share=0.33),
    )
    assert moved(connection, tight) == {"expect_compound_columns_to_be_unique": 2}
    assert deal_ids(connection) == [1, 2, 3, 4]


def test_the_bound_itself_is_allowed(connection, tmp_path):
    third = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]", share=0.3334))
    assert moved(connection, third) == {"accepted_values__stage": 2}


def test_the_bound_is_not_moved_by_the_last_digit_of_a_float(connection, tmp_path):
    connection.execute("create or replace table crm.deals as select range::int as deal_id, if(range < 29, 'odd', 'won') as stage, "
                       "1.0 as amount, '' as email from range(100)")  # fmt: skip
    made = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]", share=0.29))
    assert moved(connection, made) == {"accepted_values__stage": 29}  # though 0.29 * 100 is below 29


def test_rows_are_kept_whole_whatever_their_columns_are_called(connection, tmp_path):
    for name in ("whole", "given", "deals"):
        connection.execute(f"alter table crm.deals add column {name} integer default 1")
    moved(connection, contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won, gone]")))
    ((row,),) = connection.execute("select row from quality.quarantined_rows").fetchall()
    assert json.loads(row) == {"deal_id": 3, "stage": "lost?", "amount": 7.0, "email": None, "whole": 1, "given": 1, "deals": 1}  # fmt: skip


@pytest.mark.parametrize("where", ["no_such_column > 0", "cast(stage as integer) > deal_id"])
def test_a_condition_that_cannot_run_is_told_by_its_line(connection, tmp_path, where):
    made = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]", where=where))
    with pytest.raises(
        ContractError, match=r"schema\.yml:15 test accepted_values of crm\.deals cannot run \("
    ):
        moved(connection, made)
    assert deal_ids(connection) == [1, 2, 3, 4, 5, 5]


def test_quarantine_of_a_replaced_table_is_of_the_present_rows(connection, tmp_path):
    made = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]"))
    moved(connection, made)
    connection.execute(
        "create or replace table crm.deals as select 9 as deal_id, 'odd' as stage, 1.0 as amount, '' as email"
    )
    connection.execute("insert into crm.deals select range, 'won', 1.0, '' from range(10, 20)")
    moved(connection, made)
    assert connection.execute("select row->>'deal_id' from quality.quarantined_rows").fetchall() == [("9",)]


def test_quarantine_of_a_table_that_is_added_to_keeps_what_was_set_aside_before(connection, tmp_path):
    made = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]"))
    moved(connection, made, is_replaced=False)
    connection.execute("insert into crm.deals values (3, 'lost?', 7.0, null), (6, 'odd', 1.0, '')")
    moved(connection, made, is_replaced=False)
    kept = connection.execute("select row->>'deal_id' from quality.quarantined_rows order by 1").fetchall()
    assert kept == [("3",), ("4",), ("6",)]


def test_a_row_that_stands_aside_is_let_go_when_a_right_one_came(connection, tmp_path):
    made = contracts(
        tmp_path, column_tests=entry("accepted_values", "values: [new, won]"), key="deal_id, amount"
    )
    connection.execute("delete from crm.deals where deal_id = 5")
    moved(connection, made, is_replaced=False)
    connection.execute("insert into crm.deals values (3, 'won', 7.0, null)")
    assert moved(connection, made, is_replaced=False) == {"accepted_values__stage": 1}
    assert sorted(deal_ids(connection)) == [1, 2, 3]
    assert quarantined_rows(connection, "crm.deals") == {"accepted_values__stage": 1}


@pytest.mark.parametrize(
    ("later", "returned"),
    [
        (entry("accepted_values", "values: [new, won, gone]"), [4]),
        (entry("accepted_values", "values: [new, won]", where="amount > 0"), [4]),
        (entry("accepted_values", "values: [new, won]", share=0.1), [3, 4]),
        ("", [3, 4]),
    ],
    ids=["allowed", "not asked for", "too many", "taken back"],
)
def test_rows_return_whole_when_their_test_lets_them(connection, tmp_path, later, returned):
    connection.execute("delete from crm.deals where deal_id = 5")
    before = connection.execute("from crm.deals").fetchall()
    strict = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]"), key="deal_id")
    moved(connection, strict, is_replaced=False)
    moved(connection, contracts(tmp_path, column_tests=later, key="deal_id"), is_replaced=False)
    present = sorted(connection.execute("from crm.deals").fetchall())
    assert present == [row for row in before if row[0] in (1, 2, *returned)]
    assert sum(quarantined_rows(connection, "crm.deals").values()) == 2 - len(returned)


def test_a_row_that_fails_again_stands_aside_since_the_refresh_that_first_found_it(connection, tmp_path):
    connection.execute("delete from crm.deals where deal_id = 5")
    made = contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]"), key="deal_id")
    moved(connection, made, is_replaced=False)
    with transaction(connection):
        set_aside(connection, made["crm.deals"], stamp=replace(STAMP, refresh_id=4), is_replaced=False)
    kept = connection.execute("select row->>'deal_id', refresh_id from quality.quarantined_rows order by 1")
    assert kept.fetchall() == [("3", 3), ("4", 3)]


def test_the_bound_holds_for_all_that_stand_aside_and_not_for_each_write_alone(connection, tmp_path):
    connection.execute("delete from crm.deals where deal_id = 5")
    made = contracts(
        tmp_path, column_tests=entry("accepted_values", "values: [new, won]", share=0.5), key="deal_id"
    )
    assert moved(connection, made, is_replaced=False) == {"accepted_values__stage": 2}
    connection.execute("insert into crm.deals values (6, 'odd', 1.0, null)")
    assert moved(connection, made, is_replaced=False) == {}
    assert len(deal_ids(connection)) == 5


def test_what_stands_aside_counts_for_the_newest_known_moment(connection, tmp_path):
    connection.execute("alter table crm.deals add column known_at timestamp default timestamp '2026-01-02'")
    moved(connection, contracts(tmp_path, column_tests=entry("accepted_values", "values: [new, won]")))
    assert newest_set_aside(connection, "crm.deals", STAMP.as_of) == dt.datetime(2026, 1, 2)  # noqa: DTZ001
    assert newest_set_aside(connection, "crm.deals", dt.datetime(2026, 1, 1)) is None  # noqa: DTZ001
    assert newest_set_aside(connection, "crm.stages", STAMP.as_of) is None


def test_a_test_of_the_project_that_returns_something_else_than_rows_is_refused_by_its_line(
    connection, tmp_path
):
    macros = tmp_path / "dbt_like_sql" / "macros"
    macros.mkdir(parents=True)
    (macros / "few.sql").write_text(
        "{% test few(model) %}select count(*) as n from {{ model }}{% endtest %}", encoding="utf-8"
    )
    made = contracts(tmp_path, tests=entry("few"))
    with pytest.raises(
        ContractError, match=r"schema\.yml:12 test few of crm\.deals .* something else than the table's rows"
    ):
        moved(connection, made)
    assert deal_ids(connection) == [1, 2, 3, 4, 5, 5]


def test_a_test_of_the_project_that_selects_rows_quarantines(connection, tmp_path):
    macros = tmp_path / "dbt_like_sql" / "macros"
    macros.mkdir(parents=True)
    (macros / "paid.sql").write_text(
        "{% test paid(model) %}select * from {{ model }} where amount < 0{% endtest %}", encoding="utf-8"
    )
    moved(connection, contracts(tmp_path, tests=entry("paid")))
    assert deal_ids(connection) == [1, 3, 5, 5]


@pytest.mark.parametrize(
    ("test", "arguments", "problem"),
    [
        ("expect_table_row_count_to_be_between", "min_value: 1", "as a whole"),
        ("expect_column_mean_to_be_between", "column: amount, min_value: 1", "as a whole"),
        (
            "expect_column_value_z_scores_to_be_less_than",
            "column: amount, threshold: 3, double_sided: true",
            "alone",
        ),
        ("expect_column_values_to_be_between", "column: amount, min_value: 0, mostly: 0.9", "mostly"),
    ],
)
def test_what_cannot_be_set_aside_is_refused_at_load(tmp_path, test, arguments, problem):
    with pytest.raises(ContractError, match=rf"schema\.yml:12.*{problem}"):
        contracts(tmp_path, tests=entry(test, arguments))


def test_a_view_and_a_table_that_may_not_be_made_yet_are_refused_at_load(tmp_path):
    made = contracts(
        tmp_path, column_tests=entry("relationships", "to: \"source('crm', 'stages')\", field: stage")
    )
    refuse_impossible(made, [], {"crm.deals": ["crm.stages"]})
    with pytest.raises(ContractError, match=r"schema\.yml:15 .* a view cannot"):
        refuse_impossible(made, ["crm.deals"], {"crm.deals": ["crm.stages"]})
    with pytest.raises(
        ContractError, match=r"schema\.yml:15 .* crm\.stages, which the table is not made from"
    ):
        refuse_impossible(made, [], {})


def landed(folder: Path) -> Contracts:
    """The contract of a raw table whose amounts must not be negative; 5 % of them may be set aside."""
    path = folder / "dbt_like_sql" / "raw" / "schema.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        """version: 2
sources:
  - name: raw
    tables:
      - name: deals
        description: Deals.
        meta: {grain: one row per deal, natural_key: [deal_id]}
        columns:
          - {name: deal_id, data_type: bigint, description: Its key}
          - name: amount
            data_type: bigint
            description: Money
            data_tests: [{expect_column_values_to_be_between: {arguments: {min_value: 0}, config: {meta: {on_fail: quarantine}}}}]
          - {name: source_name, data_type: varchar, description: Its source}
          - {name: source_file, data_type: varchar, description: Its file}
""",
        encoding="utf-8",
    )
    return load_contracts(folder / "dbt_like_sql")


@pytest.mark.parametrize(
    ("rows", "failing", "is_set_aside"),
    [(400, 400, False), (400, 21, False), (400, 20, True), (3, 1, True), (3, 2, False)],
)
def test_one_broken_file_is_not_lost_among_many_good_rows(connection, tmp_path, rows, failing, is_set_aside):
    made = landed(tmp_path)["raw.deals"]
    connection.execute("create schema raw")
    connection.execute(
        "create table raw.deals as select range as deal_id, 1::bigint as amount, 's' as source_name, 'old.csv' as source_file "
        "from range(10_000)"
    )
    connection.execute(
        "insert into raw.deals select 10_000 + range, case when range < ? then -1 else 1 end, 's', 'new.csv' from range(?)",
        [failing, rows],
    )
    with transaction(connection):
        counts = set_aside(connection, made, stamp=STAMP, is_replaced=False)
    assert counts == ({made.checks[1].check_name: failing} if is_set_aside else {})
