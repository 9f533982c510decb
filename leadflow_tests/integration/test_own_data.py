"""A company's own files through the line: next to no columns, cells written its own way, attributes known later."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import Home, leadflow


def home_of(folder: Path, sources: str, **files: str) -> Home:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "sources.yaml").write_text(
        f"version: 1\nclock: newest_fact\nsources:\n{sources}", encoding="utf-8"
    )
    return Home(folder / "home", folder / "sources.yaml")


def test_dates_alone_are_leads(tmp_path: Path) -> None:
    home = home_of(
        tmp_path,
        """\
  - name: forms
    table: mql
    path: forms.csv
    columns: {mql_id: {key_of: [Date, Name]}}
    occurred_at: Date
""",
        forms="Date,Name\n2026-01-01,Ann\n2026-01-02,\n2026-01-02,Bo\n2026-01-02,Bo\n,\n",
    )
    sources = home.sources.read_text().replace(
        "occurred_at: Date", "occurred_at: Date\n    max_rejected_share: 0.5"
    )
    home.sources.write_text(sources)
    assert home.make().success
    assert home.value("select count(*) from raw.mql") == 3
    assert home.rows("select tier, ml_probability, count(*) from scoring.scored_leads group by all") == [
        ("COLD", None, 3)
    ]
    assert home.value("select status from scoring.model_card") == "rules_only"
    rejected = home.rows("select line, reason from raw.rejected_rows where column_name = 'mql_id'")
    assert rejected == [(6, "row rejected: a required value is missing")]


def test_cells_in_a_companys_own_way_and_what_becomes_of_the_rest(tmp_path: Path) -> None:
    home = home_of(
        tmp_path,
        """\
  - name: crm
    table: opportunities
    path: deals.csv
    time_zone: Asia/Shanghai
    date_formats: ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
    null_values: [Select, N/A, "-"]
    numbers: {decimal: ",", thousands: ".", affixes: [CNY]}
    max_rejected_share: 0.5
    columns:
      opportunity_id: Id
      outcome: {column: Stage, values: {Gewonnen: won, Verloren: lost}, other: null}
      stage: {column: Stage, values: {Gewonnen: Won, Verloren: Lost, Offen: Open}, other: reject}
      contract_value: Value
      closed_at: {column: Closed, format: excel}
    occurred_at: Opened
""",
        deals=(
            "Id;Stage;Value;Opened;Closed\n"
            "1;gewonnen;CNY 1.234,50;31/01/2026 10:00;46054\n"
            "2;Verloren;(1.234);31/01/2026;-\n"
            "3;Offen;select;01/02/2026 00:30;\n"
            "4;Maybe;1,234.50;01/02/2026;0000-00-00\n"
            "5;;12%;01/02/2026;20226-01-02\n"
            "6;Offen;1;31/02/2026;\n"
            "7;Offen;1;0000-00-00;\n"
            "8;Offen;1;01/02/20226;\n"
        ),
    )
    assert home.make().success
    told = "select opportunity_id, outcome, stage, contract_value, occurred_at::varchar, closed_at::varchar "
    assert home.rows(told + "from raw.opportunities order by opportunity_id") == [
        ("1", "won", "Won", 1234.5, "2026-01-31 02:00:00", "2026-01-31 16:00:00"),
        ("2", "lost", "Lost", -1234.0, "2026-01-30 16:00:00", None),
        ("3", None, "Open", None, "2026-01-31 16:30:00", None),
        ("4", None, None, None, "2026-01-31 16:00:00", None),
        ("5", None, None, None, "2026-01-31 16:00:00", None),
    ]
    kept, lost = (
        "row kept, value set to null: the value is not readable",
        "row rejected: the value is not readable",
    )
    assert home.rows("select line, column_name, reason from raw.rejected_rows order by line, column_name") == [
        (5, "closed_at", kept), (5, "contract_value", kept), (5, "stage", kept),
        (6, "closed_at", kept), (6, "contract_value", kept),
        (7, "known_at", lost), (7, "occurred_at", lost),
        (8, "known_at", lost), (8, "occurred_at", lost),
        (9, "known_at", lost), (9, "occurred_at", lost),
    ]  # fmt: skip


ATTRIBUTES = """\
  - name: forms
    table: mql
    path: forms.csv
    columns: {mql_id: id, email: mail}
    occurred_at: sent
    attributes:
      heard: {column: heard}
      checked:
        column: checked
        type: boolean
        values: {ja: true, nein: false}
        known_at: {column: checked on, format: "%d/%m/%Y"}
      contract: {column: contract, type: number, known_at: {backdated: it is of the firm and never changes}}
      rank: {column: rank, type: number, known_at: landed}
"""
TO_FEATURES = ("raw", "staging", "clean", "identity", "enrich", "features")
FORMS = (
    "id,mail,sent,heard,checked,checked on,contract,rank\n"
    "1,a@north.example,2026-01-05,fair,ja,10/03/2026,7,1\n"
    "2,b@south.example,2026-01-05,web,nein,,,2\n"
)


@pytest.mark.parametrize(
    ("as_of", "first", "second"),
    [
        ("2026-02-01", '{"contract":"7.0","heard":"fair","rank":"1.0"}', '{"heard":"web","rank":"2.0"}'),
        ("2026-03-09 23:00", '{"contract":"7.0","heard":"fair","rank":"1.0"}', '{"heard":"web","rank":"2.0"}'),
        ("2026-03-10", '{"checked":"true","contract":"7.0","heard":"fair","rank":"1.0"}', '{"heard":"web","rank":"2.0"}'),
    ],
)  # fmt: skip
def test_an_attribute_is_in_no_feature_before_it_was_known(
    tmp_path: Path, as_of: str, first: str, second: str
) -> None:
    home = home_of(tmp_path, ATTRIBUTES, forms=FORMS)
    assert home.make(as_of=as_of, stages=TO_FEATURES).success
    told = "select attributes from features.lead_features order by attributes"
    assert sorted(row[0] for row in home.rows(told)) == sorted([first, second])
    # A value that says of no moment when it was known is told, and is nobody's.
    assert home.rows("select line, column_name from raw.rejected_rows") == [(3, "attribute checked")]


def test_a_past_moment_does_not_see_what_an_attribute_said_later(tmp_path: Path) -> None:
    """Once landed, looked at from before it was known and from after: the same warehouse."""
    home = home_of(tmp_path, ATTRIBUTES, forms=FORMS)
    assert home.make(as_of="2026-03-11", stages=TO_FEATURES).success
    assert "checked" in home.value("select string_agg(attributes) from features.lead_features")
    assert home.rows("select known_at::varchar from raw.attributes where attribute = 'checked'") == [
        ("2026-03-10 00:00:00",)
    ]
    assert home.make(as_of="2026-03-01", stages=TO_FEATURES).success
    seen = home.value("select string_agg(attributes) from features.lead_features")
    assert "heard" in seen
    assert "checked" not in seen
    assert "rank" not in seen, "it landed with the refresh of March 11th"


def test_doctor_tells_which_columns_stay_null(tmp_path: Path) -> None:
    home = home_of(tmp_path, ATTRIBUTES, forms=FORMS)
    done = leadflow(home.path, "doctor", sources=home.sources)
    (told,) = (line for line in done.stdout.splitlines() if "this source does not fill them" in line)
    assert "visitor_id, phone, wechat_id, full_name" in told
    assert "email" not in told
