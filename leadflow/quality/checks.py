"""Contracts as Dagster asset checks: one step per table, one check per test.

Belongs here: the Dagster shell around the runner, and writing quality.results. Does not belong here: what a test
means (checking/generic_tests.py, the runner) and the gate that reads the results (warehouse/publish.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from leadflow.quality.contract.tables import Contracts, Table, Test
from leadflow.warehouse.quarantine import quarantined_rows
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import RESOURCE, asset_key
from leadflow.warehouse.tables import append_results, latest_versions, utc_now

SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def build_checks(contracts: Contracts) -> list[dg.AssetChecksDefinition]:
    """A check step for every table of the warehouse that has a contract."""
    return [_table_checks(table) for table in contracts.values() if table.is_checked]


def _table_checks(table: Table) -> dg.AssetChecksDefinition:
    key = asset_key(table.full_name)

    @dg.multi_asset_check(
        name=f"check_{table.schema}__{table.name}",
        specs=[
            dg.AssetCheckSpec(
                name=test.check_name,
                asset=key,
                description=test.description
                or f"{test.test} on {test.column or 'the table'} ({test.file.parent.name}/{test.file.name}:{test.line})",
                additional_deps=[asset_key(name) for name in test.other_tables],
                blocking=test.is_blocking,
                metadata=_labels(test),
            )
            for test in table.checks
        ],
        required_resource_keys={RESOURCE},
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        run: StageRun = getattr(context.resources, RESOURCE)
        yield from check_and_record(run, table)

    return check


def _labels(test: Test) -> dict[str, str]:
    """What the contract says of a test beside its promise; Dagster has tags and owners of assets only."""
    told = {
        "tags": ", ".join(test.tags),
        "owners": ", ".join(test.owners),
        "where": test.where or "",
        "on_fail": test.on_fail if test.on_fail != "block" else "",
        "warn_if": test.warn_if.text if test.warn_if else "",
        "error_if": test.error_if.text if test.error_if else "",
    }
    return {name: text for name, text in told.items() if text}


def check_and_record(run: StageRun, table: Table) -> Iterator[dg.AssetCheckResult]:
    """Run every test of a table on the version there is, write quality.results, and report to Dagster."""
    from leadflow.quality.checking.results import results_frame, told_of_quarantine
    from leadflow.quality.checking.runner import check_table

    with run.connect(read_only=True) as connection:
        version = latest_versions(connection).get(table.full_name)
        if version is None:
            raise dg.Failure(
                f"{table.full_name} was never made, so there is nothing to check: materialize it first",
                allow_retries=False,
            )
        variables = run.variables(run.refresh(connection))
        aside = quarantined_rows(connection, table.full_name)
    with run.warehouse.sqlalchemy_engine() as engine:
        results = check_table(engine, table, variables=variables)
    tests = {test.check_name: test for test in table.checks}
    results = [
        told_of_quarantine(result, tests[result.check_name], aside.get(result.check_name, 0))
        for result in results
    ]
    frame = results_frame(
        results,
        table_name=table.full_name,
        fingerprints={test.check_name: table.fingerprint(test) for test in table.checks},
        version=version.version,
        refresh_id=version.refresh_id or 0,
        run_id=run.run_id,
        checked_at=utc_now(),
    )
    with run.connect() as connection:
        append_results(connection, frame)
    for result in results:
        yield dg.AssetCheckResult(
            asset_key=asset_key(table.full_name),
            check_name=result.check_name,
            passed=result.is_passed,
            # A test that could not run blocks publishing even where its severity is warn.
            severity=SEVERITIES["error" if result.is_blocking else result.severity],
            description=result.message,
            metadata={
                "checked_rows": result.checked_rows,
                "failing_rows": result.failing_rows,
                "failing_share": result.failing_share,
                **({} if result.quarantined_rows is None else {"quarantined_rows": result.quarantined_rows}),
                "version": version.version,
                **(
                    {"failing_sample": dg.MetadataValue.md(_sample_table(result.sample))}
                    if result.sample
                    else {}
                ),
                **({"error": result.error} if result.error else {}),
                **({} if result.is_passed else {"quality_report": _in_report(run, table, result.check_name)}),
            },
        )


def _in_report(run: StageRun, table: Table, check_name: str) -> dg.MetadataValue[Any]:
    """Where the page that the run leaves behind tells of a check, with its history."""
    return dg.MetadataValue.path(f"{run.settings.quality_report_path}#{table.full_name}.{check_name}")


def _sample_table(rows: Sequence[Mapping[str, object]]) -> str:
    names = list(rows[0])
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [
        " | ".join("" if row.get(name) is None else str(row[name]).replace("|", "\\|") for name in names)
        for row in rows
    ]
    return "\n".join(f"| {line} |" for line in lines)
