"""Leads are made anew where their records, memberships, account or what decides changed, and stay where nothing did.

Belongs here: which leads those are, by a digest that is kept beside each lead, and writing them. Does not belong here: what a
lead's golden record is (golden.py).

DuckDB reads and hashes all records, column by column; only those of changed leads become a frame.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadflow.identity.golden import columns_read, golden_records
from leadflow.quality.sql_text import identifier, literal
from leadflow.version import source_digest
from leadflow.warehouse.connection import query, quote, scalar
from leadflow.warehouse.tables import columns_of

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection

    from leadflow.survivorship_policy import Survivorship
    from leadflow.warehouse.stage_run import StageRun
    from leadflow.warehouse.tables import TableVersion

RECORDS = "clean.clean_leads"
MAP = "identity.identity_map"
LEADS = "identity.leads"
PROVENANCE = "identity.lead_provenance"
DIGESTS = "identity.lead_digests"
_INPUTS = [RECORDS, MAP]
_NOW = "leadflow_leads_now"
_CHANGED = "leadflow_changed_leads"
_SOURCES = ("identity/golden*.py", "survivorship_policy.py")


def write_leads(run: StageRun) -> dict[str, TableVersion]:
    """Write leads, their provenance and digests: those of changed leads, or all where what decides changed."""
    decided_by = made_with(run.policy.survivorship)
    with run.connect() as connection:
        _digest_leads(connection, decided_by)
        touched = _touched(run, connection, decided_by)
        records, memberships, digests = _read(connection, None if touched is None else _CHANGED)
    golden = golden_records(records, memberships, run.policy.survivorship)
    rows = {LEADS: golden.leads, PROVENANCE: golden.provenance, DIGESTS: digests}
    if touched is None:
        versions = run.write(rows, inputs=_INPUTS)
    else:
        versions = run.write_changes(rows, touched=touched, inputs=_INPUTS)
    run.tell(LEADS, made=len(digests), kept=versions[DIGESTS].row_count - len(digests))
    return versions


def made_with(survivorship: Survivorship) -> str:
    """One text for everything that a golden record depends on beside its records: the policy and the code."""
    told = survivorship.model_dump_json() + source_digest(_SOURCES)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _digest_leads(connection: DuckDBPyConnection, decided_by: str) -> None:
    """Make the temporary table of all leads now, with the columns of `DIGESTS`.

    Of a lead's records the hashes are put together by exclusive or, which no order changes; no two are equal, as each record
    has its key.
    """
    told = ", ".join(f"given.{name}" for name in _columns(connection))
    connection.execute(
        f"create or replace temp table {_NOW} as "
        f"select map.lead_id, cast(bit_xor(hash(map.account_id, {told})) >> 1 as bigint) as members_digest, "
        f"{literal(decided_by)} as made_with "
        f"from {RECORDS} as given inner join {MAP} as map using (record_key) where map.known_to is null group by map.lead_id"
    )


def _touched(run: StageRun, connection: DuckDBPyConnection, decided_by: str) -> pl.DataFrame | None:
    """lead_id of the leads that changed, came or are gone; None where all are to be made anew.

    That is on demand, where tables are missing or another release's, where any lead was made with something else, or where
    most leads changed. The changed ones that are there now are left in a temporary table.
    """
    if run.is_full:
        return None
    if not all(run.holds_promised(connection, table) for table in (LEADS, PROVENANCE, DIGESTS)):
        return None
    if scalar(connection, f"select count(*) from {DIGESTS} where made_with <> {literal(decided_by)}"):
        return None
    connection.execute(
        f"create or replace temp table {_CHANGED} as select now.lead_id from {_NOW} as now "
        f"anti join {DIGESTS} as known on known.lead_id = now.lead_id and known.members_digest = now.members_digest"
    )
    if scalar(connection, f"select 2 * (select count(*) from {_CHANGED}) > (select count(*) from {DIGESTS})"):
        return None
    return query(
        connection,
        f"select lead_id from {_CHANGED} union all "
        f"select known.lead_id from {DIGESTS} as known anti join {_NOW} as now using (lead_id)",
    )


def _read(
    connection: DuckDBPyConnection, chosen: str | None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Records, current memberships and digests of the leads in a table, or of all."""
    only = "" if chosen is None else f"semi join {chosen} using (lead_id)"
    memberships = f"select record_key, lead_id, account_id, known_to from (select * from {MAP} where known_to is null) {only}"
    told = ", ".join(f"given.{name}" for name in _columns(connection))
    return (
        query(
            connection, f"select {told} from {RECORDS} as given semi join ({memberships}) using (record_key)"
        ),
        query(connection, memberships),
        query(connection, f"select lead_id, members_digest, made_with from {_NOW} {only}"),
    )


def _columns(connection: DuckDBPyConnection) -> Sequence[str]:
    """Columns of the records that golden records are made of, as SQL."""
    return [identifier(name) for name in columns_read(columns_of(connection, quote(RECORDS)))]
