"""The kpi models: given rows, expected figures."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import pytest

from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings
from leadflow.warehouse.models.sql_models import SqlRoom, load_room

INPUTS = {
    "scoring.scored_leads": "lead_id varchar, created_at timestamp, channel varchar, tier varchar",
    "features.lead_features": "lead_id varchar, is_sql boolean",
    "features.lead_outcomes": "lead_id varchar, opportunity_count bigint, won_count bigint, won_contract_value double, won_currency varchar",
    "clean.lead_records": "record_key varchar",
    "clean.rejected_leads": "record_key varchar, rule varchar",
}
RULES = ("email_invalid", "blocklisted_ip")
COUNTS = ("leads", "sales_leads", "leads_with_opportunity", "won_leads")
RATES = ("sales_lead_rate", "opportunity_rate", "conversion_rate")


@pytest.fixture(scope="module")
def room() -> SqlRoom:
    folder = load_settings().sql_dir
    tables = load_contracts(folder).values()
    return load_room(
        folder, {(each.schema, each.name): each.full_name for each in tables if each.kind == "source"}
    )


def rows_of(
    room: SqlRoom, model: str, leads: Sequence[tuple[Any, ...]], *, records: int = 0, rejected: int = 0
) -> list[tuple[Any, ...]]:
    """The model's rows.

    Args:
        leads: lead_id, created, channel, tier, is_sql, and where it has opportunities: how many, how many of them
            won, value, currency.
        records, rejected: number of lead records, and of rejected ones.
    """
    given: dict[str, list[tuple[Any, ...]]] = {
        "scoring.scored_leads": [lead[:4] for lead in leads],
        "features.lead_features": [(lead[0], lead[4]) for lead in leads],
        "features.lead_outcomes": [(lead[0], *lead[5:9]) for lead in leads if len(lead) > 5],
        "clean.lead_records": [(f"r{number}",) for number in range(records)],
        "clean.rejected_leads": [(f"r{number}", RULES[number % 2]) for number in range(rejected)],
    }
    connection = duckdb.connect()
    for table, columns in INPUTS.items():
        connection.execute(f"create schema if not exists {table.split('.')[0]}")
        connection.execute(f"create table {table} ({columns})")
        if given[table]:
            places = ", ".join("?" for _ in given[table][0])
            connection.executemany(f"insert into {table} values ({places})", given[table])
    sql = room.render(room.models[model], {"as_of": "2026-05-20 10:00:00"}, is_incremental=False)
    return connection.execute(sql).fetchall()


def figures(
    rows: Sequence[tuple[Any, ...]], segment: str, period_start: date | None = None
) -> dict[str, Any]:
    """Values by metric of one segment, over all leads or in one month."""
    period = "all" if period_start is None else "month"
    return {
        row[0]: row[4]
        for row in rows
        if row[1] == period and row[3] == segment and period_start in (None, row[2])
    }


LEADS = [
    ("a", "2026-03-31 23:59:59", "email", "HOT", True, 2, 1, 100.5, "EUR"),
    ("b", "2026-04-01 00:00:00", "email", "COLD", True, 1, 0, None, None),
    ("c", "2026-04-30 12:00:00", None, "COLD", False),
    ("d", "2026-05-02 12:00:00", "ads", "WARM", False, 1, 1, 20.0, "USD"),
    ("e", "2026-05-03 12:00:00", "ads", "COLD", True, 1, 1, 30.25, "EUR"),
]


@pytest.mark.parametrize(
    ("segment", "month", "counts"),
    [
        ("all", None, (5, 3, 4, 3)),
        ("all", date(2026, 3, 1), (1, 1, 1, 1)),
        ("all", date(2026, 4, 1), (2, 1, 1, 0)),
        ("all", date(2026, 5, 1), (2, 1, 2, 2)),
        ("channel=email", None, (2, 2, 2, 1)),
        ("channel=ads", None, (2, 1, 2, 2)),
        ("channel=unknown", None, (1, 0, 0, 0)),
        ("tier=HOT", None, (1, 1, 1, 1)),
        ("tier=WARM", None, (1, 0, 1, 1)),
        ("tier=COLD", None, (3, 2, 2, 1)),
    ],
)
def test_leads_are_counted_by_month_of_creation_channel_and_tier(
    room: SqlRoom, segment: str, month: date | None, counts: tuple[int, ...]
) -> None:
    found = figures(rows_of(room, "kpi.kpi_mart", LEADS), segment, month)
    assert tuple(found[metric] for metric in COUNTS) == counts
    assert tuple(found[metric] for metric in RATES) == tuple(count / counts[0] for count in counts[1:])


def test_amounts_are_summed_within_a_currency_only(room: SqlRoom) -> None:
    rows = rows_of(room, "kpi.kpi_mart", LEADS)
    money = {(row[0], row[1], row[2], row[3]): row[4] for row in rows if "contract_value" in row[0]}
    first, may = date(2026, 3, 1), date(2026, 5, 1)
    assert money == {
        ("won_contract_value_eur", "all", first, "all"): 130.75,
        ("won_contract_value_usd", "all", first, "all"): 20.0,
        ("won_contract_value_eur", "month", first, "all"): 100.5,
        ("won_contract_value_eur", "month", may, "all"): 30.25,
        ("won_contract_value_usd", "month", may, "all"): 20.0,
        ("won_contract_value_eur", "all", first, "channel=email"): 100.5,
        ("won_contract_value_eur", "all", first, "channel=ads"): 30.25,
        ("won_contract_value_usd", "all", first, "channel=ads"): 20.0,
        ("won_contract_value_eur", "all", first, "tier=HOT"): 100.5,
        ("won_contract_value_usd", "all", first, "tier=WARM"): 20.0,
        ("won_contract_value_eur", "all", first, "tier=COLD"): 30.25,
    }


def test_amounts_without_a_currency_or_without_amounts(room: SqlRoom) -> None:
    leads = [
        ("a", "2026-03-01", "x", "HOT", True, 1, 1, 7.0, None),
        ("b", "2026-03-01", "x", "HOT", True, 1, 1, None, None),
    ]
    assert figures(rows_of(room, "kpi.kpi_mart", leads), "all")["won_contract_value"] == 7.0
    assert not [
        metric for metric in figures(rows_of(room, "kpi.kpi_mart", leads[1:]), "all") if "value" in metric
    ]


@pytest.mark.parametrize(("records", "rejected", "rate"), [(0, 0, None), (8, 0, 0.0), (8, 2, 0.25)])
def test_rejected_records(room: SqlRoom, records: int, rejected: int, rate: float | None) -> None:
    found = figures(rows_of(room, "kpi.kpi_mart", LEADS, records=records, rejected=rejected), "all")
    assert (found["lead_records"], found["rejected_records"], found["rejection_rate"]) == (
        records,
        rejected,
        rate,
    )


def test_rejected_records_are_counted_by_rule(room: SqlRoom) -> None:
    rows = rows_of(room, "kpi.kpi_mart", LEADS, records=10, rejected=5)
    assert {
        row[3]: (row[4], row[6])
        for row in rows
        if row[3].startswith("rule=") and row[0] == "rejected_records"
    } == {"rule=email_invalid": (3.0, None), "rule=blocklisted_ip": (2.0, None)}
    assert {
        row[3]: (row[4], row[6]) for row in rows if row[3].startswith("rule=") and row[0] == "rejection_rate"
    } == {
        "rule=email_invalid": (0.3, 10.0),
        "rule=blocklisted_ip": (0.2, 10.0),
    }


def test_no_leads_at_all(room: SqlRoom) -> None:
    """The figures are there, counts 0 and rates unknown, in the month of the refresh."""
    rows = rows_of(room, "kpi.kpi_mart", [])
    assert {row[1:4] for row in rows} == {("all", date(2026, 5, 1), "all")}
    assert all(row[5] is not None for row in rows)
    found = figures(rows, "all")
    assert {metric: found[metric] for metric in COUNTS} == dict.fromkeys(COUNTS, 0.0)
    assert {metric: found[metric] for metric in RATES} == dict.fromkeys(RATES)


def test_no_opportunities(room: SqlRoom) -> None:
    found = figures(rows_of(room, "kpi.kpi_mart", [lead[:5] for lead in LEADS]), "all")
    assert [found[metric] for metric in (*COUNTS, "conversion_rate")] == [5, 3, 0, 0, 0]


def test_keys_of_the_mart_are_unique_and_rates_are_shares(room: SqlRoom) -> None:
    rows = rows_of(room, "kpi.kpi_mart", LEADS, records=9, rejected=1)
    assert len({row[:4] for row in rows}) == len(rows)
    rates = [row for row in rows if row[0].endswith("_rate")]
    assert rates
    assert all(row[4] == row[5] / row[6] and 0 <= row[4] <= 1 for row in rates)


@pytest.mark.parametrize(
    ("leads", "records", "rejected", "expected"),
    [
        (LEADS, 9, 2, [9, 2, 5, 3, 4, 3]),
        ([lead[:5] for lead in LEADS], 5, 0, [5, 0, 5, 3, 0, 0]),
        ([], 0, 0, [0] * 6),
    ],
)
def test_funnel(
    room: SqlRoom, leads: list[tuple[Any, ...]], records: int, rejected: int, expected: list[int]
) -> None:
    rows = rows_of(room, "kpi.lead_funnel", leads, records=records, rejected=rejected)
    stages = [
        "lead_records",
        "rejected_records",
        "leads",
        "sales_leads",
        "leads_with_opportunity",
        "won_leads",
    ]
    assert rows == [
        (order, stage, value) for order, (stage, value) in enumerate(zip(stages, expected, strict=True), 1)
    ]
