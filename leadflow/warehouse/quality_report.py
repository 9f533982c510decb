"""What the validation report needs from the warehouse: versions, results and the publish gate's word, in one look.

Belongs here: reading, and putting the page where it belongs. Does not belong here: judging (quality/pages/report.py) and
showing (quality/pages/report_page.py and cli/quality.py).

quality.results grows by some 300 rows a refresh. Only the last refreshes are read, and DuckDB passes over the blocks
of older versions, so that a report of the first year costs what one of the first day does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import WarehouseError, WarehouseLockedError, first_line
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.quality.pages.report import REFRESHES, build_report
from leadflow.quality.pages.report_page import render_page
from leadflow.quality.pages.report_values import Report, SetAside, StoredResult, StoredVersion
from leadflow.settings import Settings
from leadflow.stages import PUBLISHED_TABLES
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.lock import holder
from leadflow.warehouse.publish import blocking_fingerprints, reasons_not_to_publish
from leadflow.warehouse.stage_run import StageRun, load_home_policy
from leadflow.warehouse.tables import columns_of, table_exists, utc_now

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN_ROWS = 5

_VERSIONS = """
with newest as (select max(version) as version from quality.table_versions group by table_name),
recent as (select distinct refresh_id from quality.table_versions order by refresh_id desc limit ?)
select table_name, version, refresh_id, as_of, row_count, written_at from quality.table_versions
where version in (from newest) or refresh_id in (from recent)
order by version
"""

# By the version alone, which is one running number over all tables: a join would read the results of all time.
_RESULTS = """
select table_name, version, check_name, fingerprint, test, column_name, severity, is_blocking, is_passed,
    checked_rows, failing_rows, failing_share, {quarantined_rows}, sample, message, checked_at
from quality.results
where {versions}
qualify row_number() over (partition by table_name, check_name, version order by checked_at desc, is_passed) = 1
"""

_SET_ASIDE = """
select table_name, check_name, row from quality.quarantined_rows
qualify row_number() over (partition by table_name, check_name order by refresh_id desc, row) <= ?
order by table_name, check_name, refresh_id desc, row
"""


def home_report(settings: Settings) -> tuple[Report, str | None]:
    """The report on a home as it is now, and who is refreshing it meanwhile.

    A refresh holds the warehouse only while it reads or writes, so that a look usually finds a gap to slip into; it is
    tried for `connect_wait_seconds`.

    Raises:
        WarehouseError: there is no warehouse, nothing was made in it yet, or it cannot be read.
        ConfigError: the contracts or the policy are wrong.
    """
    import duckdb

    contracts = load_contracts(settings.sql_dir)
    policy = load_home_policy(settings)
    running = holder(settings.lock_path) if settings.lock_path.exists() else None
    try:
        with Warehouse.from_settings(settings).connect(read_only=True) as connection:
            report = read_report(connection, contracts, policy_version=policy.version)
    except WarehouseLockedError as error:
        if running is None:
            raise
        raise WarehouseLockedError(
            f"{running} holds {settings.warehouse_path}, for longer than {settings.connect_wait_seconds:g} seconds at a time",
            "try again when it has ended, or raise LEADFLOW_CONNECT_WAIT_SECONDS",
        ) from error
    except duckdb.Error as error:
        raise _unreadable(settings, error) from error
    if not report.refreshes:
        raise WarehouseError(
            f"{settings.warehouse_path} holds no table yet, so there is nothing to report",
            "run `leadflow run` or `leadflow demo` first",
        )
    return report, str(running) if running else None


def write_home_page(run: StageRun) -> None:
    """Write the page of a home anew, within a run that holds it.

    Raises:
        LeadflowError: the policy is wrong, the warehouse cannot be read, or the page cannot be written.
    """
    import duckdb

    settings = run.settings
    if not settings.warehouse_path.exists():
        return  # the run failed before it made anything
    try:
        with run.connect(read_only=True) as connection:
            report = read_report(connection, run.contracts, policy_version=run.policy.version)
    except duckdb.Error as error:
        raise _unreadable(settings, error) from error
    write_page(render_page(report, home=str(settings.home)), settings.quality_report_path)


def write_page(page: str, path: Path) -> None:
    """Put the page in place of an older one, as a whole: whoever reloads it sees one or the other.

    Raises:
        WarehouseError: it cannot be written.
    """
    staged = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(page, encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise WarehouseError(
            f"the validation report {path} cannot be written ({error.strerror})",
            "make its folder writable, or name another file with --html",
        ) from error
    finally:
        with contextlib.suppress(OSError):  # the folder may be what is wrong
            staged.unlink(missing_ok=True)


def read_report(
    connection: DuckDBPyConnection,
    contracts: Contracts,
    *,
    policy_version: str | None,
    refreshes: int = REFRESHES,
    published: Sequence[str] = PUBLISHED_TABLES,
) -> Report:
    """The report on a warehouse as it is now; a warehouse that holds nothing gives one without results.

    Args:
        connection: connection to the warehouse, read-only is enough.
        contracts: all contracts.
        policy_version: the policy in force.
        refreshes: how many refreshes the history looks back on.
        published: tables that the gate guards.
    """
    versions = _versions(connection, refreshes)
    return build_report(
        contracts,
        versions,
        _results(connection, versions, refreshes),
        gate_reasons=reasons_not_to_publish(
            connection, published, blocking_fingerprints(contracts), policy_version
        ),
        made_at=utc_now(),
        set_aside=_set_aside(connection),
        refreshes=refreshes,
    )


def _unreadable(settings: Settings, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"{settings.warehouse_path} cannot be read ({first_line(error)})",
        "check that leadflow wrote the file; a refresh writes it anew",
    )


def _versions(connection: DuckDBPyConnection, refreshes: int) -> list[StoredVersion]:
    """Every version that the last refreshes wrote, and the newest of every table."""
    if not table_exists(connection, "quality.table_versions"):
        return []
    return [StoredVersion(*row) for row in connection.execute(_VERSIONS, [refreshes]).fetchall()]


def _results(
    connection: DuckDBPyConnection, versions: Sequence[StoredVersion], refreshes: int
) -> list[StoredResult]:
    """The last result of every check on every one of the versions."""
    if not versions or not table_exists(connection, "quality.results"):
        return []
    recent = sorted({version.refresh_id for version in versions})[-refreshes:]
    first = min(version.version for version in versions if version.refresh_id in recent)
    older = [version.version for version in versions if version.version < first]
    # A warehouse that no refresh has written since rows can be quarantined does not have the column yet.
    has_counts = "quarantined_rows" in columns_of(connection, "quality.results")
    counts = "quarantined_rows" if has_counts else "null"
    sql = _RESULTS.format(quarantined_rows=counts, versions="version >= ?")
    rows = connection.execute(sql, [first]).fetchall()
    if older:
        sql = _RESULTS.format(quarantined_rows=counts, versions=f"version in ({', '.join(map(str, older))})")
        rows += connection.execute(sql).fetchall()
    return [StoredResult(*row) for row in rows]


def _set_aside(connection: DuckDBPyConnection) -> list[SetAside]:
    """A few of the quarantined rows of each check, in clear."""
    if not table_exists(connection, "quality.quarantined_rows"):
        return []
    found: dict[tuple[str, str], list[str]] = {}
    for table, check, row in connection.execute(_SET_ASIDE, [_SHOWN_ROWS]).fetchall():
        found.setdefault((table, check), []).append(row)
    return [SetAside(table, check, tuple(rows)) for (table, check), rows in found.items()]
