"""Rows that change: the version in force in the raw table, every version that it replaced in the table's history.

Belongs here: bringing a file's versions together with those that are there. Does not belong here: rows that never change
(events.py), and what of a file cannot be read (rejects.py).

The versions of one key stand in the order (known_at, source, file): the last is in force, the others are history. So the
end is the same in whatever order files come. Of one content delivered by several files, known at the same moment, one
version is kept, under the last file's name. A deletion is a version too: where it is the last, no row is in force.

Rows of `known_at: landed` are known when they first land: one that comes again as it was is no new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.landing.landing_plan import Landing
from leadflow.warehouse.landing.mapped import DELETED, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER = ("known_at", "source_name", "coalesce(source_file, '')")


@dataclass(frozen=True)
class Versions:
    """The rows of one file, which the temporary table `mapped` holds, within the transaction that lands them.

    Attributes:
        connection: connection in a transaction.
        landing: the mapping; it has a history.
        file: name of the file.
        as_of: moment of the refresh, when the absence of a row becomes known.
    """

    connection: DuckDBPyConnection
    landing: Landing
    file: str
    as_of: datetime

    def merge(self, *, is_anew: bool, newest_file: str | None) -> None:
        """Bring the versions into the raw table and its history.

        Args:
            is_anew: the file was landed before, with another mapping: what it brought then is taken back.
            newest_file: name of the source's last file so far, or None where this is the first.
        """
        self._arrive()
        is_newest = newest_file is None or self.file >= newest_file
        if self.landing.are_absent_deleted and is_newest:
            self._take_back_absences()
        if not is_anew:
            self._drop_unchanged()
        self._find_touched(is_anew=is_anew)
        self._order_anew(is_anew=is_anew)
        self._execute(
            f"insert into {self._table} by name select arriving.* exclude ({DELETED}) from arriving "
            f"anti join touched using ({self._key})"
        )
        if self.landing.are_absent_deleted:
            self._delete_absent(None if is_newest else newest_file)
        for name in ("arriving", "touched"):
            self._execute(f"drop table {name}")

    def _arrive(self) -> None:
        """Make the table `arriving`: what the file holds, as rows of the raw table and whether they are deletions."""
        filled = {column.name for column in self.landing.columns}
        given = {
            name: identifier(name) if name in filled else f"null::{kind}"
            for name, kind in self._types().items()
        }
        given |= {"source_name": literal(self.landing.source), "source_file": literal(self.file)}
        listed = ", ".join(f"{value} as {identifier(name)}" for name, value in given.items())
        deleted = "false" if self.landing.deleted is None else f"coalesce({identifier(DELETED)}, false)"
        self._execute(
            f"create or replace temp table arriving as select {listed}, {deleted} as {DELETED} from mapped order by line"
        )

    def _drop_unchanged(self) -> None:
        """Take out of `arriving` what is in force as it is; the row keeps the moment it was known and the last file's name."""
        if scalar(self.connection, f"select count(*) = 0 from {self._table}"):
            return
        same = " and ".join(
            f"arriving.{identifier(name)} is not distinct from present.{identifier(name)}"
            for name in self._content()
        )
        self._execute(
            "create or replace temp table unchanged as select present.rowid as place, arriving.rowid as arriving_place, "
            f"arriving.source_name > present.source_name or (arriving.source_name = present.source_name "
            f"and arriving.source_file > present.source_file) as is_later "
            f"from {self._table} as present inner join arriving on {self._matched('present', 'arriving')} "
            f"where not arriving.{DELETED} and {same}"
        )
        if self.landing.landed_moments:
            earlier = ", ".join(
                f"{identifier(name)} = least({identifier(name)}, {literal(self.as_of)})"
                for name in self.landing.landed_moments
            )
            self._execute(
                f"update {self._table} set {earlier} where rowid in (select place from unchanged) "
                f"and known_at > {literal(self.as_of)}"
            )
        self._execute(
            f"update {self._table} set source_name = {literal(self.landing.source)}, source_file = {literal(self.file)} "
            "where rowid in (select place from unchanged where is_later)"
        )
        self._execute("delete from arriving where rowid in (select arriving_place from unchanged)")
        self._execute("drop table unchanged")

    def _find_touched(self, *, is_anew: bool) -> None:
        """Make the table `touched`: keys whose versions are to be brought into order anew."""
        earlier = f"select {self._key} from {{}} where source_name = $source and source_file = $file"
        taken_back = [earlier.format(table) for table in (self._table, self._history)] if is_anew else []
        self._execute(
            "create or replace temp table touched as "
            f"select distinct {self._key} from (select {self._key} from arriving where {DELETED} "
            f"union all select {self._key} from arriving group by all having count(*) > 1 "
            f"union all select {self._key} from arriving semi join {self._table} using ({self._key}) "
            f"union all select {self._key} from arriving semi join {self._history} using ({self._key}) "
            + "".join(f" union all {one}" for one in taken_back)
            + ")",
            {"source": self.landing.source, "file": self.file} if is_anew else None,
        )

    def _order_anew(self, *, is_anew: bool) -> None:
        """Write the versions of all touched keys anew: the last into the raw table, the others into its history."""
        if not scalar(self.connection, "select count(*) from touched"):
            return
        origin = f"source_name = {literal(self.landing.source)} and source_file = {literal(self.file)}"
        there = f"where not ({origin})" if is_anew else ""
        content = names((*self._content(), "known_at", DELETED))
        self._execute(
            "create or replace temp table ordered as with every as ("
            f"select *, false as {DELETED}, 0 as arrival from {self._table} semi join touched using ({self._key}) {there} "
            f"union all by name select *, 0 as arrival from {self._history} semi join touched using ({self._key}) {there} "
            f"union all by name select *, 1 as arrival from arriving semi join touched using ({self._key})), "
            # What a file brings stands in place of what it brought under the same name for the same moment.
            "one_a_file as (select * from every qualify row_number() over ("
            f"partition by {self._key}, known_at, source_name, source_file order by arrival desc) = 1), "
            "different as (select * from one_a_file qualify row_number() over ("
            f"partition by {self._key}, {content} order by source_name desc, source_file desc nulls last) = 1) "
            f"select * exclude (arrival), row_number() over (partition by {self._key} order by {_backwards()}) = 1 as is_last "
            "from different"
        )
        for table in (self._table, self._history):
            self._execute(f"delete from {table} where ({self._key}) in (select ({self._key}) from touched)")
        in_order = f"order by {self._key}, {', '.join(_ORDER)}"
        self._execute(
            f"insert into {self._table} by name select * exclude ({DELETED}, is_last) from ordered "
            f"where is_last and not {DELETED} {in_order}"
        )
        self._execute(
            f"insert into {self._history} by name select * exclude (is_last) from ordered "
            f"where not is_last or {DELETED} {in_order}"
        )
        self._execute("drop table ordered")

    def _take_back_absences(self) -> None:
        """A row that the newest file holds again is not absent."""
        self._execute(
            f"delete from {self._history} where {DELETED} and source_file is null and source_name = $source "
            f"and ({self._key}) in (select ({self._key}) from mapped)",
            {"source": self.landing.source},
        )

    def _delete_absent(self, newest_file: str | None) -> None:
        """Delete the source's rows that its newest file lacks.

        Args:
            newest_file: its name, where it is another than the one that lands.
        """
        if newest_file is None:
            absent = f"({self._key}) not in (select ({self._key}) from mapped)"
        else:
            absent = f"source_file < {literal(newest_file)}"
        self._execute(
            f"create or replace temp table absent as select * from {self._table} "
            f"where source_name = {literal(self.landing.source)} and {absent}"
        )
        self._execute(
            f"insert into {self._history} by name select *, false as {DELETED} from absent union all by name "
            f"select {self._key}, {literal(self.as_of)}::timestamp as occurred_at, {literal(self.as_of)}::timestamp as known_at, "
            f"source_name, true as {DELETED} from absent order by {self._key}, {', '.join(_ORDER)}"
        )
        self._execute(f"delete from {self._table} where ({self._key}) in (select ({self._key}) from absent)")
        self._execute("drop table absent")

    def _content(self) -> list[str]:
        """Names of the columns that make two rows of one key different versions."""
        aside = {
            *self.landing.natural_key,
            "source_name",
            "source_file",
            *(self.landing.landed_moments or ()),
        }
        return [name for name in self._types() if name not in aside]

    def _types(self) -> dict[str, str]:
        rows = self.connection.execute(f"describe {self._table}").fetchall()
        return {row[0]: row[1] for row in rows}

    def _matched(self, one: str, other: str) -> str:
        return " and ".join(
            f"{one}.{identifier(name)} = {other}.{identifier(name)}" for name in self.landing.natural_key
        )

    @property
    def _key(self) -> str:
        return names(self.landing.natural_key)

    @property
    def _table(self) -> str:
        return quote(self.landing.table)

    @property
    def _history(self) -> str:
        return quote(str(self.landing.history))

    def _execute(self, statement: str, values: dict[str, str] | None = None) -> None:
        self.connection.execute(statement, values)


def _backwards() -> str:
    """The order of versions from the last to the first; an absence is the last, whatever moment a version claims."""
    parts = (f"{DELETED} and source_file is null", *_ORDER)
    return ", ".join(f"{part} desc" for part in parts)
