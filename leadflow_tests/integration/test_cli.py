"""The command line: its commands, their exit statuses, and one sentence for whatever is wrong.

Commands run in this process, which spares their imports; the whole line as a person starts it is in e2e/.
"""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from homes import REPOSITORY, Home, lean_project

from leadflow import cli
from leadflow.cli.main import TEMPLATES
from leadflow.ingest.assets import raw_tables
from leadflow.ingest.source_values import Backdated, Constant, Expression, FromColumn, KeyOf
from leadflow.ingest.sources import load_sources
from leadflow.policy import load_policy
from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings

OPTIONS = {
    "demo": ["--leads", "--events-per-lead", "--seed"],
    "init": ["--from", "--table", "--name"],
    "run": ["--sources", "--policy", "--as-of", "--full"],
    "retrain": ["--policy"],
    "dev": ["--host", "--port"],
    "simulate": ["--leads", "--events-per-lead", "--seed", "--out", "--messy", "--deliveries"],
    "doctor": [],
    "quality": ["--table", "--failed", "--html", "--open"],
    "find": ["TEXT", "--json"],
    "pin": ["ONE", "OTHER", "--together", "--apart", "--reason"],
    "unpin": ["PIN_ID"],
    "undo": ["EVENT_ID"],
    "merges": ["--lead"],
    "train-matching": [],
    "explain": ["LEAD_ID", "--as-of", "--language"],
    "backtest": ["--policy", "--from", "--to", "--every", "--model", "--calls-per-week", "--out"],
    "forget": ["TEXT"],
    "dashboard": [],
}
"""Every command and what it takes."""

FORMS = "sources:\n  - name: forms\n    table: mql\n    path: forms.csv\n    columns: {mql_id: form}\n    occurred_at: at\n"


@dataclass(frozen=True)
class Told:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, in force for the commands; nothing is in it."""
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", "set by a command, and unset again after the test")
    return tmp_path / "home"


@pytest.fixture
def leadflow(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The leadflow command, called as from a shell."""

    def call(*arguments: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["leadflow", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as done:
            status = int(done.code or 0)
        return Told(status, *capsys.readouterr())

    return call


def wanted(home: Path, name: str, text: str) -> Path:
    """A file of the home, with its folder."""
    home.mkdir(parents=True, exist_ok=True)
    (home / name).write_text(text, encoding="utf-8")
    return home / name


def test_help_lists_every_command(leadflow):
    told = leadflow("--help")
    assert told.status == 0
    listed = re.findall(r"^  ([\w-]+) ", told.out.partition("Commands:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(OPTIONS)


@pytest.mark.parametrize("command", OPTIONS)
def test_every_command_takes_what_the_design_says(leadflow, command):
    told = leadflow(command, "--help")
    assert told.status == 0
    assert [option for option in OPTIONS[command] if option not in told.out] == []


def test_version(leadflow):
    assert re.fullmatch(r"leadflow, version \d+\.\d+\.\d+\n", leadflow("--version").out)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["forget", "ann@example.com"], "was erased"),
        (["dashboard"], "marts.duckdb"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_is_not_built_yet_says_so_and_fails(leadflow, home, arguments, remedy):
    told = leadflow(*arguments)
    assert told.status == 1
    assert "is not built yet" in told.err
    assert remedy in told.err
    assert told.out == ""
    assert not (home / "sources.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["runn"], "No such command 'runn'"),
        (["run", "--asof", "2026-01-01"], "No such option"),
        (["simulate", "--leads", "10"], "Missing option '--out'"),
        (["simulate", "--leads", "0", "--out", "x"], "0 is not in the range"),
        (["simulate", "--leads", "many", "--out", "x"], "'many' is not a valid integer"),
        (["explain"], "Missing argument 'LEAD_ID'"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_wrong_usage_has_its_own_exit_status(leadflow, arguments, reason):
    told = leadflow(*arguments)
    assert told.status == 2
    assert reason in told.err


def test_init_writes_both_files_once_and_keeps_what_is_there(leadflow, home):
    first = leadflow("init")
    assert first.status == 0
    assert first.out == f"Wrote {home / 'sources.yaml'}\nWrote {home / 'policy.yaml'}\n"
    assert load_policy(home / "policy.yaml").version == load_policy(None).version
    (home / "policy.yaml").write_text("maturity_pass_mark: 60\n", encoding="utf-8")
    second = leadflow("init")
    assert second.out == f"Kept {home / 'sources.yaml'}\nKept {home / 'policy.yaml'}\n"
    assert (home / "policy.yaml").read_text(encoding="utf-8") == "maturity_pass_mark: 60\n"


def uncommented(example: str | None = None) -> str:
    """The template with its examples, or the one of that name, taken out of their comments as it tells people to."""
    text = (TEMPLATES / "sources.yaml").read_text(encoding="utf-8")
    blocks = re.split(r"(?m)^(?=#  - name: )", text)
    for index, block in enumerate(blocks):
        if index and (example is None or f"name: {example}\n" in block):
            blocks[index] = re.sub(r"(?m)^#(?=  )", "", block)
    return "".join(blocks)


def raw_columns() -> dict[str, list[str]]:
    """Columns that a source may fill, by raw table."""
    contracts = load_contracts(load_settings().sql_dir)
    return {
        name.removeprefix("raw."): [column.name for column in contracts[name].columns]
        for name in raw_tables(contracts)
    }


def test_the_examples_of_the_template_are_right_and_show_every_way(tmp_path):
    path = wanted(tmp_path, "sources.yaml", uncommented())
    sources = load_sources(path, raw_columns()).config.sources
    contracts = load_contracts(load_settings().sql_dir)
    for source in sources:
        assert set(contracts[f"raw.{source.table}"].natural_key) <= set(source.columns), source.name
    mappings = [mapping for source in sources for mapping in source.columns.values()]
    assert {type(mapping) for mapping in mappings} == {str, FromColumn, Expression, Constant, KeyOf}
    known = [source.known_at for source in sources]
    assert {"occurred_at", "landed", FromColumn, Backdated} == {
        each if isinstance(each, str) else type(each) for each in known
    }
    assert any(source.path.endswith(".parquet") for source in sources)
    assert any("${" in source.path for source in sources)
    assert any(isinstance(source.occurred_at, Expression) for source in sources)
    attributes = [attribute for source in sources for attribute in source.attributes.values()]
    assert {type(attribute.known_at) for attribute in attributes} == {type(None), FromColumn}
    for setting in ("time_zone", "date_formats", "null_values", "numbers"):
        assert any(getattr(source, setting) for source in sources), setting
    for setting in ("values", "format", "time_zone", "null_values"):
        assert any(getattr(mapping, setting, None) for mapping in mappings), setting
    assert any(source.read_options.delim for source in sources)


def test_every_raw_table_is_in_the_table_of_the_template():
    comment = (TEMPLATES / "sources.yaml").read_text(encoding="utf-8").partition("\nversion:")[0]
    contracts = load_contracts(load_settings().sql_dir)
    for name in raw_tables(contracts):
        (key,) = contracts[name].natural_key
        assert re.search(rf"(?m)^# {name.removeprefix('raw.')} .* {key}$", comment), name


def test_the_template_as_written_says_that_it_needs_a_source(leadflow, home):
    leadflow("init")
    told = leadflow("run")
    line = (home / "sources.yaml").read_text(encoding="utf-8").splitlines().index("sources:") + 1
    assert told.status == 1
    assert f"{home / 'sources.yaml'}:{line} sources: needs at least one source" in told.err


def test_the_first_example_works_on_a_file_with_its_columns(leadflow, home):
    leadflow("init")
    wanted(home, "sources.yaml", uncommented("website_forms"))
    header = "Form ID,E-mail,Name,Company,Job Title,Country,Submitted"
    wanted(home / "landing", "forms.csv", f"{header}\n1,a@example.com,Ann,Example,CTO,DE,2026-01-01 10:00\n")
    told = leadflow("doctor")
    assert told.status == 0, told
    assert "source 'website_forms' fills raw.mql from 1 file(s), forms.csv first" in told.out


def test_run_without_sources_says_what_to_do(leadflow, home):
    told = leadflow("run")
    assert told.status == 1
    assert f"{home / 'sources.yaml'} does not exist: create it, or run `leadflow init`" in told.err
    assert not (home / "warehouse.duckdb").exists()


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("maturity_pass_mark: 50\ndecai: 3\n", ":2 decai: is not a known setting"),
        (
            "\ntiers:\n  hot_above: 30\n  warm_from: 40\n",
            ":2 tiers: warm_from (40) must be below hot_above (30)",
        ),
        ("tiers: {hot_above: 80\n", " is not valid YAML"),
        ("maturity_pass_mark: high\n", ":1 maturity_pass_mark: "),
    ],
    ids=["unknown_key", "overlapping_tiers", "not_yaml", "not_a_number"],
)
def test_run_with_a_wrong_policy_names_its_line_and_does_nothing(leadflow, home, policy, reason):
    path = wanted(home, "policy.yaml", policy)
    wanted(home, "sources.yaml", FORMS)
    told = leadflow("run")
    assert told.status == 1
    assert f"{path}{reason}" in re.sub(r"(policy.yaml):\d+ is not", r"\1 is not", told.err)
    assert not (home / "warehouse.duckdb").exists()


def test_run_with_a_policy_that_is_not_there(leadflow, home):
    wanted(home, "sources.yaml", FORMS)
    told = leadflow("run", "--policy", home / "nowhere.yaml")
    assert told.status == 1
    assert f"{home / 'nowhere.yaml'} does not exist" in told.err


def test_run_with_a_moment_that_is_none(leadflow, home):
    told = leadflow("run", "--as-of", "yesterday")
    assert told.status == 1
    assert "as_of 'yesterday' is not a moment: write it as 2026-06-30" in told.err


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        (FORMS, ":4 source 'forms': {home}/forms.csv does not exist: put the file there, or mend the path"),
        (FORMS.replace("mql_id: form", "mql_id: forn"), ":5 source 'forms' reads the column 'forn', which"),
    ],
    ids=["missing_file", "unknown_column"],
)
def test_run_names_the_line_of_a_source_that_does_not_fit(leadflow, home, sources, reason):
    wanted(home, "sources.yaml", f"{sources}clock: newest_fact\n")
    if "forn" in sources:
        wanted(home, "forms.csv", "form,at\n1,2026-01-01\n")
    told = leadflow("run")
    assert told.status == 1
    assert f"{home / 'sources.yaml'}{reason.format(home=home)}" in told.err
    assert "nothing was published" in told.err
    assert told.err.count("forms.csv") <= 1, "the same reason is told once"
    assert not (home / "marts.duckdb").exists()


def test_an_unknown_table_or_column_of_leadflow_is_told_with_the_nearest(leadflow, home):
    wanted(home, "sources.yaml", FORMS.replace("table: mql", "table: mqls").replace("mql_id", "mql_nr"))
    assert (
        ":3 source 'forms' fills the raw table 'mqls', which does not exist (did you mean 'mql'?)"
        in leadflow("run").err
    )
    wanted(home, "sources.yaml", FORMS.replace("mql_id: form", "mql_id: form, titel: title"))
    assert "fills 'titel', which raw.mql does not have (did you mean 'title'?)" in leadflow("run").err


def test_run_names_the_check_that_failed(leadflow, home, tmp_path, monkeypatch):
    project = lean_project(tmp_path / "project")
    contract = project / "dbt_like_sql" / "raw" / "schema.yml"
    text = contract.read_text(encoding="utf-8")
    assert "- name: channel\n" in text
    contract.write_text(
        text.replace("- name: channel\n", "- name: channel\n      data_tests: [not_null]\n", 1)
    )
    monkeypatch.setenv("LEADFLOW_PROJECT_DIR", str(project))
    wanted(home, "sources.yaml", FORMS)
    wanted(home, "forms.csv", "form,at\n1,2026-01-01\n2,2026-01-02\n")
    told = leadflow("run", "--as-of", "2026-02-01")
    assert told.status == 1
    assert "error raw.mql not_null__channel: channel is null in 2 of 2 rows" in told.out
    assert "the refresh did not finish: raw.mql not_null__channel failed" in told.err
    assert "nothing was published" in told.err
    assert leadflow("doctor").err.startswith("leadflow: 1 of ")


def test_a_wrong_setting_is_named_by_its_variable(leadflow, monkeypatch):
    monkeypatch.setenv("LEADFLOW_THREADS", "all")
    told = leadflow("doctor")
    assert told.status == 1
    assert "setting LEADFLOW_THREADS = 'all'" in told.err


def test_doctor_on_a_refreshed_home_finds_nothing_wrong(leadflow, shared_home: Home, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(shared_home.path))
    monkeypatch.setenv("LEADFLOW_SOURCES", str(shared_home.sources))
    told = leadflow("doctor")
    assert told.status == 0, told
    lines = [line for line in told.out.splitlines() if not line.startswith(" ")]
    assert all(line.startswith("ok ") for line in lines)
    assert sum("source '" in line for line in lines) == 13
    assert any("refresh 1 looked from" in line for line in lines)
    assert any("mart published at" in line for line in lines)


def test_doctor_tells_what_a_changed_model_means_no_longer(leadflow, tmp_path: Path, monkeypatch):
    shutil.copytree(REPOSITORY / "dbt_like_sql", tmp_path / "project" / "dbt_like_sql")
    model = tmp_path / "project" / "dbt_like_sql" / "staging" / "stg_company_reference.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("lower(trim(domain))", "trim(domain)"))
    monkeypatch.setenv("LEADFLOW_PROJECT_DIR", str(tmp_path / "project"))
    told = leadflow("doctor")
    assert told.status == 1
    assert (
        "stg_company_reference::domains_are_lower_case: the model makes other rows than expected" in told.out
    )
    assert "north.example → North.Example" in told.out


def test_doctor_marks_each_problem_and_goes_on(leadflow, home):
    wanted(home, "policy.yaml", "decai: 3\n")
    told = leadflow("doctor")
    assert told.status == 1
    problems = [line for line in told.out.splitlines() if line.startswith("PROBLEM")]
    assert len(problems) == 2
    assert "policy.yaml:1 decai" in problems[0]
    assert "sources.yaml does not exist" in problems[1]
    assert "leadflow: 2 of 7 checks found a problem" in told.err


def test_explain_shows_the_stored_score_and_its_reasons(leadflow, shared_home: Home, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(shared_home.path))
    ((lead_id, score, tier, reason),) = shared_home.rows(
        "select lead_id, score, tier, top_reason_1 from scored_leads order by score desc, lead_id limit 1",
        of=shared_home.marts,
    )
    told = leadflow("explain", lead_id)
    assert told.status == 0
    first, *others = told.out.splitlines()
    assert first.startswith(f"{lead_id}: score {score:.1f}, {tier}, ")
    ranked = [line for line in others if re.match(r"\s+\d+\. ", line)]
    assert f" 1. {reason} (" in ranked[0]
    count = "select count(*) from score_reasons where lead_id = ?"
    assert len(ranked) == shared_home.value(count, [lead_id], of=shared_home.marts)


def test_explain_of_a_lead_that_is_not_there(leadflow, shared_home: Home, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(shared_home.path))
    told = leadflow("explain", "nobody")
    assert told.status == 1
    assert "holds no lead 'nobody': take a lead_id from its table scored_leads" in told.err


def test_explain_before_the_first_refresh(leadflow, home):
    told = leadflow("explain", "nobody")
    assert told.status == 1
    assert f"{home / 'marts.duckdb'} does not exist: run `leadflow run`" in told.err


def test_simulate_writes_the_files_and_says_how_to_go_on(leadflow, tmp_path):
    out = tmp_path / "company"
    told = leadflow("simulate", "--leads", 50, "--events-per-lead", 2, "--seed", 3, "--out", out)
    assert told.status == 0
    assert told.out.startswith("Simulated 50 submissions of ")
    assert f"leadflow run --sources {out / 'sources.yaml'}" in told.out
    paths = [source.path for source in load_sources(out / "sources.yaml", raw_columns()).config.sources]
    assert {path.name for path in out.iterdir()} == {*paths, "sources.yaml", "truth.parquet", "truth"}
    assert duckdb.sql(f"select count(*) from read_csv('{out / 'mql.csv'}')").fetchall() == [(50,)]


def test_simulate_also_writes_a_sequence_of_deliveries(leadflow, tmp_path):
    size = ("--leads", 60, "--events-per-lead", 2, "--clean", "--deliveries", 3)
    told = leadflow("simulate", *size, "--out", tmp_path)
    assert told.status == 0
    sources = tmp_path / "deliveries" / "sources.yaml"
    assert f"The same facts as a sequence of files: {sources}" in told.out
    mapped = load_sources(sources, raw_columns()).config.sources
    assert all(list(sources.parent.glob(source.path)) for source in mapped)
    fakes = f"select distinct fake_kind from '{tmp_path}/truth/lead_records.parquet'"
    assert duckdb.sql(fakes).fetchall() == [("none",)]
    told = leadflow("simulate", "--leads", 60, "--deliveries", 400, "--out", tmp_path)
    assert told.status == 1
    assert "ask for 0 to 366" in told.err


def test_demo_does_not_overwrite_sources_of_your_own(leadflow, home):
    path = wanted(home, "sources.yaml", FORMS)
    told = leadflow("demo", "--leads", 50)
    assert told.status == 1
    assert f"{path} describes sources of your own" in told.err
    assert path.read_text(encoding="utf-8") == FORMS


def test_dev_opens_the_ui_on_the_same_home(leadflow, home, monkeypatch, tmp_path):
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: started.append(command))
    monkeypatch.chdir(tmp_path)
    told = leadflow("dev", "--port", 4000)
    assert told.status == 0
    ((_, *command),) = started
    assert command[-4:] == ["-h", "127.0.0.1", "-p", "4000"]
    assert "leadflow.definitions" in command
    assert f"http://127.0.0.1:4000 for the home {home}" in told.out
    assert "enabled: false" in (home / "dagster" / "dagster.yaml").read_text(encoding="utf-8")


def test_demo_keeps_one_company_to_a_home(leadflow, home):
    mark = "# Written by `leadflow demo`, which writes it anew each time: 70 leads, 20 events each, seed 3."
    wanted(home, "sources.yaml", f"{mark}\n{FORMS}")
    told = leadflow("demo", "--leads", 50)
    assert told.status == 1
    assert "another simulated company (70 leads, 20 events each, seed 3.)" in told.err
