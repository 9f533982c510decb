"""A person's decisions on who is who: pins, undoing, and what came together or apart lately.

Belongs here: reading and writing the state of pins, and telling a person what will come of it. Does not belong here: what
pins mean (identity/pins.py); nothing is clustered anew here, the next refresh does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError
from leadflow.settings import Settings
from leadflow.version import code_version
from leadflow.warehouse.connection import Warehouse, query, quote
from leadflow.warehouse.lock import refresh_lock
from leadflow.warehouse.refreshes import current_refresh
from leadflow.warehouse.tables import (
    ensure_system_tables,
    merge_rows,
    record_version,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection

    from leadflow.identity.pins import Named

PINS = "identity.pins"
LOG = "identity.identity_log"
_MAP = "identity.identity_map"
_REDIRECTS = "identity.lead_redirects"
_RECORDS = "clean.clean_leads"
_NEXT = "The next refresh (`leadflow run`) will"
_MOST_MERGES = 20
_MOST_KEYS = 3


@dataclass(frozen=True)
class _Home:
    """The warehouse under the refresh lock, and the moment that the person looked at."""

    connection: DuckDBPyConnection
    as_of: datetime
    command: str

    def read(self, table: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
        """The columns of a table; no rows where it was not made yet."""
        import polars as pl

        if not table_exists(self.connection, table):
            return pl.DataFrame(schema=schema)
        columns = ", ".join(map(quote, schema))
        frame = query(self.connection, f"select {columns} from {quote(table)}")
        return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())

    def identity_map(self) -> pl.DataFrame:
        """record_key, lead_id, known_to."""
        import polars as pl

        columns = {"record_key": pl.String(), "lead_id": pl.String(), "known_to": pl.Datetime("us")}
        return self.read(_MAP, columns)

    def pins(self) -> pl.DataFrame:
        """Every pin that was ever made."""
        from leadflow.identity.pins import PIN_COLUMNS

        return self.read(PINS, PIN_COLUMNS)

    def named(self, name: str) -> Named:
        """The records that a person means."""
        import polars as pl

        from leadflow.identity.pins import records_named

        text = pl.String()
        redirects = self.read(_REDIRECTS, {"former_lead_id": text, "lead_id": text})
        emails = self.read(_RECORDS, {"record_key": text, "email": text})
        return records_named(name, self.identity_map(), redirects, emails)

    def write(self, pin: pl.DataFrame, event: str, words: str | None) -> str:
        """Write a pin and the event that tells of it, both or none; the pin's id."""
        from leadflow.identity.decisions import pin_event

        stamp = current_refresh(self.connection).stamp(run_id=self.command, code_version=code_version())
        told = pin_event(pin, event, self.identity_map(), at=self.as_of, cause=words)
        ensure_system_tables(self.connection)
        with transaction(self.connection):
            for table, rows, key in ((PINS, pin, "pin_id"), (LOG, told, "event_id")):
                merge_rows(self.connection, table, rows, key=[key])
                record_version(self.connection, table, stamp=stamp)
        return str(pin["pin_id"][0])


@contextmanager
def _locked(settings: Settings, command: str) -> Iterator[_Home]:
    """The home, while no refresh runs; as_of of its newest refresh is the moment of what the person decides."""
    warehouse = Warehouse.from_settings(settings)
    if not warehouse.path.exists():
        raise LeadflowError(f"{warehouse.path} does not exist", "run `leadflow run` or `leadflow demo` first")
    with (
        refresh_lock(settings.lock_path, purpose=command, wait_seconds=settings.lock_wait_seconds),
        warehouse.connect() as connection,
    ):
        yield _Home(connection, current_refresh(connection).as_of, command)


def pin(settings: Settings, one: str, other: str, kind: str, reason: str | None = None) -> Iterator[str]:
    """Pin two leads, lead records or e-mail addresses together or apart; tells what will come of it.

    Raises:
        LeadflowError: a name is not known, both are the same lead, or the pin contradicts others.
    """
    from leadflow.identity.identity_log import PINNED
    from leadflow.identity.pins import new_pin

    with _locked(settings, "leadflow pin") as home:
        sides = home.named(one), home.named(other)
        made = new_pin(home.pins(), kind, *sides, made_at=home.as_of, reason=reason)
        pin_id = home.write(made, PINNED, reason)
        yield from _foretold(home, made)
    yield f"`leadflow unpin {pin_id}` takes it back."


def unpin(settings: Settings, pin_id: str, *, command: str = "leadflow unpin") -> Iterator[str]:
    """Withdraw a pin; tells what will come of it.

    Raises:
        LeadflowError: there is no such pin, or it was withdrawn before.
    """
    from leadflow.identity.identity_log import UNPINNED
    from leadflow.identity.pins import withdrawn

    with _locked(settings, command) as home:
        gone = withdrawn(home.pins(), pin_id, home.as_of)
        home.write(gone, UNPINNED, None)
    yield f"{pin_id} is withdrawn. {_NEXT} go by what the records say of {_listed(gone)}."


def undo(settings: Settings, event_id: str) -> Iterator[str]:
    """Undo an event of the identity log: a merge by a pin apart, a split by a pin together, a pin by withdrawing it.

    Raises:
        LeadflowError: there is no such event, it cannot be undone or is undone already, or that contradicts pins.
    """
    from leadflow.identity.decisions import undoing, withdrawable
    from leadflow.identity.identity_log import LOG_COLUMNS, UNDONE

    with _locked(settings, "leadflow undo") as home:
        log = home.read(LOG, LOG_COLUMNS)
        pin_id = withdrawable(log, event_id)
        if pin_id is None:
            made = undoing(log, event_id, home.pins(), made_at=home.as_of)
            pin_id = home.write(made, UNDONE, event_id)
            yield from _foretold(home, made)
            yield f"`leadflow unpin {pin_id}` takes it back."
            return
    yield from unpin(settings, pin_id, command="leadflow undo")


def merges(settings: Settings, lead_id: str | None = None) -> Iterator[str]:
    """The newest merges, splits and decisions, newest first, a line each; of one lead or of all.

    Raises:
        LeadflowError: there is no warehouse yet.
    """
    import polars as pl

    from leadflow.identity.identity_log import LOG_COLUMNS

    with Warehouse.from_settings(settings).connect(read_only=True) as connection:
        home = _Home(connection, current_refresh(connection).as_of, "leadflow merges")
        log = home.read(LOG, LOG_COLUMNS)
    if lead_id is not None:
        log = log.filter((pl.col("lead_id") == lead_id) | (pl.col("other_lead_id") == lead_id))
    newest = log.sort("happened_at", "event_id", descending=[True, False]).head(_MOST_MERGES)
    for row in newest.iter_rows(named=True):
        told = f"{row['event_id']}  {row['happened_at']:%Y-%m-%d %H:%M}  {row['event']:<8}  {_leads(row)}"
        records = len(row["record_keys"])
        yield f"{told}, {records:,} record{'s' * (records != 1)}: {row['cause'] or 'no reason given'}"
    if not newest.height:
        yield (
            "Nothing came together or apart yet."
            if lead_id is None
            else f"Nothing happened to {lead_id} yet."
        )
    elif log.height > newest.height:
        yield f"{log.height - newest.height:,} earlier ones: see {LOG}."


def _leads(row: dict[str, object]) -> str:
    """Which leads an event was about, in the order that tells what happened."""
    lead_id, other = row["lead_id"], row["other_lead_id"]
    match row["event"]:
        case "merged":
            return f"{other} into {lead_id}"
        case "split":
            return f"{lead_id} out of {other}"
        case "moved":
            return f"{other} to {lead_id}"
    pinned = f"{row['pin_id']}: {lead_id}"
    return pinned if other is None or other == lead_id else f"{pinned} and {other}"


def _foretold(home: _Home, made: pl.DataFrame) -> Iterator[str]:
    """What the next refresh will do with a new pin."""
    from leadflow.identity.pins import TOGETHER, leads_of

    row = made.row(0, named=True)
    current = home.identity_map()
    leads = [leads_of(row[side], current) for side in ("record_keys_1", "record_keys_2")]
    every = sorted({*leads[0], *leads[1]})
    names = " and ".join(every) or "records that are in no lead now"
    yield f"{row['pin_id']} pins {_listed(made)} {row['kind']}."
    if row["kind"] == TOGETHER:
        what = (
            f"make one lead of {names}, under the oldest id" if len(every) > 1 else f"keep {names} one lead"
        )
    else:
        shared = sorted({*leads[0]} & {*leads[1]})
        what = f"part {' and '.join(shared)}" if shared else f"keep {names} apart, whatever ties them"
    yield f"{_NEXT} {what}."


def _listed(made: pl.DataFrame) -> str:
    """The records of both sides, the first ones by key."""
    sides = [made[side][0].to_list() for side in ("record_keys_1", "record_keys_2")]
    return " and ".join(
        ", ".join(keys[:_MOST_KEYS])
        + (f" ({len(keys) - _MOST_KEYS:,} more)" if len(keys) > _MOST_KEYS else "")
        for keys in sides
    )
