"""The validation report as one HTML page that needs nothing beside itself.

Belongs here: what the page says of a Report. Does not belong here: what is true of it (report.py) and how it looks
(templates/quality_report.html, .css and .js).

A page of our own and not Great Expectations' Data Docs, see docs/adr/0006-validation-report.md. Everything that comes
from data is escaped by the template, and the page's content security policy lets nothing run or load but the style
and the script that this module put into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from leadflow.quality.contract.tables import COLUMNS_MATCH_CONTRACT
from leadflow.quality.pages.inline_page import part, policy_hash, template
from leadflow.quality.pages.report_values import STATUSES, CheckReport, Past, Report, Status, TableReport

_SPARK_WIDTH, _SPARK_HEIGHT = 90, 18
_CELLS = {"passed": "p", "warned": "w", "failed": "f", "not_run": "u", "not_made": "m", "not_promised": "m"}
_PAST_WORDS = {
    "passed": "passed",
    "warned": "warned",
    "failed": "failed",
    "not_run": "not checked",
    "not_made": "not made",
    "not_promised": "not in the contract yet",
}
_ATTENTION: Final[Sequence[Status]] = ("failed", "warned")
"""Statuses whose checks are named one by one; the others are counted by table."""


def render_page(report: Report, *, home: str, running: str | None = None) -> str:
    """The page as HTML.

    Args:
        report: what to show.
        home: the home it is about, told at the top.
        running: who is refreshing the home meanwhile, so that a person does not take half a refresh for a broken one.
    """
    from markupsafe import Markup

    style = part("quality_report.css")
    script = part("quality_report.js")
    return template("quality_report.html").render(
        page=_page(report, home, running),
        style=Markup(style),
        script=Markup(script),
        style_hash=policy_hash(style),
        script_hash=policy_hash(script),
    )


def _page(report: Report, home: str, running: str | None) -> Mapping[str, Any]:
    counts = report.counts
    failed = counts.get("failed", 0)
    about = [f"Made at {moment(report.made_at)} UTC"]
    if report.refreshes:
        last = report.refreshes[-1]
        about.append(f"refresh {last.refresh_id} as of {moment(last.as_of)} UTC")
    about.append(home)
    if running:
        about.append(f"{running} is refreshing it, so some tables are made and not checked yet")
    refreshes = [
        {
            "css": _CELLS[_worst(refresh.counts)],
            "told": f"refresh {refresh.refresh_id}, as of {moment(refresh.as_of)}, begun at "
            f"{moment(refresh.written_at)}: {_counted(refresh.counts, _PAST_WORDS)}",
        }
        for refresh in report.refreshes
    ]
    stages: dict[str, list[Mapping[str, Any]]] = {}
    numbers = [refresh.refresh_id for refresh in report.refreshes]
    for table in report.tables:
        stages.setdefault(table.stage, []).append(_table(table, numbers))
    quarantined = sum(table.quarantined_rows for table in report.tables)
    totals = [{"word": "tables", "count": f"{len(report.tables):,}", "css": ""}]
    totals += [
        {"word": f"checks {word}", "count": f"{counts.get(status, 0):,}", "css": status if status in counts else ""}
        for status, word in STATUSES.items()
    ]  # fmt: skip
    if quarantined:
        totals.append({"word": "rows quarantined", "count": f"{quarantined:,}", "css": "warned"})
    return {
        "verdict": f"{failed} failed"
        if failed
        else "passed"
        if report.is_fine
        else "not checked as promised",
        "about": " · ".join(about),
        "gate_reasons": report.gate_reasons,
        "totals": totals,
        "attention": list(_attention(report)),
        "refreshes": refreshes,
        "refreshes_told": f"Last {len(refreshes)} refreshes" if len(refreshes) > 1 else "The only refresh",
        "stages": [{"name": name, "tables": tables} for name, tables in stages.items()],
    }


def _attention(report: Report) -> Iterator[Mapping[str, str]]:
    """What did not pass, worst first, with where it stands on the page."""
    checks = [check for table in report.tables for check in table.checks]
    for status in _ATTENTION:
        for check in checks:
            if check.status == status:
                place = f"{check.table_name}.{check.name}"
                yield {"css": status, "status": STATUSES[status], "place": place, "name": check.table_name, "told": check.sentence}  # fmt: skip
    for table in report.tables:
        missing = {
            status: table.counts[status] for status in ("outdated", "not_run") if status in table.counts
        }
        if missing:
            first = next(iter(missing))
            told = "it was never made" if table.version is None else f"{_counted(missing, STATUSES)} since"
            yield {"css": first, "status": STATUSES[first], "place": table.name, "name": table.name, "told": told}  # fmt: skip


def _table(table: TableReport, refreshes: Sequence[int]) -> Mapping[str, Any]:
    version = table.version
    about = [f"{table.stage}/schema.yml"]
    if version is not None:
        about = [
            f"Version {version.version} of refresh {version.refresh_id}, as of {moment(version.as_of)}",
            f"written at {moment(version.written_at)}",
            f"checked at {moment(table.checked_at)}" if table.checked_at else "not checked",
        ]
    size = "never made" if version is None else rows(version.row_count)
    told = _counted(table.counts, STATUSES)
    if version is not None and version.refresh_id != refreshes[-1]:
        told += f", of refresh {version.refresh_id}"
    if table.quarantined_rows:
        size += f", {table.quarantined_rows:,} quarantined"
    return {
        "name": table.name,
        "description": table.description,
        "status": STATUSES[table.worst],
        "css": table.worst,
        "told": told,
        "size": size,
        "about": " · ".join(about),
        "words": f"{table.name} {table.stage}".lower(),
        "needs_a_look": table.worst in ("failed", "warned"),
        "checks": [
            _check(check, refreshes)
            for status in STATUSES
            for check in table.checks
            if check.status == status
        ],
        "history": [
            _cell(past, refresh, of_table=True)
            for past, refresh in zip(table.history, refreshes, strict=True)
        ],
        "history_told": _history_told(table.history),
    }


def _check(check: CheckReport, refreshes: Sequence[int]) -> Mapping[str, Any]:
    return {
        "name": check.name,
        "status": STATUSES[check.status],
        "css": check.status,
        "sentence": check.sentence,
        "described": check.described,
        "severity": f"{check.severity}{', blocks' if check.is_blocking else ''}",
        "promised_in": check.promised_in,
        "checked_at": f"checked at {moment(check.checked_at)}" if check.checked_at else "",
        "words": f"{check.name} {check.column or ''} {check.test} {check.sentence} {STATUSES[check.status]}".lower(),
        "needs_a_look": check.status != "passed",
        "numbers": _numbers(check),
        "history": [_cell(past, refresh) for past, refresh in zip(check.history, refreshes, strict=True)],
        "history_told": _history_told(check.history),
        "spark": _spark(check.history),
        "samples": [
            {"title": title, **_as_table(sample)}
            for title, sample in (
                (_sample_title(check, check.sample, "failing"), check.sample),
                (_sample_title(check, check.set_aside, "quarantined"), check.set_aside),
            )
            if sample
        ],
    }


def _numbers(check: CheckReport) -> list[str]:
    if check.checked_at is None:
        return []
    unit = "columns" if check.test == COLUMNS_MATCH_CONTRACT else "rows"
    numbers = [f"{check.checked_rows:,} {unit} checked"] if check.checked_rows is not None else []
    if check.failing_rows:
        numbers.append(f"{check.failing_rows:,} failing{_share(check.failing_share)}")
    if check.quarantined_rows:
        numbers.append(f"{check.quarantined_rows:,} quarantined")
    return numbers


def _sample_title(check: CheckReport, sample: Sequence[Mapping[str, Any]], kind: str) -> str:
    known = check.failing_rows if kind == "failing" else check.quarantined_rows
    of = f" of {known:,}" if known and known > len(sample) else ""
    return f"{len(sample)}{of} {kind} {'row' if len(sample) == 1 else 'rows'}, personal data masked"


def _as_table(sample: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    columns = list(dict.fromkeys(name for row in sample for name in row))
    return {"columns": columns, "rows": [[row.get(name) for name in columns] for row in sample]}


def _cell(past: Past, refresh: int, *, of_table: bool = False) -> Mapping[str, str]:
    told = f"refresh {refresh}"
    if past.at is not None:
        told += f", {moment(past.at)}"
    told += f": {_PAST_WORDS[past.status]}"
    if of_table and past.status in ("failed", "warned", "not_run"):
        told += f" {past.failing_rows} {'check' if past.failing_rows == 1 else 'checks'}"
    elif past.failing_rows:
        told += f", {past.failing_rows:,} failing {'row' if past.failing_rows == 1 else 'rows'}{_share(past.failing_share)}"
    if past.earlier_failures:
        told += f", after {past.earlier_failures} failed before in this refresh"
    if past.is_new_promise:
        told += ", the contract had changed"
    return {"css": _CELLS[past.status] + (" n" if past.is_new_promise else ""), "told": told}


def _history_told(history: Sequence[Past]) -> str:
    """A strip in words, for those who hear the page."""
    counts: dict[str, int] = {}
    for past in history:
        counts[past.status] = counts.get(past.status, 0) + 1
    return f"Last {len(history)} refreshes: {_counted(counts, _PAST_WORDS)}" if history else "No history"


def _spark(history: Sequence[Past]) -> Mapping[str, Any] | None:
    """The failing share over the refreshes, from nothing to its maximum; None where it never was above nothing."""
    shares = [past.failing_share for past in history]
    most = max((share for share in shares if share is not None), default=0.0)
    if most == 0:
        return None
    step = _SPARK_WIDTH / max(len(shares) - 1, 1)
    lines: list[list[str]] = [[]]
    last = None
    for place, share in enumerate(shares):
        if share is None:  # not run: the line has a gap
            lines.append([])
            continue
        last = (f"{place * step:.1f}", f"{(1 - share / most) * (_SPARK_HEIGHT - 2) + 1:.1f}")
        lines[-1].append(",".join(last))
    return {
        "width": _SPARK_WIDTH,
        "height": _SPARK_HEIGHT,
        "lines": [" ".join(line) for line in lines if len(line) > 1],
        "last": last,
        "label": f"up to {percent(most)}",
        "told": f"Failing share over the last {len(shares)} refreshes, at most {percent(most)}",
    }


def _worst(counts: Mapping[str, int]) -> str:
    return next(
        (status for status in ("failed", "warned", "not_run", "passed") if counts.get(status)), "not_made"
    )


def _counted(counts: Mapping[Any, int], words: Mapping[Any, str]) -> str:
    return ", ".join(f"{count:,} {words[status]}" for status, count in counts.items() if count) or "no checks"


def _share(share: float | None) -> str:
    return f" ({percent(share)})" if share is not None else ""


def sentence_of_gate(report: Report, named: int = 5) -> str:
    """Whether the publish gate would open, and the first of the reasons why not."""
    reasons = report.gate_reasons
    if not reasons:
        return "The publish gate is open: everything the mart is made of passed its blocking checks."
    more = f"; and {len(reasons) - named} more" if len(reasons) > named else ""
    return f"The publish gate is shut, because {'; '.join(reasons[:named])}{more}."


def percent(share: float) -> str:
    """A share of 0 to 1 in per cent, never rounded to nothing or to all where it is neither."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{share:.1%}".replace("%", " %")


def rows(count: int) -> str:
    """A number of rows in words."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def moment(at: datetime | None) -> str:
    """A moment to the minute; UTC is said once at the top."""
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else "no moment"
