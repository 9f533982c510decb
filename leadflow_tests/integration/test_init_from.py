"""`leadflow init --from` and what `leadflow doctor` says of sources, as commands."""

import os
from pathlib import Path

import duckdb
import pytest
from homes import Home, leadflow

from leadflow.cli.main import TEMPLATES

LEADS = "Lead ID,Work Email,Mobile Phone,Company,Job Title,Lead Source,Created Date\n" + "".join(
    f"L{n},p{n}@firm{n}.example,+49 30 5550{n:03},Firm {n},CTO,{'Select' if n % 2 else 'Ads'},{n:02}/03/2026\n"
    for n in range(1, 29)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of leads, beside the home."""
    (tmp_path / "my leads.csv").write_text(LEADS, encoding="utf-8")
    return tmp_path / "my leads.csv"


def test_from_an_unknown_file_to_scored_leads(tmp_path: Path, file: Path) -> None:
    told = leadflow(tmp_path / "home", "init", "--from", file)
    assert told.returncode == 0, told
    assert "fills raw.mql" in told.stdout
    home = Home(tmp_path / "home", tmp_path / "home" / "sources.yaml")
    assert home.make(as_of="2026-04-01").success
    found = home.rows(
        "select mql_id, email, title, channel, occurred_at::date::varchar from raw.mql order by 1 limit 2"
    )
    assert found == [
        ("L1", "p1@firm1.example", "CTO", None, "2026-03-01"),
        ("L10", "p10@firm10.example", "CTO", "Ads", "2026-03-10"),
    ]
    assert home.value("select count(*) from scoring.scored_leads") == 28


DEALS = "Deal Id,Account,Rep,Deal Stage,Created Date,Close Date,Amount\n" + "".join(
    f"D{n},{f'Firm {n}' if n % 3 else ''},Ann,{('Won', 'Lost', 'Open')[n % 3]},2025-{n % 9 + 1:02}-01,2025-{n % 9 + 3:02}-05,{n}00\n"
    for n in range(1, 31)
)


def test_from_a_file_of_deals_to_scored_leads(tmp_path: Path) -> None:
    """A deal is no lead: a second source over the same rows makes one, and the deal names it."""
    (tmp_path / "deals.csv").write_text(DEALS, encoding="utf-8")
    told = leadflow(tmp_path / "home", "init", "--from", tmp_path / "deals.csv")
    assert told.returncode == 0, told
    assert "The same rows fill raw.sql_leads by a second source" in told.stdout
    assert "Not every row has 'Account'" in told.stdout
    home = Home(tmp_path / "home", tmp_path / "home" / "sources.yaml")
    assert home.make(as_of="2026-04-01").success
    assert home.value("select count(*) from scoring.scored_leads") == 30
    tied = "select count(*) from raw.opportunities join raw.sql_leads using (sql_lead_id)"
    assert home.value(tied) == 30


def test_without_a_source_of_leads_everyone_says_so(tmp_path: Path, lean_project_dir: Path) -> None:
    (tmp_path / "deals.csv").write_text(DEALS, encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    outcome = "{column: Deal Stage, values: {Won: won, Lost: lost}, other: null}"
    columns = f"{{opportunity_id: Deal Id, outcome: {outcome}}}"
    source = f"{{name: deals, table: opportunities, path: {tmp_path}/deals.csv, columns: {columns}, occurred_at: Created Date}}"
    (home / "sources.yaml").write_text(f"sources:\n  - {source}\n", encoding="utf-8")
    sentence = "o source fills mql or sql_leads, so there are no leads to score: add a source of leads"
    doctor = leadflow(home, "doctor")
    assert doctor.returncode == 0, doctor
    assert f"NOTE     n{sentence}" in doctor.stdout
    assert "`table: sql_leads` over the path of 'deals'" in doctor.stdout
    run = leadflow(home, "run", project_dir=lean_project_dir)
    assert run.returncode == 0, run
    assert f"N{sentence}" in run.stdout
    assert "No lead is scored: all" not in run.stdout


def test_leads_that_cleaning_rejects_are_told_with_the_rule(tmp_path: Path, lean_project_dir: Path) -> None:
    text = "id,email,made\n" + "".join(f"{n},{n:032x},2026-01-{n:02}\n" for n in range(1, 23))
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    home = tmp_path / "home"
    told = leadflow(home, "init", "--from", tmp_path / "leads.csv")
    assert "0% of its values look like e-mail addresses" in told.stdout
    proposed = (home / "sources.yaml").read_text(encoding="utf-8")
    assert "      # email: email  # 0% of its values" in proposed
    (home / "sources.yaml").write_text(
        proposed.replace("# email: email  #", "email: email  #"), encoding="utf-8"
    )
    run = leadflow(home, "run", project_dir=lean_project_dir)
    assert run.returncode == 0, run
    assert (
        "No lead is scored: all 22 lead records were rejected by cleaning: 22 x email_invalid (" in run.stdout
    )
    assert "Look at clean.rejected_leads in" in run.stdout


def test_a_sources_yaml_of_ones_own_is_kept(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yaml").write_text("mine\n", encoding="utf-8")
    first = leadflow(home, "init", "--from", file, "--table", "sql_leads", "--name", "crm")
    assert first.returncode == 0, first
    assert (home / "sources.yaml").read_text(encoding="utf-8") == "mine\n"
    proposed = (home / "sources.proposed.yaml").read_text(encoding="utf-8")
    assert "  - name: crm\n    table: sql_leads  # as it was asked for" in proposed
    second = leadflow(home, "init", "--from", file)
    assert second.returncode == 1
    assert "are there already: take over what you want of sources.proposed.yaml" in second.stderr
    assert (home / "sources.proposed.yaml").read_text(encoding="utf-8") == proposed


def test_the_untouched_template_gives_way(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yaml").write_bytes((TEMPLATES / "sources.yaml").read_bytes())
    assert leadflow(home, "init", "--from", file).returncode == 0
    assert "table: mql" in (home / "sources.yaml").read_text(encoding="utf-8")


def test_parquet_with_types_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    rows = "i::bigint as lead_id, 'a' || i || '@b.example' as email, date '2026-01-01' + i::integer as created, i % 2 = 0 as flag"
    duckdb.sql(f"copy (select {rows} from range(50) as t(i)) to '{path}'")
    assert leadflow(tmp_path / "home", "init", "--from", path).returncode == 0
    told = leadflow(tmp_path / "home", "doctor")
    assert told.returncode == 0, told
    assert "2026-01-01 00:00 to 2026-02-19 00:00" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nothing.csv"], "nothing.csv does not exist: give --from"),
        (["empty.csv"], "empty.csv is empty"),
        (["leads.xyz"], "cannot be told from its name"),
        (
            ["leads.csv.zip"],
            "packed in a way that is not read: unpack it, or pack it with gzip (.gz) or zstd",
        ),
        (["ok.csv", "--table", "lead"], "--table 'lead' is no raw table: take one of mql"),
        (["ok.csv", "--name", "My Leads"], "--name 'My Leads' is no name of a source"),
        (["$x.csv"], "has a '$' in its path"),
    ],
    ids=["missing", "empty", "format", "packed", "table", "name", "variable"],
)
def test_what_cannot_be_proposed_from_is_told(tmp_path: Path, arguments, reason) -> None:
    (tmp_path / "empty.csv").touch()
    for name in ("leads.xyz", "leads.csv.zip", "ok.csv", "$x.csv"):
        (tmp_path / name).write_text(LEADS, encoding="utf-8")
    told = leadflow(tmp_path / "home", "init", "--from", tmp_path / arguments[0], *arguments[1:])
    assert told.returncode == 1
    assert reason in told.stderr
    assert not (tmp_path / "home" / "sources.yaml").exists()


SOURCES = """
folder: ..
sources:
  - name: good
    table: mql
    path: my leads.csv
    columns: {mql_id: Lead ID, email: Work Email, phone: Mobile Phone}
    occurred_at: {expression: "strptime(\\"Created Date\\", '%d/%m/%Y')"}
  - name: wrong_column
    table: mql
    path: my leads.csv
    columns: {mql_id: Lead Id}
    known_at: landed
  - name: wrong_dates
    table: mql
    path: my leads.csv
    columns: {mql_id: Lead ID}
    occurred_at: Created Date
  - name: odd
    table: opportunities
    path: odd.csv
    columns: {opportunity_id: id, contract_value: amount}
    occurred_at: at
"""


def test_doctor_looks_at_every_source_and_masks_persons(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    odd = [f"{n},{n},2026-01-{n:02}" for n in range(1, 29)] + [
        "28,29,2026-01-29",
        "30,many,2126-01-30",
        "31,3",
    ]
    (tmp_path / "odd.csv").write_text(os.linesep.join(["id,amount,at", *odd]) + os.linesep, encoding="utf-8")
    told = leadflow(home, "doctor")
    assert told.returncode == 1
    problems = [line for line in told.stdout.splitlines() if line.startswith("PROBLEM")]
    assert len(problems) == 2
    assert "sources.yaml:12 source 'wrong_column' reads the column 'Lead Id'" in problems[0]
    assert "did you mean 'Lead ID'" in problems[0]
    assert "sources.yaml:18 source 'wrong_dates': no value of" in problems[1]
    assert "p1@firm1.example" not in told.stdout
    assert "row 1: mql_id=L1, email=p***@firm1.example, phone=***01" in told.stdout
    assert "my leads.csv: all 28 rows were looked at" in told.stdout
    assert "nothing is mapped from Company, Job Title, Lead Source" in told.stdout
    assert "1 rows repeat the key of an earlier one" in told.stdout
    assert "1 x contract_value: row kept, value set to null: the value is not readable" in told.stdout
    assert "3.3% of the rows occurred later than now" in told.stdout
    assert not (home / "warehouse.duckdb").exists()


def test_doctor_looks_at_the_beginning_of_a_large_file(tmp_path: Path) -> None:
    home, path = tmp_path / "home", tmp_path / "many.csv"
    duckdb.sql(
        f"copy (select i as id, if(i = 250000, 'late', '2026-01-01') as at from range(300000) t(i)) to '{path}' (header)"
    )
    assert leadflow(home, "init", "--from", path, "--table", "mql").returncode == 0
    told = leadflow(home, "doctor")
    assert told.returncode == 0, told
    assert "many.csv: the first 100,000 rows were looked at; the file has more" in told.stdout
    assert "late" not in told.stdout
