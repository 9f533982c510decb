"""The line on next to nothing: one source, no lead or one, no CRM."""

from pathlib import Path

import pytest
from homes import Home

SOURCES = """
version: 1
clock: newest_fact
sources:
  - name: forms
    table: mql
    path: forms.csv
    columns: {mql_id: id, email: mail, title: title}
    occurred_at: sent
"""
REASON = "no labelled examples: no lead is 90 days old yet, or none has an outcome"


@pytest.mark.parametrize(
    ("forms", "leads"),
    [("", 0), ("1,ann@example.com,CEO,2026-05-04 10:00\n", 1)],
    ids=["a file with nothing but its header", "one lead"],
)
def test_tables_are_made_all_the_same(tmp_path: Path, forms: str, leads: int) -> None:
    (tmp_path / "forms.csv").write_text("id,mail,title,sent\n" + forms, encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    home = Home(tmp_path / "home", tmp_path / "sources.yaml")
    assert home.make(as_of="2026-05-04 12:00").success
    assert (
        home.rows("select tier, rule_score, ml_probability from scoring.scored_leads")
        == [("COLD", 25.0, None)] * leads
    )
    assert home.rows("select status, status_reason from scoring.model_card") == [("rules_only", REASON)]
    figures = dict(
        home.rows("select metric, value from kpi.kpi_mart where segment = 'all' and period = 'all'")
    )
    assert (figures["leads"], figures["won_leads"], figures["lead_records"]) == (leads, 0, leads)
    assert figures["conversion_rate"] == (0.0 if leads else None)
    assert home.value("select sum(value) from kpi.lead_funnel") == 2 * leads


def test_without_a_moment_and_without_a_fact_the_refresh_says_what_to_do(tmp_path: Path) -> None:
    from dagster import DagsterExecutionStepExecutionError, Failure

    (tmp_path / "forms.csv").write_text("id,mail,title,sent\n", encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    with pytest.raises(
        (Failure, DagsterExecutionStepExecutionError), match=r"no source holds a fact.*give --as-of"
    ):
        Home(tmp_path / "home", tmp_path / "sources.yaml").make()


def test_a_newest_fact_that_stands_aside_is_still_the_moment_of_the_next_refresh(tmp_path: Path) -> None:
    deals = "".join(f"{number},won,2026-05-01\n" for number in range(30))
    (tmp_path / "deals.csv").write_text(f"id,outcome,at\n{deals}x,maybe,2026-05-04\n", encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(
        """
version: 1
clock: newest_fact
sources:
  - {name: deals, table: opportunities, path: deals.csv, columns: {opportunity_id: id, outcome: outcome}, occurred_at: at}
""",
        encoding="utf-8",
    )
    home = Home(tmp_path / "home", tmp_path / "sources.yaml")
    for _ in range(2):
        assert home.make().success
    assert home.value("select count(*) from quality.quarantined_rows") == 1
    assert home.rows("select count(*), min(as_of) = max(as_of) from raw.refreshes") == [(2, True)]
