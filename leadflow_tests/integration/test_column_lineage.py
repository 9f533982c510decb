"""Where the project's own columns come from, worked out by hand from its SQL; and what Dagster is told of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from leadflow.definitions import build_room
from leadflow.policy import Policy
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.settings import load_settings
from leadflow.warehouse.models.column_lineage import Lineage, Origin, find_lineage, table_lineage
from leadflow.warehouse.models.sql_models import SqlRoom
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import lineage_metadata


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return load_contracts(load_settings().sql_dir)


@pytest.fixture(scope="module")
def room(contracts: Contracts, tmp_path_factory: pytest.TempPathFactory) -> SqlRoom:
    return build_room(load_settings(home=tmp_path_factory.mktemp("lineage")), contracts)


@pytest.fixture(scope="module")
def lineage(room: SqlRoom, contracts: Contracts) -> Lineage:
    return find_lineage(room, contracts)


_NEWEST = ("clean.clean_leads.known_at", "clean.clean_leads.occurred_at", "clean.clean_leads.record_key")
_COUNTED = (
    "features.lead_activity_daily.events",
    "features.lead_activity_daily.kinds",
    "features.lead_events.kinds",
)
_DAY = ("features.lead_activity_daily.event_date", "features.lead_events.occurred_at")


@pytest.mark.parametrize(
    ("column", "columns", "tables", "is_unchanged"),
    [
        # a view that trims
        ("staging.stg_mql.mql_id", ["raw.mql.mql_id", "raw.mql_history.mql_id"], [], True),
        ("staging.stg_mql.channel", ["raw.mql.channel", "raw.mql_history.channel"], [], False),
        # stars and a union by name over CTEs
        ("clean.lead_records.email", ["staging.stg_mql.email", "staging.stg_sql_leads.email"], [], True),
        ("clean.lead_records.campaign", ["staging.stg_mql.campaign"], [], True),
        ("clean.lead_records.known_at", [f"staging.{table}.{name}" for table in ("stg_mql", "stg_sql_leads") for name in ("known_at", "occurred_at")], [], False),
        # a union by name whose parts have columns of their own
        ("features.lead_events.kinds", [*(f"clean.clean_web_events.{name}" for name in ("content_kind", "event_type", "page_url")), "staging.stg_email_events.event_type", "staging.stg_product_usage.is_trial", "staging.stg_sales_activities.activity_type"], [], False),
        ("features.lead_events.minutes", ["staging.stg_product_usage.usage_minutes"], [], False),
        ("features.lead_activity_daily.last_event_at", ["features.lead_events.kinds", "features.lead_events.occurred_at"], [], False),
        # filters inside of aggregates
        ("features.lead_outcomes.first_won_at", ["staging.stg_opportunities.closed_at", "staging.stg_opportunities.occurred_at", "staging.stg_opportunities.outcome"], [], False),
        ("features.lead_outcomes.opportunity_count", [], ["identity.identity_map", "staging.stg_opportunities"], False),
        # through the macro features(spine)
        ("features.lead_features.lead_id", ["identity.leads.lead_id"], [], True),
        ("features.lead_features.title", [*_NEWEST, "clean.clean_leads.title"], [], False),
        ("features.lead_features.has_email", ["clean.clean_leads.email"], [], False),
        ("features.lead_features.company_size", ["enrich.firmographic_facts.field", "enrich.firmographic_facts.value"], [], False),
        ("features.lead_features.page_views_7d", [*_DAY, *_COUNTED], [], False),
        ("features.lead_features.email_replies_ever", [*_COUNTED], [], False),
        ("features.lead_features.attributes", [*_NEWEST, "staging.stg_attributes.attribute", "staging.stg_attributes.value"], [], False),
        # the same macro over another spine, which is the moment of the lead's becoming known
        ("features.training_examples.page_views_7d", [*_DAY, *_COUNTED, "identity.leads.known_from"], [], False),
        ("features.training_examples.label", ["features.lead_outcomes.first_won_at", "identity.leads.known_from"], [], False),
        # unions of parts that name their columns once; counted rows; * exclude
        ("kpi.lead_funnel.value", ["features.lead_features.is_sql", "features.lead_outcomes.opportunity_count", "features.lead_outcomes.won_count"],
         ["clean.lead_records", "clean.rejected_leads", "features.lead_features", "features.lead_outcomes"], False),
        ("kpi.kpi_mart.metric", ["features.lead_outcomes.won_currency"], [], False),
        ("kpi.kpi_mart.period_start", ["scoring.scored_leads.created_at"], [], False),
        ("kpi.kpi_mart.segment", ["clean.rejected_leads.rule", "scoring.scored_leads.channel", "scoring.scored_leads.tier"], [], False),
        ("kpi.kpi_mart.denominator", ["scoring.scored_leads.lead_id"], ["clean.lead_records"], False),
        # from the contracts of Python-made tables
        ("clean.clean_leads.email_domain", ["clean.lead_records.email"], [], False),
        ("clean.rejected_leads.row", [], ["clean.lead_records"], False),
        ("publish.data_quality.message", ["quality.results.message"], [], False),
    ],
)  # fmt: skip
def test_a_column_of_the_project_comes_from(
    lineage: Lineage, column: str, columns: list[str], tables: list[str], is_unchanged: bool
) -> None:
    table, _, name = column.rpartition(".")

    assert lineage.origins[table][name] == Origin(tuple(sorted(columns)), tuple(sorted(tables)), is_unchanged)


def test_what_is_said_of_points_is_what_the_default_rules_look_at(lineage: Lineage) -> None:
    for group in ("static", "dynamic", "contact"):
        features = {rule.when.feature for rule in Policy().rules if rule.group == group}
        said = lineage.origins["scoring.rule_scores"][f"{group}_points"].columns
        assert set(said) == {f"features.lead_features.{feature}" for feature in features}


def test_an_increment_adds_its_sources_and_its_own_table_is_none(room: SqlRoom, contracts: Contracts) -> None:
    text = (
        "{{ config(materialized='incremental') }}"
        "select stage_order, stage, {% if is_incremental() %}value + (select max(value) from {{ this }}) as value"
        "{% else %}len(stage) as value{% endif %} from {{ ref('lead_funnel') }}"
    )
    own = contracts["kpi.lead_funnel"]
    twin = replace(own, name="lead_funnel_twin")
    model = replace(
        room.models["kpi.lead_funnel"],
        table=twin.full_name,
        text=text,
        materialized="incremental",
        inputs=(own.full_name,),
    )
    origins = table_lineage(
        replace(room, models={**room.models, twin.full_name: model}),
        Contracts([*contracts.values(), twin]),
        twin,
    )

    assert origins["value"] == Origin(("kpi.lead_funnel.stage", "kpi.lead_funnel.value"))
    assert origins["stage"] == Origin(("kpi.lead_funnel.stage",), is_unchanged=True)


def broken(room: SqlRoom, text: str) -> SqlRoom:
    """The room with another text for lead_funnel."""
    model = replace(room.models["kpi.lead_funnel"], text=text)
    return replace(room, models={**room.models, model.table: model})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("from {{ ref('lead_features') }} select columns('.*')", "stands for several columns"),
        ("select 1 as stage_order, 'a' as stage", "shows no column value"),
        ("select {{ 1 / 0 }} as stage", "division by zero"),
    ],
)
def test_a_model_that_cannot_be_traced_is_a_problem_and_no_error(
    room: SqlRoom, contracts: Contracts, text: str, problem: str
) -> None:
    lineage = find_lineage(broken(room, text), contracts)

    assert lineage.problems.keys() == {"kpi.lead_funnel"}
    assert problem in lineage.problems["kpi.lead_funnel"]
    assert lineage.origins["kpi.lead_funnel"] == {}
    assert lineage.origins["kpi.kpi_mart"]


def run_of(room: SqlRoom, contracts: Contracts) -> StageRun:
    settings = SimpleNamespace(cache_file=lambda name: None)
    return cast("StageRun", SimpleNamespace(room=room, contracts=contracts, settings=settings))


def test_dagster_is_told_and_so_is_who_reads_its_free_pages(room: SqlRoom, contracts: Contracts) -> None:
    metadata: dict[str, Any] = lineage_metadata(run_of(room, contracts), contracts["kpi.lead_funnel"])
    known = metadata["dagster/column_lineage"].deps_by_column["value"]

    assert dg.TableColumnDep(dg.AssetKey(["features", "lead_features"]), "is_sql") in known
    assert "| value | features.lead_features.is_sql, features.lead_outcomes.opportunity_count," in (
        metadata["column lineage"].md_str
    )
    assert "clean.lead_records as a whole" in metadata["column lineage"].md_str
    staged = lineage_metadata(run_of(room, contracts), contracts["staging.stg_mql"])
    assert (
        "| mql_id | raw.mql.mql_id, raw.mql_history.mql_id (unchanged) |" in staged["column lineage"].md_str
    )


def test_a_table_without_lineage_is_written_all_the_same(
    room: SqlRoom, contracts: Contracts, caplog: pytest.LogCaptureFixture
) -> None:
    run = run_of(broken(room, "select columns('.*') from {{ ref('lead_features') }}"), contracts)

    with caplog.at_level(logging.WARNING):
        assert lineage_metadata(run, contracts["kpi.lead_funnel"]) == {}
    assert "No column lineage of kpi.lead_funnel" in caplog.text
    assert lineage_metadata(run, contracts["raw.mql"]) == {}


def test_lineage_is_not_found_at_import(tmp_path: Path) -> None:
    """Looking at the definitions costs no more for it."""
    import subprocess
    import sys

    code = "import sys, leadflow.definitions; print('leadflow.warehouse.models.query_lineage' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"LEADFLOW_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.strip() == "False"
