"""Sources with a connector in sources.yaml: what three lines mean, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import REPOSITORY

from leadflow.errors import ConfigError
from leadflow.ingest.assets import fillable_columns
from leadflow.ingest.http.defaults import TABLES, properties_asked, with_defaults
from leadflow.ingest.mapping import mapping_hash
from leadflow.ingest.source_values import Constant
from leadflow.ingest.sources import Source, SourceFiles, load_sources
from leadflow.quality.contracts import load_contracts

COLUMNS = fillable_columns(load_contracts(REPOSITORY / "dbt_like_sql"))
HUBSPOT = "sources:\n  - name: crm\n    connector: hubspot\n"
REST = "sources:\n  - name: crm\n    table: mql\n    columns: {mql_id: id}\n    occurred_at: made\n    connector: rest\n"


def _load(tmp_path: Path, text: str) -> SourceFiles:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    return load_sources(path, COLUMNS)


def _one(tmp_path: Path, text: str) -> Source:
    (source,) = _load(tmp_path, text).config.sources
    return source


@pytest.mark.parametrize("kind", TABLES)
def test_every_object_of_hubspot_has_a_mapping_that_its_table_takes(tmp_path: Path, kind: str) -> None:
    files = _load(tmp_path, f"{HUBSPOT}    object: {kind}\n")
    (source,) = files.config.sources
    assert source.table == TABLES[kind]
    assert len(source.columns) >= 3
    assert files.files(source) == []


def test_an_address_of_ones_own_for_a_sandbox(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:8080", "${HUBSPOT_URL}", "https://${REGION}.example"):
        source = _one(tmp_path, f"{HUBSPOT}    object: contacts\n    hubspot: {{url: '{url}'}}\n")
        assert source.hubspot.url == url


def test_columns_given_go_before_those_that_are_known(tmp_path: Path) -> None:
    text = f"{HUBSPOT}    object: contacts\n    columns: {{country: {{constant: DE}}}}\n    deleted: null\n"
    source = _one(tmp_path, text)
    assert source.columns["country"] == Constant(constant="DE")
    assert source.columns["email"] == "properties.email"
    assert source.deleted is None


def test_another_table_has_another_mapping(tmp_path: Path) -> None:
    source = _one(tmp_path, f"{HUBSPOT}    object: contacts\n    table: raw.sql_leads\n")
    assert source.columns["sql_lead_id"] == "id"


def test_properties_are_those_that_the_mapping_reads() -> None:
    mapping = {"a": "properties.b_c", "d": {"expression": 'upper("properties.e") || "properties.f-g"'}}
    assert properties_asked("contacts", mapping, ("x", "e"), has_deletions=False) == ("b_c", "e", "f-g", "x")
    assert properties_asked("deals", {}, (), has_deletions=True) == (
        "pipeline",
        "dealstage",
        "hs_is_closed",
        "hs_is_closed_won",
        "hs_merged_object_ids",
    )


def test_defaults_leave_what_is_no_mapping_to_validation() -> None:
    assert with_defaults({"object": 5, "columns": ["x"]})["columns"] == ["x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HUBSPOT, ":2 sources.0: has connector: hubspot, and no object"),
        (f"{HUBSPOT}    object: leads\n", ":4 sources.0.object: Input should be 'contacts'"),
        (f"{HUBSPOT}    object: contacts\n    table: product_accounts\n", "leadflow knows none of contacts in raw.product_accounts"),
        (f"{HUBSPOT}    object: contacts\n    path: x.csv\n", ":5 source 'crm' has path:, which belongs to files"),
        (f"{HUBSPOT}    object: contacts\n    read_options: {{delim: ';'}}\n", ":5 source 'crm' has read_options:"),
        (f"{HUBSPOT}    object: contacts\n    rest: {{url: 'https://a.example'}}\n", ":5 source 'crm' has rest:"),
        (f"{HUBSPOT}    object: contacts\n    deleted: absent\n", ":5 source 'crm' has deleted: absent"),
        (f"{HUBSPOT}    object: contacts\n    hubspot: {{page_size: 500}}\n", ":5 sources.0.hubspot.page_size"),
        (f"{HUBSPOT}    object: contacts\n    hubspot: {{token: x}}\n", "hubspot.token: is not a known setting"),
        (f"{HUBSPOT}    object: contacts\n    columns: {{emial: x}}\n", "did you mean 'email'"),
        (f"clock: newest_fact\n{HUBSPOT}    object: contacts\n", ":4 source 'crm' is fetched, and `clock: newest_fact`"),
        (REST, ":6 source 'crm' has connector: rest, and does not say what to ask"),
        (f"{REST}    object: contacts\n    rest: {{url: 'https://a.example'}}\n", ":7 source 'crm' has object:"),
        (f"{REST}    rest: {{url: 'http://a.example'}}\n", ":7 sources.0.rest.url: would send"),
        (
            f"{REST}    deleted: absent\n    rest: {{url: 'https://a.example', cursor: {{field: x, param: y}}}}\n",
            ":7 source 'crm' has deleted: absent, and a cursor",
        ),
        (REST.replace("connector: rest", "rest: {url: 'https://a.example'}\n    path: x.csv"), "has rest: and no connector"),
        (REST.replace("    connector: rest\n", ""), "sources.0.path: Field required"),
        ("sources:\n  - name: crm\n    connector: salesforce\n", "sources.0.connector: Input should be 'hubspot' or 'rest'"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "is_same"),
    [
        ("{token_env: OTHER}", True),
        ("{page_size: 50}", True),
        ("{lookback_minutes: 5}", True),
        ("{limits: {attempts: 2}}", True),
        ("{properties: [x]}", False),
        ("{associations: [companies]}", False),
    ],
)
def test_settings_that_make_it_begin_anew(tmp_path: Path, settings: str, is_same: bool) -> None:
    plain = f"{HUBSPOT}    object: contacts\n"
    hashes = [mapping_hash(_one(tmp_path, text), {}) for text in (plain, f"{plain}    hubspot: {settings}\n")]
    assert (hashes[0] == hashes[1]) == is_same


@pytest.mark.parametrize("example", ["hubspot", "rest_api"])
def test_the_examples_load(example: str) -> None:
    files = load_sources(REPOSITORY / "examples" / example / "sources.yaml", COLUMNS)
    assert all(source.connector for source in files.config.sources)
