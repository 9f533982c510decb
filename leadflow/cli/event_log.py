"""Dagster's event log on SQLite with one connection a file, where Dagster makes one for every event.

A refresh logs some 3,000 events, and each is written by one to three statements. For every one of them Dagster makes an
engine of SQLAlchemy, which then compiles the statement as if it had never seen it, opens the file, waits for the disk, and
closes it: a third of the processor time of a small refresh. Here engines and their connections are kept, and the disk is
waited for where SQLite moves its log into the file (WAL with synchronous = NORMAL): a machine that loses power may lose the
last events, never the file, and a process that is killed loses none (https://www.sqlite.org/pragma.html#pragma_synchronous).

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

    log: Any = instance.event_log_storage
    if type(log) is not SqliteEventLogStorage:
        return
    engines: dict[str, Engine] = {}
    connect_anew, dispose = log._connect, log.dispose

    @contextmanager
    def connect(shard: str) -> Iterator[Connection]:
        if shard not in engines:
            with connect_anew(shard):  # makes the file and its tables where they are not there yet
                pass
            engines[shard] = _engine(log.conn_string_for_shard(shard))
        with log._db_lock, engines[shard].begin() as connection:
            yield connection

    def dispose_all() -> None:
        while engines:
            engines.popitem()[1].dispose()
        dispose()

    vars(log).update(_connect=connect, dispose=dispose_all)


def _engine(address: str) -> Engine:
    """An engine with one connection, for whichever thread holds the log's lock."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        address,
        poolclass=StaticPool,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def wait_less_for_the_disk(connection: Any, _record: Any) -> None:
        connection.execute("pragma synchronous = normal")

    return engine
