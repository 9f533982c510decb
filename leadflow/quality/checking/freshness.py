"""How old a source's newest row is, as a query.

Belongs here: measuring, and the sentence about it. Does not belong here: reading the contract (contract/declared_freshness.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from leadflow.errors import ContractError
from leadflow.quality.checking.plans import FailingRowsQuery
from leadflow.quality.contract.thresholds import Verdict
from leadflow.quality.sql_text import identifier, literal

SOURCE_FRESHNESS: Final = "source_freshness"


def freshness_query(
    batch: str, column: str | None, arguments: Mapping[str, Any], variables: Mapping[str, Any]
) -> FailingRowsQuery:
    """One row where the newest row is older than a threshold, or there is none at all; no row where it is fresh.

    Columns: newest_at, as_of, age_hours, verdict (warn or error), allowed (the threshold that is exceeded).

    Args:
        batch: the table.
        column: column that says when a row was loaded, a moment or day, UTC; None where `loaded_at` says it in SQL.
        arguments: warn_after and error_after as intervals such as '12 hour', `filter`, `loaded_at`.
        variables: as_of, the refresh's moment, UTC, as text.

    Raises:
        ContractError: no moment is given.
    """
    if not variables.get("as_of"):
        raise ContractError("no refresh says which moment the age is measured at", "run a refresh first")
    loaded_at = identifier(column) if column else f"({arguments['loaded_at']})"
    condition = f" where {arguments['filter']}" if arguments.get("filter") else ""
    as_of = f"cast({literal(str(variables['as_of']))} as timestamp)"
    verdicts = [(verdict, arguments.get(f"{verdict}_after")) for verdict in ("error", "warn")]
    exceeded = [
        (f"newest_at is null or as_of > newest_at + interval '{allowed}'", verdict, allowed)
        for verdict, allowed in verdicts
        if allowed
    ]
    judged = " ".join(f"when {condition} then '{verdict}'" for condition, verdict, _ in exceeded)
    limits = " ".join(f"when {condition} then '{allowed}'" for condition, _, allowed in exceeded)
    return FailingRowsQuery(
        f"select * from (select newest_at, as_of, round(epoch(as_of - newest_at) / 3600, 1) as age_hours, "
        f"case {judged} end as verdict, case {limits} end as allowed from (select max(cast({loaded_at} as timestamp)) "
        f"as newest_at, {as_of} as as_of from {batch}{condition})) where verdict is not null"
    )


def freshness_verdict(row: Mapping[str, Any]) -> Verdict:
    """What the row of the query says."""
    return "error" if row.get("verdict") == "error" else "warn"


def freshness_message(
    table: str, column: str | None, arguments: Mapping[str, Any], row: Mapping[str, Any] | None
) -> str:
    """One sentence; `row` is the query's, or None where it gave none."""
    if row is None:
        longest = arguments.get("warn_after") or arguments["error_after"]
        return f"{table} is fresh: its newest row is no more than {_counted(longest)} older than as_of"
    if row["newest_at"] is None:
        return f"{table} is stale: it has no row to tell its age by"
    return (
        f"{table} is stale: its newest {column or 'row'} is {row['newest_at']}, {row['age_hours']:g} hours before as_of, "
        f"more than {_counted(row['allowed'])}"
    )


def _counted(allowed: str) -> str:
    count, _, period = allowed.partition(" ")
    return f"{count} {period}{'' if count == '1' else 's'}"
