"""What the cells of a column become, in DuckDB itself: dates in their zones, numbers, value maps, null values, keys."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadflow.ingest.source_values import NAMED_FORMATS, FromColumn, Numbers
from leadflow.ingest.value_sql import Reading, given_sql, key_sql, value_sql
from leadflow.quality.sql_text import literal
from leadflow.warehouse.connection import Warehouse

UNREADABLE = object()
"""Null, and told as a value that is not readable: the cell holds something."""


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    with Warehouse(Path(":memory:")).connect() as opened:
        yield opened


def read(connection: Any, cell: object, data_type: str, given_type: str | None, **reading: Any) -> object:
    """The value of one cell, UNREADABLE where landing would reject the value."""
    settings = Reading(**reading)
    kind = "VARCHAR" if given_type is None else given_type
    relation = f"(select cast({literal(cell)} as {kind}) as cell)"
    value = value_sql("cell", data_type, given_type, settings)
    given = given_sql("cell", given_type, settings)
    found, there = connection.execute(
        f"select {value}, nullif(trim(cast({given} as varchar)), '') is not null from {relation}"
    ).fetchall()[0]
    return UNREADABLE if found is None and there else found


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-06-30", "2026-06-30"),
        ("2026-06-30 18:05:06", "2026-06-30 18:05:06"),
        ("2026-06-30T18:05:06+02:00", "2026-06-30 16:05:06"),
        ("2026-06-30T18:05:06Z", "2026-06-30 18:05:06"),
        ("2026-06-30 18:05 Asia/Shanghai", "2026-06-30 10:05"),
        ("  2026-06-30  ", "2026-06-30"),
        ("", None),
        (None, None),
        ("0000-00-00", UNREADABLE),
        ("0000-00-00 00:00:00", UNREADABLE),
        ("20226-01-02", UNREADABLE),
        ("1899-12-31", UNREADABLE),
        ("2200-01-02", UNREADABLE),
        ("2026-02-31", UNREADABLE),
        ("31/01/2026", UNREADABLE),
        ("31/02/2026", UNREADABLE),
        ("01/02/26", UNREADABLE),
        ("45123", UNREADABLE),
        ("1719741600", UNREADABLE),
        ("infinity", UNREADABLE),
        ("epoch", UNREADABLE),
        ("soon", UNREADABLE),
    ],
)
def test_moments_as_iso(connection: Any, cell: str | None, expected: Any) -> None:
    wanted = moment(expected) if isinstance(expected, str) else expected
    assert read(connection, cell, "timestamp", "VARCHAR") == wanted
    assert read(connection, cell, "timestamp", "VARCHAR", formats=("%d/%m/%y", "iso")) in (
        wanted,
        _both(cell),
    )


def _both(cell: str | None) -> object:
    return moment("2026-02-01") if cell == "01/02/26" else UNREADABLE


@pytest.mark.parametrize(
    ("cell", "formats", "expected"),
    [
        ("31/01/2026", ("%d/%m/%Y",), "2026-01-31"),
        ("1/2/2026", ("%d/%m/%Y",), "2026-02-01"),
        ("1/2/2026", ("%m/%d/%Y",), "2026-01-02"),
        ("31/02/2026", ("%d/%m/%Y",), UNREADABLE),
        ("31/01/20226", ("%d/%m/%Y",), UNREADABLE),
        ("31/01/26", ("%d/%m/%Y",), UNREADABLE),
        ("31/01/26", ("%d/%m/%Y", "%d/%m/%y"), "2026-01-31"),
        ("00/00/0000", ("%d/%m/%Y",), UNREADABLE),
        ("2026-01-31", ("%d/%m/%Y",), UNREADABLE),
        ("2026-01-31", ("%d/%m/%Y", "iso"), "2026-01-31"),
        ("31/01/2026 10:00", ("%d/%m/%Y", "%d/%m/%Y %H:%M"), "2026-01-31 10:00"),
        ("31/01/2026 10:00 PM", ("%d/%m/%Y %I:%M %p",), "2026-01-31 22:00"),
        ("31/01/2026 10:00 +0200", ("%d/%m/%Y", "%d/%m/%Y %H:%M %z"), "2026-01-31 08:00"),
        ("31/01/2026 10:00 Asia/Shanghai", ("%d/%m/%Y %H:%M %Z",), "2026-01-31 02:00"),
        ("2026年1月31日", ("%Y年%m月%d日",), "2026-01-31"),
        ("45000", ("excel",), "2023-03-15"),
        ("45000.75", ("excel",), "2023-03-15 18:00"),
        ("45000.999988425926", ("excel",), "2023-03-15 23:59:59"),
        ("0", ("excel",), UNREADABLE),
        ("20260131", ("excel",), UNREADABLE),
        ("20260131", ("%Y%m%d",), "2026-01-31"),
        ("1769853600", ("epoch_seconds",), "2026-01-31 10:00"),
        ("1769853600.5", ("epoch_seconds",), "2026-01-31 10:00:00.500000"),
        ("1769853600000", ("epoch_milliseconds",), "2026-01-31 10:00"),
        ("1769853600000", ("epoch_seconds",), UNREADABLE),
        ("9" * 30, ("epoch_seconds",), UNREADABLE),
        ("nan", ("epoch_seconds", "excel"), UNREADABLE),
        ("x", NAMED_FORMATS, UNREADABLE),
        ("infinity", ("%d/%m/%Y", *NAMED_FORMATS), UNREADABLE),
        ("epoch", ("%d/%m/%Y", *NAMED_FORMATS), UNREADABLE),
        ("", NAMED_FORMATS, None),
    ],
)
def test_moments_by_format(connection: Any, cell: str, formats: tuple[str, ...], expected: Any) -> None:
    wanted = moment(expected) if isinstance(expected, str) else expected
    assert read(connection, cell, "timestamp", "VARCHAR", formats=formats) == wanted


@pytest.mark.parametrize(
    ("zone", "cell", "given_type", "formats", "expected"),
    [
        ("Asia/Shanghai", "2026-01-31 10:00", "VARCHAR", (), "2026-01-31 02:00"),
        ("Asia/Shanghai", "2026-01-31", "VARCHAR", (), "2026-01-30 16:00"),
        ("Asia/Shanghai", "2026-01-31 10:00+00", "VARCHAR", (), "2026-01-31 10:00"),
        ("Asia/Shanghai", "2026-01-31T10:00:00Z", "VARCHAR", (), "2026-01-31 10:00"),
        ("Asia/Shanghai", "2026-01-31T10:00:00.25-05:00", "VARCHAR", (), "2026-01-31 15:00:00.250000"),
        ("Asia/Shanghai", "2026-01-31 10:00:00 Europe/Berlin", "VARCHAR", (), "2026-01-31 09:00"),
        ("Asia/Shanghai", "2026-01-31 10:00:00 UTC", "VARCHAR", (), "2026-01-31 10:00"),
        ("Asia/Shanghai", "31/01/2026 10:00", "VARCHAR", ("%d/%m/%Y %H:%M",), "2026-01-31 02:00"),
        ("Asia/Shanghai", "31/01/2026 10:00 +0000", "VARCHAR", ("%d/%m/%Y %H:%M %z",), "2026-01-31 10:00"),
        ("Asia/Shanghai", "45000.75", "VARCHAR", ("excel",), "2023-03-15 10:00"),
        ("Asia/Shanghai", "1769853600", "VARCHAR", ("epoch_seconds",), "2026-01-31 10:00"),
        ("Asia/Shanghai", "2026-01-31 10:00", "TIMESTAMP", ("%d/%m/%Y",), "2026-01-31 02:00"),
        ("Asia/Shanghai", "2026-01-31", "DATE", (), "2026-01-30 16:00"),
        ("Asia/Shanghai", "2026-01-31 10:00+00", "TIMESTAMP WITH TIME ZONE", (), "2026-01-31 10:00"),
        ("Asia/Shanghai", "2026-01-31 10:00", None, ("%d/%m/%Y",), UNREADABLE),
        # The hour that the clock shows twice, the second; the hour that it leaps over, as if it had not yet.
        ("Europe/Berlin", "2026-10-25 02:30", "VARCHAR", (), "2026-10-25 01:30"),
        ("Europe/Berlin", "2026-03-29 02:30", "VARCHAR", (), "2026-03-29 01:30"),
        ("America/New_York", "2026-11-01 01:30", "VARCHAR", (), "2026-11-01 06:30"),
        ("America/New_York", "2026-03-08 02:30", "VARCHAR", (), "2026-03-08 07:30"),
        ("Europe/Berlin", "2026-10-25 02:30+02:00", "VARCHAR", (), "2026-10-25 00:30"),
        ("Europe/Berlin", "20226-01-01 00:00", "VARCHAR", (), UNREADABLE),
        ("Europe/Berlin", "0000-00-00", "VARCHAR", (), UNREADABLE),
        ("Europe/Berlin", "epoch", "VARCHAR", (), UNREADABLE),
        ("Europe/Berlin", "", "VARCHAR", (), None),
    ],
)
def test_moments_without_an_offset_are_of_the_zone(
    connection: Any, zone: str, cell: str, given_type: str | None, formats: tuple[str, ...], expected: Any
) -> None:
    wanted = moment(expected) if isinstance(expected, str) else expected
    found = read(connection, cell, "timestamp", given_type, time_zone=zone, formats=formats)
    assert found == wanted


def test_an_expression_may_make_moments_by_itself(connection: Any) -> None:
    reading = Reading(formats=("%d/%m/%Y",), time_zone="Asia/Shanghai", is_computed=True)
    for cell, expected in (
        ("'31/01/2026'", "2026-01-30 16:00"),
        ("timestamp '2026-01-31 10:00'", "2026-01-31 02:00"),
        ("timestamptz '2026-01-31 10:00+00'", "2026-01-31 10:00"),
        ("date '2026-01-31'", "2026-01-30 16:00"),
    ):
        sql = value_sql(f"({cell})", "timestamp", None, reading)
        assert connection.execute(f"select {sql}").fetchall() == [(moment(expected),)], cell


GERMAN = Numbers(decimal=",", thousands=".")
ENGLISH = Numbers(thousands=",")


@pytest.mark.parametrize(
    ("cell", "numbers", "expected"),
    [
        ("1234.5", None, 1234.5),
        ("-1e3", None, -1000.0),
        ("1.234,50", None, UNREADABLE),
        ("1,234", None, UNREADABLE),
        ("(1,234)", None, UNREADABLE),
        ("CNY 1,200", None, UNREADABLE),
        ("12%", None, UNREADABLE),
        ("nan", None, UNREADABLE),
        ("inf", None, UNREADABLE),
        ("about 500", None, UNREADABLE),
        ("1.234,50", GERMAN, 1234.5),
        ("1234,5", GERMAN, 1234.5),
        ("1.234.567", GERMAN, 1234567.0),
        ("-0,5", GERMAN, -0.5),
        ("1,234.50", GERMAN, UNREADABLE),
        ("12.34", GERMAN, UNREADABLE),
        ("1,234.50", ENGLISH, 1234.5),
        ("1,234", ENGLISH, 1234.0),
        ("12,34,567", ENGLISH, 1234567.0),
        ("1,23", ENGLISH, UNREADABLE),
        ("(1,234)", ENGLISH, -1234.0),
        ("(1,234", ENGLISH, UNREADABLE),
        ("−5", ENGLISH, -5.0),
        ("+5.", ENGLISH, 5.0),
        (".5", ENGLISH, 0.5),
        ("-", ENGLISH, UNREADABLE),
        ("CNY 1,200", ENGLISH, UNREADABLE),
        ("CNY 1,200", Numbers(thousands=",", affixes=("CNY", "$")), 1200.0),
        ("-$1,200.75", Numbers(thousands=",", affixes=("$",)), -1200.75),
        ("$ (1,200)", Numbers(thousands=",", affixes=("$",)), -1200.0),
        ("€ 5", Numbers(affixes=("$",)), UNREADABLE),
        ("12%", Numbers(affixes=("%",)), 12.0),
        ("$", Numbers(affixes=("$",)), UNREADABLE),
        ("Rs. 1,00,000", Numbers(thousands=",", affixes=("Rs.",)), 100000.0),
        ("1 234 567,8", Numbers(decimal=",", thousands=" "), 1234567.8),
        ("1\u202f234,5", Numbers(decimal=",", thousands=" "), 1234.5),
        ("1'234.5", Numbers(thousands="'"), 1234.5),
        ("1’234.5", Numbers(thousands="'"), 1234.5),
        ("", GERMAN, None),
    ],
)
def test_numbers(connection: Any, cell: str, numbers: Numbers | None, expected: object) -> None:
    assert read(connection, cell, "double", "VARCHAR", numbers=numbers) == expected


@pytest.mark.parametrize(
    ("cell", "data_type", "given_type", "expected"),
    [
        ("1,234", "integer", "VARCHAR", 1234),
        ("12,345,678,901", "integer", "VARCHAR", UNREADABLE),
        ("12,345,678,901", "bigint", "VARCHAR", 12345678901),
        (1234, "double", "BIGINT", 1234.0),
        (1234.5, "double", "DOUBLE", 1234.5),
        ("nan", "double", "DOUBLE", None),  # how some writers of Parquet put a number that is not there
        ("inf", "double", "DOUBLE", UNREADABLE),
        ("1,234", "varchar", "VARCHAR", "1,234"),
    ],
)
def test_numbers_of_other_types(
    connection: Any, cell: object, data_type: str, given_type: str, expected: object
) -> None:
    assert read(connection, cell, data_type, given_type, numbers=ENGLISH) == expected


@pytest.mark.parametrize(
    ("cell", "data_type", "settings", "expected"),
    [
        ("Select", "varchar", {"null_values": ("Select", "N/A")}, None),
        (" select ", "varchar", {"null_values": ("Select",)}, None),
        ("n/a", "double", {"null_values": ("Select", "N/A")}, None),
        ("Selected", "varchar", {"null_values": ("Select",)}, "Selected"),
        ("select", "varchar", {}, "select"),
        ("-", "timestamp", {"null_values": ("-",)}, None),
        ("-", "timestamp", {}, UNREADABLE),
        ("ÄRA", "varchar", {"null_values": ("ära",)}, None),
        ("it's", "varchar", {"null_values": ("It's",)}, None),
        ("暂无", "varchar", {"null_values": ("暂无",)}, None),
        ("Closed Won", "varchar", {"values": {"closed won": "won", "Closed Lost": "lost"}}, "won"),
        (" closed LOST ", "varchar", {"values": {"closed won": "won", "Closed Lost": "lost"}}, "lost"),
        ("Open", "varchar", {"values": {"closed won": "won"}}, "Open"),
        ("Open", "varchar", {"values": {"closed won": "won"}, "other": "reject"}, UNREADABLE),
        ("", "varchar", {"values": {"closed won": "won"}, "other": "reject"}, None),
        ("Open", "varchar", {"values": {"closed won": "won"}, "other": "null"}, None),
        ("Closed Won", "varchar", {"values": {"closed won": "won"}, "other": "null"}, "won"),
        ("Closed Won", "integer", {"values": {"closed won": "won"}, "other": "null"}, UNREADABLE),
        ("Select", "varchar", {"values": {"Select": None, "a": "b"}}, None),
        ("Select", "varchar", {"values": {"Select": None}, "other": "reject"}, None),
        ("Select", "varchar", {"values": {"a": "b"}, "null_values": ("select",)}, None),
        ("a", "varchar", {"values": {"a": "b"}, "null_values": ("a",)}, None),
        ("a", "varchar", {"values": {"a": "b"}, "null_values": ("b",)}, "b"),
        ("ja", "boolean", {"values": {"Ja": True, "Nein": False}}, True),
        ("nein", "boolean", {"values": {"Ja": True, "Nein": False}}, False),
        ("是", "boolean", {"values": {"是": True, "否": False}}, True),
        ("yes", "boolean", {"values": {"是": True, "否": False}}, True),
        ("vielleicht", "boolean", {"values": {"Ja": True}}, UNREADABLE),
        ("ten", "integer", {"values": {"ten": 10}}, 10),
        ("11", "integer", {"values": {"ten": 10}}, 11),
        ("ten", "integer", {"values": {"ten": "many"}}, UNREADABLE),
        ("never", "timestamp", {"values": {"never": None}}, None),
        ("founding", "timestamp", {"values": {"founding": "2001-02-03"}}, dt.datetime(2001, 2, 3)),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_null_values_and_value_maps(
    connection: Any, cell: str, data_type: str, settings: dict[str, Any], expected: object
) -> None:
    assert read(connection, cell, data_type, "VARCHAR", **settings) == expected


@pytest.mark.parametrize(
    ("cell", "given_type", "expected"),
    [(-1, "BIGINT", None), (1, "BIGINT", 1.0), (-1, "DOUBLE", -1.0), (99, "DECIMAL(9,2)", 99.0)],
)
def test_null_values_of_typed_numbers(
    connection: Any, cell: object, given_type: str, expected: object
) -> None:
    assert read(connection, cell, "double", given_type, null_values=("-1", "n/a")) == expected


def test_what_a_column_says_goes_before_what_its_source_says() -> None:
    source = Reading(
        formats=("%Y",), time_zone="Asia/Shanghai", null_values=("-",), numbers=GERMAN, values={}
    )
    assert source.with_own(FromColumn(column="a")) == source
    own = FromColumn.model_validate(
        {"column": "a", "format": "iso", "time_zone": "UTC", "null_values": [], "numbers": {"thousands": ","}}
    )
    assert source.with_own(own) == Reading(
        formats=("iso",), time_zone="UTC", null_values=(), numbers=ENGLISH, values={}
    )


def test_keys_of_several_columns(connection: Any) -> None:
    cells = [
        ("a", "b"), (" a ", "b"), ("a|b", None), ("a", None), (None, "a"), ("", "a"), ('a","b', None),
        (None, None), (" ", ""),
    ]  # fmt: skip
    rows = ", ".join(f"({literal(one)}, {literal(two)})" for one, two in cells)
    found = connection.execute(f"select {key_sql(['c1', 'c2'])} from (values {rows}) as t(c1, c2)").fetchall()
    keys = [row[0] for row in found]
    assert keys[0] == hashlib.md5(b'["a","b"]').hexdigest()
    assert keys[1] == keys[0]
    assert keys[4] == keys[5]
    assert len({keys[place] for place in (0, 2, 3, 4, 6)}) == 5
    assert keys[7:] == [None, None]
