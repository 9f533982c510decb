import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.identity.linkage_comparisons import blocking_keys, comparisons_of
from leadflow.identity.linkage_fields import LONGEST, declared_fields, guess_fields, prepare


def test_headers_tell_the_kinds_of_fields_and_what_is_ignored_is_not_compared():
    headers = [
        "rec_id",
        "First Name",
        "surname",
        "dob",
        "address_1",
        "address_2",
        "soc_sec_id",
        "cluster",
        "state",
    ]
    found = {field.column: field.name for field in guess_fields(headers, ["state"])}
    assert found == {
        "First Name": "given_name", "surname": "family_name", "dob": "date", "address_1": "street", "address_2": "street_2",
    }  # fmt: skip


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(LeadflowError, match=r"'shoe_size'.*given_name"):
        declared_fields({"shoe_size": ["size"]})


@pytest.mark.parametrize(
    ("kind", "value", "column", "expected"),
    [
        ("given_name", " Zoë ", "given_name", "zoe"),
        ("given_name", "Bob", "given_name_formal", ["bob", "robert"]),
        ("given_name", "--", "given_name", None),
        ("family_name", "O'Brien", "family_name_start", "obr"),
        ("date", "1971-06-24", "date", "19710624"),
        ("date", "19710624", "date", "19710624"),
        ("date", "24/06/1971", "date", "19710624"),
        ("date", "1971-13-44", "date", "19711344"),
        ("date", "", "date", None),
        ("date", "1971-6-4", "date_year", "1971"),
        ("email", "A.B@X.com", "email", "a.b@x.com"),
        ("email", "A.B@X.com", "email_local", "a.b"),
        ("email", "a.b@x.com", "email_domain", "x.com"),
        ("email", "no address", "email_domain", None),
        ("phone", "+44 (0)20 7946 0958", "phone", "079460958"),
        ("phone", "n/a", "phone", None),
        ("street", "Kent  St.", "street", "kent st"),
        ("street", "ab ba", "street_letters", "aabb"),
        ("domain", "https://www.x.com/about", "domain", "x.com"),
        ("postcode", "SW1A 1AA", "postcode", "sw1a1aa"),
        ("company", "x" * 10_000, "company", "x" * LONGEST),
    ],
)  # fmt: skip
def test_values_are_made_ready_by_kind(kind, value, column, expected):
    fields = declared_fields({kind: ["said"]})
    ready = prepare(pl.DataFrame({"key": ["1", "2"], "said": [value, None]}), fields, "key")
    first, second = ready[column].to_list()
    assert (set(expected) <= set(first)) if isinstance(expected, list) else (first == expected)
    assert second is None


def test_rows_keep_their_order_and_key():
    records = pl.DataFrame({"key": [3, 1, 2], "name": ["c", "a", "b"]})
    ready = prepare(records, declared_fields({"family_name": ["name"]}), "key")
    assert ready.select("unique_id", "family_name").rows() == [("3", "c"), ("1", "a"), ("2", "b")]


def test_every_field_is_compared_and_found_by_a_key():
    fields = guess_fields(["first_name", "surname", "dob", "email", "city", "postcode"])
    assert [part["output_column_name"] for part in comparisons_of(fields)] == [field.name for field in fields]
    keys = {column for entry in blocking_keys(fields) for column in entry}
    assert {field.name for field in fields} <= keys
