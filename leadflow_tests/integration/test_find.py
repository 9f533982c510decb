"""`leadflow find`: whoever is known is found in whatever spelling, with lead, account, owner and tier."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from leadflow.cli.find import look_up
from leadflow.cli.find_told import is_known, told
from leadflow.cli.main import cli
from leadflow.errors import LeadflowError, WarehouseLockedError
from leadflow.settings import Settings, load_settings
from leadflow.text.companies import company_key
from leadflow.text.company_matching import company_core_key
from leadflow.text.emails import mailbox
from leadflow.text.persons import person_key

# record_key, lead, account, name, e-mail, phones, WeChat id, company, own domain
_RECORDS = [
    ("mql:101", "L00000000000000a1", "A1", "Anna Maria Meyer", "anna.meyer@acme.com", ["+4930901820"], None, "Acme Tools GmbH", "acme.com"),
    ("sql_leads:201", "L00000000000000a1", "A1", "Meyer, Anna", "a.meyer@acme.com", None, None, "ACME Tools", "acme.com"),
    ("mql:102", "L00000000000000b2", "A1", "Robert Smith", "bob@acme.com", ["+12124561111"], None, "Acme Tools", "acme.com"),
    ("mql:103", "L00000000000000c3", "A2", "王小明", "wang@fenyang.cn", ["+8613812345679"], "wxm_2020", "北京纷扬科技有限公司", "fenyang.cn"),
    ("mql:104", "L00000000000000d4", None, "Jean-Luc Moreau", "jlm@gmail.com", None, None, None, None),
    ("mql:105", "L00000000000000e5", "A3", "Gustav Northfell", None, None, None, "Northfell Instruments", None),
]  # fmt: skip
_REJECTED = [
    ("mql:900", "disposable_mail", "Its e-mail address is thrown away after use.",
     {"full_name": "Max Faker", "email": "Max@Mailinator.com", "phone": "+49 (0)30 555 777 1", "company_name": "Nowhere Inc"}),
    ("mql:901", "sensitive_words", "Its name holds a word.", {"full_name": "博彩 公司", "email": None, "phone": None, "company_name": None}),
    ("mql:902", "email_invalid", "Its e-mail address is none.", {"full_name": None, "email": "Kim@@Northfell.org", "phone": None, "company_name": None}),
]  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("find")
    _write(home / "warehouse.duckdb")
    (home / "policy.yaml").write_text(
        "companies: {aliases: {纷享销客: 北京纷扬科技有限公司}}\n", encoding="utf-8"
    )
    return load_settings(home=home)


def _write(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        for schema in ("identity", "clean", "raw", "scoring"):
            connection.execute(f"create schema {schema}")
        for table, columns in {
            "identity.match_index": "record_key varchar, mailbox varchar, phones varchar[], wechat_id varchar, full_name varchar, person_key varchar, own_domain varchar, company_name varchar, company_key varchar, company_core_key varchar, known_at timestamp",
            "identity.identity_map": "record_key varchar, lead_id varchar, account_id varchar, known_to timestamp",
            "identity.leads": "lead_id varchar, full_name varchar, email varchar, phone varchar, wechat_id varchar, company_name varchar, title varchar, country varchar, account_id varchar, record_count bigint, created_at timestamp",
            "identity.accounts": "account_id varchar, company_name varchar, domain varchar",
            "identity.lead_redirects": "former_lead_id varchar, lead_id varchar",
            "scoring.scored_leads": "lead_id varchar, tier varchar, score double",
            "clean.rejected_leads": "record_key varchar, rule varchar, reason varchar, row varchar, known_at timestamp",
            "raw.refreshes": "as_of timestamp",
            "raw.sales_reps": "rep_id varchar, is_active boolean",
            "raw.sql_leads": "sql_lead_id varchar, owner varchar, known_at timestamp, occurred_at timestamp",
            "raw.opportunities": "sql_lead_id varchar, mql_id varchar, owner varchar, known_at timestamp, occurred_at timestamp",
        }.items():  # fmt: skip
            connection.execute(f"create table {table} ({columns})")
        day = "2025-01-05"
        for key, lead, account, name, email, phones, wechat, company, domain in _RECORDS:
            keys = (company and company_key(company), company and company_core_key(company))
            index = [key, mailbox(email), phones, wechat, name, person_key(name), domain, company, *keys, day]
            connection.execute(
                f"insert into identity.match_index values ({', '.join('?' * len(index))})", index
            )
            connection.execute(
                "insert into identity.identity_map values (?, ?, ?, null)", [key, lead, account]
            )
            phone = phones[0] if phones else None
            golden = [lead, name, email, phone, wechat, company, "CTO", "DE", account, 1, day]
            connection.execute("delete from identity.leads where lead_id = ?", [lead])
            connection.execute(f"insert into identity.leads values ({', '.join('?' * len(golden))})", golden)
        connection.execute(
            "insert into identity.identity_map values ('mql:105', 'L00000000000000ff', 'A3', '2025-01-04'), "
            "('mql:102', 'L00000000000000fe', 'A1', '2025-01-04'), ('mql:102', 'L00000000000000d4', 'A1', '2025-01-03')"
        )
        connection.execute(
            "insert into identity.lead_redirects values ('L00000000000000ff', 'L00000000000000e5')"
        )
        connection.execute(
            "insert into identity.accounts values ('A1', 'Acme Tools GmbH', 'acme.com'), ('A2', '北京纷扬科技有限公司', 'fenyang.cn'), ('A3', 'Northfell Instruments', null)"
        )
        connection.execute("insert into scoring.scored_leads values ('L00000000000000a1', 'HOT', 91.4)")
        for key, rule, reason, row in _REJECTED:
            connection.execute(
                "insert into clean.rejected_leads values (?, ?, ?, ?, ?)",
                [key, rule, reason, json.dumps(row, ensure_ascii=False), day],
            )
        connection.execute("insert into raw.refreshes values ('2025-01-09')")
        connection.execute("insert into raw.sales_reps values ('Ann', true), ('Gone', false)")
        connection.execute("insert into raw.sql_leads values ('201', 'Ann', '2025-01-05', '2025-01-05')")
        connection.execute(
            "insert into raw.opportunities values (null, '103', 'Gone', '2025-01-05', '2025-01-05'), "
            "(null, '104', 'Later', '2025-02-01', '2025-01-05'), (null, '105', 'Eve', '2025-01-05', '2025-01-05')"
        )  # fmt: skip


def _quiet(line: str) -> None:
    raise AssertionError(line)


@pytest.mark.parametrize(
    ("text", "lead", "why"),
    [
        ("anna.meyer@acme.com", "a1", "its e-mail address"),
        ("  ANNA.Meyer+news@Acme.com ", "a1", "its e-mail address"),
        ("anna.meier@acme.com", "a1", "an e-mail address spelt nearly alike"),
        ("j.lm@gmail.com", "d4", "its e-mail address"),
        ("+49 (30) 901-820", "a1", "its phone number"),
        ("0049 30 901820", "a1", "its phone number"),
        ("030/901820", "a1", "the end of its phone number"),
        ("138 1234 5679", "c3", "its phone number"),
        ("138 1234 5678", "c3", "a phone number but for a digit"),
        ("WXM_2020", "c3", "its WeChat id"),
        ("微信:wxm_2020", "c3", "its WeChat id"),
        ("Anna Maria Meyer", "a1", "its name"),
        ("meyer, anna", "a1", "its name"),
        ("Dr. Anna Meyer", "a1", "its name, written otherwise"),
        ("Bob Smith", "b2", "its name, with a short form"),
        ("R. Smith", "b2", "its name, by an initial"),
        ("Robret Smith", "b2", "its name, but for a letter"),
        ("Gustaw Nortfell", "e5", "its name, but for a letter"),
        ("王小明", "c3", "its name"),
        ("Xiaoming Wang", "c3", "its name, written otherwise"),
        ("Jean Luc Moreau", "d4", "its name, written otherwise"),
        ("Moreau", "d4", "its family name"),
        ("L00000000000000a1", "a1", "its lead id"),
        ("L00000000000000ff", "e5", "its former lead id L00000000000000ff"),
        ("L00000000000000fe", "b2", "its former lead id L00000000000000fe"),  # no refresh gave it out
        ("L00000000000000d4", "d4", "its lead id"),
        ("sql_leads:201", "a1", "its record"),
        ("201", "a1", "its record"),
    ],
)
def test_a_person_is_found_in_any_spelling(settings, text, lead, why):
    found = look_up(settings, text, tell=_quiet)
    assert found["leads"][0]["lead_id"] == f"L00000000000000{lead}"
    assert why in found["leads"][0]["why"]


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("acme.com", "A1"),
        ("https://www.acme.com/de/", "A1"),
        ("somebody.else@acme.com", "A1"),
        ("Acme Tools GmbH", "A1"),
        ("ACME TOOLS", "A1"),
        ("Acme", "A1"),
        ("Acme Tols", "A1"),
        ("北京纷扬", "A2"),
        ("纷扬科技", "A2"),
        ("纷享销客", "A2"),  # an alias of policy.yaml
        ("Northfell Instruments Ltd", "A3"),
    ],
)
def test_a_company_is_found_by_domain_short_name_brand_and_alias(settings, text, account):
    found = look_up(settings, text, tell=_quiet)
    assert account in [each["account_id"] for each in found["accounts"]]


def test_what_is_told_of_a_lead_and_an_account(settings):
    found = look_up(settings, "anna.meyer@acme.com", tell=_quiet)
    (lead,) = found["leads"]
    assert (lead["tier"], lead["owner"], lead["account_id"]) == ("HOT", "Ann", "A1")
    assert lead["record_keys"] == ["mql:101"]
    text = "\n".join(told(found))
    for word in (
        "L00000000000000a1",
        "HOT (91)",
        "owned by Ann",
        "Acme Tools GmbH",
        "a.meyer@acme.com",
        "mql:101",
    ):
        assert word in text
    (account,) = look_up(settings, "Acme Tools GmbH", tell=_quiet)["accounts"]
    assert (account["lead_count"], account["owner"], account["domain"]) == (2, "Ann", "acme.com")


@pytest.mark.parametrize(
    ("text", "owner", "account_owner"),
    [
        ("bob@acme.com", None, "Ann"),
        ("wang@fenyang.cn", None, None),  # of a rep who is gone
        ("jlm@gmail.com", None, None),  # known after the refresh's moment
        ("Gustav Northfell", "Eve", "Eve"),  # of an opportunity that names the form
    ],
)
def test_owners_are_those_the_crm_names_now(settings, text, owner, account_owner):
    lead = look_up(settings, text, tell=_quiet)["leads"][0]
    assert (lead["owner"], lead["account_owner"]) == (owner, account_owner)


@pytest.mark.parametrize("text", ["max@mailinator.com", "030 5557771", "Max Faker", "faker, max".replace(",", ""), "mql:900", "900", "Nowhere Inc"])  # fmt: skip
def test_rejected_records_are_told_with_their_rule(settings, text):
    found = look_up(settings, text, tell=_quiet)
    assert [record["record_key"] for record in found["rejected"]] == ["mql:900"]
    assert "REJECTED  mql:900  by disposable_mail: Its e-mail address is thrown away" in "\n".join(
        told(found)
    )


def test_what_was_rejected_for_being_no_address_is_found_as_written(settings):
    found = look_up(settings, "kim@@northfell.org", tell=_quiet)
    assert [record["record_key"] for record in found["rejected"]] == ["mql:902"]


def test_chinese_words_of_rejected_records(settings):
    assert [row["record_key"] for row in look_up(settings, "博彩", tell=_quiet)["rejected"]] == ["mql:901"]


def test_several_things_with_commas_between(settings):
    found = look_up(settings, "bob@acme.com, 北京纷扬, +12124561111", tell=_quiet)
    assert found["leads"][0]["lead_id"] == "L00000000000000b2"
    assert {account["account_id"] for account in found["accounts"]} == {"A1", "A2"}


@pytest.mark.parametrize("text", ["nobody@nowhere.org", "Zacharias Quux", "+49 89 7654321", "'; drop table x", "n/a", " ", "😀", "%", "x" * 10_000])  # fmt: skip
def test_nobody_is_made_up(settings, text):
    found = look_up(settings, text, tell=_quiet)
    assert not is_known(found), found
    asked = text if len(text) < 200 else f"{'x' * 200}…"
    assert list(told(found)) == [f"Nobody and no company known matches '{asked}'."]


def test_exit_status_and_json(settings, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(settings.home))
    known = CliRunner().invoke(cli, ["find", "wang@fenyang.cn", "--json"])
    assert known.exit_code == 0
    content = json.loads(known.output)
    assert content["leads"][0]["full_name"] == "王小明"
    assert content["leads"][0]["created_at"] == "2025-01-05T00:00:00"
    unknown = CliRunner().invoke(cli, ["find", "nobody@nowhere.org"])
    assert (unknown.exit_code, unknown.output) == (
        1,
        "Nobody and no company known matches 'nobody@nowhere.org'.\n",
    )


def test_a_home_without_warehouse_or_leads_is_an_error(tmp_path):
    with pytest.raises(LeadflowError, match="leadflow run"):
        look_up(load_settings(home=tmp_path), "Anna", tell=_quiet)
    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    with pytest.raises(LeadflowError, match=r"no table identity.match_index.*leadflow run"):
        look_up(load_settings(home=tmp_path), "Anna", tell=_quiet)


def test_a_refresh_that_holds_the_warehouse_is_waited_for_with_a_bound(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    hold = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:  # fmt: skip
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            said: list[str] = []
            with pytest.raises(WarehouseLockedError):
                look_up(load_settings(home=tmp_path, connect_wait_seconds=0.2), "Anna", tell=said.append)
            assert len(said) == 1
            assert "at most 0.2 seconds" in said[0]
        finally:
            holder.kill()
