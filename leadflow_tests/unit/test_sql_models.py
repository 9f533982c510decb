"""The SQL room: what a model reads, in what order models run, what is refused with its line, and running one."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leadflow.errors import LeadflowError, ModelError
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.models import model_parsing
from leadflow.warehouse.models.sql_models import SqlRoom, load_room, run_model
from leadflow.warehouse.tables import Stamp, TableVersion, latest_versions, replace_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PROJECT = "model-paths: [staging, clean]\nvars: {days: 7, wide: false}\n"
SOURCES = {("raw", "mql"): "raw.mql", ("raw", "web"): "raw.web"}
MQL = "{{ source('raw', 'mql') }}"
S = f"select * from {MQL}"
"""The model that others read."""

STAMP = Stamp(1, dt.datetime(2026, 6, 30), "run", "1")  # noqa: DTZ001 - instants are naive UTC throughout


def write_room(folder: Path, files: dict[str, str], project: str = PROJECT) -> Path:
    for name, text in {"dbt_project.yml": project, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def room_of(folder: Path, cache_file: Path | None = None, **models: str) -> SqlRoom:
    """A room of models by name in clean/, over the model s in staging/."""
    files = {"staging/s.sql": S} | {f"clean/{name}.sql": text for name, text in models.items()}
    return load_room(write_room(folder, files), SOURCES, cache_file=cache_file)


def refused(folder: Path, files: dict[str, str], project: str = PROJECT) -> str:
    """The message, with the folder's name left out."""
    with pytest.raises(LeadflowError) as caught:
        load_room(write_room(folder, files, project), SOURCES)
    return str(caught.value).replace(f"{folder}/", "")


REF = "{{ ref('s') }}"
WEB = "{{ source('raw', 'web') }}"


@pytest.mark.parametrize(
    ("sql", "inputs"),
    [
        (f"select * from {REF}", ["staging.s"]),
        (f"from {REF}", ["staging.s"]),
        (f"from {REF} select id", ["staging.s"]),
        (f"select * from {REF} as a join {WEB} as b using (id)", ["raw.web", "staging.s"]),
        (f"select * from {REF}, {WEB}", ["raw.web", "staging.s"]),
        (f"select * from ({REF} as a join {WEB} as b using (id))", ["raw.web", "staging.s"]),
        (f"select * from {REF} as a asof join {WEB} as b on a.id = b.id and a.t >= b.t", ["raw.web", "staging.s"]),
        (f"select * from {REF} as a semi join {WEB} as b using (id)", ["raw.web", "staging.s"]),
        (f"select * from {REF} positional join {WEB}", ["raw.web", "staging.s"]),
        # Common table expressions are no tables, also where they are called as a table is, or in other letter case.
        (f"with a as (select * from {REF}) select * from a", ["staging.s"]),
        (f"with s as (select * from {REF}) select * from s", ["staging.s"]),
        (f"with Leads as (select * from {REF}) select * from leads", ["staging.s"]),
        (f'with "Leads" as (select * from {REF}) select * from LEADS', ["staging.s"]),
        (f"with a as materialized (select * from {REF}), b as (select * from a) select * from b, a", ["staging.s"]),
        (f"with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r, {REF}", ["staging.s"]),
        (f"select * from (with q as (select * from {REF}) select * from q)", ["staging.s"]),
        (f"with a as (select 1 as id) select * from {REF} as a", ["staging.s"]),
        # Tables wherever a select can stand.
        (f"select (select max(id) from {REF}) as x", ["staging.s"]),
        (f"select 1 as x where exists (select 1 from {REF})", ["staging.s"]),
        (f"select 1 as x where exists (from {REF})", ["staging.s"]),
        (f"select 1 as x where 1 in (select id from {REF})", ["staging.s"]),
        (f"select 1 as x order by (select max(id) from {REF})", ["staging.s"]),
        (f"select 1 as x qualify row_number() over () > (select count(*) from {REF})", ["staging.s"]),
        (f"select * from range(3) as t(i), lateral (select * from {REF} where id = t.i)", ["staging.s"]),
        (f"select * from {REF} as s, unnest(s.list) as u(x)", ["staging.s"]),
        (f"select * from unnest((select list(id) from {REF}))", ["staging.s"]),
        (f"select unnest(list) from {REF} qualify row_number() over (partition by id) = 1", ["staging.s"]),
        (f"select 1 as id union all by name select id from {REF}", ["staging.s"]),
        (f"(select 1 as id) except (select id from {REF})", ["staging.s"]),
        (f"select * from {REF} pivot (count(*) for id in (1, 2))", ["staging.s"]),
        (f"select * from (pivot {REF} on id using count(*))", ["staging.s"]),
        (f"select columns('a.*') from {REF} using sample 10", ["staging.s"]),
        (f"select {{'a': 1}} as s, [x for x in [1, 2] if x > 1] as l from {REF}", ["staging.s"]),
        (f"select s.id from {REF} as s where s.id in (select w.id from {WEB} as w where w.id = s.id)", ["raw.web", "staging.s"]),
        (f"select staging.s.id from {REF} -- the end", ["staging.s"]),
        (f"select * from {REF} /* from other.table */", ["staging.s"]),
        (f"select 'from other.table' as x from {REF}", ["staging.s"]),
        ("select 1 as x", []),
        ("select * from (values (1)) as t(x)", []),
        ("{# from {{ ref('nothing') }} #}select 1 as x", []),
        (f"{{% if is_incremental() %}}select * from {REF}{{% else %}}select * from {WEB}{{% endif %}}", ["raw.web", "staging.s"]),
        (f"{{{{ config(materialized='incremental') }}}}select * from {REF} {{% if is_incremental() %}}where id > (select max(id) from {{{{ this }}}}){{% endif %}}", ["staging.s"]),
    ],
)  # fmt: skip
def test_inputs(tmp_path: Path, sql: str, inputs: list[str]) -> None:
    assert list(room_of(tmp_path, m=sql).models["clean.m"].inputs) == inputs


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("-- a note on mql\nselect 1 as x\nfrom\n    raw.mql", "clean/m.sql:4 reads the table raw.mql without ref() or source(): write {{ ref('mql') }}, or source()"),
        ("select * from other_table", "clean/m.sql:1 reads the table other_table without ref()"),
        (f"select * from {REF}\njoin STAGING.Other using (id)", "clean/m.sql:2 reads the table STAGING.Other without"),
        ("select * from 'leads.csv'", "clean/m.sql:1 reads the file 'leads.csv' as a table: land it through sources.yaml"),
        (f"with a as (\n  select * from {REF}\n) select * from a, b", "clean/m.sql:3 reads the table b without"),
        ("with a as (select 1 as x) select * from a, (with b as (select 2 as y) select * from b), b", "clean/m.sql:1 reads the table b without"),
        (f"-- from {REF}\nselect 1 as x", "clean/m.sql:1 refers to staging.s but its SQL does not read it: drop the ref, or read the table"),
        (f"select\n  '{REF}' as x", "clean/m.sql:2 refers to staging.s but its SQL does not read it"),
        (f"select * from {REF} where {{% set w = source('raw', 'web') %}} true", "clean/m.sql:1 refers to raw.web but"),
        ("select 1\nfrom {{ ref('m') }}", "clean/m.sql:2 reads its own table outside of is_incremental(): refer to other models only"),
        ("-- this\nselect 1\nfrom {{ this }}", "clean/m.sql:3 reads its own table outside of is_incremental()"),
        ("select 1\nfrom {{ ref('ss') }}", "clean/m.sql:2 ref('ss') names no model: did you mean 's'"),
        ("select 1\nfrom {{ ref('mql') }}", "clean/m.sql:2 ref('mql') names no model: make the model, or use source() for a Python-made table"),
        ("select 1\nfrom {{ source('raw', 'mqll') }}", "clean/m.sql:2 source('raw', 'mqll') names no table of a schema.yml"),
        ("select 1,\n{{ var('nope') }}", "clean/m.sql:2 var('nope') has no value"),
        ("{{ config(materialized='table') }}\n\nselect a,\n  b,\n  from where x", "clean/m.sql:5 does not parse as SQL near 'where' (Expected table name)"),
        (f"select (1\nfrom {REF}\n", "clean/m.sql:2 does not parse as SQL near 'from'"),
        (f"select 1\nfrom {REF}\nwhere a = = 2\n", "clean/m.sql:3 does not parse as SQL near '='"),
        ("select 'open\nfrom x", "clean/m.sql:1 does not parse as SQL (a quote or comment is not closed): close it"),
        ("select 1\n, 2 /* open\nfrom x", "clean/m.sql:2 does not parse as SQL (a quote or comment is not closed): close it"),
        ("", "clean/m.sql:1 holds 0 statements: make a model of one select statement"),
        ("-- nothing\n", "clean/m.sql:1 holds 0 statements"),
        ("select 1;\nselect 2", "clean/m.sql:1 holds 2 statements: make a model of one select statement"),
        (f"select * from {REF}\n;\n", "clean/m.sql:2 ends in a semicolon: drop the semicolon"),
        ("-- a note\ndrop table raw.mql", "clean/m.sql:2 holds a statement of the kind drop: make a model of one select statement"),
        (f"insert into x select * from {REF}", "clean/m.sql:1 holds a statement of the kind insert"),
        (f"copy (select * from {REF}) to 'x.csv'", "clean/m.sql:1 holds a statement of the kind copy"),
        ("attach 'x' as y", "clean/m.sql:1 holds a statement of the kind attach"),
        ("\n{{ config(materialized='ephemeral') }}\nselect 1", "clean/m.sql:2 materialized='ephemeral' is not known: use one of table, view, incremental"),
        ("{{ config(materialized='table',\n  meta={'remade_by': 'digest.of_rows'}) }}select 1 as x", "clean/m.sql:2 remade_by='digest.of_rows' names no column of a model: write model.column"),
        ("{{ config(materialized='table',\n  meta={'remade_by': 's'}) }}select 1 as x", "clean/m.sql:2 remade_by='s' names no column of a model"),
        ("{{ config(\n  materialised='view'\n) }}select {{ ''.__class__ }}", "clean/m.sql:3 reaches for what a template may not touch"),
    ],
)  # fmt: skip
def test_refuses_with_the_line(tmp_path: Path, sql: str, said: str) -> None:
    assert refused(tmp_path, {"staging/s.sql": S, "clean/m.sql": sql}).startswith(said)


def test_an_error_of_sql_that_a_macro_wrote_has_the_macros_line(tmp_path: Path) -> None:
    files = {
        "macros/a.sql": "{% macro fine() %}1{% endmacro %}",
        "macros/b.sql": "{% macro broken() %}\nselect a\nfrom where nothing\n{% endmacro %}",
        "clean/m.sql": "{{ config(materialized='view') }}\n{{ broken() }}",
    }
    assert refused(tmp_path, files).startswith("macros/b.sql:3 does not parse as SQL near 'where'")


def test_an_error_in_a_macro_has_the_macros_line(tmp_path: Path) -> None:
    files = {
        "macros/a.sql": "{% macro fine() %}1{% endmacro %}",
        "macros/b.sql": "\n\n{% macro broken() %}\n{{ ref('nothing') }}{% endmacro %}",
        "clean/m.sql": "select 1\nfrom {{ broken() }}",
    }
    said = refused(tmp_path, files)
    assert said.startswith("macros/b.sql:4 (called from clean/m.sql:2) ref('nothing') names no model")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"clean/a.sql": "select 1\nfrom {{ ref('b') }}", "clean/b.sql": "select 1 from {{ ref('a') }}"}, r"^clean/a.sql:2 is in a circle of models: clean.a → clean.b → clean.a: break the circle\.$"),
        ({"clean/a.sql": "from {{ ref('b') }}", "clean/b.sql": "\nfrom {{ ref('c') }}", "clean/c.sql": "from {{ ref('a') }}"}, r"is in a circle of models: clean\.\w → clean\.\w → clean\.\w → clean\.\w: break the circle"),
        ({"staging/a.sql": "select 1 as x", "clean/a.sql": "select 2 as x"}, r"^clean/a.sql:1 has the same name as the model staging.a: rename one of the two"),
    ],
)  # fmt: skip
def test_models_that_do_not_go_together(tmp_path: Path, files: dict[str, str], said: str) -> None:
    assert re.search(said, refused(tmp_path, files))


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ("- a\n", "dbt_project.yml:1 is not a mapping"),
        ("vars: [a]\n", "dbt_project.yml:1 vars is not a mapping"),
        ("name: x\nmodel-paths: clean\n", "dbt_project.yml:2 model-paths is not a list"),
        ("name: x\n\tvars: {}\n", "dbt_project.yml:2 is not valid YAML"),
    ],
)
def test_a_project_file_that_is_wrong(tmp_path: Path, project: str, said: str) -> None:
    assert refused(tmp_path, {}, project).startswith(said)


@pytest.mark.parametrize("project", ["", "vars:\nmodel-paths:\n"])
def test_an_empty_project_holds_no_models(tmp_path: Path, project: str) -> None:
    assert load_room(write_room(tmp_path, {"clean/m.sql": "select 1"}, project), SOURCES).models == {}


def test_a_missing_project_file(tmp_path: Path) -> None:
    with pytest.raises(LeadflowError, match=r"dbt_project.yml does not exist"):
        load_room(tmp_path, SOURCES)


def test_a_model_in_another_encoding(tmp_path: Path) -> None:
    (write_room(tmp_path, {}) / "clean").mkdir()
    (tmp_path / "clean" / "m.sql").write_bytes(b"select '\xff'")
    with pytest.raises(ModelError, match=r"clean/m.sql:1 is not UTF-8"):
        load_room(tmp_path, SOURCES)


def test_inputs_come_first(tmp_path: Path) -> None:
    room = room_of(
        tmp_path,
        a="select * from {{ ref('z') }}",
        z="select * from {{ ref('s') }}",
        b="select * from {{ ref('a') }}",
    )
    assert list(room.models) == ["staging.s", "clean.z", "clean.a", "clean.b"]


@pytest.mark.parametrize(
    ("config", "materialized", "unique_key"),
    [
        ("", "table", ()),
        ("{{ config(materialized='view') }}", "view", ()),
        ("{{ config(materialized='incremental', unique_key='id') }}", "incremental", ("id",)),
        ("{{ config(materialized='incremental', unique_key=['id', 'day']) }}", "incremental", ("id", "day")),
        ("{{ config(materialized='incremental', unique_key=none) }}", "incremental", ()),
    ],
)
def test_config(tmp_path: Path, config: str, materialized: str, unique_key: tuple[str, ...]) -> None:
    model = room_of(tmp_path, m=f"{config} select 1 as id").models["clean.m"]
    assert (model.materialized, model.unique_key) == (materialized, unique_key)


# The cache of parses


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tables of the models that were parsed and not remembered, in order."""
    seen: list[str] = []
    parse = model_parsing.parse

    def noted(
        path: Path, text: str, table: str, surroundings: model_parsing.Surroundings
    ) -> model_parsing.Parse:
        seen.append(table)
        return parse(path, text, table, surroundings)

    monkeypatch.setattr(model_parsing, "parse", noted)
    return seen


def loaded(folder: Path, parses: list[str]) -> tuple[SqlRoom, list[str]]:
    """The room as a process of its own loads it, and what had to be parsed for it."""
    model_parsing._SEEN_HERE.clear()
    parses.clear()
    room = load_room(folder, SOURCES, cache_file=folder / "cache" / "models.json")
    return room, sorted(parses)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "macros/one.sql": "{% macro one() %}1{% endmacro %}",
        "staging/s.sql": S,
        "clean/m.sql": "select {{ one() }} as x from {{ ref('s') }}",
    }
    return write_room(tmp_path, files)


def test_an_unchanged_model_is_not_parsed_again(folder: Path, parses: list[str]) -> None:
    first, parsed = loaded(folder, parses)
    assert parsed == ["clean.m", "staging.s"]
    second, parsed = loaded(folder, parses)
    assert parsed == []
    assert second == first


def test_a_process_remembers_without_a_file(folder: Path, parses: list[str]) -> None:
    model_parsing._SEEN_HERE.clear()
    first = load_room(folder, SOURCES, cache_file=None)
    assert sorted(parses) == ["clean.m", "staging.s"]
    assert load_room(folder, SOURCES, cache_file=None) == first
    assert sorted(parses) == ["clean.m", "staging.s"]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("clean/m.sql", "select 2 as x", ["clean.m"]),
        ("clean/n.sql", "select 2 as x", ["clean.m", "clean.n", "staging.s"]),
        ("macros/one.sql", "{% macro one() %}11{% endmacro %}", ["clean.m", "staging.s"]),
        ("dbt_project.yml", PROJECT.replace("7", "8"), ["clean.m", "staging.s"]),
    ],
)
def test_a_change_has_parsed_what_it_touches(
    folder: Path, parses: list[str], file: str, text: str, expected: list[str]
) -> None:
    loaded(folder, parses)
    (folder / file).write_text(text)
    assert loaded(folder, parses)[1] == expected
    assert loaded(folder, parses)[1] == []


def test_an_error_is_told_again_and_again(folder: Path, parses: list[str]) -> None:
    (folder / "clean" / "m.sql").write_text("select * from nowhere")
    for _ in range(2):
        with pytest.raises(ModelError, match="reads the table nowhere"):
            loaded(folder, parses)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "5", '"text"', '{"a": 1}', "\x00"])
def test_a_cache_that_cannot_be_read_is_only_slower(folder: Path, parses: list[str], content: str) -> None:
    first, _ = loaded(folder, parses)
    cache = folder / "cache" / "models.json"
    cache.write_text(content)
    second, parsed = loaded(folder, parses)
    assert second == first
    assert parsed == ["clean.m", "staging.s"]
    assert loaded(folder, parses)[1] == [], "it was written anew"


def test_a_cache_whose_entries_are_of_another_shape(folder: Path, parses: list[str]) -> None:
    first, _ = loaded(folder, parses)
    cache = folder / "cache" / "models.json"
    cache.write_text(json.dumps({key: {"materialized": "table"} for key in json.loads(cache.read_text())}))
    second, parsed = loaded(folder, parses)
    assert second == first
    assert parsed == ["clean.m", "staging.s"]


def test_a_cache_that_cannot_be_written_does_no_harm(folder: Path) -> None:
    (folder / "cache").write_text("a file in the folder's place")
    assert load_room(folder, SOURCES, cache_file=folder / "cache" / "models.json").models


# Running models


@pytest.fixture
def connection() -> Iterator[DuckDBPyConnection]:
    with Warehouse(Path(":memory:")).connect() as opened:
        replace_table(
            opened, "raw.mql", "select * from (values (1, 'a'), (2, 'b')) as t(id, name)", stamp=STAMP
        )
        yield opened


def run(
    connection: DuckDBPyConnection, room: SqlRoom, table: str = "clean.m", **options: Any
) -> TableVersion:
    if "staging.s" not in latest_versions(connection):
        run_model(connection, room, room.models["staging.s"], variables={}, stamp=STAMP)
    return run_model(connection, room, room.models[table], stamp=STAMP, **{"variables": {}, **options})


def rows(connection: DuckDBPyConnection, table: str = "clean.m") -> list[tuple[Any, ...]]:
    return connection.execute(f"select * from {table} order by all").fetchall()


def test_a_table_is_made_in_order(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(tmp_path, m="select id, name from {{ ref('s') }} -- no newline after this")
    version = run(connection, room, order_by=("name", "id"))
    assert (version.row_count, set(version.inputs)) == (2, {"staging.s"})
    assert connection.execute("select name from clean.m").fetchall() == [("a",), ("b",)]


def test_a_view_follows_its_input(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(tmp_path, m="{{ config(materialized='view') }} select id from {{ ref('s') }} -- end")
    run(connection, room)
    connection.execute("insert into staging.s values (3, 'c')")
    assert rows(connection) == [(1,), (2,), (3,)]


def test_vars_of_the_run_go_before_the_projects(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(tmp_path, m="select {{ var('days') }} as days")
    run(connection, room)
    assert rows(connection) == [(7,)]
    run(connection, room, variables={"days": 30})
    assert rows(connection) == [(30,)]


INCREMENT = """{{ config(materialized='incremental', unique_key='id') }}
select id, name from {{ ref('s') }} {% if is_incremental() %} where id >= {{ var('from_id', 0) }} {% endif %} -- end"""


def test_an_incremental_model_upserts_by_key(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(tmp_path, m=INCREMENT)
    run(connection, room)
    connection.execute("update staging.s set name = 'changed'")
    connection.execute("insert into staging.s values (3, 'new')")
    version = run(connection, room, variables={"from_id": 2})
    assert rows(connection) == [(1, "a"), (2, "changed"), (3, "new")]
    assert version.row_count == 3


def test_full_rebuilds_an_incremental_model(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(tmp_path, m=INCREMENT)
    run(connection, room)
    connection.execute("insert into clean.m values (9, 'stray')")
    run(connection, room, is_full=True)
    assert rows(connection) == [(1, "a"), (2, "b")]


def test_an_incremental_model_without_a_key_appends(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(tmp_path, m="{{ config(materialized='incremental') }} select name, id from {{ ref('s') }}")
    run(connection, room)
    run(connection, room)
    assert rows(connection) == [("a", 1), ("a", 1), ("b", 2), ("b", 2)]


@pytest.mark.parametrize(
    "kinds", [("view", "incremental"), ("incremental", "view"), ("table", "view"), ("view", "table")]
)
def test_a_model_may_change_its_kind(
    tmp_path: Path, connection: DuckDBPyConnection, kinds: tuple[str, str]
) -> None:
    for kind in kinds:
        room = room_of(
            tmp_path,
            m=f"{{{{ config(materialized='{kind}', unique_key='id') }}}} select id, name from {{{{ ref('s') }}}}",
        )
        run(connection, room)
        assert rows(connection) == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("columns", ["id, name, 1 as more", "id"])
def test_an_incremental_model_of_other_columns_wants_a_rebuild(
    tmp_path: Path, connection: DuckDBPyConnection, columns: str
) -> None:
    run(connection, room_of(tmp_path, m=INCREMENT))
    room = room_of(tmp_path, m=INCREMENT.replace("id, name", columns))
    with pytest.raises(
        ModelError, match=r"has gained or lost the columns (more|name) since clean.m was made: .*--full"
    ):
        run(connection, room, variables={"from_id": 0})
    run(connection, room, is_full=True)


def test_two_rows_of_one_key_are_refused_and_nothing_is_written(
    tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    room = room_of(tmp_path, m=INCREMENT)
    run(connection, room)
    connection.execute("insert into staging.s values (2, 'again')")
    with pytest.raises(LeadflowError, match=r"clean.m: 2 new rows have the key \{'id': 2\}"):
        run(connection, room, variables={"from_id": 2})
    assert rows(connection) == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select id,\n  nothing\nfrom {{ ref('s') }}", r"clean/m.sql:2: DuckDB refuses the model \(Binder Error: Referenced column \"nothing\" not found"),
        ("{{ config(materialized='view') }}\n\nselect id\nfrom {{ ref('s') }}\nwhere nothing = 1", r"clean/m.sql:5: DuckDB refuses the model"),
        ("{{ config(materialized='incremental', unique_key='id') }}\n\nselect id,\n\n  no_such_function(id) as x\nfrom {{ ref('s') }}", r"clean/m.sql:5: DuckDB refuses the model"),
        ("select cast(name as integer) as x from {{ ref('s') }}", r"clean/m.sql(:1)?: DuckDB refuses the model \(Conversion Error"),
    ],
)  # fmt: skip
def test_what_duckdb_refuses_has_its_line(
    tmp_path: Path, connection: DuckDBPyConnection, sql: str, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        run(connection, room_of(tmp_path, m=sql))
    assert "clean.m" not in latest_versions(connection)


def test_what_a_failed_model_held_before_is_kept(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    run(connection, room_of(tmp_path, m="select id from {{ ref('s') }}"))
    before = latest_versions(connection)["clean.m"]
    with pytest.raises(ModelError):
        run(connection, room_of(tmp_path, m="select cast(name as integer) as id from {{ ref('s') }}"))
    assert rows(connection) == [(1,), (2,)]
    assert latest_versions(connection)["clean.m"] == before


def test_a_table_read_under_some_vars_only_is_refused(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    room = room_of(
        tmp_path, m="select 1 as x {% if var('wide') %} from {{ source('raw', 'web') }} {% endif %}"
    )
    with pytest.raises(
        ModelError, match=r"clean/m.sql reads raw.web only under some values of its vars: call ref\(\)"
    ):
        run(connection, room, variables={"wide": True})


def test_a_model_before_its_input_says_what_is_missing(
    tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    room = room_of(tmp_path, m="select * from {{ source('raw', 'web') }}")
    connection.execute("create table raw.web (id integer)")
    with pytest.raises(
        LeadflowError, match=r"clean.m is made from raw.web, which the warehouse does not hold yet"
    ):
        run(connection, room)
