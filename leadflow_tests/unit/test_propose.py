"""What is proposed of a file: fields, keys, times and values, by the columns' names and what they hold."""

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from leadflow.ingest.field_matches import name_fit, synonyms
from leadflow.ingest.field_words import FIELD_WORDS, words_of
from leadflow.ingest.proposal_text import proposal_text
from leadflow.ingest.propose import RawTable, propose
from leadflow.ingest.source_values import Constant, Expression, FromColumn, KeyOf, Numbers
from leadflow.ingest.value_sql import Reading, key_sql, value_sql
from leadflow.quality.sql_text import identifier
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.landing.column_profiles import profile
from leadflow.warehouse.landing.files import scan

TABLES = {
    "mql": RawTable(
        dict.fromkeys(
            [
                "mql_id",
                "email",
                "phone",
                "full_name",
                "company_name",
                "title",
                "country",
                "channel",
                "landing_page",
            ],
            "varchar",
        ),
        "mql_id",
        (),
    ),
    "opportunities": RawTable(
        {
            "opportunity_id": "varchar",
            "company_name": "varchar",
            "stage": "varchar",
            "outcome": "varchar",
            "contract_value": "double",
            "currency": "varchar",
            "opened_at": "timestamp",
            "closed_at": "timestamp",
        },
        "opportunity_id",
        (),
    ),
    "sql_leads": RawTable(
        {
            "sql_lead_id": "varchar",
            "email": "varchar",
            "status": "varchar",
            "is_accepted": "boolean",
            "budget": "varchar",
        },
        "sql_lead_id",
        (),
    ),
    "sales_activities": RawTable(
        {
            "activity_id": "varchar",
            "activity_type": "varchar",
            "duration_seconds": "double",
            "owner": "varchar",
        },
        "activity_id",
        ("activity_type",),
    ),
}


moment = datetime.fromisoformat


@contextmanager
def looked_at(folder: Path, text: str, name: str = "file.csv"):
    """A proposal, and a function that gives what landing makes of a mapping over the file's rows."""
    (folder / name).write_text(text, encoding="utf-8")
    with (
        Warehouse(Path(":memory:")).connect() as connection,
        scan(connection, folder / name, "csv", {}) as file,
        profile(connection, file) as rows,
    ):

        def values(mapping, data_type="varchar"):
            markers = tuple(marker for column in rows.columns for marker in column.markers)
            reading = Reading(null_values=markers, is_computed=isinstance(mapping, Expression))
            if isinstance(mapping, KeyOf):
                sql = key_sql([identifier(column) for column in mapping.key_of])
            elif isinstance(mapping, Expression):
                sql = value_sql(f"({mapping.expression})", data_type, None, reading)
            elif isinstance(mapping, FromColumn):
                sql = value_sql(identifier(mapping.column), data_type, "VARCHAR", reading.with_own(mapping))
            else:
                sql = value_sql(identifier(mapping), data_type, "VARCHAR", reading)
            return [row[0] for row in connection.execute(f"select {sql} from {file.relation}").fetchall()]

        def proposed(table=None):
            return propose(rows, TABLES, name.split(".")[0], table=table)

        yield proposed, values


def fills(proposal) -> dict[str, object]:
    return {fill.column: fill.mapping for fill in proposal.fills}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Work E-Mail", "work email"),
        ("workEmail", "work email"),
        ("WORK_EMAIL", "work email"),
        ("HTTPStatus", "http status"),
        ("Ｅmail", "email"),
        (" 公司（名称） ", "公司 名称"),
    ],
)
def test_names_are_taken_apart_into_words(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("email", "Work Email"),
        ("email", "E-mail"),
        ("email", "邮箱"),
        ("email", "联系人邮箱"),
        ("email", "property_email"),
        ("email", "Emial Address"),
        ("phone", "手机"),
        ("phone", "Mobile Phone"),
        ("company_name", "公司"),
        ("company_name", "Company Name"),
        ("channel", "Lead Source"),
        ("title", "Job Title"),
        ("title", "What is your current occupation"),
        ("budget", "Budget__c"),
    ],
)
def test_a_field_is_known_by_its_names(field, name):
    fit, reason = name_fit(name, synonyms(FIELD_WORDS[field]))
    assert fit >= 0.5
    assert reason


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("full_name", "Product Name"),
        ("title", "Page Title"),
        ("company_name", "公司地址"),
        ("email", "email bounced date"),
        ("channel", "Browser Source"),
        ("event_type", "lead_type"),
    ],
)
def test_a_field_is_not_taken_for_another(field, name):
    assert name_fit(name, synonyms(FIELD_WORDS[field]))[0] < 0.5


ROWS = 30


def lines(header: str, row) -> str:
    return "\n".join([header, *(row(number) for number in range(1, ROWS + 1))]) + "\n"


def test_leads_by_name_and_by_content(tmp_path: Path) -> None:
    text = lines(
        "Lead No,Contact,First Name,Last Name,Company,Lead Source,Created Date,Shoe Size",
        lambda n: (
            f"L{n},p{n}@firm.example,Ann,Lee,Firm {n % 7},{'Select' if n % 3 else 'Ads'},2026-01-{n:02} 10:00,{n % 9}"
        ),
    )
    with looked_at(tmp_path, text, "leads.csv") as (proposed, values):
        proposal = proposed()
        found = fills(proposal)
        assert proposal.table == "mql"
        assert found["mql_id"] == "Lead No"
        assert found["email"] == "Contact"
        assert found["company_name"] == "Company"
        assert set(values(found["full_name"])) == {"Ann Lee"}
        assert set(values(found["channel"])) == {None, "Ads"}
        assert proposal.times.occurred_at == "Created Date"
        assert proposal.times.known_at == "occurred_at"
        assert [(extra.attribute.column, extra.attribute.type) for extra in proposal.extras] == [
            ("Shoe Size", "number")
        ]
        assert proposal.decisions == ()
        assert proposal.newest == moment("2026-01-30 10:00")


def test_chinese_columns(tmp_path: Path) -> None:
    text = lines(
        "线索编号,姓名,邮箱,手机,公司,职位,来源,创建时间",
        lambda n: f"X{n},王{n},w{n}@gs.example,138{n:08},公司{n},经理,百度,2026年1月{n}日",
    )
    with looked_at(tmp_path, text, "市场线索.csv") as (proposed, values):
        proposal = proposed()
        assert proposal.table == "mql"
        assert fills(proposal) == {
            "mql_id": "线索编号",
            "email": "邮箱",
            "phone": "手机",
            "full_name": "姓名",
            "company_name": "公司",
            "title": "职位",
            "channel": "来源",
        }
        assert values(proposal.times.occurred_at, "timestamp")[4] == moment("2026-01-05")


@pytest.mark.parametrize(
    ("dates", "first", "is_told"),
    [
        (lambda n: f"{n % 12 + 1:02}/03/2026", moment("2026-03-02"), True),
        (lambda n: f"{n:02}/03/2026", moment("2026-03-01"), False),
        (lambda n: f"03/{n:02}/2026 14:30", moment("2026-03-01 14:30"), False),
        (lambda n: f"{n}.3.2026", moment("2026-03-01"), False),
        (lambda n: f"{n:02}-Mar-2026", moment("2026-03-01"), False),
        (lambda n: f"202603{n:02}", moment("2026-03-01"), False),
        (lambda n: str(1772323200 + n * 86400), moment("2026-03-02"), False),
    ],
    ids=["ambiguous", "day first", "month first with time", "dots", "month's name", "one number", "epoch"],
)
def test_dates_and_what_cannot_be_told_is_told(tmp_path: Path, dates, first, is_told) -> None:
    with looked_at(tmp_path, lines("id,email,date", lambda n: f"{n},a{n}@b.example,{dates(n)}")) as (
        proposed,
        values,
    ):
        proposal = proposed("mql")
        assert values(proposal.times.occurred_at, "timestamp")[0] == first
        assert any("day first and with the month first" in one for one in proposal.decisions) is is_told


def test_another_column_tells_which_comes_first(tmp_path: Path) -> None:
    text = lines("id,date,last seen", lambda n: f"{n},{n % 12 + 1:02}/03/2026,03/{n:02}/2026")
    with looked_at(tmp_path, text) as (proposed, values):
        proposal = proposed("mql")
        assert values(proposal.times.occurred_at, "timestamp")[0] == moment("2026-02-03")
        assert proposal.decisions == ()


@pytest.mark.parametrize(
    ("written", "value"),
    [("1,234.50", 1234.5), ("$1,234", 1234.0), ("1.234,50", 1234.5), ("1234.5", 1234.5)],
)
def test_numbers_however_they_are_written(tmp_path: Path, written, value) -> None:
    text = lines(
        "deal id;amount;stage;created date;close date",
        lambda n: f"{n};{written};Won;2026-01-01;2026-02-{n % 28 + 1:02}",
    )
    with looked_at(tmp_path, text, "deals.csv") as (proposed, values):
        assert values(fills(proposed())["contract_value"], "double")[0] == value


def test_an_open_deals_close_date_is_no_fact(tmp_path: Path) -> None:
    stages = ["Closed Won", "Closed Lost", "Not won yet", "Negotiation"]
    text = lines(
        "Opportunity ID,Account,Stage,Amount,Created Date,Close Date",
        lambda n: f"{n},Firm,{stages[n % 4]},10,2026-01-01,2026-12-31",
    )
    with looked_at(tmp_path, text) as (proposed, values):
        proposal = proposed()
        assert proposal.table == "opportunities"
        assert values(fills(proposal)["outcome"])[:4] == ["lost", "lost", None, "won"]
        assert values(proposal.times.occurred_at, "timestamp")[2:4] == [
            moment("2026-01-01"),
            moment("2026-12-31"),
        ]


def test_without_an_id_and_a_date_both_are_told_and_made(tmp_path: Path) -> None:
    text = lines("Company,Remark", lambda n: f"Firm {n % 20},{n % 20}")
    with looked_at(tmp_path, text, "leads.csv") as (proposed, values):
        proposal = proposed("mql")
        assert len(set(values(fills(proposal)["mql_id"]))) == 20
        assert proposal.times.occurred_at is None
        assert proposal.times.known_at == "landed"
        told = " ".join(proposal.decisions)
        assert "10 of all 30 rows repeat another row" in told
        assert "no column of the file holds dates" in told


def test_the_identifying_columns_make_the_key(tmp_path: Path) -> None:
    with looked_at(tmp_path, lines("E-mail,Day", lambda n: f"a{n % 15}@b.example,2026-01-{n:02}")) as (
        proposed,
        values,
    ):
        mapping = fills(proposed("mql"))["mql_id"]
        assert mapping == KeyOf(key_of=("E-mail", "Day"))
        assert len(set(values(mapping))) == ROWS


def test_changing_rows_are_known_when_they_were_last_changed(tmp_path: Path) -> None:
    text = lines(
        "CRM Lead ID,Email,Status,Budget,Created Date,Last Modified Date",
        lambda n: (
            f"{n},a{n}@b.example,{['Qualified', 'Unqualified', 'New'][n % 3]},10k,2026-01-01,2026-02-{n % 28 + 1:02}"
        ),
    )
    with looked_at(tmp_path, text) as (proposed, values):
        proposal = proposed()
        assert proposal.table == "sql_leads"
        assert proposal.times.known_at == FromColumn(column="Last Modified Date")
        assert values(fills(proposal)["is_accepted"], "boolean")[:3] == [False, None, True]


def test_a_required_type_is_never_null(tmp_path: Path) -> None:
    text = lines("Task ID,Duration in Minutes,Owner,Start Time", lambda n: f"{n},{n},Ann,2026-01-01 10:00")
    with looked_at(tmp_path, text, "calls.csv") as (proposed, values):
        proposal = proposed()
        assert proposal.table == "sales_activities"
        assert fills(proposal)["activity_type"] == Constant(constant="call")
        assert values(fills(proposal)["duration_seconds"], "double")[1] == 120


HOSTILE = 'x"; drop table t; --'


def test_names_and_cells_are_never_run_and_stay_on_their_line(tmp_path: Path) -> None:
    header = (
        '"id","e-mail","' + HOSTILE.replace('"', '""') + '","two\nlines: [a] # b","${HOME}","created\'at"'
    )
    text = lines(
        header,
        lambda n: (
            f'"{n}","a{n}@b.example","\'); drop table t{n % 3}; --","1,{n:03}","=cmd({n % 3})","{n:02}/01/2026"'
        ),
    )
    with looked_at(tmp_path, text) as (proposed, values):
        proposal = proposed("mql")
        assert len(values(proposal.times.occurred_at, "timestamp")) == ROWS
        written = proposal_text(
            proposal,
            name="s",
            path=tmp_path / "file.csv",
            looked_at="all",
            clock="now",
            clock_reason="x\ny: {",
        )
    (source,) = yaml.safe_load(written)["sources"]
    assert source["columns"]["email"] == "e-mail"
    uncommented = [
        line.replace("    #   ", "      ", 1) for line in written.splitlines() if line.startswith("    #   ")
    ]
    extras = yaml.safe_load("\n".join(uncommented))
    assert {extra["column"] for extra in extras.values()} == {HOSTILE, "two\nlines: [a] # b", "${HOME}"}


def test_columns_called_like_leadflows_own_sql(tmp_path: Path) -> None:
    with looked_at(tmp_path, lines("value,times,number,email", lambda n: f"{n},{n},{n},a{n}@b.example")) as (
        proposed,
        _,
    ):
        assert {extra.attribute.column for extra in proposed("mql").extras} >= {"value", "times"}


@pytest.mark.parametrize(
    "text", ["id,email,date\n", "id\n", "a,b\n,\n"], ids=["no rows", "one column", "nothing in them"]
)
def test_next_to_nothing(tmp_path: Path, text: str) -> None:
    with looked_at(tmp_path, text) as (proposed, _):
        proposal = proposed()
        assert "mql_id" in fills(proposal)
        assert proposal.times.known_at == "landed"


def test_how_cells_are_read_is_proposed_in_settings_and_not_in_sql(tmp_path: Path) -> None:
    text = lines(
        "id|email|date|value|vip|seats|joined",
        lambda n: (
            f"{n}|a{n}@b.example|{n:02}/03/2026 10:0{n % 9}|x|{'是' if n % 2 else '否'}|"
            f"{'Select' if n % 3 else f'¥ {n},000'}|{45000 + n}"
        ),
    ).replace("joined", "joined date")
    with looked_at(tmp_path, text) as (proposed, values):
        proposal = proposed("mql")
        assert proposal.times.occurred_at == FromColumn(column="date", format=("%d/%m/%Y %H:%M",))
        assert proposal.null_values == ("Select",)
        extras = {extra.attribute.column: extra.attribute for extra in proposal.extras}
        assert extras["vip"].values == {"否": False, "是": True}
        assert extras["seats"].numbers == Numbers(thousands=",", affixes=("¥",))
        assert (extras["joined date"].type, extras["joined date"].format) == ("timestamp", ("excel",))
        assert values(extras["vip"], "boolean")[:2] == [True, False]
        assert values(extras["seats"], "double")[:3] == [None, None, 3000.0]
        assert values(extras["joined date"], "timestamp")[0] == moment("2023-03-16")
        written = proposal_text(
            proposal, name="s", path=tmp_path / "f.csv", looked_at="all", clock="now", clock_reason="x"
        )
    (source,) = yaml.safe_load(written)["sources"]
    assert source["null_values"] == ["Select"]
    assert source["occurred_at"] == {"column": "date", "format": "%d/%m/%Y %H:%M"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("Yes", "No"), "Converted"),
        (("Y", "n"), "Converted"),
        (("是", "否"), FromColumn(column="Converted", values={"否": False, "是": True})),
        (("1.0", "0.0"), FromColumn(column="Converted", values={"0.0": False, "1.0": True})),
    ],
)
def test_yes_and_no_however_they_are_written(tmp_path: Path, flags, expected) -> None:
    text = lines(
        "CRM Lead ID,Email,Converted,Created Date", lambda n: f"{n},a{n}@b.example,{flags[n % 2]},2026-01-01"
    )
    with looked_at(tmp_path, text) as (proposed, values):
        mapping = fills(proposed("sql_leads"))["is_accepted"]
        assert mapping == expected
        assert values(mapping, "boolean")[:2] == [False, True]


def test_of_many_columns_those_that_say_something_are_proposed(tmp_path: Path) -> None:
    names = ["id", "first_name", "last_name", "created", "same", "token", *[f"level {n}" for n in range(20)]]
    text = lines(
        ",".join(names),
        lambda n: f"L{n},Ann{n},Ba{n},2026-01-{n:02},x,{n:08x},{','.join([str(n % 4)] * 20)}",
    )
    with looked_at(tmp_path, text) as (proposed, values):
        proposal = proposed("mql")
        assert values(fills(proposal)["full_name"])[0] == "Ann1 Ba1"
    assert [extra.name for extra in proposal.extras] == [f"level_{n}" for n in range(15)]
    assert proposal.others == ("same", "token", *(f"level {n}" for n in range(15, 20)))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("email", "a second source makes a lead of each deal"),
        ("product", "no source fills mql or sql_leads"),
    ],
)
def test_deals_alone_are_no_leads(tmp_path: Path, columns, told) -> None:
    text = lines(
        f"opportunity id,{columns},stage,amount,created date,close date",
        lambda n: (
            f"D{n},p{n % 7}@a.example,{('won', 'lost')[n % 2]},5,2026-01-{n:02},2026-02-{n % 20 + 1:02}"
        ),
    )
    if columns == "product":
        text = text.replace("@a.example", "")
    with looked_at(tmp_path, text, "deals.csv") as (proposed, _):
        proposal = proposed()
    assert proposal.table == "opportunities"
    assert told in proposal.decisions[0]
    assert (proposal.leads is None) == (columns == "product")
    if proposal.leads is not None:
        assert fills(proposal.leads) == {"sql_lead_id": "opportunity id", "email": "email"}
        assert proposal.leads.times.occurred_at == "created date"
        assert proposal.leads.times.known_at == proposal.times.known_at
