"""What of a file is refused: lines that are no rows, values that do not fit, rows without a key or a time.

Belongs here: telling the bad from the good and keeping it in raw.rejected_rows with its reason; refusing a file that
is bad as a whole. Does not belong here: landing what is good (landing.py).

All of it works on the temporary table `mapped` (see landing.py), within the transaction that lands the file. It holds
all rows of the file, or, where they were landed without a copy of them, those only that something is wrong with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.errors import SourceError
from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import first_row, scalar
from leadflow.warehouse.landing.files import FileScan, encoding_remedy
from leadflow.warehouse.landing.landing_plan import Landing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE = "raw.rejected_rows"


@dataclass(frozen=True)
class Rejects:
    """The rejects of one file of one source.

    Attributes:
        connection: connection within the transaction that lands the file.
        landing: the mapping.
        file: the file.
        digest: its content hash.
        rows: relation of all rows of the file, typed.
    """

    connection: DuckDBPyConnection
    landing: Landing
    file: FileScan
    digest: str
    rows: str = "mapped"

    def forget(self) -> None:
        """Drop what was kept of the same content before: its mapping has changed since.

        Of events one file of several with that content stands, the others are not looked at; of rows that change each.
        """
        of_file = (
            "" if self.landing.history is None else f" and source_file = {literal(self.landing.file_name)}"
        )
        self.connection.execute(
            f"delete from {TABLE} where source_name = ? and content_hash = ?{of_file}",
            [self.landing.source, self.digest],
        )

    def take_lines(self) -> int:
        """Keep the lines that are no rows, one reason each; returns their number.

        Raises:
            SourceError: they are too many.
        """
        self.connection.execute(
            "create or replace temp table bad_lines (rows_before bigint, is_kept boolean)"
        )
        if self.file.format == "parquet":
            return 0
        # DuckDB tells of a short or long line once for every field that lacks or is too many, counting on. Of a line
        # beyond its bound it names no column; arg_min would leave it out, and a null reason stands for a blank line.
        place = (
            "coalesce(if(error_type = 'TOO MANY COLUMNS', -1, 1) * cast(column_idx as bigint), -1000000000)"
        )
        unreadable = (
            "select line, case when count(*) = 1 then any_value(column_name) end as column_name, "
            f"arg_min(coalesce(error_message, lower(cast(error_type as varchar)), 'not readable'), {place}) as reason, "
            f"trim(any_value(csv_line), chr(13) || chr(10)) as row from {self.file.rejects} "
            f"where scan_id = (select max(scan_id) from {self.file.rejects}) group by line"
        )
        if self.file.not_rows:
            unreadable = (
                f"with unreadable as ({unreadable}), "
                "placed as (select *, line - row_number() over (order by line) as lines_before from unreadable) "
                "select line, null as column_name, reason, row from placed union all "
                "select place + (select count(*) from placed where lines_before < place), null, reason, not_rows.line "
                f"from ({self.file.not_rows}) as not_rows"
            )
        self.connection.execute(f"create or replace temp table unreadable as {unreadable}")
        self._keep("line, column_name, reason, row from unreadable where reason is not null order by line")
        self.connection.execute(
            f"insert into bad_lines select line - {self.file.header_lines} - row_number() over (order by line), "
            "reason is not null from unreadable"
        )
        self.connection.execute("drop table unreadable")
        bad = self._bad_lines()
        total = bad + self._total()
        if bad > self.landing.max_rejected_share * total:
            line, message = first_row(
                self.connection,
                f"select line, reason from {TABLE} where source_name = ? and content_hash = ? order by line limit 1",
                [self.landing.source, self.digest],
            ) or (0, "")
            raise SourceError(
                f"source '{self.landing.source}': {bad} of {total} lines of {self.file.path} cannot be read, "
                f"first line {line} ({str(message).rstrip('.')})",
                self._remedy(),
            )
        return bad

    def _remedy(self) -> str:
        """What helps against many lines that cannot be read."""
        is_encoding = scalar(
            self.connection,
            f"select count(*) > 0 from {self.file.rejects} where error_type = 'INVALID ENCODING'",
        )
        is_text = self.file.format in ("csv", "json")
        if is_encoding and is_text and (remedy := encoding_remedy(self.file.path)):
            return remedy
        if self.file.format == "json":
            return "write one JSON object a line, in UTF-8, or raise the source's max_rejected_share"
        return "check that the file is CSV in UTF-8, set the source's read_options, or raise its max_rejected_share"

    def _bad_lines(self) -> int:
        """Lines that are no rows; a blank one is nothing."""
        return int(scalar(self.connection, "select count(*) from bad_lines where is_kept"))

    def take_values(self) -> int:
        """Keep the values that do not fit and the reasons why rows are rejected; returns values set to null.

        Raises:
            SourceError: no value of a column fits, and more than one and more than the permitted share do not: its
                mapping is wrong.
        """
        if not self._count("true" if self.rows != "mapped" else "source_row is not null"):
            return 0
        rows = self._total()
        for column in self.landing.read_columns:
            unfit = f"list_contains(unreadable_columns, {literal(column.name)})"
            bad = self._count(unfit)
            good = self._good(column.name) if bad > 1 else 1
            if good == 0 and bad > max(1, self.landing.max_rejected_share * rows):
                line = scalar(
                    self.connection, f"select {self._line()} from mapped where {unfit} order by line limit 1"
                )
                value = scalar(  # the value alone: the rest of the row is nobody's business in a log
                    self.connection,
                    f"select cast({column.given} as varchar) as given from {self.file.relation} "
                    f"where ({column.value}) is null and nullif(trim(given), '') is not null limit 1",
                )
                raise SourceError(
                    f"{column.where} source '{self.landing.source}': no value of {self.file.path} for {column.name} is a "
                    f"{column.data_type}, for example '{value}' in line {line}",
                    "mend the mapping, or convert the value with an expression",
                )
        self._keep(
            f"{self._line()} as line, column_name, "
            "case when list_contains(absent_columns, column_name) then "
            "case when list_contains(unreadable_columns, column_name) then 'row rejected: the value is not readable' "
            "else 'row rejected: a required value is missing' end "
            "else 'row kept, value set to null: the value is not readable' end as reason, source_row as row "
            "from (select *, unnest(list_distinct(unreadable_columns || absent_columns)) as column_name from mapped "
            "where source_row is not null) order by line, column_name"
        )
        return int(
            scalar(
                self.connection,
                "select coalesce(sum(len(unreadable_columns)), 0) from mapped where len(absent_columns) = 0",
            )
        )

    def take_rows(self) -> int:
        """Drop the rows without a key or a time, whose reasons `take_values` kept; returns their number.

        Raises:
            SourceError: together with the lines that are no rows they are too many.
        """
        absent = "len(absent_columns) > 0"
        lines = self._bad_lines()
        rejected, total = self._count(absent), lines + self._total()
        if rejected and lines + rejected > self.landing.max_rejected_share * total:
            line, column = first_row(
                self.connection,
                f"select {self._line()}, absent_columns[1] from mapped where {absent} order by line limit 1",
            ) or (0, "")
            where = next(one.where for one in self.landing.columns if one.name == column)
            raise SourceError(
                f"{where} source '{self.landing.source}': {lines + rejected} of {total} rows of {self.file.path} would be "
                f"rejected, first line {line} (column {column})",
                "mend the file or the mapping, or raise the source's max_rejected_share",
            )
        self.connection.execute(f"delete from mapped where {absent}")
        return rejected

    def take_superseded(self) -> int:
        """Of rows with one key, known at one moment, keep the later; returns the number of others.

        Those known at other moments are versions of it, which landing keeps.
        """
        key = ", ".join(identifier(name) for name in (*self.landing.natural_key, "known_at"))
        doubled = scalar(self.connection, f"select count(*) - count(distinct hash({key})) from mapped")
        if doubled:
            newest = f"row_number() over (partition by {key} order by line desc) = 1"
            doubled = self.keep_left_out(
                "row superseded by a later row of the same file with the same key",
                f"mapped qualify not {newest}",
            )
            self.connection.execute(
                f"create or replace temp table mapped as select * from mapped qualify {newest} order by line"
            )
        return int(doubled)

    def keep_left_out(self, reason: str, rows: str) -> int:
        """Keep whole typed rows, with their line, that do not go into the table; returns their number.

        Args:
            reason: why they do not.
            rows: SQL of them after `from`, of the columns of `mapped`.
        """
        fields = ", ".join(
            f"{literal(column.name)}: {identifier(column.name)}" for column in self.landing.columns
        )
        return self._keep(
            f"{self._line()} as line, {literal(reason)} as reason, "
            f"cast(to_json({{{fields}}}) as varchar) as row from {rows} order by line"
        )

    def _keep(self, select: str) -> int:
        """Append rows of line, column_name, reason and row; returns their number."""
        return int(
            scalar(
                self.connection,
                f"insert into {TABLE} by name select ? as source_name, ? as source_file, ? as content_hash, {select}",
                [self.landing.source, self.landing.file_name, self.digest],
            )
        )

    def _line(self) -> str:
        """SQL of a row's line in the file; lines that could not be read are not in `mapped`, but they are in the file.

        As DuckDB counts lines: a line break within quotes begins no new one.
        """
        row = f"line - {self.file.header_lines}"
        return f"line + (select count(*) from bad_lines where rows_before < {row})"

    def _count(self, condition: str) -> int:
        return int(scalar(self.connection, f"select count(*) from mapped where {condition}"))

    def _total(self) -> int:
        return int(scalar(self.connection, f"select count(*) from {self.rows}"))

    def _good(self, column: str) -> int:
        return int(
            scalar(
                self.connection, f"select count(*) from {self.rows} where {identifier(column)} is not null"
            )
        )
