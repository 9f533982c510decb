"""A broken promise stops what is made from it, is recorded, and keeps the mart from being published until mended."""

import hashlib
import json
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from homes import MARTS, QUIET, REPOSITORY, Home

from leadflow.errors import ContractError
from leadflow.quality.checking.runner import check_table
from leadflow.quality.contracts import load_contracts
from leadflow.stages import STATE_TABLES
from leadflow.warehouse.connection import Warehouse

RECORDS = dg.AssetKey(["clean", "lead_records"])
FUNNEL = dg.AssetKey(["kpi", "lead_funnel"])

LATEST_RESULT = (
    "select is_passed, is_blocking, severity, failing_rows, checked_rows, failing_share, sample, message, version "
    "from quality.results where table_name = ? and check_name = ? order by version desc, checked_at desc limit 1"
)


def edited_project(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """A copy of the SQL room with edits, each a file, the text in it and the text in place of its first occurrence."""
    shutil.copytree(REPOSITORY / "dbt_like_sql", folder / "dbt_like_sql")
    for file, old, new in edits:
        path = folder / "dbt_like_sql" / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold the text to edit"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def downstream_of(home: Home, key: dg.AssetKey) -> list[dg.AssetKey]:
    """The asset and all that is made from it."""
    graph = home.defs().resolve_asset_graph()
    return sorted(dg.AssetSelection.assets(key).downstream().resolve(graph))


def materialized(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    """Assets that a run made."""
    return {event.asset_key for event in result.get_asset_materialization_events() if event.asset_key}


def failure_of(result: dg.ExecuteInProcessResult, step: str) -> str:
    """Why a step failed, as a person is told it."""
    (data,) = [
        event.step_failure_data
        for event in result.all_events
        if event.is_step_failure and event.step_key == step
    ]
    assert data.user_failure_data is not None
    return str(data.user_failure_data.description)


def digest(path: Path) -> str:
    """Hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Broken:
    """A home whose model clean.lead_records writes every form twice, and whose contract wants other e-mail addresses."""

    def __init__(self, shared: Home, folder: Path) -> None:
        project = edited_project(
            folder / "project",
            (
                "clean/lead_records.sql",
                "    select * from marketing\n    union all by name\n",
                "    select * from marketing\n    union all by name\n    select * from marketing\n    union all by name\n",
            ),
            (
                "clean/schema.yml",
                '"E-mail address as given", meta: {pii: true}}',
                '"E-mail address as given", meta: {pii: true}, '
                "data_tests: [{expect_column_values_to_match_regex: {arguments: {regex: nowhere}}}]}",
            ),
        )
        self.home = shared.copy_to(folder / "home", project_dir=project)
        self.mart_before = digest(self.home.marts)
        self.selected = downstream_of(self.home, RECORDS)
        self.result = self.home.run(self.selected)


@pytest.fixture(scope="module")
def broken(shared_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """The broken home after its run."""
    return Broken(shared_home, tmp_path_factory.mktemp("broken"))


def test_a_failed_check_stops_what_is_downstream(broken):
    assert not broken.result.success
    assert len(broken.selected) > 10
    assert materialized(broken.result) == {RECORDS}


def test_a_failed_check_leaves_the_mart_as_it_was(broken):
    assert digest(broken.home.marts) == broken.mart_before


def test_the_result_is_kept_with_counts_and_a_sentence(broken, shared_home):
    (row,) = broken.home.rows(LATEST_RESULT, ["clean.lead_records", "unique__record_key"])
    is_passed, is_blocking, severity, failing, checked, share, _, message, version = row
    forms = shared_home.value("select count(*) from clean.lead_records where raw_table = 'mql'")
    records = shared_home.value("select count(*) from clean.lead_records")
    assert (is_passed, is_blocking, severity) == (False, True, "error")
    assert (failing, checked) == (2 * forms, records + forms)
    assert share == pytest.approx(2 * forms / (records + forms))
    assert message == f"record_key is not unique in {2 * forms} of {records + forms} rows"
    newest = "select max(version) from quality.table_versions where table_name = 'clean.lead_records'"
    assert version == broken.home.value(newest)


def test_the_sample_shows_failing_rows_with_personal_data_masked(broken):
    name = "expect_column_values_to_match_regex__email"
    (row,) = broken.home.rows(LATEST_RESULT, ["clean.lead_records", name])
    rows = json.loads(row[6])
    assert not row[0]
    assert 0 < len(rows) <= 5
    assert all(set(shown) == {"record_key", "email"} for shown in rows)
    assert all("***" in shown["email"] for shown in rows)
    given = broken.home.rows("select distinct email from clean.lead_records where email is not null")
    everything = broken.home.value("select string_agg(sample || message) from quality.results")
    assert len(given) > 100
    assert [email for (email,) in given if email in everything] == []


def test_dagster_shows_the_same(broken):
    (evaluation,) = [
        evaluation
        for evaluation in broken.result.get_asset_check_evaluations()
        if evaluation.check_name == "unique__record_key" and evaluation.asset_key == RECORDS
    ]
    row = broken.home.rows(LATEST_RESULT, ["clean.lead_records", "unique__record_key"])[0]
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    assert evaluation.blocking
    metadata = {name: value.value for name, value in evaluation.metadata.items()}
    assert metadata["failing_rows"] == row[3]
    assert metadata["checked_rows"] == row[4]
    assert metadata["failing_share"] == pytest.approx(row[5])
    assert metadata["version"] == row[8]
    assert evaluation.description == row[7]
    header, *lines = metadata["failing_sample"].splitlines()
    assert "record_key" in header
    assert len(lines) == 1 + len(json.loads(row[6]))
    assert row[6] != "[]"


def test_publishing_alone_afterwards_is_refused_by_table_and_check(broken):
    result = broken.home.run([MARTS])
    assert not result.success
    sentence = failure_of(result, "publish__marts")
    assert f"{broken.home.marts} stays as it was" in sentence
    assert "clean.lead_records failed unique__record_key: record_key is not unique" in sentence
    assert "clean.clean_leads is older than clean.lead_records" in sentence
    assert digest(broken.home.marts) == broken.mart_before


def test_a_mended_model_publishes_again(broken, shared_home):
    mended = Home(broken.home.path, broken.home.sources)
    result = mended.run(broken.selected)
    assert result.success
    assert materialized(result) == set(broken.selected)
    assert digest(mended.marts) != broken.mart_before
    leads = "select lead_id, score, tier from scored_leads order by 1"
    assert mended.rows(leads, of=mended.marts) == shared_home.rows(leads, of=shared_home.marts)


def test_rows_that_another_program_corrupted_are_found_by_the_next_check(own_home):
    with duckdb.connect(str(own_home.warehouse)) as connection:
        connection.execute("update kpi.lead_funnel set value = -1 where stage = 'won_leads'")
    before = digest(own_home.marts)
    checks = dg.define_asset_job("check_funnel", dg.AssetSelection.checks_for_assets(FUNNEL))
    defs = dg.Definitions.merge(own_home.defs(), dg.Definitions(jobs=[checks]))
    with dg.DagsterInstance.ephemeral() as instance:
        defs.resolve_job_def("check_funnel").execute_in_process(
            run_config=QUIET, instance=instance, raise_on_error=False
        )
    name = "expect_column_values_to_be_between__value"
    (row,) = own_home.rows(LATEST_RESULT, ["kpi.lead_funnel", name])
    assert (row[0], row[3], row[4]) == (False, 1, 6)
    assert json.loads(row[6]) == [{"stage_order": 6, "value": -1}]
    result = own_home.run([MARTS])
    assert f"kpi.lead_funnel failed {name}" in failure_of(result, "publish__marts")
    assert digest(own_home.marts) == before


def test_a_table_written_and_not_checked_is_not_published(own_home):
    defs = own_home.defs()
    with dg.DagsterInstance.ephemeral() as instance:
        made = dg.materialize(
            list(defs.assets or ()),
            selection=dg.AssetSelection.assets(FUNNEL),
            resources=defs.resources,
            run_config=QUIET,
            instance=instance,
        )
    assert made.success
    refusal = failure_of(own_home.run([MARTS]), "publish__marts")
    assert "kpi.lead_funnel was not checked by columns_match_contract since it was last written" in refusal


def test_a_failed_warning_does_not_block(shared_home, tmp_path):
    project = edited_project(
        tmp_path / "project",
        (
            "kpi/schema.yml",
            "- expect_table_row_count_to_equal: {arguments: {value: 6}}",
            "- expect_table_row_count_to_equal: {arguments: {value: 7}, config: {severity: warn}}",
        ),
    )
    home = shared_home.copy_to(tmp_path / "home", project_dir=project)
    before = digest(home.marts)
    result = home.run([FUNNEL, MARTS])
    assert result.success
    assert materialized(result) == {FUNNEL, MARTS}
    (evaluation,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert not evaluation.blocking
    (row,) = home.rows(LATEST_RESULT, ["kpi.lead_funnel", evaluation.check_name])
    assert row[:3] == (False, False, "warn")
    assert digest(home.marts) != before
    told = "select severity, is_passed, message from data_quality where table_name = 'kpi.lead_funnel' and not is_passed"
    assert home.rows(told, of=home.marts) == [("warn", False, row[7])]


def test_a_finding_between_the_thresholds_warns_and_is_published(shared_home, tmp_path):
    query = "{{ config(error_if='> 3', warn_if='> 0', tags=['slow']) }} select * from {{ ref('lead_funnel') }} where stage_order <= 3"
    project = edited_project(tmp_path / "project")
    (project / "dbt_like_sql" / "tests" / "funnel_is_short.sql").write_text(query, encoding="utf-8")
    home = shared_home.copy_to(tmp_path / "home", project_dir=project)
    before = digest(home.marts)
    result = home.run([FUNNEL, MARTS])
    assert result.success
    assert materialized(result) == {FUNNEL, MARTS}
    (evaluation,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert (evaluation.check_name, evaluation.severity) == ("funnel_is_short", dg.AssetCheckSeverity.WARN)
    (row,) = home.rows(LATEST_RESULT, ["kpi.lead_funnel", "funnel_is_short"])
    assert (*row[:4], row[7]) == (False, False, "warn", 3, "funnel_is_short returns 3 rows, warn_if > 0")
    assert digest(home.marts) != before

    stricter = query.replace("> 3", "> 2")
    (project / "dbt_like_sql" / "tests" / "funnel_is_short.sql").write_text(stricter, encoding="utf-8")
    result = home.run([MARTS])
    assert "funnel_is_short since the contract changed" in failure_of(result, "publish__marts")
    assert not home.run([FUNNEL, MARTS]).success
    (row,) = home.rows(LATEST_RESULT, ["kpi.lead_funnel", "funnel_is_short"])
    assert row[:3] == (False, True, "error")


def test_a_check_that_reads_what_is_made_from_its_table_is_refused(shared_home, tmp_path):
    test = (
        "- expect_table_row_count_to_equal_other_table: {arguments: {compare_model: \"ref('kpi_mart')\"}}\n"
        "      - no_nulls:"
    )
    project = edited_project(tmp_path / "project", ("features/schema.yml", "- no_nulls:", test))
    with pytest.raises(
        ContractError, match=r"features/schema.yml:\d+ is a check of features.lead_features and reads"
    ):
        shared_home.copy_to(tmp_path / "home", project_dir=project).defs()


def test_tags_and_owners_of_the_contract_are_the_assets(shared_home, tmp_path):
    project = edited_project(
        tmp_path / "project",
        ("kpi/schema.yml", "    description:", "    tags: [core, 'sla:two hours']\n    description:"),
        ("kpi/schema.yml", "meta: {grain:", "meta: {owners: [ann@example.com, sales operations], grain:"),
        (
            "kpi/schema.yml",
            "data_tests: [not_null]",
            "data_tests: [not_null: {config: {tags: slow, meta: {owner: bob}}}]",
        ),
    )
    table = next(
        table
        for table in load_contracts(project / "dbt_like_sql").values()
        if table.schema == "kpi" and table.tags
    )
    defs = shared_home.copy_to(tmp_path / "home", project_dir=project).defs()
    graph = defs.resolve_asset_graph()
    node = graph.get(dg.AssetKey(["kpi", table.name]))
    assert {"core": "", "sla": "two_hours"}.items() <= dict(node.tags).items()
    assert list(node.owners) == ["ann@example.com", "team:sales operations"]
    told = [graph.get_check_spec(key).metadata for key in graph.asset_check_keys]
    assert {"tags": "slow", "owners": "bob"} in [dict(metadata) for metadata in told]


def test_what_is_written_beside_every_table_keeps_its_contract_too(shared_home: Home) -> None:
    tables = [
        table for table in load_contracts(REPOSITORY / "dbt_like_sql").values() if table.schema == "quality"
    ]
    assert {table.full_name for table in tables} >= {
        name for name in STATE_TABLES if name.startswith("quality.")
    }
    with Warehouse(shared_home.warehouse).sqlalchemy_engine() as engine:
        failed = [
            f"{table.full_name} {result.check_name}: {result.message}"
            for table in tables
            for result in check_table(engine, table)
            if not result.is_passed
        ]
    assert failed == []
