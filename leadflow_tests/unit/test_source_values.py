"""How cells are read, as sources.yaml says it: what is taken, and what is refused with its line before anything runs."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from leadflow.errors import ConfigError
from leadflow.ingest.source_values import Expression, FromColumn, KeyOf, Numbers
from leadflow.ingest.sources import SourceFiles, load_sources
from leadflow.warehouse.landing.engine_checks import expression_problem, time_zone_problem

RAW_COLUMNS = {"mql": ["mql_id", "email", "channel"]}
HEAD = """\
version: 1
sources:
  - name: forms
    table: mql
    path: forms.csv
    occurred_at: Created
"""
"""Six lines; what a case adds begins in line 7."""

COLUMNS = HEAD + "    columns:\n      mql_id: id\n"


def load(folder: Path, text: str) -> SourceFiles:
    path = folder / "sources.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_sources(path, RAW_COLUMNS)


def test_everything_that_is_said_of_cells(tmp_path: Path) -> None:
    source = load(
        tmp_path,
        HEAD
        + """\
    time_zone: Asia/Shanghai
    date_formats: ["%d/%m/%Y %H:%M", iso]
    null_values: [Select, N/A, "-", No, 0]
    numbers: {decimal: ",", thousands: ".", affixes: [CNY]}
    known_at: {column: Updated, format: epoch_seconds}
    columns:
      mql_id: {key_of: [E-mail, Created]}
      email: {column: E-mail, null_values: []}
      channel:
        column: Source
        values: {Paid Search: paid_search, Yes: true, 3: three, Select: null}
        other: reject
    attributes:
      plan_ends:
        column: Ends
        type: timestamp
        format: "%Y"
        time_zone: UTC
        known_at: {column: Told}
""",
    ).config.sources[0]
    assert source.time_zone == "Asia/Shanghai"
    assert source.date_formats == ("%d/%m/%Y %H:%M", "iso")
    assert source.null_values == ("Select", "N/A", "-", "false", "no", "off", "0")
    assert source.numbers == Numbers(decimal=",", thousands=".", affixes=("CNY",))
    assert source.known_at == FromColumn(column="Updated", format=("epoch_seconds",))
    assert source.columns["mql_id"] == KeyOf(key_of=("E-mail", "Created"))
    assert source.columns["email"] == FromColumn(column="E-mail", null_values=())
    channel = source.columns["channel"]
    assert isinstance(channel, FromColumn)
    # An unquoted Yes is true for YAML, and could have been written in three ways.
    assert channel.values == {
        "Paid Search": "paid_search", "true": True, "yes": True, "on": True, "3": "three", "Select": None,
    }  # fmt: skip
    assert channel.other == "reject"
    assert source.attributes["plan_ends"].known_at == FromColumn(column="Told")
    assert (source.attributes["plan_ends"].format, source.attributes["plan_ends"].time_zone) == (
        ("%Y",),
        "UTC",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COLUMNS + "    time_zone: Asia/Shanhai\n", "sources.yaml:9 source 'forms' has a time zone it cannot read: 'Asia/Shanhai' is no time zone, which is written as Asia/Shanghai; did you mean Asia/Shanghai"),
        (COLUMNS + "    time_zone: +08:00\n", "sources.yaml:9 source 'forms' has a time zone it cannot read: '+08:00' is no time zone"),
        (COLUMNS + "    date_formats: [iso, 'DD/MM/YYYY']\n", "sources.yaml:9 source 'forms' has a date format it cannot read: 'DD/MM/YYYY' has no year (%Y"),
        (COLUMNS + "    date_formats: '%d/%q/%Y'\n", "sources.yaml:9 source 'forms' has a date format it cannot read: '%d/%q/%Y' is no format of dates ("),
        (COLUMNS + "    date_formats: []\n", "sources.yaml:9 sources.0.date_formats: "),
        (COLUMNS + "    date_formats: '%H:%M'\n", "'%H:%M' has no year"),
        (COLUMNS + "    numbers: {thousands: .}\n", "sources.yaml:9 sources.0.numbers: '.' parts both decimals and thousands; set decimal, too"),
        (COLUMNS + "    numbers: {decimal: ;}\n", "sources.yaml:9 sources.0.numbers.decimal"),
        (COLUMNS + "    numbers: {currency: true}\n", "sources.yaml:9 sources.0.numbers.currency: is not a known setting"),
        (COLUMNS + "    null_values: [1.5]\n", "sources.yaml:9 sources.0.null_values: 1.5 is no text; write it in quotes"),
        (COLUMNS + "    null_values: [~]\n", "None is no text; write it in quotes"),
        (COLUMNS + "    null_values: Select\n", "sources.yaml:9 sources.0.null_values"),
        (COLUMNS + "      channel: {column: a, format: '%d.%m'}\n", "sources.yaml:9 source 'forms' has a date format it cannot read: '%d.%m' has no year"),
        (COLUMNS + "      channel: {column: a, time_zone: Mars}\n", "sources.yaml:9 source 'forms' has a time zone it cannot read: 'Mars' is no time zone"),
        (COLUMNS + "      channel: {column: a, values: {Won: won, won: lost}}\n", "sources.yaml:9 sources.0.columns.channel.values: says twice what 'won' becomes; letter case makes no difference"),
        (COLUMNS + "      channel: {column: a, values: {yes: a, true: b}}\n", "sources.yaml:9"),
        (COLUMNS + "      channel: {column: a, values: {a: [b]}}\n", "sources.yaml:9 sources.0.columns.channel.values.a"),
        (COLUMNS + "      channel: {column: a, other: reject}\n", "sources.yaml:9 sources.0.columns.channel: says what other cells than those among `values` are, and there are none"),
        (COLUMNS + "      channel: {column: a, other: drop}\n", "sources.yaml:9 sources.0.columns.channel.other"),
        (COLUMNS + "      channel: {values: {a: b}}\n", "sources.yaml:9 sources.0.columns.channel.column: Field required"),
        (COLUMNS + "      channel: {column: a, formt: iso}\n", "sources.yaml:9 sources.0.columns.channel.formt: is not a known setting"),
        (COLUMNS + "      channel: {key_of: []}\n", "sources.yaml:9 sources.0.columns.channel.key_of"),
        (COLUMNS + "      channel: {key_of: [a, a]}\n", "sources.yaml:9 sources.0.columns.channel.key_of: names a column twice"),
        (COLUMNS + "      channel: {key_of: [a], column: b}\n", "sources.yaml:9 sources.0.columns.channel.column: is not a known setting"),
        (COLUMNS + "    attributes:\n      x: {column: a, known_at: soon}\n", "sources.yaml:10 sources.0.attributes.x.known_at: 'soon' is neither occurred_at nor landed"),
        (COLUMNS + "    attributes:\n      x: {column: a, known_at: {column: b, time_zone: X}}\n", "sources.yaml:10 source 'forms' has a time zone it cannot read"),
        (COLUMNS + "    known_at: {column: b, format: '%q'}\n", "sources.yaml:9 source 'forms' has a date format it cannot read"),
        (COLUMNS + "      channel: {expression: \"(select max(x) from other)\"}\n", "sources.yaml:9 source 'forms' fills channel by an expression that holds a subquery; it may only use columns of its own row"),
        (COLUMNS.replace("    columns", "    deleted: {expression: now() > 0}\n    columns"), "sources.yaml:7 source 'forms' fills deleted by an expression that calls now()"),
    ],
)  # fmt: skip
def test_refuses_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "is empty"),
        ("lower(mail", "is no SQL expression (syntax error"),
        ("mail; drop table raw.mql", "is no SQL expression (syntax error"),
        ("mail) from x; drop table raw.mql; --", "is no SQL expression"),
        ("1); copy (select 1) to '/tmp/x'; select (2", "is no SQL expression"),
        ("1); attach 'x.duckdb'; select (2", "is no SQL expression"),
        ("1) union select (2", "is not one SQL expression"),
        ("(from read_csv('/etc/passwd'))", "holds a subquery"),
        ("(select content from read_text('x'))", "holds a subquery"),
        ("exists(from 'x.csv')", "holds a subquery"),
        ("mail in (select mail from other)", "holds a subquery"),
        ("case when (select true) then 1 end", "holds a subquery"),
        ("read_csv('x')", "calls read_csv()"),
        ("main.read_text('x')", "calls read_text()"),
        ("READ_BLOB('x')", "calls read_blob()"),
        ("glob('*')", "calls glob()"),
        ("getenv('HOME')", "calls getenv()"),
        ("lower(getenv('HOME'))", "calls getenv()"),
        ("list_transform([1], x -> getenv('HOME'))", "calls getenv()"),
        ("current_setting('x')", "calls current_setting()"),
        ("getvariable('x')", "calls getvariable()"),
        ("now()", "calls now()"),
        ("today() - 1", "calls today()"),
        ("current_timestamp", "reads the clock by current_timestamp"),
        ("CURRENT_DATE", "reads the clock by CURRENT_DATE"),
        ("random()", "calls random()"),
        ("uuid()", "calls uuid()"),
        ("nextval('s')", "calls nextval()"),
        ("unnest([1, 2])", "calls unnest()"),
        ("pg_sleep(1)", "calls pg_sleep()"),
        ("*", "holds a star"),
        ("columns(*)", "holds a star"),
        ("$1", "holds a parameter"),
    ],
)
def test_expressions_that_go_beyond_their_row(expression: str, said: str) -> None:
    assert said in (expression_problem(expression) or "")


@pytest.mark.parametrize(
    "expression",
    [
        'lower("E-mail")',
        "upper(mail) -- a comment",
        "case \"Stage\" when 'Closed Won' then 'won' end",
        "coalesce(\"Close Date\", created)",
        "nullif(trim(a), '')",
        "md5(concat_ws('|', a, b))",
        "row_number() over (order by a)",
        "strptime(a, '%d/%m/%Y') at time zone 'Asia/Shanghai'",
        "try_cast(a as double) * 60",
        "string_split(a, ',')[1]",
        "list_filter([a, b], x -> x <> '')[1]",
        "[x for x in [a, b]]::varchar",
        "a ->> '$.name'",
        "regexp_extract(a, '(\\d+)', 1)",
        "if(a = 'x', 1, 2)",
        "'read_csv(''x'')'",
        "try(cast(a as integer))",
        "epoch_ms(a)",
        "error('no such stage')",
        '"select"',
        '"now"',
    ],
)  # fmt: skip
def test_expressions_over_their_row(expression: str) -> None:
    assert expression_problem(expression) is None


@pytest.mark.parametrize("name", ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Etc/GMT-8"])
def test_time_zones(name: str) -> None:
    assert time_zone_problem(name) is None


def test_expressions_are_values_of_their_own(tmp_path: Path) -> None:
    source = load(tmp_path, COLUMNS + "      email: {expression: mail}\n").config.sources[0]
    assert source.columns["email"] == Expression(expression="mail")
