"""A company's own extra columns: into raw.attributes, one value a row, following the rows they belong to.

Belongs here: keeping raw.attributes in step with a raw table. Does not belong here: what is declared as an attribute
(ingest/source_values.py).

An attribute that is known when it lands keeps the moment it was first known where it comes again with the value it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.quality.sql_text import identifier, literal
from leadflow.warehouse.connection import quote, scalar
from leadflow.warehouse.landing.landing_plan import Landing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE = "raw.attributes"


def merge_attributes(connection: DuckDBPyConnection, landing: Landing) -> None:
    """Bring the attributes of the rows that are in force from a file into raw.attributes.

    Args:
        connection: connection in the transaction that lands the file; `mapped` holds its rows.
        landing: the mapping.
    """
    raw_table = landing.table.removeprefix("raw.")
    has_some = scalar(connection, f"select exists (from {TABLE} where raw_table = {literal(raw_table)})")
    if not landing.attributes and not has_some:
        return
    connection.execute(f"create or replace temp table attributes_arriving as {_arriving(landing)}")
    if has_some:
        _forget_those_gone(connection, landing)
        connection.execute(
            "delete from attributes_arriving using "
            f"{TABLE} as present where present.raw_table = {literal(raw_table)} "
            "and present.record_id = attributes_arriving.record_id and present.attribute = attributes_arriving.attribute "
            "and present.value = attributes_arriving.value and present.value_type = attributes_arriving.value_type "
            f"and present.known_at <= attributes_arriving.known_at and attributes_arriving.known_at = {literal(landing.as_of)}"
        )
        connection.execute(
            f"delete from {TABLE} where raw_table = {literal(raw_table)} and (record_id, attribute) in "
            "(select (record_id, attribute) from attributes_arriving)"
        )
    connection.execute(
        f"insert into {TABLE} by name select * from attributes_arriving order by attribute, record_id"
    )
    connection.execute("drop table attributes_arriving")


def _arriving(landing: Landing) -> str:
    """Select statement of the attributes of rows that are in force from the file."""
    if not landing.attributes:
        return f"select * from {TABLE} limit 0"
    key = [identifier(column) for column in landing.natural_key]
    # A row that is known when it lands keeps its moment where it comes again.
    same_version = key if landing.landed_moments else [*key, "known_at"]
    # Of several versions of a row in the file the last is the one that may be in force.
    order = (
        "mapped.known_at, mapped.line"
        if landing.history is None
        else "mapped.known_at desc, mapped.line desc"
    )
    in_force = (
        f"(select mapped.* from mapped semi join (select * from {quote(landing.table)} "
        f"where source_name = {literal(landing.source)} and source_file = {literal(landing.file_name)}) as present "
        f"using ({', '.join(same_version)}) "
        f"qualify row_number() over (partition by {', '.join(f'mapped.{name}' for name in key)} order by {order}) = 1)"
    )
    selects = []
    for attribute in landing.attributes:
        value = f"row.{identifier(attribute.column.name)}"
        known_at = identifier("known_at" if attribute.known_at is None else attribute.known_at.name)
        selects.append(
            f"select {literal(landing.table.removeprefix('raw.'))} as raw_table, {_record_id(landing, 'row')} as record_id, "
            f"{literal(attribute.name)} as attribute, {literal(attribute.value_type)} as value_type, "
            f"cast({value} as varchar) as value, row.occurred_at, row.{known_at} as known_at, "
            f"{literal(landing.source)} as source_name from in_force as row where {value} is not null"
        )
    return f"with in_force as {in_force} " + " union all ".join(selects)


def _forget_those_gone(connection: DuckDBPyConnection, landing: Landing) -> None:
    """Delete attributes of rows that are gone, and of rows in force from the file those that it does not give."""
    table, raw_table = quote(landing.table), literal(landing.table.removeprefix("raw."))
    present = _record_id(landing, "present")
    same_version = (
        ""
        if landing.landed_moments
        else f"semi join {table} as present using ({', '.join(map(identifier, landing.natural_key))}, known_at)"
    )
    if landing.history is not None:
        connection.execute(
            f"delete from {TABLE} where raw_table = {raw_table} "
            f"and record_id not in (select {present} from {table} as present)"
        )
    connection.execute(
        f"delete from {TABLE} where raw_table = {raw_table} and record_id in (select {present} from {table} as present "
        f"where source_name = {literal(landing.source)} and source_file = {literal(landing.file_name)}) "
        f"and record_id in (select {_record_id(landing, 'mapped')} from mapped {same_version}) "
        "and (record_id, attribute) not in (select (record_id, attribute) from attributes_arriving)"
    )


def _record_id(landing: Landing, of: str) -> str:
    return " || '|' || ".join(f"cast({of}.{identifier(column)} as varchar)" for column in landing.natural_key)
