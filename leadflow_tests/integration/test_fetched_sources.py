"""What is fetched over HTTP lands once, whatever happens on the way."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_server import SWIFT, TOKEN, Answer, ApiServer, Asked, CutShort, HubSpot, iso, serving
from api_yard import ApiYard, api_yard
from homes import REPOSITORY, Home, differing_tables, leadflow, lean_project

from leadflow.cli.source_report import details, headline
from leadflow.ingest.look import SourceLook, look_at_sources
from leadflow.settings import Settings

T0 = 1_700_000_000_000
AUTH = {"type": "bearer", "token_env": "CRM_TOKEN"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def account() -> HubSpot:
    made = HubSpot()
    for number in range(1, 41):
        _contact(made, number, T0 + number * 1000)
    return made


@pytest.fixture
def server(account: HubSpot) -> Iterator[ApiServer]:
    with serving(account.answer) as running:
        yield running


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[ApiYard]:
    with api_yard(tmp_path) as made:
        yield made


def _contact(account: HubSpot, number: int, modified_ms: int, **properties: Any) -> None:
    account.add(
        "contacts",
        number,
        modified_ms,
        **{"email": f"{number}@x.example", "firstname": "Ann", "lastname": f"N{number}", **properties},
    )


def _contacts(server: ApiServer, **settings: Any) -> dict[str, Any]:
    made = {"url": server.url, "limits": {**SWIFT, "batch_rows": 10}, "page_size": 5, "lookback_minutes": 0}
    return {"name": "crm", "connector": "hubspot", "object": "contacts", "hubspot": {**made, **settings}}


def _rest(server: ApiServer, **rest: Any) -> dict[str, Any]:
    return {
        "name": "leads",
        "table": "mql",
        "connector": "rest",
        "columns": {"mql_id": "id", "email": "contact.mail", "country": "country"},
        "occurred_at": "made",
        "rest": {"url": f"{server.url}/leads", "auth": AUTH, "limits": SWIFT, **rest},
    }


def test_three_lines_of_hubspot_land(yard: ApiYard, server: ApiServer, account: HubSpot) -> None:
    done = yard.land(_contacts(server))
    assert done.failed == {}
    assert done.unused == {}
    assert len(done.landed) == 4  # whole pages, of ten records or more
    assert sum(one.row_count for one in done.landed) == 40
    rows = yard.rows("select mql_id, email, full_name, occurred_at::varchar, source_file from raw.mql")
    assert len(rows) == 40
    assert ("7", "7@x.example", "Ann N7", "2020-09-13 12:26:40", "crm.00000001.jsonl") in rows
    position = json.loads(yard.value("select position from quality.source_cursors"))
    assert (position["modified_ms"], position["is_complete"]) == (T0 + 40_000, True)
    assert not list((yard.folder / "tmp").rglob("*.jsonl"))


def test_a_second_fetch_without_news_lands_nothing(yard: ApiYard, server: ApiServer) -> None:
    yard.land(_contacts(server))
    for _ in range(2):  # of the overlap, the first time it is a batch of its own
        done = yard.land(_contacts(server))
    assert [one.is_new for one in done.landed] == [False]
    assert yard.value("select count(*) from raw.mql") == 40
    assert yard.value("select count(*) from raw.rejected_rows") == 0


def test_changes_replace_and_new_records_are_added(
    yard: ApiYard, server: ApiServer, account: HubSpot
) -> None:
    yard.land(_contacts(server))
    _contact(account, 3, T0 + 90_000, country="DE")
    _contact(account, 99, T0 + 91_000)
    asked_before = len(server.asked)
    yard.land(_contacts(server))
    assert yard.value("select country from raw.mql where mql_id = '3'") == "DE"
    assert yard.value("select count(*) from raw.mql") == 41
    assert len(server.asked) - asked_before == 2  # what has changed, and the recycle bin


def test_another_mapping_is_fetched_anew(yard: ApiYard, server: ApiServer) -> None:
    yard.land(_contacts(server))
    source = {**_contacts(server), "columns": {"campaign": "properties.lastname"}}
    yard.land(source)
    assert yard.value("select campaign from raw.mql where mql_id = '7'") == "N7"
    asked = len(server.asked)
    yard.land({**source, "hubspot": {**source["hubspot"], "limits": {**SWIFT, "attempts": 2}}})
    assert len(server.asked) == asked + 2  # other limits are no other mapping


def test_a_server_that_fails_in_the_middle(yard: ApiYard, server: ApiServer) -> None:
    """What came before it failed is landed; the next refresh goes on from there."""
    server.before = lambda number: (
        server.faults.extend([Answer(b"{broken")] * SWIFT["attempts"]) if number == 4 else None
    )
    row = {"id": "a", "made": "2026-01-01", "contact": {"mail": "a@x.example"}, "country": "DE"}
    with serving(lambda asked: Answer([row])) as other:
        done = yard.land(_contacts(server), _rest(other))
    assert set(done.failed) == {"crm"}
    assert "answers with what is no JSON, 4 times" in str(done.failed["crm"])
    assert "sources.yaml:3 source 'crm'" in str(done.failed["crm"])
    landed = yard.value("select count(*) from raw.mql where source_name = 'crm'")
    assert 0 < landed < 40
    assert yard.value("select count(*) from raw.mql where source_name = 'leads'") == 1
    server.before = None
    assert yard.land(_contacts(server), _rest(server)).failed.keys() == {"leads"}  # not a HubSpot address
    assert yard.value("select count(*) from raw.mql where source_name = 'crm'") == 40


def test_a_failure_at_once_leaves_everything_as_it_was(yard: ApiYard, server: ApiServer) -> None:
    yard.land(_contacts(server))
    before = yard.rows("select * from quality.source_cursors") + yard.rows("select * from raw.mql order by 1")
    server.faults.extend([CutShort()] * 9)
    assert "cut the connection" in str(yard.land(_contacts(server)).failed["crm"])
    assert before == yard.rows("select * from quality.source_cursors") + yard.rows(
        "select * from raw.mql order by 1"
    )


_LANDS = """
import json, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from api_yard import api_yard
with api_yard(Path(sys.argv[1])) as yard:
    assert not yard.land(json.loads(sys.argv[2])).failed
"""


def _land_in_a_process(folder: Path, source: dict[str, Any]) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    code = _LANDS.format(paths=[str(REPOSITORY), str(REPOSITORY / "leadflow_tests")])
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), json.dumps(source)], env=dict(os.environ)
    )


@pytest.mark.parametrize("request_of_death", [2, 4, 7])
def test_a_run_that_is_killed_goes_on_as_if_nothing_had_been(
    tmp_path: Path, server: ApiServer, account: HubSpot, request_of_death: int
) -> None:
    """Row for row, file names included, against a run that nothing befell."""
    source = _contacts(server)
    account.associations = {("contacts", "companies"): {str(number): ["5"] for number in range(1, 41)}}
    assert _land_in_a_process(tmp_path / "undisturbed", source).wait(60) == 0
    process = None
    alive_until = len(server.asked) + request_of_death

    def kill(number: int) -> None:
        if number == alive_until and process is not None:
            process.send_signal(signal.SIGKILL)

    server.before = kill
    process = _land_in_a_process(tmp_path / "killed", source)
    assert process.wait(60) == -signal.SIGKILL
    server.before = None
    assert _land_in_a_process(tmp_path / "killed", source).wait(60) == 0
    databases = [tmp_path / name / "warehouse.duckdb" for name in ("undisturbed", "killed")]
    times = ["quality.table_versions", "quality.source_cursors"]
    assert differing_tables(*databases, except_for=times) == []
    query = "select position, batch_count from quality.source_cursors"
    both = [Home(database.parent, database).rows(query, of=database) for database in databases]
    assert both[0] == both[1]
    assert not list((tmp_path / "killed").rglob("*.jsonl"))


def test_records_that_are_as_they_once_were(yard: ApiYard) -> None:
    """A list without a cursor is fetched whole: unchanged it is not landed again, and what changes back comes back."""
    rows = [{"id": "a", "made": "2026-01-01", "contact": {"mail": "a@x.example"}, "country": "DE"}]
    with serving(lambda asked: Answer(rows)) as server:
        assert [one.is_new for one in yard.land(_rest(server)).landed] == [True]
        assert [one.is_new for one in yard.land(_rest(server)).landed] == [False]
        for country in ("FR", "DE", "FR", "DE"):
            rows[0]["country"] = country
            assert [one.is_new for one in yard.land(_rest(server)).landed] == [True]
            assert yard.rows("select email, country from raw.mql") == [("a@x.example", country)]


def test_a_field_that_changes_its_type(yard: ApiYard, server: ApiServer, account: HubSpot) -> None:
    """A value that does not fit is null and kept with the reason; where none fits the source fails, as for files."""
    account.pipelines = []
    for number in range(1, 21):
        account.add("deals", number, T0 + number, amount=str(number), dealstage="x", pipeline="p")
    deals = {**_contacts(server, page_size=200), "name": "deals", "object": "deals"}
    assert yard.land(deals).failed == {}
    account.add("deals", 21, T0 + 500, amount="a lot", dealstage="x", pipeline="p")
    account.add("deals", 22, T0 + 501, amount="5", dealstage="x", pipeline="p")
    assert yard.land(deals).failed == {}
    assert yard.value("select contract_value from raw.opportunities where opportunity_id = '21'") is None
    assert yard.rows("select column_name, reason from raw.rejected_rows") == [
        ("contract_value", "row kept, value set to null: the value is not readable")
    ]
    before = yard.rows("select position from quality.source_cursors")
    for number in range(30, 40):
        account.add("deals", number, T0 + 600 + number, amount="ten", dealstage="x", pipeline="p")
    account.objects["deals"] = account.objects["deals"][-10:]
    error = str(yard.land(deals).failed["deals"])
    assert "no value of" in error
    assert "contract_value is a double" in error
    assert yard.rows("select position from quality.source_cursors") == before


def test_a_field_that_vanishes(yard: ApiYard) -> None:
    rows = [{"id": "a", "made": "2026-01-01", "contact": {"mail": "a@x.example"}, "country": "DE"}]
    with serving(lambda asked: Answer(rows)) as server:
        yard.land(_rest(server))
        del rows[0]["country"]
        done = yard.land(_rest(server))
        assert done.failed == {}
        assert done.drift == {"leads": ["leads.00000002.jsonl: column 'country' is gone"]}
        source = _rest(server)
        source["columns"]["title"] = "never"
        error = str(yard.land(source).failed["leads"])
    assert "reads the column 'never', which no file of it has had so far" in error


def test_a_record_without_its_key_or_time_is_kept_among_the_rejects(yard: ApiYard) -> None:
    rows: list[Any] = [{"id": str(number), "made": "2026-01-01", "country": "DE"} for number in range(20)]
    rows[3]["made"] = "soon"
    rows[4]["contact"] = {"mail": "\ud800 \U0001f600 \x00 'x'; drop table raw.mql; --"}
    with serving(lambda asked: Answer(rows)) as server:
        assert yard.land(_rest(server)).failed == {}
    assert yard.value("select count(*) from raw.mql") == 19
    assert yard.rows("select line, column_name from raw.rejected_rows") == [
        (4, "known_at"),
        (4, "occurred_at"),
    ]


def test_a_missing_package_is_told(yard: ApiYard, server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    error = str(yard.land(_contacts(server)).failed["crm"])
    assert "requests is needed and not installed: install leadflow[http]." in error


def test_a_token_that_is_not_set_is_told(
    yard: ApiYard, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBSPOT_TOKEN")
    error = str(yard.land(_contacts(server)).failed["crm"])
    assert "source 'crm' needs the environment variable HUBSPOT_TOKEN, which is not set" in error
    assert server.asked == []


def test_no_token_is_written_anywhere(
    tmp_path: Path, server: ApiServer, account: HubSpot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole refresh, of which one source is refused by a server that repeats the token in its refusal."""
    wrong = "pat-wrong-77aa12"
    monkeypatch.setenv("WRONG_TOKEN", wrong)
    deals = {**_contacts(server, token_env="WRONG_TOKEN"), "name": "deals", "object": "deals"}
    home = Home(tmp_path / "home", tmp_path / "sources.yaml", lean_project(tmp_path / "project"))
    home.sources.write_text(json.dumps({"sources": [_contacts(server), deals]}))
    ran = leadflow(home.path, "run", "--sources", home.sources, project_dir=home.project_dir)
    assert ran.returncode == 1
    assert "answers 401 (unauthorized)" in ran.stdout + ran.stderr
    assert home.value("select count(*) from raw.mql") == 40
    written = [ran.stdout.encode(), ran.stderr.encode()]
    written += [path.read_bytes() for path in home.path.rglob("*") if path.is_file()]
    assert len(written) > 5
    for secret in (TOKEN, wrong):
        assert not any(secret.encode() in content for content in written)


def _look(tmp_path: Path, source: dict[str, Any], **options: Any) -> tuple[SourceLook, str]:
    """What doctor sees of the one source, and what it prints of it."""
    path = tmp_path / "sources.yaml"
    path.write_text(json.dumps({"sources": [source]}))
    (look,) = look_at_sources(Settings(home=tmp_path / "home", sources=path), **options)
    return look, "\n".join([headline(look) if look.error is None else str(look.error), *details(look)])


def test_doctor_fetches_one_page(tmp_path: Path, server: ApiServer) -> None:
    look, printed = _look(tmp_path, _contacts(server))
    assert look.error is None
    assert "fills raw.mql from HubSpot's contacts, of which one page was fetched" in printed
    assert "all 5 rows were looked at" in printed
    assert "1@x.example" not in printed  # masked
    assert len(server.asked) == 1


def test_doctor_offline_asks_nothing(
    tmp_path: Path, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, printed = _look(tmp_path, _contacts(server), is_offline=True)
    assert look.error is None
    assert "of which nothing came, or was to be asked" in printed
    monkeypatch.delenv("HUBSPOT_TOKEN")
    look, printed = _look(tmp_path, _contacts(server), is_offline=True)
    assert look.error is not None
    assert "HUBSPOT_TOKEN, which is not set" in printed
    assert server.asked == []


def test_doctor_where_nobody_answers(tmp_path: Path) -> None:
    with serving(lambda asked: Answer([])) as server:
        source = _contacts(server)
    look, printed = _look(tmp_path, source)
    assert look.error is not None
    assert "cannot be reached, 2 times" in printed


def test_paging_and_cursor_of_a_rest_source(yard: ApiYard) -> None:
    """As Salesforce's query endpoint: a query with the moment in it, the address of the next page in the answer."""
    rows = [
        {"id": f"{number:03}", "made": "2026-01-01T00:00:00.000+0000", "SystemModstamp": f"2026-02-{number:02}T00:00:00.000+0000"}
        for number in range(1, 28)
    ]  # fmt: skip

    def answers(asked: Asked) -> Answer:
        assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
        if asked.path.startswith("/services/next/"):
            since, start = asked.path.rsplit("/", 2)[1:]
        else:
            since, start = asked.query["q"].split(">= ")[1].split()[0], "0"
        found = [row for row in rows if row["SystemModstamp"][:19] >= since[:19]]
        at = int(start)
        more = {"nextRecordsUrl": f"/services/next/{since}/{at + 10}"} if at + 10 < len(found) else {}
        return Answer({"totalSize": len(found), "done": not more, "records": found[at : at + 10], **more})

    with serving(answers) as server:
        source = _rest(
            server,
            records="records",
            query={"q": "select Id from Lead where SystemModstamp >= {cursor} order by SystemModstamp"},
            paging={"type": "next_url", "path": "nextRecordsUrl"},
            cursor={"field": "SystemModstamp", "initial": "2020-01-01", "order": "ascending"},
        )
        source["columns"] = {"mql_id": "id"}
        assert yard.land(source).failed == {}
        assert yard.value("select count(*) from raw.mql") == 27
        asked = len(server.asked)
        yard.land(source)
        assert len(server.asked) == asked + 1
        assert yard.value("select count(*) from raw.mql") == 27


def test_what_changes_behind_a_long_fetch_comes_with_the_next(yard: ApiYard) -> None:
    """The first record changes after its page was fetched, and a later page says of a moment beyond the refresh's own."""
    rows = [
        {"id": str(number), "made": "2026-01-01", "country": "DE", "mod": "2026-06-29T00:00:00Z"}
        for number in range(6)
    ]
    rows[5]["mod"] = "2026-07-03T00:00:00Z"  # two days into the fetch

    def answers(asked: Asked) -> Answer:
        found = [row for row in rows if row["mod"] >= asked.query.get("since", "")]
        start = int(asked.query["offset"])
        return Answer(found[start : start + 2])

    with serving(answers) as server:
        source = _rest(
            server, paging={"type": "offset", "limit": 2}, cursor={"field": "mod", "param": "since"}
        )
        source["columns"] = {"mql_id": "id", "country": "country"}
        assert yard.land(source).failed == {}
        rows[0] |= {"country": "FR", "mod": "2026-07-01T00:00:00Z"}
        assert yard.land(source).failed == {}
    assert yard.value("select country from raw.mql where mql_id = '0'") == "FR"


def test_deletions_take_rows_out_of_force(yard: ApiYard, server: ApiServer, account: HubSpot) -> None:
    source = _contacts(server)
    assert yard.land(source).failed == {}
    gone = next(record for record in account.objects["contacts"] if record["id"] == "7")
    account.objects["contacts"].remove(gone)
    account.archived["contacts"] = [{**gone, "archived": True, "archivedAt": iso(T0 + 99_000)}]
    _contact(account, 8, T0 + 99_500, hs_merged_object_ids="9;10")
    account.objects["contacts"] = [r for r in account.objects["contacts"] if r["id"] not in ("9", "10")]
    assert yard.land(source).failed == {}
    assert yard.value("select count(*) from raw.mql") == 37
    assert yard.rows("select mql_id from raw.mql where mql_id in ('7', '8', '9', '10')") == [("8",)]
    assert yard.rows("select mql_id from raw.mql_history where is_deleted order by 1") == [
        ("10",),
        ("7",),
        ("9",),
    ]
