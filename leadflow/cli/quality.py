"""The validation report on a terminal, and as a page beside it.

Belongs here: lines for a person. Does not belong here: what is true of the checks (quality/pages/report.py), reading the
warehouse (warehouse/quality_report.py) and how the page looks (quality/pages/report_page.py).
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from leadflow.errors import ConfigError
from leadflow.quality.pages.report_page import moment, percent, render_page, sentence_of_gate
from leadflow.quality.pages.report_values import STATUSES, CheckReport, Report, Status, TableReport
from leadflow.settings import Settings
from leadflow.warehouse.quality_report import home_report, write_page

STYLES: Final[Mapping[Status, str]] = {
    "failed": "red",
    "warned": "yellow",
    "outdated": "cyan",
    "not_run": "cyan",
    "passed": "green",
}
_NAMED_CHECKS = 3
_LONGEST_CELL = 60
_FILE_WIDTH = 160
"""Characters that a table's line may take where the output is no terminal, and so has no width of its own."""


def show_quality(
    settings: Settings,
    *,
    tables: Sequence[str] = (),
    is_failed_only: bool = False,
    page: Path | None = None,
    console: Console | None = None,
) -> tuple[bool, Path]:
    """Print the report and write its page.

    Args:
        settings: of the home.
        tables: the tables to print, as schema.name; none means all. The page always shows all.
        is_failed_only: print only tables with a check that did not pass.
        page: where the page is written; None is the home's own.
        console: where to print; None is the terminal.

    Returns:
        Whether every blocking check of the chosen tables passed and is current, and where the page is.

    Raises:
        ConfigError: there is no such table, or the contracts or the policy are wrong.
        WarehouseError: there is no warehouse, nothing in it, it cannot be read, or the page cannot be written.
    """
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
    report, running = home_report(settings)
    chosen = _chosen(report, tables)
    shown = [table for table in chosen if not is_failed_only or table.worst != "passed"]
    last = report.refreshes[-1]
    told = f"Refresh {last.refresh_id} of {settings.home}, as of {moment(last.as_of)} UTC"
    console.print(Text(told), soft_wrap=True)
    if running:
        console.print(Text(f"{running} is refreshing it: tables are made that are not checked yet", "cyan"), soft_wrap=True)  # fmt: skip
    if shown:
        console.print(_grid(shown))
    for table in shown:
        for line in _findings(table):
            console.print(line, soft_wrap=True)
    console.print(Text(_totals(report, chosen)), soft_wrap=True)
    console.print(Text(sentence_of_gate(report), "red" if report.gate_reasons else "green"), soft_wrap=True)
    path = page or settings.quality_report_path
    write_page(render_page(report, home=str(settings.home), running=running), path)
    console.print(Text(f"Page: {path}"), soft_wrap=True)
    return not any(check.holds_back for table in chosen for check in table.checks), path


def _chosen(report: Report, names: Sequence[str]) -> list[TableReport]:
    known = {table.name: table for table in report.tables}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            raise ConfigError(
                f"no contract describes a table '{name}' with checks{hint}", "name it as stage.name, such as clean.clean_leads"
            )  # fmt: skip
    return [table for table in report.tables if not names or table.name in names]


def _grid(tables: Sequence[TableReport]) -> Grid:
    """One line per table."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in ("table", "version", "rows", "as of", "checks", "checked at"):
        grid.add_column(
            name,
            justify="right" if name in ("version", "rows") else "left",
            no_wrap=name != "checks",
            min_width=12 if name == "checks" else None,
        )
    for table in tables:
        version = table.version
        checks = Text(", ").join(
            Text(f"{count} {STATUSES[status]}", STYLES[status]) for status, count in table.counts.items()
        )
        if table.quarantined_rows:
            unit = "row" if table.quarantined_rows == 1 else "rows"
            checks.append(f", {table.quarantined_rows:,} {unit} quarantined", "yellow")
        grid.add_row(
            Text(table.name),
            f"{version.version}" if version else "-",
            f"{version.row_count:,}" if version else "-",
            moment(version.as_of) if version else "never made",
            checks,
            moment(table.checked_at) if table.checked_at else "-",
        )
    return grid


def _findings(table: TableReport) -> Iterator[Text]:
    """What did not pass: failed and warned checks one by one, those without a current result counted."""
    for status in ("failed", "warned"):
        for check in table.checks:
            if check.status == status:
                yield from _finding(check)
    for check in table.checks:
        if check.status == "passed" and check.quarantined_rows:
            yield from _finding(check)
    never = "the table was never made" if table.version is None else "since it was last written"
    reasons: dict[Status, str] = {"outdated": "the contract changed since", "not_run": never}
    for status, reason in reasons.items():
        alike = [check for check in table.checks if check.status == status]
        if alike:
            names = ", ".join(check.name for check in alike[:_NAMED_CHECKS])
            more = f" and {len(alike) - _NAMED_CHECKS} more" if len(alike) > _NAMED_CHECKS else ""
            yield Text.assemble(
                (f"{STATUSES[status]:<8}", STYLES[status]), f" {table.name} {names}{more}: {reason}"
            )


def _finding(check: CheckReport) -> Iterator[Text]:
    word = "passed" if check.status == "passed" else STATUSES[check.status]
    share = f" ({percent(check.failing_share)})" if check.failing_rows and check.failing_share else ""
    promised = f" [{check.promised_in}]" if check.promised_in else " [no longer in the contract]"
    yield Text.assemble(
        (f"{word:<8}", STYLES[check.status]),
        f" {check.table_name} {check.name}: {check.sentence}{share}{promised}",
    )
    for rows in (check.sample, check.set_aside):
        for row in rows:
            yield Text(
                "         " + ", ".join(f"{name} {_cell(value)}" for name, value in row.items()), "dim"
            )


def _cell(value: Any) -> str:
    """A value on one line; what is not printable would steer the terminal."""
    text = "null" if value is None else str(value)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _totals(report: Report, chosen: Sequence[TableReport]) -> str:
    checks = [check.status for table in chosen for check in table.checks]
    counts = ", ".join(f"{checks.count(status):,} {word}" for status, word in STATUSES.items())
    of = f" of {len(report.tables)}" if len(chosen) < len(report.tables) else ""
    return f"{len(chosen)}{of} tables, {len(checks):,} checks: {counts}."
