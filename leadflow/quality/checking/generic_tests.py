"""dbt's four generic tests, and dbt_utils' for combinations of columns.

Belongs here: one function per generic test, found by its name. The positional parameters are the subject (the
batch, a relation in DuckDB, and the column); the keyword-only ones are the test's arguments in schema.yml, from
which contract/arguments.py checks them. Does not belong here: tests of the project's own (dbt_like_sql/macros) and
expectations.
"""

from __future__ import annotations

from typing import Any

from leadflow.quality.checking.plans import FailingRowsQuery, NativeExpectation, Plan
from leadflow.quality.sql_text import identifier, relation


def not_null(batch: str, column: str) -> Plan:
    """No value is null."""
    return NativeExpectation("expect_column_values_to_not_be_null", {"column": column})


def unique(batch: str, column: str) -> Plan:
    """No value, null apart, occurs twice."""
    return NativeExpectation("expect_column_values_to_be_unique", {"column": column})


def accepted_values(batch: str, column: str, *, values: list[Any], quote: bool = True) -> Plan:
    """Every value, null apart, is one of `values`; `quote` is dbt's, values keep their YAML type here."""
    return NativeExpectation("expect_column_values_to_be_in_set", {"column": column, "value_set": values})


def relationships(batch: str, column: str, *, to: str, field: str) -> Plan:
    """Every value, null apart, occurs in the column `field` of the table `to` (as schema.name)."""
    return FailingRowsQuery(
        f"select child.* from {batch} as child where child.{identifier(column)} is not null and not exists ("
        f"select 1 from {relation(to)} as parent where parent.{identifier(field)} = child.{identifier(column)})"
    )


def unique_combination_of_columns(batch: str, *, column_list: list[str]) -> Plan:
    """No combination of values occurs twice; as in dbt_utils, null equals null. dbt's name for it: combination_of_columns."""
    return FailingRowsQuery(
        f"select * from {batch} qualify count(*) over (partition by {', '.join(map(identifier, column_list))}) > 1"
    )
