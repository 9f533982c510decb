"""Bad input is refused when it is loaded, with its file and line, before anything runs and in bounded time.

A copy of the SQL room is spoilt in one place and loaded as Dagster loads it (build_defs). What the command line makes
of the same is looked at for one case of each kind: one sentence, a non-zero exit status, and no home.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from homes import REPOSITORY, leadflow

from leadflow.definitions import build_defs, build_room
from leadflow.errors import LeadflowError
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.settings import load_settings

MODEL = "kpi/lead_funnel.sql"
"""The model that is spoilt: nothing reads it, so nothing else has to be parsed anew."""

PROJECT = (REPOSITORY / "dbt_like_sql" / "dbt_project.yml").read_text(encoding="utf-8")
RECORDS = "{{ ref('lead_records') }}"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the SQL room in a project folder."""
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(REPOSITORY / "dbt_like_sql", project / "dbt_like_sql")
    shutil.copyfile(REPOSITORY / "dagster.yaml", project / "dagster.yaml")
    return project / "dbt_like_sql"


@pytest.fixture(scope="module")
def home(room: Path) -> Path:
    """A home that remembers the room's models as they are, so that each case parses only what it spoils."""
    home = room.parent / "home"
    home.mkdir()
    build_defs(project_dir=room.parent, home=home)
    return home


@pytest.fixture
def spoilt(room: Path) -> Iterator[Path]:
    """The room, to be spoilt; put right again afterwards."""
    yield room
    for path in sorted(room.rglob("*"), reverse=True):
        original = REPOSITORY / "dbt_like_sql" / path.relative_to(room)
        if not original.exists():
            path.unlink() if path.is_file() else path.rmdir()
        elif original.is_file() and path.read_bytes() != original.read_bytes():
            shutil.copyfile(original, path)
    for original in (REPOSITORY / "dbt_like_sql").rglob("*"):
        path = room / original.relative_to(REPOSITORY / "dbt_like_sql")
        if original.is_file() and not path.exists():
            shutil.copyfile(original, path)


def write(room: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files; `+` before a text adds it at the end of what is there."""
    for name, content in files.items():
        path = room / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content.startswith("+"):
            path.write_text(path.read_text(encoding="utf-8") + content[1:], encoding="utf-8")
        else:
            path.write_text(content, encoding="utf-8")


def refused(room: Path, home: Path) -> str:
    """The message, with the room's name left out."""
    with pytest.raises(LeadflowError) as caught:
        build_defs(project_dir=room.parent, home=home)
    return str(caught.value).replace(f"{room}/", "")


@pytest.fixture(scope="module")
def contracts(room: Path) -> Contracts:
    """The contracts as they are, for cases that spoil a model alone: build_defs reads both, one after the other."""
    return load_contracts(room)


def refused_model(room: Path, home: Path, contracts: Contracts) -> str:
    """The message for a spoilt model, with the room's name left out."""
    with pytest.raises(LeadflowError) as caught:
        build_room(load_settings(project_dir=room.parent, home=home), contracts)
    return str(caught.value).replace(f"{room}/", "")


def test_the_room_as_it_is_loads(room: Path, home: Path) -> None:
    assert build_defs(project_dir=room.parent, home=home).assets


CONTRACT = """\
version: 2
models:
  - name: lead_funnel
    description: Funnel
    meta: {grain: one row per stage}
    columns:
      - {name: stage, data_type: varchar, description: Stage}
  - name: kpi_mart
    description: Mart
    meta: {grain: one row per metric}
    columns: [{name: metric, data_type: varchar, description: Metric}]
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTRACT.replace("    description: Funnel", "\tdescription: Funnel"), "kpi/schema.yml:4 is not valid YAML (found a tab character that violates indentation): mend the line; indent with spaces, not tabs"),
        (CONTRACT.replace("description: Stage}", "description: Stage, name: other}"), "kpi/schema.yml:7 repeats the key 'name': keep one of the two"),
        (CONTRACT + "models: []\n", "kpi/schema.yml:12 repeats the key 'models'"),
        (CONTRACT.replace("Mart", "M\xe4rz").encode("latin-1"), "kpi/schema.yml:9 cannot be read ('utf-8' codec can't decode byte 0xe4"),
        (CONTRACT.encode("utf-16"), "kpi/schema.yml:1 cannot be read"),
        (CONTRACT.replace("Funnel", "[" * 50_000), "kpi/schema.yml:4 nests deeper than 100 levels"),
        ("a: &a [1]\n" + "".join(f"b{n}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)), "holds more than 200,000 values, counting what its aliases stand for"),
        (CONTRACT.replace("description: Stage}", "description: Stage, data_tests: [unique, {not_null: {where: 1}}]}"), "kpi/schema.yml:7 kpi.lead_funnel.stage gives not_null a where that is no SQL condition"),
        (CONTRACT.replace("    columns:\n", "    data_tests:\n      - unique: {column_name: stag}\n    columns:\n"), "kpi/schema.yml:7 kpi.lead_funnel tests the column 'stag' with unique, which the table does not have: write 'stage'"),
        (CONTRACT.replace("    columns:\n", "    data_tests:\n      - expect_compound_columns_to_be_unique: {column_list: [stage, nope]}\n    columns:\n"), "kpi/schema.yml:7 kpi.lead_funnel tests the column 'nope' with expect_compound_columns_to_be_unique, which the table does not have"),
        (CONTRACT + "  - {name: lead_funnel, description: Again, meta: {grain: x}, columns: [{name: a, data_type: int, description: A}]}\n", "kpi/schema.yml:12 kpi.lead_funnel is described a second time, after"),
        (CONTRACT + "  - {name: nowhere, description: N, meta: {grain: x}, columns: [{name: a, data_type: int, description: A}]}\n", "kpi/schema.yml:12 describes kpi.nowhere under `models:`, which no SQL file makes: add kpi/nowhere.sql"),
        (CONTRACT[: CONTRACT.index("  - name: kpi_mart")], "kpi/kpi_mart.sql:1 makes kpi.kpi_mart, which no schema.yml describes under `models:`: describe it in kpi/schema.yml"),
    ],
)  # fmt: skip
def test_a_contract(spoilt: Path, home: Path, content: str | bytes, said: str) -> None:
    write(spoilt, {"kpi/schema.yml": content})
    assert said in refused(spoilt, home)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({MODEL: "select 1 as x\nfrom {{ ref('lead_funnel') }}"}, "kpi/lead_funnel.sql:2 reads its own table outside of is_incremental()"),
        ({MODEL: "-- grain\nselect 1 as x from {{ this }}"}, "kpi/lead_funnel.sql:2 reads its own table outside of is_incremental()"),
        ({MODEL: "select 1\nfrom {{ ref('kpi_mart') }}", "kpi/kpi_mart.sql": "select 1\n\nfrom {{ ref('lead_funnel') }}"}, "kpi/kpi_mart.sql:3 is in a circle of models: "),
        ({MODEL: "select 1\nfrom {{ ref('kpi_mart') }}", "kpi/kpi_mart.sql": "select 1\n\nfrom {{ ref('lead_features') }}", "features/lead_features.sql": "select 1\n\n\nfrom {{ ref('lead_funnel') }}"}, "is in a circle of models: "),
        ({"staging/stg_mql.sql": "select * from {{ source('raw', 'mql') }}\n, {{ source('scoring', 'scored_leads') }}"}, "staging/stg_mql.sql:2 reads scoring.scored_leads, which is made from it: "),
        ({"clean/lead_funnel.sql": "select 1 as x"}, "kpi/lead_funnel.sql:1 has the same name as the model clean.lead_funnel: rename one of the two"),
        ({MODEL: "select 'a\xe4'".encode("latin-1")}, "kpi/lead_funnel.sql:1 is not UTF-8"),
        ({MODEL: b"select 1,\n\n  '\xff'"}, "kpi/lead_funnel.sql:3 is not UTF-8"),
        ({"macros/extra.sql": b"{% macro x() %}\n\xff{% endmacro %}"}, "macros/extra.sql:2 is not UTF-8"),
        ({"mine/extra.sql": "select 1 as x", "dbt_project.yml": PROJECT.replace('"raw", ', '"mine", "raw", ')}, "mine/extra.sql:1 lies in 'mine', which is no stage: move it into one of raw, staging"),
        ({"dbt_project.yml": "name: leadflow\n\tvars: {}\n"}, "dbt_project.yml:2 is not valid YAML"),
    ],
)  # fmt: skip
def test_models_that_do_not_go_together(
    spoilt: Path, home: Path, files: Mapping[str, str | bytes], said: str
) -> None:
    write(spoilt, files)
    assert said in refused(spoilt, home)


STATEMENTS = [
    ("delete from raw.mql", 1, "holds a statement of the kind delete"),
    ("-- a delete\n\ndelete from raw.mql", 3, "holds a statement of the kind delete"),
    ("insert into raw.mql select 1", 1, "holds a statement of the kind insert"),
    ("update raw.mql set email = null", 1, "holds a statement of the kind update"),
    ("truncate raw.mql", 1, "holds a statement of the kind truncate"),
    ("drop table raw.mql", 1, "holds a statement of the kind drop"),
    ("create table x as select 1", 1, "holds a statement of the kind create"),
    ("copy raw.mql to 'leads.csv'", 1, "holds a statement of the kind copy"),
    (f"copy (select * from {RECORDS}) to 'leads.csv'", 1, "holds a statement of the kind copy"),
    ("attach 'other.duckdb' as other", 1, "holds a statement of the kind attach"),
    ("install httpfs", 1, "holds a statement of the kind install"),
    ("load httpfs", 1, "holds a statement of the kind load"),
    ("pragma database_list", 1, "holds a statement of the kind pragma"),
    ("set memory_limit = '1TB'", 1, "holds a statement of the kind set"),
    ("{# not this one #}\n\ncall pragma_version()", 3, "holds a statement of the kind call"),
    ("checkpoint", 1, "holds a statement of the kind checkpoint"),
    ("select 1 as x;\nselect 2 as x", 1, "holds 2 statements: make a model of one select statement"),
    ("select 1 as x;", 1, "ends in a semicolon"),
    ("", 1, "holds 0 statements"),
    # DuckDB lets a CTE change data.
    (f"with gone as (\n  delete from raw.mql returning *\n)\nselect * from gone, {RECORDS}", 2, "holds a statement of the kind delete within its select"),
    ("with more as (insert into raw.mql select 1 returning *) select * from more", 1, "holds a statement of the kind insert within its select"),
    ("select * from (describe raw.mql)", 1, "holds a statement of the kind describe within its select"),
    ("select 1 as x into raw.mql", 1, "holds a statement of the kind into within its select"),
    ("select a,\n  b,\nfrom where x", 3, "does not parse as SQL near 'where'"),
    ("select (1\nfrom x", 2, "does not parse as SQL near 'from'"),
    ("select 1 as x\n\n, 'open as y\nfrom x", 3, "does not parse as SQL (a quote or comment is not closed): close it"),
    ("select 'it''s' as x -- it's\n, \"open", 2, "does not parse as SQL (a quote or comment is not closed)"),
    ("select 1 as x\n/* open", 2, "does not parse as SQL (a quote or comment is not closed)"),
    ("select $$open", 1, "does not parse as SQL (a quote or comment is not closed)"),
    ("select " + "(" * 5_000 + "1" + ")" * 5_000, 1, "holds SQL that nests too deeply to be read"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "line", "said"), STATEMENTS)
def test_what_is_not_one_select(
    spoilt: Path, home: Path, contracts: Contracts, sql: str, line: int, said: str
) -> None:
    write(spoilt, {MODEL: sql})
    assert refused_model(spoilt, home, contracts).startswith(f"{MODEL}:{line} {said}")


OUTSIDE = [
    ("select * from read_csv('x.csv')", 1, "calls read_csv(), which reads what neither ref() nor source() names"),
    ("select *\nfrom READ_CSV_AUTO('x.csv')", 2, "calls READ_CSV_AUTO()"),
    ("from read_parquet(['a.parquet', 'b.parquet'])", 1, "calls read_parquet()"),
    ("select 1 as x\nfrom main.read_text('/etc/hostname')", 2, "calls read_text()"),
    ("select * from system.main.read_json('x.json')", 1, "calls read_json()"),
    ("select * from glob('*')", 1, "calls glob()"),
    ("select * from sniff_csv('x.csv')", 1, "calls sniff_csv()"),
    ("select * from parquet_metadata('x.parquet')", 1, "calls parquet_metadata()"),
    ("select * from duckdb_tables()", 1, "calls duckdb_tables()"),
    ("select * from query('select * from raw.mql')", 1, "calls query()"),
    ("select * from query_table('raw.mql')", 1, "calls query_table()"),
    ("select * from pragma_table_info('raw.mql')", 1, "calls pragma_table_info()"),
    ("select 1 as x,\n  getenv('HOME') as home", 2, "calls getenv()"),
    ("select current_setting('temp_directory') as x", 1, "calls current_setting()"),
    ("select nextval('numbers') as x", 1, "calls nextval()"),
    (f"with files as (\n  select * from {RECORDS}\n),\nmore as (\n  from read_csv('x.csv')\n)\nselect * from files, more", 5, "calls read_csv()"),
    (f"select (select max(a) from {RECORDS}),\n  (select content from read_text('x'))", 2, "calls read_text()"),
    (f"select * from {RECORDS}\n  join read_json('x.json') using (id)", 2, "calls read_json()"),
    (f"select * from {RECORDS} as a,\n  lateral read_csv(a.path)", 2, "calls read_csv()"),
    (f"-- read_csv\nselect * from {RECORDS},\n  {{{{ ref('stg_mql') }}}}, read_csv('{{{{ var('as_of') }}}}')", 3, "calls read_csv()"),
    ("select * from 'x.csv'", 1, "reads the file 'x.csv' as a table: land it through sources.yaml"),
    ('select *\nfrom "folder/x.parquet" as x', 2, "reads the file 'folder/x.parquet' as a table"),
    ("from 's3://bucket/*.parquet'", 1, "reads the file 's3://bucket/*.parquet' as a table"),
    (f"select * from {RECORDS}\nunion all\nselect * from 'y.json'", 3, "reads the file 'y.json' as a table"),
    ("select * from information_schema.tables", 1, "reads the table information_schema.tables without ref() or source()"),
    ("select * from other.raw.mql", 1, "reads the table raw.mql without ref() or source()"),
    ("select * from (show tables)", 1, "reads the table show without ref() or source()"),
    ("select now() as x", 1, "reads the clock with now(): use var('as_of'), the moment of the refresh"),
    ("select 1 as x,\n  CURRENT_DATE as y", 2, "reads the clock with current_date()"),
    ("select random() as x", 1, "calls random(), which gives something else at each run"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "line", "said"), OUTSIDE)
def test_what_reads_outside_of_the_graph(
    spoilt: Path, home: Path, contracts: Contracts, sql: str, line: int, said: str
) -> None:
    write(spoilt, {MODEL: sql})
    assert refused_model(spoilt, home, contracts).startswith(f"{MODEL}:{line} {said}")


@pytest.mark.parametrize(
    ("macro", "line", "said"),
    [
        ("{% macro more() %}\nselect *\nfrom read_csv('x.csv')\n{% endmacro %}", 3, "calls read_csv()"),
        ("{% macro more() %}\n\nselect * from read_csv('{{ var('as_of') }}')\n{% endmacro %}", 3, "calls read_csv()"),
        ("\n{% macro more() %}\nselect * from 'x.csv'{% endmacro %}", 3, "reads the file 'x.csv' as a table"),
        ("\n{% macro more() %}\nselect 1 from raw.mql{% endmacro %}", 3, "reads the table raw.mql without ref() or source()"),
        ("{% macro more() %}\nselect 1\n, 'open\n{% endmacro %}", 3, "does not parse as SQL (a quote or comment is not closed)"),
    ],
)  # fmt: skip
def test_what_a_macro_writes(
    spoilt: Path, home: Path, contracts: Contracts, macro: str, line: int, said: str
) -> None:
    write(spoilt, {"macros/more.sql": macro, "staging/stg_mql.sql": "{{ more() }}"})
    assert refused_model(spoilt, home, contracts).startswith(f"macros/more.sql:{line} {said}")


@pytest.mark.parametrize(
    "sql",
    [
        "select unnest([1, 2]) as x",
        "select * from unnest([1, 2]) as t(x)",
        "select * from generate_series(1, 3) as t(x)",
        "select * from range(date '2026-01-01', date '2026-02-01', interval 1 day) as t(x)",
        "select * from json_each('[1]')",
        f"select * from {RECORDS} as r, json_tree(r.lead_record_id)",
        "select * from (values (1)) as t(x)",
        "select current_date_utc, version, random from (values (1, 2, 3)) as t(current_date_utc, version, random)",
    ],
)
def test_what_depends_on_nothing_outside_is_taken(
    spoilt: Path, home: Path, contracts: Contracts, sql: str
) -> None:
    write(spoilt, {MODEL: sql})
    build_room(load_settings(project_dir=spoilt.parent, home=home), contracts)


FOR_EVER = "takes more than 100,000 steps to render"
TOO_LARGE = "makes a value of more than 1,000,000 characters or items"
UNTOUCHABLE = "reaches for what a template may not touch"

JINJA = [
    ("{% for n in range(100000000) %}{% endfor %}", "cannot be rendered (Range too big"),
    ("{% for n in range(100000) %}{% for m in range(100000) %}{% endfor %}{% endfor %}", FOR_EVER),
    ("{% set items = [1] %}{% for item in items %}{% do items.append(item) %}{% endfor %}", FOR_EVER),
    ("{% set items = [1] %}{% for item in items if items.append(item) %}{% endfor %}", FOR_EVER),
    ("{% macro twice(n) %}{% if n > 0 %}{{ twice(n - 1) }}{{ twice(n - 1) }}{% endif %}{% endmacro %}{{ twice(99) }}", FOR_EVER),
    ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "calls macros that call each other without end"),
    ("{{ 'a' * 10 ** 9 }}", TOO_LARGE),
    ("{{ 1000000000 * [0] }}", TOO_LARGE),
    ("{{ 10 ** (10 ** 10) }}", TOO_LARGE),
    ("{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}", TOO_LARGE),
    ("{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}", TOO_LARGE),
    ("{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}", TOO_LARGE),
    ("{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x.replace('a', n.x) %}{% endfor %}", TOO_LARGE),
    ("{% set x = [1] %}{% for i in range(99) %}{% do x.extend(x) %}{% endfor %}", "grows a list beyond 100,000 items"),
    ("{% set a = ['x'] * 99 %}{% set b = [a] * 99 %}{% set c = [b] * 99 %}{{ [c] * 99 }}", TOO_LARGE),
    ("{% set a = ['x'] * 99 %}{% set b = [a] * 99 %}{% set c = [b] * 99 %}{{ c ~ c }}", TOO_LARGE),
    ("{% set a = ['x'] * 99 %}{% set b = [a] * 99 %}{% set c = [b] * 99 %}{{ c | tojson }}", TOO_LARGE),
    ("{{ 'a'.ljust(1000000000) }}", TOO_LARGE),
    ("{{ 'a' | center(1000000000) }}", TOO_LARGE),
    ("{{ [1] | batch(1000000000, 'x') | list }}", TOO_LARGE),
    ("{{ range(100000) | map('center', 100000) | list }}", "makes more than 100,000,000 characters on the way"),
    ("{{ range(100000) | list | join('a' * 1000) }}", TOO_LARGE),
    ("{{ '%1000000000d' % 1 }}", "formats a value to a width that is too large"),
    ("{{ '%*d' | format(1000000000, 1) }}", "formats a value to a width that is too large"),
    ("{{ '{:>1000000000}'.format(1) }}", "formats a value to a width that is too large"),
    ("{{ '{:>{}}'.format(1, 1000000000) }}", TOO_LARGE),
    ("{% while true %}{% endwhile %}", "cannot be rendered (Encountered unknown tag 'while'"),
    ("{% include '/etc/passwd' %}", f"{UNTOUCHABLE} (the file '/etc/passwd')"),
    ("{% import '/etc/passwd' as x %}", f"{UNTOUCHABLE} (the file '/etc/passwd')"),
    ("{% from 'x.sql' import y %}", f"{UNTOUCHABLE} (the file 'x.sql')"),
    ("{% extends 'x.sql' %}", f"{UNTOUCHABLE} (the file 'x.sql')"),
    ("{{ open('/etc/passwd').read() }}", "cannot be rendered ('open' is undefined)"),
    ("{{ env_var('HOME') }}", "cannot be rendered ('env_var' is undefined)"),
    ("{{ run_query('select 1') }}", "cannot be rendered ('run_query' is undefined)"),
    ("{{ modules.datetime.datetime.now() }}", "cannot be rendered ('modules' is undefined)"),
    ("{{ adapter.get_relation() }}", "cannot be rendered ('adapter' is undefined)"),
    ("{{ ''.__class__.__mro__[1].__subclasses__() }}", UNTOUCHABLE),
    ("{{ cycler.__init__.__globals__.os.environ }}", UNTOUCHABLE),
    ("{{ namespace.__init__ }}", UNTOUCHABLE),
    ("{{ ref.__globals__ }}", UNTOUCHABLE),
    ("{{ self._TemplateReference__context }}", UNTOUCHABLE),
    ("{{ '{0.__class__}'.format('') }}", UNTOUCHABLE),
    ("{{ '' | attr('__class__') }}", UNTOUCHABLE),
]  # fmt: skip


@pytest.mark.parametrize(("template", "said"), JINJA)
def test_a_template_that_reaches_out_or_does_not_end(
    spoilt: Path, home: Path, contracts: Contracts, template: str, said: str
) -> None:
    write(spoilt, {MODEL: f"select 1 as x\n\n-- {template}"})
    assert refused_model(spoilt, home, contracts).startswith(f"{MODEL}:3 {said}")


def test_a_template_that_nests_too_deeply(spoilt: Path, home: Path) -> None:
    write(spoilt, {MODEL: "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}"})
    assert refused(spoilt, home).startswith(f"{MODEL}:1 nests too deeply to be read")


def test_a_macro_that_does_not_end_is_named_with_its_caller(spoilt: Path, home: Path) -> None:
    endless = (
        "{% macro more(n) %}\n\n{% for a in range(n) %}{% for b in range(n) %}{% endfor %}{% endfor %}\n"
        "{% endmacro %}"
    )
    write(spoilt, {"macros/more.sql": endless, "staging/stg_mql.sql": "select 1\n{{ more(99999) }}"})
    assert refused(spoilt, home).startswith(
        f"macros/more.sql:3 (called from staging/stg_mql.sql:2) {FOR_EVER}"
    )


@pytest.mark.parametrize(
    ("macro", "said"),
    [
        ("{% test odd(model, column_name) %}{{ 'a' * 10 ** 9 }}{% endtest %}", TOO_LARGE),
        ("{% test odd(model, column_name) %}{{ env_var('HOME') }}{% endtest %}", "'env_var' is undefined"),
        ("{% test odd(model, column_name) %}{{ 1 / 0 }}{% endtest %}", "division by zero"),
        ("{% test odd(model, column_name) %}{{ odd }}{% include 'x' %}{% endtest %}", "is undefined"),
    ],
)
def test_a_test_of_the_projects_own_that_cannot_be_rendered(
    spoilt: Path, home: Path, macro: str, said: str
) -> None:
    contract = CONTRACT.replace("description: Stage}", "description: Stage, data_tests: [odd]}")
    write(spoilt, {"macros/tests/odd.sql": f"\n{macro}", "kpi/schema.yml": contract})
    message = refused(spoilt, home)
    assert message.startswith("kpi/schema.yml:7 kpi.lead_funnel.stage ")
    assert "macros/tests/odd.sql:2 test odd cannot be rendered" in message
    assert said in message


@pytest.mark.parametrize("command", ["run", "doctor"])
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"kpi/schema.yml": CONTRACT.replace("    description: Funnel", "\tdescription: Funnel")}, "kpi/schema.yml:4 is not valid YAML"),
        ({MODEL: "select *\nfrom read_csv('x.csv')"}, "kpi/lead_funnel.sql:2 calls read_csv()"),
        ({MODEL: "{{ 'a' * 10 ** 9 }}"}, f"kpi/lead_funnel.sql:1 {TOO_LARGE}"),
        ({"staging/stg_mql.sql": "select * from {{ source('scoring', 'scored_leads') }}"}, "staging/stg_mql.sql:1 reads scoring.scored_leads, which is made from it"),
    ],
)  # fmt: skip
def test_the_command_says_one_sentence_and_makes_nothing(
    spoilt: Path, tmp_path: Path, files: Mapping[str, str], command: str, said: str
) -> None:
    write(spoilt, files)
    done = leadflow(tmp_path / "home", command, project_dir=spoilt.parent)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert said in (done.stderr if command == "run" else done.stdout + done.stderr).replace(f"{spoilt}/", "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("leadflow: ")
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()
    if command == "run":
        assert not (tmp_path / "home").exists()
