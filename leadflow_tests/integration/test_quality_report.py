"""The validation report on a home: what it reads, that the gate has its word, and how a person gets at it."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import dagster as dg
import duckdb
import polars as pl
import pytest
from homes import REPOSITORY, Home

from leadflow import cli
from leadflow.quality.checking.results import results_frame
from leadflow.quality.checking.runner import check_table
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.quality.pages.report_page import render_page
from leadflow.quality.pages.report_values import Report
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.publish import blocking_fingerprints, reasons_not_to_publish
from leadflow.warehouse.quality_report import read_report
from leadflow.warehouse.refreshes import open_refresh
from leadflow.warehouse.tables import append_results, latest_versions, record_version, transaction

AS_OF = dt.datetime(2026, 6, 30)  # noqa: DTZ001 - instants are naive UTC throughout
RECORDS = dg.AssetKey(["clean", "lead_records"])
CONTRACT = """
sources:
  - name: clean
    tables:
      - name: leads
        description: Leads.
        meta: {grain: one row per lead, natural_key: [lead_id]}
        columns:
          - {name: lead_id, data_type: integer, description: Key, data_tests: [unique]}
          - name: email
            data_type: varchar
            description: Mail
            meta: {pii: true}
            data_tests: [{expect_column_values_to_match_regex: {arguments: {regex: nowhere}}}]
          - name: note
            data_type: varchar
            description: Note
            data_tests: [{accepted_values: {arguments: {values: [fine]}, config: {severity: warn}}}]
"""
PEOPLE = [(1, "ann@example.com", "fine"), (2, "bob@example.com", "<script>alert(1)</script>")]


@dataclass
class Told:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def leadflow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """The leadflow command on a home, called as from a shell."""

    def call(home: Path, *arguments: object, **settings: object) -> Told:
        monkeypatch.setenv("LEADFLOW_HOME", str(home))
        for name, value in settings.items():
            monkeypatch.setenv(f"LEADFLOW_{name.upper()}", str(value))
        monkeypatch.setattr(sys, "argv", ["leadflow", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as done:
            status = int(done.code or 0)
        return Told(status, *capsys.readouterr())

    return call


class Small:
    """A warehouse of one table, clean.leads, that is written and checked step by step."""

    def __init__(self, folder: Path, contract: str = CONTRACT) -> None:
        self.warehouse = Warehouse(folder / "warehouse.duckdb")
        self.room = folder / "room"
        (self.room / "clean").mkdir(parents=True)
        self.promise(contract)

    def promise(self, contract: str) -> None:
        (self.room / "clean" / "schema.yml").write_text(contract, encoding="utf-8")

    @property
    def contracts(self) -> Contracts:
        return load_contracts(self.room)

    def write(self, rows: list[tuple[int, str, str]]) -> None:
        with self.warehouse.connect() as connection:
            refresh, _ = open_refresh(
                connection, as_of=AS_OF, as_of_from="given", run_id="run", code_version="1"
            )
            frame = pl.DataFrame(rows, schema={"lead_id": pl.Int32, "email": pl.String, "note": pl.String}, orient="row")  # fmt: skip
            connection.execute("create schema if not exists clean")
            with transaction(connection):
                connection.register("rows", frame)
                connection.execute("create or replace table clean.leads as from rows")
                record_version(
                    connection,
                    "clean.leads",
                    stamp=refresh.stamp(run_id="run", code_version="1"),
                    inputs=["raw.refreshes"],
                )

    def check(self) -> None:
        table = self.contracts["clean.leads"]
        with self.warehouse.sqlalchemy_engine() as engine:
            results = check_table(engine, table)
        with self.warehouse.connect() as connection:
            version = latest_versions(connection)[table.full_name]
            frame = results_frame(
                results,
                table_name=table.full_name,
                fingerprints={test.check_name: table.fingerprint(test) for test in table.checks},
                version=version.version,
                refresh_id=version.refresh_id or 0,
                run_id="run",
                checked_at=AS_OF + dt.timedelta(minutes=version.version),
            )
            append_results(connection, frame)

    def report(self) -> Report:
        with self.warehouse.connect(read_only=True) as connection:
            return read_report(connection, self.contracts, policy_version=None, published=["clean.leads"])


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def holding_back(report: Report) -> set[str]:
    """Checks that the report says hold the mart back."""
    return {check.name for table in report.tables for check in table.checks if check.holds_back}


def test_failing_rows_are_shown_masked_and_as_text(small: Small) -> None:
    small.write(PEOPLE)
    small.check()
    report = small.report()
    assert report.counts == {"failed": 1, "warned": 1, "passed": 2}
    page = render_page(report, home="home")
    assert "a***@example.com" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert [email for _, email, _ in PEOPLE if email in page] == []


@pytest.mark.parametrize(
    "events",
    [
        ["write"],
        ["write", "check"],
        ["write fine", "check"],
        ["write fine", "check", "promise"],
        ["write", "check", "promise"],
        ["write fine", "check", "write fine"],
        ["write fine", "check", "write", "check"],
        ["write", "check", "forget"],
        ["write", "check", "forget", "write", "check"],
    ],
    ids=lambda events: "_".join(events).replace(" ", "_"),
)
def test_the_report_and_the_gate_never_disagree(small: Small, events: list[str]) -> None:
    changed = CONTRACT.replace("regex: nowhere", "regex: elsewhere")
    forgot = re.sub(r"\n +data_tests: \[{expect[^\n]*", "", CONTRACT)
    fine = [(1, "nowhere", "fine")]
    for event in events:
        {
            "write": lambda: small.write(PEOPLE),
            "write fine": lambda: small.write(fine),
            "check": small.check,
            "promise": lambda: small.promise(changed),
            "forget": lambda: small.promise(forgot),
        }[event]()
    report = small.report()
    with small.warehouse.connect(read_only=True) as connection:
        reasons = reasons_not_to_publish(connection, ["clean.leads"], blocking_fingerprints(small.contracts))
    named = {found for reason in reasons for found in re.findall(r"(?:failed|checked by) (\w+)", reason)}
    assert list(report.gate_reasons) == reasons
    assert holding_back(report) == named
    assert report.is_fine == (reasons == [])


def test_history_is_read_back_from_the_warehouse(small: Small) -> None:
    for people in (PEOPLE[:1], PEOPLE, [(1, "nowhere", "fine")]):
        small.write(people)
        small.check()
    small.write(PEOPLE)
    (table,) = small.report().tables
    regex = next(check for check in table.checks if check.test == "expect_column_values_to_match_regex")
    assert [(past.status, past.failing_rows) for past in regex.history] == [
        ("failed", 1), ("failed", 2), ("passed", 0), ("not_run", None),
    ]  # fmt: skip
    assert [refresh.refresh_id for refresh in small.report().refreshes] == [1, 2, 3, 4]


def test_a_table_that_was_not_written_for_long_keeps_its_results(small: Small) -> None:
    small.write(PEOPLE)
    small.check()
    for _ in range(3):
        with small.warehouse.connect() as connection:
            open_refresh(connection, as_of=AS_OF, as_of_from="given", run_id="run", code_version="1")
    with small.warehouse.connect(read_only=True) as connection:
        report = read_report(
            connection, small.contracts, policy_version=None, refreshes=2, published=["clean.leads"]
        )
    assert [refresh.refresh_id for refresh in report.refreshes] == [3, 4]
    assert report.counts == {"failed": 1, "warned": 1, "passed": 2}
    assert [past.status for past in report.tables[0].history] == ["not_made", "not_made"]


def test_a_warehouse_from_before_there_was_quarantine(small: Small) -> None:
    small.write(PEOPLE)
    small.check()
    with small.warehouse.connect() as connection:
        connection.execute("alter table quality.results drop column if exists quarantined_rows")
        connection.execute("drop table if exists quality.quarantined_rows")
    assert small.report().counts == {"failed": 1, "warned": 1, "passed": 2}


def test_quarantined_rows_are_counted_and_masked(small: Small) -> None:
    small.write(PEOPLE)
    small.check()
    name = "accepted_values__note"
    row = '{"lead_id": 3, "email": "cat@example.com", "note": "odd"}'
    with small.warehouse.connect() as connection:
        connection.execute("update quality.results set quarantined_rows = 7 where check_name = ?", [name])
        for number in range(7):
            connection.execute(
                "insert into quality.quarantined_rows (table_name, check_name, test, column_name, refresh_id, as_of, row) "
                "values ('clean.leads', ?, 'accepted_values', 'note', 1, ?, ?)",
                [name, AS_OF, row.replace("3", str(3 + number))],
            )
    (table,) = small.report().tables
    check = next(check for check in table.checks if check.name == name)
    assert table.quarantined_rows == 7
    assert len(check.set_aside) == 5
    assert check.set_aside[0] == {"lead_id": 3, "email": "c***@example.com", "note": "odd"}
    page = render_page(small.report(), home="home")
    assert "5 of 7 quarantined rows, personal data masked" in page
    assert "cat@example.com" not in page


# The command


def test_a_home_in_which_everything_passed(leadflow, shared_home: Home, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    told = leadflow(shared_home.path, "quality", "--html", page)
    tables = shared_home.value("select count(distinct table_name) from quality.results")
    checks = shared_home.value("select count(*) from quality.results")
    assert told.status == 0, told
    assert f"{tables} tables, {checks} checks: 0 failed, " in told.out
    assert "The publish gate is open" in told.out
    assert f"Page: {page}" in told.out
    assert re.search(r"(?m)^clean\.clean_leads +\d+ +\d+  .* passed  ", told.out)
    assert page.read_text(encoding="utf-8").count('<details class="table"') == tables


def test_the_run_left_the_page_behind(shared_home: Home, refreshed) -> None:
    assert "The publish gate is open" in (shared_home.path / "quality_report.html").read_text(
        encoding="utf-8"
    )
    assert f"Page: {refreshed.made_in / 'quality_report.html'}" in refreshed.refreshed


def test_only_some_tables(leadflow, shared_home: Home, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    told = leadflow(
        shared_home.path, "quality", "--table", "raw.mql", "--table", "kpi.kpi_mart", "--html", page
    )
    assert re.findall(r"(?m)^(\w+\.\w+) ", told.out) == ["raw.mql", "kpi.kpi_mart"]
    assert re.search(r"(?m)^2 of \d+ tables", told.out)
    assert "clean.clean_leads" in page.read_text(encoding="utf-8")
    failed = leadflow(shared_home.path, "quality", "--table", "raw.mql", "--failed", "--html", page)
    assert "raw.mql" not in failed.out
    assert failed.status == 0


@pytest.fixture(scope="module")
def broken(shared_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which clean.lead_records promises what its personal data does not keep; the run left its page."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(REPOSITORY / "dbt_like_sql", folder / "project" / "dbt_like_sql")
    contract = folder / "project" / "dbt_like_sql" / "clean" / "schema.yml"
    text = contract.read_text(encoding="utf-8")
    column = '"E-mail address as given", meta: {pii: true'
    assert column in text
    test = "expect_column_values_to_match_regex: {arguments: {regex: nowhere}}"
    line = next(line for line in text.splitlines() if column in line)
    assert line.endswith("}")
    contract.write_text(text.replace(line, f"{line[:-1]}, data_tests: [{{{test}}}]}}"), encoding="utf-8")
    home = shared_home.copy_to(folder / "home", project_dir=folder / "project")
    (home.path / "quality_report.html").unlink()
    assert not home.run([RECORDS]).success
    return home


def test_a_run_in_which_a_check_failed_leaves_the_page_behind(broken: Home) -> None:
    page = (broken.path / "quality_report.html").read_text(encoding="utf-8")
    name = "expect_column_values_to_match_regex__email"
    assert f'<li class="check failed" id="clean.lead_records.{name}"' in page
    assert "The publish gate is shut" in page


def test_no_personal_data_is_on_the_page_or_the_terminal(leadflow, broken: Home) -> None:
    told = leadflow(broken.path, "quality", project_dir=broken.project_dir)
    page = (broken.path / "quality_report.html").read_text(encoding="utf-8")
    assert "***@" in page
    assert "***@" in told.out
    for column in ("email", "phone", "full_name"):
        # A number that is all zeros stands in the page as part of ids, too.
        given = broken.rows(
            f"select distinct {column} from clean.lead_records "
            f"where length({column}) > 5 and not regexp_full_match({column}, '0+')"
        )
        assert len(given) > 50
        assert [value for (value,) in given if value in page or value in told.out] == []


def test_a_failed_check_is_told_with_its_rows_and_by_the_exit_status(leadflow, broken: Home) -> None:
    told = leadflow(broken.path, "quality", "--failed", project_dir=broken.project_dir)
    assert told.status == 1
    assert told.err == ""
    sentence = r"(?m)^failed   clean\.lead_records \w+: email fails .* in (\d+) of \1 rows \(100\.0 %\) \[clean/schema\.yml:\d+\]$"
    assert re.search(sentence, told.out)
    assert len(re.findall(r"(?m)^ +record_key \S+, email \S\*\*\*@", told.out)) == 5
    assert "The publish gate is shut, because clean.lead_records failed " in told.out
    others = leadflow(broken.path, "quality", "--table", "raw.mql", project_dir=broken.project_dir)
    assert others.status == 0
    assert "The publish gate is shut" in others.out


def test_the_page_is_opened_where_that_is_asked_for(leadflow, broken: Home, tmp_path, monkeypatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    page = tmp_path / "some page.html"
    leadflow(broken.path, "quality", "--html", page, project_dir=broken.project_dir)
    assert opened == []
    leadflow(broken.path, "quality", "--html", page, "--open", project_dir=broken.project_dir)
    assert opened == [page.as_uri()]


# What can be in the way


def test_an_unknown_table_is_told_with_the_nearest(leadflow, shared_home: Home) -> None:
    told = leadflow(shared_home.path, "quality", "--table", "clean.clean_lead")
    assert told.status == 1
    assert "no contract describes a table 'clean.clean_lead' with checks (did you mean 'clean.clean_leads'?)" in told.err  # fmt: skip


def test_a_home_without_a_warehouse(leadflow, tmp_path: Path) -> None:
    told = leadflow(tmp_path / "home", "quality")
    assert told.status == 1
    assert "warehouse.duckdb does not exist: run `leadflow run` or `leadflow demo` first." in told.err
    assert not (tmp_path / "home").exists()


def test_a_warehouse_that_holds_nothing(leadflow, tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    told = leadflow(tmp_path, "quality")
    assert told.status == 1
    assert "holds no table yet, so there is nothing to report: run `leadflow run`" in told.err


def test_a_warehouse_that_is_no_database(leadflow, tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("no database\n" * 100, encoding="utf-8")
    told = leadflow(tmp_path, "quality")
    assert told.status == 1
    assert "warehouse.duckdb cannot be opened (" in told.err


def test_a_page_that_cannot_be_written(leadflow, shared_home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    told = leadflow(shared_home.path, "quality", "--html", tmp_path / "file" / "page.html")
    assert told.status == 1
    assert "page.html cannot be written (" in told.err
    assert "The publish gate is open" in told.out


@pytest.fixture
def held(own_home: Home) -> Iterator[Home]:
    """A home whose refresh lock and warehouse another process holds."""
    code = (
        "import sys, duckdb\n"
        "from pathlib import Path\n"
        "from leadflow.warehouse.lock import refresh_lock\n"
        "with refresh_lock(Path(sys.argv[1]) / 'refresh.lock', purpose='run abc', wait_seconds=0):\n"
        "    warehouse = duckdb.connect(str(Path(sys.argv[1]) / 'warehouse.duckdb'))\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(own_home.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        own_home.path.joinpath("pid").write_text(str(process.pid), encoding="utf-8")
        yield own_home
    finally:
        process.communicate("\n")


def test_a_refresh_that_holds_the_warehouse_is_named(leadflow, held: Home) -> None:
    pid = held.path.joinpath("pid").read_text(encoding="utf-8")
    told = leadflow(held.path, "quality", connect_wait_seconds=0.3)
    assert told.status == 1
    assert (
        f"run abc (process {pid}) holds {held.warehouse}, for longer than 0.3 seconds at a time" in told.err
    )


def test_during_a_refresh_the_report_says_so(
    leadflow, shared_home: Home, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("leadflow.warehouse.quality_report.holder", lambda _: "run abc (process 7)")
    told = leadflow(shared_home.path, "quality", "--html", tmp_path / "page.html")
    assert "run abc (process 7) is refreshing it" in told.out
    assert "run abc (process 7) is refreshing it" in (tmp_path / "page.html").read_text(encoding="utf-8")
