"""What the columns of a select come from, over the SQL that DuckDB takes: joins, unions, stars, windows, lists."""

from __future__ import annotations

import pytest

from leadflow.warehouse.models.column_lineage import LineageError, Origin
from leadflow.warehouse.models.query_lineage import query_origins

COLUMNS = {
    "raw.a": dict.fromkeys(["id", "x", "y", "ts", "l", "s"], "varchar"),
    "raw.b": dict.fromkeys(["id", "z", "ts", "x"], "varchar"),
    "raw.Big": {"Id": "integer", "Name": "varchar"},
}
A, B = '"raw"."a"', '"raw"."b"'


def told(origin: Origin) -> str:
    """An origin in short: columns without their schema, tables as a whole with a star, = where unchanged."""
    parts = [name.removeprefix("raw.") for name in origin.columns]
    parts += [f"{name.removeprefix('raw.')}.*" for name in origin.tables]
    return " ".join([*parts, *(["="] if origin.is_unchanged else [])])


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        # handed on, computed, made from nothing
        (f"select id, trim(x) as t, 1 as one, null as n from {A}", {"id": "a.id =", "t": "a.x", "one": "", "n": ""}),
        (f"select x as k, k || y as q, trim(x) as x from {A}", {"k": "a.x =", "q": "a.x a.y", "x": "a.x"}),
        (f"select ID, X::int as Xx from {A}", {"id": "a.id =", "xx": "a.x"}),
        ('select ID, name from "raw"."big"', {"id": "Big.Id =", "name": "Big.Name ="}),
        (f"select s.k as k, s->>'$.k' as j from {A}", {"k": "a.s", "j": "a.s"}),
        (f"from {B} select z", {"z": "b.z ="}),
        # joins
        (f"select a.id, b.z from {A} a asof left join {B} b on a.id = b.id and a.ts >= b.ts", {"id": "a.id =", "z": "b.z ="}),
        (f"select id, y from {A} join {B} using (id)", {"id": "a.id b.id", "y": "a.y ="}),
        (f"select a.x, b.z from {A} a positional join {B} b", {"x": "a.x =", "z": "b.z ="}),
        (f"select a.x from {A} a semi join {B} b on a.id = b.id where b.z > 1", {"x": "a.x ="}),
        (f"select t1.x, t2.x as x2 from {A} t1 join {A} t2 on t1.id = t2.id", {"x": "a.x =", "x2": "a.x ="}),
        # stars
        (f"select * exclude (y, ts, l, s) from {A}", {"id": "a.id =", "x": "a.x ="}),
        (f"select * exclude (y, ts, l, s) replace (x || y as x) from {A}", {"id": "a.id =", "x": "a.x a.y"}),
        (f"select * exclude (y, ts, l, s) rename (x as k) from {A}", {"id": "a.id =", "k": "a.x ="}),
        # unions: by position, by name, with what only one part has
        (f"select id as k from {A} union all select z from {B}", {"k": "a.id b.z ="}),
        (f"select 'all' as k union all select x from {A}", {"k": "a.x"}),
        (f"select id, x as k from {A} union all select id, cast(null as varchar) from {B}", {"id": "a.id b.id =", "k": "a.x ="}),
        (f"select 1 as k, null as x from {A} union all select 2, x from {A}", {"k": "", "x": "a.x ="}),
        (f"select count(*) as n from {A} union all select z from {B}", {"n": "b.z a.*"}),
        (
            f"with u as (select id, x from {A} union all by name select z, id from {B}) select id, x, z from u",
            {"id": "a.id b.id =", "x": "a.x =", "z": "b.z ="},
        ),
        (
            f"with p as (select id, x from {A}), u as (from p union by name select id, z from {B}) select * from u",
            {"id": "a.id b.id =", "x": "a.x =", "z": "b.z ="},
        ),
        (
            f"with u as (select id from {A} union all by name select z from {B} union all by name select y from {A}) from u",
            {"id": "a.id =", "z": "b.z =", "y": "a.y ="},
        ),
        (f"select id from {A} intersect select id from {B}", {"id": "a.id b.id ="}),
        # aggregates and windows, with their filters and order
        (f"select sum(y) filter (where ts is null) as f from {A}", {"f": "a.ts a.y"}),
        (f"select arg_max(x, ts) as m, list(y order by ts) as o from {A}", {"m": "a.ts a.x", "o": "a.ts a.y"}),
        (f"select lag(x) over (partition by id order by ts) as p from {A}", {"p": "a.id a.ts a.x"}),
        (f"select sum(y) over w as p from {A} window w as (partition by x order by ts)", {"p": "a.ts a.x a.y"}),
        (f"select id from {A} qualify row_number() over (partition by x order by ts) = 1", {"id": "a.id ="}),
        (f"select x as id, max(y) as y from {A} group by all", {"id": "a.x =", "y": "a.y"}),
        # rows that are counted or asked for
        (f"select count(*) as n, count() as m, count(x) as k from {A}", {"n": "a.*", "m": "a.*", "k": "a.x"}),
        (f"with j as (select a.id from {A} a join {B} b using (id)) select count(*) as n from j", {"n": "a.* b.*"}),
        (f"select (select count(*) from {B}) as n, id from {A}", {"n": "b.*", "id": "a.id ="}),
        (f"select exists (select 1 from {B} b where b.id = a.id) as e from {A} a", {"e": "b.*"}),
        (f"select exists (from {B}) and x > 1 as e from {A}", {"e": "a.x b.*"}),
        # subqueries and lateral joins
        (f"select (select max(z) from {B} b where b.id = a.id) as m from {A} a", {"m": "b.z"}),
        (f"select x in (select z from {B}) as e from {A}", {"e": "a.x b.z"}),
        (f"select k.m from {A} a left join lateral (select max(z) as m from {B} b where b.id = a.id) k on true", {"m": "b.z"}),
        (f"select k.m from {A} a, lateral (select a.y || z as m from {B} b) k", {"m": "a.y b.z"}),
        (f"select k.m from {A} a, lateral (with q as (select z from {B}) select max(z) as m from q) k", {"m": "b.z"}),
        # lists
        (f"select unnest(l) as e from {A}", {"e": "a.l"}),
        (f"select u.e from {A} a, unnest(a.l) as u(e)", {"e": "a.l"}),
        (f"select u.e from {A} a, lateral (select unnest(a.l) as e) u", {"e": "a.l"}),
        (f"select list_transform(l, lambda v: v || x) as q from {A}", {"q": "a.l a.x"}),
        (f"select [v || x for v in l if v is not null] as q from {A}", {"q": "a.l a.x"}),
        (f"select v.k, a.x from {A} a join (values (1)) v(k) on a.id = v.k", {"k": "", "x": "a.x ="}),
        (f"select r.d from {A} a, range(3) r(d)", {"d": ""}),
        # pivots change what they hand on
        (f"select jan from {A} pivot (sum(y) for x in ('jan' as jan))", {"jan": "a.y"}),
        # recursion
        (
            f"with recursive r as (select id, x from {A} union all select b.id, r.x from {B} b join r on r.id = b.id) from r",
            {"id": "a.id b.id =", "x": "a.x ="},
        ),
        (f"with recursive r as (select id from {A} union all select b.id from {B} b join r using (id)) select count(*) as n from r", {"n": "a.* b.*"}),
    ],
)  # fmt: skip
def test_a_column_comes_from(sql: str, wanted: dict[str, str]) -> None:
    assert {name: told(origin) for name, origin in query_origins(sql, COLUMNS).items()} == wanted


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (f"select nope from {A}", "raw.a.nope, which no contract describes"),
        (f"select a.nope from {A} a", "Unknown column: nope"),
        (f"select x from {A} a join {B} b on a.id = b.id", "the column x cannot be told from others"),
        (f"select max(columns(*)) from {A}", "stands for several columns"),
        (f"select a from {A} as a", "stands for several columns"),
        ('select k from "raw"."unknown"', "no contract describes"),
        (f"select * from (pivot {A} on x using sum(y))", "the columns of a * are not known"),
        (f"pivot {A} on x using count(*)", "no select statement"),
    ],
)
def test_what_cannot_be_traced_is_told(sql: str, problem: str) -> None:
    with pytest.raises(LineageError) as caught:
        query_origins(sql, COLUMNS)
    assert problem in caught.value.problem
