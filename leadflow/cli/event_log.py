"""Dagster's event log on SQLite with one engine a file, where Dagster makes one for every event.

A refresh logs some 3,000 events, and each is written by one to three statements. For every one of them Dagster makes an
engine of SQLAlchemy, which then compiles the statement as if it had never seen it: a quarter of the processor time of a small
refresh. Here engines are kept, so that statements stay compiled; files are opened and closed as often as before.

Belongs here: that alone. Does not belong here: what is logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg
    from sqlalchemy import Connection, Engine

_BUSY_SECONDS = 60
"""How long a statement waits while another process writes, such as the UI."""


def keep_engines(instance: dg.DagsterInstance) -> None:
    """Let this process keep the engines of the instance's event log; a log that is not on SQLite stays as it is."""
    from dagster._core.storage.event_log import SqliteEventLogStorage
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    log: Any = instance.event_log_storage
    if type(log) is not SqliteEventLogStorage:
        return
    engines: dict[str, Engine] = {}
    connect_anew = log._connect

    @contextmanager
    def connect(shard: str) -> Iterator[Connection]:
        if shard not in engines:
            with connect_anew(shard):  # makes the file and its tables where they are not there yet
                pass
            engines[shard] = create_engine(
                log.conn_string_for_shard(shard), poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS}
            )
        with log._db_lock, engines[shard].begin() as connection:
            yield connection

    vars(log)["_connect"] = connect
