"""Column lineage is found once for the same SQL, and anew for any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadflow.warehouse.models import lineage_cache, query_lineage
from leadflow.warehouse.models.column_lineage import LineageError, Origin
from leadflow.warehouse.models.lineage_cache import remembered_origins

COLUMNS = {"raw.mql": {"email": "varchar", "title": "varchar"}}
SQL = "select lower(email) as email, title from raw.mql"
FOUND = {"email": Origin(("raw.mql.email",)), "title": Origin(("raw.mql.title",), (), is_unchanged=True)}


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """SQL that lineage was looked for in, from a process that has seen nothing yet."""
    looked: list[str] = []
    find = query_lineage.query_origins

    def counted(sql, columns):
        looked.append(sql)
        return find(sql, columns)

    monkeypatch.setattr(query_lineage, "query_origins", counted)
    monkeypatch.setattr(lineage_cache, "_SEEN_HERE", {})
    return looked


def in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage_cache, "_SEEN_HERE", {})


def test_the_same_process_looks_once(searches):
    assert remembered_origins(SQL, COLUMNS, None) == FOUND
    assert remembered_origins(SQL, COLUMNS, None) == FOUND
    assert searches == [SQL]


def test_another_process_reads_what_was_kept(searches, tmp_path, monkeypatch):
    file = tmp_path / "folder" / "staging.stg_mql.json"
    assert remembered_origins(SQL, COLUMNS, file) == FOUND
    in_another_process(monkeypatch)
    assert remembered_origins(SQL, COLUMNS, file) == FOUND
    assert searches == [SQL]
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select email as email, title from raw.mql", COLUMNS),
        (SQL, {"raw.mql": {"email": "varchar", "title": "varchar", "phone": "varchar"}}),
    ],
)
def test_another_select_or_other_columns_are_looked_at_anew(searches, tmp_path, monkeypatch, sql, columns):
    file = tmp_path / "model.json"
    remembered_origins(SQL, COLUMNS, file)
    in_another_process(monkeypatch)
    told = remembered_origins(sql, columns, file)
    assert searches == [SQL, sql]
    assert told["email"].is_unchanged == (sql != SQL)


def test_another_way_of_finding_finds_anew(searches, tmp_path, monkeypatch):
    file = tmp_path / "model.json"
    remembered_origins(SQL, COLUMNS, file)
    in_another_process(monkeypatch)
    monkeypatch.setattr(lineage_cache, "_way", lambda: "a later release")
    remembered_origins(SQL, COLUMNS, file)
    assert searches == [SQL, SQL]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}', "null"])
def test_a_torn_file_only_costs_the_search(searches, tmp_path, monkeypatch, content):
    file = tmp_path / "model.json"
    file.write_text(content, encoding="utf-8")
    assert remembered_origins(SQL, COLUMNS, file) == FOUND
    in_another_process(monkeypatch)
    assert remembered_origins(SQL, COLUMNS, file) == FOUND
    assert searches == [SQL], "it was mended"


def test_where_nothing_can_be_kept_it_is_found_all_the_same(searches, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder would be", encoding="utf-8")
    assert remembered_origins(SQL, COLUMNS, tmp_path / "taken" / "model.json") == FOUND


def test_what_cannot_be_traced_is_not_kept(searches, tmp_path: Path):
    for _ in range(2):
        with pytest.raises(LineageError):
            remembered_origins("select wrong from raw.mql", COLUMNS, tmp_path / "model.json")
    assert len(searches) == 2
    assert list(tmp_path.iterdir()) == []
