"""Rendering: what a template may call, what it may not reach, and that an error names the file and line it is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadflow.errors import ModelError
from leadflow.warehouse.models.jinja import Macros, Rendered, load_macros, render

TABLES = {"stg_mql": "staging.stg_mql", "leads": "clean.leads"}
SOURCES = {("raw", "mql"): "raw.mql"}
MODEL = Path("clean/leads.sql")


def macros_of(folder: Path, **files: str) -> Macros:
    for name, text in files.items():
        path = folder / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_macros(folder)


def rendered(
    text: str,
    macros: Macros = Macros("", ()),  # noqa: B008 - a value without state
    *,
    is_incremental: bool = False,
    **variables: Any,
) -> Rendered:
    return render(
        MODEL,
        text,
        macros=macros,
        this="clean.leads",
        resolve_ref=TABLES.__getitem__,
        resolve_source=lambda source, table: SOURCES[source, table],
        variables=variables,
        is_incremental=is_incremental,
    )


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("select 1\n", "select 1"),
        ("from {{ ref('stg_mql') }}", 'from "staging"."stg_mql"'),
        ("from {{ ref('some_package', 'stg_mql') }}", 'from "staging"."stg_mql"'),
        ("from {{ source('raw', 'mql') }}", 'from "raw"."mql"'),
        ("from {{ this }}", 'from "clean"."leads"'),
        ("{{ config(materialized='view', tags=['x']) }}select 1", "select 1"),
        ("select {{ var('days') }}", "select 7"),
        ("select {{ var('weeks', 4) }}", "select 4"),
        ("select {{ var('nothing') }}", "select None"),
        ("{% for n in var('windows') %}{{ n }},{% endfor %}", "7,30,"),
        ("{% for n in range(3) %}{{ n }} {% endfor %}", "0 1 2"),
        ("{% if is_incremental() %}more{% else %}all{% endif %}", "all"),
        ("{% set words = [] %}{% do words.append('a') %}{{ words | join }}", "a"),
        ("{# {{ ref('not called') }} #}select 1", "select 1"),
        ("{% raw %}{{ ref('not called') }}{% endraw %}", "{{ ref('not called') }}"),
    ],
)
def test_renders(text: str, sql: str) -> None:
    assert rendered(text, days=7, windows=[7, 30], nothing=None).sql == sql


def test_what_was_called_is_told() -> None:
    text = """
    {{ config(materialized='incremental', unique_key=['a']) }} {{ ref('leads') }} {{ ref('stg_mql') }} {{ ref('leads') }}
    {{ source('raw', 'mql') }} {{ var('days') }} {{ var('weeks', 1) }}
    """
    outcome = rendered(text, days=7)
    assert outcome.config == {"materialized": "incremental", "unique_key": ["a"]}
    assert outcome.refs == ["leads", "stg_mql"]
    assert outcome.sources == [("raw", "mql")]
    assert outcome.vars == ["days", "weeks"]


def test_is_incremental() -> None:
    assert rendered("{{ is_incremental() }}", is_incremental=True).sql == "True"


def test_macros_call_each_other_across_files(tmp_path: Path) -> None:
    macros = macros_of(
        tmp_path,
        a="{% macro outer(x) %}<{{ inner(x) }}>{% endmacro %}",
        b="{% macro inner(x) %}{{ x }} from {{ ref('stg_mql') }} {{ var('days') }}{% endmacro %}",
    )
    outcome = rendered("{{ outer('v') }}", macros, days=7)
    assert outcome.sql == '<v from "staging"."stg_mql" 7>'
    assert outcome.refs == ["stg_mql"]
    assert outcome.vars == ["days"]


def test_a_macro_takes_a_block(tmp_path: Path) -> None:
    macros = macros_of(tmp_path, a="{% macro wrap() %}[{{ caller() }}]{% endmacro %}")
    assert rendered("{% call wrap() %}in{% endcall %}", macros).sql == "[in]"


def test_tests_among_the_macros_are_left_to_the_contracts(tmp_path: Path) -> None:
    macros = macros_of(
        tmp_path,
        a="{% test is_odd(model, column_name) %}\nselect {{ nothing.here }}\n{% endtest %}\n{% macro two() %}2{% endmacro %}",
    )
    assert rendered("select {{ two() }}", macros).sql == "select 2"
    assert macros.locate(4) == (tmp_path / "a.sql", 4), "their lines are kept"


def test_what_only_dbt_needs_is_not_read(tmp_path: Path) -> None:
    macros = macros_of(
        tmp_path, **{"dbt_only/a": "{% materialization x %}nonsense"}, b="{% macro one() %}1{% endmacro %}"
    )
    assert rendered("{{ one() }}", macros).sql == "1"


def test_a_macro_in_a_comment_is_none(tmp_path: Path) -> None:
    macros = macros_of(tmp_path, a="{# such as {% macro one() %} #}", b="{% macro one() %}1{% endmacro %}")
    assert rendered("{{ one() }}", macros).sql == "1"


def test_a_byte_order_mark_is_no_sql(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"\xef\xbb\xbf{% macro one() %}1{% endmacro %}")
    assert rendered("{{ one() }}", load_macros(tmp_path)).sql == "1"


def test_no_macros(tmp_path: Path) -> None:
    assert load_macros(tmp_path / "nowhere") == Macros("", ())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": "{% macro x() %}1{% endmacro %}", "b": "\n{% macro x() %}2{% endmacro %}"}, "b.sql:2 defines the macro 'x', which {folder}/a.sql defines too: rename one of the two"),
        ({"a": "{% macro x() %}1{% endmacro %}\n{% macro x() %}2{% endmacro %}"}, "a.sql:2 defines the macro 'x'"),
        ({"a": "\n{% macro x() %}1", "b": "{% macro y() %}2{% endmacro %}"}, "a.sql:2 is not valid Jinja"),
        ({"a": "{% macro x() %}1{% endmacro %}", "b": "\n\n{{ 1 + }}"}, "b.sql:3 is not valid Jinja"),
    ],
)  # fmt: skip
def test_macro_files_that_cannot_be_read(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(ModelError) as caught:
        macros_of(tmp_path, **files)
    assert str(caught.value).startswith(f"{tmp_path}/" + said.replace("{folder}", str(tmp_path)))


def test_a_macro_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"{% macro x() %}\xff{% endmacro %}")
    with pytest.raises(ModelError, match=r"a.sql:1 is not UTF-8 .+: save it as UTF-8\.$"):
        load_macros(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("select 1\nfrom {{ ref('stg_mq') }}", 2, "ref('stg_mq') names no model"),
        ("select 1\n\nfrom {{ source('raw', 'mqll') }}", 3, "source('raw', 'mqll') names no table of a schema.yml: add the table to the contract, or mend the name"),
        ("select\n{{ var('nope') }}", 2, "var('nope') has no value: declare it under vars in dbt_project.yml"),
        ("select\n{{ nope(1) }}", 2, "cannot be rendered ('nope' is undefined)"),
        ("select\n{{ var('days').nope.more }}", 2, "cannot be rendered ('int object' has no attribute 'nope')"),
        ("select\n{{ ref() }}", 2, "cannot be rendered"),
        ("select 1\n{{ ref('stg_mql' }}", 2, "cannot be rendered (unexpected '}', expected ')')"),
        ("select 1\n{% if true %}\n2", 2, "cannot be rendered (Unexpected end of template"),
        ("select 1\n{% nope %}", 2, "cannot be rendered (Encountered unknown tag 'nope'"),
        ("\n{{ 1 / 0 }}", 2, "cannot be rendered (division by zero)"),
        ("\n{{ 'a' + 1 }}", 2, "cannot be rendered (can only concatenate str"),
        ("\n{{ [] | first }}", 2, "cannot be rendered (No first item, sequence was empty)"),
        ("\n{% include 'other.sql' %}", 2, "reaches for what a template may not touch (the file 'other.sql')"),
    ],
)  # fmt: skip
def test_an_error_has_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        rendered(text, days=7)
    assert str(caught.value).startswith(f"{MODEL}:{line} {said}")


@pytest.mark.parametrize(
    ("macro", "line", "said"),
    [
        ("{% macro x() %}\n\n{{ ref('nope') }}\n{% endmacro %}", 3, "ref('nope') names no model"),
        ("{% macro x() %}\n{{ var('nope') }}{% endmacro %}", 2, "var('nope') has no value"),
        ("{% macro x() %}\n{{ y() }}{% endmacro %}", 2, "cannot be rendered ('y' is undefined)"),
        ("{% macro x() %}\n\n\n{{ 1 / 0 }}{% endmacro %}", 4, "cannot be rendered (division by zero)"),
        ("{% macro x() %}\n{{ ''.__class__ }}{% endmacro %}", 2, "reaches for what a template may not touch"),
        ("{% macro x() %}\n{{ x() }}{% endmacro %}", 2, "calls macros that call each other without end: break the circle"),
    ],
)  # fmt: skip
def test_an_error_in_a_macro_has_the_macros_line(tmp_path: Path, macro: str, line: int, said: str) -> None:
    macros = macros_of(tmp_path, a="{% macro first() %}\n\n1{% endmacro %}\n", b=macro, c="\n\n{# last #}")
    with pytest.raises(ModelError) as caught:
        rendered("select 1,\n\n{{ x() }}", macros)
    assert str(caught.value).startswith(f"{tmp_path}/b.sql:{line} (called from {MODEL}:3) {said}")


def test_two_macros_in_a_circle(tmp_path: Path) -> None:
    macros = macros_of(
        tmp_path,
        a="{% macro ping() %}{{ pong() }}{% endmacro %}",
        b="\n{% macro pong() %}{{ ping() }}{% endmacro %}",
    )
    with pytest.raises(
        ModelError, match=r"(a.sql:1|b.sql:2) .*calls macros that call each other without end"
    ):
        rendered("{{ ping() }}", macros)


def test_an_error_outside_of_any_macro_has_its_line(tmp_path: Path) -> None:
    macros = macros_of(
        tmp_path, a="{% macro one() %}1{% endmacro %}\n", b="\n\n{% set two = nothing.at_all %}"
    )
    with pytest.raises(ModelError) as caught:
        rendered("{{ one() }}", macros)
    assert str(caught.value).startswith(f"{tmp_path}/b.sql:3 cannot be rendered ('nothing' is undefined)")


def test_a_wrong_call_is_the_callers_error(tmp_path: Path) -> None:
    macros = macros_of(tmp_path, a="{% macro x(a) %}{{ a }}{% endmacro %}")
    with pytest.raises(
        ModelError, match=r"^clean/leads.sql:2 cannot be rendered \(macro 'x' takes no keyword argument 'b'\)"
    ):
        rendered("select\n{{ x(b=1) }}", macros)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ref.__globals__ }}",
        "{{ config.__code__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ (ref | attr('__globals__'))['__builtins__'] }}",
        "{{ '{0.__class__}'.format('') }}",
        "{{ [].__class__.__base__.__subclasses__() }}",
    ],
)
def test_nothing_is_reached_through_attributes(text: str) -> None:
    with pytest.raises(ModelError, match=r"reaches for what a template may not touch .*unsafe"):
        rendered(text)


@pytest.mark.parametrize(
    "name",
    [
        "open",
        "env_var",
        "os",
        "__import__",
        "eval",
        "exec",
        "run_query",
        "self.__init__",
        "lipsum",
        "modules",
    ],
)
def test_nothing_outside_is_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    with pytest.raises(ModelError) as caught:
        rendered(f"{{{{ {name}('SECRET') }}}}")
    assert "hunter2" not in str(caught.value)


def test_a_template_cannot_run_for_ever() -> None:
    with pytest.raises(ModelError, match="Range too big"):
        rendered("{% for n in range(100000000) %}{% endfor %}")
