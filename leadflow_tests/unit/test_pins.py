"""Pins: what a person may decide, what it means for clusters, and undoing events."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.identity.decisions import pin_event, undoing, withdrawable
from leadflow.identity.identity_log import LOG_COLUMNS
from leadflow.identity.pins import (
    PIN_COLUMNS,
    Named,
    active,
    apart_sides,
    leads_of,
    new_pin,
    pin_edges,
    pinned_records,
    records_named,
    withdrawn,
)

START = datetime(2026, 1, 1)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
TIME = pl.Datetime("us")
MAP = pl.DataFrame(
    [("mql:1", "L1", None), ("mql:2", "L1", None), ("mql:3", "L3", None), ("mql:3", "L9", START)],
    schema={"record_key": pl.String, "lead_id": pl.String, "known_to": TIME},
    orient="row",
)
REDIRECTS = pl.DataFrame({"former_lead_id": ["L2", "L8"], "lead_id": ["L1", "L7"]})
EMAILS = pl.DataFrame(
    {
        "record_key": ["mql:1", "mql:2", "mql:3", "mql:4"],
        "email": ["ann@a.com", None, "bob@b.com", "bob@b.com"],
    }
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def pins_of(*pins: tuple[str, str, str]) -> pl.DataFrame:
    """('together', 'ab', 'c'), one after the other."""
    made = pl.DataFrame(schema=PIN_COLUMNS)
    for number, (kind, one, other) in enumerate(pins):
        made = pl.concat([made, pin_of(made, kind, one, other, made_at=day(number))])
    return made


def pin_of(pins: pl.DataFrame, kind: str, one: str, other: str, *, made_at: datetime = START) -> pl.DataFrame:
    return new_pin(
        pins, kind, Named(one, tuple(one)), Named(other, tuple(other)), made_at=made_at, reason="seen"
    )


def log_of(*events: tuple[str, str, str, str, str, str, str | None]) -> pl.DataFrame:
    """(event_id, event, lead_id, other_lead_id, records, stayed, pin_id)."""
    rows = [
        (number, event, START, lead, other, list(keys), [None] * len(keys), list(stayed), pin_id, None)
        for number, event, lead, other, keys, stayed, pin_id in events
    ]
    return pl.DataFrame(rows, schema=LOG_COLUMNS, orient="row")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mql:2", Named("mql:2", ("mql:2",))),
        ("L1", Named("L1", ("mql:1", "mql:2"))),
        (" L3 ", Named("L3", ("mql:3",))),
        ("L2", Named("L1 (formerly L2)", ("mql:1", "mql:2"))),
        ("Bob@b.com", Named("Bob@b.com", ("mql:3",))),
    ],
)
def test_what_a_person_may_name(name: str, expected: Named) -> None:
    assert records_named(name, MAP, REDIRECTS, EMAILS) == expected


@pytest.mark.parametrize("name", ["L9", "L8", "mql:4", "ann", "", "zoe@z.com"])
def test_what_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(LeadflowError, match=f"no lead, lead record or e-mail address '{name}' is known"):
        records_named(name, MAP, REDIRECTS, EMAILS)


@pytest.mark.parametrize(
    ("before", "kind", "one", "other", "words"),
    [
        ((), "together", "ab", "ab", "ab and ab are the same lead"),
        ((), "apart", "ab", "b", "ab and b are the same lead"),
        ((("together", "a", "b"),), "together", "b", "a", "P1 pins b and a together already"),
        ((("together", "a", "b"),), "apart", "a", "b", "contradicts P1"),
        ((("apart", "a", "b"),), "together", "a", "b", "contradicts P1"),
        ((("apart", "ab", "cd"),), "together", "b", "c", "contradicts P1"),
        ((("together", "a", "b"), ("together", "b", "c")), "apart", "a", "c", "contradicts P1 and P2"),
        ((("together", "a", "b"), ("apart", "a", "c")), "together", "b", "c", "contradicts P1 and P2"),
    ],
)
def test_pins_that_cannot_be_made(
    before: tuple[tuple[str, str, str], ...], kind: str, one: str, other: str, words: str
) -> None:
    with pytest.raises(LeadflowError, match=words):
        pin_of(pins_of(*before), kind, one, other)


def test_what_is_withdrawn_contradicts_nothing_more() -> None:
    made = pins_of(("apart", "a", "b"))
    gone = withdrawn(made, "P1", day(2))
    assert pin_of(gone, "together", "a", "b")["pin_id"].to_list() == ["P2"]
    assert active(gone).height == 0
    with pytest.raises(LeadflowError, match="P1 was withdrawn at 2026-01-03 00:00:00 UTC already"):
        withdrawn(gone, "P1", day(3))
    with pytest.raises(LeadflowError, match=r"there is no pin 'P7' \(?.*|there is no pin 'P7'"):
        withdrawn(gone, "P7", day(3))


def test_a_pin_together_is_a_pair_of_the_earliest_records_that_are_there() -> None:
    pins = pins_of(("together", "xb", "a"), ("together", "c", "x"), ("apart", "d", "e"))
    records = pl.DataFrame(
        {"record_key": list("abc"), "known_at": [day(5), day(0), day(0)]},
        schema={"record_key": pl.String, "known_at": TIME},
    )
    assert pin_edges(pins, records).rows() == [("a", "b", 1.0, "pin", day(5))]
    late = pins.with_columns(made_at=pl.lit(day(9), dtype=TIME))
    assert pin_edges(late, records)["known_from"].to_list() == [day(9)]
    assert pin_edges(pins.filter(pl.col("kind") == "apart"), records).height == 0
    assert pinned_records(pins).to_list() == list("abcdex")


def test_a_pin_apart_has_two_sides() -> None:
    pins = pins_of(("apart", "ab", "c"), ("apart", "a", "d"), ("together", "c", "e"))
    told = apart_sides(pd := pl.concat([pins[:1], withdrawn(pins, "P2", START), pins[2:]]))
    assert told.rows() == [("P1", "a", 1), ("P1", "b", 1), ("P1", "c", 2)]
    assert pinned_records(pd).to_list() == list("abcde")
    assert apart_sides(pins.clear()).height == pin_edges(pins.clear(), EMAILS.head(0).with_columns(known_at=pl.lit(START))).height == 0  # fmt: skip


LOG = log_of(
    ("E1", "merged", "L1", "L3", "cd", "ab", None),
    ("E2", "split", "L4", "L1", "d", "abc", None),
    ("E3", "moved", "L4", "L1", "c", "", None),
    ("E4", "pinned", "L1", "L3", "a", "c", "P1"),
    ("E5", "unpinned", "L1", "L3", "a", "c", "P1"),
)


@pytest.mark.parametrize(
    ("event", "kind", "sides"), [("E1", "apart", ("cd", "ab")), ("E2", "together", ("d", "abc"))]
)
def test_undoing_is_a_pin_between_the_records_of_that_time(
    event: str, kind: str, sides: tuple[str, str]
) -> None:
    assert withdrawable(LOG, event) is None
    made = undoing(LOG, event, pins_of(), made_at=day(4))
    row = made.row(0, named=True)
    assert (row["kind"], row["undone_event_id"], row["made_at"]) == (kind, event, day(4))
    assert ("".join(row["record_keys_1"]), "".join(row["record_keys_2"])) == sides
    with pytest.raises(LeadflowError, match=f"{event} is undone by P1 already"):
        undoing(LOG, event, made, made_at=day(5))


def test_what_cannot_be_undone() -> None:
    with pytest.raises(LeadflowError, match="there is no event 'E9'"):
        undoing(LOG, "E9", pins_of(), made_at=START)
    with pytest.raises(LeadflowError, match="E3 left no records on one side"):
        undoing(LOG, "E3", pins_of(), made_at=START)
    with pytest.raises(LeadflowError, match="contradicts P1"):
        undoing(LOG, "E1", pins_of(("together", "a", "c")), made_at=START)
    with pytest.raises(LeadflowError, match="E5 withdrew P1"):
        withdrawable(LOG, "E5")
    assert withdrawable(LOG, "E4") == "P1"


def test_a_pin_is_told_in_the_log() -> None:
    pin = new_pin(pins_of(), "apart", Named("L1", ("mql:1",)), Named("x", ("x",)), made_at=START)
    row = pin_event(pin, "pinned", MAP, at=day(1), cause="twins").row(0, named=True)
    assert (row["lead_id"], row["other_lead_id"], row["pin_id"], row["cause"]) == ("L1", None, "P1", "twins")
    assert row["event_id"] != pin_event(pin, "unpinned", MAP, at=day(1), cause=None)["event_id"][0]
    assert leads_of(["mql:1", "mql:3", "x"], MAP) == ["L1", "L3"]
