"""The one clock: every refresh has one as_of, kept in raw.refreshes, and all its tables look from it.

Belongs here: reading a moment, opening a refresh and finding the current one. Does not belong here: choosing as_of (ingest does).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadflow.errors import ConfigError, WarehouseError
from leadflow.warehouse.connection import first_row, scalar
from leadflow.warehouse.tables import (
    Stamp,
    TableVersion,
    ensure_system_tables,
    record_version,
    table_exists,
    transaction,
    utc_now,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE = "raw.refreshes"

_CREATE = f"""
create schema if not exists raw;
create table if not exists {TABLE} (
    refresh_id bigint, as_of timestamp, as_of_from varchar, opened_at timestamp, run_id varchar
);
"""


@dataclass(frozen=True)
class Refresh:
    """One refresh.

    Attributes:
        refresh_id: running number from 1.
        as_of: the moment it looks from, UTC.
        as_of_from: where as_of came from: schedule, given, newest_fact or clock.
    """

    refresh_id: int
    as_of: datetime
    as_of_from: str

    def stamp(self, *, run_id: str, code_version: str, policy_version: str | None = None) -> Stamp:
        """What tables written in this refresh are recorded with."""
        return Stamp(self.refresh_id, self.as_of, run_id, code_version, policy_version)


def open_refresh(
    connection: DuckDBPyConnection, *, as_of: datetime, as_of_from: str, run_id: str, code_version: str
) -> tuple[Refresh, TableVersion]:
    """Open the next refresh; tables written from now on belong to it."""
    ensure_system_tables(connection)
    with transaction(connection):
        connection.execute(_CREATE)
        refresh_id = scalar(connection, f"select coalesce(max(refresh_id), 0) + 1 from {TABLE}")
        connection.execute(
            f"insert into {TABLE} values (?, ?, ?, ?, ?)", [refresh_id, as_of, as_of_from, utc_now(), run_id]
        )
        refresh = Refresh(refresh_id, as_of, as_of_from)
        version = record_version(
            connection, TABLE, stamp=refresh.stamp(run_id=run_id, code_version=code_version)
        )
    return refresh, version


def current_refresh(connection: DuckDBPyConnection) -> Refresh:
    """The newest refresh, which every later write belongs to.

    Raises:
        WarehouseError: no refresh was ever opened.
    """
    if table_exists(connection, TABLE):
        row = first_row(
            connection, f"select refresh_id, as_of, as_of_from from {TABLE} order by refresh_id desc limit 1"
        )
        if row is not None:
            return Refresh(*row)
    raise WarehouseError(
        "no refresh was opened in this warehouse yet, so there is no moment (as_of) to look from",
        "materialize raw/refreshes first, or run the whole refresh",
    )


def parse_as_of(text: str, name: str = "as_of") -> datetime:
    """A moment as naive UTC.

    Args:
        text: ISO 8601, UTC where it has no offset.
        name: what the message calls it.

    Raises:
        ConfigError: the text is not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{name} '{text}' is not a moment", "write it as 2026-06-30 or 2026-06-30T18:00:00+02:00"
        ) from None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
