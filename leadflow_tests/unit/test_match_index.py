"""The match index: its columns, and what counts as a change."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.identity.match_index import INDEX_COLUMNS, changes, index_rows, matcher_fingerprint
from leadflow_tests.match_records import clean_rows, index_of, lead_record


def test_the_index_has_its_columns_by_record_key():
    records = [
        lead_record("sql_leads:1", "Ann Lee", mail="a@acme.com", form="7"),
        lead_record("mql:7", "Ann Lee"),
    ]
    index = index_of(records)
    assert dict(index.schema) == INDEX_COLUMNS
    assert index["record_key"].to_list() == ["mql:7", "sql_leads:1"]
    assert index["mql_key"].to_list() == [None, "mql:7"]
    assert set(index["matched_with"]) == {"policy"}
    assert_frame_equal(index_of(records[::-1]), index)


@pytest.mark.parametrize(
    ("mail", "facts", "own_domain"),
    [
        ("a@acme.com", {}, "acme.com"),
        ("a@gmail.com", {}, None),
        ("a@acme.com", {"is_disposable_mail": True}, None),
        (None, {"is_free_mail": None, "is_disposable_mail": None}, None),
    ],
)
def test_a_companys_own_domain_is_neither_free_nor_disposable(mail, facts, own_domain):
    assert index_of([{**lead_record("mql:1", mail=mail), **facts}])["own_domain"].to_list() == [own_domain]


def test_what_differs_from_the_last_refresh():
    stays, goes, comes = (lead_record(f"mql:{n}", "Ann Lee") for n in range(3))
    was = lead_record("mql:4", "Bob Young", phones=["+1"])
    now = index_of([stays, comes, {**was, "phones": ["+2"]}])
    before = index_of([stays, goes, was])
    found = changes(now, before)
    assert (found.added.to_list(), found.changed.to_list(), found.removed.to_list()) == (
        ["mql:2"],
        ["mql:4"],
        ["mql:1"],
    )
    assert sorted(found.touched) == ["mql:1", "mql:2", "mql:4"]
    assert not found.is_rebuild
    assert changes(now, now).touched.is_empty()


@pytest.mark.parametrize("column", [name for name in clean_rows([]).columns if name != "record_key"])
def test_any_column_that_changes_changes_the_digest(column):
    row = clean_rows(
        [lead_record("mql:1", "Ann Lee", mail="a@acme.com", phones=["+1"], wechat_id="ann", company="Acme")]
    )
    dtype = row.schema[column]
    other = row.with_columns(
        pl.lit(None, dtype).alias(column) if row[column].dtype != pl.Boolean else ~pl.col(column)
    )
    if row[column].null_count():  # from null to something
        other = row.with_columns(pl.lit("x").alias(column))
    digests = [index_rows(table, "policy")["row_digest"][0] for table in (row, other)]
    assert digests[0] != digests[1]


def test_columns_beyond_the_index_count_for_the_digest_and_their_order_does_not():
    row = clean_rows([lead_record("mql:1", "Ann Lee")])
    one, two = (
        index_rows(row.with_columns(channel=pl.lit(name)), "p")["row_digest"][0] for name in ("ads", "fair")
    )
    assert one != two
    turned = row.with_columns(channel=pl.lit("ads")).select(reversed([*row.columns, "channel"]))
    assert index_rows(turned, "p")["row_digest"][0] == one


def test_another_policy_or_an_empty_index_is_a_rebuild():
    old, new = (index_of([lead_record("mql:1", "Ann Lee")], policy) for policy in ("old", "new"))
    found = changes(new, old)
    assert found.is_rebuild
    assert found.changed.to_list() == ["mql:1"]
    assert changes(new, new.clear()).is_rebuild
    assert matcher_fingerprint("p", "m1") != matcher_fingerprint("p", "m2")


def test_digests_are_the_same_in_another_process():
    script = (
        "from leadflow_tests.match_records import index_of, lead_record\n"
        "print(index_of([lead_record('mql:1', '王伟', mail='a@acme.com', phones=['+1'])])['row_digest'][0])"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    here = index_of([lead_record("mql:1", "王伟", mail="a@acme.com", phones=["+1"])])["row_digest"][0]
    assert int(there.stdout) == here
