"""sources.yaml: what it may say, and that every mistake is told with its file and line."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from leadflow.errors import ConfigError, LeadflowError, SourceError
from leadflow.ingest.source_values import Backdated, Constant, Expression, FromColumn
from leadflow.ingest.sources import SourceFiles, file_format, load_sources, nearest

RAW_COLUMNS = {"mql": ["mql_id", "email", "channel"], "web_events": ["event_id", "visitor_id"]}

HEAD = """\
version: 1
sources:
  - name: forms
    table: mql
    path: forms.csv
    columns:
      mql_id: Form ID
"""
"""Seven lines, into whose columns a case goes on."""


def load(folder: Path, text: str) -> SourceFiles:
    path = folder / "sources.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_sources(path, RAW_COLUMNS)


def refused(folder: Path, text: str) -> str:
    """The problem and remedy, with the folder's name left out."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_everything_a_source_may_say(tmp_path: Path) -> None:
    files = load(
        tmp_path,
        HEAD
        + """\
      email: {expression: "lower(\\"E-mail\\")"}
      channel: {constant: trade fair}
    occurred_at: Created
    known_at: {column: Updated}
    attributes:
      Budget (EUR): {column: Budget, type: number, description: What they can spend}
    read_options: {delim: ";", quote: "'", escape: "\\\\", encoding: latin-1}
    format: csv
    max_rejected_share: 0.5
  - name: tracker
    table: raw.web_events
    path: events/*.parquet
    columns: {event_id: id}
    known_at: landed
  - name: register
    table: mql
    path: old.csv
    columns: {mql_id: id}
    known_at: {backdated: it never changes}
""",
    )
    forms, tracker, register = files.config.sources
    assert forms.columns == {
        "mql_id": "Form ID",
        "email": Expression(expression='lower("E-mail")'),
        "channel": Constant(constant="trade fair"),
    }
    assert forms.known_at == FromColumn(column="Updated")
    assert forms.attributes["Budget (EUR)"].type == "number"
    assert forms.read_options.model_dump(exclude_none=True) == {
        "delim": ";",
        "quote": "'",
        "escape": "\\",
        "encoding": "latin-1",
    }
    assert tracker.table == "web_events", "raw. may be written and is dropped"
    assert tracker.known_at == "landed"
    assert register.known_at == Backdated(backdated="it never changes")
    assert files.for_table("mql") == [forms, register]
    assert files.where(tracker, "path") == f"{tmp_path}/sources.yaml:19"
    assert files.config.clock == "now"


@pytest.mark.parametrize(
    ("constant", "value"),
    [("true", True), ("3", 3), ("2.5", 2.5), ("'3'", "3"), ("O'Brien; drop", "O'Brien; drop")],
)
def test_a_constant_keeps_its_type(tmp_path: Path, constant: str, value: object) -> None:
    source = load(
        tmp_path, HEAD + f"      email: {{constant: {constant}}}\n    occurred_at: t\n"
    ).config.sources[0]
    assert isinstance(source.columns["email"], Constant)
    assert source.columns["email"].constant == value
    assert type(source.columns["email"].constant) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "      emial: x\n    occurred_at: t\n", "sources.yaml:8 source 'forms' fills 'emial', which raw.mql does not have (did you mean 'email'?)"),
        (HEAD + "      Email: x\n    occurred_at: t\n", "(did you mean 'email'?)"),
        (HEAD + "      qqq: x\n    occurred_at: t\n", "sources.yaml:8 source 'forms' fills 'qqq', which raw.mql does not have: mend"),
        (HEAD.replace("table: mql", "table: mqll") + "    occurred_at: t\n", "sources.yaml:4 source 'forms' fills the raw table 'mqll', which does not exist (did you mean 'mql'?)"),
        (HEAD + "      occurred_at: t\n", "sources.yaml:8 source 'forms' sets occurred_at among its columns; set it beside them"),
        (HEAD, "sources.yaml:3 source 'forms' does not say when its facts occurred; set occurred_at"),
        (HEAD + "    known_at: {column: Updated}\n", "sources.yaml:3 source 'forms' does not say when its facts occurred"),
        (HEAD + "    occurred_at: t\n" + HEAD.split("sources:\n")[1] + "    occurred_at: t\n", "sources.yaml:9 source 'forms' has the name of another source"),
        (HEAD.replace("name: forms", "name: Web Forms") + "    occurred_at: t\n", "sources.yaml:3 sources.0.name: String should match pattern"),
        (HEAD + "    occurred_at: t\n    known_at: Created\n", "sources.yaml:9 sources.0.known_at: 'Created' is neither occurred_at nor landed; for a column of the file write {column: Created}"),
        (HEAD + "    occurred_at: t\n    known_at: {colum: Created}\n", "sources.yaml:9 sources.0.known_at.colum: is not a known setting"),
        (HEAD + "    occurred_at: t\n    known_at: {backdated: ''}\n", "sources.yaml:9 sources.0.known_at.backdated: String should have at least 1 character"),
        (HEAD + "      email: 5\n    occurred_at: t\n", "sources.yaml:8 sources.0.columns.email: Input should be a valid string: mend"),
        (HEAD + "      email: {expresion: x}\n    occurred_at: t\n", "sources.yaml:8 sources.0.columns.email.expresion: is not a known setting"),
        (HEAD + "      email: {constant: }\n    occurred_at: t\n", "sources.yaml:8 sources.0.columns.email.constant: Input should be a valid string or"),
        (HEAD + "    occurred_at: t\n    read_options: {delimiter: ';'}\n", "sources.yaml:9 sources.0.read_options.delimiter: is not a known setting"),
        (HEAD + "    occurred_at: t\n    read_options: {delim: '||'}\n", "sources.yaml:9 sources.0.read_options.delim: String should have at most 1 character"),
        (HEAD + "    occurred_at: t\n    read_options: {encoding: cp1252}\n", "sources.yaml:9 sources.0.read_options.encoding: Input should be 'utf-8', 'utf-16', 'latin-1', 'windows-1250'"),
        (HEAD + "    occurred_at: t\n    max_rejected_share: 2\n", "sources.yaml:9 sources.0.max_rejected_share: Input should be less than or equal to 1"),
        (HEAD + "    occurred_at: t\n    format: xlsx\n", "sources.yaml:9 sources.0.format: Input should be 'csv', 'parquet', 'json' or 'excel'"),
        (HEAD + "    occurred_at: t\n    attributes: {size: {column: a, type: big}}\n", "sources.yaml:9 sources.0.attributes.size.type: Input should be 'text', 'number', 'boolean' or 'timestamp'"),
        (HEAD + "    occured_at: t\n", "sources.yaml:8 sources.0.occured_at: is not a known setting"),
        (HEAD + "      mql_id: Other\n    occurred_at: t\n", "sources.yaml:8 repeats the key 'mql_id'"),
        (HEAD + "\t  email: x\n", "sources.yaml:8 is not valid YAML"),
        ("version: 2\n", "sources.yaml:1 version: Input should be 1"),
        ("version: 1\n", "sources: needs at least one source"),
        ("version: 1\nsources: []\n", "sources.yaml:2 sources: needs at least one source"),
        ("", "needs at least one source"),
        ("clock: yesterday\n", "sources.yaml:1 clock: Input should be 'newest_fact' or 'now'"),
    ],
)  # fmt: skip
def test_refuses_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, HEAD + "      emial: x\n      chanel: y\n")
    assert said.count("sources.yaml:") == 3
    assert "'emial'" in said
    assert "'chanel'" in said
    assert "set occurred_at" in said


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist: create it, or run `leadflow init`"):
        load_sources(tmp_path / "sources.yaml", RAW_COLUMNS)


def source_files(folder: Path, path: str, *, head: str = "") -> list[str]:
    """Files of a source with that path, as paths below the folder."""
    files = load(folder, head + HEAD.replace("forms.csv", f'"{path}"') + "    occurred_at: t\n")
    return [str(found.relative_to(folder)) for found in files.files(files.config.sources[0])]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in (
        "a.csv",
        "b.csv",
        "leads [1].csv",
        "leads 1.csv",
        "it's; drop.csv",
        "old/c.csv",
        "old/d.CSV",
        ".h.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("id\n1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.csv", ["a.csv"]),
        ("./old/../a.csv", ["old/../a.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("old/*", ["old/c.csv", "old/d.CSV"]),
        ("**/*.csv", ["a.csv", "b.csv", "it's; drop.csv", "leads 1.csv", "leads [1].csv", "old/c.csv"]),
        # A file of just that name goes before the pattern that the name could be.
        ("leads [1].csv", ["leads [1].csv"]),
        ("it's; drop.csv", ["it's; drop.csv"]),
    ],
)
def test_files(data: Path, path: str, found: list[str]) -> None:
    assert source_files(data, path) == found


def test_files_start_at_the_folder(data: Path) -> None:
    assert source_files(data, "c.csv", head="folder: old\n") == ["old/c.csv"]


def test_absolute_path_and_variable(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADS_DIR", str(data / "old"))
    assert source_files(data, str(data / "a.csv")) == ["a.csv"]
    assert source_files(data, "${LEADS_DIR}/c.csv") == ["old/c.csv"]


def test_what_a_variable_holds_is_as_the_shell_sees_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = data / "old"
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("LEADS_DIR", ".")
    assert source_files(data, "${LEADS_DIR}/c.csv") == ["old/c.csv"]


@pytest.mark.parametrize(
    ("path", "problem", "remedy"),
    [
        ("z.csv", "{folder}/z.csv does not exist", "put the file there, or mend the path"),
        ("*.parquet", "{folder}/*.parquet does not exist", "put the file there, or mend the path"),
        ("old", "{folder}/old is a folder", "name its files, such as old/*.csv"),
        (
            "${NO_SUCH_DIR}/a.csv",
            "needs the environment variable NO_SUCH_DIR, which is not set",
            "set NO_SUCH_DIR",
        ),
    ],
)
def test_no_files(data: Path, monkeypatch: pytest.MonkeyPatch, path: str, problem: str, remedy: str) -> None:
    monkeypatch.delenv("NO_SUCH_DIR", raising=False)
    with pytest.raises(SourceError) as caught:
        source_files(data, path)
    assert caught.value.problem.startswith(f"{data}/sources.yaml:5 source 'forms'")
    assert problem.replace("{folder}", str(data)) in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("a.csv", None, "csv"),
        ("a.CSV", None, "csv"),
        ("a.tsv", None, "csv"),
        ("a.txt", None, "csv"),
        ("a.csv.gz", None, "csv"),
        ("a.csv.zst", None, "csv"),
        ("a.2026.parquet", None, "parquet"),
        ("a.pq", None, "parquet"),
        ("a.dat", "csv", "csv"),
        ("a.csv", "parquet", "parquet"),
        ("export", "parquet", "parquet"),
        ("a.xlsx", None, "excel"),
        ("a.ndjson.gz", None, "json"),
        ("a.xls", None, None),
        ("export", None, None),
        ("a.gz", None, None),
    ],
)
def test_file_format(tmp_path: Path, name: str, declared: str | None, expected: str | None) -> None:
    text = HEAD + "    occurred_at: t\n" + (f"    format: {declared}\n" if declared else "")
    source = load(tmp_path, text).config.sources[0]
    if expected is not None:
        assert file_format(source, Path(name)) == expected
        return
    with pytest.raises(
        LeadflowError, match=f"the format of {name} cannot be told from its name: add `format: csv`"
    ):
        file_format(source, Path(name))


def test_a_tab_may_be_written_as_people_write_it(tmp_path: Path) -> None:
    source = load(tmp_path, HEAD + "    occurred_at: t\n    read_options: {delim: '\\t'}\n").config.sources[0]
    assert source.read_options.delim == "\t"


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("E-MAIL", ["E-mail", "Name"], "E-mail"),
        ("emial", ["email", "name"], "email"),
        ("phone", ["Country"], None),
        ("x", [], None),
    ],
)
def test_nearest(name: str, known: list[str], expected: str | None) -> None:
    assert nearest(name, known) == expected
