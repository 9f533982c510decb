"""clean: the Dagster shell of the contact checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from leadflow.clean.parts import CLEAN, RECORDS, REJECTED, check_part
from leadflow.processes import part_map
from leadflow.quality.contracts import Contracts
from leadflow.quality.sql_text import literal
from leadflow.warehouse.connection import query, scalar
from leadflow.warehouse.stage_run import ROWS_PER_PART, StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    import polars as pl

    from leadflow.clean.lists import ContactLists

CHECKED = "clean.checked_records"
_CHANGED = "leadflow_changed_records"
_INPUTS = [RECORDS, "staging.stg_blocklist"]


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """clean_leads, rejected_leads and checked_records, in one step: every lead record goes to one of the first two."""

    @table_asset(contracts, outputs=[CLEAN, REJECTED, CHECKED], inputs=_INPUTS, tells=check_counts)
    def clean_leads(run: StageRun) -> Mapping[str, TableVersion]:
        return write_checked(run)

    return [clean_leads]


def write_checked(run: StageRun) -> dict[str, TableVersion]:
    """Check the lead records that are new or changed, or all where what they are checked with changed."""
    from leadflow.clean.checked import checked_with

    lists = lists_of(run)
    fingerprint = checked_with(run.policy, lists)
    check = partial(check_part, policy=run.policy, lists=lists)
    changes = changed_records(run, fingerprint)
    if changes is None:
        digest, told = row_digest("given"), literal(fingerprint)
        versions = run.write_in_parts(
            [RECORDS],
            check,
            by="record_key",
            inputs=_INPUTS,
            workers=run.workers,
            beside={
                CHECKED: f"select record_key, {digest} as row_digest, {told} as checked_with from {RECORDS} as given"
            },
        )
        checked_count = versions[CHECKED].row_count
    else:
        changed, touched = changes
        checked_count = len(changed)
        told_of = changed.select("record_key", "row_digest", "checked_with")
        versions = run.write_changes(
            {**in_slices(run, check, changed), CHECKED: told_of}, touched=touched, inputs=_INPUTS
        )
    run.tell(CHECKED, checked=checked_count, kept=versions[CHECKED].row_count - checked_count)
    if lists.unusable:
        run.tell(REJECTED, **{"unusable blocklist entries": ", ".join(lists.unusable[:50])})
    return versions


def in_slices(
    run: StageRun,
    check: Callable[[Mapping[str, pl.DataFrame]], Mapping[str, pl.DataFrame]],
    records: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """What the checks make of records, in as many processes as that many are worth."""
    import polars as pl

    slices = [{RECORDS: each} for each in records.iter_slices(ROWS_PER_PART)] or [{RECORDS: records}]
    with part_map(min(run.workers, len(slices))) as mapped:
        parts = list(mapped(check, slices))
    return {table: pl.concat([part[table] for part in parts]) for table in (CLEAN, REJECTED)}


def lists_of(run: StageRun) -> ContactLists:
    """Blocklist, competitors and released records as known at the refresh's moment."""
    from leadflow.clean.lists import BLOCKLIST_COLUMNS, contact_lists

    blocklist = run.read("staging.stg_blocklist", list(BLOCKLIST_COLUMNS))
    return contact_lists(run.policy, blocklist, run.refresh().as_of)


def row_digest(relation: str) -> str:
    """SQL for a number that tells whether a lead record is as it was when it was checked last."""
    from leadflow.clean.records import RECORD_COLUMNS

    columns = ", ".join(f"{relation}.{name}" for name in RECORD_COLUMNS)
    return f"cast(hash({columns}) >> 1 as bigint)"


def changed_records(run: StageRun, fingerprint: str) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Lead records that are new or changed since they were checked, and the keys of those and of the ones that are gone.

    The records have the columns row_digest and checked_with beside their own. None where all are to be checked: on demand,
    where anything was checked with something else than `fingerprint`, or where most records changed.
    """
    if run.is_full:
        return None
    with run.connect(read_only=True) as connection:
        if not all(run.holds_promised(connection, table) for table in (CLEAN, REJECTED, CHECKED)):
            return None
        told = literal(fingerprint)
        digest = row_digest("given")
        is_stale, checked_count = connection.execute(
            f"select coalesce(bool_or(checked_with <> {told}), false), count(*) from {CHECKED}"
        ).fetchall()[0]
        connection.execute(
            f"create or replace temp table {_CHANGED} as select given.record_key, {digest} as row_digest "
            f"from {RECORDS} as given anti join {CHECKED} as known "
            f"on known.record_key = given.record_key and known.row_digest = {digest}"
        )
        if is_stale or 2 * scalar(connection, f"select count(*) from {_CHANGED}") > checked_count:
            return None
        changed = query(
            connection,
            f"select given.*, changed.row_digest, {told} as checked_with "
            f"from {RECORDS} as given inner join {_CHANGED} as changed using (record_key)",
        )
        touched = query(
            connection,
            f"select record_key from {_CHANGED} union all "
            f"select known.record_key from {CHECKED} as known anti join {RECORDS} as given using (record_key)",
        )
    return changed, touched


def check_counts(run: StageRun) -> Mapping[str, Mapping[str, Any]]:
    """What the UI tells of the two tables: how many records each check flagged or rejected."""
    flags = run.count_values(f"select unnest(contact_flags) from {CLEAN}")
    rules = run.count_values(f"select rule from {REJECTED}")
    released = run.count_values(f"select is_released from {CLEAN} where is_released")
    return {
        CLEAN: {"flagged": dict(flags), "released": sum(released.values())},
        REJECTED: {"rejected": dict(rules)},
    }
