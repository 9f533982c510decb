"""Rows of events: added once, never changed.

Belongs here: adding a file's events to their raw table and leaving out those that are there. Does not belong here: rows
that change, such as those of a CRM (versions.py), and what of a file cannot be read (rejects.py).

Of several rows with one key the first in the order (known_at, source, file, line) stands, whatever order the files
come in; a repetition of it is dropped and counted, and one with other values is kept in raw.rejected_rows.

Event files are the large ones. They go into the table straight from the file, without a copy of the rows in between, and
are looked at where they lie: new rows are those whose rowid is above the highest before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import first_row, quote, scalar
from leadflow.warehouse.landing.files import FileScan
from leadflow.warehouse.landing.landing_plan import Landing
from leadflow.warehouse.landing.mapped import given_counts, mapped_select, names
from leadflow.warehouse.landing.rejects import TABLE as REJECTED
from leadflow.warehouse.landing.rejects import Rejects
from leadflow.warehouse.tables import columns_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LEFT_OUT = "row left out: another row with the same key and other values goes before it"


@dataclass(frozen=True)
class Added:
    """What came of a file's events: added, kept in raw.rejected_rows, set to null, and dropped as repetitions."""

    rows: int
    rejected_rows: int
    rejected_values: int
    repeated_rows: int


@dataclass(frozen=True)
class Events:
    """The events of one file, within the transaction that lands it.

    Attributes:
        connection: connection in a transaction.
        landing: the mapping; its rows are events.
        file: the file.
        digest: its content hash.
    """

    connection: DuckDBPyConnection
    landing: Landing
    file: FileScan
    digest: str

    def add(self, *, is_anew: bool, is_mended: bool = False) -> Added:
        """Add the events.

        Args:
            is_anew: the file was landed before, with another mapping: what it brought then is taken back first.
            is_mended: what was landed last under the file's name was mapped otherwise: the events that it holds again
                stand in place of themselves.

        Raises:
            SourceError: too much of the file cannot be read.
        """
        if is_anew:
            self._execute(
                f"delete from {self._table} where source_name = ? and source_file = ?", self._origin
            )
        highest = scalar(self.connection, f"select max(rowid) from {self._table}")
        before = -1 if highest is None else int(highest)
        is_copied = bool(self.landing.attributes)
        added = f"(select * from {self._table} where rowid > {before})"
        if is_copied:
            self._execute(f"create or replace temp table mapped as {mapped_select(self.landing, self.file)}")
            self._insert("mapped", {column.name: identifier(column.name) for column in self.landing.columns})
        else:
            self._insert(self.file.relation, {column.name: column.value for column in self.landing.columns})
        rejects = Rejects(
            self.connection, self.landing, self.file, self.digest, "mapped" if is_copied else added
        )
        rejects.forget()
        if not is_copied:
            self._execute(
                f"create or replace temp table mapped as {mapped_select(self.landing, self.file)} limit 0"
            )
        rejected = rejects.take_lines()
        if not is_copied and self._is_spoilt(added):
            self._execute(
                "create or replace temp table mapped as "
                f"select * from ({mapped_select(self.landing, self.file)}) where source_row is not null"
            )
        values = rejects.take_values()
        lacking = rejects.take_rows()
        if lacking:
            required = [column.name for column in self.landing.columns if column.is_required]
            is_lacking = " or ".join(f"{identifier(name)} is null" for name in required)
            self._execute(f"delete from {self._table} where rowid > {before} and ({is_lacking})")
        in_file, in_file_repeated = self._leave_out_doubled(before, rejects, is_copied=is_copied)
        if is_mended and not is_anew:
            key = names(self.landing.natural_key)
            self._execute(
                f"delete from {self._table} where rowid <= {before} and source_name = ? and source_file = ? "
                f"and ({key}) in (select ({key}) from {added})",
                self._origin,
            )
        elsewhere, elsewhere_repeated = self._leave_out_known(before)
        rows = int(scalar(self.connection, f"select count(*) from {added}"))
        return Added(
            rows, rejected + lacking + in_file + elsewhere, values, in_file_repeated + elsewhere_repeated
        )

    def _insert(self, relation: str, values: dict[str, str]) -> None:
        listed = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
        source, file = map(literal, self._origin)
        self._execute(
            f"insert into {self._table} by name "
            f"select {listed}, {source} as source_name, {file} as source_file from {relation}"
        )

    def _is_spoilt(self, added: str) -> bool:
        """Whether a required value is missing, or a value was given that could not be read."""
        columns = self.landing.columns
        lacking = " or ".join(
            f"{identifier(column.name)} is null" for column in columns if column.is_required
        )
        doubtful = [column for column in columns if column.may_be_unfit and not column.is_required]
        kept = ", ".join(["count(*)", *(f"count({identifier(column.name)})" for column in doubtful)])
        lacking_rows, *readable = (
            first_row(
                self.connection,
                f"select count(*) filter ({lacking}), {kept} from {added}",
            )
            or ()
        )
        if lacking_rows:
            return True
        if not doubtful:
            return False
        given = first_row(self.connection, given_counts(doubtful, self.file)) or ()
        return list(given) != readable[1:]

    def _leave_out_doubled(self, before: int, rejects: Rejects, *, is_copied: bool) -> tuple[int, int]:
        """Of rows of the file with one key leave the first; returns how many were kept aside, and repeated."""
        key = names(self.landing.natural_key)
        new = f"{self._table} where rowid > {before}"
        if not scalar(self.connection, f"select count(*) - count(distinct hash({key})) from {new}"):
            return 0, 0
        self._execute(
            f"create or replace temp table doubled as select {key} from {new} group by all having count(*) > 1"
        )
        order = f"row_number() over (partition by {key} order by known_at, rowid)"
        content = self._content()
        is_same = f"({content}) is not distinct from first_value(({content})) over (partition by {key} order by known_at, {{}})"
        # A column of the outer row, so that a rowid is of the table and not of what it was joined with.
        self._execute(
            f"create or replace temp table later as select place, is_same from ("
            f"select rowid as place, {order} as rank, {is_same.format('rowid')} as is_same from {self._table} "
            f"where rowid > {before} and ({key}) in (select ({key}) from doubled)) where rank > 1"
        )
        others = scalar(self.connection, "select count(*) from later where not is_same")
        if others:
            every = "mapped" if is_copied else f"({mapped_select(self.landing, self.file)})"
            rejects.keep_left_out(
                _LEFT_OUT,
                f"(select * from (select *, row_number() over (partition by {key} order by known_at, line) as rank, "
                f"{is_same.format('line')} as is_same from {every} where ({key}) in (select ({key}) from doubled)) "
                "where rank > 1 and not is_same)",
            )
        repeated = scalar(self.connection, "select count(*) from later where is_same")
        self._execute(f"delete from {self._table} where rowid in (select place from later)")
        return int(others), int(repeated)

    def _leave_out_known(self, before: int) -> tuple[int, int]:
        """Of a new row and one with its key that was there, leave the first; returns how many were kept aside, and repeated."""
        if before < 0:
            return 0, 0
        matched = " and ".join(
            f"arriving.{identifier(name)} = known.{identifier(name)}" for name in self.landing.natural_key
        )
        self._execute(
            "create or replace temp table met as select arriving.rowid as arriving_row, known.rowid as known_row "
            f"from {self._table} as arriving inner join {self._table} as known on {matched} "
            f"where arriving.rowid > {before} and known.rowid <= {before}"
        )
        if not scalar(self.connection, "select count(*) from met"):
            return 0, 0
        content = self._content()
        order = "(known_at, source_name, coalesce(source_file, ''))"
        if self.landing.landed_moments:
            order = "(true)"  # the one that is there was known earlier
        self._execute(
            "create or replace temp table lost as "
            f"with rows_met as (select rowid as place, ({content}) as content, {order} as sequence from {self._table} "
            "where rowid in (select arriving_row from met) or rowid in (select known_row from met)) "
            "select arriving.content is not distinct from known.content as is_same, "
            "if(arriving.sequence < known.sequence, met.known_row, met.arriving_row) as place "
            "from met inner join rows_met as arriving on arriving.place = met.arriving_row "
            "inner join rows_met as known on known.place = met.known_row"
        )
        fields = ", ".join(
            f"{literal(column.name)}: lost_row.{identifier(column.name)}" for column in self.landing.columns
        )
        others = scalar(
            self.connection,
            f"insert into {REJECTED} by name select lost_row.source_name, lost_row.source_file, "
            "coalesce(case when lost_row.source_name = $source and lost_row.source_file = $file then $digest end, "
            "(select arg_max(landed.content_hash, landed.as_of) from quality.landed_files as landed "
            "where landed.source_name = lost_row.source_name and landed.source_file = lost_row.source_file), '') as content_hash, "
            f"{literal(_LEFT_OUT)} as reason, cast(to_json({{{fields}}}) as varchar) as row "
            f"from {self._table} as lost_row where lost_row.rowid in (select place from lost where not is_same) order by row",
            {
                "source": self.landing.source,
                "file": self.landing.file_name,
                "digest": self.digest,
            },
        )
        repeated = scalar(self.connection, "select count(*) from lost where is_same")
        self._execute(f"delete from {self._table} where rowid in (select place from lost)")
        return int(others), int(repeated)

    def _content(self) -> str:
        """Names of the columns that make two rows of one key differ."""
        aside = {*self.landing.natural_key, "source_name", "source_file", *self.landing.landed_moments}
        return names(name for name in columns_of(self.connection, self._table) if name not in aside)

    @property
    def _table(self) -> str:
        return quote(self.landing.table)

    @property
    def _origin(self) -> list[str]:
        return [self.landing.source, self.landing.file_name]

    def _execute(self, statement: str, values: list[str] | None = None) -> None:
        self.connection.execute(statement, values)
