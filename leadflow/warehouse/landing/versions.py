"""Rows that change: the version in force in the raw table, every version that it replaced in the table's history.

Belongs here: bringing a file's versions together with those that are there. Does not belong here: rows that never change
(events.py), and what of a file cannot be read (rejects.py).

The versions of one key stand in the order (known_at, source, file): the last is in force, the others are history. So the
end is the same in whatever order files come. Of one content delivered by several files of a source, known at the same
moment, one version is kept, under the last file's name. A deletion is a version too: where it is the last, no row is in force.

Where every file of a source is all there is, a row that its newest lacks is absent: none of the source's versions of it
is in force, whatever moments they claim, but one of another source may be. An absence is kept as a deletion without a file.

Rows of `known_at: landed` are known when they first land: one that comes again as it was is no new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.errors import SourceError
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import first_row, quote, scalar
from leadflow.warehouse.landing.landing_plan import Landing
from leadflow.warehouse.landing.mapped import DELETED, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER = ("known_at", "source_name", "coalesce(source_file, '')")
_IS_ABSENCE = f"{DELETED} and source_file is null"
_FEW_ROWS = 10
"""Rows that a file may lack whatever share of the source's they are."""


@dataclass(frozen=True)
class Versions:
    """The rows of one file, which the temporary table `mapped` holds, within the transaction that lands them.

    Attributes:
        connection: connection in a transaction.
        landing: the mapping; it has a history.
        path: the file, for messages.
    """

    connection: DuckDBPyConnection
    landing: Landing
    path: str

    def merge(self, *, is_anew: bool, newest_file: str | None) -> None:
        """Bring the versions into the raw table and its history.

        Args:
            is_anew: the file was landed before, with another mapping: what it brought then is taken back.
            newest_file: name of the source's last file so far, or None where this is the first.

        Raises:
            SourceError: too many rows are absent from the file, and would be deleted.
        """
        self._arrive()
        self._execute(f"create or replace temp table absent as select {self._key} from arriving limit 0")
        if self.landing.are_absent_deleted:
            if newest_file is None or self.landing.file_name >= newest_file:
                self._take_back_absences()
                self._find_absent(is_anew=is_anew)
            else:
                self._find_absent_from(newest_file)
            self._note_absences()
        if not is_anew:
            self._drop_unchanged()
            if self.landing.landed_moments and self.landing.deleted is not None:
                self._drop_deleted_before()
        self._find_touched(is_anew=is_anew)
        self._order_anew(is_anew=is_anew)
        self._execute(
            f"insert into {self._table} by name select arriving.* exclude ({DELETED}) from arriving "
            f"anti join touched using ({self._key})"
        )
        for name in ("arriving", "touched", "absent"):
            self._execute(f"drop table {name}")

    def _arrive(self) -> None:
        """Make the table `arriving`: what the file holds, as rows of the raw table and whether they are deletions."""
        filled = {column.name for column in self.landing.columns}
        given = {
            name: identifier(name) if name in filled else f"null::{kind}"
            for name, kind in self._types().items()
        }
        given |= {"source_name": literal(self.landing.source), "source_file": literal(self.landing.file_name)}
        listed = ", ".join(f"{value} as {identifier(name)}" for name, value in given.items())
        deleted = "false" if self.landing.deleted is None else f"coalesce({identifier(DELETED)}, false)"
        self._execute(
            f"create or replace temp table arriving as select {listed}, {deleted} as {DELETED} from mapped order by line"
        )

    def _drop_unchanged(self) -> None:
        """Take out of `arriving` what is in force as it is; the row keeps the moment it was known and the last file's name."""
        if scalar(self.connection, f"select count(*) = 0 from {self._table}"):
            return
        # Of what is known by landing the first source to say it made it known; else each says it by itself.
        of_source = "" if self.landing.landed_moments else " and present.source_name = arriving.source_name"
        self._execute(
            "create or replace temp table unchanged as select present.rowid as place, arriving.rowid as arriving_place, "
            f"{self._is_later()} as is_later "
            f"from {self._table} as present inner join arriving on {self._matched('present', 'arriving')} "
            f"where not arriving.{DELETED} and {self._same('present', 'arriving')}{of_source}"
        )
        if self.landing.landed_moments:
            earlier = ", ".join(
                f"{identifier(name)} = least({identifier(name)}, {literal(self.landing.as_of)})"
                for name in self.landing.landed_moments
            )
            self._execute(
                f"update {self._table} set {earlier} where rowid in (select place from unchanged) "
                f"and known_at > {literal(self.landing.as_of)}"
            )
        self._execute(
            f"update {self._table} set source_name = {literal(self.landing.source)}, "
            f"source_file = {literal(self.landing.file_name)} "
            "where rowid in (select place from unchanged where is_later)"
        )
        self._execute("delete from arriving where rowid in (select arriving_place from unchanged)")
        self._execute("drop table unchanged")

    def _is_later(self) -> str:
        """SQL of whether the file that lands goes after the one under whose name a row is in force."""
        arriving, present = (f"({{}}{one}.source_name, {one}.source_file)" for one in ("arriving", "present"))
        if not self.landing.landed_moments:
            return f"{arriving.format('')} > {present.format('')}"
        # What is known by landing is confirmed by the file that landed last, whatever it is called.
        landed_at = (
            "coalesce((select max(landed.as_of) from quality.landed_files as landed where landed.source_name = "
            "present.source_name and landed.source_file = present.source_file), '-infinity'::timestamp), "
        )
        return (
            f"{arriving.format(f'{literal(self.landing.as_of)}::timestamp, ')} > {present.format(landed_at)} "
            f"and {arriving.format('')} <> {present.format('')}"
        )

    def _drop_deleted_before(self) -> None:
        """Take out of `arriving` the deletions that are known: exports go on holding rows that are marked as deleted."""
        self._execute(
            f"delete from arriving where {DELETED} and rowid in (select arriving.rowid from arriving inner join ("
            f"select * from {self._history} semi join (from arriving where {DELETED}) using ({self._key}) "
            f"qualify row_number() over (partition by {self._key} order by {_backwards()}) = 1"
            f") as present on {self._matched('present', 'arriving')} "
            f"where present.{DELETED} and {self._same('present', 'arriving')} and present.source_file is not null "
            f"and not exists (select 1 from {self._table} as in_force where {self._matched('in_force', 'arriving')}))"
        )

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
            + " union all from absent)",
            {"source": self.landing.source, "file": self.landing.file_name} if is_anew else None,
        )

    def _order_anew(self, *, is_anew: bool) -> None:
        """Write the versions of all touched keys anew: the last into the raw table, the others into its history."""
        if not scalar(self.connection, "select count(*) from touched"):
            return
        there = f"where {self._is_of_others}" if is_anew else ""
        content = names((*self._content(), "known_at", DELETED, "source_name"))
        self._execute(
            "create or replace temp table ordered as with every as ("
            f"select *, false as {DELETED}, 0 as arrival from {self._table} semi join touched using ({self._key}) {there} "
            f"union all by name select *, 0 as arrival from {self._history} semi join touched using ({self._key}) {there} "
            f"union all by name select *, 1 as arrival from arriving semi join touched using ({self._key})), "
            # What a file brings stands in place of what it brought under the same name for the same moment.
            "one_a_file as (select * from every qualify row_number() over ("
            f"partition by {self._key}, known_at, source_name, source_file order by arrival desc) = 1), "
            "different as (select * from one_a_file qualify row_number() over ("
            f"partition by {self._key}, {content} order by source_file desc nulls last) = 1), "
            "stated as (select * exclude (arrival), "
            f"bool_or({_IS_ABSENCE}) over (partition by {self._key}, source_name) as is_absent from different) "
            "select * exclude (is_absent), not is_absent and row_number() over ("
            f"partition by {self._key} order by is_absent, {_backwards()}) = 1 as is_last from stated"
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
            f"delete from {self._history} where {_IS_ABSENCE} and source_name = {literal(self.landing.source)} "
            f"and ({self._key}) in (select ({self._key}) from arriving)"
        )

    def _find_absent(self, *, is_anew: bool) -> None:
        """Put into `absent` the keys of the source that its newest file, which lands, lacks.

        Raises:
            SourceError: they are too many.
        """
        of_source = f"source_name = {literal(self.landing.source)}"
        others = f" and {self._is_of_others}" if is_anew else ""
        self._execute(
            f"insert into absent select distinct {self._key} from ("
            f"select {self._key} from {self._table} where {of_source}{others} "
            f"union all select {self._key} from {self._history} where {of_source} and source_file is not null{others}) "
            f"anti join arriving using ({self._key}) "
            f"anti join (from {self._history} where {_IS_ABSENCE} and {of_source}) using ({self._key})"
        )
        self._refuse_too_many(of_source)

    def _refuse_too_many(self, of_source: str) -> None:
        lost, total = first_row(
            self.connection,
            f"select count(*) filter (({self._key}) in (select ({self._key}) from absent)), count(*) "
            f"from {self._table} where {of_source}",
        ) or (0, 0)
        is_empty = not scalar(self.connection, "select count(*) from arriving")
        if lost > self.landing.max_absent_share * total and (is_empty or lost > _FEW_ROWS):
            raise SourceError(
                f"source '{self.landing.source}': {self.path} lacks {lost} of the {total} rows that the source has, and "
                "with `deleted: absent` would delete them",
                "get the export anew if it is incomplete, or set the source's max_absent_share",
            )

    def _find_absent_from(self, newest_file: str) -> None:
        """Put into `absent` the keys that a late file holds and the source's newest file does not."""
        of_newest = f"source_name = {literal(self.landing.source)} and source_file = {literal(newest_file)}"
        self._execute(
            f"insert into absent select distinct {self._key} from arriving "
            f"anti join (from {self._table} where {of_newest}) using ({self._key}) "
            f"anti join (from {self._history} where ({of_newest}) or ({_IS_ABSENCE} "
            f"and source_name = {literal(self.landing.source)})) using ({self._key})"
        )

    def _note_absences(self) -> None:
        moment = f"{literal(self.landing.as_of)}::timestamp"
        self._execute(
            f"insert into {self._history} by name select {self._key}, {moment} as occurred_at, {moment} as known_at, "
            f"{literal(self.landing.source)} as source_name, true as {DELETED} from absent order by {self._key}"
        )

    @property
    def _is_of_others(self) -> str:
        """SQL of whether a version is of another file than the one that lands."""
        source, file = literal(self.landing.source), literal(self.landing.file_name)
        return f"not (source_name = {source} and coalesce(source_file, '') = {file})"

    def _same(self, one: str, other: str) -> str:
        return " and ".join(
            f"{one}.{identifier(name)} is not distinct from {other}.{identifier(name)}"
            for name in self._content()
        )

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
    """The order of versions from the last to the first."""
    return ", ".join(f"{part} desc" for part in _ORDER)
