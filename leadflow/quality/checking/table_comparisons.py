"""Tests that hold a table against another one, in dbt-expectations' vocabulary.

Belongs here: one function per test, found by its name; the positional parameter is the batch, the keyword-only ones are
the test's arguments in schema.yml. Each returns a row per group (or one row) that does not agree, with both sides of the
comparison. Does not belong here: `where`, which the runner adds to the batch; `compare_row_condition` is the other
table's.

Expressions and conditions are SQL of whoever writes the contract, as in dbt; they are pasted as they are.
"""

from __future__ import annotations

import re

from leadflow.quality.checking.plans import FailingRowsQuery, Plan
from leadflow.quality.sql_text import identifier, literal, relation

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN = ("value", "other_value", "is_there")


def expect_table_row_count_to_equal_other_table_times_factor(
    batch: str,
    *,
    other_table_name: str,
    factor: float,
    group_by: list[str] | None = None,
    compare_group_by: list[str] | None = None,
    compare_row_condition: str | None = None,
) -> Plan:
    """The table has `factor` times as many rows as the other table (as schema.name), in each group where it is grouped."""
    return expect_table_aggregation_to_equal_other_table(
        batch,
        expression="count(*)",
        other_table_name=other_table_name,
        compare_expression=f"{literal(factor)} * count(*)",
        group_by=group_by,
        compare_group_by=compare_group_by,
        compare_row_condition=compare_row_condition,
    )


def expect_table_aggregation_to_equal_other_table(
    batch: str,
    *,
    expression: str,
    other_table_name: str,
    compare_expression: str | None = None,
    group_by: list[str] | None = None,
    compare_group_by: list[str] | None = None,
    compare_row_condition: str | None = None,
    tolerance: float = 0.0,
    tolerance_percent: float | None = None,
) -> Plan:
    """An aggregate of the table equals one of the other table (as schema.name), in each group where it is grouped.

    A group that only one of the two has does not agree. `tolerance` is the largest difference that agrees;
    `tolerance_percent`, in place of it, the largest in percent of the other table's value.
    """
    keys = group_by or []
    names = [
        key if _PLAIN_NAME.fullmatch(key) and key not in _TAKEN else f"group_{index}"
        for index, key in enumerate(keys, start=1)
    ]
    own = _aggregated(batch, "", expression, keys, names)
    condition = f" where {compare_row_condition}" if compare_row_condition else ""
    other = _aggregated(
        relation(other_table_name),
        condition,
        compare_expression or expression,
        compare_group_by or keys,
        names,
    )
    matched = " and ".join(
        f"own.{identifier(name)} is not distinct from other.{identifier(name)}" for name in names
    )
    joined = (
        f"({own}) as own full join ({other}) as other on {matched}"
        if names
        else f"({own}) as own, ({other}) as other"
    )
    shown = "".join(
        f"coalesce(own.{identifier(name)}, other.{identifier(name)}) as {identifier(name)}, "
        for name in names
    )
    agrees = "own.value is not distinct from other.value and own.is_there and other.is_there"
    if tolerance_percent is not None:
        agrees += f" or abs(own.value - other.value) <= abs(other.value) * {literal(tolerance_percent)} / 100"
    elif tolerance:
        agrees += f" or abs(own.value - other.value) <= {literal(tolerance)}"
    return FailingRowsQuery(
        f"select {shown}own.value as value, other.value as other_value from {joined} "
        f"where not coalesce({agrees}, false)"
    )


def expect_query_results_to_match_comparison(batch: str, *, base_query: str, comparison_query: str) -> Plan:
    """Two queries, in which {batch} stands for the table, return the same rows, in whatever order."""
    base, other = (
        query.strip().rstrip(";").replace("{batch}", batch) for query in (base_query, comparison_query)
    )
    return FailingRowsQuery(
        f"select true as is_in_base_query, * from (({base}) except all ({other})) "
        f"union all select false, * from (({other}) except all ({base}))"
    )


def _aggregated(source: str, condition: str, expression: str, keys: list[str], names: list[str]) -> str:
    """Query for the aggregate of each group, or of all."""
    named = "".join(f"{key} as {identifier(name)}, " for key, name in zip(keys, names, strict=True))
    grouped = f" group by {', '.join(keys)}" if keys else ""
    return f"select {named}{expression} as value, true as is_there from {source}{condition}{grouped}"
